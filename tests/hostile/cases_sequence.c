/*
 * The connection sequence: X.224, MCS, GCC, Client Info, and frames that are
 * none.
 */
#include "adversary.h"

#include <string.h>
#include <sys/socket.h>

static void
fill(struct client *c, size_t len)
{
	static uint8_t zeros[64 * 1024];

	end_write(&c->end, zeros, len);
}

/* A TPKT of that length, and bytes enough for it. */
static void
tpkt_length(struct client *c)
{
	uint8_t head[4] = {3, 0, (uint8_t)(c->at->n >> 8), (uint8_t)c->at->n};

	end_write(&c->end, head, sizeof(head));
	fill(c, c->at->n < 16 ? 16 : c->at->n - 4);
}

enum request_fault {
	REQUEST_INDICATOR,
	REQUEST_CODE,
	REQUEST_COOKIE,
	REQUEST_TRAILING,
	REQUEST_LEGACY,
	REQUEST_RDSTLS
};

static void
bad_request(struct client *c)
{
	uint8_t bytes[64] = {3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0,
	                     0, 1, 0, 8,  0,  3,    0, 0, 0};
	size_t len = 19;

	switch ((enum request_fault)c->at->n) {
	case REQUEST_INDICATOR:
		bytes[4] = 200;
		break;
	case REQUEST_CODE:
		bytes[5] = 0xd0;
		break;
	case REQUEST_COOKIE:
		memset(bytes + 11, 'C', 8);
		break;
	case REQUEST_TRAILING:
		len = 40;
		break;
	case REQUEST_LEGACY:
		bytes[15] = 0;
		break;
	case REQUEST_RDSTLS:
		bytes[15] = 4;
		break;
	}
	end_write(&c->end, bytes, len);
}

static void
preconnections(struct client *c)
{
	static const uint8_t blob[16] = {16, 0, 0, 0, 0, 0, 0, 0, 1};
	static const uint8_t end[4] = {0xff, 0xff, 0xff, 0xff};

	for (int i = 0; i < 1000 && !c->end.closed; i++)
		end_write(&c->end, blob, sizeof(blob));
	end_write(&c->end, end, sizeof(end));
}

/* Connect Initial, whole but for what n says. */
static void
cut_initial(struct client *c)
{
	static struct message m;

	message_connect_initial(&m, &message_sides);
	m.len = m.len / 2;
	m.bytes[2] = (uint8_t)(m.len >> 8);
	m.bytes[3] = (uint8_t)m.len;
	end_write(&c->end, m.bytes, m.len);
}

static void
long_initial(struct client *c)
{
	static uint8_t bytes[65535] = {3,    0,    0xff, 0xff, 2,   0xf0,
	                               0x80, 0x7f, 0x65, 0x82, 255, 250};

	end_write(&c->end, bytes, sizeof(bytes));
}

static void
two_initials(struct client *c)
{
	static struct message m;

	message_connect_initial(&m, &message_sides);
	end_write(&c->end, m.bytes, m.len);
	end_write(&c->end, m.bytes, m.len);
}

static void
many_channels(struct client *c)
{
	static struct message m;
	struct message_sides sides = message_sides;

	sides.channel_count = c->at->n;
	for (uint32_t i = 3; i < 40; i++)
		sides.channels[i] = sides.channels[0];
	message_connect_initial(&m, &sides);
	end_write(&c->end, m.bytes, m.len);
}

/* The count of CS_NET alone; it follows the block's four bytes. */
static void
lying_channels(struct client *c)
{
	static struct message m;
	static const uint8_t head[] = {0x03, 0xc0, 0x2c, 0};

	message_connect_initial(&m, &message_sides);
	for (size_t i = 0; i + 8 < m.len; i++) {
		if (memcmp(m.bytes + i, head, sizeof(head)) == 0)
			memset(m.bytes + i + 4, 0xff, 4);
	}
	end_write(&c->end, m.bytes, m.len);
}

