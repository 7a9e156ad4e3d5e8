/* SPDX-License-Identifier: MIT */
/*
 * Markdown as CommonMark 0.31 reads it, as far as it decides what a client loads: code (4.5, 6.1), links and images
 * (6.3, 6.4), reference definitions (4.7), autolinks (6.5; bare ones after GFM 6.9), HTML (6.6).  In doubt, text is no code.
 *
 * Every reader below looks at no more than GUARD_HELD bytes and says how many it took: 0 asks for more, which it
 * may not when <final>.  It decides early only on what later bytes can't change; so cuts don't matter.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "icap-llmsec/guard_private.h"

#define CODE_SPAN	256	/* a code span that doesn't end within is taken for text */
#define FENCE_LINE	128	/* the same for a fence's info string */
#define FENCE_INDENT	64	/* a closing fence stands before this column */
#define DEPTH_MAX	64	/* open brackets */
#define BLANK		"about:blank"
#define NONE		((ssize_t)-4096)	/* not what this reader reads; no errno is as large */

struct look {			/* what a reader sees */
	const char	*p;
	size_t		 n;
	bool		 final;
};

static void
emit(struct guard_markup *m, struct buf *out, const char *p, size_t n)
{
	char fresh[sizeof(m->tail)];
	size_t k = sizeof(fresh);

	if (n == 0)
		return;
	buf_add(out, p, n);
	m->last = p[n - 1];
	for (size_t i = n; i > 0 && k > 0; i--)
		if ((unsigned char)p[i - 1] > ' ' && p[i - 1] != '"' && p[i - 1] != '\'')
			fresh[--k] = (char)tolower((unsigned char)p[i - 1]);
	memmove(m->tail, m->tail + sizeof(fresh) - k, k);
	memcpy(m->tail + k, fresh + k, sizeof(fresh) - k);
}

static size_t
run_of(struct look l, size_t from, char c)
{
	size_t i = from;

	while (i < l.n && l.p[i] == c)
		i++;
	return i - from;
}

static size_t
blanks(struct look l, size_t from)
{
	size_t i = from;

	while (i < l.n && (l.p[i] == ' ' || l.p[i] == '\t'))
		i++;
	return i - from;
}

/* --- code ------------------------------------------------------------------------------------------------- */

/* In fenced code: up to the end of the line, or the fence that closes it. */
static ssize_t
read_fenced(struct guard_markup *m, struct look l, struct buf *out)
{
	const char *nl;
	size_t k, w, n;

	if (m->bol) {
		w = blanks(l, 0);
		k = run_of(l, w, m->fence);
		n = w + k + blanks(l, w + k);
		if (n == l.n && !l.final && w < FENCE_INDENT && n < FENCE_LINE)
			return 0;
		if (w < FENCE_INDENT && n < FENCE_LINE && k >= m->fence_n &&
		    (n == l.n || l.p[n] == '\n' || l.p[n] == '\r'))
			m->fence = '\0';
		m->bol = false;
		emit(m, out, l.p, n);
		if (n > 0)
			return (ssize_t)n;
	}
	nl = memchr(l.p, '\n', l.n);
	k = nl != NULL ? (size_t)(nl - l.p) + 1 : l.n;
	m->bol = nl != NULL;
	emit(m, out, l.p, k);
	return (ssize_t)k;
}

/* Three or more at the begin of a line: -1 if they open no fence. */
static ssize_t
read_fence(struct guard_markup *m, struct look l, size_t run, struct buf *out)
{
	const char *nl = memchr(l.p, '\n', l.n < FENCE_LINE ? l.n : FENCE_LINE);
	size_t n = nl != NULL ? (size_t)(nl - l.p) : l.n < FENCE_LINE ? l.n : FENCE_LINE;

	if (m->indent > 3 && m->indent > m->list + 3)
		return -1;
	if (l.p[0] == '`' && memchr(l.p + run, '`', n - run) != NULL)
		return -1;
	if (nl == NULL && n == FENCE_LINE)
		return -1;
	if (nl == NULL && !l.final)
		return 0;
	m->fence = l.p[0];
	m->fence_n = (unsigned)run;
	m->bol = m->blank = false;
	emit(m, out, l.p, n);
	return (ssize_t)n;
}

