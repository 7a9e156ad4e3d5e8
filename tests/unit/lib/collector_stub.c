/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/event_line.h"
#include "lib/json.h"
#include "tests/unit/lib/collector_stub.h"
#include "tests/unit/lib/temp.h"

void
stub_init(struct stub *s, const char *dir, size_t n_events)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->socket, sizeof(s->socket), "%s/events.sock", dir);
	snprintf(s->spool_dir, sizeof(s->spool_dir), "%s/spool", dir);
	if (mkdir(s->spool_dir, 0700) < 0)
		err(99, "%s", s->spool_dir);
	s->event = calloc(n_events, sizeof(*s->event));
	if (s->event == NULL)
		err(99, "stub");
	s->n_events = n_events;
	s->listen_fd = -1;
	for (size_t i = 0; i < STUB_CONNS; i++)
		s->conn[i].fd = -1;
}

void
stub_free(struct stub *s)
{
	stub_crash(s);
	free(s->event);
	buf_free(&s->last);
}

void
stub_listen(struct stub *s)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	strcpy(sa.sun_path, s->socket);
	unlink(s->socket);
	s->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen_fd < 0 || bind(s->listen_fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(s->listen_fd, STUB_CONNS) < 0)
		err(99, "%s", s->socket);
}

/* --- lines --------------------------------------------------------------------------------- */

struct picked {
	char	id[27];
	char	number[16];
};

static int
pick(void *arg, const struct json_value *v)
{
	struct picked *p = arg;

	if (v->type == JSON_STRING && json_path_is(v, "id") && v->text_len < sizeof(p->id))
		memcpy(p->id, v->text, v->text_len);
	if (v->type == JSON_STRING && json_path_is(v, "request_id") && v->text_len < sizeof(p->number))
		memcpy(p->number, v->text, v->text_len);
	return 0;
}

static void
take_line(struct stub *s, const char *line, size_t len)
{
	struct picked p = { { 0 }, { 0 } };
	size_t number;
	char *end;

	buf_clear(&s->last);
	buf_add(&s->last, line, len);
	buf_addc(&s->last, '\0');
	number = json_scan_all(line, len, JSON_STRICT_DUP, NULL, pick, &p, NULL, NULL) == 0 ?
	    strtoul(p.number, &end, 10) : SIZE_MAX;
	if (number >= s->n_events || *end != '\0' || strlen(p.id) != 26 || len >= EVENT_LINE_MAX ||
	    (s->event[number].id[0] != '\0' && strcmp(s->event[number].id, p.id) != 0)) {
		s->wrong++;
		return;
	}
	strcpy(s->event[number].id, p.id);
}

/* All whole lines.  Half a one at the end is a write that a kill cut short: its event was never confirmed. */
static void
read_spool(struct stub *s, int fd)
{
	struct buf b = { 0 };
	const char *nl;
	ssize_t n;
	char *p;

	while ((p = buf_room(&b, 65536)) != NULL && (n = read(fd, p, 65536)) > 0)
		buf_wrote(&b, (size_t)n);
	while ((nl = memchr(buf_ptr(&b), '\n', buf_len(&b))) != NULL) {
		s->spool_lines++;
		take_line(s, buf_ptr(&b), (size_t)(nl - buf_ptr(&b)));
		buf_consume(&b, (size_t)(nl + 1 - buf_ptr(&b)));
	}
	buf_free(&b);
}

