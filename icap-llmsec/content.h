/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_CONTENT_H
#define LLMSEC_ICAP_CONTENT_H
/*
 * What leaves and enters through the forward proxy, by what it is and not by what it's called: types of bodies, of multipart
 * parts, of base64 and hex inside text, below a content coding; secrets on their way out; Python's start-up files in packages.
 * "content:" of icap.yaml; for users: docs/content.md.
 *
 * One object judges one message.  It sees the bytes as they come and says how far they may go: held while the front isn't known,
 * whole where only all of it tells, else a stream.  It keeps none of the adapter's bytes.  Policies are shared, the object belongs to one thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/filetype.h"
#include "lib/buf.h"
#include "lib/conf.h"

struct arena;
struct secret;
struct diag;

enum content_mode { CONTENT_ALLOW, CONTENT_MONITOR, CONTENT_MASK, CONTENT_BLOCK };

/* One direction. */
struct content_types {
	int	 class[FT_CLASSES];	/* enum content_mode; -1 in a rule: as in general */
	struct conf_strs allow, monitor, deny;	/* names of types: before their class */
	int64_t	 max;			/* bytes of a body as sent; 0: no limit, in a rule: as in general */
};

struct content_rule {
	char	*name;
	struct conf_strs hosts;		/* exact names, ".example.org" with all below */
	struct content_types upload, download;
	int	 secrets, python, pieces;	/* enum content_mode, -1 */
};

struct content_conf {
	struct content_types upload, download;
	int	 secrets;		/* enum content_mode: in what goes out */
	int	 python;		/* enum content_mode: start-up files that run code */
	int	 opaque;		/* enum content_mode: unknown codings, broken multipart, too large to be looked at */
	int	 unreadable;		/* enum content_mode: something in an archive that can't be read, which nobody opens by itself */
	int	 pieces;		/* enum content_mode: uploads of a part of a file */
	int64_t	 max_whole;		/* bytes collected where only the whole tells; also decoded */
	int64_t	 max_unpacked;		/* bytes that the archives and documents of a body may give */
	struct content_rule *rules;
	size_t	 n_rules;
	/* compiled */
	struct secret *finder;
};
extern const struct conf_opt content_conf_opts[];
/* After loading: names of types are known ones; the secret finder.  0, -EINVAL with <d> filled in, -ENOMEM. */
int	content_conf_compile(struct content_conf *, const char *path, struct diag *);
void	content_conf_free(struct content_conf *);

/* How much of a file a request carries, by what it says. */
enum content_part {
	CONTENT_ALL,
	CONTENT_FRONT,		/* its front, or all of it */
	CONTENT_PIECE		/* from somewhere in it, or known not to be all: bytes that don't tell what they are of */
};

struct content_in {
	bool		 upload;
	const char	*host, *url;	/* without port; URL as requested */
	const char	*content_type, *content_encoding, *disposition;	/* NULL: absent */
	int64_t		 length;	/* Content-Length, -1: none */
	bool		 partial;	/* a range that was asked for (206): a piece of a file */
	enum content_part part;		/* of an upload */
	const char	*doubt;		/* why the headers alone make it opaque, NULL; static */
};

enum content_step {
	CONTENT_HOLD,		/* the front isn't known yet */
	CONTENT_WHOLE,		/* only all of it will tell */
	CONTENT_STREAM,		/* what came may go, and so may what comes */
	CONTENT_REFUSED		/* nothing (more) may go */
};

/* The worst that was met; all text static or in the arena. */
struct content_verdict {
	enum content_mode mode;
	const char	*rule_id;	/* "LLMSEC-CONTENT-ARCHIVE", a secret's or a start-up file's */
	const char	*type;		/* of filetype.h, or of the secret */
	const char	*where;		/* "body", "part", "text" (encoded inside), "header", "package" */
	const char	*why;		/* for people */
	int		 status;	/* HTTP */
};

/* What one header of an upload, or its URL, says; the most that any of them says counts. */
enum content_part content_part_of_header(const char *name, const char *value);
enum content_part content_part_of_url(const char *url);

struct content;
/* 0 or -ENOMEM.  <in>'s strings must live as long. */
int	content_new(struct content **, const struct content_conf *, const struct content_in *, struct arena *);
void	content_free(struct content **);
/* A request header, or its URL's path and query (name "url"): secrets that belong to another host.  Before the body. */
void	content_header(struct content *, const char *name, const char *value, size_t len);
enum content_step content_step(const struct content *);
enum content_step content_feed(struct content *, const void *, size_t);
/*
 * The end.  CONTENT_STREAM: all of it may go.  <body>: the bytes as sent where the adapter still has them all (HOLD or WHOLE),
 * NULL otherwise; secrets in it are made stars, length unchanged.
 */
enum content_step content_finish(struct content *, char *body, size_t len);
/* Bytes looked at more than once so far, under escapes, in parts and decoded: bounded by a multiple of the body (content_private.h). */
size_t	content_work(const struct content *);
/* Never NULL; mode CONTENT_ALLOW: nothing was found. */
const struct content_verdict *content_verdict(const struct content *);
#endif
