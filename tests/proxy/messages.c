#include "messages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct message_sides message_sides = {
    .client_name = "WORKSTATION",
    .has_selected = true,
    .selected = 1,
    .has_requested = true,
    .requested = 3,
    .client_transports = 0x305,
    .server_transports = 0x105,
    .channels =
	{
	    {"cliprdr", 0xc0a00000, 1004},
	    {"RDPDR", 0x80c00000 | 0x00200000, 1005},
	    {"drdynvc", 0x80800000, 1006},
	},
    .channel_count = 3,
    .io_channel = 1003,
    .message_channel = 1007,
    .user_channel = 1008,
};

void
message_text16(struct wire_out *out, const char *text)
{
	for (; *text != '\0'; text++)
		wire_put_u16(out, (uint8_t)*text);
}

static void
put_filled(struct wire_out *out, const char *text, size_t len)
{
	size_t end = out->len + len;

	wire_put_bytes(out, text, strlen(text));
	wire_put_zeros(out, end - out->len);
}

/* A block's header; its length is filled in by end_block. */
static size_t
begin_block(struct wire_out *out, uint16_t type)
{
	size_t start = out->len;

	wire_put_u16(out, type);
	(void)wire_reserve(out, 2);
	return start;
}

static void
end_block(struct wire_out *out, size_t start)
{
	wire_set_u16(out, start + 2, (uint16_t)(out->len - start));
}

static void
put_cs_core(struct wire_out *out, const struct message_sides *sides)
{
	size_t start = begin_block(out, 0xc001);
	size_t name_end;

	wire_put_u32(out, 0x00080004); /* version */
	wire_put_u16(out, 1024);       /* desktopWidth */
	wire_put_u16(out, 768);        /* desktopHeight */
	wire_put_u16(out, 0xca01);     /* colorDepth */
	wire_put_u16(out, 0xaa03);     /* SASSequence */
	wire_put_u32(out, 0x409);      /* keyboardLayout */
	wire_put_u32(out, 2600);       /* clientBuild */
	name_end = out->len + 32;
	message_text16(out, sides->client_name);
	wire_put_zeros(out, name_end - out->len);
	wire_put_u32(out, 4);    /* keyboardType */
	wire_put_u32(out, 0);    /* keyboardSubType */
	wire_put_u32(out, 12);   /* keyboardFunctionKey */
	wire_put_zeros(out, 64); /* imeFileName */
	if (sides->has_selected) {
		wire_put_u16(out, 0xca01); /* postBeta2ColorDepth */
		wire_put_u16(out, 1);      /* clientProductId */
		wire_put_u32(out, 0);      /* serialNumber */
		wire_put_u16(out, 24);     /* highColorDepth */
		wire_put_u16(out, 15);     /* supportedColorDepths */
		wire_put_u16(out, 0x0dff); /* earlyCapabilityFlags */
		wire_put_zeros(out, 64);   /* clientDigProductId */
		wire_put_u8(out, 6);       /* connectionType */
		wire_put_u8(out, 0);       /* pad1octet */
		wire_put_u32(out, sides->selected);
	}
	end_block(out, start);
}

static void
put_cs_net(struct wire_out *out, const struct message_sides *sides)
{
	size_t start = begin_block(out, 0xc003);

	wire_put_u32(out, sides->channel_count);
	for (uint32_t i = 0; i < sides->channel_count; i++) {
		put_filled(out, sides->channels[i].name, 8);
		wire_put_u32(out, sides->channels[i].options);
	}
	end_block(out, start);
}

static void
put_u32_block(struct wire_out *out, uint16_t type, uint32_t value)
{
	size_t start = begin_block(out, type);

	wire_put_u32(out, value);
	end_block(out, start);
}

