/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/content_private.h"
#include "icap-llmsec/multipart.h"
#include "lib/arena.h"

#define TEXT_HEAD	(55 * 1024)	/* held of text: 41 KB of a file in base64 */
#define TAIL	66000		/* a zip's directory record: within the last 65557 bytes */

static const struct { const char *id, *why; } class_rules[FT_CLASSES] = {
	[FT_ARCHIVE] = {"LLMSEC-CONTENT-ARCHIVE", "archives may not pass here"},
	[FT_EXECUTABLE] = {"LLMSEC-CONTENT-EXECUTABLE", "programs may not pass here"},
	[FT_DOCUMENT] = {"LLMSEC-CONTENT-DOCUMENT", "documents may not pass here"},
	[FT_IMAGE] = {"LLMSEC-CONTENT-IMAGE", "pictures may not pass here"},
	[FT_AUDIO] = {"LLMSEC-CONTENT-AUDIO", "sound may not pass here"},
	[FT_VIDEO] = {"LLMSEC-CONTENT-VIDEO", "films may not pass here"},
	[FT_TEXT] = {"LLMSEC-CONTENT-TEXT", "text may not pass here"},
	[FT_DATA] = {"LLMSEC-CONTENT-DATA", "data of unknown type may not pass here"},
};

void
content_found(struct content *c, enum content_mode mode, const char *rule_id, const char *type, const char *where, const char *why,
    int status)
{
	if (mode > c->v.mode)
		c->v = (struct content_verdict){mode, rule_id, type, where, why, status};
	if (mode == CONTENT_BLOCK)
		c->step = CONTENT_REFUSED;
}

/* What can't be looked at. */
static void
opaque(struct content *c, const char *where, const char *why, int status)
{
	content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", where, why, status);
}

/* --- policy ---------------------------------------------------------------------------------------------- */

static bool
listed(const struct conf_strs *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return true;
	return false;
}

/* -1: nothing is said. */
static int
mode_in(const struct content_types *t, const struct filetype *f)
{
	if (listed(&t->deny, f->name))
		return CONTENT_BLOCK;
	if (listed(&t->monitor, f->name))
		return CONTENT_MONITOR;
	return listed(&t->allow, f->name) ? CONTENT_ALLOW : t->class[f->class];
}

void
content_judge_type(struct content *c, const struct filetype *f, const char *where)
{
	int mode = c->own != NULL ? mode_in(c->own, f) : -1;

	if (mode < 0)
		mode = mode_in(c->general, f);
	content_found(c, (enum content_mode)mode, class_rules[f->class].id, f->name, where, class_rules[f->class].why, 403);
}

static bool
host_fits(const char *host, const char *pattern)
{
	size_t n = strlen(host), k = strlen(pattern);

	while (n > 0 && host[n - 1] == '.')
		n--;
	if (*pattern == '.')
		return (n >= k && strncasecmp(host + n - k, pattern, k) == 0) || (n == k - 1 && strncasecmp(host, pattern + 1, n) == 0);
	return n == k && strncasecmp(host, pattern, n) == 0;
}

static void
choose_policy(struct content *c)
{
	const struct content_conf *p = c->conf;
	const struct content_rule *r = NULL;

	for (size_t i = 0; r == NULL && i < p->n_rules; i++)
		for (size_t k = 0; k < p->rules[i].hosts.n; k++)
			if (host_fits(c->in.host, p->rules[i].hosts.v[k]))
				r = &p->rules[i];
	c->general = c->in.upload ? &p->upload : &p->download;
	c->own = r == NULL ? NULL : c->in.upload ? &r->upload : &r->download;
	c->secrets = !c->in.upload ? CONTENT_ALLOW : (enum content_mode)(r != NULL && r->secrets >= 0 ? r->secrets : p->secrets);
	c->python = (enum content_mode)(r != NULL && r->python >= 0 ? r->python : p->python);
	c->pieces = (enum content_mode)(r != NULL && r->pieces >= 0 ? r->pieces : p->pieces);
	c->max = c->own != NULL && c->own->max > 0 ? c->own->max : c->general->max;
}

/* --- the name, which only decides what Python would do with it --------------------------------------------- */

static const char *
name_of(struct content *c)
{
	const char *d = c->in.disposition, *at = d != NULL ? strcasestr(d, "filename") : NULL, *end;

	if (at != NULL && (at = strchr(at, '=')) != NULL) {
		at++;
		if (*at == '"')
			return arena_strndup(c->arena, at + 1, strcspn(at + 1, "\""));
		return arena_strndup(c->arena, at, strcspn(at, "; \t"));
	}
	at = c->in.url != NULL ? c->in.url : "";
	end = at + strcspn(at, "?#");
	for (const char *s = at; s < end; s++)
		if (*s == '/')
			at = s + 1;
	return arena_strndup(c->arena, at, (size_t)(end - at));
}

/* --- life -------------------------------------------------------------------------------------------------- */

