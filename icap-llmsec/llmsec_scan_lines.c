/* SPDX-License-Identifier: MIT */
/* llmsec-scan --jsonl: many texts, for curves and for pipelines. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/llmsec_scan.h"
#include "lib/arena.h"

static const struct { const char *name; enum span_role role; enum span_prov prov; } roles[] = {
	{"user", ROLE_USER, PROV_MESSAGE}, {"tool", ROLE_TOOL, PROV_TOOL_RESULT}, {"assistant", ROLE_ASSISTANT, PROV_MESSAGE},
	{"system", ROLE_SYSTEM, PROV_MESSAGE}, {"developer", ROLE_DEVELOPER, PROV_MESSAGE}, {"file", ROLE_USER, PROV_FILE},
};

static bool
role_set(struct span *s, const char *name)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (strcmp(roles[i].name, name) == 0) {
			s->role = roles[i].role;
			s->prov = roles[i].prov;
			return true;
		}
	return false;
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Severities as if each were the chance that it is an attack, independent of the others. */
static double
score(const struct findings *f)
{
	double clean = 1;

	for (size_t i = 0; i < f->n; i++)
		if (strncmp(f->v[i].category, "pii.", 4) != 0)
			clean *= 1 - f->v[i].severity / 10.0;
	return 1 - clean;
}

static const char *
action(const struct findings *f)
{
	static const char *const name[] = {"pass", "monitor", "mask", "block"};
	enum detect_mode m = DETECT_OFF;

	for (size_t i = 0; i < f->n; i++)
		m = f->v[i].mode > m ? f->v[i].mode : m;
	return name[m];
}

static json_t *
answer(json_t *id, const struct findings *f, uint64_t ns)
{
	json_t *rules = json_array(), *cats = json_array(), *pii = json_array();

	for (size_t i = 0; i < f->n; i++) {
		const struct finding *x = &f->v[i];

		if (strncmp(x->category, "pii.", 4) == 0) {
			json_array_append_new(pii, json_pack("{s:s,s:I,s:I}", "type", x->category + 4, "start",
			    (json_int_t)x->start, "end", (json_int_t)(x->start + x->len)));
			continue;
		}
		json_array_append_new(rules, json_string(x->rule_id));
		json_array_append_new(cats, json_string(x->category));
	}
	return json_pack("{s:O?,s:s,s:f,s:o,s:o,s:o,s:f}", "id", id, "action", action(f), "score", score(f), "rules", rules,
	    "categories", cats, "pii", pii, "us", (double)(ns / 100) / 10);
}

static json_t *
judge(const struct detectors *d, json_t *line, struct arena *a, const char **error)
{
	struct findings f = {NULL, 0};
	const char *role = "user";
	struct span s = {.role = ROLE_USER, .prov = PROV_MESSAGE, .path = "text"};
	json_t *text = json_object_get(line, "text");
	uint64_t t;
	int rc;

	if (!json_is_string(text)) {
		*error = "no \"text\"";
		return NULL;
	}
	if (json_is_string(json_object_get(line, "role")))
		role = json_string_value(json_object_get(line, "role"));
	if (!role_set(&s, role)) {
		*error = "unknown role";
		return NULL;
	}
	s.text = json_string_value(text);
	s.len = json_string_length(text);
	t = now_ns();
	rc = detect_span(d, &s, a, &f);
	t = now_ns() - t;
	if (rc < 0) {
		*error = strerror(-rc);
		return NULL;
	}
	return answer(json_object_get(line, "id"), &f, t);
}

static int
write_line(FILE *out, json_t *j)
{
	int rc = j == NULL || json_dumpf(j, out, JSON_COMPACT | JSON_REAL_PRECISION(6)) != 0 || fputc('\n', out) == EOF ? -EIO : 0;

	json_decref(j);
	return rc;
}

int
scan_lines(const struct detectors *d, FILE *in, FILE *out)
{
	struct arena *a = arena_new(0);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = a != NULL ? 0 : -ENOMEM, bad = 0;

	if (a != NULL)
		arena_keep(a, 16 << 20);
	for (json_int_t no = 1; rc == 0 && (n = getline(&line, &cap, in)) >= 0; no++) {
		json_error_t je;
		json_t *j = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, &je), *got;
		const char *error = je.text;

		arena_reset(a);
		got = j != NULL ? judge(d, j, a, &error) : NULL;
		bad |= got == NULL;
		rc = write_line(out, got != NULL ? got : json_pack("{s:I,s:s}", "line", no, "error", error));
		json_decref(j);
	}
	if (rc == 0 && (ferror(in) || fflush(out) != 0))
		rc = -EIO;
	free(line);
	arena_free(&a);
	return rc < 0 ? rc : bad;
}
