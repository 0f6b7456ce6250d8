/*
 * Light peers that live with cards, on both sides of a real proxy:
 *
 *	cardlife server --port P --cert PEM --key PEM
 *	cardlife LIFE --port P --user U --run-dir D --journal F
 *	         [--policy COMMAND] [--seed N] [--soon MS]
 *
 * The server activates what comes, and when a client asks for a shutdown it
 * says that the user has logged off.  A client has a card of its own with one
 * certificate of the user and one root; it writes into the journal what it has
 * seen stored ("stored USER SHA256"), and looks into the views below D for its
 * root.  LIFE is one of
 *
 *	once    insert, let the policy change, remove, insert, log off
 *	leave   insert, and go
 *	again   (after "leave") insert, remove, insert, and go
 *	steady  insert and remove until it is told to end: a canary
 *	hold    insert, and stay until it is told to end
 *	load    anything by chance, again and again
 *
 * When the card is taken out, the user logs off, or the connection is over,
 * whatever ended it, the root must be gone soon after; "gone MS" says how soon,
 * --soon how soon it has to be.  The exit status is 0 when all of that was so.
 * Who stops a client (SIGSTOP) also stops its clock.
 */
#include <dirent.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "client.h"
#include "log.h"
#include "peer.h"
#include "pki.h"
#include "server.h"

enum {
	SOON_MS = 1000, /* for trust to go when its reason has gone */
	PATIENCE_MS = 20000,
	LOOK_MS = 5,
	REST_MS = 2500,  /* of the canary: reads are not for nothing */
	PDU_OFFSET = 28, /* of pduType2 in a frame of the I/O channel */
	SHUTDOWN_REQUEST = 0x24,
	LOGOFF_BY_USER = 0x0c,
	HASH_TEXT = 2 * SHA256_DIGEST_LENGTH + 1
};

static struct {
	uint16_t port;
	const char *cert;
	const char *key;
	const char *user;
	const char *run_dir;
	const char *journal;
	const char *policy;
	unsigned seed;
	unsigned soon_ms;
} opt = {.soon_ms = SOON_MS};

static const struct arg args[] = {
    {.name = "port", .port = &opt.port},
    {.name = "cert", .text = &opt.cert},
    {.name = "key", .text = &opt.key},
    {.name = "user", .text = &opt.user},
    {.name = "run-dir", .text = &opt.run_dir},
    {.name = "journal", .text = &opt.journal},
    {.name = "policy", .text = &opt.policy},
    {.name = "seed", .number = &opt.seed},
    {.name = "soon", .number = &opt.soon_ms},
    {.name = NULL},
};

static struct client client;
static char cert_text[HASH_TEXT]; /* thumbprints, as in the names of files */
static char root_text[HASH_TEXT];
static uint64_t reason_gone_ms; /* that of the root; 0: it has one */
static volatile sig_atomic_t told_to_end;
static volatile sig_atomic_t was_stopped;
static bool bad;

/*
 * The server.
 */

static void
build_log_off(struct wire_out *out)
{
	message_error_info(out, LOGOFF_BY_USER);
}

static void
serve(struct server *s)
{
	while (!s->end.closed) {
		size_t len = end_read(&s->end, 50);

		if (len <= PDU_OFFSET ||
		    s->end.frame[PDU_OFFSET] != SHUTDOWN_REQUEST)
			continue;
		end_io(&s->end, build_log_off);
		return;
	}
}

/*
 * The card, made for this user.
 */

static void
thumbprint(struct wire_view der, char text[HASH_TEXT])
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	(void)SHA256(der.data, der.len, hash);
	(void)log_hex(text, hash, sizeof(hash));
}

static void
make_card(struct script_card *card)
{
	char name[80];
	size_t len;

	(void)snprintf(name, sizeof(name), "root of %s", opt.user);
	struct pki_cert *root = pki_ca_new(name, NULL);
	struct pki_cert *cert = pki_user_new(opt.user, root);
	struct wire_view roots = pki_der(root);
	uint8_t *bag = pki_bag_new(&roots, 1, &len);

	script_gids_begin(card);
	(void)script_gids_file(card, "mscp", "kxc00", pki_der(cert),
	                       SCRIPT_PLAIN);
	(void)script_gids_file(card, "mscp", "msroots",
	                       (struct wire_view){bag, len}, SCRIPT_PLAIN);
	thumbprint(pki_der(cert), cert_text);
	thumbprint(roots, root_text);
	free(bag);
	pki_cert_free(cert);
	pki_cert_free(root);
}

/*
 * What is shown, in any view.
 */

static bool
is_shown(const char *folder, const char *text)
{
	char path[600];
	bool found = false;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/session", opt.run_dir);
	dir = opendir(path);
	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL;
	     e != NULL && !found; e = readdir(dir)) {
		(void)snprintf(path, sizeof(path), "%s/session/%.40s/%s/%s.pem",
		               opt.run_dir, e->d_name, folder, text);
		found = access(path, F_OK) == 0;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return found;
}

static void
complain(const char *what)
{
	(void)printf("FAILED %s: %s\n", opt.user, what);
	(void)fflush(stdout);
	bad = true;
}

static void
write_journal(void)
{
	FILE *file = fopen(opt.journal, "ae");

	if (file == NULL ||
	    fprintf(file, "stored %s %s\n", opt.user, cert_text) < 0 ||
	    fclose(file) != 0)
		peer_die("journal");
}

