/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/event_line.h"
#include "lib/utf8.h"

void
event_origin_reseed(struct event_origin *o)
{
	if (getrandom(o->rnd, sizeof(o->rnd), 0) != (ssize_t)sizeof(o->rnd))
		for (size_t i = 0; i < sizeof(o->rnd); i++)	/* no entropy yet: pid and clock keep it unique here */
			o->rnd[i] = (uint8_t)((uint64_t)getpid() >> (i % 4 * 8)) ^ (uint8_t)clock();
}

int
event_origin_init(struct event_origin *o, const char *node, const char *layer)
{
	memset(o, 0, sizeof(*o));
	if (node != NULL && node[0] != '\0')
		snprintf(o->node, sizeof(o->node), "%s", node);
	else if (gethostname(o->node, sizeof(o->node) - 1) < 0)
		return -errno;
	snprintf(o->layer, sizeof(o->layer), "%s", layer);
	event_origin_reseed(o);
	return 0;
}

/* 26 characters of Crockford base 32: 48 bits of milliseconds, 80 bits of random, as ULID lays them out. */
static void
event_id(char out[27], struct event_origin *o, uint64_t ms)
{
	static const char a[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint8_t b[16];
	unsigned acc = 0, bits = 2, k = 0;	/* 130 bits: two of padding in front */

	for (int i = 9; i >= 0 && ++o->rnd[i] == 0; i--)
		;
	for (int i = 0; i < 6; i++)
		b[i] = (uint8_t)(ms >> (40 - 8 * i));
	memcpy(b + 6, o->rnd, 10);
	for (int i = 0; i < 16; i++) {
		acc = acc << 8 | b[i];
		bits += 8;
		while (bits >= 5) {
			bits -= 5;
			out[k++] = a[acc >> bits & 31];
		}
		acc &= (1u << bits) - 1;
	}
	out[26] = '\0';
}

static void
put_text(struct buf *b, const char *s)
{
	size_t n = strlen(s), k;
	char *fixed;

	buf_addc(b, '"');
	if (n > 1024)
		n = utf8_floor(s, 1024);
	if (utf8_valid(s, n)) {
		buf_add_json(b, s, n);
	} else if ((fixed = malloc(3 * n)) != NULL) {
		k = utf8_repair(fixed, s, n);
		buf_add_json(b, fixed, k);
		free(fixed);
	} else
		b->err = -ENOMEM;
	buf_addc(b, '"');
}

static void
put_member(struct buf *b, const char *name, const char *value, const char *sep)
{
	if (value == NULL)
		return;
	buf_printf(b, "%s\"%s\":", sep, name);
	put_text(b, value);
}

static void
put_actor(struct buf *b, const struct event *e)
{
	const char *const name[] = {"ip", "ja4", "key", "user"};
	const char *const value[] = {e->ip, e->ja4, e->key, e->user};
	const char *sep = "";

	buf_adds(b, ",\"actor\":{");
	for (int i = 0; i < 4; i++)
		if (value[i] != NULL) {
			put_member(b, name[i], value[i], sep);
			sep = ",";
		}
	buf_addc(b, '}');
}

static void
put_event(struct buf *b, const struct event_origin *o, const struct event *e, const char *id, const struct timespec *t,
    bool detail)
{
	struct tm tm;
	char ts[32];

	gmtime_r(&t->tv_sec, &tm);
	strftime(ts, sizeof(ts), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(b, "{\"v\":1,\"id\":\"%s\",\"ts\":\"%s.%03ldZ\"", id, ts, t->tv_nsec / 1000000);
	put_member(b, "node", o->node, ",");
	put_member(b, "layer", o->layer, ",");
	put_member(b, "event", e->event, ",");
	buf_printf(b, ",\"severity\":%d", e->severity);
	if (e->score >= 0)
		buf_printf(b, ",\"score\":%d", e->score);
	put_member(b, "action", e->action, ",");
	put_actor(b, e);
	put_member(b, "request_id", e->request_id, ",");
	buf_adds(b, ",\"rule_ids\":[");
	for (size_t i = 0; i < e->n_rule_ids; i++) {
		if (i > 0)
			buf_addc(b, ',');
		put_text(b, e->rule_ids[i]);
	}
	buf_addc(b, ']');
	put_member(b, "target", e->target, ",");
	if (e->ttl_s > 0)
		buf_printf(b, ",\"ttl_s\":%lld", (long long)e->ttl_s);
	if (detail && e->detail != NULL) {
		buf_adds(b, ",\"detail\":");
		/* A line end between members is white space; in the spool it would cut the event in two. */
		for (const char *p = e->detail; *p != '\0'; p++)
			buf_addc(b, *p == '\n' || *p == '\r' ? ' ' : *p);
	}
	buf_adds(b, "}\n");
}

int
event_line(struct buf *b, struct event_origin *o, const struct event *e)
{
	struct timespec t;
	char id[27];

	clock_gettime(CLOCK_REALTIME, &t);
	event_id(id, o, (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
	put_event(b, o, e, id, &t, true);
	if (b->err == 0 && buf_len(b) > EVENT_LINE_MAX) {
		buf_clear(b);
		put_event(b, o, e, id, &t, false);
	}
	return b->err ? b->err : buf_len(b) > EVENT_LINE_MAX ? -EMSGSIZE : 0;
}

void
event_digest(char out[17], const void *key, size_t key_len, const void *secret, size_t len)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	memset(out, 0, 17);
	if (HMAC(EVP_sha256(), key, (int)key_len, secret, len, md, &n) == NULL)
		return;
	for (unsigned i = 0; i < 8; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
	OPENSSL_cleanse(md, sizeof(md));
}
