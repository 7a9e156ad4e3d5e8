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
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return file_replace(path, p, n, 0644, 0);
}
