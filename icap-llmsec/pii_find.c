/* SPDX-License-Identifier: MIT */
/*
 * The pass over the text: words that say what a number is are marked first, per 32 bytes; then every token that has a digit,
 * and every @, is shown to the readers of the types that it may begin.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/pii_private.h"
#include "lib/arena.h"
#include "lib/conf.h"

#define X(n, r, k, g) { #n, "pii." #n, "LLMSEC-PII-" r, k, PII_##g },
const struct pii_type pii_types[PII_T_END] = { PII_TYPES(X) };
#undef X

static const struct conf_enum mode_names[] = { { "off", DETECT_OFF }, { "monitor", DETECT_MONITOR }, { "mask", DETECT_MASK },
	{ "block", DETECT_BLOCK }, { NULL, 0 } };
static const struct conf_enum own_names[] = { { "default", -1 }, { "off", DETECT_OFF }, { "monitor", DETECT_MONITOR },
	{ "mask", DETECT_MASK }, { "block", DETECT_BLOCK }, { NULL, 0 } };

#define MODE(k, g, d, h) { .name = k, .type = CONF_T_ENUM, .offset = offsetof(struct pii_conf, mode) + PII_##g * sizeof(int), \
	.names = own_names, .def = d, .unit = "", .help = h }
const struct conf_opt pii_conf_opts[] = {
	{ .name = "default", .type = CONF_T_ENUM, .offset = offsetof(struct pii_conf, all), .names = mode_names, .def = "mask",
	    .unit = "", .help = "every kind of personal data that has no mode of its own" },
	MODE("email", EMAIL, "default", "e-mail addresses in prompts"),
	MODE("card", CARD, "default", "payment card numbers in prompts"),
	MODE("iban", IBAN, "default", "bank account numbers"),
	MODE("bic", BIC, "default", "codes of banks, near a word that says so"),
	MODE("us_ssn", US_SSN, "default", "social security numbers of the United States"),
	MODE("national_id", NATIONAL_ID, "default", "numbers of people in some fifty countries"),
	MODE("vat", VAT, "default", "VAT numbers of the European Union and the United Kingdom"),
	MODE("phone", PHONE, "default", "telephone numbers"),
	MODE("passport", PASSPORT, "default", "numbers of passports"),
	MODE("licence", LICENCE, "default", "numbers of driving licences"),
	MODE("birth_date", BIRTH_DATE, "monitor", "dates of birth"),
	MODE("address", ADDRESS, "monitor", "street and number"),
	MODE("name", NAME, "monitor", "names of people, where words before them say so"),
	MODE("ip", IP, "monitor", "IP addresses"),
	MODE("mac", MAC, "monitor", "hardware addresses"),
	MODE("crypto", CRYPTO, "default", "addresses of wallets"),
	CONF_BOOL(struct pii_conf, unmask, "true", "put originals back into the model's answer"),
	CONF_ENUM(struct pii_conf, output, mode_names, "off", "personal data that the model itself wrote"),
	CONF_END
};
#undef MODE

static enum detect_mode
group_mode(const struct pii_conf *c, int g)
{
	return (enum detect_mode)(c->mode[g] < 0 ? c->all : c->mode[g]);
}

enum detect_mode
pii_conf_most(const struct pii_conf *c)
{
	enum detect_mode most = DETECT_OFF;

	for (int g = 0; g < PII_GROUPS; g++)
		if (group_mode(c, g) > most)
			most = group_mode(c, g);
	return most;
}

int
pii_new(struct pii **out, const struct pii_conf *conf)
{
	struct pii *p = calloc(1, sizeof(*p));
	int rc = -ENOMEM;

	*out = NULL;
	if (p == NULL)
		return -ENOMEM;
	p->conf = *conf;
	for (int g = 0; g < PII_GROUPS; g++)
		p->mode[g] = group_mode(conf, g);
	p->words = literals_new(true);
	if (p->words != NULL)
		rc = pii_words_load(p->words);
	if (rc == 0)
		rc = pii_ids_load(p);
	if (rc < 0)
		pii_free(&p);
	*out = p;
	return rc;
}

void
pii_free(struct pii **pp)
{
	struct pii *p = *pp;

	*pp = NULL;
	if (p != NULL)
		literals_free(&p->words);
	free(p);
}

const struct pii_type *
pii_type_at(size_t i)
{
	return i < PII_T_END ? &pii_types[i] : NULL;
}

const char *
pii_kind(const char *category)
{
	if (strncmp(category, "secret.", 7) == 0)
		return "SECRET";
	for (size_t i = 0; i < PII_T_END; i++)
		if (strcmp(pii_types[i].category, category) == 0)
			return pii_types[i].kind;
	return "DATA";
}

size_t
pii_window(const struct pii *p)
{
	size_t w = 0;

	for (int g = 0; g < PII_GROUPS; g++)
		if (p->mode[g] != DETECT_OFF && w < 192)
			w = 192;		/* the longest number, and the word before it */
	return p->mode[PII_EMAIL] != DETECT_OFF ? PII_EMAIL_MAX : w;
}

