/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/cidr.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static int
length_parse(const char *s, unsigned max)
{
	unsigned v = 0;

	if (*s == '\0' || (s[0] == '0' && s[1] != '\0'))
		return -EINVAL;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (unsigned)(*s - '0');
		if (v > max)
			return -EINVAL;
	}
	return (int)v;
}

static void
host_bits_clear(struct cidr *c)
{
	for (unsigned i = c->len / 8; i < 16; i++)
		c->addr[i] &= i == c->len / 8 ? (uint8_t)(0xff00 >> (c->len % 8)) : 0;
}

int
cidr_parse(const char *text, struct cidr *c)
{
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char host[INET6_ADDRSTRLEN];
	unsigned base = 0;
	int len;

	if (n == 0 || n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, c->addr + 12) == 1) {
		memcpy(c->addr, mapped, sizeof(mapped));
		base = 96;
	} else if (inet_pton(AF_INET6, host, c->addr) != 1) {
		return -EINVAL;
	}
	len = slash != NULL ? length_parse(slash + 1, 128 - base) : (int)(128 - base);
	if (len < 0)
		return -EINVAL;
	c->len = (uint8_t)(base + (unsigned)len);
	host_bits_clear(c);
	return 0;
}

bool
cidr_is_v4(const struct cidr *c)
{
	return c->len >= 96 && memcmp(c->addr, mapped, sizeof(mapped)) == 0;
}

bool
cidr_is_host(const struct cidr *c)
{
	return c->len == 128;
}

const char *
cidr_format(const struct cidr *c, char out[CIDR_TEXT])
{
	bool v4 = cidr_is_v4(c);
	size_t n;

	if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? c->addr + 12 : c->addr, out, CIDR_TEXT) == NULL)
		out[0] = '\0';
	n = strlen(out);
	if (!cidr_is_host(c))
		snprintf(out + n, CIDR_TEXT - n, "/%d", c->len - (v4 ? 96 : 0));
	return out;
}

bool
cidr_covers(const struct cidr *outer, const struct cidr *inner)
{
	unsigned bytes = outer->len / 8, bits = outer->len % 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits);

	if (outer->len > inner->len || memcmp(outer->addr, inner->addr, bytes) != 0)
		return false;
	return bits == 0 || (inner->addr[bytes] & mask) == outer->addr[bytes];
}

bool
cidr_overlaps(const struct cidr *a, const struct cidr *b)
{
	return cidr_covers(a, b) || cidr_covers(b, a);
}

bool
cidr_equal(const struct cidr *a, const struct cidr *b)
{
	return a->len == b->len && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}
