/* SPDX-License-Identifier: MIT */
/* The judge itself, and what lib/counters.h exports before it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/llmsecd_metrics.h"
#include "lib/counters.h"
#include "tests/unit/control/ctl_test.h"
#include "tests/unit/control/promtext.h"

#define G	"# HELP g x\n# TYPE g gauge\n"
#define H	"# HELP h x\n# TYPE h histogram\n"

static void
faults(void **state)
{
	static const struct { const char *text; unsigned line; } rows[] = {
		{ "", 0 }, { G "g 1\n", 0 }, { G "g{a=\"1\"} 1\ng{a=\"2\",b=\"\\\\ \\\" \\n\"} -1.5e3\n", 0 },
		{ G "g NaN 1700000000000\n", 0 }, { "# HELP c_total x\n# TYPE c_total counter\nc_total 0\n", 0 },
		{ H "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", 0 },
		{ H "h_bucket{a=\"x\",le=\"1\"} 1\nh_bucket{a=\"x\",le=\"+Inf\"} 1\nh_sum{a=\"x\"} 3\n"
		    "h_count{a=\"x\"} 1\nh_bucket{a=\"y\",le=\"+Inf\"} 0\nh_sum{a=\"y\"} 0\nh_count{a=\"y\"} 0\n", 0 },
		{ "g 1\n", 1 }, { G "g 1", 3 }, { G "g\n", 3 }, { G "g  1\n", 3 }, { G "g x\n", 3 },
		{ G "g 0x10\n", 3 }, { G "g inf\n", 3 }, { G "g 1 x\n", 3 }, { G "g 1 \n", 3 }, { G "\ng 1\n", 3 },
		{ G "x 1\n", 3 }, { G, 2 }, { G "g 1\n" G "g{a=\"1\"} 1\n", 4 }, { G "g 1\ng 1\n", 4 },
		{ G "g{a=\"1\",b=\"2\"} 1\ng{b=\"2\",a=\"1\"} 1\n", 4 }, { G "g{} 1\n", 3 }, { G "g{a=\"1\",} 1\n", 3 },
		{ G "g{a=1} 1\n", 3 }, { G "g{a=\"1\" 1\n", 3 }, { G "g{a=\"1} 1\n", 3 }, { G "g{a=\"\\t\"} 1\n", 3 },
		{ G "g{1a=\"1\"} 1\n", 3 }, { G "g{__a=\"1\"} 1\n", 3 }, { G "g{a=\"1\",a=\"2\"} 1\n", 3 },
		{ G "g{a=\"\xff\"} 1\n", 3 }, { G "g{le=\"1\"} 1\n", 3 },
		{ "# TYPE g gauge\n# HELP g x\ng 1\n", 1 }, { "# HELP g x\ng 1\n", 2 }, { "# HELP g bad\\t\n", 1 },
		{ "# HELP g x\n# TYPE g what\n", 2 }, { "# HELP g x\n# TYPE g gauge\n# TYPE g gauge\n", 3 },
		{ "# HELP g x\n# TYPE f gauge\n", 2 }, { "# a comment\n", 1 }, { "# HELP 9g x\n", 1 },
		{ "# HELP c x\n# TYPE c counter\n", 2 },
		{ "# HELP c_total x\n# TYPE c_total counter\nc_total -1\n", 3 },
		{ H "h 1\n", 3 }, { H "h_bucket 1\n", 3 }, { H "h_sum 1\nh_count 1\n", 3 },
		{ H "h_bucket{le=\"+Inf\"} 2\nh_count 2\n", 3 },
		{ H "h_bucket{le=\"1\"} 2\nh_sum 1\nh_count 2\n", 5 },
		{ H "h_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 3\n", 5 },
		{ H "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n", 4 },
		{ H "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n", 4 },
		{ H "h_bucket{le=\"x\"} 1\n", 3 },
	};
	struct prom_report rep;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = prom_check(rows[i].text, strlen(rows[i].text), &rep);

		if ((r == 0) != (rows[i].line == 0) || rep.line != rows[i].line)
			fail_msg("\"%s\": %d, line %u instead of %u (%s)", rows[i].text, r, rep.line,
			    rows[i].line, rep.why);
	}
	assert_int_not_equal(prom_check("# HELP g \0\n", 11, &rep), 0);
}

static char *
exported(const char *dir, struct prom_report *rep)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	assert_int_equal(counters_export(dir, f), 0);
	fclose(f);
	if (prom_check(text, n, rep) != 0)
		fail_msg("line %u: %s\n%s", rep->line, rep->why, text);
	return text;
}

/* Rows of one family stand together and differ in their labels. */
static unsigned
families(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < M_N; i++)
		n += i == 0 || strcmp(llmsecd_metric_defs[i].name, llmsecd_metric_defs[i - 1].name) != 0;
	return n;
}

static void
llmsecds_own(void **state)
{
	struct ctl_test *t = *state;
	struct prom_report rep;
	struct counters *c;
	char *text;

	assert_int_equal(counters_open(&c, t->dir, "llmsecd", llmsecd_metric_defs, M_N), 0);
	counters_add(c, M_STORED, 7);
	counters_observe(c, M_COMMIT, 1500);
	counters_observe(c, M_COMMIT, UINT64_C(1) << 40);
	text = exported(t->dir, &rep);
	assert_int_equal(rep.families, families());
	assert_non_null(strstr(text, "\nllmsec_control_events_stored_total 7\n"));
	assert_non_null(strstr(text, "\nllmsec_control_commit_seconds_count 2\n"));
	assert_non_null(strstr(text, "\nllmsec_control_http_responses_total{class=\"2xx\"} 0\n"));
	free(text);
	counters_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults),
		cmocka_unit_test_setup_teardown(llmsecds_own, ctl_test_setup, ctl_test_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
