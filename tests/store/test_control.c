/*
 * The control socket: each answer, the watch, and clients that are slow, many
 * or strangers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "keeperbed.h"

enum { WAIT_MS = 10000 };

/* A keeper with one session: alice, a reader, a card, two certificates. */
struct stage {
	struct keeperbed bed;
	int session;
};

static void
add_reader(int session)
{
	struct keep_msg msg = {.type = KEEP_READER};

	msg.reader.reader = 1;
	msg.reader.name = wire_view_text("Virtual Reader \xc3\xa4");
	msg.reader.card = KEEP_CARD_PRESENT;
	msg.reader.atr = wire_view_text("\x3b\x01");
	memset(msg.reader.card_id, 0xc1, sizeof(msg.reader.card_id));
	msg.reader.family = wire_view_text("PIV");
	keeperbed_say(session, &msg);
}

static int
set_up(void **state)
{
	static struct stage stage;

	keeperbed_init(&stage.bed);
	keeperbed_start(&stage.bed);
	stage.session = keeperbed_attach(&stage.bed, 1, false);
	keeperbed_user(stage.session, "alice smith");
	add_reader(stage.session);
	keeperbed_begin(stage.session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	keeperbed_cert(stage.session, KEEP_USER, 10);
	keeperbed_cert(stage.session, KEEP_ANCHOR, 20);
	assert_true(keeperbed_commit(stage.session, 1).ok);
	*state = &stage;
	return 0;
}

static int
tear_down(void **state)
{
	struct stage *stage = *state;

	(void)close(stage->session);
	assert_int_equal(keeperbed_stop(&stage->bed), KEEPER_EXIT_OK);
	assert_int_not_equal(access(stage->bed.control, F_OK), 0);
	keeperbed_clear(&stage->bed);
	return 0;
}

static int
connect_control(const struct stage *stage)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	               stage->bed.control);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void
put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	                 (ssize_t)strlen(text));
}

/* One line, without its end; an empty text when the keeper has closed. */
static void
get_line(int fd, char *line, size_t size)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	size_t len = 0;

	while (len < size - 1) {
		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		if (recv(fd, line + len, 1, 0) <= 0 || line[len] == '\n')
			break;
		len++;
	}
	line[len] = '\0';
}

/* Ask, and parse the one document; it is the caller's. */
static struct json_object *
ask(const struct stage *stage, const char *request)
{
	static char line[65536];
	int fd = connect_control(stage);
	char rest;

	put(fd, request);
	get_line(fd, line, sizeof(line));
	assert_int_equal(recv(fd, &rest, 1, 0), 0);
	(void)close(fd);
	struct json_object *document = json_tokener_parse(line);

	assert_non_null(document);
	return document;
}

static const char *
text(struct json_object *row, const char *key)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(row, key, &value));
	return json_object_get_string(value);
}

static struct json_object *
first(struct json_object *document, const char *key, size_t count)
{
	struct json_object *rows = NULL;

	assert_true(json_object_object_get_ex(document, key, &rows));
	assert_int_equal(json_object_array_length(rows), count);
	return count > 0 ? json_object_array_get_idx(rows, 0) : NULL;
}

static void
test_sessions(void **state)
{
	struct json_object *document = ask(*state, "sessions\n");
	struct json_object *row = first(document, "sessions", 1);

	assert_string_equal(text(row, "id"),
	                    "01010101010101010101010101010101");
	assert_string_equal(text(row, "user"), "alice smith");
	assert_string_equal(text(row, "client_name"), "LAPTOP");
	assert_string_equal(text(row, "client_addr"), "192.0.2.7");
	assert_string_equal(text(row, "target"), "desktop");
	assert_string_equal(text(row, "cards"), "1");
	(void)json_object_put(document);
}

static void
add_usage(int session)
{
	struct keep_msg msg = {.type = KEEP_USAGE,
	                       .usage = {.calls = 7,
	                                 .commands = 5,
	                                 .refused = 2,
	                                 .sent = UINT64_C(1) << 40,
	                                 .received = 9}};

	keeperbed_say(session, &msg);
}

