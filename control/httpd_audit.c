/* SPDX-License-Identifier: MIT */
/* The trail of administration: who changed what.  docs/events.md has the events. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "control/control_events.h"
#include "control/httpd_private.h"
#include "lib/buf.h"
#include "lib/log.h"

void
httpd_from(struct httpd_request *q, struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info != NULL ? info->client_addr : NULL;
	const void *at = NULL;

	if (sa != NULL && sa->sa_family == AF_INET)
		at = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	else if (sa != NULL && sa->sa_family == AF_INET6)
		at = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	if (at == NULL || inet_ntop(sa->sa_family, at, q->ip, sizeof(q->ip)) == NULL)
		q->ip[0] = '\0';
}

void
httpd_audit(struct httpd *h, const struct httpd_request *q, const char *event, const char *target, struct buf *members)
{
	static const char *const role[ROLE_N] = { "nobody", "viewer", "operator", "admin" };
	struct buf b = {0};

	buf_adds(&b, "{\"by\":\"");
	buf_add_json(&b, q->by, strlen(q->by));
	buf_printf(&b, "\",\"role\":\"%s\"", role[q->role]);
	if (members != NULL && buf_len(members) > 0) {
		buf_addc(&b, ',');
		buf_add(&b, buf_ptr(members), buf_len(members));
	}
	buf_adds(&b, "}");
	buf_addc(&b, '\0');
	if (members != NULL)
		buf_free(members);
	if (b.err == 0) {
		log_notice("%s: %s from %s: %s", event, target != NULL ? target : "-", q->ip, buf_ptr(&b));
		control_event_admin(h->events, event, q->ip, target, buf_ptr(&b));
	}
	buf_free(&b);
}
