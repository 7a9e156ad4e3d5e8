/* SPDX-License-Identifier: MIT */
/*
 * multipart/form-data, line by line.  Whatever is wrong is reported (MULTIPART_..., REQBODY_ERROR) and reading
 * goes on, so that the rules see all there is; nothing is guessed.
 */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/body_multipart.h"
#include "lib/arena.h"

enum state { PREAMBLE, HEADERS, DATA, EPILOGUE };

struct line {
	struct waf_str	 text;		/* without its end */
	const char	*next;
	int		 eol;		/* bytes of it: 2 CR LF, 1 LF, 0 end of the body */
};

struct part {
	struct waf_str	 disposition;	/* value of that header; .p NULL: none */
	size_t		 first_header;	/* in MULTIPART_PART_HEADERS */
	const char	*data;
	struct mp_disposition d;
	struct waf_str	 header;	/* the one being read, its folded lines included; .p NULL: none */
	bool		 folded, has_type;
	int		 last_eol;	/* of the line before the one at hand */
};

struct multipart {
	struct waf_vars	*vars;
	const struct waf_settings *set;
	struct waf_str	 boundary;
	enum state	 state;
	struct part	 part;
	bool		 flag[MP_FLAG_MAX];
	bool		 crlf, lf, stop;
	bool		 dashes;	/* a line begins with "--" and is no boundary */
	bool		 near_boundary;	/* some parser may take it for one */
	size_t		 n_files, files_size, no_files_size;
};

static void
mp_error(struct multipart *m, const char *text)
{
	waf_vars_body_error(m->vars, text);
}

static void
part_invalid(struct multipart *m, const char *text)
{
	m->flag[MP_INVALID_PART] = true;
	mp_error(m, text);
}

static struct line
line_read(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));
	struct line l = { .text = { p, (size_t)((nl ? nl : end) - p) }, .next = nl ? nl + 1 : end };

	if (nl == NULL)
		return l;
	l.eol = 1;
	if (l.text.n > 0 && l.text.p[l.text.n - 1] == '\r') {
		l.eol = 2;
		l.text.n--;
	}
	return l;
}

/* How the lines that are structure end. */
static void
eol_note(struct multipart *m, int eol)
{
	m->crlf |= eol == 2;
	m->lf |= eol == 1;
}

static bool
all_space(struct waf_str s)
{
	return waf_str_trim(s).n == 0;
}

enum mark { MARK_NONE, MARK_PART, MARK_FINAL };

/* "--" and something else.  What a sloppy parser may take for a boundary is an error. */
static enum mark
not_boundary(struct multipart *m, struct waf_str rest)
{
	m->dashes = true;
	while (rest.n > 0 && (waf_is_space(rest.p[0]) || rest.p[0] == '"'))
		rest = waf_str_from(rest, 1);
	if (waf_str_begins(rest, m->boundary)) {
		m->near_boundary = true;
		mp_error(m, "Multipart: Invalid boundary");
	}
	return MARK_NONE;
}

static enum mark
boundary_match(struct multipart *m, struct waf_str text)
{
	enum mark mark = MARK_PART;
	struct waf_str rest;

	if (text.n < 2 || text.p[0] != '-' || text.p[1] != '-')
		return MARK_NONE;
	rest = waf_str_from(text, 2);
	if (rest.n < m->boundary.n || memcmp(rest.p, m->boundary.p, m->boundary.n) != 0)
		return not_boundary(m, rest);
	rest = waf_str_from(rest, m->boundary.n);
	if (rest.n >= 2 && rest.p[0] == '-' && rest.p[1] == '-') {
		mark = MARK_FINAL;
		rest = waf_str_from(rest, 2);
	}
	if (!all_space(rest))
		return not_boundary(m, waf_str_from(text, 2));
	if (rest.n > 0)
		m->flag[MP_BOUNDARY_WHITESPACE] = true;
	return mark;
}

static void
file_add(struct multipart *m, struct waf_str name, struct waf_str filename, struct waf_str data)
{
	struct waf_vars *vars = m->vars;

	if (m->set->upload_file_limit > 0 && m->n_files >= (uint64_t)m->set->upload_file_limit) {
		m->flag[MP_FILE_LIMIT_EXCEEDED] = true;
		return;
	}
	m->n_files++;
	m->files_size += data.n;
	waf_vars_add(vars, WAF_V_FILES, name, filename);
	waf_vars_add(vars, WAF_V_FILES_NAMES, name, name);
	waf_vars_add(vars, WAF_V_FILES_SIZES, name, waf_vars_int_text(vars, (int64_t)data.n));
	waf_vars_add(vars, WAF_V_FILES_TMP_CONTENT, name, data);
	waf_vars_add(vars, WAF_V_MULTIPART_FILENAME, name, filename);
}

/* The bytes before a boundary line; the line end in front of it is the boundary's. */
static void
part_finish(struct multipart *m, const char *end)
{
	struct part *part = &m->part;
	struct waf_str data = { part->data, 0 }, name = waf_str_safe(part->d.name);

	if (end > part->data) {
		eol_note(m, part->last_eol);
		data.n = (size_t)(end - part->data) - (size_t)part->last_eol;
	}
	if (part->d.filename.p != NULL) {
		file_add(m, name, part->d.filename, data);
		return;
	}
	m->no_files_size += data.n;
	m->stop |= !waf_vars_add_arg(m->vars, m->set, WAF_ARG_POST, name, data);
}

