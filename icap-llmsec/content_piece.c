/* SPDX-License-Identifier: MIT */
/*
 * Uploads in pieces, by what the protocols say of a request.  Sources: RFC 9110 sections 14.4 and 14.5 (Content-Range in PUT), OCI
 * Distribution Spec 1.1 (PATCH, "0-1023"), Amazon S3 UploadPart, Azure Put Block, Append Block, Put Page, Data Lake Path Update, Google Cloud
 * Storage resumable uploads, Backblaze B2 b2_upload_part, Dropbox upload_session, tus 1.0.0 and the IETF's resumable uploads, OpenAI
 * Uploads, ownCloud's chunks, and the forms of Resumable.js, Flow.js, Dropzone, Fine Uploader, Plupload.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/content_private.h"
#include "lib/json.h"

#define ANY	(-1)		/* pieces without an order */

struct sign {
	const char	*name;
	int64_t		 first;		/* its value for the front of a file */
	const char	*with;		/* only beside a parameter of that name, NULL */
	const char	*with_value;	/* and value, NULL */
	const char	*value;		/* only with that value, NULL */
};

static const struct sign params[] = {
	{.name = "partNumber", .first = 1, .with = "uploadId"}, {.name = "blockid", .first = ANY, .with = "comp"},
	{.name = "comp", .first = ANY, .value = "appendblock"}, {.name = "position", .with = "action", .with_value = "append"},
	{.name = "resumableChunkNumber", .first = 1}, {.name = "flowChunkNumber", .first = 1}, {.name = "dzchunkindex"}, {.name = "qqpartindex"},
	{.name = "chunk", .with = "chunks"},
}, headers[] = {
	{.name = "Upload-Offset"}, {.name = "X-Goog-Upload-Offset"}, {.name = "X-Bz-Part-Number", .first = 1},
	{.name = "x-ms-blob-condition-appendpos"}, {.name = "x-ms-page-write", .first = ANY}, {.name = "OC-Chunked", .first = ANY},
};

#define N_PARAMS	(sizeof(params) / sizeof(*params))

static enum content_part
by_number(const struct sign *s, const char *value)
{
	char *end;
	unsigned long long n = strtoull(value, &end, 10);

	if (s->first == ANY)
		return CONTENT_PIECE;
	return end == value || n != (unsigned long long)s->first ? CONTENT_PIECE : CONTENT_FRONT;
}

/* "bytes 0-99/100", "bytes=0-99", "0-99": lenient, as receivers are. */
static enum content_part
by_range(const char *v)
{
	const char *p = v + strcspn(v, "0123456789*");
	unsigned long long from, to;
	char *end;

	if (*p == '*')
		return CONTENT_FRONT;	/* asks how much has come */
	if (*p == '\0')
		return CONTENT_PIECE;	/* of what, only its reader knows */
	from = strtoull(p, &end, 10);
	if (from > 0)
		return CONTENT_PIECE;
	end += strspn(end, " \t-");
	to = strtoull(end, &end, 10);
	end += strspn(end, " \t");
	if (*end != '/')
		return CONTENT_FRONT;
	end += 1 + strspn(end + 1, " \t");
	if (*end == '*')
		return CONTENT_FRONT;
	return strtoull(end, NULL, 10) == to + 1 ? CONTENT_ALL : CONTENT_PIECE;
}

static int
on_value(void *arg, const struct json_value *v)
{
	enum content_part *most = arg, one;

	if (v->depth == 0 || v->path[v->depth - 1].key == NULL || strcasecmp(v->path[v->depth - 1].key, "offset") != 0)
		return 0;
	one = v->type == JSON_NUMBER && !(strtod(v->raw, NULL) > 0) ? CONTENT_FRONT : CONTENT_PIECE;
	*most = one > *most ? one : *most;
	return 0;
}

/* {"cursor":{"session_id":"x","offset":0}}: the largest of all that it says, whichever its reader takes. */
static enum content_part
by_cursor(const char *v)
{
	enum content_part most = CONTENT_ALL;
	const char *error;
	uint64_t at;

	return json_scan_all(v, strlen(v), 0, NULL, on_value, &most, &error, &at) == 0 ? most : CONTENT_PIECE;
}

enum content_part
content_part_of_header(const char *name, const char *value)
{
	if (strcasecmp(name, "Content-Range") == 0 || strcasecmp(name, "x-ms-range") == 0)
		return by_range(value);
	if (strcasecmp(name, "Dropbox-API-Arg") == 0)
		return by_cursor(value);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		if (strcasecmp(name, headers[i].name) == 0)
			return by_number(&headers[i], value);
	return CONTENT_ALL;
}

/* The query's parameters, escapes undone; longer ones are none of ours. */
struct param { char name[128], value[128]; };

static void
undo(char *out, size_t cap, const char *p, size_t len)
{
	bool any;
	size_t n = len < cap ? content_unescape(p, len, out, CONTENT_PERCENT | CONTENT_PLUS, &any) : 0;

	out[n] = '\0';
}

static const char *
next_param(const char *p, struct param *out)
{
	size_t n = strcspn(p, "&#"), k = strcspn(p, "=&#");

	undo(out->name, sizeof(out->name), p, k);
	undo(out->value, sizeof(out->value), k < n ? p + k + 1 : "", k < n ? n - k - 1 : 0);
	return p[n] == '&' ? p + n + 1 : NULL;
}

/* OpenAI: /v1/uploads/ID/parts, in any order. */
static bool
is_parts_path(const char *url)
{
	char path[512];
	size_t n;
	const char *at;

	undo(path, sizeof(path), url, strcspn(url, "?#"));
	n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		path[--n] = '\0';
	at = strstr(path, "/uploads/");
	return at != NULL && n > 6 && path + n - 6 > at + 8 && strcmp(path + n - 6, "/parts") == 0;
}

static bool
fits(const struct sign *s, const struct param *q)
{
	return strcasecmp(q->name, s->name) == 0 && (s->value == NULL || strcasecmp(q->value, s->value) == 0);
}

static bool
is_beside(const struct sign *s, const struct param *q)
{
	return s->with == NULL || (strcasecmp(q->name, s->with) == 0 && (s->with_value == NULL || strcasecmp(q->value, s->with_value) == 0));
}

enum content_part
content_part_of_url(const char *url)
{
	const char *query = strchr(url, '?');
	enum content_part most = is_parts_path(url) ? CONTENT_PIECE : CONTENT_ALL, said[N_PARAMS] = {CONTENT_ALL}, one;
	bool beside[N_PARAMS] = {false};
	struct param q;

	for (const char *p = query != NULL ? query + 1 : NULL; p != NULL;) {
		p = next_param(p, &q);
		for (size_t i = 0; i < N_PARAMS; i++) {
			beside[i] = beside[i] || is_beside(&params[i], &q);
			one = fits(&params[i], &q) ? by_number(&params[i], q.value) : CONTENT_ALL;
			said[i] = one > said[i] ? one : said[i];
		}
	}
	for (size_t i = 0; i < N_PARAMS; i++)
		most = beside[i] && said[i] > most ? said[i] : most;
	return most;
}
