/* Listening sockets: opened, replaced at a reload, and out of descriptors. */
#include "listeners.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "side.h"

static unsigned told;

static void
on_accepted(void *arg)
{
	(void)arg;
	told++;
	(void)event_base_loopbreak(
	    side_base); /* to take them, as the gate does */
}

static struct sockaddr_in
loopback(uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons(port);
	return addr;
}

/* A port that was free a moment ago. */
static uint16_t
free_port(void)
{
	struct sockaddr_in addr = loopback(0);
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	(void)close(fd);
	return ntohs(addr.sin_port);
}

static struct config_listener
listener(uint16_t port)
{
	static char name[] = "test";
	struct config_listener l = {.name = name, .max_sessions = 1};
	struct sockaddr_in addr = loopback(port);

	memcpy(&l.address, &addr, sizeof(addr));
	l.address_len = sizeof(addr);
	return l;
}

static int
knock(uint16_t port)
{
	struct sockaddr_in addr = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void
turn(void)
{
	for (int i = 0; i < 3; i++)
		(void)event_base_loop(side_base, EVLOOP_NONBLOCK);
}

/* Knock, and be let in as a connection of that listener. */
static void
assert_serves(struct listeners *ls, uint16_t port, size_t index)
{
	struct accepted a;
	int fd = knock(port);

	assert_true(fd >= 0);
	turn();
	assert_true(listeners_next(ls, &a));
	assert_int_equal(a.listener, index);
	assert_string_equal(a.addr, "127.0.0.1");
	assert_false(listeners_next(ls, &a));
	(void)close(a.fd);
	(void)close(fd);
}

static int
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(d) != NULL)
		count++;
	(void)closedir(d);
	return count;
}

static void
test_open(void **state)
{
	int before = open_descriptors();
	uint16_t ports[2] = {free_port(), free_port()};
	struct config_listener list[2] = {listener(ports[0]),
	                                  listener(ports[1])};
	struct config config = {.listeners = list, .listener_count = 2};
	struct listeners ls;

	(void)state;
	assert_true(listeners_open(&ls, side_base, &config, on_accepted, NULL));
	assert_serves(&ls, ports[0], 0);
	assert_serves(&ls, ports[1], 1);
	assert_true(told >= 2);
	listeners_close(&ls);
	assert_int_equal(knock(ports[0]), -1);
	listeners_close(&ls);
	assert_int_equal(open_descriptors(), before);
}

static void
test_taken(void **state)
{
	int before = open_descriptors();
	uint16_t port = free_port();
	struct config_listener list[2] = {listener(port), listener(port)};
	struct config config = {.listeners = list, .listener_count = 1};
	struct listeners ls, other;

	(void)state;
	assert_true(listeners_open(&ls, side_base, &config, on_accepted, NULL));
	assert_false(
	    listeners_open(&other, side_base, &config, on_accepted, NULL));
	listeners_close(&other);
	assert_serves(&ls, port, 0);
	listeners_close(&ls);
	assert_int_equal(open_descriptors(), before);
}

/* More than a batch at once: the rest waits in the kernel. */
static void
test_batch(void **state)
{
	enum { KNOCKS = LISTENERS_BATCH + 10 };
	uint16_t port = free_port();
	struct config_listener list[1] = {listener(port)};
	struct config config = {.listeners = list, .listener_count = 1};
	int fds[KNOCKS];
	unsigned count = 0;
	struct listeners ls;
	struct accepted a;

	(void)state;
	assert_true(listeners_open(&ls, side_base, &config, on_accepted, NULL));
	for (int i = 0; i < KNOCKS; i++) {
		fds[i] = knock(port);
		turn();
	}
	while (listeners_next(&ls, &a)) {
		(void)close(a.fd);
		count++;
	}
	assert_int_equal(count, LISTENERS_BATCH);
	turn();
	while (listeners_next(&ls, &a)) {
		(void)close(a.fd);
		count++;
	}
	assert_int_equal(count, KNOCKS);
	for (int i = 0; i < KNOCKS; i++)
		(void)close(fds[i]);
	listeners_close(&ls);
}

/* An address in both stays open, whoever has knocked there meanwhile. */
static void
test_replace(void **state)
{
	int before = open_descriptors();
	uint16_t ports[3] = {free_port(), free_port(), free_port()};
	struct config_listener first[2] = {listener(ports[0]),
	                                   listener(ports[1])};
	struct config_listener second[2] = {listener(ports[2]),
	                                    listener(ports[0])};
	struct config config = {.listeners = first, .listener_count = 2};
	struct config next = {.listeners = second, .listener_count = 2};
	struct listeners ls;
	struct accepted a;
	int fd;

	(void)state;
	assert_true(listeners_open(&ls, side_base, &config, on_accepted, NULL));
	fd = knock(ports[0]);
	assert_true(listeners_replace(&ls, &next));
	turn();
	assert_true(listeners_next(&ls, &a));
	assert_int_equal(a.listener, 1);
	(void)close(a.fd);
	(void)close(fd);
	assert_int_equal(knock(ports[1]), -1);
	assert_serves(&ls, ports[2], 0);
	assert_serves(&ls, ports[0], 1);
	listeners_close(&ls);
	assert_int_equal(open_descriptors(), before);
}

static void
test_replace_fails(void **state)
{
	int before = open_descriptors();
	uint16_t ports[3] = {free_port(), free_port(), free_port()};
	struct config_listener first[2] = {listener(ports[0]),
	                                   listener(ports[1])};
	struct config_listener second[3] = {
	    listener(ports[2]), listener(ports[1]), listener(ports[2])};
	struct config config = {.listeners = first, .listener_count = 2};
	struct config next = {.listeners = second, .listener_count = 3};
	struct listeners ls;

	(void)state;
	assert_true(listeners_open(&ls, side_base, &config, on_accepted, NULL));
	assert_false(listeners_replace(&ls, &next));
	assert_int_equal(knock(ports[2]), -1);
	assert_serves(&ls, ports[0], 0);
	assert_serves(&ls, ports[1], 1);
	listeners_close(&ls);
	assert_int_equal(open_descriptors(), before);
}

/* Without descriptors a connection is shed, and does not keep the loop busy. */
static void
test_no_descriptors(void **state)
{
	uint16_t port = free_port();
	struct config_listener list[1] = {listener(port)};
	struct config config = {.listeners = list, .listener_count = 1};
	struct rlimit old, few;
	struct listeners ls;
	struct accepted a;
	char byte;
	int fd;

	(void)state;
	assert_true(listeners_open(&ls, side_base, &config, on_accepted, NULL));
	fd = knock(port);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)fd + 1; /* all below are taken */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	turn();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_false(listeners_next(&ls, &a));
	assert_true(recv(fd, &byte, 1, 0) <= 0);
	(void)close(fd);
	assert_true(ls.spare_fd >= 0);
	assert_serves(&ls, port, 0);
	listeners_close(&ls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_taken),
	    cmocka_unit_test(test_batch),
	    cmocka_unit_test(test_replace),
	    cmocka_unit_test(test_replace_fails),
	    cmocka_unit_test(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, side_open_base, side_close_base);
}
