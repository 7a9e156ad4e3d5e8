/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_IMPORT_H
#define LLMSEC_TI_IMPORT_H
/* From a file to the store: unpack, parse, check, and one transaction; or not at all, with the reason. */
#include "ti-sync/collect.h"
#include "ti-sync/conf.h"
#include "ti-sync/store.h"

struct ti_import {
	enum ti_format		 format;
	struct ti_change	 names, nets;
	struct ti_collect	 c;		/* counts and examples; the keys are gone */
	bool			 partial;	/* refused because it shrank */
	char			 why[256];
};

/* 0; -EBADMSG, -EFBIG, -ERANGE: the content is refused; or -errno.  <row> is updated and stored with it. */
int	ti_import_file(struct ti_store *, const struct ti_conf_feed *, const char *path, int64_t run,
	    struct ti_feed_row *row, struct ti_import *out);
/* A list of names and networks into <out>, at most <max>; for allow and top lists. */
int	ti_import_list(const char *path, size_t max, struct ti_collect *out, char why[160]);
#endif
