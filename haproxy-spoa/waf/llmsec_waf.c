/* SPDX-License-Identifier: MIT */
/* llmsec-waf: check a rule set, judge requests with it, explain verdicts.  See llmsec-waf(1). */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/llmsec_waf.h"
#include "lib/arena.h"
#include "lib/diag.h"

static void
usage(FILE *f)
{
	fputs("usage: llmsec-waf command --rules FILE [options] [FILE...]\n"
	    "commands:\n"
	    "  check                 are the rules free of mistakes?  Each is printed as file:line\n"
	    "  run [FILE...]         judge raw HTTP requests, one a file (-: standard input); JSON, a line each\n"
	    "  run --exec            be a co-process: records on standard input, a line for each\n"
	    "  explain [FILE...]     which rules fired, on what, after which transformations\n"
	    "  rules                 how many there are, by category and paranoia level\n"
	    "options:\n"
	    "  -r, --rules FILE      main configuration in SecLang, with its Includes\n"
	    "  -p, --profile NAME    of a route: TX.llmsec_profile, which the rules may look at (llm)\n"
	    "  -s, --set KEY=VALUE   a TX variable that the rules can't change: paranoia_level=2\n"
	    "      --mode MODE       on, detection or off instead of what SecRuleEngine says\n"
	    "      --client-ip ADDR  REMOTE_ADDR (127.0.0.1)\n"
	    "      --state-dir DIR   keep IP, GLOBAL and SESSION collections there\n"
	    "  -a, --all             run, explain: rules that don't log too; rules: bookkeeping rules too\n"
	    "  -l, --list            rules: each rule instead of counts\n"
	    "  -j, --json            rules: JSON\n"
	    "      --no-prefilter    evaluate every rule in full\n"
	    "      --verify          prove that what the prefilter skipped would not have matched\n"
	    "      --version; -h, --help\n", f);
}

int
cli_load(struct cli *c, bool explain)
{
	struct waf_options opt = { .state_dir = c->state_dir, .no_prefilter = c->no_prefilter, .explain = explain };
	struct diag *diag = diag_new();
	int r;

	if (diag == NULL)
		return CLI_USAGE;
	r = waf_load(&c->waf, c->rules, &opt, diag);
	diag_print(diag, stderr);
	if (r < 0 && diag_errors(diag) == 0)
		fprintf(stderr, "llmsec-waf: %s: %s\n", c->rules, strerror(-r));
	diag_free(&diag);
	if (r < 0)
		return CLI_FINDINGS;
	c->profile.mode = c->mode;
	c->profile.presets = c->presets;
	c->profile.n_presets = c->n_presets;
	c->thread = waf_thread_new();
	c->arena = arena_new(0);
	return c->thread != NULL && c->arena != NULL ? CLI_OK : CLI_USAGE;
}

void
cli_unload(struct cli *c)
{
	waf_thread_free(&c->thread);
	waf_free(&c->waf);
	arena_free(&c->arena);
}

static bool
set_take(struct cli *c, char *arg)
{
	char *eq = strchr(arg, '=');

	if (eq == NULL || eq == arg || c->n_presets == sizeof(c->presets) / sizeof(c->presets[0])) {
		fprintf(stderr, "llmsec-waf: --set wants KEY=VALUE, %zu times at most: %s\n",
		    sizeof(c->presets) / sizeof(c->presets[0]), arg);
		return false;
	}
	*eq = '\0';
	if (strncmp(arg, "tx.", 3) == 0)
		arg += 3;
	c->presets[c->n_presets++] = (struct waf_preset){arg, eq + 1};
	return true;
}

static bool
profile_take(struct cli *c, const char *name)
{
	if (c->n_presets == sizeof(c->presets) / sizeof(c->presets[0]))
		return false;
	c->presets[c->n_presets++] = (struct waf_preset){"llmsec_profile", name};
	c->profile.name = name;
	return true;
}

