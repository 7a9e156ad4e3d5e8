/* SPDX-License-Identifier: MIT */
/* Every case of cases.txt has its scores and exactly its features; every feature has a case; weights do what they say. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/bot/cases.h"

struct rig {
	struct arena	*arena;
	struct bot	*bot;
	struct bot_case	*cases;
	size_t		 n;
};

static int
rig_open(void **state)
{
	static struct rig r;
	const char *srcdir = getenv("srcdir");
	struct bot_options o;
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/unit/bot/cases.txt", srcdir != NULL ? srcdir : "../src");
	r.arena = arena_new(0);
	r.cases = cases_load(path, &r.n, r.arena);
	cases_options(&o);
	r.bot = bot_new(&o);
	*state = &r;
	return r.bot != NULL ? 0 : -1;
}

static int
rig_close(void **state)
{
	struct rig *r = *state;

	bot_free(&r->bot);
	arena_free(&r->arena);
	return 0;
}

/* "BOT-101 BOT-109", in the order of the table. */
static void
ids_of(char *out, size_t size, const struct bot_report *r)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t f = 0; f < BOT_FEATURES; f++)
		for (size_t i = 0; i < r->n_hits; i++)
			if (r->hits[i].feature == f)
				n += (size_t)snprintf(out + n, size - n, "%s%s", n > 0 ? " " : "", bot_rows[f].id);
}

static void
every_case_has_its_scores(void **state)
{
	struct rig *r = *state;
	struct bot_report got;
	char ids[BOT_FEATURES * 8 + 1];
	unsigned wrong = 0;

	assert_true(r->n > 80);
	for (size_t i = 0; i < r->n; i++) {
		const struct bot_case *c = &r->cases[i];

		bot_judge(&got, r->bot, &c->in);
		ids_of(ids, sizeof(ids), &got);
		if (got.bot == c->bot && got.threat == c->threat && strcmp(ids, c->ids) == 0)
			continue;
		wrong++;
		print_error("%s (%s):\n  got    bot %d threat %d ids %s\n  wanted bot %d threat %d ids %s\n", c->name, c->about,
		    got.bot, got.threat, ids, c->bot, c->threat, c->ids);
	}
	assert_int_equal(wrong, 0);
}

static void
every_feature_has_a_case(void **state)
{
	/* Its weight is 0. */
	static const char *const elsewhere[] = {"BOT-112"};
	struct rig *r = *state;
	bool found;

	for (size_t f = 0; f < BOT_FEATURES; f++) {
		found = false;
		for (size_t i = 0; i < r->n; i++)
			found |= strstr(r->cases[i].ids, bot_rows[f].id) != NULL;
		for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
			found |= strcmp(elsewhere[i], bot_rows[f].id) == 0;
		if (!found)
			print_error("no case for %s\n", bot_rows[f].id);
		assert_true(found);
	}
}

static void
the_table_is_sound(void **state)
{
	(void)state;
	for (size_t f = 0; f < BOT_FEATURES; f++) {
		assert_int_equal(strlen(bot_rows[f].id), 7);
		assert_true(bot_rows[f].scores >= 1 && bot_rows[f].scores <= 3);
		assert_true(bot_rows[f].weight >= 0 && bot_rows[f].weight <= 100);
		assert_int_equal(bot_feature_find(bot_rows[f].id), f);	/* no id twice */
		if (f > 0)
			assert_true(strcmp(bot_rows[f - 1].id, bot_rows[f].id) < 0);
	}
	for (size_t i = 0; i < bot_n_agents; i++) {
		assert_true(strncmp(bot_agents[i].source, "https://", 8) == 0);
		assert_true(bot_agents[i].token[0] != '\0' && bot_agents[i].name[0] != '\0');
		for (const char *h = bot_agents[i].hosts; *h != '\0'; h += strcspn(h, " ") + (h[strcspn(h, " ")] == ' '))
			assert_int_equal(*h, '.');	/* or evilgooglebot.com would do */
	}
}

/* Each weight set to 0 takes its points away and nothing else. */
static void
a_weight_of_0_switches_a_feature_off(void **state)
{
	struct rig *r = *state;
	struct bot_report all, less;
	struct bot_options o;
	struct bot *b;

	for (size_t f = 0; f < BOT_FEATURES; f++) {
		cases_options(&o);
		o.weights[f] = 0;
		b = bot_new(&o);
		assert_non_null(b);
		for (size_t i = 0; i < r->n; i++) {
			bool fired = false;

			bot_judge(&all, r->bot, &r->cases[i].in);
			bot_judge(&less, b, &r->cases[i].in);
			for (size_t k = 0; k < all.n_hits; k++)
				fired |= all.hits[k].feature == f;
			assert_int_equal(less.n_hits, all.n_hits - fired);
			assert_true(less.bot <= all.bot || f == BOT_ASN);
			assert_true(less.threat <= all.threat);
		}
		bot_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_has_its_scores), cmocka_unit_test(every_feature_has_a_case),
		cmocka_unit_test(the_table_is_sound), cmocka_unit_test(a_weight_of_0_switches_a_feature_off),
	};

	return cmocka_run_group_tests_name("bot cases", tests, rig_open, rig_close);
}
