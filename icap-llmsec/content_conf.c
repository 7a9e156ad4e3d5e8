/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/content.h"
#include "icap-llmsec/secret.h"
#include "lib/diag.h"

static const struct conf_enum mode_names[] = {{"allow", CONTENT_ALLOW}, {"monitor", CONTENT_MONITOR}, {"block", CONTENT_BLOCK}, {NULL, 0}};
static const struct conf_enum secret_names[] = {{"off", CONTENT_ALLOW}, {"monitor", CONTENT_MONITOR}, {"mask", CONTENT_MASK},
	{"block", CONTENT_BLOCK}, {NULL, 0}};
static const struct conf_enum own_mode_names[] = {{"inherit", -1}, {"allow", CONTENT_ALLOW}, {"monitor", CONTENT_MONITOR},
	{"block", CONTENT_BLOCK}, {NULL, 0}};
static const struct conf_enum own_secret_names[] = {{"inherit", -1}, {"off", CONTENT_ALLOW}, {"monitor", CONTENT_MONITOR},
	{"mask", CONTENT_MASK}, {"block", CONTENT_BLOCK}, {NULL, 0}};

#define CLASS(n, c, t, d, h)	{ .name = n, .type = CONF_T_ENUM, .offset = offsetof(struct content_types, class) + sizeof(int) * (c), \
	.names = t, .def = d, .unit = "", .help = h }
#define TYPES(t, archive, executable, document, data, limit) { \
	CLASS("archive", FT_ARCHIVE, t, archive, "zip, tar, gzip, 7z, rar, iso ..."), \
	CLASS("executable", FT_EXECUTABLE, t, executable, "programs, scripts, jar, wheel, deb, rpm, pickle ..."), \
	CLASS("document", FT_DOCUMENT, t, document, "pdf, office formats"), \
	CLASS("image", FT_IMAGE, t, data, "pictures"), CLASS("audio", FT_AUDIO, t, data, "sound"), CLASS("video", FT_VIDEO, t, data, "films"), \
	CLASS("text", FT_TEXT, t, data, "plain, html, json, xml, mail"), CLASS("data", FT_DATA, t, data, "anything else"), \
	CONF_STRS(struct content_types, allow, "types by name, allowed whatever their class"), \
	CONF_STRS(struct content_types, monitor, "types by name, told about"), \
	CONF_STRS(struct content_types, deny, "types by name, refused whatever their class"), \
	CONF_SIZE(struct content_types, max, 0, INT64_MAX, limit, "largest body as sent; 0: no limit"), \
	CONF_END }
static const struct conf_opt upload_opts[] = TYPES(mode_names, "block", "block", "allow", "allow", "32M");
static const struct conf_opt download_opts[] = TYPES(mode_names, "monitor", "block", "allow", "allow", "0");
static const struct conf_opt own_opts[] = TYPES(own_mode_names, "inherit", "inherit", "inherit", "inherit", "0");

static const struct conf_opt rule_opts[] = {
	CONF_STR(struct content_rule, name, NULL, "", "what it is for"),
	CONF_STRS(struct content_rule, hosts, "exact names; .example.org: that and all below"),
	CONF_MAP(struct content_rule, upload, own_opts, "to them"),
	CONF_MAP(struct content_rule, download, own_opts, "from them"),
	CONF_ENUM(struct content_rule, secrets, own_secret_names, "inherit", "keys and passwords on their way to them"),
	CONF_ENUM(struct content_rule, python, own_mode_names, "inherit", "Python's start-up files that run code"),
	CONF_ENUM(struct content_rule, pieces, own_mode_names, "inherit", "uploads of a part of a file"),
	CONF_END
};

const struct conf_opt content_conf_opts[] = {
	CONF_MAP(struct content_conf, upload, upload_opts, "bodies of requests, by class"),
	CONF_MAP(struct content_conf, download, download_opts, "bodies of answers, by class"),
	CONF_ENUM(struct content_conf, secrets, secret_names, "block", "keys and passwords in requests; mask: stars in bodies, refused in headers"),
	CONF_ENUM(struct content_conf, python, mode_names, "block", "Python's start-up files (.pth, sitecustomize) that run code, also in packages"),
	CONF_ENUM(struct content_conf, opaque, mode_names, "block", "what can't be looked at: unknown codings, broken multipart, too large"),
	CONF_ENUM(struct content_conf, unreadable, mode_names, "monitor", "something in an archive that can't be read, and that no installer opens by itself"),
	CONF_ENUM(struct content_conf, pieces, mode_names, "block", "uploads of a part of a file, which doesn't tell what it is of"),
	CONF_SIZE(struct content_conf, max_whole, 65536, 1 << 30, "32M", "collected where only the whole tells"),
	CONF_SIZE(struct content_conf, max_unpacked, 65536, (int64_t)1 << 32, "256M", "that an archive may unpack to"),
	CONF_SEQ(struct content_conf, rules, n_rules, rule_opts, struct content_rule, "other settings for some hosts; the first that fits counts"),
	CONF_END
};

static int
check_names(const struct conf_strs *l, const char *path, struct diag *d)
{
	for (size_t i = 0; i < l->n; i++)
		if (filetype_named(l->v[i]) == NULL) {
			diag_error(d, path, 0, 0, "content: \"%s\" is no type that we know", l->v[i]);
			return -EINVAL;
		}
	return 0;
}

static int
check_types(const struct content_types *t, const char *path, struct diag *d)
{
	return check_names(&t->allow, path, d) < 0 || check_names(&t->monitor, path, d) < 0 || check_names(&t->deny, path, d) < 0 ? -EINVAL : 0;
}

int
content_conf_compile(struct content_conf *c, const char *path, struct diag *d)
{
	struct secret_conf all = {.all = DETECT_BLOCK};
	int rc = 0;

	for (int g = 0; g < SECRET_GROUPS; g++)
		all.mode[g] = -1;
	rc = check_types(&c->upload, path, d) < 0 || check_types(&c->download, path, d) < 0 ? -EINVAL : 0;
	for (size_t i = 0; rc == 0 && i < c->n_rules; i++)
		if (check_types(&c->rules[i].upload, path, d) < 0 || check_types(&c->rules[i].download, path, d) < 0)
			rc = -EINVAL;
	return rc < 0 ? rc : secret_new(&c->finder, &all);
}

void
content_conf_free(struct content_conf *c)
{
	secret_free(&c->finder);
}
