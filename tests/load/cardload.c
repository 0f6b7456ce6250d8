/*
 * A load of smart card calls: a server that makes one call after another on
 * rdpdr, and a client that answers each at once, both in this program.  The
 * difference between its times with a proxy in between and without one is what
 * the proxy adds to a call.
 *
 *	cardload --port P --via P --cert PEM --key PEM [--calls N]
 *	         [--channel NAME]
 *
 * The server listens at --port, the client connects to --via: the same port, or
 * a proxy's.  --channel cliprdr says all in the channel of the clipboard, where
 * a proxy has no reason to look, --channel drdynvc in that one.  It prints
 * "ready", waits for a line, makes N calls, prints "median_us M p99_us P", and
 * ends on another line.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "args.h"
#include "channel.h"
#include "chunk.h"
#include "ioctl.h"
#include "peer.h"
#include "rdpefs.h"

enum {
	CLIPRDR = 1004, /* as message_sides gives them */
	RDPDR = 1005,
	DRDYNVC = 1006,
	DATA_INDICATION = 0x68,
	DATA_REQUEST = 0x64,
	SERVER_USER = 1002,
	CHUNK_HEADER = 8,
	BODY_MAX = 4096,
	DEVICE = 1,
	ANSWER_LEN = 258, /* 256 bytes of data and SW: one short GET RESPONSE */
	WARM_UP = 500
};

static struct {
	uint16_t port;
	uint16_t via;
	const char *cert;
	const char *key;
	unsigned calls;
	const char *channel;
} opt = {.calls = 20000, .channel = "rdpdr"};

static const struct arg args[] = {
    {.name = "port", .port = &opt.port},
    {.name = "via", .port = &opt.via},
    {.name = "cert", .text = &opt.cert},
    {.name = "key", .text = &opt.key},
    {.name = "calls", .number = &opt.calls},
    {.name = "channel", .text = &opt.channel},
    {.name = NULL},
};

static uint16_t channel_id; /* of opt.channel */

/* One end of the channel; messages here are shorter than a chunk. */
struct end {
	SSL *ssl;
	uint8_t choice;
	uint16_t user;
	struct message m;
	uint8_t frame[MESSAGE_MAX];
};

static void
say(struct end *end, const struct wire_out *body)
{
	uint8_t data[CHANNEL_CHUNK_DEFAULT + CHUNK_HEADER];
	struct wire_out out = wire_out(data, sizeof(data));

	wire_put_u32(&out, (uint32_t)body->len);
	wire_put_u32(&out, CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST);
	wire_put_view(&out, wire_written(body));
	if (!wire_out_ok(body) || !wire_out_ok(&out))
		peer_die("message too long");
	message_data(&end->m, end->choice, end->user, channel_id,
	             wire_written(&out));
	if (!peer_write(end->ssl, end->m.bytes, end->m.len))
		pthread_exit(NULL);
}

/* The next whole message of the channel, borrowed until the next call. */
static struct wire_view
hear(struct end *end)
{
	for (;;) {
		size_t len = peer_read_frame(end->ssl, end->frame);
		struct wire_in in = wire_in(end->frame, len);
		uint16_t channel;

		if (len == 0)
			pthread_exit(NULL);
		wire_skip(&in, 10); /* TPKT, X.224, choice, initiator */
		channel = wire_u16_be(&in);
		wire_skip(&in, 1);
		if (wire_u8(&in) & 0x80)
			wire_skip(&in, 1);
		wire_skip(&in, CHUNK_HEADER);
		if (channel == channel_id && wire_ok(&in))
			return wire_rest(&in);
	}
}

/* The client. */

/* Ours, the proxy's own calls among them; false: no answer yet. */
static bool
answer(const struct ioctl *row, const struct esc_call *call,
       struct esc_return *ret)
{
	static const uint8_t data[ANSWER_LEN] = {[ANSWER_LEN - 2] = 0x90};
	static const struct esc_id id = {.bytes = {1, 2, 3, 4}, .len = 4};

