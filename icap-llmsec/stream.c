/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/span.h"
#include "icap-llmsec/sse.h"
#include "icap-llmsec/stream.h"
#include "icap-llmsec/stream_fields.h"
#include "icap-llmsec/stream_mend.h"
#include "lib/json.h"

#define BLOCKS_MAX	256	/* texts with something held back, at a time */

/* A text that goes on, and the event that brought what is held back of it: the mould for the rest. */
struct block {
	struct field_key key;
	enum text_kind	 text_kind;
	struct text_state text;
	struct buf	 json;		/* the event */
	struct edit	*edits;		/* its deltas, emptied; edits[own] is this text's */
	size_t		 n_edits, own;
	struct buf	 name;		/* SSE: its name and line ending */
	char		 eol[3];
};

/* One event on its way through. */
struct unit {
	const char	*json;
	size_t		 len;
	const struct sse_event *sse;	/* NULL: other framings */
	const char	*eol;		/* NDJSON: what ends the line */
	bool		 complete, mended;	/* mended: <json> is not what came */
};

struct stream {
	struct stream_conf conf;
	struct found	*found;
	struct buf	*out;
	struct sse	*sse;
	struct buf	 part;		/* NDJSON, array: the unfinished value */
	int		 depth;		/* array: nesting, and the state inside strings */
	bool		 in_string, in_escape, in_array, elements;
	struct json_scan *scan;
	struct json_mend mend;
	struct buf	 mended;	/* an event's JSON, if it had to be */
	struct arena	*scratch;	/* one event's */
	struct block	*blocks;
	size_t		 n_blocks;
	struct refusal	 refusal;
	bool		 stopped;
};

static int stream_sse_event(void *, const struct sse_event *);

struct stream *
stream_new(const struct stream_conf *conf, struct found *found, struct buf *out)
{
	struct json_limits lim = { .depth = conf->depth };
	struct stream *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->conf = *conf;
	st->found = found;
	st->out = out;
	st->scan = json_scan_new(NULL, NULL, 0, &lim);
	st->scratch = arena_new(0);
	st->blocks = calloc(BLOCKS_MAX, sizeof(*st->blocks));
	if (conf->framing == STREAM_SSE)
		st->sse = sse_new(stream_sse_event, st, conf->event_max);
	if (st->scan == NULL || st->scratch == NULL || st->blocks == NULL ||
	    (conf->framing == STREAM_SSE && st->sse == NULL))
		stream_free(&st);
	return st;
}

static void
block_free(struct block *b)
{
	text_state_free(&b->text);
	buf_free(&b->json);
	buf_free(&b->name);
	free(b->edits);
	memset(b, 0, sizeof(*b));
}

void
stream_free(struct stream **sp)
{
	struct stream *st = *sp;

	*sp = NULL;
	if (st == NULL)
		return;
	for (size_t i = 0; i < st->n_blocks; i++)
		block_free(&st->blocks[i]);
	free(st->blocks);
	sse_free(&st->sse);
	buf_free(&st->part);
	buf_free(&st->mended);
	json_scan_free(&st->scan);
	arena_free(&st->scratch);
	free(st);
}

const struct refusal *
stream_refusal(const struct stream *st)
{
	return st->stopped ? &st->refusal : NULL;
}

/* --- texts and what is held back of them ---------------------------------------------------------- */

static struct block *
block_find(struct stream *st, const struct field_key *k)
{
	for (size_t i = 0; i < st->n_blocks; i++) {
		struct block *b = &st->blocks[i];

		if (b->key.kind == k->kind && b->key.a == k->a && b->key.b == k->b)
			return b;
	}
	return NULL;
}

static void
block_drop(struct stream *st, struct block *b)
{
	size_t i = (size_t)(b - st->blocks);

	block_free(b);
	memmove(b, b + 1, (st->n_blocks - i - 1) * sizeof(*b));
	st->n_blocks--;
	memset(&st->blocks[st->n_blocks], 0, sizeof(*b));
}

