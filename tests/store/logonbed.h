/*
 * Log-ons at a keeper, as sessions tell of them: one card in one reader with
 * one certificate of the user and one root.
 */
#ifndef TESTS_LOGONBED_H
#define TESTS_LOGONBED_H

#include "keeperbed.h"

enum {
	LOGONBED_ROOT = 20, /* numbers of keeperbed_cert */
	LOGONBED_CERT = 10,
	LOGONBED_CARD = 0xc1,
	/* A certificate in personal/: itself, and what is known of it. */
	LOGONBED_FILES = 2
};

/* As keeperbed_new, on a host that has been up all the time. */
int logonbed_new(void **state);

/* The same with the keeper running, and its end, which is no failure. */
int logonbed_run(void **state);
int logonbed_stop(void **state);

/* STATE of a user ("": nobody) whose log-on the server calls by this name. */
void logonbed_user_named(int session, const char *user, const char *name);

/* A connection of that number, and its user. */
int logonbed_log_on(struct keeperbed *bed, uint8_t number, const char *user,
                    const char *name);

struct keep_ack logonbed_insert(int session, uint32_t seq,
                                enum keep_cleanup cleanup);
/* RELEASE for reader 1, as the machine says it under that option. */
void logonbed_withdraw(int session, uint32_t seq, enum keep_cleanup cleanup);
/* All that the card in another reader backs. */
void logonbed_release(int session, uint32_t seq, uint32_t reader);
void logonbed_sync_all(int session, uint32_t seq);

/* END; the keeper closes its end, and this closes ours. */
void logonbed_end(int session, enum keep_end how, uint32_t grace_s,
                  uint32_t max_age_s);
void logonbed_host_logs_off(struct keeperbed *bed, const char *name);

/* A number out of the store of a keeper that does not run. */
int logonbed_ask(const struct keeperbed *bed, const char *sql);

#endif
