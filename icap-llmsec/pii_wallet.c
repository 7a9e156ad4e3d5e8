/* SPDX-License-Identifier: MIT */
/*
 * Addresses of wallets: Base58Check (Bitcoin wiki; Litecoin, Dogecoin, Tron by their version bytes, XRP by its alphabet), bech32 and
 * bech32m (BIP 173, BIP 350), Ethereum's mixed-case check (EIP-55, Keccak-256).
 */
#include "config.h"

#include <string.h>

#include <openssl/evp.h>

#include "icap-llmsec/pii_private.h"

/* Value of 25 bytes; false: another length, another alphabet, or a wrong sum. */
static bool
base58check(const char *p, size_t n, const char *alphabet, unsigned char *version)
{
	unsigned char b[25] = { 0 }, h[32];
	unsigned len;

	for (size_t i = 0; i < n; i++) {
		const char *a = memchr(alphabet, p[i], 58);
		unsigned carry;

		if (a == NULL)
			return false;
		carry = (unsigned)(a - alphabet);
		for (size_t k = sizeof(b); k-- > 0; carry >>= 8) {
			carry += 58u * b[k];
			b[k] = (unsigned char)carry;
		}
		if (carry != 0)
			return false;
	}
	if (EVP_Digest(b, 21, h, &len, EVP_sha256(), NULL) != 1 || EVP_Digest(h, 32, h, &len, EVP_sha256(), NULL) != 1)
		return false;
	*version = b[0];
	return memcmp(h, b + 21, 4) == 0;
}

static bool
wallet58(const char *p, size_t n)
{
	static const char btc[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
	    xrp[] = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
	unsigned char v;

	if (p[0] == 'r')
		return base58check(p, n, xrp, &v) && v == 0;
	return strchr("13LMDAT", p[0]) != NULL && base58check(p, n, btc, &v) && (v == 0 || v == 5 || v == 0x30 || v == 0x32 || v == 0x1e || v == 0x41);
}

static bool
bech32(const char *p, size_t n)
{
	static const char set[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	static const uint32_t gen[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	const char *one = memchr(p, '1', n < 10 ? n : 10);
	uint32_t c = 1;
	size_t hrp = one != NULL ? (size_t)(one - p) : 0;

	if (hrp == 0 || n - hrp < 7)
		return false;
	for (size_t i = 0; i < 2 * hrp + n - hrp; i++) {
		size_t at = i <= 2 * hrp ? 0 : i - hrp;
		const char *a = i > 2 * hrp ? memchr(set, p[at] | 0x20, 32) : NULL;
		uint32_t v = i < hrp ? (uint32_t)(p[i] | 0x20) >> 5 : i == hrp ? 0 : i <= 2 * hrp ? (uint32_t)(p[i - hrp - 1] | 0x20) & 31 : 0, top = c >> 25;

		if (i > 2 * hrp) {
			if (a == NULL)
				return false;
			v = (uint32_t)(a - set);
		}
		c = (c & 0x1ffffff) << 5 ^ v;
		for (int k = 0; k < 5; k++)
			if (top >> k & 1)
				c ^= gen[k];
	}
	return c == 1 || c == 0x2bc830a3;
}

static uint64_t
rol(uint64_t x, int n)
{
	return n == 0 ? x : x << n | x >> (64 - n);
}

/* Keccak-f[1600] (the Keccak reference, version 3.0). */
static void
keccak_f(uint64_t a[25])
{
	static const int rot[24] = { 1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44 },
	    pi[24] = { 10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1 };
	unsigned lfsr = 1;

	for (int round = 0; round < 24; round++) {
		uint64_t c[5], t;

		for (int i = 0; i < 5; i++)
			c[i] = a[i] ^ a[i + 5] ^ a[i + 10] ^ a[i + 15] ^ a[i + 20];
		for (int i = 0; i < 25; i++)
			a[i] ^= c[(i + 4) % 5] ^ rol(c[(i + 1) % 5], 1);
		t = a[1];
		for (int i = 0; i < 24; i++) {
			uint64_t u = a[pi[i]];

			a[pi[i]] = rol(t, rot[i]);
			t = u;
		}
		for (int j = 0; j < 25; j += 5) {
			memcpy(c, a + j, sizeof(c));
			for (int i = 0; i < 5; i++)
				a[j + i] ^= ~c[(i + 1) % 5] & c[(i + 2) % 5];
		}
		for (int j = 0; j < 7; j++) {		/* the round constant, bit by bit */
			if (lfsr & 1)
				a[0] ^= UINT64_C(1) << ((1 << j) - 1);
			lfsr = lfsr & 0x80 ? (lfsr << 1 ^ 0x171) : lfsr << 1;
		}
	}
}

static bool
eip55(const char *hex40)
{
	uint64_t a[25] = { 0 };
	bool up = false, low = false;

	for (int i = 0; i < 40; i++) {
		char c = hex40[i];

		up = up || (c >= 'A' && c <= 'F');
		low = low || (c >= 'a' && c <= 'f');
		a[i / 8] ^= (uint64_t)(unsigned char)(c >= 'A' && c <= 'F' ? c | 0x20 : c) << i % 8 * 8;
	}
	if (!up || !low)
		return false;
	a[5] ^= 1;
	a[16] ^= UINT64_C(1) << 63;
	keccak_f(a);
	for (int i = 0; i < 40; i++) {
		unsigned nibble = (unsigned)(a[i / 16] >> (i / 2 % 8 * 8 + (i & 1 ? 0 : 4))) & 15;

		if (!pii_digit(hex40[i]) && (nibble >= 8) != (hex40[i] <= 'F'))
			return false;
	}
	return true;
}

static bool
hex(const char *p, size_t n)
{
	while (n > 0 && (pii_digit(p[n - 1]) || ((p[n - 1] | 0x20) >= 'a' && (p[n - 1] | 0x20) <= 'f')))
		n--;
	return n == 0;
}

size_t
pii_wallet_at(struct pii_scan *s, size_t start, size_t end)
{
	const char *p = s->p + start;
	size_t n = end - start;
	float sure = 0;

	if (n < 25 || n > 110 || s->pii->mode[PII_CRYPTO] == DETECT_OFF || !pii_alone(s, start, end))
		return 0;
	if (n == 42 && p[0] == '0' && p[1] == 'x' && hex(p + 2, 40))
		sure = eip55(p + 2) ? 1 : pii_near(s, CTX(C_CRYPTO), start, end) ? 0.8f : 0;
	else if (n <= 35 && wallet58(p, n))
		sure = 1;
	else if ((memcmp(p, "bc1", 3) == 0 || memcmp(p, "BC1", 3) == 0 || memcmp(p, "tb1", 3) == 0 || memcmp(p, "ltc1", 4) == 0 || memcmp(p, "addr1", 5) == 0) && bech32(p, n))
		sure = 1;
	else if (n == 95 && (p[0] == '4' || p[0] == '8') && memchr(p, '0', n) == NULL && pii_near(s, CTX(C_CRYPTO), start, end))
		sure = 0.9f;		/* Monero */
	if (sure <= 0)
		return 0;
	pii_add(s, PII_T_crypto, start, n, sure);
	return end;
}
