/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_RULES_SHOW_H
#define LLMSEC_TEST_RULES_SHOW_H
/* A rule set as text to compare, and a loader for tests. */
#include "haproxy-spoa/waf/rule.h"

/*
 * One line per rule in the order of the files, chained ones behind a "+":
 *	1 p2 ARGS|!ARGS:/x/ @rx(a) t(lowercase) pass log audit msg(...) setvar(TX.a=+1)
 * Only what is set is shown.  Valid until the next call.
 */
const char	*rules_show(const struct waf_rules *);
/* Load <text>; *diag becomes all messages, one a line.  Free both. */
struct waf_rules *rules_load(const char *text, const char *dir, char **diag);
#endif
