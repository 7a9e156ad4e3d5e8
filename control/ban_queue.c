/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/ban_list_private.h"

bool
ban_in_table(const struct cidr *c)
{
	static const uint8_t zero[8];
	bool net = memcmp(c->addr + 8, zero, sizeof(zero)) == 0;

	/* The key of a /64 is its first address, so that one address is in the map. */
	return cidr_is_v4(c) ? cidr_is_host(c) : cidr_is_host(c) ? !net : c->len == 64;
}

struct node **
ban_place(struct ban_list *l, const struct cidr *c)
{
	uint32_t h = 2166136261u ^ c->len;
	struct node **p;

	for (size_t i = 0; i < sizeof(c->addr); i++)
		h = (h ^ c->addr[i]) * 16777619u;
	for (p = &l->bucket[(h ^ h >> 16) % BUCKETS]; *p != NULL; p = &(*p)->next)
		if (cidr_equal(&(*p)->cidr, c))
			break;
	return p;
}

struct node *
ban_node_get(struct ban_list *l, const struct cidr *c)
{
	struct node **p = ban_place(l, c);

	if (*p == NULL && (*p = calloc(1, sizeof(**p))) != NULL)
		(*p)->cidr = *c;
	return *p;
}

static int
weight(const struct node *n)
{
	int w = 0;

	for (const struct vote *v = n->votes; v != NULL; v = v->next)
		w += v->scope;
	return w;
}

static const struct vote *
own(const struct node *n)
{
	const struct vote *v = n->votes;

	while (v != NULL && v->edge != 0)
		v = v->next;
	return v;
}

bool
ban_in_force(const struct node *n)
{
	return own(n) != NULL || weight(n) >= BAN_QUORUM;
}

/* In a table: the end, rounded up to 4 s, and the votes in its lowest bits (etc/haproxy/haproxy.cfg). */
uint32_t
ban_value(const struct node *n)
{
	const struct vote *v = own(n);
	int64_t end;

	if (!ban_in_table(&n->cidr))
		return ban_in_force(n) ? (uint32_t)weight(n) : 0;
	if (v == NULL)
		return 0;
	end = (v->expires_ms + 999) / 1000 + 3;
	return (uint32_t)(end < UINT32_MAX - 7 ? end & ~INT64_C(3) : 0) | v->scope;
}

/* Told, in the state it has now, and nobody votes on it: HAProxy and we agree. */
static void
forget_settled(struct ban_list *l, struct node *n)
{
	struct node **at = ban_place(l, &n->cidr);

	if (n->votes != NULL || n->pending)
		return;
	*at = n->next;
	free(n);
}

void
ban_enqueue(struct ban_list *l, struct node *n)
{
	n->turn = ++l->turn;
	if (n->pending)
		return;
	if (n->told == ban_value(n) && !n->lifted && !n->cut) {
		forget_settled(l, n);
		return;
	}
	n->pending = n->queued = true;
	l->n_pending++;
	n->queue_next = NULL;
	*l->queue_end = n;
	l->queue_end = &n->queue_next;
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
		p->queued = false;
		out[n] = (struct ban_change){ p->cidr, ban_value(p), p->lifted, p->cut, p->turn };
		p->lifted = p->cut = false;
	}
	pthread_mutex_unlock(&l->lock);
	return n;
}

static void
told(struct ban_list *l, const struct ban_change *c, bool ok)
{
	struct node *n = *ban_place(l, &c->cidr);

	n->pending = false;
	l->n_pending--;
	n->told = ok ? c->value : TOLD_UNKNOWN;
	n->lifted |= !ok && c->lifted;
	n->cut |= !ok && c->cut && ban_in_force(n);
	ban_enqueue(l, n);
}

void
ban_list_told(struct ban_list *l, const struct ban_change *c, size_t n, bool ok)
{
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < n; i++)
		told(l, &c[i], ok);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

void
ban_list_tell_all(struct ban_list *l)
{
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct node *p = l->bucket[i], *next; p != NULL; p = next) {
			next = p->next;
			/* It holds nothing of those it needn't hold. */
			p->told = ban_value(p) != 0 ? TOLD_UNKNOWN : 0;
			ban_enqueue(l, p);
		}
	pthread_mutex_unlock(&l->lock);
}

uint64_t
ban_list_networks(struct ban_list *l, void (*fn)(void *, const struct cidr *, uint32_t), void *arg)
{
	uint64_t turn;

	pthread_mutex_lock(&l->lock);
	turn = l->turn;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct node *p = l->bucket[i]; p != NULL; p = p->next)
			if (!ban_in_table(&p->cidr) && ban_in_force(p))
				fn(arg, &p->cidr, ban_value(p));
	pthread_mutex_unlock(&l->lock);
	return turn;
}

bool
ban_list_compare(struct ban_list *l, const struct cidr *c, uint32_t value)
{
	struct node *n;
	bool known;

	pthread_mutex_lock(&l->lock);
	n = *ban_place(l, c);
	known = n != NULL && (n->pending || ban_value(n) != 0);
	if (known && !n->pending) {
		n->told = value;
		ban_enqueue(l, n);
	}
	pthread_mutex_unlock(&l->lock);
	return known;
}

void
ban_list_tell_gone(struct ban_list *l, const struct cidr *c)
{
	struct node *n;

	pthread_mutex_lock(&l->lock);
	n = ban_node_get(l, c);
	if (n != NULL) {
		n->told = TOLD_UNKNOWN;
		ban_enqueue(l, n);
	}
	pthread_cond_broadcast(&l->changed);
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
