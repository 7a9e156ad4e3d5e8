/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "squid-helpers/egress_addr.h"
#include "squid-helpers/egress_lists.h"
#include "squid-helpers/egress_path.h"
#include "squid-helpers/egress_policy_private.h"
#include "squid-helpers/egress_threats.h"
#include "squid-helpers/egress_usage.h"

/* A word and its length, which a request must not have to count. */
struct word {
	const char	*p;
	size_t		 n;
};
#define WORD(s)	{ s, sizeof(s) - 1 }

static const struct word method_names[] = {
	WORD("CONNECT"), WORD("GET"), WORD("HEAD"), WORD("POST"), WORD("PUT"), WORD("PATCH"), WORD("DELETE"),
	WORD("OPTIONS"), WORD("TRACE"),
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
	[EGRESS_LISTED] = { "listed", "egress.api-list", 7 },
	[EGRESS_PRIVATE] = { "private_address", "egress.private-address", 8 },
	[EGRESS_NO_SNI] = { "no_sni", "egress.no-sni", 6 },
	[EGRESS_PATH_NOT_ALLOWED] = { "path_not_allowed", NULL, 3 },
	[EGRESS_IDENTITY_NOT_ALLOWED] = { "identity_not_allowed", NULL, 5 },
	[EGRESS_DOH] = { "dns_endpoint", "egress.dns-endpoint", 6 },
	[EGRESS_WEBSOCKET] = { "websocket", "egress.websocket", 4 },
	[EGRESS_GRPC] = { "grpc", "egress.grpc", 4 },
	[EGRESS_SCHEME] = { "scheme", "egress.scheme", 5 },
	[EGRESS_NESTED] = { "nested_tunnel", "egress.nested-tunnel", 8 },
	[EGRESS_NOT_OPENED] = { "tls_not_opened", NULL, 5 },
	[EGRESS_OVER_BUDGET] = { "over_budget", NULL, 5 },
	[EGRESS_NO_ACCOUNTS] = { "no_accounts", "egress.no-accounts", 7 },
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

static inline uint64_t
mix(uint64_t h)
{
	h *= 0x9e3779b97f4a7c15ULL;	/* 2^64 divided by the golden ratio: Knuth, TAOCP 6.4 */
	return h ^ h >> 32;
}

/* One to seven bytes as a number; which ones overlap depends on <n> alone. */
static inline uint64_t
few(const char *p, size_t n)
{
	uint32_t lo, hi;

	if (n < 4)
		return (uint64_t)(unsigned char)p[0] | (uint64_t)(unsigned char)p[n / 2] << 8 | (uint64_t)(unsigned char)p[n - 1] << 16;
	memcpy(&lo, p, sizeof(lo));
	memcpy(&hi, p + n - sizeof(hi), sizeof(hi));
	return (uint64_t)hi << 32 | lo;
}

uint64_t
egress_policy_hash(uint64_t h, const char *p, size_t n)
{
	uint64_t v, all = n;

	for (; n >= sizeof(v); p += sizeof(v), n -= sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		h = mix(h ^ v);
	}
	return mix(n > 0 ? h ^ few(p, n) ^ all << 56 : h ^ all << 56);
}

uint64_t
egress_policy_hash_name(const char *p, size_t n)
{
	uint64_t h = HASH_BASIS;
	size_t end = n;

	for (size_t i = n; i-- > 0; )
		if (i == 0 || p[i - 1] == '.') {
			h = egress_policy_hash(h, p + i, end - i);
			end = i;
		}
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
		if (method_names[i].n == n && memcmp(method_names[i].p, p, n) == 0)
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

void
egress_policy_threats(struct egress_policy *p, const struct egress_threats *threats)
{
	static const struct egress_threats none;

	p->threats = threats != NULL ? threats : &none;
}

void
egress_policy_lists(struct egress_policy *p, const struct egress_lists *lists)
{
	p->lists = lists;
}

void
egress_policy_usage(struct egress_policy *p, const struct egress_usage *usage)
{
	p->usage = usage;
}

/* --- what no rule can change ------------------------------------------------------------------ */

static bool
str_is(const struct egress_str *s, const char *word)
{
	return s->n == strlen(word) && strncasecmp(s->p, word, s->n) == 0;
}

static bool
same_host(const struct egress_host *h, const char *p, size_t n)
{
	struct egress_host other;

	egress_host_parse(&other, p, n);
	return other.kind == h->kind && other.len == h->len && memcmp(other.name, h->name, h->len) == 0;
}

/* A colon and digits, or nothing (RFC 9110 section 7.2, RFC 3986 section 3.2.3). */
static bool
is_port_part(const char *p, const char *end)
{
	if (p < end && *p++ != ':')
		return false;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p == end;
}

/* Is what a Host header says, be it with a port, the host? */
static bool
same_authority(const struct egress_host *h, const struct egress_str *s)
{
	const char *end = s->p + s->n, *stop = s->p[0] == '[' ? memrchr(s->p, ']', s->n) : memrchr(s->p, ':', s->n);

	if (s->p[0] == '[')
		stop = stop != NULL ? stop + 1 : NULL;
	if (stop == NULL)
		stop = end;
	return is_port_part(stop, end) && same_host(h, s->p, (size_t)(stop - s->p));
}

/* Is a TLS server name the host?  There it is ASCII with nothing to decode, and no port (RFC 6066 section 3). */
static bool
same_server_name(const struct egress_host *h, const struct egress_str *s)
{
	return memchr(s->p, '%', s->n) == NULL && memchr(s->p, ':', s->n) == NULL && same_host(h, s->p, s->n);
}

static enum egress_reason
address_reason(const struct egress_policy *p, const uint8_t ip[16])
{
	struct cidr c = { .len = 128 };

	memcpy(c.addr, ip, 16);
	return egress_addr_special(ip) && !egress_networks_have(p->permit.v, p->permit.n, &c) ? EGRESS_PRIVATE : EGRESS_ALLOWED;
}

static enum egress_reason
host_reason(const struct egress_policy *p, const struct egress_host *h)
{
	switch (h->kind) {
	case EGRESS_HOST_NAME:
		return EGRESS_ALLOWED;
	case EGRESS_HOST_IP:
		/* Nobody who allows no address needs to know which ones are special. */
		return p->by_address ? address_reason(p, h->ip) : EGRESS_IP_LITERAL;
	case EGRESS_HOST_METADATA:
		return EGRESS_METADATA;
	case EGRESS_HOST_USERINFO:
		return EGRESS_USERINFO;
	case EGRESS_HOST_BAD:
		break;
	}
	return EGRESS_BAD_HOST;
}

/* The address that Squid, or whoever asks, found behind the name. */
static enum egress_reason
resolved_reason(const struct egress_policy *p, const struct egress_request *q)
{
	struct egress_host a;

	if (q->address.n == 0)
		return EGRESS_ALLOWED;
	egress_host_parse(&a, q->address.p, q->address.n);
	if (a.kind == EGRESS_HOST_METADATA)
		return EGRESS_METADATA;
	return a.kind == EGRESS_HOST_IP ? address_reason(p, a.ip) : EGRESS_PRIVATE;
}

static enum egress_reason
builtin_reason(const struct egress_policy *p, const struct egress_host *h, const struct egress_request *q)
{
	enum egress_reason r = host_reason(p, h);

	if (r != EGRESS_ALLOWED)
		return r;
	if (q->scheme.n > 0 && !str_is(&q->scheme, "http") && !str_is(&q->scheme, "https"))
		return EGRESS_SCHEME;
	if ((q->sni.n > 0 && !same_server_name(h, &q->sni)) || (q->inner.n > 0 && !same_authority(h, &q->inner)))
		return EGRESS_SNI_MISMATCH;
	/* Squid opens nothing twice, and what is not of this connection is not what was asked about. */
	if (q->inside && q->phase != EGRESS_AT_HELLO && (str_is(&q->method, "CONNECT") || !str_is(&q->scheme, "https")))
		return EGRESS_NESTED;
	/* An address has no server name (RFC 6066 section 3). */
	if (q->phase == EGRESS_AT_HELLO && q->sni.n == 0 && h->kind == EGRESS_HOST_NAME && !p->conf.allow_missing_sni)
		return EGRESS_NO_SNI;
	return resolved_reason(p, q);
}

/* --- what a list has, which a rule may override ------------------------------------------------ */

static bool
lists_missing(const struct egress_policy *p)
{
	const struct egress_conf_threats *t = &p->conf.threats;

	return (t->required && ((*t->domains != '\0' && p->threats->domains == NULL) || (*t->ips != '\0' && p->threats->ips == NULL))) ||
	    (p->lists == NULL && *p->conf.lists.path != '\0' && p->conf.lists.required);
}

static enum egress_reason
list_name(const struct egress_policy *p, const struct egress_host *h)
{
	struct set_hit hit;

	if (p->lists != NULL && egress_lists_denied(p->lists, h->name, h->len, time(NULL)))
		return EGRESS_LISTED;
	return p->threats->domains != NULL && set_dom_find(p->threats->domains, h->name, h->len, &hit) &&
	    hit.confidence >= p->conf.threats.min_confidence ? EGRESS_THREAT : EGRESS_ALLOWED;
}

static enum egress_reason
list_address(const struct egress_policy *p, const uint8_t ip[16])
{
	struct set_hit hit;

	if (p->lists != NULL && egress_lists_denied_ip(p->lists, ip, time(NULL)))
		return EGRESS_LISTED;
	return set_ip_find(p->threats->ips, AF_INET6, ip, &hit) && hit.confidence >= p->conf.threats.min_confidence ?
	    EGRESS_THREAT : EGRESS_ALLOWED;
}

/* The host, be it a name or an address, and what is known of where the name leads. */
static enum egress_reason
list_reason(const struct egress_policy *p, const struct egress_request *q, const struct egress_host *h)
{
	enum egress_reason r;
	struct egress_host a;

	if (lists_missing(p))
		return EGRESS_NO_POLICY;
	r = h->kind == EGRESS_HOST_NAME ? list_name(p, h) : h->kind == EGRESS_HOST_IP ? list_address(p, h->ip) : EGRESS_ALLOWED;
	if (r != EGRESS_ALLOWED || q->address.n == 0)
		return r;
	egress_host_parse(&a, q->address.p, q->address.n);
	return a.kind == EGRESS_HOST_IP ? list_address(p, a.ip) : EGRESS_ALLOWED;
}

/* --- what only a rule that says so allows ----------------------------------------------------- */

/* Public resolvers that speak DNS over HTTPS under a name of their own; below them, too. */
static const struct word doh_names[] = {
	WORD("dns.google"), WORD("cloudflare-dns.com"), WORD("one.one.one.one"), WORD("dns.quad9.net"),
	WORD("doh.opendns.com"), WORD("dns.adguard-dns.com"), WORD("dns.nextdns.io"),
	WORD("doh.cleanbrowsing.org"), WORD("dns.alidns.com"), WORD("doh.pub"), WORD("dns0.eu"),
	WORD("doh.mullvad.net"), WORD("freedns.controld.com"), WORD("doh.dns.sb"),
	WORD("use-application-dns.net"),
};

/* A media type without its parameters. */
static bool
type_is(const struct egress_str *s, const char *type)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ';' && s->p[n] != ' ' && s->p[n] != '\t')
		n++;
	return str_is(&(struct egress_str){ s->p, n }, type);
}

