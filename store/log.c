#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	ID_MAX = 36,       /* bytes of an identifier */
	VALUE_MAX = 256,   /* characters of one text, so that it leaves room */
	TAIL_LEN = 24 + 2, /* a last field about lost lines, then "}\n" */
	WAIT_MS = 10,      /* for a reader of the log that is behind */
	SHORT_ID_LEN = 8   /* of a session, in the plain form */
};

/* The process's voice: set when it starts, then only the count changes. */
static struct {
	enum log_level level;
	enum log_form form;
	uint32_t dropped; /* lines nobody took, since the last one written */
	char role[16];
	char id[2 * ID_MAX + 1];
} self = {.level = LOG_INFO, .form = LOG_PLAIN, .role = "cardproxy"};

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
    [LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
};

void
log_setup(enum log_level level, enum log_form form)
{
	self.level = level;
	self.form = form;
	tzset(); /* it opens a file once; a sandbox would refuse later */
}

void
log_identity(const char *role, const char *id)
{
	(void)log_printable(self.role, sizeof(self.role), wire_view_text(role));
	(void)log_printable(self.id, sizeof(self.id), wire_view_text(id));
}

bool
log_enabled(enum log_level level)
{
	return level <= self.level;
}

/* Append all of the text or, when it and the tail do not fit, nothing. */
static bool
put(struct log_event *ev, const char *text)
{
	size_t len = strlen(text);

	if (!ev->wanted || len > LOG_LINE_MAX - TAIL_LEN - ev->len)
		return false;
	memcpy(&ev->line[ev->len], text, len);
	ev->len += len;
	return true;
}

