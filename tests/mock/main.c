/* SPDX-License-Identifier: MIT */
/* llmsec-mock: an LLM provider of all dialects for tests.  tests/mock/README says how to steer it. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "serve.h"

static const char usage_text[] =
"usage: llmsec-mock [options]\n"
"  --port N           plain HTTP on this port; 0: any free one\n"
"  --tls-port N       HTTPS on this port; 0: any free one\n"
"  --cert F --key F   certificate chain and key (PEM) for HTTPS\n"
"  --bind ADDRESS     default 127.0.0.1\n"
"  --interval-ms N    between the events of a stream, where the request does not say; default 20\n"
"  --port-file F      write \"PORT TLS_PORT\" (- for none) there when both listen\n"
"  --log F            a line for every request; - is stderr\n"
"  --help, --version\n";

enum { OPT_PORT = 1, OPT_TLS_PORT, OPT_CERT, OPT_KEY, OPT_BIND, OPT_INTERVAL, OPT_PORT_FILE, OPT_LOG, OPT_HELP,
	OPT_VERSION };

static const struct option options[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "tls-port", required_argument, NULL, OPT_TLS_PORT },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "bind", required_argument, NULL, OPT_BIND },
	{ "interval-ms", required_argument, NULL, OPT_INTERVAL },
	{ "port-file", required_argument, NULL, OPT_PORT_FILE },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int
number(const char *text, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < 0 || n > max) {
		fprintf(stderr, "llmsec-mock: %s: not a number from 0 to %ld\n", text, max);
		exit(2);
	}
	return (int)n;
}

static FILE *
open_log(const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stderr : fopen(path, "a");

	if (f == NULL) {
		fprintf(stderr, "llmsec-mock: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return f;
}

static void
parse(int argc, char **argv, struct serve_options *o, const char **port_file)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case OPT_PORT:
			o->port = number(optarg, 65535);
			break;
		case OPT_TLS_PORT:
			o->tls_port = number(optarg, 65535);
			break;
		case OPT_CERT:
			o->cert_file = optarg;
			break;
		case OPT_KEY:
			o->key_file = optarg;
			break;
		case OPT_BIND:
			o->bind = optarg;
			break;
		case OPT_INTERVAL:
			o->interval_ms = number(optarg, 600000);
			break;
		case OPT_PORT_FILE:
			*port_file = optarg;
			break;
		case OPT_LOG:
			o->log = open_log(optarg);
			break;
		case OPT_HELP:
			fputs(usage_text, stdout);
			exit(0);
		case OPT_VERSION:
			puts("llmsec-mock " PACKAGE_VERSION);
			exit(0);
		default:
			fputs(usage_text, stderr);
			exit(2);
		}
	}
	if (optind < argc || (o->port < 0 && o->tls_port < 0)) {
		fputs(usage_text, stderr);
		exit(2);
	}
}

/* Written under another name first: whoever waits for the file finds it whole. */
static int
write_ports(const char *path, const struct serve *s)
{
	char tmp[4096], plain[16] = "-", tls[16] = "-";
	FILE *f;

	if (serve_port(s, 0) > 0)
		snprintf(plain, sizeof(plain), "%d", serve_port(s, 0));
	if (serve_port(s, 1) > 0)
		snprintf(tls, sizeof(tls), "%d", serve_port(s, 1));
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	f = fopen(tmp, "w");
	if (f == NULL || fprintf(f, "%s %s\n", plain, tls) < 0 || fclose(f) != 0 || rename(tmp, path) != 0) {
		fprintf(stderr, "llmsec-mock: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct serve_options opt = { .bind = "127.0.0.1", .port = -1, .tls_port = -1, .interval_ms = 20 };
	const char *port_file = NULL;
	struct serve *s;
	sigset_t set;
	int sig, rc = 0;

	parse(argc, argv, &opt, &port_file);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Threads inherit it: events go out within microseconds of their time, not within 50. */
	prctl(PR_SET_TIMERSLACK, 1000UL);
	s = serve_start(&opt);
	if (s == NULL)
		return 1;
	if (port_file && write_ports(port_file, s) < 0)
		rc = 1;
	if (rc == 0)
		sigwait(&set, &sig);
	serve_stop(s);
	if (opt.log && opt.log != stderr)
		fclose(opt.log);
	return rc;
}
