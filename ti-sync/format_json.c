/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ti-sync/format_private.h"

static const struct json_limits limits = {.depth = 64, .string = 4 << 20, .keys = 100000};

/* ---- plain JSON ---------------------------------------------------------------------------------- */

/* Fields that hold an indicator in the feeds there are, and arrays of strings. */
static bool
usual_field(const struct json_value *v)
{
	static const char *const usual[] = {"domain", "host", "hostname", "fqdn", "url", "ip", "ip_address", "dst_ip",
	    "indicator", "ioc", "ioc_value", "cidr", "network", "ipv4", "ipv6", "address"};
	const struct json_step *s;

	for (size_t d = v->depth; d > 0; d--) {
		s = &v->path[d - 1];
		if (s->key == NULL)
			continue;		/* elements of an array are what the array is */
		for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
			if (ti_is(s->key, s->key_len, usual[i]))
				return true;
		return d == v->depth ? false : ti_is(s->key, s->key_len, "domains") ||
		    ti_is(s->key, s->key_len, "ips") || ti_is(s->key, s->key_len, "urls") ||
		    ti_is(s->key, s->key_len, "hosts");
	}
	return true;
}

static int
value_plain(void *arg, const struct json_value *v)
{
	struct ti_parser *ps = arg;
	const char *path = ps->format == TI_F_DROP ? "cidr" : ps->opts.path;

	if (v->type != JSON_STRING || v->text_len == 0)
		return 0;
	if (path != NULL && *path != '\0' ? json_path_is(v, path) : usual_field(v))
		return ti_collect_token(ps->c, v->text, v->text_len) ? 0 : 1;
	return 0;
}

/* ---- STIX 2.1 ------------------------------------------------------------------------------------ */

static void
text_keep(char *out, size_t size, const struct json_value *v)
{
	size_t n = v->text_len < size - 1 ? v->text_len : 0;

	memcpy(out, v->text, n);
	out[n] = '\0';
}

/* One comparison: TYPE:value = 'text'.  Returns where it ends, NULL where it is another. */
static const char *
comparison(struct ti_parser *ps, const char *p)
{
	static const char *const types[] = {"domain-name:value", "ipv4-addr:value", "ipv6-addr:value", "url:value"};
	char text[1024];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		size_t k = strlen(types[i]);

		if (strncmp(p, types[i], k) != 0)
			continue;
		p += k;
		p += strspn(p, " ");
		if (*p != '=')
			return NULL;
		p++;
		p += strspn(p, " ");
		if (*p++ != '\'')
			return NULL;
		for (; *p != '\'' && *p != '\0'; p++) {
			if (*p == '\\' && p[1] != '\0')
				p++;
			if (n < sizeof(text))
				text[n++] = *p;
		}
		if (*p != '\'')
			return NULL;
		if (i == 3)
			ti_collect_url(ps->c, text, n);
		else
			ti_collect_token(ps->c, text, n);
		return p + 1;
	}
	return NULL;
}

/* Is there a word between the comparisons that narrows them? */
static bool
narrowed(const char *p)
{
	bool quoted = false;

	for (; *p != '\0'; p++) {
		if (quoted && *p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '\'')
			quoted = !quoted;
		else if (!quoted && (strncmp(p, "AND", 3) == 0 || strncmp(p, "NOT", 3) == 0 ||
		    strncmp(p, "FOLLOWEDBY", 10) == 0))
			return true;
	}
	return false;
}

/* Comparisons joined by OR mean each of them; anything else means less than the whole (STIX 2.1, 9). */
static void
pattern_read(struct ti_parser *ps, const char *pattern)
{
	const char *p = pattern;

	if (narrowed(pattern)) {
		ti_collect_refuse(ps->c, TI_UNSUPPORTED, pattern, strlen(pattern));
		return;
	}
	while (*p != '\0') {
		p += strspn(p, " []()");
		if (strncmp(p, "OR ", 3) == 0) {
			p += 3;
			continue;
		}
		if (*p == '\0')
			return;
		p = comparison(ps, p);
		if (p == NULL) {
			ti_collect_refuse(ps->c, TI_UNSUPPORTED, pattern, strlen(pattern));
			return;
		}
	}
}

static int
value_stix(void *arg, const struct json_value *v)
{
	struct ti_parser *ps = arg;

	if (json_path_is(v, "objects.[].type") && v->type == JSON_STRING)
		text_keep(ps->type, sizeof(ps->type), v);
	else if (json_path_is(v, "objects.[].pattern") && v->type == JSON_STRING) {
		text_keep(ps->value, sizeof(ps->value), v);
		ps->has_value = true;
	} else if (json_path_is(v, "objects.[].revoked"))
		ps->off = v->type == JSON_TRUE;
	else if (json_path_is(v, "objects.[]") && v->type == JSON_OBJECT_BEGIN)
		ps->has_value = ps->off = false;
	else if (json_path_is(v, "objects.[]") && v->type == JSON_OBJECT_END && ps->has_value &&
	    strcmp(ps->type, "indicator") == 0 && !ps->off)
		pattern_read(ps, ps->value);
	return ps->c->err != 0;
}

