/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/exec.h"

/* Variables that the engine keeps or computes; all others are lists in tx->vars. */

static void
list_put(struct waf_tx *tx, struct waf_list *l, struct waf_str key, struct waf_str value)
{
	if (plan_grow(tx->arena, &l->v, l->n, &l->cap, sizeof(*l->v)) == 0)
		l->v[l->n++] = (struct waf_val){key, value};
}

static struct waf_str
str_c(const char *s)
{
	return s != NULL ? (struct waf_str){s, strlen(s)} : WAF_STR("");
}

struct waf_str
xmatched_name(struct waf_tx *tx, enum waf_var var, bool count, struct waf_str key)
{
	const char *v = waf_var_name(var), *amp = count ? "&" : "";
	size_t n = strlen(v) + strlen(amp);
	char *p;

	if (key.n == 0 && !count)
		return str_c(v);
	if ((p = arena_alloc(tx->arena, n + key.n + 2)) == NULL)
		return WAF_STR("");
	memcpy(p, amp, strlen(amp));
	memcpy(p + strlen(amp), v, strlen(v));
	if (key.n > 0) {
		p[n++] = ':';
		memcpy(p + n, key.p, key.n);
	}
	p[n + key.n] = '\0';
	return (struct waf_str){p, n + key.n};
}

struct waf_str
xmatched_value(struct waf_tx *tx, struct xmatched *m)
{
	if (m->value.p == NULL)
		m->value = x_int(tx, m->num);
	return m->value;
}

static void
put_matched(struct waf_tx *tx, enum waf_var var, struct waf_list *l)
{
	struct xmatched *m = &tx->matched;

	if (m->var == WAF_V_MAX)
		return;
	list_put(tx, l, WAF_STR(""), var == WAF_V_MATCHED_VAR ? xmatched_value(tx, m) :
	    xmatched_name(tx, m->var, m->count, m->key));
}

/* The key is the matched variable's name, so that MATCHED_VARS:/^ARGS/ can choose. */
static void
put_matched_vars(struct waf_tx *tx, enum waf_var var, struct waf_list *l)
{
	size_t i;

	for (i = 0; i < tx->n_matched; i++) {
		struct xmatched *m = &tx->matched_vars[i];
		struct waf_str name = xmatched_name(tx, m->var, m->count, m->key);

		list_put(tx, l, name, var == WAF_V_MATCHED_VARS ? xmatched_value(tx, m) : name);
	}
}

