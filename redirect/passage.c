#include "inside.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT_MAX = 64 }; /* bytes of the short messages made here */

/* What a message is, from its first bytes; zeros where they are missing. */
struct head {
	struct rdpefs_header header;
	uint32_t device;
	uint32_t completion_id; /* of a completion */
};

static struct head
look(struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	struct head head = {.device = 0};

	if (!rdpefs_header_decode(&in, &head.header) ||
	    head.header.component != RDPEFS_CORE)
		return (struct head){.header = {.packet = 0}};
	head.device = wire_u32(&in);
	head.completion_id = wire_u32(&in);
	return head;
}

static struct wire_in
body(struct wire_view message)
{
	struct wire_in in = wire_in_view(message);

	wire_skip(&in, RDPEFS_HEADER_LEN);
	return in;
}

static bool
wants_from_server(const struct channel *ch, const struct head *head)
{
	switch (head->header.packet) {
	case RDPEFS_SERVER_ANNOUNCE:
	case RDPEFS_DEVICE_REPLY:
		return true;
	case RDPEFS_SERVER_CAPABILITY:
		return !channel_redirects(ch);
	case RDPEFS_DEVICE_REQUEST:
		return devices_state(&ch->devices, head->device) !=
		       DEVICES_UNKNOWN;
	default:
		return false;
	}
}

static bool
wants_from_client(const struct channel *ch, const struct head *head)
{
	switch (head->header.packet) {
	case RDPEFS_CLIENT_ID_CONFIRM:
	case RDPEFS_DEVICE_LIST_ANNOUNCE:
	case RDPEFS_DEVICE_LIST_REMOVE:
		return true;
	case RDPEFS_DEVICE_COMPLETION:
		break;
	default:
		return false;
	}
	switch (devices_state(&ch->devices, head->device)) {
	case DEVICES_ANNOUNCED:
	case DEVICES_READY:
		return true;
	case DEVICES_HIDDEN:
	case DEVICES_VOID:
		return mux_in_range(head->completion_id);
	case DEVICES_UNKNOWN:
		break;
	}
	return false;
}

bool
passage_wants(const struct channel *ch, enum channel_side from,
              struct wire_view message)
{
	struct head head = look(message);

	if (from == CHANNEL_SERVER)
		return wants_from_server(ch, &head);
	return ch->stale.active || wants_from_client(ch, &head);
}

void
passage_refuse_all(struct channel *ch)
{
	struct mux_irp irp;

	while (mux_take(ch->mux, MUX_SERVER, &irp))
		forward_refuse(ch, irp.device, irp.origin);
}

/* 2.2.2.2, 2.2.2.3: there is one version; of another nothing is known. */
static void
check_version(struct channel *ch, enum channel_side side,
              const struct rdpefs_announce *announce)
{
	if (announce->major != RDPEFS_VERSION_MAJOR)
		role_malformed(ch, side, "another version of the channel",
		               "VersionMajor", WIRE_VALUE);
}

static void
on_server_announce(struct channel *ch, struct wire_view message)
{
	struct wire_in in = body(message);
	struct rdpefs_announce announce;

	if (!rdpefs_announce_decode(&in, &announce)) {
		role_malformed(ch, CHANNEL_SERVER, "malformed server announce",
		               in.field, in.fault);
		return;
	}
	role_note_churn(ch, CHANNEL_SERVER);
	role_server_speaks(ch);
	check_version(ch, CHANNEL_SERVER, &announce);
	channel_send(ch, CHANNEL_CLIENT, message);
}

/* The client hears of its acceptance before it hears a call of ours. */
static void
on_device_reply(struct channel *ch, struct wire_view message)
{
	struct wire_in in = body(message);
	struct rdpefs_reply reply;
	enum devices_state state;

	if (!rdpefs_reply_decode(&in, &reply)) {
		role_malformed(ch, CHANNEL_SERVER, "malformed device reply",
		               in.field, in.fault);
		return;
	}
	state = devices_state(&ch->devices, reply.device_id);
	if (state == DEVICES_HIDDEN)
		return;
	if (!devices_answered(&ch->devices, reply.device_id))
		channel_send(ch, CHANNEL_CLIENT, message);
	if (state != DEVICES_ANNOUNCED)
		return;
	(void)devices_set(&ch->devices, reply.device_id,
	                  reply.result == RDPEFS_STATUS_SUCCESS ? DEVICES_READY
	                                                        : DEVICES_VOID);
	role_note_reply(ch, reply.result);
	channel_card_ready(ch);
}

