/*
 * The smart card IOCTLs, [MS-RDPESC] 3.1.4: one row for each, with its codecs.
 * Logs, permissions and the multiplexer walk these rows.
 */
#ifndef REDIRECT_IOCTL_H
#define REDIRECT_IOCTL_H

#include "esc.h"

enum ioctl_code {
	IOCTL_ESTABLISH_CONTEXT = 0x00090014,
	IOCTL_RELEASE_CONTEXT = 0x00090018,
	IOCTL_IS_VALID_CONTEXT = 0x0009001C,
	IOCTL_LIST_READER_GROUPS_A = 0x00090020,
	IOCTL_LIST_READER_GROUPS_W = 0x00090024,
	IOCTL_LIST_READERS_A = 0x00090028,
	IOCTL_LIST_READERS_W = 0x0009002C,
	IOCTL_INTRODUCE_READER_GROUP_A = 0x00090050,
	IOCTL_INTRODUCE_READER_GROUP_W = 0x00090054,
	IOCTL_FORGET_READER_GROUP_A = 0x00090058,
	IOCTL_FORGET_READER_GROUP_W = 0x0009005C,
	IOCTL_INTRODUCE_READER_A = 0x00090060,
	IOCTL_INTRODUCE_READER_W = 0x00090064,
	IOCTL_FORGET_READER_A = 0x00090068,
	IOCTL_FORGET_READER_W = 0x0009006C,
	IOCTL_ADD_READER_TO_GROUP_A = 0x00090070,
	IOCTL_ADD_READER_TO_GROUP_W = 0x00090074,
	IOCTL_REMOVE_READER_FROM_GROUP_A = 0x00090078,
	IOCTL_REMOVE_READER_FROM_GROUP_W = 0x0009007C,
	IOCTL_LOCATE_CARDS_A = 0x00090098,
	IOCTL_LOCATE_CARDS_W = 0x0009009C,
	IOCTL_GET_STATUS_CHANGE_A = 0x000900A0,
	IOCTL_GET_STATUS_CHANGE_W = 0x000900A4,
	IOCTL_CANCEL = 0x000900A8,
	IOCTL_CONNECT_A = 0x000900AC,
	IOCTL_CONNECT_W = 0x000900B0,
	IOCTL_RECONNECT = 0x000900B4,
	IOCTL_DISCONNECT = 0x000900B8,
	IOCTL_BEGIN_TRANSACTION = 0x000900BC,
	IOCTL_END_TRANSACTION = 0x000900C0,
	IOCTL_STATE = 0x000900C4,
	IOCTL_STATUS_A = 0x000900C8,
	IOCTL_STATUS_W = 0x000900CC,
	IOCTL_TRANSMIT = 0x000900D0,
	IOCTL_CONTROL = 0x000900D4,
	IOCTL_GET_ATTRIB = 0x000900D8,
	IOCTL_SET_ATTRIB = 0x000900DC,
	IOCTL_ACCESS_STARTED_EVENT = 0x000900E0,
	IOCTL_RELEASE_STARTED_EVENT = 0x000900E4,
	IOCTL_LOCATE_CARDS_BY_ATR_A = 0x000900E8,
	IOCTL_LOCATE_CARDS_BY_ATR_W = 0x000900EC,
	IOCTL_READ_CACHE_A = 0x000900F0,
	IOCTL_READ_CACHE_W = 0x000900F4,
	IOCTL_WRITE_CACHE_A = 0x000900F8,
	IOCTL_WRITE_CACHE_W = 0x000900FC,
	IOCTL_GET_TRANSMIT_COUNT = 0x00090100,
	IOCTL_GET_READER_ICON = 0x00090104,
	IOCTL_GET_DEVICE_TYPE_ID = 0x00090108
};

/* What a call names first; all it needs to find whose it is. */
enum ioctl_subject {
	IOCTL_OF_NONE,    /* neither a context nor a card */
	IOCTL_OF_CONTEXT, /* a context */
	IOCTL_OF_CARD     /* a handle, with its context */
};

struct ioctl {
	uint32_t code;
	const char *name; /* "EstablishContext", "ConnectW" */
	enum esc_form form;
	enum ioctl_subject subject;
	bool bare; /* its call comes without the two type headers */
	esc_call_decoder *decode_call; /* never NULL, nor the others */
	esc_call_encoder *encode_call;
	esc_return_decoder *decode_return;
	esc_return_encoder *encode_return;
};

/* All rows, by rising code. */
extern const struct ioctl ioctl_rows[];
extern const size_t ioctl_row_count;

/* The row of a code, NULL for an unknown one. */
const struct ioctl *ioctl_find(uint32_t code);

/* The name of a code; "unknown" for an unknown one. */
const char *ioctl_name(uint32_t code);

/*
 * The input of a device control request <-> a call.  Views in call are borrowed
 * from input.  WIRE_OK, or what is wrong with the bytes; then nothing of *call
 * is to be used.
 */
enum wire_fault ioctl_call_decode(const struct ioctl *row,
                                  struct wire_view input,
                                  struct esc_call *call);
/* Appends to out, whose fault says when it did not fit. */
void ioctl_call_encode(const struct ioctl *row, struct wire_out *out,
                       const struct esc_call *call);

/*
 * The output of a device control response <-> a return.  A refusal may come as
 * its code alone; all else is zero then.
 */
enum wire_fault ioctl_return_decode(const struct ioctl *row,
                                    struct wire_view output,
                                    struct esc_return *ret);
void ioctl_return_encode(const struct ioctl *row, struct wire_out *out,
                         const struct esc_return *ret);

/*
 * What is wrong with bytes that do not decode, for people: "Transmit_Return:
 * pbRecvBuffer: above its limit of 66560".  Empty when nothing is.  It reads
 * them once more, so that who decodes need not carry this along.
 */
enum { IOCTL_TROUBLE_SIZE = 96 };

void ioctl_call_trouble(const struct ioctl *row, struct wire_view input,
                        char text[IOCTL_TROUBLE_SIZE]);
void ioctl_return_trouble(const struct ioctl *row, struct wire_view output,
                          char text[IOCTL_TROUBLE_SIZE]);

/*
 * How many bytes a call lacks to the multiple of eight that [MS-RPCE] 2.2.6.2
 * wants its object to have; 0 also for what has no type headers, or tells
 * another length than it has.
 */
size_t ioctl_call_gap(const struct ioctl *row, struct wire_view input);

/* The call with its object padded, and that length told. */
void ioctl_call_pad(struct wire_out *out, struct wire_view input, size_t gap);

/* A return that says only no: this code, and nothing else. */
void ioctl_refusal_encode(const struct ioctl *row, struct wire_out *out,
                          uint32_t code);

/* The return code of any return, whether its row is known or not. */
enum wire_fault ioctl_return_code(struct wire_view output, uint32_t *code);

#endif
