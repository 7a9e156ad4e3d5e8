/* SPDX-License-Identifier: MIT */
/* Parameters of MIME headers: boundaries and Content-Disposition. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/body_multipart.h"
#include "lib/arena.h"

static const char *
space_skip(const char *p, const char *end)
{
	while (p < end && waf_is_space(*p))
		p++;
	return p;
}

/* Behind the opening quote; returns where the closing one is, or <end>. */
static const char *
quoted_end(struct mp_param *m, const char *p, const char *end)
{
	for (; p < end && *p != m->quote; p++)
		if (*p == '\\' && p + 1 < end && (p[1] == m->quote || p[1] == '\\')) {
			m->escaped_quote |= p[1] == m->quote;
			p++;
		}
	m->open = p >= end;
	return p < end ? p : end;
}

static const char *
value_read(struct mp_param *m, const char *p, const char *end)
{
	const char *start, *stop;

	if (p < end && (*p == '"' || *p == '\'')) {
		m->quote = *p++;
		stop = quoted_end(m, p, end);
		m->value = (struct waf_str){ p, (size_t)(stop - p) };
		for (p = start = stop < end ? space_skip(stop + 1, end) : end; p < end && *p != ';'; p++)
			;
		m->tail = p > start;
		return p;
	}
	for (start = p; p < end && *p != ';'; p++)
		;
	m->value = waf_str_trim((struct waf_str){ start, (size_t)(p - start) });
	return p;
}

bool
mp_param_next(const char **pp, const char *end, struct mp_param *m, bool *trailing)
{
	const char *p = space_skip(*pp, end), *start;

	memset(m, 0, sizeof(*m));
	for (; p < end && *p == ';'; p = space_skip(p + 1, end))
		m->semicolon = true;
	*trailing = p == end && m->semicolon;
	if (p == end)
		return false;
	for (start = p; p < end && *p != '=' && *p != ';' && !waf_is_space(*p); p++)
		;
	m->name = (struct waf_str){ start, (size_t)(p - start) };
	start = p;
	p = space_skip(p, end);
	m->space = p > start;
	if (p < end && *p == '=') {
		start = ++p;
		p = space_skip(p, end);
		m->space |= p > start;
		p = value_read(m, p, end);
	}
	*pp = p;
	return true;
}

/* RFC 2046, 5.1.1; a space may only stand inside a quoted one. */
static bool
boundary_char(char c, bool quoted)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	    (c != '\0' && strchr("'()+_,-./:=?", c) != NULL) || (c == ' ' && quoted);
}

static const char *
boundary_check(const struct mp_param *m)
{
	struct waf_str v = m->value;

	if (v.p == NULL || v.n == 0)
		return "Multipart: Empty boundary";
	if (m->quote == '\'' || m->open || m->tail)
		return "Multipart: Invalid boundary (quoting)";
	if (v.n > 70)
		return "Multipart: Invalid boundary (length)";
	if (v.p[v.n - 1] == ' ')
		return "Multipart: Invalid boundary (ends in a space)";
	for (size_t i = 0; i < v.n; i++)
		if (!boundary_char(v.p[i], m->quote != 0))
			return "Multipart: Invalid boundary (characters)";
	return NULL;
}

/* "multipart/form-data" itself. */
static size_t
type_length(struct waf_str type)
{
	size_t i = 0;

	while (i < type.n && type.p[i] != ';' && !waf_is_space(type.p[i]))
		i++;
	return i;
}

const char *
mp_boundary_parse(struct waf_str type, struct waf_str *boundary, bool flag[MP_FLAG_MAX])
{
	static const struct waf_str key = { "boundary", 8 };
	const char *p, *end, *error = NULL;
	struct mp_param m;
	bool trailing;

	type = waf_str_trim(type);
	*boundary = (struct waf_str){ NULL, 0 };
	if (!waf_str_begins(type, WAF_STR("multipart/")))
		return "Multipart: Content-Type is not multipart";
	p = type.p + type_length(type);
	end = type.p + type.n;
	while (mp_param_next(&p, end, &m, &trailing)) {
		if (!waf_str_begins(m.name, key))
			continue;
		if (m.name.n != key.n && m.name.p[key.n] != '*')
			continue;
		if (m.name.n != key.n)		/* RFC 2231; some servers read it */
			return "Multipart: Extended boundary parameter";
		if (boundary->p != NULL)
			return "Multipart: Multiple boundary parameters";
		flag[MP_MISSING_SEMICOLON] |= !m.semicolon;
		flag[MP_BOUNDARY_WHITESPACE] |= m.space;
		flag[MP_BOUNDARY_QUOTED] |= m.quote != 0;
		error = boundary_check(&m);
		if (error != NULL)
			return error;
		*boundary = m.value;
	}
	return boundary->p != NULL ? NULL : "Multipart: Boundary missing";
}

