/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_TRANSFORM_PRIVATE_H
#define LLMSEC_WAF_TRANSFORM_PRIVATE_H
/*
 * What the tfn_*.c files share.  Most values of most requests come out of most transformations as they went in,
 * so each one has two parts: a scan for the first byte that could change, which is all that usually runs, and
 * the conversion proper, which starts there.
 */
#include "haproxy-spoa/waf/transform.h"

/* Index of the first byte that may change, such that the conversion can start there afresh; n: none will. */
typedef size_t	tfn_first_fn(const unsigned char *, size_t n);
/* Convert all of it; bytes written, SIZE_MAX: failed.  <out> never overlaps the input. */
typedef size_t	tfn_run_fn(unsigned char *out, const unsigned char *, size_t n, const struct waf_unimap *);

tfn_first_fn tfn_first_amp, tfn_first_backslash, tfn_first_cmdline, tfn_first_comment, tfn_first_comment_char,
    tfn_first_high, tfn_first_hexprefix, tfn_first_lower, tfn_first_nul, tfn_first_path, tfn_first_path_win,
    tfn_first_percent, tfn_first_slash_star, tfn_first_space_run, tfn_first_space, tfn_first_upper;

tfn_run_fn tfn_base64_decode, tfn_base64_decode_ext, tfn_base64_encode, tfn_cmdline, tfn_compress_space, tfn_css,
    tfn_escape_seq, tfn_hex_decode, tfn_hex_encode, tfn_html_entity, tfn_js, tfn_length, tfn_lowercase, tfn_md5,
    tfn_parity_even, tfn_parity_odd, tfn_parity_zero, tfn_path, tfn_path_win, tfn_remove_comment_chars,
    tfn_remove_comments, tfn_remove_nuls, tfn_remove_space, tfn_replace_comments, tfn_replace_nuls, tfn_sha1,
    tfn_sql_hex, tfn_uppercase, tfn_url_decode, tfn_url_decode_uni, tfn_url_encode, tfn_utf8_to_unicode;

struct tfn {
	const char	*name;
	tfn_first_fn	*first;		/* NULL: always runs, from the start */
	tfn_run_fn	*run;
	unsigned char	 grow;		/* output is at most grow * n + slack bytes */
	unsigned char	 slack;
	bool		 whole;		/* cannot start in the middle: <first> only says whether */
};

extern const struct tfn tfn_table[WAF_T_MAX];

/* Value of a hexadecimal digit, -1: none. */
extern const signed char tfn_hex[256];

static inline bool
tfn_is_hex2(const unsigned char *p)
{
	return (tfn_hex[p[0]] | tfn_hex[p[1]]) >= 0;
}

static inline unsigned char
tfn_hex2(const unsigned char *p)
{
	return (unsigned char)(tfn_hex[p[0]] << 4 | tfn_hex[p[1]]);
}

static inline bool
tfn_is_octal(unsigned char c)
{
	return (c & 0xf8) == '0';
}

/* What a byte is to those that look at every one. */
enum {
	TFN_WHITE = 1,		/* isspace() or NBSP */
	TFN_CMD_DROP = 2,	/* cmdLine leaves it out, */
	TFN_CMD_BLANK = 4,	/* makes it a blank, */
	TFN_CMD_STOP = 8,	/* drops blanks before it */
	TFN_UPPER = 16,
};
extern const unsigned char tfn_class[256];

/* isspace() of the C locale. */
static inline bool
tfn_is_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Four digits of a 16-bit escape come down to the low byte; full-width forms U+FF01..FF5E to their ASCII. */
static inline unsigned char
tfn_narrow(unsigned v)
{
	unsigned char low = (unsigned char)v;

	return v >> 8 == 0xff && low > 0 && low < 0x5f ? (unsigned char)(low + 0x20) : low;
}

/* Byte for a code point, -1: the map has none. */
int		 waf_unimap_get(const struct waf_unimap *, unsigned code);
#endif
