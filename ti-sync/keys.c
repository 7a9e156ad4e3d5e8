/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ti-sync/keys.h"

/* ---- keys ---------------------------------------------------------------------------------------- */

static size_t
labels_reverse(char *out, const char *in, size_t len, char from, char to)
{
	char *p = out;

	for (size_t end = len; ; ) {
		size_t i = end;

		while (i > 0 && in[i - 1] != from)
			i--;
		memcpy(p, in + i, end - i);
		p += end - i;
		if (i == 0)
			break;
		*p++ = to;
		end = i - 1;
	}
	*p = '\0';
	return (size_t)(p - out);
}

size_t
ti_key_of_name(char out[TI_KEY_MAX], const char *name, size_t len)
{
	return labels_reverse(out, name, len < TI_KEY_MAX ? len : TI_KEY_MAX - 1, '.', ' ');
}

size_t
ti_name_of_key(char out[TI_KEY_MAX], const void *key, size_t len)
{
	return labels_reverse(out, key, len < TI_KEY_MAX ? len : TI_KEY_MAX - 1, ' ', '.');
}

void
ti_key_of_net(uint8_t out[TI_NET_KEY], const struct cidr *c)
{
	memcpy(out, c->addr, 16);
	out[16] = c->len;
}

void
ti_net_of_key(struct cidr *c, const void *key)
{
	memcpy(c->addr, key, 16);
	c->len = ((const uint8_t *)key)[16];
	if (c->len > 128)
		c->len = 128;
}

int
ti_key_cmp(const void *a, size_t na, const void *b, size_t nb)
{
	int r = memcmp(a, b, na < nb ? na : nb);

	return r != 0 ? r : na < nb ? -1 : na > nb;
}

bool
ti_key_covers(enum ti_kind kind, const void *outer, size_t n_outer, const void *inner, size_t n_inner)
{
	struct cidr o, i;

	if (kind == TI_DOMAIN)
		return n_outer <= n_inner && memcmp(outer, inner, n_outer) == 0 &&
		    (n_outer == n_inner || ((const char *)inner)[n_outer] == ' ');
	if (n_outer != TI_NET_KEY || n_inner != TI_NET_KEY)
		return false;
	ti_net_of_key(&o, outer);
	ti_net_of_key(&i, inner);
	return cidr_covers(&o, &i);
}

/* ---- lists --------------------------------------------------------------------------------------- */

static int
text_room(struct ti_keys *k, size_t n)
{
	size_t cap = k->text_cap != 0 ? k->text_cap : 1 << 16;
	char *p;

	while (cap < k->used + n)
		cap *= 2;
	if (k->used + n > UINT32_MAX)
		return -EFBIG;
	p = realloc(k->text, cap);
	if (p == NULL)
		return -ENOMEM;
	k->text = p;
	k->text_cap = cap;
	return 0;
}

