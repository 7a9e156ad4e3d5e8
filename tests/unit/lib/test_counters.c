/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/counters.h"
#include "lib/counters_private.h"
#include "lib/utf8.h"
#include "tests/unit/lib/temp.h"

static const struct counter_def defs[] = {
	{ "x_requests_total", "action=\"deny\"", "Requests.", COUNTER_COUNTER },
	{ "x_requests_total", "action=\"allow\"", "Requests.", COUNTER_COUNTER },
	{ "x_live", NULL, "Live \\ now\nhere", COUNTER_GAUGE },
	{ "x_seconds", "path=\"a\\\"b\"", "Time.", COUNTER_HISTOGRAM },
};
enum { DENY, ALLOW, LIVE, SECONDS, N_DEFS };

static void
open_in(struct counters **c, const char *dir, const char *name)
{
	assert_int_equal(counters_open(c, dir, name, defs, N_DEFS), 0);
}

static void
test_values(void **state)
{
	struct counters *c;

	open_in(&c, NULL, "x");
	counters_add(c, DENY, 1);
	counters_add(c, DENY, 41);
	counters_set(c, LIVE, -7);
	counters_set(c, LIVE, -5);
	counters_observe(c, SECONDS, 0);
	counters_observe(c, SECONDS, UINT64_MAX);
	counters_observe(c, DENY, 5);		/* no histogram: nothing happens */
	counters_add(c, N_DEFS, 1);		/* no such row: nothing happens */
	counters_set(c, SIZE_MAX, 1);
	counters_observe(c, N_DEFS, 1);
	assert_int_equal(counters_get(c, DENY), 42);
	assert_int_equal(counters_get(c, ALLOW), 0);
	assert_int_equal((int64_t)counters_get(c, LIVE), -5);
	assert_int_equal(counters_get(c, SECONDS), 2);
	assert_int_equal(counters_get(c, N_DEFS), 0);
	counters_close(&c);
	assert_null(c);
	counters_close(&c);
}

static void
test_bad_tables(void **state)
{
	static const struct {
		struct counter_def d;
		int rc;
	} t[] = {
		{ { "", NULL, "", COUNTER_COUNTER }, -EINVAL },
		{ { "1a", NULL, "", COUNTER_COUNTER }, -EINVAL },
		{ { "a b", NULL, "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b", "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b=c", "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b=\"c", "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b=\"c\",", "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b=\"c\"d=\"e\"", "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b=\"\\x\"", "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b=\"\n\"", "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b=\"\x1b\"", "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b=\"\xff\"", "", COUNTER_COUNTER }, -EINVAL },
		{ { "a", "b=\"c\",d=\"\\\\\\\"\\n\xc3\xbc\"", "", COUNTER_COUNTER }, 0 },
		{ { "a:b_9", "", "", COUNTER_GAUGE }, 0 },
	};
	char dir[TEMP_PATH], name[CTR_NAME_MAX + 1];
	struct counter_def d = { name, NULL, "", COUNTER_COUNTER };
	struct counters *c;

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		assert_int_equal(counters_open(&c, NULL, "x", &t[i].d, 1), t[i].rc);
		assert_int_equal(c != NULL, t[i].rc == 0);
		counters_close(&c);
	}
	memset(name, 'n', sizeof(name));
	name[CTR_NAME_MAX] = '\0';
	assert_int_equal(counters_open(&c, NULL, "x", &d, 1), -ENAMETOOLONG);
	temp_new(dir);
	assert_int_equal(counters_open(&c, dir, "../x", defs, N_DEFS), -EINVAL);
	assert_int_equal(counters_open(&c, dir, ".x", defs, N_DEFS), -EINVAL);
	assert_int_equal(temp_count(dir), 0);
	temp_remove(dir);
	assert_int_equal(counters_open(&c, dir, "x", defs, N_DEFS), -ENOENT);
}

#define PROCS	6
#define ADDS	20000

static void
check_children(const pid_t *pid, size_t n)
{
	int status;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

/* All open at the same moment, none sees a half made file, and no addition gets lost. */
static void
test_processes(void **state)
{
	char dir[TEMP_PATH], byte;
	struct counters *c;
	pid_t pid[PROCS];
	int gate[2];

	temp_new(dir);
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	for (int i = 0; i < PROCS; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i] != 0)
			continue;
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 0 || counters_open(&c, dir, "x", defs, N_DEFS) != 0)
			_exit(1);
		for (int k = 0; k < ADDS; k++) {
			counters_add(c, DENY, 1);
			counters_observe(c, SECONDS, (uint64_t)k);
		}
		counters_close(&c);
		_exit(0);
	}
	close(gate[0]);
	close(gate[1]);		/* go */
	check_children(pid, PROCS);
	open_in(&c, dir, "x");
	assert_int_equal(counters_get(c, DENY), PROCS * ADDS);
	assert_int_equal(counters_get(c, SECONDS), PROCS * ADDS);
	assert_int_equal(temp_count(dir), 1);
	counters_close(&c);
	temp_remove(dir);
}

