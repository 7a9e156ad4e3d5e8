/* SPDX-License-Identifier: MIT */
/* What the kernel says of changes that others make to our routes and rules. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "squid-helpers/gate_kernel.h"

int
gate_watch_open(struct gate_kernel *k)
{
	static const int groups[] = { RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE };
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	socklen_t n = sizeof(a);
	int room = 4 << 20;

	/* So that what was our own doing is known by the port it came from. */
	if (bind(k->route_fd, (struct sockaddr *)&a, sizeof(a)) < 0 || getsockname(k->route_fd, (struct sockaddr *)&a, &n) < 0)
		return -errno;
	k->port = a.nl_pid;
	k->watch_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	/* One without a port hears nothing (netlink_broadcast). */
	a.nl_pid = 0;
	if (k->watch_fd < 0 || bind(k->watch_fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	setsockopt(k->watch_fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (setsockopt(k->watch_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) < 0)
			return -errno;
	return 0;
}

static bool
is_route_of(const struct gate_kernel *k, const struct nlmsghdr *h)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	/* RTA_NEXT takes off the aligned length, which may be more than is left: of a signed type (rtnetlink(3)). */
	int left = (int)RTM_PAYLOAD(h);
	uint32_t table;

	for (const struct rtattr *a = RTM_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == RTA_TABLE && RTA_PAYLOAD(a) == sizeof(table)) {
			memcpy(&table, RTA_DATA(a), sizeof(table));
			return table == k->table;
		}
	return false;
}

static bool
is_others(const struct gate_kernel *k, const struct nlmsghdr *h)
{
	if (h->nlmsg_pid == k->port)
		return false;
	switch (h->nlmsg_type) {
	case RTM_NEWRULE: case RTM_DELRULE:
		return true;
	case RTM_NEWROUTE: case RTM_DELROUTE:
		return is_route_of(k, h);
	}
	return false;
}

bool
gate_watch_changed(struct gate_kernel *k)
{
	static _Alignas(struct nlmsghdr) char b[65536];
	bool changed = false;

	for (;;) {
		ssize_t n = recv(k->watch_fd, b, sizeof(b), 0);
		int left = (int)n;	/* signed, as above (netlink(3)) */

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			changed = true;
			continue;
		}
		if (n <= 0)
			return changed;
		for (const struct nlmsghdr *h = (const void *)b; left > 0 && NLMSG_OK(h, (unsigned)left); h = NLMSG_NEXT(h, left))
			changed |= is_others(k, h);
	}
}
