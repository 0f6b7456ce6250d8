#include "control.h"

#include "admin.h"
#include "errand.h"
#include "log.h"
#include "socketfile.h"
#include "waste.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *address, int len, void *arg);
static void on_request(struct bufferevent *bev, void *arg);
static void on_body(struct bufferevent *bev, void *arg);
static errand_on_done on_errand_done;
static void on_more_input(struct bufferevent *bev, void *arg);
static void on_read_up(struct bufferevent *bev, void *arg);
static void on_taken(struct bufferevent *bev, void *arg);
static void on_sent(struct bufferevent *bev, void *arg);
static void on_closed(struct bufferevent *bev, short what, void *arg);
static void on_deadline(evutil_socket_t fd, short what, void *arg);

static const struct timeval request_time = {CONTROL_REQUEST_SECONDS, 0};
static const struct timeval answer_time = {CONTROL_ANSWER_SECONDS, 0};

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct control *control;
	struct bufferevent *bev;
	struct event *deadline; /* of the request; NULL: it is there */
	struct request request; /* whose body is awaited */
	struct errand *errand;  /* under way for it */
	uid_t uid;
	bool watching;
	size_t missed; /* events, since it was told */
	bool copying;  /* a backup: one at a time */
	int copy;      /* its file, while it is sent; -1: none */
};

struct control {
	struct event_base *base;
	struct evconnlistener *listener;
	struct report_source source;
	char *path; /* set once the socket is ours to remove */
	gid_t group;
	TAILQ_HEAD(, connection) connections;
	size_t count;
	size_t watchers;
	size_t copying;
	struct waste *waste; /* of copies that are over */
};

/*
 * Listening.
 */

static const char *
listen_at(struct control *control, const char *path)
{
	int fd;
	const char *fault = socketfile_bind(path, control->group, &fd);

	if (fault != NULL)
		return fault;
	control->path = strdup(path);
	control->listener =
	    evconnlistener_new(control->base, on_connection, control,
	                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
	                       CONTROL_CONNECTIONS_MAX, fd);
	if (control->listener != NULL)
		return NULL;
	(void)close(fd);
	return "cannot listen";
}

struct control *
control_new(struct event_base *base, const char *path, gid_t group,
            const struct report_source *source, const char **reason)
{
	struct control *control = calloc(1, sizeof(*control));

	*reason = "out of memory";
	if (control == NULL)
		return NULL;
	control->base = base;
	control->source = *source;
	control->group = group;
	TAILQ_INIT(&control->connections);
	control->waste = waste_new(base);
	if (control->waste != NULL)
		*reason = listen_at(control, path);
	if (*reason == NULL)
		return control;
	control_free(control);
	return NULL;
}

/*
 * A connection.
 */

static void
connection_free(struct connection *c)
{
	struct control *control = c->control;

	TAILQ_REMOVE(&control->connections, c, entry);
	control->count--;
	control->watchers -= c->watching ? 1 : 0;
	control->copying -= c->copying ? 1 : 0;
	errand_free(c->errand);
	if (c->deadline != NULL)
		event_free(c->deadline);
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	waste_take(control->waste, c->copy);
	free(c);
}

