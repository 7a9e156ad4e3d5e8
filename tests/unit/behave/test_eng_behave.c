/* SPDX-License-Identifier: MIT */
/* Behaviour as engines of the agent: verdicts, reloads and restarts, orders, the never-ban list, configuration. */
#include "config.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "haproxy-spoa/eng_behave.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/spoad_conf.h"
#include "haproxy-spoa/spoad_counters.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/event.h"
#include "tests/unit/lib/temp.h"

#define JA4	"t13d1516h2_8daaf6152771_b0da82dd1658"
static const char keyring_text[] = "k1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

struct engines {			/* one loaded configuration */
	struct spoad_conf	 conf;
	struct conf_mem		*mem;
	void			*look, *count, *look_thread, *count_thread;
};

struct rig {
	char		 dir[TEMP_PATH];
	struct arena	*arena;
	struct engines	 e;
	uint64_t	 now_us;	/* of tick() */
};

/* <more> are lines of the section `behaviour`. */
static bool
engines_up(struct rig *r, struct engines *e, const char *more)
{
	struct diag *d = diag_new();
	char text[2048], path[TEMP_PATH + 16];
	int rc;

	snprintf(path, sizeof(path), "%s/edge.keys", r->dir);
	unlink(path);
	temp_write(r->dir, "edge.keys", keyring_text, sizeof(keyring_text) - 1);
	snprintf(text, sizeof(text), "listen: [\"unix:/nowhere\"]\nedge_keys: %s/edge.keys\nnever_ban: %s/never\nbehaviour:\n"
	    "  sources: 1000\n  state_file: %s/state\n  orders: %s/orders\n"
	    "  address: {errors: {over: 5, share: 50, action: ban}}\n%s", r->dir, r->dir, r->dir, r->dir, more);
	memset(e, 0, sizeof(*e));
	rc = conf_load_mem("spoad.yaml", text, strlen(text), spoad_conf_opts, &e->conf, &e->mem, d);
	if (rc == 0)
		rc = engine_behave_look.configure(&e->look, &e->conf, d);
	if (rc == 0)
		rc = engine_behave.configure(&e->count, &e->conf, d);
	if (rc != 0) {
		print_message("# %s\n", diag_first(d));
	} else if (e->look != NULL) {
		e->look_thread = engine_behave_look.thread_new(e->look);
		e->count_thread = engine_behave.thread_new(e->count);
	}
	diag_free(&d);
	return rc == 0;
}

static void
engines_down(struct engines *e)
{
	if (e->look_thread != NULL) {
		engine_behave_look.thread_free(&e->look_thread);
		engine_behave.thread_free(&e->count_thread);
	}
	engine_behave.release(&e->count);
	engine_behave_look.release(&e->look);
	conf_mem_free(&e->mem);
}

static void
rig_open(struct rig *r, const char *more)
{
	memset(r, 0, sizeof(*r));
	temp_new(r->dir);
	temp_write(r->dir, "never", "", 0);
	r->arena = arena_new(0);
	r->now_us = policy_now_us();
	assert_true(engines_up(r, &r->e, more));
}

static void
rig_close(struct rig *r)
{
	engines_down(&r->e);
	arena_free(&r->arena);
	temp_remove(r->dir);
}

static void
tick(struct rig *r)
{
	r->now_us += 1500000;
	engine_behave.tick(r->e.count, r->now_us);
}

/* A request from <ip> with Authorization <key> (NULL: none), which another engine refuses if <bad>. */
static struct verdict
ask(struct rig *r, const char *ip, const char *key, bool bad)
{
	struct req_header h = {{"Authorization", 13}, {key != NULL ? key : "", key != NULL ? strlen(key) : 0}};
	struct req_view q;
	struct verdict v;

	req_view_init(&q);
	snprintf(q.ip, sizeof(q.ip), "%s", ip);
	q.path = (struct span){"/v1/x", 5};
	q.headers = &h;
	q.n_headers = key != NULL;
	verdict_init(&v, 0);
	v.ja4 = JA4;
	if (engine_behave_look.run(r->e.look, r->e.look_thread, &q, &v, r->arena) == ENGINE_CONTINUE && bad)
		verdict_deny(&v, 400, "test", "test");
	assert_int_equal(engine_behave.run(r->e.count, r->e.count_thread, &q, &v, r->arena), ENGINE_CONTINUE);
	return v;
}

static struct verdict
scan(struct rig *r, const char *ip, const char *key)
{
	struct verdict v;

	for (int i = 0; i < 4; i++)
		assert_int_equal(ask(r, ip, key, true).ban, 0);
	v = ask(r, ip, key, true);
	return v;
}

