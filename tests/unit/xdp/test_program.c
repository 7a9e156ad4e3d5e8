/* SPDX-License-Identifier: MIT */
/* The program in the kernel, one packet at a time: needs the right to load it, else it skips. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <linux/bpf.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_count.h"
#include "bpf/xdp_frame.h"
#include "bpf/xdp_load.h"
#include "bpf/xdp_run.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "tests/unit/xdp/frames.h"
#include "tests/unit/xdp/ref_parse.h"
#include "tests/unit/xdp/vectors.h"

static const char *why_not;
static const char plain[] = "never_ban: \"\"\nbudget: {events: 0}\n";

struct rig {
	struct xdp_load	*load;
	struct conf_mem	*mem;
	struct xdp_conf	 conf;
};

static void
ban(struct rig *r, const char *text, const struct xdp_ban_ports *ports)
{
	struct cidr c;

	assert_int_equal(cidr_parse(text, &c), 0);
	assert_int_equal(xdp_ban_add(xdp_load_maps(r->load), &c, XO_MANUAL, XDPF_FOREVER, ports), 0);
}

static int
rig_open(struct rig *r, const char *yaml)
{
	const struct xdp_load_opts opts = {.bench_stride = 1, .cookies = xdp_has_cookies()};
	char path[] = "/tmp/llmsec-xdp.XXXXXX";
	struct diag *d = diag_new();
	int fd = mkstemp(path), rc;

	memset(r, 0, sizeof(*r));
	assert_true(fd >= 0 && write(fd, yaml, strlen(yaml)) == (ssize_t) strlen(yaml));
	close(fd);
	rc = xdp_conf_load(&r->conf, path, &r->mem, d);
	unlink(path);
	if (rc == 0)
		rc = xdp_load(&r->load, &r->conf, NULL, &opts, d);
	if (rc == 0)
		rc = xdp_apply(xdp_load_maps(r->load), &r->conf, opts.cookies, d);
	if (rc != 0 && rc != -EPERM)
		diag_print(d, stderr);
	diag_free(&d);
	return rc;
}

static void
rig_close(struct rig *r)
{
	xdp_load_free(&r->load);
	conf_mem_free(&r->mem);
}

static const char *
once(struct rig *r, const uint8_t *frame, size_t len, struct xdp_run *run)
{
	assert_int_equal(xdp_run(xdp_load_prog_fd(r->load), frame, len, 1, run), 0);
	return xdp_reasons[xdp_load_last_reason(r->load)].name;
}

static uint64_t
counter(struct rig *r, int reason)
{
	struct xdp_totals t;
	struct xdpf_stat s;

	assert_int_equal(xdp_totals_read(xdp_load_maps(r->load), &t), 0);
	xdp_totals_reason(&t, reason, &s);
	return s.packets;
}

static uint32_t
action_of(const char *reason)
{
	for (int i = 0; i < XR_MAX; i++)
		if (strcmp(xdp_reasons[i].name, reason) == 0)
			return xdp_reasons[i].action == XDPF_PASS ? XDP_PASS : xdp_reasons[i].action == XDPF_TX ? XDP_TX : XDP_DROP;
	return XDP_ABORTED;
}

static int
reason_of(const char *name)
{
	for (int i = 0; i < XR_MAX; i++)
		if (strcmp(xdp_reasons[i].name, name) == 0)
			return i;
	return XR_MAX;
}

static void
vector_check(struct rig *r, const struct vector *v)
{
	static struct xdp_run run;
	uint8_t frame[XDP_FRAME_MAX];
	size_t len = vector_frame(v, frame, sizeof(frame));
	const char *got = NULL;
	uint64_t before;

	assert_int_not_equal(len, 0);
	for (unsigned n = 0; n < v->repeat; n++) {
		got = once(r, frame, len, &run);
		if (run.action != XDP_PASS)
			fail_msg("%s: packet %u: %s", v->name, n + 1, got);
	}
	before = counter(r, reason_of(v->reason));
	got = once(r, frame, len, &run);
	if (strcmp(got, v->reason) != 0)
		fail_msg("%s: %s, not %s", v->name, got, v->reason);
	assert_int_equal(run.action, action_of(got));
	assert_int_equal(counter(r, reason_of(got)), before + 1);
}

static void
test_vectors(void **state)
{
	const struct xdp_ban_ports dns = {.lo = 53, .hi = 53, .proto = 17};
	struct rig r;

	(void) state;
	assert_int_equal(rig_open(&r, plain), 0);
	for (size_t i = 0; i < n_vectors; i++)
		if (!vectors[i].limits)
			vector_check(&r, &vectors[i]);
	rig_close(&r);
	assert_int_equal(rig_open(&r, vectors_conf), 0);
	ban(&r, "203.0.113.0/24", NULL);
	ban(&r, "192.0.2.99", &dns);
	ban(&r, "2001:db8:bad::/48", NULL);
	ban(&r, "2001:db8:bad2::1", NULL);
	for (size_t i = 0; i < n_vectors; i++)
		if (vectors[i].limits)
			vector_check(&r, &vectors[i]);
	rig_close(&r);
}

/* From 14 bytes on: the kernel runs nothing shorter.  test_parse has the rest. */
static void
test_truncated(void **state)
{
	static struct xdp_run run;
	uint8_t frame[XDP_FRAME_MAX];
	struct rig r;
	const char *got;
	size_t len;

	(void) state;
	assert_int_equal(rig_open(&r, plain), 0);
	for (size_t i = 0; i < n_vectors; i++) {
		len = vector_frame(&vectors[i], frame, sizeof(frame));
		for (size_t n = 14; n <= len && n < 200; n++) {
			got = once(&r, frame, n, &run);
			if (strcmp(got, ref_parse(frame, n)) != 0)
				fail_msg("%s, %zu bytes: %s, not %s", vectors[i].name, n, got, ref_parse(frame, n));
		}
	}
	rig_close(&r);
}

