/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/exfil.h"
#include "lib/siphash.h"
#include "lib/utf8.h"

#define HOSTS_MAX	1024	/* of a request */
#define URLS_MAX	512	/* of its tool results and files */
#define HOST_MAX	255	/* RFC 1035, 2.3.4 */

struct str {
	const char	*p;
	size_t		 n;
};

/* --- as a browser resolves it ------------------------------------------------------------------------ */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static size_t
put_cp(char *out, uint32_t cp)
{
	size_t k = utf8_encode(out, cp);

	if (k == 0)
		k = utf8_encode(out, UTF8_REPLACEMENT);
	return k;
}

/* HTML's names of what URLs are made of. */
static const struct { const char *name; char c; } entities[] = {
	{ "amp;", '&' }, { "colon;", ':' }, { "sol;", '/' }, { "bsol;", '\\' }, { "period;", '.' }, { "quest;", '?' },
	{ "equals;", '=' }, { "num;", '#' }, { "percnt;", '%' }, { "commat;", '@' }, { "Tab;", '\t' },
	{ "NewLine;", '\n' }, { "lpar;", '(' }, { "rpar;", ')' }, { "quot;", '"' }, { "apos;", '\'' }, { "semi;", ';' },
	{ "plus;", '+' }, { "lowbar;", '_' }, { "hyphen;", '-' }, { "dash;", '-' }, { "amp", '&' },
};

/* "&#106;", "&#x6a", "&colon;": bytes used, 0 if it is none.  HTML takes numbers without semicolon. */
size_t
exfil_entity(const char *p, size_t n, uint32_t *cp)
{
	size_t i = 2;
	uint32_t v = 0;
	int base = 10, d;

	if (n > 3 && p[1] == '#') {
		if ((p[2] | 32) == 'x') {
			base = 16;
			i = 3;
		}
		size_t from = i;

		for (; i < n && i < 16 && (d = hex_value(p[i])) >= 0 && d < base; i++)
			v = v < 0x110000 ? v * (uint32_t)base + (uint32_t)d : v;
		*cp = v;
		return i == from ? 0 : i < n && p[i] == ';' ? i + 1 : i;
	}
	for (size_t k = 0; k < sizeof(entities) / sizeof(entities[0]); k++) {
		size_t len = strlen(entities[k].name);

		if (n > len && memcmp(p + 1, entities[k].name, len) == 0) {
			*cp = (uint8_t)entities[k].c;
			return len + 1;
		}
	}
	return 0;
}

/* "\/" of JSON, "\u0068", and Markdown's backslash before punctuation. */
static size_t
backslash(const char *p, size_t n, uint32_t *cp)
{
	uint32_t v = 0;
	int d;

	if (n > 1 && ispunct((unsigned char)p[1]) && p[1] != '\\') {
		*cp = (uint8_t)p[1];
		return 2;
	}
	if (n < 6 || p[1] != 'u')
		return 0;
	for (size_t i = 2; i < 6; i++) {
		if ((d = hex_value(p[i])) < 0)
			return 0;
		v = v << 4 | (uint32_t)d;
	}
	*cp = v;
	return 6;
}

/* Into out[EXFIL_URL_MAX + 4]. */
static size_t
resolve(char *out, const char *p, size_t len)
{
	size_t n = 0, k;
	uint32_t cp;

	while (len > 0 && (unsigned char)*p <= ' ') {
		p++;
		len--;
	}
	for (size_t i = 0; i < len && n < EXFIL_URL_MAX; i += k) {
		k = p[i] == '&' ? exfil_entity(p + i, len - i, &cp) : p[i] == '\\' ? backslash(p + i, len - i, &cp) : 0;
		if (k == 0) {
			k = 1;
			cp = 0x110000;	/* the byte itself */
		}
		if (cp == '\t' || cp == '\n' || cp == '\r' || (n == 0 && cp <= ' ') ||
		    (cp == 0x110000 && (p[i] == '\t' || p[i] == '\n' || p[i] == '\r' || (n == 0 && (unsigned char)p[i] <= ' '))))
			continue;	/* WHATWG URL: removed wherever they stand, and controls and blanks in front */
		if (cp == 0x110000)
			out[n++] = p[i];
		else
			n += put_cp(out + n, cp);
	}
	return n;
}

