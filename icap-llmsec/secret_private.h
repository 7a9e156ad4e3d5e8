/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SECRET_PRIVATE_H
#define LLMSEC_ICAP_SECRET_PRIVATE_H
/* Between the finder of secrets and its table. */
#include "icap-llmsec/secret.h"

enum { S_NAMED = 1,	/* the literal is a name; the secret follows an = or : behind it */
	S_LOOSE = 2 };	/* what precedes may be a letter */

struct secret_row {
	const char	*name;
	enum secret_group group;
	unsigned	 flags;
	const char	*literals;	/* separated by blanks; ~ stands for one */
	const char	*form;		/* behind the literal, or of the value: {CLASS MIN-MAX}, other characters stand for themselves */
};
extern const struct secret_row secret_rows[];
extern const size_t secret_n_rows;
#endif