static void *
adder(void *arg)
{
	for (int i = 0; i < ADDS; i++) {
		counters_add(arg, ALLOW, 2);
		counters_set(arg, LIVE, i);
		counters_observe(arg, SECONDS, 100);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct counters *c;
	pthread_t t[4];

	open_in(&c, NULL, "x");
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, adder, c), 0);
	while (counters_get(c, ALLOW) < ADDS)
		;	/* a reader beside the writers */
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(counters_get(c, ALLOW), 8 * ADDS);
	assert_int_equal(counters_get(c, SECONDS), 4 * ADDS);
	assert_int_equal(counters_get(c, LIVE), ADDS - 1);
	counters_close(&c);
}

/* Whatever a process counted before kill -9 is there afterwards, also for its successor. */
static void
test_kill(void **state)
{
	char dir[TEMP_PATH], got[64];
	uint64_t thousands = 0, v;
	struct counters *c;
	int p[2], status;
	ssize_t n;
	pid_t pid;

	temp_new(dir);
	for (int round = 0; round < 5; round++) {
		assert_int_equal(pipe2(p, O_CLOEXEC), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			if (counters_open(&c, dir, "x", defs, N_DEFS) != 0)
				_exit(1);
			for (;;) {
				for (int i = 0; i < 1000; i++)
					counters_add(c, DENY, 1);
				if (write(p[1], "k", 1) != 1)
					_exit(1);
			}
		}
		close(p[1]);
		n = read(p[0], got, 1 + (size_t)round * 10);
		assert_true(n > 0);
		assert_int_equal(kill(pid, SIGKILL), 0);
		thousands += (uint64_t)n;
		while ((n = read(p[0], got, sizeof(got))) > 0)
			thousands += (uint64_t)n;
		close(p[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		open_in(&c, dir, "x");
		v = counters_get(c, DENY);
		assert_true(v >= thousands * 1000 && v <= (thousands + (uint64_t)round + 1) * 1000);
		counters_close(&c);
	}
	temp_remove(dir);
}

static void
test_new_table(void **state)
{
	static const struct counter_def later[] = {
		{ "x_new_total", NULL, "New.", COUNTER_COUNTER },
		{ "x_live", NULL, "Other help.", COUNTER_GAUGE },
		{ "x_requests_total", "action=\"allow\"", "Requests.", COUNTER_COUNTER },
		{ "x_seconds", "path=\"a\\\"b\"", "Time.", COUNTER_COUNTER },	/* of another kind now */
	};
	struct counters *old, *c, *again;
	char dir[TEMP_PATH];

	temp_new(dir);
	open_in(&old, dir, "x");
	counters_add(old, DENY, 10);
	counters_add(old, ALLOW, 20);
	counters_set(old, LIVE, -30);
	counters_observe(old, SECONDS, 40);
	assert_int_equal(counters_open(&c, dir, "x", later, 4), 0);
	assert_int_equal(counters_get(c, 0), 0);
	assert_int_equal((int64_t)counters_get(c, 1), -30);
	assert_int_equal(counters_get(c, 2), 20);
	assert_int_equal(counters_get(c, 3), 0);
	/* Who still has the old table goes on without harm, into a file nobody reads. */
	counters_add(old, ALLOW, 5);
	counters_observe(old, SECONDS, 1);
	assert_int_equal(counters_get(c, 2), 20);
	counters_add(c, 2, 1);
	counters_close(&old);
	assert_int_equal(counters_open(&again, dir, "x", later, 4), 0);
	assert_int_equal(counters_get(again, 2), 21);
	counters_add(again, 0, 3);
	assert_int_equal(counters_get(c, 0), 3);
	assert_int_equal(temp_count(dir), 1);
	counters_close(&again);
	counters_close(&c);
	temp_remove(dir);
}

static char *
export(const char *dir)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_int_equal(counters_export(dir, f), 0);
	fclose(f);
	return text;
}

static void
test_export(void **state)
{
	static const struct counter_def more[] = {
		{ "x_requests_total", "action=\"deny\"", "Requests.", COUNTER_COUNTER },
		{ "w_total", NULL, "First.", COUNTER_COUNTER },
	};
	struct counters *a, *b;
	struct buf want = { 0 };
	char dir[TEMP_PATH], *text;

	temp_new(dir);
	text = export(dir);
	assert_string_equal(text, "");
	free(text);
	open_in(&a, dir, "a");
	assert_int_equal(counters_open(&b, dir, "b", more, 2), 0);
	counters_add(a, DENY, 3);
	counters_add(a, ALLOW, UINT64_MAX);
	counters_set(a, LIVE, INT64_MIN);
	counters_observe(a, SECONDS, 50);
	counters_observe(a, SECONDS, 64);
	counters_observe(a, SECONDS, 65);
	counters_observe(a, SECONDS, 1 << 26);
	counters_observe(a, SECONDS, 100000000);
	counters_add(b, 0, 4);
	buf_adds(&want, "# HELP w_total First.\n# TYPE w_total counter\nw_total 0\n"
	    "# HELP x_live Live \\\\ now\\nhere\n# TYPE x_live gauge\nx_live -9223372036854775808\n"
	    "# HELP x_requests_total Requests.\n# TYPE x_requests_total counter\n"
	    "x_requests_total{action=\"allow\"} 18446744073709551615\nx_requests_total{action=\"deny\"} 7\n"
	    "# HELP x_seconds Time.\n# TYPE x_seconds histogram\n");
	for (int k = 6; k <= 26; k++)
		buf_printf(&want, "x_seconds_bucket{path=\"a\\\"b\",le=\"%.9g\"} %d\n", (double)(1 << k) / 1e6,
		    k == 6 ? 2 : k < 26 ? 3 : 4);
	buf_adds(&want, "x_seconds_bucket{path=\"a\\\"b\",le=\"+Inf\"} 5\nx_seconds_sum{path=\"a\\\"b\"} 167.109043\n"
	    "x_seconds_count{path=\"a\\\"b\"} 5\n");
	buf_addc(&want, '\0');
	text = export(dir);
	assert_string_equal(text, want.data);
	free(text);
	buf_free(&want);
	counters_close(&a);
	counters_close(&b);
	temp_remove(dir);
	assert_int_equal(counters_export(dir, stderr), -ENOENT);
}

/* One name as two kinds, or a file that is none of ours: the rest of the page must stay readable. */
static void
test_export_strangers(void **state)
{
	static const struct counter_def other[] = { { "x_live", NULL, "Live.", COUNTER_COUNTER } };
	struct counters *a, *b;
	char dir[TEMP_PATH], path[TEMP_PATH + 16], *text, *first;

	temp_new(dir);
	open_in(&a, dir, "a");
	assert_int_equal(counters_open(&b, dir, "b", other, 1), 0);
	temp_write(dir, "empty.ctr", "", 0);
	temp_write(dir, "short.ctr", CTR_MAGIC, 8);
	temp_write(dir, "text.ctr", "no counters here, but long enough to be looked at, twice, thrice\n", 65);
	temp_write(dir, "a.txt", "x", 1);
	snprintf(path, sizeof(path), "%s/link.ctr", dir);
	assert_int_equal(symlink("a.ctr", path), 0);
	snprintf(path, sizeof(path), "%s/fifo.ctr", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/dir.ctr", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	counters_add(a, DENY, 3);
	text = export(dir);
	first = strstr(text, "# TYPE x_live ");
	assert_non_null(first);
	assert_null(strstr(first + 1, "# TYPE x_live "));
	assert_non_null(strstr(text, "x_requests_total{action=\"deny\"} 3\n"));
	free(text);
	counters_close(&a);
	counters_close(&b);
	temp_remove(dir);
}

static void
check_page(const char *text)
{
	char *end;

	assert_true(utf8_valid(text, strlen(text)));
	for (const char *line = text; *line != '\0';) {
		const char *nl = strchr(line, '\n'), *v;

		assert_non_null(nl);
		if (*line != '#') {
			for (v = nl; v > line && v[-1] != ' '; v--)
				;
			strtod(v, &end);
			assert_true(v > line && end == nl);
			assert_true((*line >= 'a' && *line <= 'z') || (*line >= 'A' && *line <= 'Z') || *line == '_' ||
			    *line == ':');
		}
		line = nl + 1;
	}
}

/* A damaged file is replaced by its owner and survived by whoever reads it. */
static void
test_damage(void **state)
{
	char dir[TEMP_PATH], path[TEMP_PATH + 16], *text;
	size_t len = sizeof(struct ctr_file) + N_DEFS * sizeof(struct ctr_slot);
	unsigned char *whole = malloc(len), *bad = malloc(len);
	struct counters *c;
	uint32_t seed = 5;
	FILE *f;

	temp_new(dir);
	snprintf(path, sizeof(path), "%s/x.ctr", dir);
	open_in(&c, dir, "x");
	counters_add(c, DENY, 3);
	counters_close(&c);
	f = fopen(path, "r");
	assert_int_equal(fread(whole, 1, len, f), len);
	fclose(f);
	for (int i = 0; i < 1500; i++) {
		memcpy(bad, whole, len);
		for (int k = 0; k < 3; k++) {
			seed = seed * 1664525u + 1013904223u;
			/* Names and labels are a small part of the file and get half of the damage. */
			bad[(seed >> 8) % (k & 1 ? len : 600)] = (unsigned char)(i % 3 == 0 ? '\n' : seed >> 24);
		}
		unlink(path);
		temp_write(dir, "x.ctr", bad, i % 10 == 0 ? (seed >> 8) % len : len);
		text = export(dir);
		for (char *p = text; *p != '\0'; p++)	/* help is free text */
			if (p[0] == '#' && (p == text || p[-1] == '\n'))
				while (p[1] != '\n' && p[1] != '\0')
					*++p = '#';
		check_page(text);
		free(text);
		open_in(&c, dir, "x");
		counters_add(c, DENY, 1);
		counters_close(&c);
	}
	free(whole);
	free(bad);
	temp_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad_tables),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_new_table),
		cmocka_unit_test(test_export),
		cmocka_unit_test(test_export_strangers),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
