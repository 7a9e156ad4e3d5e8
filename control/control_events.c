/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/ban_list.h"
#include "control/control_events.h"
#include "control/ctltime.h"
#include "control/llmsecd_conf.h"
#include "control/token_rate.h"
#include "lib/buf.h"
#include "lib/event.h"
#include "lib/log.h"

#define EACH_MAX	20	/* more are one event */

struct control_events {
	char		*socket, *spool_dir, *node;
	pthread_mutex_t	 lock;
	struct event_client *client;	/* opened with the first event */
	bool		 tried;
	int64_t		 refused_ms;
	unsigned	 refused;	/* since then, without an event */
	struct token_rate admin;	/* of admin.refused */
};

struct control_events *
control_events_new(const struct llmsecd_conf *conf)
{
	struct control_events *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	pthread_mutex_init(&e->lock, NULL);
	e->admin.a_second = e->admin.burst = 1;
	e->socket = strdup(conf->events.socket);
	e->spool_dir = strdup(conf->events.spool_dir);
	e->node = strdup(conf->node);
	if (e->socket == NULL || e->spool_dir == NULL || e->node == NULL)
		control_events_free(&e);
	return e;
}

void
control_events_free(struct control_events **ep)
{
	struct control_events *e = *ep;

	if (e == NULL)
		return;
	event_client_close(&e->client);
	pthread_mutex_destroy(&e->lock);
	free(e->socket);
	free(e->spool_dir);
	free(e->node);
	free(e);
	*ep = NULL;
}

static struct event_client *
client(struct control_events *e)
{
	const struct event_client_conf conf = { .socket_path = e->socket, .spool_dir = e->spool_dir,
		.node = e->node[0] != '\0' ? e->node : NULL, .layer = "control", .program = "llmsecd" };
	struct event_client *c;
	int r;

	pthread_mutex_lock(&e->lock);
	if (!e->tried) {
		e->tried = true;
		r = event_client_open(&e->client, &conf);
		if (r < 0)
			log_warnx("no events of llmsecd's own: %s", strerror(-r));
	}
	c = e->client;
	pthread_mutex_unlock(&e->lock);
	return c;
}

static void
emit(struct control_events *e, const struct event *ev)
{
	struct event_client *c = client(e);

	if (c != NULL && event_emit(c, ev) < 0)
		log_warnx("events: lost one: %s", ev->event);
}

void
control_events_tick(struct control_events *e)
{
	struct event_client *c = NULL;

	if (e == NULL)
		return;
	pthread_mutex_lock(&e->lock);
	c = e->client;
	pthread_mutex_unlock(&e->lock);
	if (c != NULL)
		event_client_tick(c);
}

static void
one(struct control_events *e, const char *name, const char *action, const struct ban *b)
{
	struct buf detail = {0};
	char text[CIDR_TEXT];
	struct event ev = { .event = name, .severity = 4, .score = -1, .action = action, .target =
		cidr_format(&b->cidr, text), .ttl_s = b->expires_ms > b->added_ms ?
		(b->expires_ms - b->added_ms + 999) / 1000 : 0 };

	if (cidr_is_host(&b->cidr))
		ev.ip = text;
	buf_printf(&detail, "{\"scope\":\"%s\",\"by\":\"%s\",\"reason\":\"", ban_scope_name(b->scope),
	    ban_by_name(b->by));
	buf_add_json(&detail, b->reason, strlen(b->reason));
	buf_adds(&detail, "\"}");
	buf_addc(&detail, '\0');
	ev.detail = detail.err == 0 ? buf_ptr(&detail) : NULL;
	emit(e, &ev);
	buf_free(&detail);
}

static void
all(struct control_events *e, const char *name, const char *action, const struct ban *b, size_t n)
{
	char detail[64];
	struct event ev = { .event = name, .severity = 4, .score = -1, .action = action, .detail = detail };

	if (e == NULL)
		return;
	for (size_t i = 0; n <= EACH_MAX && i < n; i++)
		one(e, name, action, &b[i]);
	snprintf(detail, sizeof(detail), "{\"bans\":%zu}", n);
	if (n > EACH_MAX)
		emit(e, &ev);
}

void
control_event_bans(struct control_events *e, const struct ban *b, size_t n)
{
	all(e, "ban.add", "block", b, n);
}

void
control_event_lifts(struct control_events *e, const struct ban *b, size_t n)
{
	all(e, "ban.lift", "allow", b, n);
}

void
control_event_admin(struct control_events *e, const char *name, const char *ip, const char *target, const char *detail)
{
	bool refused = strcmp(name, "admin.refused") == 0;
	struct event ev = { .event = name, .severity = refused ? 5 : 3, .score = -1, .action = refused ? "block" : "monitor",
	    .ip = ip[0] != '\0' ? ip : NULL, .target = target, .detail = detail };

	if (e != NULL)
		emit(e, &ev);
}

bool
control_event_admin_due(struct control_events *e, const char *by, uint64_t *more)
{
	bool due;

	*more = 0;
	if (e == NULL)
		return false;
	pthread_mutex_lock(&e->lock);
	due = token_rate_take(&e->admin, by, ctltime_mono_ms(), more);
	pthread_mutex_unlock(&e->lock);
	return due;
}

void
control_event_refused(struct control_events *e, const char *verdict, const char *key_id)
{
	char detail[192];
	struct event ev = { .event = "node.refused", .severity = 7, .score = -1, .action = "block", .detail = detail };
	unsigned more;
	bool now;

	if (e == NULL)
		return;
	pthread_mutex_lock(&e->lock);
	now = ctltime_mono_ms() - e->refused_ms >= 1000 || e->refused_ms == 0;
	more = e->refused;
	e->refused = now ? 0 : more + 1;
	if (now)
		e->refused_ms = ctltime_mono_ms();
	pthread_mutex_unlock(&e->lock);
	/* The id has the shape of one: node_sig_take() left it empty otherwise. */
	snprintf(detail, sizeof(detail), "{\"verdict\":\"%s\",\"key_id\":\"%s\",\"more\":%u}", verdict, key_id, more);
	if (now)
		emit(e, &ev);
}
