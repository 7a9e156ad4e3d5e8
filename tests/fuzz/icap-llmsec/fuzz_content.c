/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/content.h"
#include "lib/arena.h"
#include "lib/conf.h"
#include "lib/diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/*
 * First byte: bit 0 upload, bit 1 multipart, bit 2 gzip, bit 3 event stream, the rest: the slice.  The end must be a
 * verdict that its mode agrees with.
 */
static const char yaml[] = "{upload: {archive: block, executable: block}, download: {document: block}, secrets: mask, python: block, "
    "max_whole: 1M, max_unpacked: 1M}";

static struct content_conf *
policy(void)
{
	static struct content_conf conf;
	static struct conf_mem *mem;
	struct diag *d;

	if (mem != NULL)
		return &conf;
	d = diag_new();
	if (conf_load_mem("fuzz", yaml, sizeof(yaml) - 1, content_conf_opts, &conf, &mem, d) < 0 || content_conf_compile(&conf, "fuzz", d) < 0)
		abort();
	diag_free(&d);
	return &conf;
}

static void
judge(const struct content_in *in, const uint8_t *p, size_t n, size_t slice)
{
	struct arena *a = arena_new(0);
	struct content *c = NULL;
	char *body = n > 0 ? malloc(n) : NULL;

	if (a == NULL || (n > 0 && body == NULL) || content_new(&c, policy(), in, a) < 0)
		abort();
	if (n > 0)
		memcpy(body, p, n);
	for (size_t at = 0; at < n; at += slice)
		content_feed(c, p + at, n - at < slice ? n - at : slice);
	switch (content_finish(c, content_step(c) == CONTENT_STREAM ? NULL : body, content_step(c) == CONTENT_STREAM ? 0 : n)) {
	case CONTENT_STREAM:
		if (content_verdict(c)->mode == CONTENT_BLOCK)
			abort();
		break;
	case CONTENT_REFUSED:
		if (content_verdict(c)->mode != CONTENT_BLOCK || content_verdict(c)->status < 400)
			abort();
		break;
	default:
		abort();
	}
	content_free(&c);
	arena_free(&a);
	free(body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct content_in in = {.host = "x.test", .url = "http://x.test/a.pth?b", .length = -1};

	if (n == 0)
		return 0;
	in.upload = (*p & 1) != 0;
	in.content_type = (*p & 2) != 0 ? "multipart/form-data; boundary=XyZ" : (*p & 8) != 0 ? "text/event-stream" : "application/json";
	in.content_encoding = (*p & 4) != 0 ? "gzip" : NULL;
	judge(&in, p + 1, n - 1, (size_t)(*p >> 4) * 7 + 1);
	return 0;
}
