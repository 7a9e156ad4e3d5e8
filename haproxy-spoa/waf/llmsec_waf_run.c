/* SPDX-License-Identifier: MIT */
/* run and explain: one raw request a file; the first prints JSON for programs, the second text for people. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "haproxy-spoa/waf/llmsec_waf.h"
#include "lib/arena.h"

#define VALUE_MAX	160	/* of a matched value, which explain shows because someone asked */

struct judged {
	const char	*file;
	struct http_raw	 req;
	const struct waf_verdict *v;
};

typedef void (*show_fn)(const struct cli *, const struct judged *, struct buf *);

static void
json_string(struct buf *b, const char *key, const char *p, size_t n)
{
	buf_printf(b, ",\"%s\":\"", key);
	cli_json_bytes(b, p, n);
	buf_addc(b, '"');
}

static void
json_match(struct buf *b, const struct waf_match *m)
{
	buf_printf(b, "{\"id\":%" PRId64 ",\"phase\":%d,\"severity\":\"%s\"", m->id, m->phase,
	    cli_severity_name(m->severity));
	json_string(b, "msg", m->msg, m->msg_len);
	json_string(b, "variable", m->var_name.p, m->var_name.n);
	buf_adds(b, ",\"tags\":[");
	for (size_t i = 0; i < m->n_tags; i++) {
		buf_adds(b, i > 0 ? ",\"" : "\"");
		cli_json_bytes(b, m->tags[i], strlen(m->tags[i]));
		buf_addc(b, '"');
	}
	buf_adds(b, "]}");
}

static void
json_flaws(struct buf *b, unsigned flaws)
{
	const char *name, *sep = "";

	buf_adds(b, ",\"http\":[");
	for (unsigned i = 0; (name = http_raw_flaw_name(i)) != NULL; i++) {
		if ((flaws & (1u << i)) == 0)
			continue;
		buf_printf(b, "%s\"%s\"", sep, name);
		sep = ",";
	}
	buf_addc(b, ']');
}

static void
json_scores(struct buf *b, const struct waf_verdict *v)
{
	buf_printf(b, ",\"score\":{\"inbound\":%d,\"outbound\":%d", v->inbound_score, v->outbound_score);
	for (int i = 0; i < WAF_C_MAX; i++) {
		if (v->category_score[i] != 0)
			buf_printf(b, ",\"%s\":%d", cli_category_name((enum waf_category)i), v->category_score[i]);
	}
	buf_addc(b, '}');
}

static void
show_json(const struct cli *c, const struct judged *j, struct buf *b)
{
	const struct waf_verdict *v = j->v;
	const char *sep = "";

	buf_adds(b, "{\"file\":\"");
	cli_json_bytes(b, j->file, strlen(j->file));
	buf_printf(b, "\",\"action\":\"%s\",\"status\":%d,\"rule\":%" PRId64 ",\"phase\":%d,\"detection_only\":%s",
	    cli_action_name(v->action), v->status, v->rule_id, v->phase, v->detection_only ? "true" : "false");
	if (v->error != WAF_E_NONE)
		buf_printf(b, ",\"error\":\"%s\"", waf_error_name(v->error));
	json_scores(b, v);
	buf_adds(b, ",\"rules\":[");
	for (size_t i = 0; i < v->n_matches; i++) {
		if (!v->matches[i].log && !c->all)
			continue;
		buf_adds(b, sep);
		json_match(b, &v->matches[i]);
		sep = ",";
	}
	buf_addc(b, ']');
	if (v->n_matches_lost > 0)
		buf_printf(b, ",\"rules_lost\":%zu", v->n_matches_lost);
	json_flaws(b, j->req.flaws);
	buf_adds(b, "}\n");
}

