/* SPDX-License-Identifier: MIT */
/*
 * A file that says it is a set: opened quickly and thoroughly, then asked.  Checksums are made right first, so
 * that what is behind them is reached.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "lib/set_private.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
ask_dom(const uint8_t *p, size_t n, unsigned flags)
{
	static const char *const names[] = {"example.com", "www.example.com", "a.b.c.d.e.f", "x", "..", "bad.example.net"};
	struct set_dom *s;
	struct set_hit h;

	if (set_dom_open_mem(&s, p, n, flags, NULL) < 0)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		set_dom_find(s, names[i], strlen(names[i]), &h);
	set_dom_category(s, 0);
	set_dom_close(&s);
}

static int
count(void *arg, const struct cidr *c, const struct set_class *cl)
{
	return ++*(int *)arg > 1000;
}

static void
ask_ip(const uint8_t *p, size_t n, unsigned flags)
{
	uint8_t a[16] = {0};
	struct set_ip *s;
	struct set_hit h;
	int k = 0;

	if (set_ip_open_mem(&s, p, n, flags, NULL) < 0)
		return;
	for (int i = 0; i < 256; i++) {
		a[0] = a[10] = (uint8_t)i;
		set_ip_find(s, AF_INET, a, &h);
		set_ip_find(s, AF_INET6, a, &h);
	}
	if (flags == 0)
		set_ip_each(s, count, &k);
	set_ip_close(&s);
}

static void
seal(uint8_t *p, size_t n)
{
	uint64_t size = htole64(n);
	uint32_t crc;

	memcpy(p, SET_MAGIC, 8);
	memcpy(p + SET_AT_SIZE, &size, 8);
	crc = htole32(set_crc32c(0, p + SET_HEADER, n - SET_HEADER));
	memcpy(p + SET_AT_BODY_CRC, &crc, 4);
	crc = htole32(set_crc32c(0, p, SET_AT_HEAD_CRC));
	memcpy(p + SET_AT_HEAD_CRC, &crc, 4);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *p;

	ask_dom(data, n, 0);
	ask_ip(data, n, 0);
	if (n < SET_HEADER)
		return 0;
	p = malloc(n);
	memcpy(p, data, n);
	seal(p, n);
	for (unsigned flags = 0; flags <= SET_QUICK; flags += SET_QUICK) {
		ask_dom(p, n, flags);
		ask_ip(p, n, flags);
	}
	free(p);
	return 0;
}
