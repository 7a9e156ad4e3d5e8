/* SPDX-License-Identifier: MIT */
/* Headers: which a browser sends, in which order, and what nobody should send. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "haproxy-spoa/bot/judge_private.h"

#define UA_LONG		512
#define HEADERS_MANY	60

/* ---- what a browser sends ----------------------------------------------------------------------- */

/*
 * Seen of Chromium 156 and Firefox 153: User-Agent before Accept, always.  Chromium has Accept-Encoding before
 * Accept-Language, unless a script set the language, which then stands before the User-Agent.  Firefox has them the other
 * way round.  Of Safari nothing was seen here.
 */
static bool
order_wrong(const struct judge_job *j)
{
	const uint16_t *at = j->h.at;
	bool both = head_has(&j->h, H_ACCEPT_LANGUAGE) && head_has(&j->h, H_ACCEPT_ENCODING);
	enum bot_browser b = j->out->who.browser;

	if (b != BROWSER_CHROMIUM && b != BROWSER_FIREFOX)
		return false;
	if (head_has(&j->h, H_ACCEPT) && at[H_ACCEPT] < at[H_USER_AGENT])
		return true;
	if (b == BROWSER_FIREFOX)
		return both && at[H_ACCEPT_ENCODING] < at[H_ACCEPT_LANGUAGE];
	return both && at[H_ACCEPT_LANGUAGE] < at[H_ACCEPT_ENCODING] && at[H_ACCEPT_LANGUAGE] > at[H_USER_AGENT];
}

/* W3C Fetch Metadata Request Headers: the sites there are; and a navigation has no empty destination. */
static bool
fetch_meta_odd(const struct judge_job *j)
{
	static const char *const sites[] = {"none", "same-origin", "same-site", "cross-site"};
	struct span site = j->h.value[H_SEC_FETCH_SITE], dest = j->h.value[H_SEC_FETCH_DEST];
	bool navigates = span_is(j->h.value[H_SEC_FETCH_MODE], "navigate"), known = site.n == 0;

	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++)
		known |= span_is(site, sites[i]);
	return !known || (navigates && span_is(dest, "empty")) || (!navigates && span_is(dest, "document"));
}

static bool
opens_page(const struct judge_job *j)
{
	return j->get && (span_is(j->h.value[H_SEC_FETCH_DEST], "document") || head_has(&j->h, H_UPGRADE_INSECURE));
}

/* The number behind `"Chromium";v=`; 0: none. */
static unsigned
hint_version(struct span hint)
{
	static const char brand[] = "\"Chromium\";v=\"";
	const char *p = memmem(hint.p, hint.n, brand, sizeof(brand) - 1), *end = hint.p + hint.n;
	unsigned v = 0;

	if (p == NULL)
		return 0;
	for (p += sizeof(brand) - 1; p < end && *p >= '0' && *p <= '9' && v < 100000; p++)
		v = v * 10 + (unsigned)(*p - '0');
	return v;
}

static bool
hint_system_differs(struct span platform, enum bot_system system)
{
	static const struct {
		const char	*text;
		enum bot_system	 system;
	} known[] = {
		{"\"Windows\"", SYSTEM_WINDOWS}, {"\"macOS\"", SYSTEM_MAC}, {"\"Linux\"", SYSTEM_LINUX},
		{"\"Android\"", SYSTEM_ANDROID}, {"\"Chrome OS\"", SYSTEM_CROS}, {"\"Chromium OS\"", SYSTEM_CROS},
	};

	if (system == SYSTEM_UNKNOWN)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_is(platform, known[i].text))
			return known[i].system != system;
	return false;
}

/* An Android phone that asks for the desktop's page says Linux in the User-Agent. */
static void
hints_judge(struct judge_job *j)
{
	const struct bot_who *w = &j->out->who;
	struct span hint = j->h.value[H_SEC_CH_UA], platform = j->h.value[H_SEC_CH_UA_PLATFORM];
	unsigned v = hint_version(hint);
	bool desktop_site = w->system == SYSTEM_LINUX && span_is(platform, "\"Android\"");
	bool foreign = w->browser == BROWSER_FIREFOX || w->browser == BROWSER_SAFARI;
	bool differ = w->browser == BROWSER_CHROMIUM && ((v != 0 && v != w->major) ||
	    (!desktop_site && hint_system_differs(platform, w->system)));

	judge_if(j, BOT_NO_HINTS, j->modern && w->browser == BROWSER_CHROMIUM && j->tls && !j->websocket && !w->webview &&
	    !w->electron && !head_has(&j->h, H_SEC_CH_UA));
	judge_if(j, BOT_HINTS_DIFFER, differ);
	judge_if(j, BOT_HINTS_FOREIGN, foreign && head_has(&j->h, H_SEC_CH_UA));
	j->lied |= differ || (foreign && head_has(&j->h, H_SEC_CH_UA));
}

static bool
is_old(const struct bot_who *w)
{
	return w->browser == BROWSER_OTHER || (w->browser == BROWSER_CHROMIUM && w->major < 90) ||
	    (w->browser == BROWSER_FIREFOX && w->major < 78) || (w->browser == BROWSER_SAFARI && w->major > 0 && w->major < 13);
}

