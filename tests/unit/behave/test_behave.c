/* SPDX-License-Identifier: MIT */
/* Who is banned for what: limits, shared addresses, the never-ban list, escalation; the clock is ours. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/behave/behave.h"
#include "lib/never_ban.h"
#include "tests/unit/lib/temp.h"

#define MIN	INT64_C(60000)
#define CURL	"t13d1516h2_8daaf6152771_b0da82dd1658"
#define PYTHON	"t13d1812h1_85036bcba153_d41ae481755e"
#define KEY_A	"aaaaaaaaaaaaaaaa"
#define KEY_B	"bbbbbbbbbbbbbbbb"
#define NAT	"198.51.100.1"

static const struct behave_limits defaults = {
	.address = {
		[BEHAVE_REQUESTS] = {1000, 0, BEHAVE_SCORE, 10}, [BEHAVE_ERRORS] = {20, 50, BEHAVE_BAN, 30},
		[BEHAVE_PATHS] = {60, 0, BEHAVE_SCORE, 20}, [BEHAVE_WAF_HITS] = {5, 20, BEHAVE_BAN, 30},
	},
	.key = {[BEHAVE_ERRORS] = {100, 90, BEHAVE_BAN, 30}},
	.times = {.ms = {MIN, 5 * MIN, 60 * MIN, 1440 * MIN}, .n = 4, .decay_ms = 360 * MIN},
	.shared_factor = 4,
};

struct rig {
	struct behave		*b;
	struct behave_limits	 limits;
	const struct never_ban	*never;
	int64_t			 now;
	struct behave_decision	 d;	/* of the last request */
};

static void
rig_open(struct rig *r)
{
	static const struct sip_key key = {1, 2};

	*r = (struct rig){.b = behave_new(2000, 100, &key), .limits = defaults, .now = 1000000};
	assert_non_null(r->b);
}

static int64_t
look(struct rig *r, const char *ip, const char *ja4, const char *key, struct behave_seen seen[BEHAVE_SOURCES])
{
	struct behave_seen here[BEHAVE_SOURCES];
	struct behave_who w;

	behave_who(r->b, &w, ip, ja4, key);
	return behave_look(r->b, &w, r->now, NULL, seen != NULL ? seen : here);
}

static bool
banned(struct rig *r, const char *ip, const char *ja4, const char *key)
{
	return look(r, ip, ja4, key, NULL) > 0;
}

/* One request; 100 ms pass.  True: it was decided to ban. */
static bool
ask(struct rig *r, const char *ip, const char *ja4, const char *key, struct behave_did did)
{
	struct behave_who w;

	if (did.path == NULL)
		did.path = "";
	did.path_len = strlen(did.path);
	if (did.err_address == 0)
		did.err_address = did.err_client = -1;
	behave_who(r->b, &w, ip, ja4, key);
	behave_count(r->b, &r->limits, &w, &did, r->never, r->now, &r->d);
	r->now += 100;
	return r->d.ban;
}

/* So many requests to the ban; 0: none within <max>. */
static unsigned
until_banned(struct rig *r, const char *ip, const char *ja4, const char *key, struct behave_did did, unsigned max)
{
	for (unsigned i = 1; i <= max; i++)
		if (ask(r, ip, ja4, key, did))
			return i;
	return 0;
}

static const struct behave_did bad = {.error = true}, hit = {.error = true, .waf_hit = true}, good = {.error = false};

static void
an_address_is_banned_at_its_limit(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(until_banned(&r, "192.0.2.7", "", "", bad, 100), 20);
	assert_int_equal(r.d.ms, MIN);
	assert_int_equal(r.d.why, BEHAVE_ERRORS);
	assert_int_equal(r.d.as.who.kind, BAN_IP);
	assert_string_equal(r.d.as.who.id, "192.0.2.7");
	assert_int_equal(r.d.sum.errors, 20);
	assert_true(banned(&r, "192.0.2.7", CURL, KEY_A));
	assert_false(banned(&r, "192.0.2.8", "", ""));
	assert_int_equal(until_banned(&r, "192.0.2.9", "", "", hit, 100), 5);
	assert_int_equal(r.d.why, BEHAVE_WAF_HITS);
	/* IPv6: the whole /64. */
	assert_int_equal(until_banned(&r, "2001:db8::1", "", "", bad, 19), 0);
	assert_true(ask(&r, "2001:db8::2", "", "", bad));
	assert_string_equal(r.d.as.who.id, "2001:db8::/64");
	assert_true(banned(&r, "2001:db8::ffff", "", ""));
	assert_false(banned(&r, "2001:db8:0:1::1", "", ""));
	behave_free(&r.b);
}

