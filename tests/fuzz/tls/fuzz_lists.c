/* SPDX-License-Identifier: MIT */
/*
 * The lists that HAProxy kept of a hello, each behind a byte of length: no read outside, and what has a fingerprint has one
 * that the text between the first request of a connection and the later ones carries unharmed.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/fingerprint.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

/* A copy of its own, so that a read behind its end is one outside. */
static struct tls_bytes
take(const uint8_t **p, size_t *n, uint8_t *copy)
{
	size_t len = *n > 0 ? **p : 0;
	struct tls_bytes b = {copy, 0};

	if (*n == 0)
		return b;
	(*p)++;
	(*n)--;
	b.n = len < *n ? len : *n;
	memcpy(copy, *p, b.n);
	*p += b.n;
	*n -= b.n;
	return b;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *copy[7];
	struct tls_bytes *list[7];
	char text[FINGERPRINT_TEXT];
	struct fingerprint f, back;
	struct tls_lists l = {0};
	enum tls_result r;

	list[0] = &l.ciphers;
	list[1] = &l.exts;
	list[2] = &l.groups;
	list[3] = &l.formats;
	list[4] = &l.sigalgs;
	list[5] = &l.versions;
	list[6] = &l.alpn;
	if (n < 2)
		return 0;
	l.hello_id = (unsigned)data[0] << 8 | data[1];
	data += 2;
	n -= 2;
	for (size_t i = 0; i < 7; i++) {
		MUST((copy[i] = malloc(255)) != NULL);
		*list[i] = take(&data, &n, copy[i]);
	}
	fingerprint_lists(&f, &r, &l);
	fingerprint_text(text, &f);
	/* An ALPN that is neither letters nor digits is in JA4 as hexadecimal digits: always the right shape. */
	MUST(fingerprint_parse(&back, (struct span){text, strlen(text)}) == (f.state[0] != '\0'));
	MUST(strcmp(back.ja4, f.ja4) == 0 && strcmp(back.ja3, f.ja3) == 0 && strcmp(back.state, f.state) == 0);
	for (size_t i = 0; i < 7; i++)
		free(copy[i]);
	return 0;
}
