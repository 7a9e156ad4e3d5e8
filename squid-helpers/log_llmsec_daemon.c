/* SPDX-License-Identifier: MIT */
/*
 * Squid's log daemon (logfile_daemon in squid.conf): commands on standard input, a letter and its argument a line.
 *	L text   a record            R   begin a new segment       F   to the disk
 *	O, T, r, b                   reopen, truncate, how many old files, buffering: nothing to do here
 *
 * One thread reads, whatever the disk does; the main thread writes (audit_queue.h).
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "squid-helpers/audit_log.h"
#include "squid-helpers/audit_loss.h"
#include "squid-helpers/audit_queue.h"
#include "squid-helpers/audit_report.h"

#define PROGRAM		"log_llmsec_daemon"
#define POLICY		LLMSEC_SYSCONFDIR "/egress.yaml"
#define LINE_MAX_BYTES	65536
#define WRITE_AT	((size_t)256 << 10)	/* bytes gathered before they go to the file */
#define SYNC_MS		1000
#define WAIT_S		10	/* for room on a full disk, before Squid is told by our end */
#define WAIT_MAX_S	3600
#define QUEUE_MAX	((size_t)32 << 20)	/* 10 s of 6000 lines a second, 500 bytes each */
#define QUEUE_LEAST	((size_t)128 << 10)
#define PATIENCE_MS	500	/* Squid's 4 MB are more than that lasts below 16,000 lines a second */
#define QUIET_MS	200	/* at the end, on a pipe: nothing more comes */
#define DRAIN_MS	2000	/* and no longer than that if it does */

struct daemon {
	struct audit_log	 log;
	struct audit_queue	 queue;
	struct audit_report	*report;
	uint64_t		 lines;		/* of Squid in log.out */
	uint64_t		 gap;		/* lines that no record stands for yet, but for one in log.out */
	int			 loss;		/* BASE.lost (audit_loss.h), or -1 */
	unsigned		 wait_s;
};

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
	    "Where events and counters go is in $LLMSEC_EGRESS_CONF, or " POLICY ".\n"
	    "Bytes of lines that may wait for the disk: $LLMSEC_AUDIT_QUEUE, or 33554432.\n"
	    "Seconds that a full disk is waited for: $LLMSEC_AUDIT_WAIT, or 10.\n"
	    "Check them with: llmsecctl audit verify BASE\n"
	    "  --help, --version\n", f);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reader {
	struct buf	in;
	bool		skip;		/* to the end of a line that was cut */
};

static void
split(struct audit_queue *q, struct reader *r)
{
	const char *nl;

	while ((nl = memchr(buf_ptr(&r->in), '\n', buf_len(&r->in))) != NULL) {
		size_t n = (size_t)(nl - buf_ptr(&r->in));

		if (!r->skip)
			audit_queue_put(q, buf_ptr(&r->in), n);
		r->skip = false;
		buf_consume(&r->in, n + 1);
	}
	/* A line without an end in so many bytes is one all the same: cut, not lost, and its rest is no command. */
	if (buf_len(&r->in) >= LINE_MAX_BYTES) {
		if (!r->skip)
			audit_queue_put(q, buf_ptr(&r->in), LINE_MAX_BYTES);
		r->skip = true;
		buf_clear(&r->in);
	}
}

static void *
read_all(void *arg)
{
	struct reader r = { .in = { .max = 4 * LINE_MAX_BYTES } };
	struct audit_queue *q = arg;
	ssize_t n = 1;
	char *room;

	while ((room = buf_room(&r.in, LINE_MAX_BYTES)) != NULL &&
	    ((n = read(STDIN_FILENO, room, LINE_MAX_BYTES)) > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))) {
		if (n > 0) {
			buf_wrote(&r.in, (size_t)n);
			split(q, &r);
		}
	}
	audit_queue_end(q);
	buf_free(&r.in);
	return NULL;
}

/* ---- writing -------------------------------------------------------------------------------- */

/*
 * True: it is done.  Lines wait in the queue meanwhile.  False: we have to end, so that Squid does; what it served until then
 * and nobody wrote is counted by give_up().
 */
