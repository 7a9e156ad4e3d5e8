/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/waf/rx_gen.h"
#include "haproxy-spoa/waf/rxlit_private.h"
#include "lib/arena.h"

#define TEXT_MAX	1024

struct text {
	char b[TEXT_MAX];
	size_t n;
};

uint32_t
rx_random(struct rx_case *c, uint32_t below)	/* xorshift64*, Vigna 2014 */
{
	c->rng ^= c->rng >> 12;
	c->rng ^= c->rng << 25;
	c->rng ^= c->rng >> 27;
	return (uint32_t)((c->rng * 2685821657736338717ULL) >> 33) % below;
}

bool
rx_case_new(struct rx_case *c, struct waf_str pattern, uint32_t options, uint64_t seed)
{
	PCRE2_SIZE at;
	int err;

	*c = (struct rx_case){ .pattern = pattern, .options = options, .rng = seed | 1 };
	c->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, options, &err, &at, NULL);
	if (c->code == NULL)
		return false;
	c->arena = arena_new(0);
	c->md = pcre2_match_data_create_from_pattern(c->code, NULL);
	c->mc = pcre2_match_context_create(NULL);
	if (c->arena == NULL || c->md == NULL || c->mc == NULL) {
		rx_case_free(c);
		return false;
	}
	pcre2_set_match_limit(c->mc, 20000);
	pcre2_set_depth_limit(c->mc, 2000);
	pcre2_set_heap_limit(c->mc, 4000);
	rxlit_extract(&c->lit, pattern, options, c->arena);
	c->tree = rx_parse(pattern, options, c->arena);
	c->dfa = rxdfa_new(pattern, options);
	c->cache = c->dfa != NULL ? rxdfa_cache_new(c->dfa) : NULL;
	return true;
}

void
rx_case_free(struct rx_case *c)
{
	pcre2_code_free(c->code);
	pcre2_match_data_free(c->md);
	pcre2_match_context_free(c->mc);
	arena_free(&c->arena);
	rxdfa_cache_free(&c->cache);
	rxdfa_free(&c->dfa);
}

static bool
has_literal(const struct waf_str *lit, size_t n_lit, const char *p, size_t n, struct arena *a)
{
	char *low = arena_memdup(a, p, n);
	bool found = low == NULL;

	for (size_t i = 0; low != NULL && i < n; i++)
		if (low[i] >= 'A' && low[i] <= 'Z')
			low[i] |= 0x20;
	for (size_t i = 0; !found && i < n_lit; i++)
		found = memmem(low, n, lit[i].p, lit[i].n) != NULL;
	return found;
}

static bool
has_class(const uint64_t *class, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rx_set_has(class, (unsigned char)p[i]))
			return true;
	return false;
}

bool
rx_try(struct rx_case *c, const char *p, size_t n)
{
	if (pcre2_match(c->code, (PCRE2_SPTR)p, n, 0, 0, c->md, c->mc) < 0)
		return false;
	if (n < c->lit.min_width)
		rx_caught(c, p, n, "width");
	if (c->lit.n > 0 && !has_literal(c->lit.lit, c->lit.n, p, n, c->arena))
		rx_caught(c, p, n, "literals");
	if (c->lit.n_mixed > 0 && !has_class(c->lit.or_class, p, n) &&
	    !has_literal(c->lit.mixed, c->lit.n_mixed, p, n, c->arena))
		rx_caught(c, p, n, "literals or class");
	if (c->lit.needs_class && !has_class(c->lit.class, p, n))
		rx_caught(c, p, n, "class");
	if (c->cache != NULL && rxdfa_search(c->dfa, c->cache, p, n) == RXDFA_NO)
		rx_caught(c, p, n, "the automaton");
	return true;
}

static void
put(struct text *t, unsigned c)
{
	if (t->n < TEXT_MAX)
		t->b[t->n++] = (char)c;
}

/* Out of a set: mostly printable, where there are such. */
static void
gen_byte(struct rx_case *c, struct text *t, const uint64_t *set)
{
	unsigned start = rx_random(c, 4) ? 32 + rx_random(c, 95) : rx_random(c, 256);

	for (unsigned i = 0; i < 256; i++)
		if (rx_set_has(set, (start + i) % 256)) {
			put(t, (start + i) % 256);
			return;
		}
}