/* Remember the event as the mould for what is held back of <own>. */
static int
block_mould(struct block *b, const struct unit *u, const struct fields *fs, const struct field *own)
{
	buf_clear(&b->json);
	buf_add(&b->json, u->json, u->len);
	buf_clear(&b->name);
	if (u->sse != NULL)
		buf_add(&b->name, u->sse->name, u->sse->name_len);
	memcpy(b->eol, "\n\0", 3);
	if (u->eol != NULL && u->eol[0] != '\0')
		memcpy(b->eol, u->eol, strlen(u->eol) + 1);
	free(b->edits);
	b->n_edits = 0;
	b->edits = calloc(fs->n, sizeof(*b->edits));
	if (b->edits == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < fs->n; i++) {
		const struct field *f = &fs->v[i];

		if (f->whole)
			continue;
		if (f == own)
			b->own = b->n_edits;
		b->edits[b->n_edits++] = (struct edit){ f->start, f->end, "", 0 };
	}
	return b->json.err != 0 ? b->json.err : b->name.err;
}

/* --- writing ---------------------------------------------------------------------------------------- */

static int
stream_write_new(struct stream *st, const struct block *b, const char *json, size_t len)
{
	if (st->conf.framing == STREAM_SSE)
		return sse_write(st->out, buf_ptr(&b->name), buf_len(&b->name), b->eol, json, len);
	buf_add(st->out, json, len);
	return buf_adds(st->out, st->conf.framing == STREAM_NDJSON ? b->eol : ",\n");
}

/* Everything held back of <b> in an event of its own. */
static int
block_flush(struct stream *st, struct block *b)
{
	struct buf text = { 0 }, json = { 0 };
	int e = 0;

	if (text_holds(&b->text)) {
		e = text_step(&st->conf.rules, b->text_kind, &b->text, "", 0, true, st->scratch,
		    st->found, &text);
		if (e == 0) {
			b->edits[b->own].text = buf_ptr(&text);
			b->edits[b->own].len = buf_len(&text);
			e = span_splice(&json, buf_ptr(&b->json), buf_len(&b->json), b->edits,
			    b->n_edits);
		}
		if (e == 0)
			e = stream_write_new(st, b, buf_ptr(&json), buf_len(&json));
		buf_free(&text);
		buf_free(&json);
	} else
		text_end(&st->conf.rules, &b->text);
	block_drop(st, b);
	return e;
}

static int
stream_flush_all(struct stream *st)
{
	int e = 0;

	while (e == 0 && st->n_blocks > 0)
		e = block_flush(st, &st->blocks[0]);
	return e;
}

static int
stream_write_unit(struct stream *st, const struct unit *u, const char *json, size_t len)
{
	if (u->sse != NULL)
		return sse_rewrite(st->out, u->sse, json, len);
	buf_add(st->out, json, len);
	return buf_adds(st->out, u->eol);
}

/* As it came. */
static int
stream_write_raw(struct stream *st, const struct unit *u)
{
	if (u->sse != NULL && !u->mended)
		return buf_add(st->out, u->sse->raw, u->sse->raw_len);
	return stream_write_unit(st, u, u->json, u->len);
}

/* --- one event -------------------------------------------------------------------------------------- */

/* Does the event, or a later delta in it, end this text? */
static bool
field_is_last(const struct fields *fs, size_t i)
{
	const struct field *f = &fs->v[i], *g;

	for (size_t j = i + 1; j < fs->n; j++) {
		g = &fs->v[j];
		if (g->whole || g->key.a != f->key.a)
			continue;
		if (g->key.kind == f->key.kind && g->key.b == f->key.b)
			return false;
		if (fs->order)
			return true;
	}
	return fields_stop(fs, f->key.a);
}

