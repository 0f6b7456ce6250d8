/*
 * The process that checks passwords: its answers, its limits, and its death at
 * any time.
 */
#include "voucher.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "confine.h"
#include "failures.h"
#include "link.h"
#include "scratch.h"
#include "side.h"
#include "vouch.h"

/*
 * A real voucher in a process of its own, with PAM's own modules; we are its
 * gate and its sessions.  Where the password itself matters and we need no
 * root, pam_exec hands it to a script.
 */
#define CANARY "canary-81d5c0f2"

static char dir[] = "/tmp/test_voucher.XXXXXX";

/* The voucher. */
static pid_t voucher_pid;
static struct link *gate;

/* A session of it. */
struct asking {
	struct vouch *vouch;
	unsigned answers;
	enum vouch_reason reason;
	char account[VOUCH_USER_MAX + 1];
};

static void
write_file(const char *name, mode_t mode, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/*
 * A service whose authentication is this script, and whose accounts may all.  A
 * script that fails would be a fault of PAM's and not a wrong password.
 */
static void
write_script(const char *service, const char *script)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s.sh", service);
	write_file(text, 0755, script);
	(void)snprintf(text, sizeof(text),
	               "auth [success=1 abort=die default=ignore] pam_exec.so "
	               "quiet expose_authtok %s/%s.sh\n"
	               "auth requisite pam_deny.so\n"
	               "auth required pam_permit.so\n"
	               "account required pam_permit.so\n",
	               dir, service);
	write_file(service, 0644, text);
}

static void
write_services(void)
{
	write_script("asks", "#!/bin/sh\n"
	                     "echo $PAM_USER $PAM_RHOST >>${0%/*}/asked\n"
	                     "word=$(tr -d '\\0')\n"
	                     "[ \"$PAM_USER $word\" = 'alice " CANARY "' ]\n");
	write_script("hangs", "#!/bin/sh\n"
	                      "echo $$ >>${0%/*}/hanging\n"
	                      "exec sleep 1000\n");
	write_script("dies", "#!/bin/sh\nkill -KILL $PPID\n");
	write_file("shut", 0644,
	           "auth required pam_permit.so\n"
	           "account required pam_deny.so\n");
	write_file("unix", 0644,
	           "auth required pam_unix.so\n"
	           "account required pam_unix.so\n");
}

static void
nothing_came(void *arg, struct wire_view message, int fd)
{
	(void)arg;
	(void)message;
	(void)fd;
	fail();
}

static void
on_voucher_gone(void *arg)
{
	(void)arg;
	link_free(gate);
	gate = NULL;
}

static const struct link_ops gate_ops = {nothing_came, on_voucher_gone};

/* prepare runs in the voucher's process, before it starts. */
static void
start_voucher(const char *service, unsigned check_ms, unsigned hold_ms,
              bool (*prepare)(void))
{
	const struct voucher_config config = {service, dir, check_ms, hold_ms};
	int fds[2];

	assert_true(link_pair(fds));
	voucher_pid = fork();
	if (voucher_pid == 0) {
		event_base_free(side_base);
		(void)close(fds[0]);
		if (prepare != NULL && !prepare()) {
			perror("prepare");
			exit(EXIT_FAILURE);
		}
		exit(voucher_run(&config, fds[1]));
	}
	(void)close(fds[1]);
	gate = link_new(side_base, fds[0], &gate_ops, NULL);
	assert_non_null(gate);
}

static void
stop_voucher(void)
{
	int status;

	link_free(gate);
	gate = NULL;
	assert_int_equal(waitpid(voucher_pid, &status, 0), voucher_pid);
	assert_int_equal(status, 0);
}

static void
on_answered(void *arg, enum vouch_reason reason, struct wire_view account)
{
	struct asking *a = arg;

	a->answers++;
	a->reason = reason;
	memcpy(a->account,
	       account.data == NULL ? (const uint8_t *)"" : account.data,
	       account.len);
	a->account[account.len] = '\0';
}

