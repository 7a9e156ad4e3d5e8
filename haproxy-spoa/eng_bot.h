/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ENG_BOT_H
#define LLMSEC_ENG_BOT_H
/*
 * The scores as an engine of llmsec-spoad: bot/ does the counting, this file brings it what others know and looks after
 * what changes while running: lists of crawlers' addresses, sets of threat intelligence, and the resolver's answers.
 *
 * Scores of their own refuse nothing; with bot.deny_at they do: DENY 403, reason bot-score or threat-score.
 */
#include "haproxy-spoa/bot/bot.h"
#include "haproxy-spoa/engine.h"
#include "lib/conf.h"

struct arena;
struct buf;

struct bot_crawler_conf {
	char	*agent, *addresses;
};
struct bot_country_conf {
	char	*code;
	int	 weight;
};
struct bot_asn_conf {
	int64_t	 asn;
	int	 weight;
};

/* Who asks the resolver; not of the file. */
enum bot_resolve { RESOLVE_THREADS, RESOLVE_NEVER, RESOLVE_NOW };

struct bot_conf {
	bool			 enabled;
	int			 weights[BOT_FEATURES];
	int			 rate;
	struct conf_strs	 api_paths, ti_sets, ti_domains;
	struct bot_country_conf	*countries;
	struct bot_asn_conf	*asns;
	struct bot_crawler_conf	*crawlers;
	size_t			 n_countries, n_asns, n_crawlers;
	struct {
		int		 threads;	/* 0: the resolver is never asked */
		int64_t		 verified, refuted, failed;	/* ms */
	}			 resolver;
	struct {
		int		 bot, threat;
	}			 deny_at, event_at;		/* 0: never */
	enum bot_resolve	 resolve;
};

extern const struct conf_opt bot_conf_opts[];

/* From so many points on a feature's id is in the verdict's rule ids. */
#define BOT_POINTS_NAMED	20

/* {"bot":..,"threat":..,"class":..,"features":{"BOT-101":50}} for the event; NULL: out of memory. */
const char *eng_bot_detail(struct arena *, const struct bot_report *);

extern const struct spoad_engine engine_bot;
#endif