/* The million is for `./dev bench` and CI's nightly: XDP_PROPERTY=1000000; the default is a second's worth. */
static void
test_property(void **state)
{
	const char *want = getenv("XDP_PROPERTY");
	long n = want != NULL ? atol(want) : 200000;
	struct frame_rng rng = {.s = 0x2545f4914f6cdd1dULL};
	static struct xdp_run run;
	uint8_t frame[FRAME_MAX];
	struct rig r;
	const char *got, *ref;
	size_t len;

	(void) state;
	assert_int_equal(rig_open(&r, plain), 0);
	for (long i = 0; i < n; i++) {
		len = frame_random(&rng, frame);
		got = once(&r, frame, len, &run);
		ref = ref_parse(frame, len);
		if (strcmp(got, ref) != 0 || run.action != action_of(ref))
			fail_msg("frame %ld, %zu bytes: %s, not %s", i, len, got, ref);
	}
	print_message("# %ld packets\n", n);
	rig_close(&r);
}

static void
test_switches(void **state)
{
	static struct xdp_run run;
	uint8_t frame[XDP_FRAME_MAX];
	size_t len = vector_frame(&vectors[1], frame, sizeof(frame));
	struct xdpf_conf k;
	struct rig r;

	(void) state;
	assert_int_equal(rig_open(&r, plain), 0);
	ban(&r, "192.0.2.0/25", NULL);
	assert_string_equal(once(&r, frame, len, &run), "ban");
	assert_int_equal(xdp_maps_conf_get(xdp_load_maps(r.load), &k), 0);
	k.flags |= XF_DRY_RUN;
	assert_int_equal(xdp_maps_conf_set(xdp_load_maps(r.load), &k), 0);
	assert_string_equal(once(&r, frame, len, &run), "ban");
	assert_int_equal(run.action, XDP_PASS);
	k.flags = XF_PANIC;
	assert_int_equal(xdp_maps_conf_set(xdp_load_maps(r.load), &k), 0);
	assert_string_equal(once(&r, frame, len, &run), "panic");
	assert_int_equal(run.action, XDP_PASS);
	rig_close(&r);
}

