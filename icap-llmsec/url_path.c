/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "icap-llmsec/url_path.h"

#define DECODE_MAX	8	/* no chain of proxies decodes more often */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* No "scheme://authority", no query, no fragment. */
static void
path_cut(const char **p, size_t *n)
{
	const char *s = *p, *end = s + *n, *q;

	if (*n > 0 && *s != '/')
		for (q = s; q + 2 < end && *q != '/' && *q != '?'; q++)
			if (memcmp(q, "://", 3) == 0) {
				for (s = q + 3; s < end && *s != '/' && *s != '?' && *s != '#'; s++)
					;
				break;
			}
	for (q = s; q < end && *q != '?' && *q != '#'; q++)
		;
	*p = s;
	*n = (size_t)(q - s);
}

/* Undo one layer of percent-escapes.  Was there one? */
static bool
path_unescape(struct url_path *o)
{
	size_t k = 0;

	for (size_t i = 0; i < o->n; i++, k++) {
		o->s[k] = o->s[i];
		if (o->s[i] == '%' && i + 2 < o->n && hex(o->s[i + 1]) >= 0 && hex(o->s[i + 2]) >= 0) {
			o->s[k] = (char)(hex(o->s[i + 1]) << 4 | hex(o->s[i + 2]));
			i += 2;
		}
	}
	if (k == o->n)
		return false;
	o->n = k;
	return true;
}

/* What some servers drop, cut or read as another character. */
static void
path_clean(struct url_path *o)
{
	size_t k = 0;

	for (size_t i = 0; i < o->n; i++) {
		unsigned char c = (unsigned char)o->s[i], next = i + 1 < o->n ? (unsigned char)o->s[i + 1] : 0;

		if (c == ';') {		/* parameters of a segment (RFC 3986, 3.3) */
			while (i + 1 < o->n && o->s[i + 1] != '/' && o->s[i + 1] != '\\')
				i++;
			o->odd = true;
		} else if (c <= 0x20 || c == 0x7f) {
			o->odd = true;
		} else if (c == 0xc0 && (next == 0xae || next == 0xaf)) {	/* overlong '.' and '/' */
			o->s[k++] = next == 0xae ? '.' : '/';
			o->odd = true;
			i++;
		} else
			o->s[k++] = c == '\\' ? '/' : (char)c;
	}
	o->n = k;
}

/* The segment that begins at <seg> is over: "." goes, ".." takes the one before it along. */
static void
path_end_segment(struct url_path *o, size_t seg)
{
	size_t k = o->n - seg;
	bool up = k == 2 && memcmp(o->s + seg, "..", 2) == 0;

	if (!up && !(k == 1 && o->s[seg] == '.'))
		return;
	o->n = seg > 0 ? seg - 1 : 0;
	while (up && o->n > 0 && o->s[--o->n] != '/')
		;
}

static void
path_fold(struct url_path *o)
{
	size_t n = o->n, seg = 0;

	o->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (o->s[i] == '/') {
			path_end_segment(o, seg);
			if (o->n > 0 && o->s[o->n - 1] == '/')
				o->n--;
		}
		o->s[o->n++] = o->s[i];
		if (o->s[o->n - 1] == '/')
			seg = o->n;
	}
	path_end_segment(o, seg);
	while (o->n > 0 && o->s[o->n - 1] == '/')
		o->n--;
}

void
url_path_read(struct url_path *o, const char *url, size_t len)
{
	const char *p = url;
	size_t n = len;

	path_cut(&p, &n);
	o->cut = o->odd = n > sizeof(o->s);
	o->n = o->cut ? sizeof(o->s) : n;
	if (o->n > 0)
		memcpy(o->s, p, o->n);
	if (path_unescape(o))
		for (int i = 1; i < DECODE_MAX && path_unescape(o); i++)
			o->odd = true;
	path_clean(o);
	path_fold(o);
}
