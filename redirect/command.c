#include "command.h"

#include <string.h>

enum {
	INS_MANAGE_CHANNEL = 0x70,
	INS_SELECT = 0xA4,
	INS_ENVELOPE = 0xC2, /* and C3 */
	SELECT_BY_NAME = 0x04,
	CHANNEL_CLOSE = 0x80, /* P1 of MANAGE CHANNEL */
	CLA_CHAINED = 0x10,
	FIRST_CHANNEL = 0x03, /* CLA 0x: channels 0 to 3 */
	FIRST_SECURED = 0x0C,
	FIRST_SECURED_OWN = 0x04, /* a format that ISO does not define */
	FURTHER_CHANNEL = 0x0F,   /* CLA 4x to 7x: channels 4 to 19 */
	FURTHER_SECURED = 0x20,
	FURTHER_FROM = 4
};

/* ISO/IEC 7816-4 section 5.4.1, and GlobalPlatform 2.3 section 11.1.4. */
static void
read_class(struct command *c)
{
	uint8_t cla = c->cla;
	bool ours = (cla & 0x80) != 0; /* proprietary */

	c->plain = cla;
	if ((cla & 0xE0) == 0 || (cla & 0xF0) == 0x80) {
		c->plain = ours ? 0x80 : 0;
		c->channel = cla & FIRST_CHANNEL;
		c->chained = (cla & CLA_CHAINED) != 0;
		c->secured = (cla & FIRST_SECURED) != 0;
		c->hidden = c->secured && (ours || (cla & FIRST_SECURED) ==
		                                       FIRST_SECURED_OWN);
	} else if ((cla & 0xC0) == 0x40 || (cla & 0xD0) == 0xC0) {
		c->plain = ours ? 0x80 : 0;
		c->channel = (uint8_t)((cla & FURTHER_CHANNEL) + FURTHER_FROM);
		c->chained = (cla & CLA_CHAINED) != 0;
		c->secured = (cla & FURTHER_SECURED) != 0;
		c->hidden = c->secured && ours;
	}
	if ((c->ins & 0xFE) == INS_ENVELOPE)
		c->hidden = true;
}

/* Lc, data and Le in short form; the cursor is behind the header. */
static void
read_short(struct wire_in *in, struct command *c)
{
	uint8_t first = wire_u8(in);

	if (in->left > 0) {
		if (first == 0)
			wire_fail(in, WIRE_VALUE);
		c->data = wire_bytes(in, first);
		if (in->left == 0)
			return;
		first = wire_u8(in);
	}
	c->expected = first == 0 ? 256 : first;
}

/* In extended form: a zero, then two bytes of Lc or of Le. */
static void
read_extended(struct wire_in *in, struct command *c)
{
	uint16_t len;

	wire_skip(in, 1);
	len = wire_u16_be(in);
	if (in->left > 0) {
		if (len == 0)
			wire_fail(in, WIRE_VALUE);
		c->data = wire_bytes(in, len);
		if (in->left == 0)
			return;
		len = wire_u16_be(in);
	}
	c->expected = len == 0 ? 65536 : len;
}

bool
command_decode(struct wire_view apdu, struct command *command)
{
	struct wire_in in = wire_in_view(apdu);
	struct wire_in peek;

	*command = (struct command){.cla = wire_u8(&in)};
	command->ins = wire_u8(&in);
	command->p1 = wire_u8(&in);
	command->p2 = wire_u8(&in);
	read_class(command);
	peek = in;
	if (in.left >= 3 && wire_u8(&peek) == 0)
		read_extended(&in, command);
	else if (in.left > 0)
		read_short(&in, command);
	return wire_done(&in);
}

void
command_apps_forget(struct command_apps *apps)
{
	memset(apps, 0, sizeof(*apps));
}

uint16_t
command_status(struct wire_view answer)
{
	struct wire_in in = wire_in_view(answer);

	if (answer.len < 2)
		return 0;
	wire_skip(&in, answer.len - 2);
	return wire_u16_be(&in);
}

/* Done, perhaps with a warning or more to fetch. */
static bool
is_done(uint16_t status)
{
	uint8_t high = (uint8_t)(status >> 8);

	return status == 0x9000 || (high >= 0x61 && high <= 0x63);
}

/* The card checked and did nothing: 67xx to 6Bxx, 6Dxx, 6Exx. */
static bool
is_refused(uint16_t status)
{
	uint8_t high = (uint8_t)(status >> 8);

	return (high >= 0x67 && high <= 0x6B) || high == 0x6D || high == 0x6E;
}

static void
take_aid(struct command_app *app, struct wire_view aid)
{
	struct wire_out out = wire_out(app->aid, sizeof(app->aid));

	*app = (struct command_app){.known = false};
	wire_put_view(&out, aid);
	if (!wire_out_ok(&out) || aid.len == 0)
		return;
	app->known = true;
	app->len = (uint8_t)aid.len;
}

/*
 * Selecting a file stays within the application, unless it goes up: to the
 * master file, to a parent, or along a path from the top.
 */
static bool
leaves_application(const struct command *c)
{
	static const uint8_t mf[] = {0x3F, 0x00};
	const struct wire_view top = {mf, sizeof(mf)};

	switch (c->p1) {
	case 0x00:
		return c->data.len == 0 || wire_view_equal(c->data, top);
	case 0x01: /* child DF */
	case 0x02: /* EF in this DF */
	case 0x09: /* path from this DF */
		return false;
	default:
		return true;
	}
}

static void
note_select(struct command_apps *apps, const struct command *c, uint16_t status)
{
	static const struct wire_view none = {NULL, 0};
	struct command_app *app = &apps->list[c->channel];
	bool plain = c->plain == 0 && !c->chained && !c->secured;

	if (is_refused(status))
		return;
	if (c->p1 == SELECT_BY_NAME || !plain)
		take_aid(app, is_done(status) && plain ? c->data : none);
	else if (leaves_application(c))
		take_aid(app, none);
}

/* A channel opened from a channel above 0 begins with its application. */
static void
note_channel(struct command_apps *apps, const struct command *c,
             struct wire_view answer, uint16_t status)
{
	struct wire_in in = wire_in_view(answer);
	uint8_t channel = c->p2;

	if (!is_done(status))
		return;
	if (c->p1 != CHANNEL_CLOSE && channel == 0 && answer.len > 2)
		channel = wire_u8(&in);
	if (c->p1 == CHANNEL_CLOSE && channel == 0)
		channel = c->channel;
	if (channel >= COMMAND_CHANNELS)
		return;
	apps->list[channel] = (struct command_app){.known = false};
	if (c->p1 != CHANNEL_CLOSE && c->channel != 0)
		apps->list[channel] = apps->list[c->channel];
}

void
command_apps_note(struct command_apps *apps, const struct command *command,
                  struct wire_view answer)
{
	uint16_t status = command_status(answer);

	if (answer.len < 2)
		command_apps_forget(apps);
	else if (command->ins == INS_SELECT)
		note_select(apps, command, status);
	else if (command->ins == INS_MANAGE_CHANNEL && command->plain == 0)
		note_channel(apps, command, answer, status);
}
