/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "icap-llmsec/extract_private.h"
#include "lib/arena.h"
#include "lib/utf8.h"

void
extract_stop(struct extraction *x, enum extract_code code, const char *why)
{
	x->spent = x->spent || code == EXTRACT_LIMIT;
	if (x->code == EXTRACT_OK) {
		x->code = code;
		x->why = why;
	}
}

bool
extract_unpacked(struct extraction *x, size_t n)
{
	x->unpacked += n;
	if (x->unpacked <= x->lim.unpacked && (x->unpacked <= (size_t)1 << 20 || x->unpacked / x->lim.ratio <= x->len))
		return true;
	extract_stop(x, EXTRACT_LIMIT, "it unpacks to more than is looked at");
	return false;
}

void
extract_put(struct extraction *x, uint32_t cp)
{
	char c[4];
	size_t n = utf8_encode(c, cp);

	if (n > 0)
		buf_add(&x->text, c, n);
	else
		buf_adds(&x->text, "\xef\xbf\xbd");
}

/* UTF-16 with a byte order mark (RFC 2781). */
static void
from_utf16(struct extraction *x)
{
	bool big = x->data[0] == 0xfe;
	uint32_t hi = 0;

	for (size_t i = 2; i + 1 < x->len && x->text.err == 0; i += 2) {
		uint32_t u = big ? (uint32_t)x->data[i] << 8 | x->data[i + 1] : (uint32_t)x->data[i + 1] << 8 | x->data[i];

		if (u >= 0xdc00 && u < 0xe000 && hi != 0)
			u = 0x10000 + ((hi - 0xd800) << 10) + (u - 0xdc00);
		else if (hi != 0)
			extract_put(x, UTF8_REPLACEMENT);
		hi = u >= 0xd800 && u < 0xdc00 ? u : 0;
		if (hi == 0)
			extract_put(x, u);
	}
}

/* As it is, made well-formed. */
static void
from_text(struct extraction *x, const char *p, size_t n)
{
	uint32_t cp;

	for (size_t at = 0; at < n && x->text.err == 0;) {
		at += extract_char(p + at, n - at, &cp);
		extract_put(x, cp);
	}
}

static void
read_text(struct extraction *x, extract_fn *read)
{
	if (extract_is_utf8(x))
		read(x, (const char *)x->data, x->len);
	else
		extract_recoded(x, read);
}

static bool
is_named(const struct filetype *t, const char *name)
{
	return strcmp(t->name, name) == 0;
}

bool
extract_knows(const struct filetype *t)
{
	return t->class == FT_TEXT || is_named(t, "script") || is_named(t, "batch") || is_named(t, "svg") || is_named(t, "docx") ||
	    is_named(t, "xlsx") || is_named(t, "pptx") || is_named(t, "odf") || is_named(t, "epub") || is_named(t, "pdf") || is_named(t, "rtf");
}

static void
read_by_type(struct extraction *x, const struct filetype *t)
{
	if (is_named(t, "utf16"))
		from_utf16(x);
	else if (is_named(t, "html") || is_named(t, "svg"))
		read_text(x, extract_html);
	else if (is_named(t, "pdf"))
		extract_pdf(x);
	else if (is_named(t, "rtf"))
		extract_rtf(x);
	else if (t->class == FT_DOCUMENT && extract_knows(t))
		extract_office(x, t);
	else if (extract_knows(t))
		read_text(x, from_text);
	else
		extract_stop(x, EXTRACT_UNREADABLE, "there is no reader for files of this type");
}

void
extract_part(struct extraction *x, const void *data, size_t len)
{
	const struct filetype *t = filetype_of(data, len);
	const unsigned char *whole = x->data;
	size_t n = x->len;

	if (len == 0 || t->class == FT_IMAGE || t->class == FT_AUDIO || t->class == FT_VIDEO) {
		if (len == 0 || !is_named(t, "svg"))
			return;
	} else if (t->class != FT_TEXT && !is_named(t, "rtf")) {
		extract_stop(x, EXTRACT_UNREADABLE, "it holds other files");
		return;
	}
	x->data = data;
	x->len = len;
	read_by_type(x, t);
	buf_addc(&x->text, '\n');
	x->data = whole;
	x->len = n;
}

static size_t
or_default(size_t v, size_t def)
{
	return v > 0 ? v : def;
}

int
extract_text(const void *data, size_t len, const struct extract_limits *lim, struct arena *a, struct extracted *out)
{
	struct extraction x = {.data = data, .len = len};

	if (lim != NULL)
		x.lim = *lim;
	x.lim.text = or_default(x.lim.text, (size_t)4 << 20);
	x.lim.unpacked = or_default(x.lim.unpacked, (size_t)64 << 20);
	x.lim.ratio = (unsigned)or_default(x.lim.ratio, 200);
	x.lim.entries = (unsigned)or_default(x.lim.entries, 4096);
	x.lim.depth = (unsigned)or_default(x.lim.depth, 256);
	x.text.max = x.lim.text;
	*out = (struct extracted){.type = filetype_of(data, len), .text = ""};
	if (len > 0)
		read_by_type(&x, out->type);
	if (x.text.err == -EFBIG)
		extract_stop(&x, EXTRACT_LIMIT, "it has more text than is looked at");
	out->code = x.code;
	out->why = x.why;
	out->unpacked = x.unpacked;
	out->pictures = x.pictures;
	out->recoded = x.recoded;
	out->len = buf_len(&x.text);
	if (out->len > 0)
		out->text = arena_memdup(a, buf_ptr(&x.text), out->len);
	buf_free(&x.text);
	return x.text.err == -ENOMEM || out->text == NULL ? -ENOMEM : 0;
}
