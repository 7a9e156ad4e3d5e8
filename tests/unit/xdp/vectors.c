/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "bpf/xdp_run.h"
#include "tests/unit/xdp/vectors.h"

/*
 * 192.0.2.1 speaks to 198.51.100.1, 2001:db8::1 to 2001:db8:f::1.  Banned: 203.0.113.0/24, 203.0.113.9 from UDP 53
 * only, 2001:db8:bad::/48, 2001:db8:bad2::1; allowed: 203.0.113.1, 2001:db8:bad:1::/64; protected: TCP, UDP and QUIC
 * port 443 and UDP 53 of 198.51.100.1 and 2001:db8:f::1.
 */
const char vectors_conf[] =
    "never_ban: \"\"\n"
    "allow: [203.0.113.1, \"2001:db8:bad:1::/64\"]\n"
    "protect: {addresses: [198.51.100.1, \"2001:db8:f::1\"], tcp: [443], udp: [53, 443], quic: [443]}\n"
    "source: {syn: 10, tcp: 1000, udp: 20, quic: 10, icmp: 5, burst: 1s}\n"
    "budget: {syn: 100000, udp: 100000, quic: 100000, icmp: 100000, ack: 100000, new_sources: 100000}\n";

#define IP4(src, proto, len)	"0800 4500 " len " 0000 0000 40 " proto " 0000 " src " c6336401 "
#define ME			"c0000201"
#define IP6(src, next, len)	"86dd 60000000 " len " " next " 40 " src " 20010db8000f0000 0000000000000001 "
#define ME6			"20010db800000000 0000000000000001"
#define TCP(flags)		"9c40 01bb 00000001 00000000 50 " flags " ffff 0000 0000 "
#define UDP(dport, len)		"9c40 " dport " " len " 0000 "

