/* SPDX-License-Identifier: MIT */
/* Comments as attackers use them between words: of C and SQL, of HTML, of shells. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/transform_private.h"

static bool
at(const unsigned char *p, const unsigned char *end, const char *mark, size_t n)
{
	return (size_t)(end - p) >= n && memcmp(p, mark, n) == 0;
}

#define AT(mark)	at(p, end, mark, sizeof(mark) - 1)

size_t
tfn_replace_comments(unsigned char *out, const unsigned char *p, size_t n, const struct waf_unimap *map)
{
	const unsigned char *end = p + n, *close;
	unsigned char *o = out;

	(void)map;
	while (p < end) {
		if (!AT("/*")) {
			*o++ = *p++;
			continue;
		}
		p += 2;
		close = memmem(p, (size_t)(end - p), "*/", 2);
		p = close != NULL ? close + 2 : end;
		*o++ = ' ';
	}
	return (size_t)(o - out);
}

/* Behind the mark that ends a comment, whichever begun it; NULL: none. */
static const unsigned char *
comment_end(const unsigned char *p, const unsigned char *end)
{
	for (; p < end; p++) {
		if (AT("*/"))
			return p + 2;
		if (AT("-->"))
			return p + 3;
	}
	return NULL;
}

/* Comments go without a trace; one that does not end leaves a blank; -- and # hide the rest. */
size_t
tfn_remove_comments(unsigned char *out, const unsigned char *p, size_t n, const struct waf_unimap *map)
{
	const unsigned char *end = p + n;
	unsigned char *o = out;

	(void)map;
	while (p != NULL && p < end) {
		if (AT("/*") || AT("<!--")) {
			p = comment_end(p + (*p == '/' ? 2 : 4), end);
			if (p == NULL)
				*o++ = ' ';
		} else if (AT("--") || *p == '#')
			break;
		else
			*o++ = *p++;
	}
	return (size_t)(o - out);
}

/* Only the marks go. */
size_t
tfn_remove_comment_chars(unsigned char *out, const unsigned char *p, size_t n, const struct waf_unimap *map)
{
	const unsigned char *end = p + n;
	unsigned char *o = out;

	(void)map;
	while (p < end) {
		if (AT("<!--"))
			p += 4;
		else if (AT("-->"))
			p += 3;
		else if (AT("/*") || AT("*/") || AT("--"))
			p += 2;
		else if (*p == '#')
			p++;
		else
			*o++ = *p++;
	}
	return (size_t)(o - out);
}
