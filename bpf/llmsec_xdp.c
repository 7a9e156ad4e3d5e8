/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/xdp_cli.h"
#include "lib/diag.h"
#include "lib/log.h"

struct command {
	const char	*name, *args, *help;
	int		(*run)(struct xdp_cli *);
	int		 min, max;	/* words; max -1: any number */
};

static int
panic_command(struct xdp_cli *c)
{
	return xdp_cmd_switch(c, "panic");
}

static int
lockdown_command(struct xdp_cli *c)
{
	return xdp_cmd_switch(c, "lockdown");
}

static int
dry_run_command(struct xdp_cli *c)
{
	return xdp_cmd_switch(c, "dry-run");
}

static const struct command commands[] = {
	{"attach", "IFACE...", "put the filter on interfaces, or a new program and configuration into it", xdp_cmd_attach, 1, -1},
	{"apply", "", "the configuration into a filter that is on; the program stays", xdp_cmd_apply, 0, 0},
	{"detach", "IFACE...", "take it off; with --all from all, and forget all bans", xdp_cmd_detach, 0, -1},
	{"status", "", "where it is on, in which mode, switches, how full the tables are", xdp_cmd_status, 0, 0},
	{"stats", "", "packets and bytes by reason; --watch SECONDS: as rates", xdp_cmd_stats, 0, 0},
	{"events", "", "samples of dropped packets as they happen; --count N ends", xdp_cmd_events, 0, 0},
	{"ban", "CIDR...", "ban networks; --ttl 1h (default: for ever), --port 443 --proto udp", xdp_cmd_ban, 1, -1},
	{"unban", "CIDR...", "lift bans, whoever wanted them; --origin: only of that origin", xdp_cmd_unban, 1, -1},
	{"list", "[CIDR...]", "bans in force; with networks: only those, exit code 1 if one is missing", xdp_cmd_list, 0, -1},
	{"flush", "", "lift all bans; --origin manual|cluster|import: of that origin", xdp_cmd_flush, 0, 0},
	{"expire", "", "take expired bans out of the tables (they don't count anyway)", xdp_cmd_expire, 0, 0},
	{"allow", "list | add|del CIDR...", "who is never dropped", xdp_cmd_allow, 1, -1},
	{"import", "FILE", "a list or an IP set as all bans of origin import; -: standard input", xdp_cmd_import, 1, 1},
	{"test", "", "what happens to a packet: --hex TEXT or --pcap FILE; --ban CIDR", xdp_cmd_test, 0, 0},
	{"bench", "[NAME]", "nanoseconds per packet of the ways through the program, of all or those named so", xdp_cmd_bench, 0, 1},
	{"panic", "on|off", "on: pass everything, at once", panic_command, 1, 1},
	{"lockdown", "on|off", "on: drop everything that isn't on the allow list", lockdown_command, 1, 1},
	{"dry-run", "on|off", "on: count, drop nothing", dry_run_command, 1, 1},
	{"follow", "", "stay, and do what llmsecd says about bans", xdp_cmd_follow, 0, 0},
	{NULL, NULL, NULL, NULL, 0, 0},
};

enum { O_PIN_DIR = 256, O_TTL, O_PORT, O_PROTO, O_ORIGIN, O_HEX, O_PCAP, O_BAN, O_WATCH, O_ALL, O_COUNT, O_REPEAT,
	O_PREFIXES, O_PROG_ID, O_MODE, O_NO_COOKIES, O_DEFAULTS, O_MDOC, O_VERSION };

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'n'}, {"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, O_VERSION},
	{"show-defaults", no_argument, NULL, O_DEFAULTS}, {"show-mdoc", no_argument, NULL, O_MDOC},
	{"pin-dir", required_argument, NULL, O_PIN_DIR}, {"ttl", required_argument, NULL, O_TTL},
	{"port", required_argument, NULL, O_PORT}, {"proto", required_argument, NULL, O_PROTO},
	{"origin", required_argument, NULL, O_ORIGIN}, {"hex", required_argument, NULL, O_HEX},
	{"pcap", required_argument, NULL, O_PCAP}, {"ban", required_argument, NULL, O_BAN},
	{"watch", required_argument, NULL, O_WATCH}, {"all", no_argument, NULL, O_ALL},
	{"count", required_argument, NULL, O_COUNT}, {"repeat", required_argument, NULL, O_REPEAT},
	{"prefixes", required_argument, NULL, O_PREFIXES}, {"prog-id", required_argument, NULL, O_PROG_ID},
	{"mode", required_argument, NULL, O_MODE}, {"no-cookies", no_argument, NULL, O_NO_COOKIES}, {NULL, 0, NULL, 0},
};

