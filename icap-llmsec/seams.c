/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "icap-llmsec/detect_private.h"
#include "icap-llmsec/seams.h"
#include "lib/utf8.h"

#define EDGE		256		/* bytes of a part to each side of a seam; shorter parts are there as a whole */
#define JOINED_MAX	(16 << 10)	/* bytes judged at once */
#define OVERLAP		1024		/* bytes of the parts that are in the next piece as well */
#define SEGMENTS	2048
#define DOUBT		0.5f		/* log-odds: a sentence cut out of its text is taken for an attack more easily */

struct segment {		/* of the joined text */
	size_t	 out;		/* begins there */
	size_t	 span, at;	/* and is this span's, from this byte on */
};

struct joined {
	const struct detectors *d;
	const struct detect_modes *modes;
	const struct spans *ss;
	struct arena	*arena;
	struct findings	*per_span;
	struct detect_score *score;
	bool		 tight;		/* no blank where letters meet */
	bool		 met;		/* they do, somewhere */
	bool		 fresh;		/* some part is new */
	size_t		 parts;
	char		*text;
	size_t		 len;
	struct segment	 seg[SEGMENTS];
	size_t		 n;
};

/*
 * Text that goes on in the next of its kind.  Of a tool's result, parts of type text: strings of its objects have names between them.  Of a user, what
 * stands in a message: lists of prompts and of texts to embed are one by one.
 */
static bool
is_part(const struct span *s)
{
	size_t n = strlen(s->path);

	if (s->media != NULL || s->msg < 0 || s->len == 0 || s->opaque)
		return false;
	if (s->prov == PROV_TOOL_RESULT)
		return n > 5 && strcmp(s->path + n - 5, ".text") == 0;
	return s->role == ROLE_USER && strchr(s->path, '.') != NULL && strncmp(s->path, "requests[", 9) != 0 && (s->prov == PROV_MESSAGE || s->prov == PROV_HISTORY);
}

static bool
goes_on(const struct span *a, const struct span *b)
{
	return a->role == b->role && (a->prov == PROV_TOOL_RESULT) == (b->prov == PROV_TOOL_RESULT) && (a->prov != PROV_TOOL_RESULT || a->msg == b->msg);
}

/* Of a word; beyond ASCII everything is. */
static bool
is_letter(char c)
{
	return (unsigned char)c >= 0x80 || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9');
}

static void
add(struct joined *j, const char *p, size_t n, size_t span, size_t at)
{
	j->seg[j->n++] = (struct segment){j->len, span, at};
	memcpy(j->text + j->len, p, n);
	j->len += n;
}

/* A part, its middle left out if it is long. */
static void
add_part(struct joined *j, size_t span)
{
	const struct span *s = &j->ss->v[span];
	size_t head = s->len, tail = s->len;
	bool meet = j->len > 0 && is_letter(j->text[j->len - 1]) && is_letter(s->text[0]);

	if (s->len > 2 * EDGE) {
		head = utf8_floor(s->text, EDGE);
		for (tail = s->len - EDGE; tail < s->len && ((unsigned char)s->text[tail] & 0xc0) == 0x80; tail++)
			;
	}
	j->met |= meet;
	if (j->len > 0 && !(meet && j->tight))
		j->text[j->len++] = ' ';
	if (j->parts == 0 && tail < s->len)
		head = 0;			/* of the first, what is near to its end */
	if (head > 0)
		add(j, s->text, head, span, 0);
	if (head > 0 && tail < s->len)
		j->text[j->len++] = '\n';	/* no pattern goes on over it */
	if (tail < s->len)
		add(j, s->text + tail, s->len - tail, span, tail);
	j->parts++;
}

static bool
known(const struct joined *j, const char *rule_id)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct findings *f = &j->per_span[j->seg[i].span];

		for (size_t k = 0; k < f->n; k++)
			if (strcmp(f->v[k].rule_id, rule_id) == 0)
				return true;
	}
	return false;
}

/* To the part that it ends in. */
static int
tell(struct joined *j, struct finding f)
{
	size_t end = f.start + (f.len > 0 ? f.len : 1), i = j->n - 1;

	while (i > 0 && j->seg[i].out >= end)
		i--;
	f.start = f.start > j->seg[i].out ? f.start : j->seg[i].out;
	f.len = end - f.start;
	f.start = f.start - j->seg[i].out + j->seg[i].at;
	f.span = j->seg[i].span;
	return findings_add(&j->per_span[f.span], j->arena, &f);
}

