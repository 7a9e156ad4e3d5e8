/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <strings.h>

#include "lib/actor_key.h"

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
trim(const char **p, size_t *n)
{
	for (; *n > 0 && blank(**p); ++*p, --*n)
		;
	for (; *n > 0 && blank((*p)[*n - 1]); --*n)
		;
}

bool
actor_key_find(actor_key_get get, const void *request, const char **p, size_t *n)
{
	static const char *const names[] = {"authorization", "x-api-key", "x-goog-api-key", "api-key"};
	static const char bearer[] = "Bearer";
	const size_t len = sizeof(bearer) - 1;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!get(request, names[i], p, n))
			continue;
		trim(p, n);
		if (*n >= len && strncasecmp(*p, bearer, len) == 0 && (*n == len || blank((*p)[len]))) {
			*p += len;
			*n -= len;
			trim(p, n);
		}
		if (*n > 0)
			return true;
	}
	return false;
}
