/* SPDX-License-Identifier: MIT */
/*
 * Strings, numbers and literals.  Every function here may run out of input after any byte and is called
 * again with the next piece, so whatever it knows is in struct json_scan.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/json_private.h"
#include "lib/utf8.h"

/*
 * The token's bytes up to <p>: in place, or joined with what came in earlier pieces.  A NUL behind the
 * joined ones keeps the promise that strtod() finds the end of a number.
 */
static const char *
token_text(struct json_scan *s, const char *p, size_t *len)
{
	if (buf_len(&s->carry) == 0) {
		*len = (size_t)(p - s->from);
		return s->from;
	}
	if (buf_add(&s->carry, s->from, (size_t)(p - s->from)) != 0 || buf_addc(&s->carry, '\0') != 0) {
		json_fail(s, -ENOMEM, s->token, "out of memory");
		return NULL;
	}
	*len = buf_len(&s->carry) - 1;
	return buf_ptr(&s->carry);
}

static const char *
string_end(struct json_scan *s, const char *quote)
{
	size_t len;
	const char *raw = token_text(s, quote, &len);

	if (raw != NULL)
		json_string_done(s, raw, len, json_offset(s, quote) + 1);
	return quote + 1;
}

/* A byte that does not stand for itself. */
static const char *
string_special(struct json_scan *s, const char *p)
{
	uint8_t c = (uint8_t)*p;

	s->part = json_offset(s, p);
	if (c == '"')
		return string_end(s, p);
	if (c == '\\') {
		s->escaped = true;
		s->low = false;
		s->state = ST_ESCAPE;
	} else if (c >= 0x80) {
		/* Ill-formed, or cut by the end of this piece: byte by byte to the verdict. */
		s->n_utf8 = 0;
		s->state = ST_UTF8;
		return p;
	} else
		json_fail(s, -EILSEQ, s->part, c == '\n' || c == '\r' ? "line break in a string" :
		    "control character in a string");
	return p + 1;
}

/*
 * The limit is a place in the input, not a check now and then: a string that is both too long and
 * broken fails in the same way however it was cut.
 */
static const char *
string_read(struct json_scan *s, const char *p, const char *end)
{
	uint64_t used = json_offset(s, p) - s->token - 1, left = s->limit.string - used;
	const char *stop = left < (uint64_t)(end - p) ? p + left : end;

	if (used > s->limit.string) {		/* an escape that began within the limit ran over it */
		json_fail(s, -EMSGSIZE, json_offset(s, p), "string too long");
		return p;
	}
	while (p < stop) {
		size_t k = json_plain_run(p, (size_t)(stop - p));

		p += k;
		if (p == stop || (uint8_t)*p < 0x80)
			break;
		k = utf8_multi_run(p, (size_t)(stop - p));
		if (k == 0)
			break;
		p += k;
	}
	if (p == end)
		return p;
	if (p == stop && *p != '"') {
		json_fail(s, -EMSGSIZE, json_offset(s, p), "string too long");
		return p;
	}
	return string_special(s, p);
}