static struct waf_str
unescape(struct waf_vars *vars, const struct mp_param *m)
{
	struct waf_str v = m->value;
	char *copy, *o;

	if (m->quote == 0 || v.n == 0 || memchr(v.p, '\\', v.n) == NULL)
		return v;
	o = copy = arena_alloc(vars->arena, v.n);
	if (copy == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return v;
	}
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '\\' && i + 1 < v.n && (v.p[i + 1] == m->quote || v.p[i + 1] == '\\'))
			i++;
		*o++ = v.p[i];
	}
	return (struct waf_str){ copy, (size_t)(o - copy) };
}

/* A token of RFC 2045 would do, but browsers of old and scripts write file names bare. */
static bool
bare_value_ok(struct waf_str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (waf_is_space(v.p[i]) || v.p[i] == '"' || v.p[i] == '\\' || v.p[i] == '=')
			return false;
	return v.n > 0;
}

static const char *
param_check(const struct mp_param *m, bool flag[MP_FLAG_MAX])
{
	flag[MP_INVALID_QUOTING] |= m->quote == '\'' || m->escaped_quote || (m->quote != 0 && m->tail);
	if (!m->semicolon)
		return "Multipart: Invalid Content-Disposition (semicolon missing)";
	if (m->name.n == 0 || m->value.p == NULL)
		return "Multipart: Invalid Content-Disposition (parameter)";
	if (m->space)
		return "Multipart: Invalid Content-Disposition (white space)";
	if (m->open || m->tail)
		return "Multipart: Invalid Content-Disposition (quoting)";
	if (m->quote == 0 && !bare_value_ok(m->value)) {
		flag[MP_INVALID_QUOTING] |= m->value.n > 0 && memchr(m->value.p, '"', m->value.n) != NULL;
		return "Multipart: Invalid Content-Disposition (value)";
	}
	return NULL;
}

/* charset'language'value of RFC 5987, still encoded: what is behind the second quote. */
static struct waf_str
extended_value(const struct mp_param *m)
{
	struct waf_str v = m->value;
	const char *quote;

	for (int i = 0; i < 2 && m->quote == 0; i++)
		if (v.n > 0 && (quote = memchr(v.p, '\'', v.n)) != NULL)
			v = waf_str_from(v, (size_t)(quote - v.p) + 1);
	return v;
}

static const char *
param_take(struct waf_vars *vars, const struct mp_param *m, struct mp_disposition *d)
{
	static const struct waf_str known[] = { { "name", 4 }, { "filename", 8 } };
	struct waf_str *field[] = { &d->name, &d->filename };

	for (size_t i = 0; i < 2; i++) {
		bool extended = m->name.n > known[i].n && m->name.p[known[i].n] == '*';

		if (!waf_str_begins(m->name, known[i]) || (m->name.n > known[i].n && !extended))
			continue;
		if (field[i]->p != NULL)
			return i ? "Multipart: Duplicate Content-Disposition filename" :
			    "Multipart: Duplicate Content-Disposition name";
		*field[i] = extended ? extended_value(m) : unescape(vars, m);
		if (field[i]->p == NULL)
			*field[i] = WAF_STR("");
		return extended ? "Multipart: Extended Content-Disposition parameter" : NULL;
	}
	return NULL;		/* RFC 7578, 4.2: others are ignored */
}

const char *
mp_disposition_parse(struct waf_vars *vars, struct waf_str value, struct mp_disposition *d,
    bool flag[MP_FLAG_MAX])
{
	const char *p, *end, *error = NULL, *e;
	struct mp_param m;
	bool trailing;
	size_t n;

	value = waf_str_trim(value);
	*d = (struct mp_disposition){ { NULL, 0 }, { NULL, 0 } };
	n = type_length(value);
	if (!waf_str_is((struct waf_str){ value.p, n }, WAF_STR("form-data")))
		error = "Multipart: Content-Disposition is not form-data";
	p = value.p + n;
	end = value.p + value.n;
	while (mp_param_next(&p, end, &m, &trailing)) {
		e = param_check(&m, flag);
		error = error != NULL ? error : e;
		e = param_take(vars, &m, d);
		error = error != NULL ? error : e;
	}
	if (error == NULL && trailing)
		error = "Multipart: Invalid Content-Disposition (trailing semicolon)";
	if (error == NULL && d->name.p == NULL)
		error = "Multipart: Content-Disposition without a name";
	return error;
}
