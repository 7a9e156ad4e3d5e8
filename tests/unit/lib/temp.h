/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_TEMP_H
#define LLMSEC_TEST_TEMP_H
/* What tests with files need.  A fault of the machine ends the test program: no test can go on without. */
#include <stddef.h>
#include <stdint.h>

#define TEMP_PATH	96

/* A new folder under $TMPDIR (or /tmp, also when that is too long for a socket's path). */
void	 temp_new(char path[TEMP_PATH]);
/* With everything in it. */
void	 temp_remove(const char *path);
/* Files in it, also those whose names begin with a dot. */
size_t	 temp_count(const char *path);
/* Create DIR/NAME, mode 0600, with these bytes. */
void	 temp_write(const char *dir, const char *name, const void *, size_t);
/* Milliseconds of a clock that only goes forward, for deadlines. */
int64_t	 temp_clock_ms(void);
#endif