/* %41 and, in queries, +.  In place of <out>, at most <cap>. */
static size_t
unpercent(char *out, size_t cap, struct str s, bool plus)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < cap; i++) {
		if (s.p[i] == '%' && i + 2 < s.n && hex_value(s.p[i + 1]) >= 0 && hex_value(s.p[i + 2]) >= 0) {
			out[n++] = (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
			i += 2;
		} else
			out[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
	}
	return n;
}

/* --- parts ------------------------------------------------------------------------------------------------ */

struct url {
	struct str	 user, path, query;
	char		 host[HOST_MAX + 1];	/* lower case, without port and "www." */
	size_t		 host_n;
	bool		 host_cut;	/* longer than a host can be */
	struct str	 rest;		/* host and all behind it, to be told word for word */
};

static bool
starts(struct str s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && strncasecmp(s.p, with, n) == 0;
}

static size_t
slashes(struct str s)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == '/' || s.p[i] == '\\'))
		i++;
	return i;
}

/* Behind scheme and slashes; false: it leads to no other host. */
static bool
url_authority(struct str s, struct str *auth)
{
	static const char *const schemes[] = { "http:", "https:", "ftp:", "ws:", "wss:" };
	size_t k;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (starts(s, schemes[i])) {
			k = strlen(schemes[i]);
			k += slashes((struct str){ s.p + k, s.n - k });
			*auth = (struct str){ s.p + k, s.n - k };
			return true;
		}
	k = slashes(s);
	if (k < 2) {
		*auth = s;
		return starts(s, "www.");
	}
	*auth = (struct str){ s.p + k, s.n - k };
	return true;
}

static void
url_host(struct url *u, struct str h)
{
	char raw[HOST_MAX * 3];
	size_t n;

	for (size_t i = h.n; i > 0; i--)
		if (h.p[i - 1] == '@') {
			u->user = (struct str){ h.p, i - 1 };
			h = (struct str){ h.p + i, h.n - i };
			break;
		}
	u->rest.n -= (size_t)(h.p - u->rest.p);
	u->rest.p = h.p;
	n = unpercent(raw, sizeof(raw), h, false);
	for (size_t i = 0; i < n; i++)
		if (raw[i] == ':' && (n == 0 || raw[0] != '['))
			n = i;
	while (n > 0 && raw[n - 1] == '.')
		n--;
	u->host_cut = n > HOST_MAX;
	n = n > HOST_MAX ? HOST_MAX : n;
	for (size_t i = 0; i < n; i++)
		u->host[i] = (char)tolower((unsigned char)raw[i]);
	if (n > 4 && memcmp(u->host, "www.", 4) == 0) {
		n -= 4;
		memmove(u->host, u->host + 4, n);
	}
	u->host[n] = '\0';
	u->host_n = n;
}

static bool
url_parse(struct url *u, const char *p, size_t n)
{
	struct str s;
	size_t i = 0, from;

	memset(u, 0, sizeof(*u));
	if (!url_authority((struct str){ p, n }, &s))
		return false;
	while (i < s.n && memchr("/?#\\", s.p[i], 4) == NULL)
		i++;
	u->rest = s;
	url_host(u, (struct str){ s.p, i });
	from = i;
	while (i < s.n && s.p[i] != '?' && s.p[i] != '#')
		i++;
	u->path = (struct str){ s.p + from, i - from };
	if (i < s.n && s.p[i] == '?') {
		from = ++i;
		while (i < s.n && s.p[i] != '#')
			i++;
		u->query = (struct str){ s.p + from, i - from };
	}
	return u->host_n > 0;
}

/* --- who is known ------------------------------------------------------------------------------------------ */

