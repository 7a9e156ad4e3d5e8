/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_RXLIT_PRIVATE_H
#define LLMSEC_WAF_RXLIT_PRIVATE_H
/*
 * A PCRE2 pattern as a tree whose language holds at least what the pattern's does: look-around and anchors are
 * empty (BEGIN too, but says that it is the start of the text), "." is any byte, a back reference is anything.  Whatever else the parser isn't sure of makes it fail.
 */
#include <stdbool.h>
#include <stdint.h>

#include "haproxy-spoa/waf/rxlit.h"

struct arena;

enum rx_type { RX_EMPTY, RX_BEGIN, RX_SET, RX_ANYTHING, RX_CAT, RX_ALT, RX_REPEAT };

#define RX_INF	UINT32_MAX

struct rx_node {
	enum rx_type	 type;
	uint32_t	 lo, hi;	/* REPEAT */
	uint64_t	 set[4];	/* SET: one byte out of these */
	struct rx_node	*child, *next;	/* children of CAT, ALT, REPEAT are a list */
};

struct rx_parser {
	const unsigned char *p, *end;
	struct arena	*arena;
	bool		 caseless, extended;	/* here */
	bool		 multiline;	/* somewhere: "^" may be any line's start */
	bool		 fail;
	unsigned	 depth;
};

/* Where an escape stands for one byte or for a set of bytes. */
struct rx_bytes {
	uint64_t	 set[4];
	unsigned	 byte;		/* 256: it is a set */
	bool		 loose;		/* the set holds more than PCRE2's does: don't invert it */
};

/* After "\": true and p behind it, or false and p where it was (not an escape for bytes). */
bool		 rx_escape_bytes(struct rx_parser *, bool in_class, struct rx_bytes *);
/* After "[": p goes behind the "]"; the set is folded and inverted as the class says. */
void		 rx_class(struct rx_parser *, uint64_t set[4]);
void		 rx_set_fold(uint64_t set[4]);

static inline void
rx_set_add(uint64_t *set, unsigned c)
{
	set[c / 64] |= 1ULL << c % 64;
}

static inline bool
rx_set_has(const uint64_t *set, unsigned c)
{
	return set[c / 64] >> c % 64 & 1;
}
#endif
