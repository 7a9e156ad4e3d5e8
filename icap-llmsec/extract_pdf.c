/* SPDX-License-Identifier: MIT */
/*
 * PDF (ISO 32000-1): streams are found by their keywords, as damaged files are repaired, so that no cross-reference table can
 * lead past one, and whether a page shows them or not; filters are undone, and what stands between ( ) or < > in a content stream is text, by
 * the font in force.  Encrypted files, filters without a reader, and letters that only a picture of them would tell make a file UNREADABLE.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/extract_pdf.h"
#include "lib/utf8.h"

static bool
has(const unsigned char *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word)) != NULL;
}

/* --- strings ------------------------------------------------------------------------------------------ */

/* A string outside of content: PDFDocEncoding, which is near Latin 1, or UTF-16 with its mark (7.9.2). */
static void
put_plain(struct extraction *x, const unsigned char *p, size_t n)
{
	if (n >= 2 && p[0] == 0xfe && p[1] == 0xff) {
		for (size_t i = 2; i + 1 < n; i += 2)
			extract_put(x, (uint32_t)p[i] << 8 | p[i + 1]);
		return;
	}
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		buf_add(&x->text, p + 3, n - 3);
		return;
	}
	for (size_t i = 0; i < n; i++)
		extract_put(x, p[i] >= 0x20 || p[i] == '\n' || p[i] == '\r' || p[i] == '\t' ? p[i] : UTF8_REPLACEMENT);
}

/* p[0] is '('; its bytes (7.3.4.2) are added to <out>.  Bytes used. */
static size_t
literal(struct buf *out, const unsigned char *p, size_t n)
{
	unsigned depth = 1, v;
	size_t i = 1;

	for (; i < n && depth > 0; i++) {
		if (p[i] == '\\' && i + 1 < n) {
			i++;
			if (p[i] >= '0' && p[i] <= '7') {
				v = p[i] - '0';
				for (int k = 0; k < 2 && i + 1 < n && p[i + 1] >= '0' && p[i + 1] <= '7'; k++)
					v = v * 8 + (p[++i] - '0');
				buf_addc(out, (char)v);
			} else if (p[i] == '\r')
				i += i + 1 < n && p[i + 1] == '\n';
			else if (p[i] != '\n')
				buf_addc(out, p[i] == 'n' ? '\n' : p[i] == 'r' ? '\r' : p[i] == 't' ? '\t' : p[i] == 'b' ? '\b' : p[i] == 'f' ? '\f' : (char)p[i]);
			continue;
		}
		depth += p[i] == '(';
		depth -= p[i] == ')';
		if (depth > 0)
			buf_addc(out, (char)p[i]);
	}
	return i;
}

