/* SPDX-License-Identifier: MIT */
/*
 * Masking in files: in every dialect's base64 the text goes on with placeholders, and putting the originals back gives the file, byte for
 * byte; what can't be masked is refused, or told where the policy says so.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "icap-llmsec/attach.h"
#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "icap-llmsec/mask.h"
#include "lib/diag.h"

#define N(x)	(sizeof(x) / sizeof(*(x)))
#define MAIL	"anna.schmidt@example.org"
#define IBAN	"DE89370400440532013000"
#define CARD	"4111111111111111"

static struct icap_policy pol;
static struct arena *arena;
static struct inspect_req_out out;

static void
conf(const char *yaml)
{
	struct diag *d = diag_new();

	conf_mem_free(&pol.mem);
	memset(&pol.attachments, 0, sizeof(pol.attachments));
	if (conf_load_mem("t", yaml, strlen(yaml), attach_conf_opts, &pol.attachments, &pol.mem, d) < 0)
		fail_msg("%s", diag_first(d));
	diag_free(&d);
}

static int
setup(void **state)
{
	struct pii_conf pc = {.all = DETECT_MASK};
	struct secret_conf sc = {.all = DETECT_MASK};
	struct detect_conf c = {.pii = &pc, .secrets = &sc};
	struct diag *d = diag_new();

	(void)state;
	for (size_t i = 0; i < PII_GROUPS; i++)
		pc.mode[i] = -1;
	for (size_t i = 0; i < SECRET_GROUPS; i++)
		sc.mode[i] = -1;
	pol.max_request = 64 << 20;
	pol.depth = 64;
	pol.files = UNKNOWN_PASS;
	pol.pii.unmask = true;
	arena = arena_new((size_t)1 << 28);
	return detectors_load(&pol.detectors, &c, d) != 0 ? -1 : (diag_free(&d), 0);
}

static int
teardown(void **state)
{
	(void)state;
	buf_free(&out.body);
	tx_clear(&out.tx);
	detectors_free(&pol.detectors);
	conf_mem_free(&pol.mem);
	arena_free(&arena);
	return 0;
}

/* --- ways to send one ---------------------------------------------------------------------------- */

static const struct way { const char *url, *before, *after; } ways[] = {
	{"/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"data:text/plain;base64,", "\"}}]}]}"},
	{"/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"", "\"}}]}]}"},
	{"/v1/responses", "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\",\"file_data\":\"data:;base64,", "\"}]}]}"},
	{"/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"text/plain\",\"data\":\"", "\"}}]}]}"},
	{"/v1beta/models/g:generateContent", "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":{\"mimeType\":\"text/plain\",\"data\":\"", "\"}}]}]}"},
	{"/api/chat", "{\"messages\":[{\"role\":\"user\",\"content\":\"look\",\"images\":[\"", "\"]}]}"},
};

static char *
base64(const void *data, size_t len)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;
	char *s = malloc(len / 3 * 4 + 8), *o = s;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);

		*o++ = abc[v >> 18];
		*o++ = abc[v >> 12 & 63];
		*o++ = i + 1 < len ? abc[v >> 6 & 63] : '=';
		*o++ = i + 2 < len ? abc[v & 63] : '=';
	}
	*o = '\0';
	return s;
}

static char sent[1 << 20];

static enum inspect_action
post(const char *url, const char *type)
{
	struct inspect_req_in in = {.method = "POST", .url = url, .content_type = type, .request_id = "r", .body = sent, .len = strlen(sent)};

	buf_free(&out.body);
	tx_clear(&out.tx);
	arena_reset(arena);
	inspect_request(&pol, &in, arena, &out);
	return out.action;
}

static enum inspect_action
send(const struct way *w, const void *data, size_t len)
{
	char *d = base64(data, len);

	snprintf(sent, sizeof(sent), "%s%s%s", w->before, d, w->after);
	free(d);
	return post(w->url, "application/json");
}

