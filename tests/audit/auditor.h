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

enum { AUDITOR_ID_LEN = 32, AUDITOR_HASH_TEXT = 64, AUDITOR_REASON = 400 };

struct auditor {
	const char *database;
	const char *run_dir;
	bool stopped;       /* there must be no daemon any more */
	struct sqlite3 *db; /* a copy of the store */
	unsigned violations;
	char first[AUDITOR_REASON];
	/* What was looked at. */
	unsigned certs;
	unsigned entries;
	unsigned claims;
	unsigned sessions; /* live ones */
	unsigned connected;
	unsigned views;
	unsigned processes;
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

/* I1, I7: the views show what the store says, to whom it says. */
void audit_views(struct auditor *a);

/* I8: processes and their descriptors. */
void audit_processes(struct auditor *a);

#endif
