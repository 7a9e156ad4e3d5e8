/* SPDX-License-Identifier: MIT */
/* Persistent collections: the store itself, then rules that count across transactions. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "haproxy-spoa/waf/persist.h"
#include "haproxy-spoa/waf/persist_record.h"
#include "tests/unit/lib/temp.h"
#include "tests/unit/waf/exec_rig.h"

#define T0	1795564800

static char dir[TEMP_PATH];

/* One variable set to the text in <arg>. */
static void
put_n(void *arg, bool found, struct persist_record *rec, struct arena *a)
{
	struct persist_var *v = arena_calloc(a, 2, sizeof(*v));

	v[0] = (struct persist_var){WAF_STR("n"), {arg, strlen(arg)}, 0};
	v[1] = (struct persist_var){WAF_STR("short"), WAF_STR("x"), T0 + 5};
	rec->created = found ? rec->created : T0;
	rec->updated = T0;
	rec->timeout = 60;
	rec->v = v;
	rec->n = 2;
}

static void
test_store(void **state)
{
	struct diag *d = diag_new();
	struct persist *p = persist_open(dir, d), *again = persist_open(dir, d);
	struct arena *a = arena_new(0);
	struct persist_update up = {"IP", WAF_STR("192.0.2.1"), (void *)(uintptr_t)"12"};
	struct persist_record rec;
	size_t dropped = 0;

	(void)state;
	assert_non_null(p);
	assert_ptr_equal(p, again);	/* LMDB would break if it were opened twice */
	persist_close(&again);
	assert_int_equal(persist_get(p, "IP", up.key, T0, &rec, a), 0);
	assert_int_equal(persist_update(p, &up, 1, T0, put_n, a), 0);
	assert_int_equal(persist_get(p, "IP", up.key, T0, &rec, a), 1);
	assert_int_equal(rec.n, 2);
	assert_string_equal(rec.v[0].value.p, "12");
	assert_int_equal(persist_get(p, "IP", up.key, T0 + 5, &rec, a), 1);
	assert_int_equal(rec.n, 1);	/* the other variable has expired */
	assert_int_equal(persist_get(p, "GLOBAL", up.key, T0, &rec, a), 0);
	assert_int_equal(persist_get(p, "IP", up.key, T0 + 60, &rec, a), 1);
	assert_int_equal(persist_get(p, "IP", up.key, T0 + 61, &rec, a), 0);
	assert_int_equal(persist_sweep(p, T0 + 60, 100, &dropped), 1);
	assert_int_equal(dropped, 0);
	assert_int_equal(persist_sweep(p, T0 + 61, 100, &dropped), 1);
	assert_int_equal(dropped, 1);
	assert_int_equal(persist_get(p, "IP", up.key, T0, &rec, a), 0);
	persist_close(&p);
	arena_free(&a);
	diag_free(&d);
}

static void
put_timeout(void *arg, bool found, struct persist_record *rec, struct arena *a)
{
	(void)found;
	(void)a;
	*rec = (struct persist_record){.created = T0, .updated = T0, .timeout = *(const int *)arg};
}

/* 100 records of which every third is dead, in slices that don't fit their number; then a second round. */
static void
test_sweep_slices(void **state)
{
	struct diag *d = diag_new();
	struct persist *p;
	struct arena *a = arena_new(0);
	struct persist_record rec;
	static const int timeout[2] = {1000, 10};
	size_t dropped = 0, calls = 1, alive = 0, i;
	char key[16];
	int r;

	(void)state;
	temp_remove(dir);
	temp_new(dir);
	p = persist_open(dir, d);
	for (i = 0; i < 100; i++) {
		struct persist_update up = {"IP", {key, (size_t)snprintf(key, sizeof(key), "%zu", i)},
		    (void *)(uintptr_t)&timeout[i % 3 == 0]};

		assert_int_equal(persist_update(p, &up, 1, T0, put_timeout, a), 0);
	}
	for (; (r = persist_sweep(p, T0 + 100, 7, &dropped)) == 0; calls++)
		;
	assert_int_equal(r, 1);
	assert_in_range(calls, 14, 30);
	assert_int_equal(dropped, 34);
	for (i = 0; i < 100; i++) {
		struct waf_str k = {key, (size_t)snprintf(key, sizeof(key), "%zu", i)};

		alive += persist_get(p, "IP", k, T0, &rec, a) == 1;
	}
	assert_int_equal(alive, 66);
	while (persist_sweep(p, T0 + 2000, 1, &dropped) == 0)
		;
	assert_int_equal(dropped, 100);
	assert_int_equal(persist_sweep(p, T0 + 2000, 1, &dropped), 1);
	persist_close(&p);
	arena_free(&a);
	diag_free(&d);
}

