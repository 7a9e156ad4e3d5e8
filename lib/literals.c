/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/literals_private.h"

#define TEXT_MAX	(1U << 30)
#define SEEN_WORDS	256	/* on the stack; a rule set's short literals have a few thousand states */

struct source {		/* as added */
	const char *p;		/* set when the blob has stopped moving */
	uint32_t text, len, id;
};

struct literals {
	bool caseless;
	char *blob;
	size_t n_blob, cap_blob;
	struct source *src;	/* NULL once built */
	size_t n_src, cap_src;
	uint32_t *ids;
	struct anchors anchors;
	struct dfa dfa;
};

struct literals *
literals_new(bool caseless)
{
	struct literals *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->caseless = caseless;
	return l;
}

void
literals_free(struct literals **lp)
{
	struct literals *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	literals_anchors_free(&l->anchors);
	literals_dfa_free(&l->dfa);
	free(l->blob);
	free(l->src);
	free(l->ids);
	free(l);
}

/* Room for <need> elements of <size> in all; doubles. */
static void *
grown(void *v, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap ? *cap : 64;
	void *p;

	if (need <= *cap)
		return v;
	while (n < need)
		n *= 2;
	p = realloc(v, n * size);
	if (p != NULL)
		*cap = n;
	return p;
}

int
literals_add(struct literals *l, const char *s, size_t len, uint32_t id)
{
	struct source *src;
	char *blob;

	if (len == 0)
		return -EINVAL;
	if (len > TEXT_MAX - l->n_blob)
		return -E2BIG;
	if ((blob = grown(l->blob, &l->cap_blob, l->n_blob + len, 1)) == NULL)
		return -ENOMEM;
	l->blob = blob;
	if ((src = grown(l->src, &l->cap_src, l->n_src + 1, sizeof(*src))) == NULL)
		return -ENOMEM;
	l->src = src;
	src[l->n_src++] = (struct source){ NULL, (uint32_t)l->n_blob, (uint32_t)len, id };
	for (size_t i = 0; i < len; i++) {
		bool upper = l->caseless && s[i] >= 'A' && s[i] <= 'Z';

		l->blob[l->n_blob++] = (char)(upper ? s[i] | 0x20 : s[i]);
	}
	return 0;
}

static int
by_text(const void *a, const void *b)
{
	const struct source *x = a, *y = b;
	int d = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	if (d == 0)
		d = (x->len > y->len) - (x->len < y->len);
	if (d == 0)
		d = (x->id > y->id) - (x->id < y->id);
	return d;
}

/* One lit per distinct text, its ids side by side. */
static int
unify(struct literals *l, struct lit *lit, size_t *n)
{
	l->ids = calloc(l->n_src + 1, sizeof(*l->ids));
	if (l->ids == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_src; i++)
		l->src[i].p = l->blob + l->src[i].text;
	if (l->n_src > 0)
		qsort(l->src, l->n_src, sizeof(*l->src), by_text);
	*n = 0;
	for (size_t i = 0; i < l->n_src; i++) {
		const struct source *s = &l->src[i];

		if (i == 0 || s->len != s[-1].len || memcmp(s->p, s[-1].p, s->len) != 0)
			lit[(*n)++] = (struct lit){ s->text, s->len, (uint32_t)i, 0 };
		lit[*n - 1].n_id++;
		l->ids[i] = s->id;
	}
	for (size_t i = 0; i < *n; i++)
		if (lit[i].n_id == 1)
			lit[i].id = l->ids[lit[i].id];
	return 0;
}

int
literals_build(struct literals *l)
{
	struct lit *lit = calloc(l->n_src + 1, sizeof(*lit));
	struct literals_source s = { l->blob, lit, 0, l->caseless };
	int rc = lit == NULL ? -ENOMEM : unify(l, lit, &s.n);

	if (rc == 0)
		rc = literals_dfa_build(&l->dfa, &s);
	if (rc == 0)
		rc = literals_anchors_build(&l->anchors, &s);
	free(lit);
	free(l->src);
	l->src = NULL;
	l->cap_src = 0;
	return rc;
}

size_t
literals_memory(const struct literals *l)
{
	return sizeof(*l) + l->cap_blob + (l->n_src + 1) * sizeof(*l->ids) + literals_anchors_memory(&l->anchors) +
	    literals_dfa_memory(&l->dfa);
}

static bool
scan(const struct literals_scan *s)
{
	return s->len == 0 || (literals_dfa_scan(&s->l->dfa, s) && literals_anchors_scan(&s->l->anchors, s));
}

static const uint32_t *
ids_of(const struct literals_scan *s, const struct lit *t)
{
	return t->n_id == 1 ? &t->id : &s->l->ids[t->id];
}

static bool
found_mark(const struct literals_scan *s, const struct lit *t, size_t start)
{
	const uint32_t *id = ids_of(s, t);
	uint64_t *hits = s->arg;

	(void)start;
	for (uint32_t i = 0; i < t->n_id; i++)
		hits[id[i] / 64] |= 1ULL << id[i] % 64;
	return true;
}

void
literals_scan(const struct literals *l, const char *p, size_t len, uint64_t *hits)
{
	uint64_t seen[SEEN_WORDS];
	struct literals_scan s = { p, len, l, found_mark, hits, NULL };

	if (l->dfa.n_state < SEEN_WORDS * 64) {
		memset(seen, 0, (l->dfa.n_state / 64 + 1) * sizeof(*seen));
		s.seen = seen;
	}
	scan(&s);
}

static bool
found_first(const struct literals_scan *s, const struct lit *t, size_t start)
{
	struct literals_hit *best = s->arg;
	size_t end = start + t->len;

	if (end < best->end || (end == best->end && start < best->start))
		*best = (struct literals_hit){ *ids_of(s, t), start, end };
	return true;
}

bool
literals_first(const struct literals *l, const char *p, size_t len, struct literals_hit *hit)
{
	*hit = (struct literals_hit){ 0, SIZE_MAX, SIZE_MAX };
	scan(&(struct literals_scan){ p, len, l, found_first, hit, NULL });
	return hit->end != SIZE_MAX;
}

struct each {
	bool (*fn)(void *, const struct literals_hit *);
	void *arg;
};

static bool
found_each(const struct literals_scan *s, const struct lit *t, size_t start)
{
	const uint32_t *id = ids_of(s, t);
	const struct each *e = s->arg;

	for (uint32_t i = 0; i < t->n_id; i++)
		if (!e->fn(e->arg, &(struct literals_hit){ id[i], start, start + t->len }))
			return false;
	return true;
}

bool
literals_each(const struct literals *l, const char *p, size_t len, bool (*fn)(void *, const struct literals_hit *),
    void *arg)
{
	return scan(&(struct literals_scan){ p, len, l, found_each, &(struct each){ fn, arg },
	    NULL });
}
