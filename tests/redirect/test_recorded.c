/*
 * Messages of real peers: what is decoded encodes to the same bytes.
 *
 * A file of recorded/ is a scene, named after its client and its server, as it
 * passed a proxy in a laboratory with virtual readers and cards.  Each record:
 * who sent it (0 client, 1 server), the IOCTL if it carries one, its length
 * (both four bytes, little-endian), and the message.
 *
 * usage: test_recorded FOLDER
 */
#include "ioctl.h"
#include "rdpefs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 256 * 1024, NAME_ROOM = 4096, SCENES_MIN = 4 };
enum { BY_CLIENT, BY_SERVER };

/* Where a peer writes what we do not. */
enum otherwise {
	SAME,      /* as we do */
	PADDING,   /* ours is shorter: what follows there is padding */
	REFERENTS, /* other numbers, other fillers, its own order of padding */
	OTHERS
};

/* clang-format off */
static const struct {
	const char *scene;       /* a file name starts so */
	int side;
	uint32_t code;           /* an IOCTL, 0 is any */
	enum otherwise otherwise;
	const char *why;
} table[] = {
	{ "freerdp", BY_CLIENT, IOCTL_GET_STATUS_CHANGE_W, PADDING,
	  "it counts array elements where it should count bytes" },
	{ "freerdp", BY_CLIENT, 0, PADDING,
	  "it pads its whole message once more" },
	{ "rdesktop", BY_CLIENT, 0, REFERENTS,
	  "it numbers its pointers otherwise, and pads with what it has" },
	{ "", BY_SERVER, 0, REFERENTS,
	  "xrdp's pointers are all of one number; names end twice" },
};
/* clang-format on */

static unsigned long counts[OTHERS];
static unsigned long failures;
static const char *scene;
static uint8_t bytes[ROOM];
static uint8_t again[ROOM];
static uint8_t twice[ROOM];

static enum otherwise
allowed(int side, uint32_t code)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strncmp(scene, table[i].scene, strlen(table[i].scene)) ==
		        0 &&
		    side == table[i].side &&
		    (table[i].code == 0 || table[i].code == code))
			return table[i].otherwise;
	return SAME;
}

static void
fail(uint32_t code, const char *what)
{
	failures++;
	(void)fprintf(stderr, "%s: %s: %s\n", scene, ioctl_name(code), what);
}

static enum otherwise
compare(struct wire_view recorded, struct wire_view ours)
{
	if (wire_view_equal(recorded, ours))
		return SAME;
	/* The object's length differs with its padding. */
	if (recorded.len > ours.len && ours.len >= NDR_HEADERS_LEN &&
	    memcmp(recorded.data + NDR_HEADERS_LEN, ours.data + NDR_HEADERS_LEN,
	           ours.len - NDR_HEADERS_LEN) == 0)
		return PADDING;
	return REFERENTS;
}

static void
judge(int side, uint32_t code, struct wire_view recorded, struct wire_view ours)
{
	enum otherwise found = compare(recorded, ours);

	counts[found]++;
	if (found > allowed(side, code))
		fail(code, "it encodes to other bytes");
}

/* Whatever it is, its values stay what they are. */
static void
judge_call(int side, uint32_t code, struct wire_view input)
{
	static struct esc_call call;
	const struct ioctl *row = ioctl_find(code);
	struct wire_out one = wire_out(again, sizeof(again));
	struct wire_out two = wire_out(twice, sizeof(twice));

	if (row == NULL || ioctl_call_decode(row, input, &call) != WIRE_OK) {
		fail(code, "the call does not decode");
		return;
	}
	ioctl_call_encode(row, &one, &call);
	judge(side, code, input, wire_written(&one));
	if (ioctl_call_decode(row, wire_written(&one), &call) != WIRE_OK)
		fail(code, "our own call does not decode");
	ioctl_call_encode(row, &two, &call);
	if (!wire_out_ok(&two) ||
	    !wire_view_equal(wire_written(&one), wire_written(&two)))
		fail(code, "the call changes its values");
}

static void
judge_return(int side, uint32_t code, struct wire_view output)
{
	static struct esc_return ret;
	const struct ioctl *row = ioctl_find(code);
	struct wire_out one = wire_out(again, sizeof(again));
	struct wire_out two = wire_out(twice, sizeof(twice));

	if (row == NULL || ioctl_return_decode(row, output, &ret) != WIRE_OK) {
		fail(code, "the return does not decode");
		return;
	}
	ioctl_return_encode(row, &one, &ret);
	judge(side, code, output, wire_written(&one));
	if (ioctl_return_decode(row, wire_written(&one), &ret) != WIRE_OK)
		fail(code, "our own return does not decode");
	ioctl_return_encode(row, &two, &ret);
	if (!wire_out_ok(&two) ||
	    !wire_view_equal(wire_written(&one), wire_written(&two)))
		fail(code, "the return changes its values");
}

