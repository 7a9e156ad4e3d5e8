/* SPDX-License-Identifier: MIT */
/* Captured packets: what may lie around TCP and UDP, streams that begin with something else, hellos said twice. */
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
#include "tests/unit/tls/hello_make.h"

enum { ETHER = 1, SEQ = 1000 };

static uint8_t msg[4096], rec[8192];
static size_t rec_len;

struct pkt {
	size_t	n;
	uint8_t	b[9000];
};

struct got {
	int	 n, bad;
	char	 ja4[JA4_LEN];
	struct flow_hello last;
};

static void
on_hello(void *arg, const struct flow_hello *f)
{
	struct got *g = arg;
	struct tls_hello h;

	g->last = *f;
	g->n++;
	if (f->result != TLS_OK || tls_hello_parse(&h, f->transport, f->message, f->len) != TLS_OK)
		g->bad++;
	else
		ja4_hash(g->ja4, &h);
}

static int
setup(void **state)
{
	rec_len = hello_records(rec, msg, hello_make(msg, sizeof(msg), &hello_chrome), 16384);
	return 0;
}

/* --- packets from the inside out: each function puts its header in front ---------------------------- */

static void
front(struct pkt *p, const void *head, size_t n)
{
	assert_true(p->n + n <= sizeof(p->b));
	memmove(p->b + n, p->b, p->n);
	memcpy(p->b, head, n);
	p->n += n;
}

static void
tcp(struct pkt *p, uint16_t port, uint32_t seq, uint8_t flags, const void *data, size_t n)
{
	uint8_t h[20] = {(uint8_t)(port >> 8), (uint8_t)port, 1, 0xbb, (uint8_t)(seq >> 24), (uint8_t)(seq >> 16),
	    (uint8_t)(seq >> 8), (uint8_t)seq, 0, 0, 0, 1, 0x50, flags, 0xff, 0xff};

	p->n = 0;
	front(p, data, n);
	front(p, h, sizeof(h));
}

static void
udp(struct pkt *p, uint16_t dport)
{
	size_t n = p->n + 8;
	const uint8_t h[8] = {0x9c, 0x40, (uint8_t)(dport >> 8), (uint8_t)dport, (uint8_t)(n >> 8), (uint8_t)n};

	front(p, h, sizeof(h));
}

static void
ip4(struct pkt *p, uint8_t proto, unsigned frag)
{
	size_t n = p->n + 20;
	const uint8_t h[20] = {0x45, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 77, (uint8_t)(frag >> 8), (uint8_t)frag, 64, proto, 0,
	    0, 192, 0, 2, 7, 198, 51, 100, 1};

	front(p, h, sizeof(h));
}

static void
ip6(struct pkt *p, uint8_t next)
{
	const uint8_t h[40] = {0x60, 0, 0, 0, (uint8_t)(p->n >> 8), (uint8_t)p->n, next, 64, 0x20, [23] = 1, [39] = 2};

	front(p, h, sizeof(h));
}

static void
ethernet(struct pkt *p, uint16_t type)
{
	const uint8_t h[14] = {[12] = (uint8_t)(type >> 8), (uint8_t)type};

	front(p, h, sizeof(h));
}

#define FRONT(p, text) front(p, text, sizeof(text) - 1)
#define VXLAN "\x08\0\0\0\0\0\5\0"

static void
pppoe(struct pkt *p)
{
	size_t n = p->n + 2;
	const uint8_t h[8] = {0x11, 0, 0, 1, (uint8_t)(n >> 8), (uint8_t)n, 0, 0x21};

	front(p, h, sizeof(h));
	ethernet(p, 0x8864);
}

