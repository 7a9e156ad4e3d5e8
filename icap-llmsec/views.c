/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <utf8proc.h>

#include "icap-llmsec/views.h"
#include "lib/utf8.h"

static const struct {
	view_decode_fn	*decode;
	const char	*name;
} kinds[VIEW_KINDS] = {
	[VIEW_PLAIN] = {NULL, "plain"},
	[VIEW_SKELETON] = {NULL, "skeleton"},
	[VIEW_ESCAPES] = {view_escapes, "escapes"},
	[VIEW_SELECTORS] = {view_selectors, "variation-selectors"},
	[VIEW_BASE64] = {view_base64, "base64"},
	[VIEW_BASE32] = {view_base32, "base32"},
	[VIEW_BASE85] = {view_base85, "base85"},
	[VIEW_NUMBERS] = {view_numbers, "numbers"},
	[VIEW_MORSE] = {view_morse, "morse"},
	[VIEW_ROTATED] = {view_rotated, "rotated"},
	[VIEW_REVERSED] = {view_reversed, "reversed"},
	[VIEW_TURNED] = {view_turned, "upside-down"},
	[VIEW_MARKUP] = {view_markup, "markup"},
};

const char *
view_kind_name(enum view_kind k)
{
	return kinds[k].name;
}

static bool
pieces_grow(struct derived *d)
{
	size_t cap = d->pieces_cap > 0 ? 2 * d->pieces_cap : 64;
	struct piece *p = arena_alloc(d->arena, cap * sizeof(*p));

	if (p == NULL)
		return false;
	if (d->n_pieces > 0)
		memcpy(p, d->piece, d->n_pieces * sizeof(*p));
	d->piece = p;
	d->pieces_cap = cap;
	return true;
}

void
derived_add(struct derived *d, const char *p, size_t len, size_t start, size_t end)
{
	if (d->len + len > d->cap || (d->n_pieces == d->pieces_cap && !pieces_grow(d))) {
		d->full = true;
		return;
	}
	if (len > 0)
		memcpy(d->text + d->len, p, len);
	d->piece[d->n_pieces++] = (struct piece){d->len, start, end};
	d->len += len;
}

#define CODED_MIN	16	/* bytes: in so many random ones there is nearly always one that can't be printed */

/* Characters that prose, code and encodings are made of; a cut last character is none. */
static bool
texty(const char *p, size_t len)
{
	size_t letters = 0, wide = 0, odd = 0, chars = 0, k;
	uint32_t c;
	bool bad;

	for (size_t i = 0; i < len; i += k, chars++) {
		bad = false;
		c = (unsigned char)p[i];
		k = 1;
		if (c >= 0x80 && (k = utf8_take(p + i, len - i, &c, &bad)) == 0)
			break;
		wide += c >= 0x80;
		letters += (c | 32) - 'a' < 26 || (c >= 0xc0 && !bad);
		odd += bad || (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
	}
	return odd == 0 && (letters * 2 >= chars || (wide == 0 && len >= CODED_MIN));
}

bool
derived_add_text(struct derived *d, const char *p, size_t len, size_t min, size_t start, size_t end)
{
	if (len < min || !texty(p, len))
		return false;
	derived_add(d, p, len, start, end);
	derived_add(d, "\n", 1, end, end);
	d->found++;
	return true;
}

static size_t
back_to_char(const char *p, size_t i)
{
	while (i > 0 && ((unsigned char)p[i] & 0xc0) == 0x80)
		i--;
	return i;
}

/* Either end may fall into a character, as a text that is cut anyway does. */
void
derived_between(struct derived *d, const char *p, size_t done, size_t i)
{
	size_t from = done;

	if (i - done > 2 * DERIVED_AROUND || (d->found == 0 && i > DERIVED_AROUND)) {
		if (d->found > 0) {
			derived_add(d, p + done, DERIVED_AROUND, done, done + DERIVED_AROUND);
			derived_add(d, "\n", 1, done + DERIVED_AROUND, done + DERIVED_AROUND);
		}
		from = back_to_char(p, i - DERIVED_AROUND);
	}
	if (i > from)
		derived_add(d, p + from, i - from, from, i);
}

void
derived_after(struct derived *d, const char *p, size_t n, size_t done)
{
	size_t end = n - done > DERIVED_AROUND ? done + DERIVED_AROUND : n;

	if (end > done)
		derived_add(d, p + done, end - done, done, end);
}

/* ---- the tree of views -------------------------------------------------------------------------- */
struct source {			/* a text to read, and the way back to the one that was given */
	const char	*text;
	size_t		 len;
	const struct piece *piece;	/* NULL: it is the given one */
	size_t		 n_pieces;
	struct source	*of;
	enum view_kind	 kind;
	unsigned	 depth;
	size_t		 near;		/* the piece that was found last: the next is mostly that or the one behind it */
};

static void
piece_back(const struct source *s, size_t at, size_t *start, size_t *end)
{
	const struct piece *p = &s->piece[at];
	size_t len = (at + 1 < s->n_pieces ? p[1].out : s->len) - p->out;

	if (p->end - p->start == len) {
		*start = p->start + (*start - p->out);	/* may be the end: nothing follows it */
		*start = *start < p->end ? *start : p->end;
		*end = *start < p->end ? *start + 1 : p->end;
	} else {
		*start = p->start;
		*end = p->end;
	}
}

static bool
in_piece(const struct source *s, size_t i, size_t at)
{
	return s->piece[i].out <= at && (i + 1 == s->n_pieces || at < s->piece[i + 1].out);
}

/* The last piece that begins at or before <at>. */
static size_t
piece_of(struct source *s, size_t at)
{
	size_t lo = 0, hi = s->n_pieces;

	if (in_piece(s, s->near, at))
		return s->near;
	if (s->near + 1 < s->n_pieces && in_piece(s, s->near + 1, at))
		return ++s->near;
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (s->piece[mid].out <= at)
			lo = mid;
		else
			hi = mid;
	}
	s->near = lo;
	return lo;
}

