/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "bpf/xdp_frame.h"
#include "bpf/xdp_parse.h"

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~sum;
}

static uint32_t
add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t) p[i] << 8;
	return sum;
}

static size_t
l3_make(const struct xdp_frame *f, uint8_t *out, size_t l4_len, uint32_t *sum)
{
	if (strchr(f->src, ':') == NULL) {
		struct xh_ip4 h = {.ver_ihl = 0x45, .len = htons((uint16_t) (20 + l4_len)), .ttl = 64, .proto = f->proto};

		if (inet_pton(AF_INET, f->src, &h.src) != 1 || inet_pton(AF_INET, f->dst, &h.dst) != 1)
			return 0;
		h.csum = htons(fold(add(0, (uint8_t *) &h, sizeof(h))));
		memcpy(out, &h, sizeof(h));
		*sum = add(f->proto + (uint32_t) l4_len, out + 12, 8);
		return sizeof(h);
	}
	struct xh_ip6 h = {.ver_flow = htonl(0x60000000), .len = htons((uint16_t) l4_len), .next = f->proto, .hops = 64};

	if (inet_pton(AF_INET6, f->src, &h.src_hi) != 1 || inet_pton(AF_INET6, f->dst, &h.dst_hi) != 1)
		return 0;
	memcpy(out, &h, sizeof(h));
	*sum = add(f->proto + (uint32_t) l4_len, out + 8, 32);
	return sizeof(h);
}

static size_t
l4_size(uint8_t proto)
{
	return proto == XI_TCP ? sizeof(struct xh_tcp) : 8;
}

size_t
xdp_frame_make(const struct xdp_frame *f, uint8_t *out, size_t max)
{
	size_t head = l4_size(f->proto), l4_len = head + f->payload, l3_len;
	uint32_t sum = 0;
	uint8_t *l4;

	if (max < sizeof(struct xh_eth) + sizeof(struct xh_ip6) + l4_len || l4_len > 65000 || f->n_first > f->payload)
		return 0;
	memset(out, 0, max);
	memcpy(out, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
	out[12] = strchr(f->src, ':') == NULL ? 0x08 : 0x86;
	out[13] = strchr(f->src, ':') == NULL ? 0x00 : 0xdd;
	l3_len = l3_make(f, out + 14, l4_len, &sum);
	if (l3_len == 0)
		return 0;
	l4 = out + 14 + l3_len;
	if (f->n_first > 0)
		memcpy(l4 + head, f->first, f->n_first);
	if (f->proto == XI_TCP) {
		struct xh_tcp h = {.sport = htons(f->sport), .dport = htons(f->dport), .seq = htonl(1000), .off = 5 << 4,
		    .flags = f->tcp_flags, .window = htons(65535)};

		memcpy(l4, &h, sizeof(h));
		h.csum = htons(fold(add(sum, l4, l4_len)));
		memcpy(l4, &h, sizeof(h));
	} else if (f->proto == XI_UDP) {
		struct xh_udp h = {.sport = htons(f->sport), .dport = htons(f->dport), .len = htons((uint16_t) l4_len)};

		memcpy(l4, &h, sizeof(h));
		h.csum = htons(fold(add(sum, l4, l4_len)));
		memcpy(l4, &h, sizeof(h));
	} else
		l4[0] = f->proto == XI_ICMP ? 8 : 128;
	return 14 + l3_len + l4_len;
}
