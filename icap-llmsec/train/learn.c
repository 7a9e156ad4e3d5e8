/* SPDX-License-Identifier: MIT */
/*
 * Logistic regression over windows: AdaGrad (Duchi et al., JMLR 12, 2011), multiple instance learning (of a
 * positive text only the highest window must be positive; of a negative one none may be), averaged weights (Polyak
 * and Juditsky, SIAM J. Control Optim. 30(4), 1992).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/train/train.h"

#define G0	1e-3f			/* AdaGrad's first denominator, squared */

struct tok {
	uint32_t	 f, c;			/* first feature, first concept feature */
	bool		 sentence;
};

struct win {
	uint32_t	 from, to;		/* tokens */
	uint32_t	 n, nc;			/* features, concept features, each once */
	float		 raw;
	int		 view;
};

struct text {				/* of one view */
	struct tok	*tok;
	size_t		 n, cap;
	uint32_t	*f;
	size_t		 nf, f_cap;
	uint16_t	*c;
	size_t		 nc, c_cap;
	uint32_t	*f_seen, *c_seen;	/* number + 1 of the token that had it before, 0 if none did */
	float		*f_weight, *c_weight;
	struct model_seen seen;
	struct win	*win;
	size_t		 n_win, win_cap;
};

#define VIEWS_TRAIN	8
#define NEAR_MISS	-1.0f		/* raw score of a benign window that is worth a lesson */
#define NEAR_MISSES	8		/* of a text, beside its two highest */

int
weights_new(struct weights *w)
{
	w->w = calloc(FEATURE_TABLE, sizeof(float));
	w->c = calloc(FEATURE_CONCEPT_TABLE, sizeof(float));
	w->bias = -2;
	return w->w == NULL || w->c == NULL ? -ENOMEM : 0;
}

void
weights_free(struct weights *w)
{
	free(w->w);
	free(w->c);
	memset(w, 0, sizeof(*w));
}

static void *
grown(void *p, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap == 0 ? 1024 : *cap;

	if (need <= *cap)
		return p;
	while (n < need)
		n *= 2;
	*cap = n;
	p = realloc(p, n * size);
	if (p == NULL)
		abort();		/* a trainer without memory has nothing to save */
	return p;
}

static void *
as_large(void *p, size_t n, size_t size)
{
	p = realloc(p, n * size);
	if (p == NULL)
		abort();
	return p;
}

static void
text_grow(struct text *t, const struct feature_token *k)
{
	size_t f_cap = t->f_cap, c_cap = t->c_cap;

	t->tok = grown(t->tok, &t->cap, t->n + 2, sizeof(*t->tok));
	t->f = grown(t->f, &t->f_cap, t->nf + k->n + 1, sizeof(*t->f));
	t->c = grown(t->c, &t->c_cap, t->nc + k->n_concept + 1, sizeof(*t->c));
	if (t->f_cap != f_cap) {
		t->f_seen = as_large(t->f_seen, t->f_cap, sizeof(*t->f_seen));
		t->f_weight = as_large(t->f_weight, t->f_cap, sizeof(*t->f_weight));
	}
	if (t->c_cap != c_cap) {
		t->c_seen = as_large(t->c_seen, t->c_cap, sizeof(*t->c_seen));
		t->c_weight = as_large(t->c_weight, t->c_cap, sizeof(*t->c_weight));
	}
}

static void
text_add(struct text *t, const struct feature_token *k)
{
	uint32_t token = (uint32_t)t->n;

	text_grow(t, k);
	t->tok[t->n++] = (struct tok){ (uint32_t)t->nf, (uint32_t)t->nc, k->sentence };
	for (unsigned i = 0; i < k->n; i++) {
		t->f[t->nf] = k->v[i];
		t->f_seen[t->nf++] = model_seen_at(&t->seen, k->v[i], token);
	}
	for (unsigned i = 0; i < k->n_concept; i++) {
		t->c[t->nc] = k->c[i];
		t->c_seen[t->nc++] = model_seen_at(&t->seen, model_seen_concept(k->c[i]), token);
	}
}

static void
text_scan(struct text *t, const struct concept_trie *trie, const struct row *r, unsigned view, const uint8_t *drop, size_t drop_n)
{
	struct feature_scan scan;
	struct feature_token k = { 0 };

	feature_start(&scan, trie, r->view[view].text, r->view[view].len, r->view[view].lines);
	scan.drop = drop;
	scan.drop_n = drop_n;
	t->n = t->nf = t->nc = 0;
	memset(&t->seen, 0, sizeof(t->seen));
	while (feature_next(&scan, &k))
		text_add(t, &k);
	text_grow(t, &k);
	t->tok[t->n] = (struct tok){ (uint32_t)t->nf, (uint32_t)t->nc, true };
}

static void
win_add(struct text *t, size_t from, size_t to)
{
	t->win = grown(t->win, &t->win_cap, t->n_win + 1, sizeof(*t->win));
	t->win[t->n_win++] = (struct win){ .from = (uint32_t)from, .to = (uint32_t)to };
}

