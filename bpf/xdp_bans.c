/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_filter.h"
#include "bpf/xdp_quick.h"

#define BATCH	4096

const char *const xdp_origin_names[XO_MAX] = {"manual", "cluster", "import"};

union ban_key {
	struct xdpf_key4 v4;
	struct xdpf_key6 v6;
};

static int
key_of(const struct xdp_maps *m, const struct cidr *c, union ban_key *k)
{
	memset(k, 0, sizeof(*k));
	if (cidr_is_v4(c)) {
		xdp_key4(c, &k->v4);
		return m->fd[XM_BAN4];
	}
	xdp_key6(c, &k->v6);
	return m->fd[XM_BAN6];
}

bool
xdp_is_everyone(const struct cidr *c)
{
	return c->len == 0 || (cidr_is_v4(c) && c->len == 96);
}

/* The longest of what the origins want. */
static void
until_of(struct xdpf_ban *b)
{
	b->until = 0;
	for (int i = 0; i < XO_MAX; i++)
		b->until = b->origin_until[i] > b->until ? b->origin_until[i] : b->until;
}

static void
ban_merge(struct xdpf_ban *b, enum xdpf_origin origin, uint32_t until, const struct xdp_ban_ports *ports)
{
	if (ports == NULL || ports->lo == 0)
		b->origin_until[origin] = until;
	else {
		b->port_until = until;
		b->port_lo = ports->lo;
		b->port_hi = ports->hi;
		b->proto = ports->proto;
	}
	until_of(b);
}

/* Short IPv6 networks have their bits in the configuration. */
static int
short_apply(struct xdp_maps *m, const struct xdp_filter_short *s, bool replace)
{
	struct xdpf_conf c;
	int r = xdp_maps_conf_get(m, &c);
	uint64_t ban6 = replace ? s->ban6 : c.short6 | s->ban6, allow6 = replace ? s->allow6 : c.allow_short6 | s->allow6;

	if (r != 0 || (ban6 == c.short6 && allow6 == c.allow_short6))
		return r;
	c.short6 = ban6;
	c.allow_short6 = allow6;
	return xdp_maps_conf_set(m, &c);
}

static int
update(struct xdp_maps *m, int fd, const union ban_key *k, const struct xdpf_ban *b)
{
	if (bpf_map_update_elem(fd, k, b, BPF_ANY) < 0)
		return errno == E2BIG ? -ENOSPC : -errno;	/* a full table says E2BIG; nobody would guess that */
	if (fd == m->fd[XM_BAN4])
		xdp_quick_put(m, &k->v4, b);
	return 0;
}

static int
delete(struct xdp_maps *m, int fd, const union ban_key *k)
{
	int r = bpf_map_delete_elem(fd, k) < 0 ? -errno : 0;

	if (r == 0 && fd == m->fd[XM_BAN4])
		xdp_quick_del(m, &k->v4);
	return r;
}

static int
add_locked(struct xdp_maps *m, const struct cidr *c, enum xdpf_origin origin, uint32_t until,
    const struct xdp_ban_ports *ports)
{
	struct xdp_filter_short s = {0};
	struct xdpf_ban b = {0};
	union ban_key k;
	int fd = key_of(m, c, &k), r;

	if (bpf_map_lookup_elem(fd, &k, &b) < 0 && errno != ENOENT)
		return -errno;
	ban_merge(&b, origin, until, ports);
	r = update(m, fd, &k, &b);
	if (r != 0)
		return r;
	xdp_filter_ban(m->filter, &s, c);
	return short_apply(m, &s, false);
}

int
xdp_ban_add(struct xdp_maps *m, const struct cidr *c, enum xdpf_origin origin, uint32_t until,
    const struct xdp_ban_ports *ports)
{
	int r;

	if (xdp_is_everyone(c))
		return -EINVAL;
	r = xdp_maps_lock(m);
	if (r != 0)
		return r;
	r = add_locked(m, c, origin, until, ports);
	if (r == -ENOSPC) {
		size_t n = 0;

		/* Make room of what is dead anyway, then once more. */
		xdp_maps_unlock(m);
		r = xdp_ban_expire(m, &n);
		if (r == 0)
			r = xdp_maps_lock(m);
		if (r == 0)
			r = n > 0 ? add_locked(m, c, origin, until, ports) : -ENOSPC;
	}
	xdp_maps_unlock(m);
	return r;
}

/* Nobody wants it any more? */
static bool
ban_dead(const struct xdpf_ban *b, uint32_t now)
{
	return b->until <= now && b->port_until <= now;
}

