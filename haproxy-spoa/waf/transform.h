/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_TRANSFORM_H
#define LLMSEC_WAF_TRANSFORM_H
/*
 * The transformation functions of SecLang (reference manual, "Transformation functions"), ModSecurity 2.9
 * semantics (and the CRS's additions: escapeSeqDecode, removeCommentsChar, utf8toUnicode...).  Pure: bytes in,
 * bytes out, linear time.  Nothing is written to the input.
 */
#include "haproxy-spoa/waf/waf.h"

struct arena;

#define WAF_TFNS(X) \
	X(base64Decode) X(base64DecodeExt) X(base64Encode) X(cmdLine) X(compressWhitespace) X(cssDecode) \
	X(escapeSeqDecode) X(hexDecode) X(hexEncode) X(htmlEntityDecode) X(jsDecode) X(length) X(lowercase) \
	X(md5) X(normalizePath) X(normalizePathWin) X(parityEven7bit) X(parityOdd7bit) X(parityZero7bit) \
	X(removeComments) X(removeCommentsChar) X(removeNulls) X(removeWhitespace) X(replaceComments) \
	X(replaceNulls) X(sha1) X(sqlHexDecode) X(trim) X(trimLeft) X(trimRight) X(uppercase) X(urlDecode) \
	X(urlDecodeUni) X(urlEncode) X(utf8toUnicode)

enum waf_tfn {
#define WAF_TFN_ENUM(name) WAF_T_##name,
	WAF_TFNS(WAF_TFN_ENUM)
#undef WAF_TFN_ENUM
	WAF_T_MAX		/* "none" is not one: the parser clears the list */
};

const char	*waf_tfn_name(enum waf_tfn);
/* Any case, aliases too (normalisePath, normalisePathWin, utf8ToUnicode).  WAF_T_MAX: unknown. */
enum waf_tfn	 waf_tfn_find(const char *, size_t);

/* SecUnicodeMapFile: code point -> byte for urlDecodeUni's %uHHHH; what is not in it, or without one: the low
   byte, full-width forms their ASCII.  Immutable. */
struct waf_unimap;

/*
 * Apply.  *out is <in> itself (same pointer) when nothing changed, else new bytes in the arena (or a part of
 * <in>: trim).  1 changed, 0 unchanged, -ENOMEM.
 */
int		 waf_tfn_apply(enum waf_tfn, const struct waf_unimap *, struct waf_str in, struct waf_str *out,
		    struct arena *);
/* A file in ModSecurity's unicode.mapping format, one code page of it.  0 or -errno with text in <diag>. */
int		 waf_unimap_load(struct waf_unimap **, const char *path, int codepage, struct diag *);
void		 waf_unimap_free(struct waf_unimap **);
#endif