/* Is "/dns-query" a segment of the path?  (The path that RFC 8484 section 4.1 and everybody uses.) */
static bool
path_is_doh(const char *p, size_t n)
{
	static const char name[] = "/dns-query";
	size_t k = sizeof(name) - 1;
	const char *at = p;

	while (n > 0 && (at = memmem(at, n - (size_t)(at - p), name, k)) != NULL) {
		at += k;
		if (at == p + n || *at == '/' || *at == ';')
			return true;
	}
	return false;
}

/*
 * Is one parameter a DNS message as RFC 8484 section 4.1 sends it by GET: "dns=" and base64url, of which 16 characters
 * are the header of RFC 1035 section 4.1.1?  One question, no answer, no authority; flags and additional records may be.
 */
static bool
query_is_doh(const char *p, size_t n)
{
	const char *end = p + n, *at = p;

	while (at < end && (at = memmem(at, (size_t)(end - at), "dns=", 4)) != NULL) {
		const char *v = at + 4;

		/* 00 01, 00 00, 00 00 in bytes 4 to 9 are the low four bits of character 5, and all of 6 to 13. */
		if ((at == p || at[-1] == '&') && end - v > 16 && memcmp(v + 6, "ABAAAAAA", 8) == 0 &&
		    memchr("AQgw", v[5], 4) != NULL)
			return true;
		at = v;
	}
	return false;
}

