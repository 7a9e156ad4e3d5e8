/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "control/egress_shape.h"
#include "control/squid_conf.h"
#include "lib/cidr.h"

#define PORTS_MAX	64
#define HELPER		"llmsec_egress"

/* Where names must not lead, by an address of each; and where they may if somebody's provider lives there. */
static const struct {
	const char	*address;
	bool		 must;
} guarded[] = { { "127.0.0.1", true }, { "::1", true }, { "169.254.169.254", true }, { "fe80::1", true }, { "10.0.0.1", false },
    { "172.16.0.1", false }, { "192.168.0.1", false }, { "100.64.0.1", false }, { "fd00::1", false } };
#define GUARDED	(sizeof(guarded) / sizeof(guarded[0]))

struct port {
	const char	*name;		/* myportname */
	bool		 accel, bump;
};

struct shape {
	const struct squid_conf	*conf;
	FILE			*out;
	int			 faults;
	struct port		 port[PORTS_MAX];
	int			 n_ports;
	/* Bits of <port>: all forward ports, those where every request is put to the helper, managers refused, ... so far. */
	uint64_t		 forward, asked, manager, guarded[GUARDED];
	bool			 everywhere;	/* the helper is asked on all ports: no port's name in that line */
};

/* One http_access line. */
struct access {
	const struct squid_line	*l;
	uint64_t		 ports;		/* where it applies */
	bool			 allow, bound;	/* to a port by its name */
	const char		*other;		/* its only ACL beside those of ports; NULL: none */
	size_t			 n_others;
	bool			 asks;		/* one of them is the helper, negated */
};

static void __attribute__((format(printf, 3, 4)))
fault(struct shape *s, const struct squid_line *l, const char *fmt, ...)
{
	va_list ap;

	fputs("error: ", s->out);
	if (l != NULL)
		fprintf(s->out, "%s:%d: ", l->file, l->line);
	va_start(ap, fmt);
	vfprintf(s->out, fmt, ap);
	va_end(ap);
	fputc('\n', s->out);
	s->faults++;
}

static bool
has_word(const struct squid_line *l, const char *word)
{
	for (size_t i = 1; i < l->n; i++)
		if (strcmp(l->word[i], word) == 0)
			return true;
	return false;
}

/* --- ACLs ------------------------------------------------------------------------------------- */

static const struct squid_line *
acl_next(const struct shape *s, const char *name, size_t *at)
{
	const struct squid_line *l;

	while ((l = squid_conf_next(s->conf, "acl", at)) != NULL)
		if (l->n >= 3 && strcmp(l->word[1], name) == 0)
			return l;
	return NULL;
}

/* Those that Squid 5 has by itself (src/cache_cf.cc, default_all; cf.data.pre, DEFAULT of acl). */
static const char *
acl_builtin(const char *name)
{
	static const char *const known[][2] = { { "all", "src" }, { "localhost", "src" }, { "to_localhost", "dst" },
	    { "to_linklocal", "dst" }, { "manager", "url_regex" }, { "CONNECT", "method" } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i][0]) == 0)
			return known[i][1];
	return "";
}

/* "" if there is none, or not of one type. */
static const char *
acl_type(const struct shape *s, const char *name)
{
	const char *type = acl_builtin(name);
	const struct squid_line *l;

	for (size_t at = 0; (l = acl_next(s, name, &at)) != NULL; ) {
		if (l->conditional || (*type != '\0' && strcmp(type, l->word[2]) != 0))
			return "";
		type = l->word[2];
	}
	return type;
}

static bool
acl_is(const struct shape *s, const char *name, const char *type)
{
	return strcmp(acl_type(s, name), type) == 0;
}

/* Does it put the request to the helper? */
static bool
acl_asks(const struct shape *s, const char *name)
{
	const struct squid_line *l;
	size_t n = 0;

	if (!acl_is(s, name, "external"))
		return false;
	for (size_t at = 0; (l = acl_next(s, name, &at)) != NULL; n++)
		if (l->n < 4 || strcmp(l->word[3], HELPER) != 0)
			return false;
	/* Two lines are two questions, and either answer would do. */
	return n == 1;
}

