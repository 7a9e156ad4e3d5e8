/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/utf8.h"
#include "tests/unit/control/promtext.h"

#define LABELS_MAX	32

struct sample {
	char		*name;
	char		*labels;	/* sorted, without le */
	bool		 has_le;
	double		 le, value;
	unsigned	 line;
};

struct family {
	char		*name, *type;	/* type NULL: only HELP so far */
	size_t		 first, n;	/* its samples */
};

struct parse {
	struct prom_report	*r;
	unsigned		 line;
	struct family		*fam;
	struct sample		*s;
	size_t			 n_fam, n_s;
};

struct label {
	const char	*name, *value;
	size_t		 name_len, value_len;
};

static int __attribute__((format(printf, 3, 4)))
fault(struct parse *ps, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ps->r->why, sizeof(ps->r->why), fmt, ap);
	va_end(ap);
	ps->r->line = line;
	return -EINVAL;
}

static void *
grown(void *p, size_t n, size_t size)
{
	p = realloc(p, (n + 1) * size);
	if (p == NULL)
		abort();
	memset((char *)p + n * size, 0, size);
	return p;
}

static size_t
word_len(const char *s, bool colons)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || s[n] == '_' ||
	    (colons && s[n] == ':') || (n > 0 && s[n] >= '0' && s[n] <= '9'))
		n++;
	return n;
}

/* --- comments --- */

static int
help_take(struct parse *ps, const char *s)
{
	size_t n = word_len(s, true);
	struct family *f;

	if (n == 0 || s[n] != ' ')
		return fault(ps, ps->line, "HELP without a name and text");
	for (size_t i = 0; i < ps->n_fam; i++)
		if (strlen(ps->fam[i].name) == n && memcmp(ps->fam[i].name, s, n) == 0)
			return fault(ps, ps->line, "second HELP of %.*s", (int)n, s);
	for (const char *p = s + n; *p != '\0'; p++)
		if (*p == '\\' && *++p != '\\' && *p != 'n')
			return fault(ps, ps->line, "bad escape in HELP");
	if (ps->n_fam > 0 && (ps->fam[ps->n_fam - 1].type == NULL || ps->fam[ps->n_fam - 1].n == 0))
		return fault(ps, ps->line, "%s has no samples", ps->fam[ps->n_fam - 1].name);
	ps->fam = grown(ps->fam, ps->n_fam, sizeof(*ps->fam));
	f = &ps->fam[ps->n_fam++];
	f->name = strndup(s, n);
	f->first = ps->n_s;
	return 0;
}

static int
type_take(struct parse *ps, const char *s)
{
	static const char *const types[] = { "counter", "gauge", "histogram", "summary", "untyped" };
	struct family *f = ps->n_fam > 0 ? &ps->fam[ps->n_fam - 1] : NULL;
	size_t n = word_len(s, true);

	if (n == 0 || s[n] != ' ')
		return fault(ps, ps->line, "TYPE without a name and type");
	if (f == NULL || strlen(f->name) != n || memcmp(f->name, s, n) != 0)
		return fault(ps, ps->line, "TYPE of %.*s doesn't follow its HELP", (int)n, s);
	if (f->type != NULL)
		return fault(ps, ps->line, "second TYPE of %s", f->name);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], s + n + 1) == 0)
			f->type = strdup(types[i]);
	if (f->type == NULL)
		return fault(ps, ps->line, "unknown type");
	n = strlen(f->name);
	if (strcmp(f->type, "counter") == 0 && (n < 7 || strcmp(f->name + n - 6, "_total") != 0))
		return fault(ps, ps->line, "counter %s doesn't end in _total", f->name);
	return 0;
}

/* --- samples --- */

