/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ENG_BOT_KNOWN_H
#define LLMSEC_ENG_BOT_KNOWN_H
/*
 * What the scores know from outside the request: the lists of crawlers' addresses, the sets of threat intelligence, and the
 * resolver's answers.  Files are replaced while running (hot.h); the resolver's threads and their cache outlive a reload
 * of the configuration as long as their settings stay.
 */
#include <stdbool.h>

#include "haproxy-spoa/bot/bot.h"

struct bot_conf;
struct bot_known;
struct counters;
struct hot_view;

/* Keeps <conf>.  <threads>: may it start the resolver's?  NULL: out of memory. */
struct bot_known *bot_known_new(const struct bot_conf *conf, bool threads);
void		 bot_known_free(struct bot_known **);
void		 bot_known_tick(struct bot_known *, uint64_t now_us);
void		 bot_known_report(struct bot_known *, struct counters *);

/* One worker's; NULL: out of memory, and then nothing is known from files. */
struct hot_view	*bot_known_view(const struct bot_known *);
/* For each request, before the questions below. */
void		 bot_known_follow(const struct bot_known *, struct hot_view *);

enum bot_proof	 bot_known_proof(const struct bot_known *, const struct hot_view *, const struct bot_agent *, const char *ip);
/* Confidence in percent that the address is bad; 0: in no set. */
int		 bot_known_address(const struct bot_known *, const struct hot_view *, const char *ip);
/* The same of the sites in Referer and Origin. */
int		 bot_known_sites(const struct bot_known *, const struct hot_view *, const struct req_view *);
#endif
