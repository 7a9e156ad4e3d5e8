/* SPDX-License-Identifier: MIT */
/*
 * Stands where the gateway stands: a tiny HTTP/1.1 origin that verifies the X-Edge99 signature over
 * the headers it got and says the verdict in its status (200 or 401) and in X-Verdict.  One request per
 * connection, bodies read and forgotten.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "haproxy-spoa/listen_addr.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"
#include "tests/tools/spop_client.h"

struct request {
	struct edge_vals vals;
	const char	*sig;
	size_t		 sig_len;
	long		 content_length;
	bool		 chunked;
	unsigned	 unknown_edge;	/* X-Edge99-* that nobody of ours sends */
	unsigned	 seen[EDGE_HDR_N + 1];
};

static void
header_take(struct request *r, const char *name, size_t n, const char *v, size_t len)
{
	if (n == 14 && strncasecmp(name, "content-length", n) == 0)
		r->content_length = atol(v);
	if (n == 17 && strncasecmp(name, "transfer-encoding", n) == 0)
		r->chunked = true;
	if (n < 9 || strncasecmp(name, "x-edge99-", 9) != 0)
		return;
	for (unsigned i = 0; i <= EDGE_HDR_N; i++) {
		if (n != strlen(edge_hdr_name[i]) || strncasecmp(name, edge_hdr_name[i], n) != 0)
			continue;
		r->seen[i]++;
		if (i == EDGE_HDR_N) {
			r->sig = v;
			r->sig_len = len;
		} else {
			r->vals.v[i] = v;
			r->vals.len[i] = len;
		}
		return;
	}
	r->unknown_edge++;
}

static void
head_parse(struct request *r, char *head)
{
	char *line = strstr(head, "\r\n"), *next, *colon, *v;

	for (line = line ? line + 2 : NULL; line && (next = strstr(line, "\r\n")) != NULL; line = next + 2) {
		*next = '\0';
		colon = strchr(line, ':');
		if (colon == NULL)
			continue;
		v = colon + 1 + strspn(colon + 1, " \t");
		header_take(r, line, (size_t)(colon - line), v, strlen(v));
	}
}

static const char *
judge(const struct request *r, const struct keyring *k)
{
	if (r->unknown_edge)
		return "smuggled";
	for (unsigned i = 0; i <= EDGE_HDR_N; i++)
		if (r->seen[i] > 1)
			return "doubled";
	return edge_verdict_str(edge_verify(k, &r->vals, r->sig ? r->sig : "", r->sig_len, time(NULL), 60));
}

/*
 * Read what is left of the body: unread bytes would reset the connection under the answer.  <have>[n] is
 * what came with the head.  The size of the body as it was sent, or -1.
 */
static ssize_t
body_read(int fd, const struct request *r, const char *have, size_t n)
{
	static const char last[] = "0\r\n\r\n";
	const size_t k = sizeof(last) - 1;
	char b[65536];
	size_t keep = n < k ? n : k;	/* the end of what came so far, at the front of <b> */
	ssize_t got;

	memcpy(b, have + n - keep, keep);
	while (r->chunked ? keep < k || memcmp(b, last, k) != 0 : n < (size_t)r->content_length) {
		got = recv(fd, b + keep, sizeof(b) - keep, 0);
		if (got <= 0)
			return -1;
		n += (size_t)got;
		got += (ssize_t)keep;
		keep = (size_t)got < k ? (size_t)got : k;
		memmove(b, b + got - keep, keep);
	}
	return (ssize_t)n;
}

/* Wait for the head, then for the body. */
static void
serve(int fd, const struct keyring *k)
{
	static char head[65536];
	struct request r = {.content_length = 0};
	char answer[512], *end = NULL;
	const char *verdict;
	size_t n = 0;
	ssize_t got, body;

	while (end == NULL && n < sizeof(head) - 1) {
		got = recv(fd, head + n, sizeof(head) - 1 - n, 0);
		if (got <= 0)
			return;
		n += (size_t)got;
		head[n] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	if (end == NULL)
		return;
	end[2] = '\0';
	head_parse(&r, head);
	verdict = judge(&r, k);
	body = body_read(fd, &r, end + 4, n - (size_t)(end + 4 - head));
	if (body < 0)
		return;
	n = (size_t)snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nContent-Length: %zu\r\nX-Verdict: %s\r\n"
	    "X-Body: %zd\r\nX-Seen-JA4: %.64s\r\nX-Edge99-Leak: 1\r\nVia: origin\r\nServer: origin\r\nConnection: close\r\n\r\n%s",
	    strcmp(verdict, edge_verdict_str(EDGE_OK)) == 0 ? "200 OK" : "401 Unauthorized", strlen(verdict),
	    verdict, body, r.vals.v[EDGE_JA4] ? r.vals.v[EDGE_JA4] : "none", verdict);
	if (send(fd, answer, n, MSG_NOSIGNAL) < 0)
		perror("send");
}

int
spop_origin(const char *addr, const char *keys)
{
	struct listen_addr a;
	struct keyring *k = NULL;
	struct diag *d = diag_new();
	int fd, c, rc = listen_addr_parse(&a, addr, "");

	if (rc != 0 || keyring_load(&k, keys, d) != 0 || (fd = listen_addr_open(&a)) < 0) {
		diag_print(d, stderr);
		fprintf(stderr, "cannot listen on %s with %s\n", addr, keys);
		return 1;
	}
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return 1;
		c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (c < 0)
			continue;
		serve(c, k);
		close(c);
	}
}
