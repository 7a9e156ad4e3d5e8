/* SPDX-License-Identifier: MIT */
/*
 * Text that isn't UTF-8.  Latin letters and digits with some bytes among them that are no UTF-8 are Windows-1252, of which Latin 1 is a part; where those
 * bytes are the letters, or words behind however much Latin text, each encoding that makes words of one script out of them is a reading, and all of them are judged: a label would be
 * what somebody says.  Without any, the text can't be read.
 */
#include "config.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "icap-llmsec/extract_private.h"
#include "lib/utf8.h"

#define SHARE_PERCENT	85	/* of the characters outside of ASCII (EBCDIC: of all) that must be of the script; the rest is punctuation */
#define KANA_PERCENT	10	/* Japanese has some */
#define LOW_PERCENT	10	/* Chinese and Korean have hardly a byte of 0x80 to 0xa0: rare characters only */
#define SIGNS_MAX	3	/* different bytes that make no words in any encoding: the euro and the degree sign of a list of prices */
#define WORD		3	/* bytes in a row, more than accents are */
#define WORDS_MIN	8	/* bytes in words, behind however much Latin text, that are worth another reading */
#define SAMPLE		65536	/* bytes that tell which encodings a text may have */

enum script { EBCDIC, CYRILLIC, GREEK, HEBREW, ARABIC, THAI, HAN, JAPANESE, KOREAN };

/* Names that glibc and libiconv know. */
static const struct { const char *name; enum script script; } charsets[] = {
	{"CP500", EBCDIC}, {"CP1251", CYRILLIC}, {"KOI8-R", CYRILLIC}, {"CP866", CYRILLIC}, {"CP1253", GREEK}, {"CP1255", HEBREW}, {"CP1256", ARABIC},
	{"CP874", THAI}, {"GB18030", HAN}, {"CP950", HAN}, {"CP932", JAPANESE}, {"EUC-JP", JAPANESE}, {"CP949", KOREAN},
};

/* Codes 0x80 to 0x9f of Windows-1252 (unicode.org, CP1252.TXT); where it has none, the C1 control. */
static const uint16_t cp1252[32] = {
	0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
};

size_t
extract_char(const char *p, size_t n, uint32_t *cp)
{
	bool bad = false;
	size_t k = utf8_decode(p, n, cp, &bad);
	unsigned char c = (unsigned char)p[0];

	if (k > 0 && !bad)
		return k;
	*cp = c >= 0x80 && c < 0xa0 ? cp1252[c - 0x80] : c;
	return 1;
}

static bool
of_script(uint32_t c, enum script s)
{
	bool han = c >= 0x3400 && c <= 0x9fff, kana = c >= 0x3041 && c <= 0x30ff, mark = (c >= 0x3000 && c <= 0x303f) || (c >= 0xff01 && c <= 0xff60);

	switch (s) {
	case EBCDIC: return c == ' ' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
	case CYRILLIC: return c >= 0x400 && c <= 0x52f;
	case GREEK: return c >= 0x370 && c <= 0x3ff;
	case HEBREW: return c >= 0x590 && c <= 0x5ff;
	case ARABIC: return c >= 0x600 && c <= 0x6ff;
	case THAI: return c >= 0xe00 && c <= 0xe7f;
	case HAN: return han || mark;
	case JAPANESE: return han || kana || mark;
	case KOREAN: return (c >= 0xac00 && c <= 0xd7a3) || mark;
	}
	return false;
}

static bool
has_low_bytes(const struct extraction *x)
{
	size_t high = 0, low = 0, n = x->len < SAMPLE ? x->len : SAMPLE;

	for (size_t i = 0; i < n; i++) {
		high += x->data[i] >= 0x80;
		low += x->data[i] >= 0x80 && x->data[i] <= 0xa0;
	}
	return low * 100 > high * LOW_PERCENT;
}

/*
 * Do the letters of <b> make a text of this script?  Which of them are capitals says nothing: small letters of CP1251 are capitals of KOI8-R, and
 * who wants another reading than his to be taken writes in capitals.
 */
static bool
plausible(const struct extraction *x, const struct buf *b, enum script s)
{
	size_t wide = 0, own = 0, kana = 0, k;
	uint32_t c;

	for (size_t i = 0; i < buf_len(b); i += k) {
		k = extract_char(buf_ptr(b) + i, buf_len(b) - i, &c);
		wide += c >= 0x80 || s == EBCDIC;
		own += of_script(c, s);
		kana += c >= 0x3041 && c <= 0x30ff;
	}
	if ((s == HAN || s == KOREAN) && has_low_bytes(x))
		return false;
	return own * 100 >= wide * SHARE_PERCENT && (s != JAPANESE || kana * 100 >= wide * KANA_PERCENT);
}

