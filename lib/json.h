/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_JSON_H
#define LLMSEC_JSON_H
/*
 * A JSON (RFC 8259) scanner that builds no tree: it calls back with every value, its path and its
 * byte span in the input.  Input may come in any pieces; the result does not depend on where they are
 * cut.  Strict: UTF-8 only, no lone surrogates, no NaN/Infinity, no leading zeros, no trailing
 * commas or bytes, depth limit; a duplicate key in one object is reported to the callback (flag) and is
 * an error under JSON_STRICT_DUP.  Linear time.  Single-threaded object; reusable by json_scan_reset.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_type {
	JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING,
	JSON_OBJECT_BEGIN, JSON_OBJECT_END, JSON_ARRAY_BEGIN, JSON_ARRAY_END
};

struct json_step {		/* one step from the root */
	const char	*key;	/* decoded, NUL-terminated; NULL: array element */
	size_t		 key_len;
	size_t		 index;	/* array element number, or member number within its object */
};

struct json_value {
	enum json_type	 type;
	const struct json_step *path;	/* path[0..depth-1]; valid during the callback */
	size_t		 depth;		/* 0: the root value itself */
	uint64_t	 start, end;	/* byte span in the whole input, string quotes included;
					   *_END: from the opening to past the closing bracket */
	const char	*raw;		/* string: bytes between the quotes as sent; number: its text,
					   and behind it a byte that ends it for strtod() */
	size_t		 raw_len;	/* raw and text: valid during the callback; else NULL, 0 */
	const char	*text;		/* string: decoded UTF-8; may contain NULs, NOT NUL-terminated:
					   points into the input where it can */
	size_t		 text_len;
	bool		 dup_key;	/* its key was seen before in the same object */
	uint64_t	 key_start, key_end;	/* byte span of its key, quotes included; 0, 0: it has none */
};

/* Return 0 to go on, anything else stops the scan and is handed back by feed (use > 0). */
typedef int (*json_value_fn)(void *arg, const struct json_value *);

enum json_flags {
	JSON_STRICT_DUP	= 1,	/* duplicate keys are an error */
	JSON_STREAM	= 2,	/* any number of root values, separated by white space (JSONL) */
};

struct json_limits {		/* 0 = default */
	unsigned	depth;		/* 128 */
	size_t		string;		/* 64 MiB, raw bytes of one string or number; also the
					   decoded keys of one path together */
	size_t		keys;		/* 100000 members in all objects open at one time */
};

struct json_scan;

/* NULL: out of memory.  Keeps <arg>, copies the limits.  Key comparison is seeded from getrandom(2). */
struct json_scan *json_scan_new(json_value_fn, void *arg, unsigned flags, const struct json_limits *);
void	json_scan_reset(struct json_scan *, json_value_fn, void *arg);
void	json_scan_free(struct json_scan **);
/* 0, a positive value from the callback, or -EILSEQ (see json_scan_error), -EMSGSIZE (a limit), -ENOMEM.
   Errors stick. */
int	json_scan_feed(struct json_scan *, const void *, size_t);
/* End of input: 0 if it was complete, else as feed.  Afterwards only error, reset and free. */
int	json_scan_finish(struct json_scan *);
/*
 * What is wrong, static text without input bytes ("lone surrogate"), NULL while nothing is.  *offset
 * (may be NULL): the byte that cannot be, the first byte of an ill-formed UTF-8 sequence, the backslash
 * of a bad escape, the opening quote of a duplicate key, or the input's length when it ends too early.
 */
const char *json_scan_error(const struct json_scan *, uint64_t *offset);

/* Whole buffer at once. */
int	json_scan_all(const void *, size_t, unsigned flags, const struct json_limits *, json_value_fn,
	    void *arg, const char **error, uint64_t *offset);
/*
 * Does the path match a pattern: steps separated by '.', "*" any key, "[]" any element, "[3]" that
 * element: "messages.[].content.[].text".  The pattern is a literal of the caller's.
 */
bool	json_path_is(const struct json_value *, const char *pattern);
/*
 * Write the path as text, "messages[0].content", for people and logs: a key with other characters than
 * A-Z a-z 0-9 _ - $ comes as ["..."], ASCII with JSON escapes, so no key can break a log line.  Returns what
 * snprintf would.
 */
size_t	json_path_str(char *, size_t, const struct json_value *);
/*
 * The same where keys may be somebody's data, as in a tool's arguments: a key that doesn't look like a name (a letter or
 * underscore and up to 31 more of A-Z a-z 0-9 _ - $, at most two digits, lower-case letters or less than 12 bytes) comes as the number of its
 * member, counted from 0: "messages[0].content[1].input{2}".
 */
size_t	json_path_names(char *, size_t, const struct json_value *);
#endif
