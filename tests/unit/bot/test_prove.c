/* SPDX-License-Identifier: MIT */
/* Forward-confirmed reverse DNS by a resolver that the test plays: outcomes, what is cached, a full queue, and a resolver
   that hangs while its owner goes away. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "haproxy-spoa/bot/prove.h"
#include "haproxy-spoa/bot/prove_cache.h"

/* ---- a small DNS ------------------------------------------------------------------------------- */

static const struct {
	const char	*ip, *name;	/* NULL: no answer */
	int		 confirmed;	/* 1, 0, -EAGAIN */
} zone[] = {
	{"66.249.66.1", "crawl-66-249-66-1.googlebot.com", 1},
	{"66.249.66.2", "crawl-66-249-66-2.googlebot.com.", 1},		/* with the root's dot */
	{"66.249.66.3", "CRAWL.GoogleBot.COM", 1},
	{"2001:4860:4801::1", "crawl-v6.googlebot.com", 1},
	{"198.51.100.1", "crawl-66-249-66-1.googlebot.com", 0},		/* a name that anybody may give his address */
	{"198.51.100.2", "host.evilgooglebot.com", 1},			/* no dot before it */
	{"198.51.100.3", "googlebot.com.evil.example", 1},
	{"198.51.100.4", "googlebot.com", 1},				/* the domain itself names no host */
	{"198.51.100.5", "crawl.googlebot.com", -EAGAIN},
	{"198.51.100.6", NULL, 0},
	{"198.51.100.7", "7.100.51.198.bc.googleusercontent.com", 1},	/* a rented machine */
	{"157.55.39.1", "msnbot-157-55-39-1.search.msn.com", 1},
};

static atomic_int asked;
static sem_t gate;		/* taken by each question where <gated> */
static atomic_bool gated;

static int
zone_find(const struct sockaddr *sa)
{
	char ip[INET6_ADDRSTRLEN];

	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, ip, sizeof(ip));
	else
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, ip, sizeof(ip));
	for (int i = 0; i < (int)(sizeof(zone) / sizeof(zone[0])); i++)
		if (strcmp(zone[i].ip, ip) == 0)
			return i;
	return -1;
}

static int
zone_name(void *arg, const struct sockaddr *sa, socklen_t len, char *host, size_t size)
{
	int i = zone_find(sa);

	(void)arg, (void)len;
	if (gated)
		sem_wait(&gate);
	atomic_fetch_add(&asked, 1);
	if (i < 0 && sa->sa_family == AF_INET && ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 8 == 0xc00002)
		return -EAGAIN;		/* 192.0.2.0/24 */
	if (i < 0)
		return -ENOENT;
	if (zone[i].name == NULL)
		return -EAGAIN;
	snprintf(host, size, "%s", zone[i].name);
	return 0;
}

static int
zone_confirm(void *arg, const char *host, const struct sockaddr *sa)
{
	(void)arg, (void)host;
	return zone[zone_find(sa)].confirmed;
}

static const struct prove_resolver zone_resolver = {zone_name, zone_confirm, NULL};
static const struct prove_conf conf = {&zone_resolver, 2, 60, 30, 10};

/* Ask until the threads have answered. */
static enum bot_proof
settled(struct prove *p, const char *agent, const char *ip)
{
	const struct timespec nap = {0, 1000000};
	enum bot_proof proof = PROOF_PENDING;

	for (int i = 0; i < 10000 && proof == PROOF_PENDING; i++) {
		proof = prove_ask(p, bot_agent_find(agent), ip);
		if (proof == PROOF_PENDING)
			nanosleep(&nap, NULL);
	}
	return proof;
}

static void
reset(void)
{
	asked = 0;
	gated = false;
	sem_init(&gate, 0, 0);
}

/* ---- tests ----------------------------------------------------------------------------------------- */

