/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_REQUEST_H
#define LLMSEC_BAN_REQUEST_H
/*
 * The body of POST and DELETE /_cluster/blacklist: an object, or an array of them (docs/bans.md).
 *	{"ip":"192.0.2.7" | "cidr":"192.0.2.0/24", "ttl_s":3600, "reason":"...", "scope":"edge"|"cluster"}
 * A DELETE may also name whom llmsec-spoad bans: {"key":"16 hex digits"}, {"ja4":"FINGERPRINT[@ADDRESS]"}.
 * What another edge says may also have "by":"operator"|"edge.ban" and "ttl_ms" in place of "ttl_s".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ban_list.h"

/* Whom only an agent knows: the digest of a key, or a fingerprint. */
struct ban_id {
	bool		 ja4;
	char		 text[128];
};

struct ban_request {
	struct ban	*v;
	size_t		 n;
	struct ban_id	*id;
	size_t		 n_ids;
	char		 why[160];	/* what is wrong with it */
};

struct ban_request_from {
	int64_t		 now_ms, default_ttl_ms;
	enum ban_scope	 default_scope;
	int		 edge;		/* whose votes they become */
	bool		 node;		/* another edge is speaking */
	bool		 ids;		/* they may be in it */
};

/* False: <why>.  Free it in any case. */
bool	ban_request_parse(struct ban_request *, const void *body, size_t len, const struct ban_request_from *);
void	ban_request_free(struct ban_request *);
#endif
