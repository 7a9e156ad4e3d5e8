/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/counters.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_report.h"

struct world {
	char			 dir[64];
	struct egress_report	*report;
	struct egress_conf	 conf;
};

static int
world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->dir, "/tmp/egress-report.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->conf = (struct egress_conf){ .node = strdup("n1"), .run_dir = w->dir, .counters_dir = w->dir,
	    .events = { .socket = strdup(""), .spool_dir = w->dir } };
	assert_int_equal(egress_report_open(&w->report), 0);
	*state = w;
	return 0;
}

/* The contents of all files of w->dir whose names end in <suffix>; the caller frees. */
static char *
files(const struct world *w, const char *suffix, bool remove_them)
{
	char *text = NULL, path[400], line[8192];
	size_t len;
	FILE *all = open_memstream(&text, &len);
	DIR *d = opendir(w->dir);

	assert_non_null(all);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL; ) {
		size_t n = strlen(e->d_name), k = strlen(suffix);
		FILE *f;

		if (e->d_name[0] == '.' || n < k || strcmp(e->d_name + n - k, suffix) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", w->dir, e->d_name);
		f = fopen(path, "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f) != NULL)
			fputs(line, all);
		fclose(f);
		if (remove_them)
			unlink(path);
	}
	closedir(d);
	fclose(all);
	return text;
}

static int
world_teardown(void **state)
{
	struct world *w = *state;

	egress_report_close(&w->report);
	free(files(w, "", true));
	rmdir(w->dir);
	free(w->conf.node);
	free(w->conf.events.socket);
	free(w);
	return 0;
}

static size_t
occurrences(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what)) != NULL) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void
tell(struct world *w, const char *src, const char *host, const char *method, enum egress_reason reason,
    int64_t now)
{
	struct egress_request q = { .src = { src, strlen(src) }, .method = { method, strlen(method) },
	    .host = { host, strlen(host) }, .port = 443 };
	struct egress_verdict v = { .allow = reason == EGRESS_ALLOWED, .reason = reason, .rule = "r1" };

	egress_host_parse(&v.host, host, strlen(host));
	egress_report_verdict(w->report, &q, &v, now);
}

static void
expect_counter(const struct world *w, const char *line)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(counters_export(w->dir, f), 0);
	fclose(f);
	if (strstr(text, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, text);
	free(text);
}

static void
every_verdict_is_counted(void **state)
{
	struct world *w = *state;
	char denied[96];

	egress_report_direct(w->report, &w->conf);
	for (int i = 0; i < 3; i++)
		tell(w, "192.0.2.1", "a.example", "GET", EGRESS_ALLOWED, 1);
	for (int reason = EGRESS_ALLOWED + 1; reason < EGRESS_REASON_N; reason++)
		tell(w, "192.0.2.1", "b.example", "GET", (enum egress_reason)reason, 1);
	tell(w, "192.0.2.1", "b.example", "GET", EGRESS_METADATA, 1);
	egress_report_broken(w->report);
	expect_counter(w, "llmsec_egress_requests_total{result=\"allow\"} 3\n");
	/* each reason once, and one of them again */
	snprintf(denied, sizeof(denied), "llmsec_egress_requests_total{result=\"deny\"} %d\n", EGRESS_REASON_N - 1 + 1);
	expect_counter(w, denied);
	expect_counter(w, "llmsec_egress_requests_total{result=\"broken\"} 1\n");
	for (int reason = EGRESS_ALLOWED + 1; reason < EGRESS_REASON_N; reason++) {
		char line[128];

		snprintf(line, sizeof(line), "llmsec_egress_denied_total{reason=\"%s\"} %d\n",
		    egress_reason_str((enum egress_reason)reason), reason == EGRESS_METADATA ? 2 : 1);
		expect_counter(w, line);
	}
}

static void
repeats_become_one_event_with_a_count(void **state)
{
	struct world *w = *state;
	char *text;

	egress_report_direct(w->report, &w->conf);
	tell(w, "192.0.2.1", "a.example", "GET", EGRESS_ALLOWED, 1);
	for (int i = 0; i < 50; i++)
		tell(w, "192.0.2.1", "b.example", "GET", EGRESS_NOT_ALLOWED, i);
	text = files(w, ".spool", false);
	assert_int_equal(occurrences(text, "\"egress.deny\""), 1);
	free(text);
	/* Not yet a second after the first; then it is. */
	egress_report_tick(w->report, 999);
	tell(w, "192.0.2.2", "b.example", "GET", EGRESS_NOT_ALLOWED, 999);
	egress_report_tick(w->report, 1000);
	tell(w, "192.0.2.1", "b.example", "GET", EGRESS_NOT_ALLOWED, 5000);
	text = files(w, ".spool", false);
	assert_int_equal(occurrences(text, "\"egress.deny\""), 4);
	assert_int_equal(occurrences(text, "\"count\":1}"), 3);
	assert_int_equal(occurrences(text, "\"count\":49}"), 1);
	assert_int_equal(occurrences(text, "192.0.2.2"), 1);
	assert_int_equal(occurrences(text, "\"node\":\"n1\""), 4);
	assert_null(strstr(text, "a.example"));
	free(text);
}

