/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_JSON_ORACLE_H
#define LLMSEC_TEST_JSON_ORACLE_H
/* jansson behind a few functions: its header and lib/json.h both have a JSON_STRING. */
#include <stdbool.h>
#include <stddef.h>

struct oracle {
	void	*root, *at;
	bool	 accepted;
	/* Its refusal says nothing about RFC 8259: a number beyond a double, U+0000 in a key. */
	bool	 silent;
	char	 why[200];
};

void	oracle_load(struct oracle *, const char *, size_t, bool reject_duplicates);
void	oracle_free(struct oracle *);
/* Values in the tree, the root and containers included. */
size_t	oracle_count(const struct oracle *);
/* Walk: to the root, then to a member, or an element (<key> NULL). */
void	oracle_root(struct oracle *);
void	oracle_step(struct oracle *, const char *key, size_t index);
/* What stands there; <type> is its first character: { [ n t f */
bool	oracle_is(const struct oracle *, char type);
bool	oracle_is_string(const struct oracle *, const char *, size_t);
bool	oracle_is_number(const struct oracle *, double);
#endif
