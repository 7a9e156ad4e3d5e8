/* SPDX-License-Identifier: MIT */
/* Four lines as the four headers: what is taken has its shape, and no such signature is ever right. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/diag.h"
#include "lib/edge_sign.h"
#include "lib/node_sign.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct keyring *
ring(void)
{
	static const char text[] = "a 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	char path[] = "/tmp/llmsec-fuzz-XXXXXX";
	struct diag *d = diag_new();
	struct keyring *kr = NULL;
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0 || keyring_load(&kr, path, d) < 0)
		abort();
	close(fd);
	unlink(path);
	diag_free(&d);
	return kr;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct keyring *kr;
	static struct nonces *ns;
	static const struct node_msg m = { "GET", "/", NULL, 0 };
	const char *v[NODE_HDR_N] = {0};
	char *text = malloc(n + 1), *at = text;
	enum node_verdict r;
	struct node_sig s;

	if (kr == NULL) {
		kr = ring();
		ns = nonces_new(16, 0);
	}
	if (text == NULL)
		abort();
	if (n > 0)
		memcpy(text, p, n);
	text[n] = '\0';
	for (int i = 0; i < NODE_HDR_N && at != NULL; i++)
		v[i] = strsep(&at, "\n");
	if (node_sig_take(&s, v) == NODE_OK) {
		for (int i = 0; i < NODE_HDR_N; i++)
			if (strcmp(s.v[i], v[i]) != 0)
				abort();
		r = node_verify(&s, kr, ns, &m, 1790000000);
		if (r == NODE_OK || r == NODE_REPLAYED || r == NODE_FULL)
			abort();
	}
	free(text);
	return 0;
}
