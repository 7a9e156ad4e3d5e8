/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "control/ban_event.h"
#include "control/ban_list.h"
#include "control/evline.h"

#define TTL_MAX_S	INT64_C(31536000)	/* a year */

static const char *
text(const json_t *detail, const char *key)
{
	return json_string_value(json_object_get(detail, key));
}

bool
ban_of_event(const struct evline *ev, struct ban *b)
{
	const json_t *detail = json_object_get(ev->doc, "detail");
	const char *scope = text(detail, "scope"), *cidr = text(detail, "cidr"), *reason = text(detail, "reason");

	memset(b, 0, sizeof(*b));
	if (cidr == NULL)
		cidr = ev->ip;
	if (scope == NULL || strcmp(scope, "ip") != 0 || cidr == NULL || cidr_parse(cidr, &b->cidr) < 0 ||
	    ev->ttl_s < 1 || ev->ttl_s > TTL_MAX_S)
		return false;
	b->scope = BAN_EDGE;
	b->by = BAN_BY_AGENT;
	snprintf(b->reason, sizeof(b->reason), "%s", reason != NULL ? reason : "");
	b->added_ms = ev->ts_ms;
	b->expires_ms = ev->ts_ms + ev->ttl_s * 1000;
	return true;
}
