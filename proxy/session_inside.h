/*
 * A session from inside: what session.c (its life, the relay, what it learns),
 * session_logon.c, session_vouch.c and session_host.c (its user), and
 * session_links.c (the keeper and the gate) share.  For these files only.
 */
#ifndef PROXY_SESSION_INSIDE_H
#define PROXY_SESSION_INSIDE_H

#include "session.h"

#include "approach.h"
#include "channel.h"
#include "drdynvc.h"
#include "errorinfo.h"
#include "evidence.h"
#include "hostlogon.h"
#include "link.h"
#include "pump.h"
#include "ruling.h"
#include "steady.h"
#include "usage.h"
#include "vouch.h"

enum stage {
	STAGE_APPROACH, /* until both legs speak TLS */
	STAGE_SEQUENCE, /* until the Client Info PDU */
	STAGE_RELAY,
	STAGE_CLOSING /* what is left is written */
};

struct session {
	const struct session_start *start;
	struct approach_start approach_start;
	struct event_base *base;
	enum stage stage;
	const char *waiting_for; /* what the deadline is for */
	const struct config_target *target;
	struct evidence evidence;
	bool settled;     /* the policy of that user is in force */
	bool logged_off;  /* his log-on has ended, the connection has not */
	bool server_left; /* its ultimatum: at the user's request */
	bool unread_told;
	unsigned words;               /* of the peers, that were logged */
	enum errorinfo_end error_end; /* by the last error info code */

	struct vouch *vouch; /* while a password is being checked */
	int vouch_fd;
	struct session_host *host; /* NULL: not asked for */

	struct approach *approach;
	struct leg *client;
	struct leg *server;
	bool client_gone;
	struct relay *relay;
	struct pump *pump;
	struct channel *channel;
	struct drdynvc *drdynvc;
	struct ruling *ruling;
	struct usage *usage;
	bool activated;

	struct link *gate;
	struct link *keeper;
	bool keeper_again; /* the keeper was started again since we began */
	struct event *deadline;
	struct event *tick;
	struct event *terminate;
};

/* Ends the session, once; the caller returns at once. */
void session_close(struct session *s, const char *why);

/* The same, and the client is told that it is our will. */
void session_dismiss(struct session *s, const char *why);

/* After whatever may have changed when the channel wants to be called. */
void session_arm_tick(struct session *s);

/*
 * session_logon.c: who the user is, and whether the log-on ends with the
 * connection.
 */

/* Hear what the relay reads: before Client Info. */
void session_listen(struct session *s);

/* The session has begun: what is known of the user already. */
void session_identify(struct session *s);

/* A source names a user; see evidence_say. */
void session_say(struct session *s, enum evidence_source source,
                 const char *user, const char *host_session);

/* A source does not, and why: a literal. */
void session_note_source(enum evidence_source source, const char *what);

/* The policy of the user is in force. */
void session_user_settled(struct session *s);

/* What the connection's end means; the event is told it, and why. */
enum keep_end session_end_kind(const struct session *s, struct log_event *ev);

/* His log-on is over, the connection is not. */
void session_log_off(struct session *s, const char *reason);

/* session_vouch.c: is the password right?  The answer is session_say's. */
void session_ask_password(struct session *s, const struct share_info *info);
void session_end_vouch(struct session *s);

/* session_host.c: which log-on of this host is it, if it is one? */
void session_watch_host(struct session *s);
void session_host_user(struct session *s); /* another source named the user */
void session_end_host(struct session *s);

/* Open the links to the gate and the keeper; false: no memory. */
bool session_open_links(struct session *s);

/* A message for the keeper; arg is the session. */
void session_tell_keeper(void *arg, const struct keep_msg *msg);
void session_say_hello(struct session *s);

#endif
