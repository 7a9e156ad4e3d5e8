/* SPDX-License-Identifier: MIT */
/*
 * The smallest HTTP origin there can be, for tests of proxies: binds a free port of 127.0.0.1, prints
 * it, then answers every request with 200 and its Host header, one connection after the other, and
 * prints "HOST name" and the request's head, each line after "< ", so that a test can prove what got
 * here and what did not.  Runs until killed.
 */
#include "config.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void
print_head(char *req)
{
	for (char *save, *l = strtok_r(req, "\r\n", &save); l != NULL; l = strtok_r(NULL, "\r\n", &save))
		printf("< %s\n", l);
}

static void
answer(int fd)
{
	char req[8192], host[256] = "", out[512];
	size_t len = 0;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char *h;

	req[0] = '\0';
	while (strstr(req, "\r\n\r\n") == NULL && len < sizeof(req) - 1) {
		ssize_t n = poll(&pfd, 1, 5000) > 0 ? read(fd, req + len, sizeof(req) - 1 - len) : 0;

		if (n <= 0)
			return;
		len += (size_t)n;
		req[len] = '\0';
	}
	h = strcasestr(req, "\r\nHost:");
	if (h != NULL)
		sscanf(h + 7, " %255[^\r\n]", host);
	printf("HOST %s\n", host);
	snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n"
	    "origin %s\n", strlen(host) + 8, host);
	if (write(fd, out, strlen(out)) < 0)
		printf("LOST %s\n", host);
	print_head(req);
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
		answer(fd);
		close(fd);
	}
}
