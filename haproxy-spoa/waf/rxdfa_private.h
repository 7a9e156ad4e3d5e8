/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_RXDFA_PRIVATE_H
#define LLMSEC_WAF_RXDFA_PRIVATE_H
/* The program that rxdfa_build.c makes of a pattern and rxdfa.c runs: Thompson's, with explicit empty steps. */
#include "haproxy-spoa/waf/rxdfa.h"

#define RXDFA_INSTS_MAX	6000

enum rxdfa_op { RXDFA_SET, RXDFA_SPLIT, RXDFA_BEGIN, RXDFA_ACCEPT };

struct rxdfa_inst {
	uint16_t	 out, other;	/* where to go on; <other> of SPLIT */
	uint16_t	 set;		/* SET: row of <sets> */
	uint8_t		 op;
};

struct rxdfa {
	struct rxdfa_inst *inst;
	size_t		 n_inst;
	uint64_t	(*set)[4];	/* over classes of bytes */
	size_t		 n_set;
	uint16_t	 start;
	uint16_t	 n_class;
	uint8_t		 class_of[256];
	uint16_t	 n_states;	/* that a cache has room for */
};
#endif