static bool
insist(struct daemon *d, int (*what)(struct audit_log *))
{
	struct audit_log *l = &d->log;
	int r = what(l);

	for (unsigned i = 0; r < 0 && i < d->wait_s; i++) {
		log_warnx("%s: %s; trying again", l->base, strerror(-r));
		audit_report_count(d->report, AUDIT_RETRIES, 1);
		sleep(1);
		r = what(l);
	}
	if (buf_len(&l->out) == 0)
		d->lines = d->gap = 0;
	if (r < 0)
		snprintf(l->why, sizeof(l->why), "%s", strerror(-r));
	return r == 0;
}

static bool
command(struct daemon *d, const char *p, size_t n)
{
	switch (n > 0 ? *p : '\0') {
	case 'L':
		audit_log_add(&d->log, p + 1, n - 1);
		d->lines++;
		audit_report_count(d->report, AUDIT_RECORDS, 1);
		return buf_len(&d->log.out) < WRITE_AT || insist(d, audit_log_write);
	case 'R':
		return insist(d, audit_log_write) && insist(d, audit_log_rotate);
	case 'F':
		return insist(d, audit_log_sync);
	case 'O': case 'T': case 'r': case 'b': case '\0':
		return true;
	}
	log_warnx("a command that Squid doesn't have: %c", *p >= ' ' && *p < 0x7f ? *p : '?');
	return true;
}

/* Lines that are missing here: known when that is written. */
static bool
write_gap(struct daemon *d, uint64_t lost, const char *why)
{
	audit_log_add_lost(&d->log, lost);
	d->gap = lost;
	if (!insist(d, audit_log_write))
		return false;
	log_err("%s: %llu lines lost: %s", d->log.base, (unsigned long long)lost, why);
	audit_report_lost(d->report, d->log.base, lost);
	return true;
}

static bool
write_taken(struct daemon *d, struct buf *in, uint64_t lost)
{
	const char *nl;

	while ((nl = memchr(buf_ptr(in), '\n', buf_len(in))) != NULL) {
		size_t n = (size_t)(nl - buf_ptr(in));

		bool ok = command(d, buf_ptr(in), n);

		buf_consume(in, n + 1);
		if (!ok) {
			d->gap += lost;
			return false;
		}
		if (buf_len(&d->log.out) == 0)
			audit_queue_left(&d->queue, buf_len(in));
	}
	if (lost > 0)
		return write_gap(d, lost, "they came faster than they could be written");
	return insist(d, audit_log_write);
}

static uint64_t
lines_of(const struct buf *in)
{
	const char *p = buf_ptr(in), *end = p + buf_len(in), *nl;
	uint64_t n = 0;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1)
		n += *p == 'L';
	return n;
}

/* All that was served and isn't written: <in>, which is emptied, log.out, the queue, and what Squid's socket still holds. */
static uint64_t
unwritten(struct daemon *d, struct buf *in)
{
	uint64_t n = d->lines + d->gap + lines_of(in), lost;
	int64_t until = now_ms() + DRAIN_MS;
	bool more = true, came = true;

	/* Squid has a socket pair: it takes no more from here on, and is read to its end.  A pipe is read until it is quiet. */
	shutdown(STDIN_FILENO, SHUT_RD);
	while (more && came && now_ms() < until) {
		buf_clear(in);
		more = audit_queue_take(&d->queue, in, &lost, QUIET_MS);
		came = buf_len(in) > 0 || lost > 0;
		n += lines_of(in) + lost;
	}
	buf_clear(in);
	return n;
}

/* The next daemon makes a record of the number; log.why says why there is one. */
static void
give_up(struct daemon *d, struct buf *in)
{
	uint64_t n = unwritten(d, in);
	int r = d->loss >= 0 ? audit_loss_put(d->loss, n) : n > 0 ? -EBADF : 0;

	log_err("%s: %s; ending, so that Squid does: %llu lines are not written", d->log.base, d->log.why, (unsigned long long)n);
	if (r < 0)
		log_err("%s.lost: %s: the trail won't say so", d->log.base, strerror(-r));
	audit_report_stopped(d->report, d->log.base, d->log.why, n);
}

