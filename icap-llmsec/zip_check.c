/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/zip_check.h"

#define TAIL		(16 * 1024)	/* libarchive looks for the end record in this much of the end */
#define END_LEN		22		/* APPNOTE 4.3.16 */
#define END64_LEN	56		/* 4.3.14, without extensible data: Python reads no other */
#define LOCATOR_LEN	20		/* 4.3.15 */
#define ENTRY_LEN	46		/* 4.3.12, before its name */
#define HEADER_LEN	30		/* 4.3.7, likewise */
#define READERS		66000		/* most look for the end record in this much of the end */
#define MAX_ENDS	64		/* archives inside, in that much; bounds the time */

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

/* A field's value <v>, or what stands for it in the zip64 extra field (4.5.3), which holds those that are all ones, in this order. */
static uint64_t
wide_in(const unsigned char *x, size_t len, uint64_t v, size_t before)
{
	const unsigned char *end = x + len;

	for (; v == UINT32_MAX && end - x >= 4 && le(x + 2, 2) <= (uint64_t)(end - x) - 4; x += 4 + le(x + 2, 2))
		if (le(x, 2) == 1 && le(x + 2, 2) >= 8 * (before + 1))
			return le(x + 4 + 8 * before, 8);
	return v;
}

/* Of an entry of the directory. */
static uint64_t
wide(const unsigned char *e, size_t at, size_t before)
{
	return wide_in(e + ENTRY_LEN + le(e + 28, 2), (size_t)le(e + 30, 2), le(e + at, 4), before);
}

/*
 * The checksum and both sizes of the header <h> are those of the directory; where they follow the file (bit 3) they may be nought.
 * libarchive goes by the header's own otherwise.
 */
static bool
sums_fit(const unsigned char *h, const unsigned char *e, uint64_t size)
{
	bool later = (le(h + 6, 2) & 8) != 0, all_ones = le(h + 22, 4) == UINT32_MAX;
	const unsigned char *x = h + HEADER_LEN + le(h + 26, 2);
	size_t n = (size_t)le(h + 28, 2);
	uint64_t sum = le(h + 14, 4), plain = wide_in(x, n, le(h + 22, 4), 0), packed = wide_in(x, n, le(h + 18, 4), all_ones);

	return (sum == le(e + 16, 4) || (later && sum == 0)) && (plain == wide(e, 24, 0) || (later && plain == 0)) &&
	    (packed == size || (later && packed == 0));
}

/* A folder by its attributes (of Unix or DOS) and a file by its name: readers differ, so it must be empty. */
static bool
is_two_faced(const unsigned char *e, uint64_t size)
{
	size_t n = (size_t)le(e + 28, 2);
	unsigned char last = n > 0 ? e[ENTRY_LEN + n - 1] : 0;
	bool folder = (le(e + 38, 4) & 0x10) != 0 || (le(e + 40, 2) & 0170000) == 0040000;

	return folder && last != '/' && last != '\\' && size > 0;
}

static size_t
component(const unsigned char *s, size_t n)
{
	size_t k = 0;

	while (k < n && s[k] != '/' && s[k] != '\\')
		k++;
	return k;
}

static bool
is_ascii(const unsigned char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] >= 0x80)
			return false;
	return true;
}

/* What stands behind the last dot: its length. */
static size_t
extension(const unsigned char *s, size_t n)
{
	for (size_t i = n; i-- > 0;)
		if (s[i] == '.')
			return n - i;
	return 0;
}

/*
 * The Unicode name (4.6.9) is another name for the readers that know it.  It's written because the plain one cannot say it: so where they differ,
 * the plain one has bytes beyond ASCII, or Info-ZIP's "#U" escapes, the other one letters beyond ASCII, and both end in the same extension.
 */
static bool
component_agrees(const unsigned char *a, size_t n, const unsigned char *b, size_t k)
{
	size_t x = extension(a, n);

	if (n == k && memcmp(a, b, n) == 0)
		return true;
	if ((is_ascii(a, n) && memmem(a, n, "#U", 2) == NULL) || is_ascii(b, k))
		return false;
	return x == extension(b, k) && strncasecmp((const char *)a + n - x, (const char *)b + k - x, x) == 0;
}

static bool
names_agree(const unsigned char *a, size_t n, const unsigned char *b, size_t k)
{
	for (;;) {
		size_t i = component(a, n), j = component(b, k);

		if (!component_agrees(a, i, b, j) || (i == n) != (j == k))
			return false;
		if (i == n)
			return true;
		a += i + 1, n -= i + 1;
		b += j + 1, k -= j + 1;
	}
}

/* Some readers end a name there, others don't.  But macOS has files called "Icon\r". */
static bool
has_controls(const unsigned char *s, size_t n)
{
	if (n >= 5 && memcmp(s + n - 5, "Icon\r", 5) == 0)
		n--;
	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] == 0x7f)
			return true;
	return false;
}

static bool
extra_fits(const unsigned char *x, size_t len, const unsigned char *name, size_t n)
{
	for (size_t k; len >= 4 && (k = (size_t)le(x + 2, 2)) <= len - 4; x += 4 + k, len -= 4 + k)
		if (le(x, 2) == 0x7075 && k > 5 && (has_controls(x + 9, k - 5) || !names_agree(name, n, x + 9, k - 5)))
			return false;
	return true;
}

