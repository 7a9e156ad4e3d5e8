/* SPDX-License-Identifier: MIT */
/* What user space reads: llmsecd's ban lines, hex, captures, ports, durations of the clock, keys. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bpf/xdp_conf.h"
#include "bpf/xdp_feed.h"
#include "bpf/xdp_feedline.h"
#include "bpf/xdp_filter.h"
#include "bpf/xdp_maps.h"
#include "bpf/xdp_run.h"
#include "lib/diag.h"
#include "lib/set_ip.h"
#include "tests/unit/lib/temp.h"

struct seen {
	struct xdp_ban_line v[16];
	int n;
};

static int
see(void *arg, const struct xdp_ban_line *l)
{
	struct seen *s = arg;

	assert_true(s->n < 16);
	s->v[s->n++] = *l;
	return 0;
}

static void
test_lines(void **state)
{
	static const char text[] = "{\"op\":\"begin\"}\n{\"op\":\"add\",\"cidr\":\"192.0.2.7\",\"ttl_s\":3600,\"reason\":\"x\"}\n"
	    "{\"op\":\"add\",\"cidr\":\"2001:db8::/32\"}\n{\"op\":\"end\"}\n{\"op\":\"expire\",\"cidr\":\"192.0.2.7\"}\n{\"op\":\"ping\"}\n";
	struct seen s = {.n = 0};
	unsigned bad = 0;

	(void) state;
	assert_int_equal(xdp_ban_lines(text, strlen(text), see, &s, &bad), 0);
	assert_int_equal(bad, 0);
	assert_int_equal(s.n, 6);
	assert_int_equal(s.v[0].op, XDP_OP_BEGIN);
	assert_int_equal(s.v[1].ttl_ms, 3600000);
	assert_int_equal(s.v[1].cidr.len, 128);
	assert_int_equal(s.v[2].ttl_ms, -1);
	assert_int_equal(s.v[2].cidr.len, 32);
	assert_int_equal(s.v[3].op, XDP_OP_END);
	assert_int_equal(s.v[4].op, XDP_OP_DEL);
	assert_int_equal(s.v[5].op, XDP_OP_OTHER);
}

static void
test_bad_lines(void **state)
{
	static const char *const wrong[] = {"{\"cidr\":\"192.0.2.7\"}", "{\"op\":\"add\"}", "{\"op\":\"add\",\"cidr\":\"0.0.0.0/0\"}",
	    "{\"op\":\"add\",\"cidr\":\"::/0\"}", "{\"op\":\"add\",\"cidr\":7}", "{\"op\":\"add\",\"cidr\":\"192.0.2.7\",\"ttl_s\":0}",
	    "{\"op\":\"add\",\"cidr\":\"192.0.2.7\",\"ttl_s\":-1}", "{\"op\":\"add\",\"cidr\":\"192.0.2.7\",\"ttl_s\":\"9\"}",
	    "{\"op\":7,\"cidr\":\"192.0.2.7\"}", "{\"op\":\"add\",\"cidr\":\"192.0.2.7/33\"}", "17"};
	struct seen s = {.n = 0};
	unsigned bad = 0;

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(xdp_ban_lines(wrong[i], strlen(wrong[i]), see, &s, &bad), 0);
		assert_int_equal(bad, i + 1);
	}
	assert_int_equal(s.n, 0);
	assert_int_not_equal(xdp_ban_lines("{\"op\":", 6, see, &s, &bad), 0);
	assert_int_not_equal(xdp_ban_lines("\xff", 1, see, &s, &bad), 0);
}

static void
test_hex(void **state)
{
	uint8_t out[4];
	size_t len;

	(void) state;
	assert_int_equal(xdp_hex_parse("00 fF:7a\n", out, sizeof(out), &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(out, "\0\xff\x7a", 3);
	assert_int_equal(xdp_hex_parse("0", out, sizeof(out), &len), -EINVAL);
	assert_int_equal(xdp_hex_parse("0g", out, sizeof(out), &len), -EINVAL);
	assert_int_equal(xdp_hex_parse("0011223344", out, sizeof(out), &len), -EINVAL);
}

static int
frame_seen(void *arg, const uint8_t *b, size_t len)
{
	(void) b;
	*(size_t *) arg += len;
	return 0;
}

static void
test_pcap(void **state)
{
	uint8_t file[24 + 16 + 3] = {0xd4, 0xc3, 0xb2, 0xa1, [20] = 1, [24 + 8] = 3, [24 + 12] = 3};
	struct diag *d = diag_new();
	size_t n = 0;

	(void) state;
	assert_int_equal(xdp_pcap_each("x", file, sizeof(file), frame_seen, &n, d), 0);
	assert_int_equal(n, 3);
	assert_int_equal(xdp_pcap_each("x", file, sizeof(file) - 1, frame_seen, &n, d), -EINVAL);
	file[20] = 113;
	assert_int_equal(xdp_pcap_each("x", file, sizeof(file), frame_seen, &n, d), -EINVAL);
	assert_int_equal(xdp_pcap_each("x", file, 23, frame_seen, &n, d), -EINVAL);
	diag_free(&d);
}

static void
test_ports(void **state)
{
	uint16_t lo, hi;

	(void) state;
	assert_int_equal(xdp_ports_parse("443", &lo, &hi), 0);
	assert_int_equal(lo, 443);
	assert_int_equal(xdp_ports_parse("1-65535", &lo, &hi), 0);
	assert_int_equal(hi, 65535);
	assert_int_equal(xdp_ports_parse("0", &lo, &hi), -EINVAL);
	assert_int_equal(xdp_ports_parse("9-8", &lo, &hi), -EINVAL);
	assert_int_equal(xdp_ports_parse("65536", &lo, &hi), -EINVAL);
	assert_int_equal(xdp_ports_parse("80-", &lo, &hi), -EINVAL);
	assert_int_equal(xdp_ports_parse("", &lo, &hi), -EINVAL);
}

/* Keys go there and back for every length. */
static void
test_keys(void **state)
{
	struct cidr c, back;
	struct xdpf_key4 k4;
	struct xdpf_key6 k6;
	char text[64];

	(void) state;
	for (int len = 1; len <= 32; len++) {
		snprintf(text, sizeof(text), "203.255.113.77/%d", len);
		assert_int_equal(cidr_parse(text, &c), 0);
		xdp_key4(&c, &k4);
		xdp_cidr4(&k4, &back);
		assert_true(cidr_equal(&c, &back));
	}
	for (int len = 1; len <= 128; len++) {
		snprintf(text, sizeof(text), "2001:db8:ffff:1234:5678:9abc:def0:ffff/%d", len);
		assert_int_equal(cidr_parse(text, &c), 0);
		xdp_key6(&c, &k6);
		xdp_cidr6(&k6, &back);
		assert_true(cidr_equal(&c, &back));
	}
}

