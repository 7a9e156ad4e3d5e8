/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/secret_private.h"
#include "lib/arena.h"
#include "lib/literals.h"

struct named {			/* a kind, and the memory of its names */
	struct secret_kind kind;
	char	category[64], rule_id[80];
};

struct secret {
	enum detect_mode mode[SECRET_GROUPS];
	struct literals	*literals;
	struct named	*kinds;
	uint32_t	 discord;	/* the row without a literal */
	uint64_t	 class[64][4];	/* of classes 'A'.., the characters: a bit each */
};

static const struct conf_enum mode_names[] = { { "off", DETECT_OFF }, { "monitor", DETECT_MONITOR }, { "mask", DETECT_MASK },
	{ "block", DETECT_BLOCK }, { NULL, 0 } };
static const struct conf_enum own_names[] = { { "default", -1 }, { "off", DETECT_OFF }, { "monitor", DETECT_MONITOR },
	{ "mask", DETECT_MASK }, { "block", DETECT_BLOCK }, { NULL, 0 } };

#define MODE(k, g, h) { .name = k, .type = CONF_T_ENUM, .offset = offsetof(struct secret_conf, mode) + SECRET_##g * sizeof(int), \
	.names = own_names, .def = "default", .unit = "", .help = h }
const struct conf_opt secret_conf_opts[] = {
	{ .name = "default", .type = CONF_T_ENUM, .offset = offsetof(struct secret_conf, all), .names = mode_names, .def = "mask",
	    .unit = "", .help = "every group of secrets that has no mode of its own" },
	MODE("cloud", CLOUD, "keys of clouds and hosters"), MODE("code", CODE, "keys of code hosting, registries, CI"),
	MODE("ai", AI, "keys of providers of models"), MODE("payment", PAYMENT, "keys of payment services"),
	MODE("messaging", MESSAGING, "keys of chats, mail and telephony"), MODE("service", SERVICE, "keys of other services"),
	MODE("database", DATABASE, "passwords in connection strings and URLs"), MODE("private_key", PRIVATE_KEY, "private keys"),
	MODE("token", TOKEN, "JWT, Bearer, and what is called key or token and looks like one"), MODE("password", PASSWORD, "passwords"),
	CONF_ENUM(struct secret_conf, output, mode_names, "off", "secrets that the model itself wrote"),
	CONF_END
};
#undef MODE

enum detect_mode
secret_conf_most(const struct secret_conf *c)
{
	int most = DETECT_OFF;

	for (int g = 0; g < SECRET_GROUPS; g++) {
		int m = c->mode[g] < 0 ? c->all : c->mode[g];

		most = m > most ? m : most;
	}
	return (enum detect_mode)most;
}

static void
name_kind(struct named *k, const struct secret_row *r)
{
	snprintf(k->category, sizeof(k->category), "secret.%s", r->name);
	snprintf(k->rule_id, sizeof(k->rule_id), "LLMSEC-SECRET-%s", r->name);
	for (char *c = k->rule_id; *c != '\0'; c++)
		*c = *c == '_' ? '-' : (char)toupper((unsigned char)*c);
	k->kind = (struct secret_kind){ r->name, k->category, k->rule_id, r->group };
}

static int
load_row(struct literals *l, uint32_t i)
{
	char w[64];
	int rc = 0;

	for (const char *s = secret_rows[i].literals; rc == 0 && *s != '\0'; ) {
		size_t n = strcspn(s, " ");

		for (size_t k = 0; k < n; k++)
			w[k] = s[k] == '~' ? ' ' : s[k];
		rc = literals_add(l, w, n, i);
		s += n + (s[n] == ' ');
	}
	return rc;
}

static bool
alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* What class <k> of the table's forms holds; secret_new() asks, matching looks it up. */
static bool
class_has(char k, char c)
{
	bool d = c >= '0' && c <= '9', up = c >= 'A' && c <= 'Z', lo = c >= 'a' && c <= 'z';

	switch (k) {
	case 'd': return d;
	case 'h': return d || (c >= 'a' && c <= 'f');
	case 'H': return d || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
	case 'A': return up;
	case 'u': return up || d;
	case 'l': return lo || d;
	case 'n': return up || lo || d;
	case 'w': return up || lo || d || c == '_';
	case 'b': return up || lo || d || c == '_' || c == '-';
	case 'B': return up || lo || d || c == '+' || c == '/';
	case 'k': return up || lo || d || c == '-';
	case 't': return up || lo || d || (c != '\0' && strchr("_-~.", c) != NULL);
	case 'P': return up || lo || d || c == '+' || c == '/' || c == '=';
	case 'e': return up || lo || d || c == '%';
	case 'c': return up || (c >= '2' && c <= '7');
	case 's': return c == ' ' || c == '\t' || c == '\n' || c == '\r';
	case 'q': return c == '"' || c == '\'';
	case 'x': return c > ' ' && c != 127 && strchr("'\"`()[]{}<>,;\\", c) == NULL;
	case 'o': return c != ':' && class_has('x', c);
	default: return false;
	}
}

