/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SET_PRIVATE_H
#define LLMSEC_SET_PRIVATE_H
/* The file format of sets, for the files that read and write them: llmsec-set(5). */
#include <endian.h>
#include <string.h>

#include "lib/set_file.h"

#define SET_MAGIC	"\x89LSET\r\n\x1a"	/* as PNG's: seven-bit and line-ending damage shows */
#define SET_VERSION_DOMAINS	2	/* 1, before any release: each name in the bucket of its own hash */
#define SET_VERSION_ADDRESSES	1
#define SET_HEADER	256
#define SET_ALIGN	64
#define SET_SECTIONS	8
#define SET_CLASS_SIZE	16
#define SET_CLASSES_MAX	65535			/* class 0 is "not listed" */
#define SET_NAME_SIZE	32

/* Offsets in the header. */
enum {
	SET_AT_VERSION = 8, SET_AT_KIND = 10, SET_AT_WIDTH = 11, SET_AT_FLAGS = 12, SET_AT_PROBES = 14,
	SET_AT_SIZE = 16, SET_AT_CREATED = 24, SET_AT_GENERATION = 32, SET_AT_ENTRIES = 40,
	SET_AT_KEY = 48, SET_AT_TABLE = 64, SET_AT_BODY_CRC = 248, SET_AT_HEAD_CRC = 252
};

enum { SET_HAS_TOP = 1 };			/* header flags: an entry has but one label */

enum set_section {
	SET_S_CATEGORIES, SET_S_CLASSES,
	SET_S_BUCKETS = 2, SET_S_FILTER,			/* domains */
	SET_S_INDEX4 = 2, SET_S_START4, SET_S_CLASS4, SET_S_START6, SET_S_CLASS6	/* addresses */
};

struct set_span {
	const uint8_t	*p;
	size_t		 n;
};

/* An open file.  Sections lie inside the mapping, aligned to SET_ALIGN in the file. */
struct set_map {
	void		*base;
	size_t		 size;
	void		*mapped;			/* NULL: memory of the caller's */
	size_t		 mapped_size;
	struct set_span	 s[SET_SECTIONS];
	struct set_info	 info;
	unsigned	 width;				/* bytes of a class number: 1 or 2 */
	unsigned	 flags, probes;
	uint8_t		 key[16];
};

static inline uint16_t
set_le16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t
set_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t
set_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline unsigned
set_version(enum set_kind kind)
{
	return kind == SET_DOMAINS ? SET_VERSION_DOMAINS : SET_VERSION_ADDRESSES;
}

/* What the kinds have in common when they are opened.  A set begins with its struct set_map. */
struct set_type {
	enum set_kind	 kind;
	size_t		 size;
	/* Finds its way in the sections, and unless <quick> verifies every reference in them.  NULL or what is wrong. */
	const char	*(*check)(void *set, bool quick);
};

/* A new set, or NULL with *err -errno; -EBADMSG and what isn't there is said in <diag>. */
void	*set_open(const struct set_type *, const char *path, unsigned flags, struct diag *, int *err);
void	*set_open_mem(const struct set_type *, const void *, size_t, unsigned flags, struct diag *, int *err);
void	 set_close(void *set);
/* Class <i> of the file; one that isn't there is the empty class. */
struct set_class set_map_class(const struct set_map *, unsigned i);
const char *set_map_category(const struct set_map *, unsigned i);
/* The answer that class <i>, not 0, stands for; false: an exception. */
bool	set_map_hit(const struct set_map *, unsigned i, unsigned depth, struct set_hit *);

/* The classes of a file being written; equal ones share a number. */
struct set_classes {
	struct set_class	*v;
	size_t			 n, cap;
	uint32_t		*slot;		/* open addressing, number + 1 */
	size_t			 mask;
	uint32_t		 last;		/* the one asked for last: most entries in a row are alike */
};

/* Number of <c>, from 1; -E2BIG or -ENOMEM. */
int	set_classes_add(struct set_classes *, const struct set_class *);
void	set_classes_free(struct set_classes *);
static inline unsigned
set_classes_width(const struct set_classes *c)
{
	return c->n < 256 ? 1 : 2;
}

struct set_out {
	enum set_kind		 kind;
	struct set_meta		 meta;		/* with names copied: */
	char			 names[SET_CATEGORIES][SET_NAME_SIZE];
	unsigned		 flags, probes;
	uint64_t		 entries;
};

void	set_out_init(struct set_out *, enum set_kind, const struct set_meta *);
/* <s>: the kind's sections, from number 2.  0 or -errno. */
int	set_out_write(const struct set_out *, const struct set_classes *, const struct set_span *s, size_t n,
	    const char *path);
#endif
