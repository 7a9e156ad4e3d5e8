/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/ban_list_private.h"
#include "control/ban_store.h"
#include "lib/never_ban.h"

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

const char *
ban_by_name(enum ban_by b)
{
	return b == BAN_BY_AGENT ? "edge.ban" : "operator";
}

int
ban_by_parse(const char *name, enum ban_by *b)
{
	*b = strcmp(name, "edge.ban") == 0 ? BAN_BY_AGENT : BAN_BY_OPERATOR;
	return strcmp(name, ban_by_name(*b)) == 0 ? 0 : -EINVAL;
}

/* --- votes, under the inner lock ------------------------------------------------------------- */

static void
row_of(const struct node *n, struct ban_row *row)
{
	row->cidr = n->cidr;
	row->n = 0;
	row->weight = 0;
	row->pending = n->pending;
	row->in_force = ban_in_force(n);
	for (const struct vote *v = n->votes; v != NULL && row->n < BAN_EDGES; v = v->next) {
		struct ban *b = &row->vote[row->n++];

		b->cidr = n->cidr;
		b->scope = v->scope;
		b->by = v->by;
		b->edge = v->edge;
		b->added_ms = v->added_ms;
		b->expires_ms = v->expires_ms;
		snprintf(b->reason, sizeof(b->reason), "%s", v->reason);
		row->weight += v->scope;
	}
}

/* This edge's own end, or the last moment at which the others' votes are enough. */
static int64_t
node_until(const struct node *n)
{
	int64_t until = 0;

	for (const struct vote *v = n->votes; v != NULL; v = v->next) {
		int w = v->edge == 0 ? BAN_QUORUM : 0;

		for (const struct vote *o = n->votes; o != NULL; o = o->next)
			w += o->expires_ms >= v->expires_ms ? o->scope : 0;
		if (w >= BAN_QUORUM && v->expires_ms > until)
			until = v->expires_ms;
	}
	return until;
}

int64_t
ban_row_until(const struct ban_row *row)
{
	int64_t until = 0;

	for (size_t i = 0; i < row->n; i++) {
		int w = row->vote[i].edge == 0 ? BAN_QUORUM : 0;

		for (size_t j = 0; j < row->n; j++)
			w += row->vote[j].expires_ms >= row->vote[i].expires_ms ? (int)row->vote[j].scope : 0;
		if (w >= BAN_QUORUM && row->vote[i].expires_ms > until)
			until = row->vote[i].expires_ms;
	}
	return until;
}

struct was {
	int64_t	until, own;
};
enum cause { CAUSE_CHANGED, CAUSE_EXPIRED, CAUSE_LIFTED, CAUSE_HEARD };

static struct was
was(const struct node *n)
{
	const struct vote *v = n->votes;

	return (struct was){ node_until(n), v != NULL && v->edge == 0 ? 4 * v->expires_ms + v->scope : 0 };
}

/* <old>: how it was before it changed. */
static void
news(struct ban_list *l, struct node *n, struct was old, enum cause cause)
{
	struct was now = was(n);
	struct ban_news w = { .cidr = n->cidr, .own = now.own != old.own, .lifted = cause == CAUSE_LIFTED,
		.until_ms = now.until, .reason = n->votes != NULL ? n->votes->reason : "" };

	l->n_force += (size_t)(now.until != 0) - (size_t)(old.until != 0);
	n->cut |= old.until == 0 && now.until != 0;
	n->lifted |= cause == CAUSE_LIFTED;
	if (now.until != 0 && now.until != old.until)
		w.force = BAN_FORCE_ADD;
	else if (now.until == 0 && old.until != 0)
		w.force = cause == CAUSE_EXPIRED ? BAN_FORCE_EXPIRE : BAN_FORCE_DEL;
	for (size_t i = 0; i < l->n_observers; i++)
		l->observer[i].fn(l->observer[i].arg, &w);
	ban_enqueue(l, n);
}

static struct vote **
vote_at(struct node *n, int edge)
{
	struct vote **p = &n->votes;

	while (*p != NULL && (*p)->edge != edge)
		p = &(*p)->next;
	return p;
}

