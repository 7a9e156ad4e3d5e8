/* SPDX-License-Identifier: MIT */
/*
 * Where does a transformation have something to do?  These scans run over every byte that the rules look at,
 * several times: libc's memchr where one byte decides, fixed blocks without branches (which compilers turn into
 * vector code at -O2) for ranges, and a table else.
 */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/transform_private.h"

#define BLOCK	32

/* The first byte in [lo, lo + width). */
static inline size_t
first_in_range(const unsigned char *p, size_t n, unsigned char lo, unsigned char width)
{
	size_t i = 0;

	for (; n - i >= BLOCK; i += BLOCK) {
		unsigned char any = 0;

		for (size_t k = 0; k < BLOCK; k++)
			any |= (unsigned char)(p[i + k] - lo) < width;
		if (any)
			break;
	}
	while (i < n && (unsigned char)(p[i] - lo) >= width)
		i++;
	return i;
}

static inline size_t
first_byte(const unsigned char *p, size_t n, int c)
{
	const unsigned char *q = n != 0 ? memchr(p, c, n) : NULL;

	return q != NULL ? (size_t)(q - p) : n;
}

size_t
tfn_first_upper(const unsigned char *p, size_t n)
{
	return first_in_range(p, n, 'A', 26);
}

size_t
tfn_first_lower(const unsigned char *p, size_t n)
{
	return first_in_range(p, n, 'a', 26);
}

size_t
tfn_first_high(const unsigned char *p, size_t n)
{
	return first_in_range(p, n, 0x80, 0x80);
}

size_t
tfn_first_amp(const unsigned char *p, size_t n)
{
	return first_byte(p, n, '&');
}

size_t
tfn_first_backslash(const unsigned char *p, size_t n)
{
	return first_byte(p, n, '\\');
}

size_t
tfn_first_nul(const unsigned char *p, size_t n)
{
	return first_byte(p, n, 0);
}

size_t
tfn_first_percent(const unsigned char *p, size_t n)
{
	size_t plus = first_byte(p, n, '+'), percent = first_byte(p, plus, '%');

	/* Behind the plus sign there may be a percent, but the plus comes first. */
	return percent < plus ? percent : plus;
}

size_t
tfn_first_slash_star(const unsigned char *p, size_t n)
{
	const unsigned char *q = n > 1 ? memmem(p, n, "/*", 2) : NULL;

	return q != NULL ? (size_t)(q - p) : n;
}

size_t
tfn_first_hexprefix(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while ((i += first_byte(p + i, n - i, '0')) < n) {
		if (n - i >= 4 && (p[i + 1] | 32) == 'x' && tfn_is_hex2(p + i + 2))
			return i;
		i++;
	}
	return n;
}

/* What a byte means to the scans below. */
enum {
	C_SPACE = 1,		/* isspace */
	C_WHITE = 2,		/* isspace or NBSP */
	C_COMMENT = 4,		/* may begin a comment mark */
	C_CMD = 8,		/* changed by cmdLine wherever it stands */
	C_CMD_STOP = 16,	/* cmdLine drops blanks before it */
};

static const unsigned char class_of[256] = {
	['\t'] = C_SPACE | C_WHITE | C_CMD, ['\n'] = C_SPACE | C_WHITE | C_CMD, ['\r'] = C_SPACE | C_WHITE | C_CMD,
	['\v'] = C_SPACE | C_WHITE, ['\f'] = C_SPACE | C_WHITE, [' '] = C_SPACE | C_WHITE, [0xa0] = C_WHITE,
	['/'] = C_COMMENT | C_CMD_STOP, ['*'] = C_COMMENT, ['<'] = C_COMMENT, ['-'] = C_COMMENT, ['#'] = C_COMMENT,
	['('] = C_CMD_STOP, ['"'] = C_CMD, ['\''] = C_CMD, ['\\'] = C_CMD, ['^'] = C_CMD, [','] = C_CMD, [';'] = C_CMD,
	['A'] = C_CMD, ['B'] = C_CMD, ['C'] = C_CMD, ['D'] = C_CMD, ['E'] = C_CMD, ['F'] = C_CMD, ['G'] = C_CMD,
	['H'] = C_CMD, ['I'] = C_CMD, ['J'] = C_CMD, ['K'] = C_CMD, ['L'] = C_CMD, ['M'] = C_CMD, ['N'] = C_CMD,
	['O'] = C_CMD, ['P'] = C_CMD, ['Q'] = C_CMD, ['R'] = C_CMD, ['S'] = C_CMD, ['T'] = C_CMD, ['U'] = C_CMD,
	['V'] = C_CMD, ['W'] = C_CMD, ['X'] = C_CMD, ['Y'] = C_CMD, ['Z'] = C_CMD,
};

size_t
tfn_first_space(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && !(class_of[p[i]] & C_WHITE))
		i++;
	return i;
}

/* White space that is no single blank. */
size_t
tfn_first_space_run(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(class_of[p[i]] & C_WHITE))
			continue;
		if (p[i] != ' ' || (i + 1 < n && class_of[p[i + 1]] & C_WHITE))
			return i;
	}
	return n;
}

size_t
tfn_first_comment(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(class_of[p[i]] & C_COMMENT))
			continue;
		if (p[i] == '#' || (i + 1 < n && ((p[i] == '-' && p[i + 1] == '-') ||
		    (p[i] == '/' && p[i + 1] == '*') || (p[i] == '<' && p[i + 1] == '!'))))
			return i;
	}
	return n;
}

size_t
tfn_first_comment_char(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(class_of[p[i]] & C_COMMENT))
			continue;
		if (p[i] == '#' || (i + 1 < n && ((p[i] == '-' && p[i + 1] == '-') ||
		    (p[i] == '/' && p[i + 1] == '*') || (p[i] == '*' && p[i + 1] == '/') ||
		    (p[i] == '<' && p[i + 1] == '!'))))
			return i;
	}
	return n;
}

size_t
tfn_first_cmdline(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = class_of[p[i]];

		/* A change behind a blank may swallow the blank: start with it. */
		if (c & C_CMD || (p[i] == ' ' && i + 1 < n && (p[i + 1] == ' ' || class_of[p[i + 1]] & (C_CMD | C_CMD_STOP))))
			return i;
	}
	return n;
}

/* A segment of the path that does not stay: empty, "." or "..".  Names that begin with a dot are a false alarm. */
size_t
tfn_first_path(const unsigned char *p, size_t n)
{
	size_t i = 0;

	if (n != 0 && p[0] == '.')
		return 0;
	while ((i += first_byte(p + i, n - i, '/')) < n) {
		if (i + 1 < n && (p[i + 1] == '/' || p[i + 1] == '.'))
			return i;
		i++;
	}
	return n;
}

size_t
tfn_first_path_win(const unsigned char *p, size_t n)
{
	size_t slash = tfn_first_path(p, n);

	return first_byte(p, slash, '\\') < slash ? 0 : slash;
}
