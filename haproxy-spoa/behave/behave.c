/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "haproxy-spoa/behave/behave.h"
#include "lib/never_ban.h"

#define PATH_MAX_HASHED	256	/* what a path has behind that makes it no other path */
#define SWEEP_TICKS	60	/* the whole table in about 30 s */
#define EXPIRE_TICKS	2

struct behave {
	struct sources	*sources;
	struct bans	*bans;
	struct sip_key	 key;
	size_t		 sweep;		/* places in each tick */
	unsigned	 ticks;
};

struct behave *
behave_new(size_t n_sources, size_t n_bans, const struct sip_key *key)
{
	struct behave *b = calloc(1, sizeof(*b));
	struct sources_stats st;

	if (b == NULL)
		return NULL;
	if (key != NULL)
		b->key = *key;
	if (key != NULL || getrandom(&b->key, sizeof(b->key), 0) == (ssize_t)sizeof(b->key)) {
		b->sources = sources_new(n_sources);
		b->bans = bans_new(n_bans, &b->key);
	}
	if (b->sources == NULL || b->bans == NULL) {
		behave_free(&b);
		return NULL;
	}
	sources_stats(b->sources, &st);
	b->sweep = st.places / SWEEP_TICKS + 1;
	return b;
}

void
behave_free(struct behave **bp)
{
	struct behave *b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	sources_free(&b->sources);
	bans_free(&b->bans);
	free(b);
}

struct bans *
behave_bans(struct behave *b)
{
	return b->bans;
}

struct sources *
behave_sources(struct behave *b)
{
	return b->sources;
}

const char *
behave_counter_name(enum behave_counter c)
{
	static const char *const names[BEHAVE_COUNTERS] = {
		[BEHAVE_REQUESTS] = "requests", [BEHAVE_ERRORS] = "errors", [BEHAVE_PATHS] = "paths",
		[BEHAVE_WAF_HITS] = "waf-hits",
	};

	return names[c];
}

void
behave_who(const struct behave *b, struct behave_who *w, const char *ip, const char *ja4, const char *key)
{
	const struct sip_key *k = &b->key;

	*w = (struct behave_who){.ja4 = ja4, .key = key, .has_ja4 = ja4[0] != '\0', .has_key = key[0] != '\0'};
	w->has_address = source_address(&w->address, ip);
	w->has[BEHAVE_ADDRESS] = w->has_address;
	w->has[BEHAVE_JA4] = w->has_ja4;
	w->has[BEHAVE_CLIENT] = w->has_key || w->has_address;
	if (w->has_address)
		w->hash[BEHAVE_ADDRESS] = source_hash(k, &w->address, BAN_IP, "");
	if (w->has_ja4)
		w->hash[BEHAVE_JA4] = source_hash(k, NULL, BAN_JA4, ja4);
	if (w->has_key)
		w->hash[BEHAVE_CLIENT] = source_hash(k, NULL, BAN_KEY, key);
	else if (w->has_address)
		w->hash[BEHAVE_CLIENT] = source_hash(k, &w->address, BAN_JA4, w->has_ja4 ? ja4 : "-");
	for (int i = 0; i < BEHAVE_SOURCES; i++)
		if (w->has[i])
			sources_prefetch(b->sources, w->hash[i]);
}

bool
behave_exempt(const struct behave_who *w, const struct never_ban *never)
{
	return never != NULL && w->has_address && never_ban_find(never, &w->address) != NULL;
}

static void
who_name(struct ban_who *out, const struct behave_who *w, enum behave_source s)
{
	char address[CIDR_TEXT] = "";

	memset(out, 0, sizeof(*out));
	if (w->has_address)
		cidr_format(&w->address, address);
	out->kind = s == BEHAVE_ADDRESS ? BAN_IP : s == BEHAVE_JA4 || !w->has_key ? BAN_JA4 : BAN_KEY;
	if (s == BEHAVE_ADDRESS)
		snprintf(out->id, sizeof(out->id), "%s", address);
	else if (s == BEHAVE_JA4)
		snprintf(out->id, sizeof(out->id), "%.40s", w->ja4);
	else if (w->has_key)
		snprintf(out->id, sizeof(out->id), "%.40s", w->key);
	else
		snprintf(out->id, sizeof(out->id), "%.40s@%s", w->has_ja4 ? w->ja4 : "-", address);
}

