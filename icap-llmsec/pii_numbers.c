/* SPDX-License-Identifier: MIT */
/* Numbers that not a state but a standard gives shape: accounts, VAT, telephones, network addresses. */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "icap-llmsec/pii_private.h"

/* SWIFT, IBAN registry: country and length. */
static const char iban_lengths[] = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18"
    "FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30"
    "NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

static size_t
iban_length(char a, char b)
{
	for (const char *t = iban_lengths; *t != '\0'; t += 4)
		if (t[0] == a && t[1] == b)
			return pii_num(t + 2, 2);
	return 0;
}

/* ISO 13616: the first four characters go to the end, letters count from 10, modulo 97 is 1. */
static bool
iban_check(const char *c, size_t n)
{
	unsigned r = 0;

	for (size_t i = 0; i < n; i++) {
		char x = c[(i + 4) % n];

		r = pii_digit(x) ? (r * 10 + (unsigned)(x - '0')) % 97 : (r * 100 + (unsigned)(x - 'A' + 10)) % 97;
	}
	return r == 1;
}

size_t
pii_iban_at(struct pii_scan *s, size_t start, size_t end)
{
	const char *p = s->p + start;
	size_t left = s->len - start, want, n = 0, i;
	char c[34];

	if (s->pii->mode[PII_IBAN] == DETECT_OFF || end - start < 4 || pii_digit(p[0]) || pii_digit(p[1]) || !pii_digit(p[2]) || !pii_digit(p[3]))
		return 0;
	want = iban_length(upper(p[0]), upper(p[1]));
	for (i = 0; want != 0 && i < left && n < want; i++) {
		if (pii_alnum((unsigned char)p[i]))
			c[n++] = upper(p[i]);
		else if ((p[i] != ' ' && p[i] != '-') || i == 0 || !pii_alnum((unsigned char)p[i - 1]))
			break;
	}
	if (want == 0 || n < want || !pii_alone(s, start, start + i) || !iban_check(c, n))
		return 0;
	pii_add(s, PII_T_iban, start, i, 1);
	return start + i;
}

/* Check digits of VAT numbers, by country; what has none is believed near a word only (European Commission, VIES). */
static bool
vat_check(const char *cc, const char *d, size_t n)
{
	unsigned s = 0;

	if (memcmp(cc, "DE", 2) == 0)
		return n == 9 && d[0] != '0' && pii_mod11_10(d, 9);
	if (memcmp(cc, "FR", 2) == 0)
		return n == 11 && pii_luhn(d + 2, 9) && (12 + 3 * (pii_num(d + 2, 9) % 97)) % 97 == pii_num(d, 2);
	if (memcmp(cc, "IT", 2) == 0)
		return n == 11 && pii_luhn(d, 11);
	if (memcmp(cc, "BE", 2) == 0)
		return n == 10 && 97 - pii_mod(d, 8, 97) == pii_num(d + 8, 2);
	if (memcmp(cc, "PL", 2) == 0)
		return n == 10 && pii_sum(d, "657234567") % 11 == (unsigned)(d[9] - '0');
	if (memcmp(cc, "PT", 2) == 0)
		return n == 9 && (s = 11 - pii_sum(d, "98765432") % 11, (s >= 10 ? 0 : s) == (unsigned)(d[8] - '0'));
	if (memcmp(cc, "SE", 2) == 0)
		return n == 12 && pii_luhn(d, 10) && d[10] == '0';
	if (memcmp(cc, "DK", 2) == 0)
		return n == 8 && pii_sum(d, "27654321") % 11 == 0;
	if (memcmp(cc, "FI", 2) == 0)
		return n == 8 && pii_sum(d, "79A58421") % 11 == 0;
	if (memcmp(cc, "LU", 2) == 0)
		return n == 8 && pii_num(d, 6) % 89 == pii_num(d + 6, 2);
	if (memcmp(cc, "HR", 2) == 0)
		return n == 11 && pii_mod11_10(d, 11);
	if (memcmp(cc, "GB", 2) == 0 || memcmp(cc, "XI", 2) == 0)
		return n == 9 && ((pii_sum(d, "8765432") + pii_num(d + 7, 2)) % 97 == 0 || (pii_sum(d, "8765432") + pii_num(d + 7, 2) + 55) % 97 == 0);
	if (memcmp(cc, "EL", 2) == 0) {
		for (unsigned i = 0; n == 9 && i < 8; i++)
			s += (unsigned)(d[i] - '0') << (8 - i);
		return n == 9 && s % 11 % 10 == (unsigned)(d[8] - '0');
	}
	return false;
}

static bool
digits(const char *p, size_t n)
{
	while (n > 0 && pii_digit(p[n - 1]))
		n--;
	return n == 0;
}

