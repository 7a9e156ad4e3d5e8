/* SPDX-License-Identifier: MIT */
/* The actions of a rule: one row of a table each. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

/* Where an action can't stand. */
#define META		(SL_CTX_DEFAULT | SL_NOT_SHOWN)
#define HEAD_ONLY	(SL_CTX_CHAINED | SL_CTX_DEFAULT)
#define RULE_ONLY	(SL_CTX_CHAINED | SL_CTX_DEFAULT | SL_CTX_UPDATE)

static void *
field(struct sl_aset *set, const struct sl_action *a)
{
	return (char *)set + a->def->off;
}

void
sl_aset_init(struct sl_aset *set, unsigned ctx)
{
	*set = (struct sl_aset){.ctx = ctx, .id = SL_UNSET, .disruptive = SL_UNSET, .status = SL_UNSET,
	    .phase = SL_UNSET, .log = SL_UNSET, .auditlog = SL_UNSET, .severity = SL_UNSET,
	    .maturity = SL_UNSET, .accuracy = SL_UNSET, .skip = SL_UNSET};
}

static void
act_id(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	if (!sl_number(&a->value, 1, INT64_MAX, &set->id))
		sl_error(sl, &a->value, NULL, "id: \"%.*s\" is not a positive number", SL_FMT(a->value));
}

static void
act_phase(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	int64_t n = 0;

	if (sl_is(&a->value, "request"))
		n = 2;
	else if (sl_is(&a->value, "response"))
		n = 4;
	else if (sl_is(&a->value, "logging"))
		n = 5;
	else if (!sl_number(&a->value, 1, 5, &n)) {
		sl_error(sl, &a->value, NULL, "phase: \"%.*s\" is none of 1 to 5, request, response, logging",
		    SL_FMT(a->value));
		return;
	}
	set->phase = (int)n;
}

static void
act_severity(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	static const char *const names[] = {"EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE",
	    "INFO", "DEBUG"};
	int64_t n;

	for (int i = 0; i < 8; i++) {
		if (sl_is(&a->value, names[i])) {
			set->severity = i;
			return;
		}
	}
	if (sl_number(&a->value, 0, 7, &n))
		set->severity = (int)n;
	else
		sl_error(sl, &a->value, NULL, "severity: \"%.*s\" is none of 0 to 7, EMERGENCY to DEBUG",
		    SL_FMT(a->value));
}

static void
int_value(struct sl *sl, const struct sl_action *a, int64_t lo, int64_t hi, int *out)
{
	int64_t n;

	if (sl_number(&a->value, lo, hi, &n))
		*out = (int)n;
	else
		sl_error(sl, &a->value, NULL, "%.*s: \"%.*s\" is not a number from %d to %d", SL_FMT(a->name),
		    SL_FMT(a->value), (int)lo, (int)hi);
}

static void
act_status(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	int_value(sl, a, 100, 599, &set->status);
}

static void
act_skip(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	int_value(sl, a, 1, 100000, &set->skip);
}

static void
put_1_to_9(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	int_value(sl, a, 1, 9, field(set, a));
}

static void
disruptive(struct sl *sl, struct sl_aset *set, const struct sl_action *a, int kind)
{
	if (kind == SL_D_BLOCK && set->ctx == SL_CTX_DEFAULT)
		sl_error(sl, &a->name, NULL, "block: this is where it is said what block does");
	else if (set->disruptive != SL_UNSET && set->disruptive != kind)
		sl_warn(sl, &a->name, NULL, "%.*s: replaces the disruptive action named before", SL_FMT(a->name));
	set->disruptive = kind;
}

static void
act_disruptive(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	disruptive(sl, set, a, a->def->data);
}

static void
act_allow(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	int kind = WAF_D_ALLOW;

	if (a->value.p != NULL && sl_is(&a->value, "phase"))
		kind = WAF_D_ALLOW_PHASE;
	else if (a->value.p != NULL && sl_is(&a->value, "request"))
		kind = WAF_D_ALLOW_REQUEST;
	else if (a->value.p != NULL)
		sl_error(sl, &a->value, NULL, "allow:%.*s: expected phase or request", SL_FMT(a->value));
	disruptive(sl, set, a, kind);
}

static void
act_redirect(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	act_disruptive(sl, set, a);
	sl_macro(sl, &a->value, 0, &set->redirect);
}

static void
act_chain(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	(void)sl;
	(void)a;
	set->chain = true;
}

static void
act_flag(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	int flag = a->def->data;
	(void)sl;
	set->flags |= (unsigned)flag;
}

