/* SPDX-License-Identifier: MIT */
/* Escapes of JavaScript, CSS, C and HTML. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "haproxy-spoa/waf/transform_private.h"

#define RUN_ARGS	unsigned char *restrict out, const unsigned char *restrict p, size_t n, \
			const struct waf_unimap *map

/* Number in hexadecimal at p, digits <= max; *used of them. */
static unsigned
hex_run(const unsigned char *p, size_t n, size_t max, size_t *used)
{
	unsigned v = 0;
	size_t i;

	for (i = 0; i < n && i < max && tfn_hex[p[i]] >= 0; i++)
		v = v << 4 | (unsigned)tfn_hex[p[i]];
	*used = i;
	return v;
}

/* At most three octal digits; two if three would not fit a byte and <fit>. */
static unsigned
octal_run(const unsigned char *p, size_t n, bool fit, size_t *used)
{
	unsigned v = 0;
	size_t i;

	for (i = 0; i < n && i < 3 && tfn_is_octal(p[i]); i++) {
		if (fit && v > 037)
			break;
		v = v << 3 | (p[i] & 7u);
	}
	*used = i;
	return v;
}

/* \a and its kind; 0: no such escape. */
static unsigned char
control_escape(unsigned char c)
{
	static const unsigned char t[256] = {
		['a'] = '\a', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t', ['v'] = '\v',
	};

	return t[c];
}

/* The escape at p[0] == '\\', n > 1; returns bytes used. */
static size_t
js_escape(unsigned char *out, const unsigned char *p, size_t n)
{
	unsigned v;
	size_t k;

	if (p[1] == 'u') {
		v = hex_run(p + 2, n - 2, 4, &k);
		if (k == 4) {
			*out = tfn_narrow(v);
			return 6;
		}
	} else if (p[1] == 'x' && n >= 4 && tfn_is_hex2(p + 2)) {
		*out = tfn_hex2(p + 2);
		return 4;
	} else if (tfn_is_octal(p[1])) {
		*out = (unsigned char)octal_run(p + 1, n - 1, true, &k);
		return 1 + k;
	}
	*out = control_escape(p[1]) != 0 ? control_escape(p[1]) : p[1];
	return 2;
}

size_t
tfn_js(RUN_ARGS)
{
	size_t i = 0, o = 0;

	(void)map;
	while (i < n) {
		if (p[i] == '\\' && i + 1 < n)
			i += js_escape(&out[o++], p + i, n - i);
		else
			out[o++] = p[i++];
	}
	return o;
}

/* \HHHHHH and one blank behind it; only the low byte counts. */
size_t
tfn_css(RUN_ARGS)
{
	size_t i = 0, o = 0, k;
	unsigned v;

	(void)map;
	while (i < n) {
		if (p[i] != '\\') {
			out[o++] = p[i++];
			continue;
		}
		i++;
		v = hex_run(p + i, n - i, 6, &k);
		i += k;
		if (k != 0) {
			out[o++] = tfn_narrow(v);
			i += i < n && tfn_is_space(p[i]);
		} else if (i < n && p[i] == '\n')
			i++;
		else if (i < n)
			out[o++] = p[i++];
	}
	return o;
}

/* The escape at p[0] == '\\', n > 1, of C; what is none loses its backslash. */
static size_t
c_escape(unsigned char *out, const unsigned char *p, size_t n)
{
	size_t k;

	if (control_escape(p[1]) != 0) {
		*out = control_escape(p[1]);
	} else if ((p[1] | 32) == 'x' && n >= 4 && tfn_is_hex2(p + 2)) {
		*out = tfn_hex2(p + 2);
		return 4;
	} else if (tfn_is_octal(p[1])) {
		*out = (unsigned char)octal_run(p + 1, n - 1, false, &k);
		return 1 + k;
	} else
		*out = p[1];
	return 2;
}

size_t
tfn_escape_seq(RUN_ARGS)
{
	size_t i = 0, o = 0;

	(void)map;
	while (i < n) {
		if (p[i] == '\\' && i + 1 < n)
			i += c_escape(&out[o++], p + i, n - i);
		else
			out[o++] = p[i++];
	}
	return o;
}

/* Digits of a numeric entity.  Too large a number is 0xff, as strtol's limit cut to a byte. */
static size_t
entity_number(unsigned char *out, const unsigned char *p, size_t n, unsigned base)
{
	uint64_t v = 0;
	size_t i;
	int d;

	for (i = 0; i < n && (d = tfn_hex[p[i]]) >= 0 && (unsigned)d < base; i++)
		v = v > INT64_MAX / 16 ? INT64_MAX : v * base + (unsigned)d;
	*out = (unsigned char)v;
	return i;
}

static size_t
entity_name(unsigned char *out, const unsigned char *p, size_t n)
{
	static const struct {
		const char	*name;
		unsigned char	 c;
	} t[] = { { "quot", '"' }, { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "nbsp", 0xa0 } };
	size_t len = 0;

	while (len < n && len < 5 &&
	    ((p[len] >= '0' && p[len] <= '9') || ((p[len] | 32) >= 'a' && (p[len] | 32) <= 'z')))
		len++;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (strlen(t[i].name) == len && strncasecmp(t[i].name, (const char *)p, len) == 0) {
			*out = t[i].c;
			return len;
		}
	return 0;
}

/* Entity at p[0] == '&'; bytes used, the semicolon if there is one included; 0: none. */
static size_t
entity(unsigned char *out, const unsigned char *p, size_t n)
{
	size_t head = 1, k;

	if (n > 2 && p[1] == '#' && (p[2] | 32) == 'x') {
		head = 3;
		k = entity_number(out, p + 3, n - 3, 16);
	} else if (n > 1 && p[1] == '#') {
		head = 2;
		k = entity_number(out, p + 2, n - 2, 10);
	} else
		k = entity_name(out, p + 1, n - 1);
	if (k == 0)
		return 0;
	k += head;
	return k < n && p[k] == ';' ? k + 1 : k;
}

size_t
tfn_html_entity(RUN_ARGS)
{
	size_t i = 0, o = 0, k;

	(void)map;
	while (i < n) {
		if (p[i] == '&' && (k = entity(&out[o], p + i, n - i)) != 0) {
			i += k;
			o++;
		} else
			out[o++] = p[i++];
	}
	return o;
}
