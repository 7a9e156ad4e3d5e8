/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/ban_event.h"
#include "control/ban_list.h"
#include "control/board.h"
#include "control/collector.h"
#include "control/ctltime.h"
#include "control/evline.h"
#include "control/llmsecd_conf.h"
#include "control/llmsecd_metrics.h"
#include "control/store.h"
#include "lib/log.h"

#define RETRY_MS	500	/* while down */
#define PROBE_MS	5000	/* a quiet database is proven writable this often */
#define COMPLAIN_MS	60000	/* "still down" in the log */

struct collector {
	const struct llmsecd_conf *conf;
	struct board	*board;
	struct counters	*ctr;
	struct store	*store;		/* NULL: not open */
	bool		 ok;
	char		 error[256];
	int64_t		 batch_ms;	/* monotonic, when the open batch began; 0: none */
	unsigned	 stored, duplicates, malformed;	/* of the open batch */
	int64_t		 proven_ms, retry_ms, complain_ms, prune_ms;
	void		(*on_ban)(void *, const struct ban *, size_t);
	void		*on_ban_arg;
	struct ban	*bans;		/* of the open batch */
	size_t		 n_bans, cap_bans;
};

static void
count(struct collector *c, enum llmsecd_metric m, uint64_t n)
{
	if (c->ctr != NULL && n > 0)
		counters_add(c->ctr, m, n);
}

static void
gauge(struct collector *c, enum llmsecd_metric m, int64_t v)
{
	if (c->ctr != NULL)
		counters_set(c->ctr, m, v);
}

static void
batch_forget(struct collector *c)
{
	c->batch_ms = 0;
	c->n_bans = 0;
	c->stored = c->duplicates = c->malformed = 0;
	gauge(c, M_QUEUE, 0);
}

/* Turn down.  A damaged file is no use any more: the next attempt moves it aside. */
static int
went_down(struct collector *c, int r)
{
	const char *why = c->store != NULL ? store_error(c->store) : strerror(-r);
	int64_t now = ctltime_mono_ms();

	count(c, M_DB_ERRORS, 1);
	snprintf(c->error, sizeof(c->error), "%s", *why != '\0' ? why : strerror(-r));
	if (c->ok || now >= c->complain_ms) {
		log_err("cannot write %s: %s; events stay in their senders' spools",
		    c->conf->database.path, c->error);
		c->complain_ms = now + COMPLAIN_MS;
	}
	c->ok = false;
	c->retry_ms = now + RETRY_MS;
	gauge(c, M_DB_OK, 0);
	batch_forget(c);
	if (c->store != NULL)
		store_rollback(c->store);
	if (r == -EBADMSG && c->store != NULL) {
		store_close(&c->store);
		log_err("%s is damaged: moving it to %s.corrupt-* and beginning a new one",
		    c->conf->database.path, c->conf->database.path);
		if (store_set_aside(c->conf->database.path) == 0)
			count(c, M_DB_ASIDE, 1);
	} else if (r != -EBUSY) {
		store_close(&c->store);
	}
	return r;
}

static void
came_up(struct collector *c)
{
	if (!c->ok)
		log_notice("writing events to %s", c->conf->database.path);
	c->ok = true;
	c->error[0] = '\0';
	c->complain_ms = 0;
	c->proven_ms = ctltime_mono_ms();
	gauge(c, M_DB_OK, 1);
}

static int
try_up(struct collector *c)
{
	bool aside = false;
	int r = 0;

	if (c->store == NULL)
		r = store_open(&c->store, c->conf->database.path, &aside);
	if (aside)
		count(c, M_DB_ASIDE, 1);
	if (r == 0)
		r = store_probe(c->store, ctltime_now_ms());
	if (r < 0)
		return went_down(c, r);
	came_up(c);
	return 0;
}

struct collector *
collector_new(const struct llmsecd_conf *conf, struct board *board, struct counters *ctr)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->conf = conf;
	c->board = board;
	c->ctr = ctr;
	try_up(c);
	return c;
}

void
collector_free(struct collector **cp)
{
	if (*cp == NULL)
		return;
	store_close(&(*cp)->store);
	free((*cp)->bans);
	free(*cp);
	*cp = NULL;
}

void
collector_reconfigure(struct collector *c, const struct llmsecd_conf *conf)
{
	c->conf = conf;
	c->prune_ms = 0;
}

bool
collector_ok(const struct collector *c)
{
	return c->ok;
}

static void
batch_note(struct collector *c)
{
	if (c->batch_ms == 0)
		c->batch_ms = ctltime_mono_ms();
	gauge(c, M_QUEUE, store_pending(c->store));
}

