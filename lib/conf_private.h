/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CONF_PRIVATE_H
#define LLMSEC_CONF_PRIVATE_H
/* Inside conf*.c: scalars as text to values and back.  Pure functions. */
#include "lib/conf.h"

#define CONF_REASON	192

/*
 * Read NUL-terminated <s> as <opt>'s type.  On failure -EINVAL and a sentence in <why>.  The range
 * is checked too.  INT and ENUM and BOOL come back in *v as well.
 */
int	conf_value_parse(const struct conf_opt *opt, const char *s, int64_t *v, char why[CONF_REASON]);
/* A number in the unit an operator would write. */
void	conf_value_format(char *out, size_t n, enum conf_type, int64_t v);
/* "integer", "list of strings", ... */
const char *conf_type_name(enum conf_type);
/* Damerau-free Levenshtein distance, capped: returns 3 when it is more than 2. */
unsigned conf_edit_distance(const char *a, const char *b);
#endif
