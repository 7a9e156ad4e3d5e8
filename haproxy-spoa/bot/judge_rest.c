/* SPDX-License-Identifier: MIT */
/* Who it says it is, what it did before, what it asks for, and what the other engines say. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/bot/judge_private.h"
#include "lib/literals.h"

static void
crawler_judge(struct judge_job *j, bool must_prove)
{
	const struct bot_agent *a = j->out->who.agent;
	enum bot_proof p = j->in->prove != NULL ? j->in->prove(j->in->prove_arg, a, j->r->ip) : PROOF_NONE;

	j->out->proof = p;
	judge_if(j, BOT_FAKE, p == PROOF_FALSE);
	judge_if(j, BOT_PENDING, must_prove && p == PROOF_PENDING);
	judge_if(j, BOT_UNPROVEN, must_prove && p == PROOF_NONE);
	judge_if(j, BOT_VERIFIED, must_prove && p == PROOF_TRUE);
	judge_if(j, BOT_CRAWLER_API, j->api);
	j->lied |= p == PROOF_FALSE;
}

void
judge_who(struct judge_job *j)
{
	static const struct {
		enum bot_feature f;
		bool		 fires, in_api;
	} row[WHO_CLASSES] = {
		[WHO_UNKNOWN] = {BOT_UNKNOWN, true, false}, [WHO_TOOL] = {BOT_TOOL, true, false},
		[WHO_SDK] = {BOT_SDK, true, false}, [WHO_PREVIEW] = {BOT_PREVIEW, true, true},
		[WHO_BOT] = {BOT_BOT_WORD, true, true}, [WHO_MARKETING] = {BOT_MARKETING, true, true},
		[WHO_AI] = {BOT_AI_CRAWLER, true, true}, [WHO_HEADLESS] = {BOT_HEADLESS, true, true},
		[WHO_SCANNER] = {BOT_SCANNER, true, true},
	};
	enum bot_class c = j->out->who.class;
	bool headers = (j->r->flags & REQ_NO_HDRS_ARG) == 0;

	judge_if(j, row[c].f, headers && row[c].fires && (row[c].in_api || !j->api));
	if (c == WHO_SEARCH || c == WHO_AI || c == WHO_MARKETING || c == WHO_PREVIEW)
		crawler_judge(j, c == WHO_SEARCH || c == WHO_AI);
	judge_if(j, BOT_MASQUERADE, j->lied);
}

#define ERRORS_MANY	10
#define PATHS_MANY	60
#define PAGES_MANY	8
#define WAF_HITS_MANY	3

void
judge_behaviour(struct judge_job *j)
{
	const struct behave_view *b = &j->in->behave;
	/* Programs ask often, and a crawler that proved to be one asks for everything once: that is what they are for. */
	bool expected = j->api || j->out->proof == PROOF_TRUE;

	judge_if(j, BOT_RATE, !expected && b->requests > j->b->rate);
	judge_if(j, BOT_RATE_HIGH, !expected && b->requests / 4 > j->b->rate);
	judge_if(j, BOT_ERRORS, b->errors >= ERRORS_MANY && b->errors > b->requests / 2);
	judge_if(j, BOT_PATHS, !expected && b->distinct_paths >= PATHS_MANY && b->distinct_paths >= b->requests / 5 * 4);
	judge_if(j, BOT_WAF_BEFORE, b->waf_hits >= WAF_HITS_MANY);
	judge_if(j, BOT_NO_ASSETS, j->browser && j->out->kind == KIND_PAGE && b->pages >= PAGES_MANY && b->assets == 0);
	judge_if(j, BOT_BANNED_BEFORE, b->bans > 0);
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

#define PATH_READ	1024

/* %2e is a dot to the server behind.  Decoded once; what is encoded twice is the WAF's affair. */
static struct span
path_decode(char out[PATH_READ], struct span p)
{
	size_t n = 0;

	if (memchr(p.p, '%', p.n) == NULL)
		return p;
	for (size_t i = 0; i < p.n && n < PATH_READ; i++) {
		int hi = p.p[i] == '%' && i + 2 < p.n ? hex(p.p[i + 1]) : -1, lo = hi >= 0 ? hex(p.p[i + 2]) : -1;

		out[n++] = lo >= 0 ? (char)(hi * 16 + lo) : p.p[i];
		i += lo >= 0 ? 2 : 0;
	}
	return (struct span){out, n};
}

void
judge_target(struct judge_job *j)
{
	char buf[PATH_READ];
	struct span path = path_decode(buf, (struct span){j->r->path.p, j->r->path.n < 4 * PATH_READ ? j->r->path.n : 4 * PATH_READ});
	struct literals_hit hit;

	judge_if(j, BOT_PROBE, literals_first(j->b->probes, path.p, path.n, &hit));
	judge_if(j, BOT_PATH_RANDOM, !j->api && j->out->kind != KIND_ASSET && bot_path_random(path));
}

static int
weight_of(const struct bot_weighted *v, size_t n, const char *country, uint32_t asn)
{
	for (size_t i = 0; i < n; i++)
		if (country != NULL ? memcmp(v[i].country, country, 2) == 0 : v[i].asn == asn)
			return v[i].weight;
	return 0;
}

void
judge_others(struct judge_job *j)
{
	const struct bot_input *in = j->in;

	if (in->waf_ran && in->waf_score > 0) {
		judge_fire(j, BOT_WAF_SCORE, in->waf_score < 100 ? in->waf_score : 100, 1);
		judge_if(j, BOT_WAF_BOT, in->waf_score >= 5);
	}
	judge_fire(j, BOT_COUNTRY, weight_of(j->b->countries, j->b->n_countries, in->country, 0), 1);
	if (in->asn != 0)
		judge_fire(j, BOT_ASN, weight_of(j->b->asns, j->b->n_asns, NULL, in->asn), 1);
	if (in->intel > 0)
		judge_fire(j, BOT_INTEL, in->intel, 100);
	if (in->intel_site > 0)
		judge_fire(j, BOT_INTEL_SITE, in->intel_site, 100);
}
