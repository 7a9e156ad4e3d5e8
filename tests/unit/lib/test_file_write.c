/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/file_write.h"
#include "tests/unit/lib/temp.h"

static char dir[TEMP_PATH], path[TEMP_PATH + 16];

static int
setup(void **state)
{
	(void)state;
	temp_new(dir);
	snprintf(path, sizeof(path), "%s/file", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	temp_remove(dir);
	return 0;
}

static const char *
content(const char *p)
{
	static char b[256];
	FILE *f = fopen(p, "re");
	size_t n;

	if (f == NULL)
		return "";
	n = fread(b, 1, sizeof(b) - 1, f);
	fclose(f);
	b[n] = '\0';
	return b;
}

static mode_t
mode_of(const char *p)
{
	struct stat st;

	assert_int_equal(stat(p, &st), 0);
	return st.st_mode & 0777;
}

static void
a_new_file_has_the_mode_and_nothing_else_stays(void **state)
{
	mode_t was = umask(022);

	(void)state;
	assert_int_equal(file_replace(path, "one", 3, 0640, FILE_KEEP_RIGHTS), 0);
	assert_string_equal(content(path), "one");
	assert_int_equal(mode_of(path), 0640);
	umask(077);
	assert_int_equal(file_replace(path, "", 0, 0644, 0), 0);
	assert_string_equal(content(path), "");
	assert_int_equal(mode_of(path), 0600);
	umask(was);
	assert_int_equal(temp_count(dir), 1);
}

static void
rights_are_kept_where_that_is_asked(void **state)
{
	struct stat st;

	(void)state;
	temp_write(dir, "file", "old", 3);
	assert_int_equal(chmod(path, 0604), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 65534, 4), 0);
	assert_int_equal(file_replace(path, "new", 3, 0640, FILE_KEEP_RIGHTS), 0);
	assert_int_equal(mode_of(path), 0604);
	assert_int_equal(stat(path, &st), 0);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, 65534);
		assert_int_equal(st.st_gid, 4);
	}
	assert_int_equal(file_replace(path, "new", 3, 0640, 0), 0);
	assert_int_equal(mode_of(path) & 07, 0);
}

/* A group that we aren't in loses what isn't for everybody. */
static void
rights_that_cannot_be_kept(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (int open_to_all = 0; open_to_all < 2; open_to_all++) {
		temp_write(dir, "file", "old", 3);
		assert_int_equal(chmod(path, 0640) | chown(path, 0, 65533) | chown(dir, 65534, 65534), 0);
		assert_int_equal(setegid(65534) | seteuid(65534), 0);
		assert_int_equal(file_replace(path, "new", 3, open_to_all ? 0644 : 0640, FILE_KEEP_RIGHTS), 0);
		assert_int_equal(seteuid(0) | setegid(0), 0);
		assert_int_equal(mode_of(path), open_to_all ? 0644 : 0640);
	}
}

static void
a_reader_keeps_the_old_file(void **state)
{
	char b[8] = "";
	int fd;

	(void)state;
	temp_write(dir, "file", "old", 3);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(file_replace(path, "newer", 5, 0640, 0), 0);
	assert_int_equal(read(fd, b, sizeof(b)), 3);
	assert_string_equal(b, "old");
	close(fd);
	assert_string_equal(content(path), "newer");
}

/* RLIMIT_FSIZE is what a full disk looks like to write(2), but for the error's number. */
static void
a_full_disk_leaves_the_old_file(void **state)
{
	static const char big[100000];
	struct rlimit was, small;

	(void)state;
	temp_write(dir, "file", "old", 3);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 50000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(file_replace(path, big, sizeof(big), 0640, 0), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_string_equal(content(path), "old");
	assert_int_equal(temp_count(dir), 1);
}

/* In a process of its own, whose names are known: the first is PATH.PID-1.new. */
static void
a_link_at_the_temporary_name_is_not_followed(void **state)
{
	char victim[128], link[192];
	int status;
	pid_t pid;

	(void)state;
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	temp_write(dir, "victim", "precious", 8);
	temp_write(dir, "file", "old", 3);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct stat st;

		/* The number goes on from what this process has used before. */
		for (unsigned i = 1; i < 100; i++) {
			snprintf(link, sizeof(link), "%s.%ld-%u.new", path, (long)getpid(), i);
			if (symlink(victim, link) < 0)
				_exit(1);
		}
		if (file_replace(path, "new", 3, 0640, 0) != 0)
			_exit(2);
		_exit(lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(content(victim), "precious");
	assert_string_equal(content(path), "new");
}

/* Killed at any moment: the file is the old one or the new one, whole. */
static void
a_crash_leaves_the_old_file_or_the_new_one(void **state)
{
	static char a[200000], b[200000], is[200001];

	(void)state;
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	assert_int_equal(file_replace(path, a, sizeof(a), 0640, 0), 0);
	for (int i = 0; i < 40; i++) {
		int status, go[2];
		pid_t pid;
		FILE *f;
		char c;

		assert_int_equal(pipe(go), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			if (write(go[1], "", 1) != 1)
				_exit(1);
			for (;;)
				if (file_replace(path, b, sizeof(b), 0640, 0) < 0 || file_replace(path, a, sizeof(a), 0640, 0) < 0)
					_exit(1);
		}
		assert_int_equal(read(go[0], &c, 1), 1);
		usleep((useconds_t)(i * 50));	/* another moment each time; none is waited for */
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		close(go[0]);
		close(go[1]);
		f = fopen(path, "re");
		assert_non_null(f);
		assert_int_equal(fread(is, 1, sizeof(is), f), sizeof(a));
		fclose(f);
		assert_true(memcmp(is, is[0] == 'a' ? a : b, sizeof(a)) == 0);
	}
	file_replace_tidy(path);
	assert_int_equal(temp_count(dir), 1);
}

static void
what_cannot_be_says_why(void **state)
{
	char long_name[5000], below[160];

	(void)state;
	snprintf(below, sizeof(below), "%s/no/file", dir);
	assert_int_equal(file_replace(below, "x", 1, 0640, 0), -ENOENT);
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(file_replace(long_name, "x", 1, 0640, 0), -ENAMETOOLONG);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(file_replace(path, "x", 1, 0640, 0), -EISDIR);
	assert_int_equal(temp_count(dir), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_file_has_the_mode_and_nothing_else_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(rights_are_kept_where_that_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(rights_that_cannot_be_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_keeps_the_old_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_leaves_the_old_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_at_the_temporary_name_is_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_crash_leaves_the_old_file_or_the_new_one, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_says_why, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