	switch (row->code) {
	case IOCTL_ESTABLISH_CONTEXT:
		ret->establish.context = id;
		return true;
	case IOCTL_LIST_READERS_A:
	case IOCTL_LIST_READERS_W:
		ret->code = ESC_E_NO_READERS_AVAILABLE;
		return true;
	case IOCTL_GET_STATUS_CHANGE_A:
	case IOCTL_GET_STATUS_CHANGE_W:
		ret->code = ESC_E_TIMEOUT;
		ret->watch.count = call->watch.count;
		return call->watch.timeout_ms == 0;
	case IOCTL_TRANSMIT:
		ret->transmit.recv = (struct esc_bytes){
		    .view = {data, sizeof(data)},
		    .present = true,
		    .size = sizeof(data),
		};
		return true;
	default:
		return true;
	}
}

static void
on_request(struct end *end, struct wire_in *in)
{
	static struct esc_call call;
	struct esc_return ret = {.code = ESC_S_SUCCESS};
	struct rdpefs_request request;
	struct rdpefs_control control;
	struct rdpefs_completion completion = {.device_id = DEVICE};
	uint8_t output[BODY_MAX], data[BODY_MAX];
	struct wire_out body = wire_out(output, sizeof(output));
	struct wire_out out = wire_out(data, sizeof(data));
	const struct ioctl *row;
	struct wire_in rest;

	if (!rdpefs_request_decode(in, &request))
		peer_die("request");
	rest = wire_in_view(request.body);
	if (!rdpefs_control_decode(&rest, &control))
		peer_die("control");
	row = ioctl_find(control.code);
	if (row == NULL ||
	    ioctl_call_decode(row, control.input, &call) != WIRE_OK)
		peer_die("call");
	ret.form = row->form;
	if (!answer(row, &call, &ret))
		return;
	completion.completion_id = request.completion_id;
	ioctl_return_encode(row, &body, &ret);
	rdpefs_output_encode(&out, &completion, wire_written(&body));
	say(end, &out);
}

static void
say_client_hello(struct end *end, struct wire_in *in)
{
	const struct rdpefs_client_name name = {
	    .wide = true,
	    .name = {(const uint8_t *)"P\0C\0\0", 6},
	};
	uint8_t data[256];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_announce announce;

	if (!rdpefs_announce_decode(in, &announce))
		peer_die("announce");
	rdpefs_announce_encode(&out, RDPEFS_CLIENT_ID_CONFIRM, &announce);
	say(end, &out);
	out = wire_out(data, sizeof(data));
	rdpefs_client_name_encode(&out, &name);
	say(end, &out);
}

static void
say_devices(struct end *end)
{
	const struct rdpefs_devices devices = {
	    .list = {{.type = RDPEFS_DEVICE_SMARTCARD,
	              .id = DEVICE,
	              .dos_name = "SCARD"}},
	    .count = 1,
	};
	uint8_t data[256];
	struct wire_out out = wire_out(data, sizeof(data));

	rdpefs_devices_encode(&out, &devices);
	say(end, &out);
}

static void
on_message(struct end *end, struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	struct rdpefs_header header;

	if (!rdpefs_header_decode(&in, &header))
		peer_die("header");
	if (header.packet == RDPEFS_SERVER_ANNOUNCE)
		say_client_hello(end, &in);
	else if (header.packet == RDPEFS_CLIENT_ID_CONFIRM)
		say_devices(end);
	else if (header.packet == RDPEFS_DEVICE_REQUEST)
		on_request(end, &in);
}

static void *
run_client(void *arg)
{
	static struct end end = {
	    .choice = DATA_REQUEST,
	};

	(void)arg;
	end.user = message_sides.user_channel;
	end.ssl = peer_connect(peer_client_context(), opt.via, PEER_RDP);
	for (;;)
		on_message(&end, hear(&end));
	return NULL;
}

/* The server. */

static struct wire_view
await(struct end *end, enum rdpefs_packet packet)
{
	for (;;) {
		struct wire_view message = hear(end);
		struct wire_in in = wire_in_view(message);
		struct rdpefs_header header;

		if (rdpefs_header_decode(&in, &header) &&
		    header.packet == packet)
			return wire_rest(&in);
	}
}