/* Hosts whose logs no attacker reads, and those that exist for examples (RFC 2606, RFC 6761). */
static const char *const harmless[] = {
	"localhost", "127.0.0.1", "example.com", "example.org", "example.net", ".example", ".test", ".invalid",
	"upload.wikimedia.org", "images.unsplash.com", "raw.githubusercontent.com", "avatars.githubusercontent.com",
	"img.shields.io", "i.imgur.com", "w3.org", "images.pexels.com", "cdn.pixabay.com", "picsum.photos", "placehold.co",
	"via.placeholder.com", "dummyimage.com", "i.ytimg.com", "img.youtube.com", "pbs.twimg.com", "latex.codecogs.com",
};

static bool
host_is(const char *host, size_t n, const char *pattern)
{
	size_t k = strlen(pattern);

	if (pattern[0] == '.')
		return (n > k && strcasecmp(host + n - k, pattern) == 0) || (n == k - 1 && strcasecmp(host, pattern + 1) == 0);
	if (k > 4 && strncasecmp(pattern, "www.", 4) == 0)
		return host_is(host, n, pattern + 4);
	return n == k && strcasecmp(host, pattern) == 0;
}

static struct sip_hash
sketch_hash(const struct resp_sketch *sk, uint64_t purpose, struct str s)
{
	struct sip_key k = { sk->key, sk->key ^ purpose };

	return siphash(&k, s.p, s.n);
}

#define FOR_HOST	UINT64_C(0x686f7374)
#define FOR_URL		UINT64_C(0x75726c21)

static bool
bloom_has(const struct resp_sketch *sk, struct sip_hash h)
{
	for (int i = 0; i < 4; i++) {
		uint32_t b = (uint32_t)(h.lo >> 13 * i) % (SKETCH_BLOOM * 8);

		if ((sk->bloom[b / 8] >> b % 8 & 1) == 0)
			return false;
	}
	return true;
}

static void
bloom_add(struct resp_sketch *sk, struct sip_hash h)
{
	for (int i = 0; i < 4; i++) {
		uint32_t b = (uint32_t)(h.lo >> 13 * i) % (SKETCH_BLOOM * 8);

		sk->bloom[b / 8] |= (uint8_t)(1u << b % 8);
	}
	sk->has_urls = true;
}

/* Without what a sentence puts behind it. */
static struct str
trimmed(struct str s)
{
	while (s.n > 0 && memchr(".,;:!?)]}'\"*_/>", s.p[s.n - 1], 15) != NULL)
		s.n--;
	return s;
}

static bool
url_known(const struct resp_conf *c, const struct resp_sketch *sk, const struct url *u)
{
	if (u->host_cut)
		return false;
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (host_is(u->host, u->host_n, harmless[i]))
			return true;
	for (size_t i = 0; i < c->allow_hosts.n; i++)
		if (host_is(u->host, u->host_n, c->allow_hosts.v[i]))
			return true;
	if (sk == NULL || !sk->has_urls)
		return false;
	return bloom_has(sk, sketch_hash(sk, FOR_HOST, (struct str){ u->host, u->host_n })) ||
	    bloom_has(sk, sketch_hash(sk, FOR_URL, trimmed(u->rest)));
}

/* --- data or not --------------------------------------------------------------------------------------------- */

struct traits {
	size_t	 digits, upper, lower, letters, words, other;
	size_t	 run;		/* longest of letters and digits of mixed kinds */
	bool	 mail;		/* somebody@somewhere.tld */
};

static bool
run_mixed(const char *p, size_t n)
{
	size_t digits = 0, upper = 0, lower = 0, turns = 0;
	int last = 0, kind;

	for (size_t i = 0; i < n; i++) {
		kind = isdigit((unsigned char)p[i]) ? 1 : isupper((unsigned char)p[i]) ? 2 : 3;
		digits += kind == 1;
		upper += kind == 2;
		lower += kind == 3;
		turns += kind != last;
		last = kind;
	}
	return turns >= 6 && (digits >= 2 || (upper >= 3 && lower >= 3));
}

