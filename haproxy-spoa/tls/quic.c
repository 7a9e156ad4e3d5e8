/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "haproxy-spoa/tls/quic.h"
#include "lib/wire.h"

#define QUIC_V1		0x00000001u
#define QUIC_V2		0x6b3343cfu
#define TAG_LEN		16

/* RFC 9001 5.2, RFC 9369 3.3.1 */
static const uint8_t salt_v1[20] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
	0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
static const uint8_t salt_v2[20] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
	0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
/* draft-ietf-quic-tls-29 and -23, 5.2 */
static const uint8_t salt_draft29[20] = {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61,
	0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};
static const uint8_t salt_draft23[20] = {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4,
	0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02};

/* NULL: not a version that we can open. */
static const uint8_t *
salt_of(uint32_t version)
{
	static const struct {
		uint32_t	 first, last;
		const uint8_t	*salt;
	} known[] = {
		{QUIC_V1, QUIC_V1, salt_v1}, {QUIC_V2, QUIC_V2, salt_v2}, {0xff000021, 0xff000022, salt_v1},
		{0xff00001d, 0xff000020, salt_draft29}, {0xff000017, 0xff00001c, salt_draft23},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (version >= known[i].first && version <= known[i].last)
			return known[i].salt;
	return NULL;
}

struct initial_keys {
	uint8_t	key[16], iv[12], hp[16];
};

/* One long-header packet, cut out of its datagram. */
struct packet {
	uint8_t		 head[64 + 1024];	/* copy of the header, for unmasking and as associated data */
	const uint8_t	*start;
	size_t		 pn_offset, end;	/* from <start> */
	uint32_t	 version;
	const uint8_t	*dcid;
	size_t		 dcid_len;
};

static bool
hkdf(int mode, const uint8_t *salt, size_t salt_len, const uint8_t *key, size_t key_len, const uint8_t *info,
    size_t info_len, uint8_t *out, size_t out_len)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	bool ok = c != NULL && EVP_PKEY_derive_init(c) > 0 && EVP_PKEY_CTX_hkdf_mode(c, mode) > 0 &&
	    EVP_PKEY_CTX_set_hkdf_md(c, EVP_sha256()) > 0 &&
	    (salt == NULL || EVP_PKEY_CTX_set1_hkdf_salt(c, salt, (int)salt_len) > 0) &&
	    EVP_PKEY_CTX_set1_hkdf_key(c, key, (int)key_len) > 0 &&
	    (info == NULL || EVP_PKEY_CTX_add1_hkdf_info(c, info, (int)info_len) > 0) &&
	    EVP_PKEY_derive(c, out, &out_len) > 0;

	EVP_PKEY_CTX_free(c);
	return ok;
}

/* HKDF-Expand-Label of RFC 8446 7.1, with an empty context. */
static bool
expand_label(const uint8_t secret[32], const char *label, uint8_t *out, size_t out_len)
{
	uint8_t info[64];
	struct wire_out w;
	size_t n = strlen(label);

	wire_out_init(&w, info, sizeof(info));
	wire_put_be16(&w, (uint16_t)out_len);
	wire_put_u8(&w, (uint8_t)(6 + n));
	wire_put_bytes(&w, "tls13 ", 6);
	wire_put_bytes(&w, label, n);
	wire_put_u8(&w, 0);
	return hkdf(EVP_PKEY_HKDEF_MODE_EXPAND_ONLY, NULL, 0, secret, 32, info, wire_out_len(&w), out, out_len);
}

static bool
derive(struct initial_keys *k, const struct quic_initials *q)
{
	bool v2 = q->version == QUIC_V2;
	uint8_t initial[32], client[32];

	return hkdf(EVP_PKEY_HKDEF_MODE_EXTRACT_ONLY, salt_of(q->version), 20, q->dcid, q->dcid_len, NULL, 0, initial,
	    sizeof(initial)) &&
	    expand_label(initial, "client in", client, sizeof(client)) &&
	    expand_label(client, v2 ? "quicv2 key" : "quic key", k->key, sizeof(k->key)) &&
	    expand_label(client, v2 ? "quicv2 iv" : "quic iv", k->iv, sizeof(k->iv)) &&
	    expand_label(client, v2 ? "quicv2 hp" : "quic hp", k->hp, sizeof(k->hp));
}

