/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/ctl_show.h"

/* How many bytes at <s> a terminal might obey: C0, DEL, or C1 in UTF-8. */
static size_t
control_len(const char *s)
{
	unsigned char c = (unsigned char)s[0];

	if (c < 0x20 || c == 0x7f)
		return 1;
	return c == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0 ? 2 : 0;
}

/* Text of a member, or "-", in a copy of at most 255 bytes with '?' for control characters. */
static const char *
member(const json_t *o, const char *key, char out[256])
{
	const char *s = json_string_value(json_object_get(o, key));
	size_t n = 0, k;

	while (s != NULL && *s != '\0' && n < 255) {
		k = control_len(s);
		out[n++] = k > 0 ? '?' : *s;
		s += k > 0 ? k : 1;
	}
	/* Not half a character at the end. */
	if (s != NULL && *s != '\0')
		while (n > 0 && ((unsigned char)*s & 0xc0) == 0x80 && ((unsigned char)out[n - 1] & 0x80)) {
			n--;
			s--;
		}
	out[n] = '\0';
	return n > 0 ? out : "-";
}

static json_int_t
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* "rule1,rule2" */
static void
rules_print(const json_t *ev, FILE *f)
{
	json_t *ids = json_object_get(ev, "rule_ids"), *v;
	json_t *one;
	char text[256];
	size_t i;

	if (json_array_size(ids) == 0)
		return;
	fputs(" rules=", f);
	json_array_foreach(ids, i, v) {
		one = json_pack("{s:O}", "r", v);
		fprintf(f, "%s%s", i > 0 ? "," : "", member(one, "r", text));
		json_decref(one);
	}
}

static void
event_print(const json_t *ev, FILE *f)
{
	const json_t *actor = json_object_get(ev, "actor");
	char ts[256], layer[256], name[256], action[256], text[256];

	fprintf(f, "%-24s %-7s %2d %-7s %-24s", member(ev, "ts", ts), member(ev, "layer", layer),
	    (int)number(ev, "severity"), member(ev, "action", action), member(ev, "event", name));
	if (json_is_integer(json_object_get(ev, "score")))
		fprintf(f, " score=%d", (int)number(ev, "score"));
	if (strcmp(member(actor, "ip", text), "-") != 0)
		fprintf(f, " ip=%s", text);
	if (strcmp(member(ev, "target", text), "-") != 0)
		fprintf(f, " target=%s", text);
	rules_print(ev, f);
	if (strcmp(member(ev, "request_id", text), "-") != 0)
		fprintf(f, " request=%s", text);
	fputc('\n', f);
}

void
ctl_show_event(const char *json, FILE *f)
{
	json_t *ev = json_loads(json, 0, NULL);

	if (json_is_object(ev))
		event_print(ev, f);
	else
		fprintf(f, "(unreadable event)\n");
	json_decref(ev);
	fflush(f);
}

int
ctl_show_events(const char *answer, int as_json, FILE *f)
{
	json_t *root = json_loads(answer, 0, NULL), *list = json_object_get(root, "events"), *ev;
	size_t i;
	int n = -EINVAL;

	if (json_is_array(list)) {
		json_array_foreach(list, i, ev) {
			if (as_json) {
				json_dumpf(ev, f, JSON_COMPACT);
				fputc('\n', f);
			} else {
				event_print(ev, f);
			}
		}
		n = (int)json_array_size(list);
	}
	json_decref(root);
	return n;
}

static void
component_print(const json_t *c, FILE *f)
{
	char name[256], layer[256], at[256], event[256];

	fprintf(f, "%-24s %-8s %7lld %5lld %9lld %8lld  %-24s %s\n", member(c, "name", name),
	    member(c, "layer", layer), (long long)number(c, "pid"),
	    (long long)number(c, "connections"), (long long)number(c, "stored"),
	    (long long)number(c, "pending"), member(c, "last_event_at", at),
	    member(c, "last_event", event));
}

int
ctl_show_status(const char *status, const char *health, FILE *f)
{
	json_t *s = json_loads(status, 0, NULL), *h = json_loads(health, 0, NULL), *c;
	json_t *list = json_object_get(s, "components");
	char text[256], err[256];
	size_t i;
	int r = -EINVAL;

	if (!json_is_array(list) || !json_is_object(h))
		goto out;
	fprintf(f, "llmsecd %s, up %lld s, health: %s\n", member(s, "version", text),
	    (long long)number(s, "uptime_s"), member(h, "status", err));
	fprintf(f, "database: %s%s%s\n", json_is_true(json_object_get(s, "database_writable")) ?
	    "writable" : "NOT WRITABLE: ",
	    json_is_true(json_object_get(s, "database_writable")) ? "" :
	    member(json_object_get(h, "database"), "error", err),
	    json_is_true(json_object_get(json_object_get(h, "counters"), "readable")) ? "" :
	    "; counters NOT READABLE");
	fprintf(f, "waiting: %lld events, %lld spools\n\n", (long long)number(s, "queue"),
	    (long long)number(s, "spools"));
	fprintf(f, "%-24s %-8s %7s %5s %9s %8s  %-24s %s\n", "COMPONENT", "LAYER", "PID", "CONNS",
	    "STORED", "PENDING", "LAST AT", "LAST EVENT");
	json_array_foreach(list, i, c)
		component_print(c, f);
	r = 0;
out:
	json_decref(s);
	json_decref(h);
	return r;
}

const char *
ctl_show_error(const char *answer, char out[256])
{
	json_t *root = json_loads(answer, 0, NULL);

	const json_t *error = json_object_get(root, "error");

	/* {"error":{"message":...}} below /api/, {"error":"..."} elsewhere. */
	if (*(json_is_object(error) ? member(error, "message", out) : member(root, "error", out)) == '-')
		snprintf(out, 256, "no answer of llmsecd's");
	json_decref(root);
	return out;
}
