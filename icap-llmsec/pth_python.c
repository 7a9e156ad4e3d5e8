/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "icap-llmsec/pth_python.h"
#include "lib/utf8.h"

#define NESTED_FIELDS	150		/* f-strings in f-strings, as many as CPython takes (Parser/tokenizer.h, MAXFSTRINGLEVEL) */
#define WITHIN		0xffff

struct reader {
	struct py_source *y;
	const char	*p, *end;
	uint32_t	 line, nest;
	bool		 in_field;	/* of an f-string: ends with its brace, or a colon */
	bool		 at_start;	/* of a line: the next token tells its indentation */
	bool		 fixed;		/* which was told before a backslash (CPython Parser/tokenizer.c, cont_line_col) */
	uint16_t	 indent;
};

static void	read_tokens(struct reader *, unsigned depth);

static bool
is_name(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

static void
add(struct reader *r, enum py_type type, const char *s, size_t n)
{
	struct py_tok t = {.at = (uint32_t)(s - r->y->p), .len = (uint32_t)n, .line = r->line, .type = (uint8_t)type, .indent = WITHIN};

	if (type != PY_LINE && r->at_start) {
		t.indent = r->indent;
		r->at_start = false;
	}
	if (buf_add(&r->y->toks, &t, sizeof(t)) == 0)
		r->y->n_tok++;
	else
		r->y->nomem = true;
}

static void
end_line(struct reader *r)
{
	if (r->nest == 0 && !r->at_start) {
		add(r, PY_LINE, r->p, 0);
		r->at_start = true;
	}
	r->indent = 0;
	r->fixed = false;
}

static bool
prefix_has(const char *s, size_t n, char small)
{
	for (size_t i = 0; i < n; i++)
		if ((s[i] | 32) == small)
			return true;
	return false;
}

static void	read_pieces(struct reader *, char quote, bool triple, bool raw, bool format, unsigned depth);

/* Code in braces, and how what it gives is to be printed, which is text again. */
static void
read_field(struct reader *r, char quote, bool triple, bool raw, unsigned depth)
{
	struct reader in = *r;

	add(&in, PY_OP, in.p++, 1);
	in.nest = 1;
	in.in_field = true;
	read_tokens(&in, depth + 1);
	if (in.p < in.end && *in.p == ':') {
		in.p++;
		read_pieces(&in, quote, triple, raw, true, depth + 1);
	}
	if (in.p < in.end && *in.p == '}')
		add(&in, PY_OP, in.p++, 1);
	r->p = in.p;
	r->line = in.line;
}

static bool
is_quote(const struct reader *r, char quote, bool triple)
{
	return *r->p == quote && (!triple || (r->end - r->p >= 3 && r->p[1] == quote && r->p[2] == quote));
}

/* A backslash and what it keeps from ending a string: in a raw one, too.  A line's end of two bytes is one character. */
static void
skip_escaped(struct reader *r)
{
	r->p++;
	if (r->end - r->p >= 2 && r->p[0] == '\r' && r->p[1] == '\n')
		r->p++;
	if (r->p < r->end)
		r->line += *r->p++ == '\n';
}

/*
 * An f-string up to its closing quote, or (<format>) what stands behind a colon up to the brace.  Quotes within braces don't end it (PEP 701); for a Python
 * that knows no better they do, and leave what is no program.
 */
static void
read_pieces(struct reader *r, char quote, bool triple, bool raw, bool format, unsigned depth)
{
	while (r->p < r->end && !is_quote(r, quote, triple) && (triple || *r->p != '\n') && !(format && *r->p == '}')) {
		size_t left = (size_t)(r->end - r->p);

		if (*r->p == '\\' && left > 2 && !raw && r->p[1] == 'N' && r->p[2] == '{') {	/* a character's name */
			while (r->p < r->end && *r->p != '}' && !is_quote(r, quote, triple))
				r->p++;
		} else if (*r->p == '\\' && (left < 2 || (r->p[1] != '{' && r->p[1] != '}')))
			skip_escaped(r);
		else if (*r->p == '{' && !format && left > 1 && r->p[1] == '{')
			r->p += 2;
		else if (*r->p == '{' && depth < NESTED_FIELDS)
			read_field(r, quote, triple, raw, depth);
		else
			r->line += *r->p++ == '\n';
	}
}

static void
read_string(struct reader *r, const char *prefix, size_t n_prefix, unsigned depth)
{
	char q = *r->p;
	bool triple = r->end - r->p >= 3 && r->p[1] == q && r->p[2] == q;
	const char *s = r->p + (triple ? 3 : 1);
	size_t tok = r->y->n_tok;

	add(r, PY_STRING, s, 0);
	r->p = s;
	if (depth < NESTED_FIELDS && (prefix_has(prefix, n_prefix, 'f') || prefix_has(prefix, n_prefix, 't')))
		read_pieces(r, q, triple, prefix_has(prefix, n_prefix, 'r'), false, depth);
	else
		while (r->p < r->end && !is_quote(r, q, triple) && (triple || *r->p != '\n'))	/* at a line's end it's no string */
			if (*r->p == '\\')
				skip_escaped(r);
			else
				r->line += *r->p++ == '\n';
	if (tok < r->y->n_tok)
		py_tok(r->y, tok)->len = (uint32_t)(r->p - s);
	if (r->p < r->end && *r->p == q)
		r->p += triple ? 3 : 1;
}

static void
read_word(struct reader *r, unsigned depth)
{
	const char *s = r->p;
	size_t n;

	while (r->p < r->end && is_name((unsigned char)*r->p))
		r->p++;
	n = (size_t)(r->p - s);
	if (n <= 2 && r->p < r->end && (*r->p == '\'' || *r->p == '"') && strspn(s, "rRbBuUfFtT") >= n)
		read_string(r, s, n, depth);
	else
		add(r, *s >= '0' && *s <= '9' ? PY_NUMBER : PY_NAME, s, n);
}

static void
read_space(struct reader *r)
{
	if (r->at_start && !r->fixed)
		r->indent = *r->p == '\t' ? (uint16_t)((r->indent | 7) + 1) : *r->p == '\f' ? 0 : (uint16_t)(r->indent + 1);
	if (r->indent == WITHIN)
		r->indent--;
	r->p++;
}

static void
read_tokens(struct reader *r, unsigned depth)
{
	while (r->p < r->end && !r->y->nomem) {
		char c = *r->p;

		if (r->in_field && r->nest <= 1 && (c == '}' || c == ':'))
			return;
		if (c == '\n' || c == '\r') {
			end_line(r);
			r->line += c == '\n' || r->p + 1 >= r->end || r->p[1] != '\n';
			r->p++;
		} else if (c == ' ' || c == '\t' || c == '\f')
			read_space(r);
		else if (c == '#') {
			while (r->p < r->end && *r->p != '\n' && *r->p != '\r')
				r->p++;
		} else if (c == '\\' && r->end - r->p >= 2 && (r->p[1] == '\n' || r->p[1] == '\r')) {
			r->fixed |= r->at_start && r->indent > 0;
			r->p += r->end - r->p >= 3 && r->p[1] == '\r' && r->p[2] == '\n' ? 3 : 2;
			r->line++;
		} else if (c == '\'' || c == '"')
			read_string(r, r->p, 0, depth);
		else if (is_name((unsigned char)c))
			read_word(r, depth);
		else {
			r->nest += c == '(' || c == '[' || c == '{';
			r->nest -= (c == ')' || c == ']' || c == '}') && r->nest > 0;
			add(r, PY_OP, r->p, 1);
			r->p++;
		}
	}
}

struct py_tok *
py_tok(const struct py_source *y, size_t i)
{
	return (struct py_tok *)(void *)(y->toks.data + i * sizeof(struct py_tok));
}

struct py_def *
py_def(const struct py_source *y, size_t i)
{
	return (struct py_def *)(void *)(y->defs.data + i * sizeof(struct py_def));
}

struct py_import *
py_import(const struct py_source *y, size_t i)
{
	return (struct py_import *)(void *)(y->imports.data + i * sizeof(struct py_import));
}

bool
py_is(const struct py_source *y, size_t i, const char *word)
{
	const struct py_tok *t;
	size_t n = strlen(word);

	if (i >= y->n_tok)
		return false;
	t = py_tok(y, i);
	return t->type != PY_STRING && t->len == n && memcmp(y->p + t->at, word, n) == 0;
}

/* Letters and digits that become those of ASCII where Python reads a name (PEP 3131: NFKC of Unicode 15; a few others stand between them). */
static const struct { uint32_t first, last; } disguises[] = {
	{0xaa, 0xaa}, {0xba, 0xba}, {0x132, 0x133}, {0x17f, 0x17f}, {0x1c7, 0x1cc}, {0x1f1, 0x1f3}, {0x2b0, 0x2b8}, {0x2e1, 0x2e3}, {0x1d2c, 0x1dbb},
	{0x2071, 0x209c}, {0x2102, 0x217f}, {0x2c7c, 0x2c7d}, {0xa7f2, 0xa7f4}, {0xfb00, 0xfb06}, {0xfe33, 0xfe4f}, {0xff10, 0xff5a}, {0x107a5, 0x107a5},
	{0x1d400, 0x1d6a3}, {0x1d7ce, 0x1d7ff}, {0x1fbf0, 0x1fbf9},
};

bool
py_is_disguised(const struct py_source *y, size_t i)
{
	const struct py_tok *t = py_tok(y, i);
	size_t k;

	if (t->type != PY_NAME)
		return false;
	for (size_t at = 0; at < t->len; at += k) {
		uint32_t c = (unsigned char)y->p[t->at + at];
		bool bad = false;

		k = c < 0x80 ? 1 : utf8_decode(y->p + t->at + at, t->len - at, &c, &bad);
		if (bad || k == 0)	/* in another coding it may be one */
			return true;
		for (size_t d = 0; c >= 0x80 && d < sizeof(disguises) / sizeof(*disguises); d++)
			if (c >= disguises[d].first && c <= disguises[d].last)
				return true;
	}
	return false;
}

static bool
starts_statement(const struct py_source *y, size_t i)
{
	return i == 0 || py_tok(y, i)->indent != WITHIN || py_is(y, i - 1, ";") || py_is(y, i - 1, ":");
}

/* The colon that ends the header of a definition.  No statement begins in one: what looks so is no Python, and ends the search. */
static size_t
header_end(const struct py_source *y, size_t i)
{
	unsigned nest = 0;

	for (; i < y->n_tok && py_tok(y, i)->type != PY_LINE; i++) {
		if (py_is(y, i, "(") || py_is(y, i, "[") || py_is(y, i, "{"))
			nest++;
		else if ((py_is(y, i, ")") || py_is(y, i, "]") || py_is(y, i, "}")) && nest > 0)
			nest--;
		else if (nest == 0 && py_is(y, i, ":"))
			return i;
		else if (py_is(y, i, ";") || py_is(y, i, "def") || py_is(y, i, "class"))
			break;
	}
	return y->n_tok;
}

/*
 * One pass with the definitions that are open, by indentation.  A body ends before the first line that is not deeper than its header.
 */
struct open_def { uint32_t def; uint16_t indent; bool line; };

static void
close_defs(struct py_source *y, struct buf *open, size_t i, uint16_t indent, bool one_line)
{
	while (buf_len(open) > 0) {
		struct open_def *o = (struct open_def *)(void *)(open->data + open->len - sizeof(*o));
		struct py_def *d = py_def(y, o->def);

		if (one_line ? !o->line : indent > o->indent && !o->line)
			break;
		d->end = (uint32_t)i;
		if (d->body < y->n_tok && d->body < i)
			py_tok(y, d->body)->jump = (uint32_t)i;
		open->len -= sizeof(*o);
	}
}

static void
open_def(struct py_source *y, struct buf *open, size_t i, uint16_t indent)
{
	size_t colon = header_end(y, i + 2), parent = buf_len(open);
	struct py_def d = {.name = (uint32_t)(i + 1), .body = (uint32_t)colon + 1, .parent = -1, .is_class = py_is(y, i, "class")};
	struct open_def o = {(uint32_t)y->n_def, indent, false};

	if (colon >= y->n_tok || colon + 1 >= y->n_tok)
		return;
	if (parent > 0)
		d.parent = (int32_t)((struct open_def *)(void *)(open->data + open->len - sizeof(o)))->def;
	if (py_tok(y, colon + 1)->type != PY_LINE)
		o.line = true;
	if (buf_add(&y->defs, &d, sizeof(d)) < 0 || buf_add(open, &o, sizeof(o)) < 0)
		y->nomem = true;
	else
		y->n_def++;
}

static void
find_defs(struct py_source *y)
{
	struct buf open = {0};
	uint16_t indent = 0;

	for (size_t i = 0; i < y->n_tok && !y->nomem; i++) {
		const struct py_tok *t = py_tok(y, i);

		if (t->type == PY_LINE)
			close_defs(y, &open, i, 0, true);
		if (t->indent != WITHIN) {
			indent = t->indent;
			close_defs(y, &open, i, indent, false);
		}
		if (t->type == PY_NAME && (py_is(y, i, "def") || py_is(y, i, "class")) && i + 2 < y->n_tok && py_tok(y, i + 1)->type == PY_NAME &&
		    (starts_statement(y, i) || (py_is(y, i - 1, "async") && starts_statement(y, i - 1))))
			open_def(y, &open, i, indent);
	}
	close_defs(y, &open, y->n_tok, 0, false);
	buf_free(&open);
}

/* a.b.c, from token <i> on: the one behind it. */
static size_t
dotted(const struct py_source *y, size_t i, struct py_import *m)
{
	const struct py_tok *t;

	if (i >= y->n_tok || py_tok(y, i)->type != PY_NAME || py_is(y, i, "import"))
		return i;
	m->module = py_tok(y, i)->at;
	for (;;) {
		t = py_tok(y, i++);
		m->module_len = t->at + t->len - m->module;
		if (!py_is(y, i, ".") || i + 1 >= y->n_tok || py_tok(y, i + 1)->type != PY_NAME)
			return i;
		i++;
	}
}

static size_t
add_import(struct py_source *y, struct py_import m, size_t i)
{
	if (py_is(y, i, "as") && i + 1 < y->n_tok) {
		m.bound = (uint32_t)i + 1;
		m.whole = false;
		i += 2;
	}
	if (buf_add(&y->imports, &m, sizeof(m)) == 0)
		y->n_import++;
	else
		y->nomem = true;
	return i;
}

static size_t
import_names(struct py_source *y, size_t i)
{
	size_t first = i;

	do {
		struct py_import m = {.tok = (uint32_t)first, .bound = (uint32_t)i + 1, .whole = true};
		size_t k = dotted(y, i + 1, &m);

		if (k == i + 1)
			return k;
		i = add_import(y, m, k);
	} while (py_is(y, i, ","));
	return i;
}

static size_t
import_from(struct py_source *y, size_t i)
{
	struct py_import m = {.tok = (uint32_t)i};

	for (i++; py_is(y, i, "."); i++)
		m.dots++;
	i = dotted(y, i, &m);
	if (!py_is(y, i, "import") || (m.dots == 0 && m.module_len == 0))
		return i;
	i += 1 + py_is(y, i + 1, "(");
	if (py_is(y, i, "*"))
		return add_import(y, m, i + 1);
	for (; i < y->n_tok && py_tok(y, i)->type == PY_NAME; i += py_is(y, i, ",")) {
		m.name = m.bound = (uint32_t)i;
		i = add_import(y, m, i + 1);
	}
	return i;
}

static void
find_imports(struct py_source *y)
{
	for (size_t i = 0, end; i < y->n_tok && !y->nomem; i = end) {
		size_t n = y->n_import;

		end = i + 1;
		if (py_tok(y, i)->type != PY_NAME || !starts_statement(y, i))
			continue;
		if (py_is(y, i, "import"))
			end = import_names(y, i);
		else if (py_is(y, i, "from"))
			end = import_from(y, i);
		if (end <= i)
			end = i + 1;
		for (size_t k = i; k < end && k < y->n_tok && y->n_import > n; k++)
			py_tok(y, k)->import = (uint32_t)n + 1;
	}
}

static void
find_prose(struct py_source *y)
{
	for (size_t i = 0; i + 1 < y->n_tok; i++)
		if (py_tok(y, i)->type == PY_STRING && starts_statement(y, i) && py_tok(y, i + 1)->type == PY_LINE)
			py_tok(y, i)->prose = true;
}

void
py_read(struct py_source *y, const char *p, size_t len)
{
	struct reader r = {.y = y, .p = p, .end = p + len, .line = 1, .at_start = true};

	*y = (struct py_source){.p = p, .len = len};
	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		r.p += 3;
	read_tokens(&r, 0);
	r.nest = 0;
	end_line(&r);
	if (!y->nomem)
		find_defs(y);
	if (!y->nomem)
		find_imports(y);
	if (!y->nomem)
		find_prose(y);
}

void
py_done(struct py_source *y)
{
	buf_free(&y->toks);
	buf_free(&y->defs);
	buf_free(&y->imports);
}

/* --- PEP 263 ---------------------------------------------------------------------------------------------- */

/* Codings whose ASCII is ASCII; with what Python makes of their spelling. */
static bool
is_ascii_coding(const char *s, size_t n)
{
	static const char *const plain[] = {"utf-8", "utf8", "u8", "ascii", "us-ascii", "latin-1", "latin1", "latin", "l1", "iso-8859-", "iso8859",
		"windows-125", "cp125", "cp437", "cp850", "cp866", "koi8-", "mac-roman", "mac-latin", "mac-cyrillic", "mac-greek", "mac-turkish", "gb2312", "cp949",
		"euc-", "tis-620"};

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		const char *w = plain[i];
		size_t k = 0;

		while (k < n && w[k] != '\0' && ((s[k] == '_' ? '-' : s[k] | 32) == (w[k] | 32) || s[k] == w[k]))
			k++;
		if (w[k] == '\0' && (k == n || strchr("-5789", w[k - 1]) != NULL || strchr("-_", s[k]) != NULL))
			return true;
	}
	return false;
}

