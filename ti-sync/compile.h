/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_COMPILE_H
#define LLMSEC_TI_COMPILE_H
/*
 * From what the feeds list to what is published: one walk over all of them at once, in key order.
 *
 *	- what several feeds list has all their categories and the highest confidence;
 *	- what the allow list has, or covers, is left out; where a listed name or network covers an allowed one,
 *	  that becomes an exception;
 *	- a name of the top-sites list is left out, but not what is below it;
 *	- what is below a listed name or in a listed network has its categories, too, and is folded into it when
 *	  that says nothing new.
 *
 * Memory is the lists and a stack, whatever the feeds' size.
 */
#include "lib/set_file.h"
#include "ti-sync/store.h"

/* Takes what is to be published, in key order.  0 or -errno. */
struct ti_sink {
	int	(*entry)(struct ti_sink *, enum ti_kind, const void *key, size_t len, const struct set_class *);
};

struct ti_source {			/* one feed */
	int64_t		 feed;
	int64_t		 since;		/* entries gone before this run are left out */
	uint64_t	 categories;
	uint8_t		 confidence;
};

struct ti_saved {			/* by a list */
	size_t	 n;
	/* the first few, as text */
	char	 example[20][TI_KEY_MAX];
};

struct ti_compiled {
	size_t		 listed, published, folded, exceptions;
	struct ti_saved	 allowed, top;
};

/* <allow>, <top>: sorted, may be empty.  <clean> gets the names of both lists that nothing covers; may be NULL. */
int	ti_compile(struct ti_store *, enum ti_kind, const struct ti_source *, size_t n_sources,
	    const struct ti_keys *allow, const struct ti_keys *top, struct ti_sink *const *sinks, size_t n_sinks,
	    struct ti_keys *clean, struct ti_compiled *);
#endif
