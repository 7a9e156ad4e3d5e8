/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_HAPROXY_CLI_H
#define LLMSEC_HAPROXY_CLI_H
/* HAProxy's Runtime API over its UNIX socket: one line of commands a connection, with a deadline. */
#include <stddef.h>

struct buf;

/* A line longer than the smallest tune.bufsize makes 2.6 hang without a word. */
#define HAPROXY_CLI_LINE	12000

/*
 * Send <commands>, separated by ";" and ended by a newline, and read what HAProxy says until it closes.
 * 0, -ETIMEDOUT or another -errno.
 */
int	haproxy_cli(const char *path, const char *commands, size_t len, int timeout_ms, struct buf *answer);
#endif
