/* SPDX-License-Identifier: MIT */
/*
 * What the WAF engine costs: CPU time of phases 1 and 2 per request, against libmodsecurity in the same run, on
 * the benign corpus and on the attacks of the Core Rule Set's suite.  Per request the median of some rounds,
 * ours and theirs in turns; then median, 99th percentile and mean over the requests.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "haproxy-spoa/waf/waf.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "tests/waf/corpus.h"
#include "tests/waf/peer.h"

#define SEED		7
#define ROUNDS_MAX	32

struct side {
	double		*us;		/* per request */
	double		 load_ms;
	size_t		 heap;
};

struct bench {
	const char	*rules, *peer_rules, *llm_rules, *attacks, *kind;
	unsigned	 rounds;
	size_t		 loop;
	struct corpus	 corpus;
	struct http_raw	*req;
	struct arena	*arena;
	struct waf	*waf;
	struct waf_thread *thread;
	struct waf_profile profile;
	struct peer	*peer;
	struct side	 ours, theirs;
	bool		 missed;
};

static double
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static size_t
heap_used(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
percentile(double *v, size_t n, double p)
{
	qsort(v, n, sizeof(*v), by_value);
	return n > 0 ? v[(size_t)(p * (double)(n - 1) + 0.5)] : 0;
}

static const struct waf_verdict *
judge(struct bench *b, size_t i, bool all)
{
	struct waf_request q = { .client_ip = WAF_STR("192.0.2.7"), .client_port = 50000,
	    .server_ip = WAF_STR("192.0.2.1"), .server_port = 443, .unique_id = WAF_STR("bench"),
	    .now_us = 1700000000000000 };
	struct waf_tx *tx;

	http_raw_to_request(&b->req[i], &q);
	tx = waf_tx_new(b->waf, b->thread, &b->profile, &q);
	if (tx == NULL)
		exit(2);
	return all ? (waf_tx_request(tx), waf_tx_end(tx)) : waf_tx_request(tx);
}

static double
time_ours(struct bench *b, size_t i)
{
	double t = cpu_us();

	judge(b, i, false);
	return cpu_us() - t;
}

static double
time_theirs(struct bench *b, size_t i)
{
	static struct peer_result r;
	double t = cpu_us();

	peer_judge(b->peer, &b->req[i], NULL, false, &r);
	return cpu_us() - t;
}

static void
measure(struct bench *b)
{
	unsigned theirs = b->rounds / 3 > 0 ? b->rounds / 3 : 1;
	double v[ROUNDS_MAX], w[ROUNDS_MAX];

	for (size_t i = 0; i < b->corpus.n; i++) {
		for (unsigned r = 0; r < b->rounds; r++) {
			v[r] = time_ours(b, i);
			if (b->peer != NULL && r < theirs)
				w[r] = time_theirs(b, i);
		}
		b->ours.us[i] = percentile(v, b->rounds, 0.5);
		b->theirs.us[i] = b->peer != NULL ? percentile(w, theirs, 0.5) : 0;
	}
}

struct summary {
	size_t		 n, bytes;
	double		 median[2], p99[2], mean[2];	/* ours, theirs */
};

/* <kind> < 0: all benign ones. */
static struct summary
summarise(const struct bench *b, int kind)
{
	double *v[2] = { calloc(b->corpus.n, sizeof(double)), calloc(b->corpus.n, sizeof(double)) };
	struct summary s = {0};

	for (size_t i = 0; i < b->corpus.n; i++) {
		int k = (int)b->corpus.req[i].kind;

		if (kind < 0 ? k == CORPUS_ATTACK : k != kind)
			continue;
		v[0][s.n] = b->ours.us[i];
		v[1][s.n] = b->theirs.us[i];
		s.bytes += buf_len(&b->corpus.req[i].bytes);
		s.n++;
	}
	for (int w = 0; w < 2 && s.n > 0; w++) {
		s.median[w] = percentile(v[w], s.n, 0.5);
		s.p99[w] = percentile(v[w], s.n, 0.99);
		for (size_t i = 0; i < s.n; i++)
			s.mean[w] += v[w][i] / (double)s.n;
	}
	free(v[0]);
	free(v[1]);
	return s;
}

static double
ratio(double theirs, double ours)
{
	return ours > 0 ? theirs / ours : 0;
}

static void
row(const char *name, const struct summary *s)
{
	if (s->n == 0)
		return;
	printf("%-12s %5zu %7zu | %8.1f %8.1f %8.1f | %8.0f %8.0f | %6.1f %6.1f\n", name, s->n, s->bytes / s->n,
	    s->median[0], s->p99[0], s->mean[0], s->median[1], s->p99[1], ratio(s->median[1], s->median[0]),
	    ratio(s->p99[1], s->p99[0]));
}

static void
target(struct bench *b, const char *what, double value, const char *unit, bool met)
{
	printf("  %-58s %9.1f %-4s %s\n", what, value, unit, met ? "met" : "MISSED");
	b->missed |= !met;
}

static int
ours_load(struct bench *b, const char *path)
{
	struct waf_options opt = {0};
	struct diag *diag = diag_new();
	size_t heap = heap_used();
	double t = cpu_us();
	int r = waf_load(&b->waf, path, &opt, diag);

	b->ours.load_ms = (cpu_us() - t) / 1e3;
	b->ours.heap = heap_used() - heap;
	if (r < 0)
		diag_print(diag, stderr);
	diag_free(&diag);
	b->thread = waf_thread_new();
	return r;
}

static void
theirs_load(struct bench *b)
{
	size_t heap = heap_used();
	char why[512] = "";
	double t = cpu_us();

	b->peer = peer_load(b->peer_rules, why, sizeof(why));
	b->theirs.load_ms = (cpu_us() - t) / 1e3;
	b->theirs.heap = heap_used() - heap;
	if (b->peer == NULL)
		printf("without libmodsecurity: %s\n", why);
}

static void
report_load(struct bench *b)
{
	struct waf_stats s;

	waf_stats(b->waf, &s);
	printf("rules %zu, detecting %zu, patterns %zu, phrases %zu, behind a prefilter %zu\n", s.rules,
	    s.detection_rules, s.regexes, s.phrases, s.prefiltered);
	printf("load %.0f ms, heap %.1f MiB", b->ours.load_ms, (double)b->ours.heap / 1048576);
	if (b->peer != NULL)
		printf("; libmodsecurity %.0f ms, %.1f MiB", b->theirs.load_ms, (double)b->theirs.heap / 1048576);
	printf("\n\n");
}

static void
report(struct bench *b)
{
	struct summary all = summarise(b, -1), attack = summarise(b, CORPUS_ATTACK), s;

	printf("%-12s %5s %7s | %26s | %17s | %13s\n%-12s %5s %7s | %8s %8s %8s | %8s %8s | %6s %6s\n", "", "", "",
	    "llmsec: us per request", "libmodsecurity", "times faster", "corpus", "n", "bytes", "median", "p99", "mean",
	    "median", "p99", "median", "p99");
	row("benign", &all);
	for (int k = 0; k < CORPUS_ATTACK; k++) {
		s = summarise(b, k);
		row(corpus_kind_name((enum corpus_kind)k), &s);
	}
	row("attack", &attack);
	printf("\ntargets:\n");
	if (b->peer != NULL && b->kind == NULL) {
		target(b, "benign median, times faster (20)", ratio(all.median[1], all.median[0]), "x",
		    all.median[1] >= 20 * all.median[0]);
		target(b, "benign p99, times faster (8)", ratio(all.p99[1], all.p99[0]), "x",
		    all.p99[1] >= 8 * all.p99[0]);
	}
	if (b->peer != NULL && attack.n > 0)
		target(b, "attack median, times faster (15)", ratio(attack.median[1], attack.median[0]), "x",
		    attack.median[1] >= 15 * attack.median[0]);
	target(b, "load (150 ms)", b->ours.load_ms, "ms", b->ours.load_ms <= 150);
	target(b, "heap (20 MiB)", (double)b->ours.heap / 1048576, "MiB", b->ours.heap <= 20 * 1048576);
}

/*
 * Nothing may be left behind by a request, however many there were.  What the last one still holds is not
 * growth, so both snapshots are taken behind the same one.
 */
static void
report_growth(struct bench *b)
{
	size_t before, after, rounds = (b->loop + b->corpus.n - 1) / b->corpus.n;
	char text[80];

	for (size_t i = 0; i < 8 * b->corpus.n; i++)	/* buffers and caches reach their size */
		judge(b, i % b->corpus.n, true);
	before = heap_used();
	for (size_t i = 0; i < rounds * b->corpus.n; i++)
		judge(b, i % b->corpus.n, true);
	after = heap_used();
	snprintf(text, sizeof(text), "heap growth over %zu requests (0)", rounds * b->corpus.n);
	target(b, text, after > before ? (double)(after - before) / 1024 : 0, "KiB", after <= before);
}

/* As HAProxy would name it for a route. */
static void
profile(struct bench *b, const char *name)
{
	static struct waf_preset preset = { "llmsec_profile", NULL };

	preset.value = name;
	b->profile = (struct waf_profile){ .name = name, .mode = WAF_MODE_RULES, .presets = &preset, .n_presets = 1 };
}

/* The chat bodies again, with the rules as they are shipped and the profile of an LLM route. */
static void
report_llm(struct bench *b)
{
	size_t hits = 0, n = 0;
	struct summary s;

	waf_thread_free(&b->thread);
	waf_free(&b->waf);
	peer_free(&b->peer);
	if (ours_load(b, b->llm_rules) < 0) {
		b->missed = true;
		return;
	}
	profile(b, "llm");
	for (size_t i = 0; i < b->corpus.n; i++) {
		const struct waf_verdict *v;

		if (b->corpus.req[i].kind != CORPUS_CHAT1K && b->corpus.req[i].kind != CORPUS_CHAT16K)
			continue;
		v = judge(b, i, true);
		hits += (v->action != WAF_PASS && v->action != WAF_ALLOW) || v->detection_only;
		n++;
	}
	measure(b);
	printf("\nLLM profile:\n");
	s = summarise(b, CORPUS_CHAT1K);
	row(corpus_kind_name(CORPUS_CHAT1K), &s);
	s = summarise(b, CORPUS_CHAT16K);
	row(corpus_kind_name(CORPUS_CHAT16K), &s);
	target(b, "chat of 16 KB, median (150 us)", s.median[0], "us", s.median[0] <= 150);
	target(b, "false positives among the chats (0)", (double)hits, "", hits == 0);
}

/* Only requests of the kind asked for: for a profiler. */
static void
corpus_filter(struct corpus *c, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(corpus_kind_name(c->req[i].kind), kind) == 0)
			c->req[n++] = c->req[i];
		else
			buf_free(&c->req[i].bytes);
	}
	c->n = n;
}

