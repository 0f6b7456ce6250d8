#include "fake_client.h"

#include "channel.h"
#include "exact.h"

enum { MESSAGE_MAX = 132 * 1024 };

static void
say(struct fake_client *client, const struct wire_out *out)
{
	if (!wire_out_ok(out))
		abort();
	fake_queue_put(&client->out, wire_written(out));
}

/* The answer of a call, in [MS-RDPEFS] clothes; the id carries the device. */
static void
on_answer(void *arg, uint32_t id, const struct ioctl *row,
          const struct esc_return *ret)
{
	struct fake_client *client = arg;
	static uint8_t data[MESSAGE_MAX];
	static uint8_t output[MESSAGE_MAX];
	struct wire_out out = wire_out(data, sizeof(data));
	struct wire_out body = wire_out(output, sizeof(output));
	struct rdpefs_completion completion = {
	    .device_id = client->cards[0].id,
	    .completion_id = id,
	};

	ioctl_return_encode(row, &body, ret);
	rdpefs_output_encode(&out, &completion, wire_written(&body));
	say(client, &out);
}

void
fake_client_init(struct fake_client *client)
{
	memset(client, 0, sizeof(*client));
	chunk_join_init(&client->in);
	fake_pcsc_init(&client->pcsc);
	client->pcsc.answer = on_answer;
	client->pcsc.arg = client;
	client->extended_pdu =
	    RDPEFS_EXT_DEVICE_REMOVE | RDPEFS_EXT_USER_LOGGED_ON;
	client->cards[0] = (struct rdpefs_device){
	    .type = RDPEFS_DEVICE_SMARTCARD,
	    .id = 1,
	    .dos_name = "SCARD",
	};
	client->card_count = 1;
}

void
fake_client_clear(struct fake_client *client)
{
	chunk_join_clear(&client->in);
	fake_pcsc_clear(&client->pcsc);
	fake_queue_clear(&client->out);
	fake_queue_clear(&client->others);
}

static void
on_server_announce(struct fake_client *client, struct wire_in *in)
{
	uint8_t data[128];
	struct wire_out out = wire_out(data, sizeof(data));
	struct wire_out name_out;
	struct rdpefs_announce announce;
	struct rdpefs_client_name name = {
	    .wide = true,
	    .name = {(const uint8_t *)"P\0C\0\0", 6},
	};

	if (!rdpefs_announce_decode(in, &announce))
		client->faults++;
	fake_pcsc_reset(&client->pcsc);
	client->announces++;
	client->server_id = announce.client_id;
	client->accepted = 0;
	if (client->keeps_client_id)
		announce.client_id = 0x4711;
	rdpefs_announce_encode(&out, RDPEFS_CLIENT_ID_CONFIRM, &announce);
	say(client, &out);
	name_out = wire_out(data, sizeof(data));
	rdpefs_client_name_encode(&name_out, &name);
	say(client, &name_out);
}

static void
on_server_caps(struct fake_client *client)
{
	uint8_t general[RDPEFS_GENERAL_LEN] = {0};
	uint8_t data[256];
	struct wire_out out = wire_out(data, sizeof(data));
	struct wire_out set = wire_out(general, sizeof(general));
	struct rdpefs_caps caps = {.count = 1};

	wire_put_zeros(&set, 20);
	wire_put_u32(&set, client->extended_pdu);
	caps.list[0] = (struct rdpefs_cap){
	    .type = RDPEFS_CAP_GENERAL,
	    .version = 2,
	    .data = {general, sizeof(general)},
	};
	rdpefs_caps_encode(&out, RDPEFS_CLIENT_CAPABILITY, &caps);
	say(client, &out);
}

void
fake_client_announce(struct fake_client *client)
{
	static const uint8_t drive_data[] = {'C', 0};
	uint8_t data[1024];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_devices devices = {.count = client->card_count};

	for (size_t i = 0; i < client->card_count; i++)
		devices.list[i] = client->cards[i];
	if (client->has_drive)
		devices.list[devices.count++] = (struct rdpefs_device){
		    .type = RDPEFS_DEVICE_DRIVE,
		    .id = FAKE_DRIVE,
		    .dos_name = "C",
		    .data = {drive_data, sizeof(drive_data)},
		};
	rdpefs_devices_encode(&out, &devices);
	say(client, &out);
}

void
fake_client_remove(struct fake_client *client, uint32_t device)
{
	uint8_t data[64];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_removal removal = {.ids = {device}, .count = 1};

	rdpefs_removal_encode(&out, &removal);
	say(client, &out);
}

void
fake_client_complete(struct fake_client *client, uint32_t device, uint32_t id)
{
	uint8_t data[64];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_completion completion = {
	    .device_id = device,
	    .completion_id = id,
	};

	rdpefs_output_encode(&out, &completion, (struct wire_view){.len = 0});
	say(client, &out);
}

static void
on_reply(struct fake_client *client, struct wire_in *in)
{
	struct rdpefs_reply reply;

	if (!rdpefs_reply_decode(in, &reply))
		client->faults++;
	else if (reply.result == RDPEFS_STATUS_SUCCESS)
		client->accepted++;
	else
		client->refused++;
}

static void
on_request(struct fake_client *client, struct wire_in *in,
           struct wire_view message)
{
	static struct esc_call call;
	struct rdpefs_request request;
	struct rdpefs_control control;
	const struct ioctl *row;
	struct wire_in body;

	if (!rdpefs_request_decode(in, &request)) {
		client->faults++;
		return;
	}
	if (request.device_id != client->cards[0].id ||
	    (client->hold_file != 0 && request.file_id == client->hold_file)) {
		fake_queue_put(&client->others, message);
		return;
	}
	if (client->accepted == 0)
		client->calls_early++;
	body = wire_in_view(request.body);
	if (!rdpefs_control_decode(&body, &control)) {
		client->faults++;
		return;
	}
	row = ioctl_find(control.code);
	if (row == NULL ||
	    ioctl_call_decode(row, control.input, &call) != WIRE_OK) {
		client->faults++;
		return;
	}
	fake_pcsc_call(&client->pcsc, request.completion_id, row, &call);
}

static void
on_message(struct fake_client *client, struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	struct rdpefs_header header;

	if (!rdpefs_header_decode(&in, &header)) {
		client->faults++;
		return;
	}
	switch (header.packet) {
	case RDPEFS_SERVER_ANNOUNCE:
		on_server_announce(client, &in);
		return;
	case RDPEFS_SERVER_CAPABILITY:
		on_server_caps(client);
		return;
	case RDPEFS_CLIENT_ID_CONFIRM:
		fake_client_announce(client);
		return;
	case RDPEFS_USER_LOGGED_ON:
		client->logged_on++;
		if (client->announces_twice)
			fake_client_announce(client);
		return;
	case RDPEFS_DEVICE_REPLY:
		on_reply(client, &in);
		return;
	case RDPEFS_DEVICE_REQUEST:
		on_request(client, &in, message);
		return;
	default:
		fake_queue_put(&client->others, message);
		return;
	}
}

void
fake_client_take(struct fake_client *client, uint32_t total, uint32_t flags,
                 struct wire_view data)
{
	enum chunk_step step = chunk_join_take(&client->in, total, flags, data);

	if (step == CHUNK_DECIDE)
		step = chunk_join_own(&client->in);
	if (step == CHUNK_FAULT)
		client->faults++;
	if (step == CHUNK_WHOLE)
		on_message(client, chunk_join_seen(&client->in));
}
