/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/ban_request.h"

#define TTL_MAX_S	INT64_C(31536000)	/* a year */

static bool
refuse(struct ban_request *q, size_t i, const char *text)
{
	snprintf(q->why, sizeof(q->why), "[%zu]: %s", i, text);
	return false;
}

static bool
ttl_take(const json_t *o, const struct ban_request_from *from, struct ban *b)
{
	const json_t *s = json_object_get(o, "ttl_s"), *ms = json_object_get(o, "ttl_ms");
	const json_t *given = ms != NULL ? ms : s;
	int64_t unit = ms != NULL ? 1 : 1000, v = from->default_ttl_ms / unit;

	if (ms != NULL && s != NULL)
		return false;
	if (given != NULL && !json_is_integer(given))
		return false;
	if (given != NULL)
		v = json_integer_value(given);
	if (v < 1 || v > TTL_MAX_S * 1000 / unit)
		return false;
	b->expires_ms = b->added_ms + v * unit;
	return true;
}

static bool
reason_take(const json_t *v, struct ban *b)
{
	if (v != NULL && (!json_is_string(v) || json_string_length(v) >= sizeof(b->reason)))
		return false;
	snprintf(b->reason, sizeof(b->reason), "%s", v != NULL ? json_string_value(v) : "");
	return true;
}

static bool
by_take(const json_t *v, struct ban *b)
{
	return v == NULL || (json_is_string(v) && ban_by_parse(json_string_value(v), &b->by) == 0);
}

static bool
scope_take(const json_t *v, struct ban *b)
{
	return v == NULL || (json_is_string(v) && ban_scope_parse(json_string_value(v), &b->scope) == 0);
}

static bool
names_known(const json_t *o, bool node)
{
	static const char *const known[] = { "ip", "cidr", "ttl_s", "reason", "scope", "ttl_ms", "by" };
	size_t n = sizeof(known) / sizeof(known[0]) - (node ? 0 : 2);
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)o, name, v) {
		bool found = false;

		for (size_t i = 0; i < n; i++)
			found |= strcmp(name, known[i]) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* It becomes a word of a line: letters, digits, "_"; behind "@" an address. */
static bool
id_ok(const struct ban_id *id)
{
	size_t n = strspn(id->text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	struct cidr c;

	if (!id->ja4)
		return n == 16 && strspn(id->text, "0123456789abcdef") == 16 && id->text[16] == '\0';
	return n > 0 && (id->text[n] == '\0' || (id->text[n] == '@' && cidr_parse(id->text + n + 1, &c) == 0));
}

static bool
id_take(struct ban_request *q, size_t i, const json_t *o)
{
	const json_t *ja4 = json_object_get(o, "ja4"), *scope = json_object_get(o, "scope");
	const char *text = json_string_value(ja4 != NULL ? ja4 : json_object_get(o, "key"));
	struct ban_id *id = &q->id[q->n_ids];

	id->ja4 = ja4 != NULL;
	if (json_object_size(o) != (scope != NULL ? 2 : 1) || text == NULL || strlen(text) >= sizeof(id->text))
		return refuse(q, i, "key: 16 hex digits; ja4: a fingerprint, \"@\" and an address may follow; nothing beside it");
	snprintf(id->text, sizeof(id->text), "%s", text);
	if (!id_ok(id))
		return refuse(q, i, "key: 16 hex digits; ja4: a fingerprint, \"@\" and an address may follow");
	q->n_ids++;
	return true;
}

static bool
ban_take(struct ban_request *q, size_t i, const json_t *o, const struct ban_request_from *from)
{
	struct ban *b = &q->v[q->n];
	const json_t *ip = json_object_get(o, "ip"), *cidr = json_object_get(o, "cidr");
	const char *text = json_string_value(ip != NULL ? ip : cidr);

	b->added_ms = from->now_ms;
	b->scope = from->default_scope;
	b->edge = from->edge;
	if (!json_is_object(o))
		return refuse(q, i, "not an object");
	if (!names_known(o, from->node))
		return refuse(q, i, "unknown member: ip, cidr, ttl_s, reason, scope");
	if ((ip == NULL) == (cidr == NULL) || text == NULL || cidr_parse(text, &b->cidr) < 0)
		return refuse(q, i, "one of ip, cidr: an address or a network");
	if (ip != NULL && strchr(text, '/') != NULL)
		return refuse(q, i, "ip: a network belongs into cidr");
	if (!ttl_take(o, from, b))
		return refuse(q, i, "ttl_s: whole seconds, 1 to 31536000");
	if (!reason_take(json_object_get(o, "reason"), b))
		return refuse(q, i, "reason: text of at most 199 bytes");
	if (!scope_take(json_object_get(o, "scope"), b))
		return refuse(q, i, "scope: edge or cluster");
	if (!by_take(json_object_get(o, "by"), b))
		return refuse(q, i, "by: operator or edge.ban");
	q->n++;
	return true;
}

bool
ban_request_parse(struct ban_request *q, const void *body, size_t len, const struct ban_request_from *from)
{
	json_error_t err;
	json_t *root = json_loadb(body, len, JSON_REJECT_DUPLICATES, &err);
	bool many = json_is_array(root), ok = root != NULL;
	const json_t *o;
	size_t size;

	memset(q, 0, sizeof(*q));
	if (root == NULL)
		snprintf(q->why, sizeof(q->why), "not JSON: %.120s", err.text);
	size = many ? json_array_size(root) : 1;
	q->v = calloc(size + 1, sizeof(*q->v));
	if (from->ids)
		q->id = calloc(size + 1, sizeof(*q->id));
	ok = ok && q->v != NULL && (q->id != NULL || !from->ids);
	for (size_t i = 0; ok && i < size; i++) {
		o = many ? json_array_get(root, i) : root;
		ok = from->ids && (json_object_get(o, "key") != NULL || json_object_get(o, "ja4") != NULL) ?
		    id_take(q, i, o) : ban_take(q, i, o, from);
	}
	json_decref(root);
	return ok;
}

void
ban_request_free(struct ban_request *q)
{
	free(q->v);
	free(q->id);
	memset(q, 0, sizeof(*q));
}
