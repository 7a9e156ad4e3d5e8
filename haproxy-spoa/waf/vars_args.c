/* SPDX-License-Identifier: MIT */
/*
 * application/x-www-form-urlencoded, of queries and bodies, as ModSecurity 2 reads it: any byte but the
 * separator, '=', '+' and %HH stands for itself, a '%' that begins no %HH stays and is reported, names and
 * values may be empty.  Nothing is copied unless something has to be decoded.
 */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/vars_private.h"
#include "lib/arena.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
waf_percent_value(const char *p, const char *end)
{
	int high, low;

	if (end - p < 3 || (high = hex_value(p[1])) < 0 || (low = hex_value(p[2])) < 0)
		return -1;
	return high << 4 | low;
}

static size_t
decode_into(char *out, const char *p, const char *end, bool *bad)
{
	char *o = out;
	int byte;

	for (; p < end; p++) {
		if (*p == '+')
			*o++ = ' ';
		else if (*p != '%')
			*o++ = *p;
		else if ((byte = waf_percent_value(p, end)) >= 0) {
			*o++ = (char)byte;
			p += 2;
		} else {
			*o++ = '%';
			*bad = true;
		}
	}
	return (size_t)(o - out);
}

/* One name or value: up to the separator, <equals> too ends a name. */
struct piece {
	struct waf_str	 raw;
	bool		 encoded;
};

static const char *
piece_read(struct piece *piece, const char *p, const char *end, char separator, bool is_name)
{
	const char *start = p;

	piece->encoded = false;
	for (; p < end && *p != separator && !(is_name && *p == '='); p++)
		if (*p == '%' || *p == '+')
			piece->encoded = true;
	piece->raw = (struct waf_str){ start, (size_t)(p - start) };
	return p;
}

static bool
piece_decode(struct waf_vars *vars, const struct piece *piece, struct waf_str *out, bool *bad)
{
	char *copy;

	*out = piece->raw;
	if (!piece->encoded)
		return true;
	copy = arena_alloc(vars->arena, piece->raw.n);
	if (copy == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return false;
	}
	out->n = decode_into(copy, piece->raw.p, piece->raw.p + piece->raw.n, bad);
	out->p = copy;
	return true;
}

void
waf_args_urlencoded(struct waf_vars *vars, const struct waf_settings *set, enum waf_arg_from from,
    struct waf_str text)
{
	char separator = set->argument_separator ? set->argument_separator : '&';
	const char *p, *end;
	bool bad = false, more = true;
	struct waf_str name, value;
	struct piece piece;

	text = waf_str_safe(text);
	p = text.p;
	end = p + text.n;
	while (more && p < end) {
		p = piece_read(&piece, p, end, separator, true);
		more = piece_decode(vars, &piece, &name, &bad);
		value = WAF_STR("");
		if (more && p < end && *p == '=') {
			p = piece_read(&piece, p + 1, end, separator, false);
			more = piece_decode(vars, &piece, &value, &bad);
		}
		more = more && waf_vars_add_arg(vars, set, from, name, value);
		if (p < end)
			p++;
	}
	if (bad)
		waf_vars_set(vars, WAF_V_URLENCODED_ERROR, WAF_STR("1"));
}
