/*
 * Command APDUs: as many as the bytes hold, each with a length in front, judged
 * in every mode and noted with the rest of the bytes as their answer.
 */
#include "filter.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge(struct filter_policy *policy, struct wire_view apdu,
      const struct command_app *app)
{
	struct command_meaning meaning;

	for (int mode = FILTER_FULL; mode <= FILTER_CUSTOM; mode++) {
		policy->commands = (enum filter_commands)mode;
		if (filter_apdu(policy, apdu, app, &meaning).rule == NULL)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_in in = wire_in(data, size);
	struct filter_policy policy;
	struct command_apps apps;

	filter_policy_init(&policy);
	(void)filter_parse_command_rules(
	    &policy, "allow 00 A4 | deny x0 .. .. 01 aid=A000000308");
	command_apps_forget(&apps);
	while (wire_ok(&in) && in.left > 0) {
		struct wire_view apdu = wire_bytes(&in, wire_u8(&in));
		struct command command;

		judge(&policy, apdu, NULL);
		if (!command_decode(apdu, &command))
			continue;
		if (command.channel >= COMMAND_CHANNELS ||
		    command.data.len > apdu.len)
			abort();
		judge(&policy, apdu, &apps.list[command.channel]);
		command_apps_note(&apps, &command,
		                  wire_bytes(&in, in.left < 3 ? in.left : 3));
	}
	filter_policy_clear(&policy);
	return 0;
}
