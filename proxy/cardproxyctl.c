/*
 * cardproxyctl: what the daemon knows, for operators.  It sends one line to the
 * control socket and shows the JSON that comes back, as a table or as it is.
 */
#include "log.h"
#include "request.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctlaudit.h"
#include "ctlcert.h"
#include "ctlenv.h"
#include "ctlexport.h"
#include "ctlimport.h"
#include "ctlpolicy.h"
#include "ctlroot.h"
#include "ctlsession.h"
#include "ctlstore.h"

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
    "  certs export [--user U] [--format pem|p7b|sst] [SHA256]\n"
    "                         the same as files of certificates\n"
    "  certs set SHA256 [--user U] NAME=VALUE...\n"
    "                         set friendly-name, description, archived or\n"
    "                         enhkey-usage; an empty value takes it away\n"
    "  certs import-properties [--user U] FILE\n"
    "                         the same from an .sst or JSON file; adds none\n"
    "  roots [--scope S]      card roots, and how many hold them\n"
    "  roots explain SHA256   who holds a root, since when, what ends it\n"
    "  env [--user U] [ID]    the variables of a session, for a shell\n"
    "  roots pin [--scope S] [--reason R] SHA256|FILE\n"
    "                         have it in a scope until it is unpinned: host,\n"
    "                         user:NAME or session:ID; FILE is PEM or DER\n"
    "  roots unpin [--scope S] SHA256\n"
    "  roots purge [SHA256]   forget what is kept of ended log-ons\n"
    "  audit [--user U] [--since T]\n"
    "                         what happened to the store, newest first\n"
    "  watch                  events, as they happen\n"
    "  store stats            figures of the store; also: stats\n"
    "  store backup FILE      a copy of it, while it is in use\n"
    "  store check [FILE]     is it sound, or is that backup?\n"
    "  policy test            which [policy] a session would get, and why\n"
    "  policy show [ID]       the values in force and their origins, of a\n"
    "                         session or of all sections\n"
    "\n"
    "Options:\n"
    "  -s, --socket PATH      control socket, instead of\n"
    "                         /run/cardproxy/control.sock\n"
    "  -j, --json             JSON as the daemon gives it\n"
    "  -u, --user USER        of this user only\n"
    "  -S, --scope SCOPE      of this scope only, such as session:ID\n"
    "      --format FORMAT    of certs export\n"
    "      --reason TEXT      of a pin\n"
    "      --since TIME       \"2026-11-23 09:00\", local, or seconds\n"
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
    "Who may ask: root, the user of the daemon, and the control group. The\n"
    "group looks only: set, import-properties, pin, unpin, purge, backup and\n"
    "check of the running store are for the first two.\n"
    "\n"
    "Exit status: 0 done, 1 refused or failed, or a fault was found, 2 wrong\n"
    "usage, 3 the daemon is not running.\n";

struct options {
	const char *socket;
	const char *user;
	const char *scope;
	const char *format;
	const char *reason;
	const char *since;
	bool json;
	bool describes; /* one of the options of a session was given */
	struct ctlpolicy_session session;
};

typedef bool show(struct json_object *document);

/* How the words become a request, and what becomes of the answer. */
enum shape {
	SHAPE_PLAIN,
	SHAPE_EXPORT,
	SHAPE_SET,    /* SHA256 NAME=VALUE... */
	SHAPE_IMPORT, /* FILE */
	SHAPE_PIN,    /* SHA256 or FILE */
	SHAPE_UNPIN,
	SHAPE_AUDIT,
	SHAPE_BACKUP,  /* FILE */
	SHAPE_CHECK,   /* FILE: answered here, without the daemon */
	SHAPE_POLICY,  /* the same */
	SHAPE_IN_FORCE /* [ID]: from what the daemon wrote down */
};

/* A word of the command line is a word of the request; then what shows it. */
struct command {
	const char *words[2];
	const char *argument; /* its name; "[...]" may be left out */
	show *show;
	enum shape shape;
	bool takes_user;
	bool takes_scope;
};

