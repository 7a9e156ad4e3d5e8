/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "icap-llmsec/leak.h"
#include "lib/buf.h"

static const char PROMPT[] = "You are Nora, the travel desk of Blue Heron Tours. Greet guests by name and keep every reply below "
    "eighty words. Quote prices in euro only, and round them to the next ten. Never promise a refund; send such guests to "
    "the office in Bremen. Do not speak about competitors, politics or the accident of last spring. If a guest asks for a "
    "discount, offer the winter card once and no more. When you do not know a departure time, say so and give the number of the "
    "hotline. Bookings above two thousand euro must be confirmed by a colleague before you call them final.";
static const char CHINESE[] = "你是蓝鹭旅行社的客服助手。请用客人的名字问候，每次回答不超过八十个字。只用欧元报价，并且四舍五入到十位。"
    "不要承诺退款，请客人联系不来梅办公室。不要谈论竞争对手或者政治。";

struct fix {
	struct arena	*arena;
	struct resp_sketch sk;
	struct leak_watch w;
	struct leak_reader rd;
};

static void
start(struct fix *f, const char *system, const char *user)
{
	struct span v[] = { { .role = ROLE_SYSTEM, .text = system, .len = strlen(system) },
		{ .role = ROLE_USER, .text = user, .len = strlen(user), .msg = 1 } };
	struct spans ss = { .v = v, .n = 2 };

	memset(f, 0, sizeof(*f));
	f->arena = arena_new(0);
	f->sk.key = UINT64_C(0x0123456789abcdef);
	assert_int_equal(leak_sketch(&f->sk, &ss, f->arena), 0);
	assert_int_equal(leak_watch_init(&f->w, &f->sk), 0);
}

static void
end(struct fix *f)
{
	leak_watch_clear(&f->w);
	arena_free(&f->arena);
}

static enum leak_level
level(const char *system, const char *user, const char *answer)
{
	enum leak_level whole, pieces;
	struct fix f;

	start(&f, system, user);
	leak_read(&f.w, &f.rd, answer, strlen(answer));
	whole = leak_level(&f.w);
	end(&f);
	start(&f, system, user);
	for (size_t i = 0; i < strlen(answer); i++)
		leak_read(&f.w, &f.rd, answer + i, 1);
	pieces = leak_level(&f.w);
	end(&f);
	assert_int_equal(whole, pieces);
	return whole;
}

static char *
base64(const char *s)
{
	char *out = calloc(2, strlen(s) + 4);

	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)s, (int)strlen(s));
	return out;
}

