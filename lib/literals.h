/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_LITERALS_H
#define LLMSEC_LITERALS_H
/*
 * All literals of a rule set in one go over a text.  Short ones are found by an Aho-Corasick automaton, long ones
 * by the six bytes of each that other texts have least; docs/decisions/0006 says why and how fast.  Built once,
 * then immutable and shared by threads; scanning allocates nothing and takes time linear in the text (times the
 * number of literals that share six bytes, which building keeps small).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct literals;

struct literals_hit {
	uint32_t	 id;
	size_t		 start, end;
};

/* <caseless>: ASCII letters match in both cases. */
struct literals	*literals_new(bool caseless);
void		 literals_free(struct literals **);
/* <id> is reported when the literal occurs; several literals may share one, one text may have several.
   0, -ENOMEM, -EINVAL (empty), -E2BIG (more than 1 GiB of text in all). */
int		 literals_add(struct literals *, const char *, size_t len, uint32_t id);
/* Once, after the last literals_add. */
int		 literals_build(struct literals *);
/* Sets bit <id> in <hits> (caller zeroes; room for the largest id) for every literal in the text. */
void		 literals_scan(const struct literals *, const char *, size_t len, uint64_t *hits);
/* The occurrence that ends first, of several the longest: what an Aho-Corasick machine meets first. */
bool		 literals_first(const struct literals *, const char *, size_t len, struct literals_hit *);
/* Every occurrence, in no particular order; <fn> returns false to stop.  False if it did. */
bool		 literals_each(const struct literals *, const char *, size_t len,
		    bool (*fn)(void *, const struct literals_hit *), void *);
/* Bytes it holds. */
size_t		 literals_memory(const struct literals *);
#endif
