/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/rand.h>

#include "icap-llmsec/convo_private.h"
#include "lib/utf8.h"

/* --- the table ------------------------------------------------------------------------------------ */

int
convo_table_new(struct convo_table **tp, size_t memory)
{
	struct convo_table *t;
	size_t buckets = 1, size;

	*tp = NULL;
	while (sizeof(*t) + buckets * 2 * WAYS * sizeof(struct convo_slot) <= memory)
		buckets *= 2;
	size = sizeof(*t) + buckets * WAYS * sizeof(struct convo_slot);
	t = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED)
		return -errno;
	if (RAND_bytes((unsigned char *)&t->key, sizeof(t->key)) != 1) {
		munmap(t, size);
		return -EIO;
	}
	t->size = size;
	t->mask = buckets - 1;
	*tp = t;
	return 0;
}

void
convo_table_free(struct convo_table **tp)
{
	struct convo_table *t = *tp;

	*tp = NULL;
	if (t != NULL)
		munmap(t, t->size);
}

static struct convo_slot *
bucket(struct convo_table *t, uint64_t name)
{
	return t->slot + (name >> 32 & t->mask) * WAYS;
}

/* Seconds; another process may be a moment ahead of us. */
static uint32_t
age_of(struct convo_slot *s, uint32_t now)
{
	int32_t d = (int32_t)(now - atomic_load_explicit(&s->seen, memory_order_relaxed));

	return d > 0 ? (uint32_t)d : 0;
}

/* A slot's words, if nobody writes them meanwhile (a sequence lock, after Lameter's in Linux). */
static bool
slot_read(struct convo_slot *s, uint64_t w[SLOT_WORDS])
{
	uint32_t seq = atomic_load_explicit(&s->seq, memory_order_acquire);

	if (seq & 1)
		return false;
	for (int i = 0; i < SLOT_WORDS; i++)
		w[i] = atomic_load_explicit(&s->word[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->seq, memory_order_relaxed) == seq;
}

/* Takes the slot, unless somebody has it.  A writer that died holds it for STALE seconds. */
static bool
slot_take(struct convo_slot *s, uint32_t now)
{
	uint32_t seq = atomic_load_explicit(&s->seq, memory_order_relaxed);

	if (seq & 1) {
		if (age_of(s, now) < STALE)
			return false;
		return atomic_compare_exchange_strong(&s->seq, &seq, seq + 2);
	}
	return atomic_compare_exchange_strong(&s->seq, &seq, seq + 1);
}

static void
slot_write(struct convo_slot *s, uint32_t now, const uint64_t w[SLOT_WORDS])
{
	atomic_store_explicit(&s->seen, now, memory_order_relaxed);
	for (int i = 0; i < SLOT_WORDS; i++)
		atomic_store_explicit(&s->word[i], w[i], memory_order_relaxed);
	atomic_fetch_add_explicit(&s->seq, 1, memory_order_release);
}

bool
convo_get(struct convo_table *t, uint64_t name, uint32_t now, uint32_t expire, uint64_t w[SLOT_WORDS])
{
	struct convo_slot *b = bucket(t, name);

	for (int i = 0; i < WAYS; i++)
		if (slot_read(&b[i], w) && w[0] == name && age_of(&b[i], now) <= expire) {
			atomic_store_explicit(&b[i].seen, now, memory_order_relaxed);
			return true;
		}
	return false;
}

/* Into its own slot, an empty one, or the one not seen for longest. */
void
convo_put(struct convo_table *t, uint32_t now, const uint64_t w[SLOT_WORDS])
{
	struct convo_slot *b = bucket(t, w[0]), *at = NULL;
	uint32_t age, oldest = 0;

	for (int i = 0; i < WAYS; i++) {
		uint64_t tag = atomic_load_explicit(&b[i].word[0], memory_order_relaxed);

		if (tag == w[0]) {
			at = &b[i];
			break;
		}
		age = tag == 0 ? UINT32_MAX : age_of(&b[i], now);
		if (at == NULL || age > oldest) {
			at = &b[i];
			oldest = age;
		}
	}
	if (slot_take(at, now))
		slot_write(at, now, w);
}

/* --- names ---------------------------------------------------------------------------------------- */

static uint64_t
hash(const struct convo_table *t, const void *p, size_t n)
{
	uint64_t h = siphash(&t->key, p, n).lo;

	return h != 0 ? h : 1;	/* 0: an empty slot */
}

static uint64_t
hash_chain(const struct convo_table *t, uint64_t before, uint8_t what, const void *p, size_t n)
{
	struct { uint64_t before, text, what; } link = { before, siphash(&t->key, p, n).lo, what };

	return hash(t, &link, sizeof(link));
}

/* Does the turn count?  System prompts often hold the time of day. */
static bool
counts(const struct span *s)
{
	return s->msg >= 0 && s->role != ROLE_SYSTEM && s->role != ROLE_DEVELOPER && s->prov != PROV_TOOL_DEFINITION;
}

/* 2^61 - 1: sums of products of secret powers collide with a chance of length / 2^61 (Carter, Wegman). */
static uint64_t
mulmod(uint64_t a, uint64_t b)
{
	unsigned __int128 x = (unsigned __int128)a * b;
	uint64_t r = (uint64_t)(x & PRIME) + (uint64_t)(x >> 61);

	return r >= PRIME ? r - PRIME : r;
}

void
convo_answer_add(struct convo_table *t, struct convo_answer *a, const char *p, size_t len)
{
	uint64_t base = t->key.k0 % (PRIME - 2) + 2;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)p[i];

		if (c <= ' ')	/* clients trim */
			continue;
		a->h = mulmod(a->h, base) + c + 1;
		a->letters++;
	}
}

