/* A configuration file, and what a good one chooses. */
#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A configuration that is good also routes, and chooses a policy. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const groups[] = {"domain users"};
	struct config_faults faults = {0};
	struct config *config =
	    config_parse((struct wire_view){data, len}, "F", &faults);
	const struct policy_subject subject = {.user = "alice@example",
	                                       .groups = groups,
	                                       .group_count = 1,
	                                       .client_addr = "192.0.2.1",
	                                       .client_name = "KIOSK",
	                                       .target = "a"};

	if (config != NULL) {
		(void)config_route(config, 0, wire_view_text("tsv://1"),
		                   wire_view_text("alice"));
		(void)policy_select(&config->policies, NULL, &subject, NULL);
	}
	config_free(config);
	config_faults_clear(&faults);
	return 0;
}
