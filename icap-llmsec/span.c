/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/span.h"
#include "icap-llmsec/span_rules.h"

#define SPAN_MSGS_MAX	20000
#define SPAN_MAX	200000
#define KEY_NAME_MAX	24	/* bytes; a longer key is read as text */
#define TOOL_NAME_MAX	64	/* as the APIs have it */
#define NUMBER_MIN	8	/* digits of a number that is read as text, and the most of an account's (IBAN's 30 and some) */
#define NUMBER_MAX	34

struct msg {
	int8_t	role;		/* enum span_role, -1 unknown */
	bool	role_seen;
};

/* What stands beside a part in its object: type, name, form. */
struct fact {
	uint64_t	 start;
	enum span_kind	 kind;
	const char	*text;
	size_t		 len;
};

struct walk {
	const char	*body;
	size_t		 body_len;
	struct fact	*facts;		/* of objects that are still open */
	size_t		 n_facts, facts_cap;
	const struct span_shape *shape;
	struct arena	*arena;
	struct spans	*out;
	struct span	*v;
	uint8_t		*kind;	/* enum span_kind per span */
	size_t		 cap;
	struct msg	*msgs;
	size_t		 n_msgs, msgs_cap;
	bool		 list_seen;
	int		 rc;
};

const char *
span_role_name(enum span_role r)
{
	static const char *const n[] = {"system", "developer", "user", "assistant", "tool"};

	return (size_t)r < 5 ? n[r] : "?";
}

const char *
span_prov_name(enum span_prov p)
{
	static const char *const n[] = {"message", "history", "tool-result", "tool-definition", "file", "label"};

	return (size_t)p < sizeof(n) / sizeof(*n) ? n[p] : "?";
}

static int
walk_fail(struct walk *w, const struct json_value *v, const char *why)
{
	char path[256];
	size_t n = json_path_names(path, sizeof(path), v);

	w->out->error = why;
	w->out->error_path = arena_strndup(w->arena, path, n < sizeof(path) ? n : sizeof(path) - 1);
	w->out->error_offset = v->start;
	w->rc = -EINVAL;
	return 1;
}

static int
grow(struct arena *a, void **v, size_t *cap, size_t n, size_t size)
{
	size_t c = *cap ? *cap * 2 : 16;
	void *p;

	if (n < *cap)
		return 0;
	p = arena_alloc(a, c * size);
	if (p == NULL)
		return -ENOMEM;
	if (*cap > 0)
		memcpy(p, *v, *cap * size);
	*v = p;
	*cap = c;
	return 0;
}

static bool
step_key(const struct json_value *v, size_t i, const char *key)
{
	return span_step_is(&v->path[i], key, strlen(key));
}

static bool
in_list(const struct walk *w, const struct json_value *v)
{
	return v->depth >= 1 && (step_key(v, 0, w->shape->list) ||
	    (w->shape->list2 != NULL && step_key(v, 0, w->shape->list2)));
}

/* Number of the message <v> stands in, -1 if in none. */
static int
walk_msg(struct walk *w, const struct json_value *v)
{
	size_t i;

	if (v->depth < 2 || !in_list(w, v) || v->path[1].key != NULL)
		return -1;
	i = v->path[1].index;
	if (i >= SPAN_MSGS_MAX) {
		w->rc = -EMSGSIZE;
		return -1;
	}
	while (w->n_msgs <= i) {
		if (grow(w->arena, (void **)&w->msgs, &w->msgs_cap, w->n_msgs, sizeof(*w->msgs)) < 0) {
			w->rc = -ENOMEM;
			return -1;
		}
		w->msgs[w->n_msgs++] = (struct msg){-1, false};
	}
	return (int)i;
}

static bool
text_is(const struct json_value *v, const char *s)
{
	return v->text_len == strlen(s) && memcmp(v->text, s, v->text_len) == 0;
}

