/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/sse.h"

struct sse {
	sse_event_fn	 fn;
	void		*arg;
	size_t		 max;
	struct buf	 raw;		/* the event so far */
	size_t		 line;		/* offset in raw where the current line starts */
	struct buf	 data, name, id;
	int64_t		 retry;
	char		 eol[3];
	bool		 bom_done;	/* the place for a byte order mark is past */
	bool		 fields;	/* the event has a line that is no comment */
	bool		 has_data;
	bool		 skip_lf;	/* the last event went out at its CR: an LF first is its other half */
	int		 err;
};

struct sse *
sse_new(sse_event_fn fn, void *arg, size_t max)
{
	struct sse *s = calloc(1, sizeof(*s));

	if (s != NULL) {
		s->fn = fn;
		s->arg = arg;
		s->max = max;
		s->retry = -1;
	}
	return s;
}

void
sse_free(struct sse **sp)
{
	struct sse *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	buf_free(&s->raw);
	buf_free(&s->data);
	buf_free(&s->name);
	buf_free(&s->id);
	free(s);
}

static int64_t
sse_retry(const char *v, size_t len)
{
	int64_t n = 0;

	if (len == 0 || len > 12)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (v[i] < '0' || v[i] > '9')
			return -1;
		n = n * 10 + (v[i] - '0');
	}
	return n;
}

static void
sse_set(struct buf *b, const char *v, size_t len)
{
	buf_clear(b);
	buf_add(b, v, len);
}

/* One field: <line> without its ending. */
static void
sse_field(struct sse *s, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t n = colon != NULL ? (size_t)(colon - line) : len;
	const char *v = line + n + (colon != NULL);
	size_t vlen = len - n - (colon != NULL);

	if (vlen > 0 && v[0] == ' ') {
		v++;
		vlen--;
	}
	if (n == 4 && memcmp(line, "data", 4) == 0) {
		if (s->has_data)
			buf_addc(&s->data, '\n');
		buf_add(&s->data, v, vlen);
		s->has_data = true;
	} else if (n == 5 && memcmp(line, "event", 5) == 0) {
		sse_set(&s->name, v, vlen);
	} else if (n == 2 && memcmp(line, "id", 2) == 0) {
		if (memchr(v, '\0', vlen) == NULL)
			sse_set(&s->id, v, vlen);
	} else if (n == 5 && memcmp(line, "retry", 5) == 0) {
		s->retry = sse_retry(v, vlen);
	}
}

/* Hand out what is in raw and start the next event. */
static int
sse_dispatch(struct sse *s, bool complete)
{
	struct sse_event e = { .retry = s->retry, .has_data = s->has_data, .complete = complete };
	int r;

	buf_addc(&s->data, '\0');
	if (s->raw.err != 0 || s->data.err != 0 || s->name.err != 0 || s->id.err != 0)
		return -ENOMEM;
	e.raw = buf_ptr(&s->raw);
	e.raw_len = buf_len(&s->raw);
	e.data = buf_ptr(&s->data);
	e.data_len = buf_len(&s->data) - 1;
	e.name = buf_ptr(&s->name);
	e.name_len = buf_len(&s->name);
	e.id = buf_ptr(&s->id);
	e.id_len = buf_len(&s->id);
	memcpy(e.eol, s->eol[0] != '\0' ? s->eol : "\n\0", 3);
	r = s->fn(s->arg, &e);
	buf_clear(&s->raw);
	buf_clear(&s->data);
	buf_clear(&s->name);
	buf_clear(&s->id);
	s->line = 0;
	s->retry = -1;
	s->fields = s->has_data = false;
	s->eol[0] = '\0';
	return r;
}

/*
 * The line raw[line..end) is over, its ending <eol> is in raw already.  A blank line ends the event; a
 * comment in front of an event goes out by itself, because servers send them to keep clients awake.
 */
static int
sse_line(struct sse *s, size_t end, const char *eol)
{
	const char *p = buf_ptr(&s->raw) + s->line;
	size_t len = end - s->line;

	if (!s->bom_done) {
		s->bom_done = true;
		if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
			p += 3;
			len -= 3;
		}
	}
	s->line = buf_len(&s->raw);
	if (len == 0 || (p[0] == ':' && !s->fields))
		return sse_dispatch(s, true);
	if (s->eol[0] == '\0')
		memcpy(s->eol, eol, strlen(eol) + 1);
	s->fields = true;
	if (p[0] != ':')
		sse_field(s, p, len);
	return 0;
}

