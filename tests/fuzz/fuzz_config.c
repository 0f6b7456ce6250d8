#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config_faults faults = {0};
	struct config *config =
	    config_parse((struct wire_view){data, len}, "F", &faults);

	if (config != NULL)
		(void)config_route(config, 0, wire_view_text("tsv://1"),
		                   wire_view_text("alice"));
	config_free(config);
	config_faults_clear(&faults);
	return 0;
}
