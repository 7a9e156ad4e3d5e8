/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "icap-llmsec/model_private.h"

/* The windows that are open at a token, from one before up to where the text was read: two blocks and two sentences, the older first. */
enum { BLOCK, BLOCK_NEW, SENTENCES, SENTENCE, OPEN };

typedef int32_t lanes __attribute__((vector_size(OPEN * sizeof(int32_t))));	/* a number for each */

/* What they have.  Each of its features counts once in a window. */
struct sums {
	lanes		 w[MODEL_HEADS], c[MODEL_HEADS];
	lanes		 n, nc;
	lanes		 token;			/* number of the first one */
	size_t		 at[OPEN];		/* where that is in the text */
};

struct scoring {
	const struct model *m;
	struct model_score *best;
	struct sums	 open;
	size_t		 token;
	bool		 two_blocks, two;	/* BLOCK, SENTENCES are open */
	struct model_seen seen;
};

static void
score_window(struct scoring *s, int window, size_t end, unsigned kind)
{
	const struct sums *x = &s->open;
	float nw = model_norm_words((uint32_t)x->n[window]), nc = model_norm_concepts((uint32_t)x->nc[window]);

	for (int h = 0; h < MODEL_HEADS; h++) {
		const struct model_header *mh = &s->m->h;
		struct model_window *b = &s->best->head[h];
		float raw;

		if (!(mh->windows[h] & kind))
			continue;
		raw = mh->bias[h] + mh->scale[h] * (float)x->w[h][window] * nw + mh->concept_scale[h] * (float)x->c[h][window] * nc;
		if (b->len > 0 && raw <= b->raw)
			continue;
		b->raw = raw;
		b->start = x->at[window];
		b->len = end - b->start;
	}
}

static void
window_copy(struct sums *x, int to, int from)
{
	for (int h = 0; h < MODEL_HEADS; h++) {
		x->w[h][to] = x->w[h][from];
		x->c[h][to] = x->c[h][from];
	}
	x->n[to] = x->n[from];
	x->nc[to] = x->nc[from];
	x->token[to] = x->token[from];
	x->at[to] = x->at[from];
}

/* Of a pair of windows, <older> and the one behind it, the younger becomes the older one, and another begins at the token that comes. */
static void
window_begins(struct scoring *s, int older, size_t at, bool first)
{
	struct sums *x = &s->open;
	int younger = older + 1;

	if (!first)
		window_copy(x, older, younger);
	for (int h = 0; h < MODEL_HEADS; h++)
		x->w[h][younger] = x->c[h][younger] = 0;
	x->n[younger] = x->nc[younger] = 0;
	x->token[younger] = (int32_t)s->token;
	x->at[younger] = at;
	if (first)
		window_copy(x, older, younger);
}

static bool
sentence_is_short(const struct scoring *s)
{
	return s->token - (uint32_t)s->open.token[SENTENCE] < MODEL_SENTENCE;
}

static void
sentence_ends(struct scoring *s, size_t end)
{
	if (sentence_is_short(s) && s->token > (uint32_t)s->open.token[SENTENCE] && s->two)
		return;			/* a bullet, a cell of a table: goes with what follows */
	score_window(s, SENTENCE, end, MODEL_W_SENTENCES);
	if (s->two)
		score_window(s, SENTENCES, end, MODEL_W_SENTENCES);
}

static void
token_begins(struct scoring *s, const struct feature_token *t, size_t end)
{
	size_t i = s->token;

	if (i % MODEL_STRIDE == 0) {
		if (i >= MODEL_BLOCK)
			score_window(s, BLOCK, end, MODEL_W_BLOCKS);
		window_begins(s, BLOCK, t->start, i == 0);
		s->two_blocks = i > 0;
	}
	if (i == 0) {
		window_begins(s, SENTENCES, t->start, true);
	} else if (t->sentence && !sentence_is_short(s)) {
		sentence_ends(s, end);
		window_begins(s, SENTENCES, t->start, false);
		s->two = true;
	}
}

/*
 * What the features of one token add to each window.  Both heads' weights go into one number, <data> * 65536 + <direct>: a token has
 * so few features that neither sum leaves 16 bits.
 */
struct adding {
	lanes		 begin;			/* of each window, its first token */
	lanes		 w;
	lanes		 old;			/* how many don't count: the window has them already */
};
_Static_assert(FEATURE_TOKEN_MAX * 128 <= INT16_MAX, "sums of int8 have room");

static inline int32_t
both_heads(const int8_t w[MODEL_HEADS])
{
	return w[MODEL_DATA] * 65536 + w[MODEL_DIRECT];
}

