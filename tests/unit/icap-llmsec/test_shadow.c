/* SPDX-License-Identifier: MIT */
/* The shadow log: what is taken, what stands in it, how it ends, and that trouble with it is nobody else's. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "icap-llmsec/llmsec_scan.h"
#include "icap-llmsec/shadow_private.h"
#include "lib/diag.h"

static char dir[64], sub[80];
static char *everything[] = { (char *)(uintptr_t)"*" }, *one_key[] = { (char *)(uintptr_t)"0123456789abcdef" };
static struct shadow_conf conf;
static _Atomic unsigned told[3], firsts;
static _Atomic int last_error;

static void
count(void *arg, enum shadow_what what, bool first, int error)
{
	(void)arg;
	told[what]++;
	firsts += first;
	if (error != 0)
		last_error = error;
}

static int
setup(void **state)
{
	strcpy(dir, "/tmp/test_shadow.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/log", dir);
	conf = (struct shadow_conf){.dir = sub, .routes = {everything, 1}, .near = 15, .max_text = 4096, .max_file = 1 << 20,
	    .max_total = 4 << 20, .max_age = 86400000};
	told[0] = told[1] = told[2] = firsts = 0;
	last_error = 0;
	return 0;
}

static int
teardown(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct shadow *
start(void)
{
	struct shadow *s;

	assert_int_equal(shadow_new(&s, &conf, "0123456789abcdef0123456789abcdef", 32, count, NULL), 0);
	assert_non_null(s);
	return s;
}

static const struct shadow_from who = {"/v1/chat/completions?x=1", "req-1", "0123456789abcdef", "192.0.2.7", 0xc0ffee};

/* One user's text with a score and what was done about it. */
static unsigned
take(struct shadow *s, const char *text, size_t len, float score, enum detect_mode most)
{
	struct span one = {.role = ROLE_USER, .prov = PROV_MESSAGE, .path = "messages[0].content", .text = text, .len = len};
	struct spans spans = {.v = &one, .n = 1};
	struct shadow_verdict v = {.judged = true, .score = {score, score, 0}, .limit = 0.5f, .most = most, .rule = {"LLMSEC-INJ-0001"},
	    .n_rules = most > DETECT_OFF};

	return shadow_wants(s, &who) ? shadow_take(s, &who, &spans, &v) : 0;
}

static unsigned
take_text(struct shadow *s, const char *text)
{
	return take(s, text, strlen(text), 0.9f, DETECT_BLOCK);
}

/* Every row of every file, in the order of the files' names. */
static json_t *
rows(size_t *files)
{
	struct dirent **e;
	int n = scandir(sub, &e, NULL, alphasort);
	json_t *all = json_array();
	char path[512], line[65536];

	*files = 0;
	for (int i = 0; i < n; i++) {
		FILE *f;

		if (strncmp(e[i]->d_name, "shadow-", 7) == 0) {
			++*files;
			snprintf(path, sizeof(path), "%s/%s", sub, e[i]->d_name);
			f = fopen(path, "r");
			assert_non_null(f);
			while (fgets(line, sizeof(line), f) != NULL) {
				json_t *row = json_loads(line, 0, NULL);

				if (row == NULL)
					fail_msg("no JSON: %s", line);
				json_array_append_new(all, row);
			}
			fclose(f);
		}
		free(e[i]);
	}
	if (n >= 0)
		free(e);
	return all;
}

static const char *
text_of(const json_t *all, size_t i)
{
	return json_string_value(json_object_get(json_array_get(all, i), "text"));
}

static void
test_off(void **state)
{
	struct shadow *s = (struct shadow *)1;
	struct diag *d = diag_new();
	char none[] = "", relative[] = "log";

	conf.dir = none;
	assert_int_equal(shadow_new(&s, &conf, NULL, 0, count, NULL), 0);
	assert_null(s);
	assert_false(shadow_wants(NULL, &who));
	assert_int_equal(shadow_conf_check(&conf, "f", d), 0);
	conf.dir = relative;
	assert_int_equal(shadow_conf_check(&conf, "f", d), -EINVAL);
	conf.dir = sub;
	conf.routes.n = 0;
	assert_int_equal(shadow_conf_check(&conf, "f", d), -EINVAL);
	conf.routes.n = 1;
	conf.max_total = conf.max_file - 1;
	assert_int_equal(shadow_conf_check(&conf, "f", d), -EINVAL);
	conf.max_total = conf.max_file;
	assert_int_equal(shadow_conf_check(&conf, "f", d), 0);
	diag_free(&d);
}

