/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

#include "lib/log.h"
#include "lib/utf8.h"

/* Standard error goes into a pipe while a test looks at it. */
struct capture {
	int	 saved, rd;
	char	 text[65536];
	size_t	 len;
};

static void
capture_begin(struct capture *c)
{
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	c->saved = dup(STDERR_FILENO);
	assert_true(dup2(p[1], STDERR_FILENO) >= 0);
	close(p[1]);
	c->rd = p[0];
}

static const char *
capture_end(struct capture *c)
{
	ssize_t n;

	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	c->len = 0;
	while ((n = read(c->rd, c->text + c->len, sizeof(c->text) - 1 - c->len)) > 0)
		c->len += (size_t)n;
	c->text[c->len] = '\0';
	close(c->rd);
	return c->text;
}

static struct capture cap;

static void
test_plain(void **state)
{
	unsetenv("JOURNAL_STREAM");
	capture_begin(&cap);
	log_init("prog", LOG_DEST_STDERR, LOG_INFO);
	log_err("one %d", 1);
	errno = ENOENT;
	log_warn("two");
	log_warnx("three");
	log_notice("four");
	log_info("five");
	log_debug("area", "never shown");
	log_set_level(LOG_DEBUG);
	log_debug("area", "six");
	log_set_level(LOG_ERR);
	log_warnx("never shown");
	log_err("seven");
	assert_string_equal(capture_end(&cap), "prog: one 1\nprog: two: No such file or directory\nprog: three\n"
	    "prog: four\nprog: five\nprog: area: six\nprog: seven\n");
}

static void
set_journal_stream(const char *fmt_extra)
{
	struct stat st;
	char v[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(v, sizeof(v), "%llu:%llu%s", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino, fmt_extra);
	setenv("JOURNAL_STREAM", v, 1);
}

/* Under systemd the priority comes first; in a child whose stderr went elsewhere it doesn't. */
static void
test_journal(void **state)
{
	capture_begin(&cap);
	set_journal_stream("");
	log_init("prog", LOG_DEST_STDERR, LOG_DEBUG);
	log_err("a");
	log_warnx("b");
	log_notice("c");
	log_info("d");
	log_debug("t", "e");
	assert_string_equal(capture_end(&cap), "<3>a\n<4>b\n<5>c\n<6>d\n<7>t: e\n");
	capture_begin(&cap);
	set_journal_stream("9");
	log_init("prog", LOG_DEST_STDERR, LOG_DEBUG);
	log_err("a");
	assert_string_equal(capture_end(&cap), "prog: a\n");
	unsetenv("JOURNAL_STREAM");
}

static char hooked[4096];
static int hooked_level, hooked_n;

static void
hook(int level, const char *line)
{
	hooked_level = level;
	hooked_n++;
	snprintf(hooked, sizeof(hooked), "%s", line);
}

/* Bytes from outside can neither end a line nor speak to a terminal, whichever they are. */
static void
test_no_control_bytes(void **state)
{
	char in[300], want[1200];
	size_t n = 0, k = 0;

	for (int c = 1; c < 256; c++) {
		in[n++] = (char)c;
		if (c >= 0x20 && c < 0x7f)
			want[k++] = (char)c;
		else
			k += (size_t)snprintf(want + k, sizeof(want) - k, "\\x%02x", c);
	}
	in[n] = want[k] = '\0';
	log_set_hook(hook);
	log_err("%s", in);
	assert_string_equal(hooked, want);
	assert_int_equal(hooked_level, LOG_ERR);
	log_err("%s", "a\nprog: forged\r\x1b[2J");
	assert_string_equal(hooked, "a\\x0aprog: forged\\x0d\\x1b[2J");
	log_err("%s", "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0|\x9b|\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_string_equal(hooked, "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0|\\x9b|\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
	log_err("%s", "cut \xe2\x82");
	assert_string_equal(hooked, "cut \\xe2\\x82");
	log_set_hook(NULL);
}

static void
test_hook(void **state)
{
	log_set_level(LOG_INFO);
	log_set_hook(hook);
	hooked_n = 0;
	capture_begin(&cap);
	errno = EBADF;
	log_info("through the hook");
	assert_int_equal(errno, EBADF);
	log_debug("x", "not at this level");
	assert_string_equal(capture_end(&cap), "");
	assert_int_equal(hooked_n, 1);
	assert_int_equal(hooked_level, LOG_INFO);
	assert_string_equal(hooked, "through the hook");
	log_set_hook(NULL);
	capture_begin(&cap);
	log_info("no hook");
	assert_string_equal(capture_end(&cap), "prog: no hook\n");
}

/* However long and whatever it is made of: one line, UTF-8, of bounded length. */
static void
test_long(void **state)
{
	static const char *const unit[] = { "x", "\n", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff" };
	char in[10000];

	for (size_t u = 0; u < sizeof(unit) / sizeof(*unit); u++)
		for (size_t shift = 0; shift < 4; shift++) {
			size_t n = shift, k = strlen(unit[u]);

			memset(in, 'a', shift);
			while (n + k < sizeof(in)) {
				memcpy(in + n, unit[u], k);
				n += k;
			}
			in[n] = '\0';
			capture_begin(&cap);
			log_err("%s", in);
			capture_end(&cap);
			assert_true(cap.len > 1500 && cap.len <= 2048);
			assert_true(utf8_valid(cap.text, cap.len));
			assert_ptr_equal(strchr(cap.text, '\n'), cap.text + cap.len - 1);
		}
}

#define THREADS	4
#define LINES	100

static void *
chatter(void *arg)
{
	char text[100];

	memset(text, 'a' + (int)(intptr_t)arg, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < LINES; i++)
		log_info("%s", text);
	return NULL;
}

static void
test_threads(void **state)
{
	pthread_t t[THREADS];
	unsigned lines = 0;

	capture_begin(&cap);
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, chatter, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	capture_end(&cap);
	for (char *p = cap.text; *p != '\0'; p += 106, lines++) {
		assert_memory_equal(p, "prog: ", 6);
		for (int i = 7; i < 105; i++)
			assert_int_equal(p[i], p[6]);
		assert_int_equal(p[105], '\n');
	}
	assert_int_equal(lines, THREADS * LINES);
}

static void
test_fatal(void **state)
{
	int status;
	pid_t pid;

	capture_begin(&cap);
	pid = fork();
	if (pid == 0) {
		log_fatalx("no such %s", "fi\nle");
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_string_equal(capture_end(&cap), "prog: no such fi\\x0ale\n");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

static void
test_levels(void **state)
{
	assert_int_equal(log_level_parse("err"), LOG_ERR);
	assert_int_equal(log_level_parse("warning"), LOG_WARNING);
	assert_int_equal(log_level_parse("notice"), LOG_NOTICE);
	assert_int_equal(log_level_parse("info"), LOG_INFO);
	assert_int_equal(log_level_parse("debug"), LOG_DEBUG);
	assert_int_equal(log_level_parse("Debug"), -1);
	assert_int_equal(log_level_parse(""), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_no_control_bytes),
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_fatal),
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