static void
two_rdpdr(struct client *c)
{
	static struct message m;
	struct message_sides sides = message_sides;

	sides.channels[0] = sides.channels[1];
	message_connect_initial(&m, &sides);
	end_write(&c->end, m.bytes, m.len);
}

static void
to_client_info(struct client *c)
{
	static const uint8_t attach_user[] = {3, 0, 0, 8, 2, 0xf0, 0x80, 0x28};
	static struct message m;

	message_connect_initial(&m, &message_sides);
	end_write(&c->end, m.bytes, m.len);
	(void)end_read(&c->end, 5000);
	end_write(&c->end, attach_user, sizeof(attach_user));
	(void)end_read(&c->end, 5000);
}

/* One of its five lengths lies; n is its place: domain, user, ... */
static void
lying_info(struct client *c)
{
	const struct message_info info = {.flags = 0x10,
	                                  .domain = "domain",
	                                  .user = "mallory",
	                                  .password = "secret",
	                                  .address = "127.0.0.1"};
	uint8_t data[1024];
	struct wire_out out = wire_out(data, sizeof(data));

	to_client_info(c);
	message_info(&out, &info);
	wire_set_u16(&out, 12 + 2 * c->at->n, 0xffff);
	end_data(&c->end, END_IO, wire_written(&out));
}

static void
short_info(struct client *c)
{
	static const uint8_t data[14] = {0x40, 0, 0, 0, 9, 4, 0, 0, 0x10};

	to_client_info(c);
	end_data(&c->end, END_IO, (struct wire_view){data, sizeof(data)});
}

/* ---- after activation */

static void
channel_unknown(struct client *c)
{
	static const uint8_t data[600] = {1};

	for (unsigned id = 0; id < 0xffff; id += 1021) {
		if (id != END_RDPDR && id != END_IO)
			end_data(&c->end, (uint16_t)id,
			         (struct wire_view){data, sizeof(data)});
	}
}

/* A frame to rdpdr whose inner length is not what is there. */
static void
lying_user_data(struct client *c)
{
	uint8_t bytes[] = {3,    0,    0,    30,   2,  0xf0, 0x80, 0x64, 0, 7,
	                   0x03, 0xed, 0x70, 0x7f, 16, 0,    0,    0,    3, 0,
	                   0,    0,    1,    2,    3,  4,    5,    6,    7, 8};

	end_write(&c->end, bytes, sizeof(bytes));
}

static void
no_channel_header(struct client *c)
{
	end_data(&c->end, END_RDPDR,
	         (struct wire_view){(const uint8_t *)"\1\2\3", 3});
}

static void
fast_path_length(struct client *c)
{
	uint8_t bytes[8] = {0x44, (uint8_t)c->at->n};

	end_write(&c->end, bytes, sizeof(bytes));
}

static void
half_close(struct client *c)
{
	(void)shutdown(c->end.fd, SHUT_WR);
}

static void
garbage(struct client *c)
{
	uint8_t bytes[4000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 43);
	end_write(&c->end, bytes, sizeof(bytes));
}

static const char refused[] = "connection-refused";
static const char protocol[] = "protocol-fault";
static const char not_rdp[] = "the first bytes are not RDP";
static const char unframed[] = "neither TPKT nor fast-path";

/* clang-format off */
#define TCP(name, what, run, n) {name, STAGE_TCP, FATE_ENDS, refused, what, run, NULL, n, NULL, NULL, 0}
#define TLS(name, what, run, n) {name, STAGE_TLS, FATE_ENDS, protocol, what, run, NULL, n, NULL, NULL, 0}
#define ACTIVE(name, what, run, n) {name, STAGE_ACTIVE, FATE_ENDS, protocol, what, run, NULL, n, NULL, NULL, 0}