static int
walk_role(struct walk *w, const struct json_value *v, int msg)
{
	static const struct { const char *name; int8_t role; } roles[] = {
		{"user", ROLE_USER}, {"assistant", ROLE_ASSISTANT}, {"model", ROLE_ASSISTANT},
		{"system", ROLE_SYSTEM}, {"developer", ROLE_DEVELOPER}, {"tool", ROLE_TOOL},
		{"function", ROLE_TOOL}
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (text_is(v, roles[i].name)) {
			if (msg < 0)
				return 0;
			if (w->msgs[msg].role_seen)	/* "role" and "Role" */
				return walk_fail(w, v, "is there twice");
			w->msgs[msg].role_seen = true;
			w->msgs[msg].role = roles[i].role;
			return 0;
		}
	return walk_fail(w, v, "unknown role");
}

/* Items of the Responses API carry a type instead of a role. */
static void
walk_type(struct walk *w, const struct json_value *v, int msg)
{
	size_t n = v->text_len;

	if (msg < 0 || text_is(v, "message"))
		return;
	if (n > 7 && memcmp(v->text + n - 7, "_output", 7) == 0)
		w->msgs[msg].role = ROLE_TOOL;
	else if (w->msgs[msg].role < 0)
		w->msgs[msg].role = ROLE_ASSISTANT;
}

static int
walk_text(struct walk *w, const struct json_value *v, enum span_kind kind, int msg)
{
	char path[512];
	struct span *s;
	size_t cap = w->cap, n;

	if (w->out->n >= SPAN_MAX) {
		w->rc = -EMSGSIZE;
		return 1;
	}
	if (grow(w->arena, (void **)&w->v, &cap, w->out->n, sizeof(*w->v)) < 0 ||
	    grow(w->arena, (void **)&w->kind, &w->cap, w->out->n, 1) < 0) {
		w->rc = -ENOMEM;
		return 1;
	}
	n = json_path_names(path, sizeof(path), v);
	s = &w->v[w->out->n];
	memset(s, 0, sizeof(*s));
	s->path = arena_strndup(w->arena, path, n < sizeof(path) ? n : sizeof(path) - 1);
	s->text = arena_strndup(w->arena, v->text, v->text_len);
	s->len = v->text_len;
	s->start = v->start;
	s->end = v->end;
	s->msg = msg;
	w->kind[w->out->n++] = (uint8_t)kind;
	if (arena_failed(w->arena)) {
		w->rc = -ENOMEM;
		return 1;
	}
	return 0;
}

/* <v>'s text where it stays: in the body, else (it had escapes) in the arena. */
static const char *
keep_text(struct walk *w, const struct json_value *v)
{
	uintptr_t at = (uintptr_t)v->text, body = (uintptr_t)w->body;

	return at >= body && at + v->text_len <= body + w->body_len ? v->text : arena_strndup(w->arena, v->text, v->text_len);
}

/* A part that is no text.  Base64 of megabytes isn't copied. */
static int
walk_media(struct walk *w, const struct json_value *v, enum span_kind kind, int msg)
{
	struct json_value none = *v;
	struct span_media *m = arena_calloc(w->arena, 1, sizeof(*m));
	int rc;

	if (m == NULL) {
		w->rc = -ENOMEM;
		return 1;
	}
	none.text = "";
	none.text_len = 0;
	rc = walk_text(w, &none, kind, msg);
	if (rc != 0)
		return rc;
	m->value = keep_text(w, v);
	m->len = v->text_len;
	w->v[w->out->n - 1].media = m;
	w->v[w->out->n - 1].fixed = true;
	w->rc = m->value == NULL ? -ENOMEM : 0;
	return w->rc < 0;
}

static int
walk_fact(struct walk *w, const struct json_value *v, enum span_kind kind)
{
	struct fact *f;

	if (grow(w->arena, (void **)&w->facts, &w->facts_cap, w->n_facts, sizeof(*f)) < 0) {
		w->rc = -ENOMEM;
		return 1;
	}
	f = &w->facts[w->n_facts++];
	*f = (struct fact){v->start, kind, keep_text(w, v), v->text_len};
	w->rc = f->text == NULL ? -ENOMEM : 0;
	return w->rc < 0;
}

/* Tell a part what stood beside it. */
static void
media_learn(struct span_media *m, const struct fact *f)
{
	switch (f->kind) {
	case KIND_MEDIA_TYPE:
		m->type = f->text;
		m->type_len = f->len;
		break;
	case KIND_MEDIA_NAME:
		m->name = f->text;
		m->name_len = f->len;
		break;
	default:
		m->base64 = f->len == 6 && memcmp(f->text, "base64", 6) == 0;
	}
}

/* An object ends: its facts are for the parts in it. */
static int
walk_facts(struct walk *w, const struct json_value *v)
{
	size_t first = w->n_facts, forms = 0;

	while (first > 0 && w->facts[first - 1].start >= v->start)
		forms += w->facts[--first].kind == KIND_MEDIA_FORM;
	if (first == w->n_facts)
		return 0;
	if (forms > 1)	/* "type" and "Type": which one does the server believe? */
		return walk_fail(w, v, "its type is there twice");
	for (size_t i = w->out->n; i > 0 && w->v[i - 1].start >= v->start; i--) {
		struct span_media *m = w->v[i - 1].media;

		for (size_t k = first; m != NULL && !m->settled && k < w->n_facts; k++)
			media_learn(m, &w->facts[k]);
		if (m != NULL)
			m->settled = true;
	}
	w->n_facts = first;
	return 0;
}

/* Bytes of the next character of a name, 0: no name has it.  U+017F and U+212A: see span_step_is(). */
static size_t
name_char(const char *p, size_t n)
{
	if ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || strchr("_-$.", *p) != NULL)
		return *p != '\0';
	if (n >= 2 && memcmp(p, "\xc5\xbf", 2) == 0)
		return 2;
	return n >= 3 && memcmp(p, "\xe2\x84\xaa", 3) == 0 ? 3 : 0;
}