static size_t
hex_string(struct buf *out, const unsigned char *p, size_t n)
{
	unsigned v = 0, digits = 0, c;
	size_t i = 1;

	for (; i < n && p[i] != '>'; i++) {
		c = p[i] | 0x20u;
		if (p[i] >= '0' && p[i] <= '9')
			v = v * 16 + (p[i] - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else
			continue;
		if (++digits % 2 == 0) {
			buf_addc(out, (char)v);
			v = 0;
		}
	}
	if (digits % 2 == 1)
		buf_addc(out, (char)(v * 16));
	return i;
}

/* The string at <p> into an emptied <out>; 0: there is none. */
static size_t
string(struct buf *out, const unsigned char *p, size_t n)
{
	buf_clear(out);
	if (n > 0 && p[0] == '(')
		return literal(out, p, n);
	return n > 1 && p[0] == '<' && p[1] != '<' ? hex_string(out, p, n) : 0;
}

/* --- content ------------------------------------------------------------------------------------------ */

/*
 * Text operators and what they show; a large negative number in a TJ array is the gap between words (9.4.3), and "/F1 12 Tf" chooses a font.
 */
static void
content(struct pdf *d, const unsigned char *p, size_t n)
{
	struct extraction *x = d->x;
	struct pdf_text name = {NULL, 0};
	struct buf s = {0};

	for (size_t i = 0, k; i < n && x->text.err == 0 && !x->spent;) {
		if ((k = string(&s, p + i, n - i)) > 0) {
			pdf_show(d, d->now, (const unsigned char *)buf_ptr(&s), buf_len(&s));
			i += k;
		} else if (p[i] == '<')
			i += 2;
		else if (p[i] == '/') {
			k = pdf_skip((struct pdf_text){p + i, n - i});
			name = (struct pdf_text){p + i, k};
			i += k;
		} else {
			if (p[i] == '-' && i + 3 < n && p[i + 1] >= '1' && p[i + 1] <= '9' && p[i + 2] >= '0' && p[i + 2] <= '9' && p[i + 3] >= '0' &&
			    p[i + 3] <= '9')
				buf_addc(&x->text, ' ');
			if (p[i] == 'T' && i + 1 < n && p[i + 1] == 'f' && name.n > 0)
				d->now = pdf_font(d, d->resources, name);
			if (p[i] == 'T' && i + 1 < n && (p[i + 1] == 'd' || p[i + 1] == 'D' || p[i + 1] == '*' || p[i + 1] == 'm'))
				buf_addc(&x->text, '\n');
			i++;
		}
	}
	d->oom = d->oom || s.err == -ENOMEM;
	buf_free(&s);
	buf_addc(&x->text, '\n');
}

/* A content stream shows text between BT and ET; without them it's a picture, a font or a table. */
static void
maybe_content(struct pdf *d, const unsigned char *p, size_t n)
{
	if (has(p, n, "BT") && has(p, n, "ET") && (has(p, n, "Tj") || has(p, n, "TJ") || has(p, n, "'") || has(p, n, "\"")))
		content(d, p, n);
}

/* Is there a name with this beginning, whatever of it is written as #xx?  <name> with its slash. */
static const unsigned char *
find_name(const unsigned char *p, size_t n, const char *name, size_t *used)
{
	const unsigned char *at = p, *end = p + n;
	size_t len = strlen(name);
	char got[32];

	for (; (at = memchr(at, '/', (size_t)(end - at))) != NULL; at++) {
		size_t k = len;

		if (memcmp(at, name, len < (size_t)(end - at) ? len : (size_t)(end - at)) != 0 || (size_t)(end - at) < len) {
			k = pdf_skip((struct pdf_text){at, (size_t)(end - at) < 3 * len + 1 ? (size_t)(end - at) : 3 * len + 1});
			if (memchr(at, '#', k) == NULL || pdf_name((struct pdf_text){at, k}, got, len + 1) != len || memcmp(got, name, len) != 0)
				continue;
		}
		*used = k;
		return at;
	}
	return NULL;
}

/* Words outside of pages: notes, form fields, titles, alternative texts (12.5.2, 12.7.3, 14.3.3, 14.9.3). */
static void
dictionary(struct extraction *x, const unsigned char *p, size_t n)
{
	static const char *const keys[] = {"/Contents", "/Title", "/Subject", "/Keywords", "/V", "/TU", "/Alt", "/ActualText", "/RC"};
	struct buf s = {0};

	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		const unsigned char *at = p, *end = p + n, *hit;

		size_t used;

		while (x->text.err == 0 && (hit = find_name(at, (size_t)(end - at), keys[k], &used)) != NULL) {
			at = hit + used;
			while (at < end && (*at == ' ' || *at == '\n' || *at == '\r'))
				at++;
			if ((used = string(&s, at, (size_t)(end - at))) == 0)
				continue;
			put_plain(x, (const unsigned char *)buf_ptr(&s), buf_len(&s));
			at += used;
			buf_addc(&x->text, '\n');
		}
	}
	if (s.err == -ENOMEM)
		x->text.err = -ENOMEM;
	buf_free(&s);
}

/* --- which names a content stream may use --------------------------------------------------------------- */

static int
stream_cmp(const void *a, const void *b)
{
	const struct pdf_stream *x = a, *y = b;

	return x->data.p < y->data.p ? -1 : x->data.p > y->data.p;
}

static struct pdf_stream *
stream_find(const struct pdf *d, const unsigned char *data)
{
	struct pdf_stream key = {.data = {data, 0}};

	return d->n_streams > 0 ? bsearch(&key, d->stream, d->n_streams, sizeof(key), stream_cmp) : NULL;
}

