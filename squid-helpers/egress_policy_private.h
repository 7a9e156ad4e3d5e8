/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_POLICY_PRIVATE_H
#define LLMSEC_EGRESS_POLICY_PRIVATE_H
/*
 * What a policy is made of, for the file that builds it and the file that asks it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cidr.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_policy.h"

#define HASH_BASIS	14695981039346656037ULL
#define NONE		UINT32_MAX
#define PORTS_MAX	16

struct port_range {
	uint16_t	lo, hi;
};

struct rule {
	const char		*id;
	bool			 allow;
	uint32_t		 methods;	/* bits of method_names; 0: any */
	uint64_t		 identities;	/* bits; 0: everybody */
	bool			 bump, override_lists, websocket, grpc, doh;
	uint64_t		 budgets;	/* bits */
	const struct conf_strs	*paths;
	struct cidr		*cidrs;
	size_t			 n_cidrs;
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

#define IDENTITIES_MAX	64
#define BUDGETS_MAX	64
#define API_RULE	"api.whitelist"	/* what the API's list allows */

struct identity {
	struct cidr	*sources;
	size_t		 n_sources;
	uint64_t	 budgets;	/* bits */
};

struct networks {
	struct cidr	*v;
	size_t		 n;
};

struct egress_policy {
	struct conf_mem		*providers_mem;
	struct egress_providers	 providers;
	struct identity		*identities;
	struct networks		 hops, permit;
	const struct egress_lists *lists;	/* borrowed; NULL: none */
	bool			 by_address;	/* some rule has cidrs */
	struct conf_mem		*mem;
	struct egress_conf	 conf;
	char			**own;		/* names that were not ASCII */
	size_t			 n_own;
	struct rule		*rules;
	struct entry		*table;
	size_t			 mask, n_names;
	struct link		*links;
	uint32_t		 n_links;
	const struct egress_threats *threats;	/* borrowed; NULL: none */
	const struct egress_usage *usage;	/* borrowed; NULL: none */
	uint64_t		 nobody_budgets, api_budgets;	/* of who is no identity, of API_RULE */
	const char		*file;	/* for messages while building */
};

/*
 * A name's hash is that of its labels, the last one first, each with its dot: one pass over a host yields the hash of every suffix.
 * One label more, beginning with HASH_BASIS; and of a whole name.
 */
uint64_t	egress_policy_hash(uint64_t h, const char *label, size_t n);
uint64_t	egress_policy_hash_name(const char *p, size_t n);
/* The entry of this name, or the empty one where it would be. */
struct entry	*egress_policy_slot(const struct egress_policy *, uint64_t hash, const char *name, size_t n);
/* Which identity asks: its index, or -1. */
int	egress_policy_identity(const struct egress_policy *, const struct egress_request *);
bool	egress_networks_have(const struct cidr *v, size_t n, const struct cidr *);
/* The best answer so far; a rule that names the host but not the port explains a refusal. */
struct match {
	uint32_t		 rule, near;
	enum egress_reason	 near_reason;
	uint64_t		 who;		/* bit of the identity */
	uint32_t		 method;
	bool			 limited;	/* a rule allows this host and port, but not this */
};
void	egress_match_rule(const struct egress_policy *, uint32_t rule, const struct egress_request *, struct match *);
/* The rules and identities that budgets are for; after both were built. */
void	egress_policy_budgets(struct egress_policy *, struct diag *);
/* The bit of a method in rule.methods, 0 for one not known here. */
uint32_t	egress_policy_method(const char *p, size_t n);
#endif
