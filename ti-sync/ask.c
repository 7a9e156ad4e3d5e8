/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "lib/diag.h"
#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "ti-sync/ask.h"
#include "ti-sync/run.h"
#include "ti-sync/store.h"
#include "ti-sync/store_private.h"

static struct ti_store *
store_open(const struct ti_conf *c)
{
	struct ti_store *st = NULL;
	char path[PATH_MAX];
	int err;

	ti_state_path(path, sizeof(path), c, "ti.db");
	err = ti_store_open(&st, path, true);
	if (err < 0)
		fprintf(stderr, "llmsec-ti-sync: %s: %s\n", path, err == -EPROTO ? "of another version: run once" :
		    "there is none, or it can't be read");
	return st;
}

static const char *
when(char out[32], time_t t)
{
	struct tm tm;

	if (t == 0 || gmtime_r(&t, &tm) == NULL || strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strcpy(out, "-");
	return out;
}

/* ---- why ----------------------------------------------------------------------------------------- */

struct why {
	const struct ti_conf	*c;
	struct ti_store		*st;
	enum ti_kind		 kind;
	const void		*key;
	size_t			 len;
	char			 text[TI_KEY_MAX];	/* the entry, where it isn't what was asked */
	int			 found;
};

static const struct ti_conf_feed *
feed_of(const struct ti_conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_active; i++)
		if (strcmp(c->active[i]->name, name) == 0)
			return c->active[i];
	return NULL;
}

static void
say_change(void *arg, int64_t run, char what)
{
	struct why *w = arg;
	char t[32];

	printf("    %s  run %" PRId64 ": %s\n", when(t, ti_store_run_time(w->st, run)), run, what == '-' ? "gone" : "back");
}

static void
say_entry(void *arg, const struct ti_entry *e)
{
	struct why *w = arg;
	const struct ti_conf_feed *f = feed_of(w->c, e->feed);
	char t[32];

	printf("%s: feed %s, since %s (run %" PRId64 ")", w->text, e->feed, when(t, ti_store_run_time(w->st, e->first)), e->first);
	if (f != NULL)
		printf(", %s, confidence %d", f->category, f->confidence);
	else
		printf(", a feed that is not used any more");
	if (e->gone != 0)
		printf(", gone since %s", when(t, ti_store_run_time(w->st, e->gone)));
	putchar('\n');
	w->found += f != NULL && e->gone == 0;
	ti_store_history(w->st, e->feed_id, w->kind, w->key, w->len, say_change, w);
}

static void
why_name(struct why *w, const char *name, size_t len)
{
	for (const char *p = name; ; p++) {
		char key[TI_KEY_MAX];
		size_t n = len - (size_t)(p - name);

		snprintf(w->text, sizeof(w->text), "%s", p);
		w->kind = TI_DOMAIN;
		w->key = key;
		w->len = ti_key_of_name(key, p, n);
		ti_store_entry(w->st, TI_DOMAIN, key, w->len, say_entry, w);
		p = strchr(p, '.');
		if (p == NULL)
			return;
	}
}

static void
why_net(struct why *w, struct cidr c)
{
	for (;; c.len--) {
		uint8_t key[TI_NET_KEY];

		ti_key_of_net(key, &c);
		w->kind = TI_NET;
		w->key = key;
		w->len = sizeof(key);
		cidr_format(&c, w->text);
		ti_store_entry(w->st, TI_NET, key, sizeof(key), say_entry, w);
		if (c.len == 0)
			return;
		c.addr[(c.len - 1) / 8] &= (uint8_t)~(0x80u >> (c.len - 1) % 8);
	}
}

static void
say_hit(const char *what, bool listed, const struct set_hit *h, const char *(*name)(const void *, unsigned), const void *set)
{
	printf("%s: %s", what, listed ? "listed as" : "not listed");
	for (unsigned i = 0; listed && i < SET_CATEGORIES; i++)
		if ((h->categories >> i & 1) != 0 && name(set, i) != NULL)
			printf(" %s", name(set, i));
	if (listed)
		printf(", confidence %u", h->confidence);
	putchar('\n');
}

