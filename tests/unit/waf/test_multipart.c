/* SPDX-License-Identifier: MIT */
/* multipart/form-data, and how one may lie with it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "haproxy-spoa/waf/body_multipart.h"
#include "lib/arena.h"
#include "tests/unit/waf/vars_show.h"

#define COUNT(a)	(sizeof(a) / sizeof(*(a)))
#define SHOW(t, name)	vars_show(&(t)->vars, WAF_V_##name)
#define TYPE		"multipart/form-data; boundary=b"

static const struct {
	const char *name;
	enum waf_var var;
} flags[] = {
	{ "BQ", WAF_V_MULTIPART_BOUNDARY_QUOTED }, { "BW", WAF_V_MULTIPART_BOUNDARY_WHITESPACE },
	{ "DB", WAF_V_MULTIPART_DATA_BEFORE }, { "DA", WAF_V_MULTIPART_DATA_AFTER },
	{ "HF", WAF_V_MULTIPART_HEADER_FOLDING }, { "LF", WAF_V_MULTIPART_LF_LINE },
	{ "CL", WAF_V_MULTIPART_CRLF_LF_LINES }, { "SM", WAF_V_MULTIPART_MISSING_SEMICOLON },
	{ "IQ", WAF_V_MULTIPART_INVALID_QUOTING }, { "IP", WAF_V_MULTIPART_INVALID_PART },
	{ "IH", WAF_V_MULTIPART_INVALID_HEADER_FOLDING }, { "FL", WAF_V_MULTIPART_FILE_LIMIT_EXCEEDED },
	{ "UB", WAF_V_MULTIPART_UNMATCHED_BOUNDARY }, { "SE", WAF_V_MULTIPART_STRICT_ERROR },
	{ "RE", WAF_V_REQBODY_ERROR },
};

/* Those that are set, "XX" or "XX=2", with a space between. */
static const char *
flags_show(const struct waf_vars *vars)
{
	static char out[128];
	char *p = out;

	*p = '\0';
	for (size_t i = 0; i < COUNT(flags); i++) {
		struct waf_str v = waf_vars_get(vars, flags[i].var);

		assert_int_equal(v.n, 1);
		if (*v.p != '0')
			p += sprintf(p, *v.p == '1' ? "%s%s" : "%s%s=2", p == out ? "" : " ", flags[i].name);
	}
	return out;
}

#define CD		"Content-Disposition: form-data; "
#define PART(cd, data)	"--b\r\n" CD cd "\r\n\r\n" data "\r\n"
#define END		"--b--\r\n"
#define ONE		PART("name=\"a\"", "1") END

