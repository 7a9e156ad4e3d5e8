/* SPDX-License-Identifier: MIT */
/* Actions that write to collections or the environment: setvar, expirevar, initcol, setenv, setsid... */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

static struct waf_act *
act_new(struct sl *sl, struct sl_aset *set, enum waf_act_kind kind)
{
	struct waf_act *act = SL_ADD(sl->a, set->act, set->n_act);

	if (act == NULL)
		return NULL;
	*act = (struct waf_act){.kind = kind, .coll = WAF_V_MAX, .target.var = WAF_V_MAX};
	return act;
}

static bool
is_persistent(enum waf_var v)
{
	return v == WAF_V_IP || v == WAF_V_GLOBAL || v == WAF_V_SESSION || v == WAF_V_USER || v == WAF_V_RESOURCE;
}

/* "a=b" -> *a and *b without the sign; false when there is none. */
static bool
split(const struct sl_text *t, char sign, struct sl_text *a, struct sl_text *b)
{
	const char *at = t->n ? memchr(t->p, sign, t->n) : NULL;

	*a = *t;
	*b = sl_sub(t, t->p + t->n, 0);
	if (at == NULL)
		return false;
	*a = sl_sub(t, t->p, (size_t)(at - t->p));
	*b = sl_sub(t, at + 1, (size_t)(t->p + t->n - at - 1));
	return true;
}

/* "tx.name", which may hold macros after the dot. */
static bool
collection_name(struct sl *sl, const struct sl_text *t, struct waf_act *act)
{
	struct sl_text coll, name;

	if (!split(t, '.', &coll, &name) || name.n == 0) {
		sl_error(sl, t, NULL, "\"%.*s\": expected COLLECTION.NAME", SL_FMT(*t));
		return false;
	}
	act->coll = waf_var_find(coll.p, coll.n);
	if (act->coll != WAF_V_TX && !is_persistent(act->coll)) {
		sl_error(sl, &coll, NULL, "\"%.*s\" is no collection that can be written: TX, IP, GLOBAL, "
		    "SESSION, USER, RESOURCE", SL_FMT(coll));
		return false;
	}
	return sl_macro(sl, &name, SL_M_LOWER, &act->name);
}

static void
literal(struct sl *sl, const struct sl_text *at, const char *text, struct waf_macro *m)
{
	struct sl_text t = {text, strlen(text), at->w, at->at};

	sl_macro(sl, &t, 0, m);
}

/* setvar:!a.b  a.b  a.b=x  a.b=+x  a.b=-x; without a value it is set to 1. */
void
sl_act_setvar(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	struct waf_act *act = act_new(sl, set, WAF_A_SETVAR);
	struct sl_text t = a->value, name, value;
	bool has_value;

	if (act == NULL)
		return;
	act->setop = '=';
	if (t.n != 0 && *t.p == '!') {
		act->setop = '!';
		t = sl_sub(&t, t.p + 1, t.n - 1);
	}
	has_value = split(&t, '=', &name, &value);
	sl_trim(&name);
	if (!collection_name(sl, &name, act))
		return;
	if (act->setop == '!') {
		if (has_value)
			sl_error(sl, &t, NULL, "setvar:!%.*s: what is unset takes no value", SL_FMT(t));
		return;
	}
	if (!has_value) {
		literal(sl, &t, "1", &act->value);
		return;
	}
	if (value.n != 0 && (*value.p == '+' || *value.p == '-')) {
		act->setop = *value.p;
		value = sl_sub(&value, value.p + 1, value.n - 1);
	}
	sl_macro(sl, &value, 0, &act->value);
}

/* expirevar:ip.x=60 and deprecatevar:ip.x=60/300 */
void
sl_act_on_var(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	struct waf_act *act = act_new(sl, set, (enum waf_act_kind)a->def->data);
	struct sl_text name, value;
	bool has_value;

	if (act == NULL)
		return;
	has_value = split(&a->value, '=', &name, &value);
	sl_trim(&name);
	if (!collection_name(sl, &name, act))
		return;
	if (act->coll == WAF_V_TX)
		sl_warn(sl, &name, NULL, "%.*s: TX ends with the transaction anyway", SL_FMT(a->name));
	if (act->kind == WAF_A_DEPRECATEVAR && (!has_value || memchr(value.p, '/', value.n) == NULL))
		sl_error(sl, &a->value, NULL, "deprecatevar: expected NAME=AMOUNT/SECONDS");
	else if (!has_value)
		literal(sl, &a->value, "3600", &act->value);
	else
		sl_macro(sl, &value, 0, &act->value);
}

void
sl_act_initcol(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	struct waf_act *act = act_new(sl, set, WAF_A_INITCOL);
	struct sl_text coll, key;

	if (act == NULL)
		return;
	if (!split(&a->value, '=', &coll, &key) || key.n == 0) {
		sl_error(sl, &a->value, NULL, "initcol: expected COLLECTION=KEY");
		return;
	}
	sl_trim(&coll);
	act->coll = waf_var_find(coll.p, coll.n);
	if (!is_persistent(act->coll))
		sl_error(sl, &coll, NULL, "initcol: \"%.*s\" is none of IP, GLOBAL, SESSION, USER, RESOURCE",
		    SL_FMT(coll));
	else
		sl_macro(sl, &key, 0, &act->value);
}

/* setenv:a=b, setenv:a (1), setenv:!a */
void
sl_act_setenv(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	struct waf_act *act = act_new(sl, set, WAF_A_SETENV);
	struct sl_text t = a->value, name, value;

	if (act == NULL)
		return;
	act->setop = t.n != 0 && *t.p == '!' ? '!' : '=';
	if (act->setop == '!')
		t = sl_sub(&t, t.p + 1, t.n - 1);
	if (!split(&t, '=', &name, &value))
		literal(sl, &t, act->setop == '!' ? "" : "1", &act->value);
	else
		sl_macro(sl, &value, 0, &act->value);
	sl_trim(&name);
	if (name.n == 0)
		sl_error(sl, &a->value, NULL, "setenv: expected NAME=VALUE");
	else
		sl_macro(sl, &name, 0, &act->name);
}

/* setsid, setuid, setrsc */
void
sl_act_value(struct sl *sl, struct sl_aset *set, const struct sl_action *a)
{
	struct waf_act *act = act_new(sl, set, (enum waf_act_kind)a->def->data);

	if (act != NULL)
		sl_macro(sl, &a->value, 0, &act->value);
}
