#include "client.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "exact.h"
#include "peer.h"

enum { DEVICE = 1, OUTPUT_MAX = 128 * 1024, SETTLE_MS = 5000 };

static const uint8_t request[] = {3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0,
                                  0, 1, 0, 8,  0,  3,    0, 0, 0};

static SSL_CTX *
context(void)
{
	static SSL_CTX *ctx;

	if (ctx == NULL)
		ctx = peer_client_context();
	return ctx;
}

void
client_complete(struct client *c, uint32_t device, uint32_t id, uint32_t status,
                struct wire_view output)
{
	static uint8_t data[OUTPUT_MAX + 64];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_completion completion = {
	    .device_id = device,
	    .completion_id = id,
	    .status = status,
	};

	rdpefs_output_encode(&out, &completion, output);
	fake_queue_put(&c->fake.out, wire_written(&out));
}

void
client_core(struct client *c, uint16_t packet, struct wire_view body)
{
	static uint8_t data[OUTPUT_MAX + 64];
	struct wire_out out = wire_out(data, sizeof(data));

	wire_put_u16(&out, RDPEFS_CORE);
	wire_put_u16(&out, packet);
	wire_put_view(&out, body);
	fake_queue_put(&c->fake.out, wire_written(&out));
}

static void
on_answer(void *arg, uint32_t id, const struct ioctl *row,
          const struct esc_return *ret)
{
	static uint8_t output[OUTPUT_MAX];
	struct client *c = arg;
	struct esc_return copy = *ret;
	struct wire_out out = wire_out(output, sizeof(output));

	if (c->on_call != NULL && c->on_call(c, id, row, &copy))
		return;
	ioctl_return_encode(row, &out, &copy);
	if (c->on_output != NULL)
		c->on_output(c, row, output, &out.len);
	client_complete(c, DEVICE, id, 0, (struct wire_view){output, out.len});
}

static void
say_all(struct client *c)
{
	struct wire_view message;

	while (fake_queue_get(&c->fake.out, &message)) {
		end_say(&c->end, message);
		exact_free(message);
	}
}

void
client_run(struct client *c, unsigned quiet_ms, unsigned max_ms)
{
	uint64_t start = end_now_ms();
	uint64_t last = start;

	say_all(c);
	while (!c->end.closed && end_now_ms() < last + quiet_ms &&
	       end_now_ms() < start + max_ms) {
		size_t len = end_read(&c->end, 10);
		struct wire_view data;
		uint32_t total, flags;

		if (len == 0)
			continue;
		last = end_now_ms();
		if (end_take_chunk(&c->end, len, &total, &flags, &data))
			fake_client_take(&c->fake, total, flags, data);
		say_all(c);
	}
}

static bool
open_tcp(struct client *c, uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
	                           .sin_port = htons(port),
	                           .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		return false;
	end_take_socket(&c->end, END_CLIENT, fd);
	return true;
}

static bool
negotiate(struct client *c)
{
	uint8_t answer[19];
	size_t have = 0;
	uint64_t until = end_now_ms() + SETTLE_MS;

	end_write(&c->end, request, sizeof(request));
	while (have < sizeof(answer) && end_now_ms() < until) {
		ssize_t n =
		    recv(c->end.fd, answer + have, sizeof(answer) - have, 0);

		if (n == 0)
			return false;
		have += n > 0 ? (size_t)n : 0;
	}
	return have == sizeof(answer) && end_start_tls(&c->end, context());
}

static const char *info_user;

static void
build_info(struct wire_out *out)
{
	const struct message_info info = {.flags = 0x10,
	                                  .domain = "",
	                                  .user = info_user,
	                                  .password = "secret",
	                                  .address = "127.0.0.1"};

	message_info(out, &info);
}

static void
build_confirm(struct wire_out *out)
{
	message_active(out, 3, 0, END_CHUNK);
}

static bool
activate(struct client *c)
{
	static const uint8_t attach_user[] = {3, 0, 0, 8, 2, 0xf0, 0x80, 0x28};
	static struct message m;

	message_connect_initial(&m, &message_sides);
	end_write(&c->end, m.bytes, m.len);
	if (end_read(&c->end, SETTLE_MS) == 0)
		return false;
	end_write(&c->end, attach_user, sizeof(attach_user));
	if (end_read(&c->end, SETTLE_MS) == 0)
		return false;
	info_user = c->user;
	end_io(&c->end, build_info);
	if (end_read(&c->end, SETTLE_MS) == 0)
		return false;
	end_io(&c->end, build_confirm);
	return end_read(&c->end, SETTLE_MS) != 0;
}

bool
client_is_watched(const struct client *c)
{
	return fake_pcsc_parked(&c->fake.pcsc) == 1 &&
	       fake_pcsc_handles(&c->fake.pcsc) == 0 &&
	       fake_pcsc_contexts(&c->fake.pcsc) == 1;
}

static bool
await_card(struct client *c)
{
	uint64_t until = end_now_ms() + SETTLE_MS;

	while (!client_is_watched(c) && !c->end.closed && end_now_ms() < until)
		client_run(c, 20, 20);
	return client_is_watched(c);
}

bool
client_reach(struct client *c, enum stage stage, uint16_t port)
{
	return open_tcp(c, port) && (stage < STAGE_TLS || negotiate(c)) &&
	       (stage < STAGE_ACTIVE || activate(c)) &&
	       (stage < STAGE_CARD || await_card(c));
}

void
client_init(struct client *c, const char *user)
{
	memset(c, 0, sizeof(*c));
	c->end.fd = -1;
	c->user = user;
	fake_client_init(&c->fake);
	c->fake.pcsc.answer = on_answer;
	c->fake.pcsc.arg = c;
	fake_pcsc_plug(&c->fake.pcsc, 0, user);
	script_card_init(&c->card, script_gids_aid);
}

void
client_clear(struct client *c)
{
	end_close(&c->end);
	fake_client_clear(&c->fake);
	script_card_clear(&c->card);
}