/* A code span, or backticks that are none. */
static ssize_t
read_ticks(struct guard_markup *m, struct look l, struct buf *out)
{
	size_t run = run_of(l, 0, '`'), i = run, k, max = l.n < CODE_SPAN ? l.n : CODE_SPAN;
	ssize_t e;

	if (run == l.n && !l.final)
		return 0;
	if (m->bol && run >= 3 && run < FENCE_LINE && (e = read_fence(m, l, run, out)) >= 0)
		return e;
	for (; i < max; i += k > 0 ? k : 1) {
		k = run_of(l, i, '`');
		if (i + k == l.n && !l.final)
			return 0;
		if (k == run) {
			m->bol = m->blank = false;
			emit(m, out, l.p, i + k);
			return (ssize_t)(i + k);
		}
		if (l.p[i] == '\n' && i + 1 < max && l.p[i + 1] == '\n')
			break;
	}
	if (i >= max && max < CODE_SPAN && !l.final)
		return 0;
	m->bol = m->blank = false;
	emit(m, out, l.p, run);
	return (ssize_t)run;
}

static ssize_t
read_tildes(struct guard_markup *m, struct look l, struct buf *out)
{
	size_t run = run_of(l, 0, '~');
	ssize_t e;

	if (run == l.n && !l.final)
		return 0;
	if (m->bol && run >= 3 && run < FENCE_LINE && (e = read_fence(m, l, run, out)) >= 0)
		return e;
	m->bol = m->blank = false;
	emit(m, out, l.p, run);
	return (ssize_t)run;
}

/* --- URLs --------------------------------------------------------------------------------------------------- */

/* What a URL becomes; *mask.  0 or -errno. */
static int
judge_url(struct guard *g, enum exfil_use use, enum guard_rule rule, const char *p, size_t n, bool *mask)
{
	int mode = DETECT_OFF;

	switch (exfil_url(g->conf, g->sketch, use, p, n)) {
	case EXFIL_OK:
		break;
	case EXFIL_DATA:
		mode = guard_tell(g, rule);
		break;
	case EXFIL_ACTIVE:
		mode = guard_tell(g, GUARD_HTML_URL);
		break;
	}
	*mask = mode == DETECT_MASK;
	return mode < 0 ? mode : 0;
}

static int
write_url(struct guard *g, struct guard_markup *m, enum exfil_use use, enum guard_rule rule, const char *p, size_t n,
    bool cut, struct buf *out)
{
	bool mask;
	int e = judge_url(g, use, rule, p, n, &mask);

	if (e != 0)
		return e;
	if (mask) {
		emit(m, out, BLANK, sizeof(BLANK) - 1);
		m->drop_url = cut;
	} else
		emit(m, out, p, n);
	return 0;
}

static bool
ends_url(char c)
{
	return (unsigned char)c <= ' ' || memchr("<>\"`|^{}\\", c, 9) != NULL;
}

/* The rest of a URL over GUARD_HELD bytes, whose beginning was replaced. */
static ssize_t
read_dropped(struct guard_markup *m, struct look l)
{
	size_t i = 0;

	while (i < l.n && !ends_url(l.p[i]) && l.p[i] != ')')
		i++;
	if (i < l.n)
		m->drop_url = false;
	return (ssize_t)i;
}

/* Where a destination that begins at <i> ends (CommonMark 6.3); l.n: not in sight. */
static size_t
destination_end(struct look l, size_t i, bool parens)
{
	unsigned depth = 0;

	for (; i < l.n && (unsigned char)l.p[i] > ' '; i++) {
		if (l.p[i] == '\\' && i + 1 < l.n && ispunct((unsigned char)l.p[i + 1]))
			i++;
		else if (parens && l.p[i] == '(')
			depth++;
		else if (parens && l.p[i] == ')' && depth-- == 0)
			break;
	}
	return i < l.n ? i : l.n;
}

