/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <zlib.h>

#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "lib/diag.h"

static const char pack[] = "rules:\n"
    "  - id: T-INJ-1\n    category: injection.test\n    severity: 8\n    phrases: ['open sesame']\n    match: ['open sesame']\n"
    "  - id: T-INJ-2\n    category: injection.test\n    severity: 7\n    pattern: 'sesame+ now'\n    match: ['sesame now']\n"
    "  - id: T-SLOW\n    category: injection.test\n    pattern: '^(?:a|a)*(?:b|c)'\n    match: ['aab']\n";

static const struct api {
	const char	*url, *body, *path;
	bool		 list_optional;
} apis[] = {
	{ "/v1/chat/completions", "{\"model\":\"m\", \"messages\":[{\"role\":\"user\",\"content\":\"%s\"}] }", "messages[0].content", false },
	{ "/openai/deployments/d/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}", "messages[0].content", false },
	{ "/v1/completions", "{\"prompt\":\"%s\"}", "prompt", false },
	{ "/v1/responses", "{\"input\":\"%s\"}", "input", true },
	{ "/v1/embeddings", "{\"input\":[\"%s\"]}", "input[0]", false },
	{ "/v1/images/generations", "{\"prompt\":\"%s\"}", "prompt", true },
	{ "/v1/audio/speech", "{\"voice\":\"alloy\",\"input\":\"%s\"}", "input", true },
	{ "/v1/messages", "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}]}",
	    "messages[0].content[0].text", false },
	{ "/v1beta/models/g:generateContent", "{\"contents\":[{\"parts\":[{\"text\":\"%s\"}]}]}", "contents[0].parts[0].text", false },
	{ "/api/chat", "{\"messages\":[{\"Role\":\"user\",\"Content\":\"%s\"}]}", "messages[0].Content", false },
	{ "/api/generate", "{\"PROMPT\":\"%s\"}", "PROMPT", true },
};
#define N_APIS	(sizeof(apis) / sizeof(apis[0]))

static struct icap_policy pol;
static struct arena *arena;
static struct inspect_req_out out;

/* Addresses and cards as given, nothing else. */
static struct pii_conf
two_kinds(enum detect_mode email, enum detect_mode card)
{
	struct pii_conf c = { .all = DETECT_OFF };

	for (size_t i = 0; i < PII_GROUPS; i++)
		c.mode[i] = -1;
	c.mode[PII_EMAIL] = (int)email;
	c.mode[PII_CARD] = (int)card;
	return c;
}

static void
load(enum detect_mode user, enum detect_mode email, enum detect_mode card)
{
	char path[] = "/tmp/test_inspect_req.XXXXXX";
	int fd = mkstemp(path);
	struct pii_conf pc = two_kinds(email, card);
	struct detect_conf c = { .injection_pack = path, .pii = &pc };
	struct diag *d = diag_new();

	pol.modes = (struct detect_modes){ .user = user, .tool = DETECT_BLOCK, .file = DETECT_BLOCK, .assistant = DETECT_BLOCK };
	assert_true(fd >= 0);
	assert_int_equal(write(fd, pack, sizeof(pack) - 1), sizeof(pack) - 1);
	close(fd);
	detectors_free(&pol.detectors);
	if (detectors_load(&pol.detectors, &c, d) != 0)
		fail_msg("%s", diag_first(d));
	unlink(path);
	diag_free(&d);
}

static void
drop(void)
{
	buf_free(&out.body);
	tx_clear(&out.tx);
}

static enum inspect_action
inspect(const struct inspect_req_in *in)
{
	drop();
	arena_reset(arena);
	inspect_request(&pol, in, arena, &out);
	return out.action;
}

static enum inspect_action
post(const char *url, const char *body)
{
	struct inspect_req_in in = { .method = "POST", .url = url, .content_type = "application/json", .request_id = "rq-7",
		.body = body, .len = strlen(body) };

	return inspect(&in);
}

static enum inspect_action
say(const struct api *api, const char *text)
{
	char body[4096];

	snprintf(body, sizeof(body), api->body, text);
	return post(api->url, body);
}

