/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EDGE_SIGN_H
#define LLMSEC_EDGE_SIGN_H
/*
 * The signature over the X-Edge99-* headers (docs/architecture.md, "Contracts"):
 *	X-Edge99-Signature: v1;kid=<id>;ts=<unix>;mac=<64 hex>
 * mac = HMAC-SHA256(key, for each of the seven values in the order of enum edge_hdr, then ts in
 * decimal: 4-byte big-endian length + bytes).  An absent header is the empty value.
 * A keyring is a file, one key a line: "<id> <hex, at least 32 bytes>", '#' comments; the first
 * signs, all verify, so that keys rotate by adding one line on top.  Immutable once loaded; any
 * number of threads.
 */
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct diag;
struct keyring;

int	keyring_load(struct keyring **, const char *path, struct diag *);
void	keyring_free(struct keyring **);
/* Raw bytes of key <id> (NULL: the first), for other uses of the same file format.  NULL if none. */
const uint8_t *keyring_key(const struct keyring *, const char *id, size_t *len);
const char *keyring_first_id(const struct keyring *);

enum edge_hdr {
	EDGE_THREAT_SCORE, EDGE_BOT_SCORE, EDGE_JA3, EDGE_JA4, EDGE_COUNTRY, EDGE_CLIENT_IP,
	EDGE_REQUEST_ID, EDGE_HDR_N
};
/* "X-Edge99-Threat-Score" ...; [EDGE_HDR_N] is the signature's name. */
extern const char *const edge_hdr_name[EDGE_HDR_N + 1];

struct edge_vals {
	const char	*v[EDGE_HDR_N];	/* NULL = empty */
	size_t		 len[EDGE_HDR_N];
};

#define EDGE_SIG_MAX	192
/* Writes the header's value, NUL-terminated.  0 or -errno. */
int	edge_sign(char out[EDGE_SIG_MAX], const struct keyring *, const struct edge_vals *, time_t now);

enum edge_verdict { EDGE_OK, EDGE_ABSENT, EDGE_MALFORMED, EDGE_UNKNOWN_KEY, EDGE_STALE, EDGE_FORGED };
/* Constant-time comparison; |now - ts| <= max_age_s. */
enum edge_verdict edge_verify(const struct keyring *, const struct edge_vals *, const char *sig,
	    size_t sig_len, time_t now, int max_age_s);
const char *edge_verdict_str(enum edge_verdict);
#endif
