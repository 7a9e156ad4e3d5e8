/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_LINK_H
#define LLMSEC_BAN_LINK_H
/*
 * A thread that keeps HAProxy's ban table and ban map as the list has them, lets bans expire and cuts
 * the live streams of who was just banned.  HAProxy may be away or restart at any time: it gets
 * everything again when it is back.
 */
struct ban_link;
struct ban_list;
struct counters;
struct llmsecd_conf;

/* Keeps the pointers until ban_link_stop().  0 or -errno. */
int	ban_link_start(struct ban_link **, const struct llmsecd_conf *, struct ban_list *, struct counters *);
void	ban_link_stop(struct ban_link **);
#endif