bool
pii_alone(const struct pii_scan *s, size_t start, size_t end)
{
	unsigned char b = start > 0 ? (unsigned char)s->p[start - 1] : ' ', e = end < s->len ? (unsigned char)s->p[end] : ' ';

	return !pii_alnum(b) && b != '_' && !pii_alnum(e) && e != '_';
}

/* From 64 to 96 bytes before it up to about as many as half of that behind. */
uint64_t
pii_around(const struct pii_scan *s, const uint64_t *marks, size_t start, size_t end)
{
	size_t first = start / 32 >= 2 ? start / 32 - 2 : 0, last = (end + 24) / 32;
	uint64_t all = 0;

	if (last > s->len / 32)
		last = s->len / 32;
	for (size_t i = first; i <= last; i++)
		all |= marks[i];
	return all;
}

bool
pii_near(const struct pii_scan *s, uint64_t ctx, size_t start, size_t end)
{
	return (pii_around(s, s->near, start, end) & ctx) != 0;
}

void
pii_add(struct pii_scan *s, enum pii_t t, size_t start, size_t len, float confidence)
{
	const struct pii_type *what = &pii_types[t];
	struct pii_hit *v;

	if (s->pii->mode[what->group] == DETECT_OFF)
		return;
	if (s->n == s->cap) {
		v = arena_alloc(s->arena, (s->cap ? 2 * s->cap : 16) * sizeof(*v));
		if (v == NULL) {
			s->oom = true;
			return;
		}
		if (s->n > 0)
			memcpy(v, s->v, s->n * sizeof(*v));
		s->v = v;
		s->cap = s->cap ? 2 * s->cap : 16;
	}
	s->v[s->n++] = (struct pii_hit){ what->name, start, len, confidence, what, s->pii->mode[what->group] };
}

/* Is the token at <start> the rest of something longer: a path, a version, an identifier with hyphens? */
static bool
continues(const struct pii_scan *s, size_t start)
{
	const char *p = s->p;

	if (start == 0)
		return false;
	if (p[start - 1] == '_' || (p[start - 1] == '$' && start > 1 && p[start - 2] == '{'))
		return true;
	return start > 1 && strchr("-./,:+", p[start - 1]) != NULL && pii_alnum((unsigned char)p[start - 2]) &&
	    (p[start - 1] != ':' || pii_digit(p[start - 2]));
}

/* As pii_card() begins: not within a number, and not in its fraction. */
static bool
card_may(const struct pii_scan *s, size_t start)
{
	return s->pii->mode[PII_CARD] != DETECT_OFF && pii_digit(s->p[start]) &&
	    !(start > 1 && (s->p[start - 1] == '.' || s->p[start - 1] == '-') && pii_digit(s->p[start - 2]));
}

