/* SPDX-License-Identifier: MIT */
/* What kind of request it is: the facts that the features ask for. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "haproxy-spoa/bot/judge_private.h"

/*
 * From these on a browser has TLS 1.3, HTTP/2, Sec-Fetch-* and, if Chromium, Sec-CH-UA: Chrome 90 (April 2021), Firefox 91
 * (August 2021), Safari 17 (September 2023; 16.4 began with Sec-Fetch-*).
 */
static bool
is_modern(const struct bot_who *w)
{
	return (w->browser == BROWSER_CHROMIUM && w->major >= 90) || (w->browser == BROWSER_FIREFOX && w->major >= 91) ||
	    (w->browser == BROWSER_SAFARI && w->major >= 17);
}

/* Would every server read it the same way?  Only then it may say that this is the API. */
static bool
path_is_plain(struct span p)
{
	for (size_t i = 0; i + 1 < p.n; i++)
		if ((p.p[i] == '/' && (p.p[i + 1] == '/' || p.p[i + 1] == '.')) || p.p[i] == '%' || p.p[i] == '\\')
			return false;
	return true;
}

static bool
is_api(const struct judge_job *j)
{
	struct span p = j->r->path;

	for (size_t i = 0; i < j->b->n_api_paths; i++)
		if (p.n >= j->b->api_paths[i].n && memcmp(p.p, j->b->api_paths[i].p, j->b->api_paths[i].n) == 0)
			return path_is_plain(p);
	return false;
}

/* What pages are made of, by the name of the file. */
static bool
names_asset(struct span path)
{
	static const char *const ends[] = {"css", "js", "mjs", "png", "jpg", "jpeg", "gif", "svg", "ico", "webp", "avif",
		"woff", "woff2", "ttf", "map", "wasm", "mp4", "webmanifest"};
	size_t dot = path.n;

	while (dot > 0 && path.n - dot < 12 && path.p[dot - 1] != '.' && path.p[dot - 1] != '/')
		dot--;
	if (dot == 0 || path.p[dot - 1] != '.')
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (span_is_nocase((struct span){path.p + dot, path.n - dot}, ends[i]))
			return true;
	return false;
}

static bool
dest_is_asset(struct span dest)
{
	static const char *const kinds[] = {"style", "script", "image", "font", "manifest", "audio", "video", "track",
		"worker", "serviceworker", "sharedworker", "audioworklet", "paintworklet"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_is(dest, kinds[i]))
			return true;
	return false;
}

static enum verdict_kind
kind_of(const struct judge_job *j)
{
	struct span dest = j->h.value[H_SEC_FETCH_DEST];

	if (j->api)
		return KIND_API;
	if (!j->get)
		return KIND_OTHER;
	if (dest_is_asset(dest) || names_asset(j->r->path))
		return KIND_ASSET;
	return span_is(dest, "document") || span_is(dest, "iframe") || span_contains(j->h.value[H_ACCEPT], "text/html") ?
	    KIND_PAGE : KIND_OTHER;
}

void
judge_facts(struct judge_job *j)
{
	const struct bot_who *w = &j->out->who;

	j->tls = j->ja4.known || j->r->sni.n > 0 || j->r->hello[0] != '\0';
	j->http1 = span_has_prefix(j->r->version, "1.") || span_has_prefix(j->r->version, "0.");
	j->get = span_is(j->r->method, "GET") || span_is(j->r->method, "HEAD");
	j->api = is_api(j);
	j->websocket = span_is_nocase(j->h.value[H_UPGRADE], "websocket");
	j->browser = w->class == WHO_BROWSER;
	j->modern = j->browser && is_modern(w);
	j->out->kind = kind_of(j);
}
