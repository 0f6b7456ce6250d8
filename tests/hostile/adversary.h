/*
 * A client that misbehaves, one case at a time, and what each case expects of
 * the proxy.  The case says how far the connection goes by the book (stage),
 * what it does then (run), what may be different from the start (prepare), and
 * what must come of it: the connection ends or lives, and one line of the log.
 */
#ifndef TESTS_HOSTILE_ADVERSARY_H
#define TESTS_HOSTILE_ADVERSARY_H

#include "client.h"
#include "server.h"

enum fate {
	FATE_ENDS, /* the proxy closes */
	FATE_LIVES /* the relay goes on */
};

struct adversary_case {
	const char *name;
	enum stage stage;
	enum fate fate;
	const char *event; /* of the one line in the log, NULL: none */
	const char *what;  /* a part of that line */
	void (*run)(struct client *c);
	void (*prepare)(struct client *c);
	unsigned n;         /* for functions that several cases share */
	server_part *early; /* the server instead of its sequence ... */
	server_part *part;  /* ... and after it; with either it speaks rdpdr */
	unsigned wait_ms;   /* for the line, when it takes its time */
};

/* Each ends with a case without a name. */
extern const struct adversary_case cases_sequence[];
extern const struct adversary_case cases_channel[];
extern const struct adversary_case cases_answer[];
extern const struct adversary_case cases_card[];
extern const struct adversary_case cases_server[];

/* Memory that all sessions of the daemon have for themselves, in KiB. */
unsigned long adversary_memory(void);

/* Say what went wrong; the case has failed. */
void adversary_complain(struct client *c, const char *what);

/* What cardproxyctl prints while the case plays is printable, too. */
void adversary_look_now(struct client *c);

/* The certificates and roots are those of before, while the case plays. */
void adversary_look_stores(struct client *c);

/* The directory with the certificates for cards. */
const char *adversary_pki(void);

#endif
