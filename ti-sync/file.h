/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_FILE_H
#define LLMSEC_TI_FILE_H
/* Whole files: looked at through mmap(2), written under a temporary name and renamed. */
#include <stddef.h>

struct ti_bytes {
	void	*p;
	size_t	 n;
};

/* Read only.  0 or -errno; an empty file has n 0. */
int	ti_file_map(struct ti_bytes *, const char *path);
void	ti_file_unmap(struct ti_bytes *);
/* dir/name.new, forced to the disk, renamed to dir/name, the folder forced too.  0 or -errno. */
int	ti_file_put(const char *dir, const char *name, const void *, size_t n);
#endif
