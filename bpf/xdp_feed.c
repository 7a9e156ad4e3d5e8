/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_feed.h"
#include "bpf/xdp_never.h"
#include "lib/cidr.h"
#include "lib/set_ip.h"

struct taken {
	struct cidr	*v;
	size_t		 n, cap, skipped;
};

static int
take(void *arg, const struct cidr *c, const struct set_class *class)
{
	struct taken *t = arg;

	if ((class->flags & SET_PASS) != 0)
		return 0;
	if (xdp_is_everyone(c)) {
		t->skipped++;
		return 0;
	}
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 4096;
		struct cidr *v = reallocarray(t->v, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n++] = *c;
	return 0;
}

static int
set_read(const char *path, struct cidr **list, size_t *n, size_t *skipped, struct diag *d)
{
	struct taken t = {0};
	struct set_ip *s;
	int r = set_ip_open(&s, path, 0, d);

	if (r == 0)
		r = set_ip_each(s, take, &t);
	set_ip_close(&s);
	if (r != 0) {
		free(t.v);
		return r;
	}
	*list = t.v;
	*n = t.n;
	*skipped = t.skipped;
	return 0;
}

/* No line of text has a byte 0; every set has some in its header. */
static bool
is_text(const char *path)
{
	char head[64];
	FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
	size_t got;
	bool text;

	if (f == NULL)
		return true;
	got = fread(head, 1, sizeof(head), f);
	text = memchr(head, '\0', got) == NULL;
	fclose(f);
	return text;
}

int
xdp_feed_read(const char *path, struct cidr **list, size_t *n, size_t *skipped, struct diag *d)
{
	*list = NULL;
	*n = *skipped = 0;
	return is_text(path) ? xdp_feed_load(path, list, n, skipped, d) : set_read(path, list, n, skipped, d);
}
