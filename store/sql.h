/*
 * Prepared statements as a cursor: values go in and columns come out in order,
 * the first fault sticks, and the caller asks once at the end.  It knows
 * nothing of what is stored; sqlite3.h enters the tree here and in schema.c.
 *
 *	struct sql_call call = sql_call(sql, STATEMENT);
 *	sql_put_int(&call, store);
 *	sql_put_text(&call, owner);
 *	while (sql_row(&call))
 *		use(sql_get_int(&call));
 *	return sql_end(&call);
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "wire.h"

struct sqlite3;
struct sqlite3_stmt;

enum { SQL_REASON_MAX = 160 };

struct sql {
	struct sqlite3 *db;
	struct sqlite3_stmt **statements; /* prepared at first use */
	const char *const *texts;
	size_t count;
	char reason[SQL_REASON_MAX]; /* of the last fault */
};

struct sql_call {
	struct sql *sql;
	struct sqlite3_stmt *statement;
	int result; /* SQLITE_OK, or the first fault */
	int next;   /* the next value, counted from 1, or column, from 0 */
};

/* Take over db and a table of statement texts; false: no memory. */
bool sql_init(struct sql *sql, struct sqlite3 *db, const char *const *texts,
              size_t count);

/* Finish the statements and close the database. */
void sql_clear(struct sql *sql);

/* Statements without values or results, such as BEGIN. */
bool sql_exec(struct sql *sql, const char *text);

/* Is a transaction open?  A full disk may have ended it. */
bool sql_in_transaction(const struct sql *sql);

/* Rows written since the database was opened. */
int64_t sql_written(const struct sql *sql);

struct sql_call sql_call(struct sql *sql, size_t which);

/*
 * The next value.  An empty text or blob is NULL, which is what "the card says
 * nothing of it" means in the store; the bytes must live until sql_end.
 */
void sql_put_int(struct sql_call *call, int64_t value);
void sql_put_text(struct sql_call *call, struct wire_view text);
void sql_put_string(struct sql_call *call, const char *text);
/* An empty text that stays one. */
void sql_put_required(struct sql_call *call, const char *text);
void sql_put_blob(struct sql_call *call, struct wire_view blob);
void sql_put_null(struct sql_call *call);

/* Step: true when there is a row.  Columns are then read in order. */
bool sql_row(struct sql_call *call);

/* The next column; a view lives until the next sql_row or sql_end. */
int64_t sql_get_int(struct sql_call *call);
struct wire_view sql_get_view(struct sql_call *call);

/* Reset the statement; false when anything failed since sql_call. */
bool sql_end(struct sql_call *call);

/* Step once and end, for a statement without rows. */
bool sql_run(struct sql_call *call);

/* Rows the last statement changed. */
uint32_t sql_changes(const struct sql *sql);

#endif