/*
 * Is a key more than a name?  Tools answer with objects whose keys are people's addresses, numbers or sentences.  What
 * is short, of letters and underscores, is a name.
 */
static bool
more_than_name(const char *key, size_t n, size_t most)
{
	size_t digits = 0, k;

	if (n >= most)
		return true;
	for (size_t i = 0; i < n; i += k) {
		k = name_char(key + i, n - i);
		if (k == 0)
			return true;
		digits += key[i] >= '0' && key[i] <= '9';
	}
	return digits >= NUMBER_MIN && most == KEY_NAME_MAX;
}

static int
walk_string(struct walk *w, const struct json_value *v, int msg)
{
	enum span_kind kind = span_kind(w->shape, v);

	switch (kind) {
	case KIND_NONE:
		return more_than_name(v->text, v->text_len, KEY_NAME_MAX) ? walk_text(w, v, kind, msg) : 0;
	case KIND_NAME:
		return more_than_name(v->text, v->text_len, TOOL_NAME_MAX + 1) ? walk_text(w, v, KIND_OTHER, msg) : 0;
	case KIND_ID:
		return memchr(v->text, ' ', v->text_len) != NULL ? walk_text(w, v, KIND_OTHER, msg) : 0;
	case KIND_IGNORE:
	case KIND_STREAM:
	case KIND_MAX_TOKENS:
		return 0;
	case KIND_MEDIA:
	case KIND_MEDIA_OR_TEXT:
		return walk_media(w, v, kind, msg);
	case KIND_MEDIA_TYPE:
	case KIND_MEDIA_NAME:
	case KIND_MEDIA_FORM:
		return walk_fact(w, v, kind);
	case KIND_ROLE:
		return walk_role(w, v, msg);
	case KIND_TYPE:
		walk_type(w, v, msg);
		return 0;
	case KIND_MODEL:
		if (v->text_len < sizeof(w->out->model)) {
			memcpy(w->out->model, v->text, v->text_len);
			w->out->model[v->text_len] = '\0';
		}
		return 0;
	default:
		return walk_text(w, v, kind, msg);
	}
}

