/* SPDX-License-Identifier: MIT */
/* Who wants an entry: a person until an end, an imported list until it drops it, or both; and what the helper reads then. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "control/egress_store.h"
#include "lib/cidr.h"
#include "squid-helpers/egress_lists.h"
#include "tests/unit/control/ctl_test.h"
#include "ti-sync/collect.h"

static struct egress_store *
open_store(void **state)
{
	struct egress_store *s;

	assert_int_equal(egress_store_open(&s, ctl_test_path(*state, "")), 0);
	return s;
}

static void
fresh_folder(void **state)
{
	assert_int_equal(ctl_test_teardown(state), 0);
	assert_int_equal(ctl_test_setup(state), 0);
}

enum way { IMPORT, TAKE_OFF };

/* A list of <n> values, the first of them <value>, the others made up. */
static struct egress_counts
list_of(struct egress_store *s, enum way way, enum egress_list list, const char *value, unsigned n)
{
	struct ti_collect *c = calloc(1, sizeof(*c));
	struct egress_counts count;
	char text[64];

	assert_non_null(c);
	c->want = list == EGRESS_NETWORKS ? TI_WANT_NETS : TI_WANT_DOMAINS;
	for (unsigned i = 0; i < n; i++) {
		if (i == 0)
			snprintf(text, sizeof(text), "%s", value);
		else if (list == EGRESS_NETWORKS)
			snprintf(text, sizeof(text), "41.%u.%u.0/24", i / 256, i % 256);
		else
			snprintf(text, sizeof(text), "n%u.filler.sample-lists.net", i);
		ti_collect_token(c, text, strlen(text));
	}
	assert_int_equal(way == IMPORT ? egress_store_import(s, list, c, EGRESS_IMPORTED, &count) :
	    egress_store_remove(s, list, c, &count), 0);
	ti_collect_free(c);
	free(c);
	return count;
}

/* Is it on the list, as the helper reads it at <now>? */
static bool
listed(void **state, enum egress_list list, const char *value, time_t now)
{
	struct egress_lists *l = NULL;
	struct cidr c;
	bool yes;

	assert_int_equal(egress_lists_load(&l, ctl_test_path(*state, "lists"), NULL), 0);
	if (list == EGRESS_NETWORKS) {
		assert_int_equal(cidr_parse(value, &c), 0);
		yes = egress_lists_denied_ip(l, c.addr, now);
	} else {
		yes = egress_lists_denied(l, value, strlen(value), now);
	}
	egress_lists_free(&l);
	return yes;
}

/* The clock goes on by an hour. */
static void
end_comes(void **state, struct egress_store *s)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(ctl_test_path(*state, "egress.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE entries SET expires = 1 WHERE expires > 0", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	egress_store_tick(s);
}

static const struct subject {
	enum egress_list list;
	const char	*value, *inside;
	unsigned	 n;		/* 5000: more than the text holds, so it is in the set */
} subjects[] = {
	{ EGRESS_DOMAINS, "evil.sample-lists.net", "evil.sample-lists.net", 1 },
	{ EGRESS_DOMAINS, "evil.sample-lists.net", "evil.sample-lists.net", 5000 },
	{ EGRESS_NETWORKS, "198.41.7.0/24", "198.41.7.9", 1 },
	{ EGRESS_NETWORKS, "198.41.7.0/24", "198.41.7.9", 5000 },
};
#define EACH(u) (const struct subject *u = subjects; u < subjects + sizeof(subjects) / sizeof(subjects[0]); u++)

/* What both want stays when the person's end comes, and goes when the list drops it. */
static void
test_import_outlives_end(void **state)
{
	time_t later = time(NULL) + 7200;

	for EACH(u)
		for (int order = 0; order < 2; order++) {
			struct egress_store *s = open_store(state);
			struct egress_counts n;

			if (order == 0)
				assert_int_equal(egress_store_add(s, u->list, u->value, "mine", 3600), 1);
			n = list_of(s, IMPORT, u->list, u->value, u->n);
			assert_int_equal(n.duplicate, order == 0);
			if (order == 1)
				assert_int_equal(egress_store_add(s, u->list, u->value, "mine", 3600), 0);
			assert_true(listed(state, u->list, u->inside, later));
			end_comes(state, s);
			assert_true(listed(state, u->list, u->inside, later));
			n = list_of(s, TAKE_OFF, u->list, u->value, u->n);
			assert_int_equal(n.removed, u->n);
			assert_false(listed(state, u->list, u->inside, later));
			egress_store_close(&s);
			fresh_folder(state);
		}
}

/* When the list drops it first, the person's end counts again. */
static void
test_end_after_list(void **state)
{
	time_t now = time(NULL);

	for EACH(u) {
		struct egress_store *s = open_store(state);
		struct egress_counts n;

		list_of(s, IMPORT, u->list, u->value, u->n);
		assert_int_equal(egress_store_add(s, u->list, u->value, "mine", 3600), 0);
		n = list_of(s, TAKE_OFF, u->list, u->value, 1);
		assert_int_equal(n.removed, 0);
		assert_int_equal(n.missing, 1);
		assert_true(listed(state, u->list, u->inside, now));
		assert_false(listed(state, u->list, u->inside, now + 7200));
		end_comes(state, s);
		assert_false(listed(state, u->list, u->inside, now));
		egress_store_close(&s);
		fresh_folder(state);
	}
}

/* One that is in a set, and gets an end later. */
static void
test_end_for_what_is_in_the_set(void **state)
{
	time_t now = time(NULL);
	char was[EGRESS_VALUE];

	for EACH(u) {
		struct egress_store *s = open_store(state);

		assert_int_equal(egress_store_add(s, u->list, u->value, "mine", 0), 1);
		list_of(s, IMPORT, u->list, u->list == EGRESS_NETWORKS ? "198.41.99.0/24" : "other.sample-lists.net", u->n);
		assert_int_equal(egress_store_add(s, u->list, u->value, "mine", 3600), 0);
		assert_true(listed(state, u->list, u->inside, now));
		assert_false(listed(state, u->list, u->inside, now + 7200));
		assert_int_equal(egress_store_add(s, u->list, u->value, "mine", 0), 0);
		assert_true(listed(state, u->list, u->inside, now + 7200));
		assert_int_equal(egress_store_del(s, u->list, u->value, 0, was), 1);
		assert_string_equal(was, u->value);
		assert_false(listed(state, u->list, u->inside, now));
		egress_store_close(&s);
		fresh_folder(state);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_import_outlives_end, ctl_test_setup, ctl_test_teardown),
		cmocka_unit_test_setup_teardown(test_end_after_list, ctl_test_setup, ctl_test_teardown),
		cmocka_unit_test_setup_teardown(test_end_for_what_is_in_the_set, ctl_test_setup, ctl_test_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
