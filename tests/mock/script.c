/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "squeeze.h"

void
script_init(struct script *s, enum script_form form, const struct plan *plan)
{
	memset(s, 0, sizeof(*s));
	s->form = form == SCRIPT_SSE && plan->crlf ? SCRIPT_SSE_CRLF : form;
	s->plan = plan;
}

void
script_free(struct script *s)
{
	buf_free(&s->bytes);
	free(s->step);
	s->step = NULL;
	s->n = s->cap = 0;
}

static struct script_step *
step_add(struct script *s, size_t off)
{
	struct script_step *p;
	size_t cap;

	if (s->n == s->cap) {
		cap = s->cap ? s->cap * 2 : 16;
		p = realloc(s->step, cap * sizeof(*p));
		if (p == NULL) {
			s->bytes.err = -ENOMEM;
			return NULL;
		}
		s->step = p;
		s->cap = cap;
	}
	p = &s->step[s->n++];
	memset(p, 0, sizeof(*p));
	p->off = off;
	p->len = s->bytes.len - off;
	p->due_us = s->due_us;
	p->content = s->content;
	return p;
}

void
script_body(struct script *s, const char *p, size_t n)
{
	buf_add(&s->bytes, p, n);
	step_add(s, s->bytes.len - (s->bytes.err ? 0 : n));
}

static void
advance_clock(struct script *s)
{
	const struct plan *p = s->plan;

	s->due_us = (uint64_t)p->lead_ms * 1000 + (uint64_t)p->interval_ms * 1000 * s->content;
	if (p->stall_ms && s->content >= (unsigned)p->stall_after)
		s->due_us += (uint64_t)p->stall_ms * 1000;
	s->content++;
}

static const char *
line_end(const struct script *s)
{
	return s->form == SCRIPT_SSE_CRLF ? "\r\n" : "\n";
}

static void
begin_event(struct script *s, const char *name)
{
	if (s->form == SCRIPT_ARRAY)
		buf_adds(&s->bytes, s->events ? ",\r\n" : "[");
	if (s->form != SCRIPT_SSE && s->form != SCRIPT_SSE_CRLF)
		return;
	if (name)
		buf_printf(&s->bytes, "event: %s%s", name, line_end(s));
	buf_adds(&s->bytes, "data: ");
}

static void
end_event(struct script *s)
{
	if (s->form == SCRIPT_ARRAY)
		return;
	buf_adds(&s->bytes, line_end(s));
	if (s->form != SCRIPT_NDJSON)
		buf_adds(&s->bytes, line_end(s));
}

void
script_event(struct script *s, const char *name, json_t *obj, bool paced)
{
	char *text = json_dumps(obj, JSON_COMPACT | (s->plan->ascii ? JSON_ENSURE_ASCII : 0));
	size_t off = s->bytes.len, x_of, x_t;
	struct script_step *step;

	json_decref(obj);
	if (text == NULL) {
		s->bytes.err = -ENOMEM;
		return;
	}
	if (paced)
		advance_clock(s);
	begin_event(s, name);
	buf_add(&s->bytes, text, strlen(text) - 1);
	free(text);
	buf_printf(&s->bytes, ",\"x_n\":%u,\"x_of\":", s->events);
	x_of = s->bytes.len;
	buf_adds(&s->bytes, "0       ,\"x_t\":");
	x_t = s->bytes.len;
	buf_adds(&s->bytes, "0               }");
	end_event(s);
	s->events++;
	step = step_add(s, off);
	if (step) {
		step->x_of = x_of;
		step->x_t = x_t;
	}
}

void
script_data(struct script *s, const char *text)
{
	size_t off = s->bytes.len;

	begin_event(s, NULL);
	buf_adds(&s->bytes, text);
	end_event(s);
	step_add(s, off);
}

bool
script_fails_now(const struct script *s)
{
	return s->plan->error_after >= 0 && s->content >= (unsigned)s->plan->error_after;
}

static void
cut_short(struct script *s)
{
	size_t limit = (size_t)s->plan->break_after;
	struct script_step *p;

	if (s->form == SCRIPT_BODY && s->n > 0) {
		s->cut = limit < s->step[0].len;
		s->step[0].len = s->cut ? limit : s->step[0].len;
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		p = &s->step[i];
		if (p->content <= limit)
			continue;
		p->len = s->plan->torn ? p->len / 2 : 0;
		p->x_of = p->x_t = 0;
		s->n = i + (p->len > 0);
		s->cut = true;
		return;
	}
}

int
script_finish(struct script *s)
{
	char number[16];

	if (s->form == SCRIPT_ARRAY) {
		buf_adds(&s->bytes, "]");
		step_add(s, s->bytes.len - 1);
	}
	if (s->bytes.err)
		return s->bytes.err;
	for (size_t i = 0; i < s->n; i++) {
		if (s->step[i].x_of == 0)
			continue;
		snprintf(number, sizeof(number), "%-8u", s->events);
		memcpy(s->bytes.data + s->step[i].x_of, number, 8);
	}
	if (s->plan->break_after >= 0)
		cut_short(s);
	return 0;
}

int
script_squeeze(struct script *s, enum plan_coding coding)
{
	struct squeeze *z = squeeze_new(coding);
	struct buf out = { 0 };
	int err = z ? squeeze_feed(z, s->bytes.data, s->bytes.len, SQUEEZE_END, &out) : -ENOMEM;

	squeeze_free(z);
	if (err < 0) {
		buf_free(&out);
		return err;
	}
	buf_free(&s->bytes);
	s->bytes = out;
	s->n = 0;
	step_add(s, 0);
	return s->bytes.err;
}
