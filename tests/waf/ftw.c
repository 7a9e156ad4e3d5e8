/* SPDX-License-Identifier: MIT */
/* ftw: run the Core Rule Set's regression tests; TAP, one test a file, failing test ids as diagnostics. */
#include "config.h"

#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/waf/ftw.h"

struct ftw_run {
	struct ftw_transport *transport;
	struct ftw_overrides *overrides;
	FILE		*dump;
	const char	*only;		/* one test id */
	bool		 disabled_too, verbose;
	size_t		 points, failed_points;		/* TAP */
	size_t		 run, passed, disabled, known, broken;
};

static void
usage(FILE *f)
{
	fputs("usage: ftw [options] PATH... -- COMMAND [ARG...]\n"
	    "       ftw [options] --http HOST:PORT --header NAME PATH...\n"
	    "Runs the YAML tests below each PATH against COMMAND (a co-process) or a server.\n"
	    "  --overrides FILE  tests that are known to fail: \"<id> <reason>\" a line\n"
	    "  --min N           fail if less than N pass\n"
	    "  --only ID         only this test; --verbose shows request and log\n"
	    "  --disabled        files that say enabled: false too\n"
	    "  --dump FILE       write \"REQ <id> <bytes> 0\" records of all requests instead of asking\n", f);
}

static void
show(const struct ftw_stage *s, const struct ftw_answer *a)
{
	printf("# > %zu bytes\n", s->request.n);
	fwrite(s->request.p, 1, s->request.n, stdout);
	printf("\n# < %d\n%.*s", a->status, (int)buf_len(&a->log), buf_ptr(&a->log));
}

/* All stages in turn; the first that fails is told. */
static bool
test_run(struct ftw_run *r, const struct ftw_test *t, char *why, size_t size)
{
	struct ftw_answer *a = malloc(sizeof(*a));
	bool ok = a != NULL;

	for (size_t i = 0; ok && i < t->n_stages; i++) {
		memset(a, 0, sizeof(*a));
		if (r->transport->ask(r->transport, t->id, &t->stage[i], a) < 0) {
			snprintf(why, size, "no answer from the firewall");
			r->broken++;
			ok = false;
		} else {
			ok = ftw_check(&t->stage[i].expect, a, why, size);
		}
		if (r->verbose)
			show(&t->stage[i], a);
		buf_free(&a->log);
	}
	free(a);
	return ok;
}

static void
test_dump(const struct ftw_run *r, const struct ftw_test *t)
{
	for (size_t i = 0; i < t->n_stages; i++) {
		fprintf(r->dump, "REQ %s %zu 0\n", t->id, t->stage[i].request.n);
		fwrite(t->stage[i].request.p, 1, t->stage[i].request.n, r->dump);
	}
}

/* true if the test is as it should be: it passes, or it is known to fail and does. */
static bool
test_judge(struct ftw_run *r, const struct ftw_test *t)
{
	const char *known = ftw_overrides_find(r->overrides, t->id);
	char why[256] = "";
	bool ok = test_run(r, t, why, sizeof(why));

	r->run++;
	r->passed += ok;
	if (ok && known != NULL)
		printf("# %s passes, though it is listed as failing: %s\n", t->id, known);
	else if (!ok && known != NULL)
		printf("# %s fails as listed: %s (%s)\n", t->id, why, known);
	else if (!ok)
		printf("# %s FAILS: %s\n", t->id, why);
	r->known += !ok && known != NULL;
	return ok == (known == NULL);
}

static void
point(struct ftw_run *r, bool ok, const char *text)
{
	printf("%sok %zu - %s\n", ok ? "" : "not ", ++r->points, text);
	r->failed_points += !ok;
}

/* "REQUEST-920-PROTOCOL-ENFORCEMENT/920100.yaml" */
static const char *
short_path(const char *path)
{
	const char *p = path + strlen(path);

	for (int slashes = 0; p > path; p--) {
		if (*p == '/' && ++slashes == 2)
			return p + 1;
	}
	return path;
}