/* NL123456789B01 and ATU12345678 have checks that not every number passes: their shape is enough. */
size_t
pii_vat_at(struct pii_scan *s, size_t start, size_t end)
{
	const char *p = s->p + start;
	size_t n = end - start;
	bool shape = false;

	if (s->pii->mode[PII_VAT] == DETECT_OFF || n < 10 || n > 14 || p[0] < 'A' || p[0] > 'Z' || p[1] < 'A' || p[1] > 'Z' || !pii_alone(s, start, end))
		return 0;
	if (n == 14 && memcmp(p, "NL", 2) == 0)
		shape = p[11] == 'B' && digits(p + 2, 9) && digits(p + 12, 2);
	else if (n == 11 && memcmp(p, "ATU", 3) == 0)
		shape = digits(p + 3, 8);
	if (!shape && (!digits(p + 2, n - 2) || !vat_check(p, p + 2, n - 2)))
		return 0;
	pii_add(s, PII_T_vat, start, n, 0.95f);
	return end;
}

/* --- telephones: ITU-T E.164, E.123 and national habits */

struct phone {
	char	 digits[16];
	size_t	 n, start, end;
	size_t	 group[8], n_group;	/* sizes */
	char	 sep[8];		/* before each group but the first */
	bool	 plus, paren;
};

/* Between groups of digits; a switch, because every digit of a text asks. */
static bool
phone_sep(char c)
{
	return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/';
}

static void
phone_read(const struct pii_scan *s, size_t start, struct phone *t)
{
	const char *p = s->p;
	size_t i = start, from;

	memset(t, 0, sizeof(*t));
	t->start = start;
	if (start > 0 && p[start - 1] == '(' ) {
		t->paren = true;
		t->start--;
	}
	if (t->start > 0 && p[t->start - 1] == '+') {
		t->plus = true;
		t->start--;
	}
	while (i < s->len && t->n_group < 8) {
		for (from = i; i < s->len && pii_digit(p[i]) && t->n < 16; i++)
			t->digits[t->n++] = p[i];
		if (i == from || t->n == 16)
			break;
		t->group[t->n_group++] = i - from;
		t->end = i;
		if (t->n_group == 8)
			break;
		from = i;
		while (i < s->len && i - from < 3 && phone_sep(p[i]))
			i++;
		if (i < s->len && p[i] == '\xc2' && i + 1 < s->len && p[i + 1] == '\xa0')	/* no-break space */
			i += 2;
		if (i == from)
			break;
		t->sep[t->n_group] = p[i - 1];
	}
}

/* E.164 country codes in use, by their first digits. */
static bool
country_code(const char *d)
{
	unsigned two = pii_num(d, 2);

	if (d[0] == '1' || d[0] == '7')
		return true;
	switch (d[0]) {
	case '2': return two == 20 || two == 27 || (two >= 21 && two <= 26) || two == 29;
	case '3': case '4': case '5': return true;
	case '6': return true;
	case '8': return two != 83 && two != 89;
	case '9': return two != 97 || d[2] != '8';
	default: return false;
	}
}

/* Groups as a country writes them, so plain that no word is needed. */
static bool
phone_printed(const struct phone *t)
{
	const size_t *g = t->group;
	char sep = t->sep[1];

	if (t->n_group == 3 && g[0] == 3 && g[1] == 3 && g[2] == 4 && (sep == '-' || t->paren || sep == ')'))
		return t->digits[0] >= '2' && t->digits[3] >= '2' && t->sep[2] != '/' ;	/* NANP */
	if (t->n_group == 4 && g[0] == 1 && t->digits[0] == '1' && g[1] == 3 && g[2] == 3 && g[3] == 4 && t->sep[3] == '-')
		return t->digits[1] >= '2' && t->digits[4] >= '2';
	if (t->n_group == 5 && g[0] == 2 && g[1] == 2 && g[2] == 2 && g[3] == 2 && g[4] == 2 && t->digits[0] == '0' && t->digits[1] != '0')
		return true;					/* France */
	if (t->n_group == 2 && g[0] == 5 && g[1] == 6 && t->digits[0] == '0' && t->digits[1] == '7')
		return true;					/* United Kingdom, mobile */
	if (t->n_group == 3 && t->digits[0] == '0' && t->digits[1] == '2' && g[0] == 3 && g[1] == 4 && g[2] == 4)
		return true;
	return t->n_group == 3 && t->paren && g[0] == 2 && (g[1] == 4 || g[1] == 5) && g[2] == 4;	/* Brazil */
}

/* Without the last groups, until at most <max> digits are left. */
static void
phone_cut(const struct pii_scan *s, struct phone *t, size_t max)
{
	while (t->n > max && t->n_group > 1) {
		t->end -= t->group[t->n_group - 1];
		t->n -= t->group[--t->n_group];
		while (t->end > t->start && !pii_digit(s->p[t->end - 1]))
			t->end--;
	}
}