/* log and nolog speak for the audit log too, until auditlog or noauditlog says otherwise. */
static void
act_log(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	int on = a->def->data;
	(void)sl;
	set->log = set->auditlog = on;
}

static void
act_auditlog(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	int on = a->def->data;
	(void)sl;
	set->auditlog = on;
}

static void
act_tag(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	struct waf_macro *m = SL_ADD(sl->a, set->tag, set->n_tag);

	if (m != NULL)
		sl_macro(sl, &a->value, 0, m);
}

static void
act_tfn(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	enum waf_tfn tfn = waf_tfn_find(a->value.p, a->value.n), *slot;

	if (sl_is(&a->value, "none")) {
		set->tfn_none = true;
		set->n_tfn = 0;
		set->tfn = NULL;
	} else if (tfn == WAF_T_MAX)
		sl_error(sl, &a->value, NULL, "unknown transformation \"%.*s\"", SL_FMT(a->value));
	else if ((slot = SL_ADD(sl->a, set->tfn, set->n_tfn)) != NULL)
		*slot = tfn;
}

static void
act_ctl(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	sl_ctl(sl, set, &a->value);
}

static void
act_xmlns(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	const char *eq = memchr(a->value.p, '=', a->value.n);
	struct waf_xmlns *ns;

	if (eq == NULL || eq == a->value.p) {
		sl_error(sl, &a->value, NULL, "xmlns: expected PREFIX=URI");
		return;
	}
	if ((ns = SL_ADD(sl->a, set->xmlns, set->n_xmlns)) == NULL)
		return;
	ns->prefix = sl_dup(sl->a, a->value.p, (size_t)(eq - a->value.p)).p;
	ns->href = sl_dup(sl->a, eq + 1, (size_t)(a->value.p + a->value.n - eq - 1)).p;
}

/* Rows whose function is one of these have the field or the reason in the row. */
static void
put_text(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	const char *s = sl_dup(sl->a, a->value.p, a->value.n).p;

	memcpy(field(set, a), &s, sizeof(s));
}

static void
put_macro(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	sl_macro(sl, &a->value, 0, field(set, a));
}

static void
refuse(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	(void)set;
	sl_error(sl, &a->name, NULL, "%.*s: refused: %s", SL_FMT(a->name), a->def->why);
}

static void
no_effect(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	(void)set;
	sl_warn(sl, &a->name, NULL, "%.*s: has no effect: %s", SL_FMT(a->name), a->def->why);
}

#define OFF(f)	offsetof(struct sl_aset, f)

