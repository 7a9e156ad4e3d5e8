/* SPDX-License-Identifier: MIT */
/* The engine of profile egress: steps, policies, blobs in any pieces, and tokens that only look like files. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/content_private.h"
#include "lib/arena.h"
#include "lib/conf.h"
#include "lib/diag.h"

#define L(s)	s, sizeof(s) - 1

static const char zip[] = "PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0\5\0\0\0\5\0\0\0a.txthello";
static const char zip64[] = "UEsDBBQAAAAAAAAAAAAAAAAABQAAAAUAAAAFAAAAYS50eHRoZWxsbw==";	/* the same */

struct rig {
	struct content_conf conf;
	struct conf_mem	*mem;
	struct arena	*arena;
	struct content	*c;
};

static void
rig_open(struct rig *r, const char *yaml)
{
	struct diag *d = diag_new();

	memset(r, 0, sizeof(*r));
	assert_int_equal(conf_load_mem("test", yaml, strlen(yaml), content_conf_opts, &r->conf, &r->mem, d), 0);
	assert_int_equal(content_conf_compile(&r->conf, "test", d), 0);
	diag_free(&d);
	r->arena = arena_new(0);
}

static void
rig_begin(struct rig *r, const struct content_in *in)
{
	content_free(&r->c);
	arena_reset(r->arena);
	assert_int_equal(content_new(&r->c, &r->conf, in, r->arena), 0);
}

static void
rig_close(struct rig *r)
{
	content_free(&r->c);
	arena_free(&r->arena);
	content_conf_free(&r->conf);
	conf_mem_free(&r->mem);
}

static const char strict[] = "{upload: {archive: block, executable: block}, download: {archive: block}, secrets: mask}";

/* In pieces of <slice> bytes; the last step. */
static enum content_step
judge(struct rig *r, bool upload, const char *type, const char *data, size_t len, size_t slice, char *body)
{
	struct content_in in = {.upload = upload, .host = "drop.example", .url = "http://drop.example/x", .content_type = type, .length = -1};

	rig_begin(r, &in);
	for (size_t at = 0; at < len; at += slice)
		content_feed(r->c, data + at, len - at < slice ? len - at : slice);
	return content_finish(r->c, body, body != NULL ? len : 0);
}

static void
test_pieces(void **state)
{
	static const struct { const char *head, *tail; } around[] = {
		{"{\"a\":\"", "\"}"}, {"data: x\n\ndata: ", "\n\n"}, {"url=data:image/png;base64,", ""}, {"--", " "}, {"<p>", "</p>"},
		/* words with no sign between them and the file, which decoders of the rest don't see */
		{"hello\n", ""}, {"hello\r\n\r\n", "\r\n"}, {"a\nbb\nccc\ndddd\n", ""}, {"Content-Transfer-Encoding: base64\n\n", "\n"}, {"{\"a\":\"hello\\n", "\"}"},
		{"a: !!binary |\n  ", "\n"},
	};
	struct rig r;
	char text[400];

	(void)state;
	rig_open(&r, strict);
	for (size_t i = 0; i < sizeof(around) / sizeof(*around); i++)
		for (size_t slice = 1; slice < 20; slice += 3) {
			int n = snprintf(text, sizeof(text), "%s%s%s", around[i].head, zip64, around[i].tail);

			for (int up = 0; up < 2; up++)
				if (judge(&r, up, "application/json", text, (size_t)n, slice, NULL) != CONTENT_REFUSED)
					fail_msg("%s in pieces of %zu", text, slice);
			assert_string_equal(content_verdict(r.c)->type, "zip");
			assert_string_equal(content_verdict(r.c)->where, "text");
		}
	assert_int_equal(judge(&r, true, NULL, L(zip), 7, NULL), CONTENT_REFUSED);
	assert_string_equal(content_verdict(r.c)->where, "body");
	rig_close(&r);
}

/* Tokens, digests, ids, words: nothing of that is a file. */
static void
test_no_false_alarm(void **state)
{
	struct rig r;
	char text[1200];
	uint32_t x = 12345;
	unsigned alarms = 0;

	(void)state;
	rig_open(&r, "{upload: {archive: block, executable: block, document: block}, secrets: \"off\"}");
	for (int i = 0; i < 20000; i++) {
		static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
		size_t n = 16 + x % 49, at = 0;

		at += (size_t)snprintf(text, sizeof(text), "{\"id\":\"");
		for (size_t k = 0; k < n; k++) {
			x = x * 1664525 + 1013904223;
			text[at++] = letters[x >> 26];
		}
		at += (size_t)snprintf(text + at, sizeof(text) - at, "\"}");
		alarms += judge(&r, true, "application/json", text, at, at, NULL) == CONTENT_REFUSED;
	}
	for (int i = 0; i < 5000; i++) {	/* lists of words and of names, a line each, of all lengths */
		size_t at = 0;

		for (int line = 0; line < 12; line++) {
			x = x * 1664525 + 1013904223;
			for (size_t n = 1 + (x >> 8) % 40; n > 0; n--) {
				x = x * 1664525 + 1013904223;
				text[at++] = "etaoinshrdlucmfwypvbgkqjxzETAOINSHRDLU0123456789"[(x >> 16) % 48];
			}
			text[at++] = '\n';
		}
		alarms += judge(&r, true, "text/plain", text, at, at, NULL) == CONTENT_REFUSED;
	}
	assert_int_equal(alarms, 0);
	rig_close(&r);
}

