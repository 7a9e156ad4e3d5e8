/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_NODE_SIGN_H
#define LLMSEC_NODE_SIGN_H
/*
 * Signed requests between nodes (docs/cluster.md, "Signatures"): four headers,
 *	X-LLMSec-Key-Id     which key of the ring
 *	X-LLMSec-Timestamp  seconds since the epoch
 *	X-LLMSec-Nonce      32 hex digits, never used twice
 *	X-LLMSec-Signature  64 hex digits: HMAC-SHA256 over method, path with query, timestamp, nonce and the
 *	                    SHA-256 of the body, each behind its length (4 bytes, big-endian)
 * The ring is edge_sign.h's: the first key signs, all verify, so that keys rotate without a gap.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NODE_WINDOW_S	300	/* how far two clocks may differ */
#define NODE_NONCES	65536	/* remembered at a time: 109 requests a second */
#define NODE_VALUE_MAX	72

struct keyring;
struct nonces;

enum node_hdr { NODE_KEY_ID, NODE_TIMESTAMP, NODE_NONCE, NODE_SIGNATURE, NODE_HDR_N };
extern const char *const node_hdr_name[NODE_HDR_N];

struct node_sig {
	char	v[NODE_HDR_N][NODE_VALUE_MAX];		/* as sent */
};

struct node_msg {
	const char	*method, *path;			/* path: with the query, as in the request line */
	const void	*body;
	size_t		 body_len;
};

enum node_verdict {
	NODE_OK, NODE_ABSENT, NODE_MALFORMED, NODE_UNKNOWN_KEY, NODE_STALE, NODE_FORGED, NODE_REPLAYED,
	NODE_FULL, NODE_VERDICT_N
};

/* 0, -ENOKEY: the ring is empty, or -errno. */
int	node_sign(struct node_sig *, const struct keyring *, const struct node_msg *, time_t now);
/* The four values (NULL: no such header) as a signature: NODE_OK, NODE_ABSENT (none of them) or NODE_MALFORMED. */
enum node_verdict node_sig_take(struct node_sig *, const char *const values[NODE_HDR_N]);
/* What its headers alone tell, before the body is read: NODE_OK, NODE_UNKNOWN_KEY or NODE_STALE. */
enum node_verdict node_sig_look(const struct node_sig *, const struct keyring *, const struct nonces *,
	    time_t now);
/* The whole judgement; only NODE_OK is one of ours.  Compares in constant time.  Any number of threads. */
enum node_verdict node_verify(const struct node_sig *, const struct keyring *, struct nonces *,
	    const struct node_msg *, time_t now);
const char *node_verdict_str(enum node_verdict);

/*
 * Nonces seen, <max> at most: a full memory refuses (NODE_FULL) instead of forgetting.  Only signed requests
 * get in.  What was signed up to <now> is stale from the start: a predecessor may have seen it.
 */
struct nonces	*nonces_new(size_t max, time_t now);
void		 nonces_free(struct nonces **);
#endif
