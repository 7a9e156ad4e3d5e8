/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/conf_private.h"
#include "lib/diag.h"
#include "tests/unit/lib/temp.h"

struct route {
	char	*path;
	int	 mode;
	int64_t	 timeout;
};

struct limits {
	int	 depth;
	int64_t	 body;
};

struct cfg {
	char		*name, *listen, *tag, *quoted, *odd;
	int		 workers, offset, mode;
	int64_t		 deadline, body;
	bool		 strict;
	struct conf_strs domains, peers;
	struct limits	 limits;
	struct route	*routes;
	size_t		 n_routes;
};

enum { OFF, WARN, BLOCK };
static const struct conf_enum modes[] = { { "off", OFF }, { "warn", WARN }, { "block", BLOCK }, { NULL, 0 } };

static const char *
even(const void *field)
{
	return *(const int *)field % 2 != 0 ? "must be even" : NULL;
}

static const char *
path_is_absolute(const void *element)
{
	return ((const struct route *)element)->path[0] != '/' ? "a path begins with /" : NULL;
}

static const struct conf_opt route_opts[] = {
	CONF_STR(struct route, path, NULL, "path", "where it goes"),
	CONF_ENUM(struct route, mode, modes, "block", "what to do"),
	CONF_DURATION(struct route, timeout, 1, 60000, "5s", "how long it may take"),
	CONF_END
};

static const struct conf_opt limits_opts[] = {
	CONF_INT(struct limits, depth, 1, 1000, "128", "levels", "nesting"),
	CONF_SIZE(struct limits, body, 1, INT64_MAX, "64k", "bytes of a body"),
	CONF_END
};

#define ODD "a: b # c \"q\" \\ tab\tend:"
static const struct conf_opt opts[] = {
	CONF_STR(struct cfg, name, NULL, "name", "what it is called"),
	CONF_STR(struct cfg, listen, "unix:run/x.sock", "address", "where to listen"),
	{ .name = "tag", .type = CONF_T_STR, .offset = offsetof(struct cfg, tag), .min = 2, .max = 8, .def = "abc",
	    .unit = "", .help = "a short text" },
	CONF_STR(struct cfg, quoted, "\"\"", "", "empty unless said otherwise"),
	CONF_STR(struct cfg, odd, ODD, "", "a default that YAML could take for something else"),
	CONF_INT(struct cfg, workers, 1, 64, "4", "threads", "how many"),
	{ .name = "offset", .type = CONF_T_INT, .offset = offsetof(struct cfg, offset), .min = -10, .max = 10,
	    .def = "-2", .unit = "", .help = "an even number", .check = even },
	CONF_ENUM(struct cfg, mode, modes, "warn", "how strict"),
	CONF_DURATION(struct cfg, deadline, 1, 600000, "250ms", "when to give up"),
	CONF_SIZE(struct cfg, body, 1024, (int64_t)1 << 30, "10M", "how much to read"),
	CONF_BOOL(struct cfg, strict, "true", "refuse what is doubtful"),
	CONF_STRS(struct cfg, domains, "allowed names"),
	{ .name = "peers", .type = CONF_T_STRS, .offset = offsetof(struct cfg, peers), .def = "[a, \"b c\"]", .unit = "",
	    .help = "known peers", .required = true },
	CONF_MAP(struct cfg, limits, limits_opts, "limits"),
	{ .name = "routes", .type = CONF_T_SEQ, .offset = offsetof(struct cfg, routes),
	    .offset2 = offsetof(struct cfg, n_routes), .sub = route_opts, .sub_size = sizeof(struct route), .unit = "",
	    .help = "routes", .check = path_is_absolute },
	CONF_END
};

