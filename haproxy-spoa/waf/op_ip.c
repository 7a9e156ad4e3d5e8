/* SPDX-License-Identifier: MIT */
/*
 * @ipMatch and @ipMatchFromFile: IPv4 and IPv6 networks.  An address is a key of 17 bytes, family first, so that
 * both families live in one sorted list of ranges; an IPv4 address mapped into IPv6 is that IPv4 address.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/op_private.h"

#define KEY	17

struct ip_range {
	unsigned char	 lo[KEY], hi[KEY];
};

struct op_ipset {
	struct ip_range	*v;		/* sorted, none overlaps the next */
	size_t		 n, cap;
};

/* Bits of the address family, 0: not an address. */
static int
ip_key(struct waf_str t, unsigned char key[KEY])
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char text[INET6_ADDRSTRLEN];

	memset(key, 0, KEY);
	if (t.n == 0 || t.n >= sizeof(text))
		return 0;
	memcpy(text, t.p, t.n);
	text[t.n] = '\0';
	if (strlen(text) != t.n)
		return 0;
	if (inet_pton(AF_INET, text, key + 1) == 1) {
		key[0] = 4;
		return 32;
	}
	if (inet_pton(AF_INET6, text, key + 1) != 1)
		return 0;
	key[0] = 6;
	if (memcmp(key + 1, mapped, sizeof(mapped)) == 0) {
		key[0] = 4;
		memcpy(key + 1, key + 13, 4);
		memset(key + 5, 0, 12);
	}
	return 128;
}

static int
prefix_length(struct waf_str t, int max)
{
	int v = 0;

	if (t.n == 0 || t.n > 3)
		return -1;
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return -1;
		v = v * 10 + (t.p[i] - '0');
	}
	return v <= max ? v : -1;
}

/* "addr" or "addr/bits". */
static bool
ip_network(struct waf_str t, struct ip_range *r)
{
	const char *slash = t.n != 0 ? memchr(t.p, '/', t.n) : NULL;
	size_t an = slash != NULL ? (size_t)(slash - t.p) : t.n;
	int max = ip_key((struct waf_str){ t.p, an }, r->lo), bits = max, size;
	unsigned char mask;

	if (max == 0)
		return false;
	if (slash != NULL)
		bits = prefix_length((struct waf_str){ slash + 1, t.n - an - 1 }, max);
	size = r->lo[0] == 4 ? 32 : 128;
	if (bits >= 0 && size < max)	/* ::ffff:a.b.c.d/96+n */
		bits -= max - size;
	if (bits < 0)
		return false;
	memcpy(r->hi, r->lo, KEY);
	for (int i = 0; i < size / 8; i++, bits -= 8) {
		mask = (unsigned char)(bits >= 8 ? 0 : bits <= 0 ? 0xff : 0xff >> bits);
		r->lo[1 + i] &= (unsigned char)~mask;
		r->hi[1 + i] |= mask;
	}
	return true;
}

/* The next item between commas, blanks and line ends; '#' hides the rest of a line.  False at the end. */
static bool
next_item(struct waf_str *text, struct waf_str *item)
{
	const char *p = text->p, *end = text->p + text->n;

	while (p < end && strchr(", \t\r\n#", *p) != NULL && *p != '\0') {
		if (*p == '#')
			while (p < end && *p != '\n')
				p++;
		else
			p++;
	}
	item->p = p;
	while (p < end && (strchr(", \t\r\n#", *p) == NULL || *p == '\0'))
		p++;
	item->n = (size_t)(p - item->p);
	*text = (struct waf_str){ p, (size_t)(end - p) };
	return item->n != 0;
}

static int
range_cmp(const void *va, const void *vb)
{
	return memcmp(((const struct ip_range *)va)->lo, ((const struct ip_range *)vb)->lo, KEY);
}

