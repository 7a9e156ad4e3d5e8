/* SPDX-License-Identifier: MIT */
/* SecLang files into struct waf_rules: begin, end, and who owns what. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

#define SL_MEMORY	((size_t)256 << 20)
#define SL_MAX_IGNORED	256		/* rows of sl_ignored */

static bool
begin(struct sl *sl, struct diag *d)
{
	struct arena *a = arena_new(SL_MEMORY);

	*sl = (struct sl){.diag = d, .a = a};
	if (a == NULL || (sl->rules = arena_calloc(a, 1, sizeof(*sl->rules))) == NULL ||
	    (sl->warned = arena_calloc(a, SL_MAX_IGNORED, 1)) == NULL) {
		diag_error(d, NULL, 0, 0, "out of memory");
		arena_free(&sl->a);
		return false;
	}
	sl->rules->arena = a;
	sl_set_defaults(&sl->rules->settings);
	return true;
}

static void
own_patterns(struct sl *sl)
{
	struct waf_rules *r = sl->rules;

	r->rx = arena_calloc(sl->a, sl->n_pattern, sizeof(*r->rx));
	for (size_t i = 0; i < sl->n_pattern; i++) {
		if (r->rx != NULL)
			r->rx[i] = sl->pattern[i].rx;
		else
			waf_rx_free(&sl->pattern[i].rx);
	}
	r->n_rx = r->rx != NULL ? sl->n_pattern : 0;
}

static struct waf_rules *
end(struct sl *sl)
{
	struct waf_rules *rules = sl->rules;

	sl_link(sl);
	own_patterns(sl);
	if (arena_failed(sl->a)) {
		diag_error(sl->diag, NULL, 0, 0, "out of memory");
		sl->failed = true;
	}
	if (sl->failed)
		waf_rules_free(&rules);
	return rules;
}

struct waf_rules *
waf_rules_load(const char *path, struct diag *d)
{
	struct sl sl;

	if (!begin(&sl, d))
		return NULL;
	sl_read_main(&sl, path);
	return end(&sl);
}

struct waf_rules *
waf_rules_load_mem(const char *name, const char *dir, const char *text, size_t len, struct diag *d)
{
	struct sl sl;

	if (!begin(&sl, d))
		return NULL;
	sl_read_mem(&sl, name, dir, text, len);
	return end(&sl);
}

void
waf_rules_free(struct waf_rules **rp)
{
	struct waf_rules *r = *rp;
	struct arena *a;

	*rp = NULL;
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_all; i++) {
		if (r->all[i] != NULL)
			waf_op_free(&r->all[i]->op);
	}
	for (size_t i = 0; i < r->n_rx; i++)
		waf_rx_free(&r->rx[i]);
	waf_unimap_free(&r->settings.unimap);
	a = r->arena;
	arena_free(&a);
}
