/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_GEO_DB_H
#define LLMSEC_SPOAD_GEO_DB_H
/*
 * One MaxMind DB file.  It is copied into memory when opened: a file that somebody overwrites in place
 * cannot pull pages away from under a lookup.  Immutable once open, any number of threads may look up;
 * a lookup allocates nothing.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct geo_db;

/* Which file stood at the path; all zero: none. */
struct geo_stamp {
	dev_t		 dev;
	ino_t		 ino;
	off_t		 size;
	struct timespec	 mtime;
};

union geo_addr {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

/* Was this built with libmaxminddb? */
bool	 geo_db_supported(void);
void	 geo_stamp_take(struct geo_stamp *, const char *path);
bool	 geo_stamp_same(const struct geo_stamp *, const struct geo_stamp *);

/* 0; -EBADMSG: not such a file; -EAGAIN: it changed meanwhile; -ENOTSUP; or -errno. */
int	 geo_db_open(struct geo_db **, const char *path);
void	 geo_db_free(struct geo_db **);

/*
 * Read the text.  False: no address, or one that is nobody's (private, loopback, link-local, shared,
 * multicast, ...), where no database is asked.  An IPv4 address in IPv6 clothes is undressed.
 */
bool	 geo_addr_public(union geo_addr *, const char *text);
/* ISO 3166-1 alpha-2 into <out>; false and "ZZ" if the database knows none. */
bool	 geo_db_country(const struct geo_db *, const union geo_addr *, char out[3]);
/* 0: unknown. */
uint32_t geo_db_asn(const struct geo_db *, const union geo_addr *);
#endif
