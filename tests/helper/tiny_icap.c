/* SPDX-License-Identifier: MIT */
/*
 * The smallest ICAP service (RFC 3507) that Squid accepts, for tests of Squid's configuration: binds
 * PORT of 127.0.0.1 and serves until killed, one thread per connection.  REQMOD takes the whole body
 * before it answers, RESPMOD passes each chunk on as it comes; neither changes anything.  REQMOD gives
 * the transaction an ICAP header "X-LLMSec-Tx: sealed", which Squid is to hand to RESPMOD.
 *
 * Prints the headers of each transaction, "METHOD I line" for ICAP's own and "METHOD H line" for the
 * HTTP headers inside.
 */
#include "config.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX	131072
#define CHUNK_MAX	(1 << 20)
#define BODY_MAX	(32 << 20)

struct conn {
	FILE	*in, *out;
	char	 icap[HEAD_MAX];	/* header lines, each ended by LF */
	char	 method[16];
	char	 http[HEAD_MAX];	/* encapsulated headers as they came */
	size_t	 http_len;
	size_t	 res_at;		/* RESPMOD: where the response's header begins */
	bool	 has_body;
	char	 chunk[CHUNK_MAX];
};

static bool
read_icap_head(struct conn *c)
{
	size_t n = 0, k;

	while (fgets(c->icap + n, (int)(sizeof(c->icap) - n), c->in) != NULL) {
		k = strcspn(c->icap + n, "\r\n");
		if (k == 0 && n == 0)
			continue;
		if (k == 0) {
			c->icap[n] = '\0';
			return sscanf(c->icap, "%15s", c->method) == 1;
		}
		n += k;
		if (n + 2 >= sizeof(c->icap))
			return false;
		c->icap[n++] = '\n';
	}
	return false;
}

static const char *
icap_field(const struct conn *c, const char *name)
{
	const char *at = strcasestr(c->icap, name);

	return at != NULL ? at + strlen(name) : NULL;
}

/* Encapsulated: req-hdr=0, res-hdr=137, res-body=296 */
static bool
read_http_heads(struct conn *c)
{
	const char *e = icap_field(c, "\nEncapsulated:"), *body, *res;

	body = e ? strstr(e, "-body=") : NULL;
	if (body == NULL)
		return false;
	res = strstr(e, "res-hdr=");
	c->has_body = strncmp(body - 4, "null", 4) != 0;
	c->http_len = strtoul(body + 6, NULL, 10);
	c->res_at = res ? strtoul(res + 8, NULL, 10) : 0;
	return c->http_len < sizeof(c->http) && c->res_at <= c->http_len &&
	    fread(c->http, 1, c->http_len, c->in) == c->http_len;
}

/* Into c->chunk; its size, 0 at the end of the body, -1 on error.  *whole: the preview was all. */
static long
read_chunk(struct conn *c, bool *whole)
{
	char line[256];
	unsigned long n;

	if (fgets(line, sizeof(line), c->in) == NULL)
		return -1;
	n = strtoul(line, NULL, 16);
	*whole = strstr(line, "ieof") != NULL;
	if (n > sizeof(c->chunk) || fread(c->chunk, 1, n, c->in) != n ||
	    fgets(line, sizeof(line), c->in) == NULL)
		return -1;
	return (long)n;
}

static void
write_chunk(struct conn *c, size_t n)
{
	fprintf(c->out, "%zx\r\n", n);
	fwrite(c->chunk, 1, n, c->out);
	fputs("\r\n", c->out);
	fflush(c->out);
}

/* The headers come back as they are, and whatever body follows them. */
static void
write_head(struct conn *c, const char *part, size_t from)
{
	const char *tx = from == 0 ? "X-LLMSec-Tx: sealed\r\n" : "";

	fprintf(c->out, "ICAP/1.0 200 OK\r\nISTag: \"tiny\"\r\n%sEncapsulated: %s-hdr=0, %s-body=%zu\r\n\r\n",
	    tx, part, c->has_body ? part : "null", c->http_len - from);
	fwrite(c->http + from, 1, c->http_len - from, c->out);
	fflush(c->out);
}

/* After "Preview: 0" the sender waits to be told to go on.  false: the connection is of no use. */
static bool
begin_body(struct conn *c, bool *whole)
{
	*whole = false;
	if (icap_field(c, "\nPreview:") == NULL)
		return true;
	if (read_chunk(c, whole) != 0)
		return false;
	if (!*whole) {
		fputs("ICAP/1.0 100 Continue\r\n\r\n", c->out);
		fflush(c->out);
	}
	return true;
}

