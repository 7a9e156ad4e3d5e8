/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/event.h"
#include "lib/log.h"
#include "tests/unit/lib/collector_stub.h"
#include "tests/unit/lib/temp.h"

static char dir[TEMP_PATH];
static struct stub stub;
static _Atomic unsigned warnings;

static void
count_warning(int level, const char *line)
{
	if (level <= LOG_WARNING && strstr(line, "events: lost one") != NULL)
		warnings++;
}

#define NUMBERS	20000

static int
setup(void **state)
{
	temp_new(dir);
	stub_init(&stub, dir, NUMBERS);
	warnings = 0;
	log_set_hook(count_warning);
	return 0;
}

static int
teardown(void **state)
{
	log_set_hook(NULL);
	stub_free(&stub);
	temp_remove(dir);
	return 0;
}

static struct event_client *
client(int64_t spool_max)
{
	const struct event_client_conf conf = { .socket_path = stub.socket, .spool_dir = stub.spool_dir, .node = "n1",
	    .layer = "edge", .program = "test", .spool_max = spool_max };
	struct event_client *c;

	assert_int_equal(event_client_open(&c, &conf), 0);
	return c;
}

/* One event with this number, and <pad> more bytes of detail. */
static int
emit(struct event_client *c, unsigned number, size_t pad)
{
	char id[16], detail[12288];
	const struct event e = { .event = "waf.block", .severity = 5, .score = 77, .action = "block", .ip = "192.0.2.1",
	    .request_id = id, .detail = detail };

	snprintf(id, sizeof(id), "%u", number);
	snprintf(detail, sizeof(detail), "{\"pad\":\"%0*d\"}", (int)(pad < 12000 ? pad : 12000), 0);
	return event_emit(c, &e);
}

static void
emit_range(struct event_client *c, unsigned from, unsigned to, size_t pad)
{
	for (unsigned i = from; i < to; i++)
		assert_int_equal(emit(c, i, pad), 0);
}

static void
check_all_stored(unsigned from, unsigned to)
{
	assert_int_equal(stub_stored(&stub, from, to), to - from);
	assert_int_equal(stub.wrong, 0);
	assert_true(stub_ids_differ(&stub));
}

static void
test_acknowledged(void **state)
{
	struct event_client *c;

	stub_listen(&stub);
	c = client(0);
	stub_step(&stub, 1000);
	assert_int_equal(stub.hellos, 1);
	emit_range(c, 0, 100, 10);
	assert_int_equal(event_client_pending(c), 100);
	stub_step(&stub, 1000);
	assert_int_equal(stub.datagrams, 101);
	event_client_tick(c);
	assert_int_equal(event_client_pending(c), 100);		/* received is not stored */
	stub_commit(&stub);
	emit_range(c, 100, 110, 10);
	assert_int_equal(event_client_pending(c), 10);
	stub_step(&stub, 1000);
	stub_commit(&stub);
	event_client_tick(c);
	assert_int_equal(event_client_pending(c), 0);
	assert_int_equal(event_client_dropped(c), 0);
	check_all_stored(0, 110);
	assert_int_equal(temp_count(stub.spool_dir), 1);
	event_client_close(&c);
	assert_null(c);
	assert_int_equal(temp_count(stub.spool_dir), 0);
	event_client_close(&c);
}

/* Closing waits a moment for what is under way, and leaves the spool to the collector if that wasn't enough. */
static void
test_close_unacknowledged(void **state)
{
	struct event_client *c;
	int64_t t;

	stub_listen(&stub);
	c = client(0);
	emit_range(c, 0, 10, 10);
	t = temp_clock_ms();
	event_client_close(&c);
	assert_true(temp_clock_ms() - t < 5000);
	assert_int_equal(temp_count(stub.spool_dir), 1);
	stub_step(&stub, 1000);
	stub_commit(&stub);
	check_all_stored(0, 10);
	assert_true(stub.datagrams + stub.spool_lines > 11);	/* most came twice and count once */
	stub_scan(&stub);
	assert_int_equal(temp_count(stub.spool_dir), 0);
	check_all_stored(0, 10);
}

