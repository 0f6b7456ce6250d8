/*
 * A store in a directory of its own, without a keeper: one transaction at a
 * time, at a time that stands still, and what is seen of alice's certificates.
 */
#ifndef TESTS_ENGINEBED_H
#define TESTS_ENGINEBED_H

#include "engine.h"

enum { ENGINEBED_NOW = 1700000000 };

/* Two log-ons, which enginebed_new_open begins. */
#define ENGINEBED_A "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
#define ENGINEBED_B "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"

struct enginebed {
	char dir[64];
	char path[96];
	struct engine *engine; /* NULL: it is not open */
	enum engine_error error;
	char reason[ENGINE_REASON_SIZE];
	struct engine_change change; /* of the transaction */
};

/* The set-up of a test, with no file yet or with the store open; its end. */
int enginebed_new(void **state);
int enginebed_new_open(void **state);
int enginebed_free(void **state);

/* Close, and open again: error and reason say why that may have failed. */
void enginebed_try_open(struct enginebed *bed);
/* The same, and it must not. */
void enginebed_reopen(struct enginebed *bed);
void enginebed_close(struct enginebed *bed);

void enginebed_begin(struct enginebed *bed);
void enginebed_commit(struct enginebed *bed);

/* A log-on begins, in a transaction of its own. */
void enginebed_start(struct enginebed *bed, const char *session,
                     const char *connection);

/* How many entries alice has, and the last one of them. */
struct enginebed_entry {
	int count;
	char friendly_name[64];
	char container[64];
	char prov_name[64];
	char reader_name[64];
	char card_serial[64];
	char policy[64];
	bool logon_eligible;
	bool key_available;
	bool kept;
	enum engine_archived archived;
	int64_t created_at;
	size_t chuid_len;
	size_t card_data_len;
	size_t pin_info_len;
	bool has_pin;
	uint32_t pin_id;
	bool has_removable;
	bool removable;
};
struct enginebed_entry enginebed_look(struct enginebed *bed);

#define ENGINEBED_OPEN(test)                                                   \
	cmocka_unit_test_setup_teardown(test, enginebed_new_open,              \
	                                enginebed_free)
#define ENGINEBED_CLOSED(test)                                                 \
	cmocka_unit_test_setup_teardown(test, enginebed_new, enginebed_free)

#endif
