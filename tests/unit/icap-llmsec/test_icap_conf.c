/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "icap-llmsec/icap_conf.h"
#include "lib/diag.h"

static char dir[64], file[96], keys[96];

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Load <yaml>; everything that is said about it, without the file's name. */
static int
load(const char *yaml, struct icap_policy **p, char *said, size_t size)
{
	struct diag *d = diag_new();
	char *text = NULL, *at;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int rc;

	put(file, yaml);
	rc = icap_policy_load(p, file, d);
	diag_print(d, f);
	fclose(f);
	said[0] = '\0';
	for (char *line = strtok_r(text, "\n", &at); line != NULL; line = strtok_r(NULL, "\n", &at)) {
		if (strncmp(line, file, strlen(file)) == 0)
			line += strlen(file);
		snprintf(said + strlen(said), size - strlen(said), "%s\n", line);
	}
	assert_int_equal(rc == 0, *p != NULL);
	free(text);
	diag_free(&d);
	return rc;
}

#define NO_KEYS "edge_keys: \"\"\ntx_keys: \"\"\nrequire_edge: false\ninjection: {pack: \"\", model: \"\"}\n"

static void
test_defaults(void **state)
{
	struct icap_policy *p;
	char said[4096];

	if (load(NO_KEYS "pii: {unmask: false}\n", &p, said, sizeof(said)) != 0)
		fail_msg("%s", said);
	assert_int_equal(p->fail, FAIL_CLOSED);
	assert_int_equal(p->unknown_route, UNKNOWN_REFUSE);
	assert_int_equal(p->coding, CODING_DECODE);
	assert_int_equal(p->depth, 128);
	assert_int_equal(p->max_request, 32 << 20);
	assert_int_equal(p->hold_max, 56 << 10);
	assert_int_equal(p->edge_max_age, 60000);
	assert_int_equal(p->pii.all, DETECT_MASK);
	assert_int_equal(p->injection.user, DETECT_BLOCK);
	assert_non_null(p->detectors);
	assert_null(p->edge_keyring);
	icap_policy_free(&p);
	assert_null(p);
}

static void
test_all_errors_with_places(void **state)
{
	static const struct { const char *line, *want; } t[] = {
		{ "colour: red", ":5:1: error: " },
		{ "fail: maybe", ":6:7: error: " },
		{ "depth: 3", ":7:8: error: " },
		{ "max_request: 1T", ":8:14: error: " },
		{ "edge_max_age: soon", ":9:15: error: " },
		{ "pii: {email: perhaps, phones: mask}", ":10:14: error: " },
		{ "hold_max: 64k", ":11:11: error: " },
		{ "require_edge: [true]", ":4:" },
	};
	char yaml[1024] = "log_level: info\nnode: a\nrun_dir: /run\nevents: {socket: s}\n", said[4096];
	struct icap_policy *p;

	for (size_t i = 0; i < 7; i++)
		snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml), "%s\n", t[i].line);
	assert_true(load(yaml, &p, said, sizeof(said)) < 0);
	for (size_t i = 0; i < 7; i++)
		if (strstr(said, t[i].want) == NULL)
			fail_msg("%s\n%s", t[i].want, said);
	assert_non_null(strstr(said, ":10:23: error: "));
}

static void
test_bad_yaml(void **state)
{
	static const struct { const char *yaml, *want; } t[] = {
		{ "depth: 10\ndepth: 11\n", ":2:1: error: " },
		{ "depth: [1\n", ": error: " },
		{ "- depth\n", ":1:1: error: " },
		{ "depth: \"10\n", ": error: " },
		{ "events: /run/x\n", ":1:9: error: " },
	};
	struct icap_policy *p;
	char said[4096];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(load(t[i].yaml, &p, said, sizeof(said)) < 0);
		if (strstr(said, t[i].want) == NULL)
			fail_msg("%s%s", t[i].yaml, said);
	}
}

/* Keys that need each other, and files they name. */
static void
test_together(void **state)
{
	static const struct { const char *yaml, *want; } t[] = {
		{ "edge_keys: \"\"\ntx_keys: \"\"\ninjection: {pack: \"\", model: \"\"}\npii: {unmask: false}\n", "require_edge needs edge_keys" },
		{ NO_KEYS, "pii.unmask needs tx_keys" },
		{ "edge_keys: \"/nonexistent/keys\"\nrequire_edge: false\ninjection: {pack: \"\", model: \"\"}\n", "/nonexistent/keys" },
		{ "edge_keys: \"\"\ntx_keys: \"\"\nrequire_edge: false\ninjection: {pack: /nonexistent/pack, model: \"\"}\npii: {unmask: false}\n", "/nonexistent/pack" },
	};
	struct icap_policy *p;
	char said[4096], yaml[1024];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(load(t[i].yaml, &p, said, sizeof(said)) < 0);
		if (strstr(said, t[i].want) == NULL)
			fail_msg("%s%s", t[i].yaml, said);
	}
	snprintf(yaml, sizeof(yaml), "edge_keys: %s\ntx_keys: %s\ninjection: {pack: \"%s/etc/llmsec/rules/injection.yaml\", model: \"\"}\n", keys,
	    keys, getenv("srcdir") ? getenv("srcdir") : ".");
	if (load(yaml, &p, said, sizeof(said)) != 0)
		fail_msg("%s", said);
	assert_non_null(p->edge_keyring);
	assert_non_null(p->tx_keyring);
	icap_policy_free(&p);
}

