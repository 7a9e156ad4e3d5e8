/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "squid-helpers/egress_gate.h"

#define PROGRAM		"llmsec-egress-gate"
#define TABLE		20127	/* of routes; not in rt_tables(5) of any distribution */

enum { OPT_HELP = 256, OPT_VERSION };

static const struct option options[] = {
	{ "lists", required_argument, NULL, 'l' }, { "socket", required_argument, NULL, 's' },
	{ "user", required_argument, NULL, 'u' }, { "port", required_argument, NULL, 'p' },
	{ "table", required_argument, NULL, 't' }, { "threats", required_argument, NULL, 'i' },
	{ "min-confidence", required_argument, NULL, 'm' }, { "once", no_argument, NULL, '1' },
	{ "help", no_argument, NULL, OPT_HELP }, { "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

static void
usage(FILE *f)
{
	fputs("usage: " PROGRAM " [-1] [-l lists] [-i set] [-m n] [-p port ...] [-s socket] [-t table] [-u user]\n"
	    "Refuses, in the kernel, what the lists say of addresses, to the sockets of Squid's user;\n"
	    "cuts connections that are refused now\n"
	    "  -l, --lists FILE   lists of llmsecd: `lists` in its egress.dir\n"
	    "  -i, --threats FILE ips.set of llmsec-ti-sync; this, --lists, or both\n"
	    "  -m, --min-confidence N  of it only entries at least as sure, 1 to 100 (50)\n"
	    "  -s, --socket PATH  where the helper says what it revoked (gate in egress.yaml)\n"
	    "  -u, --user NAME    of Squid (proxy)\n"
	    "  -p, --port PORT    Squid listens there (3128); answers to its clients are left alone\n"
	    "  -t, --table N      routing table to use (20127)\n"
	    "  -1, --once         bring the kernel up to date and end\n"
	    "  --help, --version\n", f);
}

static unsigned long
number(const char *s, unsigned long max, const char *what)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*s < '0' || *s > '9' || *end != '\0' || v == 0 || v > max) {
		fprintf(stderr, PROGRAM ": %s: not a %s\n", s, what);
		exit(2);
	}
	return v;
}

int
main(int argc, char **argv)
{
	const char *path = "", *user = "proxy";
	struct egress_gate g = { .fd = -1, .lists_file.path = "", .threats_file.path = "", .min_confidence = 50 };
	uint32_t table = TABLE;
	const struct passwd *pw;
	bool once = false;
	int c, err;

	while ((c = getopt_long(argc, argv, "l:i:m:s:u:p:t:1", options, NULL)) != -1) {
		switch (c) {
		case 'l': g.lists_file.path = optarg; break;
		case 'i': g.threats_file.path = optarg; break;
		case 'm': g.min_confidence = (int)number(optarg, 100, "confidence"); break;
		case 's': path = optarg; break;
		case 'u': user = optarg; break;
		case 't': table = (uint32_t)number(optarg, UINT32_MAX, "table"); break;
		case '1': once = true; break;
		case 'p':
			if (g.n_ports == EGRESS_GATE_PORTS) {
				fprintf(stderr, PROGRAM ": more than %d ports\n", EGRESS_GATE_PORTS);
				return 2;
			}
			g.ports[g.n_ports++] = (uint16_t)number(optarg, 65535, "port");
			break;
		case OPT_HELP: usage(stdout); return 0;
		case OPT_VERSION: puts(PROGRAM " " PACKAGE_VERSION); return 0;
		default: usage(stderr); return 2;
		}
	}
	if ((*g.lists_file.path == '\0' && *g.threats_file.path == '\0') || optind != argc) {
		usage(stderr);
		return 2;
	}
	if (g.n_ports == 0)
		g.ports[g.n_ports++] = 3128;
	log_init(PROGRAM, LOG_DEST_STDERR, LOG_INFO);
	pw = getpwnam(user);
	if (pw == NULL) {
		log_err("no user %s", user);
		return 2;
	}
	if (egress_gate_open(&g, once ? "" : path, pw->pw_uid, table) < 0)
		return 1;
	err = 0;
	if (once)
		err = egress_gate_check(&g, time(NULL));
	else
		egress_gate_run(&g);
	egress_gate_close(&g);
	return err < 0 ? 1 : 0;
}
