/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "ti-sync/run_private.h"
#include "ti-sync/share.h"

#define KEYS_MAX	5	/* keys tried until no well-known name collides; the first does, all but always */

/* The lists that overrule feeds. */
struct lists {
	struct ti_collect	allow, top;
	uint64_t		digest;
};

struct publisher {
	struct ti_run		*r;
	struct lists		 l;
	struct ti_source	*src;
	struct set_meta		 meta;
	struct ti_output	**out;
	struct set_dom_writer	*dom;
	struct set_ip_writer	*ip;
	struct ti_keys		 clean;
};

/* ---- lists --------------------------------------------------------------------------------------- */

static uint64_t
keys_digest(uint64_t h, const struct ti_keys *k)
{
	for (size_t i = 0; i < k->n; i++) {
		size_t len;
		const char *p = ti_keys_at(k, i, &len);

		for (size_t b = 0; b <= len; b++)
			h = (h ^ (b < len ? (uint8_t)p[b] : 0)) * 1099511628211ULL;
	}
	return h;
}

/* A list that can't be read might be the one that keeps everybody's mail: nothing is published without it. */
static int
files_read(const struct conf_strs *files, size_t max, struct ti_collect *into)
{
	for (size_t i = 0; i < files->n; i++) {
		char why[160];
		int err = ti_import_list(files->v[i], max != 0 ? ti_collect_entries(into) + max : 0, into, why);

		if (err < 0) {
			log_err("%s: %s", files->v[i], why);
			return err == -ENOMEM ? err : -EINVAL;
		}
	}
	return 0;
}

static int
lists_read(struct ti_run *r, struct lists *l)
{
	int err = 0;

	for (size_t i = 0; i < r->conf->allow.n; i++)
		ti_collect_token(&l->allow, r->conf->allow.v[i], strlen(r->conf->allow.v[i]));
	for (int i = 0; i < TI_REASONS; i++)
		if (l->allow.refused[i] > 0 && i != TI_PUBLIC_SUFFIX && i != TI_RESERVED_NAME && i != TI_RESERVED_ADDRESS)
			log_warnx("allow: \"%s\" is %s", l->allow.example[i][0].text, ti_reason_str((enum ti_reason)i));
	err = files_read(&r->conf->allow_files, 0, &l->allow);
	if (err == 0 && r->conf->top_max > 0)
		err = files_read(&r->conf->top_files, (size_t)r->conf->top_max, &l->top);
	ti_keys_sort(&l->allow.names);
	ti_keys_sort(&l->allow.nets);
	ti_keys_sort(&l->top.names);
	l->digest = keys_digest(keys_digest(keys_digest(1, &l->allow.names), &l->allow.nets), &l->top.names);
	return err;
}

/* ---- is there anything to do? ---------------------------------------------------------------------- */

/* Those of the configuration, then the lists that push reads. */
static const struct ti_conf_output *
output_at(const struct ti_conf *c, size_t i)
{
	return i < c->n_outputs ? &c->outputs[i] : &c->lists[i - c->n_outputs];
}

static size_t
outputs_n(const struct ti_conf *c)
{
	return c->n_outputs + c->n_lists;
}

static bool
sets_there(const struct ti_conf *c)
{
	struct set_dom *d;
	struct set_ip *i;
	char path[PATH_MAX];
	bool ok;

	snprintf(path, sizeof(path), "%s/domains.set", c->sets_dir);
	ok = set_dom_open(&d, path, 0, NULL) == 0;
	if (ok)
		set_dom_close(&d);
	snprintf(path, sizeof(path), "%s/ips.set", c->sets_dir);
	ok = ok && set_ip_open(&i, path, 0, NULL) == 0;
	if (ok)
		set_ip_close(&i);
	for (size_t k = 0; ok && k < outputs_n(c); k++)
		ok = access(output_at(c, k)->path, R_OK) == 0;
	return ok;
}

