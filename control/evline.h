/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EVLINE_H
#define LLMSEC_EVLINE_H
/*
 * One event as it comes from a socket or spool: a line of JSON, checked member by member, because
 * everything behind it (database, API, whoever reads those) trusts it.  Members nobody knows are
 * kept in the line and ignored, so an older collector takes a newer sender's events.
 */
#include <stddef.h>
#include <stdint.h>

#define EVLINE_MAX	65536	/* bytes of one line, without its newline */

struct evline {
	/* All text lives in <doc>; NULL: the event hasn't this member. */
	const char	*id, *node, *layer, *event, *action;	/* never NULL */
	const char	*ip, *ja4, *key, *user, *request_id, *target;
	int64_t		 ts_ms;
	int64_t		 ttl_s;
	int		 severity;
	int		 score;		/* -1: none */
	void		*doc;
};

/*
 * 0, or -EINVAL with *why set to static text that quotes none of the input.  <ev> needs no
 * initialisation and is owned by the caller after success (evline_clear).
 */
int	evline_parse(struct evline *ev, const char *line, size_t len, const char **why);
void	evline_clear(struct evline *);
#endif
