/* SPDX-License-Identifier: MIT */
/*
 * Objects of a PDF, found by their keywords as damaged files are repaired, so that no cross-reference table can lead past one.  A number that is
 * defined twice means its last definition (7.5.6, incremental updates).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/extract_pdf.h"

#define OBJECTS_MAX	200000
#define PACKS_MAX	4096		/* object streams */

bool
pdf_is_space(unsigned char c)
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
	return pdf_is_space(c) || strchr("()<>[]{}/%", c) != NULL;
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

/* Where the comment at <p> ends (7.2.3). */
static size_t
skip_comment(struct pdf_text t)
{
	size_t i = 0;

	while (i < t.n && t.p[i] != '\n' && t.p[i] != '\r')
		i++;
	return i;
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
		if (c == '%') {
			i += skip_comment((struct pdf_text){t.p + i, t.n - i});
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
	if (t.p[0] == '%')
		return skip_comment(t);
	while (i < t.n && !is_delim(t.p[i]))
		i++;
	return i;
}

struct pdf_text
pdf_after(struct pdf_text t, size_t n)
{
	do {
		t.p += n;
		t.n -= n;
		n = t.n == 0 ? 0 : pdf_is_space(*t.p) ? 1 : *t.p == '%' ? skip_comment(t) : 0;
	} while (n > 0);
	return t;
}

size_t
pdf_skip_value(struct pdf_text t)
{
	size_t n = pdf_skip(t);
	struct pdf_text a = pdf_after(t, n), b;

	if (t.n == 0 || !is_digit(t.p[0]) || a.n == 0 || !is_digit(a.p[0]))
		return n;	/* nothing long is stepped over twice */
	b = pdf_after(a, pdf_skip(a));
	return b.n > 0 && b.p[0] == 'R' ? (size_t)(b.p + 1 - t.p) : n;
}

static int
hex_of(unsigned char c)
{
	return is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

size_t
pdf_name(struct pdf_text t, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n && n < cap; i++, n++)
		if (t.p[i] == '#' && i + 2 < t.n && hex_of(t.p[i + 1]) >= 0 && hex_of(t.p[i + 2]) >= 0) {
			out[n] = (char)(hex_of(t.p[i + 1]) << 4 | hex_of(t.p[i + 2]));
			i += 2;
		} else
			out[n] = (char)t.p[i];
	return n;
}

static bool
name_is(struct pdf_text t, const char *word)
{
	size_t k = strlen(word);
	char name[136];

	if (t.n == k && memchr(t.p, '#', t.n) == NULL)
		return memcmp(t.p, word, k) == 0;
	if (t.n <= k || t.n > 3 * k || k >= sizeof(name))
		return false;	/* escapes make a name longer, up to three times */
	return pdf_name(t, name, k + 1) == k && memcmp(name, word, k) == 0;
}

struct pdf_text
pdf_get(struct pdf_text d, const char *key)
{
	if (d.p == NULL || d.n < 2 || d.p[0] != '<' || d.p[1] != '<')
		return (struct pdf_text){NULL, 0};
	for (d = pdf_after(d, 2); d.n > 0 && d.p[0] != '>';) {
		size_t n = pdf_skip(d), v;
		bool hit = d.p[0] == '/' && name_is((struct pdf_text){d.p + 1, n - 1}, key);

		if (d.p[0] != '/') {	/* damaged: on with the next word */
			d = pdf_after(d, n);
			continue;
		}
		d = pdf_after(d, n);
		v = pdf_skip_value(d);
		if (hit && v > 0)
			return (struct pdf_text){d.p, v};
		d = pdf_after(d, v);
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
pdf_number(struct pdf_text v, size_t *n)
{
	*n = 0;
	if (v.p == NULL || v.n == 0 || v.n > 10)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (!is_digit(v.p[i]))
			return false;
		*n = *n * 10 + (v.p[i] - '0');
	}
	return true;
}

bool
pdf_is(struct pdf_text v, const char *word)
{
	return v.p != NULL && name_is(v, word);
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

	while (at > 0 && pdf_is_space(p[at - 1]))
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

size_t
pdf_end_of_stream(struct pdf *f, size_t at)
{
	const unsigned char *e;

	if (f->endstream < at) {
		e = memmem(f->x->data + at, f->x->len - at, "endstream", 9);
		f->endstream = e != NULL ? (size_t)(e - f->x->data) : f->x->len;
	}
	return f->endstream;
}

/* The value behind "obj" at <at>, and its stream.  Where to go on. */
static size_t
object_read(struct pdf *f, uint32_t num, size_t at)
{
	const unsigned char *p = f->x->data;
	struct pdf_text t = pdf_after((struct pdf_text){p + at, end_of_object(f, at) - at}, 0), rest;
	size_t n = pdf_skip_value(t);
	struct pdf_object *o = object_add(f, num);

	if (o == NULL)
		return f->x->len;
	o->dict = (struct pdf_text){t.p, n};
	rest = pdf_after((struct pdf_text){t.p, f->x->len - (size_t)(t.p - p)}, n);
	if (rest.n < 6 || memcmp(rest.p, "stream", 6) != 0)
		return (size_t)(rest.p - p);
	rest.p += 6;
	rest.n -= 6;
	if (rest.n > 0 && *rest.p == '\r')
		rest.p++, rest.n--;
	if (rest.n > 0 && *rest.p == '\n')
		rest.p++, rest.n--;
	o->data = (struct pdf_text){rest.p, pdf_end_of_stream(f, (size_t)(rest.p - p)) - (size_t)(rest.p - p)};
	return (size_t)(rest.p - p);	/* not behind its data: the keywords may stand in a comment, and hide what follows */
}

/* A length that holds (7.3.8.2) says more than the first "endstream", which may be a word of the text.  A wrong one is not believed. */
static void
stream_lengths(struct pdf *f)
{
	for (size_t i = 0; i < f->n_objects; i++) {
		struct pdf_object *o = &f->object[i];
		size_t n, at, end = o->data.p != NULL ? f->x->len - (size_t)(o->data.p - f->x->data) : 0;

		if (o->data.p == NULL || !pdf_number(pdf_deref(f, pdf_get(o->dict, "Length")), &n) || n >= end)
			continue;
		for (at = n; at < end && at < n + 16 && pdf_is_space(o->data.p[at]);)
			at++;
		if (end - at >= 9 && memcmp(o->data.p + at, "endstream", 9) == 0)
			o->data.n = n;
	}
}

/* Objects in an object stream (7.5.7): pairs of number and offset, then the values. */
static void
pack_read(struct pdf *f, struct pdf_text dict, struct pdf_text data)
{
	struct buf *b;
	struct pdf_text t;
	size_t base = 0;

	pdf_number(pdf_deref(f, pdf_get(dict, "First")), &base);
	if (f->n_unpacked == PACKS_MAX) {
		extract_stop(f->x, EXTRACT_LIMIT, "it has more parts than are looked at");
		return;
	}
	b = &f->unpacked[f->n_unpacked++];
	if (!pdf_work(f, data.n) || !pdf_unpack(f, dict, data, b) || base > buf_len(b))
		return;
	t = pdf_after((struct pdf_text){(const unsigned char *)buf_ptr(b), base}, 0);
	while (t.n > 0 && !f->oom && !f->x->spent) {
		char word[2][12] = {"", ""};
		size_t off, left = pdf_work_left(f);
		struct pdf_object *o;

		for (int i = 0; i < 2; i++) {
			size_t n = pdf_skip(t);

			memcpy(word[i], t.p, n < 11 ? n : 11);
			t = pdf_after(t, n);
		}
		off = base + strtoul(word[1], NULL, 10);
		if (off >= buf_len(b) || (o = object_add(f, (uint32_t)strtoul(word[0], NULL, 10))) == NULL)
			break;
		o->dict.p = (const unsigned char *)buf_ptr(b) + off;
		/* many pairs may name one long value */
		o->dict.n = pdf_skip_value((struct pdf_text){o->dict.p, buf_len(b) - off <= left ? buf_len(b) - off : left + 1});
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
	stream_lengths(f);
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
	stream_lengths(f);	/* some are in object streams */
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