static void
test_everything(void **state)
{
	static const char text[] =
	    "name: \"n \\u20ac\"\nlisten: 127.0.0.1:80\ntag: 'it''s'\nquoted: plain\nworkers: 64\noffset: -10\n"
	    "mode: block\ndeadline: 2m\nbody: 64K\nstrict: off\ndomains: [a.example, \"b\"]\npeers:\n  - only\n"
	    "limits: {depth: 7, body: 3G}\nroutes:\n  - path: /a\n  - {path: /b, mode: off, timeout: 0250ms}\n"
	    "  - path: /c\n    timeout: 60s\n";
	struct cfg c = { 0 };
	struct conf_mem *mem;
	struct diag *d = diag_new();
	int rc = conf_load_mem("t.yaml", text, sizeof(text) - 1, opts, &c, &mem, d);

	if (rc != 0)
		fail_msg("%s", diag_first(d));
	assert_string_equal(c.name, "n \xe2\x82\xac");
	assert_string_equal(c.listen, "127.0.0.1:80");
	assert_string_equal(c.tag, "it's");
	assert_string_equal(c.quoted, "plain");
	assert_int_equal(c.workers, 64);
	assert_int_equal(c.offset, -10);
	assert_int_equal(c.mode, BLOCK);
	assert_int_equal(c.deadline, 120000);
	assert_int_equal(c.body, 65536);
	assert_false(c.strict);
	assert_int_equal(c.domains.n, 2);
	assert_string_equal(c.domains.v[0], "a.example");
	assert_string_equal(c.domains.v[1], "b");
	assert_int_equal(c.peers.n, 1);
	assert_string_equal(c.peers.v[0], "only");
	assert_int_equal(c.limits.depth, 7);
	assert_true(c.limits.body == (int64_t)3 << 30);
	assert_int_equal(c.n_routes, 3);
	assert_string_equal(c.routes[0].path, "/a");
	assert_int_equal(c.routes[0].mode, BLOCK);
	assert_int_equal(c.routes[0].timeout, 5000);
	assert_string_equal(c.routes[1].path, "/b");
	assert_int_equal(c.routes[1].mode, OFF);
	assert_int_equal(c.routes[1].timeout, 250);
	assert_int_equal(c.routes[2].timeout, 60000);
	conf_mem_free(&mem);
	assert_null(mem);
	conf_mem_free(&mem);
	diag_free(&d);
}

static void
check_defaults(const struct cfg *c)
{
	assert_string_equal(c->name, "x");
	assert_string_equal(c->listen, "unix:run/x.sock");
	assert_string_equal(c->tag, "abc");
	assert_string_equal(c->quoted, "");
	assert_string_equal(c->odd, ODD);
	assert_int_equal(c->workers, 4);
	assert_int_equal(c->offset, -2);
	assert_int_equal(c->mode, WARN);
	assert_int_equal(c->deadline, 250);
	assert_int_equal(c->body, 10 << 20);
	assert_true(c->strict);
	assert_int_equal(c->domains.n, 0);
	assert_int_equal(c->peers.n, 2);
	assert_string_equal(c->peers.v[1], "b c");
	assert_int_equal(c->limits.depth, 128);
	assert_int_equal(c->limits.body, 65536);
	assert_int_equal(c->n_routes, 0);
}

static void
load_defaults(const char *text)
{
	struct cfg c = { 0 };
	struct conf_mem *mem;
	struct diag *d = diag_new();

	if (conf_load_mem("t.yaml", text, strlen(text), opts, &c, &mem, d) != 0)
		fail_msg("%s\n%s", diag_first(d), text);
	assert_int_equal(diag_warnings(d), 0);
	check_defaults(&c);
	conf_mem_free(&mem);
	diag_free(&d);
}

static void
test_defaults(void **state)
{
	load_defaults("name: x\n");
	load_defaults("{name: x}");
	load_defaults("name: x\nlimits:\ndomains:\nroutes:\n");	/* everything below commented out */
	load_defaults("%YAML 1.1\n---\n# comment\nname: x # more\nroutes: []\n...\n");
}

/* What --show-defaults prints is a file that says the same, once what is required is filled in. */
static void
test_shown_defaults_parse_back(void **state)
{
	struct buf b = { 0 };
	char *text = NULL, *line;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	conf_show_defaults(opts, f);
	fclose(f);
	for (const struct conf_opt *o = opts; o->name != NULL; o++) {
		buf_clear(&b);
		buf_printf(&b, "%s:", o->name);
		buf_addc(&b, '\0');
		if (strstr(text, b.data) == NULL)
			fail_msg("%s is not shown:\n%s", o->name, text);
	}
	line = strstr(text, "#name:");
	assert_non_null(line);
	assert_true(line == text || line[-1] == '\n');
	buf_clear(&b);
	buf_add(&b, text, (size_t)(line - text));
	buf_adds(&b, "name: x");
	buf_adds(&b, line + strlen("#name:"));
	buf_addc(&b, '\0');
	load_defaults(b.data);
	assert_non_null(strstr(text, "1 to 64 threads"));
	assert_non_null(strstr(text, "1ms to 10m"));
	assert_non_null(strstr(text, "off, warn, block"));
	buf_free(&b);
	free(text);
}