/* Take bytes up to and including the next line ending. */
static int
sse_take(struct sse *s, const char **pp, const char *end)
{
	const char *p = *pp, *q = p;
	size_t line_end;
	const char *eol;

	while (q < end && *q != '\n' && *q != '\r')
		q++;
	if (buf_len(&s->raw) + (size_t)(q - p) > s->max)
		return -EMSGSIZE;
	if (buf_add(&s->raw, p, (size_t)(q - p)) != 0)
		return s->raw.err;
	*pp = q;
	if (q == end)
		return 0;
	line_end = buf_len(&s->raw);
	eol = *q == '\n' ? "\n" : "\r";
	if (q[0] == '\r' && q + 1 < end && q[1] == '\n')
		eol = "\r\n";
	buf_adds(&s->raw, eol);
	*pp = q + strlen(eol);
	/* A CR at the end of a piece may be half of a CRLF; waiting for the rest would delay events. */
	s->skip_lf = q[0] == '\r' && q + 1 == end;
	return sse_line(s, line_end, eol);
}

/*
 * The LF that completes a CR of the piece before.  Inside an event it joins the raw bytes; after one
 * it goes out alone, so that it stays where it was.
 */
static int
sse_late_lf(struct sse *s)
{
	s->skip_lf = false;
	if (buf_len(&s->raw) == 0) {
		buf_addc(&s->raw, '\n');
		return sse_dispatch(s, true);
	}
	buf_addc(&s->raw, '\n');
	s->line = buf_len(&s->raw);
	if (strcmp(s->eol, "\r") == 0)
		memcpy(s->eol, "\r\n", 3);
	return s->raw.err;
}

int
sse_feed(struct sse *s, const void *data, size_t len)
{
	const char *p = data, *end = p + len;

	if (s->err == 0 && len > 0 && s->skip_lf) {
		s->skip_lf = false;
		if (*p == '\n') {
			s->err = sse_late_lf(s);
			p++;
		}
	}
	while (s->err == 0 && p < end)
		s->err = sse_take(s, &p, end);
	return s->err;
}

int
sse_finish(struct sse *s)
{
	const char *p = buf_ptr(&s->raw);

	if (s->err != 0 || buf_len(&s->raw) == 0)
		return s->err;
	/* the last line has no ending; lenient clients read it nevertheless, so we must */
	if (buf_len(&s->raw) > s->line && p[s->line] != ':')
		sse_field(s, p + s->line, buf_len(&s->raw) - s->line);
	s->err = sse_dispatch(s, false);
	return s->err;
}

static void
sse_add_data(struct buf *out, const char *eol, bool last_eol, const char *data, size_t len)
{
	const char *end = data + len, *nl;

	for (;; data = nl + 1) {
		nl = memchr(data, '\n', (size_t)(end - data));
		buf_adds(out, "data: ");
		buf_add(out, data, (size_t)((nl != NULL ? nl : end) - data));
		if (nl != NULL || last_eol)
			buf_adds(out, eol);
		if (nl == NULL)
			return;
	}
}

static bool
sse_is_data(const char *line, size_t len)
{
	return len >= 4 && memcmp(line, "data", 4) == 0 && (len == 4 || line[4] == ':');
}

int
sse_rewrite(struct buf *out, const struct sse_event *e, const char *data, size_t len)
{
	const char *p = e->raw, *end = e->raw + e->raw_len, *q, *next;
	bool done = false;

	for (; p < end; p = next) {
		for (q = p; q < end && *q != '\n' && *q != '\r'; q++)
			;
		next = q + (q < end);
		if (q < end && *q == '\r' && next < end && *next == '\n')
			next++;
		if (p == e->raw && q - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
			buf_add(out, p, 3);
			p += 3;
		}
		if (!sse_is_data(p, (size_t)(q - p)))
			buf_add(out, p, (size_t)(next - p));
		else if (!done)
			sse_add_data(out, e->eol, q < end, data, len);
		done = done || sse_is_data(p, (size_t)(q - p));
	}
	return out->err;
}

int
sse_write(struct buf *out, const char *name, size_t name_len, const char *eol, const char *data,
    size_t len)
{
	if (name_len > 0) {
		buf_adds(out, "event: ");
		buf_add(out, name, name_len);
		buf_adds(out, eol);
	}
	sse_add_data(out, eol, true, data, len);
	return buf_adds(out, eol);
}