const struct vector vectors[] = {
	{"ARP", "0806 0001 0800 0604 0001", "not-ip"},
	{"IPv4 UDP", IP4(ME, "11", "001c") UDP("0050", "0008"), "unprotected"},
	{"IPv4 UDP, padded", IP4(ME, "11", "001c") UDP("0050", "0008"), "unprotected", .pad = 18},
	{"VLAN", "8100 0064 " IP4(ME, "11", "001c") UDP("0050", "0008"), "unprotected"},
	{"QinQ", "88a8 0064 8100 0065 " IP4(ME, "11", "001c") UDP("0050", "0008"), "unprotected"},
	{"three tags", "88a8 0064 8100 0065 8100 0066 " IP4(ME, "11", "001c") UDP("0050", "0008"), "vlan-deep"},
	{"a tag cut", "8100 00", "bad-ethernet"},
	{"IPv4 options", "0800 4600 0020 0000 0000 40 11 0000 " ME " c6336401 01010101 " UDP("0050", "0008"), "unprotected"},
	{"IPv4 version 5", "0800 5500 001c 0000 0000 40 11 0000 " ME " c6336401 " UDP("0050", "0008"), "bad-ip4-header"},
	{"IPv4 header of 16", "0800 4400 001c 0000 0000 40 11 0000 " ME " c6336401 " UDP("0050", "0008"), "bad-ip4-header"},
	{"IPv4 total length 19", IP4(ME, "11", "0013") UDP("0050", "0008"), "bad-ip4-length"},
	{"IPv4 total length too long", IP4(ME, "11", "001d") UDP("0050", "0008"), "bad-ip4-length"},
	{"IPv4 cut", "0800 4500 001c 0000 0000 40 11 0000 " ME " c63364", "bad-ip4-short"},
	{"land", "0800 4500 001c 0000 0000 40 11 0000 " ME " " ME " " UDP("0050", "0008"), "land"},
	{"source 127.0.0.1", IP4("7f000001", "11", "001c") UDP("0050", "0008"), "martian"},
	{"source 224.0.0.1", IP4("e0000001", "11", "001c") UDP("0050", "0008"), "martian"},
	{"source 255.255.255.255", IP4("ffffffff", "11", "001c") UDP("0050", "0008"), "martian"},
	{"source 0.0.0.0", IP4("00000000", "11", "001c") UDP("0050", "0008"), "martian"},
	{"DHCP client", "0800 4500 001c 0000 0000 40 11 0000 00000000 ffffffff 0044 0043 0008 0000", "unprotected"},
	{"GRE, other host", "0800 4500 0018 0000 0000 40 2f 0000 " ME " c6336402 00000800", "unprotected"},
	{"ICMP", IP4(ME, "01", "001c") "0800 0000 00000000", "unprotected"},
	{"ICMP cut", IP4(ME, "01", "001b") "0800 0000 000000", "bad-icmp"},
	{"UDP cut", IP4(ME, "11", "001b") "9c40 0050 0008 00", "bad-udp-short"},
	{"UDP length 7", IP4(ME, "11", "001c") UDP("0050", "0007"), "bad-udp-length"},
	{"UDP length too long", IP4(ME, "11", "001c") UDP("0050", "0009"), "bad-udp-length"},
	{"UDP to port 0", IP4(ME, "11", "001c") UDP("0000", "0008"), "bad-port"},
	{"TCP SYN to port 443, other host", "0800 4500 0028 0000 0000 40 06 0000 " ME " c6336402 " TCP("02"), "unprotected"},
	{"TCP cut", IP4(ME, "06", "0027") "9c40 01bb 00000001 00000000 5002 ffff 0000 00", "bad-tcp-short"},
	{"TCP offset 4", IP4(ME, "06", "0028") "9c40 01bb 00000001 00000000 4002 ffff 0000 0000", "bad-tcp-header"},
	{"TCP offset behind the end", IP4(ME, "06", "0028") "9c40 01bb 00000001 00000000 6002 ffff 0000 0000", "bad-tcp-header"},
	{"TCP from port 0", IP4(ME, "06", "0028") "0000 01bb 00000001 00000000 5002 ffff 0000 0000", "bad-port"},
	{"TCP without flags", IP4(ME, "06", "0028") TCP("00"), "bad-tcp-flags"},
	{"TCP SYN FIN", IP4(ME, "06", "0028") TCP("03"), "bad-tcp-flags"},
	{"TCP SYN RST", IP4(ME, "06", "0028") TCP("06"), "bad-tcp-flags"},
	{"TCP FIN RST", IP4(ME, "06", "0028") TCP("05"), "bad-tcp-flags"},
	{"TCP FIN", IP4(ME, "06", "0028") TCP("01"), "bad-tcp-flags"},
	{"TCP FIN PSH URG (xmas)", IP4(ME, "06", "0028") TCP("29"), "bad-tcp-flags"},
	{"first fragment", "0800 4500 001c 0000 2000 40 11 0000 " ME " c6336402 " UDP("0050", "0800"), "unprotected"},
	{"first fragment, tiny", "0800 4500 001a 0000 2000 40 06 0000 " ME " c6336402 9c40 01bb 0000", "bad-fragment"},
	{"fragment at 8 of TCP", "0800 4500 0028 0000 2001 40 06 0000 " ME " c6336402 " TCP("02"), "bad-fragment"},
	{"fragment behind 65535", "0800 4500 0028 0000 1fff 40 11 0000 " ME " c6336402 " TCP("02"), "bad-fragment"},
	{"later fragment, other host", "0800 4500 001c 0000 0010 40 11 0000 " ME " c6336402 0000000000000000", "unprotected"},

	{"IPv6 UDP", IP6(ME6, "11", "0008") UDP("0050", "0008"), "unprotected"},
	{"IPv6 in QinQ", "88a8 0064 8100 0065 " IP6(ME6, "11", "0008") UDP("0050", "0008"), "unprotected"},
	{"IPv6 version 4", "86dd 40000000 0008 11 40 " ME6 " 20010db8000f0000 0000000000000001 " UDP("0050", "0008"), "bad-ip6-header"},
	{"IPv6 cut", "86dd 60000000 0008 11 40 " ME6 " 20010db8000f0000 00000000000000", "bad-ip6-short"},
	{"IPv6 length too long", IP6(ME6, "11", "0009") UDP("0050", "0008"), "bad-ip6-length"},
	{"IPv6 land", "86dd 60000000 0008 11 40 " ME6 " " ME6 " " UDP("0050", "0008"), "land"},
	{"IPv6 source ::1", IP6("0000000000000000 0000000000000001", "11", "0008") UDP("0050", "0008"), "martian"},
	{"IPv6 source ::", IP6("0000000000000000 0000000000000000", "11", "0008") UDP("0050", "0008"), "martian"},
	{"IPv6 source multicast", IP6("ff02000000000000 0000000000000001", "11", "0008") UDP("0050", "0008"), "martian"},
	{"IPv6 source mapped", IP6("0000000000000000 0000ffffc0000201", "11", "0008") UDP("0050", "0008"), "martian"},
	{"IPv6 hop-by-hop, destination options, UDP", IP6(ME6, "00", "0018") "3c00010400000000 1100010400000000 " UDP("0050", "0008"),
	    "unprotected"},
	{"IPv6 hop-by-hop second", IP6(ME6, "3c", "0018") "0000010400000000 1100010400000000 " UDP("0050", "0008"), "bad-ip6-ext"},
	{"IPv6 extension cut", IP6(ME6, "3c", "0007") "11000104000000", "bad-ip6-ext"},
	{"IPv6 extension too long", IP6(ME6, "3c", "0010") "1102010400000000 " UDP("0050", "0008"), "bad-ip6-ext"},
	{"IPv6 routing type 0", IP6(ME6, "2b", "0010") "1100000000000000 " UDP("0050", "0008"), "bad-ip6-rh0"},
	{"IPv6 routing type 2", IP6(ME6, "2b", "0010") "1100020000000000 " UDP("0050", "0008"), "unprotected"},
	{"IPv6 nine headers", IP6(ME6, "3c", "0050") "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 "
	    "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 1100010400000000 " UDP("0050", "0008"), "bad-ip6-chain"},
	{"IPv6 eight headers", IP6(ME6, "3c", "0048") "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 "
	    "3c00010400000000 3c00010400000000 3c00010400000000 1100010400000000 " UDP("0050", "0008"), "unprotected"},
	{"IPv6 authentication header", IP6(ME6, "33", "0014") "110100000000000100000002 " UDP("0050", "0008"), "unprotected"},
	{"IPv6 atomic fragment", IP6(ME6, "2c", "0010") "1100000000000001 " UDP("0050", "0008"), "unprotected"},
	{"IPv6 first fragment, tiny", IP6(ME6, "2c", "000e") "0600000100000001 9c4001bb0000", "bad-fragment"},
	{"IPv6 two fragment headers", IP6(ME6, "2c", "0018") "2c00000100000001 1100000000000001 " UDP("0050", "0008"), "bad-ip6-ext"},
	{"IPv6 fragment behind 65535", IP6(ME6, "2c", "0010") "1100fff800000001 0000000000000000", "bad-fragment"},
	{"IPv6 no next header", IP6(ME6, "3b", "0000"), "unprotected"},
	{"ICMPv6 cut", IP6(ME6, "3a", "0003") "800000", "bad-icmp"},
	{"neighbour solicitation", "86dd 60000000 0008 3a ff " ME6 " ff02000000000000 00000001ff000001 8700000000000000", "ndp"},
	{"duplicate address detection", "86dd 60000000 0008 3a ff 0000000000000000 0000000000000000 ff02000000000000 00000001ff000001 "
	    "8700000000000000", "ndp"},
	{"neighbour solicitation, routed", "86dd 60000000 0008 3a 40 " ME6 " ff02000000000000 00000001ff000001 8700000000000000",
	    "unprotected"},

	{"banned network", IP4("cb007107", "11", "001c") UDP("0050", "0008"), "ban", .limits = true},
	{"banned network, VLAN", "8100 0064 " IP4("cb007107", "11", "001c") UDP("0050", "0008"), "ban", .limits = true},
	{"banned network, later fragment", "0800 4500 001c 0000 0010 40 11 0000 cb007107 c6336402 0000000000000000", "ban", .limits = true},
	{"allowed in a banned network", IP4("cb007101", "11", "001c") UDP("0050", "0008"), "allow", .limits = true},
	{"banned /48", IP6("20010db80bad0000 0000000000000001", "11", "0008") UDP("0050", "0008"), "ban", .limits = true},
	{"banned /128", IP6("20010db8bad20000 0000000000000001", "11", "0008") UDP("0050", "0008"), "ban", .limits = true},
	{"beside a banned /128", IP6("20010db8bad20000 0000000000000002", "11", "0008") UDP("0050", "0008"), "unprotected", .limits = true},
	{"allowed in a banned /48", IP6("20010db80bad0001 0000000000000001", "11", "0008") UDP("0050", "0008"), "allow", .limits = true},
	{"banned from UDP 53", IP4("c0000263", "11", "001c") UDP("0035", "0008"), "ban-port", .limits = true},
	{"banned from UDP 53, to 80", IP4("c0000263", "11", "001c") UDP("0050", "0008"), "unprotected", .limits = true},
	{"SYN", IP4("c0000210", "06", "0028") TCP("02"), "pass", .limits = true},
	{"SYN, too many of one source", IP4("c0000211", "06", "0028") TCP("02"), "rate-syn", .limits = true, .repeat = 10},
	{"SYN, too many of one /64", IP6("20010db800110000 0000000000000001", "06", "0014") TCP("02"), "rate-syn", .limits = true,
	    .repeat = 10},
	{"UDP, too many of one source", IP4("c0000212", "11", "001c") UDP("0035", "0008"), "rate-udp", .limits = true, .repeat = 20},
	{"ICMP, too many of one source", IP4("c0000213", "01", "001c") "0800 0000 00000000", "rate-icmp", .limits = true, .repeat = 5},
	{"ICMPv6, too many of one /64", IP6("20010db800130000 0000000000000001", "3a", "0008") "8000000000000000", "rate-icmp",
	    .limits = true, .repeat = 5},
	{"later fragments count as UDP", "0800 4500 001c 0000 0010 40 11 0000 c0000214 c6336401 0000000000000000", "rate-udp",
	    .limits = true, .repeat = 20},
	{"QUIC Initial below 1200 bytes", IP4("c0000215", "11", "0021") UDP("01bb", "000d") "c000000001", "bad-quic", .limits = true},
	{"QUIC Initial", IP4("c0000215", "11", "04cc") UDP("01bb", "04b8") "c000000001", "pass", .limits = true, .pad = 1195},
	{"QUIC Initial, too many", IP4("c0000216", "11", "04cc") UDP("01bb", "04b8") "c000000001", "rate-quic", .limits = true,
	    .repeat = 10, .pad = 1195},
	{"QUIC short header", IP4("c0000217", "11", "0021") UDP("01bb", "000d") "4000000001", "pass", .limits = true},
	{"another protocol to a protected address", IP4("c0000218", "2f", "0018") "00000800", "other-proto", .limits = true},
};
const size_t n_vectors = sizeof(vectors) / sizeof(vectors[0]);

size_t
vector_frame(const struct vector *v, uint8_t *out, size_t max)
{
	size_t len;

	memset(out, 0, max);
	memcpy(out, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
	if (xdp_hex_parse(v->hex, out + 12, max - 12 - v->pad, &len) != 0)
		return 0;
	return 12 + len + v->pad;
}