/* RFC 9000 16 */
static uint64_t
varint(struct wire *w)
{
	uint8_t first = wire_u8(w);
	uint64_t v = first & 0x3f;

	for (int i = (1 << (first >> 6)) - 1; i > 0; i--)
		v = v << 8 | wire_u8(w);
	return v;
}

/* The next packet of a datagram; false: none, or nothing that can be cut out. */
static bool
packet_next(struct wire *w, struct packet *p, bool *initial)
{
	const uint8_t *start = w->p;
	uint64_t n;
	uint8_t first;

	if (wire_left(w) < 7)
		return false;
	first = wire_u8(w);
	p->version = wire_be32(w);
	if (!(first & 0x80) || p->version == 0)
		return false;
	*initial = salt_of(p->version) != NULL && (first >> 4 & 3) == (p->version == QUIC_V2 ? 1 : 0);
	p->dcid_len = wire_u8(w);
	p->dcid = wire_bytes(w, p->dcid_len);
	wire_skip(w, wire_u8(w));
	if (w->err != 0 || p->dcid_len > QUIC_CID_MAX)
		return false;
	if (*initial)
		wire_skip(w, varint(w));	/* token */
	n = varint(w);
	if (w->err != 0 || n > wire_left(w))
		return false;
	p->start = start;
	p->pn_offset = (size_t)(w->p - start);
	p->end = p->pn_offset + (size_t)n;
	wire_skip(w, n);
	return true;
}

bool
quic_is_initial(const void *data, size_t len)
{
	struct packet p;
	struct wire w;
	bool initial;

	wire_init(&w, data, len);
	return packet_next(&w, &p, &initial) && initial;
}

static bool
aes_ecb(const uint8_t key[16], const uint8_t in[16], uint8_t out[32])
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;
	bool ok = c != NULL && EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
	    EVP_EncryptUpdate(c, out, &n, in, 16) == 1;

	EVP_CIPHER_CTX_free(c);
	return ok;
}

static bool
aes_gcm_open(const uint8_t key[16], const uint8_t iv[12], const uint8_t *aad, size_t aad_len, const uint8_t *in,
    size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;
	bool ok = len >= TAG_LEN && c != NULL && EVP_DecryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, iv) == 1 &&
	    EVP_DecryptUpdate(c, NULL, &n, aad, (int)aad_len) == 1 &&
	    EVP_DecryptUpdate(c, out, &n, in, (int)(len - TAG_LEN)) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_LEN, (void *)(uintptr_t)(in + len - TAG_LEN)) == 1 &&
	    EVP_DecryptFinal_ex(c, out + n, &n) == 1;

	EVP_CIPHER_CTX_free(c);
	return ok;
}

/* RFC 9001 5.4 and 5.3: unmask the header, open the payload into <out>; its length, 0: not ours. */
static size_t
packet_open(struct packet *p, const struct initial_keys *k, uint8_t *out)
{
	uint8_t mask[32], iv[12];
	const uint8_t *sample = p->start + p->pn_offset + 4;
	size_t pn_len, head_len;

	if (p->pn_offset + 4 + 16 > p->end || p->pn_offset + 4 > sizeof(p->head) || !aes_ecb(k->hp, sample, mask))
		return 0;
	memcpy(p->head, p->start, p->pn_offset + 4);
	p->head[0] ^= mask[0] & 0x0f;
	pn_len = (p->head[0] & 3) + 1u;
	head_len = p->pn_offset + pn_len;
	memcpy(iv, k->iv, sizeof(iv));
	for (size_t i = 0; i < pn_len; i++) {
		p->head[p->pn_offset + i] ^= mask[1 + i];
		iv[12 - pn_len + i] ^= p->head[p->pn_offset + i];
	}
	if (p->end - head_len < TAG_LEN ||
	    !aes_gcm_open(k->key, iv, p->head, head_len, p->start + head_len, p->end - head_len, out))
		return 0;
	return p->end - head_len - TAG_LEN;
}

