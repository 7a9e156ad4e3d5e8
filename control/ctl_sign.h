/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_SIGN_H
#define LLMSEC_CTL_SIGN_H
#include <stdio.h>

/*
 * llmsecctl sign: the four headers of a request between edges, one a line, for curl -H @FILE.  The body comes from <in>
 * unless it is a GET; <at>: the timestamp, 0 is now.  Exit code.
 */
int	ctl_sign(const char *keys, const char *method, const char *path, long at, FILE *in, FILE *out);
#endif