static int
sources_make(struct publisher *p)
{
	struct ti_run *r = p->r;

	p->src = calloc(r->n_jobs + 1, sizeof(*p->src));
	if (p->src == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_jobs; i++) {
		const struct ti_conf_feed *f = r->jobs[i].f;

		p->src[i] = (struct ti_source){r->jobs[i].row.id, ti_store_run_after(r->st, r->now - f->expiry / 1000 - 1),
		    f->bit, (uint8_t)f->confidence};
		if (f->expiry == 0)
			p->src[i].since = INT64_MAX;
	}
	return 0;
}

/* What decides about the published files, other than entries that this run changed. */
static void
fingerprint(const struct publisher *p, char out[40])
{
	uint64_t h = ti_conf_digest(p->r->conf) * 31 + p->l.digest;

	for (size_t i = 0; i < p->r->n_jobs; i++)
		h = h * 1099511628211ULL + (uint64_t)ti_store_last_loss(p->r->st, p->src[i].feed, p->src[i].since);
	snprintf(out, 40, "%016" PRIx64, h);
}

/* ---- sets ---------------------------------------------------------------------------------------- */

struct set_sink {
	struct ti_sink		 sink;
	struct set_dom_writer	*dom;
	struct set_ip_writer	*ip;
};

static int
set_entry(struct ti_sink *sink, enum ti_kind kind, const void *key, size_t len, const struct set_class *c)
{
	struct set_sink *s = (struct set_sink *)sink;		/* its first member */
	char name[TI_KEY_MAX];
	struct cidr net;
	size_t n;

	if (kind == TI_NET) {
		ti_net_of_key(&net, key);
		return set_ip_writer_add(s->ip, &net, c);
	}
	n = ti_name_of_key(name, key, len);
	return set_dom_writer_add(s->dom, name, n, c);
}

static int
outputs_open(struct publisher *p)
{
	const struct ti_conf *c = p->r->conf;
	int err = 0;

	p->out = calloc(outputs_n(c) + 1, sizeof(*p->out));
	if (p->out == NULL)
		return -ENOMEM;
	for (size_t i = 0; err == 0 && i < outputs_n(c); i++) {
		const struct ti_conf_output *v = output_at(c, i);
		struct ti_output_opts o = {(enum ti_output_type)v->type, v->path, ti_conf_bits(c, &v->categories),
		    v->min_confidence, v->zone, &p->meta};

		err = ti_output_open(&p->out[i], &o);
		if (err < 0)
			log_err("%s: %s", o.path, strerror(-err));
	}
	return err;
}

static int
compile(struct publisher *p, bool outputs)
{
	struct ti_run *r = p->r;
	struct set_sink set = {{set_entry}, p->dom, p->ip};
	struct ti_sink **sinks = calloc(outputs_n(r->conf) + 1, sizeof(*sinks));
	static const struct ti_keys none;
	size_t n = 0;
	int err;

	if (sinks == NULL)
		return -ENOMEM;
	sinks[n++] = &set.sink;
	for (size_t i = 0; outputs && i < outputs_n(r->conf); i++)
		sinks[n++] = ti_output_sink(p->out[i]);
	err = ti_compile(r->st, TI_DOMAIN, p->src, r->n_jobs, &p->l.allow.names, &p->l.top.names, sinks, n, &p->clean,
	    &r->names);
	if (err == 0 && outputs)
		err = ti_compile(r->st, TI_NET, p->src, r->n_jobs, &p->l.allow.nets, &none, sinks, n, NULL, &r->nets);
	free(sinks);
	return err;
}

static bool
collides(struct publisher *p)
{
	for (size_t i = 0; i < p->clean.n; i++) {
		char name[TI_KEY_MAX];
		size_t len;
		const char *k = ti_keys_at(&p->clean, i, &len);

		len = ti_name_of_key(name, k, len);
		if (set_dom_writer_collides(p->dom, name, len))
			return true;
	}
	return false;
}

