/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_DIAG_H
#define LLMSEC_DIAG_H
/*
 * Messages for humans about a file they wrote: "file:line:column: error: text".  Filled by
 * configuration and rule loaders, never by the request path.  Collects up to 50 messages so an
 * operator sees every mistake in one run.  Not thread safe.
 */
#include <stdbool.h>
#include <stdio.h>

struct diag;

struct diag	*diag_new(void);
void		 diag_free(struct diag **);
/* line/column start at 1; 0 = unknown, left out of the text. */
void		 diag_error(struct diag *, const char *file, int line, int col, const char *fmt, ...)
		    __attribute__((format(printf, 5, 6)));
void		 diag_warn(struct diag *, const char *file, int line, int col, const char *fmt, ...)
		    __attribute__((format(printf, 5, 6)));
int		 diag_errors(const struct diag *);
int		 diag_warnings(const struct diag *);
/* All messages, one a line. */
void		 diag_print(const struct diag *, FILE *);
/* First error as text, or "" ; valid until diag_free. */
const char	*diag_first(const struct diag *);
#endif
