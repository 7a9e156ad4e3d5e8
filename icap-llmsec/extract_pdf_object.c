/* SPDX-License-Identifier: MIT */
/*
 * Objects of a PDF, found by their keywords as damaged files are repaired, so that no cross-reference table can lead past one.  A number that is
 * defined twice means its last definition (7.5.6, incremental updates).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "icap-llmsec/extract_pdf.h"

#define OBJECTS_MAX	200000
#define PACKS_MAX	4096		/* object streams */
#define STREAM_MAX	((size_t)16 << 20)

static bool
is_space(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0;
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_delim(unsigned char c)
{
	return is_space(c) || strchr("()<>[]{}/%", c) != NULL;
}

/* --- values ------------------------------------------------------------------------------------------- */

static size_t
skip_string(struct pdf_text t)
{
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < t.n; i++)
		if (t.p[i] == '\\')
			i++;
		else if (t.p[i] == '(')
			depth++;
		else if (t.p[i] == ')' && --depth == 0)
			return i + 1;
	return t.n;
}

/* An array or a dictionary with all in it. */
static size_t
skip_nest(struct pdf_text t)
{
	unsigned depth = 0;

	for (size_t i = 0; i < t.n;) {
		unsigned char c = t.p[i];

		if (c == '(') {
			i += skip_string((struct pdf_text){t.p + i, t.n - i});
			continue;
		}
		if (c == '<' && i + 1 < t.n && t.p[i + 1] == '<') {
			depth++;
			i += 2;
		} else if (c == '>' && i + 1 < t.n && t.p[i + 1] == '>') {
			i += 2;
			if (depth <= 1)
				return i;
			depth--;
		} else if (c == '[') {
			depth++;
			i++;
		} else if (c == ']') {
			i++;
			if (depth <= 1)
				return i;
			depth--;
		} else
			i++;
	}
	return t.n;
}

size_t
pdf_skip(struct pdf_text t)
{
	size_t i = 1;

	if (t.n == 0)
		return 0;
	if (t.p[0] == '(')
		return skip_string(t);
	if (t.p[0] == '[' || (t.p[0] == '<' && t.n > 1 && t.p[1] == '<'))
		return skip_nest(t);
	if (t.p[0] == '<') {
		while (i < t.n && t.p[i] != '>')
			i++;
		return i < t.n ? i + 1 : i;
	}
	if (t.p[0] == '%') {
		while (i < t.n && t.p[i] != '\n' && t.p[i] != '\r')
			i++;
		return i;
	}
	while (i < t.n && !is_delim(t.p[i]))
		i++;
	return i;
}

static struct pdf_text
after(struct pdf_text t, size_t n)
{
	t.p += n;
	t.n -= n;
	while (t.n > 0 && is_space(*t.p))
		t.p++, t.n--;
	return t;
}

/* "12 0 R" takes three words. */
static size_t
skip_value(struct pdf_text t)
{
	size_t n = pdf_skip(t);
	struct pdf_text a = after(t, n), b;

	if (t.n == 0 || !is_digit(t.p[0]) || a.n == 0 || !is_digit(a.p[0]))
		return n;	/* nothing long is stepped over twice */
	b = after(a, pdf_skip(a));
	return b.n > 0 && b.p[0] == 'R' ? (size_t)(b.p + 1 - t.p) : n;
}

struct pdf_text
pdf_get(struct pdf_text d, const char *key)
{
	size_t k = strlen(key);

	if (d.p == NULL || d.n < 2 || d.p[0] != '<' || d.p[1] != '<')
		return (struct pdf_text){NULL, 0};
	for (d = after(d, 2); d.n > 0 && d.p[0] != '>';) {
		size_t n = pdf_skip(d), v;
		bool hit = d.p[0] == '/' && n == k + 1 && memcmp(d.p + 1, key, k) == 0;

		if (d.p[0] != '/') {	/* damaged: on with the next word */
			d = after(d, n);
			continue;
		}
		d = after(d, n);
		v = skip_value(d);
		if (hit && v > 0)
			return (struct pdf_text){d.p, v};
		d = after(d, v);
	}
	return (struct pdf_text){NULL, 0};
}

uint32_t
pdf_ref(struct pdf_text v)
{
	uint32_t num = 0;

	if (v.p == NULL || v.n < 5 || v.p[v.n - 1] != 'R')
		return 0;
	for (size_t i = 0; i < v.n && v.p[i] >= '0' && v.p[i] <= '9' && num < 100000000; i++)
		num = num * 10 + (v.p[i] - '0');
	return num;
}

