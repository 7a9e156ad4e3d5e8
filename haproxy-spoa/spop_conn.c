/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/spop_conn.h"
#include "haproxy-spoa/spop_frame.h"
#include "lib/wire.h"

#define HELLO_MAX	16384	/* a HELLO is tiny; before it nobody may make us buffer a megabyte */
#define ACK_MAX		16384
#define CONTROL_MAX	256	/* HELLO and DISCONNECT of ours */

void
spop_conn_init(struct spop_conn *c, const struct spop_conn_conf *conf, spop_notify_fn fn, void *arg)
{
	memset(c, 0, sizeof(*c));
	c->conf = *conf;
	c->frame_size = HELLO_MAX;
	c->notify = fn;
	c->arg = arg;
}

void
spop_conn_free(struct spop_conn *c)
{
	buf_free(&c->in);
	buf_free(&c->out);
	for (unsigned i = 0; i < SPOP_FRAGS; i++)
		buf_free(&c->frags[i].data);
}

char *
spop_conn_room(struct spop_conn *c, size_t want)
{
	return buf_room(&c->in, want);
}

void
spop_conn_got(struct spop_conn *c, size_t n)
{
	buf_wrote(&c->in, n);
}

void
spop_conn_disconnect(struct spop_conn *c, enum spop_status status)
{
	struct wire_out o;
	char *p;

	if (c->state == SPOP_ST_CLOSING)
		return;
	c->state = SPOP_ST_CLOSING;
	c->status = status;
	p = buf_room(&c->out, CONTROL_MAX);
	if (p == NULL)
		return;
	wire_out_init(&o, p, CONTROL_MAX);
	spop_put_disconnect(&o, SPOP_T_AGENT_DISCONNECT, status);
	if (o.err == 0)
		buf_wrote(&c->out, wire_out_len(&o));
}

/* The order of the checks is the order of the status codes in SPOE.txt 3.3. */
static int
hello_fault(const struct spop_hello *h)
{
	if (!h->has_version)
		return SPOP_S_NO_VERSION;
	if (!h->has_frame_size)
		return SPOP_S_NO_FRAME_SIZE;
	if (!h->has_capabilities)
		return SPOP_S_NO_CAPABILITIES;
	if (!h->version_2)
		return SPOP_S_BAD_VERSION;
	if (h->frame_size < SPOP_MAX_FRAME_MIN || h->frame_size > UINT32_MAX)
		return SPOP_S_BAD_FRAME_SIZE;
	return SPOP_S_NORMAL;
}

static int
conn_hello(struct spop_conn *c, const struct spop_frame *f)
{
	struct spop_hello h;
	struct wire_out o;
	char *p;
	int fault;

	if (f->type != SPOP_T_HAPROXY_HELLO || f->flags != SPOP_F_FIN || f->stream_id || f->frame_id ||
	    spop_hello_decode(&h, f->payload, f->len) != 0)
		return SPOP_S_INVALID;
	fault = hello_fault(&h);
	if (fault != SPOP_S_NORMAL)
		return fault;
	c->peer_frame_size = (uint32_t)h.frame_size;
	c->frame_size = c->peer_frame_size < c->conf.frame_cap ? c->peer_frame_size : c->conf.frame_cap;
	p = buf_room(&c->out, CONTROL_MAX);
	if (p == NULL)
		return SPOP_S_RESOURCES;
	wire_out_init(&o, p, CONTROL_MAX);
	spop_put_agent_hello(&o, c->frame_size);
	if (o.err)
		return SPOP_S_RESOURCES;
	buf_wrote(&c->out, wire_out_len(&o));
	c->state = SPOP_ST_READY;
	if (h.healthcheck) {
		/* HAProxy only wants to see the HELLO; a DISCONNECT after it would fail the check. */
		c->healthcheck = true;
		c->state = SPOP_ST_CLOSING;
	}
	return SPOP_S_NORMAL;
}

static int
conn_answer(struct spop_conn *c, uint64_t stream_id, uint64_t frame_id, const void *payload, size_t len)
{
	struct spop_notify n = {stream_id, frame_id, c->peer_frame_size, payload, len};
	size_t room = SPOP_LENGTH + (c->frame_size < ACK_MAX ? c->frame_size : ACK_MAX);
	struct wire_out o;
	char *p = buf_room(&c->out, room);
	int status;

	if (p == NULL)
		return SPOP_S_RESOURCES;
	c->n_notifies++;
	wire_out_init(&o, p, room);
	spop_frame_begin(&o, SPOP_T_ACK, SPOP_F_FIN, stream_id, frame_id);
	status = c->notify(c->arg, &n, &o);
	spop_frame_end(&o);
	if (status != SPOP_S_NORMAL)
		return status;
	if (o.err)
		return SPOP_S_TOO_BIG;
	buf_wrote(&c->out, wire_out_len(&o));
	return SPOP_S_NORMAL;
}

