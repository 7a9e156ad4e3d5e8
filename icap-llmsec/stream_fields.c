/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "icap-llmsec/stream_fields.h"
#include "lib/json.h"

#define INDEX_MAX	64

enum rule_what {
	DELTA, DELTA_JSON,	/* text, or a piece of JSON, that later events go on with */
	STOP_A,			/* not null/false: this <a> ends */
	STOP_ALL,		/* true: everything ends */
	INDEX_A, INDEX_B,	/* the number that names <a> / <b> */
	KIND_UP,		/* true: this part is of another kind than its text says */
	TYPE			/* the event's type: a name that says what else it is */
};

struct rule {
	const char	*path;
	enum rule_what	 what;
	uint32_t	 kind;
};

static const struct rule openai_rules[] = {
	{ "choices.[].delta.content", DELTA, 1 },
	{ "choices.[].delta.refusal", DELTA, 2 },
	{ "choices.[].delta.reasoning_content", DELTA, 3 },
	{ "choices.[].delta.reasoning", DELTA, 4 },
	{ "choices.[].delta.audio.transcript", DELTA, 5 },
	{ "choices.[].delta.content.[].text", DELTA, 11 },	/* servers whose contents are lists of parts */
	{ "choices.[].delta.content.[].thinking.[].text", DELTA, 12 },
	{ "choices.[].delta.reasoning_details.[].text", DELTA, 13 },
	{ "choices.[].delta.reasoning_details.[].summary", DELTA, 14 },
	{ "choices.[].text", DELTA, 6 },
	{ "choices.[].delta.function_call.arguments", DELTA_JSON, 7 },
	{ "choices.[].delta.tool_calls.[].function.arguments", DELTA_JSON, 8 },
	{ "choices.[].delta.tool_calls.[].custom.input", DELTA, 9 },
	{ "choices.[].index", INDEX_A, 0 },
	{ "choices.[].delta.tool_calls.[].index", INDEX_B, 0 },
	{ "choices.[].finish_reason", STOP_A, 0 },
	/* responses: flat events, told apart by their type */
	{ "type", TYPE, 0 },
	{ "delta", DELTA, 10 },
	{ "output_index", INDEX_A, 0 },
	{ "content_index", INDEX_B, 0 },
	{ "summary_index", INDEX_B, 0 },
	{ NULL, DELTA, 0 }
};

static const struct rule anthropic_rules[] = {
	{ "type", TYPE, 0 },
	{ "index", INDEX_A, 0 },
	{ "delta.text", DELTA, 1 },
	{ "content_block.text", DELTA, 1 },
	{ "delta.thinking", DELTA, 2 },
	{ "content_block.thinking", DELTA, 2 },
	{ "delta.partial_json", DELTA_JSON, 3 },
	{ NULL, DELTA, 0 }
};

static const struct rule gemini_rules[] = {
	{ "candidates.[].content.parts.[].text", DELTA, 1 },
	{ "candidates.[].content.parts.[].thought", KIND_UP, 1 },
	{ "candidates.[].content.parts.[].functionCall", STOP_A, 0 },
	{ "candidates.[].content.parts.[].executableCode", STOP_A, 0 },
	{ "candidates.[].index", INDEX_A, 0 },
	{ "candidates.[].finishReason", STOP_A, 0 },
	{ NULL, DELTA, 0 }
};

static const struct rule ollama_rules[] = {
	{ "message.content", DELTA, 1 },
	{ "message.thinking", DELTA, 2 },
	{ "response", DELTA, 3 },
	{ "thinking", DELTA, 4 },
	{ "done", STOP_ALL, 0 },
	{ NULL, DELTA, 0 }
};

struct index {
	int	 pa, pb;
	int64_t	 value;
};