/* The file in what goes on: the body but for it is what it was. */
static size_t
got(const struct way *w, char *to)
{
	size_t n = buf_len(&out.body), head = strlen(w->before), tail = strlen(w->after);
	const char *p = buf_ptr(&out.body);
	ptrdiff_t k;

	assert_true(n > head + tail);
	assert_memory_equal(p, w->before, head);
	assert_memory_equal(p + n - tail, w->after, tail);
	k = attach_base64(to, p + head, n - head - tail);
	assert_true(k >= 0);
	return (size_t)k;
}

/* Masked there, and the same once the placeholders are undone. */
static void
expect_masked(const struct way *w, const void *data, size_t len, const char *const *gone)
{
	char *to = malloc(sizeof(sent));
	struct buf b = {0};
	size_t n;

	if (send(w, data, len) != INSPECT_REWRITE)
		fail_msg("%s, %.60s: action %d, %s", w->url, (const char *)data, (int)out.action, out.refusal.message ? out.refusal.message : "no refusal");
	n = got(w, to);
	for (; gone != NULL && *gone != NULL; gone++)
		if (memmem(to, n, *gone, strlen(*gone)) != NULL)
			fail_msg("%s: %s is still in \"%.*s\"", w->url, *gone, (int)n, to);
	assert_true(mask_unmask(out.tx.vault, to, n, &b) > 0);
	assert_int_equal(buf_len(&b), len);
	assert_memory_equal(buf_ptr(&b), data, len);
	buf_free(&b);
	free(to);
}

static void
test_types(void **state)
{
	static const char *const files[] = {
		"Dear Anna, your address is " MAIL " and your account " IBAN ".\n",
		"# Contact\n\n* [write](mailto:" MAIL ")\n* `" IBAN "`\n",
		"name;mail;iban\nAnna;" MAIL ";" IBAN "\nBob;bob@example.net;\n",
		"{\"mail\": \"" MAIL "\", \"iban\": \"" IBAN "\", \"n\": 1}",
		"<!doctype html><html><body><p>" MAIL "</p><a href=\"mailto:" MAIL "\">x</a><!-- " IBAN " --></body></html>",
		"<?xml version=\"1.0\"?>\n<a><m>" MAIL "</m><i iban='" IBAN "'/></a>",
		"#!/bin/sh\nmail " MAIL " # " IBAN "\n",
		"caf\xe9 \xff " MAIL " \xe2\x82 " IBAN " \xc3\xa9",
	};
	static const char *const gone[] = {MAIL, IBAN, "bob@example.net", NULL};

	(void)state;
	conf("{}");
	for (size_t i = 0; i < N(files); i++)
		for (size_t k = 0; k < N(ways); k++)
			expect_masked(&ways[k], files[i], strlen(files[i]), gone);
}

/* Any text: personal data among words, letters of other scripts, placeholders, ill-formed bytes. */
static void
test_any_text(void **state)
{
	static const char *const bits[] = {" ", "\n", " word ", ", ", " " MAIL " ", " " IBAN " ", " card " CARD " ", " [EMAIL_1] ", "\xc3\xa4\xc3\xb6",
		" \xe6\x97\xa5\xe6\x9c\xac ", "\xff", " \xe2\x82 ", "\\", "\"", " [IBAN_7] ", " bob@example.net\n"};
	unsigned seed = 7;
	char text[2048];

	(void)state;
	conf("{}");
	for (int i = 0; i < 300; i++) {
		size_t n = 0;

		for (int k = rand_r(&seed) % 40; k >= 0; k--) {
			const char *s = bits[(size_t)rand_r(&seed) % N(bits)];

			memcpy(text + n, s, strlen(s));
			n += strlen(s);
		}
		memcpy(text + n, " " MAIL, 1 + strlen(MAIL));
		n += 1 + strlen(MAIL);
		expect_masked(&ways[(size_t)i % N(ways)], text, n, NULL);
	}
}

