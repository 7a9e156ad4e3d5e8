/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_SHARED_H
#define LLMSEC_XDP_SHARED_H
/*
 * What the XDP program and user space agree on: reasons, classes, map keys and values.  The maps are
 * pinned and outlive both sides, so a change of a layout here is a change of XDPF_LAYOUT, which the
 * loader compares before it replaces a program.
 */
#include <linux/types.h>

#define XDPF_LAYOUT	2

enum xdpf_action { XDPF_PASS, XDPF_DROP, XDPF_TX };

/* One row per verdict: name, what happens, one line for people.  The order is the index of counters. */
#define XDPF_REASONS(X) \
	X(PASS, "pass", PASS, "judged and passed") \
	X(PANIC, "panic", PASS, "the panic switch is on: nothing was looked at") \
	X(NOT_IP, "not-ip", PASS, "ARP and other protocols that are not IP") \
	X(VLAN_DEEP, "vlan-deep", PASS, "more than two VLAN tags: not looked into") \
	X(NDP, "ndp", PASS, "IPv6 neighbour discovery on this link") \
	X(ALLOW, "allow", PASS, "source is on the allow list") \
	X(UNPROTECTED, "unprotected", PASS, "not banned, and its destination has no limits") \
	X(OTHER_PROTO, "other-proto", PASS, "not banned; neither TCP, UDP nor ICMP") \
	X(VERIFIED, "verified", PASS, "SYN over the global budget, from a source with a connection") \
	X(SYN_RETRY, "syn-retry", PASS, "SYN over the global budget that was sent again, as real stacks do") \
	X(COOKIE_ACK, "cookie-ack", PASS, "ACK over the budget that answers a valid SYN cookie") \
	X(COOKIE_TX, "cookie-sent", TX, "SYN over the global budget answered with a SYN cookie") \
	X(BAN, "ban", DROP, "source is banned") \
	X(BAN_PORT, "ban-port", DROP, "source is banned from this destination port") \
	X(LOCKDOWN, "lockdown", DROP, "the lockdown switch is on and the source is not on the allow list") \
	X(RATE_SYN, "rate-syn", DROP, "connections per second of one source") \
	X(RATE_TCP, "rate-tcp", DROP, "TCP packets per second of one source") \
	X(RATE_UDP, "rate-udp", DROP, "UDP packets per second of one source") \
	X(RATE_QUIC, "rate-quic", DROP, "QUIC connections per second of one source") \
	X(RATE_ICMP, "rate-icmp", DROP, "ICMP packets per second of one source") \
	X(RATE_NET, "rate-net", DROP, "a limit of the source's /24 or /48") \
	X(BUDGET_SYN, "budget-syn", DROP, "SYNs of unknown sources over the global budget") \
	X(BUDGET_UDP, "budget-udp", DROP, "UDP packets of unknown sources over the global budget") \
	X(BUDGET_QUIC, "budget-quic", DROP, "QUIC connections of unknown sources over the global budget") \
	X(BUDGET_ICMP, "budget-icmp", DROP, "ICMP packets of unknown sources over the global budget") \
	X(BUDGET_ACK, "budget-ack", DROP, "TCP packets without a connection over the global budget") \
	X(FRAG_POLICY, "fragment", DROP, "fragments are not wanted here") \
	X(BAD_ETH, "bad-ethernet", DROP, "frame ends within the Ethernet or VLAN header") \
	X(BAD_IP4_SHORT, "bad-ip4-short", DROP, "frame ends within the IPv4 header") \
	X(BAD_IP4_HDR, "bad-ip4-header", DROP, "IPv4 version or header length is impossible") \
	X(BAD_IP4_LEN, "bad-ip4-length", DROP, "IPv4 total length is less than the header or more than the frame") \
	X(BAD_IP6_SHORT, "bad-ip6-short", DROP, "frame ends within the IPv6 header") \
	X(BAD_IP6_HDR, "bad-ip6-header", DROP, "IPv6 version is impossible") \
	X(BAD_IP6_LEN, "bad-ip6-length", DROP, "IPv6 payload length is more than the frame") \
	X(BAD_IP6_EXT, "bad-ip6-ext", DROP, "IPv6 extension header is cut short or in an impossible place") \
	X(BAD_IP6_CHAIN, "bad-ip6-chain", DROP, "more than eight IPv6 extension headers") \
	X(BAD_IP6_RH0, "bad-ip6-rh0", DROP, "IPv6 routing header type 0 (RFC 5095)") \
	X(MARTIAN, "martian", DROP, "source address that no host can have") \
	X(LAND, "land", DROP, "source and destination address are the same") \
	X(BAD_FRAG, "bad-fragment", DROP, "fragment that reaches behind 65535, or one too small for its header") \
	X(BAD_TCP_SHORT, "bad-tcp-short", DROP, "packet ends within the TCP header") \
	X(BAD_TCP_HDR, "bad-tcp-header", DROP, "TCP data offset is impossible") \
	X(BAD_TCP_FLAGS, "bad-tcp-flags", DROP, "TCP flags that no stack sends together") \
	X(BAD_UDP_SHORT, "bad-udp-short", DROP, "packet ends within the UDP header") \
	X(BAD_UDP_LEN, "bad-udp-length", DROP, "UDP length is impossible") \
	X(BAD_ICMP, "bad-icmp", DROP, "packet ends within the ICMP header") \
	X(BAD_PORT, "bad-port", DROP, "port 0") \
	X(BAD_QUIC, "bad-quic", DROP, "QUIC Initial in a datagram below 1200 bytes (RFC 9000, 14.1)")