/* The lines of a folded header as one: what is between them, line end and white space, becomes one space. */
static struct waf_str
header_unfold(struct multipart *m, struct waf_str header)
{
	char *copy = arena_alloc(m->vars->arena, header.n), *o = copy;
	const char *p = header.p, *end = p + header.n;
	struct line l;

	if (copy == NULL) {
		waf_vars_fail(m->vars, WAF_E_MEMORY);
		return header;
	}
	for (; p < end; p = l.next) {
		l = line_read(p, end);
		if (o != copy) {
			*o++ = ' ';
			l.text = waf_str_trim(l.text);
		}
		o = waf_str_put(o, l.text);
	}
	return (struct waf_str){ copy, (size_t)(o - copy) };
}

static void
header_known(struct multipart *m, struct waf_str name, struct waf_str value)
{
	struct part *part = &m->part;

	if (waf_str_is(name, WAF_STR("content-disposition"))) {
		if (part->disposition.p != NULL)
			part_invalid(m, "Multipart: Duplicate part header");
		else
			part->disposition = value;
	} else if (waf_str_is(name, WAF_STR("content-type"))) {
		if (part->has_type)
			part_invalid(m, "Multipart: Duplicate part header");
		part->has_type = true;
	}
}

/* What follows shows that the header at hand is complete. */
static void
header_finish(struct multipart *m)
{
	struct waf_str h = m->part.header, name;
	const char *colon;

	if (h.p == NULL)
		return;
	if (m->part.folded)
		h = header_unfold(m, h);
	m->part.header.p = NULL;
	m->part.folded = false;
	m->stop |= !waf_list_add(m->vars, &m->vars->list[WAF_V_MULTIPART_PART_HEADERS], WAF_STR(""), h);
	colon = memchr(h.p, ':', h.n);
	if (colon == NULL) {
		part_invalid(m, "Multipart: Invalid part header (colon missing)");
		return;
	}
	name = waf_str_trim((struct waf_str){ h.p, (size_t)(colon - h.p) });
	if (name.n == 0 || name.n != (size_t)(colon - h.p))
		part_invalid(m, "Multipart: Invalid part header (name)");
	header_known(m, name, waf_str_trim(waf_str_from(h, (size_t)(colon - h.p) + 1)));
}

static void
header_begin(struct multipart *m, struct waf_str text)
{
	header_finish(m);
	if (m->set->arguments_limit > 0 &&
	    m->vars->list[WAF_V_MULTIPART_PART_HEADERS].n >= (uint64_t)m->set->arguments_limit) {
		waf_vars_fail(m->vars, WAF_E_ARGS);
		mp_error(m, "Multipart: Too many part headers");
		m->stop = true;
		return;
	}
	m->part.header = text;
}

static void
header_line(struct multipart *m, struct waf_str text)
{
	struct waf_str *header = &m->part.header;

	m->no_files_size += text.n;
	if (memchr(text.p, '\0', text.n) != NULL || memchr(text.p, '\r', text.n) != NULL)
		part_invalid(m, "Multipart: NUL or CR in part headers");
	if (!waf_is_space(text.p[0])) {
		header_begin(m, text);
		return;
	}
	m->flag[MP_HEADER_FOLDING] = true;
	if (text.p[0] != ' ' && text.p[0] != '\t')
		m->flag[MP_INVALID_HEADER_FOLDING] = true;
	if (header->p == NULL) {	/* goes on where nothing was: taken as a header, so that it is seen */
		part_invalid(m, "Multipart: Invalid part header (folding)");
		header_begin(m, text);
		return;
	}
	header->n = (size_t)(text.p + text.n - header->p);
	m->part.folded = true;
}

static void
headers_finish(struct multipart *m, const char *data)
{
	struct waf_list *list = &m->vars->list[WAF_V_MULTIPART_PART_HEADERS];
	struct part *part = &m->part;
	const char *error = "Multipart: Part without Content-Disposition";
	struct waf_str name;

	header_finish(m);
	if (part->disposition.p != NULL)
		error = mp_disposition_parse(m->vars, part->disposition, &part->d, m->flag);
	if (error != NULL)
		part_invalid(m, error);
	name = waf_str_safe(part->d.name);
	for (size_t i = part->first_header; i < list->n; i++)
		list->v[i].key = name;
	waf_vars_add(m->vars, WAF_V_MULTIPART_NAME, name, name);
	part->data = data;
	part->last_eol = 0;
	m->state = DATA;
}

static void
part_begin(struct multipart *m)
{
	m->part = (struct part){ .first_header = m->vars->list[WAF_V_MULTIPART_PART_HEADERS].n };
	m->state = HEADERS;
}