static void
load_classes(struct secret *s)
{
	for (int k = 0; k < 64; k++)
		for (unsigned c = 0; c < 256; c++)
			if (class_has((char)('A' + k), (char)c))
				s->class[k][c / 64] |= UINT64_C(1) << c % 64;
}

static bool
in_class(const struct secret *s, char k, char c)
{
	return s->class[(k - 'A') & 63][(unsigned char)c / 64] >> (unsigned char)c % 64 & 1;
}

int
secret_new(struct secret **out, const struct secret_conf *conf)
{
	struct secret *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	*out = NULL;
	if (s == NULL)
		return -ENOMEM;
	for (int g = 0; g < SECRET_GROUPS; g++)
		s->mode[g] = (enum detect_mode)(conf->mode[g] < 0 ? conf->all : conf->mode[g]);
	s->kinds = calloc(secret_n_rows, sizeof(*s->kinds));
	s->literals = literals_new(true);
	if (s->kinds != NULL && s->literals != NULL)
		rc = 0;
	load_classes(s);
	for (uint32_t i = 0; rc == 0 && i < secret_n_rows; i++) {
		name_kind(&s->kinds[i], &secret_rows[i]);
		if (secret_rows[i].literals[0] == '\0')
			s->discord = i;
		rc = load_row(s->literals, i);
	}
	if (rc == 0)
		rc = literals_build(s->literals);
	if (rc < 0)
		secret_free(&s);
	*out = s;
	return rc;
}

void
secret_free(struct secret **sp)
{
	struct secret *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	literals_free(&s->literals);
	free(s->kinds);
	free(s);
}

const struct secret_kind *
secret_kind_at(const struct secret *s, size_t i)
{
	return i < secret_n_rows ? &s->kinds[i].kind : NULL;
}

size_t
secret_window(const struct secret *s)
{
	for (int g = 0; g < SECRET_GROUPS; g++)
		if (s->mode[g] != DETECT_OFF)
			return 512;
	return 0;
}

struct scan {
	const struct secret *s;
	const char	*p;
	size_t		 len;
	struct arena	*arena;
	struct secret_hit *v;
	size_t		 n, cap;
	bool		 oom;
};

/* "{n20-40}" at <form>: what it means, and what follows it. */
static const char *
group(const char *form, char *class, size_t *lo, size_t *hi)
{
	*class = form[1];
	*lo = 0;
	for (form += 2; *form >= '0' && *form <= '9'; form++)
		*lo = *lo * 10 + (size_t)(*form - '0');
	*hi = *lo;
	if (*form == '-')
		for (*hi = 0, form++; *form >= '0' && *form <= '9'; form++)
			*hi = *hi * 10 + (size_t)(*form - '0');
	return form + 1;
}

/* Up to three underscores, going in steps of <step>, and then no word: Markdown's "__key__". */
static bool
emphasis(const char *p, size_t n, int step)
{
	size_t i = 0;

	while (i < n && i < 4 && *p == '_') {
		p += step;
		i++;
	}
	return i < 4 && (i == n || !alnum(*p));
}

/*
 * The end of <form> at p[i..], 0 if it doesn't match.  Fixed counts take as many, ranges as many as there are.  <start> is set
 * where the form has its >.
 */
static size_t
match(const struct scan *s, size_t i, const char *form, size_t *start)
{
	const char *p = s->p;
	size_t len = s->len;
	char k = 0;

	while (*form != '\0') {
		size_t lo, hi, n;

		if (*form == '>') {
			*start = i;
			form++;
			continue;
		}
		if (*form != '{') {
			if (i >= len || p[i] != *form)
				return 0;
			i++;
			form++;
			k = 0;
			continue;
		}
		form = group(form, &k, &lo, &hi);
		for (n = 0; n < hi && i + n < len && in_class(s->s, k, p[i + n]); n++)
			if (k == 'e' && p[i + n] == '%' && (i + n + 1 >= len || p[i + n + 1] != '2'))
				break;
		if (n < lo)
			return 0;
		i += n;
	}
	for (int eq = 0; k == 'B' && eq < 2 && i < len && p[i] == '='; eq++)
		i++;
	return i < len && k != 0 && (alnum(p[i]) || (p[i] == '_' && !emphasis(p + i, len - i, 1))) ? 0 : i;
}

