/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ti-sync/import.h"
#include "ti-sync/unpack.h"

struct reading {
	struct ti_parser	*ps;
	const struct ti_format_opts *opts;
	bool			 begun;
	const char		*why;		/* by its first bytes it is no list; NULL: it may be one */
};

/* NULL, or what no list begins with: what a portal or an error page says with status 200, or another encoding. */
static const char *
no_list(const char *p, size_t n)
{
	if (n >= 2 && (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0))
		return "text in UTF-16: only UTF-8 is read";
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		n -= 3;
	}
	while (n > 0 && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
		p++;
		n--;
	}
	return n > 0 && *p == '<' ? "a page of HTML or XML, not a list" : NULL;
}

static int
on_bytes(void *arg, const void *p, size_t n)
{
	struct reading *r = arg;

	if (!r->begun) {
		r->begun = true;
		r->why = no_list(p, n);
		if (r->why != NULL)
			return -EBADMSG;
	}
	return ti_parser_feed(r->ps, p, n);
}

static int
content_read(const char *path, int64_t max, const struct ti_format_opts *o, struct ti_collect *c, enum ti_format *format,
    char why[160])
{
	struct reading r = {.ps = ti_parser_new(o, c), .opts = o};
	int err;

	why[0] = '\0';
	if (r.ps == NULL)
		return -ENOMEM;
	err = ti_unpack(path, max, on_bytes, &r, why);
	if (err == 0)
		err = ti_parser_end(r.ps);
	if (r.why != NULL)
		snprintf(why, 160, "%s", r.why);
	else if (err == -EFBIG && c->err == -EFBIG)
		snprintf(why, 160, "more entries than max_entries allows");
	else if (err == -EBADMSG && why[0] == '\0')
		snprintf(why, 160, "%s", ti_parser_error(r.ps));
	else if (err != 0 && why[0] == '\0')
		snprintf(why, 160, "%s", strerror(-err));
	*format = ti_parser_format(r.ps);
	ti_parser_free(&r.ps);
	return err;
}

static int
store_keys(struct ti_store *st, const struct ti_conf_feed *f, int64_t run, struct ti_feed_row *row, struct ti_import *im)
{
	int err = ti_store_begin(st);

	if (err == 0)
		err = ti_store_import(st, row->id, TI_DOMAIN, &im->c.names, run, f->max_loss, &im->names);
	if (err == 0)
		err = ti_store_import(st, row->id, TI_NET, &im->c.nets, run, f->max_loss, &im->nets);
	if (err == 0) {
		row->names = (int64_t)im->c.names.n;
		row->nets = (int64_t)im->c.nets.n;
		row->refused = (int64_t)ti_collect_refused(&im->c);
		row->parse_version = ti_conf_feed_digest(f);
		row->error[0] = '\0';
		snprintf(row->format, sizeof(row->format), "%s", ti_format_str(im->format));
		err = ti_store_feed_put(st, row);
	}
	if (err == 0)
		err = ti_store_commit(st);
	if (err != 0)
		ti_store_rollback(st);
	return err;
}

static void
lost_say(struct ti_import *im, const struct ti_conf_feed *f)
{
	size_t before = im->names.before + im->nets.before, gone = im->names.gone + im->nets.gone;

	im->partial = true;
	snprintf(im->why, sizeof(im->why), "%zu of %zu entries are gone, more than %d %% (max_loss)", gone, before, f->max_loss);
}

int
ti_import_file(struct ti_store *st, const struct ti_conf_feed *f, const char *path, int64_t run, struct ti_feed_row *row,
    struct ti_import *im)
{
	struct ti_format_opts o = {(enum ti_format)f->format, f->column, f->path};
	char why[160];
	int err;

	memset(im, 0, sizeof(*im));
	im->c.want = (enum ti_kinds)f->kinds;
	im->c.max_entries = (size_t)f->max_entries;
	err = content_read(path, f->max_unpacked, &o, &im->c, &im->format, why);
	snprintf(im->why, sizeof(im->why), "%s", why);
	if (err == 0) {
		ti_keys_sort(&im->c.names);
		ti_keys_sort(&im->c.nets);
		if (ti_collect_entries(&im->c) < (size_t)f->min_entries) {
			err = -ERANGE;
			snprintf(im->why, sizeof(im->why), "%zu entries, fewer than %d (min_entries)%s", ti_collect_entries(&im->c),
			    f->min_entries, ti_collect_refused(&im->c) > 0 ? ", and lines that were refused" : "");
		}
	}
	if (err == 0) {
		err = store_keys(st, f, run, row, im);
		if (err == -ERANGE)
			lost_say(im, f);
		else if (err != 0)
			snprintf(im->why, sizeof(im->why), "the database: %s", ti_store_error(st));
	}
	ti_collect_free(&im->c);
	return err;
}

int
ti_import_list(const char *path, size_t max, struct ti_collect *c, char why[160])
{
	struct ti_format_opts o = {.format = TI_F_AUTO, .column = "", .path = ""};
	enum ti_format format;
	int err;

	c->max_entries = max;
	err = content_read(path, (int64_t)1 << 31, &o, c, &format, why);
	/* The first so many of a list that goes on. */
	if (err == -EFBIG && c->err == -EFBIG && ti_collect_entries(c) == max)
		err = c->err = 0;
	return err;
}