#define XDPF_REASON_ENUM(id, name, action, help) XR_##id,
enum xdpf_reason { XDPF_REASONS(XDPF_REASON_ENUM) XR_MAX };
#undef XDPF_REASON_ENUM
#define XDPF_REASON_SLOTS	64	/* counters keep their index while reasons are added */

/* What a packet is counted under, beside its reason. */
enum xdpf_proto {
	XP_OTHER, XP_TCP4, XP_UDP4, XP_ICMP4, XP_OTHER4, XP_TCP6, XP_UDP6, XP_ICMP6, XP_OTHER6, XP_MAX
};
#define XDPF_PROTO_SLOTS	16
#define XDPF_STAT_SLOTS		(XDPF_REASON_SLOTS * XDPF_PROTO_SLOTS)

struct xdpf_stat {
	__u64	packets, bytes;
};

/* What every CPU has for itself, in one piece, so that one lookup finds it all. */
struct xdpf_cpu {
	struct xdpf_stat stat[XDPF_STAT_SLOTS];
	__u64	none_until[16];		/* of each budget: there is no token before */
	__u32	left[16];		/* tokens of each budget that this CPU has taken */
	__u64	quiet_since;		/* in jiffies: there was no token for a sample */
	__u64	scratch[16];		/* the packet, for the functions of the rare ways */
};

/* What one source has a rate for. */
enum xdpf_class { XC_SYN, XC_TCP, XC_UDP, XC_QUIC, XC_ICMP, XC_MAX };
/* What all unknown sources share.  NEW: entries of the table of sources; EVENT: samples. */
enum xdpf_budget_id {
	XB_SYN, XB_UDP, XB_QUIC, XB_ICMP, XB_ACK, XB_NEW, XB_COOKIE, XB_RETRY, XB_EVENT, XB_MAX
};