/* Networks nest or are apart: what lies within the one before adds nothing. */
static void
ipset_settle(struct op_ipset *set)
{
	size_t out = 0;

	qsort(set->v, set->n, sizeof(*set->v), range_cmp);
	for (size_t i = 0; i < set->n; i++) {
		if (out != 0 && memcmp(set->v[i].lo, set->v[out - 1].hi, KEY) <= 0) {
			if (memcmp(set->v[i].hi, set->v[out - 1].hi, KEY) > 0)
				memcpy(set->v[out - 1].hi, set->v[i].hi, KEY);
		} else
			set->v[out++] = set->v[i];
	}
	set->n = out;
}

static bool
ipset_add(struct op_ipset *set, const struct ip_range *r)
{
	struct ip_range *more;

	if (set->n == set->cap) {
		more = realloc(set->v, (set->cap + 8) * 2 * sizeof(*more));
		if (more == NULL)
			return false;
		set->v = more;
		set->cap = (set->cap + 8) * 2;
	}
	set->v[set->n++] = *r;
	return true;
}

static void
ip_free(struct waf_op *op)
{
	if (op->u.ipset != NULL)
		free(op->u.ipset->v);
	free(op->u.ipset);
	op->u.ipset = NULL;
}

static int
ipset_read(struct waf_op *op, const struct op_ctx *ctx, struct waf_str text)
{
	struct op_ipset *set = op->u.ipset = calloc(1, sizeof(*set));
	struct waf_str item;
	struct ip_range r;
	const char *why = set == NULL ? "out of memory" : NULL;

	while (why == NULL && next_item(&text, &item)) {
		if (!ip_network(item, &r)) {
			op_error(ctx, op, "not an address or network: %.*s", item.n > 64 ? 64 : (int)item.n, item.p);
			ip_free(op);
			return -EINVAL;
		}
		if (!ipset_add(set, &r))
			why = "out of memory";
	}
	if (why == NULL && set->n == 0)
		why = "no addresses";
	if (why != NULL) {
		op_error(ctx, op, "%s", why);
		ip_free(op);
		return -EINVAL;
	}
	ipset_settle(set);
	return 0;
}

static int
ip_init(struct waf_op *op, const struct op_ctx *ctx)
{
	return ipset_read(op, ctx, op->arg);
}

static int
ip_file_init(struct waf_op *op, const struct op_ctx *ctx)
{
	size_t n;
	char *text = op_read_file(ctx, op, &n);
	int rc;

	if (text == NULL)
		return -ENOENT;
	rc = ipset_read(op, ctx, (struct waf_str){ text, n });
	free(text);
	return rc;
}

static bool
range_has(const struct ip_range *r, const unsigned char key[KEY])
{
	return memcmp(r->lo, key, KEY) <= 0 && memcmp(key, r->hi, KEY) <= 0;
}

static bool
ipset_has(const struct op_ipset *set, const unsigned char key[KEY])
{
	size_t lo = 0, hi = set->n, mid;

	while (lo < hi) {	/* the first range that begins behind the key */
		mid = lo + (hi - lo) / 2;
		if (memcmp(set->v[mid].lo, key, KEY) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo != 0 && range_has(&set->v[lo - 1], key);
}

static bool
list_has(struct waf_str list, const unsigned char key[KEY])
{
	struct waf_str item;
	struct ip_range r;

	while (next_item(&list, &item))
		if (ip_network(item, &r) && range_has(&r, key))
			return true;
	return false;
}

static int
ip_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	unsigned char key[KEY];

	(void)s;
	(void)want;
	if (ip_key(v, key) == 0 || !(op->has_macro ? list_has(arg, key) : ipset_has(op->u.ipset, key)))
		return 0;
	op_matched(r, v, 0, v.n, false);
	return 1;
}

const struct op_class op_class_ip = { .init = ip_init, .eval = ip_eval, .free = ip_free },
    op_class_ip_file = { .init = ip_file_init, .eval = ip_eval, .free = ip_free, .macro_free = true };
