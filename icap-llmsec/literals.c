/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/literals.h"

struct lit {
	char	*text;
	size_t	 len;
	uint32_t id;
};

struct literals {
	struct lit *v;
	size_t	  n, cap;
	uint16_t  class_of[256];	/* 0: in no literal */
	unsigned  n_class;
	uint32_t *go;			/* [state * n_class + class] */
	uint32_t *out;			/* first output of a state, index + 1 */
	uint32_t *suffix;		/* nearest shorter state with output */
	uint32_t *next_out;		/* per literal: next of the same state */
	size_t	  n_state;
};

struct literals *
literals_new(void)
{
	return calloc(1, sizeof(struct literals));
}

void
literals_free(struct literals **lp)
{
	struct literals *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
	free(l->go);
	free(l->out);
	free(l->suffix);
	free(l->next_out);
	free(l);
}

int
literals_add(struct literals *l, const char *s, size_t len, uint32_t id)
{
	struct lit *v;
	char *t;

	if (len == 0)
		return -EINVAL;
	if (l->n == l->cap) {
		v = realloc(l->v, (l->cap ? l->cap * 2 : 64) * sizeof(*v));
		if (v == NULL)
			return -ENOMEM;
		l->v = v;
		l->cap = l->cap ? l->cap * 2 : 64;
	}
	t = malloc(len);
	if (t == NULL)
		return -ENOMEM;
	memcpy(t, s, len);
	l->v[l->n++] = (struct lit){t, len, id};
	return 0;
}

static void
build_trie(struct literals *l)
{
	l->n_state = 1;
	for (size_t i = 0; i < l->n; i++) {
		uint32_t s = 0;

		for (size_t k = 0; k < l->v[i].len; k++) {
			uint32_t *g = &l->go[s * l->n_class + l->class_of[(unsigned char)l->v[i].text[k]]];

			if (*g == 0)
				*g = (uint32_t)l->n_state++;
			s = *g;
		}
		l->next_out[i] = l->out[s];
		l->out[s] = (uint32_t)i + 1;
	}
}

/* Breadth first: a state's failure state is complete before the state itself is looked at. */
static void
build_failures(struct literals *l, uint32_t *queue, uint32_t *fail)
{
	size_t head = 0, tail = 0;
	unsigned c;

	for (c = 0; c < l->n_class; c++)
		if (l->go[c] != 0)
			queue[tail++] = l->go[c];
	while (head < tail) {
		uint32_t s = queue[head++];

		l->suffix[s] = l->out[fail[s]] ? fail[s] : l->suffix[fail[s]];
		for (c = 0; c < l->n_class; c++) {
			uint32_t *g = &l->go[s * l->n_class + c], via = l->go[fail[s] * l->n_class + c];

			if (*g != 0) {
				fail[*g] = via;
				queue[tail++] = *g;
			} else
				*g = via;
		}
	}
}

int
literals_build(struct literals *l)
{
	size_t states = 1;
	uint32_t *queue, *fail;
	int rc = -ENOMEM;

	l->n_class = 1;
	for (size_t i = 0; i < l->n; i++) {
		states += l->v[i].len;
		for (size_t k = 0; k < l->v[i].len; k++) {
			uint16_t *c = &l->class_of[(unsigned char)l->v[i].text[k]];

			if (*c == 0)
				*c = (uint16_t)l->n_class++;
		}
	}
	l->go = calloc(states * l->n_class, sizeof(*l->go));
	l->out = calloc(states, sizeof(*l->out));
	l->suffix = calloc(states, sizeof(*l->suffix));
	l->next_out = calloc(l->n + 1, sizeof(*l->next_out));
	queue = calloc(states, sizeof(*queue));
	fail = calloc(states, sizeof(*fail));
	if (l->go != NULL && l->out != NULL && l->suffix != NULL && l->next_out != NULL && queue != NULL && fail != NULL) {
		build_trie(l);
		build_failures(l, queue, fail);
		rc = 0;
	}
	free(queue);
	free(fail);
	return rc;
}

void
literals_scan(const struct literals *l, const char *p, size_t len, uint64_t *hits)
{
	uint32_t s = 0;

	for (size_t i = 0; i < len; i++) {
		s = l->go[s * l->n_class + l->class_of[(unsigned char)p[i]]];
		for (uint32_t t = l->out[s] ? s : l->suffix[s]; t != 0; t = l->suffix[t])
			for (uint32_t o = l->out[t]; o != 0; o = l->next_out[o - 1])
				hits[l->v[o - 1].id / 64] |= 1ULL << l->v[o - 1].id % 64;
	}
}
