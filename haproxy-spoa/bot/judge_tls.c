/* SPDX-License-Identifier: MIT */
/* The TLS handshake against what the User-Agent claims. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "haproxy-spoa/bot/judge_private.h"

/* Safari, with its 3DES, has 20; Chromium 15; Firefox 16 or 17. */
#define BROWSER_CIPHERS_MAX	23

static bool
other_family(const struct judge_job *j)
{
	switch (j->out->who.browser) {
	case BROWSER_CHROMIUM:
		return j->ja4.by != TLS_BY_CHROMIUM;
	case BROWSER_FIREFOX:
		return j->ja4.by != TLS_BY_FIREFOX;
	case BROWSER_SAFARI:	/* its own list was never caught here: only the others' tell something */
		return j->ja4.by == TLS_BY_CHROMIUM || j->ja4.by == TLS_BY_FIREFOX;
	default:
		return false;
	}
}

static bool
is_name(struct span host)
{
	for (size_t i = 0; i < host.n; i++)
		if ((host.p[i] | 32) >= 'a' && (host.p[i] | 32) <= 'z')
			return memchr(host.p, '[', host.n) == NULL;
	return false;
}

/* QUIC's hellos offer nothing but the three suites of TLS 1.3, so their digest says nothing. */
static void
family_judge(struct judge_job *j)
{
	bool library = j->ja4.by == TLS_BY_LIBRARY, many = j->ja4.ciphers > BROWSER_CIPHERS_MAX;
	bool other = j->modern && other_family(j);

	if (j->ja4.quic || !j->browser)
		return;
	judge_if(j, BOT_TLS_LIBRARY, library);
	judge_if(j, BOT_TLS_CIPHERS, !library && many);
	judge_if(j, BOT_TLS_FAMILY, !library && !many && other);
	j->lied |= library || many || other;
}

static void
hello_judge(struct judge_job *j)
{
	judge_if(j, BOT_HELLO_SHORT, span_is((struct span){j->r->hello, strlen(j->r->hello)}, "short"));
	judge_if(j, BOT_HELLO_BAD, j->r->hello[0] == 'm' || j->r->hello[0] == 'n');	/* malformed, not-hello */
	judge_if(j, BOT_HELLO_NONE, j->tls && j->r->hello[0] == '\0' && !j->ja4.known);
}

void
judge_tls(struct judge_job *j)
{
	enum bot_class c = j->out->who.class;

	hello_judge(j);
	if (!j->ja4.known)
		return;
	family_judge(j);
	if (j->modern) {
		judge_if(j, BOT_TLS_OLD, j->ja4.version != 13);
		/* Chromium offers only http/1.1 where it opens a WebSocket. */
		judge_if(j, BOT_TLS_ALPN, !j->websocket && !j->ja4.quic && strcmp(j->ja4.alpn, "h2") != 0);
		judge_if(j, BOT_TLS_H1, !j->websocket && j->http1 && strcmp(j->ja4.alpn, "h2") == 0);
	}
	judge_if(j, BOT_TLS_NO_SNI, j->browser && !j->ja4.sni && is_name(j->h.value[H_HOST]));
	if ((c == WHO_TOOL || c == WHO_SCANNER) && (j->ja4.by == TLS_BY_CHROMIUM || j->ja4.by == TLS_BY_FIREFOX)) {
		judge_fire(j, BOT_TLS_BROWSER, 1, 1);
		j->lied = true;
	}
}
