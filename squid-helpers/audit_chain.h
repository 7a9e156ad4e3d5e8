/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_AUDIT_CHAIN_H
#define LLMSEC_AUDIT_CHAIN_H
/*
 * Records that can't be changed, left out or put in another order unnoticed by whoever hasn't the key.  Segments
 * BASE.00000001.seg, BASE.00000002.seg, ... hold lines:
 *
 *	llmsec-audit 1 SEGMENT SEQ MAC TORN	what the segment goes on from: the last record before it, and how many
 *						bytes of an unfinished line a crash left behind in the segment before
 *	SEQ MAC TEXT				MAC = HMAC-SHA256(key, MAC before || SEQ, 8 bytes, big-endian || TEXT)
 *
 * BASE.head is a checkpoint, "SEGMENT SEQ MAC PROOF", PROOF = HMAC-SHA256(key, "head" || MAC || SEQ).  Whoever cuts
 * records off the end has to leave a head that says so; only what came after the last checkpoint (a second) can
 * go unnoticed.  One writer per BASE.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define AUDIT_MAC	32
#define AUDIT_KEY	32

struct audit_state {
	uint8_t		mac[AUDIT_MAC];
	uint64_t	seq;
	unsigned	segment;
};

/* The key in <path>, 64 hex digits; made, mode 0600, if <make> and there is none.  0 or -errno. */
int	audit_key_read(const char *path, bool make, uint8_t key[AUDIT_KEY]);
/* The next record's MAC into st->mac, its number into st->seq. */
void	audit_next(const uint8_t key[AUDIT_KEY], struct audit_state *st, const char *text, size_t len);
void	audit_proof(const uint8_t key[AUDIT_KEY], const struct audit_state *, uint8_t out[AUDIT_MAC]);
void	audit_hex(const uint8_t mac[AUDIT_MAC], char out[2 * AUDIT_MAC + 1]);
bool	audit_unhex(const char *p, uint8_t mac[AUDIT_MAC]);

struct audit_found {
	struct audit_state	 last;
	size_t			 torn;		/* bytes behind the last whole line of the last segment */
	uint64_t		 records;
	char			 why[300];	/* what is wrong */
};

/*
 * Read all segments of <base>, first to last.  0; -ENOENT: there are none; -EBADMSG: why; or -errno.  Without
 * <head> the checkpoint is not looked at.
 */
int	audit_verify(const char *base, const uint8_t key[AUDIT_KEY], bool head, struct audit_found *);
#endif
