/*
 * What an export writes: each root once, with who holds or pins it and where
 * its key is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "ctlexport.h"
#include "ctlroot.h"
#include "property.h"
#include "sst.h"

/* What an export of the document writes; its length. */
static size_t export(bool (*print)(struct json_object *document),
                     const char *json, uint8_t *bytes, size_t size)
{
	struct json_object *document = json_tokener_parse(json);
	FILE *file = tmpfile();
	int old = dup(STDOUT_FILENO);

	assert_non_null(document);
	assert_non_null(file);
	(void)fflush(stdout);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	bool ok = print(document);

	(void)fflush(stdout);
	assert_true(dup2(old, STDOUT_FILENO) >= 0);
	(void)close(old);
	(void)json_object_put(document);
	assert_true(ok);
	rewind(file);
	size_t len = fread(bytes, 1, size, file);

	(void)fclose(file);
	return len;
}

/* A root that two sessions hold, in two scopes, and that is pinned as well. */
static const char *
root_document(void)
{
	static char json[8192];
	struct json_object *text = json_object_new_string(ctlroot_pem);
	const char *quoted = json_object_to_json_string(text);

	(void)snprintf(
	    json, sizeof(json),
	    "{\"roots\":["
	    "{\"scope\":\"session:a\",\"sha256\":\"aa\",\"pem\":%s,\"holders\":"
	    "[{\"session\":\"0102030405060708090a0b0c0d0e0f10\","
	    "\"card_id\":\"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1\"}]},"
	    "{\"scope\":\"session:b\",\"sha256\":\"aa\",\"pem\":%s,\"holders\":"
	    "[{\"session\":\"1112131415161718191a1b1c1d1e1f20\","
	    "\"card_id\":\"\"}]}],"
	    "\"pins\":[{\"scope\":\"host\",\"sha256\":\"aa\",\"pem\":%s}]}",
	    quoted, quoted, quoted);
	(void)json_object_put(text);
	return json;
}

static void
test_holders_of_a_root(void **state)
{
	static uint8_t bytes[65536];
	size_t len =
	    export(ctlexport_sst, root_document(), bytes, sizeof(bytes));
	struct wire_in in = wire_in(bytes, len);
	struct wire_view card = {0}, luid = {0}, info = {0};
	struct sst_element e;
	unsigned certs = 0;

	(void)state;
	assert_true(sst_start(&in));
	for (enum sst_step step; (step = sst_next(&in, &e)) != SST_END;) {
		assert_int_not_equal(step, SST_FAULT);
		assert_int_not_equal(e.number, PROPERTY_ARCHIVED);
		if (step == SST_PROPERTY && e.number == PROPERTY_ROOT_INFO)
			info = e.value;
		certs += step == SST_CERT;
	}
	assert_int_equal(certs, 1);
	assert_int_equal(info.len, 2 * (PROPERTY_CARD_LEN + PROPERTY_LUID_LEN));
	in = wire_in_view(info);
	assert_true(property_get_holder(&in, &card, &luid));
	assert_int_equal(card.data[15], 0xc1);
	assert_int_equal(luid.data[0], 1);
	assert_true(property_get_holder(&in, &card, &luid));
	assert_int_equal(card.data[15], 0);
	assert_int_equal(luid.data[7], 0x18);
}

static void
test_a_root_once(void **state)
{
	static uint8_t bytes[65536];
	size_t len =
	    export(ctlexport_pem, root_document(), bytes, sizeof(bytes) - 1);

	(void)state;
	bytes[len] = '\0';
	const char *text = (const char *)bytes;

	assert_ptr_equal(strstr(text, "# root in session:a: "), text);
	assert_null(strstr(text + 1, "# root"));
}

/* Which PIN guards a key, and whether its reader is built in. */
static void
test_pin_and_reader(void **state)
{
	static char json[4096];
	static uint8_t bytes[65536];
	struct json_object *text = json_object_new_string(ctlroot_pem);
	struct sst_element e;
	unsigned seen = 0;

	(void)state;
	(void)snprintf(json, sizeof(json),
	               "{\"certs\":[{\"sha256\":\"aa\",\"pem\":%s,"
	               "\"pin_id\":1,\"reader_removable\":true,"
	               "\"properties\":{\"91\":\"0600\",\"16\":\"6b00\"}}]}",
	               json_object_to_json_string(text));
	(void)json_object_put(text);
	size_t len = export(ctlexport_sst, json, bytes, sizeof(bytes));
	struct wire_in in = wire_in(bytes, len);

	assert_true(sst_start(&in));
	for (enum sst_step step; (step = sst_next(&in, &e)) != SST_END;) {
		assert_int_not_equal(step, SST_FAULT);
		if (e.number == PROPERTY_PIN_ID) {
			assert_memory_equal(e.value.data, "\1\0\0\0", 4);
			seen |= 1;
		} else if (e.number == PROPERTY_PIN_INFO) {
			assert_memory_equal(e.value.data, "\6\0", 2);
			seen |= 2;
		} else if (e.number == PROPERTY_READER_NOT_REMOVABLE) {
			assert_memory_equal(e.value.data, "\0\0\0\0", 4);
			seen |= 4;
		} else if (e.number == PROPERTY_SMART_CARD_DATA) {
			assert_memory_equal(e.value.data, "k\0", 2);
			seen |= 8;
		}
	}
	assert_int_equal(seen, 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_holders_of_a_root),
	    cmocka_unit_test(test_a_root_once),
	    cmocka_unit_test(test_pin_and_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
