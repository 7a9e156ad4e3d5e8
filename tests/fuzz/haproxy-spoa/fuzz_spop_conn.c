/* SPDX-License-Identifier: MIT */
/*
 * A whole connection with the real judge behind it, fed with arbitrary bytes: all at once, and cut at a
 * place that the input itself chooses.  Both must answer alike, and what comes out must be SPOP.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "haproxy-spoa/judge.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/spop_conn.h"
#include "haproxy-spoa/spop_frame.h"
#include "lib/arena.h"
#include "lib/diag.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char conf_text[] =
    "listen: [\"unix:/nowhere\"]\nedge_keys: \"\"\ndeadline: 60s\n"
    "guard:\n  routes:\n    - {path_prefix: /v1/, oversize: flag}\n"
    "waf:\n  profiles: [{name: llm, mode: detection_only}]\n  rules: ";

/* Few, but they look at everything that comes out of a message. */
static const char rules_text[] =
    "SecRuleEngine On\nSecRequestBodyAccess On\nSecRequestBodyLimitAction ProcessPartial\nSecLLMSecTimeLimit 60000\n"
    "SecRule REQUEST_BODY|REQUEST_HEADERS:Content-Type \"@contains {\" "
	"\"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON\"\n"
    "SecRule REQBODY_ERROR \"@eq 1\" \"id:2,phase:2,deny,status:400,log\"\n"
    "SecRule REQUEST_LINE|REQUEST_URI|QUERY_STRING|REQUEST_HEADERS|REQUEST_HEADERS_NAMES|REQUEST_COOKIES|ARGS|ARGS_NAMES "
	"\"@rx (?i)(x+)[\\x80-\\xff]?$\" \"id:3,phase:2,pass,log,capture,t:urlDecodeUni,t:lowercase,msg:'%{TX.1}',"
	"tag:'attack-%{MATCHED_VAR}',setvar:tx.anomaly_score=+1\"\n"
    "SecRule ARGS|REMOTE_ADDR \"@contains evil\" \"id:4,phase:2,redirect:'/%{MATCHED_VAR}',log\"\n";

static void
file_make(char *path, const char *text, const char *more)
{
	int fd = mkstemp(path);

	if (fd < 0 || dprintf(fd, "%s%s\n", text, more) < 0)
		abort();
	close(fd);
}

static struct policy *
policy(void)
{
	static struct policy *p;
	char path[] = "/tmp/fuzz_spop_conn.XXXXXX", rules[] = "/tmp/fuzz_spop_conn.XXXXXX";
	struct diag *d;

	if (p != NULL)
		return p;
	file_make(rules, rules_text, "");
	file_make(path, conf_text, rules);
	d = diag_new();
	p = policy_load(path, d);
	unlink(path);
	unlink(rules);
	if (p == NULL) {
		diag_print(d, stderr);
		abort();
	}
	diag_free(&d);
	return p;
}

static void
give(struct spop_conn *c, const uint8_t *p, size_t n)
{
	char *room;

	if (n == 0)
		return;
	room = spop_conn_room(c, n);
	if (room == NULL)
		abort();
	memcpy(room, p, n);
	spop_conn_got(c, n);
}

/* Serve to the end, as if the peer read everything; the answers pile up in <all>. */
static void
serve(struct spop_conn *c, struct buf *all)
{
	bool more;

	do {
		more = spop_conn_process(c);
		buf_add(all, buf_ptr(&c->out), buf_len(&c->out));
		buf_consume(&c->out, buf_len(&c->out));
	} while (more);
}

static void
output_check(const struct buf *all)
{
	const char *p = buf_ptr(all);
	size_t left = buf_len(all);
	struct spop_frame f;
	struct wire w;
	uint32_t n;

	while (left > 0) {
		wire_init(&w, p, left);
		n = wire_be32(&w);
		if (w.err || n > left - SPOP_LENGTH || spop_frame_decode(&f, p + SPOP_LENGTH, n) != 0)
			abort();
		if (f.type != SPOP_T_AGENT_HELLO && f.type != SPOP_T_ACK && f.type != SPOP_T_AGENT_DISCONNECT)
			abort();
		p += SPOP_LENGTH + n;
		left -= SPOP_LENGTH + n;
	}
}

/* One for all inputs, as a worker has: what one leaves behind must not change the next. */
static struct policy_thread *
thread(void)
{
	static struct policy_thread *t;

	if (t == NULL)
		t = policy_thread_new(policy());
	if (t == NULL)
		abort();
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct spop_conn_conf conf = {1 << 20, 65536, 8192};
	struct judge j = {.policy = policy(), .thread = thread(), .arena = arena_new(8 << 20), .since_us = policy_now_us()};
	struct spop_conn whole, cut;
	struct buf a = {0}, b = {0};
	size_t at = n ? p[n - 1] * n / 256 : 0;

	if (j.arena == NULL)
		abort();
	spop_conn_init(&whole, &conf, judge_notify, &j);
	spop_conn_init(&cut, &conf, judge_notify, &j);
	give(&whole, p, n);
	serve(&whole, &a);
	give(&cut, p, at);
	serve(&cut, &b);
	give(&cut, p + at, n - at);
	serve(&cut, &b);
	output_check(&a);
	if (a.err || b.err || buf_len(&a) != buf_len(&b) || memcmp(buf_ptr(&a), buf_ptr(&b), buf_len(&a)) != 0)
		abort();
	spop_conn_free(&whole);
	spop_conn_free(&cut);
	buf_free(&a);
	buf_free(&b);
	arena_free(&j.arena);
	return 0;
}
