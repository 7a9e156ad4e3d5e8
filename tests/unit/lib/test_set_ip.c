/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/diag.h"
#include "lib/set_ip.h"
#include "tests/unit/lib/temp.h"

static const char *const names[] = {"botnet", "spam"};
static const struct set_meta meta = {.created = 1, .generation = 2, .categories = names, .n_categories = 2};
static char dir[TEMP_PATH], path[TEMP_PATH + 16];

static int
setup(void **state)
{
	temp_new(dir);
	snprintf(path, sizeof(path), "%s/i.set", dir);
	return 0;
}

static int
teardown(void **state)
{
	temp_remove(dir);
	return 0;
}

static void
add(struct set_ip_writer *w, const char *net, uint64_t cat, uint8_t conf, uint8_t flags)
{
	struct set_class c = {cat, conf, flags};
	struct cidr n;

	assert_int_equal(cidr_parse(net, &n), 0);
	assert_int_equal(set_ip_writer_add(w, &n, &c), 0);
}

static struct set_ip *
written(struct set_ip_writer *w)
{
	struct set_ip *s;

	assert_int_equal(set_ip_writer_write(w, path), 0);
	set_ip_writer_free(&w);
	assert_int_equal(set_ip_open(&s, path, 0, NULL), 0);
	return s;
}

/* Confidence of the answer, 0: none. */
static int
ask(const struct set_ip *s, const char *text)
{
	struct set_hit h = {0};
	uint8_t a[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, text, a), 1);
	return set_ip_find(s, family, a, &h) ? h.confidence : 0;
}

