/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "control/ban_nodes.h"
#include "control/ctltime.h"
#include "control/llmsecd_conf.h"
#include "control/llmsecd_metrics.h"
#include "control/node_http.h"
#include "lib/buf.h"
#include "lib/log.h"

#define QUEUE_MAX	100000		/* changes for an edge that is away; more: it gets everything */
#define CHUNK		1000		/* bans a request */
#define BEAT_MS		1000		/* is it there, and still the same process? */
#define ASK_MS		5000

struct item {
	struct cidr	 cidr;
	bool		 lifted;
	struct ban_id	*id;		/* or whom an agent knows; the queue's */
};

struct peer {
	struct ban_nodes *all;
	pthread_t	 thread;
	bool		 running;
	struct node_http *http;
	const char	*name;
	char		 path[160];		/* "/_cluster/blacklist?node=edge1" */
	char		 life[32];		/* of its process */
	bool		 applied;		/* it said so in this round */
	/* Under all->lock: */
	struct item	*queue;
	size_t		 n, cap;
	uint64_t	 noted, done;		/* how many, since the start; done: has them */
	int64_t		 done_us;
	unsigned	 shrinks;
	bool		 resync, up, known, haproxy;
	char		 error[BAN_REASON];
};

struct ban_nodes {
	struct ban_list	*list;
	struct counters	*ctr;
	pthread_mutex_t	 lock;
	pthread_cond_t	 work, news;
	bool		 stopping;
	size_t		 n;
	struct peer	 peer[LLMSECD_NODES];
};

static int64_t
mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* --- notes, under the list's lock ------------------------------------------------------------ */

/* Too much: only who was unbanned can't be found out later. */
static void
queue_shrink(struct peer *p)
{
	size_t m = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->queue[i].lifted)
			p->queue[m++] = p->queue[i];
	for (; m >= QUEUE_MAX; m--)
		free(p->queue[m - 1].id);
	p->n = m;
	p->shrinks++;
	p->resync = true;
}

/* False: no memory, or too much; <it> is still the caller's. */
static bool
queue_put(struct peer *p, struct item it)
{
	struct item *v;
	size_t cap;

	p->noted++;
	if (p->n >= QUEUE_MAX)
		queue_shrink(p);
	if (p->n == p->cap) {
		cap = p->cap > 0 ? 2 * p->cap : 64;
		v = reallocarray(p->queue, cap, sizeof(*v));
		if (v == NULL) {
			p->resync = true;
			return false;
		}
		p->queue = v;
		p->cap = cap;
	}
	p->queue[p->n++] = it;
	return true;
}

static void
note(void *arg, const struct ban_news *w)
{
	struct ban_nodes *ns = arg;

	if (!w->own && !w->lifted)
		return;
	pthread_mutex_lock(&ns->lock);
	for (size_t i = 0; i < ns->n; i++)
		queue_put(&ns->peer[i], (struct item){ .cidr = w->cidr, .lifted = w->lifted });
	pthread_cond_broadcast(&ns->work);
	pthread_mutex_unlock(&ns->lock);
}

void
ban_nodes_lift_ids(struct ban_nodes *ns, const struct ban_id *id, size_t n)
{
	struct ban_id *copy;

	pthread_mutex_lock(&ns->lock);
	for (size_t i = 0; i < ns->n; i++)
		for (size_t j = 0; j < n; j++) {
			copy = malloc(sizeof(*copy));
			if (copy != NULL)
				*copy = id[j];
			if (copy == NULL || !queue_put(&ns->peer[i], (struct item){ .lifted = true, .id = copy }))
				free(copy);
		}
	pthread_cond_broadcast(&ns->work);
	pthread_mutex_unlock(&ns->lock);
}

/* --- requests -------------------------------------------------------------------------------- */

static void
begin(struct buf *b)
{
	buf_clear(b);
	buf_addc(b, '[');
}

static void
vote_add(struct buf *b, const struct ban *v)
{
	int64_t left = v->expires_ms - ctltime_now_ms();
	char text[CIDR_TEXT];

	if (left < 1)
		return;
	buf_printf(b, "%s{\"cidr\":\"%s\",\"ttl_ms\":%" PRId64 ",\"scope\":\"%s\",\"by\":\"%s\",\"reason\":\"",
	    buf_len(b) > 1 ? "," : "", cidr_format(&v->cidr, text), left, ban_scope_name(v->scope), ban_by_name(v->by));
	buf_add_json(b, v->reason, strlen(v->reason));
	buf_adds(b, "\"}");
}

