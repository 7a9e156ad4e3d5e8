/* SPDX-License-Identifier: MIT */
#ifndef MOCK_SERVE_H
#define MOCK_SERVE_H
/*
 * The HTTP and HTTPS sides of the mock provider: libmicrohttpd with one thread per connection, so that
 * each stream sleeps until its next event is due and nobody waits for anybody else.
 */
#include <stdio.h>

struct serve_options {
	const char *bind;	/* address */
	int port, tls_port;	/* -1: off; 0: any free one */
	const char *cert_file, *key_file;
	int interval_ms;	/* where a request does not say */
	FILE *log;		/* one line per request; may be NULL */
};

struct serve;
/* Start.  NULL: errno and a message on stderr. */
struct serve *serve_start(const struct serve_options *);
/* The port in use, or -1. */
int	serve_port(const struct serve *, int tls);
/* End all streams and free everything. */
void	serve_stop(struct serve *);
#endif
