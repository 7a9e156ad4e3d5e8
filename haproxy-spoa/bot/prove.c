/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "haproxy-spoa/bot/prove.h"
#include "haproxy-spoa/bot/prove_cache.h"

#define QUEUE		256		/* a power of two */
#define PENDING_MIN	5		/* a question that nobody answered by then is asked again */
#define HOST_MAX	256

struct question {
	_Atomic uint32_t	 turn;		/* of the ring; see queue_put */
	union {
		struct sockaddr		sa;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
	}			 addr;
	const struct bot_agent	*agent;
	uint64_t		 key;
};

struct prove {
	struct prove_conf	 conf;
	struct prove_cache	*cache;
	_Atomic uint64_t	 stats[PROVE_STATS];
	atomic_uint		 failed_in_a_row;
	bool			 mute_told;	/* of who asks prove_mute() */
	_Atomic uint32_t	 head, tail;
	struct question		 queue[QUEUE];
	sem_t			 ready;
	atomic_bool		 stop;
	atomic_uint		 refs;		/* the owner and each thread */
};

/* ---- addresses and names ------------------------------------------------------------------------- */

static bool
address_read(struct question *q, uint8_t raw[16], const char *ip)
{
	memset(&q->addr, 0, sizeof(q->addr));
	memset(raw, 0, 16);
	if (inet_pton(AF_INET, ip, &q->addr.in.sin_addr) == 1) {
		q->addr.sa.sa_family = AF_INET;
		raw[10] = raw[11] = 0xff;
		memcpy(raw + 12, &q->addr.in.sin_addr, 4);
		return true;
	}
	if (inet_pton(AF_INET6, ip, &q->addr.in6.sin6_addr) != 1)
		return false;
	q->addr.sa.sa_family = AF_INET6;
	memcpy(raw, &q->addr.in6.sin6_addr, 16);
	return true;
}

/* Does the name end in one of ".a.example .b.example"? */
static bool
name_belongs(const char *name, const char *hosts)
{
	size_t n = strlen(name), len;

	if (n > 0 && name[n - 1] == '.')
		n--;
	for (const char *p = hosts; *p != '\0'; p += len) {
		while (*p == ' ')
			p++;
		len = strcspn(p, " ");
		if (len > 1 && n > len && strncasecmp(name + n - len, p, len) == 0)
			return true;
	}
	return false;
}

static int
libc_name(void *arg, const struct sockaddr *sa, socklen_t len, char *host, size_t size)
{
	int rc = getnameinfo(sa, len, host, (socklen_t)size, NULL, 0, NI_NAMEREQD);

	(void)arg;
	return rc == 0 ? 0 : rc == EAI_NONAME ? -ENOENT : -EAGAIN;
}

static bool
address_same(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr,
		    &((const struct sockaddr_in *)(const void *)b)->sin_addr, 4) == 0;
	return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
	    &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, 16) == 0;
}

static int
libc_confirm(void *arg, const char *host, const struct sockaddr *sa)
{
	const struct addrinfo hints = {.ai_family = sa->sa_family, .ai_socktype = SOCK_STREAM};
	struct addrinfo *all = NULL;
	int found = 0, rc = getaddrinfo(host, NULL, &hints, &all);

	(void)arg;
	if (rc != 0)
		return rc == EAI_NONAME || rc == EAI_NODATA ? 0 : -EAGAIN;
	for (const struct addrinfo *a = all; a != NULL && !found; a = a->ai_next)
		found = address_same(a->ai_addr, sa);
	freeaddrinfo(all);
	return found;
}

const struct prove_resolver prove_libc = {libc_name, libc_confirm, NULL};

static enum bot_proof
resolve(const struct prove_resolver *r, const struct question *q)
{
	char host[HOST_MAX];
	socklen_t len = q->addr.sa.sa_family == AF_INET ? sizeof(q->addr.in) : sizeof(q->addr.in6);
	int rc = r->name(r->arg, &q->addr.sa, len, host, sizeof(host));

	if (rc != 0)
		return rc == -ENOENT ? PROOF_FALSE : PROOF_NONE;
	if (!name_belongs(host, q->agent->hosts))
		return PROOF_FALSE;
	rc = r->confirm(r->arg, host, &q->addr.sa);
	return rc > 0 ? PROOF_TRUE : rc == 0 ? PROOF_FALSE : PROOF_NONE;
}

