/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ti-sync/format_private.h"

/* Where a comment begins: one of these at the line's start or behind a blank. */
static size_t
comment_cut(const char *p, size_t n, const char *marks)
{
	const char *at = p, *end = p + n, *best = end;

	for (; *marks != '\0'; marks++)
		for (at = p; (at = memchr(at, *marks, (size_t)(best - at))) != NULL; at++)
			if (at == p || at[-1] == ' ' || at[-1] == '\t') {
				best = at;
				break;
			}
	return (size_t)(best - p);
}

/* ---- plain lists --------------------------------------------------------------------------------- */

void
ti_line_list(struct ti_parser *ps, const char *p, size_t n)
{
	const char *f;
	size_t len;

	n = comment_cut(p, n, "#;");
	ti_trim(&p, &n);
	if (n == 0 || *p == '!' || ti_starts(p, n, "//"))
		return;
	/* "192.0.2.1 - 192.0.2.9" is one thing, "bad.example  2026-01-01" two of which the first counts. */
	if (memchr(p, '-', n) != NULL && ti_looks_like_net(p, n) && memmem(p, n, " -", 2) != NULL)
		ti_collect_token(ps->c, p, n);
	else if (ti_field(&p, &n, &f, &len))
		ti_collect_token(ps->c, f, len);
}

void
ti_line_hosts(struct ti_parser *ps, const char *p, size_t n)
{
	const char *f;
	size_t len;

	n = comment_cut(p, n, "#");
	if (!ti_field(&p, &n, &f, &len) || *f == '!')
		return;
	if (!ti_looks_like_net(f, len)) {
		ti_collect_token(ps->c, f, len);
		return;
	}
	while (ti_field(&p, &n, &f, &len) && ti_collect_token(ps->c, f, len))
		;
}

/* ---- AdBlock ------------------------------------------------------------------------------------- */

/* Options under which a rule still means the whole domain. */
static bool
whole_options(const char *p, size_t n)
{
	static const char *const fine[] = {"important", "all", "document", "doc"};

	for (const char *end = p + n, *comma; p < end; p = comma + 1) {
		bool ok = false;

		comma = memchr(p, ',', (size_t)(end - p));
		if (comma == NULL)
			comma = end;
		for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++)
			ok |= ti_is(p, (size_t)(comma - p), fine[i]);
		if (!ok)
			return false;
	}
	return true;
}

void
ti_line_adblock(struct ti_parser *ps, const char *p, size_t n)
{
	const char *caret, *all = p;
	size_t len, left, all_n = n;

	ti_trim(&p, &n);
	if (n == 0 || *p == '!' || *p == '[' || (*p == '#' && (n == 1 || p[1] == ' ')))
		return;
	if (!ti_starts(p, n, "||") || (caret = memchr(p, '^', n)) == NULL) {
		ti_collect_refuse(ps->c, TI_UNSUPPORTED, all, all_n);
		return;
	}
	len = (size_t)(caret - p) - 2;
	left = n - len - 3;
	if (left > 0 && *++caret == '|') {
		left--;
		caret++;
	}
	if ((left > 0 && (*caret != '$' || !whole_options(caret + 1, left - 1))) ||
	    memchr(p + 2, '/', len) != NULL || memchr(p + 2, '*', len) != NULL) {
		ti_collect_refuse(ps->c, TI_UNSUPPORTED, all, all_n);
		return;
	}
	ti_collect_token(ps->c, p + 2, len);
}

/* ---- dnsmasq ------------------------------------------------------------------------------------- */

/* address=/NAME/.../ADDRESS blocks when the address is nobody's or missing; so do server= and local= without
   one.  With one they mean something else. */
static bool
dnsmasq_blocks(bool address, const char *p, size_t n)
{
	static const char *const nobody[] = {"", "#", "0.0.0.0", "127.0.0.1", "::", "::1"};

	for (size_t i = 0; i < (address ? sizeof(nobody) / sizeof(*nobody) : 1); i++)
		if (ti_is(p, n, nobody[i]))
			return true;
	return false;
}

void
ti_line_dnsmasq(struct ti_parser *ps, const char *p, size_t n)
{
	const char *eq, *last, *slash;
	bool address;

	n = comment_cut(p, n, "#");
	ti_trim(&p, &n);
	if (n == 0)
		return;
	eq = memchr(p, '=', n);
	address = ti_starts(p, n, "address=/");
	if (eq == NULL || (!address && !ti_starts(p, n, "server=/") && !ti_starts(p, n, "local=/"))) {
		ti_collect_refuse(ps->c, TI_UNSUPPORTED, p, n);
		return;
	}
	last = memrchr(p, '/', n);
	if (last == eq + 1 || !dnsmasq_blocks(address, last + 1, (size_t)(p + n - last - 1))) {
		ti_collect_refuse(ps->c, TI_UNSUPPORTED, p, n);
		return;
	}
	for (p = eq + 2; p < last; p = slash + 1) {
		slash = memchr(p, '/', (size_t)(last - p + 1));
		if (!ti_collect_token(ps->c, p, (size_t)(slash - p)))
			return;
	}
}

/* ---- BIND's zone lists and response policy zones --------------------------------------------------- */

