/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ti-sync/compile.h"

#define DEPTH	130		/* 127 labels, or 129 lengths of prefix */

enum { FROM_FEED, FROM_ALLOW, FROM_TOP };

/* One of the sorted things that are merged. */
struct stream {
	int			 from;
	struct ti_cursor	*cursor;	/* feeds */
	const struct ti_keys	*keys;		/* lists */
	size_t			 at;
	const struct ti_source	*source;
	const void		*key;
	size_t			 len;
};

/* What is known of a name or network and all that covers it. */
struct level {
	uint8_t			 key[TI_KEY_MAX];
	size_t			 len;
	bool			 allowed;
	struct set_class	 c;		/* confidence and categories 0: not listed */
};

struct walk {
	enum ti_kind		 kind;
	struct stream		**heap;
	size_t			 n;
	struct level		 stack[DEPTH];
	size_t			 depth;
	struct ti_sink *const	*sinks;
	size_t			 n_sinks;
	struct ti_keys		*clean;
	struct ti_compiled	*out;
};

/* ---- merging ------------------------------------------------------------------------------------- */

static int
stream_next(struct stream *s)
{
	if (s->from == FROM_FEED)
		return ti_cursor_next(s->cursor, &s->key, &s->len);
	if (s->at == s->keys->n)
		return 0;
	s->key = ti_keys_at(s->keys, s->at++, &s->len);
	return 1;
}

static bool
before(const struct stream *a, const struct stream *b)
{
	return ti_key_cmp(a->key, a->len, b->key, b->len) < 0;
}

static void
sift_down(struct walk *w, size_t i)
{
	for (size_t k; (k = 2 * i + 1) < w->n; i = k) {
		struct stream *t;

		if (k + 1 < w->n && before(w->heap[k + 1], w->heap[k]))
			k++;
		if (!before(w->heap[k], w->heap[i]))
			return;
		t = w->heap[i];
		w->heap[i] = w->heap[k];
		w->heap[k] = t;
	}
}

/* All that the streams say about the first key; they go on behind it. */
static int
take(struct walk *w, struct level *l, bool *listed, bool *top)
{
	memset(l, 0, offsetof(struct level, c) + sizeof(l->c));
	*listed = *top = false;
	l->len = w->heap[0]->len < TI_KEY_MAX ? w->heap[0]->len : TI_KEY_MAX - 1;
	memcpy(l->key, w->heap[0]->key, l->len);
	while (w->n > 0 && ti_key_cmp(w->heap[0]->key, w->heap[0]->len, l->key, l->len) == 0) {
		struct stream *s = w->heap[0];
		int r;

		if (s->from == FROM_FEED) {
			*listed = true;
			l->c.categories |= s->source->categories;
			if (s->source->confidence > l->c.confidence)
				l->c.confidence = s->source->confidence;
		} else if (s->from == FROM_ALLOW) {
			l->allowed = true;
		} else {
			*top = true;
		}
		r = stream_next(s);
		if (r < 0)
			return r;
		if (r == 0)
			w->heap[0] = w->heap[--w->n];
		sift_down(w, 0);
	}
	return 0;
}

/* ---- judging ------------------------------------------------------------------------------------- */

static int
emit(struct walk *w, const struct level *l, const struct set_class *c)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < w->n_sinks; i++)
		err = w->sinks[i]->entry(w->sinks[i], w->kind, l->key, l->len, c);
	return err;
}

static void
save(const struct walk *w, struct ti_saved *s, const struct level *l)
{
	if (s->n < sizeof(s->example) / sizeof(*s->example)) {
		if (w->kind == TI_DOMAIN) {
			ti_name_of_key(s->example[s->n], l->key, l->len);
		} else {
			char text[CIDR_TEXT];
			struct cidr c;

			ti_net_of_key(&c, l->key);
			snprintf(s->example[s->n], sizeof(*s->example), "%s", cidr_format(&c, text));
		}
	}
	s->n++;
}

static bool
class_listed(const struct set_class *c)
{
	return c->categories != 0 || c->confidence != 0;
}

static int
push(struct walk *w, const struct level *l)
{
	if (w->depth == DEPTH)
		return -E2BIG;
	w->stack[w->depth++] = *l;
	return 0;
}

