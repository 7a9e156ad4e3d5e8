/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include "control/ctltime.h"
#include "control/evline.h"

enum text_kind { TEXT_ANY, TEXT_TOKEN, TEXT_LAYER, TEXT_ACTION, TEXT_IP };

struct text_field {
	const char	*name;
	size_t		 offset;
	size_t		 max;
	enum text_kind	 kind;
	bool		 required;
	const char	*why;
};

#define FIELD(f, m, k, r) { #f, offsetof(struct evline, f), m, k, r, "bad member \"" #f "\"" }
static const struct text_field root_fields[] = {
	FIELD(id, 128, TEXT_TOKEN, true),
	FIELD(node, 255, TEXT_ANY, true),
	FIELD(layer, 16, TEXT_LAYER, true),
	FIELD(event, 64, TEXT_TOKEN, true),
	FIELD(action, 16, TEXT_ACTION, true),
	FIELD(request_id, 1024, TEXT_ANY, false),
	FIELD(target, 4096, TEXT_ANY, false),
};
static const struct text_field actor_fields[] = {
	FIELD(ip, 64, TEXT_IP, false),
	FIELD(ja4, 1024, TEXT_ANY, false),
	FIELD(key, 1024, TEXT_ANY, false),
	FIELD(user, 1024, TEXT_ANY, false),
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

static bool
one_of(const char *s, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(s, *names) == 0)
			return true;
	return false;
}

static bool
token_ok(const char *s)
{
	if (*s == '\0')
		return false;
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-")] ==
	    '\0';
}

static bool
ip_ok(const char *s)
{
	unsigned char a[16];

	return inet_pton(AF_INET, s, a) == 1 || inet_pton(AF_INET6, s, a) == 1;
}

static bool
text_ok(const char *s, enum text_kind kind)
{
	static const char *const layers[] =
	    { "kernel", "edge", "gateway", "egress", "control", NULL };
	static const char *const actions[] =
	    { "allow", "monitor", "mask", "block", "error", NULL };

	switch (kind) {
	case TEXT_TOKEN:
		return token_ok(s);
	case TEXT_LAYER:
		return one_of(s, layers);
	case TEXT_ACTION:
		return one_of(s, actions);
	case TEXT_IP:
		return ip_ok(s);
	case TEXT_ANY:
		break;
	}
	return true;
}

static int
texts_take(struct evline *ev, json_t *obj, const struct text_field *f, size_t n, const char **why)
{
	for (; n > 0; n--, f++) {
		json_t *v = json_object_get(obj, f->name);
		const char **dst = (const char **)((char *)ev + f->offset);

		*why = f->why;
		if (v == NULL || json_is_null(v)) {
			if (f->required)
				return -EINVAL;
			continue;
		}
		if (!json_is_string(v) || json_string_length(v) > f->max ||
		    !text_ok(json_string_value(v), f->kind))
			return -EINVAL;
		*dst = json_string_value(v);
	}
	return 0;
}

#define REQUIRED INT64_MIN
/* An integer member in a range; <absent> (or an error: REQUIRED) when it isn't there. */
static int
int_take(json_t *obj, const char *name, int64_t lo, int64_t hi, int64_t absent, int64_t *out)
{
	json_t *v = json_object_get(obj, name);

	*out = absent;
	if (v == NULL || json_is_null(v))
		return absent == REQUIRED ? -EINVAL : 0;
	if (!json_is_integer(v) || json_integer_value(v) < lo || json_integer_value(v) > hi)
		return -EINVAL;
	*out = json_integer_value(v);
	return 0;
}

/* RFC 3339 text, or seconds since the epoch. */
static int
ts_take(json_t *obj, int64_t *ms)
{
	json_t *v = json_object_get(obj, "ts");
	double d;

	if (json_is_string(v))
		return ctltime_parse_rfc3339(json_string_value(v), ms);
	if (!json_is_number(v))
		return -EINVAL;
	d = json_number_value(v);
	if (!(d >= 0 && d < 253402300800.0))
		return -EINVAL;
	*ms = (int64_t)(d * 1000 + 0.5);
	return 0;
}

static int
numbers_take(struct evline *ev, json_t *root, const char **why)
{
	int64_t v, severity, score;

	*why = "bad member \"v\"";
	if (int_take(root, "v", 1, 1, REQUIRED, &v) < 0)
		return -EINVAL;
	*why = "bad member \"ts\"";
	if (ts_take(root, &ev->ts_ms) < 0)
		return -EINVAL;
	*why = "bad member \"severity\"";
	if (int_take(root, "severity", 0, 10, REQUIRED, &severity) < 0)
		return -EINVAL;
	*why = "bad member \"score\"";
	if (int_take(root, "score", -1, 100, -1, &score) < 0)
		return -EINVAL;
	*why = "bad member \"ttl_s\"";
	if (int_take(root, "ttl_s", 0, INT64_MAX / 1000, 0, &ev->ttl_s) < 0)
		return -EINVAL;
	ev->severity = (int)severity;
	ev->score = (int)score;
	return 0;
}

static int
rule_ids_check(json_t *root, const char **why)
{
	json_t *ids = json_object_get(root, "rule_ids"), *v;
	size_t i;

	*why = "bad member \"rule_ids\"";
	if (ids == NULL || json_is_null(ids))
		return 0;
	if (!json_is_array(ids) || json_array_size(ids) > 8192)
		return -EINVAL;
	json_array_foreach(ids, i, v)
		if (!json_is_string(v) || json_string_length(v) > 1024)
			return -EINVAL;
	return 0;
}

static int
members_take(struct evline *ev, json_t *root, const char **why)
{
	json_t *actor = json_object_get(root, "actor"), *detail = json_object_get(root, "detail");

	if (numbers_take(ev, root, why) < 0 ||
	    texts_take(ev, root, root_fields, N(root_fields), why) < 0 ||
	    rule_ids_check(root, why) < 0)
		return -EINVAL;
	*why = "bad member \"detail\"";
	if (detail != NULL && !json_is_null(detail) && !json_is_object(detail))
		return -EINVAL;
	if (actor == NULL || json_is_null(actor))
		return 0;
	*why = "bad member \"actor\"";
	if (!json_is_object(actor))
		return -EINVAL;
	return texts_take(ev, actor, actor_fields, N(actor_fields), why);
}

int
evline_parse(struct evline *ev, const char *line, size_t len, const char **why)
{
	json_t *root;

	memset(ev, 0, sizeof(*ev));
	if (len > EVLINE_MAX) {
		*why = "line too long";
		return -EINVAL;
	}
	/* The line is handed out as one line later: a raw line end between members would cut it. */
	if (memchr(line, '\n', len) != NULL || memchr(line, '\r', len) != NULL) {
		*why = "newline inside";
		return -EINVAL;
	}
	root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		*why = "not one JSON object";
		return -EINVAL;
	}
	ev->doc = root;
	if (members_take(ev, root, why) < 0) {
		evline_clear(ev);
		return -EINVAL;
	}
	*why = NULL;
	return 0;
}

void
evline_clear(struct evline *ev)
{
	json_decref(ev->doc);
	memset(ev, 0, sizeof(*ev));
}
