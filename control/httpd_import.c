/* SPDX-License-Identifier: MIT */
/* Imports of the egress API: lists of any form, as a body or from a URL, and the same lists taken off again. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "control/egress_store.h"
#include "control/httpd_egress_private.h"
#include "lib/buf.h"
#include "lib/file_write.h"
#include "ti-sync/collect.h"
#include "ti-sync/fetch.h"
#include "ti-sync/import.h"

#define IMPORT_MAX	((int64_t)256 << 20)
#define IMPORT_ENTRIES	5000000

/* The host of a URL: all of it that may be written down, there can be a secret in the rest. */
static void
host_of(const char *url, char out[256])
{
	const char *from = strstr(url, "://"), *at;
	size_t n;

	from = from != NULL ? from + 3 : url;
	n = strcspn(from, "/?#");
	at = memrchr(from, '@', n);
	if (at != NULL) {
		n -= (size_t)(at + 1 - from);
		from = at + 1;
	}
	snprintf(out, 256, "%.*s", (int)(n < 255 ? n : 255), from);
}

static enum MHD_Result
import_answer(struct httpd *h, struct MHD_Connection *conn, const struct ti_collect *c, const struct egress_counts *n,
    bool remove)
{
	struct buf b = {0};
	bool first = true;

	if (remove)
		buf_printf(&b, "{\"removed\":%zu,\"missing\":%zu", n->removed, n->missing);
	else
		buf_printf(&b, "{\"added\":%zu,\"duplicate\":%zu", n->added, n->duplicate);
	buf_printf(&b, ",\"invalid\":%zu,\"examples\":[", n->invalid);
	for (int r = TI_OK + 1; r < TI_REASONS; r++)
		for (size_t i = 0; i < TI_EXAMPLES && i < c->refused[r]; i++) {
			buf_printf(&b, "%s{\"line\":%lu,\"reason\":\"%s\",\"text\":\"", first ? "" : ",", c->example[r][i].line,
			    ti_reason_str((enum ti_reason)r));
			buf_add_json(&b, c->example[r][i].text, strlen(c->example[r][i].text));
			buf_adds(&b, "\"}");
			first = false;
		}
	buf_adds(&b, "]}\n");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

/* <url> NULL: the list was the body. */
static void
import_told(struct httpd *h, const struct httpd_request *q, const struct egress_page *p, const struct egress_counts *n,
    const char *url, bool remove)
{
	struct buf b = {0};
	char host[256];

	buf_printf(&b, "\"list\":\"%s\",\"change\":\"%s\"", httpd_list_name(p->list), remove ? "taken-off" : "import");
	if (remove)
		buf_printf(&b, ",\"removed\":%zu,\"missing\":%zu", n->removed, n->missing);
	else
		buf_printf(&b, ",\"added\":%zu,\"duplicate\":%zu", n->added, n->duplicate);
	buf_printf(&b, ",\"invalid\":%zu", n->invalid);
	if (url != NULL) {
		host_of(url, host);
		buf_adds(&b, ",\"from\":\"");
		buf_add_json(&b, host, strlen(host));
		buf_addc(&b, '"');
	}
	httpd_audit(h, q, "admin.import", httpd_list_name(p->list), &b);
}

static enum MHD_Result
import_file(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const struct httpd_request *q,
    const char *path, const char *url, bool remove)
{
	struct ti_collect *c = calloc(1, sizeof(*c));
	struct egress_counts n;
	enum MHD_Result answer;
	char why[160];
	int r;

	if (c == NULL)
		return httpd_broken(h, conn, -ENOMEM);
	c->want = p->list == EGRESS_NETWORKS ? TI_WANT_NETS : TI_WANT_DOMAINS;
	r = ti_import_list(path, IMPORT_ENTRIES, c, why);
	if (r < 0) {
		answer = httpd_api_error(h, conn, r == -EFBIG ? 413 : 400, "unreadable", why, "body");
	} else {
		r = remove ? egress_store_remove(h->egress, p->list, c, &n) :
		    egress_store_import(h->egress, p->list, c, EGRESS_IMPORTED, &n);
		if (r == 0)
			import_told(h, q, p, &n, url, remove);
		answer = r < 0 ? httpd_broken(h, conn, r) : import_answer(h, conn, c, &n, remove);
	}
	ti_collect_free(c);
	free(c);
	return answer;
}

/* Addresses inside the house are refused when the socket is opened, redirects included (ti-sync/fetch.h). */
static enum MHD_Result
import_url(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const struct httpd_request *q,
    const char *url, bool remove)
{
	static const struct ti_fetch_opts opts = { .proxy = "", .user_agent = "llmsecd/" PACKAGE_VERSION, .parallel = 1,
	    .retries = 0, .connect_timeout = 5000, .timeout = 60000, .backoff = 100 };
	char path[4100];
	struct ti_fetch f = { .name = "import", .url = url, .to = path, .etag = "", .modified = "", .max_bytes = IMPORT_MAX };
	enum MHD_Result r;
	int fd;

	if (strncmp(url, "https://", 8) != 0)
		return httpd_invalid(h, conn, "url", "https:// is required");
	snprintf(path, sizeof(path), "%s/fetch.XXXXXX", h->egress_dir);
	fd = mkstemp(path);
	if (fd < 0)
		return httpd_broken(h, conn, -errno);
	close(fd);
	if (ti_fetch_all(&f, 1, &opts) < 0 || f.status != TI_FETCH_NEW)
		r = httpd_api_error(h, conn, 502, "fetch", f.why[0] != '\0' ? f.why : "it could not be fetched", "url");
	else
		r = import_file(h, conn, p, q, path, url, remove);
	unlink(path);
	return r;
}

enum MHD_Result
httpd_import_begin(struct httpd *h, struct MHD_Connection *conn, struct httpd_request *q)
{
	q->upload = open(h->egress_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (q->upload >= 0)
		return MHD_YES;
	q->refused = true;
	return httpd_broken(h, conn, -errno);
}

void
httpd_import_take(struct httpd_request *q, const char *p, size_t n)
{
	q->uploaded += (int64_t)n;
	if (q->uploaded > IMPORT_MAX)
		q->body.err = -EFBIG;
	else if (q->body.err == 0)
		q->body.err = file_write_all(q->upload, p, n);
}

/* The URL of {"url": "https://..."}; NULL: the body is a list itself. */
static json_t *
import_order(int fd, int64_t size)
{
	char text[4096];
	ssize_t n = size > 0 && size < (int64_t)sizeof(text) ? pread(fd, text, sizeof(text), 0) : 0;
	json_t *o = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;

	if (json_is_string(json_object_get(o, "url")) && json_object_size(o) == 1)
		return o;
	json_decref(o);
	return NULL;
}

enum MHD_Result
httpd_import_end(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, struct httpd_request *q,
    bool remove)
{
	enum MHD_Result r;
	json_t *order;
	char path[64];

	if (q->body.err != 0)
		return httpd_api_error(h, conn, q->body.err == -EFBIG ? 413 : 503, q->body.err == -EFBIG ? "too_large" : "disk_full",
		    q->body.err == -EFBIG ? "at most 256 MB" : strerror(-q->body.err), "body");
	order = import_order(q->upload, q->uploaded);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", q->upload);
	lseek(q->upload, 0, SEEK_SET);
	r = order != NULL ? import_url(h, conn, p, q, json_string_value(json_object_get(order, "url")), remove) :
	    import_file(h, conn, p, q, path, NULL, remove);
	json_decref(order);
	return r;
}
