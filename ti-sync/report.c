/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/log.h"
#include "ti-sync/run_private.h"

const char *
ti_outcome_str(enum ti_outcome o)
{
	static const char *const text[TI_OUTCOMES] = {
		[TI_NOT_DUE] = "not due", [TI_UNCHANGED] = "unchanged", [TI_UPDATED] = "updated",
		[TI_REFUSED] = "refused", [TI_UNREACHABLE] = "unreachable",
	};

	return text[o];
}

static void
json_str(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\": \"", key);
	buf_add_json(b, value, strlen(value));
	buf_adds(b, "\"");
}

/* Lines that were refused: how many of each reason, and the first few. */
static void
refused_json(struct buf *b, const struct ti_collect *c)
{
	const char *comma = "";

	buf_adds(b, ", \"refused\": [");
	for (int r = 0; r < TI_REASONS; r++) {
		if (c->refused[r] == 0)
			continue;
		buf_printf(b, "%s{", comma);
		json_str(b, "reason", ti_reason_str((enum ti_reason)r));
		buf_printf(b, ", \"count\": %zu, \"examples\": [", c->refused[r]);
		for (size_t i = 0; i < TI_EXAMPLES && i < c->refused[r]; i++) {
			buf_printf(b, "%s{\"line\": %lu, ", i > 0 ? ", " : "", c->example[r][i].line);
			json_str(b, "text", c->example[r][i].text);
			buf_adds(b, "}");
		}
		buf_adds(b, "]}");
		comma = ", ";
	}
	buf_adds(b, "]");
}

static void
feed_json(struct buf *b, const struct ti_job *j)
{
	const struct ti_import *im = &j->im;

	buf_adds(b, "{");
	json_str(b, "name", j->f->name);
	buf_adds(b, ", ");
	json_str(b, "outcome", ti_outcome_str(j->outcome));
	if (j->why[0] != '\0') {
		buf_adds(b, ", ");
		json_str(b, "why", j->why);
	}
	buf_printf(b, ", \"domains\": %" PRId64 ", \"networks\": %" PRId64, j->row.names, j->row.nets);
	if (j->outcome == TI_UPDATED || j->outcome == TI_REFUSED) {
		buf_printf(b, ", \"added\": %zu, \"gone\": %zu, \"returned\": %zu, \"bytes\": %" PRId64 ", ",
		    im->names.added + im->nets.added, im->names.gone + im->nets.gone, im->names.returned + im->nets.returned,
		    j->row.bytes);
		json_str(b, "format", ti_format_str(im->format));
		refused_json(b, &im->c);
	}
	buf_adds(b, "}");
}

static void
saved_json(struct buf *b, const char *key, const struct ti_saved *s)
{
	buf_printf(b, "\"%s\": {\"count\": %zu, \"examples\": [", key, s->n);
	for (size_t i = 0; i < s->n && i < sizeof(s->example) / sizeof(*s->example); i++)
		buf_printf(b, "%s\"%s\"", i > 0 ? ", " : "", s->example[i]);
	buf_adds(b, "]}");
}

static void
compiled_json(struct buf *b, const char *key, const struct ti_compiled *c)
{
	buf_printf(b, "\"%s\": {\"listed\": %zu, \"published\": %zu, \"folded\": %zu, \"exceptions\": %zu, ", key, c->listed,
	    c->published, c->folded, c->exceptions);
	saved_json(b, "saved_by_allow", &c->allowed);
	buf_adds(b, ", ");
	saved_json(b, "saved_by_top", &c->top);
	buf_adds(b, "}");
}

static void
push_json(struct buf *b, const char *open, const struct ti_conf_push *p, const struct ti_push_report *r)
{
	buf_adds(b, open);
	json_str(b, "node", p->name);
	buf_adds(b, ", ");
	json_str(b, "outcome", ti_pushed_str(r->outcome));
	if (r->why[0] != '\0') {
		buf_adds(b, ", ");
		json_str(b, "why", r->why);
	}
	buf_printf(b, ", \"added\": %zu, \"duplicate\": %zu, \"invalid\": %zu, \"removed\": %zu, \"left_out\": %zu}", r->added,
	    r->duplicate, r->invalid, r->removed, r->left_out);
}

