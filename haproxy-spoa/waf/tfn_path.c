/* SPDX-License-Identifier: MIT */
/*
 * Paths: empty segments, "." and "dir/.." go.  ".." at the beginning of a relative path stays, above the root of
 * an absolute one it goes; a slash at the end stays if it was there.
 */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/transform_private.h"

struct path {
	unsigned char	*start;		/* behind the root's slash */
	unsigned char	*end;
	bool		 absolute;
};

/* The last segment, without the slash behind it; every segment written ends with one. */
static unsigned char *
last_segment(const struct path *w)
{
	unsigned char *p = w->end - 1;

	while (p > w->start && p[-1] != '/')
		p--;
	return p;
}

static void
add_segment(struct path *w, const unsigned char *p, size_t n)
{
	unsigned char *last;

	if (n == 0 || (n == 1 && p[0] == '.'))
		return;
	if (n == 2 && p[0] == '.' && p[1] == '.') {
		last = w->end > w->start ? last_segment(w) : NULL;
		if (last != NULL && !(w->end - last == 3 && last[0] == '.' && last[1] == '.')) {
			w->end = last;
			return;
		}
		if (w->absolute)
			return;
	}
	memcpy(w->end, p, n);
	w->end += n;
	*w->end++ = '/';
}

static size_t
normalize(unsigned char *out, const unsigned char *p, size_t n, bool win)
{
	struct path w = { .start = out, .end = out };
	size_t i = 0, from;

#define IS_SLASH(c)	((c) == '/' || (win && (c) == '\\'))
	if (n == 0)
		return 0;
	w.absolute = IS_SLASH(p[0]);
	if (w.absolute) {
		*w.end++ = '/';
		w.start = w.end;
	}
	while (i < n) {
		for (from = i; i < n && !IS_SLASH(p[i]); i++)
			;
		add_segment(&w, p + from, i - from);
		i++;
	}
	if (w.end > w.start && !IS_SLASH(p[n - 1]))
		w.end--;
#undef IS_SLASH
	return (size_t)(w.end - out);
}

size_t
tfn_path(unsigned char *out, const unsigned char *p, size_t n, const struct waf_unimap *map)
{
	(void)map;
	return normalize(out, p, n, false);
}

size_t
tfn_path_win(unsigned char *out, const unsigned char *p, size_t n, const struct waf_unimap *map)
{
	(void)map;
	return normalize(out, p, n, true);
}
