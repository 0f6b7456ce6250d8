/*
 * The auditor: does what lies on disk agree with what must always hold?  It
 * reads the store, the views and procfs, and nothing of the daemon's memory: no
 * socket, no log.  This header is what its parts share.
 */
#ifndef TESTS_AUDITOR_H
#define TESTS_AUDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sqlite3;

enum {
	AUDITOR_ID_LEN = 32,
	AUDITOR_HASH_TEXT = 64,
	AUDITOR_REASON = 400,
	AUDITOR_PATH = 512
};

#define AUDITOR_NOBODY ((uid_t)-1)

/* A log-on that runs, or is disconnected and may come back. */
#define AUDITOR_LIVE                                                           \
	"(SELECT s.session_id FROM session s JOIN proxy p"                     \
	" ON p.proxy_id = s.proxy_id AND p.epoch = s.epoch"                    \
	" WHERE s.ended_at IS NULL)"

/* What a process holds. */
struct auditor_process {
	pid_t pid; /* 0: there is none */
	unsigned descriptors;
	unsigned long private_kib; /* RssAnon */
};

struct auditor {
	const char *database;
	const char *run_dir;
	const char *config; /* on the daemon's command line; NULL: not known */
	bool stopped;       /* there must be no daemon any more */
	struct sqlite3 *db; /* a copy of the store */
	uid_t owner;        /* of the run directory, and so of all below */
	gid_t group;
	unsigned violations;
	char first[AUDITOR_REASON];
	/* What was looked at. */
	unsigned certs;
	unsigned entries;
	unsigned claims;
	unsigned sessions; /* live ones */
	unsigned connected;
	unsigned views;
	unsigned links;
	unsigned processes;
	struct auditor_process gate;
	struct auditor_process keeper;
};

/* One rule does not hold; printf's arguments. */
__attribute__((format(printf, 3, 4))) void
auditor_violation(struct auditor *a, const char *invariant, const char *format,
                  ...);

/* Copy the store and open the copy; false: there is none, or it never rests. */
bool audit_store_open(struct auditor *a);
void audit_store_close(struct auditor *a);

/* I3: rows are what they say; I1: each claim in force has its reason. */
void audit_store(struct auditor *a);

/* One question with one text; the first column, or -1. */
int64_t audit_store_ask(struct auditor *a, const char *question,
                        const char *text);

/* Each row's first column, as text, with one text put in. */
typedef void audit_on_text(struct auditor *a, const char *text, void *arg);
void audit_store_each(struct auditor *a, const char *question, const char *text,
                      audit_on_text *on_text, void *arg);

/*
 * I7: a directory of the daemon's has this mode and nothing more; user, unless
 * it is AUDITOR_NOBODY, is let in besides, to read, and no one else is.
 */
void audit_directory(struct auditor *a, const char *path, mode_t mode,
                     uid_t user);

/* I7: a file that all who get here may read, and only the daemon writes. */
void audit_file(struct auditor *a, const char *path);

/* The account of a user's key on this host; AUDITOR_NOBODY: it has none. */
uid_t audit_account(const char *user);

/* Whose log-on has this id. */
uid_t audit_session_user(struct auditor *a, const char *id);

/* Each name below a directory, without . and .. */
typedef void audit_on_name(struct auditor *a, const char *path,
                           const char *name, void *arg);
void audit_each_name(struct auditor *a, const char *path, audit_on_name *on,
                     void *arg);

/* I1, I3, I7: the views show what the store says, to whom it says. */
void audit_views(struct auditor *a);

/* One folder of certificates: what is in it, and what the store wants there. */
struct audit_folder {
	const char *path;     /* below the view */
	const char *question; /* gives thumbprints, for a scope */
	bool hashed;          /* with OpenSSL's links to each */
	bool personal;        /* with what is known of each; its user's alone */
};

/* Returns how many certificates the store wants to see there. */
size_t audit_folder(struct auditor *a, const char *view, const char *scope,
                    uid_t user, const struct audit_folder *folder);

/* I1, I7: <run>/user/<uid> leads to a live log-on of that user's. */
void audit_links(struct auditor *a);

/* I1, I8: processes and their descriptors. */
void audit_processes(struct auditor *a);

#endif