static void around_vlan(struct pkt *p) { ip4(p, 6, 0); FRONT(p, "\0\5\x08\0"); ethernet(p, 0x8100); }
static void around_qinq(struct pkt *p) { ip4(p, 6, 0); FRONT(p, "\0\5\x81\0\0\6\x08\0"); ethernet(p, 0x88a8); }
static void around_mpls(struct pkt *p) { ip4(p, 6, 0); FRONT(p, "\0\1\0\x40\0\2\1\x40"); ethernet(p, 0x8847); }
static void around_pseudowire(struct pkt *p) { ip4(p, 6, 0); ethernet(p, 0x0800); FRONT(p, "\0\2\1\x40\0\0\0\0"); ethernet(p, 0x8847); }
static void around_pppoe(struct pkt *p) { ip4(p, 6, 0); pppoe(p); }
static void around_snap(struct pkt *p) { ip4(p, 6, 0); FRONT(p, "\xaa\xaa\3\0\0\0\x08\0"); ethernet(p, (uint16_t)p->n); }
static void around_gre(struct pkt *p) { ip4(p, 6, 0); FRONT(p, "\x30\0\x08\0\0\0\0\1\0\0\0\2"); ip4(p, 47, 0); ethernet(p, 0x0800); }
static void around_teb(struct pkt *p) { ip4(p, 6, 0); ethernet(p, 0x0800); FRONT(p, "\0\0\x65\x58"); ip4(p, 47, 0); ethernet(p, 0x0800); }
static void
around_erspan(struct pkt *p)	/* type II, with a VXLAN inside */
{
	ip4(p, 6, 0);
	ethernet(p, 0x0800);
	FRONT(p, VXLAN);
	udp(p, 4789);
	ip4(p, 17, 0);
	ethernet(p, 0x0800);
	FRONT(p, "\x10\0\x88\xbe\0\0\0\0\x10\0\0\0\0\0\0\0");
	ip4(p, 47, 0);
	ethernet(p, 0x0800);
}
static void around_ipip(struct pkt *p) { ip4(p, 6, 0); ip4(p, 4, 0); ethernet(p, 0x0800); }
static void around_6in4(struct pkt *p) { ip6(p, 6); ip4(p, 41, 0); ethernet(p, 0x0800); }
static void around_geneve(struct pkt *p) { ip4(p, 6, 0); ethernet(p, 0x0800); FRONT(p, "\1\0\x65\x58\0\0\5\0abcd"); udp(p, 6081); ip4(p, 17, 0); ethernet(p, 0x0800); }
static void around_gtpu(struct pkt *p) { ip4(p, 6, 0); FRONT(p, "\x34\xff\0\0\0\0\0\1\0\0\0\x85\1\0\0\0"); udp(p, 2152); ip4(p, 17, 0); ethernet(p, 0x0800); }
static void around_options(struct pkt *p) { FRONT(p, "\6\0\1\4\0\0\0\0"); ip6(p, 60); ethernet(p, 0x86dd); }
static void around_atomic(struct pkt *p) { FRONT(p, "\6\0\0\0\0\0\0\1"); ip6(p, 44); ethernet(p, 0x86dd); }

static void
tunnels(void **state)
{
	static void (*const around[])(struct pkt *) = {around_vlan, around_qinq, around_mpls, around_pseudowire, around_pppoe,
	    around_snap, around_gre, around_teb, around_erspan, around_ipip, around_6in4, around_geneve, around_gtpu,
	    around_options, around_atomic};
	struct got g = {0};
	struct flows *f = flows_new(on_hello, &g);
	struct pkt p;

	for (int i = 0; i < (int)(sizeof(around) / sizeof(*around)); i++) {
		tcp(&p, (uint16_t)(5000 + i), SEQ, 0x18, rec, rec_len);
		around[i](&p);
		assert_true(flows_packet(f, ETHER, p.b, p.n));
		if (g.n != i + 1)
			fail_msg("around[%d]: not found", i);
		assert_string_equal(g.ja4, HELLO_CHROME_JA4);
		for (size_t cut = 0; cut < p.n - rec_len; cut++)	/* a header that ends early is no crash */
			flows_packet(f, ETHER, p.b, cut);
	}
	assert_int_equal(g.bad, 0);
	/* In each other without end: stops somewhere. */
	p.n = 0;
	while (p.n < 8000)
		FRONT(&p, "\0\0\0\0\0\0\0\0\0\0\0\0\x65\x58");
	flows_packet(f, ETHER, p.b, p.n);
	flows_free(&f);
}

static void
other_links(void **state)
{
	struct got g = {0};
	struct flows *f = flows_new(on_hello, &g);
	struct pkt p;

	tcp(&p, 5000, SEQ, 0x18, rec, rec_len);
	ip4(&p, 6, 0);
	FRONT(&p, "\x0c\0\0\0\1\0\0\0\x65\0\0\0");	/* macOS's PKTAP around a raw IP packet */
	assert_true(flows_packet(f, 149, p.b, p.n));
	tcp(&p, 5001, SEQ, 0x18, rec, rec_len);
	ip4(&p, 6, 0);
	FRONT(&p, "\xff\x03\0\x21");
	assert_true(flows_packet(f, 9, p.b, p.n));
	assert_int_equal(g.n, 2);
	assert_false(flows_packet(f, 147, p.b, p.n));
	flows_free(&f);
}

