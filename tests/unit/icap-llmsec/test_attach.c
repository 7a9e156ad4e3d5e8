/* SPDX-License-Identifier: MIT */
/*
 * Files in requests: every dialect's way to send one, times what a file can be.  Then the policy's other keys, base64, data: URLs,
 * forms, and addresses of files.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "icap-llmsec/attach.h"
#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "icap-llmsec/multipart.h"
#include "lib/diag.h"

#define N(x)	(sizeof(x) / sizeof(*(x)))

static const char pack[] = "rules:\n"
    "  - id: T-INJ-1\n    category: injection.test\n    severity: 8\n    phrases: ['open sesame']\n    match: ['open sesame']\n";
static struct icap_policy pol;
static struct arena *arena;
static struct inspect_req_out out;

/* The map "attachments" as <yaml> has it. */
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
	char path[] = "/tmp/test_attach.XXXXXX";
	int fd = mkstemp(path);
	struct pii_conf pc = {.all = DETECT_MASK};
	struct secret_conf sc = {.all = DETECT_MASK};
	struct detect_conf c = {.injection_pack = path, .pii = &pc, .secrets = &sc};
	struct diag *d = diag_new();

	(void)state;
	for (size_t i = 0; i < PII_GROUPS; i++)
		pc.mode[i] = -1;
	for (size_t i = 0; i < SECRET_GROUPS; i++)
		sc.mode[i] = -1;
	pol.max_request = 64 << 20;
	pol.depth = 64;
	pol.files = UNKNOWN_PASS;
	pol.unknown_route = UNKNOWN_REFUSE;
	pol.modes = (struct detect_modes){.user = DETECT_BLOCK, .tool = DETECT_BLOCK, .file = DETECT_BLOCK, .assistant = DETECT_BLOCK};
	arena = arena_new((size_t)1 << 30);
	if (fd < 0 || write(fd, pack, sizeof(pack) - 1) != (ssize_t)sizeof(pack) - 1 || detectors_load(&pol.detectors, &c, d) != 0)
		return -1;
	close(fd);
	unlink(path);
	diag_free(&d);
	return 0;
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

/* --- files --------------------------------------------------------------------------------------- */

struct file { char *data; size_t len; };

static size_t
zip(char *to, size_t cap, const char *name, const void *data, size_t len, bool encrypt)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	size_t used = 0;

	archive_write_set_format_zip(a);
	if (encrypt) {
		assert_int_equal(archive_write_set_options(a, "zip:encryption=traditional"), ARCHIVE_OK);
		archive_write_set_passphrase(a, "secret");
	}
	assert_int_equal(archive_write_open_memory(a, to, cap, &used), ARCHIVE_OK);
	archive_entry_set_pathname(e, name);
	archive_entry_set_size(e, (la_int64_t)len);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, data, len), len);
	archive_entry_free(e);
	archive_write_close(a);
	archive_write_free(a);
	return used;
}

static struct file
make_docx(const char *words, bool encrypt)
{
	char xml[512];
	struct file f = {malloc(8192), 0};
	int n = snprintf(xml, sizeof(xml), "<w:d xmlns:w='w'><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:d>", words);

	f.len = zip(f.data, 8192, "word/document.xml", xml, (size_t)n, encrypt);
	return f;
}

static struct file
make_copy(const void *data, size_t len)
{
	struct file f = {malloc(len + 1), len};

	memcpy(f.data, data, len);
	return f;
}

/* 80 MB of nothing, packed three times: some hundreds of bytes. */
static struct file
make_bomb(void)
{
	size_t n = 80u << 20, len;
	char *zeros = calloc(1, n), *a = malloc(1 << 20), *b = malloc(1 << 20);

	len = zip(a, 1 << 20, "zeros.txt", zeros, n, false);
	len = zip(b, 1 << 20, "inner.zip", a, len, false);
	len = zip(a, 1 << 20, "outer.zip", b, len, false);
	free(zeros);
	free(b);
	return (struct file){a, len};
}

static char *
base64(const struct file *f)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *s = malloc(f->len / 3 * 4 + 8), *o = s;

	for (size_t i = 0; i < f->len; i += 3) {
		uint32_t v = (uint32_t)(unsigned char)f->data[i] << 16;

		if (i + 1 < f->len)
			v |= (uint32_t)(unsigned char)f->data[i + 1] << 8;
		if (i + 2 < f->len)
			v |= (unsigned char)f->data[i + 2];
		*o++ = abc[v >> 18];
		*o++ = abc[v >> 12 & 63];
		*o++ = i + 1 < f->len ? abc[v >> 6 & 63] : '=';
		*o++ = i + 2 < f->len ? abc[v & 63] : '=';
	}
	*o = '\0';
	return s;
}

/* --- ways to send one ---------------------------------------------------------------------------- */

