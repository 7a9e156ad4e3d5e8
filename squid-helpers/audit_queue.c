/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <time.h>

#include "squid-helpers/audit_queue.h"

#define CONTROL_ROOM	4096	/* for commands that are no lines; they come a few an hour */
#define KEEP		((size_t)1 << 20)	/* of memory, when a flood is over */

void
audit_queue_init(struct audit_queue *q, size_t max, int patience_ms)
{
	memset(q, 0, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->come, NULL);
	pthread_cond_init(&q->room, NULL);
	q->max = max;
	q->patience_ms = patience_ms;
}

void
audit_queue_fini(struct audit_queue *q)
{
	buf_free(&q->in);
	pthread_cond_destroy(&q->room);
	pthread_cond_destroy(&q->come);
	pthread_mutex_destroy(&q->lock);
}

static bool
nothing_there(const struct audit_queue *q)
{
	return buf_len(&q->in) == 0 && q->lost == 0 && !q->end;
}

static struct timespec
in_ms(int ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* After the first that is lost all are until somebody takes, so that there is one place where they are missing. */
static bool
fits(const struct audit_queue *q, const char *p, size_t n)
{
	size_t would = buf_len(&q->in) + q->taken + n + 1;

	if (n == 0 || *p != 'L')
		return would <= q->max + CONTROL_ROOM;
	return q->lost == 0 && would <= q->max;
}

static bool
comes_to_fit(struct audit_queue *q, const char *p, size_t n)
{
	struct timespec at;

	if (fits(q, p, n))
		return true;
	if (q->lost > 0 || *p != 'L')
		return false;
	at = in_ms(q->patience_ms);
	while (!fits(q, p, n) && pthread_cond_clockwait(&q->room, &q->lock, CLOCK_MONOTONIC, &at) == 0)
		;
	return fits(q, p, n);
}

void
audit_queue_put(struct audit_queue *q, const char *p, size_t n)
{
	bool fit, was_empty, is_line = n > 0 && *p == 'L';

	pthread_mutex_lock(&q->lock);
	fit = comes_to_fit(q, p, n);
	was_empty = nothing_there(q);
	if (fit && buf_room(&q->in, n + 1) != NULL) {
		buf_add(&q->in, p, n);
		buf_addc(&q->in, '\n');
	} else {
		q->in.err = 0;		/* without memory it is the same as without room */
		q->lost += is_line;
	}
	if (was_empty)
		pthread_cond_signal(&q->come);
	pthread_mutex_unlock(&q->lock);
}

void
audit_queue_end(struct audit_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->end = true;
	pthread_cond_signal(&q->come);
	pthread_mutex_unlock(&q->lock);
}

bool
audit_queue_take(struct audit_queue *q, struct buf *out, uint64_t *lost, int wait_ms)
{
	struct timespec at = in_ms(wait_ms);
	struct buf empty = *out;
	bool more;

	if (empty.cap > KEEP)
		buf_free(&empty);
	pthread_mutex_lock(&q->lock);
	q->taken = 0;
	pthread_cond_signal(&q->room);
	while (nothing_there(q) && pthread_cond_clockwait(&q->come, &q->lock, CLOCK_MONOTONIC, &at) == 0)
		;
	*out = q->in;
	q->in = empty;
	q->taken = buf_len(out);
	*lost = q->lost;
	q->lost = 0;
	/* Who ended put nothing behind that. */
	more = !q->end;
	pthread_mutex_unlock(&q->lock);
	return more;
}

void
audit_queue_left(struct audit_queue *q, size_t left)
{
	pthread_mutex_lock(&q->lock);
	q->taken = left;
	pthread_cond_signal(&q->room);
	pthread_mutex_unlock(&q->lock);
}