static void
test_rules(void **state)
{
	static const char yaml[] = "{upload: {archive: block, deny: [pdf], monitor: [png], max: 100}, opaque: monitor, python: allow, secrets: \"off\", rules: ["
	    "{name: a, hosts: [.example.org], upload: {archive: allow, max: 1000}}, {name: b, hosts: [one.example], upload: {allow: [pdf]}}]}";
	static const struct { const char *host, *data; size_t len; enum content_mode mode; } t[] = {
		{"x.test", L(zip), CONTENT_BLOCK}, {"example.org", L(zip), CONTENT_ALLOW}, {"a.b.EXAMPLE.org.", L(zip), CONTENT_ALLOW},
		{"notexample.org", L(zip), CONTENT_BLOCK}, {"x.test", L("%PDF-1.4 x"), CONTENT_BLOCK}, {"one.example", L("%PDF-1.4 x"), CONTENT_ALLOW},
		{"sub.one.example", L("%PDF-1.4 x"), CONTENT_BLOCK}, {"x.test", L("\x89PNG\r\n\x1a\n"), CONTENT_MONITOR},
		{"x.test", L("text"), CONTENT_ALLOW}, {"x.test", L(""), CONTENT_ALLOW},
	};
	struct content_in in = {.upload = true, .url = "/", .length = 101, .host = "x.test"};
	struct rig r;

	(void)state;
	rig_open(&r, yaml);
	rig_begin(&r, &in);
	assert_int_equal(content_step(r.c), CONTENT_REFUSED);
	assert_int_equal(content_verdict(r.c)->status, 413);
	in.host = "example.org";
	rig_begin(&r, &in);
	assert_int_equal(content_step(r.c), CONTENT_HOLD);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		in = (struct content_in){.upload = true, .url = "/", .length = -1, .host = t[i].host};
		rig_begin(&r, &in);
		content_feed(r.c, t[i].data, t[i].len);
		content_finish(r.c, NULL, 0);
		if (content_verdict(r.c)->mode != t[i].mode)
			fail_msg("%zu: %s: %d", i, t[i].host, content_verdict(r.c)->mode);
	}
	rig_close(&r);
}

static void
test_bad_names(void **state)
{
	static const char yaml[] = "{upload: {deny: [zipp]}}";
	struct content_conf conf = {0};
	struct conf_mem *mem = NULL;
	struct diag *d = diag_new();

	(void)state;
	assert_int_equal(conf_load_mem("test", yaml, strlen(yaml), content_conf_opts, &conf, &mem, d), 0);
	assert_true(content_conf_compile(&conf, "test", d) < 0);
	assert_int_equal(diag_errors(d), 1);
	content_conf_free(&conf);
	conf_mem_free(&mem);
	diag_free(&d);
}

static void
test_steps(void **state)
{
	struct content_in in = {.host = "x.test", .url = "/", .content_type = "text/event-stream", .length = -1};
	struct rig r;
	char *big = malloc(200000);

	(void)state;
	assert_non_null(big);
	memset(big, 'x', 200000);
	rig_open(&r, strict);
	rig_begin(&r, &in);		/* live: at once */
	assert_int_equal(content_feed(r.c, L("data: 1\n\n")), CONTENT_STREAM);
	in.content_type = "text/plain";	/* else text waits for its front */
	rig_begin(&r, &in);
	assert_int_equal(content_feed(r.c, big, 30000), CONTENT_HOLD);
	assert_int_equal(content_feed(r.c, big, 40000), CONTENT_STREAM);
	assert_int_equal(content_finish(r.c, NULL, 0), CONTENT_STREAM);
	in.upload = true;		/* and leaves only when it was read */
	rig_begin(&r, &in);
	assert_int_equal(content_feed(r.c, big, 200000), CONTENT_WHOLE);
	assert_int_equal(content_finish(r.c, big, 200000), CONTENT_STREAM);
	in.content_encoding = "zstd";
	rig_begin(&r, &in);
	assert_int_equal(content_step(r.c), CONTENT_REFUSED);
	assert_int_equal(content_verdict(r.c)->status, 415);
	in.content_encoding = "gzip";	/* says so, and isn't */
	rig_begin(&r, &in);
	assert_int_equal(content_feed(r.c, big, 100), CONTENT_REFUSED);
	/* a zip at the very end of a stream */
	in = (struct content_in){.host = "x.test", .url = "/", .length = -1};
	rig_begin(&r, &in);
	memcpy(big, "\x89PNG\r\n\x1a\n", 8);
	assert_int_equal(content_feed(r.c, big, 200000), CONTENT_STREAM);
	content_feed(r.c, L("PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0a"
	    "PK\1\2\24\0\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a"
	    "PK\5\6\0\0\0\0\1\0\1\0\57\0\0\0\37\0\0\0\0\0"));
	assert_int_equal(content_finish(r.c, NULL, 0), CONTENT_REFUSED);
	free(big);
	rig_close(&r);
}

