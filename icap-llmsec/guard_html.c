/* SPDX-License-Identifier: MIT */
/* One HTML tag, as the tokenizer of WHATWG HTML (13.2.5) splits it: what it loads, links to and runs. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/guard_private.h"
#include "lib/utf8.h"

#define STYLE_MAX	4096	/* bytes of a style attribute, without its escapes */
#define BARE_ATTRS	8	/* attributes without value after which an ordinary name was a comparison, not a tag */

enum { EL_LOADS = 1, EL_ACTIVE = 2, EL_CLICKED = 4, EL_ARMED = 8 };	/* EL_ARMED: active by its attributes alone */

/* Elements that are waited for, come what may. */
static const struct { const char *name; int what; } elements[] = {
	{ "a", EL_CLICKED }, { "area", EL_CLICKED }, { "img", EL_LOADS }, { "image", EL_LOADS }, { "picture", EL_LOADS },
	{ "source", EL_LOADS }, { "video", EL_LOADS }, { "audio", EL_LOADS }, { "track", EL_LOADS },
	{ "input", EL_LOADS }, { "body", EL_LOADS }, { "svg", EL_LOADS }, { "use", EL_LOADS }, { "style", EL_LOADS },
	{ "table", EL_LOADS }, { "td", EL_LOADS }, { "div", EL_LOADS }, { "span", EL_LOADS }, { "button", EL_CLICKED },
	{ "script", EL_ACTIVE }, { "iframe", EL_ACTIVE }, { "frame", EL_ACTIVE }, { "frameset", EL_ACTIVE },
	{ "object", EL_ARMED }, { "embed", EL_ARMED }, { "applet", EL_ACTIVE }, { "base", EL_ARMED },
	{ "meta", EL_ARMED }, { "link", EL_ARMED }, { "portal", EL_ARMED }, { "form", EL_ARMED },
};

static const char *const url_attrs[] = {
	"src", "href", "srcset", "data", "action", "formaction", "poster", "background", "xlink:href", "ping", "lowsrc",
	"dynsrc", "manifest", "codebase", "longdesc", "imagesrcset",
};

struct tag {
	struct guard	*g;
	int		 what;
	bool		 known, meta, mask;
};

static bool
is_name(const char *p, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(p, name, n) == 0;
}

static int
tag_tell(struct tag *t, enum guard_rule r)
{
	int mode = guard_tell(t->g, r);

	t->mask = t->mask || mode == DETECT_MASK;
	return mode < 0 ? mode : 0;
}

static int
tag_url(struct tag *t, enum exfil_use use, enum guard_rule rule, const char *p, size_t n)
{
	switch (exfil_url(t->g->conf, t->g->sketch, use, p, n)) {
	case EXFIL_DATA:
		return tag_tell(t, rule);
	case EXFIL_ACTIVE:
		return tag_tell(t, GUARD_HTML_URL);
	default:
		return 0;
	}
}

/* "a.png 1x, b.png 2x" */
static int
attr_srcset(struct tag *t, const char *p, size_t n)
{
	size_t from = 0;
	int e = 0;

	for (size_t i = 0; e == 0 && i <= n; i++) {
		if (i < n && !isspace((unsigned char)p[i]))
			continue;
		if (i > from)
			e = tag_url(t, EXFIL_LOADED, GUARD_EXFIL_TAG, p + from, i - from);
		from = i + 1;
	}
	return e;
}

/* What stands behind each <mark>, up to a quote, bracket or blank. */
static int
attr_inner(struct tag *t, enum guard_rule rule, const char *p, size_t n, const char *mark)
{
	size_t k = strlen(mark), from;
	int e = 0;

	for (size_t i = 0; e == 0 && i + k <= n; i++) {
		if (strncasecmp(p + i, mark, k) != 0)
			continue;
		i += k;
		while (i < n && (isspace((unsigned char)p[i]) || p[i] == '"' || p[i] == '\'' || p[i] == '('))
			i++;
		for (from = i; i < n && !isspace((unsigned char)p[i]) && memchr("\"')", p[i], 3) == NULL; i++)
			;
		e = tag_url(t, EXFIL_LOADED, rule, p + from, i - from);
	}
	return e;
}

