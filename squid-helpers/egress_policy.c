/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "lib/set_dom.h"
#include "squid-helpers/egress_policy_private.h"

#define FNV_PRIME	1099511628211ULL

static const char *const method_names[] = {
	"CONNECT", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
};
#define METHODS_N	(sizeof(method_names) / sizeof(method_names[0]))

static const struct {
	const char	*token, *builtin;
	int		 severity;
} reasons[EGRESS_REASON_N] = {
	[EGRESS_ALLOWED] = { "allowed", NULL, 0 },
	[EGRESS_NOT_ALLOWED] = { "not_allowed", "egress.default-deny", 4 },
	[EGRESS_DENIED_BY_RULE] = { "denied_by_rule", NULL, 5 },
	[EGRESS_PORT_NOT_ALLOWED] = { "port_not_allowed", NULL, 4 },
	[EGRESS_METHOD_NOT_ALLOWED] = { "method_not_allowed", NULL, 3 },
	[EGRESS_IP_LITERAL] = { "ip_literal", "egress.ip-literal", 6 },
	[EGRESS_METADATA] = { "metadata", "egress.metadata", 9 },
	[EGRESS_BAD_HOST] = { "bad_host", "egress.bad-host", 5 },
	[EGRESS_USERINFO] = { "userinfo", "egress.userinfo", 6 },
	[EGRESS_SNI_MISMATCH] = { "sni_mismatch", "egress.sni-mismatch", 8 },
	[EGRESS_THREAT] = { "threat", "egress.threat-intel", 8 },
	[EGRESS_NO_POLICY] = { "no_policy", "egress.no-policy", 7 },
};

const char *
egress_reason_str(enum egress_reason r)
{
	return reasons[r].token;
}

int
egress_reason_severity(enum egress_reason r)
{
	return reasons[r].severity;
}

uint64_t
egress_policy_hash(uint64_t h, const char *p, size_t n)
{
	while (n > 0)
		h = (h ^ (unsigned char)p[--n]) * FNV_PRIME;
	return h;
}

struct entry *
egress_policy_slot(const struct egress_policy *p, uint64_t hash, const char *name, size_t n)
{
	size_t i = (size_t)(hash ^ hash >> 32) & p->mask;

	while (p->table[i].name != NULL && (p->table[i].hash != hash ||
	    p->table[i].len != n || memcmp(p->table[i].name, name, n) != 0))
		i = (i + 1) & p->mask;
	return &p->table[i];
}

uint32_t
egress_policy_method(const char *p, size_t n)
{
	for (size_t i = 0; i < METHODS_N; i++)
		if (strlen(method_names[i]) == n && memcmp(method_names[i], p, n) == 0)
			return 1U << i;
	return 0;
}

const struct egress_conf *
egress_policy_conf(const struct egress_policy *p)
{
	return &p->conf;
}

size_t
egress_policy_names(const struct egress_policy *p)
{
	return p->n_names;
}

static bool
rule_has_port(const struct rule *r, unsigned port)
{
	for (size_t i = 0; i < r->n_ports; i++)
		if (port >= r->ports[i].lo && port <= r->ports[i].hi)
			return true;
	return false;
}

/* The best answer so far; a rule that names the host but not the port explains a refusal. */
struct match {
	uint32_t		rule;
	uint32_t		near;
	enum egress_reason	near_reason;
};

static void
match_entry(const struct egress_policy *p, const struct entry *e, bool whole,
    const struct egress_request *q, struct match *m)
{
	for (uint32_t i = e->first; i != NONE; i = p->links[i].next) {
		const struct link *l = &p->links[i];
		const struct rule *r = &p->rules[l->rule];
		bool port = rule_has_port(r, q->port);

		if ((!whole && !l->below) || l->rule >= m->rule)
			continue;
		if (port && (r->methods == 0 || (r->methods & egress_policy_method(q->method.p, q->method.n)))) {
			m->rule = l->rule;
		} else if (r->allow && l->rule < m->near) {
			m->near = l->rule;
			m->near_reason = port ? EGRESS_METHOD_NOT_ALLOWED : EGRESS_PORT_NOT_ALLOWED;
		}
	}
}

static void
match_host(const struct egress_policy *p, const struct egress_host *h,
    const struct egress_request *q, struct match *m)
{
	uint64_t hash = FNV_BASIS;
	size_t end = h->len;

	for (size_t i = h->len; i-- > 0; ) {
		const struct entry *e;

		if (i > 0 && h->name[i - 1] != '.')
			continue;
		hash = egress_policy_hash(hash, h->name + i, end - i);
		end = i;
		e = egress_policy_slot(p, hash, h->name + i, h->len - i);
		if (e->name != NULL)
			match_entry(p, e, i == 0, q, m);
	}
}

/* What no rule can change. */
static enum egress_reason
builtin_reason(const struct egress_host *h, const struct egress_request *q)
{
	static const enum egress_reason by_kind[] = {
		[EGRESS_HOST_NAME] = EGRESS_ALLOWED, [EGRESS_HOST_IP] = EGRESS_IP_LITERAL,
		[EGRESS_HOST_METADATA] = EGRESS_METADATA, [EGRESS_HOST_USERINFO] = EGRESS_USERINFO,
		[EGRESS_HOST_BAD] = EGRESS_BAD_HOST,
	};
	struct egress_host sni;

	if (h->kind != EGRESS_HOST_NAME || q->sni.n == 0)
		return by_kind[h->kind];
	egress_host_parse(&sni, q->sni.p, q->sni.n);
	if (sni.kind != EGRESS_HOST_NAME || sni.len != h->len || memcmp(sni.name, h->name, h->len) != 0)
		return EGRESS_SNI_MISMATCH;
	return EGRESS_ALLOWED;
}

static void
verdict_set(struct egress_verdict *v, enum egress_reason reason, const char *rule)
{
	v->allow = reason == EGRESS_ALLOWED;
	v->reason = reason;
	v->rule = rule ? rule : reasons[reason].builtin;
}

void
egress_policy_threats(struct egress_policy *p, const struct set_dom *threats)
{
	p->threats = threats;
}

static enum egress_reason
threat_reason(const struct egress_policy *p, const struct egress_host *h)
{
	const struct egress_conf_threats *t = &p->conf.threats;
	struct set_hit hit;

	if (p->threats == NULL)
		return *t->domains != '\0' && t->required ? EGRESS_NO_POLICY : EGRESS_ALLOWED;
	return set_dom_find(p->threats, h->name, h->len, &hit) && hit.confidence >= t->min_confidence ?
	    EGRESS_THREAT : EGRESS_ALLOWED;
}

void
egress_decide(const struct egress_policy *p, const struct egress_request *q,
    struct egress_verdict *v)
{
	struct match m = { NONE, NONE, EGRESS_NOT_ALLOWED };
	enum egress_reason r;

	egress_host_parse(&v->host, q->host.p, q->host.n);
	r = p == NULL ? EGRESS_NO_POLICY : builtin_reason(&v->host, q);
	if (r == EGRESS_ALLOWED)
		r = threat_reason(p, &v->host);
	if (r != EGRESS_ALLOWED) {
		verdict_set(v, r, NULL);
		return;
	}
	match_host(p, &v->host, q, &m);
	if (m.rule != NONE)
		verdict_set(v, p->rules[m.rule].allow ? EGRESS_ALLOWED : EGRESS_DENIED_BY_RULE,
		    p->rules[m.rule].id);
	else
		verdict_set(v, m.near_reason, m.near != NONE ? p->rules[m.near].id : NULL);
}
