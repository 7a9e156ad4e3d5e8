/* SPDX-License-Identifier: MIT */
/*
 * Aho and Corasick, "Efficient string matching", CACM 18(6), 1975, as a dense automaton over the bytes that
 * occur.  A step waits for the one before it, so the text is cut in lanes that step side by side; each lane but
 * the first starts a little early, to be in the right state where it begins.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/literals_private.h"

#define LANES		4
#define LANES_MIN	(LANES * LITERALS_SHORT)	/* bytes; warming up reaches back into the lane before */

static bool
is_short(const struct lit *t)
{
	return t->len <= LITERALS_SHORT;
}

/* Bytes that are in no literal share the last class. */
static void
assign_classes(struct dfa *d, const struct literals_source *s)
{
	bool used[256] = { false };

	for (size_t i = 0; i < s->n; i++)
		for (uint32_t k = 0; is_short(&s->lit[i]) && k < s->lit[i].len; k++)
			used[(unsigned char)s->blob[s->lit[i].text + k]] = true;
	d->n_class = 0;
	for (unsigned c = 0; c < 256; c++)
		if (used[c])
			d->class_of[c] = (uint8_t)d->n_class++;
	for (unsigned c = 0; c < 256; c++)
		if (!used[c])
			d->class_of[c] = (uint8_t)d->n_class;
	d->n_class += d->n_class < 256;
	for (unsigned c = 'A'; s->caseless && c <= 'Z'; c++)
		d->class_of[c] = d->class_of[c | 0x20];
}

/* While it is built go has numbers of states, 0 where there is none. */
static void
build_trie(struct dfa *d, const char *blob)
{
	d->n_state = 1;
	for (size_t i = 0; i < d->n_lit; i++) {
		uint32_t s = 0;

		for (uint32_t k = 0; k < d->lit[i].len; k++) {
			uint32_t *g = &d->go[s * d->n_class + d->class_of[(unsigned char)blob[d->lit[i].text + k]]];

			if (*g == 0)
				*g = (uint32_t)d->n_state++;
			s = *g;
		}
		d->lit_at[s] = (uint32_t)i + 1;
	}
}

/* Breadth first: a state's failure state is complete before the state itself is looked at. */
static void
build_failures(struct dfa *d, uint32_t *queue, uint32_t *fail)
{
	size_t head = 0, tail = 0;

	for (unsigned c = 0; c < d->n_class; c++)
		if (d->go[c] != 0)
			queue[tail++] = d->go[c];
	while (head < tail) {
		uint32_t s = queue[head++];

		d->suffix[s] = d->lit_at[fail[s]] ? fail[s] : d->suffix[fail[s]];
		for (unsigned c = 0; c < d->n_class; c++) {
			uint32_t *g = &d->go[s * d->n_class + c], via = d->go[fail[s] * d->n_class + c];

			if (*g != 0) {
				fail[*g] = via;
				queue[tail++] = *g;
			} else
				*g = via;
		}
	}
}

static void
number_rows(struct dfa *d)
{
	for (size_t i = 0; i < d->n_state * d->n_class; i++) {
		uint32_t s = d->go[i];

		d->go[i] = s * d->n_class << 1 | (d->lit_at[s] != 0 || d->suffix[s] != 0);
	}
}

static int
build(struct dfa *d, const struct literals_source *s, size_t states)
{
	uint32_t *queue = calloc(states, sizeof(*queue)), *fail = calloc(states, sizeof(*fail)), *fit;
	int rc = -ENOMEM;

	d->go = calloc(states * d->n_class, sizeof(*d->go));
	d->lit_at = calloc(states, sizeof(*d->lit_at));
	d->suffix = calloc(states, sizeof(*d->suffix));
	if (queue != NULL && fail != NULL && d->go != NULL && d->lit_at != NULL && d->suffix != NULL) {
		build_trie(d, s->blob);
		build_failures(d, queue, fail);
		number_rows(d);
		fit = realloc(d->go, d->n_state * d->n_class * sizeof(*fit));
		d->go = fit != NULL ? fit : d->go;
		rc = 0;
	}
	free(queue);
	free(fail);
	return rc;
}

