/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/req_raw.h"
#include "tests/unit/bot/cases.h"

static void
broken(const char *path, const char *what, const char *text)
{
	fprintf(stderr, "%s: %s: %s\n", path, what, text);
	exit(99);
}

static enum bot_proof
case_prove(void *arg, const struct bot_agent *a, const char *ip)
{
	(void)a;
	(void)ip;
	return ((const struct bot_case *)arg)->proof;
}

static void
behave_set(struct behave_view *b, const char *path, char *text)
{
	static const struct {
		const char	*name;
		size_t		 offset;
	} keys[] = {
		{"requests", offsetof(struct behave_view, requests)}, {"errors", offsetof(struct behave_view, errors)},
		{"distinct_paths", offsetof(struct behave_view, distinct_paths)},
		{"waf_hits", offsetof(struct behave_view, waf_hits)}, {"pages", offsetof(struct behave_view, pages)},
		{"assets", offsetof(struct behave_view, assets)}, {"bans", offsetof(struct behave_view, bans)},
	};
	char *save, *eq;
	size_t i;

	for (char *t = strtok_r(text, ",", &save); t != NULL; t = strtok_r(NULL, ",", &save)) {
		eq = strchr(t, '=');
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]) && eq != NULL; i++)
			if (strncmp(t, keys[i].name, (size_t)(eq - t)) == 0 && keys[i].name[eq - t] == '\0')
				break;
		if (eq == NULL || i == sizeof(keys) / sizeof(keys[0]))
			broken(path, "behave", t);
		else
			*(uint32_t *)((char *)b + keys[i].offset) = (uint32_t)atoi(eq + 1);
	}
}

static const char *
hello_known(const char *path, const char *text)
{
	static const char *const all[] = {"ok", "short", "malformed", "not-hello"};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(text, all[i]) == 0)
			return all[i];
	broken(path, "hello", text);
	return "";
}

static void
key_set(struct bot_case *c, const char *path, char *line)
{
	char *v = strchr(line, ':');

	if (v == NULL)
		broken(path, c->name, line);
	*v++ = '\0';
	v += strspn(v, " ");
	if (strcmp(line, "about") == 0)
		c->about = v;
	else if (strcmp(line, "ip") == 0)
		snprintf(c->req.ip, sizeof(c->req.ip), "%s", v);
	else if (strcmp(line, "ja4") == 0)
		c->ja4 = v;
	else if (strcmp(line, "sni") == 0)
		c->req.sni = (struct span){v, strlen(v)};
	else if (strcmp(line, "hello") == 0)
		c->req.hello = hello_known(path, v);
	else if (strcmp(line, "proof") == 0)
		c->proof = v[0] == 't' ? PROOF_TRUE : v[0] == 'f' ? PROOF_FALSE : v[0] == 'p' ? PROOF_PENDING : PROOF_NONE;
	else if (strcmp(line, "behave") == 0)
		behave_set(&c->in.behave, path, v);
	else if (strcmp(line, "waf") == 0)
		c->in.waf_score = atoi(v);
	else if (strcmp(line, "country") == 0)
		c->in.country = v;
	else if (strcmp(line, "asn") == 0)
		c->in.asn = (uint32_t)strtoul(v, NULL, 10);
	else if (strcmp(line, "intel") == 0)
		c->in.intel = atoi(v);
	else if (strcmp(line, "intel_site") == 0)
		c->in.intel_site = atoi(v);
	else if (strcmp(line, "bot") == 0)
		c->bot = atoi(v);
	else if (strcmp(line, "threat") == 0)
		c->threat = atoi(v);
	else if (strcmp(line, "ids") == 0)
		c->ids = v;
	else
		broken(path, c->name, line);
}

/* Lines end in CRLF on the wire. */
static void
request_read(struct bot_case *c, const char *text, struct arena *a)
{
	size_t n = strlen(text), k = 0;
	char *wire = arena_alloc(a, 2 * n + 1);
	struct req_view keep = c->req, r;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			wire[k++] = '\r';
		wire[k++] = text[i];
	}
	if (req_raw_read(&r, wire, k, a, NULL) != 0)
		exit(99);
	memcpy(r.ip, keep.ip, sizeof(r.ip));
	r.sni = keep.sni;
	r.hello = keep.hello[0] == '\0' && c->ja4[0] != '\0' ? "ok" : keep.hello;
	c->req = r;
}

static void
case_read(struct bot_case *c, const char *path, char *text, struct arena *a)
{
	char *line = strsep(&text, "\n");

	req_view_init(&c->req);
	c->name = line;
	c->about = c->ja4 = c->ids = "";
	c->proof = PROOF_NONE;
	c->in.country = "ZZ";
	c->bot = c->threat = -1;
	while ((line = strsep(&text, "\n")) != NULL && strcmp(line, "----") != 0)
		key_set(c, path, line);
	if (text == NULL || c->bot < 0 || c->threat < 0)
		broken(path, "incomplete", c->name);
	request_read(c, text, a);
	c->in.req = &c->req;
	c->in.ja4 = c->ja4;
	c->in.waf_ran = c->in.waf_score > 0;
	c->in.prove = case_prove;
	c->in.prove_arg = c;
}

struct bot_case *
cases_load(const char *path, size_t *n, struct arena *a)
{
	FILE *f = fopen(path, "r");
	char *text = arena_alloc(a, 1 << 20), *p, *next;
	struct bot_case *c = arena_calloc(a, 1024, sizeof(*c));
	size_t len = f != NULL ? fread(text, 1, (1 << 20) - 1, f) : 0;

	if (f == NULL)
		broken(path, "cannot be read", "");
	else
		fclose(f);
	text[len] = '\0';
	*n = 0;
	for (p = strstr(text, "\n@ "); p != NULL && *n < 1024; p = next) {
		next = strstr(p + 1, "\n@ ");
		if (next != NULL)
			*next = '\0';
		case_read(&c[(*n)++], path, p + 3, a);
	}
	return c;
}

void
cases_options(struct bot_options *o)
{
	static char v1[] = "/v1/", v1beta[] = "/v1beta/", api[] = "/api/";
	static char *const paths[] = {v1, v1beta, api};
	static const struct bot_weighted countries[] = {{"XA", 0, 15}}, asns[] = {{"", 64500, 25}, {"", 64501, -30}};

	bot_defaults(o);
	o->api_paths = paths;
	o->n_api_paths = 3;
	o->countries = countries;
	o->n_countries = 1;
	o->asns = asns;
	o->n_asns = 2;
}