static void
traits_run(struct traits *t, const char *p, size_t n)
{
	if (n > t->run && run_mixed(p, n))
		t->run = n;
}

static struct traits
traits_of(struct str s, const char *joins)
{
	struct traits t = { 0 };
	size_t from = 0, word = 0, at = 0;

	for (size_t i = 0; i <= s.n; i++) {
		unsigned char c = i < s.n ? (unsigned char)s.p[i] : '\0';

		if (i < s.n && (isalnum(c) || (c != '\0' && strchr(joins, c) != NULL))) {
			t.digits += isdigit(c) != 0;
			t.upper += isupper(c) != 0;
			t.lower += islower(c) != 0;
		} else {
			traits_run(&t, s.p + from, i - from);
			from = i + 1;
		}
		if (c > ' ' && c != 0x7f) {
			word++;
			t.letters += isalpha(c) || c >= 0x80;
			t.other += !isalnum(c);
		} else {
			t.words += word > 0;
			word = 0;
		}
		if (c == '@' && i > 0 && isalnum((unsigned char)s.p[i - 1]))
			at = i;
		t.mail = t.mail || (at > 0 && c == '.' && i > at + 1 && i + 1 < s.n &&
		    isalpha((unsigned char)s.p[i + 1]));
	}
	return t;
}

