/*
 * Is a copy of the store sound?  The file itself, the hashes of what it holds,
 * and the rules between its rows.  It opens the copy read-only and has nothing
 * to do with the running keeper, which never lets anybody at its own file.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHECK_REASON_SIZE = 200, CHECK_FAULTS_MAX = 1000 /* told */ };

struct check_summary {
	int64_t certs;
	int64_t entries;
	int64_t claims;
	int64_t pins;
	int64_t orphans; /* certificates that the next sweep forgets */
	size_t faults;
};

/* what is a literal, detail says where; untrusted text. */
typedef void check_on_fault(void *arg, const char *what, const char *detail);

/*
 * False when the file cannot be looked at: reason says why.  Otherwise
 * summary->faults tells how many there are.
 */
bool check_file(const char *path, struct check_summary *summary,
                check_on_fault *on_fault, void *arg,
                char reason[CHECK_REASON_SIZE]);

#endif
