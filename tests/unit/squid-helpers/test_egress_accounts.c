/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/diag.h"
#include "lib/log.h"
#include "squid-helpers/egress_accounts.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_usage.h"

#define NOON	((time_t)1800014400)	/* of a day in UTC, and a full hour */

static const char text[] =
    "accounts: {log: l, state: s}\n"
    "identities: [{id: a, sources: [10.1.0.0/16]}, {id: b, sources: [10.2.0.0/16]}]\n"
    "budgets:\n"
    "  - {id: both, bytes: 1k}\n"
    "  - {id: up, direction: up, per: hour, bytes: 100, identities: [a], rules: [r]}\n"
    "  - {id: down, direction: down, bytes: 100, share: true, rules: [r, api.whitelist]}\n"
    "rules: [{id: r, domains: [r.example]}, {id: s, domains: [s.example]}]\n";

static struct egress_policy *
load(const char *t, char *err, size_t size)
{
	struct egress_policy *p = NULL;
	struct diag *d = diag_new();

	egress_policy_load(&p, "test.yaml", t, strlen(t), d);
	if (err != NULL)
		snprintf(err, size, "%s", diag_first(d));
	diag_free(&d);
	return p;
}

/* --- counts ----------------------------------------------------------------------------------- */

static void
bytes_count_by_direction_window_and_identity(void **state)
{
	struct egress_policy *p = load(text, NULL, 0);
	struct egress_usage *u = egress_usage_new(egress_policy_conf(p));
	time_t until;

	(void)state;
	assert_false(egress_usage_add(u, "a", "both,up,down", 60, 30, NOON, NOON));
	assert_int_equal(egress_usage_used(u, 0, 0, NOON, &until), 90);
	assert_int_equal(until, NOON + 43200);
	assert_int_equal(egress_usage_used(u, 1, 0, NOON, &until), 60);
	assert_int_equal(until, NOON + 3600);
	/* Shared: whoever asks. */
	assert_int_equal(egress_usage_used(u, 2, 0, NOON, NULL), 30);
	assert_int_equal(egress_usage_used(u, 2, 1, NOON, NULL), 30);
	assert_int_equal(egress_usage_used(u, 2, -1, NOON, NULL), 30);
	assert_int_equal(egress_usage_used(u, 0, 1, NOON, NULL), 0);
	/* Said twice in one line, by Squid: counted once.  It is the step over the limit that is told. */
	assert_true(egress_usage_add(u, "a", "up,up", 40, 0, NOON + 1, NOON + 1));
	assert_false(egress_usage_add(u, "a", "up", 40, 0, NOON + 2, NOON + 2));
	assert_int_equal(egress_usage_used(u, 1, 0, NOON + 3599, NULL), 140);
	assert_int_equal(egress_usage_over(u, 7, 0, NOON + 3599), 1);
	assert_int_equal(egress_usage_over(u, 5, 0, NOON + 3599), -1);
	assert_int_equal(egress_usage_over_count(u, NOON + 3599), 1);
	/* The next hour is new; what ended in the last one comes too late. */
	assert_int_equal(egress_usage_over(u, 7, 0, NOON + 3600), -1);
	egress_usage_add(u, "a", "up", 1, 0, NOON + 3600, NOON + 3600);
	egress_usage_add(u, "a", "up", 50, 0, NOON + 3599, NOON + 3600);
	assert_int_equal(egress_usage_used(u, 1, 0, NOON + 3600, NULL), 1);
	/* Put back, the clock gives nothing back. */
	assert_int_equal(egress_usage_used(u, 1, 0, NOON, NULL), 1);
	/* Of others. */
	assert_false(egress_usage_add(u, "nobody", "up", 1000, 0, NOON + 3600, NOON + 3600));
	assert_false(egress_usage_add(u, "a", "upper,u,,other", 1000, 0, NOON + 3600, NOON + 3600));
	assert_int_equal(egress_usage_used(u, 1, 0, NOON + 3600, NULL), 1);
	/* More than there are numbers is much, not little. */
	egress_usage_add(u, "-", "both", UINT64_MAX, UINT64_MAX, NOON, NOON);
	egress_usage_add(u, "-", "both", 5, 5, NOON, NOON);
	assert_true(egress_usage_used(u, 0, -1, NOON, NULL) == UINT64_MAX);
	egress_usage_free(&u);
	egress_policy_free(&p);
}

