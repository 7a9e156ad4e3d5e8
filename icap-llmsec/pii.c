/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "icap-llmsec/pii_private.h"

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

static bool
domain_char(unsigned char c)
{
	return alnum(c) || c >= 0x80;
}

/* Does an accented Latin letter begin here?  Latin-1 to Latin Extended-B, Latin Extended Additional. */
static bool
latin(const char *p, size_t n)
{
	unsigned char c = (unsigned char)p[0], d = n > 1 ? (unsigned char)p[1] : 0;

	return (c >= 0xc3 && c <= 0xc9) || (c == 0xe1 && d >= 0xb8 && d <= 0xbb);
}

/*
 * Length of the domain at p, 0 if it is none: labels of letters, digits, hyphens, UTF-8; the last one begins with
 * letters.  Where a script without spaces goes on right behind "example.org", the domain ends with its ASCII.
 */
static size_t
email_domain(const char *p, size_t n)
{
	size_t i, label = 0, good = 0;
	bool dots = false, alpha = true;

	if (n > 254)
		n = 254;
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '.' && i > label && i + 1 < n && domain_char((unsigned char)p[i + 1])) {
			dots = true;
			label = i + 1;
			alpha = true;
			continue;
		}
		if (!domain_char(c) && !(c == '-' && i > label))
			break;
		if (c >= 0xc0 && dots && alpha && i >= label + 2 && alnum((unsigned char)p[i - 1]) && !latin(p + i, n - i))
			break;
		alpha = alpha && (c >= 'A' || c >= 0x80);
		if (dots && alpha)
			good = i + 1;
	}
	while (good > 0 && good < n && alnum((unsigned char)p[good]))
		good++;		/* leave no tail of a word behind */
	return good;
}

size_t
pii_email_at(const char *p, size_t len, size_t from, size_t at, size_t *start)
{
	size_t l = at, d;

	while (l > from && at - l < 65 && local_char((unsigned char)p[l - 1]))
		l--;
	while (l < at && !alnum((unsigned char)p[l]))	/* "mailto:", brackets and dots before it */
		l++;
	if (at == l || at - l > 64 || p[at - 1] == '.')
		return 0;
	d = email_domain(p + at + 1, len - at - 1);
	if (d < 4)	/* "a.bc" */
		return 0;
	*start = l;
	return at + 1 + d;
}

int
pii_email(const char *p, size_t len, size_t from, size_t *start, size_t *n)
{
	const char *at;
	size_t end;

	for (size_t i = from; i < len; i = (size_t)(at - p) + 1) {
		at = memchr(p + i, '@', len - i);
		if (at == NULL)
			return 0;
		end = pii_email_at(p, len, from, (size_t)(at - p), start);
		if (end != 0) {
			*n = end - *start;
			return 1;
		}
	}
	return 0;
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
	if (p2 == 34 || p2 == 37 || p4 == 2131 || p4 == 1800)
		return n == 15;
	if (p4 == 6011 || p2 == 65 || (p3 >= 644 && p3 <= 649) || p2 == 35 || p2 == 62)
		return n >= 16;
	if (p2 == 36 || p2 == 38 || p2 == 39 || (p3 >= 300 && p3 <= 305))
		return n >= 14 && n <= 19;
	return p4 >= 2200 && p4 <= 2204 && n >= 16;	/* Mir */
}

/* Ranges so wide that a word must say that it is a card: Maestro and national schemes (Elo, Hipercard, Verve), RuPay, Troy. */
static bool
card_issuer_said(const char *s, size_t n)
{
	unsigned p2 = (unsigned)((s[0] - '0') * 10 + s[1] - '0');

	if (p2 == 50 || (p2 >= 56 && p2 <= 58) || p2 == 60 || p2 == 63 || p2 == 67)
		return n != 15;		/* IMEIs have 15 and pass Luhn's check */
	return n == 16 && (p2 == 81 || p2 == 82 || memcmp(s, "9792", 4) == 0);
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Can a card begin with the two digits?  As below. */
static bool
card_begins(const char *s)
{
	unsigned p2 = (unsigned)((s[0] - '0') * 10 + s[1] - '0');

	return (s[0] >= '2' && s[0] <= '6') || p2 == 18 || p2 == 81 || p2 == 82 || p2 == 97;
}

struct card_run {
	char	digits[20];
	size_t	n;				/* 20: more than any card has */
	struct { size_t n, end; } group[20];	/* digits so far, and place, where each group ends */
	size_t	n_group;
};

/* Digits from p[i], single blanks or hyphens between groups of them. */
static void
card_run(const char *p, size_t len, size_t i, struct card_run *r)
{
	char sep = 0;

	r->n = r->n_group = 0;
	while (i < len && r->n < sizeof(r->digits)) {
		if (digit(p[i])) {
			r->digits[r->n++] = p[i++];
			if (r->n == 2 && !card_begins(r->digits))
				break;
			if (i == len || !digit(p[i])) {
				r->group[r->n_group].n = r->n;
				r->group[r->n_group++].end = i;
			}
		} else if ((p[i] == ' ' || p[i] == '-') && (sep == 0 || sep == p[i]) && i + 1 < len && digit(p[i + 1]))
			sep = p[i++];
		else
			break;
	}
}

/* Groups 0..last as they are printed on cards: one piece, fours, or 4-6-5 and 4-6-4. */
static bool
card_printed(const struct card_run *r, size_t last)
{
	if (last == 0)
		return true;
	if (last == 2 && r->group[0].n == 4 && r->group[1].n == 10)
		return r->group[2].n == 14 || r->group[2].n == 15;
	for (size_t g = 0; g < last; g++)
		if (r->group[g].n != 4 * (g + 1))
			return false;
	return r->group[last].n - r->group[last - 1].n <= 4;
}

/*
 * The number is the whole run, grouped in any way; or its first groups, if they look printed: an expiry date or
 * check digits may follow.
 */
static size_t
card_end(const char *p, size_t len, const struct card_run *r, bool said)
{
	for (size_t g = r->n_group; g-- > 0; ) {
		size_t n = r->group[g].n, end = r->group[g].end;

		if (n >= 12 && n <= 19 && (end == len || !alnum((unsigned char)p[end])) && (n == r->n || card_printed(r, g)) &&
		    (card_issuer(r->digits, n) || (said && card_issuer_said(r->digits, n))) && pii_luhn(r->digits, n))
			return end;
	}
	return 0;
}

size_t
pii_card_at(const char *p, size_t len, size_t i, bool said)
{
	struct card_run r;

	card_run(p, len, i, &r);
	return card_end(p, len, &r, said);
}

int
pii_card(const char *p, size_t len, size_t from, size_t *start, size_t *n)
{
	size_t end;

	for (size_t i = from; i < len; i++) {
		if (!digit(p[i]))
			continue;
		if (i == 0 || (!alnum((unsigned char)p[i - 1]) && p[i - 1] != '_' &&
		    !((p[i - 1] == '.' || p[i - 1] == '-') && i > from + 1 && digit(p[i - 2])))) {
			end = pii_card_at(p, len, i, false);
			if (end != 0) {
				*start = i;
				*n = end - i;
				return 1;
			}
		}
		while (i + 1 < len && digit(p[i + 1]))
			i++;
	}
	return 0;
}
