/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "haproxy-spoa/bot/bot.h"

#define B	BOT_ADDS_BOT
#define T	BOT_ADDS_THREAT

const struct bot_row bot_rows[BOT_FEATURES] = {
#define BOT_FEATURE(e, id, weight, unit, scores, why) [BOT_##e] = {id, #e, why, weight, BOT_##unit, scores},
#include "haproxy-spoa/bot/features.def"
#undef BOT_FEATURE
};

const struct bot_agent bot_agents[] = {
#define BOT_AGENT(token, name, class, hosts, source) {token, name, WHO_##class, hosts, source},
#include "haproxy-spoa/bot/agents.def"
#undef BOT_AGENT
};
const size_t bot_n_agents = sizeof(bot_agents) / sizeof(bot_agents[0]);

enum bot_feature
bot_feature_find(const char *id)
{
	enum bot_feature f = 0;

	while (f < BOT_FEATURES && strcasecmp(id, bot_rows[f].id) != 0)
		f++;
	return f;
}

const struct bot_agent *
bot_agent_find(const char *name)
{
	for (size_t i = 0; i < bot_n_agents; i++)
		if (strcasecmp(name, bot_agents[i].name) == 0)
			return &bot_agents[i];
	return NULL;
}

const char *
bot_unit_str(enum bot_unit u)
{
	static const char *const text[] = {[BOT_ONCE] = "", [BOT_POINT] = "a point", [BOT_LISTED] = "x listed weight",
		[BOT_PERCENT] = "x confidence"};

	return text[u];
}

const char *
bot_class_str(enum bot_class c)
{
	static const char *const text[WHO_CLASSES] = {
		[WHO_NONE] = "none", [WHO_UNKNOWN] = "unknown", [WHO_BROWSER] = "browser", [WHO_TOOL] = "tool",
		[WHO_SDK] = "sdk", [WHO_PREVIEW] = "preview", [WHO_BOT] = "bot", [WHO_MARKETING] = "marketing",
		[WHO_SEARCH] = "search", [WHO_AI] = "ai", [WHO_HEADLESS] = "headless", [WHO_SCANNER] = "scanner",
	};

	return text[c];
}

const char *
bot_proof_str(enum bot_proof p)
{
	static const char *const text[] = {[PROOF_NOT_ASKED] = "not-asked", [PROOF_NONE] = "unproven",
		[PROOF_PENDING] = "pending", [PROOF_TRUE] = "verified", [PROOF_FALSE] = "fake"};

	return text[p];
}

void
bot_defaults(struct bot_options *o)
{
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < BOT_FEATURES; i++)
		o->weights[i] = bot_rows[i].weight;
	o->rate = 300;
}