/* Some renderers take blanks in a URL: then it goes on to the bracket.  A title stands in quotes. */
static size_t
destination_lenient(struct look l, size_t end, bool *more)
{
	size_t i = end + blanks(l, end);

	*more = false;
	if (i == end || i == l.n) {
		*more = i == l.n && i > end;
		return end;
	}
	if (memchr("\"'()\n\r", l.p[i], 6) != NULL)
		return end;
	while (i < l.n && l.p[i] != ')' && l.p[i] != '\n')
		i++;
	*more = i == l.n;
	return i < l.n && l.p[i] == ')' ? i : end;
}

/* "(url" behind "]", or ":url" of a definition. */
static ssize_t
read_destination(struct guard *g, struct guard_markup *m, struct look l, struct buf *out)
{
	bool def = l.p[0] == ':', angle, more = false, loaded = def ? m->ref_images : m->closed_image;
	size_t at = 1, end;
	int e;

	while (at < l.n && at < 64 && isspace((unsigned char)l.p[at]))
		at++;
	angle = at < l.n && l.p[at] == '<';
	at += angle;
	end = at;
	if (angle)
		while (end < l.n && l.p[end] != '>' && l.p[end] != '\n')
			end++;
	else
		end = destination_end(l, at, !def);
	if (end < l.n && !angle && !def)
		end = destination_lenient(l, end, &more);
	if ((end == l.n || more) && !l.final)
		return 0;
	m->closed = false;
	m->bol = m->blank = false;
	if (def && !loaded && end > at &&
	    exfil_url(g->conf, g->sketch, EXFIL_LOADED, l.p + at, end - at) == EXFIL_DATA)
		m->def_data = true;
	emit(m, out, l.p, at);
	e = write_url(g, m, loaded ? EXFIL_LOADED : EXFIL_CLICKED, loaded ? GUARD_EXFIL_IMAGE : GUARD_EXFIL_LINK, l.p + at,
	    end - at, end == l.n && l.n == GUARD_HELD, out);
	return e != 0 ? e : (ssize_t)end;
}

/* Which of these begins here; *more: can't be told yet. */
static size_t
scheme_at(struct look l, bool *more)
{
	static const char *const schemes[] = { "http://", "https://", "ftp://", "www." };
	size_t k;

	*more = false;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		k = strlen(schemes[i]);
		if (strncasecmp(l.p, schemes[i], l.n < k ? l.n : k) != 0)
			continue;
		if (l.n >= k)
			return k;
		*more = !l.final;
	}
	return 0;
}

static bool
in_css(const struct guard_markup *m)
{
	return memcmp(m->tail + 4, "url(", 4) == 0 || memcmp(m->tail + 1, "@import", 7) == 0;
}

/* A URL in the middle of text, or NONE. */
static ssize_t
read_bare(struct guard *g, struct guard_markup *m, bool json, struct look l, struct buf *out)
{
	bool more, css = in_css(m);
	size_t k = scheme_at(l, &more), i;
	int depth = 0, e;

	if (k == 0)
		return more ? 0 : NONE;
	for (i = k; i < l.n && !ends_url(l.p[i]) && l.p[i] != ']' && !(css && l.p[i] == '\''); i++) {
		depth += l.p[i] == '(';
		if (l.p[i] == ')' && depth-- == 0)
			break;
	}
	/* "\/" and "\u0026" go on in JSON */
	for (; json && i + 1 < l.n && (!ends_url(l.p[i]) || (l.p[i] == '\\' && memchr("/u", l.p[i + 1], 2) != NULL)); i++)
		;
	if ((i == l.n || (json && i + 1 == l.n && l.p[i] == '\\')) && !l.final)
		return 0;
	m->bol = m->blank = false;
	e = write_url(g, m, css ? EXFIL_LOADED : EXFIL_CLICKED, json ? GUARD_EXFIL_TOOL : css ? GUARD_EXFIL_CSS :
	    GUARD_EXFIL_LINK, l.p, i, i == l.n && l.n == GUARD_HELD, out);
	return e != 0 ? e : (ssize_t)i;
}

