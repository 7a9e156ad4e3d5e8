/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/explain_print.h"
#include "haproxy-spoa/waf/http_raw.h"
#include "lib/buf.h"
#include "lib/utf8.h"

static const char *const kind_names[] = {[KIND_OTHER] = "other", [KIND_API] = "api", [KIND_PAGE] = "page", [KIND_ASSET] = "asset"};
static const char *const browser_names[] = {[BROWSER_NONE] = "", [BROWSER_CHROMIUM] = "chromium", [BROWSER_FIREFOX] = "firefox",
	[BROWSER_SAFARI] = "safari", [BROWSER_OTHER] = "other"};
static const char *const system_names[] = {[SYSTEM_UNKNOWN] = "unknown", [SYSTEM_WINDOWS] = "windows", [SYSTEM_MAC] = "macos",
	[SYSTEM_LINUX] = "linux", [SYSTEM_ANDROID] = "android", [SYSTEM_IOS] = "ios", [SYSTEM_CROS] = "chromeos"};

static const char *
scores_str(unsigned s)
{
	return s == BOT_ADDS_BOT ? "bot" : s == BOT_ADDS_THREAT ? "threat" : "both";
}

/* ---- text --------------------------------------------------------------------------------------- */

/* Bytes of the request, safe on a terminal. */
static void
put_bytes(FILE *f, struct span s, size_t max)
{
	for (size_t i = 0; i < s.n && i < max; i++)
		if (s.p[i] >= 0x20 && s.p[i] <= 0x7e)
			putc(s.p[i], f);
		else
			fprintf(f, "\\x%02x", (unsigned char)s.p[i]);
	if (s.n > max)
		fputs("...", f);
}

static void
put_request(FILE *f, const struct req_view *r, unsigned flaws)
{
	fputs("request      ", f);
	put_bytes(f, r->method, 20);
	putc(' ', f);
	put_bytes(f, r->uri, 120);
	fputs(" HTTP/", f);
	put_bytes(f, r->version, 8);
	fprintf(f, ", %zu headers, body of %zu bytes\n", r->n_headers, r->body.n);
	for (unsigned i = 0; http_raw_flaw_name(i) != NULL; i++)
		if ((flaws & 1u << i) != 0)
			fprintf(f, "             flaw: %s\n", http_raw_flaw_name(i));
}

static void
put_client(FILE *f, const struct req_view *r, const struct verdict *v)
{
	fprintf(f, "client       %s, country %s, AS%u\n", r->ip, v->country, v->asn);
	fprintf(f, "fingerprint  %s", v->ja4[0] != '\0' ? v->ja4 : "unknown");
	if (v->bot != NULL && v->bot->tls[0] != '\0')
		fprintf(f, "\n             that of %s", v->bot->tls);
	fprintf(f, "%s%s\n", r->hello[0] != '\0' ? ", hello " : "", r->hello);
}

static void
put_who(FILE *f, const struct bot_report *b)
{
	fprintf(f, "says it is   %s", bot_class_str(b->who.class));
	if (b->who.agent != NULL)
		fprintf(f, ", %s (%s)", b->who.agent->name, b->who.agent->source);
	if (b->who.class == WHO_BROWSER)
		fprintf(f, ", %s %u on %s", browser_names[b->who.browser], b->who.major, system_names[b->who.system]);
	if (b->proof != PROOF_NOT_ASKED)
		fprintf(f, ", %s", bot_proof_str(b->proof));
	fprintf(f, "\nasks for     %s\n", b->kind == KIND_API ? "the API" : b->kind == KIND_PAGE ? "a page" :
	    b->kind == KIND_ASSET ? "a part of a page" : "something else");
}

static void
put_score(FILE *f, const struct bot_report *b, const char *name, unsigned which, int score)
{
	bool any = false;

	fprintf(f, "\n%s score %d\n", name, score);
	for (size_t i = 0; i < b->n_hits; i++) {
		const struct bot_row *row = &bot_rows[b->hits[i].feature];

		if ((row->scores & which) == 0)
			continue;
		fprintf(f, "  %+4d  %s  %s\n", b->hits[i].points, row->id, row->why);
		any = true;
	}
	if (!any)
		fputs("  nothing\n", f);
}

static void
put_verdict(FILE *f, const struct verdict *v)
{
	putc('\n', f);
	if (v->waf.ran)
		fprintf(f, "waf          score %d%s%s%s\n", v->waf.score, v->waf.rules[0] ? ", rules " : "", v->waf.rules,
		    v->waf.monitored ? " (only watching)" : "");
	else
		fputs("waf          didn't look\n", f);
	fprintf(f, "verdict      %s %d, %s; bot %d, threat %d", verdict_action_str(v->action), v->status, v->reason, v->bot_score,
	    v->threat_score);
	for (size_t i = 0; i < v->n_rule_ids; i++)
		fprintf(f, "%s%s", i == 0 ? "; rules " : ",", v->rule_ids[i]);
	if (v->tell)
		fputs("; an event", f);
	putc('\n', f);
}

/* ---- JSON ----------------------------------------------------------------------------------------- */

