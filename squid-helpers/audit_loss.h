/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_AUDIT_LOSS_H
#define LLMSEC_AUDIT_LOSS_H
/*
 * How many lines a log daemon had taken when it had to end, and couldn't write: BASE.lost, 20 digits and an end of line.  It is
 * there from the start on, because a disk that is full has no room for a new file but lets one be overwritten.  The
 * next daemon makes a record of the number and then puts 0: a crash between the two tells of a loss twice, never not
 * at all.  It isn't signed: who can write the folder can take the number back.  One thread, under the trail's lock.
 */
#include <stdint.h>

/* Opens it, or makes it, on the disk; *lines is what it says.  The descriptor or -errno; -EBADMSG: it is no such file. */
int	audit_loss_open(const char *base, uint64_t *lines);
/* In place, and to the disk.  0 or -errno. */
int	audit_loss_put(int fd, uint64_t lines);
#endif
