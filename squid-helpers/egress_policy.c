/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"
#include "lib/diag.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_policy.h"

#define FNV_BASIS	14695981039346656037ULL
#define FNV_PRIME	1099511628211ULL
#define NONE		UINT32_MAX
#define PORTS_MAX	16

struct port_range {
	uint16_t	lo, hi;
};

struct rule {
	const char		*id;
	bool			 allow;
	uint32_t		 methods;	/* bits of method_names; 0: any */
	size_t			 n_ports;
	struct port_range	 ports[PORTS_MAX];
};

/* One name of one rule; names shared by several rules form a chain. */
struct link {
	uint32_t	rule, next;
	bool		below;		/* also everything below the name */
};

struct entry {
	uint64_t	 hash;
	const char	*name;		/* inside the configuration; not NUL-terminated */
	uint32_t	 len, first;
};

struct egress_policy {
	struct conf_mem		*mem;
	struct egress_conf	 conf;
	struct rule		*rules;
	struct entry		*table;
	size_t			 mask, n_names;
	struct link		*links;
	uint32_t		 n_links;
	const char		*file;	/* for messages while building */
};

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

/* Backwards, so that one pass over a host yields the hash of every suffix. */
static uint64_t
hash_back(uint64_t h, const char *p, size_t n)
{
	while (n > 0)
		h = (h ^ (unsigned char)p[--n]) * FNV_PRIME;
	return h;
}

static struct entry *
table_slot(const struct egress_policy *p, uint64_t hash, const char *name, size_t n)
{
	size_t i = (size_t)(hash ^ hash >> 32) & p->mask;

	while (p->table[i].name != NULL && (p->table[i].hash != hash ||
	    p->table[i].len != n || memcmp(p->table[i].name, name, n) != 0))
		i = (i + 1) & p->mask;
	return &p->table[i];
}

static void
policy_error(const struct egress_policy *p, struct diag *d, const char *where, const char *what,
    const char *why)
{
	diag_error(d, p->file, 0, 0, "%s: \"%s\" %s", where, what, why);
}

/*
 * One name of the configuration, normalised in place.  A name must be a name: an address or a
 * metadata service in the file would be a rule that can never match.
 */
static const char *
name_prepare(char *s, size_t *len, bool *below)
{
	struct egress_host h;

	*below = s[0] == '.';
	if (*below)
		memmove(s, s + 1, strlen(s));
	if (strchr(s, '*') != NULL)
		return "has a star: a leading dot stands for everything below a name";
	egress_host_parse(&h, s, strlen(s));
	if (h.kind == EGRESS_HOST_IP)
		return "is an address: only names can be allowed";
	if (h.kind == EGRESS_HOST_METADATA)
		return "is a cloud metadata service, which is always refused";
	if (h.kind != EGRESS_HOST_NAME)
		return "is not a host name";
	if (*below && strchr(h.name, '.') == NULL)
		return "opens a whole top-level domain";
	memcpy(s, h.name, h.len + 1);
	*len = h.len;
	return NULL;
}

static void
name_insert(struct egress_policy *p, uint32_t rule, const char *name, size_t n, bool below)
{
	uint64_t hash = hash_back(FNV_BASIS, name, n);
	struct entry *e = table_slot(p, hash, name, n);

	if (e->name == NULL) {
		*e = (struct entry){ hash, name, (uint32_t)n, NONE };
		p->n_names++;
	}
	p->links[p->n_links] = (struct link){ rule, e->first, below };
	e->first = p->n_links++;
}

static void
names_prepare(const struct egress_policy *p, struct conf_strs *s, const char *where, struct diag *d)
{
	const char *why;
	size_t len;
	bool below;

	for (size_t i = 0; i < s->n; i++) {
		char *name = s->v[i];

		why = name_prepare(name, &len, &below);
		if (why != NULL) {
			policy_error(p, d, where, name, why);
			continue;
		}
		/* Put the dot back: a group is inserted once for every rule that names it. */
		if (below) {
			memmove(name + 1, name, len + 1);
			name[0] = '.';
		}
	}
}

static void
names_insert(struct egress_policy *p, uint32_t rule, const struct conf_strs *s)
{
	for (size_t i = 0; i < s->n; i++) {
		bool below = s->v[i][0] == '.';

		name_insert(p, rule, s->v[i] + below, strlen(s->v[i] + below), below);
	}
}

static struct egress_conf_group *
group_find(struct egress_policy *p, const char *name)
{
	for (size_t i = 0; i < p->conf.n_groups; i++)
		if (strcmp(p->conf.groups[i].name, name) == 0)
			return &p->conf.groups[i];
	return NULL;
}

static bool
port_parse(const char *s, struct port_range *r)
{
	unsigned long v[2];
	char *end;

	for (int i = 0; i < 2; i++) {
		if (*s < '0' || *s > '9')
			return false;
		v[i] = strtoul(s, &end, 10);
		if (v[i] < 1 || v[i] > 65535)
			return false;
		if (i == 0 && *end == '\0') {
			v[1] = v[0];
			break;
		}
		if (*end != (i == 0 ? '-' : '\0'))
			return false;
		s = end + 1;
	}
	*r = (struct port_range){ (uint16_t)v[0], (uint16_t)v[1] };
	return v[0] <= v[1];
}