/* A token with a digit: of all readers the first that finds something; those with stronger checks come first. */
static size_t
token(struct pii_scan *s, size_t start, size_t end)
{
	bool inner = continues(s, start);
	size_t e;

	if ((e = pii_mac_at(s, start, end)) != 0 || (e = pii_ip_at(s, start, end)) != 0)
		return e;
	if (!inner && ((e = pii_iban_at(s, start, end)) != 0 || (e = pii_wallet_at(s, start, end)) != 0))
		return e;
	if (card_may(s, start) && (e = pii_card_at(s->p, s->len, start, true)) != 0 && pii_alone(s, start, e) &&
	    (pii_card_at(s->p, s->len, start, false) == e || pii_near(s, CTX(C_CARD), start, e))) {
		pii_add(s, PII_T_card, start, e - start, 1);
		return e;
	}
	if (!inner && ((e = pii_ids_at(s, start)) != 0 || (e = pii_vat_at(s, start, end)) != 0))
		return e;
	if ((e = pii_phone_at(s, start)) != 0)
		return e;
	if (!inner && (e = pii_paper_at(s, start, end)) != 0)
		return e;
	if (!inner && pii_digit(s->p[start]) && ((e = pii_date_at(s, start)) != 0 || (e = pii_address_at(s, start, end)) != 0))
		return e;
	return 0;
}

static size_t
email(struct pii_scan *s, size_t at, size_t from)
{
	size_t lo = at > from + 66 ? at - 66 : from, hi = s->len - at > 300 ? at + 300 : s->len, st, end;

	if (s->pii->mode[PII_EMAIL] == DETECT_OFF || at == 0 || strchr(" @\t\n\r\"'<>()[]", s->p[at - 1]) != NULL ||
	    at + 1 >= s->len || !(pii_alnum((unsigned char)s->p[at + 1]) || (unsigned char)s->p[at + 1] >= 0x80) || (end = pii_email_at(s->p, hi, lo, at, &st)) == 0)
		return 0;
	pii_add(s, PII_T_email, st, end - st, 1);
	return end;
}

static void
walk(struct pii_scan *s)
{
	const char *p = s->p;
	size_t from = 0, i = 0, start, end, e;

	while (i < s->len) {
		if (p[i] == '@') {
			e = email(s, i, from);
			from = e != 0 ? e : i + 1;
			i = from;
			continue;
		}
		if (!pii_digit(p[i])) {
			i++;
			continue;
		}
		for (start = i; start > from && pii_alnum((unsigned char)p[start - 1]); start--)
			;
		for (end = i; end < s->len && pii_alnum((unsigned char)p[end]); end++)
			;
		e = token(s, start, end);
		i = e > end ? e : end;
		if (e != 0)
			from = i;
	}
}

static int
hit_cmp(const void *a, const void *b)
{
	const struct pii_hit *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->len > y->len ? -1 : x->len < y->len;
}

/* Of two that overlap the surer one stays, of two as sure the longer one. */
static size_t
settle(struct pii_hit *v, size_t n)
{
	size_t k = 0;

	if (n > 1)
		qsort(v, n, sizeof(*v), hit_cmp);
	for (size_t i = 0; i < n; i++) {
		if (k == 0 || v[i].start >= v[k - 1].start + v[k - 1].len)
			v[k++] = v[i];
		else if (v[i].confidence > v[k - 1].confidence ||
		    (v[i].confidence >= v[k - 1].confidence && v[i].len > v[k - 1].len))
			v[k - 1] = v[i];
	}
	return k;
}

int
pii_find(const struct pii *pii, const char *text, size_t len, struct arena *a, struct pii_hit **out, size_t *n)
{
	struct pii_scan s = { .pii = pii, .p = text, .len = len, .arena = a };

	*out = NULL;
	*n = 0;
	if (len == 0 || pii_window(pii) == 0)
		return 0;
	s.near = arena_calloc(a, 2 * (len / 32 + 1), sizeof(*s.near));
	if (s.near == NULL)
		return -ENOMEM;
	s.said = s.near + len / 32 + 1;
	literals_each(pii->words, text, len, pii_word_hit, &s);
	walk(&s);
	if (s.oom)
		return -ENOMEM;
	*out = s.v;
	*n = settle(s.v, s.n);
	return 0;
}
