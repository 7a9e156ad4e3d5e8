/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "script.h"
#include "squeeze.h"

struct script_reader {
	struct script	*script;
	struct squeeze	*squeeze;	/* NULL: identity */
	struct buf	 out;		/* of the steps read so far, not handed out yet */
	size_t		 at;		/* next step */
	uint64_t	 start_us;	/* 0: not started */
	unsigned	 split;
	int		 stop_fd;
	bool		 ended;		/* the compressor's trailer is out */
};

struct script_reader *
script_reader_new(struct script *s, enum plan_coding coding, unsigned split, int stop_fd)
{
	struct script_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->script = s;
	r->split = split;
	r->stop_fd = stop_fd;
	if (coding != PLAN_IDENTITY && (r->squeeze = squeeze_new(coding)) == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void
script_reader_free(struct script_reader *r)
{
	if (r == NULL)
		return;
	squeeze_free(r->squeeze);
	buf_free(&r->out);
	free(r);
}

uint64_t
script_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ppoll rather than clock_nanosleep: it can be ended by the daemon's stop, and is as exact. */
static int
sleep_until(uint64_t until_us, int stop_fd)
{
	struct pollfd p = { .fd = stop_fd, .events = POLLIN };
	struct timespec ts;
	uint64_t now;

	while ((now = script_now_us()) < until_us) {
		ts.tv_sec = (time_t)((until_us - now) / 1000000);
		ts.tv_nsec = (long)((until_us - now) % 1000000) * 1000;
		if (ppoll(&p, 1, &ts, NULL) > 0)
			return -ECONNABORTED;
	}
	return 0;
}

void
script_sleep_until(uint64_t until_us, int stop_fd)
{
	sleep_until(until_us, stop_fd);
}

static int
read_step(struct script_reader *r)
{
	struct script *s = r->script;
	struct script_step *p = &s->step[r->at++];
	char number[32];
	int err;

	if (r->start_us == 0)
		r->start_us = script_now_us();
	err = sleep_until(r->start_us + p->due_us, r->stop_fd);
	if (err < 0)
		return err;
	if (p->x_t) {
		snprintf(number, sizeof(number), "%-16" PRIu64, script_now_us());
		memcpy(s->bytes.data + p->x_t, number, 16);
	}
	if (r->squeeze)
		return squeeze_feed(r->squeeze, s->bytes.data + p->off, p->len, SQUEEZE_FLUSH, &r->out);
	return buf_add(&r->out, s->bytes.data + p->off, p->len);
}

static int
refill(struct script_reader *r)
{
	int err = 0;

	while (err >= 0 && buf_len(&r->out) == 0 && r->at < r->script->n)
		err = read_step(r);
	if (err < 0 || buf_len(&r->out) > 0)
		return err;
	if (r->script->cut)
		return -ECONNABORTED;
	if (r->squeeze && !r->ended) {
		r->ended = true;
		return squeeze_feed(r->squeeze, "", 0, SQUEEZE_END, &r->out);
	}
	return 0;
}

long
script_reader_next(struct script_reader *r, char *to, size_t max)
{
	size_t n = buf_len(&r->out);
	int err;

	if (n == 0) {
		err = refill(r);
		if (err < 0)
			return err;
		n = buf_len(&r->out);
	}
	if (n > max)
		n = max;
	if (r->split && n > r->split)
		n = r->split;
	memcpy(to, buf_ptr(&r->out), n);
	buf_consume(&r->out, n);
	return (long)n;
}
