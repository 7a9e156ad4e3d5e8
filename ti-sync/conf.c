/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/diag.h"
#include "ti-sync/conf.h"

static const struct conf_enum level_names[] = {
	{"err", LOG_ERR}, {"warning", LOG_WARNING}, {"notice", LOG_NOTICE}, {"info", LOG_INFO}, {"debug", LOG_DEBUG},
	{NULL, 0}
};

static const struct conf_enum format_names[] = {
	{"auto", TI_F_AUTO}, {"list", TI_F_LIST}, {"hosts", TI_F_HOSTS}, {"adblock", TI_F_ADBLOCK},
	{"dnsmasq", TI_F_DNSMASQ}, {"rpz", TI_F_RPZ}, {"bind", TI_F_BIND}, {"csv", TI_F_CSV}, {"tsv", TI_F_TSV},
	{"json", TI_F_JSON}, {"jsonl", TI_F_JSONL}, {"stix", TI_F_STIX}, {"misp", TI_F_MISP}, {"drop", TI_F_DROP},
	{NULL, 0}
};

static const struct conf_enum kinds_names[] = {
	{"all", TI_WANT_ALL}, {"domains", TI_WANT_DOMAINS}, {"addresses", TI_WANT_NETS}, {NULL, 0}
};

static const struct conf_enum output_names[] = {
	{"domains", TI_O_DOMAINS}, {"addresses", TI_O_ADDRESSES}, {"squid", TI_O_SQUID},
	{"haproxy-acl", TI_O_HAPROXY_ACL}, {"haproxy-map", TI_O_HAPROXY_MAP}, {"dnsmasq", TI_O_DNSMASQ},
	{"rpz", TI_O_RPZ}, {"hosts", TI_O_HOSTS}, {"nftables", TI_O_NFTABLES}, {NULL, 0}
};

static const char *
check_id(const void *field)
{
	const char *s = *(char *const *)field;
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n == 0 || n > SET_CATEGORY_LEN || s[n] != '\0' ? "must be 1 to 31 of a-z 0-9 _ -" : NULL;
}

static const char *
check_url(const void *field)
{
	const char *s = *(char *const *)field;

	if (*s == '\0' || strncmp(s, "https://", 8) == 0 || strncmp(s, "http://", 7) == 0)
		return strlen(s) < 1000 ? NULL : "is too long (1000 bytes)";
	return "must begin with https:// (or http://, with allow_http)";
}

static const char *
check_hex(const void *field)
{
	const char *s = *(char *const *)field;

	return *s == '\0' || (strlen(s) == 64 && strspn(s, "0123456789abcdefABCDEF") == 64) ? NULL :
	    "must be 64 hexadecimal digits";
}

#define URL(f, h)	{.name = #f, .type = CONF_T_STR, .offset = offsetof(struct ti_conf_feed, f), .max = 1000, .def = "", \
			 .unit = "url", .help = h, .check = check_url}

