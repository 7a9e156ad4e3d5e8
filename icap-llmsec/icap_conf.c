/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "icap-llmsec/icap_conf.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"

#define EDGE_KEYS	"/etc/llmsec/edge.keys"

static const struct conf_enum fail_names[] = {{"closed", FAIL_CLOSED}, {"open", FAIL_OPEN}, {NULL, 0}};
static const struct conf_enum coding_names[] = {{"decode", CODING_DECODE}, {"refuse", CODING_REFUSE}, {NULL, 0}};
static const struct conf_enum unknown_names[] = {{"refuse", UNKNOWN_REFUSE}, {"pass", UNKNOWN_PASS}, {NULL, 0}};
static const struct conf_enum inj_names[] = {{"off", DETECT_OFF}, {"monitor", DETECT_MONITOR},
	{"block", DETECT_BLOCK}, {NULL, 0}};

static const struct conf_opt events_opts[] = {
	CONF_STR(struct icap_events, socket, "/run/llmsec/events.sock", "path", "llmsecd's event socket"),
	CONF_STR(struct icap_events, spool_dir, "/var/lib/llmsec/spool", "path", "events wait here while llmsecd is away"),
	CONF_END
};

static const struct conf_enum level_names[] = {{"strict", DETECT_STRICT}, {"balanced", DETECT_BALANCED}, {"sensitive", DETECT_SENSITIVE},
	{NULL, 0}};
static const struct conf_enum own_inj_names[] = {{"inherit", -1}, {"off", DETECT_OFF}, {"monitor", DETECT_MONITOR}, {"block", DETECT_BLOCK},
	{NULL, 0}};
static const struct conf_enum own_pii_names[] = {{"inherit", -1}, {"off", DETECT_OFF}, {"monitor", DETECT_MONITOR}, {"mask", DETECT_MASK},
	{NULL, 0}};
static const struct conf_enum own_level_names[] = {{"inherit", -1}, {"strict", DETECT_STRICT}, {"balanced", DETECT_BALANCED},
	{"sensitive", DETECT_SENSITIVE}, {NULL, 0}};

static const struct conf_opt injection_opts[] = {
	CONF_STR(struct icap_injection, pack, LLMSEC_DATADIR "/rules", "path", "rule packs, llmsec-rules(5): a file, or a directory of them; \"\": none"),
	CONF_STR(struct icap_injection, local_pack, "\"\"", "path", "the operator's own rules and topics; \"\": none"),
	CONF_STR(struct icap_injection, model, LLMSEC_DATADIR "/model/prompt.model", "path", "the learned model; \"\": none"),
	CONF_ENUM(struct icap_injection, user, inj_names, "block", "new user turns"),
	CONF_ENUM(struct icap_injection, tool, inj_names, "block", "tool results"),
	CONF_ENUM(struct icap_injection, file, inj_names, "block", "documents and files"),
	CONF_ENUM(struct icap_injection, assistant, inj_names, "block", "turns of the assistant that were not seen to come from a model"),
	CONF_ENUM(struct icap_injection, system, inj_names, "off", "system and developer prompts"),
	CONF_ENUM(struct icap_injection, definitions, inj_names, "off", "descriptions of tools"),
	CONF_ENUM(struct icap_injection, level, level_names, "balanced", "of benign texts flagged: 0.2, 0.5 or 1 in 100"),
	CONF_END
};

#define OWN(f, h) CONF_ENUM(struct icap_exception, f, own_inj_names, "inherit", h)
static const struct conf_opt exception_opts[] = {
	CONF_STR(struct icap_exception, name, NULL, "", "what it is for"),
	CONF_STRS(struct icap_exception, routes, "patterns of the path, fnmatch(3); none: every route"),
	CONF_STRS(struct icap_exception, keys, "digests of API keys, as events show them; none: every key"),
	OWN(user, "new user turns"),
	OWN(tool, "tool results"),
	OWN(file, "documents and files"),
	OWN(assistant, "turns of the assistant"),
	OWN(system, "system and developer prompts"),
	OWN(definitions, "descriptions of tools"),
	CONF_ENUM(struct icap_exception, level, own_level_names, "inherit", "of benign texts flagged"),
	CONF_ENUM(struct icap_exception, pii, own_pii_names, "inherit", "the most that is done about personal data and secrets"),
	CONF_MAP(struct icap_exception, attachments, attach_own_opts, "files, pictures, sound"),
	CONF_END
};
#undef OWN