static void
test_keys(void **state)
{
	unsigned char a[PERSIST_KEY_MAX], b[PERSIST_KEY_MAX];
	char text[600];

	(void)state;
	memset(text, 'k', sizeof(text));
	assert_int_equal(persist_key(a, "IP", (struct waf_str){text, 600}), PERSIST_KEY_MAX);
	text[599] = 'l';
	assert_int_equal(persist_key(b, "IP", (struct waf_str){text, 600}), PERSIST_KEY_MAX);
	assert_memory_not_equal(a, b, PERSIST_KEY_MAX);
	assert_int_equal(persist_key(a, "IP", WAF_STR("x")), 4);
	assert_memory_equal(a, "IP\0x", 4);
}

/* A record that somebody cut or bent is no record, and never more than its bytes. */
static void
test_damage(void **state)
{
	struct arena *a = arena_new(0);
	struct persist_var v[2] = {{WAF_STR("n"), WAF_STR("12"), 0}, {WAF_STR("m"), WAF_STR("text"), 9}};
	struct persist_record rec = {v, 2, 1, 2, 3, 0}, back;
	unsigned char *bytes;
	size_t len, i;

	(void)state;
	bytes = persist_encode(&rec, &len, a);
	assert_int_equal(persist_decode(&back, bytes, len, 0, a), 1);
	assert_int_equal(back.n, 2);
	assert_int_equal(back.counter, 3);
	for (i = 0; i < len; i++) {
		unsigned char *cut = malloc(i + 1);	/* exact, so that ASan sees a byte too far */

		memcpy(cut, bytes, i);
		if (persist_decode(&back, cut, i, 0, a) == 1)
			assert_true(back.n < 2);
		free(cut);
		bytes[i] ^= 0xff;
		persist_decode(&back, bytes, len, 0, a);
		bytes[i] ^= 0xff;
	}
	assert_int_equal(persist_decode(&back, bytes, len, 0, a), 1);
	arena_free(&a);
}

#define INIT	"SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{remote_addr}\"\n"
#define COUNT	INIT "SecAction \"id:2,phase:1,pass,nolog,setvar:ip.n=+1\"\n"
#define SHOW(t)	"SecAction \"id:9,phase:5,pass,log,msg:'" t "'\"\n"

