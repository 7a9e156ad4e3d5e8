/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/waf/crs_rx.h"
#include "lib/arena.h"

#define RULES_MAX	2000

struct reader {
	struct crs_rx *v;
	size_t n;
	long id;
	int paranoia;
	bool chained;	/* the next rule belongs to this one */
	struct arena *arena;
};

/* The next "..." of a line, without its quotes and with \" undone; NULL: none. */
static char *
next_quoted(char **p, struct arena *a)
{
	char *s = strchr(*p, '"'), *out, *w;

	if (s == NULL)
		return NULL;
	w = out = arena_alloc(a, strlen(s));
	for (s++; *s != '\0' && *s != '"'; s++) {
		if (s[0] == '\\' && (s[1] == '"' || s[1] == '\\') && s[1] != '\0') {
			if (s[1] == '\\')	/* only "\\\\" is Apache's; "\\" stays with PCRE2 */
				*w++ = *s;
			s++;
		}
		*w++ = *s;
	}
	*w = '\0';
	*p = *s == '"' ? s + 1 : s;
	return out;
}

static void
read_actions(struct reader *r, const char *act)
{
	const char *s;

	if (!r->chained) {
		s = strstr(act, "id:");
		r->id = s != NULL ? strtol(s + 3 + (s[3] == '\''), NULL, 10) : 0;
		s = strstr(act, "paranoia-level/");
		r->paranoia = s != NULL ? s[15] - '0' : 0;
	}
	s = strstr(act, "chain");
	r->chained = s != NULL && (s[5] == '\0' || strchr(",\" \t", s[5]) != NULL);
}

static void
read_rule(struct reader *r, char *line)
{
	char *op, *act, *p = line;
	bool negated;

	p += strspn(p, " \t");
	if (strncmp(p, "SecRule ", 8) != 0)
		return;
	p += 8;
	p += strspn(p, " \t");
	if (*p == '"')
		next_quoted(&p, r->arena);
	op = next_quoted(&p, r->arena);
	act = next_quoted(&p, r->arena);
	read_actions(r, act != NULL ? act : "");
	if (op == NULL)
		return;
	negated = *op == '!';
	op += negated;
	if (strncmp(op, "@rx ", 4) == 0)
		op += 4;
	else if (*op == '@')
		return;
	if (strstr(op, "%{") == NULL && r->n < RULES_MAX)
		r->v[r->n++] = (struct crs_rx){ { op, strlen(op) }, r->id, r->paranoia, negated };
}

static void
read_file(struct reader *r, FILE *f)
{
	char *line = NULL, *whole = arena_calloc(r->arena, 1, 1);
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, f)) > 0) {
		bool more = false;

		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		if (n > 0 && line[n - 1] == '\\') {
			line[n - 1] = '\0';
			more = true;
		}
		whole = arena_printf(r->arena, "%s%s", whole, line);
		if (!more) {
			read_rule(r, whole);
			whole = arena_calloc(r->arena, 1, 1);
		}
	}
	free(line);
}

struct crs_rx *
crs_rx_read(const char *dir, struct arena *a, size_t *n)
{
	struct reader r = { .v = arena_calloc(a, RULES_MAX, sizeof(struct crs_rx)), .arena = a };
	char *pattern = arena_printf(a, "%s/*.conf", dir);
	glob_t g;

	*n = 0;
	if (r.v == NULL || pattern == NULL || glob(pattern, 0, NULL, &g) != 0)
		return NULL;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		FILE *f = fopen(g.gl_pathv[i], "r");

		if (f == NULL)
			continue;
		read_file(&r, f);
		fclose(f);
	}
	globfree(&g);
	*n = r.n;
	return r.v;
}