static void
begin_channel(struct end *end)
{
	const struct rdpefs_announce announce = {
	    .major = RDPEFS_VERSION_MAJOR,
	    .minor = RDPEFS_VERSION_MINOR,
	    .client_id = 7,
	};
	const struct rdpefs_reply reply = {.device_id = DEVICE};
	uint8_t data[256];
	struct wire_out out = wire_out(data, sizeof(data));

	rdpefs_announce_encode(&out, RDPEFS_SERVER_ANNOUNCE, &announce);
	say(end, &out);
	(void)await(end, RDPEFS_CLIENT_NAME);
	out = wire_out(data, sizeof(data));
	rdpefs_own_caps_encode(&out);
	say(end, &out);
	out = wire_out(data, sizeof(data));
	rdpefs_announce_encode(&out, RDPEFS_CLIENT_ID_CONFIRM, &announce);
	say(end, &out);
	(void)await(end, RDPEFS_DEVICE_LIST_ANNOUNCE);
	out = wire_out(data, sizeof(data));
	rdpefs_reply_encode(&out, &reply);
	say(end, &out);
}

/* A Transmit of a short command, there and back. */
static void
make_call(struct end *end, uint32_t id)
{
	static const uint8_t apdu[] = {0x00, 0xc0, 0x00, 0x00, 0x00};
	static struct esc_call call = {
	    .transmit = {
		.handle = {.context = {{1, 2, 3, 4}, 4},
	                   .card = {{5, 6, 7, 8}, 4}},
		.send_pci = {.protocol = ESC_PROTOCOL_T1},
		.send = {apdu, sizeof(apdu)},
		.recv_len = ANSWER_LEN,
	    }};
	const struct rdpefs_request request = {
	    .device_id = DEVICE, .file_id = 1, .completion_id = id};
	uint8_t input[BODY_MAX], data[BODY_MAX];
	struct wire_out body = wire_out(input, sizeof(input));
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_control control = {.output_len = 2048,
	                                 .code = IOCTL_TRANSMIT};
	struct rdpefs_completion completion;
	struct wire_in in;

	ioctl_call_encode(ioctl_find(IOCTL_TRANSMIT), &body, &call);
	control.input = wire_written(&body);
	rdpefs_control_encode(&out, &request, &control);
	say(end, &out);
	in = wire_in_view(await(end, RDPEFS_DEVICE_COMPLETION));
	if (!rdpefs_completion_decode(&in, &completion) ||
	    completion.completion_id != id || completion.status != 0)
		peer_die("completion");
}

static double
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
wait_for_line(void)
{
	char line[16];

	if (fgets(line, sizeof(line), stdin) == NULL)
		exit(0);
}

static void
measure(struct end *end)
{
	double *times = calloc(opt.calls, sizeof(*times));

	if (times == NULL)
		peer_die("memory");
	for (uint32_t i = 0; i < WARM_UP; i++)
		make_call(end, i & 0xff);
	(void)printf("ready\n");
	(void)fflush(stdout);
	wait_for_line();
	for (uint32_t i = 0; i < opt.calls; i++) {
		double start = now_us();

		make_call(end, i & 0xff);
		times[i] = now_us() - start;
	}
	qsort(times, opt.calls, sizeof(*times), by_size);
	(void)printf("median_us %.1f p99_us %.1f\n", times[opt.calls / 2],
	             times[opt.calls / 100 * 99]);
	(void)fflush(stdout);
	free(times);
}

static uint16_t
channel_of(const char *name)
{
	if (strcmp(name, "cliprdr") == 0)
		return CLIPRDR;
	if (strcmp(name, "drdynvc") == 0)
		return DRDYNVC;
	return strcmp(name, "rdpdr") == 0 ? RDPDR : 0;
}

int
main(int argc, char **argv)
{
	static struct end end = {.choice = DATA_INDICATION,
	                         .user = SERVER_USER};
	SSL_CTX *ctx;
	pthread_t client;
	int listener;

	(void)signal(SIGPIPE, SIG_IGN);
	if (args_take(argc, argv, args) < 0)
		return 2;
	channel_id = channel_of(opt.channel);
	if (channel_id == 0 || opt.calls == 0)
		return 2;
	ctx = peer_server_context(opt.cert, opt.key);
	listener = peer_listen(opt.port);
	if (pthread_create(&client, NULL, run_client, NULL) != 0)
		peer_die("thread");
	end.ssl = peer_accept(ctx, accept(listener, NULL, NULL), PEER_RDP);
	if (end.ssl == NULL)
		peer_die("accept");
	begin_channel(&end);
	measure(&end);
	wait_for_line();
	return 0;
}
