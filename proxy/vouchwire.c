#include "vouchwire.h"

#include <string.h>

bool
vouch_text_allowed(struct wire_view text, size_t max)
{
	return text.len > 0 && text.len <= max &&
	       memchr(text.data, '\0', text.len) == NULL;
}

static void
put_text(struct wire_out *out, struct wire_view text, size_t max)
{
	if (!vouch_text_allowed(text, max)) {
		out->fault = WIRE_VALUE;
		return;
	}
	wire_put_u16(out, (uint16_t)text.len);
	wire_put_view(out, text);
}

static struct wire_view
get_text(struct wire_in *in, size_t max)
{
	uint16_t len = wire_u16(in);
	struct wire_view text = {NULL, 0};

	if (len > max)
		wire_fail(in, WIRE_LIMIT);
	text = wire_bytes(in, len);
	if (wire_ok(in) && !vouch_text_allowed(text, max))
		wire_fail(in, WIRE_VALUE);
	return text;
}

void
vouch_encode(struct wire_out *out, const struct vouch_msg *msg)
{
	wire_put_u8(out, (uint8_t)msg->type);
	switch (msg->type) {
	case VOUCH_ATTACH:
		put_text(out, msg->client, VOUCH_CLIENT_MAX);
		break;
	case VOUCH_QUESTION:
		put_text(out, msg->question.user, VOUCH_USER_MAX);
		put_text(out, msg->question.password, VOUCH_PASSWORD_MAX);
		break;
	case VOUCH_ANSWER:
		wire_put_u8(out, (uint8_t)msg->answer.reason);
		if (msg->answer.reason == VOUCH_ACCEPTED)
			put_text(out, msg->answer.account, VOUCH_USER_MAX);
		break;
	}
}

static void
get_answer(struct wire_in *in, struct vouch_msg *msg)
{
	uint8_t reason = wire_u8(in);

	if (reason >= VOUCH_ABSENT)
		wire_fail(in, WIRE_VALUE);
	msg->answer.reason = (enum vouch_reason)reason;
	msg->answer.account = wire_view_text(NULL);
	if (reason == VOUCH_ACCEPTED)
		msg->answer.account = get_text(in, VOUCH_USER_MAX);
}

bool
vouch_decode(struct wire_in *in, struct vouch_msg *msg)
{
	msg->type = (enum vouch_type)wire_u8(in);
	switch (msg->type) {
	case VOUCH_ATTACH:
		msg->client = get_text(in, VOUCH_CLIENT_MAX);
		break;
	case VOUCH_QUESTION:
		msg->question.user = get_text(in, VOUCH_USER_MAX);
		msg->question.password = get_text(in, VOUCH_PASSWORD_MAX);
		break;
	case VOUCH_ANSWER:
		get_answer(in, msg);
		break;
	default:
		wire_fail(in, WIRE_VALUE);
	}
	return wire_done(in);
}

const char *
vouch_reason_name(enum vouch_reason reason)
{
	static const char *const names[] = {
	    [VOUCH_ACCEPTED] = "accepted", [VOUCH_DENIED] = "denied",
	    [VOUCH_ACCOUNT] = "account",   [VOUCH_LIMITED] = "limited",
	    [VOUCH_BUSY] = "busy",         [VOUCH_LATE] = "late",
	    [VOUCH_FAILED] = "failed",     [VOUCH_ABSENT] = "absent"};

	return names[reason];
}
