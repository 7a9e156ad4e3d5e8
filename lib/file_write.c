/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file_write.h"

#define NAMES_MAX	1000	/* tried for a temporary file: there may be left-overs of others with our number */
#define AT_ONCE		((size_t)1 << 30)	/* Linux writes at most 2^31 - 4096 bytes in a call: write(2) */

int
file_write_all(int fd, const void *from, size_t n)
{
	const char *p = from;

	while (n > 0) {
		ssize_t k = write(fd, p, n < AT_ONCE ? n : AT_ONCE);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -EIO;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

int
file_dir_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0 || fsync(fd) != 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

int
file_parent_sync(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	return file_dir_sync(dirname(copy));
}

/* A file beside <path> that was not there before.  Its descriptor, or -errno. */
static int
beside_open(const char *path, char tmp[PATH_MAX], mode_t mode)
{
	static atomic_uint last;
	int fd = -1;

	for (int i = 0; i < NAMES_MAX && fd < 0; i++) {
		if (snprintf(tmp, PATH_MAX, "%s.%ld-%u.new", path, (long)getpid(), ++last) >= PATH_MAX)
			return -ENAMETOOLONG;
		fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd < 0 && errno != EEXIST)
			return -errno;
	}
	return fd < 0 ? -EEXIST : fd;
}

/* As readable as the file that it replaces was: who reads it may be somebody else, of whom only that file tells. */
static int
rights_take(int fd, const char *path, mode_t mode)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Of another group, and we are not in it: then whoever could read it by that goes on to, unless it's nothing for everybody. */
	if (fchown(fd, st.st_uid, st.st_gid) < 0 && fchown(fd, (uid_t)-1, st.st_gid) < 0)
		st.st_mode |= (st.st_mode & 0040) >> 3 & mode;
	return fchmod(fd, st.st_mode & 0777) < 0 ? -errno : 0;
}

int
file_replace(const char *path, const void *p, size_t n, mode_t mode, unsigned flags)
{
	char tmp[PATH_MAX];
	int fd = beside_open(path, tmp, mode), err;

	if (fd < 0)
		return fd;
	err = (flags & FILE_KEEP_RIGHTS) != 0 ? rights_take(fd, path, mode) : 0;
	if (err == 0)
		err = file_write_all(fd, p, n);
	/* Before the name: or after a loss of power there may be the name and nothing in it. */
	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(tmp, path) < 0)
		err = -errno;
	if (err < 0) {
		unlink(tmp);
		return err;
	}
	return file_parent_sync(path);
}

/* Is <name> what beside_open() of a process that is gone made?  One of our own number is, too: none is being written. */
static bool
is_left_over(const char *name, const char *base)
{
	size_t n = strlen(base);
	char *end, *last;
	long pid;

	if (strncmp(name, base, n) != 0 || name[n] != '.' || name[n + 1] < '1' || name[n + 1] > '9')
		return false;
	errno = 0;
	pid = strtol(name + n + 1, &end, 10);
	if (*end != '-' || end[1] < '1' || end[1] > '9' || errno != 0 || pid != (pid_t)pid)
		return false;
	strtoul(end + 1, &last, 10);
	return strcmp(last, ".new") == 0 && (pid == (long)getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH));
}

void
file_replace_tidy(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
	char *name = slash != NULL ? strndup(path, (size_t)(base - path)) : strdup(".");
	DIR *d = name != NULL ? opendir(name) : NULL;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL; )
		if (is_left_over(e->d_name, base))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	free(name);
}