static void
slow_ones_and_small_shares_are_left_alone(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	/* 19 a minute, for ten minutes. */
	for (unsigned i = 0; i < 190; i++) {
		assert_false(ask(&r, "192.0.2.7", "", "", bad));
		r.now += 3700;
	}
	/* A busy application whose provider refuses one in three. */
	for (unsigned i = 0; i < 900; i++)
		assert_false(ask(&r, "192.0.2.8", CURL, KEY_A, i % 3 == 0 ? bad : good));
	assert_int_equal(r.d.score, 0);
	behave_free(&r.b);
}

/* 300 requests/s from one key, for two minutes, now and then refused: no ban, no score. */
static void
a_busy_application_is_no_attack(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.limits.address[BEHAVE_REQUESTS].over = 30000;
	for (unsigned i = 0; i < 36000; i++) {
		assert_false(ask(&r, "192.0.2.8", CURL, KEY_A, i % 50 == 0 ? hit : good));
		assert_int_equal(r.d.score, 0);
		r.now -= 97;	/* 3 ms */
	}
	behave_free(&r.b);
}

static void
scores_are_given_and_taken_back(void **state)
{
	char path[16];
	struct rig r;

	(void)state;
	rig_open(&r);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		assert_false(ask(&r, "192.0.2.7", "", "", (struct behave_did){.path = path}));
	}
	assert_int_equal(r.d.score, 20);
	assert_int_equal(r.d.scored, 1u << BEHAVE_PATHS);
	r.now += 70000;
	ask(&r, "192.0.2.7", "", "", good);
	assert_int_equal(r.d.score, 0);
	behave_free(&r.b);
}

static void
bans_escalate(void **state)
{
	static const int64_t want[] = {MIN, 5 * MIN, 60 * MIN, 1440 * MIN, 1440 * MIN};
	struct behave_seen seen[BEHAVE_SOURCES];
	struct rig r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		assert_int_equal(until_banned(&r, "192.0.2.7", "", "", bad, 100), 20);
		assert_int_equal(r.d.ms, want[i]);
		assert_int_equal(r.d.as.level, i + 1);
		/* The same ban is not told twice, and who is banned isn't counted. */
		assert_false(ask(&r, "192.0.2.7", "", "", bad));
		r.now += want[i];
		assert_false(banned(&r, "192.0.2.7", "", ""));
		look(&r, "192.0.2.7", "", "", seen);
		assert_int_equal(seen[BEHAVE_ADDRESS].bans, i + 1);
		r.now += MIN;
	}
	behave_free(&r.b);
}

/* ---- shared addresses ------------------------------------------------------------------------- */

static void
at_a_shared_address_the_key_is_banned(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	for (unsigned i = 0; i < 19; i++) {
		assert_false(ask(&r, NAT, CURL, KEY_B, good));
		assert_false(ask(&r, NAT, CURL, KEY_A, bad));
	}
	assert_true(ask(&r, NAT, CURL, KEY_A, bad));
	assert_int_equal(r.d.as.who.kind, BAN_KEY);
	assert_string_equal(r.d.as.who.id, KEY_A);
	assert_true(banned(&r, NAT, CURL, KEY_A));
	assert_true(banned(&r, "203.0.113.1", PYTHON, KEY_A));	/* wherever it goes */
	assert_false(banned(&r, NAT, CURL, KEY_B));
	assert_false(banned(&r, NAT, CURL, ""));
	behave_free(&r.b);
}

