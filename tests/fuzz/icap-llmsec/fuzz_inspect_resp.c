/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "lib/diag.h"

static struct icap_policy pol;

static void
setup(void)
{
	struct pii_conf pc = { .all = DETECT_MASK };
	struct secret_conf sc = { .all = DETECT_MASK };
	struct detect_conf dc = { .injection_pack = "", .pii = &pc, .secrets = &sc };
	struct diag *d = diag_new();

	for (size_t i = 0; i < PII_GROUPS; i++)
		pc.mode[i] = -1;
	for (size_t i = 0; i < SECRET_GROUPS; i++)
		sc.mode[i] = -1;

	pol.fail = FAIL_CLOSED;
	pol.max_response = 1 << 18;
	pol.hold_max = 1024;
	pol.stream_window = 512;
	pol.depth = 32;
	pol.pii.unmask = true;
	if (detectors_load(&pol.detectors, &dc, d) != 0)
		abort();
	diag_free(&d);
}

static struct buf
run(uint8_t how, const uint8_t *p, size_t n, size_t step)
{
	static const char *const cts[] = { "text/event-stream", "application/x-ndjson", "application/json" };
	static const char *const urls[] = { "/v1/chat/completions", "/v1/messages",
		"/v1beta/models/g:streamGenerateContent", "/api/chat", "/v1/responses" };
	struct inspect_resp_in in = { .content_type = cts[how % 3], .status = 200, .content_length = -1 };
	const char *url = urls[how / 3 % 5];
	struct inspect_resp *r;
	struct buf out = { 0 };

	dialect_route("POST", url, strlen(url), &in.route);
	in.route.stream = true;
	in.tx.vault = mask_vault_new();
	if (mask_token(in.tx.vault, "EMAIL", "ann@example.org", 15) == NULL ||
	    inspect_resp_new(&r, &pol, &in) != 0)
		abort();
	for (size_t at = 0; at < n; at += step)
		if (inspect_resp_feed(r, p + at, n - at < step ? n - at : step) != 0)
			abort();
	if (inspect_resp_finish(r) != 0)
		abort();
	if (inspect_resp_mode(r) != RESP_HOLD || inspect_resp_refusal(r) == NULL)
		buf_add(&out, buf_ptr(inspect_resp_out(r)), buf_len(inspect_resp_out(r)));
	inspect_resp_free(&r);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Bytes 0 and 1 choose dialect, type, piece size and output mode; what comes out must not depend on pieces. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf a, b;

	if (n < 2 || n > 65536)
		return 0;
	if (pol.detectors == NULL)
		setup();
	pol.pii.output = p[1] & 1 ? (p[1] & 2 ? DETECT_BLOCK : DETECT_MASK) : DETECT_OFF;
	a = run(p[0], p + 2, n - 2, n);
	b = run(p[0], p + 2, n - 2, 1 + (p[1] >> 2));
	/* a CR at the end of a piece may move an event of ours by that one byte */
	if (memchr(p + 2, '\r', n - 2) == NULL &&
	    (buf_len(&a) != buf_len(&b) || memcmp(buf_ptr(&a), buf_ptr(&b), buf_len(&a)) != 0))
		abort();
	buf_free(&a);
	buf_free(&b);
	return 0;
}
