/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_GATE_NETS_H
#define LLMSEC_GATE_NETS_H
/* A list of networks, for llmsec-egress-gate: grown one by one, then sorted, each once.  Zero-initialise to use. */
#include <stddef.h>

#include "lib/cidr.h"

struct gate_nets {
	struct cidr	*v;
	size_t		 n, cap;
};

/* <arg>: struct gate_nets.  0 or -ENOMEM. */
int	gate_nets_add(void *arg, const struct cidr *);
/* Linear where all but a few at the beginning are in order already, as a set has them.  0 or -ENOMEM: not sorted. */
int	gate_nets_sort(struct gate_nets *);
/* All of <from>, too; both sorted before and the result after.  0 or -ENOMEM: as it was. */
int	gate_nets_join(struct gate_nets *, const struct gate_nets *from);
int	gate_nets_cmp(const struct cidr *, const struct cidr *);
void	gate_nets_free(struct gate_nets *);
#endif