static void
test_collector_away(void **state)
{
	struct event_client *c = client(0);

	emit_range(c, 0, 200, 10);
	assert_int_equal(event_client_pending(c), 200);
	stub_listen(&stub);
	assert_true(stub_settle(&stub, &c, 1));
	assert_int_equal(stub.spool_lines, 200);
	emit_range(c, 200, 300, 10);
	assert_true(stub_settle(&stub, &c, 1));
	assert_int_equal(stub.spool_lines, 200);	/* these came as datagrams */
	check_all_stored(0, 300);
	event_client_close(&c);
	assert_int_equal(temp_count(stub.spool_dir), 0);
}

/* Without a socket events wait in the spool for whoever reads it. */
static void
test_no_socket(void **state)
{
	const struct event_client_conf conf = { .socket_path = NULL, .spool_dir = stub.spool_dir, .layer = "egress",
	    .program = "test" };
	struct event_client *c;

	assert_int_equal(event_client_open(&c, &conf), 0);
	emit_range(c, 0, 50, 10);
	event_client_tick(c);
	assert_int_equal(event_client_pending(c), 50);
	event_client_close(&c);
	assert_int_equal(temp_count(stub.spool_dir), 1);
	stub_scan(&stub);
	check_all_stored(0, 50);
}

/* The collector reads nothing: emitting doesn't wait for it. */
static void
test_collector_hangs(void **state)
{
	struct event_client *c;
	int64_t t;

	stub_listen(&stub);
	c = client(0);
	t = temp_clock_ms();
	emit_range(c, 0, 3000, 200);
	assert_true(temp_clock_ms() - t < 5000);
	assert_int_equal(event_client_pending(c), 3000);
	assert_true(stub_settle(&stub, &c, 1));
	assert_true(stub.spool_lines > 0);	/* the socket's buffer was full at some point */
	check_all_stored(0, 3000);
	event_client_close(&c);
}

static int64_t
spool_bytes(void)
{
	DIR *d = opendir(stub.spool_dir);
	struct dirent *e;
	struct stat st;
	int64_t sum = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			sum += st.st_size;
	closedir(d);
	return sum;
}

/* Under load that never pauses the disk holds two spools at most, of which none grows on. */
static void
test_rotation(void **state)
{
	struct event_client *c;
	int64_t most = 0;
	unsigned hellos;

	stub_listen(&stub);
	c = client(0);
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(emit(c, i, 5000), 0);
		if (i % 7 != 0)
			continue;
		stub_commit(&stub);	/* what came before the last seven */
		stub_step(&stub, 0);
		assert_true(event_client_pending(c) > 0);
		assert_true(temp_count(stub.spool_dir) <= 2);
		if (spool_bytes() > most)
			most = spool_bytes();
	}
	assert_true(most > 1 << 20 && most < 3 << 20);
	hellos = stub.hellos;
	assert_true(hellos > 6);
	assert_true(stub_settle(&stub, &c, 1));
	assert_int_equal(stub.hellos, hellos);		/* all over one connection */
	check_all_stored(0, 2000);
	event_client_close(&c);
	assert_int_equal(temp_count(stub.spool_dir), 0);
}

/* The collector dies while a full spool still waits for its acknowledgement. */
static void
test_crash_in_rotation(void **state)
{
	struct event_client *c;
	unsigned n = 0;

	stub_listen(&stub);
	c = client(0);
	stub_step(&stub, 1000);
	stub_commit(&stub);
	while (temp_count(stub.spool_dir) < 2) {
		assert_int_equal(emit(c, n++, 10000), 0);
		stub_step(&stub, 0);
		assert_true(n < 1000);
	}
	emit_range(c, n, n + 10, 10);
	n += 10;
	stub_crash(&stub);
	assert_int_equal(stub_stored(&stub, 0, n), 0);
	emit_range(c, n, n + 10, 10);
	n += 10;
	stub_listen(&stub);
	assert_true(stub_settle(&stub, &c, 1));
	stub_scan(&stub);
	check_all_stored(0, n);
	assert_int_equal(temp_count(stub.spool_dir), 1);
	event_client_close(&c);
	assert_int_equal(temp_count(stub.spool_dir), 0);
}

