/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SCAN_H
#define LLMSEC_SCAN_H
/* Between the parts of llmsec-scan. */
#include <stdio.h>

struct icap_policy;

/*
 * Judge texts, a JSON object a line: {"id":..., "text":"...", "role":"user|tool|assistant|system"} (role: user if
 * absent).  Each is answered by one line: {"id", "action", "score", "rules":[...], "categories":[...],
 * "pii":[{"type","start","end"}], "us"}; a line that is no such object by {"line", "error"}.  0; 1: there were such lines;
 * -errno: the reading or writing failed.
 */
int	scan_lines(const struct icap_policy *, FILE *in, FILE *out);
#endif
