/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "tests/unit/waf/rules_show.h"

static char out[65536];
static size_t used;

static void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	used += (size_t)vsnprintf(out + used, sizeof(out) - used, fmt, ap);
	va_end(ap);
	if (used >= sizeof(out))
		abort();
}

/* Parts apart by their brackets, so that a macro can't pass for text. */
static void
say_macro(const char *name, const struct waf_macro *m)
{
	if (m->n == 0)
		return;
	say("%s(", name);
	for (size_t i = 0; i < m->n; i++) {
		if (m->part[i].var == WAF_V_MAX)
			say("%.*s", (int)m->part[i].text.n, m->part[i].text.p);
		else
			say("<%s%s%.*s>", waf_var_name(m->part[i].var), m->part[i].text.n ? "." : "",
			    (int)m->part[i].text.n, m->part[i].text.p);
	}
	say(")");
}

static void
say_target(const struct waf_target *t)
{
	const char *slash = t->sel == WAF_SEL_REGEX ? "/" : "";

	say("%s%s%s", t->exclude ? "!" : "", t->count ? "&" : "", waf_var_name(t->var));
	if (t->sel != WAF_SEL_ALL)
		say(":%s%.*s%s", slash, (int)t->key.n, t->key.p, slash);
}

static void
say_ctl(const struct waf_act *a)
{
	static const char *const names[] = {"auditEngine", "auditLogParts", "debugLogLevel", "forceRequestBodyVariable",
	    "requestBodyAccess", "requestBodyLimit", "requestBodyProcessor", "responseBodyAccess",
	    "responseBodyLimit", "ruleEngine", "removeById", "removeByTag", "removeByMsg", "removeTargetById",
	    "removeTargetByTag", "removeTargetByMsg", "hashEngine"};

	say(" ctl(%s", names[a->ctl]);
	if (a->ctl < WAF_CTL_REMOVE_BY_ID || a->ctl > WAF_CTL_REMOVE_TARGET_BY_MSG)
		say_macro("=", &a->value);
	else if (a->rx != NULL)
		say("=%.*s", (int)a->pattern.n, a->pattern.p);
	else
		say("=%lld-%lld", (long long)a->id_from, (long long)a->id_to);
	if (a->target.var != WAF_V_MAX) {
		say(";");
		say_target(&a->target);
	}
	say(")");
}

static void
say_act(const struct waf_act *a)
{
	static const char *const names[] = {"setvar", "expirevar", "deprecatevar", "initcol", "setenv", "setsid", "setuid",
	    "setrsc"};

	if (a->kind == WAF_A_CTL) {
		say_ctl(a);
		return;
	}
	say(" %s[", names[a->kind]);
	if (a->coll != WAF_V_MAX)
		say("%s", waf_var_name(a->coll));
	say_macro(".", &a->name);
	if (a->setop)
		say(" %c", a->setop);
	say_macro(" ", &a->value);
	say("]");
}

static void
say_words(const struct waf_rule *r)
{
	static const char *const disruptive[] = {"", " pass", " deny", " drop", " redirect", " allow", " allow:phase",
	    " allow:request"};
	static const struct {
		unsigned bit;
		const char *name;
	} flags[] = {{WAF_R_LOG, " log"}, {WAF_R_AUDITLOG, " audit"}, {WAF_R_CAPTURE, " capture"},
	    {WAF_R_MULTIMATCH, " multi"}, {WAF_R_SANITISE_MATCHED, " sanitise"}};

	say("%s", disruptive[r->disruptive]);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		say("%s", r->flags & flags[i].bit ? flags[i].name : "");
	if (r->status)
		say(" status(%d)", r->status);
	if (r->severity >= 0)
		say(" severity(%d)", r->severity);
	if (r->maturity || r->accuracy)
		say(" maturity(%d) accuracy(%d)", r->maturity, r->accuracy);
	if (r->paranoia)
		say(" paranoia(%d)", r->paranoia);
	if (r->ver != NULL)
		say(" ver(%s)", r->ver);
	if (r->rev != NULL)
		say(" rev(%s)", r->rev);
	if (r->skip_to != SIZE_MAX)
		say(" to(%zu)", r->skip_to);
}

static void
say_operator(const struct waf_rule *r)
{
	for (size_t i = 0; i < r->n_target; i++) {
		say("%c", i ? '|' : ' ');
		say_target(&r->target[i]);
	}
	if (r->op != NULL)
		say(" %s@%s", r->op_negated ? "!" : "", waf_op_name(r->op_id));
	say_macro("", &r->op_arg);
	for (size_t i = 0; i < r->n_tfn; i++)
		say("%s%s", i ? "," : " t(", waf_tfn_name(r->tfn[i]));
	say("%s", r->n_tfn ? ")" : "");
}

static void
say_rule(const struct waf_rule *r)
{
	if (r->marker != NULL) {
		say("marker %s\n", r->marker);
		return;
	}
	if (r->id)
		say("%lld p%d", (long long)r->id, r->phase);
	say_operator(r);
	say_words(r);
	say_macro(" redirect", &r->redirect);
	say_macro(" msg", &r->msg);
	say_macro(" logdata", &r->logdata);
	for (size_t i = 0; i < r->n_tag; i++)
		say_macro(" tag", &r->tag[i]);
	for (size_t i = 0; i < r->n_act; i++)
		say_act(&r->act[i]);
	for (size_t i = 0; i < r->n_xmlns; i++)
		say(" xmlns(%s=%s)", r->xmlns[i].prefix, r->xmlns[i].href);
	say("\n");
}

const char *
rules_show(const struct waf_rules *rules)
{
	const struct waf_rule *r;

	used = 0;
	*out = '\0';
	for (size_t i = 0; rules != NULL && i < rules->n_all; i++) {
		r = rules->all[i];
		if (r->marker == NULL && r->id == 0)
			say("+");
		say_rule(r);
	}
	return out;
}

struct waf_rules *
rules_load(const char *text, const char *dir, char **messages)
{
	struct diag *d = diag_new();
	struct waf_rules *r = waf_rules_load_mem("t", dir, text, strlen(text), d);
	size_t n;
	FILE *f = open_memstream(messages, &n);

	if (f == NULL)
		abort();
	diag_print(d, f);
	fclose(f);
	if ((r == NULL) != (diag_errors(d) != 0))
		abort();
	diag_free(&d);
	return r;
}