static bool
reqmod(struct conn *c)
{
	char *body = NULL, *grown;
	size_t len = 0, room = 0;
	long n = 0;
	bool whole = true, ok = !c->has_body || begin_body(c, &whole);

	while (ok && !whole && (n = read_chunk(c, &whole)) > 0) {
		if (len + (size_t)n > room) {	/* doubled: ASan's realloc() always copies */
			room = room > 0 ? 2 * room : CHUNK_MAX;
			grown = room <= BODY_MAX ? realloc(body, room) : NULL;
			if (grown == NULL) {
				ok = false;
				break;
			}
			body = grown;
		}
		memcpy(body + len, c->chunk, (size_t)n);
		len += (size_t)n;
		whole = false;
	}
	ok = ok && n >= 0;
	if (ok)
		write_head(c, "req", 0);
	for (size_t at = 0, k; ok && at < len; at += k) {
		k = len - at < 16384 ? len - at : 16384;
		memcpy(c->chunk, body + at, k);
		write_chunk(c, k);
	}
	if (ok && c->has_body)
		fputs("0\r\n\r\n", c->out);
	free(body);
	return ok && fflush(c->out) == 0;
}

static bool
respmod(struct conn *c)
{
	bool whole = true;
	long n = 0;

	if (c->has_body && !begin_body(c, &whole))
		return false;
	write_head(c, "res", c->res_at);
	while (!whole && (n = read_chunk(c, &whole)) > 0)
		write_chunk(c, (size_t)n);
	if (n < 0)
		return false;
	if (c->has_body)
		fputs("0\r\n\r\n", c->out);
	return fflush(c->out) == 0;
}

static bool
options(struct conn *c)
{
	fputs("ICAP/1.0 200 OK\r\nMethods: REQMOD, RESPMOD\r\nService: tiny\r\nISTag: \"tiny\"\r\n"
	    "Preview: 0\r\nTransfer-Preview: *\r\nAllow: 204\r\nMax-Connections: 100\r\n"
	    "Options-TTL: 3600\r\nEncapsulated: null-body=0\r\n\r\n", c->out);
	return fflush(c->out) == 0;
}

static void
print_lines(const char *method, char kind, const char *text, size_t n)
{
	while (n > 0) {
		const char *lf = memchr(text, '\n', n);
		size_t k = lf ? (size_t)(lf - text) : n;

		printf("%s %c %.*s\n", method, kind, (int)strcspn(text, "\r\n"), text);
		k += lf != NULL;
		text += k;
		n -= k;
	}
}

static void *
serve(void *arg)
{
	struct conn *c = arg;
	bool ok = true;

	while (ok && read_icap_head(c)) {
		c->http_len = 0;
		if (strcmp(c->method, "OPTIONS") != 0 && !read_http_heads(c))
			break;
		c->http[c->http_len] = '\0';
		flockfile(stdout);
		print_lines(c->method, 'I', c->icap, strlen(c->icap));
		print_lines(c->method, 'H', c->http, c->http_len);
		funlockfile(stdout);
		if (strcmp(c->method, "REQMOD") == 0)
			ok = reqmod(c);
		else if (strcmp(c->method, "RESPMOD") == 0)
			ok = respmod(c);
		else
			ok = options(c);
	}
	fclose(c->in);
	fclose(c->out);
	free(c);
	return NULL;
}

static void
start_thread(int fd)
{
	struct conn *c = calloc(1, sizeof(*c));
	pthread_t t;

	if (c == NULL || (c->in = fdopen(fd, "r")) == NULL || (c->out = fdopen(dup(fd), "w")) == NULL ||
	    pthread_create(&t, NULL, serve, c) != 0) {
		perror("tiny_icap");
		exit(1);
	}
	pthread_detach(t);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int ls = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	sin.sin_port = htons((uint16_t)(argc == 2 ? atoi(argv[1]) : 0));
	if (sin.sin_port == 0) {
		fputs("usage: tiny_icap PORT\n", stderr);
		return 2;
	}
	if (ls < 0 || setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(ls, (struct sockaddr *)&sin, sizeof(sin)) < 0 || listen(ls, 128) < 0) {
		perror("tiny_icap");
		return 1;
	}
	puts("ready");
	for (;;) {
		int fd = accept(ls, NULL, NULL);

		if (fd >= 0)
			start_thread(fd);
	}
}
