/* SPDX-License-Identifier: MIT */
/* PCRE2's pattern syntax (pcre2pattern(3)) into a tree of what it consumes. */
#include "config.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "haproxy-spoa/waf/rxlit_private.h"
#include "lib/arena.h"

#define DEPTH_MAX	200	/* PCRE2's own default is 250 */
#define REPEAT_MAX	65535

/* Options that change nothing, or what the parser knows; any other makes it give up. */
#define KNOWN_OPTIONS	(PCRE2_CASELESS | PCRE2_EXTENDED | PCRE2_DOTALL | PCRE2_MULTILINE | PCRE2_DOLLAR_ENDONLY | \
			PCRE2_UNGREEDY | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NO_AUTO_CAPTURE | PCRE2_DUPNAMES | \
			PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_POSSESS | \
			PCRE2_NO_START_OPTIMIZE | PCRE2_NO_DOTSTAR_ANCHOR | PCRE2_FIRSTLINE | PCRE2_USE_OFFSET_LIMIT)

struct list {
	struct rx_node *first, **end;
	struct rx_node *last;
};

static struct rx_node	*parse_alternatives(struct rx_parser *);

static struct rx_node *
new_node(struct rx_parser *p, enum rx_type type)
{
	struct rx_node *n = arena_calloc(p->arena, 1, sizeof(*n));

	if (n == NULL)
		p->fail = true;
	else
		n->type = type;
	return n;
}

static void
append(struct list *l, struct rx_node *n)
{
	if (n == NULL)
		return;
	*l->end = n;
	l->end = &n->next;
	l->last = n;
}

static void
append_set(struct rx_parser *p, struct list *l, const uint64_t *set)
{
	struct rx_node *n = new_node(p, RX_SET);

	if (n != NULL)
		memcpy(n->set, set, sizeof(n->set));
	append(l, n);
}

static void
append_byte(struct rx_parser *p, struct list *l, unsigned c)
{
	uint64_t set[4] = { 0 };

	rx_set_add(set, c);
	if (p->caseless)
		rx_set_fold(set);
	append_set(p, l, set);
}

static void
append_any(struct rx_parser *p, struct list *l)
{
	static const uint64_t any[4] = { ~0ULL, ~0ULL, ~0ULL, ~0ULL };

	append_set(p, l, any);
}

static bool
at(const struct rx_parser *p, char c)
{
	return p->p < p->end && *p->p == (unsigned char)c;
}

static bool
skip(struct rx_parser *p, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(p->end - p->p) < n || memcmp(p->p, s, n) != 0)
		return false;
	p->p += n;
	return true;
}

/* Behind the next <c>. */
static void
skip_to(struct rx_parser *p, char c)
{
	const unsigned char *q = memchr(p->p, c, (size_t)(p->end - p->p));

	if (q == NULL)
		p->fail = true;
	else
		p->p = q + 1;
}

/* What is quantified is one item: give it a node of its own. */
static void
repeat_last(struct rx_parser *p, struct list *l, uint32_t lo, uint32_t hi)
{
	struct rx_node *copy;

	if (l->last == NULL) {
		p->fail = true;
		return;
	}
	copy = new_node(p, RX_EMPTY);
	if (copy == NULL)
		return;
	*copy = *l->last;
	copy->next = NULL;
	*l->last = (struct rx_node){ .type = RX_REPEAT, .lo = lo, .hi = hi, .child = copy };
}

static bool
read_count(const unsigned char **q, const unsigned char *end, uint32_t *v)
{
	const unsigned char *start = *q;

	for (*v = 0; *q < end && **q >= '0' && **q <= '9'; (*q)++)
		*v = *v > REPEAT_MAX ? *v : *v * 10 + (uint32_t)(**q - '0');
	return *q > start;
}

/* {n}, {n,}, {n,m} are quantifiers for every PCRE2; p is at "{".  False: it isn't one of those. */
static bool
parse_braces(struct rx_parser *p, uint32_t *lo, uint32_t *hi)
{
	const unsigned char *q = p->p + 1;

	if (!read_count(&q, p->end, lo))
		return false;
	*hi = *lo;
	if (q < p->end && *q == ',') {
		q++;
		if (!read_count(&q, p->end, hi))
			*hi = RX_INF;
	}
	if (q == p->end || *q != '}')
		return false;
	if (*lo > REPEAT_MAX || (*hi != RX_INF && (*hi > REPEAT_MAX || *hi < *lo)))
		p->fail = true;
	p->p = q + 1;
	return true;
}

/* {,3} and { 1, 3 } are text up to PCRE2 10.42 and quantifiers since. */
static bool
ambiguous_braces(const struct rx_parser *p)
{
	const unsigned char *q = p->p + 1;

	while (q < p->end && *q != '\0' && strchr("0123456789, \t", *q) != NULL)
		q++;
	return q < p->end && *q == '}' && q > p->p + 1;
}

