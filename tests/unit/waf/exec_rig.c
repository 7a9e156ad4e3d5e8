/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "haproxy-spoa/waf/http_raw.h"
#include "tests/unit/waf/exec_rig.h"

static char line[65536];
static struct waf *waf;
static struct waf_thread *thread;
static struct arena *arena;
static struct waf_tx *tx;
static const struct waf_verdict *verdict;

void
rig_done(void)
{
	waf_thread_free(&thread);
	waf_free(&waf);
	arena_free(&arena);
}

static void
load(const struct rig *r)
{
	struct diag *d = diag_new();

	rig_done();
	if (waf_load_mem(&waf, "test", NULL, r->rules, strlen(r->rules), r->opt, d) != 0)
		fail_msg("%s in: %s", diag_first(d), r->rules);
	diag_free(&d);
	arena = arena_new(0);
	thread = waf_thread_new();
	assert_non_null(thread);
}

static void
judge(const struct rig *r)
{
	const char *raw = r->request != NULL ? r->request : "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	struct waf_response rsp = {0};
	struct waf_request q = {0};
	struct http_raw h;

	assert_int_equal(http_raw_request(&h, arena, raw, strlen(raw), HTTP_RAW_TO_END), 0);
	q = (struct waf_request){.method = h.method, .uri = h.uri, .protocol = h.protocol, .line = h.line,
	    .headers = h.headers, .n_headers = h.n_headers, .body = h.body, .client_ip = WAF_STR("192.0.2.1"),
	    .server_ip = WAF_STR("198.51.100.1"), .client_port = 1234, .server_port = 443,
	    .unique_id = WAF_STR("u-1"), .now_us = (r->now_s ? r->now_s : 1795564800) * 1000000};
	tx = waf_tx_new(waf, thread, r->profile, &q);
	assert_non_null(tx);
	waf_tx_request(tx);
	if (r->response != NULL) {
		assert_int_equal(http_raw_response(&h, arena, r->response, strlen(r->response)), 0);
		rsp = (struct waf_response){.status = h.status, .protocol = h.protocol, .headers = h.headers,
		    .n_headers = h.n_headers, .body = h.body};
		waf_tx_response(tx, &rsp);
	}
	verdict = waf_tx_end(tx);
	assert_int_equal(waf_tx_verify(tx, NULL, 0), 0);
}

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	size_t n = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
}

static void
show_action(const struct waf_verdict *v)
{
	static const char *const names[] = {"pass", "deny", "drop", "redirect", "allow", "error"};

	say("%s", names[v->action]);
	if (v->action == WAF_DENY || v->action == WAF_DROP || v->action == WAF_REDIRECT)
		say(" %d in %d by %lld", v->status, v->phase, (long long)v->rule_id);
	if (v->action == WAF_REDIRECT)
		say(" to %s", v->redirect);
	if (v->action == WAF_ERROR)
		say(" %s", waf_error_name(v->error));
	if (v->detection_only)
		say(" would by %lld", (long long)v->rule_id);
}

static void
show(const struct waf_verdict *v)
{
	size_t i;

	line[0] = '\0';
	show_action(v);
	for (i = 0; i < v->n_matches; i++) {
		const struct waf_match *m = &v->matches[i];

		if (!m->log)
			continue;
		assert_int_equal(strlen(m->msg), m->msg_len);
		say(" %lld:%s%s%s", (long long)m->id, m->msg, m->logdata_len > 0 ? ">" : "", m->logdata);
	}
}

const char *
rig_run(const struct rig *r)
{
	size_t n = r->repeat > 0 ? r->repeat : 1;

	load(r);
	while (n-- > 0)
		judge(r);
	show(verdict);
	return line;
}

const struct waf_verdict *
rig_verdict(void)
{
	return verdict;
}

struct waf_tx *
rig_tx(void)
{
	return tx;
}
