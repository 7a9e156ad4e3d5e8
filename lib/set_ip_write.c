/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/set_ip.h"
#include "lib/set_ip_private.h"

/* ---- addresses ----------------------------------------------------------------------------------- */

const uint8_t addr6_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

int
addr6_cmp(struct addr6 a, struct addr6 b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

struct addr6
addr6_get(const uint8_t p[16])
{
	struct addr6 a = {0, 0};

	for (int i = 0; i < 8; i++) {
		a.hi = a.hi << 8 | p[i];
		a.lo = a.lo << 8 | p[8 + i];
	}
	return a;
}

void
addr6_put(struct addr6 a, uint8_t p[16])
{
	for (int i = 0; i < 8; i++) {
		p[i] = (uint8_t)(a.hi >> (56 - 8 * i));
		p[8 + i] = (uint8_t)(a.lo >> (56 - 8 * i));
	}
}

struct addr6
addr6_next(struct addr6 a)
{
	a.lo++;
	a.hi += a.lo == 0;
	return a;
}

struct addr6
addr6_prev(struct addr6 a)
{
	a.hi -= a.lo == 0;
	a.lo--;
	return a;
}

static uint64_t
host_bits(unsigned len)		/* of a word whose first <len> bits are the network's */
{
	return len >= 64 ? 0 : UINT64_MAX >> len;
}

struct addr6
addr6_first(struct addr6 a, unsigned len)
{
	a.hi &= ~host_bits(len);
	a.lo &= ~host_bits(len > 64 ? len - 64 : 0);
	return a;
}

struct addr6
addr6_last(struct addr6 a, unsigned len)
{
	a.hi |= host_bits(len);
	a.lo |= host_bits(len > 64 ? len - 64 : 0);
	return a;
}

/* ---- entries ------------------------------------------------------------------------------------- */

struct entry {
	struct addr6	first;
	uint32_t	order;		/* of equal networks the later counts */
	uint16_t	class;
	uint8_t		len;
};

struct set_ip_writer {
	struct set_out		 out;
	struct set_classes	 classes;
	struct entry		*v;
	size_t			 n, cap;
};

/* Ranges of one family: where each begins, and its class. */
struct ranges {
	struct addr6	*start;
	uint16_t	*class;
	size_t		 n, cap;
};

struct set_ip_writer *
set_ip_writer_new(const struct set_meta *meta)
{
	struct set_ip_writer *w = calloc(1, sizeof(*w));

	if (w != NULL)
		set_out_init(&w->out, SET_ADDRESSES, meta);
	return w;
}

void
set_ip_writer_free(struct set_ip_writer **wp)
{
	struct set_ip_writer *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	set_classes_free(&w->classes);
	free(w->v);
	free(w);
}

size_t
set_ip_writer_entries(const struct set_ip_writer *w)
{
	return w->n;
}

int
set_ip_writer_add(struct set_ip_writer *w, const struct cidr *c, const struct set_class *cl)
{
	int class = set_classes_add(&w->classes, cl);
	struct addr6 a = addr6_get(c->addr);

	if (class < 0)
		return class;
	if (w->n == w->cap) {
		size_t cap = w->cap != 0 ? w->cap * 2 : 1024;
		struct entry *v = realloc(w->v, cap * sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		w->v = v;
		w->cap = cap;
	}
	w->v[w->n] = (struct entry){addr6_first(a, c->len), (uint32_t)w->n, (uint16_t)class, c->len};
	w->n++;
	return 0;
}

/* An outer network stands before those inside it. */
static int
entry_cmp(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int r = addr6_cmp(a->first, b->first);

	if (r != 0)
		return r;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static size_t
entries_sort(struct set_ip_writer *w)
{
	size_t k = 0;

	if (w->n == 0)
		return 0;
	qsort(w->v, w->n, sizeof(*w->v), entry_cmp);
	for (size_t i = 0; i < w->n; i++)
		if (i + 1 == w->n || w->v[i].len != w->v[i + 1].len ||
		    addr6_cmp(w->v[i].first, w->v[i + 1].first) != 0)
			w->v[k++] = w->v[i];
	w->n = k;
	return k;
}

/* ---- ranges -------------------------------------------------------------------------------------- */

static int
range_begin(struct ranges *r, struct addr6 at, unsigned class)
{
	if (r->n > 0 && addr6_cmp(r->start[r->n - 1], at) == 0)
		r->n--;
	if (r->n > 0 ? r->class[r->n - 1] == class : class == 0)
		return 0;
	if (r->n == r->cap) {
		size_t cap = r->cap != 0 ? r->cap * 2 : 1024;
		void *p = realloc(r->start, cap * sizeof(*r->start));

		if (p == NULL)
			return -ENOMEM;
		r->start = p;
		p = realloc(r->class, cap * sizeof(*r->class));
		if (p == NULL)
			return -ENOMEM;
		r->class = p;
		r->cap = cap;
	}
	r->start[r->n] = at;
	r->class[r->n++] = (uint16_t)class;
	return 0;
}

/* Close the networks that end before <at>, or all. */
static int
stack_close(struct ranges *r, const struct entry *stack[], unsigned *depth, const struct addr6 *at)
{
	static const struct addr6 none = {UINT64_MAX, UINT64_MAX};
	int err = 0;

	while (err == 0 && *depth > 0) {
		const struct entry *e = stack[*depth - 1];
		struct addr6 last = addr6_last(e->first, e->len);

		if (at != NULL && addr6_cmp(last, *at) >= 0)
			break;
		(*depth)--;
		if (addr6_cmp(last, none) != 0)
			err = range_begin(r, addr6_next(last), *depth > 0 ? stack[*depth - 1]->class : 0);
	}
	return err;
}

/* Nested networks become ranges in one pass, with those that are open on a stack: at most 129 deep. */
static int
flatten(struct ranges *r, const struct entry *v, size_t n)
{
	const struct entry *stack[130];
	unsigned depth = 0;
	int err = 0;

	for (size_t i = 0; err == 0 && i < n; i++) {
		err = stack_close(r, stack, &depth, &v[i].first);
		stack[depth++] = &v[i];
		if (err == 0)
			err = range_begin(r, v[i].first, v[i].class);
	}
	return err != 0 ? err : stack_close(r, stack, &depth, NULL);
}

/* ---- bytes --------------------------------------------------------------------------------------- */

static uint8_t *
classes_bytes(const struct ranges *r, unsigned width)
{
	uint8_t *v = malloc(r->n * width + 1);

	for (size_t i = 0; v != NULL && i < r->n; i++) {
		v[i * width] = (uint8_t)r->class[i];
		if (width == 2)
			v[i * width + 1] = (uint8_t)(r->class[i] >> 8);
	}
	return v;
}

/* The last range of IPv4 ends with the family: what begins behind it isn't IPv4 any more. */
static void
starts4(const struct ranges *r, uint32_t *start, uint32_t *index)
{
	for (size_t i = 0; i < r->n; i++)
		start[i] = htole32((uint32_t)r->start[i].lo);
	for (size_t i = 0, k = 0; i < INDEX4_N; i++) {
		while (k < r->n && (uint64_t)(uint32_t)r->start[k].lo < (uint64_t)i << 16)
			k++;
		index[i] = htole32((uint32_t)k);
	}
}

static void
starts6(const struct ranges *r, uint64_t *start)
{
	for (size_t i = 0; i < r->n; i++) {
		start[2 * i] = htole64(r->start[i].hi);
		start[2 * i + 1] = htole64(r->start[i].lo);
	}
}

static int
ranges_write(struct set_ip_writer *w, const struct ranges *r4, const struct ranges *r6, const char *path)
{
	unsigned width = set_classes_width(&w->classes);
	uint32_t *s4 = malloc(r4->n * 4 + 1), *index = malloc(INDEX4_N * 4);
	uint64_t *s6 = malloc(r6->n * 16 + 1);
	uint8_t *c4 = classes_bytes(r4, width), *c6 = classes_bytes(r6, width);
	int err = -ENOMEM;

	if (s4 != NULL && index != NULL && s6 != NULL && c4 != NULL && c6 != NULL) {
		const struct set_span s[] = {
			{(uint8_t *)index, r4->n > 0 ? INDEX4_N * 4 : 0}, {(uint8_t *)s4, r4->n * 4},
			{c4, r4->n * width}, {(uint8_t *)s6, r6->n * 16}, {c6, r6->n * width},
		};

		starts4(r4, s4, index);
		starts6(r6, s6);
		w->out.entries = w->n;
		err = set_out_write(&w->out, &w->classes, s, sizeof(s) / sizeof(*s), path);
	}
	free(s4);
	free(index);
	free(s6);
	free(c4);
	free(c6);
	return err;
}

static bool
is_v4(const struct entry *e)
{
	return e->len >= 96 && e->first.hi == 0 && e->first.lo >> 32 == 0xffff;
}

int
set_ip_writer_write(struct set_ip_writer *w, const char *path)
{
	struct ranges r4 = {0}, r6 = {0};
	size_t n = entries_sort(w), a = 0, b;
	int err;

	if (n == 0)
		return ranges_write(w, &r4, &r6, path);
	while (a < n && !is_v4(&w->v[a]))
		a++;
	for (b = a; b < n && is_v4(&w->v[b]); b++)
		;
	err = flatten(&r4, w->v + a, b - a);
	/* The end of IPv4's range of IPv6 is no IPv4 address. */
	if (err == 0 && r4.n > 0 && r4.start[r4.n - 1].lo >> 32 != 0xffff)
		r4.n--;
	if (err == 0 && a < n && b > a)
		memmove(w->v + a, w->v + b, (n - b) * sizeof(*w->v));
	if (err == 0)
		err = flatten(&r6, w->v, n - (b - a));
	if (err == 0) {
		w->n = n;
		err = ranges_write(w, &r4, &r6, path);
	}
	w->n = n - (b - a);
	free(r4.start);
	free(r4.class);
	free(r6.start);
	free(r6.class);
	return err;
}
