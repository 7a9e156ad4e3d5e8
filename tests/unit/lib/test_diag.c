/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/diag.h"

static char *
printed(const struct diag *d)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	diag_print(d, f);
	fclose(f);
	return text;
}

static void
test_places(void **state)
{
	struct diag *d = diag_new();
	char *text;

	assert_string_equal(diag_first(d), "");
	diag_warn(d, "a.yaml", 3, 0, "odd %s", "thing");
	diag_error(d, "a.yaml", 4, 7, "wrong %d", 1);
	diag_error(d, "b.yaml", 0, 9, "no line");
	diag_error(d, NULL, 0, 0, "no file");
	assert_int_equal(diag_errors(d), 3);
	assert_int_equal(diag_warnings(d), 1);
	assert_string_equal(diag_first(d), "a.yaml:4:7: error: wrong 1");
	text = printed(d);
	assert_string_equal(text, "a.yaml:3: warning: odd thing\na.yaml:4:7: error: wrong 1\n"
	    "b.yaml: error: no line\nerror: no file\n");
	free(text);
	diag_free(&d);
	assert_null(d);
	diag_free(&d);
	diag_error(NULL, "x", 1, 1, "nobody listens");
	diag_warn(NULL, "x", 1, 1, "nobody listens");
}

/* A name or value from a file can neither add a line nor reach the terminal. */
static void
test_one_line_each(void **state)
{
	struct diag *d = diag_new();
	char *text;

	diag_error(d, "e\nvil", 1, 1, "\"a\nb\r\x1b[31m\x7f\xc3\xbc\"");
	text = printed(d);
	assert_string_equal(text, "e?vil:1:1: error: \"a?b??[31m?\xc3\xbc\"\n");
	free(text);
	diag_free(&d);
}

static void
test_too_many(void **state)
{
	struct diag *d = diag_new();
	char *text;

	for (int i = 1; i <= 70; i++)
		diag_error(d, "f", i, 1, "e");
	assert_int_equal(diag_errors(d), 70);
	text = printed(d);
	assert_non_null(strstr(text, "f:50:1: error: e\n... and 20 more\n"));
	assert_null(strstr(text, "f:51:"));
	free(text);
	diag_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_one_line_each),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
