/* SPDX-License-Identifier: MIT */
/*
 * What text hides: files and secrets under escapes of JSON, forms and URLs, layer by layer; files byte by byte ("PK\u0003\u0004", "PK%03%04");
 * base64 with other characters strewn in, which most decoders skip.  No grammar is parsed: a value is what stands between two quotes, or
 * between two of a form's signs, whatever is around it.  What is made of letters only is blob.h's.
 */
#include "config.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "icap-llmsec/content_private.h"
#include "lib/base64.h"

#define SHORTEST	8	/* bytes that a file has at least */
#define LAYERS		5	/* escapes that are undone behind one another */
#define FRONT		512	/* decoded: enough for all signatures but that of a disk's image */
#define SHORT_FRONT	32	/* in what is too short for a tar's */

struct layers {
	struct content	*c;
	struct piece	 p;		/* the layer: text in copy */
	struct buf	 copy, work;
};

/* Control characters: scripts and source in a JSON string or a form are what people write, and are judged as the text they are. */
static bool
is_binary(const char *p, size_t len)
{
	for (size_t i = 0; i < len && i < 4096; i++)
		if ((unsigned char)p[i] < 0x20 && memchr("\t\n\r\f\x1b", p[i], 5) == NULL)
			return true;
	return false;
}

static void
judge(struct layers *l, const char *p, size_t len, bool whole)
{
	struct piece q = {.where = "text", .data = p, .len = len, .whole = whole, .depth = l->p.depth + 1};

	if (len >= SHORTEST && q.depth <= CONTENT_DEPTH && is_binary(p, len))
		content_judge(l->c, &q);
}

/* --- base64 with something between its letters -------------------------------------------------------------- */

bool
content_is_beyond_doubt(const struct filetype *f, size_t len)
{
	static const char *const weak[] = {"mz", "compress", "arj", "lha", "pickle", "cpio", "bmp", "pyc", "script", "batch", "rtf",
	    "packed", "disk", "bytecode", "crx", "mp3", "aac", "xar", "squashfs"};

	for (size_t i = 0; i < sizeof(weak) / sizeof(*weak); i++)
		if (strcmp(f->name, weak[i]) == 0)
			return false;
	return f->class != FT_TEXT && f->class != FT_DATA && (strcmp(f->name, "zlib") != 0 || len >= 128);
}

struct loose {
	const char	*p;
	size_t		 len, at;
	bool		 plus;		/* is a letter, and not a form's space */
	bool		 padded;	/* "=" came, with which a run of letters ends */
	bool		 dropped;	/* something that no run of letters has */
	uint32_t	 acc;
	unsigned	 bits;
};

/* The next bytes, up to <max>; how many. */
static size_t
decode_loose(struct loose *d, char *out, size_t max)
{
	size_t n = 0;

	for (; d->at < d->len && n < max; d->at++) {
		unsigned char c = (unsigned char)d->p[d->at];
		int v = c == '+' && !d->plus ? -1 : base64_value[c];

		if (v < 0) {
			d->padded = d->padded || c == '=';
			d->dropped = d->dropped || (c != '\r' && c != '\n' && c != '=');
			continue;
		}
		d->dropped = d->dropped || d->padded;	/* decoders that skip what isn't theirs skip "=" where no letter waits for it */
		d->acc = d->acc << 6 | (uint32_t)v;
		d->bits += 6;
		if (d->bits >= 8) {
			d->bits -= 8;
			out[n++] = (char)(d->acc >> d->bits & 0xff);
		}
	}
	return n;
}

static void
judge_loose(struct layers *l, const char *p, size_t len, bool plus)
{
	struct loose d = {.p = p, .len = len, .plus = plus};
	struct piece q = {.where = "text", .whole = true, .depth = l->p.depth + 1};
	char front[FRONT], *out;

	if (len < BLOB_MIN || q.depth > CONTENT_DEPTH)
		return;
	q.len = decode_loose(&d, front, len < FRONT ? SHORT_FRONT : FRONT);
	if (!d.dropped || q.len < SHORTEST || !content_is_beyond_doubt(filetype_of(front, q.len), q.len))
		return;
	buf_clear(&l->work);
	if ((out = buf_room(&l->work, len)) == NULL)
		return;
	memcpy(out, front, q.len);
	q.data = out;
	q.len += decode_loose(&d, out + q.len, len);
	content_judge(l->c, &q);
}

/* --- values ------------------------------------------------------------------------------------------------- */

