/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ti-sync/format_private.h"

#define DETECT_BYTES	65536u

static const struct {
	const char	*name;
	ti_line_fn	 line;		/* NULL: JSON */
} formats[TI_FORMATS] = {
	[TI_F_AUTO] = {"auto", NULL}, [TI_F_LIST] = {"list", ti_line_list},
	[TI_F_HOSTS] = {"hosts", ti_line_hosts}, [TI_F_ADBLOCK] = {"adblock", ti_line_adblock},
	[TI_F_DNSMASQ] = {"dnsmasq", ti_line_dnsmasq}, [TI_F_RPZ] = {"rpz", ti_line_rpz},
	[TI_F_BIND] = {"bind", ti_line_bind}, [TI_F_CSV] = {"csv", ti_line_table},
	[TI_F_TSV] = {"tsv", ti_line_table}, [TI_F_JSON] = {"json", NULL}, [TI_F_JSONL] = {"jsonl", NULL},
	[TI_F_STIX] = {"stix", NULL}, [TI_F_MISP] = {"misp", NULL}, [TI_F_DROP] = {"drop", NULL},
};

const char *
ti_format_str(enum ti_format f)
{
	return formats[f].name;
}

/* ---- small things -------------------------------------------------------------------------------- */

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

void
ti_trim(const char **p, size_t *n)
{
	while (*n > 0 && blank((*p)[*n - 1]))
		(*n)--;
	while (*n > 0 && blank(**p)) {
		(*p)++;
		(*n)--;
	}
}

bool
ti_field(const char **p, size_t *n, const char **field, size_t *len)
{
	ti_trim(p, n);
	for (*field = *p, *len = 0; *n > 0 && !blank(**p); (*p)++, (*n)--)
		(*len)++;
	return *len > 0;
}

bool
ti_starts(const char *p, size_t n, const char *with)
{
	size_t k = strlen(with);

	return n >= k && memcmp(p, with, k) == 0;
}

bool
ti_is(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(p, word, n) == 0;
}

/* ---- detection ----------------------------------------------------------------------------------- */

static bool
has(const char *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word)) != NULL;
}

static enum ti_format
detect_json(const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);

	if (has(p, n, "\"bundle\"") && has(p, n, "\"objects\""))
		return TI_F_STIX;
	if (has(p, n, "\"Attribute\"") || has(p, n, "\"Event\""))
		return TI_F_MISP;
	if (has(p, n, "\"cidr\"") && has(p, n, "\"sblid\""))
		return TI_F_DROP;
	/* One object a line, and another below. */
	if (*p == '{' && nl != NULL) {
		const char *q = nl + 1;
		size_t left = (size_t)(p + n - q), line = (size_t)(nl - p);

		ti_trim(&p, &line);
		while (left > 0 && (blank(*q) || *q == '\n')) {
			q++;
			left--;
		}
		if (line > 0 && p[line - 1] == '}' && left > 0 && *q == '{')
			return TI_F_JSONL;
	}
	return TI_F_JSON;
}

static size_t
count(const char *p, size_t n, char c)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += p[i] == c;
	return k;
}

/* Which format a line speaks for; TI_F_AUTO: none. */
static enum ti_format
detect_line(const char *p, size_t n)
{
	const char *f;
	size_t len;

	ti_trim(&p, &n);
	if (n == 0)
		return TI_F_AUTO;
	if (ti_starts(p, n, "[Adblock") || ti_starts(p, n, "||") || ti_starts(p, n, "@@||"))
		return TI_F_ADBLOCK;
	if (ti_starts(p, n, "address=/") || ti_starts(p, n, "server=/") || ti_starts(p, n, "local=/"))
		return TI_F_DNSMASQ;
	if (ti_starts(p, n, "zone \""))
		return TI_F_BIND;
	if (ti_starts(p, n, "$TTL") || ti_starts(p, n, "$ORIGIN") || has(p, n, " SOA ") || has(p, n, "\tSOA\t"))
		return TI_F_RPZ;
	if (*p == '#' || *p == ';' || *p == '!' || ti_starts(p, n, "//"))
		return TI_F_AUTO;
	if (has(p, n, " CNAME ") || has(p, n, "\tCNAME\t"))
		return TI_F_RPZ;
	if (count(p, n, '\t') > 0 && count(p, n, ',') == 0) {
		const char *q = p;
		size_t left = n;

		ti_field(&q, &left, &f, &len);
		return ti_looks_like_net(f, len) && len > 3 && memchr(f, '/', len) == NULL ? TI_F_HOSTS : TI_F_TSV;
	}
	if (count(p, n, ',') > 0 || *p == '"' || (count(p, n, ';') > 0 && !has(p, n, " ;")))
		return TI_F_CSV;
	if (ti_field(&p, &n, &f, &len) && (ti_is(f, len, "0.0.0.0") || ti_is(f, len, "127.0.0.1") ||
	    ti_is(f, len, "::1") || ti_is(f, len, "::")) && n > 0)
		return TI_F_HOSTS;
	return TI_F_LIST;
}