/* Base64 goes on as it came: alphabet, padding. */
static void
test_spelling(void **state)
{
	static const char text[] = "???~~~ " MAIL " ???~~~";
	const struct way *w = &ways[1];
	char *d = base64(text, sizeof(text) - 1), plain[256];
	size_t n;

	(void)state;
	conf("{}");
	for (char *p = d; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	d[strcspn(d, "=")] = '\0';
	snprintf(sent, sizeof(sent), "%s%.20s\\n%s%s", w->before, d, d + 20, w->after);
	free(d);
	assert_int_equal(post(w->url, "application/json"), INSPECT_REWRITE);
	n = buf_len(&out.body) - strlen(w->after);
	for (size_t i = strlen(w->before); i < n; i++)
		assert_null(memchr("+/=\n", buf_ptr(&out.body)[i], 4));
	n = got(w, plain);
	assert_int_equal(n, sizeof(text) - 1 - strlen(MAIL) + strlen("[EMAIL_1]"));
	assert_memory_equal(plain, "???~~~ [EMAIL_1] ???~~~", n);
}

/* A file of an earlier turn comes unmasked again, and gets the same placeholders. */
static void
test_history(void **state)
{
	char *d = base64("to " MAIL, 3 + strlen(MAIL)), plain[256];
	const char *at;
	ptrdiff_t n;

	(void)state;
	conf("{}");
	snprintf(sent, sizeof(sent), "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"%s\"}}]},"
	    "{\"role\":\"assistant\",\"content\":\"ok\"},{\"role\":\"user\",\"content\":\"bob@example.net\"}]}", d);
	free(d);
	assert_int_equal(post("/v1/chat/completions", "application/json"), INSPECT_REWRITE);
	assert_non_null(at = memmem(buf_ptr(&out.body), buf_len(&out.body), "file_data\":\"", 12));
	n = attach_base64(plain, at + 12, strcspn(at + 12, "\""));
	assert_int_equal(n, 12);
	assert_memory_equal(plain, "to [EMAIL_1]", 12);
	assert_non_null(memmem(buf_ptr(&out.body), buf_len(&out.body), "[EMAIL_2]", 9));
}

/* --- what can't be masked -------------------------------------------------------------------------- */

static size_t
docx(char *to, size_t cap)
{
	static const char xml[] = "<w:d xmlns:w='w'><w:p><w:r><w:t>mail " MAIL "</w:t></w:r></w:p></w:d>";
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	size_t used = 0;

	archive_write_set_format_zip(a);
	assert_int_equal(archive_write_open_memory(a, to, cap, &used), ARCHIVE_OK);
	archive_entry_set_pathname(e, "word/document.xml");
	archive_entry_set_size(e, sizeof(xml) - 1);
	archive_entry_set_filetype(e, AE_IFREG);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, xml, sizeof(xml) - 1), sizeof(xml) - 1);
	archive_entry_free(e);
	archive_write_close(a);
	archive_write_free(a);
	return used;
}

static void
expect_refused(const char *kind, const char *path)
{
	if (out.action != INSPECT_REFUSE || strcmp(out.refusal.code, "unmaskable_file") != 0)
		fail_msg("%s: action %d, %s", kind, (int)out.action, out.refusal.code ? out.refusal.code : "-");
	if (strstr(out.refusal.message, kind) == NULL || strstr(out.refusal.message, path) == NULL || strcmp(out.refusal.param, path) != 0)
		fail_msg("%s at %s: %s", kind, path, out.refusal.message);
	assert_null(strstr(out.refusal.message, MAIL));
}

static void
test_unmaskable(void **state)
{
	static const char entity[] = "<html><p>anna.schmidt&#64;example.org</p></html>";
	static const char utf16[] = "\xff\xfe" "a\0@\0e\0x\0a\0m\0p\0l\0e\0.\0o\0r\0g\0";
	static const char path[] = "messages[0].content[0].file.file_data";
	const struct way *w = &ways[1];
	char zip[4096];
	size_t n = docx(zip, sizeof(zip));

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		const struct { const char *kind, *data; size_t len; } t[] = {
			{"docx", zip, n}, {"html", entity, sizeof(entity) - 1}, {"utf16", utf16, sizeof(utf16) - 1}};

		conf(pass == 0 ? "{}" : "{pii: monitor}");
		for (size_t i = 0; i < N(t); i++) {
			send(w, t[i].data, t[i].len);
			if (pass == 0)
				expect_refused(t[i].kind, path);
			else
				assert_int_equal(out.action, INSPECT_PASS);
		}
	}
}

