/* SPDX-License-Identifier: MIT */
/*
 * Files in text byte by byte: percent escapes of forms and of data: URLs without base64, and JSON strings whose characters are bytes
 * ("PK\u0003\u0004").  What is made of letters only is blob.h's.
 */
#include "config.h"

#include <string.h>

#include "icap-llmsec/content_private.h"
#include "lib/arena.h"
#include "lib/json.h"

#define SHORTEST	8	/* bytes that a file has at least */

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c | 32) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

size_t
content_unescape(const char *p, size_t len, char *out, bool *any)
{
	size_t n = 0;

	*any = false;
	for (size_t i = 0; i < len; i++) {
		int a = p[i] == '%' && i + 2 < len ? digit(p[i + 1]) : -1, b = a >= 0 ? digit(p[i + 2]) : -1;

		if (b >= 0)
			i += 2;
		*any = *any || b >= 0;
		out[n++] = b >= 0 ? (char)(a << 4 | b) : p[i];
	}
	return n;
}

/* Control characters: scripts and source in a JSON string or a form are what people write, and are judged as the text they are. */
static bool
is_binary(const char *p, size_t len)
{
	for (size_t i = 0; i < len && i < 4096; i++)
		if ((unsigned char)p[i] < 0x20 && memchr("\t\n\r\f\x1b", p[i], 5) == NULL)
			return true;
	return false;
}

static void
judge(struct content *c, const struct piece *in, const char *p, size_t len, bool whole)
{
	struct piece q = {.where = "text", .data = p, .len = len, .whole = whole, .depth = in->depth + 1};

	if (len < SHORTEST || q.depth > CONTENT_DEPTH)
		return;
	if (is_binary(p, len))
		content_judge(c, &q);
	else if (memchr(p, '%', len) != NULL)	/* escaped twice */
		content_bytes_in_text(c, &q);
}

static void
no_memory(struct content *c)
{
	content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", "text", "no memory to look at it", 503);
}

/* A value of a form, or a URL, ends at what it cannot hold unescaped. */
static size_t
value_len(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && (unsigned char)p[n] > ' ' && p[n] != 0x7f && strchr("&=,;\"'<>{}\\", p[n]) == NULL)
		n++;
	return n;
}

static void
judge_percent(struct content *c, const struct piece *p)
{
	char *out = arena_alloc(c->arena, p->len);
	size_t n, k;
	bool any;

	if (out == NULL) {
		no_memory(c);
		return;
	}
	for (size_t at = 0; at < p->len && c->step != CONTENT_REFUSED; at += n + 1) {
		n = value_len(p->data + at, p->len - at);
		if (n < SHORTEST || memchr(p->data + at, '%', n) == NULL)
			continue;
		k = content_unescape(p->data + at, n, out, &any);
		if (any)
			judge(c, p, out, k, true);
	}
}

struct strings { struct content *c; const struct piece *p; };

static int
on_string(void *arg, const struct json_value *v)
{
	struct strings *s = arg;
	size_t n = 0, i = 0;
	char *out;

	if (v->type != JSON_STRING || v->text_len == v->raw_len || v->text_len < SHORTEST)
		return 0;
	if ((out = arena_alloc(s->c->arena, v->text_len)) == NULL) {
		no_memory(s->c);
		return 1;
	}
	while (i < v->text_len) {	/* U+0000 to U+00FF, to where others begin */
		unsigned char a = (unsigned char)v->text[i], b = i + 1 < v->text_len ? (unsigned char)v->text[i + 1] : 0;

		if (a >= 0x80 && (a > 0xc3 || (b & 0xc0) != 0x80))
			break;
		out[n++] = (char)(a < 0x80 ? a : (a & 3) << 6 | (b & 0x3f));
		i += a < 0x80 ? 1 : 2;
	}
	judge(s->c, s->p, out, n, i == v->text_len);
	return s->c->step == CONTENT_REFUSED;
}

void
content_bytes_in_text(struct content *c, const struct piece *p)
{
	struct strings s = {c, p};
	size_t at = 0;

	if (p->len == 0)
		return;
	if (memchr(p->data, '%', p->len) != NULL)
		judge_percent(c, p);
	while (at < p->len && strchr(" \t\r\n\xef\xbb\xbf", p->data[at]) != NULL && p->data[at] != '\0')
		at++;
	if (c->step != CONTENT_REFUSED && at < p->len && p->data[at] != '\0' && strchr("{[\"", p->data[at]) != NULL && memchr(p->data, '\\', p->len) != NULL)
		json_scan_all(p->data + at, p->len - at, JSON_STREAM, NULL, on_string, &s, NULL, NULL);
}
