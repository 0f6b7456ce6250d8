#include "poldir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_SIZE = 512 };

char poldir_path[64];

void
poldir_begin(void)
{
	(void)snprintf(poldir_path, sizeof(poldir_path),
	               "/tmp/test_poldir_XXXXXX");
	assert_non_null(mkdtemp(poldir_path));
}

void
poldir_end(void)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -r %s",
	               poldir_path, poldir_path);
	assert_int_equal(system(command), 0);
}

/* As those do that cache policies: under another name, and renamed. */
void
poldir_write(const char *path, const void *data, size_t len)
{
	char whole[PATH_SIZE], fresh[PATH_SIZE];
	FILE *f;

	(void)snprintf(whole, sizeof(whole), "%s/%s", poldir_path, path);
	for (char *slash = whole + strlen(poldir_path) + 1;
	     (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		(void)mkdir(whole, 0755);
		*slash = '/';
	}
	(void)snprintf(fresh, sizeof(fresh), "%s/.fresh", poldir_path);
	f = fopen(fresh, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(fresh, whole), 0);
}

void
poldir_remove(const char *path)
{
	char whole[PATH_SIZE];

	(void)snprintf(whole, sizeof(whole), "%s/%s", poldir_path, path);
	assert_int_equal(unlink(whole), 0);
}

void
poldir_number(const char *path, const char *name, uint32_t number)
{
	uint8_t data[1024];
	struct wire_out out = wire_out(data, sizeof(data));
	bool terminal = strcmp(name, "fEnableSmartCard") == 0;
	bool own = strcmp(name, "AllowSessionLoosening") == 0;

	polfile_begin(&out);
	polfile_put_number(&out,
	                   terminal ? polfile_terminal
	                   : own    ? polfile_ours
	                            : polfile_certprop,
	                   name, number);
	poldir_write(path, data, out.len);
}

void
poldir_order(const char *text)
{
	poldir_write("gpo.order", text, strlen(text));
}

struct config *
poldir_config(const char *sections)
{
	struct config_faults faults = {0};
	char text[4096];
	struct config *config;

	(void)snprintf(text, sizeof(text),
	               "[daemon]\npolicy_directory = %s\n"
	               "[listen]\naddress = 127.0.0.1\n"
	               "[target desk]\naddress = a\n%s",
	               poldir_path, sections);
	config = config_parse(wire_view_text(text), "F", &faults);
	if (config == NULL)
		print_error("%s\n", faults.text[0]);
	assert_non_null(config);
	return config;
}