static bool
acl_has(const struct shape *s, const char *name, const char *value)
{
	const struct squid_line *l;

	for (size_t at = 0; (l = acl_next(s, name, &at)) != NULL; )
		if (has_word(l, value))
			return true;
	return false;
}

static uint64_t
acl_ports(const struct shape *s, const char *name)
{
	uint64_t ports = 0;

	for (int i = 0; i < s->n_ports; i++)
		if (acl_has(s, name, s->port[i].name))
			ports |= UINT64_C(1) << i;
	return ports;
}

/* Is an address in one of the networks of that ACL of type dst?  What stands in a file isn't looked for. */
static bool
acl_covers(const struct shape *s, const char *name, const char *address)
{
	const struct squid_line *l;
	struct cidr want, have;

	if (strcmp(name, "to_localhost") == 0 && (strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0))
		return true;
	if (strcmp(name, "to_linklocal") == 0 && (strcmp(address, "169.254.169.254") == 0 || strcmp(address, "fe80::1") == 0))
		return true;
	if (cidr_parse(address, &want) < 0)
		return false;
	for (size_t at = 0; (l = acl_next(s, name, &at)) != NULL; )
		for (size_t i = 3; i < l->n; i++)
			if (cidr_parse(l->word[i], &have) == 0 && cidr_covers(&have, &want))
				return true;
	return false;
}

/* --- ports ------------------------------------------------------------------------------------ */

static void
ports_take(struct shape *s, const char *directive)
{
	const struct squid_line *l;

	for (size_t at = 0; (l = squid_conf_next(s->conf, directive, &at)) != NULL; ) {
		struct port p = { .name = l->n > 1 ? l->word[1] : "" };

		for (size_t i = 2; i < l->n; i++) {
			if (strncmp(l->word[i], "name=", 5) == 0)
				p.name = l->word[i] + 5;
			p.accel |= strcmp(l->word[i], "accel") == 0 || strcmp(l->word[i], "vhost") == 0 ||
			    strncmp(l->word[i], "defaultsite=", 12) == 0;
			p.bump |= strcmp(l->word[i], "ssl-bump") == 0;
		}
		if (l->conditional)
			fault(s, l, "a port that may be there or not can't be judged");
		if (s->n_ports == PORTS_MAX) {
			fault(s, l, "more than %d ports", PORTS_MAX);
			return;
		}
		if (!p.accel)
			s->forward |= UINT64_C(1) << s->n_ports;
		s->port[s->n_ports++] = p;
	}
}

/* --- http_access ------------------------------------------------------------------------------ */

/* False, and a fault said, where Squid wouldn't take the line or nobody can tell what it takes. */
static bool
access_take(struct shape *s, const struct squid_line *l, struct access *a)
{
	*a = (struct access){ .l = l, .ports = UINT64_MAX };
	if (l->n < 3 || (strcmp(l->word[1], "allow") != 0 && strcmp(l->word[1], "deny") != 0)) {
		fault(s, l, "neither allow nor deny with an ACL: Squid leaves such a line out");
		return false;
	}
	a->allow = l->word[1][0] == 'a';
	for (size_t i = 2; i < l->n; i++) {
		const char *w = l->word[i], *name = w + (w[0] == '!');

		if (l->conditional || w[0] == '"' || w[0] == '\'' || strstr(w, "${") != NULL || *acl_type(s, name) == '\0') {
			fault(s, l, "%s is no ACL that can be judged: none of that name, of two types, from a file, or in an if", w);
			return false;
		}
		if (w[0] != '!' && acl_is(s, name, "myportname")) {
			a->ports &= acl_ports(s, name);
			a->bound = true;
			continue;
		}
		a->other = w;
		a->n_others++;
		a->asks |= w[0] == '!' && acl_asks(s, name);
	}
	return true;
}

