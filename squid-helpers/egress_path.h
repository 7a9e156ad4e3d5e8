/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_PATH_H
#define LLMSEC_EGRESS_PATH_H
/*
 * Paths of URLs against the patterns of rules.  Servers read one path in many ways (RFC 3986 section 6.2.2: escapes and
 * dot segments; beyond it: doubled slashes, backslashes, parameters behind a semicolon, escapes of escapes).  So a rule
 * that allows wants a path that there is one reading of, and a rule that refuses fits if any reading does.  Pure
 * functions, no allocation, any thread.
 */
#include <stdbool.h>
#include <stddef.h>

struct conf_strs;

#define EGRESS_PATH_MAX	4096	/* bytes; a longer one has no reading: it fits every refusal */

/* Of the path and what is behind it: the bytes before "?".  squid_line.h leaves an escaped one escaped. */
size_t	egress_path_len(const char *p, size_t n);
/* Does every server read these bytes alike? */
bool	egress_path_is_plain(const char *p, size_t n);
/* Is the path <p> plain, and one of the patterns (a star at the end stands for any rest)? */
bool	egress_path_allowed(const struct conf_strs *patterns, const char *p, size_t n);
/* May a server take <p> for one of them?  Case doesn't count; what can't be settled fits. */
bool	egress_path_refused(const struct conf_strs *patterns, const char *p, size_t n);
#endif
