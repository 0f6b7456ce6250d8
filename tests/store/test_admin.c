/* What an administrator changes: pins, purges, backups, and who may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
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

#include "check.h"
#include "keeperbed.h"
#include "log.h"
#include "property.h"

enum { WAIT_MS = 10000, MINE = 10, ROOT = 20 };

/* A keeper with one session: alice, a card, her certificate and a root. */
struct stage {
	struct keeperbed bed;
	int session;
};

static int
set_up(void **state)
{
	static struct stage stage;

	keeperbed_init(&stage.bed);
	stage.bed.config.control_group = 65533;
	keeperbed_start(&stage.bed);
	stage.session = keeperbed_attach(&stage.bed, 1, false);
	keeperbed_user(stage.session, "alice");
	keeperbed_begin(stage.session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	keeperbed_cert(stage.session, KEEP_USER, MINE);
	keeperbed_cert(stage.session, KEEP_ANCHOR, ROOT);
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
	keeperbed_clear(&stage->bed);
	return 0;
}

static FILE *
connect_control(const struct stage *stage)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	               stage->bed.control);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fdopen(fd, "r+");
}

/* Ask with a body; the document is the caller's. */
static struct json_object *
ask(const struct stage *stage, const char *line, struct wire_view body)
{
	FILE *daemon = connect_control(stage);
	struct json_object *document = NULL;
	char *text = NULL;
	size_t size = 0;

	assert_non_null(daemon);
	assert_true(fputs(line, daemon) >= 0);
	if (body.len > 0)
		assert_int_equal(fwrite(body.data, 1, body.len, daemon),
		                 body.len);
	assert_int_equal(fflush(daemon), 0);
	assert_true(getline(&text, &size, daemon) > 0);
	document = json_tokener_parse(text);
	assert_non_null(document);
	free(text);
	(void)fclose(daemon);
	return document;
}

static bool
is_refused(const struct stage *stage, const char *line, struct wire_view body)
{
	struct json_object *document = ask(stage, line, body);
	bool refused = json_object_object_get_ex(document, "error", NULL);

	(void)json_object_put(document);
	return refused;
}

static const struct wire_view no_body;

static const char *
command(const char *format, uint8_t number)
{
	static char line[256];
	uint8_t hash[32];
	char hex[65];

	keeperbed_hash(number, hash);
	(void)snprintf(line, sizeof(line), format, log_hex(hex, hash, 32));
	return line;
}

