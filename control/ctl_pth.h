/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_PTH_H
#define LLMSEC_CTL_PTH_H
/* llmsecctl pth-scan: Python's start-up files (icap-llmsec/pth.h) of an installed tree, or of one file. */
#include <stdbool.h>
#include <stdio.h>

/*
 * Everything below <path>, wheels and eggs included; or <path> itself: a start-up file or an archive.  Nothing is executed or
 * followed but links to start-up files.  Exit code: 0 clean, 1 found, 2 something could not be read (and nothing was found).
 */
int	ctl_pth_scan(const char *path, bool json, FILE *out);
#endif
