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

/*
 * Move <i> to a block of <p> in which <hit>, an expression without branches of a byte c and the next byte d, is
 * true somewhere; or to the last BLOCK bytes.
 */
#define SKIP_BLOCKS(i, p, n, hit) do { \
	for (; (n) - (i) > BLOCK; (i) += BLOCK) { \
		unsigned char any = 0; \
		for (size_t k = 0; k < BLOCK; k++) { \
			unsigned char c = (p)[(i) + k], d = (p)[(i) + k + 1]; \
			(void)d; \
			any |= (unsigned char)(hit); \
		} \
		if (any) \
			break; \
	} } while (0)

/* The first byte in [lo, lo + width). */
static inline size_t
first_in_range(const unsigned char *p, size_t n, unsigned char lo, unsigned char width)
{
	size_t i = 0;

	SKIP_BLOCKS(i, p, n, (unsigned char)(c - lo) < width);
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

/* The star is the rarer of the two. */
size_t
tfn_first_slash_star(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while ((i += first_byte(p + i, n - i, '*')) < n) {
		if (i != 0 && p[i - 1] == '/')
			return i - 1;
		i++;
	}
	return n;
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

const unsigned char tfn_class[256] = {
	['\t'] = TFN_WHITE | TFN_CMD_BLANK, ['\n'] = TFN_WHITE | TFN_CMD_BLANK, ['\r'] = TFN_WHITE | TFN_CMD_BLANK,
	[' '] = TFN_WHITE | TFN_CMD_BLANK, ['\v'] = TFN_WHITE, ['\f'] = TFN_WHITE, [0xa0] = TFN_WHITE,
	[','] = TFN_CMD_BLANK, [';'] = TFN_CMD_BLANK,
	['"'] = TFN_CMD_DROP, ['\''] = TFN_CMD_DROP, ['\\'] = TFN_CMD_DROP, ['^'] = TFN_CMD_DROP,
	['('] = TFN_CMD_STOP, ['/'] = TFN_CMD_STOP,
	['A' ... 'Z'] = TFN_UPPER,
};

size_t
tfn_first_space(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && !(tfn_class[p[i]] & TFN_WHITE))
		i++;
	return i;
}

#define IS_WHITE(c)	(((c) == ' ') | ((unsigned char)((c) - '\t') < 5) | ((c) == 0xa0))

/* White space that is no single blank. */
size_t
tfn_first_space_run(const unsigned char *p, size_t n)
{
	size_t i = 0;

	SKIP_BLOCKS(i, p, n, IS_WHITE(c) & ((c != ' ') | IS_WHITE(d)));
	for (; i < n; i++)
		if (IS_WHITE(p[i]) && (p[i] != ' ' || (i + 1 < n && IS_WHITE(p[i + 1]))))
			break;
	return i;
}

#define IS_COMMENT(c, d) \
	(((c) == '#') | (((c) == '-') & ((d) == '-')) | (((c) == '/') & ((d) == '*')) | (((c) == '<') & ((d) == '!')))

size_t
tfn_first_comment(const unsigned char *p, size_t n)
{
	size_t i = 0;

	SKIP_BLOCKS(i, p, n, IS_COMMENT(c, d));
	while (i < n && !IS_COMMENT(p[i], i + 1 < n ? p[i + 1] : 0))
		i++;
	return i;
}

size_t
tfn_first_comment_char(const unsigned char *p, size_t n)
{
	size_t i = 0;

	SKIP_BLOCKS(i, p, n, IS_COMMENT(c, d) | ((c == '*') & (d == '/')));
	while (i < n && !IS_COMMENT(p[i], i + 1 < n ? p[i + 1] : 0) &&
	    !(p[i] == '*' && i + 1 < n && p[i + 1] == '/'))
		i++;
	return i;
}

size_t
tfn_first_cmdline(const unsigned char *p, size_t n)
{
	const unsigned char always = TFN_CMD_DROP | TFN_UPPER, behind_blank = always | TFN_CMD_BLANK | TFN_CMD_STOP;
	unsigned char c;

	for (size_t i = 0; i < n; i++) {
		c = tfn_class[p[i]];
		if (!(c & (always | TFN_CMD_BLANK)))
			continue;
		/* A change behind a blank may swallow the blank: start with it. */
		if (p[i] != ' ' || (i + 1 < n && tfn_class[p[i + 1]] & behind_blank))
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
