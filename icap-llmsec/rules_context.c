/* SPDX-License-Identifier: MIT */
/*
 * Is a match an instruction, or does the text talk about one?  Deterministic, and strict towards the attacker: quotation
 * marks alone change nothing.  It is talk
 * - where the match is quoted, the sentence around the quotation says what is done with it (explain, translate, "such as",
 *   "is an attack") and nothing says to do what it says;
 * - where it is forbidden ("never reveal ...") or told of others ("attackers who ...", "if a user tells you to ...") in its own
 *   clause, and that clause tells the reader to do nothing.
 * Look-ups are bounded by constants: a match costs a scan of at most some hundred bytes.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <utf8proc.h>

#include "icap-llmsec/rules_private.h"

#define QUOTE_MAX	400	/* bytes from the match to a quotation mark */
#define AROUND_MAX	160	/* bytes of a sentence around it */
#define TALK		0.1f
#define ASK_MAX		4096	/* bytes of a text that may be a question about quotations */
#define QUOTATIONS_MAX	16
#define TRIES_MAX	64	/* marks that may open one: each is a look at QUOTE_MAX bytes */

/* The character at <i>, or that ends before it. */
static utf8proc_int32_t
char_at(const char *s, size_t len, size_t i, bool before)
{
	utf8proc_int32_t c = 0;

	if (before) {
		if (i == 0)
			return 0;
		for (i--; i > 0 && ((unsigned char)s[i] & 0xc0) == 0x80; i--)
			;
	}
	if (i >= len || utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(len - i), &c) <= 0)
		return 0;
	return c;
}

/* Part of a word in a script that separates them. */
static bool
in_word(utf8proc_int32_t c)
{
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
	if ((c >= 0xe00 && c < 0x1100) || (c >= 0x1780 && c < 0x1800) || c >= 0x2e80)
		return false;	/* Thai, Lao, Tibetan, Burmese, Khmer, East Asia */
	return utf8proc_category(c) >= UTF8PROC_CATEGORY_LU && utf8proc_category(c) <= UTF8PROC_CATEGORY_ME;
}

bool
rules_whole_words(const char *text, size_t len, size_t start, size_t end)
{
	return !(in_word(char_at(text, len, start, true)) && in_word(char_at(text, len, start, false))) &&
	    !(in_word(char_at(text, len, end, true)) && in_word(char_at(text, len, end, false)));
}

struct talk_find {
	const char	*text;		/* the whole, for the words' borders */
	size_t		 len, from;
	enum talk	 kind;
	bool		 found;
	size_t		 end;		/* of the last one found, in the whole */
};

static bool
talk_hit(void *arg, const struct literals_hit *h)
{
	struct talk_find *f = arg;

	if (h->id != (uint32_t)f->kind || !rules_whole_words(f->text, f->len, f->from + h->start, f->from + h->end))
		return true;
	f->found = true;
	f->end = f->from + h->end > f->end ? f->from + h->end : f->end;
	return true;
}

/* Is there a word of <kind> in [from, to)?  *end: where the last one ends. */
static bool
talk_in(const struct literals *talk, const struct norm *t, size_t from, size_t to, enum talk kind, size_t *end)
{
	struct talk_find f = {.text = t->text, .len = t->len, .from = from, .kind = kind};

	if (from < to)
		literals_each(talk, t->text + from, to - from, talk_hit, &f);
	if (end != NULL)
		*end = f.end;
	return f.found;
}

static bool
ends_sentence(const struct norm *t, size_t i, bool clause)
{
	char c = t->text[i];

	if (norm_line_end(t, i))
		return true;
	if (c == '.' || c == '!' || c == '?')
		return i + 1 >= t->len || t->text[i + 1] == ' ';
	if (clause && (c == ';' || c == ':' || c == '"'))
		return true;
	return i + 2 < t->len && memcmp(t->text + i, "\xe3\x80\x82", 3) == 0;	/* ideographic full stop */
}

static size_t
sentence_begin(const struct norm *t, size_t at, bool clause)
{
	size_t lo = at > AROUND_MAX ? at - AROUND_MAX : 0, i = at;

	while (i > lo && !ends_sentence(t, i - 1, clause))
		i--;
	while (i < at && ((unsigned char)t->text[i] & 0xc0) == 0x80)
		i++;
	return i;
}

/* Past <sentences> of them, or AROUND_MAX bytes. */
static size_t
sentence_end(const struct norm *t, size_t at, int sentences)
{
	size_t hi = t->len - at > AROUND_MAX ? at + AROUND_MAX : t->len, i = at;

	for (; i < hi; i++)
		if (ends_sentence(t, i, false) && --sentences == 0)
			break;
	while (i < t->len && ((unsigned char)t->text[i] & 0xc0) == 0x80)
		i++;
	return i;
}

static bool
blank_or_sign(const struct norm *t, size_t i, bool before)
{
	utf8proc_int32_t c = char_at(t->text, t->len, i, before);

	return c == 0 || !in_word(c);
}

/* In French a blank is behind the mark: the sentence has no other that is open. */
static bool
opens_with_blank(const struct norm *t, size_t i)
{
	size_t n = 0;

	for (size_t k = sentence_begin(t, i, false); k < i; k++)
		n += t->text[k] == '"';
	return t->text[i] == '"' && n % 2 == 0;
}