static struct spop_frag *
frag_find(struct spop_conn *c, const struct spop_frame *f)
{
	for (unsigned i = 0; i < SPOP_FRAGS; i++)
		if (c->frags[i].used && c->frags[i].stream_id == f->stream_id &&
		    c->frags[i].frame_id == f->frame_id)
			return &c->frags[i];
	return NULL;
}

static void
frag_drop(struct spop_conn *c, struct spop_frag *g)
{
	c->frag_bytes -= buf_len(&g->data);
	g->used = false;
	buf_clear(&g->data);
}

static int
frag_add(struct spop_conn *c, struct spop_frag *g, const struct spop_frame *f)
{
	if (f->len > c->conf.reassembly_max - c->frag_bytes)
		return SPOP_S_TOO_BIG;
	if (buf_add(&g->data, f->payload, f->len) != 0)
		return SPOP_S_RESOURCES;
	c->frag_bytes += f->len;
	return SPOP_S_NORMAL;
}

static int
frag_start(struct spop_conn *c, const struct spop_frame *f)
{
	for (unsigned i = 0; i < SPOP_FRAGS; i++) {
		struct spop_frag *g = &c->frags[i];

		if (g->used)
			continue;
		g->used = true;
		g->stream_id = f->stream_id;
		g->frame_id = f->frame_id;
		return frag_add(c, g, f);
	}
	return SPOP_S_RESOURCES;
}

static int
conn_notify(struct spop_conn *c, const struct spop_frame *f)
{
	if (frag_find(c, f) != NULL)
		return SPOP_S_INTERLACED;
	if (f->flags & SPOP_F_ABORT)
		return SPOP_S_NORMAL;
	if (f->flags & SPOP_F_FIN)
		return conn_answer(c, f->stream_id, f->frame_id, f->payload, f->len);
	return frag_start(c, f);
}

static int
conn_unset(struct spop_conn *c, const struct spop_frame *f)
{
	struct spop_frag *g = frag_find(c, f);
	int status;

	if (g == NULL)
		return SPOP_S_NO_FRAME_ID;
	if (f->flags & SPOP_F_ABORT) {
		frag_drop(c, g);
		return SPOP_S_NORMAL;
	}
	status = frag_add(c, g, f);
	if (status != SPOP_S_NORMAL || !(f->flags & SPOP_F_FIN))
		return status;
	c->n_reassembled++;
	status = conn_answer(c, f->stream_id, f->frame_id, buf_ptr(&g->data), buf_len(&g->data));
	frag_drop(c, g);
	return status;
}

static int
conn_frame(struct spop_conn *c, const void *p, size_t n)
{
	struct spop_frame f;
	uint32_t status;

	c->n_frames++;
	if (spop_frame_decode(&f, p, n) != 0 || (f.flags & ~(uint32_t)(SPOP_F_FIN | SPOP_F_ABORT)))
		return SPOP_S_INVALID;
	if (c->state == SPOP_ST_HELLO)
		return conn_hello(c, &f);
	switch (f.type) {
	case SPOP_T_NOTIFY:
		return conn_notify(c, &f);
	case SPOP_T_UNSET:
		return conn_unset(c, &f);
	case SPOP_T_HAPROXY_DISCONNECT:
		if (spop_disconnect_decode(&status, f.payload, f.len) != 0)
			return SPOP_S_INVALID;
		c->by_peer = true;
		spop_conn_disconnect(c, SPOP_S_NORMAL);
		return SPOP_S_NORMAL;
	default:
		return SPOP_S_INVALID;
	}
}

bool
spop_conn_process(struct spop_conn *c)
{
	struct wire w;
	uint32_t n;
	int status;

	while (c->state != SPOP_ST_CLOSING) {
		if (buf_len(&c->out) >= c->conf.out_high)
			return true;
		if (buf_len(&c->in) < SPOP_LENGTH)
			return false;
		wire_init(&w, buf_ptr(&c->in), SPOP_LENGTH);
		n = wire_be32(&w);
		if (n > c->frame_size || n < SPOP_FRAME_MIN) {
			spop_conn_disconnect(c, n < SPOP_FRAME_MIN ? SPOP_S_INVALID : SPOP_S_TOO_BIG);
			return false;
		}
		if (buf_len(&c->in) - SPOP_LENGTH < n)
			return false;
		status = conn_frame(c, buf_ptr(&c->in) + SPOP_LENGTH, n);
		buf_consume(&c->in, SPOP_LENGTH + n);
		if (status != SPOP_S_NORMAL)
			spop_conn_disconnect(c, (enum spop_status)status);
	}
	return false;
}
