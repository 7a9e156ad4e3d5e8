/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static const char usage_text[] =
"usage: llmsec-load stream|req|big --url BASE [options]\n"
"  stream: N streams; first event, gaps, lag behind the provider's stamps, lost events, stalls\n"
"  req:    small requests for some seconds; rate and latency\n"
"  big:    large requests and answers, compared by SHA-256 with what the provider saw and gave\n"
"The provider behind BASE must be llmsec-mock.\n"
"  --url BASE            https://host:port\n"
"  --baseline BASE2      ask it alternately and print the difference\n"
"  --cacert F            CA of both; --baseline-cacert F: of BASE2\n"
"  --key K               sent in all the ways the dialects know\n"
"  --dialect D           openai (default), anthropic, gemini, ollama\n"
"  --header 'N: V'       added to every request; repeatable\n"
"  --path P --body F     instead of the dialect's own; in req @NUMBER@ in F is another number in each request\n"
"  --mock K=V,...        more directives for the provider\n"
"  --http2               offer h2\n"
"  -n N                  streams (50), repetitions of big (1)\n"
"  -c N                  at the same time (1; req: 8)\n"
"  -w N                  streams or requests before measuring begins (-c's)\n"
"  --tokens N            events of content per stream (40)\n"
"  --interval-ms N       between them (50)\n"
"  --stall-ms X          a longer silence is a stall (0: no such check)\n"
"  --seconds S           of req, for each side (5)\n"
"  --size BYTES          of big (10485760)\n"
"  --expect STATUS       (200)\n"
"  --timeout S           of one request (120)\n"
"  --json                one JSON object instead of text\n"
"Exit: 0 good; 1 errors, lost events or stalls; 2 usage.\n";

enum { OPT_URL = 256, OPT_BASELINE, OPT_CACERT, OPT_BASELINE_CA, OPT_KEY, OPT_DIALECT, OPT_HEADER, OPT_PATH, OPT_BODY,
	OPT_MOCK, OPT_H2, OPT_TOKENS, OPT_INTERVAL, OPT_STALL, OPT_SECONDS, OPT_SIZE, OPT_EXPECT, OPT_TIMEOUT, OPT_JSON,
	OPT_HELP, OPT_VERSION };

static const struct option options[] = {
	{ "url", required_argument, NULL, OPT_URL },
	{ "baseline", required_argument, NULL, OPT_BASELINE },
	{ "cacert", required_argument, NULL, OPT_CACERT },
	{ "baseline-cacert", required_argument, NULL, OPT_BASELINE_CA },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "dialect", required_argument, NULL, OPT_DIALECT },
	{ "header", required_argument, NULL, OPT_HEADER },
	{ "path", required_argument, NULL, OPT_PATH },
	{ "body", required_argument, NULL, OPT_BODY },
	{ "mock", required_argument, NULL, OPT_MOCK },
	{ "http2", no_argument, NULL, OPT_H2 },
	{ "tokens", required_argument, NULL, OPT_TOKENS },
	{ "interval-ms", required_argument, NULL, OPT_INTERVAL },
	{ "stall-ms", required_argument, NULL, OPT_STALL },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "expect", required_argument, NULL, OPT_EXPECT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void
usage_error(const char *why)
{
	fprintf(stderr, "llmsec-load: %s\n%s", why, usage_text);
	exit(2);
}

static double
number(const char *text, double min, double max)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= min && v <= max)) {
		fprintf(stderr, "llmsec-load: %s: not a number from %g to %g\n", text, min, max);
		exit(2);
	}
	return v;
}

static enum load_dialect
dialect(const char *name)
{
	static const char *const names[] = { "openai", "anthropic", "gemini", "ollama" };

	for (int i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum load_dialect)i;
	usage_error("unknown dialect");
	return LOAD_OPENAI;
}

static void
set_text_option(struct load_options *o, int c)
{
	switch (c) {
	case OPT_URL:
		o->url = optarg;
		break;
	case OPT_BASELINE:
		o->baseline = optarg;
		break;
	case OPT_CACERT:
		o->ca_file = optarg;
		break;
	case OPT_BASELINE_CA:
		o->baseline_ca = optarg;
		break;
	case OPT_KEY:
		o->key = optarg;
		break;
	case OPT_DIALECT:
		o->dialect = dialect(optarg);
		break;
	case OPT_HEADER:
		o->headers = curl_slist_append(o->headers, optarg);
		break;
	case OPT_PATH:
		o->path = optarg;
		break;
	case OPT_BODY:
		o->body_file = optarg;
		break;
	case OPT_MOCK:
		o->directives = optarg;
		break;
	case OPT_H2:
		o->h2 = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_HELP:
		fputs(usage_text, stdout);
		exit(0);
	case OPT_VERSION:
		puts("llmsec-load " PACKAGE_VERSION);
		exit(0);
	default:
		usage_error("bad option");
	}
}

static void
set_option(struct load_options *o, int c)
{
	switch (c) {
	case 'n':
		o->n = (unsigned)number(optarg, 1, 1e7);
		break;
	case 'c':
		o->concurrency = (unsigned)number(optarg, 1, 4000);
		break;
	case 'w':
		o->warmup = (unsigned)number(optarg, 0, 1e6);
		break;
	case OPT_TOKENS:
		o->tokens = (unsigned)number(optarg, 1, 1e6);
		break;
	case OPT_INTERVAL:
		o->interval_ms = (unsigned)number(optarg, 0, 60000);
		break;
	case OPT_STALL:
		o->stall_ms = number(optarg, 0, 1e6);
		break;
	case OPT_SECONDS:
		o->seconds = number(optarg, 0.1, 3600);
		break;
	case OPT_SIZE:
		o->size = (size_t)number(optarg, 1, 200e6);
		break;
	case OPT_EXPECT:
		o->expect = (unsigned)number(optarg, 100, 599);
		break;
	case OPT_TIMEOUT:
		o->timeout_s = (unsigned)number(optarg, 1, 3600);
		break;
	default:
		set_text_option(o, c);
	}
}