static bool
mode_take(struct cli *c, const char *arg)
{
	static const struct {
		const char	*name;
		enum waf_mode	 mode;
	} modes[] = { { "on", WAF_MODE_ON }, { "detection", WAF_MODE_DETECTION_ONLY }, { "off", WAF_MODE_OFF } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(arg, modes[i].name) == 0) {
			c->mode = modes[i].mode;
			return true;
		}
	}
	fprintf(stderr, "llmsec-waf: --mode is on, detection or off, not %s\n", arg);
	return false;
}

enum { O_MODE = 256, O_CLIENT, O_STATE, O_EXEC, O_NO_PREFILTER, O_VERIFY, O_VERSION };

static const struct option longs[] = {
	{ "rules", 1, NULL, 'r' }, { "set", 1, NULL, 's' }, { "profile", 1, NULL, 'p' }, { "mode", 1, NULL, O_MODE },
	{ "client-ip", 1, NULL, O_CLIENT }, { "state-dir", 1, NULL, O_STATE }, { "exec", 0, NULL, O_EXEC },
	{ "all", 0, NULL, 'a' }, { "list", 0, NULL, 'l' }, { "json", 0, NULL, 'j' },
	{ "no-prefilter", 0, NULL, O_NO_PREFILTER }, { "verify", 0, NULL, O_VERIFY },
	{ "version", 0, NULL, O_VERSION }, { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 }
};

/* -1: go on; else the exit code. */
static int
options_take(struct cli *c, int argc, char **argv)
{
	int o;

	while ((o = getopt_long(argc, argv, "r:s:p:aljh", longs, NULL)) != -1) {
		switch (o) {
		case 'r': c->rules = optarg; break;
		case 's': if (!set_take(c, optarg)) return CLI_USAGE; break;
		case 'p': if (!profile_take(c, optarg)) return CLI_USAGE; break;
		case 'a': c->all = true; break;
		case 'l': c->list = true; break;
		case 'j': c->json = true; break;
		case 'h': usage(stdout); return CLI_OK;
		case O_MODE: if (!mode_take(c, optarg)) return CLI_USAGE; break;
		case O_CLIENT: c->client_ip = optarg; break;
		case O_STATE: c->state_dir = optarg; break;
		case O_EXEC: c->exec = true; break;
		case O_NO_PREFILTER: c->no_prefilter = true; break;
		case O_VERIFY: c->verify = true; break;
		case O_VERSION: printf("llmsec-waf %s\n", PACKAGE_VERSION); return CLI_OK;
		default: usage(stderr); return CLI_USAGE;
		}
	}
	return -1;
}

static int
run_command(struct cli *c)
{
	return c->exec ? cli_exec(c) : cli_run(c);
}

static const struct command {
	const char	*name;
	int		(*run)(struct cli *);
	bool		 files;		/* takes names of files */
	bool		 explain;
} commands[] = {
	{ "check", cli_check, false, false }, { "run", run_command, true, false },
	{ "explain", cli_explain, true, true }, { "rules", cli_rules, false, false },
};

static int
command_run(struct cli *c, const struct command *cmd)
{
	static char dash[] = "-", *standard_input[] = { dash };
	int r;

	if (c->rules == NULL || (c->n_files > 0 && (!cmd->files || c->exec))) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (c->n_files == 0) {
		c->files = standard_input;
		c->n_files = 1;
	}
	r = cli_load(c, cmd->explain);
	if (r == CLI_OK)
		r = cmd->run(c);
	cli_unload(c);
	if (fflush(stdout) != 0 || ferror(stdout))
		return CLI_USAGE;
	return r;
}

int
main(int argc, char **argv)
{
	struct cli c = { .client_ip = "127.0.0.1", .mode = WAF_MODE_RULES, .profile.name = "llmsec-waf" };
	int r = options_take(&c, argc, argv);

	if (r >= 0)
		return r;
	for (size_t i = 0; optind < argc && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[optind], commands[i].name) != 0)
			continue;
		c.files = argv + optind + 1;
		c.n_files = argc - optind - 1;
		return command_run(&c, &commands[i]);
	}
	usage(stderr);
	return CLI_USAGE;
}