void
message_client_blocks(struct wire_out *out, const struct message_sides *sides)
{
	put_cs_core(out, sides);
	put_u32_block(out, 0xc00c, 0x12345678); /* a block nobody documents */
	put_cs_net(out, sides);
	put_u32_block(out, 0xc006, 0); /* CS_MCS_MSGCHANNEL */
	put_u32_block(out, 0xc00a, sides->client_transports);
}

static void
put_sc_net(struct wire_out *out, const struct message_sides *sides)
{
	size_t start = begin_block(out, 0x0c03);

	wire_put_u16(out, sides->io_channel);
	wire_put_u16(out, (uint16_t)sides->channel_count);
	for (uint32_t i = 0; i < sides->channel_count; i++)
		wire_put_u16(out, sides->channels[i].id);
	if (sides->channel_count % 2 == 1)
		wire_put_u16(out, 0);
	end_block(out, start);
}

void
message_server_blocks(struct wire_out *out, const struct message_sides *sides)
{
	size_t start = begin_block(out, 0x0c01);

	wire_put_u32(out, 0x00080004); /* version */
	if (sides->has_requested) {
		wire_put_u32(out, sides->requested);
		wire_put_u32(out, 1); /* earlyCapabilityFlags */
	}
	end_block(out, start);
	put_sc_net(out, sides);
	start = begin_block(out, 0x0c02); /* SC_SECURITY: none */
	wire_put_zeros(out, 8);
	end_block(out, start);
	if (sides->message_channel != 0) {
		start = begin_block(out, 0x0c04);
		wire_put_u16(out, sides->message_channel);
		end_block(out, start);
	}
	put_u32_block(out, 0x0c08, sides->server_transports);
}

/* PER, always the form of two bytes. */
static void
put_per_sized(struct wire_out *out, struct wire_view view)
{
	wire_put_u16_be(out, (uint16_t)(0x8000 | view.len));
	wire_put_view(out, view);
}

static void
put_gcc(struct wire_out *out, const void *head, size_t len, const char *key,
        struct wire_view blocks)
{
	static const uint8_t object[] = {0, 5, 0, 0x14, 0x7c, 0, 1};

	wire_put_bytes(out, object, sizeof(object));
	wire_put_u16_be(out, (uint16_t)(0x8000 | (blocks.len + len + 9)));
	wire_put_bytes(out, head, len);
	wire_put_u8(out, 1);    /* one set */
	wire_put_u8(out, 0xc0); /* H.221 */
	wire_put_u8(out, 0);    /* key of 4 bytes */
	wire_put_bytes(out, key, 4);
	put_per_sized(out, blocks);
}

void
message_gcc_request(struct wire_out *out, struct wire_view blocks)
{
	static const uint8_t head[] = {0, 8, 0, 0x10, 0};

	put_gcc(out, head, sizeof(head), "Duca", blocks);
}

void
message_gcc_response(struct wire_out *out, struct wire_view blocks)
{
	static const uint8_t head[] = {0x14, 0x76, 0x0a, 1, 1, 0};

	put_gcc(out, head, sizeof(head), "McDn", blocks);
}

/* TPKT and X.224; end_frame fills in the length. */
static struct wire_out
begin_frame(struct message *m)
{
	static const uint8_t head[] = {3, 0, 0, 0, 2, 0xf0, 0x80};
	struct wire_out out = wire_out(m->bytes, sizeof(m->bytes));

	wire_put_bytes(&out, head, sizeof(head));
	return out;
}

static void
end_frame(struct message *m, struct wire_out *out)
{
	wire_set_u16_be(out, 2, (uint16_t)out->len);
	assert(wire_out_ok(out));
	m->len = out->len;
}

static void
put_ber_head(struct wire_out *out, uint8_t tag, size_t len)
{
	wire_put_u8(out, tag);
	wire_put_u8(out, 0x82);
	wire_put_u16_be(out, (uint16_t)len);
}

/* Eight integers of one byte. */
static void
put_domain(struct wire_out *out)
{
	wire_put_u8(out, 0x30);
	wire_put_u8(out, 8 * 3);
	for (uint8_t i = 0; i < 8; i++) {
		wire_put_u8(out, 2);
		wire_put_u8(out, 1);
		wire_put_u8(out, i);
	}
}

