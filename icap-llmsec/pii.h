/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_PII_H
#define LLMSEC_ICAP_PII_H
/*
 * Personal data with a shape: e-mail addresses (RFC 5321, 4.1.2, dot-strings; UTF-8 domains by RFC 6531) and payment
 * card numbers (ISO/IEC 7812-1: length, issuer ranges, Luhn check).  Scanners, no regex; linear; pure.
 */
#include <stddef.h>

#define PII_EMAIL_MAX	(64 + 1 + 253)
#define PII_CARD_MAX	(19 + 18)

/* The first one at or after <from>: 1 and its place, 0: none. */
int	pii_email(const char *, size_t len, size_t from, size_t *start, size_t *n);
int	pii_card(const char *, size_t len, size_t from, size_t *start, size_t *n);
#endif
