/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "haproxy-spoa/behave_store.h"
#include "haproxy-spoa/eng_behave.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/spoad_counters.h"
#include "lib/diag.h"
#include "lib/log.h"

#define SAVE_MS		1000	/* at most so often */

/* Whose state file it is.  Not counted; only compared where it may be gone. */
static _Atomic(struct behave_store *) current;

/* Limits count on a clock that nobody sets; people and files use the other one. */
static int64_t
epoch_ahead_ms(int64_t now_ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 - now_ms;
}

static int64_t
now_get(void)
{
	return (int64_t)(policy_now_us() / 1000);
}

/* ---- life ------------------------------------------------------------------------------------- */

static void
save(struct behave_store *s, int64_t now_ms)
{
	struct bans_stats st;
	int r;

	bans_stats(behave_bans(s->b), &st);
	s->saved_ms = now_ms;
	if (s->state_file[0] == '\0' || atomic_load(&current) != s || st.changes == s->saved)
		return;
	r = ban_state_save(s->state_file, behave_bans(s->b), now_ms, s->ahead_ms);
	if (r == 0)
		s->saved = st.changes;
	if (r < 0 && r != s->save_error)
		log_err("behaviour: %s: %s; bans would not survive a restart", s->state_file, strerror(-r));
	else if (r == 0 && s->save_error != 0)
		log_notice("behaviour: %s is written again", s->state_file);
	s->save_error = r;
}

static void
store_free(struct behave_store *s)
{
	behave_free(&s->b);
	free(s->state_file);
	free(s->orders_path);
	free(s);
}

void
behave_store_put(struct behave_store **sp)
{
	struct behave_store *s = *sp, *mine = s;

	*sp = NULL;
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	save(s, now_get());
	atomic_compare_exchange_strong(&current, &mine, NULL);
	store_free(s);
}

static int
state_load(struct behave_store *s, const struct behave_limits *l, int64_t now_ms, struct diag *d)
{
	int64_t longest = l->times.ms[0];
	struct bans_stats st;
	size_t n_bad;
	int r;

	for (int i = 1; i < l->times.n; i++)
		longest = l->times.ms[i] > longest ? l->times.ms[i] : longest;
	r = ban_state_load(s->state_file, behave_bans(s->b), now_ms, s->ahead_ms, longest, &n_bad);
	if (r < 0) {
		diag_error(d, s->state_file, 0, 0, "behaviour.state_file: %s",
		    r == -EBADMSG ? "not written by llmsec-spoad; remove it or name another" : strerror(-r));
		return r;
	}
	bans_expire(behave_bans(s->b), &l->times, now_ms);
	bans_stats(behave_bans(s->b), &st);
	s->saved = n_bad == 0 ? st.changes : UINT64_MAX;
	if (n_bad > 0)
		log_warnx("behaviour: %s: %zu lines make no sense and are left out", s->state_file, n_bad);
	if (st.remembered > 0)
		log_info("behaviour: %zu bans in force, %zu remembered", st.active, st.remembered);
	return 0;
}

static void
ban_move(void *arg, const struct ban *b)
{
	bans_put(behave_bans(arg), b, now_get());
}

static bool
path_take(char **at, const char *path, bool *changed)
{
	char *copy;

	*changed = *at == NULL || strcmp(*at, path) != 0;
	if (!*changed)
		return true;
	copy = strdup(path);
	if (copy == NULL)
		return false;
	free(*at);
	*at = copy;
	return true;
}

/* Paths may change with the configuration, whatever else stays.  False: no memory, the old ones stay. */
static bool
paths_take(struct behave_store *s, const struct behave_conf *c)
{
	bool changed;

	if (!path_take(&s->state_file, c->state_file, &changed))
		return false;
	if (changed)
		s->saved = UINT64_MAX;
	if (!path_take(&s->orders_path, c->orders, &changed))
		return false;
	if (changed)
		s->orders = (struct ban_orders){0};
	s->orders.path = s->orders_path;
	return true;
}

