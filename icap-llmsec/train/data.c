/* SPDX-License-Identifier: MIT */
/* Labelled rows: JSON lines {"text", "label", "source", "head", "family"}, read as inference would read them. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

#include "icap-llmsec/train/train.h"
#include "icap-llmsec/views.h"
#include "lib/arena.h"
#include "lib/diag.h"

#define TEXT_MAX	(1 << 16)	/* of a row; more is cut */
#define LINE_MAX_	(1 << 22)
#define SCRAP_MIN	4		/* bytes of a short sentence */
#define SCRAP_MAX	64

uint64_t
rng_next(struct rng *r)
{
	uint64_t z = (r->s += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

double
rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

size_t
rng_below(struct rng *r, size_t n)
{
	return n == 0 ? 0 : (size_t)(rng_next(r) % n);
}

uint64_t
hash_text(const char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
	return h;
}

/* ---- sources.txt ------------------------------------------------------------------------------ */

static unsigned
heads_parse(const char *s)
{
	return strcmp(s, "direct") == 0 ? 1u << MODEL_DIRECT : strcmp(s, "data") == 0 ? 1u << MODEL_DATA :
	    strcmp(s, "both") == 0 ? 1u << MODEL_DIRECT | 1u << MODEL_DATA : 0;
}

int
sources_load(struct dataset *d, const char *path, struct diag *diag)
{
	FILE *f = fopen(path, "r");
	char line[512], heads[16], pool[16];
	int n = 0, rc = 0;

	if (f == NULL) {
		rc = -errno;
		diag_error(diag, path, 0, 0, "%s", strerror(errno));
		return rc;
	}
	while (rc == 0 && fgets(line, sizeof(line), f) != NULL) {
		struct source *s = &d->source[d->n_sources];

		n++;
		if (line[strspn(line, " \t\r\n")] == '\0' || line[0] == '#')
			continue;
		if (d->n_sources == SOURCES_MAX - 1 || sscanf(line, "%47s %15s %f %d %15s %zu", s->name, heads, &s->weight,
		    &s->fold, pool, &s->max) != 6 || (s->heads = heads_parse(heads)) == 0 || s->fold >= FOLDS) {
			diag_error(diag, path, n, 0, "expected: source direct|data|both weight fold pool|docs|- max");
			rc = -EINVAL;
		}
		s->pool = strcmp(pool, "pool") == 0 ? 1 : strcmp(pool, "docs") == 0 ? 2 : 0;
		d->n_sources++;
	}
	fclose(f);
	return rc;
}

/* A source that sources.txt doesn't know is for both heads, with weight 1, in folds by family. */
static uint16_t
source_find(struct dataset *d, const char *name)
{
	for (size_t i = 0; i < d->n_sources; i++)
		if (strcmp(d->source[i].name, name) == 0)
			return (uint16_t)i;
	if (d->n_sources == SOURCES_MAX)
		return SOURCES_MAX - 1;
	struct source *s = &d->source[d->n_sources];
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->heads = 1u << MODEL_DIRECT | 1u << MODEL_DATA;
	s->weight = 1;
	s->fold = FOLD_ALL;
	return (uint16_t)d->n_sources++;
}

/* ---- rows ------------------------------------------------------------------------------------- */

static int
row_add(struct dataset *d, const struct row *r, const char *text, size_t len, struct arena *a)
{
	struct views *vs = arena_alloc(a, sizeof(*vs));
	struct row *to;
	int rc;

	if (vs == NULL || (rc = views_make(vs, text, len, a)) < 0)
		return vs == NULL ? -ENOMEM : rc;
	if (d->n == d->cap) {
		size_t cap = d->cap == 0 ? 1 << 14 : 2 * d->cap;
		struct row *v = realloc(d->row, cap * sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		d->row = v;
		d->cap = cap;
	}
	to = &d->row[d->n];
	*to = *r;
	to->view = calloc(vs->n, sizeof(*to->view));
	to->text = strndup(text, len);
	if (to->family_name == NULL)
		to->family_name = strdup("");
	if (to->view == NULL || to->text == NULL || to->family_name == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < vs->n; i++) {
		to->view[i].len = vs->v[i].norm.len;
		if ((to->view[i].text = strndup(vs->v[i].norm.text, vs->v[i].norm.len)) == NULL)
			return -ENOMEM;
		to->view[i].len = strlen(to->view[i].text);
		if (vs->v[i].norm.lines != NULL) {
			size_t bytes = (vs->v[i].norm.len / 64 + 1) * sizeof(uint64_t);

			if ((to->view[i].lines = malloc(bytes)) == NULL)
				return -ENOMEM;
			memcpy(to->view[i].lines, vs->v[i].norm.lines, bytes);
		}
	}
	to->n_views = (unsigned)vs->n;
	d->n++;
	return 0;
}

static int
row_parse(struct dataset *d, const char *line, float weight, struct arena *a)
{
	json_t *j = json_loads(line, 0, NULL);
	const char *text = json_string_value(json_object_get(j, "text"));
	const char *name = json_string_value(json_object_get(j, "source"));
	const char *head = json_string_value(json_object_get(j, "head"));
	const char *family = json_string_value(json_object_get(j, "family"));
	struct row r = { .weight = 1 };
	struct source *s;
	size_t len;
	int rc = 0;

	if (text == NULL || !json_is_integer(json_object_get(j, "label"))) {
		rc = text != NULL && json_is_null(json_object_get(j, "label")) ? 0 : -EINVAL;
		d->unlabelled += rc == 0;
		json_decref(j);
		return rc;
	}
	len = strlen(text);
	if (len > TEXT_MAX)
		len = TEXT_MAX;
	r.source = source_find(d, name != NULL ? name : "unnamed");
	s = &d->source[r.source];
	r.label = json_integer_value(json_object_get(j, "label")) != 0;
	r.heads = (uint8_t)(head != NULL ? heads_parse(head) : s->heads);
	r.weight = s->weight * weight;
	if (json_is_number(json_object_get(j, "weight")))
		r.weight *= (float)json_number_value(json_object_get(j, "weight"));
	r.order = json_is_true(json_object_get(j, "order"));
	r.family = family != NULL ? hash_text(family, strlen(family)) : hash_text(text, len);
	r.family_name = strdup(family != NULL ? family : "");
	r.fold = (int8_t)(s->fold == FOLD_ALL ? (int)(rng_next(&(struct rng){ r.family }) % FOLDS) : s->fold);
	/* JSON and the like is what tools say; a sentence of the same source may be a user's. */
	if (head == NULL && s->heads == 3 && !r.label && s->max > 0 && text[0] != '{' && text[0] != '[')
		r.heads = 1u << MODEL_DIRECT;
	if (r.fold < 0)
		r.fold = (int8_t)-r.fold;
	s->n++;
	rc = row_add(d, &r, text, len, a);
	json_decref(j);
	return rc;
}

static bool
wanted(const char *line, size_t n, const struct dataset *d, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t lines = 0;

	(void)lines;
	base = base != NULL ? base + 1 : path;
	for (size_t i = 0; i < d->n_sources; i++) {
		size_t k = strlen(d->source[i].name);

		if (strncmp(base, d->source[i].name, k) == 0 && base[k] == '.' && d->source[i].max > 0)
			return (hash_text(line, n) >> 24) % 10000 < d->source[i].max;	/* max: out of 10000 */
	}
	return true;
}

int
dataset_read(struct dataset *d, const char *path, float weight, struct diag *diag)
{
	gzFile f = gzopen(path, "rb");
	char *line = malloc(LINE_MAX_);
	struct arena *a = arena_new(256 << 20);
	int n = 0, rc = 0;

	if (f == NULL || line == NULL || a == NULL) {
		diag_error(diag, path, 0, 0, "%s", f == NULL ? strerror(errno) : "out of memory");
		rc = f == NULL ? -ENOENT : -ENOMEM;
	}
	while (rc == 0 && gzgets(f, line, LINE_MAX_) != NULL) {
		n++;
		if (line[strspn(line, " \t\r\n")] == '\0' || !wanted(line, strlen(line), d, path))
			continue;
		if ((rc = row_parse(d, line, weight, a)) < 0)
			diag_error(diag, path, n, 0, rc == -EINVAL ? "expected {\"text\", \"label\": 0|1, ...}" : "%s", strerror(-rc));
		arena_reset(a);
	}
	if (f != NULL)
		gzclose(f);
	free(line);
	arena_free(&a);
	return rc;
}

static int
is_jsonl(const struct dirent *e)
{
	const char *dot = strchr(e->d_name, '.');

	return dot != NULL && (strcmp(dot, ".jsonl") == 0 || strcmp(dot, ".jsonl.gz") == 0);
}

int
dataset_read_dir(struct dataset *d, const char *path, float weight, struct diag *diag)
{
	struct dirent **e = NULL;
	int n = scandir(path, &e, is_jsonl, alphasort), rc = 0;
	char file[4096];

	if (n <= 0) {
		diag_error(diag, path, 0, 0, "%s", n < 0 ? strerror(errno) : "no *.jsonl or *.jsonl.gz here");
		free(e);
		return -ENOENT;
	}
	for (int i = 0; i < n; i++) {
		if (rc == 0 && snprintf(file, sizeof(file), "%s/%s", path, e[i]->d_name) < (int)sizeof(file))
			rc = dataset_read(d, file, weight, diag);
		free(e[i]);
	}
	free(e);
	return rc;
}

/* ---- instructions in data ----------------------------------------------------------------------- */

static const char *const verbs[] = {
	"add", "analyze", "arrange", "assist", "book", "calculate", "call", "cancel", "change", "check", "click", "compare",
	"compose", "convert", "create", "delete", "describe", "design", "develop", "draft", "edit", "explain", "export", "fetch",
	"find", "forward", "generate", "get", "give", "grant", "help", "identify", "install", "list", "make", "move", "open",
	"order", "pay", "please", "post", "provide", "publish", "purchase", "read", "recommend", "remove", "rename", "replace",
	"reply", "report", "reserve", "retrieve", "rewrite", "run", "save", "schedule", "search", "send", "set", "share", "show",
	"suggest", "summarize", "tell", "transfer", "translate", "turn", "unlock", "update", "upload", "use", "write", "can", "could",
};

static bool
is_instruction(const struct row *r)
{
	size_t n = strcspn(r->text, " ,");

	if (r->order)
		return strlen(r->text) <= 400;
	if (r->label || !(r->heads & 1) || strlen(r->text) > 240 || strlen(r->text) < 12)
		return false;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strlen(verbs[i]) == n && strncasecmp(r->text, verbs[i], n) == 0)
			return true;
	return false;
}

/* Where a sentence ends after <from>: the place for another. */
static size_t
sentence_after(const char *s, size_t len, size_t from)
{
	for (size_t i = from; i + 1 < len; i++)
		if ((strchr(".!?", s[i]) != NULL && s[i + 1] == ' ') || s[i] == '\n' || (s[i] == '"' && (s[i + 1] == ',' || s[i + 1] == '}')))
			return s[i] == '"' ? i : i + 1;
	return len;
}

int
dataset_embed(struct dataset *d, size_t want, uint64_t seed)
{
	size_t *doc = malloc(d->n * sizeof(*doc)), *ins = malloc(d->n * sizeof(*ins)), nd = 0, ni = 0;
	struct rng r = { seed ^ 0x656d626564 };
	struct arena *a = arena_new(0);
	uint16_t requests = source_find(d, "embedded"), orders = source_find(d, "embedded-orders");
	int rc = doc == NULL || ins == NULL || a == NULL ? -ENOMEM : 0;

	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		if (!d->row[i].label && (d->row[i].heads & 2) && strlen(d->row[i].text) > 100)
			doc[nd++] = i;
		else if (is_instruction(&d->row[i]))
			ins[ni++] = i;
	}
	for (size_t i = 0; rc == 0 && nd > 0 && ni > 0 && i < want; i++) {
		size_t at_doc = doc[rng_below(&r, nd)];
		const char *s = d->row[at_doc].text;
		size_t k = ins[rng_below(&r, ni)], len = strlen(s) < 1200 ? strlen(s) : 1200, at;
		char *t;

		at = sentence_after(s, len, rng_below(&r, len));
		if (d->row[k].fold != d->row[at_doc].fold)
			continue;		/* a left-out document must not be seen as part of an attack */
		t = arena_alloc(a, len + strlen(d->row[k].text) + 8);
		if (t == NULL)
			rc = -ENOMEM;
		else {
			int m = sprintf(t, "%.*s %s%s%.*s", (int)at, s, d->row[k].text, rng_below(&r, 2) ? " " : "\n", (int)(len - at), s + at);
			uint16_t src = d->row[k].order ? orders : requests;
			struct row row = { .label = 1, .heads = 2, .weight = d->source[src].weight, .source = src, .fold = d->row[k].fold };

			rc = row_add(d, &row, t, (size_t)m, a);
		}
		arena_reset(a);
	}
	free(doc);
	free(ins);
	arena_free(&a);
	return rc;
}

int
dataset_paste(struct dataset *d, size_t want, uint64_t seed)
{
	struct rng r = { seed ^ 0x7061737465 };
	struct arena *a = arena_new(0);
	uint16_t src = source_find(d, "pasted");
	size_t n = d->n;
	int rc = a == NULL ? -ENOMEM : 0;

	for (size_t i = 0; rc == 0 && i < want; i++) {
		const struct row *from = &d->row[rng_below(&r, n)];
		struct row row = { .heads = 1u << MODEL_DATA, .weight = d->source[src].weight, .source = src, .fold = from->fold };

		if (from->label || from->heads != 1u << MODEL_DIRECT || d->source[from->source].pool != 1)
			continue;
		rc = row_add(d, &row, from->text, strlen(from->text), a);
		arena_reset(a);
	}
	arena_free(&a);
	return rc;
}

/* A short sentence of <s> that begins somewhere behind <from>: its bytes are [*at, *at + the number returned), 0 if there is none. */
static size_t
short_sentence(const char *s, size_t len, size_t from, size_t *at)
{
	size_t end;

	for (; from < len; from = end) {
		end = sentence_after(s, len, from);
		for (*at = from; *at < end && (unsigned char)s[*at] <= ' '; ++*at)
			;
		if (end - *at >= SCRAP_MIN && end - *at <= SCRAP_MAX)
			return end - *at;
		end += end == from;
	}
	return 0;
}

int
dataset_scraps(struct dataset *d, size_t want, uint64_t seed)
{
	struct rng r = { seed ^ 0x736372617073 };
	struct arena *a = arena_new(0);
	uint16_t src = source_find(d, "scraps");
	size_t n = d->n, at = 0, len;
	int rc = a == NULL ? -ENOMEM : 0;

	for (size_t i = 0; rc == 0 && i < want; i++) {
		const struct row *from = &d->row[rng_below(&r, n)];
		struct row row = { .heads = 1u << MODEL_DIRECT, .weight = d->source[src].weight, .source = src, .fold = from->fold };
		size_t all = strlen(from->text), begin = rng_below(&r, all);

		if (from->label || !(from->heads & 1) || d->source[from->source].pool == 0)
			continue;
		begin = sentence_after(from->text, all, begin);
		if ((len = short_sentence(from->text, all, begin < all ? begin : 0, &at)) > 0)
			rc = row_add(d, &row, from->text + at, len, a);
		arena_reset(a);
	}
	arena_free(&a);
	return rc;
}

void
dataset_free(struct dataset *d)
{
	for (size_t i = 0; i < d->n; i++) {
		for (unsigned k = 0; k < d->row[i].n_views; k++) {
			free(d->row[i].view[k].text);
			free(d->row[i].view[k].lines);
		}
		free(d->row[i].view);
		free(d->row[i].text);
		free(d->row[i].family_name);
	}
	free(d->row);
	memset(d, 0, sizeof(*d));
}
