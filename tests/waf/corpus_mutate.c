/* SPDX-License-Identifier: MIT */
/* Changes that an attacker or a fuzzer would make, by which a request stays one: its framing is put right. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/waf/corpus.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const payloads[] = {
	"' or '1'='1", "1 union select 1,2,3--", "<script>alert(1)</script>", "../../../../etc/passwd", "%2e%2e%2f",
	"; cat /etc/passwd", "$(id)", "`id`", "<?php system('id'); ?>", "{{7*7}}", "${jndi:ldap://a/b}", "javascript:x()",
	"onerror=alert(1)", "%00", "%u0041", "&lt;b&gt;", "\\x3cb\\x3e", "sleep(5)", "/bin/sh -c id", "http://10.0.0.1/",
	"\r\nSet-Cookie: a=b", "a=b;c=d", "[]", "&&", "||", "#", "/*x*/", "%c0%ae", "\xff\xfe", "eval(", "phpinfo()",
};

/* From which byte on a change does no harm to the request line's form: behind "GET /". */
static size_t
first_free(const struct buf *b)
{
	const char *slash = memchr(buf_ptr(b), '/', buf_len(b));

	return slash != NULL ? (size_t)(slash - buf_ptr(b)) + 1 : 0;
}

static void
splice(struct buf *b, size_t at, size_t cut, const char *p, size_t n)
{
	struct buf o = {0};

	buf_add(&o, buf_ptr(b), at);
	buf_add(&o, p, n);
	buf_add(&o, buf_ptr(b) + at + cut, buf_len(b) - at - cut);
	buf_free(b);
	*b = o;
}

/* Places where values are: behind '=', ':' or a quote; else anywhere. */
static size_t
place(const struct buf *b, size_t from, uint64_t *rng)
{
	size_t n = buf_len(b), at = from + corpus_rng(rng) % (n - from), i = at;

	for (; i < n && i < at + 200; i++) {
		if (strchr("=\":", buf_ptr(b)[i]) != NULL && buf_ptr(b)[i] != '\0')
			return i + 1 < n ? i + 1 : i;
	}
	return at;
}

static void
payload_insert(struct buf *b, size_t at, int encoded, uint64_t *rng)
{
	const char *p = payloads[corpus_rng(rng) % N(payloads)];
	struct buf e = {0};

	for (; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (encoded && (c <= ' ' || c >= 0x7f || strchr("\"'<>&;#%+", c) != NULL))
			buf_printf(&e, "%%%02x", c);
		else
			buf_addc(&e, *p);
	}
	splice(b, at, 0, buf_ptr(&e), buf_len(&e));
	buf_free(&e);
}

static void
change(struct buf *b, size_t from, uint64_t *rng)
{
	size_t at = place(b, from, rng), n = buf_len(b);
	size_t cut = 1 + corpus_rng(rng) % 8;
	char byte = (char)corpus_rng(rng);	/* no CR: a server refuses one inside of a header */
	int in_line = at < (size_t)((const char *)memchr(buf_ptr(b), '\n', n) - buf_ptr(b));

	byte = byte == '\r' ? ' ' : byte;
	if (at + cut > n)
		cut = n - at;
	switch (corpus_rng(rng) % 6) {
	case 0: case 1: payload_insert(b, at, in_line || corpus_rng(rng) % 2, rng); break;
	case 2: if (!in_line) splice(b, at, cut, "", 0); break;
	case 3: if (!in_line) splice(b, at, 1, &byte, 1); break;
	case 4: splice(b, at, 0, in_line ? "%" : "&x=", in_line ? 1 : 3); break;
	default: if (!in_line) splice(b, at, 0, buf_ptr(b) + at, cut); break;
	}
}

/* Content-Length as the body is now, if there was one. */
static void
length_fix(struct buf *b)
{
	const char *end = memmem(buf_ptr(b), buf_len(b), "\r\n\r\n", 4);
	const char *h = end != NULL ? memmem(buf_ptr(b), (size_t)(end - buf_ptr(b)), "\r\nContent-Length: ", 18) : NULL;
	char text[32];
	size_t at, old;

	if (h == NULL)
		return;
	at = (size_t)(h - buf_ptr(b)) + 18;
	old = strcspn(buf_ptr(b) + at, "\r");
	snprintf(text, sizeof(text), "%zu", buf_len(b) - (size_t)(end - buf_ptr(b)) - 4);
	splice(b, at, old, text, strlen(text));
}

void
corpus_mutate(struct buf *out, const struct corpus *in, size_t i, uint64_t *rng)
{
	const struct buf *src = &in->req[i].bytes;
	unsigned n = 1 + corpus_rng(rng) % 4;

	buf_clear(out);
	buf_add(out, buf_ptr(src), buf_len(src));
	while (n-- > 0 && memchr(buf_ptr(out), '\n', buf_len(out)) != NULL && first_free(out) < buf_len(out))
		change(out, first_free(out), rng);
	length_fix(out);
}
