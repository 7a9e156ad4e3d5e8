/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_ENG_BEHAVE_H
#define LLMSEC_SPOAD_ENG_BEHAVE_H
/*
 * Behaviour as two engines of llmsec-spoad: `look` before the others refuses who is banned and says what is known of
 * the client, `behave` after them counts what became of the request and bans who has reached a limit.
 * docs/behaviour.md has it from the operator's side, behave/behave.h the rules.
 *
 * Windows and bans belong to the process: a reload of the configuration keeps them (windows only if their size stays).
 * Bans are in the state file a second later, and llmsecd's orders are carried out half a second later, both by
 * tick() in the main thread.
 */
#include "haproxy-spoa/behave/behave.h"
#include "haproxy-spoa/engine.h"
#include "lib/conf.h"

struct arena;
struct event_client;
struct req_view;

enum behave_mode { BEHAVE_M_BAN, BEHAVE_M_MONITOR, BEHAVE_M_OFF };

struct behave_conf {
	int		 mode;		/* enum behave_mode */
	int		 sources, max_bans;
	char		*state_file, *orders;
	struct behave_limits limits;	/* without <monitor> and <times.n>: they follow from the rest */
};

extern const struct conf_opt behave_conf_opts[];
extern const struct spoad_engine engine_behave_look, engine_behave;

/* Tell of a ban that this verdict decided.  0 or -errno of event_emit(). */
int	behave_tell(struct event_client *, const struct req_view *, const struct verdict *, struct arena *);
/* Event detail: who, why, and what he did; NULL: no memory.  Pure. */
const char *behave_detail(const struct behave_decision *, struct arena *);
/* "behave-errors" ... */
const char *behave_rule_id(enum behave_counter);
#endif