static bool
is_in_groups(int fd, gid_t group)
{
	gid_t groups[256];
	socklen_t len = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool
is_master(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static bool
may_ask(const struct control *control, int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	*uid = peer.uid;
	return is_master(peer.uid) || (control->group != (gid_t)-1 &&
	                               (peer.gid == control->group ||
	                                is_in_groups(fd, control->group)));
}

static bool
connection_start(struct connection *c, int fd)
{
	c->bev =
	    bufferevent_socket_new(c->control->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL) {
		(void)close(fd);
		return false;
	}
	c->deadline = event_new(c->control->base, -1, 0, on_deadline, c);
	if (c->deadline == NULL || event_add(c->deadline, &request_time) != 0)
		return false;
	bufferevent_setcb(c->bev, on_request, NULL, on_closed, c);
	/* More than a line and its end is never read. */
	bufferevent_setwatermark(c->bev, EV_READ, 0, REQUEST_LINE_MAX + 1);
	return bufferevent_enable(c->bev, EV_READ | EV_WRITE) == 0;
}

static void
on_connection(struct evconnlistener *listener, evutil_socket_t fd,
              struct sockaddr *address, int len, void *arg)
{
	struct control *control = arg;
	struct connection *c = NULL;
	uid_t uid = (uid_t)-1;

	(void)listener;
	(void)address;
	(void)len;
	if (!may_ask(control, fd, &uid))
		log_note(LOG_WARNING, "control-refused", "not a member");
	else if (control->count >= CONTROL_CONNECTIONS_MAX)
		log_note(LOG_WARNING, "control-refused", "too many");
	else
		c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->control = control;
	c->copy = -1;
	c->uid = uid;
	TAILQ_INSERT_TAIL(&control->connections, c, entry);
	control->count++;
	if (!connection_start(c, fd))
		connection_free(c);
}

/* Queue a document as one line; takes it. */
static bool
put_line(struct connection *c, struct json_object *document)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);
	const char *text =
	    document != NULL ? json_object_to_json_string_ext(
				   document, JSON_C_TO_STRING_PLAIN |
						 JSON_C_TO_STRING_NOSLASHESCAPE)
			     : NULL;
	bool ok = text != NULL && evbuffer_add_printf(output, "%s\n", text) > 0;

	(void)json_object_put(document);
	return ok;
}

/* The request is there, whole. */
static void
stop_deadline(struct connection *c)
{
	if (c->deadline != NULL)
		event_free(c->deadline);
	c->deadline = NULL;
}

/* The last line: when it has left, the connection is over. */
static void
answer(struct connection *c, struct json_object *document)
{
	stop_deadline(c);
	(void)bufferevent_disable(c->bev, EV_READ);
	bufferevent_setcb(c->bev, NULL, on_sent, on_closed, c);
	(void)bufferevent_set_timeouts(c->bev, NULL, &answer_time);
	if (!put_line(c, document))
		connection_free(c);
}

static void
watch(struct connection *c)
{
	stop_deadline(c);
	c->watching = true;
	c->control->watchers++;
	bufferevent_setcb(c->bev, on_more_input, on_read_up, on_closed, c);
}

/* Nothing more is read but the end, which ends the errand, too. */
static void
run_errand(struct connection *c)
{
	struct control *control = c->control;

	if (c->request.verb == REQUEST_STORE_BACKUP && control->copying > 0) {
		answer(c, report_error("another backup is being made"));
		return;
	}
	c->copying = c->request.verb == REQUEST_STORE_BACKUP;
	control->copying += c->copying ? 1 : 0;
	stop_deadline(c);
	bufferevent_setcb(c->bev, on_more_input, on_taken, on_closed, c);
	bufferevent_setwatermark(c->bev, EV_WRITE, ERRAND_WAITING_MAX / 2, 0);
	(void)bufferevent_set_timeouts(c->bev, NULL, &answer_time);
	const struct errand_order order = {
	    .base = control->base,
	    .waste = control->waste,
	    .source = &control->source,
	    .request = &c->request,
	    .uid = c->uid,
	    .to = bufferevent_get_output(c->bev),
	};

	c->errand = errand_new(&order, on_errand_done, c);
	if (c->errand == NULL)
		connection_free(c);
}

static void
serve(struct connection *c, struct wire_view body)
{
	if (c->request.verb == REQUEST_WATCH)
		watch(c);
	else if (errand_serves(c->request.verb))
		run_errand(c);
	else
		answer(c, admin_answer(&c->control->source, &c->request, body,
		                       c->uid));
}

/* The body may be there already: the loop tells of new bytes only. */
static void
await_body(struct connection *c)
{
	size_t len = c->request.body;

	bufferevent_setcb(c->bev, on_body, NULL, on_closed, c);
	bufferevent_setwatermark(c->bev, EV_READ, len, len + 1);
	on_body(c->bev, c);
}

static void
serve_line(struct connection *c, struct wire_view line)
{
	const char *fault = request_parse(line, &c->request);

	if (fault == NULL && request_is_privileged(c->request.verb) &&
	    !is_master(c->uid))
		fault = "only root and the user of the daemon may do that";
	if (fault != NULL)
		answer(c, report_error(fault));
	else if (c->request.body > 0)
		await_body(c);
	else
		serve(c, (struct wire_view){0});
}