static void
id_add(struct buf *b, const struct ban_id *id)
{
	buf_printf(b, "%s{\"%s\":\"%s\"}", buf_len(b) > 1 ? "," : "", id->ja4 ? "ja4" : "key", id->text);
}

static void
gone_add(struct buf *b, const struct cidr *c, const char *scope)
{
	char text[CIDR_TEXT];

	buf_printf(b, "%s{\"cidr\":\"%s\",\"scope\":\"%s\"}", buf_len(b) > 1 ? "," : "", cidr_format(c, text), scope);
}

/* Is its HAProxy up to date, too? */
static bool
answer_applied(const struct buf *answer)
{
	json_t *root = json_loadb(buf_ptr(answer), buf_len(answer), 0, NULL);
	const char *state = json_string_value(json_object_get(json_array_get(json_object_get(root, "edges"), 0),
	    "state"));
	bool yes = state != NULL && strcmp(state, "applied") == 0;

	json_decref(root);
	return yes;
}

/* <body> from begin(); an empty list is not sent. */
static int
send_list(struct peer *p, const char *method, const char *query, struct buf *body, char why[BAN_REASON])
{
	struct buf answer = {0};
	char path[200];
	int r;

	if (buf_len(body) <= 1 && *query == '\0')
		return 0;
	buf_addc(body, ']');
	snprintf(path, sizeof(path), "%s%s", p->path, query);
	r = body->err != 0 ? body->err :
	    node_http_ask(p->http, method, path, body, ASK_MS, &answer, why, BAN_REASON);
	if (r == 0)
		p->applied &= answer_applied(&answer);
	buf_free(&answer);
	begin(body);
	return r;
}

struct everything {
	struct peer	*peer;
	struct ban	*v;
	size_t		 n, cap;
	bool		 failed;
};

static void
everything_row(void *arg, const struct ban_row *row)
{
	struct everything *e = arg;

	if (row->n == 0 || row->vote[0].edge != 0 || e->failed)
		return;
	if (e->n == e->cap) {
		size_t cap = e->cap > 0 ? 2 * e->cap : 256;
		struct ban *v = reallocarray(e->v, cap, sizeof(*v));

		e->failed = v == NULL;
		if (e->failed)
			return;
		e->v = v;
		e->cap = cap;
	}
	e->v[e->n++] = row->vote[0];
}

/* All votes of this edge, and nothing else is one. */
static int
send_everything(struct peer *p, char why[BAN_REASON])
{
	struct everything e = { .peer = p };
	struct buf body = {0};
	int r;

	ban_list_each(p->all->list, everything_row, &e);
	begin(&body);
	r = e.failed ? -ENOMEM : send_list(p, "POST", "&sync=begin", &body, why);
	for (size_t i = 0; r == 0 && i < e.n; i++) {
		vote_add(&body, &e.v[i]);
		if ((i + 1) % CHUNK == 0)
			r = send_list(p, "POST", "", &body, why);
	}
	if (r == 0)
		r = send_list(p, "POST", "", &body, why);
	if (r == 0)
		r = send_list(p, "POST", "&sync=end", &body, why);
	free(e.v);
	buf_free(&body);
	return r;
}

/* In this order, so that what was unbanned and banned again ends banned. */
static int
send_changes(struct peer *p, const struct item *v, size_t n, char why[BAN_REASON])
{
	struct buf lifts = {0}, votes = {0}, gone = {0};
	struct ban_row row;
	int r;

	begin(&lifts);
	begin(&votes);
	begin(&gone);
	for (size_t i = 0; i < n; i++) {
		if (v[i].id != NULL) {
			id_add(&lifts, v[i].id);
			continue;
		}
		if (v[i].lifted)
			gone_add(&lifts, &v[i].cidr, "cluster");
		if (ban_list_find(p->all->list, &v[i].cidr, &row) && row.vote[0].edge == 0)
			vote_add(&votes, &row.vote[0]);
		else if (!v[i].lifted)
			gone_add(&gone, &v[i].cidr, "edge");
	}
	r = send_list(p, "DELETE", "", &lifts, why);
	if (r == 0)
		r = send_list(p, "POST", "", &votes, why);
	if (r == 0)
		r = send_list(p, "DELETE", "", &gone, why);
	buf_free(&lifts);
	buf_free(&votes);
	buf_free(&gone);
	return r;
}

