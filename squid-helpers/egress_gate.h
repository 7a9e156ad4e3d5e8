/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_GATE_H
#define LLMSEC_EGRESS_GATE_H
/*
 * The addresses that the lists of llmsecd's API and the set of llmsec-ti-sync refuse, held in the kernel for Squid's user, so that
 * what is checked is what is dialled; and the end of connections that a change of lists or policy revokes.  Two sources:
 *
 *	the lists (egress_lists.h) and the set (set_ip.h), looked at every 20 ms: networks become routes, connections to them
 *	end; what others take out of the kernel, which says so, is back a second later;
 *	datagrams of the helper on a UNIX socket, lines of "cut ADDRESS PORT": that client's connection to the proxy ends.
 *
 * One thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/set_file.h"
#include "squid-helpers/gate_kernel.h"
#include "squid-helpers/gate_nets.h"

#define EGRESS_GATE_PORTS	16

struct egress_lists;
struct set_ip;

/* One file: which one stood at its place, and what came of reading it, 0 or -errno. */
struct egress_gate_file {
	const char		*path;		/* borrowed; "": none */
	struct set_stamp	 seen;
	int			 err;
};

struct egress_gate {
	struct gate_kernel	 kernel;
	struct egress_gate_file	 lists_file, threats_file;
	struct egress_lists	*lists;		/* the last good ones */
	struct set_ip		*threats;	/* likewise */
	int			 min_confidence; /* of <threats>: only entries at least as sure */
	time_t			 checked, renewed;
	int			 kernel_err;	/* of the last try */
	struct gate_nets	 nets;		/* in the kernel, sorted */
	bool			 stale;		/* others changed what is there */
	uint16_t		 ports[EGRESS_GATE_PORTS];	/* of the proxy */
	size_t			 n_ports;
	int			 fd;		/* of the helper's datagrams */
};

/* lists_file.path, threats_file.path, min_confidence, ports are set.  <uid>: of Squid; owns the socket.  0 or -errno, logged. */
int	egress_gate_open(struct egress_gate *, const char *socket_path, uid_t uid, uint32_t table);
void	egress_gate_close(struct egress_gate *);
/*
 * Look at the files.  0: they, or none, are in force; or -errno, logged once: what was in force stays, and what may
 * get better by itself is tried again with the next second.
 */
int	egress_gate_check(struct egress_gate *, time_t now);
/* One datagram, of <n> bytes from outside. */
void	egress_gate_datagram(struct egress_gate *, const char *p, size_t n);
/* Does Squid listen there? */
bool	egress_gate_is_proxy(const struct egress_gate *, uint16_t port);
/* Until SIGTERM or SIGINT. */
void	egress_gate_run(struct egress_gate *);
#endif
