/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "squid-helpers/egress_accounts.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_helper.h"
#include "squid-helpers/egress_lists.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_threats.h"
#include "squid-helpers/egress_usage.h"
#include "squid-helpers/squid_line.h"

#define PROGRAM		"ext_llmsec_egress_acl"
#define DEFAULT_CONF	LLMSEC_SYSCONFDIR "/egress.yaml"

enum { OPT_HELP = 256, OPT_VERSION, OPT_DEFAULTS, OPT_TEST };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' }, { "check", no_argument, NULL, 'n' },
	{ "debug", no_argument, NULL, 'd' }, { "foreground", no_argument, NULL, 'f' },
	{ "test", required_argument, NULL, OPT_TEST },
	{ "show-defaults", no_argument, NULL, OPT_DEFAULTS },
	{ "help", no_argument, NULL, OPT_HELP }, { "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

static void
usage(FILE *f)
{
	fputs("usage: " PROGRAM " [-dfn] [-c file] [--test fields]\n"
	    "Squid external ACL helper: says whether a request may leave, by " DEFAULT_CONF "\n"
	    "  -c, --config FILE  the policy\n"
	    "  -n, --check        read the policy, print what is wrong with it, exit 0 or 2\n"
	    "  --test FIELDS      judge \"source method host port sni\", or just \"host\" or\n"
	    "                     \"host port\"; exit 0 allowed, 1 refused, 2 error\n"
	    "  -d, --debug        log broken lines too\n"
	    "  -f, --foreground   accepted; the helper never leaves the foreground\n"
	    "  --show-defaults    print every key of the policy file\n"
	    "  --help, --version\n", f);
}

static int
load_once(struct egress_policy **p, const char *path)
{
	struct diag *d = diag_new();
	struct buf b = { 0 };
	FILE *f = fopen(path, "re");
	int r = -1;

	if (f == NULL || d == NULL) {
		fprintf(stderr, PROGRAM ": %s: %m\n", path);
		goto out;
	}
	for (char *room; (room = buf_room(&b, 65536)) != NULL; ) {
		size_t n = fread(room, 1, 65536, f);

		if (n == 0)
			break;
		buf_wrote(&b, n);
	}
	if (ferror(f) || b.err != 0)
		fprintf(stderr, PROGRAM ": %s: can't read\n", path);
	else
		r = egress_policy_load(p, path, buf_ptr(&b), buf_len(&b), d);
	diag_print(d, stderr);
out:
	if (f != NULL)
		fclose(f);
	buf_free(&b);
	diag_free(&d);
	return r;
}

static int
check(const char *path)
{
	struct egress_policy *p = NULL;

	if (load_once(&p, path) < 0)
		return 2;
	printf("%s: %zu names, ok\n", path, egress_policy_names(p));
	egress_policy_free(&p);
	return 0;
}

/* "host" and "host port" stand for a CONNECT from nowhere in particular. */
static char *
test_line(const char *fields)
{
	char host[512], port[32], more[2], *line = NULL;
	int n = sscanf(fields, "%511s %31s %1s", host, port, more);

	if (n == 1 || n == 2) {
		if (asprintf(&line, "- CONNECT %s %s -", host, n == 2 ? port : "443") < 0)
			line = NULL;
	} else {
		line = strdup(fields);
	}
	return line;
}

static int
test(const char *path, const char *fields)
{
	struct egress_policy *p = NULL;
	struct egress_threats threats = { 0 };
	struct egress_lists *lists = NULL;
	struct egress_usage *usage = NULL;
	struct diag *d = diag_new();
	struct squid_line l;
	struct egress_request q = { .port = 0 };
	struct egress_verdict v;
	char *line = test_line(fields);
	int r = 2;

	if (line == NULL || load_once(&p, path) < 0)
		goto out;
	egress_threats_load(&threats, &egress_policy_conf(p)->threats, 0, d);
	egress_policy_threats(p, &threats);
	if (*egress_policy_conf(p)->lists.path != '\0')
		egress_lists_load(&lists, egress_policy_conf(p)->lists.path, d);
	diag_print(d, stderr);
	egress_policy_lists(p, lists);
	usage = egress_accounts_peek(egress_policy_conf(p));
	egress_policy_usage(p, usage);
	if (squid_line_parse(&l, line, strlen(line)) < 0 || !egress_request_from_line(&q, &l)) {
		fprintf(stderr, PROGRAM ": %s\n", l.err);
		goto out;
	}
	egress_decide(p, &q, &v);
	printf("%s %s:%u reason=%s rule=%s\n", v.allow ? "allow" : "deny", v.host.name, q.port,
	    egress_reason_str(v.reason), v.rule);
	r = v.allow ? 0 : 1;
out:
	egress_usage_free(&usage);
	egress_policy_free(&p);
	egress_threats_close(&threats);
	egress_lists_free(&lists);
	diag_free(&d);
	free(line);
	return r;
}

static int
serve(const char *path, bool debug)
{
	struct egress_helper h;

	/* Only the loop listens to SIGHUP; one that comes before or after it must not be the end. */
	signal(SIGHUP, SIG_IGN);
	log_init(PROGRAM, LOG_DEST_STDERR, debug ? LOG_DEBUG : LOG_INFO);
	if (egress_helper_open(&h, path) < 0)
		log_fatalx("no memory");
	egress_helper_run(&h, STDIN_FILENO, STDOUT_FILENO);
	egress_helper_close(&h);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *path = DEFAULT_CONF, *fields = NULL;
	bool debug = false, only_check = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:ndf", options, NULL)) != -1) {
		switch (c) {
		case 'c': path = optarg; break;
		case 'n': only_check = true; break;
		case 'd': debug = true; break;
		case 'f': break;
		case OPT_TEST: fields = optarg; break;
		case OPT_DEFAULTS: conf_show_defaults(egress_conf_opts, stdout); return 0;
		case OPT_HELP: usage(stdout); return 0;
		case OPT_VERSION: puts(PROGRAM " " PACKAGE_VERSION); return 0;
		default: usage(stderr); return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}
	if (only_check)
		return check(path);
	return fields != NULL ? test(path, fields) : serve(path, debug);
}