struct side {
	const char *base;
	CURLM *multi;
	struct load_result result;
};

/* So many at once before measuring: connections and the chain's processes are then warm. */
static int
warm_up(const struct load_options *o, const char *mode, struct side *s)
{
	struct load_options light = *o;
	struct load_result ignored = { 0 };
	int err = 0;

	light.tokens = 1;
	if (o->warmup && strcmp(mode, "stream") == 0)
		err = load_stream(&light, s->base, s->multi, o->warmup, &ignored);
	else if (o->warmup && strcmp(mode, "req") == 0)
		err = load_req(&light, s->base, s->multi, 0.1, &ignored);
	load_result_free(&ignored);
	return err;
}

/* Both sides in turns, so that whatever else this machine does hits both. */
static int
measure(const struct load_options *o, const char *mode, struct side *side, unsigned sides)
{
	unsigned rounds, round = 0, now;
	int err = 0;

	if (strcmp(mode, "stream") == 0)
		rounds = (o->n + o->concurrency - 1) / o->concurrency;
	else
		rounds = strcmp(mode, "req") == 0 && sides > 1 ? (unsigned)(o->seconds * 4 + 0.999) : 1;
	if (strcmp(mode, "stream") == 0 && sides == 1)
		return load_stream(o, side[0].base, side[0].multi, o->n, &side[0].result);
	for (; round < rounds && err == 0; round++) {
		now = o->n - round * o->concurrency < o->concurrency ? o->n - round * o->concurrency : o->concurrency;
		for (unsigned i = 0; i < sides && err == 0; i++) {
			struct side *s = &side[(i + round) % sides];

			if (strcmp(mode, "stream") == 0)
				err = load_stream(o, s->base, s->multi, now, &s->result);
			else if (strcmp(mode, "req") == 0)
				err = load_req(o, s->base, s->multi, o->seconds / rounds, &s->result);
			else
				err = load_big(o, s->base, s->multi, &s->result);
		}
	}
	return err;
}

static void
report(const struct load_options *o, const char *mode, struct side *side, unsigned sides)
{
	json_t *out;

	if (!o->json) {
		for (unsigned i = 0; i < sides; i++)
			load_result_print(&side[i].result, mode, side[i].base);
		if (sides > 1)
			load_compare_print(&side[0].result, &side[1].result);
		return;
	}
	out = load_result_json(&side[0].result, mode, side[0].base);
	if (sides > 1) {
		json_object_set_new(out, "baseline", load_result_json(&side[1].result, mode, side[1].base));
		json_object_set_new(out, "compare", load_compare_json(&side[0].result, &side[1].result));
	}
	json_dumpf(out, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(7));
	putchar('\n');
	json_decref(out);
}

static const char *
parse(int argc, char **argv, struct load_options *o)
{
	const char *mode = argc > 1 ? argv[1] : "";
	bool is_mode = strcmp(mode, "stream") == 0 || strcmp(mode, "req") == 0 || strcmp(mode, "big") == 0;
	int c;

	optind = is_mode ? 2 : 1;
	while ((c = getopt_long(argc, argv, "n:c:w:", options, NULL)) != -1)
		set_option(o, c);
	if (!is_mode || optind < argc)
		usage_error("one mode first: stream, req or big");
	if (o->url == NULL)
		usage_error("--url is missing");
	if (o->n == 0)
		o->n = strcmp(mode, "big") == 0 ? 1 : 50;
	if (o->concurrency == 0)
		o->concurrency = strcmp(mode, "req") == 0 ? 8 : 1;
	if (o->warmup == (unsigned)-1)
		o->warmup = o->concurrency;
	return mode;
}

int
main(int argc, char **argv)
{
	struct load_options opt = { .tokens = 40, .interval_ms = 50, .seconds = 5, .size = 10 << 20, .expect = 200,
		.timeout_s = 120, .warmup = (unsigned)-1 };
	struct side side[2] = { { 0 } };
	const char *mode = parse(argc, argv, &opt);
	unsigned sides = opt.baseline ? 2 : 1;
	bool good = true;
	int err = 0;

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_ALL);
	for (unsigned i = 0; i < sides && err == 0; i++) {
		side[i].base = i ? opt.baseline : opt.url;
		side[i].multi = load_multi_new(&opt);
		err = side[i].multi ? warm_up(&opt, mode, &side[i]) : -ENOMEM;
	}
	if (err == 0)
		err = measure(&opt, mode, side, sides);
	if (err < 0)
		fprintf(stderr, "llmsec-load: %s\n", strerror(-err));
	else
		report(&opt, mode, side, sides);
	for (unsigned i = 0; i < sides; i++) {
		good = good && load_result_good(&side[i].result);
		load_result_free(&side[i].result);
		curl_multi_cleanup(side[i].multi);
	}
	curl_slist_free_all(opt.headers);
	curl_global_cleanup();
	return err == 0 && good ? 0 : 1;
}
