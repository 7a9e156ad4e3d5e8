/* SPDX-License-Identifier: MIT */
/* llmsec-scan --jsonl: one line, with a text or the body of a request, and its answer. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "icap-llmsec/llmsec_scan.h"
#include "icap-llmsec/seams.h"
#include "lib/utf8.h"

static const struct { const char *name; enum span_role role; enum span_prov prov; } roles[] = {
	{"user", ROLE_USER, PROV_MESSAGE}, {"tool", ROLE_TOOL, PROV_TOOL_RESULT}, {"assistant", ROLE_ASSISTANT, PROV_MESSAGE},
	{"system", ROLE_SYSTEM, PROV_MESSAGE}, {"developer", ROLE_DEVELOPER, PROV_MESSAGE}, {"file", ROLE_USER, PROV_FILE},
};

static const struct { const char *name, *url; } dialects[] = {
	{"openai", "/v1/chat/completions"}, {"responses", "/v1/responses"}, {"anthropic", "/v1/messages"},
	{"gemini", "/v1beta/models/gemini:generateContent"}, {"ollama", "/api/chat"},
};

struct line {
	const struct icap_policy *p;
	const struct scan_lines *conf;
	const char	*text;		/* as it was parsed */
	size_t		 len;
	json_t		*j;
	struct arena	*a;
	const char	*error;		/* what is wrong with it; in the arena or static */
	const char	*column;	/* the key that is; NULL: none */
	struct findings	 found;
	struct detect_score score;
	float		 threshold;	/* of the text that <score> is of */
	bool		 off;		/* the policy doesn't look at such texts */
	bool		 repaired;
	uint64_t	 ns;
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

/* ---- what can't be JSON, but is what people have ------------------------------------------------------- */
static bool
hex4(const char *p, size_t n, unsigned *v)
{
	*v = 0;
	for (size_t i = 0; i < 4; i++) {
		char c = i < n ? p[i] : '\0';
		int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

		if (d < 0)
			return false;
		*v = *v * 16 + (unsigned)d;
	}
	return true;
}

/* Python writes "\ud83d" for half an emoji, and no reader of JSON takes it: U+FFFD, in place. */
static void
repair_surrogates(char *p, size_t n)
{
	unsigned a, b;

	for (size_t i = 0; i + 1 < n; i++) {
		if (p[i] != '\\')
			continue;
		if (p[i + 1] != 'u' || !hex4(p + i + 2, n - i - 2, &a) || a < 0xd800 || a > 0xdfff) {
			i++;
			continue;
		}
		if (a < 0xdc00 && i + 12 <= n && p[i + 6] == '\\' && p[i + 7] == 'u' && hex4(p + i + 8, n - i - 8, &b) && b >= 0xdc00 && b <= 0xdfff) {
			i += 11;
			continue;
		}
		memcpy(p + i + 2, "fffd", 4);
		i += 5;
	}
}

/* False: no memory, or there was nothing to repair. */
static bool
repair(struct line *l)
{
	char *fixed = arena_alloc(l->a, 3 * l->len + 1);
	size_t n;

	if (fixed == NULL)
		return false;
	n = utf8_repair(fixed, l->text, l->len);
	repair_surrogates(fixed, n);
	fixed[n] = '\0';
	l->repaired = n != l->len || memcmp(fixed, l->text, n) != 0;
	l->text = fixed;
	l->len = n;
	return l->repaired;
}

/* ---- where in a line a key stands ------------------------------------------------------------------------- */
/* The last one of this name, from 1; 0: not found, as it is with escapes in it.  The line is JSON. */
static size_t
key_column(const char *p, size_t n, const char *key)
{
	size_t depth = 0, from, found = 0, k = strlen(key);

	for (size_t i = 0; i < n; i++) {
		depth += p[i] == '{' || p[i] == '[';
		depth -= p[i] == '}' || p[i] == ']';
		if (p[i] != '"')
			continue;
		for (from = ++i; i < n && p[i] != '"'; i++)
			i += p[i] == '\\';
		if (depth != 1 || i - from != k || memcmp(p + from, key, k) != 0)
			continue;
		for (size_t c = i + 1; c < n && strchr(" \t\r\n:", p[c]) != NULL; c++)
			if (p[c] == ':')
				found = from;	/* which counts from 1, like people */
	}
	return found;
}

