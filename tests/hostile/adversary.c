/*
 * A hostile client and a hostile server on both sides of a real proxy, with a
 * well-behaved session beside them (the canary).
 *
 *	adversary --port P --relay-port P --server-port P --cert PEM --key PEM
 *	          --pki DIR --log FILE --gate PID --look COMMAND [CASE...]
 *
 * Runs the cases whose names begin with one of those given, or all of them.
 * After each: the canary pulls its card, puts it back and is read again; what
 * COMMAND prints is as it was before the first case; the log got the one line
 * that the case asks for, and no other warning.  The exit status is the number
 * of cases that failed.
 */
#include "adversary.h"

#include <dirent.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "canary.h"
#include "peer.h"

enum {
	LOOK_MAX = 64 * 1024,
	LOG_MAX = 1 << 20,
	QUIET_MS = 40,
	BEAT_MS = 2000, /* more cards in a row than that wait to be read */
	GROWTH_MAX_KB = 8 * 1024 /* of the lasting processes, over all cases */
};

static struct {
	uint16_t port;
	uint16_t relay_port;
	uint16_t server_port;
	const char *cert;
	const char *key;
	const char *pki;
	const char *log;
	const char *look;
	long gate;
} opt;

static bool failed;

/* ---- what cases use */

void
adversary_complain(struct client *c, const char *what)
{
	(void)printf("FAILED %s: %s\n", c->at == NULL ? "canary" : c->at->name,
	             what);
	failed = true;
}

const char *
adversary_pki(void)
{
	return opt.pki;
}

/* ---- memory and processes */

static long
number_in(const char *path, const char *key)
{
	FILE *file = fopen(path, "r");
	char line[256];
	long value = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtol(line + strlen(key), NULL, 10);
	}
	if (file != NULL)
		(void)fclose(file);
	return value;
}

/* What the gate and its children have for themselves, and how many they are. */
static unsigned long
look_at_processes(unsigned *count)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	long sum = 0;

	*count = 0;
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		char path[300];

		(void)snprintf(path, sizeof(path), "/proc/%s/status",
		               entry->d_name);
		if (strtol(entry->d_name, NULL, 10) != opt.gate &&
		    number_in(path, "PPid:") != opt.gate)
			continue;
		sum += number_in(path, "RssAnon:");
		++*count;
	}
	if (proc != NULL)
		(void)closedir(proc);
	return (unsigned long)sum;
}

unsigned long
adversary_memory(void)
{
	unsigned count;

	return look_at_processes(&count);
}

static void
build_ping(struct wire_out *out)
{
	message_share_data(out, 0x1c);
}

/* ---- what must be as before */

static void
look(char text[LOOK_MAX])
{
	FILE *pipe = popen(opt.look, "r");
	size_t len = 0;

	if (pipe != NULL) {
		len = fread(text, 1, LOOK_MAX - 1, pipe);
		(void)pclose(pipe);
	}
	text[len] = '\0';
}

/* The first line is how many lines of the readers are not printable. */
void
adversary_look_now(struct client *c)
{
	static char text[LOOK_MAX];

	look(text);
	if (strncmp(text, "0\n", 2) != 0)
		adversary_complain(c, "the list of readers is not printable");
}

static const char *before_all;

/* Lines 3 and 4 of what is looked at. */
static void
take_stores(const char *text, const char **start, size_t *len)
{
	for (int i = 0; i < 2 && text != NULL; i++) {
		text = strchr(text, '\n');
		text = text == NULL ? NULL : text + 1;
	}
	*start = text == NULL ? "" : text;
	*len = strcspn(*start, "\n") + 1;
	*len += strcspn(*start + *len, "\n");
}

void
adversary_look_stores(struct client *c)
{
	static char text[LOOK_MAX];
	const char *now, *then;
	size_t now_len, then_len;

	look(text);
	take_stores(text, &now, &now_len);
	take_stores(before_all, &then, &then_len);
	if (now_len == then_len && memcmp(now, then, now_len) == 0)
		return;
	adversary_complain(c, "something of this card is in the store:");
	(void)printf("%.*s\n", (int)now_len, now);
}