enum xdpf_flags {
	XF_PANIC = 1 << 0,		/* pass everything */
	XF_LOCKDOWN = 1 << 1,		/* drop everything that isn't allowed */
	XF_DRY_RUN = 1 << 2,		/* count, and pass */
	XF_MALFORMED_PASS = 1 << 3,	/* count malformed packets, and pass them */
	XF_MARTIAN_PASS = 1 << 4,
	XF_PROTECT_ALL = 1 << 5,	/* every destination address */
	XF_NET_RATES = 1 << 6,		/* /24 and /48 have rates, too */
	XF_FRAG_DROP = 1 << 7,		/* fragments to protected addresses */
	XF_FRAG_LIMIT = 1 << 8,		/* later fragments count as UDP packets */
	XF_COOKIES = 1 << 9,		/* answer SYNs over the budget */
	XF_LOOKUP = 1 << 10,		/* ask the kernel for the connection of a TCP packet */
	XF_RATES = 1 << 11,		/* something is protected */
};

/*
 * A rate as GCRA (ITU-T I.371): a theoretical arrival time that moves <interval> ns per packet and may
 * be at most <tolerance> ns ahead of the clock.  interval 0: no limit.  The clock has steps of one tick
 * (4 ms at HZ=250), so the tolerance is never less than two of them.
 */
struct xdpf_rate {
	__u64	interval, tolerance;
};

/*
 * A rate that all CPUs share: each takes <chunk> tokens at a time from one arrival time, so the figure
 * is the effective one however the card spreads the packets, and the shared line is written once a
 * chunk.  interval is the time of a chunk.
 */
struct xdpf_budget {
	__u64	interval, tolerance;
	__u32	chunk, pad;
};

struct xdpf_conf {			/* map conf, one entry */
	__u32	layout, flags;
	__u64	short6;			/* <bit>s of banned IPv6 networks shorter than /32 */
	__u64	allow_short6;		/* not 0: some allowed IPv6 network is shorter than /32 */
	__u64	secret;			/* of hashes that a sender must not guess; odd */
	struct xdpf_rate src[XC_MAX], net[XC_MAX];
	struct xdpf_budget budget[XB_MAX];
};

/*
 * A time as the maps keep it: CLOCK_MONOTONIC in steps of 2^27 ns (134 ms), 32 bits for 18 years.
 * FOREVER never comes.
 */
#define XDPF_TICK_SHIFT	27
#define XDPF_FOREVER	0xffffffffU

/*
 * Bans are exact-match tables keyed by network and length, with a filter before them that says which
 * lengths can match at all (struct xdpf_filter).  <bit> is the lowest bit of the network part, so that
 * the mask is a subtraction: /32 has 1, /24 has 1 << 8.  docs/decisions says why this is no LPM trie.
 */
struct xdpf_key4 {
	__u32	addr;			/* host byte order, host bits 0 */
	__u32	bit;
};

struct xdpf_key6 {
	__u64	hi, lo;			/* host byte order */
	__u64	bit;			/* of the half it is in */
	__u64	upper;			/* 1: /64 and shorter */
};

enum xdpf_origin { XO_MANUAL, XO_CLUSTER, XO_IMPORT, XO_MAX };

struct xdpf_ban {
	__u32	until;			/* banned from everything until this tick; 0: not */
	__u32	port_until;		/* banned from the ports below until this tick; 0: not */
	__u16	port_lo, port_hi;
	__u8	proto;			/* of the ports: 6, 17 or 0 for both */
	__u8	pad[3];
	__u32	origin_until[XO_MAX];	/* who wants it how long; <until> is the longest */
	__u32	hits;			/* packets, about */
};

/*
 * What the kernel asks first about an IPv4 network that the filter leaves over: the same bans once more, a cache
 * line for four, in an array that user space maps and fills.  A hash table of the kernel's costs several
 * cache misses where it is large.  What has ports stands here as XDPF_ASK, what finds no place in its bucket or
 * the next one not at all, and then MORE is set in the bucket's first key: ask the table xf_ban4.
 */
#define XDPF_QUICK_SLOTS	4
#define XDPF_QUICK_MORE		(1ULL << 63)
#define XDPF_ASK		1U		/* as <until>: only xf_ban4 knows */

