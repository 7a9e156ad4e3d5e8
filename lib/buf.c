/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"

#define BUF_MIN	256

char *
buf_room(struct buf *b, size_t n)
{
	size_t cap;
	char *p;

	if (b->err)
		return NULL;
	if (b->rd == b->len)
		b->rd = b->len = 0;
	if (b->max != 0 && (n > b->max || buf_len(b) > b->max - n)) {
		b->err = -EFBIG;
		return NULL;
	}
	if (n <= b->cap - b->len)
		return b->data + b->len;
	/* Moving pays when at least half of the storage is consumed: amortised O(1). */
	if (b->rd >= b->cap / 2 && n <= b->cap - buf_len(b)) {
		memmove(b->data, b->data + b->rd, buf_len(b));
		b->len -= b->rd;
		b->rd = 0;
		return b->data + b->len;
	}
	cap = b->cap ? b->cap : BUF_MIN;
	while (cap - b->len < n) {
		if (cap > SIZE_MAX / 2) {
			b->err = -ENOMEM;
			return NULL;
		}
		cap *= 2;
	}
	p = realloc(b->data, cap);
	if (p == NULL) {
		b->err = -ENOMEM;
		return NULL;
	}
	b->data = p;
	b->cap = cap;
	return b->data + b->len;
}

void
buf_wrote(struct buf *b, size_t n)
{
	b->len += n;
}

int
buf_add(struct buf *b, const void *p, size_t n)
{
	char *w;

	if (n == 0)
		return b->err;
	w = buf_room(b, n);
	if (w == NULL)
		return b->err;
	memcpy(w, p, n);
	b->len += n;
	return 0;
}

int
buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int
buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *w;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->err = -EINVAL;
		return b->err;
	}
	w = buf_room(b, (size_t)n + 1);
	if (w == NULL)
		return b->err;
	va_start(ap, fmt);
	vsnprintf(w, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

int
buf_add_json(struct buf *b, const char *s, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;

	if (n == 0)		/* s may be NULL then */
		return buf_add(b, "", 0);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		char esc[6] = {'\\', 0, '0', '0', 0, 0};
		size_t k = 2;

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		switch (c) {
		case '"':
		case '\\':
			esc[1] = (char)c;
			break;
		case '\n':
			esc[1] = 'n';
			break;
		case '\r':
			esc[1] = 'r';
			break;
		case '\t':
			esc[1] = 't';
			break;
		default:
			esc[1] = 'u';
			esc[4] = hex[c >> 4];
			esc[5] = hex[c & 15];
			k = 6;
		}
		buf_add(b, s + from, i - from);
		buf_add(b, esc, k);
		from = i + 1;
	}
	return buf_add(b, s + from, n - from);
}

void
buf_consume(struct buf *b, size_t n)
{
	b->rd += n;
	if (b->rd >= b->len)
		b->rd = b->len = 0;
}

void
buf_clear(struct buf *b)
{
	b->rd = b->len = 0;
	b->err = 0;
}

void
buf_free(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}
