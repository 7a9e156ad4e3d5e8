/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/ban_event.h"
#include "control/ban_list.h"
#include "control/evline.h"
#include "control/haproxy_answer.h"
#include "lib/never_ban.h"
#include "tests/unit/control/ctl_test.h"

static struct cidr
cidr(const char *text)
{
	struct cidr c;

	assert_int_equal(cidr_parse(text, &c), 0);
	return c;
}

static void
addresses(void **state)
{
	static const char *const good[][2] = {
		{ "192.0.2.7", "192.0.2.7" }, { "192.0.2.7/24", "192.0.2.0/24" }, { "0.0.0.0/0", "0.0.0.0/0" },
		{ "192.0.2.7/32", "192.0.2.7" }, { "192.0.2.255/31", "192.0.2.254/31" },
		{ "2001:DB8::1", "2001:db8::1" }, { "2001:db8::1/33", "2001:db8::/33" }, { "::/0", "::/0" },
		{ "::ffff:192.0.2.7", "192.0.2.7" }, { "::ffff:192.0.2.7/120", "192.0.2.0/24" },
	};
	static const char *const bad[] = { "", "/", "192.0.2", "192.0.2.7/", "192.0.2.7/33", "192.0.2.7/08",
		"192.0.2.7/-1", "::/129", "fe80::1%eth0", "192.0.2.7 ", "host.example", "1.2.3.4/8/8" };
	struct cidr c;
	char text[CIDR_TEXT];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(cidr_parse(good[i][0], &c), 0);
		assert_string_equal(cidr_format(&c, text), good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cidr_parse(bad[i], &c), -EINVAL);
}

static bool
covers(const char *a, const char *b)
{
	struct cidr x = cidr(a), y = cidr(b);

	return cidr_covers(&x, &y);
}

