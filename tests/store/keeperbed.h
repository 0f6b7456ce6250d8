/*
 * A keeper in a process of its own, in a directory of its own, and the ends of
 * the pairs that the gate and the sessions would have.
 */
#ifndef TESTS_KEEPERBED_H
#define TESTS_KEEPERBED_H

#include "keep.h"
#include "keeper.h"

enum { KEEPERBED_DER_LEN = 300 }; /* of a certificate of keeperbed_cert */

struct keeperbed {
	char dir[64];
	char database[96];
	char run_dir[96];
	char control[96];
	struct keeper_config config;
	/* What the keeper's process does first, or NULL. */
	void (*prepare)(void *arg);
	void *prepare_arg;
	pid_t pid;
	int gate;
};

/* Make the directory; nothing runs yet. */
void keeperbed_init(struct keeperbed *bed);
void keeperbed_clear(struct keeperbed *bed);

/* The same as the set-up and the tear-down of a test. */
int keeperbed_new(void **state);
int keeperbed_free(void **state);

void keeperbed_start(struct keeperbed *bed);

/* Close the gate's end and wait; the keeper's exit status. */
int keeperbed_stop(struct keeperbed *bed);
void keeperbed_kill(struct keeperbed *bed);

/* Wait for a keeper that ends by itself. */
int keeperbed_wait(struct keeperbed *bed);

/* Sessions are numbered; the id is the number in every byte. */
void keeperbed_id(uint8_t number, char hex[33]);

/* A new pair, its keeper's end attached; HELLO is said.  The session's end. */
int keeperbed_attach(struct keeperbed *bed, uint8_t number, bool resumed);
void keeperbed_attached_all(struct keeperbed *bed);

void keeperbed_say(int session, const struct keep_msg *msg);

/* The next answer; its reason is copied into reason (may be NULL). */
struct keep_ack keeperbed_answer(int session, uint32_t seq, char *reason,
                                 size_t size);

/* The keeper has closed this end. */
bool keeperbed_is_closed(int session);

void keeperbed_user(int session, const char *user);
void keeperbed_begin(int session, uint32_t reader, uint8_t card,
                     enum keep_cleanup cleanup);

/* Of the user's certificates in each BEGIN from now on; at first none. */
void keeperbed_user_cleanup(enum keep_cleanup cleanup);

/* A certificate of 300 bytes that differ by number; no real DER. */
void keeperbed_cert(int session, enum keep_kind kind, uint8_t number);

/* The thumbprint of what keeperbed_cert makes of a number. */
void keeperbed_hash(uint8_t number, uint8_t hash[static KEEP_HASH_LEN]);
struct keep_ack keeperbed_commit(int session, uint32_t seq);

/* Files in a folder of a session's view; -1: there is no such folder. */
int keeperbed_files(const struct keeperbed *bed, uint8_t number,
                    const char *folder);

/* Wait until there are that many files (or -1), at most ten seconds. */
bool keeperbed_wait_files(const struct keeperbed *bed, uint8_t number,
                          const char *folder, int count);

/* One card with a user certificate and a root, committed. */
struct keep_ack keeperbed_propagate(int session, uint32_t seq,
                                    enum keep_cleanup cleanup);

/* All that is present has been asserted again. */
struct keep_ack keeperbed_synced(int session, uint32_t seq);

#endif