static const struct conf_opt feed_opts[] = {
	{.name = "name", .type = CONF_T_STR, .offset = offsetof(struct ti_conf_feed, name), .max = 64, .unit = "id",
	 .help = "of the feed, in reports and for why", .check = check_id},
	CONF_BOOL(struct ti_conf_feed, enabled, "true", "fetched, compiled and published"),
	URL(url, "where it is fetched"),
	CONF_STR(struct ti_conf_feed, file, "", "path", "read instead of a URL"),
	CONF_ENUM(struct ti_conf_feed, format, format_names, "auto", "of the content; auto finds out"),
	CONF_STR(struct ti_conf_feed, column, "", "number or name", "csv, tsv: column from 1, or as the header names it"),
	CONF_STR(struct ti_conf_feed, path, "", "path", "json, jsonl: as in data.[].host; empty: fields with the usual names"),
	CONF_ENUM(struct ti_conf_feed, kinds, kinds_names, "all", "what is taken from it"),
	{.name = "category", .type = CONF_T_STR, .offset = offsetof(struct ti_conf_feed, category), .max = 31,
	 .def = "malicious", .unit = "id", .help = "what its entries are", .check = check_id},
	CONF_INT(struct ti_conf_feed, confidence, 1, 100, "75", "per cent", "how sure it is"),
	CONF_STR(struct ti_conf_feed, licence, "", "text", "on what terms it may be used; shown by catalogue"),
	CONF_STR(struct ti_conf_feed, note, "", "text", "for people"),
	CONF_DURATION(struct ti_conf_feed, refresh, 0, 2592000000, "6h", "asked no more often than this"),
	CONF_DURATION(struct ti_conf_feed, expiry, 0, 31536000000, "1d", "an entry that the feed no longer has stays so long"),
	CONF_SIZE(struct ti_conf_feed, max_bytes, 1024, 4294967296, "200M", "of a download"),
	CONF_SIZE(struct ti_conf_feed, max_unpacked, 1024, 17179869184, "1G", "of its content"),
	CONF_INT(struct ti_conf_feed, max_entries, 1, 100000000, "20000000", "", "more: the content is refused"),
	CONF_INT(struct ti_conf_feed, min_entries, 0, 100000000, "1", "", "fewer: the content is refused"),
	CONF_INT(struct ti_conf_feed, max_loss, 0, 100, "50", "per cent", "more of the entries gone: the content is refused"),
	CONF_STR(struct ti_conf_feed, auth_header_file, "", "path", "a file with one header line, sent with the request; redirects are not followed then"),
	{.name = "sha256", .type = CONF_T_STR, .offset = offsetof(struct ti_conf_feed, sha256), .max = 64, .def = "",
	 .unit = "hex", .help = "of the content as delivered, where that never changes", .check = check_hex},
	URL(sha256_url, "where the checksum is, as sha256sum writes it"),
	CONF_STR(struct ti_conf_feed, public_key, "", "base64", "Ed25519 key, raw or as minisign writes it"),
	URL(signature_url, "where the signature is; empty: the URL with .minisig, or .sig for a raw key"),
	CONF_STR(struct ti_conf_feed, ca_file, "", "path", "certificates to trust instead of the system's"),
	CONF_BOOL(struct ti_conf_feed, allow_private, "false", "the URL may lead to a private address"),
	CONF_BOOL(struct ti_conf_feed, allow_http, "false", "plain http:// is accepted"),
	CONF_END
};

static const struct conf_opt output_opts[] = {
	CONF_ENUM(struct ti_conf_output, type, output_names, NULL, "what reads it"),
	CONF_STR(struct ti_conf_output, path, NULL, "path", "the file"),
	CONF_INT(struct ti_conf_output, min_confidence, 0, 100, "0", "per cent", "only entries at least as sure"),
	CONF_STRS(struct ti_conf_output, categories, "only these; empty: all"),
	CONF_STR(struct ti_conf_output, zone, "", "name", "rpz: the zone; nftables: the table"),
	CONF_END
};

static const struct conf_opt push_opts[] = {
	{.name = "name", .type = CONF_T_STR, .offset = offsetof(struct ti_conf_push, name), .max = 31, .unit = "id",
	 .help = "of the node, in the log", .check = check_id},
	{.name = "url", .type = CONF_T_STR, .offset = offsetof(struct ti_conf_push, url), .max = 900, .unit = "url",
	 .help = "of its llmsecd, without a slash at the end", .check = check_url},
	CONF_STR(struct ti_conf_push, token_file, NULL, "path", "holds a token of its llmsecd with the role operator"),
	CONF_STR(struct ti_conf_push, ca_file, "", "path", "certificates to trust instead of the system's"),
	CONF_ENUM(struct ti_conf_push, kinds, kinds_names, "all", "what it gets"),
	CONF_INT(struct ti_conf_push, min_confidence, 0, 100, "0", "per cent", "only entries at least as sure"),
	CONF_STRS(struct ti_conf_push, categories, "only these; empty: all"),
	CONF_INT(struct ti_conf_push, max_removals, 1, 1000000, "20000", "",
	    "in a run, from a node whose llmsecd takes them only one by one, 40 a second"),
	CONF_BOOL(struct ti_conf_push, allow_http, "false", "plain http:// is accepted, which shows the token to who listens"),
	CONF_END
};

