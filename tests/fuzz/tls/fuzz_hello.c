/* SPDX-License-Identifier: MIT */
/*
 * Bytes as a handshake message and as records: no read outside, and what parses has fingerprints of the right shape
 * that don't change when the hello is cut into records again.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/tls/ja.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static void
fingerprint(enum tls_transport t, const uint8_t *p, size_t n)
{
	static char raw[JA4_RAW_MAX], text[JA4_RAW_MAX];
	char ja4[JA4_LEN], ja3[JA3_HEX];
	struct tls_hello h;

	if (tls_hello_parse(&h, t, p, n) != TLS_OK)
		return;
	ja4_hash(ja4, &h);
	ja3_hash(ja3, &h);
	MUST(strlen(ja4) == JA4_LEN - 1 && ja4[10] == '_' && ja4[23] == '_' && ja4[0] == (char)t);
	MUST(strlen(ja3) == JA3_HEX - 1);
	MUST(ja4_raw(raw, sizeof(raw), &h) >= 12 && memcmp(raw, ja4, 11) == 0);
	MUST(ja3_text(text, sizeof(text), &h) >= 5);
}

static void
cut_again(const uint8_t *msg, size_t len)
{
	uint8_t *rec = malloc(len * 6 + 6), *out = malloc(len + 1);
	size_t at = 0, got;

	MUST(rec != NULL && out != NULL);
	for (size_t i = 0; i < len; i++) {
		memcpy(rec + at, "\x16\x03\x01\x00\x01", 5);
		rec[at + 5] = msg[i];
		at += 6;
	}
	MUST(tls_records_join(rec, at, out, &got) == TLS_OK && got == len && memcmp(out, msg, len) == 0);
	free(rec);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *out = malloc(n + 65536 + 16);
	size_t len;

	MUST(out != NULL);
	fingerprint(TLS_OVER_TCP, data, n);
	fingerprint(TLS_OVER_QUIC, data, n);
	fingerprint(TLS_OVER_DTLS, data, n);
	if (tls_records_join(data, n, out, &len) == TLS_OK) {
		fingerprint(TLS_OVER_TCP, out, len);
		if (len < 4096)
			cut_again(out, len);
	}
	MUST(len <= n);
	if (dtls_records_join(data, n, out, n + 65536 + 16, &len) == TLS_OK)
		fingerprint(TLS_OVER_DTLS, out, len);
	free(out);
	return 0;
}