/* The shapes a provider would refuse anyway, or worse: read differently from us. */
static int
walk_shape(struct walk *w, const struct json_value *v)
{
	const struct span_shape *s = w->shape;
	bool str = v->type == JSON_STRING, arr = v->type == JSON_ARRAY_BEGIN,
	    obj = v->type == JSON_OBJECT_BEGIN;

	if (v->type == JSON_OBJECT_END || v->type == JSON_ARRAY_END)
		return 0;
	if (v->depth == 0)
		return obj ? 0 : walk_fail(w, v, "the request must be a JSON object");
	if (v->type == JSON_NUMBER && v->depth == 2 && s->tokens != NULL && step_key(v, 0, s->tokens))
		return walk_fail(w, v, "token ids can't be inspected: send text");
	if (!in_list(w, v))
		return 0;
	if (v->depth == 1) {
		if (w->list_seen && !s->strings)	/* "messages" and "Messages": whose roles are they? */
			return walk_fail(w, v, "is there twice");
		w->list_seen = true;
		if (arr || (str && s->may_be_string) || (obj && s->dialect == DIALECT_GEMINI && s->op != OP_CHAT))
			return 0;
		return walk_fail(w, v, s->may_be_string ? "must be a string or an array" : "must be an array");
	}
	if (v->depth == 2 && v->path[1].key == NULL && !(str && s->strings) && !(obj && s->objects))
		return walk_fail(w, v, s->strings ? "token ids can't be inspected: send text" : "must be an object");
	if (v->depth == 3 && v->path[1].key == NULL && v->path[2].key != NULL) {
		if (step_key(v, 2, "content") && s->dialect == DIALECT_GEMINI) {
			if (!obj)
				return walk_fail(w, v, "must be an object with parts");
		} else if (step_key(v, 2, "content") && !str && !arr && v->type != JSON_NULL)
			return walk_fail(w, v, "must be a string or an array of parts");
		if (step_key(v, 2, "role") && !str)
			return walk_fail(w, v, "must be a string");
		if (step_key(v, 2, "parts") && !arr)
			return walk_fail(w, v, "must be an array");
	}
	if (v->depth == 4 && v->path[2].key != NULL && v->path[3].key == NULL && !obj &&
	    (step_key(v, 2, "content") || step_key(v, 2, "parts")))
		return walk_fail(w, v, "must be an object");
	return 0;
}

/* Kinds whose places hold text, whoever named them. */
static bool
kind_is_text(enum span_kind k)
{
	return k >= KIND_MSG && k <= KIND_OTHER;
}

static int
walk_key(struct walk *w, const struct json_value *v, int msg)
{
	const struct json_step *step = &v->path[v->depth - 1];
	struct json_value key = *v;
	enum span_kind kind;

	if (!more_than_name(step->key, step->key_len, KEY_NAME_MAX))
		return 0;
	kind = span_kind(w->shape, v);
	if (!kind_is_text(kind))
		return 0;
	key.text = step->key;
	key.text_len = step->key_len;
	key.start = v->key_start;
	key.end = v->key_end;
	return walk_text(w, &key, kind, msg);
}

/* A number that could be a card's or an account's: whole, and of many digits. */
static int
walk_number(struct walk *w, const struct json_value *v, int msg)
{
	struct json_value number = *v;
	enum span_kind kind;

	if (v->raw_len < NUMBER_MIN || v->raw_len > NUMBER_MAX || strspn(v->raw, "0123456789") < v->raw_len)
		return 0;
	kind = span_kind(w->shape, v);
	if (!kind_is_text(kind))
		return 0;
	number.text = v->raw;
	number.text_len = v->raw_len;
	return walk_text(w, &number, kind, msg);
}

static int
walk_value(void *arg, const struct json_value *v)
{
	struct walk *w = arg;
	int msg, rc = walk_shape(w, v);

	if (rc != 0)
		return rc;
	msg = walk_msg(w, v);
	if (w->rc < 0)
		return 1;
	if (v->key_end > 0 && v->type != JSON_OBJECT_END && v->type != JSON_ARRAY_END) {
		rc = walk_key(w, v, msg);
		if (rc != 0)
			return rc;
	}
	if (v->type == JSON_STRING)
		return walk_string(w, v, msg);
	if (v->type == JSON_OBJECT_END)
		return walk_facts(w, v);
	if (v->depth == 1 && (v->type == JSON_TRUE || v->type == JSON_FALSE)) {
		if (span_kind(w->shape, v) == KIND_STREAM)
			w->out->stream = v->type == JSON_TRUE;
	} else if (v->type == JSON_NUMBER && v->depth <= 2) {
		if (span_kind(w->shape, v) == KIND_MAX_TOKENS && v->raw_len < 20)
			w->out->max_tokens = strtoll(v->raw, NULL, 10);
	} else if (v->type == JSON_NUMBER)
		return walk_number(w, v, msg);
	else if (v->type == JSON_OBJECT_BEGIN && v->depth == 2 &&
	    step_key(v, 0, "tools"))
		w->out->n_tools++;
	return 0;
}