static void
usage(FILE *f)
{
	fputs("usage: llmsec-xdp [options] command\ncommands:\n", f);
	for (const struct command *c = commands; c->name != NULL; c++)
		fprintf(f, "  %-8s %-22s %s\n", c->name, c->args, c->help);
	fputs("options:\n"
	    "  -c, --config FILE   default " LLMSEC_SYSCONFDIR "/xdp.yaml where it exists, else built-in defaults\n"
	    "  -n, --check         check the configuration and exit\n"
	    "      --pin-dir DIR   instead of the configuration's pin_dir\n"
	    "      --mode MODE     attach: native, generic or auto, instead of the configuration's\n"
	    "  -j, --json          print JSON (status, stats, list, events, test, bench)\n"
	    "      --show-defaults print a complete configuration\n"
	    "      --version; -h, --help\n", f);
}

void
xdp_cli_error(const char *fmt, ...)
{
	va_list ap;

	fputs("llmsec-xdp: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void
xdp_cli_diag(struct xdp_cli *c)
{
	diag_print(c->diag, stderr);
	diag_free(&c->diag);
	c->diag = diag_new();
}

int
xdp_cli_open(const struct xdp_cli *c, struct xdp_maps *m, bool ro)
{
	int r = xdp_maps_open(m, c->pin_dir, ro);

	if (r == 0)
		return 0;
	if (r == -ENOENT)
		xdp_cli_error("no filter is loaded under %s (llmsec-xdp attach IFACE)", c->pin_dir);
	else if (r == -EPROTO)
		xdp_cli_error("%s was made by another version of llmsec-xdp (detach --all, then attach)", c->pin_dir);
	else
		xdp_cli_error("%s: %s", c->pin_dir, strerror(-r));
	return r == -ENOENT ? XDP_EXIT_NOT_LOADED : XDP_EXIT_FAILED;
}

int
xdp_duration_parse(const char *text, int64_t *ms)
{
	static const struct { const char *unit; int64_t ms; } units[] = {
		{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"w", 604800000}};
	char *end;
	long long n;

	if (strcmp(text, "forever") == 0) {
		*ms = -1;
		return 0;
	}
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || n <= 0 || n > 1000000000)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*ms = n * units[i].ms;
			return 0;
		}
	return -EINVAL;
}

const char *
xdp_duration_format(int64_t ms, char out[32])
{
	int64_t s = ms / 1000;

	if (ms < 0)
		snprintf(out, 32, "for ever");
	else if (s < 60)
		snprintf(out, 32, "%d.%ds", (int) s, (int) (ms / 100 % 10));
	else if (s < 3600)
		snprintf(out, 32, "%dm%02ds", (int) (s / 60), (int) (s % 60));
	else if (s < 86400)
		snprintf(out, 32, "%dh%02dm", (int) (s / 3600), (int) (s / 60 % 60));
	else
		snprintf(out, 32, "%dd%02dh", (int) (s / 86400), (int) (s / 3600 % 24));
	return out;
}

static int
number(const char *text, const char *option, int min, int *out)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end != '\0' || v < min || v > 100000000) {
		xdp_cli_error("--%s: \"%s\" is not a number of at least %d", option, text, min);
		return -EINVAL;
	}
	*out = (int) v;
	return 0;
}

