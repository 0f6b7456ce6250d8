/*
 * cardproxyctl: what the daemon knows, for operators.  It sends one line to the
 * control socket and shows the JSON that comes back, as a table or as it is.
 */
#include "log.h"
#include "request.h"

#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctlenv.h"
#include "ctlpolicy.h"
#include "ctltable.h"

static const char default_socket[] = "/run/cardproxy/control.sock";
static const char default_config[] = "/etc/cardproxy/cardproxyd.conf";

enum exit_status {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1, /* the daemon refused, or something failed */
	EXIT_USAGE = 2,
	EXIT_NO_DAEMON = 3
};

static const char help[] =
    "Usage: cardproxyctl [OPTION...] COMMAND\n"
    "\n"
    "Commands:\n"
    "  sessions               the remote sessions that are attached\n"
    "  sessions show ID       everything about one of them\n"
    "  readers                their readers and the cards in them\n"
    "  certs [--user U]       propagated certificates of users\n"
    "  certs export [--user U] [SHA256]\n"
    "                         the same as PEM\n"
    "  roots [--scope S]      card roots, and how many hold them\n"
    "  roots explain SHA256   who holds a root, since when, what ends it\n"
    "  env [--user U] [ID]    the variables of a session, for a shell\n"
    "  watch                  events, as they happen\n"
    "  stats                  figures of the store\n"
    "  policy test            which [policy] a session would get, and why\n"
    "\n"
    "Options:\n"
    "  -s, --socket PATH      control socket, instead of\n"
    "                         /run/cardproxy/control.sock\n"
    "  -j, --json             JSON as the daemon gives it\n"
    "  -u, --user USER        of this user only\n"
    "  -S, --scope SCOPE      of this scope only, such as session:ID\n"
    "  -h, --help             this text\n"
    "  -V, --version          the version\n"
    "\n"
    "The session of \"policy test\":\n"
    "  --config FILE          configuration, instead of\n"
    "                         /etc/cardproxy/cardproxyd.conf\n"
    "  --user USER            key of the user; without it nobody is known yet\n"
    "  --group GROUP          a group of the user; may be repeated\n"
    "  --client ADDRESS       IP address of the client\n"
    "  --client-name NAME     what the client calls itself\n"
    "  --target NAME          the target, where there are several\n"
    "  --time TIME            \"2026-11-23 09:00\", local, instead of now\n"
    "\n"
    "SHA256 is a thumbprint, ID a session's; or its first digits, at least "
    "four.\n"
    "\n"
    "Exit status: 0 done, 1 refused or failed, 2 wrong usage,\n"
    "3 the daemon is not running.\n";

struct options {
	const char *socket;
	const char *user;
	const char *scope;
	bool json;
	bool describes; /* one of the options of a session was given */
	struct ctlpolicy_session session;
};

typedef bool show(struct json_object *document);

/* A word of the command line is a word of the request; then what shows it. */
struct command {
	const char *words[2];
	const char *argument; /* its name; "[...]" may be left out */
	show *show;
	bool takes_user;
	bool takes_scope;
	bool takes_session; /* answered here, without the daemon */
};

static const struct command commands[] = {
    /* clang-format off */
	{ { "certs", "export" },  "[SHA256]", ctltable_export,   true,  false, false },
	{ { "roots", "explain" }, "SHA256",   ctltable_explain,  false, false, false },
	{ { "sessions", "show" }, "ID",       ctltable_session,  false, false, false },
	{ { "policy", "test" },   NULL,       ctltable_policy,   true,  false, true },
	{ { "sessions" },         NULL,       ctltable_sessions, false, false, false },
	{ { "readers" },          NULL,       ctltable_readers,  false, false, false },
	{ { "certs" },            NULL,       ctltable_certs,    true,  false, false },
	{ { "roots" },            NULL,       ctltable_roots,    false, true,  false },
	{ { "env" },              "[ID]",     ctlenv_show,       true,  false, false },
	{ { "watch" },            NULL,       ctltable_event,    false, false, false },
	{ { "stats" },            NULL,       ctltable_stats,    false, false, false },
    /* clang-format on */
};

static enum exit_status
misuse(const char *what)
{
	(void)fprintf(stderr, "cardproxyctl: %s; see --help\n", what);
	return EXIT_USAGE;
}

static const struct command *
find_command(char **words, int count)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (count >= 1 && strcmp(words[0], c->words[0]) == 0 &&
		    (c->words[1] == NULL ||
		     (count >= 2 && strcmp(words[1], c->words[1]) == 0)))
			return c;
	}
	return NULL;
}

