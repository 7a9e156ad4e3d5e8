/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/buf.h"
#include "squid-helpers/squid_line.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Length of the channel id and the space after it, 0 if the line has none. */
static size_t
channel_scan(const char *line, size_t n)
{
	size_t k = 0;

	while (k < n && line[k] >= '0' && line[k] <= '9')
		k++;
	return k > 0 && k <= SQUID_CHANNEL_MAX && k < n && is_space(line[k]) ? k + 1 : 0;
}

void
squid_line_channel(struct squid_line *l, const char *line, size_t n)
{
	size_t k = channel_scan(line, n);

	if (k > 0)
		memcpy(l->channel, line, k - 1);
	l->channel[k > 0 ? k - 1 : 0] = '\0';
}

/* Both decoders write over what they have read; they return the bytes read, 0 on error. */
static size_t
field_escaped(struct squid_field *f, char *p, size_t n, const char **err)
{
	size_t i = 0;

	f->p = p;
	f->n = 0;
	while (i < n && !is_space(p[i])) {
		char c = p[i++];

		if (c == '%') {
			int hi = i + 1 < n ? hex_digit(p[i]) : -1;
			int lo = i + 1 < n ? hex_digit(p[i + 1]) : -1;

			if (hi < 0 || lo < 0) {
				*err = "bad percent escape";
				return 0;
			}
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		p[f->n++] = c;
	}
	return i;
}

static size_t
field_quoted(struct squid_field *f, char *p, size_t n, const char **err)
{
	size_t i = 1;

	f->p = p;
	f->n = 0;
	while (i < n && p[i] != '"') {
		char c = p[i++];

		if (c == '\\' && i < n) {
			c = p[i++];
			c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
		}
		p[f->n++] = c;
	}
	if (i == n) {
		*err = "quote without end";
		return 0;
	}
	i++;
	if (i < n && !is_space(p[i])) {
		*err = "bytes after a closing quote";
		return 0;
	}
	return i;
}

int
squid_line_parse(struct squid_line *l, char *line, size_t n)
{
	size_t at = channel_scan(line, n);

	l->n = 0;
	l->err = NULL;
	squid_line_channel(l, line, n);
	if (n > 0 && line[n - 1] == '\r')
		n--;
	for (;;) {
		struct squid_field *f = &l->field[l->n];
		size_t k;

		while (at < n && is_space(line[at]))
			at++;
		if (at >= n)
			break;
		if (l->n == SQUID_FIELDS_MAX) {
			l->err = "too many fields";
			return -EPROTO;
		}
		if (line[at] == '"')
			k = field_quoted(f, line + at, n - at, &l->err);
		else
			k = field_escaped(f, line + at, n - at, &l->err);
		if (k == 0)
			return -EPROTO;
		l->n++;
		at += k;
	}
	if (l->n == 0) {
		l->err = "empty line";
		return -EPROTO;
	}
	return 0;
}

void
squid_reply_begin(struct buf *b, const struct squid_line *l, const char *result)
{
	if (l->channel[0] != '\0') {
		buf_adds(b, l->channel);
		buf_addc(b, ' ');
	}
	buf_adds(b, result);
}

/* Squid takes a bare value for URL-escaped, so '%' makes quotes necessary. */
static bool
value_is_bare(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@,+-");

	return n > 0 && s[n] == '\0';
}

void
squid_reply_key(struct buf *b, const char *key, const char *value)
{
	buf_addc(b, ' ');
	buf_adds(b, key);
	buf_addc(b, '=');
	if (value_is_bare(value)) {
		buf_adds(b, value);
		return;
	}
	buf_addc(b, '"');
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\')
			buf_addc(b, '\\');
		buf_addc(b, c < 0x20 || c == 0x7f ? '?' : (char)c);
	}
	buf_addc(b, '"');
}

void
squid_reply_end(struct buf *b)
{
	buf_addc(b, '\n');
}
