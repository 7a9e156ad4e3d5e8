/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_CHECK_H
#define LLMSEC_CTL_CHECK_H
/* llmsecctl check: every program judges its own configuration file. */
#include <stdio.h>

/*
 * Run each program's --check on its file under <conf_dir> and print one line each.  Programs are
 * looked for in <program_dirs>, a colon-separated list.  A program that isn't installed is not an
 * error; a file that is missing where the program is, is.  Returns how many failed.
 */
int	ctl_check(const char *conf_dir, const char *program_dirs, FILE *);
#endif