static void
deny_take(struct shape *s, const struct access *a)
{
	uint64_t ports = a->ports & s->forward;

	if (a->asks && a->n_others == 1) {
		s->asked |= ports;
		s->everywhere |= !a->bound;
	} else if (a->asks) {
		fault(s, a->l, "one ACL more than the port's and the helper's: what it doesn't fit is never put to the helper");
	}
	if (a->n_others != 1 || a->other[0] == '!')
		return;
	if (acl_is(s, a->other, "url_regex") && (strcmp(a->other, "manager") == 0 || acl_has(s, a->other, "^cache_object://")))
		s->manager |= ports;
	if (!acl_is(s, a->other, "dst"))
		return;
	if (ports & ~s->asked)
		fault(s, a->l, "an address is asked for before the helper: names that are refused get resolved");
	for (size_t i = 0; i < GUARDED; i++)
		if (acl_covers(s, a->other, guarded[i].address))
			s->guarded[i] |= ports;
}

static void
allow_take(struct shape *s, const struct access *a)
{
	uint64_t ports = a->ports & s->forward;

	if (ports == 0)
		return;
	if (ports & ~s->asked)
		fault(s, a->l, "an http_access allow stands before the helper");
	if (!a->bound && !s->everywhere)
		fault(s, a->l, "an http_access allow is not bound to the forward port: an open relay");
	if (ports & ~s->manager)
		fault(s, a->l, "the cache manager is open: http_access deny llmsec_proxy llmsec_manager before every allow");
	for (size_t i = 0; i < GUARDED; i++)
		if (guarded[i].must && (ports & ~s->guarded[i])) {
			fault(s, a->l, "no guard of addresses (%s) behind the helper and before every allow: private-dst.conf",
			    guarded[i].address);
			break;
		}
}

static void
access_check(struct shape *s)
{
	const struct squid_line *l, *last = NULL;
	struct access a;

	for (size_t at = 0; (l = squid_conf_next(s->conf, "http_access", &at)) != NULL; last = l)
		if (access_take(s, l, &a)) {
			if (a.allow)
				allow_take(s, &a);
			else
				deny_take(s, &a);
		}
	if (s->forward == 0)
		fault(s, NULL, "no forward port: nothing to judge");
	if (s->forward & ~s->asked)
		fault(s, NULL, "nobody asks the helper: http_access deny llmsec_proxy !llmsec_egress before every allow");
	if (last == NULL || last->n != 3 || strcmp(last->word[1], "deny") != 0 || strcmp(last->word[2], "all") != 0 ||
	    !acl_is(s, "all", "src"))
		fault(s, last, "the last http_access line is not deny all");
	for (size_t i = 0; i < GUARDED; i++)
		if (!guarded[i].must && (s->forward & ~s->guarded[i]))
			fprintf(s->out, "note: names may lead to %s; right only if a provider of yours lives there\n", guarded[i].address);
}

/* --- the helper ------------------------------------------------------------------------------- */

static void
format_check(struct shape *s, const struct squid_line *l)
{
	/* As squid-helpers/egress_answer.c reads them, and what Squid called them before version 4. */
	static const char *const want[5][2] = { { "%>a", "%SRC" }, { "%>rm", "%METHOD" }, { "%>rd", "%DST" }, { "%>rP", "%PORT" },
	    { "%ssl::>sni", "%DATA" } };
	size_t at = 2;

	while (at < l->n && l->word[at][0] != '%')
		at++;
	for (size_t i = 0; i < 5; i++)
		if (at + i >= l->n || (strcmp(l->word[at + i], want[i][0]) != 0 && strcmp(l->word[at + i], want[i][1]) != 0)) {
			fault(s, l, HELPER ": its format begins %%>a %%>rm %%>rd %%>rP %%ssl::>sni");
			return;
		}
}

static void
helper_check(struct shape *s)
{
	const struct squid_line *l, *found = NULL;

	for (size_t at = 0; (l = squid_conf_next(s->conf, "external_acl_type", &at)) != NULL; ) {
		if (l->n < 3 || strcmp(l->word[1], HELPER) != 0)
			continue;
		if (found != NULL || l->conditional)
			fault(s, l, "external_acl_type " HELPER " twice, or in an if");
		found = l;
		if (!has_word(l, "ttl=0") || !has_word(l, "negative_ttl=0"))
			fault(s, l, HELPER ": answers are kept (ttl=0 negative_ttl=0): a change counts late");
		if (!has_word(l, "children-startup=0"))
			fault(s, l, HELPER ": children-startup=0, or Squid ends when helpers die");
		format_check(s, l);
	}
	if (found == NULL)
		fault(s, NULL, "no external_acl_type " HELPER);
}

