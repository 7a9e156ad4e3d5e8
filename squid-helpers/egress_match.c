/* SPDX-License-Identifier: MIT */
/* Does a rule fit who asks and what is asked; and who is it. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "squid-helpers/egress_path.h"
#include "squid-helpers/egress_policy_private.h"

#define METHOD_CONNECT	1u	/* the first of method_names */

bool
egress_networks_have(const struct cidr *v, size_t n, const struct cidr *c)
{
	for (size_t i = 0; i < n; i++)
		if (cidr_covers(&v[i], c))
			return true;
	return false;
}

/* --- identities ------------------------------------------------------------------------------ */

static bool
strs_have(const struct conf_strs *s, const struct egress_str *word)
{
	for (size_t i = 0; word->n > 0 && i < s->n; i++)
		if (strlen(s->v[i]) == word->n && memcmp(s->v[i], word->p, word->n) == 0)
			return true;
	return false;
}

static bool
source_read(const struct egress_str *src, struct cidr *c)
{
	struct egress_host h;

	egress_host_parse(&h, src->p, src->n);
	c->len = 128;
	memcpy(c->addr, h.ip, 16);
	return h.kind == EGRESS_HOST_IP;
}

int
egress_policy_identity(const struct egress_policy *p, const struct egress_request *q)
{
	struct cidr src;
	bool known;

	if (p->conf.n_identities == 0)
		return -1;
	for (size_t i = 0; q->as.n > 0 && i < p->conf.n_identities; i++)
		if (strlen(p->conf.identities[i].id) == q->as.n && memcmp(p->conf.identities[i].id, q->as.p, q->as.n) == 0)
			return (int)i;
	known = source_read(&q->src, &src);
	for (size_t i = 0; i < p->conf.n_identities; i++) {
		const struct egress_conf_identity *c = &p->conf.identities[i];

		if ((known && egress_networks_have(p->identities[i].sources, p->identities[i].n_sources, &src)) ||
		    strs_have(&c->users, &q->user) || strs_have(&c->certificates, &q->certificate) ||
		    (known && egress_networks_have(p->hops.v, p->hops.n, &src) && strs_have(&c->labels, &q->label)))
			return (int)i;
	}
	return -1;
}

/* --- rules ----------------------------------------------------------------------------------- */

static bool
rule_has_port(const struct rule *r, unsigned port)
{
	for (size_t i = 0; i < r->n_ports; i++)
		if (port >= r->ports[i].lo && port <= r->ports[i].hi)
			return true;
	return false;
}

/* Of a tunnel there is no path to see: a rule that refuses one waits for what is inside. */
static bool
rule_has_path(const struct rule *r, const struct egress_request *q, uint32_t method)
{
	size_t n = egress_path_len(q->path.p, q->path.n);

	if (r->paths->n == 0)
		return true;
	if (r->allow)
		return egress_path_allowed(r->paths, q->path.p, n);
	return method != METHOD_CONNECT && egress_path_refused(r->paths, q->path.p, n);
}

/* A method nobody knows fits what refuses and nothing that allows. */
static bool
rule_has_method(const struct rule *r, uint32_t method)
{
	return r->methods == 0 || (r->methods & method) != 0 || (method == 0 && !r->allow);
}

static enum egress_reason
rule_fits(const struct rule *r, const struct egress_request *q, const struct match *m)
{
	/* What is inside a tunnel that is opened here is asked about by itself. */
	bool outside = m->method == METHOD_CONNECT && r->bump && r->allow;

	if (r->identities != 0 && !(r->identities & m->who))
		return EGRESS_IDENTITY_NOT_ALLOWED;
	if (!rule_has_port(r, q->port))
		return EGRESS_PORT_NOT_ALLOWED;
	if (!outside && !rule_has_method(r, m->method))
		return EGRESS_METHOD_NOT_ALLOWED;
	return outside || rule_has_path(r, q, m->method) ? EGRESS_ALLOWED : EGRESS_PATH_NOT_ALLOWED;
}

void
egress_match_rule(const struct egress_policy *p, uint32_t rule, const struct egress_request *q, struct match *m)
{
	const struct rule *r = &p->rules[rule];
	enum egress_reason why;

	if (rule >= m->rule)
		return;
	why = rule_fits(r, q, m);
	if (why == EGRESS_ALLOWED) {
		m->rule = rule;
	} else if (r->allow && rule < m->near) {
		m->near = rule;
		m->near_reason = why;
	}
	m->limited |= why != EGRESS_ALLOWED && r->allow && rule_has_port(r, q->port);
}
