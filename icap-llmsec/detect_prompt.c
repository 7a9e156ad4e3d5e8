/* SPDX-License-Identifier: MIT */
/*
 * Is a text an attack?  Every reading of it (views.h) goes through the rules and the model.  Long texts are judged in
 * pieces that overlap, so that memory stays in the cache and its need is bounded; what a piece found stays, its scratch
 * memory is used again.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "icap-llmsec/detect_private.h"
#include "icap-llmsec/model.h"
#include "icap-llmsec/rules.h"
#include "icap-llmsec/views.h"

#define PIECE		(32 << 10)	/* bytes */
#define OVERLAP		1024		/* what a pattern or window may need of the piece before */
#define HITS_MAX	512		/* findings of one text */
#define RULES_LOGIT_MAX	8.0f		/* all rules together */
#define LOGIT_MAX	16.0f
#define FOREIGN		0.7f		/* log-odds that the direct head must show beyond its threshold where no user speaks: mails and manuals give orders, too */
#define USUAL_LEN	4096		/* bytes of a document that the model's thresholds were measured for, at most */

/*
 * "Output only the code." looks to the model like the end of an attack, and is what half of all users write.  A text of a few words
 * that names nothing attacks are after must show so much more, in log-odds (docs/inspection.md has what that costs and brings).
 */
#define SHORT		120	/* bytes */
#define VAGUE		3.0f
#define QUESTION_P	0.3f	/* of the direct head: below, nothing is to be explained */

#define DATA_TAIL	2.0f		/* tails of data of kinds that the model never saw are about so much thicker (docs/model-card.md) */

/* What is known of a text so far. */
struct judging {
	const struct detectors *d;
	enum detect_mode mode;
	unsigned	 roles;
	bool		 data;		/* the data head counts as well */
	size_t		 len;		/* of the text */
	struct finding	*hit;		/* [HITS_MAX], each rule once */
	size_t		 n;
	struct { float p; size_t start, len; } head[MODEL_HEADS];
	bool		 vague;		/* the direct head's best reading names nothing that attacks are after */
	bool		 cut;
};

static float
logit(float p)
{
	if (p <= 0)
		return -LOGIT_MAX;
	return p >= 1 ? LOGIT_MAX : logf(p / (1 - p));
}

static float
probability(float x)
{
	return 1 / (1 + expf(-x));
}

/* Bytes [start, start + len) of a view as bytes of the text: of an encoded run, what its parts are known to. */
static void
view_place(const struct norm *n, size_t from, size_t len, size_t *start, size_t *out_len)
{
	uint32_t lo = n->map[from], hi = n->map[from + len];

	for (size_t i = from; i < from + len; i++) {
		lo = n->map[i] < lo ? n->map[i] : lo;
		hi = n->map[i] >= hi ? n->map[i] + 1 : hi;
	}
	*start = lo;
	*out_len = hi > lo ? hi - lo : 1;
}

static struct finding *
known_hit(const struct judging *j, const char *rule_id)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->hit[i].rule_id == rule_id)
			return &j->hit[i];
	return NULL;
}

/*
 * What a hit does on its own: the rule says less than the configuration, never more.  A weak sign, and talk about
 * attacks, only adds to the score.
 */
static enum detect_mode
hit_mode(const struct judging *j, const struct rule_hit *h)
{
	if (h->factor < 0.5f || h->severity < RULE_SEVERITY_BLOCKS)
		return DETECT_OFF;
	return h->mode < j->mode ? h->mode : j->mode;
}

static int
judge_rules(struct judging *j, const struct norm *view, size_t at, struct arena *a)
{
	struct rule_hit *h;
	size_t n;
	int rc = rules_match(j->d->rules, j->roles, 0, view, a, &h, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct finding *f = known_hit(j, h[i].id), x = {h[i].id, h[i].category, hit_mode(j, &h[i]), h[i].severity, 0, 0, 0,
		    h[i].weight * h[i].factor};

		if (f != NULL && f->weight >= x.weight && f->mode >= x.mode)
			continue;
		if (f == NULL && j->n == HITS_MAX)
			return 0;
		view_place(view, h[i].start, h[i].len, &x.start, &x.len);
		x.start += at;
		if (f == NULL)
			f = &j->hit[j->n++];
		*f = x;
	}
	return rc;
}