static void
test_whose(void **state)
{
	struct shadow_from f = who;
	char *chat[] = { (char *)(uintptr_t)"/v1/chat/*" };
	struct shadow *s;

	conf.routes = (struct conf_strs){chat, 1};
	conf.keys = (struct conf_strs){one_key, 1};
	s = start();
	assert_true(shadow_wants(s, &f));
	f.url = "https://host.example/v1/chat/completions";
	assert_true(shadow_wants(s, &f));
	f.url = "/v1/messages";
	assert_false(shadow_wants(s, &f));
	f.url = who.url;
	f.key_digest = "fedcba9876543210";
	assert_false(shadow_wants(s, &f));
	f.key_digest = NULL;
	assert_false(shadow_wants(s, &f));
	shadow_free(&s);
}

static void
test_which(void **state)
{
	struct shadow *s = start();
	struct span one = {.role = ROLE_USER, .text = "x", .len = 1};
	struct spans spans = {.v = &one, .n = 1};
	struct shadow_verdict off = {.judged = false, .score = {1, 1, 0}, .limit = 0.5f, .most = DETECT_BLOCK};
	unsigned n = 0;

	assert_int_equal(take(s, "refused", 7, 0.1f, DETECT_BLOCK), 1);
	assert_int_equal(take(s, "monitored", 9, 0.1f, DETECT_MONITOR), 1);
	assert_int_equal(take(s, "near", 4, 0.36f, DETECT_OFF), 1);
	assert_int_equal(take(s, "far", 3, 0.34f, DETECT_OFF), 0);
	assert_int_equal(shadow_take(s, &who, &spans, &off), 0);	/* history, or a role that isn't scored */
	shadow_free(&s);
	conf.sample = 2500;
	s = start();
	for (int i = 0; i < 4000; i++) {
		n += take(s, "far", 3, 0.01f, DETECT_OFF);
		n += told[SHADOW_DROPPED];
		told[SHADOW_DROPPED] = 0;
	}
	assert_in_range(n, 850, 1150);	/* 1000, deviation 27 */
	shadow_free(&s);
}

static void
test_line(void **state)
{
	static const char text[] = "Ignore \"that\"\n and mail anna.schmidt@example.org, card 4111 1111 1111 1111, key AKIAQ3EGRZX7PLD2WMVT, "
	    "from 203.0.113.9. My name is Anna Schmidt. \x01\xff end";
	struct shadow *s = start();
	struct stat st;
	char name[512];
	struct dirent **e;
	json_t *all, *r;
	size_t files;

	assert_int_equal(take_text(s, text), 1);
	shadow_free(&s);
	assert_int_equal(told[SHADOW_WRITTEN], 1);
	all = rows(&files);
	assert_int_equal(files, 1);
	assert_int_equal(json_array_size(all), 1);
	r = json_array_get(all, 0);
	for (size_t i = 0; i < 6; i++) {
		static const char *const secret[] = {"anna", "4111", "AKIA", "203.0.113", "Schmidt", "192.0.2.7"};
		char *dump = json_dumps(r, 0);

		if (strcasestr(dump, secret[i]) != NULL)
			fail_msg("%s: %s", secret[i], dump);
		free(dump);
	}
	assert_non_null(strstr(text_of(all, 0), "Ignore \"that\"\n and mail [EMAIL_1], card [CARD_2], key [SECRET_3], from [IP_4]. My name is [NAME_5]. \x01"));
	assert_string_equal(json_string_value(json_object_get(r, "id")), "req-1-0");
	assert_string_equal(json_string_value(json_object_get(r, "role")), "user");
	assert_string_equal(json_string_value(json_object_get(r, "head")), "direct");
	assert_string_equal(json_string_value(json_object_get(r, "action")), "block");
	assert_string_equal(json_string_value(json_object_get(r, "why")), "finding");
	assert_string_equal(json_string_value(json_object_get(r, "actor")), "0123456789abcdef");
	assert_string_equal(json_string_value(json_object_get(r, "conversation")), "0000000000c0ffee");
	assert_string_equal(json_string_value(json_array_get(json_object_get(r, "rules"), 0)), "LLMSEC-INJ-0001");
	assert_true(json_is_null(json_object_get(r, "label")));
	assert_true(json_real_value(json_object_get(r, "score")) > 0.89);
	json_decref(all);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(scandir(sub, &e, NULL, alphasort), 3);
	snprintf(name, sizeof(name), "%s/%s", sub, e[2]->d_name);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	for (int i = 0; i < 3; i++)
		free(e[i]);
	free(e);
}

