/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "squid-helpers/egress_host.h"

/*
 * Credentials of the machine itself are served under these; nothing an application does with a
 * model needs them, so no allow rule can open them.  Names match their subdomains too.
 */
#define NAME(s)	{ s, sizeof(s) - 1 }
static const struct { const char *p; size_t n; } metadata_names[] = {
	NAME("metadata"), NAME("metadata.google.internal"), NAME("metadata.goog"), NAME("instance-data"),
	NAME("instance-data.ec2.internal"), NAME("metadata.azure.internal"),
	NAME("metadata.tencentyun.com"), NAME("metadata.packet.net"),
	NAME("metadata.platformequinix.com"), NAME("rancher-metadata"),
};

static const uint8_t metadata_v4[][4] = {
	{ 169, 254, 169, 254 },		/* AWS, Azure, GCP, OpenStack, DigitalOcean, Oracle */
	{ 169, 254, 169, 253 },		/* AWS resolver */
	{ 169, 254, 170, 2 },		/* ECS task credentials */
	{ 169, 254, 170, 23 },		/* EKS pod identity */
	{ 168, 63, 129, 16 },		/* Azure wire server */
	{ 100, 100, 100, 200 },		/* Alibaba */
	{ 192, 0, 0, 192 },		/* Oracle classic */
};

static const char *const metadata_v6[] = {
	"fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::23", "fd20:ce::254",
};

static int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * One numeric label as inet_aton(3) reads it, and a bare "0x" as zero, which is how the IPv4 number
 * parser of the WHATWG URL standard takes it.  false: not a number.
 */
static bool
label_number(const char *p, size_t n, uint64_t *out)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (n == 0)
		return false;
	if (n >= 2 && p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
		n -= 2;
	} else if (n >= 2 && p[0] == '0') {
		base = 8;
	}
	for (size_t i = 0; i < n; i++) {
		int d = hex_digit((unsigned char)p[i]);

		if (d < 0 || (base != 16 && d > 9))
			return false;
		/* "08" is a number to people, and to parsers that ignore the octal rule. */
		if ((unsigned)d >= base)
			v = UINT32_MAX;
		v = v * base + (unsigned)d;
		if (v > UINT32_MAX)
			v = (uint64_t)UINT32_MAX + 1;
	}
	*out = v;
	return true;
}

/* 1: an IPv4 address; 0: a name; -1: ends in a number and yet is no address. */
static int
ipv4_any_spelling(const char *p, size_t n, uint8_t out[4])
{
	uint64_t part[4], v;
	const char *dot;
	size_t parts = 0, k;
	uint32_t addr = 0;

	dot = memrchr(p, '.', n);
	k = dot ? (size_t)(dot + 1 - p) : 0;
	if (!label_number(p + k, n - k, &v))
		return 0;
	for (size_t at = 0; at <= n; at += k + 1) {
		dot = memchr(p + at, '.', n - at);
		k = dot ? (size_t)(dot - (p + at)) : n - at;
		if (parts == 4 || !label_number(p + at, k, &part[parts++]))
			return -1;
	}
	for (size_t i = 0; i + 1 < parts; i++) {
		if (part[i] > 255)
			return -1;
		addr |= (uint32_t)part[i] << (24 - 8 * i);
	}
	/* The last part fills all bytes that are left. */
	if (part[parts - 1] > (UINT32_MAX >> (8 * (parts - 1))))
		return -1;
	addr |= (uint32_t)part[parts - 1];
	addr = htonl(addr);
	memcpy(out, &addr, 4);
	return 1;
}

static bool
is_metadata_v4(const uint8_t a[4])
{
	for (size_t i = 0; i < sizeof(metadata_v4) / sizeof(metadata_v4[0]); i++)
		if (memcmp(a, metadata_v4[i], 4) == 0)
			return true;
	return false;
}

/* The IPv4 address that a packet to this IPv6 address may end up at; false: none. */
static bool
ipv6_embedded_v4(const uint8_t a[16], uint8_t out[4])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, zero[12];
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	if (memcmp(a, mapped, 12) == 0 || memcmp(a, zero, 12) == 0 || memcmp(a, nat64, 12) == 0) {
		memcpy(out, a + 12, 4);
		return true;
	}
	if (a[0] == 0x20 && a[1] == 0x02) {			/* 6to4 */
		memcpy(out, a + 2, 4);
		return true;
	}
	if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0 && a[3] == 0) {	/* Teredo */
		for (int i = 0; i < 4; i++)
			out[i] = (uint8_t)~a[12 + i];
		return true;
	}
	return false;
}

static bool
is_metadata_v6(const uint8_t a[16])
{
	uint8_t v4[4], m[16];

	if (ipv6_embedded_v4(a, v4) && is_metadata_v4(v4))
		return true;
	for (size_t i = 0; i < sizeof(metadata_v6) / sizeof(metadata_v6[0]); i++)
		if (inet_pton(AF_INET6, metadata_v6[i], m) == 1 && memcmp(a, m, 16) == 0)
			return true;
	return false;
}

