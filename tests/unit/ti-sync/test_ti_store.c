/* SPDX-License-Identifier: MIT */
/* Import and compilation, beside a model that knows every entry. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ti-sync/compile.h"

static struct ti_store *st;

static int
setup(void **state)
{
	return ti_store_open(&st, NULL, false);
}

static int
teardown(void **state)
{
	ti_store_close(&st);
	return 0;
}

static struct ti_keys
keys_of(const char *names)
{
	struct ti_keys k = {0};
	char copy[1024], key[TI_KEY_MAX], *save;

	snprintf(copy, sizeof(copy), "%s", names);
	for (char *p = strtok_r(copy, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save))
		assert_int_equal(ti_keys_add(&k, key, ti_key_of_name(key, p, strlen(p))), 0);
	ti_keys_sort(&k);
	return k;
}

static struct ti_change
import(int64_t feed, const char *names, int64_t run, int max_loss, int want)
{
	struct ti_keys k = keys_of(names);
	struct ti_change ch;

	assert_int_equal(ti_store_import(st, feed, TI_DOMAIN, &k, run, max_loss, &ch), want);
	ti_keys_free(&k);
	return ch;
}

static int64_t
run_at(time_t t)
{
	int64_t run;

	assert_int_equal(ti_store_run_begin(st, t, &run), 0);
	return run;
}

static void
test_import(void **state)
{
	int64_t a = run_at(1000), b = run_at(2000), c = run_at(3000);
	struct ti_change ch = import(1, "a.com b.com c.com", a, 100, 0);
	struct ti_cursor *cur;
	const void *key;
	size_t len, n = 0;
	char many[1024] = "";

	assert_int_equal(ch.added, 3);
	ch = import(1, "b.com c.com d.com", b, 100, 0);
	assert_int_equal(ch.added, 1);
	assert_int_equal(ch.gone, 1);
	assert_int_equal(ch.same, 2);
	ch = import(1, "a.com b.com c.com d.com", c, 100, 0);
	assert_int_equal(ch.returned, 1);
	assert_int_equal(ch.before, 3);
	assert_int_equal(ti_store_last_loss(st, 1, INT64_MAX), b);
	assert_int_equal(ti_store_last_loss(st, 1, b), 0);
	ch = import(1, "a.com", c, 100, 0);
	assert_int_equal(ti_cursor_open(&cur, st, 1, TI_DOMAIN, INT64_MAX), 0);
	while (ti_cursor_next(cur, &key, &len) == 1)
		n++;
	ti_cursor_close(&cur);
	assert_int_equal(n, 1);
	assert_int_equal(ti_cursor_open(&cur, st, 1, TI_DOMAIN, c), 0);
	for (n = 0; ti_cursor_next(cur, &key, &len) == 1; n++)
		;
	ti_cursor_close(&cur);
	assert_int_equal(n, 4);		/* gone in run c, and that still counts */
	/* Shrinking is only believed within bounds. */
	for (int i = 0; i < 40; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "n%d.com ", i);
	import(2, many, a, 50, 0);
	ch = import(2, "n0.com n1.com", b, 50, -ERANGE);
	assert_int_equal(ch.gone, 38);
	assert_int_equal(ti_store_run_after(st, 1500), b);
	assert_int_equal(ti_store_run_after(st, 5000), INT64_MAX);
}

static char got[2048];

static int
note(struct ti_sink *s, enum ti_kind kind, const void *key, size_t len, const struct set_class *c)
{
	char name[TI_KEY_MAX];
	size_t n = strlen(got);

	ti_name_of_key(name, key, len);
	if (c->flags & SET_PASS)
		snprintf(got + n, sizeof(got) - n, "-%s ", name);
	else
		snprintf(got + n, sizeof(got) - n, "%s=%llx/%u ", name, (unsigned long long)c->categories, c->confidence);
	return 0;
}

static struct ti_compiled
compile(const char *allow, const char *top, struct ti_keys *clean)
{
	static const struct ti_source src[] = {{11, INT64_MAX, 1, 90}, {12, INT64_MAX, 2, 40}};
	struct ti_keys a = keys_of(allow), t = keys_of(top);
	struct ti_sink sink = {note}, *sinks[] = {&sink};
	struct ti_compiled out;

	got[0] = '\0';
	assert_int_equal(ti_compile(st, TI_DOMAIN, src, 2, &a, &t, sinks, 1, clean, &out), 0);
	ti_keys_free(&a);
	ti_keys_free(&t);
	return out;
}

static void
test_compile(void **state)
{
	int64_t r = run_at(9000);
	struct ti_keys clean = {0};
	struct ti_compiled c;

	import(11, "bad.com www.bad.com x.www.bad.com good.com evil.net sub.top.org", r, 100, 0);
	import(12, "bad.com ads.bad.com evil.net low.org mal.low.org", r, 100, 0);
	import(11, "bad.com www.bad.com x.www.bad.com good.com evil.net sub.top.org top.org mal.low.org", r, 100, 0);
	c = compile("", "", NULL);
	assert_string_equal(got, "bad.com=3/90 good.com=1/90 evil.net=3/90 low.org=2/40 mal.low.org=3/90 top.org=1/90 ");
	assert_int_equal(c.folded, 4);
	c = compile("good.com www.bad.com net", "top.org", NULL);
	assert_string_equal(got, "bad.com=3/90 -www.bad.com low.org=2/40 mal.low.org=3/90 sub.top.org=1/90 ");
	assert_int_equal(c.allowed.n, 4);
	assert_int_equal(c.top.n, 1);
	assert_int_equal(c.exceptions, 1);
	assert_string_equal(c.top.example[0], "top.org");
	c = compile("good.org x.bad.com", "fine.org bad.com", &clean);
	assert_int_equal(clean.n, 4);	/* good.org, x.bad.com (nothing covers it now), fine.org, bad.com */
	ti_keys_free(&clean);
	assert_int_equal(c.top.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_import), cmocka_unit_test(test_compile),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
