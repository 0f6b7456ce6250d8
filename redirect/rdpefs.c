#include "rdpefs.h"

#include <string.h>

enum {
	CAP_HEADER_LEN = 8,
	GENERAL_VERSION_1 = 1,
	GENERAL_VERSION_2 = 2,
	SMARTCARD_VERSION_1 = 1,
	OS_TYPE_WINNT = 2,
	CONTROL_PADDING_LEN = 20,
	/* All IRPs a general set may name, 2.2.2.7.1. */
	IO_CODES_ALL = 0xFFFF
};

/*
 * Reads that say which field they are after.
 */

static uint16_t
take_u16(struct wire_in *in, const char *field)
{
	wire_field(in, field);
	return wire_u16(in);
}

static uint32_t
take_u32(struct wire_in *in, const char *field)
{
	wire_field(in, field);
	return wire_u32(in);
}

static uint32_t
take_count(struct wire_in *in, const char *field, uint32_t max)
{
	wire_field(in, field);
	return wire_count(in, max);
}

static struct wire_view
take_bytes(struct wire_in *in, const char *field, size_t len)
{
	wire_field(in, field);
	return wire_bytes(in, len);
}

bool
rdpefs_header_decode(struct wire_in *in, struct rdpefs_header *header)
{
	header->component = take_u16(in, "Component");
	header->packet = take_u16(in, "PacketId");
	return wire_ok(in);
}

static void
put_header(struct wire_out *out, enum rdpefs_packet packet)
{
	wire_put_u16(out, RDPEFS_CORE);
	wire_put_u16(out, (uint16_t)packet);
}

const char *
rdpefs_packet_name(uint16_t packet)
{
	static const struct {
		uint16_t packet;
		const char *name;
	} names[] = {
	    {RDPEFS_SERVER_ANNOUNCE, "server announce"},
	    {RDPEFS_CLIENT_ID_CONFIRM, "client id confirm"},
	    {RDPEFS_CLIENT_NAME, "client name"},
	    {RDPEFS_SERVER_CAPABILITY, "server capability"},
	    {RDPEFS_CLIENT_CAPABILITY, "client capability"},
	    {RDPEFS_DEVICE_LIST_ANNOUNCE, "device list announce"},
	    {RDPEFS_DEVICE_LIST_REMOVE, "device list remove"},
	    {RDPEFS_DEVICE_REPLY, "device reply"},
	    {RDPEFS_DEVICE_REQUEST, "device request"},
	    {RDPEFS_DEVICE_COMPLETION, "device completion"},
	    {RDPEFS_USER_LOGGED_ON, "user logged on"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].packet == packet)
			return names[i].name;
	return "unknown";
}

bool
rdpefs_announce_decode(struct wire_in *in, struct rdpefs_announce *announce)
{
	announce->major = take_u16(in, "VersionMajor");
	announce->minor = take_u16(in, "VersionMinor");
	announce->client_id = take_u32(in, "ClientId");
	return wire_ok(in);
}

void
rdpefs_announce_encode(struct wire_out *out, enum rdpefs_packet packet,
                       const struct rdpefs_announce *announce)
{
	put_header(out, packet);
	wire_put_u16(out, announce->major);
	wire_put_u16(out, announce->minor);
	wire_put_u32(out, announce->client_id);
}

bool
rdpefs_client_name_decode(struct wire_in *in, struct rdpefs_client_name *name)
{
	uint32_t len;

	/* Only the lowest bit is defined; Windows leaves dirt in the others. */
	name->wide = (take_u32(in, "UnicodeFlag") & 1) != 0;
	name->code_page = take_u32(in, "CodePage");
	len = take_count(in, "ComputerNameLen", RDPEFS_NAME_MAX);
	name->name = take_bytes(in, "ComputerName", len);
	return wire_ok(in);
}

void
rdpefs_client_name_encode(struct wire_out *out,
                          const struct rdpefs_client_name *name)
{
	put_header(out, RDPEFS_CLIENT_NAME);
	wire_put_u32(out, name->wide ? 1 : 0);
	wire_put_u32(out, name->code_page);
	wire_put_u32(out, (uint32_t)name->name.len);
	wire_put_view(out, name->name);
}

