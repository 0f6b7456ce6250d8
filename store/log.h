/*
 * The log: one event, one line, on standard error (plain text or JSON).
 *
 * An event is a name and a list of fields; a field is a key with a text, a
 * number or a short identifier in hexadecimal.  There is no function that takes
 * the body of a message: a PIN, a key or an APDU's data cannot be logged, at any
 * level.  Text from a peer, a server or a card is encoded here, once, so that
 * one event is always one line of printable ASCII.
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "wire.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };
enum log_form { LOG_PLAIN, LOG_JSON };

/* Set once when a process starts; the defaults are LOG_INFO and LOG_PLAIN. */
void log_setup(enum log_level level, enum log_form form);

/*
 * Who speaks, in every line that follows in this process: "gate", "keeper",
 * "session"; id is the session's id in hexadecimal or NULL.
 */
void log_identity(const char *role, const char *id);

/* Is this level written at all?  For events that are costly to put together. */
bool log_enabled(enum log_level level);

/*
 * One event under construction, on the caller's stack:
 *
 *	struct log_event ev = log_event(LOG_WARNING, "root-refused");
 *	log_text(&ev, "reader", reader->name);
 *	log_number(&ev, "bits", bits);
 *	log_write(&ev);
 *
 * Keys and names are literals.  A line is cut at LOG_LINE_MAX, never wrapped.
 */
enum { LOG_LINE_MAX = 1024 };
struct log_event {
	char line[LOG_LINE_MAX];
	size_t len;
	enum log_level level;
	bool wanted;
};

struct log_event log_event(enum log_level level, const char *name);
void log_text(struct log_event *ev, const char *key, const char *text);
void log_view(struct log_event *ev, const char *key, struct wire_view text);
void log_number(struct log_event *ev, const char *key, int64_t value);

/* An identifier such as a thumbprint, an ATR or a card id: at most 36 bytes. */
void log_id(struct log_event *ev, const char *key, const void *id, size_t len);
void log_write(struct log_event *ev);

/* Short form of an event with one field "what". */
void log_note(enum log_level level, const char *name, const char *what);

/*
 * Encode untrusted text for a log line, a table or a file's comment: printable
 * ASCII stays, all else (and '%') becomes %XX.  out is always terminated; what
 * does not fit is cut and ends in "...".  Returns out.
 */
char *log_printable(char *out, size_t size, struct wire_view text);

/* Lower-case hexadecimal; out holds 2 * len + 1 characters.  Returns out. */
char *log_hex(char *out, const void *data, size_t len);

#endif
