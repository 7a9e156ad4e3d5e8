/* SPDX-License-Identifier: MIT */
/*
 * Every parser: the first byte chooses the format, the second how the rest is cut into pieces.  Whatever comes out
 * must be a key that comes back as the same name, and must not depend on the cuts.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ti-sync/format.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x)	do { if (!(x)) abort(); } while (0)

static void
parse(struct ti_collect *c, enum ti_format f, const uint8_t *p, size_t n, size_t step)
{
	struct ti_format_opts o = {f, "", n % 3 == 0 ? "[].a" : ""};
	struct ti_parser *ps = ti_parser_new(&o, c);

	MUST(ps != NULL);
	for (size_t i = 0; i < n; i += step)
		ti_parser_feed(ps, p + i, n - i < step ? n - i : step);
	ti_parser_end(ps);
	ti_parser_free(&ps);
	ti_keys_sort(&c->names);
	ti_keys_sort(&c->nets);
}

static void
names_check(const struct ti_collect *c)
{
	for (size_t i = 0; i < c->names.n; i++) {
		char name[TI_KEY_MAX], again[256], key[TI_KEY_MAX];
		size_t len, n;
		const char *k = ti_keys_at(&c->names, i, &len);

		n = ti_name_of_key(name, k, len);
		MUST(ti_canon_name(again, &n, name, n) == TI_OK && strcmp(again, name) == 0);
		MUST(ti_key_of_name(key, name, n) == len && memcmp(key, k, len) == 0);
	}
}

static void
same(const struct ti_keys *a, const struct ti_keys *b)
{
	MUST(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		size_t la, lb;
		const char *ka = ti_keys_at(a, i, &la), *kb = ti_keys_at(b, i, &lb);

		MUST(la == lb && memcmp(ka, kb, la) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ti_collect a = {0}, b = {0};
	enum ti_format f;

	if (n < 2)
		return 0;
	f = (enum ti_format)(data[0] % TI_FORMATS);
	parse(&a, f, data + 2, n - 2, n);
	parse(&b, f, data + 2, n - 2, 1u + data[1] % 16);
	names_check(&a);
	same(&a.names, &b.names);
	same(&a.nets, &b.nets);
	ti_collect_free(&a);
	ti_collect_free(&b);
	return 0;
}
