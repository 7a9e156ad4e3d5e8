/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "squid-helpers/gate_nets.h"

int
gate_nets_add(void *arg, const struct cidr *c)
{
	struct gate_nets *s = arg;

	if (s->n == s->cap) {
		size_t cap = s->cap > 0 ? s->cap * 2 : 256;
		struct cidr *v = realloc(s->v, cap * sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = *c;
	return 0;
}

int
gate_nets_cmp(const struct cidr *x, const struct cidr *y)
{
	int r = memcmp(x->addr, y->addr, sizeof(x->addr));

	return r != 0 ? r : (int)x->len - (int)y->len;
}

static int
by_address(const void *a, const void *b)
{
	return gate_nets_cmp(a, b);
}

/* The first <k> and the rest, both in order, into <out>; each once.  How many those are. */
static size_t
merge(struct cidr *out, const struct cidr *v, size_t k, size_t n)
{
	size_t i = 0, j = k, m = 0;

	while (i < k || j < n) {
		const struct cidr *c = j == n || (i < k && gate_nets_cmp(&v[i], &v[j]) <= 0) ? &v[i++] : &v[j++];

		if (m == 0 || gate_nets_cmp(&out[m - 1], c) != 0)
			out[m++] = *c;
	}
	return m;
}

int
gate_nets_sort(struct gate_nets *s)
{
	size_t k = s->n > 0 ? s->n - 1 : 0;
	struct cidr *out = malloc((s->n + 1) * sizeof(*out));

	if (out == NULL)
		return -ENOMEM;
	while (k > 0 && gate_nets_cmp(&s->v[k - 1], &s->v[k]) <= 0)
		k--;
	if (k > 0)
		qsort(s->v, k, sizeof(*s->v), by_address);
	s->n = merge(out, s->v, k, s->n);
	free(s->v);
	s->v = out;
	s->cap = s->n;
	return 0;
}

int
gate_nets_join(struct gate_nets *s, const struct gate_nets *from)
{
	size_t k = s->n, n = k + from->n;
	struct cidr *v = malloc((n + 1) * sizeof(*v)), *out = malloc((n + 1) * sizeof(*out));

	if (v == NULL || out == NULL) {
		free(v);
		free(out);
		return -ENOMEM;
	}
	if (k > 0)
		memcpy(v, s->v, k * sizeof(*v));
	if (from->n > 0)
		memcpy(v + k, from->v, from->n * sizeof(*v));
	free(s->v);
	*s = (struct gate_nets){ .v = out, .n = merge(out, v, k, n), .cap = n + 1 };
	free(v);
	return 0;
}

void
gate_nets_free(struct gate_nets *s)
{
	free(s->v);
	*s = (struct gate_nets){ 0 };
}