static void
test_session(void **state)
{
	const struct stage *stage = *state;
	struct json_object *document;
	struct json_object *row;

	add_usage(stage->session);
	/* The keeper has read it once it has answered what came after it. */
	keeperbed_begin(stage->session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	keeperbed_cert(stage->session, KEEP_USER, 10);
	assert_true(keeperbed_commit(stage->session, 2).ok);
	document = ask(*state, "sessions show 0101\n");
	row = first(document, "sessions", 1);
	assert_string_equal(text(row, "user"), "alice smith");
	assert_string_equal(text(row, "calls"), "7");
	assert_string_equal(text(row, "commands"), "5");
	assert_string_equal(text(row, "refused"), "2");
	assert_string_equal(text(row, "sent"), "1099511627776");
	assert_string_equal(text(row, "received"), "9");
	row = first(document, "readers", 1);
	assert_string_equal(text(row, "atr"), "3b01");
	(void)json_object_put(document);
	document = ask(*state, "sessions show 0102\n");
	(void)first(document, "sessions", 0);
	(void)first(document, "readers", 0);
	(void)json_object_put(document);
}

static void
expect_reason(const struct stage *stage, const char *want)
{
	struct json_object *document;
	struct json_object *row;

	/* The keeper has read all once it has answered what came last. */
	keeperbed_begin(stage->session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	keeperbed_cert(stage->session, KEEP_USER, 10);
	assert_true(keeperbed_commit(stage->session, 9).ok);
	document = ask(stage, "sessions\n");
	row = first(document, "sessions", 1);
	assert_string_equal(text(row, "reason"), want);
	(void)json_object_put(document);
}

static void
say_state(int session, enum keep_session_state state, const char *role,
          const char *reason)
{
	struct keep_msg msg = {.type = KEEP_STATE};

	msg.state.state = state;
	msg.state.user = wire_view_text("alice smith");
	msg.state.role = wire_view_text(role);
	msg.state.reason = wire_view_text(reason);
	keeperbed_say(session, &msg);
}

/* Each reason why no card is to be seen is another one. */
static void
test_reasons(void **state)
{
	const struct stage *stage = *state;
	struct keep_msg msg = {
	    .type = KEEP_READER,
	    .reader = {.reader = 1, .card = KEEP_CARD_FAILED}};

	expect_reason(stage, "");
	msg.reader.reason = wire_view_text("an unknown kind of card");
	keeperbed_say(stage->session, &msg);
	expect_reason(stage, "a card is not readable: an unknown kind of card");
	msg.reader.card = KEEP_CARD_MUTE;
	msg.reader.reason = wire_view_text("");
	keeperbed_say(stage->session, &msg);
	expect_reason(stage, "a card is not readable: mute");
	say_state(stage->session, KEEP_PRELOGON, "relay", "");
	expect_reason(stage, "the user is not known yet");
	msg.reader.card = KEEP_CARD_EMPTY;
	keeperbed_say(stage->session, &msg);
	expect_reason(stage, "there is no card in a reader");
	msg.type = KEEP_READER_GONE;
	keeperbed_say(stage->session, &msg);
	expect_reason(stage, "the client shows no reader");
	say_state(stage->session, KEEP_PRELOGON, "none", "");
	expect_reason(stage, "the card channel is not open yet");
	say_state(stage->session, KEEP_PRELOGON, "none", "policy");
	expect_reason(stage, "policy");
}

static void
test_readers(void **state)
{
	struct json_object *document = ask(*state, "readers\n");
	struct json_object *row = first(document, "readers", 1);

	assert_string_equal(text(row, "name"), "Virtual Reader \xc3\xa4");
	assert_string_equal(text(row, "atr"), "3b01");
	assert_string_equal(text(row, "family"), "PIV");
	(void)json_object_put(document);
}

static void
test_certs(void **state)
{
	struct json_object *document = ask(*state, "certs\n");
	struct json_object *row = first(document, "certs", 1);

	assert_string_equal(text(row, "store"), "MY");
	assert_string_equal(text(row, "user"), "alice smith");
	assert_int_equal(strlen(text(row, "sha256")), 64);
	(void)json_object_put(document);
	document = ask(*state, "certs alice%20smith\n");
	(void)first(document, "certs", 1);
	(void)json_object_put(document);
	document = ask(*state, "certs bob\n");
	(void)first(document, "certs", 0);
	(void)json_object_put(document);
}

static void
test_export(void **state)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\nCgoKCgoK";
	static const char end[] = "CgoK\n-----END CERTIFICATE-----\n";
	struct json_object *document = ask(*state, "certs export\n");
	const char *pem = text(first(document, "certs", 1), "pem");

	/* 300 bytes of 0x0a: 400 characters in 7 lines. */
	assert_memory_equal(pem, begin, sizeof(begin) - 1);
	assert_int_equal(strlen(pem), 28 + 400 + 7 + 26);
	assert_string_equal(pem + strlen(pem) - (sizeof(end) - 1), end);
	(void)json_object_put(document);
}

static void
test_roots(void **state)
{
	struct stage *stage = *state;
	struct json_object *document = ask(stage, "roots\n");
	struct json_object *row = first(document, "roots", 1);
	char request[64];

	assert_string_equal(text(row, "scope"),
	                    "session:01010101010101010101010101010101");
	assert_string_equal(text(row, "kind"), "anchor");
	assert_string_equal(text(row, "state"), "present");
	assert_int_equal(access(text(row, "visible_in"), F_OK), 0);
	(void)snprintf(request, sizeof(request), "roots explain %.8s\n",
	               text(row, "sha256"));
	(void)json_object_put(document);

	document = ask(stage, request);
	row = first(first(document, "roots", 1), "holders", 1);
	assert_string_equal(text(row, "user"), "alice smith");
	assert_string_equal(text(row, "ends_on"), "logoff");
	assert_string_equal(text(row, "state"), "live");
	(void)json_object_put(document);

	document = ask(stage, "roots explain 00000000\n");
	(void)first(document, "roots", 0);
	(void)json_object_put(document);
}

static void
test_root_that_preexists(void **state)
{
	struct stage *stage = *state;
	int session = keeperbed_attach(&stage->bed, 2, false);

	keeperbed_user(session, "bob");
	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	keeperbed_cert(session, KEEP_PREEXISTING, 21);
	assert_true(keeperbed_commit(session, 1).ok);
	struct json_object *document =
	    ask(stage, "roots session:02020202020202020202020202020202\n");
	struct json_object *row = first(document, "roots", 1);

	assert_string_equal(text(row, "kind"), "preexisting");
	assert_string_equal(text(row, "state"), "present");
	assert_false(json_object_object_get_ex(row, "visible_in", NULL));
	(void)json_object_put(document);
	(void)close(session);
}

static void
test_root_that_is_kept(void **state)
{
	struct stage *stage = *state;
	int session = keeperbed_attach(&stage->bed, 2, false);

	keeperbed_user(session, "bob");
	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_NONE);
	keeperbed_cert(session, KEEP_ANCHOR, 21);
	assert_true(keeperbed_commit(session, 1).ok);
	(void)close(session);
	assert_true(keeperbed_wait_files(&stage->bed, 2, "anchors", -1));
	struct json_object *document =
	    ask(stage, "roots session:02020202020202020202020202020202\n");

	assert_string_equal(text(first(document, "roots", 1), "state"), "kept");
	(void)json_object_put(document);
}

