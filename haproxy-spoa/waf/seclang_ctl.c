/* SPDX-License-Identifier: MIT */
/* ctl: what a rule changes for the rest of its transaction. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

enum ctl_form {
	F_WORDS,	/* one of a list */
	F_PARTS,	/* letters of audit log parts, + or - before */
	F_NUMBER, F_ID, F_TAG,
	F_ID_TARGET, F_TAG_TARGET,	/* ...;TARGET */
};

/* Off is granted and nothing to do; the rest of the words would promise what isn't there. */
#define ONLY_OFF	"Off"

static const struct ctl_row {
	const char	*name;
	enum waf_ctl	 ctl;
	enum ctl_form	 form;
	const char	*words;		/* separated by blanks; only: nothing else is there */
} ctl_rows[] = {
	{"auditEngine", WAF_CTL_AUDIT_ENGINE, F_WORDS, "On Off RelevantOnly"},
	{"auditLogParts", WAF_CTL_AUDIT_LOG_PARTS, F_PARTS, NULL},
	{"debugLogLevel", WAF_CTL_DEBUG_LOG_LEVEL, F_NUMBER, NULL},
	{"forceRequestBodyVariable", WAF_CTL_FORCE_REQUEST_BODY, F_WORDS, "On Off"},
	{"hashEnforcement", WAF_CTL_HASH_ENGINE, F_WORDS, ONLY_OFF},
	{"hashEngine", WAF_CTL_HASH_ENGINE, F_WORDS, ONLY_OFF},
	{"parseXmlIntoArgs", WAF_CTL_HASH_ENGINE, F_WORDS, ONLY_OFF},
	{"requestBodyAccess", WAF_CTL_REQUEST_BODY_ACCESS, F_WORDS, "On Off"},
	{"requestBodyLimit", WAF_CTL_REQUEST_BODY_LIMIT, F_NUMBER, NULL},
	{"requestBodyProcessor", WAF_CTL_REQUEST_BODY_PROCESSOR, F_WORDS, "URLENCODED MULTIPART XML JSON"},
	{"responseBodyAccess", WAF_CTL_RESPONSE_BODY_ACCESS, F_WORDS, "On Off"},
	{"responseBodyLimit", WAF_CTL_RESPONSE_BODY_LIMIT, F_NUMBER, NULL},
	{"ruleEngine", WAF_CTL_RULE_ENGINE, F_WORDS, "On Off DetectionOnly"},
	{"ruleRemoveById", WAF_CTL_REMOVE_BY_ID, F_ID, NULL},
	{"ruleRemoveByMsg", WAF_CTL_REMOVE_BY_MSG, F_TAG, NULL},
	{"ruleRemoveByTag", WAF_CTL_REMOVE_BY_TAG, F_TAG, NULL},
	{"ruleRemoveTargetById", WAF_CTL_REMOVE_TARGET_BY_ID, F_ID_TARGET, NULL},
	{"ruleRemoveTargetByMsg", WAF_CTL_REMOVE_TARGET_BY_MSG, F_TAG_TARGET, NULL},
	{"ruleRemoveTargetByTag", WAF_CTL_REMOVE_TARGET_BY_TAG, F_TAG_TARGET, NULL},
};

bool
sl_id_range(const struct sl_text *t, int64_t *from, int64_t *to)
{
	const char *dash = t->n ? memchr(t->p, '-', t->n) : NULL;
	struct sl_text a = *t, b = *t;

	if (dash != NULL) {
		a = sl_sub(t, t->p, (size_t)(dash - t->p));
		b = sl_sub(t, dash + 1, (size_t)(t->p + t->n - dash - 1));
	}
	sl_trim(&a);
	sl_trim(&b);
	return sl_number(&a, 0, INT64_MAX, from) && sl_number(&b, 0, INT64_MAX, to) && *from <= *to;
}

static struct waf_act *
ctl_new(struct sl *sl, struct sl_aset *set, const struct ctl_row *row)
{
	struct waf_act *act = SL_ADD(sl->a, set->act, set->n_act);

	if (act != NULL)
		*act = (struct waf_act){.kind = WAF_A_CTL, .coll = WAF_V_MAX, .ctl = row->ctl, .target.var = WAF_V_MAX};
	return act;
}

/* One of the words, spelled as the table spells it, so that the engine may compare bytes. */
static void
ctl_word(struct sl *sl, const struct ctl_row *row, const struct sl_text *v, struct waf_act *act)
{
	const char *w = row->words, *end;
	struct sl_text word;

	for (; *w != '\0'; w = *end ? end + 1 : end) {
		end = w + strcspn(w, " ");
		word = (struct sl_text){w, (size_t)(end - w), v->w, v->at};
		if (word.n == v->n && sl_str_is((struct waf_str){v->p, v->n}, sl_dup(sl->file->tmp, w, word.n).p)) {
			sl_macro(sl, &word, 0, &act->value);
			return;
		}
	}
	sl_error(sl, v, NULL, "ctl:%s=%.*s: only %s can be chosen", row->name, SL_FMT(*v), row->words);
}

