/* SPDX-License-Identifier: MIT */
/*
 * Any bytes, whole and in pieces: both ways the same values and the same verdict; spans lie inside the
 * input, nest, and a value cut out by its span is JSON by itself.  The first byte chooses flags and
 * limits, the last ones seed the cuts.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/utf8.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

struct digest {
	const char	*in;		/* NULL: the pieces are gone, look at no spans */
	size_t		 n;
	unsigned	 flags;
	struct json_limits limit;
	uint64_t	 sum, values;
	unsigned	 open, alone;
};

static void
mix(struct digest *d, const void *p, size_t n)
{
	const uint8_t *u = p;

	for (size_t i = 0; i < n; i++)
		d->sum = (d->sum ^ u[i]) * 0x100000001b3ULL;
	d->sum = (d->sum ^ n) * 0x100000001b3ULL;
}

static void
mix_number(struct digest *d, uint64_t v)
{
	mix(d, &v, sizeof(v));
}

static int
ignore(void *arg, const struct json_value *v)
{
	return 0;
}

static void
check_span(struct digest *d, const struct json_value *v)
{
	bool begin = v->type == JSON_OBJECT_BEGIN || v->type == JSON_ARRAY_BEGIN;

	MUST(v->start < v->end && v->end <= d->n);
	if (v->type == JSON_STRING)
		MUST(v->raw_len == v->end - v->start - 2 && d->in[v->start] == '"' && d->in[v->end - 1] == '"' &&
		    memcmp(v->raw, d->in + v->start + 1, v->raw_len) == 0);
	if (v->type == JSON_NUMBER)
		MUST(v->raw_len == v->end - v->start && memcmp(v->raw, d->in + v->start, v->raw_len) == 0);
	/* A few are enough: each costs a scan. */
	if (!begin && d->alone < 16) {
		d->alone++;
		MUST(json_scan_all(d->in + v->start, v->end - v->start, d->flags, &d->limit, ignore, NULL, NULL,
		    NULL) == 0);
	}
}

static int
value(void *arg, const struct json_value *v)
{
	struct digest *d = arg;
	char path[64];
	size_t len = json_path_str(path, sizeof(path), v);

	MUST(len < sizeof(path) ? strlen(path) == len : strlen(path) == sizeof(path) - 1);
	if (v->type == JSON_OBJECT_END || v->type == JSON_ARRAY_END)
		d->open--;
	MUST(v->depth == d->open);
	if (v->type == JSON_OBJECT_BEGIN || v->type == JSON_ARRAY_BEGIN)
		d->open++;
	for (size_t i = 0; i < v->depth; i++) {
		mix_number(d, v->path[i].index);
		if (v->path[i].key != NULL) {
			MUST(v->path[i].key[v->path[i].key_len] == '\0');
			mix(d, v->path[i].key, v->path[i].key_len);
		}
	}
	if (v->type == JSON_STRING)
		MUST(utf8_valid(v->text, v->text_len) && v->text_len <= v->raw_len);
	mix_number(d, (uint64_t)v->type << 1 | v->dup_key);
	mix_number(d, v->start);
	mix_number(d, v->end);
	mix(d, v->raw, v->raw_len);
	mix(d, v->text, v->text_len);
	d->values++;
	if (d->in != NULL)
		check_span(d, v);
	return 0;
}

static int
feed_pieces(struct json_scan *s, const char *p, size_t n, uint32_t seed)
{
	size_t k;
	char *copy;
	int rc = 0;

	while (n > 0 && rc == 0) {
		seed = seed * 1664525u + 1013904223u;
		k = 1 + (seed >> 24) % ((seed >> 16 & 1) ? 3 : 40);
		if (k > n)
			k = n;
		copy = malloc(k);
		if (copy == NULL)
			abort();
		memcpy(copy, p, k);
		rc = json_scan_feed(s, copy, k);
		free(copy);
		p += k;
		n -= k;
	}
	return json_scan_finish(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct digest whole = { .in = (const char *)data }, pieces = { 0 };
	uint64_t off1, off2;
	const char *why1, *why2;
	struct json_scan *s;
	uint32_t seed = (uint32_t)n;
	int rc1, rc2;

	if (n == 0)
		return 0;
	whole.flags = pieces.flags = data[0] & 3u;
	if (data[0] & 4)
		whole.limit = (struct json_limits){ .depth = 6, .string = 12, .keys = 4 };
	whole.in++;
	n--;
	whole.n = n;
	for (size_t i = n < 4 ? 0 : n - 4; i < n; i++)
		seed = seed * 31 + data[i + 1];
	rc1 = json_scan_all(whole.in, n, whole.flags, &whole.limit, value, &whole, &why1, &off1);
	s = json_scan_new(value, &pieces, pieces.flags, &whole.limit);
	if (s == NULL)
		abort();
	rc2 = feed_pieces(s, whole.in, n, seed);
	why2 = json_scan_error(s, &off2);
	MUST(rc1 == rc2 && why1 == why2 && off1 == off2 && off1 <= n);
	MUST((rc1 == 0) == (why1 == NULL) && (rc1 != 0 || whole.open == 0));
	MUST(whole.sum == pieces.sum && whole.values == pieces.values);
	json_scan_free(&s);
	return 0;
}