/* Some clients announce no card to a server that does not ask for cards. */
static void
on_server_caps(struct channel *ch, struct wire_view message)
{
	struct wire_in in = body(message);
	struct rdpefs_caps caps;
	uint8_t *data;
	struct wire_out out;

	if (!rdpefs_caps_decode(&in, &caps) ||
	    !rdpefs_caps_remove(&caps, RDPEFS_CAP_SMARTCARD)) {
		channel_send(ch, CHANNEL_CLIENT, message);
		return;
	}
	data = malloc(message.len);
	out = wire_out(data, data == NULL ? 0 : message.len);
	rdpefs_caps_encode(&out, RDPEFS_SERVER_CAPABILITY, &caps);
	channel_send(ch, CHANNEL_CLIENT,
	             wire_out_ok(&out) ? wire_written(&out) : message);
	free(data);
}

static void
on_request(struct channel *ch, struct wire_view message)
{
	struct wire_in in = body(message);
	struct rdpefs_request request;

	if (!rdpefs_request_decode(&in, &request)) {
		role_malformed(ch, CHANNEL_SERVER, "malformed device request",
		               in.field, in.fault);
		return;
	}
	if (ch->fault != NULL ||
	    devices_state(&ch->devices, request.device_id) == DEVICES_HIDDEN) {
		forward_refuse(ch, request.device_id, request.completion_id);
		return;
	}
	forward_request(ch, &request, message);
}

void
passage_from_server(struct channel *ch, struct wire_view message)
{
	switch (look(message).header.packet) {
	case RDPEFS_SERVER_ANNOUNCE:
		on_server_announce(ch, message);
		return;
	case RDPEFS_DEVICE_REPLY:
		on_device_reply(ch, message);
		return;
	case RDPEFS_SERVER_CAPABILITY:
		on_server_caps(ch, message);
		return;
	case RDPEFS_DEVICE_REQUEST:
		on_request(ch, message);
		return;
	default:
		return;
	}
}

/*
 * Kept from the server; the client is answered in its place.  Where a policy
 * did it the client hears a yes: one that hears a no forgets the device, and a
 * policy that allows it later could not bring it back.
 */
static void
hide(struct channel *ch, const struct rdpefs_device *device)
{
	struct rdpefs_reply reply = {
	    .device_id = device->id,
	    .result = ch->fault == NULL ? RDPEFS_STATUS_SUCCESS
	                                : RDPEFS_STATUS_UNSUCCESSFUL,
	};
	struct log_event ev = log_event(
	    ch->fault == NULL ? LOG_NOTICE : LOG_DEBUG, "device-hidden");
	uint8_t data[SHORT_MAX];
	struct wire_out out = wire_out(data, sizeof(data));

	log_number(&ev, "device", device->id);
	log_text(&ev, "reason", ch->fault != NULL ? ch->fault : "policy");
	log_write(&ev);
	(void)devices_hide(&ch->devices, device);
	rdpefs_reply_encode(&out, &reply);
	channel_send(ch, CHANNEL_CLIENT, wire_written(&out));
}

/*
 * A client may say it once more without a removal (FreeRDP does, after
 * USER_LOGGEDON) and a server ignore that (xrdp does): it stays as it is.
 */
static void
note_card(struct channel *ch, uint32_t device)
{
	struct log_event ev = log_event(LOG_INFO, "device-announced");

	if (devices_state(&ch->devices, device) == DEVICES_READY)
		return;
	log_number(&ev, "device", device);
	log_write(&ev);
	if (!devices_set(&ch->devices, device, DEVICES_ANNOUNCED))
		role_fault(ch, CHANNEL_CLIENT, "too many devices");
}

