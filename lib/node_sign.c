/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "lib/buf.h"
#include "lib/edge_sign.h"
#include "lib/node_sign.h"

#define NONCE_LEN	16
#define MAC_LEN		32

const char *const node_hdr_name[NODE_HDR_N] = {
	[NODE_KEY_ID] = "X-LLMSec-Key-Id", [NODE_TIMESTAMP] = "X-LLMSec-Timestamp",
	[NODE_NONCE] = "X-LLMSec-Nonce", [NODE_SIGNATURE] = "X-LLMSec-Signature",
};

const char *
node_verdict_str(enum node_verdict v)
{
	static const char *const name[NODE_VERDICT_N] = {
		[NODE_OK] = "ok", [NODE_ABSENT] = "absent", [NODE_MALFORMED] = "malformed",
		[NODE_UNKNOWN_KEY] = "unknown-key", [NODE_STALE] = "stale", [NODE_FORGED] = "forged",
		[NODE_REPLAYED] = "replayed", [NODE_FULL] = "full",
	};

	return (unsigned)v < NODE_VERDICT_N ? name[v] : "?";
}

/* --- the signature --------------------------------------------------------------------------- */

static void
part_add(struct buf *b, const void *p, size_t n)
{
	const uint8_t len[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	buf_add(b, len, sizeof(len));
	if (n > 0)
		buf_add(b, p, n);
}

static int
mac_of(uint8_t mac[MAC_LEN], const uint8_t *key, size_t key_len, const struct node_sig *s,
    const struct node_msg *m)
{
	static const uint8_t none;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct buf b = {0};
	unsigned n = MAC_LEN;
	int r = -ENOMEM;

	if (m->body_len > UINT32_MAX || EVP_Digest(m->body_len > 0 ? m->body : &none, m->body_len, digest,
	    NULL, EVP_sha256(), NULL) != 1)
		return -EINVAL;
	part_add(&b, m->method, strlen(m->method));
	part_add(&b, m->path, strlen(m->path));
	part_add(&b, s->v[NODE_TIMESTAMP], strlen(s->v[NODE_TIMESTAMP]));
	part_add(&b, s->v[NODE_NONCE], strlen(s->v[NODE_NONCE]));
	part_add(&b, digest, sizeof(digest));
	if (b.err == 0 && HMAC(EVP_sha256(), key, (int)key_len, (const uint8_t *)buf_ptr(&b), buf_len(&b),
	    mac, &n) != NULL)
		r = 0;
	buf_free(&b);
	return r;
}

static void
hex_write(char *out, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex[p[i] >> 4];
		out[2 * i + 1] = hex[p[i] & 15];
	}
	out[2 * n] = '\0';
}

int
node_sign(struct node_sig *s, const struct keyring *kr, const struct node_msg *m, time_t now)
{
	uint8_t nonce[NONCE_LEN], mac[MAC_LEN];
	const uint8_t *key;
	size_t len;
	int r;

	memset(s, 0, sizeof(*s));
	key = keyring_key(kr, NULL, &len);
	if (key == NULL)
		return -ENOKEY;
	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return -EIO;
	snprintf(s->v[NODE_KEY_ID], NODE_VALUE_MAX, "%s", keyring_first_id(kr));
	snprintf(s->v[NODE_TIMESTAMP], NODE_VALUE_MAX, "%" PRId64, (int64_t)now);
	hex_write(s->v[NODE_NONCE], nonce, sizeof(nonce));
	r = mac_of(mac, key, len, s, m);
	if (r == 0)
		hex_write(s->v[NODE_SIGNATURE], mac, sizeof(mac));
	return r;
}

/* --- reading it ------------------------------------------------------------------------------ */

#define DIGITS	"0123456789"
#define HEX	DIGITS "abcdef"
#define ID	DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-"

static const struct {
	const char	*chars;
	size_t		 min, max;
} shape[NODE_HDR_N] = {
	[NODE_KEY_ID] = { ID, 1, 64 },
	[NODE_TIMESTAMP] = { DIGITS, 1, 15 },
	[NODE_NONCE] = { HEX, 2 * NONCE_LEN, 2 * NONCE_LEN },
	[NODE_SIGNATURE] = { HEX, 2 * MAC_LEN, 2 * MAC_LEN },
};

enum node_verdict
node_sig_take(struct node_sig *s, const char *const values[NODE_HDR_N])
{
	unsigned found = 0;
	bool ok = true;

	memset(s, 0, sizeof(*s));
	for (int i = 0; i < NODE_HDR_N; i++) {
		size_t n = values[i] != NULL ? strnlen(values[i], NODE_VALUE_MAX) : 0;

		found += values[i] != NULL;
		ok = ok && n >= shape[i].min && n <= shape[i].max && strspn(values[i], shape[i].chars) == n;
		if (ok)
			memcpy(s->v[i], values[i], n + 1);
	}
	return found == 0 ? NODE_ABSENT : ok ? NODE_OK : NODE_MALFORMED;
}