static void
test_manual(void **state)
{
	static const struct conf_opt odd[] = {
		{ .name = "x", .type = CONF_T_STR, .def = ".a\\b\"c", .unit = "", .help = ".not a \"macro\"" },
		CONF_END
	};
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	conf_show_mdoc(odd, f);
	fclose(f);
	assert_string_equal(text, ".Bl -tag -width Ds\n.It Cm x : Ar \"string\"\n\\&.not a \\(dqmacro\\(dq.\n"
	    "Value: string.\nDefault:\n.Ql \"\\&.a\\eb\\(dqc\" .\n.El\n");
	free(text);
}

struct fault {
	const char	*text, *want;	/* the first message behind "t.yaml:"; a blank at its end: how it begins */
};

#define N "name: x\n"
static const struct fault faults[] = {
	{ N "workrs: 3\n", "2:1: error: unknown key \"workrs\" (did you mean \"workers\"?)" },
	{ N "zzz: 3\n", "2:1: error: unknown key \"zzz\"" },
	{ N "limits:\n  dept: 3\n", "3:3: error: unknown key \"dept\" in \"limits\" (did you mean \"depth\"?)" },
	{ N "routes:\n  - path: /a\n    x: 1\n", "4:5: error: unknown key \"x\" in \"routes\"" },
	{ N "zzz: {workers: 0, a: [1, {b: c}]}\n", "2:1: error: unknown key \"zzz\"" },
	{ N "workers: 1\nworkers: 2\n", "3:1: error: duplicate key \"workers\"" },
	{ N "limits: {depth: 1, depth: 2}\n", "2:20: error: duplicate key \"depth\"" },
	{ N "workers: many\n", "2:10: error: \"workers\" must be an integer" },
	{ N "workers: 1.5\n", "2:10: error: \"workers\" must be an integer" },
	{ N "workers: 010\n", "2:10: error: \"workers\" must be an integer" },
	{ N "workers: +1\n", "2:10: error: \"workers\" must be an integer" },
	{ N "workers: 0x10\n", "2:10: error: \"workers\" must be an integer" },
	{ N "workers: 99999999999999999999\n", "2:10: error: \"workers\" must be an integer" },
	{ N "workers: \"3\"\n", "2:10: error: \"workers\" must be a plain integer, not a quoted string" },
	{ N "workers: [1]\n", "2:10: error: \"workers\" must be an integer" },
	{ N "workers: 65\n", "2:10: error: \"workers\" out of range: must be 1 to 64" },
	{ N "workers: 0\n", "2:10: error: \"workers\" out of range: must be 1 to 64" },
	{ N "workers: -1\n", "2:10: error: \"workers\" out of range: must be 1 to 64" },
	{ N "workers: 4294967297\n", "2:10: error: \"workers\" out of range: must be 1 to 64" },
	{ N "workers:\n", "2:9: error: \"workers\" has no value" },
	{ N "listen:\n", "2:8: error: \"listen\" has no value (write \"\" for the empty string)" },
	{ N "offset: 3\n", "2:9: error: \"offset\": must be even" },
	{ N "strict: maybe\n", "2:9: error: \"strict\" must be true or false" },
	{ N "strict: 1\n", "2:9: error: \"strict\" must be true or false" },
	{ N "mode: fast\n", "2:7: error: \"mode\" must be one of off, warn, block" },
	{ N "deadline: 5\n", "2:11: error: \"deadline\" must be a duration such as 250ms, 5s, 10m, 2h or 7d" },
	{ N "deadline: 5 s\n", "2:11: error: \"deadline\" must be a duration such as 250ms, 5s, 10m, 2h or 7d" },
	{ N "deadline: 1h\n", "2:11: error: \"deadline\" out of range: must be 1ms to 10m" },
	{ N "deadline: 0\n", "2:11: error: \"deadline\" out of range: must be 1ms to 10m" },
	{ N "deadline: 99999999999999999d\n", "2:11: error: \"deadline\" must be a duration such as 250ms, 5s, 10m, 2h or 7d" },
	{ N "body: 10X\n", "2:7: error: \"body\" must be a size such as 512, 64k, 10M or 1G" },
	{ N "body: 2G\n", "2:7: error: \"body\" out of range: must be 1k to 1G" },
	{ N "body: -1\n", "2:7: error: \"body\" must be a size such as 512, 64k, 10M or 1G" },
	{ N "tag: a\n", "2:6: error: \"tag\" must be 2 to 8 bytes long" },
	{ N "tag: abcdefghi\n", "2:6: error: \"tag\" must be 2 to 8 bytes long" },
	{ "name: \"a\\0b\"\n", "1:7: error: \"name\": NUL byte in a string" },
	{ N "limits: 3\n", "2:9: error: \"limits\" must be a map" },
	{ N "limits: [3]\n", "2:9: error: \"limits\" must be a map" },
	{ N "domains: x\n", "2:10: error: \"domains\" must be a list of strings" },
	{ N "domains:\n  - a: b\n", "3:5: error: \"domains\": every element must be a string" },
	{ N "domains: [a, , b]\n", "2:14: error: " },
	{ N "peers: []\n", "2:8: error: \"peers\" must have at least one element" },
	{ N "routes: {}\n", "2:9: error: \"routes\" must be a list of maps" },
	{ N "routes:\n  - x\n", "3:5: error: \"routes\": every element must be a map" },
	{ N "routes:\n  - mode: warn\n", "3:5: error: required key \"routes.path\" is missing" },
	{ N "routes:\n  - path: /a\n  - path: b\n", "4:5: error: \"routes\": a path begins with /" },
	{ N "listen: &a x\n", "2:9: error: anchors (&name) are not supported" },
	{ N "listen: *a\n", "2:9: error: aliases (*name) are not supported" },
	{ N "listen: !!str x\n", "2:9: error: tags (!name) are not supported" },
	{ N "<<: {workers: 1}\n", "2:1: error: merge keys (<<) are not supported" },
	{ N "? [a]\n: b\n", "2:3: error: a key must be a word" },
	{ N "---\n" N, "2:1: error: more than one document in the file" },
	{ "- a\n", "1:1: error: the file must be a map of keys and values" },
	{ "just text\n", "1:1: error: the file must be a map of keys and values" },
	{ "", "1:1: error: required key \"name\" is missing" },
	{ "# only this\n", "1:1: error: required key \"name\" is missing" },
	{ "workers: 3\n", "1:1: error: required key \"name\" is missing" },
	{ N "\tworkers: 3\n", "2:1: error: " },
	{ N "limits: {depth: 1\n", "3:1: error: " },
	{ "name: \xff\n", " error: byte 6: " },
	{ "name: a\x01\n", " error: byte " },
};

