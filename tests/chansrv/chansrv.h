/*
 * Smart card calls to xrdp's chansrv, in the private framing it speaks on
 * ~/.pcsc<display>/pcscd.comm: {length u32, command u32} and a body, both ways,
 * little-endian.  chansrv turns each into an IRP for the client.
 *
 * It answers out of order (a parked status change does not hold the others up)
 * and names only the command in an answer, so one call of a kind at a time.  It
 * never answers Reconnect, GetAttrib, SetAttrib and CancelTransaction: they are
 * not offered here.
 *
 * A call returns the SCARD code.  When no answer comes within
 * CHANSRV_DEADLINE_MS, or a malformed one, the program ends with a message and
 * status 2.
 */
#ifndef TESTS_CHANSRV_H
#define TESTS_CHANSRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum {
	CHANSRV_DEADLINE_MS = 15000,
	CHANSRV_NAME_SIZE = 100, /* with the NUL */
	CHANSRV_READERS_MAX = 16,
	CHANSRV_ATR_SIZE = 36,
	CHANSRV_ANSWER_MAX = 2048,
	CHANSRV_INFINITE = -1
};

struct chansrv_reader {
	char name[CHANSRV_NAME_SIZE];
	uint32_t current;
	uint32_t event;
	uint32_t atr_len;
	uint8_t atr[CHANSRV_ATR_SIZE];
};

struct chansrv_readers {
	uint32_t count;
	struct chansrv_reader entries[CHANSRV_READERS_MAX];
};

/* What Status gives. */
struct chansrv_status {
	char name[CHANSRV_NAME_SIZE];
	uint32_t state;
	uint32_t protocol;
	uint32_t atr_len;
	uint8_t atr[CHANSRV_ATR_SIZE];
};

/* Ends the program when there is no such socket. */
void chansrv_open(const char *path);
void chansrv_close(void);

uint32_t chansrv_establish(uint32_t *context);
uint32_t chansrv_release(uint32_t context);
uint32_t chansrv_list_readers(uint32_t context, struct chansrv_readers *list);

/* Send a status change, and wait for its answer: other calls fit in between. */
void chansrv_park(uint32_t context, int timeout_ms,
                  const struct chansrv_readers *list);
uint32_t chansrv_parked(struct chansrv_readers *list);

uint32_t chansrv_cancel(uint32_t context);

/* For shared use, with T=0 or T=1. */
uint32_t chansrv_connect(uint32_t context, const char *reader, uint32_t *card,
                         uint32_t *protocol);

/* Leaves the card as it is. */
uint32_t chansrv_disconnect(uint32_t card);
uint32_t chansrv_begin(uint32_t card);
uint32_t chansrv_end(uint32_t card);
uint32_t chansrv_status(uint32_t card, struct chansrv_status *status);

/* answer has room for CHANSRV_ANSWER_MAX bytes. */
uint32_t chansrv_transmit(uint32_t card, uint32_t protocol,
                          struct wire_view apdu, uint8_t *answer,
                          size_t *answer_len);

#endif