static void
what_is_held_back_is_sent_at_the_end(void **state)
{
	struct world *w = *state;
	char *text;

	egress_report_direct(w->report, &w->conf);
	tell(w, "-", "b.example", "GET", EGRESS_NOT_ALLOWED, 1);
	tell(w, "-", "b.example", "GET", EGRESS_NOT_ALLOWED, 2);
	egress_report_close(&w->report);
	text = files(w, ".spool", false);
	assert_int_equal(occurrences(text, "\"count\":1}"), 2);
	free(text);
}

/* Of ever new names 200 a second are told of, the rest is counted; repeats are in an event's count and aren't missing. */
static void
what_is_too_much_is_counted(void **state)
{
	struct world *w = *state;
	char host[64], *text;

	egress_report_direct(w->report, &w->conf);
	for (int i = 0; i < 1000; i++) {
		snprintf(host, sizeof(host), "n%d.example", i);
		tell(w, "192.0.2.1", host, "GET", EGRESS_NOT_ALLOWED, 1);
	}
	expect_counter(w, "llmsec_egress_events_held_total 800\n");
	text = files(w, ".spool", false);
	assert_int_equal(occurrences(text, "\"egress.deny\""), 200);
	free(text);
	/* The next second has room again. */
	tell(w, "192.0.2.1", "later.example", "GET", EGRESS_NOT_ALLOWED, 1002);
	for (int i = 0; i < 800; i++)
		tell(w, "192.0.2.1", "later.example", "GET", EGRESS_NOT_ALLOWED, 1003);
	egress_report_tick(w->report, 2500);
	expect_counter(w, "llmsec_egress_events_held_total 800\n");
	text = files(w, ".spool", false);
	assert_int_equal(occurrences(text, "\"count\":800}"), 1);
	free(text);
}

static void
hostile_bytes_stay_inside_their_strings(void **state)
{
	struct world *w = *state;
	char *text;

	egress_report_direct(w->report, &w->conf);
	tell(w, "1\n2", "b\"},\n{", "G\"E\\T\n", EGRESS_BAD_HOST, 1);
	text = files(w, ".spool", false);
	assert_int_equal(occurrences(text, "\n"), 1);
	assert_non_null(strstr(text, "\"method\":\"G\\\"E\\\\T?\""));
	assert_non_null(strstr(text, "\"target\":\"b?????\""));
	free(text);
}

static void
policies_are_told_about(void **state)
{
	struct world *w = *state;
	char *text;

	egress_report_direct(w->report, &w->conf);
	egress_report_policy(w->report, NULL, "line \"7\"");
	expect_counter(w, "llmsec_egress_policy_stale 1\n");
	egress_report_policy(w->report, NULL, NULL);
	expect_counter(w, "llmsec_egress_policy_stale 0\n");
	expect_counter(w, "llmsec_egress_policy_loads_total{result=\"rejected\"} 1\n");
	text = files(w, ".spool", false);
	assert_non_null(strstr(text, "\"error\":\"line \\\"7\\\"\""));
	assert_int_equal(occurrences(text, "egress.policy_rejected"), 1);
	assert_int_equal(occurrences(text, "egress.policy_loaded"), 1);
	free(text);
}

static void
no_destination_is_no_trouble(void **state)
{
	struct world *w = *state;

	tell(w, "-", "b.example", "GET", EGRESS_NOT_ALLOWED, 1);
	egress_report_policy(w->report, NULL, "why");
	egress_report_tick(w->report, 5000);
	w->conf.counters_dir = w->conf.events.spool_dir = (char[]){ "/nonexistent/llmsec" };
	egress_report_direct(w->report, &w->conf);
	tell(w, "-", "b.example", "GET", EGRESS_NOT_ALLOWED, 9000);
	egress_report_tick(w->report, 12000);
	w->conf.counters_dir = w->conf.events.spool_dir = w->dir;
	egress_report_direct(w->report, &w->conf);
	tell(w, "-", "b.example", "GET", EGRESS_NOT_ALLOWED, 20000);
	expect_counter(w, "llmsec_egress_requests_total{result=\"deny\"} 1\n");
}

int
main(void)
{
#define IN_WORLD(f)	cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		IN_WORLD(every_verdict_is_counted),
		IN_WORLD(repeats_become_one_event_with_a_count),
		IN_WORLD(what_is_held_back_is_sent_at_the_end),
		IN_WORLD(what_is_too_much_is_counted),
		IN_WORLD(hostile_bytes_stay_inside_their_strings),
		IN_WORLD(policies_are_told_about),
		IN_WORLD(no_destination_is_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
