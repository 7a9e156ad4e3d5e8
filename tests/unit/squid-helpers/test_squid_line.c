/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "squid-helpers/squid_line.h"

/* "channel|field|field" or "channel!error" */
static const char *
parse(const char *in)
{
	static char out[1024];
	char line[512];
	struct squid_line l;
	int r, k;

	snprintf(line, sizeof(line), "%s", in);
	r = squid_line_parse(&l, line, strlen(line));
	assert_true(r == 0 || r == -EPROTO);
	assert_int_equal(r == 0, l.err == NULL);
	k = snprintf(out, sizeof(out), "%s", l.channel);
	if (r < 0)
		snprintf(out + k, sizeof(out) - (size_t)k, "!%s", l.err);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		k += snprintf(out + k, sizeof(out) - (size_t)k, "|%.*s", (int)l.field[i].n, l.field[i].p);
	return out;
}

static void
channels_with_and_without(void **state)
{
	assert_string_equal(parse("0 192.0.2.1 GET"), "0|192.0.2.1|GET");
	assert_string_equal(parse("4294967295 ::1 GET"), "4294967295|::1|GET");
	assert_string_equal(parse("192.0.2.1 GET"), "|192.0.2.1|GET");
	assert_string_equal(parse("12345678901 GET"), "|12345678901|GET");
	assert_string_equal(parse("7"), "|7");
	assert_string_equal(parse("7 "), "7!empty line");
	assert_string_equal(parse(""), "!empty line");
	assert_string_equal(parse("   "), "!empty line");
}

static void
fields_url_escaped(void **state)
{
	assert_string_equal(parse("1 a%20b %2d - c\r"), "1|a b|-|-|c");
	assert_string_equal(parse("1 a%41%7e  b "), "1|aA~|b");
	assert_string_equal(parse("1 %2541"), "1|%41");
	assert_string_equal(parse("1 /v1/%3f/%2e%2E %3F?%3f"), "1|/v1/%3f/..|%3F?%3f");
	assert_string_equal(parse("1 /v1%2fx%2F%41"), "1|/v1%2fx%2FA");
	assert_string_equal(parse("3 a%2"), "3!bad percent escape");
	assert_string_equal(parse("3 a%"), "3!bad percent escape");
	assert_string_equal(parse("3 %g0 b"), "3!bad percent escape");
	assert_string_equal(parse("3 %2 0"), "3!bad percent escape");
}

static void
fields_quoted(void **state)
{
	assert_string_equal(parse("1 \"a b\" c"), "1|a b|c");
	assert_string_equal(parse("\"a \\\"b\\\\\" c"), "|a \"b\\|c");
	assert_string_equal(parse("1 \"\" c"), "1||c");
	assert_string_equal(parse("1 \"%41\""), "1|%41");
	assert_string_equal(parse("1 \"a\\nb\""), "1|a\nb");
	assert_string_equal(parse("5 \"abc"), "5!quote without end");
	assert_string_equal(parse("5 \"abc\\\""), "5!quote without end");
	assert_string_equal(parse("5 \"abc\"d"), "5!bytes after a closing quote");
}

static void
fields_are_counted(void **state)
{
	char line[256] = "9";

	for (int i = 0; i < SQUID_FIELDS_MAX; i++)
		strcat(line, " x");
	assert_int_equal(strncmp(parse(line), "9|x|x", 5), 0);
	strcat(line, " x");
	assert_string_equal(parse(line), "9!too many fields");
}

static void
replies_are_quoted_if_need_be(void **state)
{
	struct squid_line l = { .channel = "12" };
	struct buf b = { 0 };

	squid_reply_begin(&b, &l, "ERR");
	squid_reply_key(&b, "tag", "llm-providers");
	squid_reply_key(&b, "message", "say \"no\" \\ 50%\nOK");
	squid_reply_key(&b, "empty", "");
	squid_reply_key(&b, "log", "50%");
	squid_reply_end(&b);
	buf_addc(&b, '\0');
	assert_string_equal(buf_ptr(&b), "12 ERR tag=llm-providers "
	    "message=\"say \\\"no\\\" \\\\ 50%?OK\" empty=\"\" log=\"50%\"\n");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels_with_and_without),
		cmocka_unit_test(fields_url_escaped),
		cmocka_unit_test(fields_quoted),
		cmocka_unit_test(fields_are_counted),
		cmocka_unit_test(replies_are_quoted_if_need_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
