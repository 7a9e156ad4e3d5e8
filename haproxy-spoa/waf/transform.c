/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "haproxy-spoa/waf/transform_private.h"
#include "lib/arena.h"

const struct tfn tfn_table[WAF_T_MAX] = {
#define T(id, ...)	[WAF_T_##id] = { #id, __VA_ARGS__ }
	T(base64Decode, NULL, tfn_base64_decode, 1, 0, false),
	T(base64DecodeExt, NULL, tfn_base64_decode_ext, 1, 0, false),
	T(base64Encode, NULL, tfn_base64_encode, 2, 5, false),
	T(cmdLine, tfn_first_cmdline, tfn_cmdline, 1, 0, false),
	T(compressWhitespace, tfn_first_space_run, tfn_compress_space, 1, 0, false),
	T(cssDecode, tfn_first_backslash, tfn_css, 1, 0, false),
	T(escapeSeqDecode, tfn_first_backslash, tfn_escape_seq, 1, 0, false),
	T(hexDecode, NULL, tfn_hex_decode, 1, 0, false),
	T(hexEncode, NULL, tfn_hex_encode, 2, 0, false),
	T(htmlEntityDecode, tfn_first_amp, tfn_html_entity, 1, 0, false),
	T(jsDecode, tfn_first_backslash, tfn_js, 1, 0, false),
	T(length, NULL, tfn_length, 1, 24, false),
	T(lowercase, tfn_first_upper, tfn_lowercase, 1, 0, false),
	T(md5, NULL, tfn_md5, 0, 64, false),
	T(normalizePath, tfn_first_path, tfn_path, 1, 1, true),
	T(normalizePathWin, tfn_first_path_win, tfn_path_win, 1, 1, true),
	T(parityEven7bit, NULL, tfn_parity_even, 1, 0, false),
	T(parityOdd7bit, NULL, tfn_parity_odd, 1, 0, false),
	T(parityZero7bit, tfn_first_high, tfn_parity_zero, 1, 0, false),
	T(removeComments, tfn_first_comment, tfn_remove_comments, 1, 1, false),
	T(removeCommentsChar, tfn_first_comment_char, tfn_remove_comment_chars, 1, 0, false),
	T(removeNulls, tfn_first_nul, tfn_remove_nuls, 1, 0, false),
	T(removeWhitespace, tfn_first_space, tfn_remove_space, 1, 0, false),
	T(replaceComments, tfn_first_slash_star, tfn_replace_comments, 1, 1, false),
	T(replaceNulls, tfn_first_nul, tfn_replace_nuls, 1, 0, false),
	T(sha1, NULL, tfn_sha1, 0, 64, false),
	T(sqlHexDecode, tfn_first_hexprefix, tfn_sql_hex, 1, 0, false),
	/* trim* give a part of the input: see tfn_trim. */
	T(trim, NULL, NULL, 0, 0, false), T(trimLeft, NULL, NULL, 0, 0, false), T(trimRight, NULL, NULL, 0, 0, false),
	T(uppercase, tfn_first_lower, tfn_uppercase, 1, 0, false),
	T(urlDecode, tfn_first_percent, tfn_url_decode, 1, 0, false),
	T(urlDecodeUni, tfn_first_percent, tfn_url_decode_uni, 1, 0, false),
	T(urlEncode, NULL, tfn_url_encode, 3, 0, false),
	T(utf8toUnicode, tfn_first_high, tfn_utf8_to_unicode, 3, 0, false),
#undef T
};

static const struct {
	const char	*name;
	enum waf_tfn	 tfn;
} tfn_alias[] = {
	{ "normalisePath", WAF_T_normalizePath },
	{ "normalisePathWin", WAF_T_normalizePathWin },
};

const char *
waf_tfn_name(enum waf_tfn t)
{
	return t < WAF_T_MAX ? tfn_table[t].name : "?";
}

enum waf_tfn
waf_tfn_find(const char *s, size_t n)
{
	for (int i = 0; i < WAF_T_MAX; i++)
		if (strlen(tfn_table[i].name) == n && strncasecmp(tfn_table[i].name, s, n) == 0)
			return (enum waf_tfn)i;
	for (size_t i = 0; i < sizeof(tfn_alias) / sizeof(tfn_alias[0]); i++)
		if (strlen(tfn_alias[i].name) == n && strncasecmp(tfn_alias[i].name, s, n) == 0)
			return tfn_alias[i].tfn;
	return WAF_T_MAX;
}

static struct waf_str
tfn_trim(struct waf_str v, bool left, bool right)
{
	while (right && v.n != 0 && tfn_is_space((unsigned char)v.p[v.n - 1]))
		v.n--;
	while (left && v.n != 0 && tfn_is_space((unsigned char)v.p[0])) {
		v.p++;
		v.n--;
	}
	return v;
}

int
waf_tfn_apply(enum waf_tfn id, const struct waf_unimap *map, struct waf_str in, struct waf_str *out, struct arena *a)
{
	const struct tfn *t = &tfn_table[id];
	const unsigned char *p = (const unsigned char *)(in.p != NULL ? in.p : "");
	size_t from = 0, n;
	unsigned char *o;

	*out = in;
	if (t->run == NULL) {
		*out = tfn_trim(in, id != WAF_T_trimRight, id != WAF_T_trimLeft);
		return out->n != in.n;
	}
	if (t->first != NULL) {
		from = t->first(p, in.n);
		if (from == in.n)
			return 0;
		if (t->whole)
			from = 0;
	}
	o = arena_alloc(a, from + (in.n - from) * t->grow + t->slack);
	if (o == NULL)
		return -ENOMEM;
	memcpy(o, p, from);
	n = t->run(o + from, p + from, in.n - from, map);
	if (n == SIZE_MAX)
		return -ENOMEM;
	if (n == in.n - from && memcmp(o + from, p + from, n) == 0)
		return 0;
	*out = (struct waf_str){ (const char *)o, from + n };
	return 1;
}
