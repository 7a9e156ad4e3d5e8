/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yaml.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/conf_private.h"
#include "lib/diag.h"

#define CONF_FILE_MAX	((size_t)16 << 20)
#define CONF_STR_MAX	65536
#define CONF_DEPTH	64	/* of what we skip; the tables bound what we read */

struct conf_mem {
	struct arena	*arena;
};

/*
 * One pass over libyaml's events.  Every reading function starts with the first event of its node
 * in <ev> and ends with the node's last event there.  <broken> means no further event will come.
 */
struct conf_load {
	yaml_parser_t	 yp;
	yaml_event_t	 ev;
	struct arena	*arena;
	struct diag	*diag;
	const char	*name;
	bool		 broken;
};

static void	load_value(struct conf_load *, const struct conf_opt *, void *base);
static void	load_map(struct conf_load *, const struct conf_opt *, void *base, const char *in);
static void	load_default(struct conf_load *, const struct conf_opt *, void *base, struct conf_at,
		    const char *in);

/* --- events -------------------------------------------------------------------------------- */

static struct conf_at
mark_at(yaml_mark_t m)
{
	return (struct conf_at){ (int)m.line + 1, (int)m.column + 1 };
}

static struct conf_at
here(const struct conf_load *cl)
{
	return mark_at(cl->ev.start_mark);
}

#define FAULT(cl, at, ...) diag_error((cl)->diag, (cl)->name, (at).line, (at).col, __VA_ARGS__)

static void
load_syntax_error(struct conf_load *cl)
{
	struct conf_at at = mark_at(cl->yp.problem_mark);

	if (cl->yp.error == YAML_READER_ERROR)
		FAULT(cl, ((struct conf_at){0, 0}), "byte %zu: %s", cl->yp.problem_offset,
		    cl->yp.problem ? cl->yp.problem : "not UTF-8 text");
	else if (cl->yp.error == YAML_MEMORY_ERROR)
		arena_alloc(cl->arena, SIZE_MAX);	/* marks the arena: reported as -ENOMEM */
	else
		FAULT(cl, at, "%s%s%s", cl->yp.context ? cl->yp.context : "",
		    cl->yp.context ? ": " : "", cl->yp.problem ? cl->yp.problem : "not YAML");
}

/* Features that make a file mean something else than it shows. */
static void
load_refuse(struct conf_load *cl)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (cl->ev.type) {
	case YAML_ALIAS_EVENT:
		FAULT(cl, here(cl), "aliases (*name) are not supported");
		return;
	case YAML_SCALAR_EVENT:
		anchor = cl->ev.data.scalar.anchor;
		tag = cl->ev.data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = cl->ev.data.sequence_start.anchor;
		tag = cl->ev.data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = cl->ev.data.mapping_start.anchor;
		tag = cl->ev.data.mapping_start.tag;
		break;
	default:
		return;
	}
	if (anchor != NULL)
		FAULT(cl, here(cl), "anchors (&name) are not supported");
	if (tag != NULL)
		FAULT(cl, here(cl), "tags (!name) are not supported");
}

static bool
load_next(struct conf_load *cl)
{
	if (cl->broken)
		return false;
	yaml_event_delete(&cl->ev);
	if (!yaml_parser_parse(&cl->yp, &cl->ev)) {
		load_syntax_error(cl);
		memset(&cl->ev, 0, sizeof(cl->ev));
		cl->broken = true;
		return false;
	}
	load_refuse(cl);
	return true;
}

/* Leave the node that starts in <ev>, whatever it is. */
static void
load_skip(struct conf_load *cl)
{
	int depth = 0;

	do {
		switch (cl->ev.type) {
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT:
			if (++depth > CONF_DEPTH) {
				FAULT(cl, here(cl), "nested too deeply");
				cl->broken = true;
				return;
			}
			break;
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			depth--;
			break;
		default:
			break;
		}
	} while (depth > 0 && load_next(cl));
}