/* Until it is in a view; false: the connection is over. */
static bool
await(const char *folder, const char *text)
{
	uint64_t until = end_now_ms() + PATIENCE_MS;

	while (!client.end.closed) {
		if (is_shown(folder, text))
			return true;
		if (end_now_ms() > until) {
			complain("it does not come");
			return false;
		}
		client_run(&client, LOOK_MS, LOOK_MS);
	}
	return false;
}

/* From here on the root must go; what is the case already counts from then. */
static void
lose_reason(void)
{
	if (reason_gone_ms == 0)
		reason_gone_ms = end_now_ms();
}

/* Since the reason is gone. */
static unsigned
waited_ms(void)
{
	if (was_stopped) {
		was_stopped = 0;
		reason_gone_ms = end_now_ms();
	}
	return (unsigned)(end_now_ms() - reason_gone_ms);
}

/* Until the root is in no view; false: the connection is over before. */
static bool
await_gone(void)
{
	was_stopped = 0;
	while (is_shown("anchors", root_text)) {
		if (waited_ms() > opt.soon_ms) {
			complain("the root outlives its reason");
			return false;
		}
		if (client.end.closed)
			(void)usleep(LOOK_MS * 1000);
		else
			client_run(&client, LOOK_MS, LOOK_MS);
	}
	(void)printf("gone %u\n", waited_ms());
	(void)fflush(stdout);
	reason_gone_ms = 0;
	return !client.end.closed;
}

/*
 * What a user does.  Each says whether the connection is still there.
 */

static bool
arrive(void)
{
	return client_reach(&client, STAGE_CARD, opt.port);
}

static bool
insert(void)
{
	fake_pcsc_insert(&client.fake.pcsc, 0, &client.card);
	if (!await("anchors", root_text) || !await("personal", cert_text))
		return false;
	write_journal();
	return true;
}

static bool
take_out(void)
{
	fake_pcsc_remove(&client.fake.pcsc, 0);
	lose_reason();
	return await_gone();
}

static bool
change_policy(void)
{
	if (opt.policy != NULL && system(opt.policy) != 0)
		complain("the policy's command");
	client_run(&client, 100, 1000);
	return !client.end.closed;
}

static void
build_shutdown_request(struct wire_out *out)
{
	message_share_data(out, SHUTDOWN_REQUEST);
}

static void
log_off(void)
{
	end_io(&client.end, build_shutdown_request);
	lose_reason();
	(void)await_gone();
}

/* The connection is over: so is its trust. */
static void
go(void)
{
	end_close(&client.end);
	client.end.closed = true;
	lose_reason();
	(void)await_gone();
	reason_gone_ms = 0;
}

/* For another connection of the same user with the same card. */
static void
forget_connection(void)
{
	struct script_card card = client.card;

	memset(&client.card, 0, sizeof(client.card));
	client_clear(&client);
	client_init(&client, opt.user);
	script_card_clear(&client.card);
	client.card = card;
}

/*
 * Lives.
 */

static void
live_once(void)
{
	if (arrive() && insert() && change_policy() && take_out() && insert())
		log_off();
	go();
}

static void
live_leave(void)
{
	if (arrive())
		(void)insert();
	go();
}

static void
live_again(void)
{
	if (arrive() && insert() && take_out())
		(void)insert();
	go();
}

static void
live_steady(void)
{
	bool there = arrive();

	while (there && !told_to_end) {
		there = insert();
		(void)printf("beat\n");
		(void)fflush(stdout);
		if (there && !told_to_end)
			client_run(&client, REST_MS, REST_MS);
		there = there && take_out();
	}
	if (!there)
		complain("the canary is dead");
	go();
}

static void
live_hold(void)
{
	if (arrive() && insert())
		while (!client.end.closed && !told_to_end)
			client_run(&client, REST_MS, REST_MS);
	if (client.end.closed)
		complain("the connection is over");
	go();
}

static unsigned
below(unsigned limit)
{
	return (unsigned)rand_r(&opt.seed) % limit;
}

static void
live_by_chance(void)
{
	bool there = arrive() && insert();

	for (unsigned steps = below(6); there && steps > 0 && !told_to_end;
	     steps--) {
		client_run(&client, below(400), 400);
		there = take_out() && insert();
	}
	if (there && below(2) == 0)
		log_off();
	go();
}

static void
live_load(void)
{
	while (!told_to_end && !bad) {
		live_by_chance();
		forget_connection();
		(void)usleep(below(200) * 1000);
	}
}

static const struct {
	const char *name;
	void (*live)(void);
} lives[] = {
    {"once", live_once},     {"leave", live_leave}, {"again", live_again},
    {"steady", live_steady}, {"hold", live_hold},   {"load", live_load},
};

static void
on_signal(int sig)
{
	if (sig == SIGTERM)
		told_to_end = 1;
	else
		was_stopped = 1;
}

static int
live(const char *name)
{
	if (opt.user == NULL || opt.run_dir == NULL || opt.journal == NULL)
		return 2;
	client_init(&client, opt.user);
	make_card(&client.card);
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		if (strcmp(lives[i].name, name) != 0)
			continue;
		lives[i].live();
		client_clear(&client);
		return bad ? 1 : 0;
	}
	return 2;
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	int first = args_take(argc, argv, args);

	(void)signal(SIGPIPE, SIG_IGN);
	if (first < 0 || first + 1 != argc)
		return 2;
	if (strcmp(argv[first], "server") == 0) {
		server_play(NULL, serve);
		server_start(opt.port, opt.cert, opt.key);
		for (;;)
			(void)pause();
	}
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGCONT, &action, NULL);
	return live(argv[first]);
}
