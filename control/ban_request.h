/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_REQUEST_H
#define LLMSEC_BAN_REQUEST_H
/*
 * The body of POST and DELETE /_cluster/blacklist: an object, or an array of them (docs/bans.md).
 *	{"ip":"192.0.2.7" | "cidr":"192.0.2.0/24", "ttl_s":3600, "reason":"...", "scope":"edge"|"cluster"}
 * What another edge says may also have "by":"operator"|"edge.ban" and "ttl_ms" in place of "ttl_s".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ban_list.h"

struct ban_request {
	struct ban	*v;
	size_t		 n;
	char		 why[160];	/* what is wrong with it */
};

struct ban_request_from {
	int64_t		 now_ms, default_ttl_ms;
	enum ban_scope	 default_scope;
	int		 edge;		/* whose votes they become */
	bool		 node;		/* another edge is speaking */
};

/* False: <why>.  Free it in any case. */
bool	ban_request_parse(struct ban_request *, const void *body, size_t len, const struct ban_request_from *);
void	ban_request_free(struct ban_request *);
#endif
