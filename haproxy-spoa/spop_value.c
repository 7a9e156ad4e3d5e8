/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "haproxy-spoa/spop_value.h"
#include "lib/wire.h"

#define TYPE_MASK	0x0f
#define FLAG_TRUE	0x10

static void
value_get_str(struct wire *w, struct spop_value *v)
{
	uint64_t n = wire_varint(w);

	if (w->err == 0 && n > wire_left(w))
		w->err = -ENODATA;
	v->str.len = w->err ? 0 : (size_t)n;
	v->str.p = (const char *)wire_bytes(w, v->str.len);
}

static void
value_get_addr(struct wire *w, void *out, size_t n)
{
	const uint8_t *p = wire_bytes(w, n);

	if (p != NULL)
		memcpy(out, p, n);
}

void
spop_value_get(struct wire *w, struct spop_value *v)
{
	uint8_t head = wire_u8(w);
	uint64_t n;

	memset(v, 0, sizeof(*v));
	v->type = head & TYPE_MASK;
	switch (v->type) {
	case SPOP_D_NULL:
		break;
	case SPOP_D_BOOL:
		v->b = (head & FLAG_TRUE) != 0;
		break;
	case SPOP_D_INT32:
		/* Sign-extended to 64 bits by HAProxy; accept the plain 32-bit form of others too. */
		n = wire_varint(w);
		v->i = (int32_t)(uint32_t)n;
		if (n > UINT32_MAX && (int64_t)n != v->i)
			w->err = w->err ? w->err : -EPROTO;
		break;
	case SPOP_D_UINT32:
		v->u = wire_varint(w);
		if (v->u > UINT32_MAX)
			w->err = w->err ? w->err : -EPROTO;
		break;
	case SPOP_D_INT64:
		v->i = (int64_t)wire_varint(w);
		break;
	case SPOP_D_UINT64:
		v->u = wire_varint(w);
		break;
	case SPOP_D_IPV4:
		value_get_addr(w, &v->ip4, sizeof(v->ip4));
		break;
	case SPOP_D_IPV6:
		value_get_addr(w, &v->ip6, sizeof(v->ip6));
		break;
	case SPOP_D_STR:
	case SPOP_D_BIN:
		value_get_str(w, v);
		break;
	default:
		w->err = w->err ? w->err : -EPROTO;
	}
}

void
spop_value_put(struct wire_out *o, const struct spop_value *v)
{
	wire_put_u8(o, (uint8_t)(v->type | (v->type == SPOP_D_BOOL && v->b ? FLAG_TRUE : 0)));
	switch (v->type) {
	case SPOP_D_NULL:
	case SPOP_D_BOOL:
		break;
	case SPOP_D_INT32:
	case SPOP_D_INT64:
		wire_put_varint(o, (uint64_t)v->i);
		break;
	case SPOP_D_UINT32:
	case SPOP_D_UINT64:
		wire_put_varint(o, v->u);
		break;
	case SPOP_D_IPV4:
		wire_put_bytes(o, &v->ip4, sizeof(v->ip4));
		break;
	case SPOP_D_IPV6:
		wire_put_bytes(o, &v->ip6, sizeof(v->ip6));
		break;
	case SPOP_D_STR:
	case SPOP_D_BIN:
		wire_put_str(o, v->str.p, v->str.len);
		break;
	}
}

bool
spop_kv_get(struct wire *w, const char **name, size_t *name_len, struct spop_value *v)
{
	struct spop_value key;

	if (w->err || wire_left(w) == 0)
		return false;
	value_get_str(w, &key);
	*name = key.str.p;
	*name_len = key.str.len;
	spop_value_get(w, v);
	return w->err == 0;
}

void
spop_kv_put(struct wire_out *o, const char *name, const struct spop_value *v)
{
	wire_put_str(o, name, strlen(name));
	spop_value_put(o, v);
}

bool
spop_value_int(const struct spop_value *v, int64_t *out)
{
	switch (v->type) {
	case SPOP_D_INT32:
	case SPOP_D_INT64:
		*out = v->i;
		return true;
	case SPOP_D_UINT32:
	case SPOP_D_UINT64:
		*out = (int64_t)v->u;
		return v->u <= INT64_MAX;
	default:
		return false;
	}
}

bool
spop_value_bytes(const struct spop_value *v, const char **p, size_t *n)
{
	if (v->type != SPOP_D_STR && v->type != SPOP_D_BIN)
		return false;
	*p = v->str.p;
	*n = v->str.len;
	return true;
}

struct spop_value
spop_v_bool(bool b)
{
	return (struct spop_value){.type = SPOP_D_BOOL, .b = b};
}

struct spop_value
spop_v_uint(uint32_t u)
{
	return (struct spop_value){.type = SPOP_D_UINT32, .u = u};
}

struct spop_value
spop_v_int(int32_t i)
{
	return (struct spop_value){.type = SPOP_D_INT32, .i = i};
}

struct spop_value
spop_v_str(const char *s)
{
	return (struct spop_value){.type = SPOP_D_STR, .str = {s, strlen(s)}};
}

struct spop_value
spop_v_bin(const void *p, size_t n)
{
	return (struct spop_value){.type = SPOP_D_BIN, .str = {p, n}};
}
