/*
 * The card's side of vpcd, the virtual reader of pcscd: a TCP connection on
 * which each message is a 2-byte big-endian length and that many bytes.  To be
 * connected is to be in the reader.
 */
#ifndef VPCD_H
#define VPCD_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { VPCD_MESSAGE_MAX = 0xffff };

/* What the reader wants; a message of one byte is a control. */
enum vpcd_request {
	VPCD_OFF = 0,
	VPCD_ON = 1,
	VPCD_RESET = 2,
	VPCD_ATR = 4,
	VPCD_APDU = 0x100, /* the message is a command APDU */
	VPCD_GONE          /* the reader closed, or stopped in a message */
};

/* Connect to a reader on this machine; -1 when nothing listens. */
int vpcd_connect(const char *host, uint16_t port);

/*
 * Read one message into a buffer of VPCD_MESSAGE_MAX bytes.  For VPCD_APDU,
 * apdu is a view of it.
 */
enum vpcd_request vpcd_read(int fd, uint8_t *buffer, struct wire_view *apdu);

/* Send one message; -1 when the reader is gone. */
int vpcd_write(int fd, struct wire_view message);

#endif