const struct adversary_case cases_sequence[] = {
	TCP("x224-tpkt-0", not_rdp, tpkt_length, 0),
	TCP("x224-tpkt-1", not_rdp, tpkt_length, 1),
	TCP("x224-tpkt-2", not_rdp, tpkt_length, 2),
	TCP("x224-tpkt-3", not_rdp, tpkt_length, 3),
	TCP("x224-tpkt-4", not_rdp, tpkt_length, 4),
	TCP("x224-tpkt-5", not_rdp, tpkt_length, 5),
	TCP("x224-tpkt-6", not_rdp, tpkt_length, 6),
	TCP("x224-tpkt-4097", not_rdp, tpkt_length, 4097),
	TCP("x224-tpkt-65535", not_rdp, tpkt_length, 65535),
	TCP("x224-zeros", "malformed connection request", tpkt_length, 4096),
	TCP("x224-garbage", not_rdp, garbage, 0),
	TCP("x224-indicator", "malformed connection request", bad_request, REQUEST_INDICATOR),
	TCP("x224-code", "malformed connection request", bad_request, REQUEST_CODE),
	TCP("x224-cookie", "malformed connection request", bad_request, REQUEST_COOKIE),
	TCP("x224-trailing", "bytes after the connection request", bad_request, REQUEST_TRAILING),
	TCP("x224-legacy", "does not offer TLS", bad_request, REQUEST_LEGACY),
	TCP("x224-rdstls", "does not offer TLS", bad_request, REQUEST_RDSTLS),
	TCP("x224-preconnections", not_rdp, preconnections, 0),
	TLS("mcs-tpkt-0", unframed, tpkt_length, 0),
	TLS("mcs-tpkt-1", unframed, tpkt_length, 1),
	TLS("mcs-tpkt-2", unframed, tpkt_length, 2),
	TLS("mcs-tpkt-3", unframed, tpkt_length, 3),
	TLS("mcs-tpkt-4", "", tpkt_length, 4),
	TLS("mcs-tpkt-5", "", tpkt_length, 5),
	TLS("mcs-tpkt-6", "", tpkt_length, 6),
	TLS("mcs-tpkt-65535", "", tpkt_length, 65535),
	TLS("mcs-garbage", unframed, garbage, 0),
	TLS("mcs-cut", "MCS: user data of Connect Initial", cut_initial, 0),
	TLS("mcs-long", "MCS: ", long_initial, 0),
	TLS("mcs-twice", "MCS: a second Connect Initial", two_initials, 0),
	TLS("gcc-32-channels", "above 31", many_channels, 32),
	TLS("gcc-40-channels", "above 31", many_channels, 40),
	TLS("gcc-channels-lie", "GCC: ", lying_channels, 0),
	TLS("gcc-rdpdr-twice", "names rdpdr twice", two_rdpdr, 0),
	TLS("info-domain", "Client Info: domain", lying_info, 0),
	TLS("info-user", "Client Info: user", lying_info, 1),
	TLS("info-password", "Client Info: ", lying_info, 2),
	TLS("info-shell", "Client Info: ", lying_info, 3),
	TLS("info-directory", "Client Info: ", lying_info, 4),
	TLS("info-short", "Client Info: ", short_info, 0),
	{"mcs-channel-unknown", STAGE_ACTIVE, FATE_LIVES, NULL, NULL, channel_unknown, NULL, 0, NULL, NULL, 0},
	ACTIVE("mcs-user-data", "user data length of an rdpdr frame", lying_user_data, 0),
	ACTIVE("mcs-channel-header", "rdpdr: channel header", no_channel_header, 0),
	ACTIVE("mcs-late-initial", "MCS: a second Connect Initial", two_initials, 0),
	ACTIVE("fast-path-0", unframed, fast_path_length, 0),
	ACTIVE("fast-path-1", unframed, fast_path_length, 1),
	{"half-close", STAGE_CARD, FATE_ENDS, "client-closed", "", half_close, NULL, 0, NULL, NULL, 0},
	{.name = NULL},
};
/* clang-format on */
