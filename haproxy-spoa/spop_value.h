/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOP_VALUE_H
#define LLMSEC_SPOP_VALUE_H
/*
 * Typed data and key-value lists of SPOP (SPOE.txt 3.1).  Decoded values borrow the bytes of the
 * frame.  Errors stick in the cursor (lib/wire.h): -ENODATA truncated, -EPROTO not SPOP.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/spop.h"

struct wire;
struct wire_out;

struct spop_value {
	enum spop_data	 type;
	union {
		bool		b;
		int64_t		i;		/* INT32, INT64 */
		uint64_t	u;		/* UINT32, UINT64 */
		struct in_addr	ip4;
		struct in6_addr	ip6;
		struct {
			const char *p;
			size_t	    len;
		}		str;		/* STR, BIN */
	};
};

void	spop_value_get(struct wire *, struct spop_value *);
void	spop_value_put(struct wire_out *, const struct spop_value *);
/* name (borrowed) and value; false at the end of the input or on an error. */
bool	spop_kv_get(struct wire *, const char **name, size_t *name_len, struct spop_value *);
void	spop_kv_put(struct wire_out *, const char *name, const struct spop_value *);

/* Any integer type as int64; false for other types and for values that don't fit. */
bool	spop_value_int(const struct spop_value *, int64_t *);
/* STR and BIN; false for others. */
bool	spop_value_bytes(const struct spop_value *, const char **, size_t *);

struct spop_value spop_v_bool(bool);
struct spop_value spop_v_uint(uint32_t);
struct spop_value spop_v_int(int32_t);
struct spop_value spop_v_str(const char *);
struct spop_value spop_v_bin(const void *, size_t);
#endif