/* Without a key it is the address, digested; a file's text is data. */
static void
test_actor(void **state)
{
	struct shadow_from f = {"/v1/messages", "req-2", "", "192.0.2.7", 0};
	struct span one = {.role = ROLE_USER, .prov = PROV_FILE, .text = "text", .len = 4};
	struct spans spans = {.v = &one, .n = 1};
	struct shadow_verdict v = {.judged = true, .data = true, .score = {1, 0, 1}, .limit = 0.5f, .most = DETECT_BLOCK};
	struct shadow *s = start();
	size_t files;
	json_t *all, *r;

	assert_int_equal(shadow_take(s, &f, &spans, &v), 1);
	shadow_free(&s);
	all = rows(&files);
	r = json_array_get(all, 0);
	assert_int_equal(strlen(json_string_value(json_object_get(r, "actor"))), 16);
	assert_string_equal(json_string_value(json_object_get(r, "role")), "file");
	assert_string_equal(json_string_value(json_object_get(r, "head")), "data");
	json_decref(all);
}

/* At a cut half of an address may stand: what is near it is left out.  So is what is encoded. */
static void
test_cut_and_encoded(void **state)
{
	char text[8192], b64[4096];
	struct shadow *s;
	size_t files;
	json_t *all;

	conf.max_text = 2048;
	s = start();
	memset(text, 'a', sizeof(text));
	for (size_t i = 9; i < sizeof(text); i += 10)
		text[i] = ' ';
	memcpy(text + 2030, " bob.miller@example.org ", 24);	/* crosses byte 2048 */
	assert_int_equal(take(s, text, sizeof(text), 1, DETECT_BLOCK), 1);
	memset(b64, 'Q', sizeof(b64));
	snprintf(text, sizeof(text), "before %.300s after", b64);
	assert_int_equal(take_text(s, text), 1);
	snprintf(text, sizeof(text), "lines\n\n%.76s\r\n%.76s\r\n%.76s\r\nmore words", b64, b64, b64);
	assert_int_equal(take_text(s, text), 1);
	assert_int_equal(take_text(s, "one\ntwo\nthree\nfour"), 1);
	snprintf(text, sizeof(text), "{\"data\":\"%.76s\\n%.76s\\r\\n%.70s\\/QQ\\n\",\"x\":1}", b64, b64, b64);	/* as JSON in a text */
	assert_int_equal(take_text(s, text), 1);
	snprintf(text, sizeof(text), "%.150s+5500005555555559+%.150s and bob.miller@example.org", b64, b64);
	assert_int_equal(take_text(s, text), 1);
	shadow_free(&s);
	all = rows(&files);
	assert_int_equal(json_array_size(all), 6);
	assert_true(strlen(text_of(all, 0)) <= 2048 - SHADOW_EDGE && strlen(text_of(all, 0)) > 1500);
	assert_null(strstr(text_of(all, 0), "bob"));
	assert_string_equal(text_of(all, 1), "before [ENCODED] after");
	assert_string_equal(text_of(all, 2), "lines\n\n[ENCODED]more words");
	assert_string_equal(text_of(all, 3), "one\ntwo\nthree\nfour");
	assert_string_equal(text_of(all, 4), "{\"data\":\"[ENCODED]\",\"x\":1}");
	assert_string_equal(text_of(all, 5), "[ENCODED] and [EMAIL_1]");
	json_decref(all);
}

static void
wait_written(unsigned n)
{
	for (int i = 0; i < 1000 && told[SHADOW_WRITTEN] < n; i++)
		usleep(5000);
	assert_true(told[SHADOW_WRITTEN] >= n);
}

static void
test_sizes(void **state)
{
	struct shadow *s;
	size_t files;
	json_t *all;
	char text[1000];

	conf.max_file = 4096;
	conf.max_total = 16384;
	s = start();
	memset(text, 'w', sizeof(text));
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(take(s, text, 190, 1, DETECT_BLOCK), 1);
		wait_written(i + 1);
	}
	shadow_free(&s);
	all = rows(&files);
	assert_in_range(files, 3, 5);
	assert_in_range(json_array_size(all), 20, 45);	/* of 60 */
	json_decref(all);
}