static uint64_t
answer_name(const struct convo_table *t, const char *tenant, const struct convo_answer *a)
{
	return hash_chain(t, a->h + a->letters, NAME_ANSWER, tenant, strlen(tenant));
}

void
convo_answer_note(struct convo_table *t, const char *tenant, const struct convo_answer *a, int64_t now_ms)
{
	uint64_t w[SLOT_WORDS] = { 0 };

	if (t == NULL || a->letters == 0)
		return;
	w[0] = answer_name(t, tenant, a);
	convo_put(t, (uint32_t)(now_ms / 1000), w);
}

/* --- a request -------------------------------------------------------------------------------------- */

static size_t
count_messages(const struct spans *ss)
{
	size_t n = 0;

	for (size_t i = 0; i < ss->n; i++)
		if (ss->v[i].msg >= 0 && (size_t)ss->v[i].msg >= n)
			n = (size_t)ss->v[i].msg + 1;
	return n;
}

/* Names of all turns; spans come in the order of their messages. */
static void
name_all(struct convo *c, const char *tenant, const struct spans *ss, uint32_t now, uint32_t expire)
{
	uint64_t h = hash_chain(c->table, 0, NAME_TENANT, tenant, strlen(tenant)), w[SLOT_WORDS];
	struct convo_answer a;
	int last = -1;

	for (size_t i = 0; i < ss->n; i++) {
		const struct span *s = &ss->v[i];

		if (!counts(s))
			continue;
		h = s->media == NULL ? hash_chain(c->table, h, (uint8_t)s->role, s->text, s->len) :
		    hash_chain(c->table, h, NAME_MEDIA, s->media->value, s->media->len);
		c->name[s->msg] = h;
		if (s->role != ROLE_ASSISTANT)
			continue;
		memset(&a, 0, sizeof(a));
		convo_answer_add(c->table, &a, s->text, s->len);
		c->ours[s->msg] = (s->msg != last || c->ours[s->msg]) && a.letters > 0 &&
		    convo_get(c->table, answer_name(c->table, tenant, &a), now, expire, w);
		last = s->msg;
	}
}

int
convo_begin(struct convo_table *t, const char *tenant, const char *actor, const struct spans *ss, int64_t now_ms,
    int64_t expire_ms, struct arena *a, struct convo *c)
{
	uint32_t now = (uint32_t)(now_ms / 1000), expire = (uint32_t)(expire_ms / 1000);
	uint64_t w[SLOT_WORDS];

	memset(c, 0, sizeof(*c));
	c->now_ms = now_ms;
	c->n = count_messages(ss);
	c->name = arena_calloc(a, c->n + 1, sizeof(*c->name));
	c->ours = arena_calloc(a, c->n + 1, sizeof(*c->ours));
	if (c->name == NULL || c->ours == NULL)
		return -ENOMEM;
	if (t == NULL)
		return 0;
	c->table = t;
	c->actor = hash_chain(t, hash_chain(t, 0, NAME_ACTOR, tenant, strlen(tenant)), NAME_ACTOR,
	    actor != NULL ? actor : "", actor != NULL ? strlen(actor) : 0);
	name_all(c, tenant, ss, now, expire);
	for (size_t i = c->n; i > 0; i--)
		if (c->name[i - 1] != 0 && convo_get(t, c->name[i - 1], now, expire, w)) {
			c->known = i;
			memcpy(&c->state, w + 1, sizeof(c->state));
			break;
		}
	return 0;
}

bool
convo_knows(const struct convo *c, const struct span *s)
{
	return s->msg >= 0 && (size_t)s->msg < c->n && ((size_t)s->msg < c->known || c->ours[s->msg]);
}

void
convo_commit(const struct traj_conf *conf, struct convo *c, bool passed)
{
	uint32_t now = (uint32_t)(c->now_ms / 1000);
	uint64_t w[SLOT_WORDS] = { 0 };

	if (c->table == NULL)
		return;
	traj_actor_add(conf, c);
	for (size_t i = c->n; passed && i > 0; i--)
		if (c->name[i - 1] != 0) {
			w[0] = c->name[i - 1];
			memcpy(w + 1, &c->state, sizeof(c->state));
			convo_put(c->table, now, w);
			break;
		}
}