/* One option; 0, or an exit code + 1. */
static int
option(struct xdp_cli *c, int o)
{
	switch (o) {
	case 'c': c->conf_path = optarg; c->conf_given = true; return 0;
	case 'j': c->json = true; return 0;
	case O_PIN_DIR: c->pin_dir = optarg; return 0;
	case O_TTL: c->ttl = optarg; return 0;
	case O_PORT: c->port = optarg; return 0;
	case O_PROTO: c->proto = optarg; return 0;
	case O_ORIGIN: c->origin = optarg; return 0;
	case O_HEX: c->hex = optarg; return 0;
	case O_PCAP: c->pcap = optarg; return 0;
	case O_PROG_ID: c->prog_id = optarg; return 0;
	case O_MODE: c->mode = optarg; return 0;
	case O_ALL: c->all = true; return 0;
	case O_NO_COOKIES: c->no_cookies = true; return 0;
	case O_WATCH: return number(optarg, "watch", 1, &c->watch) ? XDP_EXIT_USAGE + 1 : 0;
	case O_COUNT: c->count = true; return number(optarg, "count", 1, &c->repeat) ? XDP_EXIT_USAGE + 1 : 0;
	case O_REPEAT: return number(optarg, "repeat", 1, &c->repeat) ? XDP_EXIT_USAGE + 1 : 0;
	case O_PREFIXES: return number(optarg, "prefixes", 1, &c->prefixes) ? XDP_EXIT_USAGE + 1 : 0;
	case O_BAN:
		if (c->n_bans == sizeof(c->bans) / sizeof(c->bans[0])) {
			xdp_cli_error("--ban: too many");
			return XDP_EXIT_USAGE + 1;
		}
		c->bans[c->n_bans++] = optarg;
		return 0;
	case O_VERSION: puts("llmsec-xdp " VERSION); return XDP_EXIT_OK + 1;
	case O_DEFAULTS: conf_show_defaults(xdp_conf_opts, stdout); return XDP_EXIT_OK + 1;
	case O_MDOC: conf_show_mdoc(xdp_conf_opts, stdout); return XDP_EXIT_OK + 1;
	case 'h': usage(stdout); return XDP_EXIT_OK + 1;
	default: usage(stderr); return XDP_EXIT_USAGE + 1;
	}
}

static int
configure(struct xdp_cli *c)
{
	static const char def[] = LLMSEC_SYSCONFDIR "/xdp.yaml";
	static const char *const modes[] = {"auto", "native", "generic"};
	int r;

	if (c->conf_path == NULL && access(def, R_OK) == 0)
		c->conf_path = def;
	r = xdp_conf_load(&c->conf, c->conf_path, &c->mem, c->diag);
	if (r == 0 && c->mode != NULL) {
		r = -EINVAL;
		for (int i = 0; i < 3; i++)
			if (strcmp(c->mode, modes[i]) == 0) {
				c->conf.mode = i;
				r = 0;
			}
		if (r != 0)
			xdp_cli_error("--mode: native, generic or auto, not \"%s\"", c->mode);
	}
	if (r != 0 && diag_errors(c->diag) == 0 && c->mode == NULL)
		diag_error(c->diag, c->conf_path, 0, 0, "%s", strerror(-r));
	xdp_cli_diag(c);
	if (r != 0)
		return XDP_EXIT_USAGE;
	log_set_level(log_level_parse(c->conf.log_level));
	if (c->pin_dir == NULL)
		c->pin_dir = c->conf.pin_dir;
	return 0;
}

static int
command_run(struct xdp_cli *c, const char *name)
{
	const struct command *cmd = commands;

	while (cmd->name != NULL && strcmp(cmd->name, name) != 0)
		cmd++;
	if (cmd->name == NULL) {
		xdp_cli_error("\"%s\" is no command (llmsec-xdp --help)", name);
		return XDP_EXIT_USAGE;
	}
	if (c->n_words < cmd->min || (cmd->max >= 0 && c->n_words > cmd->max)) {
		fprintf(stderr, "usage: llmsec-xdp %s %s\n", cmd->name, cmd->args);
		return XDP_EXIT_USAGE;
	}
	return cmd->run(c);
}

int
main(int argc, char **argv)
{
	struct xdp_cli c = {0};
	bool check = false;
	int o, r = 0;

	log_init("llmsec-xdp", LOG_DEST_STDERR, LOG_INFO);
	while (r == 0 && (o = getopt_long(argc, argv, "c:njh", options, NULL)) != -1) {
		if (o == 'n')
			check = true;
		else
			r = option(&c, o);
	}
	if (r != 0)
		return r - 1;
	c.diag = diag_new();
	if (c.diag == NULL)
		return XDP_EXIT_FAILED;
	if (optind == argc && !check) {
		usage(stderr);
		r = XDP_EXIT_USAGE;
	} else
		r = configure(&c);
	if (r == 0 && check)
		printf("%s: the configuration is good\n", c.conf_path != NULL ? c.conf_path : "built-in defaults");
	else if (r == 0) {
		c.words = argv + optind + 1;
		c.n_words = argc - optind - 1;
		r = command_run(&c, argv[optind]);
	}
	xdp_cli_diag(&c);
	diag_free(&c.diag);
	conf_mem_free(&c.mem);
	if (fflush(stdout) != 0)
		r = XDP_EXIT_FAILED;
	return r;
}
