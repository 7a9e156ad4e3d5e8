/* SPDX-License-Identifier: MIT */
/* A feed as it was delivered: whatever it is packed with or pretends to be, no more than the limit comes out. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ti-sync/unpack.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x)	do { if (!(x)) abort(); } while (0)
#define LIMIT	(1 << 16)

static int
count(void *arg, const void *p, size_t n)
{
	static volatile uint8_t last;

	MUST(n > 0);
	last = ((const uint8_t *)p)[n - 1];	/* all of it is there */
	(void)last;
	*(size_t *)arg += n;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int fd = memfd_create("feed", MFD_CLOEXEC), err;
	char path[64], why[160] = "";
	size_t sum = 0;

	MUST(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = ti_unpack(path, LIMIT, count, &sum, why);
	MUST(sum <= LIMIT);
	MUST(err != 0 || why[0] == '\0');
	MUST(strlen(why) < sizeof(why));
	close(fd);
	return 0;
}