/* What stands beside the messages: what is known is masked, what isn't is told, keys that the provider is to use stay, and orders are found in what a model may read. */
static void
test_beside(void **state)
{
#define BODY(more)	"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," more "}"
	static const struct { const char *url, *body, *gone; } masked[] = {
		{ "/v1/chat/completions", BODY("\"user\":\"ann@firm.example.net\""), "ann@" },
		{ "/v1/chat/completions", BODY("\"metadata\":{\"card\":\"4111111111111111\"}"), "4111" },
		{ "/v1/chat/completions", BODY("\"stop\":[\"ann@firm.example.net\"]"), "ann@" },
		{ "/v1/messages", BODY("\"metadata\":{\"user_id\":\"ann@firm.example.net\"}"), "ann@" },
		{ "/v1beta/models/g:generateContent", "{\"contents\":[],\"labels\":{\"to\":\"ann@firm.example.net\"}}", "ann@" },
	};
	static const struct { const char *url, *body; bool told; } kept[] = {
		{ "/v1/chat/completions", BODY("\"session_of\":\"ann@firm.example.net\""), true },
		{ "/v1/chat/completions", BODY("\"user\":\"open sesame\""), false },
		{ "/v1/messages", BODY("\"mcp_servers\":[{\"url\":\"https://ann@firm.example.net/\",\"authorization_token\":\"ann@firm.example.net\"}]"), false },
		{ "/v1/responses", "{\"tools\":[{\"type\":\"mcp\",\"headers\":{\"From\":\"ann@firm.example.net\"}}]}", false },
	};

	load(DETECT_BLOCK, DETECT_MASK, DETECT_MASK);
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		if (post(masked[i].url, masked[i].body) != INSPECT_REWRITE || memmem(buf_ptr(&out.body), buf_len(&out.body), masked[i].gone, strlen(masked[i].gone)) != NULL)
			fail_msg("not masked: %s", masked[i].body);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (post(kept[i].url, kept[i].body) != INSPECT_PASS || out.notable != kept[i].told)
			fail_msg("%d, told %d: %s", out.action, out.notable, kept[i].body);
	assert_int_equal(post("/v1/chat/completions", BODY("\"prompt\":\"open sesame\"")), INSPECT_REFUSE);
	load(DETECT_BLOCK, DETECT_BLOCK, DETECT_BLOCK);
	assert_int_equal(post("/v1/chat/completions", BODY("\"session_of\":\"ann@firm.example.net\"")), INSPECT_REFUSE);
	load(DETECT_BLOCK, DETECT_MASK, DETECT_MASK);
}

