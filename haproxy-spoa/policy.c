/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "haproxy-spoa/policy.h"
#include "lib/diag.h"

struct policy {
	struct spoad_conf	 conf;
	struct conf_mem		*mem;
	void			*state[SPOAD_ENGINES_MAX];
	size_t			 n_states;	/* engines configured so far */
	atomic_uint		 refs;
};

struct policy_thread {
	void	*state[SPOAD_ENGINES_MAX];
};

static void
policy_free(struct policy *p)
{
	while (p->n_states > 0) {
		p->n_states--;
		spoad_engines[p->n_states]->release(&p->state[p->n_states]);
	}
	conf_mem_free(&p->mem);
	free(p);
}

static int
engines_configure(struct policy *p, struct diag *d)
{
	int rc;

	for (size_t i = 0; spoad_engines[i] != NULL && i < SPOAD_ENGINES_MAX; i++) {
		rc = spoad_engines[i]->configure(&p->state[i], &p->conf, d);
		if (rc != 0)
			return rc;
		p->n_states = i + 1;
	}
	return 0;
}

/* <adapt> (may be NULL) has the last word about the configuration. */
static struct policy *
policy_build(const char *path, void (*adapt)(struct spoad_conf *, bool), bool arg, struct diag *d)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		diag_error(d, path, 0, 0, "out of memory");
		return NULL;
	}
	atomic_init(&p->refs, 1);
	if (spoad_conf_load(&p->conf, path, &p->mem, d) != 0) {
		free(p);
		return NULL;
	}
	if (adapt != NULL)
		adapt(&p->conf, arg);
	if (engines_configure(p, d) != 0) {
		policy_free(p);
		return NULL;
	}
	return p;
}

struct policy *
policy_load(const char *path, struct diag *d)
{
	return policy_build(path, NULL, false, d);
}

static void
adapt_check(struct spoad_conf *c, bool arg)
{
	(void)arg;
	c->check_only = true;
}

bool
policy_check(const char *path, struct diag *d)
{
	struct policy *p = policy_build(path, adapt_check, false, d);
	bool ok = p != NULL;

	policy_unref(&p);
	return ok;
}

static void
adapt_explain(struct spoad_conf *c, bool resolve)
{
	c->check_only = true;
	c->edge_keys = (char *)(uintptr_t)"";
	c->bot.resolve = resolve ? RESOLVE_NOW : RESOLVE_NEVER;
}

struct policy *
policy_explain(const char *path, bool resolve, struct diag *d)
{
	return policy_build(path, adapt_explain, resolve, d);
}

struct policy *
policy_ref(struct policy *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void
policy_unref(struct policy **pp)
{
	struct policy *p = *pp;

	*pp = NULL;
	if (p != NULL && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
		policy_free(p);
}

const struct spoad_conf *
policy_conf(const struct policy *p)
{
	return &p->conf;
}

void
policy_tick(struct policy *p, uint64_t now_us)
{
	for (size_t i = 0; i < p->n_states; i++)
		if (spoad_engines[i]->tick != NULL)
			spoad_engines[i]->tick(p->state[i], now_us);
}

void
policy_report(struct policy *p, struct counters *c)
{
	for (size_t i = 0; i < p->n_states; i++)
		if (spoad_engines[i]->report != NULL)
			spoad_engines[i]->report(p->state[i], c);
}

uint64_t
policy_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

struct policy_thread *
policy_thread_new(const struct policy *p)
{
	struct policy_thread *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	for (size_t i = 0; i < p->n_states; i++)
		if (spoad_engines[i]->thread_new != NULL)
			t->state[i] = spoad_engines[i]->thread_new(p->state[i]);
	return t;
}

void
policy_thread_free(struct policy_thread **tp)
{
	struct policy_thread *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	for (size_t i = 0; spoad_engines[i] != NULL && i < SPOAD_ENGINES_MAX; i++)
		if (t->state[i] != NULL)
			spoad_engines[i]->thread_free(&t->state[i]);
	free(t);
}

void
policy_judge(const struct policy *p, struct policy_thread *t, const struct req_view *r, struct verdict *v,
    struct arena *a, uint64_t deadline_us)
{
	bool stopped = false;

	v->deadline_us = deadline_us;
	for (size_t i = 0; i < p->n_states; i++) {
		if (!stopped && deadline_us != 0 && policy_now_us() > deadline_us) {
			verdict_error(v, "deadline");
			stopped = true;
		}
		if (stopped && !spoad_engines[i]->always)
			continue;
		if (spoad_engines[i]->run(p->state[i], t ? t->state[i] : NULL, r, v, a) == ENGINE_STOP)
			stopped = true;
	}
}

void
policy_respond(const struct policy *p, struct policy_thread *t, const struct req_view *r, const struct rsp_view *rsp,
    struct verdict *v, struct arena *a, uint64_t deadline_us)
{
	v->deadline_us = deadline_us;
	for (size_t i = 0; i < p->n_states; i++)
		if (spoad_engines[i]->respond != NULL &&
		    spoad_engines[i]->respond(p->state[i], t ? t->state[i] : NULL, r, rsp, v, a) == ENGINE_STOP)
			return;
}