static const struct command commands[] = {
    /* clang-format off */
	{ { "certs", "export" },  "[SHA256]", ctlexport_pem,   SHAPE_EXPORT, true,  false },
	{ { "certs", "set" },     "SHA256",   ctlcert_changes,  SHAPE_SET,    true,  false },
	{ { "certs", "import-properties" }, "FILE", ctlcert_changes, SHAPE_IMPORT, true, false },
	{ { "roots", "explain" }, "SHA256",   ctlroot_explain,  SHAPE_PLAIN,  false, false },
	{ { "roots", "pin" },     "SHA256",   ctlroot_pinned,   SHAPE_PIN,    false, true },
	{ { "roots", "unpin" },   "SHA256",   ctlroot_pinned,   SHAPE_UNPIN,  false, true },
	{ { "roots", "purge" },   "[SHA256]", ctlroot_purged,   SHAPE_PLAIN,  false, false },
	{ { "sessions", "show" }, "ID",       ctlsession_show,  SHAPE_PLAIN,  false, false },
	{ { "store", "stats" },   NULL,       ctlstore_stats,    SHAPE_PLAIN,  false, false },
	{ { "store", "backup" },  "FILE",     NULL,              SHAPE_BACKUP, false, false },
	{ { "store", "check" },   "[FILE]",   NULL,              SHAPE_CHECK,  false, false },
	{ { "policy", "test" },   NULL,       ctlpolicy_print_test,   SHAPE_POLICY, true,  false },
	{ { "policy", "show" },   "[ID]",     ctlpolicy_print_in_force, SHAPE_IN_FORCE, false, false },
	{ { "sessions" },         NULL,       ctlsession_list, SHAPE_PLAIN,  false, false },
	{ { "readers" },          NULL,       ctlsession_readers,  SHAPE_PLAIN,  false, false },
	{ { "certs" },            NULL,       ctlcert_list,    SHAPE_PLAIN,  true,  false },
	{ { "roots" },            NULL,       ctlroot_list,    SHAPE_PLAIN,  false, true },
	{ { "audit" },            NULL,       ctlaudit_list,    SHAPE_AUDIT,  true,  false },
	{ { "env" },              "[ID]",     ctlenv_show,       SHAPE_PLAIN,  true,  false },
	{ { "watch" },            NULL,       ctlaudit_event,    SHAPE_PLAIN,  false, false },
	{ { "stats" },            NULL,       ctlstore_stats,    SHAPE_PLAIN,  false, false },
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

/* Seconds since 1970, or a local time. */
static bool
parse_since(const char *text, int64_t *seconds)
{
	struct tm parts = {.tm_isdst = -1};
	char *end = NULL;
	const char *rest;

	*seconds = strtoll(text, &end, 10);
	if (*end == '\0' && end != text)
		return *seconds >= 0;
	rest = strptime(text, "%Y-%m-%d", &parts);
	if (rest != NULL && *rest != '\0')
		rest = strptime(rest, " %H:%M", &parts);
	*seconds = (int64_t)mktime(&parts);
	return rest != NULL && *rest == '\0' && *seconds >= 0;
}

static void
put_text(struct wire_out *line, const char *text)
{
	wire_put_view(line, wire_view_text(text));
}

/* A user may be called as a verb is, or "-". */
static bool
is_verb(const char *word)
{
	bool verb = strcmp(word, "-") == 0;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		verb = verb || (commands[i].words[1] != NULL &&
		                strcmp(word, commands[i].words[1]) == 0);
	return verb;
}

/* A word that may hold anything: what would end it or break it is %XX. */
static void
put_word(struct wire_out *line, const char *word)
{
	struct wire_in in = wire_in_view(wire_view_text(word));
	bool alone = is_verb(word);

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

/* A word that may be missing: "-" then. */
static void
put_optional(struct wire_out *line, const char *word)
{
	if (word != NULL && word[0] != '\0')
		put_word(line, word);
	else
		put_text(line, " -");
}

static void
put_number(struct wire_out *line, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), " %" PRIu64, number);
	put_text(line, text);
}

static void
put_plain(struct wire_out *line, const struct command *command,
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
}

