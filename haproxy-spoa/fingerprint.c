/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "haproxy-spoa/fingerprint.h"
#include "lib/arena.h"

static void
fingerprint_clear(struct fingerprint *f)
{
	f->ja4[0] = f->ja3[0] = '\0';
	f->state = "";
}

int
fingerprint_make(struct fingerprint *f, enum tls_result *r, const void *p, size_t n, struct arena *a)
{
	uint8_t *msg = arena_alloc(a, n);
	struct tls_hello h;
	size_t len;

	fingerprint_clear(f);
	if (msg == NULL)
		return -ENOMEM;
	*r = tls_records_join(p, n, msg, &len);
	if (*r == TLS_OK)
		*r = tls_hello_parse(&h, TLS_OVER_TCP, msg, len);
	f->state = tls_result_str(*r);
	if (*r == TLS_OK) {
		ja4_hash(f->ja4, &h);
		ja3_hash(f->ja3, &h);
	}
	return 0;
}

void
fingerprint_lists(struct fingerprint *f, enum tls_result *r, const struct tls_lists *l)
{
	struct tls_hello h;
	bool whole;

	fingerprint_clear(f);
	*r = tls_hello_lists(&h, l, &whole);
	/* Nothing kept says nothing about the client. */
	f->state = *r == TLS_SHORT ? "" : tls_result_str(*r);
	if (*r != TLS_OK)
		return;
	ja3_hash(f->ja3, &h);
	if (whole)
		ja4_hash(f->ja4, &h);
}

void
fingerprint_text(char out[FINGERPRINT_TEXT], const struct fingerprint *f)
{
	snprintf(out, FINGERPRINT_TEXT, "%s/%s/%s", f->ja4[0] ? f->ja4 : "-", f->ja3[0] ? f->ja3 : "-",
	    f->state[0] ? f->state : "-");
}

/* Which classes a character belongs to. */
enum { IN_D = 1, IN_H = 2, IN_A = 4 };
static const uint8_t classes[256] = {
	['0' ... '9'] = IN_D | IN_H | IN_A, ['a' ... 'f'] = IN_H | IN_A, ['g' ... 'z'] = IN_A, ['A' ... 'Z'] = IN_A,
};

/* Other than those of <classes>: the few that are allowed, or none. */
static const char *const few[128] = {['v'] = "0123ds", ['n'] = "di", ['t'] = "tq", ['_'] = "_"};

/* One character class for each place of a fingerprint: d digit, h hex, a letter or digit, and those of <few>. */
static bool
shape_is(struct span s, const char *shape)
{
	if (s.n != strlen(shape))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i], k = (unsigned char)shape[i];
		uint8_t want = k == 'h' ? IN_H : k == 'd' ? IN_D : k == 'a' ? IN_A : 0;

		if (want != 0 ? !(classes[c] & want) : c == '\0' || strchr(few[k], c) == NULL)
			return false;
	}
	return true;
}

static bool
field_next(struct span *rest, struct span *out, bool last)
{
	const char *slash = memchr(rest->p, '/', rest->n);

	if ((slash == NULL) != last)
		return false;
	out->p = rest->p;
	out->n = last ? rest->n : (size_t)(slash - rest->p);
	if (!last)
		*rest = (struct span){slash + 1, rest->n - out->n - 1};
	return true;
}

static const char *
state_known(struct span s)
{
	static const enum tls_result all[] = {TLS_OK, TLS_SHORT, TLS_MALFORMED, TLS_NOT_HELLO};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (span_is(s, tls_result_str(all[i])))
			return tls_result_str(all[i]);
	return "";
}

bool
fingerprint_parse(struct fingerprint *f, struct span text)
{
	struct span ja4, ja3, state;
	const char *known;

	fingerprint_clear(f);
	if (!field_next(&text, &ja4, false) || !field_next(&text, &ja3, false) || !field_next(&text, &state, true))
		return false;
	known = state_known(state);
	if (strcmp(known, tls_result_str(TLS_OK)) == 0) {
		if (!shape_is(ja3, "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"))
			return false;
		if (shape_is(ja4, "tvvnddddaa_hhhhhhhhhhhh_hhhhhhhhhhhh")) {
			memcpy(f->ja4, ja4.p, ja4.n);
			f->ja4[ja4.n] = '\0';
		} else if (!span_is(ja4, "-")) {
			return false;
		}
		memcpy(f->ja3, ja3.p, ja3.n);
		f->ja3[ja3.n] = '\0';
	} else if (known[0] == '\0' || !span_is(ja4, "-") || !span_is(ja3, "-")) {
		return false;
	}
	f->state = known;
	return true;
}