struct scan {
	struct fields	  *fs;
	const struct rule *rules;	/* NULL: a whole body */
	enum dialect	   dialect;
	bool		   all;
	struct index	   a[INDEX_MAX], b[INDEX_MAX];
	size_t		   n_a, n_b;
	struct index	   stop[INDEX_MAX], up[INDEX_MAX];
	size_t		   n_stop, n_up;
	char		   type[64];
};

/* Array positions of the path: the first is <pa>, the second <pb>. */
static struct index
scan_pos(const struct json_value *v)
{
	struct index x = { -1, -1, 0 };

	for (size_t i = 0; i < v->depth; i++) {
		if (v->path[i].key != NULL)
			continue;
		if (x.pa < 0)
			x.pa = (int)(v->path[i].index & 0xffff);
		else if (x.pb < 0)
			x.pb = (int)(v->path[i].index & 0xffff);
	}
	return x;
}

static int
scan_note(struct index *v, size_t *n, const struct json_value *jv)
{
	struct index x = scan_pos(jv);

	if (*n == INDEX_MAX)
		return EMSGSIZE;
	for (size_t i = 0; jv->type == JSON_NUMBER && i < jv->raw_len && i < 9; i++) {
		if (jv->raw[i] < '0' || jv->raw[i] > '9')
			break;
		x.value = x.value * 10 + (jv->raw[i] - '0');
	}
	v[(*n)++] = x;
	return 0;
}

/* Keys under which providers put what the model wrote. */
static bool
scan_is_text(const struct json_value *v)
{
	static const char *const keys[] = {
		"text", "content", "refusal", "arguments", "input", "thinking", "reasoning",
		"reasoning_content", "response", "delta", "partial_json", "transcript", "output",
		"parts", "summary", "code", "args",
	};
	const char *k;

	for (size_t d = v->depth; d > 0; d--) {
		k = v->path[d - 1].key;
		if (k == NULL)
			continue;
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (strcmp(k, keys[i]) == 0)
				return true;
		/* arguments of a function call are objects of any keys */
		if (d == v->depth && v->depth < 3)
			return false;
	}
	return false;
}

/* The innermost key, for whole texts that hold JSON. */
static bool
scan_is_json_text(const struct json_value *v)
{
	return v->depth > 0 && v->path[v->depth - 1].key != NULL &&
	    strcmp(v->path[v->depth - 1].key, "arguments") == 0;
}

static int
scan_add(struct scan *s, const struct json_value *v, const struct rule *r)
{
	struct fields *fs = s->fs;
	struct field *f, *nv;
	struct index x = scan_pos(v);

	if (r == NULL && !s->all && memchr(v->text, '[', v->text_len) == NULL)
		return 0;
	if (fs->n == fs->cap) {
		nv = arena_alloc(fs->arena, (fs->cap * 2 + 16) * sizeof(*nv));
		if (nv == NULL)
			return ENOMEM;
		if (fs->n > 0)
			memcpy(nv, fs->v, fs->n * sizeof(*nv));
		fs->v = nv;
		fs->cap = fs->cap * 2 + 16;
	}
	f = &fs->v[fs->n];
	memset(f, 0, sizeof(*f));
	f->whole = r == NULL;
	f->key.kind = r != NULL ? r->kind : 0;
	f->judge = r != NULL || scan_is_text(v);
	f->text_kind = r != NULL ? (r->what == DELTA_JSON ? TEXT_JSON : TEXT_PLAIN) :
	    (scan_is_json_text(v) ? TEXT_JSON : TEXT_PLAIN);
	f->start = v->start;
	f->end = v->end;
	f->text = arena_strndup(fs->arena, v->text, v->text_len);
	f->len = v->text_len;
	f->pa = x.pa;
	f->pb = x.pb;
	if (f->text == NULL)
		return ENOMEM;
	fs->n++;
	return 0;
}

