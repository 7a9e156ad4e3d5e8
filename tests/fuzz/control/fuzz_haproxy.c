/* SPDX-License-Identifier: MIT */
/* Any bytes as what HAProxy's Runtime API says, line by line and as a whole. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/haproxy_answer.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int condition)
{
	if (!condition)
		abort();
}

static char *
copy(const uint8_t *p, size_t n)
{
	char *s = malloc(n + 1);

	need(s != NULL);
	if (n > 0)
		memcpy(s, p, n);
	s[n] = '\0';
	return s;
}

static void
lines(char *text, int which)
{
	char *save = NULL, *line, *end;
	const char *name;
	uint32_t value;
	struct cidr c;

	for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		end = line + strlen(line);
		if (which == 0 && haproxy_stream(line, &name, &c))
			/* It becomes a word of a command. */
			need(name >= line && name < end && cidr_is_host(&c) && strpbrk(name, ";\n") == NULL);
		else if (which == 1 && haproxy_entry(line, &c, &value))
			need(cidr_is_host(&c) || c.len == 64);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = copy(p, n);
	const char *why;

	need(haproxy_pid(text) >= 0);
	haproxy_map_version(text);
	why = haproxy_complaint(text);
	need(why == NULL || *why != '\0');
	free(text);
	for (int which = 0; which < 2; which++) {
		text = copy(p, n);
		lines(text, which);
		free(text);
	}
	return 0;
}
