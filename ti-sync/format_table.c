/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ti-sync/format_private.h"

#define COLUMNS	64
#define FIELD	2048

/* RFC 4180, a record a line: fields in quotes have doubled quotes inside.  Returns how many there are. */
static int
fields_split(const char *p, size_t n, char delimiter, char field[COLUMNS][FIELD])
{
	const char *end = p + n;
	int k = 0;

	for (; k < COLUMNS; k++) {
		bool quoted = p < end && *p == '"';
		size_t at = 0;

		p += quoted;
		for (; p < end; p++) {
			if (quoted && *p == '"') {
				if (p + 1 == end || p[1] != '"') {
					quoted = false;
					continue;
				}
				p++;
			} else if (!quoted && *p == delimiter) {
				break;
			}
			if (at < FIELD - 1)
				field[k][at++] = *p;
		}
		field[k][at] = '\0';
		if (p >= end)
			return k + 1;
		p++;
	}
	return k;
}

static char
delimiter_guess(const char *p, size_t n)
{
	static const char tries[] = ",;\t|";
	size_t best = 0;
	char d = ',';

	for (const char *t = tries; *t != '\0'; t++) {
		size_t k = 0;

		for (size_t i = 0; i < n; i++)
			k += p[i] == *t;
		if (k > best) {
			best = k;
			d = *t;
		}
	}
	return d;
}

static bool
looks_right(const char *s)
{
	const char *p = s;
	size_t n = strlen(s), len;
	struct cidr c[64];
	char name[256];

	ti_trim(&p, &n);
	if (n == 0)
		return false;
	if (ti_looks_like_net(p, n))
		return ti_canon_net(c, &len, p, n) == TI_OK;
	if (memmem(p, n, "://", 3) != NULL)
		return ti_url_host(&p, &n);
	return memchr(p, '.', n) != NULL && ti_canon_name(name, &len, p, n) == TI_OK &&
	    ti_name_reserved(name, len) == TI_OK;
}

/* The first line tells: the header has the column's name, or a field looks like what is wanted. */
static bool
column_find(struct ti_parser *ps, char field[COLUMNS][FIELD], int n)
{
	static const char *const usual[] = {"domain", "host", "hostname", "fqdn", "url", "ip", "ip_address", "dst_ip",
	    "indicator", "ioc", "ioc_value", "cidr", "network"};
	const char *want = ps->opts.column;
	char *end;
	long k;

	if (want != NULL && *want != '\0') {
		k = strtol(want, &end, 10);
		if (*end == '\0' && k >= 1 && k <= COLUMNS) {
			ps->column = (int)k - 1;
			return !looks_right(field[ps->column < n ? ps->column : 0]);
		}
		for (int i = 0; i < n; i++)
			if (ti_is(field[i], strlen(field[i]), want)) {
				ps->column = i;
				return true;
			}
		return false;		/* not the header yet */
	}
	for (int i = 0; i < n; i++)
		if (looks_right(field[i])) {
			ps->column = i;
			return false;
		}
	for (size_t u = 0; u < sizeof(usual) / sizeof(*usual); u++)
		for (int i = 0; i < n; i++)
			if (ti_is(field[i], strlen(field[i]), usual[u])) {
				ps->column = i;
				return true;
			}
	return false;
}

void
ti_line_table(struct ti_parser *ps, const char *p, size_t n)
{
	static __thread char field[COLUMNS][FIELD];
	const char *value;
	bool header;
	size_t len;
	int k;

	while (n > 0 && p[n - 1] == '\r')
		n--;
	if (n == 0)
		return;
	/* Feeds put comments above the table, and the header into the last of them. */
	header = *p == '#';
	while (n > 0 && (*p == '#' || (header && *p == ' '))) {
		p++;
		n--;
	}
	if (header && ps->column >= 0)
		return;
	if (ps->delimiter == '\0')
		ps->delimiter = ps->format == TI_F_TSV ? '\t' : header && memchr(p, ',', n) == NULL ? '\0' :
		    delimiter_guess(p, n);
	if (ps->delimiter == '\0')
		return;
	k = fields_split(p, n, ps->delimiter, field);
	if (ps->column < 0) {
		header |= column_find(ps, field, k);
		if (ps->column >= 0 && header)
			return;
	}
	if (header)
		return;
	if (ps->column < 0 || ps->column >= k) {
		ti_collect_refuse(ps->c, TI_BAD_NAME, p, n);
		return;
	}
	value = field[ps->column];
	len = strlen(value);
	ti_trim(&value, &len);
	if (len > 0)
		ti_collect_token(ps->c, value, len);
}
