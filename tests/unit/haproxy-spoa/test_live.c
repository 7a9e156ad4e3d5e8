/* SPDX-License-Identifier: MIT */
/*
 * The agent as a process: what it tells systemd, what it says on its sockets, reload, drain, limits.
 * Each test has an agent of its own in a temporary folder, listening on a Unix socket and on a TCP port
 * that the kernel chooses.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "haproxy-spoa/policy.h"
#include "lib/counters.h"
#include "tests/tools/spop_client.h"
#include "tests/unit/tls/hello_make.h"

#define PATIENCE_MS	15000
#define MIB		(1u << 20)

static struct agent {
	char	dir[64], unix_addr[96], tcp_addr[64];
	pid_t	pid;
	int	notify;		/* where systemd would listen */
} agent;

static const char *
path_of(const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", agent.dir, name);
	return out;
}

static void
conf_write(const char *extra)
{
	char path[128];
	FILE *f = fopen(path_of("spoad.yaml", path), "w");

	assert_non_null(f);
	fprintf(f, "listen: [\"unix:spoad.sock\", \"127.0.0.1:0\"]\nrun_dir: %s\nworkers: 2\ndeadline: 30s\n"
	    "edge_keys: \"\"\ncounters_dir: %s\nevents: {socket: \"\", spool_dir: \"\"}\n%s", agent.dir, agent.dir,
	    extra);
	assert_int_equal(fclose(f), 0);
}

/* Wait until systemd would have read <want>. */
static void
notify_wait(const char *want)
{
	uint64_t end = policy_now_us() + PATIENCE_MS * 1000;
	struct pollfd p = {.fd = agent.notify, .events = POLLIN};
	char text[256];
	ssize_t n;

	do {
		if (poll(&p, 1, PATIENCE_MS) != 1)
			break;
		n = recv(agent.notify, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
		if (strstr(text, want) != NULL)
			return;
	} while (policy_now_us() < end);
	fail_msg("%s was not told", want);
}

static void
notify_open(char path[128])
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	assert_true(strlen(path_of("notify", path)) < sizeof(un.sun_path));
	memcpy(un.sun_path, path, strlen(path));
	agent.notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(agent.notify, (struct sockaddr *)&un, sizeof(un)), 0);
}