/* Bytes [*start, *end) of <s>, as bytes of the text that was given. */
static void
go_back(struct source *s, size_t *start, size_t *end)
{
	for (; s->piece != NULL; s = s->of)
		piece_back(s, piece_of(s, *start), start, end);
}

/* Positions in a derived text become positions in the given one; pieces come in the order of the text. */
static void
remap(struct norm *n, struct source *s)
{
	size_t last = n->len, start, end = 0;

	for (size_t i = 0; i < n->len; i++) {
		start = n->map[i];
		end = start + 1;
		go_back(s, &start, &end);
		n->map[i] = (uint32_t)start;
	}
	n->map[last] = (uint32_t)end;
}

static struct view *
view_new(struct views *vs, const struct source *s, enum view_kind kind)
{
	struct view *v;

	if (vs->n == VIEWS_MAX) {
		vs->cut = true;
		return NULL;
	}
	v = &vs->v[vs->n++];
	v->kind = kind;
	v->depth = s->depth;
	return v;
}

/* Both ways to read one text. */
static int
read_source(struct views *vs, struct source *s, struct arena *a)
{
	struct view *v = view_new(vs, s, s->kind), *k;
	bool differs;
	int rc;

	if (v == NULL)
		return 0;
	rc = norm_text(&v->norm, s->text, s->len, a);
	if (rc == 0 && s->piece != NULL)
		remap(&v->norm, s);
	k = rc == 0 ? view_new(vs, s, VIEW_SKELETON) : NULL;
	if (k == NULL)
		return rc;
	rc = norm_skeleton(&k->norm, &v->norm, &differs, a);
	if (rc == 0 && !differs)
		vs->n--;
	return rc;
}

static int
derived_new(struct derived *d, size_t cap, struct arena *a)
{
	*d = (struct derived){.text = arena_alloc(a, cap + 1), .cap = cap, .arena = a};
	return d->text != NULL ? 0 : -ENOMEM;
}

#define SOURCES_MAX	(VIEWS_MAX / 2)
#define WRAPPING	8	/* bytes around an encoding that are no text to judge: quotes, a bracket, padding */

enum { AS_ITSELF = -1, AS_NOTHING = 0 };

/* What decoders read for a character that isn't plain ASCII: nothing for what is invisible, ASCII for full-width and mathematical shapes and for digits of
   Arabic and Persian.  *sign: ... of a sign, which East Asian text has in plenty. */
