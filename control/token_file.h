/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TOKEN_FILE_H
#define LLMSEC_TOKEN_FILE_H
/*
 * Bearer tokens with roles, hashed at rest: lines of "NAME ROLE SHA-256-IN-HEX", ROLE being viewer, operator or
 * admin.  A token is 256 random bits, so a fast hash is enough: there is nothing to guess.  The file is read again
 * when it changes; one that can't be read lets nobody in.
 */
#include <stddef.h>
#include <stdio.h>

struct token_file;

/* <path> "": no tokens.  NULL: no memory. */
struct token_file *token_file_open(const char *path);
void	token_file_close(struct token_file **);
#define TOKEN_NAME	65

/* The role, 1 viewer to 3 admin, or 0, and whose it is.  Not thread safe. */
int	token_file_find(struct token_file *, const char *token, size_t len, char name[TOKEN_NAME]);

/* For llmsecctl.  0 or -errno; -EEXIST, -ENOENT: the name; -EINVAL: name or role. */
int	token_file_add(const char *path, const char *name, const char *role, FILE *out);
int	token_file_revoke(const char *path, const char *name);
int	token_file_list(const char *path, FILE *out);
#endif
