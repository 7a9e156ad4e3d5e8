/* SPDX-License-Identifier: MIT */
/* What nodes hand to each other: the difference of two lists, of two sets, and the manifest that names them. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ti-sync/delta.h"
#include "ti-sync/manifest.h"
#include "ti-sync/push_diff.h"
#include "tests/unit/lib/temp.h"

static char dir[TEMP_PATH];

static int
setup(void **state)
{
	temp_new(dir);
	return 0;
}

static int
teardown(void **state)
{
	temp_remove(dir);
	return 0;
}

/* ---- lists --------------------------------------------------------------------------------------- */

static int
diff_text(void *arg, enum ti_diff what, const char *text)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 1024 - n, "%c%s ", " +-"[what], text);
	return 0;
}

static void
test_diff(void **state)
{
	static const struct {
		enum ti_kind	 kind;
		const char	*want, *except, *sent, *answer;
		int		 err;
		size_t		 left_out;
	} t[] = {
		{TI_DOMAIN, "", "", "", "", 0, 0},
		{TI_DOMAIN, "a.com\nb.com\n", "", "", "+a.com +b.com ", 0, 0},
		{TI_DOMAIN, "", "", "a.com\nb.com\n", "-a.com -b.com ", 0, 0},
		{TI_DOMAIN, "# run\na.com\nc.com\na.net\n", "", "# run\nb.com\nc.com\n", "+a.com -b.com  c.com +a.net ", 0, 0},
		/* In the order of labels from the last: below a name before its neighbour, a dash after the dot. */
		{TI_DOMAIN, "a.com\nx.a.com\na-b.com\n", "", "a.com\na-b.com\n", " a.com +x.a.com  a-b.com ", 0, 0},
		{TI_DOMAIN, "a.com\nb.com\n", "x.y.b.com\n", "", "+a.com ", 0, 1},
		{TI_DOMAIN, "a.com\nb.com\nc.com\n", "x.a.com\nx.b.com\n", "b.com\n", "-b.com +c.com ", 0, 2},
		{TI_DOMAIN, "ab.com\nb.com\n", "x.b.com\n", "", "+ab.com ", 0, 1},
		{TI_NET, "2a00:1450::/32\n8.8.4.0/24\n", "", "", "+2a00:1450::/32 ", -EBADMSG, 0},
		{TI_NET, "8.8.4.0/24\n9.9.9.9\n2a00:1450::/32\n", "8.8.4.4\n", "9.9.9.8\n", "-9.9.9.8 +9.9.9.9 +2a00:1450::/32 ", 0, 1},
		/* Not in order, twice, no end of the line, no network. */
		{TI_DOMAIN, "b.com\na.com\n", "", "", "+b.com ", -EBADMSG, 0},
		{TI_DOMAIN, "", "", "a.com\na.com\n", "-a.com ", -EBADMSG, 0},
		{TI_DOMAIN, "a.com", "", "", "", -EBADMSG, 0},
		{TI_NET, "a.com\n", "", "", "", -EBADMSG, 0},
	};
	char want[TEMP_PATH + 16], sent[TEMP_PATH + 16];

	snprintf(want, sizeof(want), "%s/want", dir);
	snprintf(sent, sizeof(sent), "%s/sent", dir);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		const struct ti_diff_files f = {t[i].kind, want, sent};
		char answer[1024] = "";
		size_t left_out;

		temp_write(dir, "want", t[i].want, strlen(t[i].want));
		temp_write(dir, "want.except", t[i].except, strlen(t[i].except));
		temp_write(dir, "sent", t[i].sent, strlen(t[i].sent));
		print_message("list %zu\n", i);
		assert_int_equal(ti_diff_walk(&f, diff_text, answer, &left_out), t[i].err);
		assert_string_equal(answer, t[i].answer);
		assert_int_equal(left_out, t[i].left_out);
	}
}

/* ---- deltas -------------------------------------------------------------------------------------- */

/* Pseudo-random bytes, each time the same: Knuth's MMIX constants. */
static void
fill(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		p[i] = (uint8_t)(seed >> 56);
	}
}