/* A user who asks about an attack quotes it: what counts is what is said around the quotation. */
static int
judge_question(const struct judging *j, const struct norm *view, struct arena *a, struct model_score *s)
{
	struct norm rest;
	bool some;
	int rc;

	if (j->data || j->d->rules == NULL || s->head[MODEL_DIRECT].p < QUESTION_P)
		return 0;
	rc = rules_ask(j->d->rules, view, a, &rest, &some);
	if (rc == 0 && some)
		model_score(j->d->model, &rest, s);
	return rc;
}

static int
judge_model(struct judging *j, const struct norm *view, size_t at, struct arena *a)
{
	struct model_score s;
	int rc;

	model_score(j->d->model, view, &s);
	rc = judge_question(j, view, a, &s);
	for (int h = 0; h < MODEL_HEADS; h++) {
		if (s.head[h].len == 0 || s.head[h].p <= j->head[h].p)
			continue;
		j->head[h].p = s.head[h].p;
		if (h == MODEL_DIRECT)
			j->vague = j->len <= SHORT && !model_telling(j->d->model, view);
		view_place(view, s.head[h].start, s.head[h].len, &j->head[h].start, &j->head[h].len);
		j->head[h].start += at;
	}
	return rc;
}

static int
judge_piece(struct judging *j, const char *text, size_t len, size_t at, struct arena *a)
{
	struct views *vs = arena_alloc(a, sizeof(*vs));
	int rc = vs != NULL ? views_make(vs, text, len, a) : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < vs->n; i++) {
		if (j->d->rules != NULL)
			rc = judge_rules(j, &vs->v[i].norm, at, a);
		if (rc == 0 && j->d->model != NULL)
			rc = judge_model(j, &vs->v[i].norm, at, a);
	}
	if (rc == 0)
		j->cut |= vs->cut;
	return rc;
}

/* Where a piece that may end at <end> ends: at white space if there is some near, not inside a character. */
static size_t
piece_end(const char *text, size_t len, size_t end)
{
	size_t i;

	if (end >= len)
		return len;
	for (i = end; i > end - OVERLAP / 2; i--)
		if (text[i] == ' ' || text[i] == '\n')
			return i;
	for (i = end; i > end - 4 && ((unsigned char)text[i] & 0xc0) == 0x80; i--)
		;
	return i;
}

static int
judge_text(struct judging *j, const char *text, size_t len, struct arena *a)
{
	size_t at = 0, end;
	int rc = 0;

	do {
		struct arena_mark m = arena_mark(a);

		end = piece_end(text, len, at + PIECE);
		rc = judge_piece(j, text + at, end - at, at, a);
		arena_rewind(a, m);
		at = end < len ? piece_end(text, len, end - OVERLAP) : len;
	} while (rc == 0 && end < len);
	return rc;
}

/*
 * A text's score is that of its highest window, and a long text has many: chance alone lifts it (the problem of multiple
 * comparisons; Bonferroni's bound).  How many log-odds more a head must show so that a document of this length is flagged as
 * rarely as the usual ones: the thresholds of documents say how thin the tail is, five times rarer from one to the other.
 * What users write is less tame than documents, so a head may have some of that in hand.
 */
static float
length_margin(const struct detectors *d, enum model_head h, enum model_level level, size_t len)
{
	float tail = logit(model_threshold_documents(d->model, h, MODEL_FPR_02)) - logit(model_threshold_documents(d->model, h, MODEL_FPR_1));
	float need = logit(model_threshold_documents(d->model, h, level)) - logit(model_threshold(d->model, h, level));

	if (len <= USUAL_LEN)
		return 0;
	need += (h == MODEL_DATA ? DATA_TAIL : 1) * tail * logf((float)len / USUAL_LEN) / logf(5);
	return need > 0 ? need : 0;
}

