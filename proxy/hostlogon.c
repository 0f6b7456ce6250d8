#include "hostlogon.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LIBSYSTEMD
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/queue.h>
#include <systemd/sd-login.h>

#include "log.h"

/* What a session manager makes when it starts, as sd_booted(3) and PAM look. */
#define SEATS    "/run/systemd/seats/"
#define SESSIONS "/run/systemd/sessions/"

enum { FILE_MAX = 8192, USEC = 1000000 };

struct known {
	TAILQ_ENTRY(known) next;
	bool seen;
	struct hostlogon_entry entry;
};

struct hostlogon {
	sd_login_monitor *monitor;
	struct event *readable;
	const struct hostlogon_ops *ops;
	void *arg;
	size_t count;
	bool full; /* said so already */
	TAILQ_HEAD(, known) list;
};

static void on_readable(evutil_socket_t fd, short what, void *arg);

const char *
hostlogon_missing(void)
{
	if (access(SEATS, F_OK) != 0)
		return "no session manager (logind) runs on this host";
	return NULL;
}

/*
 * One log-on.
 */

static void
take_text(char *to, size_t size, char *text)
{
	if (text != NULL)
		(void)snprintf(to, size, "%s", text);
	free(text);
}

/* The value of a line KEY=value, "" where there is none. */
static void
find_value(const char *file, const char *key, char *value, size_t size)
{
	size_t key_len = strlen(key);
	const char *line = file;

	value[0] = '\0';
	while (line != NULL && *line != '\0') {
		const char *end = strchrnul(line, '\n');
		size_t len = (size_t)(end - line);

		if (len > key_len && strncmp(line, key, key_len) == 0 &&
		    len - key_len < size) {
			memcpy(value, line + key_len, len - key_len);
			value[len - key_len] = '\0';
			return;
		}
		line = *end == '\0' ? NULL : end + 1;
	}
}

/* What libsystemd tells from version 254 on only. */
static void
read_file(struct hostlogon_entry *e)
{
	char path[sizeof(SESSIONS) + HOSTLOGON_ID_MAX];
	char file[FILE_MAX], value[32];
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), SESSIONS "%s", e->id);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	len = read(fd, file, sizeof(file) - 1);
	(void)close(fd);
	file[len > 0 ? len : 0] = '\0';
	find_value(file, "USER=", e->user, sizeof(e->user));
	find_value(file, "LEADER=", value, sizeof(value));
	e->leader = (pid_t)strtol(value, NULL, 10);
	find_value(file, "REALTIME=", value, sizeof(value));
	e->since = (int64_t)(strtoull(value, NULL, 10) / USEC);
}

/* Is it a person's, and has not ended? */
static bool
is_live(const char *id)
{
	char *class = NULL, *state = NULL;
	bool live = sd_session_get_class(id, &class) >= 0 &&
	            strncmp(class, "user", 4) == 0 &&
	            sd_session_get_state(id, &state) >= 0 &&
	            strcmp(state, "closing") != 0;

	free(class);
	free(state);
	return live;
}

static bool
read_entry(const char *id, struct hostlogon_entry *e)
{
	char *text = NULL;

	*e = (struct hostlogon_entry){.leader = 0};
	if (strlen(id) >= sizeof(e->id) || strchr(id, '/') != NULL)
		return false;
	memcpy(e->id, id, strlen(id) + 1);
	if (!is_live(id) || sd_session_get_uid(id, &e->uid) < 0)
		return false;
	if (sd_session_get_service(id, &text) >= 0)
		take_text(e->service, sizeof(e->service), text);
	text = NULL;
	if (sd_session_get_display(id, &text) >= 0)
		take_text(e->display, sizeof(e->display), text);
	e->remote = sd_session_is_remote(id) > 0;
	read_file(e);
	return true;
}

/*
 * All of them.
 */

static struct known *
find(const struct hostlogon *h, const char *id)
{
	struct known *k;

	TAILQ_FOREACH (k, &h->list, next) {
		if (strcmp(k->entry.id, id) == 0)
			break;
	}
	return k;
}

static void
forget(struct hostlogon *h, struct known *k, bool tell)
{
	TAILQ_REMOVE(&h->list, k, next);
	h->count--;
	if (tell)
		h->ops->on_gone(h->arg, &k->entry);
	free(k);
}