static int
seen_as(uint32_t c, bool *sign)
{
	utf8proc_int32_t d[4];
	int bound = 0;

	*sign = false;
	if (c >= 0xff01 && c <= 0xff5e) {
		c -= 0xfee0;
		*sign = (c | 32) - 'a' >= 26 && c - '0' >= 10;
		return (int)c;
	}
	if (c >= 0x1d400 && c <= 0x1d7ff && utf8proc_decompose_char((utf8proc_int32_t)c, d, 4, UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE, &bound) == 1 && d[0] < 0x80)
		return d[0];
	if ((c >= 0x660 && c <= 0x669) || (c >= 0x6f0 && c <= 0x6f9))
		return '0' + (int)(c & 15);
	if (c == 0x3000) {
		*sign = true;
		return ' ';
	}
	return norm_invisible(c) ? AS_NOTHING : AS_ITSELF;
}

struct unlike {			/* a character that is read as another, or not at all */
	size_t	at, k;		/* its bytes */
	int	as;
};

/*
 * The next one from <from> on.  What is invisible counts behind ASCII, as inside an encoding, or at <from>, in a row of them: scripts that need it to join
 * letters are left alone; and so do signs.
 */
static void
unlike_next(const char *p, size_t len, const struct marks *m, size_t from, struct unlike *u)
{
	uint32_t c;
	bool sign, beside;

	for (u->at = from; (u->at = marks_next(m, MARK_ODD, u->at)) < len; u->at += u->k) {
		c = (unsigned char)p[u->at];
		u->k = 1;
		if (c >= 0x80 && (u->k = utf8_take(p + u->at, len - u->at, &c, NULL)) == 0)
			u->k = 1;
		beside = u->at == from || (signed char)p[u->at - 1] >= 0;
		u->as = seen_as(c, &sign);
		if (u->as != AS_ITSELF && (beside || (u->as != AS_NOTHING && !sign)))
			return;
	}
}

/* <s> as decoders read it.  No view of its own: norm_text() does the same.  False: there is no difference. */
static bool
visible_make(struct source *out, struct source *s, const struct marks *m, struct arena *a)
{
	struct derived d;
	struct unlike u;
	size_t from = 0;
	char as;

	unlike_next(s->text, s->len, m, 0, &u);
	if (u.at == s->len || derived_new(&d, s->len, a) < 0)
		return false;
	for (; from < s->len && !d.full; unlike_next(s->text, s->len, m, from, &u)) {
		if (u.at > from)
			derived_add(&d, s->text + from, u.at - from, from, u.at);
		from = u.at < s->len ? u.at + u.k : u.at;
		as = (char)u.as;
		if (u.at < s->len && u.as != AS_NOTHING)
			derived_add(&d, &as, 1, u.at, from);
	}
	*out = (struct source){d.text, d.len, d.piece, d.n_pieces, s, s->kind, s->depth, 0};
	return d.len > 0 && !d.full;
}

/*
 * Is <k> tried on <s>?  Encodings of bytes go on top of each other; the rest only disguises what can be read, and is not disguised again.  At the depth where
 * reading ends they are told.
 */
static bool
worth_trying(const struct source *s, enum view_kind k)
{
	bool bytes = k == VIEW_BASE64 || k == VIEW_BASE32 || k == VIEW_BASE85 || k == VIEW_NUMBERS;

	if (s->depth >= VIEW_DEPTH)
		return bytes;
	if (s->depth >= 2 || (s->kind >= VIEW_MORSE && s->kind < VIEW_MARKUP))
		return bytes || k == VIEW_ESCAPES;
	return k != s->kind || k != VIEW_MARKUP;
}

/* Is <s> hardly more than what <d> was decoded from?  Then nobody reads it: what it holds is read. */
static bool
only_wraps(const struct source *s, const struct derived *d, enum view_kind k)
{
	size_t covered = 0;

	if (s->depth == 0 || k < VIEW_BASE64 || k > VIEW_NUMBERS)
		return false;
	for (size_t i = 0; i < d->n_pieces; i++)
		covered += d->piece[i].end - d->piece[i].start;
	return covered + WRAPPING >= s->len;
}

struct tree {			/* of one text */
	struct views	*vs;
	struct source	 src[SOURCES_MAX], visible[SOURCES_MAX];
	size_t		 n;
	size_t		 budget;	/* bytes that may still be decoded and read */
	struct derived	 d;
	uint64_t	*room;		/* for marks of the text that is decoded */
	struct arena	*arena;
};

