/* SPDX-License-Identifier: MIT */
/*
 * The scores of any request: first line "ja4 sni hello behaviour", then the raw request.  Whatever comes in, scores lie in
 * 0..100, are the sum of the hits, no feature fires twice, and the same request has the same scores again.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/req_raw.h"
#include "tests/unit/bot/cases.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static enum bot_proof
prove_any(void *arg, const struct bot_agent *a, const char *ip)
{
	(void)arg, (void)ip;
	return (enum bot_proof)(PROOF_NONE + a->name[0] % 4);
}

static void
report_check(const struct bot_report *r)
{
	int bot = 0, threat = 0;

	for (size_t i = 0; i < r->n_hits; i++) {
		for (size_t k = 0; k < i; k++)
			if (r->hits[k].feature == r->hits[i].feature)
				abort();
		bot += bot_rows[r->hits[i].feature].scores & BOT_ADDS_BOT ? r->hits[i].points : 0;
		threat += bot_rows[r->hits[i].feature].scores & BOT_ADDS_THREAT ? r->hits[i].points : 0;
	}
	bot = bot < 0 ? 0 : bot > 100 ? 100 : bot;
	threat = threat < 0 ? 0 : threat > 100 ? 100 : threat;
	if (r->bot != bot || r->threat != threat)
		abort();
}

static char *
word_next(char **rest, struct arena *a)
{
	char *w = strsep(rest, " ");

	return w != NULL ? w : arena_strndup(a, "", 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct bot *b;
	const uint8_t *nl = n > 0 ? memchr(p, '\n', n) : NULL;
	struct bot_report first, again;
	struct bot_input in = {.country = "XA", .asn = 64501, .waf_ran = true, .prove = prove_any};
	struct arena *a = arena_new(0);
	struct bot_options o;
	struct req_view r;
	char *line, *sni;

	if (b == NULL) {
		cases_options(&o);
		b = bot_new(&o);
	}
	if (a == NULL || b == NULL)
		abort();
	if (nl == NULL || req_raw_read(&r, (const char *)nl + 1, n - (size_t)(nl - p) - 1, a, NULL) != 0) {
		arena_free(&a);
		return 0;
	}
	line = arena_strndup(a, (const char *)p, (size_t)(nl - p));
	in.req = &r;
	in.ja4 = word_next(&line, a);
	sni = word_next(&line, a);
	r.sni = (struct span){sni, strlen(sni)};
	r.hello = word_next(&line, a);
	in.waf_score = (int)(n % 300);
	in.intel = (int)(n % 101);
	in.behave.requests = (uint32_t)n * 1000;
	in.behave.errors = in.behave.distinct_paths = in.behave.pages = (uint32_t)n;
	bot_judge(&first, b, &in);
	report_check(&first);
	bot_judge(&again, b, &in);
	if (again.n_hits != first.n_hits || again.bot != first.bot || again.threat != first.threat ||
	    again.who.class >= WHO_CLASSES)
		abort();
	arena_free(&a);
	return 0;
}
