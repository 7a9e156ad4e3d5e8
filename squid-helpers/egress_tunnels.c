/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/siphash.h"
#include "squid-helpers/egress_tunnels.h"

#define BUCKETS		4096u	/* a power of 2 */
#define WAYS		8u
#define TEXT_MAX	480
#define SRC_MAX		48	/* of an address as text */
#define DATAGRAM	32768
#define LINE		64
#define SAY_S		3600	/* how often what was forgotten is said */

enum state { FREE, OPEN, REVOKED };

struct tunnel {
	enum state		 state;
	uint32_t		 age;
	uint16_t		 client_port;
	bool			 cut_short;	/* what it asked for did not fit: the next change ends it */
	struct egress_request	 q;		/* strings in <text> */
	char			 text[TEXT_MAX];
};

struct egress_tunnels {
	struct sockaddr_un	 gate;
	int			 fd;
	uint32_t		 clock;
	struct sip_key		 key;		/* clients choose their ports: not their buckets */
	size_t			 waiting;	/* revoked and not sent */
	uint64_t		 forgotten;	/* tunnels that made room and may be open */
	time_t			 said;
	bool			 complained;
	struct tunnel		*v;		/* BUCKETS * WAYS; untouched ones cost no memory */
};

struct egress_tunnels *
egress_tunnels_new(void)
{
	struct egress_tunnels *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	if (getrandom(&t->key, sizeof(t->key), 0) != (ssize_t)sizeof(t->key)) {
		free(t);
		return NULL;
	}
	t->fd = -1;
	t->gate.sun_family = AF_UNIX;
	return t;
}

void
egress_tunnels_free(struct egress_tunnels **tp)
{
	struct egress_tunnels *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t->v);
	free(t);
}

void
egress_tunnels_direct(struct egress_tunnels *t, const char *gate)
{
	if (strlen(gate) >= sizeof(t->gate.sun_path)) {
		log_err("gate %s: too long for a socket", gate);
		gate = "";
	}
	strcpy(t->gate.sun_path, gate);
	if (*gate == '\0')
		return;
	if (t->v == NULL)
		t->v = calloc((size_t)BUCKETS * WAYS, sizeof(*t->v));
	if (t->fd < 0)
		t->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->v == NULL || t->fd < 0)
		log_warn("gate %s", gate);
}

/* --- the table -------------------------------------------------------------------------------- */

static size_t
bucket(const struct egress_tunnels *t, const struct egress_str *src, unsigned port)
{
	char b[SRC_MAX + 2];

	memcpy(b, src->p, src->n);
	b[src->n] = (char)(port & 0xff);
	b[src->n + 1] = (char)(port >> 8);
	return (size_t)(siphash(&t->key, b, src->n + 2).lo & (BUCKETS - 1));
}

/* That of this client: <mine>; or the one to take for it. */
static struct tunnel *
slot(struct egress_tunnels *t, const struct egress_str *src, unsigned port, bool *mine)
{
	struct tunnel *b = t->v + bucket(t, src, port) * WAYS, *oldest = b;

	*mine = true;
	for (unsigned i = 0; i < WAYS; i++) {
		if (b[i].state != FREE && b[i].client_port == port && b[i].q.src.n == src->n &&
		    memcmp(b[i].q.src.p, src->p, src->n) == 0)
			return &b[i];
		if (oldest->state != FREE && (b[i].state == FREE || (int32_t)(b[i].age - oldest->age) < 0))
			oldest = &b[i];
	}
	*mine = false;
	return oldest;
}

/* Whoever made room can't be cut any more.  Most have ended long ago: Squid does not say. */
static void
forget(struct egress_tunnels *t)
{
	struct timespec now;

	t->forgotten++;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (t->said != 0 && now.tv_sec - t->said < SAY_S)
		return;
	t->said = now.tv_sec;
	log_warnx("gate: %llu tunnels made room for newer ones; those of them that are open outlive a change of policy",
	    (unsigned long long)t->forgotten);
}

static bool
keep(struct tunnel *u, size_t *at, struct egress_str *s, const struct egress_str *from)
{
	if (from->n > TEXT_MAX - *at)
		return false;
	if (from->n > 0)
		memcpy(u->text + *at, from->p, from->n);
	*s = (struct egress_str){ u->text + *at, from->n };
	*at += from->n;
	return true;
}