static bool
event_has(const struct fields *fs, const struct field_key *k)
{
	for (size_t i = 0; i < fs->n; i++)
		if (!fs->v[i].whole && fs->v[i].key.kind == k->kind && fs->v[i].key.a == k->a &&
		    fs->v[i].key.b == k->b)
			return true;
	return false;
}

static bool
event_has_a(const struct fields *fs, int64_t a)
{
	for (size_t i = 0; i < fs->n; i++)
		if (!fs->v[i].whole && fs->v[i].key.a == a)
			return true;
	return false;
}

/* Texts that end with this event and are not in it go out in front of it. */
static int
event_flush_ended(struct stream *st, const struct fields *fs)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < st->n_blocks;) {
		struct block *b = &st->blocks[i];

		if (!event_has(fs, &b->key) && (fields_stop(fs, b->key.a) ||
		    (fs->order && event_has_a(fs, b->key.a))))
			e = block_flush(st, b);
		else
			i++;
	}
	return e;
}

/* The rules for a text that is complete in itself; names and ids are only unmasked. */
static int
event_whole(const struct stream *st, const struct field *f, struct arena *scratch, struct buf *text)
{
	struct text_rules r = st->conf.rules;
	struct text_state none = { 0 };
	int e;

	if (!f->judge) {
		r.detectors = NULL;
		r.guard = NULL;
	}
	e = text_step(&r, f->text_kind, &none, f->text, f->len, true, scratch, st->found, text);
	text_state_free(&none);
	return e;
}

/* Room for one more text: of the oldest of which nothing is held back, its past is forgotten. */
static bool
blocks_room(struct stream *st)
{
	for (size_t i = 0; st->n_blocks == BLOCKS_MAX && i < st->n_blocks; i++)
		if (!text_holds(&st->blocks[i].text)) {
			block_drop(st, &st->blocks[i]);
			break;
		}
	return st->n_blocks < BLOCKS_MAX;
}

static int
event_delta(struct stream *st, const struct unit *u, const struct fields *fs, size_t i,
    struct buf *text)
{
	const struct field *f = &fs->v[i];
	struct block *b = block_find(st, &f->key), fresh = { .key = f->key };
	bool last = field_is_last(fs, i);
	int e;

	fresh.text_kind = f->text_kind;
	e = text_step(&st->conf.rules, f->text_kind, b != NULL ? &b->text : &fresh.text, f->text,
	    f->len, last, st->scratch, st->found, text);
	if (b == NULL && e == 0 && !last && (text_holds(&fresh.text) || fresh.text.guard != NULL)) {
		if (!blocks_room(st))
			e = -EMSGSIZE;
		else {
			b = &st->blocks[st->n_blocks++];
			*b = fresh;
			memset(&fresh, 0, sizeof(fresh));
		}
	}
	block_free(&fresh);
	if (e == 0 && b != NULL && text_holds(&b->text))
		e = block_mould(b, u, fs, f);
	else if (e == 0 && b != NULL && (last || b->text.guard == NULL))
		block_drop(st, b);
	return e;
}

/* What each field of the event becomes; only those that change are edited. */
static int
event_edits(struct stream *st, const struct unit *u, const struct fields *fs, struct edit *ed,
    size_t *n)
{
	struct buf text = { 0 };
	const char *copy;
	int e = 0;

	*n = 0;
	for (size_t i = 0; e == 0 && i < fs->n; i++) {
		const struct field *f = &fs->v[i];

		buf_clear(&text);
		if (f->whole)
			e = event_whole(st, f, st->scratch, &text);
		else
			e = event_delta(st, u, fs, i, &text);
		if (e != 0 || (buf_len(&text) == f->len &&
		    memcmp(buf_ptr(&text), f->text, f->len) == 0))
			continue;
		copy = arena_strndup(st->scratch, buf_ptr(&text), buf_len(&text));
		if (copy == NULL)
			e = -ENOMEM;
		ed[(*n)++] = (struct edit){ f->start, f->end, copy, buf_len(&text) };
	}
	buf_free(&text);
	return e;
}