static const struct {
	const char *body, *args, *files, *flags;
} bodies[] = {
	/* as it should be */
	{ ONE, "a=1", "", "" },
	{ PART("name=\"a\"", "1") PART("name=\"b\"", "2\r\n3") END, "a=1|b=2\\x0d\\x0a3", "", "" },
	{ PART("name=a", "1") "--b--", "a=1", "", "" },
	{ PART("name=\"a\"; filename=\"f.txt\"", "data") END, "", "a=f.txt", "" },
	{ PART("name=\"a\"; filename=\"\"", "") END, "", "a=", "" },
	{ PART("name=\"a\"", "") PART("name=\"\"", "x") END, "a=|=x", "", "" },
	{ "--b\r\n" CD "name=\"a\"\r\n\r\n--b--\r\n", "a=", "", "" },
	{ "--b--\r\n", "", "", "" },
	{ PART("name=\"a\"", "\r\n-\r\n") ONE, "a=\\x0d\\x0a-\\x0d\\x0a|a=1", "", "" },
	{ "--b\r\nCONTENT-DISPOSITION:form-data;NAME=a\r\n\r\n1\r\n" END, "a=1", "", "" },
	{ PART("name=\"O'Brien; x\"; filename=\"C:\\dir\\f.txt\"", "") END, "", "O'Brien; x=C:\\dir\\f.txt", "" },
	{ PART("name=\"a\"; size=3; x=\"y;z\"", "1") END, "a=1", "", "" },
	{ PART("name=\"a\"", "1") END "\r\n", "a=1", "", "" },
	/* before, after, and no end */
	{ "x\r\n" ONE, "a=1", "", "DB SE" },
	{ "\r\n" ONE, "a=1", "", "DB SE" },
	{ ONE "x", "a=1", "", "DA SE" },
	{ ONE PART("name=\"c\"", "2"), "a=1", "", "DA SE" },
	{ PART("name=\"a\"", "1"), "a=1\\x0d\\x0a", "", "SE RE" },
	{ "--b\r\n" CD "name=\"a\"\r\n\r\n1", "a=1", "", "SE RE" },
	{ "--b\r\n" CD "name=\"a\"\r\n", "a=", "", "SE RE" },
	{ "--b", "=", "", "IP SE RE" },
	{ "x", "", "", "DB SE RE" },
	/* line ends */
	{ "--b\n" CD "name=\"a\"\n\n1\n--b--\n", "a=1", "", "LF SE" },
	{ "--b\r\n" CD "name=\"a\"\n\r\n1\r\n--b--\r\n", "a=1", "", "LF CL SE" },
	{ "--b\r\n" CD "name=\"a\"\r\n\r\n1\n--b--\r\n", "a=1", "", "LF CL SE" },
	{ PART("name=\"a\"", "1\n2\r3") END, "a=1\\x0a2\\x0d3", "", "" },
	{ PART("name=\"a\"", "1\r--b\r" CD "name=\"x\"\r\r2") END,
	    "a=1\\x0d--b\\x0dContent-Disposition: form-data; name=\"x\"\\x0d\\x0d2", "", "UB" },
	{ "--b\r\n" CD "name=\"a\"\rX: y\r\n\r\n1\r\n" END, "a=1", "", "IQ IP SE RE" },
	/* boundaries that are none, or nearly */
	{ PART("name=\"a\"", "-----BEGIN X-----\r\n--") END, "a=-----BEGIN X-----\\x0d\\x0a--", "", "UB=2" },
	{ PART("name=\"a\"", "--x"), "a=--x\\x0d\\x0a", "", "UB SE RE" },
	{ PART("name=\"a\"", "--bX") END, "a=--bX", "", "UB SE RE" },
	{ PART("name=\"a\"", "--B") END, "a=--B", "", "UB SE RE" },
	{ PART("name=\"a\"", "-- b") END, "a=-- b", "", "UB SE RE" },
	{ PART("name=\"a\"", "--\"b\"") END, "a=--\"b\"", "", "UB SE RE" },
	{ PART("name=\"a\"", "--b--x") END, "a=--b--x", "", "UB SE RE" },
	{ PART("name=\"a\"", "--b-") END, "a=--b-", "", "UB SE RE" },
	{ PART("name=\"a\"", " --b") END, "a= --b", "", "" },
	{ "--b \t\r\n" CD "name=\"a\"\r\n\r\n1\r\n--b-- \r\n", "a=1", "", "BW SE" },
	/* headers of a part */
	{ "--b\r\n" CD "\r\n name=\"a\"\r\n\r\n1\r\n" END, "a=1", "", "HF SE" },
	{ "--b\r\n" CD "\r\n\vname=\"a\";\r\n\t filename=f\r\n\r\n1\r\n" END, "", "a=f", "HF IH SE" },
	{ "--b\r\n " CD "name=\"a\"\r\n\r\n1\r\n" END, "a=1", "", "HF IP SE RE" },
	{ "--b\r\nX-Y\r\n" CD "name=\"a\"\r\n\r\n1\r\n" END, "a=1", "", "IP SE RE" },
	{ "--b\r\n: x\r\n" CD "name=\"a\"\r\n\r\n1\r\n" END, "a=1", "", "IP SE RE" },
	{ "--b\r\nContent-Disposition : form-data; name=\"a\"\r\n\r\n1\r\n" END, "a=1", "", "IP SE RE" },
	{ "--b\r\n" CD "name=\"a\"\r\n" CD "name=\"c\"\r\n\r\n1\r\n" END, "a=1", "", "IP SE RE" },
	{ "--b\r\nContent-Type: x/y\r\nContent-type: z\r\n" CD "name=a\r\n\r\n1\r\n" END, "a=1", "", "IP SE RE" },
	{ "--b\r\nContent-Type: x/y\r\n\r\n1\r\n" END, "=1", "", "IP SE RE" },
	{ "--b\r\n\r\n1\r\n" END, "=1", "", "IP SE RE" },
	{ "--b\r\n" CD "name=\"a\"\r\n--b\r\n" CD "name=\"c\"\r\n\r\n2\r\n" END, "a=|c=2", "", "IP SE RE" },
	/* Content-Disposition */
	{ "--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n" END, "a=1", "", "IP SE RE" },
	{ "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n" END, "=1", "", "IP SE RE" },
	{ PART("filename=\"f\"", "1") END, "", "=f", "IP SE RE" },
	{ PART("name=\"a\"; name=\"c\"", "1") END, "a=1", "", "IP SE RE" },
	{ PART("name=\"a\"; filename=\"f\"; filename=\"g\"", "1") END, "", "a=f", "IP SE RE" },
	{ PART("name=\"a\"; filename*=UTF-8''f%2ephp", "1") END, "", "a=f%2ephp", "IP SE RE" },
	{ PART("name=\"a\"; filename=\"f\"; filename*=UTF-8''g", "1") END, "", "a=f", "IP SE RE" },
	{ PART("name=\"a\"; filename*0=\"f\"", "1") END, "", "a=f", "IP SE RE" },
	{ PART("name='a'", "1") END, "a=1", "", "IQ SE" },
	{ PART("name=\"a\\\"; filename=\\\"x\"", "1") END, "a\"; filename=\"x=1", "", "IQ SE" },
	{ PART("name=\"a\\\\\"", "1") END, "a\\=1", "", "" },
	{ PART("name=\"a", "1") END, "a=1", "", "IP SE RE" },
	{ PART("name=\"a\"x; filename=f", "1") END, "", "a=f", "IQ IP SE RE" },
	{ PART("name=\"a\" filename=\"f\"", "1") END, "a=1", "", "IQ IP SE RE" },
	{ PART("name=a\"b\"", "1") END, "a\"b\"=1", "", "IQ IP SE RE" },
	{ PART("name=a b", "1") END, "a b=1", "", "IP SE RE" },
	{ PART("name=", "1") END, "=1", "", "IP SE RE" },
	{ PART("name", "1") END, "=1", "", "IP SE RE" },
	{ PART("name = \"a\"", "1") END, "a=1", "", "IP SE RE" },
	{ PART("=\"a\"", "1") END, "=1", "", "IP SE RE" },
	{ PART("name=\"a\";", "1") END, "a=1", "", "IP SE RE" },
	{ PART("name=\"a\";; filename=f", "1") END, "", "a=f", "" },
	{ "--b\r\nContent-Disposition: form-data name=\"a\"\r\n\r\n1\r\n" END, "a=1", "", "IP SE RE" },
};