/* One capability set; its length counts its own header. */
static void
take_cap(struct wire_in *in, struct rdpefs_cap *cap)
{
	uint16_t len;

	cap->type = take_u16(in, "CapabilityType");
	len = take_u16(in, "CapabilityLength");
	cap->version = take_u32(in, "Version");
	if (len < CAP_HEADER_LEN) {
		wire_field(in, "CapabilityLength");
		wire_fail(in, WIRE_VALUE);
		return;
	}
	cap->data =
	    take_bytes(in, "capabilityData", (size_t)len - CAP_HEADER_LEN);
}

bool
rdpefs_caps_decode(struct wire_in *in, struct rdpefs_caps *caps)
{
	uint16_t count = take_u16(in, "numCapabilities");

	wire_skip(in, 2); /* padding */
	caps->count = 0;
	if (count > RDPEFS_CAPS_MAX)
		wire_fail(in, WIRE_LIMIT);
	for (; caps->count < count && wire_ok(in); caps->count++)
		take_cap(in, &caps->list[caps->count]);
	return wire_ok(in);
}

static void
put_cap(struct wire_out *out, const struct rdpefs_cap *cap)
{
	wire_put_u16(out, cap->type);
	wire_put_u16(out, (uint16_t)(cap->data.len + CAP_HEADER_LEN));
	wire_put_u32(out, cap->version);
	wire_put_view(out, cap->data);
}

void
rdpefs_caps_encode(struct wire_out *out, enum rdpefs_packet packet,
                   const struct rdpefs_caps *caps)
{
	put_header(out, packet);
	wire_put_u16(out, (uint16_t)caps->count);
	wire_put_u16(out, 0);
	for (size_t i = 0; i < caps->count; i++)
		put_cap(out, &caps->list[i]);
}

const struct rdpefs_cap *
rdpefs_caps_find(const struct rdpefs_caps *caps, enum rdpefs_cap_type type)
{
	for (size_t i = 0; i < caps->count; i++)
		if (caps->list[i].type == type)
			return &caps->list[i];
	return NULL;
}

bool
rdpefs_caps_remove(struct rdpefs_caps *caps, enum rdpefs_cap_type type)
{
	size_t kept = 0;
	bool found;

	for (size_t i = 0; i < caps->count; i++)
		if (caps->list[i].type != type)
			caps->list[kept++] = caps->list[i];
	found = kept < caps->count;
	caps->count = kept;
	return found;
}

bool
rdpefs_caps_add_smartcard(struct rdpefs_caps *caps)
{
	static const struct rdpefs_cap set = {.type = RDPEFS_CAP_SMARTCARD,
	                                      .version = SMARTCARD_VERSION_1};

	if (rdpefs_caps_find(caps, RDPEFS_CAP_SMARTCARD) != NULL)
		return true;
	if (caps->count == RDPEFS_CAPS_MAX)
		return false;
	caps->list[caps->count++] = set;
	return true;
}

bool
rdpefs_general_decode(const struct rdpefs_cap *cap,
                      struct rdpefs_general *general)
{
	struct wire_in in = wire_in_view(cap->data);

	general->os_type = wire_u32(&in);
	general->os_version = wire_u32(&in);
	general->major = wire_u16(&in);
	general->minor = wire_u16(&in);
	general->io_code1 = wire_u32(&in);
	general->io_code2 = wire_u32(&in);
	general->extended_pdu = wire_u32(&in);
	general->extra_flags1 = wire_u32(&in);
	general->extra_flags2 = wire_u32(&in);
	general->special_type_count =
	    cap->version >= GENERAL_VERSION_2 ? wire_u32(&in) : 0;
	return wire_ok(&in);
}

uint32_t
rdpefs_caps_extended(const struct rdpefs_caps *caps)
{
	const struct rdpefs_cap *cap =
	    rdpefs_caps_find(caps, RDPEFS_CAP_GENERAL);
	struct rdpefs_general general;

	if (cap == NULL || !rdpefs_general_decode(cap, &general))
		return 0;
	return general.extended_pdu;
}