static float
logit(float p)
{
	return logf(p / (1 - p));	/* of 1: infinite */
}

/* The model's finding needs more here than in a whole text. */
static bool
doubtful(const struct joined *j, const struct finding *f, const struct detect_score *s, bool data)
{
	return strncmp(f->rule_id, "LLMSEC-ML-", 10) == 0 && logit(s->score) < logit(detect_threshold(j->d, j->modes, data)) + DOUBT;
}

static int
judge(struct joined *j)
{
	const struct span *last = &j->ss->v[j->seg[j->n - 1].span];
	struct span s = {.role = last->role, .prov = last->prov == PROV_HISTORY ? PROV_MESSAGE : last->prov, .path = last->path, .text = j->text, .len = j->len};
	struct findings f = {NULL, 0};
	struct detect_score score = {0, 0, 0};
	int rc;

	rc = detect_prompt(j->d, j->modes, &s, j->arena, &f, &score);	/* a secret in two parts can't be masked in either */
	for (size_t i = 0; rc == 0 && i < f.n; i++)
		if (!known(j, f.v[i].rule_id) && !doubtful(j, &f.v[i], &score, s.role != ROLE_USER))
			rc = tell(j, f.v[i]);
	if (rc == 0 && score.score > j->score->score)
		*j->score = score;
	return rc;
}

/* What was joined so far is judged. */
static int
flush(struct joined *j)
{
	int rc = 0;

	if (j->parts > 1 && j->fresh && (!j->tight || j->met))
		rc = judge(j);
	j->len = j->n = j->parts = 0;
	j->met = j->fresh = false;
	return rc;
}

/* A piece is full: its last parts begin the next one, for an attack may lie over the end of any piece. */
static int
flush_full(struct joined *j, const bool *before)
{
	size_t part[SEGMENTS / 4], n = 0, bytes = 0;
	int rc;

	for (size_t i = j->n; i > 0 && n < SEGMENTS / 4; i--) {
		size_t span = j->seg[i - 1].span, end = i < j->n ? j->seg[i].out : j->len;

		bytes += end - j->seg[i - 1].out;
		if (n > 0 && part[n - 1] == span)
			continue;
		if (n > 0 && bytes > OVERLAP)
			break;
		part[n++] = span;
	}
	rc = flush(j);
	while (n > 0) {
		j->fresh |= !before[part[--n]];
		add_part(j, part[n]);
	}
	return rc;
}

/* All runs of parts, joined one way. */
static int
join_all(struct joined *j, const bool *before)
{
	const struct spans *ss = j->ss;
	size_t last = SIZE_MAX;		/* the part before, if nobody else spoke since */
	int rc = 0;

	j->len = j->n = 0;
	for (size_t i = 0; rc == 0 && i < ss->n; i++) {
		const struct span *s = &ss->v[i];

		if (!is_part(s)) {
			last = s->media != NULL || s->len == 0 ? last : SIZE_MAX;
			continue;
		}
		if (last == SIZE_MAX || !goes_on(&ss->v[last], s))
			rc = flush(j);
		else if (j->len + 2 * EDGE + 2 > JOINED_MAX || j->n + 2 > SEGMENTS)
			rc = flush_full(j, before);
		add_part(j, i);
		j->fresh |= !before[i];
		last = i;
	}
	return rc == 0 ? flush(j) : rc;
}

static bool
any_seam(const struct spans *ss)
{
	const struct span *last = NULL;

	for (size_t i = 0; i < ss->n; i++) {
		if (is_part(&ss->v[i])) {
			if (last != NULL && goes_on(last, &ss->v[i]))
				return true;
			last = &ss->v[i];
		} else if (ss->v[i].media == NULL && ss->v[i].len > 0) {
			last = NULL;
		}
	}
	return false;
}

int
seams_judge(const struct detectors *d, const struct detect_modes *m, const struct spans *ss, const bool *before, struct arena *a,
    struct findings *per_span, struct detect_score *score)
{
	struct joined *j;
	int rc = 0;

	if (!any_seam(ss))
		return 0;
	j = arena_calloc(a, 1, sizeof(*j));
	if (j == NULL || (j->text = arena_alloc(a, JOINED_MAX + 4 * EDGE)) == NULL)
		return -ENOMEM;
	j->d = d;
	j->modes = m;
	j->ss = ss;
	j->arena = a;
	j->per_span = per_span;
	j->score = score;
	for (int tight = 0; rc == 0 && tight < 2; tight++) {
		j->tight = tight;
		rc = join_all(j, before);
	}
	return rc;
}