static void
put_time(struct waf_tx *tx, enum waf_var var, struct waf_list *l)
{
	time_t t = (time_t)(tx->req->now_us / 1000000);
	char clock[64];
	struct tm tm;
	int64_t n = 0;

	localtime_r(&t, &tm);
	switch (var) {
	case WAF_V_TIME:
		snprintf(clock, sizeof(clock), "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
		list_put(tx, l, WAF_STR(""), str_c(arena_strndup(tx->arena, clock, strlen(clock))));
		return;
	case WAF_V_TIME_DAY: n = tm.tm_mday; break;
	case WAF_V_TIME_EPOCH: n = (int64_t)t; break;
	case WAF_V_TIME_HOUR: n = tm.tm_hour; break;
	case WAF_V_TIME_MIN: n = tm.tm_min; break;
	case WAF_V_TIME_MON: n = tm.tm_mon; break;
	case WAF_V_TIME_SEC: n = tm.tm_sec; break;
	case WAF_V_TIME_WDAY: n = tm.tm_wday; break;
	default: n = tm.tm_year + 1900; break;
	}
	list_put(tx, l, WAF_STR(""), x_int(tx, n));
}

static void
put_rule(struct waf_tx *tx, enum waf_var var, struct waf_list *l)
{
	const struct waf_rule *r = tx->rule != NULL ? tx->rule->head->r : NULL;

	(void)var;
	if (r == NULL)
		return;
	list_put(tx, l, WAF_STR("id"), x_int(tx, r->id));
	list_put(tx, l, WAF_STR("msg"), r->msg.raw);
	list_put(tx, l, WAF_STR("logdata"), r->logdata.raw);
	list_put(tx, l, WAF_STR("rev"), str_c(r->rev));
	list_put(tx, l, WAF_STR("ver"), str_c(r->ver));
	list_put(tx, l, WAF_STR("file"), str_c(r->file));
	list_put(tx, l, WAF_STR("line"), x_int(tx, r->line));
	if (r->severity >= 0)
		list_put(tx, l, WAF_STR("severity"), x_int(tx, r->severity));
}

static void
put_coll(struct waf_tx *tx, enum waf_var var, struct waf_list *l)
{
	struct xcoll *c = xcoll_find(tx, var);

	if (c != NULL)
		xcoll_list(tx, c, l);
}

static void
put_tx(struct waf_tx *tx, enum waf_var var, struct waf_list *l)
{
	(void)var;
	xtx_list(tx, l);
}

static void
put_scalar(struct waf_tx *tx, enum waf_var var, struct waf_list *l)
{
	switch (var) {
	case WAF_V_HIGHEST_SEVERITY:
		list_put(tx, l, WAF_STR(""), x_int(tx, tx->highest_severity));
		break;
	case WAF_V_DURATION:
		list_put(tx, l, WAF_STR(""), x_int(tx, (int64_t)(xclock_us() - tx->started_us)));
		break;
	case WAF_V_SESSIONID:
		if (tx->sessionid.p != NULL)
			list_put(tx, l, WAF_STR(""), tx->sessionid);
		break;
	case WAF_V_USERID:
		if (tx->userid.p != NULL)
			list_put(tx, l, WAF_STR(""), tx->userid);
		break;
	case WAF_V_WEBAPPID:
		list_put(tx, l, WAF_STR(""), tx->settings.web_app_id.p != NULL ? tx->settings.web_app_id :
		    WAF_STR("default"));
		break;
	default:
		break;
	}
}

static void (*const kept[WAF_V_MAX])(struct waf_tx *, enum waf_var, struct waf_list *) = {
	[WAF_V_TX] = put_tx,
	[WAF_V_IP] = put_coll, [WAF_V_GLOBAL] = put_coll, [WAF_V_SESSION] = put_coll, [WAF_V_USER] = put_coll,
	[WAF_V_RESOURCE] = put_coll, [WAF_V_ENV] = put_coll, [WAF_V_GEO] = put_coll,
	[WAF_V_RULE] = put_rule,
	[WAF_V_MATCHED_VAR] = put_matched, [WAF_V_MATCHED_VAR_NAME] = put_matched,
	[WAF_V_MATCHED_VARS] = put_matched_vars, [WAF_V_MATCHED_VARS_NAMES] = put_matched_vars,
	[WAF_V_TIME] = put_time, [WAF_V_TIME_DAY] = put_time, [WAF_V_TIME_EPOCH] = put_time,
	[WAF_V_TIME_HOUR] = put_time, [WAF_V_TIME_MIN] = put_time, [WAF_V_TIME_MON] = put_time,
	[WAF_V_TIME_SEC] = put_time, [WAF_V_TIME_WDAY] = put_time, [WAF_V_TIME_YEAR] = put_time,
	[WAF_V_HIGHEST_SEVERITY] = put_scalar, [WAF_V_DURATION] = put_scalar, [WAF_V_SESSIONID] = put_scalar,
	[WAF_V_USERID] = put_scalar, [WAF_V_WEBAPPID] = put_scalar,
};

bool
xvar_is_kept(enum waf_var v)
{
	return kept[v] != NULL;
}

const struct waf_list *
xvar_filled(struct waf_tx *tx, enum waf_var var)
{
	if (var == WAF_V_FULL_REQUEST || var == WAF_V_FULL_REQUEST_LENGTH)
		waf_vars_full_request(&tx->vars, tx->req);
	return &tx->vars.list[var];
}

void
xvar_list(struct waf_tx *tx, enum waf_var var, struct waf_list *out)
{
	kept[var](tx, var, out);
}

static struct waf_str
list_find(const struct waf_list *l, struct waf_str key)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (key.n == 0 || (l->v[i].key.n == key.n && strncasecmp(l->v[i].key.p, key.p, key.n) == 0))
			return l->v[i].value;
	return WAF_STR("");
}

struct waf_str
xvar_get(struct waf_tx *tx, enum waf_var var, struct waf_str key)
{
	struct waf_list l = {0};
	struct xval *v;

	if (var == WAF_V_TX) {
		v = xtx_find(tx, key);
		return v != NULL ? xval_text(tx, v) : WAF_STR("");
	}
	if (!xvar_is_kept(var))
		return list_find(xvar_filled(tx, var), key);
	xvar_list(tx, var, &l);
	return list_find(&l, key);
}