static void
put_general(struct wire_out *out, const struct rdpefs_general *general)
{
	wire_put_u32(out, general->os_type);
	wire_put_u32(out, general->os_version);
	wire_put_u16(out, general->major);
	wire_put_u16(out, general->minor);
	wire_put_u32(out, general->io_code1);
	wire_put_u32(out, general->io_code2);
	wire_put_u32(out, general->extended_pdu);
	wire_put_u32(out, general->extra_flags1);
	wire_put_u32(out, general->extra_flags2);
	wire_put_u32(out, general->special_type_count);
}

void
rdpefs_own_caps_encode(struct wire_out *out)
{
	static const struct rdpefs_general ours = {
	    .os_type = OS_TYPE_WINNT,
	    .major = RDPEFS_VERSION_MAJOR,
	    .minor = RDPEFS_VERSION_MINOR,
	    .io_code1 = IO_CODES_ALL,
	    .extended_pdu =
		RDPEFS_EXT_DEVICE_REMOVE | RDPEFS_EXT_USER_LOGGED_ON,
	};
	uint8_t data[RDPEFS_GENERAL_LEN];
	struct wire_out set = wire_out(data, sizeof(data));
	struct rdpefs_caps caps = {.count = 1};

	put_general(&set, &ours);
	caps.list[0].type = RDPEFS_CAP_GENERAL;
	caps.list[0].version = GENERAL_VERSION_2;
	caps.list[0].data = wire_written(&set);
	(void)rdpefs_caps_add_smartcard(&caps);
	rdpefs_caps_encode(out, RDPEFS_SERVER_CAPABILITY, &caps);
}

static void
take_device(struct wire_in *in, struct rdpefs_device *device)
{
	struct wire_view name;
	uint32_t len;

	device->type = take_u32(in, "DeviceType");
	device->id = take_u32(in, "DeviceId");
	name = take_bytes(in, "PreferredDosName", RDPEFS_DOS_NAME_LEN);
	if (name.len > 0)
		memcpy(device->dos_name, name.data, RDPEFS_DOS_NAME_LEN);
	len = take_count(in, "DeviceDataLength", RDPEFS_DATA_MAX);
	device->data = take_bytes(in, "DeviceData", len);
}

bool
rdpefs_devices_decode(struct wire_in *in, struct rdpefs_devices *devices)
{
	uint32_t count = take_count(in, "DeviceCount", RDPEFS_DEVICES_MAX);

	devices->count = 0;
	for (; devices->count < count && wire_ok(in); devices->count++)
		take_device(in, &devices->list[devices->count]);
	return wire_ok(in);
}

void
rdpefs_devices_encode(struct wire_out *out,
                      const struct rdpefs_devices *devices)
{
	put_header(out, RDPEFS_DEVICE_LIST_ANNOUNCE);
	wire_put_u32(out, (uint32_t)devices->count);
	for (size_t i = 0; i < devices->count; i++) {
		const struct rdpefs_device *device = &devices->list[i];

		wire_put_u32(out, device->type);
		wire_put_u32(out, device->id);
		wire_put_bytes(out, device->dos_name, RDPEFS_DOS_NAME_LEN);
		wire_put_u32(out, (uint32_t)device->data.len);
		wire_put_view(out, device->data);
	}
}

bool
rdpefs_removal_decode(struct wire_in *in, struct rdpefs_removal *removal)
{
	uint32_t count = take_count(in, "DeviceCount", RDPEFS_DEVICES_MAX);

	removal->count = 0;
	for (; removal->count < count && wire_ok(in); removal->count++)
		removal->ids[removal->count] = take_u32(in, "DeviceIds");
	return wire_ok(in);
}

void
rdpefs_removal_encode(struct wire_out *out,
                      const struct rdpefs_removal *removal)
{
	put_header(out, RDPEFS_DEVICE_LIST_REMOVE);
	wire_put_u32(out, (uint32_t)removal->count);
	for (size_t i = 0; i < removal->count; i++)
		wire_put_u32(out, removal->ids[i]);
}