static int
scan_rule(struct scan *s, const struct rule *r, const struct json_value *v)
{
	bool set = v->type != JSON_NULL && v->type != JSON_FALSE && v->type != JSON_OBJECT_END &&
	    v->type != JSON_ARRAY_END;

	switch (r->what) {
	case DELTA:
	case DELTA_JSON:
		return v->type == JSON_STRING ? scan_add(s, v, r) : 0;
	case STOP_A:
		return set && s->n_stop < INDEX_MAX ? scan_note(s->stop, &s->n_stop, v) : 0;
	case STOP_ALL:
		s->fs->stop_all |= v->type == JSON_TRUE;
		return 0;
	case INDEX_A:
		return v->type == JSON_NUMBER ? scan_note(s->a, &s->n_a, v) : 0;
	case INDEX_B:
		return v->type == JSON_NUMBER ? scan_note(s->b, &s->n_b, v) : 0;
	case KIND_UP:
		return v->type == JSON_TRUE ? scan_note(s->up, &s->n_up, v) : 0;
	case TYPE:
		if (v->type == JSON_STRING && v->text_len < sizeof(s->type)) {
			memcpy(s->type, v->text, v->text_len);
			s->type[v->text_len] = '\0';
		}
		return 0;
	}
	return 0;
}

/* A model names the members of a tool's input as it read them: its keys may be placeholders. */
static int
scan_key(struct scan *s, const struct json_value *v)
{
	const struct json_step *step;
	struct json_value key = *v;

	if (v->key_end == 0 || v->type == JSON_OBJECT_END || v->type == JSON_ARRAY_END)
		return 0;
	step = &v->path[v->depth - 1];
	if (memchr(step->key, '[', step->key_len) == NULL)
		return 0;
	key.text = step->key;
	key.text_len = step->key_len;
	key.start = v->key_start;
	key.end = v->key_end;
	return scan_add(s, &key, NULL);
}

static int
scan_value(void *arg, const struct json_value *v)
{
	struct scan *s = arg;
	int e = scan_key(s, v);

	if (e != 0)
		return e;
	for (const struct rule *r = s->rules; r != NULL && r->path != NULL; r++)
		if (json_path_is(v, r->path))
			return scan_rule(s, r, v);
	return v->type == JSON_STRING ? scan_add(s, v, NULL) : 0;
}

static int64_t
scan_lookup(const struct index *v, size_t n, int pa, int pb, int64_t other)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].pa == pa && v[i].pb == pb)
			return v[i].value;
	return other;
}

static int
fields_add_stop(struct fields *fs, int64_t a)
{
	int64_t *nv;

	if (fs->n_stops == fs->cap_stops) {
		nv = arena_alloc(fs->arena, (fs->cap_stops * 2 + 8) * sizeof(*nv));
		if (nv == NULL)
			return -ENOMEM;
		if (fs->n_stops > 0)
			memcpy(nv, fs->stops, fs->n_stops * sizeof(*nv));
		fs->stops = nv;
		fs->cap_stops = fs->cap_stops * 2 + 8;
	}
	fs->stops[fs->n_stops++] = a;
	return 0;
}

bool
fields_stop(const struct fields *fs, int64_t a)
{
	if (fs->stop_all)
		return true;
	for (size_t i = 0; i < fs->n_stops; i++)
		if (fs->stops[i] == a)
			return true;
	return false;
}

static bool
ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && strcmp(s + n - t, tail) == 0;
}

/* FNV-1a: response events of different types are different texts. */
static uint32_t
type_kind(const char *type)
{
	uint32_t h = 2166136261u;

	for (; *type != '\0'; type++)
		h = (h ^ (uint8_t)*type) * 16777619u;
	return h | 0x80000000u;
}

