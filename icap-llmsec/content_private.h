/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_CONTENT_PRIVATE_H
#define LLMSEC_ICAP_CONTENT_PRIVATE_H
#include "icap-llmsec/blob.h"
#include "icap-llmsec/content.h"
#include "icap-llmsec/decode.h"

#define CONTENT_DEPTH	4	/* parts in parts, text in text */
/* Bytes that may be looked at once more, under escapes, in parts, decoded: for each byte of the body, and for small bodies. */
#define CONTENT_WORK_RATIO	16
#define CONTENT_WORK_FREE	((size_t)1 << 20)

struct sip_hash;

struct content {
	const struct content_conf *conf;
	struct content_in in;
	struct arena	*arena;
	const struct content_types *own, *general;	/* own: of the rule, NULL */
	enum content_mode secrets, python, pieces;
	int64_t		 max;
	enum content_step step;
	struct content_verdict v;
	struct decode	*dec;		/* NULL: sent as it is */
	struct buf	 win;		/* decoded: the front, or all of it */
	struct buf	 tail;		/* decoded: the end, where a zip has its directory */
	struct buf	 scratch;
	int64_t		 raw;
	size_t		 seen;		/* bytes of the body that came, decoded */
	size_t		 work;		/* bytes that were looked at once more */
	size_t		 unpacked;	/* out of all archives and documents in it */
	struct sip_hash	*judged;	/* content_work.c: what was met in text, NULL: nothing yet */
	struct blob	 blob;
	bool		 walking;	/* the stream is text, and its blobs are looked at */
	bool		 front_done;
	bool		 lenient;	/* held for the sake of archives that are no packages: too large is told, not refused */
	const char	*name;		/* of the file, by disposition or URL; in the arena */
	char		*body;		/* content_finish(): bytes as sent, that may be masked */
	size_t		 body_len;
};

/* A piece of text or file: where it was found, what it's called. */
struct piece {
	const char	*where;
	const char	*name;		/* NULL: none */
	const char	*type;		/* declared, NULL */
	const char	*data;
	size_t		 len;
	bool		 whole;
	unsigned	 depth;
};

/* content_work.c: <n> bytes will be looked at.  False: too many were, and that's told; nothing deeper is looked for. */
bool	content_spend(struct content *, size_t n);
/* Was the same met in text, as deep?  From now on it was. */
bool	content_met(struct content *, const struct piece *);
/* What archives and documents may still give, at least 1. */
size_t	content_room(const struct content *);
/* Keeps the worst. */
void	content_found(struct content *, enum content_mode, const char *rule_id, const char *type, const char *where,
	    const char *why, int status);
/* The type alone. */
void	content_judge_type(struct content *, const struct filetype *, const char *where);
/* All that is known of a piece. */
void	content_judge(struct content *, const struct piece *);
/* Is it of that type by its first bytes only, as tokens and pieces of files are by chance? */
bool	content_is_chance(const struct filetype *, const void *, size_t len);
/* Prose decodes to something, too: has it a signature that it can't decode to? */
bool	content_is_beyond_doubt(const struct filetype *, size_t len);
/* What blob_feed() gave is a second reading, and of it neither text nor beyond doubt. */
bool	content_is_far_fetched(const struct blob *, const void *data, size_t len);
/* Would Python, or an installer, do something with this? */
bool	content_is_python(const char *name, const struct filetype *);
/* Is it called like what pip installs from? */
bool	content_is_package(const char *name, const struct filetype *);
/* Multipart that doesn't say so: begins with a boundary and a part's header. */
struct multipart;
bool	content_sniff_parts(struct multipart *, const char *, size_t);
/* Files in base64 and hex, and secrets, in a layer of text that isn't there as sent. */
void	content_plain(struct content *, const struct piece *);
/* content_text.c: what stands in text under escapes, in strings byte by byte, in base64 that is spread out. */
void	content_layers(struct content *, const struct piece *);
/* content_escape.c */
#define CONTENT_PERCENT		1	/* %HH (RFC 3986) */
#define CONTENT_BACKSLASH	2	/* of JSON, JSON5, YAML */
#define CONTENT_PLUS		4	/* "+" is a space */
/* Escapes of those kinds undone into <out>, of <len> bytes, or in place; what came out.  What is no escape stays.  <any>: there was one. */
size_t	content_unescape(const char *, size_t len, char *out, unsigned kinds, bool *any);
/* In place: characters U+0080 to U+00FF as one byte each, up to the first one beyond (then not <all>); what is left. */
size_t	content_narrow(char *, size_t len, bool *all);
/* content_secret.c: text that leaves. */
void	content_secrets(struct content *, const struct piece *, const struct filetype *);
/* In text that isn't there as sent, where stars can't be put: what would be masked is refused. */
void	content_scan(struct content *, const char *, size_t, const char *where);
#endif
