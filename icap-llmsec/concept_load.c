/* SPDX-License-Identifier: MIT */
/* concepts.txt to a double-array trie.  Entries are normalised as the text is that they will be looked for in. */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "icap-llmsec/concept.h"
#include "icap-llmsec/feature.h"
#include "icap-llmsec/norm.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/utf8.h"

#define ENTRY_MAX	96		/* bytes of an entry, and so the depth of the trie */
#define STATES_MAX	(1 << 20)

struct entry {
	const char	*text;
	size_t		 len;
	uint8_t		 value;
};

struct reading {
	const char	*path;
	struct diag	*diag;
	struct arena	*arena;
	struct entry	*v;
	size_t		 n, cap;
	struct concepts	*to;
	int		 line;
};

static int
entry_add(struct reading *r, const char *text, size_t len, uint8_t value)
{
	if (r->n == r->cap) {
		size_t cap = r->cap == 0 ? 1024 : 2 * r->cap;
		struct entry *v = realloc(r->v, cap * sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		r->v = v;
		r->cap = cap;
	}
	r->v[r->n] = (struct entry){ arena_strndup(r->arena, text, len), len, value };
	return r->v[r->n++].text == NULL ? -ENOMEM : 0;
}

/* Latin letters without their accents: how people type in a hurry.  NULL: it has none, or isn't Latin. */
static char *
without_accents(const char *s)
{
	utf8proc_uint8_t *out = NULL;
	bool same;

	for (const char *p = s; *p != '\0';) {
		uint32_t c;
		size_t k = utf8_decode(p, strlen(p), &c, NULL);

		if (c >= 0x250 && !(c >= 0x1e00 && c < 0x1f00))
			return NULL;
		p += k > 0 ? k : 1;
	}
	if (utf8proc_map((const utf8proc_uint8_t *)s, 0, &out,
	    UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_STRIPMARK | UTF8PROC_DECOMPOSE) < 0)
		return NULL;
	same = strcmp(s, (const char *)out) == 0;
	if (same) {
		free(out);
		return NULL;
	}
	return (char *)out;
}

/* Scripts without spaces have no word that could end: a stem, always. */
static bool
is_unspaced(const char *s)
{
	uint32_t c = 0;

	utf8_decode(s, strlen(s), &c, NULL);
	return feature_is_single(c);
}

/* One entry of the file: '_' is a space, '*' at the end makes it a stem. */
static int
entry_parse(struct reading *r, char *word, uint8_t concept)
{
	size_t n = strlen(word);
	uint8_t value = concept;
	struct norm m;
	char *bare;
	int rc;

	if (n > 1 && word[n - 1] == '*') {
		word[--n] = '\0';
		value |= CONCEPT_STEM;
	}
	for (size_t i = 0; i < n; i++)
		if (word[i] == '_')
			word[i] = ' ';
	if ((rc = norm_text(&m, word, n, r->arena)) < 0)
		return rc;
	if (m.len == 0 || m.len > ENTRY_MAX) {
		diag_error(r->diag, r->path, r->line, 0, "entry \"%s\": empty or too long", word);
		return -EINVAL;
	}
	if (is_unspaced(m.text))
		value |= CONCEPT_STEM;
	if ((rc = entry_add(r, m.text, m.len, value)) == 0 && (bare = without_accents(m.text)) != NULL) {
		rc = entry_add(r, bare, strlen(bare), value);
		free(bare);
	}
	return rc;
}

static int
line_parse(struct reading *r, char *line)
{
	char *save = NULL, *w = strtok_r(line, " \t\r\n", &save);
	struct concepts *to = r->to;
	int rc = 0;

	if (w == NULL || w[0] == '#')
		return 0;
	if (strcmp(w, "concept") == 0) {
		w = strtok_r(NULL, " \t\r\n", &save);
		if (w == NULL || to->n == CONCEPTS_MAX) {
			diag_error(r->diag, r->path, r->line, 0, w == NULL ? "a concept needs a name" :
			    "more than %d concepts", CONCEPTS_MAX);
			return -EINVAL;
		}
		to->name[++to->n] = strdup(w);
		return to->name[to->n] == NULL ? -ENOMEM : 0;
	}
	if (w[strlen(w) - 1] != ':' || to->n == 0) {
		diag_error(r->diag, r->path, r->line, 0, "expected \"concept NAME\" or \"LANGUAGE: words\"");
		return -EINVAL;
	}
	while (rc == 0 && (w = strtok_r(NULL, " \t\r\n", &save)) != NULL)
		rc = entry_parse(r, w, (uint8_t)to->n);
	return rc;
}

static int
file_parse(struct reading *r)
{
	FILE *f = fopen(r->path, "r");
	char *line = NULL;
	size_t cap = 0;
	int rc = 0;

	if (f == NULL) {
		rc = -errno;
		diag_error(r->diag, r->path, 0, 0, "%s", strerror(-rc));
		return rc;
	}
	while (rc == 0 && getline(&line, &cap, f) >= 0) {
		r->line++;
		rc = line_parse(r, line);
	}
	free(line);
	fclose(f);
	return rc;
}

/* ---- the double array ---------------------------------------------------------------------- */

struct building {
	struct concepts	*to;
	const struct entry *v;
	size_t		 cap, free_from;
};

static int
by_text(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int c = memcmp(x->text, y->text, n);

	if (c != 0)
		return c;
	return x->len < y->len ? -1 : x->len > y->len ? 1 : (int)(y->value & CONCEPT_STEM) - (int)(x->value & CONCEPT_STEM);
}

static int
states_grow(struct building *b, size_t need)
{
	size_t cap = b->cap == 0 ? 1 << 14 : b->cap;
	struct concept_node *node;
	uint8_t *value;

	while (cap < need)
		cap *= 2;
	if (cap == b->cap)
		return 0;
	if (cap > STATES_MAX)
		return -E2BIG;
	node = realloc(b->to->node, cap * sizeof(*node));
	if (node == NULL)
		return -ENOMEM;
	b->to->node = node;
	value = realloc(b->to->value, cap);
	if (value == NULL)
		return -ENOMEM;
	b->to->value = value;
	for (size_t i = b->cap; i < cap; i++) {
		node[i] = (struct concept_node){ 0, -1 };
		value[i] = 0;
	}
	b->cap = cap;
	return 0;
}

/* A base at which all of child[0..n-1] are free. */
static int
find_base(struct building *b, const uint8_t *child, size_t n, size_t *base)
{
	struct concept_node *node;
	int rc;

	while (b->free_from < b->cap && b->to->node[b->free_from].check >= 0)
		b->free_from++;
	for (size_t at = b->free_from > child[0] ? b->free_from - child[0] : 0;; at++) {
		size_t i;

		if ((rc = states_grow(b, at + 257)) < 0)
			return rc;
		node = b->to->node;
		for (i = 0; i < n && at + child[i] > 0 && node[at + child[i]].check < 0; i++)
			;
		if (i == n) {
			*base = at;
			return 0;
		}
	}
}

/* State <s> stands for the first <depth> bytes that v[lo..hi-1] share.  Depth is bounded by ENTRY_MAX. */
static int
build_state(struct building *b, size_t s, size_t lo, size_t hi, size_t depth)
{
	uint8_t child[256];
	size_t n = 0, base, from;
	int rc;

	for (; lo < hi && b->v[lo].len == depth; lo++)
		if (b->to->value[s] == 0)
			b->to->value[s] = b->v[lo].value;
	for (size_t i = lo; i < hi; i++)
		if (n == 0 || child[n - 1] != (uint8_t)b->v[i].text[depth])
			child[n++] = (uint8_t)b->v[i].text[depth];
	if (n == 0)
		return 0;
	if ((rc = find_base(b, child, n, &base)) < 0)
		return rc;
	b->to->node[s].base = (int32_t)base;
	for (size_t i = 0; i < n; i++)
		b->to->node[base + child[i]].check = (int32_t)s;
	for (size_t i = 0; i < n && rc == 0; i++) {
		for (from = lo; lo < hi && (uint8_t)b->v[lo].text[depth] == child[i]; lo++)
			;
		rc = build_state(b, base + child[i], from, lo, depth + 1);
	}
	return rc;
}

static int
build(struct concepts *to, struct entry *v, size_t n)
{
	struct building b = { .to = to, .v = v, .free_from = 1 };
	size_t last = 0;
	int rc;

	qsort(v, n, sizeof(*v), by_text);
	if ((rc = states_grow(&b, 257)) < 0 || (rc = build_state(&b, 0, 0, n, 0)) < 0)
		return rc;
	for (size_t i = 0; i < b.cap; i++)
		if (to->node[i].check >= 0)
			last = i;
	for (size_t i = 0; i <= last; i++) {
		to->node[i].base = (int32_t)htole32((uint32_t)to->node[i].base);
		to->node[i].check = (int32_t)htole32((uint32_t)to->node[i].check);
	}
	to->trie = (struct concept_trie){ to->node, to->value, last + 1 };
	return 0;
}

int
concepts_load(struct concepts **out, const char *path, struct diag *diag)
{
	struct reading r = { .path = path, .diag = diag };
	int rc;

	*out = NULL;
	r.to = calloc(1, sizeof(*r.to));
	r.arena = arena_new(0);
	if (r.to == NULL || r.arena == NULL) {
		rc = -ENOMEM;
	} else if ((rc = file_parse(&r)) == 0) {
		if (r.n == 0) {
			diag_error(diag, path, 0, 0, "no concepts");
			rc = -EINVAL;
		} else {
			rc = build(r.to, r.v, r.n);
		}
	}
	free(r.v);
	arena_free(&r.arena);
	if (rc == 0) {
		*out = r.to;
		r.to = NULL;
	}
	concepts_free(&r.to);
	return rc;
}

void
concepts_free(struct concepts **c)
{
	if (*c == NULL)
		return;
	for (unsigned i = 0; i <= CONCEPTS_MAX; i++)
		free((*c)->name[i]);
	free((*c)->node);
	free((*c)->value);
	free(*c);
	*c = NULL;
}
