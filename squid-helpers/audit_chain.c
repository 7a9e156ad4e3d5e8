/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "squid-helpers/audit_chain.h"

void
audit_hex(const uint8_t mac[AUDIT_MAC], char out[2 * AUDIT_MAC + 1])
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < AUDIT_MAC; i++) {
		out[2 * i] = digit[mac[i] >> 4];
		out[2 * i + 1] = digit[mac[i] & 15];
	}
	out[2 * AUDIT_MAC] = '\0';
}

bool
audit_unhex(const char *p, uint8_t mac[AUDIT_MAC])
{
	for (size_t i = 0; i < 2 * AUDIT_MAC; i++) {
		int d = p[i] >= '0' && p[i] <= '9' ? p[i] - '0' : p[i] >= 'a' && p[i] <= 'f' ? p[i] - 'a' + 10 : -1;

		if (d < 0)
			return false;
		mac[i / 2] = (uint8_t)(i % 2 == 0 ? d << 4 : mac[i / 2] | d);
	}
	return true;
}

static int
key_make(const char *path)
{
	uint8_t key[AUDIT_KEY];
	char text[2 * AUDIT_KEY + 2];
	int fd, r = 0;

	if (RAND_bytes(key, sizeof(key)) != 1)
		return -EIO;
	audit_hex(key, text);
	text[2 * AUDIT_KEY] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, 2 * AUDIT_KEY + 1) != 2 * AUDIT_KEY + 1 || fsync(fd) < 0)
		r = -EIO;
	close(fd);
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(key, sizeof(key));
	return r;
}

int
audit_key_read(const char *path, bool make, uint8_t key[AUDIT_KEY])
{
	char text[2 * AUDIT_KEY];
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0 && errno == ENOENT && make) {
		r = key_make(path);
		return r < 0 ? r : audit_key_read(path, false, key);
	}
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text)) != (ssize_t)sizeof(text) || !audit_unhex(text, key))
		r = -EINVAL;
	close(fd);
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

static void
mac3(const uint8_t key[AUDIT_KEY], const void *a, size_t na, const void *b, size_t nb, const void *c, size_t nc,
    uint8_t out[AUDIT_MAC])
{
	static EVP_MAC *hmac;
	EVP_MAC_CTX *ctx;
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string("digest", (char[]){ "SHA256" }, 0),
	    OSSL_PARAM_construct_end() };
	size_t n;

	if (hmac == NULL)
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	ctx = EVP_MAC_CTX_new(hmac);
	/* Without memory or HMAC there is no audit; going on would write records that nobody can check. */
	if (ctx == NULL || !EVP_MAC_init(ctx, key, AUDIT_KEY, params) || !EVP_MAC_update(ctx, a, na) ||
	    !EVP_MAC_update(ctx, b, nb) || (nc > 0 && !EVP_MAC_update(ctx, c, nc)) ||
	    !EVP_MAC_final(ctx, out, &n, AUDIT_MAC))
		abort();
	EVP_MAC_CTX_free(ctx);
}

static void
seq_bytes(uint64_t seq, uint8_t out[8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(seq >> (56 - 8 * i));
}

void
audit_next(const uint8_t key[AUDIT_KEY], struct audit_state *st, const char *text, size_t len)
{
	uint8_t seq[8];

	seq_bytes(++st->seq, seq);
	mac3(key, st->mac, AUDIT_MAC, seq, sizeof(seq), text, len, st->mac);
}

void
audit_proof(const uint8_t key[AUDIT_KEY], const struct audit_state *st, uint8_t out[AUDIT_MAC])
{
	uint8_t seq[8];

	seq_bytes(st->seq, seq);
	mac3(key, "head", 4, st->mac, AUDIT_MAC, seq, sizeof(seq), out);
}

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
	const char		*base;
	const uint8_t		*key;
	struct audit_found	*f;
	struct audit_state	 head;	/* seq 0: none */
	bool			 head_seen;
};

static int
bad(struct reading *r, unsigned long line, const char *why)
{
	snprintf(r->f->why, sizeof(r->f->why), "segment %u, line %lu: %s", r->f->last.segment, line, why);
	return -EBADMSG;
}

