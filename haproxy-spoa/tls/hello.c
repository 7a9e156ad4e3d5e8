/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/tls/hello.h"
#include "lib/wire.h"

enum {
	EXT_SERVER_NAME = 0, EXT_SUPPORTED_GROUPS = 10, EXT_EC_POINT_FORMATS = 11, EXT_SIGNATURE_ALGORITHMS = 13,
	EXT_ALPN = 16, EXT_SUPPORTED_VERSIONS = 43, EXT_ECH = 0xfe0d,
};
#define HANDSHAKE_CLIENT_HELLO	1
#define HANDSHAKE_HEADER	4

const char *
tls_result_str(enum tls_result r)
{
	static const char *const text[] = {"ok", "short", "malformed", "not-hello"};

	return text[r];
}

/* An inner vector of <width>-byte length: a reader of its own, the outer one moves past it. */
static struct wire
vector(struct wire *w, int width)
{
	size_t n = width == 1 ? wire_u8(w) : wire_be16(w);
	const uint8_t *p = wire_bytes(w, n);
	struct wire in;

	wire_init(&in, p != NULL ? p : (const uint8_t *)"", p != NULL ? n : 0);
	return in;
}

static struct tls_list16
list16(struct wire *w, struct wire in)
{
	size_t n;
	const uint8_t *p = wire_rest(&in, &n);

	if (n % 2 != 0 && w->err == 0)
		w->err = -1;
	return (struct tls_list16){p, n / 2};
}

/* Everything in it, or it is malformed. */
static void
must_end(struct wire *w, const struct wire *in)
{
	if (w->err == 0 && (in->err != 0 || wire_left(in) != 0))
		w->err = -1;
}

static void
parse_sni(struct tls_hello *h, struct wire *body)
{
	struct wire list = vector(body, 2), name;
	uint8_t type;

	h->has_sni = true;
	while (body->err == 0 && list.err == 0 && wire_left(&list) > 0) {
		type = wire_u8(&list);
		name = vector(&list, 2);
		if (type == 0 && h->sni.p == NULL)
			h->sni.p = wire_rest(&name, &h->sni.n);
	}
	must_end(body, &list);
}

static void
parse_alpn(struct tls_hello *h, struct wire *body)
{
	struct wire list = vector(body, 2), name;
	bool first = true;

	h->has_alpn = true;
	while (body->err == 0 && list.err == 0 && wire_left(&list) > 0) {
		name = vector(&list, 1);
		if (first)
			h->alpn.p = wire_rest(&name, &h->alpn.n);
		first = false;
	}
	must_end(body, &list);
}

static void
parse_groups(struct tls_hello *h, struct wire *body)
{
	uint16_t g;

	h->groups = list16(body, vector(body, 2));
	for (size_t i = 0; i < h->groups.n; i++) {
		g = tls_u16(h->groups, i);
		/* X25519MLKEM768 and its NIST sisters; the Kyber drafts that browsers sent before. */
		h->has_pq |= (g >= 0x11eb && g <= 0x11ed) || g == 0x6399 || g == 0x639a || (g >= 0x0200 && g <= 0x0202);
		h->has_grease |= tls_is_grease(g);
	}
}

/* The extensions a fingerprint looks into.  A body that doesn't parse to its end makes the hello malformed. */
static void
parse_extension(struct tls_hello *h, uint16_t type, struct wire *body)
{
	struct wire in;

	switch (type) {
	case EXT_SERVER_NAME:
		/* An empty one is what servers answer; some scanners send it. */
		if (wire_left(body) > 0)
			parse_sni(h, body);
		h->has_sni = true;
		break;
	case EXT_ALPN:
		parse_alpn(h, body);
		break;
	case EXT_SUPPORTED_GROUPS:
		parse_groups(h, body);
		break;
	case EXT_EC_POINT_FORMATS:
		in = vector(body, 1);
		h->point_formats.p = wire_rest(&in, &h->point_formats.n);
		break;
	case EXT_SIGNATURE_ALGORITHMS:
		h->sigalgs = list16(body, vector(body, 2));
		break;
	case EXT_SUPPORTED_VERSIONS:
		h->versions = list16(body, vector(body, 1));
		break;
	default:
		h->has_ech |= type == EXT_ECH;
		h->has_grease |= tls_is_grease(type);
		wire_skip(body, wire_left(body));
	}
}

static bool
seen_before(const struct tls_hello *h, uint16_t type)
{
	for (size_t i = 0; i < h->n_ext; i++)
		if (h->ext[i] == type)
			return true;
	return false;
}

static bool
parse_extensions(struct tls_hello *h, struct wire *all)
{
	struct wire body;
	uint16_t type;

	while (wire_left(all) > 0) {
		type = wire_be16(all);
		body = vector(all, 2);
		/* "There MUST NOT be more than one extension of the same type" (RFC 8446 4.2). */
		if (all->err != 0 || h->n_ext == TLS_EXTENSIONS_MAX || seen_before(h, type))
			return false;
		h->ext[h->n_ext++] = type;
		parse_extension(h, type, &body);
		if (body.err != 0 || wire_left(&body) != 0)
			return false;
	}
	return true;
}

static bool
parse_body(struct tls_hello *h, struct wire *w)
{
	struct wire ext;

	h->legacy_version = wire_be16(w);
	wire_skip(w, 32);
	(void)vector(w, 1);				/* session id */
	if (h->transport == TLS_OVER_DTLS)
		(void)vector(w, 1);			/* cookie */
	h->ciphers = list16(w, vector(w, 2));
	(void)vector(w, 1);				/* compression methods */
	if (w->err != 0 || h->ciphers.n > TLS_CIPHERS_MAX)
		return false;
	for (size_t i = 0; i < h->ciphers.n; i++)
		h->has_grease |= tls_is_grease(tls_u16(h->ciphers, i));
	if (wire_left(w) == 0)				/* before TLS 1.2 there may be none */
		return true;
	ext = vector(w, 2);
	return w->err == 0 && wire_left(w) == 0 && parse_extensions(h, &ext);
}

