/* SPDX-License-Identifier: MIT */
/*
 * Secrets of every kind are made when the test runs, from the table's own forms: nothing that looks like a key lies in the tree.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/secret_private.h"
#include "lib/arena.h"

static struct secret *sec;
static struct arena *arena;
static uint64_t seed = 7;

static unsigned
rnd(unsigned n)			/* xorshift64*, Vigna 2016 */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)(seed * UINT64_C(2685821657736338717) >> 33) % n;
}

static int
setup(void **state)
{
	struct secret_conf c;

	memset(&c, 0, sizeof(c));
	c.all = DETECT_MASK;
	for (int g = 0; g < SECRET_GROUPS; g++)
		c.mode[g] = -1;
	arena = arena_new(0);
	return arena == NULL ? -1 : secret_new(&sec, &c);
}

static int
teardown(void **state)
{
	secret_free(&sec);
	arena_free(&arena);
	return 0;
}

static size_t
find(const char *text, struct secret_hit **v)
{
	size_t n;

	arena_reset(arena);
	assert_int_equal(secret_find(sec, text, strlen(text), arena, v, &n), 0);
	return n;
}

static char
one_of(char k)
{
	static const char all[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	switch (k) {
	case 'd': return all[rnd(10)];
	case 'h': return all[rnd(16)];
	case 'H': return all[rnd(16)];
	case 'l': return all[rnd(36)];
	case 'u': return all[(rnd(36) + 36) % 62 < 10 ? rnd(10) : 36 + rnd(26)];
	case 'A': return all[36 + rnd(26)];
	case 'c': return rnd(5) == 0 ? (char)('2' + rnd(6)) : all[36 + rnd(26)];
	default: return all[rnd(62)];
	}
}

/* One text of the form; the same language as the table's. */
static size_t
make(char *out, const char *form)
{
	size_t n = 0;

	while (*form != '\0') {
		unsigned count = 0;
		char k;

		if (*form != '{') {
			out[n++] = *form++;
			continue;
		}
		k = form[1];
		count = (unsigned)strtoul(form + 2, NULL, 10);
		form = strchr(form, '}') + 1;
		while (count-- > 0)
			out[n++] = one_of(k);
	}
	out[n] = '\0';
	return n;
}

static void
example(char *out, size_t i, size_t *at, size_t *len)
{
	const struct secret_row *r = &secret_rows[i];
	size_t n = strcspn(r->literals, " ");
	const char *mid = !(r->flags & S_NAMED) || r->literals[n - 1] == '=' ? "" : strcmp(r->name, "bearer") == 0 ||
	    strcmp(r->name, "basic_auth") == 0 ? " " : strcmp(r->name, "odbc") == 0 ? "=" : strcmp(r->name, "npmrc") == 0 ? "=" : "_key: ";
	char body[4096];
	size_t from;

	from = (size_t)sprintf(out, "set it to %.*s%s", (int)n, r->literals, mid);
	for (char *c = out; *c != '\0'; c++)
		*c = *c == '~' ? ' ' : *c;
	*at = r->flags & S_NAMED ? from : from - n;
	*len = make(body, r->form) + from - *at;
	sprintf(out + from, "%s and restart\n", body);
}

/* Two examples of each kind: at least 95 in 100 are found, nearly all of them whole. */
static void
test_kinds(void **state)
{
	size_t found = 0, total = 0, kinds = 0;

	for (size_t i = 0; i < secret_n_rows; i++) {
		bool got = false;

		if (secret_rows[i].form[0] == '@' || secret_rows[i].form[0] == '-')
			continue;
		for (int k = 0; k < 4; k++) {
			char text[8192];
			size_t at, len, n, j;
			struct secret_hit *v;

			example(text, i, &at, &len);
			n = find(text, &v);
			for (j = 0; j < n && !(v[j].start <= at && v[j].start + v[j].len >= at + len); j++)
				;
			found += j < n;
			got = got || j < n;
			total++;
		}
		if (!got)
			print_message("never found: %s\n", secret_rows[i].name);
		kinds += got;
	}
	print_message("%zu kinds, %zu of %zu examples\n", kinds, found, total);
	assert_true(kinds >= 200);
	assert_true(found * 100 >= total * 95);
}

/* One character less, or letters before it, and it is no key. */
static void
test_near_misses(void **state)
{
	size_t wrong = 0;

	for (size_t i = 0; i < secret_n_rows; i++) {
		const struct secret_row *r = &secret_rows[i];
		size_t lit = strcspn(r->literals, " ");
		char text[64];
		struct secret_hit *v;

		if (r->form[0] != '{')
			continue;
		snprintf(text, sizeof(text), "x %.*sab1 y", (int)lit, r->literals);
		wrong += find(text, &v);
	}
	assert_int_equal(wrong, 0);
}

static void
expect(const char *text, const char *type)
{
	struct secret_hit *v;
	size_t n = find(text, &v);

	if (type == NULL ? n != 0 : n != 1 || strcmp(v[0].type, type) != 0)
		fail_msg("\"%s\": %zu, %s", text, n, n > 0 ? v[0].type : "");
}

static void
test_urls_and_passwords(void **state)
{
	expect("postgres://app:h7Kq2vTz9w@db.internal:5432/main", "database_url");
	expect("https://ann:Zk83hfQ2w@host.example/x", "basic_auth_url");
	expect("my password is Tr4vel-Kite99", "password");
	expect("password: \"Tr4vel-Kite99\"", "password");
	expect("DB_PASSWORD=uK8#mqz2Lw", "password");
	expect("postgres://user:password@localhost/db", NULL);
	expect("https://user@host.example/x:y@z", NULL);
	expect("password = getPassword(user1)", NULL);
	expect("password: ${DB_PASSWORD1}", NULL);
	expect("password = os.environ[\"DB_PASS\"]", NULL);
	expect("password: <your-Password1>", NULL);
	expect("password is required and must have 8 characters", NULL);
}

static void
test_private_keys(void **state)
{
	char text[4096], body[512];
	struct secret_hit *v;
	size_t n;

	make(body, "{B64}\n{B64}\n{B64}\n");
	sprintf(text, "key:\n-----BEGIN %s PRIVATE KEY-----\n%s-----END %s PRIVATE KEY-----\nend", "OPENSSH", body, "OPENSSH");
	n = find(text, &v);
	assert_int_equal(n, 1);
	assert_string_equal(v[0].type, "private_key");
	assert_int_equal(v[0].start + v[0].len, strlen(text) - 4);
	sprintf(text, "-----BEGIN PUBLIC KEY-----\n%s-----END PUBLIC KEY-----\n", body);
	assert_int_equal(find(text, &v), 0);
	expect("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", NULL);
}

/* Hashes, identifiers, versions, code and what documents write in place of secrets. */
static void
test_benign(void **state)
{
	static const char *const t[] = {
		"commit 3f786850e387550fdab836ed7e6dc881de23001b", "uuid 550e8400-e29b-41d4-a716-446655440000",
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "integrity: sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
		"AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"api_key = \"your-api-key-here-1234567890\"", "token = csrf_token_generator.next_value2()", "export TOKEN=<token>", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"const secretAccessKeyProvider2 = createSecretAccessKeyProvider2();", "x-api-key: 00000000000000000000000000000000", "the task-force and risk-averse desk-top",
		"access_token: process.env.ACCESS_TOKEN_V2_PRODUCTION", "password: ********", "Authorization: Bearer <token>", "token_count=18446744073709551615",
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		expect(t[i], NULL);
}

static void
test_hostile(void **state)
{
	static const char *const unit[] = { "sk-", "password=", "eyJ.", "-----BEGIN PRIVATE KEY-----\n", "token: ", "https://a:", "AKIA", "api_key=\"" };
	static char text[2 << 20];
	struct secret_hit *v;
	size_t n;

	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		for (size_t size = sizeof(text) / 2; size <= sizeof(text); size *= 2) {
			for (size_t k = 0, u = strlen(unit[i]); k < size; k++)
				text[k] = unit[i][k % u];
			arena_reset(arena);
			assert_int_equal(secret_find(sec, text, size, arena, &v, &n), 0);
		}
}

static void
test_names(void **state)
{
	size_t n = 0;

	for (const struct secret_kind *k; (k = secret_kind_at(sec, n)) != NULL; n++) {
		assert_memory_equal(k->category, "secret.", 7);
		assert_memory_equal(k->rule_id, "LLMSEC-SECRET-", 14);
	}
	assert_true(n >= 150);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_near_misses), cmocka_unit_test(test_urls_and_passwords),
		cmocka_unit_test(test_private_keys), cmocka_unit_test(test_benign), cmocka_unit_test(test_hostile), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
