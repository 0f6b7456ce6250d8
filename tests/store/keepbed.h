/* A real message of every type that the keeper's messages have. */
#ifndef TESTS_KEEPBED_H
#define TESTS_KEEPBED_H

#include "keep.h"

enum { KEEPBED_BIG = 2 * KEEP_MESSAGE_MAX, KEEPBED_TYPES = 24 };

#define KEEPBED_ID "0123456789abcdef"

struct keep_msg keepbed_hello(enum keep_type type);
struct keep_msg keepbed_state_news(void);
struct keep_msg keepbed_reader(enum keep_type type);
struct keep_msg keepbed_begin(void);
struct keep_msg keepbed_cert(void);
struct keep_msg keepbed_release(void);
struct keep_msg keepbed_event(enum keep_type type);
struct keep_msg keepbed_rules(void);

/* A message without a body. */
struct keep_msg keepbed_bare(enum keep_type type);

/* One of every type there is; their number. */
size_t keepbed_every_type(struct keep_msg all[static KEEPBED_TYPES]);

/* Into KEEPBED_BIG bytes, with this result; the length. */
size_t keepbed_encode(uint8_t *data, const struct keep_msg *msg,
                      enum wire_fault wanted);

/* Decode an exactly sized copy; the verdict only. */
enum wire_fault keepbed_verdict(const uint8_t *data, size_t len);

#endif
