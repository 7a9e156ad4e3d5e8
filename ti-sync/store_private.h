/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_STORE_PRIVATE_H
#define LLMSEC_TI_STORE_PRIVATE_H
#include <sqlite3.h>

struct ti_store {
	sqlite3	*db;
	int	 readonly;
};

/* NULL where SQLite refuses; binding to NULL is harmless, stepping it is ti_store_done's error. */
sqlite3_stmt *ti_store_prepare(struct ti_store *, const char *sql);
int	ti_store_done(sqlite3_stmt *);
#endif
