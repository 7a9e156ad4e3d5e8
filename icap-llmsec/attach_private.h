/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_ATTACH_PRIVATE_H
#define LLMSEC_ICAP_ATTACH_PRIVATE_H
/* Between the parts of attach.h. */
#include "icap-llmsec/attach.h"
#include "lib/buf.h"

/* A file that is being judged: the part itself, or an entry of an archive in it. */
struct attach_file {
	const char	*data;
	size_t		 len;
	const char	*declared;	/* media type; NULL: none */
	size_t		 declared_len;
	const char	*name;		/* NULL: none */
	size_t		 name_len;
};

struct attach_part {
	struct attach_run	*run;
	struct findings		*findings;
	enum attach_look	 look;
	struct span_media	*media;	/* to note in what can be masked; NULL: nothing */
	struct buf		 text;	/* gathered; .max bounds it */
	bool			 in_text;	/* a data: URL in a text: findings are told, no more */
	size_t			 start, len;	/* of it there */
	enum attach_what	 class;		/* of the outermost file */
	bool			 told[ATTACH_N];
	bool			 blocked;	/* it will be refused: no need to look further */
	int			 rc;
};

/* A finding of this kind, in the mode that the policy has for it; once per part. */
void	attach_tell(struct attach_part *, enum attach_what);
/* Type, size, claims; then, as far as it is looked into, text.  <depth>: archives around it. */
void	attach_file(struct attach_part *, const struct attach_file *, unsigned depth);
/* The entries of an archive, each as a file. */
void	attach_archive(struct attach_part *, const struct attach_file *, const struct filetype *, unsigned depth);
/* Runs of readable words in binary data. */
void	attach_words(struct attach_part *, const char *, size_t);
#define ATTACH_DEPTH	3	/* archives in archives */
#endif