static void
test_stars(void **state)
{
	static const char key[] = "ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5";
	struct rig r;
	char body[200], want[200];
	int n = snprintf(body, sizeof(body), "{\"k\":\"%s\",\"x\":1}", key);

	(void)state;
	rig_open(&r, strict);
	for (int escapes = 0; escapes < 2; escapes++) {
		if (escapes)
			n = snprintf(body, sizeof(body), "{\"k\":\"%s\\n\",\"x\":\"100%%25\"}", key);
		memcpy(want, body, (size_t)n);
		memset(want + 6, '*', strlen(key));
		assert_int_equal(judge(&r, true, "application/json", body, (size_t)n, 50, body), CONTENT_STREAM);
		assert_int_equal(content_verdict(r.c)->mode, CONTENT_MASK);
		assert_memory_equal(body, want, (size_t)n);
	}
	rig_close(&r);
}

static void
test_headers(void **state)
{
	static const char key[] = "ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5";
	static const struct { const char *host, *name; bool refused; } t[] = {
		{"api.github.com", "Authorization", false}, {"github.com", "authorization", false}, {"evil.test", "Authorization", true},
		{"github.com.evil.test", "Authorization", true}, {"api.github.com", "X-Note", true}, {"evil.test", "url", true},
		{"api.github.com", "url", false}, {"evil.test", "Cookie", true},
	};
	static const struct { const char *host, *name, *value; bool refused; } more[] = {
		{"evil.test", "Cookie", "a=b; k=%67hp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5", true}, {"evil.test", "url", "/%2567hp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5/x", true},
		{"evil.test", "Authorization", "Basic eDpnaHBfYUIzZEU1Z0g3aks5bU4xcFEzc1Q1dlc3eVo5YkMxZEUzZkc1", true},
		{"github.com", "Authorization", "Basic eDpnaHBfYUIzZEU1Z0g3aks5bU4xcFEzc1Q1dlc3eVo5YkMxZEUzZkc1", false},
		{"github.com", "X-Note", "eDpnaHBfYUIzZEU1Z0g3aks5bU4xcFEzc1Q1dlc3eVo5YkMxZEUzZkc1", true},
		{"evil.test", "X-ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5", "1", true}, {"evil.test", "X-Json", "{\"k\":\"\\u0067hp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5\"}", true},
		{"evil.test", "Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", false},
		{"evil.test", "Authorization", "Basic dXNlcjpwYXNzd29yZA==", false}, {"evil.test", "Cookie", "session=.eJyrVkosLcmIz8nPS1WyUkpKLFKqBQBH1AbF.Zx; theme=dark", false},
		{"evil.test", "url", "/search?q=100%25+of+it&page=2", false}, {"evil.test", "User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", false}, {"evil.test", "Accept", "", false},
	};
	struct rig r;

	(void)state;
	rig_open(&r, strict);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct content_in in = {.upload = true, .host = t[i].host, .url = "/", .length = -1};

		rig_begin(&r, &in);
		content_header(r.c, t[i].name, key, strlen(key));
		if ((content_step(r.c) == CONTENT_REFUSED) != t[i].refused)
			fail_msg("%s to %s", t[i].name, t[i].host);
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		struct content_in in = {.upload = true, .host = more[i].host, .url = "/", .length = -1};

		rig_begin(&r, &in);
		content_header(r.c, more[i].name, more[i].value, strlen(more[i].value));
		if ((content_step(r.c) == CONTENT_REFUSED) != more[i].refused)
			fail_msg("%s: %s to %s", more[i].name, more[i].value, more[i].host);
	}
	rig_close(&r);
}

/* Under what lenient readers undo a key is still one. */
static void
test_escaped_keys(void **state)
{
#define TAIL	"aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
	static const char *const t[] = {
		"{k: 'ghp\\x5f" TAIL "',}", "{\"a\":NaN,\"k\":\"\\u0067hp_" TAIL "\"}", "{\"a\":\"\\udead\",\"k\":\"\\u0067hp_" TAIL "\"}",
		"# {\n{\"k\":\"gh\\u0070_" TAIL "\"}\n{\"x\":1}{", "\"{\\\"k\\\":\\\"gh\\\\u0070_" TAIL "\\\"}\"", "k=%2567hp_" TAIL,
		"p=%7B%22k%22%3A%22%5Cu0067hp_" TAIL "%22%7D", "\xef\xbb\xbf{\"k\":\"\\u0067hp_" TAIL "\"}",
	};
	char wide[2 * 200];
	struct rig r;

	(void)state;
	rig_open(&r, strict);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		for (int width = 1; width <= 2; width++) {
			memset(wide, 0, sizeof(wide));
			for (size_t k = 0; t[i][k] != '\0'; k++)
				wide[k * (size_t)width] = t[i][k];
			if (judge(&r, true, "application/json", wide, strlen(t[i]) * (size_t)width, 11, NULL) != CONTENT_REFUSED ||
			    strcmp(content_verdict(r.c)->type, "github_pat") != 0)
				fail_msg("%s, %d bytes a letter: %s", t[i], width, content_verdict(r.c)->type);
		}
	rig_close(&r);
#undef TAIL
}