/* --- brackets ------------------------------------------------------------------------------------------------ */

static void
open_bracket(struct guard_markup *m, bool image)
{
	m->images = m->images << 1 | image;
	m->defs = m->defs << 1 | (m->bol && !image && m->indent <= m->list + 3);
	m->depth += m->depth < DEPTH_MAX;
	m->bol = m->blank = false;
}

static ssize_t
read_bang(struct guard_markup *m, struct look l, struct buf *out)
{
	if (l.n == 1 && !l.final)
		return 0;
	if (l.n > 1 && l.p[1] == '[') {
		open_bracket(m, true);
		emit(m, out, l.p, 2);
		return 2;
	}
	m->bol = m->blank = false;
	emit(m, out, l.p, 1);
	return 1;
}

/* An image that gets its URL elsewhere: there it is harmless from now on, or it becomes text here. */
static int
image_by_reference(struct guard *g, struct guard_markup *m, struct buf *out)
{
	int mode;

	m->ref_images = true;
	if (!m->def_data)
		return 0;
	mode = guard_tell(g, GUARD_EXFIL_IMAGE);
	if (mode == DETECT_MASK)
		emit(m, out, "\\", 1);
	return mode < 0 ? mode : 0;
}

static ssize_t
read_close(struct guard *g, struct guard_markup *m, struct look l, struct buf *out)
{
	int e = 0;

	if (l.n == 1 && !l.final)
		return 0;
	m->bol = m->blank = false;
	m->closed = m->depth > 0 && l.n > 1 && (l.p[1] == '(' || (l.p[1] == ':' && (m->defs & 1)));
	m->closed_image = m->images & 1;
	if (m->depth > 0 && m->closed_image && !(l.n > 1 && l.p[1] == '('))
		e = image_by_reference(g, m, out);
	m->images >>= 1;
	m->defs >>= 1;
	m->depth -= m->depth > 0;
	emit(m, out, l.p, 1);
	return e != 0 ? e : 1;
}

/* --- lines ---------------------------------------------------------------------------------------------------- */

static void
line_end(struct guard_markup *m)
{
	if (m->blank)
		m->depth = 0;	/* a paragraph's end: brackets don't reach beyond */
	m->bol = m->blank = true;
	m->indent = 0;
}

/* "- " or "12. ": what follows still begins a line.  -1: it is none. */
static ssize_t
read_marker(struct guard_markup *m, struct look l, struct buf *out)
{
	size_t k = 0;

	while (k < l.n && k < 9 && isdigit((unsigned char)l.p[k]))
		k++;
	if (k == l.n && !l.final)
		return 0;
	if (k == l.n || (k > 0 && l.p[k] != '.' && l.p[k] != ')') || (k == 0 && memchr("-*+", l.p[0], 3) == NULL))
		return -1;
	k++;
	if (k == l.n && !l.final)
		return 0;
	if (k == l.n || (l.p[k] != ' ' && l.p[k] != '\t'))
		return -1;
	m->list = m->indent + (unsigned)k + 1;
	m->indent = m->list;
	m->blank = false;
	emit(m, out, l.p, k + 1);
	return (ssize_t)k + 1;
}

/* White space and markers in front of a line's text.  -1: there is text. */
static ssize_t
read_bol(struct guard_markup *m, struct look l, struct buf *out)
{
	ssize_t k;

	if (l.p[0] == ' ' || l.p[0] == '\t' || l.p[0] == '>') {
		m->indent = l.p[0] == '>' ? 0 : m->indent + (l.p[0] == ' ' ? 1 : 4);
		m->blank = m->blank && l.p[0] != '>';
		emit(m, out, l.p, 1);
		return 1;
	}
	if (isdigit((unsigned char)l.p[0]) || memchr("-*+", l.p[0], 3) != NULL) {
		k = read_marker(m, l, out);
		if (k >= 0)
			return k;
	}
	if (m->indent == 0 && l.p[0] != '\n' && l.p[0] != '\r')
		m->list = 0;
	return -1;
}