static unsigned processes; /* before the first case */

/* It costs something: first wait for the session to be gone. */
static bool
await_look(const char *wanted, char text[LOOK_MAX])
{
	uint64_t until = end_now_ms() + 10000;
	unsigned count;

	do {
		(void)look_at_processes(&count);
	} while (count > processes && end_now_ms() < until &&
	         usleep(5000) == 0);
	do {
		look(text);
		if (strcmp(text, wanted) == 0)
			return true;
	} while (end_now_ms() < until);
	return false;
}

/* ---- the log */

static long
log_size(void)
{
	FILE *file = fopen(opt.log, "rb");
	long size = -1;

	if (file != NULL && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (file != NULL)
		(void)fclose(file);
	return size;
}

static size_t
log_since(long from, char text[LOG_MAX])
{
	FILE *file = fopen(opt.log, "rb");
	size_t len = 0;

	if (file != NULL && fseek(file, from, SEEK_SET) == 0)
		len = fread(text, 1, LOG_MAX - 1, file);
	if (file != NULL)
		(void)fclose(file);
	text[len] = '\0';
	return len;
}

static bool
is_wanted(const struct adversary_case *at, const char *line)
{
	char event[64];

	if (at->event == NULL || strstr(line, " debug ") != NULL)
		return false;
	(void)snprintf(event, sizeof(event), " %s ", at->event);
	return strstr(line, event) != NULL && strstr(line, at->what) != NULL;
}

static bool
is_printable(const char *line)
{
	for (; *line != '\0'; line++) {
		if (*line < ' ' || *line > '~')
			return false;
	}
	return true;
}

static void
judge_log(struct client *c, long from)
{
	static char text[LOG_MAX];
	char *rest = text;
	char *line;
	unsigned found = 0;

	(void)log_since(from, text);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (!is_printable(line))
			adversary_complain(c, "a line that is not printable");
		if (is_wanted(c->at, line)) {
			found++;
		} else if (strstr(line, " warning ") != NULL ||
		           strstr(line, " error ") != NULL) {
			adversary_complain(c, "an unexpected line:");
			(void)printf("    %s\n", line);
		}
	}
	if (c->at->event == NULL || found == 1)
		return;
	(void)printf("    %u lines: %s ... %s\n", found, c->at->event,
	             c->at->what);
	adversary_complain(c, "expected 1 line");
}

static bool
log_has(const struct adversary_case *at, long from)
{
	static char text[LOG_MAX];

	(void)log_since(from, text);
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (is_wanted(at, line))
			return true;
	}
	return false;
}

/* ---- one case */

static void
judge_fate(struct client *c)
{
	unsigned before = server_heard();
	uint64_t until = end_now_ms() + 3000;

	if (c->at->fate == FATE_ENDS) {
		while (!c->end.closed && c->end.ssl != NULL &&
		       end_now_ms() < until)
			client_run(c, 50, 50);
		if (!c->end.closed)
			adversary_complain(c, "the connection lives on");
		return;
	}
	end_io(&c->end, build_ping);
	while (server_heard() == before && end_now_ms() < until)
		client_run(c, 10, 10);
	if (c->end.closed || server_heard() == before)
		adversary_complain(c, "the relay has stopped");
}

/* A plain socket has no frames: all that counts is its end. */
static void
await_end_of_tcp(struct client *c)
{
	uint8_t bytes[256];
	uint64_t until = end_now_ms() + 3000;

	while (!c->end.closed && end_now_ms() < until)
		c->end.closed = recv(c->end.fd, bytes, sizeof(bytes), 0) == 0;
}

static void
play(struct client *c, long from)
{
	const struct adversary_case *at = c->at;
	bool relay = at->early != NULL || at->part != NULL;
	uint64_t until = end_now_ms() + at->wait_ms;

	if (!client_reach(c, at->stage, relay ? opt.relay_port : opt.port)) {
		adversary_complain(c, "its stage is not reached");
		return;
	}
	c->mark_ms = end_now_ms();
	if (at->run != NULL)
		at->run(c);
	if (c->end.ssl == NULL) {
		await_end_of_tcp(c);
	} else {
		client_run(c, QUIET_MS, 3000);
		while (at->event != NULL && end_now_ms() < until &&
		       !log_has(at, from))
			client_run(c, 50, 50);
	}
	judge_fate(c);
}

