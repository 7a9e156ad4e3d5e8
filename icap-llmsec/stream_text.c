/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "icap-llmsec/stream.h"
#include "lib/utf8.h"

#define FOUND_MAX	64

bool
text_rules_judge(const struct text_rules *r)
{
	return (r->detectors != NULL && (r->output == DETECT_MASK || r->output == DETECT_BLOCK)) ||
	    (r->guard != NULL && guard_judges(r->guard));
}

bool
text_rules_look(const struct text_rules *r)
{
	return (r->detectors != NULL && r->output != DETECT_OFF) || (r->guard != NULL && guard_active(r->guard));
}

bool
text_rules_active(const struct text_rules *r)
{
	return (r->vault != NULL && mask_vault_count(r->vault) > 0) || text_rules_look(r);
}

int
found_note(void *arg, const struct finding *f)
{
	struct found *fd = arg;

	if (fd->all.n >= FOUND_MAX)
		return 0;
	if (fd->all.v == NULL)
		fd->all.v = arena_calloc(fd->arena, FOUND_MAX, sizeof(*fd->all.v));
	if (fd->all.v == NULL)
		return -ENOMEM;
	fd->all.v[fd->all.n++] = *f;
	return 0;
}

/* Replace the vault's placeholders. */
static void
text_unmask(const struct text_rules *r, enum text_kind kind, const char *p, size_t len, struct buf *out)
{
	if (r->vault == NULL)
		buf_add(out, p, len);
	else if (kind == TEXT_JSON)
		mask_unmask_json(r->vault, p, len, out);
	else
		mask_unmask(r->vault, p, len, out);
}

/* What the configuration doesn't ask for in answers. */
static void
leave_out(const struct text_rules *r, struct findings *fs)
{
	size_t n = 0;

	for (size_t i = 0; i < fs->n; i++)
		if (!(strncmp(fs->v[i].category, "secret.", 7) == 0 ? r->no_secrets : r->no_pii))
			fs->v[n++] = fs->v[i];
	fs->n = n;
}

/* "pii.email" -> "[REDACTED_EMAIL]": not reversible, so it has no number. */
static void
text_redact(const struct finding *f, struct buf *out)
{
	const char *name = strrchr(f->category, '.');

	buf_adds(out, "[REDACTED_");
	for (name = name != NULL ? name + 1 : f->category; *name != '\0'; name++)
		buf_addc(out, (char)toupper((unsigned char)*name));
	buf_addc(out, ']');
}

/* Where the part that may go out ends: no finding, character or placeholder crosses it. */
static size_t
text_cut(const struct text_rules *r, const char *p, size_t len, const struct findings *fs)
{
	size_t cut = len, keep = 0;

	if (r->detectors != NULL && (r->output == DETECT_MASK || r->output == DETECT_BLOCK))
		keep = r->window < r->held_max ? r->window : r->held_max;
	cut = len > keep ? utf8_floor(p, len - keep) : 0;
	for (size_t i = 0; i < fs->n; i++)
		if (fs->v[i].start < cut && fs->v[i].start + fs->v[i].len > cut)
			cut = fs->v[i].start;
	if (len - cut > r->held_max && r->held_max >= keep) {
		/* a finding longer than all bounds: it is one already, and is treated as such */
		cut = len;
	}
	if (r->vault != NULL)
		cut -= mask_partial(r->vault, p, cut);
	return cut;
}

/* Write p[0..cut): findings redacted, placeholders replaced. */
static void
text_write(const struct text_rules *r, enum text_kind kind, const char *p, size_t cut,
    const struct findings *fs, struct buf *out)
{
	size_t pos = 0;

	for (size_t i = 0; r->output == DETECT_MASK && i < fs->n; i++) {
		const struct finding *f = &fs->v[i];

		if (f->start < pos || f->start + f->len > cut)
			continue;
		text_unmask(r, kind, p + pos, f->start - pos, out);
		text_redact(f, out);
		pos = f->start + f->len;
	}
	text_unmask(r, kind, p + pos, cut - pos, out);
}

/*
 * Note what was found in p[0..cut).  Monitoring holds nothing back, so it sees a finding only when one
 * step has all of it.
 */
static int
text_note(const struct text_rules *r, const struct findings *fs, size_t cut, struct found *fd)
{
	int e;

	for (size_t i = 0; i < fs->n; i++) {
		if (r->output != DETECT_BLOCK && fs->v[i].start + fs->v[i].len > cut)
			continue;
		if ((e = found_note(fd, &fs->v[i])) != 0)
			return e;
		if (r->output == DETECT_BLOCK)
			return -EPERM;
	}
	return 0;
}

/* Detectors and placeholders, on text that the guard let by. */
static int
text_detect(const struct text_rules *r, enum text_kind kind, struct buf *held, const char *text,
    size_t len, bool last, struct arena *scratch, struct found *fd, struct buf *out)
{
	struct findings fs = { NULL, 0 };
	struct buf rest = { 0 };
	const char *p = text;
	size_t cut;
	int e;

	if (buf_len(held) > 0) {
		if ((e = buf_add(held, text, len)) != 0)
			return e;
		p = buf_ptr(held);
		len = buf_len(held);
	}
	if (r->detectors != NULL && r->output != DETECT_OFF && len > 0) {
		e = detect_output(r->detectors, p, len, scratch, &fs);
		leave_out(r, &fs);
		if (e != 0)
			return e;
	}
	cut = last ? len : text_cut(r, p, len, &fs);
	if ((e = text_note(r, &fs, cut, fd)) != 0)
		return e;
	text_write(r, kind, p, cut, &fs, out);
	buf_add(&rest, p + cut, len - cut);
	e = out->err != 0 ? out->err : rest.err;
	buf_free(held);
	*held = rest;
	return e;
}

static int
text_guard(const struct text_rules *r, enum text_kind kind, struct text_state *ts, const char *text, size_t len,
    bool last, struct buf *out)
{
	if (ts->guard == NULL && (ts->guard = guard_text_new(kind == TEXT_JSON)) == NULL)
		return -ENOMEM;
	return guard_step(r->guard, ts->guard, text, len, last, out);
}

int
text_step(const struct text_rules *r, enum text_kind kind, struct text_state *ts, const char *text,
    size_t len, bool last, struct arena *scratch, struct found *fd, struct buf *out)
{
	struct buf passed = { 0 };
	size_t before = buf_len(out);
	int e;

	if (r->guard == NULL || !guard_active(r->guard))
		return text_detect(r, kind, &ts->held, text, len, last, scratch, fd, out);
	e = text_guard(r, kind, ts, text, len, last, &passed);
	if (e == 0)
		e = text_detect(r, kind, &ts->held, buf_ptr(&passed), buf_len(&passed), last, scratch, fd, out);
	buf_free(&passed);
	if (e == 0 && r->convo != NULL) {
		convo_answer_add(r->convo, &ts->answer, buf_ptr(out) + before, buf_len(out) - before);
		if (last)
			text_end(r, ts);
	}
	return e;
}

void
text_end(const struct text_rules *r, struct text_state *ts)
{
	convo_answer_note(r->convo, r->tenant, &ts->answer, r->now_ms);
	memset(&ts->answer, 0, sizeof(ts->answer));
}

bool
text_holds(const struct text_state *ts)
{
	return buf_len(&ts->held) > 0 || (ts->guard != NULL && guard_text_holds(ts->guard));
}

void
text_state_free(struct text_state *ts)
{
	guard_text_free(&ts->guard);
	buf_free(&ts->held);
}
