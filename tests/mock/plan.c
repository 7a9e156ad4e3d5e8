/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

enum kind { K_INT, K_LONG, K_BOOL, K_TEXT, K_CODING, K_LEAK, K_ECHO };

static const struct key {
	const char *name;
	enum kind kind;
	size_t at;
	int value;		/* K_CODING: which one */
	long max;
} keys[] = {
#define AT(member) offsetof(struct plan, member)
	{ "tokens", K_INT, AT(tokens), 0, 10000000 },
	{ "interval_ms", K_INT, AT(interval_ms), 0, 600000 },
	{ "first_ms", K_INT, AT(first_ms), 0, 600000 },
	{ "lead_ms", K_INT, AT(lead_ms), 0, 600000 },
	{ "stall_after", K_INT, AT(stall_after), 0, INT_MAX },
	{ "stall_ms", K_INT, AT(stall_ms), 0, 600000 },
	{ "size", K_LONG, AT(size), 0, 256L << 20 },
	{ "error", K_INT, AT(error), 0, 599 },
	{ "retry_after", K_INT, AT(retry_after), 0, 86400 },
	{ "error_after", K_INT, AT(error_after), 0, INT_MAX },
	{ "break", K_INT, AT(break_after), 0, INT_MAX },
	{ "torn", K_BOOL, AT(torn), 0, 1 },
	{ "split", K_INT, AT(split), 0, INT_MAX },
	{ "tool", K_INT, AT(tool), 0, 1 },
	{ "crlf", K_BOOL, AT(crlf), 0, 1 },
	{ "ascii", K_BOOL, AT(ascii), 0, 1 },
	{ "utf8", K_BOOL, AT(utf8), 0, 1 },
	{ "chunked", K_BOOL, AT(chunked), 0, 1 },
	{ "pii", K_BOOL, AT(pii), 0, 1 },
	{ "gzip", K_CODING, AT(coding), PLAN_GZIP, 1 },
	{ "deflate", K_CODING, AT(coding), PLAN_DEFLATE, 1 },
	{ "br", K_CODING, AT(coding), PLAN_BROTLI, 1 },
	{ "leak", K_LEAK, AT(leak), 0, 0 },
	{ "echo", K_ECHO, AT(echo), 0, 0 },
	{ "say", K_TEXT, AT(say), 0, 0 },
	{ "args", K_TEXT, AT(args), 0, 0 },
#undef AT
};

void
plan_init(struct plan *p, int interval_ms)
{
	memset(p, 0, sizeof(*p));
	p->interval_ms = interval_ms;
	p->error_after = p->break_after = -1;
	p->tool = -1;
	p->retry_after = 1;
}

void
plan_free(struct plan *p)
{
	free(p->say);
	free(p->args);
	p->say = p->args = NULL;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
percent_decode(char *s)
{
	char *w = s;

	for (; *s; s++) {
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			*w++ = (char)(hex(s[1]) << 4 | hex(s[2]));
			s += 2;
		} else
			*w++ = *s;
	}
	*w = '\0';
}

static int
set_text(char **to, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return -ENOMEM;
	percent_decode(copy);
	free(*to);
	*to = copy;
	return 0;
}

/* One word out of a list; the index, or -EINVAL. */
static int
word_index(const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(value, words[i]) == 0)
			return i;
	return -EINVAL;
}

static int
set_key(struct plan *p, const struct key *k, const char *value)
{
	static const char *const leaks[] = { "0", "systemprompt", "key", NULL };
	static const char *const echoes[] = { "0", "1", "body", NULL };
	void *at = (char *)p + k->at;
	char *end;
	long n;
	int i;

	if (k->kind == K_TEXT)
		return set_text(at, value);
	if (k->kind == K_LEAK || k->kind == K_ECHO) {
		i = word_index(value, k->kind == K_LEAK ? leaks : echoes);
		if (i < 0)
			return i;
		if (k->kind == K_LEAK)
			p->leak = (enum plan_leak)i;
		else
			p->echo = (enum plan_echo)i;
		return 0;
	}
	n = strtol(value, &end, 10);
	if (end == value || *end != '\0' || n < 0 || n > k->max)
		return -EINVAL;
	if (k->kind == K_CODING)
		p->coding = n ? (enum plan_coding)k->value : PLAN_IDENTITY;
	else if (k->kind == K_BOOL)
		*(bool *)at = n;
	else if (k->kind == K_LONG)
		*(long *)at = n;
	else
		*(int *)at = (int)n;
	return 0;
}

static int
read_pair(struct plan *p, char *pair)
{
	char *value = strchr(pair, '=');

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(pair, keys[i].name) == 0)
			return set_key(p, &keys[i], value ? value : "1");
	return -EINVAL;
}

int
plan_read(struct plan *p, const char *text, size_t len, char *bad, size_t bad_size)
{
	char *copy = strndup(text, len), *at = copy, *pair;
	int err = copy ? 0 : -ENOMEM;

	while (err == 0 && (pair = strsep(&at, ",")) != NULL) {
		pair += strspn(pair, " \t");
		for (size_t n = strlen(pair); n && strchr(" \t\r\n", pair[n - 1]); n--)
			pair[n - 1] = '\0';
		if (*pair && (err = read_pair(p, pair)) < 0)
			snprintf(bad, bad_size, "%s", pair);
	}
	free(copy);
	return err;
}

static int
read_bracket(struct plan *p, struct buf *m, char *bad, size_t bad_size)
{
	char *s = m->data + m->rd, *end = m->data + m->len, *open, *close;
	int err;

	open = memmem(s, (size_t)(end - s), "[mock ", 6);
	if (open == NULL || (close = memchr(open, ']', (size_t)(end - open))) == NULL)
		return 0;
	err = plan_read(p, open + 6, (size_t)(close - open - 6), bad, bad_size);
	for (close++; close < end && *close == ' '; close++)
		;
	memmove(open, close, (size_t)(end - close));
	m->len -= (size_t)(close - open);
	return err;
}

int
plan_read_message(struct plan *p, struct buf *m, char *bad, size_t bad_size)
{
	const char *s, *hit;
	size_t n;
	int err;

	if (buf_len(m) == 0)
		return 0;
	err = read_bracket(p, m, bad, bad_size);
	s = buf_ptr(m);
	n = buf_len(m);
	hit = memmem(s, n, "say:", 4);
	if (err || hit == NULL || (hit > s && hit[-1] != ' ' && hit[-1] != '\n'))
		return err;
	free(p->say);
	p->say = strndup(hit + 4, n - (size_t)(hit + 4 - s));
	return p->say ? 0 : -ENOMEM;
}