static const char *
dom_category(const void *s, unsigned i)
{
	return set_dom_category(s, i);
}

static const char *
ip_category(const void *s, unsigned i)
{
	return set_ip_category(s, i);
}

static bool
is_net(const char *what)
{
	struct cidr c;

	return cidr_parse(what, &c) == 0;
}

static bool
set_ask_ip(struct set_ip *s, const char *what)
{
	struct set_hit h = {0};
	struct cidr c;
	bool listed;

	if (cidr_parse(what, &c) < 0)
		return false;
	listed = set_ip_find(s, AF_INET6, c.addr, &h);
	say_hit(what, listed, &h, ip_category, s);
	return listed;
}

static bool
set_ask_dom(struct set_dom *s, const char *what)
{
	struct set_hit h = {0};
	char name[256];
	size_t n;
	bool listed = ti_canon_name(name, &n, what, strlen(what)) == TI_OK && set_dom_find(s, name, n, &h);

	say_hit(what, listed, &h, dom_category, s);
	return listed;
}

static bool
published(const struct ti_conf *c, const char *what)
{
	struct diag *d = diag_new();
	struct set_dom *dom = NULL;
	struct set_ip *ip = NULL;
	char path[PATH_MAX];
	bool listed = false;

	snprintf(path, sizeof(path), "%s/%s", c->sets_dir, is_net(what) ? "ips.set" : "domains.set");
	if (is_net(what) ? set_ip_open(&ip, path, 0, d) == 0 : set_dom_open(&dom, path, 0, d) == 0)
		listed = ip != NULL ? set_ask_ip(ip, what) : set_ask_dom(dom, what);
	diag_print(d, stderr);
	diag_free(&d);
	set_dom_close(&dom);
	set_ip_close(&ip);
	return listed;
}

int
ti_ask_why(const struct ti_conf *c, const char *what)
{
	struct why w = {.c = c};
	struct cidr net;
	char name[256];
	size_t n;
	bool listed;

	if (!is_net(what) && ti_canon_name(name, &n, what, strlen(what)) != TI_OK) {
		fprintf(stderr, "llmsec-ti-sync: \"%s\" is neither a name nor a network\n", what);
		return 2;
	}
	w.st = store_open(c);
	if (w.st == NULL)
		return 3;
	listed = published(c, what);
	if (cidr_parse(what, &net) == 0)
		why_net(&w, net);
	else
		why_name(&w, name, n);
	if (w.found > 0 && !listed)
		puts("a feed lists it, but it is not published: the allow list, the top list, or the next run");
	ti_store_close(&w.st);
	return listed ? 0 : 1;
}

/* ---- tables -------------------------------------------------------------------------------------- */

int
ti_ask_stats(const struct ti_conf *c)
{
	struct ti_store *st = store_open(c);
	char t[32];

	if (st == NULL)
		return 3;
	printf("%-28s %-9s %10s %9s %8s  %-19s  %s\n", "feed", "format", "domains", "networks", "refused", "content of (UTC)",
	    "trouble");
	for (size_t i = 0; i < c->n_active; i++) {
		struct ti_feed_row f;

		if (ti_store_feed_get(st, c->active[i]->name, &f) == 0)
			printf("%-28s %-9s %10" PRId64 " %9" PRId64 " %8" PRId64 "  %-19s  %s\n", c->active[i]->name,
			    f.format[0] != '\0' ? f.format : "-", f.names, f.nets, f.refused, when(t, (time_t)f.success), f.error);
		else
			printf("%-28s never fetched\n", c->active[i]->name);
	}
	printf("last run %" PRId64 ", %s\n", ti_store_last_run(st), when(t, ti_store_run_time(st, ti_store_last_run(st))));
	ti_store_close(&st);
	return 0;
}

struct diffing {
	size_t came, went;
};

