#include "fake_server.h"

#include "channel.h"
#include "exact.h"

static void
say(struct fake_server *server, const struct wire_out *out)
{
	if (!wire_out_ok(out))
		abort();
	fake_queue_put(&server->out, wire_written(out));
}

void
fake_server_init(struct fake_server *server)
{
	memset(server, 0, sizeof(*server));
	chunk_join_init(&server->in);
}

void
fake_server_clear(struct fake_server *server)
{
	chunk_join_clear(&server->in);
	fake_queue_clear(&server->out);
	fake_queue_clear(&server->others);
}

static void
announce(struct fake_server *server, enum rdpefs_packet packet)
{
	uint8_t data[64];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_announce body = {
	    .major = RDPEFS_VERSION_MAJOR,
	    .minor = RDPEFS_VERSION_MINOR,
	    .client_id = FAKE_SERVER_ID,
	};

	rdpefs_announce_encode(&out, packet, &body);
	say(server, &out);
}

void
fake_server_announce(struct fake_server *server)
{
	announce(server, RDPEFS_SERVER_ANNOUNCE);
}

static void
on_name(struct fake_server *server)
{
	uint8_t data[256];
	struct wire_out out = wire_out(data, sizeof(data));

	server->names++;
	rdpefs_own_caps_encode(&out);
	say(server, &out);
	announce(server, RDPEFS_CLIENT_ID_CONFIRM);
}

static void
on_devices(struct fake_server *server, struct wire_in *in)
{
	struct rdpefs_devices devices;

	server->lists++;
	if (!rdpefs_devices_decode(in, &devices)) {
		server->faults++;
		return;
	}
	for (size_t i = 0; i < devices.count; i++) {
		uint8_t data[64];
		struct wire_out out = wire_out(data, sizeof(data));
		struct rdpefs_reply reply = {
		    .device_id = devices.list[i].id,
		    .result = server->refuses
		                  ? (uint32_t)RDPEFS_STATUS_UNSUCCESSFUL
		                  : 0,
		};

		server->devices++;
		if (devices.list[i].type == RDPEFS_DEVICE_SMARTCARD)
			server->cards++;
		rdpefs_reply_encode(&out, &reply);
		if (!server->silent)
			say(server, &out);
	}
}

static void
on_completion(struct fake_server *server, struct wire_in *in)
{
	static struct esc_return ret;
	struct rdpefs_completion completion;
	struct wire_view output;
	struct wire_in body;

	if (!rdpefs_completion_decode(in, &completion) ||
	    server->answer_count == FAKE_ANSWERS_MAX) {
		server->faults++;
		return;
	}
	server->answers[server->answer_count++] = (struct fake_answer){
	    completion.device_id,
	    completion.completion_id,
	    completion.status,
	    completion.body.len,
	};
	body = wire_in_view(completion.body);
	server->last_len = 0;
	if (rdpefs_output_decode(&body, &output) && output.len > 0 &&
	    output.len <= sizeof(server->last)) {
		memcpy(server->last, output.data, output.len);
		server->last_len = output.len;
	}
	body = wire_in_view(completion.body);
	if (completion.completion_id == server->establish_id &&
	    rdpefs_output_decode(&body, &output) &&
	    ioctl_return_decode(ioctl_find(IOCTL_ESTABLISH_CONTEXT), output,
	                        &ret) == WIRE_OK)
		server->context = ret.establish.context;
}

static void
on_message(struct fake_server *server, struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	struct rdpefs_header header;

	if (!rdpefs_header_decode(&in, &header)) {
		server->faults++;
		return;
	}
	switch (header.packet) {
	case RDPEFS_CLIENT_ID_CONFIRM:
		server->replies++;
		return;
	case RDPEFS_CLIENT_NAME:
		on_name(server);
		return;
	case RDPEFS_CLIENT_CAPABILITY:
		return;
	case RDPEFS_DEVICE_LIST_ANNOUNCE:
		on_devices(server, &in);
		return;
	case RDPEFS_DEVICE_LIST_REMOVE:
		server->removals++;
		return;
	case RDPEFS_DEVICE_COMPLETION:
		on_completion(server, &in);
		return;
	default:
		fake_queue_put(&server->others, message);
		return;
	}
}

void
fake_server_take(struct fake_server *server, uint32_t total, uint32_t flags,
                 struct wire_view data)
{
	enum chunk_step step = chunk_join_take(&server->in, total, flags, data);

	if (step == CHUNK_DECIDE)
		step = chunk_join_own(&server->in);
	if (step == CHUNK_FAULT)
		server->faults++;
	if (step == CHUNK_WHOLE)
		on_message(server, chunk_join_seen(&server->in));
}

void
fake_server_call(struct fake_server *server, uint32_t device, uint32_t id,
                 enum ioctl_code code, const struct esc_call *call)
{
	static uint8_t input[68 * 1024];
	static uint8_t data[70 * 1024];
	struct wire_out body = wire_out(input, sizeof(input));
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_request request = {
	    .device_id = device,
	    .file_id = 1,
	    .completion_id = id,
	};
	struct rdpefs_control control = {.output_len = 2048, .code = code};

	ioctl_call_encode(ioctl_find(code), &body, call);
	control.input = wire_written(&body);
	rdpefs_control_encode(&out, &request, &control);
	say(server, &out);
}

void
fake_server_establish(struct fake_server *server, uint32_t device, uint32_t id)
{
	struct esc_call call = {.establish = {.scope = ESC_SCOPE_SYSTEM}};

	server->establish_id = id;
	fake_server_call(server, device, id, IOCTL_ESTABLISH_CONTEXT, &call);
}

void
fake_server_park(struct fake_server *server, uint32_t device, uint32_t id)
{
	static struct esc_call call;

	memset(&call, 0, sizeof(call));
	call.form = ESC_WIDE;
	call.watch.context = server->context;
	call.watch.timeout_ms = ESC_INFINITE;
	call.watch.count = 1;
	call.watch.states[0].reader.present = true;
	strcpy(call.watch.states[0].reader.text, ESC_PNP_READER);
	fake_server_call(server, device, id, IOCTL_GET_STATUS_CHANGE_W, &call);
}

unsigned
fake_server_answers(const struct fake_server *server, uint32_t id)
{
	unsigned count = 0;

	for (size_t i = 0; i < server->answer_count; i++)
		count += server->answers[i].id == id;
	return count;
}