static bool
ban_drop_origin(struct xdpf_ban *b, enum xdpf_origin origin)
{
	bool had = false;

	for (int i = 0; i < XO_MAX; i++) {
		if (origin != XO_MAX && i != (int) origin)
			continue;
		had |= b->origin_until[i] != 0;
		b->origin_until[i] = 0;
	}
	if (origin == XO_MAX || origin == XO_MANUAL) {
		had |= b->port_until != 0;
		b->port_until = 0;
	}
	until_of(b);
	return had;
}

int
xdp_ban_del(struct xdp_maps *m, const struct cidr *c, enum xdpf_origin origin)
{
	struct xdpf_ban b;
	union ban_key k;
	int fd = key_of(m, c, &k), r = xdp_maps_lock(m);

	if (r != 0)
		return r;
	if (bpf_map_lookup_elem(fd, &k, &b) < 0)
		r = -errno;
	else if (!ban_drop_origin(&b, origin))
		r = -ENOENT;
	else if (ban_dead(&b, 0))
		r = delete(m, fd, &k);
	else
		r = update(m, fd, &k, &b);
	xdp_maps_unlock(m);
	return r;
}

int
xdp_ban_get(const struct xdp_maps *m, const struct cidr *c, struct xdpf_ban *b)
{
	union ban_key k;
	int fd = key_of(m, c, &k);

	return bpf_map_lookup_elem(fd, &k, b) < 0 ? -errno : 0;
}

uint32_t
xdp_ban_hits(const struct xdp_maps *m, const struct xdp_ban *b)
{
	union ban_key k;

	return b->val.hits + (key_of(m, &b->cidr, &k) == m->fd[XM_BAN4] ? xdp_quick_hits(m, &k.v4) : 0);
}

/* --- walking a table, 4096 entries a system call */

struct walk {
	const struct xdp_maps *m;
	int (*fn)(void *arg, const struct xdp_ban *);
	void *arg;
};

static int
walk_batch(const struct walk *w, bool v4, const uint8_t *keys, const struct xdpf_ban *vals, uint32_t n)
{
	struct xdp_ban b;
	int r = 0;

	for (uint32_t i = 0; i < n && r == 0; i++) {
		if (v4)
			xdp_cidr4((const struct xdpf_key4 *) (const void *) (keys + i * sizeof(struct xdpf_key4)), &b.cidr);
		else
			xdp_cidr6((const struct xdpf_key6 *) (const void *) (keys + i * sizeof(struct xdpf_key6)), &b.cidr);
		b.val = vals[i];
		r = w->fn(w->arg, &b);
	}
	return r;
}

static int
walk_table(const struct walk *w, bool v4)
{
	int fd = w->m->fd[v4 ? XM_BAN4 : XM_BAN6], r = 0, err = 0;
	uint32_t size = BATCH, n, in = 0, out = 0;
	bool first = true;

	while (r == 0 && err == 0) {
		uint8_t *keys = calloc(size, sizeof(struct xdpf_key6));
		struct xdpf_ban *vals = calloc(size, sizeof(*vals));

		n = size;
		err = keys == NULL || vals == NULL ? ENOMEM
		    : bpf_map_lookup_batch(fd, first ? NULL : &in, &out, keys, vals, &n, NULL) < 0 ? errno : 0;
		if (err == ENOSPC) {		/* one bucket holds more than there is room for */
			size *= 2;
			err = 0;
		} else if (err == 0 || err == ENOENT) {
			r = walk_batch(w, v4, keys, vals, n);
			in = out;
			first = false;
		}
		free(keys);
		free(vals);
	}
	return r != 0 ? r : err == ENOENT ? 0 : -err;
}

int
xdp_ban_each(const struct xdp_maps *m, int (*fn)(void *arg, const struct xdp_ban *), void *arg)
{
	const struct walk w = {.m = m, .fn = fn, .arg = arg};
	int r = walk_table(&w, true);

	return r != 0 ? r : walk_table(&w, false);
}

static int
count_one(void *arg, const struct xdp_ban *b)
{
	struct xdp_ban_counts *c = arg;
	uint32_t now = (uint32_t) (xdp_now_ns() >> XDPF_TICK_SHIFT);

	if (cidr_is_v4(&b->cidr))
		c->v4++;
	else
		c->v6++;
	for (int i = 0; i < XO_MAX; i++)
		c->origin[i] += b->val.origin_until[i] > now;
	c->ports += b->val.port_until > now;
	return 0;
}

int
xdp_ban_count(const struct xdp_maps *m, struct xdp_ban_counts *c)
{
	memset(c, 0, sizeof(*c));
	c->room4 = xdp_maps_room(m, XM_BAN4);
	c->room6 = xdp_maps_room(m, XM_BAN6);
	return xdp_ban_each(m, count_one, c);
}