static ssize_t
read_backslash(struct guard_markup *m, struct look l, struct buf *out)
{
	size_t k;

	if (l.n == 1 && !l.final)
		return 0;
	k = l.n > 1 && ispunct((unsigned char)l.p[1]) ? 2 : 1;
	m->bol = m->blank = false;
	emit(m, out, l.p, k);
	return (ssize_t)k;
}

static ssize_t
read_text(struct guard_markup *m, bool json, struct look l, struct buf *out)
{
	size_t k = 1;

	if (l.p[0] == '\n') {
		emit(m, out, l.p, 1);
		line_end(m);
		return 1;
	}
	while (k < l.n && (json ? strchr("hHfFwW", l.p[k]) == NULL : strchr("\n\\`~![]<hHfFwW", l.p[k]) == NULL))
		k++;
	for (size_t i = 0; i < k && m->bol; i++)
		if (l.p[i] != '\r')
			m->bol = m->blank = false;
	emit(m, out, l.p, k);
	return (ssize_t)k;
}

static ssize_t
read_one(struct guard *g, struct guard_markup *m, struct look l, struct buf *out)
{
	bool closed = m->closed;
	ssize_t k;

	m->closed = false;
	if (closed && (l.p[0] == '(' || l.p[0] == ':')) {
		k = read_destination(g, m, l, out);
		m->closed = k == 0;
		return k;
	}
	if (m->bol && (k = read_bol(m, l, out)) >= 0)
		return k;
	switch (l.p[0]) {
	case '\\':
		return read_backslash(m, l, out);
	case '`':
		return read_ticks(m, l, out);
	case '~':
		return read_tildes(m, l, out);
	case '!':
		return read_bang(m, l, out);
	case '[':
		open_bracket(m, false);
		emit(m, out, l.p, 1);
		return 1;
	case ']':
		return read_close(g, m, l, out);
	case '<':
		k = guard_tag(g, l.p, l.n, l.final, out);
		if (k > 0) {
			m->bol = m->blank = false;
			m->last = '>';
		}
		return k;
	default:
		return read_text(m, false, l, out);
	}
}

static bool
may_be_url(const struct guard_markup *m, char c)
{
	return memchr("hHfFwW", c, 6) != NULL && !isalnum((unsigned char)m->last);
}

/* One thing at the begin of what is held. */
static ssize_t
read_next(struct guard *g, struct guard_markup *m, bool json, struct look l, struct buf *out)
{
	ssize_t k;

	if (m->drop_url && (k = read_dropped(m, l)) != 0)
		return k;
	if (m->fence != '\0')
		return read_fenced(m, l, out);
	if (may_be_url(m, l.p[0]) && (k = read_bare(g, m, json, l, out)) != NONE)
		return k;
	return json ? read_text(m, true, l, out) : read_one(g, m, l, out);
}

int
guard_markup_step(struct guard *g, struct guard_markup *m, bool json, const char *p, size_t len, bool last,
    struct buf *out)
{
	size_t at = 0, n;
	ssize_t k = 1;
	int e;

	if (buf_len(&m->held) > 0) {
		if ((e = buf_add(&m->held, p, len)) != 0)
			return e;
		p = buf_ptr(&m->held);
		len = buf_len(&m->held);
	}
	while (at < len && k > 0) {
		n = len - at < GUARD_HELD ? len - at : GUARD_HELD;
		k = read_next(g, m, json, (struct look){ p + at, n, n == GUARD_HELD || last }, out);
		at += k > 0 ? (size_t)k : 0;
	}
	if (k < 0)
		return (int)k;
	if (buf_len(&m->held) > 0)
		buf_consume(&m->held, at);
	else
		buf_add(&m->held, p + at, len - at);
	return out->err != 0 ? out->err : m->held.err;
}
