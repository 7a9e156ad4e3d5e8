/* SPDX-License-Identifier: MIT */
/* What else comes from outside: llmsecd's ban lines, captures, hex. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/xdp_feedline.h"
#include "bpf/xdp_run.h"
#include "lib/diag.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
line(void *arg, const struct xdp_ban_line *l)
{
	(void) arg;
	if ((l->op == XDP_OP_ADD || l->op == XDP_OP_DEL) && (l->cidr.len == 0 || l->cidr.len > 128 || l->ttl_ms == 0))
		abort();
	return 0;
}

static int
frame(void *arg, const uint8_t *b, size_t len)
{
	*(unsigned *) arg += len > 0 ? b[len - 1] : 0;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag *d = diag_new();
	uint8_t out[64];
	unsigned n = 0;
	size_t len;
	char *text = malloc(size + 1);

	if (d == NULL || text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	xdp_ban_lines(text, size, line, NULL, &n);
	xdp_pcap_each("fuzz", (const uint8_t *) text, size, frame, &n, d);
	xdp_hex_parse(text, out, sizeof(out), &len);
	free(text);
	diag_free(&d);
	return 0;
}
