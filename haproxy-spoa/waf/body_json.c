/* SPDX-License-Identifier: MIT */
/*
 * JSON: every leaf is an argument, named by its path as libmodsecurity 3 spells it: json.user.name,
 * json.list.array_0.id.  Numbers and booleans are their text, null is empty.  An empty object or array, which
 * libmodsecurity leaves out, is an argument without value: its key is text of the sender's too.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "haproxy-spoa/waf/vars_private.h"
#include "lib/arena.h"
#include "lib/json.h"

#define DEPTH_MAX	128
#define NAMES_MAX	((size_t)4 << 20)	/* of all arguments together: paths repeat their beginning */
#define ROOT		"json"

enum { STOP_DEPTH = 1, STOP_ARGS };

struct json_body {
	struct waf_vars	*vars;
	const struct waf_settings *set;
	struct waf_str	 bytes;
	size_t		 max_depth;
	char		*name;		/* path of the value at hand */
	size_t		 len, cap;
	size_t		 end[DEPTH_MAX + 1];	/* of the path of the container open at that depth */
	size_t		 names_size;
	bool		 opened;	/* the last thing seen was the beginning of a container */
};

static bool
name_room(struct json_body *b, size_t n)
{
	size_t cap = b->cap;
	char *p;

	if (n > NAMES_MAX - b->len) {
		waf_vars_fail(b->vars, WAF_E_ARGS);
		return false;
	}
	if (n <= cap - b->len)
		return true;
	while (n > cap - b->len)
		cap = cap ? cap * 2 : 256;
	p = arena_alloc(b->vars->arena, cap);
	if (p == NULL) {
		waf_vars_fail(b->vars, WAF_E_MEMORY);
		return false;
	}
	if (b->len > 0)
		memcpy(p, b->name, b->len);
	b->name = p;
	b->cap = cap;
	return true;
}

static bool
name_add(struct json_body *b, const char *s, size_t n)
{
	if (!name_room(b, n))
		return false;
	memcpy(b->name + b->len, s, n);
	b->len += n;
	return true;
}

/* The containers around <v> have left their paths: only its own step is new. */
static bool
name_build(struct json_body *b, const struct json_value *v)
{
	const struct json_step *step;
	char digits[WAF_UINT_MAX];
	size_t n;

	b->len = 0;
	if (v->depth == 0)
		return name_add(b, ROOT, sizeof(ROOT) - 1);
	step = &v->path[v->depth - 1];
	b->len = b->end[v->depth - 1];
	if (step->key != NULL)
		return name_add(b, ".", 1) && name_add(b, step->key, step->key_len);
	n = waf_uint_text(digits + sizeof(digits), step->index);
	return name_add(b, ".array_", 7) && name_add(b, digits + sizeof(digits) - n, n);
}

static struct waf_str
value_of(struct json_body *b, const struct json_value *v)
{
	const char *end = b->bytes.p + b->bytes.n;

	switch (v->type) {
	case JSON_TRUE:
		return WAF_STR("true");
	case JSON_FALSE:
		return WAF_STR("false");
	case JSON_NUMBER:
		return (struct waf_str){ b->bytes.p + v->start, v->raw_len };
	case JSON_STRING:
		if (v->text >= b->bytes.p && v->text <= end)
			return (struct waf_str){ v->text, v->text_len };
		return waf_vars_dup(b->vars, (struct waf_str){ v->text, v->text_len });
	default:
		return WAF_STR("");
	}
}

static int
leaf(struct json_body *b, const struct json_value *v)
{
	struct waf_str name;

	if (b->len > NAMES_MAX - b->names_size) {
		waf_vars_fail(b->vars, WAF_E_ARGS);
		waf_vars_body_error(b->vars, "JSON: argument names too long");
		return STOP_ARGS;
	}
	b->names_size += b->len;
	name = waf_vars_dup(b->vars, (struct waf_str){ b->name, b->len });
	return waf_vars_add_arg(b->vars, b->set, WAF_ARG_POST, name, value_of(b, v)) ? 0 : STOP_ARGS;
}

static int
json_value(void *arg, const struct json_value *v)
{
	struct json_body *b = arg;
	bool was_opened = b->opened;

	b->opened = v->type == JSON_OBJECT_BEGIN || v->type == JSON_ARRAY_BEGIN;
	if (b->opened && v->depth >= b->max_depth) {
		waf_vars_fail(b->vars, WAF_E_DEPTH);
		waf_vars_body_error(b->vars, "JSON: nested too deeply");
		return STOP_DEPTH;
	}
	if ((v->type == JSON_OBJECT_END || v->type == JSON_ARRAY_END) && !was_opened)
		return 0;
	if (!name_build(b, v)) {
		waf_vars_body_error(b->vars, "JSON: argument name too long");
		return STOP_ARGS;
	}
	if (b->opened) {
		b->end[v->depth] = b->len;
		return 0;
	}
	return v->depth == 0 && was_opened ? 0 : leaf(b, v);
}

/* The thread's scanner, or one for this body only. */
static struct json_scan *
scan_take(struct waf_scratch *scratch, struct json_body *b)
{
	static const struct json_limits limits = { .depth = DEPTH_MAX + 1 };

	if (scratch == NULL || scratch->json == NULL) {
		struct json_scan *scan = json_scan_new(json_value, b, 0, &limits);

		if (scratch != NULL)
			scratch->json = scan;
		return scan;
	}
	json_scan_reset(scratch->json, json_value, b);
	return scratch->json;
}

static void
json_report(struct json_body *b, struct json_scan *scan, int rc)
{
	uint64_t offset;
	const char *error = json_scan_error(scan, &offset), *text;

	if (rc > 0)	/* our own doing, said where it was done */
		return;
	if (rc == -ENOMEM)
		waf_vars_fail(b->vars, WAF_E_MEMORY);
	else if (rc == -EMSGSIZE)
		waf_vars_fail(b->vars, WAF_E_ARGS);
	text = arena_printf(b->vars->arena, "JSON parsing error: %s at byte %" PRIu64, error, offset);
	waf_vars_body_error(b->vars, text != NULL ? text : "JSON parsing error");
}

void
waf_body_json(struct waf_vars *vars, const struct waf_settings *set, const struct waf_body *body)
{
	struct json_body b = { .vars = vars, .set = set, .bytes = body->bytes, .max_depth = DEPTH_MAX };
	struct json_scan *scan = scan_take(vars->scratch, &b);
	int rc;

	if (scan == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return;
	}
	if (set->json_depth_limit > 0 && set->json_depth_limit < DEPTH_MAX)
		b.max_depth = (size_t)set->json_depth_limit;
	rc = json_scan_feed(scan, body->bytes.p, body->bytes.n);
	if (rc == 0 && !body->cut)
		rc = json_scan_finish(scan);
	if (rc != 0)
		json_report(&b, scan, rc);
	if (vars->scratch == NULL)
		json_scan_free(&scan);
}
