/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "haproxy-spoa/bot/head.h"

static const char *const names[H_N] = {
	[H_HOST] = "host", [H_USER_AGENT] = "user-agent", [H_ACCEPT] = "accept", [H_ACCEPT_LANGUAGE] = "accept-language",
	[H_ACCEPT_ENCODING] = "accept-encoding", [H_SEC_FETCH_SITE] = "sec-fetch-site",
	[H_SEC_FETCH_MODE] = "sec-fetch-mode", [H_SEC_FETCH_DEST] = "sec-fetch-dest", [H_SEC_CH_UA] = "sec-ch-ua",
	[H_SEC_CH_UA_PLATFORM] = "sec-ch-ua-platform", [H_UPGRADE_INSECURE] = "upgrade-insecure-requests",
	[H_UPGRADE] = "upgrade", [H_CONNECTION] = "connection", [H_PROXY_CONNECTION] = "proxy-connection",
	[H_KEEP_ALIVE] = "keep-alive", [H_TRANSFER_ENCODING] = "transfer-encoding",
	[H_CONTENT_LENGTH] = "content-length", [H_X_FORWARDED_FOR] = "x-forwarded-for", [H_X_REAL_IP] = "x-real-ip",
	[H_X_CLIENT_IP] = "x-client-ip", [H_X_REMOTE_IP] = "x-remote-ip", [H_X_REMOTE_ADDR] = "x-remote-addr",
	[H_X_ORIGINATING_IP] = "x-originating-ip", [H_X_CLUSTER_CLIENT_IP] = "x-cluster-client-ip",
	[H_TRUE_CLIENT_IP] = "true-client-ip", [H_CF_CONNECTING_IP] = "cf-connecting-ip", [H_FORWARDED] = "forwarded",
};

/* Length, the letter in the middle and the last one tell the names apart well; case goes by |32. */
static unsigned
name_hash(const char *p, size_t n)
{
	return (unsigned)(n * 7 + (unsigned)(p[n / 2] | 32) * 5 + (unsigned)(p[n - 1] | 32) * 31 + (unsigned)(p[0] | 32) * 3) & 255;
}

void
head_index_build(struct head_index *ix)
{
	unsigned h;

	memset(ix, 0, sizeof(*ix));
	for (unsigned i = 0; i < H_N; i++) {
		h = name_hash(names[i], strlen(names[i]));
		while (ix->slot[h] != 0)
			h = (h + 1) & 255;
		ix->slot[h] = (uint8_t)(i + 1);
	}
}

static int
name_find(const struct head_index *ix, struct span name)
{
	unsigned h;

	if (name.n == 0)
		return -1;
	for (h = name_hash(name.p, name.n); ix->slot[h] != 0; h = (h + 1) & 255)
		if (span_is_nocase(name, names[ix->slot[h] - 1]))
			return ix->slot[h] - 1;
	return -1;
}

/* WSGI and CGI take "_" for "-". */
static bool
is_ours(struct span n)
{
	return n.n > 9 && (n.p[0] | 32) == 'x' && (n.p[1] == '-' || n.p[1] == '_') && (n.p[8] == '-' || n.p[8] == '_') &&
	    (strncasecmp(n.p + 2, "edge99", 6) == 0 || strncasecmp(n.p + 2, "llmsec", 6) == 0);
}

void
head_read(struct head *h, const struct head_index *ix, const struct req_view *r)
{
	memset(h, 0, sizeof(*h));
	for (size_t i = 0; i < H_N; i++)
		h->value[i].p = "";
	for (size_t i = 0; i < r->n_headers; i++) {
		int n = name_find(ix, r->headers[i].name);
		uint64_t bit = (uint64_t)1 << (n < 0 ? 0 : n);

		if (n < 0) {
			h->edge |= is_ours(r->headers[i].name);
		} else if ((h->seen & bit) != 0) {
			h->twice |= bit;
		} else {
			h->seen |= bit;
			h->value[n] = r->headers[i].value;
			h->at[n] = (uint16_t)i;
		}
	}
}
