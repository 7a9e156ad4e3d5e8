/* SPDX-License-Identifier: MIT */
/* One piece of content: its type, the parts and encoded files in it, what Python would do with it, secrets. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/content_private.h"
#include "icap-llmsec/multipart.h"
#include "icap-llmsec/pth.h"
#include "lib/arena.h"

#define ZLIB_TRY	(64 * 1024)	/* bytes that tell a stream from chance: never unpack more of what is only looked at */

struct walker {
	struct content	*c;
	const struct blob *b;
	unsigned	 depth;
};

static bool
named(const struct filetype *f, const char *name)
{
	return strcmp(f->name, name) == 0;
}

static bool
ends(const char *s, const char *tail)
{
	size_t n = strlen(s), k = strlen(tail);

	return n >= k && strcasecmp(s + n - k, tail) == 0;
}

static bool
is_package(const char *name, const struct filetype *f)
{
	return named(f, "wheel") || ends(name, ".whl") || ends(name, ".egg");
}

/* foo-1.0.tar.gz (PEP 625): many others are called so, too. */
static bool
is_sdist(const char *name)
{
	const char *dash = strrchr(name, '-');

	return ends(name, ".tar.gz") && dash != NULL && dash > name && dash[1] >= '0' && dash[1] <= '9';
}

bool
content_is_package(const char *name, const struct filetype *f)
{
	return pth_kind(name) != PTH_NONE || is_package(name, f) || is_sdist(name);
}

bool
content_is_python(const char *name, const struct filetype *f)
{
	return pth_kind(name) != PTH_NONE || f->class == FT_ARCHIVE || is_package(name, f);
}

/*
 * Signatures of two bytes are met by chance in runs of letters that are no files.  A file is something that such a signature's
 * next bytes agree with, or that is too long for a token.
 */
bool
content_is_chance(const struct filetype *f, const void *data, size_t len)
{
	const unsigned char *p = data;

	if (named(f, "gzip"))
		return len < 18 || p[2] != 8 || (p[3] & 0xe0) != 0;
	if (named(f, "bzip2"))
		return len < 10 || p[3] < '1' || p[3] > '9' || (memcmp(p + 4, "1AY&SY", 6) != 0 && memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", 6) != 0);
	if (named(f, "zlib")) {
		struct buf out = {.max = 2 * ZLIB_TRY};
		struct decode *d = NULL;
		int rc = len >= 24 ? decode_new(&d, DECODE_DEFLATE, ZLIB_TRY) : -1;

		if (rc == 0)
			rc = decode_feed(d, p, len < 512 ? len : 512, &out);
		rc = rc == -EFBIG ? 0 : rc;	/* chance gives no bomb */
		rc = rc == 0 && buf_len(&out) == 0 ? -1 : rc;
		decode_free(&d);
		buf_free(&out);
		return rc < 0;
	}
	if (named(f, "mz"))
		return len < 64;
	return (named(f, "compress") || named(f, "arj") || named(f, "pickle") || named(f, "cpio") || named(f, "bmp") ||
	    named(f, "lha") || named(f, "pyc")) && len < 128;
}

/* Of a second reading of letters only what can't be chance, and text, which is looked into. */
bool
content_is_far_fetched(const struct blob *b, const void *data, size_t len)
{
	const struct filetype *f;

	if (!b->again)
		return false;
	f = filetype_of(data, len);
	if (named(f, "mz") && len > 0x40) {	/* a program of Windows says so twice */
		const unsigned char *p = data;
		size_t at = p[0x3c] | (size_t)p[0x3d] << 8;

		if (p[0x3e] == 0 && p[0x3f] == 0 && at + 4 <= len && memcmp(p + at, "PE\0\0", 4) == 0)
			return false;
	}
	return f->class != FT_TEXT && !content_is_beyond_doubt(f, len);
}

bool
content_sniff_parts(struct multipart *m, const char *p, size_t len)
{
	char type[MULTIPART_BOUNDARY + 40] = "multipart/mixed; boundary=\"";
	const char *eol;
	size_t n;

	if (len > 2 && memcmp(p, "\r\n", 2) == 0)
		p += 2, len -= 2;
	if (len < 16 || p[0] != '-' || p[1] != '-' || (eol = memmem(p, len < 80 ? len : 80, "\r\n", 2)) == NULL)
		return false;
	n = (size_t)(eol - p) - 2;
	if (n == 0 || n > MULTIPART_BOUNDARY || len - n - 4 < 8 || strncasecmp(eol + 2, "content-", 8) != 0 || memchr(p + 2, '"', n) != NULL)
		return false;
	memcpy(type + 27, p + 2, n);
	memcpy(type + 27 + n, "\"", 2);
	return multipart_begin(m, type, p, len);
}

static bool
on_blob(void *arg, const void *data, size_t len, bool whole)
{
	struct walker *w = arg;
	struct piece p = {.where = "text", .data = data, .len = len, .whole = whole, .depth = w->depth + 1};

	if (!content_is_far_fetched(w->b, data, len))
		content_judge(w->c, &p);
	return w->c->step != CONTENT_REFUSED;
}

static void
judge_blobs(struct content *c, const struct piece *p)
{
	struct blob b;
	struct walker w = {c, &b, p->depth};

	blob_begin(&b, on_blob, &w);
	if (blob_feed(&b, p->data, p->len))
		blob_end(&b);
	if (b.run.err != 0 || b.data.err != 0)
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", "text", "no memory to look at it", 503);
	blob_free(&b);
}

static void
judge_parts(struct content *c, struct multipart *m, const struct piece *p)
{
	struct multipart_part part;
	int rc;

	while ((rc = multipart_next(m, &part)) == 1 && c->step != CONTENT_REFUSED) {
		struct piece q = {.where = "part", .data = part.data, .len = part.len, .whole = true, .depth = p->depth + 1};

		if (part.filename != NULL)
			q.name = arena_strndup(c->arena, part.filename, part.filename_len);
		if (part.type != NULL)
			q.type = arena_strndup(c->arena, part.type, part.type_len);
		content_judge(c, &q);
	}
	if (rc < 0 && strcmp(p->where, "text") != 0)	/* what begins so somewhere in a text needn't be one */
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "multipart", "body", "its parts cannot be told apart", 400);
}

