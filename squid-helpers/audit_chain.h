/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_AUDIT_CHAIN_H
#define LLMSEC_AUDIT_CHAIN_H
/*
 * Records that can't be changed, left out or put in another order unnoticed by whoever hasn't the key.  Segments
 * BASE.00000001.seg, BASE.00000002.seg, ... hold lines:
 *
 *	llmsec-audit 2 SEGMENT SEQ MAC TORN PROOF	what the segment goes on from: the last record before it, how many
 *						bytes of an unfinished line a crash left behind in the segment before, and
 *						PROOF = HMAC-SHA256(key, "segment" || MAC || SEGMENT || SEQ || TORN)
 *	SEQ MAC TEXT				MAC = HMAC-SHA256(key, MAC before || SEQ || TEXT)
 *
 * numbers in a code being 8 bytes, big-endian.  Version 1 of the header has no PROOF, and is read.  With it a writer
 * needs to read the last segment only, however many there are: what its header says was said by who has the key.
 *
 * TEXT "!lost N lines" stands for N lines that came faster than they could be written, at that place, or that the daemon
 * before had taken and couldn't write when it had to end.  No line of a client becomes such a record: an exclamation mark at its start is written as a question mark.
 *
 * BASE.head is a checkpoint, "SEGMENT SEQ MAC PROOF", PROOF = HMAC-SHA256(key, "head" || MAC || SEQ).  Whoever cuts
 * records off the end has to leave a head that says so; only what came after the last checkpoint (a second) can
 * go unnoticed, or all behind an older one that was kept and is put back.  One writer per BASE.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define AUDIT_MAC	32
#define AUDIT_KEY	32
#define AUDIT_LOST	"!lost "

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
/* Of the header of <segment>, which goes on behind <before>. */
void	audit_header_proof(const uint8_t key[AUDIT_KEY], const struct audit_state *before, unsigned segment, size_t torn,
	    uint8_t out[AUDIT_MAC]);
void	audit_hex(const uint8_t mac[AUDIT_MAC], char out[2 * AUDIT_MAC + 1]);
bool	audit_unhex(const char *p, uint8_t mac[AUDIT_MAC]);

#endif