/* The key stays from run to run, so that the same lists make the same file. */
static int
key_get(struct ti_run *r, uint8_t key[16], bool another)
{
	char hex[40];
	unsigned b;

	if (ti_store_meta_get(r->st, "hash_key", hex, sizeof(hex)) < 0)
		return -EIO;
	if (!another && strlen(hex) == 32) {
		for (int i = 0; i < 16; i++)
			key[i] = sscanf(hex + 2 * i, "%2x", &b) == 1 ? (uint8_t)b : 0;
		return 0;
	}
	if (getrandom(key, 16, 0) != 16)
		return -EIO;
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
	return ti_store_meta_put(r->st, "hash_key", hex);
}

static int
writers_fill(struct publisher *p)
{
	int err = 0;

	for (int i = 0; i < KEYS_MAX; i++) {
		err = key_get(p->r, p->meta.key, i > 0);
		set_dom_writer_free(&p->dom);
		ti_keys_free(&p->clean);
		if (err == 0 && (p->dom = set_dom_writer_new(&p->meta)) == NULL)
			err = -ENOMEM;
		if (err == 0)
			err = compile(p, i == 0);
		if (err < 0 || !collides(p))
			return err;
		log_notice("a name of the allow or top list collides: another key");
	}
	return -EEXIST;
}

static int
files_publish(struct publisher *p)
{
	struct ti_run *r = p->r;
	char path[PATH_MAX];
	int err;

	r->set_names = set_dom_writer_entries(p->dom);
	r->set_nets = set_ip_writer_entries(p->ip);
	snprintf(path, sizeof(path), "%s/domains.set", r->conf->sets_dir);
	err = set_dom_writer_write(p->dom, path);
	snprintf(path, sizeof(path), "%s/ips.set", r->conf->sets_dir);
	if (err == 0)
		err = set_ip_writer_write(p->ip, path);
	for (size_t i = 0; err == 0 && i < outputs_n(r->conf); i++)
		err = ti_output_publish(p->out[i], &r->outputs[i].entries);
	return err;
}

static int
publish(struct publisher *p)
{
	int err;

	p->meta = (struct set_meta){.created = p->r->now, .generation = (uint64_t)p->r->run,
	    .categories = p->r->conf->categories, .n_categories = p->r->conf->n_categories};
	p->ip = set_ip_writer_new(&p->meta);
	err = p->ip != NULL ? outputs_open(p) : -ENOMEM;
	if (err == 0)
		err = writers_fill(p);
	if (err == 0)
		err = files_publish(p);
	return err;
}

static void
publisher_free(struct publisher *p)
{
	for (size_t i = 0; p->out != NULL && i < outputs_n(p->r->conf); i++)
		ti_output_free(&p->out[i]);
	free(p->out);
	free(p->src);
	set_dom_writer_free(&p->dom);
	set_ip_writer_free(&p->ip);
	ti_keys_free(&p->clean);
	ti_collect_free(&p->l.allow);
	ti_collect_free(&p->l.top);
}

int
ti_run_publish(struct ti_run *r)
{
	struct publisher p = {.r = r};
	char mark[40], old[40];
	double t = ti_seconds();
	int err = lists_read(r, &p.l);

	if (err == 0)
		err = sources_make(&p);
	if (err == 0) {
		fingerprint(&p, mark);
		err = ti_store_meta_get(r->st, "published", old, sizeof(old));
	}
	if (err == 0 && (r->changed || r->o->rebuild || strcmp(mark, old) != 0 || !sets_there(r->conf))) {
		/* Unmarked while files are exchanged: whoever is killed in between is made up for by the next run. */
		err = ti_store_meta_put(r->st, "published", "");
		ti_share_keep(r->conf);
		if (err == 0)
			err = publish(&p);
		if (err == 0)
			err = ti_store_meta_put(r->st, "published", mark);
		r->published = err == 0;
	}
	publisher_free(&p);
	r->t_publish = ti_seconds() - t;
	return err;
}