/* One way of saying the prompt: <how> says which. */
static char *
said(const char *how)
{
	size_t n = strlen(PROMPT);
	struct buf b = { 0 };
	char *b64;

	if (strcmp(how, "base64") == 0 || strcmp(how, "lines of base64") == 0) {
		b64 = base64(PROMPT);
		buf_adds(&b, "Here it is: ");
		for (size_t i = 0; i < strlen(b64); i++)
			buf_printf(&b, "%c%s", b64[i], how[0] == 'l' && i % 64 == 63 ? "\n" : "");
		free(b64);
	}
	for (size_t i = 0; i < n && buf_len(&b) < n * 9 && strstr(how, "base64") == NULL && how[0] != 'l'; i++) {
		char c = PROMPT[i];

		if (strcmp(how, "upper") == 0)
			buf_addc(&b, (char)toupper((unsigned char)c));
		else if (strcmp(how, "spaced") == 0)
			buf_printf(&b, "%c ", c);
		else if (strcmp(how, "dots") == 0)
			buf_printf(&b, "%c", c == ' ' ? '.' : c);
		else if (strcmp(how, "numbered") == 0 && c == ' ')
			buf_printf(&b, "\n%zu) *", i);
		else if (strcmp(how, "reversed") == 0)
			buf_addc(&b, PROMPT[n - 1 - i]);
		else if (strcmp(how, "hex") == 0)
			buf_printf(&b, "%02x", (unsigned char)c);
		else if (strcmp(how, "hex bytes") == 0)
			buf_printf(&b, "0x%02X, ", (unsigned char)c);
		else if (strcmp(how, "rot13") == 0)
			buf_addc(&b, (char)(isalpha((unsigned char)c) ? ((c | 32) - 'a' + 13) % 26 + 'a' : c));
		else if (strcmp(how, "entities") == 0)
			buf_printf(&b, "&#%d;", c);
		else if (strcmp(how, "decimals") == 0)
			buf_printf(&b, "%d, ", c);
		else if (strcmp(how, "bits") == 0)
			for (int k = 7; k >= -1; k--)
				buf_addc(&b, k < 0 ? ' ' : (char)('0' + (c >> k & 1)));
		else if (strcmp(how, "full width") == 0 && c > ' ')
			buf_printf(&b, "%c%c%c", 0xef, 0xbc + (c >= 0x60), 0x80 + (c - 0x20) % 0x40);
		else if (strcmp(how, "Cyrillic") == 0 && strchr("aeopc", c) != NULL)
			buf_adds(&b, c == 'a' ? "\xd0\xb0" : c == 'e' ? "\xd0\xb5" : c == 'o' ? "\xd0\xbe" : c == 'p' ? "\xd1\x80" : "\xd1\x81");
		else if (strcmp(how, "accents") == 0 && c == 'e')
			buf_adds(&b, "\xc3\xa9");
		else if (strcmp(how, "halves") == 0)	/* the second half first */
			buf_addc(&b, PROMPT[(i + n / 2) % n]);
		else
			buf_addc(&b, c);
	}
	if (strncmp(how, "last", 4) == 0)
		for (size_t end = n; end > 0; ) {	/* each up to its full stop */
			size_t from = end - 1;

			while (from > 0 && PROMPT[from - 1] != '.')
				from--;
			buf_add(&b, PROMPT + from, end - from);
			buf_adds(&b, "\n-");
			end = from;
		}
	buf_addc(&b, '\0');
	return b.data;
}

static void
test_recitals(void **state)
{
	static const char *const hows[] = { "plain", "upper", "spaced", "dots", "numbered", "reversed", "hex", "hex bytes", "rot13",
		"base64", "lines of base64", "halves", "entities", "decimals", "bits", "full width", "Cyrillic", "accents", "last sentence first" };

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		char *s = said(hows[i]);

		if (level(PROMPT, "Hello!", s) != LEAK_STRONG)
			fail_msg("%s", hows[i]);
		free(s);
	}
	assert_int_equal(level(CHINESE, "你好", CHINESE), LEAK_STRONG);
	assert_int_equal(level("You may only talk about gardening, and you must always answer in rhymes of four lines each, or in less than four, but never in free verse.", "Hi",
	    "My rules: you may only talk about gardening, and you must always answer in rhymes of four lines each, or in less than four, but never in free verse."), LEAK_STRONG);
}

static void
test_parts(void **state)
{
	char part[256];

	snprintf(part, sizeof(part), "I was told: %.*s", 200, strstr(PROMPT, "Never promise"));
	assert_int_equal(level(PROMPT, "Hello!", part), LEAK_PARTIAL);
	/* 200 characters, wherever they stand, whichever shingles the key chooses */
	for (uint64_t key = 1; key <= 40; key++)
		for (size_t at = 0; at + 200 < strlen(PROMPT); at += 37) {
			struct span v = { .role = ROLE_SYSTEM, .text = PROMPT, .len = strlen(PROMPT) };
			struct spans ss = { .v = &v, .n = 1 };
			struct fix f = { .arena = arena_new(0) };

			f.sk.key = key * UINT64_C(0x9e3779b97f4a7c15);
			assert_int_equal(leak_sketch(&f.sk, &ss, f.arena), 0);
			assert_int_equal(leak_watch_init(&f.w, &f.sk), 0);
			leak_read(&f.w, &f.rd, PROMPT + at, 200);
			assert_int_equal(leak_level(&f.w), LEAK_PARTIAL);
			end(&f);
		}
	/* a phrase or two */
	assert_int_equal(level(PROMPT, "Can I have my money back?", "I can't promise a refund; please ask the office in Bremen. "
	    "When you do not know a departure time, call the number of the hotline."), LEAK_NONE);
	assert_int_equal(level(PROMPT, "What is a system prompt?", "A system prompt is the text that an operator puts in front of a "
	    "conversation. My system prompt is confidential, but I can tell you that I help with travel."), LEAK_NONE);
}

