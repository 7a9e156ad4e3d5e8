/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <curl/curl.h>

#include "control/ban_link.h"
#include "control/ban_list.h"
#include "control/ban_nodes.h"
#include "control/ban_sock.h"
#include "control/board.h"
#include "control/collector.h"
#include "control/control_events.h"
#include "control/ctltime.h"
#include "control/egress_store.h"
#include "control/egress_version.h"
#include "control/httpd.h"
#include "control/intake.h"
#include "control/llmsecd_conf.h"
#include "control/llmsecd_metrics.h"
#include "control/node_auth.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "lib/never_ban.h"
#include "lib/sdnotify.h"

#define DEFAULT_CONF	LLMSEC_SYSCONFDIR "/llmsecd.yaml"
#define DRAIN_MS	2000

struct daemon {
	const char		*conf_path;
	bool			 debug;
	struct llmsecd_conf	 conf;
	struct conf_mem		*mem;
	struct counters		*ctr;
	struct board		*board;
	struct collector	*collector;
	struct intake		*intake;
	struct ban_list		*bans;
	struct ban_link		*ban_link;
	struct ban_nodes	*ban_nodes;
	struct ban_sock		*ban_sock;
	struct node_auth	*node_auth;
	struct control_events	*events;
	struct egress_store	*egress;
	int64_t			 egress_tick_ms;
	struct httpd		*http;
	int			 signal_fd;
};

static void
usage(FILE *f)
{
	fprintf(f,
	    "usage: llmsecd [-dfn] [-c file]\n"
	    "  -c, --config FILE    configuration (%s)\n"
	    "  -n, --check          check the configuration and exit\n"
	    "  -f, --foreground     stay in the foreground (always so)\n"
	    "  -d, --debug          log more\n"
	    "      --show-defaults  print a configuration file with every default\n"
	    "      --show-mdoc      print the keys for llmsecd.yaml(5)\n"
	    "      --version\n"
	    "      --help\n", DEFAULT_CONF);
}

/* 0, or the exit code after saying what is wrong. */
static int
conf_read(const char *path, struct llmsecd_conf *conf, struct conf_mem **mem)
{
	struct diag *diag = diag_new();
	int r;

	if (diag == NULL)
		return 1;
	r = llmsecd_conf_load(conf, path, mem, diag);
	diag_print(diag, stderr);
	if (r < 0 && diag_errors(diag) == 0)
		fprintf(stderr, "%s: error: %s\n", path, strerror(-r));
	diag_free(&diag);
	return r < 0 ? 2 : 0;
}

/* The other edges, as one text. */
static bool
same_nodes(const struct llmsecd_conf *a, const struct llmsecd_conf *b)
{
	bool same = a->cluster.n_nodes == b->cluster.n_nodes && strcmp(a->cluster.ca_file, b->cluster.ca_file) == 0 &&
	    strcmp(a->cluster.cert_file, b->cluster.cert_file) == 0;

	for (size_t i = 0; same && i < a->cluster.n_nodes; i++)
		same = strcmp(a->cluster.nodes[i].name, b->cluster.nodes[i].name) == 0 &&
		    strcmp(a->cluster.nodes[i].url, b->cluster.nodes[i].url) == 0 &&
		    strcmp(a->cluster.nodes[i].table, b->cluster.nodes[i].table) == 0;
	return same;
}

