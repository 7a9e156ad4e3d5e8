/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_FLOOD_H
#define LLMSEC_FLOOD_H
/*
 * llmsec-flood: a hostile client, and a well-behaved one to stand beside it.  From a source address of its own, on
 * loopback only, bounded in connections and time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum { FLOOD_CONNS_MAX = 1000, FLOOD_SECONDS_MAX = 60, FLOOD_SAMPLES = 400000 };

struct flood {
	const char	*source;	/* our address */
	uint16_t	 port;
	bool		 tls, h2;
	unsigned	 conns, interval_ms;
	double		 rate;			/* of pace: requests a second */
	double		 seconds, until;	/* the latter on flood_now() */
	SSL_CTX		*ctx;
	/* what happened */
	unsigned long	 opened, refused, closed;	/* connections */
	unsigned long	 sent, status[600];		/* requests; answers by status, 0: none */
	double		*sample;			/* of probe: ms a request */
	size_t		 n_sample;
};

struct conn {
	int	 fd;
	SSL	*ssl;
};

double	flood_now(void);
/* -1: refused, or closed during the handshake; counted.  At most two seconds for each. */
int	conn_open(struct flood *, struct conn *);
void	conn_close(struct conn *);
int	conn_write(struct conn *, const void *, size_t);	/* all of it or -1 */
ssize_t	conn_read(struct conn *, void *, size_t);		/* > 0, or 0 / -1 at the end */
enum { CONN_NOTHING = -2 };
/* What comes within <ms>: > 0, 0 / -1 at the end, or CONN_NOTHING. */
ssize_t	conn_try(struct conn *, void *, size_t, int ms);
/* One request over HTTP/1.1 and its answer's status; 0: closed. */
unsigned conn_ask(struct conn *);

/* Modes; each until f->until. */
void	flood_keepalive(struct flood *);	/* requests as fast as they are answered */
void	flood_connect(struct flood *);		/* a connection for each request */
void	flood_slowloris(struct flood *);	/* headers that never end */
void	flood_slowbody(struct flood *);		/* a body a byte at a time */
void	flood_probe(struct flood *);		/* the well-behaved: one request every interval_ms */
void	flood_pace(struct flood *);		/* <rate> of them, latency from when each was due */
void	flood_h2(struct flood *);		/* many streams at once */
void	flood_reset(struct flood *);		/* streams reset as soon as they are open: CVE-2023-44487 */
void	flood_settings(struct flood *);		/* SETTINGS and PING, which must be answered, and no request */
#endif
