/* The beginning of a connection: lengths, request and confirm of X.224. */
#include "x224.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct wire_in again = in;
	struct x224_request request;
	struct x224_confirm confirm;

	(void)x224_message_len((struct wire_view){data, len});
	(void)x224_is_preconnection((struct wire_view){data, len});
	(void)x224_request_decode(&in, &request);
	(void)x224_confirm_decode(&again, &confirm);
	return 0;
}