/* The whole segment in pieces of <size> bytes, in the order of a permutation: i -> i * <step> modulo their number. */
static void
feed_pieces(struct flows *f, int v6, uint16_t port, size_t size, size_t step)
{
	struct pkt whole, p;
	size_t n, at, len;

	tcp(&whole, port, SEQ, 0x18, rec, rec_len);
	n = (whole.n + size - 1) / size;
	for (size_t i = 0; i < n; i++) {
		at = i * step % n * size;
		len = whole.n - at < size ? whole.n - at : size;
		p.n = 0;
		front(&p, whole.b + at, len);
		if (v6) {
			const uint8_t h[8] = {6, 0, (uint8_t)(at >> 8), (uint8_t)(at & 0xf8) | (at + len < whole.n), 0, 0, 0, (uint8_t)port};

			front(&p, h, sizeof(h));
			ip6(&p, 44);
		} else
			ip4(&p, 6, (unsigned)(at / 8) | (at + len < whole.n ? 0x2000 : 0));
		ethernet(&p, v6 ? 0x86dd : 0x0800);
		flows_packet(f, ETHER, p.b, p.n);
		if (i == 0)	/* twice, other bytes: the first stand */
			memset(p.b + p.n - len, 0x55, len);
		flows_packet(f, ETHER, p.b, p.n);
	}
}

static void
fragments(void **state)
{
	static const size_t step[] = {1, 3, 5};
	struct got g = {0};
	struct flows *f = flows_new(on_hello, &g);
	int want = 0;

	for (int v6 = 0; v6 < 2; v6++)
		for (size_t i = 0; i < 3; i++) {
			/* one id for all IPv4 ones: what is complete has left the table */
			feed_pieces(f, v6, (uint16_t)(5000 + want), 56, step[i]);
			assert_int_equal(g.n, ++want);
			assert_string_equal(g.ja4, HELLO_CHROME_JA4);
		}
	flows_free(&f);
}

/* --- streams ---------------------------------------------------------------------------------------- */

static struct flows *flows;
static uint32_t seq;

static void
says(uint16_t port, const void *data, size_t n)
{
	struct pkt p;

	tcp(&p, port, seq, 0x18, data, n);
	ip4(&p, 6, 0);
	flows_packet(flows, 101, p.b, p.n);
	seq += (uint32_t)n;
}

static void
opens(uint16_t port)
{
	struct pkt p;

	seq = 0xffffff00u;
	tcp(&p, port, seq++, 0x02, "", 0);
	ip4(&p, 6, 0);
	flows_packet(flows, 101, p.b, p.n);
}

#define SAYS(port, text) says(port, text, sizeof(text) - 1)

