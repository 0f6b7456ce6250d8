#include "own.h"

enum {
	MESSAGE_MAX = 128 /* bytes of the longest message we say here */
};

static void
send_announce(const struct own *own, enum rdpefs_packet packet,
              const struct own_ops *ops, void *arg)
{
	struct rdpefs_announce announce = {
	    .major = RDPEFS_VERSION_MAJOR,
	    .minor = RDPEFS_VERSION_MINOR,
	    .client_id = own->client_id,
	};
	uint8_t data[MESSAGE_MAX];
	struct wire_out out = wire_out(data, sizeof(data));

	rdpefs_announce_encode(&out, packet, &announce);
	ops->send(arg, wire_written(&out));
}

void
own_start(struct own *own, uint32_t client_id, const struct own_ops *ops,
          void *arg)
{
	own->state = OWN_ANNOUNCED;
	own->client_id = client_id;
	own->logged_on = false;
	send_announce(own, RDPEFS_SERVER_ANNOUNCE, ops, arg);
}

void
own_stop(struct own *own)
{
	*own = (struct own){.state = OWN_OFF};
}

/* A client may keep the id of an earlier connection: then that one counts. */
static const char *
on_reply(struct own *own, struct wire_in *in, const struct own_ops *ops,
         void *arg)
{
	struct rdpefs_announce announce;

	(void)ops;
	(void)arg;
	if (!rdpefs_announce_decode(in, &announce))
		return "malformed announce reply";
	if (announce.major != RDPEFS_VERSION_MAJOR) {
		in->field = "VersionMajor";
		wire_fail(in, WIRE_VALUE);
		return "another version of the channel";
	}
	if (own->state != OWN_ANNOUNCED)
		return "announce reply out of order";
	own->client_id = announce.client_id;
	own->state = OWN_REPLIED;
	return NULL;
}

static const char *
on_name(struct own *own, struct wire_in *in, const struct own_ops *ops,
        void *arg)
{
	uint8_t data[MESSAGE_MAX];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_client_name name;

	if (!rdpefs_client_name_decode(in, &name))
		return "malformed client name";
	if (own->state != OWN_REPLIED)
		return "client name out of order";
	own->state = OWN_ASKED;
	rdpefs_own_caps_encode(&out);
	ops->send(arg, wire_written(&out));
	send_announce(own, RDPEFS_CLIENT_ID_CONFIRM, ops, arg);
	return NULL;
}

/* A client that knows USER_LOGGEDON may hold devices back until it comes. */
static const char *
on_caps(struct own *own, struct wire_in *in, const struct own_ops *ops,
        void *arg)
{
	uint8_t data[MESSAGE_MAX];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_caps caps;

	if (!rdpefs_caps_decode(in, &caps))
		return "malformed capabilities";
	if (own->state != OWN_ASKED && own->state != OWN_OPEN)
		return "capabilities out of order";
	own->state = OWN_OPEN;
	if ((rdpefs_caps_extended(&caps) & RDPEFS_EXT_USER_LOGGED_ON) == 0 ||
	    own->logged_on)
		return NULL;
	own->logged_on = true;
	rdpefs_logged_on_encode(&out);
	ops->send(arg, wire_written(&out));
	return NULL;
}

static void
answer_device(const struct rdpefs_device *device, const struct own_ops *ops,
              void *arg)
{
	struct rdpefs_reply reply = {
	    .device_id = device->id,
	    .result = (uint32_t)RDPEFS_STATUS_UNSUCCESSFUL,
	};
	uint8_t data[MESSAGE_MAX];
	struct wire_out out = wire_out(data, sizeof(data));

	if (device->type != RDPEFS_DEVICE_SMARTCARD)
		ops->on_other(arg, device->id);
	else if (ops->on_card(arg, device->id))
		reply.result = RDPEFS_STATUS_SUCCESS;
	rdpefs_reply_encode(&out, &reply);
	ops->send(arg, wire_written(&out));
}

static const char *
on_devices(struct own *own, struct wire_in *in, const struct own_ops *ops,
           void *arg)
{
	struct rdpefs_devices devices;

	if (!rdpefs_devices_decode(in, &devices))
		return "malformed device list";
	if (own->state != OWN_ASKED && own->state != OWN_OPEN)
		return "device list out of order";
	for (size_t i = 0; i < devices.count; i++)
		answer_device(&devices.list[i], ops, arg);
	return NULL;
}

static const char *
on_removal(struct own *own, struct wire_in *in, const struct own_ops *ops,
           void *arg)
{
	struct rdpefs_removal removal;

	(void)own;
	if (!rdpefs_removal_decode(in, &removal))
		return "malformed device removal";
	for (size_t i = 0; i < removal.count; i++)
		ops->on_removed(arg, removal.ids[i]);
	return NULL;
}

typedef const char *own_handler(struct own *own, struct wire_in *in,
                                const struct own_ops *ops, void *arg);

static const struct {
	enum rdpefs_packet packet;
	own_handler *run;
} rows[] = {
    {RDPEFS_CLIENT_ID_CONFIRM, on_reply},
    {RDPEFS_CLIENT_NAME, on_name},
    {RDPEFS_CLIENT_CAPABILITY, on_caps},
    {RDPEFS_DEVICE_LIST_ANNOUNCE, on_devices},
    {RDPEFS_DEVICE_LIST_REMOVE, on_removal},
};

const char *
own_message(struct own *own, struct wire_view message,
            const struct own_ops *ops, void *arg)
{
	struct wire_in in = wire_in_view(message);
	struct rdpefs_header header;
	const char *wrong = NULL;

	own->fault = WIRE_OK;
	if (!rdpefs_header_decode(&in, &header))
		return "message without a header";
	if (header.component != RDPEFS_CORE)
		return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].packet == header.packet)
			wrong = rows[i].run(own, &in, ops, arg);
	}
	own->fault = in.fault;
	own->field = in.field;
	return wrong; /* nothing of a packet of a later version: not for us */
}
