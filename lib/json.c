/* SPDX-License-Identifier: MIT */
/* The structure between the tokens: containers, their paths and limits, and the public interface. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json_private.h"

#define DEPTH_DEFAULT	128
#define STRING_DEFAULT	((size_t)64 << 20)
#define KEYS_DEFAULT	100000
#define FRAMES_MIN	16
#define KEEP_MAX	((size_t)1 << 20)	/* a reset gives larger buffers back */

void
json_fail(struct json_scan *s, int rc, uint64_t offset, const char *error)
{
	if (s->rc != 0)
		return;
	s->rc = rc;
	s->error = error;
	s->error_off = offset;
}

static enum json_state
state_first(const struct json_scan *s)
{
	return s->flags & JSON_STREAM ? ST_NEXT : ST_VALUE;
}

static enum json_state
state_after_value(const struct json_scan *s)
{
	return s->depth > 0 ? ST_COMMA : ST_DONE;
}

static void
emit(struct json_scan *s, struct json_value *v)
{
	int rc;

	v->path = s->step;
	v->depth = s->depth;
	if (s->depth > 0) {
		v->dup_key = s->frame[s->depth - 1].dup;
		v->key_start = s->frame[s->depth - 1].key_start;
		v->key_end = s->frame[s->depth - 1].key_end;
	}
	rc = s->fn(s->arg, v);
	if (rc != 0)
		json_fail(s, rc, v->end, "stopped by the caller");
}

void
json_scalar_done(struct json_scan *s, enum json_type type, const char *raw, size_t raw_len, uint64_t end)
{
	struct json_value v = { .type = type, .start = s->token, .end = end, .raw = raw, .raw_len = raw_len };

	s->state = state_after_value(s);
	emit(s, &v);
}

/* realloc() may have moved the keys under the path. */
static void
keys_rebase(struct json_scan *s)
{
	for (size_t i = 0; i < s->depth; i++)
		if (s->frame[i].object && s->step[i].key != NULL)
			s->step[i].key = s->keys.data + s->frame[i].key_off;
}

static void
key_done(struct json_scan *s, const char *key, size_t len, uint64_t end)
{
	struct json_frame *f = &s->frame[s->depth - 1];
	struct json_step *step = &s->step[s->depth - 1];
	size_t before = s->keys.cap;
	int rc;

	s->keys.len = f->key_off;
	if (len > s->limit.string || f->key_off > s->limit.string - len) {
		json_fail(s, -EMSGSIZE, s->token, "keys of a path too long");
		return;
	}
	if (buf_add(&s->keys, key, len) != 0 || buf_addc(&s->keys, '\0') != 0) {
		json_fail(s, -ENOMEM, s->token, "out of memory");
		return;
	}
	if (s->keys.cap != before)
		keys_rebase(s);
	step->key = s->keys.data + f->key_off;
	step->key_len = len;
	rc = json_keyset_add(&s->set, s->depth, key, len);
	if (rc < 0)
		json_fail(s, rc, s->token, "out of memory");
	else if (rc > 0 && (s->flags & JSON_STRICT_DUP))
		json_fail(s, -EILSEQ, s->token, "duplicate key");
	else if (s->set.n > s->limit.keys)
		json_fail(s, -EMSGSIZE, s->token, "too many keys");
	f->dup = rc > 0;
	f->key_start = s->token;
	f->key_end = end;
	s->state = ST_COLON;
}

void
json_string_done(struct json_scan *s, const char *raw, size_t raw_len, uint64_t end)
{
	struct json_value v = { .type = JSON_STRING, .start = s->token, .end = end, .raw = raw,
	    .raw_len = raw_len, .text = raw, .text_len = raw_len };

	if (s->escaped) {
		buf_clear(&s->decoded);
		v.text = buf_room(&s->decoded, raw_len);
		if (v.text == NULL) {
			json_fail(s, -ENOMEM, s->token, "out of memory");
			return;
		}
		v.text_len = json_unescape(s->decoded.data, raw, raw_len);
	}
	if (s->is_key) {
		key_done(s, v.text, v.text_len, end);
		return;
	}
	s->state = state_after_value(s);
	emit(s, &v);
}

