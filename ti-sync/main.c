/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/diag.h"
#include "lib/log.h"
#include "ti-sync/ask.h"
#include "ti-sync/run.h"
#include "ti-sync/share.h"

#define PROGRAM		"llmsec-ti-sync"
#define DEFAULT_CONF	LLMSEC_SYSCONFDIR "/ti-sync.yaml"

enum { OPT_HELP = 256, OPT_VERSION, OPT_DEFAULTS, OPT_REBUILD, OPT_REPORT, OPT_ACCEPT };

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'n'}, {"debug", no_argument, NULL, 'd'},
	{"quiet", no_argument, NULL, 'q'}, {"force", no_argument, NULL, 'f'}, {"rebuild", no_argument, NULL, OPT_REBUILD},
	{"accept-loss", no_argument, NULL, OPT_ACCEPT}, {"report", required_argument, NULL, OPT_REPORT},
	{"show-defaults", no_argument, NULL, OPT_DEFAULTS}, {"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION}, {NULL, 0, NULL, 0}
};

struct args {
	struct ti_conf		 conf;
	struct ti_run_opts	 run;
	int			 argc;		/* behind the command */
	char			**argv;
};

static int
cmd_run(struct args *a)
{
	a->run.only = a->argv;
	a->run.n_only = (size_t)a->argc;
	for (int i = 0; i < a->argc; i++) {
		size_t k = 0;

		while (k < a->conf.n_active && strcmp(a->conf.active[k]->name, a->argv[i]) != 0)
			k++;
		if (k == a->conf.n_active) {
			fprintf(stderr, PROGRAM ": no feed %s is enabled\n", a->argv[i]);
			return TI_EXIT_USAGE;
		}
	}
	return (int)ti_run(&a->conf, &a->run);
}

static int
cmd_why(struct args *a)
{
	return a->argc == 1 ? ti_ask_why(&a->conf, a->argv[0]) : -1;
}

static int
cmd_stats(struct args *a)
{
	return a->argc == 0 ? ti_ask_stats(&a->conf) : -1;
}

static int
cmd_diff(struct args *a)
{
	return a->argc > 2 ? -1 : ti_ask_diff(&a->conf, a->argc > 0 ? strtoll(a->argv[0], NULL, 10) : 0,
	    a->argc > 1 ? strtoll(a->argv[1], NULL, 10) : 0);
}

static int
cmd_report(struct args *a)
{
	return a->argc == 0 ? ti_ask_report(&a->conf) : -1;
}

static int
cmd_pull(struct args *a)
{
	return a->argc == 0 ? ti_share_pull(&a->conf, a->run.quiet) : -1;
}

static int
cmd_push(struct args *a)
{
	if (a->argc == 0 && a->conf.n_push == 0) {
		fputs(PROGRAM ": push: the configuration names no node\n", stderr);
		return TI_EXIT_USAGE;
	}
	return a->argc == 0 ? (int)ti_run_push(&a->conf, &a->run) : -1;
}

static int
cmd_catalogue(struct args *a)
{
	return a->argc == 0 ? ti_ask_catalogue(&a->conf) : -1;
}

static int
cmd_set(struct args *a)
{
	return a->argc == 1 || a->argc == 2 ? ti_ask_set(a->argv[0], a->argc == 2 ? a->argv[1] : NULL) : -1;
}

static const struct {
	const char	*name, *args, *help;
	int		(*fn)(struct args *);
	bool		 no_conf;
} commands[] = {
	{"run", "[feed...]", "fetch what is due (or these feeds), store, compile, publish; the default", cmd_run, false},
	{"why", "name|network", "who lists it or what covers it, since when; exit 0 listed, 1 not", cmd_why, false},
	{"stats", "", "a line for each feed", cmd_stats, false},
	{"diff", "[from [to]]", "entries that came and went between two runs; the last one without numbers", cmd_diff, false},
	{"report", "", "what the last run did, as JSON", cmd_report, false},
	{"catalogue", "", "feeds shipped with the program, and their licences", cmd_catalogue, false},
	{"pull", "", "fetch the signed sets of another node instead of feeds; exit 0, 1 unreachable, 3 refused", cmd_pull, false},
	{"push", "", "bring the nodes of push up to date; with -f send them everything again", cmd_push, false},
	{"set", "file [name|address]", "what a .set file holds; is this in it?", cmd_set, true},
};
#define COMMANDS	(sizeof(commands) / sizeof(*commands))