static bool
crypto_take(struct quic_initials *q, uint64_t offset, const uint8_t *p, uint64_t n)
{
	if (p == NULL || offset > QUIC_HELLO_MAX || n > QUIC_HELLO_MAX - offset)
		return false;
	memcpy(q->crypto + offset, p, n);
	for (uint64_t i = offset; i < offset + n; i++)
		q->seen[i / 8] |= (uint8_t)(1u << i % 8);
	while (q->contiguous < QUIC_HELLO_MAX && (q->seen[q->contiguous / 8] >> q->contiguous % 8 & 1))
		q->contiguous++;
	return true;
}

/* The frames that an Initial may hold (RFC 9000 12.4): PADDING, PING, ACK, CRYPTO, CONNECTION_CLOSE. */
static bool
frames_take(struct quic_initials *q, const uint8_t *data, size_t len)
{
	struct wire w;
	uint64_t n, offset;
	uint8_t type;

	wire_init(&w, data, len);
	while (wire_left(&w) > 0 && w.err == 0) {
		type = wire_u8(&w);
		switch (type) {
		case 0x00:
		case 0x01:
			break;
		case 0x02:
		case 0x03:
			varint(&w);
			varint(&w);
			n = varint(&w);
			varint(&w);
			for (; n > 0 && w.err == 0; n--) {
				varint(&w);
				varint(&w);
			}
			for (int i = 0; type == 0x03 && i < 3; i++)
				varint(&w);
			break;
		case 0x06:
			offset = varint(&w);
			n = varint(&w);
			if (!crypto_take(q, offset, wire_bytes(&w, n), n))
				return false;
			break;
		case 0x1c:
			return true;
		default:
			return false;
		}
	}
	return w.err == 0;
}

/*
 * A connection that is new to us: the first one, one on the same ports, another version of it, or the same one after a
 * Retry, where the client starts over with the connection id that the server gave it (RFC 9000 7.2).
 */
static size_t
open_anew(struct quic_initials *q, struct packet *p, uint8_t *out)
{
	struct quic_initials fresh = {.version = p->version, .dcid_len = p->dcid_len};
	struct initial_keys k;
	size_t n;

	memcpy(fresh.dcid, p->dcid, p->dcid_len);
	if (!derive(&k, &fresh) || (n = packet_open(p, &k, out)) == 0)
		return 0;
	*q = fresh;
	return n;
}

enum tls_result
quic_take(struct quic_initials *q, const void *data, size_t len, size_t *out_len)
{
	uint8_t plain[65536];
	struct initial_keys k;
	const uint8_t *msg;
	struct packet p;
	struct wire w;
	bool initial, any = false;
	size_t n;

	wire_init(&w, data, len);
	while (packet_next(&w, &p, &initial)) {
		if (!initial)
			continue;
		any = true;
		if (len > sizeof(plain))
			return TLS_MALFORMED;
		n = p.version == q->version && derive(&k, q) ? packet_open(&p, &k, plain) : 0;
		if (n == 0 && (n = open_anew(q, &p, plain)) == 0)
			return TLS_MALFORMED;
		if (!frames_take(q, plain, n))
			return TLS_MALFORMED;
	}
	if (!any)
		return TLS_NOT_HELLO;
	if (q->contiguous - q->start < 4)
		return TLS_SHORT;
	msg = q->crypto + q->start;
	n = 4 + ((size_t)msg[1] << 16 | (size_t)msg[2] << 8 | msg[3]);
	if (n > QUIC_HELLO_MAX - q->start)
		return TLS_MALFORMED;
	*out_len = n;
	return q->contiguous - q->start >= n ? TLS_OK : TLS_SHORT;
}
