/* SPDX-License-Identifier: MIT */
/*
 * Characters that nobody sees, where they say nothing to a reader.  Kept: one variation selector behind what it can
 * select, joiners and zero-width spaces of scripts and emoji, marks of direction (Arabic and Hebrew need them; not four in a row), tags that
 * spell an emoji flag (UTS #51, ED-14a).  Dropped: other tags, selectors in rows, overrides of direction, zero-width
 * characters in rows of four or more, or again and again between letters of ASCII.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "icap-llmsec/guard_private.h"
#include "lib/utf8.h"

#define RUN_MIN		4	/* no script joins this often in a row */
#define BETWEEN_MIN	8
#define SELECTORS_MIN	3
#define FLAG_TAGS	7	/* "gbeng" and the like, and the tag that ends them */

static bool
is_zero_width(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2060 && c <= 0x2064) || c == 0xfeff || c == 0x180e ||
	    c == 0xad || c == 0x34f || c == 0x61c || (c >= 0xfff9 && c <= 0xfffb) ||
	    c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0;	/* fillers of Hangul */
}

static bool
is_selector(uint32_t c)
{
	return (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef);
}

static bool
is_ideograph(uint32_t c)
{
	return (c >= 0x3400 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

static bool
is_ascii_letter(uint32_t c)
{
	return c < 0x80 && isalnum((int)c);
}

/* To be dropped?  1, 0, -errno. */
static int
tell(struct guard *g, enum guard_rule r)
{
	int mode = guard_tell(g, r);

	return mode < 0 ? mode : mode == DETECT_MASK;
}

static int
tag_char(struct guard *g, struct guard_hidden *h, uint32_t c)
{
	if (h->flag > 0 && (c == 0xe007f || (c >= 0xe0030 && c <= 0xe0039) || (c >= 0xe0061 && c <= 0xe007a))) {
		h->flag = c == 0xe007f ? 0 : h->flag - 1;
		return 0;
	}
	return tell(g, GUARD_HID_TAGS);
}

static int
selector_char(struct guard *g, struct guard_hidden *h, uint32_t c)
{
	bool row = is_selector(h->prev), nothing = c >= 0xe0100 && !is_ideograph(h->prev);
	int e;

	if (!row && !nothing)
		return 0;
	if (++h->selectors >= SELECTORS_MIN && (e = tell(g, GUARD_HID_SELECTORS)) != 0)
		return e;
	return g->conf->hidden == DETECT_MASK;
}

/* The run ended: in front of <next> (0: end of text) it stays, or not. */
static int
run_end(struct guard *g, struct guard_hidden *h, uint32_t next, struct buf *out)
{
	int drop = 0;

	if (h->run > 0 && !h->drop) {
		if (is_ascii_letter(h->prev) && is_ascii_letter(next) && ++h->between >= BETWEEN_MIN)
			drop = tell(g, GUARD_HID_ZERO_WIDTH);
		if (drop == 0)
			buf_add(out, h->part, h->part_len);
	}
	h->run = h->part_len = 0;
	h->drop = false;
	return drop < 0 ? drop : 0;
}

static int
zero_width_char(struct guard *g, struct guard_hidden *h, const char *p, size_t k, struct buf *out)
{
	int drop = 0;

	if (h->run < RUN_MIN)
		h->run++;
	if (h->run < RUN_MIN) {
		memcpy(h->part + h->part_len, p, k);
		h->part_len += (unsigned)k;
		return 0;
	}
	if (!h->drop)
		drop = tell(g, GUARD_HID_ZERO_WIDTH);
	if (drop < 0)
		return drop;
	if (drop == 0 && !h->drop) {	/* only told: out with it */
		buf_add(out, h->part, h->part_len);
		buf_add(out, p, k);
		h->run = RUN_MIN - 1;
	} else
		h->drop = true;
	h->part_len = 0;
	return 0;
}

static int
visible_char(struct guard *g, struct guard_hidden *h, uint32_t c, const char *p, size_t k, struct buf *out)
{
	int drop = run_end(g, h, c, out);

	if (drop == 0 && c >= 0xe0000 && c <= 0xe007f)
		drop = tag_char(g, h, c);
	else if (drop == 0 && is_selector(c))
		drop = selector_char(g, h, c);
	else if (drop == 0 && (c == 0x202d || c == 0x202e))
		drop = tell(g, GUARD_HID_BIDI);
	if (drop < 0)
		return drop;
	if (drop == 0)
		buf_add(out, p, k);
	if (c == 0x1f3f4)
		h->flag = FLAG_TAGS;
	else if (c < 0xe0000 || c > 0xe007f)
		h->flag = 0;
	h->prev = c;
	return 0;
}

/* One character at p; false: its end is missing. */
static bool
one_char(struct guard *g, struct guard_hidden *h, const char *p, size_t len, bool last, size_t *k, int *e, struct buf *out)
{
	uint32_t cp;

	*k = utf8_decode(p, len, &cp, NULL);
	if (*k == 0 && !last)
		return false;
	if (*k == 0)
		*k = len;
	*e = is_zero_width(cp) ? zero_width_char(g, h, p, *k, out) : visible_char(g, h, cp, p, *k, out);
	return true;
}

/* A character that was cut: bytes of <p> that belong to it. */
static size_t
finish_char(struct guard *g, struct guard_hidden *h, const char *p, size_t len, bool last, int *e, struct buf *out)
{
	size_t used = 0, k;

	while (h->cut_len > 0 && *e == 0 && (used < len || last)) {
		if (used < len && h->cut_len < sizeof(h->cut))
			h->cut[h->cut_len++] = p[used++];
		if (!one_char(g, h, h->cut, h->cut_len, last && used == len, &k, e, out))
			continue;
		/* of an ill-formed beginning, what follows is another character's */
		h->cut_len -= (unsigned)k;
		memmove(h->cut, h->cut + k, h->cut_len);
	}
	return used;
}

int
guard_hidden_step(struct guard *g, struct guard_hidden *h, const char *p, size_t len, bool last, struct buf *out)
{
	size_t k;
	int e = 0;

	for (size_t i = finish_char(g, h, p, len, last, &e, out); e == 0 && i < len; i += k) {
		for (k = 0; h->run == 0 && i + k < len && (p[i + k] & 0x80) == 0; k++)
			;
		if (k > 0) {
			buf_add(out, p + i, k);
			h->prev = (uint8_t)p[i + k - 1];
			h->flag = 0;
		} else if (!one_char(g, h, p + i, len - i, last, &k, &e, out)) {
			h->cut_len = (unsigned)(len - i);
			memcpy(h->cut, p + i, len - i);
			break;
		}
	}
	if (e == 0 && last)
		e = run_end(g, h, 0, out);
	return e != 0 ? e : out->err;
}
