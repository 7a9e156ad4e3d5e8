/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file_write.h"
#include "ti-sync/file.h"

int
ti_file_map(struct ti_bytes *m, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;

	*m = (struct ti_bytes){NULL, 0};
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0) {
		err = -errno;
	} else if (st.st_size > 0) {
		m->p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (m->p == MAP_FAILED)
			err = -errno;
		else
			m->n = (size_t)st.st_size;
	}
	close(fd);
	return err;
}

void
ti_file_unmap(struct ti_bytes *m)
{
	if (m->n > 0)
		munmap(m->p, m->n);
	*m = (struct ti_bytes){NULL, 0};
}

int
ti_file_put(const char *dir, const char *name, const void *p, size_t n)
{
	char tmp[PATH_MAX], path[PATH_MAX];
	int fd, err;

	if (snprintf(tmp, sizeof(tmp), "%s/%s.new", dir, name) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	err = file_write_all(fd, p, n);
	if (err == 0 && fsync(fd) != 0)
		err = -errno;
	if (close(fd) != 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(tmp, path) != 0)
		err = -errno;
	if (err != 0)
		unlink(tmp);
	return err != 0 ? err : file_dir_sync(dir);
}