static bool
is_doh(const struct egress_host *h, const struct egress_request *q)
{
	size_t path = egress_path_len(q->path.p, q->path.n);

	if (q->port == 853 || type_is(&q->content_type, "application/dns-message") || path_is_doh(q->path.p, path) ||
	    (path < q->path.n && query_is_doh(q->path.p + path + 1, q->path.n - path - 1)))
		return true;
	for (size_t i = 0; i < sizeof(doh_names) / sizeof(doh_names[0]); i++) {
		size_t k = doh_names[i].n;

		if (h->len >= k && (h->len == k || h->name[h->len - k - 1] == '.') &&
		    memcmp(h->name + h->len - k, doh_names[i].p, k) == 0)
			return true;
	}
	return false;
}

static enum egress_reason
protocol_reason(const struct rule *r, const struct egress_host *h, const struct egress_request *q)
{
	if (!r->doh && is_doh(h, q))
		return EGRESS_DOH;
	if (!r->websocket && q->upgrade.n > 0)
		return EGRESS_WEBSOCKET;
	if (!r->grpc && q->content_type.n >= 16 && strncasecmp(q->content_type.p, "application/grpc", 16) == 0)
		return EGRESS_GRPC;
	return EGRESS_ALLOWED;
}

/* --- the rules -------------------------------------------------------------------------------- */