static int
judge_allowed(struct walk *w, struct level *l, bool listed, const struct level *parent)
{
	static const struct set_class pass = {.flags = SET_PASS};
	bool covered = parent != NULL && class_listed(&parent->c) && !parent->allowed;
	int err = 0;

	if (listed)
		save(w, &w->out->allowed, l);
	if (covered) {
		w->out->exceptions++;
		err = emit(w, l, &pass);
	} else if (w->clean != NULL && (parent == NULL || !parent->allowed)) {
		err = ti_keys_add(w->clean, l->key, l->len);
	}
	memset(&l->c, 0, sizeof(l->c));
	return err != 0 ? err : push(w, l);
}

static int
judge(struct walk *w, struct level *l, bool listed, bool top)
{
	const struct level *parent;
	struct set_class own = l->c;

	while (w->depth > 0 && !ti_key_covers(w->kind, w->stack[w->depth - 1].key, w->stack[w->depth - 1].len, l->key, l->len))
		w->depth--;
	parent = w->depth > 0 ? &w->stack[w->depth - 1] : NULL;
	w->out->listed += listed;
	if (l->allowed)
		return judge_allowed(w, l, listed, parent);
	if (listed && parent != NULL && parent->allowed) {
		save(w, &w->out->allowed, l);
		return 0;
	}
	if (top && (parent == NULL || !class_listed(&parent->c))) {
		if (listed)
			save(w, &w->out->top, l);
		/* Its own name must not seem listed; names below it are judged for themselves. */
		return w->clean != NULL && parent == NULL ? ti_keys_add(w->clean, l->key, l->len) : 0;
	}
	if (!listed)
		return 0;
	if (parent != NULL) {
		l->c.categories |= parent->c.categories;
		if (parent->c.confidence > l->c.confidence)
			l->c.confidence = parent->c.confidence;
		if (l->c.categories == parent->c.categories && l->c.confidence == parent->c.confidence) {
			w->out->folded++;
			return 0;
		}
	}
	if (!class_listed(&own))
		l->c.confidence = 1;
	w->out->published++;
	return emit(w, l, &l->c) != 0 ? -EIO : push(w, l);
}

static int
streams_open(struct walk *w, struct stream *v, struct ti_store *st, const struct ti_source *src, size_t n,
    const struct ti_keys *allow, const struct ti_keys *top)
{
	for (size_t i = 0; i < n + 2; i++) {
		struct stream *s = &v[i];
		int r;

		if (i < n) {
			s->from = FROM_FEED;
			s->source = &src[i];
			r = ti_cursor_open(&s->cursor, st, src[i].feed, w->kind, src[i].since);
			if (r < 0)
				return r;
		} else {
			s->from = i == n ? FROM_ALLOW : FROM_TOP;
			s->keys = i == n ? allow : top;
		}
		r = stream_next(s);
		if (r < 0)
			return r;
		if (r > 0)
			w->heap[w->n++] = s;
	}
	for (size_t i = w->n; i-- > 0; )
		sift_down(w, i);
	return 0;
}

int
ti_compile(struct ti_store *st, enum ti_kind kind, const struct ti_source *src, size_t n, const struct ti_keys *allow,
    const struct ti_keys *top, struct ti_sink *const *sinks, size_t n_sinks, struct ti_keys *clean,
    struct ti_compiled *out)
{
	struct stream *v = calloc(n + 2, sizeof(*v));
	struct walk *w = calloc(1, sizeof(*w));
	struct level *l = malloc(sizeof(*l));
	int err = -ENOMEM;

	memset(out, 0, sizeof(*out));
	if (v == NULL || w == NULL || l == NULL || (w->heap = calloc(n + 2, sizeof(*w->heap))) == NULL)
		goto out;
	w->kind = kind;
	w->sinks = sinks;
	w->n_sinks = n_sinks;
	w->clean = clean;
	w->out = out;
	err = streams_open(w, v, st, src, n, allow, top);
	while (err == 0 && w->n > 0) {
		bool listed, is_top;

		err = take(w, l, &listed, &is_top);
		if (err == 0)
			err = judge(w, l, listed, is_top);
	}
out:
	for (size_t i = 0; v != NULL && i < n; i++)
		ti_cursor_close(&v[i].cursor);
	if (w != NULL)
		free(w->heap);
	free(w);
	free(v);
	free(l);
	return err;
}
