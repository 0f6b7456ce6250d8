/* Any bytes as an administrator's list of cards and users. */
#include "cardmap.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
on_fault(void *arg, unsigned line, const char *what)
{
	unsigned *faults = arg;

	(void)line;
	if (what == NULL || ++*faults > CARDMAP_FAULTS_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t der[] = {0x30, 0x00};
	struct wire_view text = {data, len};
	unsigned faults = 0;
	struct cardmap *map = cardmap_parse(text, on_fault, &faults);
	struct keep_cert cert = {
	    .der = {der, sizeof(der)},
	    .upn = wire_view_text("alice@example.test"),
	    .email = wire_view_text("alice@example.test"),
	    .subject = wire_view_text("CN=Alice"),
	    .issuer = wire_view_text("CN=Sub"),
	    .serial = wire_view_text("002a"),
	};

	if ((map == NULL) != (faults > 0) || cardmap_count(map) > len)
		abort();
	(void)cardmap_lists(map, wire_view_text("alice"), &cert);
	cardmap_free(map);
	return 0;
}