static void
a_scanner_is_banned_and_refused(void **state)
{
	struct rig r;
	struct verdict v;

	(void)state;
	rig_open(&r, "");
	v = scan(&r, "192.0.2.7", NULL);
	assert_int_equal(v.ban, 60);
	assert_string_equal(v.ban_scope, "ip");
	assert_string_equal(v.reason, "test");	/* it was refused already */
	assert_string_equal(behave_detail(v.behaved, r.arena), "{\"scope\":\"ip\",\"id\":\"192.0.2.7\",\"reason\":\"errors\","
	    "\"level\":1,\"requests\":5,\"errors\":5,\"paths\":1,\"waf_hits\":0}");
	v = ask(&r, "192.0.2.7", NULL, false);
	assert_int_equal(v.action, VERDICT_DENY);
	assert_int_equal(v.status, 403);
	assert_string_equal(v.reason, "banned");
	assert_string_equal(v.rule_ids[0], "behave-banned");
	assert_true(v.hush && v.ban == 0 && v.behaved == NULL);
	assert_in_range(v.retry_after, 50, 60);
	assert_int_equal(ask(&r, "192.0.2.8", NULL, false).action, VERDICT_ALLOW);
	/* A network of its own in IPv6. */
	v = scan(&r, "2001:db8::5", NULL);
	assert_non_null(strstr(behave_detail(v.behaved, r.arena), "\"cidr\":\"2001:db8::/64\""));
	rig_close(&r);
}

