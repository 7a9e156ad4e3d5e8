/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "haproxy-spoa/listen_addr.h"

#define BACKLOG	1024

static int
addr_parse_unix(struct listen_addr *a, const char *s, const char *dir)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->ss;
	const char *comma = strrchr(s, ',');
	size_t n = comma ? (size_t)(comma - s) : strlen(s);
	bool relative = s[0] != '/' && dir[0] != '\0';
	char *end;
	int len;

	if (comma != NULL) {
		const char *m = strncmp(comma, ",mode=", 6) == 0 ? comma + 6 : comma + 1;

		a->mode = (mode_t)strtoul(m, &end, 8);
		if (*m == '\0' || *end != '\0' || a->mode > 0777)
			return -EINVAL;
	}
	len = snprintf(un->sun_path, sizeof(un->sun_path), "%s%s%.*s", relative ? dir : "",
	    relative ? "/" : "", (int)n, s);
	if (n == 0 || len < 0 || (size_t)len >= sizeof(un->sun_path))
		return -EINVAL;
	un->sun_family = AF_UNIX;
	a->len = sizeof(*un);
	return 0;
}

static int
addr_parse_port(const char *s, in_port_t *port)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*s < '0' || *s > '9' || *end != '\0' || v > 65535)
		return -EINVAL;
	*port = htons((in_port_t)v);
	return 0;
}

int
listen_addr_parse(struct listen_addr *a, const char *s, const char *dir)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&a->ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->ss;
	const char *colon = strrchr(s, ':');
	char host[64];
	size_t n;

	memset(a, 0, sizeof(*a));
	a->mode = 0660;
	if (strncmp(s, "unix:", 5) == 0)
		return addr_parse_unix(a, s + 5, dir);
	if (colon == NULL || colon == s || (n = (size_t)(colon - s)) >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		in6->sin6_family = AF_INET6;
		a->len = sizeof(*in6);
		return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 ?
		    addr_parse_port(colon + 1, &in6->sin6_port) : -EINVAL;
	}
	in->sin_family = AF_INET;
	a->len = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ?
	    addr_parse_port(colon + 1, &in->sin_port) : -EINVAL;
}

/* Is somebody answering on this Unix socket?  A refused connection is a leftover of a dead process. */
static int
unix_clear_stale(const struct listen_addr *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->ss;
	struct stat st;
	int fd, rc;

	if (lstat(un->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (const struct sockaddr *)un, a->len) != 0 && errno == ECONNREFUSED ? 0 : -EADDRINUSE;
	close(fd);
	if (rc == 0 && unlink(un->sun_path) != 0 && errno != ENOENT)
		rc = -errno;
	return rc;
}

static int
unix_bind(int fd, const struct listen_addr *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->ss;
	mode_t old;
	int rc = unix_clear_stale(a);

	if (rc != 0)
		return rc;
	old = umask(0177);	/* nobody gets in between bind and chmod */
	rc = bind(fd, (const struct sockaddr *)un, a->len) ? -errno : 0;
	umask(old);
	if (rc == 0 && chmod(un->sun_path, a->mode) != 0)
		rc = -errno;
	return rc;
}

int
listen_addr_open(struct listen_addr *a)
{
	int one = 1, rc, fd = socket(a->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (a->ss.ss_family == AF_UNIX) {
		rc = unix_bind(fd, a);
	} else {
		rc = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
		    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
		    /* Inherited by every connection: an ACK must not wait for the peer's TCP to acknowledge the last. */
		    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
		    bind(fd, (struct sockaddr *)&a->ss, a->len) ||
		    getsockname(fd, (struct sockaddr *)&a->ss, &a->len) ? -errno : 0;
	}
	if (rc == 0 && listen(fd, BACKLOG) != 0)
		rc = -errno;
	if (rc != 0) {
		close(fd);
		return rc;
	}
	return fd;
}

void
listen_addr_show(const struct listen_addr *a, char *out, size_t size)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a->ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->ss;
	char host[INET6_ADDRSTRLEN] = "";

	switch (a->ss.ss_family) {
	case AF_UNIX:
		snprintf(out, size, "unix:%s", ((const struct sockaddr_un *)&a->ss)->sun_path);
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%u", host, ntohs(in6->sin6_port));
		break;
	default:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(in->sin_port));
	}
}
