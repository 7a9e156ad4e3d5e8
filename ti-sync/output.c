/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file_write.h"
#include "ti-sync/output.h"

struct file {
	FILE	*f;
	char	 tmp[PATH_MAX], path[PATH_MAX];
};

struct ti_output {
	struct ti_sink		 sink;
	struct ti_output_opts	 o;
	struct file		 main, except;	/* the exceptions go beside, where the format has none */
	size_t			 entries;
	uint8_t			 last[TI_KEY_MAX];	/* written; what it covers is left out */
	size_t			 last_len;
	enum ti_kind		 last_kind;
	unsigned		 group, family;	/* nftables: elements in the statement begun; 4 or 6 */
};

/* How one entry looks.  <text> is a name or a network; <cat> "malware,phishing". */
typedef void (*line_fn)(FILE *, const char *text, const char *cat, const struct ti_output *);

/* ---- formats ------------------------------------------------------------------------------------- */

static void
line_plain(FILE *f, const char *text, const char *cat, const struct ti_output *o)
{
	fputs(text, f);
	putc('\n', f);
}

static void
line_dot(FILE *f, const char *text, const char *cat, const struct ti_output *o)
{
	putc('.', f);
	line_plain(f, text, cat, o);
}

static void
line_map(FILE *f, const char *text, const char *cat, const struct ti_output *o)
{
	fprintf(f, ".%s %s\n", text, cat);
}

static void
line_dnsmasq(FILE *f, const char *text, const char *cat, const struct ti_output *o)
{
	fprintf(f, "local=/%s/\n", text);
}

static void
pass_dnsmasq(FILE *f, const char *text, const char *cat, const struct ti_output *o)
{
	fprintf(f, "server=/%s/#\n", text);
}

static void
line_hosts(FILE *f, const char *text, const char *cat, const struct ti_output *o)
{
	fprintf(f, "0.0.0.0 %s\n", text);
}

static void
line_rpz(FILE *f, const char *text, const char *cat, const struct ti_output *o)
{
	fprintf(f, "%s CNAME .\n*.%s CNAME .\n", text, text);
}

static void
pass_rpz(FILE *f, const char *text, const char *cat, const struct ti_output *o)
{
	fprintf(f, "%s CNAME rpz-passthru.\n*.%s CNAME rpz-passthru.\n", text, text);
}

static const struct {
	const char	*name;
	bool		 names, nets;
	line_fn		 line, pass;		/* of names; pass NULL: a file of its own, with the same lines */
} types[TI_OUTPUTS] = {
	[TI_O_DOMAINS] = {"domains", true, false, line_plain, NULL},
	[TI_O_ADDRESSES] = {"addresses", false, true, line_plain, NULL},
	[TI_O_SQUID] = {"squid", true, false, line_dot, NULL},
	[TI_O_HAPROXY_ACL] = {"haproxy-acl", true, false, line_dot, NULL},
	[TI_O_HAPROXY_MAP] = {"haproxy-map", true, false, line_map, NULL},
	[TI_O_DNSMASQ] = {"dnsmasq", true, false, line_dnsmasq, pass_dnsmasq},
	[TI_O_RPZ] = {"rpz", true, true, line_rpz, pass_rpz},
	[TI_O_HOSTS] = {"hosts", true, false, line_hosts, NULL},
	[TI_O_NFTABLES] = {"nftables", false, true, NULL, NULL},
};

const char *
ti_output_type_str(enum ti_output_type t)
{
	return types[t].name;
}

/* ---- files --------------------------------------------------------------------------------------- */

static int
file_open(struct file *f, const char *path, const char *suffix)
{
	int fd;

	if (snprintf(f->path, sizeof(f->path), "%s%s", path, suffix) >= (int)sizeof(f->path) - 8)
		return -ENAMETOOLONG;
	snprintf(f->tmp, sizeof(f->tmp), "%s%s.new", path, suffix);
	unlink(f->tmp);
	fd = open(f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	f->f = fdopen(fd, "w");
	if (f->f == NULL) {
		close(fd);
		return -ENOMEM;
	}
	return 0;
}

static int
file_finish(struct file *f)
{
	int err = fflush(f->f) != 0 || fsync(fileno(f->f)) != 0 ? -errno : 0;

	if (fclose(f->f) != 0 && err == 0)
		err = -errno;
	f->f = NULL;
	return err;
}

static const char *
zone_of(const struct ti_output *o, const char *def)
{
	return o->o.zone != NULL && o->o.zone[0] != '\0' ? o->o.zone : def;
}

static void
head_write(struct ti_output *o)
{
	FILE *f = o->main.f;

	if (o->o.type == TI_O_RPZ)
		fprintf(f, "$TTL 300\n@ SOA %s. hostmaster.%s. %u 3600 600 86400 300\n  NS localhost.\n",
		    zone_of(o, "rpz.llmsec"), zone_of(o, "rpz.llmsec"), (unsigned)o->o.meta->generation);
	else if (o->o.type == TI_O_NFTABLES)
		fprintf(f, "table inet %1$s {\n\tset ti4 { type ipv4_addr; flags interval; }\n"
		    "\tset ti6 { type ipv6_addr; flags interval; }\n}\nflush set inet %1$s ti4\nflush set inet %1$s ti6\n",
		    zone_of(o, "llmsec"));
	else
		fprintf(f, "# llmsec-ti-sync, run %llu\n", (unsigned long long)o->o.meta->generation);
}

/* ---- entries ------------------------------------------------------------------------------------- */

static const char *
categories_text(char out[512], const struct ti_output *o, uint64_t categories)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < o->o.meta->n_categories; i++)
		if ((categories >> i & 1) != 0 && n < 450)
			n += (size_t)snprintf(out + n, 512 - n, "%s%s", n > 0 ? "," : "", o->o.meta->categories[i]);
	return out;
}

