/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/wire.h"
#include "haproxy-spoa/waf/persist_record.h"

/* u8 version; be64 created, updated, counter, timeout; be32 n; n times be64 expires, be16 and key, be32 and value. */
#define FORMAT		1
#define HEAD_LEN	(1 + 4 * 8 + 4)
#define VAR_MIN		(8 + 2 + 4)
/* LMDB would take more, but a collection is for counters. */
#define VALUE_MAX	4096
#define VARS_MAX	256

static uint64_t
fnv(const char *s, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037);
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(1099511628211);
	return h;
}

size_t
persist_key(unsigned char buf[PERSIST_KEY_MAX], const char *coll, struct waf_str key)
{
	struct wire_out w;
	size_t room;

	wire_out_init(&w, buf, PERSIST_KEY_MAX);
	wire_put_bytes(&w, coll, strlen(coll));
	wire_put_u8(&w, 0);
	room = PERSIST_KEY_MAX - wire_out_len(&w) - 8;
	wire_put_bytes(&w, key.p, key.n < room ? key.n : room);
	if (key.n >= room)
		wire_put_be64(&w, fnv(key.p, key.n));
	return wire_out_len(&w);
}

static bool
head_read(struct wire *w, struct persist_record *rec)
{
	if (wire_u8(w) != FORMAT)
		return false;
	rec->created = (int64_t)wire_be64(w);
	rec->updated = (int64_t)wire_be64(w);
	rec->counter = (int64_t)wire_be64(w);
	rec->timeout = (int64_t)wire_be64(w);
	return w->err == 0;
}

static bool
expired(const struct persist_record *rec, int64_t now)
{
	return rec->timeout > 0 && rec->updated + rec->timeout < now;
}

bool
persist_dead(const void *p, size_t n, int64_t now)
{
	struct persist_record rec;
	struct wire w;

	wire_init(&w, p, n);
	return !head_read(&w, &rec) || expired(&rec, now);
}

static struct waf_str
copy(struct wire *w, size_t n, struct arena *a)
{
	const uint8_t *p = wire_bytes(w, n);

	return (struct waf_str){p != NULL ? arena_strndup(a, (const char *)p, n) : NULL, n};
}

int
persist_decode(struct persist_record *rec, const void *p, size_t len, int64_t now, struct arena *a)
{
	struct persist_var v;
	struct wire w;
	uint32_t n;

	memset(rec, 0, sizeof(*rec));
	wire_init(&w, p, len);
	if (!head_read(&w, rec) || expired(rec, now) || (n = wire_be32(&w)) > wire_left(&w) / VAR_MIN)
		return 0;
	if ((rec->v = arena_alloc(a, (n + 1) * sizeof(*rec->v))) == NULL)
		return -ENOMEM;
	for (; n > 0; n--) {
		v.expires = (int64_t)wire_be64(&w);
		v.key = copy(&w, wire_be16(&w), a);
		v.value = copy(&w, wire_be32(&w), a);
		if (w.err != 0 || v.key.p == NULL || v.value.p == NULL)
			break;
		if (v.expires == 0 || v.expires > now)
			rec->v[rec->n++] = v;
	}
	return arena_failed(a) ? -ENOMEM : 1;
}

static bool
storable(const struct persist_var *v)
{
	return v->key.n <= UINT16_MAX && v->value.n <= VALUE_MAX;
}

void *
persist_encode(const struct persist_record *rec, size_t *len, struct arena *a)
{
	struct wire_out w;
	size_t size = HEAD_LEN, i;
	uint32_t n = 0;
	void *out;

	for (i = 0; i < rec->n && n < VARS_MAX; i++)
		if (storable(&rec->v[i])) {
			size += VAR_MIN + rec->v[i].key.n + rec->v[i].value.n;
			n++;
		}
	if ((out = arena_alloc(a, size)) == NULL)
		return NULL;
	wire_out_init(&w, out, size);
	wire_put_u8(&w, FORMAT);
	wire_put_be64(&w, (uint64_t)rec->created);
	wire_put_be64(&w, (uint64_t)rec->updated);
	wire_put_be64(&w, (uint64_t)rec->counter);
	wire_put_be64(&w, (uint64_t)rec->timeout);
	wire_put_be32(&w, n);
	for (i = 0; n > 0; i++) {
		if (!storable(&rec->v[i]))
			continue;
		wire_put_be64(&w, (uint64_t)rec->v[i].expires);
		wire_put_be16(&w, (uint16_t)rec->v[i].key.n);
		wire_put_bytes(&w, rec->v[i].key.p, rec->v[i].key.n);
		wire_put_be32(&w, (uint32_t)rec->v[i].value.n);
		wire_put_bytes(&w, rec->v[i].value.p, rec->v[i].value.n);
		n--;
	}
	*len = wire_out_len(&w);
	return out;
}
