#include "canary.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "peer.h"

enum { QUIET_MS = 40, CANARY_MS = 10000 };

static struct client canary; /* in its own process */
static uint16_t canary_port;
static const char *canary_pki;

static uint8_t *
load(const char *name, size_t *len)
{
	static uint8_t data[64 * 1024];
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/cards/one-gids/%s", canary_pki,
	               name);
	file = fopen(path, "rb");
	if (file == NULL)
		peer_die(path);
	*len = fread(data, 1, sizeof(data), file);
	(void)fclose(file);
	return data;
}

static void
add_file(struct script_card *card, const char *dir, const char *name,
         const char *from)
{
	size_t len;
	uint8_t *data = load(from, &len);

	(void)script_gids_file(card, dir, name, (struct wire_view){data, len},
	                       SCRIPT_PLAIN);
}

/* Read once more than before, and given back. */
static bool
canary_is_read(unsigned before)
{
	uint64_t until = end_now_ms() + CANARY_MS;

	while (end_now_ms() < until && !canary.end.closed) {
		client_run(&canary, QUIET_MS, QUIET_MS);
		if (canary.card.commands > before && client_is_watched(&canary))
			return true;
	}
	return false;
}

static bool
canary_open(void)
{
	client_init(&canary, "canary");
	script_gids_begin(&canary.card);
	add_file(&canary.card, "mscp", "kxc00", "kxc00.der");
	add_file(&canary.card, "mscp", "msroots", "msroots.p7b");
	fake_pcsc_insert(&canary.fake.pcsc, 0, &canary.card);
	return client_reach(&canary, STAGE_CARD, canary_port) &&
	       canary_is_read(0);
}

/* Out, in, and read again. */
static bool
canary_beat(void)
{
	unsigned before = canary.card.commands;

	fake_pcsc_remove(&canary.fake.pcsc, 0);
	client_run(&canary, QUIET_MS, CANARY_MS);
	fake_pcsc_insert(&canary.fake.pcsc, 0, &canary.card);
	return canary_is_read(before);
}

/* A byte from us is a beat, a byte from it says that it went well. */
static int canary_fd;

static void
canary_live(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(0);
	for (bool good = canary_open();; good = canary_beat()) {
		byte = good ? '+' : '-';
		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			break;
	}
	client_clear(&canary);
	_exit(0);
}

void
canary_fork(uint16_t port, const char *pki)
{
	int fds[2];

	canary_port = port;
	canary_pki = pki;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		peer_die("socketpair");
	canary_fd = fds[0];
	switch (fork()) {
	case -1:
		peer_die("fork");
	case 0:
		(void)close(fds[0]);
		canary_live(fds[1]);
		_exit(1);
	default:
		(void)close(fds[1]);
	}
}

void
canary_begin(void)
{
	if (write(canary_fd, "b", 1) != 1)
		peer_die("canary");
}

bool
canary_end(void)
{
	char byte = 0;

	return read(canary_fd, &byte, 1) == 1 && byte == '+';
}

void
canary_free(void)
{
	(void)close(canary_fd);
}