static int
b64_value(char c)
{
	if (isupper((unsigned char)c))
		return c - 'A';
	if (islower((unsigned char)c))
		return c - 'a' + 26;
	if (isdigit((unsigned char)c))
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Is most of it text? */
static bool
is_text(const unsigned char *p, size_t n)
{
	size_t good = 0;

	for (size_t i = 0; i < n; i++)
		good += isalnum(p[i]) || p[i] == ' ' || p[i] == '.' || p[i] == ',' || p[i] == ':' || p[i] == '-' ||
		    p[i] == '_' || p[i] == '@' || p[i] == '\n';
	return n >= 10 && good * 20 >= n * 19;
}

static bool
hides_base64(struct str s)
{
	unsigned char out[EXFIL_URL_MAX];
	uint32_t v = 0;
	size_t n = 0, k = 0;
	int d;

	while (s.n > 0 && s.p[s.n - 1] == '=')
		s.n--;
	for (size_t i = 0; i < s.n && n < sizeof(out); i++) {
		if ((d = b64_value(s.p[i])) < 0)
			return false;
		v = v << 6 | (uint32_t)d;
		if (++k % 4 != 1)
			out[n++] = (unsigned char)(v >> (k % 4 == 2 ? 4 : k % 4 == 3 ? 2 : 0));
	}
	return is_text(out, n);
}

static bool
hides_hex(struct str s)
{
	unsigned char out[EXFIL_URL_MAX / 2];
	size_t n = 0;

	for (size_t i = 0; i + 1 < s.n && n < sizeof(out); i += 2) {
		if (hex_value(s.p[i]) < 0 || hex_value(s.p[i + 1]) < 0)
			return false;
		out[n++] = (unsigned char)(hex_value(s.p[i]) << 4 | hex_value(s.p[i + 1]));
	}
	return s.n % 2 == 0 && is_text(out, n);
}

static bool
host_data(const struct url *u)
{
	struct traits t;
	size_t from = 0, labels = 0;

	if (u->host_cut || u->user.n >= 4)
		return true;
	for (size_t i = 0; i <= u->host_n; i++) {
		if (i < u->host_n && u->host[i] != '.')
			continue;
		t = traits_of((struct str){ u->host + from, i - from }, "");
		/* an xn-- label is a name in other letters (RFC 5890) */
		if (i - from >= 4 && memcmp(u->host + from, "xn--", 4) != 0 && (i - from >= 32 || t.run >= 20 ||
		    hides_hex((struct str){ u->host + from, i - from })))
			return true;
		labels++;
		from = i + 1;
	}
	return labels > 8;
}

/* "name.png" without ".png" */
static struct str
stem(struct str s)
{
	for (size_t k = 2; k <= 6 && k < s.n; k++)
		if (s.p[s.n - k] == '.')
			return (struct str){ s.p, s.n - k };
	return s;
}

/* Pictures are often named after a digest of theirs; no text is spelt by it. */
static bool
is_digest(struct str s)
{
	size_t i = 0;

	while (i < s.n && hex_value(s.p[i]) >= 0)
		i++;
	return i == s.n && s.n <= 64;
}

static bool
segment_data(enum exfil_use use, struct str raw)
{
	char buf[EXFIL_URL_MAX];
	struct str s = { buf, unpercent(buf, sizeof(buf), raw, false) };
	struct traits t = traits_of(s, "");

	if (t.mail || hides_base64(stem(s)) || hides_hex(stem(s)))
		return true;
	if (use == EXFIL_CLICKED)
		return s.n >= 300 || t.words >= 12;
	if (is_digest(stem(s)))
		return false;
	return t.run >= 24 || (t.words >= 4 && t.letters >= 16) || (s.n >= 32 && t.digits + t.lower == s.n && t.digits >= 6) ||
	    s.n >= 160;
}

/* "/h/u/n/t/e/r/": folders of one letter, or more of them than folders are deep.  Those of one digit are how shops file their pictures. */
#define LETTERS_MAX	5
#define DEPTH_MAX	16

static bool
path_data(enum exfil_use use, struct str path)
{
	size_t from = 0, letters = 0, depth = 0;

	for (size_t i = 0; i <= path.n; i++) {
		if (i < path.n && path.p[i] != '/' && path.p[i] != ';' && path.p[i] != '\\')
			continue;
		if (i - from >= 8 && segment_data(use, (struct str){ path.p + from, i - from }))
			return true;
		letters += i - from == 1 && isalpha((unsigned char)path.p[from]);
		depth += i > from;
		from = i + 1;
	}
	return use == EXFIL_LOADED && (path.n > 400 || letters > LETTERS_MAX || depth > DEPTH_MAX);
}

/* Parameters of image servers: how a picture is to look. */
static const char *const picture_names[] = {
	"w", "h", "width", "height", "s", "sz", "size", "q", "quality", "v", "ver", "version", "fit", "crop", "auto",
	"format", "fm", "fmt", "dpr", "t", "ts", "alt", "raw", "ref", "mode", "type", "lang", "hl", "page", "p", "scale",
	"zoom", "bg", "color", "theme", "style", "rect", "ixlib", "ext", "cache", "cb", "rnd", "download", "dl", "usp",
	"export", "view", "resize", "rev", "tx", "blur", "op_usm", "wid", "hei",
	"cs", "fl", "gravity", "bri", "sharp",
};

static bool
is_picture_name(struct str n)
{
	for (size_t i = 0; i < sizeof(picture_names) / sizeof(picture_names[0]); i++)
		if (n.n == strlen(picture_names[i]) && strncasecmp(n.p, picture_names[i], n.n) == 0)
			return true;
	return false;
}

static bool
is_plain_value(struct str v, struct traits t)
{
	static const char *const words[] = { "true", "false", "auto", "webp", "jpeg", "main", "master", "center",
		"dark", "light", "none", "large", "small", "medium", "media" };

	if (v.n < 4 || (t.digits == v.n && v.n <= 10))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (v.n == strlen(words[i]) && strncasecmp(v.p, words[i], v.n) == 0)
			return true;
	return false;
}

/* Each too short to say much: many of them together do. */
#define FEW_BYTES	24

/* *few: bytes of values of names that no picture's settings have. */
static bool
param_data(enum exfil_use use, struct str raw, size_t *few)
{
	char buf[EXFIL_URL_MAX];
	const char *eq = memchr(raw.p, '=', raw.n);
	struct str name = { raw.p, eq != NULL ? (size_t)(eq - raw.p) : 0 }, v;
	struct traits t;

	v = (struct str){ raw.p + name.n + (eq != NULL), raw.n - name.n - (eq != NULL) };
	v.n = unpercent(buf, sizeof(buf), v, true);
	v.p = buf;
	t = traits_of(v, "");
	if (t.mail || (v.n >= 14 && (hides_base64(v) || hides_hex(v))))
		return true;
	if (use == EXFIL_CLICKED)
		return v.n >= 400 || t.words >= 16;
	if (eq == NULL)
		return v.n >= 6 && t.digits != v.n;
	if (name.n >= 24)
		return true;
	/* q is a quality for some and a query for others */
	if (is_picture_name(name) && t.digits != v.n)
		return v.n > (name.n == 1 ? 6 : 16) || t.run >= 12 || t.words >= 3;
	*few += v.n;
	return !is_plain_value(v, t) || *few > FEW_BYTES;
}

static bool
query_data(enum exfil_use use, struct str q)
{
	size_t from = 0, few = 0;

	for (size_t i = 0; i <= q.n; i++) {
		if (i < q.n && q.p[i] != '&' && q.p[i] != ';')
			continue;
		if (i > from && param_data(use, (struct str){ q.p + from, i - from }, &few))
			return true;
		from = i + 1;
	}
	return q.n > (use == EXFIL_LOADED ? 200 : 1000);
}

static bool
is_active(enum exfil_use use, struct str s)
{
	if (starts(s, "javascript:") || starts(s, "vbscript:") || starts(s, "livescript:"))
		return true;
	if (!starts(s, "data:"))
		return false;
	s.p += 5;
	s.n -= 5;
	return starts(s, "text/html") || starts(s, "application/xhtml") || starts(s, "text/xml") ||
	    (use == EXFIL_CLICKED && starts(s, "image/svg"));
}

enum exfil_verdict
exfil_url(const struct resp_conf *c, const struct resp_sketch *sk, enum exfil_use use, const char *p, size_t len)
{
	char buf[EXFIL_URL_MAX + 4];
	size_t n = resolve(buf, p, len);
	struct url u;

	while (n > 0 && memchr(".,;:!?'*", buf[n - 1], 8) != NULL)
		n--;	/* the sentence's */
	if (is_active(use, (struct str){ buf, n }))
		return EXFIL_ACTIVE;
	if (!url_parse(&u, buf, n) || url_known(c, sk, &u))
		return EXFIL_OK;
	if (len >= EXFIL_URL_MAX || host_data(&u) || path_data(use, u.path) || query_data(use, u.query))
		return EXFIL_DATA;
	return EXFIL_OK;
}

/* --- request ------------------------------------------------------------------------------------------------ */

static size_t
url_end(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < EXFIL_URL_MAX && (unsigned char)p[i] > ' ' && memchr("<>\"'`|^{}", p[i], 9) == NULL)
		i++;
	return i;
}

static void
sketch_span(struct resp_sketch *sk, const struct span *s, size_t *hosts, size_t *urls)
{
	bool trusted = s->role != ROLE_TOOL && s->role != ROLE_ASSISTANT && s->prov != PROV_FILE;
	const char *p = s->text, *end = s->text + s->len;
	struct url u;

	while ((p = memmem(p, (size_t)(end - p), "//", 2)) != NULL) {
		size_t n = url_end(p, (size_t)(end - p));

		if (n > 4 && url_parse(&u, p, n)) {
			if (trusted && (*hosts)++ < HOSTS_MAX)
				bloom_add(sk, sketch_hash(sk, FOR_HOST, trimmed((struct str){ u.host, u.host_n })));
			if (!trusted && (*urls)++ < URLS_MAX)
				bloom_add(sk, sketch_hash(sk, FOR_URL, trimmed(u.rest)));
		}
		p += n > 2 ? n : 2;
	}
}

void
exfil_sketch(struct resp_sketch *sk, const struct spans *ss)
{
	size_t hosts = 0, urls = 0;

	for (size_t i = 0; i < ss->n; i++)
		if (ss->v[i].len > 0)
			sketch_span(sk, &ss->v[i], &hosts, &urls);
}