/* Eight bytes lie behind every key, so that whole words can be loaded. */
int
ti_keys_add(struct ti_keys *k, const void *key, size_t len)
{
	int err = k->used + len + 8 > k->text_cap ? text_room(k, len + 8) : 0;

	if (err < 0)
		return err;
	if (k->n == k->cap) {
		size_t cap = k->cap != 0 ? k->cap * 2 : 1024;
		struct ti_ref *v = realloc(k->v, cap * sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		k->v = v;
		k->cap = cap;
	}
	memcpy(k->text + k->used, key, len);
	memset(k->text + k->used + len, 0, 8);
	k->v[k->n++] = (struct ti_ref){0, (uint32_t)k->used, (uint32_t)len};
	k->used += len;
	return 0;
}

static uint64_t
cache_load(const struct ti_keys *k, const struct ti_ref *r, size_t depth)
{
	size_t left = r->len > depth ? r->len - depth : 0;
	uint64_t w;

	if (left == 0)
		return 0;
	memcpy(&w, k->text + r->at + depth, sizeof(w));
	w = be64toh(w);
	return left >= 8 ? w : w >> 8 * (8 - left) << 8 * (8 - left);
}

static void
refs_swap(struct ti_ref *a, struct ti_ref *b)
{
	struct ti_ref t = *a;

	*a = *b;
	*b = t;
}

/* The middle of three at random places: nobody can write a feed that makes this quadratic. */
static uint64_t
pivot(const struct ti_ref *v, size_t n, uint64_t *rng)
{
	uint64_t x[3], t;

	for (int i = 0; i < 3; i++) {
		*rng = *rng * 6364136223846793005u + 1442695040888963407u;	/* Knuth's MMIX */
		x[i] = v[(*rng >> 32) * n >> 32].cache;
	}
	if (x[0] > x[1]) {
		t = x[0];
		x[0] = x[1];
		x[1] = t;
	}
	return x[2] <= x[0] ? x[0] : x[2] >= x[1] ? x[1] : x[2];
}

static int
ref_cmp(const struct ti_keys *k, const struct ti_ref *a, const struct ti_ref *b, size_t depth)
{
	size_t da = a->len > depth ? depth : a->len, db = b->len > depth ? depth : b->len;

	return ti_key_cmp(k->text + a->at + da, a->len - da, k->text + b->at + db, b->len - db);
}

static void
insertion(const struct ti_keys *k, struct ti_ref *v, size_t n, size_t depth)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0; j--) {
			if (v[j - 1].cache < v[j].cache ||
			    (v[j - 1].cache == v[j].cache && ref_cmp(k, &v[j - 1], &v[j], depth) <= 0))
				break;
			refs_swap(&v[j - 1], &v[j]);
		}
}

/*
 * Multikey quicksort (Bentley and Sedgewick 1997) over words of eight bytes instead of characters, each kept
 * beside its reference: the text is only touched where eight bytes were alike.  Keys of names hold no zero byte
 * and keys of networks are all of one length, so that a word of zeros is no end that something could hide behind.
 */
static void
keys_quicksort(const struct ti_keys *k, struct ti_ref *v, size_t n, size_t depth, uint64_t *rng)
{
	while (n > 16) {
		uint64_t p = pivot(v, n, rng);
		size_t lt = 0, i = 0, gt = n, more = 0;

		while (i < gt) {
			if (v[i].cache < p)
				refs_swap(&v[lt++], &v[i++]);
			else if (v[i].cache > p)
				refs_swap(&v[i], &v[--gt]);
			else
				i++;
		}
		keys_quicksort(k, v, lt, depth, rng);
		for (i = lt; i < gt; i++)
			more += v[i].len > depth + 8;
		if (more > 0) {
			for (i = lt; i < gt; i++)
				v[i].cache = cache_load(k, &v[i], depth + 8);
			keys_quicksort(k, v + lt, gt - lt, depth + 8, rng);
			for (i = lt; i < gt; i++)
				v[i].cache = p;
		}
		v += gt;
		n -= gt;
	}
	insertion(k, v, n, depth);
}

size_t
ti_keys_sort(struct ti_keys *k)
{
	size_t out = 0, n = k->n;
	uint64_t rng = 1;

	if (n == 0)
		return 0;
	if (getrandom(&rng, sizeof(rng), GRND_NONBLOCK) < 0)
		rng = (uint64_t)(uintptr_t)k->text;
	for (size_t i = 0; i < n; i++)
		k->v[i].cache = cache_load(k, &k->v[i], 0);
	keys_quicksort(k, k->v, n, 0, &rng);
	for (size_t i = 0; i < n; i++)
		if (out == 0 || k->v[i].len != k->v[out - 1].len ||
		    memcmp(k->text + k->v[i].at, k->text + k->v[out - 1].at, k->v[i].len) != 0)
			k->v[out++] = k->v[i];
	k->n = out;
	return n - out;
}

const char *
ti_keys_at(const struct ti_keys *k, size_t i, size_t *len)
{
	*len = k->v[i].len;
	return k->text + k->v[i].at;
}

void
ti_keys_free(struct ti_keys *k)
{
	free(k->text);
	free(k->v);
	memset(k, 0, sizeof(*k));
}
