/* Every rdpdr message that a client may send. */
#include "rdpefs_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
trip_caps(struct wire_in *in, struct wire_out *out)
{
	struct rdpefs_caps caps;

	if (!rdpefs_caps_decode(in, &caps))
		return false;
	(void)rdpefs_caps_extended(&caps);
	rdpefs_caps_encode(out, RDPEFS_CLIENT_CAPABILITY, &caps);
	(void)rdpefs_caps_remove(&caps, RDPEFS_CAP_SMARTCARD);
	if (rdpefs_caps_find(&caps, RDPEFS_CAP_SMARTCARD) != NULL)
		abort();
	return true;
}

static bool
trip_lists(uint16_t packet, struct wire_in *in, struct wire_out *out)
{
	static struct rdpefs_devices devices;
	struct rdpefs_removal removal;

	if (packet == RDPEFS_DEVICE_LIST_ANNOUNCE &&
	    rdpefs_devices_decode(in, &devices)) {
		rdpefs_devices_encode(out, &devices);
		return true;
	}
	if (packet == RDPEFS_DEVICE_LIST_REMOVE &&
	    rdpefs_removal_decode(in, &removal)) {
		rdpefs_removal_encode(out, &removal);
		return true;
	}
	return false;
}

static bool
trip_completion(struct wire_in *in, struct wire_out *out)
{
	struct rdpefs_completion completion;
	struct wire_view output;
	struct wire_in body;

	if (!rdpefs_completion_decode(in, &completion))
		return false;
	body = wire_in_view(completion.body);
	if (rdpefs_output_decode(&body, &output))
		rdpefs_output_encode(out, &completion, output);
	else
		rdpefs_completion_encode(out, &completion);
	return true;
}

static bool
trip(uint16_t packet, struct wire_in *in, struct wire_out *out)
{
	struct rdpefs_announce announce;
	struct rdpefs_client_name name;

	if (packet == RDPEFS_CLIENT_CAPABILITY)
		return trip_caps(in, out);
	if (packet == RDPEFS_DEVICE_COMPLETION)
		return trip_completion(in, out);
	if (packet == RDPEFS_CLIENT_ID_CONFIRM &&
	    rdpefs_announce_decode(in, &announce)) {
		rdpefs_announce_encode(out, RDPEFS_CLIENT_ID_CONFIRM,
		                       &announce);
		return true;
	}
	if (packet == RDPEFS_CLIENT_NAME &&
	    rdpefs_client_name_decode(in, &name)) {
		rdpefs_client_name_encode(out, &name);
		return true;
	}
	return trip_lists(packet, in, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return rdpefs_trip(data, len, trip);
}