/* What stands between two quotes: bytes as characters, or as they are. */
static void
judge_string(struct layers *l, const char *p, size_t len, bool odd)
{
	char *out;
	size_t n;
	bool any, all;

	if (odd && len >= SHORTEST) {
		buf_clear(&l->work);
		if ((out = buf_room(&l->work, len)) == NULL)
			return;
		n = content_unescape(p, len, out, CONTENT_BACKSLASH, &any);
		n = content_narrow(out, n, &all);
		judge(l, out, n, all);
	}
	if (l->c->step != CONTENT_REFUSED)
		judge_loose(l, p, len, true);
}

/* Does it make a control character, as text has none? */
static bool
is_odd_escape(const char *p, size_t len)
{
	if (len < 2)
		return false;
	if (p[1] == 'u')
		return len >= 6 && p[2] == '0' && p[3] == '0' && (p[4] == '0' || p[4] == '1');
	if (p[1] == 'x')
		return len >= 4 && (p[2] == '0' || p[2] == '1');
	return p[1] == '0' || p[1] == 'b' || p[1] == 'v';
}

struct quoted {
	char	 quote;
	size_t	 start;
	bool	 odd;
	size_t	 list;		/* where the first of strings with nothing but commas between them begins */
	unsigned n_list;	/* pieces since: strings and what is between them, by turns */
};

/* ["UEsD", "BBQA"]: does this piece go on with a list, as a string or as what is between two? */
static bool
goes_on(const char *p, size_t len, bool between)
{
	bool comma = false;

	if (len == 0)
		return !between;
	for (size_t i = 0; i < len; i++) {
		if (between ? memchr(" \t\r\n,", p[i], 5) == NULL : base64_value[(unsigned char)p[i]] < 0 && p[i] != '=')
			return false;
		comma = comma || p[i] == ',';
	}
	return comma == between;
}

/* A file in base64 of which each string has a part. */
static void
list_piece(struct layers *l, struct quoted *q, size_t at)
{
	const char *p = l->p.data;

	if (goes_on(p + q->start, at - q->start, q->n_list % 2 == 1)) {
		if (q->n_list++ == 0)
			q->list = q->start;
		return;
	}
	if (q->n_list > 2 && l->c->step != CONTENT_REFUSED)
		judge_loose(l, p + q->list, q->start - q->list, true);
	q->list = q->start;
	q->n_list = goes_on(p + q->start, at - q->start, false);
}

static void
quote_ends(struct layers *l, struct quoted *q, size_t at)
{
	/* all of a text without quotes was judged as what it is */
	judge_string(l, l->p.data + q->start, at - q->start, q->odd && (q->start > 0 || at < l->p.len));
	list_piece(l, q, at);
	q->start = at + 1;
	q->odd = false;
}

/* Quotes, the backslash, and control characters that no text has. */
static const bool is_sign[256] = {
	1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1,	/* but \t \n \f \r */
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1,	/* but ESC */
	['"'] = 1, ['\''] = 1, ['\\'] = 1
};

/* Between every two quotes of a kind that no backslash hides: which of them open is not asked. */
static void
judge_strings(struct layers *l)
{
	struct quoted two = {.quote = '"'}, one = {.quote = '\''};
	const char *p = l->p.data;

	for (size_t i = 0; i < l->p.len; i++) {
		unsigned char c = (unsigned char)p[i];

		if (!is_sign[c])
			continue;
		if (c == '"')
			quote_ends(l, &two, i);
		else if (c == '\'')
			quote_ends(l, &one, i);
		else if (c == '\\') {
			if (is_odd_escape(p + i, l->p.len - i))
				two.odd = one.odd = true;
			i++;
		} else
			two.odd = one.odd = true;
		if (l->c->step == CONTENT_REFUSED)
			return;
	}
	if (l->c->step != CONTENT_REFUSED)
		quote_ends(l, &two, l->p.len);
	if (l->c->step != CONTENT_REFUSED && one.start > 0)
		quote_ends(l, &one, l->p.len);
}

/* In text that holds URLs, a value ends at what it cannot hold unescaped. */
static size_t
value_len(const char *p, size_t len)
{
	static const bool ends[256] = {
		['&'] = 1, ['='] = 1, [','] = 1, [';'] = 1, ['"'] = 1, ['\''] = 1, ['<'] = 1, ['>'] = 1, ['{'] = 1, ['}'] = 1, ['\\'] = 1, [0x7f] = 1
	};
	size_t n = 0;

	while (n < len && (unsigned char)p[n] > ' ' && !ends[(unsigned char)p[n]])
		n++;
	return n;
}

