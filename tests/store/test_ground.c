/* Places where views must not lie, also by way of a link or a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ground.h"
#include "tree.h"

#include <fcntl.h>

static char root[64];

static int
make_root(void **state)
{
	static const char *const dirs[] = {
	    "/etc",       "/etc/ssl", "/etc/sssd",     "/etc/sssd/conf.d",
	    "/etc/pam.d", "/run",     "/run/cardproxy"};
	char path[128];
	(void)state;

	(void)strcpy(root, "/tmp/test_ground.XXXXXX");
	if (mkdtemp(root) == NULL)
		return -1;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
		if (mkdir(path, 0700) != 0)
			return -1;
	}
	return 0;
}

static int
remove_root(void **state)
{
	(void)state;
	return tree_remove(AT_FDCWD, root);
}

static const char *
in_root(const char *path)
{
	static char paths[4][256];
	static unsigned turn;
	char *full = paths[turn++ % 4];

	(void)snprintf(full, sizeof(paths[0]), "%s%s", root, path);
	return full;
}

static bool
is_safe(const char *path)
{
	char reason[GROUND_REASON_SIZE] = "";
	bool safe = ground_is_safe(in_root(path), root, reason);

	assert_int_equal(safe, reason[0] == '\0');
	return safe;
}

/* A file that says NAME = the path in our root. */
static void
write_setting(const char *file, const char *name, const char *path)
{
	FILE *f = fopen(in_root(file), "w");

	assert_non_null(f);
	assert_true(fprintf(f, "[pam]\n%s = %s\n", name, in_root(path)) > 0);
	assert_int_equal(fclose(f), 0);
}

static void
test_plain_places(void **state)
{
	(void)state;
	assert_true(is_safe("/run/cardproxy"));
	assert_true(is_safe("/run/not/there/yet"));
	assert_true(is_safe("/etcetera"));
}

static void
test_places_that_are_trusted(void **state)
{
	static const char *const bad[] = {
	    "/etc",           "/etc/ssl/certs",
	    "/etc/pki/nssdb", "/etc/sssd/pki",
	    "/etc/cardproxy", "/usr/share/ca-certificates/x",
	    "/var/lib/sss",   "/var/kerberos/krb5kdc"};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(is_safe(bad[i]));
	/* By a link, too. */
	assert_int_equal(symlink(in_root("/etc/ssl"), in_root("/run/in")), 0);
	assert_false(is_safe("/run/in"));
	assert_false(is_safe("/run/in/below"));
}

static void
test_links_that_lead_there(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_root("/run/cardproxy/session"), 0700), 0);
	assert_int_equal(symlink(in_root("/run/cardproxy/session"),
	                         in_root("/etc/ssl/certs")),
	                 0);
	assert_false(is_safe("/run/cardproxy"));
	assert_true(is_safe("/run/other"));
}

static void
test_configurations_that_name_it(void **state)
{
	static const char *const files[] = {"/etc/sssd/sssd.conf",
	                                    "/etc/sssd/conf.d/x.conf",
	                                    "/etc/pam.d/login"};
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		write_setting(files[i], "pam_cert_db_path",
		              "/run/cardproxy/session/00/certs/x.pem");
		assert_false(is_safe("/run/cardproxy"));
		assert_true(is_safe("/run/cardproxy2"));
		/* The control socket is not a view. */
		write_setting(files[i], "socket",
		              "/run/cardproxy/control.sock");
		assert_true(is_safe("/run/cardproxy"));
	}
}

#define in_a_root(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_a_root(test_plain_places),
	    in_a_root(test_places_that_are_trusted),
	    in_a_root(test_links_that_lead_there),
	    in_a_root(test_configurations_that_name_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
