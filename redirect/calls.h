/*
 * Our own smart card calls: a call is encoded, sent to the client's smart card
 * device under a completion id of ours, and its return comes back to whoever
 * made it.  At most MUX_OWN_MAX are outstanding.
 */
#ifndef REDIRECT_CALLS_H
#define REDIRECT_CALLS_H

#include "ioctl.h"
#include "mux.h"
#include "rdpefs.h"

/*
 * The return of a call; ret is borrowed.  NULL: the client refused the request
 * itself, or its answer makes no sense.
 */
typedef void calls_on_return(void *arg, const struct esc_return *ret,
                             uint64_t now_ms);

/* Who is told of every call and its return; id is that of the multiplexer. */
struct calls_observer {
	void (*on_call)(void *arg, uint32_t id, const struct ioctl *row,
	                const struct esc_call *call);
	/* ret NULL: none, or none that makes sense. */
	void (*on_return)(void *arg, uint32_t id, const struct esc_return *ret);
	/* It will have none. */
	void (*on_dropped)(void *arg, uint32_t id);
};

struct calls {
	struct mux *mux;
	void (*send)(void *arg, struct wire_view message);
	void *arg;                             /* of send, and of observer */
	const struct calls_observer *observer; /* may be NULL */
	/* The last return that could not be read, "" once its like could. */
	char trouble[IOCTL_TROUBLE_SIZE];
	const struct ioctl *trouble_row;
	bool open; /* there is a device to send to */
	uint32_t device;
	struct calls_pending {
		bool used;
		uint32_t id;
		const struct ioctl *row;
		calls_on_return *on_return; /* NULL: nobody waits any more */
		void *arg;
	} list[MUX_OWN_MAX];
};

/* Closed; mux and arg must outlive it. */
void calls_init(struct calls *calls, struct mux *mux,
                void (*send)(void *arg, struct wire_view message), void *arg);

/* From now on calls go to this device. */
void calls_open(struct calls *calls, uint32_t device);

/* The device is gone: no call can be made and no return will be handed on. */
void calls_close(struct calls *calls);

/*
 * Make a call.  on_return may be NULL: then its return is of no interest.
 * False: it was not sent, and on_return is not called.
 */
bool calls_make(struct calls *calls, enum ioctl_code code,
                const struct esc_call *call, calls_on_return *on_return,
                void *arg);

/* Whatever this caller waits for, it waits no more. */
void calls_forget(struct calls *calls, const void *arg);

/* A completion was matched to an IRP of ours. */
void calls_complete(struct calls *calls, const struct mux_irp *irp,
                    const struct rdpefs_completion *completion,
                    uint64_t now_ms);

#endif