static void
without_a_key_the_fingerprint_there_is_banned(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_false(ask(&r, NAT, CURL, "", good));
	assert_int_equal(until_banned(&r, NAT, PYTHON, "", bad, 100), 20);
	assert_int_equal(r.d.as.who.kind, BAN_JA4);
	assert_string_equal(r.d.as.who.id, PYTHON "@" NAT);
	assert_true(banned(&r, NAT, PYTHON, ""));
	assert_false(banned(&r, NAT, CURL, ""));
	/* Not who has the same browser elsewhere, nor who shows a key. */
	assert_false(banned(&r, "203.0.113.1", PYTHON, ""));
	assert_false(banned(&r, NAT, PYTHON, KEY_B));
	/* Nor TLS at all. */
	assert_int_equal(until_banned(&r, NAT, "", "", bad, 100), 20);
	assert_string_equal(r.d.as.who.id, "-@" NAT);
	behave_free(&r.b);
}

/* The honest ones dilute the address's share of errors, not the scanner's own. */
static void
a_crowd_doesn_t_hide_a_scanner(void **state)
{
	struct rig r;
	unsigned n = 0;

	(void)state;
	rig_open(&r);
	for (unsigned i = 0; i < 300 && n == 0; i++) {
		for (unsigned k = 0; k < 5; k++)
			assert_false(ask(&r, NAT, CURL, KEY_B, good));
		n = ask(&r, NAT, PYTHON, "", bad) ? i + 1 : 0;
	}
	assert_int_equal(n, 20);
	assert_string_equal(r.d.as.who.id, PYTHON "@" NAT);
	behave_free(&r.b);
}

static void
all_of_them_bad_is_the_address(void **state)
{
	struct rig r;
	unsigned n = 0;

	(void)state;
	rig_open(&r);
	while (n < 100 && !ask(&r, NAT, CURL, n % 2 ? KEY_A : KEY_B, bad))
		n++;
	assert_int_equal(n + 1, 20);
	assert_int_equal(r.d.as.who.kind, BAN_IP);
	behave_free(&r.b);
}

/* A new key with each request, every other one harmless: looks like a crowd, up to shared_factor. */
static void
rotating_keys_is_the_address_in_the_end(void **state)
{
	struct rig r;
	char key[24];
	unsigned errors = 0;
	bool done = false;

	(void)state;
	rig_open(&r);
	for (unsigned i = 0; i < 1000 && !done; i++) {
		snprintf(key, sizeof(key), "%016x", i);
		errors += i % 2;
		done = ask(&r, NAT, CURL, key, i % 2 ? bad : good);
	}
	assert_true(done);
	assert_int_equal(r.d.as.who.kind, BAN_IP);
	assert_int_equal(errors, 80);
	behave_free(&r.b);
	/* 0: never, while one of them is clean. */
	rig_open(&r);
	r.limits.shared_factor = 0;
	for (unsigned i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "%016x", i);
		assert_false(ask(&r, NAT, CURL, key, i % 2 ? bad : good));
	}
	behave_free(&r.b);
}

static void
a_key_that_goes_bad_everywhere_is_banned(void **state)
{
	struct rig r;
	char ip[24];
	unsigned n = 0;
	bool done = false;

	(void)state;
	rig_open(&r);
	for (; n < 500 && !done; n++) {
		snprintf(ip, sizeof(ip), "10.0.%u.%u", n / 100, n % 100);
		done = ask(&r, ip, CURL, KEY_A, bad);
	}
	assert_int_equal(n, 100);
	assert_string_equal(r.d.as.who.id, KEY_A);
	assert_false(banned(&r, ip, CURL, KEY_B));
	behave_free(&r.b);
}

/* An address and a key over the same limit: the points once. */
static void
points_are_given_once(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.limits.address[BEHAVE_ERRORS].action = r.limits.key[BEHAVE_ERRORS].action = BEHAVE_SCORE;
	assert_int_equal(until_banned(&r, "192.0.2.7", CURL, KEY_A, bad, 150), 0);
	assert_int_equal(r.d.score, 30);
	behave_free(&r.b);
}

static struct behave_did
told(int64_t address, int64_t client)
{
	return (struct behave_did){.err_address = address, .err_client = client};
}