static void
test_parts(void **state)
{
	static const struct { const char *name, *value; enum content_part part; } t[] = {
		{"Content-Range", "bytes 0-99/100", CONTENT_ALL}, {"content-range", "bytes 0-99/*", CONTENT_FRONT}, {"Content-Range", "bytes 0-99/200", CONTENT_PIECE},
		{"Content-Range", "bytes 100-199/200", CONTENT_PIECE}, {"Content-Range", "bytes */200", CONTENT_FRONT}, {"Content-Range", "0-99", CONTENT_FRONT},
		{"Content-Range", "100-199", CONTENT_PIECE}, {"Content-Range", "bytes=1-9/10", CONTENT_PIECE}, {"Content-Range", "x", CONTENT_PIECE},
		{"Content-Range", "  Bytes  0 - 99 / 100", CONTENT_ALL}, {"Content-Range", "bytes 0-18446744073709551615/0", CONTENT_ALL},
		{"x-ms-range", "bytes=512-1023", CONTENT_PIECE}, {"Range", "bytes=5-", CONTENT_ALL}, {"Upload-Offset", "0", CONTENT_FRONT},
		{"upload-offset", "5", CONTENT_PIECE}, {"X-Goog-Upload-Offset", "00", CONTENT_FRONT}, {"X-Bz-Part-Number", "1", CONTENT_FRONT},
		{"X-Bz-Part-Number", "2", CONTENT_PIECE}, {"OC-Chunked", "1", CONTENT_PIECE}, {"Upload-Length", "5", CONTENT_ALL},
		{"Dropbox-API-Arg", "{\"cursor\":{\"offset\": 12}}", CONTENT_PIECE}, {"Dropbox-API-Arg", "{\"cursor\":{\"offset\":0}}", CONTENT_FRONT},
		{"Dropbox-API-Arg", "{\"path\":\"/x\"}", CONTENT_ALL}, {"Dropbox-API-Arg", "{\"path\":\"/x \\\"offset\\\": 5\"}", CONTENT_ALL},
		{"Dropbox-API-Arg", "{\"cursor\":{\"offset\":0,\"offset\":12}}", CONTENT_PIECE}, {"Dropbox-API-Arg", "{\"cursor\":{\"offs\\u0065t\":12}}", CONTENT_PIECE},
		{"Dropbox-API-Arg", "{\"offset\":0,\"cursor\":{\"offset\":1e1}}", CONTENT_PIECE}, {"Dropbox-API-Arg", "{\"cursor\":{\"offset\":0}", CONTENT_PIECE},
		{"dropbox-api-arg", "{\"cursor\":{\"offset\":\"0\"}}", CONTENT_PIECE}, {"Dropbox-API-Arg", "{\"offset\":[3]}", CONTENT_PIECE},
		{NULL, "https://b.s3.amazonaws.com/k?partNumber=1&uploadId=x", CONTENT_FRONT}, {NULL, "/k?partNumber=2&uploadId=x", CONTENT_PIECE},
		{NULL, "/k?uploadId=x&part%4eumber=%32", CONTENT_PIECE}, {NULL, "/k?partNumber=1&partNumber=2&uploadId=x", CONTENT_PIECE},
		{NULL, "/k?partNumber=2", CONTENT_ALL}, {NULL, "/k?uploads", CONTENT_ALL}, {NULL, "/c/b?comp=block&blockid=QQ%3D%3D", CONTENT_PIECE},
		{NULL, "/c/b?comp=blocklist", CONTENT_ALL}, {NULL, "/c/b?comp=appendblock", CONTENT_PIECE}, {NULL, "/f/x?action=append&position=0", CONTENT_FRONT},
		{NULL, "/f/x?action=append&position=9", CONTENT_PIECE}, {NULL, "/x?position=9", CONTENT_ALL}, {NULL, "/f/x?position=9&Action=%61ppend", CONTENT_PIECE},
		{NULL, "/wp-admin/admin-ajax.php?action=upload&position=3", CONTENT_ALL}, {NULL, "/w/api.php?action=upload&x=append&position=3", CONTENT_ALL},
		{NULL, "/f/x?action=flush&position=9", CONTENT_ALL}, {NULL, "/index.php?comp=page", CONTENT_ALL}, {"x-ms-page-write", "update", CONTENT_PIECE},
		{NULL, "/up?resumableChunkNumber=2", CONTENT_PIECE},
		{NULL, "/up?chunk=0&chunks=3", CONTENT_FRONT}, {NULL, "/up?chunk=1&chunks=3", CONTENT_PIECE}, {NULL, "/search?chunk=4", CONTENT_ALL},
		{NULL, "https://api.openai.com/v1/uploads/up_1/parts", CONTENT_PIECE}, {NULL, "/v1/uploads/up_1/complete", CONTENT_ALL},
		{NULL, "/v1/uploads", CONTENT_ALL}, {NULL, "/uploads/parts", CONTENT_ALL}, {NULL, "/shop/parts", CONTENT_ALL}, {NULL, "", CONTENT_ALL}, {NULL, "?", CONTENT_ALL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		enum content_part got = t[i].name != NULL ? content_part_of_header(t[i].name, t[i].value) : content_part_of_url(t[i].value);

		if (got != t[i].part)
			fail_msg("%s: %s: %d", t[i].name != NULL ? t[i].name : "url", t[i].value, (int)got);
	}
}

/* Fronts are judged everywhere, pieces only where they may pass. */
static void
test_pieces_policy(void **state)
{
	static const struct { const char *host, *data; size_t len; enum content_part part; const char *rule; } t[] = {
		{"x.test", L("text"), CONTENT_PIECE, "LLMSEC-CONTENT-PIECE"}, {"x.test", L("text"), CONTENT_FRONT, ""}, {"x.test", L(zip), CONTENT_FRONT, "LLMSEC-CONTENT-ARCHIVE"},
		{"b.test", L("text"), CONTENT_PIECE, ""}, {"b.test", L("\x1f\x8b and so on"), CONTENT_PIECE, ""}, {"b.test", L(zip), CONTENT_FRONT, "LLMSEC-CONTENT-ARCHIVE"},
		{"b.test", L("ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"), CONTENT_PIECE, "LLMSEC-SECRET-GITHUB-PAT"},
		{"a.test", L(zip), CONTENT_FRONT, ""}, {"a.test", L(zip), CONTENT_PIECE, ""}, {"a.test", L(zip), CONTENT_ALL, "LLMSEC-PTH-LIMIT"},
	};
	struct rig r;

	(void)state;
	rig_open(&r, "{upload: {archive: block}, rules: [{name: b, hosts: [b.test], pieces: allow}, {name: a, hosts: [a.test], pieces: allow, upload: {archive: allow}}]}");
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct content_in in = {.upload = true, .host = t[i].host, .url = "/", .length = -1, .part = t[i].part};

		rig_begin(&r, &in);
		content_feed(r.c, t[i].data, t[i].len);
		content_finish(r.c, NULL, 0);
		if ((content_verdict(r.c)->mode == CONTENT_BLOCK) != (*t[i].rule != '\0') ||
		    (*t[i].rule != '\0' && strcmp(content_verdict(r.c)->rule_id, t[i].rule) != 0))
			fail_msg("%zu: %s", i, content_verdict(r.c)->rule_id);
	}
	rig_close(&r);
}

