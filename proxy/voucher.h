/*
 * The voucher: the one process that keeps root, so that PAM can check passwords
 * (identity = pam).  The gate forks it before it becomes the service user; it
 * ends with the gate, and without root nobody can start it again.
 *
 * It has no network and no file of the daemon's, only its pair with the gate
 * and one with each session, and hears only what vouchwire.h decodes.  Each
 * check runs in a short-lived child with a deadline, since PAM's modules block.
 * It says whether a password is right, as what account, and nothing more.
 *
 * No oracle: an answer other than VOUCH_ACCEPTED comes a fixed time after the
 * question at the earliest, whatever PAM did, so how long it took says nothing
 * of whether there is such a user.  failures.h says what limits guessing.
 */
#ifndef PROXY_VOUCHER_H
#define PROXY_VOUCHER_H

#include <event2/event.h>

#include "vouchwire.h"

enum {
	VOUCHER_CHECKS = 8,           /* at a time */
	VOUCHER_CHECKS_OF_CLIENT = 2, /* of one client address, at a time */
	VOUCHER_CHECK_MS = 20000,
	VOUCHER_HOLD_MS = 2500 /* until a refusal is told */
};

/* The service's name for PAM. */
#define VOUCHER_SERVICE "cardproxy"

struct voucher_config {
	const char *service;
	const char *confdir; /* of PAM; NULL: the host's.  For tests */
	unsigned check_ms;   /* one check's time */
	unsigned hold_ms;
};

/*
 * Serve until the gate's end of gate_fd (taken) closes; returns the exit status
 * of the process.
 */
int voucher_run(const struct voucher_config *config, int gate_fd);

#endif
