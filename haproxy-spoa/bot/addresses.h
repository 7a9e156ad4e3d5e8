/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BOT_ADDRESSES_H
#define LLMSEC_BOT_ADDRESSES_H
/*
 * The addresses that a crawler's owner publishes, from a file: one address or network a line with # comments, or JSON in
 * which they are strings of arrays or of members ipv4Prefix, ipv6Prefix, ip_prefix, ipv6_prefix, cidr or ip (the shape
 * that Google, Microsoft, OpenAI, Apple and Perplexity publish).  Immutable once loaded.
 *
 * A file without any address, with something else among them, or with a network that no crawler owns (wider than /8, or
 * /16 of IPv6) is refused whole: an error page that was saved under the name must not empty the list, nor a typing error
 * declare everybody a crawler.
 */
#include <stdbool.h>
#include <stddef.h>

struct addresses;
struct diag;

/* 0, -EINVAL with text in <diag>, or -errno. */
int	addresses_load(struct addresses **, const char *path, struct diag *);
int	addresses_parse(struct addresses **, const char *name, const char *text, size_t len, struct diag *);
void	addresses_free(struct addresses **);
bool	addresses_have(const struct addresses *, const char *ip);
size_t	addresses_count(const struct addresses *);
#endif