static void
the_view_and_the_key_are_in_the_verdict(void **state)
{
	static const uint8_t k[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
		0xff, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
	struct verdict v;
	struct rig r;
	char want[17];

	(void)state;
	rig_open(&r, "");
	event_digest(want, k, sizeof(k), "sk-secret", 9);
	for (int i = 0; i < 3; i++) {
		v = ask(&r, "192.0.2.7", i % 2 ? "bearer  sk-secret " : "Bearer sk-secret", i == 0);
		assert_string_equal(v.key, want);
		assert_int_equal(v.behave.requests, i);
		assert_int_equal(v.behave.errors, i > 0);
		assert_int_equal(v.behave.distinct_paths, i > 0);
	}
	assert_string_equal(ask(&r, "192.0.2.7", "Bearer ", false).key, "");
	assert_string_equal(ask(&r, "192.0.2.7", NULL, false).key, "");
	assert_int_equal(ask(&r, "192.0.2.7", NULL, false).behave.requests, 2);	/* the client without a key */
	rig_close(&r);
}

static void
bans_survive_reload_and_restart(void **state)
{
	struct engines fresh;
	struct rig r;

	(void)state;
	rig_open(&r, "");
	for (int i = 0; i < 4; i++)
		ask(&r, "192.0.2.9", NULL, true);
	scan(&r, "192.0.2.7", NULL);
	/* Reload: the windows are still there, too. */
	assert_true(engines_up(&r, &fresh, "  decay: 2h\n"));
	engines_down(&r.e);
	r.e = fresh;
	tick(&r);
	assert_string_equal(ask(&r, "192.0.2.7", NULL, false).reason, "banned");
	assert_int_equal(ask(&r, "192.0.2.9", NULL, true).ban, 60);
	/* Another size: the bans come along. */
	assert_true(engines_up(&r, &fresh, "  max_bans: 100\n"));
	engines_down(&r.e);
	r.e = fresh;
	tick(&r);
	assert_string_equal(ask(&r, "192.0.2.7", NULL, false).reason, "banned");
	scan(&r, "192.0.2.10", NULL);
	/* Restart. */
	engines_down(&r.e);
	assert_true(engines_up(&r, &r.e, ""));
	assert_string_equal(ask(&r, "192.0.2.7", NULL, false).reason, "banned");
	assert_string_equal(ask(&r, "192.0.2.9", NULL, false).reason, "banned");
	assert_string_equal(ask(&r, "192.0.2.10", NULL, false).reason, "banned");
	assert_string_equal(ask(&r, "192.0.2.11", NULL, false).reason, "ok");
	rig_close(&r);
}

/* A configuration that is refused after behaviour was configured has changed nothing. */
static void
a_refused_reload_changes_nothing(void **state)
{
	struct engines fresh;
	struct rig r;

	(void)state;
	rig_open(&r, "");
	tick(&r);
	assert_true(engines_up(&r, &fresh, "  max_bans: 200\n  state_file: \"\"\n") == false);	/* a key twice */
	engines_down(&fresh);
	assert_true(engines_up(&r, &fresh, "  max_bans: 200\n"));
	engines_down(&fresh);	/* thrown away before it was in force */
	scan(&r, "192.0.2.7", NULL);
	engines_down(&r.e);
	assert_true(engines_up(&r, &r.e, ""));
	assert_string_equal(ask(&r, "192.0.2.7", NULL, false).reason, "banned");
	rig_close(&r);
}

static void
an_order_lifts(void **state)
{
	struct rig r;
	struct timespec ts;
	char text[64];
	int n;

	(void)state;
	rig_open(&r, "");
	scan(&r, "192.0.2.7", NULL);
	tick(&r);
	assert_string_equal(ask(&r, "192.0.2.7", NULL, false).reason, "banned");
	clock_gettime(CLOCK_REALTIME, &ts);
	/* tick()'s clock runs ahead of the real one here. */
	n = snprintf(text, sizeof(text), "%" PRId64 " lift ip 192.0.2.7\n", (int64_t)ts.tv_sec * 1000 + 60000);
	temp_write(r.dir, "orders", text, (size_t)n);
	tick(&r);
	assert_string_equal(ask(&r, "192.0.2.7", NULL, false).reason, "ok");
	assert_int_equal(scan(&r, "192.0.2.7", NULL).ban, 0);	/* a minute's grace */
	rig_close(&r);
}

static void
the_never_ban_list_is_followed(void **state)
{
	char path[TEMP_PATH + 16];
	struct rig r;

	(void)state;
	rig_open(&r, "");
	snprintf(path, sizeof(path), "%s/never", r.dir);
	assert_int_equal(scan(&r, "192.0.2.7", NULL).ban, 60);
	tick(&r);
	unlink(path);
	temp_write(r.dir, "never", "192.0.2.0/29\n", 13);
	tick(&r);
	tick(&r);
	assert_string_equal(ask(&r, "192.0.2.7", NULL, false).reason, "ok");
	assert_int_equal(scan(&r, "192.0.2.6", NULL).ban, 0);
	assert_int_equal(scan(&r, "192.0.2.8", NULL).ban, 60);
	/* A mistake leaves the old list in force. */
	unlink(path);
	temp_write(r.dir, "never", "192.0.2.0/33\n", 13);
	tick(&r);
	tick(&r);
	assert_string_equal(ask(&r, "192.0.2.7", NULL, false).reason, "ok");
	rig_close(&r);
}

static void
monitor_only_tells(void **state)
{
	struct rig r;
	struct verdict v;

	(void)state;
	rig_open(&r, "  mode: monitor\n");
	v = scan(&r, "192.0.2.7", NULL);
	assert_int_equal(v.ban, 0);
	assert_string_equal(v.ban_scope, "");
	assert_non_null(v.behaved);
	assert_false(v.behaved->banned);
	v = ask(&r, "192.0.2.7", NULL, false);
	assert_int_equal(v.action, VERDICT_ALLOW);
	assert_null(v.behaved);
	rig_close(&r);
	rig_open(&r, "  mode: \"off\"\n");
	assert_null(r.e.look);
	assert_int_equal(scan(&r, "192.0.2.7", NULL).ban, 0);
	rig_close(&r);
}

static void
what_happened_is_counted(void **state)
{
	struct counters *c;
	struct rig r;

	(void)state;
	assert_int_equal(counters_open(&c, NULL, "spoad", spoad_counters, SPOAD_C_N), 0);
	rig_open(&r, "");
	ask(&r, "192.0.2.50", "Bearer b", false);
	scan(&r, "192.0.2.50", "Bearer a");
	scan(&r, "192.0.2.7", NULL);
	ask(&r, "192.0.2.7", NULL, false);
	ask(&r, "192.0.2.7", NULL, false);
	for (int i = 0; i < 2; i++) {
		tick(&r);
		engine_behave.report(r.e.count, c);
		assert_int_equal(counters_get(c, SPOAD_C_BEHAVE_BAN_IP), 1);
		assert_int_equal(counters_get(c, SPOAD_C_BEHAVE_BAN_KEY), 1);
		assert_int_equal(counters_get(c, SPOAD_C_BEHAVE_REFUSED_IP), 2);
		assert_int_equal(counters_get(c, SPOAD_C_BEHAVE_ACTIVE), 2);
		/* Two addresses, one fingerprint, two keys, one client without. */
		assert_int_equal(counters_get(c, SPOAD_C_BEHAVE_SOURCES), 6);
	}
	rig_close(&r);
	counters_close(&c);
}

/* ---- threads ---------------------------------------------------------------------------------- */

struct worker {
	pthread_t	 thread;
	struct rig	 r;		/* engines' state shared, threads' own */
	unsigned	 banned;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	char ip[24];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(ip, sizeof(ip), "10.0.0.%u", i % 50);
		w->banned += ask(&w->r, ip, i % 2 ? "Bearer a" : NULL, i % 50 < 10).ban > 0;
		arena_reset(w->r.arena);
	}
	return NULL;
}

