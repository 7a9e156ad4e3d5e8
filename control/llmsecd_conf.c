/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>

#include "control/listen.h"
#include "control/llmsecd_conf.h"
#include "lib/diag.h"

static const struct conf_enum levels[] = {
	{ "err", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
	{ "info", LOG_INFO }, { "debug", LOG_DEBUG }, { NULL, 0 },
};

static const char *
socket_path_check(const void *field)
{
	const char *path = *(char *const *)field;
	size_t n = strlen(path);

	return n > 0 && n < sizeof(((struct sockaddr_un *)0)->sun_path) ? NULL :
	    "a socket's path has 1 to 107 characters";
}

static const char *
text_check(const void *field)
{
	return **(char *const *)field != '\0' ? NULL : "must not be empty";
}

static const char *
listen_check(const void *field)
{
	struct sockaddr_storage ss;
	socklen_t len;

	return listen_parse(*(char *const *)field, &ss, &len) == 0 ? NULL :
	    "a loopback address and port: 127.0.0.1:9190 or [::1]:9190";
}

#define S(f) __typeof__(((struct llmsecd_conf *)0)->f)

static const struct conf_opt events_opts[] = {
	{ .name = "socket", .type = CONF_T_STR, .offset = offsetof(S(events), socket),
	  .max = 4096, .def = "/run/llmsec/events.sock", .unit = "path", .check = socket_path_check,
	  .help = "socket the other programs send their events to" },
	{ .name = "spool_dir", .type = CONF_T_STR, .offset = offsetof(S(events), spool_dir),
	  .max = 4096, .def = "/var/lib/llmsec/spool", .unit = "path", .check = text_check,
	  .help = "directory where they keep what is not on disk here yet" },
	CONF_END
};

static const struct conf_opt database_opts[] = {
	{ .name = "path", .type = CONF_T_STR, .offset = offsetof(S(database), path),
	  .max = 4000, .def = "/var/lib/llmsec/control/events.db", .unit = "path",
	  .check = text_check, .help = "SQLite file; its directory must be writable" },
	{ .name = "batch_max", .type = CONF_T_INT, .offset = offsetof(S(database), batch_max),
	  .min = 1, .max = 10000, .def = "500", .unit = "events",
	  .help = "write to disk after so many events" },
	{ .name = "batch_delay", .type = CONF_T_DURATION,
	  .offset = offsetof(S(database), batch_delay), .min = 1, .max = 1000, .def = "50ms",
	  .unit = "duration", .help = "or when the oldest has waited so long" },
	CONF_END
};

static const struct conf_opt retention_opts[] = {
	{ .name = "max_age", .type = CONF_T_DURATION, .offset = offsetof(S(retention), max_age),
	  .min = 0, .max = INT64_C(3155760000000), .def = "90d", .unit = "duration",
	  .help = "delete older events; 0s keeps them" },
	{ .name = "max_rows", .type = CONF_T_INT, .offset = offsetof(S(retention), max_rows),
	  .min = 0, .max = INT32_MAX, .def = "10000000", .unit = "events",
	  .help = "delete the oldest above this number; 0: no limit" },
	{ .name = "slice", .type = CONF_T_INT, .offset = offsetof(S(retention), slice),
	  .min = 1, .max = 100000, .def = "500", .unit = "events",
	  .help = "delete so many at a time, so that new events never wait long" },
	{ .name = "every", .type = CONF_T_DURATION, .offset = offsetof(S(retention), every),
	  .min = 100, .max = 86400000, .def = "60s", .unit = "duration",
	  .help = "look for old events this often" },
	CONF_END
};

static const struct conf_opt http_opts[] = {
	{ .name = "listen", .type = CONF_T_STR, .offset = offsetof(S(http), listen),
	  .max = 64, .def = "127.0.0.1:9190", .unit = "address:port", .check = listen_check,
	  .help = "where /healthz, /metrics and /api are served; loopback only" },
	{ .name = "token_file", .type = CONF_T_STR, .offset = offsetof(S(http), token_file),
	  .max = 4096, .def = "/etc/llmsec/api.token", .unit = "path", .check = text_check,
	  .help = "first line: the bearer token that may do everything, 16 characters or more" },
	{ .name = "ban_token_file", .type = CONF_T_STR, .offset = offsetof(S(http), ban_token_file),
	  .max = 4096, .def = "\"\"", .unit = "path",
	  .help = "a token that may read, ban and unban; empty: none" },
	{ .name = "read_token_file", .type = CONF_T_STR, .offset = offsetof(S(http), read_token_file),
	  .max = 4096, .def = "\"\"", .unit = "path", .help = "a token that may read; empty: none" },
	{ .name = "tokens", .type = CONF_T_STR, .offset = offsetof(S(http), tokens), .max = 4096, .def = "\"\"",
	  .unit = "path", .help = "more tokens, hashed, with roles: llmsecctl token; empty: none" },
	{ .name = "max_connections", .type = CONF_T_INT,
	  .offset = offsetof(S(http), max_connections), .min = 4, .max = 1024, .def = "64",
	  .unit = "connections", .help = "at most so many at once, half of them following" },
	CONF_END
};

/* It becomes a word of a command line. */
static const char *
word_check(const void *field)
{
	const char *s = *(char *const *)field;

	return *s != '\0' && s[strcspn(s, " \t\r\n;\\'\"<#")] == '\0' ? NULL :
	    "no blanks, quotes or any of ; \\ < #";
}

static const char *
haproxy_socket_check(const void *field)
{
	return **(char *const *)field == '\0' ? NULL : socket_path_check(field);
}

static const struct conf_opt bans_opts[] = {
	{ .name = "database", .type = CONF_T_STR, .offset = offsetof(S(bans), database), .max = 4000,
	  .def = "\"\"", .unit = "path",
	  .help = "SQLite file; empty: bans.db in the folder of database.path" },
	{ .name = "never_ban", .type = CONF_T_STR, .offset = offsetof(S(bans), never_ban), .max = 4096,
	  .def = "\"\"", .unit = "path",
	  .help = "addresses and networks that are never banned, one a line; empty: none" },
	{ .name = "default_ttl", .type = CONF_T_DURATION, .offset = offsetof(S(bans), default_ttl),
	  .min = 1000, .max = INT64_C(31536000000), .def = "1h", .unit = "duration",
	  .help = "how long a ban lasts whose ttl_s was not given" },
	{ .name = "haproxy_socket", .type = CONF_T_STR, .offset = offsetof(S(bans), haproxy_socket),
	  .max = 4096, .def = "\"\"", .unit = "path", .check = haproxy_socket_check,
	  .help = "stats socket of this edge's HAProxy, level admin; empty: bans stay in the list" },
	{ .name = "haproxy_table", .type = CONF_T_STR, .offset = offsetof(S(bans), haproxy_table),
	  .max = 200, .def = "llmsec_bans_1", .unit = "name", .check = word_check,
	  .help = "its stick table for addresses" },
	{ .name = "haproxy_map", .type = CONF_T_STR, .offset = offsetof(S(bans), haproxy_map),
	  .max = 250, .def = "/etc/llmsec/haproxy/bans.map", .unit = "path", .check = word_check,
	  .help = "its map for networks, as its configuration names it" },
	{ .name = "socket", .type = CONF_T_STR, .offset = offsetof(S(bans), socket),
	  .max = 4096, .def = "\"\"", .unit = "path", .check = haproxy_socket_check,
	  .help = "where the XDP loader learns what is banned; empty: nowhere" },
	{ .name = "orders", .type = CONF_T_STR, .offset = offsetof(S(bans), orders),
	  .max = 4096, .def = "\"\"", .unit = "path",
	  .help = "file that tells this edge's llmsec-spoad who was unbanned; empty: none" },
	CONF_END
};

static const char *
url_check(const void *field)
{
	const char *url = *(char *const *)field, *host = strstr(url, "//");
	size_t n = strlen(url);

	return host != NULL && (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://127.", 11) == 0 ||
	    strncmp(url, "http://[::1]", 12) == 0) && n < 250 &&
	    host[2] != '\0' && host[2 + strcspn(host + 2, " \t\r\n?#/@")] == '\0' ? NULL :
	    "https://HOST:PORT; http:// only on loopback; no path";
}

static const char *
name_check(const void *field)
{
	const char *s = *(char *const *)field;

	return *s != '\0' && strlen(s) <= 64 && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789._-")] == '\0' ? NULL : "1 to 64 of A-Z a-z 0-9 . _ -";
}

static const struct conf_opt node_opts[] = {
	{ .name = "name", .type = CONF_T_STR, .offset = offsetof(struct llmsecd_node, name), .max = 64, .unit = "name",
	  .check = name_check, .help = "its `node`" },
	{ .name = "url", .type = CONF_T_STR, .offset = offsetof(struct llmsecd_node, url), .max = 250, .unit = "URL",
	  .check = url_check, .help = "where its llmsecd is reached, through its HAProxy: https://HOST:10242" },
	{ .name = "table", .type = CONF_T_STR, .offset = offsetof(struct llmsecd_node, table), .max = 200,
	  .def = "\"\"", .unit = "name", .help = "its stick table of addresses, as this HAProxy names it: llmsec_bans_2" },
	CONF_END
};

static const struct conf_opt egress_opts[] = {
	{ .name = "dir", .type = CONF_T_STR, .offset = offsetof(S(egress), dir), .max = 3900, .def = "\"\"",
	  .unit = "path", .help = "where the lists of the egress API are kept, for Squid's helper to read; empty: no such API" },
	{ .name = "policy", .type = CONF_T_STR, .offset = offsetof(S(egress), policy), .max = 3900,
	  .def = "/etc/llmsec/egress.yaml", .unit = "path",
	  .help = "the helper's policy; its folder must be writable for /api/egress/policy to change it" },
	CONF_END
};

static const struct conf_opt cluster_opts[] = {
	{ .name = "keys", .type = CONF_T_STR, .offset = offsetof(S(cluster), keys), .max = 4096, .def = "\"\"",
	  .unit = "path", .help = "keys that sign requests between edges, \"ID HEX\" a line, the first signs; empty: none" },
	{ .name = "ca_file", .type = CONF_T_STR, .offset = offsetof(S(cluster), ca_file), .max = 4096, .def = "\"\"",
	  .unit = "path", .help = "CA of the edges' certificates" },
	{ .name = "cert_file", .type = CONF_T_STR, .offset = offsetof(S(cluster), cert_file), .max = 4096,
	  .def = "\"\"", .unit = "path", .help = "this edge's certificate and key, one after the other (PEM)" },
	{ .name = "nodes", .type = CONF_T_SEQ, .offset = offsetof(S(cluster), nodes),
	  .offset2 = offsetof(S(cluster), n_nodes), .sub = node_opts, .sub_size = sizeof(struct llmsecd_node),
	  .unit = "", .help = "the other edges" },
	CONF_END
};

const struct conf_opt llmsecd_conf_opts[] = {
	CONF_ENUM(struct llmsecd_conf, log_level, levels, "info", "what to log: this and what is worse"),
	CONF_STR(struct llmsecd_conf, node, "\"\"", "name", "this machine's name; empty: its host name"),
	CONF_STR(struct llmsecd_conf, run_dir, "/run/llmsec", "path", "where sockets are made"),
	CONF_STR(struct llmsecd_conf, counters_dir, "/run/llmsec/counters", "path",
	    "counters of every component, served as /metrics"),
	CONF_MAP(struct llmsecd_conf, events, events_opts, "how events arrive"),
	CONF_MAP(struct llmsecd_conf, database, database_opts, "where they stay"),
	CONF_MAP(struct llmsecd_conf, retention, retention_opts, "how long they stay"),
	CONF_MAP(struct llmsecd_conf, http, http_opts, "how they are asked for"),
	CONF_MAP(struct llmsecd_conf, bans, bans_opts, "who is banned at the edge"),
	CONF_MAP(struct llmsecd_conf, egress, egress_opts, "what may leave the house"),
	CONF_MAP(struct llmsecd_conf, cluster, cluster_opts, "the other edges"),
	CONF_END
};

/* What no single key can tell. */
static int
cluster_check(const struct llmsecd_conf *c, const char *path, struct diag *diag)
{
	int errors = 0;

	if (c->cluster.n_nodes > LLMSECD_NODES) {
		diag_error(diag, path, 0, 0, "cluster.nodes: at most %d", LLMSECD_NODES);
		errors++;
	}
	if (c->cluster.n_nodes > 0 && (c->cluster.keys[0] == '\0' || c->node[0] == '\0')) {
		diag_error(diag, path, 0, 0, "cluster.nodes needs cluster.keys and this edge's own name, `node`");
		errors++;
	}
	for (size_t i = 0; i < c->cluster.n_nodes; i++)
		for (size_t j = 0; j <= i; j++)
			if (strcmp(c->cluster.nodes[i].name, j < i ? c->cluster.nodes[j].name : c->node) == 0) {
				diag_error(diag, path, 0, 0, "cluster.nodes: two edges are named \"%s\"",
				    c->cluster.nodes[i].name);
				errors++;
			}
	return errors > 0 ? -EINVAL : 0;
}

int
llmsecd_conf_load(struct llmsecd_conf *c, const char *path, struct conf_mem **mem,
    struct diag *diag)
{
	int r;

	memset(c, 0, sizeof(*c));
	if (path == NULL)
		return conf_load_mem("defaults", "", 0, llmsecd_conf_opts, c, mem, diag);
	r = conf_load(path, llmsecd_conf_opts, c, mem, diag);
	if (r == 0)
		r = cluster_check(c, path, diag);
	if (r < 0)
		conf_mem_free(mem);
	return r;
}
