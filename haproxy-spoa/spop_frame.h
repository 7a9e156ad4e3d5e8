/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOP_FRAME_H
#define LLMSEC_SPOP_FRAME_H
/*
 * SPOP frames (SPOE.txt 3.2): decode and encode, both directions, because the tests and the bench
 * speak HAProxy's part.  A frame here is what follows the 4-byte length.  Decoded frames borrow the
 * caller's bytes; encoders write frame *and* length into a wire_out.  Pure functions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/spop.h"
#include "haproxy-spoa/spop_value.h"
#include "lib/wire.h"

struct spop_frame {
	uint8_t		 type;
	uint32_t	 flags;
	uint64_t	 stream_id, frame_id;
	const uint8_t	*payload;
	size_t		 len;
};

/* 0, -ENODATA (shorter than its own header) or -EPROTO. */
int	spop_frame_decode(struct spop_frame *, const void *, size_t);

/* What both HELLO frames carry; an absent key has its has_ flag clear. */
struct spop_hello {
	bool		 has_version, has_frame_size, has_capabilities, healthcheck;
	bool		 version_2;	/* the list of versions names a 2.x */
	bool		 pipelining, fragmentation;
	uint64_t	 frame_size;
	const char	*engine_id;	/* borrowed, "" if absent */
	size_t		 engine_id_len;
};

int	spop_hello_decode(struct spop_hello *, const uint8_t *, size_t);
/* The status a DISCONNECT frame carries; SPOP_S_UNKNOWN if it has none.  0 or -errno. */
int	spop_disconnect_decode(uint32_t *status, const uint8_t *, size_t);

/* One message of a NOTIFY: false at the end or on an error (w->err). */
struct spop_message {
	const char	*name;
	size_t		 name_len;
	unsigned	 nargs;
	struct wire	 args;		/* exactly <nargs> key-values */
};
bool	spop_message_get(struct wire *, struct spop_message *);

/* Encoders.  begin leaves room for the length, end fills it in; -ENOSPC sticks in the wire_out. */
void	spop_frame_begin(struct wire_out *, enum spop_type, uint32_t flags, uint64_t stream_id,
	    uint64_t frame_id);
void	spop_frame_end(struct wire_out *);
void	spop_put_agent_hello(struct wire_out *, uint32_t frame_size);
void	spop_put_haproxy_hello(struct wire_out *, uint32_t frame_size, const char *capabilities,
	    bool healthcheck);
void	spop_put_disconnect(struct wire_out *, enum spop_type, enum spop_status);
void	spop_put_set_var(struct wire_out *, enum spop_scope, const char *name,
	    const struct spop_value *);
void	spop_put_unset_var(struct wire_out *, enum spop_scope, const char *name);

/* One action of an ACK (clients and tests). */
struct spop_action {
	uint8_t		 type;		/* 1 set-var, 2 unset-var */
	uint8_t		 scope;
	const char	*name;
	size_t		 name_len;
	struct spop_value value;
};
bool	spop_action_get(struct wire *, struct spop_action *);

const char *spop_status_str(uint32_t);
#endif