#define F(f)	offsetof(struct ti_conf, fetch.f)
static const struct conf_opt fetch_opts[] = {
	{.name = "proxy", .type = CONF_T_STR, .offset = offsetof(struct ti_conf, fetch.proxy) - offsetof(struct ti_conf, fetch),
	 .max = 1000, .def = "", .unit = "url", .help = "asked instead of the feeds' hosts; then it has to refuse private ones"},
	{.name = "user_agent", .type = CONF_T_STR, .max = 200, .def = "llmsec-ti-sync/" PACKAGE_VERSION, .unit = "text",
	 .offset = F(user_agent) - offsetof(struct ti_conf, fetch), .help = "as the feeds see it"},
	{.name = "parallel", .type = CONF_T_INT, .min = 1, .max = 100, .def = "8", .unit = "",
	 .offset = F(parallel) - offsetof(struct ti_conf, fetch), .help = "downloads at a time"},
	{.name = "retries", .type = CONF_T_INT, .min = 0, .max = 10, .def = "3", .unit = "",
	 .offset = F(retries) - offsetof(struct ti_conf, fetch), .help = "of a download that failed for a passing reason"},
	{.name = "connect_timeout", .type = CONF_T_DURATION, .min = 100, .max = 600000, .def = "10s", .unit = "duration",
	 .offset = F(connect_timeout) - offsetof(struct ti_conf, fetch), .help = "until a connection stands"},
	{.name = "timeout", .type = CONF_T_DURATION, .min = 100, .max = 7200000, .def = "10m", .unit = "duration",
	 .offset = F(timeout) - offsetof(struct ti_conf, fetch), .help = "of one try"},
	{.name = "backoff", .type = CONF_T_DURATION, .min = 0, .max = 600000, .def = "2s", .unit = "duration",
	 .offset = F(backoff) - offsetof(struct ti_conf, fetch), .help = "before the first retry; doubled each time, with jitter"},
	CONF_END
};

#define U(f)	(offsetof(struct ti_conf, upstream.f) - offsetof(struct ti_conf, upstream))
static const struct conf_opt upstream_opts[] = {
	{.name = "url", .type = CONF_T_STR, .offset = U(url), .max = 1000, .def = "", .unit = "url", .check = check_url,
	 .help = "the other node's sets_dir, as a web server has it, without a slash at the end"},
	{.name = "public_key", .type = CONF_T_STR, .offset = U(public_key), .max = 100, .def = "", .unit = "base64",
	 .help = "of the other node's sign_key: 32 bytes of Ed25519"},
	{.name = "ca_file", .type = CONF_T_STR, .offset = U(ca_file), .max = 4096, .def = "", .unit = "path",
	 .help = "certificates to trust instead of the system's"},
	{.name = "allow_private", .type = CONF_T_BOOL, .offset = U(allow_private), .def = "true",
	 .help = "the other node may have a private address"},
	CONF_END
};

const struct conf_opt ti_conf_opts[] = {
	CONF_ENUM(struct ti_conf, log_level, level_names, "info", "least important line logged"),
	CONF_STR(struct ti_conf, state_dir, LLMSEC_STATEDIR "/ti", "path", "database and lock; nobody else's business"),
	CONF_STR(struct ti_conf, sets_dir, LLMSEC_STATEDIR "/sets", "path", "where domains.set and ips.set are published"),
	CONF_STR(struct ti_conf, catalogue, LLMSEC_DATADIR "/ti-catalogue.yaml", "path", "feeds shipped with the program"),
	CONF_STRS(struct ti_conf, enable, "feeds of the catalogue to use, by name"),
	CONF_STRS(struct ti_conf, allow, "names and networks never listed, nor anything below or in them"),
	CONF_STRS(struct ti_conf, allow_files, "files of such, in any of the formats"),
	CONF_STRS(struct ti_conf, top_files, "lists of well-known names, as rank,name or name: never listed themselves"),
	CONF_INT(struct ti_conf, top_max, 0, 10000000, "100000", "", "how many of each are believed"),
	CONF_MAP(struct ti_conf, fetch, fetch_opts, "how feeds are fetched"),
	CONF_SEQ(struct ti_conf, feeds, n_feeds, feed_opts, struct ti_conf_feed, "what is listed"),
	CONF_SEQ(struct ti_conf, outputs, n_outputs, output_opts, struct ti_conf_output, "for tools that read no sets"),
	CONF_SEQ(struct ti_conf, push, n_push, push_opts, struct ti_conf_push, "nodes whose llmsecd gets what is published"),
	CONF_STR(struct ti_conf, sign_key, "", "path", "Ed25519 key in PEM; signs sets_dir/manifest for nodes that pull; empty: none"),
	CONF_MAP(struct ti_conf, upstream, upstream_opts, "the node whose sets the command pull fetches"),
	CONF_STRS(struct ti_conf, on_change, "a program and its arguments, run after something new was published"),
	CONF_END
};

struct catalogue {
	struct ti_conf_feed	*feeds;
	size_t			 n_feeds;
};

static const struct conf_opt catalogue_opts[] = {
	CONF_SEQ(struct catalogue, feeds, n_feeds, feed_opts, struct ti_conf_feed, "feeds that may be enabled by name"),
	CONF_END
};

