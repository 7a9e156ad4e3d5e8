/* SPDX-License-Identifier: MIT */
/* Words (one a line up to the first empty line) and a text after them: the scan finds what a naive search finds. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/literals.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)
#define WORDS	64

struct words {
	const char *p[WORDS];
	size_t len[WORDS], n;
};

static unsigned char
fold(unsigned char c, bool caseless)
{
	return caseless && c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static size_t
find(const char *text, size_t n, const char *word, size_t len, bool caseless)
{
	for (size_t at = 0; at + len <= n; at++) {
		size_t k = 0;

		while (k < len && fold((unsigned char)text[at + k], caseless) == fold((unsigned char)word[k], caseless))
			k++;
		if (k == len)
			return at + len;
	}
	return SIZE_MAX;
}

/* What is left after the words. */
static const char *
split(struct words *w, const char *p, const char *end)
{
	while (p < end && w->n < WORDS) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);

		if (len == 0)
			return p + 1;
		w->p[w->n] = p;
		w->len[w->n++] = len;
		p = nl ? nl + 1 : end;
	}
	return p;
}

static void
check(const struct words *w, const char *text, size_t n, bool caseless)
{
	struct literals *l = literals_new(caseless);
	struct literals_hit first;
	size_t ends = SIZE_MAX;
	uint64_t hits = 0;

	MUST(l != NULL);
	for (size_t i = 0; i < w->n; i++)
		MUST(literals_add(l, w->p[i], w->len[i], (uint32_t)i) == 0);
	MUST(literals_build(l) == 0);
	literals_scan(l, text, n, &hits);
	for (size_t i = 0; i < w->n; i++) {
		size_t end = find(text, n, w->p[i], w->len[i], caseless);

		MUST((end != SIZE_MAX) == (hits >> i & 1));
		ends = end < ends ? end : ends;
	}
	MUST(literals_first(l, text, n, &first) == (ends != SIZE_MAX));
	MUST(ends == SIZE_MAX || (first.end == ends && find(text + first.start, n - first.start, w->p[first.id],
	    w->len[first.id], caseless) == ends - first.start));
	literals_free(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data, *text;
	struct words w = { .n = 0 };

	if (n < 1)
		return 0;
	text = split(&w, p + 1, p + n);
	check(&w, text, (size_t)(p + n - text), data[0] & 1);
	return 0;
}