/* Nothing to say: is it there, and did its process change? */
static int
beat(struct peer *p, char why[BAN_REASON])
{
	struct buf answer = {0};
	char path[200];
	const char *life;
	json_t *root;
	int r;

	snprintf(path, sizeof(path), "%s&beat=1", p->path);
	r = node_http_ask(p->http, "GET", path, NULL, ASK_MS, &answer, why, BAN_REASON);
	root = r == 0 ? json_loadb(buf_ptr(&answer), buf_len(&answer), 0, NULL) : NULL;
	life = json_string_value(json_object_get(root, "life"));
	if (life != NULL && strcmp(life, p->life) != 0) {
		pthread_mutex_lock(&p->all->lock);
		p->resync |= p->life[0] != '\0';
		pthread_mutex_unlock(&p->all->lock);
		snprintf(p->life, sizeof(p->life), "%s", life);
	}
	json_decref(root);
	buf_free(&answer);
	return r;
}

/* --- the thread ------------------------------------------------------------------------------ */

/* Under the lock. */
static void
states_count(struct ban_nodes *ns)
{
	int64_t up = 0;

	for (size_t i = 0; i < ns->n; i++)
		up += ns->peer[i].up;
	if (ns->ctr == NULL)
		return;
	counters_set(ns->ctr, M_NODES_UP, up);
	counters_set(ns->ctr, M_NODES_DOWN, (int64_t)ns->n - up);
}

static void
state_set(struct peer *p, int r, const char *why)
{
	if (r < 0 && (p->up || !p->known))
		log_warnx("edge %s does not take what changes here: %s", p->name, why);
	else if (r == 0 && !p->up)
		log_notice("edge %s is there", p->name);
	p->up = r == 0;
	p->known = true;
	snprintf(p->error, sizeof(p->error), "%s", why);
	states_count(p->all);
	if (r < 0 && p->all->ctr != NULL)
		counters_add(p->all->ctr, M_NODE_FAILED, 1);
}

/* One round, without the lock while it talks.  What it could not deliver stays. */
static int
round_go(struct peer *p)
{
	struct item v[CHUNK];
	size_t n = p->n < CHUNK ? p->n : CHUNK;
	uint64_t noted = p->noted, rest = p->n - n;
	unsigned shrinks = p->shrinks;
	bool resync = p->resync;
	int64_t began = mono_us();
	char why[BAN_REASON] = "";
	int r;

	if (n > 0)
		memcpy(v, p->queue, n * sizeof(v[0]));
	p->resync = false;
	pthread_mutex_unlock(&p->all->lock);
	p->applied = true;
	r = resync ? send_everything(p, why) : 0;
	if (r == 0 && n > 0)
		r = send_changes(p, v, n, why);
	if (r == 0 && n == 0)
		r = beat(p, why);
	pthread_mutex_lock(&p->all->lock);
	state_set(p, r, why);
	p->resync |= r < 0 && resync;
	/* Where the queue was cut meanwhile, what is left of it goes again: that does no harm. */
	if (r == 0 && n > 0 && shrinks == p->shrinks) {
		p->haproxy = p->applied;
		for (size_t i = 0; i < n; i++)
			free(p->queue[i].id);
		memmove(p->queue, p->queue + n, (p->n - n) * sizeof(v[0]));
		p->n -= n;
		p->done = noted - rest;
		p->done_us = mono_us();
		if (p->all->ctr != NULL)
			counters_observe(p->all->ctr, M_NODE_PUSH, (uint64_t)(p->done_us - began));
	}
	pthread_cond_broadcast(&p->all->news);
	return r;
}

static void
wait_ms(pthread_cond_t *c, pthread_mutex_t *m, int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (ms % 1000) * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(c, m, &ts);
}

static void *
peer_main(void *arg)
{
	struct peer *p = arg;
	struct ban_nodes *ns = p->all;
	int64_t next_ms = 0, now;
	int r;

	pthread_mutex_lock(&ns->lock);
	while (!ns->stopping) {
		now = ctltime_mono_ms();
		/* One that is away is asked once in a beat, whatever there is to say. */
		if (now < next_ms && (!p->up || (p->n == 0 && !p->resync))) {
			wait_ms(&ns->work, &ns->lock, (int)(next_ms - now));
			continue;
		}
		r = round_go(p);
		next_ms = r < 0 || p->n == 0 ? ctltime_mono_ms() + BEAT_MS : 0;
	}
	pthread_mutex_unlock(&ns->lock);
	return NULL;
}

