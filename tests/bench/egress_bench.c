/* SPDX-License-Identifier: MIT */
/*
 * What the egress helper costs, without Squid.
 *
 *	egress_bench make DIR N		lists of N denied names, as llmsecd writes them
 *	egress_bench names N		the names, one a line with a dot in front: for Squid's dstdomain
 *	egress_bench engine DIR N	decisions by the engine alone
 *	egress_bench pipe DIR N HELPER	the same through the program's pipes; memory; a reload in between
 *
 * DIR has egress.yaml.  One request in two is for a listed name, each for another.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/set_dom.h"
#include "squid-helpers/egress_lists.h"
#include "squid-helpers/egress_policy.h"
#include "tests/bench/ti_corpus.h"

#define SEED		231
#define QUESTIONS	200000
#define ROUNDS		15
#define WINDOW		((size_t)1 << 16)	/* bytes on their way to the helper; Squid keeps fewer */

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu_of(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) == 0 ? seconds(clock) : 0;
}

__attribute__((noreturn)) static void
die(const char *what)
{
	fprintf(stderr, "egress_bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- lists ----------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* <n> names, each once. */
static char **
names(size_t n)
{
	char **v = calloc(n, sizeof(*v)), name[TI_CORPUS_NAME];
	size_t have = 0;

	if (v == NULL)
		die("names");
	for (uint64_t i = 0; have < n; i++) {
		ti_corpus_name(name, SEED, i);
		v[have++] = strdup(name);
		if (have < n)
			continue;
		qsort(v, n, sizeof(*v), by_name);
		have = 1;
		for (size_t k = 1; k < n; k++)
			if (strcmp(v[k], v[have - 1]) != 0)
				v[have++] = v[k];
			else
				free(v[k]);
	}
	return v;
}

static int
make(const char *dir, size_t n)
{
	static const struct set_class listed = { .categories = 1, .confidence = 100 };
	static const char *const categories[] = { "api" };
	struct set_meta meta = { .generation = 1, .categories = categories, .n_categories = 1, .key = "egress bench" };
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	char path[4096], **v = names(n);
	FILE *f;

	for (size_t i = 0; i < n; i++)
		if (set_dom_writer_add(w, v[i], strlen(v[i]), &listed) < 0)
			die(v[i]);
	snprintf(path, sizeof(path), "%s/domains.1.set", dir);
	errno = -set_dom_writer_write(w, path);
	if (errno != 0)
		die(path);
	set_dom_writer_free(&w);
	snprintf(path, sizeof(path), "%s/lists", dir);
	f = fopen(path, "w");
	if (f == NULL || fputs("llmsec-egress-lists 1\ndomains domains.1.set\nend 2\n", f) < 0 || fclose(f) != 0)
		die(path);
	return 0;
}

static int
print_names(size_t n)
{
	char **v = names(n);

	/* Squid refuses a name below another one. */
	for (size_t i = 0; i < n; i++) {
		const char *up = v[i];
		bool covered = false;

		while (!covered && (up = strchr(up, '.')) != NULL) {
			up++;
			covered = bsearch(&up, v, n, sizeof(*v), by_name) != NULL;
		}
		if (!covered)
			printf(".%s\n", v[i]);
	}
	return 0;
}

/* --- the engine ------------------------------------------------------------------------------ */

/* Where question number <i> goes: every other one to a listed name. */
static size_t
host(char out[TI_CORPUS_NAME], size_t i, size_t n)
{
	if (i % 2 == 0)
		return ti_corpus_name(out, SEED, ti_corpus_mix(i) % n);
	return (size_t)snprintf(out, TI_CORPUS_NAME, "h%zu.bench.example.com", i);
}

static int
engine(const char *dir, size_t n)
{
	static char text[65536], hosts[QUESTIONS][TI_CORPUS_NAME];
	struct egress_policy *p = NULL;
	struct egress_lists *l = NULL;
	struct diag *d = diag_new();
	size_t denied = 0, len;
	char path[4096];
	double t, cpu;
	FILE *f;

	snprintf(path, sizeof(path), "%s/egress.yaml", dir);
	f = fopen(path, "r");
	if (f == NULL || (len = fread(text, 1, sizeof(text), f)) == 0)
		die(path);
	fclose(f);
	if (egress_policy_load(&p, path, text, len, d) < 0 || egress_lists_load(&l, egress_policy_conf(p)->lists.path, d) < 0) {
		diag_print(d, stderr);
		return 1;
	}
	egress_policy_lists(p, l);
	for (size_t i = 0; i < QUESTIONS; i++)
		host(hosts[i], i, n);
	t = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < QUESTIONS; i++) {
			struct egress_request q = { .src = { "192.0.2.7", 9 }, .method = { "CONNECT", 7 },
			    .host = { hosts[i], strlen(hosts[i]) }, .port = 443 };
			struct egress_verdict v;

			egress_decide(p, &q, &v);
			denied += !v.allow;
		}
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, t = seconds(CLOCK_MONOTONIC) - t;
	printf("engine: %.2f million decisions/s, %.0f ns of CPU each; %.0f %% refused\n", ROUNDS * QUESTIONS / t / 1e6,
	    cpu * 1e9 / (ROUNDS * QUESTIONS), 100.0 * (double)denied / (ROUNDS * QUESTIONS));
	egress_policy_free(&p);
	egress_lists_free(&l);
	diag_free(&d);
	return 0;
}

/* --- the program ----------------------------------------------------------------------------- */

static pid_t
start(const char *dir, const char *helper, int *to, int *from)
{
	int in[2], out[2];
	char path[4096];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/egress.yaml", dir);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		die("helper");
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(helper, helper, "-c", path, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*to = in[1];
	*from = out[0];
	fcntl(*to, F_SETFL, O_NONBLOCK);
	fcntl(*from, F_SETFL, O_NONBLOCK);
	return pid;
}

/* Send all of <b>, read as many answers; false: the helper is gone. */
static bool
exchange(int to, int from, const struct buf *b, size_t want)
{
	static char back[1 << 18];
	size_t sent = 0, got = 0;

	while (got < want) {
		struct pollfd p[2] = { { .fd = from, .events = POLLIN }, { .fd = sent < buf_len(b) ? to : -1, .events = POLLOUT } };
		ssize_t k;

		if (poll(p, 2, 20000) <= 0)
			return false;
		if (p[1].revents & POLLOUT) {
			k = write(to, buf_ptr(b) + sent, buf_len(b) - sent < WINDOW ? buf_len(b) - sent : WINDOW);
			sent += k > 0 ? (size_t)k : 0;
		}
		if (p[0].revents != 0 && (k = read(from, back, sizeof(back))) > 0)
			for (const char *s = back; (s = memchr(s, '\n', (size_t)(back + k - s))) != NULL; s++)
				got++;
		else if (p[0].revents & POLLHUP)
			return false;
	}
	return true;
}

static void
memory(pid_t pid, const char *when)
{
	char path[64], line[256];
	long kb, rss = 0, peak = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			rss = kb;
		if (sscanf(line, "VmHWM: %ld", &kb) == 1)
			peak = kb;
	}
	if (f != NULL)
		fclose(f);
	printf("%s: %.1f MB resident, %.1f MB at most\n", when, (double)rss / 1024, (double)peak / 1024);
}

static int
by_pipe(const char *dir, size_t n, const char *helper)
{
	static const char one[] = "0 192.0.2.7 CONNECT a.bench.example.com 443 - - - - - - - - - - -\n";
	struct buf all = { 0 }, single = { 0 };
	char name[TI_CORPUS_NAME], a[4096], b[4096];
	int to, from, worst = 0;
	pid_t pid = start(dir, helper, &to, &from);
	double t, cpu;

	for (size_t i = 0; i < QUESTIONS; i++) {
		host(name, i, n);
		buf_printf(&all, "%zu 192.0.2.7 CONNECT %s 443 - - - - - - - - - - -\n", i % 100, name);
	}
	buf_adds(&single, one);
	if (!exchange(to, from, &all, QUESTIONS))
		die("helper");
	memory(pid, "helper");
	t = seconds(CLOCK_MONOTONIC), cpu = cpu_of(pid);
	for (int round = 0; round < ROUNDS; round++)
		if (!exchange(to, from, &all, QUESTIONS))
			die("helper");
	cpu = cpu_of(pid) - cpu, t = seconds(CLOCK_MONOTONIC) - t;
	printf("pipe: %.2f million decisions/s of wall clock, %.2f million per second of the helper's CPU (%.0f ns each)\n",
	    ROUNDS * QUESTIONS / t / 1e6, ROUNDS * QUESTIONS / cpu / 1e6, cpu * 1e9 / (ROUNDS * QUESTIONS));

	/* A change of the lists: what is the longest that a question waits? */
	snprintf(a, sizeof(a), "%s/lists", dir);
	snprintf(b, sizeof(b), "%s/lists.new", dir);
	for (int i = 0; i < 400; i++) {
		if (i % 40 == 0) {
			FILE *f = fopen(b, "w");

			if (f == NULL || fprintf(f, "llmsec-egress-lists 1\ndomains domains.1.set\n+d x%d.example.net\nend 3\n", i) < 0 ||
			    fclose(f) != 0 || rename(b, a) < 0)
				die(a);
		}
		t = seconds(CLOCK_MONOTONIC);
		if (!exchange(to, from, &single, 1))
			die("helper");
		t = (seconds(CLOCK_MONOTONIC) - t) * 1e6;
		worst = t > worst ? (int)t : worst;
		poll(NULL, 0, 2);
	}
	printf("reload: 10 changes of the lists, the longest wait for an answer %.1f ms\n", worst / 1000.0);
	memory(pid, "helper after it");
	close(to);
	waitpid(pid, NULL, 0);
	buf_free(&all);
	buf_free(&single);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	size_t n = argc > 2 ? strtoul(argv[argc > 3 ? 3 : 2], NULL, 10) : 0;

	if (n == 0) {
		fputs("usage: egress_bench make DIR N | names N | engine DIR N | pipe DIR N HELPER\n", stderr);
		return 2;
	}
	if (strcmp(what, "make") == 0)
		return make(argv[2], n);
	if (strcmp(what, "names") == 0)
		return print_names(n);
	if (strcmp(what, "engine") == 0)
		return engine(argv[2], n);
	return argc > 4 ? by_pipe(argv[2], n, argv[4]) : 2;
}