/* The header before the file says the same as the directory's entry <e>.  <data>: where the file begins. */
static bool
header_fits(const unsigned char *p, const unsigned char *e, const struct directory *d, uint64_t *head, uint64_t *data, uint64_t *size)
{
	size_t n = (size_t)le(e + 28, 2);
	size_t have = le(e + 24, 4) == UINT32_MAX;
	const unsigned char *h;

	*size = wide(e, 20, have);
	*head = wide(e, 42, have + (le(e + 20, 4) == UINT32_MAX));
	if (*head > d->at || d->at - *head < HEADER_LEN + n)
		return false;
	h = p + *head;
	*data = *head + HEADER_LEN + n + le(h + 28, 2);
	if (memcmp(h, "PK\3\4", 4) != 0 || le(h + 26, 2) != n || memcmp(h + HEADER_LEN, e + ENTRY_LEN, n) != 0)
		return false;
	if (*data > d->at || *size > d->at - *data || le(h + 8, 2) != le(e + 10, 2) || ((le(h + 6, 2) ^ le(e + 8, 2)) & 1) != 0)
		return false;
	if (!sums_fit(h, e, *size) || is_two_faced(e, *size) || has_controls(e + ENTRY_LEN, n))
		return false;
	return extra_fits(e + ENTRY_LEN + n, le(e + 30, 2), e + ENTRY_LEN, n) && extra_fits(h + HEADER_LEN + n, le(h + 28, 2), e + ENTRY_LEN, n);
}

/*
 * Entry after entry, as many as are said to be (some writers count to 65535 only), nothing between, and nothing before the first file.
 * Files don't overlap, or a few bytes could be walked through and unpacked thousands of times.
 */
static bool
entries_fit(const unsigned char *p, const struct directory *d)
{
	uint64_t at = d->at, end = d->at + d->len, n = 0, first = UINT64_MAX, used = 0, head, data, size;

	while (end - at >= ENTRY_LEN && memcmp(p + at, "PK\1\2", 4) == 0) {
		uint64_t k = ENTRY_LEN + le(p + at + 28, 2) + le(p + at + 30, 2) + le(p + at + 32, 2);

		if (k > end - at || !header_fits(p, p + at, d, &head, &data, &size))
			return false;
		used += data - head + size;
		if (used > d->at)
			return false;
		first = head < first ? head : first;
		at += k;
		n++;
	}
	return at == end && (n & 0xffff) == (d->entries & 0xffff) && (n > 0 ? first == 0 : d->at == 0);
}

static bool
is_in_a_file(const unsigned char *p, const struct directory *d, uint64_t pos)
{
	uint64_t head, data, size;

	for (uint64_t at = d->at; d->at + d->len - at >= ENTRY_LEN;
	    at += ENTRY_LEN + le(p + at + 28, 2) + le(p + at + 30, 2) + le(p + at + 32, 2))
		if (header_fits(p, p + at, d, &head, &data, &size) && pos >= data && pos - data < size)
			return true;
	return false;
}

/* Another end record that a reader could take, in the directory or before it, unless it's that of an archive inside. */
static bool
is_only_end(const unsigned char *p, const struct directory *d, size_t last)
{
	size_t low = last > READERS ? last - READERS : 0;
	unsigned seen = 0;

	for (const unsigned char *at = p + low; (at = memmem(at, (size_t)(p + last - at), "PK\5\6", 4)) != NULL; at++)
		if ((uint64_t)(at - p) >= d->at || ++seen > MAX_ENDS || !is_in_a_file(p, d, (uint64_t)(at - p)))
			return false;
	return true;
}

bool
zip_is_plain(const void *data, size_t len)
{
	const unsigned char *p = data;
	struct directory d;
	size_t end, last;

	if (len < 4 || memcmp(p, "PK", 2) != 0)
		return true;
	if ((end = find_end(p, len)) == len || !end_record(p, &end, &d))
		return false;
	last = end;
	if (end >= LOCATOR_LEN && memcmp(p + end - LOCATOR_LEN, "PK\6\7", 4) == 0 && !end64_record(p, &end, &d))
		return false;
	return d.at <= end && d.len == end - d.at && entries_fit(p, &d) && is_only_end(p, &d, last);
}

const void *
zip_behind(const void *data, size_t len, size_t *n)
{
	const unsigned char *p = data;
	struct directory d;
	size_t low = len > READERS ? len - READERS : 0, at, begin;

	if (len < END_LEN + ENTRY_LEN || memcmp(p, "PK", 2) == 0)
		return NULL;
	for (at = len - END_LEN + 1; at-- > low;) {
		if (memcmp(p + at, "PK\5\6", 4) != 0)
			continue;
		*n = len;
		if (at >= LOCATOR_LEN && memcmp(p + at - LOCATOR_LEN, "PK\6\7", 4) == 0)
			return p;
		end_record(p, &at, &d);		/* of several disks or not: Python doesn't ask */
		if (d.len < ENTRY_LEN || d.len > at || memcmp(p + at - d.len, "PK\1\2", 4) != 0)
			continue;
		begin = d.at <= at - d.len ? at - (size_t)d.len - (size_t)d.at : 0;
		*n = at + END_LEN - begin;
		return p + begin;
	}
	return NULL;
}

const void *
zip_directory(const void *data, size_t len, size_t *n)
{
	const unsigned char *p = data;

	if (len < END_LEN || memcmp(p + len - END_LEN, "PK\5\6", 4) != 0)
		return NULL;
	*n = (size_t)le(p + len - END_LEN + 12, 4);
	return *n <= len - END_LEN ? p + len - END_LEN - *n : NULL;
}
