/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/ban_list.h"
#include "control/ban_store.h"
#include "lib/never_ban.h"

#define BUCKETS		65536

/* A ban, or, while HAProxy has not been told of its end, what is left of one. */
struct node {
	struct node	*next;		/* in its bucket */
	struct node	*queue_next;
	struct ban	 ban;
	bool		 banned;
	bool		 pending;	/* queued, or with the link */
	uint64_t	 turn;
};

struct ban_list {
	pthread_mutex_t	 write_lock;	/* outer: whoever changes bans; guards store and never */
	struct ban_store *store;
	struct never_ban *never;
	pthread_mutex_t	 lock;		/* inner: all below */
	pthread_cond_t	 changed;
	struct node	*bucket[BUCKETS];
	struct node	*queue, **queue_end;
	size_t		 n, n_pending;
	uint64_t	 turn;
	int64_t		 next_ms;
	bool		 up, stopping;
	char		 error[BAN_REASON];
};

const char *
ban_scope_name(enum ban_scope s)
{
	return s == BAN_CLUSTER ? "cluster" : "edge";
}

int
ban_scope_parse(const char *name, enum ban_scope *s)
{
	*s = strcmp(name, "cluster") == 0 ? BAN_CLUSTER : BAN_EDGE;
	return strcmp(name, ban_scope_name(*s)) == 0 ? 0 : -EINVAL;
}

static struct node **
place(struct ban_list *l, const struct cidr *c)
{
	uint32_t h = 2166136261u ^ c->len;
	struct node **p;

	for (size_t i = 0; i < sizeof(c->addr); i++)
		h = (h ^ c->addr[i]) * 16777619u;
	for (p = &l->bucket[(h ^ h >> 16) % BUCKETS]; *p != NULL; p = &(*p)->next)
		if (cidr_equal(&(*p)->ban.cidr, c))
			break;
	return p;
}

static void
enqueue(struct ban_list *l, struct node *n)
{
	n->turn = ++l->turn;
	if (n->pending)
		return;
	n->pending = true;
	l->n_pending++;
	n->queue_next = NULL;
	*l->queue_end = n;
	l->queue_end = &n->queue_next;
}

static struct node *
node_get(struct ban_list *l, const struct cidr *c)
{
	struct node **p = place(l, c);

	if (*p == NULL && (*p = calloc(1, sizeof(**p))) != NULL)
		(*p)->ban.cidr = *c;
	return *p;
}

static int
node_ban(struct ban_list *l, const struct ban *b)
{
	struct node *n = node_get(l, &b->cidr);

	if (n == NULL)
		return -ENOMEM;
	if (!n->banned)
		l->n++;
	/* The same again with a later end is no news for HAProxy. */
	if (!n->banned || n->ban.scope != b->scope || n->turn == 0)
		enqueue(l, n);
	n->ban = *b;
	n->banned = true;
	if (b->expires_ms < l->next_ms)
		l->next_ms = b->expires_ms;
	return 0;
}

static void
node_lift(struct ban_list *l, struct node *n)
{
	if (n->banned)
		l->n--;
	n->banned = false;
	enqueue(l, n);
}

static int
row_take(void *arg, const struct ban *b)
{
	struct ban_list *l = arg;

	return never_ban_find(l->never, &b->cidr) != NULL ? 0 : node_ban(l, b);
}

int
ban_list_open(struct ban_list **out, const char *path, struct never_ban *never, int64_t now_ms)
{
	struct ban_list *l = calloc(1, sizeof(*l));
	pthread_condattr_t mono;
	int r;

	*out = NULL;
	if (l == NULL)
		return -ENOMEM;
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_mutex_init(&l->write_lock, NULL);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, &mono);
	pthread_condattr_destroy(&mono);
	l->queue_end = &l->queue;
	l->next_ms = INT64_MAX;
	l->never = never;
	r = ban_store_open(&l->store, path);
	if (r == 0)
		r = ban_store_expire(l->store, now_ms);
	if (r == 0)
		r = ban_store_each(l->store, row_take, l);
	if (r < 0) {
		l->never = NULL;
		ban_list_close(&l);
	}
	*out = l;
	return r;
}

void
ban_list_close(struct ban_list **lp)
{
	struct ban_list *l = *lp;
	struct node *n;

	if (l == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while ((n = l->bucket[i]) != NULL) {
			l->bucket[i] = n->next;
			free(n);
		}
	ban_store_close(&l->store);
	never_ban_free(&l->never);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->write_lock);
	free(l);
	*lp = NULL;
}

/* Under write_lock. */
static int
lift_forbidden(struct ban_list *l)
{
	struct ban *gone = NULL;
	size_t n = 0;
	int r = 0;

	pthread_mutex_lock(&l->lock);
	gone = calloc(l->n + 1, sizeof(*gone));
	for (size_t i = 0; gone != NULL && i < BUCKETS; i++)
		for (struct node *p = l->bucket[i]; p != NULL; p = p->next)
			if (p->banned && never_ban_find(l->never, &p->ban.cidr) != NULL) {
				gone[n++] = p->ban;
				node_lift(l, p);
			}
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	if (gone == NULL)
		return -ENOMEM;
	if (n > 0)
		r = ban_store_delete(l->store, gone, n);
	free(gone);
	return r;
}

int
ban_list_never_set(struct ban_list *l, struct never_ban *never)
{
	int r;

	pthread_mutex_lock(&l->write_lock);
	never_ban_free(&l->never);
	l->never = never;
	r = lift_forbidden(l);
	pthread_mutex_unlock(&l->write_lock);
	return r;
}

