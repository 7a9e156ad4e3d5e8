/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_feedline.h"
#include "lib/json.h"

struct lines {
	int (*fn)(void *arg, const struct xdp_ban_line *);
	void *arg;
	unsigned *bad;
	struct xdp_ban_line line;
	bool has_op, has_cidr, wrong;
};

static const struct { const char *name; enum xdp_ban_op op; } ops[] = {
	{"begin", XDP_OP_BEGIN}, {"add", XDP_OP_ADD}, {"del", XDP_OP_DEL}, {"expire", XDP_OP_DEL}, {"end", XDP_OP_END},
};

static void
op_set(struct lines *l, const struct json_value *v)
{
	l->has_op = v->type == JSON_STRING;
	l->line.op = XDP_OP_OTHER;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]) && l->has_op; i++)
		if (v->text_len == strlen(ops[i].name) && memcmp(v->text, ops[i].name, v->text_len) == 0)
			l->line.op = ops[i].op;
}

static void
cidr_set(struct lines *l, const struct json_value *v)
{
	char text[CIDR_TEXT];

	if (v->type != JSON_STRING || v->text_len == 0 || v->text_len >= sizeof(text) ||
	    memchr(v->text, '\0', v->text_len) != NULL) {
		l->wrong = true;
		return;
	}
	memcpy(text, v->text, v->text_len);
	text[v->text_len] = '\0';
	l->has_cidr = cidr_parse(text, &l->line.cidr) == 0 && !xdp_is_everyone(&l->line.cidr);
	l->wrong |= !l->has_cidr;
}

static void
ttl_set(struct lines *l, const struct json_value *v)
{
	double s;

	if (v->type == JSON_NULL)
		return;
	s = v->type == JSON_NUMBER ? strtod(v->raw, NULL) : -1;
	if (!(s > 0))
		l->wrong = true;
	else
		l->line.ttl_ms = s > 1e12 ? -1 : (int64_t) (s * 1000);
}

static int
object_end(struct lines *l)
{
	bool needs = l->line.op == XDP_OP_ADD || l->line.op == XDP_OP_DEL;

	if (!l->has_op || l->wrong || (needs && !l->has_cidr)) {
		*l->bad += 1;
		return 0;
	}
	return l->fn(l->arg, &l->line);
}

static int
value(void *arg, const struct json_value *v)
{
	struct lines *l = arg;

	if (v->depth == 0 && v->type == JSON_OBJECT_BEGIN) {
		l->line = (struct xdp_ban_line) {.ttl_ms = -1};
		l->has_op = l->has_cidr = l->wrong = false;
	} else if (v->depth == 0 && v->type == JSON_OBJECT_END)
		return object_end(l);
	else if (v->depth == 0)
		*l->bad += v->type != JSON_ARRAY_BEGIN;
	else if (json_path_is(v, "op"))
		op_set(l, v);
	else if (json_path_is(v, "cidr"))
		cidr_set(l, v);
	else if (json_path_is(v, "ttl_s"))
		ttl_set(l, v);
	return 0;
}

int
xdp_ban_lines(const char *text, size_t len, int (*fn)(void *arg, const struct xdp_ban_line *), void *arg, unsigned *bad)
{
	static const struct json_limits limits = {.depth = 8, .string = 65536, .keys = 64};
	struct lines l = {.fn = fn, .arg = arg, .bad = bad};
	const char *error;
	uint64_t offset;

	return json_scan_all(text, len, JSON_STREAM | JSON_STRICT_DUP, &limits, value, &l, &error, &offset);
}
