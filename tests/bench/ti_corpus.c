/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/bench/ti_corpus.h"

uint64_t
ti_corpus_mix(uint64_t x)	/* SplitMix64: Steele, Lea, Flood 2014 */
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

struct rng {
	uint64_t s;
};

static unsigned
below(struct rng *r, unsigned n)
{
	r->s = ti_corpus_mix(r->s);
	return (unsigned)((r->s >> 32) * n >> 32);
}

static void
letters(struct rng *r, char **p, unsigned n, const char *from)
{
	unsigned k = (unsigned)strlen(from);

	while (n-- > 0)
		*(*p)++ = from[below(r, k)];
}

static void
word(struct rng *r, char **p)
{
	for (unsigned n = 1 + below(r, 4); n > 0; n--) {
		letters(r, p, 1, "bcdfghklmnprstvwz");
		letters(r, p, 1, "aeiou");
		if (below(r, 3) == 0)
			letters(r, p, 1, "lmnrstx");
	}
}

/* The label somebody registered. */
static void
registered(struct rng *r, char **p)
{
	unsigned kind = below(r, 100);

	if (kind < 12) {
		letters(r, p, 8 + below(r, 16), "abcdefghijklmnopqrstuvwxyz");
		return;
	}
	if (kind < 20) {
		letters(r, p, 6 + below(r, 10), "0123456789abcdefghijklmnopqrstuvwxyz");
		return;
	}
	word(r, p);
	if (kind < 55)
		return;
	if (kind < 75)
		*(*p)++ = '-';
	word(r, p);
	if (kind >= 85)
		letters(r, p, 1 + below(r, 4), "0123456789");
}

static void
text(char **p, const char *s)
{
	size_t n = strlen(s);

	memcpy(*p, s, n);
	*p += n;
}

static void
below_it(struct rng *r, char **p)
{
	static const char *const usual[] = {"www", "mail", "login", "secure", "cdn", "api", "app", "static", "track", "m"};
	unsigned kind = below(r, 100);

	if (kind < 40)
		text(p, usual[below(r, 10)]);
	else if (kind < 60)
		letters(r, p, 4 + below(r, 13), "0123456789abcdef");
	else
		registered(r, p);
	*(*p)++ = '.';
}

static void
top(struct rng *r, char **p)
{
	static const struct { const char *name; unsigned per_mille; } tops[] = {
		{"com", 430}, {"net", 60}, {"org", 45}, {"ru", 45}, {"xyz", 45}, {"top", 45}, {"info", 40},
		{"de", 30}, {"cn", 30}, {"online", 25}, {"shop", 25}, {"site", 20}, {"co.uk", 20}, {"com.br", 20},
		{"club", 15}, {"tk", 15}, {"pw", 10}, {"icu", 10}, {"cc", 10}, {"biz", 10}, {"com.au", 10},
		{"in", 10}, {"fr", 10}, {"pl", 10}, {"it", 10},
	};
	unsigned k = below(r, 1000), i = 0;

	while (i + 1 < sizeof(tops) / sizeof(*tops) && k >= tops[i].per_mille)
		k -= tops[i++].per_mille;
	text(p, tops[i].name);
}

size_t
ti_corpus_name(char out[TI_CORPUS_NAME], uint64_t seed, uint64_t i)
{
	struct rng r = {ti_corpus_mix(seed) ^ i};
	unsigned depth = below(&r, 100);
	char *p = out;

	/* 58 % as registered, 32 % one label below, 10 % two. */
	if (depth >= 58)
		below_it(&r, &p);
	if (depth >= 90)
		below_it(&r, &p);
	registered(&r, &p);
	*p++ = '.';
	top(&r, &p);
	*p = '\0';
	return (size_t)(p - out);
}

size_t
ti_corpus_host(char out[TI_CORPUS_NAME], uint64_t seed, uint64_t i)
{
	char name[TI_CORPUS_NAME];
	size_t n = ti_corpus_name(name, seed, i);

	if (ti_corpus_mix(seed ^ ~i) % 10 < 4 && n + 5 < TI_CORPUS_NAME)
		return (size_t)snprintf(out, TI_CORPUS_NAME, "www.%s", name);
	memcpy(out, name, n + 1);
	return n;
}