/* An exception makes personal data's mode milder, but a file that can't be masked isn't masked for that: it is refused, never emptied. */
static void
test_exception(void **state)
{
	static const struct { enum detect_mode most; enum inspect_action fixed, text; } t[] = {
		{DETECT_OFF, INSPECT_PASS, INSPECT_PASS}, {DETECT_MONITOR, INSPECT_PASS, INSPECT_PASS},
		{DETECT_MASK, INSPECT_REFUSE, INSPECT_REWRITE}, {DETECT_BLOCK, INSPECT_REFUSE, INSPECT_REWRITE}};
	static const char page[] = "<html><p>" MAIL "</p><a href='mailto:bob@example.net'>x</a></html>";
	struct icap_exception own = {.name = (char *)(uintptr_t)"own"};
	const struct way *w = &ways[1];
	char zip[4096];
	size_t n = docx(zip, sizeof(zip));

	(void)state;
	conf("{}");
	own.files = pol.attachments.modes;
	pol.exceptions = &own;
	pol.n_exceptions = 1;
	for (size_t i = 0; i < N(t); i++) {
		own.pii = (int)t[i].most;
		assert_int_equal(send(w, zip, n), t[i].fixed);
		if (t[i].fixed == INSPECT_REFUSE)
			expect_refused("docx", "messages[0].content[0].file.file_data");
		snprintf(sent, sizeof(sent), "%sdata:text/plain,to " MAIL "%s", w->before, w->after);
		assert_int_equal(post(w->url, "application/json"), t[i].fixed);
		snprintf(sent, sizeof(sent), "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nto " MAIL "\r\n--x--\r\n");
		assert_int_equal(post("/v1/files", "multipart/form-data; boundary=x"), t[i].fixed);
		assert_int_equal(send(w, "to " MAIL, 3 + strlen(MAIL)), t[i].text);
		assert_int_equal(send(w, page, sizeof(page) - 1), t[i].text);
	}
	pol.n_exceptions = 0;
	pol.exceptions = NULL;
}

/* What wasn't judged to be maskable is never written. */
static void
test_never_written(void **state)
{
	struct finding f = {.category = "pii.email", .mode = DETECT_MASK, .len = 3};
	struct span_media m = {.value = "data:,abc", .len = 9, .head = SIZE_MAX, .plain = "abc", .plain_len = 3, .mask = &f, .n_mask = 1};
	struct mask_vault *v = mask_vault_new();
	struct span s = {.media = &m};
	const char *to;
	size_t n;

	(void)state;
	assert_int_equal(attach_mask_write(&s, v, arena, &to, &n), -EINVAL);
	m.head = 6;
	assert_int_equal(attach_mask_write(&s, v, arena, &to, &n), 0);
	m.n_mask = 0;
	assert_int_equal(attach_mask_write(&s, v, arena, &to, &n), -EINVAL);
	m.plain = NULL;
	assert_int_equal(attach_mask_write(&s, v, arena, &to, &n), -EINVAL);
	mask_vault_free(&v);
}

static void
test_other_places(void **state)
{
	static const char *const bodies[] = {
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"filename\":\"" MAIL ".txt\",\"file_data\":\"bm90aGluZw==\"}}]}]}",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"data:text/plain,to " MAIL "\"}}]}]}",
	};

	(void)state;
	conf("{}");
	for (size_t i = 0; i < N(bodies); i++) {
		snprintf(sent, sizeof(sent), "%s", bodies[i]);
		post("/v1/chat/completions", "application/json");
		expect_refused("personal data (email)", "messages[0].content[0].file.file_data");
	}
	snprintf(sent, sizeof(sent), "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nto " MAIL "\r\n--x--\r\n");
	post("/v1/files", "multipart/form-data; boundary=x");
	expect_refused("personal data (email)", "file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types), cmocka_unit_test(test_any_text), cmocka_unit_test(test_spelling), cmocka_unit_test(test_history),
		cmocka_unit_test(test_unmaskable), cmocka_unit_test(test_exception), cmocka_unit_test(test_never_written), cmocka_unit_test(test_other_places),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
