/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "haproxy-spoa/waf/exec.h"

/* One line of ModSecurity's error log. */

struct line {
	char		*buf;
	size_t		 size, len;	/* len: what it would be */
};

static void
put(struct line *l, const char *s, size_t n)
{
	size_t room = l->len < l->size ? l->size - l->len : 0;

	if (room > 0)
		memcpy(l->buf + l->len, s, n < room ? n : room);
	l->len += n;
}

static void __attribute__((format(printf, 2, 3)))
putf(struct line *l, const char *fmt, ...)
{
	char tmp[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(tmp, sizeof(tmp), fmt, ap);
	va_end(ap);
	if (n > 0)
		put(l, tmp, (size_t)n < sizeof(tmp) ? (size_t)n : sizeof(tmp) - 1);
}

/* Printable ASCII as it is; the rest, the quote and the backslash as \xHH: the line can be taken apart again. */
static void
put_escaped(struct line *l, const char *s, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		char esc[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			put(l, s + i, 1);
		else
			put(l, esc, 4);
	}
}

static void
field(struct line *l, const char *name, const char *s, size_t n)
{
	putf(l, " [%s \"", name);
	put_escaped(l, s, n);
	put(l, "\"]", 2);
}

static void
field_c(struct line *l, const char *name, const char *s)
{
	field(l, name, s, strlen(s));
}

static void
field_str(struct line *l, const char *name, struct waf_str s)
{
	field(l, name, s.n > 0 ? s.p : "", s.n);
}

static const char *const severities[] = {"EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO",
    "DEBUG"};

static void
head(struct line *l, const struct waf_tx *tx, const struct waf_match *m)
{
	if (m->disruptive)
		putf(l, "ModSecurity: Access denied with code %d (phase %d).", tx->verdict.status, m->phase);
	else
		putf(l, "ModSecurity: Warning.");
	if (m->var_name.n > 0) {
		put(l, " Matched at ", 12);
		put_escaped(l, m->var_name.p, m->var_name.n);
		put(l, ".", 1);
	}
	field_c(l, "file", m->file != NULL ? m->file : "");
	putf(l, " [line \"%d\"] [id \"%lld\"]", m->line, (long long)m->id);
}

size_t
waf_log_line(char *buf, size_t size, const struct waf_tx *tx, const struct waf_match *m, size_t data_max)
{
	struct line l = {buf, size > 0 ? size - 1 : 0, 0};
	size_t i;

	head(&l, tx, m);
	if (m->msg_len > 0)
		field(&l, "msg", m->msg, m->msg_len);
	if (m->logdata_len > 0 && data_max > 0)
		field(&l, "data", m->logdata, m->logdata_len < data_max ? m->logdata_len : data_max);
	if (m->severity >= 0 && m->severity <= 7)
		field_c(&l, "severity", severities[m->severity]);
	if (*m->ver != '\0')
		field_c(&l, "ver", m->ver);
	for (i = 0; i < m->n_tags; i++)
		field_c(&l, "tag", m->tags[i]);
	field_str(&l, "hostname", waf_vars_get(&tx->vars, WAF_V_SERVER_NAME));
	field_str(&l, "uri", waf_vars_get(&tx->vars, WAF_V_REQUEST_FILENAME));
	field_str(&l, "unique_id", tx->req->unique_id);
	if (size > 0)
		buf[l.len < size - 1 ? l.len : size - 1] = '\0';
	return l.len;
}
