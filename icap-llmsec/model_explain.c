/* SPDX-License-Identifier: MIT */
/* Why a window scores as it does: the same features once more, this time with what they are made of. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/model_private.h"

#define COLLECT_MAX	4096		/* features of a window; what is beyond isn't ranked */

static const char *const kind_name[FEATURE_KINDS] = {
	[FEATURE_WORD] = "word", [FEATURE_PAIR] = "pair", [FEATURE_TRIPLE] = "triple", [FEATURE_SKIP1] = "skip",
	[FEATURE_SKIP2] = "skip", [FEATURE_FIRST] = "first", [FEATURE_FIRST2] = "first", [FEATURE_CHAR3] = "characters",
	[FEATURE_CHAR4] = "characters", [FEATURE_CHAR5] = "characters",
};

struct reason {
	size_t		 start, end;
	const char	*kind;
	uint32_t	 index;
	int32_t		 weight;
	bool		 concept;
};

struct collecting {
	const struct model *m;
	enum model_head	 head;
	struct reason	*v;
	size_t		 n;
	uint32_t	 words, concepts, token;
	struct model_seen seen;
};

static void
collect(struct collecting *c, const struct reason *r)
{
	uint32_t id = r->concept ? model_seen_concept(r->index) : r->index;

	if (model_seen_at(&c->seen, id, c->token) != 0)
		return;			/* counts once */
	c->words += !r->concept;
	c->concepts += r->concept;
	if (c->n < COLLECT_MAX)
		c->v[c->n++] = *r;
}

static void
collect_token(struct collecting *c, const struct feature_token *t, const struct feature_explain *e)
{
	for (unsigned i = 0; i < t->n; i++)
		collect(c, &(struct reason){ e->start[i], e->end[i], kind_name[e->kind[i]], t->v[i], c->m->word[t->v[i]][c->head], false });
	for (unsigned i = 0; i < t->n_concept; i++)
		collect(c, &(struct reason){ e->c_start[i], t->end, "concept", t->c[i], c->m->concept[t->c[i]][c->head], true });
	c->token++;
}

static int
by_place(const void *a, const void *b)
{
	const struct reason *x = a, *y = b;

	if (x->concept != y->concept)
		return x->concept ? 1 : -1;
	if (x->kind != y->kind)
		return strcmp(x->kind, y->kind);
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static int
by_weight(const void *a, const void *b)
{
	const struct model_reason *x = a, *y = b;

	return x->weight < y->weight ? 1 : x->weight > y->weight ? -1 : 0;
}

/* The character n-grams of a word are one reason, as are all features over the same words. */
static size_t
merge(const struct collecting *c, const struct norm *n, struct arena *a, struct model_reason *out)
{
	float w = c->m->h.scale[c->head] * model_norm_words(c->words);
	float wc = c->m->h.concept_scale[c->head] * model_norm_concepts(c->concepts);
	size_t k = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct reason *r = &c->v[i];
		float x = (float)r->weight * (r->concept ? wc : w);

		if (i > 0 && by_place(r, r - 1) == 0) {
			out[k - 1].weight += x;
			continue;
		}
		out[k].text = arena_strndup(a, n->text + r->start, r->end - r->start);
		out[k].kind = r->kind;
		out[k++].weight = x;
	}
	return k;
}

int
model_explain(const struct model *m, const struct norm *n, enum model_head head, const struct model_window *win,
    struct arena *a, struct model_reason **out, size_t *n_out, size_t max)
{
	struct collecting c = { .m = m, .head = head, .v = arena_alloc(a, COLLECT_MAX * sizeof(struct reason)) };
	struct feature_explain *e = arena_calloc(a, 1, sizeof(*e));
	struct feature_scan scan;
	struct feature_token t;
	size_t k;

	*n_out = 0;
	*out = arena_alloc(a, COLLECT_MAX * sizeof(**out));
	if (c.v == NULL || e == NULL || *out == NULL)
		return -ENOMEM;
	feature_start(&scan, &m->trie, n->text, n->len, n->lines);
	scan.explain = e;
	while (feature_next(&scan, &t) && t.start < win->start + win->len)
		if (t.start >= win->start)
			collect_token(&c, &t, e);
	qsort(c.v, c.n, sizeof(*c.v), by_place);
	k = merge(&c, n, a, *out);
	if (arena_failed(a))
		return -ENOMEM;
	qsort(*out, k, sizeof(**out), by_weight);
	*n_out = k < max ? k : max;
	return 0;
}