static void
vote_free(struct ban_list *l, struct vote **at)
{
	struct vote *v = *at;

	*at = v->next;
	--*(v->edge == 0 ? &l->n_own : &l->n_others);
	free(v);
}

static int
vote_put(struct ban_list *l, struct node *n, const struct ban *b)
{
	size_t len = strlen(b->reason) + 1;
	struct vote *v = malloc(sizeof(*v) + len), **at = vote_at(n, b->edge);

	if (v == NULL)
		return -ENOMEM;
	*v = (struct vote){ .added_ms = b->added_ms, .expires_ms = b->expires_ms, .edge = (uint8_t)b->edge,
		.scope = (uint8_t)b->scope, .by = (uint8_t)b->by, .sync = l->sync[b->edge] };
	memcpy(v->reason, b->reason, len);
	if (*at != NULL)
		vote_free(l, at);
	/* This edge's own stands first. */
	if (b->edge == 0)
		at = &n->votes;
	v->next = *at;
	*at = v;
	++*(b->edge == 0 ? &l->n_own : &l->n_others);
	if (b->expires_ms < l->next_ms)
		l->next_ms = b->expires_ms;
	return 0;
}

static int
vote_set(struct ban_list *l, const struct ban *b)
{
	struct node *n = ban_node_get(l, &b->cidr);
	struct was old;
	int r;

	if (n == NULL)
		return -ENOMEM;
	old = was(n);
	r = vote_put(l, n, b);
	news(l, n, old, CAUSE_CHANGED);
	return r;
}

/* Drop those votes of <n> that <gone> says; true: there was one. */
static bool
votes_drop(struct ban_list *l, struct node *n, bool (*gone)(const struct vote *, const void *),
    const void *arg, enum cause cause)
{
	struct was old = was(n);
	bool any = false;

	for (struct vote **p = &n->votes; *p != NULL;)
		if (gone(*p, arg)) {
			vote_free(l, p);
			any = true;
		} else {
			p = &(*p)->next;
		}
	/* Whether HAProxy has it or not. */
	if (cause == CAUSE_HEARD)
		n->told = TOLD_UNKNOWN;
	if (any || cause == CAUSE_LIFTED || cause == CAUSE_HEARD)
		news(l, n, old, cause);
	return any;
}

static bool
is_of(const struct vote *v, const void *edge)
{
	return *(const int *)edge < 0 || v->edge == *(const int *)edge;
}

static bool
is_over(const struct vote *v, const void *now_ms)
{
	return v->expires_ms <= *(const int64_t *)now_ms;
}

/* --- the list -------------------------------------------------------------------------------- */

static int
row_take(void *arg, const struct ban *b)
{
	struct ban_list *l = arg;

	return never_ban_find(l->never, &b->cidr) != NULL ? 0 : vote_set(l, b);
}

static int
names_copy(struct ban_list *l, const char *const *others, size_t n)
{
	if (n >= BAN_EDGES)
		return -E2BIG;
	for (size_t i = 0; i <= n; i++)
		if ((l->name[i] = strdup(i == 0 ? "" : others[i - 1])) == NULL)
			return -ENOMEM;
	l->n_names = n + 1;
	return 0;
}

int
ban_list_open(struct ban_list **out, const char *path, const char *const *others, size_t n_others,
    struct never_ban *never, int64_t now_ms)
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
	r = names_copy(l, others, n_others);
	if (r == 0)
		r = ban_store_open(&l->store, path);
	if (r == 0)
		r = ban_store_expire(l->store, now_ms);
	if (r == 0)
		r = ban_store_each(l->store, l->name, l->n_names, row_take, l);
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
			while (n->votes != NULL)
				vote_free(l, &n->votes);
			free(n);
		}
	for (size_t i = 0; i < BAN_EDGES; i++)
		free(l->name[i]);
	ban_store_close(&l->store);
	never_ban_free(&l->never);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->write_lock);
	free(l);
	*lp = NULL;
}

const char *
ban_list_edge(const struct ban_list *l, int edge)
{
	return l->name[edge];
}

int
ban_list_edge_find(const struct ban_list *l, const char *name)
{
	for (size_t i = 1; i < l->n_names; i++)
		if (strcmp(l->name[i], name) == 0)
			return (int)i;
	return -ENOENT;
}

