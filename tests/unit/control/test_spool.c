/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/ctltime.h"
#include "control/spool.h"
#include "tests/unit/control/ctl_test.h"

struct taken {
	char		lines[4096];	/* each with a '|' behind it */
	unsigned	n, rubbish, fail_at;
	size_t		rubbish_len;
	const char	*why;
};

static int
line_take(void *arg, const char *line, size_t len)
{
	struct taken *t = arg;
	size_t used = strlen(t->lines);

	if (t->fail_at != 0 && t->n + 1 == t->fail_at)
		return -EIO;
	t->n++;
	snprintf(t->lines + used, sizeof(t->lines) - used, "%.*s|", (int)len, line);
	return 0;
}

static int
rubbish_take(void *arg, const void *p, size_t len, const char *why)
{
	struct taken *t = arg;

	t->rubbish++;
	t->rubbish_len = len;
	t->why = why;
	return 0;
}

static int
dir_open(struct ctl_test *t)
{
	int fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static struct spool *
spool_with(struct ctl_test *t, const char *text, size_t len)
{
	int dir = dir_open(t);
	struct spool *s;

	ctl_test_file(ctl_test_path(t, "p-1.spool"), text, len, false);
	assert_int_equal(spool_open(&s, dir, "p-1.spool"), 0);
	close(dir);
	return s;
}

static void
slices(void **state)
{
	struct ctl_test *t = *state;
	struct taken got = {0};
	struct spool_sink sink = { line_take, rubbish_take, &got };
	struct spool *s = spool_with(t, "a\nbb\n\nccc\ndd", 12);

	assert_int_equal(spool_read(s, 2, &sink), 1);
	assert_string_equal(got.lines, "a|bb|");
	assert_int_equal(spool_read(s, 100, &sink), 1);
	assert_string_equal(got.lines, "a|bb|ccc|");
	/* The last line isn't finished: its sender is in the middle of it. */
	assert_int_equal(spool_read(s, 100, &sink), 0);
	assert_int_equal(spool_read(s, 100, &sink), 0);
	ctl_test_file(ctl_test_path(t, "p-1.spool"), "d\ne\n", 4, true);
	assert_int_equal(spool_read(s, 100, &sink), 1);
	assert_string_equal(got.lines, "a|bb|ccc|ddd|e|");
	assert_int_equal(got.rubbish, 0);
	spool_close(&s);
}

/* What the sink did not take comes again. */
static void
refused(void **state)
{
	struct taken got = { .fail_at = 2 };
	struct spool_sink sink = { line_take, rubbish_take, &got };
	struct spool *s = spool_with(*state, "a\nb\nc\n", 6);

	assert_int_equal(spool_read(s, 100, &sink), -EIO);
	assert_int_equal(spool_read(s, 100, &sink), -EIO);
	got.fail_at = 0;
	assert_int_equal(spool_read(s, 100, &sink), 1);
	assert_string_equal(got.lines, "a|b|c|");
	spool_close(&s);
}

static void
endless_line(void **state)
{
	size_t n = 2 * SPOOL_LINE_MAX + 5;
	char *text = malloc(n + 3);
	struct taken got = {0};
	struct spool_sink sink = { line_take, rubbish_take, &got };
	struct spool *s;
	int r;

	assert_non_null(text);
	memset(text, 'x', n);
	memcpy(text, "a\n", 2);
	memcpy(text + n, "\nb\n", 3);
	s = spool_with(*state, text, n + 3);
	while ((r = spool_read(s, 1, &sink)) == 1)
		;
	assert_int_equal(r, 0);
	assert_string_equal(got.lines, "a|b|");
	assert_int_equal(got.rubbish, 1);
	assert_string_equal(got.why, "line too long");
	spool_close(&s);
	free(text);
}

static bool
claim_in_time(struct spool *s)
{
	int64_t end = ctltime_mono_ms() + 5000;

	while (!spool_claim(s)) {
		if (ctltime_mono_ms() > end)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return true;
}

static void
dead_sender(void **state)
{
	struct ctl_test *t = *state;
	struct taken got = {0};
	struct spool_sink sink = { line_take, rubbish_take, &got };
	struct spool *s = spool_with(t, "a\nhalf", 6);
	int dir = dir_open(t), owner;

	/* Just made: its sender may be about to lock it. */
	assert_false(spool_claim(s));
	owner = open(ctl_test_path(t, "p-1.spool"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(owner, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(spool_read(s, 100, &sink), 1);
	assert_int_equal(spool_read(s, 100, &sink), 0);
	assert_int_equal(got.rubbish, 0);
	close(owner);
	assert_true(claim_in_time(s));
	assert_true(spool_claimed(s));
	assert_int_equal(spool_read(s, 100, &sink), 0);
	assert_int_equal(got.rubbish, 1);
	assert_int_equal(got.rubbish_len, 4);
	assert_string_equal(got.why, "line cut off");
	assert_string_equal(got.lines, "a|");
	assert_int_equal(spool_remove(s, dir), 0);
	assert_int_equal(access(ctl_test_path(t, "p-1.spool"), F_OK), -1);
	spool_close(&s);
	close(dir);
}

static void
live_sender(void **state)
{
	struct ctl_test *t = *state;
	struct spool *s = spool_with(t, "a\n", 2), *other;
	int dir = dir_open(t);
	int owner = open(ctl_test_path(t, "p-1.spool"), O_RDONLY | O_CLOEXEC);

	ctl_test_file(ctl_test_path(t, "p-2.spool"), "", 0, false);
	assert_int_equal(spool_open(&other, dir, "p-2.spool"), 0);
	assert_int_equal(flock(owner, LOCK_EX | LOCK_NB), 0);
	/* When the younger one may be claimed, the older one's age protects it no more; its lock does. */
	assert_true(claim_in_time(other));
	assert_false(spool_claim(s));
	close(owner);
	spool_close(&other);
	spool_close(&s);
	close(dir);
}

static void
replaced(void **state)
{
	struct ctl_test *t = *state;
	struct spool *s = spool_with(t, "a\n", 2);
	int dir = dir_open(t);

	ctl_test_file(ctl_test_path(t, "new"), "b\n", 2, false);
	assert_int_equal(rename(ctl_test_path(t, "new"), ctl_test_path(t, "p-1.spool")), 0);
	assert_int_equal(spool_remove(s, dir), -ESTALE);
	assert_int_equal(access(ctl_test_path(t, "p-1.spool"), F_OK), 0);
	spool_close(&s);
	close(dir);
}

static void
no_plain_file(void **state)
{
	struct ctl_test *t = *state;
	int dir = dir_open(t);
	struct spool *s;

	assert_int_equal(mkdir(ctl_test_path(t, "d.spool"), 0700), 0);
	assert_int_equal(mkfifo(ctl_test_path(t, "f.spool"), 0600), 0);
	assert_int_equal(symlink("/etc/passwd", ctl_test_path(t, "l.spool")), 0);
	assert_int_equal(spool_open(&s, dir, "d.spool"), -EINVAL);
	assert_int_equal(spool_open(&s, dir, "f.spool"), -EINVAL);
	assert_int_equal(spool_open(&s, dir, "l.spool"), -ELOOP);
	assert_int_equal(spool_open(&s, dir, "none.spool"), -ENOENT);
	assert_int_equal(spool_open(&s, dir, "../x"), -EINVAL);
	assert_null(s);
	close(dir);
}

static void
names(void **state)
{
	static const char *const bad[] = { "", ".", "..", ".x", "a/b", "../a", "a b", "a\n", "\xc3\xa9" };
	static const struct { const char *name, *program; } good[] = {
		{ "llmsec-spoad-1234-987654321.spool", "llmsec-spoad" },
		{ "ext_llmsec_egress_acl-7-1.spool", "ext_llmsec_egress_acl" },
		{ "llmsec-spoad-1234.spool", "llmsec-spoad" }, { "x.spool", "x" }, { "x", "x" },
		{ "v2-77.spool", "v2" },
	};
	char program[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(spool_name_ok(bad[i]));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(spool_name_ok(good[i].name));
		spool_program(program, good[i].name);
		assert_string_equal(program, good[i].program);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ctl_test_setup, ctl_test_teardown)
	const struct CMUnitTest tests[] = {
		T(slices), T(refused), T(endless_line), T(dead_sender), T(live_sender), T(replaced),
		T(no_plain_file), cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