static void
file_run(struct ftw_run *r, const char *path)
{
	char text[512], why[256] = "";
	struct ftw_file f;
	size_t n = 0;
	bool ok = true;

	if (ftw_file_load(&f, path, why, sizeof(why)) < 0) {
		printf("# %s: %s\n", path, why);
		point(r, false, short_path(path));
		ftw_file_free(&f);
		return;
	}
	for (size_t i = 0; i < f.n_tests; i++) {
		if (r->only != NULL && strcmp(r->only, f.test[i].id) != 0)
			continue;
		if (!f.enabled && !r->disabled_too) {
			r->disabled++;
			continue;
		}
		n++;
		if (r->dump != NULL)
			test_dump(r, &f.test[i]);
		else
			ok = test_judge(r, &f.test[i]) && ok;
	}
	snprintf(text, sizeof(text), "%s: %zu tests%s", short_path(path), n,
	    f.enabled || n > 0 ? "" : " # SKIP its file says enabled: false");
	if (r->dump == NULL && (n > 0 || r->only == NULL))
		point(r, ok, text);
	ftw_file_free(&f);
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void
paths_run(struct ftw_run *r, char **paths)
{
	FTS *fts = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	const char *dot;
	FTSENT *e;

	while (fts != NULL && (e = fts_read(fts)) != NULL) {
		dot = strrchr(e->fts_name, '.');
		if (e->fts_info == FTS_F && dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
			file_run(r, e->fts_path);
		else if (e->fts_info == FTS_NS || e->fts_info == FTS_ERR)
			fprintf(stderr, "ftw: %s: %s\n", e->fts_path, strerror(e->fts_errno));
	}
	if (fts != NULL)
		fts_close(fts);
}

static int
summary(struct ftw_run *r, size_t min)
{
	char text[128];

	if (min > 0) {
		snprintf(text, sizeof(text), "at least %zu tests pass: %zu", min, r->passed);
		point(r, r->passed >= min, text);
	}
	if (r->transport != NULL)
		point(r, r->transport->close(&r->transport) == 0 && r->broken == 0, "the firewall ended well");
	printf("1..%zu\n# %zu of %zu tests pass (%.2f %%), %zu known to fail, %zu disabled\n", r->points, r->passed,
	    r->run, r->run > 0 ? 100.0 * (double)r->passed / (double)r->run : 0.0, r->known, r->disabled);
	return r->failed_points == 0 && r->run > 0 ? 0 : 1;
}

enum { O_OVERRIDES = 256, O_MIN, O_ONLY, O_DISABLED, O_DUMP, O_HTTP, O_HEADER, O_VERBOSE };

static const struct option longs[] = {
	{ "overrides", 1, NULL, O_OVERRIDES }, { "min", 1, NULL, O_MIN }, { "only", 1, NULL, O_ONLY },
	{ "disabled", 0, NULL, O_DISABLED }, { "dump", 1, NULL, O_DUMP }, { "http", 1, NULL, O_HTTP },
	{ "header", 1, NULL, O_HEADER }, { "verbose", 0, NULL, O_VERBOSE }, { NULL, 0, NULL, 0 }
};

int
main(int argc, char **argv)
{
	const char *http = NULL, *header = "x-llmsec-waf-rules";
	char **command = NULL;
	struct ftw_run r = {0};
	size_t min = 0;
	int o;

	for (int i = 1; i < argc && command == NULL; i++) {
		if (strcmp(argv[i], "--") == 0 && i + 1 < argc) {
			argv[i] = NULL;
			command = argv + i + 1;
			argc = i;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);	/* a firewall that dies fails its tests, not the runner */
	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case O_OVERRIDES:
			r.overrides = ftw_overrides_load(optarg);
			if (r.overrides == NULL)
				return 2;
			break;
		case O_MIN: min = strtoul(optarg, NULL, 10); break;
		case O_ONLY: r.only = optarg; break;
		case O_DISABLED: r.disabled_too = true; break;
		case O_DUMP: r.dump = fopen(optarg, "wb"); break;
		case O_HTTP: http = optarg; break;
		case O_HEADER: header = optarg; break;
		case O_VERBOSE: r.verbose = true; break;
		default: usage(stderr); return 2;
		}
	}
	if (optind == argc || (command == NULL) + (http == NULL) + (r.dump == NULL) != 2) {
		usage(stderr);
		return 2;
	}
	if (command != NULL)
		r.transport = ftw_exec_open(command);
	else if (http != NULL)
		r.transport = ftw_http_open(http, header);
	if (r.transport == NULL && r.dump == NULL) {
		fprintf(stderr, "ftw: cannot reach the firewall\n");
		return 2;
	}
	paths_run(&r, argv + optind);
	if (r.dump != NULL)
		return fclose(r.dump) == 0 ? 0 : 1;
	o = summary(&r, min);
	ftw_overrides_free(&r.overrides);
	return o;
}
