/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "icap-llmsec/model_private.h"

#define RING	16			/* snapshots of the last blocks; MODEL_LONG / MODEL_STRIDE fit in */

/* Sums from the begin of the text up to a token: a window is the difference of two. */
struct sums {
	int32_t		 w[MODEL_HEADS], c[MODEL_HEADS];
	uint32_t	 n, nc;
	size_t		 at;		/* where in the text */
};

struct scoring {
	const struct model *m;
	struct model_score *best;
	struct sums	 now, block[RING], sentence[2];	/* the sentence's begin, and that of the one before */
	size_t		 token, sentence_token;
	bool		 two;
};

static void
score_window(struct scoring *s, const struct sums *from, size_t end, unsigned kind)
{
	float nw = model_norm_words(s->now.n - from->n), nc = model_norm_concepts(s->now.nc - from->nc);

	for (int h = 0; h < MODEL_HEADS; h++) {
		const struct model_header *mh = &s->m->h;
		struct model_window *b = &s->best->head[h];
		float raw;

		if (!(mh->windows[h] & kind))
			continue;
		raw = mh->bias[h] + mh->scale[h] * (float)(s->now.w[h] - from->w[h]) * nw +
		    mh->concept_scale[h] * (float)(s->now.c[h] - from->c[h]) * nc;
		if (b->len > 0 && raw <= b->raw)
			continue;
		b->raw = raw;
		b->start = from->at;
		b->len = end - from->at;
	}
}

static void
sentence_ends(struct scoring *s, size_t end)
{
	if (s->token - s->sentence_token < 2 && s->token > s->sentence_token && s->two)
		return;			/* a bullet: goes with what follows */
	score_window(s, &s->sentence[0], end, MODEL_W_SENTENCES);
	if (s->two)
		score_window(s, &s->sentence[1], end, MODEL_W_SENTENCES);
}

static void
token_begins(struct scoring *s, const struct feature_token *t, size_t end)
{
	size_t i = s->token;

	s->now.at = t->start;
	if (i % MODEL_STRIDE == 0) {
		if (i >= MODEL_BLOCK)
			score_window(s, &s->block[(i - MODEL_BLOCK) / MODEL_STRIDE % RING], end, MODEL_W_BLOCKS);
		if (i >= MODEL_LONG && i % MODEL_LONG_STRIDE == 0)
			score_window(s, &s->block[(i - MODEL_LONG) / MODEL_STRIDE % RING], end, MODEL_W_LONG);
		s->block[i / MODEL_STRIDE % RING] = s->now;
	}
	if (i == 0) {
		s->sentence[0] = s->now;
	} else if (t->sentence && i - s->sentence_token >= 2) {
		sentence_ends(s, end);
		s->sentence[1] = s->sentence[0];
		s->sentence[0] = s->now;
		s->sentence_token = i;
		s->two = true;
	}
}

static void
token_add(struct scoring *s, const struct feature_token *t)
{
	int32_t d = 0, x = 0;

	for (unsigned i = 0; i < t->n; i++) {
		d += s->m->word[t->v[i]][MODEL_DIRECT];
		x += s->m->word[t->v[i]][MODEL_DATA];
	}
	s->now.w[MODEL_DIRECT] += d;
	s->now.w[MODEL_DATA] += x;
	s->now.n += t->n;
	for (unsigned i = 0; i < t->n_concept; i++) {
		s->now.c[MODEL_DIRECT] += s->m->concept[t->c[i]][MODEL_DIRECT];
		s->now.c[MODEL_DATA] += s->m->concept[t->c[i]][MODEL_DATA];
	}
	s->now.nc += t->n_concept;
	s->token++;
}

/* The windows that the end of the text cuts short. */
static void
text_ends(struct scoring *s, size_t end)
{
	size_t n = s->token, from;

	from = n <= MODEL_BLOCK ? 0 : ((n + MODEL_STRIDE - 1) / MODEL_STRIDE - 2) * MODEL_STRIDE;
	score_window(s, &s->block[from / MODEL_STRIDE % RING], end, MODEL_W_BLOCKS);
	if (n > MODEL_BLOCK) {
		from = n <= MODEL_LONG ? 0 : ((n + MODEL_LONG_STRIDE - 1) / MODEL_LONG_STRIDE - 2) * MODEL_LONG_STRIDE;
		score_window(s, &s->block[from / MODEL_STRIDE % RING], end, MODEL_W_LONG);
	}
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

float
model_threshold(const struct model *m, enum model_head h, enum model_level l)
{
	return m->h.threshold[h][l];
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