enum bot_proof
prove_now(const struct prove_resolver *r, const struct bot_agent *a, const char *ip)
{
	struct question q = {.agent = a};
	uint8_t raw[16];

	return a->hosts[0] == '\0' || !address_read(&q, raw, ip) ? PROOF_NONE : resolve(r, &q);
}

/* ---- queue: many producers, many consumers, no lock ----------------------------------------------- */

/*
 * Vyukov's bounded queue (1024cores.net, "Bounded MPMC queue"): each place carries whose turn it is.  Its turn is the
 * position where it may be written, the position + 1 where it may be read.
 */
static bool
queue_put(struct prove *p, const struct question *in)
{
	uint32_t pos = atomic_load_explicit(&p->head, memory_order_relaxed), turn;
	struct question *q;

	for (;;) {
		q = &p->queue[pos % QUEUE];
		turn = atomic_load_explicit(&q->turn, memory_order_acquire);
		if ((int32_t)(turn - pos) < 0)
			return false;
		if (turn == pos && atomic_compare_exchange_weak_explicit(&p->head, &pos, pos + 1, memory_order_relaxed,
		    memory_order_relaxed))
			break;
		if (turn != pos)
			pos = atomic_load_explicit(&p->head, memory_order_relaxed);
	}
	q->addr = in->addr;
	q->agent = in->agent;
	q->key = in->key;
	atomic_store_explicit(&q->turn, pos + 1, memory_order_release);
	return true;
}

static bool
queue_get(struct prove *p, struct question *out)
{
	uint32_t pos = atomic_load_explicit(&p->tail, memory_order_relaxed), turn;
	struct question *q;

	for (;;) {
		q = &p->queue[pos % QUEUE];
		turn = atomic_load_explicit(&q->turn, memory_order_acquire);
		if ((int32_t)(turn - (pos + 1)) < 0)
			return false;
		if (turn == pos + 1 && atomic_compare_exchange_weak_explicit(&p->tail, &pos, pos + 1, memory_order_relaxed,
		    memory_order_relaxed))
			break;
		if (turn != pos + 1)
			pos = atomic_load_explicit(&p->tail, memory_order_relaxed);
	}
	out->addr = q->addr;
	out->agent = q->agent;
	out->key = q->key;
	atomic_store_explicit(&q->turn, pos + QUEUE, memory_order_release);
	return true;
}

/* ---- threads --------------------------------------------------------------------------------------- */

static uint32_t
now_min(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint32_t)(ts.tv_sec / 60);
}

static void
count(struct prove *p, enum prove_stat s)
{
	atomic_fetch_add_explicit(&p->stats[s], 1, memory_order_relaxed);
}

static void
prove_unref(struct prove *p)
{
	if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	sem_destroy(&p->ready);
	prove_cache_free(&p->cache);
	free(p);
}

/* A failure is kept as a question that is not asked again for a while. */
static void
answer(struct prove *p, const struct question *q)
{
	enum bot_proof proof = resolve(p->conf.resolver, q);
	uint32_t now = now_min();

	if (proof == PROOF_TRUE)
		prove_cache_put(p->cache, q->key, ENTRY_TRUE, now, now + p->conf.true_min);
	else if (proof == PROOF_FALSE)
		prove_cache_put(p->cache, q->key, ENTRY_FALSE, now, now + p->conf.false_min);
	else
		prove_cache_put(p->cache, q->key, ENTRY_PENDING, now, now + p->conf.failed_min);
	if (proof == PROOF_NONE)
		atomic_fetch_add_explicit(&p->failed_in_a_row, 1, memory_order_relaxed);
	else
		atomic_store_explicit(&p->failed_in_a_row, 0, memory_order_relaxed);
	count(p, proof == PROOF_TRUE ? PROVE_TRUE : proof == PROOF_FALSE ? PROVE_FALSE : PROVE_FAILED);
}

