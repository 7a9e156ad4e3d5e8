/* SPDX-License-Identifier: MIT */
/* Secrets on their way out: in bodies as sent and as their readers would unescape them, in documents, headers, addresses. */
#include "config.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/content_private.h"
#include "icap-llmsec/extract.h"
#include "icap-llmsec/secret.h"
#include "lib/arena.h"

/*
 * Where a key may go in a credential header: to the provider that issued it.  Kinds by the beginning of their name in
 * secret_table.c; a kind without a home may go anywhere in such a header, for it is there that credentials belong.
 */
static const struct { const char *kind, *host; } homes[] = {
	{"openai_project", ".openai.com"}, {"openai_service", ".openai.com"}, {"anthropic", ".anthropic.com"}, {"google_", ".googleapis.com"},
	{"google_", ".google.com"}, {"github_", ".github.com"}, {"github_", ".githubusercontent.com"}, {"github_", ".ghcr.io"},
	{"npm", ".npmjs.org"}, {"npm", ".npmjs.com"}, {"pypi", ".pypi.org"}, {"docker_", ".docker.com"}, {"docker_", ".docker.io"},
	{"groq", ".groq.com"}, {"huggingface", ".huggingface.co"}, {"huggingface", ".hf.co"}, {"openrouter", ".openrouter.ai"},
	{"perplexity", ".perplexity.ai"}, {"xai", ".x.ai"}, {"replicate", ".replicate.com"}, {"stripe_", ".stripe.com"},
	{"slack_", ".slack.com"}, {"aws_", ".amazonaws.com"}, {"digitalocean_", ".digitalocean.com"}, {"sendgrid", ".sendgrid.com"},
	{"telegram", ".telegram.org"}, {"discord", ".discord.com"}, {"cerebras", ".cerebras.ai"}, {"fireworks", ".fireworks.ai"},
	{"together", ".together.xyz"}, {"together", ".together.ai"}, {"tavily", ".tavily.com"}, {"voyage", ".voyageai.com"},
	{"nvidia", ".nvidia.com"}, {"pinecone", ".pinecone.io"}, {"jina", ".jina.ai"}, {"linear", ".linear.app"}, {"figma", ".figma.com"},
	{"notion", ".notion.com"}, {"notion", ".notion.so"}, {"dropbox", ".dropboxapi.com"}, {"dropbox", ".dropbox.com"},
	{"mailgun", ".mailgun.net"}, {"airtable", ".airtable.com"}, {"pulumi", ".pulumi.com"}, {"doppler", ".doppler.com"},
	{"langsmith", ".langchain.com"}, {"rubygems", ".rubygems.org"}, {"nuget", ".nuget.org"}, {"crates_io", ".crates.io"},
	{"circleci", ".circleci.com"}, {"shopify_", ".myshopify.com"}, {"shopify_", ".shopify.com"}, {"square_", ".squareup.com"},
	{"netlify", ".netlify.com"},
};

static bool
host_below(const char *host, const char *suffix)
{
	size_t n = strlen(host), k = strlen(suffix);

	return (n >= k && strcasecmp(host + n - k, suffix) == 0) || strcasecmp(host, suffix + 1) == 0;
}

static bool
is_at_home(const char *kind, const char *host)
{
	bool has_home = false;

	for (size_t i = 0; i < sizeof(homes) / sizeof(*homes); i++)
		if (strncmp(kind, homes[i].kind, strlen(homes[i].kind)) == 0) {
			has_home = true;
			if (host_below(host, homes[i].host))
				return true;
		}
	return !has_home;
}

