/* SPDX-License-Identifier: MIT */
/*
 * What a node that pulls reads from another: the manifest and its signature, and a delta.  The first byte chooses:
 * a manifest that parses must come out as it was written; a delta must stay inside of its buffers, and what is made of
 * two halves of the input must make the second of the first again.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ti-sync/delta.h"
#include "ti-sync/manifest.h"
#include "ti-sync/verify.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x)	do { if (!(x)) abort(); } while (0)
#define KEY	"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="		/* RFC 8032 7.1, test 1 */

static void
manifest(const char *p, size_t n)
{
	struct ti_manifest m, again;
	char name[TI_DELTA_NAME];
	struct buf b = {0};

	ti_manifest_read(&m, p, n, KEY);
	if (ti_manifest_parse(&m, p, n) != NULL)
		return;
	MUST(m.n_deltas <= TI_DELTAS_MAX);
	for (size_t i = 0; i < m.n_deltas; i++)
		MUST(strchr(ti_delta_name(name, &m.delta[i]), '/') == NULL);
	ti_manifest_write(&m, &b);
	MUST(buf_len(&b) == n && memcmp(buf_ptr(&b), p, n) == 0);
	MUST(ti_manifest_parse(&again, buf_ptr(&b), buf_len(&b)) == NULL);
	buf_free(&b);
}

static void
signature(const char *p, size_t n)
{
	size_t cut = n > 0 ? (uint8_t)p[0] % n : 0;
	char key[128] = KEY, sha[65];

	ti_signature_check_bytes(p, cut, KEY, p + cut, n - cut);
	memcpy(key, p, n < sizeof(key) - 1 ? n : sizeof(key) - 1);
	ti_signature_check_bytes(p, n, key, p, n);
	ti_sha256_find(p, n, sha);
}

static void
apply(const uint8_t *p, size_t n)
{
	static uint8_t base[256];
	size_t n_out = n > 0 ? p[0] : 0;
	uint8_t *out = malloc(n_out + 1);

	MUST(out != NULL);
	if (n > 0)
		ti_delta_apply(out, n_out, base, sizeof(base), p + 1, n - 1);
	free(out);
}

static void
make(const uint8_t *p, size_t n)
{
	size_t half = n / 2;
	struct buf b = {0};
	uint8_t *out = malloc(n - half + 1);

	MUST(out != NULL);
	if (ti_delta_make(&b, p, half, p + half, n - half, 2 * n + 1024) == 0) {
		MUST(ti_delta_apply(out, n - half, p, half, buf_ptr(&b), buf_len(&b)) == NULL);
		MUST(n == half || memcmp(out, p + half, n - half) == 0);
	}
	buf_free(&b);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	switch (p[0] % 4) {
	case 0: manifest((const char *)p + 1, n - 1); break;
	case 1: signature((const char *)p + 1, n - 1); break;
	case 2: apply(p + 1, n - 1); break;
	default: make(p + 1, n - 1); break;
	}
	return 0;
}
