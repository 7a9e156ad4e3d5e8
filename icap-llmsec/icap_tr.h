/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_TR_H
#define LLMSEC_ICAP_TR_H
/*
 * The c-icap side: one struct tr per ICAP transaction, made when c-icap makes the request's data and dropped with
 * it.  Nothing here judges; inspect.h does.  One thread per transaction (c-icap's model).
 */
#include <stdbool.h>
#include <stdint.h>

#include <c_icap/c-icap.h>
#include <c_icap/service.h>
#include <c_icap/header.h>
#include <c_icap/simple_api.h>

#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "lib/counters.h"
#include "lib/edge_sign.h"
#include "lib/event.h"

enum tr_state {
	TR_COLLECT,		/* REQMOD: body is being collected */
	TR_STREAM,		/* RESPMOD: through inspect_resp */
	TR_CONTENT,		/* profile egress: icap_content.c */
	TR_SEND,		/* what is in <out> goes out, input is swallowed */
};

struct tr {
	ci_request_t		*req;
	const struct icap_policy *pol;	/* NULL: configuration is broken, everything is refused */
	struct arena		*arena;
	enum tr_state		 state;
	struct buf		 in;	/* REQMOD body */
	struct buf		 out;
	struct inspect_resp	*resp;
	bool			 eof, unlocked;
	bool			 egress;	/* profile of the forward proxy */
	bool			 broken;	/* bytes are gone that should not be a whole message: no orderly end */
	size_t			 keep;		/* bytes of a stream that wait for its end */
	size_t			 dripped;	/* bytes of a held answer that went out to keep it flowing */
	struct content		*content;
	char			 host[256];	/* egress: where the request goes */
	bool			 collected;	/* RESPMOD: end of data was judged */
	char			 method[16], url[2048];
	char			 request_id[80], client_ip[64], key[17];
	struct llm_route	 route;
	uint64_t		 t0;	/* monotonic us */
	uint64_t		 spent;	/* us of judging so far; waiting for bytes doesn't count */
};

/* icap_tr.c */
enum tr_counter {
	CTR_REQ_PASS, CTR_REQ_REWRITE, CTR_REQ_REFUSE, CTR_REQ_ERROR,
	CTR_RESP_PASS, CTR_RESP_STREAM, CTR_RESP_HOLD, CTR_RESP_REFUSE, CTR_RESP_ERROR,
	CTR_EDGE_OK, CTR_EDGE_ABSENT, CTR_EDGE_MALFORMED, CTR_EDGE_UNKNOWN_KEY, CTR_EDGE_STALE, CTR_EDGE_FORGED,
	CTR_BYTES_IN, CTR_EVENTS_FAILED, CTR_CONFIG_CURRENT, CTR_INSPECT_SECONDS,
	CTR_CONTENT_PASS, CTR_CONTENT_MONITOR, CTR_CONTENT_MASK, CTR_CONTENT_BLOCK, CTR_CONTENT_ERROR,
	CTR_SHADOW,		/* one per enum shadow_what */
	CTR_FILE = CTR_SHADOW + SHADOW_FAILED + 1,	/* one per class, then remote addresses */
	CTR_FILE_FOUND = CTR_FILE + ATTACH_CLASSES + 1,	/* one per enum attach_what */
	CTR_N = CTR_FILE_FOUND + ATTACH_N
};
extern struct counters *tr_counters;
void	tr_globals_open(const struct icap_policy *);
void	tr_globals_close(void);
uint64_t tr_now_us(void);
/* An empty arena for a transaction, NULL: no memory; and back.  Any thread.  All arenas of a process have one <limit>. */
struct arena *tr_arena_get(size_t limit);
void	tr_arena_put(struct arena *);
void	tr_arena_drop(void);	/* those that wait */
void	tr_count(enum tr_counter);
/* Files in a request, and what was found about them. */
void	tr_count_files(const struct inspect_req_out *);
/* Method, URL, request id, client address, key digest and route out of the encapsulated headers. */
void	tr_identify(struct tr *);
/* Checks X-Edge99-*; false: the transaction must be refused (a refusal has been prepared). */
bool	tr_edge_ok(struct tr *);
/*
 * Its Content-Encoding.  Header lines of one name are one list (RFC 9110 5.3), and c-icap knows the first only: several are a coding that
 * is none of ours.  NULL: absent.  Borrowed from the headers.
 */
const char *tr_coding(ci_headers_list_t *);
/* Of the encapsulated answer; 0: none. */
int	tr_status(ci_request_t *);
/* A message without a body may go on as it is: 204, or its headers again for a client that takes no 204. */
int	tr_pass_bodyless(struct tr *);
/* Turn the transaction into an HTTP answer of ours. */
void	tr_refuse(struct tr *, const struct refusal *);
void	tr_event(struct tr *, const char *event, const char *action, int severity, int score,
	    const struct findings *, const struct refusal *);
/* What became of a text for the shadow log; <policy> is the struct icap_policy that it belongs to. */
void	tr_shadow_told(void *policy, enum shadow_what, bool first, int error);

/* icap_events.c.  Any thread.  As event_emit(), by this process's own client; -EIO: it can't be opened. */
int	tr_events_emit(const struct icap_policy *, const struct event *);
void	tr_events_close(void);	/* of this process, when no transaction is left */

/* icap_reqmod.c, icap_respmod.c: CI_MOD_* answers to the preview and end-of-data callbacks. */
int	reqmod_headers(struct tr *);
int	reqmod_end(struct tr *);
int	respmod_headers(struct tr *);
int	respmod_end(struct tr *);
/* icap_content.c: the same for profile egress, both directions. */
int	egress_headers(struct tr *);
void	egress_feed(struct tr *, const char *, size_t);
int	egress_end(struct tr *);
/* Bytes of the origin; false: stop. */
void	respmod_feed(struct tr *, const char *, size_t);
#endif