static bool
is_credential_header(const char *name)
{
	static const char *const names[] = {"Authorization", "Proxy-Authorization", "Cookie", "x-api-key", "api-key", "x-goog-api-key",
	    "Ocp-Apim-Subscription-Key", "X-Auth-Token", "PRIVATE-TOKEN", "X-Amz-Security-Token", "apikey"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static void
tell(struct content *c, enum content_mode mode, const struct secret_hit *h, const char *where)
{
	content_found(c, mode, h->what->rule_id, h->what->name, where, "keys and passwords may not leave", 403);
}

void
content_scan(struct content *c, const char *text, size_t len, const char *where)
{
	struct arena_mark mark = arena_mark(c->arena);
	struct secret_hit *h;
	size_t n;

	if (secret_find(c->conf->finder, text, len, c->arena, &h, &n) < 0) {
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", where, "no memory to look at it", 503);
		return;
	}
	for (size_t i = 0; i < n; i++)
		tell(c, c->secrets == CONTENT_MASK ? CONTENT_BLOCK : c->secrets, &h[i], where);
	arena_rewind(c->arena, mark);
}

/*
 * Text as it's sent.  <at>: the same bytes in the body that goes out, NULL.  What got stars there gets them here, too, or it would
 * be found again under the escapes next to it.
 */
static void
scan_raw(struct content *c, const struct piece *p, char *at)
{
	struct secret_hit *h;
	size_t n;
	bool stars = c->secrets == CONTENT_MASK && at != NULL;

	if (secret_find(c->conf->finder, p->data, p->len, c->arena, &h, &n) < 0) {
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", p->where, "no memory to look at it", 503);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		tell(c, c->secrets == CONTENT_MASK && !stars ? CONTENT_BLOCK : c->secrets, &h[i], p->where);
		if (stars) {
			memset(at + h[i].start, '*', h[i].len);
			memset(c->win.data + (p->data - c->win.data) + h[i].start, '*', h[i].len);
		}
	}
}

static char *
place_in_body(struct content *c, const struct piece *p)
{
	const char *win = buf_ptr(&c->win);

	if (c->body == NULL || p->data < win || p->data + p->len > win + buf_len(&c->win) || buf_len(&c->win) != c->body_len)
		return NULL;
	return c->body + (p->data - win);
}

/*
 * What only begins like a document is read as what it is; what can't be read, or not to its end, isn't taken for harmless.  Of a long run
 * of base64 only the front is here (blob.h): that it ends too early says nothing.
 */
static void
scan_document(struct content *c, const struct piece *p, const struct filetype *f)
{
	struct extract_limits lim = {.text = (size_t)c->conf->max_whole, .unpacked = content_room(c)};
	struct extracted x;
	int rc;

	scan_raw(c, p, place_in_body(c, p));
	if (c->step == CONTENT_REFUSED)
		return;
	rc = extract_text(p->data, p->len, &lim, c->arena, &x);
	c->unpacked += rc == 0 ? x.unpacked : 0;
	if (rc == 0 && x.len > 0)
		content_scan(c, x.text, x.len, p->where);
	if (rc < 0)
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", f->name, p->where, "no memory to look at it", 503);
	else if (p->whole && (x.code == EXTRACT_LIMIT || (x.code == EXTRACT_UNREADABLE && !x.pictures)))
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", f->name, p->where, "a document that cannot be read", 403);
}

void
content_secrets(struct content *c, const struct piece *p, const struct filetype *f)
{
	if (p->len == 0)
		return;
	if (f->class == FT_DOCUMENT || strcmp(f->name, "utf16") == 0) {
		scan_document(c, p, f);
		return;
	}
	if (f->class != FT_TEXT && f->class != FT_DATA && strcmp(f->name, "script") != 0 && strcmp(f->name, "batch") != 0 &&
	    strcmp(f->name, "svg") != 0)
		return;
	scan_raw(c, p, place_in_body(c, p));
}

/* --- headers and addresses ---------------------------------------------------------------------------------- */

#define LAYERS	3		/* of escapes in a value */

struct value {
	struct content	*c;
	const char	*where;		/* "header", "url" */
	bool		 credential;	/* keys belong there, to their provider */
};

static void
scan_value(const struct value *v, const char *p, size_t len)
{
	struct content *c = v->c;
	struct arena_mark mark = arena_mark(c->arena);
	bool url = strcmp(v->where, "url") == 0;
	struct secret_hit *h;
	size_t n;

	if (secret_find(c->conf->finder, p, len, c->arena, &h, &n) < 0) {
		content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", "header", "no memory to look at it", 503);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if ((v->credential || url) && is_at_home(h[i].what->name, c->in.host) && (v->credential || h[i].what->group != SECRET_PASSWORD))
			continue;
		tell(c, c->secrets == CONTENT_MASK ? CONTENT_BLOCK : c->secrets, &h[i], v->where);
	}
	arena_rewind(c->arena, mark);
}

static bool
on_run(void *arg, const void *data, size_t len, bool whole)
{
	const struct value *v = arg;

	(void)whole;
	scan_value(v, data, len);
	return v->c->step != CONTENT_REFUSED;
}

/* As sent, in base64 ("Basic"), and as its readers unescape it. */
static void
scan_layers(const struct value *v, const char *p, size_t len)
{
	struct blob b;
	char *copy;
	bool any = true;

	for (unsigned i = 0; any && v->c->step != CONTENT_REFUSED; i++) {
		scan_value(v, p, len);
		blob_begin(&b, on_run, (void *)(uintptr_t)v);
		if (v->c->step != CONTENT_REFUSED && blob_feed(&b, p, len))
			blob_end(&b);
		blob_free(&b);
		if (i == LAYERS || (copy = arena_alloc(v->c->arena, len)) == NULL)
			break;
		len = content_unescape(p, len, copy, CONTENT_PERCENT | CONTENT_BACKSLASH, &any);
		p = copy;
	}
}

void
content_header(struct content *c, const char *name, const char *value, size_t len)
{
	bool url = strcmp(name, "url") == 0;
	struct value v = {c, url ? "url" : "header", !url && is_credential_header(name)}, plain = {c, "header", false};

	if (c->secrets <= CONTENT_ALLOW || c->step == CONTENT_REFUSED)
		return;
	if (!url)
		scan_value(&plain, name, strlen(name));
	if (len > 0 && c->step != CONTENT_REFUSED)
		scan_layers(&v, value, len);
}
