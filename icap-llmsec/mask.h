/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_MASK_H
#define LLMSEC_ICAP_MASK_H
/*
 * Reversible masking.  A vault maps placeholders to the originals of one conversation turn: the same
 * original always gets the same placeholder.  The provider sees placeholders; the model's answer is
 * unmasked for the client that sent the originals.  Placeholder syntax: "[EMAIL_1]", "[CARD_2]"
 * (ASCII, <= MASK_TOKEN_MAX bytes, kept by tokenizers, JSON-safe).  A placeholder that the client sent
 * literally is never mistaken for ours: numbering skips those present in the text (mask_reserve).
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define MASK_TOKEN_MAX	24

struct mask_vault;

struct mask_vault *mask_vault_new(void);
void	mask_vault_free(struct mask_vault **);
size_t	mask_vault_count(const struct mask_vault *);
/* Note placeholders that already stand in <text>, so that they are not issued.  0 or -ENOMEM. */
int	mask_reserve(struct mask_vault *, const char *text, size_t len);
/* Placeholder for <original> of <kind> ("EMAIL", "CARD"); lives with the vault.  NULL: no memory or numbers left. */
const char *mask_token(struct mask_vault *, const char *kind, const char *original, size_t len);
/* Original of a placeholder, or NULL. */
const char *mask_original(const struct mask_vault *, const char *token, size_t token_len, size_t *len);
/* Append <text> with every placeholder of the vault replaced by its original, also where a model wrote it as "[email_1]" or
   "\[EMAIL\_1\]".  Returns replacements made. */
size_t	mask_unmask(const struct mask_vault *, const char *text, size_t len, struct buf *out);
/* The same in JSON that stands in a string: between the quotes of that JSON an original is escaped once more. */
size_t	mask_unmask_json(const struct mask_vault *, const char *text, size_t len, struct buf *out);
/* How many bytes at the end of <text> could be the beginning of a placeholder (0: none). */
size_t	mask_partial(const struct mask_vault *, const char *text, size_t len);

/* --- the sealed link between REQMOD and RESPMOD ------------------------------------------------ */
struct keyring;
#define TX_MAX	(16 * 1024)	/* sealed text, bytes; a vault that doesn't fit is -EMSGSIZE */
struct tx {
	char			 request_id[80];
	uint32_t		 flags;		/* TX_* */
	struct mask_vault	*vault;		/* owned; may be NULL */
	uint32_t		 req_us;	/* spent judging the request, microseconds */
	struct resp_sketch	*sketch;	/* owned; may be NULL; responses.h */
};
#define TX_STREAM	1u	/* the client asked for a stream */
#define TX_INSPECTED	2u	/* REQMOD saw and passed the request */

/* "v1.<kid>.<base64url(nonce|ciphertext|tag)>", AES-256-GCM under the keyring's first key (HKDF'd for
   this purpose).  0 or -errno. */
int	tx_seal(struct buf *out, const struct keyring *, const struct tx *);
/* -EBADMSG: not ours, forged or an unknown key. */
int	tx_open(struct tx *, const struct keyring *, const char *sealed, size_t len);
void	tx_clear(struct tx *);
#endif
