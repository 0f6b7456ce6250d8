#include "hints.h"

#include <string.h>

static bool
has_atr(const struct hint *hint, struct wire_view atr)
{
	struct wire_view own = {hint->atr, hint->atr_len};

	return wire_view_equal(own, atr);
}

static struct hint *
slot_for(struct hints *hints, uint32_t reader, struct wire_view atr)
{
	struct hint *old;

	for (size_t i = 0; i < hints->count; i++)
		if (hints->known[i].reader == reader &&
		    has_atr(&hints->known[i], atr))
			return &hints->known[i];
	if (hints->count < HINTS_MAX)
		return &hints->known[hints->count++];
	old = &hints->known[hints->oldest];
	hints->oldest = (hints->oldest + 1) % HINTS_MAX;
	return old;
}

void
hints_learn(struct hints *hints, uint32_t reader, struct wire_view atr,
            const struct card_content *content)
{
	struct hint *hint;

	if (atr.len == 0 || atr.len > CARD_ATR_MAX)
		return;
	hint = slot_for(hints, reader, atr);
	hint->reader = reader;
	memcpy(hint->atr, atr.data, atr.len);
	hint->atr_len = atr.len;
	hint->family = content->family;
	hint->length = content->length;
}

void
hints_recall(const struct hints *hints, uint32_t reader, struct wire_view atr,
             struct card_hints *out)
{
	for (size_t i = 0; atr.len > 0 && i < hints->count; i++) {
		const struct hint *hint = &hints->known[i];

		if (!has_atr(hint, atr))
			continue;
		out->family = hint->family;
		if (hint->reader == reader)
			out->length = hint->length;
	}
}
