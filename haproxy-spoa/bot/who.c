/* SPDX-License-Identifier: MIT */
/* The User-Agent: whose words are in it.  One pass of a literal scan, then numbers behind the words that have some. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/bot/bot.h"
#include "lib/literals.h"

enum word {
	W_CHROME, W_CHROMIUM, W_CRIOS, W_FXIOS, W_EDGIOS, W_FIREFOX, W_SEAMONKEY, W_VERSION, W_SAFARI, W_EDGE_OLD, W_OPERA,
	W_TRIDENT, W_MSIE, W_WINDOWS, W_MAC, W_IPHONE, W_IPAD, W_ANDROID, W_CROS, W_LINUX, W_WEBVIEW, W_ELECTRON,
	W_BOT, W_CRAWL, W_SPIDER, W_SCRAPE, W_CUBOT, W_N
};

/* A word stands where no letter or digit is before it; those marked may stand anywhere. */
static const struct {
	const char	*text;
	bool		 inside;
} words[W_N] = {
	[W_CHROME] = {"chrome/", false}, [W_CHROMIUM] = {"chromium/", false}, [W_CRIOS] = {"crios/", false},
	[W_FXIOS] = {"fxios/", false}, [W_EDGIOS] = {"edgios/", false}, [W_FIREFOX] = {"firefox/", false},
	[W_SEAMONKEY] = {"seamonkey/", false}, [W_VERSION] = {"version/", false}, [W_SAFARI] = {"safari/", false},
	[W_EDGE_OLD] = {"edge/", false}, [W_OPERA] = {"opera/", false}, [W_TRIDENT] = {"trident/", false},
	[W_MSIE] = {"msie ", false}, [W_WINDOWS] = {"windows", false}, [W_MAC] = {"macintosh", false},
	[W_IPHONE] = {"iphone", false}, [W_IPAD] = {"ipad", false}, [W_ANDROID] = {"android", false},
	[W_CROS] = {"cros ", false}, [W_LINUX] = {"linux", false}, [W_WEBVIEW] = {"; wv)", false},
	[W_ELECTRON] = {"electron/", false},
	[W_BOT] = {"bot", true}, [W_CRAWL] = {"crawl", true}, [W_SPIDER] = {"spider", true}, [W_SCRAPE] = {"scrape", true},
	[W_CUBOT] = {"cubot", false},	/* makes telephones */
};

struct literals *
bot_who_words(void)
{
	struct literals *l = literals_new(true);
	const char *t;
	int rc = l != NULL ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < bot_n_agents; i++) {
		t = bot_agents[i].token + (bot_agents[i].token[0] == '=');
		rc = literals_add(l, t, strlen(t), (uint32_t)(W_N + i));
	}
	for (size_t i = 0; rc == 0 && i < W_N; i++)
		rc = literals_add(l, words[i].text, strlen(words[i].text), (uint32_t)i);
	if (rc == 0)
		rc = literals_build(l);
	if (rc != 0 && l != NULL)
		literals_free(&l);
	return l;
}

struct scan {
	struct span	 ua;
	struct bot_who	*who;
	uint32_t	 seen;		/* bit W_* */
	uint16_t	 at[W_N];	/* where the first one ends */
	size_t		 agent;		/* its row; bot_n_agents: none yet */
};

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void
agent_seen(struct scan *s, size_t i, const struct literals_hit *h)
{
	const struct bot_agent *a = &bot_agents[i];

	if (a->token[0] == '=' && (h->start != 0 || h->end != s->ua.n))
		return;
	/* "Foo-curl/1" is not curl. */
	if (h->start > 0 && (is_alnum(s->ua.p[h->start - 1]) || s->ua.p[h->start - 1] == '-'))
		return;
	if (s->agent == bot_n_agents || a->class > bot_agents[s->agent].class ||
	    (a->class == bot_agents[s->agent].class && i < s->agent))
		s->agent = i;
}

static bool
word_seen(void *arg, const struct literals_hit *h)
{
	struct scan *s = arg;

	if (h->id >= W_N) {
		agent_seen(s, h->id - W_N, h);
		return true;
	}
	if (!words[h->id].inside && h->start > 0 && is_alnum(s->ua.p[h->start - 1]))
		return true;
	/* "both", "bottle": the word must end here */
	if (h->id == W_BOT && h->end < s->ua.n && is_alnum(s->ua.p[h->end]) && (s->ua.p[h->end] | 32) != 's')
		return true;
	if ((s->seen & 1u << h->id) == 0 || h->end < s->at[h->id])
		s->at[h->id] = (uint16_t)h->end;
	s->seen |= 1u << h->id;
	return true;
}

