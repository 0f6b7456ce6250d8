/*
 * GCC conference creation (T.124 8.7, [MS-RDPBCGR] 2.2.1.3, 2.2.1.4) and those
 * of its settings blocks that the relay reads or edits.  Unknown blocks are
 * stepped over.  Codec only: no I/O, no state.
 *
 * An offset counts from the start of the decoded bytes; 0 means: not there.
 * A decoder returns NULL, or a literal naming the block and the field.
 */
#ifndef PROXY_GCC_H
#define PROXY_GCC_H

#include "wire.h"

enum { GCC_CHANNELS_MAX = 31 };

/* Options of a channel in CS_NET, [MS-RDPBCGR] 2.2.1.3.4.1. */
#define GCC_OPTION_COMPRESS_RDP  0x00800000u
#define GCC_OPTION_COMPRESS      0x00400000u
#define GCC_OPTION_SHOW_PROTOCOL 0x00200000u

/* What the client says, in a Conference Create Request. */
struct gcc_client {
	struct wire_view client_name; /* UTF-16LE, filled up with zeros */
	uint32_t selected_protocol;
	size_t selected_offset;       /* of serverSelectedProtocol */
	size_t multitransport_offset; /* of the flags of CS_MULTITRANSPORT */
	uint32_t channel_count;
	uint32_t rdpdr_index; /* in CS_NET, when rdpdr_offset says so */
	uint32_t rdpdr_options;
	size_t rdpdr_offset; /* of the options of rdpdr */
	bool has_drdynvc;
	uint32_t drdynvc_index; /* in CS_NET */
	bool has_core;
	bool has_net;
};
const char *gcc_client_decode(struct wire_view data, struct gcc_client *client);

/* What the server says, in a Conference Create Response. */
struct gcc_server {
	uint32_t requested_protocols;
	size_t requested_offset;      /* of clientRequestedProtocols */
	size_t multitransport_offset; /* of the flags of SC_MULTITRANSPORT */
	uint16_t io_channel;
	uint16_t message_channel; /* 0: none */
	uint32_t channel_count;
	uint16_t
	    channels[GCC_CHANNELS_MAX]; /* in the order of CS_NET; 0: none */
};
const char *gcc_server_decode(struct wire_view data, struct gcc_server *server);

#endif
