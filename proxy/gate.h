/*
 * The gate: the daemon's first process.  It listens, admits and forks a session
 * for each connection, starts the keeper and starts it again if it dies,
 * reloads the configuration and ends everything in order.  It never reads a
 * byte from the network.
 */
#ifndef PROXY_GATE_H
#define PROXY_GATE_H

#include "config.h"

/*
 * What gate and session tell each other: datagrams of one byte.  KEEPER comes
 * with the session's end of a pair with a keeper that was started again.  After
 * RELOAD and POLICY stands, as four bytes, the generation of what is in force.
 */
enum gate_word {
	GATE_ACTIVATED = 'A', /* session: past its connection sequence */
	GATE_KEEPER = 'K',
	GATE_RELOAD = 'R', /* read the configuration again */
	GATE_POLICY = 'P'  /* only the group policies */
};

/* Connections that have not got past their connection sequence, limits. */
enum {
	GATE_START_FREE = 50,  /* up to here all are admitted */
	GATE_START_RATE = 30,  /* per cent refused from there on, rising ... */
	GATE_START_FULL = 200, /* ... to all of them here */
	GATE_START_SOURCE = 20 /* of one client address */
};

/* As config_load, where the sessions to come have no harm of it: apart.h. */
struct config *gate_load_config(const char *path, struct config_faults *faults);

/*
 * Run until SIGTERM or SIGINT.  config is taken; path is where it came from,
 * for reloads.  Returns the process' exit status; session and keeper processes
 * return through here as well.
 */
int gate_run(struct config *config, const char *path);

/* Why the identity pam or host cannot work here though asked for, or NULL. */
const char *gate_voucher_missing(const struct config *config);
const char *gate_host_missing(const struct config *config);

/* Why identity = host names nobody, or names whoever is stated; or NULL. */
const char *gate_host_alone(const struct config *config);

/* Why identity = session-info is anybody's word here, or NULL. */
const char *gate_servers_unproven(const struct config *config);

/* Why group policies may apply that nobody linked, or NULL. */
const char *gate_policies_unordered(const struct config *config);

#endif
