/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BENCH_JSON_H
#define LLMSEC_BENCH_JSON_H
#include <stddef.h>

/* Parse with jansson; the number of strings, 0 on error.  In a file of its own: its names meet lib/json.h's. */
size_t	bench_jansson(const char *, size_t);
#endif