/* A SYN over the budget: with cookies a SYN-ACK with right checksums comes back, without them nothing. */
static void
test_cookie(void **state)
{
	static const char yaml[] = "never_ban: \"\"\nprotect: {tcp: [443]}\nsource: {syn: 0}\n"
	    "budget: {syn: 1, burst: 20ms, events: 0}\n";
	static struct xdp_run run;
	uint8_t frame[XDP_FRAME_MAX];
	uint32_t sum = 0;
	size_t len = 0;
	struct rig r;

	(void) state;
	if (!xdp_has_cookies()) {
		print_message("# this kernel has no raw SYN cookie helpers\n");
		skip();
	}
	for (size_t i = 0; i < n_vectors; i++)
		if (strcmp(vectors[i].name, "SYN") == 0)
			len = vector_frame(&vectors[i], frame, sizeof(frame));
	assert_int_equal(rig_open(&r, yaml), 0);
	for (int i = 0; i < 10 && strcmp(once(&r, frame, len, &run), "cookie-sent") != 0; i++)
		assert_int_equal(run.action, XDP_PASS);
	assert_int_equal(run.action, XDP_TX);
	assert_int_equal(run.out_len, 14 + 20 + 24);
	assert_memory_equal(run.out, frame + 6, 6);
	assert_memory_equal(run.out + 26, frame + 30, 4);
	assert_memory_equal(run.out + 30, frame + 26, 4);
	assert_int_equal(run.out[47], 0x12);
	assert_int_equal(run.out[45], 2);	/* acknowledges sequence number 1 */
	for (int i = 14; i < 34; i += 2)
		sum += (uint32_t) run.out[i] << 8 | run.out[i + 1];
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	sum = 6 + 24;
	for (int i = 26; i < 58; i += 2)
		sum += (uint32_t) run.out[i] << 8 | run.out[i + 1];
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	rig_close(&r);
}

/* A ban that has expired, or is for another port, must not hide a shorter one. */
static void
test_nested(void **state)
{
	const struct xdp_ban_ports ssh = {.lo = 22, .hi = 22, .proto = 6};
	static struct xdp_run run;
	uint8_t frame[XDP_FRAME_MAX];
	size_t len = vector_frame(&vectors[1], frame, sizeof(frame)), n;
	struct cidr c;
	struct rig r;

	(void) state;
	assert_int_equal(rig_open(&r, plain), 0);
	ban(&r, "192.0.2.1", &ssh);
	assert_string_equal(once(&r, frame, len, &run), "unprotected");
	assert_int_equal(cidr_parse("192.0.2.0/28", &c), 0);
	assert_int_equal(xdp_ban_add(xdp_load_maps(r.load), &c, XO_CLUSTER, 1, NULL), 0);
	assert_string_equal(once(&r, frame, len, &run), "unprotected");
	ban(&r, "128.0.0.0/1", NULL);
	assert_string_equal(once(&r, frame, len, &run), "ban");
	assert_int_equal(cidr_parse("128.0.0.0/1", &c), 0);
	assert_int_equal(xdp_ban_del(xdp_load_maps(r.load), &c, XO_CLUSTER), -ENOENT);
	assert_int_equal(xdp_ban_del(xdp_load_maps(r.load), &c, XO_MANUAL), 0);
	assert_string_equal(once(&r, frame, len, &run), "unprotected");
	assert_int_equal(xdp_ban_expire(xdp_load_maps(r.load), &n), 0);
	assert_int_equal(n, 1);
	rig_close(&r);
}

/* One UDP packet from <src> to port 53; what became of it. */
static const char *
udp_from(struct rig *r, const char *src)
{
	const struct xdp_frame f = {.src = src, .dst = strchr(src, ':') != NULL ? "2001:db8:f::1" : "198.51.100.1", .proto = 17,
	    .sport = 9, .dport = 53, .payload = 18};
	static struct xdp_run run;
	uint8_t frame[XDP_FRAME_MAX];

	return once(r, frame, xdp_frame_make(&f, frame, sizeof(frame)), &run);
}