/* The session's end of a pair. */
static int
attach(const char *client)
{
	uint8_t datagram[VOUCH_MESSAGE_MAX];
	struct wire_out out = wire_out(datagram, sizeof(datagram));
	struct vouch_msg msg = {.type = VOUCH_ATTACH,
	                        .client = wire_view_text(client)};
	int fds[2];

	assert_true(link_pair(fds));
	vouch_encode(&out, &msg);
	link_send(gate, wire_written(&out), fds[0]);
	return fds[1];
}

static void
open_asking(struct asking *a, const char *client)
{
	*a = (struct asking){.reason = VOUCH_ABSENT};
	a->vouch = vouch_new(side_base, attach(client), on_answered, a);
	assert_non_null(a->vouch);
}

static bool
ask(struct asking *a, const char *user, const char *password)
{
	a->answers = 0;
	return vouch_ask(a->vouch, wire_view_text(user),
	                 wire_view_text(password));
}

static bool
is_answered(void *arg)
{
	const struct asking *a = arg;

	return a->answers > 0;
}

static enum vouch_reason
answer_of(struct asking *a)
{
	side_until(side_base, is_answered, a);
	assert_int_equal(a->answers, 1);
	return a->reason;
}

/* A session of its own that asks once. */
static enum vouch_reason
asked(const char *client, const char *user, const char *password)
{
	struct asking a;

	open_asking(&a, client);
	assert_true(ask(&a, user, password));
	(void)answer_of(&a);
	vouch_free(a.vouch);
	assert_string_equal(a.account, a.reason == VOUCH_ACCEPTED ? user : "");
	return a.reason;
}

/* Lines of a file that a script writes. */
static unsigned
lines(const char *name)
{
	char path[256], line[256];
	unsigned count = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		count++;
	(void)fclose(f);
	return count;
}

static bool
has_lines(void *arg)
{
	return lines(arg) > 0;
}

static void
test_answers(void **state)
{
	struct asking a;

	(void)state;
	start_voucher("asks", 10000, 0, NULL);
	open_asking(&a, "192.0.2.1");
	assert_true(ask(&a, "alice", CANARY));
	assert_int_equal(answer_of(&a), VOUCH_ACCEPTED);
	assert_string_equal(a.account, "alice");
	assert_true(ask(&a, "alice", "wrong"));
	assert_int_equal(answer_of(&a), VOUCH_DENIED);
	assert_string_equal(a.account, "");
	assert_true(ask(&a, "bob", CANARY));
	assert_int_equal(answer_of(&a), VOUCH_DENIED);
	vouch_free(a.vouch);
	assert_int_equal(asked("192.0.2.1", "alice", CANARY), VOUCH_ACCEPTED);
	stop_voucher();
}

static void
test_account(void **state)
{
	(void)state;
	start_voucher("shut", 10000, 0, NULL);
	assert_int_equal(asked("192.0.2.1", "alice", "x"), VOUCH_ACCOUNT);
	stop_voucher();
}

/* Neither the service nor "other" is there. */
static void
test_no_service(void **state)
{
	(void)state;
	start_voucher("no-such", 10000, 0, NULL);
	assert_int_equal(asked("192.0.2.1", "alice", "x"), VOUCH_FAILED);
	stop_voucher();
}

static void
test_check_dies(void **state)
{
	(void)state;
	start_voucher("dies", 10000, 0, NULL);
	assert_int_equal(asked("192.0.2.1", "alice", "x"), VOUCH_FAILED);
	/* it may have been a guess: modules fail in many ways */
	for (unsigned i = 1; i < FAILURES_OF_PAIR; i++)
		assert_int_equal(asked("192.0.2.1", "alice", "x"),
		                 VOUCH_FAILED);
	assert_int_equal(asked("192.0.2.1", "alice", "x"), VOUCH_LIMITED);
	stop_voucher();
}