/* The refusal as its SDK reads it: status and code, id, rules; and nothing of the prompt in it. */
static void
check_refusal(const char *url, int status, const char *code, const char *param, size_t n_rules)
{
	const char *msg = NULL, *c = NULL, *id = NULL;
	json_t *j, *rules = NULL;
	struct buf b = { 0 };
	int rc, in_body = status;

	assert_int_equal(out.refusal.status, status);
	assert_int_equal(dialect_error_json(&b, out.route.dialect, &out.refusal), 0);
	j = json_loadb(buf_ptr(&b), buf_len(&b), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	switch (out.route.dialect) {
	case DIALECT_ANTHROPIC:
		rc = json_unpack(j, "{s:{s:s,s:s},s:s,s:o}", "error", "message", &msg, "code", &c, "request_id", &id, "rule_ids", &rules);
		break;
	case DIALECT_GEMINI:
		rc = json_unpack(j, "{s:{s:i,s:s,s:[{s:s,s:{s:s},s:o}]}}", "error", "code", &in_body, "message", &msg, "details",
		    "reason", &c, "metadata", "request_id", &id, "rule_ids", &rules);
		break;
	case DIALECT_OLLAMA:
		rc = json_unpack(j, "{s:s,s:s,s:s,s:o}", "error", &msg, "code", &c, "request_id", &id, "rule_ids", &rules);
		break;
	default:
		rc = json_unpack(j, "{s:{s:s,s:s,s:s,s:o}}", "error", "message", &msg, "code", &c, "request_id", &id, "rule_ids",
		    &rules);
		if (param != NULL)
			assert_string_equal(json_string_value(json_object_get(json_object_get(j, "error"), "param")), param);
	}
	if (rc != 0)
		fail_msg("%s: %.*s", url, (int)buf_len(&b), buf_ptr(&b));
	assert_int_equal(in_body, status);
	assert_string_equal(c, code);
	assert_string_equal(id, "rq-7");
	assert_int_equal(json_array_size(rules), n_rules);
	for (size_t i = 0; i < n_rules; i++)
		assert_memory_equal(json_string_value(json_array_get(rules, i)), n_rules == 1 && strcmp(code, "personal_data") == 0 ?
		    "LLMSEC" : "T-INJ-", 6);
	assert_null(memmem(buf_ptr(&b), buf_len(&b), "sesame", 6));
	assert_null(memmem(buf_ptr(&b), buf_len(&b), "SECRET", 6));
	assert_null(memmem(buf_ptr(&b), buf_len(&b), "example.org", 11));
	json_decref(j);
	buf_free(&b);
}

static void
test_pass(void **state)
{
	for (size_t i = 0; i < N_APIS; i++) {
		assert_int_equal(say(&apis[i], "Good morning."), INSPECT_PASS);
		assert_int_equal(buf_len(&out.body), 0);
		assert_int_equal(out.findings.n, 0);
		assert_int_equal(out.spans.n, 1);
		assert_int_equal(out.tx.flags, TX_INSPECTED | (out.route.dialect == DIALECT_OLLAMA ? TX_STREAM : 0));
		assert_string_equal(out.tx.request_id, "rq-7");
	}
}

static void
test_stream_flag(void **state)
{
	static const struct { const char *url, *body; unsigned stream; } t[] = {
		{ "/v1/completions", "{\"prompt\":\"\",\"stream\":true}", TX_STREAM },
		{ "/v1/completions", "{\"prompt\":\"\",\"stream\":false}", 0 },
		{ "/v1/completions", "{\"prompt\":\"\"}", 0 },
		{ "/api/generate", "{\"prompt\":\"\",\"Stream\":false}", 0 },
		{ "/api/generate", "{\"prompt\":\"\"}", TX_STREAM },
		{ "/api/embed", "{\"input\":\"\"}", 0 },
		{ "/v1beta/models/g:streamGenerateContent", "{\"contents\":[]}", TX_STREAM },
		{ "/v1beta/models/g:generateContent", "{\"contents\":[]}", 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(post(t[i].url, t[i].body), INSPECT_PASS);
		assert_int_equal(out.tx.flags, TX_INSPECTED | t[i].stream);
	}
}

static void
test_block(void **state)
{
	for (size_t i = 0; i < N_APIS; i++) {
		assert_int_equal(say(&apis[i], "SECRET. OPEN\\u00a0 sesame now!"), INSPECT_REFUSE);
		check_refusal(apis[i].url, 403, "prompt_injection", apis[i].path, 2);
		assert_int_equal(out.severity, 8);
		assert_true(out.score >= 80 && out.score <= 100);
		assert_int_equal(buf_len(&out.body), 0);
	}
}

static void
test_mask(void **state)
{
	char want[1024];
	size_t n;

	for (size_t i = 0; i < N_APIS; i++) {
		assert_int_equal(say(&apis[i], "\\u0041sk \\\"ann@example.org\\\", pay 4111 1111 1111 1111 12/27,\\n[CARD_1] ann@example.org"),
		    INSPECT_REWRITE);
		snprintf(want, sizeof(want), apis[i].body, "Ask \\\"[EMAIL_2]\\\", pay [CARD_3] 12/27,\\n[CARD_1] [EMAIL_2]");
		assert_int_equal(buf_len(&out.body), strlen(want));
		assert_memory_equal(buf_ptr(&out.body), want, strlen(want));
		assert_int_equal(mask_vault_count(out.tx.vault), 2);
		assert_memory_equal(mask_original(out.tx.vault, "[CARD_3]", 8, &n), "4111 1111 1111 1111", 19);
		assert_false(out.drop_encoding);
		assert_int_equal(out.findings.n, 3);
	}
	/* an address that is a card number, too, is masked once */
	assert_int_equal(say(&apis[2], "4111111111111111@example.org"), INSPECT_REWRITE);
	assert_memory_equal(buf_ptr(&out.body), "{\"prompt\":\"[CARD_1]@example.org\"}", 33);
	pol.pii.unmask = false;
	assert_int_equal(say(&apis[0], "ann@example.org"), INSPECT_REWRITE);
	assert_null(out.tx.vault);
	pol.pii.unmask = true;
}

/* Keys and numbers of objects that a model or a tool wrote. */
static void
test_keys(void **state)
{
	static const char ask[] = "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":\"assistant\",\"content\":["
	    "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"ann@example.org\" : 1,\"card\":4111111111111111 ,\"n\":[4111111111111112]}}]}]}";
	static const char want[] = "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":\"assistant\",\"content\":["
	    "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"[EMAIL_1]\" : 1,\"card\":\"[CARD_2]\" ,\"n\":[4111111111111112]}}]}]}";
	static const char attack[] = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{"
	    "\"a\":{\"OPEN sesame now SECRET\":1}}}}]}]}";
	static const char url[] = "/v1beta/models/g:generateContent";

	assert_int_equal(post("/v1/messages", ask), INSPECT_REWRITE);
	assert_int_equal(buf_len(&out.body), sizeof(want) - 1);
	assert_memory_equal(buf_ptr(&out.body), want, sizeof(want) - 1);
	/* JSON in a string stays JSON: a server may read it. */
	assert_int_equal(post("/v1/completions", "{\"prompt\":\"{\\\"a\\\": 4111111111111111,\\\"csv\\\":\\\"x,4111111111111111,y\\\",\\\"m\\\":[4111111111111111]}\"}"), INSPECT_REWRITE);
	assert_int_equal(buf_addc(&out.body, '\0'), 0);
	assert_string_equal(buf_ptr(&out.body), "{\"prompt\":\"{\\\"a\\\": \\\"[CARD_1]\\\",\\\"csv\\\":\\\"x,[CARD_1],y\\\",\\\"m\\\":[\\\"[CARD_1]\\\"]}\"}");
	assert_int_equal(post("/v1/completions", "{\"prompt\":\"[4111111111111111, or so]\"}"), INSPECT_REWRITE);
	assert_memory_equal(buf_ptr(&out.body), "{\"prompt\":\"[[CARD_1], or so]\"}", 30);
	assert_int_equal(post(url, attack), INSPECT_REFUSE);
	check_refusal(url, 403, "prompt_injection", "contents[0].parts[0].functionResponse.response.a{0}", 2);
}

static void
test_malformed(void **state)
{
	for (size_t i = 0; i < N_APIS; i++) {
		assert_int_equal(post(apis[i].url, "{\"a\": \"SECRET"), INSPECT_REFUSE);
		check_refusal(apis[i].url, 400, "malformed_json", NULL, 0);
		assert_non_null(strstr(out.refusal.message, "offset 13"));
		assert_int_equal(post(apis[i].url, "{\"a\":1,\"a\":2}"), INSPECT_REFUSE);
		check_refusal(apis[i].url, 400, "malformed_json", NULL, 0);
		assert_int_equal(post(apis[i].url, ""), INSPECT_REFUSE);
		check_refusal(apis[i].url, 400, "malformed_json", NULL, 0);
		assert_int_equal(post(apis[i].url, "[\"SECRET\"]"), INSPECT_REFUSE);
		check_refusal(apis[i].url, 400, "invalid_request", NULL, 0);
		assert_null(out.refusal.param);
		assert_null(strstr(out.refusal.message, ": :"));
		if (apis[i].list_optional)
			continue;
		assert_int_equal(post(apis[i].url, "{\"hello\":\"SECRET\"}"), INSPECT_REFUSE);
		check_refusal(apis[i].url, 400, "invalid_request", NULL, 0);
	}
}

static struct buf
gzipped(const char *p, size_t len)
{
	struct buf b = { 0 };
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)p;
	z.avail_in = (unsigned)len;
	z.next_out = (unsigned char *)buf_room(&b, len + 1000);
	z.avail_out = (unsigned)len + 1000;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_wrote(&b, z.total_out);
	deflateEnd(&z);
	return b;
}

static enum inspect_action
post_coded(const char *coding, const void *p, size_t len)
{
	struct inspect_req_in in = { .method = "POST", .url = "/v1/completions", .content_type = "application/json",
		.content_encoding = coding, .request_id = "rq-7", .body = p, .len = len };

	return inspect(&in);
}

static void
test_codings(void **state)
{
	static const char clean[] = "{\"prompt\":\"hi\"}", mail[] = "{\"prompt\":\"ann@example.org\"}",
	    attack[] = "{\"prompt\":\"open sesame\"}";
	static char bomb[1 << 20];
	struct buf a = gzipped(clean, sizeof(clean) - 1), b = gzipped(mail, sizeof(mail) - 1),
	    c = gzipped(attack, sizeof(attack) - 1), d = gzipped(bomb, sizeof(bomb));

	assert_int_equal(post_coded("gzip", buf_ptr(&a), buf_len(&a)), INSPECT_PASS);
	assert_false(out.drop_encoding);
	assert_int_equal(post_coded("gzip", buf_ptr(&b), buf_len(&b)), INSPECT_REWRITE);
	assert_true(out.drop_encoding);
	assert_int_equal(buf_len(&out.body), 22);
	assert_memory_equal(buf_ptr(&out.body), "{\"prompt\":\"[EMAIL_1]\"}", 22);
	assert_int_equal(post_coded("GZIP", buf_ptr(&c), buf_len(&c)), INSPECT_REFUSE);
	assert_int_equal(out.refusal.status, 403);
	assert_int_equal(post_coded("gzip", buf_ptr(&d), buf_len(&d)), INSPECT_REFUSE);
	assert_int_equal(out.refusal.status, 413);
	assert_int_equal(post_coded("gzip", clean, sizeof(clean) - 1), INSPECT_REFUSE);
	assert_int_equal(out.refusal.status, 400);
	assert_int_equal(post_coded("gzip", buf_ptr(&a), buf_len(&a) - 3), INSPECT_REFUSE);
	assert_int_equal(out.refusal.status, 400);
	assert_int_equal(post_coded("zstd", clean, sizeof(clean) - 1), INSPECT_REFUSE);
	assert_int_equal(out.refusal.status, 415);
	assert_int_equal(post_coded("identity", clean, sizeof(clean) - 1), INSPECT_PASS);
	pol.coding = CODING_REFUSE;
	assert_int_equal(post_coded("gzip", buf_ptr(&a), buf_len(&a)), INSPECT_REFUSE);
	assert_int_equal(out.refusal.status, 415);
	assert_int_equal(post_coded(NULL, clean, sizeof(clean) - 1), INSPECT_PASS);
	pol.coding = CODING_DECODE;
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
	buf_free(&d);
}

static void
test_content_types(void **state)
{
	static const struct { const char *type; enum inspect_action want; } t[] = {
		{ NULL, INSPECT_PASS }, { "", INSPECT_PASS }, { "application/json", INSPECT_PASS },
		{ "Application/JSON; charset=utf-8", INSPECT_PASS }, { "application/vnd.api+json", INSPECT_PASS },
		{ "text/json ;x", INSPECT_PASS }, { "text/plain", INSPECT_REFUSE }, { "application/xml; a=/json", INSPECT_REFUSE },
		{ "json", INSPECT_REFUSE }, { "multipart/form-data; boundary=x", INSPECT_REFUSE },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct inspect_req_in in = { .method = "POST", .url = "/v1/completions", .content_type = t[i].type,
			.request_id = "rq-7", .body = "{\"prompt\":\"hi\"}", .len = 15 };

		if (inspect(&in) != t[i].want)
			fail_msg("%s", t[i].type);
		if (t[i].want == INSPECT_REFUSE)
			check_refusal("", 415, "unsupported_media_type", NULL, 0);
	}
}

static void
test_routes(void **state)
{
	struct inspect_req_in in = { .method = "GET", .url = "/v1/models", .request_id = "rq-7", .body = "" };

	assert_int_equal(inspect(&in), INSPECT_PASS);
	in.url = "/v1/chat/completions";
	assert_int_equal(inspect(&in), INSPECT_PASS);
	in.body = "{\"messages\":[{\"role\":\"user\",\"content\":\"open sesame\"}]}";	/* a GET may have one */
	in.len = strlen(in.body);
	assert_int_equal(inspect(&in), INSPECT_REFUSE);
	assert_int_equal(post("/index.html", "open sesame"), INSPECT_PASS);
	assert_int_equal(out.spans.n, 0);
	assert_int_equal(post("/v1/files", "open sesame"), INSPECT_PASS);
	assert_int_equal(post("/v1/unheard/of", "{}"), INSPECT_REFUSE);
	check_refusal("", 404, "unknown_endpoint", NULL, 0);
	assert_int_equal(post("/v1/chat/completions;x", "{}"), INSPECT_REFUSE);
	check_refusal("", 404, "unknown_endpoint", NULL, 0);
	pol.files = UNKNOWN_REFUSE;
	pol.unknown_route = UNKNOWN_PASS;
	assert_int_equal(post("/v1/files", "x"), INSPECT_REFUSE);
	check_refusal("", 403, "files_not_allowed", NULL, 0);
	assert_int_equal(post("/v1/unheard/of", "{}"), INSPECT_PASS);
	pol.files = UNKNOWN_PASS;
	pol.unknown_route = UNKNOWN_REFUSE;
}

static void
test_modes(void **state)
{
	load(DETECT_MONITOR, DETECT_BLOCK, DETECT_OFF);
	assert_int_equal(say(&apis[0], "open sesame 4111111111111111"), INSPECT_PASS);
	assert_int_equal(out.findings.n, 1);
	assert_true(out.score >= 80 && out.score <= 100);
	assert_int_equal(say(&apis[0], "ann@example.org"), INSPECT_REFUSE);
	check_refusal("", 403, "personal_data", apis[0].path, 1);
	assert_int_equal(post("/v1/chat/completions", "{\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"open sesame\"}]}"),
	    INSPECT_REFUSE);
	load(DETECT_BLOCK, DETECT_MASK, DETECT_MASK);
	assert_int_equal(post("/v1/completions", "{\"prompt\":[\"a\",\"x ann@example.org\"]}"), INSPECT_REWRITE);
	assert_int_equal(out.findings.v[0].span, 1);
	assert_int_equal(out.findings.v[0].start, 2);
	assert_int_equal(post("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"open sesame\"},"
	    "{\"role\":\"assistant\",\"content\":\"no\"},{\"role\":\"user\",\"content\":\"ok\"}]}"), INSPECT_PASS);
}

static void
nobody_told(void *arg, enum shadow_what what, bool first, int error)
{
}

/* What the shadow log hears of each text; of an attack in two messages, too, which neither of them is. */
static void
test_verdicts(void **state)
{
	static const char body[] = "{\"messages\":[{\"role\":\"system\",\"content\":\"open sesame\"},{\"role\":\"user\",\"content\":\"open sesame\"},"
	    "{\"role\":\"user\",\"content\":\"mail a@example.org\"}]}",
	    halves[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"Please open\"},{\"role\":\"user\",\"content\":\"sesame and so on\"}]}";
	struct shadow_conf conf = { .dir = (char *)(uintptr_t)"/nonexistent/shadow", .max_text = 1024, .max_age = 60000 };

	load(DETECT_BLOCK, DETECT_MASK, DETECT_OFF);
	assert_int_equal(post(apis[0].url, body), INSPECT_REFUSE);
	assert_null(out.verdicts);
	assert_int_equal(shadow_new(&pol.shadow, &conf, NULL, 0, nobody_told, NULL), 0);
	assert_int_equal(post(apis[0].url, body), INSPECT_REFUSE);
	assert_non_null(out.verdicts);
	assert_false(out.verdicts[0].judged);
	assert_true(out.verdicts[1].judged && !out.verdicts[1].data);
	assert_int_equal(out.verdicts[1].most, DETECT_BLOCK);
	assert_string_equal(out.verdicts[1].rule[0], "T-INJ-1");
	assert_int_equal(out.verdicts[2].most, DETECT_OFF);	/* what is private is no sign of an attack */
	assert_int_equal(out.verdicts[2].n_rules, 0);
	pol.trajectory.split = DETECT_BLOCK;
	assert_int_equal(post(apis[0].url, halves), INSPECT_REFUSE);
	assert_int_equal(out.verdicts[0].most > out.verdicts[1].most ? out.verdicts[0].most : out.verdicts[1].most, DETECT_BLOCK);
	pol.trajectory.split = DETECT_OFF;
	shadow_free(&pol.shadow);
}

static void
test_limits(void **state)
{
	static char big[70000];
	struct inspect_req_in in = { .method = "POST", .url = "/v1/completions", .request_id = "rq-7", .body = big,
		.len = sizeof(big) };
	char id[200], deep[200];

	memset(big, ' ', sizeof(big));
	assert_int_equal(inspect(&in), INSPECT_REFUSE);
	check_refusal("", 413, "request_too_large", NULL, 0);
	for (int levels = 31; levels <= 32; levels++) {	/* and the object itself */
		int n = snprintf(deep, sizeof(deep), "{\"prompt\":\"hi\",\"a\":");

		memset(deep + n, '[', (size_t)levels);
		memset(deep + n + levels, ']', (size_t)levels);
		strcpy(deep + n + 2 * levels, "}");
		assert_int_equal(post("/v1/completions", deep), levels == 31 ? INSPECT_PASS : INSPECT_REFUSE);
	}
	check_refusal("", 413, "request_too_large", NULL, 0);
	memset(id, 'i', sizeof(id));
	id[199] = '\0';
	in = (struct inspect_req_in){ .method = "POST", .url = "/v1/completions", .request_id = id, .body = "{\"prompt\":\"\"}", .len = 13 };
	assert_int_equal(inspect(&in), INSPECT_PASS);
	assert_int_equal(strlen(out.tx.request_id), sizeof(out.tx.request_id) - 1);
}

/* What cannot be judged is an error; with no memory nothing passes that would be refused. */
static void
test_no_judgement(void **state)
{
	char text[200], body[4096], attack[4096];

	memset(text, 'a', sizeof(text));
	text[198] = 'x';
	text[199] = '\0';
	assert_int_equal(say(&apis[0], text), INSPECT_ERROR);
	check_refusal("", 503, "inspection_failed", NULL, 0);
	assert_int_equal(out.refusal.retry_after_s, 1);
	snprintf(body, sizeof(body), apis[0].body, "ann@example.org and so on and on");
	snprintf(attack, sizeof(attack), apis[0].body, "OPEN SESAME NOW, and so on and on");
	for (size_t limit = 64; limit < 40000; limit += 97) {
		struct inspect_req_in in = { .method = "POST", .url = apis[0].url, .request_id = "rq-7", .body = body, .len = strlen(body) };
		struct arena *small = arena_new(limit);

		if (small == NULL)
			continue;
		drop();
		inspect_request(&pol, &in, small, &out);
		assert_true(out.action == INSPECT_REWRITE || out.action == INSPECT_ERROR);
		assert_true(out.action == INSPECT_REWRITE || out.refusal.message != NULL);
		arena_reset(small);
		in.body = attack;
		in.len = strlen(attack);
		drop();
		inspect_request(&pol, &in, small, &out);
		assert_true(out.action == INSPECT_REFUSE || out.action == INSPECT_ERROR);
		assert_non_null(out.refusal.message);
		drop();
		arena_free(&small);
	}
}

static void *
inspect_many(void *arg)
{
	static const struct { const char *body; enum inspect_action want; } t[] = {
		{ "{\"prompt\":\"open sesame now\"}", INSPECT_REFUSE }, { "{\"prompt\":\"ann@example.org\"}", INSPECT_REWRITE },
		{ "{\"prompt\":", INSPECT_REFUSE }, { "{\"prompt\":\"Good morning.\"}", INSPECT_PASS },
	};
	struct arena *a = arena_new(0);
	unsigned *wrong = arg;

	for (unsigned i = 0; i < 4000; i++) {
		struct inspect_req_in in = { .method = "POST", .url = "/v1/completions", .request_id = "r", .body = t[i % 4].body,
			.len = strlen(t[i % 4].body) };
		struct inspect_req_out o;

		arena_reset(a);
		inspect_request(&pol, &in, a, &o);
		*wrong += o.action != t[i % 4].want;
		buf_free(&o.body);
		tx_clear(&o.tx);
	}
	arena_free(&a);
	return NULL;
}

/* One policy, many threads: for --enable-tsan above all. */
static void
test_threads(void **state)
{
	pthread_t t[4];
	unsigned wrong[4] = { 0 };

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, inspect_many, &wrong[i]), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_int_equal(wrong[i], 0);
	}
}

static int
setup(void **state)
{
	arena = arena_new(0);
	pol.max_request = 65536;
	pol.depth = 32;
	pol.files = UNKNOWN_PASS;
	pol.pii.unmask = true;
	load(DETECT_BLOCK, DETECT_MASK, DETECT_MASK);
	return arena == NULL;
}

static int
teardown(void **state)
{
	drop();
	detectors_free(&pol.detectors);
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass), cmocka_unit_test(test_stream_flag), cmocka_unit_test(test_threads),
		cmocka_unit_test(test_block), cmocka_unit_test(test_beside), cmocka_unit_test(test_mask), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_codings), cmocka_unit_test(test_content_types),
		cmocka_unit_test(test_routes), cmocka_unit_test(test_modes), cmocka_unit_test(test_verdicts), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_judgement),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