static void
json_bytes(struct buf *b, const char *name, const char *p, size_t n)
{
	char *fixed = malloc(3 * n + 1);

	buf_printf(b, "\"%s\":\"", name);
	if (fixed != NULL)
		buf_add_json(b, fixed, utf8_repair(fixed, p, n));
	buf_adds(b, "\",");
	free(fixed);
}

static void
json_text(struct buf *b, const char *name, const char *s)
{
	json_bytes(b, name, s, strlen(s));
}

static void
json_bot(struct buf *b, const struct bot_report *r)
{
	json_text(b, "class", bot_class_str(r->who.class));
	json_text(b, "agent", r->who.agent != NULL ? r->who.agent->name : "");
	json_text(b, "browser", browser_names[r->who.browser]);
	json_text(b, "system", system_names[r->who.system]);
	json_text(b, "proof", bot_proof_str(r->proof));
	json_text(b, "kind", kind_names[r->kind]);
	json_text(b, "fingerprint_of", r->tls);
	buf_printf(b, "\"bot\":%d,\"threat\":%d,\"features\":[", r->bot, r->threat);
	for (size_t i = 0; i < r->n_hits; i++) {
		const struct bot_row *row = &bot_rows[r->hits[i].feature];

		buf_adds(b, i > 0 ? ",{" : "{");
		json_text(b, "id", row->id);
		json_text(b, "why", row->why);
		buf_printf(b, "\"points\":%d,\"scores\":\"%s\"}", r->hits[i].points, scores_str(row->scores));
	}
	buf_adds(b, "],");
}

static void
json_verdict(struct buf *b, const struct verdict *v)
{
	if (v->waf.ran)
		buf_printf(b, "\"waf\":{\"score\":%d,\"rules\":\"%s\"},", v->waf.score, v->waf.rules);
	buf_printf(b, "\"verdict\":{\"action\":\"%s\",\"status\":%d,\"reason\":\"%s\",\"bot_score\":%d,\"threat_score\":%d,\"rule_ids\":[",
	    verdict_action_str(v->action), v->status, v->reason, v->bot_score, v->threat_score);
	for (size_t i = 0; i < v->n_rule_ids; i++) {
		buf_adds(b, i > 0 ? ",\"" : "\"");
		buf_add_json(b, v->rule_ids[i], strlen(v->rule_ids[i]));
		buf_addc(b, '"');
	}
	buf_printf(b, "],\"event\":%s}", v->tell ? "true" : "false");
}

static void
print_json(FILE *f, const struct req_view *r, const struct verdict *v)
{
	struct buf b = {0};

	buf_addc(&b, '{');
	json_bytes(&b, "method", r->method.p, r->method.n);
	json_bytes(&b, "target", r->uri.p, r->uri.n);
	json_text(&b, "ip", r->ip);
	json_text(&b, "country", v->country);
	buf_printf(&b, "\"asn\":%u,", v->asn);
	json_text(&b, "ja4", v->ja4);
	if (v->bot != NULL)
		json_bot(&b, v->bot);
	json_verdict(&b, v);
	buf_adds(&b, "}\n");
	fwrite(buf_ptr(&b), 1, buf_len(&b), f);
	buf_free(&b);
}

void
explain_print(FILE *f, const struct req_view *r, const struct verdict *v, unsigned flaws, bool json)
{
	if (json) {
		print_json(f, r, v);
		return;
	}
	put_request(f, r, flaws);
	put_client(f, r, v);
	if (v->bot != NULL) {
		put_who(f, v->bot);
		put_score(f, v->bot, "bot", BOT_ADDS_BOT, v->bot->bot);
		put_score(f, v->bot, "threat", BOT_ADDS_THREAT, v->bot->threat);
	} else {
		fputs("scores       off (bot.enabled)\n", f);
	}
	put_verdict(f, v);
}

/* ---- tables ------------------------------------------------------------------------------------------ */

void
explain_table(FILE *f, const struct bot_conf *c, bool json)
{
	if (!json)
		fprintf(f, "%-8s %6s  %-6s %s\n", "id", "weight", "score", "why");
	for (size_t i = 0; i < BOT_FEATURES; i++) {
		const struct bot_row *r = &bot_rows[i];

		if (json)
			fprintf(f, "{\"id\":\"%s\",\"weight\":%d,\"default\":%d,\"unit\":\"%s\",\"scores\":\"%s\",\"why\":\"%s\"}\n", r->id,
			    c->weights[i], r->weight, bot_unit_str(r->unit), scores_str(r->scores), r->why);
		else
			fprintf(f, "%-8s %6d  %-6s %s%s%s%s%s\n", r->id, c->weights[i], scores_str(r->scores), r->why,
			    r->unit != BOT_ONCE ? " (" : "", bot_unit_str(r->unit), r->unit != BOT_ONCE ? ")" : "",
			    c->weights[i] != r->weight ? " [changed]" : "");
	}
}

void
explain_agents(FILE *f, bool json)
{
	for (size_t i = 0; i < bot_n_agents; i++) {
		const struct bot_agent *a = &bot_agents[i];

		fprintf(f, json ? "{\"token\":\"%s\",\"name\":\"%s\",\"class\":\"%s\",\"hosts\":\"%s\",\"source\":\"%s\"}\n" :
		    "%-24s %-24s %-10s %-32s %s\n", a->token, a->name, bot_class_str(a->class), a->hosts, a->source);
	}
}
