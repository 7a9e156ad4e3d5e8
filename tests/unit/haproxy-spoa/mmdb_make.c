/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/haproxy-spoa/mmdb_make.h"

#define NODES_MAX	2048
#define SEPARATOR	16	/* zero bytes between tree and data */
#define LEAF		0x800000u	/* while building: a row, not a node */
#define EMPTY		0xffffffu

enum { T_STRING = 2, T_UINT16 = 5, T_UINT32 = 6, T_MAP = 7, T_UINT64 = 9, T_ARRAY = 11 };

struct out {
	uint8_t	*p;
	size_t	 n, size;
};

struct tree {
	uint32_t node[NODES_MAX][2];
	uint32_t n;
};

static void
put(struct out *o, const void *p, size_t n)
{
	if (o->n + n > o->size)
		abort();
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void
put_byte(struct out *o, unsigned b)
{
	uint8_t c = (uint8_t)b;

	put(o, &c, 1);
}

/* Types from 8 on stand in a byte of their own. */
static void
put_control(struct out *o, unsigned type, size_t size)
{
	put_byte(o, (type < 8 ? type << 5 : 0) | (unsigned)size);
	if (type >= 8)
		put_byte(o, type - 7);
}

static void
put_text(struct out *o, const char *s)
{
	put_control(o, T_STRING, strlen(s));	/* all of ours are shorter than 29 bytes */
	put(o, s, strlen(s));
}

static void
put_uint(struct out *o, unsigned type, uint64_t v, size_t bytes)
{
	put_control(o, type, bytes);
	while (bytes-- > 0)
		put_byte(o, (unsigned)(v >> (8 * bytes)) & 0xff);
}

static void
put_country(struct out *o, const char *key, const char *code)
{
	if (code == NULL)
		return;
	put_text(o, key);
	put_control(o, T_MAP, 1);
	put_text(o, "iso_code");
	put_text(o, code);
}

static void
put_row(struct out *o, const struct mmdb_row *r)
{
	put_control(o, T_MAP, (size_t)((r->country != NULL) + (r->registered != NULL) + (r->asn != 0)));
	put_country(o, "country", r->country);
	put_country(o, "registered_country", r->registered);
	if (r->asn != 0) {
		put_text(o, "autonomous_system_number");
		put_uint(o, T_UINT32, r->asn, 4);
	}
}

static void
put_meta(struct out *o, uint32_t nodes)
{
	put(o, "\xab\xcd\xefMaxMind.com", 14);
	put_control(o, T_MAP, 9);
	put_text(o, "node_count");
	put_uint(o, T_UINT32, nodes, 4);
	put_text(o, "record_size");
	put_uint(o, T_UINT16, 24, 2);
	put_text(o, "ip_version");
	put_uint(o, T_UINT16, 6, 2);
	put_text(o, "database_type");
	put_text(o, "llmsec-test");
	put_text(o, "description");
	put_control(o, T_MAP, 0);
	put_text(o, "languages");
	put_control(o, T_ARRAY, 0);
	put_text(o, "binary_format_major_version");
	put_uint(o, T_UINT16, 2, 2);
	put_text(o, "binary_format_minor_version");
	put_uint(o, T_UINT16, 0, 2);
	put_text(o, "build_epoch");
	put_uint(o, T_UINT64, 1764115200, 8);
}

/* "net/bits" as 128 bits of address and a length within them. */
static unsigned
cidr_read(uint8_t addr[16], const char *cidr)
{
	const char *slash = strchr(cidr, '/');
	char net[64];

	if (slash == NULL || (size_t)(slash - cidr) >= sizeof(net))
		abort();
	memcpy(net, cidr, (size_t)(slash - cidr));
	net[slash - cidr] = '\0';
	memset(addr, 0, 16);
	if (inet_pton(AF_INET, net, addr + 12) == 1)
		return 96 + (unsigned)atoi(slash + 1);
	if (inet_pton(AF_INET6, net, addr) != 1)
		abort();
	return (unsigned)atoi(slash + 1);
}

static uint32_t
tree_node(struct tree *t)
{
	if (t->n == NODES_MAX)
		abort();
	t->node[t->n][0] = t->node[t->n][1] = EMPTY;
	return t->n++;
}

static void
tree_add(struct tree *t, const char *cidr, uint32_t row)
{
	uint8_t addr[16];
	unsigned bits = cidr_read(addr, cidr), bit;
	uint32_t at = 0;

	for (unsigned i = 0; i < bits; i++) {
		bit = addr[i / 8] >> (7 - i % 8) & 1;
		if (i + 1 == bits)
			t->node[at][bit] = LEAF | row;
		else if (t->node[at][bit] == EMPTY)
			t->node[at][bit] = tree_node(t);
		at = i + 1 < bits ? t->node[at][bit] : at;
	}
}

size_t
mmdb_make(uint8_t *buf, size_t size, const struct mmdb_row *rows, size_t n)
{
	static struct tree t;
	static uint8_t data_buf[16384];
	struct out o = {buf, 0, size}, data = {data_buf, 0, sizeof(data_buf)};
	static const uint8_t zero[SEPARATOR];
	size_t at[64];

	t.n = 0;
	tree_node(&t);
	if (n > 64)
		abort();
	for (size_t i = 0; i < n; i++) {
		at[i] = data.n;
		put_row(&data, &rows[i]);
		tree_add(&t, rows[i].cidr, (uint32_t)i);
	}
	for (uint32_t i = 0; i < t.n; i++)
		for (int side = 0; side < 2; side++) {
			uint32_t r = t.node[i][side];

			r = r == EMPTY ? t.n : r & LEAF ? t.n + SEPARATOR + (uint32_t)at[r & ~LEAF] : r;
			put_byte(&o, r >> 16 & 0xff);
			put_byte(&o, r >> 8 & 0xff);
			put_byte(&o, r & 0xff);
		}
	put(&o, zero, SEPARATOR);
	put(&o, data.p, data.n);
	put_meta(&o, t.n);
	return o.n;
}
