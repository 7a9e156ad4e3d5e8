/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/rules_private.h"

#define WHOLE_MAX	768	/* bytes: of a text this short, windows would save nothing */
#define PLACES_MAX	16384	/* of literals; a text with more is searched whole */
#define RETRIES		8	/* matches of a rule that are looked at for one that isn't talk */

/* Where literals stand. */
struct place {
	uint32_t	 group, start, end;
};

struct search {
	const struct rules *rs;
	const struct norm *text;
	struct arena	*arena;
	pcre2_match_data *md;
	uint64_t	*hits, *wanted;	/* bits by group */
	struct place	*place;
	size_t		 n_places, cap;
	bool		 whole;		/* no windows: patterns see the whole text */
	bool		 failed;
};

static bool
bit(const uint64_t *set, uint32_t i)
{
	return set[i / 64] >> i % 64 & 1;
}

static bool
place_add(void *arg, const struct literals_hit *h)
{
	struct search *s = arg;
	struct place *v;

	s->hits[h->id / 64] |= 1ULL << h->id % 64;
	if (s->n_places == PLACES_MAX)
		s->whole = true;
	if (s->whole)
		return true;
	if (s->n_places == s->cap) {
		v = arena_alloc(s->arena, (s->cap ? 4 * s->cap : 64) * sizeof(*v));
		if (v == NULL) {
			s->failed = true;
			return false;
		}
		if (s->cap > 0)
			memcpy(v, s->place, s->n_places * sizeof(*v));
		s->place = v;
		s->cap = s->cap ? 4 * s->cap : 64;
	}
	s->place[s->n_places++] = (struct place){h->id, (uint32_t)h->start, (uint32_t)h->end};
	return true;
}

static int
place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void *
arena_pcre_malloc(size_t n, void *a)
{
	return arena_alloc(a, n);
}

static void
arena_pcre_free(void *p, void *a)
{
	(void)p;
	(void)a;
}

static bool
search_match_data(struct search *s)
{
	pcre2_general_context *g = pcre2_general_context_create(arena_pcre_malloc, arena_pcre_free, s->arena);

	s->md = g != NULL ? pcre2_match_data_create(1, g) : NULL;
	return s->md != NULL;
}

static bool
is_candidate(const struct search *s, const struct rule *r, unsigned roles, unsigned flags)
{
	if (!(r->role_mask & roles) || (r->mode == DETECT_OFF && !(flags & RULES_OFF_TOO)))
		return false;
	for (unsigned i = 0; i < r->n_groups && !(flags & RULES_NO_PREFILTER); i++)
		if (!bit(s->hits, r->group[i]))
			return false;
	return true;
}

#define FEW		64	/* places that are sorted by comparing */

/* In the order of the text; those that start together stay in theirs.  Byte by byte of where they start, which is linear: a hostile text has as many as there may be. */
static void
search_sort(struct search *s)
{
	struct place *to, *v = s->place;
	uint32_t most = 0;

	for (size_t i = 0; i < s->n_places; i++)
		most |= v[i].start;
	if (s->n_places <= FEW || (to = arena_alloc(s->arena, s->n_places * sizeof(*to))) == NULL) {
		if (s->n_places > 1)
			qsort(v, s->n_places, sizeof(*v), place_cmp);
		return;
	}
	for (unsigned shift = 0; shift < 32 && most >> shift != 0; shift += 8) {
		size_t at[256] = {0}, sum = 0;

		for (size_t i = 0; i < s->n_places; i++)
			at[v[i].start >> shift & 0xff]++;
		for (size_t b = 0; b < 256; b++) {
			size_t n = at[b];

			at[b] = sum;
			sum += n;
		}
		for (size_t i = 0; i < s->n_places; i++)
			to[at[v[i].start >> shift & 0xff]++] = v[i];
		s->place = to;
		to = v;
		v = s->place;
	}
}