/* For ThreadSanitizer: workers serve while the main thread follows files, saves and reports. */
static void
workers_and_ticks_get_along(void **state)
{
	char path[TEMP_PATH + 16];
	struct counters *c;
	struct worker w[3];
	unsigned banned = 0;
	struct rig r;

	(void)state;
	assert_int_equal(counters_open(&c, NULL, "spoad", spoad_counters, SPOAD_C_N), 0);
	rig_open(&r, "  key: {errors: {over: 0}}\n");
	snprintf(path, sizeof(path), "%s/never", r.dir);
	for (int i = 0; i < 3; i++) {
		w[i] = (struct worker){.r = r};
		w[i].r.arena = arena_new(0);
		w[i].r.e.look_thread = engine_behave_look.thread_new(r.e.look);
		w[i].r.e.count_thread = engine_behave.thread_new(r.e.count);
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < 12; i++) {
		if (i % 3 == 0) {
			unlink(path);
			temp_write(r.dir, "never", "10.0.0.0/30\n", i % 2 ? 12 : 0);
		}
		r.now_us += 600000;	/* less than a second of windows in all */
		engine_behave.tick(r.e.count, r.now_us);
		engine_behave.report(r.e.count, c);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(w[i].thread, NULL);
		banned += w[i].banned;
		engine_behave_look.thread_free(&w[i].r.e.look_thread);
		engine_behave.thread_free(&w[i].r.e.count_thread);
		arena_free(&w[i].r.arena);
	}
	assert_in_range(banned, 1, 30);
	rig_close(&r);
	counters_close(&c);
}

/* ---- configuration ---------------------------------------------------------------------------- */

static void
mistakes_have_a_place(void **state)
{
	static const struct { const char *text, *want; } t[] = {
		{"behaviour:\n  sources: 10\n", "spoad.yaml:3:12: error: \"sources\" out of range: must be 1000 to 100000000"},
		{"behaviour:\n  adress: {}\n", "spoad.yaml:3:3: error: unknown key \"adress\""},
		{"behaviour:\n  address:\n    errors: {over: many}\n", "spoad.yaml:4:20: error: \"over\" must be an integer"},
		{"behaviour:\n  key:\n    waf_hits: {action: kill}\n", "spoad.yaml:4:24: error: \"action\" must be one of score, ban"},
		{"behaviour:\n  ban_times: {first: 10}\n", "spoad.yaml:3:22: error: \"first\" must be a duration"},
		{"behaviour:\n  ja4:\n    paths: {share: 101}\n", "spoad.yaml:4:20: error: \"share\" out of range"},
	};
	struct spoad_conf c;
	struct conf_mem *mem;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct diag *d = diag_new();

		memset(&c, 0, sizeof(c));
		snprintf(text, sizeof(text), "listen: [\"unix:/nowhere\"]\n%s", t[i].text);
		assert_true(conf_load_mem("spoad.yaml", text, strlen(text), spoad_conf_opts, &c, &mem, d) != 0);
		if (strncmp(diag_first(d), t[i].want, strlen(t[i].want)) != 0)
			print_message("# %s\n", diag_first(d));
		assert_memory_equal(diag_first(d), t[i].want, strlen(t[i].want));
		diag_free(&d);
	}
}

static void
files_with_mistakes_are_refused(void **state)
{
	char path[TEMP_PATH + 16];
	struct engines other;
	struct rig r;

	(void)state;
	rig_open(&r, "");
	engines_down(&r.e);
	snprintf(path, sizeof(path), "%s/never", r.dir);
	unlink(path);
	temp_write(r.dir, "never", "192.0.2.1\nlocalhost\n", 20);
	assert_false(engines_up(&r, &other, ""));	/* never:2: error: ... */
	engines_down(&other);
	unlink(path);
	assert_true(engines_up(&r, &r.e, ""));		/* not there: the log says so */
	engines_down(&r.e);
	snprintf(path, sizeof(path), "%s/state", r.dir);
	unlink(path);
	temp_write(r.dir, "state", "precious\n", 9);
	assert_false(engines_up(&r, &other, ""));
	engines_down(&other);
	memset(&r.e, 0, sizeof(r.e));
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scanner_is_banned_and_refused), cmocka_unit_test(the_view_and_the_key_are_in_the_verdict),
		cmocka_unit_test(bans_survive_reload_and_restart), cmocka_unit_test(a_refused_reload_changes_nothing),
		cmocka_unit_test(an_order_lifts), cmocka_unit_test(the_never_ban_list_is_followed),
		cmocka_unit_test(monitor_only_tells), cmocka_unit_test(what_happened_is_counted),
		cmocka_unit_test(workers_and_ticks_get_along), cmocka_unit_test(mistakes_have_a_place), cmocka_unit_test(files_with_mistakes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
