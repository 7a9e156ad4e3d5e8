/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/ctltime.h"
#include "control/query.h"

void
query_init(struct event_query *q)
{
	memset(q, 0, sizeof(*q));
	q->after = -1;
	q->limit = 100;
}

static int
number(const char *s, int64_t lo, int64_t hi, int64_t *out)
{
	char *end;
	long long v;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno != 0 || *end != '\0' || v < lo || v > hi)
		return -EINVAL;
	*out = v;
	return 0;
}

static int
since_set(struct event_query *q, const char *v, int64_t now_ms)
{
	return ctltime_parse_since(v, now_ms, &q->since_ms);
}

static int
until_set(struct event_query *q, const char *v, int64_t now_ms)
{
	return ctltime_parse_since(v, now_ms, &q->until_ms);
}

static int
before_set(struct event_query *q, const char *v, int64_t now_ms)
{
	return number(v, 1, INT64_MAX, &q->before);
}

static int
after_set(struct event_query *q, const char *v, int64_t now_ms)
{
	return number(v, 0, INT64_MAX, &q->after);
}

static int
limit_set(struct event_query *q, const char *v, int64_t now_ms)
{
	int64_t n;
	int r = number(v, 1, QUERY_LIMIT_MAX, &n);

	if (r == 0)
		q->limit = (int)n;
	return r;
}

static int
severity_set(struct event_query *q, const char *v, int64_t now_ms)
{
	int64_t n;
	int r = number(v, 0, 10, &n);

	if (r == 0)
		q->min_severity = (int)n;
	return r;
}

static int
text_set(char *dst, size_t size, const char *v)
{
	size_t n = strlen(v);

	if (n == 0 || n >= size)
		return -EINVAL;
	memcpy(dst, v, n + 1);
	return 0;
}

static int
event_set(struct event_query *q, const char *v, int64_t now_ms)
{
	return text_set(q->event, sizeof(q->event), v);
}

static int
request_id_set(struct event_query *q, const char *v, int64_t now_ms)
{
	return text_set(q->request_id, sizeof(q->request_id), v);
}

#define TEXT_SETTER(what)								\
static int										\
what ## _set(struct event_query *q, const char *v, int64_t now_ms)			\
{											\
	return text_set(q->what, sizeof(q->what), v);					\
}
TEXT_SETTER(layer)
TEXT_SETTER(action)
TEXT_SETTER(node)
TEXT_SETTER(key)
TEXT_SETTER(user)
TEXT_SETTER(target)

static int
ip_set(struct event_query *q, const char *v, int64_t now_ms)
{
	unsigned char a[16];

	if (inet_pton(AF_INET, v, a) != 1 && inet_pton(AF_INET6, v, a) != 1)
		return -EINVAL;
	return text_set(q->ip, sizeof(q->ip), v);
}

static const struct parameter {
	const char	*name;
	int		(*set)(struct event_query *, const char *, int64_t);
	const char	*why;
} parameters[] = {
	{ "since", since_set, "since: RFC 3339, seconds since the epoch, or 90s 10m 2h 7d" },
	{ "until", until_set, "until: RFC 3339, seconds since the epoch, or 90s 10m 2h 7d" },
	{ "after", after_set, "after: a sequence number" },
	{ "before", before_set, "before: a sequence number" },
	{ "limit", limit_set, "limit: 1 to 10000" },
	{ "min_severity", severity_set, "min_severity: 0 to 10" },
	{ "event", event_set, "event: 1 to 64 characters" },
	{ "request_id", request_id_set, "request_id: 1 to 1024 characters" },
	{ "ip", ip_set, "ip: an IPv4 or IPv6 address" },
	{ "layer", layer_set, "layer: 1 to 16 characters" },
	{ "action", action_set, "action: 1 to 32 characters" },
	{ "from_node", node_set, "from_node: 1 to 256 characters" },
	{ "key", key_set, "key: 1 to 128 characters" },
	{ "user", user_set, "user: 1 to 128 characters" },
	{ "target", target_set, "target: 1 to 1024 characters" },
};

int
query_set(struct event_query *q, const char *name, const char *value, int64_t now_ms,
    const char **why)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		if (strcmp(parameters[i].name, name) != 0)
			continue;
		*why = parameters[i].why;
		return parameters[i].set(q, value != NULL ? value : "", now_ms);
	}
	*why = "unknown parameter (since until after before limit min_severity event request_id ip layer action from_node key user target)";
	return -EINVAL;
}
