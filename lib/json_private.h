/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_JSON_PRIVATE_H
#define LLMSEC_JSON_PRIVATE_H
/* Parts of the JSON scanner, for lib/json*.c and their tests only. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/json.h"

/*
 * Length of the longest prefix of bytes that stand for themselves inside a JSON string and are ASCII:
 * 0x20..0x7f without '"' and '\\'.  json_plain_run takes the fastest way of this machine,
 * json_plain_run_swar is the portable one.
 */
size_t	json_plain_run(const char *p, size_t n);
size_t	json_plain_run_swar(const char *p, size_t n);

/* Decode the inside of a string whose escapes were found valid; out has room for n.  Bytes written. */
size_t	json_unescape(char *out, const char *raw, size_t n);

/*
 * Keys of all open objects, as 128-bit keyed fingerprints (SipHash-1-3, Aumasson and Bernstein 2012,
 * with 128-bit output).  The seed is secret, so a sender can neither make fingerprints collide nor aim
 * at one chain of the table.  Keys leave in the reverse order in which they came.
 */
struct json_keyset {
	uint64_t	 seed[2];
	uint64_t	(*fp)[2];	/* fingerprints, oldest first */
	uint32_t	*slot;		/* open addressing: index into fp + 1, 0 free */
	size_t		 n, fp_cap, slot_cap;
};

/* 0 or -errno. */
int	json_keyset_init(struct json_keyset *);
void	json_keyset_free(struct json_keyset *);
/* Add a key of the object at <depth>: 0, 1 if that object has it already, -ENOMEM. */
int	json_keyset_add(struct json_keyset *, size_t depth, const char *key, size_t len);
/* Forget all keys but the oldest <n>. */
void	json_keyset_cut(struct json_keyset *, size_t n);

/* What may come next. */
enum json_state {
	ST_VALUE,		/* a value */
	ST_VALUE_OR_END,	/* after '[' */
	ST_KEY_OR_END,		/* after '{' */
	ST_KEY,			/* after ',' in an object */
	ST_COLON,
	ST_COMMA,		/* after a member or element */
	ST_DONE,		/* after the root value */
	ST_NEXT,		/* between root values (JSON_STREAM) */
	ST_STRING, ST_ESCAPE, ST_HEX, ST_LOW_SLASH, ST_LOW_U, ST_UTF8,	/* inside a string */
	ST_NUMBER,
	ST_LITERAL,
};

struct json_frame {		/* one open container */
	uint64_t	 start;
	uint64_t	 key_start, key_end;	/* of its current key */
	size_t		 key_off;	/* where its current key is in json_scan.keys */
	size_t		 keyset_n;	/* size of the key set when it opened */
	bool		 object, dup;
};

struct json_scan {
	json_value_fn	 fn;
	void		*arg;
	unsigned	 flags;
	struct json_limits limit;
	int		 rc;
	const char	*error;
	uint64_t	 error_off;
	enum json_state	 state;

	const char	*chunk;		/* the piece being fed, and its offset in the input */
	uint64_t	 chunk_off;

	/* The token being read: what lies in earlier pieces is in <carry>, the rest starts at <from>. */
	uint64_t	 token;		/* offset of its first byte, the quote of a string */
	const char	*from;
	struct buf	 carry, decoded;
	uint64_t	 part;		/* offset of the escape or UTF-8 sequence being read */
	const char	*literal;	/* what is left of true, false, null */
	enum json_type	 literal_type;
	uint32_t	 hex;
	uint8_t		 n_hex, n_utf8;
	uint8_t		 number;	/* state of the number's automaton */
	bool		 is_key, escaped, low;
	char		 utf8[4];

	struct json_frame *frame;	/* frame[i] and step[i] belong together */
	struct json_step *step;
	size_t		 depth, cap;
	struct buf	 keys;		/* decoded, NUL-terminated keys of the path */
	struct json_keyset set;
};

/* Fail with <rc> at <offset>; the first failure stays. */
void	json_fail(struct json_scan *, int rc, uint64_t offset, const char *error);
/* Hand a finished token to the callback, or a key to its frame, and move on. */
void	json_string_done(struct json_scan *, const char *raw, size_t raw_len, uint64_t end);
void	json_scalar_done(struct json_scan *, enum json_type, const char *raw, size_t raw_len, uint64_t end);

/* Begin a token at <p>, return where to go on; the token's states from ST_STRING on. */
const char *json_token_begin(struct json_scan *, const char *p);
const char *json_token_read(struct json_scan *, const char *p, const char *end);
/* End of input may end a number. */
void	json_token_finish(struct json_scan *);

static inline uint64_t
json_offset(const struct json_scan *s, const char *p)
{
	return s->chunk_off + (uint64_t)(p - s->chunk);
}
#endif