/* ---- judging ------------------------------------------------------------------------------------------ */
static void
wrong(struct line *l, const char *key, const char *error)
{
	l->column = key;
	l->error = error != NULL ? error : "no memory";
}

/* A string, or NULL: absent or null.  Something else is an error. */
static const char *
string_of(struct line *l, const char *key)
{
	json_t *j = json_object_get(l->j, key);

	if (j == NULL || json_is_null(j))
		return NULL;
	if (!json_is_string(j))
		wrong(l, key, arena_printf(l->a, "\"%s\" is not a string", key));
	return json_string_value(j);
}

/* Every text has a score; what the policy does not look at is looked at here, and passes. */
static struct detect_modes
modes_for_all(const struct detect_modes *m)
{
	struct detect_modes all = *m;
	enum detect_mode *const v[] = {&all.user, &all.tool, &all.file, &all.assistant, &all.system, &all.definitions};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		*v[i] = *v[i] == DETECT_OFF ? DETECT_MONITOR : *v[i];
	return all;
}

static bool
is_off(const struct detect_modes *m, const struct span *s)
{
	if (s->prov == PROV_FILE)
		return m->file == DETECT_OFF;
	switch (s->role) {
	case ROLE_USER: return m->user == DETECT_OFF;
	case ROLE_TOOL: return m->tool == DETECT_OFF;
	case ROLE_ASSISTANT: return m->assistant == DETECT_OFF;
	default: return m->system == DETECT_OFF;
	}
}

static bool
is_data(const struct span *s)
{
	return s->role != ROLE_USER || s->prov == PROV_FILE || s->prov == PROV_TOOL_DEFINITION;
}

static double
logit(double p)
{
	p = p < 1e-9 ? 1e-9 : p > 1 - 1e-9 ? 1 - 1e-9 : p;
	return log(p / (1 - p));
}

static void
judge_text(struct line *l, const char *text, size_t len)
{
	struct span s = {.role = ROLE_USER, .prov = PROV_MESSAGE, .path = "text", .text = text, .len = len};
	struct detect_modes all = modes_for_all(&l->p->modes);
	const char *role = string_of(l, "role");
	int rc;

	if (l->error != NULL)
		return;
	if (!scan_role(&s, role != NULL ? role : l->conf->role)) {
		wrong(l, "role", arena_printf(l->a, "unknown role \"%.40s\": user, tool, assistant, system, developer and file are known", role));
		return;
	}
	l->ns = now_ns();
	rc = detect_span(l->p->detectors, &all, &s, l->a, &l->found, &l->score);
	l->ns = now_ns() - l->ns;
	l->threshold = detect_threshold(l->p->detectors, &l->p->modes, is_data(&s));
	l->off = is_off(&l->p->modes, &s);
	if (rc < 0)
		l->error = strerror(-rc);
}

/* One more score of a body: it keeps the one that is furthest over its own threshold. */
static void
keep_worst(struct line *l, const struct detect_score *x, bool data)
{
	float at = detect_threshold(l->p->detectors, &l->p->modes, data);

	if (logit((double)x->score) - logit((double)at) > logit((double)l->score.score) - logit((double)l->threshold)) {
		l->score.score = x->score;
		l->threshold = at;
	}
	l->score.direct = x->direct > l->score.direct ? x->direct : l->score.direct;
	l->score.data = x->data > l->score.data ? x->data : l->score.data;
}