static void
put_time(struct log_event *ev)
{
	struct timespec now = {0};
	struct tm utc = {0};
	char text[32];
	char fraction[8];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	if (strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
		text[0] = '\0';
	(void)snprintf(fraction, sizeof(fraction), ".%03uZ",
	               (unsigned)(now.tv_nsec / 1000000) % 1000);
	(void)put(ev, text);
	(void)put(ev, fraction);
}

/*
 * Key and value go in together or not at all; the plain form quotes only what
 * would not read back as one word.
 */
static void
put_pair(struct log_event *ev, const char *key, const char *value, bool quoted)
{
	bool json = self.form == LOG_JSON;
	size_t before = ev->len;
	bool fits = put(ev, json ? ",\"" : " ") && put(ev, key) &&
	            put(ev, json ? "\":" : "=") &&
	            put(ev, quoted ? "\"" : "") && put(ev, value) &&
	            put(ev, quoted ? "\"" : "");

	if (!fits)
		ev->len = before;
}

static void
put_head_json(struct log_event *ev, const char *name)
{
	(void)put(ev, "{\"time\":\"");
	put_time(ev);
	(void)put(ev, "\"");
	put_pair(ev, "level", level_names[ev->level], true);
	put_pair(ev, "role", self.role, true);
	if (self.id[0] != '\0')
		put_pair(ev, "id", self.id, true);
	put_pair(ev, "event", name, true);
}

static void
put_head_plain(struct log_event *ev, const char *name)
{
	char id[SHORT_ID_LEN + 2];

	(void)snprintf(id, sizeof(id), "/%.*s", SHORT_ID_LEN, self.id);
	put_time(ev);
	(void)put(ev, " ");
	(void)put(ev, level_names[ev->level]);
	(void)put(ev, " ");
	(void)put(ev, self.role);
	(void)put(ev, self.id[0] == '\0' ? "" : id);
	(void)put(ev, " ");
	(void)put(ev, name);
}

struct log_event
log_event(enum log_level level, const char *name)
{
	struct log_event ev;

	ev.len = 0;
	ev.level = level;
	ev.wanted = log_enabled(level);
	if (!ev.wanted)
		return ev;
	if (self.form == LOG_JSON)
		put_head_json(&ev, name);
	else
		put_head_plain(&ev, name);
	return ev;
}

/* Both forms escape the same two characters: the rest is printable ASCII. */
static void
escape(char *out, const char *text)
{
	size_t used = 0;

	for (size_t i = 0; text[i] != '\0'; i++) {
		if (text[i] == '"' || text[i] == '\\')
			out[used++] = '\\';
		out[used++] = text[i];
	}
	out[used] = '\0';
}

void
log_view(struct log_event *ev, const char *key, struct wire_view text)
{
	char printable[VALUE_MAX + 1];
	char escaped[2 * VALUE_MAX + 1];
	bool word;

	if (!ev->wanted)
		return;
	(void)log_printable(printable, sizeof(printable), text);
	word = text.len > 0 && strpbrk(printable, " \"\\=") == NULL;
	escape(escaped, printable);
	put_pair(ev, key, escaped, self.form == LOG_JSON || !word);
}

void
log_text(struct log_event *ev, const char *key, const char *text)
{
	log_view(ev, key, wire_view_text(text));
}

void
log_number(struct log_event *ev, const char *key, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	put_pair(ev, key, text, false);
}

void
log_id(struct log_event *ev, const char *key, const void *id, size_t len)
{
	char text[2 * ID_MAX + 1];

	(void)log_hex(text, id, len > ID_MAX ? ID_MAX : len);
	log_text(ev, key, text);
}

/* What the tail was kept free for. */
static void
finish(struct log_event *ev)
{
	bool json = self.form == LOG_JSON;
	char tail[TAIL_LEN + 1];
	char lost[TAIL_LEN - 1] = "";

	if (self.dropped > 0)
		(void)snprintf(
		    lost, sizeof(lost), "%s%" PRIu32,
		    json ? ",\"dropped\":" : " dropped=", self.dropped);
	(void)snprintf(tail, sizeof(tail), "%s%s\n", lost, json ? "}" : "");
	memcpy(&ev->line[ev->len], tail, strlen(tail));
	ev->len += strlen(tail);
}

/*
 * One write for one line, so that the lines of several processes do not mix.
 * The descriptor is shared with others and stays as blocking as it was given
 * to us; a log that nobody reads must not stop a session.  A whole line fits
 * when poll says that there is room (PIPE_BUF is more).
 */
static bool
send_line(const struct log_event *ev)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t sent;

	if (poll(&out, 1, self.dropped == 0 ? WAIT_MS : 0) == 0)
		return false;
	do
		sent = write(STDERR_FILENO, ev->line, ev->len);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

void
log_write(struct log_event *ev)
{
	int saved = errno; /* who logs an error may still have to act on it */

	if (!ev->wanted)
		return;
	finish(ev);
	ev->wanted = false;
	if (send_line(ev))
		self.dropped = 0;
	else if (self.dropped < UINT32_MAX)
		self.dropped++;
	errno = saved;
}

void
log_note(enum log_level level, const char *name, const char *what)
{
	struct log_event ev = log_event(level, name);

	log_text(&ev, "what", what);
	log_write(&ev);
}

/* One byte of untrusted text as it may be shown; returns its length. */
static size_t
encode(char out[static 4], uint8_t byte)
{
	if (byte >= 0x20 && byte <= 0x7e && byte != '%') {
		out[0] = (char)byte;
		return 1;
	}
	out[0] = '%';
	out[1] = "0123456789ABCDEF"[byte >> 4];
	out[2] = "0123456789ABCDEF"[byte & 15];
	return 3;
}

char *
log_printable(char *out, size_t size, struct wire_view text)
{
	size_t used = 0;
	size_t whole = 0; /* the last place where "..." fits and cuts no %XX */
	bool cut = false;

	if (size == 0)
		return out;
	for (size_t i = 0; i < text.len && !cut; i++) {
		char piece[4];
		size_t len = encode(piece, text.data[i]);

		cut = len > size - 1 - used;
		len = cut ? 0 : len;
		memcpy(&out[used], piece, len);
		used += len;
		if (size - used > 3)
			whole = used;
	}
	if (cut) {
		for (used = whole; used < size - 1 && used < whole + 3; used++)
			out[used] = '.';
	}
	out[used] = '\0';
	return out;
}

char *
log_hex(char *out, const void *data, size_t len)
{
	struct wire_in in = wire_in(data, len);

	for (size_t i = 0; i < len; i++) {
		uint8_t byte = wire_u8(&in);

		out[2 * i] = "0123456789abcdef"[byte >> 4];
		out[2 * i + 1] = "0123456789abcdef"[byte & 15];
	}
	out[2 * len] = '\0';
	return out;
}