/* A gateway without an edge: the keyring that the defaults name need not be there, one that somebody named must. */
static void
test_no_edge(void **state)
{
#define REST	"tx_keys: \"\"\ninjection: {pack: \"\", model: \"\"}\npii: {unmask: false}\n"
	struct icap_policy *p;
	char said[4096], yaml[512];

	if (access("/etc/llmsec/edge.keys", F_OK) == 0)
		skip();
	if (load("require_edge: false\n" REST, &p, said, sizeof(said)) != 0)
		fail_msg("%s", said);
	assert_null(p->edge_keyring);
	icap_policy_free(&p);
	assert_true(load("require_edge: true\n" REST, &p, said, sizeof(said)) < 0);
	assert_non_null(strstr(said, "/etc/llmsec/edge.keys"));
	assert_true(load("require_edge: false\nedge_keys: /etc/llmsec/other.keys\n" REST, &p, said, sizeof(said)) < 0);
	assert_non_null(strstr(said, "/etc/llmsec/other.keys"));
	snprintf(yaml, sizeof(yaml), "require_edge: false\nedge_keys: %s\n" REST, keys);
	if (load(yaml, &p, said, sizeof(said)) != 0)
		fail_msg("%s", said);
	assert_non_null(p->edge_keyring);	/* what is signed is still verified */
	icap_policy_free(&p);
}

static void
test_shadow(void **state)
{
	static const struct { const char *yaml, *want; } t[] = {
		{ "shadow: {dir: /x}\n", "name whose in shadow.routes or shadow.keys" },
		{ "shadow: {dir: x, routes: [\"*\"]}\n", "absolute" },
		{ "shadow: {dir: /x, routes: [\"*\"], max_file: 2M, max_total: 1M}\n", "max_total" },
		{ "shadow: {dir: /x, routes: [\"*\"], max_age: 1s}\n", ":6:43: error: " },
	};
	struct icap_policy *p;
	char said[4096], yaml[1024];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(yaml, sizeof(yaml), NO_KEYS "pii: {unmask: false}\n%s", t[i].yaml);
		assert_true(load(yaml, &p, said, sizeof(said)) < 0);
		if (strstr(said, t[i].want) == NULL)
			fail_msg("%s%s", t[i].yaml, said);
	}
	if (load(NO_KEYS "pii: {unmask: false}\n", &p, said, sizeof(said)) != 0)
		fail_msg("%s", said);
	assert_string_equal(p->shadow_log.dir, "");	/* off unless asked for */
	assert_int_equal(p->shadow_log.sample, 0);
	icap_policy_free(&p);
}

/* The shipped file says what the defaults are. */
static void
test_shipped(void **state)
{
	char path[512];
	struct icap_policy a = { 0 }, b = { 0 };
	struct conf_mem *ma, *mb;
	struct diag *d = diag_new();

	snprintf(path, sizeof(path), "%s/etc/llmsec/icap.yaml", getenv("srcdir") ? getenv("srcdir") : ".");
	if (conf_load(path, icap_conf_opts, &a, &ma, d) != 0)
		fail_msg("%s", diag_first(d));
	assert_int_equal(conf_load_mem("defaults", "{}\n", 3, icap_conf_opts, &b, &mb, d), 0);
	for (const struct conf_opt *o = icap_conf_opts; o->name != NULL; o++) {
		const char *x = (const char *)&a + o->offset, *y = (const char *)&b + o->offset;

		if (o->type == CONF_T_STR)
			assert_string_equal(*(char *const *)x, *(char *const *)y);
		else if (o->type == CONF_T_INT || o->type == CONF_T_ENUM)
			assert_int_equal(*(const int *)x, *(const int *)y);
		else if (o->type == CONF_T_BOOL)
			assert_int_equal(*(const bool *)x, *(const bool *)y);
		else if (o->type == CONF_T_SIZE || o->type == CONF_T_DURATION)
			assert_int_equal(*(const int64_t *)x, *(const int64_t *)y);
	}
	assert_int_equal(a.pii.all, b.pii.all);
	assert_int_equal(a.secrets.all, b.secrets.all);
	assert_int_equal(a.pii.output, b.pii.output);
	assert_int_equal(a.injection.tool, b.injection.tool);
	conf_mem_free(&ma);
	conf_mem_free(&mb);
	diag_free(&d);
}

static int
setup(void **state)
{
	strcpy(dir, "/tmp/test_icap_conf.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/icap.yaml", dir);
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	put(keys, "k1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
	return 0;
}

static int
teardown(void **state)
{
	unlink(file);
	unlink(keys);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_all_errors_with_places), cmocka_unit_test(test_bad_yaml),
		cmocka_unit_test(test_together), cmocka_unit_test(test_no_edge), cmocka_unit_test(test_shadow), cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