/* Where an extension behind a number ends: "x4587", "ext. 12", "#9"; <end> if there is none. */
static size_t
phone_extension(const struct pii_scan *s, size_t end)
{
	const char *p = s->p;
	size_t i = end, from;

	if (i < s->len && p[i] == ' ')
		i++;
	if (s->len - i > 4 && (p[i] | 0x20) == 'e' && (p[i + 1] | 0x20) == 'x' && (p[i + 2] | 0x20) == 't')
		i += p[i + 3] == '.' ? 4 : 3;
	else if (i < s->len && ((p[i] | 0x20) == 'x' || (p[i] == '#' && i > end)))
		i++;
	else
		return end;
	if (i < s->len && p[i] == ' ')
		i++;
	for (from = i; i < s->len && pii_digit(p[i]); i++)
		;
	return i - from >= 1 && i - from <= 6 && (i == s->len || !pii_alnum((unsigned char)p[i])) ? i : end;
}

/* A year of our time, a month, a day; <n> digits each. */
static bool
date_parts(const char *year, const char *month, size_t mn, const char *day, size_t dn)
{
	unsigned m = pii_num(month, mn), d = pii_num(day, dn);

	return (pii_num(year, 2) == 19 || pii_num(year, 2) == 20) && m >= 1 && m <= 12 && d >= 1 && d <= 31;
}

/* "2022-03-01", "1.3.2022", "2006-2010", "202203011200": a word near it ("call") doesn't make it a telephone's. */
static bool
phone_is_date(const struct phone *t)
{
	const size_t *g = t->group;
	const char *d = t->digits;

	if (t->n_group == 1)
		return (t->n == 12 || t->n == 14) && date_parts(d, d + 4, 2, d + 6, 2) && pii_num(d + 8, 2) < 24;
	if (t->n_group == 2 && g[0] == 4 && g[1] == 4)
		return date_parts(d, "1", 1, "1", 1) && t->sep[1] == '-' &&
		    (date_parts(d + 4, "1", 1, "1", 1) || t->end - t->start > t->n + 1);	/* "2006 -0700": a zone */
	for (size_t k = 0; k + 2 < t->n_group; d += g[k++]) {
		if (t->sep[k + 1] != t->sep[k + 2] || strchr("-./", t->sep[k + 1]) == NULL)
			continue;
		if (g[k] == 4 && g[k + 1] == 2 && g[k + 2] == 2 && date_parts(d, d + 4, 2, d + 6, 2))
			return true;
		if (g[k] <= 2 && g[k + 1] <= 2 && g[k + 2] == 4 && (date_parts(d + g[k] + g[k + 1], d + g[k], g[k + 1], d, g[k]) ||
		    date_parts(d + g[k] + g[k + 1], d, g[k], d + g[k], g[k + 1])))
			return true;
	}
	return false;
}

/* "+1.12345679", "5.009002"; ISO 6709's places, "+1406-08713". */
static bool
phone_is_figure(const struct phone *t)
{
	const size_t *g = t->group;

	if (t->n_group == 2 && t->plus && t->sep[1] == '-' && ((g[0] == 4 && g[1] == 5) || (g[0] == 6 && g[1] == 7)))
		return true;
	return t->n_group == 2 && t->sep[1] == '.' && (t->plus || (t->digits[0] != '0' && !(g[0] == 3 && g[1] == 4)));
}

size_t
pii_phone_at(struct pii_scan *s, size_t start)
{
	struct phone t;
	float sure = 0;
	char before;

	if (s->pii->mode[PII_PHONE] == DETECT_OFF || !pii_digit(s->p[start]))
		return 0;
	phone_read(s, start, &t);
	before = t.start > 0 ? s->p[t.start - 1] : ' ';
	if (t.n < 7 || pii_alnum((unsigned char)before) || strchr("_$#%/.-=&+", before) != NULL || (before == ',' && !t.plus) ||
	    (before == ':' && t.start > 1 && pii_digit(s->p[t.start - 2])))	/* "11:51:01 2006" */
		return 0;
	if (t.plus && t.digits[0] != '0' && country_code(t.digits)) {
		phone_cut(s, &t, t.digits[0] == '1' ? 11 : 13);
		if (t.n >= 8 && t.n <= 15 && (t.n_group > 1 || t.n >= 10) &&
		    (!phone_is_figure(&t) || pii_near(s, CTX(C_PHONE), t.start, t.end)))	/* registries of names print "+1.5125550100" */
			sure = 0.97f;
	} else if (!t.plus) {
		if (pii_near(s, CTX(C_PHONE), t.start, t.end)) {
			phone_cut(s, &t, t.digits[0] == '0' && t.digits[1] == '0' ? 15 : 11);
			if (t.n >= 7 && t.n <= 15 && !(t.n_group == 1 && t.n < 9) && !phone_is_date(&t) && !phone_is_figure(&t))
				sure = 0.90f;
		} else if (phone_printed(&t))
			sure = 0.90f;
	}
	if (sure > 0)
		t.end = phone_extension(s, t.end);
	if (sure <= 0 || (t.end < s->len && (pii_alnum((unsigned char)s->p[t.end]) || s->p[t.end] == '_')))
		return 0;
	if (t.end + 1 < s->len && strchr("-/:", s->p[t.end]) != NULL && pii_alnum((unsigned char)s->p[t.end + 1]) &&
	    (t.n_group < 3 || pii_digit(s->p[t.end + 1])))	/* "082 490 1693-Office" */
		return 0;
	pii_add(s, PII_T_phone, t.start, t.end - t.start, sure);
	return t.end;
}

