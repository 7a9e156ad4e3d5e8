/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/exec.h"

/*
 * IP, GLOBAL, SESSION, USER, RESOURCE (and ENV, never stored): variables that outlive the transaction once
 * initcol, setsid, setuid or setrsc have said whose they are.
 */

struct xcoll *
xcoll_find(const struct waf_tx *tx, enum waf_var var)
{
	struct xcoll *c;

	for (c = tx->coll; c != NULL; c = c->next)
		if (c->var == var)
			return c;
	return NULL;
}

static int64_t
now_s(const struct waf_tx *tx)
{
	return tx->req->now_us / 1000000;
}

static struct xvar *
coll_lookup(struct xcoll *c, struct waf_str key)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->e[i].key.n == key.n && strncasecmp(c->e[i].key.p, key.p, key.n) == 0)
			return &c->e[i];
	return NULL;
}

struct xvar *
xcoll_var(struct xcoll *c, struct waf_str key)
{
	struct xvar *v = coll_lookup(c, key);

	return v != NULL && v->v.set ? v : NULL;
}

static struct xvar *
coll_append(struct waf_tx *tx, struct xcoll *c, struct waf_str key)
{
	struct xvar *v;
	char *name;

	if (plan_grow(tx->arena, &c->e, c->n, &c->cap, sizeof(*v)) != 0 ||
	    (name = arena_strndup(tx->arena, key.p, key.n)) == NULL)
		return NULL;
	v = &c->e[c->n++];
	memset(v, 0, sizeof(*v));
	v->key = (struct waf_str){name, key.n};
	return v;
}

struct xval *
xcoll_make(struct waf_tx *tx, struct xcoll *c, struct waf_str key)
{
	struct xvar *v = coll_lookup(c, key);

	if (v == NULL && (v = coll_append(tx, c, key)) == NULL)
		return NULL;
	v->changed = c->changed = true;
	return &v->v;
}

static int
coll_read(struct waf_tx *tx, struct xcoll *c)
{
	struct persist_record rec = {0};
	struct xvar *v;
	size_t i;
	int r;

	r = persist_get(tx->waf->persist, waf_var_name(c->var), c->key, now_s(tx), &rec, tx->arena);
	if (r <= 0)
		return r;
	c->is_new = false;
	c->created = rec.created;
	c->updated = rec.updated;
	c->counter = rec.counter;
	c->timeout = rec.timeout;
	for (i = 0; i < rec.n; i++) {
		if ((v = coll_append(tx, c, rec.v[i].key)) == NULL)
			return 0;
		v->v = (struct xval){.text = rec.v[i].value, .set = true};
		v->was = rec.v[i].value;
		v->expires = rec.v[i].expires;
	}
	return 1;
}

/* The first initcol of a collection counts, as in ModSecurity. */
int
xcoll_open(struct waf_tx *tx, enum waf_var var, struct waf_str key)
{
	struct xcoll *c;

	if (xcoll_find(tx, var) != NULL)
		return 0;
	if ((c = arena_calloc(tx->arena, 1, sizeof(*c))) == NULL)
		return -1;
	c->var = var;
	c->key = key;
	c->is_new = true;
	c->created = c->updated = now_s(tx);
	c->timeout = tx->settings.collection_timeout;
	c->next = tx->coll;
	tx->coll = c;
	if (tx->waf->persist != NULL && var != WAF_V_ENV && coll_read(tx, c) < 0)
		tx->verdict.error = WAF_E_STORE;
	return 0;
}

static void
put(struct waf_list *l, const char *key, struct waf_str value)
{
	l->v[l->n++] = (struct waf_val){{key, strlen(key)}, value};
}

