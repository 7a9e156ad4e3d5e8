/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_EXPLAIN_H
#define LLMSEC_SPOAD_EXPLAIN_H
/*
 * `llmsec-spoad explain`: one raw request from standard input through all engines, and how its scores came about.  Needs no
 * daemon, no keys, and touches no state.
 */
/* Exit status: 0 allowed, 1 refused or an error, 2 wrong usage or configuration. */
int	explain_main(int argc, char **argv);
#endif