/* OpenAI responses: the type says what a flat event's "delta" is. */
static int
scan_openai_type(struct scan *s)
{
	int64_t a = scan_lookup(s->a, s->n_a, -1, -1, 0);

	for (size_t i = 0; i < s->fs->n; i++) {
		struct field *f = &s->fs->v[i];

		if (f->whole || f->key.kind != 10)
			continue;
		f->key.kind = type_kind(s->type);
		if (strstr(s->type, "arguments") != NULL)
			f->text_kind = TEXT_JSON;
		/* base64 is no text; it must not be joined, cut or judged */
		if (strstr(s->type, "audio.delta") != NULL) {
			f->whole = true;
			f->judge = false;
		}
	}
	if (strcmp(s->type, "response.completed") == 0 || strcmp(s->type, "response.failed") == 0 ||
	    strcmp(s->type, "response.incomplete") == 0 || strcmp(s->type, "error") == 0)
		s->fs->stop_all = true;
	else if (ends_with(s->type, ".done"))
		return fields_add_stop(s->fs, a);
	return 0;
}

static int
scan_anthropic_type(struct scan *s)
{
	if (strcmp(s->type, "content_block_stop") == 0)
		return fields_add_stop(s->fs, scan_lookup(s->a, s->n_a, -1, -1, 0));
	if (strcmp(s->type, "message_delta") == 0 || strcmp(s->type, "message_stop") == 0 ||
	    strcmp(s->type, "error") == 0)
		s->fs->stop_all = true;
	return 0;
}

/* Members of an object come in any order, so names are looked up when all are known. */
static int
scan_resolve(struct scan *s)
{
	int e = 0;

	for (size_t i = 0; i < s->fs->n; i++) {
		struct field *f = &s->fs->v[i];

		if (f->whole)
			continue;
		f->key.a = scan_lookup(s->a, s->n_a, f->pa, -1, f->pa < 0 ? 0 : f->pa);
		/* parts of a Gemini candidate are no names: text goes on in any part */
		if (s->dialect != DIALECT_GEMINI)
			f->key.b = scan_lookup(s->b, s->n_b, f->pa, f->pb, f->pb < 0 ? 0 : f->pb);
		if (scan_lookup(s->up, s->n_up, f->pa, f->pb, -1) >= 0)
			f->key.kind++;
	}
	for (size_t i = 0; e == 0 && i < s->n_stop; i++)
		e = fields_add_stop(s->fs, scan_lookup(s->a, s->n_a, s->stop[i].pa, -1,
		    s->stop[i].pa));
	if (e == 0 && s->dialect == DIALECT_OPENAI && s->type[0] != '\0')
		e = scan_openai_type(s);
	if (e == 0 && s->dialect == DIALECT_ANTHROPIC)
		e = scan_anthropic_type(s);
	return e;
}

static int
scan_run(struct json_scan *js, struct scan *s, const char *json, size_t len)
{
	int e;

	json_scan_reset(js, scan_value, s);
	e = json_scan_feed(js, json, len);
	if (e == 0)
		e = json_scan_finish(js);
	if (e > 0)
		e = -e;
	return e != 0 ? e : scan_resolve(s);
}

int
fields_of_event(struct json_scan *js, enum dialect dialect, const char *json, size_t len, bool all,
    struct arena *arena, struct fields *fs)
{
	static const struct rule *const rules[] = {
		[DIALECT_OPENAI] = openai_rules, [DIALECT_ANTHROPIC] = anthropic_rules,
		[DIALECT_GEMINI] = gemini_rules, [DIALECT_OLLAMA] = ollama_rules,
	};
	struct scan s = { .fs = fs, .dialect = dialect, .all = all };

	memset(fs, 0, sizeof(*fs));
	fs->arena = arena;
	fs->order = dialect == DIALECT_GEMINI;
	s.rules = rules[dialect];
	return scan_run(js, &s, json, len);
}

int
fields_of_body(struct json_scan *js, const char *json, size_t len, bool all, struct arena *arena,
    struct fields *fs)
{
	struct scan s = { .fs = fs, .all = all };

	memset(fs, 0, sizeof(*fs));
	fs->arena = arena;
	return scan_run(js, &s, json, len);
}
