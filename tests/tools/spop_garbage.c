/* SPDX-License-Identifier: MIT */
/*
 * Garbage for the agent: frames that are random, or valid with a few bytes changed, most with a true
 * length in front so that they get past the framing.  Deterministic for a seed.  Passing means: it
 * never crashed, its memory didn't grow after warming up, and it still judges a good request.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "haproxy-spoa/judge.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/spop_conn.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "tests/tools/spop_client.h"

#define FRAME_MAX	2048
#define BATCH		16	/* frames a connection over a socket; few live to the last */
#define GROWTH_MAX	(8192L)	/* KiB; the allocator's own play */

struct rng {
	uint64_t	s;
};

static uint32_t
rng_next(struct rng *r)		/* xorshift64*, Vigna 2014 */
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return (uint32_t)((r->s * 2685821657736338717ULL) >> 32);
}

static long
rss_kib(long pid)
{
	char path[64];
	long size, pages = -1;
	FILE *f;

	snprintf(path, sizeof(path), pid ? "/proc/%ld/statm" : "/proc/self/statm", pid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%ld %ld", &size, &pages) != 2)
		pages = -1;
	if (f != NULL)
		fclose(f);
	return pages < 0 ? -1 : pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static size_t
frame_valid(uint8_t *b, struct rng *r)
{
	static const char body[400] = "{\"model\":\"m\"}";
	const struct spop_request q = {"POST", "/v1/messages", "0123456789abcdef", "127.0.0.1", body,
		rng_next(r) % sizeof(body), (int64_t)(rng_next(r) % 500)};

	return spop_request_encode(b, FRAME_MAX, &q, rng_next(r) % 5000);
}

static size_t
frame_random(uint8_t *b, struct rng *r)
{
	size_t n = SPOP_LENGTH + rng_next(r) % 120;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)rng_next(r);
	if (rng_next(r) % 2 && n > 5) {
		b[4] = rng_next(r) % 4;			/* a type that exists */
		memset(b + 5, 0, n < 8 ? n - 5 : 3);
		if (n > 8)
			b[8] = rng_next(r) % 4;		/* flags that exist */
	}
	return n;
}

/*
 * Write one garbage frame.  Most are a little wrong, so that a connection lives through several before
 * one ends it; a few are cut short, and a few lie about their length.
 */
static size_t
garbage_make(uint8_t *b, struct rng *r)
{
	size_t n = rng_next(r) % 8 ? frame_valid(b, r) : frame_random(b, r);
	size_t len;

	for (unsigned i = rng_next(r) % 4; i > 0; i--)
		b[SPOP_LENGTH + rng_next(r) % (n - SPOP_LENGTH ? n - SPOP_LENGTH : 1)] = (uint8_t)rng_next(r);
	if (rng_next(r) % 32 == 0 && n > SPOP_LENGTH)
		n = SPOP_LENGTH + rng_next(r) % (n - SPOP_LENGTH);	/* cut short */
	len = rng_next(r) % 64 ? n - SPOP_LENGTH : rng_next(r) % 20000;
	b[0] = (uint8_t)(len >> 24);
	b[1] = (uint8_t)(len >> 16);
	b[2] = (uint8_t)(len >> 8);
	b[3] = (uint8_t)len;
	return n;
}

static struct policy *
policy_make(void)
{
	static const char text[] = "listen: [\"unix:/nowhere\"]\nedge_keys: \"\"\ndeadline: 60s\n"
	    "guard:\n  routes:\n    - {path_prefix: /v1/, oversize: flag}\n";
	char path[] = "/tmp/llmsec-spop.XXXXXX";
	struct policy *p = NULL;
	struct diag *d = diag_new();
	int fd = mkstemp(path);

	if (fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1)
		p = policy_load(path, d);
	if (p == NULL)
		diag_print(d, stderr);
	diag_free(&d);
	if (fd >= 0) {
		unlink(path);
		close(fd);
	}
	return p;
}

static void
conn_give(struct spop_conn *c, const uint8_t *p, size_t n)
{
	char *room = spop_conn_room(c, n);

	if (room == NULL)
		abort();
	memcpy(room, p, n);
	spop_conn_got(c, n);
	while (spop_conn_process(c))
		buf_consume(&c->out, buf_len(&c->out));
}

static void
conn_begin(struct spop_conn *c, struct judge *j)
{
	const struct spop_conn_conf conf = {1 << 20, 1 << 20, 65536};
	struct wire_out o;
	uint8_t b[256];

	spop_conn_init(c, &conf, judge_notify, j);
	wire_out_init(&o, b, sizeof(b));
	spop_put_haproxy_hello(&o, 65532, "pipelining,async", false);
	conn_give(c, b, wire_out_len(&o));
	buf_consume(&c->out, buf_len(&c->out));
}

/* Does a fresh connection still get a good request judged? */
static bool
inside_works(struct judge *j)
{
	struct rng r = {1};
	struct spop_conn c;
	uint8_t b[FRAME_MAX];
	bool ok;

	conn_begin(&c, j);
	conn_give(&c, b, frame_valid(b, &r));
	ok = c.state == SPOP_ST_READY && buf_len(&c.out) > 0 && c.n_notifies == 1;
	spop_conn_free(&c);
	return ok;
}

int
spop_garbage_inside(uint64_t frames, uint64_t seed)
{
	struct rng r = {seed | 1};
	struct judge j = {.policy = policy_make(), .arena = arena_new(8 << 20)};
	struct spop_conn c;
	uint64_t conns = 1, notifies = 0, before = 0, given = 0;	/* before: frames of earlier connections */
	long warm = 0, end;
	uint8_t b[FRAME_MAX];
	bool ok;

	if (j.policy == NULL || j.arena == NULL)
		return 1;
	conn_begin(&c, &j);
	/* What counts is what the state machine decoded, not what was swallowed as the rest of a liar. */
	for (; before + c.n_frames < frames; given++) {
		if (warm == 0 && before + c.n_frames >= frames / 10)
			warm = rss_kib(0);
		j.since_us = given % 64 == 0 ? policy_now_us() : j.since_us;
		conn_give(&c, b, garbage_make(b, &r));
		buf_consume(&c.out, buf_len(&c.out));
		if (c.state == SPOP_ST_CLOSING) {
			notifies += c.n_notifies;
			before += c.n_frames;
			spop_conn_free(&c);
			conn_begin(&c, &j);
			conns++;
		}
	}
	spop_conn_free(&c);
	ok = inside_works(&j);
	end = rss_kib(0);
	printf("%llu frames decoded of %llu sent, %llu connections, %llu messages judged, resident %ld -> %ld KiB, %s\n",
	    (unsigned long long)frames, (unsigned long long)given, (unsigned long long)conns,
	    (unsigned long long)notifies, warm, end, ok ? "still works" : "BROKEN");
	arena_free(&j.arena);
	policy_unref((struct policy **)(uintptr_t)&j.policy);
#if defined(__SANITIZE_ADDRESS__)
	return !ok;	/* the sanitizer's quarantine grows by design; it finds leaks its own way */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return !ok;
#endif
#endif
	return !(ok && end - warm < GROWTH_MAX);
}

static bool
socket_works(const char *addr)
{
	struct spop_client c;
	struct spop_hello h;
	struct spop_frame f;
	struct rng r = {1};
	uint8_t b[FRAME_MAX];
	bool ok = spop_client_open(&c, addr) == 0 && spop_client_hello(&c, false, &h) == 0 &&
	    spop_client_send(&c, b, frame_valid(b, &r)) == 0 && spop_client_recv(&c, &f) == 0 &&
	    f.type == SPOP_T_ACK;

	spop_client_close(&c);
	return ok;
}

/* HELLO and <batch> frames in one go, then nothing more: whatever it was, the agent has to end it. */
static int
socket_pelt(const char *addr, struct rng *r)
{
	static uint8_t b[256 + BATCH * FRAME_MAX];
	struct spop_client c;
	struct wire_out o;
	char waste[65536];
	size_t n;
	ssize_t got = -1;

	if (spop_client_open(&c, addr) != 0)
		return -ECONNREFUSED;
	wire_out_init(&o, b, sizeof(b));
	spop_put_haproxy_hello(&o, 65532, "pipelining,async", false);
	n = wire_out_len(&o);
	for (unsigned k = 0; k < BATCH; k++)
		n += garbage_make(b + n, r);
	if (spop_client_send(&c, b, n) == 0 && shutdown(c.fd, SHUT_WR) == 0)
		do
			got = recv(c.fd, waste, sizeof(waste), 0);
		while (got > 0);
	n = got == 0 || errno == ECONNRESET || errno == EPIPE || errno == ENOTCONN;
	spop_client_close(&c);
	return n ? 0 : -ETIMEDOUT;
}

int
spop_garbage_socket(const char *addr, uint64_t frames, uint64_t seed, long pid)
{
	struct rng r = {seed | 1};
	uint64_t conns = 0;
	long warm = 0, end;
	bool ok;
	int rc;

	for (uint64_t i = 0; i < frames; i += BATCH, conns++) {
		if (warm == 0 && i >= frames / 10)
			warm = rss_kib(pid);
		rc = socket_pelt(addr, &r);
		if (rc != 0) {
			printf("after %llu frames: %s\n", (unsigned long long)i, strerror(-rc));
			return 1;
		}
	}
	ok = socket_works(addr);
	end = rss_kib(pid);
	printf("%llu frames, %llu connections, resident %ld -> %ld KiB, %s\n", (unsigned long long)frames,
	    (unsigned long long)conns, pid ? warm : 0, pid ? end : 0, ok ? "still works" : "BROKEN");
	return !(ok && (pid == 0 || (end > 0 && end - warm < GROWTH_MAX)));
}
