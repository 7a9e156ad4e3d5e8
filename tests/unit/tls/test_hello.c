/* SPDX-License-Identifier: MIT */
/* ClientHellos cut in every place, put together from records and packets, and ones that cannot be. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/tls/flows.h"
#include "haproxy-spoa/tls/ja.h"
#include "haproxy-spoa/tls/quic.h"
#include "tests/unit/tls/hello_make.h"

static uint8_t msg[70000], rec[90000], out[90000];

/* A copy that ends with its memory: the sanitizers see one byte too many. */
static enum tls_result
parse_exact(enum tls_transport t, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct tls_hello h;
	enum tls_result r;

	assert_non_null(copy);
	memcpy(copy, p, n);
	r = tls_hello_parse(&h, t, copy, n);
	free(copy);
	return r;
}

static void
every_cut_is_short(void **state)
{
	size_t n = hello_make(msg, sizeof(msg), &hello_chrome);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(parse_exact(TLS_OVER_TCP, msg, i), TLS_SHORT);
	assert_int_equal(parse_exact(TLS_OVER_TCP, msg, n), TLS_OK);
}

/* Every length field one off: the hello must never be taken for whole and fine with other content. */
static void
wrong_lengths(void **state)
{
	static const size_t at[] = {38, 41, 42};	/* session id, cipher list */
	size_t n = hello_make(msg, sizeof(msg), &hello_chrome);

	assert_int_equal(msg[38], 2);
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		msg[at[i]] ^= 0x40;
		assert_int_equal(parse_exact(TLS_OVER_TCP, msg, n), TLS_MALFORMED);
		msg[at[i]] ^= 0x40;
	}
	msg[3] -= 1;	/* the message ends one byte before its extensions do */
	assert_int_equal(parse_exact(TLS_OVER_TCP, msg, n), TLS_MALFORMED);
	msg[3] += 1;
	msg[0] = 2;
	assert_int_equal(parse_exact(TLS_OVER_TCP, msg, n), TLS_NOT_HELLO);
}

static void
absurd_ones(void **state)
{
	static const uint16_t twice[] = {10, 11, 10, 0xffff};
	static uint16_t many[TLS_CIPHERS_MAX + 3], exts[TLS_EXTENSIONS_MAX + 2];
	struct hello_recipe r = hello_chrome;

	r.exts = twice;
	assert_int_equal(parse_exact(TLS_OVER_TCP, msg, hello_make(msg, sizeof(msg), &r)), TLS_MALFORMED);
	r = hello_chrome;
	for (unsigned i = 0; i < TLS_CIPHERS_MAX + 1; i++)
		many[i] = (uint16_t)(i + 1);
	r.ciphers = many;
	assert_int_equal(parse_exact(TLS_OVER_TCP, msg, hello_make(msg, sizeof(msg), &r)), TLS_MALFORMED);
	many[TLS_CIPHERS_MAX] = 0;
	assert_int_equal(parse_exact(TLS_OVER_TCP, msg, hello_make(msg, sizeof(msg), &r)), TLS_OK);
	r = hello_chrome;
	for (unsigned i = 0; i <= TLS_EXTENSIONS_MAX; i++)
		exts[i] = (uint16_t)(0x3000 + i);
	exts[TLS_EXTENSIONS_MAX + 1] = 0xffff;
	r.exts = exts;
	assert_int_equal(parse_exact(TLS_OVER_TCP, msg, hello_make(msg, sizeof(msg), &r)), TLS_MALFORMED);
	r = hello_chrome;	/* 15 kB of padding, as large as HAProxy's front passes on */
	r.padding = 15000;
	assert_int_equal(parse_exact(TLS_OVER_TCP, msg, hello_make(msg, sizeof(msg), &r)), TLS_OK);
}

static void
records_of_any_size(void **state)
{
	static const size_t chunk[] = {1, 2, 3, 4, 5, 100, 16384};
	size_t n = hello_make(msg, sizeof(msg), &hello_chrome), k, len;

	for (size_t i = 0; i < sizeof(chunk) / sizeof(*chunk); i++) {
		k = hello_records(rec, msg, n, chunk[i]);
		assert_int_equal(tls_records_join(rec, k, out, &len), TLS_OK);
		assert_int_equal(len, n);
		assert_memory_equal(out, msg, n);
		for (size_t cut = 0; cut < k; cut += 1 + k / 97)
			assert_int_equal(tls_records_join(rec, cut, out, &len), TLS_SHORT);
		assert_int_equal(tls_records_join(rec, k, rec, &len), TLS_OK);	/* in place */
		assert_memory_equal(rec, msg, n);
	}
}

