/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "icap-llmsec/pii.h"

static bool
alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
local_char(unsigned char c)
{
	return alnum(c) || (c != 0 && strchr(".!#$%&*+/=?^_{|}~-", c) != NULL);
}

/* Length of the domain at p, 0 if it is none: labels of letters, digits, hyphens, UTF-8; a TLD of letters. */
static size_t
email_domain(const char *p, size_t n)
{
	size_t i = 0, label = 0, good = 0;
	bool dots = false, alpha = true;

	if (n > 254)
		n = 254;
	for (; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (alnum(c) || c >= 0x80 || (c == '-' && i > label)) {
			alpha = alpha && (c >= 0x80 || (c >= 'A'));
			if (dots && alpha && i - label >= 1 && c != '-')
				good = i + 1;
			else if (dots && c != '-' && i > label)
				good = alpha ? i + 1 : good;
			continue;
		}
		if (c != '.' || i == label)
			break;
		dots = true;
		label = i + 1;
		alpha = true;
	}
	return good;
}

int
pii_email(const char *p, size_t len, size_t from, size_t *start, size_t *n)
{
	const char *at;
	size_t a, l, d;

	for (size_t i = from; i < len; i = a + 1) {
		at = memchr(p + i, '@', len - i);
		if (at == NULL)
			return 0;
		a = (size_t)(at - p);
		l = a;
		while (l > from && a - l < 65 && local_char((unsigned char)p[l - 1]))
			l--;
		while (l < a && !alnum((unsigned char)p[l]))	/* "mailto:", brackets and dots before it */
			l++;
		if (a == l || a - l > 64 || p[a - 1] == '.')
			continue;
		d = email_domain(p + a + 1, len - a - 1);
		if (d < 4)	/* "a.bc" */
			continue;
		*start = l;
		*n = a - l + 1 + d;
		return 1;
	}
	return 0;
}

static bool
luhn(const char *digits, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(digits[n - 1 - i] - '0');

		if (i & 1)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return sum % 10 == 0;
}

/* Issuer ranges as published by the networks: first digits and the lengths they use. */
static bool
card_issuer(const char *s, size_t n)
{
	unsigned p4 = (unsigned)((s[0] - '0') * 1000 + (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0'));
	unsigned p2 = p4 / 100, p3 = p4 / 10;

	if (s[0] == '4')
		return n == 13 || n == 16 || n == 19;
	if ((p2 >= 51 && p2 <= 55) || (p4 >= 2221 && p4 <= 2720))
		return n == 16;
	if (p2 == 34 || p2 == 37)
		return n == 15;
	if (p4 == 6011 || p2 == 65 || (p3 >= 644 && p3 <= 649) || p2 == 35 || p2 == 62)
		return n >= 16;
	if (p2 == 36 || p2 == 38 || p2 == 39 || (p3 >= 300 && p3 <= 305))
		return n >= 14 && n <= 19;
	return false;
}

/* Digits from p[i] with single blanks or hyphens between them; where the run ends. */
static size_t
card_run(const char *p, size_t len, size_t i, char digits[20], size_t *n, char *sep)
{
	size_t end = i;

	*n = 0;
	*sep = 0;
	while (i < len) {
		if (p[i] >= '0' && p[i] <= '9') {
			if (*n < 20)
				digits[*n] = p[i];
			(*n)++;
			end = ++i;
		} else if ((p[i] == ' ' || p[i] == '-') && (*sep == 0 || *sep == p[i]) && i + 1 < len &&
		    p[i + 1] >= '0' && p[i + 1] <= '9') {
			*sep = p[i];
			i++;
		} else
			break;
		if (*n > 19)
			break;
	}
	return end;
}

int
pii_card(const char *p, size_t len, size_t from, size_t *start, size_t *n)
{
	char digits[20], sep;
	size_t end, k;

	for (size_t i = from; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			continue;
		if (i == 0 || (!alnum((unsigned char)p[i - 1]) && p[i - 1] != '_' &&
		    !((p[i - 1] == '.' || p[i - 1] == '-') && i > 1 && p[i - 2] >= '0' && p[i - 2] <= '9'))) {
			end = card_run(p, len, i, digits, &k, &sep);
			if (k >= 13 && k <= 19 && (end == len || !alnum((unsigned char)p[end])) &&
			    card_issuer(digits, k) && luhn(digits, k)) {
				*start = i;
				*n = end - i;
				return 1;
			}
		}
		while (i + 1 < len && p[i + 1] >= '0' && p[i + 1] <= '9')
			i++;
	}
	return 0;
}