void
message_connect_initial(struct message *m, const struct message_sides *sides)
{
	static const uint8_t selectors[] = {4, 1, 1, 4, 1, 1, 1, 1, 0xff};
	uint8_t block_bytes[2048], gcc_bytes[2200];
	struct wire_out blocks = wire_out(block_bytes, sizeof(block_bytes));
	struct wire_out gcc = wire_out(gcc_bytes, sizeof(gcc_bytes));
	struct wire_out out = begin_frame(m);

	message_client_blocks(&blocks, sides);
	message_gcc_request(&gcc, wire_written(&blocks));
	assert(wire_out_ok(&blocks) && wire_out_ok(&gcc));
	wire_put_u8(&out, 0x7f);
	put_ber_head(&out, 0x65, sizeof(selectors) + 3 * 26 + 4 + gcc.len);
	wire_put_bytes(&out, selectors, sizeof(selectors));
	for (int i = 0; i < 3; i++)
		put_domain(&out);
	put_ber_head(&out, 4, gcc.len);
	wire_put_view(&out, wire_written(&gcc));
	end_frame(m, &out);
}

void
message_connect_response(struct message *m, const struct message_sides *sides)
{
	static const uint8_t result[] = {0x0a, 1, 0, 2, 1, 0};
	uint8_t block_bytes[2048], gcc_bytes[2200];
	struct wire_out blocks = wire_out(block_bytes, sizeof(block_bytes));
	struct wire_out gcc = wire_out(gcc_bytes, sizeof(gcc_bytes));
	struct wire_out out = begin_frame(m);

	message_server_blocks(&blocks, sides);
	message_gcc_response(&gcc, wire_written(&blocks));
	assert(wire_out_ok(&blocks) && wire_out_ok(&gcc));
	wire_put_u8(&out, 0x7f);
	put_ber_head(&out, 0x66, sizeof(result) + 26 + 4 + gcc.len);
	wire_put_bytes(&out, result, sizeof(result));
	put_domain(&out);
	put_ber_head(&out, 4, gcc.len);
	wire_put_view(&out, wire_written(&gcc));
	end_frame(m, &out);
}

void
message_attach_confirm(struct message *m, uint16_t user)
{
	struct wire_out out = begin_frame(m);

	wire_put_u8(&out, 0x2e); /* choice 11, initiator present */
	wire_put_u8(&out, 0);    /* rt-successful */
	wire_put_u16_be(&out, (uint16_t)(user - 1001));
	end_frame(m, &out);
}

void
message_data(struct message *m, uint8_t choice, uint16_t initiator,
             uint16_t channel, struct wire_view data)
{
	struct wire_out out = begin_frame(m);

	wire_put_u8(&out, choice);
	wire_put_u16_be(&out, (uint16_t)(initiator - 1001));
	wire_put_u16_be(&out, channel);
	wire_put_u8(&out, 0x70);
	if (data.len < 0x80)
		wire_put_u8(&out, (uint8_t)data.len);
	else
		wire_put_u16_be(&out, (uint16_t)(0x8000 | data.len));
	wire_put_view(&out, data);
	end_frame(m, &out);
}

/* A text of Client Info in either form, with its terminator. */
static void
put_info_text(struct wire_out *out, bool unicode, const char *text)
{
	if (unicode)
		message_text16(out, text);
	else
		wire_put_bytes(out, text, strlen(text));
	wire_put_zeros(out, unicode ? 2 : 1);
}

