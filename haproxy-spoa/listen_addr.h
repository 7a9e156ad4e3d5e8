/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_LISTEN_ADDR_H
#define LLMSEC_LISTEN_ADDR_H
/*
 * Where the agent listens: "unix:PATH", "unix:PATH,mode=0660", "127.0.0.1:9000", "[::1]:9000".
 * Numeric addresses only: an agent must not wait for DNS to start.
 */
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct listen_addr {
	struct sockaddr_storage	 ss;
	socklen_t		 len;
	mode_t			 mode;	/* of a Unix socket */
};

/* A relative PATH lies in <dir> ("": as it is).  0 or -EINVAL. */
int	listen_addr_parse(struct listen_addr *, const char *, const char *dir);
/*
 * A non-blocking listening socket, or -errno.  A Unix socket that nobody serves any more is replaced, a
 * live one is -EADDRINUSE.  TCP sockets share the port (SO_REUSEPORT); a port 0 is filled in.
 */
int	listen_addr_open(struct listen_addr *);
/* As spoad.yaml writes it, with the port that listening chose. */
void	listen_addr_show(const struct listen_addr *, char *, size_t);
#endif