static bool
run_case(const struct adversary_case *at, const char *wanted)
{
	static struct client client;
	static char seen[LOOK_MAX];
	struct client *c = &client;
	long from = log_size();
	uint64_t start = end_now_ms();
	static uint64_t beat_due;
	bool beats;

	failed = false;
	client_init(c, "mallory");
	c->at = at;
	server_play(at->early, at->part);
	beats = end_now_ms() >= beat_due;
	if (beats)
		canary_begin();
	if (at->prepare != NULL)
		at->prepare(c);
	play(c, from);
	client_clear(c);
	server_play(NULL, NULL);
	if (beats && !canary_end())
		adversary_complain(c, "the canary's card is not read any more");
	if (beats)
		beat_due = end_now_ms() + BEAT_MS;
	if (!await_look(wanted, seen)) {
		adversary_complain(c, "not as before:");
		(void)printf("--- before\n%s--- after\n%s", wanted, seen);
	}
	judge_log(c, from);
	(void)printf("%s %s (%u ms)\n", failed ? "FAILED" : "ok    ", at->name,
	             (unsigned)(end_now_ms() - start));
	(void)fflush(stdout);
	return !failed;
}

static bool
is_chosen(const char *name, char **names)
{
	if (*names == NULL)
		return true;
	for (; *names != NULL; names++) {
		if (strncmp(name, *names, strlen(*names)) == 0)
			return true;
	}
	return false;
}

static int
run_all(char **names)
{
	static const struct adversary_case *const tables[] = {
	    cases_sequence, cases_channel, cases_answer, cases_card,
	    cases_server};
	static char before[LOOK_MAX];
	unsigned long memory;
	int bad = 0;

	canary_begin();
	if (!canary_end())
		peer_die("the canary");
	look(before);
	before_all = before;
	memory = look_at_processes(&processes);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct adversary_case *at = tables[i];
		     at->name != NULL; at++) {
			if (is_chosen(at->name, names))
				bad += !run_case(at, before);
		}
	}
	(void)printf("memory: %lu KiB before, %lu KiB after\n", memory,
	             adversary_memory());
	if (adversary_memory() > memory + GROWTH_MAX_KB)
		bad++;
	canary_free();
	return bad;
}

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},
    {"relay-port", required_argument, NULL, 'r'},
    {"server-port", required_argument, NULL, 's'},
    {"cert", required_argument, NULL, 'c'},
    {"key", required_argument, NULL, 'k'},
    {"pki", required_argument, NULL, 'i'},
    {"log", required_argument, NULL, 'l'},
    {"look", required_argument, NULL, 'o'},
    {"gate", required_argument, NULL, 'g'},
    {NULL, 0, NULL, 0},
};

static uint16_t
port_of(const char *text)
{
	return (uint16_t)strtoul(text, NULL, 10);
}

static bool
take_option(int option)
{
	static const char letters[] = "ckilo";
	const char **texts[] = {&opt.cert, &opt.key, &opt.pki, &opt.log,
	                        &opt.look};
	const char *at = strchr(letters, option);

	if (at != NULL) {
		*texts[at - letters] = optarg;
		return true;
	}
	if (option == 'p')
		opt.port = port_of(optarg);
	else if (option == 'r')
		opt.relay_port = port_of(optarg);
	else if (option == 's')
		opt.server_port = port_of(optarg);
	else if (option == 'g')
		opt.gate = strtol(optarg, NULL, 10);
	else
		return false;
	return true;
}

int
main(int argc, char **argv)
{
	int option;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(option))
			return 2;
	if (opt.look == NULL || opt.log == NULL || opt.pki == NULL)
		return 2;
	canary_fork(opt.port, opt.pki);
	server_start(opt.server_port, opt.cert, opt.key);
	option = run_all(argv + optind);
	/* The server's threads are in the midst of things: no leak is one. */
	_exit(option > 0 ? 1 : 0);
}