static const struct {
	const char	*agent, *ip;
	enum bot_proof	 proof;
} outcomes[] = {
	{"Googlebot", "66.249.66.1", PROOF_TRUE}, {"Googlebot", "66.249.66.2", PROOF_TRUE},
	{"Googlebot", "66.249.66.3", PROOF_TRUE}, {"Googlebot", "2001:4860:4801::1", PROOF_TRUE},
	{"Googlebot", "198.51.100.1", PROOF_FALSE}, {"Googlebot", "198.51.100.2", PROOF_FALSE},
	{"Googlebot", "198.51.100.3", PROOF_FALSE}, {"Googlebot", "198.51.100.4", PROOF_FALSE},
	{"Googlebot", "198.51.100.7", PROOF_FALSE},
	{"Googlebot", "203.0.113.1", PROOF_FALSE},	/* no name at all */
	{"Googlebot", "157.55.39.1", PROOF_FALSE},	/* somebody else's crawler */
	{"Bingbot", "157.55.39.1", PROOF_TRUE}, {"Bingbot", "66.249.66.1", PROOF_FALSE},
	{"Googlebot", "198.51.100.5", PROOF_NONE}, {"Googlebot", "198.51.100.6", PROOF_NONE},
	{"GPTBot", "66.249.66.1", PROOF_NONE},		/* promises no names */
	{"Googlebot", "", PROOF_NONE}, {"Googlebot", "nonsense", PROOF_NONE},
};

static void
names_prove_and_refute(void **state)
{
	(void)state;
	reset();
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		enum bot_proof got = prove_now(&zone_resolver, bot_agent_find(outcomes[i].agent), outcomes[i].ip);

		if (got != outcomes[i].proof)
			print_error("%s from \"%s\": %s\n", outcomes[i].agent, outcomes[i].ip, bot_proof_str(got));
		assert_int_equal(got, outcomes[i].proof);
	}
}

static void
threads_answer_and_the_answer_is_kept(void **state)
{
	struct prove *p;
	int before;

	(void)state;
	reset();
	assert_int_equal(prove_new(&p, &conf), 0);
	assert_int_equal(prove_ask(p, bot_agent_find("Googlebot"), "66.249.66.1"), PROOF_PENDING);
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (outcomes[i].proof == PROOF_TRUE || outcomes[i].proof == PROOF_FALSE)
			assert_int_equal(settled(p, outcomes[i].agent, outcomes[i].ip), outcomes[i].proof);
	before = asked;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (outcomes[i].proof == PROOF_TRUE || outcomes[i].proof == PROOF_FALSE)
			assert_int_equal(prove_ask(p, bot_agent_find(outcomes[i].agent), outcomes[i].ip), outcomes[i].proof);
	/* The same names, the same answer: nobody asks again for a brother of Googlebot. */
	assert_int_equal(prove_ask(p, bot_agent_find("AdsBot-Google"), "66.249.66.1"), PROOF_TRUE);
	assert_int_equal(asked, before);
	assert_true(prove_stat(p, PROVE_TRUE) >= 5);
	assert_true(prove_stat(p, PROVE_FALSE) >= 7);
	prove_release(&p);
	assert_null(p);
}

