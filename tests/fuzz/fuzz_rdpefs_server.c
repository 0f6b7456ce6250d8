/* Every rdpdr message that a server may send. */
#include "rdpefs_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
trip_caps(struct wire_in *in, struct wire_out *out)
{
	struct rdpefs_caps caps;

	if (!rdpefs_caps_decode(in, &caps))
		return false;
	if (caps.count == 0) {
		rdpefs_own_caps_encode(out);
		return true;
	}
	(void)rdpefs_caps_add_smartcard(&caps);
	rdpefs_caps_encode(out, RDPEFS_SERVER_CAPABILITY, &caps);
	return true;
}

static bool
trip_request(struct wire_in *in, struct wire_out *out)
{
	struct rdpefs_request request;
	struct rdpefs_control control;
	struct wire_in body;

	if (!rdpefs_request_decode(in, &request))
		return false;
	body = wire_in_view(request.body);
	if (request.major == RDPEFS_IRP_DEVICE_CONTROL &&
	    rdpefs_control_decode(&body, &control))
		rdpefs_control_encode(out, &request, &control);
	else
		rdpefs_request_encode(out, &request);
	return true;
}

static bool
trip(uint16_t packet, struct wire_in *in, struct wire_out *out)
{
	struct rdpefs_announce announce;
	struct rdpefs_reply reply;

	if (rdpefs_packet_name(packet) == NULL)
		abort();
	if (packet == RDPEFS_SERVER_CAPABILITY)
		return trip_caps(in, out);
	if (packet == RDPEFS_USER_LOGGED_ON) {
		rdpefs_logged_on_encode(out);
		return true;
	}
	if (packet == RDPEFS_DEVICE_REQUEST)
		return trip_request(in, out);
	if (packet == RDPEFS_DEVICE_REPLY && rdpefs_reply_decode(in, &reply)) {
		rdpefs_reply_encode(out, &reply);
		return true;
	}
	if ((packet == RDPEFS_SERVER_ANNOUNCE ||
	     packet == RDPEFS_CLIENT_ID_CONFIRM) &&
	    rdpefs_announce_decode(in, &announce)) {
		rdpefs_announce_encode(out, packet, &announce);
		return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return rdpefs_trip(data, len, trip);
}
