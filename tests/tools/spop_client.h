/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TESTS_SPOP_CLIENT_H
#define LLMSEC_TESTS_SPOP_CLIENT_H
/*
 * HAProxy's side of SPOP, for tests and measurements: blocking, one thread, 5 s patience.
 * Every function that returns int gives 0 or -errno.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/spop_frame.h"
#include "lib/buf.h"

struct spop_client {
	int		fd;
	struct buf	in;
	size_t		taken;		/* bytes of the frame handed out last */
};

struct spop_request {
	const char	*method, *path, *request_id, *ip;	/* ip: dotted IPv4 */
	const char	*body;
	size_t		 body_len;
	int64_t		 body_size;
};

/* <addr> as in spoad.yaml: unix:PATH or HOST:PORT. */
int	spop_client_open(struct spop_client *, const char *addr);
void	spop_client_close(struct spop_client *);
int	spop_client_send(struct spop_client *, const void *, size_t);
/* Next frame; borrowed until the next call.  -EPIPE: the agent closed. */
int	spop_client_recv(struct spop_client *, struct spop_frame *);
int	spop_client_hello(struct spop_client *, bool healthcheck, struct spop_hello *);
/* The same with a max-frame-size other than that of haproxy.cfg. */
int	spop_client_offer(struct spop_client *, uint32_t frame_size, bool healthcheck, struct spop_hello *);
/* A complete NOTIFY of a `llmsec-request`; 0 if it doesn't fit, else its length. */
size_t	spop_request_encode(uint8_t *, size_t, const struct spop_request *, uint64_t stream_id);
/* In-process garbage through the real state machine and judge; 0 or 1 as exit status. */
int	spop_garbage_inside(uint64_t frames, uint64_t seed);
/* The same over a socket, to a live agent; <pid> of it to watch its memory, 0: don't. */
int	spop_garbage_socket(const char *addr, uint64_t frames, uint64_t seed, long pid);
/* An HTTP origin on <addr> that answers 200 only to requests whose X-Edge99 signature verifies. */
int	spop_origin(const char *addr, const char *keys);
#endif
