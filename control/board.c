/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/board.h"

struct board {
	pthread_mutex_t		 lock;
	pthread_cond_t		 news_cond;
	uint64_t		 news;
	bool			 stopping;
	struct board_health	 health;
	struct board_component	 rows[BOARD_COMPONENTS];
	size_t			 n;
};

struct board *
board_new(void)
{
	struct board *b = calloc(1, sizeof(*b));
	pthread_condattr_t attr;

	if (b == NULL)
		return NULL;
	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->news_cond, &attr);
	pthread_condattr_destroy(&attr);
	b->news = 1;
	return b;
}

void
board_free(struct board **bp)
{
	if (*bp == NULL)
		return;
	pthread_cond_destroy(&(*bp)->news_cond);
	pthread_mutex_destroy(&(*bp)->lock);
	free(*bp);
	*bp = NULL;
}

void
board_health_set(struct board *b, const struct board_health *h)
{
	pthread_mutex_lock(&b->lock);
	b->health = *h;
	pthread_mutex_unlock(&b->lock);
}

void
board_health_get(struct board *b, struct board_health *h)
{
	pthread_mutex_lock(&b->lock);
	*h = b->health;
	pthread_mutex_unlock(&b->lock);
}

/* A row to give away: the one silent longest that nobody is connected for. */
static struct board_component *
row_oldest(struct board *b)
{
	struct board_component *old = NULL;

	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].connections == 0 &&
		    (old == NULL || b->rows[i].last_ms < old->last_ms))
			old = &b->rows[i];
	return old;
}

/* NULL: the board is full of connected components, so this one goes unseen. */
static struct board_component *
row_find(struct board *b, const char *name)
{
	struct board_component *row = NULL;

	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->rows[i].name, name) == 0)
			return &b->rows[i];
	row = b->n < BOARD_COMPONENTS ? &b->rows[b->n++] : row_oldest(b);
	if (row == NULL)
		return NULL;
	memset(row, 0, sizeof(*row));
	snprintf(row->name, sizeof(row->name), "%s", name);
	return row;
}

void
board_connected(struct board *b, const char *name, pid_t pid, int delta)
{
	struct board_component *row;

	pthread_mutex_lock(&b->lock);
	row = row_find(b, name);
	if (row != NULL && delta > 0) {
		row->connections++;
		row->pid = pid;
	} else if (row != NULL && row->connections > 0) {
		row->connections--;
	}
	pthread_mutex_unlock(&b->lock);
}

void
board_stored(struct board *b, const char *name, const char *node, const char *layer,
    const char *event, int64_t ts_ms)
{
	struct board_component *row;

	pthread_mutex_lock(&b->lock);
	row = row_find(b, name);
	if (row != NULL) {
		snprintf(row->node, sizeof(row->node), "%s", node);
		snprintf(row->layer, sizeof(row->layer), "%s", layer);
		snprintf(row->last_event, sizeof(row->last_event), "%s", event);
		row->last_ms = ts_ms;
		row->stored++;
	}
	pthread_mutex_unlock(&b->lock);
}

void
board_pending(struct board *b, const char *name, int64_t delta)
{
	struct board_component *row;

	pthread_mutex_lock(&b->lock);
	row = row_find(b, name);
	if (row != NULL)
		row->pending += delta;
	pthread_mutex_unlock(&b->lock);
}

size_t
board_components(struct board *b, struct board_component *out, size_t max)
{
	size_t n;

	pthread_mutex_lock(&b->lock);
	n = b->n < max ? b->n : max;
	memcpy(out, b->rows, n * sizeof(*out));
	pthread_mutex_unlock(&b->lock);
	return n;
}

void
board_news(struct board *b)
{
	pthread_mutex_lock(&b->lock);
	b->news++;
	pthread_cond_broadcast(&b->news_cond);
	pthread_mutex_unlock(&b->lock);
}

bool
board_wait(struct board *b, uint64_t *seen, int timeout_ms)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&b->lock);
	while (!b->stopping && b->news == *seen)
		if (pthread_cond_timedwait(&b->news_cond, &b->lock, &until) != 0)
			break;
	*seen = b->news;
	go_on = !b->stopping;
	pthread_mutex_unlock(&b->lock);
	return go_on;
}

void
board_stop(struct board *b)
{
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	pthread_cond_broadcast(&b->news_cond);
	pthread_mutex_unlock(&b->lock);
}
