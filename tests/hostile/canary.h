/*
 * The well-behaved session beside the hostile ones.  It is a process of its
 * own: it lives while a case plays.
 */
#ifndef TESTS_HOSTILE_CANARY_H
#define TESTS_HOSTILE_CANARY_H

#include <stdbool.h>
#include <stdint.h>

/* Start it: through the proxy at port, with a card of pki. */
void canary_fork(uint16_t port, const char *pki);

/*
 * A beat: its card is pulled, put back and read again; the first one connects.
 * canary_end waits for what canary_begin began, and says whether it went well.
 */
void canary_begin(void);
bool canary_end(void);

void canary_free(void);

#endif
