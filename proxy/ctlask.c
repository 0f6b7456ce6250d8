#include "ctlask.h"

#include "ctlline.h"
#include "ctlstore.h"
#include "log.h"
#include "request.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

enum ctlask_status
ctlask_no_daemon(const char *path)
{
	bool absent = errno == ENOENT || errno == ECONNREFUSED;

	(void)fprintf(stderr, "cardproxyctl: %s: %s%s\n", path, strerror(errno),
	              absent ? "; is cardproxyd running?" : "");
	return absent ? CTLASK_NO_DAEMON : CTLASK_REFUSED;
}

/*
 * The answer.
 */

enum ctlask_status
ctlask_refusal(struct json_object *error)
{
	char text[256];

	(void)log_printable(text, sizeof(text),
	                    wire_view_text(json_object_get_string(error)));
	(void)fprintf(stderr, "cardproxyctl: %s\n", text);
	return CTLASK_REFUSED;
}

/* Takes the document; line is the same as text, where there is one. */
static enum ctlask_status
show_document(struct json_object *document, const char *line,
              const struct ctlverb *verb, bool as_json)
{
	struct json_object *error = NULL;
	enum ctlask_status status = CTLASK_DONE;

	if (json_object_object_get_ex(document, "error", &error))
		status = ctlask_refusal(error);
	else if (as_json)
		(void)fputs(line, stdout);
	else if (!verb->show(document))
		status = CTLASK_REFUSED;
	(void)json_object_put(document);
	return fflush(stdout) == 0 ? status : CTLASK_REFUSED;
}

static enum ctlask_status
show_line(const char *line, const struct ctlverb *verb, bool as_json)
{
	struct json_object *document = json_tokener_parse(line);

	if (document == NULL) {
		(void)fprintf(stderr, "cardproxyctl: not an answer\n");
		return CTLASK_REFUSED;
	}
	return show_document(document, line, verb, as_json);
}

static enum ctlask_status
show_answer(FILE *daemon, const struct ctlverb *verb, bool as_json)
{
	enum ctlask_status status = CTLASK_DONE;
	char *line = NULL;
	size_t size = 0;
	int lines = 0;

	while (status == CTLASK_DONE && getline(&line, &size, daemon) > 0) {
		status = show_line(line, verb, as_json);
		lines++;
	}
	free(line);
	/* A watch ends with the daemon, perhaps before anything happened. */
	if (lines == 0 && verb->shape != CTLVERB_WATCH) {
		(void)fprintf(stderr, "cardproxyctl: the daemon closed the "
		                      "connection without an answer\n");
		return CTLASK_REFUSED;
	}
	return status;
}

/* One line, then the copy itself. */
static enum ctlask_status
take_copy(FILE *daemon, const struct ctloption_values *options,
          const char *path)
{
	struct json_object *document = NULL;
	struct json_object *error = NULL;
	enum ctlask_status status = CTLASK_REFUSED;
	char *line = NULL;
	size_t size = 0;
	bool ok;

	if (getline(&line, &size, daemon) > 0)
		document = json_tokener_parse(line);
	free(line);
	if (json_object_object_get_ex(document, "error", &error)) {
		status = ctlask_refusal(error);
	} else {
		ok = path != NULL
		         ? ctlstore_receive(document, daemon, path)
		         : ctlstore_check_running(
			       document, daemon,
			       ctloption_given(options, CTLOPTION_JSON));
		status = ok ? CTLASK_DONE : CTLASK_REFUSED;
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

enum ctlask_status
ctlask(const struct ctlverb *verb, const struct ctloption_values *options,
       const char *argument, const struct ctlimport *import)
{
	char line[REQUEST_LINE_MAX + 1];
	struct wire_out out = wire_out(line, sizeof(line));

	if (!ctlline_put(&out, verb, options, argument, import))
		return CTLASK_USAGE;
	FILE *daemon = connect_daemon(options->text[CTLOPTION_SOCKET]);

	if (daemon == NULL)
		return ctlask_no_daemon(options->text[CTLOPTION_SOCKET]);
	enum ctlask_status status = CTLASK_REFUSED;

	if (!send_request(daemon, wire_written(&out), import))
		(void)fprintf(stderr, "cardproxyctl: the daemon does not "
		                      "take the request\n");
	else if (verb->shape == CTLVERB_BACKUP || verb->shape == CTLVERB_CHECK)
		status = take_copy(daemon, options, argument);
	else
		status = show_answer(daemon, verb,
		                     ctloption_given(options, CTLOPTION_JSON));
	(void)fclose(daemon);
	return status;
}

struct json_object *
ctlask_fetch(const char *path, const char *request, const char *argument)
{
	char text[REQUEST_LINE_MAX + 1];
	struct wire_out out = wire_out(text, sizeof(text));
	struct json_object *document = NULL;
	FILE *daemon = connect_daemon(path);
	char *line = NULL;
	size_t size = 0;

	if (daemon == NULL) {
		(void)ctlask_no_daemon(path);
		return NULL;
	}
	wire_put_view(&out, wire_view_text(request));
	ctlline_put_word(&out, argument);
	wire_put_u8(&out, '\n');
	if (wire_out_ok(&out) && fwrite(text, 1, out.len, daemon) == out.len &&
	    fflush(daemon) == 0 && getline(&line, &size, daemon) > 0)
		document = json_tokener_parse(line);
	free(line);
	(void)fclose(daemon);
	if (document == NULL)
		(void)fprintf(stderr, "cardproxyctl: not an answer\n");
	return document;
}

enum ctlask_status
ctlask_show(struct json_object *document, const struct ctlverb *verb,
            bool as_json)
{
	enum ctlask_status status = CTLASK_REFUSED;
	const char *text = json_object_to_json_string_ext(
	    document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *line;

	if (asprintf(&line, "%s\n", text) < 0) {
		(void)json_object_put(document);
		return CTLASK_REFUSED;
	}
	status = show_document(document, line, verb, as_json);
	free(line);
	return status;
}
