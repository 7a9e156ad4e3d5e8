/* SPDX-License-Identifier: MIT */
/*
 * First byte even: the rest is a keyring file.  Odd: a signature and the values it stands for, a line
 * each, as a client could send them.  A signature holds only if it is, byte for byte, the one we
 * would write for these values; and what we write holds until a bit changes.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/diag.h"
#include "lib/edge_sign.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)
#define NOW	((time_t)1700000000)
#define KEY_A	"a 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define KEY_B	"b ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n"

static int
load(struct keyring **kr, const void *p, size_t n, struct diag *d)
{
	int fd = memfd_create("keys", MFD_CLOEXEC), rc;
	char path[64];

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = keyring_load(kr, path, d);
	close(fd);
	return rc;
}

static void
fuzz_keyring(const uint8_t *p, size_t n)
{
	struct diag *d = diag_new();
	struct keyring *kr;
	size_t len = 0;

	if (d == NULL)
		abort();
	if (load(&kr, p, n, d) == 0) {
		MUST(kr != NULL && diag_errors(d) == 0 && keyring_first_id(kr) != NULL);
		MUST(keyring_key(kr, NULL, &len) == keyring_key(kr, keyring_first_id(kr), &len));
		MUST(len >= 32 && len <= 256);
	} else
		MUST(kr == NULL && diag_errors(d) > 0);
	keyring_free(&kr);
	diag_free(&d);
}

/* [0] knows both keys and signs with a, [1] has b alone. */
static struct keyring *rings[2];

static void
check_genuine(const struct edge_vals *v, const char *sig, size_t len)
{
	char want[EDGE_SIG_MAX];
	const char *ts = memchr(sig, '=', len);

	/* "v1;kid=x;ts=": the name is one letter, as both rings' are. */
	MUST(len > 12 && ts == sig + 6);
	MUST(edge_sign(want, rings[sig[7] == 'b'], v, (time_t)strtoll(sig + 12, NULL, 10)) == 0);
	MUST(strlen(want) == len && memcmp(want, sig, len) == 0);
}

static void
check_ours(const struct edge_vals *v, unsigned bit)
{
	char sig[EDGE_SIG_MAX];
	size_t n;

	MUST(edge_sign(sig, rings[0], v, NOW) == 0);
	n = strlen(sig);
	MUST(edge_verify(rings[0], v, sig, n, NOW, 30) == EDGE_OK);
	MUST(edge_verify(rings[1], v, sig, n, NOW, 30) == EDGE_UNKNOWN_KEY);
	sig[bit / 8 % n] ^= (char)(1 << bit % 8);
	MUST(edge_verify(rings[0], v, sig, n, NOW, 30) != EDGE_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data + 1, *end = (const char *)data + n, *nl, *sig;
	struct edge_vals v = { { NULL }, { 0 } };
	enum edge_verdict got;
	size_t sig_len;

	if (rings[0] == NULL)
		MUST(load(&rings[0], KEY_A KEY_B, strlen(KEY_A KEY_B), NULL) == 0 &&
		    load(&rings[1], KEY_B, strlen(KEY_B), NULL) == 0);
	if (n < 1)
		return 0;
	if (data[0] % 2 == 0) {
		fuzz_keyring(data + 1, n - 1);
		return 0;
	}
	sig = p;
	nl = memchr(p, '\n', (size_t)(end - p));
	sig_len = (size_t)((nl ? nl : end) - p);
	for (int i = 0; i < EDGE_HDR_N && nl != NULL; i++) {
		p = nl + 1;
		nl = memchr(p, '\n', (size_t)(end - p));
		v.v[i] = p;
		v.len[i] = (size_t)((nl ? nl : end) - p);
	}
	got = edge_verify(rings[0], &v, sig, sig_len, NOW, 30);
	MUST((got == EDGE_ABSENT) == (sig_len == 0));
	if (got == EDGE_OK || got == EDGE_STALE)
		check_genuine(&v, sig, sig_len);
	check_ours(&v, data[0] * 7u + (unsigned)n);
	return 0;
}
