/* Any bytes as the file of a group policy object. */
#include "setting.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct setting_changes changes = {0};
	struct regpol_entry entry;
	struct regpol pol = regpol_begin((struct wire_view){data, len});
	size_t offset = 0;
	const char *fault;

	while (regpol_next(&pol, &entry))
		if (entry.offset >= len || entry.data.len > REGPOL_DATA_MAX)
			abort();
	fault = setting_read((struct wire_view){data, len}, &changes, &offset);
	if (fault != pol.fault || offset != pol.offset || offset > len)
		abort();
	for (size_t i = 0; fault != NULL && i < SETTINGS; i++)
		if (changes.of[i].state != SETTING_UNTOUCHED)
			abort();
	return 0;
}
