/* SPDX-License-Identifier: MIT */
/* Requests byte for byte as python-ftw (3.3) and go-ftw (v4) build them; a different byte is a different test. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/arena.h"
#include "tests/waf/ftw.h"

#define FORM	"application/x-www-form-urlencoded"

static struct waf_str
keep(struct arena *a, struct buf *b)
{
	struct waf_str s = {arena_strndup(a, buf_ptr(b), buf_len(b)), buf_len(b)};

	buf_free(b);
	return s;
}

struct waf_str
ftw_base64_decode(struct arena *a, struct waf_str in)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *d;
	struct buf b = {0};
	unsigned acc = 0, bits = 0;

	for (size_t i = 0; i < in.n; i++) {
		d = in.p[i] != '\0' ? strchr(digits, in.p[i]) : NULL;
		if (d == NULL)
			continue;
		acc = (acc << 6 | (unsigned)(d - digits)) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_addc(&b, (char)(acc >> bits & 0xff));
		}
	}
	return keep(a, &b);
}

/* Behind {{: the text in quotes, "| repeat N", }}.  Where it ends, or NULL if it is something else. */
static const char *
template_expand(struct buf *out, const char *p)
{
	char text[64], tail[3];
	long times;
	int used = 0;

	if (sscanf(p, " \"%63[^\"]\" | repeat %ld %2[}]%n", text, &times, tail, &used) != 3 || tail[1] != '}' ||
	    times < 0 || times > 1000000)
		return NULL;
	while (times-- > 0)
		buf_adds(out, text);
	return p + used;
}

/* <in> is NUL-terminated, as everything out of the YAML reader is. */
struct waf_str
ftw_template(struct arena *a, struct waf_str in)
{
	const char *p = in.p, *end, *open, *next;
	struct buf b = {0};

	if (in.n == 0 || memmem(in.p, in.n, "{{", 2) == NULL)
		return in;
	end = in.p + in.n;
	while (p < end) {
		open = memmem(p, (size_t)(end - p), "{{", 2);
		buf_add(&b, p, (size_t)((open != NULL ? open : end) - p));
		if (open == NULL)
			break;
		next = template_expand(&b, open + 2);
		if (next == NULL)
			buf_adds(&b, "{{");
		p = next != NULL ? next : open + 2;
	}
	return keep(a, &b);
}

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool
percent_at(struct waf_str s, size_t i)
{
	return s.p[i] == '%' && i + 2 < s.n && hex_value(s.p[i + 1]) >= 0 && hex_value(s.p[i + 2]) >= 0;
}

/* What urlencode() writes for one name or value. */
static void
quote_plus(struct buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == ' ' || c == '+')	/* parse_qsl took the plus for a blank */
			buf_addc(b, '+');
		else if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
		    (c != 0 && strchr("_.-~", c) != NULL))
			buf_addc(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

/* Fields without a value are lost, as parse_qsl loses them; escaped data was never given here. */
struct waf_str
ftw_form_encode(struct arena *a, struct waf_str in)
{
	const char *p = in.p, *end = in.p + in.n, *amp, *eq;
	struct buf b = {0};

	while (p < end) {
		amp = memchr(p, '&', (size_t)(end - p));
		if (amp == NULL)
			amp = end;
		eq = memchr(p, '=', (size_t)(amp - p));
		if (eq != NULL && eq + 1 < amp) {
			if (buf_len(&b) > 0)
				buf_addc(&b, '&');
			quote_plus(&b, p, (size_t)(eq - p));
			buf_addc(&b, '=');
			quote_plus(&b, eq + 1, (size_t)(amp - eq - 1));
		}
		p = amp + 1;
	}
	return buf_len(&b) > 0 ? keep(a, &b) : in;
}

static bool
has_escapes(struct waf_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (percent_at(s, i))
			return true;
	}
	return false;
}

/* python-ftw compares names as they are, go-ftw without case. */
static const struct waf_header *
header_find(const struct ftw_input *in, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < in->n_headers; i++) {
		const struct waf_str *h = &in->headers[i].name;

		if (h->n == n && (in->v4 ? strncasecmp(h->p, name, n) : memcmp(h->p, name, n)) == 0)
			return &in->headers[i];
	}
	return NULL;
}

static void
header_default(struct ftw_input *in, const char *name, const char *value)
{
	if (header_find(in, name) == NULL)
		in->headers[in->n_headers++] = (struct waf_header){{name, strlen(name)}, {value, strlen(value)}};
}

static const char *
length_text(struct arena *a, struct waf_str s)
{
	return arena_printf(a, "%zu", s.n);
}

static void
magic_v33(struct arena *a, struct ftw_input *in)
{
	const struct waf_header *type;

	if (in->data.n == 0)
		return;
	header_default(in, "Content-Type", FORM);
	type = header_find(in, "Content-Type");
	if (type->value.n == strlen(FORM) && memcmp(type->value.p, FORM, type->value.n) == 0 && !has_escapes(in->data))
		in->data = ftw_form_encode(a, in->data);
	header_default(in, "Content-Length", length_text(a, in->data));
}

/* Bodies of forms with files get network line ends, whatever YAML made of them. */
static struct waf_str
crlf(struct arena *a, struct waf_str in)
{
	struct buf b = {0};

	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '\n' && (i == 0 || in.p[i - 1] != '\r'))
			buf_addc(&b, '\r');
		buf_addc(&b, in.p[i]);
	}
	return keep(a, &b);
}

static int
by_name(const void *a, const void *b)
{
	const struct waf_str *x = &((const struct waf_header *)a)->name, *y = &((const struct waf_header *)b)->name;
	int r = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return r != 0 ? r : (x->n > y->n) - (x->n < y->n);
}

static bool
sends_length(struct waf_str m)
{
	static const char *const names[] = { "POST", "PUT", "PATCH", "DELETE" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (m.n == strlen(names[i]) && memcmp(m.p, names[i], m.n) == 0)
			return true;
	}
	return false;
}

static void
magic_v4(struct arena *a, struct ftw_input *in)
{
	const struct waf_header *type;

	if (in->data.n > 0)
		header_default(in, "Content-Type", FORM);
	type = header_find(in, "Content-Type");
	if (type != NULL && type->value.n >= 19 && strncasecmp(type->value.p, "multipart/form-data", 19) == 0)
		in->data = crlf(a, in->data);
	header_default(in, "Connection", "close");
	if (in->data.n > 0 || sends_length(in->method))
		header_default(in, "Content-Length", length_text(a, in->data));
}

struct waf_str
ftw_request(struct arena *a, struct ftw_input *in)
{
	struct buf b = {0};

	if (in->raw.p != NULL)
		return in->raw;
	if (!in->no_magic && in->v4)
		magic_v4(a, in);
	else if (!in->no_magic)
		magic_v33(a, in);
	if (in->v4)
		qsort(in->headers, in->n_headers, sizeof(*in->headers), by_name);
	buf_add(&b, in->method.p, in->method.n);
	buf_addc(&b, ' ');
	buf_add(&b, in->uri.p, in->uri.n);
	buf_addc(&b, ' ');
	buf_add(&b, in->version.p, in->version.n);
	buf_adds(&b, "\r\n");
	for (size_t i = 0; i < in->n_headers; i++) {
		buf_add(&b, in->headers[i].name.p, in->headers[i].name.n);
		buf_adds(&b, ": ");
		buf_add(&b, in->headers[i].value.p, in->headers[i].value.n);
		buf_adds(&b, "\r\n");
	}
	buf_adds(&b, "\r\n");
	buf_add(&b, in->data.p, in->data.n);
	return keep(a, &b);
}