static void
haproxy_s_errors_count(void **state)
{
	unsigned n = 0;
	struct rig r;

	(void)state;
	rig_open(&r);
	/* 404s that we never saw, told one request later. */
	while (n < 100 && !ask(&r, "192.0.2.7", CURL, "", told(1 + n, 1 + n)))
		n++;
	assert_int_equal(n, 20);
	assert_int_equal(r.d.as.who.kind, BAN_IP);
	/* At a shared address, who didn't do it isn't banned for it; who did is. */
	for (n = 1; n < 100; n++) {
		assert_false(ask(&r, NAT, CURL, KEY_A, told(n, -1)));
		if (ask(&r, NAT, CURL, KEY_B, told(n, 1 + n)))
			break;
	}
	assert_int_equal(n, 21);
	assert_string_equal(r.d.as.who.id, KEY_B);
	behave_free(&r.b);
}

/* A busy application, one in five refused by the provider: neither our restart nor its pauses make it look worse. */
static void
old_errors_are_not_held_against_new_requests(void **state)
{
	struct rig r;
	int64_t count = 2000;

	(void)state;
	rig_open(&r);
	for (unsigned burst = 0; burst < 3; burst++) {
		for (unsigned i = 0; i < 300; i++) {
			assert_false(ask(&r, "192.0.2.7", CURL, KEY_A, told(count, count)));
			assert_int_equal(r.d.score, 0);
			count += i % 5 == 0;
		}
		count += 200;		/* which were another agent's */
		r.now += 70000;
	}
	behave_free(&r.b);
}

/* ---- exceptions ------------------------------------------------------------------------------- */

static void
the_never_ban_list_beats_everything(void **state)
{
	char dir[TEMP_PATH], path[TEMP_PATH + 16];
	struct never_ban *never;
	struct rig r;
	unsigned line;

	(void)state;
	rig_open(&r);
	temp_new(dir);
	temp_write(dir, "never", "192.0.2.0/24\n2001:db8::5\n", 25);
	snprintf(path, sizeof(path), "%s/never", dir);
	assert_int_equal(never_ban_load(&never, path, &line), 0);
	r.never = never;
	assert_int_equal(until_banned(&r, "192.0.2.7", CURL, KEY_A, hit, 500), 0);
	assert_int_equal(r.d.score, 60);	/* it is seen, though: the WAF's hits and the errors */
	assert_false(ask(&r, "198.51.100.9", CURL, KEY_A, good));	/* and its key is good elsewhere */
	assert_int_equal(r.d.score, 0);
	assert_int_equal(until_banned(&r, "2001:db8::9", "", "", bad, 500), 0);	/* one of its /64 is on the list */
	assert_int_equal(until_banned(&r, "203.0.113.7", "", "", bad, 500), 20);
	never_ban_free(&never);
	temp_remove(dir);
	behave_free(&r.b);
}

static void
unknown_addresses_do_no_harm(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(until_banned(&r, "", "", "", bad, 200), 0);
	assert_int_equal(until_banned(&r, "unix", CURL, "", bad, 200), 0);
	assert_int_equal(until_banned(&r, "", CURL, KEY_A, bad, 200), 100);
	assert_string_equal(r.d.as.who.id, KEY_A);
	behave_free(&r.b);
}

static void
a_fingerprint_is_banned_only_if_told_so(void **state)
{
	struct rig r;
	char ip[24];
	unsigned n = 0;

	(void)state;
	rig_open(&r);
	r.limits.ja4[BEHAVE_ERRORS] = (struct behave_limit){50, 80, BEHAVE_BAN, 20};
	for (bool done = false; n < 500 && !done; n++) {
		snprintf(ip, sizeof(ip), "10.0.%u.%u", n / 100, n % 100);
		done = ask(&r, ip, PYTHON, "", bad);
	}
	assert_int_equal(n, 50);
	assert_string_equal(r.d.as.who.id, PYTHON);
	assert_true(banned(&r, "203.0.113.9", PYTHON, KEY_B));
	behave_free(&r.b);
}

