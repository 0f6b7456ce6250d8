#include "keeperbed.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "scratch.h"

enum { WAIT_MS = 10000, STEP_MS = 5 };

static enum keep_cleanup user_cleanup;

void
keeperbed_init(struct keeperbed *bed)
{
	memset(bed, 0, sizeof(*bed));
	(void)snprintf(bed->dir, sizeof(bed->dir), "/tmp/keeperbed.XXXXXX");
	assert_non_null(mkdtemp(bed->dir));
	(void)snprintf(bed->database, sizeof(bed->database), "%s/store.db",
	               bed->dir);
	(void)snprintf(bed->run_dir, sizeof(bed->run_dir), "%s/run", bed->dir);
	(void)snprintf(bed->control, sizeof(bed->control),
	               "%s/run/control.sock", bed->dir);
	bed->config = (struct keeper_config){.database = bed->database,
	                                     .run_dir = bed->run_dir,
	                                     .control = bed->control,
	                                     .control_group = (gid_t)-1,
	                                     .view_group = (gid_t)-1};
	bed->gate = -1;
}

void
keeperbed_clear(struct keeperbed *bed)
{
	if (bed->pid > 0)
		keeperbed_kill(bed);
	(void)scratch_remove(bed->dir);
}

int
keeperbed_new(void **state)
{
	static struct keeperbed bed;

	keeperbed_init(&bed);
	keeperbed_user_cleanup(KEEP_CLEANUP_NONE);
	*state = &bed;
	return 0;
}

int
keeperbed_free(void **state)
{
	keeperbed_clear(*state);
	return 0;
}

void
keeperbed_start(struct keeperbed *bed)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	bed->pid = fork();
	assert_true(bed->pid >= 0);
	if (bed->pid == 0) {
		(void)close(fds[0]);
		log_setup(LOG_WARNING, LOG_PLAIN);
		if (bed->prepare != NULL)
			bed->prepare(bed->prepare_arg);
		/* Not _exit: leaks are to be found here, too. */
		exit(keeper_run(&bed->config, fds[1]));
	}
	(void)close(fds[1]);
	bed->gate = fds[0];
}

