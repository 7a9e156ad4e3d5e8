/* SPDX-License-Identifier: MIT */
/*
 * The firewall as a server: one connection a request, the answer's status, and the rule ids out of one of its
 * headers.  The log is made of the ids, so only tests that ask for ids can be run this way.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "lib/arena.h"
#include "tests/waf/ftw.h"

#define WAIT_MS		3000	/* for a server that waits for the rest of a body: no answer */

struct ftw_http {
	struct ftw_transport transport;
	struct addrinfo	*where;
	struct arena	*arena;
	char		*header;
};

static int
server_connect(const struct ftw_http *h)
{
	int fd = socket(h->where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, h->where->ai_addr, h->where->ai_addrlen) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
send_all(int fd, struct waf_str s)
{
	ssize_t n = 1;

	for (size_t o = 0; o < s.n && n > 0; o += (size_t)n) {
		n = send(fd, s.p + o, s.n - o, MSG_NOSIGNAL);
		if (n < 0)
			return;		/* refused early; what it said may still be read */
	}
}

/* A whole answer has come: its head, and as much body as it announced. */
static bool
complete(struct ftw_http *h, const struct buf *b, struct http_raw *rsp)
{
	bool has_length = false;

	arena_reset(h->arena);
	if (http_raw_response(rsp, h->arena, buf_ptr(b), buf_len(b)) < 0 ||
	    (rsp->flaws & (HTTP_RAW_HEAD | HTTP_RAW_SHORT)) != 0)
		return false;
	for (size_t i = 0; i < rsp->n_headers; i++) {
		struct waf_str n = rsp->headers[i].name;

		has_length |= (n.n == 14 && strncasecmp(n.p, "Content-Length", 14) == 0) ||
		    (n.n == 17 && strncasecmp(n.p, "Transfer-Encoding", 17) == 0);
	}
	return has_length || rsp->status == 204 || rsp->status == 304;
}

static void
receive(struct ftw_http *h, int fd, struct buf *b, struct http_raw *rsp)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char *room;
	ssize_t n;

	while (poll(&p, 1, WAIT_MS) == 1) {
		room = buf_room(b, 65536);
		n = room != NULL ? recv(fd, room, 65536, 0) : -1;
		if (n <= 0)
			break;
		buf_wrote(b, (size_t)n);
		if (complete(h, b, rsp))
			break;
	}
	complete(h, b, rsp);
}

static void
ids_take(struct ftw_answer *a, struct waf_str v)
{
	char *end, text[8192];
	const char *p = text;

	snprintf(text, sizeof(text), "%.*s", (int)v.n, v.p);
	while (*p != '\0') {
		int64_t id = strtoll(p, &end, 10);

		if (end != p && a->n_ids < FTW_IDS_MAX) {
			a->ids[a->n_ids++] = id;
			buf_printf(&a->log, "[id \"%" PRId64 "\"]\n", id);
		}
		p = end != p ? end : p + 1;
		p += strspn(p, ", ");
	}
}

static int
http_ask(struct ftw_transport *t, const char *id, const struct ftw_stage *s, struct ftw_answer *a)
{
	struct ftw_http *h = (struct ftw_http *)t;
	struct http_raw rsp = {0};
	struct buf b = {0};
	int fd = server_connect(h);

	(void)id;
	if (fd < 0)
		return -errno;
	send_all(fd, s->request);
	receive(h, fd, &b, &rsp);
	close(fd);
	a->status = rsp.status;
	for (size_t i = 0; i < rsp.n_headers; i++) {
		if (rsp.headers[i].name.n == strlen(h->header) &&
		    strncasecmp(rsp.headers[i].name.p, h->header, rsp.headers[i].name.n) == 0)
			ids_take(a, rsp.headers[i].value);
	}
	buf_free(&b);
	return 0;
}

static int
http_close(struct ftw_transport **t)
{
	struct ftw_http *h = (struct ftw_http *)*t;

	freeaddrinfo(h->where);
	arena_free(&h->arena);
	free(h->header);
	free(h);
	*t = NULL;
	return 0;
}

struct ftw_transport *
ftw_http_open(const char *server, const char *header)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct ftw_http *h = calloc(1, sizeof(*h));
	char *host = strdup(server), *port = host != NULL ? strrchr(host, ':') : NULL;

	if (h != NULL && port != NULL) {
		*port++ = '\0';
		h->transport = (struct ftw_transport){ http_ask, http_close };
		h->header = strdup(header);
		h->arena = arena_new(0);
		if (getaddrinfo(host, port, &hints, &h->where) == 0 && h->header != NULL && h->arena != NULL) {
			free(host);
			return &h->transport;
		}
		free(h->header);
		arena_free(&h->arena);
	}
	free(h);
	free(host);
	return NULL;
}
