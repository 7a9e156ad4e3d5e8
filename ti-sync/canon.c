/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "ti-sync/canon.h"

#define NAME_LEN	253	/* RFC 1035, as text */
#define LABEL_LEN	63

const char *
ti_reason_str(enum ti_reason r)
{
	static const char *const text[TI_REASONS] = {
		[TI_OK] = "ok", [TI_BAD_NAME] = "not a host name", [TI_BAD_IDN] = "not a valid international name",
		[TI_BAD_ADDRESS] = "not an address or network", [TI_SINGLE_LABEL] = "a whole top-level domain",
		[TI_PUBLIC_SUFFIX] = "a public suffix", [TI_RESERVED_NAME] = "a reserved name",
		[TI_RESERVED_ADDRESS] = "a reserved or private address", [TI_WIDE_NETWORK] = "a network too wide",
		[TI_UNSUPPORTED] = "a rule for less than a whole domain", [TI_TOO_LONG] = "a line too long",
		[TI_WRONG_KIND] = "of the other kind",
	};

	return text[r];
}

/* ---- names --------------------------------------------------------------------------------------- */

/* 0: no byte of a name; else the byte in lower case. */
static const unsigned char name_bytes[256] = {
	['-'] = '-', ['_'] = '_', ['.'] = '.',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
	['8'] = '8', ['9'] = '9',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h',
	['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p',
	['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
	['y'] = 'y', ['z'] = 'z',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h',
	['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',
	['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x',
	['Y'] = 'y', ['Z'] = 'z',
};

static enum ti_reason
idn_name(char out[256], size_t *out_len, const char *p, size_t n)
{
	char in[1024], *a = NULL;
	size_t len;

	if (n >= sizeof(in) || memchr(p, '\0', n) != NULL)
		return TI_BAD_NAME;
	memcpy(in, p, n);
	in[n] = '\0';
	if (idn2_lookup_u8((const uint8_t *)in, (uint8_t **)&a, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return TI_BAD_IDN;
	len = strlen(a);
	if (len == 0 || len > NAME_LEN) {
		idn2_free(a);
		return TI_BAD_NAME;
	}
	memcpy(out, a, len + 1);
	*out_len = len;
	idn2_free(a);
	return TI_OK;
}

/* One pass: lower case, and the shape that RFC 1123 2.1 wants.  Underscores are no host's, but feeds have them. */
static enum ti_reason
ascii_name(char out[256], size_t *out_len, const char *p, size_t n, bool *idn)
{
	size_t start = 0, i;

	if (n == 0 || n > NAME_LEN)
		return TI_BAD_NAME;
	for (i = 0; i <= n; i++) {
		unsigned char c = i < n ? name_bytes[(unsigned char)p[i]] : '.';

		if (c == 0)
			return TI_BAD_NAME;
		out[i] = (char)c;
		if (c != '.')
			continue;
		if (i == start || i - start > LABEL_LEN || out[start] == '-' || out[i - 1] == '-')
			return TI_BAD_NAME;
		if (i - start > 3 && memcmp(out + start, "xn--", 4) == 0)
			*idn = true;
		start = i + 1;
	}
	out[n] = '\0';
	*out_len = n;
	return TI_OK;
}

static bool
all_digits(const char *p)
{
	return p[strspn(p, "0123456789")] == '\0';
}

enum ti_reason
ti_canon_name(char out[256], size_t *out_len, const char *p, size_t n)
{
	enum ti_reason r;
	bool idn = false;
	const char *dot;

	if (n > 2 && p[0] == '*' && p[1] == '.') {
		p += 2;
		n -= 2;
	}
	while (n > 0 && *p == '.') {
		p++;
		n--;
	}
	if (n > 0 && p[n - 1] == '.')
		n--;
	for (size_t i = 0; i < n && !idn; i++)
		idn = (unsigned char)p[i] >= 0x80;
	if (idn) {
		char first[256];
		size_t len;

		/* Once more as ASCII: what comes out must have the shape, too. */
		r = idn_name(first, &len, p, n);
		if (r == TI_OK)
			r = ascii_name(out, out_len, first, len, &idn);
	} else {
		r = ascii_name(out, out_len, p, n, &idn);
		if (r == TI_OK && idn) {
			char second[256];

			r = idn_name(second, out_len, out, *out_len);
			if (r == TI_OK)
				memcpy(out, second, *out_len + 1);
		}
	}
	if (r != TI_OK)
		return r;
	dot = strrchr(out, '.');
	if (all_digits(dot != NULL ? dot + 1 : out))
		return TI_BAD_ADDRESS;
	return TI_OK;
}

static bool
ends_with(const char *name, size_t n, const char *end)
{
	size_t k = strlen(end);

	return n >= k && memcmp(name + n - k, end, k) == 0 && (n == k || name[n - k - 1] == '.');
}

enum ti_reason
ti_name_reserved(const char *name, size_t n)
{
	/* RFC 2606, 6761, 6762, 7686, 8375, 9476, and what home routers use. */
	static const char *const reserved[] = {
		"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "test",
		"example", "invalid", "onion", "alt", "arpa", "broadcasthost", "example.com", "example.net",
		"example.org",
	};
	static const psl_ctx_t *psl;

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (name[n - 1] == reserved[i][strlen(reserved[i]) - 1] && ends_with(name, n, reserved[i]))
			return TI_RESERVED_NAME;
	if (memchr(name, '.', n) == NULL)
		return TI_SINGLE_LABEL;
	/* The system's list where it is newer than the one in the library. */
	if (psl == NULL && (psl = psl_latest(NULL)) == NULL)
		psl = psl_builtin();
	return psl != NULL && psl_is_public_suffix2(psl, name, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) ?
	    TI_PUBLIC_SUFFIX : TI_OK;
}

bool
ti_url_host(const char **pp, size_t *np)
{
	const char *p = *pp, *end = p + *np, *q, *stop;

	q = memmem(p, *np, "://", 3);
	if (q != NULL)
		p = q + 3;
	for (stop = p; stop < end && strchr("/?#\\", *stop) == NULL; stop++)
		;
	for (q = p; q < stop; q++)
		if (*q == '@')
			p = q + 1;		/* user:password@ */
	if (p < stop && *p == '[') {
		q = memchr(p, ']', (size_t)(stop - p));
		*pp = p + 1;
		*np = q != NULL ? (size_t)(q - p - 1) : 0;
		return *np > 0;
	}
	q = memchr(p, ':', (size_t)(stop - p));
	*pp = p;
	*np = (size_t)((q != NULL ? q : stop) - p);
	return *np > 0;
}

/* ---- networks ------------------------------------------------------------------------------------ */

bool
ti_looks_like_net(const char *p, size_t n)
{
	enum { DIGIT = 1, LETTER, COLON, OTHER };
	static const unsigned char kinds[256] = {
		['0'] = DIGIT, ['1'] = DIGIT, ['2'] = DIGIT, ['3'] = DIGIT, ['4'] = DIGIT, ['5'] = DIGIT, ['6'] = DIGIT,
		['7'] = DIGIT, ['8'] = DIGIT, ['9'] = DIGIT, ['a'] = LETTER, ['b'] = LETTER, ['c'] = LETTER,
		['d'] = LETTER, ['e'] = LETTER, ['f'] = LETTER, ['A'] = LETTER, ['B'] = LETTER, ['C'] = LETTER,
		['D'] = LETTER, ['E'] = LETTER, ['F'] = LETTER, [':'] = COLON, ['.'] = OTHER, ['/'] = OTHER,
		['-'] = OTHER, [' '] = OTHER,
	};
	size_t colons = 0, letters = 0, digits = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned k = kinds[(unsigned char)p[i]];

		if (k == 0)
			return false;
		colons += k == COLON;
		digits += k == DIGIT;
		letters += k == LETTER;
	}
	/* Two colons: IPv6.  One: a port.  Letters without: "abc.de". */
	return colons > 1 || (digits > 0 && letters == 0);
}

static bool
one_address(struct cidr *c, const char *p, size_t n)
{
	char text[64];

	while (n > 0 && p[n - 1] == ' ')
		n--;
	while (n > 0 && *p == ' ') {
		p++;
		n--;
	}
	if (n == 0 || n >= sizeof(text) || memchr(p, '\0', n) != NULL)
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	return cidr_parse(text, c) == 0;
}

/* One more than the last address; false: there is none. */
static bool
addr_next(uint8_t a[16])
{
	for (int i = 15; i >= 0; i--)
		if (++a[i] != 0)
			return true;
	return false;
}

static void
last_of(const struct cidr *c, uint8_t out[16])
{
	memcpy(out, c->addr, 16);
	for (unsigned bit = c->len; bit < 128; bit++)
		out[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

/* The widest network that begins at <first> and ends no later than <last>. */
static struct cidr
widest(const uint8_t first[16], const uint8_t last[16], unsigned shortest)
{
	struct cidr c = {.len = 128};

	memcpy(c.addr, first, 16);
	while (c.len > shortest) {
		struct cidr wider = c;
		uint8_t end[16];
		unsigned bit = --wider.len;

		if ((first[bit / 8] & 0x80 >> bit % 8) != 0)
			break;
		last_of(&wider, end);
		if (memcmp(end, last, 16) > 0)
			break;
		c = wider;
	}
	return c;
}

static enum ti_reason
range(struct cidr *out, size_t *n_out, const struct cidr *a, const struct cidr *b)
{
	uint8_t at[16], end[16];
	bool more = true;

	if (!cidr_is_host(a) || !cidr_is_host(b) || cidr_is_v4(a) != cidr_is_v4(b) ||
	    memcmp(a->addr, b->addr, 16) > 0)
		return TI_BAD_ADDRESS;
	memcpy(at, a->addr, 16);
	for (*n_out = 0; more && memcmp(at, b->addr, 16) <= 0; (*n_out)++) {
		if (*n_out == 64)
			return TI_BAD_ADDRESS;
		out[*n_out] = widest(at, b->addr, cidr_is_v4(a) ? 96 : 0);
		last_of(&out[*n_out], end);
		memcpy(at, end, 16);
		more = addr_next(at);
	}
	return TI_OK;
}

enum ti_reason
ti_canon_net(struct cidr out[64], size_t *n_out, const char *p, size_t n)
{
	const char *dash = memchr(p, '-', n), *colon = memchr(p, ':', n);
	struct cidr a, b;

	*n_out = 1;
	if (dash != NULL)
		return one_address(&a, p, (size_t)(dash - p)) &&
		    one_address(&b, dash + 1, (size_t)(p + n - dash - 1)) ? range(out, n_out, &a, &b) : TI_BAD_ADDRESS;
	if (one_address(out, p, n))
		return TI_OK;
	/* 192.0.2.1:8080 */
	if (colon != NULL && memchr(colon + 1, ':', (size_t)(p + n - colon - 1)) == NULL &&
	    one_address(out, p, (size_t)(colon - p)) && cidr_is_v4(out))
		return TI_OK;
	return TI_BAD_ADDRESS;
}

enum ti_reason
ti_net_reserved(const struct cidr *c)
{
	/* IANA's special-purpose registries (RFC 6890), multicast, and what is not given out. */
	static const char *const nets[] = {
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "::/96", "64:ff9b::/96", "64:ff9b:1::/48",
		"100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7",
		"fe80::/9", "ff00::/8",
	};
	/* Of this thread: llmsecd asks from several. */
	static _Thread_local struct cidr parsed[sizeof(nets) / sizeof(*nets)];
	bool v4 = cidr_is_v4(c);

	if (c->len < (v4 ? 96 + 8 : 16))
		return TI_WIDE_NETWORK;
	for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++) {
		if (parsed[i].len == 0 && cidr_parse(nets[i], &parsed[i]) < 0)
			continue;
		if (cidr_overlaps(&parsed[i], c))
			return TI_RESERVED_ADDRESS;
	}
	return TI_OK;
}
