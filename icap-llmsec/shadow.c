/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "icap-llmsec/shadow_private.h"
#include "lib/diag.h"
#include "lib/log.h"

const struct conf_opt shadow_conf_opts[] = {
	CONF_STR(struct shadow_conf, dir, "\"\"", "path", "texts of requests for the trainer go there, masked; \"\": none are kept"),
	CONF_STRS(struct shadow_conf, routes, "patterns of the path, fnmatch(3), whose texts may be kept"),
	CONF_STRS(struct shadow_conf, keys, "digests of API keys, as events show them, whose texts may be kept"),
	CONF_INT(struct shadow_conf, sample, 0, 10000, "0", "of 10000", "texts kept that are neither refused nor near the threshold"),
	CONF_INT(struct shadow_conf, near, 0, 100, "15", "hundredths", "of score below the threshold: these are always kept"),
	CONF_SIZE(struct shadow_conf, max_text, 1024, 64 << 10, "16k", "of a text; the rest is left out"),
	CONF_SIZE(struct shadow_conf, max_file, 4096, 1 << 30, "16M", "a file ends there and the next begins"),
	CONF_SIZE(struct shadow_conf, max_total, 4096, (int64_t)1 << 40, "256M", "all files; the oldest go"),
	CONF_DURATION(struct shadow_conf, max_age, 60000, (int64_t)365 * 86400000, "30d", "texts older than this are removed"),
	CONF_END
};

int
shadow_conf_check(const struct shadow_conf *c, const char *path, struct diag *d)
{
	if (c->dir[0] == '\0')
		return 0;
	if (c->dir[0] != '/')
		diag_error(d, path, 0, 0, "shadow.dir must be an absolute path");
	else if (c->routes.n == 0 && c->keys.n == 0)
		diag_error(d, path, 0, 0, "shadow.dir keeps texts of people: name whose in shadow.routes or shadow.keys (routes: [\"*\"] is everybody's)");
	else if (c->max_file > c->max_total)
		diag_error(d, path, 0, 0, "shadow.max_file is more than shadow.max_total");
	else
		return 0;
	return -EINVAL;
}

int
shadow_new(struct shadow **out, const struct shadow_conf *c, const void *key, size_t key_len, shadow_told *told, void *arg)
{
	struct shadow *s;
	uint64_t seed;
	int rc = 0;

	*out = NULL;
	if (c->dir[0] == '\0')
		return 0;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return -ENOMEM;
	s->conf = c;
	s->key = key;
	s->key_len = key_len;
	s->told = told;
	s->arg = arg;
	s->file.dir = s->file.fd = -1;
	s->slot_size = (sizeof(struct shadow_slot) + (size_t)c->max_text + 63) & ~(size_t)63;
	s->ring = mmap(NULL, SHADOW_SLOTS * s->slot_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_mutex_init(&s->starting, NULL);
	sem_init(&s->work, 0, 0);
	if (s->ring == MAP_FAILED) {
		s->ring = NULL;
		rc = -ENOMEM;
	} else if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		rc = -EIO;
	else
		rc = shadow_masker(&s->masker);
	if (rc < 0) {
		shadow_free(&s);
		return rc;
	}
	s->dice = seed;
	for (uint64_t i = 0; i < SHADOW_SLOTS; i++)
		shadow_slot_at(s, i)->seq = i;
	*out = s;
	return 0;
}

void
shadow_free(struct shadow **sp)
{
	struct shadow *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	shadow_stop(s);
	if (s->ring != NULL)
		munmap(s->ring, SHADOW_SLOTS * s->slot_size);
	detectors_free(&s->masker);
	sem_destroy(&s->work);
	pthread_mutex_destroy(&s->starting);
	free(s);
}

/* Signals are c-icap's: none may land in a thread that it doesn't know.  After a fork the parent's thread isn't here. */
static bool
thread_here(struct shadow *s)
{
	pid_t me = getpid();
	sigset_t all, old;
	int rc = 0;

	if (atomic_load_explicit(&s->pid, memory_order_relaxed) == me)
		return true;
	if (pthread_mutex_trylock(&s->starting) != 0)	/* another does it: the ring holds what comes meanwhile */
		return true;
	if (s->pid != me) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		s->stop = false;
		rc = pthread_create(&s->thread, NULL, shadow_thread, s);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		if (rc == 0)
			s->pid = me;
	}
	pthread_mutex_unlock(&s->starting);
	return rc == 0;
}

void
shadow_stop(struct shadow *s)
{
	if (s == NULL || s->pid != getpid())
		return;
	s->stop = true;
	sem_post(&s->work);
	pthread_join(s->thread, NULL);
	s->pid = 0;
}

