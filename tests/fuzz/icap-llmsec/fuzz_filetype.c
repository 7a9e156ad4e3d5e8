/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "icap-llmsec/filetype.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Any bytes have a type with a name, a media type and a class that has a name. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct filetype *t = filetype_of(p, n);

	if (t == NULL || t->name == NULL || t->mime == NULL || (unsigned)t->class >= FT_CLASSES || filetype_class_name(t->class) == NULL)
		abort();
	if (!filetype_agrees(t, t->mime, __builtin_strlen(t->mime)))
		abort();
	return 0;
}
