/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAPC_H
#define LLMSEC_ICAPC_H
/*
 * llmsec-icapc: an ICAP client (RFC 3507) for tests.  What Squid never does on purpose, this does on
 * request: bodies in slices of any size with pauses, no preview, requests ahead of the answers.
 * One connection, one thread.  Errors: 0 or -errno.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/edge_sign.h"

struct icapc_opt {
	const char	*method;	/* OPTIONS, REQMOD, RESPMOD */
	const char	*host, *port, *service;
	const char	*http_method, *url, *status;
	struct buf	 icap_hdrs, req_hdrs, resp_hdrs;	/* whole lines, with CRLF */
	struct buf	 body;
	bool		 has_body, no_length;
	size_t		 slice;		/* bytes a chunk; 0: 4096 */
	unsigned	 seed;		/* not 0: slices of 1..slice bytes, drawn */
	int		 delay_ms;	/* between slices */
	int		 deaf_ms;	/* so long nothing is read */
	bool		 no_preview, allow204, pipeline;
	int		 count, timeout_ms;
	const char	*head_out, *body_out, *counters_dir;
	struct keyring	*keyring;	/* sign as the edge does */
	const char	*request_id;
	int		 age_s;		/* how old the signature is */
	bool		 forge;
};

/* Times are microseconds since the transaction's first byte was queued; 0: did not happen. */
struct icapc_answer {
	int		 icap, http;	/* status; 0: none came */
	struct buf	 icap_head, head, body;	/* head: of the encapsulated message */
	uint64_t	 first_us, sent_us, total_us;
	bool		 complete;
};

/* icapc_msg.c: one request's head (up to its body), and the next slice of the body as a chunk. */
int	icapc_msg_head(struct buf *, const struct icapc_opt *);
int	icapc_msg_chunk(struct buf *, const struct icapc_opt *, size_t *at, unsigned *rnd);
int	icapc_msg_end(struct buf *);

/* icapc_answer.c: takes from <in> what can be understood; > 0: a "100 Continue" went by. */
int	icapc_answer_take(struct icapc_answer *, struct buf *in);
void	icapc_answer_free(struct icapc_answer *);

/* icapc_io.c */
struct icapc_conn;
int	icapc_conn_open(struct icapc_conn **, const struct icapc_opt *);
void	icapc_conn_close(struct icapc_conn **);
/* One request and its answer.  -EPIPE: the connection ended first, -ETIMEDOUT. */
int	icapc_conn_do(struct icapc_conn *, struct icapc_answer *);
/* Only sends, for answers read later; only reads. */
int	icapc_conn_queue(struct icapc_conn *);
int	icapc_conn_read(struct icapc_conn *, struct icapc_answer *);
#endif
