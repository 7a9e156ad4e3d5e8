/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <idn2.h>
#include <libpsl.h>

#include "lib/conf.h"
#include "lib/diag.h"
#include "squid-helpers/egress_path.h"
#include "squid-helpers/egress_policy_private.h"

static void
policy_error(const struct egress_policy *p, struct diag *d, struct conf_at at, const char *where, const char *what,
    const char *why)
{
	diag_error(d, p->file, at.line, at.col, "%s: \"%s\" %s", where, what, why);
}

/*
 * <s> as A-labels (IDNA 2008 with UTS 46, by libidn2), which is what is dialled and what Squid says: <s> itself where it
 * is plain ASCII, else memory of the policy.  NULL: it is no valid name.
 */
static char *
name_ascii(struct egress_policy *p, char *s)
{
	char *a, **own;
	bool plain = strcasestr(s, "xn--") == NULL;

	for (const char *c = s; *c != '\0' && plain; c++)
		plain = (unsigned char)*c < 0x80;
	if (plain)
		return s;
	own = realloc(p->own, (p->n_own + 1) * sizeof(*own));
	if (own == NULL)
		return NULL;
	p->own = own;
	if (idn2_lookup_u8((const uint8_t *)s, (uint8_t **)&a, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return NULL;
	/* Room for the dot that names_prepare puts back. */
	s = malloc(strlen(a) + 2);
	if (s != NULL)
		p->own[p->n_own++] = strcpy(s, a);
	idn2_free(a);
	return s;
}

/*
 * One name of the configuration, normalised in place.  A name must be a name: an address or a
 * metadata service in the file would be a rule that can never match.
 */
static const char *
name_prepare(struct egress_policy *p, char **name, size_t *len, bool *below)
{
	struct egress_host h;
	char *s = *name;

	*below = s[0] == '.';
	if (*below)
		memmove(s, s + 1, strlen(s));
	s = name_ascii(p, s);
	if (s == NULL)
		return "is not a valid international name";
	*name = s;
	if (strchr(s, '*') != NULL)
		return "has a star: a leading dot stands for everything below a name";
	egress_host_parse(&h, s, strlen(s));
	if (h.kind == EGRESS_HOST_IP)
		return "is an address: only names can be allowed";
	if (h.kind == EGRESS_HOST_METADATA)
		return "is a cloud metadata service, which is always refused";
	if (h.kind != EGRESS_HOST_NAME)
		return "is not a host name";
	if (*below && (strchr(h.name, '.') == NULL || psl_is_public_suffix(psl_builtin(), h.name)))
		return strchr(h.name, '.') == NULL ? "opens a whole top-level domain" :
		    "opens a public suffix, under which anybody may have a name";
	memcpy(s, h.name, h.len + 1);
	*len = h.len;
	return NULL;
}

static void
name_insert(struct egress_policy *p, uint32_t rule, const char *name, size_t n, bool below)
{
	uint64_t hash = egress_policy_hash_name(name, n);
	struct entry *e = egress_policy_slot(p, hash, name, n);

	if (e->name == NULL) {
		*e = (struct entry){ hash, name, (uint32_t)n, NONE };
		p->n_names++;
	}
	p->links[p->n_links] = (struct link){ rule, e->first, below };
	e->first = p->n_links++;
}

static void
names_prepare(struct egress_policy *p, struct conf_strs *s, const char *where, struct conf_at at, struct diag *d)
{
	const char *why;
	size_t len;
	bool below;

	for (size_t i = 0; i < s->n; i++) {
		char *name = s->v[i];

		why = name_prepare(p, &name, &len, &below);
		s->v[i] = name;
		if (why != NULL) {
			policy_error(p, d, at, where, name, why);
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
	for (size_t i = 0; i < p->providers.n_groups; i++)
		if (strcmp(p->providers.groups[i].name, name) == 0)
			return &p->providers.groups[i];
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
	/* What refuses a host refuses it whole, also where the port isn't known (0). */
	if (c->ports.n == 0)
		r->ports[r->n_ports++] = r->allow ? (struct port_range){ 443, 443 } : (struct port_range){ 0, 65535 };
	for (size_t i = 0; i < c->ports.n; i++) {
		if (r->n_ports == PORTS_MAX)
			policy_error(p, d, c->at, c->id, c->ports.v[i], "is one port range too many (16)");
		else if (!port_parse(c->ports.v[i], &r->ports[r->n_ports++]))
			policy_error(p, d, c->at, c->id, c->ports.v[i], "is not a port or port range");
		else
			continue;
		return;
	}
}

/* Memory that belongs to the policy; nothing but an error where one is wrong. */
static void
networks_build(const struct egress_policy *p, struct cidr **v, size_t *n, const struct conf_strs *s,
    const char *where, struct conf_at at, struct diag *d)
{
	*n = 0;
	*v = calloc(s->n + 1, sizeof(**v));
	for (size_t i = 0; i < s->n; i++)
		if (*v == NULL)
			policy_error(p, d, at, where, s->v[i], "finds no memory");
		else if (cidr_parse(s->v[i], &(*v)[*n]) < 0)
			policy_error(p, d, at, where, s->v[i], "is not an address or network");
		else
			(*n)++;
}

static void
rule_paths(const struct egress_policy *p, struct rule *r, const struct egress_conf_rule *c, struct diag *d)
{
	r->paths = &c->paths;
	for (size_t i = 0; i < c->paths.n; i++) {
		const char *s = c->paths.v[i];

		if (s[0] != '/' || strpbrk(s, "?#% \t") != NULL || (strchr(s, '*') != NULL && strchr(s, '*')[1] != '\0'))
			policy_error(p, d, c->at, c->id, s, "is not a path: it begins with a slash, and a star only ends it");
		else if (!egress_path_is_plain(s, strlen(s)))
			policy_error(p, d, c->at, c->id, s, "is a path that no request fits: dot segments, doubled slashes, semicolons");
	}
}

static void
rule_identities(const struct egress_policy *p, struct rule *r, const struct egress_conf_rule *c, struct diag *d)
{
	for (size_t i = 0; i < c->identities.n; i++) {
		uint64_t was = r->identities;

		for (size_t k = 0; k < p->conf.n_identities && k < IDENTITIES_MAX; k++)
			if (strcmp(p->conf.identities[k].id, c->identities.v[i]) == 0)
				r->identities |= (uint64_t)1 << k;
		if (r->identities == was)
			policy_error(p, d, c->at, c->id, c->identities.v[i], "is not an identity of this file, or said twice");
	}
}

static int
identities_build(struct egress_policy *p, struct diag *d)
{
	p->identities = calloc(p->conf.n_identities + 1, sizeof(*p->identities));
	if (p->identities == NULL)
		return -ENOMEM;
	if (p->conf.n_identities > IDENTITIES_MAX)
		diag_error(d, p->file, 0, 0, "identities: at most %d", IDENTITIES_MAX);
	for (size_t i = 0; i < p->conf.n_identities; i++) {
		const struct egress_conf_identity *c = &p->conf.identities[i];

		networks_build(p, &p->identities[i].sources, &p->identities[i].n_sources, &c->sources, c->id, c->at, d);
		if (c->sources.n + c->users.n + c->certificates.n + c->labels.n == 0)
			policy_error(p, d, c->at, "identities", c->id, "fits nobody");
		for (size_t k = 0; k < i; k++)
			if (strcmp(p->conf.identities[k].id, c->id) == 0)
				policy_error(p, d, c->at, "identities", c->id, "is the id of two identities");
	}
	networks_build(p, &p->hops.v, &p->hops.n, &p->conf.trusted_hops, "trusted_hops", (struct conf_at){0}, d);
	networks_build(p, &p->permit.v, &p->permit.n, &p->conf.permit_private, "permit_private", (struct conf_at){0}, d);
	return 0;
}

/* The catalogue lies beside the policy unless it says where. */
static int
providers_load(struct egress_policy *p, struct diag *d)
{
	const char *slash = strrchr(p->file, '/'), *name = p->conf.providers;
	char path[4096];

	if (*name == '\0')
		return 0;
	snprintf(path, sizeof(path), "%.*s%s", *name == '/' || slash == NULL ? 0 : (int)(slash - p->file) + 1, p->file, name);
	return conf_load(path, egress_providers_opts, &p->providers, &p->providers_mem, d);
}

static void
rule_build(struct egress_policy *p, uint32_t at, struct diag *d)
{
	struct egress_conf_rule *c = &p->conf.rules[at];
	struct rule *r = &p->rules[at];

	r->id = c->id;
	r->allow = c->action == EGRESS_RULE_ALLOW;
	if (c->groups.n == 0 && c->domains.n == 0 && c->cidrs.n == 0)
		policy_error(p, d, c->at, "rules", c->id, "names no group and no domain, nor a network");
	r->bump = c->tls == EGRESS_TLS_BUMP;
	r->override_lists = c->override_lists;
	r->websocket = c->websocket;
	r->grpc = c->grpc;
	r->doh = c->doh;
	rule_paths(p, r, c, d);
	networks_build(p, &r->cidrs, &r->n_cidrs, &c->cidrs, c->id, c->at, d);
	p->by_address |= r->n_cidrs > 0;
	rule_identities(p, r, c, d);
	rule_ports(p, r, c, d);
	for (size_t i = 0; i < c->methods.n; i++) {
		uint32_t bit = egress_policy_method(c->methods.v[i], strlen(c->methods.v[i]));

		if (bit == 0)
			policy_error(p, d, c->at, c->id, c->methods.v[i], "is not a method known here");
		r->methods |= bit;
	}
	names_prepare(p, &c->domains, c->id, c->at, d);
	for (size_t i = 0; i < c->groups.n; i++)
		if (group_find(p, c->groups.v[i]) == NULL)
			policy_error(p, d, c->at, c->id, c->groups.v[i], "is not a group of this file");
}

static int
id_cmp(const void *a, const void *b)
{
	const struct egress_conf_rule *x = *(const struct egress_conf_rule *const *)a, *y = *(const struct egress_conf_rule *const *)b;
	int r = strcmp(x->id, y->id);

	/* In a list of the file's own: the later one is told. */
	return r != 0 ? r : (x > y) - (x < y);
}

static int
ids_check(const struct egress_policy *p, struct diag *d)
{
	const struct egress_conf_rule **v;

	if (p->conf.n_rules > EGRESS_RULES_MAX) {
		diag_error(d, p->file, 0, 0, "rules: %zu of them, at most %d", p->conf.n_rules, EGRESS_RULES_MAX);
		return -EINVAL;
	}
	v = calloc(p->conf.n_rules + 1, sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < p->conf.n_rules; i++)
		v[i] = &p->conf.rules[i];
	qsort(v, p->conf.n_rules, sizeof(*v), id_cmp);
	for (size_t i = 1; i < p->conf.n_rules; i++)
		if (strcmp(v[i - 1]->id, v[i]->id) == 0)
			policy_error(p, d, v[i]->at, "rules", v[i]->id, "is the id of two rules");
	free(v);
	return 0;
}

static void
groups_check(struct egress_policy *p, struct diag *d)
{
	for (size_t i = 0; i < p->conf.n_groups; i++) {
		struct egress_conf_group *g = &p->conf.groups[i];

		if (group_find(p, g->name) != g)
			policy_error(p, d, g->at, "groups", g->name, "is the name of two groups");
		names_prepare(p, &g->domains, g->name, g->at, d);
	}
	/* Of another file: no place in this one. */
	for (size_t i = 0; i < p->providers.n_groups; i++)
		names_prepare(p, &p->providers.groups[i].domains, p->providers.groups[i].name, (struct conf_at){0}, d);
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
	egress_policy_threats(p, NULL);
	r = conf_load_mem(name, text, len, egress_conf_opts, &p->conf, &p->mem, d);
	if (r == -ENOMEM && diag_errors(d) == 0)
		diag_error(d, name, 0, 0, "no memory: it is too large (a policy takes 64 MB at most), or there is none left");
	if (r == 0)
		r = ids_check(p, d);
	if (r < 0)
		goto out;
	p->rules = calloc(p->conf.n_rules ? p->conf.n_rules : 1, sizeof(*p->rules));
	if (p->rules == NULL) {
		r = -ENOMEM;
		goto out;
	}
	r = providers_load(p, d);
	if (r < 0 && diag_errors(d) == 0)
		policy_error(p, d, (struct conf_at){0}, "providers", p->conf.providers, strerror(-r));
	if (r == 0)
		r = identities_build(p, d);
	if (r < 0)
		goto out;
	groups_check(p, d);
	for (size_t i = 0; i < p->conf.n_rules; i++)
		rule_build(p, (uint32_t)i, d);
	egress_policy_budgets(p, d);
	r = diag_errors(d) ? -EINVAL : table_build(p);
	if (r == 0 && p->n_names == 0 && !p->by_address && *p->conf.lists.path == '\0')
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
	for (size_t i = 0; p->rules != NULL && i < p->conf.n_rules; i++)
		free(p->rules[i].cidrs);
	for (size_t i = 0; p->identities != NULL && i < p->conf.n_identities; i++)
		free(p->identities[i].sources);
	for (size_t i = 0; i < p->n_own; i++)
		free(p->own[i]);
	free(p->own);
	free(p->identities);
	free(p->hops.v);
	free(p->permit.v);
	conf_mem_free(&p->mem);
	conf_mem_free(&p->providers_mem);
	free(p->rules);
	free(p->table);
	free(p->links);
	free(p);
}
