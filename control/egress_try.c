/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <yaml.h>

#include "control/egress_try.h"
#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/set_file.h"
#include "squid-helpers/egress_accounts.h"
#include "squid-helpers/egress_lists.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_threats.h"
#include "squid-helpers/egress_usage.h"

int
egress_try_read(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "re");
	char *room;
	size_t n;

	if (f == NULL)
		return -errno;
	b->max = (size_t)64 << 20;
	while ((room = buf_room(b, 65536)) != NULL && (n = fread(room, 1, 65536, f)) > 0)
		buf_wrote(b, n);
	fclose(f);
	return b->err;
}

static int
load(const char *path, const char *text, size_t len, struct egress_policy **p, char *why, size_t size)
{
	struct diag *d = diag_new();
	int r = d != NULL ? egress_policy_load(p, path, text, len, d) : -ENOMEM;

	if (r < 0)
		snprintf(why, size, "%s", r == -EINVAL ? diag_first(d) : strerror(-r));
	diag_free(&d);
	return r;
}

/* Is <key> one of the keys of the map that <text> is?  <text> is known to be YAML. */
static bool
has_key(const char *text, size_t len, const char *key)
{
	bool found = false, more = true, is_key = true;
	yaml_parser_t y;
	yaml_event_t e;
	int depth = 0;

	if (!yaml_parser_initialize(&y))
		return false;
	yaml_parser_set_input_string(&y, (const unsigned char *)text, len);
	while (more && !found && yaml_parser_parse(&y, &e)) {
		bool scalar = e.type == YAML_SCALAR_EVENT;

		more = e.type != YAML_STREAM_END_EVENT;
		if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT)
			depth--;
		if (depth == 1 && scalar && is_key)
			found = strcmp((const char *)e.data.scalar.value, key) == 0;
		/* A key is a scalar here, and what follows it, a list or a map with all that is in it too, its value. */
		if (depth == 1 && (scalar || e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT))
			is_key = !is_key;
		if (e.type == YAML_MAPPING_START_EVENT || e.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&y);
	return found;
}

int
egress_try_valid(const char *path, const char *text, size_t len, char *why, size_t size)
{
	struct egress_policy *p = NULL;
	int r = load(path, text, len, &p, why, size);

	egress_policy_free(&p);
	return r;
}

int
egress_try_check(const char *path, const char *text, size_t len, char *why, size_t size)
{
	struct egress_policy *p = NULL;
	int r = load(path, text, len, &p, why, size);

	/* What a push of the wrong file, or of none, would be: it would cut off everybody. */
	if (r == 0 && egress_policy_conf(p)->n_rules == 0 && egress_policy_conf(p)->mode == EGRESS_ENFORCE &&
	    !has_key(text, len, "rules")) {
		snprintf(why, size, "%s: no rules: everything would be refused; if it is to be, write \"rules: []\"", path);
		r = -EINVAL;
	}
	egress_policy_free(&p);
	return r;
}

/* scheme://authority/path, or authority for a tunnel.  Strings in <q> point into <url>. */
static bool
url_split(const char *url, struct egress_request *q)
{
	const char *colon = strstr(url, "://"), *host = colon != NULL ? colon + 3 : url, *end, *port;
	size_t n = strcspn(host, "/?#");

	q->port = 443;
	if (colon != NULL) {
		q->scheme = (struct egress_str){ url, (size_t)(colon - url) };
		q->port = q->scheme.n == 4 && strncasecmp(url, "http", 4) == 0 ? 80 : 443;
		end = host + n + strcspn(host + n, "#");
		q->path = host[n] == '/' ? (struct egress_str){ host + n, (size_t)(end - host) - n } : (struct egress_str){ "/", 1 };
	}
	port = memrchr(host, ':', n);
	if (port != NULL && memchr(port, ']', n - (size_t)(port - host)) == NULL && (host[0] == '[' || memchr(host, ':', n) == port)) {
		char *stop;
		unsigned long v = strtoul(port + 1, &stop, 10);

		if (stop != host + n || v < 1 || v > 65535)
			return false;
		q->port = (unsigned)v;
		n = (size_t)(port - host);
	}
	q->host = (struct egress_str){ host, n };
	return n > 0;
}

