/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_POLICY_PRIVATE_H
#define LLMSEC_EGRESS_POLICY_PRIVATE_H
/*
 * What a policy is made of, for the file that builds it and the file that asks it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_policy.h"

#define FNV_BASIS	14695981039346656037ULL
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
	const struct set_dom	*threats;	/* borrowed; NULL: none */
	const char		*file;	/* for messages while building */
};

/* Backwards over <p>, so that one pass over a host yields the hash of every suffix.  Begin with FNV_BASIS. */
uint64_t	egress_policy_hash(uint64_t h, const char *p, size_t n);
/* The entry of this name, or the empty one where it would be. */
struct entry	*egress_policy_slot(const struct egress_policy *, uint64_t hash, const char *name, size_t n);
/* The bit of a method in rule.methods, 0 for one not known here. */
uint32_t	egress_policy_method(const char *p, size_t n);
#endif