/* Codings in which a backslash, quote or brace may be the second byte of a character. */
static bool
is_two_byte_coding(const char *s, size_t n)
{
	static const char *const codings[] = {"gbk", "gb18030", "big5", "cp936", "cp950"};

	for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++)
		if (n >= strlen(codings[i]) && strncasecmp(s, codings[i], strlen(codings[i])) == 0)
			return true;
	return false;
}

static bool
is_ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80)
			return false;
	return true;
}

bool
py_is_recoded(const char *p, size_t len)
{
	const char *all = p;
	size_t n_all = len;

	for (unsigned line = 0; line < 2 && len > 0; line++) {
		size_t n = 0, at = 0, k;
		const char *word;

		while (n < len && p[n] != '\n' && p[n] != '\r')
			n++;
		while (at < n && (strchr(" \t\f", p[at]) != NULL || (unsigned char)p[at] >= 0xbb))	/* and a mark */
			at++;
		if (at < n && p[at] != '#')
			return false;
		for (word = p; (word = memmem(word, (size_t)(p + n - word), "coding", 6)) != NULL; word += 6) {
			const char *s = word + 6, *end = p + n;

			if (s >= end || (*s != ':' && *s != '='))
				continue;
			for (s++; s < end && (*s == ' ' || *s == '\t'); s++)
				;
			for (k = 0; s + k < end && (is_name((unsigned char)s[k]) || s[k] == '-' || s[k] == '.'); k++)
				;
			if (k > 0)
				return !is_ascii_coding(s, k) && !(is_two_byte_coding(s, k) && is_ascii(all, n_all));
		}
		n += n + 1 < len && p[n] == '\r' && p[n + 1] == '\n';
		n += n < len;
		p += n, len -= n;
	}
	return false;
}