static uint32_t
gen_count(struct rx_case *c, const struct rx_node *n, const struct text *t)
{
	static const uint32_t more[] = { 1, 1, 1, 2, 2, 3, 4, 9, 70, 130 };
	uint32_t k = n->lo + rx_random(c, more[rx_random(c, t->n < TEXT_MAX / 4 ? 10 : 5)] + 1);

	return k > n->hi ? n->hi : k;
}

static void
gen(struct rx_case *c, struct text *t, const struct rx_node *n)
{
	const struct rx_node *x = n->child;
	uint32_t k = 0;

	if (t->n == TEXT_MAX)
		return;
	switch (n->type) {
	case RX_EMPTY:
	case RX_BEGIN:
		break;
	case RX_SET:
		gen_byte(c, t, n->set);
		break;
	case RX_ANYTHING:	/* a back reference: perhaps to what was written last */
		k = rx_random(c, 4);
		for (uint32_t from = (uint32_t)t->n; k > 0 && k <= from; k--)
			put(t, (unsigned char)t->b[from - k]);
		break;
	case RX_CAT:
		for (; x != NULL; x = x->next)
			gen(c, t, x);
		break;
	case RX_ALT:
		for (const struct rx_node *y = x; y != NULL; y = y->next)
			if (rx_random(c, ++k) == 0)
				x = y;
		gen(c, t, x);
		break;
	case RX_REPEAT:
		for (k = gen_count(c, n, t); k > 0 && t->n < TEXT_MAX; k--)
			gen(c, t, x);
		break;
	}
}

/* Bytes that the pattern is written with: the way to matches that the tree doesn't know of. */
static void
gen_alphabet(struct rx_case *c, struct text *t)
{
	for (uint32_t k = rx_random(c, 12); k > 0 && c->pattern.n > 0; k--) {
		uint32_t at = rx_random(c, (uint32_t)c->pattern.n), run = 1 + rx_random(c, 3);

		for (; run > 0 && at < c->pattern.n; run--)
			put(t, (unsigned char)c->pattern.p[at++]);
	}
}

static void
mutate(struct rx_case *c, struct text *t)
{
	uint32_t at = t->n > 0 ? rx_random(c, (uint32_t)t->n) : 0, k;

	switch (rx_random(c, 6)) {
	case 0:		/* a hole */
		k = t->n > 0 ? 1 + rx_random(c, (uint32_t)(t->n - at)) : 0;
		memmove(t->b + at, t->b + at + k, t->n - at - k);
		t->n -= k;
		break;
	case 1:		/* padding */
		for (k = 1 + rx_random(c, 100); k > 0 && t->n < TEXT_MAX; k--) {
			memmove(t->b + at + 1, t->b + at, t->n - at);
			t->b[at] = (char)(32 + rx_random(c, 95));
			t->n++;
		}
		break;
	case 2:		/* another byte */
		if (t->n > 0)
			t->b[at] = (char)rx_random(c, 256);
		break;
	case 3:		/* the other case */
		for (size_t i = 0; i < t->n; i++)
			if (rx_random(c, 2) && (t->b[i] | 0x20) >= 'a' && (t->b[i] | 0x20) <= 'z')
				t->b[i] ^= 0x20;
		break;
	case 4:		/* cut */
		t->n = at;
		break;
	case 5:		/* a byte from elsewhere in the text */
		if (t->n > 0)
			t->b[at] = t->b[rx_random(c, (uint32_t)t->n)];
		break;
	}
}

size_t
rx_attack(struct rx_case *c, unsigned rounds)
{
	struct text t;
	size_t matched = 0;

	while (rounds-- > 0) {
		t.n = 0;
		if (c->tree != NULL && rx_random(c, 8) != 0)
			gen(c, &t, c->tree);
		else
			gen_alphabet(c, &t);
		matched += rx_try(c, t.b, t.n);
		for (unsigned m = 0; m < 3; m++) {
			mutate(c, &t);
			matched += rx_try(c, t.b, t.n);
		}
	}
	return matched;
}
