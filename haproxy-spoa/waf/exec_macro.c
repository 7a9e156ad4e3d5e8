/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/exec.h"

static struct waf_str
part_text(struct waf_tx *tx, const struct waf_macro_part *p)
{
	return p->var == WAF_V_MAX ? p->text : xvar_get(tx, p->var, p->text);
}

/* A variable that doesn't exist leaves nothing behind. */
struct waf_str
xmacro(struct waf_tx *tx, const struct waf_macro *m)
{
	struct waf_str part[16], *v = part;
	size_t i, n = 0;
	char *p;

	if (m->n == 0)
		return WAF_STR("");
	if (m->n > 16 && (v = arena_alloc(tx->arena, m->n * sizeof(*v))) == NULL)
		return WAF_STR("");
	for (i = 0; i < m->n; i++) {
		v[i] = part_text(tx, &m->part[i]);
		n += v[i].n;
	}
	if ((p = arena_alloc(tx->arena, n + 1)) == NULL)
		return WAF_STR("");
	for (n = 0, i = 0; i < m->n; i++) {
		if (v[i].n > 0)
			memcpy(p + n, v[i].p, v[i].n);
		n += v[i].n;
	}
	p[n] = '\0';
	return (struct waf_str){p, n};
}
