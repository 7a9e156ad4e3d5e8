/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_LITERALS_H
#define LLMSEC_ICAP_LITERALS_H
/*
 * All literals of a rule pack in one pass: Aho and Corasick, "Efficient string matching", CACM 18(6), 1975,
 * as a dense automaton over the byte classes that occur.  Built once, then immutable; scanning allocates nothing.
 */
#include <stddef.h>
#include <stdint.h>

struct literals;

struct literals	*literals_new(void);
void		 literals_free(struct literals **);
/* <id> is reported when the literal occurs; several literals may share one.  0, -ENOMEM, -EINVAL (empty). */
int		 literals_add(struct literals *, const char *, size_t len, uint32_t id);
int		 literals_build(struct literals *);
/* Sets bit <id> in <hits> (caller zeroes; room for the largest id) for every literal in the text. */
void		 literals_scan(const struct literals *, const char *, size_t len, uint64_t *hits);
#endif