static int
segment_header(struct reading *r, const char *line)
{
	char hex[2 * AUDIT_MAC + 1], want[2 * AUDIT_MAC + 1];
	unsigned segment;
	uint64_t seq;
	size_t torn;

	audit_hex(r->f->last.mac, want);
	if (sscanf(line, "llmsec-audit 1 %u %" SCNu64 " %64[0-9a-f] %zu", &segment, &seq, hex, &torn) != 4)
		return bad(r, 1, "no header");
	if (segment != r->f->last.segment)
		return bad(r, 1, "another segment's header");
	if (seq != r->f->last.seq || strcmp(hex, want) != 0)
		return bad(r, 1, "it does not go on where the segment before ends");
	if (torn != r->f->torn)
		return bad(r, 1, "the segment before does not end as it says");
	r->f->torn = 0;
	return 0;
}

static int
record(struct reading *r, unsigned long n, char *line, size_t len)
{
	uint8_t mac[AUDIT_MAC];
	char *end;
	uint64_t seq = strtoull(line, &end, 10);
	char *text = end + 2 + 2 * AUDIT_MAC;

	if (end == line || *end != ' ' || text > line + len || !audit_unhex(end + 1, mac) || text[-1] != ' ')
		return bad(r, n, "not a record");
	if (seq != r->f->last.seq + 1)
		return bad(r, n, "a record is missing, or out of order");
	audit_next(r->key, &r->f->last, text, (size_t)(line + len - text));
	if (CRYPTO_memcmp(mac, r->f->last.mac, AUDIT_MAC) != 0)
		return bad(r, n, "changed: its code is wrong");
	r->f->records++;
	if (r->head.seq == seq)
		r->head_seen = memcmp(r->head.mac, mac, AUDIT_MAC) == 0;
	return 0;
}

static int
segment_read(struct reading *r, FILE *f)
{
	unsigned long n = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	while (err == 0 && (len = getline(&line, &size, f)) > 0) {
		n++;
		if (line[len - 1] != '\n') {
			r->f->torn = (size_t)len;
			break;
		}
		line[--len] = '\0';
		err = n == 1 ? segment_header(r, line) : record(r, n, line, (size_t)len);
	}
	free(line);
	return err;
}

/* The checkpoint; false: there is none, or it is none of ours. */
static bool
head_read(struct reading *r)
{
	char path[4100], mac[65], proof[65];
	uint8_t want[AUDIT_MAC], got[AUDIT_MAC];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s.head", r->base);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	n = fscanf(f, "%u %" SCNu64 " %64s %64s", &r->head.segment, &r->head.seq, mac, proof);
	fclose(f);
	if (n != 4 || strlen(mac) != 64 || strlen(proof) != 64 || !audit_unhex(mac, r->head.mac) || !audit_unhex(proof, got))
		return false;
	audit_proof(r->key, &r->head, want);
	return CRYPTO_memcmp(want, got, AUDIT_MAC) == 0;
}

int
audit_verify(const char *base, const uint8_t key[AUDIT_KEY], bool head, struct audit_found *out)
{
	struct reading r = { .base = base, .key = key, .f = out };
	char path[4100];
	int err = 0;

	memset(out, 0, sizeof(*out));
	if (head && !head_read(&r)) {
		snprintf(out->why, sizeof(out->why), "%s.head: no checkpoint of this key", base);
		return -EBADMSG;
	}
	for (;;) {
		FILE *f;

		snprintf(path, sizeof(path), "%s.%08u.seg", base, out->last.segment + 1);
		f = fopen(path, "re");
		if (f == NULL)
			break;
		out->last.segment++;
		err = segment_read(&r, f);
		fclose(f);
		if (err < 0)
			return err;
	}
	if (out->last.segment == 0 && !head)
		return -ENOENT;
	if (head && r.head.seq > 0 && !r.head_seen) {
		snprintf(out->why, sizeof(out->why), "records are missing at the end: the checkpoint has number %" PRIu64, r.head.seq);
		return -EBADMSG;
	}
	return 0;
}
