/*
 * Memory in pages of its own, zeroed.  Pages that are never touched cost
 * nothing: for large tables of which most sessions use little.
 */
#ifndef REDIRECT_PAGES_H
#define REDIRECT_PAGES_H

#include <stddef.h>

/* NULL when memory is short. */
void *pages_new(size_t size);

/* NULL does nothing; size as given to pages_new. */
void pages_free(void *pages, size_t size);

#endif
