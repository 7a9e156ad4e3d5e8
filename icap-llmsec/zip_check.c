/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "icap-llmsec/zip_check.h"

#define TAIL		(16 * 1024)	/* libarchive looks for the end record in this much of the end */
#define END_LEN		22		/* APPNOTE 4.3.16 */
#define END64_LEN	56		/* 4.3.14, without extensible data: Python reads no other */
#define LOCATOR_LEN	20		/* 4.3.15 */
#define ENTRY_LEN	46		/* 4.3.12, before its name */

struct directory { uint64_t at, len, entries; };

static uint64_t
le(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

/* The last end record; <len>: there is none. */
static size_t
find_end(const unsigned char *p, size_t len)
{
	size_t low = len > TAIL ? len - TAIL + 1 : 0;

	for (size_t at = len >= END_LEN ? len - END_LEN + 1 : 0; at-- > low;)
		if (memcmp(p + at, "PK\5\6", 4) == 0)
			return at;
	return len;
}

/* <end>: where the directory must end. */
static bool
end_record(const unsigned char *p, size_t *end, struct directory *d)
{
	const unsigned char *e = p + *end;

	d->entries = le(e + 10, 2);
	d->len = le(e + 12, 4);
	d->at = le(e + 16, 4);
	return le(e + 4, 2) == 0 && le(e + 6, 2) == 0 && le(e + 8, 2) == d->entries;
}

/* All readers take the larger record if there is a locator, whatever the smaller one says. */
static bool
end64_record(const unsigned char *p, size_t *end, struct directory *d)
{
	const unsigned char *l = p + *end - LOCATOR_LEN, *e = l - END64_LEN;

	if (*end < LOCATOR_LEN + END64_LEN || le(l + 4, 4) != 0 || le(l + 16, 4) > 1)
		return false;
	*end -= LOCATOR_LEN + END64_LEN;
	d->entries = le(e + 32, 8);
	d->len = le(e + 40, 8);
	d->at = le(e + 48, 8);
	return le(l + 8, 8) == *end && memcmp(e, "PK\6\6", 4) == 0 && le(e + 4, 8) == END64_LEN - 12 && le(e + 16, 4) == 0 &&
	    le(e + 20, 4) == 0 && le(e + 24, 8) == d->entries;
}

/* Entry after entry, as many as are said to be (some writers count to 65535 only), and nothing between. */
static bool
entries_fit(const unsigned char *p, const struct directory *d)
{
	uint64_t at = d->at, end = d->at + d->len, n = 0;

	while (end - at >= ENTRY_LEN && memcmp(p + at, "PK\1\2", 4) == 0) {
		uint64_t k = ENTRY_LEN + le(p + at + 28, 2) + le(p + at + 30, 2) + le(p + at + 32, 2);

		if (k > end - at)
			return false;
		at += k;
		n++;
	}
	return at == end && (n & 0xffff) == (d->entries & 0xffff);
}

bool
zip_is_plain(const void *data, size_t len)
{
	const unsigned char *p = data;
	struct directory d;
	size_t end;

	if (len < 4 || memcmp(p, "PK", 2) != 0)
		return true;
	if ((end = find_end(p, len)) == len || !end_record(p, &end, &d))
		return false;
	if (end >= LOCATOR_LEN && memcmp(p + end - LOCATOR_LEN, "PK\6\7", 4) == 0 && !end64_record(p, &end, &d))
		return false;
	return d.at <= end && d.len == end - d.at && entries_fit(p, &d);
}
