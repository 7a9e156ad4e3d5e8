/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a form, a data: URL, base64, an address, and as a file that a policy lets pass.  The first byte chooses.  Parts of a form lie in
 * it, in order, and do not overlap; what was decoded is never longer than it can be; findings and text stay within their bounds.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/attach.h"
#include "icap-llmsec/multipart.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static void
form(const char *p, size_t n)
{
	static const char ct[] = "multipart/form-data; boundary=b";
	struct multipart m;
	struct multipart_part part;
	const char *at = p;
	int rc;

	if (!multipart_begin(&m, ct, p, n)) {
		MUST(m.error != NULL);
		return;
	}
	while ((rc = multipart_next(&m, &part)) > 0) {
		MUST(part.name != NULL && part.data >= at && part.len <= n && part.data + part.len <= p + n);
		MUST(memmem(part.data, part.len, "\r\n--b", 5) == NULL);
		at = part.data + part.len;
	}
	MUST((rc < 0) == (m.error != NULL));
}

/* <p> as the header's value. */
static void
header(const char *p, size_t n)
{
	char ct[512] = "multipart/form-data";
	struct multipart m;

	memcpy(ct + 19, p, n < 400 ? n : 400);
	if (multipart_begin(&m, ct, "--b\r\n", 5))
		MUST(m.mark_len > 4 && m.mark_len <= sizeof(m.mark));
}

static void
url(const char *p, size_t n)
{
	static const struct attach_conf conf;
	struct data_url u;
	char *out = malloc(n / 4 * 3 + 6);
	ptrdiff_t got = attach_base64(out, p, n);

	MUST(got == -1 || (got >= 0 && (size_t)got <= n / 4 * 3 + 3));
	if (data_url_parse(p, n, &u))
		MUST(u.data + u.len == p + n && u.mime >= p && u.mime + u.mime_len <= u.data);
	attach_remote(&conf, p, n);
	free(out);
}

static void
part(const char *p, size_t n, bool bytes, bool in_text)
{
	static struct attach_conf conf;
	struct arena *a = arena_new(0);
	struct findings fs = {NULL, 0};
	struct span_media m = {.value = p, .len = n, .bytes = bytes};
	struct span s = {.path = "x", .media = &m, .text = p, .len = n};
	struct attach_run r;
	struct attach_inline x;

	conf.modes.most = DETECT_MONITOR;
	for (size_t i = ATTACH_CLASSES; i < ATTACH_N; i++)
		conf.modes.what[i] = DETECT_MONITOR;
	conf.max_count = 20;
	conf.max_text = 1 << 16;
	conf.max_unpacked = 1 << 20;
	conf.embedded_text = true;
	attach_begin(&r, &conf, &conf.modes, a);
	if (in_text) {
		if (attach_inline(&r, &s, true, &fs, &x) == 0) {
			MUST(x.len <= n + x.n_gaps && x.files_len <= (size_t)conf.max_text);
			for (size_t i = 0; i <= x.len; i += 7)
				MUST(attach_place(&x, i) <= n && (i == 0 || attach_place(&x, i) >= attach_place(&x, i - 1)));
			for (size_t i = 0; i < fs.n; i++)
				MUST(fs.v[i].start + fs.v[i].len <= n && fs.v[i].mode == DETECT_MONITOR);
		}
	} else if (attach_judge(&r, &s, LOOK_ALL, &fs) == 0)
		MUST(s.len <= (size_t)conf.max_text && fs.n <= ATTACH_N);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *s = (const char *)p + 1;

	if (n < 1 || n > 65536)
		return 0;
	switch (p[0] % 6) {
	case 0: form(s, n - 1); break;
	case 1: header(s, n - 1); break;
	case 2: url(s, n - 1); break;
	default: part(s, n - 1, p[0] % 6 == 3, p[0] % 6 == 5);
	}
	return 0;
}
