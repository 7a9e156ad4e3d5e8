/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/ctl_ban.h"
#include "lib/buf.h"

/* "90s", "10m", "2h", "7d" or plain seconds; -1: none of them. */
static int64_t
ttl_seconds(const char *s)
{
	static const struct { char unit; int64_t s; } units[] = {
		{ '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	};
	char *end;
	long v = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : -1;

	for (size_t i = 0; v > 0 && v < 1000000000 && i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].unit && (*end == '\0' || end[1] == '\0'))
			return v * units[i].s;
	return -1;
}

static void
text_add(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":\"", key);
	buf_add_json(b, value, strlen(value));
	buf_addc(b, '"');
}

static void
one_add(struct buf *b, const struct ctl_ban *o, const char *address)
{
	static const char *const ids[] = { "key", "ja4" };

	buf_adds(b, buf_len(b) > 1 ? ",{" : "{");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (strncmp(address, ids[i], 3) == 0 && address[3] == '=') {
			text_add(b, ids[i], address + 4);
			buf_addc(b, '}');
			return;
		}
	text_add(b, strchr(address, '/') != NULL ? "cidr" : "ip", address);
	if (o->ttl != NULL)
		buf_printf(b, ",\"ttl_s\":%" PRId64, ttl_seconds(o->ttl));
	if (o->reason != NULL) {
		buf_addc(b, ',');
		text_add(b, "reason", o->reason);
	}
	if (o->scope != NULL) {
		buf_addc(b, ',');
		text_add(b, "scope", o->scope);
	}
	buf_addc(b, '}');
}

static void
lines_add(struct buf *b, const struct ctl_ban *o, FILE *in)
{
	char line[256], *s;

	while (fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "#\r\n")] = '\0';
		s = line + strspn(line, " \t");
		s[strcspn(s, " \t")] = '\0';
		if (*s != '\0')
			one_add(b, o, s);
	}
}

int
ctl_ban_request(struct buf *out, const struct ctl_ban *o, char *const *addresses, int n, FILE *in)
{
	if (o->ttl != NULL && ttl_seconds(o->ttl) < 0) {
		fprintf(stderr, "llmsecctl: --ttl: 90s, 10m, 2h, 7d or seconds\n");
		return -EINVAL;
	}
	buf_addc(out, '[');
	for (int i = 0; i < n; i++)
		if (strcmp(addresses[i], "-") == 0)
			lines_add(out, o, in);
		else
			one_add(out, o, addresses[i]);
	buf_addc(out, ']');
	return out->err;
}

static const char *
member(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

/* Somebody else's words: no byte of them may command the terminal. */
static void
words_print(const char *s, FILE *f)
{
	for (; *s != '\0'; s++)
		fputc((unsigned char)*s < 0x20 || *s == 0x7f || (unsigned char)*s == 0xc2 ? '?' : *s, f);
}

/* One line a ban, and one for each vote where there are more. */
static void
ban_print(const json_t *v, FILE *f)
{
	const json_t *votes = json_object_get(v, "by"), *vote;
	bool in_force = !json_is_false(json_object_get(v, "in_force"));
	size_t i, n = json_array_size(votes);

	vote = json_array_get(votes, 0);
	fprintf(f, "%-39s %-7s until %s %-7s ", member(v, "cidr"), member(v, "scope"), member(v, "expires"),
	    in_force ? member(v, "state") : "noted");
	fprintf(f, "%" JSON_INTEGER_FORMAT " %s %s ", json_integer_value(json_object_get(v, "votes")),
	    n == 1 ? member(vote, "edge") : "", n == 1 ? member(vote, "by") : "edges:");
	words_print(member(v, "reason"), f);
	fputc('\n', f);
	for (i = 0; n > 1 && i < n; i++) {
		vote = json_array_get(votes, i);
		fprintf(f, "    %-20s %-7s until %s %-8s ", member(vote, "edge"), member(vote, "scope"),
		    member(vote, "expires"), member(vote, "by"));
		words_print(member(vote, "reason"), f);
		fputc('\n', f);
	}
}

static void
edge_print(const json_t *v, FILE *f)
{
	bool down = strcmp(member(v, "state"), "down") == 0;

	if (!down && strcmp(member(v, "haproxy"), "up") == 0)
		return;
	fprintf(f, "edge %s: %s is away: ", member(v, "edge"), down ? "it" : "HAProxy");
	words_print(member(v, "error"), f);
	fputc('\n', f);
}

int
ctl_ban_show(const char *answer, FILE *f)
{
	json_t *root = json_loads(answer, 0, NULL), *bans = json_object_get(root, "bans");
	json_t *edges = json_object_get(root, "edges"), *v;
	size_t i;

	if (!json_is_array(bans) || !json_is_array(edges)) {
		json_decref(root);
		return -EINVAL;
	}
	json_array_foreach(bans, i, v)
		ban_print(v, f);
	json_array_foreach(edges, i, v)
		edge_print(v, f);
	json_decref(root);
	return 0;
}
