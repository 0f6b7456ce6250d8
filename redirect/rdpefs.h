/*
 * The messages of the rdpdr channel that a proxy of smart cards must read and
 * write, [MS-RDPEFS] 2.2.  Both halves: what the server says and what the
 * client says, each decoded and encoded here.  It keeps no state, does no I/O
 * and allocates nothing; views are borrowed from the message.
 *
 * Decoders take a cursor just after the four bytes of rdpefs_header and return
 * false on a fault (in->fault says which); encoders write the header too and
 * leave a fault in out.
 */
#ifndef REDIRECT_RDPEFS_H
#define REDIRECT_RDPEFS_H

#include "wire.h"

enum {
	RDPEFS_HEADER_LEN = 4,
	RDPEFS_REQUEST_LEN = 24,    /* both headers of a device request */
	RDPEFS_CONTROL_LEN = 32,    /* more, before a control request's input */
	RDPEFS_COMPLETION_LEN = 16, /* both headers of a completion */
	RDPEFS_DEVICES_MAX = 64,
	RDPEFS_CAPS_MAX = 16, /* five are defined */
	RDPEFS_DOS_NAME_LEN = 8,
	RDPEFS_NAME_MAX = 1024, /* bytes of a computer's name */
	RDPEFS_DATA_MAX = 128 * 1024
};

/* RDPDR_HEADER, 2.2.1.1: the component in the low half, as on the wire. */
enum rdpefs_component { RDPEFS_CORE = 0x4472, RDPEFS_PRINTER = 0x5052 };

enum rdpefs_packet {
	RDPEFS_SERVER_ANNOUNCE = 0x496E,
	RDPEFS_CLIENT_ID_CONFIRM =
	    0x4343, /* also the client's announce reply */
	RDPEFS_CLIENT_NAME = 0x434E,
	RDPEFS_SERVER_CAPABILITY = 0x5350,
	RDPEFS_CLIENT_CAPABILITY = 0x4350,
	RDPEFS_DEVICE_LIST_ANNOUNCE = 0x4441,
	RDPEFS_DEVICE_LIST_REMOVE = 0x444D,
	RDPEFS_DEVICE_REPLY = 0x6472,
	RDPEFS_DEVICE_REQUEST = 0x4952,
	RDPEFS_DEVICE_COMPLETION = 0x4943,
	RDPEFS_USER_LOGGED_ON = 0x554C
};

struct rdpefs_header {
	uint16_t component; /* enum rdpefs_component, or what the peer wrote */
	uint16_t packet;    /* enum rdpefs_packet, or what the peer wrote */
};

bool rdpefs_header_decode(struct wire_in *in, struct rdpefs_header *header);

/* "server announce", ...; "unknown" for any other. */
const char *rdpefs_packet_name(uint16_t packet);

/* Server announce 2.2.2.2, client announce reply 2.2.2.3 and client id confirm
 * 2.2.2.6 have one layout. */
enum { RDPEFS_VERSION_MAJOR = 1, RDPEFS_VERSION_MINOR = 0xC };

struct rdpefs_announce {
	uint16_t major;
	uint16_t minor;
	uint32_t client_id;
};

bool rdpefs_announce_decode(struct wire_in *in,
                            struct rdpefs_announce *announce);
/* packet: RDPEFS_SERVER_ANNOUNCE or RDPEFS_CLIENT_ID_CONFIRM. */
void rdpefs_announce_encode(struct wire_out *out, enum rdpefs_packet packet,
                            const struct rdpefs_announce *announce);

/* Client name, 2.2.2.4. */
struct rdpefs_client_name {
	bool wide; /* UTF-16LE, else bytes of a code page */
	uint32_t code_page;
	struct wire_view name; /* with its terminator, as sent */
};

bool rdpefs_client_name_decode(struct wire_in *in,
                               struct rdpefs_client_name *name);
void rdpefs_client_name_encode(struct wire_out *out,
                               const struct rdpefs_client_name *name);

/* Capability sets, 2.2.1.2. */
enum rdpefs_cap_type {
	RDPEFS_CAP_GENERAL = 1,
	RDPEFS_CAP_PRINTER = 2,
	RDPEFS_CAP_PORT = 3,
	RDPEFS_CAP_DRIVE = 4,
	RDPEFS_CAP_SMARTCARD = 5
};

/* extendedPDU of the general set, 2.2.2.7.1. */
enum {
	RDPEFS_EXT_DEVICE_REMOVE = 0x1,
	RDPEFS_EXT_DISPLAY_NAME = 0x2,
	RDPEFS_EXT_USER_LOGGED_ON = 0x4
};

struct rdpefs_cap {
	uint16_t type; /* enum rdpefs_cap_type or newer */
	uint32_t version;
	struct wire_view data; /* after the eight bytes of its header */
};

struct rdpefs_caps {
	struct rdpefs_cap list[RDPEFS_CAPS_MAX];
	size_t count;
};

/* The general set, 2.2.2.7.1. */
struct rdpefs_general {
	uint32_t os_type;
	uint32_t os_version;
	uint16_t major;
	uint16_t minor;
	uint32_t io_code1;
	uint32_t io_code2;
	uint32_t extended_pdu; /* RDPEFS_EXT_* */
	uint32_t extra_flags1;
	uint32_t extra_flags2;
	uint32_t special_type_count; /* from version 2 on, else 0 */
};

enum { RDPEFS_GENERAL_LEN = 36 };

/* Server capability request 2.2.2.7 and client response 2.2.2.8. */
bool rdpefs_caps_decode(struct wire_in *in, struct rdpefs_caps *caps);
/* packet: RDPEFS_SERVER_CAPABILITY or RDPEFS_CLIENT_CAPABILITY. */
void rdpefs_caps_encode(struct wire_out *out, enum rdpefs_packet packet,
                        const struct rdpefs_caps *caps);