static void
test_ticks(void **state)
{
	(void) state;
	assert_int_equal(xdp_tick_in(-1), XDPF_FOREVER);
	assert_int_equal(xdp_tick_in(INT64_MAX), XDPF_FOREVER);
	assert_in_range(xdp_tick_left_ms(xdp_tick_in(5000)), 4900, 5200);
	assert_in_range(xdp_tick_left_ms(xdp_tick_in(1)), 0, 200);
}

static void
test_conf(void **state)
{
	struct diag *d = diag_new();
	struct conf_mem *mem = NULL;
	struct xdpf_conf k = {.flags = XF_PANIC | XF_DRY_RUN, .short6 = 5};
	struct xdp_conf c;

	(void) state;
	assert_int_equal(xdp_conf_load(&c, NULL, &mem, d), 0);
	xdp_conf_kernel(&c, &k, true, 4);
	assert_int_equal(k.flags & (XF_PANIC | XF_DRY_RUN | XF_COOKIES | XF_RATES), XF_PANIC | XF_COOKIES);
	assert_int_equal(k.short6, 5);
	assert_int_equal(k.src[XC_SYN].interval, 10000000);
	assert_int_equal(k.src[XC_SYN].tolerance, 1990000000);
	assert_int_equal(k.net[XC_SYN].interval, 0);
	/* 20000 a second, 4 CPUs: chunks of 25, 1.25 ms each */
	assert_int_equal(k.budget[XB_UDP].chunk, 25);
	assert_int_equal(k.budget[XB_UDP].interval, 1250000);
	conf_mem_free(&mem);
	diag_free(&d);
}

/* A set of ti-sync: exceptions are not banned, nor is a set with a flipped bit. */
static void
test_set(void **state)
{
	static const char *const names[] = {"botnet"}, *const nets[] = {"192.0.2.0/24", "2001:db8::/32", "198.51.100.7", "192.0.2.9"};
	static const struct set_meta meta = {.created = 1, .generation = 2, .categories = names, .n_categories = 1};
	struct set_ip_writer *w = set_ip_writer_new(&meta);
	char dir[TEMP_PATH], path[TEMP_PATH + 16];
	struct diag *d = diag_new();
	struct cidr *list, c;
	size_t n, skipped;
	bool lone = false, hole = false;
	FILE *f;

	(void) state;
	temp_new(dir);
	snprintf(path, sizeof(path), "%s/i.set", dir);
	for (int i = 0; i < 4; i++) {
		const struct set_class class = {.categories = 1, .confidence = 90, .flags = i == 3 ? SET_PASS : 0};

		assert_int_equal(cidr_parse(nets[i], &c), 0);
		assert_int_equal(set_ip_writer_add(w, &c, &class), 0);
	}
	assert_int_equal(set_ip_writer_write(w, path), 0);
	set_ip_writer_free(&w);
	assert_int_equal(xdp_feed_read(path, &list, &n, &skipped, d), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(cidr_parse("192.0.2.9", &c), 0);
		hole |= cidr_covers(&list[i], &c);
		assert_int_equal(cidr_parse("198.51.100.7", &c), 0);
		lone |= cidr_equal(&list[i], &c);
	}
	assert_true(lone && !hole);
	assert_int_equal(n, 8 + 1 + 1);		/* a /24 without one address is eight networks */
	free(list);
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, -1, SEEK_END), 0);
	n = (size_t) fgetc(f);
	assert_int_equal(fseek(f, -1, SEEK_END), 0);
	fputc((int) n ^ 1, f);
	fclose(f);
	assert_int_not_equal(xdp_feed_read(path, &list, &n, &skipped, d), 0);
	temp_remove(dir);
	diag_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_bad_lines), cmocka_unit_test(test_hex), cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_ports), cmocka_unit_test(test_keys), cmocka_unit_test(test_ticks), cmocka_unit_test(test_conf), cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