void
ti_run_report(const struct ti_run *r, struct buf *b)
{
	struct rusage u = {0};

	getrusage(RUSAGE_SELF, &u);
	buf_printf(b, "{\"peak_rss_kib\": %ld, \"cpu_seconds\": %.3f, ", u.ru_maxrss,
	    (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	buf_printf(b, "\"run\": %" PRId64 ", \"started\": %lld, \"published\": %s, \"seconds\": {\"fetch\": %.3f, "
	    "\"import\": %.3f, \"publish\": %.3f}, \"feeds\": [", r->run, (long long)r->now, r->published ? "true" : "false",
	    r->t_fetch, r->t_import, r->t_publish);
	for (size_t i = 0; i < r->n_jobs; i++) {
		buf_adds(b, i > 0 ? ", " : "");
		feed_json(b, &r->jobs[i]);
	}
	buf_adds(b, "]");
	if (r->published) {
		buf_adds(b, ", ");
		compiled_json(b, "domains", &r->names);
		buf_adds(b, ", ");
		compiled_json(b, "networks", &r->nets);
		buf_adds(b, ", \"outputs\": [");
		for (size_t i = 0; i < r->conf->n_outputs; i++) {
			buf_adds(b, i > 0 ? ", {" : "{");
			json_str(b, "path", r->conf->outputs[i].path);
			buf_printf(b, ", \"entries\": %zu}", r->outputs[i].entries);
		}
		buf_adds(b, "]");
	}
	buf_adds(b, ", \"push\": [");
	for (size_t i = 0; r->pushed != NULL && i < r->conf->n_push; i++)
		push_json(b, i > 0 ? ", {" : "{", &r->conf->push[i], &r->pushed[i]);
	buf_adds(b, "]}");
	buf_addc(b, '\0');
}

/* ---- for people ---------------------------------------------------------------------------------- */

static void
feed_say(const struct ti_job *j)
{
	const struct ti_import *im = &j->im;

	if (j->outcome == TI_REFUSED || j->outcome == TI_UNREACHABLE)
		log_err("feed %s: %s: %s; its %" PRId64 " entries of before stay", j->f->name, ti_outcome_str(j->outcome), j->why,
		    j->row.names + j->row.nets);
	else if (j->outcome == TI_UPDATED)
		log_info("feed %s: %s, %zu new, %zu gone, %zu back, %" PRId64 " domains, %" PRId64 " networks, %zu lines refused",
		    j->f->name, ti_format_str(im->format), im->names.added + im->nets.added, im->names.gone + im->nets.gone,
		    im->names.returned + im->nets.returned, j->row.names, j->row.nets, ti_collect_refused(&im->c));
	else
		log_debug("feeds", "feed %s: %s", j->f->name, ti_outcome_str(j->outcome));
	for (int r = 0; r < TI_REASONS; r++)
		for (size_t i = 0; i < TI_EXAMPLES && i < im->c.refused[r]; i++)
			log_debug("lines", "%s:%lu: \"%s\" is %s", *j->f->file != '\0' ? j->f->file : j->f->url,
			    im->c.example[r][i].line, im->c.example[r][i].text, ti_reason_str((enum ti_reason)r));
}

static void
saved_say(const char *list, const struct ti_saved *s)
{
	if (s->n > 0)
		log_notice("%zu listed by feeds, but not published because of the %s list: %s%s%s%s%s", s->n, list, s->example[0],
		    s->n > 1 ? ", " : "", s->n > 1 ? s->example[1] : "", s->n > 2 ? ", " : "", s->n > 2 ? s->example[2] : "");
}

void
ti_run_say(const struct ti_run *r)
{
	for (size_t i = 0; i < r->n_jobs; i++)
		feed_say(&r->jobs[i]);
	if (!r->published) {
		log_info("run %" PRId64 ": nothing new to publish", r->run);
		return;
	}
	saved_say("allow", &r->names.allowed);
	saved_say("allow", &r->nets.allowed);
	saved_say("top", &r->names.top);
	log_info("run %" PRId64 ": published %zu domains and %zu networks (%zu folded, %zu exceptions) in %s; "
	    "fetched in %.2f s, read in %.2f s, compiled in %.2f s", r->run, r->names.published, r->nets.published,
	    r->names.folded + r->nets.folded, r->names.exceptions + r->nets.exceptions, r->conf->sets_dir, r->t_fetch,
	    r->t_import, r->t_publish);
}
