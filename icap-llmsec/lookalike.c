/* SPDX-License-Identifier: MIT */
/*
 * Letters that are taken for ASCII ones, in lower case: a selection out of those that Unicode's security data
 * (UTS #39, confusables.txt) names, of the scripts that fonts draw alike.  Sorted by code point.
 */
#include "config.h"

#include <stdlib.h>

#include "icap-llmsec/norm.h"

static const struct { uint16_t c; char as; } lookalikes[] = {
	/* Latin */
	{0x0111, 'd'}, {0x0127, 'h'}, {0x0131, 'i'}, {0x0138, 'k'}, {0x0142, 'l'}, {0x014b, 'n'}, {0x0167, 't'}, {0x017f, 's'},
	{0x0180, 'b'}, {0x0185, 'b'}, {0x0188, 'c'}, {0x0192, 'f'}, {0x0199, 'k'}, {0x019a, 'l'}, {0x019e, 'n'},
	{0x01a5, 'p'}, {0x01ab, 't'}, {0x01ad, 't'}, {0x01b4, 'y'}, {0x01b6, 'z'}, {0x01e5, 'g'}, {0x0221, 'd'},
	{0x0225, 'z'}, {0x0234, 'l'}, {0x0235, 'n'}, {0x0236, 't'}, {0x0237, 'j'}, {0x023c, 'c'}, {0x0247, 'e'}, {0x0249, 'j'},
	{0x024b, 'q'}, {0x024d, 'r'}, {0x024f, 'y'}, {0x0250, 'a'}, {0x0251, 'a'}, {0x0253, 'b'}, {0x0255, 'c'}, {0x0256, 'd'},
	{0x0257, 'd'}, {0x025b, 'e'}, {0x025c, 'e'}, {0x0260, 'g'}, {0x0261, 'g'}, {0x0262, 'g'}, {0x0263, 'y'}, {0x0266, 'h'},
	{0x0268, 'i'}, {0x0269, 'i'}, {0x026a, 'i'}, {0x026b, 'l'}, {0x026c, 'l'}, {0x026d, 'l'}, {0x026f, 'w'}, {0x0271, 'm'},
	{0x0272, 'n'}, {0x0273, 'n'}, {0x0274, 'n'}, {0x0275, 'o'}, {0x027c, 'r'}, {0x027d, 'r'}, {0x027e, 'r'}, {0x0280, 'r'},
	{0x0282, 's'}, {0x0288, 't'}, {0x0289, 'u'}, {0x028b, 'v'}, {0x028f, 'y'}, {0x0290, 'z'}, {0x0291, 'z'}, {0x0299, 'b'},
	{0x029c, 'h'}, {0x029d, 'j'}, {0x029f, 'l'}, {0x02a0, 'q'},
	/* Greek */
	{0x03b1, 'a'}, {0x03b2, 'b'}, {0x03b3, 'y'}, {0x03b5, 'e'}, {0x03b7, 'n'}, {0x03b9, 'i'}, {0x03ba, 'k'}, {0x03bd, 'v'},
	{0x03bf, 'o'}, {0x03c1, 'p'}, {0x03c3, 'o'}, {0x03c4, 't'}, {0x03c5, 'u'}, {0x03c7, 'x'}, {0x03c9, 'w'}, {0x03f2, 'c'},
	{0x03f3, 'j'}, {0x03f8, 'p'},
	/* Cyrillic */
	{0x0430, 'a'}, {0x0432, 'b'}, {0x0433, 'r'}, {0x0435, 'e'}, {0x043a, 'k'}, {0x043c, 'm'}, {0x043d, 'h'}, {0x043e, 'o'},
	{0x043f, 'n'}, {0x0440, 'p'}, {0x0441, 'c'}, {0x0442, 't'}, {0x0443, 'y'}, {0x0445, 'x'}, {0x044c, 'b'}, {0x0451, 'e'},
	{0x0454, 'e'}, {0x0455, 's'}, {0x0456, 'i'}, {0x0457, 'i'}, {0x0458, 'j'}, {0x045b, 'h'}, {0x0461, 'w'}, {0x0475, 'v'},
	{0x048d, 'b'}, {0x0491, 'r'}, {0x04af, 'y'}, {0x04bb, 'h'}, {0x04bd, 'e'}, {0x04c0, 'l'}, {0x04cf, 'l'}, {0x04e9, 'o'},
	{0x0501, 'd'}, {0x050d, 'g'}, {0x051b, 'q'}, {0x051d, 'w'},
	/* Armenian */
	{0x0561, 'w'}, {0x0563, 'q'}, {0x0566, 'q'}, {0x0570, 'h'}, {0x0578, 'n'}, {0x057c, 'n'}, {0x057d, 'u'}, {0x0581, 'g'},
	{0x0584, 'f'}, {0x0585, 'o'},
	/* Hebrew, Georgian, Cherokee (lower case is U+AB70..ABBF) and small capitals */
	{0x05d5, 'l'}, {0x05d8, 'v'}, {0x05df, 'l'}, {0x05e1, 'o'}, {0x10e7, 'y'}, {0x10ff, 'o'}, {0x1d00, 'a'}, {0x1d04, 'c'}, {0x1d05, 'd'},
	{0x1d07, 'e'}, {0x1d0a, 'j'}, {0x1d0b, 'k'}, {0x1d0c, 'l'}, {0x1d0d, 'm'}, {0x1d0f, 'o'}, {0x1d11, 'o'}, {0x1d18, 'p'},
	{0x1d1b, 't'}, {0x1d1c, 'u'}, {0x1d20, 'v'}, {0x1d21, 'w'}, {0x1d22, 'z'}, {0x1d26, 'r'}, {0x1d83, 'g'}, {0x1d8c, 'y'},
	{0x1eff, 'y'}, {0x212e, 'e'}, {0x2c81, 'a'}, {0x2c85, 'r'}, {0x2c9f, 'o'}, {0x2ca3, 'p'}, {0x2ca5, 'c'},
	{0xa730, 'f'}, {0xa731, 's'}, {0xa793, 'c'}, {0xab32, 'e'}, {0xab3d, 'o'}, {0xab47, 'r'}, {0xab48, 'r'}, {0xab4e, 'u'},
	{0xab52, 'u'}, {0xab5a, 'y'}, {0xab75, 'i'}, {0xab81, 'r'}, {0xab83, 'w'}, {0xab93, 'z'}, {0xaba9, 'v'}, {0xabaa, 's'},
	{0xabaf, 'c'},
};

static int
cmp(const void *key, const void *row)
{
	uint32_t c = *(const uint32_t *)key, r = ((const uint16_t *)row)[0];

	return c < r ? -1 : c > r;
}

/* Most scripts have none: the 256 code points that <c> is of are among the table's. */
static bool
page_has(uint32_t c)
{
	switch (c >> 8) {
	case 0x01: case 0x02: case 0x03: case 0x04: case 0x05: case 0x10: case 0x1d: case 0x1e: case 0x21: case 0x2c: case 0xa7: case 0xab:
		return true;
	default:
		return false;
	}
}

char
norm_lookalike(uint32_t c)
{
	const char *row;

	if (!page_has(c))
		return '\0';
	row = bsearch(&c, lookalikes, sizeof(lookalikes) / sizeof(*lookalikes), sizeof(*lookalikes), cmp);
	return row ? lookalikes[(size_t)(row - (const char *)lookalikes) / sizeof(*lookalikes)].as : '\0';
}