/* A page's resources may be its parent's (7.7.3.4). */
static struct pdf_text
page_resources(struct pdf *d, struct pdf_text page)
{
	for (int i = 0; i < 16 && page.p != NULL && pdf_work(d, page.n); i++) {
		struct pdf_text r = pdf_get(page, "Resources");

		if (r.p != NULL)
			return pdf_deref(d, r);
		page = pdf_deref(d, pdf_get(page, "Parent"));
	}
	return (struct pdf_text){NULL, 0};
}

static void
page_stream(struct pdf *d, uint32_t num, struct pdf_text resources)
{
	const struct pdf_object *o = pdf_object(d, num);
	struct pdf_stream *s = o != NULL && o->data.p != NULL ? stream_find(d, o->data.p) : NULL;

	if (s == NULL)
		return;
	s->resources = resources;
	s->page = true;
}

/* All streams with their dictionaries; those of pages, and forms (8.10), with their resources. */
static void
list_streams(struct pdf *d)
{
	d->stream = calloc(d->n_objects + 1, sizeof(*d->stream));
	if (d->stream == NULL) {
		d->oom = true;
		return;
	}
	for (size_t i = 0; i < d->n_objects && pdf_work(d, d->object[i].dict.n); i++)
		if (d->object[i].data.p != NULL)
			d->stream[d->n_streams++] = (struct pdf_stream){.data = d->object[i].data, .dict = d->object[i].dict,
			    .resources = pdf_deref(d, pdf_get(d->object[i].dict, "Resources"))};
	if (d->n_streams > 0)
		qsort(d->stream, d->n_streams, sizeof(*d->stream), stream_cmp);
	for (size_t i = 0; i < d->n_objects && pdf_work(d, d->object[i].dict.n); i++) {
		struct pdf_text c = pdf_get(d->object[i].dict, "Contents"), r;

		if (c.p == NULL || (c.p[0] != '[' && pdf_ref(c) == 0))
			continue;
		r = page_resources(d, d->object[i].dict);
		if (pdf_ref(c) != 0 && pdf_object(d, pdf_ref(c)) != NULL && pdf_object(d, pdf_ref(c))->data.p == NULL)
			c = pdf_deref(d, c);	/* an array of its own */
		if (pdf_ref(c) != 0)
			page_stream(d, pdf_ref(c), r);
		for (size_t at = 1; c.p != NULL && c.n > 0 && c.p[0] == '[' && at + 4 < c.n && pdf_work(d, 1); at++)
			if (c.p[at] >= '0' && c.p[at] <= '9' && (c.p[at - 1] < '0' || c.p[at - 1] > '9')) {
				const unsigned char *end = memchr(c.p + at, 'R', c.n - at < 24 ? c.n - at : 24);

				if (end == NULL)
					break;
				page_stream(d, pdf_ref((struct pdf_text){c.p + at, (size_t)(end + 1 - c.p) - at}), r);
				at = (size_t)(end - c.p);
			}
	}
}

/* --- streams -------------------------------------------------------------------------------------------- */

/* Programs of fonts, tables of objects, profiles of colours: no page shows them. */
static bool
is_machinery(const struct pdf_stream *s)
{
	static const char *const keys[] = {"Length1", "Alternate", "Range", "FunctionType", "CMapName", "ShadingType"};
	struct pdf_text type = pdf_get(s->dict, "Type"), sub = pdf_get(s->dict, "Subtype");

	if (s->resources.p != NULL)
		return false;
	if (pdf_is(type, "/XRef") || pdf_is(type, "/Metadata") || pdf_is(sub, "/Type1C") || pdf_is(sub, "/CIDFontType0C") || pdf_is(sub, "/OpenType"))
		return true;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (pdf_get(s->dict, keys[i]).p != NULL)
			return true;
	return false;
}

