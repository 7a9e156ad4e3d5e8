/* SPDX-License-Identifier: MIT */
/* Does a rule fit who asks and what is asked; and who is it. */
#include "config.h"

#include <string.h>
#include <strings.h>

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

/*
 * A path that servers read in more than one way fits no pattern: escapes of letters, dots and slashes, dot
 * segments, doubled slashes, backslashes, zero bytes.  What is behind "?" is not the path.
 */
static bool
path_is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '%' || p[i] == '\\' || p[i] == ';' || (unsigned char)p[i] <= 0x20 || (unsigned char)p[i] >= 0x7f)
			return false;
		if (p[i] == '/' && i + 1 < n && (p[i + 1] == '/' || p[i + 1] == '.'))
			return false;
	}
	return n > 0 && p[0] == '/';
}

static bool
rule_has_path(const struct rule *r, const struct egress_request *q)
{
	const char *end = q->path.n > 0 ? memchr(q->path.p, '?', q->path.n) : NULL;
	size_t n = end != NULL ? (size_t)(end - q->path.p) : q->path.n;

	if (r->paths->n == 0)
		return true;
	if (!path_is_plain(q->path.p, n))
		return false;
	for (size_t i = 0; i < r->paths->n; i++) {
		const char *pattern = r->paths->v[i];
		size_t k = strlen(pattern);

		if (pattern[k - 1] == '*' ? n >= k - 1 && memcmp(pattern, q->path.p, k - 1) == 0 :
		    n == k && memcmp(pattern, q->path.p, n) == 0)
			return true;
	}
	return false;
}

static enum egress_reason
rule_fits(const struct rule *r, const struct egress_request *q, const struct match *m)
{
	/* What is inside a tunnel that is opened here is asked about by itself. */
	bool outside = m->method == METHOD_CONNECT && r->bump;

	if (r->identities != 0 && !(r->identities & m->who))
		return EGRESS_IDENTITY_NOT_ALLOWED;
	if (!rule_has_port(r, q->port))
		return EGRESS_PORT_NOT_ALLOWED;
	if (r->methods != 0 && !(r->methods & m->method) && !outside)
		return EGRESS_METHOD_NOT_ALLOWED;
	return outside || rule_has_path(r, q) ? EGRESS_ALLOWED : EGRESS_PATH_NOT_ALLOWED;
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
}
