/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/ctl_suggest.h"
#include "lib/arena.h"
#include "lib/buf.h"

#define SEEN_MAX	50000	/* different ones; a policy of so many rules nobody reads */

/* "": not part of what a rule would have to say. */
struct seen {
	const char	*identity, *host, *method, *path;
	int		 port;
	bool		 whole;		/* no rule names the host and port: methods and paths are no reason */
	int64_t		 count;
};

struct suggest {
	struct arena	*arena;
	struct seen	*v;
	size_t		 n, room;
	int64_t		 events, left;	/* left: seen, but one too many */
};

struct suggest *
suggest_new(void)
{
	struct suggest *s = calloc(1, sizeof(*s));

	if (s != NULL && (s->arena = arena_new(0)) == NULL)
		suggest_free(&s);
	return s;
}

void
suggest_free(struct suggest **sp)
{
	struct suggest *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	arena_free(&s->arena);
	free(s->v);
	free(s);
}

static int
rule_cmp(const struct seen *x, const struct seen *y)
{
	int r = strcmp(x->identity, y->identity);

	if (r == 0)
		r = strcmp(x->host, y->host);
	return r != 0 ? r : x->port - y->port;
}

static int
seen_cmp(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int r = rule_cmp(x, y);

	/* What opens the whole host comes first. */
	if (r == 0)
		r = (int)y->whole - (int)x->whole;
	if (r == 0)
		r = strcmp(x->path, y->path);
	return r != 0 ? r : strcmp(x->method, y->method);
}

/* Sorted, each once. */
static void
settle(struct suggest *s)
{
	size_t k = 0;

	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), seen_cmp);
	for (size_t i = 0; i < s->n; i++)
		if (k > 0 && seen_cmp(&s->v[k - 1], &s->v[i]) == 0)
			s->v[k - 1].count += s->v[i].count;
		else
			s->v[k++] = s->v[i];
	s->n = k;
}

/* --- taking ----------------------------------------------------------------------------------- */

enum kind { K_NONE, K_HOST, K_METHOD, K_PATH };

/* Only what a rule can open: not addresses, metadata services or tricks. */
static enum kind
openable(const char *reason)
{
	static const struct {
		const char	*reason;
		enum kind	 kind;
	} table[] = { { "not_allowed", K_HOST }, { "port_not_allowed", K_HOST }, { "identity_not_allowed", K_HOST },
	    { "method_not_allowed", K_METHOD }, { "path_not_allowed", K_PATH } };

	for (size_t i = 0; reason != NULL && i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(reason, table[i].reason) == 0)
			return table[i].kind;
	return K_NONE;
}

static const char *
text(const struct suggest *s, const json_t *o, const char *key)
{
	const char *v = json_string_value(json_object_get(o, key));

	return v != NULL && *v != '\0' ? arena_strndup(s->arena, v, strlen(v)) : "";
}

static void
event_take(struct suggest *s, const json_t *e)
{
	const json_t *d = json_object_get(e, "detail");
	enum kind kind = openable(json_string_value(json_object_get(d, "reason")));
	int64_t count = json_integer_value(json_object_get(d, "count")), port = json_integer_value(json_object_get(d, "port"));
	struct seen one = { .whole = kind == K_HOST, .port = (int)port, .count = count > 0 ? count : 1, .method = "", .path = "" };

	if (kind == K_NONE || json_string_value(json_object_get(e, "target")) == NULL || port < 1 || port > 65535)
		return;
	s->events++;
	if (s->n == s->room) {
		size_t room = s->room > 0 ? 2 * s->room : 1024;
		struct seen *v = s->n < SEEN_MAX ? realloc(s->v, room * sizeof(*v)) : NULL;

		if (v == NULL) {
			s->left++;
			return;
		}
		s->v = v;
		s->room = room;
	}
	one.identity = text(s, d, "identity");
	one.host = text(s, e, "target");
	if (kind != K_HOST)
		one.method = text(s, d, "method");
	if (kind == K_PATH)
		one.path = text(s, d, "path");
	if (arena_failed(s->arena))
		s->left++;
	else
		s->v[s->n++] = one;
}

int
suggest_take(struct suggest *s, const char *json, int64_t page, int64_t *next)
{
	json_t *root = json_loads(json, 0, NULL), *events = json_object_get(root, "events"), *e;
	size_t i, n = json_array_size(events);
	int r = json_is_array(events) ? (int64_t)n >= page : -1;

	json_array_foreach(events, i, e)
		event_take(s, e);
	settle(s);
	*next = json_integer_value(json_object_get(root, "next"));
	json_decref(root);
	return r;
}

