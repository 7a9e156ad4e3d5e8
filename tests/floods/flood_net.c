/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/floods/flood.h"

double
flood_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
tcp_open(const struct flood *f)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(f->port)};
	struct timeval limit = {.tv_sec = 2};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (inet_pton(AF_INET, f->source, &from.sin_addr) == 1 && bind(fd, (void *)&from, sizeof(from)) == 0 &&
	    connect(fd, (void *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

int
conn_open(struct flood *f, struct conn *c)
{
	c->ssl = NULL;
	c->fd = tcp_open(f);
	if (c->fd >= 0 && f->tls) {
		c->ssl = SSL_new(f->ctx);
		if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set_tlsext_host_name(c->ssl, "localhost") != 1 ||
		    SSL_connect(c->ssl) != 1)
			conn_close(c);
	}
	if (c->fd < 0)
		f->refused++;
	else
		f->opened++;
	return c->fd < 0 ? -1 : 0;
}

void
conn_close(struct conn *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

int
conn_write(struct conn *c, const void *data, size_t n)
{
	const char *p = data;
	ssize_t k;

	while (n > 0) {
		k = c->ssl != NULL ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* CONN_NOTHING: a record of TLS's own (a session ticket), or the socket's time limit. */
static ssize_t
read_once(struct conn *c, void *p, size_t n)
{
	ssize_t k = c->ssl != NULL ? SSL_read(c->ssl, p, (int)n) : recv(c->fd, p, n, 0);

	return k < 0 && c->ssl != NULL && SSL_get_error(c->ssl, (int)k) == SSL_ERROR_WANT_READ ? CONN_NOTHING : k;
}

ssize_t
conn_try(struct conn *c, void *p, size_t n, int ms)
{
	struct pollfd ready = {.fd = c->fd, .events = POLLIN};

	if ((c->ssl == NULL || SSL_pending(c->ssl) == 0) && poll(&ready, 1, ms) <= 0)
		return CONN_NOTHING;
	return read_once(c, p, n);
}

ssize_t
conn_read(struct conn *c, void *p, size_t n)
{
	double end = flood_now() + 2;
	ssize_t k;

	do
		k = read_once(c, p, n);
	while (k == CONN_NOTHING && flood_now() < end);
	return k;
}

/* The head with Content-Length, and the body behind it. */
unsigned
conn_ask(struct conn *c)
{
	static const char ask[] = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nUser-Agent: llmsec-flood\r\nAccept: */*\r\n\r\n";
	char b[8192], *end = NULL, *len;
	size_t n = 0, want = 0;
	unsigned status = 0;
	ssize_t k;

	if (conn_write(c, ask, sizeof(ask) - 1) != 0)
		return 0;
	while (end == NULL || n < want) {
		if (n == sizeof(b) - 1 || (k = conn_read(c, b + n, sizeof(b) - 1 - n)) <= 0)
			return 0;
		n += (size_t)k;
		b[n] = '\0';
		if (end == NULL && (end = strstr(b, "\r\n\r\n")) != NULL) {
			len = strcasestr(b, "\r\ncontent-length:");
			want = (size_t)(end + 4 - b) + (len != NULL && len < end ? strtoul(len + 17, NULL, 10) : 0);
		}
	}
	return sscanf(b, "HTTP/1.1 %3u", &status) == 1 && status < 600 ? status : 0;
}