static void
match_entry(const struct egress_policy *p, const struct entry *e, bool whole, const struct egress_request *q,
    struct match *m)
{
	for (uint32_t i = e->first; i != NONE; i = p->links[i].next)
		if (whole || p->links[i].below)
			egress_match_rule(p, p->links[i].rule, q, m);
}

static void
match_name(const struct egress_policy *p, const struct egress_host *h, const struct egress_request *q,
    struct match *m)
{
	uint64_t hash = HASH_BASIS;
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

static void
match_address(const struct egress_policy *p, const struct egress_host *h, const struct egress_request *q,
    struct match *m)
{
	struct cidr c = { .len = 128 };

	memcpy(c.addr, h->ip, 16);
	for (size_t i = 0; i < p->conf.n_rules; i++)
		if (egress_networks_have(p->rules[i].cidrs, p->rules[i].n_cidrs, &c))
			egress_match_rule(p, (uint32_t)i, q, m);
}

static void
verdict_set(struct egress_verdict *v, enum egress_reason reason, const char *rule)
{
	v->allow = reason == EGRESS_ALLOWED;
	v->reason = reason;
	v->rule = rule ? rule : reasons[reason].builtin;
}

/*
 * What the API's whitelist opens: a name at port 443, as one more rule behind the last one would.  It adds names; it takes back nothing
 * that the policy says about a host, and allows no protocol that only a rule can.
 */
static bool
api_allows(const struct egress_policy *p, const struct egress_request *q, const struct match *m, const struct egress_host *h)
{
	return !m->limited && h->kind == EGRESS_HOST_NAME && q->port == 443 && egress_lists_allowed(p->lists, h->name, h->len);
}

static void
rules_decide(const struct egress_policy *p, const struct egress_request *q, struct match *m,
    struct egress_verdict *v)
{
	enum egress_reason listed = list_reason(p, q, &v->host), protocol;
	const struct rule *r;

