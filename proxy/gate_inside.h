/*
 * The gate from inside: what gate.c (its life, signals, reloads), gate_keeper.c
 * (starting the keeper, and again), gate_voucher.c (starting the voucher),
 * gate_policy.c (group policies), gate_host.c (log-offs of this host) and
 * gate_session.c (admitting and forking sessions) share.  For these files only.
 */
#ifndef PROXY_GATE_INSIDE_H
#define PROXY_GATE_INSIDE_H

#include "gate.h"

#include <event2/event.h>
#include <sys/queue.h>

#include "contexts.h"
#include "gpowatch.h"
#include "hostlogon.h"
#include "keep.h"
#include "link.h"
#include "listeners.h"
#include "sandbox.h"
#include "steady.h"

/* A session as the gate knows it. */
struct child {
	TAILQ_ENTRY(child) next;
	pid_t pid;
	size_t listener;
	bool activated;
	bool attached; /* the keeper that runs, or starts, knows of it */
	int64_t started_at;
	uint8_t id[KEEP_ID_LEN];
	char addr[64];
	struct link *link;
	struct gate *gate;
};

/* A log-on that the host has ended. */
struct over {
	TAILQ_ENTRY(over) next;
	uint64_t at_ms;
	char id[HOSTLOGON_ID_MAX];
};
TAILQ_HEAD(over_list, over);

enum gate_state { GATE_SERVING, GATE_STOPPING, GATE_ENDED };

struct gate {
	struct event_base *base;
	struct config *config;
	const char *path;
	enum gate_state state;
	int status; /* of the process */
	struct contexts contexts;
	struct listeners listeners;
	struct event *signals[4];
	struct gpowatch *watch; /* of the group policies, or NULL */
	struct event *stop_timer;
	struct event *keeper_timer;
	TAILQ_HEAD(, child) children;
	pid_t keeper_pid; /* 0: none runs */
	struct link *keeper;
	char boot_id[2 * KEEP_ID_LEN + 1]; /* ours: a keeper knows us by it */
	bool keeper_wanted;                /* fork one outside the loop */
	bool keeper_ready;                 /* it serves */
	bool keeper_served;                /* and one has */
	uint64_t keeper_ready_ms;          /* since when */
	unsigned keeper_pause_ms;          /* before the next try */
	pid_t voucher_pid;                 /* 0: none runs */
	struct link *voucher;
	struct hostlogon *host; /* NULL: no session manager to watch */
	struct over_list over;  /* log-ons that the host has ended lately */
	size_t over_count;
	struct sandbox *sandbox; /* for sessions */
};

/* Forget everything that is the gate's: in the keeper, and at the end. */
void gate_clear(struct gate *g);

/* True: this is the keeper's process, and it has ended with *status. */
bool gate_fork_keeper(struct gate *g, int *status);

/* The keeper's process has ended: start it again, or stop if it refused. */
void gate_keeper_ended(struct gate *g, int status);

/* There is no keeper, and none that would take away what loses its reason. */
void gate_hide_views(const struct gate *g);

/* Tell the keeper of a session; fd is the keeper's end of its pair, taken. */
void gate_tell_keeper(struct gate *g, enum keep_type type,
                      const struct child *c, int fd, bool resumed);
void gate_tell_rules(struct gate *g); /* of all sections */
void gate_on_keeper_timer(evutil_socket_t fd, short what, void *arg);

/*
 * Start the voucher if a target wants one, while we are root and before there
 * is anything that it should not have.  True: this is its process, and it has
 * ended with *status; what was the gate's is freed.
 */
bool gate_fork_voucher(struct gate *g, int *status);

/* A session's end of a new pair with the voucher, or -1: there is none. */
int gate_attach_voucher(struct gate *g, const char *client);
void gate_check_voucher(const struct gate *g); /* after a reload */
void gate_voucher_ended(struct gate *g, int status);

/* Once the loop is ours, and after a reload: another target may ask for it. */
void gate_watch_host(struct gate *g);

/*
 * Tell a new keeper of the log-offs that the one before may not have heard of.
 */
void gate_repeat_log_offs(struct gate *g);
void gate_forget_log_offs(struct gate *g);

/* Serve a connection in a process of its own, if it is admitted. */
void gate_start_session(struct gate *g, const struct accepted *a);
void gate_session_ended(struct gate *g, struct child *c, int status);
void gate_forget_child(struct gate *g, struct child *c);

/*
 * Read the group policies, and watch them.  before is what was in force, of
 * this configuration or of another one.
 */
void gate_load_policies(struct gate *g, const struct gpo_set *before);

/* What is in force has changed: for those who ask, and for the sessions. */
void gate_publish(struct gate *g, enum gate_word word);

#endif