/* Leave the places of groups that candidates have, in order. */
static void
search_places(struct search *s, const uint64_t *candidates)
{
	size_t n = 0;

	for (size_t i = 0; i < s->rs->n_rules; i++) {
		const struct rule *r = &s->rs->rules[i];

		for (unsigned k = 0; bit(candidates, (uint32_t)i) && k < r->n_groups; k++)
			s->wanted[r->group[k] / 64] |= 1ULL << r->group[k] % 64;
	}
	for (size_t i = 0; i < s->n_places; i++)
		if (bit(s->wanted, s->place[i].group))
			s->place[n++] = s->place[i];
	s->n_places = n;
	search_sort(s);
}

/* The group of <r> that occurs least. */
static uint32_t
rarest(const struct search *s, const struct rule *r)
{
	size_t n[RULE_GROUPS] = {0};
	unsigned best = 0;

	for (size_t i = 0; i < s->n_places; i++)
		for (unsigned k = 0; k < r->n_groups; k++)
			n[k] += s->place[i].group == r->group[k];
	for (unsigned k = 1; k < r->n_groups; k++)
		if (n[k] < n[best])
			best = k;
	return r->group[best];
}

/* A hit at [start, start + len): the first, or better than the one that there is.  True: no need to look further. */
static bool
hit_take(const struct search *s, const struct rule *r, size_t start, size_t len, struct rule_hit *hit, bool *have)
{
	float factor = r->discount ? rules_context(s->rs->talk, s->text, start, len) : 1;

	if (!*have || factor > hit->factor)
		*hit = (struct rule_hit){r->id, r->category, r->severity, r->mode, r->weight, factor, start, len};
	*have = true;
	return hit->factor >= RULE_FACTOR_TALK;
}

/* The pattern on [from, to), which is text as far as it looks behind.  1: done; 0: look further; -EOVERFLOW. */
static int
run_window(const struct search *s, const struct rule *r, size_t from, size_t to, struct rule_hit *hit, bool *have)
{
	for (int k = 0; k < RETRIES && from < to; k++) {
		int rc = pcre2_match(r->code, (PCRE2_SPTR)s->text->text, to, from, PCRE2_NO_UTF_CHECK, s->md, s->rs->limits);
		PCRE2_SIZE *o = pcre2_get_ovector_pointer(s->md);

		if (rc == PCRE2_ERROR_NOMATCH)
			return 0;
		if (rc < 0)
			return -EOVERFLOW;
		if (o[1] < o[0])
			return 0;	/* \K in a look-ahead */
		if (hit_take(s, r, o[0], o[1] - o[0], hit, have))
			return 1;
		from = o[1] > from ? o[1] : from + 1;
		while (from < to && ((unsigned char)s->text->text[from] & 0xc0) == 0x80)
			from++;
	}
	return 0;
}

static size_t
char_start(const struct norm *t, size_t i)
{
	while (i > 0 && i < t->len && ((unsigned char)t->text[i] & 0xc0) == 0x80)
		i--;
	return i;
}

/* Are literals of all groups of <r> within its reach of <p>?  Places before *first are out of it, now and later. */
static bool
has_all(const struct search *s, const struct rule *r, const struct place *p, size_t *first)
{
	unsigned seen = 0, all = (1U << r->n_groups) - 1;

	while (s->place[*first].start + r->reach < p->start)
		++*first;
	for (size_t i = *first; seen != all && i < s->n_places && s->place[i].start <= p->end + r->reach; i++)
		for (unsigned k = 0; k < r->n_groups; k++)
			if (s->place[i].group == r->group[k])
				seen |= 1U << k;
	return seen == all;
}