/* ---- what the tables can't say --------------------------------------------------------------------- */

static void
feed_check(const char *file, const struct ti_conf_feed *f, struct diag *d)
{
	if ((*f->url == '\0') == (*f->file == '\0'))
		diag_error(d, file, 0, 0, "feed %s: needs either url or file", f->name);
	if (strncmp(f->url, "http://", 7) == 0 && !f->allow_http)
		diag_error(d, file, 0, 0, "feed %s: http:// can be changed on its way; allow_http accepts that", f->name);
	if (*f->public_key == '\0' && *f->signature_url != '\0')
		diag_error(d, file, 0, 0, "feed %s: signature_url without public_key", f->name);
	if (*f->file != '\0' && (*f->signature_url != '\0' || *f->sha256_url != '\0'))
		diag_error(d, file, 0, 0, "feed %s: a file has no URL of a signature", f->name);
}

static void
feeds_check(const char *file, const struct ti_conf_feed *v, size_t n, struct diag *d)
{
	for (size_t i = 0; i < n; i++) {
		feed_check(file, &v[i], d);
		for (size_t k = 0; k < i; k++)
			if (strcmp(v[k].name, v[i].name) == 0)
				diag_error(d, file, 0, 0, "feed %s: the name of two feeds", v[i].name);
	}
}

static void
push_check(const char *file, const struct ti_conf *c, struct diag *d)
{
	for (size_t i = 0; i < c->n_push; i++) {
		const struct ti_conf_push *p = &c->push[i];

		if (*p->url == '\0')
			diag_error(d, file, 0, 0, "push %s: needs url", p->name);
		if (strncmp(p->url, "http://", 7) == 0 && !p->allow_http)
			diag_error(d, file, 0, 0, "push %s: http:// shows the token to who listens; allow_http accepts that", p->name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(c->push[k].name, p->name) == 0)
				diag_error(d, file, 0, 0, "push %s: the name of two nodes", p->name);
	}
}

static int
list_add(struct ti_conf *c, const struct ti_conf_push *p, int type, const char *suffix)
{
	struct ti_conf_output *o = &c->lists[c->n_lists];
	size_t size = strlen(c->state_dir) + strlen(p->name) + strlen(suffix) + 8;

	o->path = malloc(size);
	if (o->path == NULL)
		return -ENOMEM;
	snprintf(o->path, size, "%s/push.%s.%s", c->state_dir, p->name, suffix);
	o->type = type;
	o->min_confidence = p->min_confidence;
	o->categories = p->categories;
	o->zone = NULL;
	c->n_lists++;
	return 0;
}

static int
lists_make(struct ti_conf *c)
{
	int err = 0;

	c->lists = calloc(2 * c->n_push + 1, sizeof(*c->lists));
	if (c->lists == NULL)
		return -ENOMEM;
	for (size_t i = 0; err == 0 && i < c->n_push; i++) {
		if (c->push[i].kinds != TI_WANT_NETS)
			err = list_add(c, &c->push[i], TI_O_DOMAINS, "domains");
		if (err == 0 && c->push[i].kinds != TI_WANT_DOMAINS)
			err = list_add(c, &c->push[i], TI_O_ADDRESSES, "addresses");
	}
	return err;
}

static int
category_bit(struct ti_conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_categories; i++)
		if (strcmp(c->categories[i], name) == 0)
			return (int)i;
	if (c->n_categories == SET_CATEGORIES)
		return -1;
	c->categories[c->n_categories++] = name;
	return (int)c->n_categories - 1;
}

static void
feed_activate(struct ti_conf *c, struct ti_conf_feed *f, const char *file, struct diag *d)
{
	int bit = category_bit(c, f->category);

	for (size_t i = 0; i < c->n_active; i++)
		if (strcmp(c->active[i]->name, f->name) == 0)
			diag_error(d, file, 0, 0, "feed %s: the name of two feeds", f->name);
	if (bit < 0)
		diag_error(d, file, 0, 0, "feed %s: more than %d categories", f->name, SET_CATEGORIES);
	else
		f->bit = 1ULL << bit;
	c->active[c->n_active++] = f;
}

