/* The relay: frames of both sides in any order, and what it tells of them. */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TPKT_LEN = 4, FRAME_MAX = 4096 };

/* One frame: its body comes from the input, its TPKT is made to fit. */
static enum relay_verdict
feed(struct relay *r, enum relay_side from, struct wire_view body)
{
	size_t len = TPKT_LEN + body.len;
	uint8_t *frame = malloc(len);
	struct wire_out out = wire_out(frame, frame == NULL ? 0 : len);
	enum relay_verdict verdict = RELAY_FORWARD;
	struct relay_chunk chunk;
	size_t peeked;

	wire_put_u16_be(&out, 0x0300);
	wire_put_u16_be(&out, (uint16_t)len);
	wire_put_view(&out, body);
	if (relay_peek(r, from, wire_written(&out), &peeked) == RELAY_LOOK)
		verdict = relay_frame(r, from, frame, len, &chunk);
	free(frame);
	return verdict;
}

/* What our own chunks become with the facts learned so far. */
static void
wrap(const struct relay *r)
{
	uint8_t bytes[64];
	struct relay_chunk chunk = {1, 3, {bytes, 1}, false};
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	relay_wrap(r, RELAY_SERVER, &chunk, &out);
	relay_wrap(r, RELAY_CLIENT, &chunk, &out);
}

/* Every byte that is told must be there. */
static void
touch(const struct share_text *text)
{
	char utf8[64];

	(void)share_text_utf8(text, utf8, sizeof(utf8));
}

static void
on_credentials(void *arg, const struct share_info *info)
{
	(void)arg;
	touch(&info->user);
	touch(&info->password);
}

static void
on_logon(void *arg, const struct logoninfo *info)
{
	(void)arg;
	touch(&info->domain);
	touch(&info->user);
}

static void
on_error_info(void *arg, uint32_t code)
{
	(void)arg;
	(void)code;
}

static void
on_unread(void *arg, const char *why)
{
	(void)arg;
	(void)why;
}

static void
on_ultimatum(void *arg, enum relay_side from, enum mcs_reason reason)
{
	(void)arg;
	(void)from;
	(void)mcs_reason_name(reason);
}

static const struct relay_news news = {on_credentials, on_logon, on_error_info,
                                       on_unread, on_ultimatum};

/* Frames of both sides: a side, a length, a body, and so on. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct relay_negotiation negotiation = {11, 3, 1, 2};
	struct relay *r = relay_new(&negotiation);
	struct wire_in in = wire_in(data, len);
	size_t peeked;

	if (r == NULL)
		return 0;
	relay_tell(r, &news, NULL);
	relay_want_plain_share(r);
	(void)relay_peek(r, RELAY_CLIENT, (struct wire_view){data, len},
	                 &peeked);
	while (in.left > 3) {
		enum relay_side from =
		    wire_u8(&in) & 1 ? RELAY_SERVER : RELAY_CLIENT;
		size_t body = wire_u16(&in) % FRAME_MAX;

		body = body > in.left ? in.left : body;
		if (feed(r, from, wire_bytes(&in, body)) == RELAY_REFUSE)
			break;
	}
	wrap(r);
	relay_free(r);
	return 0;
}