int
literals_dfa_build(struct dfa *d, const struct literals_source *s)
{
	size_t states = 1;

	d->lit = calloc(s->n + 1, sizeof(*d->lit));
	if (d->lit == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		if (!is_short(&s->lit[i]))
			continue;
		d->lit[d->n_lit++] = s->lit[i];
		states += s->lit[i].len;
		d->longest = s->lit[i].len > d->longest ? s->lit[i].len : d->longest;
	}
	if (d->n_lit == 0)
		return 0;
	assign_classes(d, s);
	if (states > UINT32_MAX / 2 / d->n_class)
		return -ENOMEM;
	return build(d, s, states);
}

void
literals_dfa_free(struct dfa *d)
{
	free(d->go);
	free(d->lit_at);
	free(d->suffix);
	free(d->lit);
}

size_t
literals_dfa_memory(const struct dfa *d)
{
	return d->n_state * (d->n_class + 2) * sizeof(*d->go) + d->n_lit * sizeof(*d->lit);
}

static inline uint32_t
step(const struct dfa *d, uint32_t state, char c)
{
	return d->go[(state >> 1) + d->class_of[(unsigned char)c]];
}

/* All literals that end in a state: its own and those of its suffixes. */
static bool
report(const struct dfa *d, const struct literals_scan *s, uint32_t state, size_t end)
{
	uint32_t r = (state >> 1) / d->n_class;

	if (s->seen != NULL) {
		if (s->seen[r / 64] >> r % 64 & 1)
			return true;
		s->seen[r / 64] |= 1ULL << r % 64;
	}
	for (; r != 0; r = d->suffix[r]) {
		const struct lit *t = d->lit_at[r] != 0 ? &d->lit[d->lit_at[r] - 1] : NULL;

		if (t != NULL && !s->found(s, t, end - t->len))
			return false;
	}
	return true;
}

static bool
run(const struct dfa *d, const struct literals_scan *s, uint32_t state, size_t from)
{
	for (size_t i = from; i < s->len; i++) {
		state = step(d, state, s->p[i]);
		if (state & 1 && !report(d, s, state, i + 1))
			return false;
	}
	return true;
}

static bool
report_lanes(const struct dfa *d, const struct literals_scan *s, const uint32_t *state, size_t lane, size_t end)
{
	for (unsigned k = 0; k < LANES; k++)
		if (state[k] & 1 && !report(d, s, state[k], k * lane + end))
			return false;
	return true;
}

/* Spelled out, so that the states stay in registers. */
bool
literals_dfa_scan(const struct dfa *d, const struct literals_scan *s)
{
	const size_t lane = s->len / LANES;
	const char *p0 = s->p, *p1 = p0 + lane, *p2 = p1 + lane, *p3 = p2 + lane;
	uint32_t v0 = 0, v1 = 0, v2 = 0, v3 = 0;

	if (d->n_lit == 0)
		return true;
	if (s->len < LANES_MIN)
		return run(d, s, 0, 0);
	for (size_t i = d->longest - 1; i > 0; i--) {
		v1 = step(d, v1, p1[-(ptrdiff_t)i]);
		v2 = step(d, v2, p2[-(ptrdiff_t)i]);
		v3 = step(d, v3, p3[-(ptrdiff_t)i]);
	}
	for (size_t i = 0; i < lane; i++) {
		v0 = step(d, v0, p0[i]);
		v1 = step(d, v1, p1[i]);
		v2 = step(d, v2, p2[i]);
		v3 = step(d, v3, p3[i]);
		if ((v0 | v1 | v2 | v3) & 1 && !report_lanes(d, s, (uint32_t[]){ v0, v1, v2, v3 }, lane, i + 1))
			return false;
	}
	return run(d, s, v3, LANES * lane);
}