bool
rdpefs_reply_decode(struct wire_in *in, struct rdpefs_reply *reply)
{
	reply->device_id = take_u32(in, "DeviceId");
	reply->result = take_u32(in, "ResultCode");
	return wire_ok(in);
}

void
rdpefs_reply_encode(struct wire_out *out, const struct rdpefs_reply *reply)
{
	put_header(out, RDPEFS_DEVICE_REPLY);
	wire_put_u32(out, reply->device_id);
	wire_put_u32(out, reply->result);
}

void
rdpefs_logged_on_encode(struct wire_out *out)
{
	put_header(out, RDPEFS_USER_LOGGED_ON);
}

bool
rdpefs_request_decode(struct wire_in *in, struct rdpefs_request *request)
{
	request->device_id = take_u32(in, "DeviceId");
	request->file_id = take_u32(in, "FileId");
	request->completion_id = take_u32(in, "CompletionId");
	request->major = take_u32(in, "MajorFunction");
	request->minor = take_u32(in, "MinorFunction");
	request->body = wire_rest(in);
	return wire_ok(in);
}

void
rdpefs_request_encode(struct wire_out *out,
                      const struct rdpefs_request *request)
{
	put_header(out, RDPEFS_DEVICE_REQUEST);
	wire_put_u32(out, request->device_id);
	wire_put_u32(out, request->file_id);
	wire_put_u32(out, request->completion_id);
	wire_put_u32(out, request->major);
	wire_put_u32(out, request->minor);
	wire_put_view(out, request->body);
}

bool
rdpefs_control_decode(struct wire_in *in, struct rdpefs_control *control)
{
	uint32_t len;

	control->output_len = take_u32(in, "OutputBufferLength");
	len = take_count(in, "InputBufferLength", RDPEFS_DATA_MAX);
	control->code = take_u32(in, "IoControlCode");
	wire_skip(in, CONTROL_PADDING_LEN);
	control->input = take_bytes(in, "InputBuffer", len);
	return wire_ok(in);
}

void
rdpefs_control_encode(struct wire_out *out,
                      const struct rdpefs_request *request,
                      const struct rdpefs_control *control)
{
	struct rdpefs_request head = *request;

	head.major = RDPEFS_IRP_DEVICE_CONTROL;
	head.minor = 0;
	head.body = wire_view_text(NULL);
	rdpefs_request_encode(out, &head);
	wire_put_u32(out, control->output_len);
	wire_put_u32(out, (uint32_t)control->input.len);
	wire_put_u32(out, control->code);
	wire_put_zeros(out, CONTROL_PADDING_LEN);
	wire_put_view(out, control->input);
}

bool
rdpefs_completion_decode(struct wire_in *in,
                         struct rdpefs_completion *completion)
{
	completion->device_id = take_u32(in, "DeviceId");
	completion->completion_id = take_u32(in, "CompletionId");
	completion->status = take_u32(in, "IoStatus");
	completion->body = wire_rest(in);
	return wire_ok(in);
}

void
rdpefs_completion_encode(struct wire_out *out,
                         const struct rdpefs_completion *completion)
{
	put_header(out, RDPEFS_DEVICE_COMPLETION);
	wire_put_u32(out, completion->device_id);
	wire_put_u32(out, completion->completion_id);
	wire_put_u32(out, completion->status);
	wire_put_view(out, completion->body);
}

bool
rdpefs_output_decode(struct wire_in *in, struct wire_view *output)
{
	uint32_t len = 0;

	if (in->left > 0)
		len = take_count(in, "OutputBufferLength", RDPEFS_DATA_MAX);
	*output = take_bytes(in, "OutputBuffer", len);
	return wire_ok(in);
}

void
rdpefs_output_encode(struct wire_out *out,
                     const struct rdpefs_completion *completion,
                     struct wire_view output)
{
	struct rdpefs_completion head = *completion;

	head.body = wire_view_text(NULL);
	rdpefs_completion_encode(out, &head);
	wire_put_u32(out, (uint32_t)output.len);
	wire_put_view(out, output);
}
