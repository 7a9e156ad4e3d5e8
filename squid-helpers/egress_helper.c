/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_helper.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_report.h"
#include "squid-helpers/egress_tunnels.h"

#define CHECK_MS	1000
#define LISTS_MS	20	/* a change of the lists counts for what is asked so much later */
#define IDLE_MS		100	/* the same while nothing is asked and tunnels are open */
#define OUT_HIGH	(256 * 1024)	/* answers waiting: read no more questions */

static volatile sig_atomic_t got_hup;

static void
on_hup(int sig)
{
	got_hup = sig;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
egress_helper_open(struct egress_helper *h, const char *policy_path)
{
	memset(h, 0, sizeof(*h));
	egress_source_open(&h->source, policy_path);
	h->tunnels = egress_tunnels_new();
	return h->tunnels != NULL ? egress_report_open(&h->report) : -ENOMEM;
}

void
egress_helper_close(struct egress_helper *h)
{
	egress_source_close(&h->source);
	egress_report_close(&h->report);
	egress_tunnels_free(&h->tunnels);
	buf_free(&h->in);
	buf_free(&h->out);
}

static void
flush_out(struct egress_helper *h, int fd)
{
	while (buf_len(&h->out) > 0 && !h->out_gone) {
		ssize_t n = write(fd, buf_ptr(&h->out), buf_len(&h->out));

		if (n > 0)
			buf_consume(&h->out, (size_t)n);
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		else if (n < 0 && errno != EINTR) {
			log_warn("answers");
			h->out_gone = true;
		}
	}
	/* Keep draining questions so that Squid's writes don't block; end of input is the way out. */
	if (h->out_gone)
		buf_clear(&h->out);
	/* A failed allocation lost answers, and Squid waits for each: say so and go on. */
	if (h->out.err != 0) {
		errno = -h->out.err;
		log_warn("answers lost");
		buf_free(&h->out);
		h->out = (struct buf){ 0 };
	}
}

/* What is allowed no more ends. */
static void
review(struct egress_helper *h)
{
	size_t n = egress_tunnels_review(h->tunnels, h->source.policy);

	if (n > 0)
		log_info("%zu connections are revoked", n);
	egress_tunnels_flush(h->tunnels);
}

static void
lists_check(struct egress_helper *h)
{
	bool lists = egress_source_lists(&h->source), over = egress_source_accounts(&h->source);

	if (over)
		egress_report_budgets(h->report, &h->source.accounts, true);
	if (lists || over)
		review(h);
}

/* false: end of input. */
static bool
read_in(struct egress_helper *h, int fd)
{
	char chunk[65536];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	int64_t now = now_ms();

	if (n > 0 && now - h->lists_ms >= LISTS_MS) {
		h->lists_ms = now;
		lists_check(h);
	}
	if (n > 0)
		egress_helper_feed(h, chunk, (size_t)n, now);
	else if (n == 0)
		return false;
	else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
		log_warn("questions");
		return false;
	}
	return true;
}

static void
housekeep(struct egress_helper *h, bool force)
{
	int64_t now = now_ms();
	unsigned changes;

	if (!force && h->source.tried && now - h->checked_ms < CHECK_MS)
		return;
	h->checked_ms = now;
	changes = h->source.changes;
	if (egress_source_check(&h->source, h->report, force))
		egress_tunnels_direct(h->tunnels, egress_policy_conf(h->source.policy)->gate);
	egress_report_budgets(h->report, &h->source.accounts, h->source.changes != changes);
	if (h->source.changes != changes)
		review(h);
	egress_tunnels_flush(h->tunnels);
	egress_report_tick(h->report, now);
}

static int
wait_ready(struct egress_helper *h, struct pollfd pfd[2], const sigset_t *mask)
{
	int64_t left = h->checked_ms + CHECK_MS - now_ms();
	struct timespec ts;

	left = left < 0 ? 0 : left;
	if (left > IDLE_MS && egress_tunnels_open(h->tunnels))
		left = IDLE_MS;
	ts = (struct timespec){ left / 1000, left % 1000 * 1000000 };
	pfd[0].events = buf_len(&h->out) < OUT_HIGH ? POLLIN : 0;
	pfd[1].events = buf_len(&h->out) > 0 ? POLLOUT : 0;
	/* poll(2) reports POLLHUP for what isn't asked about, too; a negative fd is left out. */
	if (h->out_gone || pfd[1].events == 0)
		pfd[1].fd = -1;
	if (pfd[0].events == 0)
		pfd[0].fd = -1;
	return ppoll(pfd, 2, &ts, mask);
}

static void
serve(struct egress_helper *h, int in, int out, const sigset_t *mask)
{
	bool open = true;

	while (open || (buf_len(&h->out) > 0 && !h->out_gone)) {
		struct pollfd pfd[2] = { { .fd = open ? in : -1 }, { .fd = out } };
		bool hup;
		int n = wait_ready(h, pfd, mask);

		if (n > 0 && pfd[0].fd >= 0 && pfd[0].revents != 0)
			open = read_in(h, in);
		if (buf_len(&h->out) > 0)
			flush_out(h, out);
		if (n == 0)
			lists_check(h);
		hup = got_hup != 0;
		got_hup = 0;
		housekeep(h, hup);
	}
}

int
egress_helper_run(struct egress_helper *h, int in, int out)
{
	struct sigaction hup = { .sa_handler = on_hup }, ign = { .sa_handler = SIG_IGN };
	struct sigaction old_hup, old_pipe;
	sigset_t block, old;
	int flags = fcntl(out, F_GETFL);

	sigemptyset(&hup.sa_mask);
	sigemptyset(&ign.sa_mask);
	sigemptyset(&block);
	sigaddset(&block, SIGHUP);
	/* SIGHUP arrives only inside ppoll(2), so none is missed and no read is cut short. */
	sigprocmask(SIG_BLOCK, &block, &old);
	sigaction(SIGHUP, &hup, &old_hup);
	sigaction(SIGPIPE, &ign, &old_pipe);
	if (flags >= 0)
		fcntl(out, F_SETFL, flags | O_NONBLOCK);
	housekeep(h, false);
	sigdelset(&old, SIGHUP);
	serve(h, in, out, &old);
	if (flags >= 0)
		fcntl(out, F_SETFL, flags);
	sigaction(SIGHUP, &old_hup, NULL);
	sigaction(SIGPIPE, &old_pipe, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return 0;
}
