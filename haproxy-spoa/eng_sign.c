/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "haproxy-spoa/eng_sign.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/spoad_conf.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"

static int
sign_configure(void **state, const struct spoad_conf *c, struct diag *d)
{
	struct keyring *k = NULL;
	int rc = 0;

	if (c->edge_keys[0] != '\0')
		rc = keyring_load(&k, c->edge_keys, d);
	*state = k;
	return rc;
}

static void
val_set(struct edge_vals *vals, enum edge_hdr h, const char *p, size_t n)
{
	vals->v[h] = p;
	vals->len[h] = n;
}

static enum engine_next
sign_run(const void *state, void *thread, const struct req_view *r, struct verdict *v, struct arena *a)
{
	char threat[12], bot[12], *sig;
	struct edge_vals vals = {0};

	if (state == NULL || v->action != VERDICT_ALLOW)
		return ENGINE_CONTINUE;
	sig = arena_alloc(a, EDGE_SIG_MAX);
	if (sig == NULL) {
		verdict_error(v, "memory");
		return ENGINE_STOP;
	}
	val_set(&vals, EDGE_THREAT_SCORE, threat, (size_t)snprintf(threat, sizeof(threat), "%d", v->threat_score));
	val_set(&vals, EDGE_BOT_SCORE, bot, (size_t)snprintf(bot, sizeof(bot), "%d", v->bot_score));
	val_set(&vals, EDGE_JA3, v->ja3, strlen(v->ja3));
	val_set(&vals, EDGE_JA4, v->ja4, strlen(v->ja4));
	val_set(&vals, EDGE_COUNTRY, v->country, strlen(v->country));
	val_set(&vals, EDGE_CLIENT_IP, r->ip, strlen(r->ip));
	val_set(&vals, EDGE_REQUEST_ID, r->request_id.p, r->request_id.n);
	if (edge_sign(sig, state, &vals, v->now) != 0) {
		verdict_error(v, "signature");
		return ENGINE_STOP;
	}
	v->signature = sig;
	return ENGINE_CONTINUE;
}

static void
sign_release(void **state)
{
	struct keyring *k = *state;

	keyring_free(&k);
	*state = NULL;
}

const struct spoad_engine engine_sign = {.name = "sign", .configure = sign_configure,
	.run = sign_run, .release = sign_release};