static int
activate(struct ti_conf *c, const char *path, struct diag *d)
{
	c->active = calloc(c->n_feeds + c->enable.n + 1, sizeof(*c->active));
	if (c->active == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_feeds; i++)
		if (c->feeds[i].enabled)
			feed_activate(c, &c->feeds[i], path, d);
	for (size_t i = 0; i < c->enable.n; i++) {
		size_t k = 0;

		while (k < c->n_shipped && strcmp(c->shipped[k].name, c->enable.v[i]) != 0)
			k++;
		if (k == c->n_shipped)
			diag_error(d, path, 0, 0, "enable: the catalogue has no feed %s", c->enable.v[i]);
		else
			feed_activate(c, &c->shipped[k], path, d);
	}
	return 0;
}

int
ti_conf_load(struct ti_conf *c, const char *path, struct diag *d)
{
	struct catalogue cat = {0};
	int err;

	memset(c, 0, sizeof(*c));
	err = conf_load(path, ti_conf_opts, c, &c->mem, d);
	if (err < 0)
		return err;
	if (*c->catalogue != '\0' && (c->enable.n > 0 || access(c->catalogue, R_OK) == 0)) {
		err = conf_load(c->catalogue, catalogue_opts, &cat, &c->shipped_mem, d);
		c->shipped = cat.feeds;
		c->n_shipped = cat.n_feeds;
	}
	if (err == 0) {
		feeds_check(path, c->feeds, c->n_feeds, d);
		feeds_check(c->catalogue, c->shipped, c->n_shipped, d);
		push_check(path, c, d);
		err = activate(c, path, d);
	}
	if (err == 0)
		err = lists_make(c);
	if (err == 0 && c->n_active == 0)
		diag_warn(d, path, 0, 0, "no feed is enabled: nothing will be listed");
	if (err == 0 && diag_errors(d) > 0)
		err = -EINVAL;
	if (err < 0)
		ti_conf_free(c);
	return err;
}

void
ti_conf_free(struct ti_conf *c)
{
	conf_mem_free(&c->mem);
	conf_mem_free(&c->shipped_mem);
	free(c->active);
	c->active = NULL;
	c->n_active = 0;
	for (size_t i = 0; i < c->n_lists; i++)
		free(c->lists[i].path);
	free(c->lists);
	c->lists = NULL;
	c->n_lists = 0;
}

uint64_t
ti_conf_bits(const struct ti_conf *c, const struct conf_strs *names)
{
	uint64_t bits = 0;

	for (size_t k = 0; k < names->n; k++)
		for (size_t i = 0; i < c->n_categories; i++)
			if (strcmp(c->categories[i], names->v[k]) == 0)
				bits |= 1ULL << i;
	/* Categories that no feed has: nothing, rather than everything. */
	return names->n > 0 && bits == 0 ? 1ULL << 63 : bits;
}

/* ---- digests: FNV-1a; they tell versions apart and protect nothing ---------------------------------- */

static uint64_t
mix(uint64_t h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * 1099511628211ULL;
	return h;
}

static uint64_t
mix_str(uint64_t h, const char *s)
{
	return mix(h, s, strlen(s) + 1);
}

#define BASIS	14695981039346656037ULL

int64_t
ti_conf_feed_digest(const struct ti_conf_feed *f)
{
	uint64_t h = mix(BASIS, &f->format, sizeof(f->format));

	h = mix(h, &f->kinds, sizeof(f->kinds));
	h = mix_str(mix_str(h, f->column), f->path);
	return (int64_t)(h >> 1);
}

static uint64_t
mix_output(uint64_t h, const struct ti_conf_output *o)
{
	h = mix_str(mix_str(h, o->path), o->zone != NULL ? o->zone : "");
	h = mix(mix(h, &o->type, sizeof(o->type)), &o->min_confidence, sizeof(o->min_confidence));
	for (size_t k = 0; k < o->categories.n; k++)
		h = mix_str(h, o->categories.v[k]);
	return h;
}

uint64_t
ti_conf_digest(const struct ti_conf *c)
{
	uint64_t h = mix_str(BASIS, c->sets_dir);

	for (size_t i = 0; i < c->n_active; i++) {
		const struct ti_conf_feed *f = c->active[i];

		h = mix_str(mix_str(h, f->name), f->category);
		h = mix(mix(h, &f->confidence, sizeof(f->confidence)), &f->expiry, sizeof(f->expiry));
	}
	for (size_t i = 0; i < c->n_outputs; i++)
		h = mix_output(h, &c->outputs[i]);
	for (size_t i = 0; i < c->n_lists; i++)
		h = mix_output(h, &c->lists[i]);
	return mix(h, &c->top_max, sizeof(c->top_max));
}