static void
put_pin(struct wire_out *line, const struct options *options,
        const char *argument, const struct ctlimport *import)
{
	put_text(line, "roots pin");
	put_word(line, options->scope != NULL ? options->scope : "host");
	put_word(line, import->len > 0 ? import->sha256 : argument);
	put_optional(line, options->reason);
	put_number(line, import->len);
}

static bool
put_request(struct wire_out *line, const struct command *command,
            const struct options *options, const char *argument,
            const struct ctlimport *import)
{
	int64_t since = 0;

	switch (command->shape) {
	case SHAPE_PLAIN:
	case SHAPE_EXPORT:
	case SHAPE_POLICY:
	case SHAPE_IN_FORCE:
		put_plain(line, command, options, argument);
		break;
	case SHAPE_SET:
	case SHAPE_IMPORT:
		put_text(line, "certs set");
		put_optional(line, options->user);
		put_number(line, import->len);
		break;
	case SHAPE_PIN:
		put_pin(line, options, argument, import);
		break;
	case SHAPE_UNPIN:
		put_text(line, "roots unpin");
		put_optional(line, options->scope);
		put_word(line, argument);
		break;
	case SHAPE_AUDIT:
		if (options->since != NULL &&
		    !parse_since(options->since, &since))
			return false;
		put_text(line, "audit");
		put_optional(line, options->user);
		put_number(line, (uint64_t)since);
		break;
	case SHAPE_BACKUP:
	case SHAPE_CHECK:
		put_text(line, "store backup");
		break;
	}
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
	if (lines == 0 && command->show != ctlaudit_event) {
		(void)fprintf(stderr, "cardproxyctl: the daemon closed the "
		                      "connection without an answer\n");
		return EXIT_REFUSED;
	}
	return status;
}

/* One line, then the copy itself. */
static enum exit_status
take_copy(FILE *daemon, const struct options *options, const char *path)
{
	struct json_object *document = NULL;
	struct json_object *error = NULL;
	enum exit_status status = EXIT_REFUSED;
	char *line = NULL;
	size_t size = 0;
	bool ok;

	if (getline(&line, &size, daemon) > 0)
		document = json_tokener_parse(line);
	free(line);
	if (json_object_object_get_ex(document, "error", &error)) {
		status = show_refusal(error);
	} else {
		ok = path != NULL ? ctlstore_receive(document, daemon, path)
		                  : ctlstore_check_running(document, daemon,
		                                           options->json);
		status = ok ? EXIT_DONE : EXIT_REFUSED;
	}
	(void)json_object_put(document);
	return status;
}

static bool
send_request(FILE *daemon, struct wire_view line,
             const struct ctlimport *import)
{
	return fwrite(line.data, 1, line.len, daemon) == line.len &&
	       (import->len == 0 ||
	        fwrite(import->data, 1, import->len, daemon) == import->len) &&
	       fflush(daemon) == 0;
}

static enum exit_status
ask(const struct command *command, const struct options *options,
    const char *argument, const struct ctlimport *import)
{
	char line[REQUEST_LINE_MAX + 1];
	struct wire_out out = wire_out(line, sizeof(line));

	if (!put_request(&out, command, options, argument, import))
		return misuse("not a time, or a name that is too long");
	FILE *daemon = connect_daemon(options->socket);

	if (daemon == NULL)
		return no_daemon(options->socket);
	enum exit_status status = EXIT_REFUSED;

	if (!send_request(daemon, wire_written(&out), import))
		(void)fprintf(stderr, "cardproxyctl: the daemon does not "
		                      "take the request\n");
	else if (command->shape == SHAPE_BACKUP ||
	         command->shape == SHAPE_CHECK)
		status = take_copy(daemon, options, argument);
	else
		status = show_answer(daemon, command, options->json);
	(void)fclose(daemon);
	return status;
}