bool
pdf_is(struct pdf_text v, const char *word)
{
	return v.p != NULL && v.n == strlen(word) && memcmp(v.p, word, v.n) == 0;
}

/* --- the index ---------------------------------------------------------------------------------------- */

static int
object_cmp(const void *a, const void *b)
{
	const struct pdf_object *x = a, *y = b;

	if (x->num != y->num)
		return x->num < y->num ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

const struct pdf_object *
pdf_object(const struct pdf *f, uint32_t num)
{
	size_t lo = 0, hi = f->n_objects;

	while (lo < hi) {	/* the first behind all of this number */
		size_t mid = lo + (hi - lo) / 2;

		if (f->object[mid].num <= num)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && f->object[lo - 1].num == num ? &f->object[lo - 1] : NULL;
}

struct pdf_text
pdf_deref(const struct pdf *f, struct pdf_text v)
{
	for (int i = 0; i < 8 && pdf_ref(v) != 0; i++) {
		const struct pdf_object *o = pdf_object(f, pdf_ref(v));

		if (o == NULL)
			return (struct pdf_text){NULL, 0};
		v = o->dict;
	}
	return v;
}

static struct pdf_object *
object_add(struct pdf *f, uint32_t num)
{
	struct pdf_object *o;

	if (f->n_objects == OBJECTS_MAX) {
		extract_stop(f->x, EXTRACT_LIMIT, "it has more parts than are looked at");
		return NULL;
	}
	if (f->n_objects == f->cap) {
		f->cap = f->cap > 0 ? f->cap * 2 : 256;
		o = realloc(f->object, f->cap * sizeof(*o));
		if (o == NULL) {
			f->oom = true;
			return NULL;
		}
		f->object = o;
	}
	o = &f->object[f->n_objects];
	*o = (struct pdf_object){.num = num, .order = (uint32_t)f->n_objects++};
	return o;
}

/* Digits that end at <at>, with blanks behind them: how a number before a keyword is read.  SIZE_MAX: none. */
static size_t
number_before(const unsigned char *p, size_t at, uint32_t *v)
{
	size_t end, from;

	while (at > 0 && is_space(p[at - 1]))
		at--;
	end = at;
	while (at > 0 && end - at < 9 && p[at - 1] >= '0' && p[at - 1] <= '9')
		at--;
	from = at;
	*v = 0;
	for (; at < end; at++)
		*v = *v * 10 + (p[at] - '0');
	return from < end ? from : SIZE_MAX;
}

/* Where the next "endobj" is: what an object's value cannot pass, so that one that is never closed hides no other. */
static size_t
end_of_object(struct pdf *f, size_t at)
{
	const unsigned char *e;

	if (f->endobj < at) {
		e = memmem(f->x->data + at, f->x->len - at, "endobj", 6);
		f->endobj = e != NULL ? (size_t)(e - f->x->data) : f->x->len;
	}
	return f->endobj;
}

/* The value behind "obj" at <at>, and its stream.  Where to go on. */
static size_t
object_read(struct pdf *f, uint32_t num, size_t at)
{
	const unsigned char *p = f->x->data, *e;
	struct pdf_text t = after((struct pdf_text){p + at, end_of_object(f, at) - at}, 0), rest;
	size_t n = skip_value(t);
	struct pdf_object *o = object_add(f, num);

	if (o == NULL)
		return f->x->len;
	o->dict = (struct pdf_text){t.p, n};
	rest = after((struct pdf_text){t.p, f->x->len - (size_t)(t.p - p)}, n);
	if (rest.n < 6 || memcmp(rest.p, "stream", 6) != 0)
		return (size_t)(rest.p - p);
	rest.p += 6;
	rest.n -= 6;
	if (rest.n > 0 && *rest.p == '\r')
		rest.p++, rest.n--;
	if (rest.n > 0 && *rest.p == '\n')
		rest.p++, rest.n--;
	e = memmem(rest.p, rest.n, "endstream", 9);
	o->data = (struct pdf_text){rest.p, e != NULL ? (size_t)(e - rest.p) : rest.n};
	return (size_t)(rest.p - p) + o->data.n;
}

/* Objects in an object stream (7.5.7): pairs of number and offset, then the values. */
static void
pack_read(struct pdf *f, struct pdf_text dict, struct pdf_text data)
{
	struct buf *b;
	struct pdf_text t, first = pdf_deref(f, pdf_get(dict, "First"));
	size_t base = 0;

	for (size_t i = 0; i < first.n && i < 9 && first.p[i] >= '0' && first.p[i] <= '9'; i++)
		base = base * 10 + (first.p[i] - '0');
	if (f->n_unpacked == PACKS_MAX) {
		extract_stop(f->x, EXTRACT_LIMIT, "it has more parts than are looked at");
		return;
	}
	b = &f->unpacked[f->n_unpacked++];
	if (!pdf_unpack(f->x, dict, data, b) || base > buf_len(b))
		return;
	t = after((struct pdf_text){(const unsigned char *)buf_ptr(b), base}, 0);
	while (t.n > 0 && !f->oom && !f->x->spent) {
		char word[2][12] = {"", ""};
		size_t off, left = pdf_work_left(f);
		struct pdf_object *o;

		for (int i = 0; i < 2; i++) {
			size_t n = pdf_skip(t);

			memcpy(word[i], t.p, n < 11 ? n : 11);
			t = after(t, n);
		}
		off = base + strtoul(word[1], NULL, 10);
		if (off >= buf_len(b) || (o = object_add(f, (uint32_t)strtoul(word[0], NULL, 10))) == NULL)
			break;
		o->dict.p = (const unsigned char *)buf_ptr(b) + off;
		/* many pairs may name one long value */
		o->dict.n = skip_value((struct pdf_text){o->dict.p, buf_len(b) - off <= left ? buf_len(b) - off : left + 1});
		if (!pdf_work(f, o->dict.n))
			break;
	}
}

void
pdf_index(struct pdf *f)
{
	const unsigned char *p = f->x->data, *hit;
	size_t at = 0, n, n_packs = 0;
	uint32_t num, gen;

	while (!f->oom && (hit = memmem(p + at, f->x->len - at, "obj", 3)) != NULL) {
		size_t here = (size_t)(hit - p), from = number_before(p, here, &gen);

		at = here + 3;
		if (from == SIZE_MAX || number_before(p, from, &num) == SIZE_MAX)
			continue;	/* "endobj", or a word of a text */
		at = object_read(f, num, at);
		if (at >= f->x->len)
			break;
	}
	n = f->n_objects;
	if (n == 0)
		return;
	qsort(f->object, n, sizeof(*f->object), object_cmp);
	for (size_t i = 0; i < n; i++)
		n_packs += f->object[i].data.p != NULL && pdf_is(pdf_get(f->object[i].dict, "Type"), "/ObjStm");
	if (n_packs == 0)
		return;
	f->unpacked = calloc(n_packs < PACKS_MAX ? n_packs : PACKS_MAX, sizeof(*f->unpacked));
	if (f->unpacked == NULL) {
		f->oom = true;
		return;
	}
	for (size_t i = 0; i < n && !f->oom && !f->x->spent; i++) {
		struct pdf_object o = f->object[i];	/* the array may move */

		if (o.data.p != NULL && pdf_is(pdf_get(o.dict, "Type"), "/ObjStm"))
			pack_read(f, o.dict, o.data);
	}
	qsort(f->object, f->n_objects, sizeof(*f->object), object_cmp);
}

void
pdf_free(struct pdf *f)
{
	for (size_t i = 0; i < f->n_unpacked; i++)
		buf_free(&f->unpacked[i]);
	for (size_t i = 0; i < f->n_fonts; i++) {
		free(f->font[i]->range);
		free(f->font[i]);
	}
	free(f->stream);
	free(f->unpacked);
	free(f->object);
	free(f->font);
}

/* --- filters ------------------------------------------------------------------------------------------ */

static void
inflate_to(struct extraction *x, const char *in, size_t n, struct buf *out)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)in, .avail_in = (uInt)n};
	int rc = Z_OK;

	if (inflateInit(&z) != Z_OK) {
		extract_stop(x, EXTRACT_UNREADABLE, "it cannot be unpacked");
		return;
	}
	while (rc == Z_OK) {
		char *room = buf_room(out, 65536);

		if (room == NULL) {
			extract_stop(x, EXTRACT_LIMIT, "it unpacks to more than is looked at");
			break;
		}
		z.next_out = (unsigned char *)room;
		z.avail_out = 65536;
		rc = inflate(&z, Z_NO_FLUSH);
		buf_wrote(out, 65536 - z.avail_out);
		if (!extract_unpacked(x, 65536 - z.avail_out))
			break;
	}
	if (rc != Z_STREAM_END && rc != Z_OK && rc != Z_BUF_ERROR)
		extract_stop(x, EXTRACT_UNREADABLE, "a stream of it is damaged");
	inflateEnd(&z);
}

