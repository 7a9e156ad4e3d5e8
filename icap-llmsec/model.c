/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "icap-llmsec/model_private.h"

/* A window that is open: from a token up to where the text was read.  Each of its features counts once. */
struct sums {
	int32_t		 w[MODEL_HEADS], c[MODEL_HEADS];
	uint32_t	 n, nc;
	uint32_t	 token;			/* number of its first one */
	size_t		 at;			/* where that is in the text */
};

/* The windows that are open at a token: two blocks and two sentences, the older first. */
enum { BLOCK, BLOCK_NEW, SENTENCES, SENTENCE, OPEN };

struct scoring {
	const struct model *m;
	struct model_score *best;
	struct sums	 open[OPEN];
	size_t		 token;
	bool		 two_blocks, two;	/* BLOCK, SENTENCES are open */
	struct model_seen seen;
};

static void
score_window(struct scoring *s, const struct sums *x, size_t end, unsigned kind)
{
	float nw = model_norm_words(x->n), nc = model_norm_concepts(x->nc);

	for (int h = 0; h < MODEL_HEADS; h++) {
		const struct model_header *mh = &s->m->h;
		struct model_window *b = &s->best->head[h];
		float raw;

		if (!(mh->windows[h] & kind))
			continue;
		raw = mh->bias[h] + mh->scale[h] * (float)x->w[h] * nw + mh->concept_scale[h] * (float)x->c[h] * nc;
		if (b->len > 0 && raw <= b->raw)
			continue;
		b->raw = raw;
		b->start = x->at;
		b->len = end - x->at;
	}
}

/* Of a pair of windows the younger becomes the older one, and another begins at the token that comes. */
static void
window_begins(struct scoring *s, struct sums pair[2], size_t at, bool first)
{
	if (!first)
		pair[0] = pair[1];
	pair[1] = (struct sums){ .token = (uint32_t)s->token, .at = at };
	if (first)
		pair[0] = pair[1];
}

static bool
sentence_is_short(const struct scoring *s)
{
	return s->token - s->open[SENTENCE].token < MODEL_SENTENCE;
}

static void
sentence_ends(struct scoring *s, size_t end)
{
	if (sentence_is_short(s) && s->token > s->open[SENTENCE].token && s->two)
		return;			/* a bullet, a cell of a table: goes with what follows */
	score_window(s, &s->open[SENTENCE], end, MODEL_W_SENTENCES);
	if (s->two)
		score_window(s, &s->open[SENTENCES], end, MODEL_W_SENTENCES);
}

static void
token_begins(struct scoring *s, const struct feature_token *t, size_t end)
{
	size_t i = s->token;

	if (i % MODEL_STRIDE == 0) {
		if (i >= MODEL_BLOCK)
			score_window(s, &s->open[BLOCK], end, MODEL_W_BLOCKS);
		window_begins(s, &s->open[BLOCK], t->start, i == 0);
		s->two_blocks = i > 0;
	}
	if (i == 0) {
		window_begins(s, &s->open[SENTENCES], t->start, true);
	} else if (t->sentence && !sentence_is_short(s)) {
		sentence_ends(s, end);
		window_begins(s, &s->open[SENTENCES], t->start, false);
		s->two = true;
	}
}

/* What the features of one token add to each open window. */
typedef int32_t lanes __attribute__((vector_size(OPEN * sizeof(int32_t))));
struct adding {
	lanes		 begin;			/* of each window, its first token */
	lanes		 w[MODEL_HEADS], n;
};

/* A feature that was seen last at token <at> - 1 counts in the windows that began later: all at once, without a branch. */
static inline void
add(struct adding *a, const int8_t w[MODEL_HEADS], uint32_t at)
{
	lanes counts = a->begin >= (int32_t)at;		/* -1 or 0 */

	a->w[MODEL_DIRECT] += counts & w[MODEL_DIRECT];
	a->w[MODEL_DATA] += counts & w[MODEL_DATA];
	a->n -= counts;
}

static void
token_add(struct scoring *s, const struct feature_token *t)
{
	struct adding a = { 0 }, c;
	uint32_t token = (uint32_t)s->token;

	for (int i = 0; i < OPEN; i++)
		a.begin[i] = (int32_t)s->open[i].token;
	c = a;
	for (unsigned i = 0; i < t->n; i++)
		add(&a, s->m->word[t->v[i]], model_seen_at(&s->seen, t->v[i], token));
	for (unsigned i = 0; i < t->n_concept; i++)
		add(&c, s->m->concept[t->c[i]], model_seen_at(&s->seen, model_seen_concept(t->c[i]), token));
	for (int i = 0; i < OPEN; i++) {
		for (int h = 0; h < MODEL_HEADS; h++) {
			s->open[i].w[h] += a.w[h][i];
			s->open[i].c[h] += c.w[h][i];
		}
		s->open[i].n += (uint32_t)a.n[i];
		s->open[i].nc += (uint32_t)c.n[i];
	}
	s->token++;
}

/* The windows that the end of the text cuts short. */
static void
text_ends(struct scoring *s, size_t end)
{
	score_window(s, &s->open[s->two_blocks ? BLOCK : BLOCK_NEW], end, MODEL_W_BLOCKS);
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
