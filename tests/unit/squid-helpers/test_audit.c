/* SPDX-License-Identifier: MIT */
/* The parts of the audit trail: the queue between Squid and the disk, and where a writer goes on. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "squid-helpers/audit_log.h"
#include "squid-helpers/audit_queue.h"
#include "squid-helpers/audit_read.h"

/* --- the queue ------------------------------------------------------------------------------- */

static void
put(struct audit_queue *q, const char *text)
{
	audit_queue_put(q, text, strlen(text));
}

static void
taken_is(struct audit_queue *q, struct buf *b, bool more, const char *want, uint64_t lost)
{
	uint64_t n;

	buf_clear(b);
	assert_int_equal(audit_queue_take(q, b, &n, 0), more);
	assert_int_equal(buf_len(b), strlen(want));
	assert_memory_equal(buf_ptr(b), want, strlen(want));
	assert_int_equal(n, lost);
}

static void
test_queue_order(void **state)
{
	struct audit_queue q;
	struct buf b = {0};

	audit_queue_init(&q, 100, 0);
	taken_is(&q, &b, true, "", 0);
	put(&q, "Lone");
	put(&q, "R");
	put(&q, "");
	put(&q, "Ltwo");
	taken_is(&q, &b, true, "Lone\nR\n\nLtwo\n", 0);
	put(&q, "Lthree");
	audit_queue_end(&q);
	taken_is(&q, &b, false, "Lthree\n", 0);
	taken_is(&q, &b, false, "", 0);
	audit_queue_fini(&q);
	buf_free(&b);
}

static void
test_queue_full(void **state)
{
	struct audit_queue q;
	struct buf b = {0};

	audit_queue_init(&q, 10, 0);
	put(&q, "L234567");		/* 8 of 10 */
	put(&q, "Lx34");		/* doesn't fit */
	put(&q, "L");			/* would, but then the gap would be in two places */
	put(&q, "R");			/* no line: there is room for it */
	taken_is(&q, &b, true, "L234567\nR\n", 2);
	/* Those ten bytes are still being written. */
	put(&q, "L");
	put(&q, "L");
	taken_is(&q, &b, true, "", 2);
	put(&q, "L23456789");		/* 10 of 10 */
	taken_is(&q, &b, true, "L23456789\n", 0);
	for (int i = 0; i < 100000; i++)
		put(&q, "R");
	assert_true(buf_len(&q.in) < 10000);
	taken_is(&q, &b, true, buf_len(&q.in) > 0 ? strndupa(buf_ptr(&q.in), buf_len(&q.in)) : "", 0);
	audit_queue_fini(&q);
	buf_free(&b);
}

static void *
patient(void *arg)
{
	put(arg, "L23");
	audit_queue_end(arg);
	return NULL;
}

