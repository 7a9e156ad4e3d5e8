/* SPDX-License-Identifier: MIT */
/*
 * An HTTP server for tests of downloads, which misbehaves when asked to.  Binds two free ports of 127.0.0.1, plain
 * and TLS, prints "HTTP TLS", and serves DIR:
 *
 *	/NAME			the file, with an ETag; 304 where the client has it
 *	/cut/NAME		half of it, with the length of the whole
 *	/slow/NAME		a byte a second
 *	/status/CODE/NAME	with this status
 *	/flaky/NAME		503 the first time, then the file
 *	/away/HOST/PORT/NAME	302 to http://HOST:PORT/NAME
 *	/loop			302 to itself
 *	/plain/NAME		without an ETag
 *	/auth/NAME		401 unless the request has "X-Key: secret"
 *
 * usage: ti_server DIR [CERTIFICATE KEY]
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *dir;
static SSL_CTX *tls;
static pthread_mutex_t flaky_lock = PTHREAD_MUTEX_INITIALIZER;
static char flaky[64][64];		/* asked for once */

struct conn {
	int	 fd;
	SSL	*ssl;
};

static bool
put(struct conn *c, const void *p, size_t n)
{
	while (n > 0) {
		ssize_t k = c->ssl != NULL ? SSL_write(c->ssl, p, (int)n) : write(c->fd, p, n);

		if (k <= 0)
			return false;
		p = (const char *)p + k;
		n -= (size_t)k;
	}
	return true;
}

static void
answer(struct conn *c, int status, const char *headers, const char *body, size_t length, size_t n)
{
	char head[2048];
	int k = snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n", status,
	    length, headers);

	if (put(c, head, (size_t)k) && n > 0)
		put(c, body, n);
}

static char *
file_read(const char *name, size_t *n, char etag[64])
{
	char path[1024];
	struct stat st;
	FILE *f;
	char *b;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = strstr(name, "..") == NULL ? fopen(path, "re") : NULL;
	if (f == NULL || fstat(fileno(f), &st) != 0) {
		if (f != NULL)
			fclose(f);
		return NULL;
	}
	b = malloc((size_t)st.st_size + 1);
	*n = b != NULL ? fread(b, 1, (size_t)st.st_size, f) : 0;
	snprintf(etag, 64, "\"%lx-%lx\"", (unsigned long)st.st_mtim.tv_nsec, (unsigned long)st.st_size);
	fclose(f);
	return b;
}

static bool
flaky_first(const char *name)
{
	bool first = true;

	pthread_mutex_lock(&flaky_lock);
	for (int i = 0; i < 64; i++) {
		if (flaky[i][0] == '\0') {
			snprintf(flaky[i], sizeof(flaky[i]), "%s", name);
			break;
		}
		if (strcmp(flaky[i], name) == 0) {
			first = false;
			break;
		}
	}
	pthread_mutex_unlock(&flaky_lock);
	return first;
}

static void
serve_file(struct conn *c, const char *how, const char *name, const char *request, int status)
{
	char etag[64], headers[256] = "";
	size_t n = 0;
	char *b = file_read(name, &n, etag);

	if (b == NULL) {
		answer(c, 404, "", "no\n", 3, 3);
		return;
	}
	if (strcmp(how, "plain") != 0)
		snprintf(headers, sizeof(headers), "ETag: %s\r\n", etag);
	if (status == 200 && headers[0] != '\0' && strstr(request, etag) != NULL)
		answer(c, 304, headers, "", 0, 0);
	else if (strcmp(how, "cut") == 0)
		answer(c, 200, headers, b, n, n / 2);
	else if (strcmp(how, "slow") == 0) {
		answer(c, 200, headers, b, n, 0);
		for (size_t i = 0; i < n && put(c, b + i, 1); i++)
			sleep(1);
	} else
		answer(c, status, headers, b, n, n);
	free(b);
}

static void
route(struct conn *c, const char *path, const char *request)
{
	char name[256] = "", host[64] = "", headers[512];
	int code = 0;

	if (sscanf(path, "/status/%d/%255s", &code, name) == 2)
		serve_file(c, "status", name, request, code);
	else if (sscanf(path, "/away/%63[^/]/%d/%255s", host, &code, name) == 3) {
		snprintf(headers, sizeof(headers), "Location: http://%s:%d/%s\r\n", host, code, name);
		answer(c, 302, headers, "", 0, 0);
	} else if (strcmp(path, "/loop") == 0)
		answer(c, 302, "Location: /loop\r\n", "", 0, 0);
	else if (sscanf(path, "/flaky/%255s", name) == 1) {
		if (flaky_first(name))
			answer(c, 503, "Retry-After: 0\r\n", "", 0, 0);
		else
			serve_file(c, "", name, request, 200);
	} else if (sscanf(path, "/auth/%255s", name) == 1)
		serve_file(c, "", name, request, strstr(request, "X-Key: secret") != NULL ? 200 : 401);
	else if (sscanf(path, "/%63[a-z]/%255s", host, name) == 2)
		serve_file(c, host, name, request, 200);
	else
		serve_file(c, "", path + 1, request, 200);
}

static void *
serve(void *arg)
{
	struct conn *c = arg;
	char b[8192], path[1024];
	size_t n = 0;

	b[0] = '\0';
	if (c->ssl != NULL && (SSL_set_fd(c->ssl, c->fd) != 1 || SSL_accept(c->ssl) != 1))
		goto out;
	while (strstr(b, "\r\n\r\n") == NULL && n < sizeof(b) - 1) {
		ssize_t k = c->ssl != NULL ? SSL_read(c->ssl, b + n, (int)(sizeof(b) - 1 - n)) : read(c->fd, b + n, sizeof(b) - 1 - n);

		if (k <= 0)
			goto out;
		n += (size_t)k;
		b[n] = '\0';
	}
	if (sscanf(b, "GET %1023s", path) == 1)
		route(c, path, b);
out:
	if (c->ssl != NULL)
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	shutdown(c->fd, SHUT_WR);
	close(c->fd);
	free(c);
	return NULL;
}

static int
listen_any(unsigned *port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, len) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		return -1;
	*port = ntohs(sin.sin_port);
	return fd;
}

static void *
accept_all(void *arg)
{
	int ls = ((int *)arg)[0], is_tls = ((int *)arg)[1];

	for (;;) {
		struct conn *c = calloc(1, sizeof(*c));
		pthread_t t;

		if (c == NULL || (c->fd = accept(ls, NULL, NULL)) < 0) {
			free(c);
			continue;
		}
		if (is_tls)
			c->ssl = SSL_new(tls);
		if (pthread_create(&t, NULL, serve, c) == 0)
			pthread_detach(t);
		else
			close(c->fd);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	unsigned port[2] = {0, 0};
	int ls[2][2] = {{-1, 0}, {-1, 1}};
	pthread_t t;

	if (argc < 2)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	dir = argv[1];
	ls[0][0] = listen_any(&port[0]);
	ls[1][0] = listen_any(&port[1]);
	if (argc > 3) {
		tls = SSL_CTX_new(TLS_server_method());
		if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, argv[2]) != 1 ||
		    SSL_CTX_use_PrivateKey_file(tls, argv[3], SSL_FILETYPE_PEM) != 1) {
			fputs("ti_server: certificate\n", stderr);
			return 1;
		}
		pthread_create(&t, NULL, accept_all, ls[1]);
	}
	printf("%u %u\n", port[0], port[1]);
	fflush(stdout);
	accept_all(ls[0]);
	return 0;
}
