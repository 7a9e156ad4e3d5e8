/* SPDX-License-Identifier: MIT */
/* Uploads: what span.h finds in JSON, found in forms and bare files. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/multipart.h"
#include "icap-llmsec/span.h"

#define PARTS_MAX	1000
#define FIELD_MAX	65536	/* a field of a form that is longer than this is taken for a file */

struct upload {
	struct arena	*arena;
	struct spans	*out;
	const char	*body;
	size_t		 cap;
};

static struct span *
add(struct upload *u, const char *data, size_t len, const char *path)
{
	struct spans *o = u->out;
	struct span *v;

	if (o->n == u->cap) {
		u->cap = u->cap > 0 ? u->cap * 2 : 16;
		v = arena_alloc(u->arena, u->cap * sizeof(*v));
		if (v == NULL)
			return NULL;
		if (o->n > 0)
			memcpy(v, o->v, o->n * sizeof(*v));
		o->v = v;
	}
	v = &o->v[o->n++];
	memset(v, 0, sizeof(*v));
	v->role = ROLE_USER;
	v->prov = PROV_MESSAGE;
	v->path = path;
	v->start = (uint64_t)(data - u->body);
	v->end = v->start + len;
	v->text = "";
	v->msg = -1;
	v->fixed = true;
	return path != NULL ? v : NULL;
}

static int
add_file(struct upload *u, const struct multipart_part *p, const char *path)
{
	struct span_media *m = arena_calloc(u->arena, 1, sizeof(*m));
	struct span *s = m != NULL ? add(u, p->data, p->len, path) : NULL;

	if (s == NULL)
		return -ENOMEM;
	*m = (struct span_media){.value = p->data, .len = p->len, .bytes = true, .type = p->type, .type_len = p->type_len,
	    .name = p->filename, .name_len = p->filename_len};
	s->media = m;
	s->prov = PROV_FILE;
	return 0;
}

static bool
name_is(const struct multipart_part *p, const char *s)
{
	return p->name_len == strlen(s) && memcmp(p->name, s, p->name_len) == 0;
}

static int
add_field(struct upload *u, const struct multipart_part *p, const char *path)
{
	struct span *s = add(u, p->data, p->len, path);

	if (s == NULL)
		return -ENOMEM;
	s->text = p->data;
	s->len = p->len;
	if (name_is(p, "model") && p->len < sizeof(u->out->model)) {
		memcpy(u->out->model, p->data, p->len);
		u->out->model[p->len] = '\0';
	} else if (name_is(p, "stream"))
		u->out->stream = p->len == 4 && memcmp(p->data, "true", 4) == 0;
	return 0;
}

/* "prompt", "image[]"; what isn't a plain word is only counted. */
static const char *
part_path(struct upload *u, const struct multipart_part *p, unsigned n)
{
	for (size_t i = 0; i < p->name_len; i++)
		if (p->name[i] <= ' ' || p->name[i] > '~' || strchr("\"\\<>&", p->name[i]) != NULL)
			return arena_printf(u->arena, "part[%u]", n);
	if (p->name_len == 0 || p->name_len > 64)
		return arena_printf(u->arena, "part[%u]", n);
	return arena_strndup(u->arena, p->name, p->name_len);
}

static int
parts(struct upload *u, struct multipart *m)
{
	struct multipart_part p;
	unsigned n = 0;
	int rc;

	while ((rc = multipart_next(m, &p)) > 0) {
		const char *path = part_path(u, &p, n);

		if (++n > PARTS_MAX) {
			u->out->error = "too many parts";
			return -EMSGSIZE;
		}
		if (path == NULL)
			return -ENOMEM;
		/* A file is what has a name or a type, or is too long for a field. */
		rc = p.filename != NULL || p.len > FIELD_MAX || (p.type != NULL && !m->form) ? add_file(u, &p, path) : add_field(u, &p, path);
		if (rc < 0)
			return rc;
	}
	u->out->error = m->error;
	return rc < 0 ? -EILSEQ : 0;
}

int
span_extract_upload(const char *ct, const void *body, size_t len, struct arena *a, struct spans *out)
{
	struct upload u = {.arena = a, .out = out, .body = body};
	struct multipart_part whole = {.type = ct, .type_len = ct != NULL ? strlen(ct) : 0, .data = body, .len = len};
	struct multipart m;

	if (ct != NULL && strncasecmp(ct, "application/x-www-form-urlencoded", 33) == 0)
		whole.type_len = 0;	/* what curl says when it is told nothing; Gemini's own examples do that */
	memset(out, 0, sizeof(*out));
	out->stream = -1;
	out->max_tokens = -1;
	if (!multipart_is(ct))
		return len > 0 ? add_file(&u, &whole, "body") : 0;
	if (!multipart_begin(&m, ct, body, len)) {
		out->error = m.error;
		return -EILSEQ;
	}
	return parts(&u, &m);
}
