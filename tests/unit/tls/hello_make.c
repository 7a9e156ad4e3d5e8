/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "lib/wire.h"
#include "tests/unit/tls/hello_make.h"

static const uint16_t chrome_ciphers[] = {0x8a8a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
	0xc014, 0x009c, 0x009d, 0x002f, 0x0035, 0};
static const uint16_t chrome_exts[] = {0x2a2a, 0x0000, 0x0017, 0xff01, 0x000a, 0x000b, 0x0023, 0x0010, 0x0005, 0x000d, 0x0012,
	0x0033, 0x002d, 0x002b, 0x001b, 0x4469, 0xdada, 0x0015, 0xffff};
static const uint16_t chrome_groups[] = {0x1a1a, 0x001d, 0x0017, 0x0018, 0};
static const uint16_t chrome_sigalgs[] = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0};
static const uint16_t chrome_versions[] = {0x3a3a, 0x0304, 0x0303, 0};
static const uint8_t chrome_points[] = {0, 0xff};

const struct hello_recipe hello_chrome = {
	.transport = 't', .version = 0x0303, .ciphers = chrome_ciphers, .exts = chrome_exts, .sni = "www.example.org",
	.alpn = {"h2", "http/1.1"}, .groups = chrome_groups, .sigalgs = chrome_sigalgs, .versions = chrome_versions,
	.points = chrome_points, .padding = 100,
};

static size_t
list16(uint8_t *p, const uint16_t *v, int width)
{
	size_t n = 0, at = (size_t)width;

	for (; v != NULL && v[n] != 0; n++) {
		p[at++] = (uint8_t)(v[n] >> 8);
		p[at++] = (uint8_t)v[n];
	}
	if (width == 2)
		p[0] = (uint8_t)(2 * n >> 8);
	p[width - 1] = (uint8_t)(2 * n);
	return at;
}

static size_t
sni(uint8_t *p, const char *name)
{
	size_t n = strlen(name);

	p[0] = (uint8_t)((n + 3) >> 8);
	p[1] = (uint8_t)(n + 3);
	p[2] = 0;
	p[3] = (uint8_t)(n >> 8);
	p[4] = (uint8_t)n;
	memcpy(p + 5, name, n);
	return n + 5;
}

static size_t
alpn(uint8_t *p, const struct hello_recipe *r)
{
	size_t at = 2, n;

	for (int i = 0; i < 4 && r->alpn[i] != NULL; i++) {
		n = i == 0 && r->alpn_len ? r->alpn_len : strlen(r->alpn[i]);
		p[at++] = (uint8_t)n;
		memcpy(p + at, r->alpn[i], n);
		at += n;
	}
	p[0] = (uint8_t)((at - 2) >> 8);
	p[1] = (uint8_t)(at - 2);
	return at;
}

static size_t
points(uint8_t *p, const uint8_t *v)
{
	size_t n = 0;

	for (; v != NULL && v[n] != 0xff; n++)
		p[1 + n] = v[n];
	p[0] = (uint8_t)n;
	return n + 1;
}

static size_t
body_of(uint8_t *p, uint16_t type, const struct hello_recipe *r)
{
	switch (type) {
	case 0: return r->sni != NULL ? sni(p, r->sni) : 0;
	case 10: return list16(p, r->groups, 2);
	case 11: return points(p, r->points);
	case 13: return list16(p, r->sigalgs, 2);
	case 16: return alpn(p, r);
	case 43: return list16(p, r->versions, 1);
	case 21: memset(p, 0, r->padding); return r->padding;
	default: p[0] = 0; return 1;
	}
}

size_t
hello_make(uint8_t *out, size_t size, const struct hello_recipe *r)
{
	uint8_t body[65000];
	struct wire_out w;
	size_t head = r->transport == 'd' ? 12 : 4, n;
	uint8_t *ext_len;

	wire_out_init(&w, out, size);
	for (size_t i = 0; i < head; i++)
		wire_put_u8(&w, 0);
	wire_put_be16(&w, (uint16_t)r->version);
	for (int i = 0; i < 32; i++)
		wire_put_u8(&w, (uint8_t)(i * 7));
	wire_put_u8(&w, 2);			/* session id */
	wire_put_be16(&w, 0xabcd);
	if (r->transport == 'd')
		wire_put_u8(&w, 0);		/* cookie */
	wire_put_bytes(&w, body, list16(body, r->ciphers, 2));
	wire_put_u8(&w, 1);
	wire_put_u8(&w, 0);
	if (r->exts != NULL) {
		ext_len = w.p;
		wire_put_be16(&w, 0);
		for (size_t i = 0; r->exts[i] != 0xffff; i++) {
			n = body_of(body, r->exts[i], r);
			wire_put_be16(&w, r->exts[i]);
			wire_put_be16(&w, (uint16_t)n);
			wire_put_bytes(&w, body, n);
		}
		n = (size_t)(w.p - ext_len) - 2;
		ext_len[0] = (uint8_t)(n >> 8);
		ext_len[1] = (uint8_t)n;
	}
	n = wire_out_len(&w) - head;
	out[0] = 1;
	out[1] = (uint8_t)(n >> 16);
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	if (head == 12)
		memcpy(out + 9, out + 1, 3);
	return wire_out_len(&w);
}

size_t
hello_records(uint8_t *out, const uint8_t *msg, size_t len, size_t chunk)
{
	size_t at = 0, n;

	for (size_t i = 0; i < len; i += n) {
		n = len - i < chunk ? len - i : chunk;
		out[at++] = 22;
		out[at++] = 3;
		out[at++] = 1;
		out[at++] = (uint8_t)(n >> 8);
		out[at++] = (uint8_t)n;
		memcpy(out + at, msg + i, n);
		at += n;
	}
	return at;
}

static size_t
dtls_record(uint8_t *out, const uint8_t *msg, size_t offset, size_t n)
{
	size_t at = 0, total = n + 12;
	const uint8_t head[13] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, (uint8_t)(total >> 8), (uint8_t)total};

	memcpy(out, head, 13);
	at = 13;
	memcpy(out + at, msg, 6);
	out[at + 6] = (uint8_t)(offset >> 16);
	out[at + 7] = (uint8_t)(offset >> 8);
	out[at + 8] = (uint8_t)offset;
	out[at + 9] = (uint8_t)(n >> 16);
	out[at + 10] = (uint8_t)(n >> 8);
	out[at + 11] = (uint8_t)n;
	memcpy(out + at + 12, msg + 12 + offset, n);
	return at + 12 + n;
}

size_t
hello_dtls_records(uint8_t *out, const uint8_t *msg, size_t len, size_t chunk, int reverse)
{
	size_t body = len - 12, parts = (body + chunk - 1) / chunk, at = 0, i;

	for (size_t k = 0; k < parts; k++) {
		i = reverse ? parts - 1 - k : k;
		at += dtls_record(out + at, msg, i * chunk, body - i * chunk < chunk ? body - i * chunk : chunk);
	}
	return at;
}
