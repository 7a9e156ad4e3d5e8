/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_ATTACH_H
#define LLMSEC_ICAP_ATTACH_H
/*
 * Pictures, sound and files in requests: base64 parts of every dialect, data: URLs, uploads.  Each is decoded, typed by its
 * bytes (filetype.h), held against the "attachments:" map of icap.yaml, and its text (extract.h) handed to the detectors as data.  What
 * cannot be read is a finding, never a pass.  Reasons: docs/decisions/0016; for users: docs/attachments.md.
 *
 * Configuration is immutable and shared.  Everything else belongs to one request and its arena; linear in the request's size and in
 * what max_unpacked allows.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/filetype.h"
#include "icap-llmsec/span.h"
#include "lib/arena.h"
#include "lib/conf.h"

/* What a policy has a mode for.  The first ones are classes of files. */
enum attach_what {
	ATTACH_IMAGE, ATTACH_AUDIO, ATTACH_VIDEO, ATTACH_DOCUMENT, ATTACH_TEXT,
	ATTACH_SCRIPT,		/* an executable that people read: #! and batch files */
	ATTACH_ARCHIVE, ATTACH_EXECUTABLE, ATTACH_UNKNOWN,
	ATTACH_CLASSES,
	ATTACH_TYPE = ATTACH_CLASSES,	/* not in types, or in deny_types */
	ATTACH_MISMATCH,	/* declared as something else */
	ATTACH_SIZE,		/* larger than its class may be */
	ATTACH_UNREADABLE,	/* encrypted, damaged, no reader */
	ATTACH_PICTURES,	/* a document of pictures only */
	ATTACH_LIMIT,		/* unpacks to too much, or nests too deeply: bombs */
	ATTACH_COUNT,		/* more of them than may be */
	ATTACH_REMOTE,		/* an address that the provider fetches */
	ATTACH_ADDRESS,		/* a remote address that is not allowed: private, odd, scheme or host */
	ATTACH_N
};

struct attach_modes {
	int	most;			/* enum detect_mode: the most that is done; off: nothing is opened */
	int	what[ATTACH_N];		/* enum detect_mode */
	int	pii, secrets;		/* what is done where a file can't be masked */
	int	media_pii;		/* of <pii>, in words inside of pictures, sound, films */
};

struct attach_conf {
	struct attach_modes modes;
	int64_t	 max[ATTACH_CLASSES];	/* bytes, decoded */
	int	 max_count;
	int64_t	 max_text, max_unpacked;	/* bytes, of all parts of a request together */
	struct conf_strs types, deny_types;	/* names of filetype.h */
	struct conf_strs remote_schemes, remote_hosts;	/* none: https; any public host */
	bool	 remote_private;		/* addresses inside are allowed */
	bool	 embedded_text;			/* words inside of pictures, sound, films */
};
extern const struct conf_opt attach_conf_opts[];
/* Of an exception: every mode may be "inherit" (-1). */
extern const struct conf_opt attach_own_opts[];
/* <own> over <general>. */
void	attach_modes_merge(struct attach_modes *out, const struct attach_modes *own, const struct attach_modes *general);

/* One request's parts. */
struct attach_run {
	const struct attach_conf *conf;
	const struct attach_modes *modes;
	struct arena	*arena;
	enum detect_mode private_most;	/* the most that is done about personal data; attach_begin(): whatever the detectors say */
	size_t		 text_left, unpacked_left;
	unsigned	 n;			/* parts so far */
	unsigned	 n_inline;		/* data: URLs in texts, that many again */
	unsigned	 seen[ATTACH_CLASSES];	/* of each class */
	unsigned	 remote;		/* addresses */
	unsigned	 found[ATTACH_N];	/* findings */
};

void	attach_begin(struct attach_run *, const struct attach_conf *, const struct attach_modes *, struct arena *);
/* How far a part is looked into. */
enum attach_look {
	LOOK_TYPE,
	LOOK_TEXTS,		/* texts that can be masked are read: of a part that was judged in an earlier turn, for the client sends it unmasked */
	LOOK_ALL
};
/*
 * Judge the part in <s> (s->media is not NULL).  Its findings are appended; s->text becomes its name and text ("" if there is none), and
 * what masking needs is noted in s->media.  0 or -ENOMEM.
 */
int	attach_judge(struct attach_run *, struct span *s, enum attach_look, struct findings *);
/*
 * Which of <fs>, found in s->text and capped, can be masked in the file: what to replace goes into s->media.  Where one can't, all of them get the mode
 * that the policy has for that (s->unmaskable says so): from here on no mode of theirs may become DETECT_MASK.  HTML is masked as source, then read again: what is still found makes it unmaskable.  0 or -errno of
 * the detectors.
 */
int	attach_mask(const struct detectors *, struct attach_run *, struct span *s, struct findings *fs);
/* The same where nothing can be masked. */
void	attach_fixed(const struct attach_modes *, struct span *, struct findings *);
struct mask_vault;
/* s->media's value with its mask carried out, tokens from <vault>: base64 in the spelling it had.  0, -ENOMEM, or -EINVAL where nothing
   was to be masked: a file that can't be is never written. */
int	attach_mask_write(const struct span *, struct mask_vault *, struct arena *, const char **value, size_t *len);
/*
 * data: URLs inside of a text.  Each is judged like a part, but what is found is only told (programs excepted: they follow their mode), for to
 * a provider this is text.  Those whose text could be read leave the text: *out, *n is what remains of <s>, with a line break in each gap, and
 * *files what was read in them.  Without any, *out is s->text.  0 or -ENOMEM.
 */
struct attach_gap { size_t at, len, start; };	/* in what remains; <len> bytes of the original text, at <start> there, are gone */
struct attach_inline {
	const char	*text; size_t len;	/* what remains */
	const char	*files; size_t files_len;	/* "" if nothing */
	struct attach_gap *gap; size_t n_gaps;
};
int	attach_inline(struct attach_run *, const struct span *s, bool deep, struct findings *, struct attach_inline *out);
/* Where a place of what remains is in the original text. */
size_t	attach_place(const struct attach_inline *, size_t at);
/* What to tell about a finding of ours: message, code and status; NULL: the finding is another's. */
struct attach_rule {
	const char	*id, *category;
	const char	*code;		/* of the refusal */
	const char	*message;	/* "a file of this type is not allowed" */
	int		 severity, status;
};
const struct attach_rule *attach_rule_of(const struct finding *);
const struct attach_rule *attach_rule(enum attach_what);
const char *attach_what_name(enum attach_what);

/* --- for tests and fuzz targets ------------------------------------------------------------------ */

/* Base64 (RFC 4648, either alphabet, line breaks and tabs between, padding optional; no spaces, for those are of texts) into <out> of at least 3 * n / 4 + 3 bytes.  Bytes written,
   -1: it isn't base64. */
ptrdiff_t attach_base64(char *out, const char *, size_t n);

/* A data: URL (RFC 2397). */
struct data_url {
	const char	*mime;		/* "" if none; borrowed */
	size_t		 mime_len;
	bool		 base64;
	const char	*data;		/* still encoded */
	size_t		 len;
};
bool	data_url_parse(const char *, size_t, struct data_url *);

enum remote_verdict { REMOTE_OK, REMOTE_SCHEME, REMOTE_HOST, REMOTE_PRIVATE, REMOTE_ODD };
enum remote_verdict attach_remote(const struct attach_conf *, const char *url, size_t len);
/* Does it begin with a scheme? */
bool	attach_is_url(const char *, size_t);
#endif