static void
the_view_is_what_was_before(void **state)
{
	struct behave_seen seen[BEHAVE_SOURCES];
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(look(&r, NAT, CURL, KEY_A, seen), 0);
	assert_int_equal(seen[BEHAVE_ADDRESS].sum.requests, 0);
	ask(&r, NAT, CURL, KEY_A, (struct behave_did){.page = true, .path = "/a"});
	ask(&r, NAT, CURL, KEY_A, (struct behave_did){.asset = true, .path = "/b"});
	ask(&r, NAT, CURL, KEY_B, bad);
	look(&r, NAT, CURL, KEY_A, seen);
	assert_int_equal(seen[BEHAVE_ADDRESS].sum.requests, 3);
	assert_int_equal(seen[BEHAVE_ADDRESS].sum.errors, 1);
	assert_int_equal(seen[BEHAVE_JA4].sum.requests, 3);
	assert_int_equal(seen[BEHAVE_CLIENT].sum.requests, 2);
	assert_int_equal(seen[BEHAVE_CLIENT].sum.pages, 1);
	assert_int_equal(seen[BEHAVE_CLIENT].sum.assets, 1);
	assert_int_equal(seen[BEHAVE_CLIENT].sum.paths, 2);
	assert_int_equal(seen[BEHAVE_CLIENT].sum.errors, 0);
	behave_free(&r.b);
}

/* ---- threads ---------------------------------------------------------------------------------- */

struct worker {
	pthread_t	 thread;
	struct rig	*r;
	unsigned	 n;
};

static void *
work(void *arg)
{
	struct worker *me = arg;
	struct behave_seen seen[BEHAVE_SOURCES];
	struct behave_decision d;
	struct behave_did did = {.path = "/", .path_len = 1, .err_address = -1, .err_client = -1};
	struct behave_who w;
	char ip[24];

	for (unsigned i = 0; i < 5000; i++) {
		int64_t now = 1000000 + i * 4;

		snprintf(ip, sizeof(ip), "10.0.0.%u", i % 40);
		behave_who(me->r->b, &w, ip, CURL, i % 3 ? KEY_A : "");
		if (behave_look(me->r->b, &w, now, NULL, seen) > 0)
			continue;
		did.error = i % 40 < 10;
		behave_count(me->r->b, &me->r->limits, &w, &did, NULL, now, &d);
	}
	return NULL;
}

/* For ThreadSanitizer; and the ten that misbehave are banned, whichever thread saw what. */
static void
threads_share_the_decision(void **state)
{
	struct worker w[4];
	struct rig r;
	char ip[24];

	(void)state;
	rig_open(&r);
	r.limits.key[BEHAVE_ERRORS].over = 0;
	for (unsigned i = 0; i < 4; i++) {
		w[i] = (struct worker){.r = &r, .n = i};
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (unsigned i = 0; i < 100; i++)
		behave_tick(r.b, &r.limits, 1000000);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(w[i].thread, NULL);
	r.now = 1000000 + 20000;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(ip, sizeof(ip), "10.0.0.%u", i);
		assert_int_equal(banned(&r, ip, PYTHON, KEY_B), i < 10);
	}
	behave_free(&r.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_banned_at_its_limit),
		cmocka_unit_test(slow_ones_and_small_shares_are_left_alone),
		cmocka_unit_test(a_busy_application_is_no_attack), cmocka_unit_test(scores_are_given_and_taken_back),
		cmocka_unit_test(bans_escalate), cmocka_unit_test(at_a_shared_address_the_key_is_banned),
		cmocka_unit_test(without_a_key_the_fingerprint_there_is_banned),
		cmocka_unit_test(a_crowd_doesn_t_hide_a_scanner), cmocka_unit_test(all_of_them_bad_is_the_address),
		cmocka_unit_test(rotating_keys_is_the_address_in_the_end),
		cmocka_unit_test(a_key_that_goes_bad_everywhere_is_banned), cmocka_unit_test(points_are_given_once),
		cmocka_unit_test(haproxy_s_errors_count),
		cmocka_unit_test(old_errors_are_not_held_against_new_requests),
		cmocka_unit_test(the_never_ban_list_beats_everything), cmocka_unit_test(unknown_addresses_do_no_harm),
		cmocka_unit_test(a_fingerprint_is_banned_only_if_told_so), cmocka_unit_test(the_view_is_what_was_before),
		cmocka_unit_test(threads_share_the_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