/* --- for the others -------------------------------------------------------------------------- */

size_t
ban_nodes_count(const struct ban_nodes *ns)
{
	return ns->n;
}

uint64_t
ban_nodes_mark(struct ban_nodes *ns)
{
	uint64_t mark;

	pthread_mutex_lock(&ns->lock);
	mark = ns->n > 0 ? ns->peer[0].noted : 0;
	pthread_mutex_unlock(&ns->lock);
	return mark;
}

static bool
has(const struct peer *p, uint64_t mark)
{
	return p->done >= mark;
}

static bool
worth_waiting(const struct ban_nodes *ns, uint64_t mark)
{
	for (size_t i = 0; i < ns->n; i++)
		if (!has(&ns->peer[i], mark) && (ns->peer[i].up || !ns->peer[i].known))
			return true;
	return false;
}

void
ban_nodes_wait(struct ban_nodes *ns, uint64_t mark, int64_t since_us, int timeout_ms, struct ban_node_state *out)
{
	int64_t end = ctltime_mono_ms() + timeout_ms, now;

	pthread_mutex_lock(&ns->lock);
	while (!ns->stopping && worth_waiting(ns, mark) && (now = ctltime_mono_ms()) < end)
		wait_ms(&ns->news, &ns->lock, (int)(end - now));
	for (size_t i = 0; i < ns->n; i++) {
		struct peer *p = &ns->peer[i];

		out[i] = (struct ban_node_state){ .name = p->name, .up = p->up, .has = has(p, mark),
			.haproxy = p->haproxy, .took_us = p->done_us > since_us ? p->done_us - since_us : 0 };
		memcpy(out[i].error, p->error, sizeof(out[i].error));
	}
	pthread_mutex_unlock(&ns->lock);
}

static int
peer_start(struct ban_nodes *ns, struct peer *p, const struct llmsecd_conf *conf, const struct llmsecd_node *node,
    struct node_auth *auth)
{
	int r;

	p->all = ns;
	p->name = ban_list_edge(ns->list, ban_list_edge_find(ns->list, node->name));
	p->resync = true;
	snprintf(p->path, sizeof(p->path), "/_cluster/blacklist?node=%s", conf->node);
	p->http = node_http_new(conf, node->url, auth);
	if (p->http == NULL)
		return -ENOMEM;
	r = -pthread_create(&p->thread, NULL, peer_main, p);
	p->running = r == 0;
	return r;
}

int
ban_nodes_start(struct ban_nodes **out, const struct llmsecd_conf *conf, struct ban_list *list,
    struct node_auth *auth, struct counters *ctr)
{
	struct ban_nodes *ns = calloc(1, sizeof(*ns));
	pthread_condattr_t mono;
	int r = 0;

	*out = NULL;
	if (ns == NULL)
		return -ENOMEM;
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_mutex_init(&ns->lock, NULL);
	pthread_cond_init(&ns->work, &mono);
	pthread_cond_init(&ns->news, &mono);
	pthread_condattr_destroy(&mono);
	ns->list = list;
	ns->ctr = ctr;
	ns->n = conf->cluster.n_nodes;
	ban_list_observe(list, note, ns);
	for (size_t i = 0; r == 0 && i < ns->n; i++)
		r = peer_start(ns, &ns->peer[i], conf, &conf->cluster.nodes[i], auth);
	if (r < 0)
		ban_nodes_stop(&ns);
	*out = ns;
	return r;
}

void
ban_nodes_stop(struct ban_nodes **nsp)
{
	struct ban_nodes *ns = *nsp;

	if (ns == NULL)
		return;
	pthread_mutex_lock(&ns->lock);
	ns->stopping = true;
	pthread_cond_broadcast(&ns->work);
	pthread_cond_broadcast(&ns->news);
	pthread_mutex_unlock(&ns->lock);
	for (size_t i = 0; i < ns->n; i++) {
		if (ns->peer[i].running)
			pthread_join(ns->peer[i].thread, NULL);
		node_http_free(&ns->peer[i].http);
		for (size_t j = 0; j < ns->peer[i].n; j++)
			free(ns->peer[i].queue[j].id);
		free(ns->peer[i].queue);
	}
	pthread_cond_destroy(&ns->work);
	pthread_cond_destroy(&ns->news);
	pthread_mutex_destroy(&ns->lock);
	free(ns);
	*nsp = NULL;
}
