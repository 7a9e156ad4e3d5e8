/* SPDX-License-Identifier: MIT */
/*
 * llmsec-scan --jsonl: many texts, for curves and for pipelines.  Lines are read in batches, judged by some threads, each with an arena of
 * its own, and answered in their order.  With one thread a batch is one line, so that whoever writes line by line is answered so.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "icap-llmsec/llmsec_scan.h"

#define BATCH_LINES	64		/* of each thread */
#define BATCH_BYTES	(8u << 20)	/* in all, and one line more */
#define KEPT		(16u << 20)	/* bytes of an arena, from line to line */

struct job {
	char		*line;		/* its memory is used again */
	size_t		 len, cap;
	uint64_t	 no, id;
	uint64_t	 blanks;	/* lines just before it */
	bool		 too_long, bad;
	struct buf	 out;
};

/* Hashes of the ids that were seen: open addressing. */
struct ids {
	uint64_t	*v;
	size_t		 n, cap;
	uint64_t	 twice, first;	/* lines whose id was seen before; the number of the first such */
};

struct batch {
	const struct icap_policy *p;
	const struct scan_lines *conf;
	struct job	*job;
	size_t		 n, cap;
	atomic_size_t	 next;
};

struct worker {
	struct batch	*b;
	struct arena	*a;
	pthread_t	 thread;
	bool		 runs;
};

/* ---- lines in ------------------------------------------------------------------------------------------- */
static bool
job_grow(struct job *j)
{
	size_t cap = j->cap > 0 ? 2 * j->cap : 1024;
	char *p = realloc(j->line, cap);

	if (p == NULL)
		return false;
	j->line = p;
	j->cap = cap;
	return true;
}

/* The next line, without its end; of one that is too long, what follows is thrown away.  1; 0: end of input; -errno. */
static int
job_read(struct job *j, FILE *in, uint64_t no)
{
	int c;

	j->len = 0;
	j->no = no;
	j->too_long = false;
	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (j->len == SCAN_LINE_MAX) {
			j->too_long = true;
			continue;
		}
		if (j->len + 1 >= j->cap && !job_grow(j))
			return -ENOMEM;
		j->line[j->len++] = (char)c;
	}
	if (ferror(in))
		return -EIO;
	if (j->cap == 0 && !job_grow(j))
		return -ENOMEM;
	if (no == 1 && j->len >= 3 && memcmp(j->line, "\xef\xbb\xbf", 3) == 0)	/* a byte order mark */
		memmove(j->line, j->line + 3, j->len -= 3);
	j->line[j->len] = '\0';
	return c != EOF || j->len > 0 || j->too_long;
}

static bool
blank(const struct job *j)
{
	return !j->too_long && strspn(j->line, " \t\r") == j->len;
}

/* ---- judging ---------------------------------------------------------------------------------------------- */
static void
job_judge(const struct batch *b, struct job *j, struct arena *a)
{
	buf_clear(&j->out);
	j->id = 0;
	arena_reset(a);
	if (j->too_long)
		scan_line_error(&j->out, j->no, "longer than 64 MiB");
	j->bad = j->too_long || !scan_line(b->p, b->conf, j->line, j->len, j->no, a, &j->out, &j->id);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	size_t i;

	while ((i = atomic_fetch_add(&w->b->next, 1)) < w->b->n)
		job_judge(w->b, &w->b->job[i], w->a);
	return NULL;
}

/* The calling thread is one of them; one that can't be started is missing, no more. */
static void
judge_batch(struct batch *b, struct worker *w, unsigned n)
{
	atomic_store(&b->next, 0);
	for (unsigned i = 1; i < n; i++)
		w[i].runs = b->n > i && pthread_create(&w[i].thread, NULL, work, &w[i]) == 0;
	work(&w[0]);
	for (unsigned i = 1; i < n; i++)
		if (w[i].runs)
			pthread_join(w[i].thread, NULL);
}

/* ---- ids ---------------------------------------------------------------------------------------------------- */
/* Was it seen?  It is now. */
static bool
ids_seen(struct ids *s, uint64_t id)
{
	size_t i;

	for (i = id & (s->cap - 1); s->v[i] != 0; i = (i + 1) & (s->cap - 1))
		if (s->v[i] == id)
			return true;
	s->v[i] = id;
	s->n++;
	return false;
}

