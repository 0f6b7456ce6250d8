#include "sql.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void
remember(struct sql *sql, const char *what)
{
	(void)snprintf(sql->reason, sizeof(sql->reason), "%s", what);
}

bool
sql_init(struct sql *sql, struct sqlite3 *db, const char *const *texts,
         size_t count)
{
	*sql = (struct sql){.db = db, .texts = texts, .count = count};
	sql->statements = calloc(count, sizeof(struct sqlite3_stmt *));
	return sql->statements != NULL;
}

void
sql_clear(struct sql *sql)
{
	for (size_t i = 0; sql->statements != NULL && i < sql->count; i++)
		(void)sqlite3_finalize(sql->statements[i]);
	free(sql->statements);
	sql->statements = NULL;
	(void)sqlite3_close(sql->db);
	sql->db = NULL;
}

bool
sql_exec(struct sql *sql, const char *text)
{
	if (sqlite3_exec(sql->db, text, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	remember(sql, sqlite3_errmsg(sql->db));
	return false;
}

bool
sql_in_transaction(const struct sql *sql)
{
	return sqlite3_get_autocommit(sql->db) == 0;
}

int64_t
sql_written(const struct sql *sql)
{
	return sqlite3_total_changes64(sql->db);
}

uint32_t
sql_changes(const struct sql *sql)
{
	return (uint32_t)sqlite3_changes(sql->db);
}

struct sql_call
sql_call(struct sql *sql, size_t which)
{
	struct sql_call call = {.sql = sql, .next = 1};

	if (sql->statements[which] == NULL)
		call.result = sqlite3_prepare_v3(sql->db, sql->texts[which], -1,
		                                 SQLITE_PREPARE_PERSISTENT,
		                                 &sql->statements[which], NULL);
	call.statement = sql->statements[which];
	return call;
}

void
sql_put_int(struct sql_call *call, int64_t value)
{
	if (call->result == SQLITE_OK)
		call->result =
		    sqlite3_bind_int64(call->statement, call->next++, value);
}

void
sql_put_null(struct sql_call *call)
{
	if (call->result == SQLITE_OK)
		call->result = sqlite3_bind_null(call->statement, call->next++);
}

void
sql_put_text(struct sql_call *call, struct wire_view text)
{
	if (text.len == 0) {
		sql_put_null(call);
		return;
	}
	if (call->result == SQLITE_OK)
		call->result = sqlite3_bind_text64(
		    call->statement, call->next++, (const char *)text.data,
		    text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void
sql_put_string(struct sql_call *call, const char *text)
{
	sql_put_text(call, wire_view_text(text));
}

void
sql_put_required(struct sql_call *call, const char *text)
{
	if (call->result == SQLITE_OK)
		call->result = sqlite3_bind_text(call->statement, call->next++,
		                                 text != NULL ? text : "", -1,
		                                 SQLITE_STATIC);
}

void
sql_put_blob(struct sql_call *call, struct wire_view blob)
{
	if (blob.len == 0) {
		sql_put_null(call);
		return;
	}
	if (call->result == SQLITE_OK)
		call->result =
		    sqlite3_bind_blob64(call->statement, call->next++,
		                        blob.data, blob.len, SQLITE_STATIC);
}

bool
sql_row(struct sql_call *call)
{
	if (call->result != SQLITE_OK)
		return false;
	call->next = 0;
	int result = sqlite3_step(call->statement);

	if (result == SQLITE_ROW)
		return true;
	if (result != SQLITE_DONE)
		call->result = result;
	return false;
}

int64_t
sql_get_int(struct sql_call *call)
{
	return sqlite3_column_int64(call->statement, call->next++);
}

struct wire_view
sql_get_view(struct sql_call *call)
{
	int column = call->next++;
	const void *data = sqlite3_column_blob(call->statement, column);
	int len = sqlite3_column_bytes(call->statement, column);

	return (struct wire_view){.data = data, .len = (size_t)len};
}

bool
sql_end(struct sql_call *call)
{
	if (call->result != SQLITE_OK)
		remember(call->sql, sqlite3_errmsg(call->sql->db));
	if (call->statement != NULL) {
		(void)sqlite3_reset(call->statement);
		(void)sqlite3_clear_bindings(call->statement);
	}
	return call->result == SQLITE_OK;
}

bool
sql_run(struct sql_call *call)
{
	while (sql_row(call))
		continue;
	return sql_end(call);
}