/* 24.0.2.0.192.rpz-ip: the opposite of what format_lines.c reads (draft-vixie-dnsop-dns-rpz 4.1). */
static void
rpz_net(FILE *f, const struct cidr *c)
{
	const uint8_t *a = c->addr;

	if (cidr_is_v4(c)) {
		fprintf(f, "%u.%u.%u.%u.%u.rpz-ip", c->len - 96u, a[15], a[14], a[13], a[12]);
		return;
	}
	fprintf(f, "%u", c->len);
	for (int i = 14; i >= 0; i -= 2)
		fprintf(f, ".%x", (unsigned)a[i] << 8 | a[i + 1]);
	fputs(".rpz-ip", f);
}

/* A statement for each 500 of a family: nft reads them in seconds, and a person can, too. */
static void
nft_net(struct ti_output *o, const struct cidr *c, const char *text)
{
	unsigned family = cidr_is_v4(c) ? 4 : 6;

	if (o->group > 0 && (family != o->family || o->group == 500)) {
		fputs(" }\n", o->main.f);
		o->group = 0;
	}
	if (o->group == 0)
		fprintf(o->main.f, "add element inet %s ti%u { %s", zone_of(o, "llmsec"), family, text);
	else
		fprintf(o->main.f, ", %s", text);
	o->family = family;
	o->group++;
}

static void
net_write(struct ti_output *o, const void *key, bool pass)
{
	char text[CIDR_TEXT];
	struct cidr c;

	ti_net_of_key(&c, key);
	if (o->o.type == TI_O_NFTABLES && !pass) {
		nft_net(o, &c, cidr_format(&c, text));
	} else if (o->o.type == TI_O_RPZ) {
		rpz_net(o->main.f, &c);
		fputs(pass ? " CNAME rpz-passthru.\n" : " CNAME .\n", o->main.f);
	} else {
		line_plain(pass ? o->except.f : o->main.f, cidr_format(&c, text), "", o);
	}
}

static void
name_write(struct ti_output *o, const void *key, size_t len, const struct set_class *c, bool pass)
{
	char name[TI_KEY_MAX], cat[512];

	ti_name_of_key(name, key, len);
	categories_text(cat, o, c->categories);
	if (!pass)
		types[o->o.type].line(o->main.f, name, cat, o);
	else if (types[o->o.type].pass != NULL)
		types[o->o.type].pass(o->main.f, name, cat, o);
	else
		types[o->o.type].line(o->except.f, name, cat, o);
}

static int
output_entry(struct ti_sink *sink, enum ti_kind kind, const void *key, size_t len, const struct set_class *c)
{
	struct ti_output *o = (struct ti_output *)sink;		/* its first member */
	bool pass = (c->flags & SET_PASS) != 0;
	bool covered = o->last_kind == kind && ti_key_covers(kind, o->last, o->last_len, key, len);

	if (!(kind == TI_DOMAIN ? types[o->o.type].names : types[o->o.type].nets))
		return 0;
	/* An exception is one only below what is written here. */
	if (pass != covered)
		return 0;
	if (!pass) {
		if (c->confidence < o->o.min_confidence || (o->o.categories != 0 && (c->categories & o->o.categories) == 0))
			return 0;
		memcpy(o->last, key, len);
		o->last_len = len;
		o->last_kind = kind;
		o->entries++;
	}
	if (kind == TI_DOMAIN)
		name_write(o, key, len, c, pass);
	else
		net_write(o, key, pass);
	return ferror(o->main.f) != 0 ? -EIO : 0;
}

int
ti_output_open(struct ti_output **out, const struct ti_output_opts *opts)
{
	struct ti_output *o = calloc(1, sizeof(*o));
	int err;

	*out = NULL;
	if (o == NULL)
		return -ENOMEM;
	o->o = *opts;
	o->sink.entry = output_entry;
	err = file_open(&o->main, opts->path, "");
	if (err == 0 && types[opts->type].pass == NULL)
		err = file_open(&o->except, opts->path, ".except");
	if (err != 0) {
		ti_output_free(&o);
		return err;
	}
	head_write(o);
	*out = o;
	return 0;
}

struct ti_sink *
ti_output_sink(struct ti_output *o)
{
	return &o->sink;
}

int
ti_output_publish(struct ti_output *o, size_t *entries)
{
	int err = 0;

	*entries = o->entries;
	if (o->group > 0)
		fputs(" }\n", o->main.f);
	err = file_finish(&o->main);
	if (err == 0 && o->except.f != NULL)
		err = file_finish(&o->except);
	/* First the exceptions: they do no harm without what they are excepted from. */
	if (err == 0 && o->except.path[0] != '\0' && rename(o->except.tmp, o->except.path) != 0)
		err = -errno;
	if (err == 0 && rename(o->main.tmp, o->main.path) != 0)
		err = -errno;
	return err != 0 ? err : file_parent_sync(o->main.path);
}

void
ti_output_free(struct ti_output **op)
{
	struct ti_output *o = *op;
	struct file *v[2];

	*op = NULL;
	if (o == NULL)
		return;
	v[0] = &o->main;
	v[1] = &o->except;
	for (int i = 0; i < 2; i++)
		if (v[i]->f != NULL) {
			fclose(v[i]->f);
			unlink(v[i]->tmp);
		}
	free(o);
}
