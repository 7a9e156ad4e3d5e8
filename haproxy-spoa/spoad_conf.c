/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "haproxy-spoa/listen_addr.h"
#include "haproxy-spoa/spoad_conf.h"
#include "haproxy-spoa/spop.h"
#include "lib/diag.h"
#include "lib/log.h"

static const struct conf_enum policy_names[] = {{"deny", GUARD_DENY}, {"flag", GUARD_FLAG}, {NULL, 0}};

static const struct conf_opt route_opts[] = {
	CONF_STR(struct guard_route, path_prefix, NULL, "path", "requests whose path starts so"),
	CONF_ENUM(struct guard_route, oversize, policy_names, "deny",
	    "deny: answer 413; flag: pass, marked truncated, because a later layer reads the whole body"),
	CONF_END
};

static const struct conf_opt guard_opts[] = {
	CONF_SIZE(struct guard_conf, haproxy_bufsize, 0, 64 << 20, "0",
	    "tune.bufsize of HAProxy; 0: learn it from HAProxy's max-frame-size"),
	CONF_SIZE(struct guard_conf, haproxy_maxrewrite, 0, 1 << 20, "4096", "at least tune.maxrewrite of HAProxy"),
	CONF_ENUM(struct guard_conf, oversize, policy_names, "deny", "where no route matches: deny or flag"),
	CONF_SEQ(struct guard_conf, routes, n_routes, route_opts, struct guard_route,
	    "the first match counts; a path that is not in plain form matches none"),
	CONF_END
};

static const struct conf_opt events_opts[] = {
	{.name = "socket", .type = CONF_T_STR, .offset = 0, .max = 107, .unit = "path",
	    .def = LLMSEC_RUNDIR "/events.sock", .help = "where llmsecd listens; \"\": spool only"},
	{.name = "spool_dir", .type = CONF_T_STR, .offset = sizeof(char *), .max = 4096, .unit = "path",
	    .def = LLMSEC_STATEDIR "/spool", .help = "events wait here while llmsecd is away; \"\": no events"},
	CONF_END
};

const struct conf_opt spoad_conf_opts[] = {
	CONF_STR(struct spoad_conf, log_level, "info", "level", "err, warning, notice, info or debug"),
	CONF_STR(struct spoad_conf, node, "", "name", "name of this node in events; \"\": the host's name"),
	CONF_STR(struct spoad_conf, run_dir, LLMSEC_RUNDIR, "path", "where a relative unix: path lies"),
	CONF_STRS(struct spoad_conf, listen, "unix:PATH[,mode=0660] or HOST:PORT; at least one"),
	CONF_INT(struct spoad_conf, workers, 0, 256, "0", "threads", "0: one per CPU"),
	CONF_INT(struct spoad_conf, max_connections, 1, 100000, "4096", "connections",
	    "further ones are closed at once"),
	CONF_SIZE(struct spoad_conf, max_frame_size, SPOP_MAX_FRAME_MIN, SPOP_MAX_FRAME_CAP, "1M",
	    "largest frame to agree to"),
	CONF_SIZE(struct spoad_conf, max_reassembly, 4096, 64 << 20, "4M",
	    "unfinished fragments per connection"),
	CONF_SIZE(struct spoad_conf, max_output, 4096, 16 << 20, "256k",
	    "stop serving a connection while this much of its answers is unread"),
	CONF_DURATION(struct spoad_conf, deadline, 1, 60000, "80ms",
	    "a verdict that took longer is an error; keep it below HAProxy's `timeout processing`"),
	CONF_DURATION(struct spoad_conf, hello_timeout, 10, 60000, "5s", "for the first frame"),
	CONF_DURATION(struct spoad_conf, idle_timeout, 100, 86400000, "10m",
	    "close a connection without frames; keep it above HAProxy's `timeout idle`"),
	CONF_DURATION(struct spoad_conf, drain_timeout, 0, 60000, "5s", "for open connections when stopping"),
	CONF_STR(struct spoad_conf, edge_keys, LLMSEC_SYSCONFDIR "/edge.keys", "path",
	    "keys that sign X-Edge99 headers; \"\": don't sign"),
	CONF_STR(struct spoad_conf, counters_dir, LLMSEC_RUNDIR "/counters", "path",
	    "counters for llmsecd; \"\": none"),
	CONF_MAP(struct spoad_conf, events, events_opts, "verdicts worth telling"),
	CONF_MAP(struct spoad_conf, guard, guard_opts, "the request guard"),
	CONF_MAP(struct spoad_conf, waf, waf_conf_opts, "the web application firewall"),
	CONF_STR(struct spoad_conf, never_ban, LLMSEC_SYSCONFDIR "/never-ban.lst", "path",
	    "addresses and networks that are never banned; \"\": none"),
	CONF_MAP(struct spoad_conf, behaviour, behave_conf_opts, "who misbehaves is banned"),
	CONF_MAP(struct spoad_conf, geo, geo_conf_opts, "country and autonomous system of the client"),
	CONF_MAP(struct spoad_conf, bot, bot_conf_opts, "bot score and threat score"),
	CONF_END
};

int
spoad_conf_load(struct spoad_conf *c, const char *path, struct conf_mem **mem, struct diag *d)
{
	static const char none[] = "listen: [\"unix:spoad.sock\"]\n";
	struct listen_addr a;
	int rc;

	memset(c, 0, sizeof(*c));
	if (path != NULL)
		rc = conf_load(path, spoad_conf_opts, c, mem, d);
	else
		rc = conf_load_mem(path = "built-in defaults", none, sizeof(none) - 1, spoad_conf_opts, c, mem, d);
	if (rc != 0)
		return rc;
	if (c->listen.n == 0)
		diag_error(d, path, 0, 0, "listen: at least one address is required");
	for (size_t i = 0; i < c->listen.n; i++)
		if (listen_addr_parse(&a, c->listen.v[i], c->run_dir) != 0)
			diag_error(d, path, 0, 0, "listen: \"%s\" is neither unix:PATH[,mode=NNNN] nor HOST:PORT",
			    c->listen.v[i]);
	if (log_level_parse(c->log_level) < 0)
		diag_error(d, path, 0, 0, "log_level: \"%s\" is not a level", c->log_level);
	for (size_t i = 0; i < c->guard.n_routes; i++)
		if (c->guard.routes[i].path_prefix[0] != '/')
			diag_error(d, path, 0, 0, "guard.routes: path_prefix \"%s\" doesn't start with /",
			    c->guard.routes[i].path_prefix);
	waf_conf_check(&c->waf, path, d);
	if (diag_errors(d) == 0)
		return 0;
	conf_mem_free(mem);
	return -EINVAL;
}