/* What begins like a document is also read as text; one that can't be read doesn't pass. */
static void
test_documents(void **state)
{
#define KEY	"ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
	static const struct { const char *what, *data; size_t len; const char *rule; } t[] = {
		{"rtf and a key", L("{\\rtf1 " KEY), "LLMSEC-SECRET-"}, {"pdf and a key", L("%PDF-1.4\n" KEY), "LLMSEC-SECRET-"},
		{"utf-16's mark and a key", L("\xff\xfe " KEY), "LLMSEC-SECRET-"},
		{"locked", L("%PDF-1.4\n1 0 obj\n<< /Length 3 >>\nstream\nxyz\nendstream\nendobj\ntrailer << /Encrypt 2 0 R >>\n"), "LLMSEC-CONTENT-OPAQUE"},
		{"damaged", L("PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0\5\0\0\0\21\0\0\0word/document.xmlhello"), "LLMSEC-CONTENT-OPAQUE"},
		{"ordinary", L("%PDF-1.4\n1 0 obj\n<< /Type /Page /Contents 2 0 R >>\nendobj\n2 0 obj\n<< /Length 24 >>\nstream\n"
		    "BT (the words of it) Tj ET\nendstream\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"), NULL},
	};
	struct rig r;

	(void)state;
	rig_open(&r, "{upload: {document: allow}}");
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		enum content_step s = judge(&r, true, NULL, t[i].data, t[i].len, 20, NULL);
		const char *id = content_verdict(r.c)->rule_id;

		if (t[i].rule == NULL ? s != CONTENT_STREAM : s != CONTENT_REFUSED || strncmp(id, t[i].rule, strlen(t[i].rule)) != 0)
			fail_msg("%s: %d %s", t[i].what, (int)s, id);
	}
	rig_close(&r);
}

