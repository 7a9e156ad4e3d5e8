/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_BOT_CASES_H
#define LLMSEC_TEST_BOT_CASES_H
/* cases.txt, read: for the test, the benchmark, and who wants to send them. */
#include "haproxy-spoa/bot/bot.h"
#include "lib/arena.h"

struct bot_case {
	const char	*name, *about, *ja4, *ids;
	enum bot_proof	 proof;		/* what asking would say */
	int		 bot, threat;	/* expected */
	struct req_view	 req;
	struct bot_input in;		/* in.req is &req */
};

/* Exits with a message on a mistake in the file. */
struct bot_case	*cases_load(const char *path, size_t *n, struct arena *);
/* The lists of the operator that the file names. */
void		 cases_options(struct bot_options *);
#endif