/* --- TLS -------------------------------------------------------------------------------------- */

/* Who opens TLS must be told what comes through it: the 17th of the codes that egress_answer.c knows. */
static void
tag_check(struct shape *s)
{
	const struct squid_line *l;
	size_t first = 2;

	for (size_t at = 0; (l = squid_conf_next(s->conf, "external_acl_type", &at)) != NULL; )
		if (l->n > 2 && strcmp(l->word[1], HELPER) == 0)
			break;
	while (l != NULL && first < l->n && l->word[first][0] != '%')
		first++;
	if (l != NULL && (first + 16 >= l->n || (strcmp(l->word[first + 16], "%note{clt_conn_tag}") != 0 &&
	    strcmp(l->word[first + 16], "%{clt_conn_tag}note") != 0)))
		fault(s, l, "TLS is opened here and the helper does not see it: " HELPER "'s 17th code is %%note{clt_conn_tag}");
}

/* A tunnel goes on only by an answer of the helper's that had the ClientHello. */
static void
bump_check(struct shape *s)
{
	const struct squid_line *l, *last = NULL;
	bool opens = false;

	for (size_t at = 0; (l = squid_conf_next(s->conf, "ssl_bump", &at)) != NULL; last = l) {
		bool asks = false, passes = l->n > 1 && (strcmp(l->word[1], "splice") == 0 || strcmp(l->word[1], "bump") == 0);

		for (size_t i = 2; i < l->n; i++)
			asks |= l->word[i][0] != '!' && acl_asks(s, l->word[i]) &&
			    (acl_has(s, l->word[i], "hello") || acl_has(s, l->word[i], "bump"));
		opens |= passes && l->word[1][0] == 'b';
		if (l->conditional || (passes && !asks))
			fault(s, l, "a tunnel goes on and the helper saw no ClientHello: acl NAME external " HELPER " hello");
		else if (!passes && (l->n < 2 || (strcmp(l->word[1], "peek") != 0 && strcmp(l->word[1], "stare") != 0 &&
		    strcmp(l->word[1], "terminate") != 0)))
			fault(s, l, "ssl_bump: only peek, stare, splice, bump and terminate are judged");
	}
	if (last == NULL || last->n != 3 || strcmp(last->word[1], "terminate") != 0 || strcmp(last->word[2], "all") != 0)
		fault(s, last, "the last ssl_bump line is not terminate all");
	if (opens)
		tag_check(s);
}

static void
tls_check(struct shape *s)
{
	const struct squid_line *l;
	bool bump = false;

	for (int i = 0; i < s->n_ports; i++)
		bump |= s->port[i].bump && !s->port[i].accel;
	if (bump)
		bump_check(s);
	else
		fputs("note: nobody reads a tunnel's ClientHello: its server name, and whether it is TLS, is not judged\n", s->out);
	for (size_t at = 0; !bump && (l = squid_conf_next(s->conf, "acl", &at)) != NULL; )
		if (l->n > 4 && strcmp(l->word[2], "external") == 0 && strcmp(l->word[3], HELPER) == 0 && has_word(l, "opens"))
			fault(s, l, "the helper is told that TLS is opened (opens), and no port does");
}

/* --- budgets ---------------------------------------------------------------------------------- */

static bool
format_counts(const struct shape *s, const char *name)
{
	/* As squid-helpers/egress_accounts.c reads them. */
	static const char *const want[] = { "%ts", "%{identity}note", "%{budgets}note", "%>st", "%<st" };
	const size_t n = sizeof(want) / sizeof(want[0]);
	const struct squid_line *l;
	bool found = false;

	for (size_t at = 0; (l = squid_conf_next(s->conf, "logformat", &at)) != NULL; ) {
		if (l->n < 2 || strcmp(l->word[1], name) != 0)
			continue;
		if (found || l->conditional || l->n != n + 2)
			return false;
		for (size_t i = 0; i < n; i++)
			if (strcmp(l->word[i + 2], want[i]) != 0)
				return false;
		found = true;
	}
	return found;
}