static void
records_that_are_none(void **state)
{
	size_t n = hello_make(msg, sizeof(msg), &hello_chrome), k, len;

	assert_int_equal(tls_records_join("GET / HTTP/1.1\r\n\r\n", 18, out, &len), TLS_NOT_HELLO);
	assert_int_equal(tls_records_join("\x16\x03\x01\x00\x00", 5, out, &len), TLS_MALFORMED);
	out[0] = 0xff;		/* a header alone says nothing about what follows, nor does old memory */
	assert_int_equal(tls_records_join("\x16\x03\x01\x00\x10", 5, out, &len), TLS_SHORT);
	assert_int_equal(tls_records_join("\x16\x03\x01\x40\x01z", 6, out, &len), TLS_MALFORMED);
	assert_int_equal(tls_records_join("\x16\x03\x01\x00\x04\x02\x00\x00\x10", 9, out, &len), TLS_NOT_HELLO);
	k = hello_records(rec, msg, n, 100);
	rec[105] = 23;		/* application data between the pieces */
	assert_int_equal(tls_records_join(rec, k, out, &len), TLS_MALFORMED);
}

static void
dtls_fragments(void **state)
{
	struct hello_recipe r = hello_chrome;
	size_t n, k, len;

	r.transport = 'd';
	r.version = 0xfefd;
	n = hello_make(msg, sizeof(msg), &r);
	assert_int_equal(parse_exact(TLS_OVER_DTLS, msg, n), TLS_OK);
	for (int reverse = 0; reverse < 2; reverse++)
		for (size_t chunk = 50; chunk < 2000; chunk *= 3) {
			k = hello_dtls_records(rec, msg, n, chunk, reverse);
			assert_int_equal(dtls_records_join(rec, k, out, sizeof(out), &len), TLS_OK);
			assert_int_equal(len, n);
			assert_memory_equal(out, msg, n);
			assert_int_equal(dtls_records_join(rec, k - 1, out, sizeof(out), &len), TLS_SHORT);
		}
	/* a fragment alone is a part, and one that reaches beyond the message is a lie */
	msg[8] = 1;
	assert_int_equal(parse_exact(TLS_OVER_DTLS, msg, n), TLS_MALFORMED);
}

/* --- packets --------------------------------------------------------------------------------------- */

struct got {
	int		 n;
	char		 ja4[8][JA4_LEN];
	struct flow_hello last;
};

static void
on_hello(void *arg, const struct flow_hello *f)
{
	struct got *g = arg;
	struct tls_hello h;

	g->last = *f;
	if (f->result == TLS_OK && g->n < 8) {
		assert_int_equal(tls_hello_parse(&h, f->transport, f->message, f->len), TLS_OK);
		ja4_hash(g->ja4[g->n], &h);
	}
	g->n++;
}

static void
be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Ethernet, a VLAN tag if asked, IPv4 or IPv6 with a destination options header, TCP. */
static size_t
tcp_frame(uint8_t *f, int v6, int vlan, uint32_t seq, int syn, const uint8_t *data, size_t n)
{
	size_t at = 12, ip;

	memset(f, 0, 200);
	if (vlan) {
		be16(f + at, 0x8100);
		at += 4;
	}
	be16(f + at, v6 ? 0x86dd : 0x0800);
	at += 2;
	ip = at;
	if (v6) {
		f[at] = 0x60;
		be16(f + at + 4, (unsigned)(n + 20 + 8));
		f[at + 6] = 60;
		f[at + 8] = 0x20;
		f[at + 23] = 1;
		f[at + 39] = 2;
		f[at + 40] = 6;			/* next header behind the options: TCP */
		at += 48;
	} else {
		f[at] = 0x45;
		be16(f + at + 2, (unsigned)(n + 40));
		f[at + 9] = 6;
		memcpy(f + at + 12, "\xc0\x00\x02\x07\xc6\x33\x64\x01", 8);
		at += 20;
	}
	be16(f + at, 51234);
	be16(f + at + 2, 443);
	be16(f + at + 4, seq >> 16);
	be16(f + at + 6, seq & 0xffff);
	f[at + 12] = 0x50;
	f[at + 13] = syn ? 2 : 0x18;
	memcpy(f + at + 20, data, n);
	assert_true(ip > 0);
	return at + 20 + n;
}

