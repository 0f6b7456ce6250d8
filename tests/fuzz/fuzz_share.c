/* PDUs of the I/O channel: client info, license, capabilities. */
#include "share.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* User data of the I/O channel, as each of the PDUs it could be. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_view view = {data, len};
	struct wire_in in = wire_in_view(view);
	struct share_info info;
	struct share_head head;
	struct share_vc vc;
	char text[64];

	(void)share_is_license(view);
	if (share_is_info(view) && share_info_decode(view, &info) == NULL) {
		(void)share_text_utf8(&info.user, text, sizeof(text));
		(void)share_text_utf8(&info.domain, text, sizeof(text));
	}
	while (share_next(&in, &head, &view)) {
		(void)share_demand_decode(view, &vc);
		if (share_confirm_decode(view, &vc) == NULL &&
		    vc.flags_offset + 4 > view.len)
			__builtin_trap();
	}
	return 0;
}
