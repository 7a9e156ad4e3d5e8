/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_FILE_WRITE_H
#define LLMSEC_FILE_WRITE_H
/* The steps of writing a file so that it is there whole or not at all.  Any thread; all return 0 or -errno. */
#include <stddef.h>
#include <sys/types.h>

/* All of it, however many calls of write(2) that takes; goes on after a signal. */
int	file_write_all(int fd, const void *, size_t n);
/* Forces the names in a folder to the disk: after rename(2), which is no more durable than that (POSIX, fsync). */
int	file_dir_sync(const char *dir);
/* The same of the folder that <path> lies in. */
int	file_parent_sync(const char *path);

enum file_replace_flags {
	/*
	 * Mode, group and, for root, owner of the file that it replaces, if there is one: a service goes on to read what root wrote for it.  Of a group that we can't give it to: readable for all, if it was for
	 * that group and <mode> is for all; else that group loses it.
	 */
	FILE_KEEP_RIGHTS = 1,
};

/*
 * Another content for <path>, whole or not at all, whatever ends the process or the machine meanwhile: readers find the old
 * file or the new one.  What is written first has a name of its own beside it ("PATH.PID-N.new"), which must not be there: a
 * symbolic link that others left under that name is not followed, another name is tried.  Only who is killed in between leaves
 * one behind.  <mode> is of a new file, less the umask.  On error the old file stays; but for an error of the folder's sync
 * at the end, when the new one is there and may not be after a loss of power.
 */
int	file_replace(const char *path, const void *, size_t n, mode_t mode, unsigned flags);
/* Removes what such writers, by now gone, left beside <path>; for who begins to write it, once. */
void	file_replace_tidy(const char *path);
#endif