/* The clock was a year ahead for one request: the budget goes on from that in the window that really runs. */
static void
a_clock_that_was_ahead_switches_nothing_off(void **state)
{
	struct egress_policy *p = load(text, NULL, 0);
	struct egress_usage *u = egress_usage_new(egress_policy_conf(p));
	const time_t ahead = NOON + 365 * 86400;

	(void)state;
	egress_usage_add(u, "a", "both", 1, 0, ahead, ahead);
	egress_usage_add(u, "a", "both", 500, 0, NOON, NOON);
	assert_int_equal(egress_usage_used(u, 0, 0, NOON, NULL), 501);
	assert_true(egress_usage_add(u, "a", "both", 523, 0, NOON, NOON));
	/* Full, it refuses until the end of the day, and no longer. */
	egress_usage_add(u, "b", "both", 1024, 0, ahead, ahead);
	assert_true(egress_usage_read_line(u, "down - 4000000000 100"));
	assert_int_equal(egress_usage_over(u, 1, 1, NOON), 0);
	egress_usage_settle(u, NOON);
	assert_int_equal(egress_usage_over(u, 1, 1, NOON), 0);
	assert_int_equal(egress_usage_over(u, 4, 1, NOON), 2);
	assert_int_equal(egress_usage_over(u, 7, 1, NOON + 86400), -1);
	assert_int_equal(egress_usage_over(u, 7, 0, NOON + 86400), -1);
	egress_usage_free(&u);
	egress_policy_free(&p);
}

static void
decide(const struct egress_policy *p, const char *src, const char *host, enum egress_reason reason, const char *budget)
{
	struct egress_request q = { .src = { src, strlen(src) }, .method = { "GET", 3 }, .host = { host, strlen(host) },
	    .port = 443, .phase = EGRESS_AT_REQUEST };
	struct egress_verdict v;

	egress_decide(p, &q, &v);
	if (v.reason != reason || strcmp(v.budget != NULL ? v.budget : "", budget) != 0)
		fail_msg("%s %s: %s by %s, wanted %s", src, host, egress_reason_str(v.reason), v.budget, budget);
	assert_int_equal(v.allow, reason == EGRESS_ALLOWED);
}

static void
what_is_used_up_is_refused(void **state)
{
	struct egress_policy *p = load(text, NULL, 0);
	struct egress_usage *u = egress_usage_new(egress_policy_conf(p));

	(void)state;
	decide(p, "10.1.0.1", "r.example", EGRESS_NO_ACCOUNTS, "");
	decide(p, "10.1.0.1", "x.example", EGRESS_NOT_ALLOWED, "");
	egress_policy_usage(p, u);
	decide(p, "10.1.0.1", "r.example", EGRESS_ALLOWED, "");
	egress_usage_add(u, "a", "up", 100, 0, time(NULL) + 3600, time(NULL) + 3600);	/* not even at the turn of an hour */
	decide(p, "10.1.0.1", "r.example", EGRESS_OVER_BUDGET, "up");
	decide(p, "10.1.0.1", "s.example", EGRESS_ALLOWED, "");
	decide(p, "10.2.0.1", "r.example", EGRESS_ALLOWED, "");
	egress_usage_add(u, "b", "both", 1024, 0, time(NULL) + 86400, time(NULL) + 86400);
	decide(p, "10.2.0.1", "s.example", EGRESS_OVER_BUDGET, "both");
	decide(p, "10.3.0.1", "s.example", EGRESS_ALLOWED, "");
	egress_usage_free(&u);
	egress_policy_free(&p);
}

