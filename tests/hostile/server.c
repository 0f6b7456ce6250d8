#include "server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "exact.h"
#include "peer.h"

enum { STACK_SIZE = 1 << 20, FOREVER_MS = 600000, STEP_MS = 5000 };

static SSL_CTX *ctx;
static _Atomic(server_part *) part_early;
static _Atomic(server_part *) part_late;
static atomic_uint heard;

static const uint8_t confirm[] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34,
                                  0, 2, 0, 8,  0,  1,    0, 0, 0};

void
server_play(server_part *early, server_part *part)
{
	atomic_store(&part_early, early);
	atomic_store(&part_late, part);
}

unsigned
server_heard(void)
{
	return atomic_load(&heard);
}

static void
say_all(struct server *s)
{
	struct wire_view message;

	while (fake_queue_get(&s->fake.out, &message)) {
		end_say(&s->end, message);
		exact_free(message);
	}
}

void
server_run(struct server *s, unsigned ms)
{
	uint64_t until = end_now_ms() + ms;

	say_all(s);
	while (!s->end.closed && end_now_ms() < until) {
		size_t len = end_read(&s->end, 20);
		struct wire_view data;
		uint32_t total, flags;

		if (len == 0)
			continue;
		if (end_take_chunk(&s->end, len, &total, &flags, &data))
			fake_server_take(&s->fake, total, flags, data);
		else
			atomic_fetch_add(&heard, 1);
		say_all(s);
	}
}

static void
build_demand(struct wire_out *out)
{
	message_active(out, 1, 0, END_CHUNK);
}

static void
build_font_map(struct wire_out *out)
{
	message_share_data(out, 0x28);
}

static bool
sequence(struct end *e)
{
	struct message *m = malloc(sizeof(*m));
	bool ok = m != NULL && end_read(e, STEP_MS) != 0;

	if (ok) {
		message_connect_response(m, &message_sides);
		end_write(e, m->bytes, m->len);
		ok = end_read(e, STEP_MS) != 0; /* Attach User */
	}
	if (ok) {
		message_attach_confirm(m, message_sides.user_channel);
		end_write(e, m->bytes, m->len);
		ok = end_read(e, STEP_MS) != 0; /* Client Info */
	}
	if (ok) {
		end_io(e, build_demand);
		ok = end_read(e, STEP_MS) != 0; /* Confirm Active */
	}
	if (ok)
		end_io(e, build_font_map);
	free(m);
	return ok;
}

static bool
greet(struct end *e)
{
	uint8_t request[sizeof(confirm)];
	size_t have = 0;
	uint64_t until = end_now_ms() + STEP_MS;

	while (have < sizeof(request) && end_now_ms() < until) {
		ssize_t n =
		    recv(e->fd, request + have, sizeof(request) - have, 0);

		if (n == 0)
			return false;
		have += n > 0 ? (size_t)n : 0;
	}
	end_write(e, confirm, sizeof(confirm));
	return have == sizeof(request) && end_start_tls(e, ctx);
}

static void *
serve(void *arg)
{
	struct server *s = calloc(1, sizeof(*s));
	server_part *early = atomic_load(&part_early);
	server_part *late = atomic_load(&part_late);

	if (s == NULL)
		abort();
	fake_server_init(&s->fake);
	end_take_socket(&s->end, END_SERVER, (int)(intptr_t)arg);
	if (greet(&s->end)) {
		if (early != NULL)
			early(s);
		else if (sequence(&s->end) && late != NULL)
			late(s);
		server_run(s, FOREVER_MS);
	}
	end_close(&s->end);
	fake_server_clear(&s->fake);
	free(s);
	return NULL;
}

static void *
listen_for_ever(void *arg)
{
	int fd = (int)(intptr_t)arg;
	pthread_attr_t attr;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int peer = accept(fd, NULL, NULL);
		pthread_t thread;

		if (peer < 0 || pthread_create(&thread, &attr, serve,
		                               (void *)(intptr_t)peer) != 0)
			peer_die("accept");
	}
}

void
server_start(uint16_t port, const char *cert, const char *key)
{
	int fd = peer_listen(port);
	pthread_t thread;

	ctx = peer_server_context(cert, key);
	if (pthread_create(&thread, NULL, listen_for_ever,
	                   (void *)(intptr_t)fd) != 0)
		peer_die("thread");
}
