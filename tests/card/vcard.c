/*
 * vcard: a smart card made of files, in a reader of vpcd.
 *
 *   vcard --piv|--gids DIR --control SOCKET [options]     run
 *   vcard --tell SOCKET COMMAND...                        speak to one
 *
 * The commands: insert, remove, swap DIR piv|gids, garbage on|off,
 * mute on|off, delay MS, apdus, status, quit.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vcard_control.h"
#include "virtual_card.h"
#include "virtual_gids.h"
#include "virtual_piv.h"
#include "vpcd.h"

enum {
	RETRY_MS = 100, /* between two attempts to reach the reader */
	SWAP_MS = 1000  /* out of the reader; pcscd looks every 400 ms */
};

enum mood {
	MOOD_GOOD,
	MOOD_GARBAGE, /* answers are random bytes */
	MOOD_MUTE     /* no answer at all */
};

static const char *const mood_names[] = {"good", "garbage", "mute"};

struct vcard {
	const char *host;
	uint16_t port;
	const char *log; /* one line for each VERIFY; NULL: none */
	struct virtual_card card;
	enum virtual_gids_form form;
	bool inserted; /* wanted in the reader */
	bool running;
	int reader;         /* -1: not connected */
	int64_t not_before; /* of the next attempt to connect, ms */
	enum mood mood;
	unsigned delay_ms;
	unsigned apdu_count;
	unsigned insert_count;
	uint32_t noise; /* state of the generator of garbage */
	uint8_t message[VPCD_MESSAGE_MAX];
	uint8_t answer[VIRTUAL_ANSWER_MAX];
};