/* What blobs in a stream decode to. */
static bool
on_blob(void *arg, const void *data, size_t len, bool whole)
{
	struct content *c = arg;
	struct piece p = {.where = "text", .data = data, .len = len, .whole = whole, .depth = 1};

	if (!content_is_far_fetched(&c->blob, data, len))
		content_judge(c, &p);
	return c->step != CONTENT_REFUSED;
}

int
content_new(struct content **out, const struct content_conf *conf, const struct content_in *in, struct arena *a)
{
	struct content *c = arena_calloc(a, 1, sizeof(*c));
	enum decode_coding coding = decode_coding(in->content_encoding);

	*out = c;
	if (c == NULL)
		return -ENOMEM;
	c->conf = conf;
	c->in = *in;
	c->arena = a;
	c->v = (struct content_verdict){CONTENT_ALLOW, "", "", "", "", 200};
	choose_policy(c);
	c->name = name_of(c);
	blob_begin(&c->blob, on_blob, c);
	c->win.max = (size_t)conf->max_whole + FILETYPE_HEAD;
	if (coding == DECODE_UNKNOWN)
		opaque(c, "body", "a content coding that is not looked into", 415);
	else if (coding != DECODE_IDENTITY && decode_new(&c->dec, coding, SIZE_MAX / 2) < 0)
		return -ENOMEM;
	if (in->part == CONTENT_PIECE)
		content_found(c, c->pieces, "LLMSEC-CONTENT-PIECE", "", "header", "pieces of files may not pass here", 400);
	c->in.partial = in->partial || in->part == CONTENT_PIECE || (in->part == CONTENT_FRONT && c->pieces < CONTENT_BLOCK);
	if (in->doubt != NULL)
		opaque(c, "header", in->doubt, 400);
	if (c->max > 0 && in->length > c->max)
		content_found(c, CONTENT_BLOCK, "LLMSEC-CONTENT-SIZE", "", "body", "larger than may pass here", 413);
	return c->name == NULL ? -ENOMEM : 0;
}

void
content_free(struct content **cp)
{
	struct content *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	decode_free(&c->dec);
	blob_free(&c->blob);
	buf_free(&c->win);
	buf_free(&c->tail);
	buf_free(&c->scratch);
}

enum content_step
content_step(const struct content *c)
{
	return c->step;
}

const struct content_verdict *
content_verdict(const struct content *c)
{
	return &c->v;
}

/* --- as it comes ------------------------------------------------------------------------------------------- */

static bool
is_texty(const struct filetype *f)
{
	return f->class == FT_TEXT || f->class == FT_DATA || strcmp(f->name, "script") == 0 || strcmp(f->name, "batch") == 0 ||
	    strcmp(f->name, "svg") == 0;
}

/* Must nobody wait for more?  Event streams are text from the first byte, or they aren't let go. */
static bool
is_live(const struct content *c)
{
	const char *t = c->in.content_type;

	return !c->in.upload && t != NULL && (strncasecmp(t, "text/event-stream", 17) == 0 || strncasecmp(t, "application/x-ndjson", 20) == 0) &&
	    filetype_of(buf_ptr(&c->win), buf_len(&c->win))->class == FT_TEXT;
}

static bool
needs_whole(struct content *c, const struct filetype *f)
{
	struct multipart m;

	c->lenient = c->in.partial;
	if (multipart_is(c->in.content_type) || content_sniff_parts(&m, buf_ptr(&c->win), buf_len(&c->win)))
		return true;
	c->lenient = c->in.partial || (!c->in.upload && !content_is_package(c->name, f));
	if (c->python > CONTENT_ALLOW && content_is_python(c->name, f))
		return true;
	return c->secrets > CONTENT_ALLOW && (is_texty(f) || f->class == FT_DOCUMENT);
}

static void
walk_blobs(struct content *c, const char *p, size_t len)
{
	if (!blob_feed(&c->blob, p, len) && c->blob.run.err != 0)
		opaque(c, "text", "no memory to look at it", 503);
}

/* Enough of the front is there. */
static void
decide(struct content *c)
{
	const struct filetype *f = filetype_of(buf_ptr(&c->win), buf_len(&c->win));

	if (c->in.part == CONTENT_PIECE && content_is_chance(f, buf_ptr(&c->win), buf_len(&c->win)))
		f = filetype_named("data");
	content_judge_type(c, f, "body");
	if (c->step == CONTENT_REFUSED)
		return;
	if (needs_whole(c, f)) {
		c->step = CONTENT_WHOLE;
		return;
	}
	c->step = CONTENT_STREAM;
	c->front_done = buf_len(&c->win) >= FILETYPE_HEAD;
	c->walking = is_texty(f);
	if (c->walking) {
		walk_blobs(c, buf_ptr(&c->win), buf_len(&c->win));
		if (c->step != CONTENT_REFUSED)
			blob_peek(&c->blob);
	}
}