int
keeperbed_wait(struct keeperbed *bed)
{
	int status = 0;

	assert_int_equal(waitpid(bed->pid, &status, 0), bed->pid);
	bed->pid = 0;
	if (bed->gate >= 0)
		(void)close(bed->gate);
	bed->gate = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
keeperbed_stop(struct keeperbed *bed)
{
	(void)close(bed->gate);
	bed->gate = -1;
	return keeperbed_wait(bed);
}

void
keeperbed_kill(struct keeperbed *bed)
{
	(void)kill(bed->pid, SIGKILL);
	(void)keeperbed_wait(bed);
}

void
keeperbed_id(uint8_t number, char hex[33])
{
	uint8_t id[KEEP_ID_LEN];

	memset(id, number, sizeof(id));
	(void)log_hex(hex, id, sizeof(id));
}

/* One datagram, with a descriptor unless fd is -1. */
static void
send_message(int to, const struct keep_msg *msg, int fd)
{
	static uint8_t buffer[KEEP_MESSAGE_MAX];
	struct wire_out out = wire_out(buffer, sizeof(buffer));
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct msghdr header = {0};

	keep_encode(&out, msg);
	assert_true(wire_out_ok(&out));
	struct iovec bytes = {buffer, wire_written(&out).len};

	header.msg_iov = &bytes;
	header.msg_iovlen = 1;
	if (fd >= 0) {
		memset(control, 0, sizeof(control));
		header.msg_control = control;
		header.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	/* A keeper that was killed is noticed by its missing answer. */
	assert_true(sendmsg(to, &header, MSG_NOSIGNAL) ==
	                (ssize_t)bytes.iov_len ||
	            errno == EPIPE || errno == ECONNRESET);
}

int
keeperbed_attach(struct keeperbed *bed, uint8_t number, bool resumed)
{
	struct keep_msg msg = {.type = KEEP_ATTACH};
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	memset(msg.hello.session, number, sizeof(msg.hello.session));
	msg.hello.pid = 4000u + number;
	msg.hello.started_at = 1700000000;
	msg.hello.resumed = resumed;
	msg.hello.client_addr = wire_view_text("192.0.2.7");
	send_message(bed->gate, &msg, fds[1]);
	(void)close(fds[1]);
	msg.type = KEEP_HELLO;
	msg.hello.target = wire_view_text("desktop");
	msg.hello.client_name = wire_view_text("LAPTOP");
	keeperbed_say(fds[0], &msg);
	return fds[0];
}

void
keeperbed_attached_all(struct keeperbed *bed)
{
	struct keep_msg msg = {.type = KEEP_ATTACHED_ALL};

	send_message(bed->gate, &msg, -1);
}

void
keeperbed_say(int session, const struct keep_msg *msg)
{
	send_message(session, msg, -1);
}

struct keep_ack
keeperbed_answer(int session, uint32_t seq, char *reason, size_t size)
{
	uint8_t buffer[4096];
	struct pollfd ready = {.fd = session, .events = POLLIN};
	struct keep_msg msg;

	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	ssize_t len = recv(session, buffer, sizeof(buffer), 0);

	assert_true(len > 0);
	struct wire_in in = wire_in(buffer, (size_t)len);

	assert_true(keep_decode(&in, &msg));
	assert_int_equal(msg.type, KEEP_ACK);
	assert_int_equal(msg.seq, seq);
	if (reason != NULL)
		(void)log_printable(reason, size, msg.ack.reason);
	msg.ack.reason = (struct wire_view){0};
	return msg.ack;
}

bool
keeperbed_is_closed(int session)
{
	struct pollfd ready = {.fd = session, .events = POLLIN};
	char byte;

	return poll(&ready, 1, WAIT_MS) == 1 &&
	       recv(session, &byte, 1, MSG_DONTWAIT) <= 0;
}

void
keeperbed_user(int session, const char *user)
{
	struct keep_msg msg = {.type = KEEP_STATE};

	msg.state.state = KEEP_WATCHING;
	msg.state.user = wire_view_text(user);
	msg.state.source = wire_view_text("claimed");
	msg.state.policy = wire_view_text("default");
	msg.state.role = wire_view_text("relay");
	keeperbed_say(session, &msg);
}

void
keeperbed_user_cleanup(enum keep_cleanup cleanup)
{
	user_cleanup = cleanup;
}

void
keeperbed_begin(int session, uint32_t reader, uint8_t card,
                enum keep_cleanup cleanup)
{
	struct keep_msg msg = {.type = KEEP_BEGIN};

	msg.begin.reader = reader;
	msg.begin.reader_name = wire_view_text("Virtual Reader 00");
	memset(msg.begin.card_id, card, sizeof(msg.begin.card_id));
	msg.begin.family = wire_view_text("PIV");
	msg.begin.cleanup = cleanup;
	msg.begin.user_cleanup = user_cleanup;
	keeperbed_say(session, &msg);
}

void
keeperbed_cert(int session, enum keep_kind kind, uint8_t number)
{
	struct keep_msg msg = {.type = KEEP_CERT};
	uint8_t der[KEEPERBED_DER_LEN];

	memset(der, number, sizeof(der));
	msg.cert.kind = kind;
	msg.cert.is_ca = kind != KEEP_USER && kind != KEEP_REQUEST;
	msg.cert.der = (struct wire_view){der, sizeof(der)};
	msg.cert.subject = wire_view_text("CN=somebody");
	msg.cert.issuer = wire_view_text("CN=some CA");
	msg.cert.serial = wire_view_text("0a");
	msg.cert.key_alg = wire_view_text("RSA");
	msg.cert.key_bits = 2048;
	msg.cert.subject_hash = 0x1234abcd;
	msg.cert.container = wire_view_text("container");
	keeperbed_say(session, &msg);
}

void
keeperbed_hash(uint8_t number, uint8_t hash[static KEEP_HASH_LEN])
{
	uint8_t der[KEEPERBED_DER_LEN];

	memset(der, number, sizeof(der));
	assert_int_equal(
	    EVP_Digest(der, sizeof(der), hash, NULL, EVP_sha256(), NULL), 1);
}

struct keep_ack
keeperbed_commit(int session, uint32_t seq)
{
	struct keep_msg msg = {.type = KEEP_COMMIT, .seq = seq};

	keeperbed_say(session, &msg);
	return keeperbed_answer(session, seq, NULL, 0);
}

int
keeperbed_files(const struct keeperbed *bed, uint8_t number, const char *folder)
{
	char path[256];
	char id[33];
	int count = 0;

	keeperbed_id(number, id);
	(void)snprintf(path, sizeof(path), "%s/session/%s/%s", bed->run_dir, id,
	               folder);
	DIR *dir = opendir(path);

	if (dir == NULL)
		return -1;
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		count += e->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

bool
keeperbed_wait_files(const struct keeperbed *bed, uint8_t number,
                     const char *folder, int count)
{
	for (int waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (keeperbed_files(bed, number, folder) == count)
			return true;
		(void)usleep(STEP_MS * 1000);
	}
	return false;
}

struct keep_ack
keeperbed_propagate(int session, uint32_t seq, enum keep_cleanup cleanup)
{
	keeperbed_begin(session, 1, 0xc1, cleanup);
	keeperbed_cert(session, KEEP_USER, 10);
	keeperbed_cert(session, KEEP_ANCHOR, 20);
	return keeperbed_commit(session, seq);
}

struct keep_ack
keeperbed_synced(int session, uint32_t seq)
{
	struct keep_msg msg = {.type = KEEP_SYNCED, .seq = seq};

	keeperbed_say(session, &msg);
	return keeperbed_answer(session, seq, NULL, 0);
}
