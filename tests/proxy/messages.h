/*
 * Messages of the connection sequence, built field by field, for the tests of
 * proxy/.  What a test wants different it changes in the struct first.
 */
#ifndef TESTS_MESSAGES_H
#define TESTS_MESSAGES_H

#include "wire.h"

enum { MESSAGE_MAX = 65535 };

struct message {
	uint8_t bytes[MESSAGE_MAX];
	size_t len;
};

struct message_channel {
	const char *name; /* at most 8 characters */
	uint32_t options;
	uint16_t id; /* as SC_NET gives it */
};

/* What both sides of a connection say. */
struct message_sides {
	const char *client_name;
	bool has_selected; /* CS_CORE goes as far as serverSelectedProtocol */
	uint32_t selected;
	uint32_t requested; /* SC_CORE, when has_requested */
	bool has_requested;
	uint32_t client_transports; /* flags of CS_MULTITRANSPORT */
	uint32_t server_transports;
	struct message_channel channels[40];
	uint32_t channel_count;
	uint16_t io_channel;
	uint16_t message_channel; /* 0: no such block */
	uint16_t user_channel;
};

/* rdpdr second of three channels, all fields there. */
extern const struct message_sides message_sides;

/* The parts, innermost first; the wholes below use them. */
void message_client_blocks(struct wire_out *out,
                           const struct message_sides *sides);
void message_server_blocks(struct wire_out *out,
                           const struct message_sides *sides);
void message_gcc_request(struct wire_out *out, struct wire_view blocks);
void message_gcc_response(struct wire_out *out, struct wire_view blocks);

/* Whole frames. */
void message_connect_initial(struct message *m,
                             const struct message_sides *sides);
void message_connect_response(struct message *m,
                              const struct message_sides *sides);
void message_attach_confirm(struct message *m, uint16_t user);

/* A Send Data Request (0x64) or Indication (0x68) around user data. */
void message_data(struct message *m, uint8_t choice, uint16_t initiator,
                  uint16_t channel, struct wire_view data);

/* User data of the I/O channel. */
struct message_info {
	uint32_t flags; /* INFO_UNICODE 0x10 */
	const char *domain;
	const char *user;
	const char *password;
	const char *address; /* NULL: no extended part */
};
void message_info(struct wire_out *out, const struct message_info *info);
void message_license(struct wire_out *out);

/* Demand (type 1) or Confirm Active (type 3); chunk_size 0: not stated. */
void message_active(struct wire_out *out, uint8_t type, uint32_t vc_flags,
                    uint32_t chunk_size);
void message_share_data(struct wire_out *out, uint8_t data_type);

/*
 * A Save Session Info PDU of one of its types; a text that is NULL has no byte,
 * not even a terminator.  fields is FieldsPresent of type 3.
 */
struct message_logon {
	uint32_t type;
	const char *domain;
	const char *user;
	uint32_t session_id;
	uint32_t fields;
};
void message_logon(struct wire_out *out, const struct message_logon *logon);

/* A Set Error Info PDU. */
void message_error_info(struct wire_out *out, uint32_t code);

/* Where compressedType is in a share data PDU. */
enum { MESSAGE_COMPRESSED_TYPE = 15 };

/* "abc" in UTF-16LE, without a terminator. */
void message_text16(struct wire_out *out, const char *text);

/* A copy that ends where its allocation ends: ASan sees one byte too far. */
uint8_t *message_copy(const void *data, size_t len);

#endif
