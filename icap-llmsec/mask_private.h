/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_MASK_PRIVATE_H
#define LLMSEC_ICAP_MASK_PRIVATE_H
/* Between mask.c and tx.c, which writes and reads whole vaults. */
#include "icap-llmsec/mask.h"

/* Entry <i> in the order of issue; -1 past the end. */
int	mask_vault_entry(const struct mask_vault *, size_t i, const char **token, const char **original,
	    size_t *len);
/* Put back an entry; tokens must come in rising order.  0 or -1. */
int	mask_vault_add(struct mask_vault *, const char *token, size_t token_len, const char *original,
	    size_t len);
/* The plain text of a sealed tx, for the fuzzer: 0, -EBADMSG, -ENOMEM; <tx> zeroed before, tx_clear()ed after. */
int	tx_decode(struct tx *, const uint8_t *, size_t);
#endif