/* Segments of <chunk> bytes, every second pair swapped, one sent twice with other bytes. */
static void
feed_tcp(struct flows *f, int v6, int vlan, size_t chunk, int with_syn)
{
	static uint8_t frame[70000], junk[2000];
	size_t n = hello_make(msg, sizeof(msg), &hello_chrome), k = hello_records(rec, msg, n, 16384), at[2000], parts = 0;
	uint32_t seq = 0xfffffff0u;

	if (with_syn)
		flows_packet(f, 1, frame, tcp_frame(frame, v6, vlan, seq - 1, 1, rec, 0));
	for (size_t i = 0; i < k; i += chunk)
		at[parts++] = i;
	for (size_t i = with_syn ? 0 : 1; i + 1 < parts; i += 2) {
		size_t t = at[i];

		at[i] = at[i + 1];
		at[i + 1] = t;
	}
	memset(junk, 0x55, sizeof(junk));
	for (size_t i = 0; i < parts; i++) {
		size_t len = k - at[i] < chunk ? k - at[i] : chunk;

		flows_packet(f, 1, frame, tcp_frame(frame, v6, vlan, seq + (uint32_t)at[i], 0, rec + at[i], len));
		if (i == 1)
			flows_packet(f, 1, frame, tcp_frame(frame, v6, vlan, seq + (uint32_t)at[i], 0, junk, len));
	}
}

static void
streams_of_segments(void **state)
{
	static const size_t chunk[] = {1, 7, 100, 1460};
	struct got g;
	struct flows *f;

	for (int variant = 0; variant < 8; variant++)
		for (size_t i = 0; i < 4; i++) {
			if (!(variant & 4) && chunk[i] < 7)
				continue;	/* without a SYN a first segment of one byte cannot be known as one */
			memset(&g, 0, sizeof(g));
			f = flows_new(on_hello, &g);
			feed_tcp(f, variant & 1, variant & 2, chunk[i], variant & 4);
			flows_free(&f);
			assert_int_equal(g.n, 1);
			assert_string_equal(g.ja4[0], HELLO_CHROME_JA4);
			assert_string_equal(g.last.src, variant & 1 ? "2000::1" : "192.0.2.7");
			assert_int_equal(g.last.dport, 443);
		}
}

