/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_filter.h"
#include "bpf/xdp_quick.h"

/*
 * A whole list takes the place of another.  Both are sorted and walked side by side: what is only in the
 * new one is added, what is only in the old one loses its origin, what is in both gets its new end.
 */
struct side {
	struct xdp_ban	*v;
	size_t		 n, cap;
};

static int
order(const struct cidr *a, const struct cidr *b)
{
	int r = memcmp(a->addr, b->addr, sizeof(a->addr));

	return r != 0 ? r : a->len - b->len;
}

static int
order_ban(const void *a, const void *b)
{
	return order(&((const struct xdp_ban *) a)->cidr, &((const struct xdp_ban *) b)->cidr);
}

static int
order_new(const void *a, const void *b)
{
	return order(&((const struct xdp_ban_new *) a)->cidr, &((const struct xdp_ban_new *) b)->cidr);
}

static int
take(void *arg, const struct xdp_ban *b)
{
	struct side *s = arg;

	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 4096;
		struct xdp_ban *v = reallocarray(s->v, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = *b;
	return 0;
}

static bool
fits(const struct xdp_maps *m, const struct side *old, const struct xdp_ban_new *list, size_t n)
{
	size_t v4 = 0, v6 = 0, i = 0;
	int c;

	for (size_t j = 0; j < old->n; j++)
		*(cidr_is_v4(&old->v[j].cidr) ? &v4 : &v6) += 1;
	for (size_t j = 0; j < n; j++) {
		while ((c = i < old->n ? order(&old->v[i].cidr, &list[j].cidr) : 1) < 0)
			i++;
		if (c != 0)
			*(cidr_is_v4(&list[j].cidr) ? &v4 : &v6) += 1;
	}
	return v4 <= xdp_maps_room(m, XM_BAN4) && v6 <= xdp_maps_room(m, XM_BAN6);
}

static void
until_of(struct xdpf_ban *b)
{
	b->until = 0;
	for (int i = 0; i < XO_MAX; i++)
		b->until = b->origin_until[i] > b->until ? b->origin_until[i] : b->until;
}

/* Writes go in batches: 1 million system calls would take seconds. */
struct out {
	struct xdp_maps	*m;
	bool		 v4;
	uint32_t	 n;
	struct xdpf_key4 k4[1024];
	struct xdpf_key6 k6[1024];
	struct xdpf_ban	 v[1024];
};

static int
out_flush(struct out *o)
{
	uint32_t n = o->n;
	int r = 0;

	if (n > 0 && bpf_map_update_batch(o->m->fd[o->v4 ? XM_BAN4 : XM_BAN6],
	    o->v4 ? (const void *) o->k4 : (const void *) o->k6, o->v, &n, NULL) < 0)
		r = errno == E2BIG ? -ENOSPC : -errno;
	for (uint32_t i = 0; o->v4 && r == 0 && i < o->n; i++)
		xdp_quick_put(o->m, &o->k4[i], &o->v[i]);
	o->n = 0;
	return r;
}

static int
out_put(struct out *o, const struct cidr *c, const struct xdpf_ban *b)
{
	bool v4 = cidr_is_v4(c);
	int r = v4 != o->v4 || o->n == 1024 ? out_flush(o) : 0;

	o->v4 = v4;
	if (v4)
		xdp_key4(c, &o->k4[o->n]);
	else
		xdp_key6(c, &o->k6[o->n]);
	o->v[o->n++] = *b;
	return r;
}

/* First all that is new or stays ... */
static int
pass_add(struct out *o, enum xdpf_origin origin, const struct side *old, const struct xdp_ban_new *list, size_t n,
    size_t *added)
{
	size_t i = 0;
	int r = 0, c;

	for (size_t j = 0; j < n && r == 0; j++) {
		struct xdpf_ban b = {0};

		if (j > 0 && order(&list[j - 1].cidr, &list[j].cidr) == 0)
			continue;
		while ((c = i < old->n ? order(&old->v[i].cidr, &list[j].cidr) : 1) < 0)
			i++;
		if (c == 0)
			b = old->v[i].val;
		*added += b.origin_until[origin] == 0;
		if (b.origin_until[origin] == list[j].until)
			continue;
		b.origin_until[origin] = list[j].until;
		until_of(&b);
		r = out_put(o, &list[j].cidr, &b);
	}
	return r != 0 ? r : out_flush(o);
}

/* ... then what is gone. */
static int
pass_remove(struct xdp_maps *m, enum xdpf_origin origin, const struct side *old, const struct xdp_ban_new *list,
    size_t n, size_t *removed)
{
	size_t j = 0;

	for (size_t i = 0; i < old->n; i++) {
		struct xdpf_ban b = old->v[i].val;
		struct xdpf_key4 k4;
		struct xdpf_key6 k6;
		bool v4 = cidr_is_v4(&old->v[i].cidr);
		int fd = m->fd[v4 ? XM_BAN4 : XM_BAN6], r;

		while (j < n && order(&list[j].cidr, &old->v[i].cidr) < 0)
			j++;
		if (b.origin_until[origin] == 0 || (j < n && order(&list[j].cidr, &old->v[i].cidr) == 0))
			continue;
		if (v4)
			xdp_key4(&old->v[i].cidr, &k4);
		else
			xdp_key6(&old->v[i].cidr, &k6);
		b.origin_until[origin] = 0;
		until_of(&b);
		r = b.until == 0 && b.port_until == 0 ? bpf_map_delete_elem(fd, v4 ? (void *) &k4 : (void *) &k6)
		    : bpf_map_update_elem(fd, v4 ? (void *) &k4 : (void *) &k6, &b, BPF_ANY);
		if (r < 0 && errno != ENOENT)
			return -errno;
		if (v4 && b.until == 0 && b.port_until == 0)
			xdp_quick_del(m, &k4);
		else if (v4)
			xdp_quick_put(m, &k4, &b);
		*removed += 1;
	}
	return 0;
}

int
xdp_ban_replace(struct xdp_maps *m, enum xdpf_origin origin, const struct xdp_ban_new *list, size_t n,
    size_t *added, size_t *removed)
{
	struct xdp_ban_new *sorted = calloc(n + 1, sizeof(*sorted));
	struct out *o = calloc(1, sizeof(*o));
	struct side old = {0};
	struct xdp_filter_short s = {0};
	struct xdpf_conf conf;
	int r;

	*added = *removed = 0;
	r = sorted == NULL || o == NULL ? -ENOMEM : xdp_maps_lock(m);
	if (r != 0)
		goto out;
	if (n > 0)
		memcpy(sorted, list, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), order_new);
	o->m = m;
	r = xdp_ban_each(m, take, &old);
	if (old.n > 0)
		qsort(old.v, old.n, sizeof(*old.v), order_ban);
	if (r == 0 && !fits(m, &old, sorted, n))
		r = -ENOSPC;
	if (r == 0)
		r = xdp_maps_conf_get(m, &conf);
	for (size_t i = 0; i < n && r == 0; i++)
		xdp_filter_ban(m->filter, &s, &sorted[i].cidr);
	if (r == 0 && (conf.short6 | s.ban6) != conf.short6) {
		conf.short6 |= s.ban6;
		r = xdp_maps_conf_set(m, &conf);
	}
	if (r == 0)
		r = pass_add(o, origin, &old, sorted, n, added);
	if (r == 0)
		r = pass_remove(m, origin, &old, sorted, n, removed);
	xdp_maps_unlock(m);
	if (r == 0 && *removed > 0)
		r = xdp_filter_rebuild(m);
out:
	free(old.v);
	free(sorted);
	free(o);
	return r;
}