static void
parse_brace(struct rx_parser *p, struct list *l)
{
	uint32_t lo, hi;

	if (parse_braces(p, &lo, &hi)) {
		repeat_last(p, l, lo, hi);
	} else if (ambiguous_braces(p)) {
		if (l->last != NULL)
			repeat_last(p, l, 0, RX_INF);
		append(l, new_node(p, RX_ANYTHING));
		skip_to(p, '}');
	} else {
		append_byte(p, l, '{');
		p->p++;
		return;
	}
	if (at(p, '?') || at(p, '+'))
		p->p++;
}

static void
parse_quantifier(struct rx_parser *p, struct list *l)
{
	uint32_t lo = *p->p == '+', hi = *p->p == '?' ? 1 : RX_INF;

	p->p++;
	repeat_last(p, l, lo, hi);
	if (at(p, '?') || at(p, '+'))	/* lazy, possessive */
		p->p++;
}

/* \1, \12 (which may be octal: then it is text, and "anything" covers that), \g1, \g{-1}, \k<name> */
static void
parse_reference(struct rx_parser *p, struct list *l)
{
	static const char open[] = "{<'", close[] = "}>'";
	unsigned c = *p->p++;
	const char *o;

	append(l, new_node(p, RX_ANYTHING));
	if (c == 'g' || c == 'k') {
		if (p->p == p->end)
			p->fail = true;
		else if (*p->p != '\0' && (o = strchr(open, *p->p)) != NULL) {
			p->fail = p->fail || (c == 'g' && *o != '{');	/* a call */
			p->p++;
			skip_to(p, close[o - open]);
			return;
		}
		if (c == 'k')
			p->fail = true;
		if (at(p, '-') || at(p, '+'))
			p->p++;
	}
	while (p->p < p->end && *p->p >= '0' && *p->p <= '9')
		p->p++;
}

/* \R: CR LF, or one of LF VT FF CR NEL. */
static void
append_newline(struct rx_parser *p, struct list *l)
{
	static const uint64_t nl[4] = { 0x3c00, 0, 1ULL << (0x85 - 128), 0 };

	append_set(p, l, nl);
	repeat_last(p, l, 1, 2);
}

static void
parse_quoted(struct rx_parser *p, struct list *l)
{
	while (p->p < p->end && !skip(p, "\\E"))
		append_byte(p, l, *p->p++);
}

static void
parse_escape(struct rx_parser *p, struct list *l)
{
	struct rx_bytes b;
	unsigned c;

	if (rx_escape_bytes(p, false, &b)) {
		if (b.byte != 256)
			append_byte(p, l, b.byte);
		else
			append_set(p, l, b.set);
		return;
	}
	if (p->p == p->end) {
		p->fail = true;
		return;
	}
	c = *p->p;
	if ((c >= '1' && c <= '9') || c == 'g' || c == 'k') {
		parse_reference(p, l);
		return;
	}
	p->p++;
	if (c == 'A')
		append(l, new_node(p, RX_BEGIN));
	else if (strchr("bBZzGK", (int)c) != NULL)
		append(l, new_node(p, RX_EMPTY));
	else if (c == 'N' || c == 'C')
		append_any(p, l);
	else if (c == 'X') {
		append_any(p, l);
		repeat_last(p, l, 1, RX_INF);
	} else if (c == 'R')
		append_newline(p, l);
	else if (c == 'Q')
		parse_quoted(p, l);
	else if (c != 'E')
		p->fail = true;
}

/* (?imsx-imsx: up to the ")" or ":"; true at a ":". */
static bool
parse_flags(struct rx_parser *p)
{
	bool on = true;

	if (skip(p, "^"))
		p->caseless = p->extended = false;
	for (; p->p < p->end; p->p++) {
		switch (*p->p) {
		case '-':
			on = false;
			break;
		case 'i':
			p->caseless = on;
			break;
		case 'x':
			if (p->end - p->p > 1 && p->p[1] == 'x')
				p->fail = true;	/* xx changes classes */
			p->extended = on;
			break;
		case 'm':
			p->multiline = true;
			break;
		case 'n': case 's': case 'J': case 'U':
			break;
		case ')': case ':':
			return *p->p == ':';
		default:
			p->fail = true;
			return false;
		}
	}
	p->fail = true;
	return false;
}

enum group { G_PLAIN, G_LOOK, G_SETTING, G_DONE };

