/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file_write.h"
#include "squid-helpers/audit_loss.h"

#define TEXT	21	/* bytes, always */

int
audit_loss_put(int fd, uint64_t lines)
{
	char text[TEXT + 1];
	ssize_t n;

	snprintf(text, sizeof(text), "%020" PRIu64 "\n", lines);
	n = pwrite(fd, text, TEXT, 0);
	if (n != TEXT)
		return n < 0 ? -errno : -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Empty: a crash came between its making and the first number. */
static int
number_read(int fd, uint64_t *lines)
{
	char text[TEXT + 2];
	ssize_t n = pread(fd, text, TEXT + 1, 0);

	*lines = 0;
	if (n <= 0)
		return n < 0 ? -errno : 0;
	text[n] = '\0';
	if (n != TEXT || strspn(text, "0123456789") != TEXT - 1 || text[TEXT - 1] != '\n')
		return -EBADMSG;
	errno = 0;
	*lines = strtoull(text, NULL, 10);
	return errno != 0 ? -EBADMSG : 0;
}

int
audit_loss_open(const char *base, uint64_t *lines)
{
	char path[4100];
	struct stat st;
	int fd, r;

	snprintf(path, sizeof(path), "%s.lost", base);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else
		r = S_ISREG(st.st_mode) ? number_read(fd, lines) : -EBADMSG;
	if (r == 0)
		r = audit_loss_put(fd, *lines);
	if (r == 0)
		r = file_parent_sync(base);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
