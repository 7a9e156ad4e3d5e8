/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_VERSION_H
#define LLMSEC_EGRESS_VERSION_H
/*
 * The policy file and its versions in egress.db, kept in step.  The file is what is in force, whoever wrote it: a text that no
 * version has is kept as one before it is replaced.  Changes are made one after the other, whatever asks for them; any thread.
 */
#include <stddef.h>
#include <stdint.h>

struct buf;
struct egress_store;
struct egress_policy_version;

/*
 * What stands in the file, and in *v the newest version with that text (number 0: none; its strings are "").
 * 0, or -errno of the file; -ENOENT: there is none.
 */
int	egress_version_in_force(struct egress_store *, const char *path, struct buf *text, struct egress_policy_version *v);
/*
 * Put <text> in force: checked, kept as a version, then written beside the file, synced, renamed.  <by>: who asks; <description>: why.
 * Its version; *changed is 0 if it was in force already.  -EINVAL with file:line:column in <why>, or -errno: nothing changed.
 */
int64_t	egress_version_put(struct egress_store *, const char *path, const struct buf *text, const char *by,
	    const char *description, int *changed, char *why, size_t size);
/* Keep what stands in the file as a version, if none has it.  0 or -errno. */
int	egress_version_adopt(struct egress_store *, const char *path, const char *description);
#endif