/* The windows that model_score() looks at: see there. */
static void
text_windows(struct text *t, unsigned kinds)
{
	size_t last = 0, before = 0;
	bool two = false;

	t->n_win = 0;
	if (t->n == 0)
		return;
	if (kinds & MODEL_W_BLOCKS)
		for (size_t i = 0; i == 0 || i + MODEL_STRIDE < t->n; i += MODEL_STRIDE)
			win_add(t, i, i + MODEL_BLOCK < t->n ? i + MODEL_BLOCK : t->n);
	if (!(kinds & MODEL_W_SENTENCES))
		return;
	for (size_t i = 1; i <= t->n; i++) {
		if (!t->tok[i].sentence || (i < t->n && i - last < MODEL_SENTENCE) || (i == t->n && i - last < MODEL_SENTENCE && two))
			continue;
		win_add(t, last, i);
		if (two)
			win_add(t, before, i);
		before = last;
		last = i;
		two = true;
	}
}

/* The features [from, to) that weren't seen since the window's begin: their sum, and in *n their number. */
static float
sum_once(const float *w, const uint32_t *seen, uint32_t from, uint32_t to, uint32_t begin, uint32_t *n)
{
	float sum = 0;
	uint32_t k = 0;

	for (uint32_t i = from; i < to; i++) {
		sum += seen[i] <= begin ? w[i] : 0;
		k += seen[i] <= begin;
	}
	*n = k;
	return sum;
}

static void
text_score(struct text *t, const struct weights *w, int view)
{
	for (size_t i = 0; i < t->nf; i++)
		t->f_weight[i] = w->w[t->f[i]];
	for (size_t i = 0; i < t->nc; i++)
		t->c_weight[i] = w->c[t->c[i]];
	for (size_t i = 0; i < t->n_win; i++) {
		struct win *x = &t->win[i];
		const struct tok *from = &t->tok[x->from], *to = &t->tok[x->to];
		float f = sum_once(t->f_weight, t->f_seen, from->f, to->f, x->from, &x->n);
		float c = sum_once(t->c_weight, t->c_seen, from->c, to->c, x->from, &x->nc);

		x->view = view;
		x->raw = w->bias + f * model_norm_words(x->n) + c * model_norm_concepts(x->nc);
	}
}

static void
text_free(struct text *t)
{
	free(t->tok);
	free(t->f);
	free(t->c);
	free(t->f_seen);
	free(t->c_seen);
	free(t->f_weight);
	free(t->c_weight);
	free(t->win);
}

float
weights_score(const struct weights *w, const struct row *r, const struct concept_trie *trie, unsigned windows)
{
	struct text t = { 0 };
	float best = -30;

	for (unsigned v = 0; v < r->n_views; v++) {
		text_scan(&t, trie, r, v, NULL, 0);
		text_windows(&t, windows);
		text_score(&t, w, (int)v);
		for (size_t i = 0; i < t.n_win; i++)
			best = t.win[i].raw > best ? t.win[i].raw : best;
	}
	text_free(&t);
	return best;
}

/* ---- one run ------------------------------------------------------------------------------------ */

struct run {
	struct weights	*w;
	float		*gw, *gc, gb;		/* AdaGrad's sums of squares */
	double		*aw, *ac, ab;		/* averages */
	unsigned	 averaged;
	const struct train_opts *o;
	struct text	 t[VIEWS_TRAIN];
	struct rng	 rng;
	uint8_t		 drop[1021];		/* prime: tokens that repeat don't fall together */
};

static void
update(struct run *r, const struct win *x, float y, float weight)
{
	const struct text *t = &r->t[x->view];
	uint32_t f0 = t->tok[x->from].f, f1 = t->tok[x->to].f, c0 = t->tok[x->from].c, c1 = t->tok[x->to].c;
	float p = 1 / (1 + expf(-x->raw)), g = (p - y) * weight, gf = g * model_norm_words(x->n), gc, lr = r->o->rate;

	if (fabsf(g) < 1e-3f)
		return;
	gc = g * model_norm_concepts(x->nc) * r->o->concept_boost;
	for (uint32_t k = f0; k < f1; k++) {
		uint32_t i = t->f[k];

		if (t->f_seen[k] > x->from)
			continue;
		r->gw[i] += gf * gf;
		r->w->w[i] -= lr * gf / sqrtf(r->gw[i]);
	}
	for (uint32_t k = c0; k < c1; k++) {
		uint32_t i = t->c[k];

		if (t->c_seen[k] > x->from)
			continue;
		r->gc[i] += gc * gc;
		r->w->c[i] -= lr * gc / sqrtf(r->gc[i]);
	}
	r->gb += g * g;
	r->w->bias -= 0.1f * lr * g / sqrtf(r->gb);
}

static void
drop_some(struct run *r)
{
	float p = rng_unit(&r->rng) < (double)r->o->drop_all ? 1 : r->o->drop_word;

	for (size_t i = 0; i < sizeof(r->drop); i++)
		r->drop[i] = p > 0 && (float)rng_unit(&r->rng) < p;
}