void
message_info(struct wire_out *out, const struct message_info *info)
{
	bool unicode = info->flags & 0x10;
	const char *const texts[] = {info->domain, info->user, info->password,
	                             "", "C:\\"};

	wire_put_u16(out, 0x0040); /* SEC_INFO_PKT */
	wire_put_u16(out, 0);
	wire_put_u32(out, 0x409); /* CodePage */
	wire_put_u32(out, info->flags);
	for (size_t i = 0; i < 5; i++)
		wire_put_u16(out,
		             (uint16_t)(strlen(texts[i]) * (unicode ? 2 : 1)));
	for (size_t i = 0; i < 5; i++)
		put_info_text(out, unicode, texts[i]);
	if (info->address == NULL)
		return;
	wire_put_u16(out, 2); /* AF_INET */
	wire_put_u16(out, (uint16_t)(2 * strlen(info->address) + 2));
	put_info_text(out, true, info->address);
	wire_put_u16(out, 0);     /* cbClientDir */
	wire_put_zeros(out, 172); /* clientTimeZone */
}

/* License Error PDU, valid client: what servers without licensing send. */
void
message_license(struct wire_out *out)
{
	wire_put_u16(out, 0x0080); /* SEC_LICENSE_PKT */
	wire_put_u16(out, 0x0011); /* flagsHi may be anything */
	wire_put_u8(out, 0xff);    /* ERROR_ALERT */
	wire_put_u8(out, 3);
	wire_put_u16(out, 16);
	wire_put_u32(out, 7); /* STATUS_VALID_CLIENT */
	wire_put_u32(out, 2); /* ST_NO_TRANSITION */
	wire_put_u32(out, 0x00000004);
}

void
message_active(struct wire_out *out, uint8_t type, uint32_t vc_flags,
               uint32_t chunk_size)
{
	size_t start = out->len;
	size_t combined, sets;

	(void)wire_reserve(out, 2); /* totalLength */
	wire_put_u16(out, (uint16_t)(0x10 | type));
	wire_put_u16(out, 1002);       /* pduSource */
	wire_put_u32(out, 0x000103ea); /* shareId */
	if (type == 3)
		wire_put_u16(out, 1002); /* originatorId */
	wire_put_u16(out, 4);            /* lengthSourceDescriptor */
	combined = wire_reserve(out, 2);
	wire_put_bytes(out, "RDP", 4);
	sets = out->len;
	wire_put_u16(out, 2); /* numberCapabilities */
	wire_put_u16(out, 0);
	wire_put_u16(out, 9); /* CAPSTYPE_SHARE */
	wire_put_u16(out, 8);
	wire_put_u32(out, 1002);
	wire_put_u16(out, 0x14); /* CAPSTYPE_VIRTUALCHANNEL */
	wire_put_u16(out, chunk_size == 0 ? 8 : 12);
	wire_put_u32(out, vc_flags);
	if (chunk_size != 0)
		wire_put_u32(out, chunk_size);
	wire_set_u16(out, combined, (uint16_t)(out->len - sets));
	if (type == 1)
		wire_put_u32(out, 0); /* sessionId */
	wire_set_u16(out, start, (uint16_t)(out->len - start));
}

void
message_share_data(struct wire_out *out, uint8_t data_type)
{
	wire_put_u16(out, 26);         /* totalLength */
	wire_put_u16(out, 0x17);       /* PDUTYPE_DATAPDU */
	wire_put_u16(out, 1002);       /* pduSource */
	wire_put_u32(out, 0x000103ea); /* shareId */
	wire_put_u8(out, 0);           /* pad1 */
	wire_put_u8(out, 1);           /* streamId */
	wire_put_u16(out, 26);         /* uncompressedLength */
	wire_put_u8(out, data_type);
	wire_put_u8(out, 0);  /* compressedType */
	wire_put_u16(out, 0); /* compressedLength */
	wire_put_u16(out, 0); /* numberEntries */
	wire_put_u16(out, 0); /* totalNumEntries */
	wire_put_u16(out, 3); /* mapFlags */
	wire_put_u16(out, 4); /* entrySize */
}