struct xdpf_quick {
	struct xdpf_quick_slot {
		__u64	key;			/* xdpf_quick_key(); 0: free */
		__u32	until;			/* as in struct xdpf_ban, or XDPF_ASK */
		__u32	hits;
	} slot[XDPF_QUICK_SLOTS];
};

enum { XPORT_TCP = 1, XPORT_UDP = 2, XPORT_QUIC = 4 };

/* The filter before the exact tables; bits may be set too often, never too seldom. */
struct xdpf_filter {			/* map filter, one entry, mapped by user space */
	__u8	ports[65536];		/* XPORT_ bits: what is protected */
	__u32	allow4[65536 / 32];	/* per /16: something in it is allowed */
	__u32	allow6[65536 / 32];	/* per hash of a /32 */
	__u32	ban4[65536];		/* per /16: <bit>s of lengths that occur in or above it */
	__u32	near4[(1 << 24) / 32];	/* per /24: a ban longer than /16 touches it */
	__u64	ban6[65536][2];		/* per hash of a /32: <bit>s of the upper and lower half */
};

struct xdpf_lpm {			/* key of allow and protect; IPv4 as ::ffff:a.b.c.d */
	__u32	len;
	__u8	addr[16];
};

/*
 * The table of sources.  Key: IPv4 0xffff<<48 | address, IPv6 the upper half; aggregates 0xfffe<<48 |
 * address >> 8 and 0xfffd<<48 | upper half >> 16.  No unicast IPv6 address begins with ff.
 *
 * Sets of eight, a cache line per source.  A set's eight tags of 16 bits (0: free) lie apart in a table that
 * stays in the cache: who is not known, which is all of a flood, costs one load of it.  The hash gives
 * the set in its upper bits and the tag in those below.
 */
#define XDPF_WAYS	8

struct xdpf_tags {
	union {
		__u16	tag[XDPF_WAYS];
		__u64	four[XDPF_WAYS / 4];
	};
};

struct xdpf_src {
	__u64	key;
	__u64	tat[XC_MAX];
	__u64	seen;			/* ns; the clock of the kernel */
	__u64	verified;		/* == key: an established connection was seen */
};

/* Headers only, and of those what is named here. */
struct xdpf_event {
	__u64	ts;			/* CLOCK_MONOTONIC, ns */
	__u8	src[16], dst[16];	/* IPv4 as ::ffff:a.b.c.d */
	__u32	ifindex, len;
	__u16	sport, dport;
	__u8	reason, action, dry, family, proto, tcp_flags, ttl, frag;
};

/* A CPU that got no token for a sample doesn't ask for another within so many jiffies. */
#define XDPF_QUIET_JIFFIES	2
#define XDPF_RETRY_SLOTS	(1 << 20)
#define XDPF_EVENT_BYTES	(256 * 1024)

static inline __attribute__((always_inline)) __u32
xdpf_hash32to16(__u32 x)
{
	return (x * 2654435769U) >> 16;		/* Knuth's multiplicative hash */
}

/*
 * Where a key belongs: multiply, fold, multiply.  One multiplication by a secret alone would lay networks that
 * follow one another into few places for some secrets.
 */
static inline __attribute__((always_inline)) __u64
xdpf_hash64(__u64 key, __u64 secret)
{
	key *= secret;
	key ^= key >> 32;
	return key * 0x9e3779b97f4a7c15ULL;
}

static inline __attribute__((always_inline)) __u64
xdpf_quick_key(__u32 addr, __u32 bit)
{
	/* 33 + 31 bits: <bit> / 2 + 1 is different for each bit, never 0, and leaves the uppermost one free. */
	return addr | (__u64) (bit / 2 + 1) << 32;
}

/* The home of a key among <n> buckets. */
static inline __attribute__((always_inline)) __u32
xdpf_quick_home(__u64 key, __u64 secret, __u32 n)
{
	return (__u32) ((xdpf_hash64(key, secret) >> 32) * n >> 32);
}
#endif
