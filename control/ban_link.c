/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/ban_link.h"
#include "control/ban_list.h"
#include "control/ctltime.h"
#include "control/haproxy_cli.h"
#include "control/llmsecd_conf.h"
#include "lib/buf.h"
#include "lib/log.h"

#define BATCH		200
#define COMMAND_MAX	700		/* longest of command_add(): the map's name twice */
#define TIMEOUT_MS	2000
#define LOOK_MS		500		/* is it still the same HAProxy? */
#define AGAIN_MS	60000		/* before the table's own expiry forgets, and if it lost something */

struct ban_link {
	pthread_t	 thread;
	struct ban_list	*list;
	char		*socket, *table, *map;
	long		 pid;		/* HAProxy's, when it was told everything; 0: it must be */
	int64_t		 look_ms, again_ms;	/* monotonic */
	bool		 up;
};

static void
link_state(struct ban_link *k, bool up, const char *error)
{
	if (!up && k->up)
		log_warnx("bans wait for HAProxy at %s: %s", k->socket, error);
	else if (up && !k->up)
		log_notice("bans reach HAProxy at %s", k->socket);
	k->up = up;
	ban_list_link_set(k->list, up, error);
}

/* What the answer complains about, or NULL.  Deleting what isn't there is no complaint. */
static const char *
complaint(struct buf *answer)
{
	char *save = NULL, *line;

	buf_addc(answer, '\0');
	if (answer->err != 0)
		return "no memory";
	for (line = strtok_r(answer->data, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, "not found") == NULL && line[strspn(line, " \t\r")] != '\0')
			return line;
	return NULL;
}

static void
command_add(struct buf *b, const struct ban_link *k, const struct ban_change *c)
{
	char text[CIDR_TEXT];

	cidr_format(&c->cidr, text);
	if (cidr_is_host(&c->cidr)) {
		buf_printf(b, "set table %s key %s%s data.gpt0 %d;", k->table,
		    cidr_is_v4(&c->cidr) ? "::ffff:" : "", text, c->value);
		return;
	}
	/* Adding a key that is there would make two of it. */
	buf_printf(b, "del map %s %s;", k->map, text);
	if (c->value > 0)
		buf_printf(b, "add map %s %s %d;", k->map, text, c->value);
}

/* One connection.  NULL, or what went wrong, in <why>. */
static const char *
send_line(struct ban_link *k, struct buf *commands, char why[BAN_REASON])
{
	struct buf answer = {0};
	const char *said;
	int r;

	/* Behind the last ";" HAProxy would look for another command. */
	commands->len -= commands->err == 0;
	buf_addc(commands, '\n');
	r = commands->err != 0 ? commands->err :
	    haproxy_cli(k->socket, buf_ptr(commands), buf_len(commands), TIMEOUT_MS, &answer);
	said = r < 0 ? strerror(-r) : complaint(&answer);
	if (said != NULL)
		snprintf(why, BAN_REASON, "%s", said);
	buf_free(&answer);
	buf_clear(commands);
	return said != NULL ? why : NULL;
}

static bool
tell(struct ban_link *k, const struct ban_change *c, size_t n)
{
	struct buf commands = {0};
	char text[BAN_REASON];
	const char *why = NULL;

	for (size_t i = 0; i < n && why == NULL; i++) {
		command_add(&commands, k, &c[i]);
		if (buf_len(&commands) > HAPROXY_CLI_LINE - COMMAND_MAX || i + 1 == n)
			why = send_line(k, &commands, text);
	}
	buf_free(&commands);
	if (why != NULL) {
		link_state(k, false, why);
		k->pid = 0;
	}
	return why == NULL;
}

/* "0x5581: proto=tcpv4 src=192.0.2.7:4711 fe=..." of a banned source: its stream's name, else NULL. */
static const char *
stream_of(char *line, const struct ban_change *c, size_t n)
{
	char *src = strstr(line, " src="), *end;
	struct cidr from;

	if (src == NULL || strncmp(line, "0x", 2) != 0)
		return NULL;
	src += 5;
	src[strcspn(src, " ")] = '\0';
	end = strrchr(src, ':');
	if (end == NULL)
		return NULL;
	*end = '\0';
	if (cidr_parse(src, &from) < 0)
		return NULL;
	line[strcspn(line, ":")] = '\0';
	for (size_t i = 0; i < n; i++)
		if (c[i].value > 0 && cidr_covers(&c[i].cidr, &from))
			return line;
	return NULL;
}