/* A pinned root stays without its card, and goes when it is unpinned. */
static void
test_pin(void **state)
{
	struct stage *stage = *state;

	/* What a card shows besides is not trusted by its thumbprint. */
	assert_true(is_refused(
	    stage, command("roots pin user:alice %s\n", MINE), no_body));
	assert_false(is_refused(
	    stage, command("roots pin user:alice %s\n", ROOT), no_body));
	keeperbed_begin(stage->session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	assert_true(keeperbed_commit(stage->session, 2).ok);
	assert_int_equal(keeperbed_files(&stage->bed, 1, "anchors"), 1);
	assert_false(
	    is_refused(stage, command("roots unpin - %s\n", ROOT), no_body));
	assert_true(keeperbed_wait_files(&stage->bed, 1, "anchors", 0));
	assert_true(
	    is_refused(stage, command("roots unpin - %s\n", ROOT), no_body));
}

static void
test_pin_refusals(void **state)
{
	static const char *const lines[] = {
	    "roots pin farm %s\n",
	    "roots pin user: %s\n",
	    "roots pin session:01 %s\n",
	    "roots pin session:99999999999999999999999999999999 %s\n",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_true(
		    is_refused(*state, command(lines[i], ROOT), no_body));
	assert_true(
	    is_refused(*state, command("roots pin host %s\n", 77), no_body));
	/* A body that is no certificate, or another one. */
	assert_true(is_refused(*state, command("roots pin host %s - 4\n", 77),
	                       wire_view_text("abcd")));
}

/* The root of a file: the thumbprint named is the thumbprint pinned. */
static void
test_pin_of_a_file(void **state)
{
	uint8_t der[KEEPERBED_DER_LEN];
	uint8_t bytes[2048];
	char line[256];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct keep_msg msg = {.type = KEEP_CERT};

	memset(der, 33, sizeof(der));
	msg.cert.kind = KEEP_ANCHOR;
	msg.cert.der = (struct wire_view){der, sizeof(der)};
	msg.cert.subject = wire_view_text("CN=from a file");
	keep_encode(&out, &msg);
	assert_true(wire_out_ok(&out));
	(void)snprintf(line, sizeof(line), "%s %zu\n",
	               command("roots pin host %s -", 34), out.len);
	assert_true(is_refused(*state, line, wire_written(&out)));
	(void)snprintf(line, sizeof(line), "%s %zu\n",
	               command("roots pin host %s -", 33), out.len);
	assert_false(is_refused(*state, line, wire_written(&out)));
	assert_true(keeperbed_wait_files(&((struct stage *)*state)->bed, 1,
	                                 "anchors", 2));
}

static struct wire_view
make_change(uint8_t *bytes, size_t size, uint8_t number, const char *name)
{
	struct wire_out out = wire_out(bytes, size);
	uint8_t hash[32];
	struct property_change change = {.hash = {hash, sizeof(hash)},
	                                 .set = PROPERTY_SET_NAME,
	                                 .friendly_name = wire_view_text(name)};

	keeperbed_hash(number, hash);
	property_put_change(&out, &change);
	assert_true(wire_out_ok(&out));
	return wire_written(&out);
}

static bool
has_name(const struct stage *stage, const char *name)
{
	struct json_object *document = ask(stage, "certs alice\n", no_body);
	bool found = strstr(json_object_to_json_string(document), name) != NULL;

	(void)json_object_put(document);
	return found;
}

/* What was set stays over the next insertion; half a batch is none. */
static void
test_change(void **state)
{
	struct stage *stage = *state;
	uint8_t bytes[512];
	char line[64];
	struct wire_view body =
	    make_change(bytes, sizeof(bytes), MINE, "my own name");

	(void)snprintf(line, sizeof(line), "certs set alice %zu\n", body.len);
	assert_false(is_refused(stage, line, body));
	assert_true(has_name(stage, "my own name"));
	keeperbed_begin(stage->session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	keeperbed_cert(stage->session, KEEP_USER, MINE);
	assert_true(keeperbed_commit(stage->session, 2).ok);
	assert_true(has_name(stage, "my own name"));

	body = make_change(bytes, sizeof(bytes) - 1, MINE, "another");
	bytes[body.len] = 7; /* the beginning of a second that does not go on */
	body.len++;
	(void)snprintf(line, sizeof(line), "certs set alice %zu\n", body.len);
	assert_true(is_refused(stage, line, body));
	assert_true(has_name(stage, "my own name"));
}

/* A root that the policy keeps on record, and its end. */
/* What only a server knows has columns, too, where somebody brings it. */
static void
test_columns_of_a_server(void **state)
{
	static const uint8_t who[] = {'p', 0, 'c', 0, 0, 0};
	uint8_t bytes[512];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	uint8_t hash[32];
	struct property_change change = {
	    .hash = {hash, sizeof(hash)},
	    .extras = {{PROPERTY_REQUEST_ORIGINATOR, {who, sizeof(who)}},
	               {PROPERTY_AUTO_ENROLL, {who, sizeof(who)}},
	               {PROPERTY_CEP, wire_view_text("cep")},
	               {PROPERTY_RENEWAL, wire_view_text("r")}},
	    .extra_count = 4,
	};
	struct json_object *document, *rows, *row, *value;
	char line[64];

	keeperbed_hash(MINE, hash);
	property_put_change(&out, &change);
	assert_true(wire_out_ok(&out));
	(void)snprintf(line, sizeof(line), "certs set alice %zu\n", out.len);
	assert_false(is_refused(*state, line, wire_written(&out)));
	document = ask(*state, "certs export alice\n", no_body);
	assert_true(json_object_object_get_ex(document, "certs", &rows));
	row = json_object_array_get_idx(rows, 0);
	assert_true(
	    json_object_object_get_ex(row, "request_originator", &value));
	assert_string_equal(json_object_get_string(value), "pc");
	assert_true(json_object_object_get_ex(row, "auto_enroll", &value));
	assert_string_equal(json_object_get_string(value), "pc");
	assert_true(json_object_object_get_ex(row, "properties", &value));
	assert_true(json_object_object_get_ex(value, "87", &value));
	assert_string_equal(json_object_get_string(value), "636570");
	/* Each once: of the four only one is without a column. */
	assert_true(json_object_object_get_ex(row, "extra_properties", &value));
	assert_int_equal(json_object_object_length(value), 1);
	(void)json_object_put(document);
}

static void
test_purge(void **state)
{
	struct stage *stage = *state;
	int session = keeperbed_attach(&stage->bed, 2, false);
	struct json_object *document;

	keeperbed_user(session, "bob");
	keeperbed_begin(session, 1, 0xc2, KEEP_CLEANUP_NONE);
	keeperbed_cert(session, KEEP_ANCHOR, 21);
	assert_true(keeperbed_commit(session, 1).ok);
	(void)close(session);
	assert_true(keeperbed_wait_files(&stage->bed, 2, "anchors", -1));
	document = ask(stage, "roots purge\n", no_body);
	assert_non_null(strstr(
	    json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN),
	    "\"claims\":1"));
	(void)json_object_put(document);
	document = ask(stage, "audit\n", no_body);
	assert_non_null(
	    strstr(json_object_to_json_string(document), "root-purged"));
	assert_non_null(strstr(json_object_to_json_string(document), "uid "));
	/* cert-added has its number in Windows. */
	assert_non_null(strstr(json_object_to_json_string(document), "1006"));
	(void)json_object_put(document);
}

static void
on_fault(void *arg, const char *what, const char *detail)
{
	(void)arg;
	print_error("%s: %s\n", what, detail);
}

/* Receive a backup into the file. */
static void
receive(const struct stage *stage, const char *path)
{
	FILE *daemon = connect_control(stage);
	FILE *file = fopen(path, "we");
	char *text = NULL;
	size_t size = 0;
	char buffer[4096];
	size_t len;

	assert_non_null(file);
	assert_true(fputs("store backup\n", daemon) >= 0);
	assert_int_equal(fflush(daemon), 0);
	assert_true(getline(&text, &size, daemon) > 0);
	assert_non_null(strstr(text, "\"bytes\""));
	free(text);
	while ((len = fread(buffer, 1, sizeof(buffer), daemon)) > 0)
		assert_int_equal(fwrite(buffer, 1, len, file), len);
	(void)fclose(daemon);
	assert_int_equal(fclose(file), 0);
}

static void
test_backup(void **state)
{
	struct stage *stage = *state;
	struct check_summary sum;
	char reason[CHECK_REASON_SIZE];
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/a ?copy#1.db", stage->bed.dir);
	receive(stage, path);
	assert_true(check_file(path, &sum, on_fault, NULL, reason));
	assert_int_equal(sum.faults, 0);
	assert_int_equal(sum.certs, 2);
	assert_int_equal(sum.entries, 2);
	assert_int_equal(sum.claims, 2);

	/* One byte of a certificate is another one. */
	int fd = open(path, O_RDWR | O_CLOEXEC);
	static uint8_t bytes[1024 * 1024];
	ssize_t len = pread(fd, bytes, sizeof(bytes), 0);
	uint8_t der[KEEPERBED_DER_LEN];

	memset(der, MINE, sizeof(der));
	assert_true(len > 0);
	uint8_t *at = memmem(bytes, (size_t)len, der, sizeof(der));

	assert_non_null(at);
	assert_int_equal(pwrite(fd, "x", 1, at - bytes), 1);
	(void)close(fd);
	assert_true(check_file(path, &sum, on_fault, NULL, reason));
	assert_int_equal(sum.faults, 1);
	/* What is no store is not looked at. */
	assert_false(check_file("/etc/hostname", &sum, on_fault, NULL, reason));
}

/* The group looks, and does no more. */
static void
test_group_only_looks(void **state)
{
	struct stage *stage = *state;
	int status = 0;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(stage->bed.dir, 0755), 0);
	const char *pin = command("roots pin host %s\n", ROOT);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgid(65533) != 0 || setuid(65534) != 0)
			_exit(2);
		bool looks = !is_refused(stage, "roots\n", no_body) &&
		             !is_refused(stage, "audit\n", no_body) &&
		             !is_refused(stage, "store stats\n", no_body);
		bool does = !is_refused(stage, pin, no_body) ||
		            !is_refused(stage, "roots purge\n", no_body) ||
		            !is_refused(stage, "certs set - 9\n", no_body) ||
		            !is_refused(stage, "store backup\n", no_body);

		_exit(looks && !does ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_pin),
	    TEST(test_pin_refusals),
	    TEST(test_pin_of_a_file),
	    TEST(test_change),
	    TEST(test_columns_of_a_server),
	    TEST(test_purge),
	    TEST(test_backup),
	    TEST(test_group_only_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