static int
stream_event_judged(struct stream *st, const struct unit *u, struct fields *fs)
{
	struct edit *ed;
	struct buf json = { 0 };
	size_t n;
	int e;

	if (!u->complete)
		fs->stop_all = true;	/* nothing can follow */
	e = event_flush_ended(st, fs);
	ed = arena_calloc(st->scratch, fs->n + 1, sizeof(*ed));
	if (e == 0 && ed == NULL)
		e = -ENOMEM;
	if (e == 0)
		e = event_edits(st, u, fs, ed, &n);
	if (e == 0 && n == 0)
		return stream_write_raw(st, u);
	if (e == 0)
		e = span_splice(&json, u->json, u->len, ed, n);
	if (e == 0)
		e = stream_write_unit(st, u, buf_ptr(&json), buf_len(&json));
	buf_free(&json);
	return e;
}

int
stream_stop(struct stream *st, int status, const char *code, const char *message)
{
	if (st->stopped)
		return 0;
	st->stopped = true;
	st->refusal = (struct refusal){ .status = status, .code = code, .message = message,
		.request_id = st->conf.request_id };
	if (st->conf.framing != STREAM_ARRAY)
		return dialect_error_stream(st->out, &st->conf.route, &st->refusal);
	if (!st->in_array)
		buf_addc(st->out, '[');
	else if (st->elements)
		buf_adds(st->out, buf_len(&st->part) > 0 ? "" : ",\n");
	dialect_error_json(st->out, st->conf.route.dialect, &st->refusal);
	return buf_adds(st->out, "]");
}

/* An error of one event becomes the end of the stream, or not, as the rules and the policy have it. */
static int
stream_trouble(struct stream *st, const struct unit *u, int e)
{
	if (e == -ENOMEM)
		return e;
	if (e == -EPERM)
		return stream_stop(st, 403, "output_blocked",
		    "The response was stopped by policy.");
	if (text_rules_judge(&st->conf.rules)) {
		if (!u->complete && !st->conf.fail_open)
			return 0;	/* half an event: clients drop it, so do we */
		if (!st->conf.fail_open)
			return stream_stop(st, 503, "response_unreadable",
			    "The response could not be inspected.");
	}
	return stream_write_raw(st, u);
}

/* An event whose strings begin or end inside a character, as one that can be read. */
static int
event_mend(struct stream *st, struct unit *u, struct fields *fs)
{
	int e;

	buf_clear(&st->mended);
	e = json_mend(&st->mend, u->json, u->len, &st->mended);
	if (e != 0)
		return e;
	u->json = buf_ptr(&st->mended);
	u->len = buf_len(&st->mended);
	u->mended = true;
	arena_reset(st->scratch);
	return fields_of_event(st->scan, st->conf.route.dialect, u->json, u->len,
	    text_rules_look(&st->conf.rules), st->scratch, fs);
}

static int
stream_event(struct stream *st, struct unit *u)
{
	struct unit came = *u;
	struct fields fs;
	int e;

	arena_reset(st->scratch);
	e = fields_of_event(st->scan, st->conf.route.dialect, u->json, u->len,
	    text_rules_look(&st->conf.rules), st->scratch, &fs);
	if (e == -EILSEQ && u->complete && (e = event_mend(st, u, &fs)) == -EILSEQ)
		*u = came;
	if (e == 0)
		e = stream_event_judged(st, u, &fs);
	else if (!u->complete && (e = stream_flush_all(st)) == 0)
		e = -EILSEQ;
	return e == 0 ? 0 : stream_trouble(st, u, e);
}

/* --- framings --------------------------------------------------------------------------------------- */