/* What can't change while running; NULL: nothing of it did. */
static const char *
restart_needed(const struct llmsecd_conf *a, const struct llmsecd_conf *b)
{
	static const struct { const char *name; size_t offset; } fixed[] = {
#define F(name, field)	{ name, offsetof(struct llmsecd_conf, field) }
		F("node", node), F("events.socket", events.socket), F("events.spool_dir", events.spool_dir),
		F("database.path", database.path), F("counters_dir", counters_dir), F("http.listen", http.listen),
		F("bans.database", bans.database), F("bans.haproxy_socket", bans.haproxy_socket),
		F("bans.haproxy_table", bans.haproxy_table), F("bans.haproxy_map", bans.haproxy_map),
		F("egress.dir", egress.dir), F("egress.policy", egress.policy), F("http.tokens", http.tokens),
		F("bans.socket", bans.socket), F("bans.orders", bans.orders),
#undef F
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (strcmp(*(char *const *)((const char *)a + fixed[i].offset),
		    *(char *const *)((const char *)b + fixed[i].offset)) != 0)
			return fixed[i].name;
	if (a->http.max_connections != b->http.max_connections)
		return "http.max_connections";
	return same_nodes(a, b) ? NULL : "cluster";
}

/* NULL after saying what is wrong with it. */
static struct never_ban *
never_ban_read(const char *path)
{
	struct never_ban *nb;
	unsigned line;
	int r = never_ban_load(&nb, path, &line);

	if (r == -EINVAL)
		log_err("%s:%u: not an address or network", path, line);
	else if (r < 0)
		log_err("cannot read %s: %s", path, strerror(-r));
	return nb;
}

/* A list with a fault, or none at all, leaves the old one as it was. */
static void
bans_reload(struct daemon *d)
{
	struct never_ban *nb = d->bans != NULL ? never_ban_read(d->conf.bans.never_ban) : NULL;

	if (nb != NULL && ban_list_never_set(d->bans, nb) < 0)
		log_err("bans that are forbidden now are lifted, but still in the database");
	httpd_ban_ttl_set(d->http, d->conf.bans.default_ttl);
}

static void
reload(struct daemon *d)
{
	struct conf_mem *mem = NULL;
	struct llmsecd_conf conf;
	const char *fixed;

	sdnotify_reloading();
	if (conf_read(d->conf_path, &conf, &mem) != 0) {
		log_err("keeping the old configuration: %s has errors", d->conf_path);
	} else if ((fixed = restart_needed(&d->conf, &conf)) != NULL) {
		log_err("keeping the old configuration: changing %s needs a restart", fixed);
		conf_mem_free(&mem);
	} else {
		struct conf_mem *old = d->mem;

		d->conf = conf;
		d->mem = mem;
		collector_reconfigure(d->collector, &d->conf);
		conf_mem_free(&old);
		if (!d->debug)
			log_set_level(d->conf.log_level);
		log_notice("configuration reloaded");
	}
	bans_reload(d);
	httpd_tokens_load(d->http, &d->conf);
	node_auth_reload(d->node_auth, d->conf.cluster.keys);
	sdnotify_send("READY=1");
}

/* True: time to go. */
static bool
signal_take(struct daemon *d)
{
	struct signalfd_siginfo si;

	while (read(d->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo != SIGHUP)
			return true;
		reload(d);
	}
	return false;
}

/* Signals become a descriptor before any thread exists, so that none gets them. */
static int
signals_open(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a file size limit is a full disk, not a crash */
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* bans.database, or bans.db beside events.db. */
static void
bans_path(const struct llmsecd_conf *c, char *out, size_t size)
{
	const char *slash = strrchr(c->database.path, '/');

	if (c->bans.database[0] != '\0')
		snprintf(out, size, "%s", c->bans.database);
	else
		snprintf(out, size, "%.*sbans.db", slash == NULL ? 0 : (int)(slash - c->database.path) + 1,
		    c->database.path);
}

/* Without bans.socket's folder the XDP loader learns nothing; everything else goes on. */
static void
bans_sock_start(struct daemon *d)
{
	const char *path = d->conf.bans.socket;
	int r = path[0] != '\0' ? ban_sock_start(&d->ban_sock, path, d->bans, d->ctr) : 0;

	if (r < 0)
		log_err("cannot listen on %s: %s", path, strerror(-r));
}

/* What an agent banned on this edge, when its event gets stored. */
static void
bans_of_agents(void *arg, const struct ban *b, size_t n)
{
	struct daemon *d = arg;
	size_t refused;
	int r = ban_list_take(d->bans, b, n, &refused);

	if (r < 0)
		log_warnx("cannot write bans: %s", strerror(-r));
	if (d->ctr != NULL && r == 0) {
		counters_add(d->ctr, M_BAN_AGENT, n - refused);
		counters_add(d->ctr, M_BAN_FORBIDDEN, refused);
	}
}

/*
 * Without the never-ban list nobody may be banned, so that one must be readable.  Without the database
 * events are still worth collecting; bans are answered with 503.
 */
static int
bans_start(struct daemon *d)
{
	struct never_ban *nb = never_ban_read(d->conf.bans.never_ban);
	const char *others[LLMSECD_NODES];
	char path[4100];
	int r;

	if (nb == NULL)
		return -EINVAL;
	bans_path(&d->conf, path, sizeof(path));
	for (size_t i = 0; i < d->conf.cluster.n_nodes; i++)
		others[i] = d->conf.cluster.nodes[i].name;
	if (ban_list_open(&d->bans, path, others, d->conf.cluster.n_nodes, nb, ctltime_now_ms()) < 0) {
		log_err("no bans");
		never_ban_free(&nb);
		return 0;
	}
	bans_sock_start(d);
	r = ban_nodes_start(&d->ban_nodes, &d->conf, d->bans, d->node_auth, d->ctr);
	if (r < 0)
		return r;
	collector_on_ban(d->collector, bans_of_agents, d);
	return ban_link_start(&d->ban_link, &d->conf, d->bans, d->ctr);
}

static int
start(struct daemon *d)
{
	struct httpd_parts parts;
	int r;

	d->signal_fd = signals_open();
	d->board = board_new();
	if (d->signal_fd < 0 || d->board == NULL)
		return -ENOMEM;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	r = counters_open(&d->ctr, d->conf.counters_dir, "llmsecd", llmsecd_metric_defs, M_N);
	if (r < 0)
		log_warnx("no counters in %s: %s", d->conf.counters_dir, strerror(-r));
	r = node_auth_open(&d->node_auth, d->conf.cluster.keys);
	if (r < 0)
		return r;
	d->events = control_events_new(&d->conf);
	d->collector = collector_new(&d->conf, d->board, d->ctr);
	if (d->collector == NULL)
		return -ENOMEM;
	r = intake_open(&d->intake, &d->conf, d->collector, d->board, d->ctr, d->signal_fd);
	if (r < 0)
		return r;
	r = bans_start(d);
	if (r < 0)
		return r;
	/* Without its database the lists in force stay what they are. */
	r = d->conf.egress.dir[0] != '\0' ? egress_store_open(&d->egress, d->conf.egress.dir) : 0;
	if (r < 0)
		log_err("no egress API: %s: %s", d->conf.egress.dir, strerror(-r));
	r = d->egress != NULL ? egress_version_adopt(d->egress, d->conf.egress.policy, "found at start") : 0;
	if (r < 0)
		log_warnx("policy %s: %s; it can't be kept as a version", d->conf.egress.policy, strerror(-r));
	parts = (struct httpd_parts){ d->board, d->ctr, d->bans, d->ban_nodes, d->node_auth, d->events, d->egress };
	return httpd_start(&d->http, &d->conf, &parts);
}

static int
run(struct daemon *d)
{
	uint64_t watchdog = sdnotify_watchdog_ms();
	int r;

	sdnotify_send("READY=1\nSTATUS=collecting events");
	log_notice("collecting events on %s, http://%s", d->conf.events.socket, d->conf.http.listen);
	for (;;) {
		r = intake_run_once(d->intake, watchdog > 0 && watchdog < 5000 ? (int)watchdog : 5000);
		if (r < 0 || (r > 0 && signal_take(d)))
			break;
		control_events_tick(d->events);
		if (d->egress != NULL && ctltime_mono_ms() - d->egress_tick_ms > 60000) {
			d->egress_tick_ms = ctltime_mono_ms();
			egress_store_tick(d->egress);
		}
		if (watchdog > 0)
			sdnotify_send("WATCHDOG=1");
	}
	sdnotify_send("STOPPING=1");
	intake_drain(d->intake, DRAIN_MS);
	return r < 0 ? r : 0;
}

static void
stop(struct daemon *d)
{
	if (d->board != NULL)
		board_stop(d->board);
	if (d->bans != NULL)
		ban_list_stop(d->bans);
	httpd_stop(&d->http);
	egress_store_close(&d->egress);
	ban_nodes_stop(&d->ban_nodes);
	ban_link_stop(&d->ban_link);
	ban_sock_stop(&d->ban_sock);
	control_events_free(&d->events);
	intake_close(&d->intake);
	collector_free(&d->collector);
	ban_list_close(&d->bans);
	node_auth_close(&d->node_auth);
	curl_global_cleanup();
	board_free(&d->board);
	counters_close(&d->ctr);
	conf_mem_free(&d->mem);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", 1, NULL, 'c' }, { "check", 0, NULL, 'n' }, { "debug", 0, NULL, 'd' },
		{ "foreground", 0, NULL, 'f' }, { "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' },
		{ "show-defaults", 0, NULL, 'D' }, { "show-mdoc", 0, NULL, 'M' }, { NULL, 0, NULL, 0 }
	};
	struct daemon d = { .conf_path = DEFAULT_CONF, .signal_fd = -1 };
	bool check = false;
	int o, r;

	while ((o = getopt_long(argc, argv, "c:ndfh", longs, NULL)) != -1) {
		switch (o) {
		case 'c': d.conf_path = optarg; break;
		case 'n': check = true; break;
		case 'd': d.debug = true; break;
		case 'f': break;
		case 'h': usage(stdout); return 0;
		case 'V': printf("llmsecd %s\n", PACKAGE_VERSION); return 0;
		case 'D': conf_show_defaults(llmsecd_conf_opts, stdout); return 0;
		case 'M': conf_show_mdoc(llmsecd_conf_opts, stdout); return 0;
		default: usage(stderr); return 2;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 2;
	}
	r = conf_read(d.conf_path, &d.conf, &d.mem);
	if (r != 0 || check) {
		conf_mem_free(&d.mem);
		if (r == 0)
			printf("%s: OK\n", d.conf_path);
		return r;
	}
	log_init("llmsecd", LOG_DEST_STDERR, d.debug ? LOG_DEBUG : d.conf.log_level);
	r = start(&d);
	if (r == 0)
		r = run(&d);
	stop(&d);
	return r < 0 ? 1 : 0;
}
