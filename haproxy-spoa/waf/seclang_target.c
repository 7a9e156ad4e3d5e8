/* SPDX-License-Identifier: MIT */
/* Targets: ARGS|!ARGS:token|&REQUEST_HEADERS:Host|TX:/^a/|XML://@* */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "haproxy-spoa/waf/seclang_private.h"

/* In the reference manual, but of a host we don't live in: named so that the message can say why. */
static const struct {
	const char	*name, *why;
} no_vars[] = {
	{"PERF_", "ModSecurity's own timing; llmsecctl shows ours"},
	{"SCRIPT_", "about files of a web server; an agent has none"},
	{"STREAM_", "stream bodies can't be rewritten here; REQUEST_BODY and RESPONSE_BODY can be read"},
	{"USERAGENT_IP", "write REMOTE_ADDR; HAProxy says whose address that is"},
	{"HTTP_", "write REQUEST_HEADERS:Name"},
	{"SDBM_DELETE_ERROR", "collections are kept in LMDB"},
	{"RESPONSE_CONTENT_ENCODING", "write RESPONSE_HEADERS:Content-Encoding"},
};

struct waf_rx *
sl_pattern(struct sl *sl, const struct sl_text *t, bool caseless)
{
	struct waf_str text = {t->p, t->n};
	struct sl_pattern *p;
	struct waf_rx *rx;

	for (size_t i = 0; i < sl->n_pattern; i++) {
		p = &sl->pattern[i];
		if (p->caseless == caseless && p->text.n == t->n && memcmp(p->text.p, t->p, t->n) == 0)
			return p->rx;
	}
	rx = waf_rx_new(text, caseless, sl->diag, t->w->ln->file, sl_line_of(t->w));
	if (rx == NULL) {
		sl->failed = true;
		return NULL;
	}
	if ((p = SL_ADD(sl->a, sl->pattern, sl->n_pattern)) == NULL) {
		waf_rx_free(&rx);
		return NULL;
	}
	*p = (struct sl_pattern){sl_dup(sl->a, t->p, t->n), caseless, rx};
	return rx;
}

/*
 * After the '/' at <i>: the index of the one that closes, n if none does.  An unescaped one in the middle is
 * text: /^a/b$/ is in use, and only what follows can tell.
 */
static size_t
regex_end(const char *p, size_t n, size_t i)
{
	for (i++; i < n; i++) {
		if (p[i] == '/' && (i + 1 == n || p[i + 1] == '|' || p[i + 1] == ',' || sl_is_blank(p[i + 1])))
			return i;
		i += p[i] == '\\';
	}
	return n;
}

/* Brackets and quotes of an XPath may hold what else would end a target. */
static size_t
xpath_end(const char *p, size_t n, size_t i)
{
	int depth = 0;
	char quote = 0;

	for (; i < n; i++) {
		if (quote)
			quote = p[i] == quote ? 0 : quote;
		else if (p[i] == '"' || p[i] == '\'')
			quote = p[i];
		else if (p[i] == '[' || p[i] == '(')
			depth++;
		else if (p[i] == ']' || p[i] == ')')
			depth--;
		else if (depth <= 0 && (p[i] == '|' || p[i] == ',' || sl_is_blank(p[i])))
			break;
	}
	return i;
}

/* Where the target ends that starts at <i>; *sel is its selector with the quotes. */
static size_t
target_end(const struct sl_text *t, size_t i, struct sl_text *name, struct sl_text *sel)
{
	const char *p = t->p;
	size_t start = i, n = t->n, from, slash;

	while (i < n && p[i] != ':' && p[i] != '|' && p[i] != ',' && !sl_is_blank(p[i]))
		i++;
	*name = sl_sub(t, p + start, i - start);
	*sel = sl_sub(t, NULL, 0);
	if (i == n || p[i] != ':')
		return i;
	from = ++i;
	if (sl_is(name, "XML"))
		i = xpath_end(p, n, i);
	else if (i < n && p[i] == '\'') {
		for (i++; i < n && p[i] != '\''; i++)
			i += p[i] == '\\';
		i = i < n ? i + 1 : n;
	} else {
		slash = i < n && p[i] == '/' ? regex_end(p, n, i) : n;
		if (slash < n)
			i = slash + 1;
		while (i < n && p[i] != '|' && p[i] != ',')
			i++;
	}
	*sel = sl_sub(t, p + from, i - from);
	sl_trim(sel);
	return i;
}

