/* SPDX-License-Identifier: MIT */
/* Where in a text something could look other than it is written, and what of the text around it is kept. */
#include "config.h"

#include <string.h>

#include "icap-llmsec/skeleton.h"
#include "lib/utf8.h"

#define ROW_BACK	64	/* single characters */

void
skeleton_scan_from(struct skeleton_scan *sc, size_t at)
{
	*sc = (struct skeleton_scan){at, at, 0, 0};
}

/* A digit or sign that is a letter in disguise if it stands in a word. */
static bool
disguised(const struct skeleton_scan *sc, unsigned char c, unsigned char next)
{
	if (sc->letters > 0 && c != '!')
		return true;
	return next >= 0x80 || ascii_letter(next) || (sc->letters > 0 && skeleton_wordish(next));
}

size_t
skeleton_suspect(struct skeleton_scan *sc, const struct norm *in)
{
	uint32_t c;

	for (size_t k; sc->i < in->len; sc->i += k) {
		k = 1;
		c = (unsigned char)in->text[sc->i];
		if (ascii_letter(c)) {
			while (sc->letters + k < LONG_WORD && ascii_letter((unsigned char)in->text[sc->i + k]))	/* behind the text is a zero */
				k++;
			sc->letters += k;
			if (sc->letters == LONG_WORD)
				return sc->word;
			continue;
		}
		if (c >= 0x80) {
			k = utf8_take(in->text + sc->i, in->len - sc->i, &c, NULL);
			k = k > 0 ? k : 1;
			if (skeleton_deceptive(c))
				return sc->word;
			if (skeleton_wordish(c)) {
				sc->letters++;
				continue;
			}
		} else if (skeleton_leet(c) != '\0') {
			if (disguised(sc, (unsigned char)c, (unsigned char)in->text[sc->i + 1]))
				return sc->word;
			continue;
		}
		sc->single = sc->letters == 1 ? sc->single + 1 : sc->letters > 1 ? 0 : sc->single;
		if (sc->single >= ROW_MIN)
			return sc->word;
		sc->letters = 0;
		if (!skeleton_wordish(c))	/* a digit that is no sign for a letter */
			sc->word = sc->i + k;
	}
	return sc->letters == 1 && sc->single + 1 >= ROW_MIN ? sc->word : in->len;
}

static size_t
char_before(const struct norm *in, size_t at, size_t from)
{
	while (at > from && ((unsigned char)in->text[--at] & 0xc0) == 0x80)
		;
	return at;
}

static bool
wordish_at(const struct norm *in, size_t at)
{
	struct letter l;

	skeleton_letter(in, at, &l);
	return skeleton_wordish(l.c);
}

size_t
skeleton_row_begin(const struct norm *in, size_t at, size_t from)
{
	for (unsigned back = 0; at > from && back < ROW_BACK; back++) {
		size_t sep = char_before(in, at, from), one = char_before(in, sep, from);

		if (one == sep || wordish_at(in, sep) || !wordish_at(in, one) ||
		    (one > from && wordish_at(in, char_before(in, one, from))))
			break;
		at = one;
	}
	return at;
}

static size_t
floor_char(const struct norm *in, size_t at)
{
	while (at > 0 && at < in->len && ((unsigned char)in->text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static void
put_raw(struct norm *out, const struct norm *in, size_t from, size_t to)
{
	memcpy(out->text + out->len, in->text + from, to - from);
	memcpy(out->map + out->len, in->map + from, (to - from) * sizeof(*in->map));
	out->len += to - from;
}

void
skeleton_between(struct norm *out, const struct norm *in, size_t done, size_t at, unsigned flags)
{
	size_t after, before;

	if (flags == 0 && at - done <= 2 * SKELETON_AROUND) {
		put_raw(out, in, done, at);
		return;
	}
	after = flags & BETWEEN_FIRST ? done : at - done > SKELETON_AROUND ? floor_char(in, done + SKELETON_AROUND) : at;
	before = flags & BETWEEN_LAST ? at : at - done > SKELETON_AROUND ? floor_char(in, at - SKELETON_AROUND) : done;
	put_raw(out, in, done, after);
	out->map[out->len] = in->map[after];
	if (flags & BETWEEN_LAST)
		return;
	if (!(flags & BETWEEN_FIRST))
		out->text[out->len++] = '\n';	/* no pattern goes on over it */
	put_raw(out, in, before, at);
}
