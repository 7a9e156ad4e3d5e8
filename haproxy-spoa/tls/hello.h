/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TLS_HELLO_H
#define LLMSEC_TLS_HELLO_H
/*
 * The ClientHello (RFC 8446 4.1.2, RFC 5246 7.4.1.2, RFC 6347 4.2.1 for DTLS) as fingerprints need it: lists in
 * the order sent, nothing interpreted.  Pure functions over bytes; everything points into the input; no
 * allocation; threads share nothing.
 *
 * A hello that ends early is SHORT, one that cannot be is MALFORMED: neither is ever guessed at.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_transport { TLS_OVER_TCP = 't', TLS_OVER_QUIC = 'q', TLS_OVER_DTLS = 'd' };

enum tls_result {
	TLS_OK,
	TLS_SHORT,	/* what is there is fine, but it is not all of it */
	TLS_MALFORMED,	/* no TLS library would take it */
	TLS_NOT_HELLO,	/* some other message or no TLS at all */
};
const char	*tls_result_str(enum tls_result);

/* More than any client sends (an OpenSSL that offers everything it has: some 160): MALFORMED. */
#define TLS_CIPHERS_MAX		1024
#define TLS_EXTENSIONS_MAX	256

/* Big-endian 16-bit values, not aligned; read with tls_u16(). */
struct tls_list16 {
	const uint8_t	*p;
	size_t		 n;		/* values, not bytes */
};

struct tls_bytes {
	const uint8_t	*p;
	size_t		 n;
};

struct tls_hello {
	enum tls_transport	 transport;
	uint16_t		 legacy_version;
	struct tls_list16	 ciphers;
	uint16_t		 ext[TLS_EXTENSIONS_MAX];	/* types in the order sent, GREASE included */
	size_t			 n_ext;
	struct tls_list16	 versions;	/* supported_versions; n == 0: extension absent */
	struct tls_list16	 groups;	/* supported_groups */
	struct tls_list16	 sigalgs;	/* signature_algorithms */
	struct tls_bytes	 point_formats;	/* ec_point_formats, one byte each */
	struct tls_bytes	 sni;		/* first host_name, may be empty although has_sni */
	struct tls_bytes	 alpn;		/* first protocol offered */
	bool			 has_sni, has_alpn, has_grease, has_ech, has_pq;	/* pq: a hybrid ML-KEM/Kyber group */
};

static inline uint16_t
tls_u16(struct tls_list16 l, size_t i)
{
	return (uint16_t)(l.p[2 * i] << 8 | l.p[2 * i + 1]);
}

/* Reserved so that servers learn to ignore what they don't know: 0x?A?A with equal halves (RFC 8701). */
static inline bool
tls_is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* One handshake message: type 1, 24-bit length, body (DTLS: 12 bytes of header, not fragmented). */
enum tls_result	 tls_hello_parse(struct tls_hello *, enum tls_transport, const void *, size_t);

/*
 * The handshake message out of TLS records (type 22): the payloads of as many as it takes are put together in
 * <out>, which may be the input itself (payloads move towards its beginning).  *len: bytes of the message.
 * OK, SHORT, MALFORMED (a record over 2^14 bytes, an empty one, another type in between), NOT_HELLO.
 */
enum tls_result	 tls_records_join(const void *, size_t, uint8_t *out, size_t *len);
/* The same of one flight of DTLS records: the fragments of the first message, in any order, put together. */
enum tls_result	 dtls_records_join(const void *, size_t, uint8_t *out, size_t size, size_t *len);
#endif
