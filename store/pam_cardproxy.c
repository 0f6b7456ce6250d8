/*
 * pam_cardproxy: sets the variables of "cardproxyctl env" for a log-in that
 * belongs to a remote session of the proxy on this host.  A PAM session module;
 * it never fails a log-in and never holds one up for longer than its deadline.
 *
 *	session optional pam_cardproxy.so [OPTION...]
 *
 *	socket=PATH   the control socket, else /run/cardproxy/control.sock
 *	timeout=MS    of the whole exchange, 1 to 5000, else 500
 *	wait=MS       ask again that long while there is no session yet,
 *	              at most 10000, else 0: for a server that opens the
 *	              log-in before it tells the proxy who came
 *	target=NAME   of this [target] alone, else of any on this host
 *	claimed       believe a name that is the client's word alone, too
 *
 * Which session: the newest live one of PAM_USER whose name was proven.  What a
 * client only claims could give a user the roots of somebody else's card.
 */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 256 * 1024,
	REQUEST_SIZE = 2048,
	TIMEOUT_MS = 500,
	TIMEOUT_MAX_MS = 5000,
	WAIT_MAX_MS = 10000,
	AGAIN_MS = 100
};

/* What is set, and nothing else, whatever the answer holds. */
static const char *const variables[] = {"CARDPROXY_SESSION", "CARDPROXY_VIEW",
                                        "SSL_CERT_DIR", "KRB5_CONFIG"};
enum { VARIABLES = sizeof(variables) / sizeof(variables[0]) };

struct options {
	const char *socket;
	const char *target;
	long timeout_ms;
	long wait_ms;
	bool claimed;
};

/*
 * Options.
 */

static long
number(const char *text, long max, long otherwise)
{
	char *end = NULL;
	long value = strtol(text, &end, 10);

	return end == text || *end != '\0' || value < 0 || value > max
	           ? otherwise
	           : value;
}

static void
read_option(pam_handle_t *pam, struct options *options, const char *word)
{
	if (strncmp(word, "socket=", 7) == 0)
		options->socket = word + 7;
	else if (strncmp(word, "target=", 7) == 0)
		options->target = word + 7;
	else if (strncmp(word, "timeout=", 8) == 0)
		options->timeout_ms =
		    number(word + 8, TIMEOUT_MAX_MS, TIMEOUT_MS);
	else if (strncmp(word, "wait=", 5) == 0)
		options->wait_ms = number(word + 5, WAIT_MAX_MS, 0);
	else if (strcmp(word, "claimed") == 0)
		options->claimed = true;
	else
		pam_syslog(pam, LOG_WARNING, "option %s is not known", word);
}

/*
 * The exchange: one line out, one line in, before the deadline.
 */

static long
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
ready(int fd, short events, long deadline)
{
	struct pollfd wait = {.fd = fd, .events = events};
	long left = deadline - now_ms();

	return left > 0 && poll(&wait, 1, (int)left) == 1;
}

/* A socket whose queue is full refuses at once instead of waiting. */
static int
connect_keeper(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address,
	                       sizeof(address)) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static bool
send_all(int fd, const char *text, size_t len, long deadline)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if ((n < 0 && errno != EAGAIN && errno != EINTR) ||
		           !ready(fd, POLLOUT, deadline)) {
			return false;
		}
	}
	return true;
}

/* Up to the end; a longer answer than there is room for is none. */
static bool
receive_all(int fd, char *text, size_t size, long deadline)
{
	size_t len = 0;

	while (len + 1 < size) {
		ssize_t n = recv(fd, text + len, size - 1 - len, 0);

		if (n == 0) {
			text[len] = '\0';
			return len > 0;
		}
		if (n > 0)
			len += (size_t)n;
		else if ((errno != EAGAIN && errno != EINTR) ||
		         !ready(fd, POLLIN, deadline))
			return false;
	}
	return false;
}

/* A user's key as a word of the request: every byte is %XX. */
static bool
make_request(char request[static REQUEST_SIZE], const char *user)
{
	int len = snprintf(request, REQUEST_SIZE, "env ");

	for (; *user != '\0' && len < REQUEST_SIZE - 8; user++)
		len += snprintf(request + len, 4, "%%%02x", (uint8_t)*user);
	(void)strcpy(request + len, "\n");
	return *user == '\0';
}