static void
corpus_parse(struct bench *b)
{
	b->arena = arena_new((size_t)1 << 30);
	b->req = calloc(b->corpus.n, sizeof(*b->req));
	b->ours.us = calloc(b->corpus.n, sizeof(double));
	b->theirs.us = calloc(b->corpus.n, sizeof(double));
	for (size_t i = 0; i < b->corpus.n; i++) {
		const struct buf *in = &b->corpus.req[i].bytes;

		if (http_raw_request(&b->req[i], b->arena, buf_ptr(in), buf_len(in), 0) < 0)
			exit(2);
	}
}

static void
clean_up(struct bench *b)
{
	corpus_free(&b->corpus);
	free(b->req);
	free(b->ours.us);
	free(b->theirs.us);
	arena_free(&b->arena);
	waf_thread_free(&b->thread);
	waf_free(&b->waf);
	peer_free(&b->peer);
}

static int
usage(void)
{
	fputs("usage: waf_bench --rules FILE [--peer FILE] [--llm FILE] [--attacks RECORDS] [--rounds N] [--loop N]\n"
	    "                 [--kind 'chat 16 KB' [--profile llm]]\n"
	    "exit status 1: a target is missed\n", stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "rules", 1, NULL, 'r' }, { "peer", 1, NULL, 'p' }, { "llm", 1, NULL, 'l' }, { "attacks", 1, NULL, 'a' },
		{ "rounds", 1, NULL, 'n' }, { "loop", 1, NULL, 'L' }, { "kind", 1, NULL, 'k' },
		{ "profile", 1, NULL, 'P' }, { NULL, 0, NULL, 0 }
	};
	struct bench b = { .rounds = 9, .loop = 20000, .profile = { .name = "bench", .mode = WAF_MODE_RULES } };
	int o, r;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 'r': b.rules = optarg; break;
		case 'p': b.peer_rules = optarg; break;
		case 'l': b.llm_rules = optarg; break;
		case 'a': b.attacks = optarg; break;
		case 'n': b.rounds = (unsigned)atoi(optarg); break;
		case 'k': b.kind = optarg; break;
		case 'P': profile(&b, optarg); break;
		case 'L': b.loop = strtoul(optarg, NULL, 10); break;
		default: return usage();
		}
	}
	if (b.rules == NULL || b.rounds < 1 || b.rounds > ROUNDS_MAX)
		return usage();
	r = corpus_benign(&b.corpus, SEED);
	if (r == 0 && b.attacks != NULL)
		r = corpus_load(&b.corpus, b.attacks);
	if (r < 0) {
		fprintf(stderr, "waf_bench: corpus: %s\n", strerror(-r));
		return 2;
	}
	if (b.kind != NULL)
		corpus_filter(&b.corpus, b.kind);
	if (b.corpus.n == 0)
		return usage();
	corpus_parse(&b);
	if (ours_load(&b, b.rules) < 0)
		return 2;
	if (b.peer_rules != NULL)
		theirs_load(&b);
	report_load(&b);
	measure(&b);
	report(&b);
	report_growth(&b);
	if (b.llm_rules != NULL)
		report_llm(&b);
	clean_up(&b);
	return b.missed ? 1 : 0;
}