int64_t
behave_look(const struct behave *b, const struct behave_who *w, int64_t now_ms, enum ban_kind *kind,
    struct behave_seen view[BEHAVE_SOURCES])
{
	const struct window *win[BEHAVE_SOURCES] = {NULL};
	uint32_t slot = window_slot(now_ms);
	int64_t left, most = 0;

	/* First fetch all of them, then look: the memory is slower than the rest. */
	for (int i = 0; i < BEHAVE_SOURCES; i++)
		if (w->has[i] && (win[i] = sources_find(b->sources, w->hash[i])) != NULL) {
			__builtin_prefetch(win[i]);
			__builtin_prefetch((const char *)win[i] + sizeof(*win[i]) - 1);
		}
	for (int i = 0; i < BEHAVE_SOURCES; i++) {
		view[i] = (struct behave_seen){0};
		if (!w->has[i])
			continue;
		if (win[i] != NULL)
			window_sum(win[i], slot, &view[i].sum);
		left = bans_left(b->bans, w->hash[i], now_ms, &view[i].bans);
		if (left <= most)
			continue;
		most = left;
		if (kind != NULL)
			*kind = i == BEHAVE_ADDRESS ? BAN_IP : i == BEHAVE_JA4 || !w->has_key ? BAN_JA4 : BAN_KEY;
	}
	return most;
}

/* ---- limits ----------------------------------------------------------------------------------- */

struct state {			/* of one behave_count() */
	struct behave		*b;
	const struct behave_limits *limits;
	const struct behave_who	*who;
	struct behave_decision	*d;
	struct window_sum	 sum[BEHAVE_SOURCES];
	bool			 shared, clean;	/* the address's clients: several, one who did nothing wrong */
	const struct never_ban	*never;
	int64_t			 now_ms;
};

static unsigned
value_of(const struct window_sum *s, enum behave_counter c)
{
	const unsigned v[BEHAVE_COUNTERS] = {
		[BEHAVE_REQUESTS] = s->requests, [BEHAVE_ERRORS] = s->errors, [BEHAVE_PATHS] = s->paths,
		[BEHAVE_WAF_HITS] = s->waf_hits,
	};

	return v[c];
}

static bool
is_over(const struct behave_limit *l, const struct window_sum *s, enum behave_counter c)
{
	uint64_t v = value_of(s, c);

	return l->over > 0 && v >= (uint64_t)l->over && v * 100 >= (uint64_t)l->share * s->requests;
}

static void
ban(struct state *st, enum behave_source s, enum behave_counter why)
{
	struct behave_decision *d = st->d;
	struct ban_who who;
	int64_t ms;

	if (d->ban || behave_exempt(st->who, st->never))
		return;
	who_name(&who, st->who, s);
	ms = bans_add(st->b->bans, st->who->hash[s], &who, behave_counter_name(why), &st->limits->times, st->now_ms, false,
	    &d->as);
	if (ms <= 0)
		return;
	d->ban = true;
	d->banned = !st->limits->monitor;
	d->ms = ms;
	d->why = why;
	d->sum = st->sum[s];
}

/* A limit was reached: more points, or a ban of <s>. */
static void
act(struct state *st, const struct behave_limit *l, enum behave_source s, enum behave_counter c)
{
	if ((st->d->scored & 1u << c) == 0)
		st->d->score += l->score;
	st->d->scored |= 1u << c;
	if (l->action == BEHAVE_BAN)
		ban(st, s, c);
}