int
collector_reject(struct collector *c, const char *who, const void *bytes, size_t len,
    const char *why)
{
	int r;

	if (!c->ok)
		return -EIO;
	r = store_quarantine(c->store, bytes, len, who, why, ctltime_now_ms());
	if (r < 0)
		return went_down(c, r);
	if (c->malformed++ == 0)
		log_warnx("%s sent %zu bytes that are no event: %s", who, len, why);
	batch_note(c);
	return 0;
}

void
collector_on_ban(struct collector *c, void (*fn)(void *, const struct ban *, size_t), void *arg)
{
	c->on_ban = fn;
	c->on_ban_arg = arg;
}

static void
ban_note(struct collector *c, const struct evline *ev)
{
	struct ban b;

	if (c->on_ban == NULL || strcmp(ev->event, "edge.ban") != 0 || !ban_of_event(ev, &b) ||
	    b.expires_ms <= ctltime_now_ms())
		return;
	if (c->n_bans == c->cap_bans) {
		size_t cap = c->cap_bans > 0 ? 2 * c->cap_bans : 16;
		struct ban *v = reallocarray(c->bans, cap, sizeof(*v));

		if (v == NULL)
			return;
		c->bans = v;
		c->cap_bans = cap;
	}
	c->bans[c->n_bans++] = b;
}

int
collector_line(struct collector *c, const char *who, const char *line, size_t len)
{
	struct evline ev;
	const char *why;
	int r;

	if (!c->ok)
		return -EIO;
	if (evline_parse(&ev, line, len, &why) < 0)
		return collector_reject(c, who, line, len, why);
	r = store_put(c->store, &ev, line, len, ctltime_now_ms());
	if (r >= 0) {
		if (r > 0)
			ban_note(c, &ev);
		if (r > 0)
			board_stored(c->board, who, ev.node, ev.layer, ev.event, ev.ts_ms);
		*(r > 0 ? &c->stored : &c->duplicates) += 1;
		batch_note(c);
	}
	evline_clear(&ev);
	return r < 0 ? went_down(c, r) : 0;
}

bool
collector_due(const struct collector *c)
{
	if (!c->ok || c->batch_ms == 0)
		return false;
	return store_pending(c->store) >= (unsigned)c->conf->database.batch_max ||
	    ctltime_mono_ms() - c->batch_ms >= c->conf->database.batch_delay;
}

static int64_t
usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int
collector_commit(struct collector *c)
{
	int64_t began = usec();
	int r;

	if (!c->ok)
		return -EIO;
	if (c->batch_ms == 0)
		return 0;
	if (c->n_bans > 0)
		c->on_ban(c->on_ban_arg, c->bans, c->n_bans);
	r = store_commit(c->store);
	if (r < 0)
		return went_down(c, r);
	c->proven_ms = ctltime_mono_ms();
	if (c->ctr != NULL)
		counters_observe(c->ctr, M_COMMIT, (uint64_t)(usec() - began));
	count(c, M_STORED, c->stored);
	count(c, M_DUPLICATES, c->duplicates);
	count(c, M_MALFORMED, c->malformed);
	if (c->stored > 0)
		board_news(c->board);
	batch_forget(c);
	return 0;
}

int
collector_timeout(const struct collector *c)
{
	int64_t now = ctltime_mono_ms(), at;

	if (!c->ok)
		at = c->retry_ms;
	else if (c->batch_ms != 0)
		at = c->batch_ms + c->conf->database.batch_delay;
	else
		at = c->proven_ms + PROBE_MS < c->prune_ms ? c->proven_ms + PROBE_MS : c->prune_ms;
	return at > now ? (int)(at - now) : 0;
}

/* One slice; more of them follow at once while there is more to delete, events in between. */
static int
prune(struct collector *c, int64_t now)
{
	int64_t age = c->conf->retention.max_age;
	int n;

	n = store_prune(c->store, age > 0 ? ctltime_now_ms() - age : 0, c->conf->retention.max_rows,
	    c->conf->retention.slice);
	if (n < 0)
		return n;
	count(c, M_PRUNED, (uint64_t)n);
	c->prune_ms = n >= c->conf->retention.slice ? now : now + c->conf->retention.every;
	return 0;
}

bool
collector_idle(struct collector *c)
{
	int64_t now = ctltime_mono_ms();
	int r = 0;

	if (!c->ok)
		return now >= c->retry_ms && try_up(c) == 0;
	if (c->batch_ms != 0)
		return false;
	if (now >= c->proven_ms + PROBE_MS) {
		r = store_probe(c->store, ctltime_now_ms());
		c->proven_ms = now;
	} else if (now >= c->prune_ms) {
		r = prune(c, now);
	}
	if (r < 0)
		went_down(c, r);
	return false;
}

unsigned
collector_queue(const struct collector *c, int64_t *oldest_ms)
{
	*oldest_ms = c->batch_ms;
	return c->ok ? store_pending(c->store) : 0;
}

const char *
collector_error(const struct collector *c)
{
	return c->error;
}
