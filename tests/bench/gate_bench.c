/* SPDX-License-Identifier: MIT */
/*
 * How long until llmsec-egress-gate has a change of the lists in the kernel.
 *
 *	gate_bench make DIR N			an address set of N addresses in DIR, as llmsecd writes it
 *	gate_bench changes DIR COUNT UID	COUNT changes, each from rename(2) to the first connect(2) of UID that
 *						fails with EACCES; milliseconds: median, 99th percentile, longest
 *
 * The lists name domains.1.set and addresses.1.set of DIR where they are there.  connect(2) of a UDP socket asks the routes
 * and sends nothing; 93.184.216.0/24 must have one.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/set_ip.h"

#define LONGEST_MS	5000.0

__attribute__((noreturn)) static void
die(const char *what)
{
	fprintf(stderr, "gate_bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
make(const char *dir, uint32_t n)
{
	static const struct set_class listed = { .categories = 1, .confidence = 100 };
	static const char *const categories[] = { "api" };
	struct set_meta meta = { .generation = 1, .categories = categories, .n_categories = 1, .key = "gate bench" };
	struct set_ip_writer *w = set_ip_writer_new(&meta);
	char path[4096];

	for (uint32_t i = 0; i < n; i++) {
		/* Each apart from the next, so that none are joined. */
		uint32_t a = htonl(0x0b000000 + i * 64);
		struct cidr c = { .addr = { [10] = 0xff, [11] = 0xff }, .len = 128 };

		memcpy(c.addr + 12, &a, 4);
		if (set_ip_writer_add(w, &c, &listed) < 0)
			die("add");
	}
	snprintf(path, sizeof(path), "%s/addresses.1.set", dir);
	errno = -set_ip_writer_write(w, path);
	if (errno != 0)
		die(path);
	set_ip_writer_free(&w);
	return 0;
}

static void
lists_write(const char *dir, unsigned i)
{
	static const char *const sets[] = { "domains", "addresses" };
	char path[4096], tmp[4096];
	int lines = 2;
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s/lists.new", dir);
	f = fopen(tmp, "w");
	if (f == NULL)
		die(tmp);
	fputs("llmsec-egress-lists 1\n", f);
	for (int k = 0; k < 2; k++) {
		snprintf(path, sizeof(path), "%s/%s.1.set", dir, sets[k]);
		if (access(path, F_OK) != 0)
			continue;
		fprintf(f, "%s %s.1.set\n", sets[k], sets[k]);
		lines++;
	}
	fprintf(f, "+i 93.184.216.%u\nend %d\n", i, lines);
	if (fclose(f) != 0)
		die(tmp);
	snprintf(path, sizeof(path), "%s/lists", dir);
	if (rename(tmp, path) < 0)
		die(path);
}

static int
reach(unsigned i)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(0x5db8d800 + i) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		die("socket");
	err = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static double
change(const char *dir, unsigned i)
{
	struct timespec pause = { 0, 500000 };
	double began, took = 0;
	int err;

	lists_write(dir, i);
	began = now_ms();
	while ((err = reach(i)) != EACCES && took < LONGEST_MS) {
		if (err != 0)
			die("connect");
		nanosleep(&pause, NULL);
		took = now_ms() - began;
	}
	return now_ms() - began;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int
changes(const char *dir, size_t n, uid_t uid)
{
	double *v = calloc(n, sizeof(*v));

	if (v == NULL || setgroups(0, NULL) < 0 || setuid(uid) < 0)
		die("user");
	/* The first brings all of the sets. */
	for (unsigned i = 0; i < 10 && change(dir, 1) >= LONGEST_MS; i++)
		;
	for (size_t i = 0; i < n; i++) {
		/* At any moment of the gate's rounds. */
		struct timespec pause = { 0, (long)(i * 7 % 100) * 1000000 };

		nanosleep(&pause, NULL);
		v[i] = change(dir, 2 + (unsigned)i % 200);
	}
	qsort(v, n, sizeof(*v), by_size);
	printf("p50 %.1f ms, p99 %.1f ms, longest %.1f ms, %zu changes\n", v[n / 2], v[n * 99 / 100], v[n - 1], n);
	return v[n - 1] >= LONGEST_MS;
}

int
main(int argc, char **argv)
{
	size_t n = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

	if (argc == 4 && n > 0 && strcmp(argv[1], "make") == 0)
		return make(argv[2], (uint32_t)n);
	if (argc == 5 && n > 0 && strcmp(argv[1], "changes") == 0)
		return changes(argv[2], n, (uid_t)strtoul(argv[4], NULL, 10));
	fputs("usage: gate_bench make DIR N | changes DIR COUNT UID\n", stderr);
	return 2;
}