static int
ids_add(struct ids *s, uint64_t id, uint64_t no)
{
	if (id == 0)
		return 0;
	if (2 * s->n >= s->cap) {
		struct ids more = {.cap = s->cap > 0 ? 2 * s->cap : 1024, .twice = s->twice, .first = s->first};

		more.v = calloc(more.cap, sizeof(*more.v));
		if (more.v == NULL)
			return -ENOMEM;
		for (size_t i = 0; i < s->cap; i++)
			if (s->v[i] != 0)
				ids_seen(&more, s->v[i]);
		free(s->v);
		*s = more;
	}
	if (ids_seen(s, id) && s->twice++ == 0)
		s->first = no;
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */
/* The next line that isn't blank; blank ones before it are told, those at the end of the input aren't.  As job_read(). */
static int
job_next(struct job *j, FILE *in, uint64_t *no)
{
	int rc;

	for (j->blanks = 0; (rc = job_read(j, in, ++*no)) > 0 && blank(j); j->blanks++)
		;
	return rc;
}

/* 1: there may be more, 0: that was all, -errno. */
static int
batch_read(struct batch *b, FILE *in, uint64_t *no)
{
	size_t bytes = 0;
	int rc = 1;

	for (b->n = 0; b->n < b->cap && bytes < BATCH_BYTES && (rc = job_next(&b->job[b->n], in, no)) > 0; b->n++)
		bytes += b->job[b->n].len;
	return rc;
}

static int
put(FILE *out, const struct buf *b)
{
	return b->err != 0 ? b->err : fwrite(buf_ptr(b), 1, buf_len(b), out) != buf_len(b) ? -EIO : 0;
}

/* What comes in line by line goes out so: somebody may wait for it. */
static int
batch_write(const struct batch *b, struct ids *ids, FILE *out, bool *bad)
{
	struct buf blank_line = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		const struct job *j = &b->job[i];

		*bad |= j->bad || j->blanks > 0;
		for (uint64_t k = j->blanks; rc == 0 && k > 0; k--) {
			buf_clear(&blank_line);
			scan_line_error(&blank_line, j->no - k, "a blank line");
			rc = put(out, &blank_line);
		}
		if (rc == 0)
			rc = put(out, &j->out);
		if (rc == 0)
			rc = ids_add(ids, j->id, j->no);
	}
	buf_free(&blank_line);
	return rc == 0 && fflush(out) != 0 ? -EIO : rc;
}

static int
workers_new(struct worker *w, unsigned n, struct batch *b)
{
	for (unsigned i = 0; i < n; i++) {
		w[i] = (struct worker){.b = b, .a = arena_new((size_t)SCAN_LINE_MAX * 40)};
		if (w[i].a == NULL)
			return -ENOMEM;
		arena_keep(w[i].a, KEPT);
	}
	return 0;
}

int
scan_lines(const struct icap_policy *p, const struct scan_lines *conf, FILE *in, FILE *out)
{
	struct worker w[SCAN_JOBS_MAX] = {0};
	struct batch b = {.p = p, .conf = conf, .cap = conf->jobs > 1 ? (size_t)conf->jobs * BATCH_LINES : 1};
	struct ids ids = {0};
	struct span s;
	uint64_t no = 0;
	bool bad = false;
	int rc, more = 1;

	if (!scan_role(&s, conf->role))
		return -EINVAL;
	json_object_seed(0);	/* not in several threads at once */
	b.job = calloc(b.cap, sizeof(*b.job));
	rc = b.job != NULL ? workers_new(w, conf->jobs, &b) : -ENOMEM;
	while (rc == 0 && more > 0) {
		more = batch_read(&b, in, &no);
		if (more < 0)
			rc = more;
		judge_batch(&b, w, conf->jobs);
		if (rc == 0)
			rc = batch_write(&b, &ids, out, &bad);
	}
	if (rc == 0 && ids.twice > 0)
		fprintf(stderr, "llmsec-scan: the ids of %llu lines were there before, first in line %llu\n", (unsigned long long)ids.twice,
		    (unsigned long long)ids.first);
	for (size_t i = 0; b.job != NULL && i < b.cap; i++) {
		buf_free(&b.job[i].out);
		free(b.job[i].line);
	}
	free(b.job);
	free(ids.v);
	for (unsigned i = 0; i < conf->jobs; i++)
		arena_free(&w[i].a);
	return rc < 0 ? rc : bad;
}
