/* SPDX-License-Identifier: MIT */
/* Which header's key counts, and what of it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "lib/actor_key.h"

struct header {
	const char	*name, *value;
};

static bool
get(const void *request, const char *name, const char **value, size_t *len)
{
	for (const struct header *h = request; h->name != NULL; h++)
		if (strcasecmp(h->name, name) == 0) {
			*value = h->value;
			*len = strlen(h->value);
			return true;
		}
	return false;
}

#define T(want, ...)	{ want, { __VA_ARGS__, {NULL, NULL} } }
static const struct {
	const char	*want;		/* NULL: none */
	struct header	 h[5];
} cases[] = {
	T("sk-1", {"Authorization", "Bearer sk-1"}),
	T("sk-1", {"authorization", "  bearer\t sk-1 \t"}),
	T("sk-1", {"Authorization", "sk-1"}),
	T("Basic dTpw", {"Authorization", "Basic dTpw"}),
	T("Bearersk", {"Authorization", "Bearersk"}),
	T("a", {"x-api-key", "b"}, {"Authorization", "Bearer a"}),
	T("b", {"x-api-key", "b"}, {"Authorization", "Bearer "}),
	T("b", {"Authorization", "Bearer"}, {"X-API-Key", "b"}, {"api-key", "c"}),
	T("g", {"api-key", "c"}, {"x-goog-api-key", " g"}),
	T("c", {"api-key", "c"}),
	T(NULL, {"Authorization", " \t"}, {"api-key", ""}),
	T(NULL, {"Cookie", "key=1"}),
};

static void
the_first_that_isn_t_empty(void **state)
{
	const char *p;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(actor_key_find(get, cases[i].h, &p, &n), cases[i].want != NULL);
		if (cases[i].want == NULL)
			continue;
		assert_int_equal(n, strlen(cases[i].want));
		assert_memory_equal(p, cases[i].want, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_that_isn_t_empty)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
