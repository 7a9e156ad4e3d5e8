/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_STORE_PRIVATE_H
#define LLMSEC_STORE_PRIVATE_H
/* What the files of the store share; nobody else includes it but its tests. */
#include <sqlite3.h>

/* Version the newest schema has. */
int	store_schema_version(void);
/* Bring <db> from its PRAGMA user_version to <target> (0: the newest), a transaction per step. */
int	store_migrate(sqlite3 *db, int target);
/* The same for another file's schema: <n> steps, of which one leads from version i to i+1. */
int	store_migrate_steps(sqlite3 *db, const char *const *step, int n, int target);
/* SQLite's result code as -errno; 0 for OK, ROW and DONE. */
int	store_errno(int rc);
#endif
