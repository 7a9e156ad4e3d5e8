/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/mask.h"
#include "icap-llmsec/mask_private.h"

#define MASK_KINDS_LEN	8	/* longest kind */
#define MASK_NUMBER_MAX	(1u << 20)	/* higher numbers are never issued, so they need no reserving */

struct mask_entry {
	char	 token[MASK_TOKEN_MAX];
	size_t	 token_len;
	char	*original;
	size_t	 len;
	unsigned next;		/* hash chain, index + 1 */
};

struct mask_vault {
	struct mask_entry **v;		/* entries stay where they are: callers keep tokens */
	size_t		   n, cap;
	unsigned	  *bucket;	/* by original */
	size_t		   n_bucket;
	unsigned	   last;	/* number of the newest token */
	uint64_t	  *seen;	/* numbers of placeholders that stand in the text */
	size_t		   seen_words;
};

struct mask_vault *
mask_vault_new(void)
{
	return calloc(1, sizeof(struct mask_vault));
}

void
mask_vault_free(struct mask_vault **vp)
{
	struct mask_vault *v = *vp;

	*vp = NULL;
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n; i++) {
		free(v->v[i]->original);
		free(v->v[i]);
	}
	free(v->v);
	free(v->bucket);
	free(v->seen);
	free(v);
}

size_t
mask_vault_count(const struct mask_vault *v)
{
	return v ? v->n : 0;
}

/* FNV-1a, 32 bits (RFC draft-eastlake-fnv): the vault of one request, bounded by TX_MAX. */
static unsigned
mask_hash(const char *p, size_t n)
{
	unsigned h = 2166136261u;

	while (n-- > 0)
		h = (h ^ (unsigned char)*p++) * 16777619u;
	return h;
}

/* What a character may look like once a model has rewritten it; 0: not that one.  *partial: the text ended within. */
static size_t
char_parse(const char *p, size_t n, char c, int *partial)
{
	if (n > 0 && p[0] == c)
		return 1;
	if (n > 0 && p[0] == '\\' && (n == 1 || p[1] == c)) {
		*partial = n == 1;
		return n == 1 ? 0 : 2;
	}
	*partial = n == 0;
	return 0;
}

/*
 * Parse "[KIND_NUMBER]" at p, in the spellings of Markdown too: "[KIND\_NUMBER]", "\[KIND\_NUMBER\]", kinds in any case.  Brackets are
 * escaped both or none: the backslash of "DOMAIN\[EMAIL_1]" is the client's.  Returns its length, 0 if there is none; *partial is
 * set when the text ended while it could still become one.  <token>, of MASK_TOKEN_MAX bytes: as we wrote it.
 */
static size_t
token_read(const char *p, size_t n, char *token, size_t *token_len, unsigned *num, int *partial)
{
	size_t i, k, kind = 0, digits = 0, bracket;
	unsigned long v = 0;

	*partial = 0;
	if (n == 0 || (i = char_parse(p, n, '[', partial)) == 0)
		return 0;
	bracket = i;
	token[0] = '[';
	while (i < n && kind < MASK_KINDS_LEN && ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'z'))
		token[++kind] = (char)(p[i++] & ~0x20);
	if (i == n) {
		*partial = 1;
		return 0;
	}
	if (kind == 0 || (k = char_parse(p + i, n - i, '_', partial)) == 0)
		return 0;
	i += k;
	token[kind + 1] = '_';
	for (; i < n && p[i] >= '0' && p[i] <= '9' && digits < 9; digits++) {
		v = v * 10 + (unsigned long)(p[i] - '0');
		token[kind + 2 + digits] = p[i++];
	}
	if (i == n) {
		*partial = 1;
		return 0;
	}
	if (digits == 0 || (k = char_parse(p + i, n - i, ']', partial)) == 0)
		return 0;
	if (k != bracket)
		return 0;
	token[kind + 2 + digits] = ']';
	*token_len = kind + 3 + digits;
	*num = (unsigned)v;
	return i + k;
}

static size_t
token_parse(const char *p, size_t n, unsigned *num, int *partial)
{
	char token[MASK_TOKEN_MAX];
	size_t k;

	return token_read(p, n, token, &k, num, partial);
}

static int
seen_add(struct mask_vault *v, unsigned num)
{
	size_t words = num / 64 + 1;
	uint64_t *p;

	if (words > v->seen_words) {
		p = realloc(v->seen, words * sizeof(*p));
		if (p == NULL)
			return -ENOMEM;
		memset(p + v->seen_words, 0, (words - v->seen_words) * sizeof(*p));
		v->seen = p;
		v->seen_words = words;
	}
	v->seen[num / 64] |= 1ULL << num % 64;
	return 0;
}

int
mask_reserve(struct mask_vault *v, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	unsigned num;
	int partial, rc = 0;

	while (rc == 0 && (p = memchr(p, '[', (size_t)(end - p))) != NULL) {
		if ((token_parse(p, (size_t)(end - p), &num, &partial) != 0 ||
		    (p > text && p[-1] == '\\' && token_parse(p - 1, (size_t)(end - p) + 1, &num, &partial) != 0)) && num < MASK_NUMBER_MAX)
			rc = seen_add(v, num);
		p++;
	}
	return rc;
}