static void
add(struct hostlogon *h, const struct hostlogon_entry *entry)
{
	struct known *k;

	if (h->count >= HOSTLOGON_MAX) {
		if (!h->full)
			log_note(LOG_WARNING, "host-logons",
			         "too many: further ones are not looked at");
		h->full = true;
		return;
	}
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return;
	k->seen = true;
	k->entry = *entry;
	TAILQ_INSERT_TAIL(&h->list, k, next);
	h->count++;
	h->ops->on_new(h->arg, &k->entry);
}

/* A session manager that was started again may use a name again. */
static void
look_at(struct hostlogon *h, const char *id)
{
	struct known *k = find(h, id);
	struct hostlogon_entry entry;

	if (!read_entry(id, &entry))
		return;
	if (k != NULL && k->entry.uid == entry.uid &&
	    k->entry.leader == entry.leader) {
		k->seen = true;
		return;
	}
	if (k != NULL)
		forget(h, k, true);
	add(h, &entry);
}

static void
scan(struct hostlogon *h)
{
	char **ids = NULL;
	struct known *k, *next;

	if (hostlogon_missing() != NULL || sd_get_sessions(&ids) < 0)
		return;
	TAILQ_FOREACH (k, &h->list, next)
		k->seen = false;
	for (size_t i = 0; ids != NULL && ids[i] != NULL; i++) {
		look_at(h, ids[i]);
		free(ids[i]);
	}
	free(ids);
	for (k = TAILQ_FIRST(&h->list); k != NULL; k = next) {
		next = TAILQ_NEXT(k, next);
		if (!k->seen)
			forget(h, k, true);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct hostlogon *h = arg;

	(void)fd;
	(void)what;
	(void)sd_login_monitor_flush(h->monitor);
	scan(h);
}

struct hostlogon *
hostlogon_new(struct event_base *base, const struct hostlogon_ops *ops,
              void *arg)
{
	struct hostlogon *h = NULL;

	if (hostlogon_missing() == NULL)
		h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	TAILQ_INIT(&h->list);
	h->ops = ops;
	h->arg = arg;
	if (sd_login_monitor_new("session", &h->monitor) >= 0)
		h->readable =
		    event_new(base, sd_login_monitor_get_fd(h->monitor),
		              EV_READ | EV_PERSIST, on_readable, h);
	if (h->readable == NULL || event_add(h->readable, NULL) != 0) {
		hostlogon_free(h);
		return NULL;
	}
	scan(h);
	return h;
}

void
hostlogon_free(struct hostlogon *h)
{
	if (h == NULL)
		return;
	while (!TAILQ_EMPTY(&h->list))
		forget(h, TAILQ_FIRST(&h->list), false);
	if (h->readable != NULL)
		event_free(h->readable);
	(void)sd_login_monitor_unref(h->monitor);
	free(h);
}

const struct hostlogon_entry *
hostlogon_find(const struct hostlogon *h, const char *id)
{
	const struct known *k = find(h, id);

	return k == NULL ? NULL : &k->entry;
}

void
hostlogon_each(const struct hostlogon *h,
               void (*each)(void *arg, const struct hostlogon_entry *entry),
               void *arg)
{
	const struct known *k;

	TAILQ_FOREACH (k, &h->list, next)
		each(arg, &k->entry);
}

#else

const char *
hostlogon_missing(void)
{
	return "built without libsystemd: the host's session manager is not "
	       "asked";
}

struct hostlogon *
hostlogon_new(struct event_base *base, const struct hostlogon_ops *ops,
              void *arg)
{
	(void)base;
	(void)ops;
	(void)arg;
	return NULL;
}

void
hostlogon_free(struct hostlogon *h)
{
	(void)h;
}

const struct hostlogon_entry *
hostlogon_find(const struct hostlogon *h, const char *id)
{
	(void)h;
	(void)id;
	return NULL;
}

void
hostlogon_each(const struct hostlogon *h,
               void (*each)(void *arg, const struct hostlogon_entry *entry),
               void *arg)
{
	(void)h;
	(void)each;
	(void)arg;
}

#endif