/* Its texts, and what they are together. */
static int
judge_spans(struct line *l, struct spans *spans, struct attach_run *files)
{
	struct findings *per_span = arena_calloc(l->a, spans->n + 1, sizeof(*per_span));
	bool *before = arena_calloc(l->a, spans->n + 1, sizeof(*before));
	struct detect_score x = {0, 0, 0};
	int rc = per_span != NULL && before != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < spans->n; i++) {
		before[i] = spans->v[i].prov == PROV_HISTORY;
		rc = inspect_span(l->p->detectors, &l->p->modes, files, &spans->v[i], false, &per_span[i], &x);
		keep_worst(l, &x, is_data(&spans->v[i]));
	}
	x = (struct detect_score){0, 0, 0};
	if (rc == 0)
		rc = seams_judge(l->p->detectors, &l->p->modes, spans, before, l->a, per_span, &x);
	keep_worst(l, &x, x.data > x.direct);
	for (size_t i = 0; rc == 0 && i < spans->n; i++)
		for (size_t k = 0; rc == 0 && k < per_span[i].n; k++)
			rc = findings_add(&l->found, l->a, &per_span[i].v[k]);
	return rc;
}

/* The body of a request: the worst of its texts, each by its own threshold. */
static void
judge_body(struct line *l, const char *body, size_t len, const char *url)
{
	struct llm_route route;
	struct spans spans = {0};
	struct attach_run files;
	int rc;

	l->ns = now_ns();
	attach_begin(&files, &l->p->attachments, &l->p->attachments.modes, l->a);
	dialect_route("POST", url, strlen(url), &route);
	rc = span_extract(&route, body, len, (unsigned)l->p->depth, l->a, &spans);
	l->threshold = detect_threshold(l->p->detectors, &l->p->modes, false);
	if (rc < 0)
		wrong(l, "body", arena_printf(l->a, "\"body\": %s", spans.error != NULL ? spans.error : strerror(-rc)));
	else
		rc = judge_spans(l, &spans, &files);
	l->ns = now_ns() - l->ns;
	if (rc < 0 && l->error == NULL)
		l->error = strerror(-rc);
}

static void
judge_body_line(struct line *l, json_t *body)
{
	const char *name = string_of(l, "dialect"), *url = NULL, *text = json_string_value(body);
	char *made = NULL;

	if (l->error != NULL)
		return;
	for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++)
		if (strcmp(dialects[i].name, name != NULL ? name : "openai") == 0)
			url = dialects[i].url;
	if (url == NULL) {
		wrong(l, "dialect", arena_printf(l->a, "unknown dialect \"%.40s\": openai, responses, anthropic, gemini and ollama are known", name));
		return;
	}
	if (text == NULL)
		text = made = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL)
		l->error = "no memory";
	else
		judge_body(l, text, made != NULL ? strlen(made) : json_string_length(body), url);
	free(made);
}

static void
judge(struct line *l)
{
	const char *key = l->conf->key != NULL ? l->conf->key : "text", *text;
	json_t *body;

	if (!json_is_object(l->j)) {
		l->error = "not a JSON object";
		return;
	}
	body = strcmp(key, "body") != 0 ? json_object_get(l->j, "body") : NULL;
	if (json_is_null(body))
		body = NULL;
	text = string_of(l, key);
	if (l->error != NULL)
		return;
	if (text != NULL && body != NULL)
		wrong(l, "body", arena_printf(l->a, "both \"%s\" and \"body\": which of them is meant?", key));
	else if (text == NULL && body == NULL)
		wrong(l, key, arena_printf(l->a, "neither \"%s\" nor \"body\"", key));
	else if (text != NULL)
		judge_text(l, text, json_string_length(json_object_get(l->j, key)));
	else
		judge_body_line(l, body);
}