/* Twenty packets for each /24 and /48, whoever in it sends them. */
static void
test_networks(void **state)
{
	static const char yaml[] = "never_ban: \"\"\nprotect: {udp: [53]}\nsource: {udp: 0}\nnetwork: {udp: 1, burst: 20s}\n"
	    "budget: {udp: 0, new_sources: 0, events: 0}\n";
	char src[64];
	struct rig r;

	(void) state;
	assert_int_equal(rig_open(&r, yaml), 0);
	for (int v6 = 0; v6 < 2; v6++) {
		for (int i = 1; i <= 20; i++) {
			snprintf(src, sizeof(src), v6 ? "2001:db8:1:%x::1" : "192.0.2.%d", i);
			assert_string_equal(udp_from(&r, src), "pass");
		}
		assert_string_equal(udp_from(&r, v6 ? "2001:db8:1:ffff::1" : "192.0.2.254"), "rate-net");
		assert_string_equal(udp_from(&r, v6 ? "2001:db8:1:1::1" : "192.0.2.1"), "rate-net");
		assert_string_equal(udp_from(&r, v6 ? "2001:db8:2:1::1" : "192.0.3.1"), "pass");
	}
	rig_close(&r);
}

/* Of 500 sources in a table of 1024, nearly all find a place: when the budget of the unknown is gone, they still pass. */
static void
test_sources(void **state)
{
	static const char yaml[] = "never_ban: \"\"\nmax_sources: 1024\nprotect: {udp: [53]}\nsource: {udp: 0}\n"
	    "budget: {udp: 0, new_sources: 0, events: 0}\n";
	struct xdpf_conf k;
	int known = 0;
	char src[64];
	struct rig r;

	(void) state;
	assert_int_equal(rig_open(&r, yaml), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 500; i++) {
			snprintf(src, sizeof(src), i % 2 ? "2001:db8:8%03x::1" : "192.0.%d.2", i / 2);
			known += strcmp(udp_from(&r, src), "pass") == 0;
		}
		if (round > 0)
			break;
		assert_int_equal(known, 500);
		known = 0;
		/* One token an hour; a stranger takes it. */
		assert_int_equal(xdp_maps_conf_get(xdp_load_maps(r.load), &k), 0);
		k.budget[XB_UDP] = (struct xdpf_budget) {.interval = 3600000000000ULL, .tolerance = 20000000, .chunk = 1};
		assert_int_equal(xdp_maps_conf_set(xdp_load_maps(r.load), &k), 0);
		udp_from(&r, "198.18.0.1");
		assert_string_equal(udp_from(&r, "198.18.0.2"), "budget-udp");
	}
	print_message("# %d of 500 known\n", known);
	assert_in_range(known, 450, 500);
	rig_close(&r);
}

/* Bans that lie in and over each other, some expired, some from a port only: the kernel says what a list says. */
#define MODEL_BANS	1024

struct model {
	struct cidr	 cidr[MODEL_BANS];
	bool		 gone[MODEL_BANS], dead[MODEL_BANS], port[MODEL_BANS];
};

static const char *
model_says(const struct model *m, const struct cidr *addr)
{
	bool banned = false, port = false;

	for (int i = 0; i < MODEL_BANS; i++)
		if (!m->gone[i] && !m->dead[i] && cidr_covers(&m->cidr[i], addr)) {
			port |= m->port[i];
			banned |= !m->port[i];
		}
	return banned ? "ban" : port ? "ban-port" : "unprotected";
}