static void
browser_judge(struct judge_job *j)
{
	const struct bot_who *w = &j->out->who;
	bool fetch_meta = head_has(&j->h, H_SEC_FETCH_SITE) || head_has(&j->h, H_SEC_FETCH_MODE) ||
	    head_has(&j->h, H_SEC_FETCH_DEST);

	judge_if(j, BOT_UA_OLD, is_old(w));
	judge_if(j, BOT_UA_FULL, w->full_version && w->major >= 110 && !w->webview && !w->electron);
	judge_if(j, BOT_NO_ACCEPT, !j->websocket && !head_has(&j->h, H_ACCEPT));
	judge_if(j, BOT_NO_LANGUAGE, !head_has(&j->h, H_ACCEPT_LANGUAGE));
	judge_if(j, BOT_NO_ENCODING, !head_has(&j->h, H_ACCEPT_ENCODING));
	judge_if(j, BOT_NO_FETCH_META, j->modern && j->tls && !j->websocket && !fetch_meta);
	judge_if(j, BOT_FETCH_META_ODD, fetch_meta && fetch_meta_odd(j));
	hints_judge(j);
	judge_if(j, BOT_NAV_ACCEPT, opens_page(j) && head_has(&j->h, H_ACCEPT) &&
	    !span_contains(j->h.value[H_ACCEPT], "text/html"));
	judge_if(j, BOT_ORDER, order_wrong(j));
}

/* ---- what nobody should send ---------------------------------------------------------------------- */

static bool
ua_odd(struct span ua)
{
	if (ua.n > UA_LONG)
		return true;
	for (size_t i = 0; i < ua.n; i++)
		if ((unsigned char)ua.p[i] < 0x20 || (unsigned char)ua.p[i] > 0x7e)
			return true;
	return false;
}

static void
agent_judge(struct judge_job *j)
{
	struct span ua = j->h.value[H_USER_AGENT];

	judge_if(j, BOT_UA_NONE, ua.n == 0 && !j->api);
	judge_if(j, BOT_UA_NONE_API, ua.n == 0 && j->api);
	judge_if(j, BOT_UA_BARE, j->out->who.class == WHO_UNKNOWN && span_has_prefix(ua, "Mozilla/"));
	judge_if(j, BOT_UA_ODD, ua_odd(ua));
	judge_if(j, BOT_UA_TWICE, (j->h.twice & (uint64_t)1 << H_USER_AGENT) != 0);
}

static bool
is_address(struct span host)
{
	size_t n = host.n;

	for (size_t i = 0; i < n; i++)
		if ((host.p[i] < '0' || host.p[i] > '9') && host.p[i] != '.' && host.p[i] != ':')
			return host.p[0] == '[';
	return n > 0;
}

static struct span
without_port(struct span host)
{
	const char *colon = memrchr(host.p, ':', host.n);

	return colon != NULL ? (struct span){host.p, (size_t)(colon - host.p)} : host;
}

/* HTTP/2 may reuse a connection for every name in the certificate (RFC 9113, 9.1.1). */
static bool
host_not_sni(const struct judge_job *j, struct span host)
{
	struct span name = without_port(host), sni = j->r->sni;

	return j->http1 && sni.n > 0 && host.n > 0 && !is_address(host) &&
	    (name.n != sni.n || strncasecmp(name.p, sni.p, sni.n) != 0);
}

static void
host_judge(struct judge_job *j)
{
	struct span host = j->h.value[H_HOST];

	judge_if(j, BOT_HOST_NONE, host.n == 0);
	judge_if(j, BOT_HOST_TWICE, (j->h.twice & (uint64_t)1 << H_HOST) != 0);
	judge_if(j, BOT_HOST_ADDRESS, !j->api && is_address(host));
	judge_if(j, BOT_HOST_SNI, host_not_sni(j, host));
}

static unsigned
claimed_addresses(const struct head *h)
{
	unsigned n = 0;

	for (int i = H_X_FORWARDED_FOR; i <= H_FORWARDED; i++)
		n += head_has(h, (enum head_name)i);
	return n;
}

static void
message_judge(struct judge_job *j)
{
	static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"};
	bool h2_forbids = head_has(&j->h, H_CONNECTION) || head_has(&j->h, H_PROXY_CONNECTION) ||
	    head_has(&j->h, H_KEEP_ALIVE) || head_has(&j->h, H_TRANSFER_ENCODING);
	bool body = head_has(&j->h, H_TRANSFER_ENCODING) ||
	    (j->h.value[H_CONTENT_LENGTH].n > 0 && !span_is(j->h.value[H_CONTENT_LENGTH], "0"));
	bool known = false;

	for (size_t i = 0; !known && i < sizeof(methods) / sizeof(methods[0]); i++)
		known = span_is(j->r->method, methods[i]);
	judge_if(j, BOT_H2_CONNECTION, !j->http1 && j->r->version.n > 0 && h2_forbids);
	judge_if(j, BOT_CLAIMED_ADDRESS, claimed_addresses(&j->h) >= 2);
	judge_if(j, BOT_EDGE_HEADERS, j->h.edge);
	judge_if(j, BOT_BODY_ON_GET, j->get && body);
	judge_if(j, BOT_MANY_HEADERS, j->r->n_headers > HEADERS_MANY);
	judge_if(j, BOT_HTTP_OLD, j->http1 && !span_is(j->r->version, "1.1"));
	judge_if(j, BOT_METHOD_ODD, !known);
	judge_if(j, BOT_PROXY_TARGET, j->http1 && span_contains((struct span){j->r->uri.p, j->r->uri.n < 9 ? j->r->uri.n : 9},
	    "://"));
}

void
judge_headers(struct judge_job *j)
{
	/* Configurations that send no headers are refused by the guard; here they say nothing. */
	if (j->r->flags & REQ_NO_HDRS_ARG)
		return;
	agent_judge(j);
	if (j->browser)
		browser_judge(j);
	host_judge(j);
	message_judge(j);
}