/* ---- MISP ---------------------------------------------------------------------------------------- */

static void
attribute_read(struct ti_parser *ps)
{
	static const char *const types[] = {"domain", "hostname", "ip-dst", "ip-src", "url", "domain|ip",
	    "ip-dst|port", "ip-src|port", "hostname|port"};
	size_t n = strcspn(ps->value, "|"), i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(ps->type, types[i]) == 0)
			break;
	if (i == sizeof(types) / sizeof(*types))
		return;			/* a hash, an e-mail address, ... */
	if (i == 4) {
		ti_collect_url(ps->c, ps->value, strlen(ps->value));
		return;
	}
	ti_collect_token(ps->c, ps->value, n);
	if (i == 5 && ps->value[n] == '|')
		ti_collect_token(ps->c, ps->value + n + 1, strlen(ps->value + n + 1));
}

/* Attributes stand in events, in objects and alone; what makes one is the array it is in. */
static int
value_misp(void *arg, const struct json_value *v)
{
	struct ti_parser *ps = arg;
	size_t d = v->depth;
	bool member = d >= 3 && v->path[d - 2].key == NULL && v->path[d - 3].key != NULL &&
	    ti_is(v->path[d - 3].key, v->path[d - 3].key_len, "Attribute");
	bool element = d >= 2 && v->path[d - 1].key == NULL && v->path[d - 2].key != NULL &&
	    ti_is(v->path[d - 2].key, v->path[d - 2].key_len, "Attribute");

	if (element && v->type == JSON_OBJECT_BEGIN) {
		ps->type[0] = ps->value[0] = '\0';
		ps->off = false;
	} else if (element && v->type == JSON_OBJECT_END && !ps->off) {
		attribute_read(ps);
	} else if (member) {
		const struct json_step *s = &v->path[d - 1];

		if (s->key != NULL && ti_is(s->key, s->key_len, "type") && v->type == JSON_STRING)
			text_keep(ps->type, sizeof(ps->type), v);
		else if (s->key != NULL && ti_is(s->key, s->key_len, "value") && v->type == JSON_STRING)
			text_keep(ps->value, sizeof(ps->value), v);
		else if (s->key != NULL && ti_is(s->key, s->key_len, "to_ids"))
			ps->off = v->type == JSON_FALSE;
	}
	return ps->c->err != 0;
}

/* ---- scanning ------------------------------------------------------------------------------------ */

/* c->line up to byte <at> of the whole, which is in this piece. */
static void
lines_count(struct ti_parser *ps, uint64_t at)
{
	const char *p = ps->piece + (ps->counted - ps->piece_at), *end = ps->piece + (at - ps->piece_at);

	for (; ps->counted < at && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		ps->c->line++;
	ps->counted = at > ps->counted ? at : ps->counted;
}

static int
value_any(void *arg, const struct json_value *v)
{
	struct ti_parser *ps = arg;

	lines_count(ps, v->end);
	return ps->format == TI_F_STIX ? value_stix(ps, v) : ps->format == TI_F_MISP ? value_misp(ps, v) : value_plain(ps, v);
}

int
ti_json_start(struct ti_parser *ps)
{
	bool stream = ps->format == TI_F_JSONL || ps->format == TI_F_DROP;

	ps->c->line = 1;
	ps->piece_at = ps->counted = 0;
	ps->scan = json_scan_new(value_any, ps, stream ? JSON_STREAM : 0, &limits);
	return ps->scan != NULL ? 0 : -ENOMEM;
}

static int
json_result(struct ti_parser *ps, int r)
{
	uint64_t at = 0;
	const char *why;

	if (r == 0)
		return 0;
	if (r > 0 || ps->c->err != 0)
		return ps->c->err;
	if (r == -ENOMEM)
		return r;
	why = json_scan_error(ps->scan, &at);
	snprintf(ps->why, sizeof(ps->why), "not JSON: %s at byte %llu", why != NULL ? why : "damaged",
	    (unsigned long long)at);
	return -EBADMSG;
}

int
ti_json_feed(struct ti_parser *ps, const void *p, size_t n)
{
	int r;

	ps->piece = p;
	r = json_result(ps, json_scan_feed(ps->scan, p, n));
	lines_count(ps, ps->piece_at + n);
	ps->piece_at += n;
	return r;
}

int
ti_json_end(struct ti_parser *ps)
{
	ps->piece = "";		/* a number at the end is one only now */
	ps->counted = ps->piece_at;
	return json_result(ps, json_scan_finish(ps->scan));
}