static void
test_longest(void **state)
{
	struct set_ip_writer *w = set_ip_writer_new(&meta);
	struct set_ip *s;

	add(w, "203.0.113.7", 1, 99, 0);
	add(w, "203.0.113.0/24", 1, 50, 0);
	add(w, "203.0.113.64/26", 2, 60, 0);
	add(w, "203.0.113.80", 0, 0, SET_PASS);
	add(w, "0.0.0.0/8", 1, 8, 0);
	add(w, "255.255.255.255", 1, 9, 0);
	add(w, "2001:db8::/32", 2, 32, 0);
	add(w, "2001:db8:1::/48", 2, 48, 0);
	add(w, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, 10, 0);
	s = written(w);
	assert_int_equal(ask(s, "203.0.113.6"), 50);
	assert_int_equal(ask(s, "203.0.113.7"), 99);
	assert_int_equal(ask(s, "203.0.113.8"), 50);
	assert_int_equal(ask(s, "203.0.113.64"), 60);
	assert_int_equal(ask(s, "203.0.113.80"), 0);
	assert_int_equal(ask(s, "203.0.113.81"), 60);
	assert_int_equal(ask(s, "203.0.113.127"), 60);
	assert_int_equal(ask(s, "203.0.113.128"), 50);
	assert_int_equal(ask(s, "203.0.114.0"), 0);
	assert_int_equal(ask(s, "203.0.112.255"), 0);
	assert_int_equal(ask(s, "0.0.0.0"), 8);
	assert_int_equal(ask(s, "1.0.0.0"), 0);
	assert_int_equal(ask(s, "255.255.255.255"), 9);
	assert_int_equal(ask(s, "::ffff:203.0.113.7"), 99);
	assert_int_equal(ask(s, "::"), 0);
	assert_int_equal(ask(s, "::1:0:0:0"), 0);
	assert_int_equal(ask(s, "2001:db8::1"), 32);
	assert_int_equal(ask(s, "2001:db8:1:ffff::"), 48);
	assert_int_equal(ask(s, "2001:db8:2::"), 32);
	assert_int_equal(ask(s, "2001:db9::"), 0);
	assert_int_equal(ask(s, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 10);
	assert_int_equal(ask(s, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"), 0);
	assert_string_equal(set_ip_category(s, 0), "botnet");
	set_ip_close(&s);
}

static uint32_t rng_state = 1;

static uint32_t
rng(void)	/* Park and Miller 1988 */
{
	return rng_state = (uint32_t)((uint64_t)rng_state * 48271 % 2147483647);
}

/* Random nested networks against asking each of them. */
static void
test_model(void **state)
{
	static struct { struct cidr net; struct set_class c; } v[500];

	for (int round = 0; round < 20; round++) {
		struct set_ip_writer *w = set_ip_writer_new(&meta);
		size_t n = rng() % 500;
		struct set_ip *s;

		for (size_t i = 0; i < n; i++) {
			char text[64];

			if (rng() % 3 != 0)
				snprintf(text, sizeof(text), "10.%u.%u.%u/%u", rng() % 2, rng() % 4, rng() % 256,
				    8 + rng() % 25);
			else
				snprintf(text, sizeof(text), "2001:db8:%x::%x/%u", rng() % 3, rng() % 1000,
				    30 + rng() % 99);
			assert_int_equal(cidr_parse(text, &v[i].net), 0);
			v[i].c = (struct set_class){1, (uint8_t)(1 + i % 100), 0};
			assert_int_equal(set_ip_writer_add(w, &v[i].net, &v[i].c), 0);
		}
		s = written(w);
		for (int q = 0; q < 2000; q++) {
			struct cidr a = {.len = 128};
			struct set_hit h = {0};
			int best = -1;

			if (n > 0 && q % 2 == 0)
				memcpy(a.addr, v[rng() % n].net.addr, 16);
			else
				assert_int_equal(cidr_parse(q % 4 == 1 ? "10.0.0.0" : "2001:db8::", &a), 0);
			a.len = 128;
			a.addr[15] ^= (uint8_t)(rng() % 4);
			a.addr[14] ^= (uint8_t)(rng() % 2);
			for (size_t i = 0; i < n; i++)
				if (cidr_covers(&v[i].net, &a) && (best < 0 || v[i].net.len >= v[best].net.len))
					best = (int)i;
			set_ip_find(s, AF_INET6, a.addr, &h);
			assert_int_equal(h.confidence, best < 0 ? 0 : v[best].c.confidence);
		}
		set_ip_close(&s);
	}
}

struct list {
	char	text[512];
};

static int
collect(void *arg, const struct cidr *c, const struct set_class *cl)
{
	struct list *l = arg;
	char text[CIDR_TEXT];
	size_t n = strlen(l->text);

	snprintf(l->text + n, sizeof(l->text) - n, "%s=%d ", cidr_format(c, text), cl->confidence);
	return 0;
}

static void
test_each(void **state)
{
	struct set_ip_writer *w = set_ip_writer_new(&meta);
	struct set_ip *s;
	struct list l = {""};

	add(w, "192.0.2.0/30", 1, 5, 0);
	add(w, "192.0.2.3", 1, 6, 0);
	add(w, "255.255.255.254/31", 1, 7, 0);
	add(w, "2001:db8::/127", 1, 8, 0);
	add(w, "198.51.100.1", 0, 0, SET_PASS);
	s = written(w);
	assert_int_equal(set_ip_each(s, collect, &l), 0);
	assert_string_equal(l.text, "192.0.2.0/31=5 192.0.2.2=5 192.0.2.3=6 255.255.255.254/31=7 2001:db8::/127=8 ");
	set_ip_close(&s);
}

static void
test_damage(void **state)
{
	static uint8_t b[400000] __attribute__((aligned(64)));
	struct set_ip_writer *w = set_ip_writer_new(&meta);
	struct set_ip *s;
	struct diag *d = diag_new();
	size_t n;
	FILE *f;

	add(w, "192.0.2.0/30", 1, 5, 0);
	add(w, "2001:db8::/64", 1, 5, 0);
	s = written(w);
	set_ip_close(&s);
	f = fopen(path, "r");
	n = fread(b, 1, sizeof(b), f);
	fclose(f);
	for (size_t i = 0; i < n; i += i < 1000 ? 1 : 997) {
		b[i] ^= 1;
		assert_int_equal(set_ip_open_mem(&s, b, n, 0, d), -EBADMSG);
		b[i] ^= 1;
		assert_int_equal(set_ip_open_mem(&s, b, i, SET_QUICK, d), -EBADMSG);
	}
	assert_int_equal(set_ip_open_mem(&s, b, n, 0, d), 0);
	set_ip_close(&s);
	diag_free(&d);
}

static void
test_empty(void **state)
{
	struct set_ip *s = written(set_ip_writer_new(&meta));

	assert_int_equal(ask(s, "192.0.2.1"), 0);
	assert_int_equal(ask(s, "2001:db8::1"), 0);
	set_ip_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest), cmocka_unit_test(test_model), cmocka_unit_test(test_each),
		cmocka_unit_test(test_damage), cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
