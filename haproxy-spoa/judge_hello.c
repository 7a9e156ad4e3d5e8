/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "haproxy-spoa/fingerprint.h"
#include "haproxy-spoa/judge.h"
#include "haproxy-spoa/judge_hello.h"
#include "haproxy-spoa/spoad_counters.h"
#include "haproxy-spoa/spop_frame.h"
#include "haproxy-spoa/spop_value.h"
#include "lib/arena.h"
#include "lib/counters.h"

static void
sess_set(struct wire_out *o, const char *name, const char *text)
{
	struct spop_value v = spop_v_str(text);

	spop_put_set_var(o, SPOP_SCOPE_SESS, name, &v);
}

static void
hello_count(const struct judge *j, enum tls_result r)
{
	if (j->counters != NULL)
		counters_add(j->counters, SPOAD_C_HELLO_OK + r, 1);
}

void
judge_hello(const struct judge *j, struct wire *args, struct wire_out *ack)
{
	struct spop_value val;
	struct fingerprint f;
	enum tls_result result;
	struct span name;
	const char *p;
	size_t n;

	while (spop_kv_get(args, &name.p, &name.n, &val)) {
		if (!span_is(name, "hello") || !spop_value_bytes(&val, &p, &n) ||
		    fingerprint_make(&f, &result, p, n, j->arena) != 0)
			continue;
		sess_set(ack, "hello", f.state);
		if (f.ja4[0] != '\0') {
			sess_set(ack, "ja4", f.ja4);
			sess_set(ack, "ja3", f.ja3);
		}
		hello_count(j, result);
	}
}

static const struct {
	const char	*name;
	size_t		 offset;
} list_args[] = {
	{"ciphers", offsetof(struct tls_lists, ciphers)},	{"exts", offsetof(struct tls_lists, exts)},
	{"groups", offsetof(struct tls_lists, groups)},	{"formats", offsetof(struct tls_lists, formats)},
	{"sigalgs", offsetof(struct tls_lists, sigalgs)},	{"versions", offsetof(struct tls_lists, versions)},
	{"alpn", offsetof(struct tls_lists, alpn)},
};

static void
list_take(struct tls_lists *l, struct span name, const struct spop_value *v)
{
	const char *p;
	int64_t id;
	size_t n;

	if (span_is(name, "hello_id") && spop_value_int(v, &id) && id > 0 && id <= 0xffff)
		l->hello_id = (unsigned)id;
	for (size_t i = 0; i < sizeof(list_args) / sizeof(*list_args); i++)
		if (span_is(name, list_args[i].name) && spop_value_bytes(v, &p, &n))
			*(struct tls_bytes *)((char *)l + list_args[i].offset) =
			    (struct tls_bytes){(const uint8_t *)p, n};
}

struct span
judge_lists(const struct judge *j, struct wire *args, struct wire_out *ack)
{
	const struct tls_bytes none = {(const uint8_t *)"", 0};
	struct tls_lists l = {0, none, none, none, none, none, none, none};
	char text[FINGERPRINT_TEXT], *copy;
	struct spop_value val;
	struct fingerprint f;
	enum tls_result result;
	struct span name;

	while (spop_kv_get(args, &name.p, &name.n, &val))
		list_take(&l, name, &val);
	fingerprint_lists(&f, &result, &l);
	fingerprint_text(text, &f);
	sess_set(ack, "ja", text);
	if (f.state[0] != '\0')
		hello_count(j, result);
	copy = arena_strndup(j->arena, text, strlen(text));
	return (struct span){copy != NULL ? copy : "", copy != NULL ? strlen(copy) : 0};
}