static uint8_t
nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* <hex> has its shape already. */
static void
hex_read(uint8_t *out, const char *hex, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
}

/* --- nonces ---------------------------------------------------------------------------------- */

#define NONE	UINT32_MAX

struct seen {
	uint8_t		 nonce[NONCE_LEN];
	int64_t		 until;		/* stale by itself behind this second */
	uint32_t	 next;		/* in its bucket */
};

/* A ring in the order of arrival, and chains to find one in it. */
struct nonces {
	pthread_mutex_t	 lock;
	time_t		 born;
	size_t		 max, first, n;
	uint32_t	*bucket;	/* <max> of them */
	struct seen	 ring[];
};

struct nonces *
nonces_new(size_t max, time_t now)
{
	struct nonces *ns = calloc(1, sizeof(*ns) + max * sizeof(ns->ring[0]));

	if (ns == NULL)
		return NULL;
	ns->bucket = malloc(max * sizeof(*ns->bucket));
	if (ns->bucket == NULL) {
		free(ns);
		return NULL;
	}
	memset(ns->bucket, 0xff, max * sizeof(*ns->bucket));
	pthread_mutex_init(&ns->lock, NULL);
	ns->born = now;
	ns->max = max;
	return ns;
}

void
nonces_free(struct nonces **ns)
{
	if (*ns == NULL)
		return;
	pthread_mutex_destroy(&(*ns)->lock);
	free((*ns)->bucket);
	free(*ns);
	*ns = NULL;
}

/* Whoever signs chooses it, so it needs no better hash. */
static uint32_t *
chain_of(struct nonces *ns, const uint8_t nonce[NONCE_LEN])
{
	uint64_t h;

	memcpy(&h, nonce, sizeof(h));
	return &ns->bucket[h % ns->max];
}

static void
oldest_forget(struct nonces *ns)
{
	uint32_t i = (uint32_t)ns->first, *p = chain_of(ns, ns->ring[i].nonce);

	while (*p != i)
		p = &ns->ring[*p].next;
	*p = ns->ring[i].next;
	ns->first = (ns->first + 1) % ns->max;
	ns->n--;
}

static enum node_verdict
nonce_enter(struct nonces *ns, const uint8_t nonce[NONCE_LEN], int64_t until, time_t now)
{
	uint32_t *chain, i;

	while (ns->n > 0 && ns->ring[ns->first].until < now)
		oldest_forget(ns);
	chain = chain_of(ns, nonce);
	for (i = *chain; i != NONE; i = ns->ring[i].next)
		if (memcmp(ns->ring[i].nonce, nonce, NONCE_LEN) == 0)
			return NODE_REPLAYED;
	if (ns->n == ns->max)
		return NODE_FULL;
	i = (uint32_t)((ns->first + ns->n++) % ns->max);
	memcpy(ns->ring[i].nonce, nonce, NONCE_LEN);
	ns->ring[i].until = until;
	ns->ring[i].next = *chain;
	*chain = i;
	return NODE_OK;
}

/* --- the judgement --------------------------------------------------------------------------- */

enum node_verdict
node_sig_look(const struct node_sig *s, const struct keyring *kr, const struct nonces *ns, time_t now)
{
	int64_t ts = strtoll(s->v[NODE_TIMESTAMP], NULL, 10);
	size_t len;

	if (keyring_key(kr, s->v[NODE_KEY_ID], &len) == NULL)
		return NODE_UNKNOWN_KEY;
	if (ts < (int64_t)now - NODE_WINDOW_S || ts > (int64_t)now + NODE_WINDOW_S || ts <= (int64_t)ns->born)
		return NODE_STALE;
	return NODE_OK;
}

enum node_verdict
node_verify(const struct node_sig *s, const struct keyring *kr, struct nonces *ns,
    const struct node_msg *m, time_t now)
{
	uint8_t nonce[NONCE_LEN], mac[MAC_LEN], sent[MAC_LEN];
	enum node_verdict v = node_sig_look(s, kr, ns, now);
	const uint8_t *key;
	size_t len;

	if (v != NODE_OK)
		return v;
	hex_read(nonce, s->v[NODE_NONCE], sizeof(nonce));
	hex_read(sent, s->v[NODE_SIGNATURE], sizeof(sent));
	key = keyring_key(kr, s->v[NODE_KEY_ID], &len);
	if (key == NULL || mac_of(mac, key, len, s, m) < 0 || CRYPTO_memcmp(mac, sent, MAC_LEN) != 0)
		return NODE_FORGED;
	pthread_mutex_lock(&ns->lock);
	v = nonce_enter(ns, nonce, strtoll(s->v[NODE_TIMESTAMP], NULL, 10) + NODE_WINDOW_S, now);
	pthread_mutex_unlock(&ns->lock);
	return v;
}