/* All that is encoded in src[i] becomes sources of its own; *wraps: there is nothing else in it.  0, -ENOMEM. */
static int
decode_source(struct tree *t, size_t i, bool *wraps)
{
	struct source *own = &t->src[i], *s, *seen;
	struct derived *d = &t->d;
	size_t cap = d->cap;
	struct marks own_marks, seen_marks;

	*wraps = false;
	d->lines = NULL;
	marks_make(&own_marks, own->text, own->len, t->room);
	seen = own->depth < VIEW_DEPTH && visible_make(&t->visible[i], own, &own_marks, t->arena) ? &t->visible[i] : own;
	if (seen != own)
		marks_make(&seen_marks, seen->text, seen->len, t->room + marks_words(cap));
	else
		seen_marks = own_marks;
	for (enum view_kind k = VIEW_ESCAPES; k < VIEW_KINDS; k++) {
		if (!worth_trying(own, k))
			continue;
		d->len = d->n_pieces = d->found = 0;
		d->full = false;
		s = k == VIEW_SELECTORS ? own : seen;
		kinds[k].decode(d, s->text, s->len, s == own ? &own_marks : &seen_marks, t->arena);
		t->vs->cut |= d->full;
		if (d->found == 0 || d->len == 0)
			continue;
		if (t->n == SOURCES_MAX || d->len > t->budget || s->depth == VIEW_DEPTH) {
			t->vs->cut = true;
			continue;
		}
		t->budget -= d->len;
		if (!*wraps && only_wraps(s, d, k)) {
			*wraps = true;
			t->budget += own->len;	/* which is not read */
		}
		t->src[t->n++] = (struct source){d->text, d->len, d->piece, d->n_pieces, s, k, s->depth + 1, 0};
		if (derived_new(d, cap, t->arena) < 0)
			return -ENOMEM;
	}
	return 0;
}

/*
 * The text without what decoded to text, if that is most of it and it is long: a reading of base64 as it stands costs as much as one of prose, and tells
 * nothing.  False: it is read as it is.
 */
static bool
uncover(struct tree *t, struct source *rest)
{
	struct source *own = &t->src[0];
	struct derived d;
	size_t n = 0;
	char *covered;

	if (own->len <= VIEW_SMALL || (covered = arena_calloc(t->arena, own->len, 1)) == NULL)
		return false;
	for (size_t i = 1; i < t->n; i++) {
		const struct source *s = &t->src[i];

		for (size_t k = 0; s->of == own && s->kind >= VIEW_BASE64 && s->kind <= VIEW_NUMBERS && k < s->n_pieces; k++)
			memset(covered + s->piece[k].start, 1, s->piece[k].end - s->piece[k].start);
	}
	for (size_t i = 0; i < own->len; i++)
		n += (unsigned char)covered[i];
	if (2 * n < own->len || derived_new(&d, own->len, t->arena) < 0)
		return false;
	for (size_t i = 0, end; i < own->len; i = end) {
		for (end = i + 1; end < own->len && covered[end] == covered[i]; end++)
			;
		if (covered[i])
			derived_add(&d, "\n", 1, i, end);
		else
			derived_add(&d, own->text + i, end - i, i, end);
	}
	*rest = (struct source){d.text, d.len, d.piece, d.n_pieces, own, VIEW_PLAIN, 0, 0};
	return !d.full;
}

int
views_make(struct views *vs, const char *text, size_t len, struct arena *a)
{
	struct tree *t = arena_alloc(a, sizeof(*t));
	struct source rest;
	bool wraps;
	int rc;

	if (t == NULL)
		return -ENOMEM;
	t->vs = vs;
	t->n = 1;
	t->budget = len < VIEW_SMALL ? len * VIEW_GROWTH : len - len / 4 + (VIEW_GROWTH - 1) * VIEW_SMALL;
	t->arena = a;
	t->src[0] = (struct source){.text = text, .len = len, .kind = VIEW_PLAIN};
	vs->n = 0;
	vs->cut = false;
	rc = derived_new(&t->d, len + 64, a);
	t->room = arena_alloc(a, 2 * marks_words(len + 64) * sizeof(*t->room));
	if (t->room == NULL)
		rc = -ENOMEM;
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		rc = decode_source(t, i, &wraps);
		if (rc == 0 && !wraps)
			rc = read_source(vs, i == 0 && uncover(t, &rest) ? &rest : &t->src[i], a);
	}
	return rc;
}