/* The variables that every collection has; UPDATE_RATE is per minute since its creation. */
static void
list_builtin(struct waf_tx *tx, const struct xcoll *c, struct waf_list *l)
{
	int64_t minutes = (now_s(tx) - c->created + 59) / 60;

	put(l, "CREATE_TIME", x_int(tx, c->created));
	put(l, "IS_NEW", x_int(tx, c->is_new));
	put(l, "KEY", c->key);
	put(l, "LAST_UPDATE_TIME", x_int(tx, c->updated));
	put(l, "TIMEOUT", x_int(tx, c->timeout));
	put(l, "UPDATE_COUNTER", x_int(tx, c->counter));
	put(l, "UPDATE_RATE", x_int(tx, c->counter / (minutes > 0 ? minutes : 1)));
}

void
xcoll_list(struct waf_tx *tx, struct xcoll *c, struct waf_list *out)
{
	size_t i;

	if ((out->v = arena_alloc(tx->arena, (c->n + 8) * sizeof(*out->v))) == NULL)
		return;
	for (i = 0; i < c->n; i++)
		if (c->e[i].v.set)
			out->v[out->n++] = (struct waf_val){c->e[i].key, xval_text(tx, &c->e[i].v)};
	if (c->var != WAF_V_ENV)
		list_builtin(tx, c, out);
}

struct save {
	struct waf_tx	*tx;
	struct xcoll	*c;
};

static struct persist_var *
record_var(struct persist_record *rec, struct waf_str key)
{
	size_t i;

	for (i = 0; i < rec->n; i++)
		if (rec->v[i].key.n == key.n && strncasecmp(rec->v[i].key.p, key.p, key.n) == 0)
			return &rec->v[i];
	return NULL;
}

static bool
is_number(struct waf_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/*
 * Two requests that count at once must both be counted: where the old value, the new one and what the store
 * holds by now are numbers, the difference is what is stored.
 */
static struct waf_str
merged_value(struct waf_tx *tx, struct xvar *v, const struct persist_var *now)
{
	struct waf_str text = xval_text(tx, &v->v), base = v->was.p != NULL ? v->was : WAF_STR("0");
	int64_t n;

	if (now == NULL || !is_number(text) || !is_number(base) || !is_number(now->value))
		return text;
	n = plan_atoi(now->value) + plan_atoi(text) - plan_atoi(base);
	return x_int(tx, n > 0 ? n : 0);
}

static void
save_var(struct save *s, struct xvar *v, struct persist_record *rec)
{
	struct persist_var *at = record_var(rec, v->key);
	struct waf_str value;

	if (!v->v.set) {
		if (at != NULL)
			*at = rec->v[--rec->n];
		return;
	}
	value = merged_value(s->tx, v, at);
	if (at == NULL)
		at = &rec->v[rec->n++];
	*at = (struct persist_var){v->key, value, v->expires};
}

static void
save_coll(void *arg, bool found, struct persist_record *rec, struct arena *a)
{
	struct save *s = arg;
	struct xcoll *c = s->c;
	struct persist_var *v = arena_calloc(a, rec->n + c->n + 1, sizeof(*v));
	size_t i;

	if (v == NULL)
		return;
	if (rec->n > 0)
		memcpy(v, rec->v, rec->n * sizeof(*v));
	rec->v = v;
	rec->created = found ? rec->created : c->created;
	rec->counter = (found ? rec->counter : 0) + 1;
	rec->updated = now_s(s->tx);
	rec->timeout = c->timeout;
	for (i = 0; i < c->n; i++)
		if (c->e[i].changed)
			save_var(s, &c->e[i], rec);
}

/* All changed collections in one write transaction. */
void
xcoll_save(struct waf_tx *tx)
{
	struct persist_update up[8];
	struct save save[8];
	struct xcoll *c;
	size_t n = 0;

	for (c = tx->coll; c != NULL && n < 8; c = c->next) {
		if (!c->changed || c->var == WAF_V_ENV)
			continue;
		save[n] = (struct save){tx, c};
		up[n] = (struct persist_update){waf_var_name(c->var), c->key, &save[n]};
		n++;
	}
	if (n > 0 && tx->waf->persist != NULL &&
	    persist_update(tx->waf->persist, up, n, now_s(tx), save_coll, tx->arena) != 0)
		tx->verdict.error = WAF_E_STORE;
}
