/* SPDX-License-Identifier: MIT */
/*
 * What the tests of llmsecd need: a sender that says which events it was promised to keep, the proof
 * that they are kept, counters with everything a label may hold, and a judge of Prometheus text.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "tests/tools/events_tool.h"
#include "tests/unit/control/promtext.h"

static int
usage(FILE *f)
{
	fputs("usage: llmsec-events emit -s SOCKET -d SPOOL_DIR -t TAG -n COUNT [-p BYTES] [-r PER_SECOND]\n"
	    "                          [-j THREADS] [-w SECONDS] LOG\n"
	    "           emit events with request ids TAG-0, TAG-1, ... and append to LOG those that event_emit\n"
	    "           took; -p: bytes of padding; -w: wait so long for acknowledgements; SIGTERM stops it\n"
	    "       llmsec-events verify DATABASE LOG...\n"
	    "           every request id of the logs must be in the database, and none twice\n"
	    "       llmsec-events counters DIR\n"
	    "           write two counter files there\n"
	    "       llmsec-events promcheck\n"
	    "           judge Prometheus text from standard input\n", f);
	return f == stdout ? 0 : 2;
}

static int
promcheck(int argc, char **argv)
{
	static char text[16 << 20];
	struct prom_report r;
	size_t n = fread(text, 1, sizeof(text), stdin);

	if (n == 0 || n == sizeof(text) || prom_check(text, n, &r) < 0) {
		printf("line %u: %s\n", n > 0 ? r.line : 0, n > 0 ? r.why : "nothing");
		return 1;
	}
	printf("families %u series %u\n", r.families, r.series);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct { const char *name; int (*run)(int, char **); } commands[] = {
		{ "emit", events_emit }, { "verify", events_verify }, { "counters", events_counters },
		{ "promcheck", promcheck },
	};

	log_init("llmsec-events", LOG_DEST_STDERR, 4);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0) {
			int r = commands[i].run(argc - 1, argv + 1);

			return r == 2 ? usage(stderr) : r;
		}
	return usage(argc > 1 && strcmp(argv[1], "-h") == 0 ? stdout : stderr);
}