static void
model_ask(struct rig *r, const struct model *m, struct frame_rng *rng, int n)
{
	const char *got, *want;
	struct cidr addr;
	char text[64];

	for (int i = 0; i < n; i++) {
		const struct cidr *near = &m->cidr[frame_rand(rng) % MODEL_BANS];
		uint32_t x = frame_rand(rng);

		snprintf(text, sizeof(text), "32.%u.%u.%u", near->addr[13], near->addr[14] ^ (unsigned) (x & 1),
		    near->addr[15] ^ (unsigned) (x >> 8 & x >> 16 & 255));
		assert_int_equal(cidr_parse(text, &addr), 0);
		got = udp_from(r, text);
		want = model_says(m, &addr);
		if (strcmp(got, want) != 0 && (strcmp(got, "ban-port") != 0 || strcmp(want, "ban") != 0))
			fail_msg("%s: %s, not %s", text, got, want);
	}
}

static void
test_ban_model(void **state)
{
	static const char yaml[] = "never_ban: \"\"\nmax_bans4: 1024\nbudget: {events: 0}\n";
	const struct xdp_ban_ports dns = {.lo = 53, .hi = 53, .proto = 17};
	static struct model m;
	struct frame_rng rng = {.s = 0x9e3779b97f4a7c15ULL};
	struct xdp_maps *maps;
	struct rig r;
	char text[64];

	(void) state;
	assert_int_equal(rig_open(&r, yaml), 0);
	maps = xdp_load_maps(r.load);
	for (int i = 0; i < MODEL_BANS; i++) {
		uint64_t x;

		/* All different, so that one is not two: the length, or else the address. */
		do {
			x = (uint64_t) frame_rand(&rng) << 32 | frame_rand(&rng);
			snprintf(text, sizeof(text), "32.%u.%u.%u/%u", (unsigned) (x >> 8 & 3), (unsigned) (x >> 16 & 255),
			    (unsigned) (x >> 24 & 255), (unsigned) (x & 3 ? 32 : 20 + (x >> 32) % 13));
			assert_int_equal(cidr_parse(text, &m.cidr[i]), 0);
			for (int j = 0; j < i && x != 0; j++)
				x = cidr_equal(&m.cidr[j], &m.cidr[i]) ? 0 : x;
		} while (x == 0);
		m.dead[i] = x >> 40 & 1 && x >> 41 & 1;
		m.port[i] = x >> 42 & 1 && x >> 43 & 1;
		assert_int_equal(xdp_ban_add(maps, &m.cidr[i], XO_MANUAL, m.dead[i] ? 2 : XDPF_FOREVER, m.port[i] ? &dns : NULL), 0);
	}
	model_ask(&r, &m, &rng, 5000);
	for (int i = 0; i < MODEL_BANS; i += 2) {
		m.gone[i] = true;
		assert_int_equal(xdp_ban_del(maps, &m.cidr[i], XO_MANUAL), 0);
	}
	model_ask(&r, &m, &rng, 5000);
	assert_int_equal(xdp_filter_rebuild(maps), 0);
	model_ask(&r, &m, &rng, 5000);
	for (int i = 0; i < MODEL_BANS; i += 2) {
		m.gone[i] = m.dead[i] = m.port[i] = false;
		assert_int_equal(xdp_ban_add(maps, &m.cidr[i], XO_CLUSTER, XDPF_FOREVER, NULL), 0);
	}
	model_ask(&r, &m, &rng, 5000);
	rig_close(&r);
}

static int
may_load(void **state)
{
	static char text[200];
	struct rig r;
	int rc;

	(void) state;
	log_set_level(LOG_EMERG);
	rc = rig_open(&r, plain);
	rig_close(&r);
	if (rc == -EPERM || rc == -ENOSYS) {		/* -EACCES is the verifier: a fault of ours */
		snprintf(text, sizeof(text), "no XDP program can be loaded here: %s", strerror(-rc));
		why_not = text;
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_truncated), cmocka_unit_test(test_property),
		cmocka_unit_test(test_switches), cmocka_unit_test(test_cookie), cmocka_unit_test(test_nested),
		cmocka_unit_test(test_networks), cmocka_unit_test(test_sources), cmocka_unit_test(test_ban_model),
	};

	may_load(NULL);
	if (why_not != NULL) {
		printf("1..0 # SKIP %s\n", why_not);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
