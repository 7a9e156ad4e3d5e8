/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_PROVE_H
#define LLMSEC_PROVE_H
/*
 * Does a crawler's address prove its name?  Forward-confirmed reverse DNS, as the search engines themselves ask for: the
 * address has a name, the name ends in one of the owner's domains, and the name has that address.
 *
 * prove_ask() is called for each request and never waits: it looks into a cache, or puts the question into a bounded
 * queue and says PROOF_PENDING.  Threads of its own ask the resolver, one question at a time each.  A full queue, or a
 * resolver that fails, proves nothing and disproves nothing.
 *
 * The resolver is a parameter, so that tests need no network; prove_libc is getnameinfo(3) and getaddrinfo(3).
 */
#include <stdint.h>
#include <sys/socket.h>

#include "haproxy-spoa/bot/bot.h"

struct prove_resolver {
	/* The address's name.  0, -ENOENT: it has none, -EAGAIN: no answer. */
	int	(*name)(void *arg, const struct sockaddr *, socklen_t, char *host, size_t);
	/* Is it among the host's addresses?  1, 0, -EAGAIN: no answer. */
	int	(*confirm)(void *arg, const char *host, const struct sockaddr *);
	void	*arg;
};
extern const struct prove_resolver prove_libc;

struct prove_conf {
	const struct prove_resolver *resolver;	/* must outlive everything */
	unsigned	 threads;
	unsigned	 true_min, false_min, failed_min;	/* for how many minutes an outcome holds */
};

enum prove_stat { PROVE_ASKED, PROVE_QUEUE_FULL, PROVE_TRUE, PROVE_FALSE, PROVE_FAILED, PROVE_STATS };

struct prove;

/* 0 or -errno.  Threads start here. */
int		 prove_new(struct prove **, const struct prove_conf *);
/* Returns at once; a thread that is waiting for the resolver ends when that returns. */
void		 prove_release(struct prove **);
/* <ip> as text; no address, or an agent without hosts: PROOF_NONE. */
enum bot_proof	 prove_ask(struct prove *, const struct bot_agent *, const char *ip);
/* The same by asking the resolver here and now. */
enum bot_proof	 prove_now(const struct prove_resolver *, const struct bot_agent *, const char *ip);
/*
 * True once when the resolver has failed so often in a row that somebody should be told; again after it answered in
 * between.  One thread at a time.
 */
#define PROVE_MUTE	10
bool		 prove_mute(struct prove *);
/* How often so far. */
uint64_t	 prove_stat(const struct prove *, enum prove_stat);
#endif
