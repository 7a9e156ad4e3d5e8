/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cidr.h"
#include "lib/diag.h"
#include "squid-helpers/egress_lists.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct counted {
	const struct egress_lists	*l;
	size_t				 n;
};

/* A network that is listed is refused at its first address. */
static int
net(void *arg, const struct cidr *c)
{
	struct counted *k = arg;

	k->n++;
	if (c->len > 128 || !egress_lists_denied_ip(k->l, c->addr, 1))
		abort();
	return 0;
}

/* The first byte says where the text is cut; what follows the cut is asked about. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct egress_lists *l = NULL;
	struct counted k = { NULL, 0 };
	size_t cut = n > 0 ? 1 + data[0] * (n - 1) / 255 : 0;
	const char *text = (const char *)data + (n > 0), *name = (const char *)data + cut;
	struct diag *d = diag_new();
	int r = egress_lists_load_mem(&l, "fuzz", "", text, cut - (n > 0), d);

	if (d == NULL || (r == 0) != (l != NULL) || (r == -EINVAL && !diag_errors(d)))
		abort();
	if (l != NULL) {
		k.l = l;
		if (egress_lists_each_net(l, 1, net, &k) != 0 || k.n > egress_lists_entries(l))
			abort();
		egress_lists_denied(l, name, n - cut, 1);
		egress_lists_allowed(l, name, n - cut);
		egress_lists_net_ends(l, 0, 1);
	}
	egress_lists_free(&l);
	diag_free(&d);
	return 0;
}
