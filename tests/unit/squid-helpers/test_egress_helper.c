/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "squid-helpers/egress_helper.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_report.h"
#include "squid-helpers/squid_line.h"

static const char policy_text[] = "rules: [{id: t, domains: [a.example], ports: [1-65535]}]\n";

static int
helper_setup(void **state)
{
	struct egress_helper *h = calloc(1, sizeof(*h));
	struct diag *d = diag_new();

	assert_non_null(h);
	assert_int_equal(egress_helper_open(h, "unused"), 0);
	assert_int_equal(egress_policy_load(&h->source.policy, "test.yaml", policy_text,
	    sizeof(policy_text) - 1, d), 0);
	diag_free(&d);
	*state = h;
	return 0;
}

static int
helper_teardown(void **state)
{
	egress_helper_close(*state);
	free(*state);
	return 0;
}

/* What the helper answered since the last call; lives until the next. */
static const char *
answers(struct egress_helper *h)
{
	static char *last;

	free(last);
	assert_int_equal(h->out.err, 0);
	last = strndup(buf_len(&h->out) ? buf_ptr(&h->out) : "", buf_len(&h->out));
	assert_non_null(last);
	assert_int_equal(strlen(last), buf_len(&h->out));
	buf_clear(&h->out);
	return last;
}

/* In memory of exactly this size: whoever reads beyond it is found by ASan. */
static void
feed(struct egress_helper *h, const char *p, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, p, n);
	egress_helper_feed(h, copy, n, 1);
	free(copy);
}

static const char *
ask(struct egress_helper *h, const char *text)
{
	feed(h, text, strlen(text));
	return answers(h);
}

static size_t
count(const char *p, size_t n, char c)
{
	size_t k = 0;

	while (n-- > 0)
		k += *p++ == c;
	return k;
}

static void
one_answer_per_line(void **state)
{
	struct egress_helper *h = *state;

	assert_string_equal(ask(h, "0 192.0.2.1 CONNECT a.example 443 - \n"),
	    "0 OK tag=t log=allowed/t rule=t reason=allowed\n");
	assert_string_equal(ask(h, "192.0.2.1 GET a.example 80 -\n"),
	    "OK tag=t log=allowed/t rule=t reason=allowed\n");
	assert_string_equal(ask(h, "7 192.0.2.1 GET \"b.example\" 80 -\r\n"),
	    "7 ERR tag=egress.default-deny log=not_allowed/egress.default-deny message=\"b.example:80 "
	    "refused by rule egress.default-deny (not_allowed): add the host to a rule in egress.yaml to "
	    "allow it\" rule=egress.default-deny reason=not_allowed\n");
	assert_string_equal(ask(h, "8 192.0.2.1 GET\n"),
	    "8 BH message=\"expected: source method host port sni\"\n");
	assert_string_equal(ask(h, "9 192.0.2.1 GET a.example 65536 -\n"), "9 BH message=\"bad port\"\n");
	assert_string_equal(ask(h, "9 192.0.2.1 GET a.example 0 -\n"), "9 BH message=\"bad port\"\n");
	assert_string_equal(ask(h, "9 192.0.2.1 GET a.example 4x -\n"), "9 BH message=\"bad port\"\n");
	assert_string_equal(ask(h, "10 %zz\n"), "10 BH message=\"bad percent escape\"\n");
	assert_string_equal(ask(h, "\n"), "BH message=\"empty line\"\n");
}

static void
answers_do_not_depend_on_how_lines_arrive(void **state)
{
	static const char in[] = "1 - CONNECT a.example 443 -\n2 - GET b 1 -\n\n3 %\n4 - GET a.example - -\n"
	    "5 - CONNECT a.example 443 a.example\n6 - CONNECT a.example 443 b.example\n";
	struct egress_helper *h = *state;
	char *whole = strdup(ask(h, in));

	assert_int_equal(count(whole, strlen(whole), '\n'), count(in, strlen(in), '\n'));
	for (size_t step = 1; step < 40; step++) {
		for (size_t at = 0; at < sizeof(in) - 1; at += step) {
			size_t left = sizeof(in) - 1 - at;

			feed(h, in + at, left < step ? left : step);
		}
		assert_string_equal(answers(h), whole);
	}
	free(whole);
}

