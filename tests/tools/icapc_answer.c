/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE		/* memmem */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/tools/icapc.h"

/* Length of the head at the front of <b>, with its empty line; 0: not there yet. */
static size_t
head_len(const struct buf *b)
{
	const char *p = buf_ptr(b), *e = memmem(p, buf_len(b), "\r\n\r\n", 4);

	return e ? (size_t)(e - p) + 4 : 0;
}

/* Offset of the body in the encapsulated message, from "Encapsulated: res-hdr=0, res-body=137". */
static int
encapsulated(const struct buf *head, bool *has_body)
{
	const char *p = memmem(buf_ptr(head), buf_len(head), "\r\nEncapsulated:", 15), *b, *end;

	if (p == NULL)
		return -EPROTO;
	end = strstr(p + 2, "\r\n");
	b = strstr(p, "-body=");
	if (b == NULL || b > end)
		return -EPROTO;
	*has_body = strncmp(b - 4, "null", 4) != 0;
	return atoi(b + 6);
}

static int
take_icap_head(struct icapc_answer *a, struct buf *in)
{
	size_t n = head_len(in);
	int status;

	if (n == 0)
		return 0;
	if (sscanf(buf_ptr(in), "ICAP/1.0 %d", &status) != 1)
		return -EPROTO;
	if (status == 100) {
		buf_consume(in, n);
		return 1;
	}
	a->icap = status;
	buf_add(&a->icap_head, buf_ptr(in), n);
	buf_addc(&a->icap_head, '\0');
	buf_consume(in, n);
	return 0;
}

static int
take_chunks(struct icapc_answer *a, struct buf *in)
{
	for (;;) {
		const char *p = buf_ptr(in), *eol = memmem(p, buf_len(in), "\r\n", 2);
		char *end;
		size_t n, line;

		if (eol == NULL)
			return 0;
		line = (size_t)(eol - p) + 2;
		n = strtoul(p, &end, 16);
		if (end == p)
			return -EPROTO;
		if (buf_len(in) < line + n + 2)
			return 0;
		buf_add(&a->body, p + line, n);
		buf_consume(in, line + n + 2);
		if (n == 0) {
			a->complete = true;
			return 0;
		}
	}
}

int
icapc_answer_take(struct icapc_answer *a, struct buf *in)
{
	bool has_body = false;
	int rc, off;

	if (a->icap == 0) {
		rc = take_icap_head(a, in);
		if (rc != 0 || a->icap == 0)
			return rc;
	}
	if (a->icap == 204) {
		a->complete = true;
		return 0;
	}
	off = encapsulated(&a->icap_head, &has_body);
	if (off < 0)	/* c-icap's own errors come without one */
		a->complete = a->icap >= 400;
	if (off < 0)
		return a->complete ? 0 : off;
	if (buf_len(&a->head) == 0 && off > 0) {
		if (buf_len(in) < (size_t)off)
			return 0;
		buf_add(&a->head, buf_ptr(in), (size_t)off);
		buf_addc(&a->head, '\0');
		buf_consume(in, (size_t)off);
		if (sscanf(buf_ptr(&a->head), "HTTP/%*s %d", &a->http) != 1)
			a->http = 0;
	}
	if (!has_body) {
		a->complete = true;
		return 0;
	}
	return take_chunks(a, in);
}

void
icapc_answer_free(struct icapc_answer *a)
{
	buf_free(&a->icap_head);
	buf_free(&a->head);
	buf_free(&a->body);
}