static void *
thread_main(void *arg)
{
	struct prove *p = arg;
	struct question q;

	while (!atomic_load_explicit(&p->stop, memory_order_relaxed)) {
		if (queue_get(p, &q))
			answer(p, &q);
		else
			while (sem_wait(&p->ready) != 0)
				;	/* EINTR */
	}
	prove_unref(p);
	return NULL;
}

static int
threads_start(struct prove *p)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t t;
	int rc = 0;

	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	/* Nobody joins them: one may sit in the resolver for many seconds, and nobody shall wait for that. */
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 1024 * 1024);
	for (unsigned i = 0; rc == 0 && i < p->conf.threads; i++) {
		atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
		rc = -pthread_create(&t, &attr, thread_main, p);
		if (rc != 0)
			atomic_fetch_sub_explicit(&p->refs, 1, memory_order_relaxed);
	}
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int
prove_new(struct prove **pp, const struct prove_conf *c)
{
	struct prove *p = calloc(1, sizeof(*p));
	int rc;

	*pp = NULL;
	if (p == NULL)
		return -ENOMEM;
	p->conf = *c;
	atomic_init(&p->refs, 1);
	sem_init(&p->ready, 0, 0);
	for (uint32_t i = 0; i < QUEUE; i++)
		atomic_init(&p->queue[i].turn, i);
	p->cache = prove_cache_new();
	rc = p->cache != NULL ? threads_start(p) : -ENOMEM;
	*pp = p;
	if (rc != 0)
		prove_release(pp);
	return rc;
}

void
prove_release(struct prove **pp)
{
	struct prove *p = *pp;
	unsigned threads;

	*pp = NULL;
	if (p == NULL)
		return;
	threads = p->conf.threads;
	atomic_store_explicit(&p->stop, true, memory_order_relaxed);
	for (unsigned i = 0; i < threads; i++)
		sem_post(&p->ready);
	prove_unref(p);
}

static enum bot_proof
question_ask(struct prove *p, const struct question *q, uint32_t now)
{
	/* Marked before it is put, so that an answer is never overwritten by the mark. */
	if (!prove_cache_put(p->cache, q->key, ENTRY_PENDING, now, now + PENDING_MIN)) {
		count(p, PROVE_QUEUE_FULL);
		return PROOF_NONE;
	}
	if (!queue_put(p, q)) {
		prove_cache_put(p->cache, q->key, ENTRY_PENDING, now, now);	/* may be asked again at once */
		count(p, PROVE_QUEUE_FULL);
		return PROOF_NONE;
	}
	count(p, PROVE_ASKED);
	sem_post(&p->ready);
	return PROOF_PENDING;
}

enum bot_proof
prove_ask(struct prove *p, const struct bot_agent *a, const char *ip)
{
	struct question q = {.agent = a};
	uint32_t now = now_min();
	uint8_t raw[16];

	if (a->hosts[0] == '\0' || !address_read(&q, raw, ip))
		return PROOF_NONE;
	q.key = prove_cache_key(p->cache, raw, a->hosts);
	switch (prove_cache_get(p->cache, q.key, now)) {
	case ENTRY_TRUE:
		return PROOF_TRUE;
	case ENTRY_FALSE:
		return PROOF_FALSE;
	case ENTRY_PENDING:
		return PROOF_PENDING;
	default:
		return question_ask(p, &q, now);
	}
}

uint64_t
prove_stat(const struct prove *p, enum prove_stat s)
{
	return atomic_load_explicit(&p->stats[s], memory_order_relaxed);
}

bool
prove_mute(struct prove *p)
{
	unsigned failed = atomic_load_explicit(&p->failed_in_a_row, memory_order_relaxed);

	if (failed < PROVE_MUTE) {
		p->mute_told &= failed > 0;
		return false;
	}
	if (p->mute_told)
		return false;
	p->mute_told = true;
	return true;
}
