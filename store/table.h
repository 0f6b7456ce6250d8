/*
 * Things that are found by a text of theirs, however many there are; several
 * may have the same text.  Nothing is allocated and nothing can fail: a thing
 * brings its own link.  A table of zeros is empty.
 */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

#include <sys/queue.h>

enum { TABLE_SLOTS = 2048 /* as many things, and a look finds one at once */ };

struct table_link {
	LIST_ENTRY(table_link) entry;
	const char *text; /* NULL: in no table */
	void *thing;
};
LIST_HEAD(table_slot, table_link);

struct table {
	struct table_slot slots[TABLE_SLOTS];
};

/* The text is borrowed, and stays as it is until the link is dropped. */
void table_put(struct table *table, struct table_link *link, const char *text,
               void *thing);

/* Nothing happens to a link of zeros, or to one that was dropped. */
void table_drop(struct table_link *link);

/* The last one put with this text, and then the one before it; NULL: none. */
struct table_link *table_find(const struct table *table, const char *text);
struct table_link *table_next(const struct table_link *link);

#endif
