/* SPDX-License-Identifier: MIT */
/* A capture in short: link type, then packets of two-byte lengths.  Whatever is in them, memory stays bounded. */
#include "config.h"

#include <stdlib.h>

#include "haproxy-spoa/tls/flows.h"
#include "haproxy-spoa/tls/ja.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
on_hello(void *arg, const struct flow_hello *f)
{
	struct tls_hello h;
	char ja4[JA4_LEN];

	if (f->result == TLS_OK && tls_hello_parse(&h, f->transport, f->message, f->len) == TLS_OK)
		ja4_hash(ja4, &h);
	*(int *)arg += 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const int links[] = {1, 101, 113, 276, 0, 108};
	struct flows *f;
	size_t at = 1, len;
	int hellos = 0, packets = 0;

	if (n < 1)
		return 0;
	f = flows_new(on_hello, &hellos);
	if (f == NULL)
		abort();
	while (at + 2 <= n) {
		len = (size_t)data[at] << 8 | data[at + 1];
		at += 2;
		if (len > n - at)
			len = n - at;
		flows_packet(f, links[data[0] % 6], data + at, len);
		packets++;
		at += len;
	}
	flows_free(&f);
	if (hellos > packets)
		abort();
	return 0;
}
