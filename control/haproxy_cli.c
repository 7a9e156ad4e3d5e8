/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/ctltime.h"
#include "control/haproxy_cli.h"
#include "lib/buf.h"

#define ANSWER_MAX	((size_t)64 << 20)

/* Wait for <events> until <deadline_ms> on the monotonic clock. */
static int
ready(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = deadline_ms - ctltime_mono_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

static int
dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* A full backlog (EAGAIN) is as good as nobody: the next try is soon. */
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int
say(int fd, const char *p, size_t len, int64_t deadline_ms)
{
	ssize_t n;
	int r;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n < 0 && (r = ready(fd, POLLOUT, deadline_ms)) < 0)
			return r;
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int
listen_to(int fd, struct buf *answer, int64_t deadline_ms)
{
	ssize_t n;
	char *room;
	int r;

	for (;;) {
		r = ready(fd, POLLIN, deadline_ms);
		room = r == 0 ? buf_room(answer, 4096) : NULL;
		if (room == NULL)
			return r < 0 ? r : answer->err;
		n = recv(fd, room, 4096, 0);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		buf_wrote(answer, n > 0 ? (size_t)n : 0);
	}
}

int
haproxy_cli(const char *path, const char *commands, size_t len, int timeout_ms, struct buf *answer)
{
	int64_t deadline_ms = ctltime_mono_ms() + timeout_ms;
	int fd = dial(path), r;

	if (fd < 0)
		return fd;
	answer->max = ANSWER_MAX;
	r = say(fd, commands, len, deadline_ms);
	if (r == 0)
		r = listen_to(fd, answer, deadline_ms);
	close(fd);
	return r;
}
