/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TLS_JA_H
#define LLMSEC_TLS_JA_H
/*
 * TLS client fingerprints of a ClientHello.
 *	JA3	MD5 over version,ciphers,extensions,groups,point formats in decimal.  Althouse, Atkinson, Atkins:
 *		"JA3", Salesforce 2017.
 *	JA4	FoxIO, "JA4: TLS Client Fingerprint" (technical_details/JA4.md), BSD 3-clause.  Of the JA4+ family only
 *		this one is free of FoxIO's own licence, so only this one is here.
 * GREASE values (RFC 8701) are left out everywhere, among signature algorithms too, where Chromium 156 has one.
 * (Wireshark 4.4 counts that one, so that its fingerprint of Chromium is another each time.)
 * Pure functions, no allocation.
 *
 * One deliberate reading: where the first ALPN value starts or ends with a byte that is no ASCII letter or
 * digit, JA4.md asks for the first and last character of its hexadecimal form.  Some tools print "99".
 */
#include <stddef.h>

#include "haproxy-spoa/tls/hello.h"

#define JA3_HEX		33	/* with the NUL */
#define JA4_LEN		37
/* 5 characters a cipher and extension, sigalgs at most 32767: longer ones are cut, the hash is not. */
#define JA4_RAW_MAX	16384

void	 ja3_hash(char out[JA3_HEX], const struct tls_hello *);
/* The text that is hashed; what snprintf would return. */
size_t	 ja3_text(char *out, size_t, const struct tls_hello *);
void	 ja4_hash(char out[JA4_LEN], const struct tls_hello *);
/* ja4_r: the same with sorted lists in place of the hashes. */
size_t	 ja4_raw(char *out, size_t, const struct tls_hello *);
#endif