static void
policies_that_cannot_be_counted_are_errors(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "budgets: [{id: a, bytes: 1}]\n", "accounts.log" },
		{ "accounts: {log: l, state: s}\nbudgets: [{id: a, bytes: 1, rules: [x]}]\n", "not a rule" },
		{ "accounts: {log: l, state: s}\nbudgets: [{id: a, bytes: 1, identities: [x]}]\n", "not an identity" },
		{ "accounts: {log: l, state: s}\nbudgets: [{id: a, bytes: 1}, {id: a, bytes: 2}]\n", "two budgets" },
		{ "accounts: {log: l, state: s}\nbudgets: [{id: a, bytes: 0}]\n", "bytes" },
		{ "accounts: {log: l, state: s}\nbudgets: [{id: a}]\n", "bytes" },
	};
	char err[512];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_null(load(t[i].text, err, sizeof(err)));
		if (strstr(err, t[i].why) == NULL)
			fail_msg("%s: \"%s\" does not say %s", t[i].text, err, t[i].why);
	}
}

/* --- log and state ---------------------------------------------------------------------------- */

struct world {
	char			 dir[64], log[100], st[100], yaml[1024];
	struct egress_policy	*p;
	struct egress_accounts	 a;
};

static void
policy_take(struct world *w, const char *more)
{
	struct egress_policy *p;

	snprintf(w->yaml, sizeof(w->yaml), "accounts: {log: %s, state: %s}\nidentities: [{id: a, sources: [10.1.0.0/16]}]\n"
	    "budgets: [{id: day, bytes: 1k}%s]\n", w->log, w->st, more);
	p = load(w->yaml, NULL, 0);
	assert_non_null(p);
	egress_accounts_direct(&w->a, egress_policy_conf(p));
	egress_policy_free(&w->p);
	w->p = p;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->dir, "/tmp/egress-accounts.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->log, sizeof(w->log), "%s/log", w->dir);
	snprintf(w->st, sizeof(w->st), "%s/state", w->dir);
	egress_accounts_init(&w->a);
	policy_take(w, "");
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	char cmd[128];

	egress_accounts_close(&w->a);
	egress_policy_free(&w->p);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", w->dir);
	assert_int_equal(system(cmd), 0);
	free(w);
	return 0;
}

static void
squid_writes(struct world *w, const char *s)
{
	FILE *f = fopen(w->log, "a");

	assert_non_null(f);
	fputs(s, f);
	assert_int_equal(fclose(f), 0);
}

static void
squid_says(struct world *w, unsigned up, unsigned down)
{
	char line[128];

	snprintf(line, sizeof(line), "%lld a day %u %u\n", (long long)time(NULL), up, down);
	squid_writes(w, line);
}

static uint64_t
used(const struct world *w)
{
	return egress_usage_used(w->a.usage, 0, 0, time(NULL), NULL);
}

/* As if it had been killed: nothing is written at the end. */
static void
killed_and_back(struct world *w)
{
	close(w->a.fd);
	w->a.fd = -1;
	egress_usage_free(&w->a.usage);
	free(w->a.log);
	free(w->a.state);
	egress_accounts_init(&w->a);
	egress_accounts_direct(&w->a, egress_policy_conf(w->p));
}

static void
every_line_counts_once(void **state)
{
	struct world *w = *state;

	assert_false(egress_accounts_check(&w->a));
	assert_null(egress_accounts_usage(&w->a));	/* no log: not known */
	squid_says(w, 10, 20);
	squid_writes(w, "1 a day 5");		/* Squid is about to write the rest */
	assert_false(egress_accounts_check(&w->a));
	assert_non_null(egress_accounts_usage(&w->a));
	assert_int_equal(used(w), 30);
	squid_writes(w, "0 0\nnot a line\n1 a day -5 0\n1 a day 1 x\n\n");
	egress_accounts_check(&w->a);
	assert_int_equal(w->a.bad, 4);
	assert_int_equal(used(w), 30);
	/* Killed before the counts were kept, and after. */
	killed_and_back(w);
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 30);
	egress_accounts_keep(&w->a);
	squid_says(w, 1, 1);
	killed_and_back(w);
	assert_int_equal(used(w), 30);
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 32);
	squid_says(w, 1000, 0);
	assert_true(egress_accounts_check(&w->a));
}

