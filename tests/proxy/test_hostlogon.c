/*
 * What the host's session manager tells of log-ons: they are there, come,
 * close, go, and the manager itself is lost.
 */
#include "hostlogon.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "side.h"

/*
 * libsystemd's own reader and monitor, on a /run that is only ours; the files
 * are written as logind writes them: to another name, then renamed.
 */
static bool is_private;

struct seen {
	unsigned news;
	unsigned gone;
	struct hostlogon_entry last;
	char last_gone[HOSTLOGON_ID_MAX];
};

static void
on_new(void *arg, const struct hostlogon_entry *entry)
{
	struct seen *s = arg;

	s->news++;
	s->last = *entry;
}

static void
on_gone(void *arg, const struct hostlogon_entry *entry)
{
	struct seen *s = arg;

	s->gone++;
	memcpy(s->last_gone, entry->id, sizeof(s->last_gone));
}

static const struct hostlogon_ops ops = {on_new, on_gone};

static void
write_session(const char *id, const char *class, const char *state, int leader)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/run/systemd/sessions/%s", id);
	f = fopen("/run/systemd/sessions/.#new", "w");
	assert_non_null(f);
	(void)fprintf(f,
	              "# This is private data. Do not parse.\n"
	              "UID=61001\nUSER=alice\nACTIVE=1\nIS_DISPLAY=1\n"
	              "STATE=%s\nREMOTE=1\nTYPE=x11\nORIGINAL_TYPE=x11\n"
	              "CLASS=%s\nDISPLAY=:10\nSERVICE=xrdp-sesman\nLEADER=%d\n"
	              "AUDIT=4\nREALTIME=1795362000123456\nMONOTONIC=77\n",
	              state, class, leader);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename("/run/systemd/sessions/.#new", path), 0);
}

static void
remove_session(const char *id)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/run/systemd/sessions/%s", id);
	assert_int_equal(unlink(path), 0);
}

static void
start_manager(void)
{
	if (!is_private)
		skip();
	assert_int_equal(mkdir("/run/systemd", 0755), 0);
	assert_int_equal(mkdir("/run/systemd/seats", 0755), 0);
	assert_int_equal(mkdir("/run/systemd/users", 0755), 0);
	assert_int_equal(mkdir("/run/systemd/sessions", 0755), 0);
}

static void
stop_manager(void)
{
	assert_int_equal(system("rm -rf /run/systemd"), 0);
}

static bool
one_is_new(void *arg)
{
	const struct seen *s = arg;

	return s->news > 0;
}

static bool
one_is_gone(void *arg)
{
	const struct seen *s = arg;

	return s->gone > 0;
}

static void
test_missing(void **state)
{
	struct seen s = {0};

	(void)state;
	if (!is_private)
		skip();
	assert_non_null(hostlogon_missing());
	assert_null(hostlogon_new(side_base, &ops, &s));
	start_manager();
	assert_null(hostlogon_missing());
	stop_manager();
}

static void
test_there_already(void **state)
{
	struct seen s = {0};
	struct hostlogon *h;

	(void)state;
	start_manager();
	write_session("c2", "user", "online", 4711);
	write_session("c3", "greeter", "online", 4712);
	write_session("c4", "user", "closing", 4713);
	h = hostlogon_new(side_base, &ops, &s);
	assert_non_null(h);
	assert_int_equal(s.news, 1);
	assert_string_equal(s.last.id, "c2");
	assert_string_equal(s.last.user, "alice");
	assert_string_equal(s.last.service, "xrdp-sesman");
	assert_string_equal(s.last.display, ":10");
	assert_int_equal(s.last.uid, 61001);
	assert_int_equal(s.last.leader, 4711);
	assert_int_equal(s.last.since, 1795362000);
	assert_true(s.last.remote);
	assert_non_null(hostlogon_find(h, "c2"));
	hostlogon_each(h, on_new, &s);
	assert_int_equal(s.news, 2);
	assert_string_equal(s.last.id, "c2");
	assert_null(hostlogon_find(h, "c3"));
	hostlogon_free(h);
	assert_int_equal(s.gone, 0); /* we end, they do not */
	stop_manager();
}

static void
test_comes_and_goes(void **state)
{
	struct seen s = {0};
	struct hostlogon *h;

	(void)state;
	start_manager();
	h = hostlogon_new(side_base, &ops, &s);
	assert_non_null(h);
	write_session("c2", "user", "opening", 4711);
	side_until(side_base, one_is_new, &s);
	write_session("c2", "user", "active", 4711);
	side_turn(side_base, 50);
	assert_int_equal(s.news, 1);
	assert_int_equal(s.gone, 0);
	remove_session("c2");
	side_until(side_base, one_is_gone, &s);
	assert_string_equal(s.last_gone, "c2");
	assert_null(hostlogon_find(h, "c2"));
	hostlogon_free(h);
	stop_manager();
}

/* A user is there already, and that has been told. */
static struct hostlogon *
start_with(const char *id, struct seen *s)
{
	struct hostlogon *h;

	start_manager();
	write_session(id, "user", "active", 4711);
	h = hostlogon_new(side_base, &ops, s);
	assert_non_null(h);
	return h;
}

/* Its programs may linger for long; its user has logged off. */
static void
test_closing(void **state)
{
	struct seen s = {0};
	struct hostlogon *h = start_with("7", &s);

	(void)state;
	write_session("7", "user", "closing", 4711);
	side_until(side_base, one_is_gone, &s);
	remove_session("7");
	side_turn(side_base, 50);
	assert_int_equal(s.gone, 1);
	hostlogon_free(h);
	stop_manager();
}

static void
test_name_again(void **state)
{
	struct seen s = {0};
	struct hostlogon *h = start_with("c1", &s);

	(void)state;
	write_session("c1", "user", "active", 9999);
	side_until(side_base, one_is_gone, &s);
	assert_int_equal(s.news, 2);
	assert_int_equal(s.last.leader, 9999);
	hostlogon_free(h);
	stop_manager();
}

/* Nobody logged off because somebody no longer counts. */
static void
test_manager_lost(void **state)
{
	struct seen s = {0};
	struct hostlogon *h = start_with("c1", &s);

	(void)state;
	assert_int_equal(rmdir("/run/systemd/seats"), 0);
	remove_session("c1");
	side_turn(side_base, 100);
	assert_int_equal(s.gone, 0);
	hostlogon_free(h);
	stop_manager();
}

static int
make_private(void **state)
{
#ifdef HAVE_LIBSYSTEMD
	is_private = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	             mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	             mount("test", "/run", "tmpfs", 0, "mode=755") == 0;
#endif
	return side_open_base(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_there_already),
	    cmocka_unit_test(test_comes_and_goes),
	    cmocka_unit_test(test_closing),
	    cmocka_unit_test(test_name_again),
	    cmocka_unit_test(test_manager_lost),
	};

	return cmocka_run_group_tests(tests, make_private, side_close_base);
}