static void
touch(const char *name, const char *line)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", sub, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(line, f);
	fclose(f);
}

static bool
exists(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", sub, name);
	return access(path, F_OK) == 0;
}

static void
test_age(void **state)
{
	struct shadow *s = start();
	char young[64], old[64];

	assert_int_equal(mkdir(sub, 0700), 0);
	snprintf(young, sizeof(young), "shadow-%lld-77-0.jsonl", (long long)time(NULL) - 86000);
	snprintf(old, sizeof(old), "shadow-%lld-77-0.jsonl", (long long)time(NULL) - 86401);
	touch(young, "x\n");
	touch(old, "x\n");
	touch("shadow-1-77-0.jsonl.labels", "not ours\n");
	touch("notes", "not ours\n");
	touch("shadow-1-77-0.jsonl.forget-a1B2c3", "of one that was killed\n");
	assert_int_equal(shadow_clean(s), 0);
	assert_false(exists("shadow-1-77-0.jsonl.forget-a1B2c3"));
	assert_true(exists(young));
	assert_false(exists(old));
	assert_true(exists("shadow-1-77-0.jsonl.labels"));
	assert_true(exists("notes"));
	touch(old, "x\n");
	assert_int_equal(take(s, "harmless", 8, 0, DETECT_OFF), 0);	/* nothing is kept, but somebody looks after the files */
	for (int i = 0; i < 1000 && exists(old); i++)
		usleep(5000);
	assert_false(exists(old));
	shadow_free(&s);
}

/* Nobody but us may read it. */
static void
test_folder_of_others(void **state)
{
	struct shadow *s = start();

	assert_int_equal(mkdir(sub, 0755), 0);
	assert_int_equal(chmod(sub, 0755), 0);
	assert_int_equal(shadow_clean(s), -EPERM);
	assert_int_equal(take_text(s, "text"), 1);	/* traffic doesn't notice */
	shadow_free(&s);
	assert_int_equal(told[SHADOW_FAILED], 1);
	assert_int_equal(firsts, 1);
	assert_int_equal(last_error, -EPERM);
}

/* A full disk: told once, no half line stays, and it goes on when there is room.  In a child, because of the limit. */
static void
full_disk(void)
{
	struct shadow *s;
	struct rlimit small = {600, RLIM_INFINITY}, none;
	size_t files;
	json_t *all;
	char text[2000];

	memset(text, 'w', sizeof(text));
	for (size_t i = 9; i < sizeof(text); i += 10)
		text[i] = ' ';
	signal(SIGXFSZ, SIG_IGN);
	s = start();
	getrlimit(RLIMIT_FSIZE, &none);
	small.rlim_max = none.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	take_text(s, "short");
	wait_written(1);
	take(s, text, sizeof(text), 1, DETECT_BLOCK);
	for (int i = 0; i < 1000 && told[SHADOW_FAILED] < 1; i++)
		usleep(5000);
	take(s, text, sizeof(text), 1, DETECT_BLOCK);
	for (int i = 0; i < 1000 && told[SHADOW_FAILED] < 2; i++)
		usleep(5000);
	if (told[SHADOW_FAILED] != 2 || firsts != 1)
		_exit(2);
	setrlimit(RLIMIT_FSIZE, &none);
	take_text(s, "again");
	wait_written(2);
	shadow_free(&s);
	all = rows(&files);
	if (json_array_size(all) != 2 || strcmp(text_of(all, 0), "short") != 0 || strcmp(text_of(all, 1), "again") != 0)
		_exit(3);
	json_decref(all);
	_exit(0);
}

static void
test_full_disk(void **state)
{
	int status;
	pid_t p = fork();

	if (p == 0)
		full_disk();
	assert_int_equal(waitpid(p, &status, 0), p);
	assert_int_equal(status, 0);
}

/* Somebody takes a file away (--forget, a clean-up of another process): the next line begins a new one. */
static void
test_file_taken_away(void **state)
{
	struct shadow *s = start();
	size_t files;
	json_t *all;
	char cmd[128];

	take_text(s, "one");
	wait_written(1);
	snprintf(cmd, sizeof(cmd), "rm -f %s/shadow-*", sub);
	assert_int_equal(system(cmd), 0);
	take_text(s, "two");
	shadow_free(&s);
	all = rows(&files);
	assert_int_equal(json_array_size(all), 1);
	assert_string_equal(text_of(all, 0), "two");
	json_decref(all);
}