static void
keep_tail(struct content *c, const char *p, size_t len)
{
	size_t n = buf_len(&c->tail);

	if (len >= TAIL) {
		buf_clear(&c->tail);
		p += len - TAIL;
		len = TAIL;
	} else if (n + len > 2 * TAIL)
		buf_consume(&c->tail, n - TAIL);
	buf_add(&c->tail, p, len);
}

/* A stream under way: its front once more when there is enough of it, blobs, and the end for later. */
static void
watch(struct content *c, const char *p, size_t len)
{
	size_t room = buf_len(&c->win) < FILETYPE_HEAD ? FILETYPE_HEAD - buf_len(&c->win) : 0;

	if (!c->front_done) {
		buf_add(&c->win, p, len < room ? len : room);
		c->front_done = buf_len(&c->win) >= FILETYPE_HEAD;
		if (c->front_done)
			content_judge_type(c, filetype_of(buf_ptr(&c->win), buf_len(&c->win)), "body");
	}
	if (c->walking && c->step != CONTENT_REFUSED)
		walk_blobs(c, p, len);
	keep_tail(c, p, len);
}

static void
take(struct content *c, const char *p, size_t len)
{
	c->seen += len;
	if (c->step == CONTENT_STREAM) {
		watch(c, p, len);
		return;
	}
	buf_add(&c->win, p, len);
	if (c->win.err != 0 || buf_len(&c->win) > (size_t)c->conf->max_whole) {
		if (c->lenient && c->conf->opaque > CONTENT_MONITOR)
			content_found(c, CONTENT_MONITOR, "LLMSEC-CONTENT-OPAQUE", "", "body", "larger than is looked at", 413);
		else
			opaque(c, "body", "larger than is looked at", 413);
		if (c->step != CONTENT_REFUSED) {	/* the policy lets it go unseen */
			c->step = CONTENT_STREAM;
			c->front_done = true;
		}
		return;
	}
	if (c->step == CONTENT_HOLD && (buf_len(&c->win) >= TEXT_HEAD || is_live(c) || (buf_len(&c->win) >= FILETYPE_HEAD &&
	    !is_texty(filetype_of(buf_ptr(&c->win), buf_len(&c->win))))))
		decide(c);
}

static void
take_coded(struct content *c, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0 && c->step != CONTENT_REFUSED) {	/* small steps: what comes out of one is bounded */
		size_t n = len < 4096 ? len : 4096;
		int rc = decode_feed(c->dec, p, n, &c->scratch);

		if (rc < 0) {
			opaque(c, "body", "its content coding is broken, or a bomb", 415);
			decode_free(&c->dec);
			if (c->step != CONTENT_REFUSED)
				c->step = CONTENT_STREAM;
			return;
		}
		take(c, buf_ptr(&c->scratch), buf_len(&c->scratch));
		buf_clear(&c->scratch);
		p += n;
		len -= n;
	}
}

enum content_step
content_feed(struct content *c, const void *data, size_t len)
{
	bool coded = decode_coding(c->in.content_encoding) != DECODE_IDENTITY;

	if (c->step == CONTENT_REFUSED)
		return c->step;
	c->raw += (int64_t)len;
	if (c->max > 0 && c->raw > c->max)
		content_found(c, CONTENT_BLOCK, "LLMSEC-CONTENT-SIZE", "", "body", "larger than may pass here", 413);
	else if (c->dec != NULL)
		take_coded(c, data, len);
	else if (coded)
		c->step = CONTENT_STREAM;	/* unknown, and the policy lets it pass */
	else
		take(c, data, len);
	return c->step;
}

/* Of a stream: what only its end tells. */
static void
finish_stream(struct content *c)
{
	const struct filetype *f;

	if (c->walking)
		blob_end(&c->blob);
	if (!c->front_done)
		content_judge_type(c, filetype_of(buf_ptr(&c->win), buf_len(&c->win)), "body");
	f = filetype_of_tail(buf_ptr(&c->tail), buf_len(&c->tail));
	if (f != NULL)
		content_judge_type(c, f, "body");
}

enum content_step
content_finish(struct content *c, char *body, size_t len)
{
	struct piece p = {.where = "body", .name = c->name, .type = c->in.content_type, .whole = true};

	if (c->step == CONTENT_REFUSED)
		return c->step;
	if (c->dec != NULL && decode_finish(c->dec) < 0 && c->raw > 0)
		opaque(c, "body", "its content coding is cut short", 415);
	if (c->step == CONTENT_STREAM)
		finish_stream(c);
	else if (c->step != CONTENT_REFUSED) {
		p.data = buf_ptr(&c->win);
		p.len = buf_len(&c->win);
		if (c->dec == NULL) {
			c->body = body;
			c->body_len = len;
		}
		content_judge(c, &p);
	}
	if (c->step != CONTENT_REFUSED)
		c->step = CONTENT_STREAM;
	return c->step;
}