static void
test_bodies(void **state)
{
	struct vars_test t;

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		vars_test_init(&t);
		vars_test_body(&t, TYPE, NULL, bodies[i].body, strlen(bodies[i].body));
		if (strcmp(SHOW(&t, ARGS), bodies[i].args) || strcmp(SHOW(&t, FILES), bodies[i].files) ||
		    strcmp(flags_show(&t.vars), bodies[i].flags))
			fail_msg("%s\nARGS %s\nFILES %s\nflags %s (%s)", bodies[i].body, SHOW(&t, ARGS),
			    SHOW(&t, FILES), flags_show(&t.vars), SHOW(&t, REQBODY_ERROR_MSG));
		assert_string_equal(SHOW(&t, ARGS_POST), bodies[i].args);
		assert_int_equal(t.vars.error, WAF_E_NONE);
		vars_test_free(&t);
	}
}

static const struct {
	const char *type, *boundary, *flags;
	bool error;
} types[] = {
	{ TYPE, "b", "", false },
	{ "Multipart/Form-Data;BOUNDARY=----WebKitFormBoundaryABC", "----WebKitFormBoundaryABC", "", false },
	{ TYPE "; charset=utf-8", "b", "", false },
	{ "multipart/form-data; charset=\"x;boundary=y\"; boundary=b", "b", "", false },
	{ "multipart/form-data; boundary=\"a b\"", "a b", "BQ", false },
	{ "multipart/form-data; boundary = b", "b", "BW", false },
	{ "multipart/form-data; boundary= b", "b", "BW", false },
	{ "multipart/form-data boundary=b", "b", "SM", false },
	{ "multipart/form-data, boundary=b", "b", "SM", false },
	{ "multipart/related; boundary=b", "b", "", false },
	{ TYPE "; boundary=c", "b", "", true },
	{ TYPE "; Boundary=\"b\"", "b", "", true },
	{ TYPE "; boundary*=c", "b", "", true },
	{ "multipart/form-data; boundary*0=a; boundary*1=b", NULL, "", true },
	{ "multipart/form-data; boundary=", NULL, "", true },
	{ "multipart/form-data; boundary", NULL, "", true },
	{ "multipart/form-data; boundary=\"\"", NULL, "BQ", true },
	{ "multipart/form-data; boundary=\"b", NULL, "BQ", true },
	{ "multipart/form-data; boundary=b\"", NULL, "", true },
	{ "multipart/form-data; boundary=\"b\"c", NULL, "BQ", true },
	{ "multipart/form-data; boundary='b'", NULL, "BQ", true },
	{ "multipart/form-data; boundary=\"b \"", NULL, "BQ", true },
	{ "multipart/form-data; boundary=a b", NULL, "", true },
	{ "multipart/form-data; boundary=a\\b", NULL, "", true },
	{ "multipart/form-data; boundary=\"a\\\"b\"", NULL, "BQ", true },
	{ "multipart/form-data; boundary=\xff", NULL, "", true },
	{ "multipart/form-data; boundary=b, x", NULL, "", true },
	{ "multipart/form-data; charset=x boundary=b", NULL, "", true },
	{ "multipart/form-data; xboundary=b", NULL, "", true },
	{ "multipart/form-data", NULL, "", true },
	{ "application/json; boundary=b", NULL, "", true },
	{ "", NULL, "", true },
	{ "multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
	    "1234567890123456789012345678901234567890123456789012345678901234567890", "", false },
	{ "multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
	    NULL, "", true },
};