/* What the one before left unwritten. */
static bool
say_gap(struct daemon *d)
{
	int r;

	if (d->gap == 0)
		return true;
	if (!write_gap(d, d->gap, "the daemon before this one could not write them") || !insist(d, audit_log_sync))
		return false;
	r = audit_loss_put(d->loss, 0);
	if (r < 0)
		log_err("%s.lost: %s: the next start will say that again", d->log.base, strerror(-r));
	return true;
}

static bool
serve(struct daemon *d)
{
	struct buf in = {0};
	int64_t synced = now_ms();
	bool ok = say_gap(d), more = true;

	while (ok && more) {
		uint64_t lost;

		more = audit_queue_take(&d->queue, &in, &lost, SYNC_MS);
		audit_report_queue(d->report, buf_len(&in));
		ok = write_taken(d, &in, lost);
		if (ok && now_ms() - synced >= SYNC_MS) {
			ok = insist(d, audit_log_sync);
			audit_report_tick(d->report);
			synced = now_ms();
		}
	}
	ok = ok && insist(d, audit_log_sync);
	if (!ok)
		give_up(d, &in);
	buf_free(&in);
	return ok;
}

/* ---- begin and end -------------------------------------------------------------------------- */

static uint64_t
number_of(const char *name, uint64_t otherwise, uint64_t least, uint64_t most)
{
	const char *text = getenv(name);
	char *end;
	unsigned long long n;

	if (text == NULL)
		return otherwise;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || n < least || n > most)
		log_fatalx("%s: a number from %llu to %llu", name, (unsigned long long)least, (unsigned long long)most);
	return n;
}

/* The trail and BASE.lost; what can't be begun is counted, too, where it is ours to count. */
static bool
begin(struct daemon *d, const char *base, const char *key)
{
	struct audit_log *l = &d->log;
	int r = audit_log_open(l, base, key);
	struct buf in = {0};

	d->loss = r != -EBUSY && l->lock_fd >= 0 ? audit_loss_open(base, &d->gap) : -1;
	if (r == 0 && d->loss < 0)
		snprintf(l->why, sizeof(l->why), "BASE.lost: %s", d->loss == -EBADMSG ? "is not a number" : strerror(-d->loss));
	if (r == 0 && d->loss >= 0)
		return true;
	give_up(d, &in);
	buf_free(&in);
	return false;
}

/* The exit status. */
static int
work(struct daemon *d, const char *base)
{
	const char *key = getenv("LLMSEC_AUDIT_KEY"), *conf = getenv("LLMSEC_EGRESS_CONF");
	char path[4100];
	pthread_t reader;
	int r;

	d->wait_s = (unsigned)number_of("LLMSEC_AUDIT_WAIT", WAIT_S, 1, WAIT_MAX_S);
	audit_queue_init(&d->queue, (size_t)number_of("LLMSEC_AUDIT_QUEUE", QUEUE_MAX, QUEUE_LEAST, SIZE_MAX / 4), PATIENCE_MS);
	/* Before the trail is open: it may have to wait for the daemon before. */
	r = pthread_create(&reader, NULL, read_all, &d->queue);
	if (r != 0)
		log_fatalx("no thread: %s", strerror(r));
	pthread_detach(reader);
	d->report = audit_report_open(conf != NULL ? conf : POLICY);
	snprintf(path, sizeof(path), "%s.key", base);
	r = !begin(d, base, key != NULL ? key : path) ? 2 : serve(d) ? 0 : 1;
	if (d->loss >= 0)
		close(d->loss);
	audit_log_close(&d->log);
	audit_report_close(&d->report);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' }, { NULL, 0, NULL, 0 } };
	static struct daemon d;
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'h': usage(stdout); return 0;
		case 'V': puts(PROGRAM " " PACKAGE_VERSION); return 0;
		default: usage(stderr); return 2;
		}
	}
	if (optind + 1 != argc || strlen(argv[optind]) >= sizeof(d.log.base) - 32) {
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
	return work(&d, argv[optind]);
}
