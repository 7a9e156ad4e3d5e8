/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "lib/counters.h"
#include "tests/tools/events_tool.h"

/* --- verify --- */

static int64_t
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return v;
}

struct proof {
	sqlite3_stmt	*count;
	unsigned long	 logged, missing, unreadable;
};

static void
log_check(struct proof *p, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256];

	if (f == NULL) {
		p->unreadable++;
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		p->logged++;
		sqlite3_bind_text(p->count, 1, line, -1, SQLITE_STATIC);
		if (sqlite3_step(p->count) != SQLITE_ROW || sqlite3_column_int(p->count, 0) == 0) {
			if (p->missing++ < 5)
				printf("missing: %s\n", line);
		}
		sqlite3_reset(p->count);
	}
	fclose(f);
}

int
events_verify(int argc, char **argv)
{
	struct proof p = {0};
	sqlite3 *db = NULL;
	int64_t twice, damaged;
	bool ok;

	if (argc < 3)
		return 2;
	if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(db, 5000) != SQLITE_OK || sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "SELECT count(*) FROM events WHERE request_id = ?1", -1, &p.count, NULL) !=
	    SQLITE_OK) {
		printf("%s: %s\n", argv[1], sqlite3_errmsg(db));
		sqlite3_close(db);
		return 1;
	}
	for (int i = 2; i < argc; i++)
		log_check(&p, argv[i]);
	twice = number(db, "SELECT count(*) FROM (SELECT 1 FROM events WHERE request_id IS NOT NULL"
	    " GROUP BY request_id HAVING count(*) > 1)");
	damaged = number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
	printf("promised %lu missing %lu twice %lld stored %lld rejected %lld damaged %lld\n", p.logged, p.missing,
	    (long long)twice, (long long)number(db, "SELECT count(*) FROM events"),
	    (long long)number(db, "SELECT count(*) FROM quarantine"), (long long)damaged);
	ok = p.logged > 0 && p.missing == 0 && p.unreadable == 0 && twice == 0 && damaged == 0;
	sqlite3_finalize(p.count);
	sqlite3_close(db);
	return ok ? 0 : 1;
}

/* --- counters --- */

static int
file_write(const char *dir, const char *name, uint64_t n)
{
	static const struct counter_def defs[] = {
		{ "llmsec_test_awkward_total", "path=\"C:\\\\x\",quote=\"\\\"\",line=\"a\\nb\"",
		    "A backslash \\ and a\nline end.", COUNTER_COUNTER },
		{ "llmsec_test_awkward_total", "path=\"\xc3\xa9\xf0\x9f\x98\x80\",quote=\"{},=\",line=\"\"",
		    "A backslash \\ and a\nline end.", COUNTER_COUNTER },
		{ "llmsec_test_level", NULL, "Below zero.", COUNTER_GAUGE },
		{ "llmsec_test_seconds", "stage=\"one\"", "Time.", COUNTER_HISTOGRAM },
		{ "llmsec_test_seconds", "stage=\"two\"", "Time.", COUNTER_HISTOGRAM },
		{ "llmsec_test_bare_seconds", NULL, "Time without labels.", COUNTER_HISTOGRAM },
	};
	struct counters *c;

	if (counters_open(&c, dir, name, defs, sizeof(defs) / sizeof(defs[0])) < 0)
		return 1;
	counters_add(c, 0, n);
	counters_add(c, 1, UINT64_MAX / 2);
	counters_set(c, 2, -17);
	for (unsigned i = 0; i < 40; i++) {
		counters_observe(c, 3, UINT64_C(1) << i);
		counters_observe(c, 5, 3 * i);
	}
	counters_close(&c);
	return 0;
}

int
events_counters(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	return file_write(argv[1], "test-a", 5) != 0 || file_write(argv[1], "test-b", 7) != 0;
}