/* $T type, $N name, $D base64, $R the bytes. */
static const struct way {
	const char	*url, *body, *path;
	bool		 typed, named;
	const char	*ctype;
} ways[] = {
	{"/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:$T;base64,$D\"}}]}]}",
	    "messages[0].content[0].image_url.url", true, false, NULL},
	{"/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"filename\":\"$N\",\"file_data\":\"data:$T;base64,$D\"}}]}]}",
	    "messages[0].content[0].file.file_data", true, true, NULL},
	{"/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"$D\",\"filename\":\"$N\"}}]}]}",
	    "messages[0].content[0].file.file_data", false, true, NULL},
	{"/v1/responses", "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\",\"filename\":\"$N\",\"file_data\":\"data:$T;base64,$D\"}]}]}",
	    "input[0].content[0].file_data", true, true, NULL},
	{"/v1/responses", "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":\"data:$T;base64,$D\"}]}]}",
	    "input[0].content[0].image_url", true, false, NULL},
	{"/v1/responses", "{\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":[{\"type\":\"input_file\",\"filename\":\"$N\",\"file_data\":\"data:$T;base64,$D\"}]}]}",
	    "input[0].output[0].file_data", true, true, NULL},
	{"/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"$T\",\"data\":\"$D\"}}]}]}",
	    "messages[0].content[0].source.data", true, false, NULL},
	{"/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"source\":{\"data\":\"$D\",\"media_type\":\"$T\",\"type\":\"base64\"},\"type\":\"image\"}]}]}",
	    "messages[0].content[0].source.data", true, false, NULL},
	{"/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":\"document\",\"source\":"
	    "{\"type\":\"base64\",\"media_type\":\"$T\",\"data\":\"$D\"}}]}]}]}", "messages[0].content[0].content[0].source.data", true, false, NULL},
	{"/v1beta/models/g:generateContent", "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":{\"mimeType\":\"$T\",\"data\":\"$D\"}}]}]}",
	    "contents[0].parts[0].inlineData.data", true, false, NULL},
	{"/v1beta/models/g:generateContent", "{\"contents\":[{\"parts\":[{\"inline_data\":{\"data\":\"$D\",\"mime_type\":\"$T\"}}]}]}",
	    "contents[0].parts[0].inline_data.data", true, false, NULL},
	{"/api/chat", "{\"messages\":[{\"role\":\"user\",\"content\":\"look\",\"images\":[\"$D\"]}]}", "messages[0].images[0]", false, false, NULL},
	{"/api/generate", "{\"prompt\":\"look\",\"images\":[\"$D\"]}", "images[0]", false, false, NULL},
	{"/v1/files", "--xY\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--xY\r\nContent-Disposition: form-data; name=\"file\"; "
	    "filename=\"$N\"\r\nContent-Type: $T\r\n\r\n$R\r\n--xY--\r\n", "file", true, true, "multipart/form-data; boundary=xY"},
	{"/v1/images/edits", "--xY\r\nContent-Disposition: form-data; name=\"image\"; filename=\"$N\"\r\nContent-Type: $T\r\n\r\n$R\r\n"
	    "--xY\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nbluer\r\n--xY--\r\n", "image", true, true, "multipart/form-data; boundary=\"xY\""},
	{"/v1/audio/transcriptions", "--xY\r\nContent-Disposition: form-data; name=\"file\"; filename=\"$N\"\r\nContent-Type: $T\r\n\r\n$R\r\n--xY--\r\n",
	    "file", true, true, "multipart/form-data;boundary=xY"},
	{"/upload/v1beta/files", "--xY\r\nContent-Type: application/json\r\n\r\n{}\r\n--xY\r\nContent-Type: $T\r\n\r\n$R\r\n--xY--\r\n", "part[1]", true, false,
	    "multipart/related; boundary=xY"},
};

static struct buf
compose(const struct way *w, const char *type, const char *name, const struct file *f)
{
	struct buf b = {0};
	char *d = base64(f);

	for (const char *p = w->body; *p != '\0'; p++)
		if (*p != '$')
			buf_addc(&b, *p);
		else if (*++p == 'R')
			buf_add(&b, f->data, f->len);
		else
			buf_adds(&b, *p == 'T' ? type : *p == 'N' ? name : d);
	free(d);
	return b;
}

static enum inspect_action
send(const struct way *w, const char *type, const char *name, const struct file *f)
{
	struct buf b = compose(w, type, name, f);
	struct inspect_req_in in = {.method = "POST", .url = w->url, .content_type = w->ctype ? w->ctype : "application/json",
	    .request_id = "r", .body = buf_ptr(&b), .len = buf_len(&b)};

	buf_free(&out.body);
	tx_clear(&out.tx);
	arena_reset(arena);
	inspect_request(&pol, &in, arena, &out);
	for (size_t i = 0; i < out.spans.n; i++)	/* they point into the body */
		if (out.spans.v[i].media != NULL)
			out.spans.v[i].media->value = NULL;
	buf_free(&b);
	return out.action;
}

static bool
found(const char *rule)
{
	for (size_t i = 0; i < out.findings.n; i++)
		if (strcmp(out.findings.v[i].rule_id, rule) == 0)
			return true;
	return false;
}

static bool
refused_for(const char *rule)
{
	for (size_t i = 0; i < out.refusal.n_rule_ids; i++)
		if (strcmp(out.refusal.rule_ids[i], rule) == 0)
			return true;
	return false;
}

static void
expect(const struct way *w, const char *what, const char *rule)
{
	if (rule == NULL) {
		if (out.action != INSPECT_PASS || out.findings.n > 0)
			fail_msg("%s, %s: %s", w->url, what, out.findings.n > 0 ? out.findings.v[0].rule_id : out.refusal.message);
		return;
	}
	if (out.action != INSPECT_REFUSE || !refused_for(rule))
		fail_msg("%s, %s: not refused for %s: %s", w->url, what, rule, out.refusal.message ? out.refusal.message : "passed");
	if (out.refusal.param == NULL || strcmp(out.refusal.param, w->path) != 0)
		fail_msg("%s, %s: place %s", w->url, what, out.refusal.param ? out.refusal.param : "none");
}

#define DOCX	"application/vnd.openxmlformats-officedocument.wordprocessingml.document"
static const char elf[] = "\x7f" "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0";
static const char locked[] = "%PDF-1.4\n1 0 obj\n<< /Length 3 >>\nstream\nxyz\nendstream\nendobj\ntrailer << /Encrypt 2 0 R >>\n";

static void
test_matrix(void **state)
{
	struct file clean = make_docx("the quarterly report", false), bad = make_docx("say open sesame now", false),
	    exe = make_copy(elf, sizeof(elf) - 1), enc = make_docx("secret words", true), pdf = make_copy(locked, sizeof(locked) - 1),
	    bomb = make_bomb(), text = make_copy("some plain words", 16);
	const struct {
		const char *what; const struct file *f; const char *type, *name, *rule, *yaml;
		bool needs_type, needs_name;
	} t[] = {
		{"clean docx", &clean, DOCX, "a.docx", NULL, "{}", false, false},
		{"clean text", &text, "text/plain", "a.txt", NULL, "{}", false, false},
		{"injected docx", &bad, DOCX, "a.docx", "T-INJ-1", "{}", false, false},
		{"docx as a picture", &clean, "image/png", "a.docx", "LLMSEC-FILE-MISMATCH", "{}", true, false},
		{"docx named as a picture", &clean, DOCX, "a.png", "LLMSEC-FILE-MISMATCH", "{}", false, true},
		{"oversize", &clean, DOCX, "a.docx", "LLMSEC-FILE-SIZE", "{max_document: 100}", false, false},
		{"encrypted docx", &enc, DOCX, "a.docx", "LLMSEC-FILE-UNREADABLE", "{}", false, false},
		{"encrypted pdf", &pdf, "application/pdf", "a.pdf", "LLMSEC-FILE-UNREADABLE", "{}", false, false},
		{"executable as pdf", &exe, "application/pdf", "a.pdf", "LLMSEC-FILE-EXECUTABLE", "{}", false, false},
		{"executable as pdf, its type", &exe, "application/pdf", "a.bin", "LLMSEC-FILE-MISMATCH", "{executable: pass}", true, false},
		{"executable as pdf, its name", &exe, "application/octet-stream", "a.pdf", "LLMSEC-FILE-MISMATCH", "{executable: pass}", false, true},
		{"bomb, archives not allowed", &bomb, "application/zip", "a.zip", "LLMSEC-FILE-ARCHIVE", "{}", false, false},
		{"bomb, archives allowed", &bomb, "application/zip", "a.zip", "LLMSEC-FILE-LIMIT", "{archive: pass}", false, false},
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		conf(t[i].yaml);
		for (size_t k = 0; k < N(ways); k++) {
			const struct way *w = &ways[k];

			if ((t[i].needs_type && !w->typed) || (t[i].needs_name && !w->named))
				continue;
			send(w, t[i].type, t[i].name, t[i].f);
			expect(w, t[i].what, t[i].rule);
		}
	}
	free(clean.data), free(bad.data), free(exe.data), free(enc.data), free(pdf.data), free(bomb.data), free(text.data);
}

/* monitor: the same findings, told and counted, nothing refused; off: nothing is looked at. */
static void
test_modes(void **state)
{
	struct file exe = make_copy(elf, sizeof(elf) - 1);

	(void)state;
	for (size_t k = 0; k < N(ways); k++) {
		conf("{mode: monitor}");
		assert_int_equal(send(&ways[k], "application/pdf", "a.pdf", &exe), INSPECT_PASS);
		assert_true(found("LLMSEC-FILE-EXECUTABLE") && out.notable);
		assert_int_equal(out.file_findings[ATTACH_EXECUTABLE], 1);
		assert_int_equal(out.files[ATTACH_EXECUTABLE], 1);
		assert_string_equal(inspect_req_event(&out), "prompt.attachment");
		assert_in_range(out.score, 0, 1);		/* its name is a text; a file that isn't allowed is no attack */
		conf("{mode: \"off\"}");
		assert_int_equal(send(&ways[k], "application/pdf", "a.pdf", &exe), INSPECT_PASS);
		assert_int_equal(out.findings.n, 0);
		conf("{executable: monitor, mismatch: pass}");
		assert_int_equal(send(&ways[k], "application/pdf", "a.pdf", &exe), INSPECT_PASS);
		assert_int_equal(out.findings.n, 1);
	}
	free(exe.data);
}

static void
test_policy(void **state)
{
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0", sh[] = "#!/bin/sh\necho open sesame\n",
	    mail[] = "write to anna.schmidt@example.org", key[] = "aws_access_key_id = AKIAQ3EGRIXLPZHVUPKW", junk[] = "\1\2\3\4\5\6\7\x0e\x0f",
	    wide[] = "\x89PNG\r\n\x1a\n\0\0\0\x2atEXtComment\0\xd0\xb4\xd1\x80\xd1\x83\xd0\xb3,\xc2\xa0open sesame\x01\x02",
	    photo[] = "\x89PNG\r\n\x1a\n\0\0\0\x2atEXtComment\0taken by anna.schmidt@example.org today\x01\x02",
	    screen[] = "\x89PNG\r\n\x1a\n\0\0\0\x2atEXtComment\0the aws_access_key_id = AKIAQ3EGRIXLPZHVUPKW\x01\x02",
	    said[] = "\x89PNG\r\n\x1a\n\0\0\0\x2atEXtComment\0please be so kind and open sesame for me\x01\x02";
	static const struct { const char *yaml; const char *data; size_t len; const char *rule; bool refused, masked; } t[] = {
		{"{}", png, sizeof(png) - 1, NULL, false, false},
		{"{image: block}", png, sizeof(png) - 1, "LLMSEC-FILE-IMAGE", true, false},
		{"{image: monitor}", png, sizeof(png) - 1, "LLMSEC-FILE-IMAGE", false, false},
		{"{types: [jpeg, gif]}", png, sizeof(png) - 1, "LLMSEC-FILE-TYPE", true, false},
		{"{types: [jpeg, png]}", png, sizeof(png) - 1, NULL, false, false},
		{"{deny_types: [png]}", png, sizeof(png) - 1, "LLMSEC-FILE-TYPE", true, false},
		{"{max_image: 20}", png, sizeof(png) - 1, "LLMSEC-FILE-SIZE", true, false},
		{"{max_image: 20, oversize: monitor}", png, sizeof(png) - 1, "LLMSEC-FILE-SIZE", false, false},
		{"{}", said, sizeof(said) - 1, "T-INJ-1", true, false},
		{"{}", wide, sizeof(wide) - 1, "T-INJ-1", true, false},
		{"{embedded_text: false}", said, sizeof(said) - 1, NULL, false, false},
		{"{}", sh, sizeof(sh) - 1, "T-INJ-1", true, false},
		{"{script: block}", sh, sizeof(sh) - 1, "LLMSEC-FILE-SCRIPT", true, false},
		{"{}", junk, sizeof(junk) - 1, "LLMSEC-FILE-UNKNOWN", true, false},
		{"{unknown: monitor}", junk, sizeof(junk) - 1, "LLMSEC-FILE-UNKNOWN", false, false},
		{"{}", mail, sizeof(mail) - 1, "LLMSEC-PII-EMAIL", false, true},
		{"{mode: monitor}", mail, sizeof(mail) - 1, "LLMSEC-PII-EMAIL", false, false},
		{"{}", key, sizeof(key) - 1, "LLMSEC-SECRET-AWS-ACCESS-KEY", false, true},
		{"{}", photo, sizeof(photo) - 1, "LLMSEC-PII-EMAIL", false, false},
		{"{media_pii: block}", photo, sizeof(photo) - 1, "LLMSEC-PII-EMAIL", true, false},
		{"{media_pii: block, pii: monitor}", photo, sizeof(photo) - 1, "LLMSEC-PII-EMAIL", false, false},
		{"{}", screen, sizeof(screen) - 1, "LLMSEC-SECRET-AWS-ACCESS-KEY", true, false},
		{"{secrets: monitor}", screen, sizeof(screen) - 1, "LLMSEC-SECRET-AWS-ACCESS-KEY", false, false},
		{"{max_text: 1024}", mail, sizeof(mail) - 1, "LLMSEC-PII-EMAIL", false, true},
	};
	const struct way *w = &ways[11];	/* declares nothing */

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct file f = {(char *)(uintptr_t)t[i].data, t[i].len};

		conf(t[i].yaml);
		send(w, "", "", &f);
		if ((out.action == INSPECT_REFUSE) != t[i].refused || (out.action == INSPECT_REWRITE) != t[i].masked || (t[i].rule != NULL && !found(t[i].rule)) ||
		    (t[i].rule == NULL && out.findings.n > 0))
			fail_msg("%zu %s: action %d, %s", i, t[i].yaml, (int)out.action, out.findings.n > 0 ? out.findings.v[0].rule_id : "nothing");
	}
}

static enum inspect_action
post(const char *url, const char *ctype, const char *body)
{
	struct inspect_req_in in = {.method = "POST", .url = url, .content_type = ctype, .request_id = "r", .body = body, .len = strlen(body)};

	buf_free(&out.body);
	tx_clear(&out.tx);
	arena_reset(arena);
	inspect_request(&pol, &in, arena, &out);
	return out.action;
}

/* Text of earlier turns is read again and counts; what isn't read again can't be too much. */
static void
test_history_limit(void **state)
{
#define FILEPART(s)	"{\"type\":\"file\",\"file\":{\"file_data\":\"" s "\"}}"
#define PNG	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	static const struct { const char *old, *new; enum inspect_action action; } t[] = {
		{"", "", INSPECT_PASS}, {"," FILEPART(PNG), "", INSPECT_PASS}, {"," FILEPART("YWJj"), "", INSPECT_REFUSE}, {"", "," FILEPART("YWJj"), INSPECT_REFUSE}};
	char text[1023], body[8192], *b;

	(void)state;
	conf("{max_text: 1024}");
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 7 == 6 ? ' ' : 'a';
	b = base64(&(struct file){text, sizeof(text)});
	for (size_t i = 0; i < N(t); i++) {
		snprintf(body, sizeof(body), "{\"messages\":[{\"role\":\"user\",\"content\":[" FILEPART("%s") "%s]},{\"role\":\"assistant\",\"content\":\"ok\"},"
		    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"and now?\"}%s]}]}", b, t[i].old, t[i].new);
		if (post("/v1/chat/completions", "application/json", body) != t[i].action || found("LLMSEC-FILE-LIMIT") != (t[i].action == INSPECT_REFUSE))
			fail_msg("%zu: action %d, %s", i, (int)out.action, out.findings.n > 0 ? out.findings.v[0].rule_id : "nothing");
	}
	free(b);
}

#define IMAGE(u)	"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"" u "\"}}]}]}"
#define SOURCE(s)	"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":" s "}]}]}"

static void
test_bodies(void **state)
{
	static const struct { const char *url, *body, *rule; enum inspect_action action; } t[] = {
		/* text where base64 belongs: a lenient reader, or a model, may make something of it */
		{"/v1/chat/completions", IMAGE("open sesame"), "LLMSEC-FILE-UNREADABLE", INSPECT_REFUSE},
		{"/v1/chat/completions", IMAGE("data:image/png;base64,@@@@"), "LLMSEC-FILE-UNREADABLE", INSPECT_REFUSE},
		{"/v1/chat/completions", IMAGE("DATA:text/plain,say%20open%20sesame"), "T-INJ-1", INSPECT_REFUSE},
		{"/v1/chat/completions", IMAGE("data:text/plain;charset=utf-8;base64,b3BlbiBz\\/ZXNhbWU="), "LLMSEC-FILE-UNREADABLE", INSPECT_REFUSE},
		{"/v1/chat/completions", IMAGE("data:text/plain;base64,b3BlbiBz\\u005aXNhbWU="), "T-INJ-1", INSPECT_REFUSE},
		{"/v1/chat/completions", IMAGE("https://example.org/cat.png"), "LLMSEC-FILE-REMOTE", INSPECT_PASS},
		{"/v1/chat/completions", IMAGE("http://example.org/cat.png"), "LLMSEC-FILE-ADDRESS", INSPECT_REFUSE},
		{"/v1/chat/completions", IMAGE("https://169.254.169.254/latest"), "LLMSEC-FILE-ADDRESS", INSPECT_REFUSE},
		{"/v1/chat/completions", IMAGE("file:///etc/passwd"), "LLMSEC-FILE-ADDRESS", INSPECT_REFUSE},
		{"/v1/responses", "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\",\"file_url\":\"https://10.0.0.1/a\"}]}]}",
		    "LLMSEC-FILE-ADDRESS", INSPECT_REFUSE},
		{"/v1/messages", SOURCE("{\"type\":\"url\",\"url\":\"https://localhost/a.pdf\"}"), "LLMSEC-FILE-ADDRESS", INSPECT_REFUSE},
		{"/v1beta/models/g:generateContent", "{\"contents\":[{\"parts\":[{\"fileData\":{\"mimeType\":\"a/b\",\"fileUri\":\"https://[::1]/\"}}]}]}",
		    "LLMSEC-FILE-ADDRESS", INSPECT_REFUSE},
		{"/v1/messages", SOURCE("{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"open sesame\"}"), "T-INJ-1", INSPECT_REFUSE},
		{"/v1/messages", SOURCE("{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"fine words\"}"), NULL, INSPECT_PASS},
		{"/v1/messages", SOURCE("{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"to anna.schmidt@example.org\"}"),
		    "LLMSEC-PII-EMAIL", INSPECT_REWRITE},
		{"/v1/messages", SOURCE("{\"data\":\"open sesame\"}"), "T-INJ-1", INSPECT_REFUSE},
		{"/v1/messages", SOURCE("{\"type\":\"base64\",\"Type\":\"text\",\"data\":\"fine words\"}"), NULL, INSPECT_REFUSE},
		{"/v1/messages", SOURCE("{\"type\":\"content\",\"content\":[{\"type\":\"text\",\"text\":\"open sesame\"}]}"), "T-INJ-1", INSPECT_REFUSE},
		{"/v1/messages", SOURCE("{\"type\":\"content\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AQID\"}}]}"),
		    "LLMSEC-FILE-UNKNOWN", INSPECT_REFUSE},
		{"/v1/messages", SOURCE("{\"type\":\"file\",\"file_id\":\"file_1\"}"), NULL, INSPECT_PASS},
	};

	(void)state;
	conf("{}");
	for (size_t i = 0; i < N(t); i++)
		if (post(t[i].url, "application/json", t[i].body) != t[i].action || (t[i].rule != NULL && !found(t[i].rule)))
			fail_msg("%s: action %d, %s", t[i].body, (int)out.action, out.findings.n > 0 ? out.findings.v[0].rule_id : "nothing");
	conf("{max_count: 2}");
	assert_int_equal(post("/api/generate", "application/json", "{\"prompt\":\"x\",\"images\":[\"R0lGODlh\",\"R0lGODlh\"]}"), INSPECT_PASS);
	assert_int_equal(post("/api/generate", "application/json", "{\"prompt\":\"x\",\"images\":[\"R0lGODlh\",\"R0lGODlh\",\"R0lGODlh\"]}"), INSPECT_REFUSE);
	assert_true(refused_for("LLMSEC-FILE-COUNT"));
}

static void
test_forms(void **state)
{
#define PART(h, d)	"--b\r\nContent-Disposition: form-data; " h "\r\n\r\n" d "\r\n"
	static const struct { const char *ctype, *body; int status; const char *code; } t[] = {
		{"multipart/form-data; boundary=b", PART("name=prompt", "a cat") "--b--\r\n", 0, NULL},
		{"multipart/form-data; boundary=b", PART("name=\"prompt\"", "a cat") "--b--", 0, NULL},
		{"multipart/form-data; boundary=b", PART("name=\"prompt\"", "") "--b--", 0, NULL},
		{"multipart/form-data; boundary=b", PART("name=\"prompt\"", "open sesame") "--b--\r\n", 403, "prompt_injection"},
		{"multipart/form-data; boundary=b", PART("name=\"file\"; filename*=UTF-8''a.txt", "open sesame") "--b--\r\n", 403, "prompt_injection"},
		{"multipart/form-data; boundary=b", PART("name=\"a\"; filename=\"a\\\"b.txt\"", "open sesame") "--b--\r\n", 403, "prompt_injection"},
		{"multipart/form-data", PART("name=a", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b; boundary=c", PART("name=a", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=", PART("name=a", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=c", PART("name=a", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", PART("name=a", "x") "--b\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", PART("name=a", "x"), 400, "malformed_body"},
		{"multipart/form-data; boundary=b", PART("name=a", "x") "--b--\r\nand more", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", "\r\n" PART("name=\"prompt\"", "open sesame") "--b--\r\n", 403, "prompt_injection"},
		{"multipart/form-data; boundary=b", "\r\n\r\n" PART("name=a", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", "before\r\n" PART("name=a", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", PART("filename=a", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", PART("name=a; name=c", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", PART("name=a\r\nContent-Disposition: form-data; name=c", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", PART("name=a\r\nContent-Transfer-Encoding: base64", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", PART("name=a\r\nContent-Type: multipart/mixed; boundary=c", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", PART("name=a\r\n folded", "x") "--b--\r\n", 400, "malformed_body"},
		{"multipart/form-data; boundary=b", "--bb\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--\r\n", 400, "malformed_body"},
		{"application/json", "{\"purpose\":\"open sesame\"}", 403, "prompt_injection"},
		{"application/x-www-form-urlencoded", "GIF89a\1\2\3\4", 0, NULL},
		{"image/png", "GIF89a\1\2\3\4", 0, NULL},
		{"application/pdf", "GIF89a\1\2\3\4", 403, "attachment_mismatch"},
	};

	(void)state;
	conf("{}");
	for (size_t i = 0; i < N(t); i++) {
		post("/v1/files", t[i].ctype, t[i].body);
		if (out.refusal.status != t[i].status || (t[i].code != NULL && strcmp(out.refusal.code, t[i].code) != 0))
			fail_msg("%zu %s: %d %s", i, t[i].body, out.refusal.status, out.refusal.message ? out.refusal.message : "passed");
	}
	pol.files = UNKNOWN_REFUSE;
	post("/v1/audio/transcriptions", t[0].ctype, t[0].body);
	assert_int_equal(out.refusal.status, 403);
	pol.files = UNKNOWN_PASS;
}

/* data: URLs inside of texts: told, cut out, what is in them read; and places in the text stay right. */
static void
test_inline(void **state)
{
	static const struct { const char *before, *mime; const char *data; size_t len; const char *after, *rule; enum inspect_action action; } t[] = {
#define GIF	"GIF89a\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08"
		{"see ", "image/gif", GIF, sizeof(GIF) - 1, " here", NULL, INSPECT_PASS},
		{"open ", "image/gif", GIF, sizeof(GIF) - 1, " sesame", NULL, INSPECT_PASS},
		{"open sesame ", "image/gif", GIF, sizeof(GIF) - 1, "", "T-INJ-1", INSPECT_REFUSE},
		{"x ", "image/gif", GIF, sizeof(GIF) - 1, " open sesame", "T-INJ-1", INSPECT_REFUSE},
		{"x ", "image/gif", GIF "please do open sesame for me\1", sizeof(GIF) + 28, "", "T-INJ-1", INSPECT_REFUSE},
		{"x ", "text/plain", "a long text that goes on and on until it says: open sesame", 58, "", "T-INJ-1", INSPECT_REFUSE},
		{"x ", "image/png", "a long text that goes on and on and on until it ends", 52, "", "LLMSEC-FILE-MISMATCH", INSPECT_PASS},
		{"x ", "a/b", "\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7", 49, "",
		    "LLMSEC-FILE-UNKNOWN", INSPECT_PASS},
		{"x ", "a/b", "\x7f" "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 52, "",
		    "LLMSEC-FILE-EXECUTABLE", INSPECT_REFUSE},
		{"to anna.schmidt@example.org ", "image/gif", GIF, sizeof(GIF) - 1, " or bob.jones@example.org", "LLMSEC-PII-EMAIL", INSPECT_REWRITE},
	};

	(void)state;
	conf("{}");
	for (size_t i = 0; i < N(t); i++) {
		struct file f = {(char *)(uintptr_t)t[i].data, t[i].len};
		char *d = base64(&f), body[2048];

		snprintf(body, sizeof(body), "{\"messages\":[{\"role\":\"user\",\"content\":\"%sdata:%s;base64,%s%s\"}]}", t[i].before, t[i].mime, d, t[i].after);
		if (post("/v1/chat/completions", "application/json", body) != t[i].action || (t[i].rule != NULL ? !found(t[i].rule) : out.findings.n > 0))
			fail_msg("%zu: action %d, %s", i, (int)out.action, out.findings.n > 0 ? out.findings.v[0].rule_id : "nothing");
		if (out.action == INSPECT_REWRITE) {
			snprintf(body, sizeof(body), "[EMAIL_1] data:image/gif;base64,%s or [EMAIL_2]\"}]}", d);
			assert_non_null(memmem(buf_ptr(&out.body), buf_len(&out.body), body, strlen(body)));
		}
		free(d);
	}
}

/* Those beyond max_count are told, and don't use up the parts'. */
static void
test_inline_count(void **state)
{
	struct file f = {(char *)(uintptr_t)GIF, sizeof(GIF) - 1};
	char *d = base64(&f), body[2048];
	static const struct { unsigned n; bool told; } t[] = {{2, false}, {3, true}};

	(void)state;
	conf("{max_count: 2}");
	for (size_t i = 0; i < N(t); i++) {
		size_t n = (size_t)snprintf(body, sizeof(body), "{\"images\":[\"R0lGODlh\",\"R0lGODlh\"],\"prompt\":\"");

		for (unsigned k = 0; k < t[i].n; k++)
			n += (size_t)snprintf(body + n, sizeof(body) - n, "data:image/gif;base64,%s ", d);
		snprintf(body + n, sizeof(body) - n, "\"}");
		assert_int_equal(post("/api/generate", "application/json", body), INSPECT_PASS);
		assert_int_equal(found("LLMSEC-FILE-COUNT"), t[i].told);
	}
	free(d);
}

/* An archive whose first file takes all that may be unpacked: the second has been seen by nobody. */
static void
test_archive_end(void **state)
{
	char text[1024], mem[8192];
	struct file f = {mem, 0};
	struct archive *a = archive_write_new();

	(void)state;
	memset(text, 'x', sizeof(text));
	archive_write_set_format_zip(a);
	assert_int_equal(archive_write_open_memory(a, mem, sizeof(mem), &f.len), ARCHIVE_OK);
	for (int i = 0; i < 2; i++) {
		struct archive_entry *e = archive_entry_new();

		archive_entry_set_pathname(e, i == 0 ? "a.txt" : "b.txt");
		archive_entry_set_size(e, sizeof(text));
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0644);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		assert_int_equal(archive_write_data(a, text, sizeof(text)), sizeof(text));
		archive_entry_free(e);
	}
	archive_write_close(a);
	archive_write_free(a);
	conf("{archive: pass}");
	send(&ways[11], "", "", &f);
	assert_int_equal(out.findings.n, 0);
	conf("{archive: pass, max_unpacked: 1k}");
	pol.attachments.max_unpacked = sizeof(text);
	send(&ways[11], "", "", &f);
	assert_true(found("LLMSEC-FILE-LIMIT"));
	/* its directory is of another disk */
	conf("{archive: pass}");
	mem[f.len - 18] = 1;
	send(&ways[11], "", "", &f);
	assert_true(found("LLMSEC-FILE-UNREADABLE"));
}

static void
test_base64(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{"", ""}, {"QQ==", "A"}, {"QQ", "A"}, {"QUI=", "AB"}, {"QUJD", "ABC"}, {"QUJD\r\nQUJD", "ABCABC"}, {"Q\tU\nJ\r\nD", "ABC"}, {"QUJD QUJD", NULL},
		{"Q", NULL}, {"QQ=", NULL}, {"QQ===", NULL}, {"=", NULL}, {"QQ==QQ==", NULL}, {"QUJD=", NULL}, {"QU!D", NULL}, {"QUJD\n", "ABC"},
		{"-_-_", "\xfb\xff\xbf"}, {"+/+/", "\xfb\xff\xbf"}, {"QU\xc3\xa9", NULL},
	};
	char got[64];

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		ptrdiff_t n = attach_base64(got, t[i].in, strlen(t[i].in));

		if (t[i].out == NULL ? n != -1 : n != (ptrdiff_t)strlen(t[i].out) || memcmp(got, t[i].out, (size_t)n) != 0)
			fail_msg("\"%s\": %d", t[i].in, (int)n);
	}
}

static void
test_remote(void **state)
{
	static const struct { const char *url; enum remote_verdict v; } t[] = {
		{"https://example.org/a.png", REMOTE_OK}, {"https://example.org", REMOTE_OK}, {"HTTPS://EXAMPLE.ORG:8443/?q", REMOTE_OK},
		{"https://b\xc3\xbc" "cher.example/", REMOTE_OK}, {"https://93.184.216.34/", REMOTE_OK}, {"https://[2606:2800:220:1::1]/", REMOTE_OK},
		{"http://example.org/", REMOTE_SCHEME}, {"ftp://example.org/", REMOTE_SCHEME}, {"file:///etc/passwd", REMOTE_SCHEME},
		{"gopher://example.org/", REMOTE_SCHEME}, {"javascript:alert(1)", REMOTE_SCHEME}, {"gs://bucket/x", REMOTE_SCHEME},
		{"https:/example.org/", REMOTE_ODD}, {"https:example.org", REMOTE_ODD}, {"https://user@example.org/", REMOTE_ODD},
		{"https://example.org\\@10.0.0.1/", REMOTE_ODD}, {"https://exa mple.org/", REMOTE_ODD}, {"https:///x", REMOTE_ODD},
		{"https://example.org%00.local/", REMOTE_ODD}, {"https://%zz/", REMOTE_ODD}, {"https://[::1/", REMOTE_ODD}, {"https://[fe80::1%25eth0]/", REMOTE_ODD},
		{"https://127.0.0.1/", REMOTE_PRIVATE}, {"https://127.1/", REMOTE_PRIVATE}, {"https://2130706433/", REMOTE_PRIVATE},
		{"https://0x7f000001/", REMOTE_PRIVATE}, {"https://0177.0.0.1/", REMOTE_PRIVATE}, {"https://127.0.0.1.:443/", REMOTE_PRIVATE},
		{"https://10.1.2.3/", REMOTE_PRIVATE}, {"https://172.31.0.1/", REMOTE_PRIVATE}, {"https://192.168.1.1/", REMOTE_PRIVATE},
		{"https://169.254.169.254/", REMOTE_PRIVATE}, {"https://100.64.0.1/", REMOTE_PRIVATE}, {"https://0.0.0.0/", REMOTE_PRIVATE},
		{"https://[::1]/", REMOTE_PRIVATE}, {"https://[::]/", REMOTE_PRIVATE}, {"https://[::ffff:10.0.0.1]/", REMOTE_PRIVATE},
		{"https://[fd00::1]/", REMOTE_PRIVATE}, {"https://[64:ff9b::7f00:1]/", REMOTE_PRIVATE}, {"https://[2002:7f00:1::]/", REMOTE_PRIVATE},
		{"https://localhost/", REMOTE_PRIVATE}, {"https://a.LOCALHOST./", REMOTE_PRIVATE}, {"https://metadata.google.internal/", REMOTE_PRIVATE},
		{"https://printer.local/", REMOTE_PRIVATE}, {"https://vault/", REMOTE_PRIVATE}, {"https://%31%32%37.0.0.1/", REMOTE_PRIVATE},
		{"https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", REMOTE_PRIVATE}, {"https://127\xe3\x80\x82" "0.0.1/", REMOTE_PRIVATE},
		{"https://loc\xc2\xad" "alhost/", REMOTE_PRIVATE},
	};
	char *hosts[] = {(char *)(uintptr_t)"cdn.example", (char *)(uintptr_t)".img.example"}, *schemes[] = {(char *)(uintptr_t)"gs", (char *)(uintptr_t)"http"};
	struct attach_conf c = {.remote_private = false};

	(void)state;
	for (size_t i = 0; i < N(t); i++)
		if (attach_remote(&c, t[i].url, strlen(t[i].url)) != t[i].v)
			fail_msg("%s: %d", t[i].url, (int)attach_remote(&c, t[i].url, strlen(t[i].url)));
	c.remote_hosts = (struct conf_strs){hosts, 2};
	assert_int_equal(attach_remote(&c, "https://cdn.example/a", 21), REMOTE_OK);
	assert_int_equal(attach_remote(&c, "https://a.img.example", 21), REMOTE_OK);
	assert_int_equal(attach_remote(&c, "https://a.cdn.example", 21), REMOTE_HOST);
	assert_int_equal(attach_remote(&c, "https://ximg.example/", 21), REMOTE_HOST);
	c = (struct attach_conf){.remote_schemes = {schemes, 2}, .remote_private = true};
	assert_int_equal(attach_remote(&c, "gs://bucket/object", 18), REMOTE_OK);
	assert_int_equal(attach_remote(&c, "http://10.0.0.1/a", 17), REMOTE_OK);
	assert_int_equal(attach_remote(&c, "https://example.org", 19), REMOTE_SCHEME);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(test_matrix), cmocka_unit_test(test_modes), cmocka_unit_test(test_policy), cmocka_unit_test(test_history_limit), cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_forms), cmocka_unit_test(test_inline), cmocka_unit_test(test_inline_count), cmocka_unit_test(test_archive_end), cmocka_unit_test(test_base64), cmocka_unit_test(test_remote),
	};

	return cmocka_run_group_tests(t, setup, teardown);
}
