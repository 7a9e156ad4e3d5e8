/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_FUZZ_VARS_CHECK_H
#define LLMSEC_FUZZ_VARS_CHECK_H
/* What holds for a store of variables whatever the request was. */
#include <stdlib.h>

#include "haproxy-spoa/waf/vars_private.h"
#include "lib/arena.h"

#define MUST(x) do { if (!(x)) abort(); } while (0)

/* Reads every byte, so that the sanitizers see a pointer that leads astray. */
void	vars_check(const struct waf_vars *, const struct arena *);
#endif
