/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/fib_rules.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include "squid-helpers/gate_kernel.h"

/*
 * Of our ip rules, behind "local" (0) and before "main" (32766): what comes from a port of the proxy goes past the
 * table, the rest of the user's sockets asks it.
 */
#define PRIORITY_PORTS	50
#define PRIORITY_TABLE	51
#define PRIORITY_PAST	52
#define PROTOCOL	108	/* marks our routes and rules; rtnetlink(7) leaves numbers above RTPROT_STATIC to programs */

#define ROUNDS_MAX	128	/* of 1024 connections: more than a Squid has descriptors */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

struct request {
	struct nlmsghdr	h;
	union {
		struct rtmsg		 route;
		struct fib_rule_hdr	 rule;
		struct inet_diag_req_v2	 diag;
		char			 room[256];
	} u;
};

static int
netlink_open(int protocol)
{
	struct timeval wait = { .tv_sec = 5 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

static void
attr_add(struct request *r, unsigned short type, const void *p, size_t n)
{
	struct rtattr a = { .rta_type = type, .rta_len = (unsigned short)RTA_LENGTH(n) };
	char *to = (char *)r + NLMSG_ALIGN(r->h.nlmsg_len);

	memcpy(to, &a, sizeof(a));
	memcpy(to + RTA_LENGTH(0), p, n);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a.rta_len);
}

static int
request_send(struct gate_kernel *k, int fd, struct request *r)
{
	r->h.nlmsg_seq = ++k->seq;
	return send(fd, r, r->h.nlmsg_len, 0) < 0 ? -errno : 0;
}

/*
 * Read answers to the last request until its end or its acknowledgement.  <each> gets every message in between.
 */
static int
answers(struct gate_kernel *k, int fd, int (*each)(void *, const struct nlmsghdr *), void *arg)
{
	static _Alignas(struct nlmsghdr) char b[65536];
	int r = 0;

	for (;;) {
		ssize_t n = recv(fd, b, sizeof(b), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		for (size_t at = 0; at + sizeof(struct nlmsghdr) <= (size_t)n; ) {
			struct nlmsghdr h;
			int err = 0;

			memcpy(&h, b + at, sizeof(h));
			if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > (size_t)n - at)
				return -EBADMSG;
			if (h.nlmsg_seq == k->seq && h.nlmsg_type == NLMSG_DONE)
				return r;
			if (h.nlmsg_seq == k->seq && h.nlmsg_type == NLMSG_ERROR) {
				if (h.nlmsg_len >= sizeof(h) + sizeof(err))
					memcpy(&err, b + at + sizeof(h), sizeof(err));
				return err != 0 ? err : r;
			}
			if (h.nlmsg_seq == k->seq && each != NULL && r == 0)
				r = each(arg, (const struct nlmsghdr *)(const void *)(b + at));
			at += NLMSG_ALIGN(h.nlmsg_len);
		}
	}
}

/* --- routes ---------------------------------------------------------------------------------- */

/* 1: it was not there. */
static int
rule_add(struct gate_kernel *k, unsigned char family, uint32_t priority, uint16_t port)
{
	struct request r = { .h = { .nlmsg_type = RTM_NEWRULE, .nlmsg_len = NLMSG_LENGTH(sizeof(r.u.rule)),
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
	    .u.rule = { .family = family, .action = priority == PRIORITY_PORTS ? FR_ACT_GOTO :
	    priority == PRIORITY_TABLE ? FR_ACT_TO_TBL : FR_ACT_NOP } };
	struct fib_rule_uid_range uids = { k->uid, k->uid };
	struct fib_rule_port_range ports = { port, port };
	uint32_t past = PRIORITY_PAST;
	uint8_t tcp = IPPROTO_TCP, protocol = PROTOCOL;
	int err;

	attr_add(&r, FRA_PRIORITY, &priority, sizeof(priority));
	attr_add(&r, FRA_UID_RANGE, &uids, sizeof(uids));
	attr_add(&r, FRA_PROTOCOL, &protocol, sizeof(protocol));
	if (priority == PRIORITY_TABLE)
		attr_add(&r, FRA_TABLE, &k->table, sizeof(k->table));
	if (priority == PRIORITY_PORTS) {
		attr_add(&r, FRA_GOTO, &past, sizeof(past));
		attr_add(&r, FRA_IP_PROTO, &tcp, sizeof(tcp));
		attr_add(&r, FRA_SPORT_RANGE, &ports, sizeof(ports));
	}
	err = request_send(k, k->route_fd, &r);
	if (err == 0)
		err = answers(k, k->route_fd, NULL, NULL);
	return err == -EEXIST ? 0 : err < 0 ? err : 1;
}

static int
rules_add(struct gate_kernel *k, unsigned char family, const uint16_t *ports, size_t n)
{
	int added = 0, r = rule_add(k, family, PRIORITY_PAST, 0);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		added += r;
		r = rule_add(k, family, PRIORITY_PORTS, ports[i]);
	}
	if (r >= 0) {
		added += r;
		r = rule_add(k, family, PRIORITY_TABLE, 0);
	}
	return r < 0 ? r : added + r;
}

int
gate_kernel_rules(struct gate_kernel *k, const uint16_t *ports, size_t n)
{
	int v4 = rules_add(k, AF_INET, ports, n), v6 = rules_add(k, AF_INET6, ports, n);

	/* A kernel without IPv6 has no such connections either. */
	if (v6 == -EAFNOSUPPORT || v6 == -EOPNOTSUPP)
		v6 = 0;
	return v4 < 0 ? v4 : v6 < 0 ? v6 : v4 + v6;
}

int
gate_kernel_open(struct gate_kernel *k, uid_t uid, uint32_t table, const uint16_t *ports, size_t n)
{
	int err = 0;

	*k = (struct gate_kernel){ .uid = uid, .table = table, .watch_fd = -1 };
	k->route_fd = netlink_open(NETLINK_ROUTE);
	k->diag_fd = netlink_open(NETLINK_SOCK_DIAG);
	if (k->route_fd < 0 || k->diag_fd < 0)
		err = -errno;
	if (err == 0)
		err = gate_watch_open(k);
	if (err == 0)
		err = gate_kernel_rules(k, ports, n);
	if (err < 0)
		gate_kernel_close(k);
	return err < 0 ? err : 0;
}

void
gate_kernel_close(struct gate_kernel *k)
{
	if (k->route_fd >= 0)
		close(k->route_fd);
	if (k->diag_fd >= 0)
		close(k->diag_fd);
	if (k->watch_fd >= 0)
		close(k->watch_fd);
	k->route_fd = k->diag_fd = k->watch_fd = -1;
}

int
gate_kernel_route(struct gate_kernel *k, const struct cidr *c, bool add)
{
	bool v4 = cidr_is_v4(c);
	struct request r = { .h = { .nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE,
	    .nlmsg_len = NLMSG_LENGTH(sizeof(r.u.route)),
	    .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0)) },
	    .u.route = { .rtm_family = v4 ? AF_INET : AF_INET6, .rtm_dst_len = (unsigned char)(v4 ? c->len - 96 : c->len),
	    .rtm_protocol = PROTOCOL, .rtm_type = RTN_PROHIBIT, .rtm_scope = RT_SCOPE_UNIVERSE } };
	int err;

	attr_add(&r, RTA_TABLE, &k->table, sizeof(k->table));
	attr_add(&r, RTA_DST, v4 ? c->addr + 12 : c->addr, v4 ? 4 : 16);
	err = request_send(k, k->route_fd, &r);
	if (err == 0)
		err = answers(k, k->route_fd, NULL, NULL);
	return err == -EEXIST || (!add && err == -ESRCH) ? 0 : err;
}