/* A share data header, its lengths filled in by end_share_data. */
static size_t
begin_share_data(struct wire_out *out, uint8_t data_type)
{
	size_t start = wire_reserve(out, 2); /* totalLength */

	wire_put_u16(out, 0x17);       /* PDUTYPE_DATAPDU */
	wire_put_u16(out, 1002);       /* pduSource */
	wire_put_u32(out, 0x000103ea); /* shareId */
	wire_put_u8(out, 0);           /* pad1 */
	wire_put_u8(out, 1);           /* streamId */
	wire_put_u16(out, 0);          /* uncompressedLength */
	wire_put_u8(out, data_type);
	wire_put_u8(out, 0);  /* compressedType */
	wire_put_u16(out, 0); /* compressedLength */
	return start;
}

static void
end_share_data(struct wire_out *out, size_t start)
{
	wire_set_u16(out, start, (uint16_t)(out->len - start));
	wire_set_u16(out, start + 12, (uint16_t)(out->len - start));
}

/* The bytes of a text with its terminator. */
static uint32_t
text16_len(const char *text)
{
	return text == NULL ? 0 : 2 * (uint32_t)strlen(text) + 2;
}

/* The same, filled up to a fixed length. */
static void
put_text16(struct wire_out *out, const char *text, size_t fixed)
{
	size_t len = text16_len(text);

	if (text != NULL) {
		message_text16(out, text);
		wire_put_u16(out, 0);
	}
	if (fixed > len)
		wire_put_zeros(out, fixed - len);
}

static void
put_logon_v1(struct wire_out *out, const struct message_logon *logon)
{
	wire_put_u32(out, text16_len(logon->domain));
	put_text16(out, logon->domain, 52);
	wire_put_u32(out, text16_len(logon->user));
	put_text16(out, logon->user, 512);
	wire_put_u32(out, logon->session_id);
}

/* Size as a server of 2019 states it: without the padding. */
static void
put_logon_v2(struct wire_out *out, const struct message_logon *logon)
{
	wire_put_u16(out, 1);  /* Version */
	wire_put_u32(out, 18); /* Size */
	wire_put_u32(out, logon->session_id);
	wire_put_u32(out, text16_len(logon->domain));
	wire_put_u32(out, text16_len(logon->user));
	wire_put_zeros(out, 558);
	put_text16(out, logon->domain, 0);
	put_text16(out, logon->user, 0);
}

static void
put_logon_extended(struct wire_out *out, const struct message_logon *logon)
{
	wire_put_u16(out, 6 + 32 + 12); /* Length */
	wire_put_u32(out, logon->fields);
	if (logon->fields & 1) {         /* LOGON_EX_AUTORECONNECTCOOKIE */
		wire_put_u32(out, 0x1c); /* cbFieldData */
		wire_put_u32(out, 0x1c); /* cbLen */
		wire_put_u32(out, 1);    /* Version */
		wire_put_u32(out, logon->session_id);
		wire_put_bytes(out, "cookie of secret", 16);
	}
	if (logon->fields & 2) { /* LOGON_EX_LOGONERRORS */
		wire_put_u32(out, 8);
		wire_put_u32(out, 0xfffffffe); /* LOGON_MSG_SESSION_CONTINUE */
		wire_put_u32(out, logon->session_id);
	}
	wire_put_zeros(out, 570);
}

void
message_logon(struct wire_out *out, const struct message_logon *logon)
{
	size_t start = begin_share_data(out, 0x26);

	wire_put_u32(out, logon->type);
	if (logon->type == 0)
		put_logon_v1(out, logon);
	if (logon->type == 1)
		put_logon_v2(out, logon);
	if (logon->type == 2)
		wire_put_zeros(out, 576);
	if (logon->type == 3)
		put_logon_extended(out, logon);
	end_share_data(out, start);
}

void
message_error_info(struct wire_out *out, uint32_t code)
{
	size_t start = begin_share_data(out, 0x2f);

	wire_put_u32(out, code);
	end_share_data(out, start);
}

uint8_t *
message_copy(const void *data, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);

	assert(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}
