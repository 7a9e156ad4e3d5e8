/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "haproxy-spoa/bot/judge_private.h"
#include "lib/arena.h"
#include "lib/literals.h"

#define MEMORY_MAX	((size_t)4 << 20)

static int
api_paths_copy(struct bot *b, const struct bot_options *o)
{
	b->api_paths = arena_calloc(b->arena, o->n_api_paths + 1, sizeof(*b->api_paths));
	if (b->api_paths == NULL)
		return -1;
	for (size_t i = 0; i < o->n_api_paths; i++) {
		b->api_paths[i].n = strlen(o->api_paths[i]);
		b->api_paths[i].p = arena_memdup(b->arena, o->api_paths[i], b->api_paths[i].n + 1);
	}
	b->n_api_paths = o->n_api_paths;
	return 0;
}

static struct literals *
probes_build(void)
{
	static const char *const probes[] = {
#define BOT_PROBE(text) text,
#include "haproxy-spoa/bot/probe.def"
#undef BOT_PROBE
	};
	struct literals *l = literals_new(true);
	int rc = l != NULL ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < sizeof(probes) / sizeof(probes[0]); i++)
		rc = literals_add(l, probes[i], strlen(probes[i]), 0);
	if (rc == 0)
		rc = literals_build(l);
	if (rc != 0 && l != NULL)
		literals_free(&l);
	return l;
}

struct bot *
bot_new(const struct bot_options *o)
{
	struct bot *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->arena = arena_new(MEMORY_MAX);
	b->words = bot_who_words();
	b->probes = probes_build();
	if (b->arena == NULL || b->words == NULL || b->probes == NULL || api_paths_copy(b, o) != 0) {
		bot_free(&b);
		return NULL;
	}
	memcpy(b->weights, o->weights, sizeof(b->weights));
	b->rate = o->rate;
	b->countries = arena_memdup(b->arena, o->countries ? o->countries : o->asns, o->n_countries * sizeof(*b->countries));
	b->asns = arena_memdup(b->arena, o->asns ? o->asns : o->countries, o->n_asns * sizeof(*b->asns));
	b->n_countries = o->n_countries;
	b->n_asns = o->n_asns;
	head_index_build(&b->index);
	if (arena_failed(b->arena))
		bot_free(&b);
	return b;
}

void
bot_free(struct bot **bp)
{
	struct bot *b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	literals_free(&b->words);
	literals_free(&b->probes);
	arena_free(&b->arena);
	free(b);
}

void
judge_fire(struct judge_job *j, enum bot_feature f, int times, int of)
{
	int points = j->b->weights[f] * times / of;
	unsigned scores = bot_rows[f].scores;

	if (points == 0)
		return;
	points = points > 100 ? 100 : points < -100 ? -100 : points;
	j->out->hits[j->out->n_hits++] = (struct bot_hit){(uint16_t)f, (int16_t)points};
	j->bot += scores & BOT_ADDS_BOT ? points : 0;
	j->threat += scores & BOT_ADDS_THREAT ? points : 0;
}

static int
clamp(int v)
{
	return v < 0 ? 0 : v > 100 ? 100 : v;
}

void
bot_judge(struct bot_report *out, const struct bot *b, const struct bot_input *in)
{
	struct judge_job j = {.b = b, .in = in, .r = in->req, .out = out};

	out->n_hits = 0;
	out->proof = PROOF_NOT_ASKED;
	head_read(&j.h, &b->index, in->req);
	bot_who_read(&out->who, b->words, j.h.value[H_USER_AGENT]);
	bot_ja4_read(&j.ja4, in->ja4);
	out->tls = j.ja4.client;
	judge_facts(&j);
	judge_tls(&j);
	judge_headers(&j);
	judge_who(&j);
	judge_behaviour(&j);
	judge_target(&j);
	judge_others(&j);
	out->bot = clamp(j.bot);
	out->threat = clamp(j.threat);
}
