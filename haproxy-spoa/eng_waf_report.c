/* SPDX-License-Identifier: MIT */
/* The WAF's verdict as ids for HAProxy and as JSON for the event. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "haproxy-spoa/eng_waf.h"
#include "lib/arena.h"
#include "lib/utf8.h"

#define DETAIL_MAX	8192	/* an event's line holds 16 KiB */
#define TEXT_MAX	120	/* bytes of a message or a variable's name */
#define TAIL		64	/* kept free for the end of the object */

struct text {			/* a text of bounded length; sticky when full */
	char	*p;
	size_t	 n, cap;
	bool	 full;
};

static void __attribute__((format(printf, 2, 3)))
text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->p + t->n, t->cap - t->n, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->cap - t->n)
		t->full = true;
	else
		t->n += (size_t)n;
}

/* One character, as JSON and every terminal can take it. */
static void
text_char(struct text *t, uint32_t cp)
{
	if (cp == '"' || cp == '\\')
		text_printf(t, "\\%c", (int)cp);
	else if (cp >= 0x20 && cp < 0x7f)
		text_printf(t, "%c", (int)cp);
	else if (cp < 0x10000)
		text_printf(t, "\\u%04x", (unsigned)cp);
	else
		text_printf(t, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (cp >> 10)), (unsigned)(0xdc00 + (cp & 0x3ff)));
}

/* A JSON string; what is not UTF-8 becomes U+FFFD, and only the beginning counts. */
static void
text_json(struct text *t, const char *p, size_t n)
{
	uint32_t cp;
	size_t k;

	n = n > TEXT_MAX ? utf8_floor(p, TEXT_MAX) : n;
	text_printf(t, "\"");
	for (size_t i = 0; i < n; i += k) {
		k = utf8_decode(p + i, n - i, &cp, NULL);
		if (k == 0) {
			k = n - i;
			cp = UTF8_REPLACEMENT;
		}
		text_char(t, cp);
	}
	text_printf(t, "\"");
}

static const char *const category_names[WAF_C_MAX] = {
	[WAF_C_SQLI] = "sqli", [WAF_C_XSS] = "xss", [WAF_C_RFI] = "rfi", [WAF_C_LFI] = "lfi", [WAF_C_RCE] = "rce",
	[WAF_C_PHP] = "php", [WAF_C_HTTP] = "http", [WAF_C_SESSION] = "session",
};

static void
put_categories(struct text *t, const struct waf_verdict *w)
{
	const char *sep = "";

	text_printf(t, ",\"categories\":{");
	for (size_t i = 0; i < WAF_C_MAX; i++)
		if (w->category_score[i] != 0 && category_names[i] != NULL) {
			text_printf(t, "%s\"%s\":%d", sep, category_names[i], w->category_score[i]);
			sep = ",";
		}
	text_printf(t, "}");
}

/* As the rule has it, not the match: expanded macros could hold a value. */
static bool
tag_is_plain(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

	return s != NULL && s[0] != '\0' && strlen(s) < 48 && strspn(s, ok) == strlen(s);
}

static void
put_match(struct text *t, const struct waf_match *m, const struct waf_rule_row *row)
{
	const char *msg = row != NULL && row->msg != NULL ? row->msg : "";

	text_printf(t, "{\"id\":\"%" PRId64 "\",\"msg\":", m->id);
	text_json(t, msg, strlen(msg));
	if (row != NULL && tag_is_plain(row->tag))
		text_printf(t, ",\"tags\":[\"%s\"]", row->tag);
	else
		text_printf(t, ",\"tags\":[]");
	text_printf(t, ",\"var\":");
	text_json(t, m->var_name.p, m->var_name.n);
	text_printf(t, "}");
}

static const char *
action_name(const struct waf_verdict *w)
{
	static const char *const names[] = {
		[WAF_PASS] = "pass", [WAF_DENY] = "deny", [WAF_DROP] = "drop", [WAF_REDIRECT] = "redirect",
		[WAF_ALLOW] = "allow", [WAF_ERROR] = "error",
	};

	return w->detection_only && w->action == WAF_PASS ? "monitor" : names[w->action];
}