static int
stream_sse_event(void *arg, const struct sse_event *ev)
{
	struct stream *st = arg;
	struct unit u = { ev->data, ev->data_len, ev, ev->eol, ev->complete };
	const char *p = ev->data;
	size_t n = ev->data_len;
	int e;

	if (st->stopped)
		return 0;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\n'))
		n--;
	while (n > 0 && *p == ' ') {
		p++;
		n--;
	}
	if (!ev->has_data || n == 0)	/* nothing, or a sign of life */
		return stream_write_raw(st, &u);
	if (n == 6 && memcmp(p, "[DONE]", 6) == 0) {
		e = stream_flush_all(st);
		return e != 0 ? stream_trouble(st, &u, e) : stream_write_raw(st, &u);
	}
	return stream_event(st, &u);
}

static int
stream_line(struct stream *st, bool complete)
{
	char *p = st->part.data + st->part.rd;
	size_t len = buf_len(&st->part), n = len;
	char eol[3] = "";
	struct unit u = { p, 0, NULL, eol, complete };
	int e;

	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r') && len - n < 2)
		n--;
	memcpy(eol, p + n, len - n);
	u.len = n;
	e = strspn(p, " \t\r\n") >= n ? stream_write_raw(st, &u) : stream_event(st, &u);
	buf_clear(&st->part);
	return e;
}

static int
stream_feed_lines(struct stream *st, const char *p, size_t len)
{
	const char *end = p + len, *nl;
	int e = 0;

	while (e == 0 && p < end && !st->stopped) {
		nl = memchr(p, '\n', (size_t)(end - p));
		nl = nl != NULL ? nl + 1 : end;
		buf_add(&st->part, p, (size_t)(nl - p));
		if (st->part.err != 0)
			return st->part.err;
		if (buf_len(&st->part) > st->conf.event_max)
			return stream_stop(st, 503, "response_unreadable",
			    "The response could not be inspected.");
		if (nl[-1] == '\n') {
			/* stream_line() reads with str functions */
			buf_addc(&st->part, '\0');
			st->part.len--;
			e = stream_line(st, true);
		}
		p = nl;
	}
	return e;
}

/* One byte of an element; true when it is the last. */
static bool
stream_array_byte(struct stream *st, char c)
{
	if (st->in_string) {
		if (st->in_escape)
			st->in_escape = false;
		else if (c == '\\')
			st->in_escape = true;
		else if (c == '"')
			st->in_string = false;
		return false;
	}
	if (c == '"')
		st->in_string = true;
	else if (c == '{' || c == '[')
		st->depth++;
	else if (c == '}' || c == ']')
		st->depth--;
	return st->depth == 0;
}

/* Bytes between elements: the array's own brackets, commas and white space. */
static int
stream_array_between(struct stream *st, char c)
{
	struct buf *out = st->out;
	size_t before = buf_len(out);
	int e;

	if (c == '[')
		st->in_array = true;
	if (c == ']' && st->n_blocks > 0) {
		buf_adds(out, ",\n");
		e = stream_flush_all(st);
		if (e != 0)
			return e;
		/* each new element brings its comma; the last one must not */
		if (buf_len(out) > before + 2)
			out->len -= 2;
	}
	return buf_addc(out, c);
}

static int
stream_feed_array(struct stream *st, const char *p, size_t len)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < len && !st->stopped; i++) {
		if (st->depth == 0 && p[i] != '{') {
			e = stream_array_between(st, p[i]);
			continue;
		}
		if (buf_addc(&st->part, p[i]) != 0)
			return st->part.err;
		if (buf_len(&st->part) > st->conf.event_max)
			return stream_stop(st, 503, "response_unreadable",
			    "The response could not be inspected.");
		if (stream_array_byte(st, p[i])) {
			struct unit u = { buf_ptr(&st->part), buf_len(&st->part), NULL, "", true };

			e = stream_event(st, &u);
			buf_clear(&st->part);
			st->elements = true;
		}
	}
	return e;
}