/* The process of the script that hangs. */
static pid_t
hanging(void)
{
	char path[256];
	FILE *f;
	int pid = 0;

	(void)snprintf(path, sizeof(path), "%s/hanging", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fscanf(f, "%d", &pid) == 1)
		continue;
	(void)fclose(f);
	assert_true(pid > 0);
	return pid;
}

/* It has ended, or only waits to be reaped by whoever adopted it. */
static bool
has_ended(void *arg)
{
	const pid_t *pid = arg;
	char path[64], name[64], process_state = 'Z';
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)*pid);
	f = fopen(path, "r");
	if (f == NULL)
		return true;
	if (fscanf(f, "%*d %63s %c", name, &process_state) != 2)
		process_state = 'Z';
	(void)fclose(f);
	return process_state == 'Z' || process_state == 'X';
}

static void
test_late(void **state)
{
	pid_t pid;

	(void)state;
	start_voucher("hangs", 1000, 0, NULL);
	assert_int_equal(asked("192.0.2.1", "alice", "x"), VOUCH_LATE);
	pid = hanging();
	side_until(side_base, has_ended, &pid);
	stop_voucher();
}

/* What is running ends with the gate. */
static void
test_gate_gone(void **state)
{
	struct asking a;
	char path[256];
	pid_t pid;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/hanging", dir);
	(void)unlink(path);
	start_voucher("hangs", 100000, 0, NULL);
	open_asking(&a, "192.0.2.1");
	assert_true(ask(&a, "alice", "x"));
	side_until(side_base, has_lines, (void *)(uintptr_t) "hanging");
	pid = hanging();
	stop_voucher();
	side_until(side_base, has_ended, &pid);
	assert_int_equal(answer_of(&a), VOUCH_ABSENT);
	assert_true(ask(&a, "alice", "x"));
	assert_int_equal(answer_of(&a), VOUCH_ABSENT);
	vouch_free(a.vouch);
}

static void
test_none(void **state)
{
	struct asking a = {.reason = VOUCH_ACCEPTED};

	(void)state;
	a.vouch = vouch_new(side_base, -1, on_answered, &a);
	assert_non_null(a.vouch);
	assert_true(ask(&a, "alice", "x"));
	assert_int_equal(a.answers, 0); /* not on the asker's own frame */
	assert_int_equal(answer_of(&a), VOUCH_ABSENT);
	vouch_free(a.vouch);
}

static void
test_killed(void **state)
{
	struct asking a;
	int status;

	(void)state;
	start_voucher("hangs", 100000, 0, NULL);
	open_asking(&a, "192.0.2.1");
	assert_true(ask(&a, "alice", "x"));
	side_turn(side_base, 50);
	assert_int_equal(kill(voucher_pid, SIGKILL), 0);
	assert_int_equal(waitpid(voucher_pid, &status, 0), voucher_pid);
	assert_int_equal(answer_of(&a), VOUCH_ABSENT);
	vouch_free(a.vouch);
	link_free(gate);
	gate = NULL;
}

/* After so many the password is not even looked at; others are served. */
static void
test_limited(void **state)
{
	unsigned before;

	(void)state;
	start_voucher("asks", 10000, 0, NULL);
	for (unsigned i = 0; i < FAILURES_OF_PAIR; i++)
		assert_int_equal(asked("192.0.2.1", "alice", "wrong"),
		                 VOUCH_DENIED);
	before = lines("asked");
	assert_int_equal(asked("192.0.2.1", "alice", CANARY), VOUCH_LIMITED);
	assert_int_equal(lines("asked"), before);
	assert_int_equal(asked("192.0.2.2", "alice", CANARY), VOUCH_ACCEPTED);
	stop_voucher();
}