/* --forget, again and again, as long as nobody says that it is enough. */
static void *
forget_forever(void *stop)
{
	FILE *screen = fopen("/dev/null", "w");

	assert_non_null(screen);
	while (!*(_Atomic bool *)stop) {
		struct dirent **e;
		int n = scandir(sub, &e, NULL, alphasort);

		for (int i = 0; i < n; i++) {
			char path[512], *files[] = {path, NULL};

			snprintf(path, sizeof(path), "%s/%s", sub, e[i]->d_name);
			if (strncmp(e[i]->d_name, "shadow-", 7) == 0 && strstr(e[i]->d_name, SHADOW_FORGET) == NULL)
				assert_true(scan_forget("req-gone", files, screen) == 0);
			free(e[i]);
		}
		if (n >= 0)
			free(e);
	}
	fclose(screen);
	return NULL;
}

/* Somebody's texts are erased while others' are written: theirs are all there in the end. */
static void
test_forgotten_meanwhile(void **state)
{
	static const struct shadow_from gone = {"/v1/chat/completions", "req-gone", "0123456789abcdef", "192.0.2.7", 1};
	struct shadow *s = start();
	_Atomic bool stop = false;
	size_t files, kept = 0;
	char text[32];
	pthread_t t;
	json_t *all;

	assert_int_equal(pthread_create(&t, NULL, forget_forever, &stop), 0);
	for (unsigned i = 0; i < 2000; i++) {
		struct span one = {.role = ROLE_USER, .prov = PROV_MESSAGE, .path = "messages[0].content", .text = text,
			.len = (size_t)snprintf(text, sizeof(text), "text %u", i)};
		struct spans spans = {.v = &one, .n = 1};
		struct shadow_verdict v = {.judged = true, .score = {0.9f, 0.9f, 0}, .limit = 0.5f, .most = DETECT_BLOCK};

		assert_int_equal(shadow_take(s, i % 2 == 0 ? &gone : &who, &spans, &v), 1);
		if (i % 32 == 31)	/* the ring has room for twice that */
			wait_written(i + 1);
	}
	stop = true;
	pthread_join(t, NULL);
	shadow_free(&s);
	all = rows(&files);
	for (size_t i = 0; i < json_array_size(all); i++)
		kept += strncmp(json_string_value(json_object_get(json_array_get(all, i), "id")), "req-1", 5) == 0;
	json_decref(all);
	assert_true(files > 1);		/* it was written anew more than once */
	assert_int_equal(kept, 1000);
}

/* Children have their own ring, thread and file; a full ring drops and counts. */
static void
test_children(void **state)
{
	struct shadow *s = start();
	size_t files;
	json_t *all;
	int status;

	for (int c = 0; c < 3; c++) {
		pid_t p = fork();

		if (p == 0) {
			take_text(s, "from a child");
			shadow_stop(s);
			_exit(0);
		}
		assert_int_equal(waitpid(p, &status, 0), p);
		assert_int_equal(status, 0);
	}
	shadow_free(&s);
	all = rows(&files);
	assert_int_equal(files, 3);
	assert_int_equal(json_array_size(all), 3);
	json_decref(all);
}

static void *
many(void *v)
{
	for (int i = 0; i < 5000; i++)
		take_text(v, "a text of many threads");
	return NULL;
}

static void
test_threads(void **state)
{
	struct shadow *s = start();
	pthread_t t[4];
	size_t files;
	json_t *all;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, many, s), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	shadow_free(&s);
	assert_int_equal(told[SHADOW_WRITTEN] + told[SHADOW_DROPPED], 20000);
	assert_true(told[SHADOW_WRITTEN] > 0);
	assert_int_equal(told[SHADOW_FAILED], 0);
	all = rows(&files);
	for (size_t i = 0; i < json_array_size(all); i++)
		assert_string_equal(text_of(all, i), "a text of many threads");
	json_decref(all);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_off), T(test_whose), T(test_which), T(test_line), T(test_actor), T(test_cut_and_encoded), T(test_sizes), T(test_age),
		T(test_folder_of_others), T(test_full_disk), T(test_file_taken_away), T(test_forgotten_meanwhile), T(test_children), T(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
