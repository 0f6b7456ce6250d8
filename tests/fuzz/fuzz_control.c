/* One line of the control socket. */
#include <stddef.h>
#include <stdint.h>

#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request;

	(void)request_parse((struct wire_view){data, size}, &request);
	return 0;
}
