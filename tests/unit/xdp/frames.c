/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "bpf/xdp_count.h"
#include "bpf/xdp_parse.h"
#include "tests/unit/xdp/frames.h"

uint32_t
frame_rand(struct frame_rng *r)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return (uint32_t) (r->s >> 24);
}

static uint32_t
below(struct frame_rng *r, uint32_t n)
{
	return frame_rand(r) % n;
}

static size_t
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t) (v >> 8);
	p[1] = (uint8_t) v;
	return 2;
}

/* An address that is often one of the special ones. */
static void
addr(struct frame_rng *r, uint8_t *p, size_t n)
{
	static const uint8_t firsts[] = {10, 127, 0, 224, 255, 192, 0xff, 0x20, 0xfe};

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t) frame_rand(r);
	if (below(r, 3) == 0)
		p[0] = firsts[below(r, sizeof(firsts))];
	if (below(r, 12) == 0) {
		memset(p, 0, n);
		p[n - 1] = (uint8_t) below(r, 3);
		if (n == 16 && below(r, 2) == 0)
			p[10] = p[11] = 0xff;
	}
}

static size_t
l4(struct frame_rng *r, uint8_t *p, int proto, size_t room)
{
	static const uint8_t flags[] = {2, 16, 18, 24, 17, 4, 20, 0, 3, 6, 1, 41, 63, 8, 32};
	size_t n = below(r, 5) == 0 ? below(r, 24) : 20 + below(r, 40);

	n = n < room ? n : room;
	for (size_t i = 0; i < n; i++)
		p[i] = below(r, 3) ? (uint8_t) frame_rand(r) : 0;
	if (proto == 6 && n >= 14) {
		p[12] = (uint8_t) ((below(r, 4) ? 5 : below(r, 16)) << 4);
		p[13] = flags[below(r, sizeof(flags))];
	}
	if (proto == 17 && n >= 6)
		put16(p + 4, below(r, 4) ? (uint32_t) n : below(r, 80));
	if (proto == 58 && n >= 1 && below(r, 2))
		p[0] = (uint8_t) (130 + below(r, 10));
	return n;
}

static size_t
ip4(struct frame_rng *r, uint8_t *p, size_t room)
{
	static const uint8_t protos[] = {6, 6, 17, 17, 1, 47, 58, 2};
	uint32_t ihl = below(r, 4) ? 5 : below(r, 16);
	size_t n = ihl < 5 ? 20 : ihl * 4;
	int proto = protos[below(r, sizeof(protos))];

	if (room < 60)
		return 0;
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t) frame_rand(r);
	p[0] = (uint8_t) ((below(r, 20) ? 0x40 : frame_rand(r) & 0xf0) | ihl);
	put16(p + 6, below(r, 3) ? 0x4000 : below(r, 2) ? 0x2000 : frame_rand(r));
	if (below(r, 8) == 0)
		put16(p + 6, 1);
	p[9] = (uint8_t) proto;
	addr(r, p + 12, 4);
	addr(r, p + 16, 4);
	if (below(r, 30) == 0)
		memcpy(p + 16, p + 12, 4);
	if (below(r, 40) == 0)
		memcpy(p + 12, "\0\0\0\0\377\377\377\377", 8);
	n += l4(r, p + n, proto, room - n);
	put16(p + 2, below(r, 6) ? (uint32_t) n : below(r, 100));
	return n;
}

static size_t
ip6(struct frame_rng *r, uint8_t *p, size_t room)
{
	static const uint8_t nexts[] = {6, 17, 58, 0, 43, 44, 51, 60, 135, 59, 50, 139};
	int next = nexts[below(r, 3) ? below(r, 3) : below(r, sizeof(nexts))];
	size_t n = 40, start = 40, len;

	if (room < 120)
		return 0;
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t) frame_rand(r);
	p[0] = (uint8_t) ((below(r, 20) ? 0x60 : frame_rand(r) & 0xf0) | (p[0] & 15));
	p[6] = (uint8_t) next;
	p[7] = below(r, 2) ? 255 : 64;
	addr(r, p + 8, 16);
	addr(r, p + 24, 16);
	if (below(r, 30) == 0)
		memcpy(p + 24, p + 8, 16);
	while (next != 6 && next != 17 && next != 58 && next != 59 && next != 50 && n + 24 < room && below(r, 12) != 0) {
		len = next == 44 || below(r, 3) ? 8 : 16;
		for (size_t i = 0; i < len; i++)
			p[n + i] = (uint8_t) frame_rand(r);
		p[n + 1] = next == 51 ? (uint8_t) (len / 4 - 2) : (uint8_t) (len / 8 - 1);
		if (below(r, 20) == 0)
			p[n + 1] = (uint8_t) frame_rand(r);
		if (next == 44)
			put16(p + n + 2, below(r, 3) ? below(r, 2) : below(r, 2) ? 8 : frame_rand(r));
		if (next == 43 && below(r, 4))
			p[n + 2] = 2;
		next = nexts[below(r, 3) ? below(r, 3) : below(r, sizeof(nexts))];
		p[n] = (uint8_t) next;
		n += len;
	}
	n += l4(r, p + n, next, room - n);
	put16(p + 4, below(r, 6) ? (uint32_t) (n - start) : below(r, 200));
	return n;
}

size_t
frame_random(struct frame_rng *r, uint8_t out[FRAME_MAX])
{
	static const uint16_t tags[] = {0x8100, 0x88a8, 0x9100};
	size_t n = 12, cut;
	bool v6 = below(r, 2);

	memset(out, 0, FRAME_MAX);
	for (uint32_t i = below(r, 3) ? 0 : below(r, 4); i > 0; i--) {
		n += put16(out + n, tags[below(r, 3)]);
		n += put16(out + n, frame_rand(r));
	}
	n += put16(out + n, below(r, 40) == 0 ? frame_rand(r) : v6 ? 0x86dd : 0x0800);
	n += v6 ? ip6(r, out + n, FRAME_MAX - n) : ip4(r, out + n, FRAME_MAX - n);
	if (below(r, 6) == 0)
		n += below(r, (uint32_t) (FRAME_MAX - n) + 1);		/* padding */
	if (below(r, 6) == 0) {
		cut = below(r, (uint32_t) n + 1);
		n = cut < 14 ? 14 : cut;
	}
	if (below(r, 4) == 0)
		out[below(r, (uint32_t) n)] ^= (uint8_t) (1 << below(r, 8));
	return n;
}

const char *
native_parse(const uint8_t *b, size_t len)
{
	struct xdpf_pkt p = {0};
	int r = xdpf_parse(NULL, b, b + len, &p);

	if (r == XR_PASS)
		r = xdpf_is_ndp(&p) ? XR_NDP : p.martian ? XR_MARTIAN : XR_UNPROTECTED;
	return xdp_reasons[r].name;
}