static void
rule_ports(struct egress_policy *p, struct rule *r, const struct egress_conf_rule *c,
    struct diag *d)
{
	if (c->ports.n == 0)
		r->ports[r->n_ports++] = (struct port_range){ 443, 443 };
	for (size_t i = 0; i < c->ports.n; i++) {
		if (r->n_ports == PORTS_MAX)
			policy_error(p, d, c->id, c->ports.v[i], "is one port range too many (16)");
		else if (!port_parse(c->ports.v[i], &r->ports[r->n_ports++]))
			policy_error(p, d, c->id, c->ports.v[i], "is not a port or port range");
		else
			continue;
		return;
	}
}

static uint32_t
method_bit(const char *p, size_t n)
{
	for (size_t i = 0; i < METHODS_N; i++)
		if (strlen(method_names[i]) == n && memcmp(method_names[i], p, n) == 0)
			return 1U << i;
	return 0;
}

static void
rule_build(struct egress_policy *p, uint32_t at, struct diag *d)
{
	struct egress_conf_rule *c = &p->conf.rules[at];
	struct rule *r = &p->rules[at];

	r->id = c->id;
	r->allow = c->action == EGRESS_RULE_ALLOW;
	for (uint32_t i = 0; i < at; i++)
		if (strcmp(p->rules[i].id, c->id) == 0)
			policy_error(p, d, "rules", c->id, "is the id of two rules");
	if (c->groups.n == 0 && c->domains.n == 0)
		policy_error(p, d, "rules", c->id, "names no group and no domain");
	rule_ports(p, r, c, d);
	for (size_t i = 0; i < c->methods.n; i++) {
		uint32_t bit = method_bit(c->methods.v[i], strlen(c->methods.v[i]));

		if (bit == 0)
			policy_error(p, d, c->id, c->methods.v[i], "is not a method known here");
		r->methods |= bit;
	}
	names_prepare(p, &c->domains, c->id, d);
	for (size_t i = 0; i < c->groups.n; i++)
		if (group_find(p, c->groups.v[i]) == NULL)
			policy_error(p, d, c->id, c->groups.v[i], "is not a group of this file");
}

static void
groups_check(struct egress_policy *p, struct diag *d)
{
	for (size_t i = 0; i < p->conf.n_groups; i++) {
		struct egress_conf_group *g = &p->conf.groups[i];

		if (group_find(p, g->name) != g)
			policy_error(p, d, "groups", g->name, "is the name of two groups");
		names_prepare(p, &g->domains, g->name, d);
	}
}

static int
table_build(struct egress_policy *p)
{
	size_t n = 0, size = 16;

	for (size_t i = 0; i < p->conf.n_rules; i++) {
		const struct egress_conf_rule *c = &p->conf.rules[i];

		n += c->domains.n;
		for (size_t k = 0; k < c->groups.n; k++)
			n += group_find(p, c->groups.v[k])->domains.n;
	}
	while (size < 2 * n)
		size *= 2;
	p->mask = size - 1;
	p->table = calloc(size, sizeof(*p->table));
	p->links = calloc(n ? n : 1, sizeof(*p->links));
	if (p->table == NULL || p->links == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < p->conf.n_rules; i++) {
		const struct egress_conf_rule *c = &p->conf.rules[i];

		names_insert(p, (uint32_t)i, &c->domains);
		for (size_t k = 0; k < c->groups.n; k++)
			names_insert(p, (uint32_t)i, &group_find(p, c->groups.v[k])->domains);
	}
	return 0;
}

int
egress_policy_load(struct egress_policy **out, const char *name, const char *text, size_t len,
    struct diag *d)
{
	struct egress_policy *p = calloc(1, sizeof(*p));
	int r;

	*out = NULL;
	if (p == NULL)
		return -ENOMEM;
	p->file = name;
	r = conf_load_mem(name, text, len, egress_conf_opts, &p->conf, &p->mem, d);
	if (r < 0)
		goto out;
	p->rules = calloc(p->conf.n_rules ? p->conf.n_rules : 1, sizeof(*p->rules));
	if (p->rules == NULL) {
		r = -ENOMEM;
		goto out;
	}
	groups_check(p, d);
	for (size_t i = 0; i < p->conf.n_rules; i++)
		rule_build(p, (uint32_t)i, d);
	r = diag_errors(d) ? -EINVAL : table_build(p);
	if (r == 0 && p->n_names == 0)
		diag_warn(d, name, 0, 0, "no rule: everything is refused");
out:
	p->file = NULL;
	if (r < 0)
		egress_policy_free(&p);
	*out = p;
	return r;
}

void
egress_policy_free(struct egress_policy **pp)
{
	struct egress_policy *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	conf_mem_free(&p->mem);
	free(p->rules);
	free(p->table);
	free(p->links);
	free(p);
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
		if (port && (r->methods == 0 || (r->methods & method_bit(q->method.p, q->method.n)))) {
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
		hash = hash_back(hash, h->name + i, end - i);
		end = i;
		e = table_slot(p, hash, h->name + i, h->len - i);
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
egress_decide(const struct egress_policy *p, const struct egress_request *q,
    struct egress_verdict *v)
{
	struct match m = { NONE, NONE, EGRESS_NOT_ALLOWED };
	enum egress_reason r;

	egress_host_parse(&v->host, q->host.p, q->host.n);
	r = p == NULL ? EGRESS_NO_POLICY : builtin_reason(&v->host, q);
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
