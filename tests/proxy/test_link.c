/*
 * The link between two processes: order, limits, descriptors, and an end that
 * dies.
 */
#include "link.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "side.h"

/* What one end has got. */
struct end {
	struct link *link;
	unsigned count;
	unsigned next; /* number in the next datagram */
	size_t last_len;
	int fd;
	unsigned closed;
};

static void
on_message(void *arg, struct wire_view message, int fd)
{
	struct end *e = arg;
	struct wire_in in = wire_in_view(message);

	assert_int_equal(wire_u32(&in), e->next++);
	e->count++;
	e->last_len = message.len;
	if (e->fd >= 0)
		(void)close(e->fd);
	e->fd = fd;
}

static void
on_closed(void *arg)
{
	struct end *e = arg;

	e->closed++;
	link_free(e->link);
	e->link = NULL;
}

static const struct link_ops ops = {on_message, on_closed};

static void
open_pair(struct end *a, struct end *b)
{
	int fds[2];

	*a = (struct end){.fd = -1};
	*b = (struct end){.fd = -1};
	assert_true(link_pair(fds));
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
	a->link = link_new(side_base, fds[0], &ops, a);
	b->link = link_new(side_base, fds[1], &ops, b);
	assert_non_null(a->link);
	assert_non_null(b->link);
}

static void
close_end(struct end *e)
{
	link_free(e->link);
	if (e->fd >= 0)
		(void)close(e->fd);
}

/* A datagram of len bytes that begins with its number. */
static void
send_number(struct end *e, uint32_t number, size_t len, int fd)
{
	static uint8_t bytes[LINK_DATAGRAM_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	wire_put_u32(&out, number);
	link_send(e->link, (struct wire_view){bytes, len}, fd);
}

static int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

/* More than the socket holds waits, and comes in order. */
static void
test_order(void **state)
{
	struct end a, b;

	(void)state;
	open_pair(&a, &b);
	for (uint32_t i = 0; i < 2000; i++)
		send_number(&a, i, i % 100 == 0 ? 40000 : 4 + i, -1);
	while (b.count < 2000 && b.closed == 0)
		(void)event_base_loop(side_base, EVLOOP_NONBLOCK);
	assert_int_equal(b.count, 2000);
	assert_int_equal(a.closed + b.closed, 0);
	send_number(&a, 2000, LINK_DATAGRAM_MAX, -1);
	side_turn(side_base, 20);
	assert_int_equal(b.last_len, LINK_DATAGRAM_MAX);
	close_end(&a);
	close_end(&b);
}

/* The queue is full at its limit, and not before. */
static void
test_limit(void **state)
{
	struct end a, b;
	uint32_t number = 0;
	size_t sent = 0;

	(void)state;
	open_pair(&a, &b);
	while (sent + LINK_DATAGRAM_MAX <= LINK_QUEUE_MAX) {
		send_number(&a, number++, LINK_DATAGRAM_MAX, -1);
		sent += LINK_DATAGRAM_MAX;
	}
	assert_int_equal(a.closed, 0);
	for (int i = 0; i < 16; i++) /* what the socket took has gone */
		send_number(&a, number++, LINK_DATAGRAM_MAX, -1);
	assert_int_equal(a.closed, 0); /* not on the sender's own frame */
	while (a.closed == 0)
		(void)event_base_loop(side_base, EVLOOP_ONCE);
	side_turn(side_base, 20);
	assert_int_equal(a.closed, 1);
	assert_int_equal(b.closed, 1);
	close_end(&a);
	close_end(&b);
}

static void
test_descriptor(void **state)
{
	int before = open_descriptors();
	struct stat wanted, got;
	struct end a, b;

	(void)state;
	open_pair(&a, &b);
	assert_int_equal(stat("/dev/zero", &wanted), 0);
	send_number(&a, 0, 4, open("/dev/zero", O_RDONLY));
	send_number(&a, 1, 4, open("/dev/zero", O_RDONLY));
	while (b.count < 2)
		(void)event_base_loop(side_base, EVLOOP_ONCE);
	assert_int_equal(fstat(b.fd, &got), 0);
	assert_int_equal(got.st_rdev, wanted.st_rdev);
	assert_true(fcntl(b.fd, F_GETFD) & FD_CLOEXEC);
	send_number(&a, 2, 4, -1);
	while (b.count < 3)
		(void)event_base_loop(side_base, EVLOOP_ONCE);
	assert_int_equal(b.fd, -1);
	close_end(&a);
	close_end(&b);
	assert_int_equal(open_descriptors(), before);
}

/* Descriptors that wait when the link goes are closed with it. */
static void
test_waiting_descriptor(void **state)
{
	int before = open_descriptors();
	struct end a, b;

	(void)state;
	open_pair(&a, &b);
	for (uint32_t i = 0; i < 100; i++)
		send_number(&a, i, LINK_DATAGRAM_MAX,
		            open("/dev/null", O_RDONLY));
	assert_true(open_descriptors() > before);
	close_end(&a);
	close_end(&b);
	assert_int_equal(open_descriptors(), before);
}

/* A peer that sends several descriptors at once cannot use ours up. */
static void
test_too_many_descriptors(void **state)
{
	int before = open_descriptors();
	uint8_t number[4] = {0};
	struct iovec iov = {number, sizeof(number)};
	union {
		char bytes[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {.msg_iov = &iov,
	                     .msg_iovlen = 1,
	                     .msg_control = control.bytes,
	                     .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	const int three[3] = {0, 1, 2};
	struct end e = {.fd = -1};
	int fds[2];

	(void)state;
	assert_true(link_pair(fds));
	memset(&control, 0, sizeof(control));
	e.link = link_new(side_base, fds[0], &ops, &e);
	for (size_t count = 2; count <= 3; count++) {
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), three, count * sizeof(int));
		e.next = 0;
		assert_int_equal(sendmsg(fds[1], &msg, 0), 4);
		side_turn(side_base, 20);
	}
	assert_int_equal(e.count, 2);
	close_end(&e);
	(void)close(fds[1]);
	assert_int_equal(open_descriptors(), before);
}

static void
test_other_end_dies(void **state)
{
	struct end a, b;

	(void)state;
	open_pair(&a, &b);
	send_number(&a, 0, 4, -1);
	send_number(&a, 1, 4, -1);
	link_free(a.link);
	a.link = NULL;
	side_turn(side_base, 20);
	assert_int_equal(b.count, 2); /* what was said before counts */
	assert_int_equal(b.closed, 1);
	close_end(&b);

	open_pair(&a, &b);
	link_free(b.link);
	b.link = NULL;
	send_number(&a, 0, 4, -1);
	send_number(&a, 1, 4, open("/dev/null", O_RDONLY));
	assert_int_equal(a.closed, 0);
	side_turn(side_base, 20);
	assert_int_equal(a.closed, 1);
	close_end(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_descriptor),
	    cmocka_unit_test(test_waiting_descriptor),
	    cmocka_unit_test(test_too_many_descriptors),
	    cmocka_unit_test(test_other_end_dies),
	};

	return cmocka_run_group_tests(tests, side_open_base, side_close_base);
}
