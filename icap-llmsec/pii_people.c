/* SPDX-License-Identifier: MIT */
/* What only the words around it show: papers, dates of birth, addresses, names, banks.  Rather missed than wrong. */
#include "config.h"

#include <string.h>

#include "icap-llmsec/pii_private.h"

static bool
big(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
small(char c)
{
	return c >= 'a' && c <= 'z';
}

size_t
pii_paper_at(struct pii_scan *s, size_t start, size_t end)
{
	size_t n = end - start, digits = 0, caps = 0;

	if (n < 6 || n > 18 || !pii_alone(s, start, end) || (end + 1 < s->len && strchr("-./:", s->p[end]) != NULL && pii_alnum((unsigned char)s->p[end + 1])))
		return 0;
	for (size_t i = start; i < end; i++) {
		digits += (size_t)pii_digit(s->p[i]);
		caps += (size_t)big(s->p[i]);
	}
	if (digits + caps != n || digits < 4)
		return 0;
	if (n <= 10 && digits >= 5 && pii_near(s, CTX(C_PASSPORT), start, end)) {
		pii_add(s, PII_T_passport, start, n, 0.9f);
		return end;
	}
	if (!pii_near(s, CTX(C_LICENCE), start, end))
		return 0;
	pii_add(s, PII_T_licence, start, n, 0.9f);
	return end;
}

/* Beginnings of the names of months in languages of Latin script, and of Cyrillic ones. */
static const char *const months[] = { "jan", "feb", "mar", "m\xc3\xa4r", "m\xc3\xa5r", "apr", "avr", "abr", "may", "mai", "mei", "maj", "maio", "mag", "jun", "juin",
	"giu", "jul", "juil", "lug", "aug", "ago", "ao\xc3\xbb", "sep", "set", "oct", "okt", "ott", "out", "nov", "dec", ("d\xc3\xa9" "c"), "dez", "dic", "ene", "gen",
	"f\xc3\xa9v", "fev", "stycz", "lut", "kwie", "czer", "lip", "sierp", "wrze", "pa\xc5\xba", "list", "grud", "ocak", "\xc5\x9fub", "nis", "haz", "tem", "eyl", "eki", "kas", "ara",
	"\xd1\x8f\xd0\xbd\xd0\xb2", "\xd1\x84\xd0\xb5\xd0\xb2", "\xd0\xbc\xd0\xb0\xd1\x80", "\xd0\xb0\xd0\xbf\xd1\x80", "\xd0\xbc\xd0\xb0\xd1\x8f", "\xd0\xb8\xd1\x8e\xd0\xbd", "\xd0\xb8\xd1\x8e\xd0\xbb",
	"\xd0\xb0\xd0\xb2\xd0\xb3", "\xd1\x81\xd0\xb5\xd0\xbd", "\xd0\xbe\xd0\xba\xd1\x82", "\xd0\xbd\xd0\xbe\xd1\x8f", "\xd0\xb4\xd0\xb5\xd0\xba" };

/* The word at <i>: its end if it is a month's, else 0. */
static size_t
month(const struct pii_scan *s, size_t i)
{
	size_t e = i;

	while (e < s->len && e - i < 24 && (big(s->p[e]) || small(s->p[e]) || (unsigned char)s->p[e] >= 0x80))
		e++;
	for (size_t k = 0; k < sizeof(months) / sizeof(months[0]); k++) {
		size_t n = strlen(months[k]), j;

		for (j = 0; j < n && i + j < e && (months[k][j] == s->p[i + j] || (big(s->p[i + j]) && months[k][j] == (s->p[i + j] | 0x20))); j++)
			;
		if (j == n)
			return e;
	}
	return 0;
}

static size_t
number(const struct pii_scan *s, size_t i, unsigned *v)
{
	size_t n = 0;

	while (i + n < s->len && pii_digit(s->p[i + n]) && n < 5)
		n++;
	*v = pii_num(s->p + i, n);
	return n;
}

static size_t
skip(const struct pii_scan *s, size_t i, const char *set)
{
	size_t from = i;

	while (i < s->len && i - from < 3 && s->p[i] != '\0' && strchr(set, s->p[i]) != NULL)
		i++;
	return i;
}

static size_t
date_words(const struct pii_scan *s, size_t i)
{
	unsigned y;
	size_t e, n;

	i = skip(s, i, ". ");
	if (i + 2 < s->len && (memcmp(s->p + i, "de", 2) == 0 || memcmp(s->p + i, "th", 2) == 0 || memcmp(s->p + i, "of", 2) == 0))
		i = skip(s, i + 2, " ");
	if ((e = month(s, i)) == 0)
		return 0;
	e = skip(s, e, "., ");
	if (e + 2 < s->len && (memcmp(s->p + e, "de", 2) == 0 || memcmp(s->p + e, "of", 2) == 0))
		e = skip(s, e + 2, "l ");
	n = number(s, e, &y);
	return n == 4 && y >= 1900 && y < 2030 ? e + n : 0;
}

static size_t
date_numbers(const struct pii_scan *s, size_t start)
{
	unsigned a, b, c;
	size_t na = number(s, start, &a), i = start + na, nb, nc;
	bool cjk = i + 3 < s->len && memcmp(s->p + i, "\xe5\xb9\xb4", 3) == 0;
	char sep = i < s->len ? s->p[i] : '\0';

	if (!cjk && (sep == '\0' || strchr("-./", sep) == NULL))
		return 0;
	i = cjk ? i + 3 : skip(s, i + 1, " ");
	nb = number(s, i, &b);
	i += nb;
	if (nb == 0 || nb > 2 || i >= s->len || (cjk ? s->len - i < 4 || memcmp(s->p + i, "\xe6\x9c\x88", 3) != 0 : s->p[i] != sep))
		return 0;
	i = cjk ? i + 3 : skip(s, i + 1, " ");
	nc = number(s, i, &c);
	i += nc;
	if (cjk && s->len - i >= 3 && memcmp(s->p + i, "\xe6\x97\xa5", 3) == 0)
		i += 3;
	if (na == 4 && nc >= 1 && nc <= 2)
		return pii_date(a, b, c) ? i : 0;
	return na <= 2 && (nc == 4 || nc == 2) && (pii_date(c, b, a) || pii_date(c, a, b)) ? i : 0;
}

/* "March 12, 1985": the month stands before. */
static size_t
date_american(const struct pii_scan *s, size_t start, size_t *from)
{
	unsigned d, y;
	size_t i = start, n = number(s, start, &d), m;

	for (m = start; m > 0 && start - m < 2 && s->p[m - 1] == ' '; m--)
		;
	for (; m > 0 && start - m < 14 && (big(s->p[m - 1]) || small(s->p[m - 1])); m--)
		;
	i = skip(s, i + n, ", ");
	if (n > 2 || m == start || month(s, m) == 0 || number(s, i, &y) != 4 || y < 1900 || y > 2030)
		return 0;
	*from = m;
	return i + 4;
}

size_t
pii_date_at(struct pii_scan *s, size_t start)
{
	size_t e, from = start;
	unsigned v;

	if (s->pii->mode[PII_BIRTH_DATE] == DETECT_OFF || !pii_near(s, CTX(C_BIRTH), start, start + 1))
		return 0;
	e = date_numbers(s, start);
	if (e == 0 && number(s, start, &v) <= 2) {
		e = date_words(s, start + number(s, start, &v));
		if (e == 0)
			e = date_american(s, start, &from);
	}
	if (e == 0 || (e < s->len && pii_alnum((unsigned char)s->p[e])))
		return 0;
	pii_add(s, PII_T_birth_date, from, e - from, 0.92f);
	return e;
}

/* --- addresses */

/* <list>: words with a blank between.  Looks for the first letter, not at every word: hostile texts ask for each of their words. */
static bool
in_list(const char *list, size_t len, const char *w, size_t n)
{
	const char *end = list + len, *at;

	if (n == 0 || pii_digit(w[0]))
		return false;
	for (const char *p = list; (at = memchr(p, w[0], (size_t)(end - p))) != NULL; p = at + 1)
		if ((at == list || at[-1] == ' ') && (size_t)(end - at) >= n && (at + n == end || at[n] == ' ') && memcmp(at, w, n) == 0)
			return true;
	return false;
}
#define listed(list, w, n) in_list(list, sizeof(list) - 1, w, n)

static size_t
word(const struct pii_scan *s, size_t i)
{
	size_t n = 0;

	while (i + n < s->len && n < 32 && (pii_alnum((unsigned char)s->p[i + n]) || (unsigned char)s->p[i + n] >= 0x80 || s->p[i + n] == '\'' || s->p[i + n] == '-'))
		n++;
	return n;
}

static bool
capital(const char *w)
{
	return big(w[0]) || (unsigned char)w[0] == 0xc3 || (unsigned char)w[0] == 0xc5;
}

/* "221B Baker Street": up to four words with capitals behind the number, the last one a kind of street. */
static size_t
address_english(const struct pii_scan *s, size_t end)
{
	static const char kinds[] = "Street St Avenue Ave Road Rd Boulevard Blvd Lane Ln Drive Dr Court Ct Square Terrace Way Place Pl Parkway Pkwy Circle "
	    "Highway Hwy Close Crescent Gardens Grove Mews Row Trail Loop Alley Plaza";
	size_t i = end, n;

	for (int k = 0; k < 5 && i + 1 < s->len && s->p[i] == ' '; k++) {
		n = word(s, i + 1);
		if (n == 0 || !(capital(s->p + i + 1) || pii_digit(s->p[i + 1])))
			return 0;
		i += 1 + n;
		if (k > 0 && listed(kinds, s->p + i - n, n))
			return i < s->len && s->p[i] == '.' && n <= 4 ? i + 1 : i;
		if (i < s->len && s->p[i] == '.' && n <= 2)
			i++;
	}
	return 0;
}

/* "12, rue de la Paix" */
static size_t
address_french(const struct pii_scan *s, size_t end)
{
	static const char kinds[] = "rue avenue boulevard place chemin impasse quai cours route all\xc3\xa9" "e Rue Avenue Boulevard Place Chemin Impasse Quai Cours Route All\xc3\xa9" "e",
	    links[] = "de la le les du des l' d' et en";
	size_t i = skip(s, end, ", "), n, good = 0;

	if (i == end)
		return 0;
	n = word(s, i);
	if (listed("bis ter", s->p + i, n)) {
		i = skip(s, i + n, ", ");
		n = word(s, i);
	}
	if (n == 0 || !listed(kinds, s->p + i, n))
		return 0;
	i += n;
	for (int k = 0; k < 5 && i + 1 < s->len && s->p[i] == ' '; k++) {
		n = word(s, i + 1);
		if (n == 0 || !(capital(s->p + i + 1) || listed(links, s->p + i + 1, n) || (n > 2 && s->p[i + 2] == '\'')))
			break;
		i += 1 + n;
		if (!listed(links, s->p + i - n, n))
			good = i;
	}
	return good;
}

static bool
ends_with(const char *w, size_t n, const char *list)
{
	for (const char *e; *list != '\0'; list = e + (*e == ' ')) {
		size_t k;

		e = list + strcspn(list, " ");
		k = (size_t)(e - list);
		if (n > k && memcmp(w + n - k, list, k) == 0)
			return true;
	}
	return false;
}

/* Number behind: "Hauptstra\xc3\x9f" "e 12", "Calle de Alcal\xc3\xa1 45", "Via Roma, 3".  Its start, or <start>. */
static size_t
address_before(const struct pii_scan *s, size_t start)
{
	static const char german[] = "stra\xc3\x9f" "e strasse str. weg platz allee gasse damm ufer ring straat laan gracht plein gatan v\xc3\xa4gen vej gade katu gata veien",
	    roman[] = "Calle C/ Avenida Avda. Av. Plaza Paseo Carrer Rua Travessa Pra\xc3\xa7" "a Via Viale Piazza Corso Largo Vicolo Piazzale ul. al. ulica Strada Ulica",
	    links[] = "de del la las los el di dei della delle degli do da dos das y e";
	size_t e = start, b, from;

	for (int k = 0; k < 6; k++) {
		from = e;
		while (e > 0 && from - e < 2 && (s->p[e - 1] == ' ' || s->p[e - 1] == ','))
			e--;
		if (e == from || (k > 0 && s->p[e] == ','))
			return start;
		for (b = e; b > 0 && e - b < 40 && strchr(" \n\t,;:(\"", s->p[b - 1]) == NULL; b--)
			;
		if (b == e || !(big(s->p[b]) || small(s->p[b]) || (unsigned char)s->p[b] >= 0x80) || pii_digit(s->p[e - 1]))
			return start;
		if (k == 0 && capital(s->p + b) && ends_with(s->p + b, e - b, german))
			return b;
		if (k == 0 && (listed("Stra\xc3\x9f" "e Strasse Str. Allee Platz Weg Ring", s->p + b, e - b)) && b > 1 && s->p[b - 1] == ' ')
			return b;
		if (k > 0 && listed(roman, s->p + b, e - b))
			return b;
		if (!capital(s->p + b) && !listed(links, s->p + b, e - b) && !listed("n\xc2\xba n. n nr no.", s->p + b, e - b))
			return start;
		e = b;
	}
	return start;
}

size_t
pii_address_at(struct pii_scan *s, size_t start, size_t end)
{
	size_t n = 0, e, b;

	if (s->pii->mode[PII_ADDRESS] == DETECT_OFF)
		return 0;
	while (start + n < end && pii_digit(s->p[start + n]))
		n++;
	if (n > 5 || end - start > n + 1 || !pii_alone(s, start, end))
		return 0;
	if ((e = address_english(s, end)) == 0)
		e = address_french(s, end);
	b = e == 0 && n <= 4 ? address_before(s, start) : start;
	if (e == 0 && b == start)
		return 0;
	pii_add(s, PII_T_address, b, (e != 0 ? e : end) - b, 0.85f);
	return e != 0 ? e : end;
}

/* --- names and banks */

/* A capital and a small letter, Latin, Greek or Cyrillic. */
static bool
name_word(const struct pii_scan *s, size_t i, size_t n)
{
	static const char not[] = "The This That Not Sir Madam All Team Customer Friend Please Here There And But My Your User Name Sorry Required Unknown None Null Test";
	unsigned char c = (unsigned char)s->p[i];

	if (n < 2 || listed(not, s->p + i, n))
		return n == 1 && big((char)c);		/* an initial */
	if (big((char)c))
		return small(s->p[i + 1]) || (unsigned char)s->p[i + 1] >= 0x80 || s->p[i + 1] == '\'';
	return (c == 0xc3 && (unsigned char)s->p[i + 1] < 0x9f) || c == 0xc5 || c == 0xce || (c == 0xd0 && (unsigned char)s->p[i + 1] < 0xb0);
}

static size_t
name_end(const struct pii_scan *s, size_t i, int *words)
{
	static const char links[] = "von van de der den da do dos del della bin al ter zu la le di";
	size_t good = 0, n;
	int links_in_row = 0;

	for (*words = 0; *words < 4 && i < s->len; i += n + 1) {
		n = word(s, i);
		if (n == 0)
			break;
		if (name_word(s, i, n)) {
			++*words;
			links_in_row = 0;
			good = i + n;
		} else if (*words == 0 || !listed(links, s->p + i, n) || ++links_in_row > 2)
			break;
		if (i + n < s->len && s->p[i + n] == '.' && n <= 2)
			n++;
		if (i + n >= s->len || s->p[i + n] != ' ')
			break;
	}
	return good;
}

void
pii_name_after(struct pii_scan *s, size_t start, size_t end, unsigned flags)
{
	size_t i = end, e;
	int words;

	if (flags & 4) {			/* two to four characters of Han */
		for (e = i; e < s->len && e - i < 12 && (unsigned char)s->p[e] >= 0xe4 && (unsigned char)s->p[e] <= 0xe9 && s->len - e >= 3; e += 3)
			;
		if (e - i >= 6 && e - i <= 12)
			pii_add(s, PII_T_name, i, e - i, 0.7f);
		return;
	}
	if (flags & 2) {			/* "Name: Ann Smith", alone in its line, and not a key of YAML */
		if (!capital(s->p + start) || (start > 0 && s->p[start - 1] != '\n' && s->p[start - 1] != ' '))
			return;
		i = end;
		while (i < s->len && i - end < 8 && (s->p[i] == ' ' || s->p[i] == '\t'))
			i++;
		e = name_end(s, i, &words);
		if (e == 0 || words < 2 || (e < s->len && strchr("\n\r,;(", s->p[e]) == NULL))
			return;
	} else {
		e = name_end(s, i, &words);
		if (e == 0 || e - i < 2)
			return;
	}
	pii_add(s, PII_T_name, i, e - i, 0.8f);
}

/* ISO 9362: four letters, a country, two or five letters and digits. */
void
pii_bic_after(struct pii_scan *s, size_t end)
{
	size_t i = end, n = 0;

	if (s->pii->mode[PII_BIC] == DETECT_OFF)
		return;
	while (i < s->len && i - end < 16 && !(big(s->p[i]) && i > end && !pii_alnum((unsigned char)s->p[i - 1])))
		i++;
	while (i + n < s->len && (big(s->p[i + n]) || (n > 5 && pii_digit(s->p[i + n]))))
		n++;
	if ((n == 8 || n == 11) && pii_alone(s, i, i + n))
		pii_add(s, PII_T_bic, i, n, 0.9f);
}
