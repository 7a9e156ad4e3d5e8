/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BOT_JUDGE_PRIVATE_H
#define LLMSEC_BOT_JUDGE_PRIVATE_H
/* Between the files that make one bot_judge(). */
#include "haproxy-spoa/bot/bot.h"
#include "haproxy-spoa/bot/head.h"

struct arena;

struct bot {
	struct arena		*arena;		/* of the lists below */
	struct literals		*words, *probes;
	struct head_index	 index;
	int			 weights[BOT_FEATURES];
	unsigned		 rate;
	struct span		*api_paths;
	size_t			 n_api_paths;
	const struct bot_weighted *countries, *asns;
	size_t			 n_countries, n_asns;
};

struct judge_job {
	const struct bot	*b;
	const struct bot_input	*in;
	const struct req_view	*r;
	struct bot_report	*out;
	struct head		 h;
	struct bot_ja4		 ja4;
	int			 bot, threat;		/* sums so far, not cut yet */
	/* facts that several features ask for */
	bool			 tls, http1, api, websocket, get;
	bool			 browser;		/* the User-Agent says so */
	bool			 modern;		/* and one that has what browsers of today have */
	bool			 lied;			/* about what it is */
};

/* The feature fired; its weight counts <times>/<of> times. */
void	judge_fire(struct judge_job *, enum bot_feature, int times, int of);

static inline void
judge_if(struct judge_job *j, enum bot_feature f, bool fired)
{
	if (fired)
		judge_fire(j, f, 1, 1);
}

void	judge_facts(struct judge_job *);
void	judge_tls(struct judge_job *);
void	judge_headers(struct judge_job *);
void	judge_who(struct judge_job *);
void	judge_behaviour(struct judge_job *);
void	judge_target(struct judge_job *);
void	judge_others(struct judge_job *);
#endif
