/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_GATE_KERNEL_H
#define LLMSEC_GATE_KERNEL_H
/*
 * What the kernel does for llmsec-egress-gate, over netlink: a routing table of its own whose routes are all
 * "prohibit" (rtnetlink(7)), consulted for the sockets of one user only (ip-rule(8), uidrange), and the end of TCP
 * connections of that user (sock_diag(7), SOCK_DESTROY, RFC 1122 ABORT).  connect(2) to a network in the table fails
 * with EACCES before a packet is sent.  The table stays when the process ends.  Wants CAP_NET_ADMIN; one thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/cidr.h"

struct gate_kernel {
	int		 route_fd, diag_fd, watch_fd;
	uint32_t	 seq, table, port;	/* <port>: netlink's name for route_fd */
	uid_t		 uid;
};

/*
 * 0 or -errno: opened, and the rules that send <uid>'s sockets to <table> are there.  What those sockets say from one
 * of <ports>, to clients of the proxy, is left alone, whoever the clients are.
 */
int	gate_kernel_open(struct gate_kernel *, uid_t uid, uint32_t table, const uint16_t *ports, size_t n);
void	gate_kernel_close(struct gate_kernel *);
/* The rules again, in case that others took them away.  How many were not there, or -errno. */
int	gate_kernel_rules(struct gate_kernel *, const uint16_t *ports, size_t n);

/* Put a network into the table, or take it out.  What is there, or not there, already is no error. */
int	gate_kernel_route(struct gate_kernel *, const struct cidr *, bool add);
/* Every network in the table, to <fn>; 0, what <fn> returned, or -errno. */
int	gate_kernel_routes(struct gate_kernel *, int (*fn)(void *, const struct cidr *), void *arg);

/*
 * Did others change our routes or any rule since the last call?  The kernel tells (rtnetlink(7), groups); what it could
 * not tell for want of room, after changes of our own by the thousand, is a yes, too.
 */
bool	gate_watch_changed(struct gate_kernel *);
/* In gate_kernel_open(). */
int	gate_watch_open(struct gate_kernel *);

/* A TCP connection of the user.  Addresses: IPv4 as ::ffff:a.b.c.d. */
struct gate_socket {
	uint8_t		local[16], peer[16];
	uint16_t	local_port, peer_port;
};

/* End every connection that <fn> says yes to.  How many, or -errno: some of them go on, the others ended. */
int	gate_kernel_cut(struct gate_kernel *, bool (*fn)(void *, const struct gate_socket *), void *arg);
#endif
