/* SPDX-License-Identifier: MIT */
/*
 * The header between REQMOD and RESPMOD: byte 0 chooses between bytes as they come from outside, bytes as if they had
 * been authentic, and a vault made of them, which must come back as it was.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "icap-llmsec/mask.h"
#include "icap-llmsec/mask_private.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static struct keyring *kr;

static void
setup(void)
{
	static const char key[] = "a 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	char path[] = "/tmp/fuzz_tx.XXXXXX";
	int fd = mkstemp(path);
	struct diag *d = diag_new();

	MUST(fd >= 0 && write(fd, key, sizeof(key) - 1) == (ssize_t)sizeof(key) - 1);
	close(fd);
	MUST(keyring_load(&kr, path, d) == 0);
	unlink(path);
	diag_free(&d);
}

static void
same(const struct mask_vault *a, const struct mask_vault *b)
{
	const char *ta, *tb, *oa, *ob;
	size_t la, lb;

	MUST(mask_vault_count(a) == mask_vault_count(b));
	for (size_t i = 0; i < mask_vault_count(a); i++) {
		MUST(mask_vault_entry(a, i, &ta, &oa, &la) == 0 && mask_vault_entry(b, i, &tb, &ob, &lb) == 0);
		MUST(strcmp(ta, tb) == 0 && la == lb && memcmp(oa, ob, la) == 0);
		MUST(mask_original(b, ta, strlen(ta), &lb) == ob);
	}
}

/* Pieces between newlines are originals; the whole is text in which placeholders may stand. */
static void
round_trip(const char *p, size_t n)
{
	struct tx in = { .request_id = "r", .flags = (uint32_t)n, .vault = mask_vault_new() }, out;
	struct buf b = { 0 }, u = { 0 };

	MUST(in.vault != NULL && mask_reserve(in.vault, p, n) == 0);
	for (const char *end = p + n, *nl; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		MUST(mask_token(in.vault, n & 1 ? "CARD" : "EMAIL", p, (size_t)(nl - p)) != NULL);
		MUST(mask_partial(in.vault, p, (size_t)(nl - p)) <= MASK_TOKEN_MAX);
		MUST(mask_unmask(in.vault, p, (size_t)(nl - p), &u) == 0);	/* ours stand nowhere yet */
	}
	if (tx_seal(&b, kr, &in) == 0) {
		MUST(tx_open(&out, kr, buf_ptr(&b), buf_len(&b)) == 0 && out.flags == in.flags);
		same(in.vault, out.vault);
		tx_clear(&out);
	}
	tx_clear(&in);
	buf_free(&b);
	buf_free(&u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tx tx = { 0 };

	if (n < 1 || n > 3 * TX_MAX)
		return 0;
	if (kr == NULL)
		setup();
	if (p[0] % 3 == 0) {
		MUST(tx_open(&tx, kr, (const char *)p + 1, n - 1) < 0 && tx.vault == NULL);
	} else if (p[0] % 3 == 1) {
		(void)tx_decode(&tx, p + 1, n - 1);
		tx_clear(&tx);
	} else
		round_trip((const char *)p + 1, n - 1);
	return 0;
}
