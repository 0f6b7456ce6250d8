/* The log: of any bytes it makes printable lines of a bounded length. */
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* Whatever the text: printable ASCII, and the line is never longer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			abort();
	}
}

/* The first byte: bit 0 the form, the others the size of a buffer. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	uint8_t choice = wire_u8(&in);
	struct wire_view text = wire_rest(&in);
	char out[128];
	struct log_event ev;

	(void)log_printable(out, choice / 2u, text);
	if (choice > 1)
		check(out, strlen(out));
	log_setup(LOG_INFO, choice % 2 == 0 ? LOG_PLAIN : LOG_JSON);
	ev = log_event(LOG_INFO, "fuzz");
	for (int i = 0; i < 12; i++)
		log_view(&ev, "text", text);
	log_number(&ev, "number", (int64_t)len);
	if (ev.len >= LOG_LINE_MAX)
		abort();
	check(ev.line, ev.len);
	return 0;
}
