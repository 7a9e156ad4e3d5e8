/* SPDX-License-Identifier: MIT */
/*
 * Masking in files: what is a text inside its base64 is written anew with placeholders.  Office files and PDFs, archives, pictures and uploads
 * are not; for those the policy has a mode.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <openssl/evp.h>

#include "icap-llmsec/attach_private.h"
#include "icap-llmsec/extract.h"
#include "icap-llmsec/mask.h"
#include "icap-llmsec/pii.h"
#include "lib/utf8.h"

static bool
is_secret(const struct finding *f)
{
	return strncmp(f->category, "secret.", 7) == 0;
}

static bool
any_masks(const struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		if (fs->v[i].mode == DETECT_MASK)
			return true;
	return false;
}

void
attach_fixed(const struct attach_modes *m, struct span *s, struct findings *fs)
{
	bool scene = s->media != NULL && s->media->scene;

	for (size_t i = 0; i < fs->n; i++) {
		struct finding *f = &fs->v[i];
		int mode = is_secret(f) ? m->secrets : scene && m->media_pii < m->pii ? m->media_pii : m->pii;

		if (f->mode != DETECT_MASK)
			continue;
		f->mode = (enum detect_mode)(mode < m->most ? mode : m->most);
		s->unmaskable = true;
	}
}

/* --- places ---------------------------------------------------------------------------------------- */

/* Ill-formed bytes became characters in the text that was judged. */
struct walker {
	const char	*p;
	size_t		 n, at;		/* of the file */
	size_t		 text;		/* the same place in the text */
};

static size_t
file_place(struct walker *w, size_t text)
{
	while (w->text < text && w->at < w->n) {
		uint32_t cp;
		char u[4];

		if ((unsigned char)w->p[w->at] < 0x80) {
			w->at++;
			w->text++;
			continue;
		}
		w->at += extract_char(w->p + w->at, w->n - w->at, &cp);
		w->text += utf8_encode(u, cp);
	}
	return w->at;
}

/* The file's name is another string of the body. */
static bool
in_name(const struct span *s, const struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		if (fs->v[i].mode == DETECT_MASK && fs->v[i].start < s->media->text_at)
			return true;
	return false;
}

/* The findings of a text as it stands in the file: places are those of the file.  False: what would have to be restored isn't UTF-8. */
static bool
masks_of_text(const struct span *s, const struct findings *fs, struct finding *out, size_t *n)
{
	struct walker w = {s->media->plain, s->media->plain_len, 0, s->media->text_at};
	size_t end = 0;

	for (size_t i = *n = 0; i < fs->n; i++) {
		struct finding f = fs->v[i];

		if (f.mode != DETECT_MASK || (i > 0 && f.start < end))	/* overlaps: the longer one came first */
			continue;
		end = f.start + f.len;
		f.start = file_place(&w, f.start);
		f.len = file_place(&w, end) - f.start;
		if (!utf8_valid(s->media->plain + f.start, f.len))
			return false;
		if (f.len > 0)
			out[(*n)++] = f;
	}
	return true;
}

/* --- HTML ------------------------------------------------------------------------------------------ */

static int
put_masked(struct buf *b, const struct span_media *m, struct mask_vault *v)
{
	size_t at = 0;

	for (size_t i = 0; i < m->n_mask; i++) {
		const struct finding *f = &m->mask[i];
		const char *token = v != NULL ? mask_token(v, pii_kind(f->category), m->plain + f->start, f->len) : "[X_1]";

		if (token == NULL)
			return -ENOMEM;
		buf_add(b, m->plain + at, f->start - at);
		buf_adds(b, token);
		at = f->start + f->len;
	}
	return buf_add(b, m->plain + at, m->plain_len - at);
}