struct shape { unsigned lower, upper, digit, other, distinct, run, word; double bits; };

static void
shape_of(const char *p, size_t n, struct shape *h)
{
	unsigned count[256] = { 0 }, run = 0, word = 0;

	memset(h, 0, sizeof(*h));
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		count[c]++;
		h->lower += c >= 'a' && c <= 'z';
		h->upper += c >= 'A' && c <= 'Z';
		h->digit += c >= '0' && c <= '9';
		h->other += !alnum((char)c);
		run = i > 0 && (c == (unsigned char)p[i - 1] || c == (unsigned char)p[i - 1] + 1) ? run + 1 : 0;
		h->run += run >= 3;		/* in a row of the same or of rising characters */
		word = c >= 'a' && c <= 'z' ? word + 1 : 0;
		h->word = word > h->word ? word : h->word;
	}
	for (int c = 0; c < 256; c++)
		if (count[c] > 0) {
			h->distinct++;
			h->bits -= count[c] / (double)n * log2(count[c] / (double)n);
		}
}

static bool
contains(const char *p, size_t n, const char *word)
{
	size_t k = strlen(word);

	for (size_t i = 0; i + k <= n; i++)
		if ((p[i] | 0x20) == (word[0] | 0x20) && strncasecmp(p + i, word, k) == 0)
			return true;
	return false;
}