static void
remember(struct tunnel *u, const struct egress_request *q)
{
	size_t at = 0;

	u->q = (struct egress_request){ .port = q->port, .phase = q->phase };
	/* The address first: without the rest it is still known whom to cut. */
	u->cut_short = !keep(u, &at, &u->q.src, &q->src) || !keep(u, &at, &u->q.method, &q->method) ||
	    !keep(u, &at, &u->q.host, &q->host) || !keep(u, &at, &u->q.sni, &q->sni) ||
	    !keep(u, &at, &u->q.user, &q->user) || !keep(u, &at, &u->q.label, &q->label) ||
	    !keep(u, &at, &u->q.certificate, &q->certificate);
}

static bool
is(const struct egress_str *s, const char *word)
{
	return s->n == strlen(word) && memcmp(s->p, word, s->n) == 0;
}

void
egress_tunnels_note(struct egress_tunnels *t, const struct egress_request *q, unsigned port, bool allowed)
{
	bool tunnel = allowed && is(&q->method, "CONNECT"), mine;
	struct tunnel *u;

	if (t->v == NULL || t->gate.sun_path[0] == '\0' || port == 0 || q->src.n == 0 || q->src.n >= SRC_MAX)
		return;
	/* Inside a tunnel that is opened here Squid asks about each request: the tunnel goes on. */
	if (is(&q->scheme, "https"))
		return;
	u = slot(t, &q->src, port, &mine);
	/* Only a tunnel takes the place of another client's. */
	if (!mine && !tunnel)
		return;
	if (!mine && u->state != FREE)
		forget(t);
	if (u->state == REVOKED)
		t->waiting--;
	u->state = FREE;
	if (!tunnel)
		return;
	remember(u, q);
	u->client_port = (uint16_t)port;
	u->age = ++t->clock;
	u->state = OPEN;
}

uint64_t
egress_tunnels_forgotten(const struct egress_tunnels *t)
{
	return t->forgotten;
}

size_t
egress_tunnels_waiting(const struct egress_tunnels *t)
{
	return t->waiting;
}

bool
egress_tunnels_open(const struct egress_tunnels *t)
{
	return t->clock > 0;
}

size_t
egress_tunnels_review(struct egress_tunnels *t, const struct egress_policy *p)
{
	size_t n = 0;

	if (t->v == NULL)
		return 0;
	for (size_t i = 0; i < (size_t)BUCKETS * WAYS; i++) {
		struct tunnel *u = &t->v[i];
		struct egress_verdict v;

		if (u->state != OPEN)
			continue;
		egress_decide(p, &u->q, &v);
		if (v.allow && !u->cut_short)
			continue;
		u->state = REVOKED;
		n++;
	}
	t->waiting += n;
	return n;
}

/* --- to the gate ------------------------------------------------------------------------------ */

/* Lines for some of what waits, beginning at <*i>. */
static size_t
lines(struct egress_tunnels *t, size_t *i, char *out)
{
	size_t n = 0;

	for (; *i < (size_t)BUCKETS * WAYS && n + LINE * 2 < DATAGRAM; ++*i) {
		struct tunnel *u = &t->v[*i];

		if (u->state == REVOKED)
			n += (size_t)snprintf(out + n, DATAGRAM - n, "cut %.*s %u\n", (int)u->q.src.n, u->q.src.p, u->client_port);
	}
	return n;
}

void
egress_tunnels_flush(struct egress_tunnels *t)
{
	static char b[DATAGRAM];

	for (size_t i = 0, from = 0; t->waiting > 0 && i < (size_t)BUCKETS * WAYS; from = i) {
		size_t n = lines(t, &i, b);

		if (n == 0)
			continue;
		if (sendto(t->fd, b, n, 0, (const struct sockaddr *)&t->gate, sizeof(t->gate)) < 0) {
			if (!t->complained)
				log_warn("gate %s: %zu connections are revoked and go on", t->gate.sun_path, t->waiting);
			t->complained = true;
			return;
		}
		t->complained = false;
		for (; from < i; from++)
			if (t->v[from].state == REVOKED) {
				t->v[from].state = FREE;
				t->waiting--;
			}
	}
}
