/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_FILE_WRITE_H
#define LLMSEC_FILE_WRITE_H
/* The steps of writing a file so that it is there whole or not at all.  Any thread; all return 0 or -errno. */
#include <stddef.h>

/* All of it, however many calls of write(2) that takes; goes on after a signal. */
int	file_write_all(int fd, const void *, size_t n);
/* Forces the names in a folder to the disk: after rename(2), which is no more durable than that (POSIX, fsync). */
int	file_dir_sync(const char *dir);
/* The same of the folder that <path> lies in. */
int	file_parent_sync(const char *path);
#endif