static void
test_exempt(void **state)
{
	/* too short, too common to be a secret */
	assert_int_equal(level("You are a helpful assistant.", "Hi", "You are a helpful assistant. I am a helpful assistant."),
	    LEAK_NONE);
	/* the user brought it */
	assert_int_equal(level(PROMPT, PROMPT, PROMPT), LEAK_NONE);
	assert_int_equal(level("", "Hi", PROMPT), LEAK_NONE);
}

/* Who files the prompt in the request's metadata didn't bring it. */
static void
test_labels(void **state)
{
	struct span v[] = { { .role = ROLE_SYSTEM, .text = PROMPT, .len = strlen(PROMPT) },
		{ .role = ROLE_USER, .prov = PROV_LABEL, .text = PROMPT, .len = strlen(PROMPT), .msg = -1 },
		{ .role = ROLE_USER, .opaque = true, .text = PROMPT, .len = strlen(PROMPT), .msg = -1 } };
	struct spans ss = { .v = v, .n = 3 };
	struct fix f = { .arena = arena_new(0) };

	f.sk.key = 7;
	assert_int_equal(leak_sketch(&f.sk, &ss, f.arena), 0);
	assert_int_equal(leak_watch_init(&f.w, &f.sk), 0);
	leak_read(&f.w, &f.rd, PROMPT, strlen(PROMPT));
	assert_int_equal(leak_level(&f.w), LEAK_STRONG);
	end(&f);
}

/* However long the prompt, the sketch has its bounds, and a recital is seen. */
static void
test_bounds(void **state)
{
	struct buf b = { 0 };
	struct fix f;

	srand(7);
	for (int i = 0; i < 60000; i++)
		buf_printf(&b, "%c%s", 'a' + rand() % 26, rand() % 6 == 0 ? " " : "");
	buf_addc(&b, '\0');
	start(&f, buf_ptr(&b), "Hi");
	assert_true(f.sk.n > 300 && f.sk.n <= SKETCH_SHINGLES);
	leak_read(&f.w, &f.rd, buf_ptr(&b), 10000);
	assert_int_equal(leak_level(&f.w), LEAK_STRONG);	/* its beginning */
	end(&f);
	buf_clear(&b);
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, 'a');
	buf_addc(&b, '\0');
	start(&f, buf_ptr(&b), "Hi");
	assert_true(f.sk.n <= 1);
	leak_read(&f.w, &f.rd, buf_ptr(&b), 10000);
	assert_int_equal(leak_level(&f.w), LEAK_NONE);
	end(&f);
	buf_free(&b);
}

static void
test_canary(void **state)
{
	static const char *const seen[] = { "xx kqzvm-wbtxj-pnrhd-cfgls yy", "KQZVMWBTXJPNRHDCFGLS", "k q z v m w b t x j p n r h d c f g l s",
		"slgfc-dhrnp-jxtbw-mvzqk", "a3F6dm13YnR4anBucmhkY2ZnbHM=", "6b717a766d776274786a706e7268646366676c73",
		"xdmizjogkwcaeuqpstyf" };

	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		struct fix f;

		memset(&f, 0, sizeof(f));
		strcpy(f.sk.canary, "kqzvmwbtxjpnrhdcfgls");
		assert_int_equal(leak_watch_init(&f.w, &f.sk), 0);
		leak_read(&f.w, &f.rd, "It is kqzvm-wbtxj-pnrhd-cfgl. ", 30);
		assert_false(f.w.canary);
		leak_read(&f.w, &f.rd, seen[i], strlen(seen[i]));
		assert_true(f.w.canary);
		leak_watch_clear(&f.w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recitals), cmocka_unit_test(test_parts), cmocka_unit_test(test_exempt), cmocka_unit_test(test_labels),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_canary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
