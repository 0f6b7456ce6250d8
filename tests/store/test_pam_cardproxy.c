/*
 * The PAM module as a log-in loads it, and a keeper that says what a test wants
 * it to say: which session is believed, and that no keeper can hold up or fail
 * a log-in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tree.h"

static char dir[64];

static int
make_dir(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/test_pam.XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
remove_dir(void **state)
{
	(void)state;
	return tree_remove(AT_FDCWD, dir);
}

/* A keeper for one request; NULL: it takes the request and says nothing. */
static pid_t
start_keeper(const char *answer)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	char request[256] = "";
	pid_t pid;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	(void)unlink(address.sun_path);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = accept(listener, NULL, NULL);
		/* "alice", every byte as %XX */
		if (recv(fd, request, sizeof(request) - 1, 0) <= 0 ||
		    strcmp(request, "env %61%6c%69%63%65\n") != 0)
			_exit(1);
		while (answer == NULL)
			(void)pause();
		_exit(send(fd, answer, strlen(answer), 0) > 0 ? 0 : 1);
	}
	(void)close(listener);
	return pid;
}

/* A log-in of alice; what the module has set, "" for nothing. */
static void
log_in(const char *options, const char *variable, char value[static 128])
{
	static const struct pam_conv none = {NULL, NULL};
	pam_handle_t *pam = NULL;
	char path[128];
	const char *set;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/service", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(
	    fprintf(f, "session required " PAM_CARDPROXY " socket=%s/s %s\n",
	            dir, options) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(
	    pam_start_confdir("service", "alice", &none, dir, &pam),
	    PAM_SUCCESS);
	assert_int_equal(pam_open_session(pam, 0), PAM_SUCCESS);
	set = pam_getenv(pam, variable);
	(void)snprintf(value, 128, "%s", set != NULL ? set : "");
	assert_int_equal(pam_close_session(pam, 0), PAM_SUCCESS);
	assert_null(pam_getenv(pam, variable));
	(void)pam_end(pam, PAM_SUCCESS);
}

static void
assert_set(const char *answer, const char *options, const char *wanted)
{
	pid_t keeper = start_keeper(answer);
	char value[128];
	int status = 1;

	log_in(options, "SSL_CERT_DIR", value);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	assert_int_equal(status, 0);
	assert_string_equal(value, wanted);
}

#define SESSION(at, local, authenticated, target)                              \
	"{\"id\":\"00\",\"local\":" local ",\"authenticated\":" authenticated  \
	",\"target\":\"" target "\",\"started_at\":" at                        \
	",\"env\":{\"CARDPROXY_VIEW\":\"/v" at "\",\"SSL_CERT_DIR\":\"/v" at   \
	"/certs:/s\",\"LD_PRELOAD\":\"/evil\"}}"
#define ANSWER(rows) "{\"sessions\":[" rows "]}\n"

#define ROW_WITHOUT_ENV                                                        \
	"{\"sessions\":[{\"local\":true,\"authenticated\":true,\"env\":[]}]}"  \
	"\n"

static void
test_newest_proven_session_of_this_host(void **state)
{
	(void)state;
	assert_set(ANSWER(SESSION("1", "true", "true", "desk") "," SESSION(
		       "3", "true", "true",
		       "desk") "," SESSION("2", "true", "true", "other")),
	           "", "/v3/certs:/s");
	assert_set(ANSWER(SESSION("1", "true", "true", "desk") "," SESSION(
		       "3", "true", "true", "other")),
	           "target=desk", "/v1/certs:/s");
	assert_set(ANSWER(SESSION("1", "false", "true", "desk")), "", "");
	assert_set(ANSWER(""), "", "");
}

static void
test_claimed_name_is_not_believed(void **state)
{
	(void)state;
	assert_set(ANSWER(SESSION("1", "true", "false", "desk")), "", "");
	assert_set(ANSWER(SESSION("1", "true", "false", "desk")), "claimed",
	           "/v1/certs:/s");
}

static void
test_answers_that_are_none(void **state)
{
	static const char *const bad[] = {"x",
	                                  "{",
	                                  "[]\n",
	                                  "{\"sessions\":1}\n",
	                                  "{\"sessions\":[1,null]}\n",
	                                  ROW_WITHOUT_ENV};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_set(bad[i], "", "");
}

/* Only the variables it knows, whoever answers. */
static void
test_other_variables_are_not_set(void **state)
{
	pid_t keeper =
	    start_keeper(ANSWER(SESSION("1", "true", "true", "desk")));
	char value[128];
	(void)state;

	log_in("", "LD_PRELOAD", value);
	assert_int_equal(waitpid(keeper, NULL, 0), keeper);
	assert_string_equal(value, "");
}

static void
test_log_in_goes_on_without_an_answer(void **state)
{
	char value[128];
	pid_t keeper;
	(void)state;

	log_in("", "SSL_CERT_DIR", value); /* nobody listens */
	assert_string_equal(value, "");
	keeper = start_keeper(NULL);
	log_in("timeout=50", "SSL_CERT_DIR", value);
	assert_string_equal(value, "");
	assert_int_equal(kill(keeper, SIGKILL), 0);
	assert_int_equal(waitpid(keeper, NULL, 0), keeper);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_newest_proven_session_of_this_host),
	    cmocka_unit_test(test_claimed_name_is_not_believed),
	    cmocka_unit_test(test_answers_that_are_none),
	    cmocka_unit_test(test_other_variables_are_not_set),
	    cmocka_unit_test(test_log_in_goes_on_without_an_answer),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