/* The pattern near the places of its rarest literals. */
static int
run_windows(const struct search *s, const struct rule *r, struct rule_hit *hit, bool *have)
{
	uint32_t g = rarest(s, r);
	size_t from = 0, to = 0, first = 0;
	int rc;

	for (size_t i = 0; i < s->n_places; i++) {
		const struct place *p = &s->place[i];
		size_t lo = p->start > r->reach ? p->start - r->reach : 0, hi = p->end + r->reach;

		if (p->group != g || !has_all(s, r, p, &first))
			continue;
		if (to > 0 && lo > to) {
			rc = run_window(s, r, from, to, hit, have);
			if (rc != 0)
				return rc;
			to = 0;
		}
		if (to == 0)
			from = char_start(s->text, lo);
		hi = hi < s->text->len ? char_start(s->text, hi) : s->text->len;
		to = hi > to ? hi : to;
	}
	return to > 0 ? run_window(s, r, from, to, hit, have) : 0;
}

static void
run_phrases(const struct search *s, const struct rule *r, struct rule_hit *hit, bool *have)
{
	const struct norm *t = s->text;

	for (size_t i = 0; i < r->phrases.n; i++) {
		size_t len = strlen(r->phrases.v[i]);
		const char *p = t->text, *end = t->text + t->len;

		for (int k = 0; k < RETRIES && (p = memmem(p, (size_t)(end - p), r->phrases.v[i], len)) != NULL; p++) {
			size_t at = (size_t)(p - t->text);

			if (r->words && !rules_whole_words(t->text, t->len, at, at + len))
				continue;
			if (hit_take(s, r, at, len, hit, have))
				return;
			k++;
		}
	}
}

static int
run_rule(const struct search *s, const struct rule *r, struct rule_hit *hit, bool *have)
{
	int rc = 0;

	*have = false;
	if (r->code == NULL)
		run_phrases(s, r, hit, have);
	else if (s->whole || r->n_groups == 0)
		rc = run_window(s, r, 0, s->text->len, hit, have);
	else
		rc = run_windows(s, r, hit, have);
	return rc < 0 ? rc : 0;
}

/* Bits of the rules that are worth a try; their number. */
static size_t
search_candidates(struct search *s, unsigned roles, unsigned flags, uint64_t *candidates)
{
	size_t n = 0;

	if (s->whole)
		literals_scan(s->rs->lit, s->text->text, s->text->len, s->hits);
	else
		literals_each(s->rs->lit, s->text->text, s->text->len, place_add, s);
	for (size_t i = 0; i < s->rs->n_rules; i++) {
		if (is_candidate(s, &s->rs->rules[i], roles, flags)) {
			candidates[i / 64] |= 1ULL << i % 64;
			n++;
		}
	}
	return n;
}

int
rules_match(const struct rules *rs, unsigned roles, unsigned flags, const struct norm *t, struct arena *a,
    struct rule_hit **out, size_t *n)
{
	struct search s = {.rs = rs, .text = t, .arena = a, .whole = t->len <= WHOLE_MAX || (flags & RULES_NO_PREFILTER)};
	size_t words = rs->n_groups / 64 + 1, n_candidates;
	uint64_t *candidates = arena_calloc(a, rs->n_rules / 64 + 1, sizeof(*candidates));
	struct rule_hit *v;
	bool have;
	int rc = 0;

	*n = 0;
	*out = NULL;
	s.hits = arena_calloc(a, 2 * words, sizeof(*s.hits));
	if (s.hits == NULL || candidates == NULL)
		return -ENOMEM;
	s.wanted = s.hits + words;
	n_candidates = search_candidates(&s, roles, flags, candidates);
	if (s.failed)
		return -ENOMEM;
	if (n_candidates == 0)
		return 0;
	v = arena_alloc(a, n_candidates * sizeof(*v));
	if (v == NULL || !search_match_data(&s))
		return -ENOMEM;
	if (!s.whole)
		search_places(&s, candidates);
	for (size_t i = 0; rc == 0 && i < rs->n_rules; i++) {
		if (!bit(candidates, (uint32_t)i))
			continue;
		rc = run_rule(&s, &rs->rules[i], &v[*n], &have);
		*n += have;
	}
	*out = v;
	return rc;
}

size_t
rules_count(const struct rules *rs)
{
	return rs ? rs->n_rules : 0;
}