enum ti_format
ti_format_detect(const char *p, size_t n)
{
	size_t votes[TI_FORMATS] = {0};
	enum ti_format best = TI_F_LIST;
	const char *end;

	if (ti_starts(p, n, "\xef\xbb\xbf")) {
		p += 3;
		n -= 3;
	}
	end = p + n;
	while (p < end && (blank(*p) || *p == '\n'))
		p++;
	if (p < end && (*p == '{' || (*p == '[' && !ti_starts(p, (size_t)(end - p), "[Adblock"))))
		return detect_json(p, (size_t)(end - p));
	for (const char *nl; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		votes[detect_line(p, (size_t)(nl - p))]++;
	}
	votes[TI_F_AUTO] = 0;
	/* What only one format can say, says it. */
	for (int f = TI_F_ADBLOCK; f <= TI_F_BIND; f++)
		votes[f] *= 3;
	for (int f = 1; f < TI_FORMATS; f++)
		if (votes[f] > votes[best])
			best = (enum ti_format)f;
	return best;
}

/* ---- the parser ---------------------------------------------------------------------------------- */

struct ti_parser *
ti_parser_new(const struct ti_format_opts *opts, struct ti_collect *c)
{
	struct ti_parser *ps = calloc(1, sizeof(*ps));

	if (ps == NULL)
		return NULL;
	ps->opts = *opts;
	ps->c = c;
	ps->column = -1;
	ps->format = opts->format;
	if (ps->format != TI_F_AUTO && formats[ps->format].line == NULL && ti_json_start(ps) < 0)
		ti_parser_free(&ps);
	return ps;
}

void
ti_parser_free(struct ti_parser **pp)
{
	struct ti_parser *ps = *pp;

	*pp = NULL;
	if (ps == NULL)
		return;
	json_scan_free(&ps->scan);
	buf_free(&ps->head);
	free(ps);
}

const char *
ti_parser_error(const struct ti_parser *ps)
{
	return ps->why;
}

enum ti_format
ti_parser_format(const struct ti_parser *ps)
{
	return ps->format;
}

static void
line_take(struct ti_parser *ps, const char *p, size_t n)
{
	ps->c->line++;
	if (ps->c->line == 1 && ti_starts(p, n, "\xef\xbb\xbf")) {
		p += 3;
		n -= 3;
	}
	if (ps->skip) {
		ps->skip = false;
		ti_collect_refuse(ps->c, TI_TOO_LONG, "", 0);
	} else if (memchr(p, '\0', n) != NULL) {
		ti_collect_refuse(ps->c, TI_BAD_NAME, p, n);
	} else {
		formats[ps->format].line(ps, p, n);
	}
	ps->err = ps->c->err;
}

/* A CR that no LF follows ends a line, too: what stands behind it is no remark on what stands before. */
static void
line_one(struct ti_parser *ps, const char *p, size_t n)
{
	const char *cr;

	while (n > 0 && p[n - 1] == '\r')
		n--;
	while (!ps->skip && ps->err == 0 && n > 0 && (cr = memchr(p, '\r', n)) != NULL) {
		line_take(ps, p, (size_t)(cr - p));
		n -= (size_t)(cr + 1 - p);
		p = cr + 1;
	}
	if (ps->err == 0)
		line_take(ps, p, n);
}

/* Lines that lie whole in what was fed are parsed where they are. */
static void
lines_feed(struct ti_parser *ps, const char *p, size_t n)
{
	const char *end = p + n, *nl;

	for (; p < end && ps->err == 0; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL) {
			if (!ps->skip && buf_len(&ps->head) + (size_t)(end - p) <= LINE_MAX_BYTES)
				ps->err = buf_add(&ps->head, p, (size_t)(end - p));
			else
				ps->skip = true;
			return;
		}
		if (buf_len(&ps->head) == 0) {
			line_one(ps, p, (size_t)(nl - p));
			continue;
		}
		if (buf_len(&ps->head) + (size_t)(nl - p) > LINE_MAX_BYTES)
			ps->skip = true;
		else
			ps->err = buf_add(&ps->head, p, (size_t)(nl - p));
		if (ps->err == 0)
			line_one(ps, buf_ptr(&ps->head), buf_len(&ps->head));
		buf_clear(&ps->head);
	}
}

static void
content_feed(struct ti_parser *ps, const void *p, size_t n)
{
	if (formats[ps->format].line != NULL)
		lines_feed(ps, p, n);
	else
		ps->err = ti_json_feed(ps, p, n);
}

/* The format is known now: what was kept goes through it. */
static void
detected(struct ti_parser *ps)
{
	struct buf head = ps->head;

	ps->head = (struct buf){0};
	ps->format = ti_format_detect(buf_ptr(&head), buf_len(&head));
	if (formats[ps->format].line == NULL)
		ps->err = ti_json_start(ps);
	if (ps->err == 0)
		content_feed(ps, buf_ptr(&head), buf_len(&head));
	buf_free(&head);
}

int
ti_parser_feed(struct ti_parser *ps, const void *p, size_t n)
{
	if (ps->err != 0)
		return ps->err;
	if (ps->format != TI_F_AUTO) {
		content_feed(ps, p, n);
		return ps->err;
	}
	ps->err = buf_add(&ps->head, p, n);
	if (ps->err == 0 && buf_len(&ps->head) >= DETECT_BYTES)
		detected(ps);
	return ps->err;
}

int
ti_parser_end(struct ti_parser *ps)
{
	if (ps->err == 0 && ps->format == TI_F_AUTO)
		detected(ps);
	if (ps->err != 0)
		return ps->err;
	if (formats[ps->format].line == NULL)
		ps->err = ti_json_end(ps);
	else if (buf_len(&ps->head) > 0 || ps->skip)
		line_one(ps, buf_ptr(&ps->head), buf_len(&ps->head));
	return ps->err;
}
