/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOP_CONN_H
#define LLMSEC_SPOP_CONN_H
/*
 * The agent's side of one SPOP connection as a state machine over two byte queues; it does no I/O, so
 * the server, the unit tests and the fuzzers drive the same code.
 *
 *	HELLO --HAPROXY-HELLO--> READY --NOTIFY/UNSET--> READY --DISCONNECT or fault--> CLOSING
 *
 * The driver appends what it read (spop_conn_input), calls spop_conn_process, writes what is in
 * <out>, and closes once the state is CLOSING and <out> is empty.  spop_conn_process stops while <out>
 * is over the high-water mark: a peer that doesn't read its answers stops being served, it doesn't
 * grow the process.  A NOTIFY cut into fragments is collected first; several streams may interleave.
 *
 * One thread at a time per connection.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/spop.h"
#include "lib/buf.h"

struct wire_out;

enum spop_state { SPOP_ST_HELLO, SPOP_ST_READY, SPOP_ST_CLOSING };

struct spop_notify {
	uint64_t	 stream_id, frame_id;
	uint32_t	 peer_frame_size;	/* as offered in HELLO: HAProxy's tune.bufsize - 4 */
	const uint8_t	*payload;		/* the messages, reassembled; valid during the call */
	size_t		 len;
};

/* Answer one NOTIFY: write actions into <ack>.  0, or an enum spop_status to hang up with. */
typedef int (*spop_notify_fn)(void *arg, const struct spop_notify *, struct wire_out *ack);

struct spop_conn_conf {
	uint32_t	frame_cap;	/* largest max-frame-size we agree to */
	size_t		reassembly_max;	/* bytes of unfinished fragments per connection */
	size_t		out_high;	/* stop processing while this much output waits */
};

#define SPOP_FRAGS	16		/* fragmented messages under way at once */

struct spop_frag {
	uint64_t	stream_id, frame_id;
	bool		used;
	struct buf	data;
};

struct spop_conn {
	enum spop_state		 state;
	struct buf		 in, out;
	uint32_t		 frame_size;		/* agreed; both directions */
	uint32_t		 peer_frame_size;
	bool			 healthcheck;
	int			 status;		/* why CLOSING; enum spop_status */
	bool			 by_peer;		/* HAProxy said goodbye first */
	uint64_t		 n_frames, n_notifies, n_reassembled;
	struct spop_conn_conf	 conf;
	spop_notify_fn		 notify;
	void			*arg;
	struct spop_frag	 frags[SPOP_FRAGS];
	size_t			 frag_bytes;
};

void	spop_conn_init(struct spop_conn *, const struct spop_conn_conf *, spop_notify_fn, void *arg);
void	spop_conn_free(struct spop_conn *);
/* Room for at least <want> more input bytes, to read into; then spop_conn_got.  NULL: out of memory. */
char	*spop_conn_room(struct spop_conn *, size_t want);
void	spop_conn_got(struct spop_conn *, size_t n);
/* Serve the complete frames of the input.  True if it stopped because the output is full. */
bool	spop_conn_process(struct spop_conn *);
/* Queue AGENT-DISCONNECT and go to CLOSING; nothing if that happened before. */
void	spop_conn_disconnect(struct spop_conn *, enum spop_status);
#endif