/*
 * What is new: everything after the last assistant message that somebody answered.  An assistant message at
 * the very end is a prefill, not a turn; if it counted, it would make the user's new text history.
 */
static int
history_end(const struct walk *w)
{
	size_t i = w->n_msgs;

	while (i > 0 && w->msgs[i - 1].role == ROLE_ASSISTANT)
		i--;
	while (i > 0 && w->msgs[i - 1].role != ROLE_ASSISTANT)
		i--;
	return (int)i - 1;
}

static void
span_settle(struct walk *w, struct span *s, enum span_kind kind, int history)
{
	enum span_role role = s->msg >= 0 && w->msgs[s->msg].role >= 0 ?
	    (enum span_role)w->msgs[s->msg].role : ROLE_USER;

	s->prov = PROV_MESSAGE;
	switch (kind) {
	case KIND_SYSTEM:
		role = ROLE_SYSTEM;
		break;
	case KIND_ASSISTANT:
		role = ROLE_ASSISTANT;
		break;
	case KIND_TOOL_RESULT:
		role = ROLE_TOOL;
		break;
	case KIND_TOOL_DEF:
		role = ROLE_SYSTEM;
		s->prov = PROV_TOOL_DEFINITION;
		break;
	case KIND_MEDIA_OR_TEXT:
		if (!s->media->base64) {
			s->text = s->media->value;
			s->len = s->media->len;
			s->media = NULL;
			s->fixed = false;
		}
		s->prov = PROV_FILE;
		break;
	case KIND_MEDIA:
	case KIND_FILE:
		s->prov = PROV_FILE;
		break;
	case KIND_LABEL:
		s->prov = PROV_LABEL;
		break;
	case KIND_NONE:
	case KIND_OTHER:
		s->opaque = true;
		break;
	default:
		break;
	}
	s->role = role;
	if (s->msg >= 0 && s->msg <= history)
		s->prov = PROV_HISTORY;
	else if (role == ROLE_TOOL && s->prov == PROV_MESSAGE)
		s->prov = PROV_TOOL_RESULT;
}

static int
walk_settle(struct walk *w)
{
	struct spans *out = w->out;
	int history;

	if (!w->list_seen && !w->shape->list_optional) {
		out->error = "required field is missing";
		out->error_path = w->shape->list;
		return -EINVAL;
	}
	if (!w->shape->strings && !w->shape->role_optional)
		for (size_t i = 0; i < w->n_msgs; i++)
			if (w->msgs[i].role < 0) {
				out->error = "role is missing";
				out->error_path = arena_printf(w->arena, "%s[%zu].role", w->shape->list, i);
				return -EINVAL;
			}
	history = w->shape->strings ? -1 : history_end(w);
	for (size_t i = 0; i < out->n; i++)
		span_settle(w, &w->v[i], (enum span_kind)w->kind[i], history);
	out->v = w->v;
	out->n_messages = w->n_msgs;
	return 0;
}

int
span_extract(const struct llm_route *route, const void *body, size_t len, unsigned depth, struct arena *a,
    struct spans *out)
{
	const struct json_limits limits = {.depth = depth};
	struct walk w = {.shape = span_shape(route), .arena = a, .out = out, .body = body, .body_len = len};
	const char *why = NULL;
	uint64_t at = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	out->stream = -1;
	out->max_tokens = -1;
	if (w.shape == NULL)
		return -EINVAL;
	rc = json_scan_all(body, len, JSON_STRICT_DUP, &limits, walk_value, &w, &why, &at);
	if (w.rc == -EMSGSIZE)
		out->error = "too many messages or texts";
	if (w.rc < 0)
		return w.rc;
	if (rc < 0) {
		out->error = why;
		out->error_offset = at;
		return rc;
	}
	return walk_settle(&w);
}