/* A feature that was seen last at token <at> - 1 counts in the windows that began later: all at once, without a branch. */
static inline void
add(struct adding *a, const int8_t w[MODEL_HEADS], uint32_t at)
{
	lanes old = (int32_t)at > a->begin;		/* -1 or 0 */

	a->w += ~old & both_heads(w);
	a->old -= old;
}

/* Out of <n> features. */
static inline void
added(const struct adding *a, int32_t n, lanes sum[MODEL_HEADS], lanes *count)
{
	lanes direct = ((a->w & 0xffff) ^ 0x8000) - 0x8000;

	sum[MODEL_DIRECT] += direct;
	sum[MODEL_DATA] += (a->w - direct) >> 16;
	*count += n - a->old;
}

static void
token_add(struct scoring *s, const struct feature_token *t)
{
	struct sums *x = &s->open;
	struct adding a = { .begin = x->token };
	uint32_t token = (uint32_t)s->token;

	for (unsigned i = 0; i < t->n; i++)
		add(&a, s->m->word[t->v[i]], model_seen_at(&s->seen, t->v[i], token));
	added(&a, t->n, x->w, &x->n);
	if (t->n_concept > 0) {
		a = (struct adding){ .begin = x->token };
		for (unsigned i = 0; i < t->n_concept; i++)
			add(&a, s->m->concept[t->c[i]], model_seen_at(&s->seen, model_seen_concept(t->c[i]), token));
		added(&a, t->n_concept, x->c, &x->nc);
	}
	s->token++;
}

/* The windows that the end of the text cuts short. */
static void
text_ends(struct scoring *s, size_t end)
{
	score_window(s, s->two_blocks ? BLOCK : BLOCK_NEW, end, MODEL_W_BLOCKS);
	sentence_ends(s, end);
}

float
model_calibrate(const struct model *m, enum model_head h, float raw)
{
	return 1.0f / (1.0f + expf(-(m->h.platt_a[h] * raw + m->h.platt_b[h])));
}

void
model_score(const struct model *m, const struct norm *n, struct model_score *out)
{
	struct scoring s = { .m = m, .best = out };
	struct feature_scan scan;
	struct feature_token t;
	size_t end = 0;

	memset(out, 0, sizeof(*out));
	feature_start(&scan, &m->trie, n->text, n->len, n->lines);
	while (feature_next(&scan, &t)) {
		for (unsigned i = 0; i < t.n; i++)
			__builtin_prefetch(&m->word[t.v[i]]);
		token_begins(&s, &t, end);
		token_add(&s, &t);
		end = t.end;
	}
	if (s.token > 0)
		text_ends(&s, end);
	for (int h = 0; h < MODEL_HEADS; h++)
		out->head[h].p = out->head[h].len > 0 ? model_calibrate(m, (enum model_head)h, out->head[h].raw) : 0;
}

/* Concepts of concepts.txt by their place there; test_model.c holds the names against it. */
#define BIT(n)	((uint64_t)1 << (n))
static const uint64_t telling = BIT(1) | BIT(4) | BIT(5) | BIT(7) | BIT(8) | BIT(9) |	/* ignore, instruction, rule, system, prompt, secret */
    BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14) | BIT(16) |			/* pretend, role, unlimited, mode, admin, hidden */
    BIT(19) | BIT(20) | BIT(21) | BIT(22) | BIT(23) |				/* ai, send, url, execute, user */
    BIT(32) | BIT(33) | BIT(34) | BIT(39) | BIT(44);				/* harmful, refuse, filter, access, chatmark */

bool
model_telling(const struct model *m, const struct norm *n)
{
	struct feature_scan scan;
	struct feature_token t;

	feature_start(&scan, &m->trie, n->text, n->len, n->lines);
	while (feature_next(&scan, &t))
		if (t.concept != CONCEPT_NONE && t.concept < 64 && (telling >> t.concept & 1))
			return true;
	return false;
}

float
model_threshold(const struct model *m, enum model_head h, enum model_level l)
{
	return m->h.threshold[h][l];
}

float
model_threshold_documents(const struct model *m, enum model_head h, enum model_level l)
{
	return m->h.documents[h][l];
}

float
model_length(const struct model *m, enum model_head h, size_t len)
{
	return m->h.platt_a[h] * model_length_raw(h, len);
}

const char *
model_about(const struct model *m)
{
	return m->h.about;
}

const char *
model_id(const struct model *m)
{
	return m->id;
}
