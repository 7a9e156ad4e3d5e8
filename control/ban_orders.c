/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/ban_orders.h"
#include "control/ban_request.h"
#include "lib/buf.h"
#include "lib/cidr.h"
#include "lib/file_write.h"

#define FILE_MAX	((off_t)1 << 20)

static int
write_to(const char *path, int flags, const struct buf *b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0640), r = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, buf_ptr(b), buf_len(b));
	if (n < 0)
		r = -errno;
	else if ((size_t)n != buf_len(b))
		r = -ENOSPC;
	close(fd);
	return r;
}

static int
lines_write(const char *path, struct buf *b)
{
	struct stat st;
	bool big = stat(path, &st) == 0 && st.st_size > FILE_MAX;
	int r = b->err != 0 ? b->err : big ? file_replace(path, buf_ptr(b), buf_len(b), 0640, FILE_KEEP_RIGHTS) : write_to(path, O_APPEND, b);

	buf_free(b);
	return r;
}

int
ban_orders_lift(const char *path, const struct cidr *c, size_t n, int64_t now_ms)
{
	char text[CIDR_TEXT];
	struct buf b = {0};

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%" PRId64 " lift ip %s\n", now_ms, cidr_format(&c[i], text));
	return lines_write(path, &b);
}

int
ban_orders_lift_ids(const char *path, const struct ban_id *id, size_t n, int64_t now_ms)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%" PRId64 " lift %s %s\n", now_ms, id[i].ja4 ? "ja4" : "key", id[i].text);
	return lines_write(path, &b);
}