/* The answer as one document, NULL after a complaint. */
static struct json_object *
fetch(const char *path, const char *request, const char *argument)
{
	char text[REQUEST_LINE_MAX + 1];
	struct wire_out out = wire_out(text, sizeof(text));
	struct json_object *document = NULL;
	FILE *daemon = connect_daemon(path);
	char *line = NULL;
	size_t size = 0;

	if (daemon == NULL) {
		(void)no_daemon(path);
		return NULL;
	}
	put_text(&out, request);
	put_word(&out, argument);
	put_text(&out, "\n");
	if (wire_out_ok(&out) && fwrite(text, 1, out.len, daemon) == out.len &&
	    fflush(daemon) == 0 && getline(&line, &size, daemon) > 0)
		document = json_tokener_parse(line);
	free(line);
	(void)fclose(daemon);
	if (document == NULL)
		(void)fprintf(stderr, "cardproxyctl: not an answer\n");
	return document;
}

/* Takes the document. */
static enum exit_status
show_ours(struct json_object *document, const struct command *command,
          bool as_json)
{
	enum exit_status status = EXIT_REFUSED;
	const char *text = json_object_to_json_string_ext(
	    document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *line;

	if (asprintf(&line, "%s\n", text) < 0) {
		(void)json_object_put(document);
		return EXIT_REFUSED;
	}
	status = show_document(document, line, command, as_json);
	free(line);
	return status;
}

/* The file lies beside the socket. */
static enum exit_status
show_in_force(const struct command *command, const struct options *options,
              struct json_object *session)
{
	const char *slash = strrchr(options->socket, '/');
	struct json_object *document, *name = NULL;
	enum exit_status status = EXIT_REFUSED;
	char *path;

	if (session != NULL)
		(void)json_object_object_get_ex(session, "policy", &name);
	if (asprintf(&path, "%.*spolicy",
	             slash == NULL ? 0 : (int)(slash - options->socket) + 1,
	             options->socket) < 0)
		return EXIT_REFUSED;
	document = ctlpolicy_show(
	    path, session == NULL ? NULL : json_object_get_string(name));
	if (document == NULL) {
		status = no_daemon(path);
	} else {
		if (session != NULL)
			(void)json_object_object_add(document, "session",
			                             json_object_get(session));
		status = show_ours(document, command, options->json);
	}
	free(path);
	return status;
}

static enum exit_status
show_session_policy(const struct command *command,
                    const struct options *options, const char *id)
{
	struct json_object *answer =
	    fetch(options->socket, "sessions show", id);
	struct json_object *error = NULL, *rows = NULL;
	enum exit_status status = EXIT_REFUSED;

	if (answer == NULL)
		return EXIT_REFUSED;
	if (json_object_object_get_ex(answer, "error", &error))
		status = show_refusal(error);
	else if (json_object_object_get_ex(answer, "sessions", &rows) &&
	         json_object_array_length(rows) > 0)
		status = show_in_force(command, options,
		                       json_object_array_get_idx(rows, 0));
	(void)json_object_put(answer);
	return status;
}

/* What needs no daemon. */
static enum exit_status
explain_policy(const struct command *command, const struct options *options)
{
	struct ctlpolicy_session session = options->session;
	struct json_object *document;

	session.user = options->user;
	document = ctlpolicy_test(&session);
	return document == NULL ? EXIT_REFUSED
	                        : show_ours(document, command, options->json);
}

/*
 * The command line.
 */

/* Thumbprints are looked up by the daemon, all else is a file. */
static bool
is_thumbprint(const char *word)
{
	size_t len = strlen(word);

	return len >= REQUEST_HASH_MIN && len <= REQUEST_HASH_MAX &&
	       word[strspn(word, "0123456789abcdefABCDEF")] == '\0';
}

/* What is sent behind the line; words are those after the command. */
static bool
prepare(const struct command *command, struct ctlimport *import, char **words,
        int count)
{
	switch (command->shape) {
	case SHAPE_SET:
		return ctlimport_words(import, words[0], words + 1, count - 1);
	case SHAPE_IMPORT:
		return ctlimport_file(import, words[0]);
	case SHAPE_PIN:
		return is_thumbprint(words[0]) ||
		       ctlimport_root(import, words[0]);
	case SHAPE_PLAIN:
	case SHAPE_EXPORT:
	case SHAPE_UNPIN:
	case SHAPE_AUDIT:
	case SHAPE_BACKUP:
	case SHAPE_CHECK:
	case SHAPE_POLICY:
	case SHAPE_IN_FORCE:
		break;
	}
	return true;
}

static void
tell_passed(const struct ctlimport *import)
{
	if (import->passed > 0)
		(void)fprintf(stderr,
		              "cardproxyctl: %zu properties that only a card "
		              "may bring were passed over\n",
		              import->passed);
}

static enum exit_status
serve_command(const struct command *command, const struct options *options,
              char **words, int count)
{
	const char *argument = count > 0 ? words[0] : NULL;
	struct ctlimport import = {.data = NULL};
	enum exit_status status = EXIT_REFUSED;

	if (command->shape == SHAPE_POLICY)
		return explain_policy(command, options);
	if (command->shape == SHAPE_IN_FORCE)
		return argument == NULL
		           ? show_in_force(command, options, NULL)
		           : show_session_policy(command, options, argument);
	if (command->shape == SHAPE_CHECK && argument != NULL)
		return ctlstore_check(argument, options->json) ? EXIT_DONE
		                                               : EXIT_REFUSED;
	if (prepare(command, &import, words, count)) {
		tell_passed(&import);
		status = ask(command, options, argument, &import);
	}
	free(import.data);
	return status;
}

/* The command, as an export of this format shows it. */
static bool
choose_format(struct command *command, const char *format)
{
	if (format == NULL || strcmp(format, "pem") == 0)
		return true;
	if (strcmp(format, "p7b") == 0)
		command->show = ctlexport_p7b;
	else if (strcmp(format, "sst") == 0)
		command->show = ctlexport_sst;
	else
		return false;
	return true;
}

static const char *
judge_options(const struct command *command, const struct options *options)
{
	if (options->user != NULL && !command->takes_user)
		return "--user does not belong to this command";
	if (options->scope != NULL && !command->takes_scope)
		return "--scope does not belong to this command";
	if (options->describes && command->shape != SHAPE_POLICY)
		return "a session is described for policy test only";
	if (options->format != NULL && command->shape != SHAPE_EXPORT)
		return "--format belongs to certs export";
	if (options->reason != NULL && command->shape != SHAPE_PIN)
		return "--reason belongs to roots pin";
	if (options->since != NULL && command->shape != SHAPE_AUDIT)
		return "--since belongs to audit";
	return NULL;
}

static enum exit_status
run_command(char **words, int count, const struct options *options)
{
	const struct command *found = find_command(words, count);

	if (found == NULL)
		return misuse(count > 0 ? "no such command" : "no command");
	struct command command = *found;
	const char *fault = judge_options(&command, options);
	int used = command.words[1] != NULL ? 2 : 1;
	int left = count - used;

	if (fault != NULL)
		return misuse(fault);
	if (!choose_format(&command, options->format))
		return misuse("a format is pem, p7b or sst");
	if (left > (command.argument != NULL ? 1 : 0) &&
	    command.shape != SHAPE_SET)
		return misuse("too many words");
	if (command.shape == SHAPE_SET && left < 2)
		return misuse("a thumbprint and NAME=VALUE are needed");
	if (left < 1 && command.argument != NULL && command.argument[0] != '[')
		return misuse("a thumbprint, an id or a file is missing");
	return serve_command(&command, options, words + used, left);
}

enum long_option {
	OPTION_CONFIG = 256,
	OPTION_GROUP,
	OPTION_CLIENT,
	OPTION_CLIENT_NAME,
	OPTION_TARGET,
	OPTION_TIME,
	OPTION_FORMAT,
	OPTION_REASON,
	OPTION_SINCE
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
	case OPTION_FORMAT:
	case OPTION_REASON:
	case OPTION_SINCE:
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
	    {"format", required_argument, NULL, OPTION_FORMAT},
	    {"reason", required_argument, NULL, OPTION_REASON},
	    {"since", required_argument, NULL, OPTION_SINCE},
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
		case OPTION_FORMAT:
			options.format = optarg;
			break;
		case OPTION_REASON:
			options.reason = optarg;
			break;
		case OPTION_SINCE:
			options.since = optarg;
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