/*
 * An acknowledgement that arrives after the exchange but is older than the full spool's last line
 * covers only part of it: unlinked then, the rest would be nowhere when the collector dies next.
 */
static void
test_early_ack_in_rotation(void **state)
{
	struct event_client *c;
	unsigned n = 0;

	stub_listen(&stub);
	c = client(0);
	stub_step(&stub, 1000);
	stub_commit(&stub);
	for (;;) {
		assert_int_equal(emit(c, n++, 10000), 0);
		if (temp_count(stub.spool_dir) == 2)
			break;		/* the line that filled it was not read yet */
		stub_step(&stub, 0);
		assert_true(n < 1000);
	}
	stub_commit(&stub);
	event_client_tick(c);
	assert_int_equal(event_client_pending(c), 1);
	assert_int_equal(temp_count(stub.spool_dir), 2);
	stub_crash(&stub);
	assert_int_equal(stub_stored(&stub, 0, n), n - 1);
	stub_listen(&stub);
	event_client_tick(c);
	stub_scan(&stub);
	assert_true(stub_settle(&stub, &c, 1));
	check_all_stored(0, n);
	event_client_close(&c);
}

/* Until its first acknowledgement the collector may still be reading the announced spool. */
static void
test_no_rotation_before_ack(void **state)
{
	struct event_client *c;

	stub_listen(&stub);
	c = client(0);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(emit(c, i, 10000), 0);
		stub_step(&stub, 0);
	}
	assert_true(spool_bytes() > 3 << 19);
	assert_int_equal(temp_count(stub.spool_dir), 1);
	assert_int_equal(stub.hellos, 1);
	stub_commit(&stub);
	event_client_tick(c);
	assert_int_equal(temp_count(stub.spool_dir), 2);
	assert_true(stub_settle(&stub, &c, 1));
	check_all_stored(0, 200);
	event_client_close(&c);
}

static void
test_spool_full(void **state)
{
	struct event_client *c = client(20000);
	unsigned n = 0, lost = 0;

	while (emit(c, n, 500) == 0)
		n++;
	assert_true(n > 10 && n < 40);
	for (; lost < 20; lost++)
		assert_int_equal(emit(c, NUMBERS - 1, 500), -ENOSPC);
	assert_int_equal(event_client_dropped(c), lost + 1);
	assert_int_equal(event_client_pending(c), n);
	assert_int_equal(warnings, 1);		/* one line in the log for one outage */
	assert_true(spool_bytes() <= 20000);
	/* Back again: what was kept arrives, and there is room for ten times the limit. */
	stub_listen(&stub);
	assert_true(stub_settle(&stub, &c, 1));
	for (unsigned i = 0; i < 400; i++) {
		assert_int_equal(emit(c, n++, 500), 0);
		if (i % 5 == 0) {
			stub_step(&stub, 0);
			stub_commit(&stub);
		}
	}
	assert_true(stub_settle(&stub, &c, 1));
	check_all_stored(0, n);
	assert_int_equal(stub_stored(&stub, n, NUMBERS), 0);
	event_client_close(&c);
}

/* With nobody who ticks, emitting alone finds the way back from a full spool. */
static void
test_spool_full_without_tick(void **state)
{
	struct event_client *c = client(5000);
	int64_t end = temp_clock_ms() + 10000;
	unsigned n = 0;
	int rc;

	while (emit(c, n, 500) == 0)
		n++;
	stub_listen(&stub);
	do {
		rc = emit(c, n, 500);
		stub_step(&stub, 5);
		stub_commit(&stub);
	} while (rc != 0 && temp_clock_ms() < end);
	assert_int_equal(rc, 0);
	assert_true(stub_settle(&stub, &c, 1));
	check_all_stored(0, n + 1);
	event_client_close(&c);
}