/* The last <mark> before <at> that isn't inside a word; it opens a quotation, or there is none here. */
static bool
quote_opens(const struct norm *t, size_t at, const char *mark, size_t *open)
{
	size_t n = strlen(mark), lo = at > QUOTE_MAX ? at - QUOTE_MAX : 0;

	for (size_t i = at; i-- > lo;) {
		if (i + n > at || memcmp(t->text + i, mark, n) != 0)
			continue;
		if (!blank_or_sign(t, i, true) && !blank_or_sign(t, i + n, false) && n == 1)
			continue;	/* an apostrophe */
		*open = i;
		return blank_or_sign(t, i, true) && (t->text[i + n] != ' ' || opens_with_blank(t, i));
	}
	return false;
}

static bool
quote_closes(const struct norm *t, size_t at, const char *mark, size_t *close)
{
	size_t n = strlen(mark), hi = t->len - at > QUOTE_MAX ? at + QUOTE_MAX : t->len;

	for (size_t i = at; i + n <= hi; i++) {
		if (memcmp(t->text + i, mark, n) != 0 || (n == 1 && !blank_or_sign(t, i + n, false)))
			continue;
		*close = i + n;
		return true;
	}
	return false;
}

static const char *const marks[][2] = {
	{"\"", "\""}, {"'", "'"}, {"`", "`"}, {"\xc2\xab", "\xc2\xbb"}, {"\xc2\xbb", "\xc2\xab"},	/* guillemets */
	{"\xe3\x80\x8c", "\xe3\x80\x8d"}, {"\xe3\x80\x8e", "\xe3\x80\x8f"},		/* corner brackets */
	{"\xe3\x80\x8a", "\xe3\x80\x8b"},
};
#define MARKS	(sizeof(marks) / sizeof(*marks))

static bool
quoted(const struct norm *t, size_t start, size_t end, size_t *open, size_t *close)
{
	for (size_t i = 0; i < MARKS; i++)
		if (quote_opens(t, start, marks[i][0], open) && quote_closes(t, end, marks[i][1], close))
			return true;
	return false;
}

/* Do the words [from, open) and [close, to) ask something of what is between? */
static bool
asked_about(const struct literals *talk, const struct norm *t, size_t from, size_t open, size_t close, size_t to)
{
	return talk_in(talk, t, from, open, TALK_ASK, NULL) || talk_in(talk, t, close, to, TALK_ASK, NULL);
}

float
rules_context(const struct literals *talk, const struct norm *t, size_t start, size_t len)
{
	size_t open, close, from, to, end = start + len, last;

	if (quoted(t, start, end, &open, &close)) {
		from = sentence_begin(t, open, false);
		to = sentence_end(t, close, 2);
		if (talk_in(talk, t, from, open, TALK_OBEY, NULL) || talk_in(talk, t, close, to, TALK_OBEY, NULL))
			return 1;
		to = sentence_end(t, close, 1);
		return asked_about(talk, t, from, open, close, to) || talk_in(talk, t, from, open, TALK_FRAME, NULL) ||
		    talk_in(talk, t, close, to, TALK_FRAME, NULL) ? TALK : 1;
	}
	from = sentence_begin(t, start, true);
	if (talk_in(talk, t, from, start, TALK_NOT, &last) && last + 1 >= start)
		return TALK;
	return talk_in(talk, t, from, start, TALK_OTHERS, &last) && !talk_in(talk, t, last, start, TALK_OBEY, NULL) ? TALK : 1;
}

/* --- quotations that a text asks about -------------------------------------------------------- */

struct quotation {
	size_t	open, close;	/* from its first mark to behind its last */
};

/* Where a quotation opens at <i>, where it ends; 0: none does.  *tried: how often an end was looked for. */
static size_t
quotation_at(const struct norm *t, size_t i, size_t *tried)
{
	size_t close;

	for (size_t k = 0; k < MARKS; k++) {
		size_t n = strlen(marks[k][0]);

		if (t->len - i <= n || memcmp(t->text + i, marks[k][0], n) != 0 || !blank_or_sign(t, i, true) ||
		    (t->text[i + n] == ' ' && marks[k][0][0] == '\''))
			continue;
		++*tried;
		if (quote_closes(t, i + n, marks[k][1], &close))
			return close;
	}
	return 0;
}

static size_t
quotations_find(const struct norm *t, struct quotation *q)
{
	size_t n = 0, end;

	for (size_t i = 0, tried = 0; i < t->len && n < QUOTATIONS_MAX && tried < TRIES_MAX; i++) {
		if (strchr("\"'`\xc2\xe3", t->text[i]) == NULL)
			continue;
		if ((end = quotation_at(t, i, &tried)) == 0)
			continue;
		q[n++] = (struct quotation){i, end};
		i = end - 1;
	}
	return n;
}

int
rules_ask(const struct rules *rs, const struct norm *t, struct arena *a, struct norm *rest, bool *some)
{
	struct quotation q[QUOTATIONS_MAX];
	size_t n;

	*some = false;
	if (t->len > ASK_MAX || (n = quotations_find(t, q)) == 0)
		return 0;
	*rest = *t;
	rest->text = arena_alloc(a, t->len + 1);
	if (rest->text == NULL)
		return -ENOMEM;
	memcpy(rest->text, t->text, t->len + 1);
	for (size_t i = 0; i < n; i++)
		memset(rest->text + q[i].open, ' ', q[i].close - q[i].open);
	for (size_t i = 0; i < n; i++) {
		size_t open = q[i].open, close = q[i].close, from = sentence_begin(rest, open, false);

		if (asked_about(rs->talk, rest, from, open, close, sentence_end(rest, close, 1)) &&
		    !talk_in(rs->talk, rest, from, open, TALK_OBEY, NULL) &&
		    !talk_in(rs->talk, rest, close, sentence_end(rest, close, 2), TALK_OBEY, NULL))
			*some = true;
		else
			memcpy(rest->text + open, t->text + open, close - open);
	}
	return 0;
}