static void
rotated_or_cut_the_log_goes_on(void **state)
{
	struct world *w = *state;
	char old[128];

	squid_says(w, 0, 100);
	egress_accounts_check(&w->a);
	snprintf(old, sizeof(old), "%s.0", w->log);
	assert_int_equal(rename(w->log, old), 0);
	egress_accounts_keep(&w->a);
	squid_writes(w, "");	/* logrotate made it, Squid goes on in the old one */
	egress_accounts_keep(&w->a);
	{
		FILE *f = fopen(old, "a");

		fprintf(f, "%lld a day 0 7\n", (long long)time(NULL));
		fclose(f);
	}
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 107);
	squid_says(w, 0, 1);
	egress_accounts_keep(&w->a);
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 108);
	assert_int_equal(truncate(w->log, 0), 0);
	egress_accounts_keep(&w->a);
	squid_says(w, 0, 2);
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 110);
	/* Cut and grown while nobody looked: the counts are there. */
	egress_accounts_keep(&w->a);
	killed_and_back(w);
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 110);
}

/* Squid's last lines before a rotation, written after the helper looked, and the first ones of the new log. */
static void
the_end_of_a_rotated_log_counts(void **state)
{
	struct world *w = *state;
	char old[128];

	squid_says(w, 0, 1);
	egress_accounts_check(&w->a);
	squid_says(w, 0, 1000);
	squid_says(w, 0, 100);
	snprintf(old, sizeof(old), "%s.0", w->log);
	assert_int_equal(rename(w->log, old), 0);
	squid_says(w, 0, 7);
	assert_true(egress_accounts_keep(&w->a));
	assert_int_equal(used(w), 1101);
	assert_false(egress_accounts_keep(&w->a));
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 1108);
	/* They are in the state, and the new log begins at its beginning. */
	killed_and_back(w);
	assert_int_equal(used(w), 1101);
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 1108);
}

static void
a_broken_state_begins_anew(void **state)
{
	static const char *const bad[] = { "", "x\n", "llmsec-egress-accounts 1\n", "llmsec-egress-accounts 1\nlog 1 1\n",
	    "llmsec-egress-accounts 1\nlog 1 1\nday a x y\nend\n", "llmsec-egress-accounts 1\nlog 1 1\nend\nday a 0 1\n" };
	struct world *w = *state;

	squid_says(w, 0, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		FILE *f = fopen(w->st, "w");

		fputs(bad[i], f);
		fclose(f);
		killed_and_back(w);
		egress_accounts_check(&w->a);
		assert_int_equal(used(w), 100);
	}
}

static void
another_policy_keeps_what_it_has_too(void **state)
{
	struct world *w = *state;

	squid_says(w, 0, 100);
	egress_accounts_check(&w->a);
	policy_take(w, ", {id: more, bytes: 1k}");
	assert_int_equal(used(w), 100);
	assert_int_equal(egress_usage_used(w->a.usage, 1, 0, time(NULL), NULL), 0);
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 100);
}

/* A state written by a clock that was ahead. */
static void
a_state_of_tomorrow_is_of_today(void **state)
{
	struct world *w = *state;
	FILE *f = fopen(w->st, "w");

	fprintf(f, "llmsec-egress-accounts 1\nlog 1 1\nday a %lld 100\nend\n", (long long)(time(NULL) + 90 * 86400));
	fclose(f);
	killed_and_back(w);
	squid_says(w, 0, 7);
	egress_accounts_check(&w->a);
	assert_int_equal(used(w), 107);
	assert_int_equal(egress_usage_used(w->a.usage, 0, 0, time(NULL) + 86400, NULL), 0);
}

/* The file that was forced to the disk last, of what size then; in the place of libc's. */
static struct stat synced;
static int sync_err;

int
fsync(int fd)
{
	struct stat st;

	errno = sync_err;
	if (sync_err != 0 || fstat(fd, &st) < 0)
		return -1;
	/* The folder, too, afterwards. */
	if (S_ISREG(st.st_mode))
		synced = st;
	return 0;
}