static bool
trip_request(int side, struct wire_in *in, struct wire_out *out)
{
	struct rdpefs_request request;
	struct rdpefs_control control;
	struct wire_in body;

	if (!rdpefs_request_decode(in, &request))
		return false;
	body = wire_in_view(request.body);
	if (!rdpefs_control_decode(&body, &control))
		return false;
	rdpefs_control_encode(out, &request, &control);
	judge_call(side, control.code, control.input);
	return true;
}

static bool
trip_completion(int side, uint32_t code, struct wire_in *in,
                struct wire_out *out)
{
	struct rdpefs_completion completion;
	struct wire_view output;
	struct wire_in body;

	if (!rdpefs_completion_decode(in, &completion))
		return false;
	body = wire_in_view(completion.body);
	if (!rdpefs_output_decode(&body, &output))
		return false;
	rdpefs_output_encode(out, &completion, output);
	if (completion.status == RDPEFS_STATUS_SUCCESS)
		judge_return(side, code, output);
	return true;
}

/* The messages that set the channel up. */
static bool
trip_other(uint16_t packet, struct wire_in *in, struct wire_out *out)
{
	static struct rdpefs_devices devices;
	struct rdpefs_announce announce;
	struct rdpefs_client_name name;
	struct rdpefs_reply reply;
	struct rdpefs_caps caps;

	switch (packet) {
	case RDPEFS_SERVER_ANNOUNCE:
	case RDPEFS_CLIENT_ID_CONFIRM:
		if (!rdpefs_announce_decode(in, &announce))
			return false;
		rdpefs_announce_encode(out, packet, &announce);
		return true;
	case RDPEFS_CLIENT_NAME:
		if (!rdpefs_client_name_decode(in, &name))
			return false;
		rdpefs_client_name_encode(out, &name);
		return true;
	case RDPEFS_SERVER_CAPABILITY:
	case RDPEFS_CLIENT_CAPABILITY:
		if (!rdpefs_caps_decode(in, &caps))
			return false;
		rdpefs_caps_encode(out, packet, &caps);
		return true;
	case RDPEFS_DEVICE_LIST_ANNOUNCE:
		if (!rdpefs_devices_decode(in, &devices))
			return false;
		rdpefs_devices_encode(out, &devices);
		return true;
	case RDPEFS_DEVICE_REPLY:
		if (!rdpefs_reply_decode(in, &reply))
			return false;
		rdpefs_reply_encode(out, &reply);
		return true;
	case RDPEFS_USER_LOGGED_ON:
		rdpefs_logged_on_encode(out);
		return true;
	default:
		return false;
	}
}

/* The frame of every message comes back to the byte. */
static void
trip(int side, uint32_t code, struct wire_view message)
{
	static uint8_t frame[ROOM];
	struct wire_out out = wire_out(frame, sizeof(frame));
	struct wire_in in = wire_in_view(message);
	struct rdpefs_header header;
	bool good = rdpefs_header_decode(&in, &header);

	if (good && header.packet == RDPEFS_DEVICE_REQUEST)
		good = trip_request(side, &in, &out);
	else if (good && header.packet == RDPEFS_DEVICE_COMPLETION)
		good = trip_completion(side, code, &in, &out);
	else if (good)
		good = trip_other(header.packet, &in, &out);
	if (!good) {
		(void)fprintf(stderr, "%s: ", scene);
		fail(code, rdpefs_packet_name(header.packet));
		return;
	}
	counts[SAME]++;
	if (!wire_view_equal(wire_written(&out), message)) {
		(void)fprintf(stderr, "%s, %zu bytes for %zu: ",
		              rdpefs_packet_name(header.packet), out.len,
		              message.len);
		fail(code, "the frame encodes to other bytes");
	}
}

/* How many messages it had. */
static unsigned long
play(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t len = f == NULL ? 0 : fread(bytes, 1, sizeof(bytes), f);
	struct wire_in in = wire_in(bytes, len);
	unsigned long count = 0;

	if (f != NULL)
		(void)fclose(f);
	while (in.left > 0 && wire_ok(&in)) {
		int side = wire_u8(&in);
		uint32_t code = wire_u32(&in);
		struct wire_view message = wire_bytes(&in, wire_u32(&in));

		if (!wire_ok(&in))
			break;
		trip(side, code, message);
		count++;
	}
	if (!wire_done(&in))
		fail(0, "the file ends within a record");
	return count;
}

int
main(int argc, char **argv)
{
	DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	unsigned long count = 0;
	unsigned long scenes = 0;
	char path[NAME_ROOM];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", argv[1],
		               entry->d_name);
		scene = entry->d_name;
		count += play(path);
		scenes++;
	}
	if (dir != NULL)
		(void)closedir(dir);
	(void)printf("%lu scenes, %lu messages: %lu parts as we write them, "
	             "%lu but for padding, %lu with other referents, %lu "
	             "wrong\n",
	             scenes, count, counts[SAME], counts[PADDING],
	             counts[REFERENTS], failures);
	return failures != 0 || scenes < SCENES_MIN;
}
