/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_INSPECT_H
#define LLMSEC_ICAP_INSPECT_H
/*
 * The inspection engine: one object per HTTP transaction and direction, plain buffers in, a verdict and
 * rewritten bytes out.  It knows nothing of c-icap; srv_llmsec.c translates, llmsec-scan and the fuzz
 * targets drive it directly.  The policy (struct icap_policy, icap_conf.h) is immutable and shared.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/attach.h"
#include "icap-llmsec/detect.h"
#include "icap-llmsec/dialect.h"
#include "icap-llmsec/mask.h"
#include "icap-llmsec/shadow.h"
#include "icap-llmsec/span.h"
#include "lib/arena.h"
#include "lib/buf.h"

struct icap_policy;		/* icap_conf.h */

enum inspect_action {
	INSPECT_PASS,		/* send the original bytes */
	INSPECT_REWRITE,	/* send out */
	INSPECT_REFUSE,		/* answer with refusal */
	INSPECT_ERROR		/* could not judge; refusal is filled in, policy.fail says what to do */
};

/* ---- request (REQMOD): the whole body is collected first -------------------------------------- */
struct inspect_req_in {
	const char	*method, *url;	/* path or absolute URL */
	const char	*content_type, *content_encoding;	/* NULL: absent */
	const char	*request_id;	/* verified X-Edge99-Request-Id, or the service's own */
	const char	*client_ip, *key_digest;
	const void	*body; size_t len;
};

struct inspect_req_out {
	enum inspect_action action;
	struct llm_route route;
	struct spans	 spans;
	struct buf	 body;		/* INSPECT_REWRITE: identity-coded; caller buf_free()s */
	bool		 drop_encoding;	/* body is no longer Content-Encoded */
	struct refusal	 refusal;	/* strings in the arena */
	struct tx	 tx;		/* to seal; caller tx_clear()s */
	struct findings	 findings;	/* everything found, for the event; text never */
	int		 score;		/* 0..100, of the worst span */
	int		 severity;	/* 0..10, of the worst finding that counts */
	bool		 notable;	/* findings that an event must tell */
	uint64_t	 us;		/* spent judging, by the clock on the wall */
	unsigned	 files[ATTACH_CLASSES], addresses;	/* parts that are no text, by what they are */
	unsigned	 file_findings[ATTACH_N];
	struct shadow_verdict *verdicts;	/* [spans.n], in the arena; NULL: the policy has no shadow log, or nothing was judged */
	uint64_t	 conversation;	/* names it until the next start; 0: unknown */
};

/* Never fails: trouble is INSPECT_ERROR. */
void	inspect_request(const struct icap_policy *, const struct inspect_req_in *, struct arena *,
	    struct inspect_req_out *);

/*
 * One span of a request, a part that is no text included (whose text is then in it), as detect_span().  <before>: it was judged in an earlier turn: only
 * personal data is looked for again, and types of files.  <run>: of this request; its arena is used.
 */
int	inspect_span(const struct detectors *, const struct detect_modes *, struct attach_run *run, struct span *, bool before,
	    struct findings *, struct detect_score *);
/* The name of the event that tells it. */
const char *inspect_req_event(const struct inspect_req_out *);

/* ---- response (RESPMOD): a stream of bytes ------------------------------------------------------ */
struct inspect_resp;

struct inspect_resp_in {
	struct llm_route route;		/* of the request; stream = client asked for it, if known */
	const char	*content_type, *content_encoding;
	int		 status;
	int64_t		 content_length;	/* -1 unknown */
	const char	*request_id;
	const char	*client_ip, *key_digest;	/* whose conversation it is; NULL: unknown */
	struct tx	 tx;		/* taken: freed with the object */
};

enum resp_mode {
	RESP_PASS,	/* not for us: 204 */
	RESP_STREAM,	/* SSE / NDJSON: bytes go out as they are judged */
	RESP_HOLD,	/* JSON: small bodies are held whole, so that the status can still change */
	RESP_REFUSE	/* decided at the headers (unknown coding, ...): see refusal */
};

int	inspect_resp_new(struct inspect_resp **, const struct icap_policy *, const struct inspect_resp_in *);
void	inspect_resp_free(struct inspect_resp **);
enum resp_mode inspect_resp_mode(const struct inspect_resp *);
/* Headers the adapter must change: Content-Encoding removed?  Content-Length unknown? */
bool	inspect_resp_drops_encoding(const struct inspect_resp *);
/* Feed origin bytes / the end.  Output appears in *out of the object. */
int	inspect_resp_feed(struct inspect_resp *, const void *, size_t);
int	inspect_resp_finish(struct inspect_resp *);
struct buf *inspect_resp_out(struct inspect_resp *);
/* RESP_HOLD: true once the headers must go out (more than hold_max bytes came, or the end): from then on
   the status can't change and refusals take the body's place. */
bool	inspect_resp_committed(const struct inspect_resp *);
/* After finish, or mid-stream: nothing more will come out, swallow the rest of the input. */
bool	inspect_resp_done(const struct inspect_resp *);
/* Before commitment: a refusal that replaces the whole response, or NULL. */
const struct refusal *inspect_resp_refusal(const struct inspect_resp *);
const struct findings *inspect_resp_findings(const struct inspect_resp *);
#endif