#define N	65536u

static size_t
round_trip(const uint8_t *base, size_t n_base, const uint8_t *result, size_t n)
{
	static uint8_t out[2 * N];
	struct buf b = {0};
	size_t size;

	assert_int_equal(ti_delta_make(&b, base, n_base, result, n, 2 * N), 0);
	assert_null(ti_delta_apply(out, n, base, n_base, buf_ptr(&b), buf_len(&b)));
	assert_memory_equal(out, result, n);
	size = buf_len(&b);
	/* Cut anywhere, or for another base: refused. */
	for (size_t i = 0; i < size; i += 1 + size / 50)
		assert_non_null(ti_delta_apply(out, n, base, n_base, buf_ptr(&b), i));
	assert_non_null(ti_delta_apply(out, n, base, n_base - 1, buf_ptr(&b), size));
	assert_non_null(ti_delta_apply(out, n - 1, base, n_base, buf_ptr(&b), size));
	buf_free(&b);
	return size;
}

static void
test_delta(void **state)
{
	static uint8_t base[N], result[2 * N];
	struct buf b = {0};

	fill(base, N, 1);
	memcpy(result, base, N);
	assert_true(round_trip(base, N, result, N) < 64);
	/* Bytes changed here and there, as entries of a set are. */
	for (size_t i = 100; i < N; i += 4096)
		result[i] ^= 1;
	assert_true(round_trip(base, N, result, N) < N / 4096 * 100 + 64);
	/* Moved by what isn't a multiple of a block. */
	memcpy(result, "new", 3);
	memcpy(result + 3, base, N);
	assert_true(round_trip(base, N, result, N + 3) < 256);
	memset(base, 0, N);
	memset(result, 0, 2 * N);
	assert_true(round_trip(base, N, result, 2 * N) < 128);
	/* Nothing in common: the whole is better, and that is found out in time. */
	fill(result, N, 2);
	assert_int_equal(ti_delta_make(&b, base, N, result, N, N / 2), -EFBIG);
	buf_free(&b);
}

/* ---- manifests ------------------------------------------------------------------------------------ */

#define A	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEAD	"llmsec-sets 2\nrun 7\ndomains.set 100 " A "\nips.set 200 " B "\n"

static void
test_manifest(void **state)
{
	static const struct { const char *text; bool good; } t[] = {
		{HEAD, true},
		{HEAD "delta domains.set " B " " A " 10 " B "\ndelta ips.set " A " " B " 0 " A "\n", true},
		{"", false},
		{"llmsec-sets 1\nrun 7\n", false},
		{"llmsec-sets 2\nrun 7\n", false},
		{"llmsec-sets 2\nrun 07\ndomains.set 100 " A "\nips.set 200 " B "\n", false},
		{"llmsec-sets 2\nrun -7\ndomains.set 100 " A "\nips.set 200 " B "\n", false},
		{"llmsec-sets 2\nrun 7\nips.set 200 " B "\ndomains.set 100 " A "\n", false},
		{HEAD "delta ../../x " B " " A " 10 " B "\n", false},
		{HEAD "delta domains.set " B " " A " 10 " B, false},
		{HEAD "delta domains.set  " B " " A " 10 " B "\n", false},
		{HEAD "delta domains.set x" B " " A " 10 " B "\n", false},
		{HEAD "delta domains.set " B " " A " 99999999999999999999 " B "\n", false},
		{HEAD "more\n", false},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct ti_manifest m;
		struct buf b = {0};

		print_message("manifest %zu\n", i);
		assert_int_equal(ti_manifest_parse(&m, t[i].text, strlen(t[i].text)) == NULL, t[i].good);
		if (!t[i].good)
			continue;
		assert_int_equal(m.run, 7);
		assert_int_equal(m.file[1].size, 200);
		ti_manifest_write(&m, &b);
		assert_int_equal(buf_len(&b), strlen(t[i].text));
		assert_memory_equal(buf_ptr(&b), t[i].text, buf_len(&b));
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff), cmocka_unit_test(test_delta), cmocka_unit_test(test_manifest),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