/* A full queue waits for room: nothing is lost while the taker gets on. */
static void
test_queue_patience(void **state)
{
	struct audit_queue q;
	struct buf b = {0};
	pthread_t t;

	audit_queue_init(&q, 10, 60000);
	put(&q, "L234567");
	taken_is(&q, &b, true, "L234567\n", 0);
	assert_int_equal(pthread_create(&t, NULL, patient, &q), 0);
	audit_queue_left(&q, 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	taken_is(&q, &b, false, "L23\n", 0);
	audit_queue_fini(&q);
	buf_free(&b);
}

/* --- going on -------------------------------------------------------------------------------- */

struct rig {
	char	dir[64], base[80];
	uint8_t	key[AUDIT_KEY];
};

static void
rig_make(struct rig *r)
{
	char path[100];

	snprintf(r->dir, sizeof(r->dir), "/tmp/test-audit.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->base, sizeof(r->base), "%s/a", r->dir);
	snprintf(path, sizeof(path), "%s.key", r->base);
	assert_int_equal(audit_key_read(path, true, r->key), 0);
}

/* One run of a writer: <n> records, a new segment behind every <every>. */
static void
run(const struct rig *r, unsigned n, unsigned every)
{
	static struct audit_log l;
	char path[100], text[32];

	snprintf(path, sizeof(path), "%s.key", r->base);
	assert_int_equal(audit_log_open(&l, r->base, path), 0);
	for (unsigned i = 1; i <= n; i++) {
		audit_log_add(&l, text, (size_t)snprintf(text, sizeof(text), "record %u", i));
		if (every > 0 && i % every == 0)
			assert_int_equal(audit_log_rotate(&l), 0);
	}
	assert_int_equal(audit_log_sync(&l), 0);
	audit_log_close(&l);
}

static char *
slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	*len = fread(text, 1, 65535, f);
	fclose(f);
	return text;
}

static void
spit(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static const char *
seg(const struct rig *r, unsigned n)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s.%08u.seg", r->base, n);
	return path;
}

static void
rig_free(const struct rig *r)
{
	char path[100];

	for (unsigned i = 1; unlink(seg(r, i)) == 0; i++)
		;
	snprintf(path, sizeof(path), "%s.head", r->base);
	unlink(path);
	snprintf(path, sizeof(path), "%s.key", r->base);
	unlink(path);
	snprintf(path, sizeof(path), "%s.lock", r->base);
	unlink(path);
	assert_int_equal(rmdir(r->dir), 0);
}

static void
test_resume_reads_one(void **state)
{
	struct audit_found f;
	struct rig r;

	rig_make(&r);
	assert_int_equal(audit_resume(r.base, r.key, &f), -ENOENT);
	run(&r, 95, 10);
	assert_int_equal(audit_verify(r.base, r.key, true, &f), 0);
	assert_int_equal(f.records, 95);
	assert_int_equal(f.last.segment, 10);
	assert_int_equal(audit_resume(r.base, r.key, &f), 0);
	assert_int_equal(f.records, 5);		/* of the last segment */
	assert_int_equal(f.last.seq, 95);
	run(&r, 5, 0);
	assert_int_equal(audit_verify(r.base, r.key, true, &f), 0);
	assert_int_equal(f.records, 100);
	rig_free(&r);
}

/* A change in the last segment keeps the writer from going on, one in an older segment is for audit_verify(). */
static void
test_resume_tampered(void **state)
{
	struct audit_found f;
	struct rig r;
	size_t len;
	char *text, *at;

	rig_make(&r);
	run(&r, 25, 10);
	text = slurp(seg(&r, 3), &len);
	at = strstr(text, "record 22");
	assert_non_null(at);
	*at = 'R';
	spit(seg(&r, 3), text, len);
	assert_int_equal(audit_resume(r.base, r.key, &f), -EBADMSG);
	*at = 'r';
	/* The header's numbers are under its code: without, the writer reads from where one is whole, and finds the lie. */
	at = strstr(text, " 20 ");
	assert_non_null(at);
	at[1] = '1';
	spit(seg(&r, 3), text, len);
	assert_int_equal(audit_resume(r.base, r.key, &f), -EBADMSG);
	at[1] = '2';
	spit(seg(&r, 3), text, len);
	assert_int_equal(audit_resume(r.base, r.key, &f), 0);
	free(text);
	text = slurp(seg(&r, 1), &len);
	strstr(text, "record 2")[0] = 'R';
	spit(seg(&r, 1), text, len);
	assert_int_equal(audit_resume(r.base, r.key, &f), 0);
	assert_int_equal(audit_verify(r.base, r.key, true, &f), -EBADMSG);
	free(text);
	rig_free(&r);
}

static void
test_resume_head(void **state)
{
	struct audit_found f;
	char head[100], *old, *now;
	size_t old_len, now_len;
	struct rig r;

	rig_make(&r);
	snprintf(head, sizeof(head), "%s.head", r.base);
	run(&r, 5, 0);
	old = slurp(head, &old_len);
	run(&r, 15, 4);
	now = slurp(head, &now_len);
	/* An older checkpoint is what a crash leaves behind: it goes on from further back. */
	spit(head, old, old_len);
	assert_int_equal(audit_resume(r.base, r.key, &f), 0);
	assert_int_equal(f.last.seq, 20);
	assert_true(f.records >= 15);
	/* One that is newer than the records: they were taken away. */
	spit(head, now, now_len);
	assert_int_equal(unlink(seg(&r, 5)), 0);
	assert_int_equal(audit_resume(r.base, r.key, &f), -EBADMSG);
	assert_non_null(strstr(f.why, "missing at the end"));
	/* One of another key, half of one, none. */
	now[now_len - 3] ^= 1;
	spit(head, now, now_len);
	assert_int_equal(audit_resume(r.base, r.key, &f), -EBADMSG);
	spit(head, now, 20);
	assert_int_equal(audit_resume(r.base, r.key, &f), -EBADMSG);
	unlink(head);
	assert_int_equal(audit_resume(r.base, r.key, &f), -EBADMSG);
	free(old);
	free(now);
	rig_free(&r);
}

static void
test_lost_is_told(void **state)
{
	static struct audit_log l;
	struct audit_found f;
	char path[100];
	struct rig r;

	rig_make(&r);
	snprintf(path, sizeof(path), "%s.key", r.base);
	assert_int_equal(audit_log_open(&l, r.base, path), 0);
	audit_log_add(&l, "!lost 7 lines", 13);		/* of a client: no such record */
	assert_int_equal(audit_log_sync(&l), 0);
	assert_int_equal(audit_verify(r.base, r.key, true, &f), 0);
	assert_int_equal(f.lost, 0);
	audit_log_add_lost(&l, 41);
	audit_log_add(&l, "one", 3);
	audit_log_add_lost(&l, 1);
	assert_int_equal(audit_log_sync(&l), 0);
	audit_log_close(&l);
	assert_int_equal(audit_verify(r.base, r.key, true, &f), 0);
	assert_int_equal(f.lost, 42);
	assert_int_equal(f.records, 4);
	rig_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_order),
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_queue_patience),
		cmocka_unit_test(test_resume_reads_one),
		cmocka_unit_test(test_resume_tampered),
		cmocka_unit_test(test_resume_head),
		cmocka_unit_test(test_lost_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
