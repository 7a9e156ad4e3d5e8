/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "haproxy-spoa/spop_frame.h"

enum { ACTION_SET = 1, ACTION_UNSET = 2 };

/*
 * HAProxy announced the length before sending the frame, so one that ends early is a peer that lies,
 * not one that is slow: the caller disconnects, it never waits for more.
 */
int
spop_frame_decode(struct spop_frame *f, const void *p, size_t n)
{
	struct wire w;

	wire_init(&w, p, n);
	f->type = wire_u8(&w);
	f->flags = wire_be32(&w);
	f->stream_id = wire_varint(&w);
	f->frame_id = wire_varint(&w);
	f->payload = wire_rest(&w, &f->len);
	return w.err;
}

static bool
name_is(const char *name, size_t n, const char *want)
{
	return n == strlen(want) && memcmp(name, want, n) == 0;
}

/* Next element of a comma-separated list, blanks trimmed; false at the end. */
static bool
list_next(const char **p, size_t *left, const char **item, size_t *n)
{
	const char *comma;

	if (*left == 0)
		return false;
	comma = memchr(*p, ',', *left);
	*item = *p;
	*n = comma ? (size_t)(comma - *p) : *left;
	*left -= comma ? *n + 1 : *n;
	*p += comma ? *n + 1 : *n;
	while (*n > 0 && (**item == ' ' || **item == '\t')) {
		(*item)++;
		(*n)--;
	}
	while (*n > 0 && ((*item)[*n - 1] == ' ' || (*item)[*n - 1] == '\t'))
		(*n)--;
	return true;
}

static void
hello_versions(struct spop_hello *h, const char *p, size_t n)
{
	const char *item;
	size_t len;

	h->has_version = true;
	while (list_next(&p, &n, &item, &len))
		if (len >= 3 && item[0] == '2' && item[1] == '.')
			h->version_2 = true;
}

static void
hello_capabilities(struct spop_hello *h, const char *p, size_t n)
{
	const char *item;
	size_t len;

	h->has_capabilities = true;
	while (list_next(&p, &n, &item, &len)) {
		if (name_is(item, len, "pipelining"))
			h->pipelining = true;
		else if (name_is(item, len, "fragmentation"))
			h->fragmentation = true;
	}
}

/* Keys have fixed types; a known key of another type is not SPOP.  Unknown keys are for later versions. */
static int
hello_key(struct spop_hello *h, const char *name, size_t n, const struct spop_value *v)
{
	int64_t num;
	const char *s;
	size_t len;

	if (name_is(name, n, "supported-versions") || name_is(name, n, "version")) {
		if (!spop_value_bytes(v, &s, &len))
			return -EPROTO;
		hello_versions(h, s, len);
	} else if (name_is(name, n, "max-frame-size")) {
		if (!spop_value_int(v, &num) || num < 0)
			return -EPROTO;
		h->has_frame_size = true;
		h->frame_size = (uint64_t)num;
	} else if (name_is(name, n, "capabilities")) {
		if (!spop_value_bytes(v, &s, &len))
			return -EPROTO;
		hello_capabilities(h, s, len);
	} else if (name_is(name, n, "healthcheck")) {
		if (v->type != SPOP_D_BOOL)
			return -EPROTO;
		h->healthcheck = v->b;
	} else if (name_is(name, n, "engine-id")) {
		if (!spop_value_bytes(v, &h->engine_id, &h->engine_id_len))
			return -EPROTO;
	}
	return 0;
}

int
spop_hello_decode(struct spop_hello *h, const uint8_t *p, size_t n)
{
	struct wire w;
	struct spop_value v;
	const char *name;
	size_t name_len;
	int rc = 0;

	memset(h, 0, sizeof(*h));
	h->engine_id = "";
	wire_init(&w, p, n);
	while (rc == 0 && spop_kv_get(&w, &name, &name_len, &v))
		rc = hello_key(h, name, name_len, &v);
	return rc ? rc : w.err;
}

int
spop_disconnect_decode(uint32_t *status, const uint8_t *p, size_t n)
{
	struct wire w;
	struct spop_value v;
	const char *name;
	size_t name_len;
	int64_t num;

	*status = SPOP_S_UNKNOWN;
	wire_init(&w, p, n);
	while (spop_kv_get(&w, &name, &name_len, &v))
		if (name_is(name, name_len, "status-code") && spop_value_int(&v, &num) && num >= 0 &&
		    num <= UINT32_MAX)
			*status = (uint32_t)num;
	return w.err;
}

bool
spop_message_get(struct wire *w, struct spop_message *m)
{
	struct spop_value v;
	const char *name;
	size_t name_len;
	const uint8_t *from;
	uint64_t n;

	if (w->err || wire_left(w) == 0)
		return false;
	n = wire_varint(w);
	if (w->err == 0 && n > wire_left(w))
		w->err = -ENODATA;
	if (w->err)
		return false;
	m->name_len = (size_t)n;
	m->name = (const char *)wire_bytes(w, m->name_len);
	m->nargs = wire_u8(w);
	from = w->p;
	for (unsigned i = 0; i < m->nargs; i++) {
		if (!spop_kv_get(w, &name, &name_len, &v)) {
			if (w->err == 0)
				w->err = -ENODATA;
			return false;
		}
	}
	wire_init(&m->args, from, (size_t)(w->p - from));
	return w->err == 0;
}

