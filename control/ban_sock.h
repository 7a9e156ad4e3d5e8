/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_SOCK_H
#define LLMSEC_BAN_SOCK_H
/*
 * A thread that tells whoever connects to a UNIX socket (SOCK_SEQPACKET) what is banned on this edge: the XDP loader.
 * Lines of JSON, one or more a datagram, never one in two:
 *	{"op":"begin","v":1}
 *	{"op":"add","cidr":"192.0.2.7","ttl_s":3600,"reason":"..."}	for each ban in force
 *	{"op":"end"}		what was not between the two is not banned
 * then "add" (also: longer), "del" (lifted) and "expire" as they happen, {"op":"ping"} where nothing does for 15 s.
 * A client that doesn't read is disconnected, comes back and gets everything.
 */
struct ban_list;
struct ban_sock;
struct counters;

#define BAN_SOCK_DATAGRAM	16384

/* Keeps the pointers; before the list has threads.  0 or -errno. */
int	ban_sock_start(struct ban_sock **, const char *path, struct ban_list *, struct counters *);
void	ban_sock_stop(struct ban_sock **);
#endif
