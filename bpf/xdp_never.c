/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_never.h"
#include "lib/cidr.h"
#include "lib/diag.h"

#define SKIPS_SHOWN	5

struct reader {
	const char	*path;
	struct cidr	*v;
	size_t		 n, cap, skipped;
	bool		 strict;
	struct diag	*diag;
};

static void
bad_line(struct reader *r, int line, const char *text, const char *why)
{
	r->skipped++;
	if (r->strict)
		diag_error(r->diag, r->path, line, 0, "\"%.60s\" %s", text, why);
	else if (r->skipped <= SKIPS_SHOWN)
		diag_warn(r->diag, r->path, line, 0, "\"%.60s\" %s: skipped", text, why);
}

static int
line_add(struct reader *r, const char *text, int line)
{
	struct cidr c;

	if (cidr_parse(text, &c) != 0) {
		bad_line(r, line, text, "is neither an address nor a network");
		return 0;
	}
	if (xdp_is_everyone(&c)) {
		bad_line(r, line, text, "is everyone");
		return 0;
	}
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		struct cidr *v = reallocarray(r->v, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		r->v = v;
		r->cap = cap;
	}
	r->v[r->n++] = c;
	return 0;
}

static int
read_all(struct reader *r)
{
	FILE *f = strcmp(r->path, "-") == 0 ? stdin : fopen(r->path, "re");
	char *text = NULL, *p;
	size_t size = 0;
	int line = 0, err = 0;

	if (f == NULL) {
		err = -errno;
		diag_error(r->diag, r->path, 0, 0, "cannot read: %s", strerror(-err));
		return err;
	}
	while (err == 0 && getline(&text, &size, f) >= 0) {
		line++;
		text[strcspn(text, "#;\r\n")] = '\0';
		p = text + strspn(text, " \t");
		p[strcspn(p, " \t,")] = '\0';
		if (*p != '\0')
			err = line_add(r, p, line);
	}
	if (ferror(f))
		err = -EIO;
	if (f != stdin)
		fclose(f);
	free(text);
	return err != 0 ? err : diag_errors(r->diag) > 0 ? -EINVAL : 0;
}

static int
load(struct reader *r, struct cidr **list, size_t *n)
{
	int err = read_all(r);

	if (err != 0) {
		free(r->v);
		r->v = NULL;
		r->n = 0;
	}
	*list = r->v;
	*n = r->n;
	return err;
}

int
xdp_never_load(const char *path, struct cidr **list, size_t *n, struct diag *d)
{
	struct reader r = {.path = path, .strict = true, .diag = d};

	*list = NULL;
	*n = 0;
	return *path == '\0' ? 0 : load(&r, list, n);
}

int
xdp_feed_load(const char *path, struct cidr **list, size_t *n, size_t *skipped, struct diag *d)
{
	struct reader r = {.path = path, .diag = d};
	int err = load(&r, list, n);

	*skipped = r.skipped;
	return err;
}