bool
spop_action_get(struct wire *w, struct spop_action *a)
{
	uint64_t n;
	uint8_t nargs;

	if (w->err || wire_left(w) == 0)
		return false;
	memset(a, 0, sizeof(*a));
	a->type = wire_u8(w);
	nargs = wire_u8(w);
	if ((a->type == ACTION_SET && nargs != 3) || (a->type == ACTION_UNSET && nargs != 2) ||
	    a->type < ACTION_SET || a->type > ACTION_UNSET)
		w->err = w->err ? w->err : -EPROTO;
	a->scope = wire_u8(w);
	n = wire_varint(w);
	if (w->err == 0 && (n > wire_left(w) || a->scope > SPOP_SCOPE_RES))
		w->err = -EPROTO;
	if (w->err)
		return false;
	a->name_len = (size_t)n;
	a->name = (const char *)wire_bytes(w, a->name_len);
	if (a->type == ACTION_SET)
		spop_value_get(w, &a->value);
	return w->err == 0;
}

void
spop_frame_begin(struct wire_out *o, enum spop_type type, uint32_t flags, uint64_t stream_id,
    uint64_t frame_id)
{
	o->base = o->p;		/* so that spop_frame_end finds the length of this very frame */
	wire_put_be32(o, 0);
	wire_put_u8(o, (uint8_t)type);
	wire_put_be32(o, flags);
	wire_put_varint(o, stream_id);
	wire_put_varint(o, frame_id);
}

void
spop_frame_end(struct wire_out *o)
{
	uint8_t *end = o->p;

	if (o->err)
		return;
	o->p = o->base;
	wire_put_be32(o, (uint32_t)(end - o->base - SPOP_LENGTH));
	o->p = end;
}

void
spop_put_agent_hello(struct wire_out *o, uint32_t frame_size)
{
	struct spop_value version = spop_v_str(SPOP_VERSION), size = spop_v_uint(frame_size);
	struct spop_value caps = spop_v_str(SPOP_CAPABILITIES);

	spop_frame_begin(o, SPOP_T_AGENT_HELLO, SPOP_F_FIN, 0, 0);
	spop_kv_put(o, "version", &version);
	spop_kv_put(o, "max-frame-size", &size);
	spop_kv_put(o, "capabilities", &caps);
	spop_frame_end(o);
}

void
spop_put_haproxy_hello(struct wire_out *o, uint32_t frame_size, const char *capabilities, bool healthcheck)
{
	struct spop_value version = spop_v_str(SPOP_VERSION), size = spop_v_uint(frame_size);
	struct spop_value caps = spop_v_str(capabilities), yes = spop_v_bool(true);

	spop_frame_begin(o, SPOP_T_HAPROXY_HELLO, SPOP_F_FIN, 0, 0);
	spop_kv_put(o, "supported-versions", &version);
	spop_kv_put(o, "max-frame-size", &size);
	spop_kv_put(o, "capabilities", &caps);
	if (healthcheck)
		spop_kv_put(o, "healthcheck", &yes);
	spop_frame_end(o);
}

void
spop_put_disconnect(struct wire_out *o, enum spop_type type, enum spop_status status)
{
	struct spop_value code = spop_v_uint(status), text = spop_v_str(spop_status_str(status));

	spop_frame_begin(o, type, SPOP_F_FIN, 0, 0);
	spop_kv_put(o, "status-code", &code);
	spop_kv_put(o, "message", &text);
	spop_frame_end(o);
}

void
spop_put_set_var(struct wire_out *o, enum spop_scope scope, const char *name, const struct spop_value *v)
{
	wire_put_u8(o, ACTION_SET);
	wire_put_u8(o, 3);
	wire_put_u8(o, (uint8_t)scope);
	spop_kv_put(o, name, v);
}

void
spop_put_unset_var(struct wire_out *o, enum spop_scope scope, const char *name)
{
	wire_put_u8(o, ACTION_UNSET);
	wire_put_u8(o, 2);
	wire_put_u8(o, (uint8_t)scope);
	wire_put_str(o, name, strlen(name));
}

const char *
spop_status_str(uint32_t status)
{
	static const char *const text[] = {
		[SPOP_S_NORMAL] = "normal", [SPOP_S_IO] = "I/O error", [SPOP_S_TIMEOUT] = "timeout",
		[SPOP_S_TOO_BIG] = "frame is too big", [SPOP_S_INVALID] = "invalid frame",
		[SPOP_S_NO_VERSION] = "version is missing",
		[SPOP_S_NO_FRAME_SIZE] = "max-frame-size is missing",
		[SPOP_S_NO_CAPABILITIES] = "capabilities are missing",
		[SPOP_S_BAD_VERSION] = "version is not supported",
		[SPOP_S_BAD_FRAME_SIZE] = "max-frame-size is out of range",
		[SPOP_S_NO_FRAGMENTATION] = "fragmentation was not announced",
		[SPOP_S_INTERLACED] = "frames are interlaced wrongly",
		[SPOP_S_NO_FRAME_ID] = "no such fragment", [SPOP_S_RESOURCES] = "out of resources",
	};

	return status < sizeof(text) / sizeof(*text) ? text[status] : "unknown";
}