/* The finding that decides: one that says something of the code, then what can't be judged, then what nobody opens. */
static const struct pth_finding *
worst(const struct pth_report *r)
{
	const struct pth_finding *f = &r->v[0];

	for (size_t i = 1; i < r->n; i++)
		if (f->layer >= PTH_LIMIT && r->v[i].layer < f->layer)
			f = &r->v[i];
	return f;
}

static enum content_mode
python_mode(const struct content *c, const struct pth_finding *w, bool package)
{
	enum content_mode mode = c->python, opaque = (enum content_mode)c->conf->opaque;

	if (w->layer == PTH_UNREADABLE)
		mode = (enum content_mode)c->conf->unreadable;
	else if (w->layer == PTH_LIMIT && (!package || opaque > mode))	/* it can't be opened: may be no package at all */
		mode = opaque;
	if (w->layer >= PTH_LIMIT && c->in.partial && mode > CONTENT_MONITOR)	/* a piece of an archive is none */
		mode = CONTENT_MONITOR;
	return mode;
}

/* Start-up files of Python, alone or in a package. */
static void
judge_python(struct content *c, const struct piece *p, const struct filetype *f)
{
	const char *name = p->name != NULL ? p->name : "";
	enum pth_kind kind = pth_kind(name);
	struct pth_limits lim = {.unpacked = content_room(c)};
	const struct pth_finding *w;
	struct pth_report *r;

	if (c->python == CONTENT_ALLOW || !p->whole || !content_is_python(name, f))
		return;
	r = arena_calloc(c->arena, 1, sizeof(*r));
	if (r != NULL && kind != PTH_NONE)
		pth_check(kind, name, p->data, p->len, c->arena, r);
	else if (r != NULL)
		pth_check_archive(name, p->data, p->len, &lim, c->arena, r);
	if (r != NULL)
		c->unpacked += r->unpacked;
	if (r == NULL || r->nomem) {
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", f->name, "package", "no memory to look at it", 503);
		return;
	}
	if (r->n == 0)
		return;
	w = worst(r);
	content_found(c, python_mode(c, w, kind != PTH_NONE || is_package(name, f)), pth_rule_id(w->layer), f->name, "package", w->why, 403);
}

/*
 * May it be looked into?  Words and tokens decode to noise everywhere, of about their own length: that costs no more than the text around it, and
 * isn't counted.
 */
static bool
is_worth_it(struct content *c, const struct piece *p, const struct filetype *f)
{
	bool text = strcmp(p->where, "text") == 0;

	if (text && f->class == FT_DATA)
		return true;
	return !(text && content_met(c, p)) && content_spend(c, p->len);
}

void
content_judge(struct content *c, const struct piece *p)
{
	const struct filetype *f = filetype_of(p->data, p->len);
	struct multipart m;
	bool parts = false, text = strcmp(p->where, "text") == 0;

	if (p->depth > CONTENT_DEPTH) {
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", p->where, "nested deeper than is looked at", 403);
		return;
	}
	if (text && content_is_chance(f, p->data, p->len))
		return;
	if (c->in.part == CONTENT_PIECE && content_is_chance(f, p->data, p->len))
		f = filetype_named("data");
	if (!text || (f->class != FT_TEXT && f->class != FT_DATA))
		content_judge_type(c, f, p->where);
	if (c->step == CONTENT_REFUSED || (p->depth > 0 && !is_worth_it(c, p, f)))
		return;
	if (multipart_is(p->type) ? multipart_begin(&m, p->type, p->data, p->len) : content_sniff_parts(&m, p->data, p->len)) {
		parts = true;
		judge_parts(c, &m, p);
		if (c->step == CONTENT_REFUSED)
			return;
	} else if (multipart_is(p->type))
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "multipart", p->where, "its parts cannot be told apart", 400);
	judge_python(c, p, f);
	if (c->step != CONTENT_REFUSED && c->secrets > CONTENT_ALLOW)
		content_secrets(c, p, f);
	/* What decodes to noise is no text to look further in. */
	if (c->step != CONTENT_REFUSED && (f->class == FT_TEXT || named(f, "script") || named(f, "batch") || named(f, "svg") ||
	    (f->class == FT_DATA && !text))) {
		judge_blobs(c, p);
		if (c->step != CONTENT_REFUSED && !parts)	/* escapes don't reach from part to part */
			content_layers(c, p);
	}
}

void
content_plain(struct content *c, const struct piece *p)
{
	if (c->secrets > CONTENT_ALLOW)
		content_scan(c, p->data, p->len, p->where);
	if (c->step != CONTENT_REFUSED)
		judge_blobs(c, p);
}
