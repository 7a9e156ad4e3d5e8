/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_CHECK_H
#define LLMSEC_CTL_CHECK_H
/* llmsecctl check: every program judges its own configuration file. */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Run each program's --check on its file under <conf_dir> and print one line each.  Programs are
 * looked for in <program_dirs>, a colon-separated list.  A program that isn't installed is not an
 * error; a file that is missing where the program is, is.  Returns how many failed.
 */
int	ctl_check(const char *conf_dir, const char *program_dirs, FILE *);

/* The first <name> in <dirs> that may be run. */
bool	ctl_program_find(char out[PATH_MAX], const char *dirs, const char *name);
/*
 * Run argv[0] to its end with nothing to read; <said>: the first line it printed that has one of <words>
 * ("error|FATAL"), else the first one.
 * Its exit status, 128 and more for a signal, or -errno: it could not be started.
 */
int	ctl_run(const char *const *argv, const char *words, char *said, size_t size);
#endif
