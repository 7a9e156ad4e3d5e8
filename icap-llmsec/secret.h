/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SECRET_H
#define LLMSEC_ICAP_SECRET_H
/*
 * Secrets in text: keys and tokens of providers, private keys, JWT, connection strings, passwords.  One scan for the literals
 * of all kinds (lib/literals.h), then a small matcher that never goes back: linear, allocates only hits.  Knows nothing of
 * chats: icap-llmsec and the egress use it alike.  After secret_new() immutable and shared by threads.  docs/pii.md has the list.
 */
#include <stdbool.h>
#include <stddef.h>

#include "icap-llmsec/detect.h"
#include "lib/conf.h"

struct arena;
struct secret;

/* What a mode can be set for, in the order of the keys in icap.yaml. */
enum secret_group {
	SECRET_CLOUD, SECRET_CODE, SECRET_AI, SECRET_PAYMENT, SECRET_MESSAGING, SECRET_SERVICE, SECRET_DATABASE,
	SECRET_PRIVATE_KEY, SECRET_TOKEN, SECRET_PASSWORD, SECRET_GROUPS
};

/* icap.yaml's map "secrets".  Modes are enum detect_mode, -1 for "as default". */
struct secret_conf {
	int	 all;			/* key "default" */
	int	 mode[SECRET_GROUPS];
	int	 output;
};
extern const struct conf_opt secret_conf_opts[];
enum detect_mode secret_conf_most(const struct secret_conf *);

/* A kind of secret; lives with struct secret. */
struct secret_kind {
	const char	*name;		/* "github_pat" */
	const char	*category;	/* "secret.github_pat" */
	const char	*rule_id;	/* "LLMSEC-SECRET-GITHUB-PAT" */
	enum secret_group group;
};

struct secret_hit {
	const char	*type;		/* what->name */
	size_t		 start, len;	/* bytes in the text: the secret itself, not the name before it */
	float		 confidence;	/* 0..1 */
	const struct secret_kind *what;
	enum detect_mode mode;		/* of its group, never DETECT_OFF */
};

/* A private key or service account may be longer; in a stream what is beyond this is found in parts or not at all. */
#define SECRET_MAX	4096

/* 0 or -ENOMEM. */
int	secret_new(struct secret **, const struct secret_conf *);
void	secret_free(struct secret **);
/* All of them, ordered by start, none overlapping another.  Scratch and hits are in the arena.  0 or -ENOMEM. */
int	secret_find(const struct secret *, const char *text, size_t len, struct arena *, struct secret_hit **, size_t *n);
/* The longest text that one may span in a stream (private keys: their first lines): its hold-back.  0: all off. */
size_t	secret_window(const struct secret *);
/* Kind <i>, NULL past the end. */
const struct secret_kind *secret_kind_at(const struct secret *, size_t i);
#endif
