/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/never_ban.h"
#include "lib/cidr.h"

struct never_ban {
	struct cidr	*v;
	size_t		 n, cap;
};

static int
entry_add(struct never_ban *nb, const struct cidr *c)
{
	if (nb->n == nb->cap) {
		size_t cap = nb->cap > 0 ? 2 * nb->cap : 16;
		struct cidr *v = reallocarray(nb->v, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		nb->v = v;
		nb->cap = cap;
	}
	nb->v[nb->n++] = *c;
	return 0;
}

/* HAProxy takes "#" for a comment only where a line begins with it; what it refuses is refused here. */
static int
line_take(struct never_ban *nb, char *s)
{
	struct cidr c;

	s[strcspn(s, "\r\n")] = '\0';
	if (*s == '#')
		return 0;
	s += strspn(s, " \t");
	if (*s == '\0')
		return 0;
	for (size_t n = strlen(s); n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'); n--)
		s[n - 1] = '\0';
	return cidr_parse(s, &c) < 0 ? -EINVAL : entry_add(nb, &c);
}

int
never_ban_load(struct never_ban **out, const char *path, unsigned *line)
{
	struct never_ban *nb = calloc(1, sizeof(*nb));
	char *text = NULL;
	size_t cap = 0;
	FILE *f = NULL;
	int r = 0;

	*out = NULL;
	*line = 0;
	if (nb == NULL)
		return -ENOMEM;
	if (path[0] != '\0' && (f = fopen(path, "re")) == NULL)
		r = -errno;
	while (r == 0 && f != NULL && getline(&text, &cap, f) >= 0) {
		++*line;
		r = line_take(nb, text);
	}
	if (r == 0 && f != NULL && ferror(f))
		r = -EIO;
	free(text);
	if (f != NULL)
		fclose(f);
	if (r < 0)
		never_ban_free(&nb);
	*out = nb;
	return r;
}

void
never_ban_free(struct never_ban **nb)
{
	if (*nb == NULL)
		return;
	free((*nb)->v);
	free(*nb);
	*nb = NULL;
}

const struct cidr *
never_ban_find(const struct never_ban *nb, const struct cidr *c)
{
	for (size_t i = 0; i < nb->n; i++)
		if (cidr_overlaps(&nb->v[i], c))
			return &nb->v[i];
	return NULL;
}