void
ti_line_bind(struct ti_parser *ps, const char *p, size_t n)
{
	const char *q;

	ti_trim(&p, &n);
	if (n == 0 || *p == '#' || ti_starts(p, n, "//") || *p == '}' || *p == '/' || *p == '*')
		return;
	if (!ti_starts(p, n, "zone \"")) {
		ti_collect_refuse(ps->c, TI_UNSUPPORTED, p, n);
		return;
	}
	q = memchr(p + 6, '"', n - 6);
	if (q == NULL)
		ti_collect_refuse(ps->c, TI_BAD_NAME, p, n);
	else
		ti_collect_token(ps->c, p + 6, (size_t)(q - p - 6));
}

/* 24.0.2.0.192.rpz-ip and 128.1.zz.db8.2001.rpz-ip: prefix length, then the address from its end. */
static void
rpz_ip(struct ti_parser *ps, const char *p, size_t n)
{
	const char *part[16], *text = p;
	size_t len[16], k = 0;
	char out[128];
	int at = 0;
	bool v4;

	for (const char *end = p + n, *dot; p < end && k < 16; p = dot + 1) {
		dot = memchr(p, '.', (size_t)(end - p));
		if (dot == NULL)
			dot = end;
		part[k] = p;
		len[k++] = (size_t)(dot - p);
	}
	v4 = k == 5;
	for (size_t i = k; i-- > 1 && at < 100; ) {
		bool zz = ti_is(part[i], len[i], "zz");

		at += snprintf(out + at, sizeof(out) - (size_t)at, "%.*s%s", zz ? 0 : (int)(len[i] < 5 ? len[i] : 5),
		    part[i], i > 1 || zz ? v4 ? "." : ":" : "");
		if (zz && i == k - 1)
			at += snprintf(out + at, sizeof(out) - (size_t)at, ":");
	}
	if (k < 3 || at >= 100) {
		ti_collect_refuse(ps->c, TI_BAD_ADDRESS, text, n);
		return;
	}
	at += snprintf(out + at, sizeof(out) - (size_t)at, "/%.*s", (int)(len[0] < 4 ? len[0] : 4), part[0]);
	ti_collect_token(ps->c, out, (size_t)at);
}

/* The owner without the zone's own name. */
static size_t
below_origin(const struct ti_parser *ps, const char *p, size_t n)
{
	size_t k = strlen(ps->origin);

	if (n > 0 && p[n - 1] == '.')
		n--;
	if (k > 0 && n > k && p[n - k - 1] == '.' && ti_is(p + n - k, k, ps->origin))
		return n - k - 1;
	return n;
}

static bool
rpz_blocks(const char *type, size_t n, const char *data, size_t data_n)
{
	if (ti_is(type, n, "CNAME"))
		return ti_is(data, data_n, ".") || ti_is(data, data_n, "*.") || ti_is(data, data_n, "rpz-drop.");
	if (ti_is(type, n, "A"))
		return ti_is(data, data_n, "0.0.0.0") || ti_is(data, data_n, "127.0.0.1");
	return ti_is(type, n, "AAAA") && (ti_is(data, data_n, "::") || ti_is(data, data_n, "::1"));
}

static bool
is_ttl_or_class(const char *p, size_t n)
{
	return ti_is(p, n, "IN") || (n > 0 && n < 12 && *p >= '0' && *p <= '9' && strspn(p, "0123456789smhdwSMHDW") >= n);
}

void
ti_line_rpz(struct ti_parser *ps, const char *p, size_t n)
{
	const char *owner, *type, *data, *all = p;
	size_t owner_n, type_n, data_n, all_n;
	bool same_owner = n > 0 && (*p == ' ' || *p == '\t');

	n = comment_cut(p, n, ";");
	all_n = n;
	if (same_owner || !ti_field(&p, &n, &owner, &owner_n))
		return;			/* what goes on from the line above: SOA's numbers, more of a blocked name */
	if (ti_is(owner, owner_n, "$ORIGIN") && ti_field(&p, &n, &data, &data_n) && data_n < sizeof(ps->origin)) {
		if (data[data_n - 1] == '.')
			data_n--;
		memcpy(ps->origin, data, data_n);
		ps->origin[data_n] = '\0';
		return;
	}
	if (*owner == '$' || *owner == ')')
		return;
	do {
		if (!ti_field(&p, &n, &type, &type_n))
			return;
	} while (is_ttl_or_class(type, type_n));
	if (ti_is(owner, owner_n, "@") || ti_is(type, type_n, "SOA") || ti_is(type, type_n, "NS")) {
		if (ti_is(type, type_n, "SOA") && owner_n > 1 && owner[owner_n - 1] == '.' && owner_n < sizeof(ps->origin)) {
			memcpy(ps->origin, owner, owner_n - 1);
			ps->origin[owner_n - 1] = '\0';
		}
		return;
	}
	owner_n = below_origin(ps, owner, owner_n);
	if (!ti_field(&p, &n, &data, &data_n) || !rpz_blocks(type, type_n, data, data_n))
		ti_collect_refuse(ps->c, TI_UNSUPPORTED, all, all_n);
	else if (owner_n > 7 && ti_is(owner + owner_n - 7, 7, ".rpz-ip"))
		rpz_ip(ps, owner, owner_n - 7);
	else if (memmem(owner, owner_n, ".rpz-", 5) != NULL)
		ti_collect_refuse(ps->c, TI_UNSUPPORTED, all, all_n);
	else
		ti_collect_token(ps->c, owner, owner_n);
}
