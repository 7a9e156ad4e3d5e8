/* SPDX-License-Identifier: MIT */
/*
 * How much work a body may make.  Text in text is looked at under every layer of escapes, and in each of them again what it encodes: 18 looks
 * for each level, if somebody writes it so.  Two things keep that linear: what was met before isn't judged again, and the bytes that are
 * looked at more than once are counted, and are no more than a multiple of the body's.
 */
#include "config.h"

#include <string.h>
#include <sys/random.h>

#include "icap-llmsec/content_private.h"
#include "lib/arena.h"
#include "lib/siphash.h"

#define SLOTS	4096	/* texts that are remembered; 64 KB, once there is one to remember.  A newer one takes an older one's place. */

bool
content_spend(struct content *c, size_t n)
{
	size_t most = CONTENT_WORK_FREE + (c->seen < SIZE_MAX / 2 / CONTENT_WORK_RATIO ? c->seen : SIZE_MAX / 2 / CONTENT_WORK_RATIO) * CONTENT_WORK_RATIO;

	if (c->work <= most && n <= most - c->work) {
		c->work += n;
		return true;
	}
	c->work = most;		/* or smaller ones would still have room */
	content_found(c, (enum content_mode)c->conf->opaque, "LLMSEC-CONTENT-OPAQUE", "", "text", "more is nested in it than is looked at", 403);
	return false;
}

size_t
content_work(const struct content *c)
{
	return c->work;
}

size_t
content_room(const struct content *c)
{
	size_t max = (size_t)c->conf->max_unpacked;

	return c->unpacked < max ? max - c->unpacked : 1;
}

static bool
remember_nothing_yet(struct content *c)
{
	struct sip_key key;
	struct sip_hash *t = arena_calloc(c->arena, SLOTS + 1, sizeof(*t));

	if (t == NULL || getrandom(&key, sizeof(key), 0) != sizeof(key))
		return false;	/* all the more is spent */
	t[SLOTS] = (struct sip_hash){key.k0, key.k1};
	c->judged = t;
	return true;
}

/* By a keyed hash of 128 bits: who doesn't know the key makes no two texts that are taken for one. */
bool
content_met(struct content *c, const struct piece *p)
{
	struct sip_hash h, *slot;
	struct sip_key key;

	if (c->judged == NULL && !remember_nothing_yet(c))
		return false;
	key = (struct sip_key){c->judged[SLOTS].lo, c->judged[SLOTS].hi};
	h = siphash(&key, p->data, p->len);
	h.hi = (h.hi & ~(uint64_t)15) | p->depth << 1 | p->whole;
	slot = &c->judged[h.lo % SLOTS];
	if (slot->lo == h.lo && slot->hi == h.hi)
		return true;
	*slot = h;
	return false;
}