/* One stream: <before> is what stands before the keyword, back to the last one. */
static void
stream(struct pdf *d, struct pdf_text before, struct pdf_text data)
{
	struct pdf_stream *s = stream_find(d, data.p);
	struct pdf_text dict = s != NULL ? s->dict : (struct pdf_text){NULL, 0};
	struct buf b = {0};

	if (s != NULL) {
		s->seen = true;
		data = s->data;
	}
	if (!pdf_work(d, before.n + data.n))
		return;
	if (s == NULL) {	/* not part of any object that we found: its dictionary is the last one */
		for (size_t i = before.n; i > 1 && dict.p == NULL; i--)
			if (before.p[i - 2] == '<' && before.p[i - 1] == '<')
				dict = (struct pdf_text){before.p + i - 2, before.n - i + 2};
	} else if (!s->page && is_machinery(s))
		return;
	if ((s == NULL || !s->page) && (pdf_is(pdf_get(dict, "Subtype"), "/Image") || pdf_is(pdf_get(dict, "Type"), "/XRef")))
		return;
	if (s != NULL && s->resources.p != NULL && s->resources.p != d->resources.p) {	/* streams of one page go on with its font */
		d->resources = s->resources;
		d->now = NULL;
	}
	if (pdf_unpack(d, dict, data, &b)) {
		if (pdf_is(pdf_get(dict, "Type"), "/ObjStm"))
			dictionary(d->x, (const unsigned char *)buf_ptr(&b), buf_len(&b));
		else if (pdf_is(pdf_get(dict, "Type"), "/EmbeddedFile") && (s == NULL || !s->page))
			extract_part(d->x, buf_ptr(&b), buf_len(&b));
		else
			maybe_content(d, (const unsigned char *)buf_ptr(&b), buf_len(&b));
	}
	buf_free(&b);
}

static bool
is_blank(const struct buf *b)
{
	for (size_t i = 0; i < buf_len(b); i++)
		if (buf_ptr(b)[i] != ' ' && buf_ptr(b)[i] != '\n')
			return false;
	return true;
}

/* The keyword "stream" at <at>, or a word of a comment, a string, a text? */
static bool
is_keyword(const struct pdf *d, size_t at, const unsigned char *data)
{
	const unsigned char *p = d->x->data;

	if (stream_find(d, data) != NULL)
		return true;
	while (at > 0 && pdf_is_space(p[at - 1]))
		at--;
	return at > 1 && p[at - 1] == '>' && p[at - 2] == '>';
}

/* All streams and what stands between them, in the order of the file. */
static void
read_in_order(struct pdf *d)
{
	struct extraction *x = d->x;
	const unsigned char *p = x->data, *s;
	size_t at = 0, n = 0, prev = 0, before, end;

	d->endstream = 0;
	while (!d->oom && x->text.err == 0 && !x->spent && (s = memmem(p + at, x->len - at, "stream", 6)) != NULL) {
		before = (size_t)(s - p);
		s += 6;
		s += s < p + x->len && *s == '\r';
		s += s < p + x->len && *s == '\n';
		at = (size_t)(s - p);
		if (!is_keyword(d, before, s))
			continue;
		if (++n > x->lim.entries * 16) {
			extract_stop(x, EXTRACT_LIMIT, "it has more parts than are looked at");
			break;
		}
		end = pdf_end_of_stream(d, at);
		dictionary(x, p + prev, before - prev);
		stream(d, (struct pdf_text){p + prev, before - prev}, (struct pdf_text){s, end - at});
		prev = at;
		if (stream_find(d, s) != NULL && !has(s, end - at, "stream") && !has(s, end - at, "endobj"))
			prev = at = end + (end < x->len ? 9 : 0);	/* else it's no stream, and what it covers is looked at too */
	}
	if (x->text.err == 0)
		dictionary(x, p + prev, x->len - prev);
	for (size_t i = 0; i < d->n_streams && !d->oom && x->text.err == 0 && !x->spent; i++)
		if (!d->stream[i].seen)
			stream(d, (struct pdf_text){NULL, 0}, d->stream[i].data);
}

void
extract_pdf(struct extraction *x)
{
	struct pdf d = {.x = x};
	size_t used;

	if (find_name(x->data, x->len, "/Encrypt", &used) != NULL)
		extract_stop(x, EXTRACT_UNREADABLE, "it is encrypted");
	if (x->code == EXTRACT_OK) {	/* else all that it says is scrambled */
		pdf_index(&d);
		list_streams(&d);
	}
	read_in_order(&d);
	if (d.oom)
		x->text.err = -ENOMEM;
	pdf_free(&d);
	if (x->code == EXTRACT_OK && is_blank(&x->text)) {
		x->pictures = true;
		extract_stop(x, EXTRACT_UNREADABLE, "no text was found in it");
	}
}
