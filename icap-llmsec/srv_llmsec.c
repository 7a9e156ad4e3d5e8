/* SPDX-License-Identifier: MIT */
/*
 * srv_llmsec: the c-icap service (c-icap 0.5.10, RFC 3507).  Preview is 0 (headers only): with a larger one Squid
 * fills the preview before it sends it, which stalls event streams.  Directive: "llmsec.Config FILE".
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "icap-llmsec/icap_tr.h"
#include "lib/diag.h"
#include "lib/log.h"

#define SRV_BACKLOG	(512 * 1024)	/* out queue over which no more input is taken */

static char *config_path = (char *)(uintptr_t)"/etc/llmsec/icap.yaml";
/*
 * The last good configuration; NULL: there was none since the start, everything is refused.  c-icap
 * reconfigures by closing its services, unloading and loading them again, and forking new children, all in
 * a master that serves nobody.  The module is linked not to be unloaded, and this outlives srv_close(), so
 * that a broken file at a reload changes nothing.
 */
static struct icap_policy *policy;
/* Shared by all children, older and newer than a reload: mapped once, in the master. */
static struct convo_table *convos;

/*
 * Loads so far, shared by master and children.  c-icap 0.5.10 forgets a child that it forked just before a
 * reload: nobody tells it to go, it would serve the old configuration for ever, and every later reload would
 * wait for it.  So a child that is behind ends itself when it has nothing in flight.
 */
static _Atomic unsigned *loads;
static unsigned loads_seen;	/* as of the fork */
static _Atomic unsigned in_flight;

static struct ci_conf_entry conf_table[] = {
	{"Config", &config_path, ci_cfg_set_str, NULL},
	{NULL, NULL, NULL, NULL}
};

static int
srv_init(ci_service_xdata_t *x, struct ci_server_conf *c)
{
	(void)c;
	ci_service_set_preview(x, 0);
	ci_service_enable_204(x);
	ci_service_set_transfer_preview(x, "*");
	ci_service_set_istag(x, "LLMSEC-" PACKAGE_VERSION);
	ci_service_set_xopts(x, CI_XCLIENTIP);
	return CI_OK;
}

/* Before children are forked.  Said aloud, because people's texts go to a disk. */
static void
srv_shadow(struct icap_policy *p)
{
	const struct shadow_conf *c = &p->shadow_log;
	const struct keyring *kr = p->edge_keyring != NULL ? p->edge_keyring : p->tx_keyring;
	size_t n = 0;
	const uint8_t *key = kr != NULL ? keyring_key(kr, NULL, &n) : NULL;
	int rc = shadow_new(&p->shadow, c, key, n, tr_shadow_told, p);

	if (p->shadow != NULL)
		log_warnx("SHADOW LOG IS ON: texts of requests are written to %s, masked, for at most %lld h (%zu routes, %zu keys, %d of 10000 "
		    "harmless ones)", c->dir, (long long)c->max_age / 3600000, c->routes.n, c->keys.n, c->sample);
	if (rc == 0 && p->shadow != NULL)
		rc = shadow_clean(p->shadow);
	if (rc < 0)
		log_warnx("shadow log: %s: %s", c->dir, rc == -EPERM ? "not a folder of this user alone (mode 0700)" : strerror(-rc));
}

/* A good file takes the old one's place; a broken one leaves what there is. */
static int
srv_load(void)
{
	struct icap_policy *fresh = NULL;
	struct diag *d = diag_new();
	int rc = d != NULL ? icap_policy_load(&fresh, config_path, d) : -ENOMEM;

	if (d != NULL)
		diag_print(d, stderr);
	diag_free(&d);
	if (rc == 0) {
		if (convos == NULL && convo_table_new(&convos, (size_t)fresh->trajectory.memory) < 0)
			log_warnx("no memory of conversations: every turn will be judged anew");
		fresh->convo = convos;
		srv_shadow(fresh);
		icap_policy_free(&policy);
		policy = fresh;
	} else if (policy != NULL)
		log_err("%s: broken or missing: the configuration loaded before stays in force", config_path);
	else
		log_err("%s: broken or missing: every request will be refused until it is repaired", config_path);
	return rc;
}