static bool
has(const struct scan *s, enum word w)
{
	return (s->seen & 1u << w) != 0;
}

/* The number behind the word; what stands behind that goes to <rest>. */
static unsigned
number_at(const struct scan *s, enum word w, struct span *rest)
{
	size_t i = s->at[w];
	unsigned v = 0;

	for (; i < s->ua.n && s->ua.p[i] >= '0' && s->ua.p[i] <= '9' && v < 100000; i++)
		v = v * 10 + (unsigned)(s->ua.p[i] - '0');
	*rest = (struct span){s->ua.p + i, s->ua.n - i};
	return v;
}

static void
system_read(struct scan *s)
{
	static const struct {
		enum word	 w;
		enum bot_system	 system;
	} order[] = {		/* Android says Linux as well, an iPhone Mac OS X */
		{W_IPHONE, SYSTEM_IOS}, {W_IPAD, SYSTEM_IOS}, {W_ANDROID, SYSTEM_ANDROID}, {W_CROS, SYSTEM_CROS},
		{W_WINDOWS, SYSTEM_WINDOWS}, {W_MAC, SYSTEM_MAC}, {W_LINUX, SYSTEM_LINUX},
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && s->who->system == SYSTEM_UNKNOWN; i++)
		if (has(s, order[i].w))
			s->who->system = order[i].system;
}

/* "120.0.0.0" or "120.0.0.0 Safari": what every Chrome from 101 on says, whatever its version. */
static bool
reduced(struct span rest)
{
	return rest.n < 2 || (span_has_prefix(rest, ".0.0.0") && (rest.n == 6 || rest.p[6] < '0' || rest.p[6] > '9'));
}

/* On iOS every browser is Apple's engine under another name. */
static void
browser_read(struct scan *s)
{
	struct bot_who *w = s->who;
	struct span rest = {"", 0};

	if (has(s, W_CRIOS) || has(s, W_FXIOS) || has(s, W_EDGIOS)) {
		w->browser = BROWSER_SAFARI;
	} else if (has(s, W_TRIDENT) || has(s, W_MSIE) || has(s, W_EDGE_OLD) || has(s, W_OPERA) || has(s, W_SEAMONKEY)) {
		w->browser = BROWSER_OTHER;
	} else if (has(s, W_FIREFOX)) {
		w->browser = BROWSER_FIREFOX;
		w->major = number_at(s, W_FIREFOX, &rest);
	} else if (has(s, W_CHROME) || has(s, W_CHROMIUM)) {
		w->browser = BROWSER_CHROMIUM;
		w->major = number_at(s, has(s, W_CHROME) ? W_CHROME : W_CHROMIUM, &rest);
		w->full_version = !reduced(rest);
	} else if (has(s, W_SAFARI) && has(s, W_VERSION)) {
		w->browser = has(s, W_ANDROID) ? BROWSER_OTHER : BROWSER_SAFARI;
		w->major = number_at(s, W_VERSION, &rest);
	} else if (has(s, W_IPHONE) || has(s, W_IPAD)) {
		w->browser = BROWSER_SAFARI;	/* a web view, which tells no version */
	}
	w->webview = has(s, W_WEBVIEW);
	w->electron = has(s, W_ELECTRON);
}

#define UA_READ	1024	/* what stands behind it is nobody's name */

void
bot_who_read(struct bot_who *w, const struct literals *l, struct span ua)
{
	struct scan s = {.who = w, .ua = {ua.p, ua.n < UA_READ ? ua.n : UA_READ}, .agent = bot_n_agents};

	memset(w, 0, sizeof(*w));
	if (ua.n == 0)
		return;
	literals_each(l, s.ua.p, s.ua.n, word_seen, &s);
	system_read(&s);
	browser_read(&s);
	if (s.agent < bot_n_agents) {
		w->agent = &bot_agents[s.agent];
		w->class = w->agent->class;
	} else if (has(&s, W_CRAWL) || has(&s, W_SPIDER) || has(&s, W_SCRAPE) || (has(&s, W_BOT) && !has(&s, W_CUBOT))) {
		w->class = WHO_BOT;
	} else if (w->browser != BROWSER_NONE && (span_has_prefix(ua, "Mozilla/") || has(&s, W_OPERA))) {
		w->class = WHO_BROWSER;
	} else {
		w->class = WHO_UNKNOWN;
	}
}
