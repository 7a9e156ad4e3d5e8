/* SPDX-License-Identifier: MIT */
/*
 * A conversation in any dialect, sent turn by turn: byte 0 chooses the API, byte 1 where it is cut; then the JSON of a request.
 * What passed and comes again is known, to its tenant only; state is bounded by what was scored; what is sent again adds nothing.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/convo_private.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static const struct traj_conf conf = { .crescendo = DETECT_BLOCK, .many_shot = DETECT_BLOCK, .sum = DETECT_BLOCK,
	.split = DETECT_BLOCK, .half_life = 600000, .sum_limit = 200, .actor_limit = 400, .shots = 4, .expire = 3600000 };
static const char *const urls[] = { "/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1beta/models/g:generateContent",
	"/api/chat", "/v1/completions", "/api/generate" };
static struct convo_table *table;
static int64_t now = 1000000;

/* A score for each turn, out of its text: fuzzers reach all of them. */
static int *
scores(const struct spans *ss, size_t n, struct arena *a)
{
	int *score = arena_calloc(a, n + 1, sizeof(*score));

	MUST(score != NULL);
	for (size_t i = 0; i < ss->n; i++)
		if (ss->v[i].msg >= 0 && ss->v[i].len > 0)
			score[ss->v[i].msg] = (uint8_t)ss->v[i].text[0] % 101;
	return score;
}

/* One request: recalled, judged, remembered. */
static void
request(const char *tenant, const struct spans *ss, bool pass, struct arena *a, struct convo *c)
{
	struct findings fs = { NULL, 0 };
	const char *text;
	size_t len;
	int *score;

	now += 1000;
	MUST(convo_begin(table, tenant, "192.0.2.1", ss, now, conf.expire, a, c) == 0);
	MUST(c->known <= c->n);
	for (size_t i = 0; i < ss->n; i++) {
		MUST(ss->v[i].msg < (int)c->n);
		MUST(!convo_knows(c, &ss->v[i]) || ss->v[i].msg >= 0);
	}
	score = scores(ss, c->n, a);
	MUST(convo_joined(c, ss, true, a, &text, &len) == 0);
	MUST(convo_joined(c, ss, false, a, &text, &len) == 0);
	MUST(len <= 4096 && (text == NULL || text[len] == '\0'));
	MUST(traj_judge(&conf, c, ss, score, text != NULL ? (int)(len % 101) : -1, 90, a, &fs) == 0);
	for (size_t i = 0; i < fs.n; i++)
		MUST(fs.v[i].span < ss->n && fs.v[i].start + fs.v[i].len <= ss->v[fs.v[i].span].len);
	MUST(c->state.sum <= 500 * 256);	/* 100 each, of which a fifth is forgotten */
	for (size_t i = 0; i < CONVO_RECENT; i++)
		MUST(c->state.recent[i] <= 100);
	convo_commit(&conf, c, pass);
}

static bool
any_turn(const struct convo *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->name[i] != 0)
			return true;
	return false;
}

/* All messages before <msg>: what the client sent a turn ago. */
static struct spans
until(const struct spans *ss, int msg)
{
	struct spans part = *ss;

	for (part.n = 0; part.n < ss->n && ss->v[part.n].msg < msg; part.n++)
		;
	return part;
}

static void
check(const struct spans *all, int cut, struct arena *a)
{
	struct spans before = until(all, cut);
	struct convo first, whole, again, refused, other;

	request("a", &before, true, a, &first);
	request("b", all, false, a, &other);
	MUST(other.known == 0);		/* nobody knows what another's key said */
	request("b", all, false, a, &refused);
	MUST(refused.known == 0);	/* nor what was refused */
	request("a", all, true, a, &whole);
	request("a", all, true, a, &again);
	if (!any_turn(&again))
		return;
	MUST(again.added == 0 && again.state.turns == whole.state.turns && again.state.sum == whole.state.sum);
	for (size_t i = 0; i < all->n; i++)
		MUST(all->v[i].msg < 0 || (size_t)all->v[i].msg >= again.known || convo_knows(&again, &all->v[i]));
	for (size_t i = again.known; i < again.n; i++)
		MUST(again.name[i] == 0);	/* system prompts at the end don't count */
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct llm_route route;
	struct spans ss;
	struct arena *a;
	const char *url;

	if (n < 2 || n > 65536)
		return 0;
	convo_table_free(&table);	/* a key and a memory of its own for each input */
	MUST(convo_table_new(&table, 64 << 10) == 0);
	a = arena_new(0);
	MUST(a != NULL);
	url = urls[p[0] % (sizeof(urls) / sizeof(urls[0]))];
	dialect_route("POST", url, strlen(url), &route);
	if (span_extract(&route, p + 2, n - 2, 32, a, &ss) == 0)
		check(&ss, p[1], a);
	arena_free(&a);
	return 0;
}