static void
covering(void **state)
{
	assert_true(covers("192.0.2.0/24", "192.0.2.255"));
	assert_true(covers("192.0.2.0/25", "192.0.2.127"));
	assert_false(covers("192.0.2.0/25", "192.0.2.128"));
	assert_false(covers("192.0.2.1", "192.0.2.0/24"));
	assert_true(covers("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(covers("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(covers("0.0.0.0/0", "255.255.255.255"));
	assert_false(covers("0.0.0.0/0", "2001:db8::1"));
	assert_true(covers("::/0", "192.0.2.1"));
}

static struct never_ban *
never(void **state, const char *text)
{
	struct never_ban *nb;
	unsigned line;

	ctl_test_file(ctl_test_path(*state, "never"), text, strlen(text), false);
	assert_int_equal(never_ban_load(&nb, ctl_test_path(*state, "never"), &line), 0);
	return nb;
}

static struct ban_list *
list(void **state, const char *never_text, int64_t now_ms)
{
	struct ban_list *l;

	static const char *const others[] = { "edge2", "edge3" };

	assert_int_equal(ban_list_open(&l, ctl_test_path(*state, "bans.db"), others, 2, never(state, never_text),
	    now_ms), 0);
	return l;
}

static int
add(struct ban_list *l, const char *text, int64_t expires_ms)
{
	struct ban b = { .cidr = cidr(text), .scope = BAN_CLUSTER, .reason = "r", .added_ms = 1,
		.expires_ms = expires_ms };
	struct cidr entry;
	size_t bad;

	return ban_list_add(l, &b, 1, &bad, &entry);
}

static void
count_row(void *arg, const struct ban_row *row)
{
	int *n = arg;

	assert_string_equal(row->vote[0].reason, "r");
	*n += row->pending ? 100 : 1;
}

/* Bans that HAProxy knows, and a hundred for each that it doesn't. */
static int
count(struct ban_list *l)
{
	int n = 0;

	ban_list_each(l, count_row, &n);
	return n;
}

/* What the link would say, as a sum of the values; then it is told. */
static int
told(struct ban_list *l, bool ok)
{
	struct ban_change c[16];
	size_t n = ban_list_changes(l, c, 16);
	int sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += 10 + (int)(c[i].value & 3);
	ban_list_told(l, c, n, ok);
	return sum;
}

static void
life(void **state)
{
	struct ban_list *l = list(state, "", 0);
	struct cidr c = cidr("192.0.2.1");
	size_t removed;

	assert_int_equal(add(l, "192.0.2.1", 1000), 0);
	assert_int_equal(add(l, "2001:db8::/32", 2000), 0);
	assert_int_equal(count(l), 200);
	assert_int_equal(told(l, false), 24);
	assert_int_equal(told(l, true), 24);
	assert_int_equal(count(l), 2);
	assert_int_equal(add(l, "192.0.2.1", 1000), 0);	/* the same again: nothing to tell */
	assert_int_equal(count(l), 2);
	assert_int_equal(add(l, "192.0.2.1", 9500), 0);	/* its end stands in HAProxy's table, too */
	assert_int_equal(count(l), 101);
	assert_int_equal(told(l, true), 12);
	assert_int_equal(add(l, "192.0.2.1", 1500), 0);
	assert_int_equal(told(l, true), 12);
	assert_int_equal(ban_list_expire(l, 1499), 1500);
	assert_int_equal(ban_list_expire(l, 1500), 2000);
	assert_int_equal(count(l), 1);
	assert_int_equal(told(l, true), 10);
	/* Unbanning who isn't banned: HAProxy may have done it by itself. */
	assert_int_equal(ban_list_remove(l, &c, 1, BAN_ALL, &removed), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(told(l, true), 10);
	ban_list_tell_all(l);
	assert_int_equal(told(l, true), 12);
	assert_int_equal(told(l, true), 0);
	ban_list_close(&l);
}

/* What changes while HAProxy is being told must be told again. */
static void
race(void **state)
{
	struct ban_list *l = list(state, "", 0);
	struct cidr c = cidr("192.0.2.1");
	struct ban_change ch[2];
	size_t removed;

	assert_int_equal(add(l, "192.0.2.1", 1000), 0);
	assert_int_equal(ban_list_changes(l, ch, 2), 1);
	assert_int_equal(ban_list_remove(l, &c, 1, BAN_ALL, &removed), 0);
	assert_int_equal(removed, 1);
	ban_list_told(l, ch, 1, true);
	assert_int_equal(told(l, true), 10);
	assert_int_equal(told(l, true), 0);
	ban_list_close(&l);
}

static void
restart(void **state)
{
	struct ban_list *l = list(state, "", 0);

	assert_int_equal(add(l, "192.0.2.1", 1000), 0);
	assert_int_equal(add(l, "192.0.2.2", 5000), 0);
	assert_int_equal(add(l, "2001:db8::/32", 5000), 0);
	ban_list_close(&l);
	l = list(state, "2001:db8:1::/48\n", 1000);
	assert_int_equal(count(l), 100);	/* one expired, one must not be banned any more */
	assert_int_equal(told(l, true), 12);
	ban_list_close(&l);
}

static void
nobody(void **state)
{
	struct ban_list *l = list(state, "# ours\n192.0.2.0/24 \n\n 2001:db8::7\n", 0);
	struct ban two[2] = { { .cidr = cidr("198.51.100.1"), .scope = BAN_EDGE, .expires_ms = 9 },
		{ .cidr = cidr("192.0.2.77"), .scope = BAN_EDGE, .expires_ms = 9 } };
	struct cidr entry;
	char text[CIDR_TEXT];
	size_t bad;

	assert_int_equal(add(l, "192.0.2.1", 9), -EPERM);
	assert_int_equal(add(l, "192.0.0.0/16", 9), -EPERM);	/* it would be in there */
	assert_int_equal(add(l, "2001:db8::7", 9), -EPERM);
	assert_int_equal(add(l, "2001:db8::/64", 9), -EPERM);
	assert_int_equal(ban_list_add(l, two, 2, &bad, &entry), -EPERM);
	assert_int_equal(bad, 1);
	assert_string_equal(cidr_format(&entry, text), "192.0.2.0/24");
	assert_int_equal(count(l), 0);
	assert_int_equal(add(l, "2001:db8::8", 9), 0);
	assert_int_equal(told(l, true), 12);
	assert_int_equal(ban_list_never_set(l, never(state, "2001:db8::/32")), 0);
	assert_int_equal(count(l), 0);
	assert_int_equal(told(l, true), 10);
	assert_int_equal(add(l, "192.0.2.1", 9), 0);
	ban_list_close(&l);
}

/* A vote of <edge>'s, weighing <scope>. */
static struct ban
vote(const char *text, int edge, enum ban_scope scope, int64_t expires_ms)
{
	return (struct ban){ .cidr = cidr(text), .scope = scope, .by = BAN_BY_AGENT, .edge = edge, .reason = "r",
		.added_ms = 1, .expires_ms = expires_ms };
}

static bool
in_force(struct ban_list *l, const char *text)
{
	struct cidr c = cidr(text);
	struct ban_row row;

	return ban_list_find(l, &c, &row) && row.in_force;
}

static int
take(struct ban_list *l, const struct ban b)
{
	size_t refused;

	assert_int_equal(ban_list_take(l, &b, 1, &refused), 0);
	return (int)refused;
}

static enum ban_force last_force;
static int64_t last_until;

static void
news(void *arg, const struct ban_news *w)
{
	if (w->force != BAN_FORCE_SAME)
		last_force = w->force;
	last_until = w->until_ms;
}

/* One vote of another edge bans nobody here; two do, or one that weighs two, until one of them is over. */
static void
quorum(void **state)
{
	struct ban_list *l = list(state, "192.0.2.9\n", 0);

	ban_list_observe(l, news, NULL);
	assert_int_equal(take(l, vote("192.0.2.1", 1, BAN_EDGE, 1000)), 0);
	assert_false(in_force(l, "192.0.2.1"));
	assert_int_equal(take(l, vote("192.0.2.1", 2, BAN_EDGE, 2000)), 0);
	assert_true(in_force(l, "192.0.2.1"));
	assert_int_equal(last_force, BAN_FORCE_ADD);
	assert_int_equal(last_until, 1000);
	/* This edge's table doesn't hold it: peers bring the others'. */
	assert_int_equal(told(l, true), 10);
	ban_list_expire(l, 1000);
	assert_false(in_force(l, "192.0.2.1"));
	assert_int_equal(last_force, BAN_FORCE_EXPIRE);
	assert_int_equal(take(l, vote("192.0.2.2", 1, BAN_CLUSTER, 5000)), 0);
	assert_true(in_force(l, "192.0.2.2"));
	/* A network can't come by peers. */
	assert_int_equal(told(l, true), 10);
	assert_int_equal(take(l, vote("198.51.100.0/24", 1, BAN_CLUSTER, 5000)), 0);
	assert_int_equal(told(l, true), 12);
	/* Whoever says it. */
	assert_int_equal(take(l, vote("192.0.2.9", 1, BAN_CLUSTER, 5000)), 1);
	assert_false(in_force(l, "192.0.2.9"));
	ban_list_close(&l);
}

/* An agent leaves an operator's ban alone and shortens none. */
static void
agent(void **state)
{
	struct ban_list *l = list(state, "", 0);
	struct cidr c = cidr("192.0.2.1");
	struct ban_row row;

	take(l, vote("192.0.2.1", 0, BAN_EDGE, 5000));
	take(l, vote("192.0.2.1", 0, BAN_EDGE, 2000));
	assert_true(ban_list_find(l, &c, &row));
	assert_int_equal(row.vote[0].expires_ms, 5000);
	assert_int_equal(add(l, "192.0.2.1", 3000), 0);
	take(l, vote("192.0.2.1", 0, BAN_EDGE, 9000));
	assert_true(ban_list_find(l, &c, &row));
	assert_int_equal(row.n, 1);
	assert_int_equal(row.vote[0].expires_ms, 3000);
	assert_int_equal(row.vote[0].by, BAN_BY_OPERATOR);
	ban_list_close(&l);
}

/* Everything of an edge anew: what it doesn't say any more is over; the others' and what is on disk too. */
static void
sync(void **state)
{
	struct ban_list *l = list(state, "", 0);
	struct cidr c = cidr("192.0.2.1");
	size_t removed;

	take(l, vote("192.0.2.1", 1, BAN_CLUSTER, 5000));
	take(l, vote("192.0.2.2", 1, BAN_CLUSTER, 5000));
	take(l, vote("192.0.2.2", 2, BAN_CLUSTER, 5000));
	take(l, vote("192.0.2.3", 1, BAN_CLUSTER, 5000));
	ban_list_sync_begin(l, 1);
	take(l, vote("192.0.2.3", 1, BAN_CLUSTER, 6000));
	assert_true(in_force(l, "192.0.2.1"));
	assert_int_equal(ban_list_sync_end(l, 1), 0);
	assert_false(in_force(l, "192.0.2.1"));
	assert_true(in_force(l, "192.0.2.2"));
	assert_true(in_force(l, "192.0.2.3"));
	ban_list_close(&l);
	l = list(state, "", 0);
	assert_false(in_force(l, "192.0.2.1"));
	assert_true(in_force(l, "192.0.2.2"));
	/* One edge's word is only its own vote; an operator's lifts all. */
	c = cidr("192.0.2.2");
	assert_int_equal(ban_list_remove(l, &c, 1, 1, &removed), 0);
	assert_true(in_force(l, "192.0.2.2"));
	assert_int_equal(ban_list_remove(l, &c, 1, BAN_ALL, &removed), 0);
	assert_int_equal(removed, 1);
	assert_false(in_force(l, "192.0.2.2"));
	ban_list_close(&l);
}

/* What stands in HAProxy's table. */
static void
values(void **state)
{
	static const struct { const char *cidr; bool table; } t[] = {
		{ "192.0.2.1", true }, { "192.0.2.0/24", false }, { "2001:db8::1", true }, { "2001:db8::", false },
		{ "2001:db8::/64", true }, { "2001:db8::/63", false }, { "2001:db8::/65", false }, { "0.0.0.0/0", false },
	};
	struct ban_list *l = list(state, "", 0);
	struct ban_change c;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct cidr at = cidr(t[i].cidr);

		assert_int_equal(ban_in_table(&at), t[i].table);
	}
	assert_int_equal(add(l, "192.0.2.1", 1790000001000), 0);
	assert_int_equal(ban_list_changes(l, &c, 1), 1);
	assert_int_equal(c.value, 1790000004 | BAN_CLUSTER);	/* never before its end */
	assert_true(c.cut);
	ban_list_told(l, &c, 1, true);
	/* HAProxy says something else: told again.  Nobody knows of another: lift it. */
	assert_true(ban_list_compare(l, &c.cidr, c.value));
	assert_int_equal(ban_list_changes(l, &c, 1), 0);
	assert_true(ban_list_compare(l, &c.cidr, 1));
	assert_int_equal(told(l, true), 12);
	c.cidr = cidr("192.0.2.2");
	assert_false(ban_list_compare(l, &c.cidr, 1));
	ban_list_tell_gone(l, &c.cidr);
	assert_int_equal(told(l, true), 10);
	ban_list_close(&l);
}

static void
answers(void **state)
{
	char entry[] = "0x5564: key=::ffff:192.0.2.7 use=0 exp=3599892 shard=0 gpt0=1790000005";
	char net[] = "0x5564: key=2001:db8:1:2:: use=0 exp=1 gpt0=1", bad[] = "0x5564: key=::ffff:192.0.2.7 use=0 exp=1 gpt0=x";
	char stream[] = "0x5581: proto=tcpv4 src=192.0.2.7:4711 fe=edge be=slow", local[] = "0x5581: proto=unix src=unix:1 fe=e";
	char fine[] = "\nentry not found.\n\nNew version created: 3\n", wrong[] = "\n\nUnknown map identifier.\n";
	const char *name;
	uint32_t value;
	struct cidr c;
	char text[CIDR_TEXT];

	assert_true(haproxy_entry(entry, &c, &value));
	assert_string_equal(cidr_format(&c, text), "192.0.2.7");
	assert_int_equal(value, 1790000005);
	assert_true(haproxy_entry(net, &c, &value));
	assert_string_equal(cidr_format(&c, text), "2001:db8:1:2::/64");
	assert_false(haproxy_entry(bad, &c, &value));
	assert_true(haproxy_stream(stream, &name, &c));
	assert_string_equal(name, "0x5581");
	assert_false(haproxy_stream(local, &name, &c));
	assert_int_equal(haproxy_map_version(fine), 3);
	assert_null(haproxy_complaint(fine));
	assert_string_equal(haproxy_complaint(wrong), "Unknown map identifier.");
	assert_int_equal(haproxy_pid("Name: HAProxy\nPid: 77\n"), 77);
	assert_int_equal(haproxy_pid("Pid: 77\n"), 0);
}

/* What llmsec-spoad says: of addresses only, from the event's own time on. */
static void
events(void **state)
{
#define EVENT(actor, ttl, detail) "{\"v\":1,\"id\":\"a\",\"ts\":1790000000,\"node\":\"n\",\"layer\":\"edge\",\"event\":\"edge.ban\"," \
	"\"severity\":7,\"action\":\"block\",\"actor\":" actor ",\"ttl_s\":" ttl ",\"detail\":" detail "}"
	static const char *const good[][2] = {
		{ EVENT("{\"ip\":\"192.0.2.7\"}", "60", "{\"scope\":\"ip\",\"reason\":\"errors\"}"), "192.0.2.7" },
		{ EVENT("{\"ip\":\"2001:db8::7\"}", "60", "{\"scope\":\"ip\",\"cidr\":\"2001:db8::/64\",\"reason\":\"errors\"}"),
		    "2001:db8::/64" },
	};
	static const char *const bad[] = {
		EVENT("{\"ip\":\"192.0.2.7\"}", "0", "{\"scope\":\"ip\"}"),
		EVENT("{\"ip\":\"192.0.2.7\"}", "60", "{\"scope\":\"key\"}"),
		EVENT("{\"ip\":\"192.0.2.7\"}", "60", "{}"),
		EVENT("{}", "60", "{\"scope\":\"ip\"}"),
		EVENT("{\"ip\":\"192.0.2.7\"}", "60", "{\"scope\":\"ip\",\"cidr\":\"everybody\"}"),
		EVENT("{\"ip\":\"192.0.2.7\"}", "99999999999", "{\"scope\":\"ip\"}"),
	};
	struct evline ev;
	const char *why;
	char text[CIDR_TEXT];
	struct ban b;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(evline_parse(&ev, good[i][0], strlen(good[i][0]), &why), 0);
		assert_true(ban_of_event(&ev, &b));
		assert_string_equal(cidr_format(&b.cidr, text), good[i][1]);
		assert_int_equal(b.expires_ms, 1790000060000);
		assert_int_equal(b.by, BAN_BY_AGENT);
		assert_string_equal(b.reason, "errors");
		evline_clear(&ev);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(evline_parse(&ev, bad[i], strlen(bad[i]), &why), 0);
		assert_false(ban_of_event(&ev, &b));
		evline_clear(&ev);
	}
}

static void
bad_file(void **state)
{
	struct never_ban *nb;
	unsigned line;

	ctl_test_file(ctl_test_path(*state, "never"), "192.0.2.1\nhost\n", 15, false);
	assert_int_equal(never_ban_load(&nb, ctl_test_path(*state, "never"), &line), -EINVAL);
	assert_int_equal(line, 2);
	assert_int_equal(never_ban_load(&nb, ctl_test_path(*state, "none"), &line), -ENOENT);
	assert_null(nb);
	/* HAProxy wouldn't start with this one. */
	ctl_test_file(ctl_test_path(*state, "never"), "192.0.2.1 # x\n", 14, false);
	assert_int_equal(never_ban_load(&nb, ctl_test_path(*state, "never"), &line), -EINVAL);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ctl_test_setup, ctl_test_teardown)
	const struct CMUnitTest tests[] = {
		T(addresses), T(covering), T(life), T(race), T(restart), T(nobody), T(bad_file),
		T(quorum), T(agent), T(sync), T(values), T(answers), T(events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