static void
test_boundaries(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		bool flag[MP_FLAG_MAX] = { false };
		struct waf_str type = { types[i].type, strlen(types[i].type) }, b;
		const char *error = mp_boundary_parse(type, &b, flag), *want = types[i].boundary;

		if ((error != NULL) != types[i].error || (b.p == NULL) != (want == NULL) ||
		    (b.p != NULL && (b.n != strlen(want) || memcmp(b.p, want, b.n) != 0)))
			fail_msg("%s: %s, %.*s", types[i].type, error ? error : "fine", (int)b.n, b.p ? b.p : "");
		assert_int_equal(flag[MP_BOUNDARY_QUOTED], strcmp(types[i].flags, "BQ") == 0);
		assert_int_equal(flag[MP_BOUNDARY_WHITESPACE], strcmp(types[i].flags, "BW") == 0);
		assert_int_equal(flag[MP_MISSING_SEMICOLON], strcmp(types[i].flags, "SM") == 0);
	}
}

static void
test_boundary_error(void **state)
{
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	vars_test_body(&t, TYPE "; boundary=c", NULL, ONE, sizeof(ONE) - 1);
	assert_string_equal(flags_show(&t.vars), "SE RE");
	assert_string_equal(SHOW(&t, REQBODY_ERROR_MSG), "Multipart: Multiple boundary parameters");
	assert_string_equal(SHOW(&t, REQBODY_PROCESSOR_ERROR), "1");
	vars_test_free(&t);
}