/* A question without an answer stays pending, and is not asked for each request. */
static void
a_failing_resolver_proves_nothing(void **state)
{
	const struct timespec nap = {0, 1000000};
	struct prove *p;

	(void)state;
	reset();
	assert_int_equal(prove_new(&p, &conf), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(prove_ask(p, bot_agent_find("Googlebot"), "198.51.100.6"), PROOF_PENDING);
	for (int i = 0; i < 10000 && prove_stat(p, PROVE_FAILED) == 0; i++)
		nanosleep(&nap, NULL);
	assert_int_equal(prove_stat(p, PROVE_FAILED), 1);
	assert_int_equal(asked, 1);
	prove_release(&p);
}

/* Somebody is told once, and again only after it had worked in between. */
static void
a_mute_resolver_is_told_of_once(void **state)
{
	const struct timespec nap = {0, 1000000};
	struct prove *p;
	char ip[32];

	(void)state;
	reset();
	assert_int_equal(prove_new(&p, &conf), 0);
	for (unsigned i = 1; i <= 20; i++) {
		assert_false(i <= PROVE_MUTE && prove_mute(p));
		snprintf(ip, sizeof(ip), "192.0.2.%u", i);	/* answered by -EAGAIN, below */
		prove_ask(p, bot_agent_find("Googlebot"), ip);
		while (prove_stat(p, PROVE_FAILED) < i)
			nanosleep(&nap, NULL);
	}
	assert_true(prove_mute(p));
	assert_false(prove_mute(p));
	assert_int_equal(settled(p, "Googlebot", "66.249.66.1"), PROOF_TRUE);
	assert_false(prove_mute(p));
	prove_release(&p);
}

/* The request path doesn't wait: with the resolver stuck, asking goes on until the queue is full, then proves nothing. */
static void
a_full_queue_is_no_answer(void **state)
{
	enum bot_proof proof;
	struct prove *p;
	unsigned pending = 0, none = 0;
	char ip[32];

	(void)state;
	reset();
	gated = true;
	assert_int_equal(prove_new(&p, &conf), 0);
	for (unsigned i = 0; i < 600; i++) {
		snprintf(ip, sizeof(ip), "203.0.%u.%u", 113 + i / 250, i % 250);
		proof = prove_ask(p, bot_agent_find("Googlebot"), ip);
		pending += proof == PROOF_PENDING;
		none += proof == PROOF_NONE;
	}
	assert_true(pending >= 256 && pending <= 256 + 2);	/* the queue, and what the threads hold */
	assert_int_equal(none, 600 - pending);
	assert_int_equal(prove_stat(p, PROVE_QUEUE_FULL), none);
	/* Released while both threads are stuck: returns at once, they end by themselves. */
	prove_release(&p);
	sem_post(&gate);
	sem_post(&gate);
}

static void
the_cache_keeps_proofs(void **state)
{
	struct prove_cache *c = prove_cache_new();
	uint8_t a[16] = {0};
	uint64_t good, k;
	unsigned refused = 0;

	(void)state;
	assert_non_null(c);
	a[0] = 1;
	good = prove_cache_key(c, a, ".googlebot.com");
	assert_int_not_equal(good, prove_cache_key(c, a, ".googlebot.co"));
	assert_int_equal(prove_cache_get(c, good, 100), ENTRY_NONE);
	assert_true(prove_cache_put(c, good, ENTRY_TRUE, 100, 160));
	assert_int_equal(prove_cache_get(c, good, 159), ENTRY_TRUE);
	assert_int_equal(prove_cache_get(c, good, 160), ENTRY_NONE);
	/* A flood of claims: a hundred for each entry there is. */
	for (uint32_t i = 1; i <= 1600000; i++) {
		memcpy(a + 8, &i, sizeof(i));
		k = prove_cache_key(c, a, ".googlebot.com");
		refused += !prove_cache_put(c, k, i % 2 ? ENTRY_PENDING : ENTRY_FALSE, 100, 200);
	}
	assert_int_equal(prove_cache_get(c, good, 101), ENTRY_TRUE);
	assert_int_equal(refused, 0);
	/* Where proofs fill a set, a claim finds no room and a refutation does. */
	for (uint32_t i = 1; i <= 200000; i++) {
		memcpy(a + 8, &i, sizeof(i));
		k = prove_cache_key(c, a, ".other.example");
		if (k % 4096 == good % 4096)
			assert_true(prove_cache_put(c, k, ENTRY_TRUE, 100, 300));
	}
	assert_true(prove_cache_put(c, good, ENTRY_TRUE, 100, 160));
	k = good ^ (uint64_t)1 << 60;		/* a neighbour */
	assert_false(prove_cache_put(c, k, ENTRY_PENDING, 100, 160));
	assert_true(prove_cache_put(c, k, ENTRY_FALSE, 100, 160));
	assert_true(prove_cache_put(c, good, ENTRY_TRUE, 101, 160));
	/* Its own entry is replaced, whatever it is. */
	assert_true(prove_cache_put(c, good, ENTRY_FALSE, 101, 130));
	assert_int_equal(prove_cache_get(c, good, 102), ENTRY_FALSE);
	prove_cache_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_prove_and_refute), cmocka_unit_test(threads_answer_and_the_answer_is_kept),
		cmocka_unit_test(a_failing_resolver_proves_nothing), cmocka_unit_test(a_mute_resolver_is_told_of_once),
		cmocka_unit_test(a_full_queue_is_no_answer),
		cmocka_unit_test(the_cache_keeps_proofs),
	};

	return cmocka_run_group_tests_name("prove", tests, NULL, NULL);
}
