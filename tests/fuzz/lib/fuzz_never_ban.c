/* SPDX-License-Identifier: MIT */
/* Any bytes as a never-ban list: taken whole or refused with a line that is in it. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cidr.h"
#include "lib/never_ban.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int fd = memfd_create("never-ban", 0), r;
	struct never_ban *nb;
	struct cidr all;
	unsigned line, lines = 1;
	char path[64];

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	if (fd < 0 || (n > 0 && write(fd, p, n) != (ssize_t)n))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = never_ban_load(&nb, path, &line);
	if ((r != 0 && r != -EINVAL) || (r == -EINVAL && (line < 1 || line > lines)) || (r == 0) != (nb != NULL))
		abort();
	if (nb != NULL && cidr_parse("::/0", &all) == 0)
		never_ban_find(nb, &all);
	never_ban_free(&nb);
	close(fd);
	return 0;
}