static struct json_object *
ask(const struct options *options, const char *user)
{
	long deadline = now_ms() + options->timeout_ms;
	char request[REQUEST_SIZE];
	char *text = malloc(ANSWER_MAX);
	int fd = connect_keeper(options->socket);
	struct json_object *answer = NULL;

	if (text != NULL && fd >= 0 && make_request(request, user) &&
	    send_all(fd, request, strlen(request), deadline) &&
	    receive_all(fd, text, ANSWER_MAX, deadline))
		answer = json_tokener_parse(text);
	if (fd >= 0)
		(void)close(fd);
	free(text);
	return answer;
}

/*
 * The session.
 */

static bool
is_true(struct json_object *row, const char *name)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(row, name, &value) &&
	       json_object_get_boolean(value);
}

static bool
is_target(struct json_object *row, const char *target)
{
	struct json_object *value = NULL;

	return target == NULL ||
	       (json_object_object_get_ex(row, "target", &value) &&
	        strcmp(json_object_get_string(value), target) == 0);
}

static int64_t
started_at(struct json_object *row)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(row, "started_at", &value)
	           ? json_object_get_int64(value)
	           : 0;
}

/* Borrowed from the answer; NULL: none that may be believed. */
static struct json_object *
newest(struct json_object *answer, const struct options *options)
{
	struct json_object *rows = NULL;
	struct json_object *best = NULL;

	if (!json_object_object_get_ex(answer, "sessions", &rows) ||
	    !json_object_is_type(rows, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (is_true(row, "local") && is_target(row, options->target) &&
		    (options->claimed || is_true(row, "authenticated")) &&
		    (best == NULL || started_at(row) > started_at(best)))
			best = row;
	}
	return best;
}

/* What the user or another module has set stays. */
static void
set_variables(pam_handle_t *pam, struct json_object *row)
{
	struct json_object *env = NULL;
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(row, "env", &env))
		return;
	for (size_t i = 0; i < VARIABLES; i++) {
		char *setting = NULL;

		if (pam_getenv(pam, variables[i]) != NULL ||
		    !json_object_object_get_ex(env, variables[i], &value))
			continue;
		if (asprintf(&setting, "%s=%s", variables[i],
		             json_object_get_string(value)) < 0)
			continue;
		(void)pam_putenv(pam, setting);
		free(setting);
	}
}

static bool
try_user(pam_handle_t *pam, const struct options *options, const char *user)
{
	struct json_object *answer = ask(options, user);
	struct json_object *row = newest(answer, options);

	if (row != NULL)
		set_variables(pam, row);
	(void)json_object_put(answer);
	return row != NULL;
}

/* DOMAIN\user is user@domain to the keeper, in lower case. */
static bool
make_key(const char *user, char *key, size_t size)
{
	const char *slash = strchr(user, '\\');
	int len = slash != NULL ? snprintf(key, size, "%s@%.*s", slash + 1,
	                                   (int)(slash - user), user)
	                        : snprintf(key, size, "%s", user);

	for (char *c = key; len > 0 && *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return len > 0 && (size_t)len < size;
}

static void
find_session(pam_handle_t *pam, const struct options *options)
{
	const struct timespec pause = {0, AGAIN_MS * 1000000L};
	long end = now_ms() + options->wait_ms;
	const char *user = NULL;
	char key[512];

	if (pam_get_user(pam, &user, NULL) != PAM_SUCCESS || user == NULL ||
	    !make_key(user, key, sizeof(key)))
		return;
	while (!try_user(pam, options, key) && now_ms() < end)
		(void)nanosleep(&pause, NULL);
}

int
pam_sm_open_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	struct options options = {
	    .socket = "/run/cardproxy/control.sock",
	    .timeout_ms = TIMEOUT_MS,
	};

	(void)flags;
	for (int i = 0; i < argc; i++)
		read_option(pam, &options, argv[i]);
	find_session(pam, &options);
	return PAM_SUCCESS;
}

/* Those that still lead into the view go. */
int
pam_sm_close_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	const char *set = pam_getenv(pam, "CARDPROXY_VIEW");
	char *view = set != NULL ? strdup(set) : NULL;

	(void)flags;
	(void)argc;
	(void)argv;
	for (size_t i = 0; view != NULL && i < VARIABLES; i++) {
		const char *value = pam_getenv(pam, variables[i]);

		if (value != NULL &&
		    (strncmp(value, view, strlen(view)) == 0 || i == 0))
			(void)pam_putenv(pam, variables[i]);
	}
	free(view);
	return PAM_SUCCESS;
}