static bool
target_var(struct sl *sl, const struct sl_text *name, struct waf_target *tg)
{
	tg->var = waf_var_find(name->p, name->n);
	if (tg->var != WAF_V_MAX)
		return true;
	for (size_t i = 0; i < sizeof(no_vars) / sizeof(no_vars[0]); i++) {
		if (name->n >= strlen(no_vars[i].name) &&
		    strncasecmp(name->p, no_vars[i].name, strlen(no_vars[i].name)) == 0) {
			sl_error(sl, name, NULL, "variable %.*s: not supported: %s", SL_FMT(*name), no_vars[i].why);
			return false;
		}
	}
	sl_error(sl, name, NULL, "unknown variable \"%.*s\"", SL_FMT(*name));
	return false;
}

static bool
target_selector(struct sl *sl, struct sl_text *sel, struct waf_target *tg)
{
	if (tg->var == WAF_V_XML) {
		tg->sel = WAF_SEL_KEY;
		tg->key = sl_dup(sl->a, sel->p, sel->n);
		return true;
	}
	if (!waf_var_is_collection(tg->var)) {
		sl_error(sl, sel, NULL, "variable %s has no parts to select from", waf_var_name(tg->var));
		return false;
	}
	if (sel->n >= 2 && sel->p[0] == '\'' && sel->p[sel->n - 1] == '\'')
		*sel = sl_sub(sel, sel->p + 1, sel->n - 2);
	if (sel->n >= 2 && sel->p[0] == '/' && sel->p[sel->n - 1] == '/') {
		*sel = sl_sub(sel, sel->p + 1, sel->n - 2);
		tg->sel = WAF_SEL_REGEX;
		tg->key = sl_dup(sl->a, sel->p, sel->n);
		return (tg->rx = sl_pattern(sl, sel, true)) != NULL;
	}
	tg->sel = WAF_SEL_KEY;
	tg->key = sl_dup_lower(sl->a, sel->p, sel->n);
	if (sel->n == 0)
		sl_error(sl, sel, NULL, "%s: nothing after the colon", waf_var_name(tg->var));
	return sel->n != 0;
}

static size_t
target_one(struct sl *sl, const struct sl_text *t, size_t i, unsigned flags, struct waf_target *tg, bool *ok)
{
	struct sl_text name, sel, all = *t;
	size_t start = i;

	*tg = (struct waf_target){.var = WAF_V_MAX};
	for (; i < t->n && (t->p[i] == '!' || t->p[i] == '&'); i++) {
		tg->exclude |= t->p[i] == '!';
		tg->count |= t->p[i] == '&';
	}
	if ((tg->exclude && tg->count) || ((flags & SL_T_PLAIN) && i != start)) {
		sl_error(sl, t, t->p + start, "a target can't be written with \"%.*s\" here", (int)(i - start),
		    t->p + start);
		*ok = false;
	}
	i = target_end(&all, i, &name, &sel);
	if (!target_var(sl, &name, tg) || (sel.p != NULL && !target_selector(sl, &sel, tg)))
		*ok = false;
	return i;
}

bool
sl_targets(struct sl *sl, const struct sl_text *t, unsigned flags, struct waf_target **out, size_t *n)
{
	struct waf_target tg, *slot;
	size_t i = 0, first = *n;
	bool ok = true;

	for (;;) {
		while (i < t->n && (sl_is_blank(t->p[i]) || t->p[i] == '|' || t->p[i] == ','))
			i++;
		if (i == t->n)
			break;
		i = target_one(sl, t, i, flags, &tg, &ok);
		if (ok && (slot = SL_ADD(sl->a, *out, *n)) != NULL)
			*slot = tg;
	}
	if (ok && *n == first) {
		sl_error(sl, t, NULL, "no target is named");
		ok = false;
	}
	return ok;
}
