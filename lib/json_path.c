/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/utf8.h"

#define NAME_MAX_LEN	32	/* bytes of a key that is a name */

static bool
step_is(const struct json_step *step, const char *pat, size_t n)
{
	size_t want = 0;

	if (n < 2 || pat[0] != '[' || pat[n - 1] != ']')
		return step->key != NULL && ((n == 1 && *pat == '*') ||
		    (n == step->key_len && memcmp(pat, step->key, n) == 0));
	if (step->key != NULL)
		return false;
	for (size_t i = 1; i < n - 1; i++)
		want = want * 10 + (size_t)(pat[i] - '0');
	return n == 2 || want == step->index;
}

bool
json_path_is(const struct json_value *v, const char *pattern)
{
	const char *p = pattern;
	size_t n, i;

	if (*p == '\0')
		return v->depth == 0;
	for (i = 0; i < v->depth; i++) {
		n = strcspn(p, ".");
		if (!step_is(&v->path[i], p, n))
			return false;
		p += n;
		if (*p == '\0')
			return i + 1 == v->depth;
		p++;
	}
	return false;
}

/* snprintf's bargain: write what fits, count everything. */
struct out {
	char	*p;
	size_t	 size, len;
};

static void
out_add(struct out *o, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++, o->len++)
		if (o->len + 1 < o->size)
			o->p[o->len] = s[i];
}

static bool
key_is_plain(const char *key, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((key[i] >= 'a' && key[i] <= 'z') || (key[i] >= 'A' && key[i] <= 'Z') ||
		    (key[i] >= '0' && key[i] <= '9') || key[i] == '_' || key[i] == '-' || key[i] == '$'))
			return false;
	return n != 0;
}

/* All ASCII: U+0085, U+202E and their like would reach a terminal through a log otherwise. */
static void
out_quoted(struct out *o, const char *key, size_t n)
{
	char esc[16];
	uint32_t cp;

	out_add(o, "[\"", 2);
	for (size_t i = 0; i < n; ) {
		size_t k = utf8_decode(key + i, n - i, &cp, NULL);

		if (cp >= 0x20 && cp < 0x7f && cp != '"' && cp != '\\')
			out_add(o, &key[i], 1);
		else if (cp < 0x10000)
			out_add(o, esc, (size_t)snprintf(esc, sizeof(esc), "\\u%04x", (unsigned)cp));
		else
			out_add(o, esc, (size_t)snprintf(esc, sizeof(esc), "\\u%04x\\u%04x",
			    (unsigned)(0xd7c0 + (cp >> 10)), (unsigned)(0xdc00 + (cp & 0x3ff))));
		i += k ? k : n - i;
	}
	out_add(o, "\"]", 2);
}

/* Does it look like a name somebody gave a field, and not like what is kept under it: an address, a number, a key? */
static bool
key_is_name(const char *key, size_t n)
{
	size_t digits = 0, lower = 0;

	if (n > NAME_MAX_LEN || !key_is_plain(key, n) || key[0] == '-' || (key[0] >= '0' && key[0] <= '9'))
		return false;
	for (size_t i = 0; i < n; i++) {
		digits += key[i] >= '0' && key[i] <= '9';
		lower += key[i] >= 'a' && key[i] <= 'z';
	}
	return digits <= 2 && (lower > 0 || n < 12);
}

static size_t
path_write(char *buf, size_t size, const struct json_value *v, bool names)
{
	struct out o = { buf, size, 0 };
	char num[32];

	for (size_t i = 0; i < v->depth; i++) {
		const struct json_step *s = &v->path[i];

		if (s->key == NULL) {
			out_add(&o, num, (size_t)snprintf(num, sizeof(num), "[%zu]", s->index));
		} else if (names && !key_is_name(s->key, s->key_len)) {
			out_add(&o, num, (size_t)snprintf(num, sizeof(num), "{%zu}", s->index));
		} else if (key_is_plain(s->key, s->key_len)) {
			if (i > 0)
				out_add(&o, ".", 1);
			out_add(&o, s->key, s->key_len);
		} else
			out_quoted(&o, s->key, s->key_len);
	}
	if (size > 0)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return o.len;
}

size_t
json_path_str(char *buf, size_t size, const struct json_value *v)
{
	return path_write(buf, size, v, false);
}

size_t
json_path_names(char *buf, size_t size, const struct json_value *v)
{
	return path_write(buf, size, v, true);
}