/* --- many at a time */

struct ban_list {
	struct xdp_ban	*v;
	size_t		 n, cap;
	enum xdpf_origin origin;
	uint32_t	 now;
};

static int
list_add(struct ban_list *l, const struct xdp_ban *b)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 1024;
		struct xdp_ban *v = reallocarray(l->v, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = *b;
	return 0;
}

static int
collect_origin(void *arg, const struct xdp_ban *b)
{
	struct ban_list *l = arg;
	struct xdpf_ban copy = b->val;

	return ban_drop_origin(&copy, l->origin) ? list_add(l, b) : 0;
}

static int
collect_dead(void *arg, const struct xdp_ban *b)
{
	struct ban_list *l = arg;

	return ban_dead(&b->val, l->now) ? list_add(l, b) : 0;
}

/* Take <origin>'s wish out of each; what nobody wants goes. */
static int
list_remove(struct xdp_maps *m, const struct ban_list *l, enum xdpf_origin origin)
{
	union ban_key k;
	struct xdpf_ban b;
	int fd, r = 0;

	for (size_t i = 0; i < l->n && r == 0; i++) {
		fd = key_of(m, &l->v[i].cidr, &k);
		b = l->v[i].val;
		ban_drop_origin(&b, origin);
		r = ban_dead(&b, 0) ? delete(m, fd, &k) : update(m, fd, &k, &b);
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

struct rebuild {
	struct xdp_maps	*m;
	struct xdpf_filter *f;
	struct xdp_filter_short s;
	uint8_t		*sweep;
};

static int
filter_one(void *arg, const struct xdp_ban *b)
{
	struct rebuild *r = arg;
	union ban_key k;

	xdp_filter_ban(r->f, &r->s, &b->cidr);
	if (r->sweep != NULL && key_of(r->m, &b->cidr, &k) == r->m->fd[XM_BAN4])
		xdp_quick_sweep_keep(r->m, r->sweep, &k.v4);
	return 0;
}

static int
filter_allow_one(void *arg, const struct cidr *c)
{
	struct rebuild *r = arg;

	xdp_filter_allow(r->f, &r->s, c);
	return 0;
}

/*
 * Word by word into what the kernel reads: a bit that belongs to an entry is in the old and in the new
 * filter, so no packet sees it missing.  The port bits before allow4 are not ours.
 */
static int
rebuild_locked(struct xdp_maps *m)
{
	struct rebuild b = {.m = m, .f = calloc(1, sizeof(*b.f)), .sweep = xdp_quick_sweep_begin(m)};
	size_t from = offsetof(struct xdpf_filter, allow4) / 4, end = sizeof(*b.f) / 4;
	int r = b.f == NULL || b.sweep == NULL ? -ENOMEM : xdp_ban_each(m, filter_one, &b);

	if (r == 0)
		r = xdp_allow_each(m, filter_allow_one, &b);
	if (r == 0)
		r = short_apply(m, &b.s, true);
	for (size_t i = from; i < end && r == 0; i++)
		__atomic_store_n((uint32_t *) m->filter + i, ((uint32_t *) b.f)[i], __ATOMIC_RELAXED);
	if (r == 0)
		xdp_quick_sweep_end(m, b.sweep);
	else
		free(b.sweep);
	free(b.f);
	return r;
}

int
xdp_filter_rebuild(struct xdp_maps *m)
{
	int r = xdp_maps_lock(m);

	if (r != 0)
		return r;
	r = rebuild_locked(m);
	xdp_maps_unlock(m);
	return r;
}

int
xdp_ban_flush(struct xdp_maps *m, enum xdpf_origin origin, size_t *n)
{
	struct ban_list l = {.origin = origin};
	int r = xdp_maps_lock(m);

	*n = 0;
	if (r != 0)
		return r;
	r = xdp_ban_each(m, collect_origin, &l);
	if (r == 0)
		r = list_remove(m, &l, origin);
	if (r == 0 && l.n > 0)
		r = rebuild_locked(m);
	*n = l.n;
	xdp_maps_unlock(m);
	free(l.v);
	return r;
}

int
xdp_ban_expire(struct xdp_maps *m, size_t *n)
{
	struct ban_list l = {.now = (uint32_t) (xdp_now_ns() >> XDPF_TICK_SHIFT)};
	int r = xdp_maps_lock(m);

	*n = 0;
	if (r != 0)
		return r;
	r = xdp_ban_each(m, collect_dead, &l);
	if (r == 0)
		r = list_remove(m, &l, XO_MAX);
	if (r == 0 && l.n >= 1024)
		r = rebuild_locked(m);
	*n = l.n;
	xdp_maps_unlock(m);
	free(l.v);
	return r;
}