/* Ordinary downloads: ranges, and archives that are no packages and too large to be looked at. */
/* Files byte by byte in text, wide characters, and text that only looks like them. */
static void
test_bytes_in_text(void **state)
{
#define ROW	"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"	/* 16 backslashes */
	static const struct { const char *what; bool refused; const char *text; size_t len; } t[] = {
		{"a form", true, L("a=1&f=PK%03%04%14%00%00%00%00%00&b=2")}, {"data: without base64", true, L("<a href='data:,%7FELF%02%01%01%00%00%00'>x</a>")},
		{"escaped twice", true, L("f=PK%2503%2504%2514%2500%2500%2500")}, {"JSON", true, L("{\"f\":\"PK\\u0003\\u0004\\u0014\\u0000\\u0000\\u0000\\u0000\"}")},
		{"JSON with a mark", true, L("\xef\xbb\xbf{\"f\":\"\x7f" "ELF\\u0002\\u0001\\u0001\\u0000\\u0000\\u0000\"}")},
		{"JSON lines", true, L("{}\n{\"f\":\"7z\xc2\xbc\xc2\xaf'\\u001c\\u0000\\u0004\"}")},
		{"a script in JSON", false, L("{\"f\":\"#!/bin/sh\\nrm -r x\\n\"}")}, {"a script in a form", false, L("f=%23%21%2Fbin%2Fsh%0Arm+x%0A")},
		/* what only lenient readers take for JSON */
		{"a comment, single quotes", true, L("// \"\n{'f': 'PK\\u0003\\u0004\\x14\\0\\0\\0\\0\\0', n: NaN,}")},
		{"half a pair before it", true, L("{\"a\":\"\\ud800\",\"f\":\"PK\\u0003\\u0004\\u0014\\u0000\\u0000\\u0000\"}")},
		{"bytes as they are", true, L("{\"f\":\"\x7f" "ELF\2\1\1\0\0\0\0\0\"}")},
		{"a string in a string", true, L("\"{\\\"f\\\":\\\"PK\\\\u0003\\\\u0004\\\\u0014\\\\u0000\\\\u0000\\\\u0000\\\"}\"")},
		{"base64 in a string in a string", true, L("\"{\\\"f\\\":\\\"f0V\\\\u004dRgI\\\\\\/BAQAAAAAAAAAAAAI\\\"}\"")},
		{"JSON in a form", true, L("payload=%7B%22f%22%3A%22UEsDBBQAAAAAAAA%5C%2FAAAAAAAABQAAAA%22%7D&x=1")},
		{"JSON in a form, doubly", true, L("p=%257B%2522f%2522%253A%2522UEsDBBQ%255C%252FAAAAAAAAAAAAAABQAAAA%2522%257D")},
		{"a raw comma", true, L("f=PK%03%04,%00%00%00%00%00%00%00&b=2")}, {"a raw comma, old tar", true, L("f=7z%BC%AF%27%1C,,,%00%00%04&b=2")},
		{"plus for a space", true, L("a=b&f=UEsDBBQA+AAAAAAAAAAAAAABQAAAABQAAAAUAAAA")}, {"plus strewn in", true, L("f=UE+sD+BB+QA+AAAA+AAAAA+AAAABQAAAABQAAAAUAAAA")},
		{"a space strewn in", true, L("{\"f\":\"U E s D B B Q A A A A A A A A A A A A A A B Q A A\"}")}, {"dots", true, L("{'f':'UE.sD.BB.QA.AA.AA.AAAAAAAAAAAABQAAAABQAAAAUA'}")},
		{"a tab", true, L("{\"f\":\"UEs\tDBBQAAAAAA\\tAAAAAAAAAABQAAAABQAAAAUA\"}")},
		{"padding strewn in", true, L("{\"f\":\"=UEsD=BBQA=AAAA=AAAA=AAAA=AAAA=AAAA=AAUA=AAAF=AAAA=\"}")}, {"padding in a form", true, L("a=1&f==UEsD=BBQA=AAAA=AAAA=AAAA=AAAA=AAAA&b=2")},
		{"padding behind the front", true, L("{\"f\":\"UEsDBBQA=AAAAAAAA=AAAAAAAAAAAA=\"}")}, {"pairs", false, L("{\"q\":\"lang=en&theme=dark&token=abcd&UEs=yes&next=L2hvbWU=\"}")},
		{"escaped letters of a form", true, L("f=%55%45%73DBBQAAAAAAAAAAAAAAAAABQAAAABQAAAAUA%3D%3D")},
		{"prose", false, L("{\"f\":\"TV programme: Some x is high, it's 100% of all. Em+ails at example.org, MZ and BZh; JM, Self-made UEs.\"}")},
		{"a list", false, L("q=some+words+that+one+types&lang=en+US&t=It's+%22quoted%22+and+so+on")},
		{"six layers of a form", true, L("k=%252525252541bcdefgh")}, {"many", true, L("k=%25252525252525252567hp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5&x=1")},
		{"five layers", false, L("next=%2525252541bcdefgh")}, {"many backslashes", true, L("{\"k\":\"" ROW ROW "u0067hp\"}")}, {"as many as are undone", false, L("{\"k\":\"" ROW "u0067hp\"}")},
		{"a drawing", false, L("/" ROW ROW ROW ROW " /\n |_____| \n")},
		{"a list of pieces", true, L("{\"f\":[\"UEsD\", \"BBQA\",\"AAAA\",\n\t\"AAAAAAAAAAAAABQ\",\"AAAABQAAAAUA\"]}")}, {"single quotes", true, L("['UE','sD','BB','QA','AAAAAAAA','AAAAAAAA']")},
		{"a list of words", false, L("{\"f\":[\"PK\",\"UEs\",\"test\", \"UEsDB\"],\"g\":[\"a\",\"b\"]}")},
		{"hex with its prefix", true, L("{\"f\":\"0x504b0304140000000000000000000000000000000000\"}")}, {"hex behind a word", true, L("hello\n504b0304140000000000000000000000000000000000")},
		{"words", false, L("{\"f\":\"caf\\u00e9 \\u4e2d\\u6587 100% of it\"}")}, {"per cent", false, L("100% 5%5 %zz %4 a%20b%20c%20d")},
	};
	static const struct { const char *front; size_t n; } nul[] = { {L("name\0")}, {L("x\0")}, {L("a\0b\0c\0")}, {L("ab\0c\0")}, {L("\0\0q\0\0\0")} };
	char wide[4 * sizeof(zip64) + 40];
	struct rig r;

	(void)state;
	rig_open(&r, strict);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		if ((judge(&r, true, "text/plain", t[i].text, t[i].len, 7, NULL) == CONTENT_REFUSED) != t[i].refused)
			fail_msg("%s", t[i].what);
	for (size_t i = 0; i < sizeof(nul) / sizeof(*nul); i++) {	/* a NUL ends a word */
		memcpy(wide, nul[i].front, nul[i].n);
		memcpy(wide + nul[i].n, zip64, sizeof(zip64));
		if (judge(&r, true, "application/octet-stream", wide, nul[i].n + sizeof(zip64), 5, NULL) != CONTENT_REFUSED)
			fail_msg("NULs before: %zu", i);
	}
	for (size_t width = 2; width <= 4; width += 2)
		for (size_t at = 0; at < width; at += width - 1)
			for (int secret = 0; secret < 2; secret++) {
				const char *s = secret ? "{\"k\":\"ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5\"}" : zip64;
				size_t n = strlen(s);

				memset(wide, 0, sizeof(wide));
				for (size_t i = 0; i < n; i++)
					wide[i * width + at] = s[i];
				if (judge(&r, true, "application/json", wide, n * width, 9, NULL) != CONTENT_REFUSED)
					fail_msg("%zu bytes a letter, at %zu, secret %d", width, at, secret);
				if (!secret && judge(&r, false, "application/json", wide, n * width, 9, NULL) != CONTENT_REFUSED)
					fail_msg("%zu bytes a letter down", width);
			}
	rig_close(&r);
}

