/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EVENTS_TOOL_H
#define LLMSEC_EVENTS_TOOL_H
/* The commands of llmsec-events; each returns its exit status, 2 for wrong usage. */
int	events_emit(int argc, char **argv);
int	events_verify(int argc, char **argv);
int	events_counters(int argc, char **argv);
#endif
