/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_CORPUS_H
#define LLMSEC_TI_CORPUS_H
/*
 * Domains that look like those of threat feeds, from a number: the same number gives the same name, on every
 * machine.  What it imitates are shapes, not names: how many labels there are, how long they are and of what
 * kind (words, words with digits, hex, the output of generators), how top-level domains are spread.
 */
#include <stddef.h>
#include <stdint.h>

#define TI_CORPUS_NAME	128

/* Canonical name number <i> of corpus <seed>; returns its length.  Different numbers may give one name. */
size_t	ti_corpus_name(char out[TI_CORPUS_NAME], uint64_t seed, uint64_t i);
/* The same with www. or so in front of some, as a browser asks. */
size_t	ti_corpus_host(char out[TI_CORPUS_NAME], uint64_t seed, uint64_t i);
uint64_t ti_corpus_mix(uint64_t x);
#endif
