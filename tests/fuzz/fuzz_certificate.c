/* A certificate as a card has it: what can be read of it, and its columns. */
#include "certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses where it was found and how strict to be. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_in in = wire_in(data, size);
	uint8_t choice = wire_u8(&in);
	struct certificate *cert =
	    certificate_new(wire_rest(&in),
	                    (choice & 1) != 0 ? CERTIFICATE_FROM_ROOT_BAG
	                                      : CERTIFICATE_FROM_SLOT,
	                    (choice & 2) != 0);
	struct keep_cert columns;

	if (cert != NULL)
		certificate_describe(cert, &columns);
	certificate_free(cert);
	return 0;
}