static void
test_faults(void **state)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		const struct fault *t = &faults[i];
		struct conf_mem *mem = (void *)&mem;
		struct diag *d = diag_new();
		struct cfg c = { 0 };
		size_t n = strlen(t->want);
		const char *got;

		assert_int_equal(conf_load_mem("t.yaml", t->text, strlen(t->text), opts, &c, &mem, d), -EINVAL);
		assert_null(mem);
		got = diag_first(d);
		assert_memory_equal(got, "t.yaml:", 7);
		got += 7;
		if (strncmp(got, t->want, n) != 0 || (t->want[n - 1] != ' ' && got[n] != '\0'))
			fail_msg("%s gives\n%s, wanted\n%s", t->text, got, t->want);
		diag_free(&d);
		/* Without a diag it is refused all the same. */
		assert_int_equal(conf_load_mem("t.yaml", t->text, strlen(t->text), opts, &c, &mem, NULL), -EINVAL);
	}
}

static void
test_all_faults_in_one_run(void **state)
{
	static const char text[] = "workers: 0\nmode: x\nlimits:\n  depth: 0\n  depth: 1\nstrict: [a]\nfoo: {a: b}\n";
	static const char want[] =
	    "t.yaml:1:10: error: \"workers\" out of range: must be 1 to 64\n"
	    "t.yaml:2:7: error: \"mode\" must be one of off, warn, block\n"
	    "t.yaml:4:10: error: \"depth\" out of range: must be 1 to 1000\n"
	    "t.yaml:5:3: error: duplicate key \"depth\"\n"
	    "t.yaml:6:9: error: \"strict\" must be a boolean\n"
	    "t.yaml:7:1: error: unknown key \"foo\"\n"
	    "t.yaml:1:1: error: required key \"name\" is missing\n";
	struct diag *d = diag_new();
	struct conf_mem *mem;
	struct cfg c = { 0 };
	char *got = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&got, &n);

	assert_int_equal(conf_load_mem("t.yaml", text, sizeof(text) - 1, opts, &c, &mem, d), -EINVAL);
	diag_print(d, f);
	fclose(f);
	assert_string_equal(got, want);
	free(got);
	diag_free(&d);
}