static int64_t
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
pause_ms(unsigned ms)
{
	struct timespec left = {.tv_sec = ms / 1000,
	                        .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

static bool
load(struct vcard *vcard, const char *dir, const char *profile)
{
	virtual_card_clear(&vcard->card);
	if (strcmp(profile, "piv") == 0)
		return virtual_piv_load(&vcard->card, dir);
	if (strcmp(profile, "gids") == 0)
		return virtual_gids_load(&vcard->card, dir, vcard->form);
	return false;
}

static void
leave_reader(struct vcard *vcard)
{
	if (vcard->reader >= 0)
		(void)close(vcard->reader);
	vcard->reader = -1;
	virtual_card_reset(&vcard->card);
}

static void
enter_reader(struct vcard *vcard)
{
	if (now_ms() < vcard->not_before)
		return;
	vcard->reader = vpcd_connect(vcard->host, vcard->port);
	vcard->not_before = now_ms() + RETRY_MS;
	if (vcard->reader >= 0)
		vcard->insert_count++;
}

/* Xorshift: the same card tells the same nonsense in every run. */
static uint8_t
noise_byte(struct vcard *vcard)
{
	vcard->noise ^= vcard->noise << 13;
	vcard->noise ^= vcard->noise >> 17;
	vcard->noise ^= vcard->noise << 5;
	return (uint8_t)vcard->noise;
}

static void
put_garbage(struct vcard *vcard, struct wire_out *out)
{
	size_t len = noise_byte(vcard) + 2u;

	for (size_t i = 0; i < len; i++)
		wire_put_u8(out, noise_byte(vcard));
}

static void
log_verify(const struct vcard *vcard)
{
	FILE *file = vcard->log != NULL ? fopen(vcard->log, "ae") : NULL;

	if (file == NULL)
		return;
	(void)fprintf(file, "VERIFY after %u APDUs\n", vcard->apdu_count);
	(void)fclose(file);
}

static void
serve_apdu(struct vcard *vcard, struct wire_view apdu)
{
	struct wire_out out = wire_out(vcard->answer, sizeof(vcard->answer));
	unsigned verified = vcard->card.verify_count;

	vcard->apdu_count++;
	if (vcard->delay_ms > 0)
		pause_ms(vcard->delay_ms);
	if (vcard->mood == MOOD_MUTE)
		return;
	virtual_card_run(&vcard->card, apdu, &out);
	if (vcard->card.verify_count != verified)
		log_verify(vcard);
	if (vcard->mood == MOOD_GARBAGE) {
		out = wire_out(vcard->answer, sizeof(vcard->answer));
		put_garbage(vcard, &out);
	}
	if (vpcd_write(vcard->reader, wire_written(&out)) != 0)
		leave_reader(vcard);
}

static void
on_reader(struct vcard *vcard)
{
	struct wire_view apdu = {NULL, 0};

	switch (vpcd_read(vcard->reader, vcard->message, &apdu)) {
	case VPCD_APDU:
		serve_apdu(vcard, apdu);
		break;
	case VPCD_ATR:
		if (vpcd_write(vcard->reader,
		               (struct wire_view){vcard->card.atr,
		                                  vcard->card.atr_len}) != 0)
			leave_reader(vcard);
		break;
	case VPCD_OFF:
	case VPCD_ON:
	case VPCD_RESET:
		virtual_card_reset(&vcard->card);
		break;
	case VPCD_GONE:
		leave_reader(vcard);
		break;
	}
}

/* The commands: each has its words and its answer. */

static const char *
run_insert(struct vcard *vcard, char *const words[])
{
	(void)words;
	vcard->inserted = true;
	return "ok";
}

static const char *
run_remove(struct vcard *vcard, char *const words[])
{
	(void)words;
	vcard->inserted = false;
	leave_reader(vcard);
	return "ok";
}

static const char *
run_swap(struct vcard *vcard, char *const words[])
{
	leave_reader(vcard);
	vcard->inserted = load(vcard, words[0], words[1]);
	vcard->not_before = now_ms() + SWAP_MS;
	return vcard->inserted ? "ok" : "error: no such card";
}

static const char *
set_mood(struct vcard *vcard, enum mood mood, const char *word)
{
	vcard->mood = strcmp(word, "on") == 0 ? mood : MOOD_GOOD;
	return "ok";
}

static const char *
run_garbage(struct vcard *vcard, char *const words[])
{
	return set_mood(vcard, MOOD_GARBAGE, words[0]);
}

static const char *
run_mute(struct vcard *vcard, char *const words[])
{
	return set_mood(vcard, MOOD_MUTE, words[0]);
}

static const char *
run_delay(struct vcard *vcard, char *const words[])
{
	vcard->delay_ms = (unsigned)strtoul(words[0], NULL, 10);
	return "ok";
}

static const char *
run_apdus(struct vcard *vcard, char *const words[])
{
	static char text[16];

	(void)words;
	(void)snprintf(text, sizeof(text), "%u", vcard->apdu_count);
	return text;
}

static const char *
run_status(struct vcard *vcard, char *const words[])
{
	static char text[256];

	(void)words;
	(void)snprintf(text, sizeof(text),
	               "{\"inserted\":%s,\"connected\":%s,\"mood\":\"%s\","
	               "\"inserts\":%u,\"apdus\":%u,\"verify\":%u}",
	               vcard->inserted ? "true" : "false",
	               vcard->reader >= 0 ? "true" : "false",
	               mood_names[vcard->mood], vcard->insert_count,
	               vcard->apdu_count, vcard->card.verify_count);
	return text;
}

static const char *
run_quit(struct vcard *vcard, char *const words[])
{
	(void)words;
	vcard->running = false;
	return "ok";
}

// clang-format off
static const struct {
	const char *name;
	int word_count;
	const char *(*run)(struct vcard *, char *const[]);
} commands[] = {
	{ "insert",  0, run_insert  },
	{ "remove",  0, run_remove  },
	{ "swap",    2, run_swap    },
	{ "garbage", 1, run_garbage },
	{ "mute",    1, run_mute    },
	{ "delay",   1, run_delay   },
	{ "apdus",   0, run_apdus   },
	{ "status",  0, run_status  },
	{ "quit",    0, run_quit    },
};
// clang-format on

static const char *
run_line(struct vcard *vcard, char *line)
{
	char *words[4];
	char *save = NULL;
	int count = 0;

	for (char *word = strtok_r(line, " ", &save); word != NULL && count < 4;
	     word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (count == commands[i].word_count + 1 &&
		    strcmp(words[0], commands[i].name) == 0)
			return commands[i].run(vcard, words + 1);
	return "error: no such command";
}

static void
on_control(struct vcard *vcard, int listener)
{
	char line[VCARD_LINE_MAX];
	int fd = vcard_control_take(listener, line);

	if (fd >= 0)
		vcard_control_answer(fd, run_line(vcard, line));
}

static void
run(struct vcard *vcard, int listener)
{
	while (vcard->running) {
		struct pollfd fds[2] = {{.fd = listener, .events = POLLIN}};
		bool absent;

		if (vcard->inserted && vcard->reader < 0)
			enter_reader(vcard);
		absent = vcard->inserted && vcard->reader < 0;
		fds[1] = (struct pollfd){.fd = vcard->reader, .events = POLLIN};
		if (poll(fds, 2, absent ? RETRY_MS / 2 : -1) < 0)
			continue;
		if (fds[0].revents != 0)
			on_control(vcard, listener);
		if (fds[1].revents != 0 && vcard->reader == fds[1].fd)
			on_reader(vcard);
	}
	leave_reader(vcard);
}

static int
usage(void)
{
	(void)fputs(
	    "usage: vcard --piv DIR|--gids DIR --control SOCKET\n"
	    "             [--host ADDRESS] [--port PORT] [--out]\n"
	    "             [--delay MS] [--chunk BYTES] [--extended BYTES]\n"
	    "             [--plain|--compress-all] [--log FILE]\n"
	    "       vcard --tell SOCKET insert|remove|swap DIR piv|gids|\n"
	    "             garbage on|off|mute on|off|delay "
	    "MS|apdus|status|quit\n",
	    stderr);
	return 2;
}

static const struct option options[] = {
    {"piv", required_argument, NULL, 'p'},
    {"gids", required_argument, NULL, 'g'},
    {"control", required_argument, NULL, 'c'},
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'P'},
    {"out", no_argument, NULL, 'o'},
    {"delay", required_argument, NULL, 'd'},
    {"chunk", required_argument, NULL, 'k'},
    {"extended", required_argument, NULL, 'x'},
    {"plain", no_argument, NULL, 'n'},
    {"compress-all", no_argument, NULL, 'z'},
    {"log", required_argument, NULL, 'l'},
    {"tell", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0}};

/* What the command line says, beside the numbers that go straight in. */
struct arguments {
	const char *dir;
	const char *profile;
	const char *control;
	const char *tell;
};

static bool
take_option(struct vcard *vcard, struct arguments *args, int option)
{
	switch (option) {
	case 'p':
	case 'g':
		args->dir = optarg;
		args->profile = option == 'p' ? "piv" : "gids";
		return true;
	case 'c':
		args->control = optarg;
		return true;
	case 'h':
		vcard->host = optarg;
		return true;
	case 'P':
		vcard->port = (uint16_t)strtoul(optarg, NULL, 10);
		return true;
	case 'o':
		vcard->inserted = false;
		return true;
	case 'd':
		vcard->delay_ms = (unsigned)strtoul(optarg, NULL, 10);
		return true;
	case 'k':
		vcard->card.limits.chunk = strtoul(optarg, NULL, 10);
		return true;
	case 'x':
		vcard->card.limits.extended = strtoul(optarg, NULL, 10);
		return true;
	case 'n':
		vcard->form = VIRTUAL_GIDS_PLAIN;
		return true;
	case 'z':
		vcard->form = VIRTUAL_GIDS_ALL;
		return true;
	case 'l':
		vcard->log = optarg;
		return true;
	case 't':
		args->tell = optarg;
		return true;
	default:
		return false;
	}
}

static int
run_card(struct vcard *vcard, const struct arguments *args)
{
	int listener;

	if (args->dir == NULL || args->control == NULL)
		return usage();
	if (!load(vcard, args->dir, args->profile)) {
		(void)fprintf(stderr, "vcard: cannot load %s\n", args->dir);
		return 1;
	}
	listener = vcard_control_listen(args->control);
	if (listener < 0) {
		(void)fprintf(stderr, "vcard: cannot listen at %s: %s\n",
		              args->control, strerror(errno));
		return 1;
	}
	run(vcard, listener);
	(void)close(listener);
	(void)unlink(args->control);
	return 0;
}

int
main(int argc, char *argv[])
{
	static struct vcard vcard = {.host = "127.0.0.1",
	                             .port = 35963,
	                             .card.limits = {.chunk = 256},
	                             .inserted = true,
	                             .running = true,
	                             .reader = -1,
	                             .noise = 0x2545f491};
	struct arguments args = {0};
	int option;
	int status;

	/* "+": the words after --tell SOCKET are not options. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1)
		if (!take_option(&vcard, &args, option))
			return usage();
	if (args.tell != NULL)
		return vcard_control_tell(args.tell, argc - optind,
		                          argv + optind);
	(void)signal(SIGPIPE, SIG_IGN);
	status = run_card(&vcard, &args);
	virtual_card_clear(&vcard.card);
	return status;
}
