/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/exec.h"

/* TX: slots for names known at load, a list for the rest.  Numbers stay numbers until somebody reads text. */

struct waf_str
x_int(struct waf_tx *tx, int64_t n)
{
	static const char small[] = "0123456789";
	uint64_t u = n < 0 ? -(uint64_t)n : (uint64_t)n;
	char buf[24], *p = buf + sizeof(buf);
	size_t len;

	if (n >= 0 && n <= 9)
		return (struct waf_str){small + n, 1};
	do
		*--p = small[u % 10];
	while ((u /= 10) > 0);
	if (n < 0)
		*--p = '-';
	len = (size_t)(buf + sizeof(buf) - p);
	p = arena_strndup(tx->arena, p, len);
	return p != NULL ? (struct waf_str){p, len} : WAF_STR("");
}

struct waf_str
xval_text(struct waf_tx *tx, struct xval *v)
{
	if (v->text.p == NULL)
		v->text = v->has_num ? x_int(tx, v->num) : WAF_STR("");
	return v->text;
}

int64_t
xval_num(struct xval *v)
{
	if (!v->has_num) {
		v->num = plan_atoi(v->text);
		v->has_num = true;
	}
	return v->num;
}

static struct xvar *
tx_extra(const struct waf_tx *tx, struct waf_str key)
{
	size_t i;

	for (i = 0; i < tx->n_tx; i++)
		if (tx->tx[i].key.n == key.n && strncasecmp(tx->tx[i].key.p, key.p, key.n) == 0)
			return &tx->tx[i];
	return NULL;
}

struct xval *
xtx_find(struct waf_tx *tx, struct waf_str key)
{
	uint32_t slot = plan_slot_find(tx->plan, key.p, key.n);
	struct xvar *v;

	if (slot != PLAN_NONE)
		return tx->slot[slot].set ? &tx->slot[slot] : NULL;
	v = tx_extra(tx, key);
	return v != NULL && v->v.set ? &v->v : NULL;
}

struct xval *
xtx_make(struct waf_tx *tx, struct waf_str key)
{
	uint32_t slot = plan_slot_find(tx->plan, key.p, key.n);
	struct xvar *v;
	char *name;

	if (slot != PLAN_NONE)
		return &tx->slot[slot];
	if ((v = tx_extra(tx, key)) != NULL)
		return &v->v;
	if (plan_grow(tx->arena, &tx->tx, tx->n_tx, &tx->cap_tx, sizeof(*v)) != 0 ||
	    (name = arena_strndup(tx->arena, key.p, key.n)) == NULL)
		return NULL;
	v = &tx->tx[tx->n_tx++];
	memset(v, 0, sizeof(*v));
	v->key = (struct waf_str){name, key.n};
	return &v->v;
}

/* TX.0 to TX.9: what the last capturing match found; the others are gone, as in ModSecurity 2. */
void
xtx_capture(struct waf_tx *tx, const struct waf_op_result *res)
{
	int i;

	for (i = 0; i < WAF_CAPTURES; i++) {
		struct xval *v = &tx->slot[i];

		if (v->pinned)
			continue;
		memset(v, 0, sizeof(*v));
		if (i >= res->n_captures || res->capture[i].p == NULL)
			continue;
		v->set = true;
		v->text = res->capture[i];
	}
}

/* For targets TX and TX:/pattern/. */
void
xtx_list(struct waf_tx *tx, struct waf_list *out)
{
	size_t i, n = tx->plan->n_slots + tx->n_tx;

	if ((out->v = arena_alloc(tx->arena, (n + 1) * sizeof(*out->v))) == NULL)
		return;
	for (i = 0; i < tx->plan->n_slots; i++)
		if (tx->slot[i].set)
			out->v[out->n++] =
			    (struct waf_val){tx->plan->slot_name[i], xval_text(tx, &tx->slot[i])};
	for (i = 0; i < tx->n_tx; i++)
		if (tx->tx[i].v.set)
			out->v[out->n++] = (struct waf_val){tx->tx[i].key, xval_text(tx, &tx->tx[i].v)};
}