/* ---- the answer ------------------------------------------------------------------------------------------- */
static const char *
action(const struct line *l)
{
	static const char *const name[] = {"pass", "monitor", "mask", "block"};
	enum detect_mode m = DETECT_OFF;

	for (size_t i = 0; i < l->found.n; i++) {
		const struct finding *f = &l->found.v[i];

		if ((!l->off || finding_is_private(f)) && f->mode > m)
			m = f->mode;
	}
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

/* As it came, numbers included.  Without one, the line's number tells which it was. */
static void
put_id(struct buf *b, json_t *id, uint64_t no)
{
	char *s = id != NULL ? json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	buf_printf(b, "\"id\":%s", s != NULL ? s : "null");
	if (s == NULL)
		buf_printf(b, ",\"line\":%llu", (unsigned long long)no);
	free(s);
}

static void
put_error(struct buf *out, uint64_t no, size_t column, json_t *id, const char *error)
{
	buf_adds(out, "{");
	if (id != NULL) {
		put_id(out, id, no);
		buf_adds(out, ",");
	}
	buf_printf(out, "\"line\":%llu,", (unsigned long long)no);
	if (column > 0)
		buf_printf(out, "\"column\":%zu,", column);
	buf_adds(out, "\"error\":\"");
	buf_add_json(out, error, strlen(error));
	buf_adds(out, "\"}\n");
}

void
scan_line_error(struct buf *out, uint64_t no, const char *error)
{
	put_error(out, no, 0, NULL, error);
}

static void
put_findings(struct buf *b, const struct findings *f)
{
	const char *sep = "";

	buf_adds(b, ",\"rules\":[");
	for (size_t i = 0; i < f->n; i++)
		if (!finding_is_private(&f->v[i])) {
			buf_printf(b, "%s\"%s\"", sep, f->v[i].rule_id);
			sep = ",";
		}
	buf_adds(b, "],\"pii\":[");
	sep = "";
	for (size_t i = 0; i < f->n; i++)
		if (finding_is_private(&f->v[i])) {
			buf_printf(b, "%s{\"type\":\"%s\",\"start\":%zu,\"end\":%zu}", sep, strchr(f->v[i].category, '.') + 1, f->v[i].start,
			    f->v[i].start + f->v[i].len);
			sep = ",";
		}
	buf_adds(b, "]");
}

static void
put_answer(struct buf *b, const struct line *l, uint64_t no)
{
	const char *c = category(&l->found);

	buf_adds(b, "{");
	put_id(b, json_object_get(l->j, "id"), no);
	buf_printf(b, ",\"action\":\"%s\",\"score\":%#.7g,\"threshold\":%#.7g,\"direct\":%#.7g,\"data\":%#.7g,\"category\":", action(l),
	    (double)l->score.score, (double)l->threshold, (double)l->score.direct, (double)l->score.data);
	if (c != NULL)
		buf_printf(b, "\"%s\"", c);
	else
		buf_adds(b, "null");
	put_findings(b, &l->found);
	if (l->repaired)
		buf_adds(b, ",\"repaired\":true");
	buf_printf(b, ",\"us\":%.1f}\n", (double)l->ns / 1e3);
}

static uint64_t
id_hash(json_t *id)
{
	char *s = id != NULL && !json_is_null(id) ? json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
	uint64_t h = 0xcbf29ce484222325u;	/* FNV-1a, finished by a multiplication: it only warns */

	if (s == NULL)
		return 0;
	for (const char *p = s; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	free(s);
	h ^= h >> 32;
	return h != 0 ? h : 1;
}

bool
scan_line(const struct icap_policy *p, const struct scan_lines *conf, char *line, size_t len, uint64_t no, struct arena *a, struct buf *out,
    uint64_t *id)
{
	struct line l = {.p = p, .conf = conf, .text = line, .len = len, .a = a};
	json_error_t je;
	const size_t flags = JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	size_t column = 0;

	*id = 0;
	l.j = json_loadb(l.text, l.len, flags, &je);
	if (l.j == NULL && repair(&l))
		l.j = json_loadb(l.text, l.len, flags, &je);
	if (l.j == NULL) {
		l.error = je.text;
		column = je.position > 0 ? (size_t)je.position : 0;
	} else {
		judge(&l);
		*id = id_hash(json_object_get(l.j, "id"));
		column = l.column != NULL ? key_column(l.text, l.len, l.column) : 0;
	}
	if (l.error == NULL)
		put_answer(out, &l, no);
	else
		put_error(out, no, column, json_object_get(l.j, "id"), l.error);
	json_decref(l.j);
	return l.error == NULL;
}
