#include "confbed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct config_faults confbed_faults;

const char confbed_minimal[] = "[listen]\n"
			       "address = 0.0.0.0:3389\n"
			       "[target desk]\n"
			       "address = desk.example.org\n";

struct config *
confbed_parse_bytes(const char *text, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);
	struct wire_view view = {(uint8_t *)copy, len};
	struct config *config;

	assert_non_null(copy);
	memcpy(copy, text, len);
	config_faults_clear(&confbed_faults);
	config = config_parse(view, "F", &confbed_faults);
	free(copy);
	assert_int_equal(config == NULL, confbed_faults.count != 0);
	return config;
}

struct config *
confbed_parse(const char *text)
{
	return confbed_parse_bytes(text, strlen(text));
}

void
confbed_one_fault(const char *text, const char *want)
{
	struct config *config = confbed_parse(text);

	assert_null(config);
	assert_string_equal(confbed_faults.text[0], want);
	assert_int_equal(confbed_faults.count, 1);
	config_faults_clear(&confbed_faults);
}

struct config *
confbed_good(const char *text)
{
	struct config *config = confbed_parse(text);

	if (config == NULL)
		print_error("%s\n", confbed_faults.text[0]);
	assert_non_null(config);
	return config;
}