static bool
is_live(enum devices_state state)
{
	return state == DEVICES_ANNOUNCED || state == DEVICES_READY;
}

/*
 * One id for a smart card and for something else at once: whose messages are
 * whose could not be told any more.
 */
static bool
is_ambiguous(const struct channel *ch, const struct rdpefs_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct rdpefs_device *a = &devices->list[i];

		if (a->type != RDPEFS_DEVICE_SMARTCARD &&
		    is_live(devices_state(&ch->devices, a->id)))
			return true;
		for (size_t j = 0; j < i; j++) {
			if (devices->list[j].id == a->id &&
			    devices->list[j].type != a->type)
				return true;
		}
	}
	return false;
}

/* Take out of the list what is not to be seen; note the rest. */
static bool
sift(struct channel *ch, struct rdpefs_devices *devices)
{
	size_t count = 0;
	bool hidden = false;

	for (size_t i = 0; i < devices->count; i++) {
		struct rdpefs_device *device = &devices->list[i];

		if (device->type != RDPEFS_DEVICE_SMARTCARD)
			devices_forget(&ch->devices, device->id);
		else if (channel_redirects(ch) && ch->fault == NULL)
			note_card(ch, device->id);
		if (device->type == RDPEFS_DEVICE_SMARTCARD &&
		    (!channel_redirects(ch) || ch->fault != NULL)) {
			hide(ch, device);
			hidden = true;
			continue;
		}
		devices->list[count++] = *device;
	}
	devices->count = count;
	return hidden;
}

/*
 * Send a list that has become shorter.  It fits where the original did.
 */
static void
send_devices(struct channel *ch, const struct rdpefs_devices *devices,
             size_t size)
{
	uint8_t *data = malloc(size);
	struct wire_out out = wire_out(data, size);

	if (data == NULL) {
		log_note(LOG_ERROR, "message-dropped", "out of memory");
		return;
	}
	rdpefs_devices_encode(&out, devices);
	if (wire_out_ok(&out))
		channel_send(ch, CHANNEL_SERVER, wire_written(&out));
	free(data);
}

void
passage_show_hidden(struct channel *ch)
{
	struct rdpefs_devices devices = {.count = 0};
	enum { HEAD = 8, ENTRY = 20 };

	while (devices.count < RDPEFS_DEVICES_MAX &&
	       devices_show(&ch->devices, &devices.list[devices.count])) {
		struct log_event ev = log_event(LOG_NOTICE, "device-shown");

		log_number(&ev, "device", devices.list[devices.count].id);
		log_write(&ev);
		devices.count++;
	}
	if (devices.count > 0)
		send_devices(ch, &devices, HEAD + ENTRY * devices.count);
}

static void
on_devices(struct channel *ch, struct wire_view message)
{
	struct wire_in in = body(message);
	struct rdpefs_devices devices;

	role_note_churn(ch, CHANNEL_CLIENT);
	if (!rdpefs_devices_decode(&in, &devices)) {
		role_malformed(ch, CHANNEL_CLIENT, "malformed device list",
		               in.field, in.fault);
		return;
	}
	if (is_ambiguous(ch, &devices)) {
		role_fault(ch, CHANNEL_CLIENT,
		           "one id for two kinds of device");
		return;
	}
	if (sift(ch, &devices))
		send_devices(ch, &devices, message.len);
	else
		channel_send(ch, CHANNEL_SERVER, message);
	role_note_list(ch);
}

/* True when the server knows the device. */
static bool
note_removal(struct channel *ch, uint32_t device)
{
	enum devices_state state = devices_state(&ch->devices, device);

	if (state == DEVICES_UNKNOWN)
		return true;
	(void)devices_set(&ch->devices, device, DEVICES_VOID);
	channel_card_lost(ch, device);
	return state != DEVICES_HIDDEN;
}

static void
send_removal(struct channel *ch, const struct rdpefs_removal *removal)
{
	uint8_t data[SHORT_MAX + 4 * RDPEFS_DEVICES_MAX];
	struct wire_out out = wire_out(data, sizeof(data));

	rdpefs_removal_encode(&out, removal);
	channel_send(ch, CHANNEL_SERVER, wire_written(&out));
}

