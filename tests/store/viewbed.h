/*
 * What the tests of the trust view stand on: certificates made on the spot, a
 * run directory of their own, and a few questions to the file system.
 */
#ifndef TESTS_STORE_VIEWBED_H
#define TESTS_STORE_VIEWBED_H

#include <sys/types.h>

#include <openssl/x509.h>

#include "view.h"

#define ID    "0123456789abcdef0123456789abcdef"
#define OTHER "ffffffffffffffffffffffffffffffff"

/* A certificate made here; roots of one name differ in key and serial. */
struct made {
	X509 *x509;
	EVP_PKEY *key;
	uint8_t *der;
	struct view_item item;
	char file[80]; /* <sha256>.pem */
	char link[16]; /* <hash>. */
};

/* Made once: three roots of one name, another root, a leaf of the first. */
extern struct made twins[3];
extern struct made stranger;
extern struct made leaf;

struct bed {
	char path[64];
	int run;
};

/* For nobody but us, for any purpose, with no texts. */
extern const struct view_style plain;

/* Set-up and tear-down of a group of tests, and of one. */
int make_all(void **state);
int unmake_all(void **state);
int bed_make(void **state);
int bed_remove(void **state);

#define in_bed(test) cmocka_unit_test_setup_teardown(test, bed_make, bed_remove)

/* The path of something in the view; valid until the eighth call after. */
const char *in_view(const struct bed *bed, const char *folder,
                    const char *name);

/* Must succeed; returns what it changed. */
struct view_changes reconcile(const struct bed *bed,
                              const struct view_item *items, size_t count);
void assert_changes(struct view_changes got, unsigned added, unsigned repaired,
                    unsigned removed);

bool is_there(const char *path);
mode_t mode_of(const char *path);
size_t entries(const char *path);

/* The number under which this file is linked, or -1. */
int number_of(const struct bed *bed, const struct made *made);

/* Replace the content of a file, in place. */
void spoil(const char *path, const char *text);

/* A new program that trusts what is in certs/: does the leaf verify? */
bool verifies(const struct bed *bed);

#endif
