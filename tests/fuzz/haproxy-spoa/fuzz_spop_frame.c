/* SPDX-License-Identifier: MIT */
/* One frame: every decoder over the same payload, and what decodes must encode to the same meaning. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/spop_frame.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Sum of the borrowed bytes: a span outside the input would be seen by the sanitizer. */
static volatile unsigned sink;

static void
touch(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		sink += b[i];
}

static void
values(const uint8_t *p, size_t n)
{
	struct spop_value v, again;
	struct wire w, w2;
	struct wire_out o;
	const char *name;
	uint8_t *b = malloc(n + 32);
	size_t len;

	if (b == NULL)
		abort();
	wire_init(&w, p, n);
	while (spop_kv_get(&w, &name, &len, &v)) {
		touch(name, len);
		wire_out_init(&o, b, n + 32);
		spop_value_put(&o, &v);
		wire_init(&w2, b, wire_out_len(&o));
		spop_value_get(&w2, &again);
		if (o.err || w2.err || wire_left(&w2) != 0 || again.type != v.type)
			abort();
		if (v.type == SPOP_D_STR || v.type == SPOP_D_BIN) {
			if (again.str.len != v.str.len ||
			    (v.str.len > 0 && memcmp(again.str.p, v.str.p, v.str.len) != 0))
				abort();
		} else if (memcmp(&again.ip6, &v.ip6, sizeof(v.ip6)) != 0)
			abort();
	}
	free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct spop_frame f;
	struct spop_hello h;
	struct spop_message m;
	struct spop_action a;
	struct wire w;
	uint32_t status;

	if (spop_frame_decode(&f, p, n) != 0)
		return 0;
	touch(f.payload, f.len);
	if (spop_hello_decode(&h, f.payload, f.len) == 0)
		touch(h.engine_id, h.engine_id_len);
	spop_disconnect_decode(&status, f.payload, f.len);
	values(f.payload, f.len);
	wire_init(&w, f.payload, f.len);
	while (spop_message_get(&w, &m)) {
		touch(m.name, m.name_len);
		values(m.args.p, wire_left(&m.args));
	}
	wire_init(&w, f.payload, f.len);
	while (spop_action_get(&w, &a))
		touch(a.name, a.name_len);
	return 0;
}
