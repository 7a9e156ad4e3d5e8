/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ti-sync/unpack.h"

#define PIECE	((size_t)1 << 18)

struct job {
	ti_bytes_fn	 fn;
	void		*arg;
	int64_t		 left;
};

static bool
is_packed(const unsigned char *p, size_t n)
{
	static const struct { const char *magic; size_t n; } v[] = {
		{"\x1f\x8b", 2}, {"\xfd" "7zXZ", 6}, {"\x28\xb5\x2f\xfd", 4}, {"PK\3\4", 4}, {"PK\5\6", 4}, {"BZh", 3},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		if (n >= v[i].n && memcmp(p, v[i].magic, v[i].n) == 0)
			return true;
	return false;
}

static int
pass_on(struct job *j, const void *p, size_t n)
{
	if ((int64_t)n > j->left)
		return -EFBIG;
	j->left -= (int64_t)n;
	return n > 0 ? j->fn(j->arg, p, n) : 0;
}

static int
read_plain(int fd, struct job *j)
{
	char *b = malloc(PIECE);
	int err = b != NULL ? 0 : -ENOMEM;

	while (err == 0) {
		ssize_t n = read(fd, b, PIECE);

		if (n == 0)
			break;
		if (n > 0)
			err = pass_on(j, b, (size_t)n);
		else if (errno != EINTR)
			err = -errno;
	}
	free(b);
	return err;
}

static int
entry_read(struct archive *a, struct job *j)
{
	const void *p;
	la_int64_t at;
	size_t n;
	int r, err = 0;

	while (err == 0 && (r = archive_read_data_block(a, &p, &n, &at)) != ARCHIVE_EOF) {
		if (r < ARCHIVE_WARN)
			return -EBADMSG;
		err = pass_on(j, p, n);
	}
	/* The last line of one file and the first of the next are two. */
	return err != 0 ? err : pass_on(j, "\n", 1);
}

static int
read_packed(int fd, struct job *j, char why[160])
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int r, err = a != NULL ? 0 : -ENOMEM;

	if (err != 0)
		return err;
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_format_zip(a);
	archive_read_support_format_raw(a);
	archive_read_support_format_empty(a);
	r = archive_read_open_fd(a, fd, 65536);
	while (err == 0 && r >= ARCHIVE_WARN && (r = archive_read_next_header(a, &e)) != ARCHIVE_EOF) {
		if (r < ARCHIVE_WARN)
			break;
		if (archive_entry_filetype(e) == AE_IFREG || archive_entry_filetype(e) == 0)
			err = entry_read(a, j);
	}
	if (err == 0 && r != ARCHIVE_EOF)
		err = -EBADMSG;
	if (err == -EBADMSG && why[0] == '\0')
		snprintf(why, 160, "can't unpack: %.120s", archive_error_string(a) != NULL ? archive_error_string(a) : "damaged");
	archive_read_free(a);
	return err;
}

int
ti_unpack(const char *path, int64_t max, ti_bytes_fn fn, void *arg, char why[160])
{
	struct job j = {fn, arg, max};
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	unsigned char head[8];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		err = -errno;
	else if (is_packed(head, (size_t)n))
		err = read_packed(fd, &j, why);
	else
		err = read_plain(fd, &j);
	close(fd);
	if (err == -EFBIG && j.left >= 0 && why[0] == '\0')
		snprintf(why, 160, "more than %lld bytes when unpacked", (long long)max);
	return err;
}