static void
judge_address(struct state *st, enum behave_counter c)
{
	const struct behave_limit *l = &st->limits->address[c];
	const struct window_sum *own = &st->sum[BEHAVE_ADDRESS];
	bool over = is_over(l, own, c);
	int64_t factor = st->limits->shared_factor;

	if (!st->shared || !st->clean) {
		if (over)
			act(st, l, BEHAVE_ADDRESS, c);
		return;
	}
	if (over && factor > 0 && value_of(own, c) >= (uint64_t)l->over * (uint64_t)factor)
		act(st, l, BEHAVE_ADDRESS, c);
	else if (is_over(l, &st->sum[BEHAVE_CLIENT], c))
		act(st, l, BEHAVE_CLIENT, c);
}

static void
judge(struct state *st)
{
	const struct behave_limits *l = st->limits;

	/* What is worst first: the ban has its reason from there. */
	for (int c = BEHAVE_COUNTERS - 1; c >= 0; c--) {
		if (st->who->has_key && is_over(&l->key[c], &st->sum[BEHAVE_CLIENT], c))
			act(st, &l->key[c], BEHAVE_CLIENT, c);
		if (st->who->has_ja4 && is_over(&l->ja4[c], &st->sum[BEHAVE_JA4], c))
			act(st, &l->ja4[c], BEHAVE_JA4, c);
		if (st->who->has_address)
			judge_address(st, c);
	}
}

static void
client_note(struct state *st, struct window *address, const struct behave_did *did, uint32_t slot)
{
	const struct behave_limit *l = &st->limits->address[BEHAVE_ERRORS];
	bool bad = did->error || did->waf_hit || is_over(l, &st->sum[BEHAVE_CLIENT], BEHAVE_ERRORS);

	window_client_add(address, slot, st->who->hash[BEHAVE_CLIENT].hi, bad);
	window_clients(address, slot, &st->shared, &st->clean);
}

void
behave_count(struct behave *b, const struct behave_limits *limits, const struct behave_who *w,
    const struct behave_did *did, const struct never_ban *never, int64_t now_ms, struct behave_decision *d)
{
	struct state st = {.b = b, .limits = limits, .who = w, .d = d, .never = never, .now_ms = now_ms};
	struct window_add add = {did->error, did->waf_hit, did->page, did->asset, 0}, clean;
	size_t n = did->path_len < PATH_MAX_HASHED ? did->path_len : PATH_MAX_HASHED;
	/* HAProxy sees the answers. */
	const int64_t told[BEHAVE_SOURCES] = {
		[BEHAVE_ADDRESS] = did->err_address, [BEHAVE_JA4] = -1, [BEHAVE_CLIENT] = did->err_client,
	};
	struct window *win[BEHAVE_SOURCES] = {NULL};
	uint32_t slot = window_slot(now_ms);

	*d = (struct behave_decision){0};
	add.path = siphash(&b->key, did->path, n).lo;
	clean = add;
	/* What a monitor or an office does with a key is not held against the key elsewhere. */
	if ((did->error || did->waf_hit) && behave_exempt(w, never))
		clean.error = clean.waf_hit = false;
	for (int i = 0; i < BEHAVE_SOURCES; i++) {
		if (!w->has[i] || (win[i] = sources_get(b->sources, w->hash[i], slot)) == NULL)
			continue;
		add.told = clean.told = told[i] >= 0 ? window_told(win[i], slot, told[i]) : 0;
		window_add(win[i], slot, i == BEHAVE_ADDRESS ? &add : &clean);
		window_sum(win[i], slot, &st.sum[i]);
	}
	if (win[BEHAVE_ADDRESS] != NULL)
		client_note(&st, win[BEHAVE_ADDRESS], did, slot);
	judge(&st);
}

void
behave_tick(struct behave *b, const struct behave_limits *limits, int64_t now_ms)
{
	sources_sweep(b->sources, b->sweep, window_slot(now_ms));
	if (b->ticks++ % EXPIRE_TICKS == 0)
		bans_expire(b->bans, &limits->times, now_ms);
}
