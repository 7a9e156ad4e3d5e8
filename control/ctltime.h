/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTLTIME_H
#define LLMSEC_CTLTIME_H
/* Points in time as text, in milliseconds since the epoch.  Pure functions; any thread. */
#include <stdint.h>

/* The wall clock. */
int64_t	ctltime_now_ms(void);
/* A clock that never jumps, for deadlines. */
int64_t	ctltime_mono_ms(void);
/* "2026-01-02T03:04:05[.123]Z" or with +hh:mm (RFC 3339).  0 or -EINVAL. */
int	ctltime_parse_rfc3339(const char *, int64_t *ms);
/*
 * What a person types after --since: RFC 3339, seconds since the epoch ("1700000000",
 * "1700000000.250"), or how long ago ("90s", "10m", "2h", "7d").  0 or -EINVAL.
 */
int	ctltime_parse_since(const char *, int64_t now_ms, int64_t *ms);
/* "2026-01-02T03:04:05.123Z" */
void	ctltime_format(char out[32], int64_t ms);
#endif