static int
store_new(struct behave_store **out, const struct behave_conf *c, struct diag *d)
{
	struct behave_store *s = calloc(1, sizeof(*s));
	struct behave_store *old = atomic_load(&current);
	int64_t now_ms = now_get();
	int r = 0;

	if (s != NULL)
		s->b = behave_new((size_t)c->sources, (size_t)c->max_bans, NULL);
	if (s == NULL || s->b == NULL || !paths_take(s, c)) {
		diag_error(d, "behaviour", 0, 0, "no memory for %d sources", c->sources);
		if (s != NULL)
			store_free(s);
		return -ENOMEM;
	}
	atomic_init(&s->refs, 1);
	s->sources = c->sources;
	s->max_bans = c->max_bans;
	s->ahead_ms = epoch_ahead_ms(now_ms);
	/* The old one lives as long as the configuration in force, which is ours to replace. */
	if (old != NULL)
		bans_each(behave_bans(old->b), ban_move, s->b);
	else if (s->state_file[0] != '\0')
		r = state_load(s, &c->limits, now_ms, d);
	if (r < 0)
		store_free(s);
	else
		*out = s;
	return r;
}

int
behave_store_get(struct behave_store **out, const struct behave_conf *c, struct diag *d)
{
	struct behave_store *s = atomic_load(&current), *none = NULL;
	int r = 0;

	*out = NULL;
	if (s != NULL && s->sources == c->sources && s->max_bans == c->max_bans)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	else
		r = store_new(&s, c, d);
	if (r < 0)
		return r;
	atomic_compare_exchange_strong(&current, &none, s);
	*out = s;
	return 0;
}

/* ---- now and then ----------------------------------------------------------------------------- */

static void
orders_tick(struct behave_store *s, const struct never_ban *never, int64_t now_ms)
{
	uint64_t done = s->orders.n_done;
	int r;

	if (s->orders_path[0] == '\0')
		return;
	r = ban_orders_read(&s->orders, behave_bans(s->b), never, now_ms, s->ahead_ms);
	if (r < 0 && r != s->orders_error)
		log_err("behaviour: orders in %s: %s", s->orders_path, strerror(-r));
	s->orders_error = r;
	if (s->orders.n_bad != s->told_bad)
		log_warnx("behaviour: %s: %llu lines make no sense", s->orders_path,
		    (unsigned long long)(s->orders.n_bad - s->told_bad));
	s->told_bad = s->orders.n_bad;
	if (s->orders.n_done != done)
		log_info("behaviour: %llu orders carried out", (unsigned long long)(s->orders.n_done - done));
}

void
behave_store_tick(struct behave_store *s, const struct behave_conf *c, const struct behave_limits *l,
    const struct never_ban *never, int64_t now_ms)
{
	atomic_store(&current, s);
	paths_take(s, c);
	s->ahead_ms = epoch_ahead_ms(now_ms);
	orders_tick(s, never, now_ms);
	behave_tick(s->b, l, now_ms);
	if (now_ms - s->saved_ms >= SAVE_MS)
		save(s, now_ms);
}

static void
add_up(struct behave_store *s, struct counters *c, size_t row, size_t nth, uint64_t now)
{
	counters_add(c, row, now - s->reported[nth]);
	s->reported[nth] = now;
}

void
behave_store_report(struct behave_store *s, struct counters *c)
{
	struct sources_stats ss;
	struct bans_stats bs;

	sources_stats(behave_sources(s->b), &ss);
	bans_stats(behave_bans(s->b), &bs);
	counters_set(c, SPOAD_C_BEHAVE_SOURCES, (int64_t)ss.used);
	counters_set(c, SPOAD_C_BEHAVE_ACTIVE, (int64_t)bs.active);
	for (size_t i = 0; i < BAN_KINDS; i++) {
		add_up(s, c, SPOAD_C_BEHAVE_BAN_IP + i, i, atomic_load(&s->banned[i]));
		add_up(s, c, SPOAD_C_BEHAVE_REFUSED_IP + i, BAN_KINDS + i, atomic_load(&s->refused[i]));
	}
	add_up(s, c, SPOAD_C_BEHAVE_EVICTIONS, 2 * BAN_KINDS, ss.evicted);
	add_up(s, c, SPOAD_C_BEHAVE_BANS_DROPPED, 2 * BAN_KINDS + 1, bs.dropped);
}