/* rename(2) alone may leave an empty file after a loss of power, and the log may have a hole by then. */
static void
the_state_is_on_disk_before_it_counts(void **state)
{
	struct world *w = *state;
	struct stat st;

	squid_says(w, 0, 1);
	egress_accounts_check(&w->a);
	egress_accounts_keep(&w->a);
	assert_int_equal(stat(w->st, &st), 0);
	assert_int_equal(st.st_ino, synced.st_ino);
	assert_int_equal(st.st_size, synced.st_size);
	/* The disk doesn't take it: the state of before stays, and it is tried again. */
	sync_err = EIO;
	squid_says(w, 0, 2);
	egress_accounts_check(&w->a);
	egress_accounts_keep(&w->a);
	assert_int_equal(w->a.state_err, -EIO);
	assert_int_equal(stat(w->st, &synced), 0);
	assert_int_equal(st.st_ino, synced.st_ino);
	sync_err = 0;
	egress_accounts_keep(&w->a);
	assert_int_equal(w->a.state_err, 0);
	killed_and_back(w);
	assert_int_equal(used(w), 3);
}

static void
what_killed_helpers_left_is_removed(void **state)
{
	static const char *const stays[] = { "state.x-1.new", "state.1.new", "state.-1.new", "state.0-1.new", "other.1-1.new",
	    "state.99999999999999999999-1.new", "state.1-1.news" };
	struct world *w = *state;
	pid_t gone = fork();
	char path[160];

	if (gone == 0)
		_exit(0);
	assert_true(gone > 0);
	assert_int_equal(waitpid(gone, NULL, 0), gone);
	for (size_t i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, stays[i]);
		assert_true(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	}
	/* Of one that runs, as far as anyone can tell. */
	snprintf(path, sizeof(path), "%s.%ld-1.new", w->st, (long)getppid());
	assert_true(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	snprintf(path, sizeof(path), "%s.%ld-3.new", w->st, (long)gone);
	assert_true(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	killed_and_back(w);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s.%ld-1.new", w->st, (long)getppid());
	assert_int_equal(access(path, F_OK), 0);
	for (size_t i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, stays[i]);
		assert_int_equal(access(path, F_OK), 0);
	}
}

/* Two helpers at one log: who is behind takes over where the other made a hole. */
static void
the_log_is_given_back(void **state)
{
	struct world *w = *state;
	struct egress_accounts slow;
	struct stat st;
	FILE *f;
	unsigned n = 0;

	squid_says(w, 0, 1);
	egress_accounts_init(&slow);
	egress_accounts_direct(&slow, egress_policy_conf(w->p));
	egress_accounts_check(&slow);
	for (int round = 0; round < 2; round++) {
		f = fopen(w->log, "a");
		for (int size = 0; size < 3 << 20; n++)
			size += fprintf(f, "%lld a day 0 1\n", (long long)time(NULL));
		fclose(f);
		egress_accounts_check(&w->a);
		egress_accounts_keep(&w->a);
	}
	assert_int_equal(used(w), n + 1);
	assert_int_equal(stat(w->log, &st), 0);
	if (w->a.free == 0 || st.st_blocks * 512 > 5 << 20) {
		print_message("no holes on this file system\n");
		egress_accounts_close(&slow);
		skip();
	}
	squid_says(w, 0, 5);
	egress_accounts_check(&slow);
	assert_int_equal(egress_usage_used(slow.usage, 0, 0, time(NULL), NULL), n + 6);
	/* And without the counts of the other: what is still there. */
	unlink(w->st);
	killed_and_back(w);
	egress_accounts_check(&w->a);
	assert_in_range(used(w), n / 3, n + 6);
	slow.dirty = false;
	egress_accounts_close(&slow);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_count_by_direction_window_and_identity),
		cmocka_unit_test(a_clock_that_was_ahead_switches_nothing_off),
		cmocka_unit_test(what_is_used_up_is_refused),
		cmocka_unit_test(policies_that_cannot_be_counted_are_errors),
		cmocka_unit_test_setup_teardown(every_line_counts_once, setup, teardown),
		cmocka_unit_test_setup_teardown(rotated_or_cut_the_log_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_of_a_rotated_log_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_state_begins_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(a_state_of_tomorrow_is_of_today, setup, teardown),
		cmocka_unit_test_setup_teardown(another_policy_keeps_what_it_has_too, setup, teardown),
		cmocka_unit_test_setup_teardown(the_state_is_on_disk_before_it_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_killed_helpers_left_is_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_is_given_back, setup, teardown),
	};

	log_init("test", LOG_DEST_STDERR, LOG_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