static void
streams_cut(struct ban_link *k, const struct ban_change *c, size_t n)
{
	struct buf seen = {0}, commands = {0}, answer = {0};
	char *save = NULL, *line;
	const char *id;

	if (haproxy_cli(k->socket, "show sess\n", 10, TIMEOUT_MS, &seen) == 0 && buf_addc(&seen, '\0') == 0)
		for (line = strtok_r(seen.data, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
			id = stream_of(line, c, n);
			if (id == NULL)
				continue;
			buf_printf(&commands, "shutdown session %s\n", id);
			haproxy_cli(k->socket, buf_ptr(&commands), buf_len(&commands), TIMEOUT_MS, &answer);
			buf_clear(&commands);
			buf_clear(&answer);
		}
	buf_free(&seen);
	buf_free(&commands);
	buf_free(&answer);
}

/* Tell it what is queued.  <cut>: streams of who is banned now are ended. */
static bool
changes_tell(struct ban_link *k, bool cut)
{
	struct ban_change c[BATCH];
	size_t n;
	bool ok = true;

	while (ok && (n = ban_list_changes(k->list, c, BATCH)) > 0) {
		ok = tell(k, c, n);
		if (ok && cut)
			streams_cut(k, c, n);
		ban_list_told(k->list, c, n, ok);
	}
	return ok;
}

/* Is HAProxy there?  One that isn't who it was knows nothing. */
static void
look(struct ban_link *k, int64_t now)
{
	struct buf answer = {0};
	const char *p;
	long pid = 0;
	int r = haproxy_cli(k->socket, "show info\n", 10, TIMEOUT_MS, &answer);

	if (r == 0 && buf_addc(&answer, '\0') == 0 && (p = strstr(buf_ptr(&answer), "\nPid: ")) != NULL)
		pid = strtol(p + 6, NULL, 10);
	buf_free(&answer);
	k->look_ms = now + LOOK_MS;
	if (pid == 0) {
		link_state(k, false, r < 0 ? strerror(-r) : "no answer to \"show info\"");
		return;
	}
	if (pid != k->pid || now >= k->again_ms) {
		ban_list_tell_all(k->list);
		k->pid = pid;
		k->again_ms = now + AGAIN_MS;
		if (!changes_tell(k, false))
			return;
	}
	link_state(k, true, "");
}

static void
nobody_to_tell(struct ban_link *k)
{
	struct ban_change c[BATCH];
	size_t n;

	while ((n = ban_list_changes(k->list, c, BATCH)) > 0)
		ban_list_told(k->list, c, n, true);
}

static void *
link_main(void *arg)
{
	struct ban_link *k = arg;
	int64_t next, now, wait = 0;

	if (k->socket[0] == '\0')
		ban_list_link_set(k->list, false, "bans.haproxy_socket is empty");
	while (ban_list_wait(k->list, k->up || k->socket[0] == '\0', (int)wait)) {
		now = ctltime_mono_ms();
		next = ban_list_expire(k->list, ctltime_now_ms());
		if (k->socket[0] == '\0') {
			nobody_to_tell(k);
		} else {
			if (k->up)
				changes_tell(k, true);
			if (now >= k->look_ms)
				look(k, now);
		}
		wait = next == INT64_MAX ? LOOK_MS : next - ctltime_now_ms();
		wait = wait < 0 ? 0 : wait > LOOK_MS ? LOOK_MS : wait;
	}
	return NULL;
}

static void
link_free(struct ban_link *k)
{
	free(k->socket);
	free(k->table);
	free(k->map);
	free(k);
}

int
ban_link_start(struct ban_link **out, const struct llmsecd_conf *conf, struct ban_list *list)
{
	struct ban_link *k = calloc(1, sizeof(*k));
	int r = -ENOMEM;

	*out = NULL;
	if (k == NULL)
		return r;
	k->list = list;
	k->socket = strdup(conf->bans.haproxy_socket);
	k->table = strdup(conf->bans.haproxy_table);
	k->map = strdup(conf->bans.haproxy_map);
	if (k->socket != NULL && k->table != NULL && k->map != NULL)
		r = -pthread_create(&k->thread, NULL, link_main, k);
	if (r < 0) {
		link_free(k);
		return r;
	}
	*out = k;
	return 0;
}

void
ban_link_stop(struct ban_link **kp)
{
	if (*kp == NULL)
		return;
	ban_list_stop((*kp)->list);
	pthread_join((*kp)->thread, NULL);
	link_free(*kp);
	*kp = NULL;
}
