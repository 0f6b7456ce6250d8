/* Any bytes as TLV objects and as one DER object. */
#include "tlv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_view bytes = {data, len};
	struct wire_in in = wire_in_view(bytes);
	struct wire_view value;

	while (wire_ok(&in) && in.left > 0)
		(void)tlv_is_der(tlv_next(&in, TLV_BER).value);
	(void)tlv_find(bytes, 0x70, &value);
	(void)tlv_total(bytes);
	(void)tlv_is_der(bytes);
	return 0;
}
