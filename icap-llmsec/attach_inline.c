/* SPDX-License-Identifier: MIT */
/* data: URLs inside of texts: pictures in Markdown, HTML and style sheets that somebody pasted. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/attach_private.h"

#define MARK		";base64,"
#define MARK_LEN	(sizeof(MARK) - 1)
#define HEADER_MAX	128	/* bytes between "data:" and the mark */
#define RUN_MIN		64	/* letters; shorter ones stay what they are, text */

static bool
is_letter(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '-' || c == '_';
}

/* Where the URL begins whose mark is at <mark>; NULL: it is none. */
static const char *
url_start(const char *text, const char *mark)
{
	const char *p = mark;

	while (p > text && mark - p < HEADER_MAX && (unsigned char)p[-1] > ' ' && strchr("\"'()<>", p[-1]) == NULL)
		if (*--p == 'd' || *p == 'D')
			if (mark - p >= 5 && strncasecmp(p, "data:", 5) == 0)
				return p;
	return NULL;
}

/* Is its text known, so that the letters themselves need not be read? */
static bool
is_read(const struct attach_part *p)
{
	return p->class != ATTACH_UNKNOWN && p->class != ATTACH_EXECUTABLE && !p->told[ATTACH_UNREADABLE] && !p->told[ATTACH_LIMIT];
}

static void
judge(struct attach_part *p, const char *url, const char *mark, size_t run)
{
	struct attach_file f = {.declared = url + 5, .declared_len = (size_t)(mark - url) - 5};
	const char *semi = memchr(f.declared, ';', f.declared_len);
	char *out = arena_alloc(p->run->arena, run / 4 * 3 + 6);
	ptrdiff_t n;

	if (out == NULL) {
		p->rc = -ENOMEM;
		return;
	}
	if (semi != NULL)
		f.declared_len = (size_t)(semi - f.declared);
	n = attach_base64(out, mark + MARK_LEN, run % 4 == 1 ? run - 1 : run);	/* the text may be cut */
	f.data = out;
	f.len = n > 0 ? (size_t)n : 0;
	attach_file(p, &f, 0);
}

static int
gap_add(struct attach_run *r, struct attach_inline *out, size_t at, size_t start, size_t len)
{
	size_t n = out->n_gaps;
	struct attach_gap *g;

	if ((n & (n - 1)) == 0) {	/* full: 0, 1, 2, 4, ... */
		g = arena_alloc(r->arena, (n > 0 ? 2 * n : 1) * sizeof(*g));
		if (g == NULL)
			return -ENOMEM;
		if (n > 0)
			memcpy(g, out->gap, n * sizeof(*g));
		out->gap = g;
	}
	out->gap[out->n_gaps++] = (struct attach_gap){at, len, start};
	return 0;
}

/* What remains, once the gaps are known. */
static int
close_gaps(struct attach_run *r, const struct span *s, struct attach_inline *out)
{
	size_t from = 0, to = 0;
	char *t = arena_alloc(r->arena, s->len + out->n_gaps + 1);

	if (t == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < out->n_gaps; i++) {
		const struct attach_gap *g = &out->gap[i];

		memcpy(t + to, s->text + from, g->start - from);
		to += g->start - from;
		out->gap[i].at = to;
		t[to++] = '\n';
		from = g->start + g->len;
	}
	memcpy(t + to, s->text + from, s->len - from);
	out->text = t;
	out->len = to + s->len - from;
	return 0;
}

int
attach_inline(struct attach_run *r, const struct span *s, bool deep, struct findings *fs, struct attach_inline *out)
{
	struct attach_part p = {.run = r, .findings = fs, .look = deep ? LOOK_ALL : LOOK_TYPE, .in_text = true};
	const char *at = s->text, *end = s->text + s->len, *mark;

	*out = (struct attach_inline){.text = s->text, .len = s->len, .files = ""};
	if (r->modes->most == DETECT_OFF)
		return 0;
	p.text.max = r->text_left;
	while (p.rc == 0 && r->text_left > 0 && (mark = memmem(at, (size_t)(end - at), MARK, MARK_LEN)) != NULL) {
		const char *url = url_start(at, mark), *run = mark + MARK_LEN;
		size_t n = 0;

		while (run + n < end && is_letter((unsigned char)run[n]))
			n++;
		at = run + n;
		if (url == NULL || n < RUN_MIN)
			continue;
		memset(p.told, 0, sizeof(p.told));
		p.start = (size_t)(url - s->text);
		p.len = (size_t)(at - url);
		if (r->n_inline == (unsigned)r->conf->max_count) {	/* the others stay what they are, text */
			attach_tell(&p, ATTACH_COUNT);
			break;
		}
		r->n_inline++;
		judge(&p, url, mark, n);
		if (p.rc == 0 && deep && is_read(&p))
			p.rc = gap_add(r, out, 0, (size_t)(run - s->text), n);
	}
	if (p.rc == 0 && out->n_gaps > 0)
		p.rc = close_gaps(r, s, out);
	if (p.rc == 0 && out->n_gaps > 0 && buf_len(&p.text) > 0) {
		out->files_len = buf_len(&p.text);
		out->files = arena_memdup(r->arena, buf_ptr(&p.text), out->files_len);
		r->text_left -= out->files_len < r->text_left ? out->files_len : r->text_left;
		p.rc = out->files == NULL ? -ENOMEM : 0;
	}
	buf_free(&p.text);
	return p.rc;
}

size_t
attach_place(const struct attach_inline *x, size_t at)
{
	size_t lo = 0, hi = x->n_gaps;

	while (lo < hi) {	/* how many gaps are before it */
		size_t mid = lo + (hi - lo) / 2;

		if (x->gap[mid].at < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return at;
	/* behind the gap's line break */
	return x->gap[lo - 1].start + x->gap[lo - 1].len + (at - x->gap[lo - 1].at - 1);
}