/* `key:` with nothing behind it, as it is left when all list items are commented out. */
static bool
ev_is_empty(const yaml_event_t *ev)
{
	return ev->type == YAML_SCALAR_EVENT && ev->data.scalar.length == 0 &&
	    ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* --- scalars ------------------------------------------------------------------------------- */

static void
store_number(const struct conf_opt *o, void *base, int64_t v)
{
	char *field = (char *)base + o->offset;

	if (o->type == CONF_T_BOOL)
		*(bool *)field = v != 0;
	else if (o->type == CONF_T_INT || o->type == CONF_T_ENUM)
		*(int *)field = (int)v;
	else
		*(int64_t *)field = v;
}

static char *
load_string(struct conf_load *cl, const struct conf_opt *o, const char *s, size_t n, struct conf_at at)
{
	int64_t max = o->max > 0 ? o->max : CONF_STR_MAX;

	if (memchr(s, '\0', n) != NULL)
		FAULT(cl, at, "\"%s\": NUL byte in a string", o->name);
	else if ((int64_t)n < o->min || (int64_t)n > max)
		FAULT(cl, at, "\"%s\" must be %lld to %lld bytes long", o->name, (long long)o->min,
		    (long long)max);
	else
		return arena_strndup(cl->arena, s, n);
	return NULL;
}

static bool
load_text(struct conf_load *cl, const struct conf_opt *o, void *base, const char *s, size_t n,
    struct conf_at at)
{
	char why[CONF_REASON];
	int64_t v;
	char *copy;

	if (o->type == CONF_T_STR) {
		copy = load_string(cl, o, s, n, at);
		*(char **)((char *)base + o->offset) = copy;
		return copy != NULL;
	}
	if (strlen(s) != n || conf_value_parse(o, s, &v, why) != 0) {
		FAULT(cl, at, "\"%s\" %s", o->name, strlen(s) != n ? "has a NUL byte" : why);
		return false;
	}
	store_number(o, base, v);
	return true;
}

static bool
load_scalar(struct conf_load *cl, const struct conf_opt *o, void *base)
{
	const char *s = (const char *)cl->ev.data.scalar.value;
	bool plain = cl->ev.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (ev_is_empty(&cl->ev)) {
		FAULT(cl, here(cl), "\"%s\" has no value%s", o->name,
		    o->type == CONF_T_STR ? " (write \"\" for the empty string)" : "");
		return false;
	}
	if (!plain && (o->type == CONF_T_INT || o->type == CONF_T_BOOL)) {
		FAULT(cl, here(cl), "\"%s\" must be a plain %s, not a quoted string", o->name,
		    conf_type_name(o->type));
		return false;
	}
	return load_text(cl, o, base, s, cl->ev.data.scalar.length, here(cl));
}

/* --- lists --------------------------------------------------------------------------------- */

/* Room for one more element of <size>, in an array that doubles at powers of two. */
static void *
list_grow(struct conf_load *cl, void *v, size_t n, size_t size)
{
	void *p;

	if (n != 0 && (n & (n - 1)) != 0)
		return v;
	p = arena_calloc(cl->arena, n ? 2 * n : 1, size);
	if (p != NULL && n != 0)
		memcpy(p, v, n * size);
	return p;
}

static void
load_strs(struct conf_load *cl, const struct conf_opt *o, struct conf_strs *out)
{
	char **v, *s;

	while (load_next(cl) && cl->ev.type != YAML_SEQUENCE_END_EVENT) {
		if (cl->ev.type != YAML_SCALAR_EVENT || ev_is_empty(&cl->ev)) {
			FAULT(cl, here(cl), "\"%s\": every element must be a string", o->name);
			load_skip(cl);
			continue;
		}
		s = load_string(cl, o, (const char *)cl->ev.data.scalar.value,
		    cl->ev.data.scalar.length, here(cl));
		v = s ? list_grow(cl, out->v, out->n, sizeof(*v)) : NULL;
		if (v != NULL) {
			out->v = v;
			out->v[out->n++] = s;
		}
	}
}

static void
load_check(struct conf_load *cl, const struct conf_opt *o, const void *field, struct conf_at at)
{
	const char *why = o->check ? o->check(field) : NULL;

	if (why != NULL)
		FAULT(cl, at, "\"%s\": %s", o->name, why);
}

static void
load_seq(struct conf_load *cl, const struct conf_opt *o, void *base)
{
	void **vp = (void **)((char *)base + o->offset);
	size_t *np = (size_t *)((char *)base + o->offset2);
	struct conf_at at;
	int before;
	char *v;

	*vp = NULL;
	*np = 0;
	while (load_next(cl) && cl->ev.type != YAML_SEQUENCE_END_EVENT) {
		at = here(cl);
		if (cl->ev.type != YAML_MAPPING_START_EVENT) {
			FAULT(cl, at, "\"%s\": every element must be a map", o->name);
			load_skip(cl);
			continue;
		}
		v = list_grow(cl, *vp, *np, o->sub_size);
		if (v == NULL) {
			cl->broken = true;
			return;
		}
		*vp = v;
		v += *np * o->sub_size;
		++*np;
		before = diag_errors(cl->diag);
		load_map(cl, o->sub, v, o->name);
		if (diag_errors(cl->diag) == before && !arena_failed(cl->arena))
			load_check(cl, o, v, at);
	}
}

static void
load_list(struct conf_load *cl, const struct conf_opt *o, void *base, struct conf_at at)
{
	void *field = (char *)base + o->offset;
	int before = diag_errors(cl->diag);
	size_t n = 0;

	if (o->type == CONF_T_STRS)
		memset(field, 0, sizeof(struct conf_strs));
	if (o->type == CONF_T_STRS && cl->ev.type == YAML_SEQUENCE_START_EVENT)
		load_strs(cl, o, field);
	else if (cl->ev.type == YAML_SEQUENCE_START_EVENT)
		load_seq(cl, o, base);
	n = o->type == CONF_T_STRS ? ((struct conf_strs *)field)->n :
	    *(size_t *)((char *)base + o->offset2);
	if (diag_errors(cl->diag) != before || cl->broken)
		return;
	if (o->required && n == 0)
		FAULT(cl, at, "\"%s\" must have at least one element", o->name);
	else if (o->type == CONF_T_STRS && !arena_failed(cl->arena))
		load_check(cl, o, field, at);
}

/* --- nodes --------------------------------------------------------------------------------- */

static void
load_value(struct conf_load *cl, const struct conf_opt *o, void *base)
{
	yaml_event_type_t want = o->type == CONF_T_MAP ? YAML_MAPPING_START_EVENT :
	    o->type == CONF_T_STRS || o->type == CONF_T_SEQ ? YAML_SEQUENCE_START_EVENT :
	    YAML_SCALAR_EVENT;
	void *field = (char *)base + o->offset;
	struct conf_at at = here(cl);
	int before = diag_errors(cl->diag);

	if (cl->ev.type == YAML_ALIAS_EVENT)
		return;		/* told already */
	if (cl->ev.type != want && !ev_is_empty(&cl->ev)) {
		FAULT(cl, at, "\"%s\" must be %s %s", o->name, o->type == CONF_T_INT ? "an" : "a",
		    conf_type_name(o->type));
		load_skip(cl);
	} else if (want == YAML_SEQUENCE_START_EVENT) {
		load_list(cl, o, base, at);
	} else if (want == YAML_SCALAR_EVENT) {
		if (load_scalar(cl, o, base))
			load_check(cl, o, field, at);
	} else {
		if (ev_is_empty(&cl->ev)) {
			for (const struct conf_opt *s = o->sub; s->name != NULL; s++)
				load_default(cl, s, field, at, o->name);
		} else {
			load_map(cl, o->sub, field, o->name);
		}
		if (diag_errors(cl->diag) == before && !cl->broken && !arena_failed(cl->arena))
			load_check(cl, o, field, at);
	}
}

static void
load_unknown_key(struct conf_load *cl, const struct conf_opt *opts, const char *in)
{
	const char *key = (const char *)cl->ev.data.scalar.value, *near = NULL;
	unsigned best = 3, d;

	if (strcmp(key, "<<") == 0) {
		FAULT(cl, here(cl), "merge keys (<<) are not supported");
		return;
	}
	for (const struct conf_opt *o = opts; o->name != NULL; o++) {
		d = conf_edit_distance(key, o->name);
		if (d < best && d < strlen(o->name)) {
			best = d;
			near = o->name;
		}
	}
	FAULT(cl, here(cl), "unknown key \"%.100s\"%s%s%s%s%s%s", key, in ? " in \"" : "", in ? in : "",
	    in ? "\"" : "", near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
}

/* The row of the key in <ev>, or NULL with the complaint made.  <seen> has one flag a row. */
static const struct conf_opt *
load_key(struct conf_load *cl, const struct conf_opt *opts, bool *seen, const char *in)
{
	const char *key;
	size_t i = 0;

	if (cl->ev.type != YAML_SCALAR_EVENT) {
		if (cl->ev.type != YAML_ALIAS_EVENT)
			FAULT(cl, here(cl), "a key must be a word");
		load_skip(cl);
		return NULL;
	}
	key = (const char *)cl->ev.data.scalar.value;
	while (opts[i].name != NULL && (opts[i].type == CONF_T_AT ||
	    strlen(key) != cl->ev.data.scalar.length || strcmp(opts[i].name, key) != 0))
		i++;
	if (opts[i].name == NULL) {
		load_unknown_key(cl, opts, in);
		return NULL;
	}
	if (seen[i]) {
		FAULT(cl, here(cl), "duplicate key \"%s\"", key);
		return NULL;
	}
	seen[i] = true;
	return &opts[i];
}

static void
load_map(struct conf_load *cl, const struct conf_opt *opts, void *base, const char *in)
{
	const struct conf_opt *o;
	struct conf_at at = here(cl);	/* is CONF_T_AT's value */
	size_t n = 0;
	bool *seen;

	while (opts[n].name != NULL)
		n++;
	seen = arena_calloc(cl->arena, n + 1, sizeof(*seen));
	if (seen == NULL) {
		cl->broken = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (opts[i].type == CONF_T_AT) {
			*(struct conf_at *)((char *)base + opts[i].offset) = at;
			seen[i] = true;
		}
	}
	while (load_next(cl) && cl->ev.type != YAML_MAPPING_END_EVENT) {
		o = load_key(cl, opts, seen, in);
		if (!load_next(cl))
			return;
		if (o != NULL)
			load_value(cl, o, base);
		else
			load_skip(cl);
	}
	for (size_t i = 0; i < n && !cl->broken; i++) {
		if (!seen[i])
			load_default(cl, &opts[i], base, at, in);
	}
}

/* --- defaults ------------------------------------------------------------------------------ */

static int	load_doc(struct conf_load *, const char *text, size_t len, const struct conf_opt *,
		    const struct conf_opt *one, void *base);

/* A default written as YAML (a list, or a quoted string) goes through the same reader. */
static void
load_default_yaml(struct conf_load *cl, const struct conf_opt *o, void *base)
{
	struct conf_load sub = { .arena = cl->arena, .diag = cl->diag, .name = "built-in default" };

	load_doc(&sub, o->def, strlen(o->def), NULL, o, base);
}

static void
load_default(struct conf_load *cl, const struct conf_opt *o, void *base, struct conf_at at,
    const char *in)
{
	bool list = o->type == CONF_T_STRS || o->type == CONF_T_SEQ;

	if (o->type == CONF_T_AT) {
		*(struct conf_at *)((char *)base + o->offset) = at;
	} else if (o->type == CONF_T_MAP) {
		for (const struct conf_opt *s = o->sub; s->name != NULL; s++)
			load_default(cl, s, (char *)base + o->offset, at, o->name);
	} else if (o->def == NULL && (!list || o->required)) {
		FAULT(cl, at, "required key \"%s%s%s\" is missing", in ? in : "", in ? "." : "", o->name);
	} else if (o->def != NULL) {
		if (list || o->def[0] == '"' || o->def[0] == '\'')
			load_default_yaml(cl, o, base);
		else
			load_text(cl, o, base, o->def, strlen(o->def), at);
	}
}

/* --- documents ----------------------------------------------------------------------------- */

static void
load_root(struct conf_load *cl, const struct conf_opt *opts, void *out)
{
	struct conf_at top = { 1, 1 };

	if (cl->ev.type == YAML_MAPPING_START_EVENT) {
		load_map(cl, opts, out, NULL);
	} else if (cl->ev.type == YAML_STREAM_END_EVENT || ev_is_empty(&cl->ev)) {
		for (const struct conf_opt *o = opts; o->name != NULL; o++)
			load_default(cl, o, out, top, NULL);
	} else {
		if (cl->ev.type != YAML_ALIAS_EVENT)
			FAULT(cl, here(cl), "the file must be a map of keys and values");
		load_skip(cl);
	}
}

static void
load_stream(struct conf_load *cl, const struct conf_opt *opts, const struct conf_opt *one, void *out)
{
	if (!load_next(cl) || !load_next(cl))	/* stream start, then document start or end */
		return;
	if (cl->ev.type == YAML_DOCUMENT_START_EVENT) {
		if (cl->ev.data.document_start.tag_directives.start !=
		    cl->ev.data.document_start.tag_directives.end)
			FAULT(cl, here(cl), "%%TAG directives are not supported");
		if (!load_next(cl))
			return;
	}
	if (one != NULL)
		load_value(cl, one, out);
	else
		load_root(cl, opts, out);
	while (!cl->broken && cl->ev.type != YAML_STREAM_END_EVENT && load_next(cl)) {
		if (cl->ev.type == YAML_DOCUMENT_START_EVENT) {
			FAULT(cl, here(cl), "more than one document in the file");
			return;
		}
	}
}

/* Either the whole table <opts>, or the value of one row. */
static int
load_doc(struct conf_load *cl, const char *text, size_t len, const struct conf_opt *opts,
    const struct conf_opt *one, void *base)
{
	if (!yaml_parser_initialize(&cl->yp))
		return -ENOMEM;
	yaml_parser_set_encoding(&cl->yp, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&cl->yp, (const unsigned char *)text, len);
	load_stream(cl, opts, one, base);
	yaml_event_delete(&cl->ev);
	yaml_parser_delete(&cl->yp);
	return 0;
}

int
conf_load_mem(const char *name, const char *text, size_t len, const struct conf_opt *opts, void *out,
    struct conf_mem **memp, struct diag *diag)
{
	struct diag *own = diag ? NULL : diag_new();
	struct conf_load cl = { .name = name, .diag = diag ? diag : own };
	struct conf_mem *mem = calloc(1, sizeof(*mem));
	int before, err;

	*memp = NULL;
	if (mem == NULL || cl.diag == NULL || (mem->arena = arena_new(0)) == NULL) {
		err = -ENOMEM;
		goto out;
	}
	cl.arena = mem->arena;
	before = diag_errors(cl.diag);
	err = load_doc(&cl, text, len, opts, NULL, out);
	if (err == 0 && arena_failed(mem->arena))
		err = -ENOMEM;
	else if (err == 0 && diag_errors(cl.diag) != before)
		err = -EINVAL;
out:
	diag_free(&own);
	if (err)
		conf_mem_free(&mem);
	*memp = mem;
	return err;
}

static int
conf_read_file(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t n = 1;
	char *p;

	if (fd < 0)
		return -errno;
	b->max = CONF_FILE_MAX;
	while (n > 0 && (p = buf_room(b, 8192)) != NULL) {
		n = read(fd, p, 8192);
		if (n > 0)
			buf_wrote(b, (size_t)n);
		else if (n < 0)
			err = -errno;
	}
	close(fd);
	return err ? err : b->err;
}

int
conf_load(const char *path, const struct conf_opt *opts, void *out, struct conf_mem **mem,
    struct diag *diag)
{
	struct buf b = {0};
	int err = conf_read_file(path, &b);

	*mem = NULL;
	if (err)
		diag_error(diag, path, 0, 0, "cannot read: %s", strerror(-err));
	else
		err = conf_load_mem(path, buf_ptr(&b), buf_len(&b), opts, out, mem, diag);
	buf_free(&b);
	return err;
}

void
conf_mem_free(struct conf_mem **mp)
{
	struct conf_mem *m = *mp;

	*mp = NULL;
	if (m == NULL)
		return;
	arena_free(&m->arena);
	free(m);
}
