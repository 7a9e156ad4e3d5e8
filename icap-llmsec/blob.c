/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "icap-llmsec/blob.h"
#include "lib/base64.h"

enum { NO = -1, SKIP = -2, PAD = -3 };

static int
value16(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : NO;
}

static void
decode64(struct buf *out, const char *p, size_t len)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	char *o = buf_room(out, len), *start = o;

	for (size_t i = 0; i < len && o != NULL; i++) {
		acc = acc << 6 | (uint32_t)base64_value[(unsigned char)p[i]];
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*o++ = (char)(acc >> bits & 0xff);
		}
	}
	buf_wrote(out, (size_t)(o - start));
}

static void
decode16(struct buf *out, const char *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		buf_addc(out, (char)(value16((unsigned char)p[i]) << 4 | value16((unsigned char)p[i + 1])));
}

static void
show(struct blob *b, bool whole)
{
	if (!b->found(b->arg, buf_ptr(&b->data), buf_len(&b->data), whole))
		b->stopped = true;
}

/*
 * Both alphabets have letters that also stand between things: "--UEs...", "files/UEs...".  So the run is also tried from behind
 * such a letter, for the first few of them near its front.
 */
static void
judge64(struct blob *b, bool whole)
{
	const char *p = buf_ptr(&b->run);
	size_t n = buf_len(&b->run);
	unsigned tries = 0;

	for (size_t at = 0; at < n && at < 32 && n - at >= BLOB_MIN && tries < 4 && !b->stopped; at++)
		if (at == 0 || (base64_value[(unsigned char)p[at - 1]] >= 62 && base64_value[(unsigned char)p[at]] < 62)) {
			buf_clear(&b->data);
			decode64(&b->data, p + at, n - at);
			show(b, whole);
			tries++;
		}
}

static void
judge16(struct blob *b, size_t at, bool whole)
{
	size_t n = buf_len(&b->run);

	if (b->stopped || b->words > at || n - at < BLOB_MIN)
		return;
	buf_clear(&b->data);
	decode16(&b->data, buf_ptr(&b->run) + at, n - at);
	show(b, whole);
}

/* A line is longer than the one before it, or an empty one was: no line of a file in base64 but its first is so. */
static void
may_start(struct blob *b, size_t at)
{
	if (at == 0 || (b->n_start > 0 && b->start[(b->n_start - 1) % BLOB_STARTS] == at))
		return;
	if (b->n_start < BLOB_STARTS)
		b->start[b->n_start++] = at;
	else	/* the first ones stay, and the last one */
		b->start[BLOB_STARTS - 1] = at;
}

static void
line_end(struct blob *b)
{
	size_t n = buf_len(&b->run) - b->line;

	if (n == 0 || (b->line > 0 && n > b->line_len))
		may_start(b, b->line);
	if (n > 0)
		b->line_len = n;
	b->line = buf_len(&b->run);
	b->indent = true;
}

static void
judge(struct blob *b, bool whole)
{
	size_t n = buf_len(&b->run);

	if (n >= BLOB_MIN && !b->full) {
		judge64(b, whole);
		judge16(b, 0, whole);
		if (b->line > 0 && n - b->line > b->line_len)
			may_start(b, b->line);
		b->again = true;
		for (unsigned i = 0; i < b->n_start && !b->stopped; i++) {
			if (n - b->start[i] < BLOB_MIN)
				continue;
			buf_clear(&b->data);
			decode64(&b->data, buf_ptr(&b->run) + b->start[i], n - b->start[i]);
			show(b, whole);
			judge16(b, b->start[i], whole);
		}
		b->again = false;
	}
	if (b->run.err != 0 || b->data.err != 0)
		b->stopped = true;
}

static void
run_end(struct blob *b)
{
	judge(b, true);
	buf_clear(&b->run);
	b->full = b->wide = b->indent = false;
	b->words = b->line = b->line_len = 0;
	b->n_start = 0;
	b->since = 0;
}

/* As buf_addc(): the way of nearly all bytes made short. */
static void
add(struct buf *b, unsigned char c)
{
	if (b->err == 0 && b->len < b->cap)
		b->data[b->len++] = (char)c;
	else
		buf_addc(b, (char)c);
}

static void
letter(struct blob *b, unsigned char c)
{
	if (base64_value[c] < 0) {
		run_end(b);
		return;
	}
	if (b->wide && b->since == 1) {	/* two in a row: what the NULs parted was no wide text, this is another run */
		run_end(b);
		add(&b->run, b->last);
		b->words = value16(b->last) == NO;
	}
	b->since++;
	b->last = c;
	b->indent = false;
	if (b->full)
		return;
	add(&b->run, c);
	if (value16(c) == NO) {
		b->words = buf_len(&b->run);
		if (b->words == 2 && (c | 32) == 'x' && b->run.data[b->run.rd] == '0')	/* 0x504b... */
			may_start(b, 2);
	}
	if (buf_len(&b->run) >= BLOB_RUN) {
		judge(b, false);
		b->full = true;
	}
}

/* The letter that a complete escape stands for, SKIP for a line break, NO for anything else; 1: more must come. */
static int
escaped(const char *e, unsigned n, bool *more)
{
	unsigned v = 0, digits = e[0] == '%' ? 2 : 4, first = e[0] == '%' ? 1 : 2;

	*more = false;
	if (e[0] == '\\' && n == 1) {
		*more = true;
		return NO;
	}
	if (e[0] == '\\' && e[1] != 'u')
		return e[1] == '/' ? '/' : e[1] == 'n' || e[1] == 'r' || e[1] == 't' ? SKIP : NO;
	for (unsigned i = first; i < n; i++) {
		if (value16((unsigned char)e[i]) == NO)
			return NO;
		v = v * 16 + (unsigned)value16((unsigned char)e[i]);
	}
	if (n < first + digits) {
		*more = true;
		return NO;
	}
	return v == '\n' || v == '\r' ? SKIP : v < 0x80 ? (int)v : NO;
}

static void
escape_byte(struct blob *b, char c)
{
	bool more;
	int v;

	b->esc[b->n_esc++] = c;
	v = escaped(b->esc, b->n_esc, &more);
	if (more && b->n_esc < sizeof(b->esc))
		return;
	b->n_esc = 0;
	if (v >= 0)
		letter(b, (unsigned char)v);
	else if (v != SKIP)
		run_end(b);
	else
		line_end(b);
}

void
blob_begin(struct blob *b, bool (*found)(void *, const void *, size_t, bool), void *arg)
{
	memset(b, 0, sizeof(*b));
	b->found = found;
	b->arg = arg;
}

bool
blob_feed(struct blob *b, const char *p, size_t len)
{
	for (size_t i = 0; i < len && !b->stopped; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\0') {	/* between single letters: UTF-16 and UTF-32 of either byte order; else the end of a word */
			if (b->since > 1)
				run_end(b);
			b->wide = b->since > 0 || b->wide;
			b->since = 0;
			continue;
		}
		if (b->n_esc > 0 || c == '\\' || c == '%')
			escape_byte(b, (char)c);
		else if (c == '\n')
			line_end(b);
		else if (c != '\r' && !(b->indent && (c == ' ' || c == '\t')))
			letter(b, c);
	}
	return !b->stopped;
}

bool
blob_peek(struct blob *b)
{
	judge(b, false);
	return !b->stopped;
}

bool
blob_end(struct blob *b)
{
	run_end(b);
	return !b->stopped;
}

void
blob_free(struct blob *b)
{
	buf_free(&b->run);
	buf_free(&b->data);
}