static const char *
escape_read(struct json_scan *s, const char *p)
{
	if (*p == 'u') {
		s->hex = 0;
		s->n_hex = 0;
		s->state = ST_HEX;
	} else if (*p != '\0' && strchr("\"\\/bfnrt", *p) != NULL)
		s->state = ST_STRING;
	else
		json_fail(s, -EILSEQ, s->part, "unknown escape");
	return p + 1;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A high surrogate needs its low one at once; a low one stands only there. */
static void
hex_done(struct json_scan *s)
{
	bool is_low = s->hex >= 0xdc00 && s->hex <= 0xdfff;

	if (is_low != s->low)
		json_fail(s, -EILSEQ, s->part, "lone surrogate");
	else if (s->hex >= 0xd800 && s->hex <= 0xdbff)
		s->state = ST_LOW_SLASH;
	else
		s->state = ST_STRING;
}

static const char *
hex_read(struct json_scan *s, const char *p)
{
	int v = hex_value(*p);

	if (v < 0) {
		json_fail(s, -EILSEQ, s->part, "\\u needs four hexadecimal digits");
		return p;
	}
	s->hex = s->hex << 4 | (uint32_t)v;
	if (++s->n_hex == 4)
		hex_done(s);
	return p + 1;
}

static const char *
low_read(struct json_scan *s, const char *p)
{
	if (*p != (s->state == ST_LOW_SLASH ? '\\' : 'u')) {
		json_fail(s, -EILSEQ, s->part, "lone surrogate");
		return p;
	}
	if (s->state == ST_LOW_SLASH) {
		s->state = ST_LOW_U;
		return p + 1;
	}
	s->low = true;
	s->hex = 0;
	s->n_hex = 0;
	s->state = ST_HEX;
	return p + 1;
}

static const char *
utf8_read(struct json_scan *s, const char *p)
{
	uint32_t cp;
	bool bad;

	s->utf8[s->n_utf8++] = *p;
	if (utf8_decode(s->utf8, s->n_utf8, &cp, &bad) != 0) {
		if (bad)
			json_fail(s, -EILSEQ, s->part, "ill-formed UTF-8");
		s->state = ST_STRING;
	}
	return p + 1;
}

/* RFC 8259 section 6 as an automaton; the byte says which column. */
enum { N_MINUS, N_ZERO, N_INT, N_DOT, N_FRAC, N_E, N_E_SIGN, N_EXP, N_END, N_BAD };

static const uint8_t number_next[][5] = {
	/*		'0'	1-9	.	eE	+- */
	[N_MINUS]  = {	N_ZERO,	N_INT,	N_BAD,	N_BAD,	N_BAD },
	[N_ZERO]   = {	N_BAD,	N_BAD,	N_DOT,	N_E,	N_BAD },
	[N_INT]	   = {	N_INT,	N_INT,	N_DOT,	N_E,	N_BAD },
	[N_DOT]	   = {	N_FRAC,	N_FRAC,	N_BAD,	N_BAD,	N_BAD },
	[N_FRAC]   = {	N_FRAC,	N_FRAC,	N_BAD,	N_E,	N_BAD },
	[N_E]	   = {	N_EXP,	N_EXP,	N_BAD,	N_BAD,	N_E_SIGN },
	[N_E_SIGN] = {	N_EXP,	N_EXP,	N_BAD,	N_BAD,	N_BAD },
	[N_EXP]	   = {	N_EXP,	N_EXP,	N_BAD,	N_BAD,	N_BAD },
};

static inline bool
number_complete(unsigned st)
{
	return st == N_ZERO || st == N_INT || st == N_FRAC || st == N_EXP;
}

static inline unsigned
number_step(unsigned st, char c)
{
	if (c >= '0' && c <= '9')
		return number_next[st][c != '0'];
	if (c == '.')
		return number_next[st][2];
	if (c == 'e' || c == 'E')
		return number_next[st][3];
	if (c == '+' || c == '-')
		return number_next[st][4];
	return number_complete(st) ? N_END : N_BAD;
}

static void
number_end(struct json_scan *s, const char *p)
{
	size_t len;
	const char *raw = token_text(s, p, &len);

	if (raw != NULL)
		json_scalar_done(s, JSON_NUMBER, raw, len, json_offset(s, p));
}

static const char *
number_read(struct json_scan *s, const char *p, const char *end)
{
	unsigned st = s->number, next;

	for (; p < end; p++) {
		next = number_step(st, *p);
		if (next == N_END) {
			number_end(s, p);
			return p;
		}
		if (next == N_BAD) {
			json_fail(s, -EILSEQ, json_offset(s, p), st == N_ZERO ? "leading zero" :
			    number_complete(st) ? "malformed number" : "digit expected");
			return p;
		}
		if (json_offset(s, p) - s->token >= s->limit.string) {
			json_fail(s, -EMSGSIZE, json_offset(s, p), "number too long");
			return p;
		}
		st = next;
	}
	s->number = (uint8_t)st;
	return p;
}

static const char *
literal_read(struct json_scan *s, const char *p)
{
	if (*p != *s->literal) {
		json_fail(s, -EILSEQ, json_offset(s, p), "true, false or null misspelt");
		return p;
	}
	if (*++s->literal == '\0')
		json_scalar_done(s, s->literal_type, NULL, 0, json_offset(s, p) + 1);
	return p + 1;
}

const char *
json_token_begin(struct json_scan *s, const char *p)
{
	s->token = json_offset(s, p);
	s->from = p;
	buf_clear(&s->carry);
	switch (*p) {
	case '"':
		s->from = p + 1;
		s->escaped = false;
		s->state = ST_STRING;
		return p + 1;
	case 't':
		s->literal = "true";
		s->literal_type = JSON_TRUE;
		break;
	case 'f':
		s->literal = "false";
		s->literal_type = JSON_FALSE;
		break;
	case 'n':
		s->literal = "null";
		s->literal_type = JSON_NULL;
		break;
	default:
		s->number = *p == '-' ? N_MINUS : *p == '0' ? N_ZERO : N_INT;
		s->state = ST_NUMBER;
		return p + 1;
	}
	s->literal++;
	s->state = ST_LITERAL;
	return p + 1;
}

const char *
json_token_read(struct json_scan *s, const char *p, const char *end)
{
	switch (s->state) {
	case ST_STRING:
		return string_read(s, p, end);
	case ST_ESCAPE:
		return escape_read(s, p);
	case ST_HEX:
		return hex_read(s, p);
	case ST_LOW_SLASH:
	case ST_LOW_U:
		return low_read(s, p);
	case ST_UTF8:
		return utf8_read(s, p);
	case ST_NUMBER:
		return number_read(s, p, end);
	default:
		return literal_read(s, p);
	}
}

void
json_token_finish(struct json_scan *s)
{
	if (s->state == ST_NUMBER && number_complete(s->number))
		number_end(s, s->chunk);
}
