/* Values of the configuration: what each reader takes and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "value.h"

static void
test_name(void **state)
{
	char name[VALUE_NAME_MAX + 2];

	(void)state;
	assert_null(value_name("a-B_9.x"));
	assert_non_null(value_name(""));
	assert_non_null(value_name(".."));
	assert_non_null(value_name("a/b"));
	assert_non_null(value_name("a b"));
	memset(name, 'n', sizeof(name));
	name[VALUE_NAME_MAX + 1] = '\0';
	assert_non_null(value_name(name));
	name[VALUE_NAME_MAX] = '\0';
	assert_null(value_name(name));
}

static void
test_file(void **state)
{
	(void)state;
	assert_null(value_path("/a"));
	assert_non_null(value_path("a"));
	assert_non_null(value_path("./a"));
	assert_null(value_file("/proc/self/status"));
	assert_non_null(value_file("/proc/self/nothing"));
	assert_non_null(value_file("/proc/self/status/below"));
	assert_non_null(value_file("/proc"));
	assert_non_null(value_file("status"));
}

static void
test_number(void **state)
{
	uint32_t number = 7;
	bool on = false;

	(void)state;
	assert_null(value_number("10", 10, 20, &number));
	assert_int_equal(number, 10);
	assert_null(value_number("20", 10, 20, &number));
	assert_int_equal(number, 20);
	assert_non_null(value_number("9", 10, 20, &number));
	assert_non_null(value_number("21", 10, 20, &number));
	assert_non_null(value_number("", 0, 20, &number));
	assert_non_null(value_number("-1", 0, 20, &number));
	assert_non_null(value_number("+1", 0, 20, &number));
	assert_non_null(value_number("1s", 0, 20, &number));
	assert_non_null(value_number("4294967297", 0, 20, &number));
	assert_int_equal(number, 20);
	assert_null(value_switch("1", &on));
	assert_true(on);
	assert_null(value_switch("0", &on));
	assert_false(on);
	assert_non_null(value_switch("yes", &on));
	assert_non_null(value_switch("01", &on));
}

static void
test_listen(void **state)
{
	static const char *const wrong[] = {"",
	                                    ":1",
	                                    "host:1",
	                                    "1.2.3.4:",
	                                    "1.2.3.4:0",
	                                    "1.2.3.4:65536",
	                                    "1.2.3.4x",
	                                    "::1",
	                                    "::1:3389",
	                                    "[::1",
	                                    "[]:1",
	                                    "[::1]3389",
	                                    "[1.2.3.4]:1",
	                                    "[::1]:1:2",
	                                    "1.2.3.4:12345678901234567890"};
	struct sockaddr_storage address;
	struct sockaddr_in v4;
	socklen_t len;

	(void)state;
	assert_null(value_listen("192.0.2.1:65535", &address, &len));
	assert_int_equal(len, sizeof(v4));
	memcpy(&v4, &address, sizeof(v4));
	assert_int_equal(v4.sin_family, AF_INET);
	assert_int_equal(ntohs(v4.sin_port), 65535);
	assert_int_equal(ntohl(v4.sin_addr.s_addr), 0xc0000201);
	assert_null(value_listen("0.0.0.0", &address, &len));
	memcpy(&v4, &address, sizeof(v4));
	assert_int_equal(ntohs(v4.sin_port), VALUE_PORT);
	assert_null(value_listen("[::]:1", &address, &len));
	assert_int_equal(len, sizeof(struct sockaddr_in6));
	assert_int_equal(address.ss_family, AF_INET6);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(value_listen(wrong[i], &address, &len));
}

static void
check_server(const char *text, const char *want_host, const char *want_port)
{
	char *host = NULL, *port = NULL;

	assert_null(value_server(text, &host, &port));
	assert_string_equal(host, want_host);
	assert_string_equal(port, want_port);
	free(host);
	free(port);
}

static void
test_server(void **state)
{
	static const char *const wrong[] = {"",    ":1",  "a b:1",    "a/b",
	                                    "a:b", "::1", "[host]:1", "[::1"};
	char *host = NULL, *port = NULL;

	(void)state;
	check_server("desk.example.org:3390", "desk.example.org", "3390");
	check_server("desk", "desk", "3389");
	check_server("192.0.2.1:1", "192.0.2.1", "1");
	check_server("[2001:db8::7]", "2001:db8::7", "3389");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(value_server(wrong[i], &host, &port));
	assert_null(host);
}

static void
test_glob(void **state)
{
	(void)state;
	assert_null(value_glob("*a*b*c*d*e*f*g*h"));
	assert_non_null(value_glob("*a*b*c*d*e*f*g*h*"));
}

#define DIGEST                                                                 \
	"000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static void
test_digests(void **state)
{
	static const char *const wrong[] = {"",
	                                    " ",
	                                    "00",
	                                    DIGEST "00",
	                                    DIGEST DIGEST,
	                                    "x" DIGEST,
	                                    DIGEST " " DIGEST "," DIGEST,
	                                    DIGEST ":"};
	uint8_t digests[2][32];
	size_t count = 9;

	(void)state;
	assert_null(value_digests(DIGEST, digests, 2, &count));
	assert_int_equal(count, 1);
	assert_int_equal(digests[0][31], 0x1f);
	assert_null(
	    value_digests(" " DIGEST ", " DIGEST " ", digests, 2, &count));
	assert_int_equal(count, 2);
	assert_int_equal(digests[1][10], 10);
	assert_null(value_digests("00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:"
	                          "0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:"
	                          "1C:1D:1E:1F",
	                          digests, 2, &count));
	assert_int_equal(count, 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(value_digests(wrong[i], digests, 2, &count));
}

static void
test_group(void **state)
{
	gid_t group = 99;

	(void)state;
	assert_null(value_group("root", &group));
	assert_int_equal(group, 0);
	assert_non_null(value_group("no such group", &group));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_name),    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_number),  cmocka_unit_test(test_listen),
	    cmocka_unit_test(test_server),  cmocka_unit_test(test_glob),
	    cmocka_unit_test(test_digests), cmocka_unit_test(test_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
