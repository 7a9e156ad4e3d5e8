/* SPDX-License-Identifier: MIT */
/* The section `bot` of spoad.yaml. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/eng_bot.h"

/* The table of features is the table of keys: an id that is not in it is an error with its line and column. */
static const struct conf_opt weight_opts[] = {
#define BOT_FEATURE(e, i, w, u, s, y) \
	{.name = i, .type = CONF_T_INT, .offset = BOT_##e * sizeof(int), .min = -100, .max = 100, .def = #w, .unit = "", .help = y},
#include "haproxy-spoa/bot/features.def"
#undef BOT_FEATURE
	CONF_END
};

static const struct conf_opt country_opts[] = {
	CONF_STR(struct bot_country_conf, code, NULL, "", "ISO 3166-1 alpha-2, ZZ: unknown"),
	CONF_INT(struct bot_country_conf, weight, -100, 100, NULL, "", "added to both scores"),
	CONF_END
};
static const struct conf_opt asn_opts[] = {
	{.name = "asn", .type = CONF_T_SIZE, .offset = offsetof(struct bot_asn_conf, asn), .min = 1, .max = UINT32_MAX,
	    .def = NULL, .unit = "number", .help = "autonomous system"},
	CONF_INT(struct bot_asn_conf, weight, -100, 100, NULL, "", "added to both scores"),
	CONF_END
};
static const struct conf_opt crawler_opts[] = {
	CONF_STR(struct bot_crawler_conf, agent, NULL, "name", "as `llmsec-spoad explain --agents` names it"),
	CONF_STR(struct bot_crawler_conf, addresses, NULL, "path", "file that its owner publishes: text or JSON"),
	CONF_END
};

#define PART(f)	offsetof(struct bot_conf, resolver.f) - offsetof(struct bot_conf, resolver)
static const struct conf_opt resolver_opts[] = {
	{.name = "threads", .type = CONF_T_INT, .offset = PART(threads), .min = 0, .max = 16, .def = "2", .unit = "threads",
	    .help = "that ask the resolver about crawlers' addresses; 0: nobody asks"},
	{.name = "verified", .type = CONF_T_DURATION, .offset = PART(verified), .min = 60000, .max = 30 * 86400000ll,
	    .def = "12h", .unit = "duration", .help = "how long a proof holds"},
	{.name = "refuted", .type = CONF_T_DURATION, .offset = PART(refuted), .min = 60000, .max = 30 * 86400000ll,
	    .def = "1h", .unit = "duration", .help = "how long a refutation holds"},
	{.name = "failed", .type = CONF_T_DURATION, .offset = PART(failed), .min = 60000, .max = 30 * 86400000ll,
	    .def = "5m", .unit = "duration", .help = "when to ask again a resolver that failed"},
	CONF_END
};
#undef PART

#define BOTH_SCORES(what) \
	{.name = "bot", .type = CONF_T_INT, .offset = 0, .min = 0, .max = 100, .def = BOT_DEF, .unit = "score", \
	    .help = what " from this bot score on; 0: never"}, \
	{.name = "threat", .type = CONF_T_INT, .offset = sizeof(int), .min = 0, .max = 100, .def = THREAT_DEF, \
	    .unit = "score", .help = what " from this threat score on; 0: never"}, \
	CONF_END

#define BOT_DEF		"0"
#define THREAT_DEF	"0"
static const struct conf_opt deny_opts[] = {BOTH_SCORES("refuse")};
#undef THREAT_DEF
#define THREAT_DEF	"60"
static const struct conf_opt event_opts[] = {BOTH_SCORES("tell llmsecd")};

static const char *
country_check(const void *field)
{
	const struct bot_country_conf *c = field;

	return strlen(c->code) == 2 && c->code[0] >= 'A' && c->code[0] <= 'Z' && c->code[1] >= 'A' && c->code[1] <= 'Z' ?
	    NULL : "a code is two capital letters (ISO 3166-1 alpha-2)";
}

static const char *
crawler_check(const void *field)
{
	const struct bot_crawler_conf *c = field;
	const struct bot_agent *a = bot_agent_find(c->agent);

	if (a == NULL)
		return "no such agent (llmsec-spoad explain --agents lists them)";
	return a->class == WHO_SEARCH || a->class == WHO_AI || a->class == WHO_MARKETING || a->class == WHO_PREVIEW ? NULL :
	    "that agent is no crawler";
}

static const char *
api_paths_check(const void *field)
{
	const struct conf_strs *s = field;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i][0] != '/')
			return "a path begins with /";
	return NULL;
}

const struct conf_opt bot_conf_opts[] = {
	CONF_BOOL(struct bot_conf, enabled, "true", "false: both scores stay 0, but for the WAF's part in the threat score"),
	CONF_MAP(struct bot_conf, weights, weight_opts, "what a feature adds; 0 switches it off (docs/bot-score.md)"),
	CONF_INT(struct bot_conf, rate, 1, 1000000, "300", "requests", "a minute that a person's client may send (BOT-401)"),
	{.name = "api_paths", .type = CONF_T_STRS, .offset = offsetof(struct bot_conf, api_paths), .unit = "",
	    .def = "[/v1/, /v1beta/, /v1alpha/, /upload/v1beta/, /openai/, /api/]", .check = api_paths_check,
	    .help = "where programs are expected: a path that begins so"},
	{.name = "countries", .type = CONF_T_SEQ, .offset = offsetof(struct bot_conf, countries),
	    .offset2 = offsetof(struct bot_conf, n_countries), .sub = country_opts,
	    .sub_size = sizeof(struct bot_country_conf), .unit = "", .check = country_check, .help = "BOT-611; needs geo.country_db"},
	CONF_SEQ(struct bot_conf, asns, n_asns, asn_opts, struct bot_asn_conf, "BOT-612; needs geo.asn_db"),
	{.name = "crawlers", .type = CONF_T_SEQ, .offset = offsetof(struct bot_conf, crawlers),
	    .offset2 = offsetof(struct bot_conf, n_crawlers), .sub = crawler_opts,
	    .sub_size = sizeof(struct bot_crawler_conf), .unit = "", .check = crawler_check,
	    .help = "addresses that prove a crawler without asking the resolver"},
	CONF_STRS(struct bot_conf, ti_sets, "address sets of llmsec-ti-sync (BOT-621); replaced files are noticed"),
	CONF_STRS(struct bot_conf, ti_domains, "domain sets of llmsec-ti-sync, for the sites that requests come from (BOT-622)"),
	CONF_MAP(struct bot_conf, resolver, resolver_opts, "forward-confirmed reverse DNS, beside the requests"),
	CONF_MAP(struct bot_conf, deny_at, deny_opts, "scores that are refused with 403"),
	CONF_MAP(struct bot_conf, event_at, event_opts, "scores that are worth an event"),
	CONF_END
};