static void
test_collections(void **state)
{
	static const char body[] =
	    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type:  text/plain;\r\n"
	    "\t charset=utf-8 \r\n\r\nx%41+y\r\n"
	    "--b\r\ncontent-type: image/png\r\nContent-Disposition: form-data; name=\"F\"; filename=\"p.png\"\r\n"
	    "\r\n\x89PNG\0\r\n\r\n--b--\r\n";
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	vars_test_body(&t, TYPE, NULL, body, sizeof(body) - 1);
	assert_string_equal(SHOW(&t, ARGS), "a=x%41+y");
	assert_string_equal(SHOW(&t, ARGS_NAMES), "a=a");
	assert_string_equal(SHOW(&t, FILES), "F=p.png");
	assert_string_equal(SHOW(&t, FILES_NAMES), "F=F");
	assert_string_equal(SHOW(&t, FILES_SIZES), "F=7");
	assert_string_equal(SHOW(&t, FILES_COMBINED_SIZE), "7");
	assert_string_equal(SHOW(&t, FILES_TMP_CONTENT), "F=\\x89PNG\\x00\\x0d\\x0a");
	assert_string_equal(SHOW(&t, MULTIPART_NAME), "a=a|F=F");
	assert_string_equal(SHOW(&t, MULTIPART_FILENAME), "F=p.png");
	assert_string_equal(SHOW(&t, MULTIPART_PART_HEADERS),
	    "a=Content-Disposition: form-data; name=\"a\"|a=Content-Type:  text/plain; charset=utf-8|"
	    "F=content-type: image/png|F=Content-Disposition: form-data; name=\"F\"; filename=\"p.png\"");
	assert_string_equal(SHOW(&t, REQUEST_BODY), "");
	assert_string_equal(SHOW(&t, ARGS_COMBINED_SIZE), "7");
	vars_test_free(&t);
}

static void
test_nul(void **state)
{
	static const char body[] = "--b\r\n" CD "name=\"a\0b\"\r\n\r\n1\r\n" END;
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	vars_test_body(&t, TYPE, NULL, body, sizeof(body) - 1);
	assert_string_equal(SHOW(&t, ARGS), "a\\x00b=1");
	assert_string_equal(flags_show(&t.vars), "IP SE RE");
	vars_test_free(&t);
}

static void
check_limit(void (*change)(struct vars_test *), const char *body, const char *args, const char *files,
    const char *want_flags, enum waf_error error)
{
	struct vars_test t;

	vars_test_init(&t);
	change(&t);
	vars_test_body(&t, TYPE, NULL, body, strlen(body));
	assert_string_equal(SHOW(&t, ARGS), args);
	assert_string_equal(SHOW(&t, FILES), files);
	assert_string_equal(flags_show(&t.vars), want_flags);
	assert_int_equal(t.vars.error, error);
	vars_test_free(&t);
}

static void
two_args(struct vars_test *t)
{
	t->set.arguments_limit = 2;
}

static void
one_file(struct vars_test *t)
{
	t->set.upload_file_limit = 1;
}

static void
cut(struct vars_test *t)
{
	t->req.body_cut = true;
	t->set.request_body_limit_action = WAF_LIMIT_PARTIAL;
}

static void
no_files(struct vars_test *t)
{
	t->set.request_body_no_files_limit = 100;
}

#define FILE_PART	"--b\r\n" CD "name=f; filename=g\r\n\r\n1\r\n"