const struct conf_opt icap_conf_opts[] = {
	CONF_STR(struct icap_policy, log_level, "info", "", "err, warning, notice, info or debug"),
	CONF_STR(struct icap_policy, node, "\"\"", "", "name of this node in events; empty: hostname"),
	CONF_STR(struct icap_policy, run_dir, "/run/llmsec", "path", "sockets"),
	CONF_STR(struct icap_policy, counters_dir, "/run/llmsec/counters", "path", "shared counters; \"\": none"),
	CONF_MAP(struct icap_policy, events, events_opts, "where events go"),
	CONF_STR(struct icap_policy, edge_keys, EDGE_KEYS, "path",
	    "keyring of the X-Edge99 signature; \"\": none; this one need not exist where require_edge is false"),
	CONF_STR(struct icap_policy, tx_keys, "/etc/llmsec/tx.keys", "path", "keyring that seals X-LLMSec-Tx; \"\": no unmasking"),
	CONF_BOOL(struct icap_policy, require_edge, "true", "refuse requests without a valid X-Edge99-Signature"),
	CONF_DURATION(struct icap_policy, edge_max_age, 1000, 3600000, "60s", "age at which a signature is stale"),
	CONF_ENUM(struct icap_policy, fail, fail_names, "closed", "a request that cannot be judged is refused, or passes"),
	CONF_ENUM(struct icap_policy, coding, coding_names, "decode", "compressed bodies are decoded for inspection, or refused"),
	CONF_ENUM(struct icap_policy, unknown_route, unknown_names, "refuse", "unknown operations below an LLM prefix"),
	CONF_ENUM(struct icap_policy, files, unknown_names, "pass", "uploads: refused, or inspected as attachments"),
	CONF_SIZE(struct icap_policy, max_request, 1024, 1 << 30, "32M", "largest request body, decoded"),
	CONF_SIZE(struct icap_policy, max_response, 1024, 1 << 30, "64M", "largest JSON response body, decoded"),
	CONF_SIZE(struct icap_policy, hold_max, 0, 60 << 10, "56k", "of a JSON response held before its headers go out"),
	CONF_SIZE(struct icap_policy, stream_window, 64, 1 << 20, "4k", "text of a stream held back at most"),
	CONF_INT(struct icap_policy, depth, 4, 1000, "128", "levels", "JSON nesting"),
	CONF_INT(struct icap_policy, max_connections, 1, 100000, "190", "", "ICAP connections announced to Squid"),
	CONF_MAP(struct icap_policy, injection, injection_opts, "prompt injection"),
	CONF_MAP(struct icap_policy, pii, pii_conf_opts, "personal data"),
	CONF_MAP(struct icap_policy, secrets, secret_conf_opts, "keys, tokens, passwords"),
	CONF_MAP(struct icap_policy, attachments, attach_conf_opts, "files, pictures, sound in requests"),
	CONF_MAP(struct icap_policy, responses, resp_conf_opts, "the model's answers"),
	CONF_MAP(struct icap_policy, content, content_conf_opts, "what passes the forward proxy (profile egress)"),
	CONF_MAP(struct icap_policy, trajectory, traj_conf_opts, "conversations and who holds them"),
	{ .name = "shadow", .type = CONF_T_MAP, .offset = offsetof(struct icap_policy, shadow_log), .unit = "", .sub = shadow_conf_opts,
	    .help = "texts kept for the trainer" },
	CONF_BOOL(struct icap_policy, overhead_header, "true", "X-LLMSec-Overhead-Us: microseconds of judging, on answers"),
	CONF_SEQ(struct icap_policy, exceptions, n_exceptions, exception_opts, struct icap_exception, "other settings for some routes or keys"),
	CONF_END
};

static enum detect_mode
own(int mode, enum detect_mode general)
{
	return mode < 0 ? general : (enum detect_mode)mode;
}

