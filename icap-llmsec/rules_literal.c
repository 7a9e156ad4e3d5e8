/* SPDX-License-Identifier: MIT */
/*
 * What literals must be in a text for a pattern to match: a walk over the pattern that keeps, for each part, either all the
 * strings that it may be (few and short) or sets of strings of which one is in each match.  The idea is that of R. Cox,
 * "Regular Expression Matching with a Trigram Index" (2012).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/rules_private.h"

#define EXACT_MAX	96	/* strings that a part may be before it is only known to hold one of them */
#define STRING_MAX	48	/* bytes of each */
#define LITERAL_MIN	2	/* bytes: a shorter literal is in every text */
#define GROUPS_MAX	16	/* candidates of a sequence */
#define DEPTH_MAX	48
#define UNBOUNDED	SIZE_MAX

struct part {
	bool		 exact;		/* it is one of <set> */
	struct conf_strs set;
	struct conf_strs group[RULE_GROUPS];	/* else: holds one of each of these */
	unsigned	 n;
	size_t		 max;		/* bytes of a match */
};

struct walk {
	const char	*p;
	struct arena	*arena;
	unsigned	 depth;
	bool		 fail;
};

static size_t
add(size_t a, size_t b)
{
	return a > UNBOUNDED - b ? UNBOUNDED : a + b;
}

static size_t
times(size_t a, size_t b)
{
	return a != 0 && b > UNBOUNDED / a ? UNBOUNDED : a * b;
}

static void
part_string(struct walk *w, struct part *t, const char *s, size_t len)
{
	memset(t, 0, sizeof(*t));
	t->set.v = arena_alloc(w->arena, sizeof(char *));
	if (t->set.v == NULL || (t->set.v[0] = arena_strndup(w->arena, s, len)) == NULL) {
		w->fail = true;
		return;
	}
	t->set.n = 1;
	t->exact = true;
	t->max = len;
}

static void
part_unknown(struct part *t, size_t max)
{
	memset(t, 0, sizeof(*t));
	t->max = max;
}

static size_t
shortest(const struct conf_strs *s)
{
	size_t n = SIZE_MAX;

	for (size_t i = 0; i < s->n; i++)
		n = strlen(s->v[i]) < n ? strlen(s->v[i]) : n;
	return s->n > 0 ? n : 0;
}

/* How seldom one of <s> is in a text, roughly: long and few. */
static size_t
worth(const struct conf_strs *s)
{
	size_t n = shortest(s), few = s->n < 64 ? (64 - s->n) / 16 : 0;

	return n < LITERAL_MIN ? 0 : 8 * (n < 10 ? n : 10) + few;
}

static void
group_add(struct part *t, const struct conf_strs *s)
{
	struct conf_strs x = *s, y;

	if (worth(s) == 0)
		return;
	for (unsigned i = 0; i < t->n; i++) {	/* the best first */
		if (worth(&x) > worth(&t->group[i])) {
			y = t->group[i];
			t->group[i] = x;
			x = y;
		}
	}
	if (t->n < RULE_GROUPS)
		t->group[t->n++] = x;
}

/* <a> becomes <a> x <b>, if that is few and short enough. */
static bool
product(struct walk *w, struct conf_strs *a, const struct conf_strs *b)
{
	struct conf_strs out = {.v = NULL};
	char *s;

	if (a->n * b->n > EXACT_MAX)
		return false;
	out.v = arena_alloc(w->arena, (a->n * b->n + 1) * sizeof(char *));
	for (size_t i = 0; out.v != NULL && i < a->n; i++) {
		for (size_t k = 0; k < b->n; k++) {
			size_t n = strlen(a->v[i]), m = strlen(b->v[k]);

			if (n + m > STRING_MAX)
				return false;
			s = arena_alloc(w->arena, n + m + 1);
			if (s == NULL)
				return false;
			memcpy(s, a->v[i], n);
			memcpy(s + n, b->v[k], m + 1);
			out.v[out.n++] = s;
		}
	}
	if (out.v != NULL)
		*a = out;
	return out.v != NULL;
}

static bool
join(struct walk *w, struct conf_strs *a, const struct conf_strs *b, size_t max)
{
	char **v;

	if (a->n + b->n > max)
		return false;
	v = arena_alloc(w->arena, (a->n + b->n + 1) * sizeof(*v));
	if (v == NULL)
		return false;
	if (a->n > 0)
		memcpy(v, a->v, a->n * sizeof(*v));
	if (b->n > 0)
		memcpy(v + a->n, b->v, b->n * sizeof(*v));
	a->v = v;
	a->n += b->n;
	return true;
}

