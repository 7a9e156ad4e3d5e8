/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ti-sync/manifest.h"
#include "ti-sync/verify.h"

const char *const ti_set_names[2] = {"domains.set", "ips.set"};

/* ---- words of a line ------------------------------------------------------------------------------ */

struct words {
	const char	*p, *end;	/* the rest of the text */
	bool		 bad;		/* sticks */
};

/* The next word must be followed by <stop>: a space within a line, a newline behind its last. */
static size_t
word(struct words *w, const char **out, char stop)
{
	const char *p = w->p;

	while (p < w->end && *p > ' ' && *p < 127)
		p++;
	*out = w->p;
	if (p == w->end || *p != stop || p == w->p) {
		w->bad = true;
		return 0;
	}
	w->p = p + 1;
	return (size_t)(p - *out);
}

static void
word_is(struct words *w, const char *what, char stop)
{
	const char *p;
	size_t n = word(w, &p, stop);

	if (n != strlen(what) || memcmp(p, what, n) != 0)
		w->bad = true;
}

static int64_t
word_number(struct words *w, char stop)
{
	const char *p;
	size_t n = word(w, &p, stop);
	int64_t v = 0;

	if (n == 0 || n > 18 || (n > 1 && *p == '0'))
		w->bad = true;
	for (size_t i = 0; !w->bad && i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			w->bad = true;
		v = v * 10 + (p[i] - '0');
	}
	return w->bad ? 0 : v;
}

static void
word_sha256(struct words *w, char out[65], char stop)
{
	const char *p;
	size_t n = word(w, &p, stop);

	for (size_t i = 0; i < n; i++)
		if ((p[i] < '0' || p[i] > '9') && (p[i] < 'a' || p[i] > 'f'))
			w->bad = true;
	if (n != 64)
		w->bad = true;
	if (!w->bad) {
		memcpy(out, p, 64);
		out[64] = '\0';
	}
}

/* ---- reading -------------------------------------------------------------------------------------- */

static void
delta_read(struct words *w, struct ti_delta_ref *d)
{
	const char *p;
	size_t n;

	word_is(w, "delta", ' ');
	n = word(w, &p, ' ');
	d->file = n == 7;
	if (n != strlen(ti_set_names[d->file]) || memcmp(p, ti_set_names[d->file], n) != 0)
		w->bad = true;
	word_sha256(w, d->base, ' ');
	word_sha256(w, d->result, ' ');
	d->size = word_number(w, ' ');
	word_sha256(w, d->sha256, '\n');
}

const char *
ti_manifest_parse(struct ti_manifest *m, const char *text, size_t n)
{
	struct words w = {text, text + n, false};

	memset(m, 0, sizeof(*m));
	word_is(&w, "llmsec-sets", ' ');
	if (w.bad)
		return "not a manifest";
	word_is(&w, "2", '\n');
	if (w.bad)
		return "a manifest of another version";
	word_is(&w, "run", ' ');
	m->run = word_number(&w, '\n');
	for (int i = 0; i < 2; i++) {
		word_is(&w, ti_set_names[i], ' ');
		m->file[i].size = word_number(&w, ' ');
		word_sha256(&w, m->file[i].sha256, '\n');
	}
	while (!w.bad && w.p < w.end) {
		if (m->n_deltas == TI_DELTAS_MAX)
			return "a manifest with too many deltas";
		delta_read(&w, &m->delta[m->n_deltas++]);
	}
	return w.bad ? "a manifest that is damaged" : NULL;
}

const char *
ti_manifest_read(struct ti_manifest *m, const char *text, size_t n, const char *public_key)
{
	static const char mark[] = "\nsig ";
	const char *why, *sig;

	if (n > TI_MANIFEST_MAX)
		return "too long for a manifest";
	sig = memmem(text, n, mark, sizeof(mark) - 1);
	if (sig == NULL)
		return "it has no signature";
	sig++;
	why = ti_signature_check_bytes(text, (size_t)(sig - text), public_key, sig + 4, n - (size_t)(sig - text) - 4);
	return why != NULL ? why : ti_manifest_parse(m, text, (size_t)(sig - text));
}

/* ---- writing -------------------------------------------------------------------------------------- */

void
ti_manifest_write(const struct ti_manifest *m, struct buf *b)
{
	buf_printf(b, "llmsec-sets 2\nrun %" PRId64 "\n", m->run);
	for (int i = 0; i < 2; i++)
		buf_printf(b, "%s %" PRId64 " %s\n", ti_set_names[i], m->file[i].size, m->file[i].sha256);
	for (size_t i = 0; i < m->n_deltas; i++) {
		const struct ti_delta_ref *d = &m->delta[i];

		buf_printf(b, "delta %s %s %s %" PRId64 " %s\n", ti_set_names[d->file], d->base, d->result, d->size, d->sha256);
	}
}

char *
ti_delta_name(char out[TI_DELTA_NAME], const struct ti_delta_ref *d)
{
	snprintf(out, TI_DELTA_NAME, "%s.%.16s.%.16s.delta", ti_set_names[d->file], d->base, d->result);
	return out;
}
