/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "haproxy-spoa/bot/addresses.h"
#include "lib/buf.h"
#include "lib/cidr.h"
#include "lib/diag.h"
#include "lib/json.h"

#define FILE_MAX	((size_t)16 << 20)
#define LIST_MAX	200000
#define LINE_MAX_	80

struct range {
	uint8_t	lo[16], hi[16];
};

struct addresses {
	struct range	*v;
	size_t		 n, cap;
};

struct load {
	struct addresses *a;
	struct diag	*diag;
	const char	*name;
	int		 rc;
};

static void
range_of(struct range *r, const struct cidr *c)
{
	memcpy(r->lo, c->addr, 16);
	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = c->len > 8 * i ? c->len - 8 * i : 0;

		r->hi[i] = (uint8_t)(r->lo[i] | (bits >= 8 ? 0 : 0xff >> bits));
	}
}

static bool
too_wide(const struct cidr *c)
{
	return c->len < (cidr_is_v4(c) ? 96 + 8 : 16);
}

static int
addresses_add(struct addresses *a, const struct cidr *c)
{
	struct range *v;

	if (a->n == LIST_MAX)
		return -E2BIG;
	if (a->n == a->cap) {
		v = realloc(a->v, (a->cap ? 2 * a->cap : 64) * sizeof(*v));
		if (v == NULL)
			return -ENOMEM;
		a->v = v;
		a->cap = a->cap ? 2 * a->cap : 64;
	}
	range_of(&a->v[a->n++], c);
	return 0;
}

/* <text> is NUL-terminated. */
static void
load_text(struct load *l, const char *text, int line)
{
	struct cidr c;

	if (cidr_parse(text, &c) != 0)
		diag_error(l->diag, l->name, line, 0, "\"%.60s\" is neither an address nor a network", text);
	else if (too_wide(&c))
		diag_error(l->diag, l->name, line, 0, "%.60s is wider than any crawler's network", text);
	else
		l->rc = addresses_add(l->a, &c);
}

static void
load_lines(struct load *l, const char *p, size_t len)
{
	const char *end = p + len, *lf;
	char text[LINE_MAX_];
	size_t n;

	for (int line = 1; p < end && l->rc == 0; line++, p = lf < end ? lf + 1 : end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		for (n = 0; p + n < lf && p[n] != '#'; n++)
			;
		while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
			n--;
		for (; n > 0 && (*p == ' ' || *p == '\t'); n--)
			p++;
		if (n == 0)
			continue;
		n = n < sizeof(text) ? n : sizeof(text) - 1;
		memcpy(text, p, n);
		text[n] = '\0';
		load_text(l, text, line);
	}
}

static bool
key_names_address(const struct json_value *v)
{
	static const char *const keys[] = {"ipv4Prefix", "ipv6Prefix", "ip_prefix", "ipv6_prefix", "cidr", "ip"};
	const struct json_step *s = &v->path[v->depth - 1];

	if (s->key == NULL)
		return true;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (s->key_len == strlen(keys[i]) && memcmp(s->key, keys[i], s->key_len) == 0)
			return true;
	return false;
}

static int
load_json_value(void *arg, const struct json_value *v)
{
	struct load *l = arg;
	char text[LINE_MAX_];
	size_t n = v->text_len < sizeof(text) ? v->text_len : sizeof(text) - 1;

	if (v->type != JSON_STRING || v->depth == 0 || !key_names_address(v))
		return 0;
	memcpy(text, v->text, n);
	text[n] = '\0';
	load_text(l, text, 0);
	return l->rc != 0;
}

static void
load_json(struct load *l, const char *p, size_t len)
{
	const char *why = NULL;
	uint64_t at = 0;
	int rc = json_scan_all(p, len, 0, NULL, load_json_value, l, &why, &at);

	if (rc < 0 && l->rc == 0)
		diag_error(l->diag, l->name, 0, 0, "byte %llu: %s", (unsigned long long)at, why ? why : strerror(-rc));
}

static int
range_compare(const void *pa, const void *pb)
{
	return memcmp(((const struct range *)pa)->lo, ((const struct range *)pb)->lo, 16);
}

/* Networks nest or are disjoint: of sorted ones, those inside the one before are gone. */
static void
ranges_merge(struct addresses *a)
{
	size_t n = 0;

	qsort(a->v, a->n, sizeof(*a->v), range_compare);
	for (size_t i = 0; i < a->n; i++) {
		if (n > 0 && memcmp(a->v[i].lo, a->v[n - 1].hi, 16) <= 0) {
			if (memcmp(a->v[i].hi, a->v[n - 1].hi, 16) > 0)
				memcpy(a->v[n - 1].hi, a->v[i].hi, 16);
			continue;
		}
		a->v[n++] = a->v[i];
	}
	a->n = n;
}

int
addresses_parse(struct addresses **ap, const char *name, const char *text, size_t len, struct diag *d)
{
	struct load l = {.diag = d, .name = name};
	int before = diag_errors(d);
	size_t i = 0;

	*ap = l.a = calloc(1, sizeof(*l.a));
	if (l.a == NULL)
		return -ENOMEM;
	while (i < len && strchr(" \t\r\n", text[i]) != NULL)
		i++;
	if (i < len && (text[i] == '{' || text[i] == '['))
		load_json(&l, text, len);
	else
		load_lines(&l, text, len);
	if (l.rc == 0 && diag_errors(d) == before && l.a->n == 0)
		diag_error(d, name, 0, 0, "no address in it");
	if (l.rc == 0 && diag_errors(d) != before)
		l.rc = -EINVAL;
	if (l.rc == 0)
		ranges_merge(l.a);
	else
		addresses_free(ap);
	return l.rc;
}

int
addresses_load(struct addresses **ap, const char *path, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = fd < 0 ? -errno : 0;
	struct buf b = {.max = FILE_MAX};
	ssize_t n = 1;
	char *room;

	*ap = NULL;
	while (rc == 0 && n > 0) {
		room = buf_room(&b, 65536);
		n = room != NULL ? read(fd, room, 65536) : 0;
		if (room == NULL)
			rc = b.err;
		else if (n < 0)
			rc = -errno;
		else
			buf_wrote(&b, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		rc = addresses_parse(ap, path, buf_ptr(&b), buf_len(&b), d);
	else
		diag_error(d, path, 0, 0, "%s", strerror(-rc));
	buf_free(&b);
	return rc;
}

void
addresses_free(struct addresses **ap)
{
	struct addresses *a = *ap;

	*ap = NULL;
	if (a == NULL)
		return;
	free(a->v);
	free(a);
}

bool
addresses_have(const struct addresses *a, const char *ip)
{
	size_t lo = 0, hi = a->n, mid;
	struct cidr c;

	if (cidr_parse(ip, &c) != 0 || !cidr_is_host(&c))
		return false;
	while (lo < hi) {		/* the last range that begins at or before it */
		mid = lo + (hi - lo) / 2;
		if (memcmp(a->v[mid].lo, c.addr, 16) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && memcmp(c.addr, a->v[lo - 1].hi, 16) <= 0;
}

size_t
addresses_count(const struct addresses *a)
{
	return a->n;
}