/*
 * The request.
 */

static void
put_text(struct wire_out *line, const char *text)
{
	wire_put_view(line, wire_view_text(text));
}

/* A word that may hold anything: what would end it or break it is %XX. */
static void
put_word(struct wire_out *line, const char *word)
{
	struct wire_in in = wire_in_view(wire_view_text(word));
	bool alone = strcmp(word, "-") == 0 || strcmp(word, "export") == 0 ||
	             strcmp(word, "explain") == 0 || strcmp(word, "show") == 0;

	put_text(line, " ");
	for (bool first = true; in.left > 0; first = false) {
		uint8_t byte = wire_u8(&in);
		char code[4];

		if (byte > ' ' && byte != '%' && byte < 0x7f &&
		    !(first && alone)) {
			wire_put_u8(line, byte);
			continue;
		}
		(void)snprintf(code, sizeof(code), "%%%02x", byte);
		put_text(line, code);
	}
}

static bool
put_request(struct wire_out *line, const struct command *command,
            const struct options *options, const char *argument)
{
	put_text(line, command->words[0]);
	if (command->words[1] != NULL) {
		put_text(line, " ");
		put_text(line, command->words[1]);
	}
	if (options->user != NULL)
		put_word(line, options->user);
	else if (options->scope != NULL)
		put_word(line, options->scope);
	else if (command->takes_user && argument != NULL)
		put_text(line, " -");
	if (argument != NULL)
		put_word(line, argument);
	put_text(line, "\n");
	return wire_out_ok(line);
}

static FILE *
connect_daemon(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	FILE *daemon = NULL;

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	    0)
		daemon = fdopen(fd, "r+");
	if (daemon == NULL) {
		int why = errno;

		(void)close(fd);
		errno = why;
	}
	return daemon;
}

static enum exit_status
no_daemon(const char *path)
{
	bool absent = errno == ENOENT || errno == ECONNREFUSED;

	(void)fprintf(stderr, "cardproxyctl: %s: %s%s\n", path, strerror(errno),
	              absent ? "; is cardproxyd running?" : "");
	return absent ? EXIT_NO_DAEMON : EXIT_REFUSED;
}

/*
 * The answer.
 */

static enum exit_status
show_refusal(struct json_object *error)
{
	char text[256];

	(void)log_printable(text, sizeof(text),
	                    wire_view_text(json_object_get_string(error)));
	(void)fprintf(stderr, "cardproxyctl: %s\n", text);
	return EXIT_REFUSED;
}

/* Takes the document; line is the same as text, where there is one. */
static enum exit_status
show_document(struct json_object *document, const char *line,
              const struct command *command, bool as_json)
{
	struct json_object *error = NULL;
	enum exit_status status = EXIT_DONE;

	if (json_object_object_get_ex(document, "error", &error))
		status = show_refusal(error);
	else if (as_json)
		(void)fputs(line, stdout);
	else if (!command->show(document))
		status = EXIT_REFUSED;
	(void)json_object_put(document);
	return fflush(stdout) == 0 ? status : EXIT_REFUSED;
}

static enum exit_status
show_line(const char *line, const struct command *command, bool as_json)
{
	struct json_object *document = json_tokener_parse(line);

	if (document == NULL) {
		(void)fprintf(stderr, "cardproxyctl: not an answer\n");
		return EXIT_REFUSED;
	}
	return show_document(document, line, command, as_json);
}

static enum exit_status
show_answer(FILE *daemon, const struct command *command, bool as_json)
{
	enum exit_status status = EXIT_DONE;
	char *line = NULL;
	size_t size = 0;
	int lines = 0;

	while (status == EXIT_DONE && getline(&line, &size, daemon) > 0) {
		status = show_line(line, command, as_json);
		lines++;
	}
	free(line);
	/* A watch ends with the daemon, perhaps before anything happened. */
	if (lines == 0 && command->show != ctltable_event) {
		(void)fprintf(stderr, "cardproxyctl: the daemon closed the "
		                      "connection without an answer\n");
		return EXIT_REFUSED;
	}
	return status;
}

static enum exit_status
ask(const struct command *command, const struct options *options,
    const char *argument)
{
	char line[REQUEST_LINE_MAX + 1];
	struct wire_out out = wire_out(line, sizeof(line));

	if (!put_request(&out, command, options, argument))
		return misuse("the name is too long");
	FILE *daemon = connect_daemon(options->socket);

	if (daemon == NULL)
		return no_daemon(options->socket);
	struct wire_view request = wire_written(&out);
	enum exit_status status = EXIT_REFUSED;

	if (fwrite(request.data, 1, request.len, daemon) == request.len &&
	    fflush(daemon) == 0)
		status = show_answer(daemon, command, options->json);
	(void)fclose(daemon);
	return status;
}