static int
frames_grow(struct json_scan *s)
{
	size_t cap = s->cap ? s->cap * 2 : FRAMES_MIN;
	struct json_frame *f;
	struct json_step *st;

	f = reallocarray(s->frame, cap, sizeof(*f));
	if (f == NULL)
		return -ENOMEM;
	s->frame = f;
	st = reallocarray(s->step, cap, sizeof(*st));
	if (st == NULL)
		return -ENOMEM;
	s->step = st;
	s->cap = cap;
	return 0;
}

static void
container_begin(struct json_scan *s, uint64_t off, bool object)
{
	struct json_value v = { .type = object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN,
	    .start = off, .end = off + 1 };

	if (s->depth == s->limit.depth) {
		json_fail(s, -EMSGSIZE, off, "nested too deeply");
		return;
	}
	if (s->depth == s->cap && frames_grow(s) != 0) {
		json_fail(s, -ENOMEM, off, "out of memory");
		return;
	}
	emit(s, &v);
	s->frame[s->depth] = (struct json_frame){ .start = off, .key_off = s->keys.len,
	    .keyset_n = s->set.n, .object = object };
	s->step[s->depth++] = (struct json_step){ 0 };
	s->state = object ? ST_KEY_OR_END : ST_VALUE_OR_END;
}

static void
container_end(struct json_scan *s, uint64_t off)
{
	const struct json_frame *f = &s->frame[s->depth - 1];
	struct json_value v = { .type = f->object ? JSON_OBJECT_END : JSON_ARRAY_END,
	    .start = f->start, .end = off + 1 };

	json_keyset_cut(&s->set, f->keyset_n);
	s->keys.len = f->key_off;
	s->depth--;
	s->state = state_after_value(s);
	emit(s, &v);
}

/* What people write instead of JSON, by the byte that gives it away. */
static const char *
value_error(const struct json_scan *s, char c, uint64_t off)
{
	switch (c) {
	case ']':
	case '}':
		return s->depth > 0 && !s->frame[s->depth - 1].object && s->state == ST_VALUE && c == ']' ?
		    "trailing comma" : "value expected";
	case '/':
	case '#':
		return "comments are not JSON";
	case '\'':
		return "strings need double quotes";
	case 'N':
	case 'I':
		return "NaN and Infinity are not JSON";
	case '+':
		return "plus sign before a number";
	case '.':
		return "a number needs a digit before its point";
	case '\xef':
		return off == 0 ? "byte order mark" : "value expected";
	default:
		return "value expected";
	}
}

static const char *
value_begin(struct json_scan *s, const char *p)
{
	uint64_t off = json_offset(s, p);

	switch (*p) {
	case '{':
	case '[':
		container_begin(s, off, *p == '{');
		return p + 1;
	case '"': case '-': case 't': case 'f': case 'n':
	case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		s->is_key = false;
		return json_token_begin(s, p);
	case ']':
		if (s->state == ST_VALUE_OR_END) {
			container_end(s, off);
			return p + 1;
		}
		break;
	default:
		break;
	}
	json_fail(s, -EILSEQ, off, value_error(s, *p, off));
	return p;
}

static const char *
key_begin(struct json_scan *s, const char *p)
{
	uint64_t off = json_offset(s, p);

	if (*p == '"') {
		s->is_key = true;
		return json_token_begin(s, p);
	}
	if (*p != '}')
		json_fail(s, -EILSEQ, off, *p == '/' || *p == '#' ? "comments are not JSON" :
		    "a key must be a string in double quotes");
	else if (s->state == ST_KEY)
		json_fail(s, -EILSEQ, off, "trailing comma");
	else
		container_end(s, off);
	return p + 1;
}

static const char *
colon_read(struct json_scan *s, const char *p)
{
	if (*p == ':')
		s->state = ST_VALUE;
	else
		json_fail(s, -EILSEQ, json_offset(s, p), "colon expected");
	return p + 1;
}

static const char *
comma_read(struct json_scan *s, const char *p)
{
	const struct json_frame *f = &s->frame[s->depth - 1];

	if (*p == ',') {
		s->step[s->depth - 1].index++;
		s->state = f->object ? ST_KEY : ST_VALUE;
	} else if (*p == (f->object ? '}' : ']'))
		container_end(s, json_offset(s, p));
	else
		json_fail(s, -EILSEQ, json_offset(s, p), f->object ? "comma or } expected" :
		    "comma or ] expected");
	return p + 1;
}