/* By how much a head is over its threshold, in log-odds. */
static float
margin(const struct detectors *d, const struct detect_modes *m, const struct judging *j, enum model_head h)
{
	enum model_level level = (enum model_level)m->level;

	return logit(j->head[h].p) - logit(model_threshold(d->model, h, level)) - model_length(d->model, h, j->len) -
	    length_margin(d, h, level, j->len) - (h != MODEL_DIRECT ? 0 : j->data ? FOREIGN : j->vague ? VAGUE : 0);
}

/*
 * The score: the model's log-odds (of data, those of the head that is further over its threshold, on the scale of the
 * data head's) and what the rules add.  Without a model, the rules alone, beginning at one in a hundred.
 */
static float
combine(const struct detect_modes *m, const struct judging *j)
{
	float x = -4.6f, rules = 0, direct, data;

	if (j->d->model != NULL) {
		direct = margin(j->d, m, j, MODEL_DIRECT);
		data = j->data ? margin(j->d, m, j, MODEL_DATA) : direct;
		x = logit(detect_threshold(j->d, m, j->data)) + (direct > data ? direct : data);
	}
	for (size_t i = 0; i < j->n; i++)
		rules += j->hit[i].weight;
	return x + (rules < RULES_LOGIT_MAX ? rules : RULES_LOGIT_MAX);
}

/* The finding of the score itself, where the text is over the threshold. */
static void
judge_score(struct judging *j, const struct detect_modes *m, struct detect_score *out)
{
	enum model_head h = MODEL_DIRECT;
	struct finding f = {"LLMSEC-ML-DIRECT", "injection.model", j->mode, 8, 0, 1, 0, 0};
	float x = combine(m, j);

	out->score = probability(x);
	if (j->d->model == NULL)
		return;
	out->direct = j->head[MODEL_DIRECT].p;
	out->data = j->head[MODEL_DATA].p;
	if (x < logit(detect_threshold(j->d, m, j->data)))
		return;
	if (j->data && margin(j->d, m, j, MODEL_DATA) > margin(j->d, m, j, MODEL_DIRECT)) {
		h = MODEL_DATA;
		f.rule_id = "LLMSEC-ML-DATA";
	}
	f.start = j->head[h].start;
	f.len = j->head[h].len;
	j->hit[j->n++] = f;
}

/* Which mode applies to a span, which rules, and whether it is data. */
static enum detect_mode
span_mode(const struct detect_modes *m, const struct span *s, struct judging *j)
{
	j->roles = RULE_TOOL;
	j->data = true;
	if (s->prov == PROV_LABEL)
		return DETECT_OFF;
	if (s->prov == PROV_TOOL_DEFINITION)
		return m->definitions;
	if (s->prov == PROV_FILE)
		return m->file;
	switch (s->role) {
	case ROLE_TOOL:
		return m->tool;
	case ROLE_ASSISTANT:
		return m->assistant;
	case ROLE_USER:
		j->roles = RULE_USER;
		j->data = false;
		return m->user;
	default:
		j->roles = RULE_USER | RULE_TOOL;
		return m->system;
	}
}

enum detect_mode
detect_mode_of(const struct detect_modes *m, const struct span *s, bool *data)
{
	struct judging j = {.data = false};
	enum detect_mode mode = span_mode(m, s, &j);

	*data = j.data;
	return mode;
}

int
detect_prompt(const struct detectors *d, const struct detect_modes *m, const struct span *s, struct arena *a, struct findings *f,
    struct detect_score *score)
{
	struct finding cut = {"LLMSEC-ENC-0001", "obfuscation.limit", DETECT_MONITOR, 4, 0, s->len, 0, 0};
	struct finding hit[HITS_MAX + 1];	/* and the score's own; not the arena's, where those of ten thousand short texts would be at once */
	struct judging j = {.d = d, .len = s->len, .hit = hit};
	int rc;

	j.mode = span_mode(m, s, &j);
	if (j.mode == DETECT_OFF || (d->rules == NULL && d->model == NULL))
		return 0;
	rc = judge_text(&j, s->text, s->len, a);
	if (rc == 0)
		judge_score(&j, m, score);
	for (size_t i = 0; rc == 0 && i < j.n; i++)
		rc = findings_add(f, a, &j.hit[i]);
	if (rc == 0 && j.cut)
		rc = findings_add(f, a, &cut);
	return rc;
}
