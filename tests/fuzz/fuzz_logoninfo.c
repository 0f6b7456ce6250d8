/* What a server says of a log-on: its names, and its errors. */
#include "logoninfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A share data PDU as both of what a server says of the log-on. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in body;
	struct wire_in again;
	struct logoninfo info;
	char text[64];
	uint32_t code;

	if (share_body_decode((struct wire_view){data, len}, &body) !=
	    SHARE_BODY_PLAIN)
		return 0;
	again = body;
	if (logoninfo_decode(&body, &info) == NULL) {
		(void)share_text_utf8(&info.user, text, sizeof(text));
		(void)share_text_utf8(&info.domain, text, sizeof(text));
		if (info.user.bytes.len > SHARE_TEXT_MAX)
			__builtin_trap();
	}
	(void)logoninfo_error_decode(&again, &code);
	return 0;
}