static const char *
space_skip(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

static const char *
structure_read(struct json_scan *s, const char *p, const char *end)
{
	const char *q = space_skip(p, end);

	if (s->state == ST_DONE && (s->flags & JSON_STREAM) && q > p)
		s->state = ST_NEXT;
	if (q == end)
		return q;
	switch (s->state) {
	case ST_KEY:
	case ST_KEY_OR_END:
		return key_begin(s, q);
	case ST_COLON:
		return colon_read(s, q);
	case ST_COMMA:
		return comma_read(s, q);
	case ST_DONE:
		json_fail(s, -EILSEQ, json_offset(s, q), s->flags & JSON_STREAM ?
		    "white space expected between values" : "bytes after the value");
		return q;
	default:
		return value_begin(s, q);
	}
}

int
json_scan_feed(struct json_scan *s, const void *data, size_t n)
{
	const char *p = data, *end;

	if (s->rc != 0 || n == 0)
		return s->rc;
	end = p + n;
	s->chunk = s->from = p;
	while (p < end && s->rc == 0)
		p = s->state >= ST_STRING ? json_token_read(s, p, end) : structure_read(s, p, end);
	if (s->rc == 0 && s->state >= ST_STRING && s->state != ST_LITERAL &&
	    buf_add(&s->carry, s->from, (size_t)(end - s->from)) != 0)
		json_fail(s, -ENOMEM, s->token, "out of memory");
	s->chunk_off += n;
	s->chunk = s->from = NULL;
	return s->rc;
}

int
json_scan_finish(struct json_scan *s)
{
	s->chunk = s->from = "";
	if (s->rc == 0)
		json_token_finish(s);
	if (s->rc == 0 && s->state != ST_DONE && s->state != ST_NEXT)
		json_fail(s, -EILSEQ, s->chunk_off, s->chunk_off == 0 ? "empty input" :
		    "input ends too early");
	s->chunk = s->from = NULL;
	return s->rc;
}

const char *
json_scan_error(const struct json_scan *s, uint64_t *offset)
{
	if (offset != NULL)
		*offset = s->error_off;
	return s->error;
}

struct json_scan *
json_scan_new(json_value_fn fn, void *arg, unsigned flags, const struct json_limits *limit)
{
	struct json_scan *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	if (json_keyset_init(&s->set) != 0) {
		free(s);
		return NULL;
	}
	if (limit != NULL)
		s->limit = *limit;
	if (s->limit.depth == 0)
		s->limit.depth = DEPTH_DEFAULT;
	if (s->limit.string == 0)
		s->limit.string = STRING_DEFAULT;
	if (s->limit.keys == 0)
		s->limit.keys = KEYS_DEFAULT;
	s->flags = flags;
	json_scan_reset(s, fn, arg);
	return s;
}

static void
buf_rewind(struct buf *b)
{
	if (b->cap > KEEP_MAX || b->err != 0)
		buf_free(b);
	else
		buf_clear(b);
}

void
json_scan_reset(struct json_scan *s, json_value_fn fn, void *arg)
{
	s->fn = fn;
	s->arg = arg;
	s->rc = 0;
	s->error = NULL;
	s->error_off = 0;
	s->chunk_off = 0;
	s->depth = 0;
	s->state = state_first(s);
	buf_rewind(&s->carry);
	buf_rewind(&s->decoded);
	buf_rewind(&s->keys);
	json_keyset_cut(&s->set, 0);
	if (s->set.fp_cap * sizeof(*s->set.fp) > KEEP_MAX)
		json_keyset_free(&s->set);
}

void
json_scan_free(struct json_scan **sp)
{
	struct json_scan *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	buf_free(&s->carry);
	buf_free(&s->decoded);
	buf_free(&s->keys);
	json_keyset_free(&s->set);
	free(s->frame);
	free(s->step);
	free(s);
}

int
json_scan_all(const void *data, size_t n, unsigned flags, const struct json_limits *limit, json_value_fn fn,
    void *arg, const char **error, uint64_t *offset)
{
	struct json_scan *s = json_scan_new(fn, arg, flags, limit);
	const char *why = "out of memory";
	int rc = -ENOMEM;

	if (offset != NULL)
		*offset = 0;
	if (s != NULL) {
		rc = json_scan_feed(s, data, n);
		if (rc == 0)
			rc = json_scan_finish(s);
		why = json_scan_error(s, offset);
	}
	if (error != NULL)
		*error = why;
	json_scan_free(&s);
	return rc;
}
