/*
 * The tables of the store, and the question whether a file is such a store.
 * The SQL here and in engine.c is what PostgreSQL and its relatives also take,
 * apart from the names of types, the word STRICT and that a certificate's
 * number, an INTEGER PRIMARY KEY, is counted by itself.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdbool.h>

struct sql;

enum {
	SCHEMA_APPLICATION_ID = 0x63647078, /* "cdpx" */
	SCHEMA_VERSION = 4                  /* user_version */
};

enum schema_file {
	SCHEMA_FILE_OURS,
	SCHEMA_FILE_OLDER,   /* made by an earlier version: to be migrated */
	SCHEMA_FILE_NEW,     /* empty: the tables are still to be made */
	SCHEMA_FILE_NEWER,   /* made by a later version of cardproxy */
	SCHEMA_FILE_FOREIGN, /* not a database, or somebody else's */
	SCHEMA_FILE_FAILED   /* cannot be read; errno says why */
};

/*
 * Look at the header of an open file without letting SQLite near it: opening
 * alone could already replay a foreign journal.
 */
enum schema_file schema_inspect(int fd);

/*
 * Make the tables in an empty database, or bring those of an earlier version to
 * this one; in one transaction: after a fault the file is as it was.  It is
 * SQLite that says which it is, when it has replayed the journal of a process
 * that died: before that the header may tell of what is undone.  To be called
 * before WAL is switched on, so that the marks are in the file itself, and with
 * foreign keys off: tables are made anew, and that cannot be switched inside a
 * transaction.
 */
bool schema_ready(struct sql *sql);

#endif
