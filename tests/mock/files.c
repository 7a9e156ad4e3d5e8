/* SPDX-License-Identifier: MIT */
/* OpenAI files: the last FILES_MAX uploads stay in memory and can be fetched again. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mock.h"
#include "record.h"

enum { FILES_MAX = 16 };

struct file {
	char	 id[32];
	char	 name[256], purpose[64], sha256[65];
	char	*data;
	size_t	 len;
	time_t	 when;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES_MAX];
static unsigned next_file;

struct part {
	const char *name;	/* value of Content-Disposition's parameters; not terminated */
	int name_len;
	const char *filename;
	int filename_len;
	const char *data;
	size_t len;
};

/* The quoted value of <key>= in a part's header block. */
static const char *
parameter(const char *head, size_t n, const char *key, int *len)
{
	const char *p = memmem(head, n, key, strlen(key)), *end;

	*len = 0;
	if (p == NULL)
		return NULL;
	p += strlen(key);
	end = memchr(p, '"', n - (size_t)(p - head));
	if (end == NULL)
		return NULL;
	*len = (int)(end - p);
	return p;
}

/* The next part at or after *at; moves *at behind it.  False at the end or when it is malformed. */
static bool
next_part(const char **at, const char *end, const char *mark, struct part *part)
{
	const char *p = memmem(*at, (size_t)(end - *at), mark, strlen(mark)), *body, *stop;

	if (p == NULL)
		return false;
	p += strlen(mark);
	body = memmem(p, (size_t)(end - p), "\r\n\r\n", 4);
	if (body == NULL)
		return false;
	stop = memmem(body + 4, (size_t)(end - body - 4), mark, strlen(mark));
	if (stop == NULL || stop - 2 < body + 4)
		return false;
	part->name = parameter(p, (size_t)(body - p), " name=\"", &part->name_len);
	part->filename = parameter(p, (size_t)(body - p), "filename=\"", &part->filename_len);
	part->data = body + 4;
	part->len = (size_t)(stop - 2 - part->data);
	*at = stop;
	return true;
}

static bool
boundary(const struct call *c, char *mark, size_t size)
{
	const char *type = call_header(c, "Content-Type"), *b = type ? strstr(type, "boundary=") : NULL;
	size_t n;

	if (b == NULL)
		return false;
	b += strlen("boundary=");
	b += *b == '"';
	n = strcspn(b, "\"; ");
	return n > 0 && (size_t)snprintf(mark, size, "--%.*s", (int)n, b) < size;
}

static json_t *
describe(const struct file *f)
{
	return json_pack("{ss,ss,sI,sI,ss,ss,ss,ss}", "id", f->id, "object", "file", "bytes", (json_int_t)f->len,
	    "created_at", (json_int_t)f->when, "filename", f->name, "purpose", f->purpose, "status", "processed",
	    "x_sha256", f->sha256);
}

static json_t *
keep(const struct part *part, const char *purpose)
{
	char *copy = malloc(part->len + 1);
	struct file *f;
	json_t *o;

	if (copy == NULL)
		return NULL;
	memcpy(copy, part->data, part->len);
	pthread_mutex_lock(&lock);
	f = &files[next_file++ % FILES_MAX];
	free(f->data);
	snprintf(f->id, sizeof(f->id), "file-mock%06u", next_file);
	snprintf(f->name, sizeof(f->name), "%.*s", part->filename_len, part->filename ? part->filename : "");
	snprintf(f->purpose, sizeof(f->purpose), "%s", purpose);
	record_sha256(copy, part->len, f->sha256);
	f->data = copy;
	f->len = part->len;
	f->when = time(NULL);
	o = describe(f);
	pthread_mutex_unlock(&lock);
	return o;
}

int
files_create(struct call *c, struct reply *r)
{
	const char *at = buf_ptr(&c->body), *end = at + buf_len(&c->body);
	struct part part, file = { 0 };
	char mark[128], purpose[64] = "";

	if (!boundary(c, mark, sizeof(mark)))
		return reply_error(c, r, 400, "mock: not multipart/form-data");
	while (next_part(&at, end, mark, &part)) {
		if (part.name_len == 4 && memcmp(part.name, "file", 4) == 0)
			file = part;
		else if (part.name_len == 7 && memcmp(part.name, "purpose", 7) == 0)
			snprintf(purpose, sizeof(purpose), "%.*s", (int)part.len, part.data);
	}
	if (file.data == NULL)
		return reply_error(c, r, 400, "mock: no part named file");
	return reply_json(c, r, 200, keep(&file, purpose));
}

int
files_list(struct call *c, struct reply *r)
{
	json_t *data = json_array();

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (files[i].data)
			json_array_append_new(data, describe(&files[i]));
	pthread_mutex_unlock(&lock);
	return reply_json(c, r, 200, json_pack("{ss,so,sb}", "object", "list", "data", data, "has_more", 0));
}

/* With the lock held. */
static struct file *
find(const char *path)
{
	const char *id = strstr(path, "/files/") + strlen("/files/");
	size_t n = strcspn(id, "/");

	for (unsigned i = 0; i < FILES_MAX; i++)
		if (files[i].data && strlen(files[i].id) == n && memcmp(files[i].id, id, n) == 0)
			return &files[i];
	return NULL;
}

int
files_get(struct call *c, struct reply *r)
{
	const char *tail = strrchr(c->path, '/');
	struct file *f;
	json_t *o = NULL;

	pthread_mutex_lock(&lock);
	f = find(c->path);
	if (f && strcmp(tail, "/content") == 0) {
		r->status = 200;
		r->type = "application/octet-stream";
		script_init(&r->script, SCRIPT_BODY, &c->plan);
		script_body(&r->script, f->data, f->len);
	} else if (f)
		o = describe(f);
	pthread_mutex_unlock(&lock);
	if (f == NULL)
		return reply_error(c, r, 404, "mock: no such file");
	return o ? reply_json(c, r, 200, o) : r->script.bytes.err;
}

int
files_delete(struct call *c, struct reply *r)
{
	struct file *f;
	json_t *o = NULL;

	pthread_mutex_lock(&lock);
	f = find(c->path);
	if (f) {
		o = json_pack("{ss,ss,sb}", "id", f->id, "object", "file", "deleted", 1);
		free(f->data);
		memset(f, 0, sizeof(*f));
	}
	pthread_mutex_unlock(&lock);
	return o ? reply_json(c, r, 200, o) : reply_error(c, r, 404, "mock: no such file");
}
