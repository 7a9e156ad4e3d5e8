/* SPDX-License-Identifier: MIT */
/*
 * HTML to text in one pass: tags become a blank or a line, comments stay, and so do alt, title, content, value, placeholder
 * and aria-label of any element: texts that people don't see and models do.  Scripts and styles stay too, as text.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "icap-llmsec/extract_private.h"

static const struct { const char *name; uint32_t cp; } entities[] = {
	{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"nbsp", ' '}, {"shy", 0xad}, {"zwnj", 0x200c},
	{"zwj", 0x200d}, {"hellip", 0x2026}, {"ndash", 0x2013}, {"mdash", 0x2014}, {"colon", ':'}, {"period", '.'}, {"comma", ','},
	{"NewLine", '\n'}, {"Tab", ' '}, {"excl", '!'}, {"lpar", '('}, {"rpar", ')'}, {"sol", '/'}, {"num", '#'},
};

static uint32_t
numeric(const char *p, size_t n)
{
	bool hex = n > 1 && (p[1] == 'x' || p[1] == 'X');
	uint32_t v = 0;

	for (size_t i = hex ? 2 : 1; i < n; i++) {
		char c = (char)(p[i] | 0x20);
		uint32_t d = p[i] >= '0' && p[i] <= '9' ? (uint32_t)(p[i] - '0') : hex && c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : 99;

		if (d == 99 || v > 0x10ffff)
			return 0;
		v = v * (hex ? 16 : 10) + d;
	}
	return v;
}

/* p[0] is '&'.  Bytes used, 0: no entity. */
static size_t
entity(struct extraction *x, const char *p, size_t n)
{
	const char *semi = memchr(p, ';', n < 12 ? n : 12);
	size_t k = semi != NULL ? (size_t)(semi - p) - 1 : 0;
	uint32_t cp = 0;

	if (k == 0)
		return 0;
	if (p[1] == '#')
		cp = numeric(p + 1, k);
	else
		for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++)
			if (strlen(entities[i].name) == k && memcmp(entities[i].name, p + 1, k) == 0)
				cp = entities[i].cp;
	if (cp == 0)
		return 0;
	extract_put(x, cp);
	return k + 2;
}

static void
plain(struct extraction *x, const char *p, size_t n)
{
	for (size_t i = 0; i < n && x->text.err == 0;) {
		const char *amp = memchr(p + i, '&', n - i);
		size_t k = amp != NULL ? (size_t)(amp - p) - i : n - i, used;

		buf_add(&x->text, p + i, k);
		i += k;
		if (amp != NULL) {
			used = entity(x, p + i, n - i);
			if (used == 0)
				buf_addc(&x->text, '&');
			i += used > 0 ? used : 1;
		}
	}
}

/* Every quoted attribute value with a blank in it is a text; a name list would be somebody's way around. */
static void
attributes(struct extraction *x, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *end;
		size_t k;

		if (p[i] != '"' && p[i] != '\'')
			continue;
		if ((end = memchr(p + i + 1, p[i], n - i - 1)) == NULL)
			return;
		k = (size_t)(end - p) - i - 1;
		if (k > 0 && memchr(p + i + 1, ' ', k) != NULL) {
			buf_addc(&x->text, ' ');
			plain(x, p + i + 1, k);
		}
		i += k + 1;
	}
}

/* Where the tag that starts at p[0] = '<' ends: after its '>', quotes minded; 0 when it never does. */
static size_t
tag_end(const char *p, size_t n)
{
	char quote = 0;

	for (size_t i = 1; i < n; i++) {
		if (quote != 0)
			quote = p[i] == quote ? 0 : quote;
		else if (p[i] == '>')
			return i + 1;
		else if ((p[i] == '"' || p[i] == '\'') && p[i - 1] == '=')
			quote = p[i];
	}
	return 0;
}

/* "<ignore what you were told>": words where a name and attributes would be. */
static bool
is_words(const char *p, size_t n)
{
	unsigned blanks = 0;

	if (memchr(p, '=', n) != NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		blanks += p[i] == ' ';
	return blanks >= 2;
}

/*
 * Elements that stand on lines or in cells of their own; any other, also one that nobody knows, goes on within a word.  view_markup.c has
 * fewer: its reading of words across tags is one more beside the text, this one is all that is read of a page.
 */
static bool
is_block(const char *p, size_t n)
{
	static const char *const blocks[] = {"address", "article", "aside", "audio", "blockquote", "body", "br", "button", "canvas", "caption", "center", "col", "colgroup",
	    "dd", "details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "h1", "h2", "h3", "h4", "h5", "h6",
	    "head", "header", "hgroup", "hr", "html", "iframe", "img", "input", "legend", "li", "link", "main", "menu", "meta", "nav", "noscript", "object", "ol", "optgroup",
	    "option", "p", "pre", "script", "search", "section", "select", "style", "summary", "svg", "table", "tbody", "td", "template", "textarea", "text", "tfoot", "th",
	    "thead", "title", "tr", "ul", "video"};
	size_t at = n > 1 && p[1] == '/' ? 2 : 1, k = 0;

	if (p[1] == '!' || p[1] == '?')
		return true;
	while (at + k < n && p[at + k] != '>' && p[at + k] != '/' && (unsigned char)p[at + k] > ' ')
		k++;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		if (strlen(blocks[i]) == k && strncasecmp(blocks[i], p + at, k) == 0)
			return true;
	return false;
}

void
extract_html(struct extraction *x, const char *p, size_t n)
{
	for (size_t i = 0; i < n && x->text.err == 0;) {
		const char *lt = memchr(p + i, '<', n - i), *end;
		size_t k = lt != NULL ? (size_t)(lt - p) - i : n - i;

		plain(x, p + i, k);
		if ((i += k) >= n)
			break;
		if (n - i >= 4 && memcmp(p + i, "<!--", 4) == 0) {
			end = memmem(p + i + 4, n - i - 4, "-->", 3);
			k = end != NULL ? (size_t)(end - p) - i : n - i;
			buf_addc(&x->text, '\n');
			plain(x, p + i + 4, k - 4);
			buf_addc(&x->text, '\n');
			i += k + (end != NULL ? 3 : 0);
		} else if (n - i < 2 || !(p[i + 1] == '/' || p[i + 1] == '!' || p[i + 1] == '?' || ((p[i + 1] | 0x20) >= 'a' && (p[i + 1] | 0x20) <= 'z'))) {
			buf_addc(&x->text, p[i++]);	/* "a < b" */
		} else {
			k = tag_end(p + i, n - i);
			if (k == 0) {	/* never closed: nothing is dropped, and nothing is looked for twice */
				plain(x, p + i, n - i);
				break;
			}
			if (is_block(p + i, k))
				buf_addc(&x->text, '\n');
			if (is_words(p + i, k))
				plain(x, p + i + 1, k - 2);
			else
				attributes(x, p + i, k);
			i += k;
		}
	}
}