/* --- network addresses */

static bool
hex(char c)
{
	return pii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t
ip4_at(struct pii_scan *s, size_t start)
{
	const char *p = s->p;
	unsigned v[4], big = 0;
	size_t i = start, k;
	bool said;

	for (int g = 0; g < 4; g++) {
		for (k = i; i < s->len && pii_digit(p[i]) && i - k < 3; i++)
			;
		if (i == k || (p[k] == '0' && i - k > 1) || (v[g] = pii_num(p + k, i - k)) > 255)
			return 0;
		big += i - k >= 2;
		if (g < 3 && (i >= s->len || p[i++] != '.'))
			return 0;
	}
	if (!pii_alone(s, start, i) || (i + 1 < s->len && (p[i] == '.' || p[i] == '-') && pii_alnum((unsigned char)p[i + 1])) ||
	    (start > 0 && strchr(".-", p[start - 1]) != NULL) || v[0] == 0 || v[0] == 127 || v[0] == 255)
		return 0;
	said = pii_near(s, CTX(C_IP), start, i);
	if (!said && (big < 2 || pii_near(s, CTX(C_VERSION), start, i)))
		return 0;
	pii_add(s, PII_T_ip, start, i - start, said ? 0.98f : 0.85f);
	return i;
}

/* RFC 4291; groups enough to be no C++ name and no time of day. */
static size_t
ip6_at(struct pii_scan *s, size_t start, size_t end)
{
	char t[46];
	struct in6_addr a;
	size_t i, colons = 0, digits = 0, st = start;

	if (end - start > 4 || end + 1 >= s->len || s->p[end] != ':')
		return 0;
	for (i = st; i < s->len && i - st < sizeof(t) - 1 && (hex(s->p[i]) || s->p[i] == ':' || (s->p[i] == '.' && i + 1 < s->len && pii_digit(s->p[i + 1]))); i++) {
		colons += s->p[i] == ':';
		digits += (size_t)pii_digit(s->p[i]);
	}
	while (i > st && s->p[i - 1] == ':' && !(i > st + 1 && s->p[i - 2] == ':'))
		i--;
	memcpy(t, s->p + st, i - st);
	t[i - st] = '\0';
	if (colons < 3 || digits < 3 || !pii_alone(s, st, i) || (st > 0 && s->p[st - 1] == ':') || inet_pton(AF_INET6, t, &a) != 1)
		return 0;
	pii_add(s, PII_T_ip, st, i - st, 0.95f);
	return i;
}

size_t
pii_ip_at(struct pii_scan *s, size_t start, size_t end)
{
	size_t e = 0;

	if (s->pii->mode[PII_IP] == DETECT_OFF || end >= s->len)
		return 0;
	if (s->p[end] == '.' && end - start <= 3)
		e = ip4_at(s, start);
	return e != 0 || s->p[end] != ':' ? e : ip6_at(s, start, end);
}

/* IEEE 802: six pairs between colons or hyphens, or three groups of four between dots. */
size_t
pii_mac_at(struct pii_scan *s, size_t start, size_t end)
{
	const char *p = s->p + start;
	size_t w = end - start, n = w == 2 ? 17 : 14, zero = 0;
	char sep = end < s->len ? s->p[end] : ' ';

	if (s->pii->mode[PII_MAC] == DETECT_OFF || (w != 2 && w != 4) || strchr(w == 2 ? ":-" : ".", sep) == NULL || sep == '\0' || s->len - start < n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (i % (w + 1) == w ? p[i] != sep : !hex(p[i]))
			return 0;
		zero += p[i] == '0' || p[i] == 'f' || p[i] == 'F';
	}
	if (!pii_alone(s, start, start + n) || zero >= 12 || (start > 0 && s->p[start - 1] == sep) || (start + n < s->len && s->p[start + n] == sep))
		return 0;
	pii_add(s, PII_T_mac, start, n, 0.95f);
	return start + n;
}