static bool
is_metadata_name(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(metadata_names) / sizeof(metadata_names[0]); i++) {
		size_t k = metadata_names[i].n;

		if (n >= k && (n == k || p[n - k - 1] == '.') && memcmp(p + n - k, metadata_names[i].p, k) == 0)
			return true;
	}
	return false;
}

/* Undo percent escapes once and lower the case into h->name; false: cannot be a host. */
static bool
host_decode(struct egress_host *h, const char *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '%') {
			int hi = i + 2 < n ? hex_digit((unsigned char)p[i + 1]) : -1;
			int lo = i + 2 < n ? hex_digit((unsigned char)p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = (unsigned char)(hi << 4 | lo);
			i += 2;
		}
		/* 253 and a trailing dot, or an IPv6 address in brackets */
		if (k == EGRESS_HOST_MAX + 1)
			return false;
		h->name[k++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	h->name[k] = '\0';
	h->len = k;
	return true;
}

/* What can't be a host is shown in messages and events, where only harmless bytes may go. */
static void
host_show(struct egress_host *h, const char *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n && k < 100; i++) {
		char c = p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || (c != '\0' && strchr(".-_:@[]%", c) != NULL);

		h->name[k++] = plain ? c : '?';
	}
	h->name[k] = '\0';
	h->len = k;
}

static enum egress_host_kind
host_as_ipv6(struct egress_host *h)
{
	char *s = h->name;

	if (s[0] == '[') {
		if (s[h->len - 1] != ']' || memchr(s, ']', h->len) != s + h->len - 1)
			return EGRESS_HOST_BAD;
		memmove(s, s + 1, h->len - 2);
		h->len -= 2;
		s[h->len] = '\0';
	}
	if (strlen(s) != h->len || inet_pton(AF_INET6, s, h->ip) != 1)
		return EGRESS_HOST_BAD;
	inet_ntop(AF_INET6, h->ip, s, sizeof(h->name));
	h->len = strlen(s);
	return is_metadata_v6(h->ip) ? EGRESS_HOST_METADATA : EGRESS_HOST_IP;
}

static enum egress_host_kind
host_as_ipv4(struct egress_host *h, const uint8_t v4[4])
{
	memset(h->ip, 0, 10);
	h->ip[10] = h->ip[11] = 0xff;
	memcpy(h->ip + 12, v4, 4);
	inet_ntop(AF_INET, v4, h->name, sizeof(h->name));
	h->len = strlen(h->name);
	return is_metadata_v4(v4) ? EGRESS_HOST_METADATA : EGRESS_HOST_IP;
}

/* Letters, digits, hyphen and underscore in labels of 1 to 63. */
static bool
is_domain_name(const char *p, size_t n)
{
	size_t label = 0;

	if (n == 0 || n > EGRESS_HOST_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0;
}

/* What may stand in a domain name, in lower case; 0: anything else. */
static const char name_byte[256] = {
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i',
	['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
	['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',
	['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r',
	['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8',
	['9'] = '9', ['-'] = '-', ['_'] = '_', ['.'] = '.',
};

/*
 * Nearly every host is a name with nothing to decode, whose last label is no number: known in one pass.  false: it is to be looked
 * at piece by piece, whatever it is.
 */
static bool
host_is_plain(struct egress_host *h, const char *p, size_t n)
{
	size_t label = 0;

	if (n == 0 || n > EGRESS_HOST_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = name_byte[(unsigned char)p[i]];

		if (c == '\0')
			return false;
		if (c == '.') {
			if (i == label || i - label > 63)
				return false;
			label = i + 1;
		}
		h->name[i] = c;
	}
	if (label == n || n - label > 63 || (h->name[label] >= '0' && h->name[label] <= '9'))
		return false;
	h->name[n] = '\0';
	h->len = n;
	return true;
}

static enum egress_host_kind
host_classify(struct egress_host *h, const char *p, size_t n)
{
	uint8_t v4[4];

	if (host_is_plain(h, p, n))
		return is_metadata_name(h->name, h->len) ? EGRESS_HOST_METADATA : EGRESS_HOST_NAME;
	if (!host_decode(h, p, n) || h->len == 0)
		return EGRESS_HOST_BAD;
	if (memchr(h->name, '@', h->len) != NULL)
		return EGRESS_HOST_USERINFO;
	if (h->name[0] == '[' || memchr(h->name, ':', h->len) != NULL)
		return host_as_ipv6(h);
	if (h->name[h->len - 1] == '.')
		h->name[--h->len] = '\0';
	if (!is_domain_name(h->name, h->len))
		return EGRESS_HOST_BAD;
	switch (ipv4_any_spelling(h->name, h->len, v4)) {
	case 1:
		return host_as_ipv4(h, v4);
	case -1:
		return EGRESS_HOST_BAD;
	}
	return is_metadata_name(h->name, h->len) ? EGRESS_HOST_METADATA : EGRESS_HOST_NAME;
}

void
egress_host_parse(struct egress_host *h, const char *p, size_t n)
{
	memset(h->ip, 0, sizeof(h->ip));
	h->len = 0;
	h->kind = host_classify(h, p, n);
	if (h->kind == EGRESS_HOST_BAD || h->kind == EGRESS_HOST_USERINFO)
		host_show(h, p, n);
}