/* Long documents have many windows: all that come near are taught, not only the highest. */
static void
learn_near_misses(struct run *r, const struct row *row, unsigned n_views, const struct win *best, const struct win *second)
{
	unsigned left = NEAR_MISSES;

	for (unsigned v = 0; v < n_views; v++)
		for (size_t i = 0; i < r->t[v].n_win && left > 0; i++) {
			struct win *x = &r->t[v].win[i];

			if (x->raw > NEAR_MISS && x != best && x != second) {
				update(r, x, 0, row->weight);
				left--;
			}
		}
}

static void
learn_row(struct run *r, const struct row *row, const struct concept_trie *trie, unsigned windows)
{
	struct win *best = NULL, *second = NULL, *any = NULL;
	unsigned n = row->n_views < VIEWS_TRAIN ? row->n_views : VIEWS_TRAIN;
	size_t seen = 0;

	drop_some(r);
	for (unsigned v = 0; v < n; v++) {
		struct text *t = &r->t[v];

		text_scan(t, trie, row, v, r->drop, sizeof(r->drop));
		text_windows(t, windows);
		text_score(t, r->w, (int)v);
		for (size_t i = 0; i < t->n_win; i++) {
			struct win *x = &t->win[i];

			if (best == NULL || x->raw > best->raw) {
				second = best;
				best = x;
			} else if (second == NULL || x->raw > second->raw) {
				second = x;
			}
			if (rng_below(&r->rng, ++seen) == 0)
				any = x;
		}
	}
	if (best == NULL)
		return;
	if (row->label) {
		update(r, best, 1, row->weight * r->o->pos_weight);
		return;
	}
	update(r, best, 0, row->weight);
	if (second != NULL)
		update(r, second, 0, row->weight);
	if (any != NULL && any != best && any != second)
		update(r, any, 0, row->weight);
	if (best->raw > NEAR_MISS)
		learn_near_misses(r, row, n, best, second);
}

static void
average(struct run *r)
{
	for (size_t i = 0; i < FEATURE_TABLE; i++)
		r->aw[i] += (double)r->w->w[i];
	for (size_t i = 0; i < FEATURE_CONCEPT_TABLE; i++)
		r->ac[i] += (double)r->w->c[i];
	r->ab += (double)r->w->bias;
	r->averaged++;
}

static void
shuffle(size_t *v, size_t n, struct rng *r)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = rng_below(r, i), x = v[i - 1];

		v[i - 1] = v[k];
		v[k] = x;
	}
}

static void
learn_seed(struct run *r, const struct dataset *d, const struct concept_trie *trie, enum model_head head, size_t *order,
    size_t n)
{
	memset(r->w->w, 0, FEATURE_TABLE * sizeof(float));
	memset(r->w->c, 0, FEATURE_CONCEPT_TABLE * sizeof(float));
	r->w->bias = -2;
	r->gb = G0;
	for (size_t i = 0; i < FEATURE_TABLE; i++)
		r->gw[i] = G0;
	for (size_t i = 0; i < FEATURE_CONCEPT_TABLE; i++)
		r->gc[i] = G0;
	for (unsigned e = 0; e < r->o->epochs; e++) {
		shuffle(order, n, &r->rng);
		for (size_t i = 0; i < n; i++) {
			learn_row(r, &d->row[order[i]], trie, r->o->windows[head]);
			if (e + 2 >= r->o->epochs && n >= 4 && (i + 1) % (n / 4) == 0)
				average(r);
		}
	}
	if (n < 4)
		average(r);
}

int
learn(struct weights *w, const struct dataset *d, const struct concept_trie *trie, const struct train_opts *o,
    enum model_head head, int fold)
{
	struct run r = { .w = w, .o = o };
	size_t *order = malloc((d->n + 1) * sizeof(*order)), n = 0;
	int rc = -ENOMEM;

	r.gw = calloc(FEATURE_TABLE, sizeof(float));
	r.gc = calloc(FEATURE_CONCEPT_TABLE, sizeof(float));
	r.aw = calloc(FEATURE_TABLE, sizeof(double));
	r.ac = calloc(FEATURE_CONCEPT_TABLE, sizeof(double));
	if (order == NULL || r.gw == NULL || r.gc == NULL || r.aw == NULL || r.ac == NULL)
		goto out;
	for (unsigned s = 0; s < o->seeds; s++) {
		r.rng.s = o->seed * 1000003 + s * 7919 + head;
		n = 0;
		for (size_t i = 0; i < d->n; i++)
			if ((d->row[i].heads >> head & 1) && d->row[i].fold != fold && d->row[i].weight > 0)
				order[n++] = i;
		learn_seed(&r, d, trie, head, order, n);
	}
	for (size_t i = 0; i < FEATURE_TABLE; i++)
		w->w[i] = (float)(r.aw[i] / r.averaged);
	for (size_t i = 0; i < FEATURE_CONCEPT_TABLE; i++)
		w->c[i] = (float)(r.ac[i] / r.averaged);
	w->bias = (float)(r.ab / r.averaged);
	rc = 0;
out:
	for (int i = 0; i < VIEWS_TRAIN; i++)
		text_free(&r.t[i]);
	free(order);
	free(r.gw);
	free(r.gc);
	free(r.aw);
	free(r.ac);
	return rc;
}
