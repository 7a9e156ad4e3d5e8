/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_ORDERS_H
#define LLMSEC_BAN_ORDERS_H
/*
 * A file that llmsec-spoad watches (behaviour.orders of spoad.yaml): who was unbanned, one line each,
 *	<milliseconds since the epoch> lift ip 192.0.2.7
 *	<milliseconds since the epoch> lift key 0123456789abcdef
 * Lines are appended by one write(2); a file over 1 MiB is replaced by a new one, renamed into place.
 */
#include <stddef.h>
#include <stdint.h>

struct ban_id;
struct cidr;

int	ban_orders_lift_ids(const char *path, const struct ban_id *, size_t n, int64_t now_ms);
/* 0 or -errno.  Whoever calls it from several threads takes turns. */
int	ban_orders_lift(const char *path, const struct cidr *, size_t n, int64_t now_ms);
#endif