static int
forbidden(const struct ban_list *l, const struct ban *b, size_t n, size_t *bad, struct cidr *entry)
{
	const struct cidr *e;

	for (size_t i = 0; i < n; i++)
		if ((e = never_ban_find(l->never, &b[i].cidr)) != NULL) {
			*bad = i;
			*entry = *e;
			return -EPERM;
		}
	return 0;
}

int
ban_list_add(struct ban_list *l, const struct ban *b, size_t n, size_t *bad, struct cidr *entry)
{
	int r;

	pthread_mutex_lock(&l->write_lock);
	r = forbidden(l, b, n, bad, entry);
	if (r == 0 && l->n + n > BAN_LIST_MAX)
		r = -ENOSPC;
	if (r == 0)
		r = ban_store_put(l->store, b, n);
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = node_ban(l, &b[i]);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	pthread_mutex_unlock(&l->write_lock);
	return r;
}

int
ban_list_remove(struct ban_list *l, const struct cidr *c, size_t n, size_t *removed)
{
	struct ban *b = calloc(n, sizeof(*b));
	struct node *p;
	int r = b == NULL ? -ENOMEM : 0;

	*removed = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		b[i].cidr = c[i];
	pthread_mutex_lock(&l->write_lock);
	if (r == 0)
		r = ban_store_delete(l->store, b, n);
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; r == 0 && i < n; i++) {
		p = node_get(l, &c[i]);
		if (p == NULL) {
			r = -ENOMEM;
			break;
		}
		*removed += p->banned;
		node_lift(l, p);
	}
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	pthread_mutex_unlock(&l->write_lock);
	free(b);
	return r;
}

int64_t
ban_list_expire(struct ban_list *l, int64_t now_ms)
{
	int64_t next = INT64_MAX;

	pthread_mutex_lock(&l->write_lock);
	pthread_mutex_lock(&l->lock);
	if (l->next_ms > now_ms) {
		next = l->next_ms;
		pthread_mutex_unlock(&l->lock);
		pthread_mutex_unlock(&l->write_lock);
		return next;
	}
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct node *p = l->bucket[i]; p != NULL; p = p->next)
			if (p->banned && p->ban.expires_ms <= now_ms)
				node_lift(l, p);
			else if (p->banned && p->ban.expires_ms < next)
				next = p->ban.expires_ms;
	l->next_ms = next;
	pthread_mutex_unlock(&l->lock);
	/* Should this fail, they are left out when they are read again. */
	ban_store_expire(l->store, now_ms);
	pthread_mutex_unlock(&l->write_lock);
	return next;
}

void
ban_list_each(struct ban_list *l, void (*fn)(void *, const struct ban *, bool), void *arg)
{
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct node *p = l->bucket[i]; p != NULL; p = p->next)
			if (p->banned)
				fn(arg, &p->ban, p->pending);
	pthread_mutex_unlock(&l->lock);
}

size_t
ban_list_changes(struct ban_list *l, struct ban_change *out, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&l->lock);
	for (struct node *p; n < max && (p = l->queue) != NULL; n++) {
		l->queue = p->queue_next;
		if (l->queue == NULL)
			l->queue_end = &l->queue;
		out[n] = (struct ban_change){ p->ban.cidr, p->banned ? (int)p->ban.scope : 0, p->turn };
	}
	pthread_mutex_unlock(&l->lock);
	return n;
}

/* Told, in the state it has now: HAProxy and we agree. */
static void
settled(struct node **at)
{
	struct node *n = *at;

	if (n->banned)
		return;
	*at = n->next;
	free(n);
}

void
ban_list_told(struct ban_list *l, const struct ban_change *c, size_t n, bool ok)
{
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < n; i++) {
		struct node **at = place(l, &c[i].cidr);

		(*at)->pending = false;
		l->n_pending--;
		if (ok && (*at)->turn == c[i].turn)
			settled(at);
		else
			enqueue(l, *at);
	}
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

void
ban_list_tell_all(struct ban_list *l)
{
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct node *p = l->bucket[i]; p != NULL; p = p->next)
			enqueue(l, p);
	pthread_mutex_unlock(&l->lock);
}

void
ban_list_link_set(struct ban_list *l, bool up, const char *error)
{
	pthread_mutex_lock(&l->lock);
	l->up = up;
	snprintf(l->error, sizeof(l->error), "%s", error);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

bool
ban_list_link_get(struct ban_list *l, char error[BAN_REASON])
{
	bool up;

	pthread_mutex_lock(&l->lock);
	up = l->up;
	memcpy(error, l->error, BAN_REASON);
	pthread_mutex_unlock(&l->lock);
	return up;
}

static struct timespec
after_ms(int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (ms % 1000) * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000L;
	}
	return ts;
}

bool
ban_list_wait(struct ban_list *l, bool for_changes, int timeout_ms)
{
	struct timespec until = after_ms(timeout_ms);
	bool go_on;

	pthread_mutex_lock(&l->lock);
	while (!l->stopping && !(for_changes && l->queue != NULL))
		if (pthread_cond_timedwait(&l->changed, &l->lock, &until) != 0)
			break;
	go_on = !l->stopping;
	pthread_mutex_unlock(&l->lock);
	return go_on;
}

void
ban_list_stop(struct ban_list *l)
{
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

bool
ban_list_settle(struct ban_list *l, int timeout_ms)
{
	struct timespec until = after_ms(timeout_ms);
	bool done;

	pthread_mutex_lock(&l->lock);
	while (l->n_pending > 0 && l->up && !l->stopping)
		if (pthread_cond_timedwait(&l->changed, &l->lock, &until) != 0)
			break;
	done = l->n_pending == 0;
	pthread_mutex_unlock(&l->lock);
	return done;
}