static void
test_downloads(void **state)
{
	static const struct { const char *url; bool partial; enum content_mode mode; } t[] = {
		{"http://a.test/pool/thing.tar.gz", false, CONTENT_MONITOR}, {"http://a.test/thing-1.0.zip", false, CONTENT_MONITOR},
		{"http://a.test/thing-1.0.tar.gz", false, CONTENT_BLOCK}, {"http://a.test/thing-1.0.tar.gz", true, CONTENT_MONITOR},
		{"http://a.test/thing-1-py3-none-any.whl", false, CONTENT_BLOCK}, {"http://a.test/x.pth", false, CONTENT_BLOCK},
	};
	static const char ranges[] = "\r\n--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/9\r\n\r\nab\r\n--b\r\n"
	    "Content-Type: text/plain\r\nContent-Range: bytes 4-5/9\r\n\r\nef\r\n--b--\r\n";
	struct rig r;
	char *big = calloc(1, 100000);

	(void)state;
	assert_non_null(big);
	rig_open(&r, "{max_whole: 64k}");
	assert_int_equal(judge(&r, false, "multipart/byteranges; boundary=b", ranges, sizeof(ranges) - 1, 9, NULL), CONTENT_STREAM);
	assert_int_equal(content_verdict(r.c)->mode, CONTENT_ALLOW);
	memcpy(big, zip, sizeof(zip) - 1);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct content_in in = {.host = "a.test", .url = t[i].url, .length = -1, .partial = t[i].partial};

		rig_begin(&r, &in);
		for (size_t at = 0; at < 100000; at += 10000)
			content_feed(r.c, big + at, 10000);
		content_finish(r.c, NULL, 0);
		if (content_verdict(r.c)->mode != t[i].mode)
			fail_msg("%s: %d", t[i].url, (int)content_verdict(r.c)->mode);
	}
	for (int partial = 0; partial < 2; partial++) {	/* a piece of a wheel can't be unpacked, and that's no news */
		struct content_in in = {.host = "a.test", .url = "http://a.test/p-1-py3-none-any.whl", .length = -1, .partial = partial};

		rig_begin(&r, &in);
		content_feed(r.c, big, 5000);
		content_finish(r.c, NULL, 0);
		assert_int_equal(content_verdict(r.c)->mode, partial ? CONTENT_MONITOR : CONTENT_BLOCK);
	}
	free(big);
	rig_close(&r);
}

