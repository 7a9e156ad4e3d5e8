/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/explain.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/server.h"
#include "haproxy-spoa/spoad_counters.h"
#include "haproxy-spoa/spoad_report.h"
#include "lib/diag.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/sdnotify.h"

#define TICK_MS	500

struct options {
	const char	*conf;
	bool		 check, debug;
};

static const char usage_text[] =
    "usage: llmsec-spoad [-dfn] [-c file]\n"
    "       llmsec-spoad explain [options] < request   (explain --help)\n"
    "  -c, --config FILE   configuration (" LLMSEC_SYSCONFDIR "/spoad.yaml)\n"
    "  -n, --check         check the configuration and the WAF's rules, and exit\n"
    "  -f, --foreground    accepted; it never leaves the foreground\n"
    "  -d, --debug         log at level debug\n"
    "      --show-defaults print a complete configuration and exit\n"
    "      --version, --help\n";

static struct options
options_parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'n'},
		{"foreground", no_argument, NULL, 'f'}, {"debug", no_argument, NULL, 'd'},
		{"show-defaults", no_argument, NULL, 'S'}, {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
	};
	struct options o = {.conf = LLMSEC_SYSCONFDIR "/spoad.yaml"};
	int ch;

	while ((ch = getopt_long(argc, argv, "c:dfhn", longs, NULL)) != -1)
		switch (ch) {
		case 'c':
			o.conf = optarg;
			break;
		case 'n':
			o.check = true;
			break;
		case 'd':
			o.debug = true;
			break;
		case 'f':
			break;
		case 'S':
			conf_show_defaults(spoad_conf_opts, stdout);
			exit(0);
		case 'V':
			puts("llmsec-spoad " PACKAGE_VERSION);
			exit(0);
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		default:
			fputs(usage_text, stderr);
			exit(2);
		}
	if (optind != argc) {
		fputs(usage_text, stderr);
		exit(2);
	}
	return o;
}

static struct policy *
load(const struct options *o, struct diag *d)
{
	struct policy *p = policy_load(o->conf, d);

	diag_print(d, stderr);
	if (p != NULL)
		log_set_level(o->debug ? LOG_DEBUG : log_level_parse(policy_conf(p)->log_level));
	return p;
}

static int
check(const struct options *o)
{
	struct diag *d = diag_new();
	bool ok = d != NULL && policy_check(o->conf, d);

	if (d != NULL)
		diag_print(d, stderr);
	diag_free(&d);
	return ok ? 0 : 2;
}

static void
reload(const struct options *o, struct server *s, struct policy **p, struct counters *ctr, struct event_client *ev)
{
	struct diag *d = diag_new();
	struct policy *fresh;

	sdnotify_reloading();
	fresh = d ? load(o, d) : NULL;
	if (fresh == NULL) {
		log_err("reload failed, the old configuration stays");
	} else {
		server_set_policy(s, fresh);
		policy_unref(p);
		*p = fresh;
		log_notice("configuration reloaded; listen, workers and paths of events and counters "
		    "change with a restart only");
	}
	if (ctr != NULL)
		counters_add(ctr, fresh ? SPOAD_C_RELOAD_OK : SPOAD_C_RELOAD_FAILED, 1);
	spoad_report_reload(ev, fresh ? NULL : d ? diag_first(d) : "out of memory");
	diag_free(&d);
	sdnotify_send("READY=1");
}

static void
loop(const struct options *o, struct server *s, struct policy **p, struct counters *ctr,
    struct event_client *ev, const sigset_t *signals)
{
	const struct timespec tick = {0, TICK_MS * 1000000L};
	uint64_t watchdog_us = sdnotify_watchdog_ms() * 1000, told_us = 0, now;
	int sig;

	for (;;) {
		sig = sigtimedwait(signals, NULL, &tick);
		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGHUP)
			reload(o, s, p, ctr, ev);
		if (ev != NULL)
			event_client_tick(ev);
		now = policy_now_us();
		policy_tick(*p, now);
		if (ctr != NULL)
			policy_report(*p, ctr);
		if (watchdog_us != 0 && now - told_us >= watchdog_us && server_healthy(s)) {
			sdnotify_send("WATCHDOG=1");
			told_us = now;
		}
	}
}

static int
outlets_open(const struct spoad_conf *c, struct counters **ctr, struct event_client **ev)
{
	struct event_client_conf ec = {c->events.socket, c->events.spool_dir, c->node[0] ? c->node : NULL,
		"edge", "spoad", 0};
	int rc = 0;

	if (c->counters_dir[0] != '\0')
		rc = counters_open(ctr, c->counters_dir, "spoad", spoad_counters, SPOAD_C_N);
	if (rc != 0) {
		log_err("counters in %s: %s", c->counters_dir, strerror(-rc));
		return rc;
	}
	if (c->events.spool_dir[0] != '\0')
		rc = event_client_open(ev, &ec);
	if (rc != 0)
		log_err("event spool in %s: %s", c->events.spool_dir, strerror(-rc));
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct counters *ctr = NULL;
	struct event_client *ev = NULL;
	struct server *s = NULL;
	struct policy *p = NULL;
	struct diag *d;
	sigset_t signals;
	int rc;

	log_init("llmsec-spoad", LOG_DEST_STDERR, LOG_INFO);
	if (argc > 1 && strcmp(argv[1], "explain") == 0)
		return explain_main(argc - 1, argv + 1);
	o = options_parse(argc, argv);
	log_init("llmsec-spoad", LOG_DEST_STDERR, o.debug ? LOG_DEBUG : LOG_INFO);
	if (o.check)
		return check(&o);
	d = diag_new();
	if (d != NULL)
		p = load(&o, d);
	diag_free(&d);
	if (p == NULL)
		return 2;
	/* Blocked before any thread exists, so that only the loop below takes them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	rc = outlets_open(policy_conf(p), &ctr, &ev);
	if (rc == 0)
		rc = server_start(&s, p, ctr, ev);
	if (rc == 0) {
		sdnotify_send("READY=1");
		loop(&o, s, &p, ctr, ev, &signals);
		sdnotify_send("STOPPING=1");
		server_stop(&s);
	}
	event_client_close(&ev);
	counters_close(&ctr);
	policy_unref(&p);
	return rc == 0 ? 0 : 1;
}