/* <identity> is an address, the id of an identity, or a user. */
static void
identity_set(struct egress_request *q, const char *identity)
{
	struct egress_str s = { identity, strlen(identity) };
	struct egress_host h;

	egress_host_parse(&h, s.p, s.n);
	if (h.kind == EGRESS_HOST_IP)
		q->src = s;
	else
		q->as = q->user = s;
}

/* What it counts for, and how much of that is used. */
static void
budgets_write(struct buf *b, const struct egress_policy *p, const struct egress_usage *u, const struct egress_verdict *v)
{
	const struct egress_conf *c = egress_policy_conf(p);
	time_t until, now = time(NULL);
	const char *sep = "";
	int who = -1;

	for (size_t i = 0; i < c->n_identities; i++)
		if (strcmp(c->identities[i].id, v->identity) == 0)
			who = (int)i;
	for (uint64_t m = v->budgets; u != NULL && m != 0; m &= m - 1) {
		const struct egress_conf_budget *g = &c->budgets[__builtin_ctzll(m)];
		uint64_t used = egress_usage_used(u, (size_t)__builtin_ctzll(m), who, now, &until);

		buf_printf(b, "%s{\"id\":\"%s\",\"used\":%llu,\"bytes\":%lld,\"until\":%lld}", sep, g->id,
		    (unsigned long long)used, (long long)g->bytes, (long long)until);
		sep = ",";
	}
}

static void
verdict_write(struct buf *b, const struct egress_policy *p, const struct egress_usage *u, const struct egress_request *q,
    const struct egress_verdict *v)
{
	buf_printf(b, "{\"decision\":\"%s\",\"reason\":\"%s\",\"rule\":\"%s\",\"would_deny\":%s,\"host\":\"",
	    !v->allow ? "deny" : v->bump ? "bump" : q->scheme.n == 0 ? "splice" : "allow", egress_reason_str(v->reason),
	    v->rule, v->observed ? "true" : "false");
	buf_add_json(b, v->host.name, v->host.len);
	buf_printf(b, "\",\"port\":%u,\"identity\":\"%s\",\"budgets\":[", q->port, v->identity);
	budgets_write(b, p, u, v);
	buf_adds(b, "]}\n");
}

int
egress_try(const char *path, const char *url, const char *identity, const char *method, struct buf *out, char *why,
    size_t size)
{
	struct egress_request q = { .phase = EGRESS_AT_REQUEST };
	struct egress_lists *lists = NULL;
	struct egress_usage *usage = NULL;
	struct egress_policy *p = NULL;
	struct egress_threats threats;
	struct egress_verdict v;
	struct buf text = {0};
	int r;

	if (!url_split(url, &q)) {
		snprintf(why, size, "no URL");
		return -EINVAL;
	}
	method = method != NULL ? method : q.scheme.n > 0 ? "GET" : "CONNECT";
	q.method = (struct egress_str){ method, strlen(method) };
	if (identity != NULL)
		identity_set(&q, identity);
	r = egress_try_read(path, &text);
	if (r < 0)
		snprintf(why, size, "%s: %s", path, strerror(-r));
	else if (load(path, buf_ptr(&text), buf_len(&text), &p, why, size) < 0)
		r = -EBADMSG;
	buf_free(&text);
	if (r < 0)
		return r;
	egress_threats_load(&threats, &egress_policy_conf(p)->threats, SET_QUICK, NULL);
	if (*egress_policy_conf(p)->lists.path != '\0')
		egress_lists_load(&lists, egress_policy_conf(p)->lists.path, NULL);
	egress_policy_threats(p, &threats);
	egress_policy_lists(p, lists);
	usage = egress_accounts_peek(egress_policy_conf(p));
	egress_policy_usage(p, usage);
	egress_decide(p, &q, &v);
	verdict_write(out, p, usage, &q, &v);
	egress_usage_free(&usage);
	egress_policy_free(&p);
	egress_lists_free(&lists);
	egress_threats_close(&threats);
	return 0;
}
