/*
 * The server's half of the start of rdpdr, [MS-RDPEFS] 3.3: what we say to the
 * client when the server itself never does.  Smart card devices are accepted,
 * all others refused.  It decodes and answers; the caller sends.
 *
 *	OWN_OFF -> OWN_ANNOUNCED -> OWN_REPLIED -> OWN_ASKED -> OWN_OPEN
 */
#ifndef REDIRECT_OWN_H
#define REDIRECT_OWN_H

#include "rdpefs.h"

enum own_state {
	OWN_OFF,
	OWN_ANNOUNCED, /* server announce sent */
	OWN_REPLIED, /* the client's announce reply is there, its name is not */
	OWN_ASKED,   /* capabilities and client id sent */
	OWN_OPEN     /* the client's capabilities are there */
};

/* What the half asks of the channel; arg is the caller's. */
struct own_ops {
	void (*send)(void *arg, struct wire_view message);
	/* A smart card device was announced: is it taken? */
	bool (*on_card)(void *arg, uint32_t device);
	/* A device that is no smart card; it is refused. */
	void (*on_other)(void *arg, uint32_t device);
	void (*on_removed)(void *arg, uint32_t device);
};

struct own {
	enum own_state state;
	uint32_t client_id;
	bool logged_on; /* USER_LOGGEDON was sent */
	/* Of the last message: its fault and the field that has it, if any. */
	enum wire_fault fault;
	const char *field;
};

/* Announce ourselves with this client id. */
void own_start(struct own *own, uint32_t client_id, const struct own_ops *ops,
               void *arg);

/* Start over, silently: the server speaks for itself. */
void own_stop(struct own *own);

/*
 * One whole message of the client that is no completion.  Returns NULL, or a
 * literal that says what was wrong with it: then the client is at fault.
 */
const char *own_message(struct own *own, struct wire_view message,
                        const struct own_ops *ops, void *arg);

#endif