static void
put_matches(struct text *t, const struct waf_verdict *w, const struct waf_rule_row *rows, size_t n_rows)
{
	size_t put = 0, more = 0, mark;

	text_printf(t, ",\"rules\":[");
	t->cap -= TAIL;
	for (size_t i = 0; i < w->n_matches; i++) {
		if (!w->matches[i].detection)
			continue;
		mark = t->n;
		if (put < WAF_REPORT_RULES && !t->full) {
			text_printf(t, put ? "," : "");
			put_match(t, &w->matches[i], waf_rule_row_find(rows, n_rows, w->matches[i].id));
		}
		if (put >= WAF_REPORT_RULES || t->full) {
			t->n = mark;
			more++;
		} else {
			put++;
		}
	}
	t->cap += TAIL;
	t->full = false;
	text_printf(t, "],\"more\":%zu}", more + w->n_matches_lost);
}

static const char *
report_detail(const struct waf_verdict *w, const struct waf_rule_row *rows, size_t n_rows, const char *profile,
    struct arena *a)
{
	struct text t = {arena_alloc(a, DETAIL_MAX), 0, DETAIL_MAX, false};

	if (t.p == NULL)
		return NULL;
	text_printf(&t, "{\"action\":\"%s\",\"profile\":\"%s\",\"rule\":%" PRId64 ",\"phase\":%d", action_name(w), profile,
	    w->rule_id, w->phase);
	if (w->error != WAF_E_NONE)
		text_printf(&t, ",\"error\":\"%s\"", waf_error_name(w->error));
	text_printf(&t, ",\"score\":%d", w->inbound_score);
	put_categories(&t, w);
	put_matches(&t, w, rows, n_rows);
	return t.full ? NULL : t.p;
}

/* A rule matches once for each value; its id is wanted once. */
static bool
matched_before(const struct waf_verdict *w, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (w->matches[k].id == w->matches[i].id)
			return true;
	return false;
}

static void
report_ids(struct verdict_waf *out, const struct waf_verdict *w, struct arena *a)
{
	const char **ids = arena_calloc(a, WAF_REPORT_RULES, sizeof(*ids));
	struct text csv = {arena_alloc(a, WAF_REPORT_RULES * 22), 0, WAF_REPORT_RULES * 22, false};

	if (ids == NULL || csv.p == NULL)
		return;
	csv.p[0] = '\0';
	for (size_t i = 0; i < w->n_matches && out->n_ids < WAF_REPORT_RULES; i++) {
		const char *id;

		if (!w->matches[i].detection || matched_before(w, i))
			continue;
		id = arena_printf(a, "%" PRId64, w->matches[i].id);
		if (id == NULL)
			break;
		text_printf(&csv, "%s%s", out->n_ids ? "," : "", id);
		ids[out->n_ids++] = id;
	}
	out->ids = ids;
	out->rules = csv.p;
}

/* A Location header takes no blanks, quotes or controls, and a rule's macros may bring some. */
static bool
redirect_is_safe(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' || s[i] == '<' || s[i] == '>' || s[i] == '\\')
			return false;
	return n > 0 && n < 1024;
}

void
waf_report(struct verdict_waf *out, const struct waf_verdict *w, const struct waf_rule_row *rows, size_t n_rows,
    const char *profile, struct arena *a)
{
	out->ran = true;
	out->action = w->action;
	out->error = w->error;
	out->monitored = w->detection_only && w->action == WAF_PASS;
	out->score = w->inbound_score;
	out->rules = out->redirect = "";
	out->n_ids = 0;
	report_ids(out, w, a);
	if (w->action == WAF_REDIRECT && w->redirect != NULL && redirect_is_safe(w->redirect))
		out->redirect = arena_strndup(a, w->redirect, strlen(w->redirect));
	if (out->redirect == NULL)
		out->redirect = "";
	if (out->n_ids > 0 || out->monitored || (w->action != WAF_PASS && w->action != WAF_ALLOW))
		out->detail = report_detail(w, rows, n_rows, profile, a);
}

const struct waf_rule_row *
waf_rule_row_find(const struct waf_rule_row *rows, size_t n, int64_t id)
{
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (rows[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && rows[lo].id == id ? &rows[lo] : NULL;
}