/* 7.4.3; "z" is four zero bytes, a group that ends early has a byte less than letters. */
static bool
ascii85(const char *in, size_t n, struct buf *out)
{
	uint32_t v = 0;
	unsigned have = 0;

	for (size_t i = 0; i < n && in[i] != '~'; i++) {
		if (is_space((unsigned char)in[i]))
			continue;
		if (in[i] == 'z' && have == 0) {
			buf_add(out, "\0\0\0\0", 4);
			continue;
		}
		if (in[i] < '!' || in[i] > 'u')
			return false;
		v = v * 85 + (uint32_t)(in[i] - '!');
		if (++have == 5) {
			buf_add(out, (char[4]){(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v}, 4);
			v = have = 0;
		}
	}
	if (have > 1) {
		for (unsigned i = have; i < 5; i++)
			v = v * 85 + 84;
		buf_add(out, (char[4]){(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v}, have - 1);
	}
	return true;
}

static bool
ascii_hex(const char *in, size_t n, struct buf *out)
{
	unsigned v = 0, digits = 0;

	for (size_t i = 0; i < n && in[i] != '>'; i++) {
		unsigned c = (unsigned char)in[i] | 0x20u;

		if (in[i] >= '0' && in[i] <= '9')
			v = v * 16 + (unsigned)(in[i] - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else if (is_space((unsigned char)in[i]))
			continue;
		else
			return false;
		if (++digits % 2 == 0) {
			buf_addc(out, (char)v);
			v = 0;
		}
	}
	return true;
}

/* One filter of a chain.  False: there is no reader for it. */
static bool
filter(struct extraction *x, struct pdf_text name, const char *in, size_t n, struct buf *out)
{
	out->max = STREAM_MAX;
	if (pdf_is(name, "/FlateDecode") || pdf_is(name, "/Fl"))
		inflate_to(x, in, n, out);
	else if (pdf_is(name, "/ASCII85Decode") || pdf_is(name, "/A85"))
		return ascii85(in, n, out);
	else if (pdf_is(name, "/ASCIIHexDecode") || pdf_is(name, "/AHx"))
		return ascii_hex(in, n, out);
	else
		return false;
	return true;
}

bool
pdf_unpack(struct extraction *x, struct pdf_text dict, struct pdf_text data, struct buf *out)
{
	struct pdf_text f = pdf_get(dict, "Filter"), parms = pdf_get(dict, "DecodeParms");
	struct buf b = {0};
	unsigned n = 0;

	if (f.p == NULL)
		f = pdf_get(dict, "F");
	buf_free(out);
	if (parms.p != NULL && memmem(parms.p, parms.n, "/Predictor", 10) != NULL) {
		struct pdf_text v = pdf_get(parms, "Predictor");

		if (!pdf_is(v, "1")) {
			extract_stop(x, EXTRACT_UNREADABLE, "a stream of it has a filter without a reader");
			return false;
		}
	}
	buf_add(out, data.p, data.n);
	if (f.p != NULL && f.n > 0 && f.p[0] == '[')
		f = after(f, 1);
	while (f.p != NULL && f.n > 0 && f.p[0] == '/') {
		size_t k = pdf_skip(f);

		b = (struct buf){0};
		if (++n > 4 || !filter(x, (struct pdf_text){f.p, k}, buf_ptr(out), buf_len(out), &b)) {
			extract_stop(x, EXTRACT_UNREADABLE, "a stream of it has a filter without a reader");
			buf_free(&b);
			buf_free(out);
			return false;
		}
		buf_free(out);
		*out = b;
		f = after(f, k);
	}
	return true;
}

size_t
pdf_work_left(const struct pdf *f)
{
	size_t max = 32 * f->x->len + 8 * f->x->unpacked + ((size_t)4 << 20);

	return f->work < max ? max - f->work : 0;
}

bool
pdf_work(struct pdf *f, size_t n)
{
	bool fits = !f->x->spent && n <= pdf_work_left(f);

	f->work += n;
	if (fits)
		return true;
	extract_stop(f->x, EXTRACT_LIMIT, "its parts refer to each other too often");
	return false;
}