static void
text_match(struct buf *b, const struct waf_match *m)
{
	buf_printf(b, "  %" PRId64 "  phase %d  %s  ", m->id, m->phase, cli_severity_name(m->severity));
	cli_text_bytes(b, m->msg, m->msg_len, VALUE_MAX);
	buf_printf(b, "\n      %s:%d\n      ", m->file, m->line);
	cli_text_bytes(b, m->var_name.p, m->var_name.n, VALUE_MAX);
	if (m->tfns != NULL && m->tfns[0] != '\0')
		buf_printf(b, " after %s", m->tfns);
	buf_adds(b, ": \"");
	cli_text_bytes(b, m->value.p, m->value.n, VALUE_MAX);
	buf_adds(b, "\"\n");
}

static void
text_verdict(struct buf *b, const struct waf_verdict *v)
{
	buf_adds(b, cli_action_name(v->action));
	if (v->error != WAF_E_NONE)
		buf_printf(b, " (%s)", waf_error_name(v->error));
	if (v->rule_id != 0)
		buf_printf(b, ", %s by rule %" PRId64 " in phase %d with %d",
		    v->detection_only ? "would be refused" : "decided", v->rule_id, v->phase, v->status);
	buf_printf(b, "; inbound score %d", v->inbound_score);
	for (int i = 0; i < WAF_C_MAX; i++) {
		if (v->category_score[i] != 0)
			buf_printf(b, ", %s %d", cli_category_name((enum waf_category)i), v->category_score[i]);
	}
	buf_addc(b, '\n');
}

static void
show_text(const struct cli *c, const struct judged *j, struct buf *b)
{
	const char *name;

	buf_printf(b, "%s: ", j->file);
	text_verdict(b, j->v);
	for (unsigned i = 0; (name = http_raw_flaw_name(i)) != NULL; i++) {
		if ((j->req.flaws & (1u << i)) != 0)
			buf_printf(b, "  http: %s\n", name);
	}
	for (size_t i = 0; i < j->v->n_matches; i++) {
		if (j->v->matches[i].log || c->all)
			text_match(b, &j->v->matches[i]);
	}
	if (j->v->n_matches_lost > 0)
		buf_printf(b, "  and %zu more\n", j->v->n_matches_lost);
}

static bool
refused(const struct waf_verdict *v)
{
	return (v->action != WAF_PASS && v->action != WAF_ALLOW) || v->detection_only;
}

/* One file; CLI_OK, CLI_FINDINGS (it would be refused) or CLI_USAGE. */
static int
file_judge(struct cli *c, const char *file, show_fn show)
{
	struct buf in = {0}, out = {0};
	struct judged j = { .file = file };
	struct waf_tx *tx;
	int r = CLI_USAGE;

	arena_reset(c->arena);
	if (cli_read_file(file, &in) &&
	    http_raw_request(&j.req, c->arena, buf_ptr(&in), buf_len(&in), HTTP_RAW_TO_END) == 0)
		j.v = cli_judge(c, &j.req, NULL, WAF_STR("llmsec-waf"), &tx);
	if (j.v != NULL) {
		show(c, &j, &out);
		r = refused(j.v) ? CLI_FINDINGS : CLI_OK;
	}
	if (j.v != NULL && c->verify && waf_tx_verify(tx, NULL, 0) > 0) {
		fprintf(stderr, "llmsec-waf: %s: the prefilter lost a match\n", file);
		r = CLI_FINDINGS;
	}
	if (out.err < 0 || fwrite(buf_ptr(&out), 1, buf_len(&out), stdout) != buf_len(&out) || fflush(stdout) != 0)
		r = CLI_USAGE;
	buf_free(&in);
	buf_free(&out);
	return r;
}

static int
files_judge(struct cli *c, show_fn show)
{
	int r, worst = CLI_OK;

	for (int i = 0; i < c->n_files; i++) {
		r = file_judge(c, c->files[i], show);
		if (r > worst)
			worst = r;
	}
	return worst;
}

int
cli_run(struct cli *c)
{
	return files_judge(c, show_json);
}

int
cli_explain(struct cli *c)
{
	return files_judge(c, show_text);
}