/*
 * The first <n> bytes of <x> as UTF-8.  What is none of this encoding's is U+FFFD, of which plausible() lets some be: one such byte would be
 * enough to have the true reading thrown out.  False: no memory, too much text, or no such encoding.
 */
static bool
convert(const struct extraction *x, size_t n, const char *name, struct buf *out)
{
	iconv_t cd = iconv_open("UTF-8", name);
	char *in = (char *)(uintptr_t)x->data;
	size_t left = n, rc = 0;
	bool bad = false;

	if (cd == (iconv_t)-1)
		return false;
	do {
		size_t room = 65536;
		char *to = buf_room(out, room);

		if (to == NULL)
			break;
		rc = iconv(cd, &in, &left, &to, &room);
		bad = rc == (size_t)-1 && errno == EILSEQ;
		if (rc != (size_t)-1 || bad)
			rc = iconv(cd, NULL, NULL, &to, &room);	/* CP1255 holds a letter back that a mark might follow */
		if (bad && rc != (size_t)-1 && room >= 3) {
			to += utf8_encode(to, UTF8_REPLACEMENT);
			room -= 3;
			in++;
			left--;
		}
		buf_wrote(out, 65536 - room);
	} while (out->err == 0 && (bad || (rc == (size_t)-1 && errno == E2BIG)));
	iconv_close(cd);
	return out->err == 0;
}

/* Bytes that are no UTF-8, and what stands around them. */
struct high {
	size_t	letters;		/* characters that are */
	size_t	n, kinds;
	size_t	in_words, word_kinds;	/* of these, three and more in a row */
};

static void
count_high(const struct extraction *x, struct high *h)
{
	const char *p = (const char *)x->data;
	bool seen[256] = {false}, seen_word[256] = {false};
	size_t run = 0, k;
	uint32_t c;

	memset(h, 0, sizeof(*h));
	for (size_t i = 0; i < x->len; i += k) {
		bool bad = false;

		c = x->data[i];
		k = c < 0x80 ? 1 : utf8_decode(p + i, x->len - i, &c, &bad);
		bad = bad || k == 0;
		k = k > 0 ? k : 1;
		h->letters += !bad && (c >= 0x80 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9'));
		if (!bad) {
			run = c < 0x80 ? 0 : run;	/* two bytes of another encoding may be UTF-8 by chance */
			continue;
		}
		for (size_t b = 0; b < k; b++) {
			unsigned char byte = x->data[i + b];

			h->n++;
			h->kinds += !seen[byte];
			seen[byte] = true;
			if (++run < WORD)
				continue;
			h->in_words += run == WORD ? WORD : 1;
			h->word_kinds += !seen_word[byte];
			seen_word[byte] = true;
		}
	}
}

/* Latin letters with accents and signs among them, or UTF-8 with a fault: extract_char() reads them. */
static bool
is_latin(const struct high *h)
{
	return h->kinds <= SIGNS_MAX || h->n * 3 <= h->letters;
}

bool
extract_is_utf8(const struct extraction *x)
{
	const char *p = (const char *)x->data;
	struct high h;

	if (utf8_valid(p, utf8_floor(p, x->len)))
		return true;
	count_high(x, &h);
	return is_latin(&h) && (h.in_words < WORDS_MIN || h.word_kinds <= SIGNS_MAX);
}

/* Where most letters are Latin ones and others make words, both are read. */
void
extract_recoded(struct extraction *x, extract_fn *read)
{
	struct buf b = {.max = 4 * x->lim.text};
	struct high h;
	unsigned found = 0;

	x->recoded = true;
	count_high(x, &h);
	if (is_latin(&h)) {
		found++;
		read(x, (const char *)x->data, x->len);
		buf_addc(&x->text, '\n');
	}
	for (size_t i = 0; i < sizeof(charsets) / sizeof(*charsets) && x->text.err == 0; i++) {
		if (charsets[i].script == EBCDIC && is_latin(&h))
			continue;
		buf_clear(&b);
		if (!convert(x, x->len < SAMPLE ? x->len : SAMPLE, charsets[i].name, &b) || !plausible(x, &b, charsets[i].script))
			continue;
		buf_clear(&b);
		if (!convert(x, x->len, charsets[i].name, &b))
			continue;	/* more than is looked at */
		found++;
		read(x, buf_ptr(&b), buf_len(&b));
		buf_addc(&x->text, '\n');
	}
	if (b.err != 0)
		x->text.err = b.err;
	buf_free(&b);
	if (found > 0)
		return;
	read(x, (const char *)x->data, x->len);
	extract_stop(x, EXTRACT_UNREADABLE, "its letters are of no encoding that is known");
}