/* What documents and code put where a secret would be; three are the values of RFC 6749. */
static bool
placeholder(const char *p, size_t n, const struct shape *h)
{
	static const char *const words[] = { "example", "xxxx", "placeholder", "changeme", "change_me", "change-me", "redacted", "your_", "your-", "yourkey",
		"yourtoken", "insert", "dummy", "foobar", "secretkey", "password", "abcdefgh", "12345678", "0000000", "notreal", "tGzv3JOkF0XG5Qx2", "czZCaGRSa3F0", "2YotnFZFEjr1", "%2F%2F", "****", "....", "${", "{{", "%(" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (contains(p, n < 128 ? n : 128, words[i]))
			return true;
	return h->run * 3 > n || h->distinct * 5 < (n < 40 ? n : 40);
}

static bool
plausible(const struct secret_row *r, const char *p, size_t n)
{
	struct shape h;

	shape_of(p, n, &h);
	if (placeholder(p, n, &h))
		return false;
	if (r->group == SECRET_PASSWORD || r->group == SECRET_DATABASE)
		return h.digit > 0 && (h.lower > 0) + (h.upper > 0) + (h.other > 0) >= 2 && h.bits >= 2.5 && h.other * 2 < n;
	if (strcmp(r->name, "generic") == 0 || strcmp(r->name, "bearer") == 0)
		return h.digit >= 3 && h.bits >= 3.5 && h.word <= 7 && h.lower + h.upper >= 3 &&
		    ((h.lower > 0 && h.upper > 0 && h.digit * 12 >= n) || (n >= 32 && h.other == 0));
	if (n < 12)
		return true;
	return (h.digit > 0 || (h.upper > 2 && h.lower > 2 && h.word < 6)) && (h.lower + h.upper > 0) && h.bits >= 2.6;
}

static void
add(struct scan *s, uint32_t row, size_t start, size_t len, float sure)
{
	const struct secret_kind *k = &s->s->kinds[row].kind;

	if (s->n == s->cap) {
		struct secret_hit *v = arena_alloc(s->arena, (s->cap ? 2 * s->cap : 16) * sizeof(*v));

		if (v == NULL) {
			s->oom = true;
			return;
		}
		if (s->n > 0)
			memcpy(v, s->v, s->n * sizeof(*v));
		s->v = v;
		s->cap = s->cap ? 2 * s->cap : 16;
	}
	s->v[s->n++] = (struct secret_hit){ k->name, start, len, sure, k, s->s->mode[k->group] };
}

/* Literals match in any case; of those that stand for themselves the case counts. */
static bool
exact(const struct secret_row *r, const char *p, size_t n)
{
	for (const char *s = r->literals; *s != '\0'; ) {
		size_t k = strcspn(s, " "), i;

		for (i = 0; k == n && i < n && (s[i] == p[i] || (s[i] == '~' && p[i] == ' ')); i++)
			;
		if (k == n && i == n)
			return true;
		s += k + (s[k] == ' ');
	}
	return false;
}

/* Where "-----END" is, behind what else stands between lines of a key: a mail's "> ", quotes of a program.  0: it isn't. */
static size_t
key_end(const struct scan *s, size_t i, size_t to)
{
	for (; i < to && (in_class(s->s, 'B', s->p[i]) || strchr("= \t\r\n\\:,->\"'#|*.;()", s->p[i]) != NULL); i++)
		if (s->p[i] == '-' && to - i >= 8 && memcmp(s->p + i, "-----", 5) == 0)
			return memcmp(s->p + i + 5, "END", 3) == 0 ? i : 0;
	return 0;
}

/* "-----BEGIN RSA PRIVATE KEY-----" up to its end; what is cut off counts, too. */
static void
private_key(struct scan *s, uint32_t row, size_t start, size_t i)
{
	const char *p = s->p;
	size_t body, mixed = 0, end, to = s->len - i > SECRET_MAX ? i + SECRET_MAX : s->len;

	while (i < to && (in_class(s->s, 'u', p[i]) || p[i] == ' ') && i - start < 64)
		i++;
	if (i - start < 22 || s->len - i < 5 || memcmp(p + i, "-----", 5) != 0 || !contains(p + start, i - start, "PRIVATE KEY"))
		return;
	for (i += 5, body = i; i < to && (in_class(s->s, 'B', p[i]) || strchr("= \t\r\n\\:,-", p[i]) != NULL); i++) {
		if (p[i] == '-' && to - i >= 8 && memcmp(p + i, "-----END", 8) == 0)
			break;
		if (p[i] == '-' && to - i >= 10 && memcmp(p + i, "-----BEGIN", 10) == 0)
			break;
		mixed += p[i] >= '0' && p[i] <= '9';
	}
	if (i < to && p[i] != '-' && (end = key_end(s, i, to)) > 0)
		for (; i < end; i++)
			mixed += p[i] >= '0' && p[i] <= '9';
	if (i - body < 40 || mixed < 3)
		return;
	if (i + 8 <= s->len && memcmp(p + i, "-----END", 8) == 0)
		for (i += 8; i < s->len && i - start < SECRET_MAX + 128 && (in_class(s->s, 'u', p[i]) || p[i] == ' ' || p[i] == '-'); i++)
			;
	add(s, row, start, i - start, 1);
}

/* user:password@host behind "://": the password. */
static void
url_password(struct scan *s, uint32_t row, size_t i)
{
	const char *p = s->p;
	size_t colon = 0, from = i;

	while (i < s->len && i - from < 200 && p[i] > ' ' && p[i] != 127 && strchr("/'\"`<>(){}[],;\\?#", p[i]) == NULL && p[i] != '@') {
		if (p[i] == ':' && colon == 0)
			colon = i + 1;
		i++;
	}
	if (colon == 0 || i >= s->len || p[i] != '@' || i - colon < 5 || i + 1 >= s->len || !alnum(p[i + 1]))
		return;
	if (plausible(&secret_rows[row], p + colon, i - colon) || (secret_rows[row].literals[0] == 'p' && i - colon >= 8 &&
	    !contains(p + colon, i - colon, "pass") && !contains(p + colon, i - colon, "secret") && !contains(p + colon, i - colon, "example")))
		add(s, row, colon, i - colon, 0.9f);
}

/* Words and signs that say that what follows is the value. */
static size_t
says_is(const char *p, size_t n)
{
	static const char *const words[] = { "is ", "ist ", "lautet ", "est ", "es ", "\xc3\xa9 ", "\xef\xbc\x9a", "\xe6\x98\xaf" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t k = strlen(words[i]);

		if (n > k && memcmp(p, words[i], k) == 0)
			return k;
	}
	return 0;
}

/* Behind a name: the rest of the name, then = or : or "is", then perhaps a quote.  Where the value starts, 0: none. */
static size_t
assigned(const struct scan *s, size_t i, bool *quoted)
{
	const char *p = s->p;
	size_t from = i, k;
	bool op = false;

	while (i < s->len && i - from < 24 && in_class(s->s, 'b', p[i]))
		i++;
	for (from = i; i < s->len && i - from < 12; i++) {
		if (p[i] == '=' || p[i] == ':')
			op = true;
		else if ((i > from || (unsigned char)p[i] >= 0x80) && (k = says_is(p + i, s->len - i)) > 0) {
			op = true;
			i += k - 1;
		} else if (p[i] == '>' && i == from && i > 0)	/* <password> */
			op = true;
		else if (strchr(" \t\"'`]>", p[i]) == NULL || p[i] == '\0')
			break;
	}
	*quoted = i > 0 && i < s->len && strchr("\"'`", p[i - 1]) != NULL;
	if (s->len - i > 7 && strncasecmp(p + i, "bearer ", 7) == 0)
		i += 7;
	return op && i < s->len ? i : 0;
}

static void
named(struct scan *s, uint32_t row, size_t end)
{
	const struct secret_row *r = &secret_rows[row];
	bool quoted, pw = r->group == SECRET_PASSWORD;
	size_t i, e;

	if (strcmp(r->name, "bearer") == 0)
		i = end < s->len && s->p[end] == ' ' ? end + 1 : 0;
	else if (strcmp(r->name, "basic_auth") == 0)
		i = end + 1;
	else if (end > 0 && s->p[end - 1] == '=')
		i = end;
	else
		i = assigned(s, end, &quoted);
	if (i == 0 || i >= s->len || (e = match(s, i, r->form, &i)) == 0 || !plausible(r, s->p + i, e - i))
		return;
	if (e < s->len && strchr("(.[-:$<*{%", s->p[e]) != NULL && s->p[e] != '\0' && !(s->p[e] == '<' && e + 1 < s->len && s->p[e + 1] == '/') && !(s->p[e] == '.' && (e + 1 == s->len || s->p[e + 1] == ' ')))
		return;		/* a call, a path, an expression */
	if (pw && (strchr("$%<{*&@/", s->p[i]) != NULL || contains(s->p + i, e - i, "->") || contains(s->p + i, e - i, "::") || contains(s->p + i, e - i, "://")))
		return;
	add(s, row, i, e - i, pw || strcmp(r->name, "generic") == 0 ? 0.7f : 0.9f);
}

/*
 * Behind a long run of base64's characters, by its signs, a few letters begin nothing: pictures and archives hold every
 * short prefix by chance.  A literal with a sign of its own, "ghp_", is no chance.
 */
static bool
in_blob(const char *p, size_t start, size_t end)
{
	size_t from = start > 24 ? start - 24 : 0;

	for (size_t i = start; i < end; i++)
		if (!alnum(p[i]))
			return false;
	for (size_t i = from; i < start; i++)
		if (!alnum(p[i]) && p[i] != '+' && p[i] != '/')
			return false;
	return start - from == 24;
}

/* Where what stands before the literal and belongs to it begins, SIZE_MAX: it isn't there. */
static size_t
behind(const struct scan *s, size_t start, const char **form)
{
	size_t lo, hi, n = 0;
	char k;

	*form = group(*form + 1, &k, &lo, &hi);
	while (n < hi && n < start && in_class(s->s, k, s->p[start - n - 1]))
		n++;
	if (n < lo || (n < start && (alnum(s->p[start - n - 1]) || s->p[start - n - 1] == '_')))
		return SIZE_MAX;
	return start - n;
}

/* Was "curl" or a kin of it called on this line?  "-u name:word" is another thing elsewhere. */
static bool
after_curl(const struct scan *s, size_t i)
{
	size_t from = i > 200 ? i - 200 : 0;

	return contains(s->p + from, i - from, "curl ") || contains(s->p + from, i - from, "wget ");
}

/* A literal and what its form wants on both sides of it. */
static void
literal_value(struct scan *s, uint32_t row, size_t start, size_t end)
{
	const struct secret_row *r = &secret_rows[row];
	const char *form = r->form;
	size_t e, from = end, said = SIZE_MAX;
	bool pw = r->group == SECRET_PASSWORD;

	if (form[0] == '<' && (from = start = behind(s, start, &form)) == SIZE_MAX)
		return;
	if ((e = match(s, end, form, &said)) == 0)
		return;
	if (said != SIZE_MAX)
		from = start = said;
	if (!plausible(r, s->p + from, e - from) || (pw && (strchr("$%<{*&@/-", s->p[from]) != NULL || contains(s->p + from, e - from, "://"))))
		return;
	if (strcmp(r->name, "curl_user") == 0 && !after_curl(s, end))
		return;
	add(s, row, start, e - start, pw ? 0.8f : 0.97f);
}

/* Does an escape end in front of <start>: "%3D", "\\u003d", "\\x3d", "\\n"? */
static bool
behind_escape(const char *p, size_t start)
{
	size_t digits = 0;

	while (digits < 4 && digits < start && isxdigit((unsigned char)p[start - digits - 1]))
		digits++;
	if (start > 1 && p[start - 2] == '\\')
		return true;
	if (digits >= 2 && start > 2 && p[start - 3] == '%')
		return true;
	if (digits >= 2 && start > 3 && p[start - 3] == 'x' && p[start - 4] == '\\')
		return true;
	return digits == 4 && start > 5 && p[start - 5] == 'u' && p[start - 6] == '\\';
}

/* Does a word begin at <start>? */
static bool
begins_word(const struct scan *s, size_t start)
{
	char before = start > 0 ? s->p[start - 1] : ' ';

	if (before == '_')
		return emphasis(s->p + start - 1, start, -1);
	return !alnum(before) || behind_escape(s->p, start);
}

static bool
literal_hit(void *arg, const struct literals_hit *h)
{
	struct scan *s = arg;
	const struct secret_row *r = &secret_rows[h->id];
	char before = h->start > 0 ? s->p[h->start - 1] : ' ';
	if (s->s->mode[r->group] == DETECT_OFF)
		return true;
	if (r->flags & S_NAMED) {
		named(s, h->id, h->end);
		return true;
	}
	if (r->form[0] != '<' && alnum(s->p[h->start]) && !begins_word(s, h->start))
		return true;
	if ((before == '+' || before == '/') && in_blob(s->p, h->start, h->end))
		return true;
	if (!exact(r, s->p + h->start, h->end - h->start))
		return true;
	if (r->form[0] == '@')
		url_password(s, h->id, h->end);
	else if (r->form[0] == '-')
		private_key(s, h->id, h->start, h->end);
	else
		literal_value(s, h->id, h->start, h->end);
	return true;
}

/* base64 of decimal digits: of the four characters for three of them each has few values. */
static bool
digits_base64(const char *p, size_t n)
{
	static const char *const may[4] = { "MNO", "DTjz", "AEIMQUYcgk", "wxyz012345" };

	for (size_t i = 0; i < n; i++)
		if (p[i] == '\0' || strchr(may[i & 3], p[i]) == NULL)
			return false;
	return true;
}

/*
 * Tokens of Discord's bots have no literal: the bot's number in base64, six characters of time, a signature.  Two dots with six
 * characters between show them.
 */
static void
discord_tokens(struct scan *s)
{
	const char *p = s->p, *dot;
	uint32_t row = s->s->discord;

	if (s->s->mode[secret_rows[row].group] == DETECT_OFF)
		return;
	for (size_t i = 0; i < s->len && (dot = memchr(p + i, '.', s->len - i)) != NULL; i++) {
		size_t n = 0, e;

		i = (size_t)(dot - p);
		if (s->len - i < 35 || p[i + 7] != '.')
			continue;
		while (n < 28 && n < i && in_class(s->s, 'b', p[i - n - 1]))
			n++;
		if (n < 22 || n > 27 || !digits_base64(p + i - n, n) || (e = match(s, i, secret_rows[row].form, &(size_t){ 0 })) == 0)
			continue;
		add(s, row, i - n, e - (i - n), 0.97f);
	}
}

static int
hit_cmp(const void *a, const void *b)
{
	const struct secret_hit *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->len != y->len)
		return x->len > y->len ? -1 : 1;
	return x->confidence > y->confidence ? -1 : x->confidence < y->confidence ? 1 : x->what < y->what ? -1 : x->what > y->what;
}

int
secret_find(const struct secret *sec, const char *text, size_t len, struct arena *a, struct secret_hit **out, size_t *n)
{
	struct scan s = { .s = sec, .p = text, .len = len, .arena = a };
	size_t k = 0;

	*out = NULL;
	*n = 0;
	if (len == 0 || secret_window(sec) == 0)
		return 0;
	literals_each(sec->literals, text, len, literal_hit, &s);
	discord_tokens(&s);
	if (s.oom)
		return -ENOMEM;
	if (s.n > 1)
		qsort(s.v, s.n, sizeof(*s.v), hit_cmp);
	for (size_t i = 0; i < s.n; i++) {
		if (k == 0 || s.v[i].start >= s.v[k - 1].start + s.v[k - 1].len)
			s.v[k++] = s.v[i];
		else if (s.v[i].confidence > s.v[k - 1].confidence)
			s.v[k - 1] = s.v[i];
	}
	*out = s.v;
	*n = k;
	return 0;
}