static int
mask_grow(struct mask_vault *v)
{
	size_t cap = v->cap ? v->cap * 2 : 16;
	struct mask_entry **e = realloc(v->v, cap * sizeof(*e));
	unsigned *b;

	if (e == NULL)
		return -ENOMEM;
	v->v = e;
	b = calloc(cap * 2, sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	free(v->bucket);
	v->bucket = b;
	v->n_bucket = cap * 2;
	v->cap = cap;
	for (size_t i = 0; i < v->n; i++) {
		unsigned *slot = &b[mask_hash(e[i]->original, e[i]->len) % v->n_bucket];

		e[i]->next = *slot;
		*slot = (unsigned)i + 1;
	}
	return 0;
}

static const struct mask_entry *
mask_find(const struct mask_vault *v, const char *original, size_t len)
{
	const struct mask_entry *e;

	if (v->n_bucket == 0)
		return NULL;
	for (unsigned i = v->bucket[mask_hash(original, len) % v->n_bucket]; i != 0; i = e->next) {
		e = v->v[i - 1];
		if (e->len == len && memcmp(e->original, original, len) == 0)
			return e;
	}
	return NULL;
}

/* The next number that stands nowhere in the text, 0 if there is none. */
static unsigned
mask_number(const struct mask_vault *v)
{
	unsigned n = v->last + 1;

	while (n / 64 < v->seen_words && v->seen[n / 64] >> n % 64 & 1)
		n++;
	return n < MASK_NUMBER_MAX ? n : 0;
}

const char *
mask_token(struct mask_vault *v, const char *kind, const char *original, size_t len)
{
	const struct mask_entry *have = mask_find(v, original, len);
	struct mask_entry *e;
	unsigned *slot, num = mask_number(v);

	if (have != NULL)
		return have->token;
	if (num == 0 || strlen(kind) > MASK_KINDS_LEN || (v->n == v->cap && mask_grow(v) < 0))
		return NULL;
	e = malloc(sizeof(*e));
	if (e == NULL || (e->original = malloc(len + 1)) == NULL) {
		free(e);
		return NULL;
	}
	memcpy(e->original, original, len);
	e->original[len] = '\0';
	e->len = len;
	v->last = num;
	e->token_len = (size_t)snprintf(e->token, sizeof(e->token), "[%s_%u]", kind, num);
	slot = &v->bucket[mask_hash(original, len) % v->n_bucket];
	e->next = *slot;
	v->v[v->n++] = e;
	*slot = (unsigned)v->n;
	return e->token;
}

const char *
mask_original(const struct mask_vault *v, const char *token, size_t token_len, size_t *len)
{
	if (v == NULL)
		return NULL;
	for (size_t i = 0; i < v->n; i++)
		if (v->v[i]->token_len == token_len && memcmp(v->v[i]->token, token, token_len) == 0) {
			*len = v->v[i]->len;
			return v->v[i]->original;
		}
	return NULL;
}

static size_t
unmask(const struct mask_vault *v, const char *text, size_t len, bool json, struct buf *out)
{
	const char *p = text, *from = text, *end = text + len, *open, *o;
	char token[MASK_TOKEN_MAX];
	size_t n = 0, k, olen, tlen;
	unsigned num;
	int partial;

	while (mask_vault_count(v) > 0 && p < end && (p = memchr(p, '[', (size_t)(end - p))) != NULL) {
		open = p;
		p -= p > from && p[-1] == '\\';		/* Markdown */
		k = token_read(p, (size_t)(end - p), token, &tlen, &num, &partial);
		if (k == 0 && p < open) {
			p = open;
			k = token_read(p, (size_t)(end - p), token, &tlen, &num, &partial);
		}
		o = k != 0 ? mask_original(v, token, tlen, &olen) : NULL;
		if (o == NULL) {
			p = open + 1;
			continue;
		}
		buf_add(out, from, (size_t)(p - from));
		if (json)
			buf_add_json(out, o, olen);
		else
			buf_add(out, o, olen);
		p += k;
		from = p;
		n++;
	}
	buf_add(out, from, (size_t)(end - from));
	return n;
}

size_t
mask_unmask(const struct mask_vault *v, const char *text, size_t len, struct buf *out)
{
	return unmask(v, text, len, false, out);
}

size_t
mask_unmask_json(const struct mask_vault *v, const char *text, size_t len, struct buf *out)
{
	return unmask(v, text, len, true, out);
}

size_t
mask_partial(const struct mask_vault *v, const char *text, size_t len)
{
	size_t from = len > MASK_TOKEN_MAX + 3 ? len - MASK_TOKEN_MAX - 3 : 0;
	unsigned num;
	int partial;

	if (mask_vault_count(v) == 0)
		return 0;
	for (size_t i = from; i < len; i++)
		if ((text[i] == '[' || text[i] == '\\') && token_parse(text + i, len - i, &num, &partial) == 0 && partial)
			return len - i;
	return 0;
}

int
mask_vault_entry(const struct mask_vault *v, size_t i, const char **token, const char **original, size_t *len)
{
	if (v == NULL || i >= v->n)
		return -1;
	*token = v->v[i]->token;
	*original = v->v[i]->original;
	*len = v->v[i]->len;
	return 0;
}

/* As we write them, and in no other spelling. */
static bool
token_ours(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\\' || (p[i] >= 'a' && p[i] <= 'z'))
			return false;
	return true;
}

int
mask_vault_add(struct mask_vault *v, const char *token, size_t token_len, const char *original, size_t len)
{
	char kind[MASK_KINDS_LEN + 1];
	const char *us = memchr(token, '_', token_len);
	unsigned num;
	int partial;

	if (us == NULL || (size_t)(us - token) > MASK_KINDS_LEN + 1 ||
	    !token_ours(token, token_len) || token_parse(token, token_len, &num, &partial) != token_len || num <= v->last || num >= MASK_NUMBER_MAX ||
	    mask_find(v, original, len) != NULL)
		return -1;
	memcpy(kind, token + 1, (size_t)(us - token) - 1);
	kind[us - token - 1] = '\0';
	v->last = num - 1;
	return mask_token(v, kind, original, len) ? 0 : -1;
}
