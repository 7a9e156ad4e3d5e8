/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/ctl_show.h"

static char *text;
static size_t text_len;

static FILE *
text_open(void)
{
	FILE *f = open_memstream(&text, &text_len);

	assert_non_null(f);
	return f;
}

static void
event(const char *json, const char *want)
{
	FILE *f = text_open();

	ctl_show_event(json, f);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

static void
events(void **state)
{
	event("{\"ts\":\"2026-01-02T03:04:05.678Z\",\"layer\":\"gateway\",\"severity\":7,\"action\":\"block\","
	    "\"event\":\"prompt.injection\"}",
	    "2026-01-02T03:04:05.678Z gateway  7 block   prompt.injection        \n");
	event("{\"ts\":\"2026-01-02T03:04:05.678Z\",\"layer\":\"edge\",\"severity\":10,\"action\":\"block\","
	    "\"event\":\"e\",\"score\":0,\"actor\":{\"ip\":\"192.0.2.1\"},\"target\":\"api.example\","
	    "\"rule_ids\":[\"a\",\"b\"],\"request_id\":\"r\"}",
	    "2026-01-02T03:04:05.678Z edge    10 block   e                        score=0 ip=192.0.2.1"
	    " target=api.example rules=a,b request=r\n");
	event("[]", "(unreadable event)\n");
	event("", "(unreadable event)\n");
}

/* Whoever chose a target's name must not get to write to the terminal. */
static void
terminal(void **state)
{
	event("{\"ts\":\"-\",\"layer\":\"\\u001b[2J\",\"severity\":1,\"action\":\"a\\nb\",\"event\":\"\\u009b1m\\u007f\","
	    "\"rule_ids\":[\"\\r\"],\"target\":\"\\u00e9\\u20ac\"}",
	    "-                        ?[2J     1 a?b     ?1m?                     target=\xc3\xa9\xe2\x82\xac rules=?\n");
}

static void
long_text(void **state)
{
	char json[2048] = "{\"target\":\"x", *p = json + strlen(json), *at;
	FILE *f = text_open();

	for (int i = 0; i < 100; i++, p += 3)
		memcpy(p, "\xe2\x82\xac", 3);
	strcpy(p, "\"}");
	ctl_show_event(json, f);
	fclose(f);
	at = strstr(text, " target=x");
	assert_non_null(at);
	/* 255 bytes hold the x and 84 whole characters. */
	assert_int_equal(strlen(at), strlen(" target=x") + (size_t)84 * 3 + 1);
	free(text);
}

static void
status(void **state)
{
	static const char good[] = "{\"version\":\"1\",\"uptime_s\":5,\"database_writable\":%s,\"queue\":2,\"spools\":1,"
	    "\"components\":[{\"name\":\"llmsec-spoad\",\"layer\":\"edge\",\"pid\":7,\"connections\":1,\"stored\":3,"
	    "\"pending\":0,\"last_event\":\"e\",\"last_event_at\":\"2026-01-02T03:04:05.678Z\"}]}";
	static const char well[] = "{\"status\":\"ok\",\"database\":{\"error\":\"\"},\"counters\":{\"readable\":true}}";
	static const char ill[] =
	    "{\"status\":\"failing\",\"database\":{\"error\":\"disk full\"},\"counters\":{\"readable\":false}}";
	char json[1024];
	FILE *f = text_open();

	snprintf(json, sizeof(json), good, "true");
	assert_int_equal(ctl_show_status(json, well, f), 0);
	fclose(f);
	assert_non_null(strstr(text, "up 5 s, health: ok\ndatabase: writable\nwaiting: 2 events, 1 spools\n"));
	assert_non_null(strstr(text, "\nllmsec-spoad "));
	free(text);
	f = text_open();
	snprintf(json, sizeof(json), good, "false");
	assert_int_equal(ctl_show_status(json, ill, f), 0);
	assert_true(ctl_show_status("{}", ill, f) < 0);
	assert_true(ctl_show_status(json, "oops", f) < 0);
	fclose(f);
	assert_non_null(strstr(text, "database: NOT WRITABLE: disk full; counters NOT READABLE\n"));
	free(text);
}

static void
refusals(void **state)
{
	char out[256];

	assert_string_equal(ctl_show_error("{\"error\":\"no\\u001b\"}", out), "no?");
	assert_string_equal(ctl_show_error("{\"error\":{\"code\":\"x\",\"message\":\"no\\u001b\",\"field\":null}}", out), "no?");
	assert_string_equal(ctl_show_error("{\"error\":{\"code\":\"x\"}}", out), "no answer of llmsecd's");
	assert_string_equal(ctl_show_error("<html>", out), "no answer of llmsecd's");
	assert_string_equal(ctl_show_error("", out), "no answer of llmsecd's");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events), cmocka_unit_test(terminal), cmocka_unit_test(long_text),
		cmocka_unit_test(status), cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
