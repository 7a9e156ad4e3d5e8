/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "ti-sync/collect.h"

void
ti_collect_refuse(struct ti_collect *c, enum ti_reason why, const char *p, size_t n)
{
	size_t k = c->refused[why]++;
	struct ti_example *e;
	size_t i;

	if (k >= TI_EXAMPLES)
		return;
	e = &c->example[why][k];
	e->line = c->line;
	for (i = 0; i < n && i < sizeof(e->text) - 1; i++)
		e->text[i] = p[i] >= ' ' && p[i] < 0x7f ? p[i] : '?';
	e->text[i] = '\0';
}

size_t
ti_collect_entries(const struct ti_collect *c)
{
	return c->names.n + c->nets.n;
}

size_t
ti_collect_refused(const struct ti_collect *c)
{
	size_t sum = 0;

	for (int i = 0; i < TI_REASONS; i++)
		sum += c->refused[i];
	return sum;
}

void
ti_collect_free(struct ti_collect *c)
{
	ti_keys_free(&c->names);
	ti_keys_free(&c->nets);
}

static void
key_add(struct ti_collect *c, struct ti_keys *k, const void *key, size_t n)
{
	if (c->max_entries != 0 && ti_collect_entries(c) >= c->max_entries)
		c->err = -EFBIG;
	else
		c->err = ti_keys_add(k, key, n);
}

static void
net_add(struct ti_collect *c, const char *p, size_t n)
{
	struct cidr v[64];
	size_t k = 0;
	enum ti_reason r = ti_canon_net(v, &k, p, n);

	if (r == TI_OK && c->want == TI_WANT_DOMAINS)
		r = TI_WRONG_KIND;
	for (size_t i = 0; r == TI_OK && i < k; i++)
		r = ti_net_reserved(&v[i]);
	if (r != TI_OK) {
		ti_collect_refuse(c, r, p, n);
		return;
	}
	for (size_t i = 0; c->err == 0 && i < k; i++) {
		uint8_t key[TI_NET_KEY];

		ti_key_of_net(key, &v[i]);
		key_add(c, &c->nets, key, sizeof(key));
	}
}

static void
name_add(struct ti_collect *c, const char *p, size_t n)
{
	char name[256], key[TI_KEY_MAX];
	size_t len = 0;
	enum ti_reason r = ti_canon_name(name, &len, p, n);

	if (r == TI_OK && c->want == TI_WANT_NETS)
		r = TI_WRONG_KIND;
	if (r == TI_OK)
		r = ti_name_reserved(name, len);
	if (r != TI_OK) {
		ti_collect_refuse(c, r, p, n);
		return;
	}
	len = ti_key_of_name(key, name, len);
	key_add(c, &c->names, key, len);
}

/* Something behind a slash, a scheme or a port: it was a URL. */
static bool
is_url(const char *p, size_t n)
{
	return memchr(p, '/', n) != NULL || memchr(p, ':', n) != NULL;
}

bool
ti_collect_token(struct ti_collect *c, const char *p, size_t n)
{
	if (c->err != 0)
		return false;
	c->tokens++;
	if (ti_looks_like_net(p, n))
		net_add(c, p, n);
	else if (is_url(p, n)) {
		const char *host = p;
		size_t len = n;

		if (!ti_url_host(&host, &len))
			ti_collect_refuse(c, TI_BAD_NAME, p, n);
		else if (ti_looks_like_net(host, len))
			net_add(c, host, len);
		else
			name_add(c, host, len);
	} else
		name_add(c, p, n);
	return c->err == 0;
}

bool
ti_collect_url(struct ti_collect *c, const char *p, size_t n)
{
	const char *host = p;
	size_t len = n;

	if (c->err != 0)
		return false;
	if (ti_url_host(&host, &len))
		return ti_collect_token(c, host, len);
	c->tokens++;
	ti_collect_refuse(c, TI_BAD_NAME, p, n);
	return true;
}
