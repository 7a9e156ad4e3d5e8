/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_HELPER_H
#define LLMSEC_EGRESS_HELPER_H
/*
 * The helper's loop: lines from Squid in, answers out, the policy file watched in between.  Squid
 * treats a helper that exits as an emergency, so the loop ends only when Squid closes our input; an
 * output that is full or gone never stops it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "squid-helpers/egress_source.h"

struct egress_report;
struct egress_request;
struct egress_tunnels;
struct squid_line;

struct egress_helper {
	struct egress_source	 source;
	struct egress_report	*report;
	struct egress_tunnels	*tunnels;
	struct buf		 in, out;
	bool			 skipping;	/* inside a line that was too long */
	bool			 out_gone;	/* nobody reads our answers any more */
	int64_t			 lists_ms;	/* the same of the lists */
	int64_t			 checked_ms;	/* when the policy file was last looked at */
};

int	egress_helper_open(struct egress_helper *, const char *policy_path);
void	egress_helper_close(struct egress_helper *);

/* src method host port sni [more...] -> request; false with l->err set if that's not what it is. */
bool	egress_request_from_line(struct egress_request *, struct squid_line *);
/* Judge one line (decoded in place) and append the answer to h->out. */
void	egress_helper_line(struct egress_helper *, char *line, size_t n, int64_t now_ms);
/* Bytes as they come from Squid, lines cut anywhere; they are decoded in place. */
void	egress_helper_feed(struct egress_helper *, char *p, size_t n, int64_t now_ms);
/* Serve <in> and <out> until end of input.  SIGHUP: read the policy again. */
int	egress_helper_run(struct egress_helper *, int in, int out);
#endif