static void
policy_modes(struct icap_policy *p)
{
	const struct icap_injection *i = &p->injection;

	p->modes = (struct detect_modes){(enum detect_mode)i->user, (enum detect_mode)i->tool, (enum detect_mode)i->file,
	    (enum detect_mode)i->assistant, (enum detect_mode)i->system, (enum detect_mode)i->definitions, (enum detect_level)i->level};
	for (size_t k = 0; k < p->n_exceptions; k++) {
		struct icap_exception *e = &p->exceptions[k];

		e->modes = (struct detect_modes){own(e->user, p->modes.user), own(e->tool, p->modes.tool), own(e->file, p->modes.file),
		    own(e->assistant, p->modes.assistant), own(e->system, p->modes.system), own(e->definitions, p->modes.definitions),
		    e->level < 0 ? p->modes.level : (enum detect_level)e->level};
		attach_modes_merge(&e->files, &e->attachments, &p->attachments.modes);
	}
}

static bool
listed(const struct conf_strs *l, const char *s, bool pattern)
{
	for (size_t i = 0; i < l->n; i++)
		if (pattern ? fnmatch(l->v[i], s, 0) == 0 : strcmp(l->v[i], s) == 0)
			return true;
	return l->n == 0;
}

const struct icap_exception *
icap_policy_exception(const struct icap_policy *p, const char *path, const char *key)
{
	for (size_t i = 0; i < p->n_exceptions; i++)
		if (listed(&p->exceptions[i].routes, path, true) && listed(&p->exceptions[i].keys, key, false))
			return &p->exceptions[i];
	return NULL;
}

static int
policy_detectors(struct icap_policy *p, struct diag *d)
{
	struct detect_conf dc = {.injection_pack = p->injection.pack, .operator_pack = p->injection.local_pack, .model = p->injection.model,
	    .pii = &p->pii, .secrets = &p->secrets};

	policy_modes(p);
	return detectors_load(&p->detectors, &dc, d);
}

static int
policy_keys(struct icap_policy *p, const char *path, struct diag *d)
{
	bool named = strcmp(p->edge_keys, EDGE_KEYS) != 0;
	int rc = 0;

	/* Where nobody must sign, the keyring that nobody named need not be there; one that was named, or is there, is read. */
	if (p->edge_keys[0] != '\0' && (p->require_edge || named || access(p->edge_keys, F_OK) == 0))
		rc = keyring_load(&p->edge_keyring, p->edge_keys, d);
	if (rc == 0 && p->tx_keys[0] != '\0')
		rc = keyring_load(&p->tx_keyring, p->tx_keys, d);
	if (rc == 0 && p->require_edge && p->edge_keyring == NULL) {
		diag_error(d, path, 0, 0, "require_edge needs edge_keys");
		rc = -EINVAL;
	}
	if (rc == 0 && p->pii.unmask && p->tx_keyring == NULL &&
	    (pii_conf_most(&p->pii) >= DETECT_MASK || secret_conf_most(&p->secrets) >= DETECT_MASK)) {
		diag_error(d, path, 0, 0, "pii.unmask needs tx_keys");
		rc = -EINVAL;
	}
	return rc;
}

static int
policy_load(struct icap_policy **out, const char *path, bool keys, struct diag *d)
{
	struct icap_policy *p = calloc(1, sizeof(*p));
	int rc;

	*out = NULL;
	if (p == NULL)
		return -ENOMEM;
	rc = conf_load(path, icap_conf_opts, p, &p->mem, d);
	if (rc == 0)
		rc = policy_detectors(p, d);
	if (rc == 0)
		rc = content_conf_compile(&p->content, path, d);
	if (rc == 0)
		rc = shadow_conf_check(&p->shadow_log, path, d);
	if (rc == 0 && keys)
		rc = policy_keys(p, path, d);
	if (rc < 0)
		icap_policy_free(&p);
	*out = p;
	return rc;
}

int
icap_policy_load(struct icap_policy **out, const char *path, struct diag *d)
{
	return policy_load(out, path, true, d);
}

int
icap_policy_load_keyless(struct icap_policy **out, const char *path, struct diag *d)
{
	return policy_load(out, path, false, d);
}

void
icap_policy_free(struct icap_policy **pp)
{
	struct icap_policy *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	shadow_free(&p->shadow);	/* its thread still reads the rest */
	detectors_free(&p->detectors);
	content_conf_free(&p->content);
	keyring_free(&p->edge_keyring);
	keyring_free(&p->tx_keyring);
	conf_mem_free(&p->mem);
	free(p);
}
