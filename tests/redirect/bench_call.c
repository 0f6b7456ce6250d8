/*
 * What a relayed Transmit costs in the channel alone: its two messages through
 * joining, decoders, policy and multiplexer, there and back, without sockets
 *and without TLS.  Prints lines "key value"; tests/bench call makes them JSON.
 *
 * usage: bench_call [CALLS]
 *
 *	open_us      processor time of a call, all is allowed
 *	rules_us     the same under rules for readers, cards, calls and commands
 *	refused_us   a call that the rules refuse
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "channel.h"
#include "ioctl.h"
#include "log.h"
#include "rdpefs.h"

enum {
	CALLS = 1000000,
	WARM_UP = 1000,
	DEVICE = 1,
	SERVER_ID = 7, /* the completion id of all its calls */
	ANSWER_LEN = 258,
	MESSAGE_ROOM = 4096
};

struct message {
	uint8_t bytes[MESSAGE_ROOM];
	size_t len;
};

/* What the channel said last to each side. */
static struct {
	struct channel *ch;
	struct message said[2];
	unsigned count[2];
} bench;

static const struct esc_handle handle = {
    .context = {{1, 2, 3, 4}, 4},
    .card = {{5, 6, 7, 8}, 4},
};
static const struct esc_name reader = {"Reader 0", true};
static const struct esc_atr atr = {{0x3b, 0x00}, 2};

static void
die(const char *what)
{
	(void)fprintf(stderr, "bench_call: %s\n", what);
	exit(1);
}

static void
on_send(void *arg, enum channel_side to, uint32_t total, uint32_t flags,
        struct wire_view data)
{
	struct message *said = &bench.said[to];
	struct wire_out out = wire_out(said->bytes, sizeof(said->bytes));

	(void)arg;
	(void)total;
	wire_put_view(&out, data);
	if (!wire_out_ok(&out) || (flags & CHANNEL_FLAG_LAST) == 0)
		die("a message of several chunks");
	said->len = out.len;
	bench.count[to]++;
}

static void
on_keeper(void *arg, const struct keep_msg *msg)
{
	(void)arg;
	(void)msg;
}

static void
on_use(void *arg, const struct channel_use *use)
{
	(void)arg;
	(void)use;
}

static void
say(enum channel_side from, const struct wire_out *message)
{
	if (!wire_out_ok(message))
		die("message too long");
	(void)channel_chunk(bench.ch, from, (uint32_t)message->len,
	                    CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST,
	                    wire_written(message), 0);
}

static void
put_request(struct wire_out *out, enum ioctl_code code,
            const struct esc_call *call)
{
	const struct rdpefs_request request = {.device_id = DEVICE,
	                                       .completion_id = SERVER_ID};
	struct rdpefs_control control = {.output_len = 2048, .code = code};
	uint8_t input[MESSAGE_ROOM];
	struct wire_out body = wire_out(input, sizeof(input));

	ioctl_call_encode(ioctl_find(code), &body, call);
	control.input = wire_written(&body);
	rdpefs_control_encode(out, &request, &control);
}

/* The client's answer to whatever went to it last. */
static void
put_completion(struct wire_out *out, enum ioctl_code code,
               const struct esc_return *ret)
{
	struct rdpefs_completion completion = {.device_id = DEVICE};
	uint8_t output[MESSAGE_ROOM];
	struct wire_out body = wire_out(output, sizeof(output));

	ioctl_return_encode(ioctl_find(code), &body, ret);
	rdpefs_output_encode(out, &completion, wire_written(&body));
}

static void
set_id(struct wire_out *completion)
{
	const struct message *request = &bench.said[CHANNEL_CLIENT];
	struct wire_in in = wire_in(request->bytes, request->len);

	wire_skip(&in, RDPEFS_REQUEST_ID_AT);
	wire_set_u32(completion, RDPEFS_COMPLETION_ID_AT, wire_u32(&in));
}

/* One call there and back. */
static void
exchange(enum ioctl_code code, const struct esc_call *call,
         const struct esc_return *ret)
{
	uint8_t asked[MESSAGE_ROOM], told[MESSAGE_ROOM];
	struct wire_out request = wire_out(asked, sizeof(asked));
	struct wire_out completion = wire_out(told, sizeof(told));
	unsigned before = bench.count[CHANNEL_SERVER];

	put_request(&request, code, call);
	put_completion(&completion, code, ret);
	say(CHANNEL_SERVER, &request);
	set_id(&completion);
	say(CHANNEL_CLIENT, &completion);
	if (bench.count[CHANNEL_SERVER] != before + 1)
		die("a call without its answer");
}

