/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_TEST_H
#define LLMSEC_CTL_TEST_H
/* A folder of its own for every test of control/, and lines to put into it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_LINE	1024

struct ctl_test {
	char		dir[128];
	char		*path[8];
	unsigned	turn;
};

/* cmocka's setup and teardown; *state is a struct ctl_test. */
int	ctl_test_setup(void **state);
int	ctl_test_teardown(void **state);
/* DIR/NAME; good until the eighth call after it. */
char	*ctl_test_path(struct ctl_test *, const char *name);
/* A good event without newline; <request_id> NULL: none.  Its length. */
size_t	ctl_test_line(char out[CTL_LINE], const char *id, const char *request_id);
/* Write (or append) bytes to a file. */
void	ctl_test_file(const char *path, const void *bytes, size_t len, bool append);
/* The one number that <sql> yields; -1: no such database, or no such table. */
int64_t	ctl_test_sql(const char *db, const char *sql);
#endif