static int
stream_feed_sse(struct stream *st, const void *p, size_t len)
{
	int e = sse_feed(st->sse, p, len);

	if (e == -EMSGSIZE)
		return stream_stop(st, 503, "response_unreadable",
		    "The response could not be inspected.");
	return e;
}

int
stream_feed(struct stream *st, const void *p, size_t len)
{
	if (st->stopped)
		return 0;
	switch (st->conf.framing) {
	case STREAM_SSE:
		return stream_feed_sse(st, p, len);
	case STREAM_NDJSON:
		return stream_feed_lines(st, p, len);
	case STREAM_ARRAY:
		return stream_feed_array(st, p, len);
	}
	return -EINVAL;
}

int
stream_finish(struct stream *st)
{
	struct unit u = { "", 0, NULL, "", false };
	int e = 0;

	if (st->stopped)
		return 0;
	if (st->sse != NULL)
		e = sse_finish(st->sse);
	else if (buf_len(&st->part) > 0 && st->conf.framing == STREAM_NDJSON) {
		buf_addc(&st->part, '\0');
		st->part.len--;
		e = stream_line(st, false);
	} else if (buf_len(&st->part) > 0) {
		u.json = buf_ptr(&st->part);
		u.len = buf_len(&st->part);
		e = stream_event(st, &u);
	}
	if (e == 0 && !st->stopped) {
		u.len = 0;
		e = stream_flush_all(st);
		if (e != 0)
			e = stream_trouble(st, &u, e);
	}
	return e;
}

/* --- whole bodies ----------------------------------------------------------------------------------- */

static int
body_edits(const struct text_rules *rules, const struct fields *fs, struct arena *arena,
    struct found *found, struct edit *ed, size_t *n)
{
	struct stream st = { .conf.rules = *rules, .found = found };
	struct buf text = { 0 };
	int e = 0;

	*n = 0;
	for (size_t i = 0; e == 0 && i < fs->n; i++) {
		const struct field *f = &fs->v[i];

		buf_clear(&text);
		e = event_whole(&st, f, arena, &text);
		if (e != 0 || (buf_len(&text) == f->len &&
		    memcmp(buf_ptr(&text), f->text, f->len) == 0))
			continue;
		ed[*n] = (struct edit){ f->start, f->end,
			arena_strndup(arena, buf_ptr(&text), buf_len(&text)), buf_len(&text) };
		if (ed[(*n)++].text == NULL)
			e = -ENOMEM;
	}
	buf_free(&text);
	return e;
}

int
stream_json_body(const struct text_rules *rules, const void *body, size_t len, unsigned depth,
    struct found *found, struct buf *out)
{
	struct json_limits lim = { .depth = depth };
	struct json_scan *scan = json_scan_new(NULL, NULL, 0, &lim);
	struct arena *arena = arena_new((size_t)1 << 30);
	struct edit *ed = NULL;
	struct buf mended = { 0 };
	struct fields fs;
	size_t n = 0;
	int e = scan == NULL || arena == NULL ? -ENOMEM : 0;

	if (e == 0)
		e = fields_of_body(scan, body, len, text_rules_look(rules), arena, &fs);
	if (e == -EILSEQ && json_mend(NULL, body, len, &mended) == 0) {
		arena_reset(arena);
		body = buf_ptr(&mended);
		len = buf_len(&mended);
		e = fields_of_body(scan, body, len, text_rules_look(rules), arena, &fs);
	}
	if (e == 0 && (ed = arena_calloc(arena, fs.n + 1, sizeof(*ed))) == NULL)
		e = -ENOMEM;
	if (e == 0)
		e = body_edits(rules, &fs, arena, found, ed, &n);
	if (e == 0)
		e = n == 0 ? buf_add(out, body, len) : span_splice(out, body, len, ed, n);
	buf_free(&mended);
	json_scan_free(&scan);
	arena_free(&arena);
	return e;
}