static void
test_limits(void **state)
{
	static const char hundred[] = "1234567890123456789012345678901234567890123456789012345678901234567890123"
	    "456789012345678901234567890";
	char body[1024];

	(void)state;
	check_limit(two_args, PART("name=a", "1") PART("name=b", "2") PART("name=c", "3") END, "a=1|b=2", "",
	    "SE RE", WAF_E_ARGS);
	check_limit(two_args, "--b\r\n" CD "name=a\r\nX: 1\r\nX: 2\r\n\r\n1\r\n" END, "", "", "SE RE", WAF_E_ARGS);
	check_limit(one_file, FILE_PART FILE_PART END, "", "f=g", "FL SE", WAF_E_NONE);
	check_limit(cut, PART("name=a", "1") "--b\r\n" CD "name=c\r\n\r\n2", "a=1|c=2", "", "", WAF_E_NONE);
	check_limit(cut, PART("name=a", "1") "--b\r\n" CD "name=\"c", "a=1|c=", "", "IP SE RE", WAF_E_NONE);
	/* files don't count, arguments do */
	snprintf(body, sizeof(body), "--b\r\n" CD "name=f; filename=g\r\n\r\n%s\r\n" END, hundred);
	check_limit(no_files, body, "", "f=g", "", WAF_E_NONE);
	snprintf(body, sizeof(body), "--b\r\n" CD "name=\"f\"\r\n\r\n%s\r\n" END, hundred);
	snprintf(body + 512, sizeof(body) - 512, "f=%s", hundred);
	check_limit(no_files, body, body + 512, "", "", WAF_E_BODY_LIMIT);
}

static void
test_memory(void **state)
{
	static const char body[] = PART("name=\"a\\\\\"", "1") PART("name=\"f\";\r\n filename=g", "123456789012") "--b";
	struct vars_test t;

	(void)state;
	for (size_t limit = 1; limit < 6000; limit += 7) {
		vars_test_init(&t);
		arena_free(&t.arena);
		t.arena = arena_new(limit);
		waf_vars_init(&t.vars, t.arena);
		vars_test_body(&t, TYPE, NULL, body, sizeof(body) - 1);
		assert_int_equal(t.vars.error, arena_failed(t.arena) ? WAF_E_MEMORY : WAF_E_NONE);
		vars_test_free(&t);
	}
}

/* Where a body is cut must never change what came before it. */
static void
test_every_prefix(void **state)
{
	static const char body[] = "--b\r\n" CD "name=\"a\";\r\n\tx=y\r\n\r\n1\r\n2\r\n" FILE_PART END;
	struct vars_test t;

	(void)state;
	for (size_t n = 1; n < sizeof(body); n++) {
		char *copy = malloc(n);		/* exact, for the sanitizers */

		assert_non_null(copy);
		memcpy(copy, body, n);
		vars_test_init(&t);
		vars_test_body(&t, TYPE, NULL, copy, n);
		assert_int_equal(t.vars.error, WAF_E_NONE);
		assert_string_equal(SHOW(&t, REQBODY_ERROR), n + 3 >= sizeof(body) ? "0" : "1");
		vars_test_free(&t);
		free(copy);
	}
}

/* ---- what a careful client sends comes out as it went in ---- */

static uint64_t rng_state = 0xda3e39cb94b95bdbULL;

static unsigned
rng(unsigned n)
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return (unsigned)((rng_state * 2685821657736338717ULL) >> 40) % n;
}

#define BOUNDARY	"----x0123456789"

struct sent {
	char	 name[16], filename[16], data[256];
	size_t	 len;
	bool	 file;
};

/* Bytes that like to be taken for something else, but never the boundary behind a line end. */
static void
sent_make(struct sent *s)
{
	static const char *const pieces[] = { "\r\n", "\n", "\r", "--", "----x", "-", "\0", "\xff", "a", ":", "=",
	    "Content-Disposition: form-data; name=\"x\"", ("--" BOUNDARY) };
	static const size_t lens[] = { 2, 1, 1, 2, 5, 1, 1, 1, 1, 1, 1, 40, 2 + sizeof(BOUNDARY) - 1 };

	snprintf(s->name, sizeof(s->name), "n; %u", rng(1000));
	snprintf(s->filename, sizeof(s->filename), "f=%u.x", rng(1000));
	s->file = rng(2);
	s->len = 0;
	for (unsigned i = rng(12); i > 0; i--) {
		unsigned k = rng(COUNT(pieces));

		if (s->len + lens[k] > sizeof(s->data) || (k == COUNT(pieces) - 1 && (s->len == 0 ||
		    s->data[s->len - 1] == '\n' || s->data[s->len - 1] == '\r')))
			continue;
		memcpy(s->data + s->len, pieces[k], lens[k]);
		s->len += lens[k];
	}
}

