/* SPDX-License-Identifier: MIT */
/* Who is banned, as text and as a hash. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "haproxy-spoa/behave/bans.h"

#define JA4_TEXT	36	/* "t13d1516h2_8daaf6152771_b0da82dd1658" */
#define KEY_TEXT	16

const char *
ban_kind_name(enum ban_kind k)
{
	static const char *const names[BAN_KINDS] = {[BAN_IP] = "ip", [BAN_JA4] = "ja4", [BAN_KEY] = "key"};

	return names[k];
}

struct sip_hash
source_hash(const struct sip_key *key, const struct cidr *c, enum ban_kind kind, const char *text)
{
	uint8_t b[1 + 16 + BAN_ID] = {(uint8_t)kind};
	size_t n = strnlen(text, BAN_ID);

	if (c != NULL) {
		b[0] |= 0x80;
		memcpy(b + 1, c->addr, 16);
	}
	memcpy(b + 17, text, n);
	return siphash(key, b, 17 + n);
}

struct sip_hash
ban_hash(const struct sip_key *key, const struct ban_who *w)
{
	struct cidr c;
	bool has = ban_who_address(w, &c);
	char ja4[BAN_ID];

	snprintf(ja4, sizeof(ja4), "%.*s", (int)strcspn(w->id, "@"), w->id);
	return source_hash(key, has ? &c : NULL, w->kind, w->kind == BAN_IP ? "" : ja4);
}

bool
source_address(struct cidr *c, const char *ip)
{
	if (cidr_parse(ip, c) < 0 || c->len != 128)
		return false;
	if (!cidr_is_v4(c)) {
		memset(c->addr + 8, 0, 8);
		c->len = 64;
	}
	return true;
}

/* An address as a source: itself, or its /64.  Of a network only what is one source. */
static int
address_text(char out[CIDR_TEXT], const char *text)
{
	struct cidr c;

	if (cidr_parse(text, &c) < 0)
		return -EINVAL;
	if (c.len == 128)
		source_address(&c, text);
	else if (cidr_is_v4(&c) || c.len != 64)
		return -EINVAL;
	cidr_format(&c, out);
	return 0;
}

/* "-" is a client without TLS. */
static bool
ja4_ok(const char *s, size_t n, bool or_none)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	return (or_none && n == 1 && *s == '-') || (n == JA4_TEXT && strspn(s, ok) >= n);
}

static int
ja4_parse(char *out, const char *id)
{
	const char *at = strchr(id, '@');
	size_t n = at != NULL ? (size_t)(at - id) : strlen(id);
	char address[CIDR_TEXT];

	if (!ja4_ok(id, n, at != NULL))
		return -EINVAL;
	if (at == NULL) {
		memcpy(out, id, n + 1);
		return 0;
	}
	if (address_text(address, at + 1) < 0)
		return -EINVAL;
	snprintf(out, BAN_ID, "%.*s@%s", (int)n, id, address);
	return 0;
}

int
ban_who_parse(struct ban_who *w, const char *kind, const char *id)
{
	memset(w, 0, sizeof(*w));
	if (strcmp(kind, "ip") == 0) {
		w->kind = BAN_IP;
		return address_text(w->id, id);
	}
	if (strcmp(kind, "ja4") == 0) {
		w->kind = BAN_JA4;
		return ja4_parse(w->id, id);
	}
	if (strcmp(kind, "key") != 0 || strlen(id) != KEY_TEXT || strspn(id, "0123456789abcdef") != KEY_TEXT)
		return -EINVAL;
	w->kind = BAN_KEY;
	memcpy(w->id, id, KEY_TEXT + 1);
	return 0;
}

bool
ban_who_address(const struct ban_who *w, struct cidr *c)
{
	const char *at = w->kind == BAN_JA4 ? strchr(w->id, '@') : NULL;

	if (w->kind == BAN_KEY || (w->kind == BAN_JA4 && at == NULL))
		return false;
	return cidr_parse(at != NULL ? at + 1 : w->id, c) == 0;
}