struct routes {
	uint32_t	 table;
	int		(*fn)(void *, const struct cidr *);
	void		*arg;
};

static int
route_each(void *arg, const struct nlmsghdr *h)
{
	const struct routes *w = arg;
	const struct rtmsg *m = NLMSG_DATA(h);
	struct cidr c = { .len = 0 };
	uint32_t table = m->rtm_table;
	int left = (int)RTM_PAYLOAD(h);	/* signed: RTA_NEXT takes off the aligned length (rtnetlink(3)) */
	bool v4 = m->rtm_family == AF_INET;

	if (v4)
		memcpy(c.addr, mapped, sizeof(mapped));
	for (const struct rtattr *a = RTM_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == RTA_TABLE && RTA_PAYLOAD(a) == sizeof(table))
			memcpy(&table, RTA_DATA(a), sizeof(table));
		if (a->rta_type == RTA_DST && RTA_PAYLOAD(a) == (v4 ? 4 : 16))
			memcpy(c.addr + (v4 ? 12 : 0), RTA_DATA(a), v4 ? 4 : 16);
	}
	c.len = (uint8_t)(m->rtm_dst_len + (v4 ? 96 : 0));
	return h->nlmsg_type == RTM_NEWROUTE && table == w->table && m->rtm_type == RTN_PROHIBIT ? w->fn(w->arg, &c) : 0;
}

