/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/unit/control/ctl_test.h"

int
ctl_test_setup(void **state)
{
	struct ctl_test *t = calloc(1, sizeof(*t));
	const char *tmp = getenv("TMPDIR");

	if (t == NULL)
		return -1;
	snprintf(t->dir, sizeof(t->dir), "%s/llmsec-ctl.XXXXXX", tmp != NULL ? tmp : "/tmp");
	*state = t;
	return mkdtemp(t->dir) != NULL ? 0 : -1;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

int
ctl_test_teardown(void **state)
{
	struct ctl_test *t = *state;
	int r = nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	for (size_t i = 0; i < 8; i++)
		free(t->path[i]);
	free(t);
	return r;
}

char *
ctl_test_path(struct ctl_test *t, const char *name)
{
	char **p = &t->path[t->turn++ % 8];

	free(*p);
	assert_true(asprintf(p, "%s/%s", t->dir, name) > 0);
	return *p;
}

size_t
ctl_test_line(char out[CTL_LINE], const char *id, const char *request_id)
{
	int n = snprintf(out, CTL_LINE, "{\"v\":1,\"id\":\"%s\",\"ts\":\"2026-01-02T03:04:05.678Z\","
	    "\"node\":\"n1\",\"layer\":\"gateway\",\"event\":\"prompt.injection\",\"severity\":7,"
	    "\"score\":90,\"action\":\"block\",\"actor\":{\"ip\":\"192.0.2.7\"}", id);

	if (request_id != NULL)
		n += snprintf(out + n, (size_t)(CTL_LINE - n), ",\"request_id\":\"%s\"", request_id);
	n += snprintf(out + n, (size_t)(CTL_LINE - n), "}");
	assert_in_range(n, 1, CTL_LINE - 1);
	return (size_t)n;
}

void
ctl_test_file(const char *path, const void *bytes, size_t len, bool append)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

int64_t
ctl_test_sql(const char *db, const char *sql)
{
	sqlite3_stmt *q = NULL;
	sqlite3 *s = NULL;
	int64_t v = -1;

	if (sqlite3_open_v2(db, &s, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(s, 5000);
		if (sqlite3_prepare_v2(s, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
			v = sqlite3_column_int64(q, 0);
	}
	sqlite3_finalize(q);
	sqlite3_close(s);
	return v;
}
