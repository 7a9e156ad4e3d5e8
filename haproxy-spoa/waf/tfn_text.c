/* SPDX-License-Identifier: MIT */
/* Transformations that treat bytes one by one: case, white space, NULs, parity, command lines. */
#include "config.h"

#include <stdio.h>

#include "haproxy-spoa/waf/transform_private.h"

#define RUN_ARGS	unsigned char *restrict out, const unsigned char *restrict p, size_t n, \
			const struct waf_unimap *map
#define BLOCK		32

static inline unsigned char
lower(unsigned char c)
{
	return (unsigned char)(c | ((unsigned char)(c - 'A') < 26) << 5);
}

static inline unsigned char
upper(unsigned char c)
{
	return (unsigned char)(c & ~(((unsigned char)(c - 'a') < 26) << 5));
}

size_t
tfn_lowercase(RUN_ARGS)
{
	size_t i = 0;

	(void)map;
	for (; n - i >= BLOCK; i += BLOCK)
		for (size_t k = 0; k < BLOCK; k++)
			out[i + k] = lower(p[i + k]);
	for (; i < n; i++)
		out[i] = lower(p[i]);
	return n;
}

size_t
tfn_uppercase(RUN_ARGS)
{
	(void)map;
	for (size_t i = 0; i < n; i++)
		out[i] = upper(p[i]);
	return n;
}

size_t
tfn_remove_nuls(RUN_ARGS)
{
	size_t o = 0;

	(void)map;
	for (size_t i = 0; i < n; i++) {
		out[o] = p[i];
		o += p[i] != 0;
	}
	return o;
}

size_t
tfn_replace_nuls(RUN_ARGS)
{
	(void)map;
	for (size_t i = 0; i < n; i++)
		out[i] = p[i] != 0 ? p[i] : ' ';
	return n;
}

/* Without branches: where words end is what no predictor knows. */
size_t
tfn_remove_space(RUN_ARGS)
{
	size_t o = 0;

	(void)map;
	for (size_t i = 0; i < n; i++) {
		out[o] = p[i];
		o += !(tfn_class[p[i]] & TFN_WHITE);
	}
	return o;
}

size_t
tfn_compress_space(RUN_ARGS)
{
	unsigned before = 0, white;
	size_t o = 0;

	(void)map;
	for (size_t i = 0; i < n; i++) {
		white = tfn_class[p[i]] & TFN_WHITE;
		out[o] = white ? ' ' : p[i];
		o += !(white & before);
		before = white;
	}
	return o;
}

static inline unsigned
odd_ones(unsigned char c)
{
	return (unsigned)__builtin_parity(c & 0x7f);
}

size_t
tfn_parity_even(RUN_ARGS)
{
	(void)map;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)((p[i] & 0x7f) | odd_ones(p[i]) << 7);
	return n;
}

size_t
tfn_parity_odd(RUN_ARGS)
{
	(void)map;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)((p[i] & 0x7f) | (odd_ones(p[i]) ^ 1) << 7);
	return n;
}

size_t
tfn_parity_zero(RUN_ARGS)
{
	(void)map;
	for (size_t i = 0; i < n; i++)
		out[i] = p[i] & 0x7f;
	return n;
}

size_t
tfn_length(RUN_ARGS)
{
	(void)map;
	(void)p;
	return (size_t)snprintf((char *)out, 24, "%zu", n);
}

/*
 * As a shell would read it, in spite of quotes: \ " ' ^ go; blanks, line ends, comma and semicolon are one blank,
 * none before / or ( ; lower case.
 */
size_t
tfn_cmdline(RUN_ARGS)
{
	unsigned blank = 0, drop, is_blank;	/* no branches: words and blanks are hard to predict */
	size_t o = 0;
	unsigned char c;

	(void)map;
	for (size_t i = 0; i < n; i++) {
		c = tfn_class[p[i]];
		drop = (c & TFN_CMD_DROP) != 0;
		is_blank = (c & TFN_CMD_BLANK) != 0;
		o -= blank & ((c & TFN_CMD_STOP) != 0);
		out[o] = is_blank ? ' ' : lower(p[i]);
		o += (drop | (is_blank & blank)) ^ 1;
		blank = drop ? blank : is_blank;
	}
	return o;
}