/* Announce, device, and its acceptance. */
static void
begin(void)
{
	const struct rdpefs_announce announce = {.major = RDPEFS_VERSION_MAJOR,
	                                         .client_id = SERVER_ID};
	const struct rdpefs_devices devices = {
	    .list = {{.type = RDPEFS_DEVICE_SMARTCARD, .id = DEVICE}},
	    .count = 1,
	};
	const struct rdpefs_reply reply = {.device_id = DEVICE};
	uint8_t data[MESSAGE_ROOM];
	struct wire_out out = wire_out(data, sizeof(data));

	rdpefs_announce_encode(&out, RDPEFS_SERVER_ANNOUNCE, &announce);
	say(CHANNEL_SERVER, &out);
	out = wire_out(data, sizeof(data));
	rdpefs_devices_encode(&out, &devices);
	say(CHANNEL_CLIENT, &out);
	out = wire_out(data, sizeof(data));
	rdpefs_reply_encode(&out, &reply);
	say(CHANNEL_SERVER, &out);
}

/* The server looks at its reader and connects to the card in it. */
static void
open_card(void)
{
	static struct esc_call call;
	static struct esc_return ret;

	call = (struct esc_call){.watch = {.context = handle.context,
	                                   .count = 1,
	                                   .states = {{.reader = reader}}}};
	ret = (struct esc_return){
	    .watch = {.count = 1,
	              .states = {{.event = ESC_STATE_PRESENT, .atr = atr}}}};
	exchange(IOCTL_GET_STATUS_CHANGE_A, &call, &ret);
	call = (struct esc_call){
	    .connect = {.reader = reader, .context = handle.context}};
	ret = (struct esc_return){
	    .connect = {.handle = handle, .protocol = ESC_PROTOCOL_T1}};
	exchange(IOCTL_CONNECT_A, &call, &ret);
}

static void
put_transmit(struct wire_out *request, struct wire_out *completion, uint8_t ins)
{
	static const uint8_t data[ANSWER_LEN] = {[ANSWER_LEN - 2] = 0x90};
	const uint8_t apdu[] = {0x00, ins, 0x00, 0x00, 0x00};
	static struct esc_call call;
	static struct esc_return ret;

	call = (struct esc_call){
	    .transmit = {.handle = handle,
	                 .send_pci = {.protocol = ESC_PROTOCOL_T1},
	                 .send = {apdu, sizeof(apdu)},
	                 .recv_len = ANSWER_LEN}};
	ret = (struct esc_return){
	    .transmit = {.recv = {.view = {data, sizeof(data)},
	                          .present = true,
	                          .size = sizeof(data)}}};
	put_request(request, IOCTL_TRANSMIT, &call);
	put_completion(completion, IOCTL_TRANSMIT, &ret);
}

static double
cpu_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void
repeat(struct wire_out *request, struct wire_out *completion, unsigned calls)
{
	for (unsigned i = 0; i < calls; i++) {
		unsigned asked = bench.count[CHANNEL_CLIENT];

		say(CHANNEL_SERVER, request);
		if (bench.count[CHANNEL_CLIENT] == asked)
			continue; /* it was refused */
		set_id(completion);
		say(CHANNEL_CLIENT, completion);
	}
}

/* ins: of the command; passes: whether the client is to see it. */
static void
measure(const char *key, uint8_t ins, bool passes, unsigned calls)
{
	uint8_t asked[MESSAGE_ROOM], told[MESSAGE_ROOM];
	struct wire_out request = wire_out(asked, sizeof(asked));
	struct wire_out completion = wire_out(told, sizeof(told));
	unsigned before;
	double start;

	put_transmit(&request, &completion, ins);
	repeat(&request, &completion, WARM_UP);
	before = bench.count[CHANNEL_CLIENT];
	start = cpu_us();
	repeat(&request, &completion, calls);
	(void)printf("%s %.3f\n", key, (cpu_us() - start) / calls);
	if (bench.count[CHANNEL_CLIENT] - before != (passes ? calls : 0))
		die("a call that went another way");
}

static void
set_rules(struct filter_policy *policy)
{
	filter_policy_init(policy);
	if (filter_parse_readers(policy, "deny Other* | allow Reader*") !=
	        NULL ||
	    filter_parse_cards(policy, "deny 3B 7F 96 * | allow *") != NULL ||
	    filter_parse_calls(policy, "deny SetAttrib | deny *Cache") !=
	        NULL ||
	    filter_parse_commands(policy, "use") != NULL)
		die("rules");
}

int
main(int argc, char **argv)
{
	static const struct channel_ops ops = {
	    .send = on_send, .tell_keeper = on_keeper, .on_use = on_use};
	static const struct channel_config config = {.role = CHANNEL_RELAY};
	static struct certprop_policy policy;
	static struct filter_policy rules;
	unsigned calls = CALLS;

	if (argc > 1)
		calls = (unsigned)strtoul(argv[1], NULL, 10);
	log_setup(LOG_ERROR, LOG_PLAIN);
	policy.redirect = true;
	bench.ch = channel_new(&config, &policy, &ops, NULL);
	if (bench.ch == NULL || calls == 0)
		die("arguments or memory");
	channel_activated(bench.ch, 0);
	begin();
	open_card();
	measure("open_us", 0xc0, true, calls);
	set_rules(&rules);
	channel_filter(bench.ch, &rules, 0);
	measure("rules_us", 0xc0, true, calls);
	measure("refused_us", 0xdb, false, calls);
	channel_free(bench.ch);
	filter_policy_clear(&rules);
	return 0;
}
