/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a request.  Byte 0 chooses the API, byte 1 codings and, from 128 on, an exception that makes personal data milder.  A rewritten body is JSON again and passes
 * for a request of the same texts; a refusal is valid JSON in every dialect; a block is never overlooked
 * because of what stands elsewhere in the body.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "lib/diag.h"
#include "lib/json.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static const char pack[] = "rules:\n"
    "  - id: T-1\n    category: injection.test\n    severity: 8\n    phrases: ['open sesame']\n    match: ['open sesame']\n"
    "  - id: T-2\n    category: injection.test\n    severity: 7\n    pattern: 'ignore\\b.{0,20}\\brules'\n    match: ['ignore the rules']\n";
static const char *const urls[] = {
	"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings", "/v1/moderations", "/v1/messages",
	"/v1beta/models/g:generateContent", "/v1beta/models/g:batchEmbedContents", "/api/chat", "/api/generate", "/v1/files",
	"/v1/unknown",
};
static struct icap_policy pol;
static struct icap_exception own;

static void
setup(void)
{
	char path[] = "/tmp/fuzz_inspect_req.XXXXXX";
	int fd = mkstemp(path);
	struct pii_conf pc = { .all = DETECT_MASK };
	struct secret_conf sc = { .all = DETECT_MASK };
	struct detect_conf dc = { .injection_pack = path, .pii = &pc, .secrets = &sc };
	struct diag *d = diag_new();

	for (size_t i = 0; i < PII_GROUPS; i++)
		pc.mode[i] = -1;
	for (size_t i = 0; i < SECRET_GROUPS; i++)
		sc.mode[i] = -1;

	MUST(fd >= 0 && write(fd, pack, sizeof(pack) - 1) == (ssize_t)sizeof(pack) - 1);
	close(fd);
	MUST(detectors_load(&pol.detectors, &dc, d) == 0);
	unlink(path);
	diag_free(&d);
	pol.modes = (struct detect_modes){ .user = DETECT_BLOCK, .tool = DETECT_BLOCK, .file = DETECT_BLOCK, .assistant = DETECT_BLOCK };
	pol.max_request = 1 << 18;
	pol.depth = 32;
	pol.files = UNKNOWN_PASS;
	pol.pii.unmask = true;
	pol.attachments.max_count = 100;
	pol.attachments.max_text = pol.attachments.max_unpacked = 1 << 18;
	for (size_t i = 0; i < ATTACH_CLASSES; i++)
		pol.attachments.max[i] = 1 << 18;
	for (size_t i = ATTACH_CLASSES; i < ATTACH_N; i++)
		pol.attachments.modes.what[i] = i == ATTACH_REMOTE ? DETECT_OFF : DETECT_BLOCK;
	pol.attachments.modes.most = pol.attachments.modes.pii = pol.attachments.modes.secrets = pol.attachments.modes.media_pii = DETECT_BLOCK;
	own.modes = pol.modes;
	own.files = pol.attachments.modes;
	pol.exceptions = &own;
}

static int
ignore(void *arg, const struct json_value *v)
{
	return 0;
}

static bool
is_json(const struct buf *b)
{
	return json_scan_all(buf_ptr(b), buf_len(b), 0, NULL, ignore, NULL, NULL, NULL) == 0;
}

static void
check_refusal(const struct refusal *r)
{
	MUST(r->status >= 400 && r->status < 600 && r->message != NULL && r->code != NULL);
	for (int d = DIALECT_NONE; d <= DIALECT_OLLAMA; d++) {
		struct buf b = { 0 };

		MUST(dialect_error_json(&b, (enum dialect)d, r) == 0 && is_json(&b));
		buf_free(&b);
	}
}

/* Masked once: the same texts, no more of what was masked, the same messages. */
static void
check_rewrite(const struct inspect_req_in *in, const struct inspect_req_out *o, struct arena *a)
{
	struct inspect_req_in again = *in;
	struct inspect_req_out x;

	MUST(is_json(&o->body));
	again.content_encoding = NULL;
	again.body = buf_ptr(&o->body);
	again.len = buf_len(&o->body);
	inspect_request(&pol, &again, a, &x);
	MUST(x.spans.n == o->spans.n && x.spans.n_messages == o->spans.n_messages);
	MUST(x.action == INSPECT_PASS || x.action == INSPECT_REWRITE || x.action == INSPECT_REFUSE);
	for (size_t i = 0; i < x.spans.n; i++) {
		const struct span *s = &o->spans.v[i], *t = &x.spans.v[i];

		MUST(t->role == s->role && t->prov == s->prov && (t->media == NULL) == (s->media == NULL));
		MUST(s->media == NULL || (t->media->len == 0) == (s->media->len == 0));	/* no file goes away */
	}
	buf_free(&x.body);
	tx_clear(&x.tx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const codings[] = { NULL, NULL, NULL, NULL, "gzip", "deflate", "br", "zstd" };
	struct inspect_req_in in = { .method = "POST", .content_type = "application/json", .request_id = "r" };
	struct inspect_req_out out;
	struct arena *a;
	bool block = false, beside = false;

	if (n < 2 || n > 65536)
		return 0;
	if (pol.detectors == NULL)
		setup();
	in.url = urls[(p[0] & 31) % (sizeof(urls) / sizeof(urls[0]))];
	pol.n_exceptions = p[1] >> 7;
	own.pii = p[1] >> 3 & 3;
	in.content_encoding = codings[p[1] & 7];
	in.body = p + 2;
	in.len = n - 2;
	a = arena_new(0);
	MUST(a != NULL);
	inspect_request(&pol, &in, a, &out);
	for (size_t i = 0; i < out.findings.n; i++) {
		const struct finding *f = &out.findings.v[i];
		const struct span *s = &out.spans.v[f->span];

		block = block || f->mode == DETECT_BLOCK;
		/* told, not changed */
		beside = beside || (f->mode == DETECT_MONITOR && ((s->opaque && s->msg < 0) || strcmp(f->rule_id, "LLMSEC-ENC-0001") == 0));
	}
	MUST(!block || out.action == INSPECT_REFUSE);
	MUST(!out.notable || beside || out.action == INSPECT_REWRITE || out.action == INSPECT_REFUSE || (pol.n_exceptions > 0 && own.pii == DETECT_MONITOR));
	if (out.action == INSPECT_REFUSE || out.action == INSPECT_ERROR)
		check_refusal(&out.refusal);
	else if (out.action == INSPECT_REWRITE)
		check_rewrite(&in, &out, a);
	buf_free(&out.body);
	tx_clear(&out.tx);
	arena_free(&a);
	return 0;
}
