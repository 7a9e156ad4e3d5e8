/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_POLICY_H
#define LLMSEC_EGRESS_POLICY_H
/*
 * Who may reach what: a pure engine that knows nothing of Squid.  A request goes in, a verdict comes
 * out; whatever no rule allows is refused.  Some things are refused before any rule is read: address
 * literals, cloud metadata services, hosts that are not hosts, and a TLS server name that differs
 * from the name the client asked the proxy for.
 *
 * A policy is immutable once built and may be used by any number of threads; deciding allocates
 * nothing.  Names live in one open-addressed hash table; a lookup walks the host from its last label
 * to its first, extending one hash, and probes once per label.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_host.h"

#define EGRESS_RULES_MAX	100000	/* of a policy */

struct diag;
struct egress_conf;
struct egress_policy;

enum egress_reason {
	EGRESS_ALLOWED,
	EGRESS_NOT_ALLOWED,		/* no rule names this host */
	EGRESS_DENIED_BY_RULE,
	EGRESS_PORT_NOT_ALLOWED,	/* a rule names the host, but not this port */
	EGRESS_METHOD_NOT_ALLOWED,
	EGRESS_IP_LITERAL,
	EGRESS_METADATA,
	EGRESS_BAD_HOST,
	EGRESS_USERINFO,
	EGRESS_SNI_MISMATCH,
	EGRESS_NO_POLICY,		/* no policy could be loaded yet */
	EGRESS_THREAT,			/* domains.set or ips.set lists it */
	EGRESS_LISTED,			/* a list of llmsecd's API has it */
	EGRESS_PRIVATE,			/* an address of the house, or of nobody */
	EGRESS_NO_SNI,			/* TLS without a server name, or no TLS at all */
	EGRESS_PATH_NOT_ALLOWED,
	EGRESS_IDENTITY_NOT_ALLOWED,	/* a rule allows this, but to somebody else */
	EGRESS_DOH,
	EGRESS_WEBSOCKET,
	EGRESS_GRPC,
	EGRESS_SCHEME,
	EGRESS_NESTED,			/* a tunnel, or another scheme, inside TLS that is opened here */
	EGRESS_NOT_OPENED,		/* a rule wants TLS opened, this port tunnels it */
	EGRESS_OVER_BUDGET,
	EGRESS_NO_ACCOUNTS,		/* there is a budget, and what is used can't be known */
	EGRESS_REASON_N
};

struct egress_str {
	const char	*p;
	size_t		 n;
};

/* When Squid asks: before anything is opened, with the ClientHello read, or before a tunnel that nobody will open. */
enum egress_phase { EGRESS_AT_REQUEST, EGRESS_AT_HELLO, EGRESS_AT_TUNNEL };

/* n == 0 in any of these: not known. */
struct egress_request {
	struct egress_str	src;	/* client address, for events only */
	struct egress_str	method;
	struct egress_str	host;	/* as the client spelled it */
	struct egress_str	sni;
	unsigned		port;	/* 0: not known */
	struct egress_str	scheme, path;
	struct egress_str	inner;	/* Host header, which must say what the URL says */
	struct egress_str	user, certificate, label;
	struct egress_str	upgrade, content_type;
	struct egress_str	address; /* what the name resolved to, where the asker knows */
	enum egress_phase	phase;
	bool			inside;	/* it came through a tunnel that is opened here */
	struct egress_str	as;	/* ask as this identity, by its id: only for who tries a policy */
};

struct egress_verdict {
	bool			 allow;
	bool			 observed;	/* allowed only because the policy observes; <reason> says why not */
	bool			 bump;		/* allowed; TLS is to be looked into */
	enum egress_reason	 reason;
	const char		*identity;	/* id, "" if none fits; lives as long as the policy */
	enum egress_kind	 kind;
	const char		*rule;	/* id; lives as long as the policy */
	uint64_t		 budgets; /* allowed; bits: the budgets of the policy that it counts for */
	const char		*budget; /* id of the one that is used up, or NULL; lives as long as the policy */
	time_t			 until;	/* when it is new again */
	struct egress_host	 host;
};

/* From egress.yaml text; <name> stands for the file in <diag>.  0, -EINVAL or -ENOMEM. */
int	egress_policy_load(struct egress_policy **, const char *name, const char *text, size_t len,
	    struct diag *);
void	egress_policy_free(struct egress_policy **);
/* What the file said beside the rules; borrowed from the policy. */
const struct egress_conf *egress_policy_conf(const struct egress_policy *);
size_t	egress_policy_names(const struct egress_policy *);

/*
 * What llmsec-ti-sync lists is refused, unless a rule says that it overrides lists.  Borrowed until others are given.  NULL, or a
 * set that isn't there, where the policy names one: then everything is refused, unless the policy says not.
 */
struct egress_threats;
void	egress_policy_threats(struct egress_policy *, const struct egress_threats *);
/* The same with the lists of llmsecd's API. */
struct egress_lists;
void	egress_policy_lists(struct egress_policy *, const struct egress_lists *);

/*
 * What of its budgets is used; borrowed.  NULL: what has a budget is refused.
 */
struct egress_usage;
void	egress_policy_usage(struct egress_policy *, const struct egress_usage *);

/* <policy> NULL: everything is refused with EGRESS_NO_POLICY. */
void	egress_decide(const struct egress_policy *policy, const struct egress_request *,
	    struct egress_verdict *);
/* "not_allowed", ... and how grave an event of this kind is, 0..10. */
const char *egress_reason_str(enum egress_reason);
int	egress_reason_severity(enum egress_reason);
#endif