static size_t
sent_write(char *body, const struct sent *s, size_t n)
{
	char *p = body;

	for (size_t i = 0; i < n; i++) {
		p += sprintf(p, "--" BOUNDARY "\r\n" CD "name=\"%s\"", s[i].name);
		if (s[i].file)
			p += sprintf(p, "; filename=\"%s\"\r\nContent-Type: a/b", s[i].filename);
		p += sprintf(p, "\r\n\r\n");
		memcpy(p, s[i].data, s[i].len);
		p += s[i].len;
		p += sprintf(p, "\r\n");
	}
	return (size_t)(p + sprintf(p, "--" BOUNDARY "--\r\n") - body);
}

static void
assert_val(const struct waf_list *l, size_t i, const char *key, const char *value, size_t n)
{
	assert_true(i < l->n);
	assert_int_equal(l->v[i].key.n, strlen(key));
	assert_memory_equal(l->v[i].key.p, key, strlen(key));
	assert_int_equal(l->v[i].value.n, n);
	assert_memory_equal(l->v[i].value.p, value, n);
}

static void
sent_check(const struct waf_vars *vars, const struct sent *s, size_t n)
{
	size_t args = 0, files = 0;

	for (size_t i = 0; i < n; i++)
		if (s[i].file) {
			assert_val(&vars->list[WAF_V_FILES], files, s[i].name, s[i].filename, strlen(s[i].filename));
			assert_val(&vars->list[WAF_V_FILES_TMP_CONTENT], files++, s[i].name, s[i].data, s[i].len);
		} else
			assert_val(&vars->list[WAF_V_ARGS], args++, s[i].name, s[i].data, s[i].len);
	assert_int_equal(vars->list[WAF_V_ARGS].n, args);
	assert_int_equal(vars->list[WAF_V_FILES].n, files);
}

static void
test_round_trip(void **state)
{
	static char body[8192];
	struct sent s[8];
	struct vars_test t;
	const char *f;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t n = rng(COUNT(s));

		for (size_t i = 0; i < n; i++)
			sent_make(&s[i]);
		vars_test_init(&t);
		vars_test_body(&t, "multipart/form-data; boundary=" BOUNDARY, NULL, body, sent_write(body, s, n));
		sent_check(&t.vars, s, n);
		f = flags_show(&t.vars);	/* data may hold lines that begin with "--" */
		assert_true(*f == '\0' || strcmp(f, "UB=2") == 0);
		vars_test_free(&t);
	}
}

/* What could make a reader look again and again at the same bytes. */
static void
test_linear(void **state)
{
	static const char *const pieces[] = { "\r", "\n", "--", "--b-\r\n", "\r\n--", " ", "a:b\r\n", "a\r\n b",
	    ";name=\"", "--b\r\n", "\\\"" };
	static const char *const heads[] = { "", "--b\r\n", "--b\r\n" CD, "--b\r\n" CD "name=\"a\"\r\n\r\n" };
	enum { SIZE = 1 << 18 };
	char *body = malloc(SIZE + 256);
	struct timespec from, to;
	struct vars_test t;

	(void)state;
	assert_non_null(body);
	for (size_t i = 0; i < COUNT(pieces) * COUNT(heads); i++) {
		const char *piece = pieces[i / COUNT(heads)];
		char *p = body + sprintf(body, "%s", heads[i % COUNT(heads)]);

		while (p < body + SIZE)
			p += sprintf(p, "%s", piece);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		vars_test_init(&t);
		t.set.request_body_no_files_limit = 0;
		t.set.arguments_limit = 0;
		vars_test_body(&t, TYPE, NULL, body, (size_t)(p - body));
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		if (to.tv_sec - from.tv_sec + (double)(to.tv_nsec - from.tv_nsec) / 1e9 > 1)
			fail_msg("256 KiB of \"%s\" behind \"%s\" takes more than a second", piece, heads[i % COUNT(heads)]);
		vars_test_free(&t);
	}
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies), cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_boundary_error), cmocka_unit_test(test_collections),
		cmocka_unit_test(test_nul), cmocka_unit_test(test_limits), cmocka_unit_test(test_memory),
		cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