/* --- printing --------------------------------------------------------------------------------- */

/* The same for the same, however often it is suggested; a policy that has it already refuses the second. */
static uint32_t
id_of(const struct seen *e, int kind)
{
	char line[512];
	uint32_t h = 2166136261U;	/* FNV-1a, 32 bits */

	snprintf(line, sizeof(line), "%s %s %d %d %s", e->identity, e->host, e->port, kind, kind == K_PATH ? e->method : "");
	for (const char *p = line; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619U;
	return h;
}

/* As llmsec-egress.yaml(5) has paths. */
static bool
path_can_be(const char *path)
{
	return path[0] == '/' && strpbrk(path, "?#%*;\\ \t") == NULL && strstr(path, "//") == NULL && strstr(path, "/.") == NULL &&
	    strlen(path) < 128;
}

static void
head_print(const struct seen *e, int kind, FILE *out)
{
	fprintf(out, "  - {id: seen-%08" PRIx32 ", domains: [%s], ports: [%d]", id_of(e, kind), e->host, e->port);
	if (e->identity[0] != '\0')
		fprintf(out, ", identities: [%s]", e->identity);
}

/* All of one host: [from, to) differ in their methods alone, or in paths of one method. */
static void
methods_print(const struct seen *v, size_t from, size_t to, FILE *out)
{
	int64_t count = 0;

	head_print(&v[from], K_METHOD, out);
	fputs(", methods: [", out);
	for (size_t i = from; i < to; i++) {
		fprintf(out, "%s%s", i > from ? ", " : "", v[i].method);
		count += v[i].count;
	}
	fprintf(out, "]}\t# %" PRId64 " times\n", count);
}

static void
paths_print(const struct seen *v, size_t from, size_t to, const char *method, FILE *out)
{
	struct buf b = {0};
	int64_t count = 0;
	size_t first = to;

	for (size_t i = from; i < to; i++) {
		if (strcmp(v[i].method, method) != 0)
			continue;
		if (!path_can_be(v[i].path)) {
			fprintf(out, "  # %s:%d %s: a path that no rule can allow, or that was cut: ", v[i].host, v[i].port, method);
			buf_clear(&b);
			fprintf(out, "%" PRId64 " times\n", v[i].count);
			continue;
		}
		first = first == to ? i : first;
	}
	if (first == to)
		return;
	head_print(&v[first], K_PATH, out);
	fprintf(out, ", methods: [%s], paths: [", method);
	for (size_t i = first; i < to; i++)
		if (strcmp(v[i].method, method) == 0 && path_can_be(v[i].path)) {
			buf_clear(&b);
			buf_add_json(&b, v[i].path, strlen(v[i].path));
			fprintf(out, "%s\"%.*s\"", i > first ? ", " : "", (int)buf_len(&b), buf_ptr(&b));
			count += v[i].count;
		}
	fprintf(out, "]}\t# %" PRId64 " times\n", count);
	buf_free(&b);
}

/* One host, port and identity: [from, to). */
static void
host_print(const struct seen *v, size_t from, size_t to, FILE *out)
{
	size_t paths = from;

	if (v[from].whole) {
		head_print(&v[from], K_HOST, out);
		fprintf(out, "}\t# %" PRId64 " times\n", v[from].count);
		paths = ++from;
	}
	while (paths < to && v[paths].path[0] == '\0')
		paths++;
	if (paths > from)
		methods_print(v, from, paths, out);
	for (size_t i = paths; i < to; i++) {
		bool done = false;

		for (size_t k = paths; k < i && !done; k++)
			done = strcmp(v[k].method, v[i].method) == 0;
		if (!done)
			paths_print(v, paths, to, v[i].method, out);
	}
}

int
suggest_print(struct suggest *s, FILE *out)
{
	fprintf(out, "# What was seen while the policy observed, in %" PRId64 " events.  Read each line before it becomes a rule.\n"
	    "# Beyond 200 events a second there are none: llmsec_egress_events_held_total counts what is missing.\n", s->events);
	if (s->left > 0)
		fprintf(out, "# CUT: %" PRId64 " events had more different hosts, methods or paths than %d.\n", s->left, SEEN_MAX);
	fputs(s->n == 0 ? "rules: []\n" : "rules:\n", out);
	for (size_t i = 0; i < s->n; ) {
		size_t k = i;

		while (k < s->n && rule_cmp(&s->v[i], &s->v[k]) == 0)
			k++;
		host_print(s->v, i, k, out);
		i = k;
	}
	return s->left > 0;
}