void
ban_list_observe(struct ban_list *l, void (*fn)(void *, const struct ban_news *), void *arg)
{
	if (l->n_observers == OBSERVERS)
		abort();
	l->observer[l->n_observers].fn = fn;
	l->observer[l->n_observers++].arg = arg;
}

/* Drop the votes that <gone> says, in memory and on disk.  Under write_lock. */
static int
sweep(struct ban_list *l, bool (*gone)(const struct node *, const struct vote *, const void *), const void *arg)
{
	struct ban *dead = NULL;
	size_t n = 0;
	int r = 0;

	pthread_mutex_lock(&l->lock);
	dead = calloc(l->n_own + l->n_others + 1, sizeof(*dead));
	for (size_t i = 0; dead != NULL && i < BUCKETS; i++)
		for (struct node *p = l->bucket[i], *next; p != NULL; p = next) {
			const struct vote *v = p->votes;

			next = p->next;
			while (v != NULL && !gone(p, v, arg))
				v = v->next;
			if (v == NULL)
				continue;
			/* At most one vote of a node goes by one reason, or all of them. */
			dead[n].cidr = p->cidr;
			dead[n].edge = v->edge;
			votes_drop(l, p, is_of, &dead[n++].edge, CAUSE_CHANGED);
			/* Another of its votes: look at it again, it is still there. */
			if (*ban_place(l, &dead[n - 1].cidr) == p && p->votes != NULL)
				next = p;
		}
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	if (dead == NULL)
		return -ENOMEM;
	if (n > 0)
		r = ban_store_delete(l->store, dead, n, l->name);
	free(dead);
	return r;
}

static bool
forbidden_now(const struct node *n, const struct vote *v, const void *arg)
{
	const struct ban_list *l = arg;

	return never_ban_find(l->never, &n->cidr) != NULL;
}

int
ban_list_never_set(struct ban_list *l, struct never_ban *never)
{
	int r;

	pthread_mutex_lock(&l->write_lock);
	never_ban_free(&l->never);
	l->never = never;
	r = sweep(l, forbidden_now, l);
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

/* Under write_lock. */
static int
put_all(struct ban_list *l, const struct ban *b, size_t n)
{
	int r = l->n_own + l->n_others + n > BAN_LIST_MAX ? -ENOSPC : 0;

	if (r == 0 && n > 0)
		r = ban_store_put(l->store, b, n, l->name);
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = vote_set(l, &b[i]);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	return r;
}

int
ban_list_add(struct ban_list *l, const struct ban *b, size_t n, size_t *bad, struct cidr *entry)
{
	int r;

	pthread_mutex_lock(&l->write_lock);
	r = forbidden(l, b, n, bad, entry);
	if (r == 0)
		r = put_all(l, b, n);
	pthread_mutex_unlock(&l->write_lock);
	return r;
}

/* An agent's ban does not shorten what is there, and leaves an operator's alone. */
static bool
needless(struct ban_list *l, const struct ban *b)
{
	struct node *n;
	const struct vote *v;
	bool yes;

	if (b->edge != 0)
		return false;
	pthread_mutex_lock(&l->lock);
	n = *ban_place(l, &b->cidr);
	v = n != NULL ? *vote_at(n, 0) : NULL;
	yes = v != NULL && (v->by == BAN_BY_OPERATOR || v->expires_ms >= b->expires_ms);
	pthread_mutex_unlock(&l->lock);
	return yes;
}

int
ban_list_take(struct ban_list *l, const struct ban *b, size_t n, size_t *refused)
{
	struct ban *good = calloc(n + 1, sizeof(*good));
	size_t m = 0;
	int r = -ENOMEM;

	*refused = 0;
	pthread_mutex_lock(&l->write_lock);
	for (size_t i = 0; good != NULL && i < n; i++) {
		if (never_ban_find(l->never, &b[i].cidr) != NULL)
			++*refused;
		else if (!needless(l, &b[i]))
			good[m++] = b[i];
	}
	if (good != NULL)
		r = put_all(l, good, m);
	pthread_mutex_unlock(&l->write_lock);
	free(good);
	return r;
}

int
ban_list_remove(struct ban_list *l, const struct cidr *c, size_t n, int edge, size_t *removed)
{
	enum cause cause = edge == BAN_ALL ? CAUSE_LIFTED : edge < 0 ? CAUSE_HEARD : CAUSE_CHANGED;
	struct ban *b = calloc(n + 1, sizeof(*b));
	struct node *p;
	int r = b == NULL ? -ENOMEM : 0;

	*removed = 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		b[i].cidr = c[i];
		b[i].edge = edge;
	}
	pthread_mutex_lock(&l->write_lock);
	if (r == 0)
		r = ban_store_delete(l->store, b, n, l->name);
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; r == 0 && i < n; i++) {
		p = edge < 0 ? ban_node_get(l, &c[i]) : *ban_place(l, &c[i]);
		if (p == NULL && edge < 0)
			r = -ENOMEM;
		if (p == NULL)
			continue;
		*removed += votes_drop(l, p, is_of, &edge, cause);
	}
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	pthread_mutex_unlock(&l->write_lock);
	free(b);
	return r;
}

