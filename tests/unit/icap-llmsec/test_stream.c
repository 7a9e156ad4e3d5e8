/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/stream.h"
#include "resp_text.h"

#define EMAIL	"ann@example.org"
static const char CARD[] = "4111 1111 1111 1111",
    QUOTED[] = "\"b\\c\"@example.org";

static struct mask_vault *vault;

struct fixture {
	const char	*file, *framing;
	enum dialect	 dialect;
	enum stream_framing how;
};

static const struct fixture fixtures[] = {
	{ "openai_chat.sse", "sse", DIALECT_OPENAI, STREAM_SSE },
	{ "openai_tools.sse", "sse", DIALECT_OPENAI, STREAM_SSE },
	{ "openai_completions.sse", "sse", DIALECT_OPENAI, STREAM_SSE },
	{ "openai_responses.sse", "sse", DIALECT_OPENAI, STREAM_SSE },
	{ "anthropic.sse", "sse", DIALECT_ANTHROPIC, STREAM_SSE },
	{ "gemini.sse", "sse", DIALECT_GEMINI, STREAM_SSE },
	{ "gemini_array.json", "array", DIALECT_GEMINI, STREAM_ARRAY },
	{ "ollama_chat.ndjson", "ndjson", DIALECT_OLLAMA, STREAM_NDJSON },
	{ "ollama_generate.ndjson", "ndjson", DIALECT_OLLAMA, STREAM_NDJSON },
};
#define N_FIXTURES	(sizeof(fixtures) / sizeof(fixtures[0]))

static char *
load(const char *name, const char *eol, size_t *len)
{
	char path[512], *text, *out;
	const char *src = getenv("srcdir");
	size_t n, k = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/unit/icap-llmsec/data/%s", src != NULL ? src : ".", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	text = calloc(1, 1 << 16);
	n = fread(text, 1, (1 << 16) - 1, f);
	fclose(f);
	out = calloc(2, n + 1);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n' && strchr(name, '.')[1] == 's') {
			memcpy(out + k, eol, strlen(eol));
			k += strlen(eol);
		} else
			out[k++] = text[i];
	}
	free(text);
	*len = k;
	return out;
}

struct run {
	struct arena	*arena;
	struct found	 found;
	struct buf	 out;
	struct stream	*st;
};

static void
run_start(struct run *r, const struct fixture *f, struct mask_vault *v)
{
	struct stream_conf c = { .framing = f->how, .event_max = 1 << 20, .depth = 64,
		.request_id = "req-1" };

	memset(r, 0, sizeof(*r));
	c.route.dialect = f->dialect;
	c.route.op = OP_CHAT;
	c.route.stream = true;
	c.rules.vault = v;
	c.rules.held_max = 4096;
	r->arena = arena_new(0);
	r->found.arena = r->arena;
	r->st = stream_new(&c, &r->found, &r->out);
	assert_non_null(r->st);
}

static void
run_end(struct run *r)
{
	stream_free(&r->st);
	arena_free(&r->arena);
	buf_free(&r->out);
}

/* Feed in pieces that end at <cut>, or of one byte each (cut == SIZE_MAX). */
static void
run_all(struct run *r, const struct fixture *f, struct mask_vault *v, const char *p, size_t len, size_t cut)
{
	run_start(r, f, v);
	if (cut == SIZE_MAX) {
		for (size_t i = 0; i < len; i++)
			assert_int_equal(stream_feed(r->st, p + i, 1), 0);
	} else {
		assert_int_equal(stream_feed(r->st, p, cut), 0);
		assert_int_equal(stream_feed(r->st, p + cut, len - cut), 0);
	}
	assert_int_equal(stream_finish(r->st), 0);
	assert_null(stream_refusal(r->st));
}

static char *
unmasked(const char *s, bool json)
{
	static const struct { const char *token, *plain, *json; } map[] = {
		{ "[EMAIL_1]", EMAIL, EMAIL }, { "[CARD_2]", CARD, CARD },
		{ "[EMAIL_3]", QUOTED, "\\\"b\\\\c\\\"@example.org" },
	};
	char *out = calloc(8, strlen(s) + 8);

	while (*s != '\0') {
		size_t i;

		for (i = 0; i < 3 && strncmp(s, map[i].token, strlen(map[i].token)) != 0; i++)
			;
		if (i == 3) {
			out[strlen(out)] = *s++;
			continue;
		}
		strcat(out, json ? map[i].json : map[i].plain);
		s += strlen(map[i].token);
	}
	return out;
}