static void
say_diff(void *arg, const char *feed, enum ti_kind kind, const void *key, size_t len, char what)
{
	struct diffing *d = arg;
	char text[TI_KEY_MAX];
	struct cidr c;

	if (kind == TI_DOMAIN)
		ti_name_of_key(text, key, len);
	else if (len == TI_NET_KEY) {
		ti_net_of_key(&c, key);
		cidr_format(&c, text);
	} else {
		return;
	}
	printf("%c %s %s\n", what, text, feed);
	d->came += what == '+';
	d->went += what == '-';
}

int
ti_ask_diff(const struct ti_conf *c, int64_t from, int64_t to)
{
	struct ti_store *st = store_open(c);
	struct diffing d = {0, 0};
	int err;

	if (st == NULL)
		return 3;
	if (to == 0)
		to = ti_store_last_run(st);
	if (from == 0)
		from = to - 1;
	err = ti_store_diff(st, from, to, say_diff, &d);
	if (err < 0)
		fprintf(stderr, "llmsec-ti-sync: %s\n", ti_store_error(st));
	fprintf(stderr, "runs %" PRId64 " to %" PRId64 ": %zu came, %zu went\n", from, to, d.came, d.went);
	ti_store_close(&st);
	return err < 0 ? 3 : 0;
}

int
ti_ask_report(const struct ti_conf *c)
{
	struct ti_store *st = store_open(c);
	sqlite3_stmt *q;
	int r = 1;

	if (st == NULL)
		return 3;
	q = ti_store_prepare(st, "SELECT report FROM run WHERE finished IS NOT NULL ORDER BY id DESC LIMIT 1");
	if (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
		puts((const char *)sqlite3_column_text(q, 0));
		r = 0;
	}
	sqlite3_finalize(q);
	ti_store_close(&st);
	return r;
}

static bool
is_active(const struct ti_conf *c, const struct ti_conf_feed *f)
{
	for (size_t i = 0; i < c->n_active; i++)
		if (c->active[i] == f)
			return true;
	return false;
}

int
ti_ask_catalogue(const struct ti_conf *c)
{
	for (size_t i = 0; i < c->n_shipped; i++) {
		const struct ti_conf_feed *f = &c->shipped[i];

		printf("%c %-26s %-14s %3d  %s\n    licence: %s\n    %s%s%s\n", is_active(c, f) ? '*' : ' ', f->name, f->category,
		    f->confidence, f->url, f->licence, f->note, *f->note != '\0' ? "; " : "", is_active(c, f) ? "in use" : "not in use");
	}
	return 0;
}

/* ---- sets ---------------------------------------------------------------------------------------- */

static void
say_info(const char *path, const struct set_info *i)
{
	char t[32];

	printf("%s: %s, version %u, run %" PRIu64 " of %s UTC, %" PRIu64 " entries, %" PRIu64 " bytes (%.2f an entry), "
	    "%zu categories, CRC-32C %08x\n", path, i->kind == SET_DOMAINS ? "domains" : "addresses", i->version, i->generation,
	    when(t, i->created), i->entries, i->size, i->entries > 0 ? (double)i->size / (double)i->entries : 0.0,
	    i->n_categories, i->checksum);
}

int
ti_ask_set(const char *path, const char *what)
{
	struct diag *d = diag_new();
	struct set_dom *dom = NULL;
	struct set_ip *ip = NULL;
	struct set_info info;
	int r = 0;

	if (set_ip_open(&ip, path, 0, NULL) == 0) {
		set_ip_info(ip, &info);
		say_info(path, &info);
		if (what != NULL)
			r = set_ask_ip(ip, what) ? 0 : 1;
	} else if (set_dom_open(&dom, path, 0, d) == 0) {
		set_dom_info(dom, &info);
		say_info(path, &info);
		if (what != NULL)
			r = set_ask_dom(dom, what) ? 0 : 1;
	} else {
		diag_print(d, stderr);
		r = 3;
	}
	diag_free(&d);
	set_dom_close(&dom);
	set_ip_close(&ip);
	return r;
}
