/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/literals.h"
#include "haproxy-spoa/waf/exec.h"

/* The public face of the engine: loading, threads, counts. */

/* A request that needs more than this is not judged (WAF_E_MEMORY)... */
#define TX_MEMORY	((size_t)64 << 20)
/* ...and so much stays with the thread, so that the next request need not ask the system. */
#define TX_KEEP		((size_t)1 << 20)
/* Records that a sweep looks at in one go: about a millisecond in which no request can store. */
#define SWEEP_SLICE	1000

static int
load(struct waf **out, struct waf_rules *rules, const struct waf_options *opt, struct diag *d)
{
	struct waf *w;

	*out = NULL;
	if (rules == NULL)
		return -EINVAL;
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		waf_rules_free(&rules);
		return -ENOMEM;
	}
	tzset();	/* the only time that TIME* reads a file */
	w->no_prefilter = opt != NULL && opt->no_prefilter;
	w->explain = opt != NULL && opt->explain;
	if ((w->plan = plan_new(&rules, d)) == NULL)
		goto fail;
	if (opt != NULL && opt->state_dir != NULL && (w->persist = persist_open(opt->state_dir, d)) == NULL)
		goto fail;
	*out = w;
	return 0;
fail:
	waf_free(&w);
	return -EINVAL;
}

int
waf_load(struct waf **out, const char *path, const struct waf_options *opt, struct diag *d)
{
	return load(out, waf_rules_load(path, d), opt, d);
}

int
waf_load_mem(struct waf **out, const char *name, const char *dir, const char *text, size_t len,
    const struct waf_options *opt, struct diag *d)
{
	return load(out, waf_rules_load_mem(name, dir, text, len, d), opt, d);
}

void
waf_free(struct waf **wp)
{
	struct waf *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	persist_close(&w->persist);
	plan_free(&w->plan);
	free(w);
}

int64_t
waf_sweep(struct waf *w, int64_t now, bool all)
{
	size_t dropped = 0;
	int r = 0;

	if (w->persist == NULL)
		return 0;
	do
		r = persist_sweep(w->persist, now, SWEEP_SLICE, &dropped);
	while (all && r == 0);
	return r < 0 ? r : (int64_t)dropped;
}

struct waf_thread *
waf_thread_new(void)
{
	struct waf_thread *th = calloc(1, sizeof(*th));

	if (th == NULL)
		return NULL;
	th->arena = arena_new(TX_MEMORY);
	th->scratch = waf_op_scratch_new();
	th->body = waf_scratch_new();
	if (th->arena == NULL || th->scratch == NULL || th->body == NULL)
		waf_thread_free(&th);
	else
		arena_keep(th->arena, TX_KEEP);
	return th;
}

void
waf_thread_free(struct waf_thread **thp)
{
	struct waf_thread *th = *thp;

	*thp = NULL;
	if (th == NULL)
		return;
	if (th->tx != NULL)
		waf_vars_release(&th->tx->vars);
	xdfa_drop(th);
	waf_op_scratch_free(&th->scratch);
	waf_scratch_free(&th->body);
	arena_free(&th->arena);
	free(th);
}

const char *
waf_error_name(enum waf_error e)
{
	static const char *const names[WAF_E_MAX] = {"none", "memory", "time", "regex-limit", "arguments", "depth",
	    "body-limit", "store"};

	return (unsigned)e < WAF_E_MAX ? names[e] : "unknown";
}

static void
count_rule(struct waf_stats *s, const struct plan_rule *pr)
{
	struct waf_str pattern;
	const struct waf_str *phrase;

	for (; pr != NULL; pr = pr->chained) {
		if (pr->r->op == NULL)
			continue;
		pattern = waf_op_pattern(pr->r->op);
		s->regexes += pattern.p != NULL;
		s->phrases += waf_op_phrases(pr->r->op, &phrase);
	}
}

void
waf_stats(const struct waf *w, struct waf_stats *s)
{
	const struct plan *p = w->plan;
	size_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < p->n_heads; i++) {
		const struct plan_rule *h = p->head[i];

		s->rules++;
		s->detection_rules += h->detection;
		s->chains += h->chained != NULL;
		s->prefiltered += h->gate.bit != PLAN_NONE;
		s->by_phase[h->r->phase]++;
		if (h->detection && h->r->paranoia >= 0 && h->r->paranoia <= 4)
			s->by_paranoia[h->r->paranoia]++;
		count_rule(s, h);
	}
	s->heap_bytes = arena_used(p->arena) + arena_used(p->rules->arena) + literals_memory(p->literals[0]) +
	    literals_memory(p->literals[1]);
}

void
waf_each_rule(const struct waf *w, void (*fn)(void *, const struct waf_rule_info *), void *arg)
{
	const struct plan *p = w->plan;
	size_t i, k;

	for (i = 0; i < p->n_heads; i++) {
		const struct plan_rule *h = p->head[i];
		struct waf_rule_info info = {.id = h->r->id, .phase = h->r->phase, .paranoia = h->r->paranoia,
		    .category = "", .msg = h->r->msg.raw.p != NULL ? h->r->msg.raw.p : "", .file = h->r->file,
		    .line = h->r->line, .detection = h->detection, .prefiltered = h->gate.bit != PLAN_NONE};

		for (k = 0; h->tag != NULL && k < h->r->n_tag; k++)
			if (strncmp(h->tag[k], "attack-", 7) == 0 && *info.category == '\0')
				info.category = h->tag[k];
		fn(arg, &info);
	}
}