static void
a_line_too_long_is_refused_under_its_channel(void **state)
{
	static const char next[] = "\n18 - GET a.example 1 -\n";
	struct egress_helper *h = *state;
	size_t n = SQUID_LINE_MAX + 1;
	char *line = malloc(n);

	assert_non_null(line);
	memset(line, 'x', n);
	memcpy(line, "17 - GET ", 9);
	/* The longest line there may be is merely no host. */
	feed(h, line, n - 1);
	assert_string_equal(answers(h), "");
	assert_memory_equal(ask(h, "\n"), "17 BH ", 6);
	/* One byte more: refused at once, in whatever pieces the rest comes, and once only. */
	for (size_t step = 1; step < 3 * n; step *= 7) {
		for (size_t at = 0; at < n; at += step)
			feed(h, line + at, n - at < step ? n - at : step);
		feed(h, line, n);
		assert_string_equal(answers(h), "17 BH message=\"line too long\"\n");
		assert_string_equal(ask(h, next), "18 OK tag=t log=allowed/t rule=t reason=allowed\n");
	}
	free(line);
}

/* Every line of <text> is "[channel ]ERR ..." or "[channel ]BH ..." in printable bytes. */
static void
all_refused(const char *text)
{
	for (const char *lf; *text != '\0'; text = lf + 1) {
		size_t digits = strspn(text, "0123456789");

		lf = strchr(text, '\n');
		assert_non_null(lf);
		if (digits > 0)
			digits++;
		if (strncmp(text + digits, "ERR ", 4) != 0 && strncmp(text + digits, "BH ", 3) != 0)
			fail_msg("%.*s", (int)(lf - text), text);
		for (const char *p = text; p < lf; p++)
			assert_in_range(*p, ' ', '~');
	}
}

static void
garbage_is_answered_and_opens_nothing(void **state)
{
	static const char tame[] = "0123456789 \"%\\\n.-aexmpl:[]@/\t";
	struct egress_helper *h = *state;
	uint32_t seed = 20;
	char chunk[4096];
	size_t lines = 0, replies = 0;

	for (int round = 0; round < 2000; round++) {
		const char *got;

		for (size_t i = 0; i < sizeof(chunk); i++) {
			seed = seed * 1664525 + 1013904223;
			chunk[i] = round % 2 ? (char)(seed >> 24) : tame[(seed >> 16) % (sizeof(tame) - 1)];
		}
		lines += count(chunk, sizeof(chunk), '\n');
		egress_helper_feed(h, chunk, sizeof(chunk), round);
		got = answers(h);
		all_refused(got);
		replies += count(got, strlen(got), '\n');
	}
	assert_int_equal(replies, lines);
	assert_in_range(lines, 10000, SIZE_MAX);
	/* It still listens. */
	ask(h, "\n");
	assert_string_equal(ask(h, "1 - GET a.example 1 -\n"),
	    "1 OK tag=t log=allowed/t rule=t reason=allowed\n");
}

static void
hostile_names_stay_inside_their_value(void **state)
{
	struct egress_helper *h = *state;
	const char *got = ask(h, "1 - GET b%22%20tag=t%0a2%20OK 1 -\n");

	assert_int_equal(count(got, strlen(got), '\n'), 1);
	assert_memory_equal(got, "1 ERR tag=egress.bad-host ", 26);
	assert_non_null(strstr(got, "message=\"b??tag?t?2?OK:1 refused"));
}

static void
no_policy_refuses(void **state)
{
	struct egress_helper *h = *state;

	egress_policy_free(&h->source.policy);
	assert_memory_equal(ask(h, "1 - GET a.example 1 -\n"), "1 ERR tag=egress.no-policy ", 27);
}

int
main(void)
{
#define WITH_HELPER(f)	cmocka_unit_test_setup_teardown(f, helper_setup, helper_teardown)
	const struct CMUnitTest tests[] = {
		WITH_HELPER(one_answer_per_line),
		WITH_HELPER(answers_do_not_depend_on_how_lines_arrive),
		WITH_HELPER(a_line_too_long_is_refused_under_its_channel),
		WITH_HELPER(garbage_is_answered_and_opens_nothing),
		WITH_HELPER(hostile_names_stay_inside_their_value),
		WITH_HELPER(no_policy_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
