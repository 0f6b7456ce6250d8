/*
 * Completion ids of the smart card devices.
 *
 * Every smart card IRP towards the client, the server's and our own, carries an
 * id of ours, so that neither can be taken for the other and a server that uses
 * an id twice at once ([MS-RDPEFS] forbids it, Windows has done it) does no
 * harm: each answer finds the very request it belongs to, and gets that one's
 * id back.
 *
 * Our ids come from a high range that counting up from 1, as servers do, does
 * not reach; they are looked at only when the device is a smart card, so an
 * equal id of a drive is never mistaken.  The module sends nothing.
 */
#ifndef REDIRECT_MUX_H
#define REDIRECT_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MUX_SERVER_MAX = 4096, /* tracked IRPs of the server */
	MUX_OWN_MAX = 16,      /* IRPs of our own */
	MUX_UNKNOWN_MAX =
	    16 /* answers to nothing: then the client is at fault */
};

enum mux_owner { MUX_SERVER, MUX_OWN };

/* One IRP that is with the client. */
struct mux_irp {
	enum mux_owner owner;
	uint32_t id;     /* ours, as the client knows it */
	uint32_t device; /* DeviceId it was sent to */
	uint32_t
	    origin; /* the server's id, or what mux_add was given for our own */
	uint32_t ioctl; /* 0: not a device control request */
};

enum mux_match {
	MUX_FOUND,  /* *irp was outstanding and is no longer */
	MUX_LATE,   /* of a time before mux_void or mux_drop_own */
	MUX_UNKNOWN /* never sent, answered already, or of another device */
};

struct mux;

/* NULL when memory is short. */
struct mux *mux_new(void);
void mux_free(struct mux *mux);

/*
 * Give an IRP that is about to go to the client an id.  False when as many are
 * outstanding as the owner may have, or memory is short: it must not be sent.
 */
bool mux_add(struct mux *mux, enum mux_owner owner, uint32_t device,
             uint32_t origin, uint32_t ioctl, uint32_t *id);

/* An answer of the client came for this device with this id. */
enum mux_match mux_complete(struct mux *mux, uint32_t device, uint32_t id,
                            struct mux_irp *irp);

/* Is the id of the range this module gives out?  It may be long gone. */
bool mux_in_range(uint32_t id);

/* Take the oldest outstanding IRP of an owner out; false: there is none. */
bool mux_take(struct mux *mux, enum mux_owner owner, struct mux_irp *irp);

/* The channel began anew: nothing sent so far will be answered. */
void mux_void(struct mux *mux);

/* Our own IRPs are given up; answers to them are late from now on. */
void mux_drop_own(struct mux *mux);

size_t mux_outstanding(const struct mux *mux, enum mux_owner owner);

/* Answers dropped since mux_new. */
uint32_t mux_late_count(const struct mux *mux);
uint32_t mux_unknown_count(const struct mux *mux);

#endif