static void
test_rules(void **state)
{
	static const struct {
		const char *rules, *want;
		int64_t now;
		size_t repeat;
		bool keep;	/* what the row before left */
	} rows[] = {
		{ COUNT SHOW("%{ip.n}"), "pass 9:3", T0, 3, false },
		{ COUNT SHOW("%{ip.n}"), "pass 9:5", T0, 2, true },		/* a reload */
		{ INIT SHOW("%{ip.n} %{ip.is_new} %{ip.key}"), "pass 9:5 0 192.0.2.1", T0, 1, true },
		{ "SecCollectionTimeout 100\n" COUNT SHOW("%{ip.n}"), "pass 9:1", T0 + 3601, 1, true },	/* it had 3600 s */
		{ "SecCollectionTimeout 100\n" COUNT SHOW("%{ip.n}"), "pass 9:1", T0 + 3601 + 101, 1, true },
		{ "SecAction \"id:2,phase:1,pass,nolog,setvar:ip.n=+1\"\n" SHOW("<%{ip.n}>"), "pass 9:<>", T0, 1, false },	/* no initcol */
		{ INIT "SecAction \"id:2,phase:1,pass,nolog,setvar:ip.flag=1,expirevar:ip.flag=10\"\n", "pass", T0, 1, false },
		{ INIT SHOW("<%{ip.flag}>"), "pass 9:<1>", T0 + 9, 1, true },
		{ INIT SHOW("<%{ip.flag}>"), "pass 9:<>", T0 + 10, 1, true },
		{ INIT "SecAction \"id:2,phase:1,pass,nolog,setvar:ip.c=60\"\n", "pass", T0, 1, false },
		{ INIT "SecAction \"id:2,phase:1,pass,nolog,deprecatevar:ip.c=10/20\"\n" SHOW("%{ip.c}"), "pass 9:40", T0 + 45, 1, true },
		{ INIT "SecAction \"id:2,phase:1,pass,nolog,setvar:!ip.c\"\n", "pass", T0 + 45, 1, true },
		{ INIT SHOW("<%{ip.c}>"), "pass 9:<>", T0 + 45, 1, true },
		{ "SecAction \"id:1,phase:1,pass,nolog,setsid:abc,setvar:session.x=+1\"\n" SHOW("%{session.x} %{sessionid}"),
		    "pass 9:2 abc", T0, 2, false },
		{ "SecAction \"id:1,phase:1,pass,nolog,setuid:bob,setvar:user.x=+1\"\n" SHOW("%{user.x} %{userid}"), "pass 9:2 bob", T0, 2, false },
		{ "SecAction \"id:1,phase:1,pass,nolog,initcol:global=g,setvar:global.x=+1\"\nSecRule GLOBAL:x \"@ge 2\" \"id:2,phase:1,deny,log\"",
		    "deny 403 in 1 by 2 2:", T0, 2, false },
		{ INIT "SecRule &IP:n \"@eq 0\" \"id:3,phase:1,pass,log\"\n", "pass 3:", T0, 1, false },
	};
	struct waf_options opt = {.state_dir = dir};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig = {.rules = rows[i].rules, .now_s = rows[i].now, .repeat = rows[i].repeat, .opt = &opt};

		if (!rows[i].keep) {
			rig_done();
			temp_remove(dir);
			temp_new(dir);
		}
		assert_string_equal(rig_run(&rig), rows[i].want);
	}
	rig_done();
}

/* Without a folder they last one transaction. */
static void
test_no_store(void **state)
{
	struct rig rig = {.rules = COUNT SHOW("%{ip.n}"), .repeat = 3};

	(void)state;
	assert_string_equal(rig_run(&rig), "pass 9:1");
	rig_done();
}

/* Two transactions read 0 and count one each: two is what must be stored. */
static void
test_lost_update(void **state)
{
	struct waf_request q = {.method = WAF_STR("GET"), .uri = WAF_STR("/"), .protocol = WAF_STR("HTTP/1.1"),
	    .client_ip = WAF_STR("192.0.2.9"), .now_us = (int64_t)T0 * 1000000};
	struct waf_options opt = {.state_dir = dir};
	struct waf_thread *th[2] = {waf_thread_new(), waf_thread_new()};
	struct diag *d = diag_new();
	struct waf_tx *tx[2];
	const struct waf_verdict *v;
	struct waf *w;
	int i;

	(void)state;
	assert_int_equal(waf_load_mem(&w, "t", NULL, COUNT SHOW("%{ip.n}"), sizeof(COUNT SHOW("%{ip.n}")) - 1, &opt, d), 0);
	for (i = 0; i < 2; i++) {
		tx[i] = waf_tx_new(w, th[i], NULL, &q);
		waf_tx_request(tx[i]);
	}
	for (i = 0; i < 2; i++)
		waf_tx_end(tx[i]);
	tx[0] = waf_tx_new(w, th[0], NULL, &q);
	waf_tx_request(tx[0]);
	v = waf_tx_end(tx[0]);
	assert_string_equal(v->matches[v->n_matches - 1].msg, "3");
	for (i = 0; i < 2; i++)
		waf_thread_free(&th[i]);
	waf_free(&w);
	diag_free(&d);
}

static void
test_bad_folder(void **state)
{
	struct diag *d = diag_new();

	(void)state;
	assert_null(persist_open("/proc/nope/state", d));
	assert_int_equal(diag_errors(d), 1);
	diag_free(&d);
}

static int
begin(void **state)
{
	(void)state;
	temp_new(dir);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	rig_done();
	temp_remove(dir);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store), cmocka_unit_test(test_sweep_slices),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_no_store),
		cmocka_unit_test(test_lost_update),
		cmocka_unit_test(test_bad_folder),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
