/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/board.h"
#include "control/collector.h"
#include "control/ctltime.h"
#include "control/intake.h"
#include "control/llmsecd_conf.h"
#include "lib/diag.h"
#include "tests/unit/control/ctl_test.h"
#include "tests/unit/control/intake_rig.h"

#define WAIT_MS	10000

void
rig_start(struct rig *r)
{
	r->board = board_new();
	r->collector = collector_new(&r->conf, r->board, NULL);
	assert_non_null(r->board);
	assert_non_null(r->collector);
	assert_int_equal(intake_open(&r->in, &r->conf, r->collector, r->board, NULL, -1), 0);
}

void
rig_stop(struct rig *r)
{
	intake_close(&r->in);
	collector_free(&r->collector);
	board_free(&r->board);
}

int
rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct diag *diag = diag_new();
	void *t;

	if (r == NULL || diag == NULL || ctl_test_setup(&t) < 0)
		return -1;
	r->t = t;
	if (snprintf(r->sock, sizeof(r->sock), "%s/s", r->t->dir) >= (int)sizeof(r->sock))
		return -1;
	snprintf(r->spools, sizeof(r->spools), "%s/spool", r->t->dir);
	snprintf(r->db, sizeof(r->db), "%s/events.db", r->t->dir);
	if (mkdir(r->spools, 0700) < 0 || llmsecd_conf_load(&r->conf, NULL, &r->mem, diag) < 0)
		return -1;
	diag_free(&diag);
	r->conf.events.socket = r->sock;
	r->conf.events.spool_dir = r->spools;
	r->conf.database.path = r->db;
	r->conf.retention.max_age = 0;	/* the events here are of a fixed date */
	rig_start(r);
	*state = r;
	return 0;
}

int
rig_teardown(void **state)
{
	struct rig *r = *state;
	void *t = r->t;

	rig_stop(r);
	conf_mem_free(&r->mem);
	free(r);
	return ctl_test_teardown(&t);
}

/* --- a sender --- */

int
dial(struct rig *r)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", r->sock);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

void
say_event(int fd, unsigned seq, const char *id)
{
	char text[CTL_LINE + 32];
	int n = snprintf(text, sizeof(text), "E %u ", seq);

	ctl_test_line(text + n, id, NULL);
	say(fd, text);
}

/* Locked like a living sender's. */
int
spool_make(struct rig *r, const char *name)
{
	char path[320];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", r->spools, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

void
spool_add(int fd, const char *id)
{
	char line[CTL_LINE + 1];
	size_t n = ctl_test_line(line, id, NULL);

	line[n++] = '\n';
	assert_int_equal(write(fd, line, n), (ssize_t)n);
}

bool
spool_there(struct rig *r, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", r->spools, name);
	return access(path, F_OK) == 0;
}

/* Turn the loop until the collector says something: its text, "" when it hung up. */
void
hear(struct rig *r, int fd, char out[64])
{
	int64_t end = ctltime_mono_ms() + WAIT_MS;
	ssize_t n;

	while ((n = recv(fd, out, 63, MSG_DONTWAIT)) < 0 && errno == EAGAIN) {
		if (ctltime_mono_ms() > end)
			fail_msg("the collector is silent");
		assert_true(intake_run_once(r->in, 10) >= 0);
	}
	out[n > 0 ? n : 0] = '\0';
}

/* Acknowledgements rise; wait for that one. */
void
hear_ack(struct rig *r, int fd, unsigned seq)
{
	char text[64];
	unsigned got;

	do {
		hear(r, fd, text);
		if (sscanf(text, "A %u", &got) != 1 || got > seq)
			fail_msg("wanted acknowledgement %u, got \"%s\"", seq, text);
	} while (got < seq);
}

void
hear_hangup(struct rig *r, int fd)
{
	char text[64];

	do
		hear(r, fd, text);
	while (text[0] == 'A');
	assert_string_equal(text, "");
	close(fd);
}

void
await_sql(struct rig *r, const char *sql, int64_t want)
{
	int64_t end = ctltime_mono_ms() + WAIT_MS, got;

	while ((got = ctl_test_sql(r->db, sql)) != want) {
		if (ctltime_mono_ms() > end)
			fail_msg("%s: %d instead of %d", sql, (int)got, (int)want);
		assert_true(intake_run_once(r->in, 10) >= 0);
	}
}

void
await_no_spool(struct rig *r, const char *name)
{
	int64_t end = ctltime_mono_ms() + WAIT_MS;

	while (spool_there(r, name)) {
		if (ctltime_mono_ms() > end)
			fail_msg("%s is still there", name);
		assert_true(intake_run_once(r->in, 10) >= 0);
	}
}
