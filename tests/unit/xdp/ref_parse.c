/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "tests/unit/xdp/ref_parse.h"

struct view {
	const uint8_t	*b;
	size_t		 at, end;	/* of the layer that is looked at */
	bool		 v6, first_fragment, later_fragment, ndp_link;
	int		 proto;
};

static unsigned
u16(const uint8_t *b, size_t at)
{
	return (unsigned) b[at] << 8 | b[at + 1];
}

/* A fragment that is too small for the header it should hold is its own kind of wrong. */
static const char *
cut(const struct view *v, const char *name)
{
	return v->first_fragment ? "bad-fragment" : name;
}

static const char *
tcp(const struct view *v)
{
	size_t have = v->end - v->at, header;
	unsigned f;

	if (have < 20)
		return cut(v, "bad-tcp-short");
	header = (size_t) (v->b[v->at + 12] >> 4) * 4;
	if (header < 20)
		return "bad-tcp-header";
	if (header > have)
		return cut(v, "bad-tcp-header");
	if (u16(v->b, v->at) == 0 || u16(v->b, v->at + 2) == 0)
		return "bad-port";
	f = v->b[v->at + 13] & 63;		/* without ECN's two */
	bool fin = f & 1, syn = f & 2, rst = f & 4, psh = f & 8, ack = f & 16, urg = f & 32;

	if ((syn && (fin || rst)) || (fin && rst))
		return "bad-tcp-flags";
	if (!ack && !rst && (!syn || fin || psh || urg))
		return "bad-tcp-flags";
	return "unprotected";
}

static const char *
udp(const struct view *v)
{
	size_t have = v->end - v->at, says;

	if (have < 8)
		return cut(v, "bad-udp-short");
	says = u16(v->b, v->at + 4);
	if (says < 8 || (!v->first_fragment && says > have))
		return "bad-udp-length";
	return u16(v->b, v->at + 2) == 0 ? "bad-port" : "unprotected";
}

static const char *
upper(const struct view *v)
{
	size_t have = v->end - v->at;

	if (v->later_fragment)
		return "unprotected";
	if (v->proto == 6)
		return tcp(v);
	if (v->proto == 17)
		return udp(v);
	if (v->proto == (v->v6 ? 58 : 1)) {
		if (have < (v->v6 ? 4U : 8U))
			return cut(v, "bad-icmp");
		if (v->v6 && v->ndp_link && !v->first_fragment && v->b[v->at] >= 133 && v->b[v->at] <= 137)
			return "ndp";
	}
	return "unprotected";
}

static const char *
martian_or(const char *why, bool martian)
{
	return martian && strcmp(why, "unprotected") == 0 ? "martian" : why;
}

static const char *
ip4(struct view *v, size_t frame_end)
{
	const uint8_t *h = v->b + v->at;
	size_t header, total, off;
	bool martian;

	if (frame_end - v->at < 20)
		return "bad-ip4-short";
	header = (size_t) (h[0] & 15) * 4;
	if (h[0] >> 4 != 4 || header < 20)
		return "bad-ip4-header";
	total = u16(h, 2);
	if (total < header || total > frame_end - v->at)
		return "bad-ip4-length";
	off = (size_t) (u16(h, 6) & 0x1fff) * 8;
	v->later_fragment = off > 0;
	v->first_fragment = off == 0 && (h[6] & 0x20) != 0;
	v->proto = h[9];
	if ((v->later_fragment || v->first_fragment) && (off + total - header > 65535 || (off == 8 && v->proto == 6)))
		return "bad-fragment";
	if (memcmp(h + 12, h + 16, 4) == 0)
		return "land";
	martian = h[12] == 127 || h[12] >= 224 ||
	    (h[12] == 0 && !(memcmp(h + 12, "\0\0\0", 4) == 0 && memcmp(h + 16, "\377\377\377\377", 4) == 0));
	v->end = v->at + total;
	v->at += header;
	return martian_or(upper(v), martian);
}

static bool
martian6(const uint8_t *src, bool icmp)
{
	static const uint8_t zero[16];

	if (src[0] == 0xff)
		return true;
	if (memcmp(src, zero, 15) == 0 && src[15] <= 1)
		return src[15] == 1 || !icmp;
	return memcmp(src, zero, 10) == 0 && src[10] == 0xff && src[11] == 0xff && memcmp(src + 8, "\0\0", 2) == 0;
}

/* Each extension header; NULL: v->proto is the upper layer's. */
static const char *
extensions(struct view *v)
{
	for (int n = 0;; n++) {
		const uint8_t *h = v->b + v->at;
		size_t have = v->end - v->at, len;
		bool known = v->proto == 0 || v->proto == 43 || v->proto == 44 || v->proto == 51 || v->proto == 60 ||
		    v->proto == 135 || v->proto == 139 || v->proto == 140;

		if (!known || v->later_fragment)
			return NULL;
		if (n == 8)
			return "bad-ip6-chain";
		if (have < 8 || (v->proto == 0 && n != 0))
			return "bad-ip6-ext";
		len = v->proto == 44 ? 8 : v->proto == 51 ? (size_t) (h[1] + 2) * 4 : (size_t) (h[1] + 1) * 8;
		if (len > have)
			return "bad-ip6-ext";
		if (v->proto == 43 && h[2] == 0)
			return "bad-ip6-rh0";
		if (v->proto == 44) {
			size_t off = u16(h, 2) & 0xfff8;

			if (v->first_fragment)
				return "bad-ip6-ext";
			v->later_fragment = off > 0;
			v->first_fragment = off == 0 && (h[3] & 1) != 0;
			if (off + have - 8 > 65535 || (off == 8 && h[0] == 6))
				return "bad-fragment";
		}
		v->proto = h[0];
		v->at += len;
	}
}

static const char *
ip6(struct view *v, size_t frame_end)
{
	const uint8_t *h = v->b + v->at;
	const char *why;
	size_t len;

	if (frame_end - v->at < 40)
		return "bad-ip6-short";
	if (h[0] >> 4 != 6)
		return "bad-ip6-header";
	len = u16(h, 4);
	if (len > frame_end - v->at - 40)
		return "bad-ip6-length";
	if (memcmp(h + 8, h + 24, 16) == 0)
		return "land";
	v->v6 = true;
	v->proto = h[6];
	v->ndp_link = h[7] == 255;
	v->end = v->at + 40 + len;
	v->at += 40;
	why = extensions(v);
	return why != NULL ? why : martian_or(upper(v), martian6(h + 8, v->proto == 58));
}

const char *
ref_parse(const uint8_t *b, size_t len)
{
	struct view v = {.b = b, .at = 14};
	unsigned type;

	if (len < 14)
		return "bad-ethernet";
	type = u16(b, 12);
	for (int tags = 0; type == 0x8100 || type == 0x88a8 || type == 0x9100; tags++) {
		if (tags == 2)
			return "vlan-deep";
		if (len - v.at < 4)
			return "bad-ethernet";
		type = u16(b, v.at + 2);
		v.at += 4;
	}
	return type == 0x0800 ? ip4(&v, len) : type == 0x86dd ? ip6(&v, len) : "not-ip";
}
