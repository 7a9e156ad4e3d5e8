/* SPDX-License-Identifier: MIT */
/*
 * How long until a client of one edge is refused after another edge's HAProxy has banned it:
 *	llmsec-ban-lag SOCKET TABLE PORT SAMPLES
 * Bans and unbans 127.0.0.1 in TABLE over the Runtime API at SOCKET and asks 127.0.0.1:PORT over one connection
 * until it answers 403, and 200.  Prints milliseconds, "ban" and "unban" in turn.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/haproxy_cli.h"
#include "lib/buf.h"

#define TRIES	100000

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1000 + (double)ts.tv_nsec / 1e6;
}

static int
dial(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* One request; its status, 0: the connection ended. */
static int
status(int fd)
{
	static const char request[] = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n";
	char text[2048];
	size_t n = 0;
	ssize_t r;

	if (write(fd, request, sizeof(request) - 1) < 0)
		return 0;
	for (text[0] = '\0'; strstr(text, "\r\n\r\n") == NULL; text[n] = '\0') {
		r = read(fd, text + n, sizeof(text) - 1 - n);
		if (r <= 0)
			return 0;
		n += (size_t)r;
	}
	return strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
}

static int
set(const char *path, const char *table, unsigned value)
{
	struct buf command = {0}, answer = {0};
	int r;

	buf_printf(&command, "set table %s key ::ffff:127.0.0.1 data.gpt0 %u\n", table, value);
	r = haproxy_cli(path, buf_ptr(&command), buf_len(&command), 2000, &answer);
	buf_free(&command);
	buf_free(&answer);
	return r;
}

static int
until(int fd, int wanted)
{
	for (int i = 0; i < TRIES; i++)
		if (status(fd) == wanted)
			return 0;
	return -1;
}

int
main(int argc, char **argv)
{
	unsigned value;
	double t;
	int fd;

	if (argc != 5) {
		fprintf(stderr, "usage: llmsec-ban-lag SOCKET TABLE PORT SAMPLES\n");
		return 2;
	}
	fd = dial(atoi(argv[3]));
	for (int i = 0; fd >= 0 && i < 2 * atoi(argv[4]); i++) {
		value = i % 2 == 0 ? ((unsigned)time(NULL) + 600) / 4 * 4 + 2 : 0;
		t = now_ms();
		if (set(argv[1], argv[2], value) < 0 || until(fd, value > 0 ? 403 : 200) < 0) {
			fprintf(stderr, "llmsec-ban-lag: it never came\n");
			return 1;
		}
		printf("%s %.3f\n", value > 0 ? "ban" : "unban", now_ms() - t);
	}
	return fd < 0;
}
