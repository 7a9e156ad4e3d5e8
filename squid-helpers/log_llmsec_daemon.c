/* SPDX-License-Identifier: MIT */
/*
 * Squid's log daemon (logfile_daemon in squid.conf): commands on standard input, a letter and its argument a line.
 *	L text   a record            R   begin a new segment       F   to the disk
 *	O, T, r, b                   reopen, truncate, how many old files, buffering: nothing to do here
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "squid-helpers/audit_log.h"

#define PROGRAM		"log_llmsec_daemon"
#define LINE_MAX_BYTES	65536
#define SYNC_MS		1000
#define WAIT_S		10	/* for room on a full disk, before Squid is told by our end */

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
usage(FILE *f)
{
	fputs("usage: " PROGRAM " BASE\n"
	    "Squid's access log as hash-chained audit segments BASE.NNNNNNNN.seg\n"
	    "The key is in $LLMSEC_AUDIT_KEY, or BASE.key, which is made if it isn't there.\n"
	    "Check them with: llmsecctl audit verify BASE\n"
	    "  --help, --version\n", f);
}

/* True: it is done.  Squid waits meanwhile; when we end, it ends, and nothing passes unlogged. */
static bool
insist(struct audit_log *l, int (*what)(struct audit_log *))
{
	int r = what(l);

	for (int i = 0; r < 0 && i < WAIT_S; i++) {
		log_warnx("%s: %s; trying again", l->base, strerror(-r));
		sleep(1);
		r = what(l);
	}
	if (r < 0)
		log_err("%s: %s; ending, so that Squid does", l->base, strerror(-r));
	return r == 0;
}

static bool
command(struct audit_log *l, const char *p, size_t n)
{
	switch (n > 0 ? *p : '\0') {
	case 'L':
		audit_log_add(l, p + 1, n - 1);
		return true;
	case 'R':
		return insist(l, audit_log_write) && insist(l, audit_log_rotate);
	case 'F':
		return insist(l, audit_log_sync);
	case 'O': case 'T': case 'r': case 'b': case '\0':
		return true;
	}
	log_warnx("a command that Squid doesn't have: %c", *p >= ' ' && *p < 0x7f ? *p : '?');
	return true;
}

static bool
take(struct audit_log *l, struct buf *in)
{
	const char *nl;

	while ((nl = memchr(buf_ptr(in), '\n', buf_len(in))) != NULL) {
		size_t n = (size_t)(nl - buf_ptr(in));

		if (!command(l, buf_ptr(in), n))
			return false;
		buf_consume(in, n + 1);
	}
	/* A line without an end in so many bytes is one all the same: cut, not lost. */
	if (buf_len(in) >= LINE_MAX_BYTES) {
		if (!command(l, buf_ptr(in), buf_len(in)))
			return false;
		buf_clear(in);
	}
	return insist(l, audit_log_write);
}

static int
serve(struct audit_log *l)
{
	struct buf in = { .max = 4 * LINE_MAX_BYTES };
	int64_t synced = now_ms();
	bool ok = true;

	while (ok) {
		struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
		char *room = buf_room(&in, LINE_MAX_BYTES);
		ssize_t n = 0;

		if (room == NULL)
			return 1;
		if (poll(&pfd, 1, SYNC_MS) > 0) {
			n = read(STDIN_FILENO, room, LINE_MAX_BYTES);
			if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
				break;
		}
		if (n > 0) {
			buf_wrote(&in, (size_t)n);
			ok = take(l, &in);
		}
		if (ok && now_ms() - synced >= SYNC_MS) {
			ok = insist(l, audit_log_sync);
			synced = now_ms();
		}
	}
	ok = ok && insist(l, audit_log_sync);
	buf_free(&in);
	return ok ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' }, { NULL, 0, NULL, 0 } };
	const char *key = getenv("LLMSEC_AUDIT_KEY");
	static struct audit_log l;
	char path[4100];
	int c, r;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'h': usage(stdout); return 0;
		case 'V': puts(PROGRAM " " PACKAGE_VERSION); return 0;
		default: usage(stderr); return 2;
		}
	}
	if (optind + 1 != argc || strlen(argv[optind]) >= sizeof(l.base) - 32) {
		usage(stderr);
		return 2;
	}
	/* Squid ends us by closing our input; what it sends its children is for it. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_init(PROGRAM, LOG_DEST_STDERR, LOG_INFO);
	snprintf(path, sizeof(path), "%s.key", argv[optind]);
	if (audit_log_open(&l, argv[optind], key != NULL ? key : path) < 0)
		log_fatalx("%s", l.why);
	r = serve(&l);
	audit_log_close(&l);
	return r;
}