static void
test_depth(void **state)
{
	struct diag *d = diag_new();
	struct conf_mem *mem;
	struct cfg c = { 0 };
	struct buf b = { 0 };

	buf_adds(&b, N "zzz: ");
	for (int i = 0; i < 500; i++)
		buf_addc(&b, '[');
	assert_int_equal(conf_load_mem("t.yaml", buf_ptr(&b), buf_len(&b), opts, &c, &mem, d), -EINVAL);
	assert_int_equal(diag_errors(d), 2);	/* unknown, and not followed to the end */
	buf_free(&b);
	diag_free(&d);
}

static void
test_many_elements(void **state)
{
	struct buf b = { 0 };
	struct conf_mem *mem;
	struct cfg c = { 0 };
	char want[16];

	buf_adds(&b, N "domains:\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "  - d%d\n", i);
	buf_adds(&b, "routes:\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "  - {path: /%d, timeout: %dms}\n", i, i + 1);
	assert_int_equal(conf_load_mem("t.yaml", buf_ptr(&b), buf_len(&b), opts, &c, &mem, NULL), 0);
	assert_int_equal(c.domains.n, 1000);
	assert_int_equal(c.n_routes, 1000);
	for (int i = 0; i < 1000; i++) {
		snprintf(want, sizeof(want), "/%d", i);
		assert_string_equal(c.routes[i].path, want);
		assert_int_equal(c.routes[i].timeout, i + 1);
		want[0] = 'd';
		assert_string_equal(c.domains.v[i], want);
	}
	conf_mem_free(&mem);
	buf_free(&b);
}

static void
test_file(void **state)
{
	char dir[TEMP_PATH], path[TEMP_PATH + 16], want[TEMP_PATH + 80];
	struct diag *d = diag_new();
	struct conf_mem *mem;
	struct cfg c = { 0 };

	temp_new(dir);
	temp_write(dir, "x.yaml", "name: x\n", 8);
	snprintf(path, sizeof(path), "%s/x.yaml", dir);
	assert_int_equal(conf_load(path, opts, &c, &mem, d), 0);
	check_defaults(&c);
	conf_mem_free(&mem);
	snprintf(path, sizeof(path), "%s/y.yaml", dir);
	assert_int_equal(conf_load(path, opts, &c, &mem, d), -ENOENT);
	assert_null(mem);
	snprintf(want, sizeof(want), "%s: error: cannot read: No such file or directory", path);
	assert_string_equal(diag_first(d), want);
	assert_int_equal(conf_load(dir, opts, &c, &mem, d), -EISDIR);
	diag_free(&d);
	temp_remove(dir);
}

static void
test_distance(void **state)
{
	assert_int_equal(conf_edit_distance("workers", "workers"), 0);
	assert_int_equal(conf_edit_distance("workrs", "workers"), 1);
	assert_int_equal(conf_edit_distance("worekrs", "workers"), 2);
	assert_int_equal(conf_edit_distance("abc", "xyz"), 3);
	assert_int_equal(conf_edit_distance("", "ab"), 2);
	assert_int_equal(conf_edit_distance("", "abc"), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_shown_defaults_parse_back),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_all_faults_in_one_run),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_elements),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
