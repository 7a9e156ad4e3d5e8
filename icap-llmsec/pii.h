/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_PII_H
#define LLMSEC_ICAP_PII_H
/*
 * Personal data in text: one pass over UTF-8 as it stands, for both directions.  What has a check digit is checked; what
 * digits alone don't tell apart (a tax number from an order number) needs a word near it that says what it is.  docs/pii.md
 * lists all types with the source of each check.  No regex; linear; after pii_new() immutable and shared by threads.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/detect.h"
#include "lib/conf.h"

struct arena;
struct pii;

/* What a mode can be set for, in the order of the keys in icap.yaml. */
enum pii_group {
	PII_EMAIL, PII_CARD, PII_IBAN, PII_BIC, PII_US_SSN, PII_NATIONAL_ID, PII_VAT, PII_PHONE, PII_PASSPORT, PII_LICENCE,
	PII_BIRTH_DATE, PII_ADDRESS, PII_NAME, PII_IP, PII_MAC, PII_CRYPTO, PII_GROUPS
};

/* icap.yaml's map "pii".  Modes are enum detect_mode, -1 for "as default". */
struct pii_conf {
	int	 all;			/* key "default" */
	int	 mode[PII_GROUPS];
	bool	 unmask;
	int	 output;
};
extern const struct conf_opt pii_conf_opts[];
/* The most severe mode of any type: DETECT_MASK or more needs keys to seal. */
enum detect_mode pii_conf_most(const struct pii_conf *);

/* A type of personal data; static, lives for ever. */
struct pii_type {
	const char	*name;		/* "email", "iban", "us_ssn", "es_dni" */
	const char	*category;	/* "pii.es_dni" */
	const char	*rule_id;	/* "LLMSEC-PII-ES-DNI" */
	const char	*kind;		/* of its placeholder, mask.h: "EMAIL", "ID" */
	enum pii_group	 group;
};

struct pii_hit {
	const char	*type;		/* what->name */
	size_t		 start, len;	/* bytes in the text */
	float		 confidence;	/* 0..1: 1 by check digits alone, less where words around it decide */
	const struct pii_type *what;
	enum detect_mode mode;		/* of its group, never DETECT_OFF */
};

/* 0 or -ENOMEM. */
int	pii_new(struct pii **, const struct pii_conf *);
void	pii_free(struct pii **);
/* All of them, ordered by start, none overlapping another.  Scratch and hits are in the arena.  0 or -ENOMEM. */
int	pii_find(const struct pii *, const char *text, size_t len, struct arena *, struct pii_hit **, size_t *n);
/* The longest text that one may span, with the words around it that it needs: a stream's hold-back.  0: all off. */
size_t	pii_window(const struct pii *);
/* Type <i> in no particular order, NULL past the end: for lists and tests. */
const struct pii_type *pii_type_at(size_t i);
/* The placeholder kind of a category ("pii.iban" -> "IBAN", "secret.x" -> "SECRET"); "DATA" for what it doesn't know. */
const char *pii_kind(const char *category);

#define PII_EMAIL_MAX	(64 + 1 + 253)
#define PII_CARD_MAX	(19 + 18)

/* The first one at or after <from>: 1 and its place, 0: none. */
int	pii_email(const char *, size_t len, size_t from, size_t *start, size_t *n);
int	pii_card(const char *, size_t len, size_t from, size_t *start, size_t *n);
#endif