static void
judge_percent(struct layers *l, const char *p, size_t n, unsigned kinds)
{
	char *out;
	bool any;
	size_t k;

	buf_clear(&l->work);
	if (n < SHORTEST || memchr(p, '%', n) == NULL || (out = buf_room(&l->work, n)) == NULL)
		return;
	k = content_unescape(p, n, out, kinds, &any);
	if (any)
		judge(l, out, k, true);
}

static void
judge_urls(struct layers *l)
{
	size_t n;

	for (size_t at = 0; at < l->p.len && l->c->step != CONTENT_REFUSED; at += n + 1) {
		n = value_len(l->p.data + at, l->p.len - at);
		judge_percent(l, l->p.data + at, n, CONTENT_PERCENT);
	}
}

/*
 * application/x-www-form-urlencoded (URL Standard, section 5.1): only "&", and the first "=", end anything; "+" is a space, which
 * decoders of base64 skip, or was meant for itself by who didn't escape it.
 */
static void
judge_form(struct layers *l)
{
	const char *p = l->p.data, *end = p + l->p.len, *amp, *value;

	for (; p < end && l->c->step != CONTENT_REFUSED; p = amp + 1) {
		amp = memchr(p, '&', (size_t)(end - p));
		amp = amp != NULL ? amp : end;
		value = memchr(p, '=', (size_t)(amp - p));
		value = value != NULL ? value + 1 : p;
		judge_percent(l, value, (size_t)(amp - value), CONTENT_PERCENT | CONTENT_PLUS);
		if (l->c->step != CONTENT_REFUSED)
			judge_loose(l, value, (size_t)(amp - value), true);
		if (l->c->step != CONTENT_REFUSED && memchr(value, '+', (size_t)(amp - value)) != NULL)
			judge_loose(l, value, (size_t)(amp - value), false);
	}
}

/* --- layers -------------------------------------------------------------------------------------------------- */

static void
judge_layer(struct layers *l)
{
	judge_form(l);
	if (l->c->step != CONTENT_REFUSED && memchr(l->p.data, '%', l->p.len) != NULL)
		judge_urls(l);
	if (l->c->step != CONTENT_REFUSED)
		judge_strings(l);
}

/* UTF-16 and UTF-32 of either byte order, which readers of JSON know without a mark: letters are their other bytes. */
static bool
drop_nuls(struct buf *b)
{
	size_t n = 0;

	if (memchr(b->data, '\0', b->len) == NULL)
		return false;
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != '\0')
			b->data[n++] = b->data[i];
	b->len = n;
	return true;
}

/* Escapes that letters hide behind; rows of backslashes are drawings. */
static bool
has_escapes(const char *p, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++)
		if (p[i] == '%' ? isxdigit((unsigned char)p[i + 1]) && isxdigit((unsigned char)p[i + 2]) : p[i] == '\\' && isalnum((unsigned char)p[i + 1]))
			return true;
	return false;
}

void
content_layers(struct content *c, const struct piece *p)
{
	struct layers l = {.c = c, .p = *p};
	bool any = true;

	if (p->len == 0)
		return;
	buf_add(&l.copy, p->data, p->len);
	l.p.where = "text";
	for (unsigned n = 0; n <= LAYERS && any && l.copy.err == 0 && c->step != CONTENT_REFUSED; n++) {
		l.p.data = l.copy.data;
		l.p.len = l.copy.len;
		if (!content_spend(c, l.p.len))
			break;
		judge_layer(&l);
		if (n > 0 && c->step != CONTENT_REFUSED)	/* the caller has seen it as it came */
			content_plain(c, &l.p);
		any = n == 0 && drop_nuls(&l.copy);
		if (n == LAYERS && c->step != CONTENT_REFUSED && has_escapes(l.copy.data, l.copy.len))
			content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", "text", "more escapes behind one another than are undone", 403);
		if (!any)
			l.copy.len = content_unescape(l.copy.data, l.copy.len, l.copy.data, CONTENT_PERCENT | CONTENT_BACKSLASH, &any);
	}
	if (l.copy.err != 0 || l.work.err != 0)
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", "text", "no memory to look at it", 503);
	buf_free(&l.copy);
	buf_free(&l.work);
}