/* What the client puts together is what the origin's text is, unmasked. */
static void
check_texts(const struct fixture *f, const char *in, size_t in_len, const struct buf *out)
{
	struct resp_texts a, b;

	resp_texts_read(&a, f->framing, in, in_len);
	resp_texts_read(&b, f->framing, buf_ptr(out), buf_len(out));
	assert_true(a.n > 0);
	assert_int_equal(a.n, b.n);
	assert_true(b.events >= a.events);
	assert_int_equal(a.done, b.done);
	for (size_t i = 0; i < a.n; i++) {
		char *want = unmasked(a.v[i].text, a.v[i].text[0] == '{');

		assert_non_null(resp_text(&b, a.v[i].key));
		assert_string_equal(resp_text(&b, a.v[i].key), want);
		free(want);
	}
	resp_texts_free(&a);
	resp_texts_free(&b);
}

static void
every_cut(const struct fixture *f, const char *eol)
{
	struct run whole, r;
	size_t len;
	char *in = load(f->file, eol, &len);

	run_all(&whole, f, vault, in, len, len);
	check_texts(f, in, len, &whole.out);
	for (size_t cut = 0; cut <= len; cut++) {
		run_all(&r, f, vault, in, len, cut == len ? SIZE_MAX : cut);
		assert_int_equal(buf_len(&r.out), buf_len(&whole.out));
		assert_memory_equal(buf_ptr(&r.out), buf_ptr(&whole.out), buf_len(&r.out));
		run_end(&r);
	}
	run_end(&whole);
	free(in);
}

static void
test_unmask_lf(void **state)
{
	for (size_t i = 0; i < N_FIXTURES; i++)
		every_cut(&fixtures[i], "\n");
}

static void
test_unmask_crlf(void **state)
{
	for (size_t i = 0; i < N_FIXTURES; i++)
		if (fixtures[i].how == STREAM_SSE)
			every_cut(&fixtures[i], "\r\n");
}

/* CR alone: cuts may move a synthetic event, so texts are compared, not bytes. */
static void
test_unmask_cr(void **state)
{
	for (size_t i = 0; i < N_FIXTURES; i++) {
		struct run r;
		size_t len;
		char *in;

		if (fixtures[i].how != STREAM_SSE)
			continue;
		in = load(fixtures[i].file, "\r", &len);
		for (size_t cut = 0; cut <= len; cut += 7) {
			run_all(&r, &fixtures[i], vault, in, len, cut == 0 ? SIZE_MAX : cut);
			check_texts(&fixtures[i], in, len, &r.out);
			run_end(&r);
		}
		free(in);
	}
}

/* Nothing to change: byte for byte, and every event leaves with its last byte. */
static void
test_untouched(void **state)
{
	static const struct fixture f = { "plain.sse", "sse", DIALECT_OPENAI, STREAM_SSE };
	static const char *const eols[] = { "\n", "\r\n", "\r" };

	for (size_t e = 0; e < 3; e++) {
		struct run r;
		size_t len;
		char *in = load(f.file, eols[e], &len);

		for (size_t cut = 0; cut <= len; cut++) {
			run_all(&r, &f, vault, in, len, cut == len ? SIZE_MAX : cut);
			assert_int_equal(buf_len(&r.out), len);
			assert_memory_equal(buf_ptr(&r.out), in, len);
			run_end(&r);
		}
		free(in);
	}
}