static void
test_stats(void **state)
{
	struct json_object *document = ask(*state, "stats\n");
	struct json_object *stats = NULL;

	assert_true(json_object_object_get_ex(document, "stats", &stats));
	assert_string_equal(text(stats, "entries"), "2");
	assert_string_equal(text(stats, "claims"), "2");
	assert_string_equal(text(stats, "sessions"), "1");
	(void)json_object_put(document);
}

static void
test_bad_requests_are_answered(void **state)
{
	char line[REQUEST_LINE_MAX + 64];
	struct json_object *document = ask(*state, "reboot\n");

	assert_string_equal(text(document, "error"), "not a request");
	(void)json_object_put(document);

	/* One byte more than a line may have, and no end. */
	int fd = connect_control(*state);

	memset(line, 'x', sizeof(line));
	line[REQUEST_LINE_MAX + 1] = '\0';
	put(fd, line);
	get_line(fd, line, sizeof(line));
	assert_non_null(strstr(line, "too long"));
	(void)close(fd);
}

static void
test_watch(void **state)
{
	struct stage *stage = *state;
	struct keep_msg event = {.type = KEEP_EVENT};
	char line[4096];
	int fd = connect_control(stage);

	put(fd, "watch\n");
	/* The keeper has read that once it has answered somebody later. */
	(void)json_object_put(ask(stage, "stats\n"));
	event.event.name = wire_view_text("card-inserted");
	event.event.text = wire_view_text("in the reader");
	keeperbed_say(stage->session, &event);
	get_line(fd, line, sizeof(line));
	struct json_object *news = json_tokener_parse(line);

	assert_non_null(news);
	assert_string_equal(text(news, "event"), "card-inserted");
	assert_string_equal(text(news, "text"), "in the reader");
	assert_string_equal(text(news, "user"), "alice smith");
	(void)json_object_put(news);

	keeperbed_begin(stage->session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	assert_true(keeperbed_commit(stage->session, 2).ok);
	do { /* what became of each certificate comes before */
		get_line(fd, line, sizeof(line));
	} while (strstr(line, "\"root-re") != NULL);
	news = json_tokener_parse(line);
	assert_non_null(news);
	assert_string_equal(text(news, "event"), "commit");
	assert_string_equal(text(news, "removed"), "1");
	(void)json_object_put(news);
	(void)close(fd);
}

static void
test_slow_request_is_ended(void **state)
{
	char line[256];
	int fd = connect_control(*state);

	put(fd, "sess");
	get_line(fd, line, sizeof(line));
	assert_non_null(strstr(line, "in time"));
	(void)close(fd);
}

static void
test_number_of_connections(void **state)
{
	int fds[CONTROL_CONNECTIONS_MAX + 1];
	struct pollfd ready = {.events = POLLIN};
	char line[256];
	char byte;

	for (int i = 0; i <= CONTROL_CONNECTIONS_MAX; i++)
		fds[i] = connect_control(*state);
	ready.fd = fds[CONTROL_CONNECTIONS_MAX];
	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	assert_int_equal(recv(ready.fd, &byte, 1, 0), 0);
	put(fds[CONTROL_CONNECTIONS_MAX - 1], "stats\n");
	get_line(fds[CONTROL_CONNECTIONS_MAX - 1], line, sizeof(line));
	assert_non_null(strstr(line, "stats"));
	for (int i = 0; i <= CONTROL_CONNECTIONS_MAX; i++)
		(void)close(fds[i]);
}

/* Nobody else gets in, even where the mode of the socket would let them. */
static void
test_strangers_are_refused(void **state)
{
	struct stage *stage = *state;
	int status = 0;

	if (geteuid() != 0)
		skip();
	struct stat info;

	assert_int_equal(stat(stage->bed.control, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(chmod(stage->bed.control, 0666), 0);
	assert_int_equal(chmod(stage->bed.dir, 0755), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;

		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(2);
		int fd = connect_control(stage);

		(void)send(fd, "stats\n", 6, MSG_NOSIGNAL);
		_exit(recv(fd, &byte, 1, 0) > 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_stale_socket_is_replaced(void **state)
{
	struct stage *stage = *state;

	keeperbed_kill(&stage->bed);
	assert_int_equal(access(stage->bed.control, F_OK), 0);
	keeperbed_start(&stage->bed);
	keeperbed_attached_all(&stage->bed);
	int session = keeperbed_attach(&stage->bed, 3, false);

	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	assert_true(keeperbed_commit(session, 1).ok);
	(void)json_object_put(ask(stage, "sessions\n"));
	(void)close(session);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_sessions),
	    TEST(test_session),
	    TEST(test_reasons),
	    TEST(test_readers),
	    TEST(test_certs),
	    TEST(test_export),
	    TEST(test_roots),
	    TEST(test_root_that_preexists),
	    TEST(test_root_that_is_kept),
	    TEST(test_stats),
	    TEST(test_bad_requests_are_answered),
	    TEST(test_watch),
	    TEST(test_slow_request_is_ended),
	    TEST(test_number_of_connections),
	    TEST(test_strangers_are_refused),
	    TEST(test_stale_socket_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
