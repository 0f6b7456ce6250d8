/*
 * Any bytes as a serialised store of Windows; what is read is written again and
 * is the same, and each value is tried as each of the structures it may be.
 */
#include "property.h"
#include "sst.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t again[1024 * 1024];
static uint8_t text[64 * 1024];

static void
read_value(struct wire_view value)
{
	struct wire_out out = wire_out(text, sizeof(text));
	struct property_enrollment enrollment;
	struct property_key key;
	struct wire_view card;
	struct wire_view luid;
	int64_t seconds;

	(void)property_get_text(value, &out);
	(void)property_get_time(value, &seconds);
	(void)property_get_key(value, &key);
	(void)property_get_enrollment(value, &enrollment);
	for (struct wire_in in = wire_in_view(value);
	     property_get_holder(&in, &card, &luid);)
		;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct wire_out out = wire_out(again, sizeof(again));
	struct sst_element e;
	enum sst_step step = sst_start(&in) ? SST_PROPERTY : SST_FAULT;

	sst_put_start(&out);
	while (step != SST_END && step != SST_FAULT) {
		step = sst_next(&in, &e);
		if (step == SST_END || step == SST_FAULT)
			break;
		read_value(e.value);
		sst_put_property(&out, e.number, e.value);
	}
	sst_put_end(&out);
	if (step == SST_END && wire_done(&in) && wire_out_ok(&out) &&
	    !wire_view_equal(wire_written(&out), (struct wire_view){data, len}))
		abort();
	return 0;
}
