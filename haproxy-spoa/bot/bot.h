/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BOT_H
#define LLMSEC_BOT_H
/*
 * Bot score and threat score of one request: a sum of weights out of one table (features.def), so that everybody can
 * add up by hand how a score came about.  No learning, no state of its own, no clock, no network: what others know
 * (behaviour, WAF, country, a crawler's proof) comes in with the request.
 *
 *	bot score	how much this looks like automation where a person is expected.  An SDK on an API path is
 *			expected, and has none.
 *	threat score	how much it looks like an attack.
 *
 * struct bot is immutable once built and shared by threads; bot_judge allocates nothing, takes no lock, and needs time
 * linear in the bytes of the headers and the path.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/engine.h"
#include "haproxy-spoa/req_view.h"

enum bot_feature {
#define BOT_FEATURE(e, id, weight, unit, scores, why) BOT_##e,
#include "haproxy-spoa/bot/features.def"
#undef BOT_FEATURE
	BOT_FEATURES
};

enum bot_unit { BOT_ONCE, BOT_POINT, BOT_LISTED, BOT_PERCENT };
enum bot_scores { BOT_ADDS_BOT = 1, BOT_ADDS_THREAT = 2 };

struct bot_row {
	const char	*id, *name, *why;
	int		 weight;
	enum bot_unit	 unit;
	unsigned	 scores;	/* enum bot_scores */
};
extern const struct bot_row bot_rows[BOT_FEATURES];
/* BOT_FEATURES: no such id. */
enum bot_feature bot_feature_find(const char *id);
const char	*bot_unit_str(enum bot_unit);

enum bot_class {
	WHO_NONE,		/* no User-Agent */
	WHO_UNKNOWN,
	WHO_BROWSER,
	WHO_TOOL,		/* curl, python-requests, ... */
	WHO_SDK,		/* of an LLM API */
	WHO_PREVIEW,		/* link previews, monitors, feed readers */
	WHO_BOT,		/* says so, unknown */
	WHO_MARKETING,
	WHO_SEARCH,		/* crawler of a search engine */
	WHO_AI,			/* crawler or fetcher of an AI company */
	WHO_HEADLESS,
	WHO_SCANNER,
	WHO_CLASSES
};
const char	*bot_class_str(enum bot_class);

/* One row of agents.def: a word of the User-Agent, and what its owner says of it. */
struct bot_agent {
	const char	*token;		/* as it stands in the User-Agent, any case */
	const char	*name;
	enum bot_class	 class;
	const char	*hosts;		/* names of its addresses end in one of these: ".a.example .b.example"; "" unknown */
	const char	*source;	/* where that is documented */
};
extern const struct bot_agent bot_agents[];
extern const size_t bot_n_agents;
/* By name ("Googlebot"), any case; NULL: none. */
const struct bot_agent *bot_agent_find(const char *name);

enum bot_proof {
	PROOF_NOT_ASKED,	/* the User-Agent claims nothing that can be proved */
	PROOF_NONE,		/* nothing to prove it by: no names documented, no list loaded, lookup failed */
	PROOF_PENDING,
	PROOF_TRUE,
	PROOF_FALSE,
};
const char	*bot_proof_str(enum bot_proof);

enum bot_browser { BROWSER_NONE, BROWSER_CHROMIUM, BROWSER_FIREFOX, BROWSER_SAFARI, BROWSER_OTHER };
enum bot_system { SYSTEM_UNKNOWN, SYSTEM_WINDOWS, SYSTEM_MAC, SYSTEM_LINUX, SYSTEM_ANDROID, SYSTEM_IOS, SYSTEM_CROS };

/* The User-Agent, read. */
struct bot_who {
	enum bot_class	 class;
	const struct bot_agent *agent;		/* NULL: no known one */
	enum bot_browser browser;
	enum bot_system	 system;
	unsigned	 major;			/* of the browser; 0 unknown */
	bool		 full_version;		/* "Chrome/120.0.6099.71" */
	bool		 webview, electron;
};

struct bot_weighted {		/* operator's lists */
	char		 country[3];
	uint32_t	 asn;
	int		 weight;
};

/* How bot_new() builds; all borrowed, and only during the call. */
struct bot_options {
	int		 weights[BOT_FEATURES];	/* bot_defaults() fills in the table's */
	unsigned	 rate;			/* requests a minute */
	char		*const *api_paths;
	size_t		 n_api_paths;
	const struct bot_weighted *countries, *asns;
	size_t		 n_countries, n_asns;
};
void		 bot_defaults(struct bot_options *);

struct bot;
struct bot	*bot_new(const struct bot_options *);	/* NULL: out of memory */
void		 bot_free(struct bot **);

struct bot_input {
	const struct req_view	*req;
	const char		*ja4;		/* "" unknown */
	const char		*country;
	uint32_t		 asn;
	bool			 waf_ran;
	int			 waf_score;
	struct behave_view	 behave;
	int			 intel;		/* confidence in percent that the address is bad; 0: in no set */
	int			 intel_site;	/* the same of the site in Referer or Origin */
	/* Does the address prove this agent?  NULL: nothing can be proved.  Must not block. */
	enum bot_proof		 (*prove)(void *arg, const struct bot_agent *, const char *ip);
	void			*prove_arg;
};

struct bot_hit {
	uint16_t	 feature;
	int16_t		 points;
};

struct bot_report {
	int		 bot, threat;		/* 0..100 */
	struct bot_who	 who;
	enum verdict_kind kind;
	enum bot_proof	 proof;
	const char	*tls;			/* whose fingerprint it is, as far as known; "" unknown */
	size_t		 n_hits;
	struct bot_hit	 hits[BOT_FEATURES];
};

void		 bot_judge(struct bot_report *, const struct bot *, const struct bot_input *);

/* --- parts, for tests and explain --------------------------------------------------------------- */

struct literals;

void		 bot_who_read(struct bot_who *, const struct literals *words, struct span ua);
struct literals	*bot_who_words(void);		/* NULL: out of memory */

enum bot_tls { TLS_BY_UNKNOWN, TLS_BY_LIBRARY, TLS_BY_CHROMIUM, TLS_BY_FIREFOX };
/* The part of a JA4 that identifies its sender best: the digest of the cipher suites. */
struct bot_ja4 {
	bool		 known;			/* false: "" or not of this form */
	bool		 quic, sni;
	unsigned	 version;		/* 13 is TLS 1.3 */
	unsigned	 ciphers, extensions;
	char		 alpn[3];
	enum bot_tls	 by;
	const char	*client;		/* what sent it when it was observed; "" */
};
void		 bot_ja4_read(struct bot_ja4 *, const char *ja4);

/* A word of 20 bytes and more whose bytes are as mixed as chance would mix them. */
bool		 bot_path_random(struct span path);
#endif