static void
test_no_delay(void **state)
{
	static const char ev[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
	struct run r;

	run_start(&r, &fixtures[0], vault);
	for (size_t i = 1; i <= 20; i++) {
		assert_int_equal(stream_feed(r.st, ev, sizeof(ev) - 1), 0);
		assert_int_equal(buf_len(&r.out), i * (sizeof(ev) - 1));
	}
	run_end(&r);
}

/* The origin broke off: held text goes out, but nothing pretends that the answer was complete. */
static void
test_broken(void **state)
{
	static const char ev[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"to [EMAIL\"}}]}\n\n"
	    "data: {\"choices\":[{\"index\":0,\"delta\":{\"cont";
	struct resp_texts t;
	struct run r;
	const char *tail;

	run_start(&r, &fixtures[0], vault);
	assert_int_equal(stream_feed(r.st, ev, sizeof(ev) - 1), 0);
	assert_int_equal(stream_finish(r.st), 0);
	buf_addc(&r.out, '\0');
	assert_null(strstr(buf_ptr(&r.out), "[DONE]"));
	assert_null(strstr(buf_ptr(&r.out), "stop"));
	tail = strstr(buf_ptr(&r.out), "data: {\"choices\":[{\"index\":0,\"delta\":{\"cont");
	while (tail != NULL && strchr(tail + 1, '\n') != NULL)
		tail = strstr(tail + 1, "data: {\"choices\":[{\"index\":0,\"delta\":{\"cont");
	assert_non_null(tail);
	resp_texts_read(&t, "sse", buf_ptr(&r.out), (size_t)(tail - buf_ptr(&r.out)));
	assert_string_equal(resp_text(&t, "choice0"), "to [EMAIL");
	resp_texts_free(&t);
	run_end(&r);
}

/* Events of one chat, as a client puts their texts together. */
static void
check_chat(const char *in, const char *key, const char *want)
{
	struct resp_texts t;
	struct run r;

	for (size_t cut = 0; cut <= strlen(in); cut++) {
		run_all(&r, &fixtures[0], vault, in, strlen(in), cut);
		resp_texts_read(&t, "sse", buf_ptr(&r.out), buf_len(&r.out));
		if (resp_text(&t, key) == NULL || strcmp(resp_text(&t, key), want) != 0)
			fail_msg("%s: \"%s\"", in, resp_text(&t, key) != NULL ? resp_text(&t, key) : "nothing");
		resp_texts_free(&t);
		run_end(&r);
	}
}

/* Servers cut texts inside characters: the halves come together, what stays alone is lost, and placeholders around them are found. */
static void
test_halves(void **state)
{
#define DELTA(s)	"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" s "\"}}]}\n\n"
#define DONE		"data: [DONE]\n\n"
	static const struct { const char *in, *want; } t[] = {
		{ DELTA("to \\ud83d") DELTA("\\ude00 [EMAIL") DELTA("_1]") DONE, "to \xf0\x9f\x98\x80 " EMAIL },
		{ DELTA("[EMAIL_1] caf\xc3") DELTA("\xa9!") DONE, EMAIL " caf\xc3\xa9!" },
		{ DELTA("\xf0\x9f") DELTA("\x98\x80[EMAIL_1]") DONE, "\xf0\x9f\x98\x80" EMAIL },
		{ DELTA("\\ude00 \\ud83d [EMAIL_1]") DONE, "\xef\xbf\xbd \xef\xbf\xbd " EMAIL },
		{ DELTA("\xa9 \xf0\x9f [EMAIL_1]") DONE, "\xef\xbf\xbd \xef\xbf\xbd " EMAIL },
		{ DELTA("a \\ud83d") DELTA("b [EMAIL_1]") DONE, "a b " EMAIL },
		{ DELTA("\\ud83d\\ud83d") DELTA("\\ude00\\ude00[EMAIL_1]") DONE, "\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd" EMAIL },
	};
	static const char body[] = "{\"choices\":[{\"message\":{\"content\":\"\\ud83d \xc3 [EMAIL_1]\"}}]}";
	struct text_rules rules = { .vault = vault, .held_max = 4096 };
	struct arena *arena = arena_new(0);
	struct found found = { .arena = arena };
	struct buf out = { 0 };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		check_chat(t[i].in, "choice0", t[i].want);
	assert_int_equal(stream_json_body(&rules, body, sizeof(body) - 1, 64, &found, &out), 0);
	buf_addc(&out, '\0');
	assert_string_equal(buf_ptr(&out), "{\"choices\":[{\"message\":{\"content\":\"\xef\xbf\xbd \xef\xbf\xbd " EMAIL "\"}}]}");
	buf_free(&out);
	arena_free(&arena);
}

/* What other servers make of the same API: contents that are lists, and arguments in which the model writes a placeholder its own way. */
static void
test_other_servers(void **state)
{
#define ARGS(s)	"data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"" s "\"}}]}}]}\n\n"
	static const char parts[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"to [EMAIL\"}]}}]}\n\n"
	    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"_1]\"}]}}]}\n\n" DONE;
	struct run r;

	check_chat(ARGS("{\\\"to\\\":\\\"[ema") ARGS("il_3]\\\"}") DONE, "choice0.args0", "{\"to\":\"\\\"b\\\\c\\\"@example.org\"}");
	run_all(&r, &fixtures[0], vault, parts, sizeof(parts) - 1, sizeof(parts) - 1);
	buf_addc(&r.out, '\0');
	assert_non_null(strstr(buf_ptr(&r.out), "\"" EMAIL "\""));
	assert_null(strstr(buf_ptr(&r.out), "[EMAIL"));
	run_end(&r);
}

static void
test_stop(void **state)
{
	for (size_t i = 0; i < N_FIXTURES; i++) {
		struct run r;
		size_t len, half;
		char *in = load(fixtures[i].file, "\n", &len);

		run_start(&r, &fixtures[i], vault);
		assert_int_equal(stream_feed(r.st, in, len / 2), 0);
		assert_int_equal(stream_stop(r.st, 403, "output_blocked", "Stopped."), 0);
		half = buf_len(&r.out);
		assert_non_null(stream_refusal(r.st));
		assert_int_equal(stream_feed(r.st, in + len / 2, len - len / 2), 0);
		assert_int_equal(stream_finish(r.st), 0);
		assert_int_equal(buf_len(&r.out), half);
		buf_addc(&r.out, '\0');
		assert_non_null(strstr(buf_ptr(&r.out), "Stopped."));
		run_end(&r);
		free(in);
	}
}

static void
test_event_too_large(void **state)
{
	char piece[4096];
	struct run r;

	memset(piece, 'x', sizeof(piece));
	run_start(&r, &fixtures[0], vault);
	assert_int_equal(stream_feed(r.st, "data: ", 6), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(stream_feed(r.st, piece, sizeof(piece)), 0);
	assert_non_null(stream_refusal(r.st));
	assert_int_equal(stream_refusal(r.st)->status, 503);
	run_end(&r);
}

static void
test_body(void **state)
{
	static const char in[] = "{ \"choices\" : [{\"message\":{\"content\":\"to [EMAIL_1] \\u005bCARD_2]\","
	    "\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"a\\\":\\\"[EMAIL_3]\\\"}\"}}]}}],\t\"input\":{\"[EMAIL_1]\" :{\"[CARD_2]\":\"[x]\",\"a]\":1}},\"x\":1e3}",
	    want[] = "{ \"choices\" : [{\"message\":{\"content\":\"to ann@example.org 4111 1111 1111 1111\","
	    "\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"a\\\":\\\"\\\\\\\"b\\\\\\\\c\\\\\\\"@example.org\\\"}\"}}]}}],"
	    "\t\"input\":{\"ann@example.org\" :{\"4111 1111 1111 1111\":\"[x]\",\"a]\":1}},\"x\":1e3}";
	struct text_rules rules = { .vault = vault, .held_max = 4096 };
	struct found found = { .arena = arena_new(0) };
	struct buf out = { 0 };

	assert_int_equal(stream_json_body(&rules, in, sizeof(in) - 1, 64, &found, &out), 0);
	assert_int_equal(buf_len(&out), sizeof(want) - 1);
	assert_memory_equal(buf_ptr(&out), want, sizeof(want) - 1);
	buf_clear(&out);
	assert_true(stream_json_body(&rules, in, sizeof(in) - 2, 64, &found, &out) < 0);
	buf_free(&out);
	arena_free(&found.arena);
}

static int
setup(void **state)
{
	vault = mask_vault_new();
	if (vault == NULL || mask_token(vault, "EMAIL", EMAIL, strlen(EMAIL)) == NULL ||
	    mask_token(vault, "CARD", CARD, strlen(CARD)) == NULL ||
	    mask_token(vault, "EMAIL", QUOTED, strlen(QUOTED)) == NULL)
		return -1;
	return 0;
}

static int
teardown(void **state)
{
	mask_vault_free(&vault);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unmask_lf), cmocka_unit_test(test_unmask_crlf),
		cmocka_unit_test(test_unmask_cr), cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_no_delay), cmocka_unit_test(test_broken),
		cmocka_unit_test(test_stop), cmocka_unit_test(test_halves), cmocka_unit_test(test_other_servers), cmocka_unit_test(test_event_too_large),
		cmocka_unit_test(test_body),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
