/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/diag.h"
#include "squid-helpers/egress_helper.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_report.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char policy_text[] =
	"rules:\n"
	"  - {id: no, action: deny, domains: [.x.a.test]}\n"
	"  - {id: yes, domains: [.a.test, b.test], ports: ['1-9', 443], methods: [CONNECT, GET]}\n";

static size_t
count_lf(const char *p, size_t n)
{
	size_t k = 0;

	while (n-- > 0)
		k += *p++ == '\n';
	return k;
}

/* "OK" may only be said of a name that the policy holds. */
static void
check_answer(const char *line, size_t n)
{
	size_t at = 0;

	while (at < n && line[at] >= '0' && line[at] <= '9')
		at++;
	at += at > 0;
	if (n - at >= 3 && memcmp(line + at, "OK ", 3) == 0) {
		static const char want[] = " rule=yes reason=allowed";

		if (n < sizeof(want) - 1 || memcmp(line + n - (sizeof(want) - 1), want, sizeof(want) - 1) != 0)
			abort();
		return;
	}
	if (n - at < 4 || (memcmp(line + at, "ERR ", 4) != 0 && memcmp(line + at, "BH ", 3) != 0))
		abort();
}

/* Decoded in place, so from memory of its own, which ends where the bytes do. */
static void
feed(struct egress_helper *h, const char *p, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL)
		abort();
	if (n > 0)
		memcpy(copy, p, n);
	egress_helper_feed(h, copy, n, 1);
	free(copy);
}

/* Each line gets one answer, whatever is in it and wherever reads cut it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct egress_helper h;
	struct diag *d = diag_new();
	size_t cut = n > 0 ? data[0] * n / 256 : 0;

	if (d == NULL || egress_helper_open(&h, "unused") < 0 ||
	    egress_policy_load(&h.source.policy, "fuzz", policy_text, sizeof(policy_text) - 1, d) < 0)
		abort();
	feed(&h, p, cut);
	feed(&h, p + cut, n - cut);
	if (h.out.err != 0 || (n < 65536 && count_lf(buf_ptr(&h.out), buf_len(&h.out)) != count_lf(p, n)))
		abort();
	while (buf_len(&h.out) > 0) {
		size_t k = (size_t)((char *)memchr(buf_ptr(&h.out), '\n', buf_len(&h.out)) - buf_ptr(&h.out));

		check_answer(buf_ptr(&h.out), k);
		buf_consume(&h.out, k + 1);
	}
	diag_free(&d);
	egress_helper_close(&h);
	return 0;
}
