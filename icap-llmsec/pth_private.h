/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_PTH_PRIVATE_H
#define LLMSEC_ICAP_PTH_PRIVATE_H
#include <stdint.h>

#include "icap-llmsec/pth.h"

struct pth_at {				/* where we are */
	struct pth_report *r;
	struct arena	*a;
	const char	*file;		/* in the arena, NULL: no memory */
	unsigned	 line;
};

/* One finding for each line and layer. */
void	pth_found(const struct pth_at *, enum pth_layer, const char *why);
/* Does this code say only what installers say? (a line of a .pth, or a whole sitecustomize) */
bool	pth_code_is_known(const char *, size_t);
/* What code does, layer by layer. */
void	pth_code_layers(const struct pth_at *, const char *, size_t);
const char *pth_layer_why(enum pth_layer);
/* Is the directory of this length of a path one of an installation, or near enough to an archive's root to become one? */
bool	pth_leads_to_site(const char *path, size_t);
#endif
