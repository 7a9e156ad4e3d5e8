/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_LISTEN_H
#define LLMSEC_LISTEN_H
/* Sockets llmsecd listens on.  Pure functions over the kernel; any thread. */
#include <sys/socket.h>

/* "127.0.0.1:9190" or "[::1]:9190"; -EINVAL for anything that isn't loopback. */
int	listen_parse(const char *text, struct sockaddr_storage *, socklen_t *);
/* A listening TCP socket, close-on-exec, or -errno. */
int	listen_tcp(const char *text);
/*
 * A listening, non-blocking SOCK_SEQPACKET socket at <path>, mode 0660.  A socket file left by a
 * dead process is replaced; one that answers is somebody else's: -EADDRINUSE.
 */
int	listen_seqpacket(const char *path);
#endif
