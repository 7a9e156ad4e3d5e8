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
#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "icap-llmsec/llmsec_scan.h"
#include "lib/arena.h"

static const struct { const char *name; enum span_role role; enum span_prov prov; } roles[] = {
	{"user", ROLE_USER, PROV_MESSAGE}, {"tool", ROLE_TOOL, PROV_TOOL_RESULT}, {"assistant", ROLE_ASSISTANT, PROV_MESSAGE},
	{"system", ROLE_SYSTEM, PROV_MESSAGE}, {"developer", ROLE_DEVELOPER, PROV_MESSAGE}, {"file", ROLE_USER, PROV_FILE},
};

bool
scan_role(struct span *s, const char *name)
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

static const char *
action(const struct findings *f)
{
	static const char *const name[] = {"pass", "monitor", "mask", "block"};
	enum detect_mode m = DETECT_OFF;

	for (size_t i = 0; i < f->n; i++)
		m = f->v[i].mode > m ? f->v[i].mode : m;
	return name[m];
}

/* Of the finding that weighs most. */
static const char *
category(const struct findings *f)
{
	const struct finding *best = NULL;

	for (size_t i = 0; i < f->n; i++)
		if (!finding_is_private(&f->v[i]) && (best == NULL || f->v[i].severity > best->severity ||
		    (f->v[i].severity == best->severity && f->v[i].weight > best->weight)))
			best = &f->v[i];
	return best != NULL ? best->category : f->n > 0 ? f->v[0].category : NULL;
}

static json_t *
answer(json_t *id, const struct findings *f, const struct detect_score *s, uint64_t ns)
{
	json_t *rules = json_array(), *pii = json_array();

	for (size_t i = 0; i < f->n; i++) {
		const struct finding *x = &f->v[i];

		if (finding_is_private(x))
			json_array_append_new(pii, json_pack("{s:s,s:I,s:I}", "type", strchr(x->category, '.') + 1, "start",
			    (json_int_t)x->start, "end", (json_int_t)(x->start + x->len)));
		else
			json_array_append_new(rules, json_string(x->rule_id));
	}
	return json_pack("{s:O?,s:s,s:f,s:f,s:f,s:s?,s:o,s:o,s:f}", "id", id, "action", action(f), "score", (double)s->score,
	    "direct", (double)s->direct, "data", (double)s->data, "category", category(f), "rules", rules, "pii", pii,
	    "us", (double)(ns / 100) / 10);
}

/* ---- a line with a text, or with the body of a request ------------------------------------------- */
static int
judge_text(const struct icap_policy *p, struct span *s, struct arena *a, struct findings *f, struct detect_score *score)
{
	return detect_span(p->detectors, &p->modes, s, a, f, score);
}

static const struct { const char *name, *url; } dialects[] = {
	{"openai", "/v1/chat/completions"}, {"responses", "/v1/responses"}, {"anthropic", "/v1/messages"},
	{"gemini", "/v1beta/models/gemini:generateContent"}, {"ollama", "/api/chat"},
};

static const char *
dialect_url(const char *name)
{
	for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++)
		if (strcmp(dialects[i].name, name) == 0)
			return dialects[i].url;
	return NULL;
}

/* The body of a request, an object or its text: the worst of its spans. */
static int
judge_body(const struct icap_policy *p, const char *body, size_t len, const char *url, struct arena *a, struct findings *f,
    struct detect_score *score, const char **error)
{
	struct llm_route route;
	struct spans spans = {0};
	struct attach_run files;
	int rc;

	attach_begin(&files, &p->attachments, &p->attachments.modes, a);
	dialect_route("POST", url, strlen(url), &route);
	rc = span_extract(&route, body, len, (unsigned)p->depth, a, &spans);
	*score = (struct detect_score){0, 0, 0};
	if (rc < 0)
		*error = spans.error != NULL ? spans.error : strerror(-rc);
	for (size_t i = 0; rc == 0 && i < spans.n; i++) {
		struct detect_score s;

		rc = inspect_span(p->detectors, &p->modes, &files, &spans.v[i], false, f, &s);
		if (s.score > score->score)
			score->score = s.score;
		if (s.direct > score->direct)
			score->direct = s.direct;
		if (s.data > score->data)
			score->data = s.data;
	}
	return rc;
}

static int
judge_body_line(const struct icap_policy *p, json_t *line, json_t *body, struct arena *a, struct findings *f, struct detect_score *score,
    const char **error)
{
	const char *name = json_string_value(json_object_get(line, "dialect")), *url = dialect_url(name != NULL ? name : "openai");
	char *text = json_is_string(body) ? NULL : json_dumps(body, JSON_COMPACT);
	const char *from = text != NULL ? text : json_string_value(body);
	int rc = -EINVAL;

	if (url == NULL)
		*error = "unknown dialect";
	else if (from == NULL)
		*error = "no memory";
	else
		rc = judge_body(p, from, strlen(from), url, a, f, score, error);
	free(text);
	return rc;
}

static json_t *
judge(const struct icap_policy *p, json_t *line, struct arena *a, const char **error)
{
	struct findings f = {NULL, 0};
	struct detect_score score;
	const char *role = "user";
	struct span s = {.role = ROLE_USER, .prov = PROV_MESSAGE, .path = "text"};
	json_t *text = json_object_get(line, "text"), *body = json_object_get(line, "body");
	uint64_t t;
	int rc;

	*error = NULL;
	if (!json_is_string(text) && body == NULL) {
		*error = "neither \"text\" nor \"body\"";
		return NULL;
	}
	if (json_is_string(json_object_get(line, "role")))
		role = json_string_value(json_object_get(line, "role"));
	if (!scan_role(&s, role)) {
		*error = "unknown role";
		return NULL;
	}
	s.text = json_string_value(text);
	s.len = json_string_length(text);
	t = now_ns();
	rc = text != NULL ? judge_text(p, &s, a, &f, &score) : judge_body_line(p, line, body, a, &f, &score, error);
	t = now_ns() - t;
	if (rc < 0) {
		if (*error == NULL)
			*error = strerror(-rc);
		return NULL;
	}
	return answer(json_object_get(line, "id"), &f, &score, t);
}

static int
write_line(FILE *out, json_t *j)
{
	int rc = j == NULL || json_dumpf(j, out, JSON_COMPACT | JSON_REAL_PRECISION(6)) != 0 || fputc('\n', out) == EOF ? -EIO : 0;

	json_decref(j);
	return rc;
}

int
scan_lines(const struct icap_policy *p, FILE *in, FILE *out)
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
		got = j != NULL ? judge(p, j, a, &error) : NULL;
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