/* A disk that fills up in the middle of a line leaves no half line behind. */
static void
test_disk_full(void **state)
{
	struct event_client *c = client(0);
	struct rlimit was, now;
	unsigned n = 0;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (rlim_t limit = 10000; limit < 10700; limit += 100) {
		int rc;

		now = (struct rlimit){ limit, was.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
		while ((rc = emit(c, n, 250)) == 0)
			n++;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_true(rc == -ENOSPC || rc == -EFBIG);
		assert_true(spool_bytes() <= (int64_t)limit);
	}
	assert_true(n > 10);
	assert_int_equal(emit(c, n++, 250), 0);
	stub_listen(&stub);
	assert_true(stub_settle(&stub, &c, 1));
	assert_int_equal(stub.spool_lines, n);
	check_all_stored(0, n);
	event_client_close(&c);
}

static void
step_until_exit(pid_t pid)
{
	int64_t end = temp_clock_ms() + 20000;
	int status;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0 && temp_clock_ms() < end) {
		stub_step(&stub, 5);
		stub_commit(&stub);
	}
	assert_int_equal(got, pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A forked child gets a spool and a connection of its own and leaves its parent's alone. */
static void
test_reopen_after_fork(void **state)
{
	struct event_client *c;
	pid_t pid;

	stub_listen(&stub);
	c = client(0);
	emit_range(c, 0, 100, 10);
	stub_step(&stub, 1000);		/* room in the connection: a full one is begun anew */
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int rc = event_client_reopen(c);

		for (unsigned i = 100; rc == 0 && i < 200; i++)
			rc = emit(c, i, 10);
		event_client_close(&c);
		_exit(rc == 0 ? 0 : 1);
	}
	emit_range(c, 200, 300, 10);
	step_until_exit(pid);
	assert_true(stub_settle(&stub, &c, 1));
	stub_scan(&stub);	/* if the child had to leave before its last acknowledgement */
	assert_int_equal(stub.hellos, 2);
	emit_range(c, 300, 310, 10);
	assert_true(stub_settle(&stub, &c, 1));
	assert_int_equal(stub.hellos, 2);
	check_all_stored(0, 310);
	/* Both went on from the same event: only a random part of its own keeps their ids apart within a millisecond. */
	for (unsigned i = 0; i < 100; i++)
		assert_string_not_equal(stub.event[100 + i].id + 10, stub.event[200 + i].id + 10);
	assert_int_equal(temp_count(stub.spool_dir), 1);
	event_client_close(&c);
}

/* Emits 0, 1, 2, ... and reports each number once event_emit has returned. */
static void
sender(int report)
{
	struct event_client *c = client(0);

	for (uint16_t i = 0; i < NUMBERS; i++)
		if (emit(c, i, 1500) != 0 || write(report, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	for (;;)
		pause();
}

/* Everything event_emit took is stored in the end, though the sender was killed, and maybe the collector too. */
static void
kill_sender(unsigned after, bool collector_too)
{
	uint16_t seen = 0, report;
	unsigned n = 0;
	int p[2], status;
	pid_t pid;

	stub_listen(&stub);
	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fcntl(p[1], F_SETFL, 0);
		sender(p[1]);
	}
	close(p[1]);
	while (n < after) {
		ssize_t k = read(p[0], &report, sizeof(report));

		assert_true(k == sizeof(report) || (k < 0 && errno == EAGAIN));
		if (k > 0) {
			assert_int_equal(report, seen);
			seen++;
			n++;
		}
		stub_step(&stub, 0);
		if (n % 64 == 0)
			stub_commit(&stub);
	}
	if (collector_too)
		stub_crash(&stub);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (read(p[0], &report, sizeof(report)) == sizeof(report))
		seen++;
	close(p[0]);
	if (collector_too)
		stub_listen(&stub);
	else
		stub_step(&stub, 0);	/* reads to the end of the connection */
	stub_scan(&stub);
	stub_commit(&stub);
	assert_int_equal(temp_count(stub.spool_dir), 0);
	/* The one under way may have made it into the spool without its caller knowing. */
	assert_true(stub_stored(&stub, 0, NUMBERS) <= (size_t)seen + 1);
	check_all_stored(0, seen);
}

static void
test_kill_sender(void **state)
{
	static const unsigned after[] = { 1, 10, 333, 3000 };

	for (size_t i = 0; i < 8; i++) {
		kill_sender(after[i / 2], i % 2);
		teardown(state);
		setup(state);
	}
}

/* The collector dies again and again, at moments that a seed chooses, with and without traffic. */
static void
test_kill_collector(void **state)
{
	struct event_client *c = client(0);
	uint32_t seed = 42;
	unsigned n = 0, hellos;

	for (int life = 0; life < 5; life++) {
		int64_t end = temp_clock_ms() + 10000;

		stub_listen(&stub);
		for (hellos = stub.hellos; stub.hellos == hellos && temp_clock_ms() < end;) {
			event_client_tick(c);
			assert_int_equal(emit(c, n++, seed >> 28), 0);
			stub_step(&stub, 20);
		}
		assert_true(stub.hellos > hellos);
		for (int i = 0; i < 1500; i++) {
			seed = seed * 1664525u + 1013904223u;
			if (seed >> 30 != 0)
				assert_int_equal(emit(c, n++, (seed >> 8) % 3000), 0);
			else if (seed >> 29 != 0)
				stub_step(&stub, 0);
			else
				stub_commit(&stub);
		}
		stub_crash(&stub);
		emit_range(c, n, n + 20, 100);
		n += 20;
	}
	stub_listen(&stub);
	assert_true(stub_settle(&stub, &c, 1));
	stub_scan(&stub);
	check_all_stored(0, n);
	assert_int_equal(temp_count(stub.spool_dir), 1);
	event_client_close(&c);
	assert_int_equal(temp_count(stub.spool_dir), 0);
}

#define THREADS	4
#define EACH	1500

struct worker {
	struct event_client *c;
	unsigned from;
	_Atomic int *left;
	int rc;
};

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = w->from; i < w->from + EACH && w->rc == 0; i++) {
		w->rc = emit(w->c, i, 1000);
		if (i % 100 == 0)
			event_client_tick(w->c);
		if (event_client_dropped(w->c) != 0)
			w->rc = -EIO;
	}
	(*w->left)--;
	return NULL;
}

