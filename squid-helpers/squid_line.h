/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SQUID_LINE_H
#define LLMSEC_SQUID_LINE_H
/*
 * Squid's helper protocol, one line in, one line out (squid.conf(5), external_acl_type):
 *
 *	[channel SP] field *(SP field) LF
 *	[channel SP] "OK" | "ERR" | "BH" *(SP key "=" value) LF
 *
 * A field is URL-escaped (protocol 3.0, what Squid sends by default) or stands in double quotes with
 * backslash escapes (protocol=2.5).  The channel is there when external_acl_type has concurrency=N;
 * the two forms are told apart by the first field of our format, a client address, which is never
 * digits only.  Pure functions, no allocation but in <buf>; any thread.
 */
#include <stdbool.h>
#include <stddef.h>

struct buf;

#define SQUID_LINE_MAX		65536	/* bytes without the LF */
#define SQUID_FIELDS_MAX	32
#define SQUID_CHANNEL_MAX	10	/* digits */

struct squid_field {
	char	*p;	/* decoded but for "%3f" and "%2f", not NUL-terminated, may hold any byte */
	size_t	 n;
};

struct squid_line {
	char			 channel[SQUID_CHANNEL_MAX + 1];	/* "" if none */
	size_t			 n;
	struct squid_field	 field[SQUID_FIELDS_MAX];
	const char		*err;	/* why it is malformed; static text */
};

/*
 * Decode <line> in place, without its LF.  0, or -EPROTO with l->err set; l->channel is right in both
 * cases, so that the answer finds its way.
 */
int	squid_line_parse(struct squid_line *l, char *line, size_t n);
/* Only the channel, from the first bytes of a line too long to keep. */
void	squid_line_channel(struct squid_line *l, const char *line, size_t n);

/* An answer: begin, any number of keys, end. <result> is "OK", "ERR" or "BH". */
void	squid_reply_begin(struct buf *, const struct squid_line *, const char *result);
/* Quoted if need be; control bytes become '?', so a value can't end the line early. */
void	squid_reply_key(struct buf *, const char *key, const char *value);
/* A value known to need no quotes: ids and words of our own. */
void	squid_reply_word(struct buf *, const char *key, const char *word);
void	squid_reply_end(struct buf *);
#endif
