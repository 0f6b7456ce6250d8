/*
 * The keeper: the process that owns the store.  It has the only connection to
 * the database, decides which roots are present (pins and live claims, a
 * query), keeps the trust views below the run directory equal to that, and
 * answers the control socket.  It reads no network and parses no certificate.
 *
 * It knows a session by its socket pair: when that closes, the log-on is over
 * and its claims end, unless the session said before that it was disconnected.
 */
#ifndef STORE_KEEPER_H
#define STORE_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

struct keeper_config {
	const char *boot_id;  /* of the gate: detached log-ons outlive a keeper
	                         under the same one; NULL: none does */
	const char *database; /* path of the SQLite file */
	const char
	    *run_dir; /* views in <run_dir>/session/<id>, control socket */
	const char *control; /* path of the control socket */
	gid_t control_group; /* may use the control socket; (gid_t)-1: none */
	gid_t view_group; /* group of the views; (gid_t)-1: the daemon's own */
	const char *system_anchors;       /* PEM file; NULL: none */
	const char *const *local_targets; /* that run on this host; NULL: none,
	                                     else ended by NULL */
	const char *account_file; /* accounts of the host; NULL: /etc/passwd */
	unsigned account_s;       /* it is looked at so often; 0: the default */
	unsigned settle_s; /* a resumed log-on waits so long for its cards; 0:
	                      the default */
	unsigned repair_s; /* views are compared so often; 0: the default */
	bool durable_full; /* synchronous=FULL instead of NORMAL */
};

/*
 * Run until the gate's socket closes or SIGTERM; returns the exit status of the
 * process.  gate_fd is the keeper's end of the SOCK_SEQPACKET pair with the
 * gate: ATTACH datagrams with one descriptor each come in there, and
 * ATTACHED_ALL once after every start,
 * and READY goes out there once it serves.
 *
 * Start-up faults are logged.  A store that is not ours, or that another daemon
 * has, gives KEEPER_EXIT_REFUSED: the gate must not try again.  All others (no
 * room, an I/O error, a directory that cannot be made) give KEEPER_EXIT_UNABLE:
 * at the daemon's own start that is the end of it, later the gate tries again.
 */
enum { KEEPER_REPAIR_S = 30 };
enum {
	KEEPER_EXIT_OK = 0,
	KEEPER_EXIT_FAILED = 1,
	KEEPER_EXIT_REFUSED = 3,
	KEEPER_EXIT_UNABLE = 4
};
int keeper_run(const struct keeper_config *config, int gate_fd);

#endif