static void
srv_count_load(void)
{
	void *m;

	if (loads == NULL) {
		m = mmap(NULL, sizeof(*loads), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (m == MAP_FAILED) {
			log_warn("cannot map a shared page");
			return;
		}
		loads = m;
	}
	loads_seen = atomic_fetch_add(loads, 1) + 1;
}

/* c-icap's handler ends a child gracefully if the master told it to go, at once if not. */
static void
srv_leave_if_behind(void)
{
	if (loads != NULL && atomic_load(loads) != loads_seen)
		kill(getpid(), SIGTERM);
}

/* The whole of c-icap's configuration has been read only now. */
static int
srv_post_init(ci_service_xdata_t *x, struct ci_server_conf *c)
{
	int level, rc;

	(void)c;
	log_init("srv_llmsec", LOG_DEST_STDERR, LOG_INFO);
	rc = srv_load();
	srv_count_load();
	if (policy == NULL)
		return CI_OK;	/* CI_ERROR: c-icap would say 500, and the client learn nothing */
	level = log_level_parse(policy->log_level);
	log_set_level(level >= 0 ? level : LOG_INFO);
	ci_service_set_max_connections(x, policy->max_connections);
	tr_globals_open(policy);
	if (tr_counters != NULL)
		counters_set(tr_counters, CTR_CONFIG_CURRENT, rc == 0);
	return CI_OK;
}

static void
srv_close(void)
{
	tr_arena_drop();
	if (policy != NULL)
		shadow_stop(policy->shadow);	/* it counts, and may have an event to tell */
	tr_globals_close();	/* but the policy stays, see there */
}

static void *
srv_new(ci_request_t *req)
{
	struct tr *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->req = req;
	t->pol = policy;
	t->t0 = tr_now_us();
	t->egress = strstr(req->args, "profile=egress") != NULL;
	t->arena = tr_arena_get(policy ? (size_t)policy->max_request * 20 : 0);
	if (t->arena == NULL) {
		free(t);
		return NULL;
	}
	atomic_fetch_add(&in_flight, 1);
	return t;
}

static void
srv_free(void *v)
{
	struct tr *t = v;

	if (t == NULL)
		return;
	inspect_resp_free(&t->resp);
	content_free(&t->content);
	tr_arena_put(t->arena);
	buf_free(&t->in);
	buf_free(&t->out);
	free(t);
	if (atomic_fetch_sub(&in_flight, 1) == 1)
		srv_leave_if_behind();
}

static int
srv_headers(char *data, int n, ci_request_t *req)
{
	struct tr *t = ci_service_data(req);
	struct refusal broken = {.status = 503, .code = "misconfigured", .retry_after_s = 5,
	    .message = "The inspection service has no valid configuration."};

	(void)data;
	(void)n;
	if (t == NULL)
		return CI_ERROR;
	tr_identify(t);
	if (t->pol == NULL) {
		broken.request_id = t->request_id;
		tr_refuse(t, &broken);
		return CI_MOD_CONTINUE;
	}
	if (t->egress)
		return egress_headers(t);
	return req->type == ICAP_REQMOD ? reqmod_headers(t) : respmod_headers(t);
}

static int
srv_end(ci_request_t *req)
{
	struct tr *t = ci_service_data(req);

	t->eof = true;
	if (t->egress && t->pol != NULL)
		return egress_end(t);
	return req->type == ICAP_REQMOD ? reqmod_end(t) : respmod_end(t);
}

/* False: nothing was taken, c-icap will bring it again. */
static bool
srv_take(struct tr *t, const char *p, int *n)
{
	switch (t->state) {
	case TR_COLLECT:
		buf_add(&t->in, p, (size_t)*n);	/* errors stick and become 413 */
		break;
	case TR_STREAM:
		if (t->unlocked && buf_len(inspect_resp_out(t->resp)) > SRV_BACKLOG) {
			*n = 0;		/* the client is slow: leave it in the kernel */
			return false;
		}
		respmod_feed(t, p, (size_t)*n);
		break;
	case TR_CONTENT:
		if (t->unlocked && buf_len(&t->out) > SRV_BACKLOG) {
			*n = 0;
			return false;
		}
		egress_feed(t, p, (size_t)*n);
		break;
	case TR_SEND:
		break;
	}
	return true;
}

static int
srv_io(char *w, int *wl, char *r, int *rl, int iseof, ci_request_t *req)
{
	struct tr *t = ci_service_data(req);
	struct buf *out;
	size_t n;
	bool last, took = true;

	if (r != NULL && rl != NULL && *rl > 0)
		took = srv_take(t, r, rl);
	if (iseof && took && !t->eof) {	/* "eof" comes with the last bytes, not after them */
		t->eof = true;
		if (t->state == TR_STREAM)
			respmod_end(t);
		else if (t->state == TR_CONTENT && t->unlocked)
			egress_end(t);
	}
	if (t->broken)
		return CI_ERROR;
	if (w == NULL || wl == NULL)
		return CI_OK;
	out = t->state == TR_STREAM ? inspect_resp_out(t->resp) : &t->out;
	n = buf_len(out);
	if (t->state == TR_CONTENT && !t->collected)
		n -= n < t->keep ? n : t->keep;
	last = t->state == TR_SEND || (t->state == TR_CONTENT && t->collected) || (t->state == TR_STREAM && (t->collected || inspect_resp_done(t->resp)));
	if (n == 0 || t->state == TR_COLLECT) {
		*wl = last ? CI_EOF : 0;	/* 0: nothing now */
		return CI_OK;
	}
	if (n > (size_t)*wl)
		n = (size_t)*wl;
	memcpy(w, buf_ptr(out), n);
	buf_consume(out, n);
	*wl = (int)n;
	return CI_OK;
}

CI_DECLARE_MOD_DATA ci_service_module_t service = {
	"llmsec",
	"LLM prompt and response inspection",
	ICAP_REQMOD | ICAP_RESPMOD,
	srv_init,
	srv_post_init,
	srv_close,
	srv_new,
	srv_free,
	srv_headers,
	srv_end,
	srv_io,
	conf_table,
	NULL
};