/* Base64 of <p> in place of it; <blank>: behind its eighth letter. */
static size_t
to_base64(char *p, size_t n, const char *blank)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char *copy = malloc(n + 3);
	size_t at = 0;

	assert_non_null(copy);
	memcpy(copy, p, n);
	memset(copy + n, ' ', 3);
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)copy[i] << 16 | (unsigned)copy[i + 1] << 8 | copy[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			p[at++] = abc[v >> shift & 63];
		if (i == 3) {
			memcpy(p + at, blank, strlen(blank));
			at += strlen(blank);
		}
	}
	free(copy);
	return at;
}

/* <text> with base64 in it, of text with base64 in it...: a value of a form and of two kinds of quotes, under six layers of escapes. */
static size_t
nest(char *p, const char *text, const char *blank)
{
	size_t n = (size_t)sprintf(p, "<svg> %s", text);

	for (int depth = 0; depth < CONTENT_DEPTH; depth++) {
		n = to_base64(p, n, blank);
		memmove(p + 9, p, n);
		memcpy(p, "<svg> =\"'", 9);
		n += 9 + (size_t)sprintf(p + 9 + n, "'\"&y=%%2525252541");
	}
	return n;
}

static size_t
most_work(size_t len)
{
	return CONTENT_WORK_FREE + CONTENT_WORK_RATIO * len;
}

/* Work is counted, and bounded by the body: what nests more is refused, what is only met again and again isn't. */
static void
test_nesting(void **state)
{
	static const struct { const char *blank; unsigned times; enum content_step step; } t[] = {
		{" ", 1, CONTENT_STREAM}, {" ", 60, CONTENT_REFUSED}, {" %2525%2525", 1, CONTENT_STREAM}, {" %25252525%25252525", 60, CONTENT_REFUSED},
	};
	char *body = malloc(1 << 20), text[4000];
	struct rig r;

	(void)state;
	assert_non_null(body);
	rig_open(&r, strict);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		size_t n = (size_t)sprintf(body, "{\"a\":1,");
		enum content_step s;

		for (size_t k = 0; k < 1500; k++)
			text[k] = "words of "[k % 9];
		for (unsigned k = 0; k < t[i].times; k++) {
			sprintf(text + 1500, "%u", k);
			n += nest(body + n, text, t[i].blank);
		}
		s = judge(&r, true, "application/json", body, n, 4096, NULL);
		if (content_work(r.c) < n || content_work(r.c) > most_work(n) || s != t[i].step)
			fail_msg("%zu: %zu bytes of %zu, step %d", i, content_work(r.c), n, (int)s);
		if (s == CONTENT_REFUSED)
			assert_string_equal(content_verdict(r.c)->rule_id, "LLMSEC-CONTENT-OPAQUE");
	}
	free(body);
	rig_close(&r);
}

/* Mail in base64 in JSON, with a text in base64 in it: what people send. */
static void
test_honest_nesting(void **state)
{
	char *body = malloc(4 << 20), mail[2000], inner[600];
	struct rig r;
	size_t n = 0, k;

	(void)state;
	assert_non_null(body);
	rig_open(&r, strict);
	for (unsigned i = 0; n < 3 << 20; i++) {
		k = (size_t)sprintf(inner, "{\"n\": %u, \"t\": \"It's \\\"quoted\\\" text, 100%% of it,\\nline by line\", \"url\": \"https://a.example/?q=a%%20b\"}", i);
		k = to_base64(inner, k, "");
		k = (size_t)sprintf(mail, "Subject: number %u\nContent-Transfer-Encoding: base64\n\n%.*s\n\nSome words, \\u00e9 and %%20.\n", i, (int)k, inner);
		k = to_base64(mail, k, "");
		n += (size_t)sprintf(body + n, "{\"id\":%u,\"note\":\"caf\\u00e9\\n\\\"%u\\\"\",\"raw\":\"%.*s\"}\n", i, i, (int)k, mail);
	}
	assert_int_equal(judge(&r, true, "application/json", body, n, 65536, NULL), CONTENT_STREAM);
	print_message("%zu bytes, looked at: %zu\n", n, content_work(r.c));
	assert_true(content_work(r.c) < most_work(n) / 2);
	free(body);
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces), cmocka_unit_test(test_no_false_alarm), cmocka_unit_test(test_rules),
		cmocka_unit_test(test_bad_names), cmocka_unit_test(test_steps), cmocka_unit_test(test_stars), cmocka_unit_test(test_headers),
		cmocka_unit_test(test_documents), cmocka_unit_test(test_escaped_keys),
		cmocka_unit_test(test_parts), cmocka_unit_test(test_pieces_policy), cmocka_unit_test(test_bytes_in_text), cmocka_unit_test(test_nesting), cmocka_unit_test(test_honest_nesting),
		cmocka_unit_test(test_downloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