static void
ctl_parts(struct sl *sl, const struct ctl_row *row, const struct sl_text *v, struct waf_act *act)
{
	for (size_t i = 0; i < v->n; i++) {
		if ((v->p[i] >= 'A' && v->p[i] <= 'Z') || (i == 0 && (*v->p == '+' || *v->p == '-')))
			continue;
		sl_error(sl, v, v->p + i, "ctl:%s: parts are capital letters, + or - before them", row->name);
		return;
	}
	sl_macro(sl, v, 0, &act->value);
}

static void
ctl_number(struct sl *sl, const struct ctl_row *row, const struct sl_text *v, struct waf_act *act)
{
	int64_t n;

	sl_macro(sl, v, 0, &act->value);
	if (!act->value.has_macro && !sl_number(v, 0, (int64_t)1 << 40, &n))
		sl_error(sl, v, NULL, "ctl:%s=%.*s: not a number", row->name, SL_FMT(*v));
}

static void
ctl_what(struct sl *sl, const struct ctl_row *row, const struct sl_text *v, struct waf_act *act)
{
	bool by_id = row->form == F_ID || row->form == F_ID_TARGET;

	if (by_id && !sl_id_range(v, &act->id_from, &act->id_to))
		sl_error(sl, v, NULL, "ctl:%s=%.*s: not a rule id or a range of ids", row->name, SL_FMT(*v));
	if (by_id)
		return;
	if (v->n == 0) {
		sl_error(sl, v, NULL, "ctl:%s: nothing after the =", row->name);
		return;
	}
	act->pattern = sl_dup(sl->a, v->p, v->n);
	act->rx = sl_pattern(sl, v, false);
}

static struct sl_text
unquote(const struct sl_text *t)
{
	if (t->n >= 2 && t->p[0] == '\'' && t->p[t->n - 1] == '\'')
		return sl_sub(t, t->p + 1, t->n - 2);
	return *t;
}

/* Several targets are several actions of one target each. */
static void
ctl_targets(struct sl *sl, struct sl_aset *set, const struct ctl_row *row, const struct sl_text *v)
{
	const char *semi = v->n ? memchr(v->p, ';', v->n) : NULL;
	struct waf_target *target = NULL;
	struct waf_act what = {0}, *act;
	struct sl_text key = *v, list;
	size_t n = 0;

	if (semi == NULL) {
		sl_error(sl, v, NULL, "ctl:%s: expected WHICH;TARGET", row->name);
		return;
	}
	key = sl_sub(v, v->p, (size_t)(semi - v->p));
	list = sl_sub(v, semi + 1, (size_t)(v->p + v->n - semi - 1));
	sl_trim(&key);
	key = unquote(&key);
	ctl_what(sl, row, &key, &what);
	if (!sl_targets(sl, &list, SL_T_PLAIN, &target, &n))
		return;
	for (size_t i = 0; i < n && (act = ctl_new(sl, set, row)) != NULL; i++) {
		act->id_from = what.id_from;
		act->id_to = what.id_to;
		act->pattern = what.pattern;
		act->rx = what.rx;
		act->target = target[i];
		sl_macro(sl, v, SL_M_PATTERN, &act->value);
	}
}

static void
ctl_value(struct sl *sl, struct sl_aset *set, const struct ctl_row *row, const struct sl_text *v)
{
	struct waf_act *act;

	if (row->form == F_ID_TARGET || row->form == F_TAG_TARGET) {
		ctl_targets(sl, set, row, v);
		return;
	}
	if ((act = ctl_new(sl, set, row)) == NULL)
		return;
	if (row->form == F_WORDS)
		ctl_word(sl, row, v, act);
	else if (row->form == F_PARTS)
		ctl_parts(sl, row, v, act);
	else if (row->form == F_NUMBER)
		ctl_number(sl, row, v, act);
	else {
		sl_macro(sl, v, SL_M_PATTERN, &act->value);
		ctl_what(sl, row, v, act);
	}
}

/* <t> is NAME=VALUE. */
void
sl_ctl(struct sl *sl, struct sl_aset *set, const struct sl_text *t)
{
	const char *eq = t->n ? memchr(t->p, '=', t->n) : NULL;
	struct sl_text name = *t, value;

	if (eq == NULL) {
		sl_error(sl, t, NULL, "ctl: expected NAME=VALUE");
		return;
	}
	name = sl_sub(t, t->p, (size_t)(eq - t->p));
	value = sl_sub(t, eq + 1, (size_t)(t->p + t->n - eq - 1));
	sl_trim(&name);
	sl_trim(&value);
	value = unquote(&value);
	for (size_t i = 0; i < sizeof(ctl_rows) / sizeof(ctl_rows[0]); i++) {
		if (sl_is(&name, ctl_rows[i].name)) {
			ctl_value(sl, set, &ctl_rows[i], &value);
			return;
		}
	}
	sl_error(sl, &name, NULL, "unknown ctl \"%.*s\"", SL_FMT(name));
}