/* After "(?": which kind, with p at its body. */
static enum group
parse_group_head(struct rx_parser *p, struct list *l)
{
	if (skip(p, ":") || skip(p, "|") || skip(p, ">"))
		return G_PLAIN;
	if (skip(p, "=") || skip(p, "!") || skip(p, "*") || skip(p, "<=") || skip(p, "<!") || skip(p, "<*"))
		return G_LOOK;
	if (skip(p, "#")) {
		skip_to(p, ')');
		return G_DONE;
	}
	if (skip(p, "P=")) {
		append(l, new_node(p, RX_ANYTHING));
		skip_to(p, ')');
		return G_DONE;
	}
	if (skip(p, "P<") || skip(p, "<")) {
		skip_to(p, '>');
		return G_PLAIN;
	}
	if (skip(p, "'")) {
		skip_to(p, '\'');
		return G_PLAIN;
	}
	return parse_flags(p) ? (p->p++, G_PLAIN) : G_SETTING;	/* calls, conditions, callouts have failed there */
}

/* After "(". */
static void
parse_group(struct rx_parser *p, struct list *l)
{
	bool caseless = p->caseless, extended = p->extended;
	enum group kind = G_PLAIN;
	struct rx_node *n;

	if (at(p, '*') || ++p->depth > DEPTH_MAX) {	/* verbs, named assertions */
		p->fail = true;
		return;
	}
	if (skip(p, "?"))
		kind = parse_group_head(p, l);
	if (kind == G_PLAIN || kind == G_LOOK) {
		n = p->fail ? NULL : parse_alternatives(p);
		append(l, kind == G_LOOK ? new_node(p, RX_EMPTY) : n);
		p->caseless = caseless;
		p->extended = extended;
	}
	if (kind == G_SETTING)
		l->last = NULL;		/* can't be quantified, nor what is before it */
	if (kind != G_DONE && !skip(p, ")"))
		p->fail = true;
	p->depth--;
}

/* In extended mode.  Which bytes end a comment depends on how PCRE2 was built: LF surely does. */
static void
skip_comment(struct rx_parser *p)
{
	for (; p->p < p->end && *p->p != '\n'; p->p++)
		if (*p->p == '\r' || *p->p == '\v' || *p->p == '\f' || *p->p == 0x85 || *p->p == '\0')
			p->fail = true;
}

static void
parse_item(struct rx_parser *p, struct list *l)
{
	uint64_t set[4];
	unsigned c = *p->p;

	if (p->extended && c == '#') {
		skip_comment(p);
		return;
	}
	if (c == '*' || c == '+' || c == '?') {
		parse_quantifier(p, l);
		return;
	}
	if (c == '{') {
		parse_brace(p, l);
		return;
	}
	p->p++;
	if (p->extended && (c == ' ' || (c >= 9 && c <= 13)))
		return;
	if (p->extended && c == 0x85)	/* a blank to PCRE2 if it was built with Unicode, else a byte */
		p->fail = true;
	if (c == '\\')
		parse_escape(p, l);
	else if (c == '(')
		parse_group(p, l);
	else if (c == '^')
		append(l, new_node(p, p->multiline ? RX_EMPTY : RX_BEGIN));
	else if (c == '$')
		append(l, new_node(p, RX_EMPTY));
	else if (c == '.')
		append_any(p, l);
	else if (c == '[') {
		if (skip(p, "[:<:]]") || skip(p, "[:>:]]")) {
			append(l, new_node(p, RX_EMPTY));
			return;
		}
		rx_class(p, set);
		append_set(p, l, set);
	} else
		append_byte(p, l, c);
}

/* Up to "|", ")" or the end. */
static struct rx_node *
parse_sequence(struct rx_parser *p)
{
	struct rx_node *cat = new_node(p, RX_CAT);
	struct list l = { .first = NULL };

	l.end = &l.first;
	while (!p->fail && p->p < p->end && *p->p != '|' && *p->p != ')')
		parse_item(p, &l);
	if (cat != NULL)
		cat->child = l.first;
	return cat;
}

/* An option setting in one alternative reaches into the ones behind it. */
static struct rx_node *
parse_alternatives(struct rx_parser *p)
{
	struct rx_node *alt = new_node(p, RX_ALT);
	struct list l = { .first = NULL };

	l.end = &l.first;
	do
		append(&l, parse_sequence(p));
	while (!p->fail && skip(p, "|"));
	if (alt != NULL)
		alt->child = l.first;
	return alt;
}

struct rx_node *
rx_parse(struct waf_str pattern, uint32_t options, struct arena *a)
{
	struct rx_parser p = {
		.p = (const unsigned char *)pattern.p, .end = (const unsigned char *)pattern.p + pattern.n, .arena = a,
		.caseless = options & PCRE2_CASELESS, .extended = options & PCRE2_EXTENDED,
		.multiline = options & PCRE2_MULTILINE,
	};
	struct rx_node *n;

	if (options & ~(uint32_t)KNOWN_OPTIONS)
		return NULL;
	n = parse_alternatives(&p);
	return p.fail || p.p != p.end ? NULL : n;
}