static void __attribute__((noreturn))
agent_exec(const char *notify, rlim_t nofile)
{
	const struct rlimit lim = {nofile, nofile};
	const char *top = getenv("builddir");
	char program[512], conf[128], log[128];
	int fd = open(path_of("log", log), O_WRONLY | O_CREAT | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* a test that fails leaves nobody behind */
	snprintf(program, sizeof(program), "%s/haproxy-spoa/llmsec-spoad", top ? top : ".");
	setenv("NOTIFY_SOCKET", notify, 1);
	setenv("WATCHDOG_USEC", "400000", 1);
	unsetenv("WATCHDOG_PID");
	if (nofile != 0)
		setrlimit(RLIMIT_NOFILE, &lim);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	execl(program, program, "-c", path_of("spoad.yaml", conf), (char *)NULL);
	_exit(127);
}

/* The port is in the log, because the kernel chose it. */
static void
tcp_find(void)
{
	char path[128], line[256];
	FILE *f = fopen(path_of("log", path), "r");
	const char *p;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if ((p = strstr(line, "listening on 127.0.0.1:")) != NULL)
			snprintf(agent.tcp_addr, sizeof(agent.tcp_addr), "%.*s", (int)strcspn(p + 13, "\n"), p + 13);
	fclose(f);
	assert_string_not_equal(agent.tcp_addr, "");
}

static void
agent_start(const char *extra, rlim_t nofile)
{
	char notify[128];

	conf_write(extra);
	notify_open(notify);
	agent.pid = fork();
	assert_true(agent.pid >= 0);
	if (agent.pid == 0)
		agent_exec(notify, nofile);
	notify_wait("READY=1");
	snprintf(agent.unix_addr, sizeof(agent.unix_addr), "unix:%s/spoad.sock", agent.dir);
	tcp_find();
}

static void
agent_reap(void)
{
	int status;

	assert_int_equal(waitpid(agent.pid, &status, 0), agent.pid);
	agent.pid = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
agent_stop(void)
{
	char path[128];

	assert_int_equal(kill(agent.pid, SIGTERM), 0);
	agent_reap();
	assert_int_not_equal(access(path_of("spoad.sock", path), F_OK), 0);
}

static int
folder_make(void **state)
{
	memset(&agent, 0, sizeof(agent));
	agent.notify = -1;
	snprintf(agent.dir, sizeof(agent.dir), "/tmp/llmsec-live.XXXXXX");
	return mkdtemp(agent.dir) == NULL;
}

static int
folder_drop(void **state)
{
	static const char *const names[] = {"spoad.yaml", "notify", "log", "spoad.sock", "spoad.ctr"};
	char path[128];

	if (agent.pid > 0) {
		kill(agent.pid, SIGKILL);
		waitpid(agent.pid, NULL, 0);
	}
	if (agent.notify >= 0)
		close(agent.notify);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(path_of(names[i], path));
	return rmdir(agent.dir);
}

static long
counter(const char *name)
{
	char *text = NULL, *p;
	size_t size, n = strlen(name);
	FILE *f = open_memstream(&text, &size);
	long v = -1;

	assert_int_equal(counters_export(agent.dir, f), 0);
	fclose(f);
	for (p = text; p != NULL && v < 0; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (strncmp(p, name, n) == 0 && p[n] == ' ')
			v = atol(p + n);
	free(text);
	return v;
}

static void
client_open(struct spop_client *c, const char *addr, uint32_t size)
{
	struct spop_hello h;

	assert_int_equal(spop_client_open(c, addr), 0);
	assert_int_equal(spop_client_offer(c, size, false, &h), 0);
	assert_int_equal(h.frame_size, size < MIB ? size : MIB);
}

static size_t
request_make(uint8_t *b, size_t size, size_t body_len, int64_t body_size, uint64_t stream)
{
	static char body[MIB];
	const struct spop_request q = {"POST", "/other", "0123456789abcdef0123456789abcdef", "192.0.2.7", body,
		body_len, body_size};
	size_t n = spop_request_encode(b, size, &q, stream);

	assert_true(n > 0);
	return n;
}

static void
ask(struct spop_client *c, size_t body_len, int64_t body_size, uint64_t stream)
{
	uint8_t b[4096];

	assert_int_equal(spop_client_send(c, b, request_make(b, sizeof(b), body_len, body_size, stream)), 0);
}

/* The next frame is the ACK for <stream>; copies one of its variables. */
static void
answer(struct spop_client *c, uint64_t stream, const char *name, char out[128])
{
	struct spop_action a;
	struct spop_frame f;
	struct wire w;
	int64_t num;

	assert_int_equal(spop_client_recv(c, &f), 0);
	assert_int_equal(f.type, SPOP_T_ACK);
	assert_int_equal(f.stream_id, stream);
	wire_init(&w, f.payload, f.len);
	while (spop_action_get(&w, &a)) {
		if (a.name_len != strlen(name) || memcmp(a.name, name, a.name_len) != 0)
			continue;
		if (a.value.type == SPOP_D_STR)
			snprintf(out, 128, "%.*s", (int)a.value.str.len, a.value.str.p);
		else if (spop_value_int(&a.value, &num))
			snprintf(out, 128, "%lld", (long long)num);
		else
			snprintf(out, 128, "%s", a.value.b ? "true" : "false");
		return;
	}
	fail_msg("no variable %s", name);
}

static void
expect_action(struct spop_client *c, uint64_t stream, const char *want)
{
	char got[128];

	answer(c, stream, "action", got);
	assert_string_equal(got, want);
}

/* AGENT-DISCONNECT with this status, and the end. */
static void
expect_goodbye(struct spop_client *c, uint32_t want)
{
	struct spop_frame f;
	uint32_t status;

	assert_int_equal(spop_client_recv(c, &f), 0);
	assert_int_equal(f.type, SPOP_T_AGENT_DISCONNECT);
	assert_int_equal(spop_disconnect_decode(&status, f.payload, f.len), 0);
	assert_int_equal(status, want);
	assert_int_equal(spop_client_recv(c, &f), -EPIPE);
	spop_client_close(c);
}

static void
frame_send(struct spop_client *c, enum spop_type type, uint32_t flags, uint64_t stream, const void *p, size_t n)
{
	uint8_t b[8192];
	struct wire_out o;

	wire_out_init(&o, b, sizeof(b));
	spop_frame_begin(&o, type, flags, stream, 1);
	wire_put_bytes(&o, p, n);
	spop_frame_end(&o);
	assert_int_equal(o.err, 0);
	assert_int_equal(spop_client_send(c, b, wire_out_len(&o)), 0);
}

static void
systemd_is_told(void **state)
{
	agent_start("", 0);
	notify_wait("WATCHDOG=1");
	notify_wait("WATCHDOG=1");
	assert_int_equal(kill(agent.pid, SIGTERM), 0);
	notify_wait("STOPPING=1");
	agent_reap();
}

static void
unix_and_tcp_serve_alike(void **state)
{
	agent_start("", 0);
	for (unsigned i = 0; i < 2; i++) {
		const char *addr = i ? agent.tcp_addr : agent.unix_addr;
		struct spop_client c;
		struct spop_frame f;
		struct spop_hello h;

		assert_int_equal(spop_client_open(&c, addr), 0);
		assert_int_equal(spop_client_hello(&c, true, &h), 0);
		assert_int_equal(spop_client_recv(&c, &f), -EPIPE);	/* no DISCONNECT: it would fail the check */
		spop_client_close(&c);
		client_open(&c, addr, 65532);
		ask(&c, 10, 10, 1);
		expect_action(&c, 1, "allow");
		frame_send(&c, SPOP_T_HAPROXY_DISCONNECT, SPOP_F_FIN, 0, "", 0);
		expect_goodbye(&c, SPOP_S_NORMAL);
	}
	assert_int_equal(counter("llmsec_spoad_healthchecks_total"), 2);
	assert_int_equal(counter("llmsec_spoad_requests_total{action=\"allow\"}"), 2);
	agent_stop();
}

static void
many_requests_before_the_first_answer(void **state)
{
	struct spop_client c;

	agent_start("", 0);
	client_open(&c, agent.unix_addr, 65532);
	for (unsigned i = 1; i <= 500; i++)
		ask(&c, 10, 10, i);
	for (unsigned i = 1; i <= 500; i++)
		expect_action(&c, i, "allow");
	spop_client_close(&c);
	agent_stop();
}

static void
fragments_of_two_streams(void **state)
{
	struct spop_client c;
	struct spop_frame f;
	uint8_t b[4096];
	char got[128];
	size_t n;

	agent_start("", 0);
	client_open(&c, agent.tcp_addr, 65532);
	n = request_make(b, sizeof(b), 300, 300, 7);
	assert_int_equal(spop_frame_decode(&f, b + SPOP_LENGTH, n - SPOP_LENGTH), 0);
	frame_send(&c, SPOP_T_NOTIFY, 0, 7, f.payload, 50);
	frame_send(&c, SPOP_T_UNSET, 0, 7, f.payload + 50, 100);
	ask(&c, 10, 20, 8);
	frame_send(&c, SPOP_T_UNSET, SPOP_F_FIN, 7, f.payload + 150, f.len - 150);
	expect_action(&c, 8, "deny");
	answer(&c, 7, "client_ip", got);
	assert_string_equal(got, "192.0.2.7");
	assert_int_equal(counter("llmsec_spoad_reassembled_total"), 1);
	spop_client_close(&c);
	agent_stop();
}

static void
a_frame_of_one_mebibyte_and_no_more(void **state)
{
	static uint8_t b[MIB + 4096];
	const size_t guess = 1000000;
	struct spop_client c;
	size_t n, body;

	agent_start("", 0);
	client_open(&c, agent.unix_addr, 2 * MIB);
	n = request_make(b, sizeof(b), guess, (int64_t)guess, 1);
	body = guess + (SPOP_LENGTH + MIB - n);
	n = request_make(b, sizeof(b), body, (int64_t)body, 1);
	assert_int_equal(n, SPOP_LENGTH + MIB);
	assert_int_equal(spop_client_send(&c, b, n), 0);
	expect_action(&c, 1, "allow");
	assert_int_equal(spop_client_send(&c, "\x00\x10\x00\x01", 4), 0);
	expect_goodbye(&c, SPOP_S_TOO_BIG);
	assert_int_equal(counter("llmsec_spoad_protocol_errors_total"), 1);
	agent_stop();
}

/* A hello in one frame and in two, between requests of the same connection. */
static void
hellos_are_answered_between_requests(void **state)
{
	uint8_t msg[1024], rec[2048], b[4096];
	struct spop_value v = {.type = SPOP_D_BIN, .str = {(const char *)rec, 0}};
	struct spop_client c;
	struct wire_out o;
	char got[128];

	agent_start("", 0);
	client_open(&c, agent.unix_addr, 65532);
	v.str.len = hello_records(rec, msg, hello_make(msg, sizeof(msg), &hello_chrome), 100);
	wire_out_init(&o, b, sizeof(b));
	wire_put_str(&o, "llmsec-hello", 12);
	wire_put_u8(&o, 1);
	spop_kv_put(&o, "hello", &v);
	assert_int_equal(o.err, 0);
	frame_send(&c, SPOP_T_NOTIFY, SPOP_F_FIN, 1, b, wire_out_len(&o));
	ask(&c, 10, 10, 2);
	frame_send(&c, SPOP_T_NOTIFY, 0, 3, b, 60);
	frame_send(&c, SPOP_T_UNSET, SPOP_F_FIN, 3, b + 60, wire_out_len(&o) - 60);
	answer(&c, 1, "ja4", got);
	assert_string_equal(got, HELLO_CHROME_JA4);
	expect_action(&c, 2, "allow");
	answer(&c, 3, "hello", got);
	assert_string_equal(got, "ok");
	assert_int_equal(counter("llmsec_spoad_hellos_total{result=\"ok\"}"), 2);
	spop_client_close(&c);
	agent_stop();
}

static void
silence_has_its_code(void **state)
{
	struct spop_client dumb, idle;

	agent_start("hello_timeout: 100ms\nidle_timeout: 200ms\n", 0);
	assert_int_equal(spop_client_open(&dumb, agent.unix_addr), 0);
	client_open(&idle, agent.tcp_addr, 65532);
	expect_goodbye(&dumb, SPOP_S_TIMEOUT);
	expect_goodbye(&idle, SPOP_S_TIMEOUT);
	assert_int_equal(counter("llmsec_spoad_timeouts_total"), 2);
	agent_stop();
}

static void
nonsense_has_its_code(void **state)
{
	struct spop_client c;

	agent_start("", 0);
	assert_int_equal(spop_client_open(&c, agent.unix_addr), 0);
	ask(&c, 1, 1, 1);			/* before HELLO */
	expect_goodbye(&c, SPOP_S_INVALID);
	client_open(&c, agent.unix_addr, 65532);
	frame_send(&c, SPOP_T_NOTIFY, SPOP_F_FIN, 1, "\377\377", 2);
	expect_goodbye(&c, SPOP_S_INVALID);
	client_open(&c, agent.unix_addr, 65532);
	frame_send(&c, SPOP_T_UNSET, SPOP_F_FIN, 1, "x", 1);
	expect_goodbye(&c, SPOP_S_NO_FRAME_ID);
	agent_stop();
}

static void
reload_changes_open_connections_too(void **state)
{
	struct spop_client c;
	char got[128];

	agent_start("guard: {oversize: deny}\n", 0);
	client_open(&c, agent.unix_addr, 65532);
	ask(&c, 10, 100, 1);
	expect_action(&c, 1, "deny");
	conf_write("guard: {oversize: flag}\n");
	assert_int_equal(kill(agent.pid, SIGHUP), 0);
	notify_wait("RELOADING=1");
	notify_wait("READY=1");
	ask(&c, 10, 100, 2);
	answer(&c, 2, "truncated", got);
	assert_string_equal(got, "true");
	conf_write("guard: {oversize: perhaps}\n");
	assert_int_equal(kill(agent.pid, SIGHUP), 0);
	notify_wait("RELOADING=1");
	notify_wait("READY=1");
	ask(&c, 10, 100, 3);
	expect_action(&c, 3, "allow");		/* the last good configuration */
	assert_int_equal(counter("llmsec_spoad_reloads_total{result=\"ok\"}"), 1);
	assert_int_equal(counter("llmsec_spoad_reloads_total{result=\"failed\"}"), 1);
	assert_int_equal(counter("llmsec_spoad_truncated_total{policy=\"flag\"}"), 2);
	spop_client_close(&c);
	agent_stop();
}

/* What was sent over TCP has arrived once nothing of it is unacknowledged; a Unix socket delivers at once. */
static void
arrival_wait(const struct spop_client *c)
{
	uint64_t end = policy_now_us() + PATIENCE_MS * 1000;
	int left = 0;

	do
		assert_int_equal(ioctl(c->fd, SIOCOUTQ, &left), 0);
	while (left > 0 && policy_now_us() < end && poll(NULL, 0, 1) == 0);
	assert_int_equal(left, 0);
}

static void
stopping_answers_what_has_arrived(void **state)
{
	struct spop_client c[2];

	agent_start("", 0);
	for (unsigned k = 0; k < 2; k++)
		client_open(&c[k], k ? agent.tcp_addr : agent.unix_addr, 65532);
	for (unsigned i = 1; i <= 200; i++)
		for (unsigned k = 0; k < 2; k++)
			ask(&c[k], 10, 10, i);
	arrival_wait(&c[1]);
	assert_int_equal(kill(agent.pid, SIGTERM), 0);
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 1; i <= 200; i++)
			expect_action(&c[k], i, "allow");
		expect_goodbye(&c[k], SPOP_S_NORMAL);
	}
	agent_reap();
}

/* Connect until somebody serves us; the agent may not have noticed yet that others left. */
static void
served_again(void)
{
	uint64_t end = policy_now_us() + PATIENCE_MS * 1000;
	struct spop_client c;
	struct spop_hello h;
	int rc;

	do {
		rc = spop_client_open(&c, agent.unix_addr);
		if (rc == 0)
			rc = spop_client_hello(&c, false, &h);
		spop_client_close(&c);
	} while (rc != 0 && policy_now_us() < end && poll(NULL, 0, 10) == 0);
	assert_int_equal(rc, 0);
}

static void
too_many_connections_are_refused_at_once(void **state)
{
	struct spop_client c[3];
	struct spop_hello h;

	agent_start("max_connections: 2\n", 0);
	client_open(&c[0], agent.unix_addr, 65532);
	client_open(&c[1], agent.tcp_addr, 65532);
	assert_int_equal(spop_client_open(&c[2], agent.unix_addr), 0);
	assert_int_not_equal(spop_client_hello(&c[2], false, &h), 0);
	spop_client_close(&c[2]);
	assert_int_equal(counter("llmsec_spoad_connections_refused_total"), 1);
	ask(&c[0], 10, 10, 1);
	expect_action(&c[0], 1, "allow");
	spop_client_close(&c[0]);
	spop_client_close(&c[1]);
	served_again();
	agent_stop();
}

static void
without_descriptors_it_refuses_and_recovers(void **state)
{
	struct spop_client first, c[60];
	struct spop_hello h;
	unsigned refused = 0;

	agent_start("", 64);
	client_open(&first, agent.unix_addr, 65532);
	for (unsigned i = 0; i < 60; i++)
		if (spop_client_open(&c[i], agent.unix_addr) != 0 || spop_client_hello(&c[i], false, &h) != 0)
			refused++;
	assert_in_range(refused, 1, 59);
	ask(&first, 10, 10, 1);
	expect_action(&first, 1, "allow");
	assert_int_equal(counter("llmsec_spoad_connections_refused_total"), refused);
	for (unsigned i = 0; i < 60; i++)
		spop_client_close(&c[i]);
	served_again();
	spop_client_close(&first);
	agent_stop();
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, folder_make, folder_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(systemd_is_told), TEST(unix_and_tcp_serve_alike), TEST(many_requests_before_the_first_answer),
		TEST(fragments_of_two_streams), TEST(a_frame_of_one_mebibyte_and_no_more),
		TEST(hellos_are_answered_between_requests), TEST(silence_has_its_code), TEST(nonsense_has_its_code),
		TEST(reload_changes_open_connections_too), TEST(stopping_answers_what_has_arrived),
		TEST(too_many_connections_are_refused_at_once),
		TEST(without_descriptors_it_refuses_and_recovers),
	};

	alarm(300);	/* nothing here may hang a build */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