/* The ports of whose requests an access_log line tells; those ACLs aside that leave out only what has no budget. */
static uint64_t
log_ports(const struct shape *s, const struct squid_line *l, bool *all)
{
	uint64_t ports = UINT64_MAX;

	*all = !l->conditional;
	for (size_t i = 2; i < l->n; i++) {
		const char *w = l->word[i];
		const struct squid_line *acl;
		size_t at = 0;

		if (strchr(w, '=') != NULL)
			continue;
		if (acl_is(s, w, "myportname"))
			ports &= acl_ports(s, w);
		else if (!acl_is(s, w, "note") || (acl = acl_next(s, w, &at)) == NULL || acl->n != 4 ||
		    strcmp(acl->word[3], "budgets") != 0)
			*all = false;
	}
	return ports;
}

static bool
log_counts(const struct shape *s, const struct squid_line *l, const char *path)
{
	const char *to = l->n > 1 ? l->word[1] : "";

	if ((strncmp(to, "stdio:", 6) != 0 || strcmp(to + 6, path) != 0) && (strncmp(to, "daemon:", 7) != 0 || strcmp(to + 7, path) != 0))
		return false;
	for (size_t i = 2; i < l->n; i++)
		if (strncmp(l->word[i], "logformat=", 10) == 0)
			return format_counts(s, l->word[i] + 10);
	return false;
}

/* A budget of which nobody tells the helper counts nothing, and allows. */
static void
budgets_check(struct shape *s, const char *path)
{
	uint64_t counted = 0, hidden = 0;
	const struct squid_line *l;

	for (size_t at = 0; (l = squid_conf_next(s->conf, "access_log", &at)) != NULL; ) {
		bool all;
		uint64_t ports = log_ports(s, l, &all);

		/* What fits a "none" goes into no log behind it (src/log/access_log.cc). */
		if (l->n > 1 && strcmp(l->word[1], "none") == 0)
			hidden |= ports;
		else if (all && log_counts(s, l, path))
			counted |= ports & ~hidden;
	}
	if (s->forward & ~counted)
		fault(s, NULL, "the policy has budgets, and Squid doesn't write to %s what passed: include llmsec-budget.conf", path);
}

const char *
egress_shape_policy(const struct squid_conf *conf)
{
	const struct squid_line *l;

	for (size_t at = 0; (l = squid_conf_next(conf, "external_acl_type", &at)) != NULL; )
		for (size_t i = 2; l->n > 1 && strcmp(l->word[1], HELPER) == 0 && i < l->n; i++) {
			const char *w = l->word[i];

			if ((strcmp(w, "-c") == 0 || strcmp(w, "--config") == 0) && i + 1 < l->n)
				return l->word[i + 1];
			if (strncmp(w, "-c", 2) == 0 || strncmp(w, "--config=", 9) == 0)
				return w + (w[1] == 'c' ? 2 : 9);
		}
	return NULL;
}

int
egress_shape_opens_tls(const struct squid_conf *conf)
{
	const struct squid_line *l;

	for (size_t at = 0; (l = squid_conf_next(conf, "http_port", &at)) != NULL; )
		if (has_word(l, "ssl-bump"))
			return 1;
	return 0;
}

int
egress_shape_check(const struct squid_conf *conf, const char *budget_log, FILE *out)
{
	struct shape s = { .conf = conf, .out = out };
	const struct squid_line *l;
	size_t at = 0;

	ports_take(&s, "http_port");
	ports_take(&s, "https_port");
	helper_check(&s);
	access_check(&s);
	tls_check(&s);
	if (budget_log != NULL)
		budgets_check(&s, budget_log);
	if ((l = squid_conf_next(conf, "url_rewrite_program", &at)) != NULL)
		fault(&s, l, "url_rewrite_program: it may send a request elsewhere after it was judged");
	for (at = 0; (l = squid_conf_next(conf, "configuration_includes_quoted_values", &at)) != NULL; )
		if (has_word(l, "on"))
			fault(&s, l, "quoted values can't be judged");
	return s.faults;
}
