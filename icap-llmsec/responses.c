/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/exfil.h"
#include "icap-llmsec/leak.h"
#include "icap-llmsec/responses.h"

static const struct conf_enum tell_names[] = {{"off", DETECT_OFF}, {"monitor", DETECT_MONITOR},
	{"block", DETECT_BLOCK}, {NULL, 0}};
static const struct conf_enum mode_names[] = {{"off", DETECT_OFF}, {"monitor", DETECT_MONITOR},
	{"mask", DETECT_MASK}, {"block", DETECT_BLOCK}, {NULL, 0}};

const struct conf_opt resp_conf_opts[] = {
	CONF_ENUM(struct resp_conf, leak, tell_names, "monitor", "parts of the system prompt in the answer"),
	CONF_ENUM(struct resp_conf, leak_strong, tell_names, "block", "most of the system prompt, or of its beginning"),
	CONF_ENUM(struct resp_conf, canary, tell_names, "off", "plant a mark in the system prompt, and this when it is answered"),
	CONF_DURATION(struct resp_conf, canary_rotate, 60000, INT64_C(31622400000), "1d", "a new mark this often"),
	CONF_ENUM(struct resp_conf, exfil, mode_names, "mask", "images and the like that carry data to unknown hosts"),
	CONF_ENUM(struct resp_conf, exfil_links, mode_names, "monitor", "links that do"),
	CONF_ENUM(struct resp_conf, exfil_tools, tell_names, "monitor", "URLs in arguments of tool calls that do"),
	CONF_ENUM(struct resp_conf, hidden, mode_names, "mask", "characters nobody sees"),
	CONF_ENUM(struct resp_conf, active_html, mode_names, "monitor", "scripts, frames, forms, handlers outside of code"),
	CONF_STRS(struct resp_conf, allow_hosts, "hosts that may get anything; \".example.org\": with all below it"),
	CONF_END
};

/* The system message that gets the canary: the first; what follows it can't push it out of sight. */
static const struct span *
system_span(const struct spans *ss)
{
	for (size_t i = 0; i < ss->n; i++) {
		const struct span *s = &ss->v[i];

		if ((s->role == ROLE_SYSTEM || s->role == ROLE_DEVELOPER) && s->prov != PROV_TOOL_DEFINITION &&
		    s->len > 0)
			return s;
	}
	return NULL;
}

static int
plant(const struct span *s, const char *canary, struct arena *a, struct edit *e)
{
	e->text = arena_printf(a, "%.*s\n\n(Internal reference of this conversation, without a meaning: "
	    "%.5s-%.5s-%.5s-%.5s. It is never part of an answer.)", (int)s->len, s->text, canary, canary + 5,
	    canary + 10, canary + 15);
	if (e->text == NULL)
		return -ENOMEM;
	e->start = s->start;
	e->end = s->end;
	e->len = strlen(e->text);
	return 0;
}

static int
prepare_canary(const struct resp_conf *c, const struct keyring *secret, const char *tenant, time_t now,
    const struct spans *ss, struct arena *a, struct resp_sketch *sk, struct edit *e)
{
	const struct span *s = system_span(ss);
	int64_t every = c->canary_rotate > 0 ? c->canary_rotate : 86400000;

	if (c->canary == DETECT_OFF || secret == NULL || s == NULL || s->len > 1 << 20 ||
	    memchr(s->text, '\0', s->len) != NULL ||
	    canary_make(sk->canary, secret, tenant, (int64_t)now * 1000 / every) != 0)
		return 0;
	return plant(s, sk->canary, a, e);
}

int
resp_prepare(const struct resp_conf *c, const struct keyring *secret, const char *tenant, time_t now,
    const struct spans *ss, struct arena *a, struct resp_sketch **out, struct edit *edit)
{
	struct resp_sketch *sk = calloc(1, sizeof(*sk));
	int e = 0;

	*out = NULL;
	memset(edit, 0, sizeof(*edit));
	if (sk == NULL || RAND_bytes((unsigned char *)&sk->key, sizeof(sk->key)) != 1) {
		free(sk);
		return -ENOMEM;
	}
	if (c->leak != DETECT_OFF || c->leak_strong != DETECT_OFF)
		e = leak_sketch(sk, ss, a);
	if (e == 0)
		e = prepare_canary(c, secret, tenant, now, ss, a, sk, edit);
	if (e == 0 && (c->exfil != DETECT_OFF || c->exfil_links != DETECT_OFF || c->exfil_tools != DETECT_OFF))
		exfil_sketch(sk, ss);
	if (e != 0 || (sk->n == 0 && !sk->has_urls && sk->canary[0] == '\0'))
		free(sk);
	else
		*out = sk;
	return e;
}
