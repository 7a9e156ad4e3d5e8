/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/eng_behave.h"
#include "haproxy-spoa/eng_bot.h"
#include "haproxy-spoa/eng_geo.h"
#include "haproxy-spoa/eng_guard.h"
#include "haproxy-spoa/eng_sign.h"
#include "haproxy-spoa/eng_waf.h"
#include "haproxy-spoa/engine.h"

const struct spoad_engine *const spoad_engines[] = {
	&engine_geo,		/* first: also what is refused has a country in its event */
	&engine_behave_look,	/* who is banned costs nothing further */
	&engine_guard,
	&engine_waf,
	&engine_bot,		/* scores, also of what was refused */
	&engine_behave,		/* after all that refuse */
	&engine_sign,		/* last: signs what the others found */
	NULL
};

void
verdict_init(struct verdict *v, time_t now)
{
	memset(v, 0, sizeof(*v));
	v->action = VERDICT_ALLOW;
	v->status = 200;
	v->reason = "ok";
	v->country = "ZZ";
	v->ja3 = v->ja4 = v->signature = v->ban_scope = v->key = "";
	v->waf.rules = v->waf.redirect = "";
	v->now = now;
}

void
verdict_deny(struct verdict *v, int status, const char *reason, const char *rule_id)
{
	verdict_rule(v, rule_id);
	if (v->action != VERDICT_ALLOW)
		return;
	v->action = VERDICT_DENY;
	v->status = status;
	v->reason = reason;
}

void
verdict_error(struct verdict *v, const char *reason)
{
	if (v->action == VERDICT_DENY)
		return;
	v->action = VERDICT_ERROR;
	v->status = 503;
	v->reason = reason;
}

void
verdict_rule(struct verdict *v, const char *id)
{
	v->tell = true;
	verdict_rule_quiet(v, id);
}

void
verdict_rule_quiet(struct verdict *v, const char *id)
{
	if (v->n_rule_ids < VERDICT_RULES_MAX)
		v->rule_ids[v->n_rule_ids++] = id;
}

const char *
verdict_action_str(enum verdict_action a)
{
	static const char *const text[] = {"allow", "deny", "error"};

	return text[a];
}
