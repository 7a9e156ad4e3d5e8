/* SPDX-License-Identifier: MIT */
/* Frames: two parsers that share nothing must agree, and read nothing behind the end. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/xdp/frames.h"
#include "tests/unit/xdp/ref_parse.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (strcmp(native_parse(data, size), ref_parse(data, size)) != 0)
		abort();
	return 0;
}