static void
tls_comes_later(void **state)
{
	struct got g = {0};

	flows = flows_new(on_hello, &g);
	opens(1);
	SAYS(1, "EHLO a\r\n");
	SAYS(1, "STARTTLS\r\n");
	says(1, rec, 100);
	says(1, rec + 100, rec_len - 100);
	assert_int_equal(g.n, 1);
	opens(2);
	SAYS(2, "CONNECT a.example:443 HTTP/1.1\r\n\r\n");
	says(2, rec, rec_len);
	assert_int_equal(g.n, 2);
	opens(3);
	SAYS(3, "\4\1\1\xbb\xc6\x33\x64\1\0");		/* SOCKS 4 */
	says(3, rec, rec_len);
	assert_int_equal(g.n, 3);
	opens(4);
	SAYS(4, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
	says(4, rec, rec_len);
	assert_int_equal(g.n, 4);
	assert_string_equal(g.ja4, HELLO_CHROME_JA4);
	assert_int_equal(g.bad, 0);
	/* The same in one segment, version 2 of it. */
	opens(5);
	memmove(rec + 28, rec, rec_len);
	memcpy(rec, "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" "\xc0\0\2\7\xc0\0\2\x08\0\1\0\2", 28);
	says(5, rec, rec_len + 28);
	assert_int_equal(g.n, 5);
	memmove(rec, rec + 28, rec_len);
	/* What merely looks like a record in the middle of something is nobody's hello, nor a broken one. */
	opens(6);
	SAYS(6, "GET / HTTP/1.1\r\n\r\n");
	SAYS(6, "\x16\3\1\0\x30\1\0\0\x2c\3\3 and then quite something else, more than the length says");
	assert_int_equal(g.n, 5);
	/* 100 kB of other things first. */
	opens(7);
	for (int i = 0; i < 100; i++)
		says(7, msg, 1000 > sizeof(msg) ? sizeof(msg) : 1000);
	says(7, rec, rec_len);
	assert_int_equal(g.n, 6);
	flows_free(&flows);
}

static void
said_twice(void **state)
{
	static const uint16_t exts[] = {0, 10, 13, 43, 44, 0xffff};
	struct hello_recipe again = hello_chrome;
	struct got g = {0};
	uint32_t first;
	size_t n;

	flows = flows_new(on_hello, &g);
	opens(1);
	first = seq;
	says(1, rec, rec_len);
	assert_int_equal(g.n, 1);
	seq = first;			/* lost, sent again */
	says(1, rec, rec_len);
	assert_int_equal(g.n, 1);
	again.exts = exts;
	n = hello_make(msg, sizeof(msg), &again);
	memcpy(rec, "\x14\3\3\0\1\1", 6);
	n = 6 + hello_records(rec + 6, msg, n, 16384);
	says(1, rec, n);		/* the answer to a HelloRetryRequest, another fingerprint */
	assert_int_equal(g.n, 2);
	assert_memory_equal(g.ja4, "t13d150500_", 11);
	setup(state);
	opens(1);			/* a new connection on the same ports, the same hello */
	says(1, rec, rec_len);
	assert_int_equal(g.n, 3);
	assert_string_equal(g.ja4, HELLO_CHROME_JA4);
	flows_free(&flows);
}

static void
middle_of_a_capture(void **state)
{
	struct got g = {0};

	flows = flows_new(on_hello, &g);
	seq = 5200;			/* no SYN, the second half first */
	says(1, rec + 200, rec_len - 200);
	seq = 5000;
	says(1, rec, 200);
	assert_int_equal(g.n, 1);
	assert_string_equal(g.ja4, HELLO_CHROME_JA4);
	opens(2);			/* a segment without its beginning is no hello */
	seq++;
	says(2, rec + 1, rec_len - 1);
	assert_int_equal(g.n, 1);
	seq -= (uint32_t)rec_len;
	says(2, rec, 1);
	assert_int_equal(g.n, 2);
	opens(3);			/* where a stream begins with a broken one, that is worth telling */
	SAYS(3, "\x16\3\1\0\x30\1\0\0\x2c\3\3 and then something else, as long as the length says ..");
	assert_int_equal(g.bad, 1);
	flows_free(&flows);
}

static void
dtls_with_a_cookie(void **state)
{
	struct hello_recipe r = hello_chrome;
	struct got g = {0};
	struct pkt p;
	size_t n;

	flows = flows_new(on_hello, &g);
	r.transport = 'd';
	r.version = 0xfefd;
	n = hello_make(msg, sizeof(msg), &r);
	for (int i = 0; i < 4; i++) {
		p.n = 0;
		if (i == 2)		/* the second one differs, as one with a cookie does */
			msg[20] ^= 1;
		front(&p, rec, hello_dtls_records(rec, msg, n, 200, i & 1));
		if (i == 3)
			p.b[4] = 1;	/* epoch 1: encrypted, whatever it looks like */
		udp(&p, 4433);
		ip4(&p, 17, 0);
		flows_packet(flows, 101, p.b, p.n);
	}
	assert_int_equal(g.n, 2);
	assert_int_equal(g.bad, 0);
	assert_int_equal(g.last.transport, 'd');
	flows_free(&flows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tunnels, setup), cmocka_unit_test_setup(other_links, setup),
		cmocka_unit_test_setup(fragments, setup), cmocka_unit_test_setup(tls_comes_later, setup),
		cmocka_unit_test_setup(said_twice, setup), cmocka_unit_test_setup(middle_of_a_capture, setup),
		cmocka_unit_test_setup(dtls_with_a_cookie, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
