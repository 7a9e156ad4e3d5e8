/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/plan_split.h"

/*
 * A pattern "(?i:A|B|C)" matches where A, B or C does.  As one program, PCRE2 tries all of them at every byte;
 * apart, each has literals and first bytes of its own, and most need not run at all.  We take patterns apart
 * only where that is plain to see: no captures, no references, no flags but a leading (?i), no atomic groups or
 * look-around where we cut.  Whatever else is in them makes us leave them whole.
 */

struct split {
	struct arena	*arena;
	struct waf_str	*out;
	size_t		 n, max;
	bool		 caseless, failed;
};

/* Past the class that begins at <i>; 0: not understood. */
static size_t
class_past(struct waf_str s, size_t i)
{
	i++;
	i += i < s.n && s.p[i] == '^';
	i += i < s.n && s.p[i] == ']';
	for (; i < s.n && s.p[i] != ']'; i++) {
		if (s.p[i] == '[' && i + 1 < s.n && strchr(":.=", s.p[i + 1]) != NULL)
			return 0;
		i += s.p[i] == '\\';
	}
	return i < s.n ? i + 1 : 0;
}

/* Past the escape at <i>; 0: quoting, references, \G and the like. */
static size_t
escape_past(struct waf_str s, size_t i)
{
	if (i + 1 >= s.n || strchr("QEGKCXRgk123456789", s.p[i + 1]) != NULL)
		return 0;
	return i + 2;
}

/* Length of "(?:" or "(?i:" at <i>; 0: any other group. */
static size_t
group_head(struct waf_str s, size_t i)
{
	if (s.n - i >= 3 && memcmp(s.p + i, "(?:", 3) == 0)
		return 3;
	if (s.n - i >= 4 && memcmp(s.p + i, "(?i:", 4) == 0)
		return 4;
	return 0;
}

/* Past the group, class, escape or byte at <i>; 0: not understood. */
static size_t
unit_past(struct waf_str s, size_t i)
{
	size_t head;

	switch (s.p[i]) {
	case '\\':
		return escape_past(s, i);
	case '[':
		return class_past(s, i);
	case '(':
		if ((head = group_head(s, i)) == 0)
			return 0;
		for (i += head; i < s.n && s.p[i] != ')';)
			if ((i = unit_past(s, i)) == 0)
				return 0;
		return i < s.n ? i + 1 : 0;
	case ')':
		return 0;
	default:
		return i + 1;
	}
}

/* The alternative that begins at <i>: up to a bar or the end. */
static size_t
branch_end(struct waf_str s, size_t i)
{
	while (i < s.n && s.p[i] != '|')
		if ((i = unit_past(s, i)) == 0)
			return SIZE_MAX;
	return i;
}

static size_t
branches(struct waf_str s)
{
	size_t n = 0, i;

	for (i = 0; n++, (i = branch_end(s, i)) < s.n; i++)
		;
	return i == SIZE_MAX ? 0 : n;
}

static bool
quantified(struct waf_str s, size_t i)
{
	return i < s.n && strchr("?*+{", s.p[i]) != NULL;
}

static void
emit(struct split *sp, struct waf_str s)
{
	char *p;

	if (sp->n >= sp->max) {
		sp->failed = true;
		return;
	}
	p = arena_printf(sp->arena, "%s%.*s", sp->caseless ? "(?i)" : "", (int)s.n, s.p);
	sp->failed |= p == NULL;
	sp->out[sp->n++] = (struct waf_str){p, p != NULL ? strlen(p) : 0};
}

static void	take_apart(struct split *, struct waf_str, int depth);

static void
each_branch(struct split *sp, struct waf_str s, int depth)
{
	size_t i, end;

	for (i = 0;; i = end + 1) {
		end = branch_end(s, i);
		take_apart(sp, (struct waf_str){s.p + i, end - i}, depth);
		if (end >= s.n)
			return;
	}
}

/* The largest group of the sequence that has alternatives and no quantifier. */
static bool
widest_group(struct waf_str s, size_t *from, size_t *past)
{
	size_t i, end, head;

	for (*from = *past = 0, i = 0; i < s.n; i = end) {
		end = unit_past(s, i);
		if (s.p[i] != '(' || quantified(s, end) || end - i <= *past - *from)
			continue;
		head = group_head(s, i);
		if (branches((struct waf_str){s.p + i + head, end - 1 - i - head}) > 1) {
			*from = i;
			*past = end;
		}
	}
	return *past - *from > s.n / 2;
}

/* X(?:A|B)Y is XAY or XBY; a group with a flag keeps it. */
static void
distribute(struct split *sp, struct waf_str s, size_t from, size_t past, int depth)
{
	size_t head = group_head(s, from), i, end;
	struct waf_str in = {s.p + from + head, past - 1 - from - head};
	char *p;

	for (i = 0; !sp->failed; i = end + 1) {
		end = branch_end(in, i);
		p = arena_printf(sp->arena, "%.*s%s%.*s%s%.*s", (int)from, s.p, head == 4 ? "(?i:" : "", (int)(end - i), in.p + i,
		    head == 4 ? ")" : "", (int)(s.n - past), s.p + past);
		if (p == NULL)
			sp->failed = true;
		else
			take_apart(sp, (struct waf_str){p, strlen(p)}, depth);
		if (end >= in.n)
			return;
	}
}

static void
take_apart(struct split *sp, struct waf_str s, int depth)
{
	size_t head, from, past;

	if (sp->failed)
		return;
	if (depth == 0) {
		emit(sp, s);
		return;
	}
	/* the whole is one group: without it, if it changes nothing */
	if ((head = s.n > 0 && s.p[0] == '(' ? group_head(s, 0) : 0) == 3 && unit_past(s, 0) == s.n)
		take_apart(sp, (struct waf_str){s.p + 3, s.n - 4}, depth);
	else if (branches(s) > 1)
		each_branch(sp, s, depth - 1);
	else if (widest_group(s, &from, &past))
		distribute(sp, s, from, past, depth - 1);
	else
		emit(sp, s);
}

size_t
plan_split(struct waf_str s, struct waf_str *out, size_t max, struct arena *a)
{
	struct split sp = {.arena = a, .out = out, .max = max};

	if (memchr(s.p, '\0', s.n) != NULL)
		return 0;
	if (s.n >= 4 && memcmp(s.p, "(?i)", 4) == 0) {
		sp.caseless = true;
		s = (struct waf_str){s.p + 4, s.n - 4};
	}
	if (group_head(s, 0) == 4 && unit_past(s, 0) == s.n) {
		sp.caseless = true;
		s = (struct waf_str){s.p + 4, s.n - 5};
	}
	if (branches(s) == 0)
		return 0;
	take_apart(&sp, s, 3);
	return sp.failed || sp.n < 2 ? 0 : sp.n;
}