/* What a part needs, whether it is known exactly or not. */
static unsigned
needs(const struct part *t, struct conf_strs out[RULE_GROUPS])
{
	if (!t->exact) {
		memcpy(out, t->group, sizeof(t->group));
		return t->n;
	}
	out[0] = t->set;
	return worth(&t->set) > 0;
}

static void	walk_alt(struct walk *, struct part *);

/* "[...]": a few characters, or anything of up to four bytes. */
static void
walk_class(struct walk *w, struct part *t)
{
	struct part one;
	bool plain = *w->p != '^';
	size_t n;

	part_string(w, t, "", 0);
	t->set.n = 0;
	for (bool first = true; *w->p != '\0' && (first || *w->p != ']'); first = false) {
		if (*w->p == '^' && first) {
			w->p++;
			if (*w->p == ']')
				w->p++;
			continue;
		}
		if (*w->p == '\\') {
			plain = plain && strchr(".-]['\"\\/^*+?(){}|!#$", w->p[1]) != NULL && w->p[1] != '\0';
			w->p += w->p[1] != '\0';
		} else if (*w->p == '-' || (*w->p == '[' && w->p[1] == ':')) {
			plain = plain && *w->p == '-' && (first || w->p[1] == ']');
			if (*w->p == '[') {
				const char *e = strstr(w->p, ":]");

				w->p = e != NULL ? e + 1 : w->p;
			}
		}
		for (n = 1; ((unsigned char)w->p[n] & 0xc0) == 0x80; n++)
			;
		part_string(w, &one, w->p, n);
		plain = plain && !w->fail && join(w, &t->set, &one.set, 12);
		w->p += n;
	}
	if (*w->p == ']')
		w->p++;
	else
		w->fail = true;
	t->max = 4;
	if (!plain)
		part_unknown(t, 4);
}

static void
walk_escape(struct walk *w, struct part *t)
{
	char c = *w->p;

	if (c == '\0') {
		w->fail = true;
		return;
	}
	w->p++;
	if (strchr("bBAzZGK", c) != NULL) {
		part_string(w, t, "", 0);
	} else if (strchr("wWdDsShHvVNR", c) != NULL) {
		part_unknown(t, 4);
	} else if ((c == 'p' || c == 'P') && *w->p == '{') {
		w->p = strchr(w->p, '}');
		if (w->p == NULL) {
			w->p = "";
			w->fail = true;
		} else {
			w->p++;
		}
		part_unknown(t, 4);
	} else if (c >= '1' && c <= '9' && !(*w->p >= '0' && *w->p <= '9')) {
		part_unknown(t, UNBOUNDED);	/* a back reference */
	} else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80) {
		w->fail = true;
	} else {
		part_string(w, t, &c, 1);
	}
}

static void
walk_group(struct walk *w, struct part *t)
{
	bool empty = false;

	if (*w->p == '*') {
		w->fail = true;
		return;
	}
	if (*w->p == '?') {
		if (strncmp(w->p, "?:", 2) == 0 || strncmp(w->p, "?>", 2) == 0) {
			w->p += 2;
		} else if (strncmp(w->p, "?=", 2) == 0 || strncmp(w->p, "?!", 2) == 0) {
			w->p += 2;
			empty = true;
		} else if (strncmp(w->p, "?<=", 3) == 0 || strncmp(w->p, "?<!", 3) == 0) {
			w->p += 3;
			empty = true;
		} else {
			w->fail = true;
			return;
		}
	}
	walk_alt(w, t);
	if (*w->p == ')')
		w->p++;
	else
		w->fail = true;
	if (empty)
		part_string(w, t, "", 0);
}

static void
walk_atom(struct walk *w, struct part *t)
{
	const char *s = w->p++;

	part_unknown(t, 4);
	switch (*s) {
	case '(':
		walk_group(w, t);
		break;
	case '[':
		walk_class(w, t);
		break;
	case '\\':
		walk_escape(w, t);
		break;
	case '^': case '$':
		part_string(w, t, "", 0);
		break;
	case '.':
		break;
	case '*': case '+': case '?':
		w->fail = true;
		break;
	default:
		while (((unsigned char)*w->p & 0xc0) == 0x80)
			w->p++;
		part_string(w, t, s, (size_t)(w->p - s));
	}
}