/* "\72 ", "\l" (CSS Syntax 3, 4.3.7). */
static size_t
css_escape(const char *p, size_t n, uint32_t *cp)
{
	size_t i = 1;

	*cp = 0;
	while (i < n && i < 7 && isxdigit((unsigned char)p[i])) {
		*cp = *cp * 16 + (uint32_t)(isdigit((unsigned char)p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
		i++;
	}
	if (i > 1)
		return i < n && isspace((unsigned char)p[i]) ? i + 1 : i;
	*cp = n > 1 ? (unsigned char)p[1] : ' ';
	return n > 1 ? 2 : 1;
}

/* A pass over a style as HTML (<open> '&') or as CSS ('\\') reads its escapes. */
static size_t
unescape(char *out, const char *p, size_t n, char open)
{
	size_t len = 0, k;
	uint32_t cp;

	for (size_t i = 0; i < n && len + 4 <= STYLE_MAX; i += k) {
		k = p[i] != open ? 0 : open == '&' ? exfil_entity(p + i, n - i, &cp) : css_escape(p + i, n - i, &cp);
		if (k > 0 && cp < 0x80)
			out[len++] = (char)cp;
		else if (k > 0)
			len += utf8_encode(out + len, cp);
		else {
			out[len++] = p[i];
			k = 1;
		}
	}
	return len;
}

/* All that a style loads by; URLs have escapes of their own, and are read without those of CSS, too. */
static int
attr_style(struct tag *t, const char *v, size_t n)
{
	static const char *const marks[] = { "url(", "@import", "image-set(", "image(", "src(" };
	char html[STYLE_MAX], css[STYLE_MAX];
	size_t hn = unescape(html, v, n, '&'), cn = unescape(css, html, hn, '\\');
	int e = 0;

	for (size_t i = 0; e == 0 && i < sizeof(marks) / sizeof(marks[0]); i++) {
		e = attr_inner(t, GUARD_EXFIL_CSS, v, n, marks[i]);
		if (e == 0 && (cn != n || memcmp(css, v, n) != 0))
			e = attr_inner(t, GUARD_EXFIL_CSS, css, cn, marks[i]);
	}
	return e;
}

static int
tag_attr(struct tag *t, const char *name, size_t nn, const char *v, size_t vn)
{
	bool click = (t->what & EL_CLICKED) || is_name(name, nn, "action") || is_name(name, nn, "formaction");
	int e = 0;

	if ((t->what & EL_ARMED) && vn > 0 && (e = tag_tell(t, GUARD_HTML_ELEMENT)) != 0)
		return e;
	if (nn >= 4 && strncasecmp(name, "on", 2) == 0 && isalpha((unsigned char)name[2]) && vn > 0)
		return tag_tell(t, GUARD_HTML_HANDLER);
	if (is_name(name, nn, "srcdoc"))
		return tag_tell(t, GUARD_HTML_ELEMENT);
	if (is_name(name, nn, "style"))
		return attr_style(t, v, vn);
	if (t->meta && is_name(name, nn, "content"))
		return attr_inner(t, GUARD_EXFIL_TAG, v, vn, "url=");
	if (is_name(name, nn, "srcset") || is_name(name, nn, "imagesrcset"))
		return attr_srcset(t, v, vn);
	if (is_name(name, nn, "ping"))
		click = false;
	for (size_t i = 0; i < sizeof(url_attrs) / sizeof(url_attrs[0]); i++)
		if (is_name(name, nn, url_attrs[i]))
			return tag_url(t, click ? EXFIL_CLICKED : EXFIL_LOADED,
			    click ? GUARD_EXFIL_LINK : GUARD_EXFIL_TAG, v, vn);
	return 0;
}

static size_t
skip_space(const char *p, size_t n, size_t i)
{
	while (i < n && (isspace((unsigned char)p[i]) || p[i] == '/'))
		i++;
	return i;
}

/* The value of an attribute at <i>; *vn bytes from *from.  Returns what follows; n: it isn't all here. */
static size_t
attr_value(const char *p, size_t n, size_t i, size_t *from, size_t *vn)
{
	const char *q;
	char quote;

	while (i < n && isspace((unsigned char)p[i]))
		i++;
	*from = i;
	*vn = 0;
	if (i == n)
		return n;
	quote = p[i];
	if (quote == '"' || quote == '\'') {
		q = memchr(p + i + 1, quote, n - i - 1);
		*from = i + 1;
		*vn = q != NULL ? (size_t)(q - p) - i - 1 : n - i - 1;
		return q != NULL ? (size_t)(q - p) + 1 : n;
	}
	while (i < n && !isspace((unsigned char)p[i]) && p[i] != '>')
		i++;
	*vn = i - *from;
	return i;
}

/*
 * Attributes from <i> on.  Returns the length of the whole tag, 0: its end isn't here.  Without <judge> -1: it is no tag at all; with
 * it -errno, and what is a tag at all has been found out before.
 */
static ssize_t
tag_attrs(struct tag *t, const char *p, size_t n, size_t i, bool judge)
{
	size_t name, nn, from, vn, bare = 0;
	int e;

	for (;;) {
		i = skip_space(p, n, i);
		if (i == n)
			return 0;
		if (p[i] == '>')
			return (ssize_t)i + 1;
		name = i;
		while (i < n && !isspace((unsigned char)p[i]) && p[i] != '>' && p[i] != '=' && (p[i] != '/' || i == name))
			i++;
		nn = i - name;
		while (i < n && isspace((unsigned char)p[i]))
			i++;
		from = i;
		vn = 0;
		if (i < n && p[i] == '=')
			i = attr_value(p, n, i + 1, &from, &vn);
		else if (i < n && ++bare > BARE_ATTRS && !t->known)
			return -1;
		if (judge && nn > 0 && (e = tag_attr(t, p + name, nn, p + from, vn)) != 0)
			return e;
		if (nn == 0 && vn == 0 && i < n && p[i] != '>')
			i++;	/* a stray "=" */
	}
}

/* "<https://...>" or "<javascript:...>": bytes, 0: its end isn't here, -1: it is none. */
static ssize_t
autolink_length(const char *p, size_t n)
{
	size_t i = 1;

	while (i < n && i < 34 && (isalnum((unsigned char)p[i]) || (p[i] != '\0' && strchr("+.-", p[i]) != NULL)))
		i++;
	if (i == n)
		return 0;
	if (p[i] != ':' || i < 3)
		return -1;
	while (i < n && (unsigned char)p[i] > ' ' && p[i] != '<' && p[i] != '>')
		i++;
	return i == n ? 0 : p[i] == '>' ? (ssize_t)i + 1 : -1;
}

static void
write_tag(const struct tag *t, const char *p, size_t n, struct buf *out)
{
	if (t->mask) {
		buf_adds(out, "&lt;");
		buf_add(out, p + 1, n - 1);
	} else
		buf_add(out, p, n);
}

static void
tag_element(struct tag *t, const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (is_name(name, n, elements[i].name)) {
			t->what = elements[i].what;
			t->known = true;
		}
	t->meta = is_name(name, n, "meta");
}

static ssize_t
literal(struct buf *out)
{
	buf_addc(out, '<');
	return 1;
}

/* An element, or what there is of it. */
static ssize_t
read_element(struct tag *t, const char *p, size_t n, size_t name_end, bool final, struct buf *out)
{
	ssize_t k;
	int e = 0;

	tag_element(t, p + 1, name_end - 1);
	k = tag_attrs(t, p, n, name_end, false);
	if (k == 0 && !final)
		return 0;
	if (k < 0 || (k == 0 && !t->known))
		return literal(out);
	if (t->what & EL_ACTIVE)
		e = tag_tell(t, GUARD_HTML_ELEMENT);
	n = k > 0 ? (size_t)k : n;
	if (e == 0)
		k = tag_attrs(t, p, n, name_end, true);
	if (e != 0 || k < 0)
		return e != 0 ? e : k;
	write_tag(t, p, n, out);
	return (ssize_t)n;
}

ssize_t
guard_tag(struct guard *g, const char *p, size_t n, bool final, struct buf *out)
{
	struct tag t = { .g = g };
	size_t i = 1;
	ssize_t k;
	int e;

	if (n == 1)
		return final ? literal(out) : 0;
	if (!isalpha((unsigned char)p[1]))
		return literal(out);	/* an end tag, a comment, a comparison */
	k = autolink_length(p, n);
	if (k > 0) {
		e = tag_url(&t, EXFIL_CLICKED, GUARD_EXFIL_LINK, p + 1, (size_t)k - 2);
		if (e == 0)
			write_tag(&t, p, (size_t)k, out);
		return e != 0 ? e : k;
	}
	while (i < n && !isspace((unsigned char)p[i]) && p[i] != '/' && p[i] != '>' && i < 40)
		i++;
	if (i == n)
		return final ? literal(out) : 0;
	if (i == 40 || (k == 0 && !final))
		return i == 40 ? literal(out) : 0;
	return read_element(&t, p, n, i, final, out);
}