static bool
listed(const struct conf_strs *l, const char *what, bool pattern)
{
	for (size_t i = 0; i < l->n; i++)
		if (pattern ? fnmatch(l->v[i], what, 0) == 0 : strcmp(l->v[i], what) == 0)
			return true;
	return l->n == 0;
}

bool
shadow_wants(const struct shadow *s, const struct shadow_from *from)
{
	const char *path = from->url, *host;
	char p[512];
	size_t n;

	if (s == NULL)
		return false;
	if ((host = strstr(path, "://")) != NULL && (path = strchr(host + 3, '/')) == NULL)
		path = "/";
	n = strcspn(path, "?#");
	if (n >= sizeof(p))	/* no path of an LLM's is that long */
		return false;
	memcpy(p, path, n);
	p[n] = '\0';
	return listed(&s->conf->routes, p, true) && listed(&s->conf->keys, from->key_digest != NULL ? from->key_digest : "", false);
}

/* One number of a random row: splitmix64 (Steele et al., OOPSLA 2014), whose state is a counter. */
static bool
drawn(struct shadow *s)
{
	uint64_t z = atomic_fetch_add_explicit(&s->dice, 0x9e3779b97f4a7c15u, memory_order_relaxed);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) % 10000 < (uint64_t)s->conf->sample;
}

static bool
worth(struct shadow *s, const struct shadow_verdict *v, enum shadow_why *why)
{
	if (v->most >= DETECT_MONITOR)	/* refused, or it would have been in another mode */
		*why = WHY_REFUSED;
	else if (v->score.score > 0 && v->score.score * 100 >= v->limit * 100 - (float)s->conf->near)
		*why = WHY_NEAR;
	else
		*why = WHY_SAMPLE;
	return *why != WHY_SAMPLE || drawn(s);
}

/*
 * A free slot, NULL: the ring is full.  D. Vyukov's bounded queue: a slot's number says whose turn it is, so a taker claims
 * it by one exchange and nobody waits for anybody.
 */
static struct shadow_slot *
claim(struct shadow *s, uint64_t *at)
{
	uint64_t pos = atomic_load_explicit(&s->tail, memory_order_relaxed);

	for (;;) {
		struct shadow_slot *x = shadow_slot_at(s, pos);
		uint64_t seq = atomic_load_explicit(&x->seq, memory_order_acquire);

		if (seq == pos) {
			if (atomic_compare_exchange_weak_explicit(&s->tail, &pos, pos + 1, memory_order_relaxed, memory_order_relaxed)) {
				*at = pos;
				return x;
			}
		} else if ((int64_t)(seq - pos) < 0)
			return NULL;
		else
			pos = atomic_load_explicit(&s->tail, memory_order_relaxed);
	}
}

static void
copy_str(char *to, size_t size, const char *from)
{
	size_t n = from != NULL ? strnlen(from, size - 1) : 0;

	if (n > 0)
		memcpy(to, from, n);
	to[n] = '\0';
}

static void
fill(struct shadow_slot *x, const struct shadow_from *from, const struct span *s, size_t i, const struct shadow_verdict *v, enum shadow_why why,
    size_t max)
{
	x->why = why;
	x->role = s->role;
	x->prov = s->prov;
	x->span = i;
	clock_gettime(CLOCK_REALTIME, &x->at);
	copy_str(x->request_id, sizeof(x->request_id), from->request_id);
	copy_str(x->key, sizeof(x->key), from->key_digest);
	copy_str(x->ip, sizeof(x->ip), from->client_ip);
	x->conversation = from->conversation;
	x->v = *v;
	x->cut = s->len > max;
	x->len = x->cut ? max : s->len;
	memcpy(x->text, s->text, x->len);
}

unsigned
shadow_take(struct shadow *s, const struct shadow_from *from, const struct spans *spans, const struct shadow_verdict *v)
{
	bool here = thread_here(s);	/* in any case: it removes what is too old */
	unsigned taken = 0;

	for (size_t i = 0; i < spans->n; i++) {
		struct shadow_slot *x = NULL;
		enum shadow_why why;
		uint64_t at;

		if (!v[i].judged || spans->v[i].len == 0 || !worth(s, &v[i], &why))
			continue;
		if (here)
			x = claim(s, &at);
		if (x == NULL) {
			s->told(s->arg, SHADOW_DROPPED, false, 0);
			continue;
		}
		fill(x, from, &spans->v[i], i, &v[i], why, (size_t)s->conf->max_text);
		atomic_store_explicit(&x->seq, at + 1, memory_order_release);
		taken++;
	}
	if (taken > 0)
		sem_post(&s->work);
	return taken;
}
