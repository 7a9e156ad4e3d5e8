/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ti-sync/push_diff.h"

struct list {
	enum ti_kind	 kind;
	FILE		*f;
	char		 text[TI_KEY_MAX + 2];
	char		 key[TI_KEY_MAX];
	size_t		 len;			/* of the key; 0: no more */
};

static int
list_open(struct list *l, enum ti_kind kind, const char *path, bool must)
{
	memset(l, 0, sizeof(*l));
	l->kind = kind;
	l->f = fopen(path, "re");
	return l->f == NULL && (must || errno != ENOENT) ? -errno : 0;
}

static void
list_close(struct list *l)
{
	if (l->f != NULL)
		fclose(l->f);
}

static int
key_make(struct list *l, size_t n)
{
	struct cidr c;

	if (l->kind == TI_DOMAIN) {
		l->len = ti_key_of_name(l->key, l->text, n);
	} else {
		if (cidr_parse(l->text, &c) < 0)
			return -EBADMSG;
		ti_key_of_net((uint8_t *)l->key, &c);
		l->len = TI_NET_KEY;
	}
	return 0;
}

/* The next entry.  One that isn't behind the one before would make the walk answer nonsense. */
static int
list_next(struct list *l)
{
	char before[TI_KEY_MAX];
	size_t n, was = l->len;

	memcpy(before, l->key, was);
	l->len = 0;
	do {
		if (l->f == NULL || fgets(l->text, sizeof(l->text), l->f) == NULL)
			return l->f != NULL && ferror(l->f) ? -EIO : 0;
		n = strcspn(l->text, "\n");
		if (l->text[n] != '\n' || n >= TI_KEY_MAX)
			return -EBADMSG;
		l->text[n] = '\0';
	} while (n == 0 || l->text[0] == '#');
	if (key_make(l, n) < 0 || (was > 0 && ti_key_cmp(before, was, l->key, l->len) >= 0))
		return -EBADMSG;
	return 0;
}

/* Does the entry cover one of the exceptions?  Those come in the same order: everything it covers stands behind it. */
static int
covers_one(const struct list *want, struct list *except)
{
	int err = 0;

	while (err == 0 && except->len > 0 && ti_key_cmp(except->key, except->len, want->key, want->len) < 0)
		err = list_next(except);
	return err != 0 ? err : except->len > 0 &&
	    ti_key_covers(want->kind, want->key, want->len, except->key, except->len);
}

static int
want_next(struct list *want, struct list *except, size_t *left_out)
{
	int r;

	while ((r = list_next(want)) == 0 && want->len > 0 && (r = covers_one(want, except)) > 0)
		++*left_out;
	return r;
}

static int
walk(struct list *want, struct list *except, struct list *sent, ti_diff_fn fn, void *arg, size_t *left_out)
{
	int err = list_next(except), c;

	if (err == 0)
		err = list_next(sent);
	if (err == 0)
		err = want_next(want, except, left_out);
	while (err == 0 && (want->len > 0 || sent->len > 0)) {
		c = want->len == 0 ? 1 : sent->len == 0 ? -1 : ti_key_cmp(want->key, want->len, sent->key, sent->len);
		err = fn(arg, c < 0 ? TI_DIFF_NEW : c > 0 ? TI_DIFF_GONE : TI_DIFF_SAME, c > 0 ? sent->text : want->text);
		if (err == 0 && c >= 0)
			err = list_next(sent);
		if (err == 0 && c <= 0)
			err = want_next(want, except, left_out);
	}
	return err;
}

int
ti_diff_walk(const struct ti_diff_files *files, ti_diff_fn fn, void *arg, size_t *left_out)
{
	struct list want, except = {0}, sent = {0};
	char path[PATH_MAX];
	size_t n = 0;
	int err = list_open(&want, files->kind, files->want, true);

	snprintf(path, sizeof(path), "%s.except", files->want);
	if (err == 0)
		err = list_open(&except, files->kind, path, false);
	if (err == 0)
		err = list_open(&sent, files->kind, files->sent, false);
	if (err == 0)
		err = walk(&want, &except, &sent, fn, arg, &n);
	if (left_out != NULL)
		*left_out = n;
	list_close(&want);
	list_close(&except);
	list_close(&sent);
	return err;
}

int64_t
ti_diff_run(const char *path)
{
	FILE *f = fopen(path, "re");
	long long run = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "# llmsec-ti-sync, run %lld", &run) != 1)
		run = 0;
	fclose(f);
	return run;
}
