#include "table.h"

#include <stdint.h>
#include <string.h>

/* FNV-1a, of 32 bits. */
static size_t
slot_of(const char *text)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT32_C(16777619);
	return hash % TABLE_SLOTS;
}

void
table_put(struct table *table, struct table_link *link, const char *text,
          void *thing)
{
	link->text = text;
	link->thing = thing;
	LIST_INSERT_HEAD(&table->slots[slot_of(text)], link, entry);
}

void
table_drop(struct table_link *link)
{
	if (link->text != NULL)
		LIST_REMOVE(link, entry);
	link->text = NULL;
}

/* From this one on. */
static struct table_link *
first_of(struct table_link *link, const char *text)
{
	while (link != NULL && strcmp(link->text, text) != 0)
		link = LIST_NEXT(link, entry);
	return link;
}

struct table_link *
table_find(const struct table *table, const char *text)
{
	return first_of(LIST_FIRST(&table->slots[slot_of(text)]), text);
}

struct table_link *
table_next(const struct table_link *link)
{
	return first_of(LIST_NEXT(link, entry), link->text);
}