static void
test_busy(void **state)
{
	struct asking a[VOUCHER_CHECKS];
	char client[16];

	(void)state;
	start_voucher("hangs", 100000, 0, NULL);
	for (unsigned i = 0; i < VOUCHER_CHECKS; i++) {
		(void)snprintf(client, sizeof(client), "192.0.2.%u",
		               i / VOUCHER_CHECKS_OF_CLIENT);
		open_asking(&a[i], client);
		assert_true(ask(&a[i], "alice", "x"));
		if (i + 1 == VOUCHER_CHECKS_OF_CLIENT)
			assert_int_equal(asked(client, "bob", "x"), VOUCH_BUSY);
	}
	assert_int_equal(asked("192.0.2.99", "alice", "x"), VOUCH_BUSY);
	for (unsigned i = 0; i < VOUCHER_CHECKS; i++) {
		assert_int_equal(a[i].answers, 0);
		vouch_free(a[i].vouch);
	}
	stop_voucher();
}

static int64_t
clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* However fast PAM is, a refusal comes no earlier; a yes does not wait. */
static void
test_held(void **state)
{
	int64_t start;

	(void)state;
	start_voucher("shut", 100000, 700, NULL);
	start = clock_ms();
	assert_int_equal(asked("192.0.2.1", "alice", "x"), VOUCH_ACCOUNT);
	assert_true(clock_ms() - start >= 700);
	stop_voucher();
	start_voucher("asks", 100000, 100000, NULL);
	assert_int_equal(asked("192.0.2.1", "alice", CANARY), VOUCH_ACCEPTED);
	stop_voucher();
}

/* What a session may not say costs it its voucher, and only it. */
static void
test_hostile(void **state)
{
	static const uint8_t attach_word[] = {VOUCH_ATTACH, 1, 0, 'x'};
	static const uint8_t question[] = {
	    VOUCH_QUESTION, 1, 0, 'u', 1, 0, 'p'};
	static const uint8_t garbage[2 * VOUCH_MESSAGE_MAX] = {VOUCH_QUESTION};
	const struct wire_view bad[] = {{attach_word, sizeof(attach_word)},
	                                {question, sizeof(question) - 1},
	                                {garbage, sizeof(garbage)}};
	uint8_t byte;

	(void)state;
	start_voucher("hangs", 100000, 0, NULL);
	for (size_t i = 0; i < 4; i++) {
		int fd = attach("192.0.2.1");

		(void)fcntl(fd, F_SETFL, 0);
		if (i < 3) {
			assert_true(send(fd, bad[i].data, bad[i].len, 0) > 0);
		} else { /* two at a time */
			assert_true(send(fd, question, sizeof(question), 0) >
			            0);
			assert_true(send(fd, question, sizeof(question), 0) >
			            0);
		}
		(void)event_base_loop(side_base, EVLOOP_NONBLOCK);
		assert_int_equal(recv(fd, &byte, 1, 0), 0);
		(void)close(fd);
	}
	stop_voucher();
	start_voucher("asks", 10000, 0, NULL);
	assert_int_equal(asked("192.0.2.1", "alice", CANARY), VOUCH_ACCEPTED);
	stop_voucher();
}

static void
test_not_asked(void **state)
{
	static char longest[VOUCH_PASSWORD_MAX + 2];
	const struct wire_view nul = {(const uint8_t *)"a\0b", 3};
	struct asking a;

	(void)state;
	memset(longest, 'p', VOUCH_PASSWORD_MAX + 1);
	start_voucher("asks", 10000, 0, NULL);
	open_asking(&a, "192.0.2.1");
	assert_false(ask(&a, "", "x"));
	assert_false(ask(&a, "alice", ""));
	assert_false(ask(&a, "alice", longest));
	assert_false(vouch_ask(a.vouch, nul, wire_view_text("x")));
	assert_false(vouch_ask(a.vouch, wire_view_text("x"), nul));
	longest[VOUCH_PASSWORD_MAX] = '\0';
	assert_true(ask(&a, "alice", longest));
	assert_false(ask(&a, "alice", CANARY)); /* one at a time */
	assert_int_equal(answer_of(&a), VOUCH_DENIED);
	vouch_free(a.vouch);
	stop_voucher();
}