/* "?", "*", "+", "{n}", "{n,}", "{n,m}"; false: none. */
static bool
walk_count(struct walk *w, size_t *lo, size_t *hi)
{
	char *e;

	*lo = *w->p == '+';
	*hi = *w->p == '?' ? 1 : UNBOUNDED;
	if (*w->p == '{' && w->p[1] >= '0' && w->p[1] <= '9') {
		*lo = *hi = strtoul(w->p + 1, &e, 10);
		if (*e == ',') {
			e++;
			*hi = *e == '}' ? UNBOUNDED : strtoul(e, &e, 10);
		}
		if (*e != '}') {
			w->fail = true;
			return false;
		}
		w->p = e + 1;
	} else if (*w->p == '?' || *w->p == '*' || *w->p == '+') {
		w->p++;
	} else {
		return false;
	}
	if (*w->p == '?' || *w->p == '+')
		w->p++;
	return true;
}

static void
walk_counted(struct walk *w, struct part *t)
{
	struct conf_strs empty, v[RULE_GROUPS];
	struct part one;
	size_t lo, hi, max;

	walk_atom(w, t);
	while (!w->fail && walk_count(w, &lo, &hi)) {
		max = times(t->max, hi);
		if (lo == 1 && hi == 1)
			continue;
		part_string(w, &one, "", 0);
		empty = one.set;
		if (lo == 0 && hi == 1 && t->exact && join(w, &t->set, &empty, EXACT_MAX))
			continue;
		memset(v, 0, sizeof(v));
		one.n = lo > 0 ? needs(t, v) : 0;
		part_unknown(t, max);
		for (unsigned i = 0; i < one.n; i++)
			group_add(t, &v[i]);
	}
}

static void
walk_seq(struct walk *w, struct part *t)
{
	struct part item, sum, one;
	struct conf_strs cur, v[RULE_GROUPS];
	bool exact = true;
	unsigned n;

	part_unknown(&sum, 0);
	part_string(w, &one, "", 0);
	cur = one.set;
	while (!w->fail && *w->p != '\0' && *w->p != '|' && *w->p != ')') {
		walk_counted(w, &item);
		sum.max = add(sum.max, item.max);
		if (w->fail || (item.exact && product(w, &cur, &item.set)))
			continue;
		exact = false;
		group_add(&sum, &cur);
		cur = item.exact ? item.set : one.set;
		n = item.exact ? 0 : needs(&item, v);
		for (unsigned i = 0; i < n; i++)
			group_add(&sum, &v[i]);
	}
	if (!exact)
		group_add(&sum, &cur);
	sum.exact = exact;
	sum.set = cur;
	*t = sum;
}

static void
alt_join(struct walk *w, struct part *t, const struct part *b)
{
	struct conf_strs x[RULE_GROUPS], y[RULE_GROUPS];
	unsigned n = needs(t, x), m = needs(b, y);
	size_t max = t->max > b->max ? t->max : b->max;

	if (t->exact && b->exact && join(w, &t->set, &b->set, EXACT_MAX)) {
		t->max = max;
		return;
	}
	part_unknown(t, max);
	for (unsigned i = 0; i < n && i < m; i++)
		if (join(w, &x[i], &y[i], 400))
			group_add(t, &x[i]);
}

static void
walk_alt(struct walk *w, struct part *t)
{
	struct part branch;

	if (++w->depth > DEPTH_MAX) {
		w->fail = true;
		return;
	}
	walk_seq(w, t);
	while (!w->fail && *w->p == '|') {
		w->p++;
		walk_seq(w, &branch);
		if (!w->fail)
			alt_join(w, t, &branch);
	}
	w->depth--;
}

/* Where one literal holds another, finding the other is enough. */
static void
thin(struct conf_strs *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		bool keep = true;

		for (size_t k = 0; keep && k < s->n; k++)
			keep = k == i || strstr(s->v[i], s->v[k]) == NULL || (strcmp(s->v[i], s->v[k]) == 0 && i < k);
		if (keep)
			s->v[n++] = s->v[i];
	}
	s->n = n;
}

void
rules_need(struct need *out, const char *pattern, struct arena *a)
{
	struct walk w = {.p = pattern, .arena = a};
	struct part t;
	struct conf_strs v[RULE_GROUPS] = {{0}};

	memset(out, 0, sizeof(*out));
	out->max_len = UNBOUNDED;
	walk_alt(&w, &t);
	if (w.fail || *w.p != '\0')
		return;
	out->max_len = t.max;
	out->n = needs(&t, v);
	for (unsigned i = 0; i < out->n; i++) {
		out->group[i] = v[i];
		thin(&out->group[i]);
	}
}
