/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/floods/flood.h"

static const struct {
	const char	*name;
	void		(*run)(struct flood *);
	bool		 h2;
} modes[] = {
	{"keepalive", flood_keepalive, false}, {"connect", flood_connect, false}, {"slowloris", flood_slowloris, false},
	{"slowbody", flood_slowbody, false}, {"probe", flood_probe, false}, {"pace", flood_pace, false}, {"h2", flood_h2, true},
	{"reset", flood_reset, true}, {"settings", flood_settings, true},
};

static void
usage(FILE *out)
{
	fputs("usage: llmsec-flood [options] MODE\n"
	    "MODE: keepalive connect slowloris slowbody h2 reset settings; probe, who behaves well; pace, for measurements.\n"
	    "Prints one JSON object: connections opened, refused, closed; requests sent, answers by status; p50, p99 in ms of probe and pace.\n"
	    "  -a ADDRESS  our address (127.0.0.7)     -p PORT  of the edge on 127.0.0.1\n"
	    "  -c N        connections (20)            -t SECONDS (5)\n"
	    "  -i MS       between a probe's requests, between a slow client's bytes (20)\n"
	    "  -r N        pace: requests a second (1000)\n"
	    "  -n          no TLS\n", out);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
percentile(struct flood *f, double p)
{
	qsort(f->sample, f->n_sample, sizeof(*f->sample), by_size);
	return f->n_sample ? f->sample[(size_t)(p * (double)(f->n_sample - 1))] : 0;
}

static void
print(struct flood *f)
{
	printf("{\"opened\":%lu,\"refused\":%lu,\"closed\":%lu,\"sent\":%lu,\"status\":{", f->opened, f->refused, f->closed, f->sent);
	for (unsigned i = 0, any = 0; i < 600; i++)
		if (f->status[i])
			printf("%s\"%u\":%lu", any++ ? "," : "", i, f->status[i]);
	printf("},\"p50\":%.3f,\"p99\":%.3f}\n", percentile(f, 0.5), percentile(f, 0.99));
}

static SSL_CTX *
tls(bool h2)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const char *alpn = h2 ? "\x02h2" : "\x08http/1.1";

	if (ctx != NULL && SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)alpn, (unsigned)strlen(alpn)) != 0) {
		SSL_CTX_free(ctx);
		ctx = NULL;
	}
	if (ctx != NULL)	/* a session ticket is nothing to block on */
		SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	return ctx;
}

int
main(int argc, char **argv)
{
	struct flood f = {.source = "127.0.0.7", .tls = true, .conns = 20, .interval_ms = 20, .seconds = 5, .rate = 1000};
	int c;

	while ((c = getopt(argc, argv, "a:p:c:t:i:r:nh")) != -1)
		switch (c) {
		case 'a': f.source = optarg; break;
		case 'p': f.port = (uint16_t)atoi(optarg); break;
		case 'c': f.conns = (unsigned)atoi(optarg); break;
		case 't': f.seconds = atof(optarg); break;
		case 'i': f.interval_ms = (unsigned)atoi(optarg); break;
		case 'r': f.rate = atof(optarg); break;
		case 'n': f.tls = false; break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return 2;
		}
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; optind + 1 == argc && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[optind], modes[i].name) != 0)
			continue;
		f.ctx = tls(modes[i].h2);
		f.sample = malloc(FLOOD_SAMPLES * sizeof(*f.sample));
		if (f.ctx == NULL || f.sample == NULL || f.port == 0 || f.conns == 0 || f.conns > FLOOD_CONNS_MAX ||
		    f.seconds > FLOOD_SECONDS_MAX || f.rate <= 0)
			break;
		f.until = flood_now() + f.seconds;
		modes[i].run(&f);
		print(&f);
		free(f.sample);
		SSL_CTX_free(f.ctx);
		return 0;
	}
	usage(stderr);
	return 2;
}