enum tls_result
tls_hello_parse(struct tls_hello *h, enum tls_transport transport, const void *data, size_t len)
{
	struct wire w, body;
	const uint8_t *p = data;
	uint32_t n, offset, part;

	memset(h, 0, sizeof(*h));
	h->transport = transport;
	if (len > 0 && p[0] != HANDSHAKE_CLIENT_HELLO)
		return TLS_NOT_HELLO;
	wire_init(&w, data, len);
	wire_u8(&w);
	n = wire_be24(&w);
	/* Some tools cut DTLS's message number and fragment fields out: then the length fits at once. */
	if (transport == TLS_OVER_DTLS && wire_left(&w) != n) {
		wire_be16(&w);
		offset = wire_be24(&w);
		part = wire_be24(&w);
		if (w.err == 0 && (offset != 0 || part != n))
			return offset <= n && part <= n - offset ? TLS_SHORT : TLS_MALFORMED;
	}
	if (w.err != 0 || wire_left(&w) < n)
		return TLS_SHORT;
	wire_init(&body, wire_bytes(&w, n), n);
	return parse_body(h, &body) ? TLS_OK : TLS_MALFORMED;
}

#define RECORD_HANDSHAKE	22
#define RECORD_MAX		16384

enum tls_result
tls_records_join(const void *data, size_t len, uint8_t *out, size_t *out_len)
{
	size_t n, have = 0, need = HANDSHAKE_HEADER;
	const uint8_t *p;
	struct wire w;
	uint8_t type;

	*out_len = 0;
	wire_init(&w, data, len);
	while (have < need) {
		if (wire_left(&w) == 0)
			return TLS_SHORT;
		type = wire_u8(&w);
		if (type != RECORD_HANDSHAKE)
			return have == 0 ? TLS_NOT_HELLO : TLS_MALFORMED;
		wire_be16(&w);
		n = wire_be16(&w);
		if (w.err != 0)
			return TLS_SHORT;
		/* "Zero-length fragments of Handshake types MUST NOT be sent" (RFC 8446 5.1). */
		if (n == 0 || n > RECORD_MAX)
			return TLS_MALFORMED;
		if (wire_left(&w) == 0)		/* a header with nothing behind it yet */
			return TLS_SHORT;
		if (n > wire_left(&w))
			n = wire_left(&w);
		p = wire_bytes(&w, n);
		memmove(out + have, p, n);
		have += n;
		*out_len = have;
		if (out[0] != HANDSHAKE_CLIENT_HELLO)
			return TLS_NOT_HELLO;
		if (have >= HANDSHAKE_HEADER)
			need = HANDSHAKE_HEADER + ((size_t)out[1] << 16 | (size_t)out[2] << 8 | out[3]);
	}
	*out_len = need;
	return TLS_OK;
}

#define DTLS_HANDSHAKE_HEADER	12
#define DTLS_HELLO_MAX		65536

/* One fragment into its place; the bitmap says which bytes are there (RFC 6347 4.2.3). */
static enum tls_result
dtls_fragment(struct wire *rec, uint8_t *out, size_t size, uint8_t *seen, size_t *total, size_t *have)
{
	uint8_t type = wire_u8(rec);
	uint32_t n = wire_be24(rec), offset, part;
	const uint8_t *p;

	wire_be16(rec);
	offset = wire_be24(rec);
	part = wire_be24(rec);
	p = wire_bytes(rec, part);
	if (rec->err != 0)
		return TLS_SHORT;
	if (type != HANDSHAKE_CLIENT_HELLO)
		return TLS_NOT_HELLO;
	if (offset > n || part > n - offset || n > DTLS_HELLO_MAX || n + DTLS_HANDSHAKE_HEADER > size ||
	    (*total != SIZE_MAX && *total != n))
		return TLS_MALFORMED;
	*total = n;
	for (uint32_t i = offset; i < offset + part; i++) {
		out[DTLS_HANDSHAKE_HEADER + i] = p[i - offset];
		*have += !(seen[i / 8] >> i % 8 & 1);
		seen[i / 8] |= (uint8_t)(1u << i % 8);
	}
	return TLS_OK;
}

enum tls_result
dtls_records_join(const void *data, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	uint8_t seen[DTLS_HELLO_MAX / 8 + 1] = {0};
	size_t total = SIZE_MAX, have = 0;
	enum tls_result r;
	struct wire w, rec;

	*out_len = 0;
	wire_init(&w, data, len);
	while (total == SIZE_MAX || have < total) {
		if (wire_left(&w) == 0)
			return TLS_SHORT;
		if (wire_u8(&w) != RECORD_HANDSHAKE)
			return TLS_NOT_HELLO;
		wire_skip(&w, 2 + 2 + 6);		/* version, epoch, sequence number */
		rec = vector(&w, 2);
		if (w.err != 0)
			return TLS_SHORT;
		while (wire_left(&rec) > 0)
			if ((r = dtls_fragment(&rec, out, size, seen, &total, &have)) != TLS_OK)
				return r;
	}
	out[0] = HANDSHAKE_CLIENT_HELLO;
	out[1] = out[9] = (uint8_t)(total >> 16);
	out[2] = out[10] = (uint8_t)(total >> 8);
	out[3] = out[11] = (uint8_t)total;
	memset(out + 4, 0, 5);
	*out_len = DTLS_HANDSHAKE_HEADER + total;
	return TLS_OK;
}