static const struct sl_action_def actions[] = {
	{"accuracy", A_NEED, META, put_1_to_9, 0, OFF(accuracy), NULL},
	{"allow", A_OPT, SL_CTX_CHAINED, act_allow, 0, 0, NULL},
	{"append", A_NEED, 0, refuse, 0, 0, "answers pass through unchanged"},
	{"auditlog", A_NONE, 0, act_auditlog, 1, 0, NULL},
	{"block", A_NONE, SL_CTX_CHAINED, act_disruptive, SL_D_BLOCK, 0, NULL},
	{"capture", A_NONE, 0, act_flag, WAF_R_CAPTURE, 0, NULL},
	{"chain", A_NONE, SL_CTX_DEFAULT | SL_CTX_UPDATE, act_chain, 0, 0, NULL},
	{"ctl", A_NEED, 0, act_ctl, 0, 0, NULL},
	{"deny", A_NONE, SL_CTX_CHAINED, act_disruptive, WAF_D_DENY, 0, NULL},
	{"deprecatevar", A_NEED, 0, sl_act_on_var, WAF_A_DEPRECATEVAR, 0, NULL},
	{"drop", A_NONE, SL_CTX_CHAINED, act_disruptive, WAF_D_DROP, 0, NULL},
	{"exec", A_NEED, 0, refuse, 0, 0, "rules start no programs; events are where to react"},
	{"expirevar", A_NEED, 0, sl_act_on_var, WAF_A_EXPIREVAR, 0, NULL},
	{"id", A_NEED, RULE_ONLY, act_id, 0, 0, NULL},
	{"initcol", A_NEED, 0, sl_act_initcol, 0, 0, NULL},
	{"log", A_NONE, 0, act_log, 1, 0, NULL},
	{"logdata", A_NEED, META, put_macro, 0, OFF(logdata), NULL},
	{"maturity", A_NEED, META, put_1_to_9, 0, OFF(maturity), NULL},
	{"msg", A_NEED, META, put_macro, 0, OFF(msg), NULL},
	{"multiMatch", A_NONE, 0, act_flag, WAF_R_MULTIMATCH, 0, NULL},
	{"noauditlog", A_NONE, 0, act_auditlog, 0, 0, NULL},
	{"nolog", A_NONE, 0, act_log, 0, 0, NULL},
	{"pass", A_NONE, SL_CTX_CHAINED, act_disruptive, WAF_D_PASS, 0, NULL},
	{"pause", A_NEED, SL_CTX_CHAINED, no_effect, 0, 0, "a paused worker is what the client wants; use "
	    "tarpit in HAProxy"},
	{"phase", A_NEED, SL_CTX_CHAINED | SL_CTX_UPDATE, act_phase, 0, 0, NULL},
	{"prepend", A_NEED, 0, refuse, 0, 0, "answers pass through unchanged"},
	{"proxy", A_NEED, 0, refuse, 0, 0, "routing is HAProxy's: use_backend on a variable of the verdict"},
	{"redirect", A_NEED, SL_CTX_CHAINED, act_redirect, WAF_D_REDIRECT, 0, NULL},
	{"rev", A_NEED, META, put_text, 0, OFF(rev), NULL},
	{"sanitiseArg", A_NEED, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"sanitiseMatched", A_NONE, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"sanitiseMatchedBytes", A_OPT, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"sanitiseRequestHeader", A_NEED, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"sanitiseResponseHeader", A_NEED, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"sanitizeArg", A_NEED, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"sanitizeMatched", A_NONE, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"sanitizeMatchedBytes", A_OPT, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"sanitizeRequestHeader", A_NEED, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"sanitizeResponseHeader", A_NEED, 0, act_flag, WAF_R_SANITISE_MATCHED, 0, NULL},
	{"setenv", A_NEED, 0, sl_act_setenv, 0, 0, NULL},
	{"setrsc", A_NEED, 0, sl_act_value, WAF_A_SETRSC, 0, NULL},
	{"setsid", A_NEED, 0, sl_act_value, WAF_A_SETSID, 0, NULL},
	{"setuid", A_NEED, 0, sl_act_value, WAF_A_SETUID, 0, NULL},
	{"setvar", A_NEED, 0, sl_act_setvar, 0, 0, NULL},
	{"severity", A_NEED, META, act_severity, 0, 0, NULL},
	{"skip", A_NEED, HEAD_ONLY, act_skip, 0, 0, NULL},
	{"skipAfter", A_NEED, HEAD_ONLY, put_text, 0, OFF(skip_after), NULL},
	{"status", A_NEED, 0, act_status, 0, 0, NULL},
	{"t", A_NEED, 0, act_tfn, 0, 0, NULL},
	{"tag", A_NEED, SL_CTX_DEFAULT, act_tag, 0, 0, NULL},
	{"ver", A_NEED, META, put_text, 0, OFF(ver), NULL},
	{"xmlns", A_NEED, 0, act_xmlns, 0, 0, NULL},
};
#define N_ACTIONS	(sizeof(actions) / sizeof(actions[0]))

static const struct sl_action_def *
action_find(const struct sl_text *name)
{
	for (size_t i = 0; i < N_ACTIONS; i++) {
		if (sl_is(name, actions[i].name))
			return &actions[i];
	}
	return NULL;
}

static const char *
ctx_text(unsigned ctx)
{
	if (ctx & SL_CTX_CHAINED)
		return "in a later rule of a chain, only in its first";
	return ctx & SL_CTX_DEFAULT ? "in SecDefaultAction" : "in SecRuleUpdateActionById";
}

void
sl_action_run(struct sl *sl, struct sl_aset *set, struct sl_action *a)
{
	const struct sl_action_def *def = a->def = action_find(&a->name);

	if (def == NULL)
		sl_error(sl, &a->name, NULL, "unknown action \"%.*s\"", SL_FMT(a->name));
	else if (def->not_in & set->ctx)
		sl_error(sl, &a->name, NULL, "%s: not %s", def->name, ctx_text(set->ctx));
	else if (def->arg == A_NEED && (a->value.p == NULL || a->value.n == 0))
		sl_error(sl, &a->name, NULL, "%s: needs a value after a colon", def->name);
	else if (def->arg == A_NONE && a->value.p != NULL)
		sl_error(sl, &a->name, NULL, "%s: takes no value", def->name);
	else {
		if ((def->not_in & SL_NOT_SHOWN) && (set->ctx & SL_CTX_CHAINED))
			sl_warn(sl, &a->name, NULL, "%s: never shown: a match is told in the words of the chain's "
			    "first rule", def->name);
		def->fn(sl, set, a);
	}
}
