/* SPDX-License-Identifier: MIT */
/* Per cent encoding, the %uHHHH of IIS, and the map that takes those to bytes. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/transform_private.h"
#include "lib/diag.h"

#define RUN_ARGS	unsigned char *restrict out, const unsigned char *restrict p, size_t n, \
			const struct waf_unimap *map

size_t
tfn_url_decode(RUN_ARGS)
{
	size_t i = 0, o = 0;

	(void)map;
	while (i < n) {
		if (p[i] == '%' && n - i >= 3 && tfn_is_hex2(p + i + 1)) {
			out[o++] = tfn_hex2(p + i + 1);
			i += 3;
		} else {
			out[o++] = p[i] != '+' ? p[i] : ' ';
			i++;
		}
	}
	return o;
}

static unsigned char
decode_u(const unsigned char *digits, const struct waf_unimap *map)
{
	unsigned v = (unsigned)tfn_hex2(digits) << 8 | tfn_hex2(digits + 2);
	int c = map != NULL ? waf_unimap_get(map, v) : -1;

	return c >= 0 ? (unsigned char)c : tfn_narrow(v);
}

size_t
tfn_url_decode_uni(RUN_ARGS)
{
	size_t i = 0, o = 0;

	while (i < n) {
		if (p[i] != '%') {
			out[o++] = p[i] != '+' ? p[i] : ' ';
			i++;
		} else if (n - i >= 6 && (p[i + 1] | 32) == 'u' && tfn_is_hex2(p + i + 2) && tfn_is_hex2(p + i + 4)) {
			out[o++] = decode_u(p + i + 2, map);
			i += 6;
		} else if (n - i >= 3 && tfn_is_hex2(p + i + 1)) {
			out[o++] = tfn_hex2(p + i + 1);
			i += 3;
		} else
			out[o++] = p[i++];
	}
	return o;
}

size_t
tfn_url_encode(RUN_ARGS)
{
	static const char digit[] = "0123456789abcdef";
	size_t o = 0;

	(void)map;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = p[i];

		if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '*')
			out[o++] = c;
		else if (c == ' ')
			out[o++] = '+';
		else {
			out[o++] = '%';
			out[o++] = (unsigned char)digit[c >> 4];
			out[o++] = (unsigned char)digit[c & 15];
		}
	}
	return o;
}

struct waf_unimap {
	int16_t		 to[65536];	/* -1: not in the map */
};

int
waf_unimap_get(const struct waf_unimap *map, unsigned code)
{
	return code < 65536 ? map->to[code] : -1;
}

void
waf_unimap_free(struct waf_unimap **mp)
{
	free(*mp);
	*mp = NULL;
}

/* "HHHH:HH"; false: something else. */
static bool
map_pair(struct waf_unimap *map, const char *word)
{
	unsigned code, to;
	int used = 0;

	if (sscanf(word, "%4x:%2x%n", &code, &to, &used) != 2 || word[used] != '\0')
		return false;
	map->to[code] = (int16_t)to;
	return true;
}

/* One line: either a code page's number, with a name behind it, or pairs of the page before.  *in: it is ours. */
static bool
map_line(struct waf_unimap *map, char *line, int codepage, bool *in, bool *found)
{
	char *save, *end, *word = strtok_r(line, " \t\r\n", &save);
	long page;

	if (word == NULL || *word == '#' || *word == '(')
		return true;
	page = strtol(word, &end, 10);
	if (*end == '\0') {
		*in = page == codepage;
		*found = *found || *in;
		return true;
	}
	for (; *in && word != NULL; word = strtok_r(NULL, " \t\r\n", &save))
		if (!map_pair(map, word))
			return false;
	return true;
}

static int
map_read(struct waf_unimap *map, FILE *f, const char *path, int codepage, struct diag *diag)
{
	bool in = false, found = false;
	char *line = NULL;
	size_t cap = 0;
	int rc = 0;

	for (int no = 1; rc == 0 && getline(&line, &cap, f) >= 0; no++) {
		if (map_line(map, line, codepage, &in, &found))
			continue;
		diag_error(diag, path, no, 0, "not a pair of code point and byte");
		rc = -EINVAL;
	}
	free(line);
	if (rc == 0 && !found) {
		diag_error(diag, path, 0, 0, "no code page %d", codepage);
		rc = -ENOENT;
	}
	return rc;
}

int
waf_unimap_load(struct waf_unimap **out, const char *path, int codepage, struct diag *diag)
{
	FILE *f = fopen(path, "re");
	int rc;

	*out = NULL;
	if (f == NULL) {
		rc = -errno;
		diag_error(diag, path, 0, 0, "%s", strerror(-rc));
		return rc;
	}
	*out = malloc(sizeof(**out));
	if (*out != NULL) {
		memset(*out, 0xff, sizeof(**out));
		rc = map_read(*out, f, path, codepage, diag);
	} else {
		diag_error(diag, path, 0, 0, "out of memory");
		rc = -ENOMEM;
	}
	fclose(f);
	if (rc != 0)
		waf_unimap_free(out);
	return rc;
}
