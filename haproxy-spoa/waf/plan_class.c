/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "haproxy-spoa/waf/plan.h"

/*
 * Every ASCII punctuation character is a class of its own, because transformations are about those; letters
 * and digits only say that they are there.  0 NUL, 1 other controls, 2 tab, 3 LF, 4 VT and FF, 5 CR, 6 space,
 * 7-38 punctuation in ASCII order, 39 digits, 40 upper, 41 lower case, 42 no-break space, 43 other bytes >= 0x80.
 */
#define B(n)	(UINT64_C(1) << (n))
const uint64_t plan_class_bit[256] = {
	B(0), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(2), B(3), B(4), B(4), B(5), B(1), B(1),
	B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1), B(1),
	B(6), B(7), B(8), B(9), B(10), B(11), B(12), B(13), B(14), B(15), B(16), B(17), B(18), B(19), B(20), B(21),
	B(39), B(39), B(39), B(39), B(39), B(39), B(39), B(39), B(39), B(39), B(22), B(23), B(24), B(25), B(26), B(27),
	B(28), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40),
	B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(40), B(29), B(30), B(31), B(32), B(33),
	B(34), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41),
	B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(41), B(35), B(36), B(37), B(38), B(1),
	B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43),
	B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43),
	B(42), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43),
	B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43),
	B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43),
	B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43),
	B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43),
	B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43), B(43),
};

#define NUL	B(0)
#define BLANKS	(B(2) | B(3) | B(4) | B(5) | B(6))
#define DIGITS	B(39)
#define UPPER	B(40)
#define LOWER	B(41)
#define HIGH	(B(42) | B(43))
#define ALWAYS	(~UINT64_C(0))

/* Punctuation in ASCII order: 33-47, 58-64, 91-96, 123-126. */
#define P1(c)	B(7 + (c) - '!')
#define P2(c)	B(22 + (c) - ':')
#define P3(c)	B(29 + (c) - '[')

/*
 * What a transformation needs to see before it changes anything.  Too much here costs time, too little would
 * be a bypass: tests/unit/waf/test_plan.c holds each row against the function itself.
 */
static const uint64_t triggers[WAF_T_MAX] = {
	[WAF_T_base64Decode] = ALWAYS,
	[WAF_T_base64DecodeExt] = ALWAYS,
	[WAF_T_base64Encode] = ALWAYS,
	[WAF_T_cmdLine] = BLANKS | UPPER | P1('"') | P1('\'') | P1(',') | P2(';') | P3('\\') | P3('^'),
	[WAF_T_compressWhitespace] = BLANKS | B(42),
	[WAF_T_cssDecode] = P3('\\'),
	[WAF_T_escapeSeqDecode] = P3('\\'),
	[WAF_T_hexDecode] = ALWAYS,
	[WAF_T_hexEncode] = ALWAYS,
	[WAF_T_htmlEntityDecode] = P1('&'),
	[WAF_T_jsDecode] = P3('\\'),
	[WAF_T_length] = ALWAYS,
	[WAF_T_lowercase] = UPPER,
	[WAF_T_md5] = ALWAYS,
	[WAF_T_normalizePath] = P1('/') | P1('.'),
	[WAF_T_normalizePathWin] = P1('/') | P1('.') | P3('\\'),
	[WAF_T_parityEven7bit] = ALWAYS,
	[WAF_T_parityOdd7bit] = ALWAYS,
	[WAF_T_parityZero7bit] = HIGH,
	[WAF_T_removeComments] = P1('/') | P1('*') | P1('-') | P1('#') | P2('<') | P1('!') | P2('>'),
	[WAF_T_removeCommentsChar] = P1('/') | P1('*') | P1('-') | P1('#') | P2('<') | P1('!') | P2('>'),
	[WAF_T_removeNulls] = NUL,
	[WAF_T_removeWhitespace] = BLANKS | B(42),
	[WAF_T_replaceComments] = P1('/') | P1('*'),
	[WAF_T_replaceNulls] = NUL,
	[WAF_T_sha1] = ALWAYS,
	[WAF_T_sqlHexDecode] = DIGITS,
	[WAF_T_trim] = BLANKS | B(42),
	[WAF_T_trimLeft] = BLANKS | B(42),
	[WAF_T_trimRight] = BLANKS | B(42),
	[WAF_T_uppercase] = LOWER,
	[WAF_T_urlDecode] = P1('%') | P1('+'),
	[WAF_T_urlDecodeUni] = P1('%') | P1('+'),
	[WAF_T_urlEncode] = ALWAYS,
	[WAF_T_utf8toUnicode] = HIGH,
};

uint64_t
plan_class_trigger(enum waf_tfn t)
{
	return triggers[t];
}

uint64_t
plan_class_map(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	uint64_t a = 0, b = 0;

	for (; n >= 4; p += 4, n -= 4) {
		a |= plan_class_bit[p[0]] | plan_class_bit[p[1]];
		b |= plan_class_bit[p[2]] | plan_class_bit[p[3]];
	}
	while (n-- > 0)
		a |= plan_class_bit[*p++];
	return a | b;
}

uint64_t
plan_class_cover(const uint64_t set[4])
{
	uint64_t m = 0;
	unsigned b;

	for (b = 0; b < 256; b++)
		if (set[b / 64] >> (b % 64) & 1)
			m |= plan_class_bit[b];
	return m;
}

uint64_t
plan_class_all(void)
{
	return B(44) - 1;
}