/* What needs no daemon. */
static enum exit_status
explain_policy(const struct command *command, const struct options *options)
{
	struct ctlpolicy_session session = options->session;
	struct json_object *document;
	const char *text;
	char *line;
	enum exit_status status;

	session.user = options->user;
	document = ctlpolicy_test(&session);
	if (document == NULL)
		return EXIT_REFUSED;
	text = json_object_to_json_string_ext(
	    document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (asprintf(&line, "%s\n", text) < 0) {
		(void)json_object_put(document);
		return EXIT_REFUSED;
	}
	status = show_document(document, line, command, options->json);
	free(line);
	return status;
}

/*
 * The command line.
 */

static enum exit_status
run_command(char **words, int count, const struct options *options)
{
	const struct command *command = find_command(words, count);

	if (command == NULL)
		return misuse(count > 0 ? "no such command" : "no command");
	int used = command->words[1] != NULL ? 2 : 1;
	const char *argument = count > used ? words[used] : NULL;

	if (options->user != NULL && !command->takes_user)
		return misuse("--user does not belong to this command");
	if (options->scope != NULL && !command->takes_scope)
		return misuse("--scope does not belong to this command");
	if (options->describes && !command->takes_session)
		return misuse("a session is described for policy test only");
	if (count > used + (command->argument != NULL ? 1 : 0))
		return misuse("too many words");
	if (argument == NULL && command->argument != NULL &&
	    command->argument[0] != '[')
		return misuse("a thumbprint or an id is missing");
	if (command->takes_session)
		return explain_policy(command, options);
	return ask(command, options, argument);
}

enum long_option {
	OPTION_CONFIG = 256,
	OPTION_GROUP,
	OPTION_CLIENT,
	OPTION_CLIENT_NAME,
	OPTION_TARGET,
	OPTION_TIME
};

/* An option that describes a session; false: too many groups. */
static bool
describe(struct options *options, enum long_option option, const char *value)
{
	struct ctlpolicy_session *s = &options->session;

	options->describes = true;
	switch (option) {
	case OPTION_CONFIG:
		s->config = value;
		break;
	case OPTION_GROUP:
		if (s->group_count == CTLPOLICY_GROUPS_MAX)
			return false;
		s->groups[s->group_count++] = value;
		break;
	case OPTION_CLIENT:
		s->client_addr = value;
		break;
	case OPTION_CLIENT_NAME:
		s->client_name = value;
		break;
	case OPTION_TARGET:
		s->target = value;
		break;
	case OPTION_TIME:
		s->time = value;
		break;
	}
	return true;
}

int
main(int argc, char **argv)
{
	static const struct option long_options[] = {
	    {"socket", required_argument, NULL, 's'},
	    {"json", no_argument, NULL, 'j'},
	    {"user", required_argument, NULL, 'u'},
	    {"scope", required_argument, NULL, 'S'},
	    {"config", required_argument, NULL, OPTION_CONFIG},
	    {"group", required_argument, NULL, OPTION_GROUP},
	    {"client", required_argument, NULL, OPTION_CLIENT},
	    {"client-name", required_argument, NULL, OPTION_CLIENT_NAME},
	    {"target", required_argument, NULL, OPTION_TARGET},
	    {"time", required_argument, NULL, OPTION_TIME},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	struct options options = {.socket = default_socket,
	                          .session.config = default_config};
	int option;

	while ((option = getopt_long(argc, argv, "s:ju:S:hV", long_options,
	                             NULL)) >= 0) {
		switch (option) {
		case 's':
			options.socket = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'u':
			options.user = optarg;
			break;
		case 'S':
			options.scope = optarg;
			break;
		case 'h':
			return fputs(help, stdout) >= 0 ? EXIT_DONE
			                                : EXIT_REFUSED;
		case 'V':
			(void)printf("cardproxyctl " CARDPROXY_VERSION "\n");
			return EXIT_DONE;
		default:
			if (option < OPTION_CONFIG)
				return EXIT_USAGE;
			if (!describe(&options, (enum long_option)option,
			              optarg))
				return misuse("too many groups");
		}
	}
	return (int)run_command(argv + optind, argc - optind, &options);
}
