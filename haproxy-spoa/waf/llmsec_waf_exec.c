/* SPDX-License-Identifier: MIT */
/*
 * The co-process.  In:   REQ <id> <request bytes> <response bytes>\n  and that many raw bytes of both.
 * Out: <id> <status> <rule ids with commas, or -> <log lines, percent-encoded, with spaces>\n
 *
 * The status is the refusal's; 200 if there is none; and what a web server would say to a request that it
 * can't read (400; 408 for one that never ends; 405 for CONNECT) - the rules have looked at it all the same.
 * 503: a limit was hit; 413: larger than we judge.  Either way the next record is read.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "haproxy-spoa/waf/llmsec_waf.h"
#include "lib/arena.h"

#define ID_MAX		256
#define BYTES_MAX	(64 * 1024 * 1024)
#define IO_BUFFER	(1 << 20)
#define LINE_GUESS	4096

struct record {
	char		 id[ID_MAX];
	size_t		 req_len, rsp_len;
	char		*bytes;		/* request, then response */
	size_t		 cap;
};

struct exec {
	struct cli	*cli;
	struct buf	 out, line;
	size_t		 lost;		/* matches that the prefilter would have cost; --verify */
};

/* Digits, then <end>. */
static bool
number_read(const char **p, char end, size_t *n)
{
	const char *s = *p;

	for (*n = 0; *s >= '0' && *s <= '9' && *n < SIZE_MAX / 100; s++)
		*n = *n * 10 + (size_t)(*s - '0');
	if (s == *p || *s != end)
		return false;
	*p = s + 1;
	return true;
}

static bool
head_read(struct record *r, const char *head)
{
	const char *p = head + 4;
	size_t n;

	if (strncmp(head, "REQ ", 4) != 0 || (n = strcspn(p, " \n")) == 0 || n >= ID_MAX || p[n] != ' ')
		return false;
	memcpy(r->id, p, n);
	r->id[n] = '\0';
	p += n + 1;
	return number_read(&p, ' ', &r->req_len) && number_read(&p, '\n', &r->rsp_len);
}

static bool
record_skip(const struct record *r)
{
	char waste[65536];
	size_t left, n;

	for (left = r->req_len; left > 0; left -= n)
		if ((n = fread(waste, 1, left < sizeof(waste) ? left : sizeof(waste), stdin)) == 0)
			return false;
	for (left = r->rsp_len; left > 0; left -= n)
		if ((n = fread(waste, 1, left < sizeof(waste) ? left : sizeof(waste), stdin)) == 0)
			return false;
	return true;
}

/* 1 a record, 2 one that is too large and was skipped, 0 end of input, -1 no record (said so). */
static int
record_read(struct record *r)
{
	char head[ID_MAX + 64];

	if (fgets(head, sizeof(head), stdin) == NULL)
		return 0;
	if (!head_read(r, head)) {
		fprintf(stderr, "llmsec-waf: this is no record: %.64s\n", head);
		return -1;
	}
	if ((r->req_len > BYTES_MAX || r->rsp_len > BYTES_MAX) && record_skip(r))
		return 2;
	if (r->req_len > BYTES_MAX || r->rsp_len > BYTES_MAX) {
		fprintf(stderr, "llmsec-waf: record %s ends before its announced end\n", r->id);
		return -1;
	}
	if (r->cap < r->req_len + r->rsp_len + 1) {
		free(r->bytes);
		r->cap = (r->req_len + r->rsp_len + 1) * 2;
		r->bytes = malloc(r->cap);
	}
	if (r->bytes == NULL || fread(r->bytes, 1, r->req_len + r->rsp_len, stdin) != r->req_len + r->rsp_len) {
		fprintf(stderr, "llmsec-waf: record %s ends before its announced end\n", r->id);
		return -1;
	}
	return 1;
}

/* So that a line stays a line and a field a field, whatever the bytes. */
static void
percent_encode(struct buf *b, const char *p, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	char *o = buf_room(b, 3 * n), *start = o;

	for (size_t i = 0; o != NULL && i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c > ' ' && c < 0x7f && c != '%' && c != '+') {
			*o++ = (char)c;
		} else {
			*o++ = '%';
			*o++ = hex[c >> 4];
			*o++ = hex[c & 15];
		}
	}
	if (o != NULL)
		buf_wrote(b, (size_t)(o - start));
}

