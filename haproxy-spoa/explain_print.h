/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_EXPLAIN_PRINT_H
#define LLMSEC_SPOAD_EXPLAIN_PRINT_H
/* What `llmsec-spoad explain` shows, for people and as JSON. */
#include <stdbool.h>
#include <stdio.h>

#include "haproxy-spoa/eng_bot.h"
#include "haproxy-spoa/engine.h"
#include "haproxy-spoa/req_view.h"

void	explain_print(FILE *, const struct req_view *, const struct verdict *, unsigned flaws, bool json);
/* Every feature with the weight that this configuration gives it. */
void	explain_table(FILE *, const struct bot_conf *, bool json);
void	explain_agents(FILE *, bool json);
#endif