/* The Initial of RFC 9001 A.2: its hello is in A.1's text; opened by the keys of connection id 8394c8f03e515708. */
static void
quic_initial_of_the_rfc(void **state)
{
	static const char head[] = "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"
	    "d242b123dc9bd8bab936b47d92ec356c0bab7df5976d27cd449f63300099f399"
	    "1c260ec4c60d17b31f8429157bb35a1282a643a8d2262cad67500cadb8e7378c"
	    "8eb7539ec4d4905fed1bee1fc8aafba17c750e2c7ace01e6005f80fcb7df6212"
	    "30c83711b39343fa028cea7f7fb5ff89eac2308249a02252155e2347b63d58c5"
	    "457afd84d05dfffdb20392844ae812154682e9cf012f9021a6f0be17ddd0c208"
	    "4dce25ff9b06cde535d0f920a2db1bf362c23e596d11a4f5a6cf3948838a3aec"
	    "4e15daf8500a6ef69ec4e3feb6b1d98e610ac8b7ec3faf6ad760b7bad1db4ba3"
	    "485e8a94dc250ae3fdb41ed15fb6a8e5eba0fc3dd60bc8e30c5c4287e53805db"
	    "059ae0648db2f64264ed5e39be2e20d82df566da8dd5998ccabdae053060ae6c"
	    "7b4378e846d29f37ed7b4ea9ec5d82e7961b7f25a9323851f681d582363aa5f8"
	    "9937f5a67258bf63ad6f1a0b1d96dbd4faddfcefc5266ba6611722395c906556"
	    "be52afe3f565636ad1b17d508b73d8743eeb524be22b3dcbc2c7468d54119c74"
	    "68449a13d8e3b95811a198f3491de3e7fe942b330407abf82a4ed7c1b311663a"
	    "c69890f4157015853d91e923037c227a33cdd5ec281ca3f79c44546b9d90ca00"
	    "f064c99e3dd97911d39fe9c5d0b23a229a234cb36186c4819e8b9c5927726632"
	    "291d6a418211cc2962e20fe47feb3edf330f2c603a9d48c0fcb5699dbfe58964"
	    "25c5bac4aee82e57a85aaf4e2513e4f05796b07ba2ee47d80506f8d2c25e50fd"
	    "14de71e6c418559302f939b0e1abd576f279c4b2e0feb85c1f28ff18f58891ff"
	    "ef132eef2fa09346aee33c28eb130ff28f5b766953334113211996d20011a198"
	    "e3fc433f9f2541010ae17c1bf202580f6047472fb36857fe843b19f5984009dd"
	    "c324044e847a4f4a0ab34f719595de37252d6235365e9b84392b061085349d73"
	    "203a4a13e96f5432ec0fd4a1ee65accdd5e3904df54c1da510b0ff20dcc0c77f"
	    "cb2c0e0eb605cb0504db87632cf3d8b4dae6e705769d1de354270123cb11450e"
	    "fc60ac47683d7b8d0f811365565fd98c4c8eb936bcab8d069fc33bd801b03ade"
	    "a2e1fbc5aa463d08ca19896d2bf59a071b851e6c239052172f296bfb5e724047"
	    "90a2181014f3b94a4e97d117b438130368cc39dbb2d198065ae3986547926cd2"
	    "162f40a29f0c3c8745c0f50fba3852e566d44575c29d39a03f0cda721984b6f4"
	    "40591f355e12d439ff150aab7613499dbd49adabc8676eef023b15b65bfc5ca0"
	    "6948109f23f350db82123535eb8a7433bdabcb909271a6ecbcb58b936a88cd4e"
	    "8f2e6ff5800175f113253d8fa9ca8885c2f552e657dc603f252e1a8e308f76f0"
	    "be79e2fb8f5d5fbbe2e30ecadd220723c8c0aea8078cdfcb3868263ff8f09400"
	    "54da48781893a7e49ad5aff4af300cd804a6b6279ab3ff3afb64491c85194aab"
	    "760d58a606654f9f4400e8b38591356fbf6425aca26dc85244259ff2b19c41b9"
	    "f96f3ca9ec1dde434da7d2d392b905ddf3d1f9af93d1af5950bd493f5aa731b4"
	    "056df31bd267b6b90a079831aaf579be0a39013137aac6d404f518cfd4684064"
	    "7e78bfe706ca4cf5e9c5453e9f7cfd2b8b4c8d169a44e55c88d4a9a7f9474241"
	    "e221af44860018ab0856972e194cd934";
	static struct quic_initials q;
	size_t n = strlen(head) / 2, len = 0;
	struct tls_hello h;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(sscanf(head + 2 * i, "%2hhx", &rec[i]), 1);
	assert_int_equal(n, 1200);
	assert_true(quic_is_initial(rec, n));
	memset(&q, 0, sizeof(q));
	assert_int_equal(quic_take(&q, rec, n, &len), TLS_OK);
	assert_int_equal(tls_hello_parse(&h, TLS_OVER_QUIC, q.crypto, len), TLS_OK);
	assert_memory_equal(h.sni.p, "example.com", 11);
	rec[700] ^= 1;		/* one bit: does not authenticate */
	memset(&q, 0, sizeof(q));
	assert_int_equal(quic_take(&q, rec, n, &len), TLS_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_is_short), cmocka_unit_test(wrong_lengths), cmocka_unit_test(absurd_ones),
		cmocka_unit_test(records_of_any_size), cmocka_unit_test(records_that_are_none), cmocka_unit_test(dtls_fragments),
		cmocka_unit_test(streams_of_segments), cmocka_unit_test(quic_initial_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