/* The first set of that type, or NULL. */
const struct rdpefs_cap *rdpefs_caps_find(const struct rdpefs_caps *caps,
                                          enum rdpefs_cap_type type);
/* Take all sets of that type out; true when there was one. */
bool rdpefs_caps_remove(struct rdpefs_caps *caps, enum rdpefs_cap_type type);
/* Add the smart card set if it is missing; false when the list is full. */
bool rdpefs_caps_add_smartcard(struct rdpefs_caps *caps);
/* extendedPDU of the general set, 0 when it is missing or too short. */
uint32_t rdpefs_caps_extended(const struct rdpefs_caps *caps);

bool rdpefs_general_decode(const struct rdpefs_cap *cap,
                           struct rdpefs_general *general);

/* The whole capability request of our own role: general and smart card. */
void rdpefs_own_caps_encode(struct wire_out *out);

/* Device list announce 2.2.2.9, device list remove 2.2.3.2. */
enum rdpefs_device_type {
	RDPEFS_DEVICE_SERIAL = 0x1,
	RDPEFS_DEVICE_PARALLEL = 0x2,
	RDPEFS_DEVICE_PRINTER = 0x4,
	RDPEFS_DEVICE_DRIVE = 0x8,
	RDPEFS_DEVICE_SMARTCARD = 0x20
};

struct rdpefs_device {
	uint32_t type; /* enum rdpefs_device_type or newer */
	uint32_t id;
	uint8_t dos_name[RDPEFS_DOS_NAME_LEN];
	struct wire_view data;
};

struct rdpefs_devices {
	struct rdpefs_device list[RDPEFS_DEVICES_MAX];
	size_t count;
};

struct rdpefs_removal {
	uint32_t ids[RDPEFS_DEVICES_MAX];
	size_t count;
};

bool rdpefs_devices_decode(struct wire_in *in, struct rdpefs_devices *devices);
void rdpefs_devices_encode(struct wire_out *out,
                           const struct rdpefs_devices *devices);
bool rdpefs_removal_decode(struct wire_in *in, struct rdpefs_removal *removal);
void rdpefs_removal_encode(struct wire_out *out,
                           const struct rdpefs_removal *removal);

/* Device reply, 2.2.2.1. */
struct rdpefs_reply {
	uint32_t device_id;
	uint32_t result; /* NTSTATUS */
};

bool rdpefs_reply_decode(struct wire_in *in, struct rdpefs_reply *reply);
void rdpefs_reply_encode(struct wire_out *out,
                         const struct rdpefs_reply *reply);

/* User logged on, 2.2.2.5: the header alone. */
void rdpefs_logged_on_encode(struct wire_out *out);

/* NTSTATUS as it occurs here, [MS-ERREF] 2.3. */
#define RDPEFS_STATUS_SUCCESS          UINT32_C(0)
#define RDPEFS_STATUS_UNSUCCESSFUL     UINT32_C(0xC0000001)
#define RDPEFS_STATUS_BUFFER_TOO_SMALL UINT32_C(0xC0000023)
#define RDPEFS_STATUS_NOT_SUPPORTED    UINT32_C(0xC00000BB)
#define RDPEFS_STATUS_CANCELLED        UINT32_C(0xC0000120)

/* MajorFunction, 2.2.1.4. */
enum rdpefs_major {
	RDPEFS_IRP_CREATE = 0x0,
	RDPEFS_IRP_CLOSE = 0x2,
	RDPEFS_IRP_READ = 0x3,
	RDPEFS_IRP_WRITE = 0x4,
	RDPEFS_IRP_DEVICE_CONTROL = 0xE
};

/* Device I/O request, 2.2.1.4. */
struct rdpefs_request {
	uint32_t device_id;
	uint32_t file_id;
	uint32_t completion_id;
	uint32_t major;
	uint32_t minor;
	struct wire_view body; /* all after these fields */
};

/* Device control request, 2.2.1.4.5: the body of such a request. */
struct rdpefs_control {
	uint32_t output_len; /* how much the answer may carry */
	uint32_t code;       /* the IOCTL */
	struct wire_view input;
};

/* Where the id of a request or completion stands in the message, both headers
 * counted, to edit it in place. */
enum { RDPEFS_REQUEST_ID_AT = 12, RDPEFS_COMPLETION_ID_AT = 8 };

bool rdpefs_request_decode(struct wire_in *in, struct rdpefs_request *request);
void rdpefs_request_encode(struct wire_out *out,
                           const struct rdpefs_request *request);

/* in: a cursor over request.body. */
bool rdpefs_control_decode(struct wire_in *in, struct rdpefs_control *control);
/* A whole device control request; major, minor and body of request are not
 * looked at. */
void rdpefs_control_encode(struct wire_out *out,
                           const struct rdpefs_request *request,
                           const struct rdpefs_control *control);

/* Device I/O completion, 2.2.1.5. */
struct rdpefs_completion {
	uint32_t device_id;
	uint32_t completion_id;
	uint32_t status;       /* NTSTATUS */
	struct wire_view body; /* all after these fields */
};

bool rdpefs_completion_decode(struct wire_in *in,
                              struct rdpefs_completion *completion);
void rdpefs_completion_encode(struct wire_out *out,
                              const struct rdpefs_completion *completion);

/*
 * Device control response, 2.2.1.5.5: the body of a completion, a counted
 * output.  An empty body is an empty output: refusals come without the count.
 */
bool rdpefs_output_decode(struct wire_in *in, struct wire_view *output);
/* A whole completion with that output; completion.body is not looked at. */
void rdpefs_output_encode(struct wire_out *out,
                          const struct rdpefs_completion *completion,
                          struct wire_view output);

#endif