int
gate_kernel_routes(struct gate_kernel *k, int (*fn)(void *, const struct cidr *), void *arg)
{
	static const unsigned char families[] = { AF_INET, AF_INET6 };
	struct routes w = { k->table, fn, arg };
	int err = 0;

	for (size_t i = 0; err == 0 && i < 2; i++) {
		struct request r = { .h = { .nlmsg_type = RTM_GETROUTE, .nlmsg_len = NLMSG_LENGTH(sizeof(r.u.route)),
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP }, .u.route = { .rtm_family = families[i] } };

		err = request_send(k, k->route_fd, &r);
		if (err == 0)
			err = answers(k, k->route_fd, route_each, &w);
	}
	return err;
}

/* --- connections ----------------------------------------------------------------------------- */

struct doomed {
	struct inet_diag_sockid	 id;
	unsigned char		 family;
};

struct cut {
	struct gate_kernel	*k;
	bool			(*fn)(void *, const struct gate_socket *);
	void			*arg;
	struct doomed		 v[1024];	/* more: another round */
	size_t			 n;
	bool			 full;
	int			 gone;
	int			 err;		/* the first */
};

static void
address(uint8_t out[16], unsigned char family, const void *from)
{
	if (family == AF_INET) {
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + 12, from, 4);
	} else {
		memcpy(out, from, 16);
	}
}

static int
socket_each(void *arg, const struct nlmsghdr *h)
{
	struct cut *c = arg;
	struct inet_diag_msg m;
	struct gate_socket s;

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return 0;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	if (m.idiag_uid != c->k->uid)
		return 0;
	address(s.local, m.idiag_family, m.id.idiag_src);
	address(s.peer, m.idiag_family, m.id.idiag_dst);
	s.local_port = ntohs(m.id.idiag_sport);
	s.peer_port = ntohs(m.id.idiag_dport);
	if (!c->fn(c->arg, &s))
		return 0;
	c->full = c->n == sizeof(c->v) / sizeof(c->v[0]);
	if (!c->full)
		c->v[c->n++] = (struct doomed){ m.id, m.idiag_family };
	return 0;
}

static int
destroy(struct gate_kernel *k, const struct doomed *d)
{
	struct request r = { .h = { .nlmsg_type = SOCK_DESTROY, .nlmsg_len = NLMSG_LENGTH(sizeof(r.u.diag)),
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK }, .u.diag = { .sdiag_family = d->family, .sdiag_protocol = IPPROTO_TCP,
	    .idiag_states = UINT32_MAX, .id = d->id } };
	int err = request_send(k, k->diag_fd, &r);

	return err == 0 ? answers(k, k->diag_fd, NULL, NULL) : err;
}

/* Not there: it ended by itself meanwhile, or the kernel has no such connections. */
static void
failed(struct cut *c, int err)
{
	if (c->err == 0 && err < 0 && err != -ENOENT && err != -EAFNOSUPPORT)
		c->err = err;
}

/* One that can't be ended does not save the others.  Is there more to do, and hope? */
static bool
cut_round(struct cut *c, unsigned char family)
{
	static const unsigned states = 1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 |
	    1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK;
	struct request r = { .h = { .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_len = NLMSG_LENGTH(sizeof(r.u.diag)),
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP }, .u.diag = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP,
	    .idiag_states = states } };
	int err = request_send(c->k, c->k->diag_fd, &r), before = c->gone;

	c->n = 0;
	c->full = false;
	failed(c, err == 0 ? answers(c->k, c->k->diag_fd, socket_each, c) : err);
	for (size_t i = 0; i < c->n; i++) {
		err = destroy(c->k, &c->v[i]);
		c->gone += err == 0;
		failed(c, err);
	}
	return c->full && c->gone > before;
}

int
gate_kernel_cut(struct gate_kernel *k, bool (*fn)(void *, const struct gate_socket *), void *arg)
{
	static const unsigned char families[] = { AF_INET, AF_INET6 };
	struct cut c = { .k = k, .fn = fn, .arg = arg };

	for (size_t i = 0; i < 2; i++) {
		unsigned rounds = ROUNDS_MAX;

		while (cut_round(&c, families[i]) && --rounds > 0)
			;
		if (rounds == 0)
			failed(&c, -EAGAIN);
	}
	return c.err < 0 ? c.err : c.gone;
}
