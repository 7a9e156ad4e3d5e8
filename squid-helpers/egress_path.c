/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "lib/conf.h"
#include "squid-helpers/egress_path.h"

/* Escapes of escapes that are undone; Squid's own are gone already. */
#define ROUNDS_MAX	4

size_t
egress_path_len(const char *p, size_t n)
{
	const char *end = n > 0 ? memchr(p, '?', n) : NULL;

	return end != NULL ? (size_t)(end - p) : n;
}

/* "/." and "/.." as whole segments; <p> is at the slash. */
static bool
is_dot_segment(const char *p, size_t n)
{
	size_t k = n > 2 && p[1] == '.' && p[2] == '.' ? 3 : n > 1 && p[1] == '.' ? 2 : 0;

	return k > 0 && (k == n || p[k] == '/');
}

bool
egress_path_is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '%' || p[i] == '\\' || p[i] == ';' || (unsigned char)p[i] <= 0x20 || (unsigned char)p[i] >= 0x7f)
			return false;
		if (p[i] == '/' && ((i + 1 < n && p[i + 1] == '/') || is_dot_segment(p + i, n - i)))
			return false;
	}
	return n > 0 && p[0] == '/';
}

static bool
pattern_fits(const char *pattern, const char *p, size_t n, int (*equal)(const char *, const char *, size_t))
{
	size_t k = strlen(pattern);

	return pattern[k - 1] == '*' ? n >= k - 1 && equal(pattern, p, k - 1) == 0 : n == k && equal(pattern, p, n) == 0;
}

bool
egress_path_allowed(const struct conf_strs *patterns, const char *p, size_t n)
{
	if (!egress_path_is_plain(p, n))
		return false;
	for (size_t i = 0; i < patterns->n; i++)
		if (pattern_fits(patterns->v[i], p, n, strncmp))
			return true;
	return false;
}

/* --- every reading ---------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo one round of escapes in place; false where there was none.  What is no escape stays. */
static bool
unescape(char *p, size_t *n)
{
	size_t to = 0;

	for (size_t i = 0; i < *n; to++) {
		bool escape = p[i] == '%' && i + 2 < *n && hex_digit(p[i + 1]) >= 0 && hex_digit(p[i + 2]) >= 0;

		p[to] = escape ? (char)(hex_digit(p[i + 1]) << 4 | hex_digit(p[i + 2])) : p[i];
		i += escape ? 3 : 1;
	}
	if (to == *n)
		return false;
	*n = to;
	return true;
}

/* Where the segment that ends at <to> begins: behind its slash.  The one before it goes when it is "..". */
static size_t
segment_close(const char *p, size_t to, size_t start)
{
	size_t n = to - start;

	if (n == 0 || (n == 1 && p[start] == '.'))
		return start;
	if (n != 2 || p[start] != '.' || p[start + 1] != '.')
		return to;
	if (start > 1)
		start--;
	while (start > 1 && p[start - 1] != '/')
		start--;
	return start;
}

/* One slash between segments, none of them empty or dots, no parameters.  A slash at the end stays. */
static size_t
segments(char *p, size_t n)
{
	size_t to = 1, start = 1;	/* behind the first slash */
	bool parameter = false;

	if (n == 0)
		return 0;
	p[0] = '/';
	for (size_t i = 1; i <= n; i++) {
		char c = i < n ? p[i] : '/';

		if (c != '/' && c != '\\') {
			parameter |= c == ';';
			if (!parameter)
				p[to++] = c;
			continue;
		}
		parameter = false;
		to = segment_close(p, to, start);
		if (i < n && to > 1 && p[to - 1] != '/')
			p[to++] = '/';
		start = to;
	}
	return to;
}

static bool
reading_fits(const struct conf_strs *patterns, const char *p, size_t n)
{
	char s[EGRESS_PATH_MAX];

	memcpy(s, p, n);
	n = segments(s, n);
	for (size_t i = 0; i < patterns->n; i++)
		if (pattern_fits(patterns->v[i], s, n, strncasecmp) ||
		    (n > 1 && s[n - 1] == '/' && pattern_fits(patterns->v[i], s, n - 1, strncasecmp)))
			return true;
	return false;
}

bool
egress_path_refused(const struct conf_strs *patterns, const char *p, size_t n)
{
	char s[EGRESS_PATH_MAX];
	size_t cut;
	int rounds = 0;

	if (n > sizeof(s))
		return true;
	memcpy(s, n > 0 ? p : "/", n > 0 ? n : 1);
	n = n > 0 ? n : 1;
	while (unescape(s, &n))
		if (++rounds > ROUNDS_MAX)
			return true;
	if (memchr(s, '\0', n) != NULL)	/* some read on, some stop there */
		return true;
	/* Who undoes escapes first takes an escaped "?" or "#" for the end. */
	for (cut = 0; cut < n && s[cut] != '?' && s[cut] != '#'; cut++)
		;
	return reading_fits(patterns, s, n) || (cut < n && reading_fits(patterns, s, cut));
}
