/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/set_ip.h"
#include "lib/set_ip_private.h"

struct set_ip {
	struct set_map	 map;
	size_t		 n4, n6;
};

/* ---- lookup ------------------------------------------------------------------------------------- */

static unsigned
class_at(const struct set_ip *s, enum set_section section, size_t i)
{
	const uint8_t *p = s->map.s[section].p + i * s->map.width;

	return s->map.width == 1 ? p[0] : set_le16(p);
}

static uint32_t
start4(const struct set_ip *s, size_t i)
{
	return set_le32(s->map.s[SET_S_START4].p + 4 * i);
}

static struct addr6
start6(const struct set_ip *s, size_t i)
{
	const uint8_t *p = s->map.s[SET_S_START6].p + 16 * i;

	return (struct addr6){set_le64(p), set_le64(p + 8)};
}

/* Ranges begin at their start and end before the next; the index says how many start below each /16. */
static unsigned
find4(const struct set_ip *s, uint32_t a)
{
	const uint8_t *index = s->map.s[SET_S_INDEX4].p + 4 * (size_t)(a >> 16);
	size_t lo, hi;

	if (s->n4 == 0)
		return 0;
	lo = set_le32(index);
	hi = set_le32(index + 4);
	if (hi > s->n4)
		hi = s->n4;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (start4(s, mid) <= a)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && lo <= s->n4 ? class_at(s, SET_S_CLASS4, lo - 1) : 0;
}

static unsigned
find6(const struct set_ip *s, struct addr6 a)
{
	size_t lo = 0, hi = s->n6;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr6_cmp(start6(s, mid), a) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? class_at(s, SET_S_CLASS6, lo - 1) : 0;
}

bool
set_ip_find(const struct set_ip *s, int family, const void *addr, struct set_hit *hit)
{
	const uint8_t *p = addr;
	unsigned n = 0;

	if (s == NULL)
		return false;
	if (family == AF_INET6 && memcmp(p, addr6_mapped, sizeof(addr6_mapped)) == 0) {
		family = AF_INET;
		p += 12;
	}
	if (family == AF_INET)
		n = find4(s, (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
	else if (family == AF_INET6)
		n = find6(s, addr6_get(p));
	return n != 0 && set_map_hit(&s->map, n, 0, hit);
}

/* ---- files -------------------------------------------------------------------------------------- */

static const char *
sizes_check(struct set_ip *s)
{
	const struct set_span *v = s->map.s;
	unsigned w = s->map.width;

	s->n4 = v[SET_S_START4].n / 4;
	s->n6 = v[SET_S_START6].n / 16;
	if (v[SET_S_START4].n % 4 != 0 || v[SET_S_START6].n % 16 != 0 || v[SET_S_CLASS4].n != s->n4 * w ||
	    v[SET_S_CLASS6].n != s->n6 * w)
		return "its ranges make no sense";
	if (s->n4 > 0 && v[SET_S_INDEX4].n != INDEX4_N * 4)
		return "its index makes no sense";
	return NULL;
}

static const char *
ranges_check(const struct set_ip *s)
{
	const uint8_t *index = s->map.s[SET_S_INDEX4].p;

	for (size_t i = 1; i < s->n4; i++)
		if (start4(s, i) <= start4(s, i - 1))
			return "its IPv4 ranges are not in order";
	for (size_t i = 1; i < s->n6; i++)
		if (addr6_cmp(start6(s, i), start6(s, i - 1)) <= 0)
			return "its IPv6 ranges are not in order";
	for (size_t i = 0; i < s->n4 + s->n6; i++)
		if ((i < s->n4 ? class_at(s, SET_S_CLASS4, i) : class_at(s, SET_S_CLASS6, i - s->n4)) >=
		    s->map.info.n_classes)
			return "a range has a class that isn't there";
	for (size_t i = 0, k = 0; s->n4 > 0 && i < INDEX4_N; i++) {
		while (k < s->n4 && (uint64_t)start4(s, k) < (uint64_t)i << 16)
			k++;
		if (set_le32(index + 4 * i) != k)
			return "its index doesn't fit its ranges";
	}
	return NULL;
}

static const char *
ip_check(void *set, bool quick)
{
	const char *why = sizes_check(set);

	return why != NULL || quick ? why : ranges_check(set);
}

static const struct set_type ip_type = {SET_ADDRESSES, sizeof(struct set_ip), ip_check};

int
set_ip_open(struct set_ip **out, const char *path, unsigned flags, struct diag *d)
{
	int err;

	*out = set_open(&ip_type, path, flags, d, &err);
	return err;
}

int
set_ip_open_mem(struct set_ip **out, const void *p, size_t n, unsigned flags, struct diag *d)
{
	int err;

	*out = set_open_mem(&ip_type, p, n, flags, d, &err);
	return err;
}

void
set_ip_close(struct set_ip **sp)
{
	set_close(*sp);
	*sp = NULL;
}

void
set_ip_info(const struct set_ip *s, struct set_info *info)
{
	*info = s->map.info;
}

const char *
set_ip_category(const struct set_ip *s, unsigned i)
{
	return set_map_category(&s->map, i);
}

/* ---- ranges as networks --------------------------------------------------------------------------- */

static struct addr6
map4(uint32_t a)
{
	return (struct addr6){0, 0xffff00000000u | a};
}

/* The fewest networks that make first..last, in order (RFC 4632 3.1). */
static int
range_each(struct addr6 first, struct addr6 last, const struct set_class *c,
    int (*fn)(void *, const struct cidr *, const struct set_class *), void *arg)
{
	for (;;) {
		struct cidr net = {.len = 128};
		struct addr6 end = first;
		int r;

		while (net.len > 0) {
			struct addr6 wider = addr6_last(first, net.len - 1u);

			if (addr6_cmp(addr6_first(first, net.len - 1u), first) != 0 || addr6_cmp(wider, last) > 0)
				break;
			end = wider;
			net.len--;
		}
		addr6_put(first, net.addr);
		r = fn(arg, &net, c);
		if (r != 0 || addr6_cmp(end, last) >= 0)
			return r;
		first = addr6_next(end);
	}
}

int
set_ip_each(const struct set_ip *s, int (*fn)(void *, const struct cidr *, const struct set_class *), void *arg)
{
	int r = 0;

	for (size_t i = 0; r == 0 && s != NULL && i < s->n4; i++) {
		struct set_class c = set_map_class(&s->map, class_at(s, SET_S_CLASS4, i));
		uint32_t last = i + 1 < s->n4 ? start4(s, i + 1) - 1 : UINT32_MAX;

		if (class_at(s, SET_S_CLASS4, i) != 0 && (c.flags & SET_PASS) == 0)
			r = range_each(map4(start4(s, i)), map4(last), &c, fn, arg);
	}
	for (size_t i = 0; r == 0 && s != NULL && i < s->n6; i++) {
		struct set_class c = set_map_class(&s->map, class_at(s, SET_S_CLASS6, i));
		struct addr6 last = i + 1 < s->n6 ? addr6_prev(start6(s, i + 1)) :
		    (struct addr6){UINT64_MAX, UINT64_MAX};

		if (class_at(s, SET_S_CLASS6, i) != 0 && (c.flags & SET_PASS) == 0)
			r = range_each(start6(s, i), last, &c, fn, arg);
	}
	return r;
}
