/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SET_FILE_H
#define LLMSEC_SET_FILE_H
/*
 * What domains.set and ips.set have in common (format: llmsec-set(5)).  A set is an immutable file: it is
 * written whole under a temporary name, fsynced and renamed, and read through mmap(2).  Who changes one in
 * place breaks its readers, as with a shared library.  All numbers in it are little-endian.
 *
 * Readers are written so that no content of the file can make them read outside of it or loop: what is
 * opened with SET_QUICK and has a flipped bit gives wrong answers, never a crash.  Without SET_QUICK the
 * checksum and every reference inside are verified before the first answer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct diag;

enum set_kind { SET_DOMAINS = 1, SET_ADDRESSES = 2 };

enum {
	SET_CATEGORIES = 64,		/* a bit each */
	SET_CATEGORY_LEN = 31,		/* bytes of a name: a-z 0-9 - _ */
};

enum set_open_flags {
	SET_QUICK = 1,			/* header and structure only: constant time, whatever the size */
	SET_COPY = 2,			/* read into memory of this process (on huge pages where there are any): whoever
					   cuts the file in place cannot pull a page away from under a lookup */
};

enum set_flags {
	SET_PASS = 1,			/* an exception: this name or network is not listed, though
					   something that covers it is */
};

/* What is known about an entry.  Entries share these, so that one costs a byte. */
struct set_class {
	uint64_t	 categories;
	uint8_t		 confidence;	/* 0 to 100 */
	uint8_t		 flags;		/* enum set_flags */
};

/* The answer to a lookup. */
struct set_hit {
	uint64_t	 categories;
	uint8_t		 confidence;
	uint8_t		 depth;		/* labels of the entry that matched; 0 for addresses */
};

/* What a writer says about the whole, and a reader gets back. */
struct set_meta {
	time_t		 created;
	uint64_t	 generation;	/* number of the run that made it */
	const char	*const *categories;
	size_t		 n_categories;
	uint8_t		 key[16];	/* of the hash; domains only */
};

struct set_info {
	enum set_kind	 kind;
	unsigned	 version;
	time_t		 created;
	uint64_t	 generation, entries, size;
	uint32_t	 checksum;	/* CRC-32C of everything behind the header */
	size_t		 n_categories, n_classes;
};

/* Which file stood at a path; all zero: none.  For readers that look once a second, outside the request
   path, and open anew when it is another. */
struct set_stamp {
	dev_t		 dev;
	ino_t		 ino;
	off_t		 size;
	struct timespec	 mtime;
};

void	set_stamp_take(struct set_stamp *, const char *path);
bool	set_stamp_same(const struct set_stamp *, const struct set_stamp *);

/* CRC-32C (Castagnoli; RFC 3720 12.1) of <n> more bytes, begun with 0. */
uint32_t set_crc32c(uint32_t crc, const void *, size_t n);
#endif
