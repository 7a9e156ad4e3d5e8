/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SDNOTIFY_H
#define LLMSEC_SDNOTIFY_H
/*
 * What a daemon tells systemd, without libsystemd (protocol: sd_notify(3)).  Outside systemd
 * ($NOTIFY_SOCKET unset) every call is a cheap no-op.  Reads the environment, changes nothing in it;
 * any thread.
 */
#include <stdint.h>

/*
 * Send one message of "KEY=value" lines: "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=...".
 * 0 if there is nobody to tell or it was told; -errno otherwise.  Never blocks.
 */
int		sdnotify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "RELOADING=1" with the clock systemd wants beside it; say READY=1 when the reload is over. */
int		sdnotify_reloading(void);
/*
 * Milliseconds between two "WATCHDOG=1" (half of what the unit allows), or 0: no watchdog wanted
 * from this process.
 */
uint64_t	sdnotify_watchdog_ms(void);
#endif
