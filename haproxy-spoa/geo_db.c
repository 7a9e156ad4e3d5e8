/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_MAXMINDDB
#include <maxminddb.h>
#endif

#include "haproxy-spoa/geo_db.h"
#include "lib/file_write.h"

/* ---- addresses -------------------------------------------------------------------------------- */

/* Not anybody's on the internet: RFC 6890 and its successors. */
static const struct {
	uint32_t	net;
	int		bits;
} special4[] = {
	{0x00000000, 8}, {0x0a000000, 8}, {0x64400000, 10}, {0x7f000000, 8}, {0xa9fe0000, 16}, {0xac100000, 12},
	{0xc0000000, 24}, {0xc0000200, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24},
	{0xe0000000, 3},
};

static bool
public4(uint32_t host_order)
{
	for (size_t i = 0; i < sizeof(special4) / sizeof(*special4); i++)
		if ((host_order ^ special4[i].net) >> (32 - special4[i].bits) == 0)
			return false;
	return true;
}

/* What is given out is 2000::/3 (RFC 4291), less its documentation prefix. */
static bool
public6(const uint8_t b[16])
{
	static const uint8_t documentation[4] = {0x20, 0x01, 0x0d, 0xb8};

	return (b[0] & 0xe0) == 0x20 && memcmp(b, documentation, sizeof(documentation)) != 0;
}

bool
geo_addr_public(union geo_addr *a, const char *text)
{
	struct in6_addr in6;
	struct in_addr in;

	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &in) != 1) {
		if (inet_pton(AF_INET6, text, &in6) != 1)
			return false;
		if (!IN6_IS_ADDR_V4MAPPED(&in6)) {
			a->in6.sin6_family = AF_INET6;
			a->in6.sin6_addr = in6;
			return public6(in6.s6_addr);
		}
		memcpy(&in, in6.s6_addr + 12, sizeof(in));
	}
	a->in.sin_family = AF_INET;
	a->in.sin_addr = in;
	return public4(ntohl(in.s_addr));
}

/* ---- stamps ----------------------------------------------------------------------------------- */

static void
stamp_of(struct geo_stamp *s, const struct stat *st)
{
	memset(s, 0, sizeof(*s));
	s->dev = st->st_dev;
	s->ino = st->st_ino;
	s->size = st->st_size;
	s->mtime = st->st_mtim;
}

void
geo_stamp_take(struct geo_stamp *s, const char *path)
{
	struct stat st;

	memset(s, 0, sizeof(*s));
	if (path[0] != '\0' && stat(path, &st) == 0)
		stamp_of(s, &st);
}

bool
geo_stamp_same(const struct geo_stamp *a, const struct geo_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* ---- the database ----------------------------------------------------------------------------- */

#ifdef HAVE_MAXMINDDB
#define FILE_MAX	((off_t)1 << 30)

struct geo_db {
	MMDB_s	mmdb;
};

bool
geo_db_supported(void)
{
	return true;
}

static int
copy_all(int to, int from)
{
	char buf[65536];
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(from, buf, sizeof(buf))) != 0)
		rc = n < 0 ? -errno : file_write_all(to, buf, (size_t)n);
	return rc;
}

/* A descriptor of a private copy, or -errno. */
static int
copy_open(const char *path)
{
	struct geo_stamp before, after;
	struct stat st;
	int from = open(path, O_RDONLY | O_CLOEXEC), to = -1, rc = 0;

	if (from < 0)
		return -errno;
	if (fstat(from, &st) != 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		rc = -EBADMSG;
	if (rc == 0) {
		stamp_of(&before, &st);
		to = memfd_create("llmsec-geo", MFD_CLOEXEC);
		rc = to < 0 ? -errno : copy_all(to, from);
	}
	if (rc == 0 && fstat(from, &st) == 0) {
		stamp_of(&after, &st);
		rc = geo_stamp_same(&before, &after) ? 0 : -EAGAIN;
	}
	close(from);
	if (rc != 0 && to >= 0)
		close(to);
	return rc != 0 ? rc : to;
}

int
geo_db_open(struct geo_db **dbp, const char *path)
{
	struct geo_db *db = calloc(1, sizeof(*db));
	char fd_path[32];
	int fd, rc;

	*dbp = NULL;
	fd = db != NULL ? copy_open(path) : -ENOMEM;
	if (fd < 0) {
		free(db);
		return fd;
	}
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
	rc = MMDB_open(fd_path, MMDB_MODE_MMAP, &db->mmdb);
	close(fd);
	if (rc != MMDB_SUCCESS) {
		free(db);
		return rc == MMDB_OUT_OF_MEMORY_ERROR ? -ENOMEM : -EBADMSG;
	}
	*dbp = db;
	return 0;
}

void
geo_db_free(struct geo_db **dbp)
{
	struct geo_db *db = *dbp;

	*dbp = NULL;
	if (db == NULL)
		return;
	MMDB_close(&db->mmdb);
	free(db);
}

/* MMDB_get_value would allocate its path; MMDB_aget_value takes ours. */
static bool
value_get(const struct geo_db *db, const union geo_addr *a, const char *const *path, MMDB_entry_data_s *out)
{
	MMDB_lookup_result_s r;
	int err = MMDB_SUCCESS;

	r = MMDB_lookup_sockaddr(&db->mmdb, &a->sa, &err);
	return err == MMDB_SUCCESS && r.found_entry &&
	    MMDB_aget_value(&r.entry, out, path) == MMDB_SUCCESS && out->has_data;
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

bool
geo_db_country(const struct geo_db *db, const union geo_addr *a, char out[3])
{
	/* Where it is; else where its owner is registered. */
	static const char *const paths[][3] = {
		{"country", "iso_code", NULL}, {"registered_country", "iso_code", NULL},
	};
	MMDB_entry_data_s d;

	memcpy(out, "ZZ", 3);
	for (size_t i = 0; i < 2; i++)
		if (value_get(db, a, paths[i], &d) && d.type == MMDB_DATA_TYPE_UTF8_STRING && d.data_size == 2 &&
		    is_upper(d.utf8_string[0]) && is_upper(d.utf8_string[1])) {
			memcpy(out, d.utf8_string, 2);
			return true;
		}
	return false;
}

uint32_t
geo_db_asn(const struct geo_db *db, const union geo_addr *a)
{
	static const char *const path[] = {"autonomous_system_number", NULL};
	MMDB_entry_data_s d;

	return value_get(db, a, path, &d) && d.type == MMDB_DATA_TYPE_UINT32 ? d.uint32 : 0;
}

#else

bool
geo_db_supported(void)
{
	return false;
}

int
geo_db_open(struct geo_db **dbp, const char *path)
{
	*dbp = NULL;
	return -ENOTSUP;
}

void
geo_db_free(struct geo_db **dbp)
{
	*dbp = NULL;
}

bool
geo_db_country(const struct geo_db *db, const union geo_addr *a, char out[3])
{
	memcpy(out, "ZZ", 3);
	return false;
}

uint32_t
geo_db_asn(const struct geo_db *db, const union geo_addr *a)
{
	return 0;
}
#endif