	if (listed == EGRESS_NO_POLICY) {
		verdict_set(v, listed, NULL);
		return;
	}
	if (v->host.kind == EGRESS_HOST_IP)
		match_address(p, &v->host, q, m);
	else
		match_name(p, &v->host, q, m);
	r = m->rule != NONE ? &p->rules[m->rule] : NULL;
	if (listed != EGRESS_ALLOWED && (r == NULL || !r->allow || !r->override_lists)) {
		verdict_set(v, listed, NULL);
	} else if (r == NULL) {
		static const struct rule plain = { .allow = true };

		if (api_allows(p, q, m, &v->host)) {
			protocol = protocol_reason(&plain, &v->host, q);
			verdict_set(v, protocol, protocol == EGRESS_ALLOWED ? API_RULE : NULL);
		} else if (v->host.kind == EGRESS_HOST_IP && m->near == NONE) {
			verdict_set(v, EGRESS_IP_LITERAL, NULL);
		} else {
			verdict_set(v, m->near_reason, m->near != NONE ? p->rules[m->near].id : NULL);
		}
	} else {
		protocol = r->allow ? protocol_reason(r, &v->host, q) : EGRESS_DENIED_BY_RULE;
		if (protocol == EGRESS_ALLOWED && r->bump && q->phase == EGRESS_AT_TUNNEL && str_is(&q->method, "CONNECT"))
			protocol = EGRESS_NOT_OPENED;
		verdict_set(v, protocol, reasons[protocol].builtin == NULL ? r->id : NULL);
		v->bump = v->allow && r->bump;
	}
}

/* What is allowed, as long as something is left of it. */
static void
budget_decide(const struct egress_policy *p, const struct match *m, int who, struct egress_verdict *v)
{
	uint64_t mine = who >= 0 ? p->identities[who].budgets : p->nobody_budgets;
	time_t now;
	int over;

	mine &= m->rule != NONE ? p->rules[m->rule].budgets : p->api_budgets;
	if (mine == 0)
		return;
	v->budgets = mine;
	if (p->usage == NULL) {
		verdict_set(v, EGRESS_NO_ACCOUNTS, NULL);
		return;
	}
	now = time(NULL);
	over = egress_usage_over(p->usage, mine, who, now);
	if (over < 0)
		return;
	verdict_set(v, EGRESS_OVER_BUDGET, v->rule);
	v->budget = p->conf.budgets[over].id;
	egress_usage_used(p->usage, (size_t)over, who, now, &v->until);
}

void
egress_decide(const struct egress_policy *p, const struct egress_request *q,
    struct egress_verdict *v)
{
	struct match m = { .rule = NONE, .near = NONE, .near_reason = EGRESS_NOT_ALLOWED };
	enum egress_reason r = EGRESS_NO_POLICY;
	int who = -1;

	egress_host_parse(&v->host, q->host.p, q->host.n);
	v->observed = v->bump = false;
	v->identity = "";
	v->budgets = 0;
	v->budget = NULL;
	v->until = 0;
	v->kind = EGRESS_APPLICATION;
	if (p != NULL) {
		who = egress_policy_identity(p, q);
		r = builtin_reason(p, &v->host, q);
	}
	if (who >= 0) {
		v->identity = p->conf.identities[who].id;
		v->kind = (enum egress_kind)p->conf.identities[who].kind;
		m.who = (uint64_t)1 << who;
	}
	m.method = egress_policy_method(q->method.p, q->method.n);
	if (r == EGRESS_ALLOWED)
		rules_decide(p, q, &m, v);
	else
		verdict_set(v, r, NULL);
	if (v->allow)
		budget_decide(p, &m, who, v);
	v->bump &= v->allow;
	if (!v->allow && p != NULL && p->conf.mode == EGRESS_OBSERVE && v->reason != EGRESS_NO_POLICY)
		v->allow = v->observed = true;
}
