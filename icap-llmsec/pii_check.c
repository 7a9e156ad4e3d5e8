/* SPDX-License-Identifier: MIT */
/* Check digits that several numbers use. */
#include "config.h"

#include "icap-llmsec/pii_private.h"

/* ISO/IEC 7812-1, annex B */
bool
pii_luhn(const char *d, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned v = (unsigned)(d[n - 1 - i] - '0');

		if (i & 1)
			v = v * 2 > 9 ? v * 2 - 9 : v * 2;
		sum += v;
	}
	return sum % 10 == 0;
}

bool
pii_mod11_10(const char *d, size_t n)
{
	unsigned p = 10, s;

	for (size_t i = 0; i + 1 < n; i++) {
		s = (unsigned)(d[i] - '0' + (int)p) % 10;
		p = (s == 0 ? 10 : s) * 2 % 11;
	}
	return (p + (unsigned)(d[n - 1] - '0')) % 10 == 1;
}

/* J. Verhoeff, "Error Detecting Decimal Codes", 1969: the dihedral group of the pentagon. */
bool
pii_verhoeff(const char *s, size_t n)
{
	static const char mul[10][11] = { "0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321",
		"6598710432", "7659821043", "8765932104", "9876543210" };
	static const char perm[8][11] = { "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901",
		"2793806415", "7046913258" };
	char c = '0';

	for (size_t i = 0; i < n; i++)
		c = mul[c - '0'][perm[i % 8][s[n - 1 - i] - '0'] - '0'];
	return c == '0';
}

unsigned
pii_sum(const char *d, const char *w)
{
	unsigned sum = 0;

	for (; *w != '\0'; w++, d++)
		sum += (unsigned)(*d - '0') * (unsigned)(*w >= 'A' ? *w - 'A' + 10 : *w - '0');
	return sum;
}

unsigned
pii_mod(const char *d, size_t n, unsigned m)
{
	unsigned r = 0;

	for (size_t i = 0; i < n; i++)
		r = (r * 10 + (unsigned)(d[i] - '0')) % m;
	return r;
}

unsigned
pii_num(const char *d, size_t n)
{
	return pii_mod(d, n, 100000000);
}

bool
pii_date(unsigned y, unsigned m, unsigned d)
{
	static const unsigned char days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] && (y < 100 || (y >= 1900 && y < 2100));
}