static int
open_spool(const struct stub *s, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", s->spool_dir, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* --- connections --------------------------------------------------------------------------- */

static void
take_datagram(struct stub *s, struct stub_conn *c, const char *d, size_t len)
{
	uint64_t seq;
	int at = 0, fd;

	s->datagrams++;
	if (sscanf(d, "H 1 %255s%n", c->spool, &at) == 1 && (size_t)at == len) {
		fd = open_spool(s, c->spool);
		if (fd < 0) {
			s->wrong++;
			return;
		}
		s->hellos++;
		c->hello = c->ack_due = true;
		read_spool(s, fd);
		close(fd);
	} else if (c->hello && sscanf(d, "E %" SCNu64 " %n", &seq, &at) == 1 && at > 0 && seq == c->received + 1) {
		c->received = seq;
		c->ack_due = true;
		take_line(s, d + at, len - (size_t)at);
	} else
		s->wrong++;
}

static void
drop(struct stub *s, struct stub_conn *c)
{
	int fd = c->hello ? open_spool(s, c->spool) : -1;

	/* Lines that found no room on the way are in the spool only. */
	if (fd >= 0) {
		read_spool(s, fd);
		close(fd);
	}
	close(c->fd);
	c->fd = -1;
}

static void
read_conn(struct stub *s, struct stub_conn *c)
{
	char d[EVENT_LINE_MAX + 64];
	ssize_t n;

	while ((n = recv(c->fd, d, sizeof(d) - 1, MSG_DONTWAIT)) > 0) {
		d[n] = '\0';
		take_datagram(s, c, d, (size_t)n);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		drop(s, c);
}

static void
accept_all(struct stub *s)
{
	for (size_t i = 0; i < STUB_CONNS; i++)
		if (s->conn[i].fd < 0) {
			memset(&s->conn[i], 0, sizeof(s->conn[i]));
			s->conn[i].fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
			if (s->conn[i].fd < 0)
				return;
		}
}

void
stub_step(struct stub *s, int timeout_ms)
{
	struct pollfd p[STUB_CONNS + 1] = { { .fd = s->listen_fd, .events = POLLIN } };

	for (size_t i = 0; i < STUB_CONNS; i++)
		p[i + 1] = (struct pollfd){ .fd = s->conn[i].fd, .events = POLLIN };
	poll(p, STUB_CONNS + 1, timeout_ms);
	if (s->listen_fd >= 0)
		accept_all(s);
	for (size_t i = 0; i < STUB_CONNS; i++)
		if (s->conn[i].fd >= 0)
			read_conn(s, &s->conn[i]);
}

void
stub_commit(struct stub *s)
{
	char ack[32];
	int n;

	for (size_t i = 0; i < s->n_events; i++)
		s->event[i].stored = s->event[i].id[0] != '\0';
	for (size_t i = 0; i < STUB_CONNS; i++) {
		struct stub_conn *c = &s->conn[i];

		if (c->fd < 0 || !c->ack_due)
			continue;
		n = snprintf(ack, sizeof(ack), "A %" PRIu64, c->received);
		if (send(c->fd, ack, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n)
			c->ack_due = false;
	}
}

void
stub_crash(struct stub *s)
{
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	s->listen_fd = -1;
	for (size_t i = 0; i < STUB_CONNS; i++) {
		if (s->conn[i].fd >= 0)
			close(s->conn[i].fd);
		s->conn[i].fd = -1;
	}
	for (size_t i = 0; i < s->n_events; i++)
		if (!s->event[i].stored)
			s->event[i].id[0] = '\0';
}

void
stub_scan(struct stub *s)
{
	DIR *d = opendir(s->spool_dir);
	struct dirent *e;
	char path[512];
	int fd;

	if (d == NULL)
		err(99, "%s", s->spool_dir);
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".spool") == NULL || (fd = open_spool(s, e->d_name)) < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			read_spool(s, fd);
			stub_commit(s);
			snprintf(path, sizeof(path), "%s/%s", s->spool_dir, e->d_name);
			unlink(path);
		}
		close(fd);
	}
	closedir(d);
}

/* --- results ------------------------------------------------------------------------------- */

size_t
stub_stored(const struct stub *s, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		n += s->event[i].stored;
	return n;
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct stub_event *)a)->id, ((const struct stub_event *)b)->id);
}

bool
stub_ids_differ(const struct stub *s)
{
	struct stub_event *e = malloc(s->n_events * sizeof(*e));
	bool ok = e != NULL;

	if (ok) {
		memcpy(e, s->event, s->n_events * sizeof(*e));
		qsort(e, s->n_events, sizeof(*e), by_id);
	}
	for (size_t i = 1; ok && i < s->n_events; i++)
		ok = e[i].id[0] == '\0' || strcmp(e[i].id, e[i - 1].id) != 0;
	free(e);
	return ok;
}

bool
stub_settle(struct stub *s, struct event_client *const *c, size_t n)
{
	int64_t end = temp_clock_ms() + 10000;
	uint64_t pending;

	do {
		stub_step(s, 20);
		stub_commit(s);
		pending = 0;
		for (size_t i = 0; i < n; i++) {
			event_client_tick(c[i]);
			pending += event_client_pending(c[i]);
		}
	} while (pending > 0 && temp_clock_ms() < end);
	return pending == 0;
}
