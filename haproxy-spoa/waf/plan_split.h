/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_PLAN_SPLIT_H
#define LLMSEC_WAF_PLAN_SPLIT_H
/* Patterns taken apart at their alternatives: the pattern is found in a text if one of the parts is. */
#include "haproxy-spoa/waf/waf.h"

struct arena;

/* Number of parts in <out>, each NUL-terminated in the arena; 0: it stays whole (or there would be over <max>). */
size_t		 plan_split(struct waf_str pattern, struct waf_str *out, size_t max, struct arena *);
#endif