static void
usage(FILE *f)
{
	fputs("usage: " PROGRAM " [-dfnq] [-c file] [command]\n"
	    "Makes domains.set and ips.set from feeds of threat intelligence.\n", f);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(f, "  %-10s %-20s %s\n", commands[i].name, commands[i].args, commands[i].help);
	fputs("  -c, --config FILE  instead of " DEFAULT_CONF "\n"
	    "  -n, --check        read the configuration and the lists, say what is wrong, exit 0 or 2\n"
	    "  -f, --force        fetch every feed now, also what hasn't changed; push: everything again\n"
	    "  --rebuild          publish, also if nothing changed\n"
	    "  --accept-loss      believe feeds that shrank, this once\n"
	    "  --report FILE      write what the run did as JSON, - for standard output\n"
	    "  -q, --quiet        no progress, no log but errors\n"
	    "  -d, --debug        log refused lines too\n"
	    "  --show-defaults    print every key of the configuration\n"
	    "  --help, --version\n"
	    "exit status of run: 0 all feeds are in, 1 some are not or a node of push lacks something,\n"
	    "  2 usage or configuration, 3 nothing could be published, 4 another run is at it\n", f);
}

static int
check(const struct ti_conf *c, const char *path)
{
	int bad = 0;

	for (size_t k = 0; k < 2; k++) {
		const struct conf_strs *s = k == 0 ? &c->allow_files : &c->top_files;

		for (size_t i = 0; i < s->n; i++)
			if (access(s->v[i], R_OK) != 0) {
				fprintf(stderr, "%s: error: %s: %m\n", path, s->v[i]);
				bad = 2;
			}
	}
	if (bad == 0)
		printf("%s: %zu feeds, %zu outputs, ok\n", path, c->n_active, c->n_outputs);
	return bad;
}

static int
conf_get(struct ti_conf *c, const char *path)
{
	struct diag *d = diag_new();
	int err = ti_conf_load(c, path, d);

	diag_print(d, stderr);
	if (err < 0 && diag_errors(d) == 0)
		fprintf(stderr, PROGRAM ": %s: %s\n", path, strerror(-err));
	diag_free(&d);
	return err;
}

static int
command_run(struct args *a, const char *name, const char *path, bool only_check)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		int r;

		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (!commands[i].no_conf) {
			if (conf_get(&a->conf, path) < 0)
				return TI_EXIT_USAGE;
			if (only_check)
				return check(&a->conf, path);
			log_set_level(a->run.debug ? LOG_DEBUG : a->run.quiet ? LOG_ERR : a->conf.log_level);
		}
		r = commands[i].fn(a);
		if (r >= 0)
			return r;
		break;
	}
	usage(stderr);
	return TI_EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	const char *path = DEFAULT_CONF, *report = NULL;
	struct args a = {0};
	bool only_check = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "+c:ndqf", options, NULL)) != -1) {
		switch (c) {
		case 'c': path = optarg; break;
		case 'n': only_check = true; break;
		case 'd': a.run.debug = true; break;
		case 'q': a.run.quiet = true; break;
		case 'f': a.run.force = true; break;
		case OPT_REBUILD: a.run.rebuild = true; break;
		case OPT_ACCEPT: a.run.accept_loss = true; break;
		case OPT_REPORT: report = optarg; break;
		case OPT_DEFAULTS: conf_show_defaults(ti_conf_opts, stdout); return 0;
		case OPT_HELP: usage(stdout); return 0;
		case OPT_VERSION: puts(PROGRAM " " PACKAGE_VERSION); return 0;
		default: usage(stderr); return TI_EXIT_USAGE;
		}
	}
	signal(SIGPIPE, SIG_IGN);
	log_init(PROGRAM, LOG_DEST_STDERR, LOG_INFO);
	if (report != NULL) {
		a.run.report = strcmp(report, "-") == 0 ? stdout : fopen(report, "we");
		if (a.run.report == NULL) {
			fprintf(stderr, PROGRAM ": %s: %m\n", report);
			return TI_EXIT_USAGE;
		}
	}
	a.argc = argc - optind > 1 ? argc - optind - 1 : 0;
	a.argv = argv + optind + (argc > optind);
	r = command_run(&a, argc > optind ? argv[optind] : "run", path, only_check);
	if (report != NULL && fclose(a.run.report) != 0 && r == 0)
		r = TI_EXIT_FAILED;
	ti_conf_free(&a.conf);
	return r;
}
