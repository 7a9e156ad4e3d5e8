/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "squid-helpers/audit_read.h"

struct reading {
	const char		*base;
	const uint8_t		*key;
	struct audit_found	*f;
	struct audit_state	 head;	/* seq 0: none, or it has none */
	bool			 head_seen;
	bool			 first;	/* the next header is believed, for its proof, not compared */
};

static int
bad(struct reading *r, unsigned long line, const char *why)
{
	snprintf(r->f->why, sizeof(r->f->why), "segment %u, line %lu: %s", r->f->last.segment, line, why);
	return -EBADMSG;
}

static FILE *
segment_open(const char *base, unsigned segment)
{
	char path[4100];

	snprintf(path, sizeof(path), "%s.%08u.seg", base, segment);
	return fopen(path, "re");
}

/* --- headers --------------------------------------------------------------------------------- */

struct header {
	struct audit_state	before;		/* .segment: the header's own */
	size_t			torn;
	bool			proven;		/* version 2, with a code that fits */
};

/* False: it is none, or its code is wrong. */
static bool
header_parse(const char *line, const uint8_t *key, struct header *h)
{
	char hex[2 * AUDIT_MAC + 1], proof[2 * AUDIT_MAC + 1];
	uint8_t want[AUDIT_MAC], got[AUDIT_MAC];
	unsigned version;
	int n = sscanf(line, "llmsec-audit %u %u %" SCNu64 " %64[0-9a-f] %zu %64[0-9a-f]", &version, &h->before.segment,
	    &h->before.seq, hex, &h->torn, proof);

	h->proven = false;
	if (n < 5 || strlen(hex) != 2 * AUDIT_MAC || !audit_unhex(hex, h->before.mac))
		return false;
	if (version == 1)
		return n == 5;
	if (version != 2 || n != 6 || strlen(proof) != 2 * AUDIT_MAC || !audit_unhex(proof, got))
		return false;
	audit_header_proof(key, &h->before, h->before.segment, h->torn, want);
	h->proven = CRYPTO_memcmp(want, got, AUDIT_MAC) == 0;
	return h->proven;
}

static int
header_take(struct reading *r, const char *line)
{
	struct audit_found *f = r->f;
	struct header h;

	if (!header_parse(line, r->key, &h))
		return bad(r, 1, "no header, or its code is wrong");
	if (h.before.segment != f->last.segment)
		return bad(r, 1, "another segment's header");
	if (r->first) {
		f->last = h.before;
		f->torn = h.torn;
		r->head_seen = r->head.seq == h.before.seq && memcmp(r->head.mac, h.before.mac, AUDIT_MAC) == 0;
	}
	r->first = false;
	if (h.before.seq != f->last.seq || memcmp(h.before.mac, f->last.mac, AUDIT_MAC) != 0)
		return bad(r, 1, "it does not go on where the segment before ends");
	if (h.torn != f->torn)
		return bad(r, 1, "the segment before does not end as it says");
	f->torn = 0;
	return 0;
}

/* --- records --------------------------------------------------------------------------------- */

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
	if (strncmp(text, AUDIT_LOST, strlen(AUDIT_LOST)) == 0)
		r->f->lost += strtoull(text + strlen(AUDIT_LOST), NULL, 10);
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
		err = n == 1 ? header_take(r, line) : record(r, n, line, (size_t)len);
	}
	if (err == 0 && ferror(f))
		err = -EIO;
	free(line);
	return err;
}

/* From <segment> to the last. */
static int
segments_read(struct reading *r, unsigned segment)
{
	FILE *f;
	int err = 0;

	r->f->last.segment = segment - 1;
	while (err == 0 && (f = segment_open(r->base, r->f->last.segment + 1)) != NULL) {
		r->f->last.segment++;
		err = segment_read(r, f);
		fclose(f);
	}
	return err;
}

/* --- the checkpoint -------------------------------------------------------------------------- */

/* 0; -ENOENT; -EBADMSG: it is none of this key. */
static int
head_read(struct reading *r)
{
	char path[4100], mac[65], proof[65];
	uint8_t want[AUDIT_MAC], got[AUDIT_MAC];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s.head", r->base);
	f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT ? -ENOENT : -EBADMSG;
	n = fscanf(f, "%u %" SCNu64 " %64s %64s", &r->head.segment, &r->head.seq, mac, proof);
	fclose(f);
	if (n != 4 || strlen(mac) != 64 || strlen(proof) != 64 || !audit_unhex(mac, r->head.mac) || !audit_unhex(proof, got))
		return -EBADMSG;
	audit_proof(r->key, &r->head, want);
	return CRYPTO_memcmp(want, got, AUDIT_MAC) == 0 ? 0 : -EBADMSG;
}

static int
head_bad(const struct reading *r)
{
	snprintf(r->f->why, sizeof(r->f->why), "%.200s.head: no checkpoint of this key", r->base);
	return -EBADMSG;
}

static int
head_check(const struct reading *r)
{
	if (r->head.seq == 0 || r->head_seen)
		return 0;
	snprintf(r->f->why, sizeof(r->f->why), "records are missing at the end: the checkpoint has number %" PRIu64, r->head.seq);
	return -EBADMSG;
}

int
audit_verify(const char *base, const uint8_t key[AUDIT_KEY], bool head, struct audit_found *out)
{
	struct reading r = { .base = base, .key = key, .f = out };
	int err;

	memset(out, 0, sizeof(*out));
	if (head && head_read(&r) < 0)
		return head_bad(&r);
	err = segments_read(&r, 1);
	if (err < 0)
		return err;
	if (out->last.segment == 0 && !head)
		return -ENOENT;
	return head ? head_check(&r) : 0;
}

/* --- going on -------------------------------------------------------------------------------- */

static unsigned
segments_count(const char *base)
{
	char path[4100];
	unsigned n = 0;

	do
		snprintf(path, sizeof(path), "%s.%08u.seg", base, ++n);
	while (access(path, F_OK) == 0);
	return n - 1;
}

/* May one begin to read there?  The header says so itself, and the checkpoint isn't older. */
static bool
may_begin(const struct reading *r, unsigned segment)
{
	struct header h;
	char line[256];
	FILE *f = segment_open(r->base, segment);
	bool ok = f != NULL && fgets(line, sizeof(line), f) != NULL && strchr(line, '\n') != NULL &&
	    header_parse(line, r->key, &h) && h.proven && h.before.segment == segment && h.before.seq <= r->head.seq;

	if (f != NULL)
		fclose(f);
	return ok;
}

int
audit_resume(const char *base, const uint8_t key[AUDIT_KEY], struct audit_found *out)
{
	struct reading r = { .base = base, .key = key, .f = out };
	unsigned begin;
	int head, err;

	memset(out, 0, sizeof(*out));
	head = head_read(&r);
	if (head == -EBADMSG)
		return head_bad(&r);
	begin = segments_count(base);
	while (begin > 1 && !may_begin(&r, begin))
		begin--;
	r.first = begin > 1;
	err = segments_read(&r, begin > 0 ? begin : 1);
	if (err < 0)
		return err;
	/* The first checkpoint is written before the first record is. */
	if (head < 0 && out->last.seq > 0)
		return head_bad(&r);
	err = head_check(&r);
	return err < 0 ? err : out->last.segment == 0 ? -ENOENT : 0;
}
