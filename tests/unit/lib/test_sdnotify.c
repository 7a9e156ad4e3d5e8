/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/sdnotify.h"
#include "tests/unit/lib/temp.h"

/* systemd's end of $NOTIFY_SOCKET. */
static int
bind_notify(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0 && n < sizeof(sa.sun_path));
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static const char *
received(int fd)
{
	static char text[2048];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
check_messages(const char *path)
{
	unsigned long long us;
	int fd = bind_notify(path);

	assert_int_equal(sdnotify_send("READY=1\nSTATUS=%d workers", 4), 0);
	assert_string_equal(received(fd), "READY=1\nSTATUS=4 workers");
	assert_int_equal(sdnotify_reloading(), 0);
	assert_int_equal(sscanf(received(fd), "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
	assert_true(us > 0 && us / 1000 <= (unsigned long long)temp_clock_ms() + 1);
	assert_int_equal(sdnotify_send("STATUS=%0*d", 1100, 0), -EMSGSIZE);
	assert_string_equal(received(fd), "");
	close(fd);
}

static void
test_path_and_abstract(void **state)
{
	char dir[TEMP_PATH], path[TEMP_PATH + 16];

	temp_new(dir);
	snprintf(path, sizeof(path), "%s/notify", dir);
	check_messages(path);
	assert_int_equal(sdnotify_send("READY=1"), -ECONNREFUSED);
	path[0] = '@';
	check_messages(path);
	temp_remove(dir);
}

static void
test_nobody_listens(void **state)
{
	char longish[200];

	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(sdnotify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(sdnotify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	assert_int_equal(sdnotify_send("READY=1"), -ENOENT);
	setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	assert_int_equal(sdnotify_send("READY=1"), -EAFNOSUPPORT);
	memset(longish, 'x', sizeof(longish));
	longish[0] = '/';
	longish[199] = '\0';
	setenv("NOTIFY_SOCKET", longish, 1);
	assert_int_equal(sdnotify_send("READY=1"), -ENAMETOOLONG);
	unsetenv("NOTIFY_SOCKET");
}

static void
test_watchdog(void **state)
{
	char pid[32];

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_int_equal(sdnotify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(sdnotify_watchdog_ms(), 15000);
	setenv("WATCHDOG_USEC", "1", 1);
	assert_int_equal(sdnotify_watchdog_ms(), 1);
	setenv("WATCHDOG_USEC", "30s", 1);
	assert_int_equal(sdnotify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid() + 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(sdnotify_watchdog_ms(), 0);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(sdnotify_watchdog_ms(), 15000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_and_abstract),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