static void
boundary_line(struct multipart *m, enum mark mark, const struct line *l)
{
	eol_note(m, l->eol);
	if (m->state == HEADERS) {
		part_invalid(m, "Multipart: Part ends within its headers");
		headers_finish(m, l->text.p);
	}
	if (m->state == DATA)
		part_finish(m, l->text.p);
	if (mark == MARK_PART)
		part_begin(m);
	else
		m->state = EPILOGUE;
}

static void
line_take(struct multipart *m, const struct line *l)
{
	enum mark mark = boundary_match(m, l->text);

	if (mark != MARK_NONE)
		boundary_line(m, mark, l);
	else if (m->state == PREAMBLE)
		m->flag[MP_DATA_BEFORE] = true;
	else if (m->state == DATA)
		m->part.last_eol = l->eol;
	else {
		eol_note(m, l->eol);
		if (l->text.n == 0)
			headers_finish(m, l->next);
		else
			header_line(m, l->text);
	}
}

/* A bare CR in front of what would be a boundary: a line for some parsers, not for us. */
static bool
boundary_after_cr(const struct multipart *m, struct waf_str body)
{
	const char *p = body.p, *end = p + body.n;

	while ((p = memchr(p, '\r', (size_t)(end - p))) != NULL) {
		p++;
		if ((size_t)(end - p) >= m->boundary.n + 2 && memcmp(p, "--", 2) == 0 &&
		    memcmp(p + 2, m->boundary.p, m->boundary.n) == 0)
			return true;
	}
	return false;
}

static void
body_finish(struct multipart *m, struct waf_str body, bool cut)
{
	const char *end = body.p + body.n;

	if (m->state == EPILOGUE || m->stop)
		return;
	if (!cut)
		mp_error(m, "Multipart: Final boundary missing");
	if (m->state == HEADERS)
		headers_finish(m, end);
	if (m->state == DATA) {
		m->part.last_eol = 0;
		part_finish(m, end);
	}
}

static void
flags_store(struct multipart *m)
{
	static const enum waf_var var[MP_FLAG_MAX] = {
		WAF_V_MULTIPART_BOUNDARY_QUOTED, WAF_V_MULTIPART_BOUNDARY_WHITESPACE,
		WAF_V_MULTIPART_CRLF_LF_LINES, WAF_V_MULTIPART_DATA_AFTER, WAF_V_MULTIPART_DATA_BEFORE,
		WAF_V_MULTIPART_FILE_LIMIT_EXCEEDED, WAF_V_MULTIPART_HEADER_FOLDING,
		WAF_V_MULTIPART_INVALID_HEADER_FOLDING, WAF_V_MULTIPART_INVALID_PART,
		WAF_V_MULTIPART_INVALID_QUOTING, WAF_V_MULTIPART_LF_LINE, WAF_V_MULTIPART_MISSING_SEMICOLON,
	};
	bool complete = m->state == EPILOGUE, strict = false;

	m->flag[MP_LF_LINE] = m->lf;
	m->flag[MP_CRLF_LF_LINES] = m->lf && m->crlf;
	for (int i = 0; i < MP_FLAG_MAX; i++)
		if (m->flag[i]) {
			waf_vars_set(m->vars, var[i], WAF_STR("1"));
			strict |= i != MP_CRLF_LF_LINES;
		}
	if (strict || *waf_vars_get(m->vars, WAF_V_REQBODY_ERROR).p == '1')
		waf_vars_set(m->vars, WAF_V_MULTIPART_STRICT_ERROR, WAF_STR("1"));
	if (m->near_boundary || (m->dashes && !complete))
		waf_vars_set(m->vars, WAF_V_MULTIPART_UNMATCHED_BOUNDARY, WAF_STR("1"));
	else if (m->dashes)
		waf_vars_set(m->vars, WAF_V_MULTIPART_UNMATCHED_BOUNDARY, WAF_STR("2"));
	waf_vars_set_int(m->vars, WAF_V_FILES_COMBINED_SIZE, (int64_t)m->files_size);
}

static void
parts_read(struct multipart *m, const struct waf_body *body)
{
	const char *p = body->bytes.p, *end = p + body->bytes.n;
	struct line l;

	while (p < end && m->state != EPILOGUE && !m->stop) {
		l = line_read(p, end);
		line_take(m, &l);
		p = l.next;
	}
	/* One more line end is what some clients send. */
	if (m->state == EPILOGUE && p < end && !(end - p == 2 && memcmp(p, "\r\n", 2) == 0))
		m->flag[MP_DATA_AFTER] = true;
	m->near_boundary |= boundary_after_cr(m, body->bytes);
	body_finish(m, body->bytes, body->cut);
	if (m->set->request_body_no_files_limit > 0 &&
	    m->no_files_size > (uint64_t)m->set->request_body_no_files_limit)
		waf_body_over_limit(m->vars, m->set);
}

void
waf_body_multipart(struct waf_vars *vars, const struct waf_settings *set, const struct waf_body *body)
{
	struct multipart m = { .vars = vars, .set = set };
	const char *error = mp_boundary_parse(body->type, &m.boundary, m.flag);

	if (error != NULL)
		mp_error(&m, error);
	else
		parts_read(&m, body);
	flags_store(&m);
}
