/* SPDX-License-Identifier: MIT */
/* Messages about routes and rules, as a kernel would send them and as none should. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "squid-helpers/gate_kernel.h"

#define OWN	77
#define TABLE	1000

static char msg[512];
static size_t len;

/* <claimed>: the length in the header, 0: what it is. */
static void
put(uint16_t type, uint32_t pid, const void *p, size_t n, uint32_t claimed)
{
	struct nlmsghdr h = { .nlmsg_len = claimed != 0 ? claimed : (uint32_t)(sizeof(h) + n), .nlmsg_type = type, .nlmsg_pid = pid };

	memcpy(msg + len, &h, sizeof(h));
	if (n > 0)
		memcpy(msg + len + sizeof(h), p, n);
	len += sizeof(h) + n;
}

static void
put_route(uint32_t table)
{
	struct { struct rtmsg m; struct rtattr a; uint32_t v; } r = { .a = { 8, RTA_TABLE }, .v = table };

	put(RTM_NEWROUTE, 1, &r, sizeof(r), 0);
}

static bool
changed(struct gate_kernel *k, int to)
{
	assert_int_equal(send(to, msg, len, 0), (ssize_t)len);
	len = 0;
	return gate_watch_changed(k);
}

static void
what_others_change_is_told(void **state)
{
	struct gate_kernel k = { .port = OWN, .table = TABLE };
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	k.watch_fd = fd[0];
	assert_false(gate_watch_changed(&k));
	put(RTM_NEWRULE, OWN, NULL, 0, 0);
	assert_false(changed(&k, fd[1]));
	put(RTM_NEWRULE, OWN, NULL, 0, 0);
	put(RTM_DELRULE, 1, NULL, 0, 0);
	assert_true(changed(&k, fd[1]));
	put_route(TABLE);
	assert_true(changed(&k, fd[1]));
	put_route(TABLE + 1);
	assert_false(changed(&k, fd[1]));
	/* Shorter than its header. */
	put(RTM_NEWROUTE, 1, "x", 1, 0);
	assert_false(changed(&k, fd[1]));
	close(fd[0]);
	close(fd[1]);
}

/* The last length isn't a multiple of 4: nothing is behind it, whatever an earlier message left in the buffer. */
static void
an_odd_length_ends_it(void **state)
{
	struct gate_kernel k = { .port = OWN, .table = TABLE };
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	k.watch_fd = fd[0];
	put(NLMSG_NOOP, 1, "abcd", 4, 0);
	put(RTM_NEWRULE, 1, NULL, 0, 0);
	assert_true(changed(&k, fd[1]));
	put(NLMSG_NOOP, 1, "ab", 2, 0);
	assert_false(changed(&k, fd[1]));
	/* The same of attributes: what follows is of the next message. */
	{
		struct { struct rtmsg m; struct rtattr a; uint16_t v, pad; struct rtattr next; uint32_t table; } r = {
		    .a = { 6, RTA_IIF }, .next = { 8, RTA_TABLE }, .table = TABLE };

		put(RTM_NEWROUTE, 1, &r, sizeof(r), sizeof(struct nlmsghdr) + offsetof(__typeof__(r), pad));
	}
	assert_false(changed(&k, fd[1]));
	close(fd[0]);
	close(fd[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_others_change_is_told),
		cmocka_unit_test(an_odd_length_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
