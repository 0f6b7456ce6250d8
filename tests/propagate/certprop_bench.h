/*
 * A session of certificate propagation under test: its time is set by hand, its
 * messages are kept as text, and the cards are made of certificates that are
 * shared by all tests of a program.
 */
#ifndef TESTS_CERTPROP_BENCH_H
#define TESTS_CERTPROP_BENCH_H

#include "certprop.h"
#include "pki.h"

/* cmocka wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { READER = 7, OTHER = 8, DAY = 24 * 60 * 60, SETTLED = 250 };

/* The certificates of all tests: made once, an authority takes its time. */
struct bench_certs {
	struct pki_cert *root, *sub, *user, *old, *computer, *door, *nobody;
};
extern struct bench_certs bench_made;

/*
 * A session with its fake time.  What it says is kept as text: "told" is what
 * changes the store, "cards" the states of cards, "news" the events, "asked"
 * the reads it wants.
 */
struct bench {
	struct certprop *cp;
	struct certprop_policy policy;
	uint64_t now;
	char told[4096], cards[4096], news[8192], asked[1024];
	char state[128], reason[256];
	char fit[1024];  /* subjects of those that are fit for a log-on */
	char host[1024]; /* of roots for the whole host */
	char keys[1024]; /* containers, in their order */
	size_t enrollments;
	struct keep_rules rules; /* the last; its views are gone */
	unsigned rules_told;
	struct keep_over over; /* its reason is not kept */
	struct card_hints hints;
	uint32_t commit_seq;
	enum keep_cleanup cleanup, user_cleanup;
	bool archive_stale;
	bool scanning;  /* the end of the first scan is to come */
	unsigned scans; /* ends of it */
	char host_session[64], card_reason[128];
	bool ended;
	bool fail_at_once;
	struct card_content content;
};

extern const struct certprop_ops bench_ops;

/*
 * A certificate of a person: what it is named, and whether it has an e-mail
 * address; "" for no UPN.
 */
struct bench_person {
	const char *name;
	const char *upn;
	const char *email;
	const char *purposes; /* NULL: log-on with a card */
	const char *template; /* DER of 1.3.6.1.4.1.311.21.7, or NULL */
	enum pki_key key;
	int64_t not_after; /* 0: in a year */
};
struct pki_cert *bench_person(const struct bench_person *who);

/* Forget the texts so far. */
void bench_forget(struct bench *b);
void bench_add_cert(struct bench *b, const struct pki_cert *cert,
                    const char *slot);
void bench_add_root(struct bench *b, const struct pki_cert *cert);
void bench_usual_card(struct bench *b, uint8_t id);
void bench_start(struct bench *b);
int bench_new(void **state);
int bench_free(void **state);
void bench_log_on(struct bench *b);
void bench_show(struct bench *b, uint32_t reader,
                enum certprop_presence presence, uint16_t counter,
                const char *atr);
void bench_insert(struct bench *b, uint16_t counter);
void bench_take_out(struct bench *b, uint16_t counter);
void bench_pass(struct bench *b, uint64_t ms);
void bench_deliver(struct bench *b, uint32_t reader);
void bench_refuse(struct bench *b, enum certprop_failure failure);

/* A session with a user and a settled card; one that was also read. */
void bench_start_inserted(struct bench *b);
void bench_start_present(struct bench *b);
/* The latter anew, in the place of the session so far. */
void bench_start_again(struct bench *b);
void bench_change(struct bench *b);
int bench_make_all(void **state);
int bench_free_all(void **state);

#define USUAL                                                                  \
	"begin:7/a1 user(CN=User) anchor(CN=Root) intermediate(CN=Sub) commit"
#define USUAL_USER  "begin:7/a1 user(CN=User) commit"
#define USUAL_ROOTS "begin:7/a1 anchor(CN=Root) intermediate(CN=Sub) commit"

#define BENCH(test) cmocka_unit_test_setup_teardown(test, bench_new, bench_free)

#endif