void
ban_list_sync_begin(struct ban_list *l, int edge)
{
	pthread_mutex_lock(&l->lock);
	l->sync[edge]++;
	pthread_mutex_unlock(&l->lock);
}

struct sync {
	int	edge;
	uint8_t	turn;
};

static bool
unsaid(const struct node *n, const struct vote *v, const void *arg)
{
	const struct sync *s = arg;

	return v->edge == s->edge && v->sync != s->turn;
}

int
ban_list_sync_end(struct ban_list *l, int edge)
{
	struct sync s = { .edge = edge };
	int r;

	pthread_mutex_lock(&l->write_lock);
	pthread_mutex_lock(&l->lock);
	s.turn = l->sync[edge];
	pthread_mutex_unlock(&l->lock);
	r = sweep(l, unsaid, &s);
	pthread_mutex_unlock(&l->write_lock);
	return r;
}

/* Under both locks. */
static int64_t
expire(struct ban_list *l, int64_t now_ms)
{
	int64_t end = INT64_MAX;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct node *p = l->bucket[i], *next; p != NULL; p = next) {
			bool over = false;

			next = p->next;
			for (const struct vote *v = p->votes; v != NULL; v = v->next)
				if (v->expires_ms <= now_ms)
					over = true;
				else if (v->expires_ms < end)
					end = v->expires_ms;
			if (over)
				votes_drop(l, p, is_over, &now_ms, CAUSE_EXPIRED);
		}
	return end;
}

int64_t
ban_list_expire(struct ban_list *l, int64_t now_ms)
{
	int64_t next;

	pthread_mutex_lock(&l->write_lock);
	pthread_mutex_lock(&l->lock);
	next = l->next_ms;
	if (next <= now_ms)
		next = l->next_ms = expire(l, now_ms);
	else
		now_ms = 0;
	pthread_mutex_unlock(&l->lock);
	/* Should this fail, they are left out when they are read again. */
	if (now_ms != 0)
		ban_store_expire(l->store, now_ms);
	pthread_mutex_unlock(&l->write_lock);
	return next;
}

void
ban_list_each(struct ban_list *l, void (*fn)(void *, const struct ban_row *), void *arg)
{
	struct ban_row row;

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct node *p = l->bucket[i]; p != NULL; p = p->next)
			if (p->votes != NULL) {
				row_of(p, &row);
				fn(arg, &row);
			}
	pthread_mutex_unlock(&l->lock);
}

bool
ban_list_find(struct ban_list *l, const struct cidr *c, struct ban_row *row)
{
	struct node *n;

	pthread_mutex_lock(&l->lock);
	n = *ban_place(l, c);
	if (n != NULL)
		row_of(n, row);
	pthread_mutex_unlock(&l->lock);
	return n != NULL && row->n > 0;
}

void
ban_list_count(struct ban_list *l, struct ban_counts *c)
{
	pthread_mutex_lock(&l->lock);
	*c = (struct ban_counts){ l->n_own, l->n_others, l->n_force, l->n_pending };
	pthread_mutex_unlock(&l->lock);
}