static void
log_line_add(struct exec *e, const struct waf_tx *tx, const struct waf_match *m)
{
	size_t n, size = LINE_GUESS;
	char *room;

	for (;;) {
		buf_clear(&e->line);
		room = buf_room(&e->line, size);
		if (room == NULL)
			return;
		n = waf_log_line(room, size, tx, m, SIZE_MAX);
		if (n < size)
			break;
		size = n + 1;
	}
	percent_encode(&e->out, room, n);
}

static bool
seen_before(const struct waf_verdict *v, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (v->matches[k].log && v->matches[k].id == v->matches[i].id)
			return true;
	}
	return false;
}

static void
answer_rules(struct exec *e, const struct waf_verdict *v, const struct waf_tx *tx)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_matches; i++) {
		if (v->matches[i].log && !seen_before(v, i))
			buf_printf(&e->out, "%s%" PRId64, n++ > 0 ? "," : "", v->matches[i].id);
	}
	buf_adds(&e->out, n > 0 ? " " : "- ");
	n = 0;
	for (size_t i = 0; i < v->n_matches; i++) {
		if (!v->matches[i].log)
			continue;
		if (n++ > 0)
			buf_addc(&e->out, ' ');
		log_line_add(e, tx, &v->matches[i]);
	}
}

static int
status_of(const struct waf_verdict *v, const struct http_raw *req)
{
	int bad = http_raw_status(req->flaws);

	if (v->action == WAF_ERROR)
		return 503;
	if (v->action != WAF_PASS && v->action != WAF_ALLOW && v->status != 0)
		return v->status;
	return bad != 0 ? bad : 200;
}

static void
verify(struct exec *e, const struct record *r, struct waf_tx *tx)
{
	int64_t ids[16];
	size_t n;

	if (!e->cli->verify)
		return;
	n = waf_tx_verify(tx, ids, 16);
	e->lost += n;
	for (size_t i = 0; i < n && i < 16; i++)
		fprintf(stderr, "llmsec-waf: %s: the prefilter lost rule %" PRId64 "\n", r->id, ids[i]);
}

/* The answer to one record in e->out. */
static int
record_judge(struct exec *e, const struct record *r)
{
	struct cli *c = e->cli;
	struct http_raw req, rsp;
	const struct waf_verdict *v = NULL;
	struct waf_tx *tx = NULL;

	arena_reset(c->arena);
	if (http_raw_request(&req, c->arena, r->bytes, r->req_len, 0) == 0 &&
	    http_raw_response(&rsp, c->arena, r->bytes + r->req_len, r->rsp_len) == 0)
		v = cli_judge(c, &req, r->rsp_len > 0 ? &rsp : NULL, (struct waf_str){ r->id, strlen(r->id) }, &tx);
	if (v == NULL) {
		buf_printf(&e->out, "%s 503 - \n", r->id);
	} else {
		buf_printf(&e->out, "%s %d ", r->id, status_of(v, &req));
		answer_rules(e, v, tx);
		buf_addc(&e->out, '\n');
		verify(e, r, tx);
	}
	return e->out.err;
}

int
cli_exec(struct cli *c)
{
	struct exec e = { .cli = c };
	struct record r = {0};
	int got;

	setvbuf(stdin, NULL, _IOFBF, IO_BUFFER);
	setvbuf(stdout, NULL, _IOFBF, IO_BUFFER);
	while ((got = record_read(&r)) > 0) {
		buf_clear(&e.out);
		if (got == 2)
			buf_printf(&e.out, "%s 413 - \n", r.id);
		else if (record_judge(&e, &r) < 0)
			break;
		fwrite(buf_ptr(&e.out), 1, buf_len(&e.out), stdout);
		if (fflush(stdout) != 0)
			break;
	}
	free(r.bytes);
	buf_free(&e.out);
	buf_free(&e.line);
	return got != 0 ? CLI_USAGE : e.lost > 0 ? CLI_FINDINGS : CLI_OK;
}
