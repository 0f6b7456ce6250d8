/*
 * A Registry.pol on standard output, from the command line:
 *
 *     mkpol [NAME=NUMBER | NAME:TEXT]...
 *
 * NAME is a value of the CertProp key, fEnableSmartCard, or an instruction such
 * as **Del.NAME.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "polfile.h"

static const char *
key_of(const char *name)
{
	return strcmp(name, "fEnableSmartCard") == 0 ? polfile_terminal
	                                             : polfile_certprop;
}

int
main(int argc, char **argv)
{
	static uint8_t data[64 * 1024];
	struct wire_out out = wire_out(data, sizeof(data));

	polfile_begin(&out);
	for (int i = 1; i < argc; i++) {
		char *value = argv[i] + strcspn(argv[i], "=:");
		char how = *value;

		if (how == '\0')
			return EXIT_FAILURE;
		*value++ = '\0';
		if (how == '=')
			polfile_put_number(&out, key_of(argv[i]), argv[i],
			                   (uint32_t)strtoul(value, NULL, 10));
		else
			polfile_put_text(&out, key_of(argv[i]), argv[i], value);
	}
	return wire_out_ok(&out) && fwrite(data, 1, out.len, stdout) == out.len
	           ? EXIT_SUCCESS
	           : EXIT_FAILURE;
}
