/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BOT_HEAD_H
#define LLMSEC_BOT_HEAD_H
/* The headers that the score looks at, found in one pass; borrowed from the request. */
#include "haproxy-spoa/req_view.h"

enum head_name {
	H_HOST, H_USER_AGENT, H_ACCEPT, H_ACCEPT_LANGUAGE, H_ACCEPT_ENCODING, H_SEC_FETCH_SITE, H_SEC_FETCH_MODE,
	H_SEC_FETCH_DEST, H_SEC_CH_UA, H_SEC_CH_UA_PLATFORM, H_UPGRADE_INSECURE, H_UPGRADE, H_CONNECTION,
	H_PROXY_CONNECTION, H_KEEP_ALIVE, H_TRANSFER_ENCODING, H_CONTENT_LENGTH,
	/* that claim a client's address */
	H_X_FORWARDED_FOR, H_X_REAL_IP, H_X_CLIENT_IP, H_X_REMOTE_IP, H_X_REMOTE_ADDR, H_X_ORIGINATING_IP,
	H_X_CLUSTER_CLIENT_IP, H_TRUE_CLIENT_IP, H_CF_CONNECTING_IP, H_FORWARDED,
	H_N
};

struct head {
	uint64_t	 seen, twice;		/* bit H_* */
	struct span	 value[H_N];		/* of the first one */
	uint16_t	 at[H_N];		/* its place among the headers */
	bool		 edge;			/* X-Edge99-* or X-LLMSec-* */
};

/* Where a name's hash leads: H_* + 1, 0 nothing. */
struct head_index {
	uint8_t		 slot[256];
};

void	head_index_build(struct head_index *);
void	head_read(struct head *, const struct head_index *, const struct req_view *);

static inline bool
head_has(const struct head *h, enum head_name n)
{
	return (h->seen & (uint64_t)1 << n) != 0;
}
#endif