static void
on_removal(struct channel *ch, struct wire_view message)
{
	struct wire_in in = body(message);
	struct rdpefs_removal removal;
	size_t count = 0;
	size_t all;

	role_note_churn(ch, CHANNEL_CLIENT);
	if (!rdpefs_removal_decode(&in, &removal)) {
		role_malformed(ch, CHANNEL_CLIENT, "malformed device removal",
		               in.field, in.fault);
		return;
	}
	all = removal.count;
	for (size_t i = 0; i < all; i++) {
		if (note_removal(ch, removal.ids[i]))
			removal.ids[count++] = removal.ids[i];
	}
	removal.count = count;
	if (count == all)
		channel_send(ch, CHANNEL_SERVER, message);
	else if (count > 0)
		send_removal(ch, &removal);
	role_note_devices(ch);
	channel_card_ready(ch);
}

/* Said when the count doubles: a flood of them is no flood of lines. */
static void
on_unknown(struct channel *ch, uint32_t device)
{
	uint32_t count = mux_unknown_count(ch->mux);
	bool doubled = (count & (count - 1)) == 0;
	struct log_event ev =
	    log_event(doubled ? LOG_NOTICE : LOG_DEBUG, "completion-dropped");

	log_number(&ev, "device", device);
	log_number(&ev, "count", count);
	log_write(&ev);
	if (count >= MUX_UNKNOWN_MAX &&
	    is_live(devices_state(&ch->devices, device)))
		role_fault(ch, CHANNEL_CLIENT, "answers to nothing");
}

void
passage_completion(struct channel *ch, struct wire_view message)
{
	struct wire_in in = body(message);
	struct rdpefs_completion completion;
	struct mux_irp irp;

	if (ch->fault != NULL)
		return;
	if (!rdpefs_completion_decode(&in, &completion)) {
		role_malformed(ch, CHANNEL_CLIENT, "malformed completion",
		               in.field, in.fault);
		return;
	}
	switch (mux_complete(ch->mux, completion.device_id,
	                     completion.completion_id, &irp)) {
	case MUX_FOUND:
		if (irp.owner == MUX_OWN)
			calls_complete(&ch->calls, &irp, &completion,
			               ch->now_ms);
		else
			forward_completion(ch, &irp, &completion, message);
		return;
	case MUX_LATE:
		return;
	case MUX_UNKNOWN:
		on_unknown(ch, completion.device_id);
		return;
	}
}

/*
 * The first reply of the client answers our own announce if that was still
 * unanswered, whatever id is in it: a client may keep an id of its own.
 */
static void
on_stale(struct channel *ch, struct wire_view message)
{
	if (look(message).header.packet != RDPEFS_CLIENT_ID_CONFIRM)
		return;
	if (ch->stale.unanswered) {
		ch->stale.unanswered = false;
		return;
	}
	ch->stale.active = false;
	channel_send(ch, CHANNEL_SERVER, message);
}

/* Between the peers it is theirs to judge, and passes. */
static void
on_confirm(struct channel *ch, struct wire_view message)
{
	struct wire_in in = body(message);
	struct rdpefs_announce announce;

	if (rdpefs_announce_decode(&in, &announce))
		check_version(ch, CHANNEL_CLIENT, &announce);
	channel_send(ch, CHANNEL_SERVER, message);
}

void
passage_from_client(struct channel *ch, struct wire_view message)
{
	if (ch->stale.active) {
		on_stale(ch, message);
		return;
	}
	switch (look(message).header.packet) {
	case RDPEFS_CLIENT_ID_CONFIRM:
		on_confirm(ch, message);
		return;
	case RDPEFS_DEVICE_LIST_ANNOUNCE:
		on_devices(ch, message);
		return;
	case RDPEFS_DEVICE_LIST_REMOVE:
		on_removal(ch, message);
		return;
	case RDPEFS_DEVICE_COMPLETION:
		passage_completion(ch, message);
		return;
	default:
		return;
	}
}
