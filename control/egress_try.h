/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_TRY_H
#define LLMSEC_EGRESS_TRY_H
/* The helper's own engine, asked by llmsecd: what would be decided, and whether a policy is one.  Any thread. */
#include <stddef.h>

struct buf;

/* 0, -EINVAL: the URL, or -errno of the policy; <why> says it.  <identity>, <method> may be NULL. */
int	egress_try(const char *policy_path, const char *url, const char *identity, const char *method, struct buf *out,
	    char *why, size_t size);
/* Can it be read as a policy?  0, -EINVAL with file:line:column in <why>, or -errno. */
int	egress_try_valid(const char *policy_path, const char *text, size_t len, char *why, size_t size);
/*
 * Is <text> a policy that may be put in force: one that can be read, and that doesn't refuse everything without saying so.
 * 0, -EINVAL with file:line:column in <why>, or -errno.
 */
int	egress_try_check(const char *policy_path, const char *text, size_t len, char *why, size_t size);
/* The file, whole; 0 or -errno. */
int	egress_try_read(const char *path, struct buf *);
#endif