static void
on_request(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	size_t len = 0;
	char *line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);

	if (line != NULL) {
		serve_line(c, (struct wire_view){(const uint8_t *)line, len});
		free(line);
	} else if (evbuffer_get_length(input) > REQUEST_LINE_MAX) {
		answer(c, report_error("the request is too long"));
	}
}

static void
on_body(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	size_t len = c->request.body;

	if (evbuffer_get_length(input) < len)
		return;
	const uint8_t *bytes = evbuffer_pullup(input, (ev_ssize_t)len);

	if (bytes != NULL)
		serve(c, (struct wire_view){bytes, len});
	else
		connection_free(c);
}

/* A watcher, and who waits for an errand, has nothing more to say. */
static void
on_more_input(struct bufferevent *bev, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(bev);

	(void)arg;
	(void)evbuffer_drain(input, evbuffer_get_length(input));
}

/* What the errand has to tell waits for room. */
static void
on_taken(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;

	(void)bev;
	errand_go_on(c->errand);
}

/* The buffer has the descriptor then, and closes it. */
static bool
send_copy(struct evbuffer *output, int fd, int64_t len)
{
	if (evbuffer_add_file(output, fd, 0, len) == 0)
		return true;
	(void)close(fd);
	return false;
}

/* The line first, then the copy: both leave before on_sent. */
static void
on_errand_done(void *arg, const struct errand_result *result)
{
	struct connection *c = arg;
	struct evbuffer *output = bufferevent_get_output(c->bev);

	(void)bufferevent_disable(c->bev, EV_READ);
	bufferevent_setcb(c->bev, NULL, on_sent, on_closed, c);
	bufferevent_setwatermark(c->bev, EV_WRITE, 0, 0);
	(void)bufferevent_set_timeouts(c->bev, NULL, &answer_time);
	bool ok = result->in_buffer || put_line(c, result->answer);

	if (result->fd >= 0) {
		c->copy = fcntl(result->fd, F_DUPFD_CLOEXEC, 0);
		ok = send_copy(output, result->fd, result->len) && ok;
	}
	if (!ok)
		connection_free(c);
}

static void
on_sent(struct bufferevent *bev, void *arg)
{
	(void)bev;
	connection_free(arg);
}

static void
on_closed(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	connection_free(arg);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	answer(arg, report_error("the request did not arrive in time"));
}

bool
control_is_watched(const struct control *control)
{
	return control != NULL && control->watchers > 0;
}

/* A watcher that does not keep up is let go, rather than held in memory. */
static void
tell(struct connection *c, struct json_object *news)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);

	if (evbuffer_get_length(output) > CONTROL_WATCH_BYTES ||
	    !put_line(c, json_object_get(news)))
		connection_free(c);
}

static void
tell_all(struct control *control, struct json_object *news,
         void (*each)(struct connection *c, struct json_object *news))
{
	struct connection *c = TAILQ_FIRST(&control->connections);

	while (c != NULL && news != NULL) {
		struct connection *next = TAILQ_NEXT(c, entry);

		if (c->watching)
			each(c, news);
		c = next;
	}
	(void)json_object_put(news);
}

void
control_tell(struct control *control, struct json_object *news)
{
	tell_all(control, news, tell);
}

/* Half of what may wait is for these, the rest for what must not be missed. */
static void
tell_or_count(struct connection *c, struct json_object *news)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);

	if (c->missed > 0 ||
	    evbuffer_get_length(output) > CONTROL_WATCH_BYTES / 2)
		c->missed++;
	else
		tell(c, news);
}

void
control_tell_each(struct control *control, struct json_object *news)
{
	tell_all(control, news, tell_or_count);
}

/* The watcher has read all there was. */
static void
on_read_up(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;

	(void)bev;
	if (c->missed == 0)
		return;
	struct json_object *news = report_missed(c->missed);

	c->missed = 0;
	if (!put_line(c, news))
		connection_free(c);
}

void
control_free(struct control *control)
{
	if (control == NULL)
		return;
	while (!TAILQ_EMPTY(&control->connections))
		connection_free(TAILQ_FIRST(&control->connections));
	waste_free(control->waste);
	if (control->listener != NULL)
		evconnlistener_free(control->listener);
	if (control->path != NULL)
		(void)unlink(control->path);
	free(control->path);
	free(control);
}
