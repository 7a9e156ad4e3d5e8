/* SPDX-License-Identifier: MIT */
/*
 * The smallest HTTP origin there can be, for tests of proxies: binds a free port of 127.0.0.1, prints
 * it, then serves one connection after the other until killed.  Each request is printed as "HOST name",
 * "BODY bytes" and its head, every line after "< ", so that a test can prove what got here and what did
 * not.  The answer is 200 and says "origin HOST", unless the path has one of
 *
 *	/bytes/N	N bytes, with their length
 *	/events/N/MS	N server-sent events, MS milliseconds apart, of unknown length
 */
#include "config.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS	5000

struct request {
	char	head[65536];
	char	host[256];
	size_t	body;
};

static int
listen_any(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, len) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		return -1;
	printf("%u\n", (unsigned)ntohs(sin.sin_port));
	return fd;
}

static size_t
read_some(int fd, char *p, size_t n)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t k = poll(&pfd, 1, WAIT_MS) > 0 ? read(fd, p, n) : 0;

	return k > 0 ? (size_t)k : 0;
}

/* Chunked bodies end where the last chunk does; nobody sends trailers here. */
static bool
read_body(int fd, const char *early, size_t n, const char *length, bool chunked, size_t *body)
{
	char b[65536], tail[6] = "";
	size_t want = length ? strtoull(length, NULL, 10) : 0;

	*body = 0;
	if (n > sizeof(b))
		return false;
	memcpy(b, early, n);
	for (;;) {
		size_t keep = n < 5 ? 5 - n : 0;

		*body += n;
		memmove(tail, tail + 5 - keep, keep);
		memcpy(tail + keep, b + n - (5 - keep), 5 - keep);
		if (chunked ? memcmp(tail, "0\r\n\r\n", 5) == 0 : *body >= want)
			return true;
		n = read_some(fd, b, sizeof(b));
		if (n == 0)
			return false;
	}
}

static bool
read_request(int fd, struct request *q)
{
	size_t len = 0, k;
	char *end, *h;

	q->head[0] = q->host[0] = '\0';
	while ((end = strstr(q->head, "\r\n\r\n")) == NULL) {
		k = read_some(fd, q->head + len, sizeof(q->head) - 1 - len);
		if (k == 0)
			return false;
		len += k;
		q->head[len] = '\0';
	}
	end[2] = '\0';
	end += 4;
	h = strcasestr(q->head, "\r\nHost:");
	if (h != NULL)
		sscanf(h + 7, " %255[^\r\n]", q->host);
	h = strcasestr(q->head, "\r\nContent-Length:");
	return read_body(fd, end, len - (size_t)(end - q->head), h ? h + 17 : NULL,
	    strcasestr(q->head, "\r\nTransfer-Encoding: chunked") != NULL, &q->body);
}

static bool
send_all(int fd, const char *p, size_t n)
{
	for (ssize_t k; n > 0; p += k, n -= (size_t)k) {
		k = write(fd, p, n);
		if (k <= 0)
			return false;
	}
	return true;
}

static bool
send_bytes(int fd, size_t n)
{
	char b[65536];
	int k = snprintf(b, sizeof(b), "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	    "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n", n);

	if (!send_all(fd, b, (size_t)k))
		return false;
	memset(b, 'x', sizeof(b));
	for (size_t now; n > 0; n -= now) {
		now = n < sizeof(b) ? n : sizeof(b);
		if (!send_all(fd, b, now))
			return false;
	}
	return true;
}

static bool
send_events(int fd, int n, long ms)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	    "Content-Type: text/event-stream\r\n\r\n";
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	if (!send_all(fd, head, sizeof(head) - 1))
		return false;
	for (int i = 0; i < n; i++) {
		char b[64];
		int k = snprintf(b, sizeof(b), "data: %d\n\n", i);

		if (i > 0)
			nanosleep(&pause, NULL);
		if (!send_all(fd, b, (size_t)k))
			return false;
	}
	return true;
}

static bool
send_host(int fd, const char *host)
{
	char b[512];
	int k = snprintf(b, sizeof(b), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n"
	    "origin %s\n", strlen(host) + 8, host);

	return send_all(fd, b, (size_t)k);
}

static bool
answer(int fd, const struct request *q)
{
	const char *line_end = strstr(q->head, "\r\n"), *p;
	unsigned long n;
	long ms;

	p = strstr(q->head, "/bytes/");
	if (p != NULL && p < line_end && sscanf(p, "/bytes/%lu", &n) == 1)
		return send_bytes(fd, n);
	p = strstr(q->head, "/events/");
	if (p != NULL && p < line_end && sscanf(p, "/events/%lu/%ld", &n, &ms) == 2)
		return send_events(fd, (int)n, ms);
	return send_host(fd, q->host);
}

static void
serve(int fd)
{
	static struct request q;
	char *save;

	if (!read_request(fd, &q))
		return;
	printf("HOST %s\n", q.host);
	if (!answer(fd, &q))
		printf("LOST %s\n", q.host);
	for (char *l = strtok_r(q.head, "\r\n", &save); l != NULL; l = strtok_r(NULL, "\r\n", &save))
		printf("< %s\n", l);
	printf("BODY %zu\n", q.body);
}

int
main(void)
{
	int ls;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	ls = listen_any();
	if (ls < 0) {
		perror("tiny_origin");
		return 1;
	}
	for (;;) {
		int fd = accept(ls, NULL, NULL);

		if (fd < 0)
			continue;
		serve(fd);
		close(fd);
	}
}
