/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_LISTS_H
#define LLMSEC_EGRESS_LISTS_H
/*
 * The lists that llmsecd's API keeps, as the helper reads them.  What was imported is in two immutable sets, what
 * was changed since in a short text, and one rename(2) of the text changes both at once:
 *
 *	llmsec-egress-lists 1
 *	domains FILE			domains.set, beside this file; at most one
 *	addresses FILE			ips.set, likewise
 *	+d NAME [UNIX-TIME]		listed, until then
 *	-d NAME				in the set, but not any more
 *	+i NETWORK [UNIX-TIME]
 *	+w NAME				allowed at port 443: that name alone, ".NAME" with what is below it
 *	end LINES			how many lines stand above: a text cut short is refused
 *
 * Any other name stands for itself and everything below it.  Immutable once read; a lookup allocates nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define EGRESS_LISTS_LINES	65536	/* of text; llmsecd folds them into the sets long before */

struct egress_lists;
struct cidr;
struct diag;

/* 0, -EINVAL (see <diag>), -ENOMEM, or -errno of a file.  On error *out is NULL. */
int	egress_lists_load(struct egress_lists **out, const char *path, struct diag *);
/*
 * The same when there are some already.  Sets that are the same files move from <old> (may be NULL) to the new lists,
 * so that only text is read: <old> is to be freed and asked nothing.  On error <old> is as it was.
 */
int	egress_lists_reload(struct egress_lists **out, struct egress_lists *old, const char *path, struct diag *);
/* <dir>: where the sets lie; "": there are none. */
int	egress_lists_load_mem(struct egress_lists **out, const char *name, const char *dir, const char *text,
	    size_t len, struct diag *);
void	egress_lists_free(struct egress_lists **);

/* <lists> NULL: nothing is listed. */
bool	egress_lists_denied(const struct egress_lists *, const char *name, size_t len, time_t now);
bool	egress_lists_denied_ip(const struct egress_lists *, const uint8_t addr[16], time_t now);
bool	egress_lists_allowed(const struct egress_lists *, const char *name, size_t len);
/* Every listed network, for who holds them in another form; returns what <fn> returned if that isn't 0. */
int	egress_lists_each_net(const struct egress_lists *, time_t now, int (*fn)(void *, const struct cidr *), void *arg);
/* Does an entry of a network end after <from> and not later than <to>? */
bool	egress_lists_net_ends(const struct egress_lists *, time_t from, time_t to);
size_t	egress_lists_entries(const struct egress_lists *);
#endif
