/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/guard_private.h"

static const struct {
	const char	*id, *category;
	size_t		 mode;
	int		 severity;
} rules[GUARD_RULES] = {
#define MODE(f)	offsetof(struct resp_conf, f)
	[GUARD_LEAK_PART] = { "LLMSEC-LEAK-0001", "leak.partial", MODE(leak), 5 },
	[GUARD_LEAK_STRONG] = { "LLMSEC-LEAK-0002", "leak.prompt", MODE(leak_strong), 7 },
	[GUARD_LEAK_CANARY] = { "LLMSEC-LEAK-0003", "leak.canary", MODE(canary), 8 },
	[GUARD_EXFIL_IMAGE] = { "LLMSEC-EXFIL-0001", "exfil.image", MODE(exfil), 8 },
	[GUARD_EXFIL_LINK] = { "LLMSEC-EXFIL-0002", "exfil.link", MODE(exfil_links), 5 },
	[GUARD_EXFIL_TAG] = { "LLMSEC-EXFIL-0003", "exfil.html", MODE(exfil), 8 },
	[GUARD_EXFIL_CSS] = { "LLMSEC-EXFIL-0004", "exfil.css", MODE(exfil), 8 },
	[GUARD_EXFIL_TOOL] = { "LLMSEC-EXFIL-0005", "exfil.tool", MODE(exfil_tools), 6 },
	[GUARD_HTML_ELEMENT] = { "LLMSEC-HTML-0001", "html.element", MODE(active_html), 4 },
	[GUARD_HTML_HANDLER] = { "LLMSEC-HTML-0002", "html.handler", MODE(active_html), 5 },
	[GUARD_HTML_URL] = { "LLMSEC-HTML-0003", "html.url", MODE(active_html), 6 },
	[GUARD_HID_TAGS] = { "LLMSEC-HID-0001", "hidden.tags", MODE(hidden), 6 },
	[GUARD_HID_BIDI] = { "LLMSEC-HID-0002", "hidden.bidi", MODE(hidden), 4 },
	[GUARD_HID_SELECTORS] = { "LLMSEC-HID-0003", "hidden.selectors", MODE(hidden), 6 },
	[GUARD_HID_ZERO_WIDTH] = { "LLMSEC-HID-0004", "hidden.zero_width", MODE(hidden), 4 },
#undef MODE
};

static enum detect_mode
rule_mode(const struct guard *g, enum guard_rule r)
{
	return (enum detect_mode)*(const int *)((const char *)g->conf + rules[r].mode);
}

int
guard_init(struct guard *g, const struct resp_conf *conf, const struct resp_sketch *sketch)
{
	memset(g, 0, sizeof(*g));
	g->conf = conf;
	g->sketch = sketch;
	return leak_watch_init(&g->watch, sketch);
}

void
guard_clear(struct guard *g)
{
	leak_watch_clear(&g->watch);
	memset(g, 0, sizeof(*g));
}

bool
guard_active(const struct guard *g)
{
	for (int r = 0; g->conf != NULL && r < GUARD_RULES; r++)
		if (rule_mode(g, (enum guard_rule)r) != DETECT_OFF && (r > GUARD_LEAK_CANARY || g->watch.sketch != NULL))
			return true;
	return false;
}

bool
guard_judges(const struct guard *g)
{
	for (int r = 0; g->conf != NULL && r < GUARD_RULES; r++)
		if (rule_mode(g, (enum guard_rule)r) >= DETECT_MASK && (r > GUARD_LEAK_CANARY || g->watch.sketch != NULL))
			return true;
	return false;
}

int
guard_tell(struct guard *g, enum guard_rule r)
{
	enum detect_mode mode = rule_mode(g, r);
	struct finding f = { .rule_id = rules[r].id, .category = rules[r].category, .mode = mode,
		.severity = rules[r].severity };
	int e = 0;

	if (mode == DETECT_OFF)
		return mode;
	if (!g->told[r] && g->found != NULL)
		e = g->found(g->arg, &f);
	g->told[r] = true;
	return e != 0 ? e : mode == DETECT_BLOCK ? -EPERM : (int)mode;
}

struct guard_text *
guard_text_new(bool json)
{
	struct guard_text *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->json = json;
	t->markup.bol = t->markup.blank = true;
	return t;
}

void
guard_text_free(struct guard_text **tp)
{
	struct guard_text *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	buf_free(&t->markup.held);
	buf_free(&t->clean);
	buf_free(&t->ready);
	buf_free(&t->gate);
	free(t);
}

bool
guard_text_holds(const struct guard_text *t)
{
	return t->hidden.part_len > 0 || t->hidden.cut_len > 0 || buf_len(&t->markup.held) > 0 || buf_len(&t->gate) > 0;
}

static int
guard_recital(struct guard *g, struct guard_text *t, const char *p, size_t len)
{
	enum leak_level level;
	int e = 0;

	leak_read(&g->watch, &t->leak, p, len);
	level = leak_level(&g->watch);
	if (g->watch.canary)
		e = guard_tell(g, GUARD_LEAK_CANARY);
	if (e >= 0 && level == LEAK_STRONG)
		e = guard_tell(g, GUARD_LEAK_STRONG);
	if (e >= 0 && level != LEAK_NONE)
		e = guard_tell(g, GUARD_LEAK_PART);
	return e < 0 ? e : 0;
}

/* While it sounds like a recital that would be stopped, wait what becomes of it. */
static int
guard_gate(struct guard *g, struct guard_text *t, bool last, struct buf *out)
{
	bool may_stop = rule_mode(g, GUARD_LEAK_STRONG) == DETECT_BLOCK || rule_mode(g, GUARD_LEAK_PART) == DETECT_BLOCK;

	if (!last && may_stop && leak_hot(&g->watch, &t->leak) && buf_len(&t->gate) + buf_len(&t->ready) <= GUARD_GATE)
		return buf_add(&t->gate, buf_ptr(&t->ready), buf_len(&t->ready));
	buf_add(out, buf_ptr(&t->gate), buf_len(&t->gate));
	buf_add(out, buf_ptr(&t->ready), buf_len(&t->ready));
	buf_clear(&t->gate);
	return out->err;
}

static bool
guard_marks_up(const struct guard *g)
{
	return g->conf->exfil != DETECT_OFF || g->conf->exfil_links != DETECT_OFF ||
	    g->conf->exfil_tools != DETECT_OFF || g->conf->active_html != DETECT_OFF;
}

int
guard_step(struct guard *g, struct guard_text *t, const char *p, size_t len, bool last, struct buf *out)
{
	int e = 0;

	buf_clear(&t->clean);
	buf_clear(&t->ready);
	if (g->conf->hidden != DETECT_OFF) {
		e = guard_hidden_step(g, &t->hidden, p, len, last, &t->clean);
		p = buf_ptr(&t->clean);
		len = buf_len(&t->clean);
	}
	if (e == 0)
		e = guard_recital(g, t, p, len);
	if (e == 0 && guard_marks_up(g))
		e = guard_markup_step(g, &t->markup, t->json, p, len, last, &t->ready);
	else if (e == 0)
		e = buf_add(&t->ready, p, len);
	if (e == 0)
		e = guard_gate(g, t, last, out);
	return e;
}