/* What Prometheus writes: decimal, NaN, +Inf, -Inf. */
static bool
number_take(const char *s, size_t n, double *out)
{
	char text[64], *end;

	if (n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	if (strcmp(text, "NaN") != 0 && strcmp(text, "+Inf") != 0 && strcmp(text, "-Inf") != 0 &&
	    strspn(text, "0123456789+-.eE") != n)
		return false;
	*out = strtod(text, &end);
	return *end == '\0';
}

static int
label_cmp(const void *va, const void *vb)
{
	const struct label *a = va, *b = vb;
	size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
	int c = memcmp(a->name, b->name, n);

	return c != 0 ? c : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* One name="value" at *p, moved behind it. */
static int
label_take(struct parse *ps, const char **p, struct label *l)
{
	const char *s = *p;

	l->name = s;
	l->name_len = word_len(s, false);
	if (l->name_len == 0 || strncmp(s, "__", 2) == 0)
		return fault(ps, ps->line, "bad label name");
	s += l->name_len;
	if (*s++ != '=' || *s++ != '"')
		return fault(ps, ps->line, "label without =\"");
	l->value = s;
	for (; *s != '"'; s++) {
		if (*s == '\\' && *++s != '\\' && *s != '"' && *s != 'n')
			return fault(ps, ps->line, "bad escape in a label value");
		if (*s == '\0')
			return fault(ps, ps->line, "label value without an end");
	}
	l->value_len = (size_t)(s - l->value);
	*p = s + 1;
	return 0;
}

static int
labels_keep(struct parse *ps, struct sample *s, struct label *l, size_t n)
{
	struct buf b = {0};

	if (n > 1)
		qsort(l, n, sizeof(*l), label_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && label_cmp(&l[i - 1], &l[i]) == 0) {
			buf_free(&b);
			return fault(ps, ps->line, "label %.*s twice", (int)l[i].name_len, l[i].name);
		}
		if (l[i].name_len == 2 && memcmp(l[i].name, "le", 2) == 0) {
			s->has_le = number_take(l[i].value, l[i].value_len, &s->le);
			if (!s->has_le) {
				buf_free(&b);
				return fault(ps, ps->line, "le is no number");
			}
			continue;
		}
		buf_printf(&b, "%.*s=%.*s,", (int)l[i].name_len, l[i].name, (int)l[i].value_len, l[i].value);
	}
	s->labels = strndup(buf_ptr(&b) != NULL ? buf_ptr(&b) : "", buf_len(&b));
	buf_free(&b);
	return 0;
}

static int
labels_take(struct parse *ps, const char **p, struct sample *s)
{
	struct label l[LABELS_MAX];
	size_t n = 0;
	int r;

	if (**p == '{') {
		do {
			(*p)++;
			if (n == LABELS_MAX)
				return fault(ps, ps->line, "more than %d labels", LABELS_MAX);
			r = label_take(ps, p, &l[n++]);
			if (r < 0)
				return r;
		} while (**p == ',');
		if (*(*p)++ != '}')
			return fault(ps, ps->line, "labels without an end");
	}
	return labels_keep(ps, s, l, n);
}

/* Does a sample of that name belong to the family? */
static bool
member_of(const struct family *f, const char *name, bool has_le)
{
	size_t n = strlen(f->name);

	if (strcmp(f->type, "histogram") != 0)
		return strcmp(f->name, name) == 0 && !has_le;
	if (strncmp(f->name, name, n) != 0)
		return false;
	if (strcmp(name + n, "_bucket") == 0)
		return has_le;
	return !has_le && (strcmp(name + n, "_sum") == 0 || strcmp(name + n, "_count") == 0);
}

static int
sample_take(struct parse *ps, const char *p)
{
	struct family *f = ps->n_fam > 0 ? &ps->fam[ps->n_fam - 1] : NULL;
	struct sample *s;
	size_t n = word_len(p, true);
	int r;

	if (n == 0)
		return fault(ps, ps->line, "neither a comment nor a sample");
	ps->s = grown(ps->s, ps->n_s, sizeof(*ps->s));
	s = &ps->s[ps->n_s++];
	s->name = strndup(p, n);
	s->line = ps->line;
	p += n;
	r = labels_take(ps, &p, s);
	if (r < 0)
		return r;
	if (f == NULL || f->type == NULL || !member_of(f, s->name, s->has_le))
		return fault(ps, ps->line, "%s stands outside of its family", s->name);
	f->n++;
	if (*p++ != ' ')
		return fault(ps, ps->line, "no single space before the value");
	n = strcspn(p, " ");
	if (!number_take(p, n, &s->value))
		return fault(ps, ps->line, "the value is no number");
	if (p[n] == ' ' && (p[n + 1] == '\0' || p[n + 1 + strspn(p + n + 1, "-0123456789")] != '\0'))
		return fault(ps, ps->line, "the timestamp is no number");
	if (strcmp(f->type, "counter") == 0 && !(s->value >= 0))
		return fault(ps, ps->line, "a counter below zero");
	return 0;
}

/* --- the whole --- */

static int
sample_cmp(const void *va, const void *vb)
{
	const struct sample *a = *(const struct sample *const *)va, *b = *(const struct sample *const *)vb;
	int c = strcmp(a->name, b->name);

	if (c == 0)
		c = strcmp(a->labels, b->labels);
	return c != 0 ? c : (a->le > b->le) - (a->le < b->le);
}

static int
duplicates_check(struct parse *ps)
{
	const struct sample **v = calloc(ps->n_s + 1, sizeof(*v));
	int r = 0;

	if (v == NULL)
		abort();
	for (size_t i = 0; i < ps->n_s; i++)
		v[i] = &ps->s[i];
	qsort(v, ps->n_s, sizeof(*v), sample_cmp);
	for (size_t i = 1; i < ps->n_s && r == 0; i++)
		if (sample_cmp(&v[i - 1], &v[i]) == 0)
			r = fault(ps, v[i]->line, "series %s{%s} twice", v[i]->name, v[i]->labels);
	free(v);
	return r;
}

static bool
suffix(const struct sample *s, const struct family *f, const char *end)
{
	return strcmp(s->name + strlen(f->name), end) == 0;
}

/* One histogram: the samples of <f> with these labels. */
static int
histogram_check(struct parse *ps, const struct family *f, const char *labels)
{
	const struct sample *last = NULL, *sum = NULL, *count = NULL, *s;

	for (size_t i = f->first; i < f->first + f->n; i++) {
		s = &ps->s[i];
		if (strcmp(s->labels, labels) != 0)
			continue;
		if (suffix(s, f, "_sum"))
			sum = s;
		else if (suffix(s, f, "_count"))
			count = s;
		else if (last != NULL && !(s->le > last->le))
			return fault(ps, s->line, "bucket %g after %g", s->le, last->le);
		else if (last != NULL && !(s->value >= last->value))
			return fault(ps, s->line, "bucket %g holds less than the one before", s->le);
		else
			last = s;
	}
	if (last == NULL || sum == NULL || count == NULL)
		return fault(ps, ps->s[f->first].line, "%s{%s} lacks buckets, sum or count", f->name, labels);
	if (!isinf(last->le) || last->value != count->value)
		return fault(ps, count->line, "%s{%s}: the last bucket is not +Inf with the count", f->name, labels);
	return 0;
}

static int
histograms_check(struct parse *ps)
{
	int r = 0;

	for (size_t k = 0; k < ps->n_fam && r == 0; k++) {
		const struct family *f = &ps->fam[k];

		if (strcmp(f->type, "histogram") != 0)
			continue;
		for (size_t i = f->first; i < f->first + f->n && r == 0; i++)
			if (i == f->first || strcmp(ps->s[i].labels, ps->s[i - 1].labels) != 0)
				r = histogram_check(ps, f, ps->s[i].labels);
	}
	return r;
}

static int
line_take(struct parse *ps, const char *line, size_t len)
{
	char *s;
	int r;

	if (memchr(line, '\0', len) != NULL || !utf8_valid(line, len))
		return fault(ps, ps->line, "not UTF-8 text");
	s = strndup(line, len);
	if (s == NULL)
		abort();
	if (strncmp(s, "# HELP ", 7) == 0)
		r = help_take(ps, s + 7);
	else if (strncmp(s, "# TYPE ", 7) == 0)
		r = type_take(ps, s + 7);
	else if (s[0] == '#')
		r = fault(ps, ps->line, "a comment that is neither HELP nor TYPE");
	else
		r = sample_take(ps, s);
	free(s);
	return r;
}

static int
lines_take(struct parse *ps, const char *text, size_t len)
{
	const char *p = text, *end = text + len, *nl;
	int r = 0;

	for (; p < end && r == 0; p = nl + 1) {
		ps->line++;
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			return fault(ps, ps->line, "the last line has no end");
		r = line_take(ps, p, (size_t)(nl - p));
	}
	if (r == 0 && ps->n_fam > 0 && ps->fam[ps->n_fam - 1].n == 0)
		r = fault(ps, ps->line, "%s has no samples", ps->fam[ps->n_fam - 1].name);
	return r;
}

int
prom_check(const char *text, size_t len, struct prom_report *report)
{
	struct parse ps = { .r = report };
	int r;

	memset(report, 0, sizeof(*report));
	r = lines_take(&ps, text, len);
	if (r == 0)
		r = duplicates_check(&ps);
	if (r == 0)
		r = histograms_check(&ps);
	report->families = (unsigned)ps.n_fam;
	report->series = (unsigned)ps.n_s;
	for (size_t i = 0; i < ps.n_s; i++) {
		free(ps.s[i].name);
		free(ps.s[i].labels);
	}
	for (size_t i = 0; i < ps.n_fam; i++) {
		free(ps.fam[i].name);
		free(ps.fam[i].type);
	}
	free(ps.s);
	free(ps.fam);
	return r;
}
