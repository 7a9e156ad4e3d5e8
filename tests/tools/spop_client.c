/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "haproxy-spoa/listen_addr.h"
#include "tests/tools/spop_client.h"

int
spop_client_open(struct spop_client *c, const char *addr)
{
	const struct timeval patience = {.tv_sec = 5};
	struct listen_addr a;
	int one = 1, rc = listen_addr_parse(&a, addr, "");

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	if (rc != 0)
		return rc;
	c->fd = socket(a.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (a.ss.ss_family != AF_UNIX)
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	rc = connect(c->fd, (struct sockaddr *)&a.ss, a.len) ? -errno : 0;
	if (rc != 0)
		spop_client_close(c);
	return rc;
}

void
spop_client_close(struct spop_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_free(&c->in);
}

int
spop_client_send(struct spop_client *c, const void *p, size_t n)
{
	const char *b = p;
	ssize_t k;

	for (; n > 0; b += k, n -= (size_t)k) {
		k = send(c->fd, b, n, MSG_NOSIGNAL);
		if (k < 0)
			return -errno;
	}
	return 0;
}

int
spop_client_recv(struct spop_client *c, struct spop_frame *f)
{
	struct wire w;
	size_t need = SPOP_LENGTH;
	ssize_t k;
	char *p;

	buf_consume(&c->in, c->taken);
	c->taken = 0;
	for (;;) {
		if (buf_len(&c->in) >= SPOP_LENGTH) {
			wire_init(&w, buf_ptr(&c->in), SPOP_LENGTH);
			need = SPOP_LENGTH + (size_t)wire_be32(&w);
			if (need > SPOP_LENGTH + SPOP_MAX_FRAME_CAP)
				return -EPROTO;
			if (buf_len(&c->in) >= need)
				break;
		}
		p = buf_room(&c->in, 65536);
		if (p == NULL)
			return -ENOMEM;
		k = recv(c->fd, p, 65536, 0);
		if (k <= 0)
			return k == 0 ? -EPIPE : -errno;
		buf_wrote(&c->in, (size_t)k);
	}
	c->taken = need;
	return spop_frame_decode(f, buf_ptr(&c->in) + SPOP_LENGTH, need - SPOP_LENGTH);
}

int
spop_client_hello(struct spop_client *c, bool healthcheck, struct spop_hello *h)
{
	return spop_client_offer(c, 65532, healthcheck, h);
}

int
spop_client_offer(struct spop_client *c, uint32_t frame_size, bool healthcheck, struct spop_hello *h)
{
	uint8_t b[256];
	struct wire_out o;
	struct spop_frame f;
	int rc;

	wire_out_init(&o, b, sizeof(b));
	spop_put_haproxy_hello(&o, frame_size, healthcheck ? "" : "pipelining,async", healthcheck);
	rc = spop_client_send(c, b, wire_out_len(&o));
	if (rc == 0)
		rc = spop_client_recv(c, &f);
	if (rc == 0 && f.type != SPOP_T_AGENT_HELLO)
		rc = -EPROTO;
	return rc ? rc : spop_hello_decode(h, f.payload, f.len);
}

static size_t
headers_encode(uint8_t *b, size_t size, const struct spop_request *r)
{
	struct wire_out o;
	char len[24];

	wire_out_init(&o, b, size);
	wire_put_str(&o, "host", 4);
	wire_put_str(&o, "localhost", 9);
	wire_put_str(&o, "content-length", 14);
	wire_put_str(&o, len, (size_t)snprintf(len, sizeof(len), "%lld", (long long)r->body_size));
	wire_put_be16(&o, 0);
	return o.err ? 0 : wire_out_len(&o);
}

size_t
spop_request_encode(uint8_t *b, size_t size, const struct spop_request *r, uint64_t stream_id)
{
	uint8_t hdrs[256];
	struct spop_value v[] = {
		spop_v_str(r->method), spop_v_str(r->path), spop_v_str(r->request_id),
		{.type = SPOP_D_IPV4}, spop_v_bin(hdrs, headers_encode(hdrs, sizeof(hdrs), r)),
		spop_v_bin(r->body, r->body_len), {.type = SPOP_D_INT64, .i = r->body_size},
	};
	static const char *const names[] = {"method", "path", "rid", "ip", "hdrs", "body", "body_size"};
	struct wire_out o;

	inet_pton(AF_INET, r->ip, &v[3].ip4);
	wire_out_init(&o, b, size);
	spop_frame_begin(&o, SPOP_T_NOTIFY, SPOP_F_FIN, stream_id, 1);
	wire_put_str(&o, "llmsec-request", 14);
	wire_put_u8(&o, sizeof(v) / sizeof(*v));
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		spop_kv_put(&o, names[i], &v[i]);
	spop_frame_end(&o);
	return o.err ? 0 : wire_out_len(&o);
}
