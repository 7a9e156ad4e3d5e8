/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "control/haproxy_answer.h"

const char *
haproxy_complaint(char *answer)
{
	char *save = NULL, *line;

	for (line = strtok_r(answer, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, "not found") == NULL && strncmp(line, "New version created", 19) != 0 &&
		    line[strspn(line, " \t\r")] != '\0')
			return line;
	return NULL;
}

static long
number_behind(const char *text, const char *words)
{
	const char *p = strstr(text, words);
	long v = p != NULL ? strtol(p + strlen(words), NULL, 10) : 0;

	return v > 0 && v <= UINT32_MAX ? v : 0;
}

long
haproxy_pid(const char *answer)
{
	return number_behind(answer, "\nPid: ");
}

unsigned
haproxy_map_version(const char *answer)
{
	return (unsigned)number_behind(answer, "New version created: ");
}

/* The value of " name=value " cut out of <line>; NULL: there is none. */
static char *
value_of(char *line, const char *name)
{
	char *p = strstr(line, name);

	if (p == NULL)
		return NULL;
	p += strlen(name);
	p[strcspn(p, " \r\n")] = '\0';
	return p;
}

/* "0x5581: proto=tcpv4 src=192.0.2.7:4711 fe=..." */
bool
haproxy_stream(char *line, const char **name, struct cidr *src)
{
	size_t n = strncmp(line, "0x", 2) == 0 ? 2 + strspn(line + 2, "0123456789abcdef") : 0;
	char *colon = line + n, *from, *port;

	/* The name becomes a word of a command. */
	if (n <= 2 || *colon != ':' || (from = value_of(colon, " src=")) == NULL || (port = strrchr(from, ':')) == NULL)
		return false;
	*port = '\0';
	if (cidr_parse(from, src) < 0 || !cidr_is_host(src))
		return false;
	*colon = '\0';
	*name = line;
	return true;
}

/* "0x5564: key=::ffff:192.0.2.7 use=0 exp=3599892 shard=0 gpt0=1" */
bool
haproxy_entry(char *line, struct cidr *key, uint32_t *gpt0)
{
	static const uint8_t zero[8];
	char *value, *text, *end = NULL;
	unsigned long v;

	if (strncmp(line, "0x", 2) != 0 || (value = value_of(line, " gpt0=")) == NULL)
		return false;
	text = value_of(line, " key=");
	v = *value >= '0' && *value <= '9' ? strtoul(value, &end, 10) : UINT64_MAX;
	if (text == NULL || v > UINT32_MAX || *end != '\0' || cidr_parse(text, key) < 0 || !cidr_is_host(key))
		return false;
	if (!cidr_is_v4(key) && memcmp(key->addr + 8, zero, sizeof(zero)) == 0)
		key->len = 64;
	*gpt0 = (uint32_t)v;
	return true;
}