static void
test_threads(void **state)
{
	struct event_client *c;
	_Atomic int left = THREADS;
	pthread_t t[THREADS];
	struct worker w[THREADS];

	stub_listen(&stub);
	c = client(0);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ c, i * EACH, &left, 0 };
		assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
	}
	while (left > 0) {
		stub_step(&stub, 1);
		stub_commit(&stub);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(w[i].rc, 0);
	}
	assert_true(stub_settle(&stub, &c, 1));
	stub_scan(&stub);
	check_all_stored(0, THREADS * EACH);
	event_client_close(&c);
	assert_int_equal(temp_count(stub.spool_dir), 0);
}

static void
test_open_errors(void **state)
{
	char longish[200] = { 0 };
	struct event_client_conf conf = { .socket_path = stub.socket, .spool_dir = "/nonexistent/spool", .layer = "edge",
	    .program = "test" };
	struct event_client *c;

	assert_int_equal(event_client_open(&c, &conf), -ENOENT);
	assert_null(c);
	memset(longish, 'x', sizeof(longish) - 1);
	conf.spool_dir = stub.spool_dir;
	conf.socket_path = longish;
	assert_int_equal(event_client_open(&c, &conf), -ENAMETOOLONG);
	assert_null(c);
	assert_int_equal(temp_count(stub.spool_dir), 0);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_acknowledged),
		T(test_close_unacknowledged),
		T(test_collector_away),
		T(test_no_socket),
		T(test_collector_hangs),
		T(test_rotation),
		T(test_crash_in_rotation),
		T(test_early_ack_in_rotation),
		T(test_no_rotation_before_ack),
		T(test_spool_full),
		T(test_spool_full_without_tick),
		T(test_disk_full),
		T(test_reopen_after_fork),
		T(test_kill_sender),
		T(test_kill_collector),
		T(test_threads),
		T(test_open_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