/* What is found in the source of a page and isn't in its text: a link to an address, for one. */
static int
masks_of_source(const struct detectors *d, const struct attach_run *r, struct span *s, struct findings *fs)
{
	struct findings in = {NULL, 0};
	struct span_media *m = s->media;
	struct finding *out;
	int rc = utf8_valid(m->plain, m->plain_len) ? detect_output(d, m->plain, m->plain_len, r->arena, &in) : 0;
	size_t end = 0, n = 0;

	out = arena_alloc(r->arena, (in.n + 1) * sizeof(*out));
	if (rc < 0 || out == NULL)
		return rc < 0 ? rc : -ENOMEM;
	findings_cap_private(&in, r->private_most);
	for (size_t i = 0; i < in.n && rc == 0; i++) {
		bool known = false;

		for (size_t k = 0; k < fs->n; k++)
			known = known || fs->v[k].rule_id == in.v[i].rule_id;
		if (in.v[i].mode == DETECT_MASK && in.v[i].start >= end) {
			out[n++] = in.v[i];
			end = in.v[i].start + in.v[i].len;
		}
		in.v[i].start = 0;
		in.v[i].len = s->len < in.v[i].len ? s->len : in.v[i].len;
		if (!known)
			rc = findings_add(fs, r->arena, &in.v[i]);
	}
	m->mask = out;
	m->n_mask = n;
	return rc;
}

/* Is nothing found any more in what the page says once it is masked?  1, 0, or -errno. */
static int
reads_clean(const struct detectors *d, const struct attach_run *r, const struct span_media *m)
{
	struct extract_limits lim = {.text = (size_t)r->conf->max_text, .unpacked = 1};
	struct findings left = {NULL, 0};
	struct buf b = {0};
	struct extracted x;
	int rc = put_masked(&b, m, NULL);

	if (rc == 0)
		rc = extract_text(buf_ptr(&b), buf_len(&b), &lim, r->arena, &x);
	if (rc == 0)
		rc = detect_output(d, x.text, x.len, r->arena, &left);
	findings_cap_private(&left, r->private_most);
	buf_free(&b);
	return rc < 0 ? rc : !any_masks(&left);
}

int
attach_mask(const struct detectors *d, struct attach_run *r, struct span *s, struct findings *fs)
{
	struct span_media *m = s->media;
	struct finding *out;
	bool ok = true;
	int rc = 0;

	if (m == NULL || m->plain == NULL || r->modes->most < DETECT_MASK || s->role == ROLE_SYSTEM || s->role == ROLE_DEVELOPER) {
		attach_fixed(r->modes, s, fs);
		return 0;
	}
	if (any_masks(fs) && in_name(s, fs))
		ok = false;
	else if (strcmp(m->kind, "html") == 0) {
		rc = masks_of_source(d, r, s, fs);
		if (rc == 0 && any_masks(fs)) {
			rc = reads_clean(d, r, m);
			ok = rc > 0;
		}
	} else if (any_masks(fs)) {
		out = arena_alloc(r->arena, (fs->n + 1) * sizeof(*out));
		if (out == NULL)
			return -ENOMEM;
		ok = masks_of_text(s, fs, out, &m->n_mask);
		m->mask = out;
	}
	if (!ok || (m->n_mask == 0 && any_masks(fs))) {
		m->n_mask = 0;
		attach_fixed(r->modes, s, fs);
	}
	return rc < 0 ? rc : 0;
}

/* --- base64 ---------------------------------------------------------------------------------------- */

/* In the alphabet of <old>, and padded unless that wasn't though it had to be.  Line breaks go. */
static size_t
encode_like(char *to, const struct buf *b, const char *old, size_t n, size_t old_len)
{
	size_t len = (size_t)EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)buf_ptr(b), (int)buf_len(b));
	bool url = memchr(old, '-', n) != NULL || memchr(old, '_', n) != NULL;
	bool bare = old_len % 3 != 0 && memchr(old, '=', n) == NULL;

	for (size_t i = 0; url && i < len; i++)
		to[i] = to[i] == '+' ? '-' : to[i] == '/' ? '_' : to[i];
	while (bare && len > 0 && to[len - 1] == '=')
		len--;
	return len;
}

int
attach_mask_write(const struct span *s, struct mask_vault *v, struct arena *a, const char **value, size_t *len)
{
	const struct span_media *m = s->media;
	struct buf b = {0};
	char *out = NULL;

	if (m->plain == NULL || m->n_mask == 0 || m->head > m->len)
		return -EINVAL;
	if (put_masked(&b, m, v) == 0 && buf_len(&b) < INT_MAX / 2)
		out = arena_alloc(a, m->head + buf_len(&b) / 3 * 4 + 8);
	if (out != NULL) {
		memcpy(out, m->value, m->head);
		*len = m->head + encode_like(out + m->head, &b, m->value + m->head, m->len - m->head, m->plain_len);
		*value = out;
	}
	buf_free(&b);
	return out != NULL ? 0 : -ENOMEM;
}