/* Is this in the memory of a process? */
static bool
in_memory(pid_t pid, const char *needle)
{
	char path[64], line[512];
	unsigned long from, to;
	bool found = false;
	FILE *maps;
	int mem;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	if (mem < 0 || maps == NULL)
		skip();
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		char *part;

		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 ||
		    strstr(line, " rw") == NULL || to - from > 1UL << 30)
			continue;
		part = malloc(to - from);
		assert_non_null(part);
		if (pread(mem, part, to - from, (off_t)from) ==
		    (ssize_t)(to - from))
			found = memmem(part, to - from, needle,
			               strlen(needle)) != NULL;
		free(part);
	}
	(void)fclose(maps);
	(void)close(mem);
	return found;
}

/*
 * A word that is nowhere in the test's own memory when the voucher leaves it.
 * To be sure that we do look: the user's name is found.
 */
static void
test_wiped(void **state)
{
	static const char word[] = "XW-qlmrqtfya";
	char turned[sizeof(word)] = {0};
	struct asking a;

	(void)state;
	start_voucher("asks", 10000, 0, NULL);
	for (size_t i = 0; word[i] != '\0'; i++)
		turned[i] = (char)(word[i] ^ 1);
	open_asking(&a, "192.0.2.1");
	assert_true(ask(&a, "alice", CANARY));
	assert_int_equal(answer_of(&a), VOUCH_ACCEPTED);
	assert_true(ask(&a, "bob", turned));
	assert_int_equal(answer_of(&a), VOUCH_DENIED);
	assert_true(in_memory(voucher_pid, "bob"));
	assert_false(in_memory(voucher_pid, turned));
	explicit_bzero(turned, sizeof(turned));
	vouch_free(a.vouch);
	stop_voucher();
}

/* Copies of the host's accounts with three more, in a mount name space. */
static bool
private_accounts(void)
{
	static const char script[] =
	    "set -e; cd \"$1\"; cp /etc/passwd /etc/shadow .\n"
	    "for user in alice late locked; do\n"
	    "	echo $user:x:61001:61001::/nonexistent:/bin/sh >>passwd\n"
	    "done\n"
	    "hash=$(openssl passwd -6 -salt lab secret)\n"
	    "echo \"alice:$hash:19000:0:99999:7:::\" >>shadow\n"
	    "echo \"late:$hash:19000:0:99999:7::19001:\" >>shadow\n"
	    "echo \"locked:!$hash:19000:0:99999:7:::\" >>shadow\n"
	    "chmod 640 shadow\n"
	    "mount --bind passwd /etc/passwd\n"
	    "mount --bind shadow /etc/shadow\n";
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	pid = fork();
	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", script, "sh", dir, NULL);
		_exit(EXIT_FAILURE);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && confine_voucher();
}

/* Real accounts, and the voucher confined as in the daemon. */
static void
test_unix(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	start_voucher("unix", 20000, 0, private_accounts);
	assert_int_equal(asked("192.0.2.1", "alice", "secret"), VOUCH_ACCEPTED);
	assert_int_equal(asked("192.0.2.1", "alice", "Secret"), VOUCH_DENIED);
	assert_int_equal(asked("192.0.2.1", "nobody-such", "secret"),
	                 VOUCH_DENIED);
	assert_int_equal(asked("192.0.2.1", "locked", "secret"), VOUCH_DENIED);
	assert_int_equal(asked("192.0.2.1", "late", "secret"), VOUCH_ACCOUNT);
	stop_voucher();
}

static int
open_all(void **state)
{
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0)
		return 1;
	write_services();
	return side_open_base(state);
}

static int
close_all(void **state)
{
	(void)side_close_base(state);
	return scratch_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_account),
	    cmocka_unit_test(test_no_service),
	    cmocka_unit_test(test_check_dies),
	    cmocka_unit_test(test_late),
	    cmocka_unit_test(test_gate_gone),
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_killed),
	    cmocka_unit_test(test_limited),
	    cmocka_unit_test(test_busy),
	    cmocka_unit_test(test_held),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_not_asked),
	    cmocka_unit_test(test_wiped),
	    cmocka_unit_test(test_unix),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
